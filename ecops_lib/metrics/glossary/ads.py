"""Advertising: what it cost and what the platform credits to it."""

from __future__ import annotations

from functools import partial

from ecops_lib.core.language import mark
from ecops_lib.metrics.registry import Metric

_count = partial(Metric, group="ads", unit="count", better="up", additivity="additive")
_cost = partial(Metric, group="ads", unit="money", better="none", additivity="additive")
_unit_cost = partial(Metric, group="ads", unit="money", better="down", additivity="ratio")
_rate = partial(Metric, group="ads", unit="share", better="up", additivity="ratio")
_return = partial(Metric, group="ads", unit="ratio", better="up", additivity="ratio")

METRICS = (
    _cost(
        key="ad_cost",
        label=mark("Advertising cost"),
        formula=mark("sum of the money spent"),
        numerator=("ad_cost",),
    ),
    _cost(
        key="keyword_ad_cost",
        label=mark("Cost of keyword advertising"),
        formula=mark("money spent on keywords"),
        numerator=("keyword_ad_cost",),
    ),
    _cost(
        key="audience_ad_cost",
        label=mark("Cost of audience advertising"),
        formula=mark("money spent on chosen audiences"),
        numerator=("audience_ad_cost",),
    ),
    _cost(
        key="smart_ad_cost",
        label=mark("Cost of smart scenes"),
        formula=mark("money spent on smart scenes"),
        numerator=("smart_ad_cost",),
    ),
    _cost(
        key="whole_site_ad_cost",
        label=mark("Cost of whole-site advertising"),
        formula=mark("money spent on whole-site advertising"),
        numerator=("whole_site_ad_cost",),
    ),
    _cost(
        key="commission_cost",
        label=mark("Commission to promoters"),
        formula=mark("commission paid to promoters (淘宝客)"),
        numerator=("commission_cost",),
    ),
    _count(
        key="impressions",
        label=mark("Impressions"),
        formula=mark("sum of the impressions"),
        numerator=("impressions",),
    ),
    _count(
        key="clicks",
        label=mark("Clicks"),
        formula=mark("sum of the clicks"),
        numerator=("clicks",),
    ),
    _count(
        key="attributed_amount",
        label=mark("Attributed amount"),
        unit="money",
        formula=mark("amount that the ad platform credits to advertising, before refunds"),
        trap=mark("what is credited would partly have been sold without it"),
        numerator=("attributed_amount",),
    ),
    _count(
        key="attributed_orders",
        label=mark("Attributed orders"),
        formula=mark("orders that the ad platform credits to advertising"),
        trap=mark("what is credited would partly have been sold without it"),
        numerator=("attributed_orders",),
    ),
    _rate(
        key="click_through_rate",
        label=mark("Click-through rate"),
        formula=mark("clicks over impressions"),
        numerator=("clicks",),
        denominator=("impressions",),
    ),
    _unit_cost(
        key="cost_per_click",
        label=mark("Cost per click"),
        formula=mark("cost over clicks"),
        numerator=("ad_cost",),
        denominator=("clicks",),
    ),
    _unit_cost(
        key="cost_per_mille",
        label=mark("Cost per thousand impressions"),
        formula=mark("cost over impressions, times 1,000"),
        numerator=("ad_cost",),
        denominator=("impressions",),
        scale=1000,
    ),
    _rate(
        key="click_conversion_rate",
        label=mark("Click conversion rate"),
        formula=mark("attributed orders over clicks"),
        trap=mark("orders over clicks, not people over visitors"),
        numerator=("attributed_orders",),
        denominator=("clicks",),
    ),
    _return(
        key="return_on_ad_spend",
        label=mark("Return on ad spend"),
        formula=mark("attributed amount over cost"),
        trap=mark("revenue over cost, not profit; before refunds; as the platform attributes"),
        numerator=("attributed_amount",),
        denominator=("ad_cost",),
    ),
    _unit_cost(
        key="cost_per_order",
        label=mark("Cost per attributed order"),
        formula=mark("cost over attributed orders"),
        numerator=("ad_cost",),
        denominator=("attributed_orders",),
    ),
    _unit_cost(
        key="cost_per_cart",
        label=mark("Cost per unit in cart"),
        formula=mark("cost over units added to cart, as the ad platform counts"),
        numerator=("ad_cost",),
        denominator=("ad_cart_units",),
    ),
    _unit_cost(
        key="cost_per_favourite",
        label=mark("Cost per favourite"),
        formula=mark("cost over favourites, as the ad platform counts"),
        numerator=("ad_cost",),
        denominator=("ad_favourites",),
    ),
    _rate(
        key="ad_cart_rate",
        label=mark("Cart rate of clicks"),
        formula=mark("units added to cart over clicks, as the ad platform counts"),
        trap=mark("生意参谋's rate of that name is of people over visitors"),
        numerator=("ad_cart_units",),
        denominator=("clicks",),
    ),
    _rate(
        key="ad_favourite_rate",
        label=mark("Favourite rate of clicks"),
        formula=mark("favourites over clicks, as the ad platform counts"),
        trap=mark("生意参谋's rate of that name is of people over visitors"),
        numerator=("ad_favourites",),
        denominator=("clicks",),
    ),
    _return(
        key="net_return_on_ad_spend",
        label=mark("Net return on ad spend"),
        formula=mark("attributed amount less its refunds over cost"),
        needs=mark("the newer ad report's 净成交金额, which no canonical table holds"),
    ),
    _return(
        key="presale_return_on_ad_spend",
        label=mark("Return on ad spend with pre-sales"),
        formula=mark("attributed amount with pre-sales over cost"),
        needs=mark("the ad report's 总预售成交金额, which no canonical table holds"),
    ),
    _return(
        key="break_even_return",
        label=mark("Break-even return on ad spend"),
        better="down",
        formula=mark("net paid amount over net paid amount less costs: 1 over the margin"),
        trap=mark("after refunds; costs of goods alone flatter it"),
        numerator=("paid_amount",),
        less=("refund_amount",),
        denominator=("paid_amount",),
        under=("refund_amount", "costs"),
    ),
    _return(
        key="marginal_return",
        label=mark("Marginal return on ad spend"),
        formula=mark("change of sales over change of cost, from a test"),
        trap=mark("attribution cannot show it"),
        needs=mark("a test in which spending was changed on purpose"),
    ),
)
