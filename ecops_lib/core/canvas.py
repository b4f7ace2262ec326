"""What every chart stands on: the value that carries it, a frame in px, and its axes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from ecops_lib.core.display import Shown
from ecops_lib.core.fonts import find_font, glyphs_of
from ecops_lib.core.formats import Unit, show_short
from ecops_lib.core.svg import LARGE, RC, Put, Size, inline_svg, text_width

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Draw = Callable[[Size, Put], "Figure"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Chart(Shown):
    """A drawing as inline SVG.

    Attributes:
        svg: The drawing in two sizes; safe to put on a page.
        alt: What it shows, for those who cannot see it.
        caption: Its title, printed above it; plain text.
        draw: Makes the figure anew for a size.
    """

    svg: str
    alt: str
    caption: str
    draw: Draw = field(repr=False)

    def __str__(self) -> str:
        return self.alt

    def _repr_html_(self) -> str:
        title = f"<figcaption>{escape(self.caption)}</figcaption>" if self.caption else ""
        return f'<figure class="ec-chart">{title}{self.svg}</figure>'

    def to_png(self, path: Path) -> None:
        """Write the drawing as a picture of 1520 px width.

        Raises:
            EcopsError: The words are Chinese and no font here holds Chinese characters.
        """
        import matplotlib as mpl

        words: list[str] = []

        def collect(text: str) -> str:
            words.append(text)
            return ""

        self.draw(LARGE, collect)
        font = find_font("".join(words))
        known = glyphs_of(font)

        def drawable(text: str) -> str:
            return "".join(c if ord(c) in known else "□" for c in text)

        with mpl.rc_context({**RC, "font.size": LARGE.font, "font.family": font}):
            figure = self.draw(LARGE, drawable)
            figure.savefig(
                path, format="png", dpi=144, facecolor="white", metadata={"Software": None}
            )


def chart_of(draw: Draw, *, alt: str, caption: str) -> Chart:
    """The chart that a drawing function makes."""
    return Chart(svg=inline_svg(draw, alt=alt), alt=alt, caption=caption, draw=draw)


def nice_ticks(low: float, high: float) -> list[float]:
    """About five round numbers that enclose a range."""
    from matplotlib.ticker import MaxNLocator

    if high == low:
        high = low + (abs(low) or 1.0)
    return [float(t) for t in MaxNLocator(nbins=4, steps=[1, 2, 2.5, 5, 10]).tick_values(low, high)]


def room_for(ticks: Sequence[float], unit: Unit, size: Size) -> float:
    """Width in px that the axis' numbers need."""
    return max(text_width(show_short(t, unit), size.font) for t in ticks) + 10


def canvas(
    size: Size, height: float, *, left: float, top: float, right: float = 22, bottom: float = 26
) -> tuple[Figure, Axes]:
    """A figure in px with one empty frame; margins in px."""
    import seaborn as sns
    from matplotlib.figure import Figure

    figure = Figure(figsize=(size.width / 72, height / 72))
    width = size.width
    ax = figure.add_axes(
        (
            left / width,
            bottom / height,
            (width - left - right) / width,
            (height - top - bottom) / height,
        )
    )
    sns.despine(ax=ax, left=True, right=True, top=True, bottom=True)
    ax.set_axisbelow(True)
    return figure, ax


def label_values(ax: Axes, ticks: Sequence[float], unit: Unit, put: Put) -> None:
    """Round numbers and quiet lines across; the frame ends where they end."""
    ax.set_yticks(ticks, [put(show_short(t, unit)) for t in ticks])
    ax.set_ylim(ticks[0], ticks[-1])
    ax.set(xlabel="", ylabel="")
    ax.grid(axis="y", clip_on=False)
