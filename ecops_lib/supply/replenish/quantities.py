"""From levels to orders: cycles, packs, least quantities and amounts, and the money there is."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from ecops_lib.supply.panel import Floats
from ecops_lib.supply.replenish.levels import expected_sales

if TYPE_CHECKING:
    import pandas as pd

Grid = np.ndarray[Any, np.dtype[np.float32]]
PIECES = 60
"""Steps in which an order line may be cut."""
YEAR = 365.0


def set_order_levels(
    lines: pd.DataFrame, *, review_days: int, holding_rate: float, longest: float
) -> Floats:
    """Level to order up to: the reorder point, and more where an order costs something.

    The lines of a supplier share the cost of an order, so all have one cycle: the T at which
    ordering costs what holding does, √(2 K / Σ h λ) (Snyder & Shen (3.4) for joint orders of
    one cycle). What is asked for in the days of T beyond the review period is added.

    Args:
        lines: ``supplier_id``, ``order_cost``, ``unit_cost``, ``daily`` (units a day),
            ``reorder_point``, ``seasonal``.
        review_days: Days between two orders.
        holding_rate: Cost of holding stock for a year, as a share of its cost.
        longest: Most days of demand that may be added.
    """
    rate = (lines["unit_cost"].fillna(0.0) * lines["daily"]).clip(lower=0.0) * holding_rate / YEAR
    flow = rate.groupby(lines["supplier_id"]).transform("sum").to_numpy(float)
    cost = lines["order_cost"].fillna(0.0).to_numpy(float)
    cycle = np.sqrt(2 * cost / np.where(flow > 0, flow, math.inf))
    more = np.clip(cycle - review_days, 0.0, longest) * lines["daily"].to_numpy(float)
    seasonal = lines["seasonal"].to_numpy(bool)
    return np.asarray(lines["reorder_point"] + np.where(seasonal, 0.0, np.floor(more)))


def want_quantities(lines: pd.DataFrame) -> Floats:
    """Units wanted: up to the level, for all lines of a supplier once one of them is due.

    A line is due below its reorder point. Orders are of the least quantity at least, and of
    whole packs.
    """
    due = lines["position"] < lines["reorder_point"]
    joined = due.groupby(lines["supplier_id"]).transform("any")
    alone = (lines["supplier_id"] == "") & ~due
    missing = (lines["order_up_to"] - lines["position"]).where(joined & ~alone, 0.0)
    return round_up(missing.clip(lower=0.0).to_numpy(float), lines)


def round_up(units: Floats, lines: pd.DataFrame) -> Floats:
    """Units as they can be ordered: none, or the least quantity and whole packs."""
    pack = lines["pack_size"].to_numpy(float)
    least = np.maximum(units, lines["minimum_quantity"].to_numpy(float))
    return np.asarray(np.where(units > 0, np.ceil(least / pack - 1e-9) * pack, 0.0))


def top_up(lines: pd.DataFrame, *, longest: float) -> Floats:
    """Units that bring each supplier's order to its minimum amount.

    Stock of all its SKUs is drawn out by the same number of days, the fewest that do.

    Args:
        lines: ``supplier_id``, ``minimum_amount``, ``quantity``, ``unit_cost``, ``daily``,
            ``position``, ``order_up_to``, ``pack_size``, ``minimum_quantity``, ``seasonal``.
        longest: Most days that stock is drawn out by.
    """
    wanted: Floats = lines["quantity"].to_numpy(float).copy()
    amount = (lines["quantity"] * lines["unit_cost"]).groupby(lines["supplier_id"]).sum()
    least = lines.groupby("supplier_id")["minimum_amount"].max()
    for supplier in amount.index[(amount > 0) & (amount < least.reindex(amount.index))]:
        at = np.flatnonzero((lines["supplier_id"] == supplier).to_numpy())
        wanted[at] = _drawn_out(lines.iloc[at], float(least[supplier]), longest)
    return wanted


def _drawn_out(lines: pd.DataFrame, least: float, longest: float) -> Floats:
    cost = lines["unit_cost"].fillna(0.0).to_numpy(float)
    flow = lines["daily"].where(~lines["seasonal"], 0.0).to_numpy(float)
    gap = (lines["order_up_to"] - lines["position"]).to_numpy(float)
    before = lines["quantity"].to_numpy(float)

    def units(days: float) -> Floats:
        return np.asarray(np.maximum(round_up(np.maximum(gap + days * flow, 0.0), lines), before))

    low, high = 0.0, math.floor(longest)
    if float(units(high) @ cost) < least:
        return before
    while high - low > 1:
        middle = math.floor((low + high) / 2)
        low, high = (low, middle) if float(units(middle) @ cost) >= least else (middle, high)
    return units(high)


def cut_to_budget(lines: pd.DataFrame, grid: Grid, *, budget: float) -> Floats:
    """Units that the money pays for, those that earn most per yuan first.

    Each line is bought in pieces; a piece is worth what its units are expected to sell
    before the next order, × their margin, less what holding the rest costs. Lines whose
    cost is not known cannot be paid for.

    Args:
        lines: ``quantity``, ``position``, ``unit_cost``, ``worth`` (of a unit sold),
            ``holding`` (of one left over), ``pack_size``, ``minimum_quantity``.
        grid: Each line's demand until the next order, thinned.
        budget: Most that all orders may cost [store currency].
    """
    wanted = lines["quantity"].to_numpy(float)
    cost = lines["unit_cost"].to_numpy(float)
    fitting = np.where(np.isnan(cost), 0.0, wanted)
    if float(fitting @ np.nan_to_num(cost)) <= budget:
        return fitting
    pieces = _pieces(lines, grid)
    bought, left = np.zeros(len(lines)), budget
    closed = np.zeros(len(lines), bool)
    for line, units, price in pieces:
        if closed[line]:
            continue
        if price > left + 1e-9:
            closed[line] = True
            continue
        bought[line] += units
        left -= price
    return bought


def _pieces(lines: pd.DataFrame, grid: Grid) -> list[tuple[int, float, float]]:
    """Line, units and price of each piece, the most worthwhile first."""
    wanted, pack = lines["quantity"].to_numpy(float), lines["pack_size"].to_numpy(float)
    cost, position = lines["unit_cost"].to_numpy(float), lines["position"].to_numpy(float)
    margin, holding = lines["worth"].to_numpy(float), lines["holding"].to_numpy(float)
    held = np.flatnonzero((wanted > 0) & ~np.isnan(cost))
    first = round_up(np.ones(len(lines)), lines)
    found: list[tuple[float, int, int, float, float]] = []
    for line in held:
        steps = _steps(first[line], wanted[line], pack[line])
        at = np.concatenate([[0.0], steps])
        same = np.full(len(at), line)
        worth = earn(grid[same], position[same] + at, margin[same], holding[same])
        for place in range(len(steps)):
            units = at[place + 1] - at[place]
            price = units * cost[line]
            ratio = (worth[place + 1] - worth[place]) / max(price, 1e-9)
            found.append((-ratio, int(line), place, units, price))
    found.sort(key=lambda piece: piece[:3])
    return _in_order(found)


def _steps(first: float, wanted: float, pack: float) -> Floats:
    """Ends of the pieces: the least order, then whole packs up to what is wanted."""
    size = pack * max(1, math.ceil((wanted - first) / pack / PIECES))
    rest = np.arange(first + size, wanted, size)
    return np.unique(np.concatenate([[min(first, wanted)], rest, [wanted]]))


def _in_order(
    found: list[tuple[float, int, int, float, float]],
) -> list[tuple[int, float, float]]:
    """A line's pieces one after the other, whatever rounding does to their worth."""
    turn: dict[int, list[tuple[int, float, float]]] = {}
    for _, line, place, units, price in found:
        turn.setdefault(line, []).append((place, units, price))
    queues = {line: iter(sorted(pieces)) for line, pieces in turn.items()}
    ordered = []
    for _, line, *_ in found:
        _, units, price = next(queues[line])
        ordered.append((line, units, price))
    return ordered


def earn(grid: Grid, level: Floats, margin: Floats, holding: Floats) -> Floats:
    """Expected profit of each line until the next order, from a stock position.

    Args:
        grid: Each line's demand until then, thinned.
        level: Stock position after ordering.
        margin: Profit of a unit sold [store currency].
        holding: Cost of a unit left over [store currency].
    """
    sold = expected_sales(grid, level)
    return np.asarray(margin * sold - holding * (np.maximum(level, 0.0) - sold))
