"""The reader: which language the words are in and which currency the money.

Message ids are English sentences; catalogues live in ``ecops_lib/locale`` and
are compiled by Babel when the package is built or the tests run.
"""

from __future__ import annotations

import gettext
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Literal

from ecops_lib.core.checks import require_choice

Language = Literal["zh", "en"]

LOCALES: Mapping[str, str] = {"zh": "zh_CN", "en": "en_US"}
CATALOGUES = Path(__file__).parents[1] / "locale"


@dataclass(frozen=True, slots=True)
class Reader:
    """Who reads: a language and the currency that money is shown in."""

    language: Language = "en"
    currency: str = "CNY"

    @property
    def locale(self) -> str:
        """The Babel locale, such as ``zh_CN``."""
        return LOCALES[self.language]


_reader = Reader()


def reader() -> Reader:
    """The present reader."""
    return _reader


def set_reader(language: Language | None = None, currency: str | None = None) -> Reader:
    """Set the language or the currency from here on (a notebook's setup cell).

    Raises:
        ParameterError: The language is neither ``zh`` nor ``en``.
    """
    global _reader
    if language is not None:
        require_choice(language, Language, name="language")
        _reader = replace(_reader, language=language)
    if currency is not None:
        _reader = replace(_reader, currency=currency)
    return _reader


@contextmanager
def reading(language: Language | None = None, currency: str | None = None) -> Iterator[Reader]:
    """Set the reader for one block.

    >>> with reading("zh"):
    ...     reader().language
    'zh'
    """
    global _reader
    before = _reader
    try:
        yield set_reader(language, currency)
    finally:
        _reader = before


@cache
def _catalogue(locale: str) -> gettext.NullTranslations:
    from babel.messages.mofile import write_mo
    from babel.messages.pofile import read_po

    source = CATALOGUES / locale / "LC_MESSAGES" / "ecops.po"
    if not source.exists():
        return gettext.NullTranslations()
    from io import BytesIO

    compiled = BytesIO()
    with source.open("rb") as file:
        write_mo(compiled, read_po(file, locale=locale))
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)


def tr(message: str, /, **values: object) -> str:
    """A message in the reader's language, with its values filled in.

    The message must be a literal, so that Babel's extractor finds it.

    >>> tr("{count} rows", count=3)
    '3 rows'
    """
    text = _translated(message)
    return text.format(**values) if values else text


def ntr(one: str, many: str, number: float, /, **values: object) -> str:
    """Like ``tr`` for a message whose form depends on a number.

    >>> ntr("{count} order", "{count} orders", 2, count=2)
    '2 orders'
    """
    if _reader.language == "en":
        text = one if number == 1 else many
    else:
        text = _catalogue(_reader.locale).ngettext(one, many, 1 if number == 1 else 2)
    return text.format(**values) if values else text


def _translated(message: str) -> str:
    if not message or _reader.language == "en":
        return message
    return _catalogue(_reader.locale).gettext(message)


def mark(message: str) -> str:
    """Mark a message for the catalogue without translating it yet."""
    return message
