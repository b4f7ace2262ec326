"""Parcels as a carrier's work: counted in their engine, brought back by lane and hour."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import narwhals as nw

from ecops_lib.data.frames import bring, instants, minutes_between, within
from ecops_lib.metrics.bases import Tables

if TYPE_CHECKING:
    import pandas as pd

LANE = ["province", "size_class"]
CELL = ["carrier", *LANE]
BANDS = (0.0, 0.5, 1.0, 2.0, 3.0, 5.0, 10.0, 20.0, 50.0)
"""Kilograms from which a weight band begins."""
LONGEST = 60 * 24
"""Hours after which a parcel that has not come is no longer waited for."""
DAMAGED = ("damaged", "破损", "损坏")
LOST = ("lost", "丢失", "遗失", "丢件")
NOTHING = ""


def read_parcels(tables: Tables, *, start: dt.date, as_of: dt.date) -> nw.LazyFrame[Any]:
    """Parcels that carriers took over on some days, as known at the end of the last.

    The clock runs from the first scan, or from handing over where none is told. A parcel
    still on its way is watched until the end of ``as_of``; a lost one for ever.

    Args:
        tables: The source; needs ``shipments``.
        start: First local day of taking over.
        as_of: Last local day, of taking over and of what is known.

    Returns:
        One lazy row a parcel: ``platform``, ``order_id``, ``carrier``, ``province``,
        ``size_class`` (empty where not told), ``weight`` [kg], ``cost``, ``begun``,
        ``hours`` (whole, up to ``LONGEST``; null where it came before it began), ``came``,
        ``kept`` (1 or 0; null without a promise, or before it is due), ``damaged``, ``lost``.
    """
    tables.require("shipments")
    _, over = instants(as_of, as_of, tables.zone)
    rows = tables.lazy("shipments").with_columns(
        nw.col(name).fill_null(NOTHING) for name in [*CELL, "trouble"]
    )
    scanned = (nw.col("picked_up_at") < over).fill_null(value=False)
    rows = rows.with_columns(
        begun=nw.when(scanned).then(nw.col("picked_up_at")).otherwise(nw.col("shipped_at")),
        came=(nw.col("delivered_at") < over).fill_null(value=False),
        damaged=nw.col("trouble").is_in(DAMAGED),
        gone=nw.col("trouble").is_in(LOST),
    ).filter(within("begun", start, as_of, tables.zone))
    rows = rows.with_columns(
        seen=nw.when(nw.col("came")).then(nw.col("delivered_at")).otherwise(nw.lit(over)),
        lost=nw.col("gone") & ~nw.col("came"),
    )
    took = minutes_between(rows, "begun", "seen") // 60
    hours = nw.when(nw.col("lost") | (took > LONGEST)).then(nw.lit(LONGEST)).otherwise(took)
    return rows.with_columns(
        hours=hours,
        came=nw.col("came") & (took <= LONGEST),
        kept=kept_promise(over),
        lost=nw.col("gone"),
    ).select("platform", "order_id", *CELL, "weight", "cost", "begun", "hours", "came", "kept",
             "damaged", "lost")  # fmt: skip


def kept_promise(over: dt.datetime) -> nw.Expr:
    """1 where a parcel came when promised, 0 where not; null without a promise or before it."""
    came = (nw.col("delivered_at") < over).fill_null(value=False)
    in_time = came & (nw.col("delivered_at") <= nw.col("promised_at")).fill_null(value=False)
    due = (nw.col("promised_at") < over).fill_null(value=False)
    none = nw.col("promised_at").is_null()
    return nw.when(~none & in_time).then(nw.lit(1)).when(~none & due).then(nw.lit(0))


def count_hours(parcels: nw.LazyFrame[Any]) -> pd.DataFrame:
    """Parcels by carrier, lane, hours watched, and whether they came."""
    held = parcels.filter(~nw.col("hours").is_null())
    return bring(
        held.group_by(*CELL, "hours", "came").agg(parcels=nw.len()), sort=[*CELL, "hours", "came"]
    )


def sum_parcels(parcels: nw.LazyFrame[Any]) -> pd.DataFrame:
    """Sums by carrier and lane: parcels, orders, cost, kilograms, promises, harm.

    ``priced`` counts parcels with a cost, ``weighed_cost`` and ``weight`` sum those with
    both; ``orders`` are distinct.
    """
    both = ~nw.col("cost").is_null() & ~nw.col("weight").is_null()
    told = parcels.with_columns(
        weighed_cost=nw.when(both).then(nw.col("cost").cast(nw.Float64)),
        kilos=nw.when(both).then(nw.col("weight")),
        money=nw.col("cost").cast(nw.Float64),
        priced=_flag(~nw.col("cost").is_null()),
        came=_flag(nw.col("came")),
        damaged=_flag(nw.col("damaged")),
        lost=_flag(nw.col("lost")),
        promised=_flag(~nw.col("kept").is_null()),
        ended=_flag(nw.col("came") | nw.col("lost") | nw.col("damaged")),
    )
    names = ["weighed_cost", "kilos", "money", "priced", "came", "damaged", "lost", "promised",
             "kept", "ended"]  # fmt: skip
    sums = {name: nw.col(name).sum() for name in names}
    by_order = told.group_by(*CELL, "platform", "order_id").agg(parcels=nw.len(), **sums)
    charged = nw.when(nw.col("priced") > 0).then(nw.lit(1))
    whole = by_order.with_columns(charged=charged).group_by(*CELL).agg(
        orders=nw.len(), charged=nw.col("charged").sum(), parcels=nw.col("parcels").sum(), **sums
    )  # fmt: skip
    held = bring(whole, sort=CELL).astype(
        dict.fromkeys(["orders", "charged", "parcels", *names], float)
    )
    return held.fillna(dict.fromkeys(names, 0.0))


def sum_days(parcels: nw.LazyFrame[Any]) -> pd.DataFrame:
    """Sums by day (of UTC), carrier, lane and weight band, for resampling.

    Only parcels with a weight and a cost: ``parcels``, ``money``, ``weight`` [kg], ``promised``,
    ``kept``, ``harmed``; ``square`` [kg²] and ``product`` of weight and money.
    """
    both = ~nw.col("cost").is_null() & ~nw.col("weight").is_null()
    rows = parcels.filter(both).with_columns(
        band=_band(),
        day=nw.col("begun").dt.replace_time_zone(None).dt.truncate("1d"),
        money=nw.col("cost").cast(nw.Float64),
        promised=_flag(~nw.col("kept").is_null()),
        harmed=_flag(nw.col("damaged") | nw.col("lost")),
        square=nw.col("weight") * nw.col("weight"),
    )
    rows = rows.with_columns(product=nw.col("weight") * nw.col("money"))
    keys = ["day", *CELL, "band"]
    held = bring(
        rows.group_by(*keys).agg(
            nw.col("money").sum(),
            nw.col("weight").sum(),
            nw.col("square").sum(),
            nw.col("product").sum(),
            nw.col("promised").sum(),
            nw.col("kept").sum(),
            nw.col("harmed").sum(),
            parcels=nw.len(),
        ),
        sort=keys,
    )
    numbers = ["money", "weight", "square", "product", "promised", "kept", "harmed", "parcels"]
    return held.astype(dict.fromkeys(numbers, float)).fillna(dict.fromkeys(numbers, 0.0))


def _band() -> nw.Expr:
    band: nw.Expr = nw.lit(0)
    for place, least in enumerate(BANDS[1:], 1):
        band = nw.when(nw.col("weight") >= least).then(nw.lit(place)).otherwise(band)
    return band


def _flag(told: nw.Expr) -> nw.Expr:
    return nw.when(told).then(nw.lit(1)).otherwise(nw.lit(0))
