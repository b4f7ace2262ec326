"""Looking daily: reference figures, calibration, and the path with its words."""

from __future__ import annotations

import datetime as dt
import json
import math
from functools import cache
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ecops_lib.core.errors import ParameterError
from ecops_lib.core.language import reading
from ecops_lib.experiments.confidence_sequences import (
    betting_sequence,
    empirical_bernstein_sequence,
    mixture_boundary,
    mixture_p_value,
    msprt_p_values,
    normal_mixture_boundary,
    tune_mixture,
)
from ecops_lib.experiments.inference.adjustment import adjust
from ecops_lib.experiments.inference.relative import delta_standard_error
from ecops_lib.experiments.moments import Moments
from ecops_lib.experiments.outcomes import METRICS
from ecops_lib.experiments.sequential import Look, SequentialPath, follow_effect
from ecops_lib.experiments.spending import spending_boundary, spent_chance

Z = 1.959963984540054
AMOUNT = METRICS["paid_amount_per_visitor"]
RATE = METRICS["conversion_rate"]


@cache
def _cases(shared: Path, name: str) -> dict[str, dict[str, Any]]:
    held = json.loads((shared.parent / "cases" / name).read_text(encoding="utf-8"))
    return {case["id"]: case for case in held["cases"]}


@cache
def _hillstrom(shared: Path) -> tuple[Moments, Moments]:
    import pandas as pd

    columns = ["spend", "visit", "history"]
    table = pd.read_parquet(shared / "hillstrom" / "customers.parquet")
    groups = [table.loc[table["segment"] == name] for name in ("No E-Mail", "Mens E-Mail")]
    first, second = (Moments.of_values(columns, held[columns].to_numpy(float)) for held in groups)
    return first, second


@pytest.mark.realdata
def test_mixture_meets_the_formulas(shared: Path) -> None:
    """Waudby-Smith et al. eq. 9 and 161, as GrowthBook's gbstats computes them."""
    checked = 0
    for name, case in _cases(shared, "ab_statsmodels.json").items():
        given, wanted = case["inputs"], case["expected"]
        if name.startswith("seq_rho"):
            two = tune_mixture(given["tuning"], alpha=given["alpha"]) ** 0.5
            one = tune_mixture(given["tuning"], alpha=2 * given["alpha"]) ** 0.5
            assert two == pytest.approx(wanted["rho_two_sided"], abs=case["tolerance"])
            assert one == pytest.approx(wanted["rho_one_sided"], abs=case["tolerance"])
            checked += 1
        if name.startswith("seq_asymp"):
            rho2 = tune_mixture(given["tuning"], alpha=given["alpha"])
            bound = mixture_boundary(given["n"], rho2=rho2, alpha=given["alpha"])
            half = bound * math.sqrt(given["sigma2"] / given["n"])
            assert half == pytest.approx(wanted["halfwidth"], abs=case["tolerance"])
            assert bound / Z == pytest.approx(wanted["ratio_to_fixed"], abs=1e-8)
            checked += 1
    assert checked == 5


@pytest.mark.realdata
def test_mixture_is_howards(shared: Path) -> None:
    """Howard, Ramdas, McAuliffe & Sekhon 2021, eq. 14, with ρ by Lambert's W."""
    for name, case in _cases(shared, "ab_sequential.json").items():
        given, wanted = case["inputs"], case["expected"]
        if name.startswith("howard"):
            rho = 1 / tune_mixture(given["v_opt"], alpha=given["alpha"], kind="exact")
            assert rho == pytest.approx(wanted["rho"], abs=case["tolerance"])
            bound = normal_mixture_boundary(given["v"], rho=rho, alpha=given["alpha"])
            assert bound == pytest.approx(wanted["bound"], abs=case["tolerance"])
        if name.startswith("equivalence"):
            n, alpha = given["n"], given["alpha"]
            rho2 = tune_mixture(given["tuning"], alpha=alpha)
            ours = mixture_boundary(n, rho2=rho2, alpha=alpha) / math.sqrt(n)
            howard = normal_mixture_boundary(n, rho=1 / rho2, alpha=alpha) / n
            assert ours == pytest.approx(wanted["gb_halfwidth"], abs=case["tolerance"])
            assert howard == pytest.approx(wanted["howard_bound_over_n"], abs=case["tolerance"])


@pytest.mark.realdata
@pytest.mark.parametrize("release", ["0.8.0", "head-8f1db44"])
def test_sequential_tests_of_gbstats(shared: Path, release: str) -> None:
    """GrowthBook's SequentialTwoSidedTTest on Hillstrom: its interval and p-value."""
    control, treatment = _hillstrom(shared)
    checked = 0
    for name, case in _cases(shared, f"ab_gbstats_{release}.json").items():
        given, wanted = case["inputs"], case["expected"]
        if "_seq_" not in name:
            continue
        outcome = ("spend", "visit") if "den" in given else "spend"
        known = ["history"] if "covariate" in given else []
        held = adjust(control, treatment, columns=(outcome, *known))
        relative = given["difference_type"] == "relative"
        value = held.pair.ratio - 1 if relative else held.pair.treatment - held.pair.control
        error = delta_standard_error(held.pair) if relative else math.sqrt(sum(held.variances))
        if relative and known and release == "0.8.0":
            # that release takes the groups' unadjusted means for the slope, without covariance
            first, second = control.average("spend"), treatment.average("spend")
            parts = held.variances
            error = math.sqrt(parts[1] / first**2 + parts[0] * second**2 / first**4)
        n = control.n + treatment.n
        rho2 = tune_mixture(given["tuning"], alpha=given["alpha"])
        half = float(mixture_boundary(n, rho2=rho2, alpha=given["alpha"])) * error
        p_value = float(mixture_p_value(value / error, n, rho2=rho2))
        assert [value - half, value + half] == pytest.approx(wanted["ci"], abs=case["tolerance"])
        assert p_value == pytest.approx(
            wanted.get("pValue", wanted.get("p_value")), abs=case["tolerance"]
        )
        checked += 1
    assert checked == 9


@pytest.mark.realdata
@pytest.mark.parametrize(
    ("case_id", "method"),
    [
        ("predmix_empbern_bern03_seed0", empirical_bernstein_sequence),
        ("betting_cs_bern03_seed0", betting_sequence),
    ],
)
def test_exact_sequences_are_those_of_confseq(shared: Path, case_id: str, method: Any) -> None:
    """confseq 0.0.11 (Waudby-Smith & Ramdas 2024)."""
    case = _cases(shared, "ab_confseq.json")[case_id]
    low, high = method(np.random.default_rng(0).binomial(1, 0.3, 500), alpha=0.05)
    for place in (100, 500):
        assert low[place - 1] == pytest.approx(case["expected"][f"l{place}"], abs=case["tolerance"])
        assert high[place - 1] == pytest.approx(
            case["expected"][f"u{place}"], abs=case["tolerance"]
        )


@pytest.mark.realdata
def test_peeking_as_simulated_in_the_cases(shared: Path) -> None:
    """Exp(1) in both arms, 99 looks: the same draws give the same shares of false findings."""
    case = _cases(shared, "ab_sequential.json")["peeking_type1_sim"]
    given, wanted = case["inputs"], case["expected"]
    looks = np.arange(200, 10_001, 100)
    rng = np.random.default_rng(given["seed"])
    rho2 = tune_mixture(given["acs_tuning"])
    mixture = mixture_boundary(2 * looks, rho2=rho2)
    ours = spending_boundary(looks, planned=5_000)
    found = dict.fromkeys(("fixed", "acs", "msprt", "spending"), 0)
    for _ in range(given["R"]):
        sums = [_running(rng.exponential(1, 10_000), looks) for _ in range(2)]
        error = np.sqrt((sums[0][1] + sums[1][1]) / looks)
        difference = sums[1][0] - sums[0][0]
        z = np.abs(difference / error)
        p_values = msprt_p_values(difference, error, tau=given["msprt_tau"])
        found["fixed"] += bool((z > Z).any())
        found["acs"] += bool((z > mixture).any())
        found["msprt"] += bool(p_values[-1] <= 0.05)
        found["spending"] += bool((z > ours).any())
    share = {name: count / given["R"] for name, count in found.items()}
    for name in ("fixed", "acs", "msprt"):
        assert share[name] == pytest.approx(wanted[name], abs=case["tolerance"])
    assert 0.03 < share["spending"] <= 0.05 + 2 * math.sqrt(0.05 * 0.95 / given["R"])
    assert ours[list(looks).index(5_000)] / Z <= 1.35, "to beat: 1.35 times the fixed interval"


def _running(values: np.ndarray, looks: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    sums, squares = values.cumsum()[looks - 1], (values**2).cumsum()[looks - 1]
    return sums / looks, (squares - sums**2 / looks) / (looks - 1)


@pytest.mark.parametrize("days", [7, 14, 28, 60])
def test_spending_is_tight_at_the_end_and_never_spends_all(days: int) -> None:
    looks = np.arange(1, 3 * days + 1)
    bound = spending_boundary(looks, planned=days)
    assert bound[days - 1] / Z < 1.15
    assert (np.diff(bound[:days]) < 0).all(), "the longer the test, the nearer the boundary"
    assert (np.diff(bound[days:]) > 0).all(), "beyond the plan it moves away again"
    assert spent_chance(1e9) < 0.05


def test_spending_holds_beyond_the_plan_for_heavy_tails() -> None:
    """Uneven groups of lognormal spend with many zeros, looked at for twice the plan."""
    rng = np.random.default_rng(11)
    runs, days, daily = 1_500, 28, (60, 40)
    n = [np.arange(1, 2 * days + 1) * size for size in daily]
    means, errors = [], []
    for size, count in zip(daily, n, strict=True):
        shape = (runs, 2 * days, size)
        spend = np.where(rng.random(shape) < 0.2, rng.lognormal(3, 1, shape), 0.0)
        sums = spend.sum(axis=2).cumsum(axis=1)
        squares = (spend**2).sum(axis=2).cumsum(axis=1)
        means.append(sums / count)
        errors.append((squares - sums**2 / count) / (count - 1) / count)
    z = np.abs(means[1] - means[0]) / np.sqrt(errors[0] + errors[1])
    bound = spending_boundary(n[0] * n[1] / (n[0] + n[1]), passed=np.arange(1, 57) / days)
    found = (z > bound).any(axis=1).mean()
    assert found <= 0.05 + 2 * math.sqrt(0.05 * 0.95 / runs)
    assert (z > Z).any(axis=1).mean() > 0.25, "the same looks at a fixed test"


def test_exact_sequences_cover_at_every_moment() -> None:
    """200 streams of a rare outcome: at most 5 % leave the interval at any of 400 moments."""
    rng = np.random.default_rng(2)
    missed = {"bernstein": 0, "betting": 0}
    for _ in range(200):
        values = rng.binomial(1, 0.1, 400)
        for name, method in (
            ("bernstein", empirical_bernstein_sequence),
            ("betting", lambda x: betting_sequence(x, parts=200)),
        ):
            low, high = method(values)
            missed[name] += bool(((low > 0.1) | (high < 0.1)).any())
    assert all(count <= 10 for count in missed.values()), missed


@pytest.mark.parametrize("values", [[], [0.5, 1.2], [-0.1], [math.nan]])
def test_exact_sequences_refuse_what_is_not_bounded(values: list[float]) -> None:
    with pytest.raises(ParameterError, match="from 0 to 1"):
        betting_sequence(values)


def _looks(effect: float, *, days: int = 14, daily: int = 300, seed: int = 4) -> list[Look]:
    rng = np.random.default_rng(seed)
    parts = [
        (
            dt.date(2026, 3, 2) + dt.timedelta(days=day),
            Moments.of_values(["paid_amount"], rng.exponential(20, (daily, 1))),
            Moments.of_values(["paid_amount"], rng.exponential(20 + effect, (daily, 1))),
        )
        for day in range(days)
    ]
    return list(accumulate(parts, lambda a, b: (b[0], a[1] + b[1], a[2] + b[2])))


def test_path_gives_each_look_its_interval_and_boundary() -> None:
    looks = _looks(5.0)
    path = follow_effect(looks, metric=AMOUNT, planned_days=14)
    bound = spending_boundary([look[1].n / 2 for look in looks], passed=np.arange(1, 15) / 14)
    assert [step.boundary for step in path.steps] == pytest.approx(list(bound))
    last = path.steps[-1]
    error = math.sqrt(sum(g.variance("paid_amount") / g.n for g in looks[-1][1:]))
    value = looks[-1][2].average("paid_amount") - looks[-1][1].average("paid_amount")
    assert last.difference.high == pytest.approx(value + bound[-1] * error)
    assert last.statistic == pytest.approx(value / error)
    assert last.relative.low > 0
    wide = last.difference.high - last.difference.low
    fixed = last.fixed.difference.high - last.fixed.difference.low
    assert 1.0 < wide / fixed < 1.15
    assert len(path.to_frame()) == 14


def test_mixture_needs_no_plan_and_is_wider() -> None:
    looks = _looks(0.0)
    path = follow_effect(looks, metric=AMOUNT, method="mixture", tuning_units=8_400)
    wide = path.steps[-1].boundary / Z
    assert 1.5 < wide < 1.6
    assert path.stop is None


def test_reversing_the_effect_reverses_the_sentence() -> None:
    up = follow_effect(_looks(5.0), metric=AMOUNT, planned_days=14)
    down = follow_effect(_looks(-5.0), metric=AMOUNT, planned_days=14)
    flat = follow_effect(_looks(0.0), metric=AMOUNT, planned_days=14)
    assert [p.findings()[0].level for p in (up, down, flat)] == ["good", "bad", "info"]
    assert "has been higher than the control" in up.findings()[0].text
    assert "has been lower than the control" in down.findings()[0].text
    assert "after 14 daily looks nothing is decided" in flat.findings()[0].text
    assert up.stop is not None
    assert f"since {up.stop.day:%Y-%m-%d}" in up.findings()[0].text


@pytest.mark.parametrize("effect", [5.0, -5.0, 0.0])
def test_sentences_are_whole_in_both_languages(effect: float) -> None:
    path = follow_effect(_looks(effect), metric=AMOUNT, planned_days=14)
    for language in ("en", "zh"):
        with reading(language):
            text = path.findings()[0].text
            assert "{" not in text
            assert "p-value" not in text
            assert path._repr_html_()


def test_days_without_news_are_passed_over() -> None:
    looks = _looks(0.0, days=3)
    still = (looks[-1][0] + dt.timedelta(days=1), *looks[-1][1:])
    path = follow_effect([*looks, still], metric=AMOUNT, planned_days=14)
    assert (len(path.steps), path.passed_over) == (3, 1)


def test_hostile_paths() -> None:
    empty = follow_effect([], metric=AMOUNT, planned_days=14)
    assert empty.absent()
    assert empty.findings() == ()
    assert "no path to show" in empty._repr_html_()
    same = [Moments.of_values(["paid_amount"], [[1.0]] * 5)] * 2
    flat = follow_effect([(dt.date(2026, 3, 2), *same)], metric=AMOUNT, planned_days=14)
    assert (flat.steps, flat.passed_over) == ((), 1)
    one = [Moments.of_values(["converted"], [[x]]) for x in (0.0, 1.0)]
    lone = follow_effect([(dt.date(2026, 3, 2), *one)], metric=RATE, planned_days=14)
    assert lone.steps == ()


def test_what_cannot_be_followed_is_refused() -> None:
    with pytest.raises(ParameterError, match="planned_days"):
        follow_effect(_looks(0.0), metric=AMOUNT)
    with pytest.raises(ParameterError, match="order of their days"):
        follow_effect(_looks(0.0)[::-1], metric=AMOUNT, planned_days=14)
    with pytest.raises(ParameterError, match="alpha"):
        follow_effect(_looks(0.0), metric=AMOUNT, planned_days=14, alpha=math.nan)


def test_shares_are_followed_too() -> None:
    rng = np.random.default_rng(8)
    parts = [
        (
            dt.date(2026, 3, 2) + dt.timedelta(days=day),
            Moments.of_values(["converted"], rng.binomial(1, 0.05, (500, 1))),
            Moments.of_values(["converted"], rng.binomial(1, 0.09, (500, 1))),
        )
        for day in range(10)
    ]
    looks = list(accumulate(parts, lambda a, b: (b[0], a[1] + b[1], a[2] + b[2])))
    path: SequentialPath = follow_effect(looks, metric=RATE, planned_days=10)
    assert path.stop is not None
    assert path.table_units()["difference"] == "points"


def test_a_path_that_came_back_does_not_say_it_stays_out() -> None:
    out, back = _looks(8.0, days=10), _looks(-8.0, days=50, seed=5)
    moved = [
        (out[-1][0] + dt.timedelta(days=place + 1), out[-1][1] + a, out[-1][2] + b)
        for place, (_, a, b) in enumerate(back)
    ]
    path = follow_effect([*out, *moved], metric=AMOUNT, planned_days=60)
    assert path.stop is not None
    cut = next(n for n, s in enumerate(path.steps) if s.day > path.stop.day and not s.crossed)
    held = follow_effect([*out, *moved][: cut + 1], metric=AMOUNT, planned_days=60)
    assert held.since is None
    with reading("en", "CNY"):
        told = held.findings()[0]
    assert told.level == "info"
    assert "boundary was crossed on" in told.text
    assert "since" not in told.text
    assert path.since is not None
    assert path.since.statistic < 0
    assert path.findings()[0].level == "bad"
