"""Tags: a slow oracle in five engines, chance kept at its level, planted habits found."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Callable
from decimal import Decimal
from itertools import product
from typing import Any

import numpy as np
import pytest

from ecops_lib.core.errors import MissingDataError, ParameterError
from ecops_lib.core.language import reading
from ecops_lib.core.tables import table_html
from ecops_lib.customers import tag_customers
from ecops_lib.customers.orders import OrdersView
from ecops_lib.customers.tag_facts import Trials, gather_facts
from ecops_lib.customers.tag_purchases import HABITS
from ecops_lib.customers.tag_tests import (
    GAP,
    LEAST,
    LEVEL,
    choose,
    choose_customers,
    choose_pairs,
    find_chances,
    tell_able,
    weigh,
)
from ecops_lib.data.store import Store
from tests.customers.tag_shops import (
    FIRST,
    KINDS,
    ZONE,
    Row,
    TagOracle,
    as_tables,
    from_rows,
    moment,
    random_shop,
    simulate,
)

Engine = Callable[[dict[str, Any]], dict[str, Any]]
AS_OF = FIRST + dt.timedelta(days=95)
END = FIRST + dt.timedelta(days=360)


def test_every_engine_sums_as_the_slow_oracle(light_engine: Engine) -> None:
    rows = random_shop(1)
    view = OrdersView(light_engine(as_tables(rows)), as_of=AS_OF, by=None, time_zone=ZONE)
    held = gather_facts(view)
    days = TagOracle(rows, AS_OF).days()
    keys = sorted({buyer for (buyer, _), told in days.items() if "bought" in told})
    order = held.people.keys.argsort().to_numpy()
    assert list(held.people.keys.iloc[order]) == keys
    for habit, half in product(HABITS, ("early", "late")):
        told = {key: day[habit] for key, day in days.items() if habit in day}
        shares = defaultdict(list)
        for (_, day), did in told.items():
            shares[day].append(did)
        full = {d for d, held in shares.items() if len(held) >= 10 and np.mean(held) > 0.75}
        told = {key: did for key, did in told.items() if key[1] not in full}
        mine = {
            buyer: [(d, told[b, d]) for b, d in told if b == buyer
                    and (d <= held.split) == (half == "early")]
            for buyer in keys
        }  # fmt: skip
        trials = held.trials(habit, half).take(order)
        assert list(trials.tried) == [len(mine[b]) for b in keys]
        assert list(trials.did) == [sum(did for _, did in mine[b]) for b in keys]
        expected = [sum(np.mean(shares[d]) for d, _ in mine[b]) for b in keys]
        assert list(trials.expected) == pytest.approx(expected)
    named = {key: day["category"] for key, day in days.items() if "category" in day}
    pairs = held.pairs.assign(buyer=held.people.keys.iloc[held.pairs["place"]].to_numpy())
    assert len(pairs) == len({(b, kind) for (b, _), kind in named.items()})
    for row in pairs.itertuples():
        mine = [d for (b, d) in named if b == row.buyer]
        assert row.early_did + row.late_did == sum(named[row.buyer, d] == row.category
                                                   for d in mine)  # fmt: skip
        same = {d: [k == row.category for (_, e), k in named.items() if e == d] for d in mine}
        late = sum(np.mean(same[d]) for d in mine if d > held.split)
        assert row.late_expected == pytest.approx(late)
    assert held.sums["province"].notna().all()
    assert set(held.sums["province"]) <= {"浙江", "上海", "西藏"}


def test_row_order_and_money_do_not_matter() -> None:
    rows = random_shop(3)
    first = tag_customers(as_tables(rows), as_of=AS_OF, time_zone=ZONE)
    turned = {name: held[::-1] for name, held in rows.items()}
    for table in ("orders", "order_items", "refunds"):
        for row in turned[table]:
            for name in [n for n, v in row.items() if isinstance(v, Decimal)]:
                row[name] *= 3
    again = tag_customers(as_tables(turned), as_of=AS_OF, time_zone=ZONE)
    money = ["net_amount", "average"]
    a, b = first.to_frame(), again.to_frame()
    assert a.drop(columns=money).equals(b.drop(columns=money))
    assert (a[money] * 3).to_numpy() == pytest.approx(b[money].to_numpy(), nan_ok=True)


def exact_tail(shares: list[float], least: int) -> float:
    """Chance of at least so many, by adding up every outcome."""
    total = 0.0
    for outcome in product((0, 1), repeat=len(shares)):
        if sum(outcome) >= least:
            total += float(np.prod([s if o else 1 - s for o, s in zip(outcome, shares,
                                                                       strict=True)]))  # fmt: skip
    return total


def test_the_chance_is_never_below_the_exact_one() -> None:
    rng = np.random.default_rng(5)
    for _ in range(200):
        shares = rng.beta(0.6, 1.4, int(rng.integers(3, 9))).tolist()
        for did in range(len(shares) + 1):
            one = Trials(tried=np.array([float(len(shares))]), did=np.array([float(did)]),
                         expected=np.array([sum(shares)]))  # fmt: skip
            assert find_chances(one)[0] >= exact_tail(shares, did) - 1e-12
    alike = Trials(tried=np.array([8.0]), did=np.array([6.0]), expected=np.array([1.6]))
    assert find_chances(alike)[0] == pytest.approx(exact_tail([0.2] * 8, 6))


def test_the_published_example_of_false_discoveries() -> None:
    """Benjamini and Hochberg 1995, section 4.1: 15 p-values of a trial of rt-PA; 4 at 5 %."""
    values = [0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459,
              0.3240, 0.4262, 0.5719, 0.6528, 0.7590]  # fmt: skip
    half = np.array([*values, 1.0]) * (LEVEL / 0.05)
    assert choose(np.minimum(half, 1.0), tests=15).sum() == 4


def draw(rng: np.random.Generator, habit: Any, *, days: int = 120, each: int = 9) -> Trials:
    """Purchases on days whose offer differs; a share of customers may be keener than it."""
    count = len(habit)
    offer = rng.beta(1, 4, days)
    when = np.stack([rng.choice(days, each, replace=False) for _ in range(count)])
    chance = np.where(habit[:, None], np.maximum(offer[when], 0.75), offer[when])
    did = (rng.random(when.shape) < chance).astype(float)
    share = np.bincount(when.ravel(), did.ravel(), days) / np.maximum(
        np.bincount(when.ravel(), minlength=days), 1
    )
    whole = np.full(count, float(each))
    return Trials(tried=whole, did=did.sum(1), expected=share[when].sum(1))


def test_where_nobody_has_a_habit_hardly_any_shop_has_a_tag() -> None:
    """Under the null all tags are false, so at most ``LEVEL`` of the shops may have one."""
    runs = [choose_customers(draw(np.random.default_rng((7, k)), np.zeros(300, bool)))
            for k in range(200)]  # fmt: skip
    wrong = sum(bool(r.mine.any()) for r in runs)
    assert wrong <= 200 * LEVEL + 3 * (200 * LEVEL * (1 - LEVEL)) ** 0.5
    assert min(r.tested for r in runs) > 250


def test_false_tags_stay_at_the_level_and_habits_are_found() -> None:
    shares, found = [], []
    for k in range(60):
        rng = np.random.default_rng((11, k))
        habit = rng.random(300) < 0.1
        mine = choose_customers(draw(rng, habit)).mine
        shares.append((mine & ~habit).sum() / max(mine.sum(), 1))
        found.append(mine[habit].mean())
    assert np.mean(shares) <= LEVEL + 3 * np.std(shares) / len(shares) ** 0.5
    assert np.mean(found) > 0.5


def test_tests_that_cannot_be_passed_are_not_made() -> None:
    assert tell_able(np.array([])).tolist() == []
    assert tell_able(np.full(1000, 0.01)).sum() == 0
    kept = tell_able(np.array([1e-5] * 50 + [0.02] * 500))
    assert kept.sum() == 50
    few = Trials(tried=np.full(9, LEAST - 1.0), did=np.full(9, LEAST - 1.0),
                 expected=np.full(9, 0.001))  # fmt: skip
    assert choose_customers(few).tested == 0
    assert find_chances(few).tolist() == [1.0] * 9


def test_a_small_excess_is_no_habit_however_sure() -> None:
    many = Trials(tried=np.array([2000.0]), did=np.array([1000 + 2000 * GAP - 1]),
                  expected=np.array([1000.0]))  # fmt: skip
    assert find_chances(many)[0] == 1


@pytest.fixture(scope="module")
def planted() -> Any:
    shop = simulate(2)
    return shop, tag_customers(shop.tables, as_of=END, time_zone=ZONE)


def test_planted_habits_are_found_with_few_others(planted: Any) -> None:
    shop, tags = planted
    held = tags.customers
    for tag, true in (("night", shop.owls), ("discount", shop.sensitive)):
        mine = set(held.loc[held["tag"] == tag, "buyer_key"])
        assert len(mine & true) >= 0.5 * len(true)
        assert len(mine - true) <= 2 * LEVEL * len(mine)
    loved = held[(held["tag"] == "category") & (held["value"] != "")]
    pairs = set(zip(loved["buyer_key"], loved["value"], strict=True))
    true_pairs = set(shop.lovers.items())
    assert len(pairs & true_pairs) >= 0.5 * len(true_pairs)
    assert len(pairs - true_pairs) <= 2 * LEVEL * len(pairs)


def test_a_festival_alone_makes_nobody_price_sensitive() -> None:
    shop = simulate(4, each=0.0)
    tags = tag_customers(shop.tables, as_of=END, time_zone=ZONE)
    [row] = [t for t in tags.tags if t.key == "discount"]
    lines = shop.tables["order_items"].to_pandas()
    buyer = shop.tables["orders"].to_pandas()["buyer_key"]
    share = (lines["ordered_amount"] < 100).groupby(buyer).mean()
    plain = (share >= share.mean() + 0.2).sum()  # who would be so without the festivals
    assert plain > 50
    assert len(row.place) == 0


def test_lift_shrinks_on_later_purchases_but_stays(planted: Any) -> None:
    tags = planted[1]
    for tag in tags.tags:
        if tag.key in {"night", "discount"}:
            held = tag.evidence
            assert held.checked
            assert held.before.lift > held.later.lift > 1.5
            assert held.later.low < held.later.lift < held.later.high
            assert held.later.holds
    [told] = [f for f in tags.findings() if f.key == "tag/discount"]
    assert "customers; of their purchases, " in told.text
    assert "chosen for it, so this is too high). It lasts: " in told.text
    assert told.evidence["later_low"] > 1
    assert told.action is not None


def test_those_who_changed_turn_the_sentence() -> None:
    """The same early habit; later purchases like everybody's."""
    rng = np.random.default_rng(3)
    habit = rng.random(400) < 0.1
    early, nobody = draw(rng, habit), np.zeros(400, bool)
    for later, holds in ((draw(rng, habit), True), (draw(rng, nobody), False)):
        whole = choose_customers(early.plus(later))
        found = weigh(early, later, now=whole, first=choose_customers(early), own=nobody | True)
        assert (found.checked, found.later.holds) == ("tagged", holds)


def test_the_later_limits_cover_the_true_lift() -> None:
    """Of customers followed at random the lift is 1: limits hold it about 19 times of 20."""
    held = 0
    for k in range(150):
        rng = np.random.default_rng((13, k))
        trials = draw(rng, np.zeros(300, bool))
        some = rng.random(300) < 0.3
        none = choose_customers(trials)
        later = weigh(trials, trials, now=none, first=type(none)(mine=some, chance=none.chance,
                      tested=1), own=np.ones(300, bool)).later  # fmt: skip
        held += later.low <= 1 <= later.high
    assert 150 * 0.88 <= held <= 150


def test_favourite_categories_of_nobody_stay_at_the_level() -> None:
    wrong = 0
    for k in range(40):
        rng = np.random.default_rng((17, k))
        counts = rng.multinomial(8, [0.4, 0.3, 0.2, 0.1], size=250).astype(float)
        place, kind = np.nonzero(counts)
        whole = counts.sum(0) / counts.sum()
        trials = Trials(tried=np.full(len(place), 8.0), did=counts[place, kind],
                        expected=8 * whole[kind])  # fmt: skip
        wrong += bool(choose_pairs(trials, kind, np.full(250, 8.0)).mine.any())
    assert wrong <= 40 * LEVEL + 3 * (40 * LEVEL * (1 - LEVEL)) ** 0.5


def tiny(*orders: tuple[str | None, int, int], **more: Any) -> dict[str, Any]:
    """Orders of (buyer, day, hour), of 10 each unless told."""
    rows: list[Row] = [
        {"platform": "tmall", "order_id": str(n), "buyer_key": who, "created_at": moment(day, hour),
         "paid_at": moment(day, hour), "ordered_amount": Decimal(10), "paid_amount": Decimal(10),
         **more}
        for n, (who, day, hour) in enumerate(orders)
    ]  # fmt: skip
    return {"orders": from_rows("orders", rows)}


def test_names_from_data_are_escaped(planted: Any) -> None:
    assert any(KINDS[-1] in name for name in planted[1].to_frame()["tag"])
    tables = tiny(("a", 1, 9), ("b", 2, 23), province="<script>alert(1)</script>")
    rules: dict[str, dict[str, object]] = {"<img src=x>": {"province": ["<script>", "x"]}}
    tags = tag_customers(tables, as_of=AS_OF, time_zone=ZONE, rules=rules)
    shown = tags._repr_html_()
    assert "<script>" not in shown
    assert "<img" not in shown
    whole = table_html(tags.to_frame(), units={}, labels={})
    assert "Region: &lt;script&gt;alert(1)&lt;/script&gt;" in whole
    assert "Region" not in shown  # nobody tells that these buyers did anything else
    assert "&lt;img src=x&gt; (province = &lt;script&gt; or x)" in shown


def reasons(tags: Any) -> dict[str, str]:
    return {tag.key: tag.why for tag in tags.tags if tag.why}


def test_small_and_strange_shops_say_what_cannot_be_told() -> None:
    with pytest.raises(MissingDataError, match="no known buyer"):
        tag_customers(tiny((None, 1, 9), (None, 2, 9)), as_of=AS_OF, time_zone=ZONE)
    with pytest.raises(MissingDataError, match="no known buyer"):
        tag_customers(tiny(), as_of=AS_OF, time_zone=ZONE)
    alone = tag_customers(tiny(("a", 1, 9)), as_of=AS_OF, time_zone=ZONE)
    why = reasons(alone)
    assert set(why) == {"category", "discount", "coupon", "new_item", "refund", "night", "region"}
    assert why["refund"].startswith("The store holds no refund")
    assert why["night"] == (
        "all orders carry the same hour; import orders with the time they were placed."
    )
    texts = [f.text for f in alone.findings()]
    assert f"Night owl cannot be told: {why['night']}" in texts
    assert len(alone.customers) == 1
    same = tag_customers(tiny(*((f"b{k}", k, 9 + d) for k in range(9) for d in (0, 1))),
                         as_of=AS_OF, time_zone=ZONE)  # fmt: skip
    assert reasons(same)["night"] == "no purchase known was so."
    owls = tag_customers(tiny(*((f"b{k}", d, 22 + d % 2) for k in range(9) for d in range(9))),
                         as_of=AS_OF, time_zone=ZONE)  # fmt: skip
    assert reasons(owls)["night"] == "nearly every purchase known was so."


def test_more_given_back_than_spent_is_shown_as_it_is() -> None:
    tables = tiny(("a", 1, 9), ("b", 1, 23))
    tables["refunds"] = from_rows("refunds", [
        {"platform": "tmall", "refund_id": "r", "buyer_key": "a", "amount": Decimal(30),
         "finished_at": moment(2, 9), "status": "success"}
    ])  # fmt: skip
    tags = tag_customers(tables, as_of=AS_OF, time_zone=ZONE, rules={"亏": {"net_amount": "< 0"}})
    held = tags.customers.set_index(["tag", "buyer_key"])["net_amount"]
    assert held["own/亏", "a"] == -20
    assert reasons(tags)["refund"] == (
        "no refund names its order; import the platform's refund export."
    )


def test_the_shops_own_tags_hold_their_conditions(planted: Any) -> None:
    rules: dict[str, dict[str, object]] = {
        "大客户": {"net_amount": ">= 1900", "orders": [">= 3", "< 100"]},
        "茶客": {"category": ["茶叶", "茶具"], "night_share": "< 20%"},
        "睡": {"stage": "lost", "days_since": "> 90"},
        "同": {"orders": 20},
        "无": {"level": "金"},
    }
    tags = tag_customers(planted[0].tables, as_of=END, time_zone=ZONE, rules=rules)
    own = {tag.label: tag for tag in tags.tags if tag.kind == "rule"}
    assert list(own) == list(rules)
    amount, orders = tags.held.now.amount, tags.held.people.orders
    wanted = np.flatnonzero((amount >= 1900) & (orders >= 3) & (orders < 100))
    assert own["大客户"].place.tolist() == wanted.tolist()
    assert 0 < len(wanted) < len(amount)
    assert set(tags.held.favourite("early", "late").iloc[own["茶客"].place]) == {"茶叶", "茶具"}
    assert (tags.held.people.recency[own["睡"].place] > 90).all()
    assert len(own["同"].place) == len(amount)
    assert own["无"].why == "of no customer is told: membership level."
    assert own["大客户"].rule == "net amount ≥ ¥1,900.00; orders ≥ 3; orders < 100"
    again = own["大客户"].again
    known = tags.held.then.known
    assert again.base == pytest.approx(tags.held.sums["soon"][known].gt(0).mean())
    with reading("zh"):
        text = next(f.text for f in tags.findings() if f.key == "tag/own/大客户")
    assert "位客户" in text


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        (
            {"net_amout": ">= 3"},
            r"asks for 'net_amout', which is no fact; did you mean 'net_amount",
        ),
        ({}, r"tag 'x' in rules is \{\}; give conditions on facts"),
        ("big", r"tag 'x' in rules is 'big'; give conditions"),
        ({"orders": "=> 3"}, r"orders of tag 'x' in rules is '=> 3'; give a number, or a comp"),
        ({"orders": True}, r"orders of tag 'x' in rules is True; give a number"),
        ({"orders": float("nan")}, r"is nan; give a number"),
        ({"orders": []}, r"orders of tag 'x' in rules is empty; give a condition"),
        ({"category": 5}, r"category of tag 'x' in rules is 5; give a text in quotes"),
        ({"stage": "matur"}, r"stage of tag 'x' in rules is 'matur'; .* did you mean 'mature'"),
    ],
)
def test_a_wrong_rule_is_refused_in_one_sentence(rule: Any, said: str) -> None:
    with pytest.raises(ParameterError, match=said):
        tag_customers(tiny(("a", 1, 9)), as_of=AS_OF, time_zone=ZONE, rules={"x": rule})


@pytest.mark.realdata
def test_online_retail_says_what_it_cannot_tell(online_retail: tuple[object, Store]) -> None:
    tags = tag_customers(online_retail[1], as_of="2011-12-09")
    why = reasons(tags)
    assert set(why) == {"category", "discount", "coupon", "refund", "night"}
    assert why["night"] == "no purchase known was so."
    people = len(tags.held.people)
    frame = tags.customers
    for kind in ("region", "stage"):
        keys = {t.key for t in tags.tags if t.kind == kind}
        assert frame["tag"].isin(keys).sum() == people
