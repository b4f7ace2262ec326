"""Past mailings against a slow oracle, on every engine, and the words of each outcome."""

from __future__ import annotations

import datetime as dt
import math
from collections import defaultdict
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from contact_worlds import ZONE, contact, local_day, make_tables, moment, order, refund
from scipy import stats

from ecops_lib.core.errors import MissingDataError, ParameterError
from ecops_lib.core.language import reading
from ecops_lib.customers import judge_contacts
from ecops_lib.customers.contacts.effects import ContactEffects

Engine = Callable[[dict[str, Any]], dict[str, Any]]
WINDOW = dt.timedelta(days=14)
DAY = 60


def judge(tables: dict[str, Any], *, day: int = DAY, **more: Any) -> ContactEffects:
    return judge_contacts(tables, as_of=local_day(day), **ZONE, **more)


def random_shop(seed: int, *, lift: float = 0.0, price: float = 50.0) -> tuple[list[Any], ...]:
    """Orders, contacts and refunds of two mailings, with all kinds of odd rows."""
    rng = np.random.default_rng(seed)
    orders: list[dict[str, Any]] = []
    refunds: list[dict[str, Any]] = []
    contacts = []
    for number in range(240):
        buyer = f"b{number:03d}"
        held = bool(rng.random() < 0.4)
        mailing = f"C{number % 2}"
        sent = moment(20 + 10 * (number % 2), int(rng.integers(0, 5)))
        contacts.append(contact(mailing, buyer, sent, held))
        for _ in range(int(rng.integers(1, 4))):
            at = moment(int(rng.integers(0, 50)), int(rng.integers(0, 24)))
            orders.append(order(len(orders), buyer, at, float(rng.integers(10, 90))))
        if rng.random() < 0.2 + lift * (not held):
            orders.append(order(len(orders), buyer, sent + dt.timedelta(days=3), price))
        if rng.random() < 0.3:
            at = moment(int(rng.integers(20, 59)))
            named = [{"order_id": orders[-1]["order_id"]}, {"buyer_key": buyer}][number % 2]
            refunds.append(refund(len(refunds), at, float(rng.choice([5.0, 200.0])), **named))
    orders.append(order(len(orders), None, moment(25), 70.0))
    orders.append({**order(len(orders), "b000", moment(25), 1.0), "paid_amount": None})
    return orders, contacts, refunds


def slow_sums(orders: Any, contacts: Any, refunds: Any) -> dict[Any, list[tuple[int, float]]]:
    """Orders and net amount of each customer in the window, by mailing and arm."""
    held: dict[Any, list[tuple[int, float]]] = defaultdict(list)
    for row in contacts:
        count, amount = 0, Decimal(0)
        end = row["sent_at"] + WINDOW
        for bought in orders:
            if bought["buyer_key"] != row["buyer_key"] or bought["paid_amount"] is None:
                continue
            if not row["sent_at"] <= bought["paid_at"] < end:
                continue
            named = [r["amount"] for r in refunds if r.get("order_id") == bought["order_id"]]
            net = bought["paid_amount"] - sum(named, Decimal(0))
            count += not named or net > 0
            amount += net
        for back in refunds:
            mine = "order_id" not in back and back["buyer_key"] == row["buyer_key"]
            if mine and row["sent_at"] <= back["finished_at"] < end:
                amount -= back["amount"]
        held[row["contact_id"], row["held_out"]].append((count, float(amount)))
    return held


def test_every_engine_agrees_with_a_slow_count(light_engine: Engine) -> None:
    orders, contacts, refunds = random_shop(1)
    found = judge(light_engine(make_tables(orders, contacts, refunds)), margin=0.5)
    sums = slow_sums(orders, contacts, refunds)
    assert found.frame["contact_id"].tolist() == ["C0", "C1"]
    for row in found.frame.to_dict("records"):
        sent, kept = (sums[row["contact_id"], held] for held in (False, True))
        assert (row["contacted"], row["held_out"]) == (len(sent), len(kept))
        shares = [np.mean([count > 0 for count, _ in arm]) for arm in (sent, kept)]
        assert (row["share"], row["share_held"]) == pytest.approx(tuple(shares))
        for name, place in (("orders", 0), ("worth", 1)):
            arms = [np.array([each[place] for each in arm], float) for arm in (sent, kept)]
            test = stats.ttest_ind(*arms, equal_var=False)
            span = test.confidence_interval(0.95)
            assert row[name] == pytest.approx(arms[0].mean() - arms[1].mean())
            ends = (row[f"{name}_low"], row[f"{name}_high"])
            assert ends == pytest.approx((span.low, span.high))
        cost = 0.05 * len(sent)
        assert row["cost"] == pytest.approx(cost)
        assert row["profit"] == pytest.approx(0.5 * len(sent) * row["worth"] - cost)
        assert row["profit_low"] == pytest.approx(0.5 * len(sent) * row["worth_low"] - cost)


def two_arms(bought: tuple[int, int], sizes: tuple[int, int], price: float = 50.0) -> Any:
    """One mailing on day 20: so many of each arm buy once, three days later."""
    orders = [order(n, f"b{n:04d}", moment(0), 10.0) for n in range(sum(sizes))]
    contacts, buys = [], []
    for arm, (count, size) in enumerate(zip(bought, sizes, strict=True)):
        for n in range(size):
            buyer = f"b{arm * sizes[0] + n:04d}"
            contacts.append(contact("C1", buyer, moment(20), bool(arm)))
            if n < count:
                buys.append(order(10_000 + len(buys), buyer, moment(23), price))
    return make_tables(orders + buys, contacts)


def test_newcombe_1998_table_two_a() -> None:
    """56/70 against 48/80: 0.2 (0.0524 to 0.3339) by method 10."""
    [row] = judge(two_arms((56, 48), (70, 80))).frame.to_dict("records")
    assert row["lift"] == pytest.approx(0.2)
    assert (row["lift_low"], row["lift_high"]) == pytest.approx((0.0524, 0.3339), abs=5e-5)


def test_reversing_the_truth_reverses_the_sentence() -> None:
    def first(tables: Any) -> tuple[str, str]:
        finding = judge(tables).findings()[0]
        return finding.level, finding.text

    level, text = first(two_arms((80, 20), (200, 200)))
    assert level == "good"
    assert text.startswith("短信 of 2025-01-21 paid: +¥2,990.00 after its cost (+¥")
    assert "40.00% of the contacted bought and 10.00% of those held out" in text
    level, text = first(two_arms((20, 80), (200, 200)))
    assert level == "bad"
    assert "lost money: -¥3,010.00" in text
    level, text = first(two_arms((40, 40), (200, 200)))
    assert level == "info"
    assert "Whether 短信 of 2025-01-21 paid cannot be told" in text
    level, text = first(two_arms((3, 1), (20, 20)))
    assert level == "info"
    assert "for too few bought" in text
    with reading("zh"):
        assert "of 2025" not in first(two_arms((80, 20), (200, 200)))[1]


def test_two_mailings_are_pooled_by_their_variances() -> None:
    orders, contacts, refunds = random_shop(2, lift=0.3, price=500.0)
    held = judge(make_tables(orders, contacts, refunds))
    errors = held.frame["lift_error"].to_numpy(float)
    weights = errors**-2 / (errors**-2).sum()
    assert held.lift.value == pytest.approx(float(weights @ held.frame["lift"].to_numpy(float)))
    assert held.lift.error == pytest.approx(math.sqrt(1 / (errors**-2).sum()))
    assert held.profit.value == pytest.approx(held.frame["profit"].sum())
    first = held.findings()[0]
    assert first.key == "contacts/together"
    assert first.text.startswith("The 2 mailings judged paid: +¥")
    assert held.chart() is not None


def test_no_effect_is_called_one_in_at_most_one_of_twenty() -> None:
    """200 mailings without an effect; 18 or more false calls would come with 1 %."""
    rng, false = np.random.default_rng(5), 0
    for _ in range(40):
        orders = [order(n, f"b{n:03d}", moment(0), 10.0) for n in range(300)]
        contacts = []
        for mailing in range(5):
            day = 20 * mailing + 5
            held = rng.random(300) < 0.4
            buys = rng.random(300) < 0.3
            for n in range(300):
                contacts.append(
                    contact(f"C{mailing}", f"b{n:03d}", moment(day), bool(held[n]), cost=Decimal(0))
                )
                if buys[n]:
                    amount = float(rng.integers(20, 200))
                    orders.append(order(len(orders), f"b{n:03d}", moment(day + 1), amount))
        frame = judge(make_tables(orders, contacts), day=120).frame
        false += int(((frame["profit_low"] > 0) | (frame["profit_high"] < 0)).sum())
    assert false <= 17


def test_openers_are_no_group_of_their_own() -> None:
    plain = two_arms((40, 10), (200, 200))
    rows = plain["contacts"].to_pylist()
    opened = [{**row, "opened_at": moment(21)} if n < 60 else row for n, row in enumerate(rows)]
    held = judge(make_tables(plain["orders"].to_pylist(), opened))
    assert held.frame["profit"].tolist() == judge(plain).frame["profit"].tolist()
    assert "60 messages were opened. Those who open are not compared" in str(held)


def test_a_window_that_is_not_over_is_said_and_not_judged() -> None:
    """The last order of the window may come at noon of day 34 of Shanghai."""
    tables = two_arms((80, 20), (200, 200))
    early, late = (judge(tables, day=day) for day in (33, 34))
    assert early.frame["state"].tolist() == ["open"]
    assert early.frame["profit"].isna().all()
    assert (early.profit, early.lift, early.chart()) == (None, None, None)
    assert "not judged yet, for its 14 days are not over: 短信 (until 2025-02-04)" in str(early)
    assert late.frame["state"].tolist() == ["judged"]
    future = judge(tables, day=19)
    assert future.absent() == "No message was sent by 2025-01-20."


def test_nobody_held_out_and_nobody_contacted_cannot_be_told() -> None:
    tables = two_arms((80, 20), (200, 200))
    rows = tables["contacts"].to_pylist()
    orders = tables["orders"].to_pylist()
    untold = judge(make_tables(orders, [{**row, "held_out": None} for row in rows]))
    assert untold.frame["state"].tolist() == ["uncontrolled"]
    assert "brought cannot be told, because nobody was held out" in str(untold)
    assert untold.findings()[0].action is not None
    unsent = judge(make_tables(orders, [{**row, "held_out": True} for row in rows]))
    assert unsent.frame["state"].tolist() == ["unsent"]
    assert unsent.profit is None


def test_a_hold_out_of_the_wrong_size_or_kind_is_not_judged() -> None:
    tables = two_arms((80, 20), (200, 200))
    assert judge(tables, hold_out=0.5).frame["state"].tolist() == ["judged"]
    wrong = judge(tables, hold_out=0.2)
    assert wrong.frame["state"].tolist() == ["doubtful"]
    assert wrong.findings()[0].text.startswith(
        "短信 of 2025-01-21 held out 50.00% of its customers, not the planned 20.00% (p-value "
        "< 0.001)"
    )
    assert wrong.profit is None
    before = [order(20_000 + n, f"b{n:04d}", moment(12), 5.0) for n in range(60)]
    picked = judge(
        make_tables(tables["orders"].to_pylist() + before, tables["contacts"].to_pylist())
    )
    assert picked.frame["state"].tolist() == ["doubtful"]
    assert "bought unlike already before the sending" in picked.findings()[0].text


def test_overlaps_crossed_and_nameless_rows_are_counted_and_told() -> None:
    tables = two_arms((80, 20), (200, 200))
    rows = tables["contacts"].to_pylist()
    rows += [contact("C2", f"b{n:04d}", moment(30), n % 2 == 0) for n in range(50)]
    rows += [contact("C3", f"b{n:04d}", moment(35), n % 2 == 0) for n in range(100, 200)]
    rows += [contact("C4", "x", moment(30), False), contact("C4", "x", moment(31), True)]
    rows.append(contact("C2", None, moment(30), False, cost=None))
    held = judge(make_tables(tables["orders"].to_pylist(), rows))
    assert dict(zip(held.frame["contact_id"], held.frame["overlapping"], strict=True)) == {
        "C1": 50, "C2": 50, "C3": 0,
    }  # fmt: skip
    assert (held.nameless, held.crossed) == (1, 1)
    words = str(held)
    assert "100 of 550 customers of mailings were in another mailing within 14 days" in words
    assert "1 messages that name no customer, and 1 customers both contacted" in words


def test_unpriced_messages_are_free_and_said_so() -> None:
    tables = two_arms((80, 20), (200, 200))
    rows = [{**row, "cost": None} for row in tables["contacts"].to_pylist()]
    held = judge(make_tables(tables["orders"].to_pylist(), rows))
    assert held.frame["cost"].tolist() == [0.0]
    assert "200 messages tell no cost and count as free." in str(held)


def test_negative_spend_is_a_loss() -> None:
    tables = two_arms((80, 20), (200, 200))
    back = [refund(n, moment(25), 90.0, buyer_key=f"b{n:04d}") for n in range(0, 150, 2)]
    orders, contacts = (tables[name].to_pylist() for name in ("orders", "contacts"))
    held = judge(make_tables(orders, contacts, back))
    assert held.frame["amount"].iloc[0] < 0
    assert "lost money" in held.findings()[0].text


def test_what_cannot_be_judged_is_refused() -> None:
    tables = two_arms((80, 20), (200, 200))
    with pytest.raises(MissingDataError, match="messaging tool"):
        judge({"orders": tables["orders"]})
    with pytest.raises(ParameterError, match="window_days is 0"):
        judge(tables, window_days=0)
    with pytest.raises(ParameterError, match="margin is nan"):
        judge(tables, margin=math.nan)
    with pytest.raises(ParameterError, match="hold_out is 1"):
        judge(tables, hold_out=1.0)
    empty = make_tables(tables["orders"].to_pylist(), [])
    assert judge(empty).absent()
    one = judge(make_tables([order(1, "b", moment(0), 5.0)], [contact("C", "b", moment(1), True)]))
    assert one.frame["state"].tolist() == ["unsent"]


def test_hostile_names_are_escaped() -> None:
    tables = two_arms((80, 20), (200, 200))
    rows = [{**row, "message": "<script>x</script>"} for row in tables["contacts"].to_pylist()]
    page = judge(make_tables(tables["orders"].to_pylist(), rows))._repr_html_()
    assert "<script>" not in page
    assert "&lt;script&gt;" in page
