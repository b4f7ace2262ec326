"""Competitors' whole shops, day by day, as a scraper sees them: nobody says which items are ours.

Two of them sell the same twelve products of ours, and one cuts their prices some days after the
other; a third brings out new items, the last one takes some off.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ecops_lib.data.demo.catalogue import CATEGORIES
from ecops_lib.data.demo.sheets import Sheet, day_texts, texts, yuan
from ecops_lib.data.demo.surroundings import COMPETITORS, WATCH_DAYS
from ecops_lib.data.demo.world import World

Ints = NDArray[np.int64]
SHARED = range(32, 44)
"""Ranks of our products that the leader and the follower both sell."""
LEADER, FOLLOWER, LAUNCHING, LEAVING = range(4)
CUT_DAYS = 4
WORDS = ("正品 包邮", "家用 送礼", "新款", "旗舰店")
OWN: tuple[tuple[str, str, int], ...] = tuple(
    (f"{kind} {variant}", category, price)
    for category, price, kind, variants in (
        ("厨房", 99, "保温杯 316不锈钢", ("350ml", "500ml", "750ml")),
        ("茶叶", 68, "咖啡豆 意式拼配", ("227g", "454g", "1kg")),
        ("茶叶", 45, "挂耳咖啡 黑咖啡", ("10袋", "20袋", "40袋")),
        ("家纺", 89, "瑜伽垫 防滑 加长", ("6mm", "8mm", "10mm")),
        ("收纳", 39, "垃圾桶 脚踏 静音", ("8L", "12L", "20L")),
        ("厨房", 59, "菜板 双面 抗菌", ("小号", "中号", "大号")),
        ("香薰", 79, "洗衣凝珠 留香", ("20颗", "52颗", "100颗")),
        ("家纺", 129, "窗帘轨道 静音 铝合金", ("1米", "2米", "3米")),
        ("收纳", 49, "洞洞板 免打孔 白色", ("2片", "4片", "6片")),
        ("厨房", 159, "空气炸锅 家用", ("3L", "5L", "7L")),
        ("茶叶", 35, "蜂蜜 百花", ("250g", "500g", "1kg")),
        ("厨房", 25, "保鲜袋 食品级", ("100只", "200只", "300只")),
        ("家纺", 69, "地垫 硅藻泥 吸水", ("40cm", "60cm", "80cm")),
        ("香薰", 29, "除湿袋 可挂式", ("5袋", "10袋", "20袋")),
        ("收纳", 119, "衣帽架 落地 实木", ("1根", "2根", "3根")),
        ("厨房", 89, "砂锅 陶瓷 炖汤", ("1.5L", "3L", "5L")),
    )
    for variant in variants
)
"""What they sell and we do not: title, category, price in yuan."""
EACH = len(OWN) // len(COMPETITORS)


@dataclass(frozen=True, kw_only=True, eq=False)
class RivalItems:
    """Items of the competitors' shops.

    Attributes:
        seller: Competitor of each.
        product: Rank of our product that it is; −1 for none.
        first: First day of the watch on which it is listed.
        last: Last one.
        price: Prices in fen (days, items).
        cuts: Begin of each planted cut (leader's), by place of the shared product.
    """

    seller: Ints
    product: Ints
    first: Ints
    last: Ints
    price: Ints
    cuts: Ints

    @property
    def count(self) -> int:
        """How many items there are."""
        return len(self.seller)


def make_rivals(world: World) -> RivalItems:
    """The items, their days and prices; without the truth nobody moves first or comes and goes."""
    rng = world.rng("rivals")
    days, plant = min(WATCH_DAYS, len(world.days)), world.truths.rivals
    shared = np.array(SHARED)
    seller = np.concatenate([
        np.full(len(shared), LEADER), np.full(len(shared), FOLLOWER),
        np.repeat(np.arange(len(COMPETITORS)), EACH),
    ])  # fmt: skip
    product = np.concatenate([shared, shared, np.full(len(OWN), -1)])
    own = np.array([price * 100 for _, _, price in OWN])
    base = np.concatenate([world.catalogue.prices[shared]] * 2 + [own])
    base = base * rng.uniform(0.85, 1.1, len(base))
    promoted = rng.random((days // 7 + 1, len(base)))[np.arange(days) // 7] < 0.06
    factor = np.where(promoted, 0.92, 1.0)
    first, last = np.zeros(len(base), np.int64), np.full(len(base), days - 1)
    cuts = np.zeros((len(shared), 0), np.int64)
    if plant:
        factor[:, : 2 * len(shared)] = 1.0
        cuts = _begins(rng, len(shared), days, plant.cuts, plant.lag)
        for place in range(len(shared)):
            for begin in cuts[place]:
                for item, day in ((place, begin), (len(shared) + place, begin + plant.lag)):
                    factor[day : day + CUT_DAYS, item] = 1 - plant.depth
        new, gone = (np.flatnonzero((seller == who) & (product < 0))[: plant.items]
                     for who in (LAUNCHING, LEAVING))  # fmt: skip
        first[new] = days - rng.integers(8, min(40, days - 2), len(new))
        last[gone] = days - rng.integers(15, min(40, days - 2), len(gone))
    price = np.round(base * factor / 100).astype(np.int64) * 100
    return RivalItems(
        seller=seller, product=product, first=first, last=last, price=price, cuts=cuts
    )


def _begins(rng: np.random.Generator, items: int, days: int, count: int, lag: int) -> Ints:
    """First days of the leader's cuts: so many an item, none touching another."""
    room = CUT_DAYS + lag + 2
    slots = np.arange(2, days - room, room)
    count = min(count, len(slots))
    picked = [np.sort(rng.choice(slots, count, replace=False)) for _ in range(items)]
    return np.array(picked, np.int64).reshape(items, count)


def make_rivals_sheet(world: World) -> Sheet:
    """Daily snapshots of the competitors' whole shops; some counters are missing or start anew."""
    items, rng = make_rivals(world), world.rng("rivals-counters")
    days = len(items.price)
    day, item = (axis.ravel() for axis in np.indices(items.price.shape))
    listed = (day >= items.first[item]) & (day <= items.last[item])
    day, item = day[listed], item[listed]
    sold = rng.poisson(np.full(items.price.shape, 4.0)).cumsum(axis=0) + rng.integers(
        100, 3000, items.count
    )
    sold[days // 2 :, items.seller == LEAVING] -= sold[days // 2, items.seller == LEAVING]
    counter = texts(sold[day, item])
    blank = rng.random(len(day)) < 0.02
    return Sheet(
        file="竞店全店监控",
        table="competitor_items",
        columns={
            "day": ("日期", day_texts(world, day + len(world.days) - days)),
            "competitor": ("店铺", [COMPETITORS[items.seller[k]] for k in item]),
            "item_id": ("商品ID", [rival_id(int(k)) for k in item]),
            "title": ("标题", [_title(world, items, int(k)) for k in item]),
            "category": ("类目", [_category(world, items, int(k)) for k in item]),
            "price": ("到手价", yuan(items.price[day, item])),
            "sales_counter": ("已售", np.where(blank, "", counter).tolist()),
            "review_count": ("评价数", texts(sold[day, item] // 5)),
            "rating": ("评分", ["4.7"] * len(day)),
        },
    )


def rival_id(place: int) -> str:
    """Id of an item of the competitors' shops."""
    return str(791_000_000_000 + 6007 * int(place))


def _own(items: RivalItems, place: int) -> tuple[str, str, int]:
    return OWN[place - (items.count - len(OWN))]


def _title(world: World, items: RivalItems, place: int) -> str:
    """Our product in other words and order, or a title of their own."""
    rank, words = int(items.product[place]), WORDS[items.seller[place]]
    if rank < 0:
        return f"{_own(items, place)[0]} {words}"
    head, *rest = world.catalogue.names[rank].split(" ")
    return f"{words} {' '.join(rest)} {head}"


def _category(world: World, items: RivalItems, place: int) -> str:
    rank = int(items.product[place])
    return _own(items, place)[1] if rank < 0 else CATEGORIES[world.catalogue.category[rank]]


def tell_rivals(world: World) -> dict[str, object] | None:
    """What is planted: matches, who leads, what was launched and taken off."""
    plant = world.truths.rivals
    if plant is None:
        return None
    items = make_rivals(world)
    start = len(world.days) - len(items.price)

    def named(places: NDArray[np.int64], days: Ints) -> list[dict[str, str]]:
        return [
            {"competitor": COMPETITORS[items.seller[k]], "item_id": rival_id(int(k)),
             "day": str(world.day_of(start + int(days[k])))} for k in places
        ]  # fmt: skip

    return {
        "matches": [
            {"competitor": COMPETITORS[items.seller[k]], "item_id": rival_id(int(k)),
             "product_id": world.catalogue.ids[items.product[k]]}
            for k in np.flatnonzero(items.product >= 0)
        ],
        "price_leader": {
            "leader": COMPETITORS[LEADER], "follower": COMPETITORS[FOLLOWER], "lag": plant.lag,
            "depth": plant.depth, "cuts": int(items.cuts.size),
        },
        "launches": named(np.flatnonzero(items.first > 0), items.first),
        "delistings": named(np.flatnonzero(items.last < len(items.price) - 1), items.last),
    }  # fmt: skip
