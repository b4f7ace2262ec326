"""A list kept in a TOML file that a hand can edit: read, and replaced whole."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ecops_lib.core.errors import StoreError
from ecops_lib.data.recovery import write_whole
from ecops_lib.data.settings import toml_value


@dataclass(frozen=True, kw_only=True, eq=False)
class Entries:
    """The tables of a file that share a heading.

    Attributes:
        rows: Each table, as it stands there.
        revision: How often ecops has written the file.
    """

    rows: tuple[Mapping[str, Any], ...] = ()
    revision: int = 0


def read_entries(file: Path, *, heading: str) -> Entries:
    """The tables under a heading; none where there is no file.

    Args:
        file: The TOML file.
        heading: What each table is headed by, such as ``lessons`` for ``[[lessons]]``.

    Raises:
        StoreError: The file is no TOML in UTF-8, or what is under the heading are no tables.
    """
    if not file.exists():
        return Entries()
    try:
        held = tomllib.loads(file.read_text("utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise StoreError(f"{file} is not readable TOML in UTF-8: {error}.") from error
    rows, revision = held.get(heading, []), held.get("revision", 0)
    if not isinstance(rows, list) or not all(isinstance(row, Mapping) for row in rows):
        raise StoreError(f"{heading} in {file} must be tables, each headed [[{heading}]].")
    if not isinstance(revision, int) or revision < 0:
        raise StoreError(f"revision in {file} is {revision!r}; it must be a whole number from 0.")
    return Entries(rows=tuple(rows), revision=revision)


def write_entries(
    file: Path, rows: Sequence[Mapping[str, Any]], *, heading: str, before: Entries
) -> Entries:
    """Replace the tables of a file; nothing is written where they are the same.

    The file as it was goes into a folder ``<name>.history``, numbered by its revision, and the
    new one is there whole or not at all.

    Args:
        file: The TOML file.
        rows: Its new tables.
        heading: What each is headed by.
        before: What the file held when it was read.
    """
    if tuple(rows) == before.rows:
        return before
    after = Entries(rows=tuple(rows), revision=before.revision + 1)
    if file.exists():
        history = file.with_suffix(".history")
        history.mkdir(exist_ok=True)
        write_whole(history / f"{before.revision:04d}.toml", file.read_bytes())
    write_whole(file, "\n".join(_lines(after, heading)).encode())
    return after


def _lines(entries: Entries, heading: str) -> Iterator[str]:
    yield f"revision = {entries.revision}"
    for row in entries.rows:
        yield from ("", f"[[{heading}]]", *_pairs(row.items()))
    yield ""


def _pairs(items: Iterable[tuple[str, Any]]) -> Iterator[str]:
    for key, value in items:
        bare = key.isidentifier() and key.isascii()
        yield f"{key if bare else toml_value(key)} = {toml_value(value)}"
