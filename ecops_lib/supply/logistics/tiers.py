"""Volume tiers of carriers' price lists: what a moved volume would cost or save."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ecops_lib.supply.logistics.parcels import CELL

if TYPE_CHECKING:
    import pandas as pd

ALL = "*"
COLUMNS = ("carrier", "now", "then", "effect")


def tier_effects(
    daily: pd.DataFrame, moves: pd.DataFrame, rates: pd.DataFrame | None, monthly: float
) -> pd.DataFrame:
    """Each carrier's monthly volume before and after the moves, and what its tier changes.

    A tier holds for all parcels a month that the carrier carries. Only the change between
    the list's two tiers counts, on the volume after the moves: what is paid today is in the
    bills already.

    Args:
        daily: Sums by day, carrier, lane and weight band.
        moves: The advised moves: lane, ``old``, ``new``, ``moved`` parcels a month.
        rates: ``carrier_rates``; None without them.
        monthly: Months' share of the days in ``daily``.

    Returns:
        ``carrier``, parcels a month ``now`` and ``then``, ``effect`` [store currency a
        month; above 0 saves, NaN where no price list tells].
    """
    import pandas as pd

    by = daily.groupby(CELL)[["parcels", "weight"]].sum() * monthly
    mean: dict[Any, float] = (by["weight"] / by["parcels"]).to_dict()
    now: dict[Any, float] = by["parcels"].to_dict()
    then, kilos = dict(now), {k: now[k] * mean[k] for k in now}
    for move in moves.to_dict("records"):
        lane = (move["province"], move["size_class"])
        old, new = (move["old"], *lane), (move["new"], *lane)
        then[old] -= move["moved"]
        then[new] += move["moved"]
        kilos[old] -= move["moved"] * mean[old]
        kilos[new] += move["moved"] * mean[old]
    rows = []
    for carrier in sorted({key[0] for key in now}):
        mine = [key for key in now if key[0] == carrier]
        before, after = sum(now[k] for k in mine), sum(then[k] for k in mine)
        effect = _effect(carrier, mine, (then, kilos), (before, after), rates)
        rows.append((carrier, before, after, effect))
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _effect(
    carrier: str,
    lanes: list[tuple[str, str, str]],
    held: tuple[dict[tuple[str, str, str], float], dict[tuple[str, str, str], float]],
    volumes: tuple[float, float],
    rates: pd.DataFrame | None,
) -> float:
    """What the change of tier saves a month; NaN where a lane has no price list."""
    if rates is None or not (rates["carrier"] == carrier).any():
        return float("nan")
    mine = rates[rates["carrier"] == carrier]
    total = 0.0
    for lane in lanes:
        parcels, kilos = held[0][lane], held[1][lane]
        if parcels <= 0:
            continue
        before, after = (_price(mine, lane, volume, kilos / parcels) for volume in volumes)
        total += parcels * (before - after)
    return total


def _price(rates: pd.DataFrame, lane: tuple[str, str, str], volume: float, kilos: float) -> float:
    """List price of a parcel of a weight at a monthly volume; the closest destination holds."""
    rows = rates[(rates["size_class"] == lane[2]) & (rates["parcels_from"] <= volume)]
    near = rows[rows["province"] == lane[1]]
    rows = near if len(near) else rows[rows["province"] == ALL]
    if rows.empty:
        return float("nan")
    row = rows.iloc[int(rows["parcels_from"].astype(float).to_numpy().argmax())]
    first, further = float(row["first_weight"] or 0), float(row["next_price"] or 0)
    first = 0.0 if np.isnan(first) else first
    further = 0.0 if np.isnan(further) else further
    return float(row["first_price"]) + further * max(kilos - first, 0.0)
