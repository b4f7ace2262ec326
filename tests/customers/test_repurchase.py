"""Both rates called 复购率, and the time between purchases."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Callable
from decimal import Decimal
from math import isnan
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from customer_shop import ZONE, day, make_shop, to_table

from ecops_lib.core.errors import MissingDataError
from ecops_lib.core.language import reading
from ecops_lib.customers import compare_cohorts, compare_repurchase, find_lapsed, time_between
from ecops_lib.customers.curves import fit_curve

Engine = Callable[[dict[str, Any]], dict[str, Any]]
Row = tuple[Any, ...]


def random_rows(seed: int) -> list[Row]:
    rng = random.Random(seed)
    buyers = (None, *(f"b{i}" for i in range(60)))
    return [(rng.choice(buyers), rng.randrange(310), rng.randrange(1, 9)) for _ in range(500)]


def days_of(rows: list[Row], as_of: int) -> dict[str, list[int]]:
    held: dict[str, set[int]] = {}
    for buyer, when, _ in rows:
        if buyer and when <= as_of:
            held.setdefault(buyer, set()).add(when)
    return {buyer: sorted(when) for buyer, when in held.items()}


def test_every_engine_gives_both_rates_of_the_definition(engine: Engine) -> None:
    rows, as_of = random_rows(1), 300
    bought = days_of(rows, as_of).values()

    def buyers(start: int, end: int, *, least: int = 1) -> set[int]:
        counts = [sum(start <= d <= end for d in held) for held in bought]
        return {place for place, n in enumerate(counts) if n >= least}

    held = compare_repurchase(engine(make_shop(rows)), as_of=day(as_of), **ZONE)
    assert [(r.rate, r.days) for r in held.rates] == [
        ("repeat", 30), ("repeat", 90), ("repurchase", 30), ("repurchase", 90),
    ]  # fmt: skip
    for rate in held.rates:
        n = rate.days
        now, before = (as_of - n + 1, as_of), (as_of - 2 * n + 1, as_of - n)
        assert rate.again_start == day(now[0])
        if rate.rate == "repeat":
            assert (rate.start, rate.end) == (day(now[0]), day(now[1]))
            assert rate.buyers == len(buyers(*now))
            assert rate.again == len(buyers(*now, least=2)) > 0
            assert rate.again_before == len(buyers(*before, least=2))
        else:
            assert (rate.start, rate.end) == (day(before[0]), day(before[1]))
            assert rate.buyers == len(buyers(*before))
            assert rate.again == len(buyers(*before) & buyers(*now)) > 0
            long_before = (as_of - 3 * n + 1, as_of - 2 * n)
            assert rate.buyers_before == len(buyers(*long_before))
            assert rate.again_before == len(buyers(*long_before) & buyers(*before))


def moving(first: int, second: int) -> list[Row]:
    """100 buyers of each 30-day window, of whom so many buy in it twice."""
    rows: list[Row] = [("old", 0, 5)]
    for start, twice in ((31, first), (61, second)):
        for n in range(100):
            rows.append((f"{start}-{n}", start, 5))
            if n < twice:
                rows.append((f"{start}-{n}", start + 3, 5))
    return rows


def test_the_sentence_turns_with_the_rate() -> None:
    def words(first: int, second: int) -> str:
        held = compare_repurchase(make_shop(moving(first, second)), as_of=day(90), **ZONE)
        return held.findings()[0].text

    head = (
        "Repeat rate in one window of 30 days: of 100 buyers from 2025-03-03 to 2025-04-01, {} "
        "bought on two days or more, {}.00%"
    )
    assert words(20, 60).startswith(head.format(60, 60))
    assert words(20, 60).endswith(
        "It rose from 20.00% one window earlier (by +26.77 pp to +51.25 pp)."
    )
    assert "It fell from 60.00% one window earlier" in words(60, 20)
    assert "It was 20.00% one window earlier, no difference beyond chance" in words(20, 21)


def test_both_rates_are_named_in_chinese() -> None:
    with reading("zh", "CNY"):
        held = compare_repurchase(make_shop(moving(20, 60)), as_of=day(90), **ZONE)
        assert "复购率（单窗口）" in str(held)
        assert "回购率（双窗口）" in str(held)
        texts = [f.text for f in held.findings()]
        assert texts[0].startswith(
            "30 天复购率（单窗口）：2025-03-03至2025-04-01的100位买家中，60位"
        )
        assert "高于上一窗口的20.00%" in texts[0]


def test_short_histories_and_quiet_windows_are_said() -> None:
    held = compare_repurchase(make_shop([("a", 0, 5), ("b", 40, 5)]), as_of=day(45), **ZONE)
    texts = [f.text for f in held.findings()]
    assert texts[0].startswith("Repeat rate in one window of 30 days: of 1 buyers")
    assert "one window earlier" not in texts[0]
    assert texts[1] == (
        "No repeat rate (one window) in 90 days: the history begins later than 2024-11-18."
    )
    quiet = compare_repurchase(make_shop([("a", 0, 5)]), as_of=day(45), **ZONE)
    assert quiet.findings()[0].text == (
        "No repeat rate (one window) in 30 days: no known buyer bought from 2025-01-17 to "
        "2025-02-15."
    )
    assert quiet.chart() is None


def test_same_day_orders_are_one_purchase_and_refunded_ones_none() -> None:
    rows = [("old", 0, 5), ("a", 40, 5), ("a", 40, 5), ("b", 41, 5), ("b", 42, 5)]
    held = compare_repurchase(make_shop(rows, refunds=[(4, 43, 5)]), as_of=day(45), **ZONE)
    assert (held.rates[0].buyers, held.rates[0].again) == (2, 0)


def test_every_engine_measures_the_gaps_of_plain_python(engine: Engine) -> None:
    rows = random_rows(2)
    held = time_between(engine(make_shop(rows)), as_of=day(250), **ZONE)
    truth: dict[tuple[str, bool, int], int] = {}
    for days in days_of(rows, 250).values():
        for place, start in enumerate(days):
            again = place + 1 < len(days)
            wait = (days[place + 1] if again else 250) - start
            key = ("later" if place else "first", again, wait)
            truth[key] = truth.get(key, 0) + 1
    told = {
        (r["kind"], r["again"], r["wait"]): r["purchases"] for r in held.counts.to_dict("records")
    }
    assert told == truth
    first = [(wait, again) for (kind, again, wait), n in truth.items() for _ in range(n)
             if kind == "first"]  # fmt: skip
    curve = fit_curve(*zip(*first, strict=True))
    assert held.curves["first"].median[0] == curve.median[0]


def test_open_gaps_lengthen_the_median_and_are_told() -> None:
    rows: list[Row] = []
    for n in range(40):
        rows += [(f"b{n}", 0, 5), (f"b{n}", 10, 5)]
        rows += [(f"b{n}", 10 + (5 if n < 20 else 40), 5)] if n < 35 else []
    held = time_between(make_shop(rows), as_of=day(70), **ZONE)
    assert held.closed_median("later") == 5
    assert held.curves["later"].median[0] == 40
    texts = [f.text for f in held.findings()]
    assert texts[0].startswith("Half of the 40 customers buy a second time within 10 days")
    assert texts[1] == (
        "After a later purchase half buy again within 40 days; counting only those who did, it "
        "would be 5 days, which forgets the 40 not back yet."
    )
    with reading("zh", "CNY"):
        assert held.findings()[1].text == (
            "后续购买之后，半数客户在40 天内再次购买；"
            "若只看已再购的，会得出5 天，漏掉了尚未回来的40次。"
        )
        assert "30天内" in str(held).replace(" ", "")


def test_one_customer() -> None:
    held = time_between(make_shop([("a", 0, 5)]), as_of=day(0), **ZONE)
    assert held.findings()[0].text == (
        "1 customer is too few to tell how soon customers come back (0 did)."
    )
    assert isnan(held.curves["first"].median[0])
    assert held._repr_html_()


@pytest.mark.parametrize("measure", [compare_repurchase, time_between])
def test_shops_without_a_known_buyer_are_refused(measure: Callable[..., Any]) -> None:
    for rows in ([], [(None, 0, 5)]):
        with pytest.raises(MissingDataError, match="no known buyer has bought"):
            measure(make_shop(rows), as_of=day(9), **ZONE)


@pytest.fixture(scope="module")
def retail(shared: Path) -> tuple[dict[str, pa.Table], Any]:
    """Online Retail II as orders and refunds, and the same invoices in pandas."""
    import pandas as pd

    parts = [pd.read_parquet(shared / "online_retail_ii" / f"year_{y}.parquet")
             for y in ("2009_2010", "2010_2011")]  # fmt: skip
    lines = pd.concat([parts[0][parts[0]["InvoiceDate"] < "2010-12-01"], parts[1]])
    lines = lines.assign(amount=(lines["Quantity"] * lines["Price"]).round(4))
    held = lines.groupby("Invoice", as_index=False).agg(
        buyer=("Customer ID", "first"), at=("InvoiceDate", "min"), amount=("amount", "sum")
    )
    sold = held[~held["Invoice"].str[0].isin(["A", "C"])]
    back = held[held["Invoice"].str[0] == "C"]
    rows = [
        {"platform": "x", "order_id": i, "buyer_key": None if pd.isna(b) else str(b),
         "created_at": at.tz_localize("UTC"), "paid_at": at.tz_localize("UTC"), "status": "paid",
         "ordered_amount": Decimal(f"{a:.4f}"), "paid_amount": Decimal(f"{a:.4f}")}
        for i, b, at, a in sold.itertuples(index=False)
    ]  # fmt: skip
    gone = [
        {"platform": "x", "refund_id": i, "buyer_key": None if pd.isna(b) else str(b),
         "finished_at": at.tz_localize("UTC"), "amount": Decimal(f"{-a:.4f}"), "status": "success"}
        for i, b, at, a in back.itertuples(index=False)
    ]  # fmt: skip
    tables = {"orders": to_table("orders", rows), "refunds": to_table("refunds", gone)}
    return tables, sold.assign(day=sold["at"].dt.normalize())


@pytest.mark.realdata
def test_online_retail_agrees_with_plain_pandas(retail: tuple[dict[str, pa.Table], Any]) -> None:
    import numpy as np
    import pandas as pd

    tables, sold = retail
    asked: dict[str, Any] = {"as_of": dt.date(2011, 12, 9), "time_zone": "UTC"}
    days = sold.dropna(subset=["buyer"]).drop_duplicates(["buyer", "day"]).sort_values("day")
    end = pd.Timestamp("2011-12-09")

    rate = {(r.rate, r.days): r for r in compare_repurchase(tables, **asked).rates}
    ago = (end - days["day"]).dt.days
    for n in (30, 90):
        now, before = (set(days.loc[ago // n == w, "buyer"]) for w in (0, 1))
        twice = days.loc[ago < n, "buyer"].value_counts()
        assert (rate["repeat", n].buyers, rate["repeat", n].again) == (len(now), sum(twice > 1))
        held = rate["repurchase", n]
        assert (held.buyers, held.again) == (len(before), len(before & now))

    following = days.groupby("buyer")["day"].shift(-1)
    opens = ~days.duplicated("buyer")
    gaps = time_between(tables, **asked)
    wait = (following.fillna(end) - days["day"]).dt.days[opens]
    event = following.notna()[opens]
    alive, surviving = 1.0, {}
    for when in np.sort(wait[event].unique()):
        alive *= 1 - (event & (wait == when)).sum() / (wait >= when).sum()
        surviving[when] = alive
    curve = gaps.curves["first"]
    assert curve.customers == days["buyer"].nunique()
    np.testing.assert_allclose(1 - curve.bought, list(surviving.values()))

    first = days.groupby("buyer")["day"].transform("min")
    second = days[~opens].groupby("buyer")["day"].min()
    cohorts = compare_cohorts(tables, **asked).frame
    start = first[opens].set_axis(days.loc[opens, "buyer"])
    within = (second.reindex(start.index) - start).dt.days <= 180
    for row in cohorts[cohorts["age"] == 6].itertuples():
        members = start[start.dt.to_period("M") == pd.Period(row.cohort, "M")]
        if members.max() + pd.Timedelta(days=180) > end:
            assert isnan(row.customers)
        else:
            assert (row.customers, row.repurchased) == (len(members), within[members.index].sum())


@pytest.mark.realdata
def test_online_retail_lapsed_come_back_less_often(
    retail: tuple[dict[str, pa.Table], Any],
) -> None:
    held = find_lapsed(retail[0], as_of=dt.date(2011, 12, 9), time_zone="UTC")
    for check in held.checks:
        assert check.between is not None
        assert check.between.sign == 1
    assert len(held.checks) == 3
