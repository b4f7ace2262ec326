"""Today's tasks and what became of yesterday's, with what people wrote about them."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import pandas as pd
import pytest

from ecops_lib.core.errors import ColumnError, FileError
from ecops_lib.core.findings import Action, Finding
from ecops_lib.core.results import Result
from ecops_lib.diagnosis.review import Review
from ecops_lib.diagnosis.tasks import Mark, plan_tasks, read_marks

DAY = dt.date(2026, 10, 28)


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


def test_what_people_wrote_stands_beside_the_task(tmp_path: Path) -> None:
    (tmp_path / "tasks.csv").write_text(
        "\ufeffday,key,status,note\n2026-10-27,a/1,done,price back\n2026-10-20,b/2,dropped,\n",
        "utf-8",
    )
    marks = read_marks(tmp_path, day=dt.date(2026, 10, 27))
    assert marks == {"a/1": Mark(status="done", note="price back")}
    tasks = plan_tasks(review(Section(found=(found("a/1"),))), review(Section()), marks=marks)
    assert tasks.to_frame()["mark"].tolist() == ["done; price back"]


def test_no_tasks_csv_is_no_mark(tmp_path: Path) -> None:
    assert read_marks(tmp_path, day=DAY) == {}


def test_an_unknown_status_and_a_missing_column_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "tasks.csv"
    file.write_text("day,key,status\n2026-10-28,a/1,maybe\n", "utf-8")
    with pytest.raises(FileError, match="'maybe'; use one of 'done', 'dropped'"):
        read_marks(tmp_path, day=DAY)
    file.write_text("day,key\n2026-10-28,a/1\n", "utf-8")
    with pytest.raises(ColumnError, match="no column 'status'"):
        read_marks(tmp_path, day=DAY)


def test_a_thing_is_named_once_by_the_first_section_that_names_it() -> None:
    held = review(Section(found=(found("stock_out/P1"),)), Section(found=(found("drop/P1"),)))
    assert [finding.key for finding in held.urgent] == ["stock_out/P1"]
