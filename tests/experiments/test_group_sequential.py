"""Planned looks against published tables, gsDesign's printed output and simulation."""

from __future__ import annotations

import datetime as dt
import json
from itertools import accumulate
from pathlib import Path

import numpy as np
import pytest
from scipy.special import ndtri

from ecops_lib.core.errors import ParameterError
from ecops_lib.core.language import reading
from ecops_lib.experiments.crossing import crossing_chances, spend_boundaries
from ecops_lib.experiments.group_sequential import (
    conclude_path,
    conclude_stop,
    design_looks,
    shape_constant,
    spend_like_obrien_fleming,
    spend_like_pocock,
)
from ecops_lib.experiments.moments import Moments
from ecops_lib.experiments.outcomes import METRICS
from ecops_lib.experiments.sequential import follow_effect


@pytest.mark.parametrize(
    ("alpha", "looks", "pocock", "obrien_fleming"),
    [
        (0.01, 2, 2.772, 2.580),
        (0.01, 5, 2.986, 2.621),
        (0.05, 2, 2.178, 1.977),
        (0.05, 3, 2.289, 2.004),
        (0.05, 4, 2.361, 2.024),
        (0.05, 5, 2.413, 2.040),
        (0.05, 10, 2.555, 2.087),
        (0.05, 20, 2.672, 2.126),
        (0.10, 3, 1.992, 1.710),
        (0.10, 5, 2.122, 1.751),
    ],
)
def test_constants_are_those_of_jennison_and_turnbull(
    alpha: float, looks: int, pocock: float, obrien_fleming: float
) -> None:
    """Jennison & Turnbull 2000, tables 2.1 and 2.3."""
    assert shape_constant(looks, alpha=alpha, shape="pocock") == pytest.approx(pocock, abs=6e-4)
    assert shape_constant(looks, alpha=alpha) == pytest.approx(obrien_fleming, abs=6e-4)


@pytest.mark.realdata
def test_constants_of_the_reference_cases(shared: Path) -> None:
    cases = json.loads((shared.parent / "cases" / "ab_statsmodels.json").read_text())["cases"]
    case = next(c for c in cases if c["id"] == "group_seq_constants")
    for name, value in case["expected"].items():
        shape = "pocock" if name.startswith("pocock") else "obrien_fleming"
        looks = int(name.split("_K")[1][0])
        found = shape_constant(looks, alpha=case["inputs"]["alpha"], shape=shape)
        assert found == pytest.approx(value, abs=case["tolerance"]), case["source"]


def test_one_look_is_the_fixed_test() -> None:
    assert shape_constant(1) == pytest.approx(ndtri(0.975), abs=1e-9)
    assert design_looks([1.0]).inflation == pytest.approx(1.0, abs=1e-6)


def test_spending_bounds_are_those_of_lan_and_demets() -> None:
    """Five equal looks at a two-sided .05, as ldbounds and gsDesign print them."""
    shares = np.arange(1, 6) / 5
    like_obf = spend_boundaries(shares, spend_like_obrien_fleming(shares, 0.05))
    like_pocock = spend_boundaries(shares, spend_like_pocock(shares, 0.05))
    assert like_obf == pytest.approx([4.877, 3.357, 2.680, 2.290, 2.031], abs=6e-4)
    assert like_pocock == pytest.approx([2.438, 2.427, 2.410, 2.397, 2.386], abs=6e-4)


def _hwang_shih_decani(gamma: float):
    return lambda share, alpha: alpha * np.expm1(-gamma * np.asarray(share)) / np.expm1(-gamma)


def test_futility_is_that_of_gsdesign() -> None:
    """gsDesign(k=3, test.type=4, alpha=.025, beta=.1): its default, as its vignette prints it."""
    design = design_looks(
        np.arange(1, 4) / 3,
        power=0.9,
        spending=_hwang_shih_decani(-4),
        futility=_hwang_shih_decani(-2),
    )
    assert design.upper == pytest.approx([3.0107, 2.5465, 1.9992], abs=1e-4)
    assert design.futility == pytest.approx([-0.2387, 0.9411, 1.9992], abs=1e-4)
    assert design.inflation * design.shares == pytest.approx([0.3566, 0.7132, 1.0698], abs=2e-4)


@pytest.mark.parametrize(("looks", "pocock", "obf"), [(2, 1.110, 1.008), (5, 1.229, 1.028)])
def test_most_units_of_the_classical_designs(looks: int, pocock: float, obf: float) -> None:
    """Jennison & Turnbull 2000, tables 2.2 and 2.4: R(K, .05, .2), by the crossing chances."""
    from scipy.optimize import brentq

    information = np.arange(1, looks + 1) / looks
    once = ndtri(0.975) + ndtri(0.8)
    for shape, ratio in (("pocock", pocock), ("obrien_fleming", obf)):
        form = np.ones(looks) if shape == "pocock" else 1 / np.sqrt(information)
        bound = shape_constant(looks, shape=shape) * form

        def missing(drift: float, bound=bound) -> float:
            return crossing_chances(information, low=-bound, high=bound, drift=drift)[0].sum() - 0.8

        assert (brentq(missing, 0, 9) / once) ** 2 == pytest.approx(ratio, abs=1.1e-3)


def test_crossing_is_what_a_simulated_walk_does() -> None:
    """Unequal steps, unequal bounds and a drift, against 400,000 simulated walks."""
    information = np.array([0.5, 0.8, 2.0, 2.1])
    low, high = np.array([-2.0, -1.0, -0.5, -0.4]), np.array([2.5, np.inf, 2.0, 1.5])
    up, down = crossing_chances(information, low=low, high=high, drift=0.7)
    rng = np.random.default_rng(5)
    steps = np.diff(information, prepend=0.0)
    gains = rng.normal(0.7 * steps, np.sqrt(steps), (400_000, 4))
    z = gains.cumsum(axis=1) / np.sqrt(information)
    alive = np.ones(len(z), bool)
    for look in range(4):
        above, below = z[:, look] >= high[look], z[:, look] <= low[look]
        assert (alive & above).mean() == pytest.approx(up[look], abs=0.003)
        assert (alive & below).mean() == pytest.approx(down[look], abs=0.003)
        alive &= ~above & ~below


@pytest.mark.parametrize("looks", [20, 90])
def test_what_is_spent_is_what_is_crossed(looks: int) -> None:
    information = np.arange(1, looks + 1) / looks
    spent = 0.05 * information**3
    bound = spend_boundaries(information, spent)
    up, down = crossing_chances(information, low=-bound, high=bound)
    assert up + down == pytest.approx(np.diff(spent, prepend=0.0), abs=1e-9)


def test_stage_wise_inference_holds_its_promises() -> None:
    """Simulated at the limits: each is exceeded with exactly the chance it is made for."""
    bound = [2.289] * 3
    held = conclude_stop([1, 2, 3], bound, 2.5)
    rng = np.random.default_rng(3)

    def beyond(effect: float) -> float:
        alive = np.ones(400_000, bool)
        total, up = np.zeros(400_000), np.zeros(400_000, bool)
        for look in (1, 2, 3):
            total += rng.normal(effect, 1.0, 400_000)
            z = total / np.sqrt(look)
            up |= alive & (z >= (2.5 if look == 3 else 2.289))
            alive &= np.abs(z) < 2.289
        return float(up.mean())

    assert 2 * beyond(0.0) == pytest.approx(held.p_value, abs=0.002)
    assert beyond(held.effect.value) == pytest.approx(0.5, abs=0.004)
    assert beyond(held.effect.low) == pytest.approx(0.025, abs=0.001)
    assert beyond(held.effect.high) == pytest.approx(0.975, abs=0.001)
    assert held.effect.value < 2.5 / np.sqrt(3), "the naive estimate is too large after a stop"


def test_stage_wise_inference_mirrors() -> None:
    plain, mirrored = (conclude_stop([1, 2], [2.5, 2.0], z) for z in (2.2, -2.2))
    assert mirrored.p_value == pytest.approx(plain.p_value, abs=1e-9)
    assert mirrored.effect.low == pytest.approx(-plain.effect.high, abs=1e-6)


def test_a_path_that_stopped_is_corrected() -> None:
    """Over 300 stopped paths the naive estimate is too large in the median, ours is not."""
    rng = np.random.default_rng(12)
    truth, naive, ours, held = 0.12, [], [], 0
    for _ in range(300):
        parts = [
            (
                dt.date(2026, 3, 2) + dt.timedelta(days=7 * day),
                Moments.of_values(["visits"], rng.normal(1.0, 1.0, (300, 1))),
                Moments.of_values(["visits"], rng.normal(1.0 + truth, 1.0, (300, 1))),
            )
            for day in range(4)
        ]
        looks = list(accumulate(parts, lambda a, b: (b[0], a[1] + b[1], a[2] + b[2])))
        path = follow_effect(looks, metric=METRICS["visits_per_visitor"], planned_days=22)
        end = path.stop or path.steps[-1]
        found = conclude_path(path)
        naive.append(end.difference.value)
        ours.append(found.effect.value)
        held += found.effect.holds(truth)
    assert np.median(naive) > truth + 0.005
    assert np.median(ours) == pytest.approx(truth, abs=0.01)
    assert held / 300 == pytest.approx(0.95, abs=0.035)


@pytest.mark.parametrize("shares", [[], [0.5, 0.4, 1.0], [0.0, 1.0], [np.nan, 1.0], [0.5]])
def test_impossible_looks_are_refused(shares: list[float]) -> None:
    with pytest.raises(ParameterError):
        design_looks(shares)


def test_words_in_both_languages() -> None:
    design = design_looks([0.5, 1.0], power=0.8)
    assert design.findings()[0].text == (
        "With 2 planned looks the test needs at most 1.00 times and, if the planned effect is "
        "true, on average 0.92 times the units of a test looked at once."
    )
    with reading("zh"):
        assert "2" in design.findings()[0].text
    assert design.stop_null.sum() == pytest.approx(1.0)
    assert list(design.to_frame()["upper"]) == pytest.approx(list(design.upper))
