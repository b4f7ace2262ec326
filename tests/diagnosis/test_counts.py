"""The judge of counts: silent at its stated rate on noise, loud on what is planted."""

from __future__ import annotations

import numpy as np
import pytest

from ecops_lib.diagnosis.counts import ALARM, adjust, judge_counts

DAYS, ITEMS = 63, 30


def noise(rng: np.random.Generator, spread: float) -> tuple[np.ndarray, np.ndarray]:
    """Visitors and buyers of a shop in which nothing happens."""
    level = np.exp(rng.uniform(np.log(50), np.log(3000), ITEMS))
    visitors = rng.poisson(level, (DAYS, ITEMS)).astype(float)
    rate = rng.uniform(0.01, 0.06, ITEMS) * rng.gamma(1 / spread, spread, (DAYS, ITEMS))
    return visitors, rng.binomial(visitors.astype(int), np.minimum(rate, 1)).astype(float)


@pytest.mark.parametrize("spread", [0.001, 0.05, 0.2])
def test_days_without_news_raise_no_more_alarms_than_stated(spread: float) -> None:
    rng = np.random.default_rng(3)
    days = 400
    alarms = 0
    for _ in range(days):
        visitors, buyers = noise(rng, spread)
        alarms += bool((judge_counts(buyers, visitors).q <= ALARM).any())
    # 99.9 % of binomial(400, .01) lie at or below 11; the stated rate is half of that .01
    assert alarms <= 2 * ALARM * days + 7


def test_a_planted_fall_and_rise_are_found_and_their_size_is_told() -> None:
    rng = np.random.default_rng(4)
    visitors = np.full((DAYS, 3), 1000.0)
    buyers = rng.binomial(1000, 0.04, (DAYS, 3)).astype(float)
    buyers[-3:, 0], buyers[-1, 1] = [15, 14, 16], 90
    judged = judge_counts(buyers, visitors)
    assert (judged.q <= ALARM).tolist() == [True, True, False]
    assert judged.days[:2].tolist() == [3.0, 1.0]
    assert judged.seen[0] == 45
    assert judged.expected[0] == pytest.approx(120, rel=0.05)
    assert judged.p_fall[0] < judged.p_rise[0]
    assert judged.p_rise[1] < judged.p_fall[1]


def test_what_is_over_by_today_is_no_news() -> None:
    buyers = np.full((DAYS, 1), 40.0)
    buyers[-3:-1] = 5
    buyers[-1] = 42
    assert judge_counts(buyers, np.full((DAYS, 1), 1000.0)).p_fall[0] == 1.0


def test_a_busy_day_is_no_news_where_the_exposure_carries_it() -> None:
    visitors = np.full((DAYS, 2), 500.0)
    visitors[-1] = 2000
    buyers = visitors * 0.04
    assert (judge_counts(buyers, visitors).q > 0.5).all()


def test_where_the_forecast_is_in_doubt_the_other_items_tell_how_the_day_went() -> None:
    # A festival doubles the shop though the forecast did not know; one item stays behind.
    expected = np.ones((DAYS, 12))
    counts = np.random.default_rng(5).poisson(50, (DAYS, 12)).astype(float)
    counts[-1] = 100
    counts[-1, 0] = 40
    sure = judge_counts(counts, expected, windows=(1,))
    unsure = judge_counts(counts, expected, windows=(1,), doubt=1.0)
    assert (sure.q <= ALARM).sum() >= 11
    assert (unsure.q <= ALARM).tolist() == [True] + [False] * 11
    assert unsure.p_fall[0] < ALARM


def test_an_incident_of_last_month_does_not_hide_the_one_of_today() -> None:
    counts = np.random.default_rng(6).poisson(40, (DAYS, 1)).astype(float)
    counts[-30] = 400
    counts[-1] = 90
    assert judge_counts(counts, np.ones((DAYS, 1)), windows=(1,)).p_rise[0] < 0.01


def test_items_without_a_past_or_without_a_count_today_are_not_judged() -> None:
    counts = np.full((DAYS, 3), 20.0)
    counts[:-1, 0] = np.nan
    counts[-1, 1] = np.nan
    judged = judge_counts(counts, np.where(np.isnan(counts), np.nan, 1.0))
    assert np.isnan(judged.p_fall).tolist() == [True, True, False]
    assert not (judged.q <= ALARM).any()


def test_order_of_the_items_does_not_matter() -> None:
    visitors, buyers = noise(np.random.default_rng(8), 0.05)
    there, back = judge_counts(buyers, visitors), judge_counts(buyers[:, ::-1], visitors[:, ::-1])
    assert there.p_fall == pytest.approx(back.p_fall[::-1])


def test_adjusted_p_values_follow_the_definition() -> None:
    p = np.array([0.01, np.nan, 0.04, 0.03, 0.2])
    known = sorted(p[~np.isnan(p)])
    by_definition = {
        v: min(1, *(known[j] * len(known) / (j + 1) for j in range(i, len(known))))
        for i, v in enumerate(known)
    }
    wanted = [by_definition.get(v, np.nan) for v in p]
    assert adjust(p) == pytest.approx(np.array(wanted), nan_ok=True)
