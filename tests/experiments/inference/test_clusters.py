"""Clusters and switchback: oracles, planted truth, and what one cluster too few does."""

from __future__ import annotations

import math

import numpy as np
import pytest

from ecops_lib.core.errors import ParameterError
from ecops_lib.experiments.inference import Cell, compare_clusters, compare_switchback
from ecops_lib.experiments.moments import Moments

COLUMNS = ("total", "size")


def visits(
    rng: np.random.Generator, clusters: int, *, lift: float = 0.0
) -> tuple[np.ndarray, np.ndarray]:
    """Values of visitors and the shop each went to; shops differ, so visitors hang together."""
    sizes = rng.integers(5, 60, clusters)
    level = rng.normal(10, 2, clusters) + lift
    shop = np.repeat(np.arange(clusters), sizes)
    return level[shop] + rng.normal(0, 3, len(shop)), shop


def sums(values: np.ndarray, shop: np.ndarray) -> Moments:
    return Moments.of_values(
        COLUMNS, np.column_stack([np.bincount(shop, values), np.bincount(shop)])
    )


def compare_shops(first: Moments, second: Moments, **options: object) -> object:
    return compare_clusters(first, second, total="total", size="size", **options)  # type: ignore[arg-type]


def test_cluster_robust_errors_as_in_statsmodels() -> None:
    import statsmodels.api as sm

    rng = np.random.default_rng(1)
    (one, shops), (two, others) = visits(rng, 40), visits(rng, 55, lift=1.0)
    values = np.concatenate([one, two])
    group = np.repeat([0.0, 1.0], [len(one), len(two)])
    cluster = np.concatenate([shops, others + 40])
    design = np.column_stack([np.ones(len(values)), group])
    for correction, small in (("CR1", True), ("CR0", False)):
        fitted = sm.OLS(values, design).fit(
            cov_type="cluster", cov_kwds={"groups": cluster, "use_correction": small}
        )
        effect = compare_clusters(
            sums(one, shops),
            sums(two, others),
            total="total",
            size="size",
            correction=correction,  # type: ignore[arg-type]
        )
        assert effect.difference.value == pytest.approx(fitted.params[1])
        assert effect.standard_error == pytest.approx(fitted.bse[1])
        assert effect.degrees == 93
    by_groups = compare_clusters(sums(one, shops), sums(two, others), total="total", size="size")
    assert by_groups.standard_error == pytest.approx(fitted.bse[1], rel=0.02)
    assert (by_groups.n_control, by_groups.n_treatment) == (40, 55)
    assert not by_groups.notes


def test_few_clusters_are_warned_of() -> None:
    rng = np.random.default_rng(2)
    effect = compare_clusters(
        sums(*visits(rng, 8)), sums(*visits(rng, 30)), total="total", size="size"
    )
    assert "Only 8 clusters" in effect.notes[0]


def test_the_cluster_test_keeps_its_level_where_counting_visitors_does_not() -> None:
    from scipy import stats

    rng = np.random.default_rng(3)
    runs, ours, naive = 500, 0, 0
    for _ in range(runs):
        (one, shops), (two, others) = visits(rng, 40), visits(rng, 40)
        effect = compare_clusters(sums(one, shops), sums(two, others), total="total", size="size")
        ours += effect.p_value <= 0.05
        naive += stats.ttest_ind(one, two, equal_var=False).pvalue <= 0.05
    assert ours / runs == pytest.approx(0.05, abs=3 * math.sqrt(0.05 * 0.95 / runs))
    assert naive / runs > 0.2


def switchback(
    rng: np.random.Generator,
    *,
    lift: float = 0.0,
    carry: float = 0.0,
    together: bool = False,
    blocks: int = 14,
) -> list[Cell]:
    """Three regions, blocks of four hours; the first hour keeps part of what was before."""
    cells = []
    shared = rng.integers(0, 2, blocks)
    for region in ("north", "south", "west"):
        drawn = shared if together else rng.permutation(np.arange(blocks) % 2)
        mood = np.repeat(rng.normal(0, 1.0, blocks), 4)
        for hour in range(4 * blocks):
            now, before = drawn[hour // 4], drawn[max(0, hour // 4 - 1)]
            effect = lift * now + (carry * (before - now) if hour % 4 == 0 else 0.0)
            size = int(rng.integers(40, 80))
            total = size * (20 + mood[hour] + effect) + rng.normal(0, 30)
            cells.append(
                Cell(
                    region=region,
                    period=hour,
                    variant="B" if now else "A",
                    total=float(total),
                    size=size,
                )
            )
    return cells


def test_burn_in_takes_out_what_carries_over() -> None:
    rng = np.random.default_rng(4)
    kept, dropped = [], []
    for _ in range(60):
        cells = switchback(rng, lift=2.0, carry=4.0)
        for burn_in, held in ((0, kept), (1, dropped)):
            read = compare_switchback(
                cells, control="A", treatment="B", burn_in=burn_in, every=4, draws=100
            )
            held.append(read.effect.difference.value)
    assert np.mean(dropped) == pytest.approx(2.0, abs=0.15)
    assert np.mean(kept) < 1.7


def test_the_cells_after_a_switch_are_dropped_and_counted() -> None:
    cells = [
        Cell(region="x", period=hour, variant="AABBBA"[hour // 2], total=10.0 + hour, size=2)
        for hour in range(12)
    ]
    read = compare_switchback(cells, control="A", treatment="B", every=2, draws=100)
    assert read.dropped == 3  # the beginning and two switches
    assert (read.effect.n_control, read.effect.n_treatment) == (3, 3)
    assert not read.together
    assert "3 cells after a switch were dropped" in read.findings()[0].text
    first = sum(10.0 + hour for hour in (1, 2, 3, 11)) / 8
    assert read.effect.control == pytest.approx(first)


def test_runs_are_blocks_where_no_length_is_told() -> None:
    cells = [
        Cell(region="x", period=hour, variant="AABBBABA"[hour // 2], total=float(hour), size=1)
        for hour in range(16)
    ]
    read = compare_switchback(cells, control="A", treatment="B", burn_in=0, draws=100)
    assert (read.effect.n_control, read.effect.n_treatment) == (3, 2)


def test_regions_that_switch_together_are_one_cluster() -> None:
    rng = np.random.default_rng(5)
    cells = switchback(rng, together=True, blocks=16)
    read = compare_switchback(cells, control="A", treatment="B", every=4, draws=100)
    assert read.together
    assert read.effect.n_control + read.effect.n_treatment == 16
    assert "switch together" in read.findings()[0].text


def test_the_switchback_keeps_its_level_both_ways() -> None:
    rng = np.random.default_rng(6)
    runs, drawn, formula = 300, 0, 0
    for _ in range(runs):
        read = compare_switchback(
            switchback(rng), control="A", treatment="B", every=4, rng=rng, draws=199
        )
        drawn += read.p_value <= 0.05
        formula += read.effect.p_value <= 0.05
    band = 3 * math.sqrt(0.05 * 0.95 / runs)
    assert drawn / runs == pytest.approx(0.05, abs=band)
    assert formula / runs == pytest.approx(0.05, abs=band)


def test_the_draws_are_seeded_and_the_order_of_cells_is_nothing() -> None:
    cells = switchback(np.random.default_rng(7), lift=1.0)
    one = compare_switchback(cells, control="A", treatment="B", rng=3, draws=300)
    other = compare_switchback(cells[::-1], control="A", treatment="B", rng=3, draws=300)
    assert one.effect.difference.value == pytest.approx(other.effect.difference.value)
    again = compare_switchback(cells, control="A", treatment="B", rng=3, draws=300)
    assert again.p_value == one.p_value


def test_impossible_switchbacks_are_refused() -> None:
    cell = Cell(region="x", period=1, variant="A", total=1.0, size=1)
    for cells, words in (
        ([cell, cell], "two cells"),
        ([cell], "each needs two"),
        ([Cell(region="x", period=1, variant="C", total=1.0, size=1)], "variant 'C'"),
        ([Cell(region="x", period=1, variant="A", total=math.nan, size=1)], "not a finite"),
    ):
        with pytest.raises(ParameterError, match=words):
            compare_switchback(cells, control="A", treatment="B")
    for options in ({"burn_in": -1}, {"draws": 0}, {"every": 0}):
        with pytest.raises(ParameterError):
            compare_switchback([cell], control="A", treatment="B", **options)  # type: ignore[arg-type]
