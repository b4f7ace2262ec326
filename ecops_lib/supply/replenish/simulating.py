"""A proposal against many futures: with the order and without it, before it is placed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ecops_lib.core.checks import require_between
from ecops_lib.supply.panel import Floats
from ecops_lib.supply.replenish.leads import LeadTime
from ecops_lib.supply.replenish.planning import lead_of_lines
from ecops_lib.supply.replenish.positions import ALL
from ecops_lib.supply.replenish.proposal import OrderProposal
from ecops_lib.supply.replenish.quantities import YEAR
from ecops_lib.supply.replenish.sampling import DemandForecast, chunks, daily_sums, days_ahead
from ecops_lib.supply.replenish.simulation import Arm, OrderSimulation

if TYPE_CHECKING:
    import pandas as pd


def simulate_proposal(
    proposal: OrderProposal, forecast: DemandForecast, *, futures: int = 1000, seed: int = 1
) -> OrderSimulation:
    """Try a proposal on many futures: what is sold, lost, held and tied up, with and without.

    Both run on the same futures of demand and the same lead times; demand without stock is
    lost. Open purchase orders come in by their supplier's lead time given how long they are
    out already. Units, margins and holding count until the *next* order would come in; the
    money tied up is followed over the whole forecast, with no later order.

    Args:
        proposal: The proposal.
        forecast: The forecast that it was made from.
        futures: Futures to try.
        seed: Seed of the futures, another than the proposal's own.

    Returns:
        Both runs; absent where the proposal is.

    Raises:
        ParameterError: ``futures`` is out of range.
    """
    require_between(futures, 50, 100_000, name="futures")
    days = days_ahead(forecast)
    arms = {name: _nothing(futures, days) for name in ("with", "without")}
    if proposal.absent():
        return OrderSimulation(proposal=proposal, with_order=arms["with"], without=arms["without"])
    rng = np.random.default_rng(seed)
    lines = proposal.lines.reset_index(drop=True)
    leads = lead_of_lines(lines.assign(lead_days=lines["quoted_days"]), proposal.leads)
    for part in chunks(forecast, len(lines), futures):
        held = lines.iloc[part]
        rows = held["row"].to_numpy(int)
        sums = daily_sums(forecast, forecast.paths(rng, futures, rows=rows))
        demand = np.moveaxis(np.diff(sums, axis=-1), -1, 0).copy()
        coming = _coming(proposal, held, leads[part], (futures, days), rng)
        order = _arrivals(held["quantity"].to_numpy(float), leads[part], (futures, days), rng)
        _run(arms["without"], held, demand, coming, proposal.rules.holding_rate)
        _run(arms["with"], held, demand, coming + order, proposal.rules.holding_rate)
    return OrderSimulation(proposal=proposal, with_order=arms["with"], without=arms["without"])


def _nothing(futures: int, days: int) -> Arm:
    names = ("asked", "sold", "lost_margin", "holding")
    return Arm(**{name: np.zeros(futures) for name in names}, stock=np.zeros((futures, days)))


def _arrivals(
    units: Floats, leads: Sequence[LeadTime], shape: tuple[int, int], rng: np.random.Generator
) -> Floats:
    """Units that come in by day (days, lines, futures); later ones are left out."""
    futures, days = shape
    found = np.zeros((days, len(units), futures))
    for line in np.flatnonzero(units > 0).tolist():
        taken = leads[line].draw(futures, rng)
        seen = np.flatnonzero(taken < days)
        found[taken[seen], line, seen] += units[line]
    return found


def _coming(
    proposal: OrderProposal,
    lines: pd.DataFrame,
    leads: Sequence[LeadTime],
    shape: tuple[int, int],
    rng: np.random.Generator,
) -> Floats:
    """What is on the way already: open orders by their age, other goods as if ordered now."""
    out = proposal.purchases[~proposal.purchases["came"]]
    out = out[out["sku_id"].isin(lines["sku_id"])]
    found = np.zeros((shape[1], len(lines), shape[0]))
    told = np.zeros(len(lines))
    by_sku: dict[Any, list[int]] = {}
    for place, sku in enumerate(lines["sku_id"]):
        by_sku.setdefault(sku, []).append(place)
    houses = lines["warehouse_id"].to_numpy()
    orders = out[["sku_id", "warehouse_id", "taken", "quantity"]].to_numpy(object)
    for sku, house, taken, quantity in orders:
        places = by_sku[sku]
        here = [p for p in places if houses[p] in {house, ALL}]
        place = (here or places)[0]
        days = np.maximum(leads[place].beyond(taken).draw(shape[0], rng) - int(taken), 0)
        seen = np.flatnonzero(days < shape[1])
        found[days[seen], place, seen] += quantity
        told[place] += quantity
    rest = np.maximum(lines["coming"].to_numpy(float) - told, 0.0)
    return found + _arrivals(rest, leads, shape, rng)


def _run(arm: Arm, lines: pd.DataFrame, demand: Floats, coming: Floats, rate: float) -> None:
    """Sell day by day; goods that come in on a day can be sold from the next."""
    cost = lines["unit_cost"].fillna(0.0).to_numpy(float)
    margin = lines["worth"].to_numpy(float)
    until = np.rint(lines["days"].to_numpy(float))
    stock = np.repeat(
        (lines["on_hand"] - lines["reserved"]).to_numpy(float)[:, None], demand.shape[2], axis=1
    )
    for day, asked in enumerate(demand):
        stock += coming[day]
        sold = np.minimum(np.maximum(stock, 0.0), asked)
        stock -= sold
        left = np.maximum(stock, 0.0)
        counted = (day < until).astype(float)
        arm.asked[:] += counted @ asked
        arm.sold[:] += counted @ sold
        arm.lost_margin[:] += (counted * margin) @ (asked - sold)
        arm.holding[:] += (counted * cost) @ left * rate / YEAR
        arm.stock[:, day] += cost @ left
