"""How well hidden demand is estimated: FreshRetailNet, stock-outs put on days in stock.

Whole days in stock are taken; the hours that another day of the same series was out of
stock are hidden from them, so that what really would have sold is known. Compared are the
sales as they stand (naive), sales divided by the share of the day's hours or of its usual
demand, and ``estimate_demand``, told which hours were out or, as a store's stock table
tells it, only how many and whether
the day began and ended without stock. Bias and error are in per cent of the
true units of the masked days.

    python benchmarks/demand_censoring.py ../shared/data/freshretailnet
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np
import pandas as pd

from ecops_lib.supply.demand.censoring import estimate_demand
from ecops_lib.supply.demand.stock_days import share_in_stock

FILE = "hourly_stores_mod45.parquet"
MASKED = 0.25
"""Share of the whole days that are hidden."""
BAR = 1 / 3
"""Most of the naive bias that may remain."""


def read_hours(folder: Path) -> tuple[np.ndarray, np.ndarray, int]:
    """Units and stock-outs (series, days, hours), and the first day's weekday."""
    held = pd.read_parquet(folder / FILE)
    held = held.sort_values(["store_id", "product_id", "dt", "hour"])
    days = held["dt"].nunique()
    shape = (-1, days, 24)
    first = pd.Timestamp(held["dt"].min()).weekday()
    sold = held["hourly_sale"].to_numpy(float).reshape(shape)
    return sold, held["hourly_stockout"].to_numpy().reshape(shape) > 0, first


def hide(out: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Hours out of stock with those of other days put on some days that were whole."""
    masked = out.copy()
    for series in range(len(out)):
        whole = np.flatnonzero(~out[series].any(axis=1))
        short = np.flatnonzero(out[series].any(axis=1))
        if not len(short) or len(whole) < 4:
            continue
        chosen = rng.choice(whole, max(int(len(whole) * MASKED), 1), replace=False)
        masked[series, chosen] = out[series, rng.choice(short, len(chosen))]
    return masked


def main() -> int:
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "../shared/data/freshretailnet")
    sold, out, weekday = read_hours(folder)
    masked = hide(out, np.random.default_rng(7))
    target = masked.any(axis=2) & ~out.any(axis=2)
    truth, units = sold.sum(axis=2), np.where(masked, 0, sold).sum(axis=2)
    clock = np.where(masked, 0, sold).sum(axis=(0, 1)) / (~masked).sum(axis=(0, 1))
    exposure = np.clip((~masked * clock / clock.sum()).sum(axis=2), 0, 1)
    began = time.process_time()
    ours = estimate_demand(units, exposure, weekday=weekday).demand
    seconds = time.process_time() - began
    hours = 1 - masked.mean(axis=2)
    counted = share_in_stock(
        24 * (1 - hours), masked[:, :, 0], masked[:, :, -1], clock / clock.sum()
    )
    alone = estimate_demand(units, counted, weekday=weekday).demand
    with np.errstate(divide="ignore", invalid="ignore"):
        ways = {
            "sales as they stand": units,
            "sales by share of hours": np.where(hours > 0, units / hours, 0.0),
            "sales by share of demand": np.where(exposure > 0.02, units / exposure, 0.0),
            "ecops, hours counted": alone,
            "ecops": ours,
        }
    away = 24 - (~masked).sum(axis=2)
    spans = {"all": (1, 24), "1-6 h": (1, 6), "7-12 h": (7, 12), "13-23 h": (13, 23),
             "24 h": (24, 24)}  # fmt: skip
    print(f"{len(sold)} series, {target.sum()} days masked; ecops {seconds:.2f} CPU-s")
    print(f"{'bias % / WAPE %':26s}" + "".join(f"{name:>18s}" for name in spans))
    bias = {}
    for name, told in ways.items():
        cells = []
        for span, (low, high) in spans.items():
            mine = target & (away >= low) & (away <= high)
            total = truth[mine].sum()
            off = 100 * (told[mine].sum() / total - 1)
            bias.setdefault(name, off) if span == "all" else None
            cells.append(f"{off:7.1f} / {100 * np.abs(told - truth)[mine].sum() / total:5.1f}")
        print(f"{name:26s}" + "".join(f"{cell:>18s}" for cell in cells))
    ours_told = max(abs(bias[name]) for name in ("ecops", "ecops, hours counted"))
    met = ours_told <= BAR * abs(bias["sales as they stand"])
    print("bar (a third of the naive bias):", "met" if met else "NOT met")
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
