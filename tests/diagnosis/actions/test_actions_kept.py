"""Findings become actions once, relapse, are closed; the file survives people and programs."""

from __future__ import annotations

import csv
import datetime as dt
import io
import subprocess
import sys
from pathlib import Path

import pytest

from ecops_lib.core.errors import FileError, ParameterError
from ecops_lib.core.findings import Action, Finding
from ecops_lib.data.store import Store, create_store
from ecops_lib.diagnosis.actions import (
    KeptAction,
    close_action,
    due_day,
    keep_actions,
    read_actions,
)
from ecops_lib.diagnosis.actions.keeping import LONGEST_NOTE, RELAPSE
from ecops_lib.diagnosis.actions.kept import FILE, changing

DAY = dt.date(2026, 9, 10)  # a Thursday
HOSTILE = (
    '=1+1|"x"',
    "+86",
    "-2",
    "@SUM(A1)",
    "'quoted'",
    "a,b\nc\r\nd",
    "绿茶🍵 <b>",
    "x\x00\x1b[2J",
)


def day(after: int) -> dt.date:
    return DAY + dt.timedelta(days=after)


def found(key: str = "conversion_drop/P1", **given: object) -> Finding:
    told = {"level": "bad", "text": "It fell.", "money": 12.5, "evidence": {"days": 1.0}, **given}
    return Finding(key=key, **{"action": Action(text="do it", owner="Li"), **told})


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return create_store(tmp_path / "S", name="店", key=b"k" * 32)


def text_of(store: Store) -> bytes:
    return (store.path / FILE).read_bytes()


def keep(store: Store, *findings: Finding, on: int = 0):
    return keep_actions(store, findings or [found()], day=day(on), page="daily_review")


def test_a_finding_becomes_an_action_with_all_that_it_says(store: Store) -> None:
    keep(store, found(evidence={"days": 3.0}))
    [kept] = read_actions(store)
    assert kept == KeptAction(
        key="conversion_drop/P1",
        status="open",
        opened_on=DAY,
        due=dt.date(2026, 9, 11),
        owner="Li",
        task="do it",
        text="It fell.",
        expected_money=12.5,
        page="daily_review",
        level="bad",
        metric="conversion_rate",
        slice="product_id=P1",
        since=dt.date(2026, 9, 8),
        found_on=DAY,
    )


@pytest.mark.parametrize(
    ("key", "days", "since"),
    [("slices/shop", 7.0, 4), ("slices/shop", float("nan"), 10), ("suppliers/late/S", 45.0, 10)],
)
def test_the_days_of_a_finding_are_those_of_its_evidence(store, key, days, since) -> None:
    [kept] = keep(store, found(key, evidence={"days": days})).opened
    assert kept.since == DAY.replace(day=since)


def test_the_same_page_twice_changes_no_byte(store: Store) -> None:
    first = keep(store, found(), found("oversold/P2", level="watch"))
    before = text_of(store)
    again = keep(store, found(), found("oversold/P2", level="watch"))
    assert text_of(store) == before
    assert [a.key for a in first.opened] == ["oversold/P2", "conversion_drop/P1"]
    assert (again.opened, again.relapsed) == ((), ())
    assert len(again.found) == 2


def test_a_page_made_late_moves_nothing_back(store: Store) -> None:
    keep(store, on=2)
    before = text_of(store)
    keep(store, on=0)
    assert text_of(store) == before


def test_only_what_asks_for_something_is_kept_and_one_a_part_of_the_shop(store: Store) -> None:
    kept = keep(
        store,
        found("a/1", level="good"),
        found("b/1", action=None),
        found("action/late/c"),
        found("tasks/today"),
        found("shipping_overdue"),
        found("conversion_drop/P1"),
        found("stock_out/P1", level="watch"),
        found("slices/product_id=P1"),
        found("traffic_drop/P1"),
        found("orders/late"),
        found("suppliers/late"),
    )
    assert [action.key for action in kept.opened] == [
        "stock_out/P1",
        "traffic_drop/P1",
        "orders/late",
        "suppliers/late",
    ]


@pytest.mark.parametrize(
    ("key", "metric", "part"),
    [
        ("traffic_drop/直通车", "visitors", "channel=直通车"),
        ("refund_wave/", "refund_claims", ""),
        ("refund_wave/P=1", "refund_claims", "product_id=P=1"),
        ("slices/channel=a&product_id=P1", "paid_sub_orders", "channel=a&product_id=P1"),
        ("slices/shop", "paid_sub_orders", "shop"),
        ("parcels_lost", "", ""),
        ("suppliers/late/S1", "", "late/S1"),
    ],
)
def test_the_key_tells_what_is_measured(store: Store, key: str, metric: str, part: str) -> None:
    [kept] = keep(store, found(key)).opened
    assert (kept.metric, kept.slice) == (metric, part)


@pytest.mark.parametrize(
    ("level", "page", "due"),
    [
        ("bad", dt.date(2025, 9, 26), dt.date(2025, 9, 28)),  # that Sunday is worked
        ("bad", dt.date(2025, 9, 30), dt.date(2025, 10, 9)),  # after the National Day week
        ("watch", dt.date(2025, 9, 25), dt.date(2025, 9, 29)),
        ("bad", dt.date(2040, 3, 2), dt.date(2040, 3, 5)),  # not announced: Friday to Monday
    ],
)
def test_due_days_follow_the_working_calendar(level, page: dt.date, due: dt.date) -> None:
    assert due_day(level, page, country="CN") == due


def test_done_and_found_again_in_days_after_it_is_a_relapse(store: Store) -> None:
    keep(store)
    close_action(store, "P1", status="done", on=day(2), note="price back")
    assert keep(store, found(evidence={"days": 3.0}), on=4).relapsed == ()  # its days reach back
    [again] = keep(store, found(money=99.0), on=4).relapsed
    assert (again.status, again.opened_on, again.note) == ("open", DAY, "price back")
    assert (again.done_before, again.relapsed_on, again.closed_on) == (day(2), day(4), None)
    assert (again.due, again.expected_money) == (dt.date(2026, 9, 15), 99.0)
    before = text_of(store)
    keep(store, found(money=99.0), on=4)
    assert text_of(store) == before
    with pytest.raises(ParameterError, match="was found on 2026-09-14; give that day or a later"):
        close_action(store, "P1", status="done", on=day(3))


def test_found_again_long_after_is_a_new_action(store: Store) -> None:
    keep(store)
    close_action(store, "P1", status="done", on=day(1))
    keep(store, on=2 + RELAPSE)
    assert [(a.status, a.opened_on) for a in read_actions(store)] == [
        ("done", DAY),
        ("open", day(2 + RELAPSE)),
    ]


def test_dropped_stays_dropped_for_a_while(store: Store) -> None:
    keep(store)
    close_action(store, "P1", status="dropped", on=day(1), note="not worth it")
    before = text_of(store)
    for later in (2, 1 + RELAPSE):
        assert keep(store, on=later).opened == ()
    assert text_of(store) == before
    assert len(keep(store, on=2 + RELAPSE).opened) == 1


def test_an_action_as_it_stood_on_a_day(store: Store) -> None:
    keep(store)
    close_action(store, "P1", status="done", on=day(2))
    keep(store, on=5)
    [kept] = read_actions(store)
    assert kept.on(DAY) is None
    stood = [kept.on(day(after)) for after in (1, 2, 5, 6)]
    assert [held.status for held in stood if held] == ["open", "done", "done", "open"]
    assert stood[1] is not None
    assert stood[1].closed_on == day(2)
    assert stood[3] == kept


def test_hostile_words_come_back_and_no_cell_is_a_formula(store: Store) -> None:
    for number, words in enumerate(HOSTILE):
        keep(store, found(f"traffic_drop/{words}", text=words), on=number)
        close_action(store, f"traffic_drop/{words}", status="done", on=day(60), note=words)
    held = read_actions(store)
    assert [action.key for action in held] == [f"traffic_drop/{words}" for words in HOSTILE]
    assert held[0].note == HOSTILE[0]
    assert held[5].note == "a,b c d"
    assert held[7].note == "x [2J"
    rows = csv.reader(io.StringIO(text_of(store).decode("utf-8-sig"), newline=""))
    assert not [cell for row in rows for cell in row if cell.startswith(("=", "+", "-", "@"))]
    with changing(store) as again:
        again.append(again.pop())
    assert read_actions(store) == held


def test_a_file_that_a_spreadsheet_saved_is_understood_and_own_columns_stay(store: Store) -> None:
    text = "key,status,opened_on,closed_on,我的列,expected_money\n"
    text += 'a/1,已完成,2026/9/8,2026/9/9 0:00,"很急",\nb/2,待办,2026-09-08,,,"1,200.50"\n'
    (store.path / FILE).write_bytes(text.encode("gb18030"))
    one, two = read_actions(store)
    assert (one.status, one.closed_on, one.more) == (
        "done",
        dt.date(2026, 9, 9),
        {"我的列": "很急"},
    )
    assert two.expected_money == 1200.5
    close_action(store, "b/2", status="dropped", on=day(0))
    assert [action.more["我的列"] for action in read_actions(store)] == ["很急", ""]


HEAD = "key,status,opened_on,due,expected_money,level\n"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty; bring it back"),
        (b"key,status\na,open\n", "no column 'opened_on'; it has 'key', 'status'"),
        (b"key;status;opened_on\n", "no column 'key', 'status', 'opened_on'"),
        (f"{HEAD}a,maybe,2026-09-08,,,\n".encode(), "line 2 has the status 'maybe'; use one of"),
        (f"{HEAD}a,open,8.9.2026,,,\n".encode(), "opened_on '8.9.2026'; it must be a day"),
        (f"{HEAD}a,open,2026-02-30,,,\n".encode(), "opened_on '2026-02-30'; it must be a day"),
        (f"{HEAD},open,2026-09-08,,,\n".encode(), "line 2 lacks its key"),
        (f"{HEAD}a,open,,,,\n".encode(), "lacks its key or its opened_on"),
        (f"{HEAD}a,open,2026-09-08,,nan,\n".encode(), "expected_money 'nan'; it must be an amount"),
        (f"{HEAD}a,open,2026-09-08,,,x\n".encode(), "the level 'x'; use one of"),
        (f"{HEAD}a,open,2026-09-08,,,,,\n".encode(), "line 2 has more cells than the heading"),
        (f'{HEAD}"a,open,2026-09-08,,,\n'.encode(), "is not readable CSV"),
        (f"{HEAD}{'a' * 200_000},open,2026-09-08,,,\n".encode(), "field larger than field limit"),
        (f"{HEAD}a,open,2026-09-08,,,\na,open,2026-09-09,,,\n".encode(), "two open lines of 'a'"),
        (b"\xff\xfe\xfd\x80\x81\x00\xff", "is no text"),
    ],
)  # fmt: skip
def test_a_broken_file_is_named_and_left_alone(store: Store, content: bytes, words: str) -> None:
    (store.path / FILE).write_bytes(content)
    with pytest.raises(FileError, match=words) as said:
        keep(store)
    assert FILE in str(said.value)
    assert text_of(store) == content


def test_a_folder_in_its_place_is_said(store: Store) -> None:
    (store.path / FILE).mkdir()
    with pytest.raises(FileError, match=r"actions\.csv cannot be read \(Is a directory\)"):
        read_actions(store)


def test_a_change_that_fails_writes_nothing(store: Store) -> None:
    keep(store)
    before = text_of(store)

    def clear_and_fail() -> None:
        with changing(store) as held:
            held.clear()
            raise RuntimeError

    with pytest.raises(RuntimeError):
        clear_and_fail()
    assert text_of(store) == before


def test_closing_says_what_it_cannot_close(store: Store) -> None:
    keep(store, found("conversion_drop/P1"), found("traffic_drop/P2"))
    with changing(store) as held:
        held.append(KeptAction(key="refund_wave/P1", status="open", opened_on=DAY))
    with pytest.raises(ParameterError, match="'P1' stands for 'conversion_drop/P1', 'refund_wave"):
        close_action(store, "P1", status="done", on=DAY)
    with pytest.raises(ParameterError, match="did you mean 'traffic_drop/P2'"):
        close_action(store, "trafic_drop/P2", status="done", on=DAY)
    with pytest.raises(ParameterError, match="ecops actions list shows"):
        close_action(store, "??", status="done", on=DAY)
    with pytest.raises(ParameterError, match="was found on 2026-09-10; give that day or a later"):
        close_action(store, "P2", status="done", on=day(-1))
    with pytest.raises(ParameterError, match=f"note has {LONGEST_NOTE + 1} characters"):
        close_action(store, "P2", status="done", on=DAY, note="x" * (LONGEST_NOTE + 1))
    close_action(store, "P2", status="done", on=DAY)
    with pytest.raises(ParameterError, match="'traffic_drop/P2' is done already, since 2026-09-10"):
        close_action(store, "P2", status="dropped", on=DAY)


PROGRAM = """
import datetime as dt, sys
from ecops_lib.core.findings import Action, Finding
from ecops_lib.data.store import open_store
from ecops_lib.diagnosis.actions.keeping import keep_actions
for number in range(15):
    todo = Action(text="", owner="")
    one = Finding(key=f"a/{sys.argv[2]}{number}", level="bad", text="", action=todo)
    keep_actions(open_store(sys.argv[1]), [one], day=dt.date(2026, 9, 10), page="p")
"""


def test_two_processes_at_once_lose_nothing(store: Store) -> None:
    command = [sys.executable, "-c", PROGRAM, str(store.path)]
    running = [subprocess.Popen([*command, name]) for name in "xy"]
    assert [process.wait(timeout=60) for process in running] == [0, 0]
    assert len({action.key for action in read_actions(store)}) == 30
