"""``ecops actions list | done | drop``: the tasks that pages asked for, and what became of them."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from ecops_lib.cli.output import LangOption, say, say_table
from ecops_lib.core.checks import as_day
from ecops_lib.core.errors import EcopsError, FileError
from ecops_lib.core.findings import Action, Finding
from ecops_lib.core.formats import show
from ecops_lib.core.language import set_reader, tr

if TYPE_CHECKING:
    from ecops_lib.data.store import Store
    from ecops_lib.diagnosis.actions import Kept, KeptAction

PAGES = ("daily_review", "period_review")
"""Notebooks whose findings are kept."""

LATE = 14
"""Days that a page may be behind the store's last whole day and still open tasks: older ones
are made to look back."""

OLD = "tasks.csv"
"""Where people used to write what became of tasks."""

StoreOption = Annotated[Path, typer.Option("--store", help="Folder of the store.")]
KeyArgument = Annotated[str, typer.Argument(help="Its key as in the list, or what is after '/'.")]
NoteOption = Annotated[str, typer.Option("--note", help="What to remember of it.")]
OnOption = Annotated[
    str, typer.Option("--on", metavar="DAY", help="Day on which it was; today unless given.")
]


def add_commands(app: typer.Typer) -> None:
    """Put these commands on the command line."""
    actions = typer.Typer(
        no_args_is_help=True,
        rich_markup_mode=None,
        help="List and close the tasks that pages asked for.",
    )
    actions.command("list")(list_command)
    actions.command("done")(done_command)
    actions.command("drop")(drop_command)
    app.add_typer(actions, name="actions")


def list_command(
    store: StoreOption,
    everything: Annotated[bool, typer.Option("--all", help="Closed ones, too.")] = False,
    lang: LangOption = None,
) -> None:
    """List the open tasks, the first due first."""
    from ecops_lib.data.store import open_store
    from ecops_lib.diagnosis.actions import read_actions
    from ecops_lib.diagnosis.actions.kept import FILE

    shop = open_store(store)
    set_reader(lang, shop.settings.currency)
    held = [a for a in read_actions(shop) if everything or a.status == "open"]
    if (shop.path / OLD).exists():
        say(tr("{file} is no longer read; close tasks with 'ecops actions done KEY'.", file=OLD))
    if not held:
        say(tr("No task is open.") if not everything else tr("No task is kept yet."))
        return
    say_table(_headings(), [_cells(action) for action in _sorted(held)])
    say(tr("file: {path}", path=shop.path / FILE))


def done_command(
    key: KeyArgument,
    store: StoreOption,
    note: NoteOption = "",
    on: OnOption = "",
    lang: LangOption = None,
) -> None:
    """Mark a task as done; later pages tell whether it came back."""
    _close(key, store, status="done", note=note, on=on, lang=lang)


def drop_command(
    key: KeyArgument,
    store: StoreOption,
    note: NoteOption = "",
    on: OnOption = "",
    lang: LangOption = None,
) -> None:
    """Mark a task as not to be done."""
    _close(key, store, status="dropped", note=note, on=on, lang=lang)


def _close(
    key: str,
    store: Path,
    *,
    status: Literal["done", "dropped"],
    note: str,
    on: str,
    lang: LangOption,
) -> None:
    from ecops_lib.data.store import open_store
    from ecops_lib.diagnosis.actions import close_action
    from ecops_lib.diagnosis.actions.keeping import one_line

    shop = open_store(store)
    set_reader(lang, shop.settings.currency)
    day = as_day(on, name="on") if on else dt.datetime.now(shop.zone).date()
    action = close_action(shop, key, status=status, on=day, note=note)
    values = {"key": one_line(action.key), "day": show(day, "day")}
    say(
        tr("{key} is done since {day}; its figures are followed from the day after.", **values)
        if status == "done"
        else tr("{key} is dropped since {day}.", **values)
    )


def _sorted(held: Iterable[KeptAction]) -> list[KeptAction]:
    return sorted(
        held, key=lambda a: (a.status != "open", a.due or dt.date.max, -(a.expected_money or 0.0))
    )


def _headings() -> tuple[str, ...]:
    return (
        tr("Key"),
        tr("State"),
        tr("Due by"),
        tr("Owner"),
        tr("Task"),
        tr("At stake"),
        tr("Note"),
    )


def _cells(action: KeptAction) -> tuple[str, ...]:
    from ecops_lib.diagnosis.actions.followed import STATUSES
    from ecops_lib.diagnosis.actions.keeping import one_line

    return (
        one_line(action.key),
        tr(STATUSES[action.status]),
        show(action.due, "day"),
        one_line(action.owner),
        one_line(action.task),
        show(action.expected_money, "money"),
        one_line(action.note),
    )


def keep_from_page(store: Store, folder: Path) -> Kept:
    """Keep what a finished page asks for as actions of the store.

    Args:
        store: The shop that the page is about.
        folder: The page's folder, with its ``findings.json``.

    Returns:
        What is new, what relapsed, what was open already; nothing for a page that is none of
        ``PAGES``, is about no day, or is ``LATE``.

    Raises:
        FileError: The page's findings or the store's actions cannot be understood, or the
            store not be written.
        MissingDataError: The store holds nothing that tells its last day.
        StoreError: The disk is full.
    """
    from ecops_lib.data.coverage import last_whole_day
    from ecops_lib.diagnosis.actions import Kept, keep_actions

    file = folder / "findings.json"
    try:
        page = json.loads(file.read_text("utf-8"))
        notebook, as_of = str(page["notebook"]), str(page["as_of"])
        if notebook not in PAGES or not as_of:
            return Kept()
        day, findings = as_day(as_of, name="as_of"), [_finding(f) for f in page["findings"]]
    except (OSError, ValueError, KeyError, TypeError, EcopsError) as error:
        raise FileError(
            f"{file} is not the findings of a page ({error}); run the page again."
        ) from error
    if (last_whole_day(store) - day).days > LATE:
        return Kept()
    return keep_actions(store, findings, day=day, page=notebook)


def _finding(held: dict[str, Any]) -> Finding:
    """A finding as ``Finding.to_dict`` wrote it; numbers that were missing are left out."""
    action = held["action"]
    return Finding(
        key=str(held["key"]),
        level=held["level"],
        text=str(held["text"]),
        evidence={n: float(v) for n, v in held["evidence"].items() if v is not None},
        money=held["money"],
        action=Action(text=str(action["text"]), owner=str(action["owner"])) if action else None,
    )
