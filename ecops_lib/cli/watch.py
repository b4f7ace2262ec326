"""``ecops watch``: a page that is made again whenever data arrive."""

from __future__ import annotations

import datetime as dt
import sys
from pathlib import Path
from typing import Annotated

import typer

from ecops_lib.cli.notebooks import NotebookArgument, StoreOption
from ecops_lib.cli.output import LangOption, say, say_error
from ecops_lib.core.language import set_reader, tr
from ecops_lib.reports.exporter import Audience


def add_commands(app: typer.Typer) -> None:
    """Put this command on the command line."""
    app.command("watch")(watch_command)


def watch_command(
    notebook: NotebookArgument,
    store: StoreOption,
    every: Annotated[
        str, typer.Option("--every", help="Time between two looks: 90s, 30m, 1h.")
    ] = "30m",
    out: Annotated[Path, typer.Option("--out", help="Folder of all reports.")] = Path("reports"),
    source: Annotated[
        Path | None,
        typer.Option("--from", help="Folder whose new files are imported before each look."),
    ] = None,
    refresh: Annotated[
        bool, typer.Option("--refresh", help="Let an open page load itself again as often.")
    ] = False,
    lang: LangOption = None,
    audience: Annotated[
        Audience | None, typer.Option("--audience", help="management leaves the code out.")
    ] = None,
    parameter: Annotated[
        list[str] | None,
        typer.Option("-p", metavar="NAME=VALUE", help="Any parameter of the notebook; repeat it."),
    ] = None,
) -> None:
    """Make a page now and whenever the store has new data, until Ctrl-C."""
    from ecops_lib.data.store import open_store
    from ecops_lib.reports.notebooks import open_notebook
    from ecops_lib.reports.parameters import given_once
    from ecops_lib.reports.runner import run_notebook
    from ecops_lib.reports.watching import Watch, parse_duration

    set_reader(lang)
    seconds = parse_duration(every, name="--every")
    given = given_once(parameter or (), {"lang": lang, "audience": audience})
    zone = open_store(store).zone
    open_notebook(notebook)
    _say_now(tr("a look every {time}; Ctrl-C ends it", time=every))
    pages = Watch(
        store=store,
        every=seconds,
        render=lambda: run_notebook(
            notebook, store=store, out=out, parameters=given, refresh=seconds if refresh else 0
        ),
        fetch=(lambda: _fetch(source, store)) if source else None,
        tell=lambda text: _say_now(f"{dt.datetime.now(zone):%Y-%m-%d %H:%M} {text}"),
        warn=say_error,
    ).run()
    say(tr("stopped; pages made: {pages}", pages=pages))


def _say_now(text: str) -> None:
    """A line that is seen at once, also where the output goes to a file."""
    say(text)
    sys.stdout.flush()


def _fetch(folder: Path, store: Path) -> None:
    """Import what is new in a folder, and say what needs a look."""
    from ecops_lib.core.findings import level_word
    from ecops_lib.data.imports import import_files

    result = import_files([folder], store=store)
    if result.changed:
        for finding in result.findings():
            _say_now(f"[{level_word(finding.level)}] {finding.text}")
