"""The words by which aspects and praise or blame are known, in a file that a shop can add to."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from ecops_lib.core.checks import nearest
from ecops_lib.core.errors import StoreError
from ecops_lib.core.language import mark, tr

FILE = "aspects.toml"
KINDS = ("terms", "good", "bad", "alone", "except")
OTHER: Mapping[str, tuple[str, ...]] = {
    "polarity": ("good", "bad", "neutral"),
    "negation": ("words", "except"),
    "unsure": ("words",),
    "idle": ("words",),
}
NAMES: Mapping[str, str] = {
    "logistics": mark("logistics"),
    "quality": mark("quality"),
    "size": mark("size"),
    "smell": mark("smell"),
    "price": mark("price"),
    "service": mark("service"),
    "packaging": mark("packaging"),
    "description": mark("description"),
}

Words = Mapping[str, Mapping[str, tuple[str, ...]]]


@dataclass(frozen=True, kw_only=True, eq=False)
class Lexicon:
    """Words by aspect and kind, and those that praise, blame, negate or leave open.

    Attributes:
        aspects: ``terms``, ``good``, ``bad``, ``alone`` and ``except`` of each aspect.
        other: ``polarity.good`` … as in the file.
    """

    aspects: Words
    other: Words


def aspect_name(aspect: str) -> str:
    """An aspect in the reader's language; a shop's own as it is written.

    >>> aspect_name("smell"), aspect_name("鞋底")
    ('smell', '鞋底')
    """
    return tr(NAMES[aspect]) if aspect in NAMES else aspect


@cache
def built_in() -> Lexicon:
    """The words that come with ecops."""
    file = Path(__file__).with_name("lexicon.toml")
    return _checked(tomllib.loads(file.read_text("utf-8")), file)


def read_lexicon(folder: Path | None) -> Lexicon:
    """The words that come with ecops, and those that a store's ``aspects.toml`` adds.

    Args:
        folder: The store's folder; None for no additions.

    Raises:
        StoreError: The file is no TOML in UTF-8, or is not written as ``lexicon.toml`` is.
    """
    file = folder / FILE if folder else None
    if file is None or not file.exists():
        return built_in()
    try:
        held = tomllib.loads(file.read_text("utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise StoreError(f"{file} is not readable TOML in UTF-8: {error}.") from error
    added, base = _checked(held, file), built_in()
    return Lexicon(
        aspects=_joined(base.aspects, added.aspects), other=_joined(base.other, added.other)
    )


def _joined(first: Words, second: Words) -> Words:
    return {
        name: {
            kind: (*first.get(name, {}).get(kind, ()), *second.get(name, {}).get(kind, ()))
            for kind in {**first.get(name, {}), **second.get(name, {})}
        }
        for name in {**first, **second}
    }


def _checked(held: Mapping[str, Any], file: Path) -> Lexicon:
    """The words of a file, once all of them are words at places that exist."""
    known = ["aspects", *OTHER]
    for name in held:
        if name not in known:
            hint = nearest(name, known) or f"; they are {', '.join(known)}"
            raise StoreError(f"{file} has [{name}], which is no part of it{hint}.")
    aspects = held.get("aspects", {})
    if not isinstance(aspects, Mapping):
        raise StoreError(f"aspects in {file} must be tables such as [aspects.smell].")
    return Lexicon(
        aspects={name: _words(table, KINDS, f"aspects.{name}", file)
                 for name, table in aspects.items()},
        other={name: _words(held.get(name, {}), kinds, name, file)
               for name, kinds in OTHER.items()},
    )  # fmt: skip


def _words(
    table: object, kinds: Iterable[str], where: str, file: Path
) -> dict[str, tuple[str, ...]]:
    if not isinstance(table, Mapping):
        raise StoreError(f"[{where}] in {file} must be a table of lists of words.")
    known = list(kinds)
    found = {}
    for kind, words in table.items():
        if kind not in known:
            hint = nearest(kind, known) or f"; it may have {', '.join(known)}"
            raise StoreError(f"[{where}] in {file} has {kind!r}{hint}.")
        if not isinstance(words, list) or not all(isinstance(w, str) and w.strip() for w in words):
            raise StoreError(f"{kind} of [{where}] in {file} must be a list of words in quotes.")
        found[kind] = tuple(word.strip().lower() for word in words)
    return found


def words_pattern(words: Iterable[str]) -> re.Pattern[str]:
    """A pattern for any of the words, the longest first; matches nothing without words.

    >>> [m.group() for m in words_pattern(["fit", "不错"]).finditer("真不错 it fits outfit")]
    ['不错', 'fits']
    """
    ranked = sorted({*words}, key=lambda word: (-len(word), word))
    return re.compile("|".join(map(_pattern, ranked)) or "(?!)")


def _pattern(word: str) -> str:
    """One word: whole and with its endings where it is Latin, anywhere where it is Chinese."""
    text = re.escape(word)
    if not re.fullmatch(r"[a-z0-9' -]+", word):
        return text
    return (
        rf"(?<![a-z]){text}(?![a-z])"
        if "'" in word
        else rf"(?<![a-z]){text}(?:s|es|ed|d|ing|ly)?(?![a-z])"
    )
