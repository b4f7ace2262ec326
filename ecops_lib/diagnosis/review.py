"""The few findings of a day that matter, and what was looked at to find them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from ecops_lib.core.findings import Finding, most_important
from ecops_lib.core.formats import Unit, show
from ecops_lib.core.language import mark, ntr, tr
from ecops_lib.core.results import Result
from ecops_lib.diagnosis.claims import find_claim_waves
from ecops_lib.diagnosis.decompose import AmountSplit, split_amount
from ecops_lib.diagnosis.falls import find_conversion_shifts, find_traffic_shifts
from ecops_lib.diagnosis.history import History
from ecops_lib.diagnosis.levels import find_unusual_totals
from ecops_lib.diagnosis.movers import find_movers

if TYPE_CHECKING:
    import pandas as pd

    from ecops_lib.core.figures import KeyFigure

Look = Callable[..., Result]
"""A section of the page: called with a store and ``day=``."""

MOST = 7
"""Findings that a manager can act on in a morning."""

STATES: Mapping[str, str] = {
    "act": mark("Something to act on"),
    "fine": mark("Within its usual range"),
    "absent": mark("Not looked at: data missing"),
}


@dataclass(frozen=True, kw_only=True, eq=False)
class Review(Result):
    """A day's findings over all sections, the few that matter first.

    Attributes:
        day: The day.
        sections: The results that were looked at, in the order of the page.
    """

    units: ClassVar[Mapping[str, Unit]] = {"count": "count"}
    labels: ClassVar[Mapping[str, str]] = {
        "section": mark("Section"),
        "state": mark("State"),
        "count": mark("Findings"),
    }
    sheet: ClassVar[str] = mark("What was looked at")

    day: dt.date
    sections: tuple[Result, ...]

    @property
    def urgent(self) -> tuple[Finding, ...]:
        """All findings to act on or to watch, each thing once, in the order of the page."""
        found: dict[str, Finding] = {}
        for section in self.sections:
            for finding in () if section.absent() else section.findings():
                if finding.level in {"bad", "watch"}:
                    thing = finding.key.partition("/")[2] or finding.key
                    found.setdefault(thing, finding)
        return tuple(found.values())

    def findings(self) -> tuple[Finding, ...]:
        """The day's sales, then the most important findings, or that there is none."""
        shown = most_important(self.urgent, most=MOST)
        rest = len(self.urgent) - len(shown)
        if not shown:
            return (*self._headline(), self._calm())
        if not rest:
            return (*self._headline(), *shown)
        text = ntr(
            "{count} more finding is in the sections below.",
            "{count} more findings are in the sections below.",
            rest,
            count=rest,
        )
        more = Finding(key="review/rest", level="info", text=text)
        return (*self._headline(), *shown, more)

    def key_figures(self) -> tuple[KeyFigure, ...]:
        """Those of all sections."""
        told = (section for section in self.sections if not section.absent())
        return tuple(figure for section in told for figure in section.key_figures())

    def _headline(self) -> tuple[Finding, ...]:
        """What was sold, and how that compares."""
        told = (s for s in self.sections if isinstance(s, AmountSplit) and not s.absent())
        return tuple(finding for section in told for finding in section.findings()[:1])

    def _calm(self) -> Finding:
        looked = sum(not section.absent() for section in self.sections)
        numbers = {"looked": float(looked), "sections": float(len(self.sections))}
        if not looked:
            text = tr("Nothing could be looked at: the store holds none of the tables needed.")
            return Finding(key="review/nothing", level="watch", text=text, evidence=numbers)
        text = tr(
            "Nothing abnormal on this day in the {looked} of {sections} things that the data let "
            "look at.",
            looked=show(looked, "count"),
            sections=show(len(self.sections), "count"),
        )
        return Finding(key="review/calm", level="good", text=text, evidence=numbers)

    def to_frame(self) -> pd.DataFrame:
        """One row a section: whether it was looked at and what it found."""
        import pandas as pd

        return pd.DataFrame(list(map(looked_at, self.sections)))


def looked_at(section: Result) -> dict[str, object]:
    """Whether a section could be looked at, and how many findings ask for something."""
    count, state = None, "absent"
    if not section.absent():
        count = sum(f.level in {"bad", "watch"} for f in section.findings())
        state = "act" if count else "fine"
    return {"section": tr(section.sheet), "state": tr(STATES[state]), "count": count}


def review_day(
    history: History,
    *,
    day: dt.date,
    others: Sequence[Look] = (),
) -> Review:
    """Look at a day from all sides and pick the findings that matter.

    Things are named once: what the first section says of a product, later ones do not
    repeat. Every section keeps its own false-alarm rate (``counts.ALARM``), so that a day
    without news has an alarm in a few of a hundred days at most.

    Args:
        history: The days before.
        day: The day, the history's last or the one before it.
        others: Further sections that take the store and ``day=`` (stock, orders waiting).

    Returns:
        The findings over all sections.
    """
    store = history.tables.source
    return Review(
        day=day,
        sections=(
            *(look(store, day=day) for look in others),
            find_unusual_totals(history, day=day),
            find_conversion_shifts(history, day=day),
            find_traffic_shifts(history, day=day),
            find_claim_waves(history, day=day),
            find_movers(history, day=day),
            find_movers(history, day=day, what="channel"),
            split_amount(history, day=day),
        ),
    )
