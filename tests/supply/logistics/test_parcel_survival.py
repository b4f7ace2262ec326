"""Kaplan–Meier: the published remission times, statsmodels, and coverage."""

from __future__ import annotations

import numpy as np
import pytest

from ecops_lib.core.errors import ParameterError
from ecops_lib.supply.logistics import estimate_survival

EVENTS = [6, 6, 6, 7, 10, 13, 16, 22, 23]
CENSORED = [6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35]
"""Weeks in remission of 21 patients on 6-mercaptopurine (Freireich et al. 1963, as in Cox &
Oakes 1984, table 1.1), and the curve published for them."""
CURVE = [0.857, 0.807, 0.753, 0.690, 0.627, 0.538, 0.448]


def test_remission_times_give_the_published_curve() -> None:
    times = np.array(EVENTS + CENSORED, float)
    came = np.repeat([1.0, 0.0], [len(EVENTS), len(CENSORED)])
    held = estimate_survival(times, came, 1 - came)
    assert held.times.tolist() == [6, 7, 10, 13, 16, 22, 23]
    assert held.waiting == pytest.approx(CURVE, abs=6e-4)
    assert held.quantile(0.5) == 23
    assert np.isnan(held.quantile(0.9))
    assert held.arrived(5) == 0
    assert held.arrived(13.5) == pytest.approx(1 - 0.690, abs=6e-4)


def test_counts_agree_with_single_times_of_statsmodels() -> None:
    from statsmodels.duration.survfunc import SurvfuncRight

    rng = np.random.default_rng(3)
    times = np.ceil(rng.gamma(3, 10, 400))
    came = (rng.random(400) < 0.8).astype(float)
    moments = np.unique(times)
    counts = [[((times == t) & (came == told)).sum() for t in moments] for told in (1, 0)]
    held = estimate_survival(moments, np.array(counts[0]), np.array(counts[1]))
    slow = SurvfuncRight(times, came)
    assert held.waiting == pytest.approx(slow.surv_prob)
    assert held.quantile(0.5) == slow.quantile(0.5)
    with np.errstate(divide="ignore", invalid="ignore"):
        low, high = slow.quantile_ci(0.5, alpha=0.1, method="cloglog")
    assert held.limits(0.5) == pytest.approx((low, high))


def test_medians_are_covered_where_parcels_are_still_on_their_way() -> None:
    rng = np.random.default_rng(5)
    covered, naive = 0, []
    for _ in range(200):
        took, watched = rng.exponential(50, 150), rng.uniform(0, 120, 150)
        came = (took <= watched).astype(float)
        held = estimate_survival(np.minimum(took, watched), came, 1 - came)
        low, high = held.limits(0.5)
        covered += low <= 50 * np.log(2) <= (np.inf if np.isnan(high) else high)
        naive.append(np.median(took[came == 1]))
    assert 0.85 <= covered / 200 <= 0.95
    assert np.mean(naive) < 0.8 * 50 * np.log(2)  # what leaving open parcels out would say


def test_impossible_counts_are_refused() -> None:
    with pytest.raises(ParameterError, match="counts from 0"):
        estimate_survival(np.ones(1), -np.ones(1), np.ones(1))
