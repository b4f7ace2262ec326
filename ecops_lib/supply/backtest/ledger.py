"""The ledger of a replay: units sold and lost, stock held, and what it cost."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from math import nan
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from ecops_lib.core.charts import Chart, bar_chart
from ecops_lib.core.findings import Finding, Level
from ecops_lib.core.formats import Unit, show
from ecops_lib.core.language import mark, ntr, tr
from ecops_lib.core.results import Result
from ecops_lib.supply.backtest.board import interval_of_mean
from ecops_lib.supply.backtest.flow import Flow
from ecops_lib.supply.panel import Floats

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, kw_only=True, eq=False)
class Ledger:
    """What came of ordering by one method.

    Attributes:
        name: What the method is called.
        demand: Units asked for.
        lost_units: Of them, not there.
        lost_margin: Margin lost with them [store currency].
        mean_stock: Units on hand at the end of a period, all series together.
        holding_cost: Of the stock at the end of each period [store currency].
        orders: Orders placed, one a series and review with anything to order.
        order_cost: Of these orders [store currency].
        cost_each: All three costs of each series (series,) [store currency].
    """

    name: str
    demand: float
    lost_units: float
    lost_margin: float
    mean_stock: float
    holding_cost: float
    orders: int
    order_cost: float
    cost_each: Floats

    @property
    def fill_rate(self) -> float:
        """Share of the units asked for that were there; NaN where nothing was asked for."""
        return 1 - self.lost_units / self.demand if self.demand else nan

    @property
    def cost(self) -> float:
        """Lost margin, holding and orders together [store currency]."""
        return self.lost_margin + self.holding_cost + self.order_cost

    @classmethod
    def of(
        cls, name: str, flow: Flow, margin: Floats, holding: Floats, order: float, skip: int
    ) -> Ledger:
        """Count a flow from period ``skip`` on."""
        sold, lost, stock, ordered = (
            held[:, skip:] for held in (flow.sold, flow.lost, flow.stock, flow.ordered)
        )
        placed = (ordered > 0).sum(axis=1)
        missed = lost.sum(axis=1) * margin
        held = stock.sum(axis=1) * holding
        return cls(
            name=name,
            demand=float((sold + lost).sum()),
            lost_units=float(lost.sum()),
            lost_margin=float(missed.sum()),
            mean_stock=float(stock.sum() / stock.shape[1]),
            holding_cost=float(held.sum()),
            orders=int(placed.sum()),
            order_cost=float(placed.sum() * order),
            cost_each=np.asarray(missed + held + placed * order),
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class Replay(Result):
    """Ordering by each method on the same past days.

    Attributes:
        ledgers: The method in use first, the seasonal naive one last.
        start: First day counted.
        periods: Periods counted.
        series: Series replayed.
        left_out: Series with an unknown period, not replayed.
        service: Chance asked for of lasting until the next arrival, mean of the series.
    """

    sheet: ClassVar[str] = mark("Ordering by the forecast")
    units: ClassVar[dict[str, Unit]] = {
        "fill_rate": "share",
        "lost_units": "count",
        "lost_margin": "money",
        "mean_stock": "count",
        "holding_cost": "money",
        "orders": "count",
        "order_cost": "money",
        "cost": "money",
    }
    labels: ClassVar[dict[str, str]] = {
        "method": mark("Method"),
        "fill_rate": mark("Fill rate"),
        "lost_units": mark("Lost units"),
        "lost_margin": mark("Lost margin"),
        "mean_stock": mark("Mean stock"),
        "holding_cost": mark("Holding cost"),
        "orders": mark("Orders to suppliers"),
        "order_cost": mark("Cost of ordering"),
        "cost": mark("Total cost"),
    }

    ledgers: tuple[Ledger, ...]
    start: dt.date
    periods: int
    series: int
    left_out: int
    service: float

    def to_frame(self) -> pd.DataFrame:
        """One row a method."""
        import pandas as pd

        plain = list(self.labels)[1:]
        rows = [
            {"method": tr(held.name), **{name: getattr(held, name) for name in plain}}
            for held in self.ledgers
        ]
        return pd.DataFrame(rows, columns=list(self.labels))

    def findings(self) -> tuple[Finding, ...]:
        """Whether ordering by the method in use is cheaper, and what is not replayed."""
        told = (self._saved(), self._unknown())
        return tuple(finding for finding in told if finding)

    def chart(self) -> Chart | None:
        """What ordering by each method would have cost, the cheapest first."""
        import pandas as pd

        rows = [{"name": tr(held.name), "value": held.cost} for held in self.ledgers]
        frame = pd.DataFrame(rows).sort_values("value", kind="stable")
        return bar_chart(frame, caption=tr("Lost margin, holding and orders"), unit="money")

    def _saved(self) -> Finding | None:
        ours, naive = self.ledgers[0], self.ledgers[-1]
        if ours is naive:
            return None
        gaps = naive.cost_each - ours.cost_each
        low, high = interval_of_mean(gaps)
        saved = naive.cost - ours.cost
        given = {
            "name": tr(ours.name),
            "money": show(abs(saved), "money"),
            "ours": show(ours.fill_rate, "share"),
            "naive": show(naive.fill_rate, "share"),
            "series": ntr("{count} series", "{count} series", self.series,
                          count=show(self.series, "count")),
        }  # fmt: skip
        level: Level = "info"
        money = None
        if low > 0:
            level = "good"
            text = tr(
                "Ordering by {name} would have cost {money} less than by last season's figures on "
                "{series}: fill rate {ours} against {naive}.",
                **given,
            )
        elif high < 0:
            level, money = "bad", -saved
            text = tr(
                "Ordering by {name} would have cost {money} more than by last season's figures on "
                "{series}: fill rate {ours} against {naive}.",
                **given,
            )
        else:
            text = tr(
                "Whether ordering by {name} is cheaper than by last season's figures cannot be "
                "told from {series}: fill rate {ours} against {naive}.",
                **given,
            )
        evidence = {"saved": saved, "fill_rate": ours.fill_rate, "naive": naive.fill_rate}
        return Finding(key="replay/cost", level=level, text=text, evidence=evidence, money=money)

    def _unknown(self) -> Finding | None:
        if not self.left_out:
            return None
        text = ntr(
            "{count} series has days nobody knows and is not replayed.",
            "{count} series have days nobody knows and are not replayed.",
            self.left_out,
            count=show(self.left_out, "count"),
        )
        return Finding(
            key="replay/unknown", level="info", text=text, evidence={"series": self.left_out}
        )
