"""The page's sections: one reading of the shop, the same figures as the functions give."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ecops_lib.core.errors import MissingDataError, ParameterError
from ecops_lib.core.findings import most_important
from ecops_lib.customers import compare_cohorts, cost_acquisition, score_customers, trace_moves
from ecops_lib.customers.lifetime import value_customers
from ecops_lib.customers.sections import (
    MOST_TOLD,
    CustomerBase,
    check_forecast,
    review_customers,
    section,
    value_tiers,
)
from ecops_lib.data.store import Store, open_store
from tests.customers.customer_shop import day, make_shop
from tests.customers.edge_shops import extras, to_store

LAST = 400


def random_orders(*, days: int = LAST) -> list[tuple[Any, ...]]:
    """Four hundred customers who come back at random, some never; a few orders of nobody."""
    rng = random.Random(3)
    orders: list[tuple[Any, ...]] = []
    for n in range(400):
        when, amount = rng.randrange(days), rng.uniform(10, 60)
        while when < days:
            told = {"channel": rng.choice(("直通车", "手淘搜索"))}
            who = f"b{n}" if rng.random() < 0.97 else None
            orders.append((who, when, round(amount * rng.uniform(0.7, 1.3), 2), told))
            if rng.random() < 0.3:
                break
            when += 1 + int(rng.expovariate(1 / 60))
    return orders


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    tables = {**make_shop(random_orders()), "ads": extras()["ads"]}
    return to_store(tmp_path_factory.mktemp("sections") / "S", tables)


@pytest.fixture(scope="module")
def base(store: Store) -> CustomerBase:
    return CustomerBase(store, day=day(LAST - 1), margin=0.4)


def test_high_value_is_the_mean_unless_it_is_given(store: Store, base: CustomerBase) -> None:
    scores = score_customers(store, as_of=day(LAST - 1))
    [core] = [rule for rule in base.tiers.segmentation.rules if rule.key == "core"]
    assert core.when["amount"][0] == scores.mean_amount
    given = CustomerBase(store, day=day(LAST - 1), high_value=55, active_days=20, new_days=9)
    [core] = [rule for rule in given.tiers.segmentation.rules if rule.key == "core"]
    assert core.when["amount"][0] == 55
    assert core.when["recency"][1] == 20
    assert core.when["age"][0] == 10


def test_impossible_arguments_are_refused(store: Store) -> None:
    for name, value in (("span_days", 0), ("span_days", float("nan")), ("margin", 1.1)):
        with pytest.raises(ParameterError, match=name):
            CustomerBase(store, day=day(9), **{name: value})


def test_moves_have_the_tiers_of_the_page(store: Store, base: CustomerBase) -> None:
    told = trace_moves(store, start=day(LAST - 91), end=day(LAST - 1),
                       tiers=base.tiers.segmentation)  # fmt: skip
    assert base.moves.frame.equals(told.frame)


def test_the_overview_has_the_most_important_findings(base: CustomerBase) -> None:
    told = review_customers(base)
    every = (*base.moves.findings(), *base.tiers.findings())
    assert [f.key for f in told.findings()] == [
        f.key for f in most_important(every, most=MOST_TOLD)
    ]
    more = review_customers(base, base.acquisition)
    assert len(more.findings()) == MOST_TOLD
    assert {f.key for f in more.findings()} <= {
        f.key for f in (*every, *base.acquisition.findings())
    }
    frame = told.to_frame().set_index("item")["value"]
    scores = score_customers(base.store, as_of=base.day)
    people = scores.people
    assert frame["Customers"] == str(len(people))
    assert frame["Customers with more than one order"] == str((people.orders > 1).sum())
    assert frame["Last day that counts"] == str(base.day)
    assert scores.apart.unknown_orders > 0


def test_the_tiers_values_add_up_to_the_shops(base: CustomerBase) -> None:
    told, whole = value_tiers(base), value_customers(base.store, as_of=base.day, margin=0.4)
    frame = told.to_frame()
    assert frame["value"].sum() == pytest.approx(whole.value)
    assert frame["share"].sum() == pytest.approx(1)
    assert frame["customers"].tolist() == [held.customers for held in base.tiers.sums]
    assert (frame["each"] * frame["customers"]).tolist() == pytest.approx(frame["value"].tolist())
    assert (frame["low"] < frame["value"]).all()
    assert (frame["value"] < frame["high"]).all()
    everybody = np.ones(len(whole.customers), dtype=bool)
    assert whole.limits(everybody) == (whole.low, whole.high)
    assert told.findings()[0].evidence["value"] == whole.value


def test_a_tier_is_less_certain_than_all_customers_together(base: CustomerBase) -> None:
    held = base.values
    few = np.arange(len(held.customers)) < 20
    low, high = held.limits(few)
    value = float(held.customers["value"][few].sum())
    assert high / value > held.high / held.value
    assert value / low > held.value / held.low


def test_margin_scales_value_and_what_new_customers_bring(store: Store, base: CustomerBase) -> None:
    twice = CustomerBase(store, day=base.day, margin=0.8)
    assert twice.values.value == pytest.approx(2 * base.values.value)
    assert twice.acquisition.everyone is not None
    assert base.acquisition.everyone is not None
    assert twice.acquisition.everyone.brought == 2 * base.acquisition.everyone.brought


def test_the_cost_of_new_customers_is_what_the_function_gives(base: CustomerBase) -> None:
    told = cost_acquisition(base.store, as_of=base.day, margin=0.4)
    assert told.to_frame().equals(base.acquisition.to_frame())


def test_the_touches_are_those_of_the_stores_playbook(tmp_path: Path) -> None:
    shop = to_store(tmp_path / "S", make_shop([("a", 0, 9), ("b", 80, 1)]))
    (shop.path / "playbook.toml").write_text("[new]\nbenefit = '二单券'\n", "utf-8")
    told = CustomerBase(open_store(shop.path), day=day(90)).touches
    assert told.to_frame().set_index("tier").loc["New", ["customers", "benefit"]].tolist() == [
        1,
        "二单券",
    ]


def test_a_forecast_that_cannot_be_checked_says_why(tmp_path: Path, base: CustomerBase) -> None:
    assert check_forecast(base).absent() == ""
    shop = to_store(tmp_path / "S", make_shop([("a", 0, 9), ("b", 8, 1)]))
    told = check_forecast(CustomerBase(shop, day=day(9)))
    assert told.absent().startswith("The forecast cannot be checked: ")
    assert "ec-absent" in told._repr_html_()


def test_a_section_without_its_data_says_so_and_others_are_shown(base: CustomerBase) -> None:
    told = section(compare_cohorts, base.store, as_of=base.day)
    assert told.absent() == ""
    early = section(score_customers, base.store, as_of=day(-9))
    assert "no known buyer has bought by" in early.absent()
    with pytest.raises(MissingDataError):
        score_customers(base.store, as_of=day(-9))
    with pytest.raises(ParameterError):
        section(score_customers, base.store, as_of="soon")
