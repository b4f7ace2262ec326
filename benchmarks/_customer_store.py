"""A seeded store of two million customers and about five million orders, made by DuckDB."""

from __future__ import annotations

import shutil
from pathlib import Path

from benchmarks._big_store import DAYS, FIRST, LAST, complete, months
from ecops_lib.data.store import Store, create_store, open_store

CUSTOMERS = 2_000_000

ORDERS = """
    CREATE OR REPLACE TABLE all_orders AS
    WITH people AS (
        SELECT c, 30 * exp(1.2 * (hash(c, 2) % 1000 / 1000 - 0.5)) AS spend,
            hash(c, 3) % 48_000_000 AS second,
            CAST(floor(-2.6 * ln((hash(c, 4) % 1000 + 1) / 1001)) AS INT) AS repeats
        FROM range({customers}) t(c)),
    drawn AS (
        SELECT c, j, spend, hash(c, j, 5) AS luck,
            TIMESTAMPTZ '{first} 00:00:00+08'
                + to_seconds(second + j * (400_000 + hash(c, 6) % 7_000_000)) AS moment
        FROM people, range(0, 40) r(j) WHERE j <= repeats)
    SELECT 'tmall' AS platform, printf('%d-%d', c, j) AS order_id,
        moment AS created_at, moment AS paid_at,
        CASE WHEN luck % 100 < 97 THEN printf('%016x', hash(c, 1)) END AS buyer_key,
        'completed' AS status, 'channel ' || (luck % 6) AS channel,
        round(spend * (0.5 + luck % 997 / 997), 2) AS ordered_amount,
        ordered_amount AS paid_amount
    FROM drawn WHERE moment < TIMESTAMPTZ '{last} 23:00:00+08'
"""

REFUNDS = """
    CREATE OR REPLACE TABLE all_refunds AS
    SELECT platform, 'R' || order_id AS refund_id, order_id, buyer_key, 'success' AS status,
        paid_at + INTERVAL 3 DAYS AS finished_at,
        paid_amount * (CASE WHEN hash(order_id, 1) % 2 = 0 THEN 1 ELSE 0.5 END) AS amount
    FROM all_orders WHERE hash(order_id) % 100 < 6
"""

ADS = """
    CREATE OR REPLACE TABLE all_ads AS
    SELECT 'tmall' AS platform, DATE '{first}' + CAST(d AS INT) AS day, 'c' || i AS campaign_id,
        'channel ' || i AS product_line, '*' AS product_id, '*' AS keyword, 900.0 AS cost
    FROM range({days}) a(d), range(4) b(i)
"""


def customer_store(folder: Path, *, customers: int = CUSTOMERS) -> Store:
    """The store in a folder, made if it is not there whole."""
    done = folder / f"done_customers_{customers}"
    if done.exists():
        return open_store(folder / "store")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    store = create_store(folder / "store", name="Many customers", key=b"0" * 32)
    connection = store.connection
    connection.execute(f"SET temp_directory = '{folder / 'spill'}'")
    for sql in (ORDERS, REFUNDS, ADS):
        connection.execute(sql.format(customers=customers, first=FIRST, last=LAST, days=DAYS))
    with store.writing() as writer:
        for month, end in months():
            inside = f"paid_at >= '{month} 00:00+00' AND paid_at < '{end} 00:00+00'"
            connection.execute(
                f"CREATE OR REPLACE TABLE new_orders AS SELECT * FROM all_orders WHERE {inside}"
            )
            writer.upsert("orders", connection.sql(complete(connection, "orders", "new_orders")))
            print(f"  {month:%Y-%m}", end="", flush=True)
        for table in ("refunds", "ads"):
            writer.upsert(table, connection.sql(complete(connection, table, f"all_{table}")))
    print()
    connection.close()
    shutil.rmtree(folder / "spill", ignore_errors=True)
    done.touch()
    return open_store(folder / "store")
