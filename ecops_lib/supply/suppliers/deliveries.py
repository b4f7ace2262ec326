"""What suppliers promised and what came, one row a purchase order and SKU."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import narwhals as nw
import numpy as np

from ecops_lib.data.frames import bring, within
from ecops_lib.metrics.bases import Tables

if TYPE_CHECKING:
    import pandas as pd

EARLIEST = dt.date(1990, 1, 1)
KEY = ["purchase_id", "sku_id"]


def read_deliveries(tables: Tables, *, start: dt.date, as_of: dt.date) -> pd.DataFrame:
    """Deliveries that came or were due in a span of days, as known at its end.

    A delivery that is due and has not come counts as late: leaving it out would reward
    whoever never delivers. Where no stage is called receipt, each purchase order's last
    stage stands for it.

    Args:
        tables: The source; needs ``purchase_orders``.
        start: First local day.
        as_of: Last local day.

    Returns:
        ``purchase_id``, ``sku_id``, ``supplier_id``, ``quantity``, ``unit_cost``,
        ``ordered``, ``due``, ``came`` (days; NaT while open), ``late`` (1 or 0; NaN without a
        due day), ``lead`` [days], ``received`` (NaN where not told), ``rejected`` units.
    """
    import pandas as pd

    tables.require("purchase_orders")
    rows = tables.lazy("purchase_orders")
    done = within("done_at", EARLIEST, as_of, tables.zone)
    known = within("ordered_at", EARLIEST, as_of, tables.zone) | nw.col("ordered_at").is_null()
    last = (nw.col("stage") == "receipt").fill_null(value=False)
    rows = rows.filter(known & ~nw.col("supplier_id").is_null() & (nw.col("supplier_id") != ""))
    rows = rows.with_columns(
        due=nw.when(last).then(nw.col("due_at")),
        came=nw.when(last & done).then(nw.col("done_at")),
        took=nw.when(last & done).then(nw.col("received")),
        failed=nw.when(done).then(nw.col("rejected")),
    )
    held = bring(_grouped(rows), sort=KEY)
    for name in ("ordered_at", "due", "came"):
        held[name] = _days(held[name], tables)
    held = held.rename(columns={"ordered_at": "ordered"})
    first, end = pd.Timestamp(start), pd.Timestamp(as_of)
    open_late = held["came"].isna() & (held["due"] < end)
    inside = (held["came"] >= first) | (open_late & (held["due"] >= first))
    held = held[inside].reset_index(drop=True)
    late = (held["came"].fillna(end + pd.Timedelta(days=1)) > held["due"]).astype(float)
    return held.assign(
        late=late.where(held["due"].notna()),
        lead=(held["came"] - held["ordered"]).dt.days,
        quantity=held["quantity"].astype(float),
        received=held["received"].astype(float),
        rejected=held["rejected"].astype(float),
        unit_cost=held["unit_cost"].astype(float),
    )


def _grouped(rows: nw.LazyFrame[Any]) -> nw.LazyFrame[Any]:
    return rows.group_by(*KEY).agg(
        nw.col("supplier_id").max(),
        nw.col("quantity").max(),
        nw.col("unit_cost").max(),
        nw.col("ordered_at").min(),
        nw.col("due").max(),
        nw.col("came").max(),
        received=nw.col("took").max(),
        rejected=nw.col("failed").sum(),
    )


def _days(moments: pd.Series, tables: Tables) -> pd.Series:
    """Local days of instants."""
    import pandas as pd

    local = pd.to_datetime(moments, utc=True).dt.tz_convert(tables.zone)
    days: pd.Series = local.dt.tz_localize(None).dt.normalize()
    return days


def sum_deliveries(held: pd.DataFrame) -> pd.DataFrame:
    """Counts of each supplier, indexed by it."""
    counted = held["received"].notna() & held["came"].notna()
    whole = held["received"] >= held["quantity"]
    came = held["came"].notna()
    rejected = held["rejected"].fillna(0.0).clip(upper=held["quantity"])
    rows = held.assign(
        dated=held["late"].notna(),
        on_time=held["late"] == 0,
        counted=counted,
        whole=counted & whole,
        units=held["quantity"].where(came, 0.0),
        passed=(held["quantity"] - rejected).where(came, 0.0),
        amount=held["quantity"] * held["unit_cost"],
        open_late=held["came"].isna(),
        ordered_units=held["quantity"],
    )
    by = rows.groupby("supplier_id")
    sums = by[["dated", "on_time", "counted", "whole", "units", "passed", "amount", "open_late",
               "ordered_units"]]  # fmt: skip
    leads = by["lead"].agg(lead="mean", lead_spread="std", leads="count")
    counts = by.size().rename("deliveries")
    told = sums.sum(min_count=1).astype(float)
    return told.join(leads).join(counts).replace({np.inf: np.nan})
