"""Peak memory of what is done customer by customer, for 2 million customers.

Each question is asked in a process of its own, from a freshly opened store; the peak is
that of the whole process (bar: 2 GB each).

    python benchmarks/customer_memory.py [FOLDER] [--customers N]
"""

from __future__ import annotations

import argparse
import datetime as dt
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks._big_store import LAST
from benchmarks._customer_store import CUSTOMERS, customer_store
from ecops_lib import customers, open_store
from ecops_lib.customers.lifetime import value_customers
from ecops_lib.data.store import Store

BAR = 2.0
"""Gigabytes (10⁹ bytes) of resident memory."""


def _segment(store: Store) -> object:
    return customers.segment_customers(customers.score_customers(store, as_of=LAST)).to_frame()


def _move(store: Store) -> object:
    tiers = customers.make_tiers(high_value=60)
    start = LAST - dt.timedelta(days=90)
    return customers.trace_moves(store, start=start, end=LAST, tiers=tiers).to_frame()


QUESTIONS: Mapping[str, Callable[[Store], object]] = {
    "score_customers": lambda s: customers.score_customers(s, as_of=LAST).customers(),
    "segment_customers": _segment,
    "trace_moves": _move,
    "value_customers": lambda s: value_customers(s, as_of=LAST, margin=0.4).to_frame(),
    "find_lapsed": lambda s: customers.find_lapsed(s, as_of=LAST).to_frame(),
    "cost_acquisition": lambda s: customers.cost_acquisition(s, as_of=LAST, margin=0.4).to_frame(),
}


def answer(name: str, folder: Path) -> None:
    """Answer one question and print seconds and the peak in gigabytes."""
    began = time.perf_counter()
    QUESTIONS[name](open_store(folder / "store"))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9
    print(time.perf_counter() - began, peak)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument(
        "folder", nargs="?", default=Path(tempfile.gettempdir()) / "ecops_customer_store"
    )
    parser.add_argument("--customers", type=int, default=CUSTOMERS)
    parser.add_argument("--question", choices=list(QUESTIONS), help=argparse.SUPPRESS)
    given: Any = parser.parse_args()
    folder = Path(given.folder)
    if given.question:
        answer(given.question, folder)
        return 0
    customer_store(folder, customers=given.customers)
    over = 0
    for name in QUESTIONS:
        command = [sys.executable, __file__, str(folder), "--question", name]
        said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        seconds, peak = map(float, said.split())
        over += peak > BAR
        print(f"{name:18} {peak:5.2f} GB, {seconds:6.1f} s", flush=True)
    print(f"{given.customers:,} customers; bar {BAR} GB each")
    return over


if __name__ == "__main__":
    sys.exit(main())
