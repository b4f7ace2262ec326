"""Referrals: a slow oracle in every engine, pairs that cannot be true, and the words."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from math import isnan
from typing import Any

import pytest

from ecops_lib.core.errors import MissingDataError, ParameterError
from ecops_lib.core.language import reading
from ecops_lib.customers import review_referrals
from tests.customers.customer_shop import to_table
from tests.customers.membership.member_shop import (
    ZONE,
    add_customers,
    day,
    make_shop,
    random_orders,
)

Engine = Callable[[dict[str, Any]], dict[str, Any]]
END, DAYS, AGE = 200, 30, 40


def random_members(seed: int) -> list[dict[str, Any]]:
    rng = random.Random(seed)
    return [
        {
            "buyer_key": f"b{n}",
            "joined_at": rng.choice((None, 0, 0, 0, 230)),
            "referred_by": rng.choice(
                (None, "", "ghost", f"b{n}", *(f"b{rng.randrange(38)}",) * 9)
            ),
        }
        for n in range(38)
    ]


def slow_kind(buyer: str, told: dict[str, str], known: set[str], days: dict[str, list[int]]) -> str:
    """What one pair is, following the referrers one by one."""
    by, seen = told[buyer], []
    above = by
    while above in told and above not in seen and above != buyer:
        seen.append(above)
        above = told[above]
    cases = (
        (by == buyer, "self"),
        (by not in known, "unknown"),
        (above == buyer, "loop"),
        (buyer not in days, "waiting"),
        (by not in days or days[by][0] > days.get(buyer, [0])[0], "late"),
    )
    return next((kind for holds, kind in cases if holds), "good")


def slow_referrals(
    orders: list[Any], refunds: list[Any], members: list[dict[str, Any]]
) -> tuple[dict[str, str], dict[str, list[int]], dict[str, int]]:
    """What each pair is, each buyer's purchase days and first amount, from the definitions."""
    sent = {who: amount for who, when, amount in refunds if isinstance(who, int) and when <= END}
    days: dict[str, list[int]] = {}
    first: Counter[str] = Counter()
    for number, (buyer, when, amount) in sorted(enumerate(orders), key=lambda row: row[1][1]):
        if buyer and when <= END and (number not in sent or amount > sent[number]):
            days.setdefault(buyer, [])
            if when not in days[buyer]:
                days[buyer].append(when)
            if when == days[buyer][0]:
                first[buyer] += amount - sent.get(number, 0)
    known = {m["buyer_key"] for m in members} | set(days)
    told = {
        m["buyer_key"]: m["referred_by"]
        for m in members
        if m["referred_by"] and (m["joined_at"] is None or m["joined_at"] <= END)
    }
    kinds = {buyer: slow_kind(buyer, told, known, days) for buyer in told}
    return kinds, days, dict(first)


@pytest.mark.parametrize("seed", [1, 2, 4])
def test_every_engine_counts_referrals_as_plain_python(light_engine: Engine, seed: int) -> None:
    orders, refunds = random_orders(seed)
    members = random_members(seed)
    kinds, days, first = slow_referrals(orders, refunds, members)
    counts = Counter(kinds.values())
    assert {"good", "late", "self"} <= set(counts)
    tables = add_customers(make_shop(orders, refunds=refunds), members)
    held = review_referrals(light_engine(tables), as_of=day(END), days=DAYS, age=AGE, **ZONE)
    assert held.faults == {kind: counts[kind] for kind in ("self", "unknown", "loop", "late")}
    assert held.waiting == counts["waiting"]
    good = {buyer for buyer, kind in kinds.items() if kind == "good"}
    assert sum(held.generations.values()) == len(good)
    by = {m["buyer_key"]: m["referred_by"] for m in members}
    depth = Counter()
    for buyer in good:
        steps = 1
        while by[buyer] in good:
            buyer, steps = by[buyer], steps + 1  # noqa: PLW2901
        depth[steps] += 1
    assert held.generations == dict(depth)
    for place, row in enumerate(held.frame.to_dict("records")):
        ends = range(END - DAYS * (place + 1) + 1, END - DAYS * place + 1)
        assert row["newcomers"] == sum(d[0] in ends for d in days.values())
        assert row["referred"] == sum(days[b][0] in ends for b in good)
        if not isnan(row["active"]):
            past = range(ends.start - DAYS, ends.start)
            assert row["active"] == sum(any(d in past for d in held) for held in days.values())
    since = min(days[b][0] for b in good)
    others = {b for b in days if b not in kinds and days[b][0] >= since}
    for side, group in ((held.newcomers.brought, good), (held.newcomers.others, others)):
        old = [b for b in group if days[b][0] <= END - AGE]
        again = [b for b in old if len(days[b]) > 1 and days[b][1] - days[b][0] <= AGE]
        assert (side.customers, side.watched, side.again) == (len(group), len(old), len(again))
        assert side.first.total == pytest.approx(sum(first[b] for b in group))
    brought = Counter(by[b] for b in good)
    sums = held.referrers.sums
    assert dict(zip(sums["referrer"], sums["brought"], strict=True)) == dict(brought)


def chain() -> dict[str, Any]:
    """x brings a, a brings b, b brings c; y brings d and e, who has not bought."""
    orders = [("x", 0, 9), ("y", 0, 9), ("a", 35, 10), ("b", 50, 20), ("c", 65, 30), ("d", 65, 40)]
    by = {"a": "x", "b": "a", "c": "b", "d": "y", "e": "y"}
    members = [{"buyer_key": name, "referred_by": who} for name, who in by.items()]
    return add_customers(make_shop(orders), members)


def texts(tables: dict[str, Any], **options: Any) -> dict[str, str]:
    held = review_referrals(tables, as_of=day(89), **options, **ZONE)
    return {finding.key: finding.text for finding in held.findings()}


def test_a_chain_by_hand() -> None:
    told = texts(chain())
    assert told["referrals/brought"] == (
        "From 2025-03-02 to 2025-03-31 2 of 2 new customers (100.00%) were brought by customers. "
        "The referral coefficient is 100.00%: so many for each of the 2 customers who bought in "
        "the period before."
    )
    assert told["referrals/generations"] == (
        "Of 4 customers brought so far 2 were brought by somebody who was brought as well; the "
        "longest chain has 3 generations."
    )
    assert told["referrals/waiting"].startswith("1 customer referred has not bought yet")
    assert told["referrals/top"] == (
        "4 customers brought others so far; the 4 who brought most brought 100.00% of them."
    )
    frame = review_referrals(chain(), as_of=day(89), **ZONE).referrers.to_frame()
    assert list(frame["referrer"]) == ["y", "b", "a", "x"]
    assert list(frame["first_amount"]) == [40, 30, 20, 10]


def test_cost_is_told_only_where_somebody_says_it() -> None:
    assert "cannot be told; give cost_per_referral" in texts(chain())["referrals/cost"]
    given = texts(chain(), cost_per_referral=15.0)["referrals/cost"]
    assert given == "Each customer brought cost ¥15.00, ¥30.00 in all."
    costs = [
        {"day": day(when), "kind": kind, "product_id": "*", "amount": Decimal(amount)}
        for when, kind, amount in ((70, "referral", 7), (71, "referral", 2), (72, "freight", 99),
                                   (20, "referral", 50), (95, "referral", 50))
    ]  # fmt: skip
    tables = {**chain(), "costs": to_table("costs", costs)}
    assert texts(tables)["referrals/cost"] == "Each customer brought cost ¥4.50, ¥9.00 in all."


def growth(early: int, late: int) -> dict[str, Any]:
    """In two periods 60 new customers each, of whom some are brought by x."""
    orders: list[Any] = [("x", 0, 9)]
    members = []
    for period, brought in ((40, early), (70, late)):
        orders += [(f"n{period}.{n}", period, 5) for n in range(60)]
        members += [{"buyer_key": f"n{period}.{n}", "referred_by": "x"} for n in range(brought)]
    return add_customers(make_shop(orders), members)


def test_the_change_turns_with_the_data() -> None:
    def finding(early: int, late: int) -> Any:
        return review_referrals(growth(early, late), as_of=day(89), **ZONE).findings()[0]

    up, down, same = finding(6, 30), finding(30, 6), finding(20, 22)
    assert (up.level, down.level, same.level) == ("good", "watch", "info")
    assert "Their share rose from 10.00% (by +" in up.text
    assert "Their share fell from 50.00% (by -" in down.text
    assert same.text.endswith("It was 33.33% before, no difference beyond chance.")


def quality(brought: int, others: int, *, amounts: tuple[int, int] = (10, 10)) -> str:
    """Of 60 customers brought and 60 others so many buy again."""
    orders: list[Any] = [("x", 0, 9)]
    for name, again, amount in (("r", brought, amounts[0]), ("o", others, amounts[1])):
        orders += [(f"{name}{n}", 5, amount + n % 2) for n in range(60)]
        orders += [(f"{name}{n}", 20, 5) for n in range(again)]
    members = [{"buyer_key": f"r{n}", "referred_by": "x"} for n in range(60)]
    return texts(add_customers(make_shop(orders), members), age=60)["referrals/quality"]


def test_those_brought_are_compared_at_equal_age_and_no_cause_is_claimed() -> None:
    more, fewer = quality(40, 10), quality(10, 40, amounts=(30, 10))
    assert more.startswith(
        "Within 60 days more of the customers brought by others bought again than of other new "
        "customers: 66.67% against 16.67% ("
    )
    assert "fewer of the customers brought by others" in fewer
    assert fewer.endswith("Their first purchase was larger: ¥30.50 against ¥10.50.")
    assert "smaller: ¥10.50 against" in quality(10, 40, amounts=(10, 30))
    for text in (more, fewer):
        assert "cannot be told" in text
    assert "no difference beyond chance" in quality(20, 20)
    with reading("zh", "CNY"):
        assert "无法判断" in quality(40, 10)
        assert "无法判断" in quality(10, 40)
    young = texts(growth(40, 40), age=60)["referrals/quality"]
    assert "cannot be told: fewer than 30 of either were watched for 60 days" in young


def test_pairs_that_cannot_be_true_are_told_each_by_its_kind() -> None:
    orders = [(name, when, 5) for name, when in
              (("a", 10), ("b", 20), ("c", 10), ("d", 5), ("f", 5), ("g", 5))]  # fmt: skip
    by = {"a": "b", "b": "b", "c": "<b>", "d": "f", "f": "g", "g": "d", "h": "a"}
    members = [{"buyer_key": name, "referred_by": who} for name, who in by.items()]
    told = texts(add_customers(make_shop(orders), members))
    assert told["referrals/self"].startswith("1 customer is said to have brought themselves")
    assert told["referrals/late"].startswith("1 customer bought before the one")
    assert told["referrals/unknown"].startswith("1 customer is said to be brought by somebody who")
    assert told["referrals/loop"].startswith("3 customers are said to have brought, directly or")
    assert told["referrals/waiting"].startswith("1 customer referred")
    sound = texts(chain())
    assert not {"referrals/self", "referrals/late", "referrals/unknown", "referrals/loop"} & set(
        sound
    )


def test_hostile_keys_are_escaped() -> None:
    orders = [("<script>x", 0, 5), ("a", 3, 5)]
    members = [{"buyer_key": "a", "referred_by": "<script>x"}]
    held = review_referrals(add_customers(make_shop(orders), members), as_of=day(89), **ZONE)
    page = held._repr_html_() + held.referrers._repr_html_() + held.newcomers._repr_html_()
    assert "<script>x" not in page
    assert "&lt;script&gt;x" in page


def test_edges() -> None:
    with pytest.raises(MissingDataError, match="member list"):
        review_referrals(make_shop([("a", 1, 5)]), as_of=day(89), **ZONE)
    with pytest.raises(ParameterError, match="age is 0"):
        review_referrals(chain(), as_of=day(89), age=0, **ZONE)
    with pytest.raises(ParameterError, match="cost_per_referral is nan"):
        review_referrals(chain(), as_of=day(89), cost_per_referral=float("nan"), **ZONE)
    for row in ({"buyer_key": "a"}, {"buyer_key": "a", "referred_by": ""}):
        untold = add_customers(make_shop([("a", 88, 5)]), [row])
        with pytest.raises(MissingDataError, match="import it with the column referred_by"):
            review_referrals(untold, as_of=day(89), **ZONE)
    for orders, newcomers in (([("a", 88, 5)], 1), ([(None, 88, 5)], 0)):
        alone = add_customers(make_shop(orders), [{"buyer_key": "a", "referred_by": "a"}])
        held = review_referrals(alone, as_of=day(89), **ZONE)
        assert list(held.frame["newcomers"]) == [newcomers]
        assert (held.generations, held.chart(), held.newcomers.since) == ({}, None, None)
        assert "cannot be told: no buyers of the period before" in str(held)
        assert held.faults["self"] == 1
        assert held.referrers.findings() == ()
        assert held._repr_html_()
