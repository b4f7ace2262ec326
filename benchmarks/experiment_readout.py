"""A test of 50 million exposures to the input of ten metrics: ecops, SQL and tea-tasting.

One store, one run. All sides read the same table; the numbers must be equal.

* *sums*: counts, means and (co)variances by variant, of ten metrics with two covariates;
  the table has one row a unit. ecops, hand-written DuckDB SQL, tea-tasting.
* *cells*: the same by variant, local day and segment. ecops and SQL.
* *log*: from the exposures as they are logged, with the rules of who counts (first
  exposure, units in two variants, programmes), to the cells. ecops and SQL.

tea-tasting runs in an environment of its own, whose Python is named by ``--tea``; without
it the table says so. Wall and CPU time are the best of several turns; peak memory is taken
in a process for each side alone.

    python benchmarks/experiment_readout.py [FOLDER] [--rows N] [--turns N] [--tea PYTHON]
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import math
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks._exposure_store import DAYS, EXPERIMENT, FIRST, exposure_store
from ecops_lib import open_store
from ecops_lib.experiments.experiment import Experiment
from ecops_lib.experiments.facts import Facts, collect_facts, needed_pairs
from ecops_lib.experiments.moments import Moments
from ecops_lib.experiments.outcomes import COVARIATES, METRICS
from ecops_lib.experiments.plan import make_plan

ROWS = 50_000_000
SQL_BAR, TEA_BAR, MEMORY_BAR = 1.3, 1.0, 4.0
AGREED = {"control": "old", "shares": {"old": 0.5, "new": 0.5}, "secondary": list(METRICS)}
PLAN = make_plan(EXPERIMENT, AGREED)
LAST = FIRST + dt.timedelta(days=DAYS)
OUTCOMES = (
    "converted", "carted", "visits", "orders", "items",
    "paid_amount", "refund_amount", "refunded_orders", "net_paid_amount",
)  # fmt: skip
COLUMNS = (*OUTCOMES, *COVARIATES)
PAIRS = needed_pairs(METRICS.values(), covariates=tuple(COVARIATES))
SIDES = {
    "sums": ("ecops", "SQL", "tea-tasting"),
    "cells": ("ecops", "SQL"),
    "log": ("ecops", "SQL"),
}
Answer = dict[str, Moments]


def values() -> str:
    """Every column as a number, for SQL."""
    own = {name: name for name in COLUMNS} | {"net_paid_amount": "paid_amount - refund_amount"}
    return ", ".join(f"CAST({sql} AS DOUBLE) AS {name}" for name, sql in own.items())


class Kit:
    """The numbers through ecops."""

    def __init__(self, store: Path) -> None:
        self.store = open_store(store)

    def _table(self) -> Any:
        return self.store.scan("experiments").project(f"variant, {values()}")

    def sums(self) -> Answer:
        """By variant, of a table of one row a unit."""
        facts = collect_facts(self._table(), plan=PLAN, columns=COLUMNS, by=(), pairs=PAIRS)
        return by_variant(facts)

    def cells(self) -> Answer:
        """By variant, day and segment, of a table of one row a unit."""
        day = "CAST(make_timestamp(epoch_us(exposed_at) + 28800000000) AS DATE) AS day"
        rows = self.store.scan("experiments").project(f"variant, {day}, segment, {values()}")
        return by_variant(collect_facts(rows, plan=PLAN, columns=COLUMNS, pairs=PAIRS))

    def log(self) -> Answer:
        """From the log, with all its rules."""
        return by_variant(Experiment(self.store, day=LAST, plan=PLAN).facts)


def by_variant(facts: Facts) -> Answer:
    return {name: facts.variant(name) for name in PLAN.variants}


class Hand:
    """The numbers by SQL written by hand."""

    def __init__(self, store: Path) -> None:
        opened = open_store(store)
        self.connection = opened.connection
        opened.scan("experiments").create_view("log")

    def _ask(self, rows: str, keys: str) -> Answer:
        pairs = dict.fromkeys([*((name, name) for name in COLUMNS), *PAIRS])
        sums = [f"sum({name})" for name in COLUMNS] + [f"sum({a} * {b})" for a, b in pairs]
        query = f"SELECT variant, count(*), {', '.join(sums)} FROM ({rows}) GROUP BY variant{keys}"
        found: Answer = {}
        for variant, n, *told in self.connection.execute(query).fetchall():
            moments = moments_of(n, told, list(pairs))
            found[variant] = found[variant] + moments if variant in found else moments
        return found

    def sums(self) -> Answer:
        """By variant."""
        return self._ask(f"SELECT variant, {values()} FROM log", "")

    def cells(self) -> Answer:
        """By variant, day and segment."""
        day = "CAST(make_timestamp(epoch_us(exposed_at) + 28800000000) AS DATE) AS day"
        return self._ask(f"SELECT variant, {day}, segment, {values()} FROM log", ", day, segment")

    def log(self) -> Answer:
        """First exposures of units in one variant that are no programmes."""
        flags = ", ".join(f"max({name}) AS {name}" for name in OUTCOMES[:2])
        sums = ", ".join(f"sum({name}) AS {name}" for name in OUTCOMES[2:])
        known = ", ".join(f"max({name}) AS {name}" for name in COVARIATES)
        units = f"""
            SELECT min(variant) AS variant, arg_min(segment, exposed_at) AS segment,
                CAST(make_timestamp(epoch_us(min(exposed_at)) + 28800000000) AS DATE) AS day,
                {flags}, {sums}, {known}
            FROM (SELECT unit_key, variant, segment, exposed_at, {values()} FROM log
                WHERE experiment_id = '{EXPERIMENT}' AND variant IN ('old', 'new'))
            GROUP BY unit_key HAVING min(variant) = max(variant) AND count(*) <= 100
        """
        return self._ask(units, ", day, segment")


def moments_of(n: int, told: list[float], pairs: list[tuple[str, str]]) -> Moments:
    import numpy as np

    products = np.full((len(COLUMNS), len(COLUMNS)), np.nan)
    for (a, b), value in zip(pairs, told[len(COLUMNS) :], strict=True):
        row, column = COLUMNS.index(a), COLUMNS.index(b)
        products[row, column] = products[column, row] = value
    return Moments.of_sums(COLUMNS, n, told[: len(COLUMNS)], products)


TEA = """
import json, re, sys, time
from importlib.metadata import version
try:
    import duckdb, ibis
    from tea_tasting.aggr import read_aggregates
except ImportError as error:
    sys.exit(f"absent: {error}")
files, values, columns, pairs, turns = json.loads(sys.stdin.read())
connection = ibis.duckdb.connect()
connection.raw_sql("SET memory_limit = '2GB'")
table = connection.sql(f"SELECT variant, {values} FROM read_parquet({files!r})")
best = [float("inf"), float("inf")]
for _ in range(turns):
    wall, cpu = time.perf_counter(), time.process_time()
    held = read_aggregates(table, group_col="variant", has_count=True, mean_cols=columns,
        var_cols=columns, cov_cols=[tuple(pair) for pair in pairs])
    spent = time.perf_counter() - wall, time.process_time() - cpu
    best = [min(pair) for pair in zip(best, spent)]
peak = int(re.findall(r"VmHWM:\\s+(\\d+) kB", open("/proc/self/status").read())[0]) / 1e6
answer = {str(name): {"n": a.count(), "mean": [a.mean(c) for c in columns],
    "var": [a.var(c) for c in columns], "cov": [a.cov(*pair) for pair in pairs]}
    for name, a in held.items()}
told = {"spent": best, "peak": peak, "answer": answer, "version": version("tea-tasting")}
print(json.dumps(told))
"""


def ask_tea(python: str, store: Path, turns: int) -> dict[str, Any] | None:
    """tea-tasting's aggregates of the same files; None where it is not installed."""
    files = [str(path) for path in sorted((store / "tables" / "experiments").rglob("*.parquet"))]
    given = json.dumps([files, values(), COLUMNS, PAIRS, turns])
    try:
        done = subprocess.run(
            [python, "-c", TEA], input=given, capture_output=True, text=True, check=False
        )
    except OSError as error:
        print(f"tea-tasting is absent ({error})")
        return None
    if done.returncode:
        print(f"tea-tasting did not run: {done.stderr.strip().splitlines()[-1]}")
        return None
    return json.loads(done.stdout.splitlines()[-1])


def check(name: str, ours: Answer, theirs: Answer) -> None:
    """Both sides must give the same numbers."""
    if set(ours) != set(theirs):
        sys.exit(f"{name}: variants differ: {sorted(ours)}, {sorted(theirs)}")
    for variant, mine in ours.items():
        other = theirs[variant]
        pairs = [(name, name) for name in COLUMNS] + list(PAIRS)
        told = [(float(mine.n), float(other.n))]
        told += [(mine.average(c), other.average(c)) for c in COLUMNS]
        told += [(mine.covariance(*pair), other.covariance(*pair)) for pair in pairs]
        wrong = [(a, b) for a, b in told if not math.isclose(a, b, rel_tol=1e-8, abs_tol=1e-10)]
        if wrong:
            sys.exit(f"{name} of {variant!r} differ: {wrong}")


def check_tea(ours: Answer, theirs: dict[str, Any]) -> None:
    """tea-tasting's figures must be the same too."""
    for variant, mine in ours.items():
        other = theirs[variant]
        told = [(float(mine.n), float(other["n"]))]
        told += list(zip(map(mine.average, COLUMNS), other["mean"], strict=True))
        told += list(zip(map(mine.variance, COLUMNS), other["var"], strict=True))
        told += list(zip([mine.covariance(*pair) for pair in PAIRS], other["cov"], strict=True))
        wrong = [(a, b) for a, b in told if not math.isclose(a, b, rel_tol=1e-6, abs_tol=1e-9)]
        if wrong:
            sys.exit(f"tea-tasting's figures of {variant!r} differ: {wrong}")


def run(side: str, question: str, store: Path, turns: int) -> tuple[Answer, tuple[float, float]]:
    """The answer of one side, freshly opened each turn, and its best wall and CPU seconds."""
    best = (math.inf, math.inf)
    answer: Answer = {}
    for _ in range(turns):
        wall, cpu = time.perf_counter(), time.process_time()
        answer = getattr((Kit if side == "ecops" else Hand)(store), question)()
        spent = time.perf_counter() - wall, time.process_time() - cpu
        best = (min(best[0], spent[0]), min(best[1], spent[1]))
    return answer, best


def measured(side: str, question: str, store: Path, turns: int) -> dict[str, Any]:
    """One side's answer, time and peak memory, in a process of its own."""
    import pickle

    file = Path(tempfile.mkstemp(suffix=".pickle")[1])
    command = [sys.executable, __file__, str(store.parent), "--turns", str(turns)]
    try:
        subprocess.run(
            [*command, "--side", side, "--question", question, "--into", str(file)], check=True
        )
        held: dict[str, Any] = pickle.loads(file.read_bytes())
    finally:
        file.unlink()
    return held


def own_run(given: Any) -> int:
    """What ``measured`` starts."""
    import pickle

    answer, spent = run(given.side, given.question, Path(given.folder) / "store", given.turns)
    status = Path("/proc/self/status").read_text("utf-8")
    peak = int(re.findall(r"VmHWM:\s+(\d+) kB", status)[0]) / 1e6
    Path(given.into).write_bytes(pickle.dumps({"answer": answer, "spent": spent, "peak": peak}))
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument(
        "folder", nargs="?", default=Path(tempfile.gettempdir()) / "ecops_exposures"
    )
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--turns", type=int, default=2)
    parser.add_argument("--tea", default=sys.executable, help="Python that has tea-tasting")
    parser.add_argument("--side", choices=("ecops", "SQL"))
    parser.add_argument("--question", choices=tuple(SIDES))
    parser.add_argument("--into")
    given: Any = parser.parse_args()
    if given.side:
        return own_run(given)
    folder = Path(given.folder)
    exposure_store(folder, rows=given.rows)
    return compare(folder / "store", given)


def compare(store: Path, given: Any) -> int:
    """Print the table; 1 where a bar is missed."""
    print(f"{given.rows:,} exposures, {len(METRICS)} metrics, {len(COVARIATES)} covariates")
    print(f"{'':6} {'side':12} {'wall s':>8} {'CPU s':>8} {'peak GB':>8} {'ecops ÷ it (CPU)':>17}")
    missed = False
    for question in SIDES:
        held = {side: measured(side, question, store, given.turns) for side in ("ecops", "SQL")}
        check(question, held["ecops"]["answer"], held["SQL"]["answer"])
        tea = ask_tea(given.tea, store, given.turns) if question == "sums" else None
        if tea:
            check_tea(held["ecops"]["answer"], tea["answer"])
            held[f"tea {tea['version']}"] = tea
        ours = held["ecops"]
        for side, found in held.items():
            wall, cpu = found["spent"]
            ratio = ours["spent"][1] / cpu
            bar = SQL_BAR if side == "SQL" else TEA_BAR if side != "ecops" else math.inf
            missed |= ratio > bar
            print(
                f"{question:6} {side:12} {wall:8.2f} {cpu:8.2f} {found['peak']:8.2f} {ratio:17.2f}"
            )
        missed |= ours["peak"] > MEMORY_BAR
    print(f"bars: {SQL_BAR} × SQL, {TEA_BAR} × tea-tasting, {MEMORY_BAR} GB; answers are equal")
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
