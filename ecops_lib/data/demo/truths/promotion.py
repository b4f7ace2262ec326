"""What creators bring and cost, and what single keywords do."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class Creator:
    """A creator and the sessions, spread evenly over the last year.

    Attributes:
        creator_id: As orders name the creator.
        name: What the creator is called.
        kind: ``live`` or ``video``.
        sessions: How many in a year.
        products: Ranks of the products shown, in turn.
        orders: Orders that a session brings on top of the usual ones.
        fee: Slot fee in cents.
        commission: Share of what was paid, net of refunds.
        returns: Share of the lines received that are claimed; None for the usual.
    """

    creator_id: str
    name: str
    kind: str
    sessions: int
    products: tuple[int, ...]
    orders: float
    fee: int
    commission: float
    returns: float | None = None


CREATORS = (
    Creator(
        creator_id="D001",
        name="示例主播小满",
        kind="live",
        sessions=26,
        products=(3, 9, 33),
        orders=3.6,
        fee=5000,
        commission=0.1,
    ),
    Creator(
        creator_id="D002",
        name="示例主播阿北",
        kind="live",
        sessions=24,
        products=(16, 22, 28),
        orders=4.0,
        fee=10000,
        commission=0.15,
        returns=0.4,
    ),
    Creator(
        creator_id="D003",
        name="示例主播大川",
        kind="live",
        sessions=12,
        products=(14, 26),
        orders=2.5,
        fee=150000,
        commission=0.2,
    ),
    Creator(
        creator_id="D004",
        name="示例达人禾子",
        kind="video",
        sessions=18,
        products=(10, 34, 46),
        orders=3.0,
        fee=0,
        commission=0.12,
    ),
    Creator(
        creator_id="D005",
        name="示例主播青禾",
        kind="live",
        sessions=14,
        products=(5, 50),
        orders=2.5,
        fee=15000,
        commission=0.12,
    ),
    Creator(
        creator_id="D006",
        name="示例达人新芽",
        kind="video",
        sessions=3,
        products=(52,),
        orders=1.5,
        fee=3000,
        commission=0.15,
    ),
)


@dataclass(frozen=True, kw_only=True)
class CreatorSessions:
    """Creators who show the shop's products, and what they truly bring.

    Attributes:
        creators: Who.
    """

    creators: tuple[Creator, ...] = CREATORS


@dataclass(frozen=True, kw_only=True)
class Keyword:
    """A search word that a keyword plan bids on for one product.

    Attributes:
        word: The word.
        product: Rank of the product.
        clicks: Share of the product's ad clicks, as a weight.
        conversion: Conversion relative to the product's other words.
        price: Cost of a click relative to them.
        kind: ``wasteful``, ``starved``, ``young`` (ten clicks, no order yet) or empty.
    """

    word: str
    product: int
    clicks: float
    conversion: float = 1.0
    price: float = 1.0
    kind: str = ""


WORDS = (
    Keyword(word="快客杯 旅行", product=1, clicks=30),
    Keyword(word="旅行茶具", product=1, clicks=22),
    Keyword(word="汝窑茶具", product=1, clicks=14, conversion=1.2),
    Keyword(word="茶具", product=1, clicks=30, conversion=0.02, price=1.6, kind="wasteful"),
    Keyword(word="汝窑快客杯 一壶三杯", product=1, clicks=4, conversion=8.0, kind="starved"),
    Keyword(word="四件套 水洗棉", product=3, clicks=30),
    Keyword(word="全棉四件套", product=3, clicks=26),
    Keyword(word="床单", product=3, clicks=34, conversion=0.02, price=1.5, kind="wasteful"),
    Keyword(word="1.8m 床品", product=3, clicks=10),
    Keyword(word="收纳箱 大号", product=4, clicks=40),
    Keyword(word="折叠收纳箱", product=4, clicks=30, conversion=1.2),
    Keyword(word="衣物收纳", product=4, clicks=20, conversion=0.8),
    Keyword(word="收纳箱 66L 两只装", product=4, clicks=3, conversion=9.0, kind="starved"),
    Keyword(word="珐琅锅", product=5, clicks=40),
    Keyword(word="铸铁锅 24cm", product=5, clicks=30, conversion=1.2),
    Keyword(word="炖锅", product=5, clicks=30, conversion=0.7),
    Keyword(word="龙井", product=6, clicks=40),
    Keyword(word="雨前龙井", product=6, clicks=30, conversion=1.3),
    Keyword(word="绿茶 送礼", product=6, clicks=30, conversion=0.8),
    Keyword(word="公道杯", product=7, clicks=45),
    Keyword(word="玻璃公道杯", product=7, clicks=35, conversion=1.2),
    Keyword(word="分茶器", product=7, clicks=20, conversion=0.8),
    Keyword(word="檀香", product=8, clicks=40),
    Keyword(word="线香 室内", product=8, clicks=30, conversion=1.1),
    Keyword(word="香", product=8, clicks=45, conversion=0.02, price=1.4, kind="wasteful"),
    Keyword(word="老山檀香 线香", product=8, clicks=4, conversion=7.0, kind="starved"),
    Keyword(word="乳胶枕", product=9, clicks=40),
    Keyword(word="颗粒乳胶枕", product=9, clicks=30, conversion=1.2),
    Keyword(word="枕头 护颈", product=9, clicks=30, conversion=0.8),
    Keyword(word="内衣收纳盒", product=10, clicks=60),
    Keyword(word="抽屉分隔", product=10, clicks=40),
    Keyword(word="九格收纳 新词", product=10, clicks=0, kind="young"),
    Keyword(word="不粘煎锅", product=11, clicks=40),
    Keyword(word="麦饭石煎锅", product=11, clicks=35, conversion=1.1),
    Keyword(word="煎锅 26cm", product=11, clicks=25),
)


@dataclass(frozen=True, kw_only=True)
class Keywords:
    """Words of the keyword plans, and how their spending pays.

    Attributes:
        words: The words.
        young_clicks: Clicks of the young word, none of which has led to an order.
        elasticity: Visits (and orders) that a plan brings grow with this power of its spend.
        levels: Weekly levels of a plan's spend, each as likely, as a multiple of the usual.
    """

    words: tuple[Keyword, ...] = field(default=WORDS)
    young_clicks: int = 10
    elasticity: float = 0.5
    levels: tuple[float, ...] = (0.35, 0.6, 0.95, 1.4, 2.1)
