"""Answers to competitors' moves: the arithmetic by hand, and what cannot be told."""

from __future__ import annotations

import datetime as dt
import math
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from ecops_lib.core.language import reading
from ecops_lib.market.events import CutEffects
from ecops_lib.market.launches import track_launches
from ecops_lib.market.matching import ItemMatches
from ecops_lib.market.prices import Elasticity, fill_basket
from ecops_lib.market.snapshots import read_snapshots
from ecops_lib.market.trends.responses import Responses, propose_responses

ZONE = "Asia/Shanghai"
FIRST, DAYS = dt.date(2026, 1, 1), 60
DAY = dt.timedelta(days=1)
PRICE, COST, UNITS, NAME = 100.0, 60.0, 4, "正山小种 250g"


def listings(prices: dict[str, Any], title: str) -> pa.Table:
    """Competitor A's items with a price each day; zero where it is not listed."""
    rows = [(FIRST + k * DAY, item, float(price)) for item, series in prices.items()
            for k, price in enumerate(np.broadcast_to(series, DAYS)) if price > 0]  # fmt: skip
    day, item, price = (list(column) for column in zip(*rows, strict=True))
    none, number = pa.nulls(len(rows), pa.string()), pa.nulls(len(rows), pa.float64())
    return pa.table({"day": day, "competitor": ["A"] * len(rows), "item_id": item,
                     "title": [title] * len(rows), "category": none, "our_product_id": none,
                     "price": price, "list_price": number, "rating": number,
                     "sales_counter": pa.nulls(len(rows), pa.int64()),
                     "review_count": pa.nulls(len(rows), pa.int64())})  # fmt: skip


def shop(costs: list[float | None], *, pairs: int = 0) -> dict[str, pa.Table]:
    """Four pieces of each product a day; in some orders the first two are bought together."""
    lines = [(f"{k}-{p}", f"P{p}", k) for k in range(DAYS) for p in range(len(costs))]
    lines += [(f"{k}-0", "P1", k) for k in range(DAYS - pairs, DAYS)]
    order, product, day = (list(column) for column in zip(*lines, strict=True))
    orders = sorted({(o, d) for o, d in zip(order, day, strict=True)})
    stamp = pa.timestamp("us", "UTC")
    noon = {d: dt.datetime.combine(FIRST + d * DAY, dt.time(4), dt.UTC) for d in range(DAYS)}
    paid = pa.array([noon[d] for _, d in orders], stamp)
    names = [f"P{p}" for p in range(len(costs))]
    return {
        "orders": pa.table({"platform": ["tmall"] * len(orders),
                            "order_id": [o for o, _ in orders],
                            "created_at": paid, "paid_at": paid}),
        "order_items": pa.table({"platform": ["tmall"] * len(lines), "order_id": order,
                                 "line_id": product,
                                 "product_id": product, "quantity": [UNITS] * len(lines),
                                 "paid_amount": [UNITS * PRICE] * len(lines)}),
        "products": pa.table({"platform": ["tmall"] * len(names), "product_id": names,
                              "product_name": [NAME] * len(names),
                              "unit_cost": pa.array(costs, pa.float64())}),
    }  # fmt: skip


def told(own: float | None, rival: float | None, *, wide: float = 0.0) -> Elasticity:
    rows = [
        {"price": name, "estimate": value or 0.0, "low": (value or 0.0) - wide,
         "high": (value or 0.0) + wide, "spread": 0.1, "told": value is not None}
        for name, value in (("own", own), ("rival", rival))
    ]  # fmt: skip
    return Elasticity(frame=pd.DataFrame(rows), products=9, sold=999.0)


def answer(
    prices: Any, elasticity: Elasticity | None, *, costs: list[float | None] | None = None,
    cuts: CutEffects | None = None, title: str = NAME, engine: Any = dict, pairs: int = 0,
) -> Responses:  # fmt: skip
    """Competitor A's item a0 is our product P0."""
    snapshots = read_snapshots(
        {"competitor_items": listings(prices, title)}, as_of=FIRST + 59 * DAY, time_zone=ZONE
    )
    frame = pd.DataFrame({
        "our_id": ["P0"], "their_id": ["A/a0"], "our_title": [NAME], "seller": ["A"],
        "their_title": [title], "chance": [1.0], "source": ["judged"],
    })  # fmt: skip
    matches = ItemMatches(frame=frame, candidates=frame, ours=1, theirs=1)
    tables = engine(shop(costs or [COST, COST], pairs=pairs))
    basket = fill_basket(tables, snapshots, matches, time_zone=ZONE)
    return propose_responses(
        tables, snapshots, matches, basket=basket, launches=track_launches(snapshots), cuts=cuts,
        elasticity=elasticity, time_zone=ZONE,
    )  # fmt: skip


CUT = {"a0": np.where(np.arange(DAYS) < 50, 100.0, 80.0)}


def money(held: Responses) -> dict[str, float]:
    return held.frame.set_index("answer")["money"].to_dict()


def test_the_arithmetic_is_that_of_the_elasticities() -> None:
    held = answer(CUT, told(-2.0, 0.5))
    base, lost, gained = 28 * UNITS, 0.8**0.5, 0.8**-2.0
    found = money(held)
    assert found["hold"] == pytest.approx(base * (lost - 1) * (PRICE - COST))
    assert found["match"] == pytest.approx(base * (lost * gained * (80 - COST) - (PRICE - COST)))
    rows = held.frame.set_index("answer")
    assert rows.loc["differentiate", "spend"] == pytest.approx((1 - lost) * (PRICE - COST))
    assert rows.loc["match", "given"] == pytest.approx(base * lost * 20)
    assert rows.loc["hold", "since"] == FIRST + 50 * DAY
    assert rows.loc["hold", "depth"] == pytest.approx(0.2)


def test_matching_is_proposed_where_it_is_surely_better() -> None:
    held = answer(CUT, told(-6.0, 1.0, wide=0.2))
    [finding] = held.findings()
    assert "Matching is surely better" in finding.text
    assert finding.action.text == "match the price, for as long as theirs lasts"
    assert finding.level == "watch"
    assert finding.money == pytest.approx(-money(held)["hold"])
    [worse] = answer(CUT, told(-1.0, 1.0, wide=0.2)).findings()
    assert "Matching is surely worse" in worse.text
    [open_] = answer(CUT, told(-4.0, 1.0, wide=4.0)).findings()
    assert "which is better cannot be told" in open_.text


def test_the_narrower_of_both_studies_counts() -> None:
    study = CutEffects(frame=pd.DataFrame(), effect=-0.3, low=-0.3, high=-0.3, p=0.01)
    held = answer(CUT, told(-2.0, 0.5, wide=1.0), cuts=study)
    assert money(held)["hold"] == pytest.approx(28 * UNITS * -0.3 * (PRICE - COST))
    untold = CutEffects(frame=pd.DataFrame(), effect=math.nan, low=math.nan, high=math.nan,
                        p=math.nan, untold="too few")  # fmt: skip
    exact = answer(CUT, told(-2.0, 0.5), cuts=untold)
    assert money(exact)["hold"] == pytest.approx(28 * UNITS * (0.8**0.5 - 1) * 40)


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"elasticity": None}, "what such moves do to our sales cannot be told"),
        ({"elasticity": told(None, None)}, "what such moves do to our sales cannot be told"),
        ({"elasticity": told(-2.0, 0.5), "costs": [None, None]}, "no unit cost is recorded"),
    ],
)
def test_without_evidence_no_money_is_told(options: dict[str, Any], why: str) -> None:
    held = answer(CUT, **options)
    assert held.frame["money"].isna().all()
    [finding] = held.findings()
    assert why in finding.text
    assert finding.money is None
    assert finding.action.text.startswith("hold the price, and try a service")


def test_without_our_own_elasticity_holding_is_told_and_matching_is_not() -> None:
    held = answer(CUT, told(None, 0.5))
    assert money(held)["hold"] < 0
    assert math.isnan(money(held)["match"])
    assert "what our own price does to our sales cannot be told" in held.findings()[0].text


def test_a_pack_of_another_size_is_compared_by_its_amount() -> None:
    held = answer(CUT, told(-2.0, 0.5), title="正山小种 125g")
    rows = held.frame.set_index("answer")
    assert rows.loc["hold", "depth"] == pytest.approx(0.2)
    assert rows.loc["match", "why"] == "dearer"


def test_a_cut_that_is_over_or_old_or_small_is_no_move() -> None:
    days = np.arange(DAYS)
    for prices in (
        np.where((days > 40) & (days < 50), 80.0, 100.0),
        np.where(days < 20, 100.0, 80.0),
        np.where(days < 50, 100.0, 95.0),
    ):
        held = answer({"a0": prices}, told(-2.0, 0.5))
        assert held.frame.empty
        assert held.findings()[0].text.endswith("there is nothing to answer.")


def test_a_launch_is_answered_by_a_variant_and_its_money_is_not_told() -> None:
    days = np.arange(DAYS)
    held = answer({"a0": np.where(days < 45, 0.0, 80.0), "a1": 50.0}, told(-2.0, 0.5))
    [finding] = held.findings()
    assert finding.text.startswith(f"{NAME}: A launched it on 2026-02-15.")
    assert finding.action.text == "hold the price, and answer with a variant of our own, as a test"
    assert held.frame["money"].isna().all()


def test_what_is_bought_together_is_proposed_as_a_bundle() -> None:
    held = answer(CUT, told(-1.0, 0.5), pairs=40, costs=[COST] * 3)
    assert held.findings()[0].action.text.startswith("hold the price, and try a bundle with “")


def test_hostile_names_are_escaped_and_words_are_translated() -> None:
    with reading("zh"):
        held = answer(CUT, told(-1.0, 1.0, wide=0.1))
        assert "跟价" in str(held)
    hostile = Responses(frame=held.frame.assign(product_name="<script>1</script>"))
    assert "<script>1" not in hostile._repr_html_()


def test_engines_agree_on_answers(light_engine: Any) -> None:
    one, two = (
        answer(CUT, told(-2.0, 0.5, wide=0.3), engine=e, pairs=40) for e in (light_engine, dict)
    )
    pd.testing.assert_frame_equal(one.frame, two.frame)
