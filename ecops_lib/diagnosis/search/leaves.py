"""Sales of a period by their finest slices, and what each slice's own past lets expect."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import narwhals as nw

from ecops_lib.core.errors import MissingDataError
from ecops_lib.core.formats import show
from ecops_lib.core.language import mark, tr
from ecops_lib.data import frames
from ecops_lib.data.frames import DAY
from ecops_lib.diagnosis.history import History
from ecops_lib.diagnosis.levels import expect_level
from ecops_lib.diagnosis.search.noise import Noise, estimate_noise
from ecops_lib.metrics.bases import ORDER_KEY, Tables

if TYPE_CHECKING:
    import pandas as pd

    from ecops_lib.diagnosis.search.lattice import Numbers

MOST, FEWEST, REACH = 8, 3, 112
"""Past periods compared with at the most and at the least, and the days that they reach back."""

KNOWN_FROM = 90
"""Days of orders before the first period that tell a new buyer from a returning one."""

UNKNOWN = ""
"""Value of a dimension that no row tells."""

NEW, RETURNING = mark("new buyers"), mark("returning buyers")

DIMENSIONS = {
    "platform": mark("Platform"),
    "channel": mark("Channel"),
    "province": mark("Province"),
    "category": mark("Category"),
    "product_id": mark("Product"),
    "buyer": mark("Kind of buyer"),
}
"""What sales are cut by, as far as it is told and has more than one value."""

KINDS = ("amount", "buyers")

Span = tuple[dt.date, dt.date]


@dataclass(frozen=True, kw_only=True, eq=False)
class Leaves:
    """A period by its finest slices.

    Attributes:
        frame: One row a leaf: its dimensions, ``buyers`` and ``expected_buyers`` (a buyer
            of several leaves is shared among them), ``amount`` and
            ``expected_amount`` [store currency].
        dimensions: The dimensions.
        noise: How leaves' buyers stray from their expectation, from the past periods.
        past: The past periods that tell what is usual.
    """

    frame: pd.DataFrame
    dimensions: tuple[str, ...]
    noise: Noise
    past: tuple[Span, ...]


def read_leaves(history: History, *, start: dt.date, end: dt.date) -> Leaves:
    """Buyers and amounts paid by platform, channel, province, category, product and kind of buyer.

    A leaf's expectation is its share of the past periods times what the shop may be expected
    to sell in the period (weekday, level, calendar). Past periods have the same weekdays and
    no festival that the period has not.

    Args:
        history: The days before, up to ``end``.
        start: First local day of payment.
        end: Last one.

    Raises:
        MissingDataError: There are no order lines, or too few past periods.
    """
    tables = history.tables
    tables.require("orders", "order_items")
    past = like_periods(history, start=start, end=end)
    span = tables.span("orders", "paid_at")
    if span is None or len(past) < FEWEST or span[0] > past[FEWEST - 1][0]:
        raise MissingDataError(
            tr(
                "Sales begin on {day}; {count} earlier periods of the same length are needed to "
                "know what is usual.",
                day=show(span[0] if span else None, "day"),
                count=FEWEST,
            )
        )
    past = tuple(one for one in past if one[0] >= span[0])
    held = sum_leaves(tables, ((start, end), *past), since=span[0])
    return _leaves(held, past, expect_total(history, start=start, end=end))


def expect_total(history: History, *, start: dt.date, end: dt.date) -> float:
    """What the shop may be expected to sell in a period, from the days before it."""
    ahead = (end - start).days + 1
    level = expect_level(history.shop["paid_amount"], history=history, day=end, ahead=ahead)
    return float(level.expected.tail(ahead).sum())


def like_periods(history: History, *, start: dt.date, end: dt.date) -> tuple[Span, ...]:
    """Earlier periods on the same weekdays, the latest first.

    Those with a festival are left out where the period has none, if enough remain.
    """
    length = (end - start).days + 1
    step = -(-length // 7) * 7
    count = max(FEWEST, min(MOST, REACH // step))
    spans = [(start - k * step * DAY, end - k * step * DAY) for k in range(1, 2 * count + 1)]
    quiet = [span for span in spans if not _festive(history, *span)]
    if _festive(history, start, end) or len(quiet) < FEWEST:
        return tuple(spans[:count])
    return tuple(quiet[:count])


def _festive(history: History, start: dt.date, end: dt.date) -> bool:
    days = history.calendar
    inside = days.loc[(days["day"] >= str(start)) & (days["day"] <= str(end))]
    return bool((inside["festival"] != "").any())


def sum_leaves(tables: Tables, spans: Sequence[Span], *, since: dt.date) -> pd.DataFrame:
    """Amount and buyers by leaf and period; a buyer of several leaves is shared among them.

    Every buyer of a period so counts once, however much he buys: one large order is no news.

    Args:
        tables: The tables, of any engine.
        spans: The periods, first and last local day of payment.
        since: First day of payment that the orders tell; the kind of buyer is left out where
            it is less than ``KNOWN_FROM`` days before the first period.
    """
    who = ["period", "platform", "who"]
    rows = _rows(tables, spans, since=since)
    each = rows.group_by(who).agg(lines=nw.len())
    shared = rows.join(each, on=who, how="left").with_columns(share=1.0 / nw.col("lines"))
    sums = shared.group_by("period", *DIMENSIONS)
    return frames.bring(sums.agg(amount=nw.col("amount").sum(), buyers=nw.col("share").sum()))


def _rows(tables: Tables, spans: Sequence[Span], *, since: dt.date) -> nw.LazyFrame[Any]:
    """Order lines with their dimensions and the period that they were paid in (0 is now)."""
    first, last = min(span[0] for span in spans), max(span[1] for span in spans)
    orders = tables.lazy("orders").filter(frames.within("paid_at", first, last, tables.zone))
    known = since <= first - KNOWN_FROM * DAY
    orders = _with_buyers(tables, orders) if known else orders.with_columns(buyer=nw.lit(UNKNOWN))
    kept = orders.select(*ORDER_KEY, "paid_at", "buyer_key", "channel", "province", "buyer")
    lines = tables.lazy("order_items").select(
        *ORDER_KEY, "product_id", amount=nw.col("paid_amount").cast(nw.Float64)
    )
    rows = _with_categories(tables, lines.join(kept, on=ORDER_KEY, how="inner"))
    who = nw.coalesce(nw.col("buyer_key"), nw.col("order_id"))
    timed = rows.with_columns(period=_period(tables, spans), who=who)
    return timed.filter(nw.col("period") >= 0)


def _period(tables: Tables, spans: Sequence[Span]) -> nw.Expr:
    """Which of the periods an order was paid in; −1 for none."""
    found: nw.Expr = nw.lit(-1)
    for place, (first, last) in enumerate(spans):
        inside = frames.within("paid_at", first, last, tables.zone)
        found = nw.when(inside).then(nw.lit(place)).otherwise(found)
    return found


def _with_buyers(tables: Tables, orders: nw.LazyFrame[Any]) -> nw.LazyFrame[Any]:
    """Whether each order's buyer had paid for another one before."""
    paid = tables.lazy("orders").filter(~nw.col("paid_at").is_null())
    firsts = paid.group_by("buyer_key").agg(first_at=nw.col("paid_at").min())
    joined = orders.join(firsts, on="buyer_key", how="left")
    kind = nw.when(nw.col("first_at") < nw.col("paid_at")).then(nw.lit(RETURNING))
    told = nw.when(nw.col("buyer_key").is_null()).then(nw.lit(UNKNOWN))
    return joined.with_columns(buyer=told.otherwise(kind.otherwise(nw.lit(NEW))))


def _with_categories(tables: Tables, rows: nw.LazyFrame[Any]) -> nw.LazyFrame[Any]:
    if not tables.has("products"):
        return rows.with_columns(category=nw.lit(UNKNOWN))
    listed = tables.lazy("products").select("platform", "product_id", "category")
    return rows.join(listed, on=["platform", "product_id"], how="left")


def _leaves(held: pd.DataFrame, past: tuple[Span, ...], total: float) -> Leaves:
    """Leaves with their expectation, and the noise of the past periods."""
    import numpy as np

    filled = held.assign(**{name: held[name].fillna(UNKNOWN).astype(str) for name in DIMENSIONS})
    told = tuple(name for name in DIMENSIONS if filled[name].nunique() > 1)
    wide = filled.pivot_table(
        index=list(told) or ["platform"], columns="period", values=list(KINDS),
        aggfunc="sum", fill_value=0.0,
    )  # fmt: skip
    pairs = [(name, period) for name in KINDS for period in range(len(past) + 1)]
    both = wide.reindex(columns=pairs, fill_value=0.0).to_numpy(float)
    paid, counts = both[:, : len(past) + 1], both[:, len(past) + 1 :]
    usual, money = counts[:, 1:].sum(axis=1), paid[:, 1:].sum(axis=1)
    frame = wide.index.to_frame(index=False).assign(
        buyers=counts[:, 0],
        expected_buyers=usual / money.sum() * total,
        amount=paid[:, 0],
        expected_amount=np.maximum(money, 0.0) / money.sum() * total,
    )
    return Leaves(frame=frame, dimensions=told, noise=_past_noise(counts[:, 1:]), past=past)


def _past_noise(before: Numbers) -> Noise:
    """The noise of leaves by past period, each against its share of the other periods."""
    import numpy as np

    others = before.sum(axis=1, keepdims=True) - before
    totals = before.sum(axis=0)
    rest = totals.sum() - totals
    wanted = np.divide(others * totals, rest, out=np.zeros_like(others), where=rest > 0)
    return estimate_noise(before.ravel(), wanted.ravel(), grain=1.0)
