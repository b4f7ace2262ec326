"""Basket: orders, buyers and units, and what one of each is worth."""

from __future__ import annotations

from functools import partial

from ecops_lib.core.language import mark
from ecops_lib.metrics.registry import Metric

_count = partial(Metric, group="basket", unit="count", better="up", additivity="additive")
_money = partial(Metric, group="basket", unit="money", better="up", additivity="ratio")
_ratio = partial(Metric, group="basket", unit="ratio", better="up", additivity="ratio")

METRICS = (
    _count(
        key="orders",
        label=mark("Orders placed"),
        formula=mark("number of orders, by the time they were placed"),
        trap=mark("holds orders that were never paid; an order with two products is in both"),
        numerator=("orders",),
    ),
    _count(
        key="paid_orders",
        label=mark("Paid orders"),
        formula=mark("number of orders, by the time of payment"),
        trap=mark("an order with two products is in both"),
        numerator=("paid_orders",),
    ),
    _count(
        key="paid_sub_orders",
        label=mark("Paid order lines"),
        formula=mark("number of order lines, by the time of payment"),
        numerator=("paid_sub_orders",),
    ),
    _count(
        key="ordering_buyers",
        label=mark("Ordering buyers"),
        additivity="distinct",
        formula=mark("distinct buyers who placed an order"),
        trap=mark("never add days or products"),
        numerator=("ordering_buyers",),
    ),
    _count(
        key="buyers",
        label=mark("Paying buyers"),
        additivity="distinct",
        formula=mark("distinct known buyers who paid"),
        trap=mark("never add days or products; orders without a buyer are not in it"),
        numerator=("buyers",),
    ),
    _count(
        key="ordered_units",
        label=mark("Units ordered"),
        formula=mark("sum of the units of orders placed"),
        numerator=("ordered_units",),
    ),
    _count(
        key="paid_units",
        label=mark("Units paid"),
        formula=mark("sum of the units of paid orders, by the time of payment"),
        numerator=("paid_units",),
    ),
    _money(
        key="spend_per_buyer",
        label=mark("Spend per buyer"),
        formula=mark("paid amount over paying buyers"),
        trap=mark("not the order value, and it depends on how long the period is"),
        numerator=("paid_amount",),
        denominator=("buyers",),
    ),
    _money(
        key="average_order_value",
        label=mark("Average order value"),
        formula=mark("paid amount over paid orders"),
        trap=mark("some files call it spend per buyer"),
        numerator=("paid_amount",),
        denominator=("paid_orders",),
    ),
    _money(
        key="average_selling_price",
        label=mark("Average selling price"),
        better="none",
        formula=mark("paid amount over units paid"),
        numerator=("paid_amount",),
        denominator=("paid_units",),
    ),
    _money(
        key="revenue_per_visitor",
        label=mark("Paid amount per visitor"),
        formula=mark("paid amount over visitors: conversion rate × spend per buyer"),
        trap=mark("over several days visitors have only bounds"),
        numerator=("paid_amount",),
        denominator=("visitors",),
    ),
    _ratio(
        key="units_per_order",
        label=mark("Units per order"),
        formula=mark("units paid over paid orders"),
        trap=mark("生意参谋 shows units per buyer beside it, under a name nearly the same"),
        numerator=("paid_units",),
        denominator=("paid_orders",),
    ),
    _ratio(
        key="units_per_buyer",
        label=mark("Units per buyer"),
        formula=mark("units paid over paying buyers"),
        trap=mark("depends on how long the period is"),
        numerator=("paid_units",),
        denominator=("buyers",),
    ),
    _ratio(
        key="kinds_per_order",
        label=mark("Kinds per order"),
        formula=mark("different products in an order, mean over paid orders"),
        trap=mark("生意参谋 calls this the attach rate: kinds, not units"),
        numerator=("order_kinds",),
        denominator=("paid_orders",),
    ),
    _ratio(
        key="cross_category_rate",
        label=mark("Cross-category rate"),
        unit="share",
        formula=mark("paid orders with two categories or more over paid orders"),
        trap=mark("a share of orders, not a number of units"),
        numerator=("mixed_orders",),
        denominator=("paid_orders",),
    ),
)
