"""Actions that are kept: ``actions.csv`` in the store's folder, a line a task.

The file is for people too: a spreadsheet may change owner, due day, status and note, and
columns of one's own stay. It is read as a spreadsheet may have saved it (UTF-8 or GB18030,
days with slashes), and replaced whole; who cannot be understood is named, and nothing is
written then.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, get_args

from ecops_lib.core.checks import listed
from ecops_lib.core.errors import FileError
from ecops_lib.core.findings import Level
from ecops_lib.data.delta import full_disk_told
from ecops_lib.data.imports.reader import decide_encoding
from ecops_lib.data.recovery import write_whole
from ecops_lib.data.store import Store

Status = Literal["open", "done", "dropped"]

FILE, LOCK = "actions.csv", ".actions.lock"
"""Names of the file and of its lock in a store's folder."""

STATUS_WORDS: Mapping[str, Status] = {
    **dict.fromkeys(("open", "待办", "未完成"), "open"),
    **dict.fromkeys(("done", "完成", "已完成"), "done"),
    **dict.fromkeys(("dropped", "放弃", "已放弃"), "dropped"),
}
"""What may stand in the column ``status``, in any case."""

LARGEST = 64 * 1024**2
"""Bytes of the largest file that is read: some 100,000 actions."""

RISKY = ("=", "+", "-", "@", "\t", "\r", "'")
"""What a cell begins with that a spreadsheet would not keep as text; it gets an apostrophe."""

DAYS = ("due", "since", "opened_on", "found_on", "closed_on", "done_before", "relapsed_on")
TEXTS = ("key", "owner", "task", "text", "page", "metric", "slice", "note")
COLUMNS = (
    "key", "status", "due", "owner", "task", "text", "expected_money", "note", "page", "level",
    "metric", "slice", "since", "opened_on", "found_on", "closed_on", "done_before", "relapsed_on",
)  # fmt: skip
NEEDED = ("key", "status", "opened_on")


@dataclass(frozen=True, kw_only=True)
class KeptAction:
    """A task, from the finding that asked for it to what became of it.

    Attributes:
        key: The finding's key; at most one action of a key is open.
        status: ``open``, ``done`` or ``dropped``.
        opened_on: Day of the page that first asked for it.
        due: Day by whose end it should be done; None where nobody set one.
        owner: Who does it.
        task: What to do.
        text: The finding's sentence, in the language of its page.
        expected_money: Money at stake then [store currency]; None where it cannot be told.
        note: What somebody wrote.
        page: Notebook that made the page.
        level: The finding's level.
        metric: What it is about, such as ``conversion_rate``; empty where no metric follows it.
        slice: Which part of the shop, such as ``product_id=P103``; empty for all of it.
        since: First day that the finding is about.
        found_on: Day of the last page that found it.
        closed_on: Day on which it was done or dropped; None while open, or where not told.
        done_before: Day on which it had been done, of a relapse.
        relapsed_on: Day of the page that found it again; None where it is no relapse.
        more: Columns that somebody added, by name.
    """

    key: str
    status: Status
    opened_on: dt.date
    due: dt.date | None = None
    owner: str = ""
    task: str = ""
    text: str = ""
    expected_money: float | None = None
    note: str = ""
    page: str = ""
    level: Level = "watch"
    metric: str = ""
    slice: str = ""
    since: dt.date | None = None
    found_on: dt.date | None = None
    closed_on: dt.date | None = None
    done_before: dt.date | None = None
    relapsed_on: dt.date | None = None
    more: Mapping[str, str] = field(default_factory=dict)

    @property
    def thing(self) -> str:
        """What the key is about: the part after the stroke, or all of it."""
        return self.key.partition("/")[2] or self.key

    @property
    def asked_on(self) -> dt.date:
        """Day of the page that asked for it: the first, or the one that found it again."""
        return self.relapsed_on or self.opened_on

    def on(self, day: dt.date) -> KeptAction | None:
        """The action as it stood at the end of a day; None where that day's page opens it.

        So a page that is made again, after its findings were kept, says the same again.
        """
        if self.opened_on >= day:
            return None
        if self.relapsed_on and self.relapsed_on >= day:
            before = replace(self, relapsed_on=None, closed_on=self.done_before, status="done")
            return replace(before, done_before=None).on(day)
        if self.closed_on and self.closed_on > day:
            return replace(self, status="open", closed_on=None)
        return self


def read_actions(store: Store) -> tuple[KeptAction, ...]:
    """The actions of a store as they stand in its file; none where there is no file.

    Args:
        store: The shop.

    Raises:
        FileError: The file cannot be understood; the line is named.
    """
    return _read(store.path / FILE)


@contextmanager
def changing(store: Store) -> Iterator[list[KeptAction]]:
    """Change the list of actions; other processes wait, and the file is replaced whole.

    Nothing is written where nothing changes, or where the block fails.

    Args:
        store: The shop.

    Raises:
        FileError: The file cannot be understood, or not be written.
        StoreError: The disk is full.
    """
    from filelock import FileLock

    file = store.path / FILE
    try:
        with full_disk_told(store.path), FileLock(store.path / LOCK):
            before = _read(file)
            held = list(before)
            yield held
            if tuple(held) != before:
                write_whole(file, _bytes(held))
    except PermissionError as error:
        raise FileError(
            f"{file} cannot be written ({error.strerror}); ask for the right to write there, or "
            "close the program that holds it."
        ) from error


def _read(file: Path) -> tuple[KeptAction, ...]:
    if not file.exists():
        return ()
    if (size := file.stat().st_size) > LARGEST:
        raise FileError(
            f"{file} has {size} bytes, more than the {LARGEST} that a list of actions may have; "
            "move lines that are closed to a file of another name."
        )
    if not size:
        raise FileError(f"{file} is empty; bring it back from a copy, or delete it to begin anew.")
    try:
        text = file.read_bytes().decode(decide_encoding(file)).removeprefix("\ufeff")
        held = tuple(_parsed(text, file))
    except csv.Error as error:
        raise FileError(f"{file} is not readable CSV: {error}.") from error
    except OSError as error:
        raise FileError(f"{file} cannot be read ({error.strerror}).") from error
    opened = [action.key for action in held if action.status == "open"]
    if twice := sorted({key for key in opened if opened.count(key) > 1}):
        raise FileError(f"{file} has two open lines of {twice[0]!r}; close one of them.")
    return held


def _parsed(text: str, file: Path) -> Iterator[KeptAction]:
    lines = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    names = lines.fieldnames or ()
    if lack := [name for name in NEEDED if name not in names]:
        raise FileError(f"{file} has no column {listed(lack)}; it has {listed(names)}.")
    for row in lines:
        where = f"{file}, line {lines.line_num}"
        if None in row:
            raise FileError(f"{where} has more cells than the heading; quote what holds a comma.")
        cells = {name: (value or "").removeprefix("'") for name, value in row.items()}
        yield _action(cells, where)


def _action(cells: Mapping[str, str], where: str) -> KeptAction:
    def told(name: str) -> str:
        return cells.get(name, "")

    if not (told("key") and told("opened_on").strip()):
        raise FileError(f"{where} lacks its key or its opened_on; write it, or delete the line.")
    status = STATUS_WORDS.get(told("status").strip().lower())
    if status is None:
        raise FileError(
            f"{where} has the status {told('status')!r}; use one of {listed(get_args(Status))}."
        )
    level = told("level").strip() or "watch"
    if level not in get_args(Level):
        raise FileError(f"{where} has the level {level!r}; use one of {listed(get_args(Level))}.")
    held: dict[str, Any] = {name: told(name) for name in TEXTS}
    held |= {name: _day(told(name), name, where) for name in DAYS}
    return KeptAction(
        **held,
        status=status,
        level=level,  # type: ignore[arg-type]
        expected_money=_money(told("expected_money"), where),
        more={name: value for name, value in cells.items() if name not in COLUMNS},
    )


def _day(text: str, name: str, where: str) -> dt.date | None:
    """A day as written here or by a spreadsheet: 2026-11-05, 2026/11/5."""
    if not text.strip():
        return None
    try:
        first, *_ = text.split()
        year, month, day = map(int, first.replace("/", "-").split("-"))
        return dt.date(year, month, day)
    except ValueError:
        raise FileError(
            f"{where} has {name} {text!r}; it must be a day such as '2026-11-01'."
        ) from None


def _money(text: str, where: str) -> float | None:
    if not text.strip():
        return None
    try:
        amount = float(text.replace(",", ""))
    except ValueError:
        amount = float("nan")
    if not (math.isfinite(amount) and amount >= 0):
        raise FileError(
            f"{where} has expected_money {text!r}; it must be an amount from 0, or empty."
        )
    return amount


def _bytes(held: Sequence[KeptAction]) -> bytes:
    """The file: with a mark, so that spreadsheets see its UTF-8."""
    added = list(dict.fromkeys(name for action in held for name in action.more))
    out = io.StringIO(newline="")
    lines = csv.writer(out)
    lines.writerow([*COLUMNS, *added])
    for action in held:
        told = [_cell(getattr(action, name)) for name in COLUMNS]
        lines.writerow([*told, *(_cell(action.more.get(name, "")) for name in added)])
    return out.getvalue().encode("utf-8-sig", "replace")


def _cell(value: object) -> str:
    """A cell that a spreadsheet keeps as it is."""
    if value is None:
        return ""
    text = f"{value:.2f}" if isinstance(value, float) else str(value)
    return f"'{text}" if text.startswith(RISKY) else text
