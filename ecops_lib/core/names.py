"""Names that come from data made fit for a sentence, and sentences put together."""

from __future__ import annotations

import unicodedata

from ecops_lib.core.formats import is_missing
from ecops_lib.core.language import tr

LONGEST = 32
"""Characters of a name that a sentence has room for."""


def short_name(name: object, otherwise: object = "", *, longest: int = LONGEST) -> str:
    r"""A name on one line, cut to what a sentence has room for.

    Control characters and runs of blanks become one blank; nothing is escaped here.

    Args:
        name: The name as the data have it; may be missing or empty.
        otherwise: What to call the thing then, such as its id.
        longest: Characters that there is room for.

    >>> short_name("Lamp\n\t 2 m", "P1"), short_name(None, "P1")
    ('Lamp 2 m', 'P1')
    """
    held = str(otherwise) if is_missing(name) or not str(name).strip() else str(name)
    head = held[: 8 * longest]
    clean = "".join(" " if unicodedata.category(c)[0] == "C" else c for c in head)
    words = " ".join(clean.split())
    return words if len(words) <= longest else words[: longest - 1].rstrip() + "…"


def joined(first: str, second: str) -> str:
    """Two sentences, one after the other as the reader's language sets them.

    >>> joined("Sales fell.", "No reason is recorded.")
    'Sales fell. No reason is recorded.'
    """
    return tr("{first} {second}", first=first, second=second)
