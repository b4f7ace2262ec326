"""How long does importing a million lines of CSV take, against DuckDB's own read_csv?

One run makes a CSV of order lines with customers, times DuckDB reading it to Parquet,
and times ``import_files`` into a new store: sniffing, hashing of buyers, checks, orders
from lines, writing two Delta tables. The two take turns; printed are the medians and the
best of the rounds, and the ratios of each round's pair. The bar is 3, for the medians.
"""

from __future__ import annotations

import argparse
import resource
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import duckdb

from ecops_lib.data.imports import import_files

BAR = 3.0
PEER, OURS = "read_csv to Parquet", "import_files"


def make_csv(path: Path, lines: int) -> None:
    """Order lines in the columns of Online Retail II, about eight an invoice."""
    duckdb.connect().execute(
        'COPY (SELECT 500000 + i // 8 AS "Invoice", \'S\' || ((i * 7919) % 4000) AS "StockCode", '
        "'ITEM NUMBER ' || ((i * 7919) % 4000) || ' IN A BOX' AS \"Description\", "
        "1 + i % 12 AS \"Quantity\", strftime(TIMESTAMP '2024-12-01 07:45:00' + INTERVAL (i // "
        "8 * 4) "
        "MINUTE, '%Y-%m-%d %H:%M:%S') AS \"InvoiceDate\", "
        '((i * 7919) % 4000) / 100 + 0.5 AS "Price", '
        "CASE WHEN i // 8 % 5 = 0 THEN NULL ELSE 12000 + hash(i // 8) % 60000 END "
        'AS "Customer ID", '
        f"'United Kingdom' AS \"Country\" FROM range({lines}) t(i)) TO '{path}' (HEADER)"
    )


def make_orders_csv(path: Path, lines: int) -> None:
    """One order a line in the columns of Tmall's export, most of them seldom filled."""
    from ecops_lib.data.imports.tmall import ORDER_NAMES

    amount = "(i * 7919 % 40000) / 100 + 5"
    moment = "strftime(TIMESTAMP '2025-12-01 08:00:00' + INTERVAL (i * 20) SECOND, "
    filled = {
        "订单编号": "'=\"' || (6920000000000000000 + i) || '\"'",
        "买家会员名": "'tb' || hash(i) % 400000",
        "总金额": amount,
        "买家应付货款": amount,
        "买家实际支付金额": amount,
        "订单状态": "'交易成功'",
        "收货人姓名": "'收货人' || hash(i) % 400000",
        "收货地址": "'浙江省 杭州市 西湖区 文三路 ' || i % 900 || ' 号'",
        "联系手机": "chr(39) || 186 || (10000000 + hash(i) % 80000000)",
        "订单创建时间": f"{moment}'%Y-%m-%d %H:%M:%S')",
        "订单付款时间": f"{moment}'%Y-%m-%d %H:%M:59')",
        "宝贝标题": "'春季新款宽松显瘦长袖连衣裙 ' || i * 7919 % 4000",
        "物流单号": "'No:YT' || (8800000000000 + i)",
        "退款金额": "CASE WHEN i % 9 = 0 THEN 5 ELSE 0 END",
    }
    renamed = {"买家实付金额", "买家付款时间", "运单号"}
    empty = [name for name in ORDER_NAMES.split(", ") if name not in {*filled, *renamed}]
    columns = [f'{sql} AS "{name}"' for name, sql in filled.items()]
    columns += [f'NULL AS "{name}"' for name in empty]
    duckdb.connect().execute(
        f"COPY (SELECT {', '.join(columns)} FROM range({lines}) t(i)) TO '{path}' (HEADER)"
    )


def timed(work: Callable[[], object]) -> tuple[float, float]:
    """Seconds on the clock and of the processors."""
    wall, used = time.perf_counter(), _used()
    work()
    return time.perf_counter() - wall, _used() - used


def _middle(pairs: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """The median of the first numbers, and that of the second."""
    first, second = zip(*pairs, strict=True)
    return statistics.median(first), statistics.median(second)


def _used() -> float:
    spent = resource.getrusage(resource.RUSAGE_SELF)
    return spent.ru_utime + spent.ru_stime


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lines", type=int, default=1_000_000)
    parser.add_argument("--shape", choices=["lines", "orders"], default="lines")
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        csv, store, parquet = folder / "lines.csv", folder / "store", folder / "lines.parquet"
        {"lines": make_csv, "orders": make_orders_csv}[given.shape](csv, given.lines)
        query = f"COPY (SELECT * FROM read_csv('{csv}')) TO '{parquet}'"
        rivals: dict[str, Callable[[], object]] = {
            PEER: lambda: duckdb.connect().execute(query),
            OURS: lambda: import_files([csv], store=store, name="speed"),
        }
        taken: dict[str, list[tuple[float, float]]] = {name: [] for name in rivals}
        for _ in range(given.rounds):
            shutil.rmtree(store, ignore_errors=True)
            for name, work in rivals.items():
                taken[name].append(timed(work))
    for name, rounds in taken.items():
        (wall, used), (least, least_used) = _middle(rounds), map(min, zip(*rounds, strict=True))
        print(
            f"{name:20s} median {wall:5.2f} s on the clock, {used:5.2f} s of processor; "
            f"best {least:5.2f} and {least_used:5.2f}"
        )
    ratios = [
        (wall / peer_wall, used / peer_used)
        for (wall, used), (peer_wall, peer_used) in zip(taken[OURS], taken[PEER], strict=True)
    ]
    wall, used = _middle(ratios)
    least, least_used = map(min, zip(*ratios, strict=True))
    print(
        f"{given.shape}: median ratio {used:.2f} of processor, {wall:.2f} on the clock; "
        f"best {least_used:.2f} and {least:.2f} (bar {BAR:g}, held against the medians)"
    )
    return int(max(used, wall) > BAR)


if __name__ == "__main__":
    sys.exit(main())
