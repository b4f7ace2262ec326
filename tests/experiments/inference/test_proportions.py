"""Two shares: published tables, laws, and every 2 × 2 table."""

from __future__ import annotations

import math

import numpy as np
import pytest

from ecops_lib.core.errors import ParameterError
from ecops_lib.experiments.inference import (
    Counts,
    compare,
    compare_proportions,
    difference_interval,
    pooled_z,
    proportion_p_value,
    share_interval,
)
from ecops_lib.experiments.inference.proportions import Limits, choose_test, share_ratio_interval
from ecops_lib.experiments.inference.score import (
    constrained_rate,
    difference_error,
    difference_limits,
    ratio_error,
    ratio_limits,
)
from ecops_lib.experiments.moments import Moments
from ecops_lib.experiments.outcomes import METRICS

Z = 1.959963984540054
ALL_LIMITS = ("score", "miettinen-nurminen", "newcombe", "agresti-caffo", "wald", "pooled")


def counts(successes: int, units: int) -> Counts:
    return Counts(successes=successes, units=units)


def random_tables(number: int) -> list[tuple[int, int, int, int]]:
    """Tables of all sizes, a good part of them with empty cells."""
    rng = np.random.default_rng(11)
    units = np.rint(10 ** rng.uniform(0, 5, (number, 2))).astype(int)
    rates = np.where(rng.random((number, 2)) < 0.5, rng.random((number, 2)), 1e-3)
    found = rng.binomial(units, rates)
    found = np.where(rng.random((number, 2)) < 0.05, units, found)
    return [(int(a), int(n), int(b), int(m)) for (a, b), (n, m) in zip(found, units, strict=True)]


@pytest.mark.parametrize(
    ("control", "treatment", "method", "low", "high"),
    [
        # Newcombe (1998), Statistics in Medicine 17, table II: methods 5, 6 and 10
        ((48, 80), (56, 70), "score", 0.0533, 0.3377),
        ((48, 80), (56, 70), "miettinen-nurminen", 0.0528, 0.3382),
        ((48, 80), (56, 70), "newcombe", 0.0524, 0.3339),
        # Fagerland, Lydersen and Laake (2015), Statistical Methods in Medical Research 24:
        # 7 of 34 against 1 of 34
        ((1, 34), (7, 34), "score", 0.028, 0.34),
        ((1, 34), (7, 34), "newcombe", 0.019, 0.34),
    ],
)
def test_published_intervals(
    control: tuple[int, int], treatment: tuple[int, int], method: Limits, low: float, high: float
) -> None:
    interval = difference_interval(counts(*control), counts(*treatment), method=method)
    digits = 4 if low in {0.0533, 0.0528, 0.0524} else (3 if method == "score" else 2)
    assert round(interval.low, 3 if digits == 2 else digits) == low
    assert round(interval.high, 4 if digits == 4 else 2) == high


def test_limits_are_where_the_score_statistic_equals_the_quantile() -> None:
    from scipy.optimize import minimize_scalar

    for x0, n0, x1, n1 in [(3, 15, 9, 15), (0, 20, 4, 20), (56, 70, 48, 80), (2, 900, 9, 40)]:
        for limit in difference_limits(x0, n0, x1, n1, quantile=Z, corrected=False):

            def loss(
                rate: float, gap: float = limit, t: tuple[int, ...] = (x0, n0, x1, n1)
            ) -> float:
                cells = ((t[0], rate), (t[1] - t[0], 1 - rate), (t[2], rate + gap))
                cells = (*cells, (t[3] - t[2], 1 - rate - gap))
                return -sum(k * math.log(max(at, 1e-300)) for k, at in cells if k)

            span = (max(0.0, -limit), min(1.0, 1 - limit))
            best = minimize_scalar(loss, bounds=span, method="bounded", options={"xatol": 1e-12})
            rate = constrained_rate(x0, n0, x1, n1, difference=limit)
            assert rate == pytest.approx(best.x, abs=1e-6)
            error = difference_error(x0, n0, x1, n1, difference=limit)
            assert abs(x1 / n1 - x0 / n0 - limit) == pytest.approx(Z * error, abs=1e-9)


def test_every_table_has_an_interval_of_each_kind() -> None:
    empty = 0
    for place, (x0, n0, x1, n1) in enumerate(random_tables(10_000)):
        empty += 0 in (x0, n0 - x0, x1, n1 - x1)
        corrected = place % 2 == 0
        low, high = difference_limits(x0, n0, x1, n1, quantile=Z, corrected=corrected)
        gap = x1 / n1 - x0 / n0
        assert -1 <= low <= gap + 1e-12
        assert gap - 1e-12 <= high <= 1
        assert high > low
        least, most = ratio_limits(x0, n0, x1, n1, quantile=Z)
        assert 0 <= least < most
        if x0:
            assert least <= x1 / n1 / (x0 / n0) * (1 + 1e-12)
            assert most >= x1 / n1 / (x0 / n0) * (1 - 1e-12)
    assert empty > 2000


def test_the_other_intervals_hold_for_every_table_too() -> None:
    for x0, n0, x1, n1 in random_tables(1000):
        for method in ALL_LIMITS:
            interval = difference_interval(counts(x0, n0), counts(x1, n1), method=method)
            assert -1 <= interval.low <= interval.high <= 1


def test_the_score_interval_says_of_zero_what_the_z_test_says() -> None:
    decided = 0
    for x0, n0, x1, n1 in random_tables(1500):
        control, treatment = counts(x0, n0), counts(x1, n1)
        z = pooled_z(control, treatment)
        if math.isnan(z) or abs(abs(z) - Z) < 1e-6:
            continue
        refused = abs(z) > Z
        decided += refused
        assert difference_interval(control, treatment).holds(0.0) != refused
        assert share_ratio_interval(control, treatment).holds(0.0) != refused
    assert decided > 100


def test_the_ratio_interval_equals_that_of_statsmodels_where_it_has_one() -> None:
    from statsmodels.stats.proportion import confint_proportions_2indep

    for x0, n0, x1, n1 in [(29, 76, 36, 40), (2262, 21306, 3894, 21307), (12, 500, 7, 450)]:
        theirs = confint_proportions_2indep(
            x1, n1, x0, n0, compare="ratio", method="score", correction=False
        )
        assert ratio_limits(x0, n0, x1, n1, quantile=Z) == pytest.approx(theirs, rel=1e-7)


def test_swapping_the_groups_turns_the_signs() -> None:
    for x0, n0, x1, n1 in random_tables(300):
        one = compare_proportions(counts(x0, n0), counts(x1, n1), test="z")
        other = compare_proportions(counts(x1, n1), counts(x0, n0), test="z")
        assert one.difference.low == pytest.approx(-other.difference.high, abs=1e-8)
        assert one.statistic == pytest.approx(-other.statistic, nan_ok=True)
        if x0 and x1:
            assert 1 + one.relative.low == pytest.approx(1 / (1 + other.relative.high), rel=1e-7)


def test_small_counts_get_an_exact_test() -> None:
    assert choose_test(counts(50, 100), counts(40, 100)) == "z"
    assert choose_test(counts(1, 20), counts(4, 20)) == "boschloo"
    assert choose_test(counts(1, 40_000), counts(4, 40_000)) == "fisher"
    assert choose_test(counts(39_999, 40_000), counts(39_998, 40_000)) == "fisher"
    # the lady who tasted tea: Fisher (1935), 3 of 4 against 1 of 4
    assert proportion_p_value(counts(1, 4), counts(3, 4), test="fisher") == pytest.approx(34 / 70)


def test_nothing_to_compare_is_said() -> None:
    for found in (0, 30):
        effect = compare_proportions(counts(found, 30), counts(found, 30))
        assert effect.p_value == 1.0
        assert math.isnan(effect.standard_error)
        assert effect.difference.low < 0 < effect.difference.high
    none = compare_proportions(counts(0, 3000), counts(0, 3000))
    assert math.isnan(none.relative.value)
    assert none.notes
    first = compare_proportions(counts(0, 300), counts(30, 300))
    assert first.relative.high == math.inf
    assert first.relative.low > 0
    assert "no upper limit" in first.notes[0]


def test_a_test_and_an_interval_that_disagree_are_not_hidden() -> None:
    noted = quiet = 0
    for found in range(12):
        effect = compare_proportions(counts(0, 40), counts(found, 40))
        apart = (effect.p_value <= 0.05) == effect.difference.holds(0.0)
        assert apart == any("disagree" in note for note in effect.notes)
        noted, quiet = noted + apart, quiet + (not apart)
    assert noted
    assert quiet


@pytest.mark.parametrize(("successes", "units"), [(-1, 5), (6, 5), (0, 0)])
def test_impossible_counts_are_refused(successes: int, units: int) -> None:
    with pytest.raises(ParameterError, match="impossible"):
        counts(successes, units)


def test_a_column_that_is_not_0_or_1_is_no_share() -> None:
    for values in ([[0.0], [2.0]], [[0.5], [0.5]], [[2.0], [0.0], [1.0]], [[math.nan], [1.0]]):
        group = Moments.of_values(["converted"], values)
        with pytest.raises(ParameterError, match="not 0 or 1"):
            compare(group, group, metric=METRICS["conversion_rate"])


def test_continuity_goes_with_symmetric_intervals_only() -> None:
    with pytest.raises(ParameterError, match="continuity"):
        difference_interval(counts(1, 9), counts(3, 9), continuity=True)


def test_published_wilson_limits() -> None:
    # Newcombe (1998), Statistics in Medicine 17, 857-872, table I
    for successes, units, low, high in [(81, 263, 0.2553, 0.3662), (1, 29, 0.0061, 0.1718)]:
        interval = share_interval(counts(successes, units))
        assert (round(interval.low, 4), round(interval.high, 4)) == (low, high)
    assert share_interval(counts(0, 20)).low == 0.0
    assert share_interval(counts(20, 20)).high == 1.0


def test_the_score_interval_covers_by_exact_enumeration() -> None:
    """Summed over every table, not simulated: mean coverage 95 %, never far below."""
    from scipy.stats import binom

    n0, n1 = 25, 40
    limits = {
        (a, b): difference_limits(a, n0, b, n1, quantile=Z, corrected=True)
        for a in range(n0 + 1)
        for b in range(n1 + 1)
    }
    covers = []
    for p0, p1 in [(0.1, 0.1), (0.1, 0.3), (0.5, 0.6), (0.02, 0.1), (0.9, 0.6), (0.3, 0.3)]:
        first, second = binom.pmf(range(n0 + 1), n0, p0), binom.pmf(range(n1 + 1), n1, p1)
        held = sum(
            first[a] * second[b] for (a, b), (low, high) in limits.items() if low <= p1 - p0 <= high
        )
        covers.append(held)
    assert min(covers) > 0.93
    assert 0.94 < np.mean(covers) < 0.97


def test_ratio_error_is_the_pooled_one_at_no_difference() -> None:
    x0, n0, x1, n1 = 12, 80, 30, 90
    pooled = (x0 + x1) / (n0 + n1)
    error = math.sqrt(pooled * (1 - pooled) * (1 / n0 + 1 / n1))
    assert ratio_error(x0, n0, x1, n1, ratio=1.0) == pytest.approx(error)
    assert difference_error(x0, n0, x1, n1, difference=0.0) == pytest.approx(error)


def test_the_chosen_test_keeps_its_level_by_exact_enumeration() -> None:
    """Summed over every table of 150 against 160 units, on both sides of the rule."""
    from scipy.stats import binom

    n0, n1, most = 150, 160, 34
    refused = {
        (a, b): proportion_p_value(counts(a, n0), counts(b, n1)) <= 0.05
        for a in range(most)
        for b in range(most)
    }
    used = {choose_test(counts(a, n0), counts(b, n1)) for a, b in refused}
    assert used == {"z", "fisher"}
    for rate, least, largest in ((0.005, 0.0, 0.05), (0.02, 0.005, 0.05), (0.1, 0.04, 0.055)):
        first, second = (binom.pmf(range(most), n, rate) for n in (n0, n1))
        level = sum(first[a] * second[b] for (a, b), out in refused.items() if out)
        assert least <= level <= largest
