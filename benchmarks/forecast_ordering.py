"""What a shop gets from a forecast: fill rate, stock and cost of ordering by it.

Each rival forecasts at every review with what was known then; the stock is filled up for
lead time and review, to the quantile that a margin of 1 a unit and a holding cost of 0.01 a
unit and day ask for (newsvendor). ecops gives futures and so its own quantile; a single
statsforecast model gives a mean, and its safety is learnt from its errors at earlier
reviews, which is kinder to it than the textbook. Demand is what really came, lost where the
shelf was empty. Shelves of FreshRetailNet-50K in stock in those weeks (daily, lead
time 3, review 7), car parts (monthly, lead time 1, review 1).

    python benchmarks/forecast_ordering.py [FOLDER] [--series N]
"""

from __future__ import annotations

import argparse
import datetime as dt
import sys
import time
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from ecops_lib.supply.backtest import Replay, UnitCosts, replay_orders
from ecops_lib.supply.forecast import forecast_demand
from ecops_lib.supply.panel import Panel

Array = np.ndarray[Any, Any]
Method = Callable[[Panel, int], Any]

DAYS, REPLAYED, FEW_HOURS, OPEN_HOURS = 90, 31, 2, 16


def ecops(past: Panel, horizon: int) -> Any:
    return forecast_demand(past, horizon=horizon)


def model(name: str) -> Method:
    """A single model of statsforecast, series by series."""

    def method(past: Panel, horizon: int) -> Array:
        from statsforecast import models

        made = {
            "AutoETS": lambda: models.AutoETS(season_length=past.season),
            "CrostonSBA": models.CrostonSBA,
            "HistoricAverage": models.HistoricAverage,
            "IMAPA": models.IMAPA,
            "SeasES": lambda: models.SeasonalExponentialSmoothingOptimized(past.season),
        }[name]()
        said = [made.forecast(y=row, h=horizon)["mean"] for row in without_gaps(past)]
        return np.maximum(np.nan_to_num(np.array(said, dtype=float)), 0.0)

    return method


def without_gaps(past: Panel) -> Array:
    """Unknown periods as the mean of the same place in the season, else of the series."""
    filled = past.values.copy()
    for place in range(past.season):
        held = filled[:, place :: past.season]
        mean = np.nanmean(held, axis=1, keepdims=True)
        filled[:, place :: past.season] = np.where(np.isnan(held), mean, held)
    overall = np.nan_to_num(np.nanmean(past.values, axis=1, keepdims=True))
    return np.where(np.isnan(filled), overall, filled)


RIVALS: Mapping[str, tuple[str, ...]] = {
    "shelves": ("SeasES", "AutoETS", "CrostonSBA", "HistoricAverage"),
    "car parts": ("IMAPA", "CrostonSBA", "AutoETS", "HistoricAverage"),
}


def shelves(folder: Path, series: int) -> Panel:
    """Series in stock on every day of the replay, in tenths of their unit, drawn at random.

    Earlier days that were out of stock for more than half of the opening hours are unknown.
    """
    columns = ["sale_amount", "stockout_hours_6_22"]
    file = folder / "freshretailnet" / "daily_all_50000_series.parquet"
    table = pq.read_table(file, columns=columns)
    sold, out = (table[name].to_numpy().reshape(-1, DAYS) for name in columns)
    whole = np.flatnonzero((out[:, -REPLAYED:] <= FEW_HOURS).all(axis=1))
    rows = np.random.default_rng(0).choice(whole, min(series, len(whole)), replace=False)
    return Panel(
        keys=pd.DataFrame(index=range(len(rows))),
        start=dt.date(2024, 3, 28),
        frequency="day",
        values=np.where(out[rows] > OPEN_HOURS / 2, np.nan, np.rint(sold[rows] * 10.0)),
    )


def car_parts(folder: Path, series: int) -> Panel:
    """Parts known in all months and sold in three of the first 39."""
    table = pd.read_parquet(folder / "intermittent_demand" / "carparts.parquet")
    wide = table.pivot_table(index="series", columns="month", values="units", dropna=False)
    wide = wide[wide.notna().all(axis=1)]
    wide = wide[(wide.iloc[:, :39] > 0).sum(axis=1) >= 3].head(series)
    return Panel(
        keys=pd.DataFrame(index=wide.index),
        start=dt.date(1998, 1, 1),
        frequency="month",
        values=wide.to_numpy(dtype=float),
    )


def replay(name: str, panel: Panel, **review: int) -> Replay:
    """All rivals on one panel."""
    a_day = 0.01 * (30 if panel.frequency == "month" else 1)
    costs = UnitCosts(margin=np.ones(len(panel)), holding=np.full(len(panel), a_day))
    methods: dict[str, Method] = {"ecops": ecops, **{rival: model(rival) for rival in RIVALS[name]}}
    return replay_orders(panel, methods=methods, costs=costs, **review)


def show(name: str, found: Replay, seconds: float) -> bool:
    """Print the table; whether the first is the cheapest."""
    print(
        f"\n{name}: {found.series:,} series from {found.start}, service asked for "
        f"{found.service:.1%}, {seconds:.0f} s"
    )
    print(f"{'':18}{'fill rate':>10}{'mean stock':>12}{'lost':>10}{'holding':>10}{'cost':>10}")
    for held in found.ledgers:
        print(
            f"{held.name:18}{held.fill_rate:>10.2%}{held.mean_stock:>12,.0f}"
            f"{held.lost_margin:>10,.0f}{held.holding_cost:>10,.0f}{held.cost:>10,.0f}"
        )
    for finding in found.findings():
        print(finding.text)
    return found.ledgers[0].cost == min(held.cost for held in found.ledgers)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("folder", nargs="?", default=Path(__file__).parents[2] / "shared" / "data")
    parser.add_argument("--series", type=int, default=300)
    given: Any = parser.parse_args()
    folder = Path(given.folder)
    if not folder.exists():
        print(f"{folder} is not here; give the folder of real data.")
        return 0
    warnings.simplefilter("ignore")
    dearer = 0
    for name, panel, review in (
        ("shelves", shelves(folder, given.series), {"lead_time": 3, "review": 7, "reviews": 4}),
        (
            "car parts",
            car_parts(folder, given.series),
            {"lead_time": 1, "review": 1, "reviews": 12},
        ),
    ):
        began = time.perf_counter()
        found = replay(name, panel, **review)
        dearer += not show(name, found, time.perf_counter() - began)
    return dearer


if __name__ == "__main__":
    sys.exit(main())
