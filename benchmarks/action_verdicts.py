"""How often is it wrong that something came back, or did not? Verdicts on simulated shops.

One of a shop's products loses half its conversion for seven days, or nothing happens to it; then
somebody sees to it, and it comes back or goes on as it was. Shops differ in products, visitors,
drift of the level and unrest of the rates. A verdict is wrong where it says "not yet" of what came
back, or "came back" of what went on; each should happen in 2.5 of 100 cases at most, by the 95 %
ranges. What is left is right, or "cannot be told".

    python -m benchmarks.action_verdicts [--runs 200]
"""

from __future__ import annotations

import argparse
import datetime as dt
from collections import Counter
from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np
import pandas as pd

from ecops_lib.data.calendar import describe_days
from ecops_lib.diagnosis.actions import KeptAction
from ecops_lib.diagnosis.actions import measuring as m
from ecops_lib.diagnosis.actions.panels import GUARD, Panel

END = dt.date(2026, 9, 20)
DAYS = pd.date_range(end=str(END), periods=400)
CALENDAR = describe_days(DAYS[0].date(), END)
TROUBLE = 7


@dataclass(frozen=True, kw_only=True)
class World:
    """A kind of shop."""

    products: int
    visitors: int
    drift: float
    unrest: float


WORLDS = (
    World(products=20, visitors=800, drift=0.01, unrest=0.02),
    World(products=20, visitors=800, drift=0.01, unrest=0.1),
    World(products=20, visitors=150, drift=0.0, unrest=0.0),
    World(products=3, visitors=300, drift=0.02, unrest=0.05),
    World(products=1, visitors=3000, drift=0.01, unrest=0.02),
)
CASES = {
    "lost half, came back": (0.5, 1.0),
    "lost half, goes on": (0.5, 0.5),
    "nothing happened": (1.0, 1.0),
}


def main() -> None:
    """Print the share of each verdict, by shop, case and days since."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=200, help="simulated shops a line")
    runs = parser.parse_args().runs
    for world in WORLDS:
        print(world)
        for name, (during, after) in CASES.items():
            for days in (4, 13):
                rng = np.random.default_rng(1)
                told = Counter(_verdict(rng, world, during, after, days) for _ in range(runs))
                shares = ", ".join(f"{word} {n / runs:.1%}" for word, n in sorted(told.items()))
                print(f"  {name:20} {days:2} days since: {shares}")


def _verdict(rng: np.random.Generator, world: World, during: float, after: float, days: int) -> str:
    """The verdict on the first product of one simulated shop."""
    panel, done = _shop(rng, world, during, after, days)
    first = (done.since or done.opened_on) - GUARD * m.DAY
    shop = SimpleNamespace(calendar=CALENDAR)
    path = m._level(shop, panel, first=first, until=END)  # type: ignore[arg-type]
    try:
        split = m._split(panel.counts[0], done, done.closed_on or END, path.ordinary)
    except m.UntoldError as reason:
        return reason.why
    windows = [m._window(panel, path, split.before, w, 0) for w in (split.after, split.trouble)]
    return m._verdict(done, "", windows[0], windows[1], 1.0).verdict


def _shop(
    rng: np.random.Generator, world: World, during: float, after: float, days: int
) -> tuple[Panel, KeptAction]:
    size, closed = (len(DAYS), world.products), len(DAYS) - 1 - days
    level = 0.05 * np.exp(np.cumsum(rng.normal(0, world.drift, size[0])))
    level *= np.exp(rng.normal(0, 0.03, size[0])) * np.where(DAYS.dayofweek >= 5, 1.15, 1.0)
    rate = level[:, None] * rng.uniform(0.6, 1.4, size[1])
    if world.unrest:
        rate = rate * rng.gamma(1 / world.unrest, world.unrest, size)
    rate[closed - TROUBLE + 1 : closed + 1, 0] *= during
    rate[closed + 1 :, 0] *= after
    visitors = rng.poisson(world.visitors, size)
    buyers = rng.binomial(visitors, np.minimum(rate, 0.9))
    conversion = pd.Series(buyers.sum(axis=1) / visitors.sum(axis=1), index=DAYS)
    counts, exposure = (
        pd.DataFrame(cells[-63:].astype(float), index=DAYS[-63:]) for cells in (buyers, visitors)
    )
    done = KeptAction(
        key="conversion_drop/0",
        status="done",
        metric="conversion_rate",
        slice="product_id=0",
        since=DAYS[closed - TROUBLE + 1].date(),
        opened_on=DAYS[closed - TROUBLE + 3].date(),
        closed_on=DAYS[closed].date(),
    )
    panel = Panel(counts=counts, exposure=exposure, level=conversion, amounts=counts)
    return panel, done


if __name__ == "__main__":
    main()
