"""What the demo shop sells: 60 products of a shop for tea and home, with their variants."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

CATEGORIES = ("茶叶", "茶具", "香薰", "家纺", "收纳", "厨房")
CODES = ("TEA", "SET", "AROMA", "BED", "BOX", "COOK")
SUPPLIERS = ("武夷茶业", "景德瓷坊", "南城香料", "通州布业", "义乌塑品", "阳江五金")
BRAND = "山月小集"

# Name, price in yuan; one line a category, best seller first.
_GOODS: tuple[tuple[tuple[str, int], ...], ...] = (
    (
        ("正山小种红茶 罐装250g", 89),
        ("西湖龙井 雨前新茶 125g", 128),
        ("福鼎白茶 白牡丹饼 300g", 168),
        ("茉莉花茶 飘雪 200g", 69),
        ("凤凰单丛 鸭屎香 150g", 109),
        ("云南普洱熟茶 小青柑 10颗", 79),
        ("桂花乌龙 冷泡茶包 20枚 🍵", 39),
        ("大红袍 武夷岩茶 礼盒", 239),
        ("陈皮白茶 老白茶球 15颗", 99),
        ("玄米茶 日式 袋泡 30包", 29),
    ),
    (
        ("汝窑快客杯 一壶三杯 旅行装", 129),
        ("玻璃公道杯 加厚耐热", 35),
        ("竹制茶盘 储水式 小号", 99),
        ("白瓷盖碗 三才碗 150ml", 45),
        ("紫砂壶 西施 手工 200ml", 368),
        ("煮茶器 养生壶 1L", 199),
        ("茶滤 不锈钢 <script>alert(1)</script>", 19),
        ("锡制茶叶罐 密封 中号", 149),
        ("主人杯 建盏 油滴", 88),
        ("茶席 苎麻 桌旗 30×180cm", 49),
    ),
    (
        ("无火香薰 白茶 200ml", 79),
        ("檀香线香 老山 40支", 59),
        ("大豆蜡烛 雪松 160g", 69),
        ("扩香石 礼盒 送精油", 99),
        ("车载香薰 乌木沉香", 49),
        ("倒流香炉 山水摆件", 89),
        ("衣柜香包 薰衣草 6只", 25),
        ("精油 甜橙 10ml", 39),
        ("电子香炉 恒温 便携", 229),
        ("艾草熏香条 驱味 50支", 29),
    ),
    (
        ("全棉四件套 水洗棉 1.8m", 299),
        ("乳胶枕 颗粒按摩 成人", 139),
        ("冰丝凉席 三件套 折叠", 169),
        ("羊羔绒毛毯 双人 加厚", 119),
        ("纯棉毛巾 家用 5条装", 49),
        ("蚕丝被 春秋 200×230", 499),
        ("床笠 防水隔尿 1.5m", 69),
        ("抱枕 亚麻 腰靠 45cm", 39),
        ("遮光窗帘 北欧 2片", 159),
        ("浴巾 长绒棉 70×140", 59),
    ),
    (
        ("收纳箱 可折叠 66L 两只装", 79),
        ("抽屉分隔盒 9格 内衣", 29),
        ("真空压缩袋 棉被 8件套", 45),
        ("桌面收纳 木质 三层", 69),
        ("厨房置物架 落地 四层", 129),
        ("=cmd|'/C calc'!A0 收纳篮 藤编", 35),
        ("鞋盒 透明 加厚 6只", 59),
        ("衣架 无痕 植绒 30只", 39),
        ("药箱 家庭 大号 分层", 55),
        ("数据线收纳包 便携", 19),
    ),
    (
        ("铸铁珐琅锅 24cm", 329),
        ("不粘煎锅 麦饭石 26cm", 119),
        ("陶瓷餐具 4人食 16件", 159),
        ("硅胶铲勺 套装 5件", 49),
        ("密封罐 五谷杂粮 6只", 45),
        ("砧板 整竹 抗菌", 69),
        ("厨房剪刀 强力 鸡骨剪", 29),
        ("隔热手套 硅胶加棉 1双", 25),
        ("保温饭盒 304 三层", 99),
        ("磨刀石 双面 家用", 35),
    ),
)
_VARIANTS = (("标准款",), ("标准款", "礼盒装"), ("原木色", "米白色", "墨绿色"))
_WEIGHTS = {1: (1.0,), 2: (0.7, 0.3), 3: (0.5, 0.3, 0.2)}
_GIFT_BOX = 2000


@dataclass(frozen=True, kw_only=True)
class Catalogue:
    """Products by rank of their visitors, and their SKUs.

    Attributes:
        ids: Platform's product ids, best seller first.
        names: Titles.
        codes: The merchant's own codes (货号).
        category: Index into ``CATEGORIES``.
        prices: List price in cents.
        costs: Cost of a unit in cents.
        popularity: Share of product visitors; sums to 1.
        appeal: Conversion relative to the shop's.
        fragility: Claims after receipt relative to the shop's.
        launched: Share of the shop's days gone before the product was listed.
        sku_codes: SKUs' codes (商家编码).
        sku_product: Index of the product of each SKU.
        sku_variant: Variant's name.
        sku_weight: Share of the product's units.
        sku_extra: Price added by the variant in cents.
    """

    ids: tuple[str, ...]
    names: tuple[str, ...]
    codes: tuple[str, ...]
    category: NDArray[np.int64]
    prices: NDArray[np.int64]
    costs: NDArray[np.int64]
    popularity: NDArray[np.float64]
    appeal: NDArray[np.float64]
    fragility: NDArray[np.float64]
    launched: NDArray[np.float64]
    sku_codes: tuple[str, ...]
    sku_product: NDArray[np.int64]
    sku_variant: tuple[str, ...]
    sku_weight: NDArray[np.float64]
    sku_extra: NDArray[np.int64]


def make_catalogue(rng: np.random.Generator) -> Catalogue:
    """Draw costs, appeal and variants for the shop's fixed list of products."""
    place, category = np.divmod(np.arange(60), len(CATEGORIES))
    prices = np.array([_GOODS[c][k][1] * 100 for k, c in zip(place, category, strict=True)])
    weights = np.arange(1, 60) ** -0.8
    popularity = np.concatenate([[0.33], 0.67 * weights / weights.sum()])
    appeal = np.exp(rng.normal(0, 0.2, 60)) * (prices / 8000) ** -0.25
    appeal[:3] = (2.2, 1.2, 1.2)
    launched = np.where(rng.random(60) < 0.1, rng.uniform(0.2, 0.7, 60), 0.0)
    launched[:6] = 0
    kinds = [_VARIANTS[(k + c) % len(_VARIANTS)] for k, c in enumerate(category.tolist())]
    skus = [(k, v) for k, variants in enumerate(kinds) for v in range(len(variants))]
    names = tuple(kinds[k][v] for k, v in skus)
    return Catalogue(
        ids=tuple(str(681_204_117_306 + 1_300_417 * k) for k in range(60)),
        names=tuple(_GOODS[c][k][0] for k, c in zip(place, category, strict=True)),
        codes=tuple(f"SY-{CODES[c]}-{k + 1:02d}" for k, c in zip(place, category, strict=True)),
        category=category,
        prices=prices,
        costs=(prices * rng.uniform(0.32, 0.5, 60)).astype(np.int64),
        popularity=popularity,
        appeal=appeal,
        fragility=np.exp(rng.normal(0, 0.25, 60)),
        launched=launched,
        sku_codes=tuple(
            f"SY-{CODES[category[k]]}-{k // len(CATEGORIES) + 1:02d}-{'ABC'[v]}" for k, v in skus
        ),
        sku_product=np.array([k for k, _ in skus]),
        sku_variant=names,
        sku_weight=np.array([_WEIGHTS[len(kinds[k])][v] for k, v in skus]),
        sku_extra=np.array([_GIFT_BOX if name == _VARIANTS[1][1] else 0 for name in names]),
    )
