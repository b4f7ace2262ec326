"""What is in stock, on order and on its way."""

from __future__ import annotations

from ecops_lib.core.language import mark
from ecops_lib.data.schema.types import (
    ORDER,
    PLATFORM,
    Column,
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
        count_column("received", mark("units that came in at receipt"), unit="pieces"),
        text_column("warehouse_id", mark("warehouse the goods are for")),
    ),
)

SUPPLIERS = Table(
    name="suppliers",
    meaning=mark("one row a supplier"),
    key=("supplier_id",),
    hint=mark("a sheet of your own (suppliers.csv)"),
    columns=(
        key_column("supplier_id", mark("supplier")),
        text_column("supplier_name", mark("name of the supplier")),
        number_column(
            "payment_days", mark("days from receipt to payment; 0 for cash"), unit="days"
        ),
        money_column("minimum_amount", mark("least amount of an order"), least=0),
        money_column("order_cost", mark("what placing one order costs the shop"), least=0),
    ),
)

SOURCING = Table(
    name="sourcing",
    meaning=mark("one row a SKU × supplier that can deliver it"),
    key=("sku_id", "supplier_id"),
    hint=mark("a sheet of your own (sourcing.csv)"),
    columns=(
        key_column("sku_id", mark("stock-keeping unit")),
        key_column("supplier_id", mark("supplier")),
        money_column("unit_cost", mark("price of one unit"), least=0),
        count_column("minimum_quantity", mark("least units of an order (MOQ)"), unit="pieces"),
        count_column("pack_size", mark("units in a pack; orders are whole packs"), unit="pieces"),
        number_column("lead_days", mark("days from order to receipt, as quoted"), unit="days"),
    ),
)

KITS = Table(
    name="kits",
    meaning=mark("one row a kit × SKU inside it"),
    key=("kit_sku_id", "sku_id"),
    hint=mark("a sheet of your own (kits.csv)"),
    columns=(
        key_column("kit_sku_id", mark("SKU that is sold as a set")),
        key_column("sku_id", mark("SKU that leaves the warehouse")),
        count_column("quantity", mark("units of it in one set"), unit="pieces", required=True),
    ),
)

CARRIER_RATES = Table(
    name="carrier_rates",
    meaning=mark("one row a carrier × destination × size × monthly volume"),
    key=("carrier", "province", "size_class", "parcels_from"),
    hint=mark("the carriers' price lists"),
    columns=(
        key_column("carrier", mark("carrier")),
        key_column("province", mark("destination; * for all")),
        key_column("size_class", mark("small parcel or bulky freight")),
        Column(
            "parcels_from",
            "integer",
            mark("parcels a month from which the price holds"),
            unit="parcels",
            required=True,
            least=0,
        ),
        number_column("first_weight", mark("weight that the first price covers"), unit="kg"),
        money_column("first_price", mark("price of that weight"), required=True, least=0),
        money_column("next_price", mark("price of each further kg"), least=0),
    ),
)

PROPOSALS = Table(
    name="proposals",
    meaning=mark("one row a proposed order × SKU"),
    key=("proposal_id", "sku_id", "warehouse_id"),
    hint=mark("`ecops order`, which keeps what it proposed"),
    columns=(
        key_column("proposal_id", mark("proposal")),
        key_column("sku_id", mark("stock-keeping unit")),
        key_column("warehouse_id", mark("warehouse; * for all")),
        text_column("supplier_id", mark("supplier")),
        day_column("as_of", mark("last day that the proposal knew"), required=True),
        count_column("quantity", mark("units proposed"), unit="pieces", required=True),
        number_column(
            "position", mark("units on hand, less promised, plus on the way"), unit="pieces"
        ),
        number_column("days", mark("days that the forecast covers"), unit="days"),
        number_column(
            "expected", mark("units expected to be asked for in those days"), unit="pieces"
        ),
        number_column("low", mark("lower end of their 80 % interval"), unit="pieces"),
        number_column("high", mark("upper end of their 80 % interval"), unit="pieces"),
        number_column("service_level", mark("chance asked for of not running out")),
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
        text_column("seller_id", mark("seller who sent it, on a marketplace")),
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
