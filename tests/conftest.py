"""Fixtures that every folder of tests may use."""

from __future__ import annotations

import datetime as dt
import os
import re
import shutil
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from ecops_lib.core.language import reading
from ecops_lib.data.imports import ImportResult, import_files
from ecops_lib.data.store import Store, create_store, open_store

MakeShop = Callable[[Iterable[dt.datetime]], Store]
Ecops = Callable[..., tuple[int, str, str]]
MakeTables = Callable[[dict[str, pa.Table]], dict[str, Any]]

SHARED = Path(__file__).parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real shops' data; the test is skipped where it is absent."""
    if not SHARED.exists():
        pytest.skip("no folder of real data beside the repository")
    return SHARED


@pytest.fixture(scope="session")
def online_retail(
    shared: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[ImportResult, Store]:
    """What importing both sheets of Online Retail II said, and the store; only to be read."""
    path = tmp_path_factory.mktemp("online_retail") / "shop"
    files = sorted((shared / "online_retail_ii").glob("*.parquet"))
    return import_files(files, store=path), open_store(path)


@pytest.fixture
def ecops(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Ecops:
    """Runs one command; gives the exit code, the output and the error channel."""
    from ecops_lib import cli

    monkeypatch.setenv("LC_ALL", "C.UTF-8")

    def run(*arguments: object) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as left:
            cli.main([str(argument) for argument in arguments])
        said = capsys.readouterr()
        return int(left.value.code or 0), said.out, said.err

    return run


@pytest.fixture(autouse=True)
def english() -> Iterator[None]:
    """Every test begins with an English reader who counts in yuan."""
    with reading("en", "CNY"):
        yield


@pytest.fixture(scope="session")
def make_shop(tmp_path_factory: pytest.TempPathFactory) -> MakeShop:
    """Makes a new store with one paid order of 10.50 at each instant."""

    def make(instants: Iterable[dt.datetime]) -> Store:
        from ecops_lib.data.schema import arrow_schema

        rows = [
            {
                "platform": "tmall",
                "order_id": f"{place:06d}",
                "created_at": at,
                "paid_at": at,
                "status": "paid",
                "ordered_amount": Decimal("10.50"),
                "paid_amount": Decimal("10.50"),
            }
            for place, at in enumerate(instants)
        ]
        schema = arrow_schema("orders")
        whole = [{name: row.get(name) for name in schema.names} for row in rows]
        shop = create_store(tmp_path_factory.mktemp("shop"), name="Corner 店", key=b"k" * 32)
        with shop.writing() as writer:
            writer.upsert("orders", pa.Table.from_pylist(whole, schema=schema))
            writer.record({"name": "orders.csv", "sha256": "ab" * 32, "rows": len(rows)})
        return shop

    return make


@pytest.fixture(scope="session")
def small_shop(make_shop: MakeShop) -> Store:
    """Five days with four orders each from 09:00 to 18:00, the last day's last one missing."""
    start = dt.datetime(2026, 11, 1, 1, tzinfo=dt.UTC)
    hours = [(day, hour) for day in range(5) for hour in (0, 3, 6, 9)][:-1]
    return make_shop(start + dt.timedelta(days=day, hours=hour) for day, hour in hours)


@pytest.fixture(scope="session")
def notebooks() -> Path:
    """Notebooks that each show one behaviour of the runner."""
    return Path(__file__).parent / "notebooks"


DEMO = "tests/data/demo/"
"""Tests that share the demo shops of their folder, each of which is made once."""

SLOW = ("tests/notebooks/", "tests/data/demo/", "tests/reports/", "tests/customers/")
"""Folders of slow tests, which begin first, so that no worker is left alone with them."""


def _group(nodeid: str) -> str:
    """What runs in one worker: all of Spark, all of the demo shops, else a file."""
    if re.search(r"[\[-]spark[]-]|::test_spark_", nodeid):
        return "spark"
    return DEMO if nodeid.startswith(DEMO) else nodeid.split("::", maxsplit=1)[0]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The slowest first: Spark, then pages and shops."""
    items.sort(key=lambda item: (_group(item.nodeid) != "spark", not item.nodeid.startswith(SLOW)))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Group tests by ``_group``; the marks of xdist 3.8 are lost in pytest 9.2."""
    from xdist.scheduler import LoadScopeScheduling

    class Grouped(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return _group(nodeid)

    config.option.loadscopereorder = False
    return Grouped(config, log)


ENGINES = (
    "pandas",
    "polars",
    "pyarrow",
    "duckdb",
    pytest.param("spark", marks=pytest.mark.spark),
)


@pytest.fixture(scope="session")
def spark() -> Iterator[Any]:
    """One quiet Spark on two threads, in UTC."""
    if not (shutil.which("java") or os.environ.get("JAVA_HOME")):
        pytest.skip("Spark needs Java, which is not here")
    pytest.importorskip("pyspark", reason="pyspark is not installed (ecops[spark])")
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pyspark.sql import SparkSession

        session = (
            SparkSession.builder.master("local[2]")
            .config("spark.ui.enabled", "false")
            .config("spark.sql.session.timeZone", "UTC")
            .config("spark.sql.shuffle.partitions", "1")
            .config("spark.sql.codegen.wholeStage", "false")
            .config("spark.sql.codegen.factoryMode", "NO_CODEGEN")
            .config("spark.sql.adaptive.enabled", "false")
            .config("spark.driver.bindAddress", "127.0.0.1")
            .config("spark.driver.host", "127.0.0.1")
            .getOrCreate()
        )
        session.sparkContext.setLogLevel("OFF")
    yield session
    session.stop()


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> MakeTables:
    """Makes tables of one engine from Arrow tables."""
    return _maker(request)


@pytest.fixture(params=ENGINES[:-1])
def light_engine(request: pytest.FixtureRequest) -> MakeTables:
    """Makes tables of one engine that starts at once."""
    return _maker(request)


def _maker(request: pytest.FixtureRequest) -> MakeTables:
    name = str(request.param)

    def make(tables: dict[str, pa.Table]) -> dict[str, Any]:
        if name == "duckdb":
            return _as_relations(tables)
        return {table: _as(held, name, request) for table, held in tables.items()}

    return make


def _as_relations(tables: dict[str, pa.Table]) -> dict[str, Any]:
    """Relations of one connection, so that they can be joined."""
    import duckdb

    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    return {name: connection.from_arrow(held) for name, held in tables.items()}


def _as(table: pa.Table, engine: str, request: pytest.FixtureRequest) -> Any:
    match engine:
        case "pandas":
            import pandas as pd

            return table.to_pandas(types_mapper=pd.ArrowDtype)
        case "polars":
            import polars as pl

            return pl.from_arrow(table)
        case "spark":
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                return request.getfixturevalue("spark").createDataFrame(table)
        case _:
            return table
