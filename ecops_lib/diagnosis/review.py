"""The few findings of a day that matter, and what was looked at to find them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from ecops_lib.core.findings import Finding, most_important
from ecops_lib.core.language import mark, ntr, tr
from ecops_lib.core.results import Result
from ecops_lib.diagnosis.claims import find_claim_waves
from ecops_lib.diagnosis.decompose import split_amount
from ecops_lib.diagnosis.falls import find_conversion_shifts, find_traffic_shifts
from ecops_lib.diagnosis.history import History
from ecops_lib.diagnosis.levels import find_unusual_totals
from ecops_lib.diagnosis.movers import find_movers

if TYPE_CHECKING:
    import pandas as pd


Look = Callable[..., Result]
"""A section of the page: called with a store and ``day=``."""

MOST = 7
"""Findings that a manager can act on in a morning."""

STATES = {
    "act": mark("something to act on"),
    "fine": mark("within its usual range"),
    "absent": mark("not looked at: data missing"),
}


@dataclass(frozen=True, kw_only=True, eq=False)
class Review(Result):
    """A day's findings over all sections, the few that matter first.

    Attributes:
        day: The day.
        sections: The results that were looked at, in the order of the page.
    """

    labels: ClassVar[dict[str, str]] = {
        "section": mark("section"),
        "state": mark("state"),
        "count": mark("findings"),
    }
    sheet: ClassVar[str] = mark("what was looked at")

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
        """The most important ones; that there is none, where there is none."""
        shown = most_important(self.urgent, most=MOST)
        rest = len(self.urgent) - len(shown)
        if not shown:
            return (self._calm(),)
        if not rest:
            return shown
        text = ntr(
            "{count} more finding is in the sections below.",
            "{count} more findings are in the sections below.",
            rest,
            count=rest,
        )
        return (*shown, Finding(key="review/rest", level="info", text=text))

    def _calm(self) -> Finding:
        looked = [section for section in self.sections if not section.absent()]
        if not looked:
            text = tr("Nothing could be looked at: the store holds none of the tables needed.")
            return Finding(key="review/nothing", level="watch", text=text)
        text = tr("Nothing abnormal on this day in what the data let see.")
        return Finding(key="review/calm", level="good", text=text)

    def to_frame(self) -> pd.DataFrame:
        """One row a section: whether it was looked at and what it found."""
        import pandas as pd

        return pd.DataFrame([self._row(section) for section in self.sections])

    def _row(self, section: Result) -> dict[str, object]:
        if section.absent():
            return {"section": tr(section.sheet), "state": tr(STATES["absent"]), "count": None}
        count = sum(f.level in {"bad", "watch"} for f in section.findings())
        state = tr(STATES["act" if count else "fine"])
        return {"section": tr(section.sheet), "state": state, "count": count}


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
