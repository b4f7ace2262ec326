"""Purchase orders by stage, as they stood at the end of a day."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

import narwhals as nw
import numpy as np

from ecops_lib.core.language import mark
from ecops_lib.data.frames import DAY, bring, instants
from ecops_lib.metrics.bases import Tables

if TYPE_CHECKING:
    import pandas as pd

Stage = Literal["production", "inspection", "shipping", "receipt"]
STAGES: Mapping[Stage, str] = {
    "production": mark("production"),
    "inspection": mark("inspection"),
    "shipping": mark("shipping"),
    "receipt": mark("transport and receipt"),
}
"""Stages in their order; each begins when the one before is done, the first with the order."""
HISTORY = 730
"""Days of purchase orders looked at."""


def read_stages(tables: Tables, *, as_of: dt.date) -> pd.DataFrame:
    """One row a purchase order × SKU, with when each stage was due and done.

    What happened after ``as_of`` is not known yet: such a stage is still open.

    Args:
        tables: The source.
        as_of: Last local day that counts.

    Returns:
        ``purchase_id``, ``sku_id``, ``supplier_id`` (empty where not told), ``quantity``,
        ``unit_cost``; days since the order (floats, NaN where unknown) ``due_…`` and
        ``done_…`` of each stage, and ``enter_…``, when it began, NaN where it has not;
        ``age``, days from order to the end of ``as_of``; ``ordered``; ``stage``, the one it
        is in, empty once received.

    Raises:
        MissingDataError: There is no table of purchase orders.
    """
    import pandas as pd

    tables.require("purchase_orders")
    first, over = instants(as_of - HISTORY * DAY, as_of, tables.zone)
    held = bring(_grouped(tables, first, over), sort=["purchase_id", "sku_id"])
    ordered = pd.to_datetime(held["ordered"], utc=True)
    for name in [c for c in held.columns if c.startswith(("due_", "done_"))]:
        gap = pd.to_datetime(held[name], utc=True) - ordered
        held[name] = gap.dt.total_seconds() / 86400
    held["age"] = (pd.Timestamp(over) - ordered).dt.total_seconds() / 86400
    held["ordered"] = ordered
    for name in ("quantity", "unit_cost"):
        held[name] = held[name].astype(float)
    held["supplier_id"] = held["supplier_id"].fillna("").astype(str)
    return _entered(held, [s for s in STAGES if held[f"rows_{s}"].sum()])


def _grouped(tables: Tables, first: dt.datetime, over: dt.datetime) -> nw.LazyFrame[Any]:
    rows = tables.lazy("purchase_orders").filter(
        (nw.col("ordered_at") >= first) & (nw.col("ordered_at") < over)
    )
    known = (nw.col("done_at") < over).fill_null(value=False)
    columns: dict[str, nw.Expr] = {}
    for stage in STAGES:
        mine = (nw.col("stage") == stage).fill_null(value=False)
        columns[f"due_{stage}"] = nw.when(mine).then(nw.col("due_at"))
        columns[f"done_{stage}"] = nw.when(mine & known).then(nw.col("done_at"))
        columns[f"rows_{stage}"] = nw.when(mine).then(nw.lit(1)).otherwise(nw.lit(0))
    ends = [nw.col(name).max() for name in columns]
    return (
        rows.with_columns(**columns)
        .group_by("purchase_id", "sku_id")
        .agg(
            nw.col("supplier_id").max(),
            nw.col("quantity").max(),
            nw.col("unit_cost").max(),
            nw.col("ordered_at").min().alias("ordered"),
            *ends,
        )
    )


def _entered(held: pd.DataFrame, used: list[Stage]) -> pd.DataFrame:
    """When each stage began, and the stage that an order is in.

    A stage with a later one done is over, even if nobody noted its end.
    """
    done = np.column_stack([held[f"done_{s}"].to_numpy(float) for s in STAGES])
    received = ~np.isnan(done[:, -1])
    passed = np.zeros(len(held))
    later = np.flip(np.logical_or.accumulate(np.flip(~np.isnan(done), 1), 1), 1)
    stage = np.full(len(held), "", dtype=object)
    for place, name in enumerate(STAGES):
        open_now = ~later[:, place] & ~received & (stage == "") & (name in used)
        told = ~np.isnan(done[:, place])
        held[f"enter_{name}"] = np.where(told | open_now, passed, np.nan)
        stage = np.where(open_now, name, stage)
        passed = np.where(told, np.maximum(passed, done[:, place]), passed)
    held["stage"] = stage
    return held.drop(columns=[f"rows_{s}" for s in STAGES])


def as_orders(held: pd.DataFrame) -> pd.DataFrame:
    """Purchase orders whose SKUs moved together as one row."""
    times = [c for c in held.columns if c.startswith(("due_", "done_", "enter_"))]
    return held.drop_duplicates(["purchase_id", "supplier_id", "stage", *times])
