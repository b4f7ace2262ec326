"""Replay: what ordering by a forecast would have sold, lost and cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ecops_lib.core.checks import require_between
from ecops_lib.core.errors import ParameterError
from ecops_lib.supply.backtest.board import NAIVE
from ecops_lib.supply.backtest.flow import simulate_orders
from ecops_lib.supply.backtest.folds import cut_panel, seasonal_naive
from ecops_lib.supply.backtest.ledger import Ledger, Replay
from ecops_lib.supply.backtest.rolling import Forecaster
from ecops_lib.supply.panel import Floats, Panel

LEARNT = 4
"""Reviews before the replay whose errors say how much safety a bare mean needs."""
PATHS = 500
"""Futures drawn where a forecast gives them."""


@dataclass(frozen=True, kw_only=True, eq=False)
class UnitCosts:
    """What units cost [store currency].

    Attributes:
        margin: Lost with each unit asked for and not there (series,).
        holding: Cost of a unit left at the end of a period (series,).
        order: Cost of each order of each series.

    Raises:
        ParameterError: A cost is unknown or negative.
    """

    margin: Floats
    holding: Floats
    order: float = 0.0

    def __post_init__(self) -> None:
        if not ((self.margin > 0).all() and (self.holding > 0).all() and self.order >= 0):
            raise ParameterError(
                "margin and holding must be known and above 0 for every series, and order at "
                "least 0; leave series without a margin out."
            )


def replay_orders(
    panel: Panel,
    *,
    methods: Mapping[str, Forecaster],
    costs: UnitCosts,
    lead_time: int,
    review: int,
    reviews: int = 4,
    service: float | None = None,
    seed: int = 0,
) -> Replay:
    """Order by each method on the last days of a panel, and count what came of it.

    At every review the method forecasts with what was known then; the stock is filled up to
    the quantile ``service`` of the units asked for until the next review's order arrives. A
    method that gives ``paths`` says this quantile itself; for a bare mean it is learnt from
    how far the same method was off at earlier reviews. Counting begins when the first order
    of the replay has arrived.

    Args:
        panel: The whole past; series with an unknown period in the replay are left out.
        methods: Ways of forecasting by name, the one in use first.
        costs: What units cost, a row for each series of the panel.
        lead_time: Periods from order to arrival.
        review: Periods between two orders.
        reviews: How many reviews are counted.
        service: Chance of lasting until the next arrival; from the costs by default,
            margin over margin and holding until the next review (newsvendor).
        seed: Of the futures drawn.

    Returns:
        One row a method, the seasonal naive one last.

    Raises:
        ParameterError: The panel is too short, or an argument has an impossible value.
    """
    if service is not None:
        require_between(service, 0, 1, name="service", ends="open")
    if lead_time < 0 or review < 1 or reviews < 1 or len(costs.margin) != len(panel):
        raise ParameterError(
            f"lead_time is {lead_time}, review {review}, reviews {reviews}, and costs hold "
            f"{len(costs.margin)} series; they must be at least 0, 1 and 1, and {len(panel)} rows."
        )
    plan = _Plan(panel, lead_time=lead_time, review=review, reviews=reviews)
    kept = costs_of(costs, plan.rows)
    asked = kept.margin / (kept.margin + kept.holding * review)
    levels = asked if service is None else np.full(len(kept.margin), service)
    ledgers = []
    for name, method in {**methods, NAIVE: seasonal_naive}.items():
        aims = plan.aims(method, levels, np.random.default_rng(seed))
        flow = simulate_orders(
            plan.demand, aims, lead_time=lead_time, review=review, whole=panel.whole
        )
        ledgers.append(Ledger.of(name, flow, kept.margin, kept.holding, kept.order, lead_time))
    return Replay(
        ledgers=tuple(ledgers),
        start=panel.days()[plan.first + lead_time].date(),
        periods=plan.demand.shape[1] - lead_time,
        series=len(plan.rows),
        left_out=len(panel) - len(plan.rows),
        service=float(levels.mean()),
    )


def costs_of(costs: UnitCosts, rows: np.ndarray[tuple[int], np.dtype[np.intp]]) -> UnitCosts:
    """The costs of some of the series."""
    return UnitCosts(margin=costs.margin[rows], holding=costs.holding[rows], order=costs.order)


class _Plan:
    """The days of a replay and the series that are known on all of them."""

    def __init__(self, panel: Panel, *, lead_time: int, review: int, reviews: int) -> None:
        length = lead_time + reviews * review
        self.window = lead_time + review
        self.first = panel.periods - length
        self.cuts = range(self.first, panel.periods, review)
        self.learnt = range(self.first - self.window - (LEARNT - 1) * review, self.first, review)
        if self.learnt[0] < 2 * self.window:
            raise ParameterError(
                f"the panel has {panel.periods} periods; {reviews} reviews of {review} periods "
                f"with a lead time of {lead_time} need at least "
                f"{panel.periods - self.learnt[0] + 2 * self.window}."
            )
        told = ~np.isnan(panel.values[:, self.first :]).any(axis=1)
        told &= ~np.isnan(panel.values[:, : self.learnt[0]]).all(axis=1)
        self.rows = np.flatnonzero(told)
        if not len(self.rows):
            raise ParameterError("no series of the panel is known in every period of the replay.")
        self.panel = panel.rows(self.rows)
        self.demand = self.panel.values[:, self.first :]

    def aims(self, method: Forecaster, levels: Floats, rng: np.random.Generator) -> Floats:
        """Order-up-to levels at each review (series, reviews)."""
        said = {cut: method(cut_panel(self.panel, cut), self.window) for cut in self.cuts}
        if all(hasattr(told, "paths") for told in said.values()):
            return np.stack([_drawn(told, levels, rng) for told in said.values()], axis=1)
        means = {cut: _sum_of(told) for cut, told in said.items()}
        for cut in self.learnt:
            means[cut] = _sum_of(method(cut_panel(self.panel, cut), self.window))
        return np.stack([self._learnt(cut, means, levels) for cut in self.cuts], axis=1)

    def _learnt(self, cut: int, means: Mapping[int, Floats], levels: Floats) -> Floats:
        """The mean, and the quantile of the errors of the windows that had ended by then."""
        ended = [earlier for earlier in means if earlier + self.window <= cut]
        spread = self._spread(min(means))
        off = [(self._came(earlier) - means[earlier]) / spread for earlier in ended]
        known = np.concatenate(off)
        known = known[~np.isnan(known)]
        if not len(known):
            raise ParameterError(
                "no series is known in every period of a window before the replay, so nothing "
                "says how much safety a bare mean needs; give a longer panel."
            )
        safety = np.quantile(known, levels)
        return np.maximum(means[cut] + safety * spread, 0)

    def _came(self, cut: int) -> Floats:
        return np.asarray(self.panel.values[:, cut : cut + self.window].sum(axis=1))

    def _spread(self, cut: int) -> Floats:
        """Standard deviation of each series' sums over a window, before the replay."""
        past = np.nan_to_num(self.panel.values[:, :cut])
        run = np.cumsum(past, axis=1)
        sums = run[:, self.window :] - run[:, : -self.window]
        spread = sums.std(axis=1)
        typical = spread[spread > 0].mean() if (spread > 0).any() else 1.0
        return np.asarray(np.where(spread > 0, spread, typical))


def _sum_of(told: object) -> Floats:
    mean = told if isinstance(told, np.ndarray) else told.mean  # type: ignore[attr-defined]
    return np.asarray(mean.sum(axis=1))


def _drawn(told: object, levels: Floats, rng: np.random.Generator) -> Floats:
    """Each series' quantile of the units asked for in the futures drawn."""
    sums = told.paths(rng, PATHS).sum(axis=2)  # type: ignore[attr-defined]
    return np.asarray([np.quantile(row, level) for row, level in zip(sums, levels, strict=True)])
