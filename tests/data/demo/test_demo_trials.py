"""The four A/B tests: recounted from the imported store, and drawn as a true test would be."""

from __future__ import annotations

import datetime as dt
from math import sqrt
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from demo_exports import Exports, contents
from demo_lives import lived
from scipy import stats

from ecops_lib.data.demo import Truths, write_demo
from ecops_lib.data.demo.life import Life
from ecops_lib.data.demo.trial_units import draw_variants
from ecops_lib.data.demo.truths import CostlyWinner, TrueWinner, UnevenSplit
from ecops_lib.data.imports import import_files
from ecops_lib.data.store import Store, create_store, open_store

TESTS = ("true_winner", "no_effect", "costly_winner", "uneven_split")
BOT_LINES = 100


@pytest.fixture(scope="module")
def tested(tmp_path_factory: pytest.TempPathFactory) -> Exports:
    """Nine months as dense as the default shop: long enough for all four tests."""
    return Exports(write_demo(tmp_path_factory.mktemp("tested"), months=9, orders=12_500))


@pytest.fixture(scope="module")
def store(tested: Exports, tmp_path_factory: pytest.TempPathFactory) -> Store:
    """Its orders, refunds and exposures, imported."""
    folder = tmp_path_factory.mktemp("store") / "shop"
    create_store(folder, name="演示店", key=b"k" * 32)
    files = [f for stem in ("ExportOrderList", "退款管理", "实验曝光") for f in tested.files(stem)]
    result = import_files(files, store=folder, mapping=tested.folder / "mapping.toml")
    assert [f for f in result.findings() if f.level in ("bad", "watch")] == []
    return open_store(folder)


def units_of(store: Store, told: dict[str, object]) -> pd.DataFrame:
    """One row a unit of a test, by nothing but pandas: rules first, then the orders."""
    log = store.frame("experiments").query(f"experiment_id == '{told['experiment_id']}'")
    day = log["exposed_at"].dt.tz_convert("Asia/Shanghai").dt.strftime("%Y-%m-%d")
    log = log.assign(day=day)[(day >= told["from"]) & (day <= told["to"])]
    busiest = log.groupby(["unit_key", "day"]).size().groupby("unit_key").max()
    seen = log.sort_values("exposed_at").groupby("unit_key", sort=False)
    units = seen[["variant", "exposed_at", "segment", "day"]].first()
    units["variants"] = seen["variant"].nunique()
    units = units[busiest.reindex(units.index) <= BOT_LINES]
    orders = store.frame("orders").dropna(subset=["paid_at"])
    done = store.frame("refunds").query("status == 'success'").groupby("order_id")["amount"].sum()
    orders = orders.assign(back=orders["order_id"].map(done).fillna(0).astype(float))
    orders["paid_amount"] = orders["paid_amount"].astype(float)
    held = units.reset_index().merge(orders, left_on="unit_key", right_on="buyer_key")
    wait = held["paid_at"] - held["exposed_at"]
    counts = (held["created_at"] >= held["exposed_at"]) & (
        wait < pd.Timedelta(days=told["window_days"])
    )
    within = held[counts].groupby("unit_key")
    sums = within[["paid_amount", "back"]].sum().reindex(units.index, fill_value=0.0)
    before = held[wait < pd.Timedelta(0)].groupby("unit_key").size()
    return units.assign(
        treated=units["variant"] == told["treatment"],
        converted=sums["paid_amount"] > 0,
        paid=sums["paid_amount"],
        back=sums["back"],
        previous=before.reindex(units.index, fill_value=0),
    )


@pytest.fixture(scope="module")
def units(tested: Exports, store: Store) -> dict[str, pd.DataFrame]:
    return {name: units_of(store, tested.truths[name]) for name in TESTS}


def clean(units: pd.DataFrame) -> pd.DataFrame:
    return units[units["variants"] == 1]


def z_of(bought: list[int], n: list[int]) -> float:
    pooled = sum(bought) / sum(n)
    gap = bought[1] / n[1] - bought[0] / n[0]
    return gap / sqrt(pooled * (1 - pooled) * (1 / n[0] + 1 / n[1]))


def counts(units: pd.DataFrame) -> tuple[list[int], list[int]]:
    grouped = clean(units).groupby("treated")["converted"]
    return grouped.sum().tolist(), grouped.size().tolist()


def refund_z(paid: np.ndarray, back: np.ndarray, treated: np.ndarray) -> float:
    """Difference of the refund rates by amount, over its delta-method error."""
    rate, error = [], []
    for side in (False, True):
        x, y = back[treated == side], paid[treated == side]
        rate.append(x.sum() / y.sum())
        error.append(np.var(x - rate[-1] * y, ddof=1) / len(x) / y.mean() ** 2)
    return (rate[1] - rate[0]) / sqrt(sum(error))


@pytest.mark.parametrize("name", TESTS)
def test_truths_are_what_a_plain_join_of_the_store_gives(
    tested: Exports, units: dict[str, pd.DataFrame], name: str
) -> None:
    told = tested.truths[name]
    bought, n = counts(units[name])
    assert told["planted"]
    assert told["units"] == n
    assert told["converted"] == bought
    assert told["z_conversion"] == pytest.approx(z_of(bought, n), abs=0.005)
    sums = clean(units[name]).groupby("treated")[["back", "paid"]].sum()
    assert told["refund_rate"] == pytest.approx((sums["back"] / sums["paid"]).tolist(), abs=5e-5)
    assert told["in_both_variants"] == (units[name]["variants"] == 2).sum() > 0


def test_what_was_planted_is_found(units: dict[str, pd.DataFrame]) -> None:
    assert z_of(*counts(units["true_winner"])) > 3
    assert abs(z_of(*counts(units["no_effect"]))) < 2.6
    assert z_of(*counts(units["costly_winner"])) > 3
    for name, low, high in (("true_winner", -2, 2), ("no_effect", -2, 2), ("costly_winner", 2, 9)):
        held = clean(units[name])
        z = refund_z(*(held[column].to_numpy() for column in ("paid", "back", "treated")))
        assert low < z < high, name


def test_the_split_is_as_planned_but_in_one_segment_of_one_test(
    units: dict[str, pd.DataFrame],
) -> None:
    for name in TESTS:
        held = clean(units[name])
        for segment, part in held.groupby("segment"):
            p = stats.chisquare(part["treated"].value_counts()).pvalue
            culprit = name == "uneven_split" and segment == "安卓"
            assert (p < 1e-4) if culprit else (p > 0.001), (name, segment)
    assert stats.chisquare(clean(units["uneven_split"])["treated"].value_counts()).pvalue < 0.001


def test_earlier_orders_are_balanced_and_foretell_who_buys(units: dict[str, pd.DataFrame]) -> None:
    for name in TESTS:
        held = clean(units[name])
        sides = [held.loc[held["treated"] == side, "previous"] for side in (False, True)]
        assert stats.ttest_ind(*sides, equal_var=False).pvalue > 0.001, name
        assert (held["previous"] > 0).mean() > 0.05
        known = held.groupby(held["previous"] > 0)["converted"].mean()
        assert known[True] > 1.5 * known[False] > 0


def test_the_logs_have_the_faults_of_real_ones(tested: Exports) -> None:
    table = tested.csv("实验曝光")
    assert set(table["实验编号"]) == {tested.truths[name]["experiment_id"] for name in TESTS}
    for name in TESTS:
        told = tested.truths[name]
        log = table[table["实验编号"] == told["experiment_id"]]
        day = log["曝光时间"].str[:10]
        after = str(dt.date.fromisoformat(told["to"]) + dt.timedelta(days=1))
        assert set(day) == {str(d.date()) for d in pd.date_range(told["from"], after)}
        assert 0 < (day == after).sum() < 0.03 * len(log)
        first = log.drop_duplicates("访客编号")
        assert (first["曝光时间"].str[:10] == after).sum() > 0
        loads = log.groupby("访客编号").size()
        assert (loads > BOT_LINES).sum() == 6
        assert loads.median() == 1
        assert (loads[loads <= BOT_LINES] > 1).mean() > 0.1
        assert log.groupby("访客编号")["设备"].nunique().max() == 1
        assert set(log["版本"]) == {told["control"], told["treatment"]}
        busy = first.groupby(first["曝光时间"].str[11:13]).size()
        assert busy["20"] > 3 * busy["04"]


def judged(life: Life) -> dict[str, tuple[float, float]]:
    """z of the conversion and of the refund rate of each test."""
    found = {}
    for run in life.runs:
        held = run.units
        sides = [held.treated == side for side in (False, True)]
        bought = [int(held.converted[side].sum()) for side in sides]
        z = z_of(bought, [int(side.sum()) for side in sides])
        paid, back = held.paid.astype(float), held.refunded.astype(float)
        found[run.trial.truth] = z, refund_z(paid, back, held.treated)
    return found


def test_the_default_shops_tests_are_clear() -> None:
    found = judged(lived())
    assert 4 < found["true_winner"][0] < 6
    assert abs(found["no_effect"][0]) < 1.5
    assert 4 < found["costly_winner"][0] < 6
    assert found["costly_winner"][1] > 2.5
    assert all(abs(found[name][1]) < 2 for name in TESTS if name != "costly_winner")


def test_a_truth_reversed_reverses_its_test() -> None:
    truths = {
        "true_winner": TrueWinner(lift=-0.3),
        "costly_winner": CostlyWinner(lift=-0.3, refunds=-0.8),
        "uneven_split": UnevenSplit(segment="苹果"),
    }
    life = lived(**truths)
    found = judged(life)
    assert found["true_winner"][0] < -3
    assert found["costly_winner"][0] < -3
    assert found["costly_winner"][1] < -2
    split = life.runs[-1].units
    for device, even in ((0, True), (1, False)):
        treated = split.treated[split.device == device]
        p = stats.binomtest(int(treated.sum()), len(treated)).pvalue
        assert (p > 0.001) is np.bool_(even)


def test_a_test_without_its_truth_was_not_run_and_older_ones_neither(
    plain: Exports, planted: Exports
) -> None:
    assert [run.trial.truth for run in lived(no_effect=None).runs] == [
        "true_winner",
        "costly_winner",
        "uneven_split",
    ]
    assert set(plain.csv("实验曝光")["实验编号"]) == {"主图测试"}
    assert not plain.truths["uneven_split"]["planted"]
    assert [plain.truths[name] for name in TESTS[:3]] == [None, None, None]
    assert planted.truths["true_winner"] is None
    assert list(planted.shop.tests) == ["主图测试"]
    assert list(plain.shop.tests) == ["主图测试"]


def test_the_tests_leave_all_other_exports_as_they_are(planted: Exports, tmp_path: Path) -> None:
    without = Truths(true_winner=None, no_effect=None, costly_winner=None, uneven_split=None)
    other = write_demo(tmp_path, months=3, orders=4_600, truths=without)

    def kept(folder: Path) -> dict[str, bytes]:
        held = dict(contents(file) for file in folder.iterdir())
        return {name: data for name, data in held.items() if not name.startswith("实验曝光")}

    assert kept(other.exports) == kept(planted.folder)


def test_plans_are_as_the_tests_ran(tested: Exports, tmp_path: Path) -> None:
    create_store(tmp_path / "shop", name="店", tests=tested.shop.tests)
    plans = open_store(tmp_path / "shop").settings.tests
    assert plans == tested.shop.tests
    for name in TESTS:
        told = tested.truths[name]
        plan = plans[told["experiment_id"]]
        assert plan["control"] == told["control"]
        assert plan["shares"] == {told["control"]: 0.5, told["treatment"]: 0.5}
        assert [str(plan["start"]), str(plan["end"])] == [told["from"], told["to"]]
        assert plan["window_days"] == told["window_days"]


def forwards(
    rng: np.random.Generator, lift: float, refunds: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """A true test: the variant first, then what it makes the unit do."""
    before = rng.choice(5, 60_000, p=(0.8, 0.1, 0.05, 0.03, 0.02))
    treated = rng.random(len(before)) < 0.5
    chance = np.array([0.05, 0.1, 0.15, 0.2, 0.2])[before] * np.where(treated, 1 + lift, 1)
    converted = rng.random(len(before)) < chance
    share = 0.1 * np.where(treated, 1 + refunds, 1)
    back = np.where(converted & (rng.random(len(before)) < share), rng.integers(1, 99), 0)
    return treated, converted, back, before


@pytest.mark.parametrize(("lift", "refunds"), [(0.4, 0.0), (-0.4, 1.5), (0.0, 0.0)])
def test_variants_drawn_backwards_cannot_be_told_from_those_drawn_forwards(
    lift: float, refunds: float
) -> None:
    """Both tell the same shares of treated units in every cell, within chance."""
    rng = np.random.default_rng(8)
    kinds = []
    for _ in range(40):
        treated, converted, back, before = forwards(rng, lift, refunds)
        paid = converted * 1 + back
        again = draw_variants(rng, paid, back, before, lift=lift, refunds=refunds)
        cell = np.minimum(before, 3) * 3 + converted + (back > 0)
        kinds.append(
            [[np.bincount(cell[side], minlength=12) for side in (t, ~t)] for t in (treated, again)]
        )
    made = np.array(kinds).sum(axis=0)
    share = made[:, 0] / made.sum(axis=1)
    error = np.sqrt(share[0] * (1 - share[0]) / made[0].sum(axis=0))
    assert np.abs(share[1] - share[0]).max() < 0.02
    assert (np.abs(share[1] - share[0]) < 5 * error).all()


def test_no_effect_is_a_fair_coin_whatever_the_unit_did() -> None:
    rng = np.random.default_rng(9)
    converted = rng.random(40_000) < 0.06
    treated = draw_variants(rng, converted * 1, np.zeros(40_000, int), rng.poisson(0.3, 40_000))
    table = pd.crosstab(converted, treated)
    assert stats.chi2_contingency(table).pvalue > 0.001
