"""The default forecast beside every single statsforecast model: accuracy, width, CPU.

Same series, same folds: Online Retail II daily (28 days ahead) and weekly (8 weeks), the last
two windows that do not overlap; 2,208 car parts (12 months, once); 2,000 FreshRetailNet series
(7 days, two windows); M4 Weekly where its two files are at hand (``--m4 FOLDER`` with
Weekly-train.csv and Weekly-test.csv). Real data are read from ``../shared/data`` (``--data``).

One set of settings serves all panels; they were chosen on earlier cutoffs (daily: 515 to 683 of
739 days, weekly: 72 and 80 of 104 weeks, car parts: 27 to 35 of 51 months), never on these windows.
Quantiles of the peers are those of their own normal intervals. "in 80 %" of ecops is its
``interval(0.8)``, "q10-q90" the share between the quantiles, ties inside (for peers both are
their 80 % interval). CPU is process time of all threads for fitting and forecasting; what is
compiled was run before. That of ecops holds its backtest and its quantiles too. A model without
intervals counts as nine equal quantiles in the pinball loss, as whoever orders by it would use it.

Run: ``python -m benchmarks forecast_accuracy``, or this file with ``--panels daily weekly``.
Every figure with a target ends in PASS or MISS; a MISS makes the exit code non-zero.
"""

from __future__ import annotations

import argparse
import datetime as dt
import hashlib
import sys
import time
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from ecops_lib.supply.backtest import scores
from ecops_lib.supply.forecast import forecast_demand
from ecops_lib.supply.panel import Frequency, Panel

Floats = npt.NDArray[np.float64]
LEVELS = tuple(round(0.1 * n, 1) for n in range(1, 10))
SERVICE = {"POSTAGE", "MANUAL", "CARRIAGE", "DOTCOM POSTAGE"}
SHA = "df5fa7c739758e5d"
"""Checksum of the daily panel in the reference case."""


@dataclass(frozen=True, kw_only=True)
class Bench:
    """A panel, its folds, and what is to be reached."""

    name: str
    values: Floats
    frequency: Frequency
    horizon: int
    cuts: tuple[int, ...]
    season: int
    cycle: int
    whole: bool = True
    targets: Mapping[str, float] = field(default_factory=dict)


def daily_values(data: Path) -> Floats:
    """237 descriptions sold in at least 98 weeks, closed days 0, the best sold first."""
    first, second = (
        pd.read_parquet(data / "online_retail_ii" / f"year_{years}.parquet")
        for years in ("2009_2010", "2010_2011")
    )
    lines = pd.concat([first[first["InvoiceDate"] < "2010-12-01"], second])
    kept = lines["Quantity"].between(1, 5000) & (lines["Price"] > 0) & lines["Description"].notna()
    lines = lines[kept]
    name = lines["Description"].astype(object).str.strip().str.replace(r"\s+", " ", regex=True)
    lines = lines.assign(name=name.str.upper(), day=lines["InvoiceDate"].dt.normalize())
    weeks = lines.groupby("name")["day"].agg(lambda day: day.dt.to_period("W-SUN").nunique())
    chosen = set(weeks.index[weeks >= 98]) - SERVICE
    wide = lines[lines["name"].isin(chosen)].pivot_table(
        index="name", columns="day", values="Quantity", aggfunc="sum", fill_value=0
    )
    wide = wide.reindex(columns=pd.date_range("2009-12-01", "2011-12-09"), fill_value=0)
    wide = wide.loc[wide.sum(axis=1).sort_values(ascending=False, kind="stable").index]
    found = hashlib.sha256(np.ascontiguousarray(wide.to_numpy(np.int64)).tobytes()).hexdigest()
    if found[:16] != SHA:
        sys.exit(f"the daily panel has the checksum {found[:16]}; the reference case has {SHA}.")
    return wide.to_numpy(np.float64)


def weekly_values(data: Path) -> Floats:
    """104 whole weeks ending on Sunday."""
    return daily_values(data)[:, 6:734].reshape(237, 104, 7).sum(axis=2)


def car_parts(data: Path) -> Floats:
    table = pd.read_parquet(data / "intermittent_demand" / "carparts.parquet")
    wide = table.pivot_table(index="series", columns="month", values="units", dropna=False)
    wide = wide[wide.notna().all(axis=1)]
    return wide[(wide.iloc[:, :39] > 0).sum(axis=1) >= 3].to_numpy(np.float64)


def fresh_values(data: Path) -> Floats:
    """Every 25th of the 50,000 series in order of store and product; sales as they stand."""
    file = data / "freshretailnet" / "daily_all_50000_series.parquet"
    table = pd.read_parquet(file, columns=["store_id", "product_id", "dt", "sale_amount"])
    table = table.sort_values(["store_id", "product_id", "dt"])
    return table["sale_amount"].to_numpy(np.float64).reshape(50_000, 90)[::25]


def benches(data: Path, chosen: list[str]) -> list[Bench]:
    made: dict[str, Callable[[], Bench]] = {
        "daily": lambda: Bench(
            name="Online Retail daily", values=daily_values(data), frequency="day", horizon=28,
            cuts=(683, 711), season=7, cycle=7,
            targets={"RMSSE": 0.605, "MASE": 0.85, "bias %": 5, "CPU ms": 40},
        ),
        "weekly": lambda: Bench(
            name="Online Retail weekly", values=weekly_values(data), frequency="week", horizon=8,
            cuts=(88, 96), season=1, cycle=52,
            targets={"RMSSE": 0.725, "MASE": 0.84, "bias %": 5, "CPU ms": 5},
        ),
        "parts": lambda: Bench(
            name="car parts", values=car_parts(data), frequency="month", horizon=12,
            cuts=(39,), season=1, cycle=12, targets={"RMSSE": 0.655},
        ),
        "fresh": lambda: Bench(
            name="FreshRetailNet", values=fresh_values(data), frequency="day", horizon=7,
            cuts=(76, 83), season=7, cycle=7, whole=False,
        ),
    }  # fmt: skip
    return [made[name]() for name in chosen]


def peers(bench: Bench, slow: bool) -> dict[str, object]:
    """Every single model of the reference table that runs on such a panel."""
    from statsforecast import models as m

    s = bench.cycle
    short = 7 if s == 7 else 1
    found = {
        "SeasonalNaive": m.SeasonalNaive(s),
        "HistoricAverage": m.HistoricAverage(),
        "SESOpt": m.SimpleExponentialSmoothingOptimized(),
        "SeasESOpt": m.SeasonalExponentialSmoothingOptimized(s if s != 52 else 4),
        "SeasonalWindowAverage8": m.SeasonalWindowAverage(season_length=short, window_size=8),
        "CrostonClassic": m.CrostonClassic(),
        "CrostonOptimized": m.CrostonOptimized(),
        "CrostonSBA": m.CrostonSBA(),
        "TSB": m.TSB(0.2, 0.2),
        "ADIDA": m.ADIDA(),
        "IMAPA": m.IMAPA(),
    }
    if slow:
        found |= {
            "AutoETS": m.AutoETS(season_length=short),
            "Theta": m.Theta(season_length=short),
            "DynamicOptimizedTheta": m.DynamicOptimizedTheta(season_length=short),
            "MSTL": m.MSTL(season_length=s),
        }
        if s == 52:
            found["AutoARIMA"] = m.AutoARIMA(season_length=1)
    return found


def forecast_peer(model: object, past: Floats, bench: Bench) -> tuple[Floats, Floats | None]:
    """Mean, and quantiles where the model has intervals."""
    percent = [20, 40, 60, 80]
    means, bands = [], []
    for series in past:
        try:
            said = model.forecast(y=series, h=bench.horizon, level=percent)  # type: ignore[attr-defined]
        except Exception as error:
            if "intervals" not in str(error) and "level" not in str(error):
                raise
            said = model.forecast(y=series, h=bench.horizon)  # type: ignore[attr-defined]
        means.append(np.broadcast_to(said["mean"], bench.horizon))
        if "lo-80" in said:
            below = [said[f"lo-{p}"] for p in percent[::-1]]
            bands.append([*below, said["mean"], *(said[f"hi-{p}"] for p in percent)])
    mean = np.maximum(np.nan_to_num(np.asarray(means)), 0)
    if not bands:
        return mean, None
    return mean, np.maximum(np.nan_to_num(np.asarray(bands).swapaxes(0, 1)), 0)


def panel_of(bench: Bench, cut: int) -> Panel:
    values = bench.values[:, :cut]
    return Panel(
        keys=pd.DataFrame(index=range(len(values))),
        start=dt.date(2010, 1, 4),
        frequency=bench.frequency,
        values=values,
        whole=bench.whole,
    )


@dataclass
class Tally:
    """What one method said on all folds."""

    mase: list[Floats] = field(default_factory=list)
    rmsse: list[Floats] = field(default_factory=list)
    pinball: list[Floats] = field(default_factory=list)
    actual: list[Floats] = field(default_factory=list)
    mean: list[Floats] = field(default_factory=list)
    inside: list[npt.NDArray[np.bool_]] = field(default_factory=list)
    between: list[npt.NDArray[np.bool_]] = field(default_factory=list)
    seconds: float = 0.0

    def add(
        self,
        bench: Bench,
        cut: int,
        mean: Floats,
        quantiles: Floats | None,
        ends: tuple[Floats, Floats] | None,
    ) -> None:
        """One fold."""
        past, actual = bench.values[:, :cut], bench.values[:, cut : cut + bench.horizon]
        scale = scores.absolute_scale(past, season=bench.season)
        self.mase.append(scores.mase(actual, mean, scale=scale))
        self.rmsse.append(scores.rmsse(actual, mean, scale=scores.squared_scale(past)))
        self.actual.append(actual)
        self.mean.append(mean)
        if quantiles is None or ends is None:  # a point is all nine quantiles of itself
            quantiles = np.repeat(mean[None], len(LEVELS), axis=0)
        else:
            self.inside.append((actual >= ends[0]) & (actual <= ends[1]))
            self.between.append((actual >= quantiles[0]) & (actual <= quantiles[-1]))
        self.pinball.append(scores.pinball(actual, quantiles, levels=LEVELS))

    def row(self) -> dict[str, float]:
        """All folds in one row."""
        actual, mean = np.concatenate(self.actual), np.concatenate(self.mean)

        def share(cells: list[npt.NDArray[np.bool_]]) -> float:
            return 100 * float(np.concatenate(cells).mean()) if cells else float("nan")

        return {
            "RMSSE": scores.mean_score(np.concatenate(self.rmsse)),
            "MASE": scores.mean_score(np.concatenate(self.mase)),
            "WAPE %": 100 * scores.wape(actual, mean),
            "bias %": 100 * scores.bias(actual, mean),
            "pinball %": 100 * float(np.concatenate(self.pinball).mean() / actual.mean()),
            "in 80 %": share(self.inside),
            "q10-q90": share(self.between),
            "CPU ms": 1000 * self.seconds / len(actual),
        }


def measure_ours(bench: Bench) -> dict[str, float]:
    tally = Tally()
    for cut in bench.cuts:
        begun = time.process_time()
        found = forecast_demand(panel_of(bench, cut), horizon=bench.horizon)
        tally.seconds += time.process_time() - begun
        places = [found.levels.index(level) for level in LEVELS]
        tally.add(bench, cut, found.mean, found.quantiles[places], found.interval(0.8))
    return tally.row()


def measure_peer(model: object, bench: Bench) -> dict[str, float]:
    tally = Tally()
    forecast_peer(model, bench.values[:2, : bench.cuts[0]], bench)  # compiles
    for cut in bench.cuts:
        begun = time.process_time()
        mean, quantiles = forecast_peer(model, bench.values[:, :cut], bench)
        tally.seconds += time.process_time() - begun
        ends = None if quantiles is None else (quantiles[0], quantiles[-1])
        tally.add(bench, cut, mean, quantiles, ends)
    return tally.row()


def judge(bench: Bench, table: pd.DataFrame) -> int:
    """Say of each target whether it is met; how many are not."""
    ours, rest = table.loc["ecops"], table.drop(index="ecops")
    checks = [
        (name, f"{abs(ours[name]):.3f} <= {most}", abs(ours[name]) <= most)
        for name, most in bench.targets.items()
    ]
    best = rest["pinball %"].min()
    checks.append(
        ("pinball", f"{ours['pinball %']:.2f} < {best:.2f}, the best single model's",
         bool(ours["pinball %"] < best))
    )  # fmt: skip
    checks.append(
        ("in 80 %", f"{ours['in 80 %']:.1f} within 80 ± 3", bool(abs(ours["in 80 %"] - 80) <= 3))
    )
    for name, words, met in checks:
        print(f"  {name:10s} {words:45s} {'PASS' if met else 'MISS'}")
    return sum(not met for _, _, met in checks)


def m4_score(folder: Path) -> None:
    """M4 Weekly, series by series: each has a scale and a length of its own."""
    train = pd.read_csv(folder / "Weekly-train.csv", index_col=0)
    test = pd.read_csv(folder / "Weekly-test.csv", index_col=0).to_numpy(np.float64)
    width = train.shape[1]
    values = np.full(train.shape, np.nan)
    for place, row in enumerate(train.to_numpy(np.float64)):
        told = row[~np.isnan(row)]
        values[place, width - len(told) :] = told
    panel = Panel(
        keys=pd.DataFrame(index=train.index),
        start=dt.date(1968, 1, 1),
        frequency="week",
        values=values,
        whole=False,
    )
    begun = time.process_time()
    found = forecast_demand(panel, horizon=13)
    taken = 1000 * (time.process_time() - begun) / len(panel)
    smape = 100 * scores.mean_score(scores.smape(test, found.mean))
    print(f"\nM4 Weekly: sMAPE {smape:.3f} (target 7.30), {taken:.1f} CPU-ms a series")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path(__file__).parents[2] / "shared" / "data")
    parser.add_argument("--panels", nargs="+", default=["daily", "weekly", "parts", "fresh"])
    parser.add_argument("--fast", action="store_true", help="leave the slow peers out")
    parser.add_argument("--m4", type=Path)
    given = parser.parse_args()
    if not given.data.is_dir():
        print(f"{given.data} is absent: nothing to forecast; name it with --data.")
        return 0
    warnings.simplefilter("ignore")  # the peers warn of their own fits
    missed = 0
    for bench in benches(given.data, given.panels):
        forecast_demand(panel_of(bench, bench.cuts[0]).rows(np.arange(2)), horizon=bench.horizon)
        print(f"\n{bench.name}: {len(bench.values):,} series, {bench.horizon} ahead", flush=True)
        rows = {"ecops": measure_ours(bench)}
        for name, model in peers(bench, slow=not given.fast).items():
            rows[name] = measure_peer(model, bench)
        table = pd.DataFrame.from_dict(rows, orient="index")
        print(table.sort_values("RMSSE").round(3).to_string(na_rep="-"))
        missed += judge(bench, table)
    if given.m4:
        m4_score(given.m4)
    else:
        print("\nM4 Weekly: not at hand; name its folder with --m4.")
    return missed


if __name__ == "__main__":
    sys.exit(main())
