"""Learners of uplift: what a contact adds to a customer's outcome.

Every customer was contacted with a known probability e, so (W - e) / (e (1 - e)) · (Y - μ)
has the customer's uplift as its mean, whatever the baseline μ(x). With μ(x) the mean of the
two arms' expectations weighted by the other arm's share, it varies least and equals the
doubly robust score.

References:
    Hansotia and Rukstales (2002), Journal of Interactive Marketing 16(3), 35-46 (one model
    an arm); Athey and Imbens (2015), "Machine learning methods for estimating
    heterogeneous causal effects", arXiv:1504.01132, section 2.2 (the transformed outcome);
    Robins, Rotnitzky and Zhao (1994), JASA 89, 846-866 (the doubly robust score).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from ecops_lib.core.language import mark
from ecops_lib.customers.contacts.ridge import Array, Ridge, fit_ridge

LearnerName = Literal["two-model", "transformed-outcome"]

LEARNER_WORDS: Mapping[LearnerName, str] = {
    "two-model": mark("two models, one for the contacted and one for the held-out"),
    "transformed-outcome": mark("one model of the transformed outcome"),
}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Trial:
    """Randomised customers as arrays.

    Attributes:
        x: Columns of what was known before, of shape (customers, columns).
        y: The outcome.
        treated: 1 for the contacted, 0 for the held-out.
        chance: Probability of being contacted, strictly between 0 and 1.
        stratum: Number of the mailing, from 0.
    """

    x: Array
    y: Array
    treated: Array
    chance: Array
    stratum: Array

    def __len__(self) -> int:
        return len(self.y)

    def part(self, rows: Array) -> Trial:
        """Some of the customers."""
        return Trial(
            x=self.x[rows],
            y=self.y[rows],
            treated=self.treated[rows],
            chance=self.chance[rows],
            stratum=self.stratum[rows],
        )

    @property
    def weights(self) -> Array:
        """Weights under which both arms count as the baseline wants them."""
        odds = self.chance / (1 - self.chance)
        held: Array = np.where(self.treated == 1, 1 / odds, odds)
        return held


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Baseline:
    """What is expected of a customer before it is known who was contacted.

    Attributes:
        levels: Weighted mean of each mailing; the overall one for mailings not seen.
        model: What the customer's features add.
    """

    levels: Array
    model: Ridge

    @classmethod
    def fit(cls, trial: Trial) -> Baseline:
        """Learn it from randomised customers."""
        w, many = trial.weights, int(trial.stratum.max()) + 1
        sums = np.bincount(trial.stratum, w * trial.y, many)
        sizes = np.bincount(trial.stratum, w, many)
        overall = float(sums.sum() / sizes.sum())
        levels = np.where(sizes > 0, sums / np.where(sizes > 0, sizes, 1.0), overall)
        model = fit_ridge(trial.x, trial.y - levels[trial.stratum], w)
        return cls(levels=levels, model=model)

    def centred(self, trial: Trial) -> Array:
        """Outcomes less the mailing's mean."""
        known = np.minimum(trial.stratum, len(self.levels) - 1)
        held: Array = trial.y - self.levels[known]
        return held

    def transformed(self, trial: Trial) -> Array:
        """Each customer's transformed outcome, whose mean is the uplift."""
        gap = (trial.treated - trial.chance) / (trial.chance * (1 - trial.chance))
        held: Array = gap * (self.centred(trial) - self.model.predict(trial.x))
        return held


def fit_two_models(trial: Trial) -> Ridge:
    """One model of each arm's outcome; the uplift is their difference."""
    y = Baseline.fit(trial).centred(trial)
    arms = [trial.treated == arm for arm in (1, 0)]
    contacted, held_out = (fit_ridge(trial.x[arm], y[arm]) for arm in arms)
    return contacted.less(held_out)


def fit_transformed(trial: Trial) -> Ridge:
    """One model of the transformed outcome."""
    return fit_ridge(trial.x, Baseline.fit(trial).transformed(trial))


LEARNERS: Mapping[LearnerName, Callable[[Trial], Ridge]] = {
    "two-model": fit_two_models,
    "transformed-outcome": fit_transformed,
}
