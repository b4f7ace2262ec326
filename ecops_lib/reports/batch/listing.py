"""The page that lists a run: what failed first, then what matters most."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import quote

from ecops_lib.core.findings import RANK, level_word
from ecops_lib.core.language import Language, mark, ntr, reader, reading, tr
from ecops_lib.core.names import short_name
from ecops_lib.reports.batch.across import SHOPS_PAGE
from ecops_lib.reports.batch.failures import UP, failure_name, failure_words, write_failures
from ecops_lib.reports.batch.runs import DONE, FAILED, Run
from ecops_lib.reports.index import LANGUAGE_NAMES
from ecops_lib.reports.lists import (
    Cell,
    Column,
    Row,
    cut,
    isolated,
    list_html,
    list_script,
    list_style,
    money_cell,
    number_cell,
    text_cell,
)
from ecops_lib.reports.page import Body, render_page
from ecops_lib.reports.publish import write_whole

TOLD = 3
"""Findings of a report that the list tells."""
STATES: Mapping[str, str] = {
    "failed": mark("failed"),
    "crashed": mark("ended before it was done"),
    "timeout": mark("took too long"),
    "memory": mark("took too much memory"),
    "waiting": mark("not made yet"),
}


def write_listing(run: Run) -> None:
    """Write ``index.html`` and the pages of failed reports into the run's folder."""
    write_failures(run)
    page = listing_page(run, lang=reader().language)
    write_whole(run.folder / "index.html", page.encode("utf-8", "replace"))


def listing_page(run: Run, *, lang: Language) -> str:
    """The run as a page: a table of its reports, what could not be made first.

    Args:
        run: The run.
        lang: Language of the page's own words; findings are in that of their report.
    """
    with reading(lang):
        reports = sorted(run.reports.items(), key=lambda item: _weight(item[1]))
        lead = ntr(
            "{made} of {count} report was made; begun {begun}.",
            "{made} of {count} reports were made; begun {begun}.", len(reports),
            made=run.count(DONE), count=len(reports), begun=run.begun.replace("T", " ")[:16],
        )  # fmt: skip
        table = list_html(
            [_row(key, report) for key, report in reports],
            _columns(),
            filters={
                "state": tr("State"), "shop": tr("Shop"), "notebook": tr("Notebook"),
                "lang": tr("Language"),
            },
            caption=tr("Reports of this run"),
        )  # fmt: skip
        body = Body(
            html=table, lead=f"<p>{escape(lead)}</p>{_ways(run)}", style=list_style(),
            script=list_script(),
        )  # fmt: skip
        return render_page(body, title=run.plan, lang=lang)


def _ways(run: Run) -> str:
    """Links to the page over several shops, where there is one, and to all runs."""
    ways = {"../../../index.html": tr("all runs")}
    if (run.folder / SHOPS_PAGE).is_file():
        ways = {SHOPS_PAGE: tr("How do the shops compare?"), **ways}
    links = [f'<a href="{href}">{escape(words)}</a>' for href, words in ways.items()]
    return f"<p>{' · '.join(links)}</p>"


def _columns() -> list[Column]:
    return [
        Column(label=tr("State")),
        Column(label=tr("Shop"), name=True),
        Column(label=tr("Report")),
        Column(label=tr("Day"), brief=True),
        Column(label=tr("Language"), brief=True),
        Column(label=tr("What matters most"), wide=True),
        Column(label=tr("At stake"), number=True),
        Column(label=tr("Seconds"), number=True),
    ]


def _weight(report: Mapping[str, Any]) -> tuple[object, ...]:
    """Where a report stands: not made, then by its worst finding, its money and its shop."""
    worst = min((RANK[f["level"]] for f in report.get("findings", ())), default=len(RANK))
    return (
        report["status"] == DONE, worst, -(_stake(report) or 0.0), shop_name(report),
        report["notebook"],
    )  # fmt: skip


def _stake(report: Mapping[str, Any]) -> float | None:
    """Most money that a finding of a report is about; findings may overlap, so no sum."""
    return max((f["money"] for f in report.get("findings", ()) if f["money"]), default=None)


def _row(key: str, report: Mapping[str, Any]) -> Row:
    """A report; its money is in its own shop's currency."""
    state, lang = state_words(report["status"]), _language(report)
    name = Path(report["notebook"]).stem
    with reading(currency=report.get("currency") or reader().currency):
        stake = money_cell(_stake(report))
    cells = [
        Cell(html=_state_html(report, state)),
        text_cell(shop_name(report)),
        _title_cell(report, name),
        text_cell(report.get("day", "")),
        text_cell(lang),
        Cell(html=_told_html(key, report), sort=str(_weight(report)[1])),
        stake,
        number_cell(report["seconds"], "number") if "seconds" in report else Cell(html="", sort=""),
    ]
    choices = {"state": state, "shop": shop_name(report), "notebook": name}
    return Row(cells=cells, choices=choices | ({"lang": lang} if lang else {}))


def _state_html(report: Mapping[str, Any], state: str) -> str:
    level = "good" if report["status"] == DONE else "bad" if report["status"] in FAILED else "info"
    return f'<span class="ec-level ec-{level}">{escape(state)}</span>'


def _language(report: Mapping[str, Any]) -> str:
    lang = report.get("lang") or report["parameters"].get("lang", "")
    return LANGUAGE_NAMES.get(lang, cut(str(lang), 12))


def _title_cell(report: Mapping[str, Any], name: str) -> Cell:
    """The report's question, linked to its page, then its files and parameters."""
    title = isolated(str(report.get("title", name)))
    given = tr(", ").join(
        f"{key} = {value}" for key, value in report["parameters"].items() if key != "lang"
    )
    told = tr(", ").join(filter(None, (name, given)))
    small = f'<p class="pg-small">{isolated(told)}</p>'
    if report["status"] != DONE:
        return Cell(html=f"<p>{title}</p>{small}", sort=name)
    links = [(tr("workbook"), ".xlsx"), (tr("notebook"), ".ipynb")]
    files = [
        _link(report, file, escape(label))
        for label, ending in links
        for file in report.get("files", ())
        if file.endswith(ending)
    ]
    beside = f'<p class="pg-small pg-links">{"".join(files)}</p>' if files else ""
    return Cell(html=f"<p>{_link(report, report['page'], title)}</p>{small}{beside}", sort=name)


def _link(report: Mapping[str, Any], file: str, html: str) -> str:
    href = quote(f"{UP}{report['folder']}/{file}")
    return f'<a href="{escape(href, quote=True)}">{html}</a>'


def _told_html(key: str, report: Mapping[str, Any]) -> str:
    """The first findings, or why there is no page."""
    if report["status"] in FAILED:
        words, more = isolated(failure_words(report)), escape(tr("what to do"))
        link = f'<a href="{failure_name(key)}">{more}</a>'
        return f'<p>{words}</p><p class="pg-small">{link}</p>'
    if report["status"] != DONE:
        return ""
    return "".join(_findings(report["findings"][:TOLD]))


def _findings(findings: Iterable[Mapping[str, Any]]) -> Iterable[str]:
    for finding in findings:
        yield (
            f'<p><span class="ec-level ec-{finding["level"]}">'
            f"{escape(level_word(finding['level']))}</span> {isolated(finding['text'])}</p>"
        )


def shop_name(report: Mapping[str, Any]) -> str:
    """A report's shop, on one line; its folder's name where the report never began."""
    return short_name(report.get("shop"), Path(report["store"]).name)


def state_words(status: str) -> str:
    """A report's state for people."""
    return tr(STATES[status]) if status in STATES or status in FAILED else tr("made")
