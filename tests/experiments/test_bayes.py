"""Posteriors: gbstats' figures, closed forms, simulation as a slow oracle, words."""

from __future__ import annotations

import json
import math
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.special import betaln
from scipy.stats import beta, kstest, norm

from ecops_lib.core.errors import MetricError, ParameterError
from ecops_lib.core.language import reading
from ecops_lib.experiments.bayes import BayesianEffect, compare_bayes
from ecops_lib.experiments.inference.adjustment import adjust
from ecops_lib.experiments.moments import Moments
from ecops_lib.experiments.outcomes import METRICS, ExperimentMetric
from ecops_lib.experiments.posteriors import Rivals
from ecops_lib.experiments.priors import (
    FLAT,
    Belief,
    BetaPrior,
    GammaPrior,
    NormalPrior,
    update_counts,
    update_normal,
    update_shares,
)

SPEND = ExperimentMetric(key="spend", label="spend", numerator="spend")
PER_VISIT = ExperimentMetric(key="ratio", label="ratio", numerator="spend", denominator="visit")
RATE, REFUNDS = METRICS["conversion_rate"], METRICS["refund_rate"]


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


def _by_case(case: dict[str, Any], control: Moments, treatment: Moments, *, old: bool) -> Belief:
    given = case["inputs"]
    told = given["prior"]
    prior = (
        FLAT
        if told == "improper flat"
        else NormalPrior(mean=told["mean"], sd=told["sd"], scale=told["type"])
    )
    known = ["history"] if "covariate" in given else []
    if old and known and given["difference_type"] == "relative":
        # gbstats 0.8.0 takes the unadjusted means for the slope, without their covariance
        held = adjust(control, treatment, columns=("spend", *known))
        first, second = control.average("spend"), treatment.average("spend")
        error = math.sqrt(held.variances[1] / first**2 + held.variances[0] * second**2 / first**4)
        return update_normal(held.pair.ratio - 1, error, mean=prior.mean, sd=prior.sd)
    return compare_bayes(
        control,
        treatment,
        metric=PER_VISIT if "den" in given else SPEND,
        model="normal",
        prior=prior,
        covariates=known,
        scale=given["difference_type"],
    ).belief


@pytest.mark.realdata
@pytest.mark.parametrize("release", ["0.8.0", "head-8f1db44"])
def test_normal_model_is_that_of_gbstats(shared: Path, release: str) -> None:
    """GrowthBook's Bayesian test on Hillstrom, flat and proper priors, plain and CUPED."""
    checked = 0
    for name, case in _cases(shared, f"ab_gbstats_{release}.json").items():
        if "_bayes_" not in name:
            continue
        wanted = case["expected"]
        held = _by_case(case, *_hillstrom(shared), old=release == "0.8.0")
        chance = wanted.get("chanceToWin", wanted.get("chance_to_win"))
        ours = [held.effect.value, held.effect.low, held.effect.high]
        assert ours == pytest.approx([wanted["expected"], *wanted["ci"]], abs=case["tolerance"])
        assert held.chance == pytest.approx(chance, abs=case["tolerance"])
        assert [held.gain, held.loss] == pytest.approx(wanted["risk"], abs=case["tolerance"])
        checked += 1
    assert checked == 11


@pytest.mark.parametrize(
    ("control", "treatment"), [((12, 100), (20, 110)), ((0, 10), (0, 10)), ((3, 15), (9, 15))]
)
def test_chance_of_shares_is_the_closed_form(
    control: tuple[int, int], treatment: tuple[int, int]
) -> None:
    """Miller's sum for P(p_t > p_c) with whole posterior parameters."""
    a, b = 1 + control[0], 1 + control[1] - control[0]
    c, d = 1 + treatment[0], 1 + treatment[1] - treatment[0]
    terms = [
        math.exp(betaln(a + i, b + d) - math.log(d + i) - betaln(1 + i, d) - betaln(a, b))
        for i in range(c)
    ]
    assert update_shares(control, treatment).chance == pytest.approx(sum(terms), abs=1e-9)


def _simulated(control: np.ndarray, treatment: np.ndarray) -> dict[str, float]:
    return {
        "chance": float((treatment > control).mean()),
        "gain": float(np.maximum(treatment - control, 0).mean()),
        "loss": float(np.maximum(control - treatment, 0).mean()),
    }


@pytest.mark.parametrize("seed", range(4))
def test_shares_and_counts_are_what_simulation_gives(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n = rng.integers(20, 3000, 2)
    x = rng.binomial(n, rng.uniform(0.02, 0.5, 2))
    draws = [rng.beta(1 + x[i], 1 + n[i] - x[i], 400_000) for i in (0, 1)]
    held = update_shares((x[0], n[0]), (x[1], n[1]))
    for name, value in _simulated(*draws).items():
        assert getattr(held, name) == pytest.approx(value, abs=3e-3)
    ratio = np.quantile(draws[1] / draws[0] - 1, [0.025, 0.5, 0.975])
    assert [held.effect.low, held.effect.value, held.effect.high] == pytest.approx(ratio, rel=0.03)
    draws = [rng.gamma(1 + x[i], 1 / (1 + n[i]), 400_000) for i in (0, 1)]
    held = update_counts((x[0], n[0]), (x[1], n[1]), scale="absolute")
    for name, value in _simulated(*draws).items():
        assert getattr(held, name) == pytest.approx(value, abs=3e-3)
    gap = np.quantile(draws[1] - draws[0], [0.025, 0.975])
    assert [held.effect.low, held.effect.high] == pytest.approx(gap, abs=3e-3)


def test_narrow_beside_wide_and_singular_priors() -> None:
    """A posterior a thousand times narrower, and one with a pole at 0, lose no exactness."""
    held = update_shares((100, 10**6), (90_000, 10**9))
    assert held.gain - held.loss == pytest.approx(
        90_001 / (10**9 + 2) - 101 / (10**6 + 2), rel=1e-6
    )
    twins = update_shares((0, 10), (0, 10), prior=BetaPrior(successes=0.5, failures=0.5))
    assert twins.chance == pytest.approx(0.5, abs=1e-5)
    assert twins.gain == pytest.approx(twins.loss)


def test_gain_less_loss_is_the_mean_difference() -> None:
    for held, mean in (
        (update_shares((3, 15), (9, 15)), 10 / 17 - 4 / 17),
        (update_counts((30, 100), (25, 80)), 26 / 81 - 31 / 101),
    ):
        assert held.gain - held.loss == pytest.approx(mean, abs=1e-9)


def test_normal_update_is_the_textbook_one() -> None:
    """Gelman et al. 2013, eq. 2.10: precisions add up; a tight prior pulls to its mean."""
    held = update_normal(2.0, 0.5, mean=1.0, sd=0.25)
    precision = 1 / 0.5**2 + 1 / 0.25**2
    centre = (2.0 / 0.5**2 + 1.0 / 0.25**2) / precision
    assert held.effect.value == pytest.approx(centre)
    assert held.effect.high == pytest.approx(norm(centre, precision**-0.5).ppf(0.975))
    assert held.chance == pytest.approx(norm(centre, precision**-0.5).sf(0))


def test_losses_far_in_the_tail_stay_positive() -> None:
    held = update_normal(10.0, 1.0, sd=math.inf)
    # E max(−X, 0) of N(10, 1), by mpmath: 7.4746e-25 (φ(10) − 10·Φ(−10))
    assert held.loss == pytest.approx(7.4746e-25, rel=1e-3)
    assert held.gain == pytest.approx(10.0)


def test_posteriors_are_calibrated() -> None:
    """Shares drawn from the prior: the posterior's chance of "at most the truth" is uniform."""
    rng = np.random.default_rng(9)
    places = []
    for _ in range(300):
        p = rng.beta(2, 8, 2)
        x = rng.binomial(60, p)
        rivals = Rivals(control=beta(2 + x[0], 68 - x[0]), treatment=beta(2 + x[1], 68 - x[1]))
        places.append(rivals.cdf(p[1] / p[0] - 1, scale="relative"))
    assert kstest(places, "uniform").pvalue > 0.01


def test_limits_are_where_the_posterior_says() -> None:
    rivals = Rivals(control=beta(4, 40), treatment=beta(9, 50))
    for scale in ("absolute", "relative"):
        for share in (0.025, 0.5, 0.975):
            limit = rivals.quantile(share, scale=scale)
            assert rivals.cdf(limit, scale=scale) == pytest.approx(share, abs=1e-9)


def _rates(x: int, y: int, n: int = 1000) -> list[Moments]:
    return [Moments.of_values(["converted"], [[1]] * k + [[0]] * (n - k)) for k in (x, y)]


def test_reversing_the_effect_reverses_the_words() -> None:
    up = compare_bayes(*_rates(100, 150), metric=RATE)
    down = compare_bayes(*_rates(150, 100), metric=RATE)
    flat = compare_bayes(*_rates(100, 104), metric=RATE)
    assert {r.findings()[0].level for r in (up, down, flat)} == {"info"}
    assert down.chance_to_win < flat.chance_to_win < up.chance_to_win
    assert up.chance_to_win == pytest.approx(1 - down.chance_to_win, abs=1e-9)
    assert up.loss == pytest.approx(down.loss_control, abs=1e-12)
    assert up.findings()[0].text == (
        "conversion rate: the treatment is better than the control with a chance of 99.96%; the "
        "relative effect lies between +18.38% and +90.12% with a chance of 95.00%. If the "
        "treatment is chosen, the expected loss is 0.00 pp; if not, 4.99 pp (prior of each "
        "variant's share: Beta(1, 1))."
    )


def test_less_is_better_for_refunds() -> None:
    rng = np.random.default_rng(1)
    groups = []
    for rate in (0.30, 0.10):
        paid = rng.lognormal(4, 0.3, 2000)
        columns = ["refund_amount", "paid_amount"]
        back = paid * (rng.random(2000) < rate)
        groups.append(Moments.of_values(columns, np.column_stack([back, paid])))
    held = compare_bayes(*groups, metric=REFUNDS)
    assert held.belief.effect.high < 0
    assert held.chance_to_win > 0.999


@pytest.mark.parametrize(
    ("model", "prior"),
    [
        ("beta_binomial", BetaPrior(successes=2, failures=50)),
        ("gamma_poisson", GammaPrior()),
        ("normal", FLAT),
        ("normal", NormalPrior(sd=0.1)),
        ("normal", NormalPrior(sd=0.01, scale="absolute")),
    ],
)
def test_no_sentence_speaks_of_p_values_and_each_tells_its_prior(model: Any, prior: Any) -> None:
    held = compare_bayes(*_rates(100, 120), metric=RATE, model=model, prior=prior)
    for language in ("en", "zh"):
        with reading(language):
            text = held.findings()[0].text
            assert prior.words() in text
            assert "{" not in text
            for word in ("p-value", "significan", "p 值", "p值", "显著"):
                assert word not in text


def test_hostile_groups_give_nothing_and_say_so() -> None:
    none = Moments.of_sums(["converted"], 0, [0], [[0]])
    flat = Moments.of_values(["paid_amount"], [[5.0]] * 9)
    for held in (
        compare_bayes(none, none, metric=RATE),
        compare_bayes(flat, flat, metric=METRICS["paid_amount_per_visitor"]),
    ):
        assert math.isnan(held.chance_to_win)
        assert "no posterior" in held.findings()[0].text
        assert isinstance(str(held), str)


def test_a_variance_without_a_base_has_no_relative_prior() -> None:
    rng = np.random.default_rng(0)
    groups = [Moments.of_values(["paid_amount"], v) for v in (rng.normal(0, 1, (9, 1)),) * 2]
    centred = [g.combine("x", {"paid_amount": 1.0}, constant=-g.mean[0]) for g in groups]
    metric = ExperimentMetric(key="x", label="x", numerator="x")
    held: BayesianEffect = compare_bayes(*centred, metric=metric, scale="relative")
    assert math.isnan(held.chance_to_win)


def test_what_a_model_cannot_take_is_refused() -> None:
    with pytest.raises(ParameterError, match="takes a BetaPrior"):
        compare_bayes(*_rates(1, 2), metric=RATE, prior=FLAT)
    with pytest.raises(MetricError, match="use 'normal'"):
        compare_bayes(*_rates(1, 2), metric=REFUNDS, model="gamma_poisson")
    with pytest.raises(ParameterError, match="without any doubt"):
        update_normal(1.0, 1.0, sd=0.0)
    with pytest.raises(ParameterError, match="successes"):
        update_shares((11, 10), (1, 10))
    with pytest.raises(ParameterError, match="level"):
        update_shares((1, 10), (1, 10), level=math.nan)
