"""Lift where nothing happened, and where it was planted: real series, many windows.

500 placebo windows: weeks drawn at random from Online Retail II (daily amount of twelve groups of
products, by the first two digits of the stock code), FreshRetailNet (daily sales by city and
category), and New York taxi rides (by day in six bands of
four hours). The campaign is a window in which nothing was done; the other groups are the
controls. Then the same windows with +10 % and +20 % planted.

Printed: share of windows where an effect is claimed at .05 (bar 6.5 %), windows where interval
and p-value contradict each other (bar 0), share of planted lifts inside the interval (bar 93 to
97 %), power, median width, CPU. Beside it, in the same run, the Python port of CausalImpact where
an interpreter that has one is named (``pip install causalimpact`` or ``pycausalimpact``), on the
first windows of each source.

    python benchmarks/lift_calibration.py [--windows N] [--data DIR] [--peer PYTHON]
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np
import pandas as pd

from ecops_lib.campaigns.lift import LiftPanel, estimate_lift
from ecops_lib.campaigns.lift.panel import Floats

SEED = 20260611
LIFTS = (0.0, 0.1, 0.2)
BAR, COVER = 0.065, (0.93, 0.97)
PEER_WINDOWS = 25


@dataclass(frozen=True, kw_only=True)
class Source:
    """Daily series of one source.

    Attributes:
        name: The source.
        values: Series × days.
        length: Days of a campaign.
        history: Days before it.
    """

    name: str
    values: Floats
    length: int
    history: int


def read_sources(data: Path) -> list[Source]:
    """The three sources as daily series."""
    return [
        Source(name="online_retail_ii", values=_retail(data), length=7, history=120),
        Source(name="freshretailnet", values=_fresh(data), length=7, history=70),
        Source(name="nyc_taxi", values=_taxi(data), length=7, history=90),
    ]


def _retail(data: Path) -> Floats:
    """Amount by day open and group; the second file's first days are in the first file too."""
    columns = ["StockCode", "Quantity", "Price", "InvoiceDate"]
    folder = data / "online_retail_ii"
    early, late = (
        pd.read_parquet(folder / f"year_{years}.parquet", columns=columns)
        for years in ("2009_2010", "2010_2011")
    )
    lines = pd.concat([early, late[late["InvoiceDate"] > early["InvoiceDate"].max()]])
    group = lines["StockCode"].astype(str).str.extract(r"^(\d\d)\d{3}")[0]
    kept = (lines["Quantity"] > 0) & (lines["Price"] > 0) & group.notna()
    lines, group = lines[kept], group[kept]
    amount = lines["Quantity"] * lines["Price"]
    sums = amount.groupby([group, lines["InvoiceDate"].dt.normalize()]).sum()
    grid = sums.unstack(fill_value=0.0)
    return grid.loc[group.value_counts().index[:12]].to_numpy(float)


def _fresh(data: Path) -> Floats:
    """Sales by day of the 48 largest pairs of city and category."""
    columns = ["city_id", "first_category_id", "dt", "sale_amount"]
    file = data / "freshretailnet" / "daily_all_50000_series.parquet"
    frame = pd.read_parquet(file, columns=columns)
    sums = frame.groupby(columns[:3])["sale_amount"].sum().unstack(fill_value=0.0)
    big = sums.mean(axis=1).sort_values(ascending=False).index[:48]
    return sums.loc[sorted(big)].to_numpy(float)


def _taxi(data: Path) -> Floats:
    """Rides by day in each of six bands of four hours."""
    frame = pd.read_parquet(data / "nab" / "series.parquet")
    rides = frame[frame["series"] == "realKnownCause/nyc_taxi"]
    at = pd.to_datetime(rides["timestamp"])
    sums = rides["value"].groupby([at.dt.hour // 4, at.dt.normalize()]).sum()
    return sums.unstack().iloc[:, 1:-1].to_numpy(float)


def windows_of(source: Source, count: int, rng: np.random.Generator) -> Iterator[LiftPanel]:
    """So many windows of a source, with up to five other series as controls."""
    series, days = source.values.shape
    for _ in range(count):
        row = int(rng.integers(series))
        first = int(rng.integers(source.history, days - source.length + 1))
        span = slice(first - source.history, first + source.length)
        near = np.abs(np.arange(series) - row)
        others = np.argsort(near, kind="stable")[1:6]
        yield LiftPanel(
            days=range(source.history + source.length),
            outcome=source.values[row, span],
            controls=source.values[others, span].T,
            names=tuple(f"series {k}" for k in others),
            first=source.history,
            last=source.history + source.length - 1,
            season=7 if source.name != "online_retail_ii" else 6,
        )


def planted(panel: LiftPanel, lift: float) -> tuple[LiftPanel, float]:
    """The panel with a lift in its campaign, and what was added."""
    outcome = panel.outcome.copy()
    added = outcome[panel.first : panel.last + 1] * lift
    outcome[panel.first : panel.last + 1] += added
    return panel.cut(outcome=outcome), float(added.sum())


def measure(source: Source, panels: list[LiftPanel]) -> list[dict[str, object]]:
    """One row a lift."""
    rows = []
    for lift in LIFTS:
        began = time.process_time()
        both = [planted(panel, lift) for panel in panels]
        found = [(estimate_lift(panel), added) for panel, added in both]
        took = time.process_time() - began
        told = [(held, added) for held, added in found if held.credible]
        agree = [((h.low > 0 or h.high < 0) == (h.p_value < h.alpha)) for h, _ in told]
        rows.append(
            {
                "source": source.name,
                "planted": lift,
                "windows": len(found),
                "refused": len(found) - len(told),
                "claimed": np.mean([h.claimed for h, _ in told]),
                "covered": np.mean([h.low <= a <= h.high for h, a in told]),
                "contradict": len(agree) - sum(agree),
                "half width": np.median([(h.high - h.low) / 2 / h.total for h, _ in told]),
                "CPU ms": 1000 * took / len(found),
            }
        )
    return rows


PEER = """
import json, sys, time, warnings
warnings.filterwarnings("ignore")
import numpy as np, pandas as pd
from causalimpact import CausalImpact
for line in sys.stdin:
    held = json.loads(line)
    frame = pd.DataFrame(held["data"])
    first = held["first"]
    began = time.process_time()
    try:
        ci = CausalImpact(frame, [0, first - 1], [first, len(frame) - 1])
        table = ci.summary_data if getattr(ci, "summary_data", None) is not None else None
        if table is None:
            ci.run()
            table = ci.summary_data
        low = float(table.loc["abs_effect_lower", "cumulative"])
        high = float(table.loc["abs_effect_upper", "cumulative"])
        print(json.dumps([low, high, time.process_time() - began]), flush=True)
    except Exception as error:
        print(json.dumps([str(error)]), flush=True)
"""


def ask_peer(python: Path, panels: list[LiftPanel]) -> list[dict[str, object]]:
    """The same windows read by CausalImpact's Python port."""
    rows = []
    for lift in LIFTS:
        both = [planted(panel, lift) for panel in panels]
        asked = []
        for panel, _ in both:
            data = {"y": panel.outcome.tolist()}
            data |= {f"x{k}": panel.controls[:, k].tolist() for k in range(len(panel.names))}
            asked.append(json.dumps({"data": data, "first": panel.first}))
        done = subprocess.run(
            [str(python), "-c", PEER], input="\n".join(asked), capture_output=True, text=True,
            check=True,
        )  # fmt: skip
        said = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("[")]
        told = [(s, a) for s, (_, a) in zip(said, both, strict=True) if len(s) == 3]
        rows.append(
            {
                "source": "CausalImpact's port",
                "planted": lift,
                "windows": len(said),
                "refused": len(said) - len(told),
                "claimed": np.mean([s[0] > 0 or s[1] < 0 for s, _ in told]),
                "covered": np.mean([s[0] <= a <= s[1] for s, a in told]),
                "half width": np.nan,
                "CPU ms": 1000 * float(np.mean([s[2] for s, _ in told])),
            }
        )
    return rows


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--windows", type=int, default=500, help="windows over all sources")
    parser.add_argument("--data", type=Path, default=Path(__file__).parents[2] / "shared" / "data")
    parser.add_argument("--peer", type=Path, help="python of an environment with causalimpact")
    given = parser.parse_args()
    if not given.data.is_dir():
        print(f"{given.data} is absent: no real series to read; name it with --data.")
        return 0
    rng = np.random.default_rng(SEED)
    rows, first = [], []
    for source, share in zip(read_sources(given.data), (0.4, 0.4, 0.2), strict=True):
        panels = list(windows_of(source, round(given.windows * share), rng))
        rows += measure(source, panels)
        first += panels[:PEER_WINDOWS]
    table = pd.DataFrame(rows)
    whole = table.groupby("planted").apply(_pooled, include_groups=False).reset_index()
    if given.peer:
        table = pd.concat([table, pd.DataFrame(ask_peer(given.peer, first))], ignore_index=True)
    print(table.round(3).to_string(index=False, na_rep="-"))
    print("\nall windows that were not refused")
    print(whole.round(4).to_string(index=False))
    null = whole.loc[whole["planted"] == 0].iloc[0]
    lifted = whole.loc[whole["planted"] > 0, "covered"]
    good = {
        f"claims where nothing happened {null['claimed']:.3f} <= {BAR}": null["claimed"] <= BAR,
        f"contradictions {int(whole['contradict'].sum())}": whole["contradict"].sum() == 0,
        f"planted lifts covered {lifted.min():.3f} to {lifted.max():.3f} within {COVER}": bool(
            lifted.between(*COVER).all()
        ),
    }
    for words, kept in good.items():
        print(f"{words:70} {'PASS' if kept else 'MISS'}")
    return int(not all(good.values()))


def _pooled(rows: pd.DataFrame) -> pd.Series:
    told = rows["windows"] - rows["refused"]
    return pd.Series(
        {
            "windows": rows["windows"].sum(),
            "refused": rows["refused"].sum(),
            "claimed": (rows["claimed"] * told).sum() / told.sum(),
            "covered": (rows["covered"] * told).sum() / told.sum(),
            "contradict": rows["contradict"].sum(),
        }
    )


if __name__ == "__main__":
    sys.exit(main())
