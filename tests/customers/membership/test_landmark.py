"""Landmarks: shops where redeeming does nothing, or something; coverage; a slow oracle."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

from ecops_lib.core.language import reading
from ecops_lib.customers import review_community, review_points
from ecops_lib.customers.membership.landmark import HISTORY, Landmark, compare_alike
from tests.customers.membership.member_shop import (
    ZONE,
    add_customers,
    add_groups,
    add_points,
    day,
    make_shop,
)

Engine = Callable[[dict[str, Any]], dict[str, Any]]
END, AFTER = 399, 90


def simulate(seed: int, *, effect: float, gap: float, buyers: int = 2500) -> dict[str, Any]:
    """Customers of all kinds buy about every ``gap`` days, die and redeem.

    Redeeming raises the pace by ``effect``.
    """
    rng = np.random.default_rng(seed)
    orders, moves = [], []
    for number in range(buyers):
        name, when, pace = f"b{number}", float(rng.integers(300)), rng.gamma(1.0, 1 / gap)
        points, lift = 0, 0.0
        while when < END:
            orders.append((name, int(when), 20))
            moves.append((name, int(when), "earned", 20))
            points += 20
            if points >= 40 and rng.random() < 0.3:
                moves.append((name, int(when), "redeemed", -40))
                points, lift = points - 40, effect
            if rng.random() < 0.1:
                break
            when += max(1.0, rng.exponential(1 / (pace * (1 + lift))))
    tables = add_points(make_shop(orders), moves)
    return {name: pl.from_arrow(table) for name, table in tables.items()}


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_where_redeeming_does_nothing_only_the_naive_comparison_sees_an_effect(seed: int) -> None:
    held = review_points(simulate(seed, effect=0.0, gap=40.0), as_of=day(END), **ZONE).repurchase
    usual, plain, equal = (held.sides[name] for name in ("usual", "landmark", "equal"))
    assert usual.low > 0.3
    assert usual.gap > plain.gap + 0.15
    assert equal.low < 0 < equal.high
    assert abs(equal.gap) < 0.05
    told = {f.key: f for f in held.findings()}
    assert "do not differ beyond chance" in told["landmark/redeemed"].text
    assert "is no effect of redeeming" in told["landmark/redeemed/usual"].text


def test_where_redeeming_quickens_the_pace_it_is_seen_and_still_no_cause_claimed() -> None:
    held = review_points(simulate(7, effect=3.0, gap=120.0), as_of=day(END), **ZONE).repurchase
    assert held.sides["equal"].low > 0
    text = held.findings()[0].text
    assert "more by +" in text
    assert "Whether redeeming brings it cannot be told" in text


def test_the_interval_covers_with_few_large_and_with_many_small_histories() -> None:
    """Sato's variance: 95 % of 150 intervals, give or take three standard errors."""
    rng = np.random.default_rng(3)
    for strata, size, small in ((4, 200, 40), (150, 6, 2)):
        covered = 0
        for _ in range(150):
            base = rng.uniform(0.1, 0.5, strata)
            rows = []
            for early, n, share in ((1, small, base + 0.1), (0, size, base)):
                bought = rng.binomial(n, share)
                rows += [(place, early, 1, int(k)) for place, k in enumerate(bought)]
                rows += [(place, early, 0, int(n - k)) for place, k in enumerate(bought)]
            cells = pd.DataFrame(rows, columns=["place", "early", "bought", "customers"])
            cells = cells.assign(purchases=0, recency=0, age=0)
            sides = compare_alike(cells[cells["customers"] > 0])
            covered += sides.low <= 0.1 <= sides.high
        assert 150 * 0.95 - 8 <= covered <= 150 * 0.95 + 8


def test_one_history_is_the_plain_difference() -> None:
    rows = [(0, 1, 1, 30), (0, 1, 0, 70), (0, 0, 1, 80), (0, 0, 0, 320)]
    cells = pd.DataFrame(rows, columns=["place", "early", "bought", "customers"])
    sides = compare_alike(cells.assign(purchases=0, recency=0, age=0))
    assert sides.share == (0.3, 0.2)
    wald = 1.959964 * (0.3 * 0.7 / 100 + 0.2 * 0.8 / 400) ** 0.5
    assert (sides.high - sides.low) / 2 == pytest.approx(wald, rel=0.01)
    alone = compare_alike(cells[cells["early"] == 1].assign(purchases=0, recency=0, age=0))
    assert (alone.customers, alone.sign) == ((0, 0), 0)


def place_of(value: int, ends: tuple[int, ...]) -> int:
    return next((n for n, end in enumerate(ends) if value <= end), len(ends))


def slow_cells(
    orders: list[Any], done: dict[str, int]
) -> Iterator[tuple[tuple[int, ...], bool, bool]]:
    """Customer by customer and landmark by landmark: history, just done, bought after."""
    days: dict[str, set[int]] = defaultdict(set)
    for buyer, when, _ in orders:
        if buyer and when <= END:
            days[buyer].add(when)
    first = min(when for _, when, _ in orders)
    for place in range(12):
        mark = END - AFTER - 30 * place
        for buyer, held in days.items():
            past = [d for d in held if d <= mark]
            if mark < first or not past or done.get(buyer, mark + 1) <= mark - 30:
                continue
            since = (7, 14, 30, 60, 90, 180, 365)
            history = (
                place,
                place_of(len(past), (1, 2, 3, 5, 9)),
                place_of(mark - max(past), since),
                place_of(mark - min(past), since),
            )
            yield history, done.get(buyer, END) <= mark, any(mark < d <= mark + AFTER for d in held)


def test_every_engine_compares_as_plain_python(light_engine: Engine) -> None:
    rng = random.Random(4)
    orders = [(rng.choice((None, *(f"b{n}" for n in range(90)))), rng.randrange(END), 5)
              for _ in range(900)]  # fmt: skip
    moves = [(f"b{n}", 0, "earned", 500) for n in range(90)]
    moves += [(f"b{rng.randrange(60)}", rng.randrange(END - 20), "redeemed", -5) for _ in range(80)]
    done: dict[str, int] = {}
    for buyer, when, kind, _ in moves:
        if kind == "redeemed":
            done[buyer] = min(when, done.get(buyer, END))
    counts: dict[tuple[int, ...], np.ndarray[Any, Any]] = defaultdict(lambda: np.zeros((2, 2)))
    for history, early, bought in slow_cells(orders, done):
        counts[history][int(early), int(bought)] += 1
    both = [c for c in counts.values() if c.sum(axis=1).all()]
    weight = [c[0].sum() * c[1].sum() / c.sum() for c in both]
    gaps = [c[1, 1] / c[1].sum() - c[0, 1] / c[0].sum() for c in both]
    tables = light_engine(add_points(make_shop(orders), moves))
    held = review_points(tables, as_of=day(END), after=AFTER, **ZONE).repurchase
    equal = held.sides["equal"]
    assert equal.gap == pytest.approx(np.dot(weight, gaps) / sum(weight))
    assert equal.customers == (sum(c[1].sum() for c in both), sum(c[0].sum() for c in both))


def joined_shop(later: int) -> dict[str, Any]:
    """40 customers join on day 100, 40 never; the joiners buy on day ``later``, if any."""
    orders = [(f"{side}{n}", 60, 9) for side in "ab" for n in range(40)]
    orders += [("ab"[later] + str(n), 130, 9) for n in range(30)] if later >= 0 else []
    members = [{"buyer_key": f"a{n}", "community_joined_at": 100} for n in range(40)]
    tables = add_customers(make_shop(orders), members)
    return add_groups(tables, [{"day": 200, "group_id": "g", "members": 5}])


def told(later: int) -> str:
    held = review_community(joined_shop(later), as_of=day(200), after=90, **ZONE).repurchase
    return held.findings()[0].text


def test_joining_the_community_is_the_same_comparison_and_turns() -> None:
    assert told(0).startswith(
        "Of 40 customers who had just joined the community 75.00% bought in the 90 days after, of "
        "those with an equal history who had not joined 0.00%: more by +"
    )
    assert "75.00%: not more but less, by -" in told(1)
    assert "do not differ beyond chance" in told(-1)
    for text in (told(0), told(1), told(-1)):
        assert "cannot be told" in text
    with reading("zh", "CNY"):
        for later in (0, 1, -1):
            assert "无法判断" in told(later)


def test_joiners_untold_or_a_history_too_short_say_so() -> None:
    tables = add_groups(make_shop([("a", 150, 5)]), [{"day": 200, "group_id": "g", "members": 5}])
    untold = review_community(tables, as_of=day(200), **ZONE).repurchase
    assert untold.absent() == "No file tells who joined the community and when."
    members = add_customers(tables, [{"buyer_key": "a", "community_joined_at": 160}])
    short = review_community(members, as_of=day(200), **ZONE).repurchase
    assert "begin on 2025-05-31, too late for a comparison that starts" in short.absent()
    assert (short.findings(), short.chart()) == ((), None)


def test_the_table_and_the_picture(light_engine: Engine) -> None:
    held: Landmark = review_community(
        light_engine(joined_shop(0)), as_of=day(200), after=90, **ZONE
    ).repurchase
    assert list(held.to_frame()["gap"]) == pytest.approx([0.75, 0.75, 0.75])
    chart = held.chart()
    assert chart is not None
    assert "just done at a landmark, equal history" in chart.alt
    assert set(HISTORY) == {"place", "purchases", "recency", "age"}
