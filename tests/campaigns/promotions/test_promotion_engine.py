"""Promotions: worked examples, a slow oracle on random baskets and designs, laws."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from promotion_oracle import price_basket

from ecops_lib.campaigns.promotions import (
    BEARERS,
    Coupon,
    Discount,
    Gift,
    GroupPrice,
    NthItem,
    Presale,
    PricedBaskets,
    Promotion,
    Threshold,
    price_baskets,
)
from ecops_lib.core.errors import ColumnError, ParameterError
from ecops_lib.core.language import reading

MakeTables = Callable[[dict[str, pa.Table]], dict[str, Any]]
OFF = [f"discount_{who}" for who in BEARERS]


def frame(*lines: tuple[str, str, int, float], **more: Any) -> pd.DataFrame:
    held = pd.DataFrame(lines, columns=["basket_id", "product_id", "quantity", "unit_price"])
    return held.assign(sku_id="s", **more)


def paid(lines: pd.DataFrame, *promotions: Promotion) -> list[float]:
    held: list[float] = price_baskets(lines, promotions=promotions).lines["paid"].tolist()
    return held


def test_a_line_never_pays_less_than_nothing_and_the_other_keeps_its_own_share() -> None:
    """METRICS §8: A of 150 less 100 and 30, then a further 20 → 0; B's 50 less 8 → 42.

    A's share of a further 32 over both is 24 by base price, of which 20 are left.
    """
    lines = frame(("o", "A", 1, 150), ("o", "B", 1, 50))
    rules = [
        Coupon(name="first", off=100, products=("A",)),
        Coupon(name="second", off=30, products=("A",)),
        Coupon(name="both", off=32),
    ]
    held = price_baskets(lines, promotions=rules)
    assert held.lines["paid"].tolist() == [0, 42]
    assert held.to_frame()["discount"].tolist() == [100, 30, 28]
    assert paid(lines, *rules[:2], Coupon(name="more", off=20, products=("A",))) == [0, 50]


def test_an_excess_is_not_carried_to_other_orders() -> None:
    """METRICS §8: a 400 item with a 380 coupon and a further 50 off pays 0."""
    lines = frame(("o", "A", 1, 400), ("other", "A", 1, 100))
    rules = [Coupon(name="380", off=380, threshold=400), Coupon(name="50", off=50, threshold=400)]
    assert paid(lines, *rules) == [0, 100]


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (Threshold(name="t", tiers=((200, 20), (400, 50))), [95.0, 475.0, 180.0]),
        (Threshold(name="t", tiers=((100, 10),), every=True), [95.0, 475.0, 180.0]),
        (Threshold(name="t", tiers=((100, 10),), every=True, cap=30), [95.0, 495.0, 180.0]),
        (Discount(name="d", tiers=((1, 0.9),)), [85.5, 472.5, 180.0]),
        (Discount(name="d", tiers=((2, 0.9), (3, 0.8))), [95.0, 420.0, 180.0]),
        (NthItem(name="n"), [95.0, 437.5, 150.0]),
        (Coupon(name="c", threshold=200, rate=0.9, cap=25), [95.0, 500.0, 180.0]),
        (GroupPrice(name="g", price=90, products=("b",)), [90.0, 525.0, 180.0]),
        (Presale(name="p", deposit=10, worth=30, products=("b",)), [75.0, 525.0, 200.0]),
    ],
)
def test_each_kind_by_hand(rule: Promotion, expected: list[float]) -> None:
    """Three baskets: one b of 95; three a of 175; two c of 100 and 80 or so."""
    third = [("3", "c", 1, 100.0), ("3", "d", 1, 100.0)]
    lines = frame(("1", "b", 1, 95.0), ("2", "a", 3, 175.0), *third)
    got = price_baskets(lines, promotions=[rule]).lines.groupby("basket_id")["paid"].sum()
    if isinstance(rule, GroupPrice):
        expected = [90.0, 525.0, 200.0]
    assert got.tolist() == expected


money = st.integers(1, 40_000).map(lambda cents: cents / 100)
few = st.sampled_from([(), ("a",), ("a", "b")])
bearers = st.sampled_from(
    ["merchant", "platform", "creator", {"platform": 0.3, "merchant": 0.7},
     {"platform": 0.333, "merchant": 0.333, "creator": 0.334}]
)  # fmt: skip
rates = st.sampled_from([0.0, 0.5, 0.85, 0.9, 0.999])


@st.composite
def rules(draw: st.DrawFn, *, groups: bool = True) -> Promotion:
    told: dict[str, Any] = {
        "name": "p",
        "bearer": draw(bearers),
        "products": draw(few),
        "creators": draw(st.sampled_from([(), (), ("x",), ("*",)])),
    }
    kind = draw(st.sampled_from(["step", "every", "units", "nth", "coupon", "rate", "gift",
                                 "presale", "group"]))  # fmt: skip
    if groups and kind in {"step", "every", "units", "nth", "rate", "group"}:
        told["group"] = draw(st.sampled_from(["", "", "g"]))
    low, high = sorted(draw(st.tuples(money, money)))
    match kind:
        case "step":
            return Threshold(**told, tiers=((low, low), (round(high + 1, 2), round(high + 1, 2))))
        case "every":
            return Threshold(**told, tiers=((high, low),), every=True, cap=draw(st.none() | money))
        case "units":
            return Discount(**told, tiers=((1, 0.95), (3, draw(rates) * 0.9)))
        case "nth":
            return NthItem(**told, every=draw(st.integers(2, 3)), rate=draw(rates))
        case "coupon":
            alone = groups and draw(st.booleans())
            return Coupon(**told, threshold=low, off=high, stackable=not alone)
        case "rate":
            return Coupon(**told, threshold=low, rate=draw(rates), cap=draw(st.none() | money))
        case "gift":
            return Gift(**told, cost=low, threshold=high, every=draw(st.booleans()))
        case "presale":
            return Presale(**told, deposit=low, worth=high, forfeit=draw(st.booleans()))
        case _:
            return GroupPrice(**{**told, "products": ("a",)}, price=low)


@st.composite
def designs(draw: st.DrawFn, *, groups: bool = True) -> list[Promotion]:
    from dataclasses import replace

    held = [
        replace(rule, name=f"p{place}")
        for place, rule in enumerate(draw(st.lists(rules(groups=groups), max_size=5)))
    ]
    if any(isinstance(rule, Coupon) and not rule.stackable for rule in held):
        held = [replace(rule, group="") for rule in held]
    return held


lines_of = st.lists(
    st.fixed_dictionaries(
        {
            "basket_id": st.integers(0, 4),
            "product_id": st.sampled_from(["a", "b", "c"]),
            "sku_id": st.sampled_from(["1", "2"]),
            "quantity": st.integers(1, 4),
            "unit_price": money,
            "creator_id": st.sampled_from([None, "x", "y"]),
            "is_presale": st.booleans(),
            "balance_paid": st.booleans(),
            "is_group": st.booleans(),
        }
    ),
    min_size=1,
    max_size=12,
).map(pd.DataFrame)
KEY = ["basket_id", "product_id", "sku_id", "base", "quantity", "creator", "is_group",
       "balance_paid", "is_presale"]  # fmt: skip


@settings(max_examples=120, deadline=None)
@given(lines_of, designs())
def test_every_cent_is_where_the_slow_oracle_puts_it(
    lines: pd.DataFrame, design: list[Promotion]
) -> None:
    lines["base"] = (lines["unit_price"] * 100).round().astype(int) * lines["quantity"]
    lines["creator"] = lines["creator_id"].fillna("")
    lines["sold"] = lines["balance_paid"] | ~lines["is_presale"]
    lines["balance_paid"] = lines["sold"]
    lines = lines.sort_values(KEY, ignore_index=True)
    priced = price_baskets(lines, promotions=design).priced
    place = 0
    for basket in dict.fromkeys(lines["basket_id"]):
        mine = lines[lines["basket_id"] == basket].assign(presale=lines["is_presale"])
        told = price_basket(mine.to_dict("records"), design)
        here = slice(place, place + len(mine))
        place += len(mine)
        assert priced.payable[here].tolist() == told["payable"]
        assert priced.forfeited[here].tolist() == told["forfeited"]
        for number, rule in enumerate(design):
            assert priced.off[number, here].tolist() == told["off"][rule.name]
            if isinstance(rule, Gift):
                assert priced.gift[number, here].tolist() == told["gift"][rule.name]


@settings(max_examples=40, deadline=None)
@given(lines_of, designs())
def test_no_cent_is_lost_or_made(lines: pd.DataFrame, design: list[Promotion]) -> None:
    result = price_baskets(lines, promotions=design)
    held, priced = result.lines, result.priced
    sold = lines["balance_paid"] | ~lines["is_presale"]
    cents = (held.select_dtypes("number") * 100).round().astype(int)
    assert (cents.drop(columns="basket_id") >= 0).all().all()
    assert (cents[OFF].sum(axis=1) + cents["payable"] == cents["base_amount"].where(sold, 0)).all()
    assert (cents["deposit"] + cents["balance"] == cents["payable"]).all()
    assert (cents["paid"] == cents["payable"] + cents["forfeited"]).all()
    for amounts in (priced.off, priced.gift):
        borne = priced.borne(amounts)
        assert (borne >= 0).all()
        assert (borne.sum(axis=2) == amounts).all()
        orders = np.add.reduceat(borne, priced.lines.starts, axis=1)
        for place, rule in enumerate(design):
            exact = orders[place].sum(axis=1, keepdims=True) * np.array(rule.shares) / 1e6
            assert (np.abs(orders[place] - exact) <= 1.5).all()


@settings(max_examples=40, deadline=None)
@given(lines_of, designs(), st.randoms())
def test_the_order_of_rows_does_not_matter(
    lines: pd.DataFrame, design: list[Promotion], random: Any
) -> None:
    held = price_baskets(lines, promotions=design).lines
    rows = list(range(len(lines)))
    random.shuffle(rows)
    mixed = price_baskets(lines.iloc[rows], promotions=design).lines
    inputs = list(lines.columns)
    by = [*inputs, *held.columns.difference(inputs)]
    left, right = (
        pd.concat([lines.iloc[order].reset_index(drop=True),
                   frame.drop(columns=["basket_id", "product_id", "sku_id", "quantity"])], axis=1)
        for order, frame in ((list(range(len(lines))), held), (rows, mixed))
    )  # fmt: skip
    left, right = (f.astype({"creator_id": str}) for f in (left, right))
    pd.testing.assert_frame_equal(
        left.sort_values(by, ignore_index=True), right.sort_values(by, ignore_index=True)
    )


@settings(max_examples=40, deadline=None)
@given(lines_of, designs(groups=False), money, money)
def test_a_larger_discount_never_makes_a_basket_dearer(
    lines: pd.DataFrame, design: list[Promotion], off: float, more: float
) -> None:
    """Up to a cent a line, which the rounding may move from one line to another."""
    bills = [
        price_baskets(lines, promotions=[*design, Coupon(name="more", off=value)]).priced
        for value in (off, round(off + more, 2))
    ]
    less, great = (np.add.reduceat(p.payable, p.lines.starts) for p in bills)
    sizes = np.diff(bills[0].lines.starts, append=len(lines))
    assert (great <= less + np.where(sizes > 1, sizes, 0)).all()
    if not design:
        assert (great <= less).all()


@settings(max_examples=40, deadline=None)
@given(lines_of, designs())
def test_pricing_again_and_without_offers_changes_nothing(
    lines: pd.DataFrame, design: list[Promotion]
) -> None:
    first, again = (price_baskets(lines, promotions=design).lines for _ in range(2))
    pd.testing.assert_frame_equal(first, again)
    sold = lines["balance_paid"] | ~lines["is_presale"]
    bought = lines[sold].assign(base_amount=first.loc[sold, "payable"], balance_paid=True)
    if len(bought):
        bare = price_baskets(bought, promotions=()).lines
        assert bare["paid"].tolist() == bought["base_amount"].tolist()


@settings(max_examples=40, deadline=None)
@given(lines_of, st.integers(2, 7), money, money)
def test_prices_and_rules_that_grow_alike_grow_what_is_paid(
    lines: pd.DataFrame, times: int, threshold: float, off: float
) -> None:
    def total(factor: int) -> np.ndarray:
        rule = Threshold(name="t", tiers=((round(threshold * factor, 2), round(off * factor, 2)),))
        grown = lines.assign(unit_price=(lines["unit_price"] * factor).round(2))
        priced = price_baskets(grown, promotions=[rule]).priced
        held: np.ndarray = np.add.reduceat(priced.payable, priced.lines.starts)
        return held

    assert (total(times) == times * total(1)).all()


def test_of_a_group_and_of_coupons_that_do_not_stack_a_basket_takes_the_best() -> None:
    lines = frame(("small", "a", 1, 100), ("large", "a", 1, 1000))
    fixed = Coupon(name="fixed", off=20, group="shop")
    tenth = Coupon(name="tenth", rate=0.9, group="shop")
    assert paid(lines, fixed, tenth) == [80, 900]
    alone = Coupon(name="alone", off=60, stackable=False)
    extra = Coupon(name="extra", off=10)
    assert paid(lines, fixed, tenth, extra, alone) == [40, 890]
    off = Threshold(name="off", tiers=((500, 200),), group="shop")
    assert paid(lines, fixed, tenth, off) == [80, 800]


def test_live_rooms_presales_gifts_and_groups_touch_only_their_lines() -> None:
    lines = frame(
        ("1", "a", 1, 100), ("1", "b", 1, 100), ("2", "a", 2, 100), ("3", "a", 1, 100),
        creator_id=["x", None, None, "y"],
        is_presale=[False, False, True, True], balance_paid=[False, False, True, False],
        is_group=[False, True, True, True], unit_cost=[40, 40, 40, 40],
    )  # fmt: skip
    live = Coupon(name="live", off=10, creators=("x",), bearer="creator")
    presale = Presale(name="presale", deposit=20, worth=50, bearer="platform")
    group = GroupPrice(name="group", price=90, products=("b",))
    gift = Gift(name="gift", cost=3, threshold=200)
    held = price_baskets(lines, promotions=[gift, live, presale, group]).lines
    assert held["paid"].tolist() == [90, 90, 140, 20]
    assert held["discount_creator"].tolist() == [10, 0, 0, 0]
    assert held["deposit"].tolist() == [0, 0, 40, 0]
    assert held["balance"].tolist() == [90, 90, 100, 0]
    assert held["forfeited"].tolist() == [0, 0, 0, 20]
    assert held["gift_merchant"].tolist() == [1.5, 1.5, 3, 0]
    assert held["margin"].tolist() == [58.5, 48.5, 117, 20]


def test_engines_agree(light_engine: MakeTables) -> None:
    table = pa.table(
        {
            "basket_id": ["1", "1", "2"],
            "product_id": ["a", None, "a"],
            "sku_id": ["s", "t", None],
            "quantity": [1, 2, 1],
            "unit_price": pa.array([100, 33, 50], pa.decimal128(18, 4)),
        }
    )
    held = light_engine({"lines": table})["lines"]
    rule = Threshold(name="t", tiers=((100, 10),))
    assert sorted(price_baskets(held, promotions=[rule]).lines["paid"]) == [50, 62.02, 93.98]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"quantity": 0}, "column 'quantity' of lines must hold whole numbers from 1."),
        ({"unit_price": np.nan}, "column 'unit_price' of lines must hold amounts from 0"),
        ({"unit_price": -1.0}, "column 'unit_price' of lines must hold amounts from 0"),
        ({"unit_price": 3.333}, "column 'unit_price' of lines holds 3.333, no whole number"),
        ({"basket_id": None}, "column 'basket_id' of lines has empty cells"),
        ({"quantity": 2, "unit_price": 2e7}, "a basket of lines comes to more than"),
    ],
)
def test_lines_that_cannot_be_priced_are_refused(change: dict[str, Any], words: str) -> None:
    lines = frame(("1", "a", 1, 10.0)).assign(**change)
    with pytest.raises(ColumnError, match=words):
        price_baskets(lines, promotions=())


def test_lines_need_columns_rows_and_no_shared_names() -> None:
    lines = frame(("1", "a", 1, 10.0))
    with pytest.raises(ColumnError, match="lines has neither 'unit_price' nor 'base_amount'"):
        price_baskets(lines.drop(columns="unit_price"), promotions=())
    with pytest.raises(ColumnError, match="lines has no row"):
        price_baskets(lines.head(0), promotions=())
    with pytest.raises(ParameterError, match="two promotions are called 'c'"):
        price_baskets(lines, promotions=[Coupon(name="c", off=1), Coupon(name="c", off=2)])
    with pytest.raises(ParameterError, match="cost a basket more than"):
        price_baskets(lines, promotions=[Gift(name="g", cost=1e6, threshold=0.01, every=True)])


def test_words() -> None:
    lines = frame(("1", "a", 1, 100), ("2", "a", 1, 20), unit_cost=[60, 5])
    rule = Coupon(name="c", off=50, bearer={"platform": 0.5, "merchant": 0.5})
    held = price_baskets(lines, promotions=[rule])
    assert isinstance(held, PricedBaskets)
    assert [f.text for f in held.findings()] == [
        "Of ¥120.00 at base prices ¥70.00 comes off (58.33%); the shop bears ¥35.00 of that.",
        "1 basket pays nothing for its goods.",
    ]
    dear = price_baskets(lines.assign(unit_cost=90), promotions=[rule])
    assert dear.findings()[-1].text == (
        "2 lines are sold below the cost of their goods, by ¥95.00 in all."
    )
    assert dear.findings()[-1].money == 95
    assert held.chart() is not None
    with reading("zh", "CNY"):
        assert [f.text for f in dear.findings()] == [
            "按基准价计 ¥120.00，共优惠 ¥70.00（58.33%），其中商家承担 ¥35.00。",
            "1 个订单实付为 0。",
            "2 行商品的售价低于货品成本，合计亏 ¥95.00。",
        ]
