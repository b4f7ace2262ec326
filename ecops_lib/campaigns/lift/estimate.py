"""What a campaign added: one call for every method."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any, Literal

import numpy as np

from ecops_lib.campaigns.lift import inference
from ecops_lib.campaigns.lift.inference import Claim, Placebos
from ecops_lib.campaigns.lift.panel import Floats, LiftPanel
from ecops_lib.campaigns.lift.result import Lift, Method
from ecops_lib.campaigns.lift.structural import Structural
from ecops_lib.core.checks import require_between, require_choice
from ecops_lib.core.formats import Unit, show
from ecops_lib.core.language import tr

MANY_CONTROLS = 10
"""Controls from which a short history is read by synthetic control."""
WORSE = 1.25
"""Controls whose forecasts miss earlier windows by so much more than none do not track."""
SHOWN_BEFORE = 6
"""Lengths of the campaign that are shown before it, at most."""


def estimate_lift(
    panel: LiftPanel,
    *,
    method: Method | Literal["auto"] = "auto",
    alpha: float = 0.05,
    unit: Unit = "number",
    name: str = "",
) -> Lift:
    """Estimate what a campaign added to a series, or say why that cannot be told.

    ``auto`` takes the structural time series, calibrated by placebos; where history is short
    and the controls are many, synthetic control. It refuses where there is no control, where
    too few earlier windows show how far it misses without a campaign, and where the controls
    do not run as the outcome did before. A method that is named refuses nothing that can be
    computed; ``posterior`` is the structural model's own word, as CausalImpact gives it.

    Args:
        panel: The series, the controls and the campaign's periods.
        method: How to estimate.
        alpha: Two-sided level of the test and its interval.
        unit: What the outcome measures, for its words.
        name: What the outcome is, for its words.

    Raises:
        ParameterError: ``alpha`` or ``method`` is impossible, fewer than five periods are known
            before the campaign, none during it, or a synthetic control has no control.

    References:
        Brodersen et al. (2015); Abadie, Diamond & Hainmueller (2010); Card & Krueger (1994).
    """
    require_between(alpha, 0, 0.5, name="alpha", ends="open")
    if method != "auto":
        require_choice(method, Method, name="method")
    known = int(panel.before.sum())
    require_between(known, 5, math.inf, name="the number of known periods before the campaign")
    told = int((~np.isnan(panel.actual)).sum())
    require_between(told, 1, math.inf, name="the number of known periods of the campaign")
    return replace(_estimate(panel, method, alpha, unit), name=name)


def _estimate(panel: LiftPanel, method: Method | Literal["auto"], alpha: float, unit: Unit) -> Lift:
    if method == "auto":
        return _choose(panel, alpha, unit)
    if method in {"synthetic", "synthetic_level", "difference"}:
        return _weighted(panel, method, alpha, unit)
    return _structural(panel, alpha, unit, posterior=method == "posterior")


def _choose(panel: LiftPanel, alpha: float, unit: Unit) -> Lift:
    if not panel.controls.shape[1]:
        return _refuse(panel, alpha, unit, tr(
            "No lift can be told: the campaign was for everything there is, so nothing shows what "
            "would have come without it."
        ))  # fmt: skip
    if not np.std(panel.outcome[panel.before]) > 0:
        return _refuse(panel, alpha, unit, tr(
            "No lift can be told: before the campaign the series never moved."
        ))  # fmt: skip
    placebos = inference.try_windows(panel)
    if placebos.windows >= inference.LEAST_WINDOWS:
        alone = inference.try_windows(_alone(panel))
        with_it, without = (float(np.sqrt((p.misses**2).mean())) for p in (placebos, alone))
        if with_it > WORSE * without:
            return _refuse(panel, alpha, unit, tr(
                "No lift can be told: the series compared with did not run as this one did; with "
                "them earlier weeks were missed by {with_it}, without them by {without}.",
                with_it=show(with_it, unit), without=show(without, unit),
            ))  # fmt: skip
        return _structural(panel, alpha, unit, placebos=placebos)
    if panel.controls.shape[1] >= MANY_CONTROLS:
        return _weighted(panel, "synthetic", alpha, unit)
    return _refuse(panel, alpha, unit, tr(
        "No lift can be told: {known} known periods before the campaign are too few to see how "
        "far the forecast misses without one.", known=show(int(panel.before.sum()), "count"),
    ))  # fmt: skip


def _alone(panel: LiftPanel) -> LiftPanel:
    return LiftPanel(
        days=panel.days, outcome=panel.outcome, controls=np.zeros((len(panel.outcome), 0)),
        names=(), first=panel.first, last=panel.last, left_out=panel.left_out, season=panel.season,
    )  # fmt: skip


def _structural(
    panel: LiftPanel,
    alpha: float,
    unit: Unit,
    *,
    placebos: Placebos | None = None,
    posterior: bool = False,
) -> Lift:
    from scipy.stats import norm

    model = Structural(panel, spike=posterior)
    reading = model.read(panel.first, panel.last, alpha=alpha)
    actual = float(np.nansum(panel.actual))
    in_time = placebos or inference.try_windows(panel, model)
    posterior = posterior or in_time.windows < 1
    if posterior:
        claim, drawn = inference.posterior_claim(actual, reading), np.zeros(0)
    else:
        space = inference.try_controls(panel)
        tried = Placebos(
            time=in_time.time, space=space, windows=in_time.windows, misses=in_time.misses
        )
        claim = inference.judge_scaled(actual - reading.total, reading.error, tried, alpha=alpha)
        drawn = np.concatenate([tried.time, space])
    reach = (claim.high - claim.low) / 2 / reading.error if reading.error > 0 else 0.0
    reach = float(norm.ppf(1 - alpha / 2)) if posterior else reach
    made = np.full(len(panel.outcome), np.nan)
    errors = made.copy()
    made[panel.first : panel.last + 1] = reading.periods
    errors[panel.first : panel.last + 1] = reading.errors
    method: Method = "posterior" if posterior else "structural"
    return _told(panel, claim, made, errors * reach, drawn, method=method, alpha=alpha, unit=unit)


def _weighted(panel: LiftPanel, method: Method, alpha: float, unit: Unit) -> Lift:
    level = method != "synthetic"
    made, ratios = inference.rank_controls(panel, equal=method == "difference", level=level)
    gap = panel.outcome - made
    error = inference.gap_before(panel, gap)
    during = gap[panel.first : panel.last + 1]
    during, known = during[~np.isnan(during)], int((~np.isnan(during)).sum())
    judged = inference.judge_by_rank(during, error, ratios, alpha=alpha)
    claim = Claim(
        effect=judged.effect * known, low=judged.low * known, high=judged.high * known,
        p_value=judged.p_value,
    )  # fmt: skip
    made[: panel.first] = np.nan
    reach = np.full(len(made), (judged.high - judged.low) / 2)
    caution = ""
    if math.isinf(claim.high):
        caution = tr(
            "With {count} series compared with, no effect however large could reach p {alpha}.",
            count=show(len(ratios), "count"), alpha=show(alpha, "p_value"),
        )  # fmt: skip
    return _told(
        panel, claim, made, reach, ratios, method=method, alpha=alpha, unit=unit, caution=caution
    )


def _told(
    panel: LiftPanel, claim: Claim, made: Floats, reach: Floats, drawn: Floats, **given: Any
) -> Lift:
    begin = max(0, panel.first - max(SHOWN_BEFORE * panel.length, 14))
    shown = slice(begin, panel.last + 1)
    least = 0.0 if np.nanmin(panel.outcome) >= 0 else -math.inf  # no shop sells less than nothing
    return Lift(
        days=list(panel.days)[shown],
        actual=panel.outcome[shown],
        expected=made[shown],
        band=(np.maximum(made - reach, least)[shown], (made + reach)[shown]),
        effect=claim.effect,
        low=claim.low,
        high=claim.high,
        p_value=claim.p_value,
        total=float(np.nansum(panel.actual)) - claim.effect,
        periods=panel.length,
        placebos=drawn,
        controls=panel.names,
        **given,
    )


def _refuse(panel: LiftPanel, alpha: float, unit: Unit, why: str) -> Lift:
    nothing = Claim(effect=math.nan, low=math.nan, high=math.nan, p_value=math.nan)
    blank = np.full(len(panel.outcome), np.nan)
    return _told(
        panel, nothing, blank, blank, np.zeros(0), method="structural", alpha=alpha, unit=unit,
        refusal=why,
    )  # fmt: skip
