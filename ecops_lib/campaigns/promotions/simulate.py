"""What designs of promotions would have cost on a shop's own baskets."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence

import numpy as np

from ecops_lib.campaigns.promotions.allocation import Flags, Floats, Ints, add_up
from ecops_lib.campaigns.promotions.engine import PricedLines, price_lines
from ecops_lib.campaigns.promotions.rules import (
    BEARERS,
    MILLION,
    Promotion,
)
from ecops_lib.campaigns.promotions.shop import ShopBaskets, read_baskets
from ecops_lib.campaigns.promotions.simulation import PromotionSimulation
from ecops_lib.campaigns.promotions.steps import has_threshold, next_step
from ecops_lib.core.checks import as_day, require_between
from ecops_lib.core.errors import ParameterError
from ecops_lib.metrics.bases import Source, Tables

REACH = 0.2
"""Share of a threshold that a basket within reach lacks at most."""


def simulate_promotions(
    source: Source,
    *,
    designs: Mapping[str, Sequence[Promotion]],
    start: dt.date | str,
    end: dt.date | str,
    as_of: dt.date | str | None = None,
    reach: float = REACH,
    time_zone: str | None = None,
) -> PromotionSimulation:
    """Price the baskets paid in a span, as they were bought, by each design.

    Baskets are taken at list prices without the offers that they had. A basket that fell short
    of a threshold would gain its margin rate on what it lacks and cost what the shop bears
    of the amount off; the share of the baskets within reach that must top up is what the
    threshold gives to all others over these gains. Every order counts as a group's where a
    design has group prices.

    Args:
        source: A store, or tables of any engine by canonical name; needs ``orders`` and
            ``order_items``, uses ``products`` for costs.
        designs: Promotions by the design's name.
        start: First local day of payment.
        end: Last one, included.
        as_of: Last local day that counts; ``end`` by default.
        reach: Share of the threshold that a basket within reach lacks at most.
        time_zone: IANA zone of the days; the store's by default.

    Raises:
        MissingDataError: A table is absent, or no order can be priced.
        ParameterError: There is no design, or one cannot be priced.
    """
    if not designs:
        raise ParameterError("designs is empty; give at least one by its name.")
    require_between(reach, 0, 1, name="reach", ends="open")
    tables = Tables(source, time_zone=time_zone)
    baskets = read_baskets(tables, start=start, end=end, as_of=as_of or end)
    import pandas as pd

    rows = [{"design": name, **_try(baskets, rules, reach)} for name, rules in designs.items()]
    costed = ~np.isnan(baskets.cost)
    before = float((baskets.base - baskets.cost)[costed].sum()) if costed.any() else float("nan")
    return PromotionSimulation(
        frame=pd.DataFrame(rows),
        baskets=len(baskets.base),
        base=float(baskets.base.sum()),
        costed=int(costed.sum()),
        margin_before=before,
        left_out=baskets.left_out,
        reach=reach,
        start=as_day(start, name="start"),
        end=min(as_day(end, name="end"), as_day(as_of or end, name="as_of")),
    )


def _try(baskets: ShopBaskets, rules: Sequence[Promotion], reach: float) -> dict[str, float]:
    """One design's row."""
    priced = price_lines(baskets.lines, rules)
    starts = baskets.lines.starts
    borne = priced.borne(priced.off + priced.gift)
    orders = np.add.reduceat(borne, starts, axis=1) / 100
    costed = ~np.isnan(baskets.cost)
    shop = orders[:, :, BEARERS.index("merchant")]
    margin = (baskets.base - baskets.cost - shop.sum(axis=0))[costed]
    return {
        "reached": float((orders.sum(axis=(0, 2)) > 0).sum()),
        **dict(zip(BEARERS, orders.sum(axis=(0, 1)).tolist(), strict=True)),
        "paid": float(priced.paid.sum()) / 100,
        "margin_after": float(margin.sum()) if costed.any() else float("nan"),
        **_thresholds(baskets, priced, shop, reach),
    }


def _thresholds(
    baskets: ShopBaskets, priced: PricedLines, shop: Floats, reach: float
) -> dict[str, float]:
    """Baskets over and just under the thresholds, and the share that must top up."""
    size = len(baskets.base)
    over, near = np.zeros(size, bool), np.zeros(size, bool)
    given, gain = np.zeros(size), np.full(size, -np.inf)
    steps = [(p, rule) for p, rule in enumerate(priced.promotions) if has_threshold(rule)]
    for place, rule in steps:
        goods = add_up(
            np.where(baskets.lines.about(rule), baskets.lines.base, 0), baskets.lines.starts
        )
        above, more = next_step(rule, goods)
        within = _within(goods, above, reach)
        over |= add_up(priced.off[place], baskets.lines.starts) > 0
        near |= within
        given += shop[place]
        rate = 1 - baskets.cost / np.where(baskets.base > 0, baskets.base, np.nan)
        won = rate * (above - goods) / 100 - more / 100 * rule.shares[1] / MILLION
        gain = np.where(within, np.fmax(gain, won), gain)
    costed = ~np.isnan(baskets.cost)
    held = {"over": float(over.sum()), "near": float(near.sum())}
    if not steps or not costed.any():
        return {**held, "given": float(given.sum()), "gain": np.nan, "break_even": np.nan}
    use = near & costed & np.isfinite(gain)
    total, cost = float(gain[use].sum()), float(given[costed].sum())
    share = 0.0 if not cost else cost / total if total > 0 else np.inf
    return {**held, "given": float(given.sum()), "gain": total, "break_even": share}


def _within(goods: Ints, above: Ints, reach: float) -> Flags:
    held: Flags = (above > 0) & (goods > 0) & (goods >= (1 - reach) * above)
    return held
