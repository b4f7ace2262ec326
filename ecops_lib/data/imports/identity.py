"""Buyers: a keyed hash in place of every name, phone, address, e-mail or account.

The hash is HMAC-SHA256 (RFC 2104) with the store's key, cut to 128 bits, computed in
DuckDB over the distinct values. The same person named in two files gets the same key
if both files write the name alike.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ecops_lib.data.imports.cleaning import identifier

if TYPE_CHECKING:
    import duckdb

BLOCK = 64
MASK = "'[*＊]|##|\\$\\$'"
"""Marks that platforms put in place of the letters of a name."""


def person(cell: str) -> str:
    """What names a person, in one spelling: cleaned like an id; e-mails in lower case."""
    value = identifier(cell)
    return f"CASE WHEN contains({cell}, '@') THEN lower({value}) ELSE {value} END"


def is_masked(value: str) -> str:
    """Whether the platform has masked the name, so that it tells nobody apart."""
    return f"regexp_matches({value}, {MASK})"


def hash_people(
    connection: duckdb.DuckDBPyConnection, *, table: str, column: str, key: bytes, into: str
) -> None:
    """Make a table ``into(who, buyer_key)`` of the distinct people of a column.

    Whoever the platform has masked has no key.

    Args:
        connection: Where the table is.
        table: Table that holds the names.
        column: Column of the names.
        key: The store's secret.
        into: Name of the table to make.
    """
    inner, outer = _pads(key)
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE {into} AS "
        f"SELECT who, CASE WHEN NOT {is_masked('who')} THEN "
        "sha256($outer || unhex(sha256($inner || encode(who))))[:32] END AS buyer_key "
        f"FROM (SELECT DISTINCT {column} AS who FROM {table} WHERE {column} IS NOT NULL)",
        {"inner": inner, "outer": outer},
    )


def _pads(key: bytes) -> tuple[bytes, bytes]:
    import hashlib

    block = (hashlib.sha256(key).digest() if len(key) > BLOCK else key).ljust(BLOCK, b"\0")
    return bytes(b ^ 0x36 for b in block), bytes(b ^ 0x5C for b in block)
