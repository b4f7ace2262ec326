"""The daily review's tables on 20 million order lines: ecops against hand-written SQL.

Both sides answer the same questions from the same files, in one process, in turns, each
time from a freshly opened store; the numbers must be equal. Wall and CPU time are the
best of several turns (bar: ecops ≤ 1.2 × SQL); peak memory is taken in a process for
each side alone (bar: < 4 GB).

    python benchmarks/review_tables.py [FOLDER] [--lines N] [--turns N]
"""

from __future__ import annotations

import argparse
import datetime as dt
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks._big_store import LAST, LINES, big_store
from benchmarks._review_sql import Hand
from ecops_lib import open_store
from ecops_lib.data.calendar.compare import comparable_day
from ecops_lib.metrics import measure
from ecops_lib.metrics.funnel import build_funnel
from ecops_lib.metrics.maturity import mature_refunds
from ecops_lib.metrics.panel import kpi_panel
from ecops_lib.metrics.refunds import list_reasons, rate_products

TIME_BAR, MEMORY_BAR = 1.2, 4.0
DAY = LAST - dt.timedelta(days=5)
ENDS = [
    DAY,
    DAY - dt.timedelta(days=1),
    DAY - dt.timedelta(days=7),
    comparable_day(DAY).day,
]
YEAR, QUARTER, MONTH = (DAY - dt.timedelta(days=n) for n in (399, 93, 27))
RIPE = (DAY - dt.timedelta(days=60), DAY - dt.timedelta(days=33))
Answers = dict[str, list[float]]


class Kit:
    """The review's tables through ecops."""

    def __init__(self, path: Path) -> None:
        self.store = open_store(path)

    def panel(self) -> list[float]:
        """The 32 items of the day with their references."""
        held = kpi_panel(self.store, day=DAY).comparison
        compared = {(c.metric.key, c.reference): c for c in held.comparisons}
        keys = (
            "paid_amount", "buyers", "paid_units", "paid_sub_orders", "visitors", "page_views",
            "net_paid_amount", "refund_rate_by_order", "refund_amount_by_refund_day",
            "returning_buyers", "returning_amount", "keyword_ad_cost", "pickup_rate_24h",
            "delivery_hours",
        )  # fmt: skip
        now = [compared[key, "day_before"].value for key in keys]
        return [*now, *(compared[key, "last_year"].against for key in keys[:9])]

    def shop(self) -> list[float]:
        """The shop by day, 400 days."""
        keys = ["paid_amount", "paid_orders", "buyers", "visitors"]
        frame = measure(self.store, keys, start=YEAR, end=DAY, by=("day",)).to_frame()
        return [float(len(frame)), *(float(frame[key].sum()) for key in keys)]

    def products(self) -> list[float]:
        """Products by day, 94 days."""
        keys = ["paid_amount", "paid_sub_orders"]
        frame = measure(self.store, keys, start=QUARTER, end=DAY, by=("day", "product")).to_frame()
        return [float(len(frame)), *(float(frame[key].sum()) for key in keys)]

    def channels(self) -> list[float]:
        """Channels by day, 94 days."""
        keys = ["paid_amount", "paid_orders"]
        frame = measure(self.store, keys, start=QUARTER, end=DAY, by=("day", "channel")).to_frame()
        return [float(len(frame)), *(float(frame[key].sum()) for key in keys)]

    def reasons(self) -> list[float]:
        """Reasons of refund claims, 28 days."""
        held = list_reasons(self.store, start=MONTH, end=DAY)
        return [float(held.claims), float(held.frame["amount"].sum())]

    def rates(self) -> list[float]:
        """Refund rates by product of four ripe weeks."""
        held = rate_products(self.store, start=RIPE[0], end=RIPE[1])
        keys = ("paid_orders", "refunded_orders", "amount")
        return [held.rate, *(float(held.frame[key].sum()) for key in keys)]

    def ripeness(self) -> list[float]:
        """Refunds of unripe payment days."""
        held = mature_refunds(self.store, as_of=DAY)
        return [float(held.days["refunded"].sum())]

    def funnel(self) -> list[float]:
        """The day's funnel."""
        row = build_funnel(self.store, start=DAY, end=DAY).frame.iloc[0]
        return [
            float(row[name]) for name in ("visitors", "cart_visitors", "ordering_buyers", "buyers")
        ]


TABLES = ("panel", "shop", "products", "channels", "reasons", "rates", "ripeness", "funnel")


def answers(side: Kit | Hand) -> Answers:
    return {name: getattr(side, name)() for name in TABLES}


def timed(make: Callable[[], Kit | Hand]) -> tuple[Answers, dict[str, tuple[float, float]]]:
    """The answers of one side, freshly opened, and wall and CPU seconds of each table."""
    wall, cpu = time.perf_counter(), time.process_time()
    side = make()
    found, spent = {}, {"open": (time.perf_counter() - wall, time.process_time() - cpu)}
    for name in TABLES:
        wall, cpu = time.perf_counter(), time.process_time()
        found[name] = getattr(side, name)()
        spent[name] = (time.perf_counter() - wall, time.process_time() - cpu)
    return found, spent


def compare(store: Path, turns: int) -> tuple[float, float]:
    """Run both sides in turns; print a table; the ratios of wall and CPU time."""
    makers: dict[str, Callable[[], Kit | Hand]] = {
        "ecops": lambda: Kit(store),
        "SQL": lambda: Hand(store, ends=ENDS, year=YEAR, quarter=QUARTER, month=MONTH, ripe=RIPE),
    }
    spent: dict[str, list[dict[str, tuple[float, float]]]] = {name: [] for name in makers}
    found = {name: timed(make)[0] for name, make in makers.items()}  # warms the caches
    check(found["ecops"], found["SQL"])
    for _ in range(turns):
        for name, make in makers.items():
            spent[name].append(timed(make)[1])
    print(f"{'table':10} {'ecops wall':>10} {'SQL wall':>9} {'ecops CPU':>10} {'SQL CPU':>9}")
    for table in ("open", *TABLES):
        row = [min(t[table][k] for t in spent[name]) for k in (0, 1) for name in makers]
        print(f"{table:10} {row[0]:10.2f} {row[1]:9.2f} {row[2]:10.2f} {row[3]:9.2f}")
    whole = [
        [min(sum(v[k] for v in turn.values()) for turn in spent[name]) for name in makers]
        for k in (0, 1)
    ]
    wall, cpu = (ours / theirs for ours, theirs in whole)
    print(
        f"{'all':10} {whole[0][0]:10.2f} {whole[0][1]:9.2f} {whole[1][0]:10.2f} {whole[1][1]:9.2f}"
    )
    return wall, cpu


def check(ours: Answers, theirs: Answers) -> None:
    """Both sides must give the same numbers."""
    for name in TABLES:
        pairs = list(zip(ours[name], theirs[name], strict=True))
        wrong = [(a, b) for a, b in pairs if not abs(a - b) <= 1e-9 * max(1.0, abs(b))]
        if wrong:
            sys.exit(f"{name} differs: ecops and SQL give {wrong}")


def peak(folder: Path, side: str, lines: int) -> float:
    """Peak memory in GB of one side in a process of its own."""
    command = [sys.executable, __file__, str(folder), "--lines", str(lines), "--side", side]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return float(done.stdout.split()[-1])


def _own_peak() -> float:
    """Peak memory of this process in GB (``getrusage`` would tell the parent's, if higher)."""
    status = Path("/proc/self/status").read_text("utf-8")
    return int(re.findall(r"VmHWM:\s+(\d+) kB", status)[0]) / 1e6


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument(
        "folder", nargs="?", default=Path(tempfile.gettempdir()) / "ecops_big_store"
    )
    parser.add_argument("--lines", type=int, default=LINES)
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--side", choices=("ecops", "SQL"))
    given: Any = parser.parse_args()
    folder = Path(given.folder)
    big_store(folder, lines=given.lines)
    store = folder / "store"
    if given.side:
        spans: dict[str, Any] = {"year": YEAR, "quarter": QUARTER, "month": MONTH, "ripe": RIPE}
        answers(Kit(store) if given.side == "ecops" else Hand(store, ends=ENDS, **spans))
        print(_own_peak())
        return 0
    wall, cpu = compare(store, given.turns)
    memory = {side: peak(folder, side, given.lines) for side in ("ecops", "SQL")}
    print(f"wall ratio {wall:.2f}, CPU ratio {cpu:.2f} (bar {TIME_BAR})")
    ours, theirs = memory["ecops"], memory["SQL"]
    print(f"peak memory: ecops {ours:.2f} GB, SQL {theirs:.2f} GB (bar {MEMORY_BAR})")
    return int(max(wall, cpu) > TIME_BAR or memory["ecops"] > MEMORY_BAR)


if __name__ == "__main__":
    sys.exit(main())
