"""The buyer's sheets: suppliers, terms of supply, purchases as they came, carriers' prices."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ecops_lib.data.demo.buyers import PROVINCES, WAREHOUSES
from ecops_lib.data.demo.catalogue import SUPPLIERS
from ecops_lib.data.demo.fulfilment import CARRIERS
from ecops_lib.data.demo.sheets import Sheet, day_texts, texts, yuan
from ecops_lib.data.demo.stock import LEAD_DAYS, STAGES, Purchases, Stock, stage_days
from ecops_lib.data.demo.world import Flags, Ints, World

PAYMENT_DAYS = (30, 45, 30, 60, 0, 30, 0)
MINIMUM = (200_000, 300_000, 100_000, 300_000, 50_000, 150_000, 50_000)
"""Least amount of an order, in cents."""
ORDER_COST = 8_000
"""Cents that placing an order costs."""
PACK = (10, 6, 12, 4, 20, 6)
FREIGHT = (420, 330, 300, 1500)
"""Cents that a parcel costs before its weight, by carrier."""
NEXT_KILO = 110
TIERS = {0: 0, 2000: 20}
"""Parcels a month from which a parcel costs so many cents less."""
STORAGE = 4
"""The category of which the newcomer delivers."""
SECOND = 1
"""A second source is the supplier so many places on."""
TWICE = 3
"""Every so many-th SKU has a second source."""


def supplier_names(world: World) -> list[str]:
    """All suppliers' names; a newcomer's last."""
    faults = world.truths.suppliers
    return [*SUPPLIERS, *([faults.newcomer] if faults else [])]


def make_suppliers_sheet(world: World) -> Sheet:
    """One row a supplier."""
    names = supplier_names(world)
    return Sheet(
        file="供应商",
        table="suppliers",
        columns={
            "supplier_id": ("供应商", names),
            "supplier_name": ("名称", names),
            "payment_days": ("账期(天)", [str(PAYMENT_DAYS[k]) for k in range(len(names))]),
            "minimum_amount": ("起订金额", yuan(np.array(MINIMUM[: len(names)]))),
            "order_cost": ("下单成本", yuan(np.full(len(names), ORDER_COST))),
        },
    )


def make_sourcing_sheet(world: World) -> Sheet:
    """One row a SKU × supplier that can deliver it."""
    goods, faults = world.catalogue, world.truths.suppliers
    sku = np.arange(len(goods.sku_codes))
    own = goods.category[goods.sku_product]
    twice = sku[sku % TWICE == 0] if faults else sku[:0]
    skus = np.concatenate([sku, twice])
    source = np.concatenate([own, (own[twice] + SECOND) % len(SUPPLIERS)])
    factor = np.concatenate(
        [np.ones(len(sku)), np.full(len(twice), 1 + (faults.dearer if faults else 0))]
    )
    cost = np.round(goods.costs[goods.sku_product[skus]] * factor).astype(np.int64)
    pack = np.array(PACK)[own[skus]]
    idle = world.truths.idle_stock
    dead = [idle.dead] if idle else []
    return Sheet(
        file="采购条件",
        table="sourcing",
        columns={
            "sku_id": ("SKU编码", [goods.sku_codes[k] for k in skus] + dead),
            "supplier_id": (
                "供应商",
                [SUPPLIERS[k] for k in source] + [SUPPLIERS[STORAGE]] * len(dead),
            ),
            "unit_cost": (
                "单价",
                yuan(np.append(cost, [idle.dead_cost] if idle else []).astype(int)),
            ),
            "minimum_quantity": ("起订量", texts(2 * pack) + ["1"] * len(dead)),
            "pack_size": ("箱规", texts(pack) + ["1"] * len(dead)),
            "lead_days": ("交期(天)", texts(np.array(LEAD_DAYS)[source]) + ["30"] * len(dead)),
        },
    )


def make_purchases_sheet(world: World, stock: Stock) -> Sheet:
    """One row a purchase × stage that is due or done."""
    bought, goods = stock.purchases, world.catalogue
    asked = _promises(world, bought)
    done = np.stack(stage_days(bought))
    span = asked.due - bought.ordered
    dues = np.stack([bought.ordered + (span * f).astype(np.int64) for f in (0.5, 0.6, 0.7, 1.0)])
    number, stage = (a.ravel() for a in np.indices((len(bought.sku), len(STAGES))))
    finished = np.where(done < len(world.days), done, -1)[stage, number]
    came = (finished >= 0) & (stage == STAGES.index("receipt"))
    checked = (finished >= 0) & (stage == STAGES.index("inspection"))
    product, names = goods.sku_product[bought.sku], supplier_names(world)
    return Sheet(
        file="采购进度",
        table="purchase_orders",
        columns={
            "purchase_id": ("采购单号", [f"PO{k + 1:06d}" for k in number]),
            "sku_id": ("SKU编码", [goods.sku_codes[k] for k in bought.sku[number]]),
            "stage": ("阶段", [STAGES[k] for k in stage]),
            "supplier_id": ("供应商", [names[k] for k in asked.supplier[number]]),
            "quantity": ("数量", texts(asked.ordered[number])),
            "unit_cost": ("单价", yuan(goods.costs[product][number])),
            "ordered_at": ("下单日期", day_texts(world, bought.ordered[number])),
            "due_at": ("计划完成", day_texts(world, dues[stage, number])),
            "done_at": ("实际完成", day_texts(world, finished)),
            "rejected": ("不合格数", _told(asked.rejected[number], checked)),
            "received": ("入库数量", _told(bought.quantity[number], came)),
            "warehouse_id": ("仓库", [WAREHOUSES[k] for k in bought.warehouse[number]]),
        },
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class Promises:
    """What was asked of whom: supplier, day due, units ordered and units that failed."""

    supplier: Ints
    due: Ints
    ordered: Ints
    rejected: Ints


def _told(values: Ints, where: Flags) -> list[str]:
    """Numbers as text where they are known yet."""
    return [str(v) if known else "" for v, known in zip(values.tolist(), where, strict=True)]


def _promises(world: World, bought: Purchases) -> Promises:
    """What each purchase was meant to be; the newcomer's last ones went well."""
    faults, rng, goods = world.truths.suppliers, world.rng("suppliers"), world.catalogue
    own = goods.category[goods.sku_product[bought.sku]]
    if faults is None:
        none = np.zeros_like(bought.quantity)
        return Promises(supplier=own, due=bought.due, ordered=bought.quantity, rejected=none)
    short = rng.random(len(own)) < np.array(faults.short)[own]
    rejected = rng.binomial(bought.quantity, np.array(faults.rejects)[own])
    new = np.zeros(len(own), bool)
    came = np.flatnonzero((own == STORAGE) & (bought.arrives < len(world.days)))
    new[came[-faults.deliveries :]] = True
    more = np.where(new, 0, short * np.maximum(bought.quantity // 9, 1))
    return Promises(
        supplier=np.where(new, len(SUPPLIERS), own),
        due=np.where(new, bought.arrives + 3, bought.due + np.array(faults.slack)[own]),
        ordered=(bought.quantity + more).astype(np.int64),
        rejected=np.where(new, 0, rejected).astype(np.int64),
    )


def make_rates_sheet() -> Sheet:
    """Carriers' prices by destination and monthly volume, as their bills have them."""
    rows = [(c, place, tier) for c in range(len(CARRIERS)) for place in PROVINCES for tier in TIERS]
    first = np.array([FREIGHT[c] - TIERS[tier] for c, _, tier in rows])
    return Sheet(
        file="快递报价",
        table="carrier_rates",
        columns={
            "carrier": ("快递公司", [CARRIERS[c] for c, _, _ in rows]),
            "province": ("目的省份", [place for _, place, _ in rows]),
            "size_class": ("件型", ["大件" if c == 3 else "小件" for c, _, _ in rows]),
            "parcels_from": ("月件量起", [str(tier) for _, _, tier in rows]),
            "first_weight": ("首重(kg)", ["0"] * len(rows)),
            "first_price": ("首重价", yuan(first)),
            "next_price": ("续重价", yuan(np.full(len(rows), NEXT_KILO))),
        },
    )


def tell_suppliers(world: World, stock: Stock) -> dict[str, object] | None:
    """What each supplier's deliveries were, as planted and as they came out."""
    faults = world.truths.suppliers
    if faults is None:
        return None
    bought = stock.purchases
    asked = _promises(world, bought)
    came = bought.arrives < len(world.days)
    told: dict[str, object] = {}
    for number, name in enumerate(supplier_names(world)):
        held = came & (asked.supplier == number)
        told[name] = {
            "deliveries": int(held.sum()),
            "late": int((held & (bought.arrives > asked.due)).sum()),
            "short": int((held & (asked.ordered > bought.quantity)).sum()),
            "rejected": int(asked.rejected[held].sum()),
            "units": int(asked.ordered[held].sum()),
        }
    return {
        "by_supplier": told,
        "unpunctual": SUPPLIERS[int(np.argmin(faults.slack))],
        "faulty": SUPPLIERS[int(np.argmax(faults.rejects))],
        "short": SUPPLIERS[int(np.argmax(faults.short))],
        "newcomer": faults.newcomer,
    }
