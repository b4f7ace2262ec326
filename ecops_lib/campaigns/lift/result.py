"""What a lift estimate says."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from ecops_lib.campaigns.lift.panel import Floats
from ecops_lib.core.charts import Chart, line_chart
from ecops_lib.core.findings import Finding
from ecops_lib.core.formats import Unit, show
from ecops_lib.core.language import mark, tr
from ecops_lib.core.results import Result

if TYPE_CHECKING:
    import pandas as pd

Method = Literal["structural", "posterior", "synthetic", "synthetic_level", "difference"]

METHODS: Mapping[str, str] = {
    "structural": mark("structural time series, calibrated by placebos"),
    "posterior": mark("structural time series, the model's own posterior"),
    "synthetic": mark("synthetic control"),
    "synthetic_level": mark("synthetic control about each series' own level"),
    "difference": mark("difference-in-differences"),
}


NOTHING = 1e-6
"""Of an effect; below it what would have been without is rounding, and no share is told."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Lift(Result):
    """What a campaign added to a series, or why that cannot be told.

    Attributes:
        method: How it was estimated.
        unit: What the outcome measures.
        days: Labels of the periods shown: some before the campaign, all of it.
        actual: The outcome (shown periods).
        expected: The outcome without the campaign (shown periods); NaN before it.
        band: Low and high ends of ``expected``; NaN before the campaign.
        effect: Sum over the campaign [units]; NaN where refused.
        low: Least effect that the test does not reject.
        high: Greatest effect that it does not reject.
        p_value: Two-sided; below ``alpha`` if and only if the interval leaves out 0.
        total: Expected sum over the campaign.
        periods: Periods of the campaign.
        alpha: Level of the test.
        placebos: Misses where nothing happened, over their standard errors.
        controls: Names of the series compared with.
        refusal: Why there is no estimate, in the reader's language; empty where there is.
        caution: What to keep in mind; empty for nothing.
        name: What the outcome is, in the reader's language; empty where it needs no name.
    """

    sheet: ClassVar[str] = mark("What the campaign added")
    labels: ClassVar[Mapping[str, str]] = {
        "item": mark("Item"),
        "value": mark("Value"),
        "low": mark("From"),
        "high": mark("To"),
    }

    method: Method
    unit: Unit
    days: Sequence[Any]
    actual: Floats
    expected: Floats
    band: tuple[Floats, Floats]
    effect: float
    low: float
    high: float
    p_value: float
    total: float
    periods: int
    alpha: float
    placebos: Floats
    controls: tuple[str, ...]
    refusal: str = ""
    caution: str = ""
    name: str = ""

    @property
    def credible(self) -> bool:
        """Whether there is an estimate."""
        return not self.refusal

    @property
    def average(self) -> float:
        """Effect a period."""
        return self.effect / self.periods

    @property
    def claimed(self) -> bool:
        """Whether an effect is claimed: the interval leaves out 0."""
        return self.credible and (self.low > 0 or self.high < 0)

    def relative(self, effect: float | None = None) -> float:
        """An effect over what would have been without it; NaN where that is not above 0.

        Args:
            effect: The estimate unless given, such as ``low``.
        """
        whole = self.total + self.effect
        given = self.effect if effect is None else effect
        base = whole - given
        return given / base if math.inf > base > NOTHING * abs(given) else math.nan

    def to_frame(self) -> pd.DataFrame:
        """The estimate, its parts and what it rests on, in words."""
        import pandas as pd

        def cells(value: float, unit: Unit, low: float = math.nan, high: float = math.nan) -> Any:
            return [show(v, unit, sign=unit == "share") for v in (value, low, high)]

        ends = (self.low, self.high)
        rows = [
            (tr("Actual"), *cells(self.total + self.effect, self.unit)),
            (
                tr("Expected without the campaign"),
                *cells(self.total, self.unit, self.total + self.effect - self.high,
                       self.total + self.effect - self.low),
            ),
            (tr("Added"), *cells(self.effect, self.unit, *ends)),
            (
                tr("Added a period"),
                *cells(self.average, self.unit, *(end / self.periods for end in ends)),
            ),
            (tr("Added, relative"), *cells(self.relative(), "share", *map(self.relative, ends))),
            (tr("P-value"), show(self.p_value, "p_value"), "", ""),
            (tr("Method"), tr(METHODS[self.method]), "", ""),
            (tr("Placebos"), show(len(self.placebos), "count"), "", ""),
        ]  # fmt: skip
        return pd.DataFrame(rows, columns=list(self.labels))

    def absent(self) -> str:
        """Why there is no estimate."""
        return self.refusal

    def findings(self) -> tuple[Finding, ...]:
        """Whether the campaign added anything, and how sure that is."""
        if not self.credible:
            return ()
        told = [Finding(
            key="lift", level=self._level(), text=self._named(self._sentence()),
            evidence={"effect": self.effect, "low": self.low, "high": self.high, "p": self.p_value},
            money=abs(self.effect) if self.claimed and self.unit == "money" else None,
        )]  # fmt: skip
        if self.caution:
            told.append(Finding(key="lift/caution", level="watch", text=self.caution))
        return tuple(told)

    def _named(self, words: str) -> str:
        """Words about the outcome, headed by its name."""
        return tr("{name}: {words}", name=self.name, words=words) if self.name else words

    def _level(self) -> Literal["good", "bad", "info"]:
        if not self.claimed:
            return "info"
        return "good" if self.low > 0 else "bad"

    def _sentence(self) -> str:
        given = {
            "low": show(self.low, self.unit, sign=True),
            "high": show(self.high, self.unit, sign=True),
            "p": show(self.p_value, "p_value"),
        }
        if not self.claimed:
            return tr(
                "No lift can be shown: anything between {low} and {high} fits what was seen "
                "(p {p}).", **given,
            )  # fmt: skip
        share = show(abs(self.relative()), "share")
        size = show(abs(self.effect), self.unit)
        if self.low > 0:
            return tr(
                "The campaign added {size}, {share} more than without it; between {low} and "
                "{high} (p {p}).", size=size, share=share, **given,
            )  # fmt: skip
        return tr(
            "The campaign lost {size}, {share} less than without it; between {low} and {high} "
            "(p {p}).", size=size, share=share, **given,
        )  # fmt: skip

    def chart(self) -> Chart | None:
        """Actual against expected with its interval; none where periods are no dates."""
        if not self.credible or not all(isinstance(day, dt.date) for day in self.days):
            return None
        import pandas as pd

        frame = pd.DataFrame(
            {
                "day": list(self.days),
                "actual": self.actual,
                "expected": self.expected,
                "low": self.band[0],
                "high": self.band[1],
            }
        )
        return line_chart(
            frame,
            caption=self._named(tr("Actual, and what was to be expected without the campaign")),
            unit=self.unit,
            labels={
                "actual": tr("Actual"),
                "expected": tr("Expected without the campaign"),
                "low": tr("Its interval"),
            },
            value="actual",
            compare="expected",
            band=("low", "high"),
        )
