"""Scores, segments and moves: a slow oracle in five engines, the laws, a published case."""

from __future__ import annotations

import datetime as dt
import json
from collections import Counter, defaultdict
from collections.abc import Callable
from decimal import Decimal
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from ecops_lib.core.errors import MissingDataError, ParameterError
from ecops_lib.core.language import reading
from ecops_lib.customers import (
    Cuts,
    make_tiers,
    score_customers,
    segment_customers,
    trace_moves,
)
from ecops_lib.customers.rfm import rank_cuts, score_by_cuts
from ecops_lib.customers.segments import GROUPS, SHOPIFY
from ecops_lib.data.store import Store
from tests.customers.test_purchases import AS_OF, ZONE, Oracle, Row, make_rows, to_arrow

Engine = Callable[[dict[str, Any]], dict[str, Any]]
START = dt.date(2026, 2, 16)
TIERS = make_tiers(high_value=120.0, active_days=15, new_days=5)


def slow_tier(first: dt.date, last: dt.date, amount: Decimal, day: dt.date) -> str:
    if (day - first).days <= 5:
        return "new"
    active, high = (day - last).days <= 15, amount >= 120
    return {(1, 1): "core", (0, 1): "potential", (1, 0): "common", (0, 0): "asleep"}[active, high]


def slow_scores(values: list[float]) -> list[int]:
    """By mean rank of equal values, from the definition."""
    ranks = [sum(v < x for v in values) + (sum(v == x for v in values) - 1) / 2 for x in values]
    return [max(1, int(np.ceil(5 * r / (len(values) - 1)))) for r in ranks]


@pytest.mark.parametrize("seed", [1, 2])
def test_every_engine_scores_as_the_slow_oracle(engine: Engine, seed: int) -> None:
    rows = make_rows(seed)
    scores = score_customers(engine(to_arrow(rows)), as_of=AS_OF, time_zone=ZONE)
    oracle = Oracle(make_rows(seed), AS_OF)
    told = [oracle.row(buyer) for buyer in sorted(oracle.days)]
    frame = scores.customers()
    assert list(frame["buyer_key"]) == sorted(oracle.days)
    recency = [(AS_OF - row[1]).days for row in told]
    assert list(frame["recency"]) == recency
    assert list(frame["age"]) == [(AS_OF - row[0]).days for row in told]
    assert list(frame["orders"]) == [row[3] for row in told]
    assert list(frame["net_amount"]) == [row[6] for row in told]
    assert list(frame["r"]) == [6 - score for score in slow_scores(recency)]
    assert list(frame["f"]) == slow_scores([row[3] for row in told])
    assert list(frame["m"]) == slow_scores([row[6] for row in told])
    assert scores.apart.unknown_orders == len(oracle.unknown)
    assert scores.apart.unknown_amount == float(sum(oracle.unknown))
    assert scores.apart.refunded_orders == len(oracle.refunded)
    assert scores.apart.untold_orders == oracle.untold


def test_segments_and_those_apart_are_all_that_was_paid(engine: Engine) -> None:
    rows = make_rows(3)
    oracle = Oracle(rows, AS_OF)
    kept = [net for days in oracle.days.values() for held in days.values() for net, _ in held]
    whole = sum([*kept, *oracle.unknown, *oracle.refunded])
    whole -= sum(back for buyer, back in oracle.orderless.items() if buyer in oracle.days)
    scores = score_customers(engine(to_arrow(rows)), as_of=AS_OF, time_zone=ZONE)
    for by in ("tiers", "groups", "shopify"):
        segments = segment_customers(scores, by=by)  # type: ignore[arg-type]
        assert sum(held.customers for held in segments.sums) == len(oracle.days)
        frame = segments.to_frame().set_index("segment")
        parts = frame.drop(index="Total")
        assert sum(Decimal(str(v)) for v in parts["amount"]) == whole
        assert Decimal(str(frame.loc["Total", "amount"])) == whole
        assert parts["orders"].sum() == frame.loc["Total", "orders"]
        assert parts["amount_share"].sum() == pytest.approx(1)


def test_tiers_and_moves_are_the_slow_oracles_in_every_engine(engine: Engine) -> None:
    rows = make_rows(2)
    for refund in rows["refunds"]:  # all known by the end, as the moves look back from there
        refund["order_id"] = refund["order_id"] or "0001"
    oracle, tables = Oracle(rows, AS_OF), engine(to_arrow(rows))
    moves = trace_moves(tables, start=START, end=AS_OF, tiers=TIERS, time_zone=ZONE)
    early = START - (AS_OF - START)
    counts: Counter[tuple[str, str]] = Counter()
    money: dict[tuple[str, str], list[Decimal]] = defaultdict(lambda: [Decimal(0)] * 2)
    for days in oracle.days.values():
        spent = {day: sum((net for net, _ in held), Decimal(0)) for day, held in days.items()}
        now = slow_tier(min(days), max(days), sum(spent.values(), Decimal(0)), AS_OF)
        past = {day: net for day, net in spent.items() if day <= START}
        was = "nobody"
        if past:
            was = slow_tier(min(past), max(past), sum(past.values(), Decimal(0)), START)
        counts[was, now] += 1
        before = sum((net for day, net in past.items() if day > early), Decimal(0))
        after = sum((net for day, net in spent.items() if day > START), Decimal(0))
        money[was, now] = [a + b for a, b in zip(money[was, now], (before, after), strict=True)]
    held = moves.frame.set_index(["from_key", "to_key"])
    unknown = held.loc[("unknown", "unknown")]
    held = held.drop(index=("unknown", "unknown"))
    assert held["customers"].to_dict() == counts
    assert len(counts) > 8
    assert {"nobody", "new"} <= {was for was, _ in counts}
    for key, (before, after) in money.items():
        assert tuple(held.loc[key, ["before", "after"]]) == (float(before), float(after))
    assert unknown["before"] + unknown["after"] <= float(sum(oracle.unknown))
    scores = score_customers(tables, as_of=AS_OF, time_zone=ZONE)
    now_sums = segment_customers(scores, tiers=TIERS).sums
    by_now = held.groupby("to_key")["customers"].sum()
    for rule, held_now in zip(TIERS.rules, now_sums, strict=True):
        assert by_now.get(rule.key, 0) == held_now.customers
    square = moves.matrix().to_frame()
    assert square["all"].sum() == len(oracle.days)


def test_every_score_has_exactly_one_group() -> None:
    r, f, m = np.array(list(product(range(1, 6), repeat=3))).T
    fields = {"r": r, "f": f, "fm": (f + m) / 2, "recency": r}
    for segmentation in (GROUPS, SHOPIFY):
        held = segmentation.assign(fields)
        assert set(held) == set(range(len(segmentation.rules)))


def test_rules_that_overlap_are_refused() -> None:
    broken = type(GROUPS)(key="groups", label="x", rules=GROUPS.rules[:-1])
    with pytest.raises(ParameterError, match="1 customers into no segment or into several"):
        broken.assign({"r": np.array([1]), "f": np.array([1]), "recency": np.array([1])})


def test_equal_customers_get_equal_scores() -> None:
    values = np.array([1] * 60 + [2] * 25 + [9] * 15)
    scores = score_by_cuts(values, rank_cuts(values))
    assert [set(scores[values == v]) for v in (1, 2, 9)] == [{2}, {4}, {5}]


def shop(*orders: tuple[str | None, int, str], refunds: tuple[Row, ...] = ()) -> dict[str, Any]:
    """Orders as (buyer, days before the last day, amount)."""
    noon = dt.datetime(2026, 4, 10, 4, tzinfo=dt.UTC)
    rows = [
        {"platform": "tmall", "order_id": f"{i}", "buyer_key": buyer,
         "created_at": noon - dt.timedelta(days=ago), "paid_at": noon - dt.timedelta(days=ago),
         "ordered_amount": Decimal(amount), "paid_amount": Decimal(amount)}
        for i, (buyer, ago, amount) in enumerate(orders)
    ]  # fmt: skip
    return to_arrow({"orders": rows, **({"refunds": list(refunds)} if refunds else {})})


def score(tables: dict[str, pa.Table], **options: Any) -> Any:
    return score_customers(tables, as_of=AS_OF, time_zone=ZONE, **options)


def test_own_cut_points_include_their_ends() -> None:
    cuts = Cuts(recency=(0, 10, 20, 30), frequency=(1, 2, 3, 4), monetary=(5, 10, 20, 50))
    held = score(shop(("a", 0, "5"), ("b", 10, "5.01"), ("c", 31, "50"), ("d", 20, "50.01")),
                 cuts=cuts).customers()  # fmt: skip
    assert held[["r", "f", "m"]].to_numpy().tolist() == [[5, 1, 1], [4, 1, 2], [1, 1, 4], [3, 1, 5]]
    with pytest.raises(ParameterError, match=r"cuts\.monetary is .* give four rising numbers"):
        Cuts(recency=(1, 2, 3, 4), frequency=(1, 2, 3, 4), monetary=(1, 2, 2, float("nan")))


def test_one_customer_and_customers_all_the_same() -> None:
    alone = score(shop(("a", 40, "9.99")))
    assert (alone.r[0], alone.f[0], alone.m[0]) == (3, 3, 3)
    same = score(shop(*((f"b{i}", 40, "9.99") for i in range(7))))
    assert set(same.r) | set(same.f) | set(same.m) == {3}
    tiers = segment_customers(same)
    assert [held.customers for held in tiers.sums] == [7, 0, 0, 0, 0]
    assert "every customer counts as new" not in str(tiers)
    young = segment_customers(score(shop(("a", 9, "1"), ("b", 8, "2"))))
    assert [held.customers for held in young.sums] == [0, 0, 0, 0, 2]
    assert "The orders begin on 2026-04-01, so every customer counts as new" in str(young)


def test_nobody_known_is_said() -> None:
    with pytest.raises(MissingDataError, match="import orders that name their buyers"):
        score(shop((None, 1, "5"), (None, 2, "6")))
    with pytest.raises(MissingDataError, match="no known buyer has bought by 2026-04-10"):
        score(shop())
    with pytest.raises(MissingDataError, match="no known buyer"):
        trace_moves(shop((None, 1, "5")), start=START, end=AS_OF, tiers=TIERS, time_zone=ZONE)
    with pytest.raises(ParameterError, match="start must be earlier"):
        trace_moves(shop(("a", 1, "5")), start=AS_OF, end=AS_OF, tiers=TIERS, time_zone=ZONE)


def test_more_given_back_than_spent_is_shown_as_it_is() -> None:
    back = {"platform": "tmall", "refund_id": "r", "order_id": None, "buyer_key": "a",
            "finished_at": dt.datetime(2026, 4, 9, tzinfo=dt.UTC), "amount": Decimal("30"),
            "status": "success"}  # fmt: skip
    nobody = {**back, "refund_id": "s", "buyer_key": "stranger", "amount": Decimal("7")}
    held = score(shop(("a", 40, "10"), ("b", 40, "5"), refunds=(back, nobody)))
    assert list(held.customers()["net_amount"]) == [-20.0, 5.0]
    assert (held.loose_refunds, held.loose_amount) == (1, 7.0)
    frame = segment_customers(held).to_frame()
    assert frame["amount"].iloc[-1] == -15.0
    assert frame["amount_share"].isna().all()
    assert "1 refund (¥7.00) names neither an order nor a customer" in str(held)


def test_the_words_follow_the_money() -> None:
    quiet = shop(*((f"q{i}", 200, "100") for i in range(3)), ("a", 60, "20"))
    tiers = make_tiers(high_value=50.0)
    [first, *_] = segment_customers(score(quiet), tiers=tiers).findings()
    assert first.key == "segment/tiers/potential"
    assert first.text == (
        "Potential: 3 customers (75.00%) have brought ¥300.00, 93.75% of all; one more order of "
        "each, like their earlier ones, is worth ¥300.00."
    )
    assert (first.level, first.money) == ("watch", 300.0)
    awake = shop(*((f"q{i}", 60, "100") for i in range(3)), ("a", 200, "20"))
    [first, *_] = segment_customers(score(awake), tiers=tiers).findings()
    assert (first.key, first.level) == ("segment/tiers/core", "good")
    late = make_tiers(high_value=50.0, active_days=150)
    gone = trace_moves(quiet, start="2026-01-10", end=AS_OF, tiers=late, time_zone=ZONE)
    assert [f.key for f in gone.findings()] == ["moves/core/potential", "moves/total"]
    short = trace_moves(quiet, start="2025-10-10", end=AS_OF, tiers=late, time_zone=ZONE)
    assert [f.key for f in short.findings()] == ["moves/new/asleep+potential", "moves/short"]
    assert short.to_frame()["change"].isna().all()
    with reading("zh"):
        assert "3位客户" in segment_customers(score(quiet), tiers=tiers).findings()[0].text


def _sheets(shared: Path) -> list[Any]:
    import pandas as pd

    folder = shared / "online_retail_ii"
    return [pd.read_parquet(folder / f"year_{y}.parquet") for y in ("2009_2010", "2010_2011")]


@pytest.mark.realdata
def test_the_measured_case_of_online_retail_is_met(shared: Path) -> None:
    """Positive lines with a customer of the second sheet, as the case was measured."""
    [case] = json.loads((shared.parent / "cases" / "rfm.json").read_text("utf-8"))["cases"]
    expected, lines = case["expected"], _sheets(shared)[1]
    lines = lines[lines["origin"] == "UCI352"].dropna(subset="Customer ID")
    lines = lines[(lines["Quantity"] > 0) & (lines["Price"] > 0)]
    assert len(lines) == expected["rows"]
    lines = lines.assign(buyer=lines["Customer ID"].astype(int).astype(str),
                         paid=(lines["Quantity"] * lines["Price"]).round(4))  # fmt: skip
    orders = lines.groupby(["buyer", "InvoiceDate"], as_index=False)["paid"].sum()
    rows = [
        {"platform": "x", "order_id": f"{i}", "buyer_key": buyer,
         "created_at": at.tz_localize("UTC"), "paid_at": at.tz_localize("UTC"),
         "ordered_amount": Decimal(f"{paid:.4f}"), "paid_amount": Decimal(f"{paid:.4f}")}
        for i, (buyer, at, paid) in enumerate(orders.itertuples(index=False))
    ]  # fmt: skip
    held = score_customers(to_arrow({"orders": rows}), as_of="2011-12-09", ties="even",
                           time_zone="UTC")  # fmt: skip
    frame = held.customers()
    code = [f"{r}{f}{m}" for r, f, m in frame[["r", "f", "m"]].itertuples(index=False)]
    most = frame["net_amount"].sort_values(ascending=False)
    seen = {
        "rows": len(lines),
        "customers": len(frame),
        "R_mean": frame["recency"].mean(),
        "R_median": frame["recency"].median(),
        "F_mean": frame["orders"].mean(),
        "F_max": frame["orders"].max(),
        "M_sum": frame["net_amount"].sum(),
        "M_median": frame["net_amount"].median(),
        "n555": code.count("555"),
        "n111": code.count("111"),
        "top_decile_share": most.head(len(most) // 10).sum() / most.sum(),
    }
    assert seen == pytest.approx(expected, rel=case["tolerance"])


@pytest.mark.realdata
def test_online_retail_from_a_store_is_the_slow_oracles(
    shared: Path, online_retail: tuple[object, Store]
) -> None:
    """All customers and all lines without one, invoice by invoice."""
    import pandas as pd

    scores = score_customers(online_retail[1], as_of="2011-12-09")
    first, second = _sheets(shared)
    again = set(second["Invoice"])
    sheets = pd.concat([first[~first["Invoice"].isin(again)], second])
    assert sheets["Customer ID"].nunique() == 5_942
    columns = (
        sheets[name] for name in ("Invoice", "InvoiceDate", "Customer ID", "Quantity", "Price")
    )
    assert first["Customer ID"].isna().sum() + second["Customer ID"].isna().sum() == 243_007
    sold: dict[str, tuple[Any, dt.date, Decimal]] = {}
    for invoice, moment, buyer, quantity, price in zip(*columns, strict=True):
        if quantity > 0:
            amount = (Decimal(str(price)) * quantity).quantize(Decimal("0.0001"))
            _, _, before = sold.get(invoice, (None, None, Decimal(0)))
            sold[invoice] = (buyer, moment.date(), before + amount)
    sold = {name: held for name, held in sold.items() if held[2]}  # of nothing: not paid
    unknown = [amount for buyer, _, amount in sold.values() if pd.isna(buyer)]
    assert scores.apart.unknown_orders == len(unknown)
    assert scores.apart.unknown_amount == float(sum(unknown))
    known: dict[int, list[tuple[dt.date, Decimal]]] = defaultdict(list)
    for buyer, day, amount in sold.values():
        if not pd.isna(buyer):
            known[int(buyer)].append((day, amount))
    end = dt.date(2011, 12, 9)
    told = sorted(((end - max(d for d, _ in held)).days, len(held)) for held in known.values())
    assert sorted(zip(scores.people.recency, scores.people.orders, strict=True)) == told
    for by in ("tiers", "groups", "shopify"):
        segments = segment_customers(scores, by=by)  # type: ignore[arg-type]
        assert sum(held.customers for held in segments.sums) == len(known)
        parts = sum(held.mils for held in segments.sums)
        assert parts == scores.people.mils.sum()
