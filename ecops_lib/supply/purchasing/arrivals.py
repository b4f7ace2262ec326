"""When open purchase orders will come in, from how long earlier ones took from there on.

An order that is in a stage for some days already is compared with earlier orders that were
in it for longer: of each it is taken how long they still took until receipt. Orders that are
still open count as having taken longer than they are out (Kaplan & Meier 1958). A supplier's
own orders count beside those of all suppliers, which weigh as much as eight of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ecops_lib.supply.panel import Floats
from ecops_lib.supply.purchasing.stages import as_orders

if TYPE_CHECKING:
    import pandas as pd

PRIOR = 8.0
"""Own orders that those of all suppliers weigh as much as."""
LEVELS = (np.arange(200) + 0.5) / 200
"""Levels of the quantiles that a distribution is kept as."""
TAIL = -np.log(1 - (np.arange(8) + 0.5) / 8)
"""Quantiles of the exponential distribution, for what lies beyond the longest."""
PLANNED = 8
"""Received orders with a plan from which durations are taken relative to the plan."""


class Atoms(NamedTuple):
    """Earlier orders from the beginning of a stage on.

    Attributes:
        stay: Days in the stage.
        left: Days from its beginning to receipt.
        chance: Weight of each.
        excess: Mean days beyond, of what lasts longer than the longest.
    """

    stay: Floats
    left: Floats
    chance: Floats
    excess: float


def weigh_received(left: Floats, received: np.ndarray) -> Floats:
    """Kaplan-Meier chance of each duration; 0 for the orders that are still open.

    What is still open beyond the longest is not in the sum.

    >>> weigh_received(np.array([1.0, 2, 2, 3]), np.array([True, False, True, True])).tolist()
    [0.25, 0.0, 0.25, 0.5]
    """
    order = np.lexsort((~received, left))
    at_risk = len(left) - np.arange(len(left))
    survive = np.cumprod(np.where(received[order], 1 - 1 / at_risk, 1.0))
    before = np.concatenate([[1.0], survive[:-1]])
    chance = np.zeros(len(left))
    chance[order] = before - survive
    return chance


def _atoms(stay: Floats, left: Floats, received: np.ndarray) -> Atoms | None:
    """The distribution, with a tail beyond the longest; None without a received order."""
    if not received.any():
        return None
    chance = weigh_received(left, received)[received]
    stay, left = stay[received], left[received]
    more, longer = _excess(left), _excess(stay)
    tail_left = left.max() + more * TAIL
    rest = float(np.median(left - stay))
    tail_stay = np.minimum(stay.max() + longer * TAIL, tail_left - min(rest, left.max() * 0.99))
    share = np.full(len(TAIL), (1 - chance.sum()) / len(TAIL))
    return Atoms(
        stay=np.concatenate([stay, tail_stay]),
        left=np.concatenate([left, tail_left]),
        chance=np.concatenate([chance, share]),
        excess=more,
    )


def _excess(held: Floats) -> float:
    """By how much the longest quarter exceeds its beginning on average."""
    ordered = np.sort(held)
    upper = ordered[-max(1, len(ordered) // 4) :]
    return max(float((upper - upper[0]).mean()), 0.05 * float(ordered[-1]))


class Arrivals(NamedTuple):
    """When open orders come in.

    Attributes:
        days: Days from the end of ``as_of`` to receipt, at 200 even levels (orders, 200);
            NaN where no order was ever received and none is due.
        own: Received orders of the supplier that it rests on (orders,).
        longest: Whether it is in its stage for longer than any order before (orders,).
        due_only: Whether only its due day tells (orders,).
    """

    days: Floats
    own: np.ndarray
    longest: np.ndarray
    due_only: np.ndarray


def expect_arrivals(held: pd.DataFrame) -> Arrivals:
    """The time until receipt of each open order, as a distribution.

    Where the order and enough earlier ones have a plan (days from order to due receipt),
    durations are compared relative to it.

    Args:
        held: Purchase orders (``read_stages``), open and received.

    Returns:
        One row an open order (``stage`` not empty), in the order of ``held``.

    References:
        Kaplan & Meier (1958), Journal of the American Statistical Association 53, 457-481.
    """
    opens = held[held["stage"] != ""]
    past = as_orders(held)
    count = len(opens)
    days, own = np.full((count, len(LEVELS)), np.nan), np.zeros(count, int)
    longest, due_only = np.zeros(count, bool), np.zeros(count, bool)
    sources: dict[tuple[str, str, bool], tuple[Atoms | None, Atoms | None, int]] = {}
    planned = int((past["due_receipt"].ge(1) & past["done_receipt"].notna()).sum()) >= PLANNED
    for place, row in enumerate(opens.to_dict("records")):
        plan = float(row["due_receipt"])
        relative = planned and plan >= 1
        key = (str(row["stage"]), str(row["supplier_id"]), relative)
        if key not in sources:
            sources[key] = _sources(past, *key)
        mine, everyone, own[place] = sources[key]
        scale = plan if relative else 1.0
        spent = float(row["age"] - row[f"enter_{row['stage']}"]) / scale
        if everyone is None:
            due_only[place] = not np.isnan(plan)
            days[place] = np.maximum(plan - row["age"], 1.0)
            continue
        held_days, longest[place] = _remaining(mine, everyone, own[place], spent)
        days[place] = held_days * scale
    return Arrivals(days=days, own=own, longest=longest, due_only=due_only)


def _sources(
    past: pd.DataFrame, stage: str, supplier: str, relative: bool
) -> tuple[Atoms | None, Atoms | None, int]:
    """Distributions of the supplier and of all, and its received orders."""
    enter = past[f"enter_{stage}"].to_numpy(float)
    ends = past["done_receipt"].to_numpy(float)
    age, plan = past["age"].to_numpy(float), past["due_receipt"].to_numpy(float)
    received = ~np.isnan(ends)
    scale = plan if relative else np.ones(len(past))
    left = (np.where(received, ends, age) - enter) / scale
    stay = (past[f"done_{stage}"].to_numpy(float) - enter) / scale
    usable = ~np.isnan(left) & (left > 0) & (~np.isnan(stay) | ~received)
    if relative:
        usable &= plan >= 1
    mine = usable & (past["supplier_id"] == supplier).to_numpy() & (supplier != "")
    return (
        _atoms(stay[mine], left[mine], received[mine]),
        _atoms(stay[usable], left[usable], received[usable]),
        int((received & mine).sum()),
    )


def _remaining(mine: Atoms | None, everyone: Atoms, own: int, spent: float) -> tuple[Floats, bool]:
    """Time still to go given the time in the stage, and whether none stayed so long."""
    parts = [(everyone, PRIOR)] if mine is None else [(mine, float(own)), (everyone, PRIOR)]
    stay = np.concatenate([atoms.stay for atoms, _ in parts])
    left = np.concatenate([atoms.left for atoms, _ in parts])
    chance = np.concatenate([atoms.chance * weight for atoms, weight in parts])
    later = stay > spent
    if chance[later].sum() > 0:
        held, weight = left[later] - spent, chance[later]
    else:
        rest = float(np.median(everyone.left - everyone.stay))
        held, weight = rest + everyone.excess * TAIL, np.ones(len(TAIL))
    days = _predict(held, weight / weight.sum(), beyond=everyone.excess)
    stayed = [atoms.stay[: -len(TAIL)].max() for atoms, _ in parts]
    return days, bool(max(stayed) <= spent)


def _predict(held: Floats, weight: Floats, *, beyond: float) -> Floats:
    """Quantiles of the next one, given weighted earlier ones.

    Of m earlier ones the k-th is exceeded by the next with a chance of 1 - k / (m + 1)
    (Weibull's plotting position), m being 1 / Σ w² where weights w differ; below the first it
    comes down to 0, above the last up to it and ``beyond``.
    """
    order = np.argsort(held)
    held, weight = held[order], weight[order]
    count = 1 / float((weight**2).sum())
    place = ((weight.cumsum() - weight / 2) * count + 0.5) / (count + 1)
    ends = np.concatenate([[0.0], held, [held[-1] + beyond]])
    levels = np.concatenate([[0.0], place, [1.0]])
    days: Floats = np.maximum(np.interp(LEVELS, levels, ends), 0.0)
    return days
