"""Strengths, weaknesses, opportunities and threats: each line from a section, none invented."""

from __future__ import annotations

import datetime as dt
import math
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from ecops_lib.core.errors import MissingDataError
from ecops_lib.core.language import reading
from ecops_lib.core.results import Result
from ecops_lib.core.sections import Unshown
from ecops_lib.market.events import CutEffects
from ecops_lib.market.launches import Launches
from ecops_lib.market.matching import ItemMatches
from ecops_lib.market.prices import Basket, PriceGaps, PriceIndex, Promotions
from ecops_lib.market.snapshots import Snapshots, read_snapshots
from ecops_lib.market.trends import (
    MarketTrends,
    MovementShare,
    OutOfStock,
    RatingGap,
    Responses,
    RuleChanges,
    SearchTerms,
    compare_ratings,
    find_products_out,
    sum_up_market,
)
from ecops_lib.market.trends.summary import READERS, SIDES

DAY = dt.date(2026, 6, 1)
ZONE = "Asia/Shanghai"


def evidence(sign: float) -> list[Result]:
    """One result of each kind, for us (1), against us (−1) or telling nothing (0)."""
    apart = {"low": sign * 0.2 - 0.1, "high": sign * 0.2 + 0.1}
    basket = Basket(pairs=pd.DataFrame({"ratio": [1.0]}), unlike=0, unpriced=0)
    gap = pd.DataFrame({"gap": [0.3 if sign < 0 else 0.0], "sales": [100.0]})
    share = pd.DataFrame({"name": ["i · c"], "gap": [sign * 0.2], "money": [sign * 50.0],
                          "q": [0.01 if sign else 0.5]})  # fmt: skip
    trend = pd.DataFrame({"name": ["i · c"], "basis": ["year"], "growth": [sign * 0.2],
                          "broke": [DAY], "shift": [sign * 0.3], "q": [0.01 if sign else 0.5],
                          "drift": [False], **apart})  # fmt: skip
    term = pd.DataFrame({"term": ["<b>茶</b>"], "growth": [sign * 0.5], "low": [sign * 0.4],
                         "way": ["rising" if sign > 0 else "falling" if sign < 0 else ""],
                         "products": [0 if sign > 0 else 1], "sales": [10.0],
                         "try_on": ["x"]})  # fmt: skip
    launched = pd.DataFrame(
        {"competitor": ["A"], "launched": [3.0 * (sign < 0)], "gone": [2.0 * (sign > 0)]}
    )
    promoted = pd.DataFrame({"competitor": ["A"], "now": [0.5 * (sign < 0)], "share": [0.1]})
    rule = pd.DataFrame({"figure": ["Visitors"], "rule": ["r"], "event_id": ["E"], "day": [DAY],
                         "effect": [sign * 0.2], "q": [0.01 if sign else 0.5]})  # fmt: skip
    hold = pd.DataFrame({"answer": ["hold"], "competitor": ["A"], "since": [DAY], "kind": ["cut"],
                         "product_name": ["p"], "product_id": ["P"], "depth": [0.2],
                         "money": [-70.0], "high": [-1.0]})  # fmt: skip
    out = pd.DataFrame({"sales": [30.0]})
    return [
        PriceIndex(frame=pd.DataFrame(), market=1 + 0.2 * sign, basket=basket),
        PriceGaps(frame=gap, owner="x"),
        MovementShare(frame=share, span=56, last=DAY, apart=()),
        MarketTrends(frame=trend, span=56, last=DAY, refused=0),
        SearchTerms(frame=term, span=56, rate=0.1, last=DAY),
        Launches(frame=launched, items=pd.DataFrame(), grown=(), last=DAY),
        Promotions(frame=promoted, floors=pd.DataFrame()),
        CutEffects(frame=pd.DataFrame({"money": [90.0]}), effect=sign * 0.2, p=0.01, **apart),
        RuleChanges(frame=rule, rate=0.1),
        Responses(frame=hold if sign < 0 else hold.head(0)),
        RatingGap(frame=pd.DataFrame(), gap=sign * 0.2, **apart),
        OutOfStock(frame=out if sign < 0 else out.head(0), day=DAY, known=3),
    ]


def sides(*results: Result) -> dict[str, list[str]]:
    held = sum_up_market(*results)
    return {name: [line.source for line in held.side(name)] for name in SIDES}


def test_every_kind_of_section_has_a_reader_that_the_example_uses() -> None:
    assert {type(result) for result in evidence(1)} == set(READERS)


def test_what_speaks_for_us_is_strength_or_opportunity() -> None:
    assert sides(*evidence(1)) == {
        "strength": ["We and the industry", "Price index", "Stars beside competitors'"],
        "weakness": [],
        "opportunity": ["The industry", "The industry", "Search terms", "Launches", "Rule changes"],
        "threat": [],
    }


def test_reversing_the_truth_reverses_the_side() -> None:
    held = sides(*evidence(-1))
    assert (held["strength"], held["opportunity"]) == ([], [])
    assert held["weakness"] == [
        "We and the industry", "Price gaps", "Out of stock here, listed there", "Price index",
        "Search terms", "Stars beside competitors'",
    ]  # fmt: skip
    assert sorted(held["threat"]) == sorted([
        "Competitors' cuts and our sales", "Answers to competitors' moves", "The industry",
        "The industry", "Launches", "Competitors' promotions", "Rule changes",
    ])  # fmt: skip


def test_where_no_section_tells_anything_each_side_says_so() -> None:
    held = sum_up_market(*evidence(0), Unshown(why="no data"))
    assert held.lines == ()
    frame = held.to_frame()
    assert frame["text"].tolist() == ["no section of this page tells of one"] * 4
    assert "(1 had no data): strengths 0, weaknesses 0" in held.findings()[0].text


def test_figures_are_those_of_the_sections_and_names_are_escaped() -> None:
    held = sum_up_market(*evidence(-1))
    told = {line.source: (line.figure, line.money) for line in held.lines}
    assert told["Price gaps"] == ("1", pytest.approx(30.0))
    assert told["Competitors' cuts and our sales"] == ("-20.00%", pytest.approx(90.0))
    assert told["Answers to competitors' moves"] == ("20.00%", pytest.approx(70.0))
    assert "<b>" not in held._repr_html_()
    with reading("zh"):
        assert held.to_frame()["side"].iloc[0] == "优势"


NAMES = [f"P{k}" for k in range(8)]


def listed(stars: Any) -> tuple[Snapshots, ItemMatches]:
    """Competitor A lists each of eight products of ours, with stars."""
    text = pa.nulls(len(NAMES), pa.string())
    table = pa.table({
        "day": [DAY] * 8, "competitor": ["A"] * 8, "item_id": NAMES, "title": NAMES,
        "category": text, "our_product_id": text, "price": [9.0] * 8,
        "list_price": pa.nulls(8, pa.float64()), "sales_counter": pa.nulls(8, pa.int64()),
        "review_count": pa.nulls(8, pa.int64()), "rating": pa.array(stars, pa.float64()),
    })  # fmt: skip
    frame = pd.DataFrame({"our_id": NAMES, "their_id": [f"A/{n}" for n in NAMES]}).assign(
        our_title=NAMES, seller="A", their_title="", chance=1.0, source="judged"
    )
    seen = read_snapshots({"competitor_items": table}, as_of=DAY, time_zone=ZONE)
    return seen, ItemMatches(frame=frame, candidates=frame, ours=8, theirs=8)


def reviews(mean: float, each: int = 20) -> dict[str, pa.Table]:
    """Reviews of each product, half a star above and below a mean that differs by product."""
    rows = [(name, mean + 0.05 * place + (0.5 if k % 2 else -0.5))
            for place, name in enumerate(NAMES) for k in range(each)]  # fmt: skip
    noon = dt.datetime(2026, 5, 1, 4, tzinfo=dt.UTC)
    return {"reviews": pa.table({
        "platform": ["tmall"] * len(rows), "review_id": [str(k) for k in range(len(rows))],
        "product_id": [name for name, _ in rows], "rating": [star for _, star in rows],
        "created_at": pa.array([noon] * len(rows), pa.timestamp("us", "UTC")),
    })}  # fmt: skip


def test_stars_are_compared_product_by_product() -> None:
    """Student's t over the eight differences, by hand."""
    held = compare_ratings(reviews(4.0), *listed([4.5] * 8), as_of=DAY, time_zone=ZONE)
    gaps = np.array([-0.5 + 0.05 * k for k in range(8)])
    far = 2.364624 * gaps.std(ddof=1) / math.sqrt(8)
    assert (held.gap, held.low, held.high) == pytest.approx(
        (gaps.mean(), gaps.mean() - far, gaps.mean() + far), abs=1e-5
    )
    assert held.findings()[0].text.startswith("Our 8 matched products have 0.33 stars less than")
    more = compare_ratings(reviews(4.0), *listed([3.5] * 8), as_of=DAY, time_zone=ZONE)
    assert "stars more than" in more.findings()[0].text
    even = compare_ratings(reviews(4.0), *listed([4.2] * 8), as_of=DAY, time_zone=ZONE)
    assert "as far as can be told" in even.findings()[0].text


def test_too_few_reviews_or_no_stars_tell_nothing() -> None:
    held = compare_ratings(reviews(4.0, each=5), *listed([4.5] * 8), as_of=DAY, time_zone=ZONE)
    assert held.findings()[0].text.startswith("Stars cannot be compared: 0 matched products")
    with pytest.raises(MissingDataError, match="shows stars"):
        compare_ratings(reviews(4.0), *listed([None] * 8), as_of=DAY, time_zone=ZONE)
    with pytest.raises(MissingDataError):
        compare_ratings({}, *listed([4.5] * 8), as_of=DAY, time_zone=ZONE)


def stock(on_hand: list[int]) -> dict[str, pa.Table]:
    """Two warehouses; the second is empty. The day before there was plenty."""
    rows = [(day, house, name, count if house == "w1" else 0)
            for day, extra in ((DAY, 0), (DAY - dt.timedelta(days=1), 9))
            for name, have in zip(NAMES, on_hand, strict=False)
            for house, count in (("w1", have + extra), ("w2", 0))]  # fmt: skip
    day, house, name, count = (list(column) for column in zip(*rows, strict=True))
    return {"inventory": pa.table({"day": day, "warehouse_id": house, "sku_id": name,
                                   "product_id": name, "on_hand": count})}  # fmt: skip


def test_products_out_are_those_with_nothing_in_any_warehouse() -> None:
    held = find_products_out(stock([0, 3, 0]), *listed([4.5] * 8), as_of=DAY, time_zone=ZONE)
    assert held.frame["product_id"].tolist() == ["P0", "P2"]
    assert held.known == 3
    assert held.findings()[0].text.startswith("2 of 3 matched products are out of stock")
    full = find_products_out(stock([5, 3, 4]), *listed([4.5] * 8), as_of=DAY, time_zone=ZONE)
    assert full.findings()[0].text.startswith("None of 3 matched products is out of stock")
    with pytest.raises(MissingDataError, match="No stock of a product"):
        find_products_out(stock([1]), *listed([4.5] * 8), as_of="2026-01-01", time_zone=ZONE)


def test_engines_agree_on_standing(light_engine: Any) -> None:
    tables = {**reviews(4.0), **stock([0, 3, 0])}
    seen, matches = listed([4.5] * 8)
    for study in (compare_ratings, find_products_out):
        one, two = (
            study(t, seen, matches, as_of=DAY, time_zone=ZONE)
            for t in (light_engine(tables), tables)
        )
        pd.testing.assert_frame_equal(one.to_frame(), two.to_frame())
