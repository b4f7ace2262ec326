"""``truths.json``: what was planted, how large it came out, and how sure one can be of it."""

from __future__ import annotations

from dataclasses import asdict
from math import sqrt

import numpy as np

from ecops_lib.data.demo.asked import tell_odd, tell_shortages
from ecops_lib.data.demo.buyers import LIFETIME
from ecops_lib.data.demo.campaigns import tell_live_campaign, tell_own_campaigns
from ecops_lib.data.demo.carriage import tell_carriers
from ecops_lib.data.demo.claims import Claims
from ecops_lib.data.demo.community import tell_community
from ecops_lib.data.demo.creators import tell_creators
from ecops_lib.data.demo.habits import tell_habits
from ecops_lib.data.demo.incidents import tell_incidents
from ecops_lib.data.demo.inventory import tell_idle, tell_kit, tell_late_supply
from ecops_lib.data.demo.life import Life
from ecops_lib.data.demo.mailings import tell_contacts
from ecops_lib.data.demo.members import tell_referrals
from ecops_lib.data.demo.points import tell_points
from ecops_lib.data.demo.rivals import tell_rivals
from ecops_lib.data.demo.searches import tell_terms
from ecops_lib.data.demo.season import Season
from ecops_lib.data.demo.sourcing import tell_suppliers
from ecops_lib.data.demo.surroundings import COMPETITORS, tell_market
from ecops_lib.data.demo.trade import Trade
from ecops_lib.data.demo.traffic import Traffic
from ecops_lib.data.demo.trial_log import tell_tests
from ecops_lib.data.demo.words import tell_words
from ecops_lib.data.demo.world import CHANNELS, World

Told = dict[str, object]
USUAL_DAYS = 28
"""Days before an incident that say what would have been usual."""


def tell_truths(life: Life) -> Told:
    """What was planted, in plain fields; ``null`` for what was left out."""
    world, season, trade, traffic = life.world, life.season, life.trade, life.traffic
    return {
        "seed": world.seed,
        "first_day": str(world.first_day),
        "last_day": str(world.last_day),
        "orders": len(trade.orders),
        "buyers": len(np.unique(trade.orders.buyer)),
        "lifetimes": _lifetimes(world, trade),
        "conversion_drop": _conversion(world, traffic),
        "channel_loss": _channel(world, traffic),
        "stock_out": _stock_out(world, traffic),
        "refund_wave": _refund_wave(world, trade, life.claims),
        "incidents": tell_incidents(world),
        "campaign_lift": _campaigns(world, season),
        "competitor_cut": _competitor(world),
        "rivals": tell_rivals(world),
        "market_moves": tell_market(world),
        **tell_tests(world, life.runs),
        "tags": tell_habits(world, trade, life.claims, life.tagged),
        "contacts": tell_contacts(world, trade, life.sent),
        "referrals": tell_referrals(world, trade, life.referrer),
        "points": tell_points(life.ledger),
        **tell_community(world, life.community),
        "suppliers": tell_suppliers(world, life.stock, trade, life.claims),
        "carriers": tell_carriers(world, trade, life.done),
        "idle_stock": tell_idle(world),
        "shortages": tell_shortages(world, trade),
        "late_supply": tell_late_supply(world, life.stock),
        "odd_demand": tell_odd(world, trade),
        "kit": tell_kit(world),
        "own_campaigns": tell_own_campaigns(world, season, trade, life.claims),
        "live_campaign": tell_live_campaign(world, trade, life.stock),
        "creators": tell_creators(world, trade, life.done, life.claims),
        "keywords": tell_words(world, life.ads),
        "page_break": _page_break(world),
        "review_defect": _review_defect(world),
        "search_terms": tell_terms(world),
    }


def _lifetimes(world: World, trade: Trade) -> Told:
    """The model that buyers are drawn from, in shop lives and in days, and its clock.

    Time of the model goes by as orders come: by the end of a day, as much has gone by as
    tells the day's last order.
    """
    buyers, days = trade.buyers, len(world.days)
    there = np.isin(np.arange(len(buyers.province)), trade.orders.buyer)
    placed = world.day_index(trade.orders.created_at)
    orders = np.bincount(placed, minlength=days)
    month_ends = np.flatnonzero(np.diff(world.days.astype("datetime64[M]").astype(int), append=0))
    clock = buyers.at[np.searchsorted(placed, month_ends, side="right") - 1]
    return {
        "model": "MBG/NBD",
        "time": "shop lives",
        **LIFETIME,
        "shop_life_days": days,
        "alpha_days": round(LIFETIME["alpha"] * days, 2),
        "buyers": int(there.sum()),
        "known_before": int((there & buyers.known_before).sum()),
        "alive_at_end": int((there & buyers.alive).sum()),
        "alive_share": round(float(buyers.alive[there].mean()), 4),
        "clock": {
            "month_ends": [str(day) for day in world.days[month_ends]],
            "time": clock.round(5).tolist(),
            "fastest_day": str(world.days[orders.argmax()]),
            "fastest": round(float(orders.max() / orders.mean()), 2),
            "slowest_day": str(world.days[orders.argmin()]),
            "slowest": round(float(orders.min() / orders.mean()), 2),
        },
    }


def _review_defect(world: World) -> Told | None:
    defect = world.truths.review_defect
    if defect is None:
        return None
    begins = {"from": str(world.day_of(defect.begins))}
    return {**_product(world, defect.product), **asdict(defect), **begins}


def _page_break(world: World) -> Told | None:
    broken = world.truths.page_break
    if broken is None:
        return None
    return {**asdict(broken), "from": str(world.day_of(broken.begins))}


def _product(world: World, rank: int) -> Told:
    goods = world.catalogue
    return {"product_id": goods.ids[rank], "product_name": goods.names[rank]}


def _conversion(world: World, traffic: Traffic) -> Told | None:
    drop = world.truths.conversion_drop
    if drop is None:
        return None
    start = world.index(drop.begins)
    usual = slice(max(start - USUAL_DAYS, 0), start)
    visitors = traffic.products.visitors[:, drop.product]
    buyers = traffic.products.paying_buyers[:, drop.product]
    rate = buyers[usual].sum() / max(visitors[usual].sum(), 1)
    expected = visitors[start:] * rate
    spread = np.sqrt(expected * (1 - rate))
    return {
        **_product(world, drop.product),
        **asdict(drop),
        "from": str(world.day_of(drop.begins)),
        "to": str(world.last_day),
        "usual_conversion": round(float(rate), 5),
        "visitors": visitors[start:].tolist(),
        "buyers": buyers[start:].tolist(),
        "buyers_expected": expected.round(1).tolist(),
        "z_last_day": round(float((buyers[-1] - expected[-1]) / spread[-1]), 2),
        "z_all_days": round(float((buyers[start:] - expected).sum() / sqrt((spread**2).sum())), 2),
    }


def _channel(world: World, traffic: Traffic) -> Told | None:
    loss = world.truths.channel_loss
    if loss is None:
        return None
    visitors = traffic.channels.visitors[:, CHANNELS.index(loss.channel)]
    start = world.index(loss.begins)
    usual = float(visitors[max(start - USUAL_DAYS, 0) : start].mean())
    return {
        **asdict(loss),
        "from": str(world.day_of(loss.begins)),
        "to": str(world.last_day),
        "visitors_usual": round(usual, 1),
        "visitors": visitors[start:].tolist(),
        "z_last_day": round((float(visitors[-1]) - usual) / sqrt(usual), 2),
    }


def _stock_out(world: World, traffic: Traffic) -> Told | None:
    out = world.truths.stock_out
    if out is None:
        return None
    start = world.index(out.begins)
    units = traffic.products.paid_units[:, out.product]
    goods = world.catalogue
    return {
        **_product(world, out.product),
        **asdict(out),
        "sku_ids": [goods.sku_codes[k] for k in np.flatnonzero(goods.sku_product == out.product)],
        "from": str(world.day_of(out.begins)),
        "to": str(world.last_day),
        "units_a_day_usual": round(float(units[max(start - USUAL_DAYS, 0) : start].mean()), 2),
    }


def _refund_wave(world: World, trade: Trade, claims: Claims) -> Told | None:
    wave = world.truths.refund_wave
    if wave is None:
        return None
    day = world.day_index(claims.applied_at)
    mine = trade.lines.product[claims.line] == wave.product
    last = len(world.days) - 1
    usual = (mine & (day >= last - USUAL_DAYS) & (day < last)).sum() / USUAL_DAYS
    return {
        **_product(world, wave.product),
        **asdict(wave),
        "day": str(world.last_day),
        "claims": int((mine & (day == last)).sum()),
        "claims_with_reason": int((mine & (day == last) & (claims.reason == wave.reason)).sum()),
        "claims_a_day_usual": round(float(usual), 2),
    }


def _campaigns(world: World, season: Season) -> Told | None:
    lift = world.truths.campaign_lift
    if lift is None:
        return None
    return {
        "orders": dict(lift.orders),
        "pull_forward": lift.pull_forward,
        "campaigns": [
            {
                "campaign_id": campaign.campaign_id,
                "phases": {
                    name: [str(day) for day in days] for name, days in campaign.phases.items()
                },
            }
            for campaign in season.campaigns
        ],
    }


def _competitor(world: World) -> Told | None:
    cut = world.truths.competitor_cut
    if cut is None:
        return None
    return {
        **_product(world, cut.product),
        **asdict(cut),
        "competitor": COMPETITORS[cut.product % len(COMPETITORS)],
        "item_id": str(790_000_000_000 + 7919 * cut.product),
        "from": str(world.day_of(cut.begins)),
    }
