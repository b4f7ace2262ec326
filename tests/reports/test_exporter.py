"""From an executed notebook to a page: what is shown, to whom, and what is trusted."""

from __future__ import annotations

from dataclasses import dataclass
from html import unescape
from typing import Any

import pandas as pd
import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from ecops_lib.core.errors import ParameterError
from ecops_lib.core.results import Result
from ecops_lib.reports.exporter import notebook_page
from ecops_lib.reports.page import Provenance

SCRIPT = "<script>alert(1)</script>"


@dataclass(frozen=True, kw_only=True, eq=False)
class Products(Result):
    """A table with a product's name."""

    name: str

    def to_frame(self) -> pd.DataFrame:
        return pd.DataFrame({"product": [self.name]})


def shown_by_kernel(value: Any) -> NotebookNode:
    """The output that a kernel makes of a value."""
    from IPython.core.formatters import DisplayFormatter

    data, metadata = DisplayFormatter().format(value)
    return new_output("display_data", data=data, metadata=metadata)


def page(*cells: NotebookNode, lang: str = "en", audience: str = "analyst", **more: Any) -> str:
    return notebook_page(
        new_notebook(cells=list(cells)),
        title="Shop",
        lang=lang,
        audience=audience,
        provenance=Provenance(made_at="2026-11-22 10:00", **more),
    )


def code(source: str, *outputs: NotebookNode) -> NotebookNode:
    return new_code_cell(source, outputs=list(outputs))


def main(html: str) -> str:
    return html.split("<main", 1)[1]


def test_results_stand_on_the_page_without_a_second_style_sheet() -> None:
    html = page(code("x", shown_by_kernel(Products(name=SCRIPT))))
    assert '<table class="ec-table">' in html
    assert html.count("<style>") == 1
    assert "<script" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html


def test_html_of_others_is_never_put_on_the_page() -> None:
    data = {"text/html": f"<b>{SCRIPT}</b>", "text/plain": "<plain>"}
    html = page(code("x", new_output("display_data", data=data)))
    assert "&lt;plain&gt;" in html
    assert "<b>" not in html
    alone = page(code("x", new_output("display_data", data={"text/html": f"<b>{SCRIPT}"})))
    assert "&lt;b&gt;&lt;script&gt;" in alone


def test_a_mark_inside_the_data_does_not_make_html_trusted() -> None:
    data = {"text/html": f"<b>{SCRIPT}", "text/plain": "p", "ecops": "Products"}
    assert "<b>" not in page(code("x", new_output("display_data", data=data)))


def test_frames_of_pandas_appear_as_escaped_text() -> None:
    html = page(code("x", shown_by_kernel(pd.DataFrame({"a": [SCRIPT]}))))
    assert "<pre" in main(html)
    assert "<script" not in html


def test_streams_and_tracebacks_are_shown_escaped_and_without_colours() -> None:
    trace = new_output("error", ename="E", evalue="v", traceback=[f"\x1b[31mE: {SCRIPT}\x1b[0m"])
    html = page(code("x", new_output("stream", text=f"out {SCRIPT}"), trace))
    assert "out &lt;script&gt;" in html
    assert "E: &lt;script&gt;" in html
    assert "\x1b" not in html
    assert "<script" not in html


def test_pictures_carry_their_words_and_nothing_but_base64() -> None:
    good = new_output("display_data", data={"image/png": "aGk=\n", "text/plain": '<"Figure">'})
    html = page(code("x", good))
    assert 'alt="&lt;&quot;Figure&quot;&gt;" src="data:image/png;base64,aGk="' in html
    bad = new_output("display_data", data={"image/png": '"><b>', "text/plain": "words"})
    assert "<b>" not in page(code("x", bad))


def test_html_in_words_is_escaped_and_pictures_are_not_loaded() -> None:
    html = page(
        new_markdown_cell(f"text <b>bold</b> {SCRIPT} ![far](https://example.org/a.png)"),
        new_markdown_cell("[go](javascript:alert(1)) $5 and $6"),
    )
    assert "<script" not in html
    assert "<b>" not in html
    assert "example.org" not in html
    assert "javascript:" not in html
    assert "$5 and $6" in html


def test_the_question_is_the_page_s_only_h1_and_each_h2_is_in_the_contents() -> None:
    html = page(
        new_markdown_cell("# What now & why?\n\nA lead."),
        new_markdown_cell("## First `a` <i>"),
        new_markdown_cell("## Second\n\n### Not listed"),
    )
    assert html.count("<h1") == 1
    assert "<h1>What now &amp; why?</h1>" in html
    assert '<p class="pg-eyebrow">Shop</p>' in html
    assert html.index("A lead.") < html.index("</header>")
    assert '<h2 id="s-1">' in html
    assert html.count('<a href="#s-1">First a &lt;i&gt;</a>') == 2
    assert html.count('<a href="#s-2">Second</a>') == 2
    assert "Not listed</a>" not in html


@pytest.mark.parametrize(
    ("lang", "kept", "left"), [("zh", "中文", "English"), ("en", "English", "中文")]
)
def test_words_of_the_other_language_are_left_out(lang: str, kept: str, left: str) -> None:
    html = page(
        new_markdown_cell("# 中文", metadata={"lang": "zh"}),
        new_markdown_cell("# English", metadata={"lang": "en"}),
        new_markdown_cell("both"),
        lang=lang,
    )
    assert f"<h1>{kept}</h1>" in html
    assert left not in main(html)
    assert "both" in html
    assert f'<html lang="{"zh-CN" if lang == "zh" else "en"}">' in html


def test_code_is_folded_for_analysts_and_absent_for_management() -> None:
    cells = [code("secret = 1"), code("show(secret)", new_output("stream", text="out"))]
    analyst = page(*cells)
    assert analyst.count("<details") == 1
    assert "<details open" not in analyst
    assert "secret" in analyst
    management = page(*cells, audience="management")
    assert "secret" not in management
    assert "<details" not in management
    assert "out" in management


def test_the_notebook_is_not_changed() -> None:
    notebook = new_notebook(cells=[new_markdown_cell("# a", metadata={"lang": "zh"})])
    notebook_page(
        notebook, title="t", lang="en", audience="analyst", provenance=Provenance(made_at="now")
    )
    assert len(notebook.cells) == 1


def test_unknown_language_and_audience_are_refused() -> None:
    with pytest.raises(ParameterError, match="lang is 'fr'"):
        page(lang="fr")
    with pytest.raises(ParameterError, match="audience is 'all'"):
        page(audience="all")


def test_two_pages_of_one_notebook_have_the_same_bytes() -> None:
    cells = [new_markdown_cell("## a"), code("x", shown_by_kernel(Products(name="b")))]
    assert page(*cells) == page(*cells)


def test_provenance_closes_the_page() -> None:
    html = page(
        parameters={"as_of": "2026-11-21", "note": SCRIPT},
        files=[{"file": f"{SCRIPT}.csv", "rows": 12345, "sha256": "ab" * 32}, {"file": "b.csv"}],
        bases={"refund basis": "pay"},
        versions={"ecops": "0.1.0"},
    )
    tail = unescape(html[html.index('id="provenance"') :])
    for expected in (
        "2026-11-21",
        "12,345",
        "abababababababab",
        "refund basis",
        "0.1.0",
        "2026-11-22 10:00",
    ):
        assert expected in tail
    assert "—" in tail
    assert "<script" not in html
