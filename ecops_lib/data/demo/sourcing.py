"""The buyer's sheets: suppliers, terms of supply, purchases as they came."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ecops_lib.data.demo.buyers import WAREHOUSES
from ecops_lib.data.demo.catalogue import SUPPLIERS
from ecops_lib.data.demo.claims import QUALITY, Claims
from ecops_lib.data.demo.claims import STAGES as STAGES_OF_CLAIMS
from ecops_lib.data.demo.inventory import is_stocked
from ecops_lib.data.demo.purchases import (
    LATE_DAYS,
    LATE_SHAPE,
    LEAD_DAYS,
    SLACK_DAYS,
    STAGES,
    Purchases,
    stage_days,
)
from ecops_lib.data.demo.sheets import Sheet, day_texts, texts, yuan
from ecops_lib.data.demo.stock import Stock
from ecops_lib.data.demo.trade import Trade
from ecops_lib.data.demo.truths import SupplierFaults
from ecops_lib.data.demo.world import Flags, Ints, World

PAYMENT_DAYS = (30, 45, 30, 60, 0, 30, 0)
MINIMUM = (200_000, 300_000, 100_000, 300_000, 50_000, 150_000, 50_000)
"""Least amount of an order, in cents."""
ORDER_COST = 8_000
"""Cents that placing an order costs."""
PACK = (10, 6, 12, 4, 20, 6)
STORAGE = 4
"""The category of which the newcomer delivers."""
QUOTED = (*LEAD_DAYS, LEAD_DAYS[STORAGE])
"""Lead days that each supplier quotes, the newcomer's last."""
SECOND = 1
"""A second source is the supplier so many places on, or the newcomer."""
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
    sku = np.flatnonzero(is_stocked(world))
    own = goods.category[goods.sku_product]
    twice = sku[sku % TWICE == 0] if faults else sku[:0]
    skus = np.concatenate([sku, twice])
    other = np.where(own == STORAGE, len(SUPPLIERS), (own + SECOND) % len(SUPPLIERS))
    source = np.concatenate([own[sku], other[twice]])
    factor = np.concatenate(
        [np.ones(len(sku)), np.full(len(twice), 1 + (faults.dearer if faults else 0))]
    )
    cost = np.round(goods.costs[goods.sku_product[skus]] * factor).astype(np.int64)
    pack = np.array(PACK)[own[skus]]
    idle, names = world.truths.idle_stock, supplier_names(world)
    dead = [idle.dead] if idle else []
    return Sheet(
        file="采购条件",
        table="sourcing",
        columns={
            "sku_id": ("SKU编码", [goods.sku_codes[k] for k in skus] + dead),
            "supplier_id": (
                "供应商",
                [names[k] for k in source] + [SUPPLIERS[STORAGE]] * len(dead),
            ),
            "unit_cost": (
                "单价",
                yuan(np.append(cost, [idle.dead_cost] if idle else []).astype(int)),
            ),
            "minimum_quantity": ("起订量", texts(2 * pack) + ["1"] * len(dead)),
            "pack_size": ("箱规", texts(pack) + ["1"] * len(dead)),
            "lead_days": ("交期(天)", texts(np.array(QUOTED)[source]) + ["30"] * len(dead)),
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


def tell_suppliers(
    world: World, stock: Stock, trade: Trade, claims: Claims
) -> dict[str, object] | None:
    """What each supplier's deliveries were, as planted and as they came out."""
    faults = world.truths.suppliers
    if faults is None:
        return None
    asked = _promises(world, stock.purchases)
    sent_back = claims.stage == STAGES_OF_CLAIMS.index("after_receipt")
    maker = world.catalogue.category[trade.lines.product[claims.line]]
    told = {
        name: {
            **_planted(faults, k),
            **_came(world, stock.purchases, asked, k),
            "claims_after_receipt": int((sent_back & (maker == k)).sum()),
            "quality_claims": int((sent_back & (maker == k) & (claims.reason == QUALITY)).sum()),
        }
        for k, name in enumerate(supplier_names(world))
    }
    open_late = (stock.purchases.arrives >= len(world.days)) & (asked.due < len(world.days) - 1)
    return {
        "by_supplier": told,
        "lateness": {"shape": LATE_SHAPE, "days": LATE_DAYS, "most": SLACK_DAYS - 2},
        "slow": SUPPLIERS[faults.slow],
        "faulty": SUPPLIERS[faults.faulty],
        "complaints": faults.complaints,
        "short": SUPPLIERS[int(np.argmax(faults.short))],
        "newcomer": faults.newcomer,
        "open_orders": int((stock.purchases.arrives >= len(world.days)).sum()),
        "overdue": int(open_late.sum()),
    }


def _planted(faults: SupplierFaults, number: int) -> dict[str, object]:
    """Parameters of a supplier; the newcomer has none."""
    if number >= len(SUPPLIERS):
        return {"lead_quoted": QUOTED[number]}
    return {
        "lead_quoted": QUOTED[number],
        "drag": faults.drag[number],
        "slack": faults.slack[number],
        "short_chance": faults.short[number],
        "reject_chance": faults.rejects[number],
    }


def _came(world: World, bought: Purchases, asked: Promises, number: int) -> dict[str, object]:
    """What came from a supplier, as it came out."""
    held = (bought.arrives < len(world.days)) & (asked.supplier == number)
    lead = (bought.arrives - bought.ordered)[held]
    return {
        "deliveries": int(held.sum()),
        "late": int((held & (bought.arrives > asked.due)).sum()),
        "short": int((held & (asked.ordered > bought.quantity)).sum()),
        "rejected": int(asked.rejected[held].sum()),
        "units": int(asked.ordered[held].sum()),
        "lead_mean": round(float(lead.mean()), 2) if len(lead) else None,
        "lead_sd": round(float(lead.std()), 2) if len(lead) else None,
    }
