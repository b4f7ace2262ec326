"""One test for interval and p-value: how far does a method miss where nothing happened?

Every placebo is a window without a campaign, forecast as the campaign's window was: earlier
windows of the same series (in time), and the controls during the campaign, each compared with
the others (in space). Its miss over its own standard error is a draw of what chance does.

With few draws in time their root mean square scales the standard error, and Student's t with
as many degrees of freedom as there are windows that do not overlap gives the rest. With many
controls (synthetic control) the rank among them does. The interval holds exactly the effects
that the same test does not reject, so interval and p-value cannot contradict each other.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ecops_lib.campaigns.lift.panel import Floats, LiftPanel
from ecops_lib.campaigns.lift.structural import Reading, Structural
from ecops_lib.campaigns.lift.synthetic import expect, weigh_controls, weigh_equally

FEW_PERIODS = 20
"""Periods (or three cycles, or a third of the past) that a placebo is forecast from at least."""
WINDOWS = 8
"""Earlier windows that there shall be; where there is no room they are shorter."""
LEAST_WINDOWS = 4
MOST_PLACEBOS = 40
LEAST_SPACE = 2


@dataclass(frozen=True, kw_only=True, eq=False)
class Claim:
    """What the test says.

    Attributes:
        effect: Sum over the campaign [units].
        low: Least effect that is not rejected.
        high: Greatest effect that is not rejected.
        p_value: Two-sided.
    """

    effect: float
    low: float
    high: float
    p_value: float


@dataclass(frozen=True, kw_only=True, eq=False)
class Placebos:
    """Misses where nothing happened, over their standard errors.

    Attributes:
        time: Of earlier windows, in order.
        space: Of the controls during the campaign.
        windows: Earlier windows that do not overlap.
        misses: Misses of earlier windows [units], for comparing models.
    """

    time: Floats
    space: Floats
    windows: int
    misses: Floats

    @property
    def degrees(self) -> int:
        """Degrees of freedom of the scale: windows that do not overlap.

        Controls add none, for they all miss in one and the same window.
        """
        return self.windows

    @property
    def scale(self) -> float:
        """What standard errors must be multiplied by: root mean square miss in both."""
        held = self.windows * float((self.time**2).mean()) + float((self.space**2).sum())
        return math.sqrt(held / (self.windows + len(self.space)))


def judge_scaled(effect: float, error: float, placebos: Placebos, *, alpha: float) -> Claim:
    """Student's t on the standard error that placebos have scaled."""
    from scipy.stats import t

    unit = error * placebos.scale
    if not unit > 0:  # no placebo ever missed: nothing tells how far chance goes
        return Claim(effect=effect, low=-math.inf, high=math.inf, p_value=1.0)
    reach = float(t.ppf(1 - alpha / 2, placebos.degrees)) * unit
    p_value = 2 * float(t.sf(abs(effect) / unit, placebos.degrees))
    return Claim(effect=effect, low=effect - reach, high=effect + reach, p_value=p_value)


def judge_by_rank(gaps: Floats, error: float, others: Floats, *, alpha: float) -> Claim:
    """The rank of a campaign's gaps, over the error before it, among the placebos' ratios.

    The statistic is the mean gap of the campaign over ``error``, whatever its sign. The p-value
    is (1 + placebos at least as far) / (1 + placebos); the interval holds every mean effect a
    period that, taken off the gaps, leaves the p-value at ``alpha`` or above. It is unbounded
    where no rank could be low enough.

    Args:
        gaps: Actual less expected of each period of the campaign.
        error: Root mean square gap before it.
        others: The placebos' statistics.
        alpha: Level of the test.

    Returns:
        The claim, of the mean effect a period.

    References:
        Abadie, Diamond & Hainmueller (2010), section 3.4; Firpo & Possebom (2018), Journal of
        Causal Inference 6, for the interval by inversion.
    """
    mean = float(gaps.mean())
    far = np.sort(np.abs(others))[::-1] * error
    if not error > 0:  # it never missed before: nothing tells how far chance goes
        return Claim(effect=mean, low=-math.inf, high=math.inf, p_value=1.0)
    p_value = float(1 + (far >= abs(mean)).sum()) / (1 + len(far))
    least = math.ceil(alpha * (1 + len(far)) - 1e-9) - 1  # ranks below alpha
    reach = float(far[least - 1]) if least >= 1 else math.inf
    return Claim(effect=mean, low=mean - reach, high=mean + reach, p_value=p_value)


def try_windows(panel: LiftPanel, model: Structural | None = None) -> Placebos:
    """Forecast earlier windows as the campaign was; none where there is no room.

    Args:
        panel: The series.
        model: Its model, if it is at hand.
    """
    starts, length = _places(panel)
    if not starts:
        return Placebos(time=np.zeros(0), space=np.zeros(0), windows=0, misses=np.zeros(0))
    model = model or Structural(panel)
    read = model.read_each([(start, start + length - 1) for start in starts])
    seen = np.where(panel.before, panel.outcome, 0.0)
    gaps, errors = [], []
    for start, reading in zip(starts, read, strict=True):
        window = slice(start, start + length)
        gaps.append(float(seen[window].sum()) - reading.total)
        errors.append(reading.error)
    misses, span = np.array(gaps), starts[-1] + length - starts[0]
    return Placebos(
        time=misses / np.array(errors),
        space=np.zeros(0),
        windows=max(1, span // length),
        misses=misses,
    )


def try_controls(panel: LiftPanel) -> Floats:
    """Each control during the campaign, compared with the others; empty for one alone."""
    if panel.controls.shape[1] < LEAST_SPACE:
        return np.zeros(0)
    found = []
    for place in range(panel.controls.shape[1]):
        other = panel.cut(outcome=panel.controls[:, place], without=place)
        if not other.outcome[other.before].std() > 0:
            continue
        reading = Structural(other).read(panel.first, panel.last)
        found.append((float(np.nansum(other.actual)) - reading.total) / reading.error)
    return np.array(found)


def _places(panel: LiftPanel) -> tuple[list[int], int]:
    """First periods of placebo windows, and their length."""
    known = np.flatnonzero(panel.before)
    least = max(FEW_PERIODS, 3 * panel.season if panel.season > 1 else 0, len(known) // 3)
    if len(known) <= least:
        return [], 0
    begin, end = int(known[least]), int(known[-1]) + 1
    length = min(panel.length, max(1, (end - begin) // WINDOWS))
    step = max(1, length // 3, (end - begin) // MOST_PLACEBOS)
    starts = range(end - length, begin - 1, -step)
    kept = [s for s in starts if 2 * panel.before[s : s + length].sum() > length]
    return sorted(kept), length


def rank_controls(panel: LiftPanel, *, equal: bool, level: bool) -> tuple[Floats, Floats]:
    """The outcome's expected periods by weighted controls, and the controls' own ratios.

    A ratio is the mean gap during the campaign, whatever its sign, over the root mean square gap
    before it, of each control compared with the others.
    """
    made = _expected(panel, equal=equal, level=level)
    count = panel.controls.shape[1]
    if count < LEAST_SPACE:
        return made, np.zeros(0)
    ratios = []
    known = panel.first + np.flatnonzero(~np.isnan(panel.actual))
    for place in range(count):
        other = panel.cut(outcome=panel.controls[:, place], without=place)
        gap = other.outcome - _expected(other, equal=equal, level=level)
        error = gap_before(other, gap)
        during = abs(float(np.nanmean(gap[known])))
        ratios.append(during / error if error > 0 else np.nan)
    return made, np.array(ratios)[~np.isnan(ratios)]


def _expected(panel: LiftPanel, *, equal: bool, level: bool) -> Floats:
    weights = weigh_equally(panel) if equal else weigh_controls(panel, level=level)
    return expect(panel, weights, level=level)


def gap_before(panel: LiftPanel, gap: Floats) -> float:
    """Root mean square gap before the campaign."""
    return float(np.sqrt((gap[panel.before] ** 2).mean()))


def posterior_claim(actual: float, reading: Reading) -> Claim:
    """The model's own word: the interval read and twice the tail area."""
    return Claim(
        effect=actual - reading.total,
        low=actual - reading.high,
        high=actual - reading.low,
        p_value=min(1.0, 2 * reading.tail),
    )
