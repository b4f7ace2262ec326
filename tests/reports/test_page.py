"""Pages made without a notebook, and the index."""

from __future__ import annotations

import re
from dataclasses import dataclass
from html import unescape

import pandas as pd

from ecops_lib.core.results import Result
from ecops_lib.reports.index import ReportEntry, index_page
from ecops_lib.reports.page import Body, page_style, plain_page, render_page

HOSTILE = "<script>alert('x')</script>"


@dataclass(frozen=True, kw_only=True, eq=False)
class Counted(Result):
    """One number."""

    def to_frame(self) -> pd.DataFrame:
        return pd.DataFrame({"rows": [7]})


def entry(day: str, **more: object) -> ReportEntry:
    held = {"title": "What happened?", "href": f"{day}.html", "lang": "en", "made_at": "now"}
    return ReportEntry(**{**held, "day": day, "audience": "analyst", **more})


def test_sections_take_results_text_and_safe_html() -> None:
    class Safe:
        def __html__(self) -> str:
            return "<b>safe</b>"

    html = plain_page(
        title="Import",
        lang="en",
        sections=[
            ("", "above"),
            ("Table", Counted()),
            ("Words", f"one\n\n{HOSTILE}"),
            ("S", Safe()),
        ],
    )
    assert html.index("<p>above</p>") < html.index('<h2 id="s-2">Table</h2>')
    assert ">7</td>" in html
    assert "<p>one</p><p>&lt;script&gt;" in html
    assert "<b>safe</b>" in html
    assert "<h1>Import</h1>" in html


def test_hostile_titles_and_headings_are_escaped() -> None:
    html = plain_page(title=HOSTILE, lang="zh", sections=[(HOSTILE, HOSTILE), ("b", "")])
    assert "<script" not in html
    assert html.count("&lt;script&gt;") == 6


def test_a_page_asks_the_network_for_nothing() -> None:
    html = unescape(render_page(Body(html=""), title="t", lang="en"))
    assert "default-src 'none'" in html
    assert "script-src" not in html
    assert not re.search(r"https?:|//[a-z]|url\(|@import|<script|<iframe|<object", html)


def test_the_style_sheet_knows_dark_narrow_and_paper() -> None:
    style = page_style()
    for rule in ("prefers-color-scheme:dark", "max-width:40rem", "@media print", "size:A4"):
        assert rule in style
    assert style.count("{") == style.count("}")
    assert "</" not in style


def test_every_colour_of_the_sheet_is_defined() -> None:
    style = page_style()
    defined = set(re.findall(r"(--[a-z0-9-]+):", style))
    assert set(re.findall(r"var\((--[a-z0-9-]+)", style)) <= defined


def test_the_index_shows_the_latest_day_first() -> None:
    html = index_page([entry("2026-11-01"), entry("2026-11-03"), entry("2026-11-02")], lang="en")
    days = re.findall(r'<h2 id="s-\d">([^<]+)</h2>', html)
    assert days == ["2026-11-03", "2026-11-02", "2026-11-01"]
    assert "3 reports" in html


def test_an_entry_counts_its_findings_worst_first() -> None:
    html = index_page(
        [entry("d", levels={"good": 1, "bad": 2, "info": 0}, headline=HOSTILE)], lang="zh"
    )
    assert html.index("需处理 2") < html.index("良好 1")
    assert "提示" not in html
    assert "<script" not in html


def test_links_of_the_index_cannot_leave_the_folder_s_pages() -> None:
    html = index_page([entry("d", href='javascript:alert(1)" onclick="x')], lang="en")
    assert '<a href="javascript%3Aalert%281%29%22%20onclick%3D%22x">' in html


def test_an_empty_index_says_what_to_do() -> None:
    assert "ecops run daily_review" in index_page([], lang="en")
