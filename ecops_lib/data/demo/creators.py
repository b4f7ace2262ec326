"""The sheet of the creators' sessions, and what each creator truly brought and cost."""

from __future__ import annotations

from dataclasses import asdict

import numpy as np

from ecops_lib.data.demo.claims import AFTER_RECEIPT, Claims
from ecops_lib.data.demo.fulfilment import Fulfilment
from ecops_lib.data.demo.returns import of_creator
from ecops_lib.data.demo.sessions import VIEWERS_EACH, creators_of
from ecops_lib.data.demo.sheets import PLATFORM, Sheet, stamps, texts, yuan
from ecops_lib.data.demo.trade import Trade
from ecops_lib.data.demo.world import HOUR, World, add_seconds


def make_sessions_sheet(world: World, trade: Trade) -> Sheet:
    """One row a session; what the platform tells as paid counts what was placed."""
    sessions, creators = trade.sessions, creators_of(world)
    rng = world.rng("viewers")
    whose = [creators[k] for k in sessions.creator.tolist()]
    orders = trade.orders
    brought = np.append(np.zeros(len(sessions), np.int64), 0)
    np.add.at(brought, orders.session, orders.total)
    viewers = rng.poisson(VIEWERS_EACH * (sessions.orders + 2.0))
    return Sheet(
        file="达人合作台账",
        table="live_sessions",
        columns={
            "session_id": ("场次编号", [f"L{k + 1:04d}" for k in range(len(sessions))]),
            "creator_id": ("达人编号", [c.creator_id for c in whose]),
            "creator_name": ("达人", [c.name for c in whose]),
            "kind": ("形式", [c.kind for c in whose]),
            "started_at": ("开始时间", stamps(sessions.started_at)),
            "ended_at": (
                "结束时间",
                stamps(add_seconds(sessions.started_at, sessions.hours * HOUR)),
            ),
            "product_id": ("商品ID", [world.catalogue.ids[k] for k in sessions.product.tolist()]),
            "slot_fee": ("坑位费", yuan(np.array([c.fee for c in whose], np.int64))),
            "commission_rate": ("佣金比例", [str(c.commission) for c in whose]),
            "viewers": ("观看人数", texts(viewers)),
            "paid_amount": ("引导支付金额", yuan(brought[:-1])),
        },
        constants={"platform": PLATFORM},
    )


def tell_creators(
    world: World, trade: Trade, done: Fulfilment, claims: Claims
) -> list[dict[str, object]] | None:
    """What was planted of each creator, and how it came out."""
    if world.truths.creators is None:
        return None
    orders, lines, sessions = trade.orders, trade.lines, trade.sessions
    paid = ~np.isnat(orders.paid_at)
    late = np.zeros(len(lines), bool)
    late[claims.line[claims.stage == AFTER_RECEIPT]] = True
    got = ~np.isnat(done.delivered_at)[lines.order]
    told: list[dict[str, object]] = []
    for number, creator in enumerate(creators_of(world)):
        mine = of_creator(trade, number)
        own = mine[lines.order] & got
        kept = (orders.total - done.refunded)[mine & paid]
        cost = (world.catalogue.costs[lines.product] * lines.quantity)[(mine & paid)[lines.order]]
        fees = int((sessions.creator == number).sum()) * creator.fee
        commission = creator.commission * int(kept.sum())
        told.append(
            {
                **asdict(creator),
                "products": list(creator.products),
                "product_ids": [world.catalogue.ids[k] for k in creator.products],
                "held": int((sessions.creator == number).sum()),
                "orders_on_top": int(mine.sum()),
                "orders_paid": int((mine & paid).sum()),
                "paid_amount": int(orders.total[mine & paid].sum()) / 100,
                "net_amount": int(kept.sum()) / 100,
                "goods_cost": int(cost.sum()) / 100,
                "slot_fees": fees / 100,
                "commission_amount": round(commission / 100, 2),
                "lines_received": int(own.sum()),
                "claimed_after_receipt": int((own & late).sum()),
                "left": round((int(kept.sum()) - int(cost.sum()) - fees - commission) / 100, 2),
            }
        )
    return told
