"""Charts: seaborn drawings as inline SVG whose text stays text."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

from ecops_lib.core.display import Shown


@dataclass(frozen=True, kw_only=True, eq=False)
class Chart(Shown):
    """A drawing as inline SVG.

    Attributes:
        svg: The drawing; safe to put on a page.
        alt: What it shows, for those who cannot see it.
        caption: Its title, printed above it.
    """

    svg: str
    alt: str
    caption: str = ""

    def __str__(self) -> str:
        return self.alt

    def _repr_html_(self) -> str:
        title = f"<figcaption>{escape(self.caption)}</figcaption>" if self.caption else ""
        return f'<figure class="ec-chart">{title}{self.svg}</figure>'
