"""What is in stock, on order and on its way."""

from __future__ import annotations

from ecops_lib.core.language import mark
from ecops_lib.data.schema.types import (
    ORDER,
    PLATFORM,
    Table,
    count_column,
    day_column,
    key_column,
    money_column,
    number_column,
    text_column,
    time_column,
)

INVENTORY = Table(
    name="inventory",
    meaning=mark("one row a snapshot day × warehouse × SKU"),
    key=("day", "warehouse_id", "sku_id"),
    clock="day",
    hint=mark("the warehouse's stock export"),
    columns=(
        day_column("day", mark("day of the snapshot, at its end"), required=True),
        key_column("warehouse_id", mark("warehouse; * for all")),
        key_column("sku_id", mark("stock-keeping unit")),
        text_column("product_id", mark("product the SKU belongs to")),
        count_column("on_hand", mark("units in the warehouse"), unit="pieces", required=True),
        count_column("reserved", mark("units promised to orders"), unit="pieces"),
        count_column("in_transit", mark("units on their way in"), unit="pieces"),
        number_column("hours_out", mark("hours out of stock that day"), unit="hours"),
    ),
)

PURCHASE_ORDERS = Table(
    name="purchase_orders",
    meaning=mark("one row a purchase order × SKU × stage"),
    key=("purchase_id", "sku_id", "stage"),
    hint=mark("the purchasing sheet"),
    columns=(
        key_column("purchase_id", mark("purchase order")),
        key_column("sku_id", mark("stock-keeping unit")),
        key_column("stage", mark("production, inspection, shipping or receipt")),
        text_column("supplier_id", mark("supplier")),
        count_column("quantity", mark("units ordered from the supplier"), unit="pieces"),
        money_column("unit_cost", mark("price of one unit")),
        time_column("ordered_at", mark("when it was ordered")),
        time_column("due_at", mark("when the stage is due")),
        time_column("done_at", mark("when the stage was done; null while open")),
        count_column("rejected", mark("units that failed inspection"), unit="pieces"),
    ),
)

SHIPMENTS = Table(
    name="shipments",
    meaning=mark("one row a parcel"),
    key=("platform", "order_id", "parcel_id"),
    hint=mark("the carrier's bill or the platform's logistics export"),
    columns=(
        PLATFORM,
        ORDER,
        key_column("parcel_id", mark("parcel")),
        text_column("carrier", mark("carrier")),
        text_column("province", mark("destination")),
        text_column("size_class", mark("small parcel or bulky freight")),
        number_column("weight", mark("weight"), unit="kg"),
        money_column("cost", mark("freight paid by the shop")),
        time_column("shipped_at", mark("when it was handed over")),
        time_column("picked_up_at", mark("when the carrier first scanned it")),
        time_column("delivered_at", mark("when it was received; null in transit")),
        time_column("promised_at", mark("promised delivery")),
        text_column("trouble", mark("damaged, lost or returned")),
    ),
)

COSTS = Table(
    name="costs",
    meaning=mark("one row a day × kind of cost"),
    key=("day", "kind", "product_id"),
    clock="day",
    hint=mark("a sheet of your own (costs.csv)"),
    columns=(
        day_column("day", mark("day"), required=True),
        key_column("kind", mark("goods, platform fee, freight, insurance or other")),
        key_column("product_id", mark("product; * for the shop")),
        money_column("amount", mark("amount of the cost"), required=True),
    ),
)
