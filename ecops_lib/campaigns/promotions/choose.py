"""The coupon threshold that earns most, and how sure that is."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from ecops_lib.campaigns.campaign import Campaign
from ecops_lib.campaigns.editions import find_campaigns
from ecops_lib.campaigns.promotions.allocation import Flags, Floats
from ecops_lib.campaigns.promotions.choice import ThresholdChoice
from ecops_lib.campaigns.promotions.rules import cents_of
from ecops_lib.campaigns.promotions.shop import ShopBaskets, read_baskets
from ecops_lib.campaigns.promotions.simulate import REACH
from ecops_lib.campaigns.promotions.topping import ToppingUp, learn_topping_up, stated
from ecops_lib.core.checks import as_day, require_between
from ecops_lib.core.errors import MissingDataError, ParameterError
from ecops_lib.core.language import tr
from ecops_lib.metrics.bases import Source, Tables

if TYPE_CHECKING:
    import pandas as pd

DRAWS = 400
CHUNK = 4_000_000
"""Weights drawn at once."""


def choose_threshold(
    source: Source,
    *,
    offers: Mapping[float, float],
    start: dt.date | str,
    end: dt.date | str,
    as_of: dt.date | str | None = None,
    topping_up: float | None = None,
    campaigns: Sequence[Campaign] | None = None,
    seed: int = 0,
    time_zone: str | None = None,
) -> ThresholdChoice:
    """Weigh thresholds of a coupon, borne by the shop, on the baskets paid in a span.

    A basket over the threshold gets the amount for nothing; one within reach below tops up with
    some chance and then brings its own margin rate on what it lacked, less the amount. Baskets
    are drawn again (Poisson bootstrap), and the chance as likely as past campaigns make it.
    Orders that a coupon would bring or lose do not count.

    Args:
        source: A store, or tables of any engine by canonical name; needs ``orders``,
            ``order_items`` and ``products`` with costs.
        offers: Amount off by threshold, such as ``{199: 20, 299: 30}`` [store currency].
        start: First local day of payment.
        end: Last one, included.
        as_of: Last local day that counts; ``end`` by default.
        topping_up: Share of the baskets up to a fifth (``REACH``) below that top up, where
            somebody knows it; by default it is learnt from past campaigns with thresholds,
            and a range where they do not tell it.
        campaigns: To learn from; the shop's own by default.
        seed: Of the draws.
        time_zone: IANA zone of the days; the store's by default.

    Raises:
        MissingDataError: A table is absent, no order can be priced, or no cost is told.
        ParameterError: A threshold or an amount is impossible.
    """
    at, amounts = _amounts(offers)
    tables = Tables(source, time_zone=time_zone)
    last = as_day(as_of or end, name="as_of")
    baskets = read_baskets(tables, start=start, end=end, as_of=last)
    if topping_up is not None:
        require_between(topping_up, 0, 1, name="topping_up")
        response = stated(topping_up)
    else:
        known = find_campaigns(source, time_zone=time_zone) if campaigns is None else campaigns
        response = learn_topping_up(tables, known, as_of=last, reach=REACH)
    given, gains, use = _parts(baskets, at, amounts)
    rng = np.random.default_rng(seed)
    return ThresholdChoice(
        frame=_weigh(at, amounts, given, gains, response, rng),
        response=response,
        baskets=int(use.sum()),
        left_out=baskets.left_out + int((~use).sum()),
        reach=REACH,
        start=as_day(start, name="start"),
        end=min(as_day(end, name="end"), last),
    )


def _amounts(offers: Mapping[float, float]) -> tuple[Floats, Floats]:
    """Thresholds and amounts off, by rising threshold [store currency]."""
    if not offers:
        raise ParameterError("offers is empty; give at least one, such as {199: 20}.")
    for at, off in offers.items():
        low, high = cents_of(off, name=f"off at {at!r}"), cents_of(at, name="a threshold")
        if not 0 < low <= high:
            raise ParameterError(
                f"offers takes {off!r} off at {at!r}; it must be above 0 and no more than the "
                "threshold."
            )
    held = sorted(offers.items())
    return np.array([at for at, _ in held], float), np.array([off for _, off in held], float)


def _parts(baskets: ShopBaskets, at: Floats, amounts: Floats) -> tuple[Floats, Floats, Flags]:
    """Basket × threshold: what is given for nothing, and the gain if it tops up."""
    use = ~np.isnan(baskets.cost) & (baskets.base > 0)
    if not use.any():
        raise MissingDataError(
            tr(
                "No basket's goods tell what they cost, so no threshold can be weighed; fill "
                "unit_cost of products."
            )
        )
    base, cost = baskets.base[use, None], baskets.cost[use, None]
    given = np.where(base >= at, amounts, 0.0)
    near = (base < at) & (base >= (1 - REACH) * at)
    gains = np.where(near, (1 - cost / base) * (at - base) - amounts, 0.0)
    return given, gains, use


def _weigh(
    at: Floats,
    amounts: Floats,
    given: Floats,
    gains: Floats,
    response: ToppingUp,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """One row a threshold, with its 90 % interval."""
    import pandas as pd

    cost, gain = given.sum(axis=0), gains.sum(axis=0)
    costs, wins = _redraw(given, gains, rng)
    if response.told:
        shares = response.draw(rng, DRAWS)[:, None]
        low, high = np.quantile(shares * wins - costs, [0.05, 0.95], axis=0)
        best = (shares * wins - costs).argmax(axis=1)
        chance = np.bincount(best, minlength=len(at)) / DRAWS
        value = response.share * gain - cost
    else:
        ends = np.stack([response.low * wins - costs, response.high * wins - costs])
        low = np.quantile(ends.min(axis=0), 0.05, axis=0)
        high = np.quantile(ends.max(axis=0), 0.95, axis=0)
        chance = value = np.full(len(at), np.nan)
    return pd.DataFrame(
        {
            "threshold": at,
            "off": amounts,
            "over": (given > 0).sum(axis=0),
            "near": (gains != 0).sum(axis=0),
            "given": cost,
            "gain": gain,
            "break_even": np.where(gain > 0, cost / np.where(gain > 0, gain, 1), np.inf),
            "value": value,
            "low": low,
            "high": high,
            "chance": chance,
        }
    )


def _redraw(given: Floats, gains: Floats, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Draw × threshold: the sums over baskets drawn again."""
    parts = np.concatenate([given, gains], axis=1)
    held = np.zeros((DRAWS, parts.shape[1]))
    step = max(CHUNK // DRAWS, 1)
    for first in range(0, len(parts), step):
        some = parts[first : first + step]
        held += rng.poisson(1.0, (DRAWS, len(some))) @ some
    middle = given.shape[1]
    return held[:, :middle], held[:, middle:]
