"""What titles are made of: words, codes and grams, in Chinese and English."""

from __future__ import annotations

import re
import unicodedata

LONGEST = 1_000
"""Characters of a text that are read."""
GRAMS = (3, 4)
CODE = 4
"""Characters from which a word with a digit counts as a model's code."""

_RUN = re.compile(r"[a-z0-9]+(?:[-./][a-z0-9]+)*|[一-鿿]+")
_JOIN = re.compile(r"[-./]")


def plain(text: object) -> str:
    """A text in lower case, full-width signs made plain; empty where there is none."""
    if not isinstance(text, str):
        return ""
    return unicodedata.normalize("NFKC", text[:LONGEST]).lower()


def words_of(text: str) -> list[str]:
    """Words; of what a hyphen joins its parts and the whole, of Chinese the pairs of signs.

    >>> words_of("sony dsc-w55 相机包")
    ['sony', 'dsc', 'w55', 'dscw55', '相机', '机包']
    """
    found: list[str] = []
    for run in _RUN.findall(text):
        if "一" <= run[0] <= "鿿":
            found += [run[k : k + 2] for k in range(max(len(run) - 1, 1))]
            continue
        parts = [part for part in _JOIN.split(run) if part]
        found += parts
        if len(parts) > 1:
            found.append("".join(parts))
    return found


def codes_of(text: str) -> list[str]:
    """Words that look like a model's code: letters and digits, or five digits and more.

    >>> codes_of("sony dsc-w55 black 12345 mp3")
    ['dscw55', '12345']
    """
    return [
        word
        for word in words_of(text)
        if len(word) >= CODE
        and any(sign.isdigit() for sign in word)
        and (len(word) > CODE or any(sign.isalpha() for sign in word))
    ]


def numbers_of(text: str) -> list[str]:
    """Words with a digit."""
    return [word for word in words_of(text) if any(sign.isdigit() for sign in word)]


def grams_of(text: str) -> list[str]:
    """Runs of three and four signs, over the ends of words."""
    line = " " + " ".join(_RUN.findall(text)) + " "
    return [line[k : k + n] for n in GRAMS for k in range(len(line) - n + 1)]
