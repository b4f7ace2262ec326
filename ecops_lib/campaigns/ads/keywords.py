"""Rating keywords: which to pause, to raise, to test and to keep."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import numpy as np

from ecops_lib.campaigns.ads.keyword_ratings import KeywordRatings
from ecops_lib.campaigns.ads.margins import Margins, learn_margins
from ecops_lib.campaigns.ads.reading import (
    UNTOLD,
    owner_of,
    plan_word,
    read_ads,
)
from ecops_lib.campaigns.ads.shrinkage import (
    Floats,
    RatePrior,
    ValuePrior,
    weigh_rates,
    weigh_values,
)
from ecops_lib.core.checks import as_day, require_between, require_span
from ecops_lib.core.errors import MissingDataError
from ecops_lib.core.language import tr
from ecops_lib.metrics.bases import Source, Tables

if TYPE_CHECKING:
    import pandas as pd

MANY = 20
"""Keywords with clicks from which a plan has a prior of its own."""
DRAWS = 2000
CHUNK = 2000
"""Keywords drawn at a time."""
ENOUGH = 10
"""Credited orders from which a product tells the value of its orders."""
HEADROOM = 0.25
"""A keyword is worth raising where it is expected to pay at clicks so much dearer."""
MOST_CLICKS = 1e6
"""Clicks beyond which a keyword counts as never decided."""


def rate_keywords(
    source: Source,
    *,
    start: dt.date | str,
    end: dt.date | str,
    sure: float = 0.9,
    as_of: dt.date | str | None = None,
    owner: str = "",
    seed: int = 0,
    time_zone: str | None = None,
) -> KeywordRatings:
    """Say of each keyword of each plan whether to pause, raise, test or keep it.

    The orders of a click are drawn towards what the plan's keywords convert (beta-binomial;
    all plans' where a plan has few keywords), the value of an order towards what orders of the
    keyword's products bring (gamma-gamma), so that ten clicks without an order are not yet a
    bad keyword. A click's profit is conversion × value × margin after refunds, less its cost.
    ``pause``: it loses with a chance of at least ``sure``. ``raise``: it pays with that chance,
    and is expected to at clicks 25 % dearer. ``test``: neither, and it has fewer clicks than it
    takes to tell a keyword without an order from one that pays. ``keep``: the rest.

    Args:
        source: A store, or tables of any engine by canonical name; needs ``ads`` with keywords.
        start: First day.
        end: Last day, included; orders that its clicks bring later are not credited yet.
        sure: Chance from which a keyword is paused or raised.
        as_of: Last local day that refunds and costs are learnt from; ``end`` by default.
        owner: Who sees to it; advertising by default.
        seed: Of the draws.
        time_zone: IANA zone of the days; the store's by default.

    Raises:
        MissingDataError: There is no ad report by keyword, or margins cannot be told.
        ParameterError: An argument has an impossible value.
    """
    first, last = as_day(start, name="start"), as_day(end, name="end")
    require_span(first, last)
    require_between(sure, 0.5, 0.999, name="sure")
    tables = Tables(source, time_zone=time_zone)
    rows = _read(tables, first, last)
    margins = learn_margins(tables, as_of=as_day(as_of or last, name="as_of"))
    if np.isnan(margins.margin):
        raise MissingDataError(margins.sentence())
    held, unrated = _by_keyword(rows, margins)
    rng = np.random.default_rng(seed)
    parts = []
    for _, group in held.groupby(_pools(held), sort=True):
        parts.append(_rate(group, sure, rng))
    import pandas as pd

    frame = pd.concat(parts).sort_values(["stake", "cost"], ascending=False, kind="stable")
    return KeywordRatings(
        frame=frame.reset_index(drop=True),
        margins=margins,
        sure=sure,
        start=first,
        end=last,
        days=(last - first).days + 1,
        unrated=unrated,
        owner=owner_of(tables, owner),
    )


def _read(tables: Tables, first: dt.date, last: dt.date) -> pd.DataFrame:
    keys = ["campaign_id", "keyword", "product_id"]
    rows = read_ads(tables, keys, start=first, end=last)
    named = rows[rows["keyword"] != UNTOLD]
    if named.empty or not (named["clicks"].fillna(0) > 0).any():
        raise MissingDataError(
            tr(
                "The ad report from {start} to {end} names no keyword with clicks; import the "
                "万相台 or 直通车 report by keyword.",
                start=first.isoformat(),
                end=last.isoformat(),
            )
        )
    return named


def _by_keyword(rows: pd.DataFrame, margins: Margins) -> tuple[pd.DataFrame, int]:
    """One row a plan and keyword with clicks and told orders, and how many have not."""
    rows = rows.assign(
        kept=margins.of(rows["product_id"]) * rows["cost"],
        valued=_usual_values(rows) * rows["cost"],
        attributed_amount=rows["attributed_amount"].where(rows["attributed_orders"] > 0),
    )
    sums = ["impressions", "clicks", "cost", "attributed_amount", "attributed_orders", "kept",
            "valued"]  # fmt: skip
    by = rows.groupby(["campaign_id", "keyword"])
    held = by[sums].sum(min_count=1)
    held["orders_told"] = by["attributed_orders"].count() == by["cost"].count()
    held["plan"] = by["campaign_name"].first()
    held = held.reset_index()
    good = (held["clicks"] > 0) & (held["cost"] > 0) & held["orders_told"]
    kept = held[good].reset_index(drop=True)
    if kept.empty:
        raise MissingDataError(
            tr("The ad report does not tell the orders of its keywords; import it with 总成交笔数.")
        )
    kept["plan"] = [plan_word(n, i) for n, i in zip(kept["plan"], kept["campaign_id"], strict=True)]
    kept["margin"] = kept["kept"] / kept["cost"]
    kept["usual"] = kept["valued"] / kept["cost"]
    kept["attributed_amount"] = kept["attributed_amount"].fillna(0.0)
    kept["cost_per_click"] = kept["cost"] / kept["clicks"]
    return kept.drop(columns=["kept", "valued", "orders_told"]), len(held) - len(kept)


def _usual_values(rows: pd.DataFrame) -> Floats:
    """Value of an order by each row's product; of all products where it has few orders."""
    sums = rows.groupby("product_id")[["attributed_amount", "attributed_orders"]].sum()
    whole = sums.sum()
    usual = whole["attributed_amount"] / max(whole["attributed_orders"], 1.0)
    each = sums["attributed_amount"] / sums["attributed_orders"].where(
        (sums["attributed_orders"] >= ENOUGH) & (sums["attributed_amount"] > 0)
    )
    held = rows["product_id"].map(each).astype(float).fillna(usual).to_numpy()
    return np.where(held > 0, held, 1.0)


def _pools(held: pd.DataFrame) -> pd.Series:
    """Which keywords share a prior: a plan's, or those of all small plans."""
    size = held.groupby("campaign_id")["keyword"].transform("size")
    pool: pd.Series = held["campaign_id"].astype(object).where(size >= MANY, "")
    return pool


def _rate(held: pd.DataFrame, sure: float, rng: np.random.Generator) -> pd.DataFrame:
    """The keywords of one prior, rated."""
    orders = held["attributed_orders"].to_numpy(float)
    trials = np.maximum(held["clicks"].to_numpy(float), orders)  # a click may bring two orders
    usual = held["usual"].to_numpy(float)
    amounts = held["attributed_amount"].to_numpy(float) / usual
    rates, values = weigh_rates(orders, trials), weigh_values(amounts, orders)
    margin, cost = held["margin"].to_numpy(float), held["cost_per_click"].to_numpy(float)
    worth = margin * usual  # what is kept of an order of the usual value of its products
    if values is None:
        raise MissingDataError(
            tr("No keyword has a credited order with its amount, so none can be rated.")
        )
    paid = np.where(amounts > 0, orders, 0.0)
    chances = [
        _chances(rates, values, (orders[c], trials[c], amounts[c], paid[c]),
                 usual[c], margin[c], cost[c], sure, rng)
        for c in (slice(at, at + CHUNK) for at in range(0, len(held), CHUNK))
    ]  # fmt: skip
    loss, mean, low, high, spared = np.concatenate(chances, axis=1)
    pays = worth * values.mean_of(np.zeros(1), np.zeros(1))[0]
    needed = _needed(rates, cost / np.where(pays > 0, pays, np.nan), sure)
    clicks = held["clicks"].to_numpy(float)
    kind = np.select(
        [loss >= sure, (loss <= 1 - sure) & (mean > HEADROOM * cost), ~(clicks >= needed)],
        ["pause", "raise", "test"],
        "keep",
    )
    profit = mean * clicks
    return held.assign(
        kind=kind,
        conversion=rates.mean_of(orders, trials),
        value=values.mean_of(amounts, paid) * usual,
        roi=held["attributed_amount"] / held["cost"],
        roi_low=low,
        roi_high=high,
        chance=loss,
        profit=profit,
        wrong=spared * clicks,
        needed=needed,
        stake=np.where(kind == "pause", -profit, np.maximum(profit, 0.0) * (kind == "raise")),
    )


def _chances(
    rates: RatePrior,
    values: ValuePrior,
    counts: tuple[Floats, Floats, Floats, Floats],
    usual: Floats,
    margin: Floats,
    cost: Floats,
    sure: float,
    rng: np.random.Generator,
) -> Floats:
    """What the draws tell of each keyword (5, keywords).

    Chance of a loss; mean profit of a click; the ROI at least and at most, each with chance
    ``sure``, so that a keyword is paused just where the most lies below its break-even; the
    mean of what a wrong pause forgoes a click.
    """
    orders, trials, amounts, paid = counts
    brought = rates.draw(rng, DRAWS, orders, trials) * values.draw(rng, DRAWS, amounts, paid)
    roi = brought * usual / cost
    profit = (roi * margin - 1) * cost
    low, high = np.quantile(roi, [1 - sure, sure], axis=0)
    return np.array(
        [
            (profit < 0).mean(axis=0),
            profit.mean(axis=0),
            low,
            high,
            np.maximum(profit, 0.0).mean(axis=0),
        ]
    )


def _needed(rates: RatePrior, limits: Floats, sure: float) -> Floats:
    """Clicks without an order from which each keyword loses with that chance.

    Args:
        rates: What keywords convert.
        limits: Conversion at which each keyword breaks even; NaN or above 1 where none does.
        sure: The chance.
    """
    told = limits[(limits > 0) & (limits < 1)]
    if not len(told):
        return np.zeros(len(limits))
    grid = np.exp(np.linspace(np.log(told.min()), np.log(told.max()), 40))
    low, high = np.zeros(len(grid)), np.full(len(grid), MOST_CLICKS)
    none = np.zeros(len(grid))
    for _ in range(30):
        middle = (low + high) / 2
        enough = rates.chance_below(grid, none, middle) >= sure
        low, high = np.where(enough, low, middle), np.where(enough, middle, high)
    found = np.interp(np.log(np.clip(limits, grid[0], grid[-1])), np.log(grid), high)
    return np.where(limits > 0, np.ceil(found), 0.0)
