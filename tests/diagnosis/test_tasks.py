"""Today's tasks and what became of yesterday's, with what people wrote about them."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import ClassVar

import pandas as pd

from ecops_lib.core.findings import Action, Finding
from ecops_lib.core.language import reading
from ecops_lib.core.results import Result
from ecops_lib.diagnosis.actions import KeptAction
from ecops_lib.diagnosis.review import Review
from ecops_lib.diagnosis.tasks import find_marks, plan_tasks

DAY = dt.date(2026, 10, 28)
DAY_LONG = dt.timedelta(days=1)


@dataclass(frozen=True, kw_only=True, eq=False)
class Section(Result):
    """A section that found what it is told, or nothing for want of data."""

    sheet: ClassVar[str] = "Section"

    found: tuple[Finding, ...] = ()
    why: str = ""

    def absent(self) -> str:
        return self.why

    def findings(self) -> tuple[Finding, ...]:
        return self.found

    def to_frame(self) -> pd.DataFrame:
        return pd.DataFrame()


def found(key: str, money: float = 1.0, action: str = "do it") -> Finding:
    owner = Action(text=action, owner="Li") if action else None
    return Finding(key=key, level="bad", text=f"{key}.", money=money, action=owner)


def review(*sections: Section, day: dt.date = DAY) -> Review:
    return Review(day=day, sections=sections)


def states(today: Review, before: Review) -> dict[str, str]:
    return {task.finding.key: task.state for task in plan_tasks(today, before).rows}


def test_a_task_is_new_persists_is_over_or_cannot_be_told() -> None:
    today = review(Section(found=(found("a/1"), found("b/2"))), Section(why="no data"))
    before = review(Section(found=(found("b/2"), found("c/3"))), Section(found=(found("d/4"),)))
    assert states(today, before) == {
        "a/1": "new",
        "b/2": "persists",
        "c/3": "over",
        "d/4": "unknown",
    }


def test_the_costliest_task_comes_first() -> None:
    today = review(Section(found=(found("a/1", 5.0), found("b/2", 50.0))))
    rows = plan_tasks(today, review(Section())).rows
    assert [task.finding.key for task in rows] == ["b/2", "a/1"]


def test_a_finding_without_an_action_is_no_task() -> None:
    assert states(review(Section(found=(found("a/1", action=""),))), review(Section())) == {}


def test_the_words_count_what_became_of_yesterday() -> None:
    today = review(Section(found=(found("a/1"),)))
    before = review(Section(found=(found("a/1"), found("c/3"))))
    texts = [finding.text for finding in plan_tasks(today, before).findings()]
    assert texts == [
        "1 task for today, 0 of them new.",
        "Of 2 tasks of yesterday 1 are over, 1 persist, 0 cannot be told.",
    ]


def closed(key: str, on: int, **given: object) -> KeptAction:
    """An action of the day before that was closed on a day of the month."""
    told = {"status": "done", "note": "price back", "opened_on": DAY - DAY_LONG, **given}
    return KeptAction(key=key, closed_on=DAY.replace(day=on), **told)


def test_what_people_did_stands_beside_the_task() -> None:
    marks = find_marks([closed("a/1", DAY.day)], day=DAY)
    today = review(Section(found=(found("a/1"), found("b/2"))))
    tasks = plan_tasks(today, review(Section()), marks=marks)
    assert tasks.to_frame()["mark"].tolist() == ["done; price back", ""]
    with reading("zh"):
        assert tasks.to_frame()["mark"].tolist() == ["已完成；price back", ""]


def test_only_what_was_closed_lately_and_by_the_day_is_a_mark() -> None:
    held = [
        closed("early/1", DAY.day, opened_on=dt.date(2026, 9, 1), status="dropped"),
        closed("late/2", DAY.day + 1),
        closed("new/3", DAY.day, opened_on=DAY),
        KeptAction(key="open/4", status="open", opened_on=DAY - DAY_LONG),
        KeptAction(
            key="old/5",
            status="done",
            opened_on=dt.date(2026, 9, 1),
            closed_on=dt.date(2026, 10, 1),
        ),
    ]
    assert list(find_marks(held, day=DAY)) == ["early/1"]


def test_a_thing_is_named_once_by_the_first_section_that_names_it() -> None:
    held = review(Section(found=(found("stock_out/P1"),)), Section(found=(found("drop/P1"),)))
    assert [finding.key for finding in held.urgent] == ["stock_out/P1"]
