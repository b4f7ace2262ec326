"""A contact list for 2 million customers: time, and the most memory it takes.

A seeded store of 2 million buyers with 4 million orders and two mailings to 300,000 of them
each, a fifth held out, is made once. A fresh process then chooses whom to contact and
writes the list as CSV; its peak resident memory is measured (bar: 2 GB).

    python benchmarks/contact_lists.py [FOLDER] [--buyers N]
"""

from __future__ import annotations

import argparse
import datetime as dt
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks._big_store import complete
from ecops_lib.data.store import Store, create_store, open_store

BUYERS, MAILED = 2_000_000, 300_000
BAR = 2.0
"""Most memory [GB = 10⁹ bytes]."""
FIRST, DAYS = dt.date(2025, 1, 1), 540
AS_OF = FIRST + dt.timedelta(days=DAYS - 1)
KEY = "printf('%016x%016x', hash({0}, 1), hash({0}, 2))"


def make_store(folder: Path, buyers: int) -> Store:
    """The store in a folder, made if it is not there whole."""
    done = folder / f"done_{buyers}"
    if done.exists():
        return open_store(folder / "store")
    store = create_store(folder / "store", name="Many customers", key=b"0" * 32)
    connection = store.connection
    key = KEY.format(f"(CASE WHEN n < {buyers} THEN n ELSE hash(n) % {buyers} END)")
    with store.writing() as writer:
        for start in range(0, DAYS, 90):
            connection.execute(f"""
                CREATE OR REPLACE TABLE some_orders AS
                SELECT 'tmall' AS platform, CAST(n AS VARCHAR) AS order_id, {key} AS buyer_key,
                    TIMESTAMPTZ '{FIRST} 00:00:00+08' + to_seconds(
                        86400 * ({start} + hash(n, 3) % 90) + hash(n, 4) % 86400) AS created_at,
                    created_at AS paid_at, 'completed' AS status,
                    20 + (hash(n, 5) % 40000) / 100 AS ordered_amount,
                    20 + (hash(n, 5) % 40000) / 100 AS paid_amount
                FROM range({start * buyers * 2 // DAYS}, {(start + 90) * buyers * 2 // DAYS}) t(n)
            """)
            rows = connection.sql(complete(connection, "orders", "some_orders"))
            writer.upsert("orders", rows, checked=True)
        connection.execute(f"""
            CREATE OR REPLACE TABLE messages AS
            SELECT 'C' || m AS contact_id, {KEY.format(f"((n * 3 + m) % {buyers})")} AS buyer_key,
                TIMESTAMPTZ '{AS_OF} 10:00:00+08' - to_days(CAST(100 - 30 * m AS INT)) AS sent_at,
                hash(n, m, 7) % 5 = 0 AS held_out, '短信' AS message, 0.05 AS cost
            FROM range({MAILED}) a(n), range(2) b(m)
        """)
        rows = connection.sql(complete(connection, "contacts", "messages"))
        writer.upsert("contacts", rows, checked=True)
    connection.close()
    done.touch()
    return open_store(folder / "store")


def choose(path: Path, out: Path) -> None:
    """Choose and write, and print the size, the seconds and the peak memory [GB]."""
    from ecops_lib.customers import choose_contacts, write_contacts

    start = time.perf_counter()
    held = choose_contacts(open_store(path), as_of=AS_OF, margin=0.4, cost=0.05)
    chosen = time.perf_counter()
    write_contacts(held, out)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9
    done = time.perf_counter()
    print(len(held.chosen), held.known, chosen - start, done - chosen, peak)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", nargs="?", type=Path)
    parser.add_argument("--buyers", type=int, default=BUYERS)
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    folder = given.folder or Path(tempfile.mkdtemp(prefix="ecops-contacts-"))
    if given.child:
        choose(folder / "store", folder / "list.csv")
        return
    make_store(folder, given.buyers)
    command = [sys.executable, __file__, str(folder), "--child"]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    size, known, choosing, writing, peak = done.stdout.split()
    print(f"{int(known):,} known customers, {int(size):,} on the list")
    print(f"choosing {float(choosing):.1f} s, writing {float(writing):.1f} s")
    verdict = "holds" if float(peak) <= BAR else "FAILS"
    print(f"peak memory {float(peak):.2f} GB (bar {BAR:g} GB): {verdict}")


if __name__ == "__main__":
    main()
