"""Whom to contact: planted uplift is found, rules are kept, and nothing looks ahead."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from contact_worlds import contact, local_day, make_tables, moment, order, refund, simulate_shop

from ecops_lib.core.errors import MissingDataError, ParameterError
from ecops_lib.core.hashing import hash_units
from ecops_lib.core.language import reading
from ecops_lib.customers import ContactRules, choose_contacts
from ecops_lib.customers.contacts.candidates import OFTEN, RESTING, WAITING
from ecops_lib.customers.contacts.contact_list import ContactList
from ecops_lib.customers.contacts.response import learn_response

Engine = Callable[[dict[str, Any]], dict[str, Any]]
RULES = ContactRules(salt="secret", time_zone="Asia/Shanghai")
DAY = 280


def choose(tables: dict[str, Any], *, day: int = DAY, **more: Any) -> ContactList:
    given = {"margin": 0.5, "cost": 2.0, "rules": RULES}
    return choose_contacts(tables, as_of=local_day(day), **{**given, **more})


@cache
def shop(seed: int, effect: float = 0.15) -> dict[str, Any]:
    return simulate_shop(seed, effect=effect)


def last_days(tables: dict[str, Any]) -> dict[str, int]:
    """Day of each buyer's last order."""
    held: dict[str, int] = {}
    for row in tables["orders"].select(["buyer_key", "paid_at"]).to_pylist():
        day = (row["paid_at"] - moment(0)).days
        held[row["buyer_key"]] = max(held.get(row["buyer_key"], 0), day)
    return held


def test_planted_uplift_chooses_the_moved_and_the_promise_covers_the_truth() -> None:
    """Of 12 shops, 95 % intervals may miss two (binomial, p = 0.02 for three)."""
    kept, told = 0, 0
    for seed in range(12):
        held = choose(shop(seed))
        told += held.by_uplift
        last = last_days(shop(seed))
        sent = held.chosen[~held.chosen["held_out"]]
        moved = np.array([DAY + 1 - last[key] < 90 for key in sent["buyer_key"]])
        truth = float((0.15 * moved * 100 * 0.5 - 2.0).sum())
        kept += held.gain.low <= truth <= held.gain.high
        if held.by_uplift:
            everybody = np.mean([DAY + 1 - day < 90 for day in last.values()])
            assert moved.mean() > 1.2 * everybody
    assert told >= 9
    assert kept >= 10


def test_words_follow_the_truth() -> None:
    good, harm = (choose(shop(1, effect=effect)) for effect in (0.15, -0.04))
    none = choose(shop(1, effect=0.0), day=275, cost=1.0)
    assert good.findings()[0].level == "good"
    assert "expected to add +¥" in good.findings()[0].text
    assert "learnt from the past mailings of all messages" in str(good)
    assert harm.findings()[0].text.startswith("None of 3,000 known customers")
    assert none.findings()[0].level == "bad"
    assert "Do not send the list of 2025-10-04" in none.findings()[0].text
    assert "cannot be told apart from random" in str(none)
    with reading("zh"):
        assert "Contact" not in good.findings()[0].text


def test_without_any_hold_out_the_caveat_is_said() -> None:
    orders = {"orders": shop(1)["orders"]}
    held = choose(orders)
    assert (held.by_uplift, held.gain) == (False, None)
    assert "No past mailing of any message held anybody out at random" in str(held)
    assert "what that adds cannot be told" in held.findings()[0].text
    uncontrolled = shop(1)["contacts"].to_pylist()
    sent = pa.Table.from_pylist(
        [{**row, "held_out": False} for row in uncontrolled], schema=shop(1)["contacts"].schema
    )
    assert choose({**orders, "contacts": sent}).bases[0].why == "untried"


def test_response_is_the_share_that_bought_in_the_last_days() -> None:
    """Two kinds of customers, one cell each, counted by hand at the end of day 86."""
    rows = [order(n, f"a{n:03d}", moment(5), 80.0) for n in range(100)]
    rows += [order(100 + n, f"b{n:03d}", moment(80), 80.0) for n in range(100)]
    rows += [order(200 + n, f"b{n:03d}", moment(95), 80.0) for n in range(40)]
    tables = make_tables(rows)
    found = learn_response(tables, as_of=local_day(100), window_days=14, time_zone="Asia/Shanghai")
    lately, long_ago = 41 / (100 + 200 / 40), 1 / (100 + 200 / 40)
    rates = found.rate(np.array([0, 6, 81, 95]), np.array([1, 1, 1, 1]))
    lower = 1 / (100 + 1 / long_ago)
    upper = 41 / (100 + 1 / lately)
    assert rates.tolist() == pytest.approx([upper, upper, lower, lower], rel=1e-5)
    assert found.rate(np.array([3]), np.array([9])).tolist() == pytest.approx([lately], rel=1e-5)
    held = choose(tables, day=100, hold_out=0.0)
    chosen = held.chosen.set_index("buyer_key").loc["b003"]
    worth = (160 + 80) / (2 + 1)
    chance = float(found.rate(np.array([5]), np.array([2]))[0])
    assert chosen["chance"] == pytest.approx(chance)
    assert chosen["expected_profit"] == pytest.approx(chance * worth * 0.5 - 2, rel=1e-5)


def test_each_message_goes_to_whom_it_moves() -> None:
    first, second = shop(21), simulate_shop(22, effect=0.0)
    names = {"C0": "券", "C1": "券", "C2": "券"}
    rows = [{**row, "message": names[row["contact_id"]]} for row in first["contacts"].to_pylist()]
    other = [
        {
            **row,
            "message": "问候",
            "buyer_key": f"x{row['buyer_key']}",
            "contact_id": f"D{row['contact_id']}",
        }
        for row in second["contacts"].to_pylist()
    ]
    orders = first["orders"].to_pylist() + [
        {**row, "buyer_key": f"x{row['buyer_key']}", "order_id": f"x{row['order_id']}"}
        for row in second["orders"].to_pylist()
    ]
    held = choose(make_tables(orders, rows + other), message={"券": 2.0, "问候": 0.1})
    assert [basis.why for basis in held.bases] == ["", "random"]
    assert [basis.own for basis in held.bases] == [True, True]
    assert set(held.chosen["message"].astype(str)) == {"券"}
    assert "On past mailings of 问候 the ranking by uplift" in str(held)


def test_the_same_day_gives_the_same_list_whatever_comes_later() -> None:
    tables = shop(1)
    later = [order(90_000 + n, f"b{n:05d}", moment(DAY + 2), 900.0) for n in range(300)]
    more = [contact("Z", f"b{n:05d}", moment(DAY + 1), n % 2 == 0) for n in range(300)]
    longer = make_tables(
        tables["orders"].to_pylist() + later, tables["contacts"].to_pylist() + more
    )
    first, again = choose(tables).chosen, choose(longer).chosen
    assert first.equals(again)


def test_the_hold_out_is_the_salted_hash_and_nothing_else() -> None:
    held = choose(shop(1), hold_out=0.3)
    keys = held.chosen["buyer_key"].tolist()
    place = hash_units(keys, experiment_id="list-2025-10-09", salt="secret")
    assert held.chosen["held_out"].tolist() == (place < 0.3).tolist()
    assert (held.chosen["cost"] == np.where(held.chosen["held_out"], 0.0, 2.0)).all()
    other = choose(shop(1), hold_out=0.3, rules=ContactRules(
        salt="other", time_zone="Asia/Shanghai", contact_id="十月"
    ))  # fmt: skip
    assert other.contact_id == "十月"
    assert other.chosen["held_out"].tolist() != held.chosen["held_out"].tolist()
    assert other.chosen["buyer_key"].tolist() == keys


def test_everybody_and_nobody_held_out() -> None:
    everybody, nobody = (choose(shop(1), hold_out=share) for share in (1.0, 0.0))
    assert (everybody.contacts, everybody.cost, everybody.gain.value) == (0, 0.0, 0.0)
    assert everybody.findings()[0].text.startswith("None of 3,000 known customers")
    assert "Nobody is held out, so what the list brings will not be told." in str(nobody)


def test_the_budget_goes_to_the_most_worthwhile() -> None:
    free, bound = choose(shop(1)), choose(shop(1), budget=200.0)
    assert bound.contacts == 100
    assert bound.cost == pytest.approx(200.0)
    first = free.chosen["buyer_key"].tolist()[: len(bound.chosen)]
    assert bound.chosen["buyer_key"].tolist() == first
    assert bound.unaffordable == len(free.chosen) - len(bound.chosen)
    assert "the budget of ¥200.00 does not reach" in str(bound)
    assert (bound.chosen["expected_profit"] > 0).all()


def test_customers_contacted_lately_often_or_held_out_are_left_in_peace() -> None:
    buyers = [order(n, f"b{n}", moment(10 + n % 60), 80.0) for n in range(90)]
    buyers += [order(100 + n, f"b{n}", moment(95), 80.0) for n in range(90)]
    rows = [contact("A", "b0", moment(97), False), contact("B", "b1", moment(80), False)]
    rows += [contact(f"O{n}", "b2", moment(71 + n), False) for n in range(4)]
    rows += [contact("A", "b3", moment(97), True), contact("B", "b4", moment(80), True)]
    tables = make_tables(buyers, rows)
    held = choose(tables, day=100, cost=0.0, hold_out=0.0)
    assert held.left == {RESTING: 1, OFTEN: 1, WAITING: 1}
    assert set(held.chosen["buyer_key"]) == {f"b{n}" for n in range(90)} - {"b0", "b2", "b3"}
    rested = choose(tables, day=100, cost=0.0, hold_out=0.0, fatigue_days=0)
    assert "b0" in set(rested.chosen["buyer_key"])
    longer = choose(tables, day=100, cost=0.0, hold_out=0.0, fatigue_days=21)
    assert "b1" not in set(longer.chosen["buyer_key"])
    assert "1 customers contacted lately, 1 contacted often enough" in str(held)


def test_one_customer_and_customers_all_alike() -> None:
    one = [order(1, "b", moment(0), 80.0), order(2, "b", moment(95), 80.0)]
    held = choose(make_tables(one), day=100, cost=0.0)
    assert len(held.chosen) == 1
    assert held.chosen["tier"].tolist() == ["core"]
    alike = [order(n, f"b{n}", moment(n % 2 * 90), 80.0) for n in range(200)]
    same = choose(make_tables(alike), day=100, cost=0.0)
    assert same.chosen.empty
    assert same.findings()[0].text.startswith("None of 200 known customers")
    assert same.to_frame().empty


def test_negative_spend_is_not_contacted() -> None:
    rows = [order(n, f"b{n}", moment(n % 90), 80.0) for n in range(300)]
    back = [refund(n, moment(95), 500.0, buyer_key=f"b{n}") for n in range(300)]
    held = choose(make_tables(rows, None, back), day=100, cost=0.0)
    assert held.chosen.empty


@pytest.mark.parametrize(
    ("given", "error", "said"),
    [
        ({"day": -5}, MissingDataError, "no known buyer has bought by"),
        ({"day": 3}, MissingDataError, "nobody is known to have bought by"),
        ({"hold_out": 1.2}, ParameterError, "hold_out is 1.2"),
        ({"margin": float("nan")}, ParameterError, "margin is nan"),
        ({"cost": -1.0}, ParameterError, "cost is -1"),
        ({"budget": -1.0}, ParameterError, "budget is -1"),
        ({"fatigue_days": -1}, ParameterError, "fatigue_days is -1"),
        ({"message": ["a", "a"]}, ParameterError, "each once"),
        ({"message": []}, ParameterError, "one or more"),
        ({"rules": ContactRules(time_zone="UTC")}, ParameterError, "salt is missing"),
    ],
)
def test_what_cannot_be_chosen_is_refused(
    given: dict[str, Any], error: type[Exception], said: str
) -> None:
    orders = {"orders": shop(1)["orders"].slice(0, 50)}
    days = orders["orders"]["paid_at"]
    assert pc.min(days).as_py() >= moment(0) - dt.timedelta(hours=12)
    with pytest.raises(error, match=said):
        choose(orders, **given)
    with pytest.raises(ParameterError, match="most_contacts is 0"):
        ContactRules(most_contacts=0)


def test_unknown_costs_and_margins_are_said() -> None:
    held = choose({"orders": shop(1)["orders"]}, cost=None, margin=1.0)
    assert "What a message costs is not known, so it counts as free" in str(held)
    assert "The whole net amount counts as profit" in str(held)
    past = choose(shop(1), cost=None)
    assert past.bases[0].cost == pytest.approx(0.05)


def small_shop() -> dict[str, Any]:
    """Some orders, refunds of both kinds and a mailing that is still being judged."""
    rng = np.random.default_rng(3)
    rows = [
        order(n, f"b{int(rng.integers(0, 60)):02d}", moment(int(rng.integers(0, 100))), 80.0)
        for n in range(200)
    ]
    back = [refund(n, moment(70), 30.0, buyer_key=f"b{n:02d}") for n in range(5)]
    back += [refund(9 + n, moment(60), 80.0, order_id=str(n)) for n in range(10)]
    sent = [contact("A", f"b{n:02d}", moment(97), n % 2 == 0) for n in range(8)]
    return make_tables(rows, sent, back)


def test_light_engines_choose_the_same(light_engine: Engine) -> None:
    """Spark, slow to start, does what is below it: mailings in judging, buyers in purchases."""
    tables = small_shop()
    expected = choose(tables, day=100, cost=0.0)
    found = choose(light_engine(tables), day=100, cost=0.0)
    assert found.chosen["buyer_key"].tolist() == expected.chosen["buyer_key"].tolist()
    assert found.chosen["chance"].tolist() == pytest.approx(expected.chosen["chance"].tolist())
    assert found.left == expected.left
    assert len(found.chosen) > 20
