"""``ecops actions`` from the command line, and what a finished page leaves to do."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from ecops_lib.cli.actions import LATE, keep_from_page
from ecops_lib.core.errors import FileError
from ecops_lib.core.findings import Action, Finding
from ecops_lib.data.store import Store
from ecops_lib.diagnosis.actions import read_actions
from ecops_lib.diagnosis.actions.kept import FILE

Ecops = Callable[..., tuple[int, str, str]]
MakeShop = Callable[[Iterable[dt.datetime]], Store]
DAY = dt.date(2026, 9, 10)
FINDINGS = (
    Finding(
        key="conversion_drop/P1",
        level="bad",
        text="Conversion fell.",
        evidence={"days": 3.0, "rate": float("nan")},
        money=float("inf"),
        action=Action(text="check the price", owner="Li"),
    ),
    Finding(
        key="traffic_drop/\x1b[31m直通车",
        level="watch",
        text="Visitors fell.",
        money=80.0,
        action=Action(text="ask [bold]why[/bold]", owner="王"),
    ),
    Finding(key="limits/causes", level="info", text="Coincidences."),
)


LAST = dt.date(2026, 9, 14)


@pytest.fixture
def store(make_shop: MakeShop) -> Store:
    """A store with one order, of ``LAST``."""
    return make_shop([dt.datetime(2026, 9, 14, 4, tzinfo=dt.UTC)])


def page(folder: Path, **given: object) -> Path:
    """A page's folder with its findings."""
    folder.mkdir(exist_ok=True)
    found = [finding.to_dict() for finding in FINDINGS]
    held = {"notebook": "daily_review", "as_of": str(DAY), "language": "en", "findings": found}
    (folder / "findings.json").write_text(json.dumps(held | given, allow_nan=False), "utf-8")
    return folder


def test_a_page_s_findings_are_kept_once(store: Store, tmp_path: Path) -> None:
    kept = keep_from_page(store, page(tmp_path / "page"))
    assert [action.key for action in kept.opened] == [finding.key for finding in FINDINGS[:2]]
    assert kept.opened[0].since == dt.date(2026, 9, 8)
    assert (kept.opened[0].expected_money, kept.opened[1].expected_money) == (None, 80.0)
    before = (store.path / FILE).read_bytes()
    assert keep_from_page(store, page(tmp_path / "page")).opened == ()
    assert (store.path / FILE).read_bytes() == before


@pytest.mark.parametrize("given", [{"notebook": "ab_test"}, {"as_of": ""}])
def test_other_pages_leave_nothing(store: Store, tmp_path: Path, given: dict[str, str]) -> None:
    assert keep_from_page(store, page(tmp_path / "page", **given)).opened == ()
    assert not (store.path / FILE).exists()


def test_a_page_that_looks_far_back_opens_nothing(store: Store, tmp_path: Path) -> None:
    late, in_time = (LAST - dt.timedelta(days=days) for days in (LATE + 1, LATE))
    assert keep_from_page(store, page(tmp_path / "page", as_of=str(late))).opened == ()
    assert len(keep_from_page(store, page(tmp_path / "page", as_of=str(in_time))).opened) == 2


@pytest.mark.parametrize("given", [{"findings": [{}]}, {"as_of": "soon"}, {"findings": 1}])
def test_broken_findings_are_named(store: Store, tmp_path: Path, given: dict[str, object]) -> None:
    with pytest.raises(FileError, match=r"findings\.json is not the findings of a page"):
        keep_from_page(store, page(tmp_path / "page", **given))
    with pytest.raises(FileError, match="run the page again"):
        keep_from_page(store, tmp_path / "nowhere")
    assert not (store.path / FILE).exists()


def test_open_tasks_are_listed_and_closed(ecops: Ecops, store: Store, tmp_path: Path) -> None:
    keep_from_page(store, page(tmp_path / "page"))
    at = ("--store", store.path)
    code, said, _ = ecops("actions", "list", *at)
    assert code == 0
    assert said.index("check the price") < said.index("ask [bold]why[/bold]")
    assert "\x1b" not in said
    assert str(store.path / FILE) in said.replace("\n", "")
    code, said, _ = ecops(
        "actions", "done", "P1", *at, "--on", "2026-09-11", "--note", "=HYPERLINK(1)\nback"
    )
    assert (code, said) == (
        0,
        "conversion_drop/P1 is done since 2026-09-11; its figures are followed from the day "
        "after.\n",
    )
    kept = read_actions(store)[0]
    assert (kept.status, kept.closed_on) == ("done", dt.date(2026, 9, 11))
    assert kept.note == "=HYPERLINK(1) back"
    code, said, _ = ecops("actions", "drop", FINDINGS[1].key, *at, "--lang", "zh")
    assert said.startswith("traffic_drop/ [31m直通车 已于 20")
    assert "放弃" in said
    today = dt.datetime.now(store.zone).date()
    closed = read_actions(store)[1].closed_on
    assert closed is not None
    assert today - closed <= dt.timedelta(days=1)
    assert ecops("actions", "list", *at)[1] == "No task is open.\n"
    assert "dropped" in ecops("actions", "list", "--all", *at)[1]


def test_the_file_of_old_is_not_passed_over_in_silence(ecops: Ecops, store: Store) -> None:
    (store.path / "tasks.csv").write_text("key,day,status\n", "utf-8")
    said = ecops("actions", "list", "--store", store.path)[1]
    assert said.startswith(
        "tasks.csv is no longer read; close tasks with 'ecops actions done KEY'."
    )


def test_the_list_speaks_chinese(ecops: Ecops, store: Store, tmp_path: Path) -> None:
    at = ("--store", store.path, "--lang", "zh")
    assert ecops("actions", "list", *at)[1] == "没有待办任务。\n"
    assert ecops("actions", "list", "--all", *at)[1] == "还没有记录任何任务。\n"
    keep_from_page(store, page(tmp_path / "page"))
    said = ecops("actions", "list", *at)[1]
    for word in ("编号", "状态", "截止日", "待办", "2026-09-11", "涉及金额", "¥80.00"):
        assert word in said


def test_what_cannot_be_closed_is_one_sentence(ecops: Ecops, store: Store, tmp_path: Path) -> None:
    keep_from_page(store, page(tmp_path / "page"))
    at = ("--store", store.path)
    code, said, error = ecops("actions", "done", "P9", *at)
    assert (code, said) == (1, "")
    assert error == (
        "ecops: no open action has the key 'P9'; ecops actions list shows those that are.\n"
    )
    assert "must be a day" in ecops("actions", "done", "P1", *at, "--on", "soon")[2]
    (store.path / FILE).write_bytes(b"\x00\x01")
    code, _, error = ecops("actions", "list", *at)
    assert code == 1
    assert FILE in error
