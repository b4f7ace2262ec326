"""What customers say: reviews with their stars, and cases of the service desk."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ecops_lib.data.demo.claims import Claims
from ecops_lib.data.demo.fulfilment import Fulfilment
from ecops_lib.data.demo.incidents import find_incidents
from ecops_lib.data.demo.sheets import PLATFORM, Sheet, day_texts, order_ids, stamps, texts
from ecops_lib.data.demo.trade import Trade
from ecops_lib.data.demo.traffic import Traffic
from ecops_lib.data.demo.world import HOUR, Ints, Times, World, add_seconds

REVIEW_SHARE = 0.17
"""Share of lines received that are reviewed."""
ENQUIRY_SHARE = 0.013
STARS = (0.03, 0.03, 0.05, 0.13, 0.76)
STARS_OF_CLAIMED = (0.35, 0.25, 0.2, 0.12, 0.08)
PRAISE = (
    "很好喝，回购第三次了",
    "包装用心，送人很体面",
    "物流很快，第二天就到了",
    "质量不错，和描述一致",
    "颜值高，家里人都喜欢 😊",
    "客服耐心，推荐购买",
    "性价比高，活动价更划算",
    "Good value, will buy again",
    "做工精细，没有异味",
    "<b>好评</b><script>alert('review')</script>",
)
MIXED = ("还可以，没有想象中好", "一般般，价格偏高", "物流慢了两天，东西尚可", "尺寸比想的小一点")
BLAME = (
    "收到就是破的，包装太薄",
    "有异味，不敢用",
    "和描述不符，色差大",
    "用了两次就坏了，质量差",
    "少发了一件，客服不理人",
    '=HYPERLINK("http://example.invalid","退款")',
)
PRICE_BLAME = ("刚买完就涨价，太坑了", "涨价了味道还变差", "价格涨了质量没跟上，失望", "不值这个价")
PRICE_PRAISE = ("降价了，太划算了", "这个价格很值，囤货了", "比上次便宜，味道一样好")
SMELL_BLAME = (
    "打开一股刺鼻的味道，晾了三天还有",
    "塑料味太重，不敢放衣服",
    "Strong chemical smell, had to air it for days",
    "有异味，孩子闻了头晕",
    "The smell is awful, cannot use it indoors",
    "气味很冲，客服说放放就好，没用",
)
LOW_RATINGS = 12
"""Reviews of one or two stars before an earlier fall of conversion."""
TOPICS = ("商品咨询", "优惠活动", "发货时间", "物流查询", "退换货", "发票")


def make_reviews(world: World, trade: Trade, done: Fulfilment, claims: Claims) -> Sheet:
    """Reviews of what was received; the planted ones speak of the price."""
    rng = world.rng("reviews")
    got = done.delivered_at[trade.lines.order]
    written = add_seconds(got, rng.exponential(3 * 24 * HOUR, len(got)) + HOUR)
    line = np.flatnonzero((written < world.now) & (rng.random(len(got)) < REVIEW_SHARE))
    when = written[line]
    stars = rng.choice(5, len(line), p=STARS) + 1
    claimed = np.isin(line, claims.line)
    stars[claimed] = rng.choice(5, int(claimed.sum()), p=STARS_OF_CLAIMED) + 1
    pools = (BLAME, BLAME, MIXED, PRAISE, PRAISE)
    words = [pools[s - 1][k % len(pools[s - 1])] for s, k in _picks(rng, stars)]
    more = (_planted(world, trade, got), *_earlier(world, trade, got), _defect(world, trade, got))
    for extra, moments, rates, said in more:
        line, when = np.concatenate([line, extra]), np.concatenate([when, moments])
        stars, words = np.concatenate([stars, rates]), words + said
    order = np.argsort(when, kind="stable")
    return _review_sheet(
        world, trade, line[order], when[order], stars[order], [words[k] for k in order]
    )


def _picks(rng: np.random.Generator, stars: Ints) -> list[tuple[int, int]]:
    return list(zip(stars.tolist(), rng.integers(0, 60, len(stars)).tolist(), strict=True))


def _planted(world: World, trade: Trade, got: Times) -> tuple[Ints, Times, Ints, list[str]]:
    """The reviews that come with the change of conversion: lines, moments, stars, words."""
    drop = world.truths.conversion_drop
    none = np.zeros(0, np.int64)
    if drop is None:
        return none, np.zeros(0, "datetime64[s]"), none, []
    rng = world.rng("planted reviews")
    start = world.now - np.timedelta64(4, "D")
    mine = np.flatnonzero((trade.lines.product == drop.product) & (got < start))[-200:]
    count = min(drop.reviews, len(mine))
    line = np.sort(rng.choice(mine, count, replace=False))
    moments = add_seconds(np.full(count, start), rng.uniform(0, 4 * 24 * HOUR, count))
    falls = drop.factor < 1
    stars = rng.integers(1, 3, count) if falls else np.full(count, 5)
    pool = PRICE_BLAME if falls else PRICE_PRAISE
    return line, moments, stars, [pool[k % len(pool)] for k in range(count)]


def _earlier(
    world: World, trade: Trade, got: Times
) -> Iterator[tuple[Ints, Times, Ints, list[str]]]:
    """Low ratings that came before earlier falls of conversion."""
    rng = world.rng("reviews of incidents")
    for one in find_incidents(world):
        if one.cause != "reviews":
            continue
        start = np.datetime64(world.day_of(one.begins), "s") - np.timedelta64(2, "D")
        mine = np.flatnonzero((trade.lines.product == one.product) & (got < start))[-200:]
        count = min(LOW_RATINGS, len(mine))
        line = np.sort(rng.choice(mine, count, replace=False))
        moments = add_seconds(np.full(count, start), rng.uniform(0, 3 * 24 * HOUR, count))
        words = [BLAME[k % len(BLAME)] for k in range(count)]
        yield line, moments, rng.integers(1, 3, count), words


def _defect(world: World, trade: Trade, got: Times) -> tuple[Ints, Times, Ints, list[str]]:
    """Low ratings of one product that all blame the same."""
    planted = world.truths.review_defect
    if planted is None:
        none = np.zeros(0, np.int64)
        return none, np.zeros(0, "datetime64[s]"), none, []
    rng = world.rng("review defect")
    start = np.datetime64(world.day_of(planted.begins), "s")
    mine = np.flatnonzero((trade.lines.product == planted.product) & (got < start))[-200:]
    count = min(planted.reviews, len(mine))
    line = np.sort(rng.choice(mine, count, replace=False))
    whole = (world.now - start).astype("timedelta64[s]").astype(float)
    moments = add_seconds(np.full(count, start), rng.uniform(0, whole, count))
    words = [SMELL_BLAME[k % len(SMELL_BLAME)] for k in range(count)]
    return line, moments, rng.integers(1, 3, count), words


def _review_sheet(
    world: World, trade: Trade, line: Ints, when: Times, stars: Ints, words: list[str]
) -> Sheet:
    ids = order_ids(trade.orders.created_at)
    return Sheet(
        file="评价导出",
        table="reviews",
        columns={
            "review_id": ("评价ID", [f"R{k + 1:06d}" for k in range(len(line))]),
            "order_id": ("订单编号", [ids[k] for k in trade.lines.order[line]]),
            "product_id": ("商品ID", [world.catalogue.ids[k] for k in trade.lines.product[line]]),
            "created_at": ("评价时间", stamps(when)),
            "rating": ("星级", texts(stars)),
            "text": ("评价内容", words),
        },
        constants={"platform": PLATFORM},
    )


def enquiries(world: World, traffic: Traffic) -> Ints:
    """Visitors who asked the service, by day; each opens one case."""
    return world.rng("enquiries").binomial(traffic.shop.visitors[:, 0], ENQUIRY_SHARE)


def make_enquiries(world: World, traffic: Traffic) -> Sheet:
    """The service desk's count of visitors who asked."""
    asked = enquiries(world, traffic)
    return Sheet(
        file="客服咨询统计",
        table="traffic",
        columns={
            "day": ("日期", day_texts(world, np.arange(len(asked)))),
            "enquiry_visitors": ("咨询人数", texts(asked)),
        },
        constants={"platform": PLATFORM, "scope": "shop", "scope_id": "*"},
    )


def make_tickets(world: World, trade: Trade, traffic: Traffic, claims: Claims) -> Sheet:
    """Enquiries before the sale, and a case for each claim after it."""
    rng = world.rng("tickets")
    asked = enquiries(world, traffic)
    day = np.repeat(np.arange(len(world.days)), asked)
    opened = add_seconds(world.days[day], rng.integers(8 * HOUR, 23 * HOUR, len(day)))
    before = rng.choice(60, len(day), p=world.catalogue.popularity)
    opened = np.concatenate([opened, add_seconds(claims.applied_at, np.full(len(claims), 30))])
    product = np.concatenate([before, trade.lines.product[claims.line]])
    order = np.concatenate([np.full(len(day), -1), trade.lines.order[claims.line]])
    complaint = rng.random(len(order)) < 0.1
    place = np.argsort(opened, kind="stable")
    opened, complaint = opened[place], complaint[place]
    product, order = product[place], order[place]
    wait = np.round(rng.lognormal(np.log(45), 0.8, len(order)), 0).astype(np.int64)
    closed = add_seconds(opened, wait + rng.exponential(5 * HOUR, len(order)))
    closed = np.where(closed < world.now, closed, np.datetime64("NaT", "s"))
    topic = np.where(order >= 0, 4, rng.choice(4, len(order), p=(0.5, 0.2, 0.2, 0.1)))
    kind = np.where(order < 0, "enquiry", np.where(complaint, "complaint", "after-sales"))
    ids = [*order_ids(trade.orders.created_at), ""]
    return Sheet(
        file="客服工单",
        table="tickets",
        columns={
            "ticket_id": ("工单编号", [f"T{k + 1:06d}" for k in range(len(order))]),
            "order_id": ("订单编号", [ids[k] for k in order]),
            "product_id": ("商品ID", [world.catalogue.ids[k] for k in product]),
            "opened_at": ("创建时间", stamps(opened)),
            "first_reply_seconds": ("首次响应时长(秒)", texts(wait)),
            "closed_at": ("关闭时间", stamps(closed)),
            "kind": ("类型", kind.tolist()),
            "topic": ("问题", [TOPICS[k] for k in topic]),
        },
        constants={"platform": PLATFORM},
    )
