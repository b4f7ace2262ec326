"""Actions of earlier pages in a table and in sentences: open, late, back, not back."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from ecops_lib.core.findings import Action, Finding
from ecops_lib.core.formats import Unit, is_missing, show
from ecops_lib.core.language import mark, ntr, tr
from ecops_lib.core.names import joined
from ecops_lib.core.results import Result
from ecops_lib.diagnosis.actions.followed import COUNTED, STATUSES, VERDICTS, Followed

if TYPE_CHECKING:
    import pandas as pd

SHOWN, TOLD = 12, 4
"""Rows on a page, and sentences on single actions."""


@dataclass(frozen=True, kw_only=True, eq=False)
class ActionResults(Result):
    """Actions of earlier pages and what became of them.

    Attributes:
        as_of: Last day that counts.
        days: How many days back the closing of an action may lie.
        rows: Open actions and closed ones.
        kept: How many actions are kept at all, older and newer ones among them.
    """

    units: ClassVar[Mapping[str, Unit]] = {
        "opened_on": "day", "due": "day", "closed_on": "day", "found_on": "day",
        "expected_money": "money", "open_days": "days", "days": "count", "seen": "count",
        "expected": "number", "low": "count", "high": "count", "regained": "money",
        "regained_low": "money", "regained_high": "money",
    }  # fmt: skip
    labels: ClassVar[Mapping[str, str]] = {
        "task": mark("Task"),
        "name": mark("About"),
        "owner": mark("Owner"),
        "status": mark("State"),
        "due": mark("Due by"),
        "expected_money": mark("At stake"),
        "result": mark("Did it come back"),
        "regained": mark("Regained, estimate"),
        "key": mark("Key"),
        "text": mark("Because"),
        "opened_on": mark("Opened"),
        "open_days": mark("Days open"),
        "found_on": mark("Last found"),
        "closed_on": mark("Closed"),
        "note": mark("Note"),
        "days": mark("Days measured"),
        "seen": mark("Counted since"),
        "expected": mark("Expected"),
        "low": mark("Range from"),
        "high": mark("Range to"),
        "regained_low": mark("Regained, at least"),
        "regained_high": mark("Regained, at most"),
        "page": mark("Page"),
    }
    sheet: ClassVar[str] = mark("Earlier tasks")

    as_of: dt.date
    days: int
    rows: tuple[Followed, ...] = ()
    kept: int = 0

    def absent(self) -> str:
        """That nothing is kept yet, if so."""
        if self.rows:
            return ""
        if self.kept:
            return tr(
                "No task of earlier pages is open, and none was closed in the last {days}.",
                days=show(self.days, "days"),
            )
        return tr("No task is kept yet; 'ecops run' keeps those that a page asks for.")

    def to_frame(self) -> pd.DataFrame:
        """One row an action: late ones, other open ones, then those that were closed."""
        import pandas as pd

        rows = [self._cells(row) for row in sorted(self.rows, key=self._order)]
        return pd.DataFrame(rows, columns=list(self.labels))

    def page_frame(self) -> pd.DataFrame:
        """The first rows, with the columns that a reader needs to act."""
        return self.to_frame().iloc[:SHOWN, :9]

    def _order(self, row: Followed) -> tuple[object, ...]:
        group = (
            0
            if row.is_late(self.as_of)
            else ("open", "done", "dropped").index(row.action.status) + 1
        )
        rank = ("not_yet", "back", "untold", "").index(row.verdict)
        money = row.action.expected_money or 0.0
        return group, rank, -money, row.action.key, row.action.opened_on

    def _cells(self, row: Followed) -> dict[str, object]:
        action = row.action
        status = tr(STATUSES[action.status])
        if action.relapsed_on and action.status == "open":
            status = tr("open again")
        end = action.closed_on or self.as_of
        held = ("task", "owner", "opened_on", "due", "expected_money", "key", "text", "found_on",
                "closed_on", "note", "page")  # fmt: skip
        return {
            **{name: getattr(action, name) for name in held},
            **(row.numbers if row.days else {}),
            "name": row.name,
            "regained": row.regained if row.is_told else None,
            "status": tr("overdue") if row.is_late(self.as_of) else status,
            "result": row.in_words(),
            "open_days": float((end - action.opened_on).days),
        }

    def findings(self) -> tuple[Finding, ...]:
        """How many are open and what the others did, then the actions that matter most."""
        if self.absent():
            return ()
        ranked = sorted(self.rows, key=self._order)
        again = [row for row in ranked if row.action.relapsed_on and row.action.status == "open"]
        late = [row for row in ranked if row.is_late(self.as_of) and row not in again]
        short = [row for row in ranked if row.verdict == "not_yet"]
        back = [row for row in ranked if row.verdict == "back"]
        told = [
            *map(_relapse, again[:1]),
            *map(_short, short[:2]),
            *map(self._late, late[:1]),
            *map(_back, back[:2]),
        ]
        return (self._open(), *self._done(), *told[:TOLD])

    def _open(self) -> Finding:
        opened = [row for row in self.rows if row.action.status == "open"]
        late = sum(row.is_late(self.as_of) for row in opened)
        text = (
            ntr(
                "{count} task of earlier pages is open; {late} past the due day.",
                "{count} tasks of earlier pages are open; {late} past their due day.",
                len(opened),
                count=show(len(opened), "count"),
                late=show(late, "count"),
            )
            if opened
            else tr("No task of earlier pages is open.")
        )
        numbers = {"open": float(len(opened)), "late": float(late)}
        return Finding(key="action/open", level="info", text=text, evidence=numbers)

    def _done(self) -> tuple[Finding, ...]:
        done = [row for row in self.rows if row.action.status == "done"]
        if not done:
            return ()
        counts = {name: sum(row.verdict == name for row in done) for name in VERDICTS if name}
        text = ntr(
            "Of {count} task done in the last {days}, {back} came back, {not_yet} did not yet, "
            "{untold} cannot be told.",
            "Of {count} tasks done in the last {days}, {back} came back, {not_yet} did not yet, "
            "{untold} cannot be told.",
            len(done),
            count=show(len(done), "count"),
            days=show(self.days, "days"),
            **{name: show(number, "count") for name, number in counts.items()},
        )
        if counts["back"]:
            text = joined(
                text, tr("That something came back after a task is no proof that the task did it.")
            )
        numbers = {str(name): float(number) for name, number in counts.items()}
        return (Finding(key="action/done", level="info", text=text, evidence=numbers),)

    def _late(self, row: Followed) -> Finding:
        action = row.action
        text = tr(
            "{what} was due on {due} and is still open, {days} after it was found.",
            what=row.task_words,
            due=show(action.due, "day"),
            days=show((self.as_of - action.opened_on).days, "days"),
        )
        return Finding(
            key=f"action/late/{action.key}",
            level="watch",
            text=text,
            evidence={"open_days": float((self.as_of - action.opened_on).days)},
            money=action.expected_money,
            action=Action(text=tr("do it, or drop it with a note"), owner=action.owner),
        )


def _relapse(row: Followed) -> Finding:
    action = row.action
    text = tr(
        "{what}: the task was done on {done}, and the same trouble was found again on {again}; "
        "the task is open again.",
        what=row.what,
        done=show(action.done_before, "day"),
        again=show(action.relapsed_on, "day"),
    )
    return Finding(
        key=f"action/again/{action.key}",
        level="bad",
        text=text,
        money=action.expected_money,
        action=Action(text=action.task, owner=action.owner),
    )


def _values(row: Followed) -> dict[str, str]:
    return {
        "what": row.what,
        "day": show(row.action.closed_on, "day"),
        "seen": show(row.seen, "count"),
        "counted": tr(COUNTED[row.action.metric]),
        "days": show(row.days, "days"),
        "low": show(row.low, "count"),
        "high": show(row.high, "count"),
    }


def _short(row: Followed) -> Finding:
    text = tr(
        "{what} is not back to usual after the task was done on {day}: {seen} {counted} in "
        "{days}, where {low} to {high} were to be expected.",
        **_values(row),
    )
    return Finding(
        key=f"action/short/{row.action.key}",
        level="watch",
        text=_with_money(text, row),
        evidence=row.numbers,
        money=row.action.expected_money,
        action=Action(text=_advice(row.action.metric), owner=row.action.owner),
    )


def _advice(metric: str) -> str:
    if metric == "refund_claims":
        return tr("wait for the claims on what was sold before; if they go on, find another cause")
    return tr("look for another cause")


def _back(row: Followed) -> Finding:
    text = tr(
        "{what} is back to usual after the task was done on {day}: {seen} {counted} in {days}, "
        "where {low} to {high} were to be expected.",
        **_values(row),
    )
    return Finding(
        key=f"action/back/{row.action.key}",
        level="good",
        text=_with_money(text, row),
        evidence=row.numbers,
    )


def _with_money(text: str, row: Followed) -> str:
    """The sentence, and what it made in money against the trouble going on."""
    if is_missing(row.regained):
        return text
    gained = row.regained_low > 0
    ends = (row.regained_low, row.regained_high)
    low, high = (show(end, "money", sign=not gained) for end in ends)
    values = {"money": show(row.regained, "money"), "low": low, "high": high}
    if gained:
        told = (
            tr(
                "About {money} less was claimed than if the trouble had gone on (between {low} "
                "and {high}).",
                **values,
            )
            if row.action.metric == "refund_claims"
            else tr(
                "About {money} more came in than if the trouble had gone on (between {low} and "
                "{high}).",
                **values,
            )
        )
    else:
        told = tr(
            "Against the trouble going on that is between {low} and {high}: no gain can be told.",
            **values,
        )
    return joined(text, told)
