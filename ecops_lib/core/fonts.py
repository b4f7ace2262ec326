"""Fonts for pictures: one that holds Chinese characters, or a clear refusal."""

from __future__ import annotations

from functools import cache
from unicodedata import east_asian_width

from ecops_lib.core.errors import EcopsError

CHINESE = (
    "Noto Sans CJK SC",
    "Noto Sans SC",
    "Source Han Sans SC",
    "Source Han Sans CN",
    "PingFang SC",
    "Microsoft YaHei",
    "Hiragino Sans GB",
    "WenQuanYi Micro Hei",
    "WenQuanYi Zen Hei",
    "Noto Sans CJK JP",
    "SimHei",
    "Noto Serif CJK SC",
    "Noto Serif CJK JP",
    "SimSun",
    "Arial Unicode MS",
)
LATIN = "DejaVu Sans"


def find_font(text: str) -> str:
    """The name of an installed font that can draw a text.

    Raises:
        EcopsError: The text is Chinese and no font with Chinese characters is installed.

    >>> find_font("GMV")
    'DejaVu Sans'
    """
    from matplotlib.font_manager import fontManager

    if not any(east_asian_width(c) in "WF" and c.isalpha() for c in text):
        return LATIN
    installed = {font.name for font in fontManager.ttflist}
    for name in CHINESE:
        if name in installed:
            return name
    raise EcopsError(
        "no installed font holds Chinese characters, so the picture cannot be drawn; install one "
        "(Debian and Ubuntu: fonts-noto-cjk; Fedora: google-noto-sans-cjk-fonts) and try again."
    )


@cache
def glyphs_of(font: str) -> frozenset[int]:
    """The code points that a font can draw."""
    from matplotlib.font_manager import findfont, get_font

    return frozenset(get_font(findfont(font)).get_charmap())
