"""What brought people to the shop, and what they did there."""

from __future__ import annotations

from ecops_lib.core.language import mark
from ecops_lib.data.schema.types import (
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

TRAFFIC_SCOPES = ("shop", "product", "channel", "keyword")
SESSION_KINDS = ("live", "video")

TRAFFIC = Table(
    name="traffic",
    meaning=mark("one row a day × scope × thing: shop, product, channel or keyword"),
    key=("platform", "day", "scope", "scope_id"),
    clock="day",
    hint=mark("生意参谋 宏观监控 (shop) and 商品_全部 (products)"),
    columns=(
        PLATFORM,
        day_column("day", mark("day in the platform's zone"), required=True),
        text_column("scope", mark("what the row is about"), required=True, choices=TRAFFIC_SCOPES),
        key_column("scope_id", mark("product id, channel or keyword; * for the shop")),
        count_column("visitors", mark("distinct visitors of the day"), unit="people"),
        count_column("page_views", mark("page views"), unit="views"),
        number_column("stay_seconds", mark("mean stay of a visitor"), unit="seconds"),
        number_column("bounce_rate", mark("share of visitors who left at once"), unit="share"),
        count_column("cart_visitors", mark("distinct visitors who added to cart"), unit="people"),
        count_column("cart_units", mark("units added to cart"), unit="pieces"),
        count_column("favourite_visitors", mark("distinct visitors who saved it"), unit="people"),
        count_column(
            "enquiry_visitors", mark("distinct visitors who asked the service"), unit="people"
        ),
        count_column("ordering_buyers", mark("distinct buyers who ordered"), unit="people"),
        money_column("ordered_amount", mark("amount ordered, as the platform counts")),
        count_column("paying_buyers", mark("distinct buyers who paid"), unit="people"),
        count_column(
            "paying_old_buyers", mark("of them, buyers of the last 365 days"), unit="people"
        ),
        money_column("paid_old_amount", mark("amount paid by buyers of the last 365 days")),
        count_column("paid_units", mark("units paid"), unit="pieces"),
        money_column("paid_amount", mark("amount paid, as the platform counts")),
        money_column("refund_amount", mark("amount refunded, as the platform counts")),
        count_column("search_visitors", mark("visitors who came by search"), unit="people"),
    ),
)

EVENTS = Table(
    name="events",
    meaning=mark("one row a visitor's action"),
    key=("platform", "event_id"),
    clock="happened_at",
    hint=mark("an event log (GA4 export, own tracking)"),
    columns=(
        PLATFORM,
        key_column("event_id", mark("event")),
        time_column("happened_at", mark("when it happened"), required=True),
        text_column("visitor_key", mark("keyed hash of the visitor")),
        text_column("session_id", mark("visit (session)")),
        text_column("kind", mark("view, cart, favourite, order or pay"), required=True),
        text_column("page", mark("page or step")),
        text_column("product_id", mark("product")),
        text_column("channel", mark("entry channel")),
        text_column("device", mark("device")),
        money_column("amount", mark("amount of the action")),
    ),
)

ADS = Table(
    name="ads",
    meaning=mark("one row a day × campaign × item × keyword"),
    key=("platform", "day", "campaign_id", "product_id", "keyword"),
    clock="day",
    hint=mark("the 万相台 or 直通车 report"),
    columns=(
        PLATFORM,
        day_column("day", mark("day in the platform's zone"), required=True),
        key_column("campaign_id", mark("ad campaign; * where the report does not say")),
        text_column("campaign_name", mark("name of the ad campaign")),
        text_column(
            "product_line", mark("keyword, audience, smart scene, whole site or commission")
        ),
        key_column("product_id", mark("item advertised; * where the report does not say")),
        key_column("keyword", mark("keyword; * where the report does not say")),
        count_column("impressions", mark("impressions"), unit="views"),
        count_column("clicks", mark("clicks"), unit="clicks"),
        money_column("cost", mark("money spent"), required=True, least=0),
        money_column("direct_amount", mark("attributed amount, direct")),
        money_column("indirect_amount", mark("attributed amount, indirect")),
        money_column("attributed_amount", mark("attributed amount, gross of refunds")),
        count_column("attributed_orders", mark("attributed orders"), unit="orders"),
        count_column("cart_units", mark("units added to cart"), unit="pieces"),
        count_column("favourites", mark("favourites"), unit="times"),
        count_column("new_buyers", mark("new buyers, as the ad platform counts"), unit="people"),
    ),
)

LIVE_SESSIONS = Table(
    name="live_sessions",
    meaning=mark("one row a live session or video of a creator"),
    key=("platform", "session_id"),
    clock="started_at",
    hint=mark("a sheet of your own with creators' sessions, slot fees and commissions"),
    columns=(
        PLATFORM,
        key_column(
            "session_id", mark("session; where it shows several products, a row and an id each")
        ),
        text_column("creator_id", mark("creator, as orders name it"), required=True),
        text_column("creator_name", mark("name of the creator")),
        text_column("kind", mark("live session or video"), choices=SESSION_KINDS),
        time_column("started_at", mark("when it began, or was put online"), required=True),
        time_column("ended_at", mark("when it ended")),
        text_column("product_id", mark("product shown")),
        money_column("slot_fee", mark("fixed fee for the slot (坑位费)"), least=0),
        Column(
            "commission_rate",
            "number",
            mark("commission as a share of what was paid, net of refunds"),
            unit="share",
            least=0,
        ),
        count_column("viewers", mark("people who watched"), unit="people"),
        money_column("paid_amount", mark("amount paid through it, as the platform tells")),
    ),
)

REVIEWS = Table(
    name="reviews",
    meaning=mark("one row a review"),
    key=("platform", "review_id"),
    clock="created_at",
    hint=mark("the review export"),
    columns=(
        PLATFORM,
        key_column("review_id", mark("review")),
        text_column("order_id", mark("order, if told")),
        text_column("product_id", mark("product")),
        time_column("created_at", mark("when it was written"), required=True),
        Column("rating", "number", mark("stars, 1 to 5"), unit="stars", least=1),
        text_column("text", mark("what the customer wrote")),
    ),
)

TICKETS = Table(
    name="tickets",
    meaning=mark("one row an enquiry or after-sales case"),
    key=("platform", "ticket_id"),
    hint=mark("the service desk's export"),
    columns=(
        PLATFORM,
        key_column("ticket_id", mark("case number")),
        text_column("order_id", mark("order, if any")),
        text_column("product_id", mark("product, if any")),
        time_column("opened_at", mark("when it was opened"), required=True),
        number_column("first_reply_seconds", mark("time to the first human reply"), unit="seconds"),
        time_column("closed_at", mark("when it was closed")),
        text_column("kind", mark("enquiry, complaint or after-sales")),
        text_column("topic", mark("topic")),
    ),
)

EXPERIMENTS = Table(
    name="experiments",
    meaning=mark("one row an exposure"),
    key=("experiment_id", "unit_key", "variant", "exposed_at"),
    clock="exposed_at",
    hint=mark("the exposure log of a test"),
    columns=(
        key_column("experiment_id", mark("test that the exposure belongs to")),
        key_column("unit_key", mark("keyed hash of the visitor or buyer")),
        key_column("variant", mark("variant assigned")),
        time_column("exposed_at", mark("when it was exposed"), required=True),
        text_column("segment", mark("segment")),
        text_column("shown", mark("what was really shown, such as the landing page")),
        Column("converted", "flag", mark("whether the unit bought")),
        Column("carted", "flag", mark("whether the unit added to the cart")),
        count_column("visits", mark("visits of the unit"), unit="times"),
        count_column("orders", mark("orders paid by the unit"), unit="orders"),
        count_column("items", mark("pieces paid by the unit"), unit="pieces"),
        money_column("paid_amount", mark("amount paid by the unit")),
        money_column("refund_amount", mark("amount refunded to the unit")),
        count_column("refunded_orders", mark("orders of the unit with a refund"), unit="orders"),
        count_column("previous_orders", mark("orders paid before the test"), unit="orders"),
        money_column("previous_amount", mark("amount paid before the test")),
    ),
)

CONTACTS = Table(
    name="contacts",
    meaning=mark("one row a message to a customer"),
    key=("contact_id", "buyer_key"),
    clock="sent_at",
    hint=mark("the messaging tool's export"),
    columns=(
        key_column("contact_id", mark("mailing")),
        key_column("buyer_key", mark("keyed hash of the buyer")),
        time_column("sent_at", mark("when it was sent, or held out"), required=True),
        Column("held_out", "flag", mark("whether the customer was held out as control")),
        text_column("message", mark("message or coupon")),
        money_column("cost", mark("cost of the message and its coupon")),
        time_column("opened_at", mark("when the customer opened it")),
    ),
)

POINTS = Table(
    name="points",
    meaning=mark("one row a movement of membership points"),
    key=("movement_id",),
    clock="moved_at",
    hint=mark("the membership system's ledger"),
    columns=(
        key_column("movement_id", mark("movement")),
        key_column("buyer_key", mark("keyed hash of the buyer")),
        time_column("moved_at", mark("when the points moved"), required=True),
        text_column("kind", mark("earned, redeemed or expired"), required=True),
        Column("points", "integer", mark("points, signed"), unit="points", required=True),
    ),
)

COMMUNITY = Table(
    name="community",
    meaning=mark("one row a day × chat group"),
    key=("day", "group_id"),
    clock="day",
    hint=mark("the 企业微信 group statistics"),
    columns=(
        day_column("day", mark("day"), required=True),
        key_column("group_id", mark("chat group")),
        count_column("members", mark("members at the end of the day"), unit="people"),
        count_column("joined", mark("members who joined"), unit="people"),
        count_column("left", mark("members who left"), unit="people"),
        count_column("active_members", mark("members who wrote or clicked"), unit="people"),
        count_column("planned_posts", mark("posts that the content plan asks for"), unit="posts"),
        count_column("posts", mark("posts made by the shop"), unit="posts"),
        count_column("clicks", mark("clicks on the posts"), unit="clicks"),
        count_column("orders", mark("orders through the group's links"), unit="orders"),
        money_column("paid_amount", mark("amount paid through the group's links")),
    ),
)
