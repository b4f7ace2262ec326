"""Stock in, stock out: order-up-to with lead time and lost sales on a given demand."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ecops_lib.core.errors import ParameterError
from ecops_lib.supply.panel import Floats


@dataclass(frozen=True, kw_only=True, eq=False)
class Flow:
    """What came of ordering up to given levels.

    Attributes:
        sold: Units sold (series, periods).
        lost: Units asked for and not there (series, periods); nobody waits for them.
        stock: Units left at the end of each period (series, periods).
        ordered: Units ordered at the start of each period (series, periods).
    """

    sold: Floats
    lost: Floats
    stock: Floats
    ordered: Floats


def simulate_orders(
    demand: Floats, levels: Floats, *, lead_time: int, review: int, whole: bool = True
) -> Flow:
    """Order up to a level at every review, and sell what is there.

    A period runs: what was ordered ``lead_time`` periods earlier arrives; at a review (the
    first period and every ``review`` periods) the gap between the level and the stock on
    hand and under way is ordered; then customers come. At first the whole level is on hand.
    Demand without stock is lost (periodic review, order-up-to, lost sales: Snyder and Shen,
    Fundamentals of Supply Chain Theory, 2nd ed., section 4.3).

    Args:
        demand: Units asked for (series, periods).
        levels: Order-up-to levels (series, reviews).
        lead_time: Periods from order to arrival; 0 arrives at once.
        review: Periods between two reviews.
        whole: Whether only whole units can be ordered; levels are then rounded up.

    Raises:
        ParameterError: Shapes do not fit, or a demand or level is unknown or negative.
    """
    periods = demand.shape[1]
    reviews = -(-periods // review) if review >= 1 else 0
    if lead_time < 0 or review < 1 or levels.shape != (len(demand), reviews):
        raise ParameterError(
            f"levels has the shape {levels.shape}, lead_time is {lead_time} and review {review}; "
            f"{periods} periods need levels for {reviews} reviews, a lead time of at least 0 and "
            "a review of at least 1 period."
        )
    if not ((demand >= 0).all() and (levels >= 0).all()):
        raise ParameterError("demand and levels must be known and at least 0 in every period.")
    aims = np.ceil(levels) if whole else levels
    stock = aims[:, 0].copy()
    under_way = np.zeros((len(demand), periods + lead_time + 1))
    flow = {name: np.zeros(demand.shape) for name in ("sold", "lost", "stock", "ordered")}
    for period in range(periods):
        if period % review == 0:
            coming = under_way[:, period : period + lead_time + 1].sum(axis=1)
            order = np.maximum(aims[:, period // review] - stock - coming, 0)
            under_way[:, period + lead_time] += order
            flow["ordered"][:, period] = order
        stock += under_way[:, period]
        flow["sold"][:, period] = np.minimum(stock, demand[:, period])
        flow["lost"][:, period] = demand[:, period] - flow["sold"][:, period]
        stock = stock - flow["sold"][:, period]
        flow["stock"][:, period] = stock
    return Flow(**flow)
