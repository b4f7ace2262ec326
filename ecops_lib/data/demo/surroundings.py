"""What is around the shop: rivals, the industry, the shop's own diary, its targets."""

from __future__ import annotations

import datetime as dt
from dataclasses import asdict

import numpy as np

from ecops_lib.data.demo.catalogue import CATEGORIES
from ecops_lib.data.demo.editions import find_editions
from ecops_lib.data.demo.incidents import diary_rows, find_incidents
from ecops_lib.data.demo.season import GROWTH, Season
from ecops_lib.data.demo.sheets import Sheet, day_texts, texts, yuan
from ecops_lib.data.demo.traffic import Traffic
from ecops_lib.data.demo.truths import MarketMoves
from ecops_lib.data.demo.world import Floats, World

COMPETITORS = ("清风茶居", "素木生活馆", "岚山家物", "一叶小铺")
RIVALS = 8
"""Items watched at each competitor; together they rival our products of rank 0 to 31."""
WATCH_DAYS = 180
PHASES = {
    "presale": "预售",
    "opening": "开门红",
    "warmup": "预热",
    "burst": "爆发",
    "encore": "返场",
}
SEARCH_TERMS = ("红茶", "茶具套装", "无火香薰", "四件套", "收纳箱", "铸铁锅")
TARGET_STRETCH = 1.05


def make_competitors_sheet(world: World) -> Sheet:
    """Daily snapshots of the items that rival ours."""
    rng = world.rng("competitors")
    count = min(WATCH_DAYS, len(world.days))
    ours = np.arange(len(COMPETITORS) * RIVALS)
    goods = world.catalogue
    base = goods.prices[ours] * rng.uniform(0.85, 1.15, len(ours))
    promoted = rng.random((count // 7 + 1, len(ours)))[np.arange(count) // 7] < 0.12
    price = np.round(base * np.where(promoted, 0.92, 1.0) / 100).astype(np.int64) * 100
    if cut := world.truths.competitor_cut:
        price[count - 1 - cut.begins :, cut.product] = (
            round(base[cut.product] * cut.factor / 100) * 100
        )
    for one in find_incidents(world):
        if one.cause == "competitor" and one.begins < count:
            days = slice(count - 1 - one.begins, count - 1 - one.begins + one.days)
            price[days, one.product] = round(base[one.product] * 0.75 / 100) * 100
    sold = rng.poisson(np.full((count, len(ours)), 9.0)).cumsum(axis=0) + rng.integers(
        200, 9000, len(ours)
    )
    reviews = sold // 6
    day, item = (a.ravel() for a in np.indices((count, len(ours))))
    start = len(world.days) - count
    return Sheet(
        file="竞品监控",
        table="competitor_items",
        columns={
            "day": ("日期", day_texts(world, day + start)),
            "competitor": ("店铺", [COMPETITORS[k % len(COMPETITORS)] for k in item]),
            "item_id": ("竞品ID", [str(790_000_000_000 + 7919 * k) for k in item]),
            "title": ("竞品标题", [f"同款 {goods.names[k]}" for k in item]),
            "category": ("类目", [CATEGORIES[goods.category[k]] for k in item]),
            "our_product_id": ("对应本店商品ID", [goods.ids[k] for k in item]),
            "price": ("到手价", yuan(price.ravel())),
            "list_price": ("标价", yuan(np.round(base / 100).astype(np.int64)[item] * 120)),
            "sales_counter": ("已售", texts(sold.ravel())),
            "review_count": ("评价数", texts(reviews.ravel())),
            "rating": ("评分", ["4.8"] * len(item)),
        },
    )


def make_market_sheet(world: World, season: Season) -> Sheet:
    """The industry's index by category, and searches for its main words."""
    rng = world.rng("market")
    count = len(world.days)
    level = season.visitors[:, None] * rng.normal(1, 0.02, (count, len(CATEGORIES)))
    index = np.round(level * (8000 + 900 * np.arange(len(CATEGORIES))), 1)
    searches = np.round(level * rng.normal(1, 0.03, level.shape) * 21000, 0)
    names = [("行业访客指数", category) for category in CATEGORIES]
    names += [(f"搜索词:{w}", c) for w, c in zip(SEARCH_TERMS, CATEGORIES, strict=True)]
    values = np.concatenate([index, searches], axis=1)
    if moves := world.truths.market_moves:
        values, names = _moved(world, moves, values, names)
    day, column = (a.ravel() for a in np.indices(values.shape))
    return Sheet(
        file="行业大盘",
        table="market",
        columns={
            "day": ("日期", day_texts(world, day)),
            "series": ("指标", [names[k][0] for k in column]),
            "category": ("行业类目", [names[k][1] for k in column]),
            "value": ("指数", texts(values.ravel())),
        },
    )


def _moved(
    world: World, moves: MarketMoves, values: Floats, names: list[tuple[str, str]]
) -> tuple[Floats, list[tuple[str, str]]]:
    """The figures with a level shift, a term that fades and a new one that grows."""
    years = (np.arange(len(values)) - len(values) + 1) / 365
    held = values.copy()
    held[world.index(moves.begins) :, names.index(("行业访客指数", moves.category))] *= moves.factor
    fading = SEARCH_TERMS.index(moves.falling)
    held[:, len(CATEGORIES) + fading] *= moves.fall ** (years + 1)
    noise = world.rng("market-moves").normal(1, 0.03, len(values))
    grown = np.round(values[:, len(CATEGORIES)] * noise * moves.rise**years * 0.3, 0)
    told = [*names, (f"搜索词:{moves.rising}", CATEGORIES[0])]
    return np.round(np.hstack([held, grown[:, None]]), 1).astype(np.float64), told


def tell_market(world: World) -> dict[str, object] | None:
    """What was planted in the industry's figures, for ``truths.json``."""
    moves = world.truths.market_moves
    if moves is None:
        return None
    return {**asdict(moves), "from": str(world.day_of(moves.begins)), "growth": 1 + GROWTH}


def make_events_sheet(world: World, season: Season) -> Sheet:
    """The shop's diary: campaigns by phase, price changes, coupons, listings, rules."""
    rows = [
        {
            "kind": "campaign",
            "name": f"{campaign.name}{PHASES[phase]}",
            "starts_on": start,
            "ends_on": end,
            "note": campaign.campaign_id,
        }
        for campaign in season.campaigns
        for phase, (start, end) in campaign.phases.items()
    ]
    rows += [
        {
            "kind": "campaign",
            "name": f"{edition.name.split()[0]}{PHASES[phase] if edition.warmup else ''}",
            "starts_on": start,
            "ends_on": end,
            "note": edition.campaign_id,
        }
        for edition in find_editions(world)
        for phase, (start, end) in edition.phases.items()
    ]
    rows += _diary(world) + _planted(world) + diary_rows(world)
    rows.sort(key=lambda row: (row["starts_on"], row["kind"], row["name"]))
    names = {
        "kind": "类型",
        "name": "事件",
        "starts_on": "开始日期",
        "ends_on": "结束日期",
        "product_id": "商品ID",
        "channel": "渠道",
        "before": "变更前",
        "after": "变更后",
        "note": "备注",
    }
    cells = {name: [str(row.get(name, "")) for row in rows] for name in names}
    return Sheet(
        file="店铺大事记",
        table="shop_events",
        columns={
            "event_id": ("事件编号", [f"E{k + 1:03d}" for k in range(len(rows))]),
            **{name: (header, cells[name]) for name, header in names.items()},
        },
    )


def _diary(world: World) -> list[dict[str, object]]:
    """Ordinary entries that explain nothing of the last days."""
    quarter = len(world.days) // 4
    moments = [world.first_day + dt.timedelta(days=quarter * k + 11) for k in range(4)]
    entries = (
        ("coupon", "新客券 满99减10", 30, ""),
        ("listing", "详情页改版", 0, world.catalogue.ids[7]),
        ("rule", "平台运费险规则调整", 0, ""),
        ("outage", "仓库系统升级", 0, ""),
    )
    return [
        {
            "kind": kind,
            "name": name,
            "starts_on": day,
            "ends_on": day + dt.timedelta(days=days),
            "product_id": product,
        }
        for day, (kind, name, days, product) in zip(moments, entries, strict=True)
    ]


def _planted(world: World) -> list[dict[str, object]]:
    drop = world.truths.conversion_drop
    if drop is None or not drop.price_change:
        return []
    before = int(world.catalogue.prices[drop.product]) / 100
    day = world.day_of(drop.begins)
    return [
        {
            "kind": "price",
            "name": "上调售价" if drop.price_factor > 1 else "下调售价",
            "starts_on": day,
            "ends_on": day,
            "product_id": world.catalogue.ids[drop.product],
            "before": f"{before:.2f}",
            "after": f"{round(before * drop.price_factor):.2f}",
        }
    ]


def make_targets_sheet(world: World, season: Season, traffic: Traffic) -> Sheet:
    """Targets by day, set from the year's mean and the calendar, not from what came."""
    shop = traffic.shop
    shape = season.visitors * season.conversion
    paid = shop.paid_amount[:, 0].sum() / shape.sum() * shape * TARGET_STRETCH
    visitors = shop.visitors[:, 0].sum() / season.visitors.sum() * season.visitors * TARGET_STRETCH
    rate = shop.paying_buyers[:, 0].sum() / shop.visitors[:, 0].sum() * season.conversion
    columns = {
        "paid_amount": np.round(paid / 10000) * 100,
        "visitors": np.round(visitors / 10) * 10,
        "conversion_rate": np.round(rate, 4),
    }
    count = len(world.days)
    return Sheet(
        file="目标表",
        table="targets",
        columns={
            "day": ("日期", day_texts(world, np.tile(np.arange(count), len(columns)))),
            "metric": ("指标", np.repeat(list(columns), count).tolist()),
            "value": ("目标值", texts(np.concatenate(list(columns.values())))),
        },
    )
