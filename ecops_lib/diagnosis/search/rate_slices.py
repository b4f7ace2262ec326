"""Where did a rate change? Its few slices, and what they cost."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import isnan
from typing import TYPE_CHECKING, Any, ClassVar

from ecops_lib.core.findings import Action, Finding
from ecops_lib.core.formats import Unit, show
from ecops_lib.core.language import mark, ntr, tr
from ecops_lib.core.names import short_name
from ecops_lib.core.results import Result
from ecops_lib.diagnosis.search.lattice import Slice
from ecops_lib.diagnosis.search.rates import RatePart, RateSplit, explain_rate

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, kw_only=True, eq=False)
class RateChange:
    """A rate and the slices in which it changed.

    Attributes:
        key: What tells it from others in a finding's key.
        name: The rate in the reader's language.
        split: What the search found.
        good: Whether more hits are better.
        worth: What a hit brings or costs [store currency]; NaN where it cannot be told.
        advice: What to do where it got worse.
        owner: Who does it.
    """

    key: str
    name: str
    split: RateSplit
    good: bool
    worth: float
    advice: str
    owner: str

    def worse(self, part: RatePart) -> bool:
        """Whether a slice's change is for the worse."""
        return (part.part < 0) == self.good


@dataclass(frozen=True, kw_only=True, eq=False)
class RateSlices(Result):
    """Rates of a period against what their past lets expect.

    Attributes:
        start: First day.
        end: Last day.
        changes: The rates, each with its slices.
        dimensions: Names of the dimensions that slices are cut by.
        names: Names of products by id.
        reason: Why nothing could be searched; empty where something was.
    """

    units: ClassVar[Mapping[str, Unit]] = {
        "tries": "count", "value": "share", "usual": "share", "change": "points",
        "hits": "count", "money": "money",
    }  # fmt: skip
    labels: ClassVar[Mapping[str, str]] = {
        "rate": mark("Rate"),
        "slice": mark("Slice"),
        "tries": mark("Counted on"),
        "value": mark("Value"),
        "usual": mark("Expected"),
        "change": mark("Change"),
        "hits": mark("More or fewer than expected"),
        "money": mark("In money"),
    }
    sheet: ClassVar[str] = mark("Where rates changed")

    start: dt.date
    end: dt.date
    changes: tuple[RateChange, ...] = ()
    dimensions: Mapping[str, str] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)
    reason: str = ""

    def absent(self) -> str:
        """Why nothing could be searched, if so."""
        return self.reason

    def to_frame(self) -> pd.DataFrame:
        """One row a rate for the whole, then one for each of its slices."""
        import pandas as pd

        rows = []
        for one in self.changes:
            split = one.split
            whole = RatePart(values=(), tries=split.tries, hits=split.hits,
                             expected=split.expected, part=split.hits - split.expected,
                             evidence=0.0)  # fmt: skip
            rows.append(self._row(one, whole, tr("the whole shop")))
            rows += [self._row(one, part, self.words(part.values)) for part in split.parts]
        return pd.DataFrame(rows, columns=list(self.labels))

    def _row(self, one: RateChange, part: RatePart, name: str) -> list[Any]:
        return [one.name, name, part.tries, part.rate, part.usual, part.rate - part.usual,
                part.part, part.part * one.worth]  # fmt: skip

    def words(self, values: Slice) -> str:
        """A slice in words."""
        if not values:
            return tr("everywhere alike")
        return " × ".join(self._value(name, value) for name, value in values)

    def _value(self, name: str, value: Any) -> str:
        if value == "":
            return tr("{dimension} not told", dimension=tr(self.dimensions[name]))
        if name == "product_id":
            return short_name(self.names.get(value, value), value)
        return short_name(tr(value) if name == "buyer" else value)

    def findings(self) -> tuple[Finding, ...]:
        """Each slice whose rate changed, or that none did."""
        if self.reason:
            return ()
        told = [self._finding(one, part) for one in self.changes for part in one.split.parts]
        return tuple(told) or (self._calm(),)

    def _calm(self) -> Finding:
        count = len(self.changes)
        text = ntr(
            "{count} rate was searched; no slice of it left its usual range.",
            "{count} rates were searched; no slice of them left its usual range.",
            count,
            count=show(count, "count"),
        )
        return Finding(key="rates/calm", level="good", text=text, evidence={"rates": float(count)})

    def _finding(self, one: RateChange, part: RatePart) -> Finding:
        worse, money = one.worse(part), abs(part.part * one.worth)
        words = {
            "rate": one.name, "slice": self.words(part.values), "value": show(part.rate, "share"),
            "usual": show(part.usual, "share"), "tries": show(part.tries, "count"),
            "hits": show(abs(part.part), "count"),
        }  # fmt: skip
        text = (
            tr(
                "{rate}, {slice}: {value} of {tries} instead of {usual}; about {hits} fewer.",
                **words,
            )
            if part.part < 0
            else tr(
                "{rate}, {slice}: {value} of {tries} instead of {usual}; about {hits} more.",
                **words,
            )
        )
        sliced = "&".join(f"{name}={value}" for name, value in part.values) or "shop"
        numbers = {
            "tries": part.tries, "hits": part.hits, "expected": part.expected,
            "days": float((self.end - self.start).days + 1),
        }  # fmt: skip
        return Finding(
            key=f"rates/{one.key}/{sliced}",
            level="bad" if worse else "good",
            text=text,
            evidence=numbers,
            money=None if isnan(money) else money,
            action=Action(text=one.advice, owner=one.owner) if worse else None,
        )


def change_of(
    rows: pd.DataFrame, dimensions: Sequence[str], *, tries: str, hits: str, **about: Any
) -> RateChange:
    """A rate with its slices.

    Args:
        rows: One row a day × leaf, as ``explain_rate`` takes it, but for the names of the counts.
        dimensions: The dimensions.
        tries: Column of those who could.
        hits: Column of those who did.
        about: The other fields of ``RateChange``.
    """
    counted = rows.rename(columns={tries: "tries", hits: "hits"})
    return RateChange(split=explain_rate(counted, dimensions), **about)
