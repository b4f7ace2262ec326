"""Expected days: no look-ahead, stated false alarms, planted incidents, sentences."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from ecops_lib.core.errors import ColumnError, MissingDataError, ParameterError
from ecops_lib.core.language import reading
from ecops_lib.data.calendar import describe_days
from ecops_lib.metrics.anomalies import (
    adjust_p_values,
    expect_days,
    find_anomalies,
)
from ecops_lib.metrics.anomaly_words import series_label

PROFILE = np.array([0.0, 0.05, 0.1, 0.0, -0.1, -0.4, 0.3])


def days_from(first: str, count: int) -> pd.DatetimeIndex:
    return pd.date_range(first, periods=count)


def quiet(rng: np.random.Generator, days: pd.DatetimeIndex, columns: int = 1) -> np.ndarray:
    """Sales with a weekday profile and noise of a quarter, and nothing else."""
    noise = rng.normal(size=(len(days), columns))
    return np.exp(8 + PROFILE[days.day_of_week][:, None] + 0.2 * noise)


def quiet_panel(seed: int = 1, count: int = 300, columns: int = 10) -> pd.DataFrame:
    days = days_from("2025-01-01", count)
    names = ["paid_amount", *(f"visitors|channel={n}" for n in range(1, columns))]
    return pd.DataFrame(quiet(np.random.default_rng(seed), days, columns), days, names)


def null_series(kind: str, rng: np.random.Generator, days: pd.DatetimeIndex) -> np.ndarray:
    shape = (len(days), 50)
    profile, time = PROFILE[days.day_of_week][:, None], np.arange(len(days))[:, None]
    noise = rng.normal(size=shape)
    match kind:
        case "log-normal":
            return np.exp(8 + profile + 0.25 * noise)
        case "trend":
            return np.exp(6 + 0.002 * time + profile + 0.2 * noise)
        case "yearly wave":
            return np.exp(6 + 0.5 * np.sin(2 * np.pi * time / 365) + profile + 0.3 * noise)
        case "random walk":
            walk = np.cumsum(0.02 * rng.normal(size=shape), axis=0)
            return np.exp(6 + walk + profile + 0.2 * noise)
        case "heavy tails":
            return np.exp(7 + profile + 0.2 * rng.standard_t(4, size=shape))
        case "skewed":
            return np.exp(7 + profile) * rng.gamma(2, 0.5, size=shape)
        case "small counts":
            return rng.poisson(3 * np.exp(profile), size=shape).astype(float)
        case "over-dispersed counts":
            mean = 20 * np.exp(profile) * rng.gamma(5, 0.2, size=shape)
            return rng.poisson(mean).astype(float)
        case "conversion rate":
            return rng.binomial(800, 0.03 * np.exp(profile), size=shape) / 800
        case _:
            closed = days.day_of_week.to_numpy()[:, None] == 5
            return np.where(closed, 0.0, np.exp(8 + profile + 0.25 * noise))


@pytest.mark.parametrize(
    "kind",
    [
        "log-normal",
        "trend",
        "yearly wave",
        "random walk",
        "heavy tails",
        "skewed",
        "small counts",
        "over-dispersed counts",
        "conversion rate",
        "closed Saturdays",
    ],
)
def test_null_series_fire_at_the_stated_rate(kind: str) -> None:
    days = days_from("2024-01-01", 800)
    values = null_series(kind, np.random.default_rng(7), days)
    told = [expect_days(pd.Series(values[:, j], days)).iloc[100:] for j in range(values.shape[1])]
    fired = np.mean([(frame["p"] < 0.01).mean() for frame in told])
    assert 0.007 <= fired <= 0.013
    outside = [(f["actual"] < f["low"]) | (f["actual"] > f["high"]) for f in told]
    assert 0.006 <= np.mean(outside) <= 0.014


def test_a_row_sees_only_the_rows_before_it() -> None:
    whole = quiet_panel()["paid_amount"]
    changed = whole.copy()
    changed.iloc[200:] = 1e9
    first, second = expect_days(whole), expect_days(changed)
    pd.testing.assert_frame_equal(first.iloc[:200], second.iloc[:200])
    expected = ["expected", "low", "high"]
    pd.testing.assert_series_equal(first[expected].iloc[200], second[expected].iloc[200])
    assert second["p"].iloc[200] < first["p"].iloc[200]


def test_expectation_follows_weekday_and_level() -> None:
    days = days_from("2025-01-01", 400)
    rng = np.random.default_rng(3)
    level = np.where(np.arange(400) < 200, 1000.0, 3000.0)
    truth = level * np.exp(PROFILE[days.day_of_week])
    told = expect_days(pd.Series(truth * np.exp(0.1 * rng.normal(size=400)), days))
    late = np.r_[150:200, 300:400]
    assert np.abs(np.log(told["expected"].to_numpy()[late] / truth[late])).mean() < 0.05
    assert told.iloc[:40][["expected", "p"]].isna().all().all()
    assert told.iloc[40:].notna().all().all()


def test_scores_do_not_depend_on_the_unit() -> None:
    series = quiet_panel()["paid_amount"]
    yuan, cents = expect_days(series), expect_days(series * 100)
    np.testing.assert_allclose(yuan["z"].iloc[40:], cents["z"].iloc[40:], rtol=1e-6)
    np.testing.assert_allclose(yuan["high"].iloc[40:] * 100, cents["high"].iloc[40:], rtol=1e-6)


def test_a_planted_drop_a_spike_and_a_weak_run_are_found_with_their_direction() -> None:
    series = quiet_panel(seed=5)["paid_amount"]
    series.iloc[150] *= 0.1
    series.iloc[200] *= 4
    series.iloc[250:254] *= 0.5
    told = expect_days(series)
    assert told["p"].iloc[150] < 0.01
    assert told["alarm"].iloc[150] < -4
    assert told["p"].iloc[200] < 0.01
    assert told["alarm"].iloc[200] > 4
    run = told.iloc[250:254]
    assert run["p"].min() < 0.01
    assert run["days"].iloc[-1] > 1
    assert (run["actual"] > run["low"]).all()


def test_values_below_zero_missing_days_and_silent_series_do_no_harm() -> None:
    series = quiet_panel()["paid_amount"]
    series.iloc[[100, 101]] = np.nan
    series.iloc[120] = -50.0
    told = expect_days(series)
    assert told.loc[series.isna(), ["z", "p"]].isna().all().all()
    assert told.loc[series.isna(), "expected"].notna().all()
    assert told["p"].iloc[120] < 0.001
    silent = expect_days(pd.Series(0.0, series.index))
    assert silent["p"].isna().all()


def sparse_series(seed: int = 8) -> pd.Series:
    """Sales of about 1,000 on three days of five, none on the others."""
    rng = np.random.default_rng(seed)
    sizes = np.exp(np.log(1000) + 0.4 * rng.normal(size=400))
    return pd.Series(
        np.where(rng.uniform(size=400) < 0.6, sizes, 0.0), days_from("2025-01-01", 400)
    )


def test_where_many_days_bring_nothing_the_others_are_judged_apart() -> None:
    series = sparse_series()
    told = expect_days(series)
    assert told["empty"].iloc[-100:].between(0.2, 0.6).all()
    assert 900 < told["expected"].iloc[-100:].median() < 1100
    alone = (series == 0) & (series.shift() > 0)
    assert told["p"].iloc[100:][alone.iloc[100:]].min() > 0.1
    series.iloc[-1] = 50.0
    tiny = expect_days(series).iloc[-1]
    assert tiny["p"] < 0.01
    assert tiny["alarm"] < -3
    assert 0 < tiny["actual"] < tiny["low"]
    series.iloc[-1] = 20000.0
    assert expect_days(series).iloc[-1]["alarm"] > 3


def test_a_long_silence_is_told_though_single_empty_days_are_ordinary() -> None:
    series = sparse_series()
    series.iloc[-10:] = 0.0
    told = expect_days(series).iloc[-10:]
    assert told["p"].iloc[0] > 0.1
    assert (told["p"] < 0.01).any()
    panel = series.loc[: told["p"].idxmin()].to_frame("paid_amount")
    (finding,) = find_anomalies(panel, as_of=panel.index[-1].date()).findings()
    assert "has brought nothing for too long" in finding.text
    assert finding.level == "bad"


def test_sentences_on_sparse_series_speak_of_the_days_that_bring_something() -> None:
    panel = sparse_series().to_frame("paid_amount")
    texts = []
    for value in (30.0, 20000.0):
        panel.iloc[-1, 0] = value
        (finding,) = find_anomalies(panel, as_of=panel.index[-1].date()).findings()
        texts.append(finding.text)
    assert "unusually low" in texts[0]
    assert "unusually high" in texts[1]
    assert all("a day that brings anything brings" in text for text in texts)


def test_sparse_null_series_fire_at_the_stated_rate() -> None:
    days = days_from("2024-01-01", 800)
    rng = np.random.default_rng(9)
    sizes = np.exp(7 + 0.6 * rng.normal(size=(800, 50)))
    values = np.where(rng.uniform(size=sizes.shape) < 0.6, sizes, 0.0)
    told = [expect_days(pd.Series(values[:, j], days))["p"].iloc[100:] for j in range(50)]
    assert 0.007 <= np.mean([(p < 0.01).mean() for p in told]) <= 0.013


def test_known_festivals_are_no_anomalies_and_do_not_lift_the_level() -> None:
    days = days_from("2024-01-01", 720)
    calendar = describe_days(days[0].date(), days[-1].date())
    burst = ((calendar["festival"] == "double11") & (calendar["phase"] == "burst")).to_numpy()
    series = pd.Series(quiet(np.random.default_rng(2), days)[:, 0], days)
    series[burst] *= 4
    blind, told = expect_days(series), expect_days(series, calendar=calendar)
    first = np.flatnonzero(burst)[0]
    assert blind["p"].iloc[first] < 0.01
    assert told["p"].iloc[first] > 0.05
    second_year = burst & (days.year == 2025)
    ratio = np.log(told["expected"] / series)[second_year]
    assert abs(ratio.mean()) < 0.15
    after = np.flatnonzero(burst & (days.year == 2024))[-1] + 8
    assert abs(np.log(told["expected"].iloc[after] / 2981)) < 0.5
    width = (told["high"] / told["low"].clip(lower=1))[burst]
    assert width.iloc[0] > 2 * width.iloc[-1]


def test_adjusted_p_values_meet_scipy() -> None:
    p = np.random.default_rng(4).uniform(size=50) ** 3
    np.testing.assert_allclose(adjust_p_values(p), stats.false_discovery_control(p), rtol=1e-12)


def test_find_anomalies_names_the_planted_figure_alone() -> None:
    panel = quiet_panel()
    panel.iloc[-2, 0] *= 0.05
    day = panel.index[-2].date()
    found = find_anomalies(panel, as_of=day)
    assert list(found.to_frame()["series"]) == [series_label("paid_amount")]
    (finding,) = found.findings()
    assert (finding.key, finding.level) == ("anomaly/paid_amount", "bad")
    row = found.table.iloc[0]
    assert finding.money == pytest.approx(row["expected"] - row["actual"])
    assert (
        finding.text.startswith("Paid GMV is unusually low: ¥") or "unusually low" in finding.text
    )
    alone = expect_days(panel["paid_amount"]).loc[panel.index[-2]]
    assert row["p"] == pytest.approx(alone["p"])
    assert row["low"] == pytest.approx(alone["low"])


def test_reversing_the_truth_reverses_the_sentence() -> None:
    panel = quiet_panel()
    panel.iloc[-1, 0] *= 10
    (finding,) = find_anomalies(panel, as_of=panel.index[-1].date()).findings()
    assert "unusually high" in finding.text
    assert finding.level == "good"
    with reading("zh"):
        (chinese,) = find_anomalies(panel, as_of=panel.index[-1].date()).findings()
    assert "异常偏高" in chinese.text


def test_a_long_weak_fall_is_told_as_one() -> None:
    panel = quiet_panel(columns=1)
    panel.iloc[-4:, 0] *= 0.45
    (finding,) = find_anomalies(panel, as_of=panel.index[-1].date(), alpha=0.05).findings()
    assert "has been low for" in finding.text


def test_on_a_quiet_shop_nothing_is_claimed() -> None:
    panel = quiet_panel()
    claims = [len(find_anomalies(panel, as_of=day.date()).to_frame()) for day in panel.index[-60:]]
    assert sum(claims) <= 2
    (finding,) = find_anomalies(panel, as_of=panel.index[-1].date()).findings()
    assert finding.level == "info"
    assert finding.text.startswith("None of the 10 figures")


def test_short_history_is_told_not_judged() -> None:
    found = find_anomalies(quiet_panel(count=30), as_of="2025-01-30")
    assert "takes 40 days" in found.absent()
    assert len(found.unjudged) == 10
    assert found.findings() == ()


def test_unfit_panels_are_refused() -> None:
    panel = quiet_panel()
    with pytest.raises(MissingDataError, match="no row for 2027-01-01"):
        find_anomalies(panel, as_of=dt.date(2027, 1, 1))
    with pytest.raises(ParameterError, match="distinct and in order"):
        find_anomalies(panel.iloc[::-1], as_of="2025-02-01")
    with pytest.raises(ParameterError, match="must hold days"):
        expect_days(pd.Series([1.0, 2.0]))
    with pytest.raises(ParameterError, match="alpha is nan"):
        expect_days(panel["paid_amount"], alpha=float("nan"))
    calendar = describe_days(dt.date(2025, 1, 1), dt.date(2025, 1, 31))
    with pytest.raises(MissingDataError, match="2025-02-01 first"):
        expect_days(panel["paid_amount"], calendar=calendar)
    with pytest.raises(ColumnError, match="calendar has no column 'festival'"):
        expect_days(panel["paid_amount"], calendar=calendar.drop(columns="festival"))
