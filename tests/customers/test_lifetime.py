"""Fit, forecast, holdout and value: planted truths, real shops, hostile shops, words."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from simulated import histories, history, simulate

from ecops_lib.core.errors import ColumnError, EcopsError, MissingDataError, ParameterError
from ecops_lib.core.language import reading
from ecops_lib.customers import sum_cohorts, sum_purchases
from ecops_lib.customers.lifetime import (
    check_holdout,
    fit_histories,
    fit_lifetime,
    fit_segments,
    fit_spend,
    forecast_total,
    measure_drift,
    value_ages,
    value_customers,
)
from ecops_lib.data.schema import arrow_schema
from ecops_lib.data.store import Store

START = dt.datetime(2025, 1, 1, 4, tzinfo=dt.UTC)
Tables = dict[str, pa.Table]


def orders(rows: list[tuple[str, int, object]], **columns: list[str]) -> Tables:
    """Orders of (buyer, day since the start, amount)."""
    schema = arrow_schema("orders")
    held = [
        {
            "platform": "tmall", "order_id": f"{place:06d}", "buyer_key": buyer,
            "created_at": START + dt.timedelta(days=day),
            "paid_at": START + dt.timedelta(days=day),
            "ordered_amount": Decimal(1), "paid_amount": Decimal(str(amount)),
            **{name: values[place] for name, values in columns.items()},
        }
        for place, (buyer, day, amount) in enumerate(rows)
    ]  # fmt: skip
    whole = [{name: row.get(name) for name in schema.names} for row in held]
    empty = pa.Table.from_pylist([], schema=arrow_schema("refunds"))
    return {"orders": pa.Table.from_pylist(whole, schema=schema), "refunds": empty}


def shop(rng: np.random.Generator, *, customers: int = 1200, days: int = 400) -> Tables:
    """Customers of a BG/NBD world with one new cohort each day, at 20 a purchase or so."""
    rows = []
    for number in range(customers):
        day, rate, drop = int(rng.integers(0, 200)), rng.gamma(0.8, 1 / 40), rng.beta(0.8, 2.5)
        amount = 20 / rng.gamma(6, 1 / 6)
        while day <= days:
            rows.append((f"b{number:05d}", day, round(amount * rng.gamma(4, 1 / 4) + 0.01, 2)))
            if rng.random() < drop:
                break
            day += 1 + int(rng.exponential(1 / rate))
    return orders(rows)


@pytest.fixture(scope="module")
def planted() -> Tables:
    return shop(np.random.default_rng(8))


def day(number: int) -> dt.date:
    return (START + dt.timedelta(days=number)).date()


ZONE: dict[str, Any] = {"time_zone": "Asia/Shanghai"}


def test_totals_cover_what_simulated_customers_do_next() -> None:
    """Chance and parameters alone, in 150 worlds: 95 % within three standard errors."""
    rng, inside = np.random.default_rng(1), 0
    for _ in range(150):
        frame, later = simulate("bg", (0.8, 6.0, 0.8, 2.5), rng.uniform(20, 60, 800), rng, later=30)
        (model,) = fit_histories(histories(frame), models=("bg",)).models
        low, high = forecast_total(model, history(frame), weeks=30).interval()
        inside += low <= later.sum() <= high
    assert 0.897 <= inside / 150 <= 1


def test_holdout_of_a_world_that_is_the_model(planted: Tables) -> None:
    held = check_holdout(planted, split=day(260), end=day(400), **ZONE)
    assert held.covered
    assert held.median_error <= held.mean_error
    assert held.findings()[0].level == "good"
    assert held.tracking["actual"].iloc[-1] == pytest.approx(
        held.tracking["expected"].iloc[-1], rel=0.1
    )
    assert held.groups["customers"].sum() == held.fit.customers
    mean = held.groups["expected"] @ held.groups["customers"]
    assert mean == pytest.approx(held.total.value, rel=1e-9)
    assert held.groups["actual"] @ held.groups["customers"] == pytest.approx(held.actual)
    assert "forecast begins" in held.chart().svg
    assert held.calibration_chart().alt.startswith("Purchases a customer, made less expected")


def test_a_shop_that_stops_selling_turns_the_sentence(planted: Tables) -> None:
    """The same customers, but nobody buys after the split."""
    kept = planted["orders"].filter(
        pa.compute.less(planted["orders"]["paid_at"], pa.scalar(START + dt.timedelta(days=261)))
    )
    held = check_holdout({**planted, "orders": kept}, split=day(260), end=day(400), **ZONE)
    assert (held.actual, held.covered) == (0, False)
    finding = held.findings()[0]
    assert finding.level == "bad"
    assert "0 were made, which is outside: do not rely on the model's totals" in finding.text


@pytest.mark.realdata
def test_cdnow_weeks_40_to_78_beside_lifetimes(shared: Path) -> None:
    """BG/NBD of lifetimes: 1,653 for 1,882 made, mean absolute error .785 (measured once)."""
    frame = pd.read_parquet(shared / "cdnow" / "cdnow_sample.parquet")
    start = pd.Timestamp(START.date())
    rows = [
        (str(buyer), (when - start).days, amount)
        for buyer, when, amount in frame[["sample_id", "date", "amount"]].itertuples(index=False)
    ]
    tables, split, end = orders(rows), dt.date(1997, 9, 30), dt.date(1998, 6, 30)
    only = check_holdout(tables, split=split, end=end, models=("bg",), **ZONE)
    assert only.actual == 1882
    assert only.total.value == pytest.approx(1653.416, abs=0.02)
    assert only.mean_error == pytest.approx(0.785454, abs=1e-5)
    assert only.root_error == pytest.approx(1.607982, abs=1e-5)
    assert only.covered
    best = check_holdout(tables, split=split, end=end, **ZONE)
    assert best.fit.customers == 2357
    assert best.median_error <= 0.74
    assert best.covered
    low, high = best.total.interval()
    assert high / low < 1.6
    bought = sum_purchases(tables, as_of=split, **ZONE).frame
    again = bought["purchases"].to_numpy(float) - 1
    mean = (bought["net_amount"] - bought["first_amount"]) / np.maximum(again, 1)
    spent = fit_spend(again, mean.to_numpy())
    assert spent.customers == 946  # as in the Gamma-Gamma note of 2013: 6.25, 3.74, 15.44
    assert spent.params == pytest.approx([6.25, 3.74, 15.44], abs=0.01)
    assert spent.log_likelihood == pytest.approx(-4055.92, abs=0.02)


@pytest.mark.realdata
def test_online_retail_customers_are_all_told(online_retail: tuple[object, Store]) -> None:
    """Two years of a wholesaler: 5,878 customers bought, 5,942 have a line of any kind."""
    store = online_retail[1]
    held = value_customers(store, as_of="2011-12-09", margin=0.3, months=6)
    assert (len(held.customers), held.apart.unknown_orders) == (5878, 3114)
    assert held.customers["buyer_key"].is_unique
    assert held.fit.chosen is not None
    assert held.fit.chosen.misplaced < 0.05
    assert held.customers["value"].notna().all()
    assert held.customers["value"].min() >= 0
    assert held.value == pytest.approx(held.to_frame()["value"].sum())
    assert held.low < held.value < held.high
    check = check_holdout(store, split="2011-06-30", end="2011-12-09")
    assert check.covered
    first_year = check_holdout(store, split="2010-12-31", end="2011-03-31")
    assert not first_year.covered  # its first Christmas is all that the model has seen
    assert first_year.findings()[0].level == "bad"


def test_drift_looks_at_no_later_day(planted: Tables) -> None:
    split = day(260)
    kept = planted["orders"].filter(
        pa.compute.less(planted["orders"]["paid_at"], pa.scalar(START + dt.timedelta(days=261)))
    )
    whole, cut = (
        measure_drift(t, as_of=split, fit=fit_lifetime(t, as_of=split, **ZONE), **ZONE)
        for t in (planted, {**planted, "orders": kept})
    )
    pd.testing.assert_frame_equal(whole.frame, cut.frame)
    assert whole.variance == cut.variance
    assert (whole.frame["origin"] < pd.Timestamp(split)).all()


def test_value_adds_up_and_scales_with_money(planted: Tables) -> None:
    held = value_customers(planted, as_of=day(400), margin=0.4, months=6, **ZONE)
    assert held.value == pytest.approx(held.customers["value"].sum())
    assert held.low < held.value < held.high
    full = value_customers(planted, as_of=day(400), margin=0.8, months=6, **ZONE)
    assert full.value == pytest.approx(2 * held.value)
    assert (full.low, full.high) == pytest.approx((2 * held.low, 2 * held.high))
    plain = value_customers(
        planted, as_of=day(400), margin=1, months=6, monthly_discount=0.0, **ZONE
    )
    product = plain.customers["purchases"] * plain.customers["amount"]
    assert plain.customers["value"].to_numpy() == pytest.approx(product.to_numpy(), rel=1e-9)
    assert plain.value > 2.5 * held.value
    assert held.to_frame()["share"].sum() == pytest.approx(1)
    assert "Value by tenth of the customers" in held.chart().alt


def test_ages_are_means_over_customers_old_enough() -> None:
    """A child's sum: two customers of day 0, one of day 40; as of day 65."""
    tables = orders([("a", 0, 10), ("b", 0, 20), ("c", 40, 30), ("a", 30, 5), ("a", 31, 7),
                     ("c", 45, 100)])  # fmt: skip
    frame = value_ages(sum_cohorts(tables, as_of=day(65), **ZONE)).frame
    assert frame["customers"].tolist() == [3, 2, 2]
    assert frame["amount"].tolist() == [20.0, 2.5, 3.5]  # c has not lived all of month 1
    assert frame["total"].tolist() == [20.0, 22.5, 26.0]
    assert frame["purchases"].tolist() == [1.0, 0.5, 0.5]


def test_all_one_time_buyers_fall_back_to_cohorts_and_say_so() -> None:
    tables = orders([(f"b{n}", n % 90, 10 + n) for n in range(200)])
    held = value_customers(tables, as_of=day(200), margin=0.5, months=3, **ZONE)
    assert held.fit.chosen is None
    too_old = sum(200 - n % 90 >= 120 for n in range(200))  # six months of age are told
    assert (held.value, held.untold) == (0.0, too_old)
    words = [finding.text for finding in held.findings()]
    assert (
        "No purchase model is used: only 0 customers have bought again, and 30 are needed. "
        "Values rest on what customers of equal age have brought."
    ) in words
    assert held.chart() is None


def test_fallback_is_the_money_of_equal_age() -> None:
    """20 customers of day 0 buy for 30 again in age month 1 and for 10 in month 2."""
    rows = [
        (f"a{n}", when, amount) for n in range(20) for when, amount in ((0, 5), (20, 30), (50, 10))
    ]
    rows += [("young", 100, 7)]
    held = value_customers(
        orders(rows), as_of=day(100), margin=0.5, months=2, monthly_discount=0.0, **ZONE
    )
    assert held.fit.chosen is None
    values = held.customers.set_index("buyer_key")["value"]
    assert values["young"] == pytest.approx(0.5 * (30 + 10))
    assert values["a0"] == 0  # nobody older tells what comes after three months
    assert held.untold == 20
    assert held.findings()[0].text.startswith(
        "The 21 known customers are expected to bring at least ¥20.00 of margin"
    )


def test_one_customer_and_the_day_of_the_first_order() -> None:
    held = value_customers(orders([("a", 0, 10)]), as_of=day(0), margin=0.5, **ZONE)
    assert np.isnan(held.value)
    assert held.findings()[0].text == (
        "What these customers will bring cannot be told: none has been known for 30 days, and "
        "no purchase model is used."
    )
    assert "—" in str(held)
    assert held._repr_html_()


def test_a_model_without_a_maximum_is_said_and_left_out() -> None:
    """Whoever bought again bought just now, so nobody can have left: only NBD holds."""
    rng = np.random.default_rng(2)
    ages = rng.uniform(30, 60, 800)
    x = rng.poisson(rng.gamma(3, 0.1, 800) * ages).astype(float)
    last = 0.999 * ages
    frame = pd.DataFrame({"x": x, "tx": np.where(x > 0, last, 0), "T": ages, "customers": 1.0})
    held = fit_histories(histories(frame))
    lost = {model.name for model in held.models if not model.reached}
    assert held.chosen is not None
    assert lost
    assert held.chosen.name not in lost
    texts = [finding.text for finding in held.findings()]
    assert sum("found no best parameters" in text for text in texts) == len(lost)
    only = fit_histories(histories(frame), models=tuple(lost))  # type: ignore[arg-type]
    assert only.chosen is None
    assert only.findings()[0].text.startswith(
        "No purchase model is used: none of the models found best parameters"
    )


def test_a_model_that_does_not_fit_is_not_used() -> None:
    """Half the customers buy every week, half never: no gamma is like that."""
    ages = np.full(600, 52.0)
    x = np.where(np.arange(600) < 300, 4.0, 0.0)
    frame = pd.DataFrame({"x": x, "tx": np.where(x > 0, 50.0, 0.0), "T": ages, "customers": 1.0})
    held = fit_histories(histories(frame))
    assert held.chosen is None
    assert "is no fit" in held.reason or "best parameters" in held.reason


@pytest.mark.parametrize(
    ("column", "value", "words"),
    [
        ("x", np.nan, "column 'x' of the histories holds a missing or negative value"),
        ("T", -1.0, "column 'T' of the histories holds a missing or negative value"),
        ("tx", 99.0, "tx must lie between 0 and T"),
        ("x", 0.0, "be 0 where x is 0"),
    ],
)
def test_impossible_histories_are_refused(column: str, value: float, words: str) -> None:
    frame = pd.DataFrame({"x": [2.0], "tx": [3.0], "T": [5.0], "customers": [40.0]})
    with pytest.raises(ColumnError, match=words):
        fit_histories(histories(frame.assign(**{column: value})))


def test_ages_of_zero_are_refused() -> None:
    frame = pd.DataFrame({"x": [1.0], "tx": [0.0], "T": [0.0], "customers": [40.0]})
    with pytest.raises(ParameterError, match="every customer has age 0"):
        fit_histories(histories(frame))


def test_ties_do_no_harm() -> None:
    """All customers alike: a named reason or finite numbers, never NaN in a value."""
    rows = [(f"b{n}", when, 10) for n in range(60) for when in (0, 10, 20)]
    held = value_customers(orders(rows), as_of=day(120), margin=0.5, months=2, **ZONE)
    assert held.spend.reason == "all customers spend the same amount on a purchase."
    assert held.fit.reason or held.fit.chosen
    assert np.isfinite(held.customers["value"]).all()


def test_negative_net_amounts_are_counted_out_of_the_amounts() -> None:
    rng = np.random.default_rng(4)
    count = rng.integers(1, 6, 200).astype(float)
    mean = rng.gamma(5, 4, 200)
    mean[:3] = [-5.0, 0.0, -1.0]
    held = fit_spend(count, mean)
    assert (held.left_out, held.customers) == (3, 197)
    assert "3 customers whose repeat purchases net to nothing are left out of it." in [
        finding.text for finding in held.findings()
    ]
    assert held.expect(count[:3], mean[:3]) == pytest.approx(held.population_mean)
    with pytest.raises(ColumnError, match="a mean amount is missing"):
        fit_spend(np.array([1.0]), np.array([np.nan]))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"margin": 1.5}, "margin is 1.5"),
        ({"margin": float("nan")}, "margin is nan"),
        ({"margin": 0.5, "months": 0}, "months is 0"),
        ({"margin": 0.5, "monthly_discount": -1.0}, "monthly_discount is -1.0"),
        ({"margin": 0.5, "models": ("weibull",)}, "models is 'weibull'"),
    ],
)
def test_impossible_arguments_are_refused(
    planted: Tables, arguments: dict[str, Any], words: str
) -> None:
    with pytest.raises(ParameterError, match=words):
        value_customers(planted, as_of=day(400), **arguments, **ZONE)


def test_a_holdout_without_a_model_is_refused() -> None:
    tables = orders([(f"b{n}", n, 10) for n in range(40)])
    with pytest.raises(EcopsError, match=r"no purchase model can be checked: only 0 customers"):
        check_holdout(tables, split=day(60), end=day(90), **ZONE)
    with pytest.raises(ParameterError, match="swap the two"):
        check_holdout(tables, split=day(60), end=day(60), **ZONE)
    with pytest.raises(MissingDataError):
        check_holdout(tables, split="2020-01-01", end=day(60), **ZONE)


def test_segments_are_fitted_one_by_one(planted: Tables) -> None:
    """Every other customer is of channel =A; the customers without one are told apart."""
    names = planted["orders"]["buyer_key"].to_pylist()
    channel = pa.array([("=A", "<b>", None)[int(name[1:]) % 3] for name in names])
    place = planted["orders"].schema.get_field_index("channel")
    held = planted["orders"].set_column(place, "channel", channel.cast(pa.string()))
    fits = fit_segments({**planted, "orders": held}, as_of=day(400), by="channel", **ZONE)
    whole = fit_lifetime(planted, as_of=day(400), **ZONE)
    assert sorted(fits.fits) == ["", "<b>", "=A"]
    assert sum(fit.customers for fit in fits.fits.values()) == whole.customers
    assert set(fits.to_frame()["segment"]) == {"=A", "<b>", "not told"}
    assert "<b>" not in fits._repr_html_().replace("&lt;b&gt;", "")
    assert fits.findings()[0].key == "lifetime/segments"


def test_words_in_chinese(planted: Tables) -> None:
    with reading("zh", "CNY"):
        held = value_customers(planted, as_of=day(400), margin=0.4, months=6, **ZONE)
        words = " ".join(finding.text for finding in held.findings())
        assert not [c for c in held.headings().values() if c.isascii()]
    assert "未来6个月" in words
    assert "expected" not in words
