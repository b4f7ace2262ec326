"""Competitors, the market, the shop's own events and targets."""

from __future__ import annotations

from ecops_lib.core.language import mark
from ecops_lib.data.schema.types import (
    Table,
    count_column,
    day_column,
    key_column,
    money_column,
    number_column,
    text_column,
)

COMPETITOR_ITEMS = Table(
    name="competitor_items",
    meaning=mark("one row a snapshot day × competitor × item"),
    key=("day", "competitor", "item_id"),
    clock="day",
    hint=mark("snapshots of competitors' listings"),
    columns=(
        day_column("day", mark("day of the snapshot"), required=True),
        key_column("competitor", mark("competitor")),
        key_column("item_id", mark("their item")),
        text_column("title", mark("their title")),
        text_column("category", mark("category")),
        text_column("our_product_id", mark("our product that it competes with")),
        money_column("price", mark("price after visible discounts")),
        money_column("list_price", mark("list price")),
        count_column(
            "sales_counter", mark("sales counter as shown, not daily sales"), unit="pieces"
        ),
        count_column("review_count", mark("number of reviews"), unit="reviews"),
        number_column("rating", mark("stars shown"), unit="stars"),
    ),
)

MARKET = Table(
    name="market",
    meaning=mark("one row a day × series of the industry"),
    key=("day", "series", "category"),
    clock="day",
    hint=mark("生意参谋 市场 exports"),
    columns=(
        day_column("day", mark("day"), required=True),
        key_column("series", mark("index, search term or category share")),
        key_column("category", mark("category; * for all")),
        number_column("value", mark("value of the index")),
    ),
)

SHOP_EVENTS = Table(
    name="shop_events",
    meaning=mark("one row a dated event: campaign, price or rule change, outage"),
    key=("event_id",),
    hint=mark("a sheet of your own (shop_events.csv)"),
    columns=(
        key_column("event_id", mark("event")),
        text_column(
            "kind", mark("campaign, price, coupon, listing, rule or outage"), required=True
        ),
        text_column("name", mark("name of the event")),
        day_column("starts_on", mark("first day"), required=True),
        day_column("ends_on", mark("last day")),
        text_column("product_id", mark("product concerned")),
        text_column("channel", mark("channel concerned")),
        number_column("before", mark("value before the change")),
        number_column("after", mark("value after the change")),
        text_column("note", mark("note on the event")),
    ),
)

TARGETS = Table(
    name="targets",
    meaning=mark("one row a day × metric"),
    key=("day", "metric"),
    clock="day",
    hint=mark("a sheet of your own (targets.csv)"),
    columns=(
        day_column("day", mark("day"), required=True),
        key_column("metric", mark("metric of the registry")),
        number_column("value", mark("target in the metric's unit")),
    ),
)
