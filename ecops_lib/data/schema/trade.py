"""What was sold, to whom, and what came back."""

from __future__ import annotations

from ecops_lib.core.language import mark
from ecops_lib.data.schema.types import (
    ORDER,
    PLATFORM,
    Column,
    Table,
    day_column,
    key_column,
    money_column,
    text_column,
    time_column,
)

STATUSES = ("unpaid", "paid", "shipped", "completed", "closed")
"""An order's status: waiting for payment; paid, waiting to be shipped; shipped, waiting
for receipt; completed; closed (cancelled or wholly refunded)."""
REFUND_KINDS = ("refund_only", "return_refund")
REFUND_STAGES = ("before_shipping", "in_transit", "after_receipt")
REFUND_STATUSES = ("pending", "success", "closed")


ORDERS = Table(
    name="orders",
    meaning=mark("one row an order"),
    key=("platform", "order_id"),
    clock="created_at",
    hint=mark("the platform's order export"),
    columns=(
        PLATFORM,
        ORDER,
        text_column("buyer_key", mark("keyed hash of the buyer; null where the file names none")),
        time_column("created_at", mark("when the order was placed"), required=True),
        time_column("paid_at", mark("when it was fully paid; null while unpaid")),
        time_column("ship_by", mark("promised shipping deadline")),
        time_column("shipped_at", mark("when the parcel was handed over")),
        time_column("picked_up_at", mark("when the carrier first scanned the parcel")),
        time_column("delivered_at", mark("when the parcel was received")),
        time_column("completed_at", mark("when the order was completed or closed")),
        text_column("status", mark("state of the order"), choices=STATUSES),
        money_column("list_amount", mark("goods at list price, before any discount")),
        money_column("discount_platform", mark("discount borne by the platform")),
        money_column("discount_merchant", mark("discount borne by the merchant")),
        money_column("discount_creator", mark("discount borne by the creator")),
        money_column("shipping_amount", mark("postage paid by the buyer")),
        money_column("tax_amount", mark("tax included in or added to the price")),
        money_column(
            "ordered_amount", mark("amount payable when the order was placed"), required=True
        ),
        money_column("paid_amount", mark("amount paid, refunds not deducted; null while unpaid")),
        Column("is_presale", "flag", mark("whether it was sold with deposit and balance")),
        money_column("deposit_amount", mark("deposit of a pre-sale order")),
        time_column("deposit_paid_at", mark("when the deposit was paid")),
        text_column("province", mark("province, state or country of the address")),
        text_column("channel", mark("channel that brought the order")),
        text_column("creator_id", mark("live-stream or content creator")),
        text_column("campaign_id", mark("campaign that the order belongs to")),
        text_column("warehouse_id", mark("warehouse that ships it")),
        text_column("close_reason", mark("why the order was closed")),
    ),
)

ORDER_ITEMS = Table(
    name="order_items",
    meaning=mark("one row an order line"),
    key=("platform", "order_id", "line_id"),
    clock="created_at",
    hint=mark("the platform's order-line export (宝贝报表)"),
    columns=(
        PLATFORM,
        ORDER,
        key_column("line_id", mark("line within the order")),
        time_column("created_at", mark("when the order was placed"), required=True),
        text_column("product_id", mark("product (listing, SPU)")),
        text_column("sku_id", mark("stock-keeping unit")),
        text_column("product_name", mark("title at the time of the order")),
        text_column("variant", mark("variant, such as colour and size")),
        Column("quantity", "integer", mark("units ordered"), unit="pieces", required=True),
        money_column("unit_price", mark("price of one unit before discounts")),
        money_column("list_amount", mark("line at list price, before any discount")),
        money_column("ordered_amount", mark("line amount payable"), required=True),
        money_column(
            "paid_amount", mark("line amount paid, refunds not deducted; null while unpaid")
        ),
    ),
)

REFUNDS = Table(
    name="refunds",
    meaning=mark("one row a refund claim"),
    key=("platform", "refund_id"),
    clock="",
    hint=mark("the platform's refund export"),
    columns=(
        PLATFORM,
        key_column("refund_id", mark("refund number")),
        text_column("order_id", mark("order refunded; null where the file does not say")),
        text_column("line_id", mark("line refunded; null for the whole order")),
        text_column("buyer_key", mark("keyed hash of the buyer")),
        text_column("product_id", mark("product refunded")),
        text_column("sku_id", mark("stock-keeping unit refunded")),
        time_column("applied_at", mark("when the buyer asked for it")),
        time_column(
            "finished_at", mark("when the money went back; null while pending or not told")
        ),
        money_column("amount", mark("amount refunded or claimed"), required=True),
        Column("quantity", "integer", mark("units returned"), unit="pieces"),
        text_column("status", mark("state of the claim"), required=True, choices=REFUND_STATUSES),
        text_column("kind", mark("money only, or goods returned"), choices=REFUND_KINDS),
        text_column(
            "stage", mark("before shipping, in transit or after receipt"), choices=REFUND_STAGES
        ),
        text_column("reason", mark("reason given by the buyer")),
        text_column("responsible", mark("who was found responsible")),
    ),
)

PRODUCTS = Table(
    name="products",
    meaning=mark("one row a product"),
    key=("platform", "product_id"),
    hint=mark("the product list or 生意参谋 商品_全部"),
    columns=(
        PLATFORM,
        key_column("product_id", mark("product (listing, SPU)")),
        text_column("product_name", mark("present title")),
        text_column("category", mark("category")),
        text_column("brand", mark("brand")),
        text_column("merchant_code", mark("the merchant's own code (货号)")),
        money_column("list_price", mark("list price")),
        money_column("unit_cost", mark("cost of one unit")),
        day_column("listed_on", mark("first day on sale")),
        text_column("status", mark("on sale or not, as the platform says")),
    ),
)

CUSTOMERS = Table(
    name="customers",
    meaning=mark("one row a customer"),
    key=("buyer_key",),
    hint=mark("the member list"),
    columns=(
        key_column("buyer_key", mark("keyed hash of the buyer")),
        text_column("province", mark("province, state or country")),
        text_column("city", mark("city")),
        time_column("joined_at", mark("when the buyer joined")),
        text_column("level", mark("membership level")),
        text_column("source", mark("where the buyer came from")),
        text_column("referred_by", mark("keyed hash of the customer who brought this one")),
        time_column(
            "community_joined_at", mark("when the buyer joined the shop's chat group or contacts")
        ),
    ),
)
