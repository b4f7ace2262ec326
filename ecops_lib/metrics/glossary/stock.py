"""Assortment and inventory: what is on sale, what sells, what lies."""

from __future__ import annotations

from functools import partial

from ecops_lib.core.language import mark
from ecops_lib.metrics.registry import Metric

_ratio = partial(Metric, group="stock", unit="share", better="up", additivity="ratio")
_units = partial(Metric, group="stock", unit="count", better="none", additivity="snapshot")

METRICS = (
    _ratio(
        key="active_product_rate",
        label=mark("Share of products that sold"),
        formula=mark("products with a paid order in the period over products on sale today"),
        trap=mark("may exceed 100%: a product may have sold and since been taken off sale"),
        numerator=("sold_products",),
        denominator=("products_on_sale",),
    ),
    _ratio(
        key="sell_through_rate",
        label=mark("Sell-through rate"),
        additivity="cumulative",
        formula=mark("units sold to date over units received to date"),
        trap=mark("not the share of products that sold"),
        numerator=("sold_to_date",),
        denominator=("received_to_date",),
    ),
    _units(
        key="stock_units",
        label=mark("Units in stock"),
        formula=mark("units on hand in the last snapshot of the period"),
        trap=mark("a state: days must not be added"),
        numerator=("stock_units",),
    ),
    _ratio(
        key="units_sold_per_stock",
        label=mark("Stock turnover (units)"),
        unit="ratio",
        formula=mark("units paid over the mean of the first and the last stock of the period"),
        trap=mark("a mean of two points hides the days without stock"),
        numerator=("paid_units",),
        denominator=("mean_stock",),
    ),
    Metric(
        key="days_of_inventory",
        label=mark("Days of inventory"),
        group="stock",
        unit="days",
        better="down",
        additivity="ratio",
        formula=mark("mean of the first and the last stock over the units paid in a day"),
        trap=mark("units, not cost; a mean of two points hides the days without stock"),
        numerator=("mean_stock",),
        denominator=("paid_units",),
        per_day=True,
    ),
    _ratio(
        key="inventory_turnover",
        label=mark("Stock turnover (cost)"),
        unit="ratio",
        formula=mark("cost of goods sold over mean stock at cost"),
        trap=mark("at cost, not at price"),
        needs=mark("the cost of each unit in stock and sold over the whole period"),
    ),
    _units(
        key="days_of_supply",
        label=mark("Days of supply"),
        unit="days",
        formula=mark("stock over the demand forecast of a day"),
        trap=mark("looks ahead, unlike days of inventory"),
        needs=mark("a demand forecast, which the supply workflow makes"),
    ),
    _units(
        key="dead_stock_units",
        label=mark("Dead stock"),
        better="down",
        formula=mark("units on hand of SKUs without an order in the last 90 days"),
        trap=mark("new arrivals are in it"),
        numerator=("dead_stock_units",),
    ),
    _units(
        key="abc_class",
        label=mark("ABC class"),
        unit="text",
        additivity="score",
        formula=mark("class by cumulative share of sales, 80, 15 and 5%"),
        trap=mark("by amount or by units: say which"),
        needs=mark("one class a product rather than one number; the supply workflow makes it"),
    ),
    _units(
        key="xyz_class",
        label=mark("XYZ class"),
        unit="text",
        additivity="score",
        formula=mark("class by the variability of demand"),
        trap=mark("its limits are a convention"),
        needs=mark("one class a product rather than one number; the supply workflow makes it"),
    ),
)
