"""The page that says what an import recognised, cleaned, refused, and what is missing."""

from __future__ import annotations

from pathlib import Path

from ecops_lib.core.findings import Finding, findings_html
from ecops_lib.core.language import reader, tr
from ecops_lib.data.imports import ImportResult
from ecops_lib.data.store import open_store
from ecops_lib.reports.page import plain_page
from ecops_lib.reports.publish import write_whole

MISSING = "missing/"


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
    grave = needing_attention(result)
    missing = [finding for finding in found if finding.key.startswith(MISSING)]
    rest = [f for f in found if f not in grave and f not in missing]
    all_well = tr("Nothing: no row was refused, and no total disagrees.")
    return [
        (tr("To be looked at"), _Html(findings_html(grave)) if grave else all_well),
        (tr("Files"), _Html(result.table_html())),
        (tr("What is still missing"), _Html(findings_html(missing)) if missing else tr("Nothing.")),
        (tr("What was recognised and cleaned"), _Html(findings_html(rest))),
    ]


def needing_attention(result: ImportResult) -> list[Finding]:
    """Refused rows, totals that disagree, masked buyers and the like."""
    return [finding for finding in result.findings() if finding.level in {"bad", "watch"}]
