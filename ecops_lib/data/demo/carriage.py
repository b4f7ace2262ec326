"""The carriers' sheets: what each parcel cost and became, and the price lists behind it."""

from __future__ import annotations

import numpy as np

from ecops_lib.data.demo.buyers import NEAR, PROVINCES, among
from ecops_lib.data.demo.fulfilment import CARRIERS, Fulfilment
from ecops_lib.data.demo.sheets import PLATFORM, Sheet, order_ids, stamps, texts, yuan
from ecops_lib.data.demo.trade import Trade
from ecops_lib.data.demo.world import HOUR, Flags, Floats, Ints, World, add_seconds

FREIGHT = ((420, 620), (390, 640), (310, 520), (1500, 2300))
"""Cents that a parcel costs before its weight, by carrier: near, and far away."""
NEXT_KILO = (110, 180)
"""Cents of a kilogram: near, and far away."""
TIERS = {0: 0, 700: 20}
"""Parcels a month of a carrier from which each costs so many cents less."""
BULKY = 3
"""The carrier of bulky goods."""
USUAL_DAMAGE, LOST = 0.006, 0.002
"""Chances that a parcel arrives damaged, and that it is lost."""


def make_shipments_sheet(world: World, trade: Trade, done: Fulfilment) -> Sheet:
    """One row a parcel handed over."""
    rng = world.rng("parcels")
    mine = np.flatnonzero(~np.isnat(done.shipped_at))
    units = np.bincount(trade.lines.order, trade.lines.quantity, len(trade.orders))[mine]
    carrier = done.carrier[mine]
    heavy = np.where(carrier == BULKY, 6, 1)
    weight = np.round(units * rng.gamma(4, 0.15, len(mine)) * heavy + 0.2, 2)
    promised = add_seconds(trade.orders.paid_at[mine], np.full(len(mine), 120 * HOUR))
    faults = world.truths.carriers
    damage = np.array(faults.damage if faults else (USUAL_DAMAGE,) * len(CARRIERS))[carrier]
    chance = rng.random(len(mine))
    harm = np.where(chance < damage, "damaged", np.where(chance > 1 - LOST, "lost", ""))
    trouble = np.where(np.isnat(done.delivered_at[mine]), "", harm)
    ids = order_ids(trade.orders.created_at)
    places = list(PROVINCES)
    return Sheet(
        file="物流账单",
        table="shipments",
        columns={
            "order_id": ("订单编号", [ids[k] for k in mine]),
            "parcel_id": ("运单号", parcel_numbers(mine)),
            "carrier": ("快递公司", [CARRIERS[k] for k in carrier]),
            "province": ("目的省份", [places[k] for k in trade.orders.province[mine]]),
            "size_class": ("件型", np.where(carrier == BULKY, "大件", "小件").tolist()),
            "weight": ("重量(kg)", texts(weight)),
            "cost": ("运费", yuan(_billed(trade, done, mine, weight))),
            "shipped_at": ("发货时间", stamps(done.shipped_at[mine])),
            "picked_up_at": ("揽收时间", stamps(done.picked_up_at[mine])),
            "delivered_at": ("签收时间", stamps(done.delivered_at[mine])),
            "promised_at": ("承诺送达", stamps(promised)),
            "trouble": ("异常", trouble.tolist()),
        },
        constants={"platform": PLATFORM},
    )


def _billed(trade: Trade, done: Fulfilment, mine: Ints, weight: Floats) -> Ints:
    """What the list says for each parcel, with the tier of its carrier's month."""
    carrier, far = done.carrier[mine], _is_far(trade)[mine].astype(int)
    month = done.shipped_at[mine].astype("datetime64[M]").astype(np.int64)
    _, group, parcels = np.unique(
        month * len(CARRIERS) + carrier, return_inverse=True, return_counts=True
    )
    steps = np.array(list(TIERS))
    off = np.array(list(TIERS.values()))[np.searchsorted(steps, parcels[group], side="right") - 1]
    first = np.array(FREIGHT)[carrier, far] - off
    cents: Ints = np.round(first + weight * np.array(NEXT_KILO)[far]).astype(np.int64)
    return cents


def _is_far(trade: Trade) -> Flags:
    return ~among(trade.orders.province, NEAR)


def parcel_numbers(orders: Ints) -> list[str]:
    """Waybill numbers that no carrier uses, by order."""
    return [f"DEMO{880_000_000 + k}" for k in orders.tolist()]


def make_rates_sheet() -> Sheet:
    """Carriers' prices by destination and monthly volume, as their bills have them."""
    rows = [(c, place, tier) for c in range(len(CARRIERS)) for place in PROVINCES for tier in TIERS]
    far = [int(place not in NEAR) for _, place, _ in rows]
    pairs = list(zip(rows, far, strict=True))
    return Sheet(
        file="快递报价",
        table="carrier_rates",
        columns={
            "carrier": ("快递公司", [CARRIERS[c] for c, _, _ in rows]),
            "province": ("目的省份", [place for _, place, _ in rows]),
            "size_class": ("件型", ["大件" if c == BULKY else "小件" for c, _, _ in rows]),
            "parcels_from": ("月件量起", [str(tier) for _, _, tier in rows]),
            "first_weight": ("首重(kg)", ["0"] * len(rows)),
            "first_price": (
                "首重价",
                yuan(np.array([FREIGHT[c][zone] - TIERS[tier] for (c, _, tier), zone in pairs])),
            ),
            "next_price": ("续重价", yuan(np.array([NEXT_KILO[zone] for zone in far]))),
        },
    )


def tell_carriers(world: World, trade: Trade, done: Fulfilment) -> dict[str, object] | None:
    """Median hours from pick-up to receipt by carrier, far and near, and what could be saved."""
    faults = world.truths.carriers
    if faults is None:
        return None
    hours = (done.delivered_at - done.picked_up_at) / np.timedelta64(1, "h")
    far = _is_far(trade)
    told = {
        name: {
            lane: round(
                float(np.nanmedian(hours[(done.carrier == k) & (far == (lane == "far"))])), 1
            )
            for lane in ("near", "far")
        }
        for k, name in enumerate(CARRIERS)
    }
    near = [near for near, _ in FREIGHT[:BULKY]]
    dear, cheap = int(np.argmax(near)), int(np.argmin(near))
    return {
        "slow": CARRIERS[faults.slow],
        "slow_lane": "far",
        "rough": CARRIERS[int(np.argmax(faults.damage))],
        "near": list(NEAR),
        "median_hours": told,
        "damage": dict(zip(CARRIERS, faults.damage, strict=True)),
        "first_price": {
            name: {"near": prices[0] / 100, "far": prices[1] / 100}
            for name, prices in zip(CARRIERS, FREIGHT, strict=True)
        },
        "switch": {
            "lane": "near",
            "from": CARRIERS[dear],
            "to": CARRIERS[cheap],
            "saves_each": (near[dear] - near[cheap]) / 100,
            "parcels": int(((done.carrier == dear) & ~far & ~np.isnat(done.shipped_at)).sum()),
        },
    }
