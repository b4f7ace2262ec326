"""The keyword plans word by word: the report by keyword, which adds up to that by item."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ecops_lib.data.demo.bids import KEYWORD_PLANS, STEADY_DAYS, spend_levels
from ecops_lib.data.demo.promotion import PLANS, Ads
from ecops_lib.data.demo.truths import Keyword
from ecops_lib.data.demo.world import Floats, Ints, World

REPORT_DAYS = 180
"""Days that the platform keeps of the report by keyword."""
YOUNG = "young"


@dataclass(frozen=True, kw_only=True, eq=False)
class WordRows:
    """One entry a row of the item report × word that it was clicked by. Cents.

    Attributes:
        ads: The same fields as the item report's, of the word alone.
        word: Index into the words.
    """

    ads: Ads
    word: Ints


def split_by_word(world: World, ads: Ads) -> WordRows | None:
    """Divide the rows of the keyword plans over their words, to the cent and the click."""
    planted = world.truths.keywords
    if planted is None:
        return None
    plans = [number for number, plan in enumerate(PLANS) if plan.plan_id in KEYWORD_PLANS]
    mine = np.isin(ads.plan, plans) & (ads.day > world.index(REPORT_DAYS))
    parts = [
        _of_product(world, ads, np.flatnonzero(mine & (ads.product == product)), product)
        for product in sorted({word.product for word in planted.words})
    ]
    word = np.concatenate([words for _, words in parts])
    fields = {
        name: np.concatenate([held[name] for held, _ in parts]) for name in Ads.__dataclass_fields__
    }
    order = np.lexsort((word, fields["unit"], fields["plan"], fields["day"]))
    held = {name: values[order] for name, values in fields.items()}
    return WordRows(ads=Ads(**held), word=word[order])


def _of_product(world: World, ads: Ads, rows: Ints, product: int) -> tuple[dict[str, Ints], Ints]:
    """Rows × words of one product, those without a click or an order left out."""
    rng = world.rng(f"words of {product}")
    planted = world.truths.keywords
    every = planted.words if planted else ()
    places = [k for k, word in enumerate(every) if word.product == product]
    words = [every[k] for k in places]
    share = np.array([word.clicks for word in words]) / sum(word.clicks for word in words)
    sells = share * [word.conversion for word in words]
    clicks = rng.multinomial(ads.clicks[rows], share)
    _bring_on(clicks, words, planted.young_clicks if planted else 0)
    weight = clicks * np.array([word.price for word in words])
    direct = rng.multinomial(ads.direct_orders[rows], sells / sells.sum())
    indirect = rng.multinomial(ads.indirect_orders[rows], sells / sells.sum())
    idle = weight.sum(axis=1) == 0
    weight[idle] = share
    seen = rng.multinomial(ads.impressions[rows] - ads.clicks[rows], share)
    held = {
        "impressions": seen + clicks,
        "clicks": clicks,
        "cost": _shared(ads.cost[rows], weight),
        "direct": _shared(ads.direct[rows], direct),
        "indirect": _shared(ads.indirect[rows], indirect),
        "direct_orders": direct,
        "indirect_orders": indirect,
        "carts": _shared(ads.carts[rows], weight),
        "favourites": _shared(ads.favourites[rows], weight),
        "new_buyers": _shared(ads.new_buyers[rows], direct + indirect),
    }
    told = held["impressions"] + held["cost"] + held["carts"] + direct + indirect > 0
    row, word = np.nonzero(told)
    found = {name: values[row, word] for name, values in held.items()}
    for name in ("day", "plan", "product", "unit"):
        found[name] = getattr(ads, name)[rows][row]
    return found, np.array(places)[word]


def _bring_on(clicks: Ints, words: list[Keyword], count: int) -> None:
    """Give the young word a click of the first word on each of the last days that have two."""
    for place, word in enumerate(words):
        if word.kind == YOUNG:
            rows = np.flatnonzero(clicks[:, 0] > 1)[-count:]
            clicks[rows, 0] -= 1
            clicks[rows, place] += 1


def _shared(whole: Ints, weight: Ints | Floats) -> Ints:
    """Each whole number by weights, rounded so that the parts add up to it."""
    upto = weight.cumsum(axis=1)
    total = upto[:, -1:]
    steps = np.round(whole[:, None] * upto / np.maximum(total, 1e-12)).astype(np.int64)
    parts: Ints = np.diff(steps, axis=1, prepend=0)
    return parts


def tell_words(world: World, ads: Ads) -> dict[str, object] | None:
    """What was planted in each word and how it came out; how the plans' spending pays."""
    planted, rows = world.truths.keywords, split_by_word(world, ads)
    if planted is None or rows is None:
        return None
    sums = [_summed(rows, number) for number in range(len(planted.words))]
    return {
        "from": str(world.days[min(world.index(REPORT_DAYS) + 1, len(world.days) - 1)]),
        "to": str(world.last_day),
        "words": [
            {
                "word": word.word,
                "kind": word.kind,
                "conversion": word.conversion,
                "price": word.price,
                "product_id": world.catalogue.ids[word.product],
                "plan_id": next(p for p, items in KEYWORD_PLANS.items() if word.product in items),
                **held,
            }
            for word, held in zip(planted.words, sums, strict=True)
        ],
        **{
            kind: [word.word for word in planted.words if word.kind == kind]
            for kind in ("wasteful", "starved", YOUNG)
        },
        "response": {
            "elasticity": planted.elasticity,
            "levels": list(planted.levels),
            "steady_days": STEADY_DAYS,
            "plans": {
                plan_id: {
                    "product_ids": [world.catalogue.ids[k] for k in products],
                    "level_by_week": spend_levels(world, plan_id)[::7].tolist(),
                }
                for plan_id, products in KEYWORD_PLANS.items()
            },
        },
    }


def _summed(rows: WordRows, number: int) -> dict[str, object]:
    mine, ads = rows.word == number, rows.ads
    orders = ads.direct_orders + ads.indirect_orders
    amount = ads.direct + ads.indirect
    return {
        "clicks": int(ads.clicks[mine].sum()),
        "cost": int(ads.cost[mine].sum()) / 100,
        "orders": int(orders[mine].sum()),
        "amount": int(amount[mine].sum()) / 100,
    }
