"""What live sessions sold beyond what the same hours sell on other days."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import narwhals as nw
import numpy as np

from ecops_lib.campaigns.ads.shrinkage import Floats
from ecops_lib.data import frames
from ecops_lib.metrics.bases import ORDER_KEY, Tables

if TYPE_CHECKING:
    import pandas as pd

AROUND = 28
"""Days before and after a session that may be compared with it."""
LEAST = 4
"""Comparable days without which nothing is told."""
LONGEST = 24
"""Hours of the longest session that can be compared."""
HOUR = np.timedelta64(1, "h")
Span = tuple[Any, Any]
"""First and last instant on the wall clock, as ``datetime64``."""


def lift_sessions(
    tables: Tables, sessions: pd.DataFrame, phases: Mapping[dt.date, str], *, as_of: dt.date
) -> pd.DataFrame:
    """Sales of each session's product in its hours, beside those hours of comparable days.

    Comparable are days within four weeks, weekdays or weekends as its own, in the same phase of
    a campaign (or of none), on which no session of the product meets the hours. All channels
    count, so that orders which would have come anyway do not count as brought.

    Args:
        tables: The source; needs ``orders`` and ``order_items``.
        sessions: ``product_id`` (missing: the whole shop), ``began`` and ``over`` (local wall
            clock, whole hours; NaT where not told), indexed 0, 1, …
        phases: Days on which a campaign sells or warms up.
        as_of: Last local day that counts.

    Returns:
        By session: ``sold``, ``usual``, ``variance`` of their difference, ``days`` compared;
        NaN where fewer than four days compare.
    """
    import pandas as pd

    columns = ["sold", "usual", "variance", "days"]
    held = pd.DataFrame(np.nan, index=sessions.index, columns=columns)
    told = sessions[sessions["began"].notna() & (sessions["over"] > sessions["began"])]
    told = told[(told["over"] - told["began"]) <= LONGEST * HOUR]
    if told.empty or not (tables.has("orders") and tables.has("order_items")):
        return held
    first = told["began"].min().date() - AROUND * frames.DAY
    last = min(told["over"].max().date() + AROUND * frames.DAY, as_of)
    sales = _hourly(tables, first, last)
    span = tables.span("orders", "created_at")
    first = max(first, span[0]) if span else first
    busy = _busy(sessions)
    for product, group in told.groupby(told["product_id"].fillna(""), sort=True):
        series = _series(sales, str(product), first, last)
        taken = busy.get(str(product), []) + (busy.get("", []) if product else [])
        held.loc[group.index, columns] = [
            _compare(span, series, taken, phases, (first, last)) for span in _spans(group)
        ]
    return held


def _hourly(tables: Tables, first: dt.date, last: dt.date) -> pd.DataFrame:
    """Amount of orders by product and local hour of ordering."""
    span = frames.within("created_at", first, last, tables.zone)
    orders = tables.lazy("orders").filter(span & ~nw.col("paid_at").is_null())
    wall = frames.local_time("created_at", first, last, tables.zone)
    timed = orders.select(
        *ORDER_KEY, day=wall.dt.truncate("1d"), hour=wall.dt.hour().cast(nw.Int64)
    )
    lines = tables.lazy("order_items").select(*ORDER_KEY, "product_id", "paid_amount")
    rows = lines.join(timed, on=ORDER_KEY, how="inner")
    sums = rows.group_by("product_id", "day", "hour").agg(paid=nw.col("paid_amount").sum())
    held = frames.bring(sums, sort=["product_id", "day", "hour"])
    return held.assign(paid=held["paid"].astype(float))


def _series(sales: pd.DataFrame, product: str, first: dt.date, last: dt.date) -> Floats:
    """Sales by hour from the first day's midnight; of all products where none is named."""
    own = sales if not product else sales[sales["product_id"] == product]
    place = (own["day"].to_numpy().astype("datetime64[D]") - np.datetime64(first)).astype(int)
    hours = place * 24 + own["hour"].to_numpy(int)
    size = ((last - first).days + 1) * 24
    inside = (hours >= 0) & (hours < size)
    paid = own["paid"].to_numpy(float)[inside]
    return np.bincount(hours[inside], paid, minlength=size).astype(float)


def _spans(sessions: pd.DataFrame) -> list[Span]:
    began, over = (sessions[n].to_numpy("datetime64[us]") for n in ("began", "over"))
    return list(zip(began, over, strict=True))


def _busy(sessions: pd.DataFrame) -> dict[str, list[Span]]:
    """Spans of all sessions by product; one without an end keeps its whole day."""
    found: dict[str, list[Span]] = {}
    products = sessions["product_id"].fillna("")
    for product, (began, over) in zip(products, _spans(sessions), strict=True):
        if not np.isnat(began):
            end = began + 24 * HOUR if np.isnat(over) else over
            found.setdefault(str(product), []).append((began, end))
    return found


def _compare(
    span: Span,
    series: Floats,
    busy: list[Span],
    phases: Mapping[dt.date, str],
    told: tuple[dt.date, dt.date],
) -> tuple[float, float, float, float]:
    """What was sold, what is usual, the variance of their difference, and days compared."""
    (began, over), (first, last) = span, told
    origin = np.datetime64(first, "h")
    length = int((over - began) / HOUR)
    own_day = began.astype("datetime64[D]").item()
    usual = []
    for shift in range(-AROUND, AROUND + 1):
        start = began + shift * 24 * HOUR
        end = start + length * HOUR
        day = start.astype("datetime64[D]").item()
        inside = first <= day and end.astype("datetime64[D]").item() <= last
        free = not any(start < over_ and end > began_ for began_, over_ in busy)
        alike = _weekend(day) == _weekend(own_day) and phases.get(day) == phases.get(own_day)
        if shift and inside and free and alike:
            place = int((start - origin) / HOUR)
            usual.append(series[place : place + length].sum())
    place = int((began - origin) / HOUR)
    if place < 0 or place + length > len(series):
        return np.nan, np.nan, np.nan, 0.0
    sold = float(series[place : place + length].sum())
    if len(usual) < LEAST:
        return sold, np.nan, np.nan, float(len(usual))
    # hours without a sale vary too: no less than one sale of a usual size in all of them
    sales = series[series > 0]
    least = float((sales**2).mean()) / (len(usual) + 1) if len(sales) else 0.0
    spread = max(float(np.var(usual, ddof=1)), least)
    return sold, float(np.mean(usual)), spread * (1 + 1 / len(usual)), float(len(usual))


def _weekend(day: dt.date) -> bool:
    return day.weekday() >= 5
