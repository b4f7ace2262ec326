"""Measures: what is summed or counted of which fact; metrics are made of them.

A measure has routes in order of preference: the first whose fact holds the
dimensions asked for, and whose tables are there, is taken.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import narwhals as nw

from ecops_lib.data import frames
from ecops_lib.metrics.facts import Frame, Query
from ecops_lib.metrics.histories import trade_span

Kind = Literal["sum", "rows", "distinct", "reported", "mean_ends", "twice"]
"""How rows become one number.

``sum`` adds up; ``rows`` counts; ``distinct`` counts different values; ``reported`` is a
distinct count that a platform gave a row, so that only one row is exact and several
have bounds; ``mean_ends`` is the mean of the first and the last snapshot; ``twice``
counts the things that occur with two different others."""

Value = nw.Expr | Callable[[Query, Frame], nw.Expr]


@dataclass(frozen=True, slots=True)
class Route:
    """One way to get a measure.

    Attributes:
        fact: The fact whose rows are taken; ``refunds`` and ``payments`` follow the bases.
        kind: How rows become a number.
        value: What is summed or counted.
        other: For ``twice``: what must differ.
        told: Whether a null means "not told", to be counted and said.
        pending: Whether a null may also mean "not yet"; only all nulls mean "not told".
    """

    fact: str
    kind: Kind
    value: Value
    other: nw.Expr | None = None
    told: bool = False
    pending: bool = False


def total(fact: str, value: str | Value) -> Route:
    """The sum of a column; nulls are counted as not told."""
    return Route(fact, "sum", nw.col(value) if isinstance(value, str) else value, told=True)


def count(fact: str, condition: Value | None = None) -> Route:
    """The number of rows, or of those that meet a condition."""
    if condition is None:
        return Route(fact, "rows", nw.lit(1))
    if isinstance(condition, nw.Expr):
        return Route(fact, "sum", nw.when(condition).then(nw.lit(1)).otherwise(nw.lit(0)))

    def value(query: Query, frame: Frame) -> nw.Expr:
        return nw.when(condition(query, frame)).then(nw.lit(1)).otherwise(nw.lit(0))

    return Route(fact, "sum", value)


def distinct(fact: str, value: str | nw.Expr, *, told: bool = False) -> Route:
    """The number of different values, nulls aside."""
    return Route(fact, "distinct", nw.col(value) if isinstance(value, str) else value, told=told)


def reported(fact: str, column: str) -> Route:
    """A distinct count as a platform gave it."""
    return Route(fact, "reported", nw.col(column), told=True)


def _traffic_counts(column: str, kind: Kind) -> tuple[Route, ...]:
    facts = ("traffic_shop", "traffic_product", "traffic_channel", "traffic_keyword")
    return tuple(Route(fact, kind, nw.col(column), told=True) for fact in facts)


ORDER = nw.concat_str([nw.col("platform"), nw.col("order_id")], separator="/")
LINE_PRODUCT = nw.concat_str(
    [nw.col("platform"), nw.col("order_id"), nw.col("product_id")], separator="/"
)
PRODUCT = nw.concat_str([nw.col("platform"), nw.col("product_id")], separator="/")


def _naive(column: str) -> nw.Expr:
    return nw.col(column).dt.replace_time_zone(None)


def _picked_within(hours: int) -> nw.Expr:
    """1 for an order scanned in time, 0 for one scanned late; null while it is not told."""
    deadline = _naive("paid_at").dt.offset_by(f"{hours * 60}m")
    in_time = nw.when(_naive("picked_up_at") <= deadline).then(nw.lit(1)).otherwise(nw.lit(0))
    return nw.when(~nw.col("picked_up_at").is_null()).then(in_time)


def _pick_up_due(hours: int) -> Callable[[Query, Frame], nw.Expr]:
    """Orders whose hours are over on the store's last day, less those closed unshipped."""

    def due(query: Query, _frame: Frame) -> nw.Expr:
        span = trade_span(query.tables)
        last = span[1] if span else query.ends[1]
        _, known = frames.instants(last, last, query.tables.zone)
        over = _naive("paid_at").dt.offset_by(f"{hours * 60}m") <= known.replace(tzinfo=None)
        cancelled = (nw.col("status") == "closed").fill_null(False)
        return (over | ~nw.col("picked_up_at").is_null()) & ~(
            cancelled & nw.col("picked_up_at").is_null()
        )

    return due


def _minutes(before: str, after: str) -> Value:
    def value(_query: Query, frame: Frame) -> nw.Expr:
        return frames.minutes_between(frame, before, after)

    return value


def _when(condition: nw.Expr, value: nw.Expr) -> nw.Expr:
    return nw.when(condition).then(value)


def _ad_cost(line: str) -> tuple[Route, ...]:
    return (total("ads", _when(nw.col("product_line") == line, nw.col("cost"))),)


def _weighted(column: str) -> tuple[Route, ...]:
    """A platform's mean times its visitors, so that means can be joined by weight."""
    weight = nw.col(column) * nw.col("visitors").cast(nw.Float64)
    facts = ("traffic_shop", "traffic_product", "traffic_channel", "traffic_keyword")
    return tuple(total(fact, weight) for fact in facts)


def _told_visitors(column: str) -> tuple[Route, ...]:
    weight = _when(~nw.col(column).is_null(), nw.col("visitors"))
    facts = ("traffic_shop", "traffic_product", "traffic_channel", "traffic_keyword")
    return tuple(total(fact, weight) for fact in facts)


RETURNING = nw.col("returning") == 1
AFTER_RECEIPT = nw.col("stage") == "after_receipt"
RETURNED = nw.col("kind") == "return_refund"
SAVED = nw.col("kind").is_in(["cart", "favourite"])

MEASURES: Mapping[str, tuple[Route, ...]] = {
    # orders placed
    "ordered_amount": (
        total("placed", "ordered_amount"),
        total("placed_lines", "ordered_amount"),
    ),
    "orders": (count("placed"), distinct("placed_lines", ORDER)),
    "ordering_buyers": (
        distinct("placed", "buyer_key", told=True),
        *_traffic_counts("ordering_buyers", "reported"),
    ),
    "ordered_units": (total("placed_lines", "quantity"),),
    "list_amount": (total("placed", "list_amount"), total("placed_lines", "list_amount")),
    "placed_discount": (total("placed", "discount_merchant"),),
    "placed_tax": (total("placed", "tax_amount"),),
    "placed_shipping": (total("placed", "shipping_amount"),),
    # orders paid
    "paid_amount": (
        total("payments", "amount"),
        total("paid_lines", "paid_amount"),
        *_traffic_counts("paid_amount", "sum"),
    ),
    "paid_orders": (
        Route("payments", "sum", nw.col("counted")),
        distinct("paid_lines", ORDER),
    ),
    "buyers": (
        distinct("payments", _when(nw.col("counted") == 1, nw.col("buyer_key")), told=True),
        distinct("paid_lines", "buyer_key", told=True),
        *_traffic_counts("paying_buyers", "reported"),
    ),
    "paid_units": (total("paid_lines", "quantity"), *_traffic_counts("paid_units", "sum")),
    "paid_sub_orders": (count("paid_lines"),),
    "order_kinds": (distinct("paid_lines", LINE_PRODUCT),),
    "sold_products": (distinct("paid_lines", PRODUCT),),
    "mixed_orders": (Route("paid_lines", "twice", ORDER, other=nw.col("category")),),
    "paid_list_amount": (total("paid", "list_amount"), total("paid_lines", "list_amount")),
    "discount_platform": (total("paid", "discount_platform"),),
    "discount_merchant": (total("paid", "discount_merchant"),),
    "discount_creator": (total("paid", "discount_creator"),),
    "deposit_amount": (total("deposits", "deposit_amount"),),
    "balance_amount": (
        Route(
            "paid",
            "sum",
            _when(nw.col("is_presale"), nw.col("paid_amount") - nw.col("deposit_amount")),
        ),
    ),
    "repeat_buyers": (Route("paid", "twice", nw.col("buyer_key"), other=ORDER),),
    # buyers and their past
    "returning_buyers": (
        distinct("returning", _when(RETURNING, nw.col("buyer_key"))),
        *_traffic_counts("paying_old_buyers", "reported"),
    ),
    "returning_amount": (
        Route("returning", "sum", _when(RETURNING, nw.col("amount"))),
        *_traffic_counts("paid_old_amount", "sum"),
    ),
    "new_buyers": (
        distinct("returning", _when(nw.col("returning").is_null(), nw.col("buyer_key"))),
    ),
    "earlier_buyers": (count("came_back"),),
    "repurchasing_buyers": (count("came_back", nw.col("back") == 1),),
    # refunds
    "refund_amount": (total("refunds", "amount"),),
    "refunded_orders": (distinct("refunds", ORDER, told=True),),
    "refund_amount_by_pay_day": (total("refunds_pay", "amount"),),
    "refund_amount_by_refund_day": (total("refunds_refund", "amount"),),
    "returned_amount": (Route("refunds", "sum", _when(RETURNED, nw.col("amount"))),),
    "refunded_orders_after_receipt": (distinct("refunds_pay", _when(AFTER_RECEIPT, ORDER)),),
    "claimed_amount": (total("claims", "amount"),),
    "claims": (count("claims"),),
    "refund_minutes": (Route("refunds_refund", "sum", _minutes("applied_at", "finished_at")),),
    # a request and a completion at one instant are one record and tell no duration
    "timed_refunds": (count("refunds_refund", nw.col("finished_at") > nw.col("applied_at")),),
    # delivery
    "received_orders": (count("paid", ~nw.col("delivered_at").is_null()),),
    "picked_up_24h": (Route("paid", "sum", _picked_within(24), told=True, pending=True),),
    "picked_up_48h": (Route("paid", "sum", _picked_within(48), told=True, pending=True),),
    "pick_up_due_24h": (count("paid", _pick_up_due(24)),),
    "pick_up_due_48h": (count("paid", _pick_up_due(48)),),
    "shipping_minutes": (Route("paid", "sum", _minutes("paid_at", "shipped_at")),),
    "shipped_orders": (count("paid", nw.col("shipped_at") >= nw.col("paid_at")),),
    "delivery_minutes": (Route("paid", "sum", _minutes("paid_at", "delivered_at")),),
    "timed_deliveries": (count("paid", nw.col("delivered_at") >= nw.col("paid_at")),),
    # traffic
    "visitors": _traffic_counts("visitors", "reported"),
    "visitor_days": _traffic_counts("visitors", "sum"),
    "page_views": _traffic_counts("page_views", "sum"),
    "stay_seconds_total": _weighted("stay_seconds"),
    "stay_visitors": _told_visitors("stay_seconds"),
    "bounced_visitors": _weighted("bounce_rate"),
    "bounce_visitors": _told_visitors("bounce_rate"),
    "cart_visitors": _traffic_counts("cart_visitors", "reported"),
    "cart_units": _traffic_counts("cart_units", "sum"),
    "favourite_visitors": _traffic_counts("favourite_visitors", "reported"),
    "enquiry_visitors": _traffic_counts("enquiry_visitors", "reported"),
    "source_visitors": (reported("traffic_channel", "visitors"),),
    "sessions": (distinct("events", "session_id", told=True),),
    "event_visitors": (distinct("events", "visitor_key", told=True),),
    "saving_visitors": (distinct("events", _when(SAVED, nw.col("visitor_key"))),),
    # advertising
    "ad_cost": (total("ads", "cost"),),
    "impressions": (total("ads", "impressions"),),
    "clicks": (total("ads", "clicks"),),
    "attributed_amount": (total("ads", "attributed_amount"),),
    "attributed_orders": (total("ads", "attributed_orders"),),
    "ad_cart_units": (total("ads", "cart_units"),),
    "ad_favourites": (total("ads", "favourites"),),
    "keyword_ad_cost": _ad_cost("keyword"),
    "audience_ad_cost": _ad_cost("audience"),
    "smart_ad_cost": _ad_cost("smart scene"),
    "whole_site_ad_cost": _ad_cost("whole site"),
    "commission_cost": _ad_cost("commission"),
    # stock and goods
    "stock_units": (total("stock", "on_hand"),),
    "mean_stock": (Route("stock", "mean_ends", nw.col("on_hand"), told=True),),
    "dead_stock_units": (total("dead_stock", "on_hand"),),
    "products_on_sale": (count("on_sale"),),
    "sold_to_date": (total("sold_to_date", "quantity"),),
    "received_to_date": (total("received_to_date", "quantity"),),
    "costs": (total("costs", "amount"),),
    # service
    "rating_total": (total("reviews", "rating"),),
    "rated_reviews": (count("reviews", ~nw.col("rating").is_null()),),
    "reply_seconds_total": (total("tickets", "first_reply_seconds"),),
    "replied_tickets": (count("tickets", ~nw.col("first_reply_seconds").is_null()),),
    "complaints": (count("tickets", nw.col("kind") == "complaint"),),
}
