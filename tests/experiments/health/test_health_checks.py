"""The other checks: what was planted is found, and named rightly."""

from __future__ import annotations

import datetime as dt
import math

import numpy as np
import pytest
from health_worlds import COLUMNS, Cells, day, draw_cells, grid_of, plan_of
from scipy import stats

from ecops_lib.core.errors import ColumnError
from ecops_lib.experiments.health.balance import check_balance
from ecops_lib.experiments.health.breaks import check_breaks
from ecops_lib.experiments.health.checking import _by_day
from ecops_lib.experiments.health.crossover import check_crossover
from ecops_lib.experiments.health.novelty import NoveltyCheck, check_novelty
from ecops_lib.experiments.health.outliers import check_outliers
from ecops_lib.experiments.health.timing import check_timing
from ecops_lib.experiments.moments import Moments
from ecops_lib.experiments.outcomes import METRICS

EVEN = {"A": 0.5, "B": 0.5}


def amounts(values: list[float]) -> Moments:
    return Moments.of_values(["paid_amount"], [[v] for v in values])


# covariates before the test


def test_balance_is_students_test_and_the_standardised_difference() -> None:
    rng = np.random.default_rng(1)
    groups = {name: rng.lognormal(1, 1, 400) * (1 + row) for row, name in enumerate("AB")}
    moments = {n: Moments.of_values(["previous_amount"], v[:, None]) for n, v in groups.items()}
    check = check_balance(moments, control="A", covariates=["previous_amount"])
    row = check.rows[0]
    oracle = stats.ttest_ind(groups["B"], groups["A"])
    assert row.p_value == pytest.approx(oracle.pvalue)
    spread = math.sqrt((groups["A"].var(ddof=1) + groups["B"].var(ddof=1)) / 2)
    size = (groups["B"].mean() - groups["A"].mean()) / spread
    assert row.standardised == pytest.approx(size)
    assert check.level == "red"
    assert "differed before the test" in check.text


def test_balance_is_corrected_over_covariates_and_variants() -> None:
    rng = np.random.default_rng(2)
    moments = {
        name: Moments.of_values(["x", "y"], rng.normal(0.08 * (name == "C"), 1, (2000, 2)))
        for name in "ABC"
    }
    check = check_balance(moments, control="A", covariates=["x", "y"])
    assert len(check.rows) == 4
    assert all(row.adjusted >= row.p_value for row in check.rows)
    assert check.worst is not None
    assert check.worst.variant == "C"


def test_balance_without_variance_or_units_says_nothing() -> None:
    flat = Moments.of_values(["x"], [[1.0], [1.0]])
    one = Moments.of_values(["x"], [[1.0]])
    check = check_balance({"A": flat, "B": flat}, control="A", covariates=["x"])
    assert check.level == "ok"
    assert check.text == "Nothing is known of the units before the test."
    assert check_balance({"A": one, "B": flat}, control="A", covariates=["x"]).level == "ok"


# units in two variants


def crossing(crossed: dict[str, int], kept: int) -> str:
    return check_crossover(crossed, kept=kept, variants=("A", "B"), shares=EVEN).level


def test_crossed_units_are_judged_by_their_share_and_their_evenness() -> None:
    assert crossing({}, 10_000) == "ok"
    assert crossing({"A": 20, "B": 22}, 100_000) == "ok"
    assert crossing({"A": 1000, "B": 1010}, 100_000) == "watch"
    assert crossing({"A": 9000, "B": 9100}, 100_000) == "red"
    assert crossing({"A": 60, "B": 150}, 100_000) == "red"
    assert crossing({"A": 6, "B": 15}, 100_000) == "ok"
    assert crossing({"A": 1, "B": 0}, 20) == "ok"


def test_the_variant_most_crossed_from_is_named() -> None:
    check = check_crossover({"A": 60, "B": 150}, kept=50_000, variants=("A", "B"), shares=EVEN)
    assert "most were first in B" in check.text
    other = check_crossover({"A": 150, "B": 60}, kept=50_000, variants=("A", "B"), shares=EVEN)
    assert "most were first in A" in other.text


def test_a_variant_that_the_plan_lacks_is_refused() -> None:
    with pytest.raises(ColumnError, match="'X'"):
        check_crossover({"X": 1}, kept=10, variants=("A", "B"), shares=EVEN)


# measuring


def full(value: float = 200.0) -> np.ndarray:
    return np.full((2, 10, 2), value)


def broken(
    units: np.ndarray, done: np.ndarray | None = None, settled: list[bool] | None = None
) -> tuple[str, str]:
    outcomes = {} if done is None else {"converted": done}
    over = [True] * units.shape[1] if settled is None else settled
    check = check_breaks(grid_of(units), shares=EVEN, outcomes=outcomes, settled=over)
    return check.level, check.text


def test_all_days_measured_is_in_order() -> None:
    assert broken(full(), full(12.0)) == (
        "ok",
        "Exposures and outcomes arrive in every variant on every day.",
    )


def test_a_variant_without_exposures_on_a_day_is_red() -> None:
    units = full(10.0)
    units[1, 4] = 0
    level, text = broken(units)
    assert level == "red"
    assert text == "B on 2026-11-06: no exposures, where about 10 were due."


def test_a_variant_without_exposures_in_a_segment_is_red() -> None:
    units = full(10.0)
    units[0, :, 1] = 0
    level, text = broken(units)
    assert level == "red"
    assert text.startswith("A in segment s1: no exposures")


def test_outcomes_that_stop_in_one_variant_are_red() -> None:
    done = full(12.0)
    done[1, 6:] = 0
    level, text = broken(full(), done)
    assert level == "red"
    assert "B on 2026-11-08: nobody bought, where about 12 were due." in text
    assert "There is 1 more." in text or "There are 1 more." in text


def test_outcomes_that_stop_for_all_are_red_only_once_their_window_is_over() -> None:
    done = full(12.0)
    done[:, 8:] = 0
    level, text = broken(full(), done)
    assert level == "red"
    assert "all variants on 2026-11-10: nobody bought" in text
    assert broken(full(), done, [True] * 8 + [False] * 2)[0] == "ok"


def test_few_units_without_outcomes_are_chance() -> None:
    units, done = full(5.0), full(1.0)
    done[1, 3] = 0
    assert broken(units, done)[0] == "ok"


def test_jumps_and_gaps_are_to_be_watched() -> None:
    up, down = full(), full()
    up[:, 4] = 1000
    down[:, 4] = 30
    assert broken(up)[0] == broken(down)[0] == "watch"
    assert "far more" in broken(up)[1]
    assert "far fewer" in broken(down)[1]
    launch = full()
    launch[:, 0] = 2000
    assert broken(launch)[0] == "ok"


# effect over time


def trend(lift_first: float, lift_last: float, *, metric: str = "conversion_rate") -> NoveltyCheck:
    rng = np.random.default_rng(8)
    cells = draw_cells(
        rng, 120_000, EVEN, lift=lambda d: lift_first + (lift_last - lift_first) * d / 13
    )
    days = [day(place) for place in range(14)]
    daily = _by_day(cells, ("A", "B"), days)
    return check_novelty(daily, control="A", metric=METRICS[metric])


@pytest.mark.parametrize(
    ("first", "last", "word"),
    [(0.05, 0.005, "fades"), (0.005, 0.05, "grows"), (0.03, -0.03, "turns")],
)
def test_a_planted_trend_is_found_and_named(first: float, last: float, word: str) -> None:
    check = trend(first, last)
    assert check.level == "watch"
    assert f"The effect of B {word}" in check.text
    found = check.trends[0]
    assert found.start == pytest.approx(first, abs=4 * found.slope_error * 13)
    assert found.end == pytest.approx(last, abs=4 * found.slope_error * 13)


def test_a_steady_effect_has_no_trend() -> None:
    assert trend(0.02, 0.02).level == "ok"
    assert trend(0.02, 0.02, metric="average_order_value").level == "ok"


def test_the_trend_is_weighted_least_squares() -> None:
    import statsmodels.api as sm

    found = trend(0.02, 0.01).trends[0]
    since = np.array([(d - found.days[0]).days for d in found.days])
    weights = 1 / np.array(found.errors) ** 2
    fit = sm.WLS(found.effects, sm.add_constant(since), weights=weights).fit(cov_type="fixed scale")
    assert found.slope == pytest.approx(fit.params[1])
    assert found.slope_error == pytest.approx(fit.bse[1])
    assert found.p_value == pytest.approx(fit.pvalues[1])


def test_the_trend_keeps_its_level_on_heavy_tails() -> None:
    rng, p = np.random.default_rng(9), []
    for _ in range(200):
        cells = draw_cells(rng, 6_000, {"A": 0.7, "B": 0.3}, segments=1)
        daily = _by_day(cells, ("A", "B"), [day(place) for place in range(14)])
        check = check_novelty(daily, control="A", metric=METRICS["paid_amount_per_visitor"])
        p.append(check.trends[0].p_value)
    assert 0.01 <= np.mean(np.array(p) < 0.05) <= 0.10


def test_too_few_days_have_no_trend() -> None:
    cells: Cells = draw_cells(np.random.default_rng(1), 2000, EVEN, days=4)
    daily = _by_day(cells, ("A", "B"), [day(place) for place in range(4)])
    check = check_novelty(daily, control="A", metric=METRICS["conversion_rate"])
    assert check.level == "ok"
    assert "Too few days" in check.text


# the largest buyers


def test_one_buyer_who_moves_the_difference_is_named() -> None:
    rng = np.random.default_rng(3)
    groups = {name: list(rng.lognormal(4, 0.5, 300)) for name in "AB"}
    moments = {name: amounts(values) for name, values in groups.items()}
    largest = {name: max(values) for name, values in groups.items()}
    calm = check_outliers(moments, control="A", column="paid_amount", largest=largest)
    assert calm.level == "ok"
    assert "No amount was cut back." in calm.text
    groups["B"].append(30_000.0)
    moments["B"], largest["B"] = amounts(groups["B"]), 30_000.0
    check = check_outliers(moments, control="A", column="paid_amount", largest=largest)
    assert check.level == "watch"
    assert check.heaviest is not None
    assert check.heaviest.variant == "B"
    rest = {name: np.sort(values)[:-1].mean() for name, values in groups.items()}
    assert check.without == pytest.approx(rest["B"] - rest["A"])
    assert check.difference == pytest.approx(np.mean(groups["B"]) - np.mean(groups["A"]))
    of_total = 30_000 / sum(groups["B"])
    assert check.heaviest.of_total == pytest.approx(of_total)


def test_cutting_back_is_said() -> None:
    moments = {name: amounts([0.0, 10.0, 20.0, 50.0]) for name in "AB"}
    check = check_outliers(
        moments,
        control="A",
        column="paid_amount",
        largest={"A": 50.0, "B": 50.0},
        winsorised=50.0,
        cut=7,
    )
    assert "Amounts above ¥50.00 a unit were cut back to it (7 units)." in check.text


def test_nobody_paid_anything() -> None:
    moments = {name: amounts([0.0, 0.0]) for name in "AB"}
    largest = {"A": 0.0, "B": 0.0}
    check = check_outliers(moments, control="A", column="paid_amount", largest=largest)
    assert check.level == "ok"
    assert "No amount was paid" in check.text


# time and size


def test_what_is_still_missing_is_said() -> None:
    plan = plan_of(EVEN, end=str(day(13)), window_days=7)
    grid = grid_of(np.full((2, 5, 1), 100.0))
    check = check_timing(grid, plan=plan, as_of=day(4), planned_units=5000)
    assert check.level == "watch"
    assert check.open_units == 1000
    for words in ("less than a whole week", "2026-11-15", "5,000 units", "may still buy"):
        assert words in check.text


def test_a_test_that_is_over_lacks_nothing() -> None:
    plan = plan_of(EVEN, end=str(day(13)), window_days=7)
    grid = grid_of(np.full((2, 14, 1), 100.0))
    check = check_timing(grid, plan=plan, as_of=day(20), planned_units=2800)
    assert check.level == "ok"
    assert not check.too_early
    before = check_timing(grid, plan=plan, as_of=day(19), planned_units=2800)
    assert before.open_units == 200
    assert before.too_early


def test_columns_of_the_made_up_world() -> None:
    cells = draw_cells(np.random.default_rng(0), 500, EVEN, days=2)
    assert {held.columns for held in cells.values()} == {COLUMNS}
    assert {key[1] for key in cells} == {day(0), dt.date(2026, 11, 3)}
