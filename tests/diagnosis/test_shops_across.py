"""A batch of two shops end to end: what they share is found, and neither page knows the other."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest
from shop import DAY, Plant, make_shop

from ecops_lib.data.store import open_store
from ecops_lib.reports.batch import Limits, Plan, Run, Task, run_batch
from ecops_lib.reports.batch.across import SHOPS_PAGE
from ecops_lib.reports.batch.worker import CAN_FORK

NAMES = ("Alphateashop", "Betalampshop")
pytestmark = pytest.mark.skipif(not CAN_FORK, reason="this system cannot fork processes")


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Two shops that lost the same channel on the same day."""
    folder = tmp_path_factory.mktemp("shops")
    for number, name in enumerate(NAMES):
        store = make_shop(folder / name, seed=number + 1, plant=Plant(channel=0.3))
        file = store.path / "store.toml"
        file.write_text(file.read_text("utf-8").replace("Test shop", name), "utf-8")
        assert open_store(store.path).settings.name == name
    tasks = tuple(
        Task(notebook="daily_review", store=str(folder / name), parameters={"lang": "en"})
        for name in NAMES
    )
    plan = Plan(name="two", tasks=tasks)
    return run_batch(plan, out=folder / "out", limits=Limits(jobs=2), made_at="2026-10-29T08:00")


def test_what_both_shops_lost_is_shared(ran: Run) -> None:
    html = (ran.folder / SHOPS_PAGE).read_text("utf-8")
    shops = f"in 2 of 2 shops on {DAY} ({', '.join(NAMES)})"
    assert f"fewer visitors from 直通车: {shops}" in html
    assert f"ad spend: keyword ads (around a fall): {shops}" in html


def test_sales_and_rates_stand_beside_one_another(ran: Run) -> None:
    html = (ran.folder / SHOPS_PAGE).read_text("utf-8")
    assert "CNY: 2 shops sold" in html
    assert "Rates of eight weeks" in html
    for report in ran.reports.values():
        told = json.loads((ran.out / report["folder"] / "findings.json").read_text("utf-8"))
        figures = {(f["kind"], f["key"]): f for f in told["figures"]}
        sales, rate = figures["expected", "paid_amount"], figures["rate", "conversion_rate"]
        assert sales["low"] < sales["expected"] < sales["high"]
        assert rate["low"] < rate["value"] < rate["high"]
        assert f"¥{sales['value']:,.2f}" in html


def words_of(file: Path) -> str:
    """All text of a file; of a workbook that of its parts."""
    if not zipfile.is_zipfile(file):
        return file.read_text("utf-8")
    with zipfile.ZipFile(file) as parts:
        return "".join(parts.read(name).decode() for name in parts.namelist())


def test_a_shop_s_own_pages_hold_nothing_of_the_other(ran: Run) -> None:
    for report in ran.reports.values():
        [other] = [name for name in NAMES if name != report["shop"]]
        files = list((ran.out / report["folder"]).iterdir())
        assert len(files) == 5
        for file in files:
            text = words_of(file)
            assert report["shop"] in text or file.suffix in {".json", ".xlsx"}
            assert other not in text


def test_the_lists_lead_to_the_page(ran: Run) -> None:
    assert f'href="{SHOPS_PAGE}"' in (ran.folder / "index.html").read_text("utf-8")
    overview = (ran.out / "runs" / "index.html").read_text("utf-8")
    assert f'href="{ran.name}/{SHOPS_PAGE}"' in overview
