"""What of a search term a title holds, and what of a title no term asks for."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ecops_lib.core.language import tr
from ecops_lib.core.names import short_name

if TYPE_CHECKING:
    import pandas as pd

TELLING = 2
"""Characters that a part of a term must share with a title; a Latin word is shared as a whole."""

LONGEST = 200
"""Characters of a title or term that are read."""

_WORD = re.compile(r"[a-z0-9]+|[^\W\d_a-z]+")


def nearest_title(term: str, titles: Sequence[str]) -> tuple[int, str]:
    """The title that holds most of a term, and what of the term it lacks.

    Args:
        term: The term.
        titles: The titles; of equals the first one is taken.

    Returns:
        Its place, -1 where none holds any part; the parts that it lacks, empty for none.

    >>> nearest_title("红茶 伴手礼", ["西湖龙井", "正山小种红茶 罐装250g"])
    (1, '伴手礼')
    >>> nearest_title("Red Mug", ["Mugs", "RED mug, 30 cl"])
    (1, '')
    """
    best, place, words = 0, -1, _parts(term)
    lacking = " ".join(words)
    for at, title in enumerate(titles):
        left = [_lacking(word, _plain(title)) for word in words]
        held = sum(map(len, words)) - sum(map(len, left))
        if held > best:
            best, place, lacking = held, at, " ".join(filter(None, left))
    return place, lacking


def _plain(text: str) -> str:
    return unicodedata.normalize("NFKC", text[:LONGEST]).lower()


def _parts(text: str) -> list[str]:
    """Latin words and numbers, and runs of other letters."""
    return _WORD.findall(_plain(text))


def _lacking(word: str, title: str) -> str:
    """What of a word a title lacks."""
    if word.isascii():
        return "" if word in _WORD.findall(title) else word
    for length in range(len(word), TELLING - 1, -1):
        for begin in range(len(word) - length + 1):
            if word[begin : begin + length] in title:
                rest = word[:begin], word[begin + length :]
                return "".join(_lacking(part, title) for part in rest if part)
    return word


def idle_words(titles: pd.DataFrame, terms: Sequence[str]) -> pd.DataFrame:
    """Titles with words that share nothing with any term; words with digits say sizes.

    Args:
        titles: One row a product: ``title`` and ``visitors``.
        terms: The terms.

    Returns:
        One row a title with such words, in the order given: ``product``, ``visitors``, ``words``.
    """
    import pandas as pd

    asked = " ".join(map(_plain, terms))
    rows = []
    for title, visitors in zip(titles["title"], titles["visitors"], strict=True):
        words = [word for word in _parts(str(title))
                 if len(word) >= TELLING and not any(map(str.isdigit, word))
                 and _lacking(word, asked) == word]  # fmt: skip
        if words and visitors > 0:
            rows.append([title, visitors, tr(", ").join(map(short_name, words))])
    return pd.DataFrame(rows, columns=["product", "visitors", "words"])
