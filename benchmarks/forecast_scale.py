"""50,000 series of 90 days forecast and replenished on two cores: minutes and gigabytes.

The shelves of FreshRetailNet-50K (50,000 store × product series, daily; the days on which
more than half of the opening hours were out of stock count as unknown; amounts in tenths, so
that units are whole). Each part of 2,000 series is forecast 14 days ahead and has its orders
proposed (1,000 futures a series, a lead time of 3 days, a review every 7) in one of two
processes with one thread each; memory is the sum over all processes, looked at five times a
second. Bars: 15 minutes and 6 GB (10⁹ bytes) for all.

    python benchmarks/forecast_scale.py [FILE] [--series N] [--workers N]
"""

from __future__ import annotations

import argparse
import datetime as dt
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np
import pandas as pd
import psutil
import pyarrow as pa
import pyarrow.parquet as pq
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

from ecops_lib.supply.forecast import forecast_demand
from ecops_lib.supply.forecast.spread import SIZE, work_on_parts
from ecops_lib.supply.panel import Panel
from ecops_lib.supply.replenish import OrderRules, propose_orders

FILE = "shared/data/freshretailnet/daily_all_50000_series.parquet"
HORIZON, LEAD, REVIEW = 14, 3.0, 7
DAYS, OPEN_HOURS = 90, 16
MINUTES, GIGABYTES = 15.0, 6.0


@dataclass(frozen=True)
class PartTold:
    """What came of one part: units, lines to order, and the seconds that each step took."""

    series: int
    expected: float
    to_order: float
    lines: int
    forecasting: float
    ordering: float


def read_shelves(file: Path, series: int) -> Panel:
    """The first series of the file as one panel."""
    columns = ["store_id", "product_id", "dt", "sale_amount", "stockout_hours_6_22"]
    table = pq.read_table(file, columns=[*columns, "discount"]).slice(0, series * DAYS)
    held = {name: table[name].to_numpy().reshape(-1, DAYS) for name in (*columns, "discount")}
    if not (held["product_id"] == held["product_id"][:, :1]).all():
        sys.exit(f"{file} is not sorted by series and day; this benchmark reads it so.")
    out = held["stockout_hours_6_22"] > OPEN_HOURS / 2
    ids = [
        f"{s}-{p}" for s, p in zip(held["store_id"][:, 0], held["product_id"][:, 0], strict=True)
    ]
    return Panel(
        keys=pd.DataFrame({"sku_id": ids, "product_id": ids}, index=ids),
        start=dt.date.fromisoformat(str(held["dt"][0, 0])[:10]),
        frequency="day",
        values=np.where(out, np.nan, np.rint(held["sale_amount"] * 10.0)),
        drivers={"discount": held["discount"].astype(float)},
    )


def forecast_and_order(part: Panel, rules: OrderRules) -> PartTold:
    """Forecast a part, and propose its orders from the futures and a stock of 0 to 21 days."""
    began = time.process_time()
    forecast = forecast_demand(part, horizon=HORIZON)
    forecast_done = time.process_time()
    as_of = forecast.start - dt.timedelta(days=1)
    days_held = np.random.default_rng(len(part)).uniform(0, 21, len(part))
    on_hand = np.rint(np.nan_to_num(forecast.mean.mean(axis=1)) * days_held).astype(np.int64)
    stock = pa.table(
        {
            "day": pa.array([as_of] * len(part), pa.date32()),
            "warehouse_id": ["*"] * len(part),
            "sku_id": part.keys["sku_id"].tolist(),
            "product_id": part.keys["product_id"].tolist(),
            "on_hand": on_hand,
            "reserved": np.zeros(len(part), np.int64),
            "in_transit": np.zeros(len(part), np.int64),
        }
    )
    orders: Any = propose_orders(
        {"inventory": stock}, as_of=as_of, forecast=forecast, service=0.95, rules=rules,
        time_zone="Asia/Shanghai",
    )  # fmt: skip
    lines = orders.lines
    return PartTold(
        series=len(part),
        expected=float(np.nansum(forecast.mean)),
        to_order=float(lines["quantity"].sum()),
        lines=int((lines["quantity"] > 0).sum()),
        forecasting=forecast_done - began,
        ordering=time.process_time() - forecast_done,
    )


@dataclass
class Memory:
    """Most resident memory seen of this process and all that it started [10⁹ bytes]."""

    peak: float = 0.0
    over: threading.Event = field(default_factory=threading.Event)

    def watch(self) -> None:
        """Look until told that it is over."""
        mine = psutil.Process()
        while not self.over.wait(0.2):
            held = 0
            for process in (mine, *mine.children(recursive=True)):
                try:
                    held += process.memory_info().rss
                except psutil.NoSuchProcess:
                    continue
            self.peak = max(self.peak, held / 1e9)


@contextmanager
def watched() -> Iterator[Memory]:
    memory = Memory()
    thread = threading.Thread(target=memory.watch, daemon=True)
    thread.start()
    try:
        yield memory
    finally:
        memory.over.set()
        thread.join()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("file", nargs="?", default=Path(__file__).parents[2] / FILE)
    parser.add_argument("--series", type=int, default=50_000)
    parser.add_argument("--workers", type=int, default=2)
    given: Any = parser.parse_args()
    if not Path(given.file).exists():
        print(f"{given.file} is not here; give the path of FreshRetailNet's daily file.")
        return 0
    began = time.perf_counter()
    bar = Progress("{task.description}", BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with watched() as memory, bar:
        panel = read_shelves(Path(given.file), given.series)
        task = bar.add_task("parts forecast and ordered", total=None)
        work = partial(forecast_and_order, rules=OrderRules(review_days=REVIEW, lead_days=LEAD))
        told = work_on_parts(
            panel, work, size=SIZE, workers=given.workers,
            tell=lambda done, count: bar.update(task, completed=done, total=count),
        )  # fmt: skip
    return report(panel, told, (time.perf_counter() - began) / 60, memory.peak)


def report(panel: Panel, told: list[PartTold], minutes: float, peak: float) -> int:
    series = sum(part.series for part in told)
    forecasting, ordering = (
        sum(getattr(part, step) for part in told) for step in ("forecasting", "ordering")
    )
    print(
        f"{series:,} series × {panel.periods} days: {minutes:.1f} minutes, peak {peak:.2f} GB "
        f"(bars {MINUTES:g} and {GIGABYTES:g})\n"
        f"CPU a series: forecast {1000 * forecasting / series:.1f} ms, "
        f"orders {1000 * ordering / series:.1f} ms\n"
        f"expected {sum(part.expected for part in told):,.0f} units in {HORIZON} days; "
        f"{sum(part.lines for part in told):,} lines to order, "
        f"{sum(part.to_order for part in told):,.0f} units"
    )
    return int(minutes > MINUTES or peak > GIGABYTES)


if __name__ == "__main__":
    sys.exit(main())
