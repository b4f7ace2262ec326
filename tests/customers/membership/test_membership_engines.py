"""Membership on Spark, and one page of everything in both languages."""

from __future__ import annotations

import random
from typing import Any

import pytest

from ecops_lib.core.language import reading
from ecops_lib.customers import (
    review_community,
    review_levels,
    review_points,
    review_referrals,
)
from tests.customers.membership.member_shop import (
    ZONE,
    Tables,
    add_customers,
    add_groups,
    add_points,
    day,
    make_shop,
    random_orders,
)

END = 200


def whole_shop() -> Tables:
    """Members, points and groups around random orders, some of it null."""
    rng = random.Random(8)
    orders, refunds = random_orders(8)
    members = [
        {"buyer_key": f"b{n}", "level": rng.choice(("gold", "silver", None)),
         "joined_at": rng.choice((None, 0, 90, 230)),
         "referred_by": rng.choice((None, "ghost", f"b{rng.randrange(34)}")),
         "community_joined_at": rng.choice((None, 80, 120, 230))}
        for n in range(34)
    ]  # fmt: skip
    kinds = (("earned", 40), ("redeemed", -15), ("expired", -5), ("gift", 3), ("earned", None))
    moves = [(f"b{rng.randrange(30)}", rng.randrange(230), *rng.choice(kinds)) for _ in range(200)]
    groups = [
        {"day": when, "group_id": name, "members": 50, "joined": 1, "left": rng.randrange(3),
         "active_members": rng.choice((None, 7)), "planned_posts": 2, "posts": rng.randrange(4),
         "clicks": 5, "orders": 1, "paid_amount": 2.5}
        for when in range(140, 205) for name in ("一群", "b")
    ]  # fmt: skip
    tables = add_customers(make_shop(orders, refunds=refunds), members)
    return add_groups(add_points(tables, moves), groups)


def everything(tables: dict[str, Any], *, after: int) -> list[Any]:
    """Every result and what it holds."""
    given: dict[str, Any] = {"as_of": day(END), **ZONE}
    points = review_points(
        tables, after=after, value_per_point=0.01, valid_months=3, days=60, **given
    )
    community = review_community(tables, after=after, **given)
    referrals = review_referrals(tables, age=30, cost_per_referral=2.0, **given)
    return [
        review_levels(tables, days=90, **given),
        points, points.ages, points.repurchase,
        community, community.plan, community.repurchase,
        referrals, referrals.newcomers, referrals.referrers,
    ]  # fmt: skip


@pytest.mark.spark
def test_spark_reviews_members_as_plain_tables(request: pytest.FixtureRequest) -> None:
    tables = whole_shop()
    spark = request.getfixturevalue("spark")
    there = {name: spark.createDataFrame(table) for name, table in tables.items()}
    told, plain = (review_levels(held, as_of=day(END), **ZONE) for held in (there, tables))
    assert str(told) == str(plain)


def test_every_result_shows_itself_in_both_languages() -> None:
    held = everything(whole_shop(), after=60)
    english = [result._repr_html_() for result in held]
    with reading("zh", "CNY"):
        chinese = [result._repr_html_() for result in held]
        for result in held:
            assert not result.absent()
            assert set(result.to_frame().columns) == set(result.labels)
    for here, there in zip(english, chinese, strict=True):
        assert here != there
        assert "客户" in there or "社群" in there or "积分" in there
