"""Customers: new and returning, and who came back."""

from __future__ import annotations

from functools import partial

from ecops_lib.core.language import mark
from ecops_lib.metrics.registry import Metric

_people = partial(Metric, group="customers", unit="count", better="up", additivity="distinct")
_share = partial(Metric, group="customers", unit="share", better="up", additivity="ratio")
_ratio = partial(Metric, group="customers", unit="ratio", better="up", additivity="ratio")

METRICS = (
    _people(
        key="new_buyers",
        label=mark("New buyers"),
        formula=mark("buyers who paid and had not paid in the 365 days before"),
        trap=mark("not first ever; other platforms look back over other periods"),
        numerator=("new_buyers",),
    ),
    _people(
        key="returning_buyers",
        label=mark("Returning buyers"),
        formula=mark("buyers who paid and had paid in the 365 days before"),
        trap=mark("other platforms look back over other periods"),
        numerator=("returning_buyers",),
    ),
    _people(
        key="returning_amount",
        label=mark("Amount paid by returning buyers"),
        unit="money",
        additivity="additive",
        formula=mark("paid amount of buyers who had paid in the 365 days before"),
        numerator=("returning_amount",),
    ),
    _share(
        key="new_buyer_share",
        label=mark("Share of new buyers"),
        better="none",
        formula=mark("new buyers over paying buyers"),
        trap=mark("new to the ad report is not new to the shop"),
        numerator=("new_buyers",),
        denominator=("buyers",),
    ),
    _share(
        key="ad_new_buyer_share",
        label=mark("Share of new buyers (advertising)"),
        better="none",
        formula=mark("new buyers over buyers, as the ad platform counts"),
        trap=mark("new to the ad report is not new to the shop"),
        needs=mark("the ad report's count of buyers (成交人数)"),
    ),
    _share(
        key="repeat_rate",
        label=mark("Repeat rate (one window)"),
        formula=mark("buyers with two paid orders or more over buyers, in the same period"),
        trap=mark("low in a short period, and buyers of its last days had no time to return"),
        numerator=("repeat_buyers",),
        denominator=("buyers",),
    ),
    _share(
        key="repurchase_rate",
        label=mark("Repurchase rate (two windows)"),
        formula=mark("of the buyers of the period of equal length before, those who paid in this"),
        trap=mark("the Chinese word is also used for the rate within one window"),
        numerator=("repurchasing_buyers",),
        denominator=("earlier_buyers",),
    ),
    _share(
        key="returning_repurchase_rate",
        label=mark("Returning buyers' repurchase rate"),
        formula=mark("as 生意参谋 shows it, which gives no formula"),
        trap=mark("its formula is not published, so it cannot be checked"),
        needs=mark("生意参谋's own figure, since its formula is not published"),
    ),
    _ratio(
        key="orders_per_buyer",
        label=mark("Orders per buyer"),
        formula=mark("paid orders over paying buyers"),
        trap=mark("depends on how long the period is"),
        numerator=("paid_orders",),
        denominator=("buyers",),
    ),
    _share(
        key="retention_rate",
        label=mark("Retention"),
        formula=mark("share of a cohort that buys again at a given age"),
        trap=mark("compare cohorts at equal age only"),
        needs=mark("a cohort and an age rather than one period; the customer workflow makes it"),
    ),
    _ratio(
        key="lifetime_value",
        label=mark("Lifetime value"),
        unit="money",
        formula=mark("net margin of a customer over the whole relation"),
        trap=mark("compare cohorts at equal age only, net of refunds"),
        needs=mark("a model of future purchases; the customer workflow makes it"),
    ),
    _ratio(
        key="acquisition_cost",
        label=mark("Acquisition cost"),
        unit="money",
        better="down",
        formula=mark("advertising cost over new buyers"),
        trap=mark("advertising also brings buyers who would have come"),
        numerator=("ad_cost",),
        denominator=("new_buyers",),
    ),
)
