"""``ecops list | show | run | lab``: notebooks and the pages made from them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from ecops_lib.cli.output import LangOption, progress, say, say_table
from ecops_lib.core.formats import show
from ecops_lib.core.language import ntr, set_reader, tr
from ecops_lib.reports.exporter import Audience

NotebookArgument = Annotated[
    str, typer.Argument(help="Name of a notebook, or path of one of your own.")
]
StoreOption = Annotated[Path, typer.Option("--store", help="Folder of the store.")]


def add_commands(app: typer.Typer) -> None:
    """Put these commands on the command line."""
    app.command("list")(list_command)
    app.command("show")(show_command)
    app.command("run")(run_command)
    app.command("lab")(lab_command)


def list_command(lang: LangOption = None) -> None:
    """List the notebooks and the questions that they answer."""
    from ecops_lib.reports.notebooks import list_notebooks

    language = set_reader(lang).language
    rows = [(book.name, book.title(language)) for book in list_notebooks()]
    say_table((tr("notebook"), tr("question")), rows)


def show_command(notebook: NotebookArgument, lang: LangOption = None) -> None:
    """Show what a notebook asks and which parameters it takes."""
    from ecops_lib.reports.notebooks import open_notebook

    language = set_reader(lang).language
    book = open_notebook(notebook)
    say(f"{book.title(language)}\n{book.path}\n")
    rows = [
        (p.name, p.type, repr(p.default), p.help_in(language)) for p in book.parameters.values()
    ]
    say_table((tr("parameter"), tr("type"), tr("default"), tr("meaning")), rows)


def run_command(
    notebook: NotebookArgument,
    store: StoreOption,
    out: Annotated[Path, typer.Option("--out", help="Folder of all reports.")] = Path("reports"),
    as_of: Annotated[
        str | None,
        typer.Option(
            "--as-of",
            help="Day of the page, or a word such as yesterday or last_week; "
            "the last whole day in the store unless given.",
        ),
    ] = None,
    period: Annotated[
        str | None,
        typer.Option("--period", help="Week or month, such as 2026-W46, 2026-10 or last_month."),
    ] = None,
    lang: LangOption = None,
    audience: Annotated[
        Audience | None,
        typer.Option("--audience", help="management leaves the code out."),
    ] = None,
    parameter: Annotated[
        list[str] | None,
        typer.Option("-p", metavar="NAME=VALUE", help="Any parameter of the notebook; repeat it."),
    ] = None,
    made_at: Annotated[
        str | None, typer.Option("--made-at", help="Time to print instead of the present one.")
    ] = None,
) -> None:
    """Run a notebook on a store: page, workbook, findings and manifest."""
    from ecops_lib.reports.parameters import given_once
    from ecops_lib.reports.runner import run_notebook

    set_reader(lang)
    options = {"as_of": as_of, "period": period, "lang": lang, "audience": audience}
    given = given_once(parameter or (), options)
    with progress(Path(notebook).stem) as step:
        result = run_notebook(
            notebook, store=store, out=out, parameters=given, made_at=made_at, progress=step
        )
    if "period" in result.values:
        say(tr("period: {period}", period=result.values["period"]))
    elif result.values.get("as_of") and not result.day_chosen:
        say(tr("day: {day}, the last whole day in the store", day=result.values["as_of"]))
    say(tr("page: {path}", path=result.page))
    _keep(store, result.folder)


def _keep(store: Path, folder: Path) -> None:
    """Keep what the page asks for in the store, and say what is new."""
    from ecops_lib.cli.actions import keep_from_page
    from ecops_lib.data.store import open_store

    kept = keep_from_page(open_store(store), folder)
    new = len(kept.opened) + len(kept.relapsed)
    if new:
        text = ntr(
            "{count} new task; 'ecops actions list' shows all.",
            "{count} new tasks; 'ecops actions list' shows all.",
            new,
            count=show(new, "count"),
        )
        say(text)


def lab_command(
    store: StoreOption,
    notebook: Annotated[
        str | None, typer.Argument(help="Notebook to open; all are copied.")
    ] = None,
    folder: Annotated[
        Path | None, typer.Option("--dir", help="Folder of your copies; STORE/lab unless given.")
    ] = None,
    start: Annotated[
        bool, typer.Option("--start/--no-start", help="Start JupyterLab, or only copy.")
    ] = True,
    lang: LangOption = None,
) -> None:
    """Open the notebooks on a store in JupyterLab, as copies to change."""
    from ecops_lib.reports.lab import prepare_lab, start_lab

    set_reader(lang)
    lab = prepare_lab(store, notebook=notebook, folder=folder, lang=lang)
    say(tr("your copies: {path}", path=lab.folder))
    if lab.kept:
        _say_kept(lab.kept)
    if start:
        raise typer.Exit(start_lab(lab))
    say(" ".join(lab.command))


def _say_kept(kept: Sequence[str]) -> None:
    say(tr("left as you changed them: {names}", names=", ".join(kept)))
