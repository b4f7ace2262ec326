"""Measuring carriers: pick-up, delivery time, promise, cost, harm, by lane."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import numpy as np

from ecops_lib.core.checks import as_day, require_between
from ecops_lib.core.errors import MissingDataError
from ecops_lib.core.formats import show
from ecops_lib.core.language import tr
from ecops_lib.data.frames import DAY
from ecops_lib.metrics.bases import Source, Tables
from ecops_lib.supply.logistics.parcels import CELL, count_hours, read_parcels, sum_parcels
from ecops_lib.supply.logistics.pickup import count_pick_ups
from ecops_lib.supply.logistics.service import CarrierService, compare_service
from ecops_lib.supply.logistics.survival import Survival, estimate_survival

if TYPE_CHECKING:
    import pandas as pd

LEVEL = 0.9


def measure_carriers(
    source: Source,
    *,
    as_of: dt.date | str,
    days: int = 90,
    owner: str = "",
    time_zone: str | None = None,
) -> CarrierService:
    """Measure what carriers did with the parcels that they took over.

    Delivery times run from the first scan (else from handing over) and are estimated by
    Kaplan and Meier, so that parcels still on their way count for as long as they were
    watched. Costs are ratios of sums. Damage and loss are shares of the parcels that came or
    were lost, with Wilson's interval. Pick-up counts orders, in the platforms' window
    (``count_pick_ups``), where the source holds orders.

    Args:
        source: A store, or tables of any engine by canonical name.
        as_of: Last local day that counts.
        days: Days of taking over that are looked at.
        owner: Who sees to it; logistics by default.
        time_zone: IANA zone of the days; the store's by default.

    Raises:
        MissingDataError: There are no shipments, or none in these days.
        ParameterError: An argument has an impossible value.
    """
    last = as_day(as_of, name="as_of")
    require_between(days, 1, 3650, name="days")
    tables = Tables(source, time_zone=time_zone)
    start = last - (int(days) - 1) * DAY
    parcels = read_parcels(tables, start=start, as_of=last)
    sums = sum_parcels(parcels)
    if sums.empty:
        raise MissingDataError(nothing_words(start, last))
    hours = count_hours(parcels)
    picked = count_pick_ups(tables, as_of=last) if tables.has("orders") else None
    cells = picked.cells if picked else None
    slow, broken, harmed = compare_service(sums, hours)
    return CarrierService(
        carriers=_measured(sums, hours, cells, ["carrier"]),
        lanes=_measured(sums, hours, cells, CELL),
        curves=_curves(hours, ["carrier"]),
        slow=slow,
        broken=broken,
        harmed=harmed,
        pick_up=picked,
        start=start,
        as_of=last,
        owner=owner or logistics_owner(tables),
    )


def nothing_words(start: dt.date, last: dt.date) -> str:
    """Why there is nothing to measure."""
    return tr(
        "No parcel was handed over from {start} to {end}; import the carriers' bills of these "
        "days, or look back further.",
        start=show(start, "day"),
        end=show(last, "day"),
    )


def logistics_owner(tables: Tables) -> str:
    """Who sees to carriers."""
    owners = tables.store.settings.owners if tables.store else {}
    return owners.get("logistics", tr("logistics"))


def _curves(hours: pd.DataFrame, by: list[str]) -> dict[object, Survival]:
    """Delivery times of each group."""
    held = {}
    for key, rows in hours.groupby(by, sort=True):
        came = rows["came"].to_numpy(bool)
        counts = rows["parcels"].to_numpy(float)
        held[key if len(by) > 1 else key[0]] = estimate_survival(
            rows["hours"].to_numpy(float), np.where(came, counts, 0), np.where(came, 0, counts)
        )
    return held


def _measured(
    sums: pd.DataFrame, hours: pd.DataFrame, picked: pd.DataFrame | None, by: list[str]
) -> pd.DataFrame:
    """One row a group, most parcels first; NaN where the parcels do not tell."""
    held = sums.groupby(by).sum(numeric_only=True)
    curves = _curves(hours, by)
    for name, share in (("median", 0.5), ("p90", 0.9)):
        held[name] = [curves[k].quantile(share) if k in curves else np.nan for k in held.index]
    ends = [curves[k].limits(0.5, LEVEL) if k in curves else (np.nan,) * 2 for k in held.index]
    held["median_low"], held["median_high"] = zip(*ends, strict=True)
    for name, part, whole in (
        ("per_kilo", "weighed_cost", "kilos"),
        ("per_order", "money", "charged"),
        ("kept_share", "kept", "promised"),
        ("damage", "damaged", "ended"),
        ("loss", "lost", "ended"),
    ):
        held[name] = (held[part] / held[whole]).where(held[whole] > 0)
    for name, part in (("damage", "damaged"), ("loss", "lost")):
        held[f"{name}_low"], held[f"{name}_high"] = wilson(held[part], held["ended"])
    held["kept_low"], held["kept_high"] = wilson(held["kept"], held["promised"])
    if picked is not None:
        due = picked.groupby(by).sum(numeric_only=True).reindex(held.index)
        held["due"] = due["due"]
        for name in ("in_24", "in_48"):
            held[name] = (due[name] / due["due"]).where(due["due"] > 0)
    else:
        held[["due", "in_24", "in_48"]] = np.nan
    return held.reset_index().sort_values(
        ["parcels", *by], ascending=[False, *[True] * len(by)], ignore_index=True
    )


def wilson(
    good: pd.Series, whole: pd.Series, level: float = LEVEL
) -> tuple[np.ndarray, np.ndarray]:
    """Wilson's (1927) interval of shares; NaN where nothing was counted."""
    from scipy.stats import norm

    z = float(norm.ppf((1 + level) / 2))
    n = whole.to_numpy(float)
    with np.errstate(divide="ignore", invalid="ignore"):
        share = good.to_numpy(float) / n
        middle = (share + z**2 / (2 * n)) / (1 + z**2 / n)
        half = z / (1 + z**2 / n) * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    low, high = np.where(n > 0, middle - half, np.nan), np.where(n > 0, middle + half, np.nan)
    return np.maximum(low, 0.0), np.minimum(high, 1.0)
