"""A seeded store of 20 million order lines, made by DuckDB month by month."""

from __future__ import annotations

import datetime as dt
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from ecops_lib.data.schema import arrow_schema
from ecops_lib.data.store import Store, create_store, open_store

if TYPE_CHECKING:
    import duckdb

LINES = 20_000_000
DAYS = 548
FIRST = dt.date(2024, 12, 1)
LAST = FIRST + dt.timedelta(days=DAYS - 1)
PRODUCTS, BUYERS = 400, 2_000_000
SQL_TYPES = {
    "string": "VARCHAR",
    "int64": "BIGINT",
    "double": "DOUBLE",
    "bool": "BOOLEAN",
    "date32[day]": "DATE",
    "timestamp[us, tz=UTC]": "TIMESTAMPTZ",
    "decimal128(18, 4)": "DECIMAL(18, 4)",
}


def big_store(folder: Path, *, lines: int = LINES) -> Store:
    """The store in a folder, made if it is not there whole."""
    done = folder / f"done_{lines}"
    if done.exists():
        return open_store(folder / "store")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    store = create_store(folder / "store", name="Big shop", key=b"0" * 32)
    connection = store.connection
    connection.execute(f"SET temp_directory = '{folder / 'spill'}'")
    connection.execute("CREATE TABLE all_refunds (day DATE)")
    with store.writing() as writer:
        for month, end in months():
            _make_month(connection, month, end, orders_a_day=round(lines / 2.2 / DAYS))
            for table in ("orders", "order_items"):
                writer.upsert(table, connection.sql(complete(connection, table, f"new_{table}")))
            print(f"  {month:%Y-%m}", end="", flush=True)
        writer.upsert("refunds", connection.sql(complete(connection, "refunds", "all_refunds")))
        for name, query in SMALL.items():
            connection.execute(f"CREATE OR REPLACE TABLE small AS {query}")
            writer.upsert(name, connection.sql(complete(connection, name, "small")))
    print()
    connection.close()
    shutil.rmtree(folder / "spill", ignore_errors=True)
    done.touch()
    return open_store(folder / "store")


def months() -> list[tuple[dt.date, dt.date]]:
    starts = sorted({(FIRST + dt.timedelta(days=d)).replace(day=1) for d in range(DAYS)})
    over = LAST + dt.timedelta(days=1)
    return [(m, min((m + dt.timedelta(days=32)).replace(day=1), over)) for m in starts]


def complete(connection: duckdb.DuckDBPyConnection, table: str, source: str) -> str:
    """Every canonical column in its type, null where the source does not have it."""
    known = set(connection.table(source).columns)
    columns = (
        f"CAST({field.name if field.name in known else 'NULL'} AS {SQL_TYPES[str(field.type)]}) "
        f'AS "{field.name}"'
        for field in arrow_schema(table)
    )
    return f"SELECT {', '.join(columns)} FROM {source}"


def _make_month(
    connection: duckdb.DuckDBPyConnection, month: dt.date, end: dt.date, *, orders_a_day: int
) -> None:
    """Orders, lines and refunds of the days from a month's first to before its end."""
    first = (month - FIRST).days * orders_a_day
    last = (end - FIRST).days * orders_a_day
    connection.execute(f"""
        CREATE OR REPLACE TABLE drawn AS
        SELECT n, hash(n, 1) % 1000 AS a, hash(n, 2) % 1000 AS b, hash(n, 3) % 100000 AS c,
            TIMESTAMPTZ '{FIRST} 00:00:00+08' + to_seconds(
                (n // {orders_a_day}) * 86400 + hash(n, 4) % 86400) AS created_at
        FROM range({first}, {last}) t(n)
    """)
    connection.execute(f"""
        CREATE OR REPLACE TABLE new_orders AS
        SELECT 'tmall' AS platform, CAST(4_000_000_000_000 + n AS VARCHAR) AS order_id,
            CASE WHEN b < 970 THEN printf('%016x', hash(hash(n, 5) % {BUYERS})) END AS buyer_key,
            created_at,
            CASE WHEN a < 880 THEN created_at + to_seconds(c % 7200) END AS paid_at,
            CASE WHEN a < 860 THEN created_at + to_seconds(c % 7200 + c + 3600) END AS shipped_at,
            CASE WHEN a < 860 THEN created_at + to_seconds(c % 7200 + c + 9000) END AS picked_up_at,
            CASE WHEN a < 800 THEN created_at + to_seconds(c * 4 + 86400) END AS delivered_at,
            CASE WHEN a < 800 THEN 'completed' WHEN a < 860 THEN 'shipped'
                WHEN a < 880 THEN 'paid' ELSE 'unpaid' END AS status,
            20 + (c % 40000) / 100 AS ordered_amount,
            CASE WHEN a < 880 THEN 20 + (c % 40000) / 100 END AS paid_amount,
            'province ' || (b % 31) AS province,
            'channel ' || (hash(n, 6) % 6) AS channel
        FROM drawn
    """)
    connection.execute(f"""
        CREATE OR REPLACE TABLE new_order_items AS
        SELECT 'tmall' AS platform, o.order_id, CAST(line AS VARCHAR) AS line_id, o.created_at,
            printf('P%04d', hash(o.order_id, line) % {PRODUCTS}) AS product_id,
            printf('P%04d-%d', hash(o.order_id, line) % {PRODUCTS}, line) AS sku_id,
            1 + hash(o.order_id, line, 1) % 3 AS quantity,
            o.ordered_amount / lines AS ordered_amount, o.paid_amount / lines AS paid_amount
        FROM (SELECT *, 1 + hash(order_id) % 3 + (hash(order_id, 1) % 5 = 0)::INT AS lines
              FROM new_orders) o, range(1, 5) l(line) WHERE line <= lines
    """)
    connection.execute("""
        CREATE OR REPLACE TABLE month_refunds AS
        SELECT platform, 'R' || order_id AS refund_id, order_id,
            printf('P%04d', hash(order_id, 1) % 400) AS product_id,
            paid_at + to_seconds(hash(order_id, 7) % 1000000) AS applied_at,
            CASE WHEN hash(order_id, 8) % 10 < 9
                THEN paid_at + to_seconds(hash(order_id, 7) % 1000000 + 90000) END AS finished_at,
            paid_amount * (CASE WHEN hash(order_id, 9) % 2 = 0 THEN 1 ELSE 0.5 END) AS amount,
            CASE WHEN hash(order_id, 8) % 10 < 9 THEN 'success' ELSE 'pending' END AS status,
            CASE WHEN hash(order_id, 9) % 2 = 0 THEN 'return_refund' ELSE 'refund_only' END AS kind,
            CASE hash(order_id, 10) % 3 WHEN 0 THEN 'before_shipping' WHEN 1 THEN 'in_transit'
                ELSE 'after_receipt' END AS stage,
            'reason ' || (hash(order_id, 11) % 12) AS reason
        FROM new_orders WHERE paid_at IS NOT NULL AND hash(order_id, 12) % 100 < 11
    """)
    have = connection.table("all_refunds").columns == ["day"]
    verb = "CREATE OR REPLACE TABLE all_refunds AS" if have else "INSERT INTO all_refunds"
    connection.execute(f"{verb} SELECT * FROM month_refunds")


def _daily(scope: str, things: int, name: str) -> str:
    """Rows of the traffic table for each day and thing."""
    return f"""
        SELECT 'tmall' AS platform, DATE '{FIRST}' + CAST(d AS INT) AS day, '{scope}' AS scope,
            {name} AS scope_id,
            100000 // {things} + hash(d, i, '{scope}') % 5000 AS visitors,
            visitors * 4 AS page_views,
            30 + hash(d, i, 2) % 60 AS stay_seconds, visitors // 8 AS cart_visitors,
            visitors // 5 AS cart_units, visitors // 20 AS favourite_visitors,
            visitors // 50 AS enquiry_visitors, visitors // 15 AS paying_buyers
        FROM range({DAYS}) a(d), range({things}) b(i)
    """


SMALL = {
    "products": f"""
        SELECT 'tmall' AS platform, printf('P%04d', i) AS product_id, 'product ' || i AS
            product_name, 'category ' || (i % 20) AS category, '出售中' AS status
        FROM range({PRODUCTS}) t(i)
    """,
    "traffic": " UNION ALL ".join(
        (
            _daily("shop", 1, "'*'"),
            _daily("product", PRODUCTS, "printf('P%04d', i)"),
            _daily("channel", 6, "'channel ' || i"),
        )
    ),
    "ads": f"""
        SELECT 'tmall' AS platform, DATE '{FIRST}' + CAST(d AS INT) AS day,
            'campaign ' || (i % 20) AS campaign_id,
            CASE i % 5 WHEN 0 THEN 'keyword' WHEN 1 THEN 'audience' WHEN 2 THEN 'smart scene'
                WHEN 3 THEN 'whole site' ELSE 'commission' END AS product_line,
            printf('P%04d', i) AS product_id, '*' AS keyword,
            hash(d, i) % 100000 AS impressions, impressions // 40 AS clicks,
            clicks * 0.8 AS cost, cost * 3 AS attributed_amount, clicks // 30 AS attributed_orders
        FROM range({DAYS}) a(d), range(60) b(i)
    """,
    "inventory": f"""
        SELECT DATE '{FIRST}' + CAST(d AS INT) AS day, '*' AS warehouse_id,
            printf('P%04d-1', i) AS sku_id, printf('P%04d', i) AS product_id,
            hash(d, i) % 2000 AS on_hand
        FROM range({DAYS - 60}, {DAYS}) a(d), range({PRODUCTS}) b(i)
    """,
}
