"""From an executed notebook to a page.

Words in a notebook stand in markdown cells; a cell whose metadata holds ``"lang": "zh"``
or ``"lang": "en"`` is for readers of that language alone. JupyterLab shows both.

An output's HTML is put on the page only if the output carries the mark of our own results
(`core.display.MARK`), which escape all that comes from data. Any other output appears as
its plain text, escaped, and HTML in markdown cells is escaped as well.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import escape
from typing import TYPE_CHECKING, Any, Literal

from ecops_lib.core.checks import require_choice
from ecops_lib.core.display import MARK
from ecops_lib.core.language import Language, reading, tr
from ecops_lib.reports.page import TEMPLATES, Body, Provenance, render_page

if TYPE_CHECKING:
    from nbformat import NotebookNode

Audience = Literal["analyst", "management"]
"""Who reads a page: analysts find the code folded, management finds none."""

ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
BASE64 = re.compile(r"[A-Za-z0-9+/=\s]+")


def notebook_page(
    notebook: NotebookNode,
    *,
    title: str,
    lang: Language,
    audience: Audience,
    provenance: Provenance,
    refresh: int = 0,
) -> str:
    """An executed notebook as one self-contained HTML file.

    Args:
        notebook: The notebook with its outputs; not changed.
        title: Name in the browser's tab, and a line above the notebook's H1.
        lang: Language of the words; cells of another language are left out.
        audience: Whether code is folded, or absent from the file.
        provenance: Where the numbers come from, for the end of the page.
        refresh: Seconds after which an open page loads itself again; 0 for never.

    Raises:
        ParameterError: ``lang`` or ``audience`` is none of the choices.
    """
    from nbconvert.exporters import TemplateExporter
    from nbconvert.filters import Highlight2HTML

    require_choice(lang, Language, name="lang")
    require_choice(audience, Audience, name="audience")
    words = Words()
    exporter = TemplateExporter(  # type: ignore[no-untyped-call]
        template_paths=[str(TEMPLATES)],
        template_file="notebook.html.j2",
        filters={
            "words": words.to_html,
            "code": Highlight2HTML(pygments_lexer="ipython3"),  # type: ignore[no-untyped-call]
            "shown": output_html,
        },
    )
    with reading(lang):
        resources = {"show_code": audience == "analyst", "code_label": tr("Code")}
        html, _ = exporter.from_notebook_node(_for_readers(notebook, lang), resources)
    body = Body(html=html, question=words.question, lead=words.lead, headings=tuple(words.headings))
    return render_page(body, title=title, lang=lang, provenance=provenance, refresh=refresh)


def _for_readers(notebook: NotebookNode, lang: Language) -> NotebookNode:
    """The notebook without the words that are meant for readers of another language."""
    from nbformat import NotebookNode as Node

    cells = [cell for cell in notebook.cells if cell.metadata.get("lang", lang) == lang]
    return Node({**notebook, "cells": cells})  # type: ignore[no-untyped-call]


class Words:
    """Markdown cells as HTML, remembering the H1, what follows it, and every H2."""

    def __init__(self) -> None:
        self.question = self.lead = ""
        self.headings: list[tuple[str, str]] = []
        self._markdown = _markdown(self)

    def to_html(self, source: str) -> str:
        """The HTML of one cell; that of the cell with the H1 goes to the page's head."""
        before = self.question
        html = str(self._markdown(source))
        if self.question == before:
            return html
        self.lead = html
        return ""

    def heading_html(self, text: str, level: int) -> str:
        """A heading; ``text`` is HTML already."""
        plain = _plain(text)
        if level == 1 and not self.question:
            self.question = plain
            return ""
        if level > 2:
            return f"<h{level}>{text}</h{level}>"
        name = f"s-{len(self.headings) + 1}"
        self.headings.append((name, plain))
        return f'<h2 id="{name}">{text}</h2>'


def _plain(html: str) -> str:
    from html import unescape

    return unescape(re.sub(r"<[^>]*>", "", html)).strip()


def _markdown(words: Words) -> Any:
    import mistune

    class Renderer(mistune.HTMLRenderer):
        def heading(self, text: str, level: int, **_: Any) -> str:
            return words.heading_html(text, level)

        def image(self, text: str, *_: Any, **__: Any) -> str:
            return escape(text)  # a page loads nothing

        def table(self, text: str) -> str:
            return (
                f'<div class="ec-scroll" tabindex="0"><table class="ec-table">{text}</table></div>'
            )

    return mistune.create_markdown(renderer=Renderer(escape=True), plugins=["table"])


def output_html(output: Mapping[str, Any]) -> str:
    """One output of a code cell, safe to put on a page."""
    match output["output_type"]:
        case "stream":
            return _pre(output["text"], "pg-stream")
        case "error":
            return _pre("\n".join(output["traceback"]), "pg-error")
        case _:
            return _data_html(output["data"], output["metadata"])


def _data_html(data: Mapping[str, Any], metadata: Mapping[str, Any]) -> str:
    html, plain = data.get("text/html"), data.get("text/plain", "")
    if html is not None and metadata.get(MARK):
        return re.sub(r"\A<style>.*?</style>", "", html, flags=re.DOTALL)
    picture = data.get("image/png", "")
    if picture and BASE64.fullmatch(picture):
        code = "".join(picture.split())
        return f'<img class="pg-picture" alt="{escape(plain)}" src="data:image/png;base64,{code}">'
    return _pre(plain or html or "", "pg-text")


def _pre(text: str, kind: str) -> str:
    shown = ANSI.sub("", text).strip("\n")
    return f'<pre class="{kind}" tabindex="0">{escape(shown)}</pre>' if shown else ""
