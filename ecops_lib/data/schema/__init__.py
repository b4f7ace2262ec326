"""The canonical tables: the only place that defines columns, types, units and keys.

Amounts are decimals with four places in the store currency; times are instants in
UTC (pages and day boundaries use the store's zone); ids are text. A platform's file
fills what it holds; what it does not hold is null, never 0.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING

from ecops_lib.core.checks import listed, nearest
from ecops_lib.core.errors import StoreError
from ecops_lib.data.schema.demand import (
    ADS,
    COMMUNITY,
    CONTACTS,
    EVENTS,
    EXPERIMENTS,
    LIVE_SESSIONS,
    POINTS,
    REVIEWS,
    TICKETS,
    TRAFFIC,
)
from ecops_lib.data.schema.supply import (
    CARRIER_RATES,
    COSTS,
    INVENTORY,
    KITS,
    PROPOSALS,
    PURCHASE_ORDERS,
    SHIPMENTS,
    SOURCING,
    SUPPLIERS,
)
from ecops_lib.data.schema.surroundings import COMPETITOR_ITEMS, MARKET, SHOP_EVENTS, TARGETS
from ecops_lib.data.schema.trade import CUSTOMERS, ORDER_ITEMS, ORDERS, PRODUCTS, REFUNDS
from ecops_lib.data.schema.types import Column, Table

if TYPE_CHECKING:
    import pandera.pandas as pandera
    import pyarrow as pa

TABLES: Mapping[str, Table] = {
    table.name: table
    for table in (
        ORDERS,
        ORDER_ITEMS,
        REFUNDS,
        PRODUCTS,
        CUSTOMERS,
        TRAFFIC,
        EVENTS,
        ADS,
        LIVE_SESSIONS,
        REVIEWS,
        TICKETS,
        EXPERIMENTS,
        CONTACTS,
        POINTS,
        COMMUNITY,
        INVENTORY,
        PURCHASE_ORDERS,
        SUPPLIERS,
        SOURCING,
        KITS,
        PROPOSALS,
        SHIPMENTS,
        CARRIER_RATES,
        COSTS,
        COMPETITOR_ITEMS,
        MARKET,
        SHOP_EVENTS,
        TARGETS,
    )
}

IGNORE_ZONES = "PYARROW_IGNORE_TIMEZONE"


def table_named(name: str) -> Table:
    """The canonical table of that name.

    Raises:
        StoreError: There is none; the message lists those that exist.
    """
    if name not in TABLES:
        hint = nearest(name, TABLES)
        raise StoreError(f"there is no table {name!r}{hint}; the tables are {listed(TABLES)}.")
    return TABLES[name]


@cache
def arrow_schema(name: str) -> pa.Schema:
    """The Arrow schema of a canonical table, in column order."""
    import pyarrow as pa

    types = {
        "text": pa.string(),
        "money": pa.decimal128(18, 4),
        "integer": pa.int64(),
        "number": pa.float64(),
        "flag": pa.bool_(),
        "time": pa.timestamp("us", "UTC"),
        "day": pa.date32(),
    }
    return pa.schema([(column.name, types[column.type]) for column in table_named(name).columns])


@cache
def pandera_schema(name: str) -> pandera.DataFrameSchema:
    """The pandera schema of a canonical table: types, required cells, choices, ranges, key.

    Validates a pandas frame with the types that ``Store.frame`` gives
    (``pd.ArrowDtype`` of ``arrow_schema(name)``), so that an analyst can check a
    table of their own before it goes into a store.
    """
    _load_pandera()
    import pandera.pandas as pandera

    table = table_named(name)
    return pandera.DataFrameSchema(
        {
            column.name: _pandera_column(column, arrow_schema(name).field(column.name).type)
            for column in table.columns
        },
        unique=list(table.key),
        strict=True,
        name=name,
    )


def _load_pandera() -> None:
    """Import pandera without its side effect on Arrow.

    Where PySpark is installed, pandera imports ``pyspark.pandas``, which sets a variable
    that makes Arrow drop the time zones of Python's datetimes: 01:00+08:00 becomes 01:00 UTC.
    """
    before = os.environ.get(IGNORE_ZONES)
    import pandera.pandas  # noqa: F401

    if before is None:
        os.environ.pop(IGNORE_ZONES, None)


def _pandera_column(column: Column, held: pa.DataType) -> pandera.Column:
    import pandas as pd
    import pandera.pandas as pandera

    checks = []
    if column.choices:
        checks.append(pandera.Check.isin(column.choices))
    if column.least is not None:
        checks.append(pandera.Check.ge(column.least))
    return pandera.Column(pd.ArrowDtype(held), checks, nullable=not column.required)
