"""The page that says what an import recognised, cleaned, refused, and what is missing."""

from __future__ import annotations

from html import escape
from pathlib import Path

from ecops_lib.core.findings import findings_html
from ecops_lib.core.language import mark, reader, tr
from ecops_lib.core.tables import table_html
from ecops_lib.data.imports import ImportResult
from ecops_lib.data.store import open_store
from ecops_lib.reports.page import plain_page
from ecops_lib.reports.publish import write_whole

RECOGNISED = ("file", "format", "score", "encoding", "why")
CLEANED = ("file", "rows", "written", "repeated", "unwrapped", "refused", "first", "last")
REFUSED = {
    "file": mark("file"),
    "column": mark("column"),
    "reason": mark("reason"),
    "refused": mark("rows refused"),
}
MISSING = {"table": mark("table"), "hint": mark("what would fill it")}


class _Html:
    """HTML in which all that comes from data is escaped already."""

    def __init__(self, html: str) -> None:
        self._html = html

    def __html__(self) -> str:
        return self._html


def write_import_page(result: ImportResult) -> Path:
    """Write the page of an import, in the reader's language, into the store.

    Args:
        result: What the import did; its ``store`` and ``version`` name the file
            ``imports/00000012.html``. One that changed nothing has a page of its own.
    """
    folder = Path(result.store)
    title = tr("Import into {shop}", shop=open_store(folder).settings.name)
    page = plain_page(title=title, lang=reader().language, sections=_sections(result))
    end = "" if result.changed else "-unchanged"
    file = folder / "imports" / f"{result.version:08d}{end}.html"
    file.parent.mkdir(exist_ok=True)
    write_whole(file, page.encode("utf-8", "replace"))
    return file


def _sections(result: ImportResult) -> list[tuple[str, object]]:
    found = result.findings()
    grave = [finding for finding in found if finding.level in {"bad", "watch"}]
    rest = [finding for finding in found if finding not in grave]
    all_well = tr("Nothing: no row was refused, and no total disagrees.")
    return [
        (tr("To be looked at"), _Html(findings_html(grave)) if grave else all_well),
        (tr("In short"), _Html(findings_html(rest))),
        (tr("What was recognised"), _table(result, RECOGNISED)),
        (tr("What was read and cleaned"), _cleaned(result)),
        (tr("What was refused"), _refused(result)),
        (tr("What is still missing"), _missing(result)),
    ]


def _table(result: ImportResult, columns: tuple[str, ...]) -> _Html:
    """Some columns of the line that each file has."""
    shown = result.to_frame()[list(columns)]
    return _Html(
        table_html(shown, units=result.units, labels=result.headings(), name=f"files_{columns[1]}")
    )


def _cleaned(result: ImportResult) -> _Html:
    remarks = result.remarks()
    listed = findings_html(remarks) if remarks else ""
    return _Html(_table(result, CLEANED).__html__() + listed)


def _refused(result: ImportResult) -> object:
    refused = result.refusals()
    if refused.empty:
        return tr("Nothing.")
    labels = {name: tr(label) for name, label in REFUSED.items()}
    where = tr("Every refused row stands in the store's quarantine folder with its reason.")
    table = table_html(refused, units=result.units, labels=labels, name="refused")
    return _Html(f"<p>{escape(where)}</p>{table}")


def _missing(result: ImportResult) -> object:
    missing = result.still_missing()
    if missing.empty:
        return tr("Nothing.")
    labels = {name: tr(label) for name, label in MISSING.items()}
    return _Html(table_html(missing, units={}, labels=labels, name="missing"))
