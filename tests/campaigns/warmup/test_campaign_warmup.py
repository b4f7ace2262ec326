"""Deposits against balances and carts against stock, on shops whose past is planted."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from ecops_lib.campaigns.campaign import Campaign, PhaseSpan
from ecops_lib.campaigns.warmup import expect_balance, watch_warmup
from ecops_lib.campaigns.warmup.presale import draw_balance
from ecops_lib.core.errors import MissingDataError
from ecops_lib.core.language import set_reader

ZONE = "Asia/Shanghai"
DAY = dt.timedelta(days=1)
OPENINGS = (dt.date(2025, 3, 10), dt.date(2025, 9, 10), dt.date(2026, 3, 10))
PRESALE = 5


def campaign(opening: dt.date = OPENINGS[-1], phase: Any = "presale", **changes: Any) -> Campaign:
    spans = (
        PhaseSpan(phase=phase, first=opening - PRESALE * DAY, last=opening - DAY),
        PhaseSpan(phase="burst", first=opening, last=opening + 2 * DAY),
    )
    return Campaign(**{
        "campaign_id": f"tea-{opening}", "name": "Tea", "kind": "Tea", "spans": spans, **changes,
    })  # fmt: skip


def noon(day: dt.date) -> dt.datetime:
    return dt.datetime(day.year, day.month, day.day, 4, tzinfo=dt.UTC)


def diary(phase: str = "presale") -> pa.Table:
    word = {"presale": "预售", "warmup": "预热"}[phase]
    rows = [
        (name, first, last)
        for opening in OPENINGS
        for name, first, last in (
            (f"Tea {word}", opening - PRESALE * DAY, opening - DAY),
            ("Tea", opening, opening + 2 * DAY),
        )
    ]
    count = len(rows)
    return pa.table({
        "event_id": [str(k) for k in range(count)], "kind": ["campaign"] * count,
        "name": [r[0] for r in rows], "starts_on": [r[1] for r in rows],
        "ends_on": [r[2] for r in rows], "product_id": pa.nulls(count, pa.string()),
    })  # fmt: skip


def presales(*paid: int, deposits: int = 100) -> dict[str, pa.Table]:
    """A hundred deposits of 10 on 100 for each opening; so many balances paid in past ones.

    Four of five payments come on the opening day, the others the day after.
    """
    rows: list[tuple[dt.datetime, dt.datetime | None, str, dt.datetime | None]] = []
    for opening, hits in zip(OPENINGS, (*paid, 0), strict=True):
        for k in range(deposits):
            placed = noon(opening - (1 + k % PRESALE) * DAY)
            if k < hits:
                rows.append((placed, noon(opening + (k % 5 == 0) * DAY), "completed", None))
            elif opening == OPENINGS[-1]:
                rows.append((placed, None, "unpaid", None))
            else:
                rows.append((placed, None, "closed", noon(opening + 3 * DAY)))
    count = len(rows)
    instant = pa.timestamp("us", "UTC")
    return {
        "orders": pa.table({
            "platform": ["tmall"] * count, "order_id": [str(k) for k in range(count)],
            "created_at": pa.array([r[0] for r in rows], instant),
            "deposit_paid_at": pa.array([r[0] for r in rows], instant),
            "paid_at": pa.array([r[1] for r in rows], instant),
            "completed_at": pa.array([r[3] for r in rows], instant),
            "status": [r[2] for r in rows], "is_presale": [True] * count,
            "deposit_amount": [10.0] * count, "ordered_amount": [100.0] * count,
            "paid_amount": pa.array([100.0 if r[1] else None for r in rows], pa.float64()),
        }),
        "shop_events": diary(),
    }  # fmt: skip


def expect(tables: Any, *, as_of: dt.date = OPENINGS[-1] - DAY, **options: Any) -> Any:
    given = {"campaign": campaign(), **options}
    return expect_balance(tables, as_of=as_of, time_zone=ZONE, **given)


def test_the_balance_follows_the_share_that_past_buyers_paid() -> None:
    held = expect(presales(80, 80))
    value, low, high = held.expected
    assert held.open_balance == pytest.approx(9_000)
    assert held.open_deposit == pytest.approx(1_000)
    assert held.editions == (("Tea-2025-03", 100, 80), ("Tea-2025-09", 100, 80))
    assert low < 7_200 < high
    assert value == pytest.approx(7_200, rel=0.05)
    assert held.frame["share"].tolist() == pytest.approx([0.8, 0.2])
    assert held.frame["expected"].sum() == pytest.approx(value)
    poor = expect(presales(30, 30))
    assert poor.expected[0] == pytest.approx(2_700, rel=0.1)
    assert poor.expected[2] < low


def test_after_the_opening_only_the_open_deposits_count() -> None:
    held = expect(presales(80, 80), as_of=OPENINGS[-1])
    assert held.editions == (("Tea-2025-03", 36, 16), ("Tea-2025-09", 36, 16))
    assert held.expected[0] == pytest.approx(9_000 * 16 / 36, rel=0.1)
    assert held.frame["day"].dt.date.tolist() == [OPENINGS[-1] + DAY]


def test_the_interval_covers_new_editions() -> None:
    rng = np.random.default_rng(5)
    inside = []
    for world in range(300):
        rates = rng.beta(16, 4, 5)
        hits = rng.binomial(80, rates).astype(float)
        _, total = draw_balance(hits[:4], np.full(4, 80.0), whole=8_000, square=8e5, seed=world)
        low, high = np.quantile(total, [0.1, 0.9])
        inside.append(low <= 100 * hits[4] <= high)
    assert 0.75 < np.mean(inside) < 0.92


def test_the_balance_in_words() -> None:
    held = expect(presales(80, 80))
    value, low, high = (f"¥{v:,.2f}" for v in held.expected)
    assert [f.text for f in held.findings()] == [
        f"100 deposits leave ¥9,000.00 open; {value} of it will be paid ({low} to {high}), for "
        "80.00% of past balances were.",
        "Most of it, 80.00%, comes on 2026-03-10.",
        "What will be refunded of it is not known; import the refund export.",
        "Learnt from 200 deposits of 2 past pre-sales at the same distance to the opening; the "
        "interval is to hold in 80.00% of cases.",
    ]
    set_reader("zh", "CNY")
    assert held.findings()[0].text == (
        f"100 笔定金对应未付尾款 ¥9,000.00；预计付清 {value}（{low} 至 {high}），"
        "以往尾款支付率为 80.00%。"
    )


def test_where_nothing_can_be_learnt_that_is_said() -> None:
    with pytest.raises(MissingDataError, match="no pre-selling phase"):
        expect(presales(80, 80), campaign=campaign(phase="warmup"))
    with pytest.raises(MissingDataError, match="tell only 10 deposits; from 20"):
        expect(presales(4, 4, deposits=5))
    with pytest.raises(MissingDataError, match="No deposit is open on 2026-03-04"):
        expect(presales(80, 80), as_of=OPENINGS[-1] - (PRESALE + 1) * DAY)


def test_balances_are_the_same_in_every_engine(light_engine: Any) -> None:
    assert expect(light_engine(presales(80, 70))).expected == expect(presales(80, 70)).expected


def carts(
    *each: float, sold: float = 2.0, stock: dict[str, int] | None = None
) -> dict[str, pa.Table]:
    """Units put into carts a day before each opening (B half of A), and units sold in it."""
    rows = []
    for opening, units in zip(OPENINGS, each, strict=True):
        for k in range(-PRESALE, 3):
            for product, size in (("A", 1.0), ("B", 0.5)):
                put = units * size if k < 0 else 0
                got = units * size * sold if k >= 0 else 0
                rows.append((opening + k * DAY, product, int(put), int(got)))
    count = len(rows)
    held = {
        "orders": presales(1, 1, deposits=1)["orders"], "shop_events": diary("warmup"),
        "traffic": pa.table({
            "platform": ["tmall"] * count, "day": [r[0] for r in rows],
            "scope": ["product"] * count, "scope_id": [r[1] for r in rows],
            "cart_units": [r[2] for r in rows], "paid_units": [r[3] for r in rows],
        }),
    }  # fmt: skip
    if stock is not None:
        names = list(stock)
        held["inventory"] = pa.table({
            "day": [OPENINGS[-1] - 3 * DAY] * len(names), "warehouse_id": ["*"] * len(names),
            "sku_id": names, "product_id": names, "on_hand": list(stock.values()),
            "reserved": [0] * len(names), "in_transit": [0] * len(names),
        })  # fmt: skip
    return held


def watch(tables: Any, *, as_of: dt.date = OPENINGS[-1] - 3 * DAY, **options: Any) -> Any:
    given = {"campaign": campaign(phase="warmup"), **options}
    return watch_warmup(tables, as_of=as_of, time_zone=ZONE, **given)


def test_carts_are_held_against_the_same_day_of_past_editions() -> None:
    held = watch(carts(20, 40, 60, stock={"A": 1_000, "B": 1_000}))
    rows = held.frame.set_index("product_id")
    assert held.totals == (90.0, 180.0)
    assert rows["carts"].tolist() == [180, 90]
    assert rows["usual"].tolist() == [90, 45]
    assert rows["change"].tolist() == [2, 2]
    assert rows["expected"].tolist() == pytest.approx([360, 180])
    [only] = held.findings()
    assert only.text == (
        "270 units are in carts by 2026-03-07, more than at the same day before each of 2 past "
        "editions (90 to 180)."
    )


@pytest.mark.parametrize(
    ("now", "level", "words"),
    [(60, "good", "more than"), (10, "watch", "fewer than"), (30, "info", "within what")],
)
def test_reversing_the_carts_reverses_the_sentence(now: float, level: str, words: str) -> None:
    first = watch(carts(20, 40, now, stock={"A": 1_000, "B": 1_000})).findings()[0]
    assert first.level == level
    assert words in first.text


def test_carts_beyond_the_stock_are_named_in_both_languages() -> None:
    held = watch(carts(20, 40, 60, stock={"A": 100, "B": 1_000}))
    said = {}
    for language in ("en", "zh"):
        set_reader(language, "CNY")
        said[language] = [f.text for f in held.findings() if f.level == "bad"]
    assert said["en"] == [
        "A: 180 units are in carts and 100 in stock; at the ratio of past editions it will sell "
        "360."
    ]
    assert said["zh"] == ["A：加购 180 件，库存 100 件；按以往比例将售出 360 件。"]


def test_unknown_stock_and_past_are_said() -> None:
    tables = carts(20, 40, 60)
    assert watch(tables).findings()[-1].key == "warmup/stock"
    first = {**tables, "traffic": tables["traffic"].slice(16)}
    assert (
        watch(first)
        .findings()[0]
        .text.startswith(
            "270 units are in carts by 2026-03-07; 180 were at the same day before the one past"
        )
    )
    alone = {**tables, "traffic": tables["traffic"].slice(32)}
    held = watch(alone)
    assert held.frame["expected"].isna().all()
    assert "no past edition tells" in held.findings()[0].text
    with pytest.raises(MissingDataError, match="begins on 2026-03-05"):
        watch(tables, as_of=dt.date(2026, 3, 1))
    with pytest.raises(MissingDataError, match="生意参谋"):
        watch({k: v for k, v in tables.items() if k != "traffic"})


def test_carts_are_the_same_in_every_engine(light_engine: Any) -> None:
    tables = carts(20, 40, 60, stock={"A": 100, "B": 1_000})
    one, two = watch(light_engine(tables)), watch(tables)
    assert one.frame.to_dict("records") == two.frame.to_dict("records")
