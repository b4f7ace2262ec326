"""Wall-clock time to instants, quickly: a zone's offset stands still between its changes."""

from __future__ import annotations

import datetime as dt
from functools import cache

FIRST = dt.datetime(2000, 1, 1)  # noqa: DTZ001  a clock's time, of no zone
"""Times before it are left to DuckDB, and so are those after next year."""

STRETCHES = 24
"""Stretches of constant offset that are looked at, the latest first: 12 years of summer time."""


def instant_of(wall: str, *, zone: str) -> str:
    """SQL: the instant at which a zone's clock shows a time; DuckDB's own, only quicker.

    Args:
        wall: A column of TIMESTAMP; it is named many times, so it must be no more than a name.
        zone: IANA zone.
    """
    cases = " ".join(
        f"WHEN {wall} >= TIMESTAMP '{first}' AND {wall} < TIMESTAMP '{last}' "
        f"THEN make_timestamptz(epoch_us({wall}) - {offset})"
        for first, last, offset in _stretches(zone)
    )
    slow = f"timezone('{zone}', {wall})"
    return f"CASE {cases} ELSE {slow} END" if cases else slow


@cache
def _stretches(zone: str) -> tuple[tuple[str, str, int], ...]:
    """First and last day and offset (µs) of the latest stretches that DuckDB knows in a zone.

    A day is left out at both ends of each, so that no doubtful hour is within.
    """
    import duckdb

    end = FIRST.replace(year=dt.datetime.now(dt.UTC).year + 2)
    found = duckdb.connect().execute(
        "WITH days AS (SELECT CAST(range AS TIMESTAMP) AS day, epoch_us(range) - "
        "epoch_us(timezone($zone, range)) AS ahead FROM range($first, $last, INTERVAL 1 DAY)), "
        "changes AS (SELECT *, ahead IS DISTINCT FROM lag(ahead) OVER (ORDER BY day) AS new "
        "FROM days) "
        "SELECT min(day) + INTERVAL 1 DAY, max(day), any_value(ahead) FROM "
        "(SELECT *, sum(CAST(new AS INTEGER)) OVER (ORDER BY day) AS n FROM changes) "
        "GROUP BY n HAVING count(*) > 2 ORDER BY n DESC",
        {"zone": zone, "first": FIRST, "last": end},
    )
    return tuple(
        (first.isoformat(" "), last.isoformat(" "), int(ahead))
        for first, last, ahead in found.fetchall()[:STRETCHES]
    )
