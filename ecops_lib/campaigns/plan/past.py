"""What past editions of a campaign did, day by day."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import narwhals as nw
import numpy as np
from numpy.typing import NDArray

from ecops_lib.campaigns.campaign import Campaign
from ecops_lib.campaigns.editions import find_campaigns, past_editions
from ecops_lib.core.errors import MetricError, MissingDataError
from ecops_lib.data import frames
from ecops_lib.metrics.bases import Source, Tables
from ecops_lib.metrics.facts import Dimension
from ecops_lib.metrics.measuring import measure

Floats = NDArray[np.float64]


def selling_days(campaign: Campaign) -> list[dt.date]:
    """Every day from the first to the last on which a campaign sells."""
    first, last = campaign.selling
    return [first + k * frames.DAY for k in range((last - first).days + 1)]


def known_editions(
    source: Source, campaign: Campaign, *, as_of: dt.date, time_zone: str | None
) -> tuple[Campaign, ...]:
    """Earlier editions that are over by a day and that the orders cover, oldest first."""
    tables = Tables(source, time_zone=time_zone)
    span = tables.span("orders", "created_at")
    found = past_editions(find_campaigns(source, time_zone=time_zone), campaign)
    begin = span[0] if span else as_of
    return tuple(c for c in found if c.selling[1] <= as_of and c.selling[0] >= begin)


def paid_by_day(
    source: Source, products: Sequence[str], days: Sequence[dt.date], time_zone: str | None
) -> Floats:
    """Paid amount of some products (all where none is named) on each of some days."""
    by: tuple[Dimension, ...] = ("day", "product") if products else ("day",)
    rows = measure(
        source, ["paid_amount"], start=days[0], end=days[-1], by=by, time_zone=time_zone
    ).frame
    if products:
        rows = rows[rows["product_id"].isin(list(products))]
    sums = rows.groupby(rows["day"].dt.date)["paid_amount"].sum()
    return np.array([float(sums.get(day, 0.0)) for day in days])


def visits_by_day(
    tables: Tables, products: Sequence[str], days: Sequence[dt.date]
) -> tuple[Floats, Floats]:
    """Visitors and buyers of each day, of the shop or summed over some products.

    Both are NaN on days that no traffic tells.
    """
    none = np.full(len(days), np.nan)
    if not tables.has("traffic"):
        return none, none
    scope = "product" if products else "shop"
    rows = tables.lazy("traffic", start=days[0], end=days[-1]).filter(
        (nw.col("scope") == scope) & (nw.col("day") >= days[0]) & (nw.col("day") <= days[-1])
        & ~nw.col("visitors").is_null() & ~nw.col("paying_buyers").is_null()
    )  # fmt: skip
    if products:
        rows = rows.filter(nw.col("scope_id").is_in(list(products)))
    sums = frames.bring(
        rows.group_by("day").agg(
            visitors=nw.col("visitors").sum(), buyers=nw.col("paying_buyers").sum()
        )
    )
    if sums.empty:
        return none, none
    held = sums.assign(day=sums["day"].dt.date).set_index("day").reindex(list(days))
    return held["visitors"].to_numpy(float), held["buyers"].to_numpy(float)


def buyers_by_day(
    source: Source, days: Sequence[dt.date], time_zone: str | None
) -> tuple[Floats, Floats]:
    """New buyers and buyers of each day, of the whole shop; NaN where no order tells them."""
    keys = ["new_buyers", "buyers"]
    try:
        rows = measure(
            source, keys, start=days[0], end=days[-1], by=("day",), time_zone=time_zone
        ).frame
    except (MissingDataError, MetricError):
        return np.full(len(days), np.nan), np.full(len(days), np.nan)
    held = rows.assign(day=rows["day"].dt.date).set_index("day").reindex(list(days))
    new, buyers = (held[key].to_numpy(float) for key in keys)
    return new, buyers


def paid_by_hour(
    source: Source, products: Sequence[str], day: dt.date, time_zone: str | None
) -> Floats:
    """Paid amount of some products (all where none is named) in each hour of a local day."""
    by: tuple[Dimension, ...] = ("hour", "product") if products else ("hour",)
    rows = measure(source, ["paid_amount"], start=day, end=day, by=by, time_zone=time_zone).frame
    if products:
        rows = rows[rows["product_id"].isin(list(products))]
    sums = rows.groupby("hour")["paid_amount"].sum()
    return np.array([float(sums.get(hour, 0.0)) for hour in range(24)])


def shares_of(curves: Sequence[Floats], length: int) -> Floats:
    """Each curve's share by day, stretched to a length by share of time (curves, days).

    >>> shares_of([np.array([1.0, 3.0])], 4).tolist()
    [[0.125, 0.125, 0.375, 0.375]]
    """
    held = []
    for curve in curves:
        total = curve.sum()
        if not total > 0:
            continue
        whole = np.concatenate([[0.0], curve.cumsum() / total])
        at = np.interp(np.linspace(0, len(curve), length + 1), np.arange(len(whole)), whole)
        held.append(np.diff(at))
    return np.array(held).reshape(len(held), length)
