"""A seeded store with one big A/B test: one exposure a unit, made by DuckDB."""

from __future__ import annotations

import datetime as dt
import shutil
from pathlib import Path

from ecops_lib.data.store import Store, create_store, open_store

EXPERIMENT, FIRST, DAYS = "big test", dt.date(2026, 10, 5), 28

ROWS = """
    SELECT 'big test' AS experiment_id, printf('%016x%016x', hash(n, 1), hash(n, 15)) AS unit_key,
        if(treated, 'new', 'old') AS variant,
        TIMESTAMPTZ '{first} 00:00:00+08' + to_microseconds(
            CAST(hash(n, 2) % ({days} * 86400000000) AS BIGINT)) AS exposed_at,
        CASE hash(n, 3) % 20 WHEN 0 THEN 'desktop' WHEN 1 THEN 'desktop' ELSE
            if(hash(n, 3) % 20 < 12, 'android', 'ios') END AS segment,
        CAST(NULL AS VARCHAR) AS shown,
        orders > 0 AS converted, orders > 0 OR hash(n, 4) % 10 = 0 AS carted,
        CAST(1 + hash(n, 5) % 6 AS BIGINT) AS visits, orders,
        CAST(orders * (1 + hash(n, 6) % 3) AS BIGINT) AS items,
        CAST(orders * price AS DECIMAL(18, 4)) AS paid_amount,
        CAST(if(hash(n, 7) % 9 = 0, orders * price, 0) AS DECIMAL(18, 4)) AS refund_amount,
        if(hash(n, 7) % 9 = 0, orders, 0) AS refunded_orders,
        before AS previous_orders,
        CAST(before * (price + CAST(hash(n, 8) % 5000 AS DECIMAL(18, 4)) / 100)
            AS DECIMAL(18, 4)) AS previous_amount
    FROM (SELECT n, treated, before,
            CAST(least(if(hash(n, 10) % 1000 < if(treated, 63, 60) + 20 * before,
                1 + hash(n, 11) % 3, 0), 3) AS BIGINT) AS orders,
            CAST(10 + (hash(n, 12) % 40000) AS DECIMAL(18, 4)) / 100 AS price
        FROM (SELECT n, hash(n, 13) % 2 = 0 AS treated,
                CAST(greatest(CAST(hash(n, 14) % 8 AS BIGINT) - 4, 0) AS BIGINT) AS before
            FROM range({rows}) t(n)))
"""


def exposure_store(folder: Path, *, rows: int) -> Store:
    """The store in a folder, made if it is not there whole."""
    if not (folder / f"done_{rows}").exists():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        store = create_store(folder / "store", name="Big test", key=b"0" * 32)
        query = ROWS.format(first=FIRST, days=DAYS, rows=rows)
        with store.writing() as writer:
            writer.upsert("experiments", store.connection.sql(query), checked=True)
        (folder / f"done_{rows}").touch()
    return open_store(folder / "store")
