"""Exposure logs: known by their header, and a results sheet through mapping.toml."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from ecops_lib.data.imports import import_files
from ecops_lib.data.store import create_store, open_store
from ecops_lib.experiments import Experiment
from ecops_lib.experiments.exposures import prepare_units
from ecops_lib.experiments.plan import make_plan

LATER = dt.date(2026, 12, 31)
MAPPING = """
[[file]]
match = "customers.parquet"
table = "experiments"
[file.columns]
unit_key = "#row"
variant = "segment"
segment = "channel"
visits = "visit"
converted = "conversion"
paid_amount = "spend"
previous_amount = "history"
[file.constants]
experiment_id = "e-mail"
exposed_at = "2008-03-20T00:00:00+00:00"
"""

CHINESE = """访客编号,分组,曝光时间,落地页,是否成交,支付金额
张三,对照组,2026-11-01 10:00:00,旧页面,是,12.50
李四,实验组,2026-11-01 10:00:01,新页面,否,0
李四,实验组,2026-11-02 09:00:00,新页面,是,30
,实验组,2026-11-02 09:00:00,新页面,是,30
"""


def test_a_log_in_chinese(tmp_path: Path) -> None:
    file = tmp_path / "详情页测试.csv"
    file.write_text(CHINESE, "utf-8")
    create_store(tmp_path / "S", name="Shop", key=b"k" * 32)
    result = import_files([file], store=tmp_path / "S")
    store = open_store(tmp_path / "S")
    rows = store.frame("experiments").sort_values("exposed_at").to_dict("records")
    assert [row["variant"] for row in rows] == ["对照组", "实验组", "实验组"]
    assert {row["experiment_id"] for row in rows} == {"详情页测试"}
    assert str(rows[0]["exposed_at"]) == "2026-11-01 02:00:00+00:00"
    assert rows[0]["unit_key"] not in {"张三", None}
    assert float(rows[2]["paid_amount"]) == 30
    assert rows[2]["converted"]
    assert "1 refused" in str(result)
    plan = make_plan("详情页测试", {"control": "对照组", "shares": {"对照组": 0.5, "实验组": 0.5}})
    facts = Experiment(store, day=LATER, plan=plan).facts
    assert facts.variant("实验组").total("paid_amount") == 30
    assert facts.variant("实验组").n == 1


def test_an_english_log_with_its_own_test_column(tmp_path: Path) -> None:
    file = tmp_path / "log.csv"
    file.write_text(
        "experiment,user_id,variant,timestamp\nhero,7,A,2026-11-01T10:00:00Z\n", "utf-8"
    )
    create_store(tmp_path / "S", name="Shop", key=b"k" * 32)
    import_files([file], store=tmp_path / "S")
    [row] = open_store(tmp_path / "S").frame("experiments").to_dict("records")
    assert (row["experiment_id"], row["variant"]) == ("hero", "A")
    assert str(row["exposed_at"]) == "2026-11-01 10:00:00+00:00"


@pytest.mark.realdata
def test_udacity_as_it_is(shared: Path, tmp_path: Path) -> None:
    import_files([shared / "udacity_ab" / "ab_data.parquet"], store=tmp_path / "S")
    store = open_store(tmp_path / "S")
    assert store.count("experiments") == 294_478
    shares = {"control": 0.5, "treatment": 0.5}
    plan = make_plan("ab_data", {"control": "control", "shares": shares})
    units = prepare_units(store.scan("experiments"), plan=plan, zone=store.zone)
    assert units.rows["mismatched"] == 3893
    assert units.count == 290_584
    facts = Experiment(store, day=LATER, plan=plan).facts
    assert facts.variant("control").total("converted") == pytest.approx(17_489)
    assert facts.variant("treatment").total("converted") == pytest.approx(17_264)


@pytest.mark.realdata
def test_hillstrom_through_a_mapping(shared: Path, tmp_path: Path) -> None:
    mapping = tmp_path / "mapping.toml"
    mapping.write_text(MAPPING, "utf-8")
    file = shared / "hillstrom" / "customers.parquet"
    for _ in range(2):  # a second time changes nothing
        import_files([file], store=tmp_path / "S", mapping=mapping)
    store = open_store(tmp_path / "S")
    assert store.count("experiments") == 64_000
    none, mens, womens = "No E-Mail", "Mens E-Mail", "Womens E-Mail"
    plan = make_plan(
        "e-mail",
        {
            "control": none,
            "shares": dict.fromkeys((none, mens, womens), 1 / 3),
            "secondary": ["visits_per_visitor", "paid_amount_per_visitor"],
        },
    )
    held = Experiment(store, day=LATER, plan=plan)
    assert held.known == ("previous_amount",)
    rates = {name: held.facts.variant(name) for name in plan.variants}
    assert {name: round(100 * m.average("converted"), 2) for name, m in rates.items()} == {
        none: 0.57,
        mens: 1.25,
        womens: 0.88,
    }
    assert {name: round(100 * m.average("visits"), 2) for name, m in rates.items()} == {
        none: 10.62,
        mens: 18.28,
        womens: 15.14,
    }
