"""Like with like: a carrier beside the others of the same lanes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from ecops_lib.supply.logistics.parcels import LANE


def compare_rates(
    sums: pd.DataFrame,
    part: str,
    whole: str,
    *,
    by: Sequence[str] = LANE,
    who: str = "carrier",
) -> pd.DataFrame:
    """Each carrier's rate beside that of the others on the lanes that both serve.

    Mantel and Haenszel's (1959) test over lanes; the others' rate is weighted as the
    carrier's own parcels are. Lanes that one carrier serves alone tell nothing.

    Args:
        sums: One row a carrier and lane.
        part: Column of counted parcels.
        whole: Column of the parcels that it is counted among.
        by: Columns of what is alike: lanes, or anything else.
        who: Column of those who are compared.

    Returns:
        ``carrier``, ``rate`` and ``others`` on shared lanes, ``counted`` parcels there,
        ``share`` of its parcels on shared lanes, ``p_value`` adjusted for all carriers
        (Holm); NaN where no lane is shared.
    """
    lanes = sums.groupby(list(by))[[part, whole]].transform("sum")
    held = pd.DataFrame(
        {
            who: sums[who],
            "a": sums[part],
            "n": sums[whole],
            "m": lanes[part],
            "all": lanes[whole],
        }
    )
    shared = held[(held["n"] > 0) & (held["all"] > held["n"])]
    n, total, m = (shared[name] for name in ("n", "all", "m"))
    spread = n * (total - n) * m * (total - m) / (total**2 * (total - 1))
    cells = shared.assign(
        expected=n * m / total, spread=spread, others=n * (m - shared["a"]) / (total - n)
    )
    totals = cells.groupby(who)[["a", "n", "expected", "spread", "others"]].sum()
    rows = totals.reindex(sorted(sums[who].unique()))
    served = held.groupby(who)["n"].sum().reindex(rows.index)
    return pd.DataFrame(
        {
            who: rows.index,
            "rate": (rows["a"] / rows["n"]).to_numpy(),
            "others": (rows["others"] / rows["n"]).to_numpy(),
            "counted": rows["n"].fillna(0.0).to_numpy(),
            "share": (rows["n"].fillna(0.0) / served).to_numpy(),
            "p_value": holm(_p_values((rows["a"] - rows["expected"]), rows["spread"])),
        }
    )


def compare_times(hours: pd.DataFrame) -> pd.DataFrame:
    """Each carrier's delivery times beside the others' of the same lane, by lane.

    The log-rank test (Mantel 1966) of each carrier against all others of its lane.

    Args:
        hours: One row a carrier, lane, hour and whether they ``came``: ``parcels``.

    Returns:
        ``carrier``, ``province``, ``size_class``, ``arrived`` and ``expected`` parcels, where
        fewer than expected are slower; ``p_value`` adjusted for all lanes (Holm). Lanes of
        one carrier are left out.
    """
    rows = []
    for lane, held in hours.groupby(LANE, sort=True):
        if held["carrier"].nunique() > 1:
            rows += [(carrier, *lane, *told) for carrier, told in _log_ranks(held).items()]
    columns = ["carrier", *LANE, "arrived", "expected", "spread"]
    found = pd.DataFrame(rows, columns=columns)
    gap = found["arrived"] - found["expected"]
    return found.assign(p_value=holm(_p_values(gap, found["spread"])))


def _log_ranks(held: pd.DataFrame) -> dict[str, tuple[float, float, float]]:
    """Arrivals of each carrier of a lane, what was expected of it, and the variance."""
    events = _wide(held[held["came"]], held)
    watched = _wide(held, held)
    risk = watched[::-1].cumsum()[::-1]
    all_events, all_risk = events.sum(axis=1), risk.sum(axis=1)
    keep = (all_events > 0) & (all_risk > 0)
    share = risk[keep].div(all_risk[keep], axis=0)
    expected = share.mul(all_events[keep], axis=0)
    least = np.maximum(all_risk[keep] - 1, 1)
    spread = (share * (1 - share)).mul(
        all_events[keep] * (all_risk[keep] - all_events[keep]) / least, axis=0
    )
    return {
        str(name): (
            float(events[name].sum()), float(expected[name].sum()), float(spread[name].sum())
        )
        for name in events
    }  # fmt: skip


def _wide(rows: pd.DataFrame, held: pd.DataFrame) -> pd.DataFrame:
    table = rows.pivot_table(index="hours", columns="carrier", values="parcels", aggfunc="sum")
    return table.reindex(
        index=np.sort(held["hours"].unique()), columns=sorted(held["carrier"].unique())
    ).fillna(0.0)


def _p_values(gap: pd.Series, spread: pd.Series) -> np.ndarray:
    """Two-sided, by the normal distribution; NaN where nothing varies."""
    from scipy.stats import norm

    size = np.sqrt(spread.to_numpy(float))
    with np.errstate(divide="ignore", invalid="ignore"):
        z = np.where(size > 0, gap.to_numpy(float) / size, np.nan)
    told: np.ndarray = 2 * norm.sf(np.abs(z))
    return told


def holm(p_values: np.ndarray) -> np.ndarray:
    """P-values adjusted for their number (Holm 1979); NaN stays."""
    told = np.flatnonzero(~np.isnan(p_values))
    adjusted = np.full(len(p_values), np.nan)
    order = told[np.argsort(p_values[told], kind="stable")]
    steps = p_values[order] * np.arange(len(order), 0, -1)
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return adjusted
