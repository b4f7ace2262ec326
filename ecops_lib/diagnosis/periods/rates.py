"""Conversion and refund claims of a period: the few slices in which they changed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import narwhals as nw

from ecops_lib.core.errors import MissingDataError
from ecops_lib.core.formats import show
from ecops_lib.core.language import tr
from ecops_lib.data import frames
from ecops_lib.data.calendar.periods import Period, Span
from ecops_lib.data.frames import DAY
from ecops_lib.diagnosis.history import History
from ecops_lib.diagnosis.search.leaves import DIMENSIONS, UNKNOWN, like_periods
from ecops_lib.diagnosis.search.rate_slices import RateChange, RateSlices, change_of
from ecops_lib.metrics.bases import ORDER_KEY, Tables

if TYPE_CHECKING:
    import pandas as pd

AGE = 7
"""Days after payment within which claims count: every order has had as long."""

MINUTES = 24 * 60

FEWEST_DAYS = 14
"""Earlier days that tell what is usual."""

OF_TRAFFIC = ("platform", "category", "product_id")
OF_LINES = ("platform", "channel", "province", "category", "product_id")


def search_rates(history: History, period: Period) -> RateSlices:
    """Search the slices in which conversion or refund claims left their usual range.

    Conversion is buyers over visitors of a product's page, as the platform counts both by
    day. Claims are counted on order lines, within ``AGE`` days of payment, so that the lines of
    the period are those paid ``AGE`` days earlier: all have had as long to be claimed.

    Args:
        history: The days before, up to the period's last one.
        period: The period.

    Returns:
        The rates; absent where neither can be told for the period and days before.
    """
    about: dict[str, Any] = {"start": period.first, "end": period.last, "dimensions": DIMENSIONS,
                             "names": history.names}  # fmt: skip
    held, reasons = [], []
    for look in (_conversion, _claims):
        try:
            held.append(look(history, period))
        except MissingDataError as error:
            reasons.append(str(error))
    if not held:
        return RateSlices(reason=" ".join(reasons), **about)
    return RateSlices(changes=tuple(held), **about)


def _conversion(history: History, period: Period) -> RateChange:
    """Buyers over visitors by product."""
    tables = history.tables
    tables.require("traffic")
    spans = _spans(history, (period.first, period.last))
    first = min(one[0] for one in spans)
    inside = (nw.col("day") >= first) & (nw.col("day") <= period.last)
    rows = tables.lazy("traffic", start=first, end=period.last).filter(
        inside & (nw.col("scope") == "product") & (nw.col("visitors") > 0)
        & ~nw.col("paying_buyers").is_null()
    )  # fmt: skip
    sums = rows.with_columns(product_id=nw.col("scope_id")).group_by("day", *OF_TRAFFIC[::2]).agg(
        nw.col("visitors").sum(), nw.col("paying_buyers").sum()
    )  # fmt: skip
    days = _compared(frames.bring(_with_category(tables, sums)), spans, OF_TRAFFIC)
    buyers = days["paying_buyers"].clip(upper=days["visitors"])
    past = history.shop.loc[str(first) : str(period.first - DAY), ["paid_amount", "buyers"]].sum()
    return change_of(
        days.assign(paying_buyers=buyers), OF_TRAFFIC, tries="visitors", hits="paying_buyers",
        key="conversion", name=tr("Conversion of product pages"), good=True,
        worth=float(past["paid_amount"] / past["buyers"]) if past["buyers"] else float("nan"),
        advice=tr("compare the page, price, stock and reviews with those of the days before"),
        owner=history.settings.owners.get("product", tr("merchandising")),
    )  # fmt: skip


def _claims(history: History, period: Period) -> RateChange:
    """Order lines claimed within ``AGE`` days of payment."""
    tables = history.tables
    tables.require("order_items", "orders", "refunds")
    spans = _spans(history, (period.first - AGE * DAY, period.last - AGE * DAY))
    first, last = min(one[0] for one in spans), period.last - AGE * DAY
    rows = _with_category(tables, _claimed(tables, first, last))
    sums = rows.group_by("day", *OF_LINES).agg(
        lines=nw.len(), claims=nw.col("claim").sum(), claimed=nw.col("claimed").sum()
    )
    days = _compared(frames.bring(sums), spans, OF_LINES)
    past = days.loc[~days["now"]]
    claims = float(past["claims"].sum())
    return change_of(
        days, OF_LINES, tries="lines", hits="claims", key="claims", good=False,
        name=tr(
            "Claims within {days} of payment (paid up to {last})",
            days=show(AGE, "days"), last=show(last, "day"),
        ),
        worth=-float(past["claimed"].sum()) / claims if claims else float("nan"),
        advice=tr("read the reasons given, check batch, packing and carrier"),
        owner=history.settings.owners.get("service", tr("customer service")),
    )  # fmt: skip


def _spans(history: History, asked: Span) -> tuple[Span, ...]:
    """The period and the earlier ones on the same weekdays."""
    return (asked, *like_periods(history, start=asked[0], end=asked[1]))


def _compared(held: pd.DataFrame, spans: Sequence[Span], dimensions: Sequence[str]) -> pd.DataFrame:
    """Rows of the spans, the first of which is now; none of a dimension untold."""
    import pandas as pd

    days = [pd.date_range(*span, freq="D") for span in spans]
    now = held["day"].isin(days[0])
    kept = held.assign(now=now).loc[now | held["day"].isin([d for one in days[1:] for d in one])]
    if not kept["now"].any() or kept.loc[~kept["now"], "day"].nunique() < FEWEST_DAYS:
        raise MissingDataError(
            tr(
                "Days from {first} to {last} and at least {count} earlier ones are needed to know "
                "what is usual.",
                first=show(spans[0][0], "day"),
                last=show(spans[0][1], "day"),
                count=FEWEST_DAYS,
            )
        )
    whole = {name: kept[name].fillna(UNKNOWN).astype(str) for name in dimensions}
    return kept.assign(**whole).reset_index(drop=True)


def _with_category(tables: Tables, rows: nw.LazyFrame[Any]) -> nw.LazyFrame[Any]:
    if not tables.has("products"):
        return rows.with_columns(category=nw.lit(UNKNOWN))
    listed = tables.lazy("products").select("platform", "product_id", "category")
    return rows.join(listed, on=["platform", "product_id"], how="left")


def _claimed(tables: Tables, first: dt.date, last: dt.date) -> nw.LazyFrame[Any]:
    """Paid lines with their day of payment, whether they were claimed in time, and for how much."""
    orders = tables.lazy("orders").filter(frames.within("paid_at", first, last, tables.zone))
    paid = orders.select(
        *ORDER_KEY, "channel", "province",
        day=frames.local_day("paid_at", first, last, tables.zone),
    )  # fmt: skip
    lines = tables.lazy("order_items").select(*ORDER_KEY, "line_id", "product_id")
    rows = lines.join(paid, on=ORDER_KEY, how="inner")
    claims = tables.lazy("refunds").select(
        *ORDER_KEY, "line_id", "product_id", "amount",
        claimed_on=frames.local_day("applied_at", first, last + (AGE + 1) * DAY, tables.zone),
    )  # fmt: skip
    line, product = (~nw.col(name).is_null() for name in ("line_id", "product_id"))
    scopes = (("line_id", line), ("product_id", ~line & product), ("", ~line & ~product))
    for place, (name, scope) in enumerate(scopes):
        keys = [*ORDER_KEY, name] if name else ORDER_KEY
        sums = claims.filter(scope).group_by(*keys).agg(
            nw.col("claimed_on").min().alias(f"on_{place}"),
            nw.col("amount").cast(nw.Float64).sum().alias(f"amount_{place}"),
        )  # fmt: skip
        rows = rows.join(sums, on=keys, how="left")
    inside = [(nw.col(f"on_{k}") - nw.col("day")).dt.total_minutes() <= AGE * MINUTES
              for k in range(len(scopes))]  # fmt: skip
    return rows.with_columns(
        claim=nw.max_horizontal(*(nw.when(each).then(1).otherwise(0) for each in inside)),
        claimed=nw.max_horizontal(*(
            nw.when(each).then(nw.col(f"amount_{k}")).otherwise(0.0)
            for k, each in enumerate(inside)
        )),
    )  # fmt: skip
