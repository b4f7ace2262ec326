"""Textbook policies beside stockpyl: the same answers, and CPU for them.

Eight random instances of each policy are solved by both, in processes of their own, in turns,
three times; the middle CPU seconds and the largest relative difference of any figure are
printed (bar: 1e-6). stockpyl (1.0.2) needs an environment of its own:

    python -m venv /some/folder && /some/folder/bin/pip install stockpyl==1.0.2
    python benchmarks/inventory_policies.py /some/folder/bin/python
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from statistics import median
from typing import Any

ROOT = Path(__file__).parents[1]
BAR = 1e-6
COMMON = """
import json, sys, time, warnings
warnings.simplefilter("ignore")
cases = json.loads(sys.stdin.read())
def timed(solvers):
    found = {}
    for name, solve in solvers.items():
        solve(cases[0])  # imports are not counted
        began = time.process_time()
        answers = [flat(solve(case)) for case in cases]
        found[name] = [time.process_time() - began, answers]
    print(json.dumps(found))
def flat(value):
    if hasattr(value, "__iter__"):
        return [number for held in value for number in flat(held)]
    return [float(value)]
"""
OURS = """
from ecops_lib.supply import policies as p
line = lambda c: {k: c[k] for k in
    ("holding_cost", "stockout_cost", "fixed_cost", "demand_mean", "demand_sd", "lead_time")}
few = lambda c: {k: c[k] for k in ("holding_cost", "stockout_cost", "fixed_cost")}
timed({
    "EOQ with backorders": lambda c: p.economic_order_quantity_with_backorders(
        **few(c), demand_rate=c["demand_mean"]),
    "Wagner-Whitin": lambda c: p.wagner_whitin(num_periods=len(c["demand"]),
        holding_cost=c["holding_cost"], fixed_cost=c["fixed_cost"], demand=c["demand"])[:2],
    "(r, Q) EIL": lambda c: p.r_q_eil_approximation(**line(c)),
    "(r, Q) Poisson exact": lambda c: p.r_q_poisson_exact(
        **few(c), demand_mean=c["slow"], lead_time=c["lead_time"]),
    "(s, S) exact": lambda c: p.s_s_exact(**few(c), demand_mean=c["slow"]),
    "(s, S) power approximation": lambda c: p.s_s_power_approximation(
        **few(c), demand_mean=c["demand_mean"], demand_sd=c["demand_sd"]),
    "EOQ with disruptions": lambda c: p.eoq_with_disruptions(**few(c),
        demand_rate=c["demand_mean"], disruption_rate=c["fails"], recovery_rate=c["heals"]),
    "finite horizon": lambda c: p.finite_horizon(num_periods=5, purchase_cost=1.0,
        holding_cost=c["holding_cost"], stockout_cost=c["stockout_cost"], fixed_cost=20.0,
        terminal_holding_cost=c["holding_cost"], terminal_stockout_cost=c["stockout_cost"],
        demand_mean=20.0, demand_sd=4.0, discount_factor=0.95),
})
"""
PEER = """
from stockpyl.eoq import economic_order_quantity_with_backorders
from stockpyl.finite_horizon import finite_horizon_dp
from stockpyl.rq import r_q_eil_approximation, r_q_poisson_exact
from stockpyl.ss import s_s_discrete_exact, s_s_power_approximation
from stockpyl.supply_uncertainty import eoq_with_disruptions
from stockpyl.wagner_whitin import wagner_whitin
def lots(c):
    quantities, cost, *_ = wagner_whitin(
        len(c["demand"]), c["holding_cost"], c["fixed_cost"], c["demand"])
    return quantities[1:], cost
def season(c):
    h, p = c["holding_cost"], c["stockout_cost"]
    s, big, cost, *_ = finite_horizon_dp(5, h, p, h, p, 1.0, 20.0, 20.0, 4.0, discount_factor=0.95)
    return s[1:], big[1:], cost
few = lambda c: (c["holding_cost"], c["stockout_cost"], c["fixed_cost"])
line = lambda c: (*few(c), c["demand_mean"], c["demand_sd"], c["lead_time"])
timed({
    "EOQ with backorders": lambda c: economic_order_quantity_with_backorders(
        c["fixed_cost"], c["holding_cost"], c["stockout_cost"], c["demand_mean"]),
    "Wagner-Whitin": lots,
    "(r, Q) EIL": lambda c: r_q_eil_approximation(*line(c)),
    "(r, Q) Poisson exact": lambda c: r_q_poisson_exact(*few(c), c["slow"], c["lead_time"]),
    "(s, S) exact": lambda c: s_s_discrete_exact(*few(c), True, c["slow"]),
    "(s, S) power approximation": lambda c: s_s_power_approximation(
        *few(c), c["demand_mean"], c["demand_sd"]),
    "EOQ with disruptions": lambda c: eoq_with_disruptions(c["fixed_cost"], c["holding_cost"],
        c["stockout_cost"], c["demand_mean"], c["fails"], c["heals"]),
    "finite horizon": season,
})
"""


def instances(count: int = 8) -> list[dict[str, Any]]:
    """Random items, dear and cheap, fast and slow."""
    import numpy as np

    rng = np.random.default_rng(0)
    found = []
    for _ in range(count):
        holding, mean = float(rng.uniform(0.05, 5)), float(rng.uniform(50, 2000))
        found.append(
            {
                "holding_cost": holding,
                "stockout_cost": holding * float(rng.uniform(5, 40)),
                "fixed_cost": float(rng.uniform(1, 200)),
                "demand_mean": mean,
                "demand_sd": mean * float(rng.uniform(0.05, 0.4)),
                "lead_time": float(rng.uniform(0.05, 3)),
                "slow": float(rng.uniform(1, 25)),
                "demand": rng.integers(0, 300, 12).tolist(),
                "fails": float(rng.uniform(0.1, 3)),
                "heals": float(rng.uniform(3, 20)),
            }
        )
    return found


def solved(python: str, program: str, cases: str) -> dict[str, Any]:
    done = subprocess.run(
        [python, "-c", COMMON + program],
        input=cases, capture_output=True, text=True, check=False, cwd=ROOT,
    )  # fmt: skip
    if done.returncode:
        sys.exit(done.stderr)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def furthest(ours: list[list[float]], theirs: list[list[float]]) -> float:
    pairs = [pair for a, b in zip(ours, theirs, strict=True) for pair in zip(a, b, strict=True)]
    return max(abs(a - b) / max(1.0, abs(b)) for a, b in pairs)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("peer", nargs="?", help="Python with stockpyl")
    given = parser.parse_args()
    if not given.peer:
        print("skipped: give the Python of an environment with stockpyl")
        return 0
    cases = json.dumps(instances())
    runs = [(solved(sys.executable, OURS, cases), solved(given.peer, PEER, cases))
            for _ in range(3)]  # fmt: skip
    worst = 0.0
    print(f"{'policy':28}{'ecops ms':>10}{'stockpyl ms':>13}{'furthest':>12}")
    for name in runs[0][0]:
        ours, theirs = (median(run[side][name][0] for run in runs) for side in (0, 1))
        apart = furthest(runs[0][0][name][1], runs[0][1][name][1])
        worst = max(worst, apart)
        each = 1000 / len(json.loads(cases))
        print(f"{name:28}{ours * each:10.3f}{theirs * each:13.3f}{apart:12.1e}")
    print(f"largest relative difference {worst:.1e} (bar {BAR:.0e})")
    return int(worst > BAR)


if __name__ == "__main__":
    sys.exit(main())
