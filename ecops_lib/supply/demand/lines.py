"""Order lines as units by thing and day, summed in the engine."""

from __future__ import annotations

import datetime as dt
from functools import cached_property
from typing import TYPE_CHECKING, Any

import narwhals as nw

from ecops_lib.data.frames import bring, instants, local_day, local_time, within
from ecops_lib.metrics.bases import ORDER_KEY, Tables
from ecops_lib.supply.demand.cancelled import (
    LINE_KEY,
    before_shipping,
    lines_refunded,
    read_refunds,
)

if TYPE_CHECKING:
    import pandas as pd

Frame = nw.LazyFrame[Any]
OF_SET = ("product_id", "product_name", "variant", "paid_amount")
"""What a line of a set tells of the set, and not of the SKUs inside."""
ANY = "*"
"""The warehouse of an order that names none."""


class SoldLines:
    """Paid order lines up to a day, less what was cancelled before shipping.

    Attributes:
        tables: The source.
        start: First local day of placing that counts.
        as_of: Last one.
        by: Columns that a series is known by: ``sku_id``, perhaps ``warehouse_id``.
    """

    def __init__(
        self, tables: Tables, *, start: dt.date, as_of: dt.date, by_warehouse: bool
    ) -> None:
        tables.require("order_items")
        self.tables, self.start, self.as_of = tables, start, as_of
        self.by = ["sku_id", "warehouse_id"] if by_warehouse else ["sku_id"]

    def paid(self) -> Frame:
        """One row a paid line: its SKU (else product; null for neither), local day and units."""
        zone = self.tables.zone
        rows = self.tables.lazy("order_items", start=self.start, end=self.as_of)
        rows = rows.filter(within("created_at", self.start, self.as_of, zone))
        rows = rows.filter(~nw.col("paid_amount").is_null() & (nw.col("quantity") > 0))
        told = [nw.when(nw.col(c) != "").then(nw.col(c)) for c in ("sku_id", "product_id")]
        rows = rows.with_columns(
            sku_id=nw.coalesce(*told),
            day=local_day("created_at", self.start, self.as_of, zone),
            units=nw.col("quantity").cast(nw.Int64),
        )
        columns = [*LINE_KEY, "sku_id", "product_id", "product_name", "variant", "day",
                   "created_at", "units", "paid_amount"]  # fmt: skip
        return self._of_orders(rows.select(*columns))

    def lines(self, *, whole: bool = False) -> Frame:
        """Paid lines in the SKUs that leave the warehouse, and whether they were cancelled.

        Args:
            whole: Also lines that name neither SKU nor product (``sku_id`` null).
        """
        rows = self._marked
        return self.in_parts(rows if whole else rows.filter(~nw.col("sku_id").is_null()))

    @cached_property
    def _marked(self) -> Frame:
        """Paid lines and whether they were cancelled; put together once, for it is a long query."""
        return self._less_cancelled(self.paid())

    def _of_orders(self, rows: Frame) -> Frame:
        """Without orders paid later than the last day; with the warehouse where it counts."""
        if "warehouse_id" in self.by:
            self.tables.require("orders")
        if not self.tables.has("orders"):
            return rows
        orders = self.tables.lazy("orders", start=self.start, end=self.as_of)
        _, over = instants(self.as_of, self.as_of, self.tables.zone)
        later = orders.filter(nw.col("paid_at") >= over).select(*ORDER_KEY)
        rows = rows.join(later, on=ORDER_KEY, how="anti")
        if "warehouse_id" not in self.by:
            return rows
        rows = rows.join(orders.select(*ORDER_KEY, "warehouse_id"), on=ORDER_KEY, how="left")
        return rows.with_columns(nw.col("warehouse_id").fill_null(ANY))

    def _less_cancelled(self, rows: Frame) -> Frame:
        """``cancelled``: refunded as a whole before it was shipped, by the last day."""
        if not self.tables.has("refunds"):
            return rows.with_columns(cancelled=nw.lit(False))
        back = read_refunds(self.tables, as_of=self.as_of).filter(before_shipping())
        gone = lines_refunded(rows, back).with_columns(gone=nw.lit(1))
        rows = rows.join(gone, on=LINE_KEY, how="left")
        return rows.with_columns(cancelled=~nw.col("gone").is_null())

    def in_parts(self, rows: Frame) -> Frame:
        """Sets as the SKUs inside; name and amount stay with the set.

        A set inside a set is a part like any other.
        """
        if not self.tables.has("kits"):
            return rows
        parts = self.tables.lazy("kits").select(
            "kit_sku_id", part="sku_id", each=nw.col("quantity").cast(nw.Int64)
        )
        rows = rows.join(parts, left_on="sku_id", right_on="kit_sku_id", how="left")
        inside = ~nw.col("part").is_null()
        return rows.with_columns(
            sku_id=nw.coalesce("part", "sku_id"),
            units=nw.when(inside).then(nw.col("units") * nw.col("each")).otherwise(nw.col("units")),
            **{name: nw.when(~inside).then(nw.col(name)) for name in OF_SET},
        )

    def daily(self) -> pd.DataFrame:
        """Units, amount and the largest line of each series and day."""
        kept = self.lines().filter(~nw.col("cancelled"))
        amounted = nw.when(~nw.col("paid_amount").is_null()).then(nw.col("units"))
        sums = kept.with_columns(amounted=amounted).group_by(*self.by, "day")
        return bring(
            sums.agg(
                units=nw.col("units").sum(),
                amount=nw.col("paid_amount").sum(),
                amounted=nw.col("amounted").sum(),
                largest=nw.col("units").max(),
            ),
            sort=[*self.by, "day"],
        )

    def sizes(self) -> pd.DataFrame:
        """How many lines of each SKU have each number of units."""
        kept = self.lines().filter(~nw.col("cancelled"))
        return bring(kept.group_by("sku_id", "units").agg(lines=nw.len()), sort=["sku_id", "units"])

    def hours(self) -> pd.DataFrame:
        """Units of each SKU by local hour of the day."""
        hour = local_time("created_at", self.start, self.as_of, self.tables.zone).dt.hour()
        rows = self.lines().with_columns(hour=hour).group_by("sku_id", "hour")
        return bring(rows.agg(units=nw.col("units").sum()), sort=["sku_id", "hour"])

    def series(self) -> pd.DataFrame:
        """The series that were sold."""
        kept = self.lines().filter(~nw.col("cancelled"))
        return bring(kept.select(*self.by).unique(), sort=self.by)

    def names(self) -> pd.DataFrame:
        """Product, name and variant of each SKU, as its lines call it."""
        rows = self.lines().group_by("sku_id")
        names = ("product_id", "product_name", "variant")
        return bring(rows.agg(*(nw.col(name).max() for name in names)), sort=["sku_id"])

    def apart(self) -> tuple[int, int, int]:
        """Lines that name no thing, units cancelled before shipping, and all units."""
        none = nw.when(nw.col("sku_id").is_null()).then(nw.lit(1))
        gone = nw.when(nw.col("cancelled")).then(nw.col("units"))
        rows = self.lines(whole=True).with_columns(none=none, gone=gone)
        row = bring(
            rows.select(nw.col("none").count(), nw.col("gone").sum(), nw.col("units").sum())
        ).fillna(0)
        return tuple(int(row[name].iloc[0]) for name in ("none", "gone", "units"))  # type: ignore[return-value]
