"""Membership levels: a slow oracle in every engine, the sum law, and the words."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Callable
from typing import Any

import pytest

from ecops_lib.core.errors import MissingDataError, ParameterError
from ecops_lib.core.language import reading
from ecops_lib.customers import review_levels
from tests.customers.membership.member_shop import (
    ZONE,
    add_customers,
    day,
    make_shop,
    random_orders,
)

Engine = Callable[[dict[str, Any]], dict[str, Any]]
END, DAYS = 200, 100


def random_members(seed: int) -> list[dict[str, Any]]:
    rng = random.Random(seed)
    return [
        {
            "buyer_key": f"b{n}",
            "level": rng.choice(("金卡", "银卡", "", None)),
            "joined_at": rng.choice((None, *range(0, 240, 10))),
        }
        for n in range(5, 40)
    ]


def slow_levels(
    orders: list[Any], refunds: list[Any], members: list[dict[str, Any]]
) -> tuple[dict[Any, Counter[str]], Counter[str]]:
    """From the definitions, order by order: sums by level, and those of unknown buyers."""
    back: Counter[int] = Counter()
    for who, when, amount in refunds:
        if isinstance(who, int) and when <= END:
            back[who] += amount
    sent = {who for who, when, _ in refunds if isinstance(who, int) and when <= END}
    level = {
        m["buyer_key"]: m["level"] or "untold"
        for m in members
        if m["joined_at"] is None or m["joined_at"] <= END
    }
    sums: dict[Any, Counter[str]] = defaultdict(Counter)
    days: dict[Any, set[int]] = defaultdict(set)
    ever = set()
    for number, (buyer, when, amount) in enumerate(orders):
        if when > END:
            continue
        net = amount - back[number]
        kept = number not in sent or net > 0
        place = "unknown" if buyer is None else level.get(buyer, "stranger")
        if kept and buyer:
            ever.add(buyer)
        if when > END - DAYS:
            sums[place]["net"] += net
            sums[place]["orders"] += kept
            if kept and buyer:
                days[buyer].add(when)
    loose = [r for r in refunds if not isinstance(r[0], int) and END - DAYS < r[1] <= END]
    for who, _, amount in loose:
        sums[level.get(who, "stranger")]["net"] -= amount
    buyers = {b for b, when, _ in orders if b and when <= END}
    for buyer in set(level) | buyers:
        held = sums[level.get(buyer, "stranger")]
        held["customers"] += 1
        held["bought"] += bool(days[buyer])
        held["again"] += len(days[buyer]) > 1
        held["never"] += buyer in level and buyer not in ever
    return sums, sums.pop("unknown", Counter())


@pytest.mark.parametrize("seed", [1, 2])
def test_every_engine_sums_levels_as_plain_python(light_engine: Engine, seed: int) -> None:
    orders, refunds = random_orders(seed)
    members = random_members(seed)
    truth, unknown = slow_levels(orders, refunds, members)
    tables = add_customers(make_shop(orders, refunds=refunds), members)
    held = review_levels(light_engine(tables), as_of=day(END), days=DAYS, **ZONE)
    named = {"untold": "untold", "stranger": "stranger"}
    found = {named.get(s.kind, s.level): s for s in (*held.levels, held.strangers)}
    assert set(found) == set(truth)
    for level, sums in truth.items():
        row = found[level]
        assert (row.customers, row.bought, row.never, row.orders, row.again) == tuple(
            sums[n] for n in ("customers", "bought", "never", "orders", "again")
        ), level
        assert row.mils == sums["net"] * 10_000
    assert held.unknown_mils == unknown["net"] * 10_000
    frame = held.to_frame().set_index("level")
    assert frame["amount"][:-1].sum() == pytest.approx(frame.loc["Total", "amount"])
    assert frame["amount_share"][:-1].sum() == pytest.approx(1)
    assert frame.loc["Total", "amount"] == sum(s["net"] for s in truth.values()) + unknown["net"]


def test_a_member_who_joined_later_is_none_yet() -> None:
    tables = add_customers(
        make_shop([("a", 10, 5), ("b", 10, 7)]),
        [{"buyer_key": "a", "level": "gold", "joined_at": 20},
         {"buyer_key": "b", "level": "gold", "joined_at": 21}],
    )  # fmt: skip
    held = review_levels(tables, as_of=day(20), **ZONE)
    assert (held.members.customers, held.strangers.customers) == (1, 1)
    assert review_levels(tables, as_of=day(21), **ZONE).members.customers == 2


def two_groups(member_amount: int, other_amount: int) -> dict[str, Any]:
    orders = [(f"m{n}", 10, member_amount + n % 3) for n in range(40)]
    orders += [(f"o{n}", 10, other_amount + n % 3) for n in range(40)]
    return add_customers(make_shop(orders), [{"buyer_key": f"m{n}"} for n in range(41)])


def test_the_sentence_turns_and_never_claims_a_cause() -> None:
    def beside(a: int, b: int) -> str:
        return review_levels(two_groups(a, b), as_of=day(20), **ZONE).findings()[0].text

    assert beside(50, 20) == (
        "From 2024-01-23 to 2025-01-21 40 members who bought brought ¥50.98 each, 70.85% of the "
        "net amount, and 40 customers who are no members less, ¥20.98 each. Whether membership "
        "brings the difference cannot be told: who buys more joins."
    )
    assert "and 40 customers who are no members more, ¥50.98 each. Whether" in beside(20, 50)
    assert "¥20.98: no difference beyond chance." in beside(20, 20)
    with reading("zh", "CNY"):
        assert "无法判断" in beside(50, 20)
        assert "无法判断" in beside(20, 50)


def test_members_who_never_bought_call_for_action() -> None:
    held = review_levels(two_groups(5, 5), as_of=day(20), **ZONE)
    [found] = [f for f in held.findings() if f.key == "levels/never"]
    assert found.text == "1 member has never bought (2.44% of the members)."
    assert found.action is not None
    orders = [("m0", 1, 5)]
    bought = add_customers(make_shop(orders), [{"buyer_key": "m0", "level": "gold"}])
    keys = {f.key for f in review_levels(bought, as_of=day(20), **ZONE).findings()}
    assert "levels/never" not in keys


def test_hostile_levels_are_escaped_and_many_are_put_together() -> None:
    orders = [(f"b{n}", 1, n + 1) for n in range(40)]
    members = [{"buyer_key": f"b{n}", "level": f"<script>{n % 20}</script>"} for n in range(40)]
    held = review_levels(add_customers(make_shop(orders), members), as_of=day(20), **ZONE)
    page = held._repr_html_()
    assert "<script>" not in page
    assert "&lt;script&gt;" in page
    assert [s.kind for s in held.levels] == ["level"] * 12 + ["other"]
    assert held.members.customers == 40
    assert held.to_frame()["amount"].iloc[-1] == 40 * 41 / 2


def test_edges() -> None:
    orders = make_shop([("a", 1, 5)])
    with pytest.raises(MissingDataError, match="import the member list"):
        review_levels(orders, as_of=day(20), **ZONE)
    with pytest.raises(MissingDataError, match="no known buyer"):
        review_levels(add_customers(make_shop([]), []), as_of=day(20), **ZONE)
    with pytest.raises(ParameterError, match="days is 0"):
        review_levels(orders, as_of=day(20), days=0, **ZONE)
    nobody = review_levels(add_customers(orders, []), as_of=day(20), **ZONE)
    assert (nobody.levels, nobody.strangers.customers) == ((), 1)
    unknown = add_customers(make_shop([(None, 1, 5)]), [{"buyer_key": "a"}])
    held = review_levels(unknown, as_of=day(20), **ZONE)
    assert (held.members.never, held.unknown_mils, held.strangers.customers) == (1, 50_000, 0)
    back = make_shop([("a", 1, 5)], refunds=[("a", 2, 9)])
    lost = review_levels(add_customers(back, [{"buyer_key": "a"}]), as_of=day(20), **ZONE)
    assert lost.members.mils == -40_000
    assert lost.to_frame()["amount_share"].isna().all()
    assert lost.chart() is None
