"""Promises kept by destination, seller or carrier, weighted where a sample is not even."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

import narwhals as nw
import numpy as np

from ecops_lib.core.checks import as_day, require_between, require_choice
from ecops_lib.core.errors import MissingDataError, ParameterError
from ecops_lib.core.language import tr
from ecops_lib.data.frames import bring, instants
from ecops_lib.metrics.bases import ORDER_KEY, Source, Tables
from ecops_lib.supply.logistics.measuring import logistics_owner
from ecops_lib.supply.logistics.parcels import NOTHING, kept_promise
from ecops_lib.supply.logistics.promises import PromisesKept

if TYPE_CHECKING:
    import pandas as pd

By = Literal["province", "seller_id", "carrier"]
LEVEL = 0.9
DUE = "due"
STATES = ("kept", "late", "never")


def measure_promises(
    source: Source,
    *,
    as_of: dt.date | str,
    by: By = "province",
    weights: Mapping[str, float] | None = None,
    owner: str = "",
    time_zone: str | None = None,
) -> PromisesKept:
    """Count the orders that came as promised, by destination, seller or carrier.

    An order counts once in each group that has a parcel of it, and is kept if all of these
    parcels came as promised. One that was due and has not come is broken, whatever became of
    it: ``never`` counts those beside the late ones. An order that is not due yet tells
    nothing. In a sample that holds some orders more often than others, weigh each by what it
    stands for: ``weights={"completed": 96478 / 29973}`` where all orders that did not arrive
    were kept, and 29,973 of 96,478 that did. Intervals are Wilson's at Kish's (1965)
    effective number.

    Args:
        source: A store, or tables of any engine by canonical name.
        as_of: Last local day that counts.
        by: What to count by; orders whose parcels do not tell it are in ``untold``.
        weights: Weight of orders by their status; 1 for the others.
        owner: Who sees to it; logistics by default.
        time_zone: IANA zone of the days; the store's by default.

    Raises:
        MissingDataError: There are no shipments, or none with a promise that was due.
        ParameterError: An argument has an impossible value.
    """
    last = as_day(as_of, name="as_of")
    require_choice(by, By, name="by")
    _check(weights or {})
    tables = Tables(source, time_zone=time_zone)
    _, over = instants(last, last, tables.zone)
    parcels = _promised(tables, by, over)
    if weights:
        tables.require("orders")
        states = tables.lazy("orders").select(*ORDER_KEY, "status")
        parcels = parcels.join(states, on=ORDER_KEY, how="left")
    else:
        parcels = parcels.with_columns(status=nw.lit(NOTHING))
    parcels = parcels.with_columns(weight=_weight(weights or {}))
    groups = _by_order(parcels, [*ORDER_KEY, "key"])
    held = bring(_sums(groups, ["key"]), sort=["key"])
    if held.empty or not held[DUE].sum():
        raise MissingDataError(
            tr(
                "No parcel with a promised day was due; import shipments with promised_at (the "
                "promised delivery)."
            )
        )
    whole = bring(_sums(_by_order(parcels, ORDER_KEY).with_columns(key=nw.lit(NOTHING)), ["key"]))
    return PromisesKept(
        frame=_frame(held[held["key"] != NOTHING]),
        whole=dict(_frame(whole).iloc[0]),
        untold=float(held.loc[held["key"] == NOTHING, DUE].sum()),
        by=by,
        weighted=bool(weights),
        as_of=last,
        owner=owner or logistics_owner(tables),
    )


def _check(weights: Mapping[str, float]) -> None:
    for status, weight in weights.items():
        require_between(weight, 0, float("inf"), name=f"weights[{status!r}]")
    if weights and not any(weights.values()):
        raise ParameterError("weights are all 0; give at least one above 0.")


def _promised(tables: Tables, by: str, over: dt.datetime) -> nw.LazyFrame[Any]:
    """Parcels whose promise was due: 1 or 0 where it was kept, and where it never came."""
    tables.require("shipments")
    rows = tables.lazy("shipments")
    if by not in rows.collect_schema().names():
        raise MissingDataError(tr("The shipments tell no {column}; import them again.", column=by))
    came = (nw.col("delivered_at") < over).fill_null(value=False)
    rows = rows.with_columns(
        kept=kept_promise(over),
        never=nw.when(came).then(nw.lit(0)).otherwise(nw.lit(1)),
        key=nw.col(by).fill_null(NOTHING),
    )
    return rows.filter(~nw.col("kept").is_null()).select(*ORDER_KEY, "key", "kept", "never")


def _weight(weights: Mapping[str, float]) -> nw.Expr:
    held: nw.Expr = nw.lit(1.0)
    for status, weight in weights.items():
        held = nw.when(nw.col("status") == status).then(nw.lit(float(weight))).otherwise(held)
    return held


def _by_order(parcels: nw.LazyFrame[Any], keys: list[str]) -> nw.LazyFrame[Any]:
    """One row an order (and group): kept only if every parcel was."""
    return parcels.group_by(*keys).agg(
        nw.col("kept").min(), nw.col("never").max(), nw.col("weight").max()
    )


def _sums(orders: nw.LazyFrame[Any], keys: list[str]) -> nw.LazyFrame[Any]:
    weight = nw.col("weight")
    rows = orders.with_columns(
        in_time=weight * nw.col("kept"),
        never=weight * nw.col("never") * (1 - nw.col("kept")),
        square=weight * weight,
    )
    return rows.group_by(*keys).agg(
        nw.len().alias("orders"),
        weight.sum().alias(DUE),
        nw.col("in_time").sum().alias("kept"),
        nw.col("never").sum().alias("never"),
        nw.col("square").sum().alias("square"),
    )


def _frame(sums: pd.DataFrame) -> pd.DataFrame:
    """Shares with Wilson's interval, most orders first."""
    from ecops_lib.supply.logistics.measuring import wilson

    held = sums.rename(columns={"kept": "in_time"})
    share = held["in_time"] / held[DUE]
    effective = held[DUE] ** 2 / held["square"]
    low, high = wilson(share * effective, effective, LEVEL)
    rows = held.assign(
        kept=share,
        kept_low=low,
        kept_high=high,
        never=held["never"] / held[DUE],
        late=1 - share - held["never"] / held[DUE],
        effective=effective,
    )
    rows["late"] = np.maximum(rows["late"], 0.0)
    return rows.sort_values([DUE, "key"], ascending=[False, True], ignore_index=True)
