"""The index: every report of a folder, the latest day first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from itertools import groupby
from urllib.parse import quote

from ecops_lib.core.findings import RANK, Level, level_word
from ecops_lib.core.language import Language, mark, ntr, reading, tr
from ecops_lib.reports.page import Body, render_page

AUDIENCES: Mapping[str, str] = {
    "analyst": mark("for analysts"),
    "management": mark("for management"),
}
LANGUAGE_NAMES: Mapping[str, str] = {"zh": "中文", "en": "English"}


@dataclass(frozen=True, kw_only=True)
class ReportEntry:
    """One report in the index.

    Attributes:
        title: The question it answers.
        href: Its page, as a path from the index.
        day: The day it is about, in ISO form.
        lang: Language it is written in.
        audience: ``analyst`` or ``management``.
        made_at: When it was made, as it is to be printed.
        levels: Number of findings of each level.
        headline: The sentence that matters most; empty if there is none.
    """

    title: str
    href: str
    day: str
    lang: Language
    audience: str
    made_at: str
    levels: Mapping[Level, int] = field(default_factory=dict)
    headline: str = ""


def index_page(reports: Sequence[ReportEntry], *, lang: Language) -> str:
    """The list of reports as a page of its own."""
    newest = sorted(reports, key=lambda r: (r.title, r.lang, r.audience, r.href))
    newest.sort(key=lambda r: r.day, reverse=True)
    parts, headings = [], []
    with reading(lang):
        for place, (day, entries) in enumerate(groupby(newest, key=lambda r: r.day), 1):
            headings.append((f"s-{place}", day))
            parts.append(f'<h2 id="s-{place}">{escape(day)}</h2>{_day_html(entries)}')
        count = len(newest)
        lead = (
            ntr("{count} report", "{count} reports", count, count=count)
            if count
            else tr(
                "No report has been made here yet: run `ecops run daily_review --store S --out R`."
            )
        )
        title = tr("Reports")
    body = Body(html="\n".join(parts), lead=f"<p>{escape(lead)}</p>", headings=headings)
    return render_page(body, title=title, lang=lang)


def _day_html(entries: Iterable[ReportEntry]) -> str:
    return '<ul class="pg-reports">' + "".join(map(_entry_html, entries)) + "</ul>"


def _entry_html(entry: ReportEntry) -> str:
    levels = "".join(
        f'<span class="ec-level ec-{level}">{escape(level_word(level))} {count}</span>'
        for level, count in sorted(entry.levels.items(), key=lambda pair: RANK[pair[0]])
        if count
    )
    audience = tr(AUDIENCES[entry.audience]) if entry.audience in AUDIENCES else entry.audience
    small = " · ".join([LANGUAGE_NAMES[entry.lang], audience, entry.made_at])
    headline = f'<p class="ec-text">{escape(entry.headline)}</p>' if entry.headline else ""
    return (
        f'<li><a href="{escape(quote(entry.href), quote=True)}">{escape(entry.title)}</a>'
        f'{headline}<p class="pg-small">{levels}{escape(small)}</p></li>'
    )
