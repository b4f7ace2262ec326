"""Ads told by keyword and as a whole: what the keywords do not tell stays in the ``*`` row.

An ad platform gives one report by item and another by keyword, of the same clicks and the
same money. Rows by keyword are written as they are; of the row that does not say the
keyword only the rest is kept, so that sums count nothing twice, whichever report comes
first and however often.
"""

from __future__ import annotations

from ecops_lib.data.imports.session import Session
from ecops_lib.data.schema import table_named

WHOLE = "*"
GROUP = ("platform", "day", "campaign_id", "product_id")
TOLD = ("campaign_name", "product_line")


def keep_rests(session: Session, name: str) -> None:
    """Replace the ``*`` rows that keyword rows divide, among those collected, by their rests.

    Args:
        session: The import; the store's own rows of ads count too.
        name: The table of collected rows, one a key.
    """
    table = table_named("ads")
    sums = [c.name for c in table.columns if c.name not in (*table.key, *TOLD)]
    view = _stored(session, name)
    group = ", ".join(GROUP)
    words = f"SELECT {group} FROM {{}} WHERE keyword <> '{WHOLE}'"
    split = session.name("split")
    session.sql_in_order(
        f"CREATE TEMP TABLE {split} AS SELECT DISTINCT {group} FROM "
        f"(SELECT DISTINCT {group} FROM {name}) SEMI JOIN "
        f"({words.format(name)} UNION ALL {words.format(view)}) USING ({group})"
    )
    rests = session.name("rests")
    session.sql_in_order(f"CREATE TEMP TABLE {rests} AS {_rests(name, view, split, sums)}")
    session.sql(
        f"DELETE FROM {name} WHERE keyword = '{WHOLE}' AND ({group}) IN "
        f"(SELECT ({group}) FROM {split})"
    )
    something = " + ".join(f"coalesce({column}, 0)" for column in sums)
    columns = ", ".join(f'"{column.name}"' for column in table.columns)
    session.sql(
        f"INSERT INTO {name} BY NAME SELECT {columns}, _from FROM {rests} "
        f"WHERE stored OR {something} > 0"
    )


def _stored(session: Session, name: str) -> str:
    """The store's rows of ads, as a view; of none if it has none yet."""
    view = session.name("stored_ads")
    held = session.held("ads")
    if held is None:
        session.sql_in_order(f"CREATE TEMP VIEW {view} AS SELECT * FROM {name} WHERE FALSE")
    else:
        held.create_view(view)
    return view


def _rests(name: str, view: str, split: str, sums: list[str]) -> str:
    """SQL of one row a group that some row tells as a whole: that, less its keywords.

    The whole is the row now read; else the stored rest and the stored keywords together.
    """
    group = ", ".join(GROUP)
    total = ", ".join(f"sum({c}) AS {c}" for c in sums)
    whole = ", ".join(
        f"CASE WHEN n.day IS NULL THEN s.{c} + coalesce(o.{c}, 0) ELSE n.{c} END AS {c}"
        for c in sums
    )
    less = ", ".join(f"greatest(w.{c} - coalesce(k.{c}, 0), 0) AS {c}" for c in sums)
    told = ", ".join(f"coalesce(n.{c}, s.{c}) AS {c}" for c in TOLD)
    return (
        f"WITH wanted AS (SELECT * FROM {split}), "
        f"now AS (SELECT * FROM {name} SEMI JOIN wanted USING ({group})), "
        f"before AS (SELECT * FROM {view} SEMI JOIN wanted USING ({group})), "
        f"old_words AS (SELECT {group}, {total} FROM before WHERE keyword <> '{WHOLE}' "
        f"GROUP BY {group}), "
        f"words AS (SELECT {group}, {total} FROM (SELECT * EXCLUDE (_from) FROM now "
        f"WHERE keyword <> '{WHOLE}' UNION ALL BY NAME SELECT * FROM before ANTI JOIN now "
        f"USING ({group}, keyword) WHERE keyword <> '{WHOLE}') GROUP BY {group}), "
        f"wholes AS (SELECT {', '.join(f'u.{c}' for c in GROUP)}, {told}, {whole}, "
        "s.day IS NOT NULL AS stored, coalesce(n._from, -1) AS _from FROM wanted AS u "
        f"LEFT JOIN (SELECT * FROM now WHERE keyword = '{WHOLE}') AS n USING ({group}) "
        f"LEFT JOIN (SELECT * FROM before WHERE keyword = '{WHOLE}') AS s USING ({group}) "
        f"LEFT JOIN old_words AS o USING ({group}) "
        "WHERE n.day IS NOT NULL OR s.day IS NOT NULL) "
        f"SELECT w.* EXCLUDE ({', '.join(sums)}), '{WHOLE}' AS keyword, {less} "
        f"FROM wholes AS w LEFT JOIN words AS k USING ({group})"
    )
