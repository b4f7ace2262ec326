"""Two linear scores of texts, learnt from negative and positive ones, and chances from scores."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ecops_lib.market.reviews.grams import Runs, count_runs

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Weights = NDArray[np.float32]
Link = tuple[float, float]
"""Slope and constant of a logistic curve."""

BINS = 10
STRENGTHS = (0.4, 1.0)
"""Cost of an error (C) in the two machines."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Lines:
    """The sum of two linear scores of runs of characters, higher for negative texts.

    Attributes:
        runs: Numbers of the runs that count (runs,).
        weights: What counts are multiplied with before a text is brought to length 1: inverse
            document frequencies for 1 + log of counts, log-count ratios for 0 and 1 (runs,).
        slopes: The separating directions, divided by the spread of their scores (runs,).
        offset: Sum of the constants.
    """

    runs: Runs
    weights: tuple[Weights, Weights]
    slopes: tuple[Floats, Floats]
    offset: float

    def score(self, texts: Sequence[str]) -> Floats:
        """Score of each cleaned text."""
        return self.score_counts(count_runs(texts, self.runs))

    def score_counts(self, counts: csr_matrix) -> Floats:
        """Score of each row of counts of the runs."""
        told = np.full(counts.shape[0], self.offset)
        for place, (weight, slope) in enumerate(zip(self.weights, self.slopes, strict=True)):
            told += _weighted(counts, weight, damped=place == 0) @ slope
        return told

    def times(self, factor: float) -> Lines:
        """The same with scores multiplied."""
        first, second = (slope * factor for slope in self.slopes)
        return replace(self, slopes=(first, second), offset=self.offset * factor)


def fit_lines(counts: csr_matrix, bad: Flags, runs: Runs) -> Lines:
    """Learn both scores by linear support vector machines.

    The first is on TF-IDF; the second on log-count ratios (Wang and Manning 2012, ACL, eq. 4
    and §3, with 0 and 1 for counts).

    Args:
        counts: Counts of the runs in each text.
        bad: Which texts are negative.
        runs: Numbers of the runs.
    """
    from sklearn.svm import LinearSVC

    seen = np.bincount(counts.indices, minlength=counts.shape[1])
    some = seen > 1
    inside = np.bincount(counts[np.flatnonzero(bad)].indices, minlength=counts.shape[1])
    p, q = 1.0 + inside, 1.0 + seen - inside
    idf = np.where(some, np.log((1 + len(bad)) / (1 + seen)) + 1, 0).astype(np.float32)
    ratio = np.where(some, np.log(p / p.sum()) - np.log(q / q.sum()), 0).astype(np.float32)
    slopes, offset = [], 0.0
    for place, weight in enumerate((idf, ratio)):
        held = _weighted(counts, weight, damped=place == 0)
        machine = LinearSVC(C=STRENGTHS[place], class_weight="balanced", random_state=0)
        machine.fit(held, bad)
        spread = float(np.std(machine.decision_function(held))) or 1.0
        slopes.append(machine.coef_.ravel() / spread)
        offset += float(machine.intercept_[0]) / spread
    return Lines(runs=runs, weights=(idf, ratio), slopes=(slopes[0], slopes[1]), offset=offset)


def _weighted(counts: csr_matrix, weight: Weights, *, damped: bool) -> csr_matrix:
    """Counts weighted, rows of length 1; a row without known runs stays empty."""
    from scipy.sparse import csr_matrix

    told = 1 + np.log(counts.data) if damped else np.ones_like(counts.data)
    data = told * weight[counts.indices]
    rows = np.repeat(np.arange(counts.shape[0]), np.diff(counts.indptr))
    sizes = np.sqrt(np.bincount(rows, data.astype(float) ** 2, minlength=counts.shape[0]))
    scaled = (data / np.where(sizes > 0, sizes, 1)[rows]).astype(np.float32)
    return csr_matrix((scaled, counts.indices, counts.indptr), shape=counts.shape)


def chances_of(scores: Floats, link: Link) -> Floats:
    """The logistic curve of scores."""
    held: Floats = 1 / (1 + np.exp(-np.clip(link[0] * scores + link[1], -30, 30)))
    return held


def fit_link(scores: Floats, bad: Flags) -> Link:
    """The logistic curve by likelihood, towards targets that are drawn in (Platt 1999).

    Platt (1999), Probabilistic outputs for support vector machines, §2.2.

    >>> slope, constant = fit_link(np.array([-1.0, 1, -1, 1]), np.array([False, True] * 2))
    >>> round(slope, 3), abs(round(constant, 3))
    (1.099, 0.0)
    """
    from scipy.optimize import minimize

    ones = int(bad.sum())
    target = np.where(bad, (ones + 1) / (ones + 2), 1 / (len(bad) - ones + 2))

    def loss(link: Floats) -> tuple[float, Floats]:
        z = link[0] * scores + link[1]
        gap = 1 / (1 + np.exp(-np.clip(z, -30, 30))) - target
        return float((np.logaddexp(0, z) - target * z).sum()), np.array([gap @ scores, gap.sum()])

    found = minimize(loss, np.array([1.0, 0.0]), jac=True, method="L-BFGS-B").x
    return float(found[0]), float(found[1])


def calibration_error(chances: Floats, hit: Flags) -> float:
    """Mean gap between chance and share over ten bins of chance, weighted by their texts.

    Guo et al. (2017), ICML, equation 3.

    >>> calibration_error(np.array([0.1, 0.1, 0.9, 0.9]), np.array([False, False, True, True]))
    0.1
    """
    places = np.minimum((chances * BINS).astype(int), BINS - 1)
    gaps = [abs(chances[places == k].sum() - hit[places == k].sum()) for k in range(BINS)]
    return round(float(sum(gaps)) / len(chances), 12)
