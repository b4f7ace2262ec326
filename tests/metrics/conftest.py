"""Engines: the same tables as pandas, Polars, PyArrow, DuckDB and Spark."""

from __future__ import annotations

import os
import shutil
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import pyarrow as pa
import pytest

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
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pyspark.sql import SparkSession

        session = (
            SparkSession.builder.master("local[2]")
            .config("spark.ui.enabled", "false")
            .config("spark.sql.session.timeZone", "UTC")
            .config("spark.sql.shuffle.partitions", "2")
            .config("spark.driver.bindAddress", "127.0.0.1")
            .config("spark.driver.host", "127.0.0.1")
            .getOrCreate()
        )
        session.sparkContext.setLogLevel("OFF")
    yield session
    session.stop()


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> Callable[[dict[str, pa.Table]], dict[str, Any]]:
    """Makes tables of one engine from Arrow tables."""
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
