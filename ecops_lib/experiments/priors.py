"""Priors in words, and posteriors of an effect under them.

Shares and counts are conjugate (Beta-Binomial, Gamma-Poisson) with the same prior for both
variants; the normal model takes the estimate's variance as known.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from ecops_lib.core.checks import require_between, require_choice
from ecops_lib.core.errors import ParameterError
from ecops_lib.core.formats import Unit, show
from ecops_lib.core.language import tr
from ecops_lib.experiments.effects import Interval
from ecops_lib.experiments.posteriors import Rivals, Scale


@dataclass(frozen=True, slots=True, kw_only=True)
class NormalPrior:
    """What is held of an effect beforehand: a normal distribution.

    Attributes:
        mean: Its mean.
        sd: Its standard deviation; infinite for a flat prior.
        scale: Whether it is about the relative effect or the difference.
    """

    mean: float = 0.0
    sd: float = 0.3
    scale: Scale = "relative"

    def words(self) -> str:
        """The prior in the reader's language."""
        if math.isinf(self.sd):
            return tr("flat prior: every effect is held equally likely beforehand")
        unit: Unit = "share" if self.scale == "relative" else "ratio"
        values = {"mean": show(self.mean, unit), "sd": show(self.sd, unit)}
        if self.scale == "relative":
            return tr(
                "prior: relative effect normal around {mean} with standard deviation {sd}", **values
            )
        return tr("prior: difference normal around {mean} with standard deviation {sd}", **values)


@dataclass(frozen=True, slots=True, kw_only=True)
class BetaPrior:
    """What is held of each variant's share beforehand: as if so many had been seen.

    Attributes:
        successes: Of them with the outcome; 1 and 1 hold every share equally likely.
        failures: Of them without it.
    """

    successes: float = 1.0
    failures: float = 1.0

    def words(self) -> str:
        """The prior in the reader's language."""
        return tr(
            "prior of each variant's share: Beta({successes}, {failures})",
            successes=show(self.successes, "number"),
            failures=show(self.failures, "number"),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class GammaPrior:
    """What is held of each variant's count per unit beforehand.

    Attributes:
        events: Shape: as if so many events …
        units: Rate: … had been seen on so many units.
    """

    events: float = 1.0
    units: float = 1.0

    def words(self) -> str:
        """The prior in the reader's language."""
        return tr(
            "prior of each variant's count per unit: Gamma with {events} on {units} units",
            events=show(self.events, "number"),
            units=show(self.units, "number"),
        )


Prior = NormalPrior | BetaPrior | GammaPrior
FLAT = NormalPrior(sd=math.inf)


@dataclass(frozen=True, slots=True, kw_only=True)
class Belief:
    """A posterior of an effect.

    Attributes:
        effect: Its mean (the median of a relative effect of shares or counts), with the
            equal-tailed credible interval.
        chance: That the effect is above zero.
        gain: E max(effect, 0): mean cost of keeping the control, more being better.
        loss: E max(−effect, 0): mean cost of choosing the treatment, more being better.
    """

    effect: Interval
    chance: float
    gain: float
    loss: float


NOTHING = Belief(
    effect=Interval(value=math.nan, low=math.nan, high=math.nan),
    chance=math.nan,
    gain=math.nan,
    loss=math.nan,
)


def update_normal(
    estimate: float, standard_error: float, *, mean: float = 0.0, sd: float, level: float = 0.95
) -> Belief:
    """Posterior of an effect whose estimate is normal, under a normal prior.

    Args:
        estimate: The estimated effect.
        standard_error: Its standard error, taken as known.
        mean: The prior's mean, in the estimate's unit.
        sd: The prior's standard deviation; infinite for a flat prior.
        level: Of the credible interval.

    Returns:
        The posterior; NaN throughout where the estimate has no standard error.

    >>> round(update_normal(1.0, 1.0, sd=1.0).effect.value, 3)
    0.5
    """
    from scipy.special import ndtr, ndtri

    require_between(level, 0, 1, name="level", ends="open")
    require_between(sd, 0, math.inf, name="sd")
    if not (standard_error > 0 and math.isfinite(standard_error) and math.isfinite(estimate)):
        return NOTHING
    if sd == 0:
        raise ParameterError("sd is 0; a prior without any doubt cannot learn from data.")
    weight = 1 / (1 + (standard_error / sd) ** 2)
    centre = weight * estimate + (1 - weight) * mean
    spread = standard_error * math.sqrt(weight)
    half = float(ndtri((1 + level) / 2)) * spread
    away = centre / spread
    return Belief(
        effect=Interval(value=centre, low=centre - half, high=centre + half),
        chance=float(ndtr(away)),
        gain=spread * _above_zero(away),
        loss=spread * _above_zero(-away),
    )


def _above_zero(away: float) -> float:
    """E max(Z + away, 0) of a standard normal Z: φ(a) + a·Φ(a), exact far below zero too."""
    from scipy.special import erfcx, ndtr

    density = math.exp(-0.5 * away * away) / math.sqrt(2 * math.pi)
    if away > -5:
        return float(density + away * ndtr(away))
    ratio = math.sqrt(math.pi / 2) * float(erfcx(-away / math.sqrt(2)))
    return float(max(density * (1 + away * ratio), 0.0))


def update_shares(
    control: tuple[float, int],
    treatment: tuple[float, int],
    *,
    prior: BetaPrior | None = None,
    scale: Scale = "relative",
    level: float = 0.95,
) -> Belief:
    """Posterior of the effect on a share, Beta-Binomial with the same prior for both.

    Args:
        control: Successes and units of the control.
        treatment: Successes and units of the treatment.
        prior: What is held of each share beforehand; every share alike where None.
        scale: Whether the interval is of the relative effect or of the difference;
            chances and costs are the same for both, costs always in the share's unit.
        level: Of the credible interval.

    >>> round(update_shares((120, 1000), (150, 1000)).chance, 4)
    0.9751
    """
    from scipy.stats import beta

    held = prior or BetaPrior()
    for name, (count, units) in (("control", control), ("treatment", treatment)):
        require_between(count, 0, units, name=f"successes of the {name}")
    groups = [
        beta(held.successes + count, held.failures + units - count)
        for count, units in (control, treatment)
    ]
    return _weigh(Rivals(control=groups[0], treatment=groups[1]), scale, level)


def update_counts(
    control: tuple[float, int],
    treatment: tuple[float, int],
    *,
    prior: GammaPrior | None = None,
    scale: Scale = "relative",
    level: float = 0.95,
) -> Belief:
    """Posterior of the effect on a count per unit, Gamma-Poisson with one prior for both.

    The Poisson model takes the variance for the mean; where counts vary more (a few heavy
    buyers), its intervals are too narrow: use the normal model there.

    Args:
        control: Events and units of the control.
        treatment: Events and units of the treatment.
        prior: What is held of each count per unit beforehand.
        scale: Whether the interval is of the relative effect or of the difference.
        level: Of the credible interval.
    """
    from scipy.stats import gamma

    held = prior or GammaPrior()
    for name, (count, _) in (("control", control), ("treatment", treatment)):
        require_between(count, 0, math.inf, name=f"events of the {name}")
    groups = [
        gamma(held.events + count, scale=1 / (held.units + units))
        for count, units in (control, treatment)
    ]
    return _weigh(Rivals(control=groups[0], treatment=groups[1]), scale, level)


def _weigh(rivals: Rivals, scale: Scale, level: float) -> Belief:
    require_choice(scale, Scale, name="scale")
    require_between(level, 0, 1, name="level", ends="open")
    value = (
        float(rivals.treatment.mean() - rivals.control.mean())
        if scale == "absolute"
        else rivals.quantile(0.5, scale=scale)
    )
    return Belief(
        effect=Interval(
            value=value,
            low=rivals.quantile((1 - level) / 2, scale=scale),
            high=rivals.quantile((1 + level) / 2, scale=scale),
        ),
        chance=rivals.chance(),
        gain=rivals.expected_gain(),
        loss=rivals.expected_loss(),
    )
