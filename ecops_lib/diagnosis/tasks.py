"""Today's tasks with their owners, and what became of yesterday's.

Yesterday's tasks are yesterday's findings, computed again as they stood at the end of that
day, so that a page tells the same whenever it is made. What people did about them is read
from the actions that the store keeps (``diagnosis.actions``).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from ecops_lib.core.findings import Finding, most_important
from ecops_lib.core.formats import Unit, show
from ecops_lib.core.language import mark, ntr, tr
from ecops_lib.core.results import Result
from ecops_lib.data.frames import DAY
from ecops_lib.diagnosis.actions.followed import STATUSES
from ecops_lib.diagnosis.actions.keeping import RELAPSE
from ecops_lib.diagnosis.actions.kept import KeptAction, read_actions
from ecops_lib.diagnosis.history import History
from ecops_lib.diagnosis.review import Look, Review, review_day

if TYPE_CHECKING:
    import pandas as pd

STATES: Mapping[str, str] = {
    "new": mark("New today"),
    "persists": mark("Still open: found again today"),
    "over": mark("Over: no longer found today"),
    "unknown": mark("Cannot be told: its data end before today"),
}


@dataclass(frozen=True, kw_only=True, eq=False)
class Tasks(Result):
    """Tasks of a day and of the day before.

    Attributes:
        day: The day.
        rows: One row a task: ``state`` (new, persists, over or unknown), ``finding`` and
            ``mark`` (what people did about it lately; None where nothing).
    """

    units: ClassVar[Mapping[str, Unit]] = {"money": "money"}
    labels: ClassVar[Mapping[str, str]] = {
        "owner": mark("Owner"),
        "task": mark("Task"),
        "about": mark("Because"),
        "money": mark("At stake"),
        "state": mark("State"),
        "mark": mark("What was done"),
        "key": mark("Key"),
    }
    sheet: ClassVar[str] = mark("Tasks")

    day: dt.date
    rows: tuple[Task, ...] = ()

    def to_frame(self) -> pd.DataFrame:
        """Today's tasks, then yesterday's that are over."""
        import pandas as pd

        return pd.DataFrame([_shown(task) for task in self.rows], columns=list(self.labels))

    def findings(self) -> tuple[Finding, ...]:
        """How many tasks there are, and what became of yesterday's."""
        counts = {state: sum(t.state == state for t in self.rows) for state in STATES}
        today = counts["new"] + counts["persists"]
        if today:
            text = ntr(
                "{count} task for today, {new} of them new.",
                "{count} tasks for today, {new} of them new.",
                today,
                count=show(today, "count"),
                new=show(counts["new"], "count"),
            )
        else:
            text = tr("No task for today.")
        found = [Finding(key="tasks/today", level="info", text=text)]
        before = sum(counts.values()) - counts["new"]
        if before:
            found.append(Finding(key="tasks/before", level="info", text=_became(before, counts)))
        return tuple(found)


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """A finding that asks for something."""

    finding: Finding
    state: str
    mark: KeptAction | None = None


def _became(before: int, counts: Mapping[str, int]) -> str:
    return ntr(
        "Of {count} task of yesterday {over} is over, {persists} persists, {unknown} cannot be "
        "told.",
        "Of {count} tasks of yesterday {over} are over, {persists} persist, {unknown} cannot be "
        "told.",
        before,
        count=show(before, "count"),
        over=show(counts["over"], "count"),
        persists=show(counts["persists"], "count"),
        unknown=show(counts["unknown"], "count"),
    )


def _shown(task: Task) -> dict[str, object]:
    action, found = task.finding.action, task.mark
    said = tr("; ").join(p for p in (tr(STATUSES[found.status]), found.note) if p) if found else ""
    return {
        "owner": action.owner if action else "",
        "task": action.text if action else "",
        "about": task.finding.text,
        "money": task.finding.money,
        "state": tr(STATES[task.state]),
        "mark": said,
        "key": task.finding.key,
    }


def follow_tasks(history: History, review: Review, *, others: Sequence[Look] = ()) -> Tasks:
    """The tasks of a review, and what became of those of the day before.

    Args:
        history: The days before, of a store.
        review: The review of the day.
        others: The further sections that the review was made with.

    Raises:
        FileError: The store's actions cannot be understood.
    """
    before = review_day(history, day=review.day - DAY, others=others)
    store = history.tables.store
    marks = find_marks(read_actions(store), day=review.day) if store else {}
    return plan_tasks(review, before, marks=marks)


def find_marks(actions: Iterable[KeptAction], *, day: dt.date) -> dict[str, KeptAction]:
    """The actions that were closed lately, by key, as they stood at the end of a day.

    Args:
        actions: Those that the store keeps, earlier ones first.
        day: The day of the page.
    """
    stood = (action.on(day) for action in actions)
    return {
        action.key: action
        for action in stood
        if action and action.closed_on and (day - action.closed_on).days <= RELAPSE
    }


def plan_tasks(
    today: Review, before: Review, *, marks: Mapping[str, KeptAction] | None = None
) -> Tasks:
    """Make tasks of the findings that ask for something, and follow yesterday's.

    A task of yesterday *persists* if the same finding is made today, *is over* if its
    section looked today and did not find it, and *cannot be told* if its section had no
    data today.

    Args:
        today: The review of the day.
        before: The review of the day before, from the same store.
        marks: What people did about tasks lately, by key.

    Returns:
        The tasks, most important first; yesterday's that are over last.
    """
    now, then = _asking(today), _asking(before)
    told = marks or {}
    rows = [
        Task(
            finding=finding,
            state="persists" if finding.key in then else "new",
            mark=told.get(finding.key),
        )
        for finding in most_important(now.values(), most=len(now))
    ]
    for key, finding in then.items():
        if key not in now:
            state = "over" if _looked(today, before, key) else "unknown"
            rows.append(Task(finding=finding, state=state, mark=told.get(key)))
    return Tasks(day=today.day, rows=tuple(rows))


def _asking(review: Review) -> dict[str, Finding]:
    return {f.key: f for f in review.urgent if f.action is not None}


def _looked(today: Review, before: Review, key: str) -> bool:
    """Whether the section that made a finding yesterday had data today."""
    for now, then in zip(today.sections, before.sections, strict=True):
        if not then.absent() and any(f.key == key for f in then.findings()):
            return not now.absent()
    return False
