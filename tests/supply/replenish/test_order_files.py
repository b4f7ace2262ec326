"""Proposals tried out, written, kept and judged; the command that does it all."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pandas as pd
import pytest

from ecops_lib.core.errors import FileError, ParameterError
from ecops_lib.core.language import reading
from ecops_lib.data.store import Store, create_store, open_store
from ecops_lib.supply.panel import Panel
from ecops_lib.supply.replenish import (
    OrderRules,
    judge_proposals,
    keep_proposal,
    propose_orders,
    simulate_proposal,
    write_orders,
)
from ecops_lib.supply.replenish.judgement import ProposalReview
from ecops_lib.supply.replenish.proposal import OrderProposal
from tests.supply.replenish.ordering_world import (
    AS_OF,
    ZONE,
    KnownForecast,
    fast,
    instant,
    nothing,
    purchase_orders,
    slow,
    tables,
    whole_table,
)

Ecops = Callable[..., tuple[int, str, str]]
LEADS = [12, 13, 14, 15, 16] * 4
RULES = OrderRules(futures=400)


def proposal_of(world: dict[str, Any], forecast: KnownForecast, **arguments: Any) -> OrderProposal:
    return propose_orders(
        world, as_of=AS_OF, forecast=forecast, rules=RULES, time_zone=ZONE, **arguments
    )


def texts(result: Any) -> dict[str, str]:
    return {finding.key: finding.text for finding in result.findings()}


# ---- tried out --------------------------------------------------------------------------


def steady(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray[Any, Any]:
    """Ten units each day, for certain."""
    return np.full(shape, 10.0)


def test_simulation_by_hand() -> None:
    """Ten a day, 50 on the shelf, orders take ten days for certain, a review each week.

    Without an order: 50 of 170 units until the next order is in on day 17. With 120 more on
    day 10: days 11 to 17 are served too.
    """
    world = tables(1, on_hand=50, purchases=purchase_orders([10] * 20))
    forecast = KnownForecast(draws=[steady], horizon=30)
    proposal = proposal_of(world, forecast, service=0.9)
    assert proposal.lines["quantity"].tolist() == [120]
    result = simulate_proposal(proposal, forecast, futures=50)
    frame = result.to_frame().set_index("arm")
    assert frame.loc["Without it", "fill_rate"] == pytest.approx(50 / 170)
    assert frame.loc["With the order", "fill_rate"] == pytest.approx(120 / 170)
    assert frame.loc["Without it", "lost_margin"] == pytest.approx(120 * 15)
    assert frame.loc["Difference", "short"] == pytest.approx(-70)
    without = sum([40, 30, 20, 10])
    rate = 10 * 0.2 / 365
    assert frame.loc["Without it", "holding"] == pytest.approx(without * rate)
    with_order = without + sum(range(50, 120, 10))
    assert frame.loc["With the order", "holding"] == pytest.approx(with_order * rate)
    days = result.days().set_index("day")["value"]
    assert days[AS_OF + dt.timedelta(days=11)] == pytest.approx(110 * 10)
    assert texts(result)["simulation/gain"].startswith(
        "Until the next order comes in 70.59% of demand is met with the order and 29.41% without "
        "it; margin saved less holding: +¥1,04"
    )
    assert texts(result)["simulation/stock"].startswith(
        "The order ties up most on 2026-10-11: stock is ¥1,100.00 at cost then"
    )
    assert result.chart() is not None


def test_an_order_that_cannot_pay_is_called_so() -> None:
    """The same order for goods that hardly earn: holding costs more than is saved."""
    world = tables(1, on_hand=170, cost=10.0, price=10.0001, purchases=purchase_orders([10] * 20))
    sheet = pd.DataFrame({"sku_id": ["S000"], "supplier_id": ["A"], "unit_cost": [10.0],
                          "minimum_quantity": [5000], "pack_size": [1]})  # fmt: skip
    world["sourcing"] = whole_table("sourcing", sheet)
    forecast = KnownForecast(draws=[fast], horizon=30)
    proposal = proposal_of(world, forecast, service=0.9)
    result = simulate_proposal(proposal, forecast, futures=100)
    [gain, *_] = result.findings()
    assert gain.level == "bad"
    assert "the order costs more than it saves: -¥" in gain.text


def test_open_orders_come_in_by_their_age() -> None:
    """Ordered nine days ago from a supplier who takes ten: in tomorrow, and sold then on."""
    bought = purchase_orders([10] * 20).to_dict("records")
    out = bought[-1] | {"purchase_id": "open", "quantity": 100, "done_at": None,
                        "ordered_at": instant(AS_OF - dt.timedelta(days=9))}  # fmt: skip
    world = tables(1, purchases=pd.DataFrame([*bought, out]))
    forecast = KnownForecast(draws=[steady], horizon=30)
    result = simulate_proposal(proposal_of(world, forecast, service=0.9), forecast, futures=50)
    days = result.days()["without"].tolist()
    assert days[:3] == [0.0, 900.0, 800.0]


def test_nothing_to_try() -> None:
    forecast = KnownForecast(draws=[nothing])
    world = tables(1, purchases=purchase_orders(LEADS))
    told = texts(simulate_proposal(proposal_of(world, forecast), forecast))
    assert told["simulation/gain"] == (
        "Nothing is expected to be asked for, so an order brings nothing."
    )
    full = KnownForecast(draws=[fast])
    stocked = tables(1, on_hand=9000, purchases=purchase_orders(LEADS))
    told = texts(simulate_proposal(proposal_of(stocked, full), full, futures=100))
    assert told["simulation/gain"] == (
        "Without an order 100.00% of demand is met until the next order comes in (100 futures)."
    )
    absent = proposal_of({"products": world["products"]}, forecast)
    result = simulate_proposal(absent, forecast)
    assert (result.absent(), result.findings(), result.chart()) == (absent.absent(), (), None)
    with pytest.raises(ParameterError, match="futures is 3"):
        simulate_proposal(absent, forecast, futures=3)


# ---- written ----------------------------------------------------------------------------


HOSTILE = "=cmd|' /C calc'!A0 ../../<b>\x07🐈"


def hostile_world() -> dict[str, Any]:
    sheet = pd.DataFrame({"sku_id": ["S000", "S001", "S002"], "supplier_id": ["A", "B", "C"],
                          "unit_cost": [10.0, 8, 1], "minimum_quantity": [0, 0, 0],
                          "pack_size": [12, 1, 1], "lead_days": [14.0] * 3})  # fmt: skip
    works = pd.DataFrame({"supplier_id": ["A", "B", "C"],
                          "supplier_name": [HOSTILE, "../../etc", "..\\..\\ETC"]})  # fmt: skip
    world = tables(3, purchases=purchase_orders(LEADS), sourcing=sheet, suppliers=works)
    goods = world["products"].to_pandas().assign(product_name=HOSTILE)
    return {**world, "products": whole_table("products", goods)}


def test_workbooks_hold_texts_and_numbers_only(tmp_path: Path) -> None:
    proposal = proposal_of(hostile_world(), KnownForecast(draws=[fast, fast, slow]), service=0.95)
    files = write_orders(proposal, tmp_path / "orders")
    names = {file.name for file in files}
    assert names == {
        "2026-09-30_cmd_C_calc_A0_b.xlsx", "2026-09-30_etc.xlsx", "2026-09-30_ETC_2.xlsx",
    }  # fmt: skip
    assert {file.parent for file in files} == {tmp_path / "orders"}
    book = openpyxl.load_workbook(files[0])
    sheet = book["Purchase order"]
    head = [cell.value for cell in sheet[1]]
    row = dict(zip(head, sheet[2], strict=True))
    [line] = [held for held in proposal.lines.itertuples() if held.sku_id == "S000"]
    assert row["Product"].data_type == "s"
    assert row["Product"].value.startswith("=cmd|")
    assert row["Units to order"].value == line.quantity
    assert row["Packs"].value == line.quantity / 12
    assert row["Amount"].value == pytest.approx(line.quantity * 10)
    assert row["Why"].value.endswith("Whole packs of 12.")
    total = dict(zip(head, sheet[3], strict=True))
    assert total["Amount"].value == pytest.approx(line.quantity * 10)
    assert not [c for sheet in book for row in sheet for c in row if c.data_type == "f"]
    notes = {row[0].value: row[1].value for row in book["Notes"]}
    assert notes["Supplier"].startswith("=cmd|")
    assert notes["Last day known"] == "2026-09-30"


def test_no_order_no_workbook(tmp_path: Path) -> None:
    proposal = proposal_of(tables(1, on_hand=9999), KnownForecast(draws=[slow]))
    assert write_orders(proposal, tmp_path) == ()
    (tmp_path / "file").write_text("")
    with pytest.raises(FileError, match="cannot be made"):
        write_orders(proposal, tmp_path / "file")


# ---- kept and judged --------------------------------------------------------------------


def proposals(rows: list[dict[str, Any]]) -> Any:
    """Kept lines: 100 expected (80 to 120) in 20 days, 50 to order."""
    usual = {"proposal_id": "p", "warehouse_id": "*", "supplier_id": "A", "quantity": 50,
             "position": 60.0, "days": 20.0, "expected": 100.0, "low": 80.0, "high": 120.0,
             "service_level": 0.95, "as_of": AS_OF - dt.timedelta(days=30)}  # fmt: skip
    return whole_table("proposals", pd.DataFrame([usual | row for row in rows]))


def judged(asked: list[float], *, empty: tuple[int, ...] = (), **others: Any) -> ProposalReview:
    """Lines of which ``asked`` units were asked for, evenly over their 20 days."""
    count = len(asked)
    ids = [f"S{place:03d}" for place in range(count)]
    world = tables(count, **others)
    world["proposals"] = proposals([{"sku_id": sku} for sku in ids])
    if empty:
        stock = world["inventory"].to_pandas()
        stock["on_hand"] = [0 if place in empty else 10 for place in range(count)]
        stock["day"] = AS_OF - dt.timedelta(days=20)
        world["inventory"] = whole_table("inventory", stock)
    values = np.zeros((count, 40))
    values[:, 10:30] = np.array(asked)[:, None] / 20
    values[:, 9] = values[:, 30] = 10**6
    start = AS_OF - dt.timedelta(days=39)
    panel = Panel(keys=pd.DataFrame({"sku_id": ids}), start=start, frequency="day", values=values)
    return judge_proposals(world, as_of=AS_OF, panel=panel, time_zone=ZONE)


def test_units_are_counted_over_the_days_that_were_promised() -> None:
    result = judged([100.0, 30.0, 150.0])
    assert result.lines["asked_for"].tolist() == pytest.approx([100, 30, 150])
    assert result.judged["verdict"].tolist() == ["inside", "less", "more"]
    assert result.judged["overstock"].tolist() == [0, 50 * 10, 0]
    assert texts(result)["proposals/interval"] == (
        "Of 3 proposed lines whose time has ended 3 can be judged: too few to tell whether the "
        "80 % intervals hold."
    )


@pytest.mark.parametrize(
    ("asked", "level", "words"),
    [
        ([100.0] * 16 + [30.0] * 4, "good", "as it should be."),
        ([100.0] * 10 + [30.0] * 5 + [170.0] * 5, "bad", "demand is less certain than"),
        ([100.0] * 30, "watch", "the intervals are wider than need be"),
    ],
)
def test_intervals_that_hold_and_those_that_do_not(
    asked: list[float], level: str, words: str
) -> None:
    [found] = [f for f in judged(asked).findings() if f.key == "proposals/interval"]
    assert found.level == level
    assert words in found.text


def test_bias_either_way_and_none() -> None:
    assert texts(judged([100.0] * 4))["proposals/bias"] == (
        "Asked for were 400 units, against 400 expected."
    )
    assert texts(judged([60.0] * 4))["proposals/bias"] == (
        "Asked for were only 240 units, against 400 expected: proposals were too high."
    )
    assert texts(judged([160.0] * 4))["proposals/bias"] == (
        "Asked for were 640 units, against only 400 expected: proposals were too low."
    )
    assert texts(judged([0.0] * 4))["proposals/bias"].startswith("Asked for were only 0 units")


def test_empty_shelves_and_overstock_are_told() -> None:
    result = judged([100.0] * 11 + [50.0], empty=tuple(range(6)))
    told = texts(result)
    assert told["proposals/out"] == (
        "6 of 12 lines had an empty shelf at times: 50.00% did not, where 95.00% was asked for."
    )
    assert told["proposals/overstock"] == (
        "1 line was ordered for demand that stayed below its interval: ¥300.00 too much at cost "
        "(Lamp 11)."
    )
    assert result.to_frame()["verdict"].tolist()[:6] == ["ran out"] * 6
    fine = texts(judged([100.0] * 4, empty=(), on_hand=5))
    assert fine["proposals/out"] == "None of 4 lines had an empty shelf."
    with reading("zh", "CNY"):
        assert texts(result)["proposals/out"] == (
            "12 条建议中有 6 条出现过断货：未断货的占 50.00%，要求为 95.00%。"
        )


def test_unknown_days_are_not_judged() -> None:
    world = tables(1)
    world["proposals"] = proposals([{"sku_id": "S000"}, {"sku_id": "gone", "proposal_id": "q"}])
    values = np.full((1, 40), 5.0)
    values[0, 15] = np.nan
    panel = Panel(
        keys=pd.DataFrame({"sku_id": ["S000"]}), start=AS_OF - dt.timedelta(days=39),
        frequency="day", values=values,
    )  # fmt: skip
    result = judge_proposals(world, as_of=AS_OF, panel=panel, time_zone=ZONE)
    assert result.lines["asked_for"].isna().all()
    assert set(result.to_frame()["verdict"]) <= {"cannot be told", "ran out"}


def test_days_that_overlap_are_judged_once() -> None:
    """Made 60, 50, 40 and 20 days ago for 20 days each: the one 50 days ago is left out."""
    world = tables(1)
    ago = [60, 50, 40, 20]
    world["proposals"] = proposals(
        [{"sku_id": "S000", "proposal_id": str(n), "as_of": AS_OF - dt.timedelta(days=n)}
         for n in ago]
    )  # fmt: skip
    panel = Panel(
        keys=pd.DataFrame({"sku_id": ["S000"]}), start=AS_OF - dt.timedelta(days=69),
        frequency="day", values=np.full((1, 70), 5.0),
    )  # fmt: skip
    result = judge_proposals(world, as_of=AS_OF, panel=panel, time_zone=ZONE)
    assert result.lines["proposal_id"].tolist() == ["60", "40", "20"]
    assert result.lines["asked_for"].tolist() == [100, 100, 100]


def test_what_is_not_over_yet_waits() -> None:
    world = tables(1)
    made = AS_OF - dt.timedelta(days=5)
    world["proposals"] = proposals([{"sku_id": "S000", "as_of": made}])
    panel = Panel(
        keys=pd.DataFrame({"sku_id": ["S000"]}), start=made, frequency="day",
        values=np.zeros((1, 6)),
    )  # fmt: skip
    result = judge_proposals(world, as_of=AS_OF, panel=panel, time_zone=ZONE)
    assert result.absent() == "No proposal has ended yet; the first can be judged on 2026-10-15."
    none = judge_proposals(tables(1), as_of=AS_OF, panel=panel, time_zone=ZONE)
    assert none.absent() == (
        "The store holds no proposed orders; import `ecops order`, which keeps what it proposed."
    )
    weekly = Panel(keys=panel.keys, start=made, frequency="week", values=np.zeros((1, 2)))
    with pytest.raises(ParameterError, match="must count by day"):
        judge_proposals(world, as_of=AS_OF, panel=weekly, time_zone=ZONE)


# ---- the command ------------------------------------------------------------------------


@pytest.fixture
def shop(tmp_path: Path) -> Store:
    """Ninety days of two SKUs, three and one a day, nearly out of stock."""
    store = create_store(tmp_path / "shop", name="Corner", key=b"k" * 32, time_zone=ZONE)
    orders, items = [], []
    for ago in range(90):
        at = instant(AS_OF - dt.timedelta(days=ago))
        for number, sku in enumerate(["S000"] * 3 + ["S001"]):
            name = f"{ago:03d}{number}"
            orders.append({"platform": "tmall", "order_id": name, "created_at": at,
                           "paid_at": at, "status": "paid", "ordered_amount": 25,
                           "paid_amount": 25})  # fmt: skip
            items.append({"platform": "tmall", "order_id": name, "line_id": "1",
                          "created_at": at, "sku_id": sku, "product_id": f"P{sku[1:]}",
                          "product_name": HOSTILE, "quantity": 1, "unit_price": 25,
                          "ordered_amount": 25, "paid_amount": 25})  # fmt: skip
    world = tables(2, on_hand=[4, 3], purchases=purchase_orders(LEADS))
    world["orders"] = whole_table("orders", pd.DataFrame(orders))
    world["order_items"] = whole_table("order_items", pd.DataFrame(items))
    with store.writing() as writer:
        for name, table in world.items():
            writer.upsert(name, table)
    return store


def test_order_writes_says_and_keeps(shop: Store, tmp_path: Path, ecops: Ecops) -> None:
    out = tmp_path / "out"
    code, said, err = ecops("order", "--store", shop.path, "--out", out, "--service", "0.9",
                            "--lang", "en")  # fmt: skip
    assert (code, err) == (0, "")
    files = sorted(out.glob("*.xlsx"))
    assert files
    assert f"order: {files[0]}" in said
    assert "Of 2 SKUs 2 are to be ordered after 2026-09-30" in said
    kept = open_store(shop.path).frame("proposals")
    assert kept["sku_id"].tolist() == ["S000", "S001"]
    assert (kept["quantity"] > 0).all()
    assert kept["service_level"].astype(float).tolist() == [0.9, 0.9]
    code, *_ = ecops("order", "--store", shop.path, "--out", out, "--budget", "0")
    assert code == 0
    again = open_store(shop.path).frame("proposals")
    assert again["quantity"].tolist() == [0, 0]


def test_order_refuses_in_one_sentence(shop: Store, tmp_path: Path, ecops: Ecops) -> None:
    code, said, err = ecops("order", "--store", shop.path, "--out", tmp_path, "--service", "95")
    assert (code, said) == (1, "")
    assert err == "ecops: service is 95.0; it must lie strictly between 0 and 1.\n"
    nothing_kept = keep_proposal(shop, proposal_of({}, KnownForecast(draws=[fast])))
    assert nothing_kept == 0
