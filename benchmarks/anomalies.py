"""Anomaly detectors side by side: planted incidents in a real shop's KPIs, and null series.

Eight incidents a series, of four kinds drawn at random, after half a year of warm-up: a
day at 1.5 to 3 times its level (the mean of four weeks), a day at 0 to 15 % of itself,
four days at 30 to 50 % and four at 1.8 to 2.4 times themselves. An incident counts as
found when one of its days, or the day beside it, scores above the threshold; the
threshold, one for all series, leaves six false alarms a series. What a detector says
within a week of an incident is neither right nor false; what the shop itself had of
unusual days counts as false, for every detector alike.

The case tells the incidents' sizes and lengths and the measures, not the warm-up, nor
what counts as false beside an incident, nor whether a spike is set or added. These were
chosen so that the common detectors come out as the case gives them ('given'), by nothing
else; how far they still part is printed. The column 'strict' is the recall without the
week's and the day's grace. Smoothers of STL are not given either; it has better ones
here than its defaults.

Settings of ecops were chosen on every other segment (half A); half B was only ever
reported.
"""

from __future__ import annotations

import argparse
import json
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from ecops_lib.metrics.anomalies import expect_days

Floats = npt.NDArray[np.float64]
Whole = npt.NDArray[np.int64]
Detector = Callable[["pd.Series[float]"], Floats]

WARM_UP, INCIDENTS, GAP, GRACE, FALSE_ALARMS, SEEDS = 180, 8, 7, 1, 6, 3
LEAST_RECALL, MOST_MILLISECONDS = 0.50, 10.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    default = Path(__file__).parents[2] / "shared" / "cases"
    parser.add_argument("--cases", type=Path, default=default, help="folder of the cases")
    cases = parser.parse_args().cases
    compare_detectors(cases)
    measure_null_rates()


def compare_detectors(cases: Path) -> None:
    file = cases / "kpi_daily_online_retail.csv"
    if not file.exists():
        print(f"no {file}: give --cases; the comparison is left out")
        return
    panel = pd.read_csv(file, index_col=0, parse_dates=True)
    published = read_published(cases / "anomaly.json")
    halves = split_halves(panel.columns)
    planted = [plant_panel(panel, seed) for seed in range(SEEDS)]
    print(f"{panel.shape[1]} series x {len(panel)} days, {SEEDS} seeds of {INCIDENTS} incidents")
    print(f"recall (all, half A, half B) at {FALSE_ALARMS} false alarms a series; CPU ms a series")
    heads = ("causal", "AP", "given", "recall", "given", "A", "B", "strict", "ms")
    print(f"{'detector':34}" + "".join(f"{head:>8}" for head in heads))
    apart = []
    for name, (causal, detector) in DETECTORS.items():
        found = rate_detector(detector, planted, halves)
        given = [published.get(name, {}).get(key) for key in ("AP", "recall_at_6FA")]
        if given[1] is not None:
            apart.append(found["all"] - given[1])
        shown = [f"{value:8.3f}" if value is not None else f"{'-':>8}" for value in given]
        print(
            f"{name:34}{'yes' if causal else 'no':>8}{found['AP']:8.3f}{shown[0]}"
            f"{found['all']:8.3f}{shown[1]}{found['A']:8.3f}{found['B']:8.3f}"
            f"{found['strict']:8.3f}{found['ms']:8.1f}"
        )
        if name == OURS:
            met = [found["all"] >= LEAST_RECALL, found["ms"] <= MOST_MILLISECONDS]
    words = ["met" if held else "not met" for held in met]
    print(f"ecops: recall >= {LEAST_RECALL} {words[0]}, <= {MOST_MILLISECONDS:g} ms {words[1]}")
    off = float(np.sqrt(np.mean(np.square(apart))))
    print(f"'given' is what the case gives on its own incidents; recalls part by {off:.3f} (rms)")


def read_published(file: Path) -> dict[str, dict[str, float]]:
    cases = json.loads(file.read_text("utf-8"))["cases"]
    held: dict[str, dict[str, float]] = next(
        case["expected"] for case in cases if case["id"] == "kpi_injection"
    )
    return held


def split_halves(columns: pd.Index[str]) -> list[Whole]:
    """All columns, those of every other segment, and the rest."""
    segments = [name.split("|")[0] for name in columns]
    order = {segment: place for place, segment in enumerate(dict.fromkeys(segments))}
    first = np.array([order[segment] % 2 == 0 for segment in segments])
    return [np.arange(len(columns)), np.flatnonzero(first), np.flatnonzero(~first)]


def plant_panel(panel: pd.DataFrame, seed: int) -> tuple[pd.DataFrame, Whole]:
    """The panel with incidents, and each cell's incident number (0 for none)."""
    values, numbers = panel.to_numpy(float).copy(), np.zeros(panel.shape, np.int64)
    for column in range(panel.shape[1]):
        rng = np.random.default_rng(1000 * column + seed)
        for number in range(1, INCIDENTS + 1):
            plant_incident(values[:, column], numbers[:, column], number, rng)
    return pd.DataFrame(values, panel.index, panel.columns), numbers


def plant_incident(values: Floats, numbers: Whole, number: int, rng: np.random.Generator) -> None:
    kind = ("spike", "drop", "low days", "high days")[rng.integers(4)]
    length = 1 if kind in ("spike", "drop") else 4
    while True:
        start = int(rng.integers(WARM_UP, len(values) - length))
        if not numbers[max(0, start - GAP) : start + length + GAP].any():
            break
    rows, level = slice(start, start + length), values[start - 28 : start].mean()
    numbers[rows] = number
    match kind:
        case "spike":
            values[rows] = rng.uniform(1.5, 3) * level
        case "drop":
            values[rows] *= rng.uniform(0, 0.15)
        case "low days":
            values[rows] *= rng.uniform(0.3, 0.5)
        case "high days":
            values[rows] *= rng.uniform(1.8, 2.4)


def rate_detector(
    detector: Detector,
    planted: list[tuple[pd.DataFrame, Whole]],
    halves: list[Whole],
) -> dict[str, float]:
    """Average precision, recall of all and of each half, CPU milliseconds a series."""
    begun = time.process_time()
    scored = [np.column_stack([detector(panel[name]) for name in panel]) for panel, _ in planted]
    cost = (time.process_time() - begun) * 1000 / (len(planted) * planted[0][0].shape[1])
    rated = []
    for scores, (_, numbers) in zip(scored, planted, strict=True):
        late, planted_in = np.nan_to_num(scores, nan=-1.0)[WARM_UP:], numbers[WARM_UP:]
        parts = [recall(late[:, half], planted_in[:, half]) for half in halves]
        strict = recall(late, planted_in, week=0, grace=0)
        rated.append([average_precision(late, planted_in), *parts, strict])
    means = np.mean(rated, axis=0).tolist()
    return dict(zip(("AP", "all", "A", "B", "strict"), means, strict=True)) | {"ms": cost}


def recall(scores: Floats, numbers: Whole, *, week: int = GAP, grace: int = GRACE) -> float:
    """Share of incidents above the threshold that leaves six false alarms a series."""
    false = np.sort(scores[~near(numbers > 0, week)])[::-1]
    threshold = false[FALSE_ALARMS * scores.shape[1]]
    found = [
        scores[near(numbers == number, grace)[:, column], column].max() > threshold
        for number in range(1, INCIDENTS + 1)
        for column in range(scores.shape[1])
    ]
    return float(np.mean(found))


def average_precision(scores: Floats, numbers: Whole) -> float:
    counted = (numbers > 0) | ~near(numbers > 0, GAP)
    hits = (numbers > 0)[counted][np.argsort(-scores[counted], kind="stable")]
    return float((np.cumsum(hits) / np.arange(1, hits.size + 1))[hits].mean())


def near(told: npt.NDArray[np.bool_], days: int) -> npt.NDArray[np.bool_]:
    """The days told and as many beside them on either side."""
    from scipy.ndimage import maximum_filter1d

    found: npt.NDArray[np.bool_] = maximum_filter1d(told, 2 * days + 1, axis=0, mode="constant")
    return found


def score_ecops(series: pd.Series[float]) -> Floats:
    return expect_days(series)["alarm"].abs().to_numpy()


def score_ecops_single(series: pd.Series[float]) -> Floats:
    return expect_days(series)["z"].abs().to_numpy()


def score_rolling_z(series: pd.Series[float]) -> Floats:
    past = series.rolling(28, min_periods=10)
    return ((series - past.mean().shift()) / past.std().shift()).abs().to_numpy()


def score_rolling_mad(series: pd.Series[float]) -> Floats:
    windows = np.lib.stride_tricks.sliding_window_view(series.to_numpy(), 28)[:-1]
    median = np.median(windows, axis=1)
    spread = 1.4826 * np.median(np.abs(windows - median[:, None]), axis=1)
    error = np.abs(series.to_numpy()[28:] - median) / (spread + 1e-9)
    return np.concatenate([np.full(28, np.nan), error])


def score_weekday_profile(series: pd.Series[float]) -> Floats:
    logs = pd.Series(np.log1p(series.to_numpy()), series.index)
    level = logs - logs.rolling(28, min_periods=10).median().shift()
    weekdays = series.index.day_of_week
    profile = level.groupby(weekdays).transform(
        lambda days: days.rolling(12, min_periods=2).median().shift()
    )
    error = level - profile.fillna(0.0)
    spread = 1.4826 * error.abs().rolling(90, min_periods=20).median().shift()
    return (error.abs() / (spread + 0.05)).to_numpy()


def score_holt_winters(series: pd.Series[float]) -> Floats:
    from statsmodels.tsa.holtwinters import ExponentialSmoothing

    logs = np.log1p(series.to_numpy())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fit = ExponentialSmoothing(logs, trend=None, seasonal="add", seasonal_periods=6).fit()
    return over_mad(fit.resid)


def score_robust_stl(series: pd.Series[float]) -> Floats:
    from statsmodels.tsa.seasonal import STL

    fit = STL(np.log1p(series.to_numpy()), period=6, seasonal=13, trend=25, robust=True).fit()
    return over_mad(fit.resid)


def score_raw_stl(series: pd.Series[float]) -> Floats:
    from statsmodels.tsa.seasonal import STL

    return over_mad(STL(series.to_numpy(), period=6, robust=True).fit().resid)


def over_mad(error: Floats) -> Floats:
    error = error - np.median(error)
    return np.abs(error) / (1.4826 * np.median(np.abs(error)) + 1e-9)


OURS = "ecops"
DETECTORS: dict[str, tuple[bool, Detector]] = {
    "rolling z 28d": (True, score_rolling_z),
    "rolling median/MAD 28d": (True, score_rolling_mad),
    "weekday-profile log MAD causal": (True, score_weekday_profile),
    "HW log residual MAD": (False, score_holt_winters),
    "STL robust raw+MAD": (False, score_raw_stl),
    "STL robust log+MAD (offline)": (False, score_robust_stl),
    "ecops, single days": (True, score_ecops_single),
    OURS: (True, score_ecops),
}


def measure_null_rates() -> None:
    """Share of days under p < 0.01 where nothing happens, over thousands of series."""
    rng, days, columns = np.random.default_rng(20), pd.date_range("2024-01-01", periods=600), 200
    print(f"\nnull series, {columns} of a kind: share of days with p < 0.01 (stated 1 %)")
    rates = []
    for kind, values in null_kinds(rng, days, columns):
        told = [expect_days(pd.Series(values[:, n], days))["p"].iloc[100:] for n in range(columns)]
        rates.append(float(np.mean([(p < 0.01).mean() for p in told])))
        print(f"{kind:34}{rates[-1]:8.2%}")
    print(f"{'all':34}{np.mean(rates):8.2%}   lowest {min(rates):.2%}, highest {max(rates):.2%}")


def null_kinds(
    rng: np.random.Generator, days: pd.DatetimeIndex, columns: int
) -> Iterator[tuple[str, Floats]]:
    shape = (len(days), columns)
    profile = np.array([0.0, 0.05, 0.1, 0.0, -0.1, -0.4, 0.3])[days.day_of_week][:, None]
    time_, noise = np.arange(len(days))[:, None], rng.normal(size=shape)
    wave, walk = np.sin(2 * np.pi * time_ / 365), np.cumsum(rng.normal(size=shape), axis=0)
    closed = days.day_of_week.to_numpy()[:, None] == 5
    yield "log-normal", np.exp(8 + profile + 0.25 * noise)
    yield "trend", np.exp(6 + 0.002 * time_ + profile + 0.2 * noise)
    yield "yearly wave", np.exp(6 + 0.5 * wave + profile + 0.3 * noise)
    yield "random walk", np.exp(6 + 0.02 * walk + profile + 0.2 * noise)
    yield "heavy tails (t, 4)", np.exp(7 + profile + 0.2 * rng.standard_t(4, size=shape))
    yield "skewed (gamma, 2)", np.exp(7 + profile) * rng.gamma(2, 0.5, size=shape)
    for mean in (0.7, 3, 30):
        yield f"Poisson, mean {mean}", rng.poisson(mean * np.exp(profile), shape).astype(float)
    mixed = 20 * np.exp(profile) * rng.gamma(5, 0.2, size=shape)
    yield "negative binomial, mean 20", rng.poisson(mixed).astype(float)
    yield "conversion rate of 800 visitors", rng.binomial(800, 0.03 * np.exp(profile), shape) / 800
    yield "closed on Saturdays", np.where(closed, 0.0, np.exp(8 + profile + 0.25 * noise))


if __name__ == "__main__":
    main()
