"""Today's tasks with their owners, and what became of yesterday's.

Nothing is stored by a run: yesterday's tasks are yesterday's findings, computed again
as they stood at the end of that day. What people did is read from ``tasks.csv`` in the
store's folder, if there is one: a line a task with its ``key`` (as on the page), the
``day`` of the page, a ``status`` (done or dropped) and a ``note``.
"""

from __future__ import annotations

import csv
import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from ecops_lib.core.checks import as_day, listed, require_columns
from ecops_lib.core.errors import FileError
from ecops_lib.core.findings import Finding, most_important
from ecops_lib.core.formats import Unit, show
from ecops_lib.core.language import mark, ntr, tr
from ecops_lib.core.names import short_name
from ecops_lib.core.results import Result
from ecops_lib.data.frames import DAY
from ecops_lib.diagnosis.history import History
from ecops_lib.diagnosis.review import Look, Review, review_day

if TYPE_CHECKING:
    import pandas as pd

MARKS: Mapping[str, str] = {"done": mark("done"), "dropped": mark("dropped")}

STATES: Mapping[str, str] = {
    "new": mark("New today"),
    "persists": mark("Still open: found again today"),
    "over": mark("Over: no longer found today"),
    "unknown": mark("Cannot be told: its data end before today"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """What somebody wrote about a task in ``tasks.csv``."""

    status: str
    note: str = ""


@dataclass(frozen=True, kw_only=True, eq=False)
class Tasks(Result):
    """Tasks of a day and of the day before.

    Attributes:
        day: The day.
        rows: One row a task: ``state`` (new, persists, over or unknown), ``finding`` and
            ``mark`` (None where nobody wrote one).
    """

    units: ClassVar[Mapping[str, Unit]] = {"money": "money"}
    labels: ClassVar[Mapping[str, str]] = {
        "owner": mark("Owner"),
        "task": mark("Task"),
        "about": mark("Because"),
        "money": mark("At stake"),
        "state": mark("State"),
        "mark": mark("In tasks.csv"),
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
    mark: Mark | None = None


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
    said = tr("; ").join(p for p in (tr(MARKS[found.status]), found.note) if p) if found else ""
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
    """
    before = review_day(history, day=review.day - DAY, others=others)
    store = history.tables.store
    marks = read_marks(store.path, day=before.day) if store else {}
    return plan_tasks(review, before, marks=marks)


def plan_tasks(today: Review, before: Review, *, marks: Mapping[str, Mark] | None = None) -> Tasks:
    """Make tasks of the findings that ask for something, and follow yesterday's.

    A task of yesterday *persists* if the same finding is made today, *is over* if its
    section looked today and did not find it, and *cannot be told* if its section had no
    data today.

    Args:
        today: The review of the day.
        before: The review of the day before, from the same store.
        marks: What people wrote about the tasks of the day before, by key.

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


def read_marks(folder: str | Path, *, day: dt.date) -> dict[str, Mark]:
    """What people wrote in ``tasks.csv`` about the tasks of a page, by key.

    Args:
        folder: The store's folder.
        day: The day of that page.

    Raises:
        FileError: The file lacks a column, or a status is neither done nor dropped.
    """
    file = Path(folder) / "tasks.csv"
    if not file.exists():
        return {}
    with file.open(encoding="utf-8-sig", newline="") as opened:
        reader = csv.DictReader(opened)
        require_columns(reader.fieldnames or [], ("key", "day", "status"), table=str(file))
        return {row["key"]: _mark(row, file) for row in reader if _is_of(row, day, file)}


def _is_of(row: Mapping[str, str], day: dt.date, file: Path) -> bool:
    return as_day(row["day"], name=f"day in {file}") == day


def _mark(row: Mapping[str, str], file: Path) -> Mark:
    if row["status"] not in MARKS:
        raise FileError(
            f"{file} marks {row['key']!r} as {row['status']!r}; use one of {listed(MARKS)}."
        )
    return Mark(status=row["status"], note=short_name(row.get("note"), ""))
