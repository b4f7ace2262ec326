"""Refunds, service, logistics and rating."""

from __future__ import annotations

from functools import partial

from ecops_lib.core.language import mark
from ecops_lib.metrics.registry import Metric

_rate = partial(Metric, group="service", unit="share", better="down", additivity="ratio")
_time = partial(Metric, group="service", better="down", additivity="duration")
_count = partial(Metric, group="service", unit="count", better="down", additivity="additive")

METRICS = (
    _rate(
        key="refund_rate_by_amount",
        label=mark("Refund rate by amount"),
        formula=mark("refunded amount over paid amount, on the refund basis in force"),
        trap=mark("on the refund's day it belongs to other days' sales and may exceed 100%"),
        numerator=("refund_amount",),
        denominator=("paid_amount",),
    ),
    _rate(
        key="refund_rate_by_order",
        label=mark("Refund rate by order"),
        formula=mark("orders with a successful refund over paid orders"),
        trap=mark("a partial refund counts as one"),
        numerator=("refunded_orders",),
        denominator=("paid_orders",),
    ),
    _count(
        key="refunded_orders",
        label=mark("Refunded orders"),
        formula=mark("orders with a successful refund on the refund basis in force"),
        trap=mark("a partial refund counts as one; by product an order may be in several"),
        numerator=("refunded_orders",),
    ),
    _count(
        key="refund_claims",
        label=mark("Refund claims"),
        formula=mark("refunds asked for in the period, whatever became of them"),
        numerator=("claims",),
    ),
    _rate(
        key="post_receipt_refund_rate",
        label=mark("Refund rate after receipt"),
        formula=mark("orders paid in the period and refunded after receipt over those received"),
        trap=mark("leaves out those who changed their mind before shipping"),
        numerator=("refunded_orders_after_receipt",),
        denominator=("received_orders",),
    ),
    _count(
        key="returned_refund_amount",
        label=mark("Refunds with goods returned"),
        unit="money",
        formula=mark("successful refunds whose goods came back"),
        trap=mark("cash on delivery is not in it"),
        numerator=("returned_amount",),
    ),
    _rate(
        key="quality_return_rate",
        label=mark("Quality return rate"),
        formula=mark("returns for quality over orders received"),
        trap=mark("its denominator is orders received, not paid"),
        needs=mark("which reasons count as quality, as the platform's quality report says"),
    ),
    _rate(
        key="complaint_rate",
        label=mark("Complaint rate"),
        formula=mark("complaints opened in the period over orders paid in it and received"),
        trap=mark("its denominator is orders received, not paid"),
        numerator=("complaints",),
        denominator=("received_orders",),
    ),
    _rate(
        key="pickup_rate_24h",
        label=mark("Picked up within 24 hours"),
        better="up",
        formula=mark("orders paid in the period and scanned within 24 hours over those due"),
        trap=mark("orders closed before pick-up and those whose hours still run are not in it"),
        numerator=("picked_up_24h",),
        denominator=("pick_up_due_24h",),
    ),
    _rate(
        key="pickup_rate_48h",
        label=mark("Picked up within 48 hours"),
        better="up",
        formula=mark("orders paid in the period and scanned within 48 hours over those due"),
        trap=mark("the platform shifts its window by three days"),
        numerator=("picked_up_48h",),
        denominator=("pick_up_due_48h",),
    ),
    _time(
        key="shipping_hours",
        label=mark("Time to ship"),
        unit="hours",
        formula=mark("mean time from payment to shipping of orders paid in the period"),
        trap=mark("a mean, drawn up by a few late ones; orders not shipped yet are not in it"),
        numerator=("shipping_minutes",),
        denominator=("shipped_orders",),
        scale=1 / 60,
    ),
    _time(
        key="delivery_hours",
        label=mark("Time to receipt"),
        unit="hours",
        formula=mark("mean time from payment to receipt of orders paid in the period"),
        trap=mark("a mean; orders still on their way are not in it, so recent days look fast"),
        numerator=("delivery_minutes",),
        denominator=("timed_deliveries",),
        scale=1 / 60,
    ),
    _time(
        key="refund_days",
        label=mark("Time to refund"),
        unit="days",
        formula=mark("mean time from claim to refund of the refunds finished in the period"),
        trap=mark("claims still open are not in it"),
        numerator=("refund_minutes",),
        denominator=("timed_refunds",),
        scale=1 / 1440,
    ),
    _time(
        key="reply_seconds",
        label=mark("Time to first reply"),
        unit="seconds",
        formula=mark("mean time to the first human reply of the cases opened in the period"),
        numerator=("reply_seconds_total",),
        denominator=("replied_tickets",),
    ),
    _rate(
        key="ruling_rate",
        label=mark("Rulings against the shop"),
        formula=mark("cases ruled against the seller by the platform over orders"),
        needs=mark("the platform's list of rulings (平台判责)"),
    ),
    Metric(
        key="dsr",
        label=mark("Store rating (DSR)"),
        group="service",
        unit="ratio",
        better="up",
        additivity="score",
        formula=mark("mean of the three ratings of the last six months"),
        trap=mark("rolls slowly: a bad day shows for six months"),
        needs=mark("the platform's three ratings, which no canonical table holds"),
    ),
    Metric(
        key="review_rating",
        label=mark("Mean rating of reviews"),
        group="service",
        unit="ratio",
        better="up",
        additivity="ratio",
        formula=mark("sum of the stars over the reviews with stars"),
        trap=mark("those who write are not those who buy"),
        numerator=("rating_total",),
        denominator=("rated_reviews",),
    ),
    _rate(
        key="not_as_described_rate",
        label=mark("Not-as-described rate"),
        formula=mark("disputes for goods not as described over orders, as AliExpress counts"),
        needs=mark("the platform's list of disputes"),
    ),
    _rate(
        key="seller_cancel_rate",
        label=mark("Seller cancellation rate"),
        formula=mark("orders cancelled for the seller's reason over orders, as AliExpress counts"),
        needs=mark("who is to blame for each cancellation, as the platform rules"),
    ),
)
