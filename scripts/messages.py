"""Bring the Chinese catalogue up to date with the messages in the code.

Keeps every translation that is still used, adds new messages without one, drops the
rest, and exits with 1 if a message has no translation: `make messages`.
"""

from __future__ import annotations

import io
import sys
from datetime import UTC, datetime
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).parents[1]
CATALOGUE = ROOT / "ecops_lib" / "locale" / "zh_CN" / "LC_MESSAGES" / "ecops.po"
KEYWORDS = {"tr": None, "mark": None, "ntr": (1, 2)}
METHODS = [("**.py", "python"), ("**/templates/**.html", "jinja2")]


def extract() -> dict[tuple[str, ...], list[str]]:
    """Every message in the code with the places that use it."""
    found: dict[tuple[str, ...], list[str]] = {}
    for file, line, message, *_ in extract_from_dir(
        str(ROOT / "ecops_lib"), method_map=METHODS, keywords=KEYWORDS, comment_tags=()
    ):
        key = (message,) if isinstance(message, str) else tuple(message)
        if any(key):
            found.setdefault(key, []).append(f"{file}:{line}")
    return found


def translations() -> dict[tuple[str, ...], str]:
    """Every message of the catalogue that has a translation."""
    with CATALOGUE.open("rb") as file:
        held = read_po(file, locale="zh_CN")
    return {
        (message.id,) if isinstance(message.id, str) else tuple(message.id): (
            message.string if isinstance(message.string, str) else message.string[0]
        )
        for message in held
        if message.id and message.string
    }


def write_catalogue(messages: dict[tuple[str, ...], str]) -> bytes:
    """The catalogue as a file's bytes, sorted, without line numbers or times of day."""
    catalogue = Catalog(locale="zh_CN", project="ecops", charset="utf-8", fuzzy=False)
    catalogue.header_comment = "# The Chinese (Simplified) words of ecops."
    catalogue.creation_date = catalogue.revision_date = datetime(2026, 1, 1, tzinfo=UTC)
    for key, text in messages.items():
        plural = len(key) > 1
        catalogue.add(key if plural else key[0], string=(text,) if plural else text)
    held = io.BytesIO()
    write_po(held, catalogue, sort_output=True, no_location=True, width=100)
    return held.getvalue()


def main() -> int:
    """Rewrite the catalogue; the messages without a translation go to standard error."""
    used, known = extract(), translations()
    CATALOGUE.write_bytes(write_catalogue({key: known.get(key, "") for key in used}))
    missing = [key for key in used if not known.get(key)]
    for key in missing:
        sys.stderr.write(f"{used[key][0]}: no translation of {key[0]!r}\n")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
