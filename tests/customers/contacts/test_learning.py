"""Ridge, Qini and calibration against slow oracles."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from ecops_lib.core.errors import ColumnError
from ecops_lib.customers.contacts.calibration import calibrate, learn_steps, summed
from ecops_lib.customers.contacts.qini import measure_qini
from ecops_lib.customers.contacts.ridge import fit_ridge, lay_out, learn_pieces


def drawn(seed: int, rows: int = 60) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, 3)) * (1, 10, 0.1)
    y = x @ (1.0, -0.05, 3.0) + rng.normal(size=rows)
    return x, y, rng.uniform(0.2, 3, rows)


@pytest.mark.parametrize("weighted", [False, True])
def test_ridge_minimises_the_squared_error_and_generalised_cross_validation(weighted: bool) -> None:
    x, y, weights = drawn(1)
    w = weights / weights.mean() if weighted else np.ones(len(y))
    centre, level = np.average(x, axis=0, weights=w), np.average(y, weights=w)
    spread = np.sqrt(np.average((x - centre) ** 2, axis=0, weights=w))
    z = (x - centre) / spread * np.sqrt(w)[:, None]
    errors = (y - level) * np.sqrt(w)
    best = None
    for share in 10.0 ** np.arange(-4.0, 3.5, 0.25):
        inverse = np.linalg.inv(z.T @ z + share * len(y) * np.eye(3))
        left = errors - z @ inverse @ z.T @ errors
        used = 1 + np.trace(z @ inverse @ z.T)
        found = (left @ left) / (1 - used / len(y)) ** 2, inverse @ z.T @ errors / spread
        best = found if best is None or found[0] < best[0] else best
    model = fit_ridge(x, y, weights if weighted else None)
    assert model.slopes == pytest.approx(best[1], rel=1e-8)
    assert model.predict(x) == pytest.approx(level + (x - centre) @ best[1], rel=1e-8)


def test_the_difference_of_two_models_predicts_the_difference() -> None:
    first, second = (fit_ridge(*drawn(seed)[:2]) for seed in (1, 2))
    x = drawn(3)[0]
    assert first.less(second).predict(x) == pytest.approx(first.predict(x) - second.predict(x))


def test_pieces_are_flat_beyond_what_was_seen_and_know_words() -> None:
    table = pd.DataFrame({"days": [0.0, 10, 20, 30, np.nan], "word": ["a", "b", "a", None, "c"]})
    pieces = learn_pieces(table, ["days", "word"])
    seen = lay_out(pieces, table)
    far = pd.DataFrame({"days": [-5.0, 99.0], "word": ["new", "b"]})
    beyond = lay_out(pieces, far)
    days = len(pieces[0].knots) - 1
    assert beyond[:, :days].tolist() == [[0.0] * days, [1.0] * days]
    assert beyond[0, days:].sum() == 0
    assert seen[:, days:].sum(axis=1).tolist() == [1.0, 1.0, 1.0, 0.0, 1.0]
    assert seen[4, :days].sum() == pytest.approx(days / 2)


def test_a_missing_feature_is_named() -> None:
    with pytest.raises(ColumnError, match="'days'"):
        learn_pieces(pd.DataFrame({"word": ["a"]}), ["days"])


def slow_qini(score: np.ndarray, outcome: np.ndarray) -> float:
    """Area between the curve and the line, averaged over all orders of equal scores."""
    n, area = len(score), 0.0
    for i in range(n):
        ahead = sum(1.0 for k in range(n) if score[k] > score[i])
        equal = sum(1.0 for k in range(n) if score[k] == score[i])
        place = (ahead + equal / 2) / n
        area += outcome[i] * ((1 - place) - 0.5) / n
    return area


@pytest.mark.parametrize("levels", [3, 1000])
def test_qini_is_the_area_between_the_curve_and_chance(levels: int) -> None:
    rng = np.random.default_rng(4)
    score = rng.integers(0, levels, 80).astype(float)
    outcome = rng.normal(size=80) + score / levels
    found = measure_qini(score, outcome)
    assert found.value == pytest.approx(slow_qini(score, outcome), abs=1e-12)
    turn = rng.permutation(80)
    again = measure_qini(score[turn], outcome[turn])
    assert (again.value, again.error) == pytest.approx((found.value, found.error), abs=1e-12)
    curve = found.curve
    assert curve["gain"].iloc[-1] == pytest.approx(outcome.mean())
    assert curve["random"].tolist() == pytest.approx((curve["share"] * outcome.mean()).tolist())
    area = np.trapezoid(curve["gain"] - curve["random"], curve["share"])
    assert area == pytest.approx(found.value, abs=0.02)


@pytest.mark.parametrize("twins", [False, True])
def test_qini_error_is_that_of_the_bootstrap(twins: bool) -> None:
    rng = np.random.default_rng(5)
    score = rng.normal(size=600)
    outcome = 0.5 * score + rng.normal(size=600) * 2
    unit = np.arange(600)
    if twins:
        score, outcome, unit = (np.tile(each, 2) for each in (score, outcome, unit))
    found = measure_qini(score, outcome, unit)
    values = []
    for _ in range(1000):
        rows = rng.integers(0, 600, 600)
        rows = np.concatenate([rows, rows + 600]) if twins else rows
        values.append(measure_qini(score[rows], outcome[rows]).value)
    assert found.error == pytest.approx(np.std(values), rel=0.08)


def test_a_ranking_of_equals_is_worth_nothing_for_sure() -> None:
    found = measure_qini(np.ones(50), np.random.default_rng(6).normal(size=50))
    assert (found.value, found.error, found.beats_random) == (0.0, pytest.approx(0), False)


def test_calibration_is_least_squares_that_never_falls() -> None:
    rng = np.random.default_rng(7)
    score = rng.normal(size=300)
    outcome = 0.02 + 0.5 * score + rng.normal(size=300) * (1 + abs(score))
    slope, level = np.polyfit(score, outcome, 1)
    held = calibrate(score, outcome)
    assert held.uplift(score) == pytest.approx(level + slope * score)
    assert held.uplift(np.array([held.edge(0.3)])) == pytest.approx([0.3])
    misled = calibrate(-score, outcome)
    assert misled.slope == 0
    assert misled.uplift(score) == pytest.approx(np.full(300, outcome.mean()))


def test_a_list_adds_up_to_the_means_of_its_steps() -> None:
    rng = np.random.default_rng(8)
    score, outcome = rng.uniform(size=200), rng.normal(size=200)
    unit = np.arange(200)
    held = learn_steps(score, outcome, unit, np.array([0.25, 0.5]))
    low, top = score <= 0.25, score > 0.5
    found = held.total(np.array([0.1, 0.2, 0.9]))
    assert found.value == pytest.approx(2 * outcome[low].mean() + outcome[top].mean())
    errors = [outcome[part].std() / np.sqrt(part.sum()) for part in (low, top)]
    assert found.error == pytest.approx(np.hypot(2 * errors[0], errors[1]))
    assert held.total(score).value == pytest.approx(outcome.sum())
    assert summed(outcome, unit).value == pytest.approx(outcome.sum())
    twins = learn_steps(np.tile(score, 2), np.tile(outcome, 2), np.tile(unit, 2), held.edges)
    assert twins.errors == pytest.approx(held.errors)
    bare = learn_steps(score, outcome, unit, np.array([2.0]))
    assert bare.means[1] == pytest.approx(outcome.mean())
