"""How many buyers top up to a threshold: read off past campaigns that had one.

Of the baskets within reach of a threshold on either side, fewer lie below it while it holds than
on the days around, if buyers top up. The share that did is 1 − the ratio of the two shares
below (pooled over campaigns after Mantel and Haenszel; variance of its logarithm: Greenland and
Robins 1985, Biometrics 41, 55–68, eq. 13). Baskets are taken at list prices, so that the
campaign's own discounts move none of them; a campaign that draws another kind of order into this
narrow band would be read as topping up.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain

import numpy as np

from ecops_lib.campaigns.campaign import Campaign
from ecops_lib.campaigns.promotions.allocation import Floats, add_up
from ecops_lib.campaigns.promotions.rules import Promotion, cents_of
from ecops_lib.campaigns.promotions.shop import ShopBaskets, read_baskets
from ecops_lib.campaigns.promotions.steps import first_step, has_threshold
from ecops_lib.campaigns.promotions.written import campaign_promotions
from ecops_lib.core.errors import MissingDataError
from ecops_lib.data import frames
from ecops_lib.metrics.bases import Tables

AROUND = 28
"""Days before and after a campaign that it is compared with."""
Z = 1.6448536
"""Of a 90 % interval."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToppingUp:
    """Share of the baskets within reach that top up to a threshold.

    Attributes:
        share: The estimate; NaN where nothing tells it.
        low: Least share of its 90 % interval; 0 where nothing tells it.
        high: Greatest share; 1 where nothing tells it.
        log_ratio: Logarithm of 1 − share.
        error: Its standard error; 0 for a share that was stated.
        campaigns: Campaigns it was read off.
        baskets: Baskets near a threshold in these campaigns.
    """

    share: float
    low: float
    high: float
    log_ratio: float = math.nan
    error: float = math.nan
    campaigns: int = 0
    baskets: int = 0

    @property
    def told(self) -> bool:
        """Whether buyers surely top up, or the share was stated."""
        return self.low > 0 or self.error == 0

    def draw(self, rng: np.random.Generator, size: int) -> Floats:
        """Shares as likely as the estimate makes them."""
        held: Floats = 1 - np.exp(self.log_ratio + self.error * rng.standard_normal(size))
        return np.clip(held, 0, 1)


UNTOLD = ToppingUp(share=math.nan, low=0.0, high=1.0)


def stated(share: float) -> ToppingUp:
    """A share that somebody states."""
    ratio = math.log1p(-share) if share < 1 else -math.inf
    return ToppingUp(share=share, low=share, high=share, log_ratio=ratio, error=0.0)


def learn_topping_up(
    tables: Tables, campaigns: Iterable[Campaign], *, as_of: dt.date, reach: float
) -> ToppingUp:
    """Read the share off campaigns that were over by a day.

    Args:
        tables: The source.
        campaigns: The shop's.
        as_of: Last local day that counts.
        reach: Share of a threshold that a basket within reach lacks, or has beyond it.
    """
    every = tuple(campaigns)
    busy = {day for c in every for day in c.days_of()}
    counts = [
        _count(tables, campaign, rule, busy, as_of, reach)
        for campaign in every
        if campaign.selling[1] <= as_of and campaign.promotions
        for rule in campaign_promotions(campaign)
        if has_threshold(rule)
    ]
    told = np.array([row for row in counts if row is not None], float).reshape(-1, 4)
    return pool(told)


def pool(counts: Floats) -> ToppingUp:
    """Share topping up from counts, a row a campaign.

    Args:
        counts: Baskets below and above during it, below and above around it.
    """
    during, around = counts[:, 0] + counts[:, 1], counts[:, 2] + counts[:, 3]
    counts = counts[(during > 0) & (around > 0)]
    a, b = counts[:, 0], counts[:, 2]
    n, m = a + counts[:, 1], b + counts[:, 3]
    top, bottom = float((a * m / (n + m)).sum()), float((b * n / (n + m)).sum())
    if not (top > 0 and bottom > 0):
        return UNTOLD
    variance = ((n * m * (a + b) - a * b * (n + m)) / (n + m) ** 2).sum() / (top * bottom)
    ratio, error = math.log(top / bottom), math.sqrt(max(float(variance), 0.0))
    low, high = (1 - math.exp(ratio + sign * Z * error) for sign in (1, -1))
    return ToppingUp(
        share=min(max(1 - math.exp(ratio), 0.0), 1.0),
        low=max(low, 0.0),
        high=max(high, 0.0),
        log_ratio=ratio,
        error=error or math.nan,
        campaigns=len(counts),
        baskets=int(n.sum()),
    )


def _count(
    tables: Tables,
    campaign: Campaign,
    rule: Promotion,
    busy: set[dt.date],
    as_of: dt.date,
    reach: float,
) -> tuple[int, int, int, int] | None:
    """Baskets just below and above a threshold while it holds, and on quiet days around."""
    first, last = campaign.selling
    start, end = first - AROUND * frames.DAY, min(last + AROUND * frames.DAY, as_of)
    try:
        baskets = read_baskets(tables, start=start, end=end, as_of=as_of)
    except MissingDataError:  # a campaign from before the shop's first order teaches nothing
        return None
    at = cents_of(first_step(rule), name="threshold")
    goods = _goods(baskets, rule)
    days = np.array([day in busy for day in baskets.day.tolist()])
    held = np.isin(baskets.day, np.array(campaign.days_of("burst", "encore"), "datetime64[D]"))
    below = (goods >= (1 - reach) * at) & (goods < at)
    above = (goods >= at) & (goods < (1 + reach) * at)
    sides = chain.from_iterable(((below & d).sum(), (above & d).sum()) for d in (held, ~days))
    return tuple(int(count) for count in sides)  # type: ignore[return-value]


def _goods(baskets: ShopBaskets, rule: Promotion) -> Floats:
    mine = np.where(baskets.lines.about(rule), baskets.lines.base, 0)
    return add_up(mine, baskets.lines.starts).astype(float)
