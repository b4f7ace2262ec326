"""What a proposal does, with the order and without it: tables, sentences, a picture."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from ecops_lib.core.charts import Chart, line_chart
from ecops_lib.core.findings import Finding, Level
from ecops_lib.core.formats import Unit, show
from ecops_lib.core.language import mark, tr
from ecops_lib.core.results import Result
from ecops_lib.data.frames import DAY
from ecops_lib.supply.panel import Floats
from ecops_lib.supply.replenish.proposal import OrderProposal

if TYPE_CHECKING:
    import pandas as pd

LOW, HIGH = 0.1, 0.9
ARMS: Mapping[str, str] = {
    "with": mark("With the order"),
    "without": mark("Without it"),
    "gap": mark("Difference"),
}


@dataclass(frozen=True, kw_only=True, eq=False)
class Arm:
    """One run, by future; units, margin and holding until the next order comes in.

    Attributes:
        asked: Units asked for.
        sold: Units sold.
        lost_margin: Margin of the units not there [store currency].
        holding: Cost of holding stock [store currency].
        stock: Worth of the stock at cost at the end of each day (futures, days).
    """

    asked: Floats
    sold: Floats
    lost_margin: Floats
    holding: Floats
    stock: Floats

    @property
    def fill_rate(self) -> float:
        """Share of all futures' demand that is met; NaN where none is expected."""
        asked = float(self.asked.sum())
        return float(self.sold.sum()) / asked if asked > 0 else float("nan")


@dataclass(frozen=True, kw_only=True, eq=False)
class OrderSimulation(Result):
    """A proposal on many futures.

    Attributes:
        proposal: The proposal.
        with_order: Runs with it.
        without: Runs on the same futures without it.
    """

    sheet: ClassVar[str] = mark("The order tried out")
    units: ClassVar[Mapping[str, Unit]] = {
        "fill_rate": "share",
        "short": "count",
        "lost_margin": "money",
        "holding": "money",
        "mean_stock": "money",
        "most_stock": "money",
    }
    labels: ClassVar[Mapping[str, str]] = {
        "arm": mark("Until the next order comes in"),
        "fill_rate": mark("Share of demand met"),
        "short": mark("Units short"),
        "lost_margin": mark("Margin lost"),
        "holding": mark("Cost of holding"),
        "mean_stock": mark("Stock at cost, mean"),
        "most_stock": mark("Stock at cost, highest day"),
    }

    proposal: OrderProposal
    with_order: Arm
    without: Arm

    def absent(self) -> str:
        """Why there is nothing to try, if there is not."""
        return self.proposal.absent()

    @property
    def futures(self) -> int:
        """Futures tried."""
        return len(self.with_order.asked)

    @property
    def gain(self) -> Floats:
        """Margin saved by the order less what holding it costs, by future."""
        saved = self.without.lost_margin - self.with_order.lost_margin
        return np.asarray(saved - (self.with_order.holding - self.without.holding))

    def to_frame(self) -> pd.DataFrame:
        """One row a run, and their difference."""
        import pandas as pd

        rows = [_row(self.with_order), _row(self.without)]
        rows.append({name: rows[0][name] - rows[1][name] for name in rows[0]})
        frame = pd.DataFrame(rows)
        frame.insert(0, "arm", [tr(label) for label in ARMS.values()])
        return frame

    def days(self) -> pd.DataFrame:
        """Stock at cost by day: ``day``, ``value``, ``low``, ``high``, ``without``."""
        import pandas as pd

        held = self.with_order.stock
        first = self.proposal.as_of + DAY
        low, high = np.quantile(held, [LOW, HIGH], axis=0)
        return pd.DataFrame(
            {
                "day": [first + dt.timedelta(days=n) for n in range(held.shape[1])],
                "value": held.mean(axis=0),
                "low": low,
                "high": high,
                "without": self.without.stock.mean(axis=0),
            }
        )

    def findings(self) -> tuple[Finding, ...]:
        """What the order is worth, and the money that it ties up."""
        if self.absent():
            return ()
        if not self.with_order.asked.sum() > 0:
            text = tr("Nothing is expected to be asked for, so an order brings nothing.")
            return (Finding(key="simulation/gain", level="info", text=text),)
        if self.proposal.orders.empty:
            return (self._enough(),)
        return (self._gain(), self._tied_up())

    def _enough(self) -> Finding:
        text = tr(
            "Without an order {share} of demand is met until the next order comes in "
            "({futures} futures).",
            share=show(self.without.fill_rate, "share"),
            futures=show(self.futures, "count"),
        )
        return Finding(key="simulation/gain", level="info", text=text)

    def _gain(self) -> Finding:
        low, high = (float(end) for end in np.quantile(self.gain, [LOW, HIGH]))
        mean = float(self.gain.mean())
        values = {
            "with_order": show(self.with_order.fill_rate, "share"),
            "without": show(self.without.fill_rate, "share"),
            "gain": show(mean, "money", sign=True),
            "low": show(low, "money", sign=True),
            "high": show(high, "money", sign=True),
            "futures": show(self.futures, "count"),
        }
        level: Level = "good" if low > 0 else "bad" if high < 0 else "watch"
        if level == "good":
            text = tr(
                "Until the next order comes in {with_order} of demand is met with the order and "
                "{without} without it; margin saved less holding: {gain} (80 % of {futures} "
                "futures: {low} to {high}).",
                **values,
            )
        elif level == "bad":
            text = tr(
                "Until the next order comes in the order costs more than it saves: {gain} (80 % "
                "of {futures} futures: {low} to {high}), for {with_order} of demand is met with "
                "it and {without} without.",
                **values,
            )
        else:
            text = tr(
                "Until the next order comes in {with_order} of demand is met with the order and "
                "{without} without it; whether that pays by then cannot be told: {gain} (80 % of "
                "{futures} futures: {low} to {high}).",
                **values,
            )
        evidence = {
            "fill_with": self.with_order.fill_rate,
            "fill_without": self.without.fill_rate,
            "gain": mean,
            "low": low,
            "high": high,
        }
        return Finding(
            key="simulation/gain", level=level, text=text, evidence=evidence, money=abs(mean)
        )

    def _tied_up(self) -> Finding:
        days = self.days()
        top = days.iloc[int((days["value"] - days["without"]).to_numpy().argmax())]
        text = tr(
            "The order ties up most on {day}: stock is {value} at cost then (80 %: {low} to "
            "{high}), against {without} without it.",
            day=show(top["day"], "day"),
            value=show(top["value"], "money"),
            low=show(top["low"], "money"),
            high=show(top["high"], "money"),
            without=show(top["without"], "money"),
        )
        evidence = {"highest": float(top["value"]), "without": float(top["without"])}
        return Finding(key="simulation/stock", level="info", text=text, evidence=evidence)

    def chart(self) -> Chart | None:
        """Money tied up in stock, day by day, with the order and without it."""
        if self.absent() or len(self.days()) < 2:
            return None
        return line_chart(
            self.days(),
            caption=tr("Stock at cost, if nothing more is ordered"),
            unit="money",
            labels={
                "value": tr("With the order"),
                "without": tr("Without it"),
                "low": tr("80 % of futures"),
            },
            compare="without",
            band=("low", "high"),
        )


def _row(arm: Arm) -> dict[str, float]:
    return {
        "fill_rate": arm.fill_rate,
        "short": float((arm.asked - arm.sold).mean()),
        "lost_margin": float(arm.lost_margin.mean()),
        "holding": float(arm.holding.mean()),
        "mean_stock": float(arm.stock.mean()) if arm.stock.size else 0.0,
        "most_stock": float(arm.stock.mean(axis=0).max()) if arm.stock.size else 0.0,
    }
