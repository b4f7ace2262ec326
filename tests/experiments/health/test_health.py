"""All checks together: healthy tests pass, sick ones do not, in both languages."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest
from health_worlds import COLUMNS, Cells, day, draw_cells, plan_of

from ecops_lib.core.errors import ParameterError
from ecops_lib.core.language import reading
from ecops_lib.experiments.facts import Facts, collect_facts
from ecops_lib.experiments.health import check_cells, check_health, find_largest
from ecops_lib.experiments.moments import Moments

EVEN = {"A": 0.5, "B": 0.5}
LATER = dt.date(2026, 12, 31)
KEYS = {"sample_ratio", "timing", "crossover", "breaks", "balance", "novelty", "outliers"}


@pytest.fixture(scope="module")
def healthy() -> Cells:
    return draw_cells(np.random.default_rng(1), 30_000, EVEN)


def test_a_healthy_test_has_every_check_in_order(healthy: Cells) -> None:
    health = check_cells(
        healthy,
        plan=plan_of(EVEN),
        as_of=LATER,
        crossed={"A": 3, "B": 2},
        largest={"A": 900.0, "B": 900.0},
    )
    assert {check.key for check in health.checks} == KEYS
    assert health.red == ()
    assert not health.unfinished
    assert [found.level for found in health.findings()] == ["good"]
    assert len(health.to_frame()) == len(KEYS)


def test_few_healthy_tests_are_red() -> None:
    rng, red, runs = np.random.default_rng(2), 0, 150
    for run in range(runs):
        shares = ({"A": 0.5, "B": 0.5}, {"A": 0.4, "B": 0.3, "C": 0.3}, {"A": 0.9, "B": 0.1})[
            run % 3
        ]
        cells = draw_cells(rng, 3000, shares, segments=4)
        red += bool(check_cells(cells, plan=plan_of(shares), as_of=LATER).red)
    assert red <= 5  # 1 % is allowed; six or more of 150 then has a chance below 0.5 %


def test_a_sick_test_is_red_and_says_so_first(healthy: Cells) -> None:
    lossy = {
        key: Moments(columns=m.columns, n=m.n // 2, mean=m.mean, cov=m.cov)
        if key[0] == "B" and key[2] == "s1"
        else m
        for key, m in healthy.items()
    }
    health = check_cells(lossy, plan=plan_of(EVEN), as_of=LATER)
    assert [check.key for check in health.red] == ["sample_ratio"]
    found = health.findings()[0]
    assert (found.level, found.key) == ("bad", "health/sample_ratio")
    assert found.evidence["loss"] == pytest.approx(0.5, abs=0.06)
    assert health.to_frame()["level"][0] == "do not trust"


def test_every_sentence_has_both_languages(healthy: Cells) -> None:
    def words() -> list[str]:
        health = check_cells(healthy, plan=plan_of(EVEN), as_of=day(3), crossed={"A": 400})
        return [check.text for check in health.checks]

    english = words()
    with reading("zh"):
        chinese = words()
    assert all(a != b for a, b in zip(english, chinese, strict=True))


def test_an_unknown_variant_is_refused(healthy: Cells) -> None:
    with pytest.raises(ParameterError, match="'B'"):
        check_cells(healthy, plan=plan_of({"A": 0.5, "C": 0.5}), as_of=LATER)


def test_no_units_at_all_are_judged_without_failing() -> None:
    health = check_cells({}, plan=plan_of(EVEN), as_of=LATER, crossed={})
    assert health.check("timing") is not None
    assert health.red == ()
    assert "No unit was exposed in the test." in str(health)


def test_a_variant_without_units_is_red() -> None:
    cells = draw_cells(np.random.default_rng(3), 900, EVEN)
    alone = {key: m for key, m in cells.items() if key[0] == "A"}
    health = check_cells(alone, plan=plan_of(EVEN), as_of=LATER, largest={"A": 1.0})
    assert {"sample_ratio", "breaks"} <= {check.key for check in health.red}


@pytest.fixture
def units_table() -> pd.DataFrame:
    rng = np.random.default_rng(4)
    n = 4000
    bought = (rng.random(n) < 0.1).astype(float)
    paid = bought * rng.lognormal(4, 1, n)
    held = dict.fromkeys(COLUMNS, bought)
    return pd.DataFrame(
        {
            "variant": rng.choice(["A", "B"], n),
            "day": [day(place) for place in rng.integers(0, 10, n)],
            "segment": rng.choice(["new", "old"], n),
            **held,
            "paid_amount": paid,
            "net_paid_amount": paid,
        }
    )


def collected(table: pd.DataFrame, **given: object) -> Facts:
    return collect_facts(table, plan=plan_of(EVEN), columns=COLUMNS, **given)  # type: ignore[arg-type]


def test_health_from_facts(units_table: pd.DataFrame) -> None:
    largest = find_largest(units_table, column="net_paid_amount")
    assert largest == units_table.groupby("variant")["net_paid_amount"].max().to_dict()
    facts = collected(units_table)
    health = check_health(facts, as_of=LATER, largest=largest)
    assert {check.key for check in health.checks} == KEYS - {"crossover"}
    timing = health.check("timing")
    assert timing is not None
    assert timing.figures["units"] == len(units_table)


def test_facts_with_few_covariances_do(units_table: pd.DataFrame) -> None:
    facts = collected(units_table, pairs=[])
    whole = collected(units_table)
    checks = [check_health(held, as_of=LATER).check("novelty") for held in (facts, whole)]
    assert checks[0] is not None
    assert checks[1] is not None
    assert checks[0].figures["p_value"] == pytest.approx(checks[1].figures["p_value"])


def test_facts_that_are_not_by_day_are_refused(units_table: pd.DataFrame) -> None:
    with pytest.raises(ParameterError, match="by day"):
        check_health(collected(units_table, by=["segment"]), as_of=LATER)
