"""Cohorts at equal age: a slow oracle in five engines, laws, words of each branch."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from customer_shop import ZONE, day, make_shop

from ecops_lib.core.errors import MissingDataError, ParameterError
from ecops_lib.core.language import reading
from ecops_lib.customers import compare_cohorts, sum_purchases
from ecops_lib.customers.shares import Sums, mean_between, share_between, share_interval

Engine = Callable[[dict[str, Any]], dict[str, Any]]
Row = tuple[Any, ...]
AS_OF = 170


def random_shop(seed: int) -> tuple[list[Row], list[tuple[Any, int, float]]]:
    """Orders with unknown buyers, channels, products, discounts, whole and partial refunds."""
    rng = random.Random(seed)
    rows, refunds = [], []
    for number in range(260):
        when, amount = rng.randrange(AS_OF + 20), rng.randrange(1, 50)
        list_amount = rng.choice((None, amount, amount + 1, amount * 2))
        told = {
            "channel": rng.choice((None, "", "直播", "=search", "ads")),
            "list_amount": list_amount,
            "discount_merchant": None if list_amount is None else list_amount - amount,
            "product_id": rng.choice(("P1", "P2", "P3")),
            "product_name": rng.choice(("Lamp", "<b>Lamp</b>")),
        }
        rows.append((rng.choice((None, *(f"b{i}" for i in range(40)))), when, amount, told))
        if rng.random() < 0.3:
            refunds.append((number, when + rng.randrange(30), amount * rng.choice((1, 0.5))))
    refunds += [(f"b{i}", rng.randrange(AS_OF), 2.5) for i in range(0, 40, 7)]
    return rows, refunds


class Oracle:
    """Buyer by buyer, month of age by month of age."""

    def __init__(self, rows: list[Row], refunds: list[tuple[Any, int, float]], by: str) -> None:
        self.by = by
        back: dict[int, float] = {}
        for order, when, amount in refunds:
            if isinstance(order, int) and when <= AS_OF:
                back[order] = back.get(order, 0) + amount
        self.bought: dict[str, list[Row]] = {}
        for number, (buyer, when, amount, told) in enumerate(rows):
            net = amount - back.get(number, 0)
            if buyer and when <= AS_OF and not (number in back and net <= 0):
                self.bought.setdefault(buyer, []).append((when, net, amount, told))
        self.loose = [(b, w, a) for b, w, a in refunds if not isinstance(b, int) and w <= AS_OF]

    def cohort(self, buyer: str) -> Any:
        first = min(when for when, *_ in self.bought[buyer])
        opening = [row for row in self.bought[buyer] if row[0] == first]
        if self.by == "month":
            return day(first).replace(day=1)
        if self.by == "channel":
            return min((t["channel"] for *_, t in opening if t["channel"]), default=None)
        if self.by == "product":
            sums: dict[str, float] = {}
            for _, _, amount, told in opening:
                sums[told["product_id"]] = sums.get(told["product_id"], 0) + amount
            return min(name for name, value in sums.items() if value == max(sums.values()))
        told = [t for *_, t in opening if t["list_amount"]]
        if not told:
            return None
        depth = sum(t["discount_merchant"] for t in told) / sum(t["list_amount"] for t in told)
        return "none" if depth <= 0 else "small" if depth < 0.1 else (
            "middle" if depth < 0.3 else "large")  # fmt: skip

    def cell(self, cohort: Any, age: int) -> tuple[float, ...] | None:
        """Customers, retained, repurchased, amount; None where the cell is not complete."""
        members = [b for b in self.bought if self.cohort(b) == cohort]
        first = {b: min(when for when, *_ in self.bought[b]) for b in members}
        old = [b for b in members if first[b] + 30 * age <= AS_OF]
        if not old or (self.by == "month" and len(old) < len(members)):
            return None
        retained = repurchased = amount = 0.0
        for buyer in old:
            later = [(when - first[buyer], net) for when, net, *_ in self.bought[buyer]]
            low, high = (0, 0) if age == 0 else (30 * (age - 1) + 1, 30 * age)
            retained += any(low <= n <= high for n, _ in later)
            repurchased += any(0 < n <= 30 * age for n, _ in later)
            amount += sum(net for n, net in later if n <= 30 * age)
            amount -= sum(
                a for b, w, a in self.loose if b == buyer and w - first[buyer] <= 30 * age
            )
        return len(old), retained, repurchased, amount


@pytest.mark.parametrize("by", ["month", "channel", "discount"])
def test_every_cohort_is_laid_out_as_plain_python_does(light_engine: Engine, by: Any) -> None:
    require_oracle(light_engine, by)


def test_every_engine_lays_out_what_plain_python_does(light_engine: Engine) -> None:
    require_oracle(light_engine, "product")


def require_oracle(engine: Engine, by: Any) -> None:
    rows, refunds = random_shop(4)
    oracle = Oracle(rows, refunds, by)
    tables = engine(make_shop(rows, refunds=refunds))
    held = compare_cohorts(tables, as_of=day(AS_OF), by=by, months=5, **ZONE)
    seen = 0
    for row in held.frame.to_dict("records"):
        cohort = None if row["kind"] == "untold" else row["cohort"]
        truth = oracle.cell(cohort.date() if by == "month" else cohort, int(row["age"]))
        told = [row[name] for name in ("customers", "retained", "repurchased", "amount")]
        if truth is None:
            assert np.isnan(told).all()
        else:
            assert told == pytest.approx(truth)
            seen += 1
    assert seen > 15
    sizes = held.frame.drop_duplicates("place")["size"]
    assert sizes.sum() == len(oracle.bought)


def test_squares_are_those_of_the_customers() -> None:
    rows, refunds = random_shop(6)
    tables, oracle = make_shop(rows, refunds=refunds), Oracle(rows, refunds, "product")
    held = compare_cohorts(tables, as_of=day(AS_OF), by="product", months=3, **ZONE)
    assert held.age == 3
    here = held.frame[held.frame["age"] == held.age].set_index("cohort")
    for product in ("P1", "P2", "P3"):
        squares = 0.0
        for buyer in [b for b in oracle.bought if oracle.cohort(b) == product]:
            alone = Oracle(rows, refunds, "product")
            alone.bought = {buyer: oracle.bought[buyer]}
            squares += (alone.cell(product, 3) or (0.0,))[-1] ** 2
        assert here.loc[product, "squares"] == pytest.approx(squares)


def test_a_whole_history_adds_up_to_the_net_amounts() -> None:
    """Whoever is old enough is counted with all that came up to that age."""
    rows, refunds = random_shop(2)
    rows = [row for row in rows if row[1] <= 50]
    refunds = [r for r in refunds if not isinstance(r[0], int) or r[0] < len(rows)]
    tables = make_shop(rows, refunds=refunds)
    held = compare_cohorts(tables, as_of=day(AS_OF), by="channel", months=4, **ZONE).frame
    paid = sum_purchases(tables, as_of=day(AS_OF), **ZONE).frame["net_amount"].sum()
    late = sum(a for b, w, a in refunds if not isinstance(b, int) and 120 < w <= AS_OF)
    total = held.loc[held["age"] == 4, "amount"].sum()
    assert paid - 1e-6 <= total <= paid + late + 1e-6


def test_a_younger_customer_never_changes_an_older_cell() -> None:
    rows = [("a", 0, 10), ("a", 20, 5), ("b", 35, 8)]
    whole = compare_cohorts(make_shop(rows), as_of=day(70), **ZONE).seen_as("revenue")
    more = compare_cohorts(make_shop([*rows, ("c", 65, 900)]), as_of=day(70), **ZONE)
    first, again = (held.to_frame().iloc[0].tolist() for held in (whole, more.seen_as("revenue")))
    assert first[:4] == again[:4] == ["2025-01", 1, 10, 15]
    assert np.isnan(first[5])
    later = more.to_frame()
    assert later["cohort"].tolist() == ["2025-01", "2025-02", "2025-03"]
    assert later["month_1"].tolist()[:2] == [1, 0]
    assert np.isnan(later["month_1"][2])
    assert "—" in str(more)


def test_a_cell_waits_for_its_last_customer() -> None:
    rows = [("a", 0, 10), ("b", 20, 10), ("b", 30, 1)]
    early = compare_cohorts(make_shop(rows), as_of=day(49), **ZONE).to_frame()
    assert np.isnan(early["month_1"][0])
    assert compare_cohorts(make_shop(rows), as_of=day(50), **ZONE).to_frame()["month_1"][0] == 0.5


def test_two_orders_of_a_day_are_no_repurchase_and_money_scales() -> None:
    rows = [("a", 0, 10), ("a", 0, 5), ("b", 1, 10)]
    held = compare_cohorts(make_shop(rows), as_of=day(40), months=1, **ZONE)
    assert held.to_frame()["month_1"][0] == 0
    twice = make_shop([(b, w, 2 * a) for b, w, a in rows])
    amounts = [
        compare_cohorts(t, as_of=day(40), months=1, **ZONE).seen_as("revenue").to_frame()["month_1"]
        for t in (make_shop(rows), twice)
    ]
    assert 2 * amounts[0][0] == amounts[1][0] == 25


def two_groups(good: str, bad: str, column: str = "channel") -> list[Row]:
    """100 first buyers each: 60 of ``good`` buy again for 30, 20 of ``bad`` for 10."""
    rows: list[Row] = []
    for n in range(100):
        for name, again, amount in ((good, 60, 30), (bad, 20, 10)):
            rows.append((f"{name}{n}", 0, 20, {column: name}))
            if n < again:
                rows.append((f"{name}{n}", 5, amount, {column: name}))
    return rows


def test_words_turn_with_the_truth() -> None:
    for good, bad in (("live", "search"), ("search", "live")):
        tables = make_shop(two_groups(good, bad))
        held = compare_cohorts(tables, as_of=day(40), by="channel", months=2, **ZONE)
        first, second = held.findings()[:2]
        assert first.text == (
            f"First purchase through {good}: 60.00% of 100 customers bought again within 30 days, "
            "against 20.00% of the 100 others of that age (difference +24.78 pp to +52.66 pp)."
        )
        assert (first.level, second.level) == ("good", "watch")
        assert second.text.startswith(f"First purchase through {bad}: 20.00% of 100 customers")
        money = held.seen_as("revenue").findings()
        assert money[0].text.startswith(
            f"First purchase through {good}: 100 customers brought ¥38.00 net each within 30 days, "
            "against ¥22.00 of the 100 others of that age (difference +¥12"
        )
        assert (
            held.seen_as("retention")
            .findings()[0]
            .text.startswith(
                f"First purchase through {good}: 60.00% of 100 customers bought in month 1 after"
            )
        )
        assert held.chart() is not None


def test_words_in_chinese() -> None:
    tables = make_shop(two_groups("直播", "搜索"))
    with reading("zh", "CNY"):
        held = compare_cohorts(tables, as_of=day(40), by="channel", months=2, **ZONE)
        assert held.findings()[0].text == (
            "首购渠道“直播”：100位客户首购后30 天内复购60.00%，其余100位同龄客户为20.00%"
            "（差异+24.78 个百分点至+52.66 个百分点）。"
        )
        assert "第1月" in str(held)
        assert "First" not in str(held.seen_as("revenue"))


def test_no_difference_and_too_few_are_said() -> None:
    rows = [(f"{c}{n}", 0, 20, {"channel": c}) for c in "ab" for n in range(40)]
    held = compare_cohorts(make_shop(rows), as_of=day(40), by="channel", **ZONE)
    assert held.findings()[0].text == (
        "None of the 2 cohorts of at least 30 customers differs from the others beyond chance at "
        "30 days of age."
    )
    few = compare_cohorts(make_shop(rows[:50]), as_of=day(40), by="channel", **ZONE)
    assert few.findings()[0].text == (
        "No two groups of at least 30 customers are old enough to be compared."
    )
    young = compare_cohorts(make_shop(rows), as_of=day(9), by="channel", **ZONE)
    assert young.age == 0
    assert young.chart() is None


def test_small_products_are_put_together_and_hostile_titles_escaped() -> None:
    rows = [
        (f"b{n}", 0, 9, {"product_id": f"P{n % 20:02d}", "product_name": "<img src=x>" * 40})
        for n in range(100)
    ]
    rows += [(f"c{n}", 0, 9, {"product_id": "P00"}) for n in range(40)]
    held = compare_cohorts(make_shop(rows), as_of=day(40), by="product", months=1, **ZONE)
    frame = held.to_frame()
    assert len(frame) == 13
    assert frame["cohort"].iloc[-1] == "all others"
    assert frame["size"].sum() == 140
    assert "<img" not in held._repr_html_()


def test_what_the_store_does_not_tell() -> None:
    tables = make_shop([("a", 0, 5), ("b", 3, 5)])
    for by, words in (
        ("channel", "No first order tells its channel"),
        ("product", "The store holds no order lines"),
        ("discount", "No first order tells both its list price"),
    ):
        held = compare_cohorts(tables, as_of=day(9), by=by, **ZONE)  # type: ignore[arg-type]
        assert held.absent().startswith(words)
        assert (held.findings(), held.chart(), len(held.to_frame())) == ((), None, 0)
        assert words in held._repr_html_()


def test_a_negative_customer_stays_negative() -> None:
    """A refund without an order takes more back than the shop knows it sold."""
    tables = make_shop([("a", 0, 10), ("b", 0, 10)], refunds=[("a", 5, 30)])
    held = compare_cohorts(tables, as_of=day(40), months=1, **ZONE).seen_as("revenue")
    assert held.to_frame()[["month_0", "month_1"]].iloc[0].tolist() == [10, -5]
    assert "-¥5.00" in str(held)


def test_hostile_shops_and_arguments_are_refused() -> None:
    for rows in ([], [(None, 0, 5)]):
        with pytest.raises(MissingDataError, match="no known buyer has bought"):
            compare_cohorts(make_shop(rows), as_of=day(9), **ZONE)
    tables = make_shop([("a", 0, 5)])
    with pytest.raises(ParameterError, match="months is 0"):
        compare_cohorts(tables, as_of=day(9), months=0, **ZONE)
    with pytest.raises(ParameterError, match="by is 'colour'"):
        compare_cohorts(tables, as_of=day(9), by="colour", **ZONE)  # type: ignore[arg-type]
    held = compare_cohorts(tables, as_of=dt.date(2025, 1, 1), **ZONE)
    assert "No two groups" in str(held)
    with pytest.raises(ParameterError, match="measure is 'joy'"):
        held.seen_as("joy")  # type: ignore[arg-type]


def test_intervals_are_the_published_ones() -> None:
    """Newcombe (1998), table II, 56/70 and 48/80, method 10; Wilson's 81/263 of his first paper."""
    between = share_between((56, 48), (70, 80))
    assert (between.gap, between.low, between.high) == pytest.approx(
        (0.2, 0.0524, 0.3339), abs=5e-5
    )
    assert share_interval(81, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert np.isnan(share_interval(0, 0)).all()


def test_means_are_compared_as_scipy_does() -> None:
    from scipy.stats import ttest_ind

    rng = np.random.default_rng(8)
    first, second = rng.normal(5, 2, 40), rng.normal(4, 5, 70)
    sums = [Sums(len(x), float(x.sum()), float((x**2).sum())) for x in (first, second)]
    between = mean_between(*sums)
    truth = ttest_ind(first, second, equal_var=False).confidence_interval(0.95)
    assert (between.low, between.high) == pytest.approx((truth.low, truth.high))
    whole = Sums(sums[0].n + sums[1].n, sums[0].total + sums[1].total,
                 sums[0].squares + sums[1].squares)  # fmt: skip
    assert whole.without(sums[0]).mean == pytest.approx(second.mean())
    wider = mean_between(*sums, times=10)
    assert wider.low < between.low


def test_the_first_months_of_a_history_are_not_compared() -> None:
    """Those of January come back most, but may have been customers before it."""
    rows: list[Row] = []
    for month, again in ((0, 40), (100, 30), (130, 5)):
        for n in range(50):
            rows.append((f"{month}-{n}", month, 5))
            if n < again:
                rows.append((f"{month}-{n}", month + 9, 5))
    held = compare_cohorts(make_shop(rows), as_of=day(165), months=1, **ZONE)
    assert [c[0] for c in held.compared()] == ["2025-04", "2025-05"]
    texts = [f.text for f in held.findings()]
    assert texts[0].startswith("First purchase in 2025-04: 60.00% of 50 customers bought again")
    assert texts[1].startswith("First purchase in 2025-05: 10.00% of 50 customers bought again")
    assert texts[2] == (
        "The history begins on 2025-01-01: cohorts of its first 90 days also hold customers who "
        "had bought before, and are not compared."
    )
