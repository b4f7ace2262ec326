"""The page that lists every run of a folder, the newest first: ``OUT/runs/index.html``."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path
from urllib.parse import quote

from ecops_lib.core.language import Language, ntr, reader, reading, tr
from ecops_lib.reports.batch.across import SHOPS_PAGE
from ecops_lib.reports.batch.runs import DONE, FAILED, FOLDER, Run, list_runs
from ecops_lib.reports.lists import (
    Cell,
    Column,
    Row,
    cut,
    isolated,
    list_html,
    list_script,
    list_style,
    number_cell,
    text_cell,
)
from ecops_lib.reports.page import Body, render_page
from ecops_lib.reports.publish import write_whole


def write_runs(out: Path) -> Path:
    """Write the list of all runs of a folder anew, in the reader's language.

    Batches that end together write one after the other, each from what it then finds.

    Args:
        out: Folder of all reports.

    Returns:
        The page.
    """
    from filelock import FileLock

    folder = out / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / ".lock"):
        page = runs_page(list_runs(out), lang=reader().language)
        write_whole(folder / "index.html", page.encode("utf-8", "replace"))
    return folder / "index.html"


def runs_page(runs: Sequence[Run], *, lang: Language) -> str:
    """All runs as a page.

    Args:
        runs: The runs, the newest first.
        lang: Language of the words.
    """
    with reading(lang):
        columns = [
            Column(label=tr("Begun"), brief=True),
            Column(label=tr("Plan")),
            Column(label=tr("State")),
            Column(label=tr("Reports"), number=True),
            Column(label=tr("Reports made"), number=True),
            Column(label=tr("Reports failed"), number=True),
            Column(label=tr("Pages")),
        ]
        table = list_html(
            [_row(run) for run in runs],
            columns,
            filters={"plan": tr("Plan"), "state": tr("State")},
            caption=tr("Runs, the newest first"),
        )
        count = len(runs)
        lead = ntr("{count} run", "{count} runs", count, count=count)
        up = tr("All pages of this folder")
        link = f'<a href="../index.html">{escape(up)}</a>'
        body = Body(
            html=table, lead=f"<p>{escape(lead)} · {link}</p>", style=list_style(),
            script=list_script(),
        )  # fmt: skip
        return render_page(body, title=tr("Batches"), lang=lang)


def _row(run: Run) -> Row:
    state = _state(run)
    cells = [
        Cell(html=escape(run.begun.replace("T", " ")[:16]), sort=cut(run.begun, 40)),
        text_cell(run.plan),
        text_cell(state),
        number_cell(len(run.reports), "count"),
        number_cell(run.count(DONE), "count"),
        number_cell(run.count(*FAILED), "count"),
        Cell(html=_links(run), sort=cut(run.name)),
    ]
    return Row(cells=cells, choices={"plan": cut(run.plan), "state": state})


def _state(run: Run) -> str:
    """A run for people: a batch that was cut off leaves reports that wait."""
    if run.count(DONE) == len(run.reports):
        return tr("all made")
    if run.count(*FAILED):
        return tr("some failed")
    return tr("not finished")


def _links(run: Run) -> str:
    """The run's own pages that are there, as paths from the list of all runs."""
    labels = {"index.html": tr("reports"), SHOPS_PAGE: tr("shops compared")}
    links = [
        f'<a href="{escape(quote(f"{run.name}/{name}"))}">{escape(label)}</a>'
        for name, label in labels.items()
        if (run.folder / name).is_file()
    ]
    return f'<span class="pg-links">{"".join(links)}</span>' if links else isolated(run.name)
