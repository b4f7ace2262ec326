"""RFM with segments on 20 million order lines: ecops against hand-written DuckDB SQL.

Both sides give every customer a score of recency, frequency and monetary value and a
tier, net of refunds, and sum the tiers; the tiers' sums must be equal. Scores are by rank:
ecops keeps equal customers together, the SQL uses NTILE. In turns, each from a freshly
opened store; the best of several turns counts (bar: ecops ≤ 1.2 × SQL).

    python benchmarks/customer_rfm.py [FOLDER] [--lines N] [--turns N]
"""

from __future__ import annotations

import argparse
import datetime as dt
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks._big_store import LAST, LINES, big_store
from ecops_lib import open_store
from ecops_lib.customers import make_tiers, score_customers, segment_customers
from ecops_lib.data import frames

BAR = 1.2
DAY = LAST - dt.timedelta(days=5)
HIGH = 800
Answer = dict[str, tuple[int, float]]


def by_ecops(path: Path) -> Answer:
    """Customers and net amount of each tier."""
    scores = score_customers(open_store(path), as_of=DAY)
    held = segment_customers(scores, tiers=make_tiers(high_value=HIGH))
    rules = held.segmentation.rules
    return {
        rule.key: (row.customers, row.mils / 10_000)
        for rule, row in zip(rules, held.sums, strict=True)
    }


def by_sql(path: Path) -> Answer:
    """The same in SQL, written by hand for this store."""
    store = open_store(path)
    connection = store.connection
    store.scan("orders").create_view("o")
    store.scan("refunds").create_view("r")
    over = frames.instants(DAY, DAY, store.zone)[1]
    connection.execute(f"""
        CREATE OR REPLACE TEMP TABLE people AS
        WITH back AS (
            SELECT platform, order_id, sum(amount) AS back FROM r
            WHERE status = 'success' AND (finished_at < '{over}' OR finished_at IS NULL)
                AND order_id IS NOT NULL
            GROUP BY ALL),
        paid AS (
            SELECT buyer_key, paid_at, paid_amount - coalesce(back, 0) AS net,
                back IS NULL OR paid_amount > back AS kept
            FROM o LEFT JOIN back USING (platform, order_id)
            WHERE paid_at < '{over}' AND paid_amount IS NOT NULL),
        sums AS (
            SELECT buyer_key, count(*) FILTER (kept) AS orders, sum(net) FILTER (kept) AS amount,
                DATE '{DAY}' - (max(paid_at) FILTER (kept) + INTERVAL 8 HOURS)::DATE AS recency,
                DATE '{DAY}' - (min(paid_at) FILTER (kept) + INTERVAL 8 HOURS)::DATE AS age
            FROM paid GROUP BY buyer_key)
        SELECT *, ntile(5) OVER (ORDER BY recency DESC) AS r, ntile(5) OVER (ORDER BY orders) AS f,
            ntile(5) OVER (ORDER BY amount) AS m,
            CASE WHEN age <= 30 THEN 'new'
                WHEN amount >= {HIGH} THEN if(recency <= 90, 'core', 'potential')
                ELSE if(recency <= 90, 'common', 'asleep') END AS tier
        FROM sums WHERE buyer_key IS NOT NULL AND orders > 0
    """)
    rows = connection.execute("SELECT tier, count(*), sum(amount) FROM people GROUP BY 1")
    return {tier: (int(count), float(amount)) for tier, count, amount in rows.fetchall()}


def timed(side: Callable[[Path], Answer], store: Path) -> tuple[Answer, float, float]:
    """The answer, and wall and CPU seconds."""
    wall, cpu = time.perf_counter(), time.process_time()
    found = side(store)
    return found, time.perf_counter() - wall, time.process_time() - cpu


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument(
        "folder", nargs="?", default=Path(tempfile.gettempdir()) / "ecops_big_store"
    )
    parser.add_argument("--lines", type=int, default=LINES)
    parser.add_argument("--turns", type=int, default=3)
    given: Any = parser.parse_args()
    big_store(Path(given.folder), lines=given.lines)
    store = Path(given.folder) / "store"
    sides = {"ecops": by_ecops, "SQL": by_sql}
    found = {name: timed(side, store)[0] for name, side in sides.items()}  # warms the caches
    if found["ecops"] != found["SQL"]:
        sys.exit(f"the tiers differ: {found}")
    spent: dict[str, list[tuple[float, float]]] = {name: [] for name in sides}
    for _ in range(given.turns):
        for name, side in sides.items():
            spent[name].append(timed(side, store)[1:])
    best = {name: [min(turn[k] for turn in turns) for k in (0, 1)] for name, turns in spent.items()}
    for name, (wall, cpu) in best.items():
        print(f"{name:6} wall {wall:6.2f} s, CPU {cpu:6.2f} s")
    ratios = [ours / theirs for ours, theirs in zip(best["ecops"], best["SQL"], strict=True)]
    print(f"wall ratio {ratios[0]:.2f}, CPU ratio {ratios[1]:.2f} (bar {BAR})")
    return int(max(ratios) > BAR)


if __name__ == "__main__":
    sys.exit(main())
