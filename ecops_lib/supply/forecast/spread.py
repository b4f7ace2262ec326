"""Forecasts of very many series: in parts, over processes or over Spark, the same numbers.

A panel is dealt out into parts of at most ``size`` series, every part a sample of the whole.
Each part is forecast by ``forecast_demand`` on its own, and learns from its own series. Where
a part is worked on changes nothing: in this process, in others, or on Spark through Fugue,
which is how statsforecast itself spreads its work.
"""

from __future__ import annotations

import multiprocessing
import os
import pickle
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from functools import partial
from typing import Any, Protocol, TypeVar

import numpy as np

from ecops_lib.core.errors import ParameterError
from ecops_lib.supply.forecast.demand import forecast_demand
from ecops_lib.supply.forecast.joining import Places, join_forecasts
from ecops_lib.supply.forecast.result import Forecast
from ecops_lib.supply.panel import Panel

SIZE = 2_000
"""Series of a part: enough to learn from, little enough for memory."""
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")

Told = TypeVar("Told")
Tell = Callable[[int, int], None]
"""Told how many parts are done, and of how many."""


class SparkSession(Protocol):
    """What is needed of a Spark session."""

    def createDataFrame(self, data: Any, schema: Any = None) -> Any:  # noqa: N802
        """Make a table."""


def spread_forecast(
    panel: Panel,
    *,
    horizon: int,
    seed: int = 0,
    size: int = SIZE,
    workers: int = 1,
    spark: SparkSession | None = None,
    tell: Tell | None = None,
) -> Forecast:
    """Forecast a panel of any length in parts.

    Args:
        panel: The past.
        horizon: Periods ahead.
        seed: As for ``forecast_demand``.
        size: Most series of a part; the numbers depend on it, and on nothing below.
        workers: Processes to work in; 1 works here.
        spark: Session to work on instead; its workers need ecops and its dependencies
            (``PYSPARK_PYTHON`` names their Python).
        tell: Called after each part.

    Raises:
        ParameterError: The panel is empty, or an argument has an impossible value.
    """
    work = partial(forecast_demand, horizon=horizon, seed=seed)
    places = deal_out(len(panel), size=size)
    parts = work_on_parts(panel, work, size=size, workers=workers, spark=spark, tell=tell)
    return join_forecasts(parts, places)


def deal_out(series: int, *, size: int) -> tuple[Places, ...]:
    """Positions of the series of each part: like cards, so that every part is a sample."""
    if series < 1 or size < 1:
        raise ParameterError(
            f"the panel has {series} series and size is {size}; both must be at least 1."
        )
    count = -(-series // size)
    return tuple(np.arange(first, series, count) for first in range(count))


def work_on_parts(
    panel: Panel,
    work: Callable[[Panel], Told],
    *,
    size: int = SIZE,
    workers: int = 1,
    spark: SparkSession | None = None,
    tell: Tell | None = None,
) -> list[Told]:
    """Call a function on every part of a panel; what it told, in the order of ``deal_out``.

    Args:
        panel: Many series.
        work: Called with a panel of some of them; must be picklable, as what it returns.
        size: Most series of a part.
        workers: Processes to work in, each with one thread; 1 works here.
        spark: Session to work on instead.
        tell: Called after each part; only at the end on Spark.

    Raises:
        ParameterError: The panel is empty, or an argument has an impossible value.
    """
    places = deal_out(len(panel), size=size)
    if workers < 1:
        raise ParameterError(f"workers is {workers}; it must be at least 1.")
    parts = (panel.rows(rows) for rows in places)
    said: dict[int, Told] = {}
    for number, told in _worked(parts, work, len(places), workers, spark):
        said[number] = told
        if tell:
            tell(len(said), len(places))
    return [said[number] for number in range(len(places))]


def _worked(
    parts: Iterable[Panel],
    work: Callable[[Panel], Told],
    count: int,
    workers: int,
    spark: SparkSession | None,
) -> Iterator[tuple[int, Told]]:
    if spark is not None:
        yield from _on_spark(parts, work, count, spark)
    elif workers == 1 or count == 1:
        yield from ((number, work(part)) for number, part in enumerate(parts))
    else:
        yield from _in_processes(parts, work, workers)


def _in_processes(
    parts: Iterable[Panel], work: Callable[[Panel], Told], workers: int
) -> Iterator[tuple[int, Told]]:
    """New processes, not forks: threads of this one hold locks that a fork would inherit."""
    fresh = multiprocessing.get_context("spawn")
    with _one_thread(), ProcessPoolExecutor(workers, mp_context=fresh) as pool:
        under_way = {pool.submit(work, part): number for number, part in enumerate(parts)}
        for done in as_completed(under_way):
            yield under_way.pop(done), done.result()


@contextmanager
def _one_thread() -> Iterator[None]:
    """Processes started meanwhile compute with one thread each."""
    before = {name: os.environ.get(name) for name in THREADS}
    os.environ.update(dict.fromkeys(THREADS, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _on_spark(
    parts: Iterable[Panel], work: Callable[[Panel], Told], count: int, spark: SparkSession
) -> Iterator[tuple[int, Told]]:
    """One row a part, pickled; Fugue hands each to the function where Spark wants it."""
    import pandas as pd
    from fugue.dataframe.api import as_array
    from fugue.workflow.api import transform

    sent = pd.DataFrame({"part": range(count), "panel": [pickle.dumps(part) for part in parts]})
    came = transform(
        sent,
        _worked_rows,
        schema="part:long,told:bytes",
        params={"work": pickle.dumps(work)},
        partition={"by": "part", "num": count},
        engine=spark,
    )
    for number, told in as_array(came):
        yield int(number), _unpacked(told)


def _worked_rows(rows: Iterable[dict[str, Any]], work: bytes) -> Iterator[dict[str, Any]]:
    """The function on each part that Fugue hands over."""
    for row in rows:
        told = _unpacked(work)(_unpacked(row["panel"]))
        yield {"part": row["part"], "told": pickle.dumps(told)}


def _unpacked(held: bytes) -> Any:
    """What was pickled on the other side of the same call."""
    return pickle.loads(bytes(held))  # noqa: S301  # written by this call, read by nobody else
