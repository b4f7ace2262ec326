"""Purchase models beside lifetimes: figures, CPU of a fit, a million customers, coverage.

lifetimes is tried in an environment of its own (``--peer PYTHON``) on the same arrays;
without one, figures measured once stand in for CDNOW. Every row that has a target ends
in PASS or MISS, and a MISS makes the exit code non-zero.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from ecops_lib.customers.lifetime import check_holdout, fit_histories, fit_spend
from ecops_lib.customers.lifetime.likelihood import ModelName
from ecops_lib.customers.purchases import Histories

Floats = npt.NDArray[np.float64]

GIVEN_SECONDS = {"bg": 0.41, "pareto": 3.2}
"""CPU seconds of lifetimes on CDNOW as measured once."""
MOST_SECONDS, MOST_SHARE, MOST_ERROR, RUNS = 0.05, 1 / 20, 0.74, 500
TRUTH = (0.8, 6.0, 0.8, 2.5)
AS_OF = dt.date(1997, 9, 30)

PEER = """
import json, sys, time, warnings
warnings.simplefilter("ignore")
import numpy as np
from lifetimes import BetaGeoFitter, ParetoNBDFitter
held = np.load(sys.argv[1])
found = {}
for name, kind in (("bg", BetaGeoFitter), ("pareto", ParetoNBDFitter)):
    if name not in sys.argv[2:]:
        continue
    begun = time.process_time()
    fitted = kind(penalizer_coef=0.0).fit(held["x"], held["tx"], held["T"])
    seconds = time.process_time() - begun
    found[name] = {"seconds": seconds, "params": [float(v) for v in fitted.params_]}
print(json.dumps(found))
"""


class Score:
    """Rows with a target, and whether all were met."""

    def __init__(self) -> None:
        self.missed = 0

    def row(self, what: str, text: str, *, held: bool) -> None:
        """Print one row."""
        self.missed += not held
        print(f"{what:44}{text:>48}   {'PASS' if held else 'MISS'}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    default = Path(__file__).parents[2] / "shared" / "data"
    parser.add_argument("--data", type=Path, default=default, help="folder of real data")
    parser.add_argument("--peer", default="", help="a Python that has lifetimes")
    parser.add_argument("--customers", type=int, default=1_000_000)
    given = parser.parse_args()
    score = Score()
    cdnow = given.data / "cdnow"
    if cdnow.exists():
        compare_cdnow(cdnow, given.peer, score)
        hold_out(cdnow, score)
    else:
        print(f"no {cdnow}: give --data; CDNOW is left out")
    compare_many(given.customers, given.peer, score)
    measure_coverage(score)
    return 1 if score.missed else 0


def compare_cdnow(folder: Path, peer: str, score: Score) -> None:
    """CPU of a fit with standard errors, on grouped and on single histories."""
    frame = pd.read_parquet(folder / "cdnow_customers_summary.parquet")
    frame = frame.rename(columns={"frequency": "x", "recency": "tx"})
    arrays = {name: frame[name].to_numpy(float) for name in ("x", "tx", "T")}
    theirs = ask_peer(peer, arrays, ["bg", "pareto"])
    for name in ("bg", "mbg", "pareto"):
        seconds = cpu(lambda name=name: fit_histories(group(arrays), models=(name,)))
        peer_seconds = theirs.get(name, {}).get("seconds", GIVEN_SECONDS.get(name))
        versus = f", lifetimes {peer_seconds:.2f} s = {peer_seconds / seconds:.0f} times" if (
            peer_seconds
        ) else ""  # fmt: skip
        score.row(
            f"CDNOW {name}, CPU of grouping, fit and errors",
            f"{seconds * 1000:.1f} ms{versus}",
            held=seconds <= MOST_SECONDS,
        )
    log = pd.read_parquet(folder / "cdnow_sample.parquet")
    count, mean = repeat_amounts(log)
    seconds = cpu(lambda: fit_spend(count, mean))
    score.row(
        "CDNOW Gamma-Gamma, CPU of a fit",
        f"{seconds * 1000:.1f} ms",
        held=seconds <= MOST_SECONDS,
    )


def repeat_amounts(log: pd.DataFrame) -> tuple[Floats, Floats]:
    """Repeat purchase days and their mean amount up to the end of September 1997."""
    early = log.loc[log["date"] <= pd.Timestamp(AS_OF)]
    days = early.groupby(["sample_id", "date"])["amount"].sum().reset_index()
    first = days.groupby("sample_id")["date"].transform("min")
    again = days.loc[days["date"] > first].groupby("sample_id")["amount"].agg(["size", "mean"])
    return again["size"].to_numpy(float), again["mean"].to_numpy(float)


def hold_out(folder: Path, score: Score) -> None:
    """Weeks 40-78 of CDNOW: 1,882 repeat orders; lifetimes' BG/NBD 1,653, MAE .785."""
    import pyarrow as pa

    log = pd.read_parquet(folder / "cdnow_sample.parquet")
    amounts = pa.array([f"{value:.2f}" for value in log["amount"]])
    noon = (log["date"] + pd.Timedelta(hours=12)).dt.tz_localize("UTC")
    orders = pa.table(
        {
            "platform": ["cdnow"] * len(log),
            "order_id": [str(place) for place in range(len(log))],
            "buyer_key": log["sample_id"].astype(str),
            "paid_at": pa.array(noon),
            "paid_amount": amounts.cast(pa.decimal128(18, 4)),
        }
    )
    held = check_holdout({"orders": orders}, split=AS_OF, end=dt.date(1998, 6, 30), time_zone="UTC")
    low, high = held.total.interval()
    score.row(
        f"weeks 40-78, total ({held.fit.chosen.label if held.fit.chosen else ''})",
        f"{held.total.value:,.0f} ({low:,.0f} to {high:,.0f}), made {held.actual:,}",
        held=held.covered,
    )
    print(f"{'  mean absolute error of the expectation':44}{held.mean_error:48.3f}")
    score.row(
        "  mean absolute error of the median",
        f"{held.median_error:.3f}, lifetimes .785",
        held=held.median_error <= MOST_ERROR,
    )


def compare_many(customers: int, peer: str, score: Score) -> None:
    """BG/NBD of many customers, from single rows to parameters with errors."""
    rng = np.random.default_rng(1)
    arrays = simulate(np.ceil(rng.uniform(60, 540, customers)) / 7, rng)
    seconds = cpu(lambda: fit_histories(group(arrays), models=("bg",)), rounds=3)
    theirs = ask_peer(peer, arrays, ["bg"]).get("bg")
    what = f"{customers:,} customers, BG/NBD, CPU"
    if theirs is None:
        print(f"{what:44}{f'{seconds:.2f} s (no --peer to compare with)':>48}")
        return
    times = theirs["seconds"] / seconds
    score.row(
        what,
        f"{seconds:.2f} s, lifetimes {theirs['seconds']:.1f} s = {times:.0f} times",
        held=seconds <= MOST_SHARE * theirs["seconds"],
    )


def measure_coverage(score: Score) -> None:
    """95 % intervals of four parameters in simulated shops of 2,000 customers."""
    rng, inside = np.random.default_rng(6), []
    for _ in range(RUNS):
        arrays = simulate(rng.uniform(20, 80, 2000), rng)
        (model,) = fit_histories(group(arrays), models=("bg",)).models
        gap = np.log(model.params / np.array(TRUTH))
        inside.append(np.abs(gap) <= 1.96 * np.sqrt(np.diag(model.covariance)))
    shares = np.mean(inside, axis=0)
    score.row(
        f"95 % intervals of r, alpha, a, b in {RUNS} shops",
        ", ".join(f"{share:.1%}" for share in shares),
        held=bool((np.abs(shares - 0.95) <= 0.02).all()),
    )


def simulate(ages: Floats, rng: np.random.Generator) -> dict[str, Floats]:
    """Customers of a BG/NBD world, purchases on whole days; time in weeks."""
    rate = rng.gamma(TRUTH[0], 1 / TRUTH[1], len(ages))
    drop = rng.beta(TRUTH[2], TRUTH[3], len(ages))
    x, tx, moment = np.zeros_like(ages), np.zeros_like(ages), np.zeros_like(ages)
    active = np.arange(len(ages))
    while len(active):
        moment[active] += rng.exponential(1 / rate[active])
        active = active[moment[active] <= ages[active]]
        x[active] += 1
        tx[active] = moment[active]
        active = active[rng.random(len(active)) >= drop[active]]
    if len(ages) > 100_000:  # days, as shops tell them
        tx = np.where(x > 0, np.minimum(np.maximum(np.round(tx * 7), 1) / 7, ages), 0.0)
    return {"x": x, "tx": tx, "T": ages}


def group(arrays: dict[str, Floats]) -> Histories:
    """Single customers as counted histories in days."""
    frame = pd.DataFrame({"x": arrays["x"], "tx": arrays["tx"] * 7, "T": arrays["T"] * 7})
    counted = frame.groupby(["x", "tx", "T"], sort=False).size().rename("customers")
    return Histories(frame=counted.reset_index(), as_of=AS_OF)


def cpu(work: Callable[[], object], *, rounds: int = 7) -> float:
    """Median CPU seconds after one round that warms up."""
    taken = []
    for number in range(rounds + 1):
        begun = time.process_time()
        work()
        if number:
            taken.append(time.process_time() - begun)
    return statistics.median(taken)


def ask_peer(peer: str, arrays: dict[str, Floats], names: list[ModelName]) -> dict[str, dict]:
    """CPU seconds and parameters that lifetimes needs for the same arrays."""
    if not peer:
        return {}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "arrays.npz"
        np.savez(file, **arrays)
        command = [peer, "-c", PEER, str(file), *names]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


if __name__ == "__main__":
    sys.exit(main())
