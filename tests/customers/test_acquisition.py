"""Cost, payback and worth of new customers: a slow oracle in five engines, planted shops."""

from __future__ import annotations

import math
import random
from collections import defaultdict
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

import pytest

from ecops_lib.core.errors import MissingDataError, ParameterError
from ecops_lib.core.language import reading
from ecops_lib.customers import cost_acquisition
from ecops_lib.customers.acquisition.newcomers import EVERYONE, count_newcomers, worth_observed
from ecops_lib.customers.acquisition.spending import channel_group
from ecops_lib.customers.lifetime import value_customers
from ecops_lib.customers.lifetime.value import CustomerValues
from ecops_lib.customers.orders import OrdersView
from ecops_lib.customers.shares import Sums
from ecops_lib.metrics.ad_lines import AD_LINES, ad_line
from tests.customers.customer_shop import ZONE, Tables, day, make_shop, to_table

Engine = Callable[[dict[str, Any]], dict[str, Any]]
Order = tuple[Any, ...]
CHANNELS = ("直通车", "手淘搜索", "淘宝客", "", None)
MONTHS, LAST, FROM = 3, 200, 30


def spend_tables(ads: list[tuple[int, str | None, float]],
                 costs: Sequence[tuple[int, str, float]] = ()) -> Tables:  # fmt: skip
    """Ads of (day, kind, cost) and costs of (day, kind, amount)."""
    told = [
        {"platform": "tmall", "day": day(when), "campaign_id": f"c{n}", "product_id": "*",
         "keyword": "*", "product_line": line, "cost": Decimal(str(cost))}
        for n, (when, line, cost) in enumerate(ads)
    ]  # fmt: skip
    sheet = [
        {"day": day(when), "kind": kind, "product_id": "*", "amount": Decimal(str(amount))}
        for when, kind, amount in costs
    ]
    tables = {"ads": to_table("ads", told)} if told else {}
    return {**tables, **({"costs": to_table("costs", sheet)} if sheet else {})}


def random_orders(seed: int) -> tuple[list[Order], list[tuple[Any, int, float]]]:
    """Orders of known and unknown buyers, and refunds of all, of a part, or without an order."""
    rng = random.Random(seed)
    orders: list[Order] = []
    for _ in range(500):
        buyer = rng.choice((None, *(f"b{i}" for i in range(150))))
        amount = rng.choice((0, *(rng.randrange(100, 9_999) / 100 for _ in range(9))))
        orders.append((buyer, rng.randrange(LAST + 5), amount, {"channel": rng.choice(CHANNELS)}))
    back = []
    for number in rng.sample(range(len(orders)), 120):
        buyer, when, amount, _ = orders[number]
        if amount:
            who = number if rng.random() < 0.8 else buyer or number
            part = rng.choice((1, 1, 0.5))
            back.append((who, when + rng.randrange(30), round(amount * part, 2)))
    return orders, back


def slow_newcomers(
    orders: list[Order], refunds: list[tuple[Any, int, float]]
) -> dict[str, tuple[int, list[list[Decimal]]]]:
    """New customers of the span, and the amounts by age of those old enough, buyer by buyer."""
    done = [(who, when, Decimal(str(amount))) for who, when, amount in refunds if when <= LAST]
    back: dict[Any, Decimal] = defaultdict(Decimal)
    for who, _, amount in done:
        back[who] += amount
    days: dict[str, dict[int, list[tuple[Decimal, str | None]]]] = defaultdict(dict)
    for number, (buyer, when, amount, told) in enumerate(orders):
        net = Decimal(str(amount)) - back.get(number, Decimal(0))
        if buyer and when <= LAST and (number not in back or net > 0):
            days[buyer].setdefault(when, []).append((net, told["channel"]))
    found: dict[str, tuple[int, list[list[Decimal]]]] = {}
    for buyer, held in days.items():
        first = min(held)
        channel = min((c for _, c in held[first] if c), default="")
        group = channel_group(channel)
        count, amounts = found.get(group, (0, [[] for _ in range(MONTHS + 1)]))
        moves = [(when, net) for when, lines in held.items() for net, _ in lines]
        moves += [(when, -amount) for who, when, amount in done if who == buyer]
        for age in range(MONTHS + 1):
            if (LAST - first) // 30 >= age:
                amounts[age].append(sum((m for w, m in moves if w - first <= 30 * age), Decimal(0)))
        found[group] = (count + (first >= FROM), amounts)
    return found


ORDERS, REFUNDS = random_orders(5)
ADS = [(FROM, "keyword", 300), (LAST, "keyword", 50.55), (LAST + 1, "keyword", 999),
       (60, "audience", 77), (90, None, 11)]  # fmt: skip
COSTS = [(50, "commission", 40), (50, "goods", 5_000), (50, "直通车", 8), (FROM - 1, "淘宝客", 9)]


@pytest.fixture(scope="module")
def shop() -> Tables:
    return {**make_shop(ORDERS, refunds=REFUNDS), **spend_tables(ADS, COSTS)}


@pytest.fixture(scope="module")
def values(shop: Tables) -> CustomerValues:
    return value_customers(shop, as_of=day(LAST), margin=0.4, **ZONE)


def test_every_engine_agrees_with_the_slow_oracle(
    light_engine: Engine, shop: Tables, values: CustomerValues
) -> None:
    told = cost_acquisition(light_engine(shop), as_of=day(LAST), start=day(FROM), margin=0.4,
                            months=MONTHS, values=values, **ZONE)  # fmt: skip
    oracle = slow_newcomers(ORDERS, REFUNDS)
    spend = {"keyword": 350.55, "commission": 40.0, "audience": 77.0, "": 11.0}
    rows = {row.key: row for row in told.channels}
    assert rows.keys() == oracle.keys() | spend.keys()
    for key, row in rows.items():
        count, amounts = oracle.get(key, (0, [[] for _ in range(MONTHS + 1)]))
        assert (row.customers, row.spend) == (count, spend.get(key, 0.0))
        for held, mine in zip(row.curve, amounts, strict=False):
            squares = sum(float(value) ** 2 for value in mine)
            assert (held.n, held.total) == (len(mine), float(sum(mine)))
            assert held.squares == pytest.approx(squares)
        expected = spend[key] / count if key and count and key in spend else math.nan
        assert row.cac == pytest.approx(expected, nan_ok=True)
    assert told.everyone is not None
    assert told.everyone.spend == sum(spend.values())
    assert told.everyone.customers == sum(count for count, _ in oracle.values())
    assert told.everyone.cac == told.everyone.spend / told.everyone.customers
    assert told.spending is not None
    assert told.spending.doubled == 8.0
    assert "¥8.00 of the costs sheet is left out" in str(told)


def planted(*, spend: dict[str, float], late: int = 0, refunds: bool = False) -> Tables:
    """Sixty customers a channel who pay 20 on days 0, 30, 60 and 90; those of 淘宝客 40 once."""
    orders: list[Order] = []
    for n in range(60):
        orders += [(f"k{n}", late + 30 * j, 20, {"channel": "直通车"}) for j in range(4)]
        orders.append((f"t{n}", late, 40, {"channel": "淘宝客"}))
        orders.append((f"s{n}", late, 10, {"channel": "手淘搜索"}))
    back = [(number, LAST, 19.99) for number in range(0, len(orders), 6)] if refunds else []
    rows = [(late, line, round(cost * 60, 2)) for line, cost in spend.items()]
    orders.append(("last", LAST, 1, {"channel": "手淘搜索"}))
    return {**make_shop(orders, refunds=back), **spend_tables(rows)}


def cost(tables: Tables, **options: Any) -> Any:
    told = {"as_of": day(LAST), "margin": 0.5, **options}
    return cost_acquisition(tables, **told, **ZONE)


def test_the_planted_payback_is_found_at_equal_age() -> None:
    told = cost(planted(spend={"keyword": 35, "commission": 20.01}), as_of=day(150))
    rows = {row.key: row for row in told.channels}
    assert (rows["keyword"].cac, rows["keyword"].payback, rows["keyword"].level) == (35, 3, "good")
    assert (rows["commission"].payback, rows["commission"].level) == (None, "bad")
    assert rows["keyword"].brought == 40
    found = {f.key: f for f in told.findings()}
    assert found["acquisition/channel/keyword"].text.startswith(
        "直通车: a new customer costs ¥35.00 and pays it back within 90 days (¥40.00 of margin "
        "within 150 days, 60 customers)."
    )
    bad = found["acquisition/channel/commission"]
    assert "淘宝客: a new customer costs ¥20.01 and has brought ¥20.00" in bad.text
    assert "not paid back in the 150 days observed" in bad.text
    assert bad.money == pytest.approx(0.6)
    assert bad.action is not None
    assert bad.action.owner == "advertising"
    assert "60 new customers came through 手淘搜索, for which no spend is recorded" in str(told)
    frame = told.to_frame().set_index("channel")
    assert frame.loc["直通车", ["payback", "observed"]].tolist() == [90, 150]
    assert math.isnan(frame.loc["手淘搜索", "cac"])


def test_the_words_follow_the_cost_and_the_refunds() -> None:
    turned = cost(planted(spend={"keyword": 41, "commission": 20}), as_of=day(150))
    rows = {row.key: row for row in turned.channels}
    assert (rows["keyword"].level, rows["commission"].level) == ("bad", "good")
    assert "淘宝客: a new customer costs ¥20.00, which the first purchase pays back" in str(turned)
    back = cost(planted(spend={"keyword": 35}, refunds=True))
    [row] = [row for row in back.channels if row.key == "keyword"]
    assert row.brought < 40
    assert row.payback != 3
    with reading("zh"):
        assert "新客" in str(turned)


def test_young_customers_have_not_failed_to_pay_back() -> None:
    told = cost(planted(spend={"keyword": 35}, late=LAST - 40))
    [row] = [row for row in told.channels if row.key == "keyword"]
    assert (row.observed, row.payback, row.brought) == (1, None, 20)
    assert "not paid back in the 30 days observed" in str(told)
    newest = cost(planted(spend={"keyword": 35}, late=LAST - 20))
    assert "not paid back with it, and none is older than a month" in str(newest)


def test_spend_and_customers_without_one_another_are_said() -> None:
    tables = planted(spend={"audience": 5, "whole site": 7})
    told = cost(tables)
    assert "¥720.00 was spent on whole-site ads, audience ads, which no new customer's" in str(told)
    assert told.chart() is None
    assert not {row.costed for row in told.channels} & {True}
    assert all(not math.isinf(v) for v in told.to_frame().select_dtypes("number").to_numpy().flat)
    fed = cost(tables, feeds={"audience": "手淘搜索"})
    [row] = [row for row in fed.channels if row.costed]
    assert (row.key, row.cac) == ("手淘搜索", 5)
    assert fed.chart() is not None
    with pytest.raises(ParameterError, match=r"feeds '手淘搜素', .* did you mean '手淘搜索'"):
        cost(tables, feeds={"audience": "手淘搜素"})


def test_without_spend_it_is_said_how_to_get_it() -> None:
    tables = planted(spend={"keyword": 1})
    orders = {name: held for name, held in tables.items() if name != "ads"}
    assert cost(orders).absent() == (
        "The store holds no advertising rows; import the 万相台 or 直通车 report."
    )
    goods = {**orders, **spend_tables([], [(3, "goods", 99)])}
    assert "No spend on customers is told of in these days" in cost(goods, start=day(0)).absent()
    late = cost(tables, start=day(150))
    assert "ads and costs run from 2025-01-01 to 2025-01-01" in late.absent()
    assert late.findings() == ()
    sheet = cost({**orders, **spend_tables([], [(0, "淘宝客", 60), (9, "goods", 5)])})
    assert [row.cac for row in sheet.channels if row.costed] == [1]


def test_only_days_count_of_which_both_are_told() -> None:
    orders = [(f"b{n}", n, 30, {"channel": "直通车"}) for n in range(150)]
    tables = {**make_shop(orders), **spend_tables([(100, "keyword", 30), (119, "keyword", 30)])}
    told = cost(tables)
    assert told.spending is not None
    assert (told.spending.start, told.spending.end) == (day(100), day(119))
    assert [row.cac for row in told.channels] == [3]
    assert "acquisition/early" not in {f.key for f in told.findings()}
    early = cost({**make_shop(orders), **spend_tables([(-9, "keyword", 8), (80, "keyword", 1)])})
    assert early.spending is not None
    assert early.spending.start == day(0)
    assert "acquisition/early" in {f.key for f in early.findings()}


def test_impossible_arguments_and_unknown_buyers_are_refused() -> None:
    tables = planted(spend={"keyword": 1})
    for options in ({"margin": 1.2}, {"margin": math.nan}, {"months": 0}, {"start": "x"},
                    {"start": day(LAST + 1)}):  # fmt: skip
        with pytest.raises(ParameterError):
            cost(tables, **options)
    values = value_customers(tables, as_of=day(100), margin=1, **ZONE)
    with pytest.raises(ParameterError, match="values are of 2025-04-11; give those of 2025-07-20"):
        cost(tables, values=values)
    nobody = {**make_shop([(None, 3, 5)]), **spend_tables([(3, "keyword", 5)])}
    with pytest.raises(MissingDataError, match="import orders that name their buyers"):
        cost(nobody)


def test_hostile_names_of_channels_are_shown_as_text() -> None:
    name = "<img src=x onerror=alert(1)>=HYPERLINK(1)😀"
    orders = [(f"b{n}", n % 7, 30, {"channel": name}) for n in range(40)]
    told = cost({**make_shop(orders), **spend_tables([(0, name, 40), (6, name, 40)])})
    [row] = told.channels
    assert row.cac == 2
    assert "<img" not in told._repr_html_()
    assert "&lt;img" in told._repr_html_()
    star = [(f"b{n}", 0, 30, {"channel": EVERYONE}) for n in range(40)]
    [row] = cost({**make_shop(star), **spend_tables([(0, EVERYONE, 80)])}).channels
    assert row.cac == 2


def test_every_word_of_a_kind_of_ads_tells_it() -> None:
    for line, words in AD_LINES.items():
        assert {ad_line(word.upper()) for word in words} == {line}
        assert channel_group(line) == line


def test_worth_that_was_observed_is_a_mean_with_its_error() -> None:
    curve = (Sums(100.0, 1_000.0, 12_000.0), Sums(30.0, 600.0, 15_000.0), Sums(29.0, 9e9, 9e18))
    held = worth_observed(curve, margin=0.5)
    assert held is not None
    error = math.sqrt((15_000 - 600**2 / 30) / 29 / 30)
    assert held.value == 10
    assert held.high - held.low == pytest.approx(2 * 1.96 * 0.5 * error, rel=1e-4)
    assert worth_observed(curve[2:], margin=0.5) is None


def test_no_day_after_the_last_is_looked_at() -> None:
    orders, refunds = random_orders(8)
    known = [order for order in orders if order[1] <= 90 or order[0]]
    early = [(b, when, amount if when <= 90 else 9_999, told) for b, when, amount, told in known]
    span: dict[str, Any] = {"start": day(0), "end": day(90), "months": 3}
    told, changed = (
        count_newcomers(
            OrdersView(
                make_shop(held, refunds=[r for r in back if not isinstance(r[0], int)]),
                as_of=day(90),
                by=None,
                **ZONE,
            ),
            **span,
        )
        for held, back in ((known, refunds), (early, [r for r in refunds if r[1] <= 90]))
    )
    for group, mine in told.items():
        assert mine.count == changed[group].count
        assert [(h.n, h.total) for h in mine.curve] == [
            (h.n, h.total) for h in changed[group].curve
        ]
    assert sum(mine.count for mine in told.values()) > 50
