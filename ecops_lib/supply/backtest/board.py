"""The board: methods of forecasting with their scores, the naive one among them."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from math import nan, sqrt
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from ecops_lib.core.charts import Chart, bar_chart
from ecops_lib.core.findings import Action, Finding, Level
from ecops_lib.core.formats import Unit, show
from ecops_lib.core.language import mark, ntr, tr
from ecops_lib.core.results import Result
from ecops_lib.supply.backtest.scoring import HIGH, LOW, MethodScores
from ecops_lib.supply.panel import Floats, Frequency

if TYPE_CHECKING:
    import pandas as pd

NAIVE = mark("seasonal naive")
"""Name of the benchmark: what was asked for one season earlier."""
MUCH_BIAS = 0.05
"""Bias above which the shelves empty or fill up."""
LEAST_SERIES = 8
"""Series below which two methods cannot be told apart."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Backtest(Result):
    """Ways of forecasting, each scored on the same earlier days.

    Attributes:
        methods: The one in use first, the seasonal naive one last.
        origins: First day of each window.
        horizon: Periods in each window.
        frequency: Length of a period.
        series: Series in the panel.
        too_new: Of them, without a known value before the last origin, so never scored.
    """

    sheet: ClassVar[str] = mark("Forecast backtest")
    units: ClassVar[dict[str, Unit]] = {
        "wape": "share",
        "bias": "share",
        "window_error": "share",
        "in_stock": "number",
        "mase": "ratio",
        "rmsse": "ratio",
        "pinball": "share",
        "coverage": "share",
    }
    labels: ClassVar[dict[str, str]] = {
        "method": mark("Method"),
        "wape": mark("Error (WAPE)"),
        "bias": mark("Bias"),
        "window_error": mark("Error of the window's sum"),
        "in_stock": mark("Periods in stock"),
        "mase": mark("MASE"),
        "rmsse": mark("RMSSE"),
        "pinball": mark("Quantile loss"),
        "coverage": mark("In the 80% interval"),
    }

    methods: tuple[MethodScores, ...]
    origins: tuple[dt.date, ...]
    horizon: int
    frequency: Frequency
    series: int
    too_new: int

    def to_frame(self) -> pd.DataFrame:
        """One row a method, and one more by value where the worth of units is told."""
        import pandas as pd

        rows = []
        for method in self.methods:
            name = tr(method.name)
            rows.append({"method": name, **vars(method.by_units)})
            if method.by_value:
                rows.append({"method": tr("{name}, by value", name=name), **vars(method.by_value)})
        return pd.DataFrame(rows, columns=list(self.labels))

    def findings(self) -> tuple[Finding, ...]:
        """Whether the method in use beats the naive one, its bias, its width, who is left out."""
        told = (self._skill(), self._bias(), self._width(), self._unscored())
        return tuple(finding for finding in told if finding)

    def chart(self) -> Chart | None:
        """The methods' RMSSE, the best first."""
        import pandas as pd

        rows = [{"name": tr(m.name), "value": m.by_units.rmsse} for m in self.methods]
        frame = pd.DataFrame(rows).dropna().sort_values("value", kind="stable")
        if frame.empty:
            return None
        return bar_chart(
            frame, caption=tr("Forecast error (RMSSE), smaller is better"), unit="ratio"
        )

    def _skill(self) -> Finding | None:
        ours, naive = self.methods[0], self.methods[-1]
        if ours is naive:
            return None
        gaps = naive.rmsse_each - ours.rmsse_each
        gaps = gaps[~np.isnan(gaps)]
        words = {
            "name": tr(ours.name),
            "ours": show(ours.by_units.rmsse, "ratio"),
            "naive": show(naive.by_units.rmsse, "ratio"),
            "windows": ntr(
                "{count} window", "{count} windows", len(self.origins),
                count=show(len(self.origins), "count"),
            ),
            "series": ntr("{count} series", "{count} series", len(gaps),
                          count=show(len(gaps), "count")),
        }  # fmt: skip
        low, high = interval_of_mean(gaps)
        level: Level = "info"
        if np.isnan(low):
            text = tr(
                "Whether {name} forecasts better than last season's figures cannot be told from "
                "{series}.",
                **words,
            )
        elif low > 0:
            level = "good"
            text = tr(
                "{name} forecasts better than last season's figures: RMSSE {ours} against {naive} "
                "on {series} and {windows}.",
                **words,
            )
        elif high < 0:
            level = "bad"
            text = tr(
                "{name} forecasts worse than last season's figures: RMSSE {ours} against {naive} "
                "on {series} and {windows}.",
                **words,
            )
        else:
            text = tr(
                "{name} is no better than last season's figures beyond chance: RMSSE {ours} "
                "against {naive} on {series} and {windows}.",
                **words,
            )
        evidence = {"ours": ours.by_units.rmsse, "naive": naive.by_units.rmsse,
                    "low": low, "high": high}  # fmt: skip
        return Finding(key="backtest/skill", level=level, text=text, evidence=evidence)

    def _bias(self) -> Finding | None:
        bias = self.methods[0].by_units.bias
        if np.isnan(bias):
            return None
        given = {"name": tr(self.methods[0].name), "bias": show(abs(bias), "share")}
        action = None
        level: Level = "watch"
        if bias > MUCH_BIAS:
            text = tr("{name} forecast {bias} more than was asked for: stock piles up.", **given)
            advice = tr("Order less than it says, or leave out the days that pull it up.")
            action = Action(text=advice, owner=tr("purchasing"))
        elif bias < -MUCH_BIAS:
            text = tr("{name} forecast {bias} less than was asked for: shelves empty.", **given)
            advice = tr("Order more than it says until the bias is gone.")
            action = Action(text=advice, owner=tr("purchasing"))
        else:
            level = "info"
            text = tr("{name} is close to unbiased: {bias} off over all.", **given)
        return Finding(
            key="backtest/bias", level=level, text=text, evidence={"bias": bias}, action=action
        )

    def _width(self) -> Finding | None:
        covered = self.methods[0].by_units.coverage
        if np.isnan(covered):
            return None
        given = {"share": show(covered, "share"), "asked": show(HIGH - LOW, "share")}
        level: Level = "watch"
        if covered > HIGH - LOW + 0.05:
            level = "info"
            text = tr(
                "{share} of periods lay in the {asked} intervals: they are too wide, or many "
                "periods without demand lie on their edge.",
                **given,
            )
        elif covered < HIGH - LOW - 0.05:
            text = tr(
                "The {asked} intervals are too narrow: only {share} of periods fell inside.",
                **given,
            )
        else:
            level = "good"
            text = tr("The {asked} intervals held: {share} of periods fell inside.", **given)
        return Finding(key="backtest/width", level=level, text=text, evidence={"coverage": covered})

    def _unscored(self) -> Finding | None:
        if not self.too_new:
            return None
        text = ntr(
            "{count} of {all} series had no past at the last origin and is not scored.",
            "{count} of {all} series had no past at the last origin and are not scored.",
            self.too_new,
            count=show(self.too_new, "count"),
            all=show(self.series, "count"),
        )
        return Finding(
            key="backtest/new", level="info", text=text, evidence={"series": self.too_new}
        )


def interval_of_mean(gaps: Floats) -> tuple[float, float]:
    """95 % interval of a mean over series (Student); NaN with too few of them."""
    from scipy.special import stdtrit

    if len(gaps) < LEAST_SERIES:
        return nan, nan
    half = stdtrit(len(gaps) - 1, 0.975) * gaps.std(ddof=1) / sqrt(len(gaps))
    return float(gaps.mean() - half), float(gaps.mean() + half)
