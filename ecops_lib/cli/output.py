"""What a command prints: words and tables on the output, progress and errors beside it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Annotated

import typer

from ecops_lib.core.language import Language

LangOption = Annotated[
    Language | None, typer.Option("--lang", help="Language of the words, zh or en.")
]
PLAIN_WIDTH = 200
"""Width of a table that goes to a file or another program."""


def say(text: str) -> None:
    """A line on the output."""
    sys.stdout.write(text + "\n")


def say_error(text: str) -> None:
    """A sentence on the error channel."""
    sys.stderr.write(f"ecops: {text}\n")


def say_table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """A table of text on the output."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(*headings, box=None, pad_edge=False, header_style="bold")
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    Console(width=None if sys.stdout.isatty() else PLAIN_WIDTH).print(table)


@contextmanager
def progress(what: str) -> Iterator[Callable[[int, int], None]]:
    """A bar on a terminal, plain lines elsewhere; the callback takes steps done and all."""
    if not sys.stderr.isatty():
        yield lambda done, total: _say_step(what, done, total)
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


@contextmanager
def narration() -> Iterator[Callable[[str], None]]:
    """A line that changes on a terminal, plain lines elsewhere; the callback takes a sentence."""
    if not sys.stderr.isatty():
        yield _say_line
        return
    from rich.console import Console
    from rich.markup import escape

    with Console(stderr=True).status("") as status:
        yield lambda sentence: status.update(escape(sentence))


def _say_line(sentence: str) -> None:
    sys.stderr.write(f"{sentence}\n")


def _say_step(what: str, done: int, total: int) -> None:
    """A line each quarter of the way."""
    if done * 4 // total > (done - 1) * 4 // total:
        _say_line(f"{what} {done}/{total}")
