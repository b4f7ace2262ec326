"""The decision memo end to end: planted tests in, the right verdict out."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest

from ecops_lib import experiments, open_store
from ecops_lib.core.language import reading
from ecops_lib.data.demo import Truths, write_demo
from ecops_lib.data.imports import import_files
from ecops_lib.data.store import Store, create_store
from ecops_lib.reports.runner import RunResult, run_notebook
from tests.warm import warm

DAY = dt.date(2026, 10, 27)
WINNER, NULL, COSTLY, UNEVEN = "详情页首屏测试", "商品标题测试", "限时倒计时测试", "主图测试"


def make_shop(folder: Path, truths: Truths) -> Store:
    """Nine months of the demo shop: those that its four tests fall in."""
    shop = write_demo(folder, months=9, orders=12_500, truths=truths)
    create_store(folder / "store", name="店", key=b"k" * 32, tests=shop.tests)
    import_files([shop.exports], store=folder / "store")
    return open_store(folder / "store")


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return make_shop(tmp_path_factory.mktemp("tested"), Truths())


def memo_of(shop: Store, name: str) -> experiments.Memo:
    return experiments.read_out(experiments.Experiment(shop, name, day=DAY))


def test_planted_verdicts(shop: Store) -> None:
    held = {name: memo_of(shop, name) for name in (WINNER, NULL, COSTLY, UNEVEN)}
    assert held[WINNER].decision == "ship"
    assert held[NULL].decision == "stop"
    assert held[NULL].verdict.reason in {"small", "not_shown"}
    assert held[COSTLY].verdict.reason == "guardrail"
    assert held[UNEVEN].decision == "do_not_trust"


def test_uneven_split_names_its_culprit(shop: Store) -> None:
    trial = experiments.Experiment(shop, UNEVEN, day=DAY)
    [check] = trial.health.red
    assert check.key == "sample_ratio"
    with reading("en", "CNY"):
        assert "“安卓”: 新主图 has" in check.text


def test_what_came_later_is_not_looked_at(shop: Store) -> None:
    early = experiments.Experiment(shop, WINNER, day=dt.date(2026, 4, 5))
    assert early.joined.prepared.last <= dt.date(2026, 4, 5)
    end = early.joined.data_end
    assert end is not None
    assert end < dt.datetime(2026, 4, 5, 16, tzinfo=dt.UTC)
    assert experiments.read_out(early).decision in {"keep_running", "ship"}


@pytest.fixture(scope="module", params=["zh", "en"])
def page(request: pytest.FixtureRequest, shop: Store, tmp_path_factory: Any) -> RunResult:
    return run_notebook(
        "ab_test",
        store=shop.path,
        out=tmp_path_factory.mktemp("out"),
        parameters={"lang": request.param, "experiment": UNEVEN},
        made_at="2026-10-28T08:00",
        managers=warm,
    )


def test_page_shows_no_effect_of_a_test_that_must_not_be_trusted(page: RunResult) -> None:
    shown = page.page.read_text("utf-8")
    findings = json.loads((page.folder / "findings.json").read_text("utf-8"))["findings"]
    lead = findings[0] if findings[0]["key"].startswith("experiment/") else findings[1]
    assert lead["text"].startswith(("结果不可信", "Do not trust"))
    assert not any(f["key"].startswith(("sequential", "bayes", "money")) for f in findings)
    assert "安卓" in shown
    assert ("测试未通过检查" in shown) or ("health forbids it" in shown)
