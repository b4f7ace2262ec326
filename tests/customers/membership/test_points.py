"""Points: a slow ledger in every engine, first in, first out, and the words."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Callable
from typing import Any

import pytest

from ecops_lib.core.errors import MetricError, MissingDataError, ParameterError
from ecops_lib.core.language import reading
from ecops_lib.customers import review_points
from tests.customers.membership.member_shop import ZONE, add_points, day, make_shop

Engine = Callable[[dict[str, Any]], dict[str, Any]]
Move = tuple[Any, int, Any, Any]
END = 240
RANK = {"redeemed": 0, "expired": 1, "earned": 2, "other": 2}


def random_moves(seed: int) -> list[Move]:
    """Movements as ledgers hold them: taken back, given back, adjusted, some overdrawn."""
    rng = random.Random(seed)
    moves: list[Move] = []
    for _ in range(500):
        kind, points = rng.choice(
            (("earned", 50), ("earned", 20), ("earned", 90), ("redeemed", -40), ("redeemed", -15),
             ("expired", -10), ("earned", -5), ("redeemed", 5), ("gift", 7), ("gift", -3))
        )  # fmt: skip
        moves.append((f"b{rng.randrange(40)}", rng.randrange(260), kind, points))
    return moves


def month(number: int) -> int:
    when = day(number)
    return when.year * 12 + when.month - 1


def slow_ages(moves: list[Move]) -> dict[int, Counter[str]]:
    """Every point that leaves takes the oldest one there, point by point."""
    ages: dict[int, Counter[str]] = defaultdict(Counter)
    accounts: dict[Any, list[Move]] = defaultdict(list)
    for move in moves:
        if move[1] <= END:
            accounts[move[0]].append(move)
    for held in accounts.values():
        coins = sorted(month(when) for _, when, _, p in held if p > 0 for _ in range(p))
        for coin in coins:
            ages[coin]["credited"] += 1
        out = [(month(w), RANK.get(k, 2), k if k in {"redeemed", "expired"} else "other", -p)
               for _, w, k, p in held if p < 0]  # fmt: skip
        for _, _, kind, points in sorted(out):
            for coin in coins[:points]:
                ages[coin][kind] += 1
            coins = coins[points:]
        for coin in coins:
            ages[coin]["left"] += 1
        for coin in set(coins):
            ages[coin]["holders"] += 1
    return ages


@pytest.mark.parametrize("seed", [1, 2])
def test_every_engine_keeps_the_ledger_of_plain_python(light_engine: Engine, seed: int) -> None:
    moves = random_moves(seed)
    tables = light_engine(add_points(make_shop([]), moves))
    held = review_points(tables, as_of=day(END), days=90, **ZONE)
    known = [m for m in moves if m[1] <= END]
    balance: Counter[Any] = Counter()
    for buyer, _, _, points in known:
        balance[buyer] += points
    accounts = held.accounts
    assert accounts.holders == sum(v > 0 for v in balance.values())
    assert accounts.owed == sum(v for v in balance.values() if v > 0)
    assert accounts.negative == sum(v < 0 for v in balance.values())
    assert accounts.short == -sum(v for v in balance.values() if v < 0)
    assert accounts.strange == sum(m[2] == "gift" for m in known)
    assert held.frame["balance"].iloc[-1] == sum(balance.values())
    flows = Counter[str]()
    for _, when, kind, points in known:
        if when > END - 90:
            flows[kind] += points
    assert (held.now.earned, held.now.redeemed, held.now.expired, held.now.other) == (
        flows["earned"], -flows["redeemed"], -flows["expired"], flows["gift"],
    )  # fmt: skip
    truth = slow_ages(moves)
    ages = held.ages.frame
    assert [when.year * 12 + when.month - 1 for when in ages["month"]] == sorted(truth)
    names = ("credited", "redeemed", "expired", "other", "left", "holders")
    for row, place in zip(ages.to_dict("records"), sorted(truth), strict=True):
        assert [row[n] for n in names] == [truth[place][n] for n in names]
    parts = ages[["redeemed", "expired", "other", "left"]].sum(axis=1)
    assert (parts == ages["credited"]).all()


def ledger(redeemed: int = 30, *, expired: int = 20) -> dict[str, Any]:
    """60 customers earn 100 points each in January; some are redeemed, others expire."""
    moves: list[Move] = [(f"b{n}", 5, "earned", 100) for n in range(60)]
    moves += [(f"b{n}", 40, "redeemed", -100) for n in range(redeemed)]
    moves += [(f"b{n}", 100, "expired", -100) for n in range(59, 59 - expired, -1)]
    return add_points(make_shop([]), moves)


def texts(tables: dict[str, Any], **options: Any) -> dict[str, str]:
    held = review_points(tables, as_of=day(120), **{"days": 60, **options}, **ZONE)
    return {finding.key: finding.text for finding in held.findings()}


def test_money_is_told_only_where_a_rule_says_what_a_point_is_worth() -> None:
    assert texts(ledger())["points/owed"] == (
        "On 2025-05-01 10 customers hold 1,000 points. What they are worth cannot be told; give "
        "value_per_point."
    )
    told = review_points(ledger(), as_of=day(120), value_per_point=0.01, **ZONE)
    assert told.findings()[0].text.endswith(
        "At ¥1.00 for 100 points the shop owes ¥10.00, if all are redeemed."
    )
    assert told.findings()[0].money == pytest.approx(10)
    silent = review_points(ledger(), as_of=day(120), **ZONE)
    assert silent.findings()[0].money is None
    assert silent.to_frame()["worth"].isna().all()


def test_what_became_of_old_points_turns_with_the_ledger() -> None:
    template = (
        "Of 6,000 points credited by 2025-01, old enough to judge, {} were redeemed, {} expired "
        "(breakage), 0.00% were taken back and {} are still there; later months are not counted, "
        "for their points are still being spent."
    )
    assert texts(ledger())["points/matured"] == template.format("50.00%", "33.33%", "16.67%")
    turned = texts(ledger(20, expired=30))["points/matured"]
    assert turned == template.format("33.33%", "50.00%", "16.67%")
    assert "cannot be told yet" in texts(ledger(), days=180)["points/matured"]


def test_points_that_expire_next_and_those_that_should_have() -> None:
    near = review_points(ledger(), as_of=day(120), valid_months=4, value_per_point=0.5, **ZONE)
    [found] = [f for f in near.findings() if f.key == "points/expiring"]
    assert found.text == (
        "The next points to expire are 1,000 of 2025-01: 10 customers hold them, and they are good "
        "until 2025-05-31 (30 days)."
    )
    assert (found.level, found.money) == ("watch", 500.0)
    assert found.action is not None
    far = review_points(ledger(), as_of=day(120), valid_months=12, **ZONE)
    [found] = [f for f in far.findings() if f.key == "points/expiring"]
    assert (found.level, found.action, found.money) == ("info", None, None)
    late = review_points(ledger(), as_of=day(120), valid_months=3, **ZONE)
    keys = {f.key: f for f in late.findings()}
    assert "points/expiring" not in keys
    assert keys["points/overdue"].text.startswith("1,000 points are older than their validity")
    last = review_points(ledger(), as_of=day(119), valid_months=3, **ZONE)
    assert "points/overdue" not in {f.key for f in last.findings()}  # good on 30 April


def test_faults_are_told_and_lower_nobodys_points() -> None:
    moves: list[Move] = [
        ("a", 1, "earned", 10), ("b", 1, "earned", 5), ("b", 2, "expired", -8),
        ("c", 3, "redeemed", -4), (None, 4, "earned", 3), ("a", 5, "<b>", 2),
        ("a", 6, "earned", None),
    ]  # fmt: skip
    held = review_points(add_points(make_shop([]), moves), as_of=day(20), **ZONE)
    assert (held.accounts.owed, held.accounts.short) == (15, 7)
    told = {f.key: f.text for f in held.findings()}
    assert told["points/negative"].startswith("2 customers have less than no points (7 short)")
    assert told["points/overexpired"].startswith("Of 1 customer more points expired")
    assert told["points/nameless"].startswith("1 movement names no customer")
    assert told["points/strange"].startswith("1 movement is neither earned, redeemed nor expired")
    assert told["points/empty"].startswith("1 movement tells no number of points")
    assert "<b>" not in held._repr_html_()
    sound = texts(ledger())
    assert not [key for key in sound if key.split("/")[1] in {"negative", "overexpired", "empty"}]


def test_an_unsigned_ledger_is_refused() -> None:
    moves: list[Move] = [("a", 1, "earned", 10), ("a", 2, "redeemed", 4)]
    with pytest.raises(MetricError, match=r"kind redeemed add up to \+4; import a ledger"):
        review_points(add_points(make_shop([]), moves), as_of=day(20), **ZONE)


def test_nothing_after_the_day_counts() -> None:
    moves: list[Move] = [("a", 10, "earned", 10), ("a", 21, "redeemed", -4)]
    held = review_points(add_points(make_shop([]), moves), as_of=day(20), **ZONE)
    assert (held.accounts.owed, held.now.redeemed) == (10, 0)
    with pytest.raises(MissingDataError, match="No points moved by 2025-01-06"):
        review_points(add_points(make_shop([]), moves), as_of=day(5), **ZONE)


def test_edges() -> None:
    with pytest.raises(MissingDataError, match="membership system's ledger"):
        review_points(make_shop([("a", 1, 5)]), as_of=day(20), **ZONE)
    with pytest.raises(MissingDataError, match="No points moved"):
        review_points(add_points(make_shop([]), []), as_of=day(20), **ZONE)
    for options in ({"value_per_point": 0.0}, {"value_per_point": float("nan")}, {"days": 0},
                    {"valid_months": 0}):  # fmt: skip
        with pytest.raises(ParameterError, match=next(iter(options))):
            review_points(ledger(), as_of=day(20), **options, **ZONE)
    alone = add_points(make_shop([("a", 1, 5)]), [("a", 1, "earned", 3)])
    held = review_points(alone, as_of=day(200), **ZONE)
    assert (held.accounts.holders, held.ages.frame["left"].sum()) == (1, 3)
    assert "fewer than 30" in held.repurchase.findings()[0].text
    unsold = review_points(add_points(make_shop([]), [("a", 1, "earned", 3)]), as_of=day(9), **ZONE)
    assert "no known buyer" in unsold.repurchase.absent()
    gone = add_points(make_shop([]), [("a", 1, "redeemed", -3)])
    empty = review_points(gone, as_of=day(9), **ZONE)
    assert (empty.ages.to_frame().empty, empty.chart(), empty.ages.chart()) == (True, None, None)
    assert str(empty)


def test_both_languages() -> None:
    with reading("zh", "CNY"):
        held = review_points(ledger(), as_of=day(120), valid_months=4, **ZONE)
        words = " ".join(f.text for f in (*held.findings(), *held.ages.findings()))
        assert "积分" in words
        assert "points" not in words.replace("value_per_point", "")
        assert held._repr_html_()
        assert held.ages._repr_html_()
