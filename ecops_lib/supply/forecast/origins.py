"""What would have been forecast at earlier origins, each with what was known then."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ecops_lib.core.language import mark
from ecops_lib.supply.backtest.folds import cut_panel
from ecops_lib.supply.demand.classes import classify_demand
from ecops_lib.supply.forecast.candidates import (
    OWN,
    SHARE,
    YEAR,
    YEARS,
    Candidates,
    has_season,
    make_candidates,
)
from ecops_lib.supply.forecast.combining import (
    Window,
    draw_to_total,
    learn_weights,
    summarise_window,
)
from ecops_lib.supply.forecast.effects import Effects, learn_effects
from ecops_lib.supply.panel import Floats, Panel

MOST_ORIGINS = 10
"""Earlier origins at the most."""
NOTHING = mark("nothing known yet")
"""Method of a series without a known period."""
METHODS = {
    OWN: mark("mix, mostly its own level"),
    SHARE: mark("mix, mostly its share of the total"),
    YEAR: mark("mix, mostly last year's season"),
}
"""Name of a mix by the family of candidates that weighs most."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Origin:
    """One origin: what was forecast from it.

    Attributes:
        cut: Periods known.
        mean: Expected units (series, horizon); NaN where nothing was known.
        fitted: One-step forecasts of the past by a slow level (series, cut).
        groups: Regularity of each series' demand.
        method: Name of the mix of each series.
        effects: Effects of the drivers; None without drivers.
    """

    cut: int
    mean: Floats
    fitted: Floats
    groups: np.ndarray[Any, Any]
    method: np.ndarray[Any, Any]
    effects: Effects | None


def choose_cuts(panel: Panel, *, horizon: int) -> tuple[list[int], bool]:
    """Earlier origins, the last one a horizon before the end, and whether seasons are told.

    At most ten, a horizon or a whole part of it apart, each with two horizons of past, and a
    year where last year's season is to be judged too.
    """
    last = panel.periods - horizon
    season = has_season(last - horizon, frequency=panel.frequency)
    least = YEARS[panel.frequency] * 14 // 13 if season else min(2 * horizon, max(last // 2, 2))
    apart = max(1, (last - least) // MOST_ORIGINS)
    step = max(part for part in range(1, horizon + 1) if horizon % part == 0 and part <= apart)
    cuts = [last - step * k for k in range(MOST_ORIGINS)]
    return sorted(cut for cut in cuts if cut >= least), season


def walk_origins(
    panel: Panel, *, horizon: int, cuts: Sequence[int], season: bool
) -> tuple[Origin, ...]:
    """Forecast at each cut with weights learnt before it, in order.

    Args:
        panel: The whole past.
        horizon: Periods ahead.
        cuts: Origins in order; the end of the panel may be the last.
        season: Whether last year's season is used.
    """
    windows: list[tuple[int, Window]] = []
    out = []
    for cut in cuts:
        past = cut_panel(panel, cut)
        candidates, effects = _prepare(past, horizon, season)
        known = [window for end, window in windows if end <= cut]
        out.append(_mix(past, candidates, effects, known))
        actual = panel.values[:, cut : cut + horizon]
        if actual.shape[1] == horizon:
            window = summarise_window(candidates.forecasts, actual, past.values)
            windows.append((cut + horizon, window))
    return tuple(out)


def _prepare(past: Panel, horizon: int, season: bool) -> tuple[Candidates, Effects | None]:
    """The candidates, with the drivers' effects taken out of the past and put on the future."""
    more = {"horizon": horizon, "frequency": past.frequency, "season": season}
    plain = make_candidates(past.values, **more)  # type: ignore[arg-type]
    if not past.drivers:
        return plain, None
    effects = learn_effects(past, plain.fitted, horizon=horizon)
    for _ in range(2):  # the level without them, then they beside that level
        laid = effects.factors
        even = make_candidates(past.values / laid[:, : past.periods], **more)  # type: ignore[arg-type]
        effects = learn_effects(past, even.fitted, horizon=horizon)
    ahead = laid[:, past.periods :]
    return (
        Candidates(
            forecasts=even.forecasts * ahead,
            families=even.families,
            total=even.total * _mean_effect(even.forecasts[0], ahead),
            fitted=even.fitted * laid[:, : past.periods],
        ),
        effects,
    )


def _mean_effect(forecast: Floats, ahead: Floats) -> Floats:
    """Effect on the sum over the series, period by period."""
    before = np.nansum(forecast, axis=0)
    return np.asarray(np.nansum(forecast * ahead, axis=0) / np.where(before > 0, before, 1.0))


def _mix(
    past: Panel, candidates: Candidates, effects: Effects | None, windows: Sequence[Window]
) -> Origin:
    count = len(candidates.families)
    groups = np.asarray(classify_demand(past.values))
    weights = learn_weights(windows, prior=np.full(count, 1 / count), groups=groups)
    mean = np.einsum("nk,knh->nh", weights, candidates.forecasts)
    families = np.asarray(candidates.families)
    held = {name: weights[:, families == name].sum(axis=1) for name in METHODS}
    names = np.asarray(list(METHODS.values()), dtype=object)
    method = names[np.argmax(np.stack(list(held.values())), axis=0)]
    method[np.isnan(mean).all(axis=1)] = NOTHING
    return Origin(
        cut=past.periods,
        mean=draw_to_total(mean, candidates.total),
        fitted=candidates.fitted,
        groups=groups,
        method=method,
        effects=effects,
    )
