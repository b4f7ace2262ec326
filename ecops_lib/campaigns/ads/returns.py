"""What ads brought: as the platform credits it, and what is kept of that."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np

from ecops_lib.campaigns.ads.ad_returns import AdReturns
from ecops_lib.campaigns.ads.margins import learn_margins
from ecops_lib.campaigns.ads.reading import (
    SUMS,
    UNTOLD,
    line_word,
    owner_of,
    plan_word,
    product_names,
    read_ads,
)
from ecops_lib.campaigns.ads.shrinkage import Floats
from ecops_lib.core.checks import as_day, require_choice, require_span
from ecops_lib.core.language import tr
from ecops_lib.metrics.bases import Source, Tables

if TYPE_CHECKING:
    import pandas as pd

By = Literal["plan", "line", "product"]
KEYS: dict[By, str] = {"plan": "campaign_id", "line": "product_line", "product": "product_id"}
LEVEL = 0.9
"""Level of the intervals of profits."""
FEW_DAYS = 7
"""With fewer days their differences tell nothing."""
FEW_ALONE = 20
"""Rows of a single order that tell how order values vary."""


def measure_ads(
    source: Source,
    *,
    start: dt.date | str,
    end: dt.date | str,
    by: By = "plan",
    products: Sequence[str] = (),
    as_of: dt.date | str | None = None,
    owner: str = "",
    time_zone: str | None = None,
) -> AdReturns:
    """Cost, clicks and what ads brought, up to the profit that is left after refunds.

    Return on ad spend is what the platform credits over cost, before refunds. What is kept of
    a credited amount is the advertised product's margin after refunds, goods and other costs
    (the shop's where the report names no product), so the break-even return is 1 over that
    margin and the profit what is kept less the cost. The interval of a profit
    is the wider of what days' differences and what the number of orders give.

    Args:
        source: A store, or tables of any engine by canonical name; needs ``ads``.
        start: First day.
        end: Last day, included.
        by: Ad plans, kinds of advertising, or advertised products.
        products: Advertised products that count, beside ads that name none; empty for all.
        as_of: Last local day that refunds and costs are learnt from; ``end`` by default.
        owner: Who sees to it; advertising by default.
        time_zone: IANA zone of the days; the store's by default.

    Raises:
        MissingDataError: There is no ad report for these days.
        ParameterError: An argument has an impossible value.
    """
    first, last = as_day(start, name="start"), as_day(end, name="end")
    require_span(first, last)
    require_choice(by, By, name="by")
    tables = Tables(source, time_zone=time_zone)
    margins = learn_margins(tables, as_of=as_day(as_of or last, name="as_of"))
    key = KEYS[by]
    keys = list(dict.fromkeys([key, "product_id", "day"]))
    rows = read_ads(tables, keys, start=first, end=last, products=products)
    rows["kept"] = rows["attributed_amount"] * margins.of(rows["product_id"])
    frame = _sums(rows, key)
    frame["name"] = _names(tables, rows, key, frame[key])
    frame["margin"] = frame["kept"] / frame["attributed_amount"]
    return AdReturns(
        frame=_ratios(frame).rename(columns={key: "id"}),
        by=by,
        margins=margins,
        start=first,
        end=last,
        days=(last - first).days + 1,
        owner=owner_of(tables, owner),
    )


def _sums(rows: pd.DataFrame, key: str) -> pd.DataFrame:
    """Sums of each group, its profit, and the wider of two intervals of the profit."""
    columns = [*SUMS, "kept"]
    daily = rows.groupby([key, "day"], dropna=False)[columns].sum(min_count=1).reset_index()
    daily["profit"] = daily["kept"] - daily["cost"]
    by = daily.groupby(key, dropna=False)
    held = by[[*columns, "profit"]].sum(min_count=1)
    unsure = held["kept"].isna() | (by["kept"].count() < by["cost"].count())
    held["profit"] = held["profit"].mask(unsure)
    reach = _reach_of_days(by["profit"].std(), by["profit"].count())
    low, high = _few_orders(held, _order_spread(rows))
    held["profit_low"] = np.fmin(held["profit"] - reach, low - held["cost"])
    held["profit_high"] = np.fmax(held["profit"] + reach, high - held["cost"])
    return held.sort_values("cost", ascending=False, kind="stable").reset_index()


def _reach_of_days(spread: pd.Series, count: pd.Series) -> Floats:
    """Half the interval of a sum over days that differ so much; NaN for few days."""
    from scipy.stats import t

    days = count.to_numpy(float)
    reach = t.ppf((1 + LEVEL) / 2, np.maximum(days - 1, 1)) * np.sqrt(days)
    held: Floats = np.where(days >= FEW_DAYS, reach * spread.to_numpy(float), np.nan)
    return held


def _few_orders(held: pd.DataFrame, spread: float) -> tuple[Floats, Floats]:
    """Least and most of what is kept, by how few orders it comes from.

    Garwood's (1936) interval of a Poisson count, widened by how orders differ; a group without
    an order is given the value of the others' orders.
    """
    from scipy.stats import gamma

    orders = held["attributed_orders"].to_numpy(float)
    kept = held["kept"].to_numpy(float)
    usual = np.nansum(kept) / max(np.nansum(orders), 1.0)
    each = np.where(orders > 0, kept / np.maximum(orders, 1.0), usual) * spread
    shape = orders / spread
    tail = (1 - LEVEL) / 2
    low = np.where(orders > 0, gamma.ppf(tail, np.maximum(shape, 1e-9)), 0.0) * each
    return low, gamma.ppf(1 - tail, shape + 1) * each


def _order_spread(rows: pd.DataFrame) -> float:
    """One plus the squared variation of order values, by rows of a single order."""
    alone = rows.loc[rows["attributed_orders"] == 1, "attributed_amount"].dropna()
    if len(alone) < FEW_ALONE or not alone.mean() > 0:
        return 2.0  # as for exponential values, which vary more than most shops'
    return 1.0 + float(alone.var() / alone.mean() ** 2)


def _ratios(frame: pd.DataFrame) -> pd.DataFrame:
    """The rates, each a ratio of sums; NaN where nothing stands below."""

    def over(above: str, below: str) -> pd.Series:
        return frame[above] / frame[below].where(frame[below] > 0)

    return frame.assign(
        click_through_rate=over("clicks", "impressions"),
        cost_per_click=over("cost", "clicks"),
        conversion_rate=over("attributed_orders", "clicks"),
        roi=over("attributed_amount", "cost"),
        profit_roi=over("kept", "cost"),
        break_even=1 / frame["margin"].where(frame["margin"] > 0),
    )


def _names(tables: Tables, rows: pd.DataFrame, key: str, ids: pd.Series) -> list[str]:
    if key == "product_line":
        return [line_word(each) for each in ids]
    if key == "product_id":
        named = product_names(tables)
        return [tr("all products") if i == UNTOLD else named.get(str(i), str(i)) for i in ids]
    told = rows.dropna(subset=["campaign_name"]).groupby("campaign_id")["campaign_name"].last()
    return [plan_word(told.get(each), each) for each in ids]
