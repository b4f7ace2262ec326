"""From a matplotlib figure to a small inline SVG: real text, the page's colours, no ids.

matplotlib never sees the words of a chart. It draws short tokens, and the words take
their places in the finished SVG, escaped. So no font has to hold their glyphs, text from
data is never read as mathematics, and the bytes do not depend on the fonts of a machine.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from html import escape
from itertools import pairwise
from typing import TYPE_CHECKING, Any
from unicodedata import east_asian_width

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

    from matplotlib.figure import Figure

COLOURS: Mapping[str, str] = {
    "ink": "#1e2a31",
    "soft": "#5d6a70",
    "line": "#e3ded2",
    "1": "#1d6f8c",
    "2": "#c8722a",
    "3": "#75679f",
    "4": "#7d8b3a",
    "5": "#a8577e",
    "good": "#1b8a78",
    "bad": "#c2481d",
}
"""The page's light colours; ``results.css`` holds the dark ones under the same names."""

FAMILIES = (
    "system-ui, 'PingFang SC', 'Noto Sans CJK SC', 'Source Han Sans SC', "
    "'Microsoft YaHei', 'WenQuanYi Micro Hei', sans-serif"
)

Put = Callable[[str], str]
"""Takes a text that a chart shows and gives what matplotlib is to draw."""


@dataclass(frozen=True, slots=True)
class Size:
    """One of the two forms in which a chart stands on a page.

    Attributes:
        name: ``large`` or ``small``; the style sheet shows one of them.
        width: Width in px.
        font: Size of the text in px.
    """

    name: str
    width: float
    font: float


LARGE = Size("large", 760, 12.5)
SMALL = Size("small", 358, 11.5)

RC: Mapping[Any, Any] = {
    "axes.edgecolor": COLOURS["line"],
    "axes.labelcolor": COLOURS["ink"],
    "axes.linewidth": 1,
    "font.family": "DejaVu Sans",
    "grid.color": COLOURS["line"],
    "grid.linewidth": 1,
    "lines.solid_capstyle": "round",
    "path.simplify": False,
    "svg.fonttype": "none",
    "svg.hashsalt": "ecops",
    "text.color": COLOURS["ink"],
    "text.parse_math": False,
    "xtick.bottom": False,
    "xtick.labelcolor": COLOURS["soft"],
    "ytick.labelcolor": COLOURS["soft"],
    "ytick.left": False,
}


def text_width(text: str, font: float) -> float:
    """About how wide a text is in px; Chinese characters are square.

    >>> text_width("客单价", 12), round(text_width("ab", 10), 1)
    (36.0, 11.2)
    """
    return font * sum(map(_character_width, text))


def _character_width(character: str) -> float:
    if east_asian_width(character) in "WF":
        return 1.0
    return 0.72 if character.isupper() or character in "mw@%—" else 0.56


def shortened(text: str, width: float, font: float) -> str:
    """The text cut to a width in px, with an ellipsis if something was cut.

    >>> shortened("加厚保暖羽绒服", 60, 12)
    '加厚保暖…'
    """
    text = " ".join(text.split())
    if text_width(text, font) <= width:
        return text
    while text and text_width(text + "…", font) > width:
        text = text[:-1]
    return text.rstrip() + "…"


def inline_svg(draw: Callable[[Size, Put], Figure], *, alt: str) -> str:
    """A drawing as inline SVG in both sizes.

    Args:
        draw: Makes the figure; every text that it draws has gone through its second argument.
        alt: What the drawing shows, in words.
    """
    return "".join(_one_svg(draw, size, alt) for size in (LARGE, SMALL))


def _one_svg(draw: Callable[[Size, Put], Figure], size: Size, alt: str) -> str:
    from io import StringIO
    from xml.etree.ElementTree import fromstring

    import matplotlib as mpl

    words: list[str] = []

    def put(text: str) -> str:
        words.append(text)
        return f"T{len(words) - 1:03d}T"

    held = StringIO()
    nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
    with mpl.rc_context({**RC, "font.size": size.font}):
        draw(size, put).savefig(held, format="svg", metadata=nothing, transparent=True)
    root = fromstring(held.getvalue())  # noqa: S314 - matplotlib's own, without text from data
    body = "".join(_elements(root, words))
    box = root.get("viewBox", "")
    return (
        f'<svg class="ec-{size.name}" viewBox="{box}" role="img" aria-label="{escape(alt)}" '
        f'font-family="{FAMILIES}" font-size="{_short(size.font)}" stroke-linejoin="round"'
        f"{_hidden(size)}>{body}</svg>"
    )


def _hidden(size: Size) -> str:
    """Only the large form shows where no style sheet of ours applies."""
    return "" if size is LARGE else ' style="display:none"'


def _elements(root: Element, words: list[str]) -> Iterator[str]:
    """The drawn elements alone, one after the other; what is used twice is written twice."""
    shapes = {
        path.get("id", ""): path
        for defs in root.iter(_tag("defs"))
        for path in defs.iter(_tag("path"))
    }
    kept = {id(shape) for shape in shapes.values()}
    for element in root.iter():
        match element.tag.partition("}")[2]:
            case "path" if id(element) not in kept:
                yield _path(element.get("d", ""), element.get("style", ""))
            case "use":
                shape = shapes[element.get("{http://www.w3.org/1999/xlink}href", "#")[1:]]
                moved = f"translate({_short(element.get('x', 0))} {_short(element.get('y', 0))})"
                style = element.get("style", "") or shape.get("style", "")
                yield _path(shape.get("d", ""), style, transform=moved)
            case "text":
                yield _text(element, words)


def _tag(name: str) -> str:
    return "{http://www.w3.org/2000/svg}" + name


def _path(d: str, style: str, *, transform: str = "") -> str:
    looks = _looks(style)
    if looks.get("fill", "") == "none" and "stroke" not in looks:
        return ""
    short = re.sub(r"-?\d+\.?\d*", lambda found: _short(found[0]), " ".join(d.split()))
    dense = re.sub(" ?([A-Za-z]) ?", r"\1", short)
    moved = f' transform="{transform}"' if transform else ""
    return f'<path d="{dense}"{moved}{_style(looks)}/>'


def _text(element: Element, words: list[str]) -> str:
    looks = {
        name: value
        for name, value in _looks(element.get("style", "")).items()
        if name in {"fill", "font-size", "font-weight", "text-anchor", "opacity"}
    }
    looks.setdefault("fill", COLOURS["ink"])
    drawn = (element.text or "").strip()
    found = re.fullmatch(r"T(\d+)T", drawn)
    shown = words[int(found[1])] if found else drawn
    x, y = _short(element.get("x", 0)), _short(element.get("y", 0))
    return f'<text x="{x}" y="{y}"{_style(looks)}>{escape(shown)}</text>'


def _looks(style: str) -> dict[str, str]:
    pairs = (part.partition(":") for part in style.split(";") if part.strip())
    return {name.strip(): value.strip() for name, _, value in pairs}


def _style(looks: Mapping[str, str]) -> str:
    """The look as a style attribute in the page's colours, or nothing."""
    names = {value: name for name, value in COLOURS.items()}
    shown = ";".join(
        f"{name}:{f'var(--ec-{names[value]},{value})' if value in names else value}"
        for name, value in looks.items()
    )
    return f' style="{shown}"' if shown else ""


def _short(number: str | float) -> str:
    """A coordinate to a tenth of a px."""
    return f"{float(number):.1f}".removesuffix(".0")


def runs(present: Iterable[bool]) -> list[slice]:
    """The stretches without a gap.

    >>> runs([True, True, False, True])
    [slice(0, 2, None), slice(3, 4, None)]
    """
    flags = [False, *present, False]
    edges = [place for place, (a, b) in enumerate(pairwise(flags)) if a != b]
    return [slice(a, b) for a, b in zip(edges[::2], edges[1::2], strict=True)]
