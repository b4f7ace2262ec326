"""Uplift on planted truths: found where it is, not found where it is not, promises kept."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from contact_worlds import FEATURES, simulate_trial

from ecops_lib.core.errors import ColumnError, MissingDataError, ParameterError
from ecops_lib.core.language import reading
from ecops_lib.customers import fit_uplift
from ecops_lib.customers.contacts.uplift import Uplift

MARGIN, COST = 100.0, 3.0
NAMES = {"outcome": "bought", "treated": "contacted", "features": FEATURES}


def fit(table: Any, **more: Any) -> Uplift:
    return fit_uplift(table, **{**NAMES, "margin": MARGIN, "cost": COST, **more})


def promised(table: pd.DataFrame, seed: int) -> tuple[Uplift, float]:
    """The fit, and the true profit of those whom it would contact on the half held out."""
    held = fit(table, rng=seed)
    half = np.random.default_rng(seed).permutation(len(table)) < len(table) / 2
    rest = table[~half]
    chosen = held.predict(rest) * MARGIN > COST
    assert int(chosen.sum()) == held.expected.customers
    return held, float((rest["uplift"][chosen] * MARGIN - COST).sum())


def test_planted_uplift_is_found_and_promises_cover_the_truth() -> None:
    """Of 60 shops: a promise's interval, which covers 92 %, may miss 11 (p = 0.004 for 12)."""
    found, kept, agreed = 0, 0, 0
    for seed in range(60):
        held, truth = promised(simulate_trial(seed, count=10_000), seed)
        found += held.beats_random
        kept += held.expected.low <= truth <= held.expected.high
        agreed += held.agrees
    assert found >= 45
    assert kept >= 49
    assert agreed >= 53


def test_realised_profit_covers_the_truth() -> None:
    """What was realised, by the difference of the arms: 95 % may miss 7 (p = 0.02 for 8)."""
    kept = 0
    for seed in range(60):
        held, truth = promised(simulate_trial(1000 + seed, count=2000), seed)
        kept += held.realised.low <= truth <= held.realised.high
    assert kept >= 53


def test_without_uplift_chance_is_beaten_in_at_most_one_of_twenty() -> None:
    """240 shops: at 5 %, 19 or more would come with a chance of 3 %."""
    found = sum(
        fit(simulate_trial(seed, count=1200, effect=0.0), rng=seed).beats_random
        for seed in range(240)
    )
    assert found <= 12


def test_the_interval_of_a_fixed_ranking_errs_in_one_of_twenty() -> None:
    """Level of the Qini interval itself, by a score that nobody learnt."""
    from ecops_lib.customers.contacts.qini import measure_qini

    rng, out = np.random.default_rng(3), 0
    for _ in range(1000):
        score, arm = rng.normal(size=400), rng.random(400) < 0.7
        y = rng.random(400) < 0.2
        qini = measure_qini(score, (arm - 0.7) / 0.21 * (y - 0.2))
        out += not qini.low <= 0 <= qini.high
    assert 32 <= out <= 70


def test_uplift_of_the_moved_is_told_from_that_of_the_others() -> None:
    table = simulate_trial(5, count=20_000)
    found = fit(table).predict(table)
    moved = table["uplift"] > 0
    assert found[moved].mean() == pytest.approx(0.12, abs=0.03)
    assert abs(found[~moved].mean()) < 0.03


def test_reversing_the_truth_reverses_the_sentence() -> None:
    table = simulate_trial(6, count=20_000)
    held = fit(table)
    words = [finding.text for finding in held.findings()]
    assert [finding.level for finding in held.findings()][:2] == ["good", "good"]
    assert "beats contact at random" in words[0]
    turned = fit(table.assign(contacted=1 - table["contacted"]))
    assert turned.average.value < 0 < held.average.value
    assert turned.expected.customers < held.expected.customers / 2
    annoyed = fit(simulate_trial(6, count=20_000, effect=-0.12))
    assert annoyed.expected.value < held.expected.value / 10
    nobody = fit(table.assign(bought=0))
    assert [f.level for f in nobody.findings()][:2] == ["watch", "watch"]
    assert "cannot be told apart from random" in nobody.findings()[0].text
    assert "For none of 10,000 customers" in nobody.findings()[1].text
    with reading("zh"):
        assert "Qini" in held.findings()[0].text
        assert "beats" not in held.findings()[0].text


def test_customers_all_alike_cannot_be_ranked() -> None:
    table = simulate_trial(7).assign(recency=50, orders=1, channel="搜索")
    held = fit(table)
    assert (held.qini.value, held.beats_random) == (0.0, False)
    assert np.ptp(held.predict(table)) == 0
    assert len(held.to_frame()) == 1


def test_mailings_with_other_hold_outs_and_seasons_do_not_feign_uplift() -> None:
    """Pooling a busy mailing that held out few with a quiet one that held out many."""
    rng = np.random.default_rng(8)
    parts = []
    for name, share, base in (("busy", 0.9, 0.5), ("quiet", 0.3, 0.05)):
        arm = rng.random(6000) < share
        bought = rng.random(6000) < base
        parts.append(
            pd.DataFrame(
                {"mailing": name, "contacted": arm, "bought": bought, "x": rng.random(6000)}
            )
        )
    table = pd.concat(parts).astype({"contacted": int, "bought": int})
    given = {"outcome": "bought", "treated": "contacted", "features": ["x"]}
    held = fit_uplift(table, **given, mailing="mailing")
    naive = fit_uplift(table, **given)
    assert held.average.low <= 0 <= held.average.high
    assert naive.average.low > 0


def test_rows_of_one_customer_stay_in_one_half_whatever_their_order() -> None:
    table = simulate_trial(9).assign(unit=lambda held: [f"u{n // 2}" for n in range(len(held))])
    table = table.assign(mailing=np.arange(len(table)) % 2)
    first = fit(table, unit="unit", mailing="mailing")
    again = fit(table.sample(frac=1, random_state=1), unit="unit", mailing="mailing")
    assert first.qini.value == pytest.approx(again.qini.value)
    assert first.expected.value == pytest.approx(again.expected.value)
    doubled = pd.concat([table.assign(mailing=n) for n in (0, 1)])
    doubled["unit"] = np.tile(np.arange(len(table)), 2)
    single, twice = fit(table), fit(doubled, unit="unit", mailing="mailing")
    assert twice.average.error / 2 == pytest.approx(single.average.error, rel=0.05)


Engine = Callable[[dict[str, Any]], dict[str, Any]]


def test_engines_agree(light_engine: Engine) -> None:
    table = simulate_trial(10, count=800).assign(unit=lambda held: np.arange(len(held)))
    arrow = pa.Table.from_pandas(table, preserve_index=False)
    expected = fit(table, unit="unit")
    found = fit(light_engine({"customers": arrow})["customers"], unit="unit")
    assert found.qini.value == pytest.approx(expected.qini.value)
    assert found.expected.value == pytest.approx(expected.expected.value)


@pytest.mark.parametrize(
    ("change", "given", "error", "said"),
    [
        ({}, {"features": ["age"]}, ColumnError, "no column 'age'"),
        ({"bought": np.nan}, {}, ColumnError, "'bought' holds missing values"),
        ({"bought": "yes"}, {}, ColumnError, "must hold numbers"),
        ({"contacted": 2}, {}, ColumnError, "1 .contacted. and 0"),
        ({"contacted": 1}, {}, MissingDataError, "nobody held out"),
        ({"contacted": 0}, {}, MissingDataError, "nobody contacted"),
        ({}, {"cost": -1}, ParameterError, "cost is -1"),
        ({}, {"margin": np.nan}, ParameterError, "margin is nan"),
    ],
)
def test_what_cannot_be_learnt_from_is_refused(
    change: dict[str, Any], given: dict[str, Any], error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said):
        fit(simulate_trial(11, count=500).assign(**change), **given)


@pytest.mark.parametrize("count", [0, 1, 100])
def test_too_few_customers_are_refused(count: int) -> None:
    with pytest.raises(MissingDataError):
        fit(simulate_trial(12).head(count))


HILLSTROM = ("recency", "history", "mens", "womens", "newbie", "zip_code", "channel")


@pytest.mark.realdata
@pytest.mark.parametrize("segment", ["Womens E-Mail", "either"])
def test_hillstrom_visits_beat_chance_and_promises_hold(shared: Path, segment: str) -> None:
    """On 64,000 customers, six splits: one may miss the first, two the second."""
    table = pd.read_parquet(shared / "hillstrom" / "customers.parquet")
    if segment != "either":
        table = table[table["segment"].isin([segment, "No E-Mail"])]
    table = table.assign(sent=(table["segment"] != "No E-Mail").astype(int))
    fits = [
        fit_uplift(table, outcome="visit", treated="sent", features=HILLSTROM, cost=0.05, rng=seed)
        for seed in range(6)
    ]
    assert sum(held.beats_random for held in fits) >= 5
    assert sum(held.agrees for held in fits) >= 4
    assert {held.judged_on for held in fits} == {len(table) // 2}
