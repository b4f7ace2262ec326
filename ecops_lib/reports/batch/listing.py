"""The page that lists a run: what failed first, then the shops with most at stake."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any
from urllib.parse import quote

from ecops_lib.core.findings import level_word
from ecops_lib.core.formats import show
from ecops_lib.core.language import Language, mark, ntr, reader, reading, tr
from ecops_lib.reports.batch.runs import DONE, FAILED, Run
from ecops_lib.reports.page import Body, render_page
from ecops_lib.reports.publish import write_whole

UP = "../../../../"
"""From a run's folder to that of all reports."""
STATES: Mapping[str, str] = {
    "failed": mark("failed"),
    "crashed": mark("ended before it was done"),
    "timeout": mark("took too long"),
    "memory": mark("took too much memory"),
    "waiting": mark("not made yet"),
}


def write_listing(run: Run) -> None:
    """Write ``index.html`` into the run's folder, in the reader's language."""
    page = listing_page(run, lang=reader().language)
    write_whole(run.folder / "index.html", page.encode("utf-8", "replace"))


def listing_page(run: Run, *, lang: Language) -> str:
    """The run as a page: what could not be made, then all reports by shop."""
    with reading(lang):
        missing = [r for r in run.reports.values() if r["status"] != DONE]
        made = [r for r in run.reports.values() if r["status"] == DONE]
        parts, headings = [], []
        if missing:
            headings.append(("s-1", tr("Not made")))
            parts.append(_part("s-1", tr("Not made"), [_missing(r) for r in missing]))
        shops: dict[str, list[Mapping[str, Any]]] = {}
        for report in made:
            shops.setdefault(report["shop"], []).append(report)
        ranked = sorted(shops, key=lambda shop: (-_stake(shops[shop]), shop))
        for place, shop in enumerate(ranked, 2):
            headings.append((f"s-{place}", shop))
            parts.append(_part(f"s-{place}", shop, [_made(r) for r in shops[shop]]))
        lead = ntr(
            "{made} of {count} report was made; begun {begun}.",
            "{made} of {count} reports were made; begun {begun}.", len(run.reports),
            made=len(made), count=len(run.reports), begun=run.begun.replace("T", " ")[:16],
        )  # fmt: skip
        body = Body(html="\n".join(parts), lead=f"<p>{escape(lead)}</p>", headings=headings)
        return render_page(body, title=run.plan, lang=lang)


def _stake(reports: list[Mapping[str, Any]]) -> float:
    """Most money that a finding of a shop is about."""
    return max((f["money"] or 0.0 for r in reports for f in r["findings"]), default=0.0)


def _part(place: str, heading: str, entries: list[str]) -> str:
    return f'<h2 id="{place}">{escape(heading)}</h2><ul class="pg-reports">{"".join(entries)}</ul>'


def _missing(report: Mapping[str, Any]) -> str:
    state = state_words(report["status"])
    text = report.get("message", "")
    title = f"{report.get('shop', report['store'])} · {report.get('title', report['notebook'])}"
    return (
        f"<li><strong>{escape(title)}</strong>"
        f'<p class="ec-text">{escape(": ".join(t for t in (state, text) if t))}</p></li>'
    )


def _made(report: Mapping[str, Any]) -> str:
    href = quote(f"{UP}{report['folder']}/{report['page']}")
    told = "".join(
        f'<p class="ec-text"><span class="ec-level ec-{f["level"]}">'
        f"{escape(level_word(f['level']))}</span> {escape(f['text'])}</p>"
        for f in report["findings"][:2]
    )
    given = " · ".join(str(value) for value in report["parameters"].values())
    seconds = tr("{seconds} s", seconds=show(report["seconds"], "number"))
    small = " · ".join(text for text in (given, seconds) if text)
    return (
        f'<li><a href="{escape(href, quote=True)}">{escape(report["title"])}</a>{told}'
        f'<p class="pg-small">{escape(small)}</p></li>'
    )


def state_words(status: str) -> str:
    """A report's state for people."""
    return tr(STATES[status]) if status in STATES or status in FAILED else tr("made")
