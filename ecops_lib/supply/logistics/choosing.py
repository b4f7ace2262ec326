"""Which carrier for which lane: the same parcels at another's price, and what that risks."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import numpy as np

from ecops_lib.core.checks import as_day, require_between
from ecops_lib.core.errors import MissingDataError
from ecops_lib.data.frames import DAY, bring
from ecops_lib.metrics.bases import Source, Tables
from ecops_lib.supply.logistics.choices import CarrierChoices
from ecops_lib.supply.logistics.likeness import compare_times, holm
from ecops_lib.supply.logistics.measuring import logistics_owner, nothing_words
from ecops_lib.supply.logistics.parcels import (
    CELL,
    LANE,
    count_hours,
    read_parcels,
    sum_days,
)
from ecops_lib.supply.logistics.tiers import tier_effects
from ecops_lib.supply.panel import Floats

if TYPE_CHECKING:
    import pandas as pd

DRAWS = 1000
FEW = 30
"""Parcels of each carrier, in the weight bands that both carry, from which two are compared."""
LEAST = 10
"""Parcels of each in a weight band from which the band is one that both carry."""
MARGIN = 0.02
"""Share of promises by which a carrier may be worse at most to count as no worse."""
SURE = 0.05
TINY = 1e-6
"""Sum of squared kilograms below which weights do not vary."""
MONTH = 30.0
PARTS = ("parcels", "money", "promised", "kept", "harmed", "weight", "square", "product")


def choose_carriers(
    source: Source,
    *,
    as_of: dt.date | str,
    days: int = 90,
    owner: str = "",
    seed: int = 0,
    time_zone: str | None = None,
) -> CarrierChoices:
    """Compare carriers on each lane, and say where moving the parcels would save.

    A lane is a destination and a size class. Two carriers are compared only in the weight
    bands that both carry there: the parcels of one, at what the other was paid in each band
    (direct standardisation), at the same mean weight (analysis of covariance). Intervals come
    from resampling days. A move is advised where its saving is surely above zero (Holm over
    all pairs), the other surely keeps promises at most two points worse, seems to harm no
    more parcels, and is not surely slower (log-rank). A saving that costs service is told as
    such, and never added up.

    Args:
        source: A store, or tables of any engine by canonical name.
        as_of: Last local day that counts.
        days: Days of taking over that are compared.
        owner: Who sees to it; logistics by default.
        seed: Of the resampling.
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
    daily = sum_days(parcels)
    if daily.empty:
        raise MissingDataError(nothing_words(start, last))
    pairs = _pairs(daily, np.random.default_rng(seed), MONTH / days)
    slow = compare_times(count_hours(parcels))
    judged = _judge(pairs, slow)
    rates = bring(tables.lazy("carrier_rates")) if tables.has("carrier_rates") else None
    chosen = judged[judged["advised"]]
    return CarrierChoices(
        pairs=judged.drop(columns="draws"),
        total=_total(chosen),
        tiers=tier_effects(daily, chosen, rates, MONTH / days),
        lonely=_lonely(daily),
        start=start,
        as_of=last,
        owner=owner or logistics_owner(tables),
    )


def _pairs(daily: pd.DataFrame, rng: np.random.Generator, monthly: float) -> pd.DataFrame:
    """Every two carriers of a lane: saving a month and change of service, with draws."""
    import pandas as pd

    days = np.sort(daily["day"].unique())
    drawn = rng.multinomial(len(days), np.full(len(days), 1 / len(days)), DRAWS)
    weights = np.vstack([np.ones(len(days)), drawn.astype(float)])
    place = np.searchsorted(days, daily["day"])
    rows = []
    for lane, held in daily.assign(place=place).groupby(LANE, sort=True):
        sums = _drawn(held, weights)
        for old in sums:
            for new in sums:
                told = _compare(sums[old], sums[new], monthly) if old != new else None
                if told:
                    rows.append({"province": lane[0], "size_class": lane[1], "old": old,
                                 "new": new, **told})  # fmt: skip
    columns = [*LANE, "old", "new", "moved", "covered", "saving", "saving_low", "saving_high",
               "chance", "kept_gap", "kept_low", "kept_high", "kept_chance", "harm_gap",
               "harm_low", "harm_chance", "draws"]  # fmt: skip
    return pd.DataFrame(rows, columns=columns)


def _drawn(held: pd.DataFrame, weights: Floats) -> dict[str, Floats]:
    """Sums of each carrier of a lane: (parts, weight bands, draws), the plain sums first."""
    bands = int(held["band"].max()) + 1
    found = {}
    for carrier, rows in held.groupby("carrier", sort=True):
        daily = np.zeros((len(PARTS), bands, weights.shape[1]))
        places = (rows["band"].to_numpy(int), rows["place"].to_numpy(int))
        for part, name in enumerate(PARTS):
            np.add.at(daily[part], places, rows[name].to_numpy(float))
        found[str(carrier)] = daily @ weights.T
    return found


def _compare(old: Floats, new: Floats, monthly: float) -> dict[str, object] | None:
    """One carrier's parcels at another's cost and service; None where too few are alike."""
    shared = (old[0, :, 0] >= LEAST) & (new[0, :, 0] >= LEAST)
    alike = old[0, shared, 0].sum(), new[0, shared, 0].sum()
    if min(alike) < FEW:
        return None
    mine, theirs = old[:, shared], new[:, shared]
    with np.errstate(divide="ignore", invalid="ignore"):
        heavier = mine[5] / mine[0] - theirs[5] / theirs[0]
        cost = theirs[1] / theirs[0] + _price_of_kilo(mine, theirs) * heavier
        saving = np.nansum(mine[1] - mine[0] * cost, axis=0) * monthly
        kept = _rate_gap(mine, theirs, 3, 2)
        harm = _rate_gap(mine, theirs, 4, 0)
    low, high = np.quantile(saving[1:], [0.05, 0.95])
    kept_low, kept_high = _limits(kept[1:])
    return {
        "moved": float(alike[0]) * monthly,
        "covered": float(alike[0] / old[0, :, 0].sum()),
        "saving": float(saving[0]),
        "saving_low": float(low),
        "saving_high": float(high),
        "chance": _p_value(saving),
        "kept_gap": float(kept[0]),
        "kept_low": kept_low,
        "kept_high": kept_high,
        "kept_chance": _p_value(-kept),
        "harm_gap": float(harm[0]),
        "harm_low": _limits(harm[1:])[0],
        "harm_chance": _p_value(harm),
        "draws": saving[1:],
    }


def _price_of_kilo(mine: Floats, theirs: Floats) -> Floats:
    """What a kilogram more costs within a weight band, of both carriers; 0 where none varies."""
    slopes = [
        [np.nansum(each[top] - each[5] * each[low] / each[0], axis=0) for each in (mine, theirs)]
        for top, low in ((7, 1), (6, 5))
    ]
    rise, spread = (np.sum(told, axis=0) for told in slopes)
    held: Floats = np.where(spread > TINY, rise / np.where(spread > TINY, spread, 1.0), 0.0)
    return held


def _rate_gap(mine: Floats, theirs: Floats, part: int, whole: int) -> Floats:
    """The other's rate less this one's, in this one's mix of weight bands."""
    told = (mine[whole, :, 0] > 0) & (theirs[whole, :, 0] > 0)
    ours, other = mine[:, told], theirs[:, told]
    weight = ours[whole, :, :1]
    if not weight.sum():
        return np.full(mine.shape[2], np.nan)
    gap = other[part] / other[whole] - ours[part] / ours[whole]
    known = ~np.isnan(gap)
    held: Floats = np.nansum(gap * weight, axis=0) / (known * weight).sum(axis=0)
    return held


def _limits(draws: Floats) -> tuple[float, float]:
    told = draws[~np.isnan(draws)]
    if not len(told):
        return float("nan"), float("nan")
    return float(np.quantile(told, 0.05)), float(np.quantile(told, 0.95))


def _p_value(drawn: Floats) -> float:
    """One-sided chance that a figure is not above 0, by its draws' spread; NaN untold."""
    from scipy.stats import norm

    told = drawn[1:][~np.isnan(drawn[1:])]
    if np.isnan(drawn[0]) or len(told) < 2:
        return float("nan")
    spread = float(np.std(told, ddof=1))
    return float(norm.sf(drawn[0] / spread)) if spread > 0 else float(drawn[0] <= 0)


def _judge(pairs: pd.DataFrame, slow: pd.DataFrame) -> pd.DataFrame:
    """What follows from each comparison, and the best move of each carrier's lane."""
    names = ("chance", "kept_chance", "harm_chance")
    sure = {name: holm(pairs[name].to_numpy(float)) for name in names}
    held = pairs.assign(**sure, slower=_slower(pairs, slow))
    saves = held["chance"] < SURE
    worse = (held["kept_chance"] < SURE) | (held["harm_chance"] < SURE) | held["slower"]
    same = (held["kept_low"] > -MARGIN) & ~(held["harm_low"] > 0)
    verdict = np.select(
        [~saves, worse, ~same], ["no saving", "worse service", "cannot be told"], "move"
    )
    held = held.assign(verdict=verdict)
    moves = held[held["verdict"] == "move"].sort_values("saving", ascending=False, kind="stable")
    best = moves.drop_duplicates([*LANE, "old"]).index
    held["advised"] = held.index.isin(best)
    return held.sort_values("saving", ascending=False, kind="stable", ignore_index=True)


def _slower(pairs: pd.DataFrame, slow: pd.DataFrame) -> Floats:
    """Whether the other carrier is surely slower than the rest of the lane."""
    surely = slow[(slow["p_value"] < SURE) & (slow["arrived"] < slow["expected"])]
    known = set(zip(surely["carrier"], surely["province"], surely["size_class"], strict=True))
    keys = zip(pairs["new"], pairs["province"], pairs["size_class"], strict=True)
    return np.array([key in known for key in keys], dtype=bool)


def _total(chosen: pd.DataFrame) -> tuple[float, float, float]:
    """Saving a month of all advised moves, with its 90 % interval."""
    if chosen.empty:
        return 0.0, 0.0, 0.0
    draws = np.sum(list(chosen["draws"]), axis=0)
    low, high = np.quantile(draws, [0.05, 0.95])
    return float(chosen["saving"].sum()), float(low), float(high)


def _lonely(daily: pd.DataFrame) -> pd.DataFrame:
    """Lanes that one carrier serves alone, most parcels first."""
    by = daily.groupby(CELL, as_index=False)["parcels"].sum()
    alone = by[by.groupby(LANE)["carrier"].transform("size") == 1]
    held: pd.DataFrame = alone.sort_values("parcels", ascending=False, ignore_index=True)
    return held
