"""Customers simulated from the definition of a model, and the frames the library takes."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd

from ecops_lib.customers.lifetime.likelihood import History
from ecops_lib.customers.purchases import Histories

AS_OF = dt.date(2026, 6, 30)


def simulate(
    model: str, params: tuple[float, ...], ages: np.ndarray, rng: np.random.Generator,
    *, later: float = 0.0,
) -> tuple[pd.DataFrame, np.ndarray]:  # fmt: skip
    """Purchase by purchase: x, tx and T in weeks of each customer, and purchases later."""
    n = len(ages)
    rate = rng.gamma(params[0], 1 / params[1], n)
    drop = rng.beta(params[2], params[3], n) if model in ("bg", "mbg") else np.zeros(n)
    gone = np.full(n, np.inf)
    if model == "pareto":
        gone = rng.exponential(1 / rng.gamma(params[2], 1 / params[3], n))
    active = rng.random(n) >= drop if model == "mbg" else np.ones(n, bool)
    time, x, tx, after = np.zeros(n), np.zeros(n), np.zeros(n), np.zeros(n)
    while active.any():
        time = np.where(active, time + rng.exponential(1 / rate), time)
        active &= (time <= ages + later) & (time <= gone)
        before = active & (time <= ages)
        x, tx = x + before, np.where(before, time, tx)
        after += active & (time > ages)
        active &= rng.random(n) >= drop
    return pd.DataFrame({"x": x, "tx": tx, "T": ages, "customers": 1.0}), after


def history(frame: pd.DataFrame) -> History:
    """Customers as arrays in weeks."""
    held = {name: frame[name].to_numpy(float) for name in ("x", "tx", "T", "customers")}
    return History(**held)


def histories(frame: pd.DataFrame) -> Histories:
    """The same in days, as the engine gives them."""
    return Histories(frame=frame.assign(tx=frame["tx"] * 7, T=frame["T"] * 7), as_of=AS_OF)
