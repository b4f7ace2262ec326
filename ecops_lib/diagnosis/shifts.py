"""Things that left the range of their own past, and what is said of them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from ecops_lib.core.findings import Action, Finding, Sign
from ecops_lib.core.formats import Unit, is_missing, show
from ecops_lib.core.language import mark, ntr, tr
from ecops_lib.core.names import joined, short_name
from ecops_lib.core.results import Result
from ecops_lib.diagnosis.advice import advise
from ecops_lib.diagnosis.causes import Reason, kind_words, reason_signs, reason_words

if TYPE_CHECKING:
    import pandas as pd

Kind = Literal["conversion", "traffic"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """One product or channel beyond noise.

    Attributes:
        item: Its id.
        name: Its name.
        days: Length of the window, up to the day [days].
        visitors: Visitors in the window (days added up).
        seen: Buyers of a product, visitors of a channel, in the window.
        expected: The same, from its own past.
        low: Lower end of the range that holds 95 % of such windows.
        high: Its upper end.
        q: False-discovery rate.
        money: Sales gained, or lost where negative, estimate [store currency].
        reasons: What the data show around it.
    """

    item: str
    name: str
    days: int
    visitors: float
    seen: float
    expected: float
    low: float
    high: float
    q: float
    money: float
    reasons: tuple[Reason, ...] = ()

    @property
    def fell(self) -> bool:
        """Whether there were fewer than expected."""
        return self.seen < self.expected

    @property
    def evidence(self) -> dict[str, float]:
        """The numbers behind its sentence, its reasons' included."""
        names = ("days", "visitors", "seen", "expected", "low", "high", "q", "money")
        numbers = {name: float(getattr(self, name)) for name in names}
        for reason in self.reasons:
            numbers |= reason.evidence
        return numbers


@dataclass(frozen=True, kw_only=True, eq=False)
class Shifts(Result):
    """Products whose conversion, or channels whose traffic, left its usual range.

    Attributes:
        kind: ``conversion`` (of products) or ``traffic`` (of channels).
        day: The day.
        owner: Who sees to it.
        items: Those beyond noise, most money first.
        judged: How many were judged.
        reason: Why nothing could be judged; empty where something was.
    """

    units: ClassVar[Mapping[str, Unit]] = {
        "days": "days",
        "visitors": "count",
        "rate": "share",
        "expected_rate": "share",
        "seen": "count",
        "expected": "number",
        "low": "count",
        "high": "count",
        "q": "share",
        "money": "money",
    }

    kind: Kind
    day: dt.date
    owner: str
    items: tuple[Shift, ...] = ()
    judged: int = 0
    reason: str = ""

    @property
    def sheet(self) -> str:  # type: ignore[override]
        """Name of the sheet in the workbook."""
        return {
            "conversion": mark("Conversion of products"),
            "traffic": mark("Visitors by channel"),
        }[self.kind]

    def headings(self) -> dict[str, str]:
        """The columns' headings in the reader's language."""
        traffic = self.kind == "traffic"
        return {
            "name": tr("Channel") if traffic else tr("Product"),
            "days": tr("Over the last"),
            "visitors": tr("Visitors"),
            "rate": tr("Conversion"),
            "expected_rate": tr("Expected conversion"),
            "seen": tr("Visitors") if traffic else tr("Buyers"),
            "expected": tr("Expected"),
            "low": tr("Usual range from"),
            "high": tr("To"),
            "q": tr("False-alarm rate"),
            "money": tr("Sales gained or lost, estimate"),
            "why": tr("What the data show around it"),
        }

    def absent(self) -> str:
        """Why nothing could be judged, if so."""
        return self.reason

    def to_frame(self) -> pd.DataFrame:
        """One row a thing beyond noise."""
        import pandas as pd

        columns = ["name", "days", "visitors", "rate", "expected_rate", "seen", "expected"]
        if self.kind == "traffic":
            columns = ["name", "days", "seen", "expected"]
        columns += ["low", "high", "q", "money", "why"]
        return pd.DataFrame([_cells(item) for item in self.items], columns=columns)

    def findings(self) -> tuple[Finding, ...]:
        """One sentence a thing that fell or rose; that none did, where none did."""
        if self.reason:
            return ()
        return tuple(map(self._finding, self.items)) or (self._none(),)

    def _none(self) -> Finding:
        count = show(self.judged, "count")
        if not self.judged:
            text = tr("Nothing has visitors enough for a few days to be told from chance.")
        elif self.kind == "conversion":
            text = ntr(
                "{count} product has enough visitors to tell; its conversion is within its usual "
                "range.",
                "{count} products have enough visitors to tell; the conversion of each is within "
                "its usual range.",
                self.judged,
                count=count,
            )
        else:
            text = ntr(
                "{count} channel has enough visitors to tell; they are within their usual range.",
                "{count} channels have enough visitors to tell; those of each are within their "
                "usual range.",
                self.judged,
                count=count,
            )
        return Finding(key=f"{self.kind}_drop", level="good", text=text)

    def _finding(self, item: Shift) -> Finding:
        words = _conversion_words if self.kind == "conversion" else _traffic_words
        why = (
            tr("Recorded around it: {reasons}.", reasons=reason_words(item.reasons))
            if item.reasons
            else tr("The data show no reason for it.")
        )
        return Finding(
            key=f"{self.kind}_{'drop' if item.fell else 'rise'}/{item.item}",
            level="bad" if item.fell else "good",
            text=joined(words(item), why),
            evidence=item.evidence,
            money=None if is_missing(item.money) else abs(item.money),
            action=todo(self.kind, item, self.owner),
            signs=shift_signs(
                self.kind, item, first=self.day - dt.timedelta(days=item.days - 1), last=self.day
            ),
        )


def todo(kind: Kind, item: Shift, owner: str) -> Action:
    """What to do, and what would confirm the most telling reason of a fall."""
    advice = advise(kind, item.reasons, fell=item.fell)
    if item.reasons and item.fell:
        advice = tr("{advice}; to be sure, {check}", advice=advice, check=item.reasons[0].check)
    return Action(text=advice, owner=owner)


def shift_signs(kind: Kind, item: Shift, *, first: dt.date, last: dt.date) -> tuple[Sign, ...]:
    """What of a fall or rise other shops may show too: a channel, not a product; its reasons.

    Args:
        kind: ``conversion`` of a product or ``traffic`` of a channel.
        item: The fall or rise.
        first: Its first day.
        last: Its last day.
    """
    reasons = reason_signs(item.reasons, fell=item.fell, first=first, last=last)
    if kind == "conversion":
        return reasons
    name = short_name(item.name, item.item)
    text = (
        tr("fewer visitors from {channel}", channel=name)
        if item.fell
        else tr("more visitors from {channel}", channel=name)
    )
    key = f"traffic/{'down' if item.fell else 'up'}/{item.item}"
    return (Sign(key=key, text=text, first=first, last=last), *reasons)


def _cells(item: Shift) -> dict[str, object]:
    rates = {"rate": item.seen / item.visitors, "expected_rate": item.expected / item.visitors}
    return {**item.evidence, **rates, "name": item.name, "why": kind_words(item.reasons)}


def _span_words(item: Shift) -> str:
    if item.days == 1:
        return tr("on this day")
    return tr("over the last {days} days", days=show(item.days, "count"))


def _conversion_words(item: Shift) -> str:
    values = {
        "name": short_name(item.name, item.item),
        "when": _span_words(item),
        "rate": show(item.seen / item.visitors, "share"),
        "usual": show(item.expected / item.visitors, "share"),
        "seen": show(item.seen, "count"),
        "expected": show(item.expected, "count"),
    }
    if item.fell:
        return tr(
            "{name}: conversion fell to {rate} {when}, where {usual} was to be expected "
            "({seen} buyers instead of about {expected}).",
            **values,
        )
    return tr(
        "{name}: conversion rose to {rate} {when}, where {usual} was to be expected "
        "({seen} buyers instead of about {expected}).",
        **values,
    )


def _traffic_words(item: Shift) -> str:
    values = {
        "name": short_name(item.name, item.item),
        "when": _span_words(item),
        "change": show(abs(item.seen / item.expected - 1), "share"),
        "seen": show(item.seen, "count"),
        "expected": show(item.expected, "count"),
    }
    if item.fell:
        return tr(
            "{name} brought {change} fewer visitors than expected {when} ({seen} instead of "
            "about {expected}).",
            **values,
        )
    return tr(
        "{name} brought {change} more visitors than expected {when} ({seen} instead of "
        "about {expected}).",
        **values,
    )
