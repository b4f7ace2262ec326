"""Who is to blame for an uneven split: planted culprits are found, others are not named."""

from __future__ import annotations

import numpy as np
import pytest
from health_worlds import day, draw_units, grid_of

from ecops_lib.core.language import reading
from ecops_lib.experiments.health.check import CheckLevel
from ecops_lib.experiments.health.grid import Grid
from ecops_lib.experiments.health.split import SampleRatioCheck, check_sample_ratio

EVEN = {"A": 0.5, "B": 0.5}
THREE = {"A": 0.4, "B": 0.3, "C": 0.3}
RUNS = 100


def lossy(
    rng: np.random.Generator, shares: dict[str, float], keep: np.ndarray, n: int = 60_000
) -> Grid:
    units = draw_units(rng, n, list(shares.values()))
    return grid_of(rng.binomial(units, keep), tuple(shares))


def plain(shares: dict[str, float]) -> np.ndarray:
    return np.ones((len(shares), 14, 5))


@pytest.mark.parametrize("shares", [EVEN, THREE])
def test_a_lossy_segment_is_found_with_its_variant(shares: dict[str, float]) -> None:
    rng, keep, hits = np.random.default_rng(1), plain(shares), 0
    keep[1, :, 2] = 0.8
    for _ in range(RUNS):
        culprit = check_sample_ratio(lossy(rng, shares, keep), shares=shares).culprit
        hits += culprit is not None and (culprit.variant, culprit.segments) == ("B", ("s2",))
    assert hits >= 0.95 * RUNS


def test_the_loss_and_its_days_are_told() -> None:
    rng, keep = np.random.default_rng(2), plain(EVEN)
    keep[1, 5:, 2] = 0.5
    culprit = check_sample_ratio(lossy(rng, EVEN, keep, n=300_000), shares=EVEN).culprit
    assert culprit is not None
    assert culprit.segments == ("s2",)
    assert (culprit.first, culprit.last) == (day(5), None)
    assert culprit.loss == pytest.approx(0.5, abs=0.03)
    assert "s2" in culprit.text
    assert "2026-11-07" in culprit.text


def test_lossy_days_of_all_segments_are_found() -> None:
    rng, keep = np.random.default_rng(3), plain(EVEN)
    keep[0, 3:6] = 0.6
    culprit = check_sample_ratio(lossy(rng, EVEN, keep), shares=EVEN).culprit
    assert culprit is not None
    assert (culprit.variant, culprit.segments) == ("A", ())
    assert (culprit.first, culprit.last) == (day(3), day(5))


def test_two_lossy_segments_are_both_found() -> None:
    rng, keep = np.random.default_rng(4), plain(EVEN)
    keep[1, :, [0, 3]] = 0.75
    culprit = check_sample_ratio(lossy(rng, EVEN, keep), shares=EVEN).culprit
    assert culprit is not None
    assert culprit.segments == ("s0", "s3")


@pytest.mark.parametrize("shares", [EVEN, THREE])
def test_a_loss_that_runs_through_everything_has_no_culprit(shares: dict[str, float]) -> None:
    rng, keep, named = np.random.default_rng(5), plain(shares), 0
    keep[1] = 0.93
    for _ in range(RUNS):
        check = check_sample_ratio(lossy(rng, shares, keep), shares=shares)
        assert check.level == "red"
        named += check.culprit is not None
    assert named <= 0.05 * RUNS
    assert "No segment and no run of days alone explains it." in check.text


def test_too_many_units_are_told_from_too_few() -> None:
    rng = np.random.default_rng(6)
    units = draw_units(rng, 300_000, list(THREE.values()))
    units[2, :, 1] = units[2, :, 1] * 3 // 2
    culprit = check_sample_ratio(grid_of(units, tuple(THREE)), shares=THREE).culprit
    assert culprit is not None
    assert culprit.variant == "C"
    assert culprit.loss == pytest.approx(-0.5, abs=0.1)
    assert "too many" in culprit.text


def test_opposite_losses_that_cancel_are_still_red() -> None:
    units = np.full((2, 10, 4), 500.0)
    units[0, :, 0], units[1, :, 1] = 380, 380
    check = check_sample_ratio(grid_of(units), shares=EVEN)
    assert check.split.p_value == 1.0
    assert check.level == "red"
    assert check.culprit is not None
    assert (check.culprit.variant, check.culprit.segments) == ("", ("s0", "s1"))
    assert "All units together are split as planned" in check.text


@pytest.mark.parametrize("shares", [EVEN, THREE, {"A": 0.95, "B": 0.05}])
def test_healthy_splits_are_rarely_red(shares: dict[str, float]) -> None:
    rng = np.random.default_rng(7)
    levels = [
        check_sample_ratio(lossy(rng, shares, plain(shares), n=5_000), shares=shares).level
        for _ in range(500)
    ]
    assert levels.count("red") <= 6
    assert levels.count("watch") <= 30


def test_names_from_data_stay_text_and_short() -> None:
    units = np.full((2, 3, 2), 900.0)
    units[1, :, 1] = 500
    name = "<script>alert(1)</script>\n" + "x" * 4000
    grid = grid_of(units)
    hostile = Grid(variants=grid.variants, days=grid.days, segments=("s0", name), units=grid.units)
    text = check_sample_ratio(hostile, shares=EVEN).text
    assert "\n" not in text
    assert len(text) < 600


@pytest.mark.parametrize(
    ("units", "level"),
    [(np.zeros((2, 0, 0)), "ok"), ([[[5]], [[4]]], "ok"), ([[[30]], [[0]]], "red")],
)
def test_tiny_and_empty_tests_are_judged_without_failing(
    units: np.ndarray, level: CheckLevel
) -> None:
    check = check_sample_ratio(grid_of(units), shares=EVEN)
    assert check.level == level
    assert check.text


def test_assumed_shares_are_said() -> None:
    check = check_sample_ratio(grid_of([[[500]], [[510]]]), shares=EVEN, told=False)
    assert "equal ones are assumed" in check.text


def swapped(check: SampleRatioCheck, grid: Grid) -> SampleRatioCheck:
    return check_sample_ratio(grid_of(grid.units[::-1]), shares=EVEN)


def test_swapping_the_variants_swaps_the_sentence() -> None:
    units = np.full((2, 7, 3), 800.0)
    units[0, :, 1] = 600
    grid = grid_of(units)
    for language in ("en", "zh"):
        with reading(language):
            check = check_sample_ratio(grid, shares=EVEN)
            other = swapped(check, grid)
            assert check.culprit is not None
            assert other.culprit is not None
            assert (check.culprit.variant, other.culprit.variant) == ("A", "B")
            assert check.text != other.text
