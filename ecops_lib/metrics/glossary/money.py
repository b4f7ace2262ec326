"""Money: what was ordered, paid, given back and kept."""

from __future__ import annotations

from functools import partial

from ecops_lib.core.language import mark
from ecops_lib.metrics.registry import Metric

_money = partial(Metric, group="money", unit="money", better="up", additivity="additive")
_share = partial(Metric, group="money", unit="share", additivity="ratio")

METRICS = (
    _money(
        key="gmv",
        label=mark("Gross merchandise value"),
        formula=mark("sum of the amounts payable of all orders placed, paid or not"),
        trap=mark(
            "holds orders that were never paid, and each platform means something else by GMV"
        ),
        numerator=("ordered_amount",),
    ),
    _money(
        key="ordered_amount",
        label=mark("Ordered amount"),
        formula=mark("sum of the amounts payable, by the time the order was placed"),
        trap=mark("not paid yet"),
        numerator=("ordered_amount",),
    ),
    _money(
        key="paid_amount",
        label=mark("Paid amount"),
        formula=mark("sum of the amounts paid, by the time of payment, postage included"),
        trap=mark("refunds are not taken off: it is no revenue"),
        numerator=("paid_amount",),
    ),
    _money(
        key="net_paid_amount",
        label=mark("Net paid amount"),
        formula=mark("paid amount less refunds"),
        trap=mark("depends on the day that refunds are counted on"),
        numerator=("paid_amount",),
        less=("refund_amount",),
    ),
    _money(
        key="douyin_deal_amount",
        label=mark("Deal amount (Douyin)"),
        formula=mark("paid amount plus the discounts that platform and creators bear"),
        trap=mark("more than buyers paid, so never compare it with the paid amount of Tmall"),
        numerator=("paid_amount", "discount_platform", "discount_creator"),
    ),
    _money(
        key="user_paid_amount",
        label=mark("Amount paid by users"),
        formula=mark("sum of the amounts paid, subsidies not included"),
        numerator=("paid_amount",),
    ),
    _money(
        key="jd_deal_amount",
        label=mark("Deal amount (JD)"),
        formula=mark("price less the merchant's discounts, plus taxes and postage"),
        trap=mark("prepaid orders count when paid, cash on delivery when ordered"),
        needs=mark("the way of payment of each order, which no canonical table holds"),
    ),
    _money(
        key="merchant_receipts",
        label=mark("Merchant's receipts"),
        formula=mark("paid amount plus the discount that the platform bears"),
        trap=mark("who bears a discount decides it"),
        numerator=("paid_amount", "discount_platform"),
    ),
    _money(
        key="gross_sales",
        label=mark("Gross sales"),
        formula=mark("goods at list price of all orders placed"),
        trap=mark("holds cancelled, pending and unpaid orders"),
        numerator=("list_amount",),
    ),
    _money(
        key="net_sales",
        label=mark("Net sales"),
        formula=mark("gross sales less the merchant's discounts and less refunds"),
        trap=mark("with refunds on the day of the refund, a day can be negative"),
        numerator=("list_amount",),
        less=("placed_discount", "refund_amount"),
    ),
    _money(
        key="total_sales",
        label=mark("Total sales"),
        formula=mark("net sales plus taxes and postage"),
        trap=mark("taxes and postage are not the shop's"),
        numerator=("list_amount", "placed_tax", "placed_shipping"),
        less=("placed_discount", "refund_amount"),
    ),
    _money(
        key="settled_amount",
        label=mark("Settled amount"),
        formula=mark("what the platform has settled, 7 or 14 days after receipt"),
        trap=mark("lags, and is not ripe for recent days"),
        needs=mark("the platform's settlement statement, which no canonical table holds"),
    ),
    _share(
        key="discount_depth",
        label=mark("Discount depth"),
        better="none",
        formula=mark("all discounts of paid orders over their goods at list price"),
        trap=mark("mixes what the platform, the merchant and the creator bear"),
        numerator=("discount_platform", "discount_merchant", "discount_creator"),
        denominator=("paid_list_amount",),
    ),
    _share(
        key="merchant_discount_depth",
        label=mark("Merchant's discount depth"),
        better="down",
        formula=mark("the merchant's discounts of paid orders over their goods at list price"),
        numerator=("discount_merchant",),
        denominator=("paid_list_amount",),
    ),
    _money(
        key="allocated_discount",
        label=mark("Discount allocated to lines"),
        better="none",
        formula=mark("order discounts shared by the lines' base prices, never below 0"),
        trap=mark("thresholds are tested on the base price, amounts are subtracted"),
        needs=mark("the rules of the promotions that each line took part in"),
    ),
    _money(
        key="presale_deposits",
        label=mark("Pre-sale deposits"),
        formula=mark("sum of the deposits, by the time the deposit was paid"),
        trap=mark("platforms count deposits on different days"),
        numerator=("deposit_amount",),
    ),
    _money(
        key="presale_balances",
        label=mark("Pre-sale balances"),
        formula=mark("amount paid less deposit of pre-sale orders, by the time of full payment"),
        trap=mark("platforms count deposits on different days"),
        numerator=("balance_amount",),
    ),
    _money(
        key="refund_amount",
        label=mark("Refunded amount"),
        better="down",
        formula=mark("sum of the successful refunds on the refund basis in force"),
        trap=mark("never compare two bases"),
        numerator=("refund_amount",),
    ),
    _money(
        key="refund_amount_by_pay_day",
        label=mark("Refunded amount (by payment date)"),
        better="down",
        formula=mark("sum of the successful refunds of orders paid in the period"),
        trap=mark("not ripe: it keeps growing for weeks"),
        numerator=("refund_amount_by_pay_day",),
    ),
    _money(
        key="refund_amount_by_refund_day",
        label=mark("Refunded amount (by completion date)"),
        better="down",
        formula=mark("sum of the refunds finished in the period"),
        trap=mark("belongs to other days' sales: after a festival it may exceed the day's sales"),
        numerator=("refund_amount_by_refund_day",),
    ),
    _money(
        key="claimed_amount",
        label=mark("Claimed refund amount"),
        better="down",
        formula=mark("sum of the refunds asked for in the period, whatever became of them"),
        trap=mark("pending and closed claims are in it"),
        numerator=("claimed_amount",),
    ),
    _money(
        key="contribution_margin",
        label=mark("Contribution margin"),
        formula=mark("paid amount less refunds, costs and advertising"),
        trap=mark("advertising for the whole shop must be shared out to be split by product"),
        numerator=("paid_amount",),
        less=("refund_amount", "costs", "ad_cost"),
    ),
)
