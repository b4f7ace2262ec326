"""The shop's own campaigns as it wrote them down, and what each edition truly did."""

from __future__ import annotations

import datetime as dt

import numpy as np

from ecops_lib.data.demo.baskets import Lines
from ecops_lib.data.demo.claims import AFTER_RECEIPT, Claims
from ecops_lib.data.demo.coming import plan_festival
from ecops_lib.data.demo.editions import Edition, find_editions, order_factors
from ecops_lib.data.demo.extras import expected_lines
from ecops_lib.data.demo.promotion import Ads
from ecops_lib.data.demo.returns import of_edition
from ecops_lib.data.demo.season import Season
from ecops_lib.data.demo.stock import Stock
from ecops_lib.data.demo.trade import UNPAID, Trade
from ecops_lib.data.demo.traffic import Traffic
from ecops_lib.data.demo.truths import MemberDay, OwnCampaign
from ecops_lib.data.demo.world import Flags, Floats, Ints, Times, World

Told = dict[str, object]
STRETCH = 1.1
"""Targets as a multiple of what could be expected."""
USUAL_DAYS = 28
"""Days before a campaign that its targets and its budget are set from."""
BUDGET = 1.5
"""Ad budget as a multiple of what the products' ads usually cost."""


def write_campaigns(world: World, traffic: Traffic, ads: Ads) -> dict[str, Told]:
    """The editions, and the plan of the next 双11, as ``store.toml`` holds them, by id."""
    held = {
        edition.campaign_id: _written(world, traffic, ads, edition)
        for edition in find_editions(world)
    }
    return held | plan_festival(world, traffic, ads) if held else held


def _written(world: World, traffic: Traffic, ads: Ads, edition: Edition) -> Told:
    held: Told = {"name": edition.name, "kind": edition.kind}
    held |= {name: list(days) for name, days in edition.phases.items()}
    held["products"] = [world.catalogue.ids[k] for k in edition.truth.products]
    start = int((np.datetime64(min(edition.phases.values())[0]) - world.days[0]).astype(int))
    if start > 0:
        usual = slice(max(start - USUAL_DAYS, 0), start)
        held["targets"] = _targets(traffic, edition, usual)
        held["budget"] = _budget(ads, edition, usual)
    if promotions := _promotions(edition):
        held["promotions"] = promotions
    return held


def _targets(traffic: Traffic, edition: Edition, usual: slice) -> Told:
    """Set from the four weeks before and the lift that the shop hopes for."""
    mine, days = list(edition.truth.products), _length(edition)
    daily = traffic.products
    paid, visitors, buyers = (
        float(values[usual, mine].sum()) / (usual.stop - usual.start)
        for values in (
            daily.paid_amount,
            daily.visitors,
            daily.paying_buyers,
        )
    )
    hoped = _hoped(edition)
    return {
        "paid_amount": float(round(paid / 100 * days * hoped * STRETCH, -2)),
        "visitors": float(round(visitors * days * hoped**0.6, -1)),
        "conversion_rate": round(buyers / max(visitors, 1) * hoped**0.4, 4),
        "new_buyer_share": 0.55,
    }


def _length(edition: Edition) -> int:
    return (edition.burst[1] - edition.burst[0]).days + 1


def _hoped(edition: Edition) -> float:
    """Mean lift of the promoted products that the shop plans with; 2 where nothing happens."""
    truth = edition.truth
    if not edition.acts:
        return 2.0
    if isinstance(truth, OwnCampaign):
        return truth.lift
    extra = truth.lift - 1 + (truth.hot[1] - truth.lift) / len(truth.products)
    return 1 + extra * float(np.mean(truth.shape))


def _budget(ads: Ads, edition: Edition, usual: slice) -> float:
    mine = (ads.day >= usual.start) & (ads.day < usual.stop)
    mine &= np.isin(ads.product, edition.truth.products)
    daily = float(ads.cost[mine].sum()) / 100 / (usual.stop - usual.start)
    return float(round(daily * _length(edition) * BUDGET, -1))


def _promotions(edition: Edition) -> list[Told]:
    """What the edition really took off."""
    truth = edition.truth
    if not edition.acts:
        return []
    if isinstance(truth, MemberDay):
        at, off = truth.threshold
        name = f"满{at // 100}减{off // 100}"
        return [_offer("threshold", name, threshold=at / 100, off=off / 100)]
    at, off = truth.coupon
    return [
        _offer("discount", f"活动商品{(1 - truth.off) * 10:g}折", rate=1 - truth.off),
        _offer("coupon", f"店铺券满{at // 100}减{off // 100}", threshold=at / 100, off=off / 100),
    ]


def _offer(kind: str, name: str, **numbers: float) -> Told:
    return {"kind": kind, "name": name, **numbers, "bearer": "merchant"}


def tell_own_campaigns(
    world: World, season: Season, trade: Trade, claims: Claims
) -> list[Told] | None:
    """What each edition of the tea festival did, against the same shop without it."""
    if world.truths.own_campaigns is None:
        return None
    usual = expected_lines(world, season, trade.without.lines) * (1 - UNPAID)
    return [
        {
            **_told(world, trade, claims, number, edition),
            "expected": _expected(world, edition, usual),
        }
        for number, edition in enumerate(find_editions(world))
        if isinstance(edition.truth, OwnCampaign)
    ]


def _expected(world: World, edition: Edition, usual: Floats) -> dict[str, float]:
    """Paid lines more (fewer, where negative) that were to be expected, by part."""
    more, truth = (order_factors(world, edition) - 1) * usual, edition.truth
    parts = {
        "burst": more[edition.on(world, "burst")][:, list(truth.products)],
        "before": more[edition.on(world, "warmup")],
        "after": more[edition.on(world, "after")],
    }
    if isinstance(truth, OwnCampaign):
        sale = edition.on(world, "burst")
        parts |= {"cannibalised": more[sale, truth.sister[0]], "halo": more[sale, truth.halo[0]]}
    return {name: round(float(part.sum()), 1) for name, part in parts.items()}


def _told(world: World, trade: Trade, claims: Claims, number: int, edition: Edition) -> Told:
    truth = edition.truth
    assert isinstance(truth, OwnCampaign)  # noqa: S101
    sale, before, after = (edition.on(world, part) for part in ("burst", "warmup", "after"))
    gain = _change(world, trade, sale, truth.products)
    early, late = (_change(world, trade, days, truth.products) for days in (before, after))
    sister, halo = (_change(world, trade, sale, (pair[0],)) for pair in (truth.sister, truth.halo))
    changes = (gain, early, late, sister, halo)
    return {
        **_head(world, edition),
        "lift": truth.lift,
        "pull_forward": truth.pull_forward if edition.acts else 0.0,
        "burst": {**gain, **_on_top(trade, number)},
        "before": early,
        "after": late,
        "cannibalised": _beside(world, edition, truth.sister, sister),
        "halo": _beside(world, edition, truth.halo, halo),
        "net_lines": sum(change["lines_more"] for change in changes),
        "net_paid_amount": round(sum(change["paid_amount_more"] for change in changes), 2),
        "offers": _offers(trade, number),
        "refunds": _refunds(world, trade, claims, number, truth.refunds if edition.acts else 1.0),
    }


def _head(world: World, edition: Edition) -> Told:
    return {
        "campaign_id": edition.campaign_id,
        "name": edition.name,
        "kind": edition.kind,
        "phases": {name: [str(day) for day in days] for name, days in edition.phases.items()},
        "product_ids": [world.catalogue.ids[k] for k in edition.truth.products],
    }


def _change(world: World, trade: Trade, days: Flags, products: tuple[int, ...]) -> dict[str, float]:
    """Lines, units and cents of products paid on some days, and those without campaigns."""
    held = _paid(world, trade.lines, trade.orders.paid_at, days, products)
    usual = _paid(world, trade.without.lines, trade.without.paid_at, days, products)
    told: dict[str, float] = {}
    for name, now, then in zip(("lines", "units", "paid_amount"), held, usual, strict=True):
        told |= {name: now, f"{name}_usual": then, f"{name}_more": round(now - then, 2)}
    return told


def _paid(
    world: World, lines: Lines, paid_at: Times, days: Flags, products: tuple[int, ...]
) -> tuple[int, int, float]:
    mine = _paid_on(world, lines, paid_at, days) & np.isin(lines.product, products)
    amount = round(int(lines.payable[mine].sum()) / 100, 2)
    return int(mine.sum()), int(lines.quantity[mine].sum()), amount


def _paid_on(world: World, lines: Lines, paid_at: Times, days: Flags) -> Flags:
    """Lines whose order was paid on one of some days."""
    day = world.day_index(paid_at)[lines.order]
    inside = (day >= 0) & (day < len(days))
    return inside & days[np.where(inside, day, 0)]


def _on_top(trade: Trade, number: int) -> Told:
    """Orders that the campaign brought, whenever paid."""
    orders = trade.orders
    mine = orders.on_top & (orders.edition == number) & (orders.session < 0)
    return {"orders_on_top": int(mine.sum())}


def _beside(
    world: World, edition: Edition, pair: tuple[int, float], change: Told | dict[str, float]
) -> Told:
    rank, factor = pair
    return {
        "product_id": world.catalogue.ids[rank],
        "product_name": world.catalogue.names[rank],
        "factor": factor if edition.acts else 1.0,
        **change,
    }


def _offers(trade: Trade, number: int) -> Told:
    """What the shop took off for the campaign, from orders that were paid."""
    orders = trade.orders
    mine = (orders.edition == number) & ~np.isnat(orders.paid_at)
    return {
        "orders": int(mine.sum()),
        "merchant": int(trade.offered[mine].sum()) / 100,
        "merchant_on_usual_orders": int(trade.offered[mine & ~orders.on_top].sum()) / 100,
    }


def _refunds(world: World, trade: Trade, claims: Claims, number: int, factor: float) -> Told:
    """Claims after receipt of what was bought in the sale."""
    mine = of_edition(world, trade, number) & ~np.isnat(trade.orders.paid_at[trade.lines.order])
    claimed: Ints = claims.line[claims.stage == AFTER_RECEIPT]
    return {
        "factor": factor,
        "lines": int(mine.sum()),
        "claimed_after_receipt": int(mine[claimed].sum()),
    }


def tell_live_campaign(world: World, trade: Trade, stock: Stock) -> Told | None:
    """The members' days: what each edition so far did, and what runs out in the last."""
    truth = world.truths.live_campaign
    if truth is None:
        return None
    held = [
        (number, edition)
        for number, edition in enumerate(find_editions(world))
        if isinstance(edition.truth, MemberDay)
    ]
    running = held[-1][1]
    sku = world.sku(truth.sku)
    on = running.on(world, "burst")
    mine = trade.lines.sku == sku
    sold = trade.lines.quantity[mine & _paid_on(world, trade.lines, trade.orders.paid_at, on)]
    return {
        **_head(world, running),
        "day": 2,
        "lift": truth.lift,
        "hot": {"product_id": world.catalogue.ids[truth.hot[0]], "lift": truth.hot[1]},
        "shape": list(truth.shape),
        "runs_out": {
            "sku_id": truth.sku,
            "units_left": int(stock.on_hand[-1, sku].sum()),
            "units_reserved": int(stock.reserved[-1, sku].sum()),
            "units_a_day": float(sold.sum() / on.sum()),
            "comes": str(world.last_day + dt.timedelta(days=truth.comes)),
        },
        "editions": [
            {
                **_head(world, edition),
                **_change(world, trade, edition.on(world, "burst"), edition.truth.products),
                **_on_top(trade, number),
                "planted_mean": round(
                    float(
                        order_factors(world, edition)[edition.on(world, "burst")][
                            :, list(truth.products)
                        ].mean()
                    ),
                    3,
                ),
            }
            for number, edition in held
        ],
    }
