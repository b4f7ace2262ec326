"""Uplift on Hillstrom's 64,000 customers: does the ranking beat chance, is the promise kept?

The customers are halved anew for every seed; the model, its learner and its promise come
from one half, the judgement from the other. Both are told for each e-mail, as they fall.

    python benchmarks/contact_uplift.py FOLDER [--splits N]

FOLDER holds ``hillstrom/customers.parquet``.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import pandas as pd

from ecops_lib.customers import fit_uplift

FEATURES = ("recency", "history", "mens", "womens", "newbie", "zip_code", "channel")
COST = 0.05
"""Cost of an e-mail where a visit is worth 1."""
ARMS = {"women's": ["Womens E-Mail"], "men's": ["Mens E-Mail"]}
ARMS["either"] = [*ARMS["women's"], *ARMS["men's"]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--splits", type=int, default=20)
    given = parser.parse_args()
    table = pd.read_parquet(given.folder / "hillstrom" / "customers.parquet")
    print(f"{given.splits} splits; visits, a visit worth 1, an e-mail {COST}")
    for name, arms in ARMS.items():
        held = table[table["segment"].isin([*arms, "No E-Mail"])]
        held = held.assign(sent=(held["segment"] != "No E-Mail").astype(int))
        start = time.perf_counter()
        fits = [
            fit_uplift(
                held, outcome="visit", treated="sent", features=FEATURES, cost=COST, rng=seed
            )
            for seed in range(given.splits)
        ]
        seconds = (time.perf_counter() - start) / given.splits
        z = sorted(fit.qini.value / fit.qini.error if fit.qini.error else 0.0 for fit in fits)
        inside = sum(f.realised.low <= f.expected.value <= f.realised.high for f in fits)
        print(
            f"{name:8} Qini above zero {sum(fit.beats_random for fit in fits)}, median z "
            f"{z[len(z) // 2]:.2f}; promise and result agree {sum(fit.agrees for fit in fits)}, "
            f"promise inside the result's interval {inside}, both bars "
            f"{sum(fit.beats_random and fit.agrees for fit in fits)}; {seconds:.2f} s a fit"
        )


if __name__ == "__main__":
    main()
