"""The page: one HTML file that asks the network for nothing and runs no script but our own."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from ecops_lib.core.display import Shown, result_style
from ecops_lib.core.formats import MISSING, is_missing, show
from ecops_lib.core.language import Language, mark, reading, tr

if TYPE_CHECKING:
    from jinja2 import Environment

TEMPLATES = Path(__file__).with_name("templates")

POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; "
    "base-uri 'none'; form-action 'none'"
)
"""What a browser may load for a page: nothing but the page's own styles and pictures."""

LABELS: Mapping[str, str] = {
    "file": mark("file"),
    "rows": mark("rows"),
    "sha256": mark("SHA-256"),
    "hash": mark("hash"),
    "table": mark("table"),
    "version": mark("version"),
}
HASHES = frozenset({"sha256", "hash"})


@dataclass(frozen=True, kw_only=True)
class Provenance:
    """Where a page's numbers come from, printed at its end.

    Attributes:
        parameters: What the notebook was asked, by name.
        files: One mapping a data file, such as ``file``, ``rows`` and ``sha256``.
        bases: What the numbers rest on, such as refund basis and time zone.
        versions: Version of each program that took part.
        made_at: When the page was made, as it is to be printed.
    """

    parameters: Mapping[str, object] = field(default_factory=dict)
    files: Sequence[Mapping[str, object]] = ()
    bases: Mapping[str, str] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    made_at: str


@dataclass(frozen=True, kw_only=True)
class Body:
    """What stands on a page.

    Attributes:
        html: The page's content, in which all that comes from data is escaped.
        question: The H1 as plain text; empty where the title serves.
        lead: HTML under the H1.
        headings: Id and plain text of each H2, for the table of contents.
        style: A further style sheet, after the page's own.
        script: A script of ours, the only one that the page may run; empty for none.
    """

    html: str
    question: str = ""
    lead: str = ""
    headings: Sequence[tuple[str, str]] = ()
    style: str = ""
    script: str = ""

    @property
    def policy(self) -> str:
        """What a browser may load for it: ``POLICY``, and its script by its digest."""
        if not self.script:
            return POLICY
        digest = base64.b64encode(hashlib.sha256(self.script.encode()).digest()).decode()
        return f"{POLICY}; script-src 'sha256-{digest}'"


def render_page(
    body: Body,
    *,
    title: str,
    lang: Language,
    provenance: Provenance | None = None,
    refresh: int = 0,
) -> str:
    """One whole HTML file.

    Args:
        body: What stands on it.
        title: Name in the browser's tab, and a line above the H1 where the two differ.
        lang: Language of the page's own words.
        provenance: Where the numbers come from; None leaves the block out.
        refresh: Seconds after which an open page loads itself again; 0 for never.

    >>> page = render_page(Body(html="<p>hi</p>"), title="A & B", lang="en")
    >>> "<title>A &amp; B</title>" in page, "<script" in page
    (True, False)
    """
    from markupsafe import Markup

    with reading(lang):
        columns = (
            dict.fromkeys(name for file in provenance.files for name in file) if provenance else {}
        )
        return (
            _templates()
            .get_template("page.html")
            .render(
                body=Markup(body.html),  # noqa: S704 - escaped where it was written
                lead=Markup(body.lead),  # noqa: S704
                style=Markup(page_style() + body.style),  # noqa: S704
                script=Markup(body.script),  # noqa: S704
                headings=body.headings,
                question=body.question or title,
                eyebrow=title if body.question and body.question != title else "",
                title=title,
                locale={"zh": "zh-CN", "en": "en"}[lang],
                policy=body.policy,
                provenance=provenance,
                refresh=refresh,
                file_columns=list(columns),
                file_label=lambda name: tr(LABELS[name]) if name in LABELS else name,
                file_cell=_file_cell,
                hashes=HASHES,
            )
        )


def plain_page(
    *,
    title: str,
    lang: Language,
    sections: Sequence[tuple[str, object]],
    provenance: Provenance | None = None,
) -> str:
    """A page made without a notebook, such as the one that says what an import did.

    Args:
        title: The page's name and H1.
        lang: Language of the page's own words.
        sections: Heading and content of each section: a result, plain text (escaped; an
            empty line starts a new paragraph), or an object with ``__html__``. A section
            without a heading stands above the first.
        provenance: Where the numbers come from.

    >>> page = plain_page(title="Import", lang="en", sections=[("Refused", "a <b>.csv")])
    >>> "<p>a &lt;b&gt;.csv</p>" in page
    True
    """
    parts, headings = [], []
    with reading(lang):
        for place, (heading, content) in enumerate(sections, 1):
            if heading:
                headings.append((f"s-{place}", heading))
                parts.append(f'<h2 id="s-{place}">{escape(heading)}</h2>')
            parts.append(html_of(content))
    body = Body(html="\n".join(parts), headings=headings)
    return render_page(body, title=title, lang=lang, provenance=provenance)


def html_of(content: object) -> str:
    """The HTML of a section's content; text is escaped."""
    if isinstance(content, Shown):
        return content._repr_html_()
    if hasattr(content, "__html__"):
        return str(content.__html__())
    paragraphs = filter(None, (part.strip() for part in str(content).split("\n\n")))
    return "".join(f"<p>{escape(part)}</p>" for part in paragraphs)


def _file_cell(name: str, value: object) -> str:
    if is_missing(value):
        return MISSING
    if name in HASHES:
        return str(value)[:16]
    return show(value, "count" if name == "rows" else "text")


@cache
def page_style() -> str:
    """The style sheet of a page: that of results, then the page's own."""
    return result_style() + (TEMPLATES / "page.css").read_text("utf-8")


@cache
def _templates() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined
    )
    environment.globals["tr"] = tr
    return environment
