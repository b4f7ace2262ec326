"""Safety stock over a supply tree: guaranteed service times of each stage.

Every stage promises its customers a service time that it always keeps as long as demand
stays within a bound of z σ √τ over τ periods; what it needs for that is held as stock.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ecops_lib.core.errors import ParameterError
from ecops_lib.supply.panel import Floats
from ecops_lib.supply.policies.checks import require_no_less, require_whole

Name = Hashable


@dataclass(frozen=True, kw_only=True)
class Stage:
    """One stage of a supply tree.

    Attributes:
        processing_time: Whole periods that the stage takes once its inputs are there. [T]
        holding_cost: Cost of holding a unit for a period. [h]
        demand_sd: Standard deviation of the demand of a period that comes from outside. [σ]
        demand_bound: Standard deviations of demand to be covered. [z]
        inbound: Periods that supplies from outside the tree take. [SI]
        outbound: Longest service time that customers accept; None for any. [S]
    """

    processing_time: int
    holding_cost: float
    demand_sd: float = 0.0
    demand_bound: float = 1.0
    inbound: int = 0
    outbound: int | None = None

    def __post_init__(self) -> None:
        times = {"processing_time": self.processing_time, "inbound": self.inbound}
        if self.outbound is not None:
            times["outbound"] = self.outbound
        require_whole(**times)
        require_no_less(0, holding_cost=self.holding_cost, demand_sd=self.demand_sd, **times)


class ServiceTimes(NamedTuple):
    """What each stage promises.

    Attributes:
        committed: Service time that each stage promises its customers. [S]
        cost: Cost of all safety stocks per period.
    """

    committed: dict[Name, int]
    cost: float


def place_safety_stock(
    *, stages: Mapping[Name, Stage], links: Sequence[tuple[Name, Name]]
) -> ServiceTimes:
    """The service times that need the cheapest safety stocks.

    Args:
        stages: Each stage by its name.
        links: Pairs of names, supplier and customer; without directions they form a tree.

    Raises:
        ParameterError: A link names no stage, or the links form no tree.

    References:
        Graves & Willems (2000), Manufacturing & Service Operations Management 2(1), 68-83;
        Snyder & Shen section 6.3.6.

    >>> stages = {1: Stage(processing_time=2, holding_cost=1, inbound=1),
    ...           3: Stage(processing_time=1, holding_cost=2),
    ...           2: Stage(processing_time=1, holding_cost=3, demand_sd=1, outbound=0),
    ...           4: Stage(processing_time=1, holding_cost=3, demand_sd=1, outbound=1)}
    >>> place_safety_stock(stages=stages, links=[(1, 3), (3, 2), (3, 4)])
    ServiceTimes(committed={1: 0, 3: 0, 2: 0, 4: 1}, cost=8.277916867529369)
    """
    order = _walk(stages, links)
    variance = _pooled(stages, links)
    size = 1 + sum(s.processing_time + s.inbound for s in stages.values())
    tables = {
        name: _own_cost(stage, math.sqrt(variance[name]), size) for name, stage in stages.items()
    }
    for name, parent, upstream in reversed(order[1:]):
        message = _message(tables[name], upstream=upstream)
        tables[parent] += message[:, None] if upstream else message[None, :]
    cost = float(tables[order[0][0]].min())
    if not math.isfinite(cost):
        raise ParameterError("no service times keep what the stages' customers ask for.")
    return ServiceTimes(_chosen(tables, order, stages), cost)


def _walk(
    stages: Mapping[Name, Stage], links: Sequence[tuple[Name, Name]]
) -> list[tuple[Name, Name, bool]]:
    """Each stage after its parent; whether it supplies the parent."""
    near: dict[Name, list[tuple[Name, bool]]] = {name: [] for name in stages}
    for supplier, customer in links:
        for end in (supplier, customer):
            if end not in stages:
                raise ParameterError(f"links names {end!r}, which is no stage.")
        near[supplier].append((customer, False))
        near[customer].append((supplier, True))
    if not stages or len(links) != len(stages) - 1:
        raise ParameterError(
            f"links holds {len(links)} pairs for {len(stages)} stages; a tree has one fewer."
        )
    root = next(iter(stages))
    order, seen = [(root, root, False)], {root}
    for name, _, _ in order:
        for other, upstream in near[name]:
            if other not in seen:
                seen.add(other)
                order.append((other, name, upstream))
    if len(order) != len(stages):
        raise ParameterError("links leaves some stages apart; a tree holds them all together.")
    return order


def _pooled(stages: Mapping[Name, Stage], links: Sequence[tuple[Name, Name]]) -> dict[Name, float]:
    """Variance of the demand that each stage meets: its own and its customers'."""
    customers: dict[Name, list[Name]] = {name: [] for name in stages}
    for supplier, customer in links:
        customers[supplier].append(customer)

    def met(name: Name) -> float:
        return stages[name].demand_sd ** 2 + sum(met(other) for other in customers[name])

    return {name: met(name) for name in stages}


def _own_cost(stage: Stage, sd: float, size: int) -> Floats:
    """Cost of the stage's stock by inbound (rows) and outbound (columns) service time."""
    inbound, outbound = np.arange(size)[:, None], np.arange(size)[None, :]
    span = inbound + stage.processing_time - outbound
    most = size if stage.outbound is None else stage.outbound
    fits = (span >= 0) & (inbound >= stage.inbound) & (outbound <= most)
    held = stage.holding_cost * stage.demand_bound * sd * np.sqrt(np.maximum(span, 0))
    return np.where(fits, held, np.inf)


def _message(table: Floats, *, upstream: bool) -> Floats:
    """Least cost of a branch by the parent's inbound, or outbound, service time."""
    if upstream:  # the parent's inbound time is at least what the branch promises
        return np.asarray(np.minimum.accumulate(table.min(axis=0)))
    return np.asarray(np.minimum.accumulate(table.min(axis=1)[::-1])[::-1])


def _chosen(
    tables: Mapping[Name, Floats],
    order: Sequence[tuple[Name, Name, bool]],
    stages: Mapping[Name, Stage],
) -> dict[Name, int]:
    times: dict[Name, tuple[int, int]] = {}
    for name, parent, upstream in order:
        table = tables[name].copy()
        if parent in times and upstream:
            table[:, times[parent][0] + 1 :] = np.inf
        elif parent in times:
            table[: times[parent][1]] = np.inf
        inbound, outbound = np.unravel_index(int(table.argmin()), table.shape)
        times[name] = (int(inbound), int(outbound))
    return {name: times[name][1] for name in stages}
