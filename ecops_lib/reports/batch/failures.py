"""The page of a report that could not be made: where it stopped, why, and what to do next."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import quote

from ecops_lib.core.language import Language, mark, reader, reading, tr
from ecops_lib.core.names import joined, short_name
from ecops_lib.reports.batch.runs import FAILED, Run
from ecops_lib.reports.lists import cut, isolated
from ecops_lib.reports.page import Body, render_page
from ecops_lib.reports.publish import write_whole

FOLDER = "failed"
UP = "../../../../"
"""From a run's folder to that of all reports."""
LANGUAGES: tuple[Language, ...] = ("zh", "en")
ENDED: Mapping[str, str] = {
    "timeout": mark("It took longer than the batch allows, and was ended."),
    "memory": mark("It took more memory than the batch allows, and was ended."),
    "crashed": mark("Its process ended before the page was done; most often the memory was full."),
}
ENDED_IN: Mapping[str, str] = {
    "timeout": mark("It took longer than the batch allows, and was ended in “{section}”."),
    "memory": mark("It took more memory than the batch allows, and was ended in “{section}”."),
    "crashed": mark("Its process ended in “{section}”; most often the memory was full."),
}
REMEDIES: Mapping[str, str] = {
    "timeout": mark("Allow more time (--timeout), or make fewer reports at once (--jobs)."),
    "memory": mark("Allow more memory (--memory), or make fewer reports at once (--jobs)."),
    "crashed": mark("Close other programs, or make fewer reports at once (--jobs 1)."),
    "refused": mark("Do what the sentence above asks for: a setting, a file or a day is missing."),
    "failed": mark(
        "Hand the executed notebook to an analyst: its last cell holds the error in full. The "
        "data of that section are what to look at first."
    ),
}


def failure_name(key: str) -> str:
    """File of a failed report's page, below the run's folder.

    >>> failure_name("shop-daily_review-1a2b3c4d")
    'failed/a829c2977644.html'
    """
    return f"{FOLDER}/{hashlib.sha256(key.encode()).hexdigest()[:12]}.html"


def write_failures(run: Run) -> None:
    """Write the page of each failed report of a run, and remove those of earlier tries."""
    shutil.rmtree(run.folder / FOLDER, ignore_errors=True)
    for key, report in run.reports.items():
        if report["status"] in FAILED:
            lang = report.get("lang")
            page = failure_page(report, lang=lang if lang in LANGUAGES else reader().language)
            file = run.folder / failure_name(key)
            file.parent.mkdir(exist_ok=True)
            write_whole(file, page.encode("utf-8", "replace"))


def failure_page(report: Mapping[str, Any], *, lang: Language) -> str:
    """A failed report as a page: for managers, so it holds no code and no traceback.

    Args:
        report: Its entry in the run's manifest.
        lang: Language of the words; what Python itself says stays as it is.
    """
    with reading(lang):
        shop = short_name(report.get("shop"), Path(report["store"]).name)
        title = cut(str(report.get("title", Path(report["notebook"]).stem)), 120)
        happened, then = escape(tr("What happened")), escape(tr("What to do next"))
        html = (
            f"<h2>{happened}</h2><p>{isolated(failure_words(report))}</p>"
            f"<h2>{then}</h2>{_next_html(report)}"
        )
        body = Body(html=html, lead=f"<p>{isolated(shop)} · {isolated(title)}</p>")
        return render_page(body, title=tr("This report could not be made"), lang=lang)


def failure_words(report: Mapping[str, Any]) -> str:
    """Where a report stopped and why, in the reader's language.

    >>> failure_words({"status": "timeout", "section": "Stock"})
    'It took longer than the batch allows, and was ended in “Stock”.'
    >>> failure_words({"status": "failed", "section": "Stock", "reason": "no orders."})
    'It stopped in “Stock”. The error: “no orders.”'
    """
    section, status = cut(str(report.get("section", "")), 120), report["status"]
    if status in ENDED:
        return tr(ENDED_IN[status]).format(section=section) if section else tr(ENDED[status])
    reason = cut(str(report.get("reason") or report.get("message", "")))
    why = (
        tr("The kit says: “{reason}”", reason=reason)
        if report.get("refused")
        else tr("The error: “{reason}”", reason=reason)
    )
    if not section:
        return joined(tr("It stopped before its first section."), why)
    return joined(tr("It stopped in “{section}”.", section=section), why)


def _next_html(report: Mapping[str, Any]) -> str:
    """What to do, then the executed notebook, then how to go on."""
    status = report["status"]
    remedy = REMEDIES["refused" if status == "failed" and report.get("refused") else status]
    again = tr("Then run the same `ecops batch` with --resume: only what is missing is made.")
    steps = "".join(f"<li>{escape(text)}</li>" for text in (tr(remedy), again))
    back = tr("All reports of this run")
    return (
        f"<ol>{steps}</ol><p>{_kept_html(report)}</p>"
        f'<p><a href="../index.html">{escape(back)}</a></p>'
    )


def _kept_html(report: Mapping[str, Any]) -> str:
    kept = report.get("kept", "")
    if not kept:
        return escape(tr("No executed notebook was kept."))
    href, words = quote(f"../{UP}{kept}"), tr("The executed notebook, for analysts")
    return f'<a href="{escape(href)}">{escape(words)}</a>'
