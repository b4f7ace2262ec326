"""What went out of its range during a week or month, for how long, and what is recorded of it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from ecops_lib.core.findings import Finding
from ecops_lib.core.formats import Unit, is_missing, show
from ecops_lib.core.language import mark, tr
from ecops_lib.core.names import joined, short_name
from ecops_lib.core.results import Result
from ecops_lib.data.calendar.periods import Period
from ecops_lib.data.frames import DAY
from ecops_lib.diagnosis.causes import reason_words
from ecops_lib.diagnosis.falls import find_conversion_shifts, find_traffic_shifts
from ecops_lib.diagnosis.history import History
from ecops_lib.diagnosis.shifts import Kind, Shift, shift_signs, todo
from ecops_lib.metrics.bases import Source

if TYPE_CHECKING:
    import pandas as pd

KINDS: Mapping[Kind, str] = {
    "conversion": mark("Conversion of a product"),
    "traffic": mark("Visitors of a channel"),
}
GAP = 3
"""Days without an alarm after which the next one is another incident."""

SHOWN = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """Days on which one thing was out of its range, one way.

    Attributes:
        kind: ``conversion`` of a product or ``traffic`` of a channel.
        first: First day of it: of the first alarm, or of the worst finding's days.
        last: Last day on which it was found within the period.
        worst: The finding that chance explains least.
        owner: Who sees to it.
    """

    kind: Kind
    first: dt.date
    last: dt.date
    worst: Shift
    owner: str

    @property
    def size(self) -> float:
        """Money of it, 0 where it is not known, for sorting."""
        return 0.0 if is_missing(self.worst.money) else abs(self.worst.money)


@dataclass(frozen=True, kw_only=True, eq=False)
class PeriodIncidents(Result):
    """Products and channels that left their range in a period.

    Attributes:
        period: The period.
        items: The incidents, most money first.
        looked: Days that could be looked at.
        reason: Why none could; empty where some could.
    """

    sheet: ClassVar[str] = mark("Incidents of the period")
    labels: ClassVar[Mapping[str, str]] = {
        "kind": mark("What"),
        "name": mark("Name"),
        "first": mark("First day"),
        "last": mark("Last day"),
        "seen": mark("Counted at its worst"),
        "expected": mark("Expected then"),
        "days": mark("Over"),
        "money": mark("Sales gained or lost, estimate"),
        "why": mark("What the data show around it"),
    }
    units: ClassVar[Mapping[str, Unit]] = {
        "first": "day", "last": "day", "seen": "count", "expected": "number", "days": "days",
        "money": "money",
    }  # fmt: skip

    period: Period
    items: tuple[Incident, ...] = ()
    looked: int = 0
    reason: str = ""

    def absent(self) -> str:
        """Why no day could be looked at, if so."""
        return self.reason

    def to_frame(self) -> pd.DataFrame:
        """One row an incident, the most money first."""
        import pandas as pd

        rows = [
            [tr(KINDS[i.kind]), i.worst.name, i.first, i.last, i.worst.seen, i.worst.expected,
             float(i.worst.days), i.worst.money, reason_words(i.worst.reasons)]
            for i in self.items
        ]  # fmt: skip
        return pd.DataFrame(rows, columns=list(self.labels))

    def page_frame(self) -> pd.DataFrame:
        """The incidents with most money."""
        return self.to_frame().head(SHOWN)

    def findings(self) -> tuple[Finding, ...]:
        """One sentence an incident, or that there was none."""
        if self.reason:
            return ()
        if not self.items:
            text = tr("No product's conversion and no channel's visitors left their usual range.")
            return (Finding(key="incidents/none", level="good", text=text),)
        return tuple(map(self._finding, self.items[:SHOWN]))

    def _finding(self, incident: Incident) -> Finding:
        worst = incident.worst
        words = {
            "name": short_name(worst.name, worst.item),
            "first": show(incident.first, "day"), "last": show(incident.last, "day"),
            "seen": show(worst.seen, "count"), "expected": show(worst.expected, "count"),
        }  # fmt: skip
        why = (
            tr("Recorded around it: {reasons}.", reasons=reason_words(worst.reasons))
            if worst.reasons
            else tr("The data show no reason for it.")
        )
        return Finding(
            key=f"incidents/{incident.kind}/{worst.item}/{incident.first}",
            level="bad" if worst.fell else "good",
            text=joined(_sentence(incident.kind, words), why),
            evidence=worst.evidence,
            money=None if is_missing(worst.money) else abs(worst.money),
            action=todo(incident.kind, worst, incident.owner),
            signs=shift_signs(incident.kind, worst, first=incident.first, last=incident.last),
        )


def _sentence(kind: Kind, words: Mapping[str, str]) -> str:
    if kind == "conversion":
        return tr(
            "{name}, {first} to {last}: {seen} buyers where its visitors let expect {expected}.",
            **words,
        )
    return tr("{name}, {first} to {last}: {seen} visitors instead of {expected}.", **words)


def find_incidents(source: Source, period: Period) -> PeriodIncidents:
    """Look at every day of a period as the daily review does, and tell what lasted as one.

    Products' conversion and channels' visitors are judged on each day from the days before it
    (``find_conversion_shifts``, ``find_traffic_shifts``); alarms of the same thing and direction
    at most ``GAP`` days apart are one incident, told by the finding that chance explains least.

    Args:
        source: The store.
        period: The period.

    Returns:
        The incidents; absent where no day's visitors can be judged.
    """
    alarms: list[tuple[Kind, dt.date, Shift, str]] = []
    looked, why = 0, ""
    for number in range(period.days):
        day = period.first + number * DAY
        history = History(source, day=day)
        for held in (
            find_conversion_shifts(history, day=day),
            find_traffic_shifts(history, day=day),
        ):
            looked += not held.reason
            why = held.reason or why
            alarms += [(held.kind, day, shift, held.owner) for shift in held.items]
    if not looked:
        return PeriodIncidents(period=period, reason=why)
    items = sorted(_merged(alarms), key=lambda i: (-i.size, i.kind, i.worst.item))
    return PeriodIncidents(period=period, items=tuple(items), looked=looked)


def _merged(alarms: Sequence[tuple[Kind, dt.date, Shift, str]]) -> Iterator[Incident]:
    """Alarms of one thing and direction, run together where they follow one another."""
    things: dict[tuple[Kind, str, bool], list[tuple[dt.date, Shift, str]]] = {}
    for kind, day, shift, owner in alarms:
        things.setdefault((kind, shift.item, shift.fell), []).append((day, shift, owner))
    for (kind, _, _), held in things.items():
        run = [held[0]]
        for one in held[1:]:
            if (one[0] - run[-1][0]).days > GAP:
                yield _incident(kind, run)
                run = []
            run.append(one)
        yield _incident(kind, run)


def _incident(kind: Kind, run: Sequence[tuple[dt.date, Shift, str]]) -> Incident:
    day, worst, owner = min(run, key=lambda one: (one[1].q, -abs(one[1].seen - one[1].expected)))
    first = min(run[0][0], day - (worst.days - 1) * DAY)
    return Incident(kind=kind, first=first, last=run[-1][0], worst=worst, owner=owner)
