"""One pass gives the moments: against NumPy, with cancellation, and refusing what is no number."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from ecops_lib.core.errors import ColumnError
from ecops_lib.experiments.facts import WHOLE_DAY, Facts, collect_facts
from ecops_lib.experiments.plan import make_plan

Engine = Callable[[dict[str, Any]], dict[str, Any]]

PLAN = make_plan("t", {"control": "A", "shares": {"A": 0.5, "B": 0.5}})
COLUMNS = ("paid_amount", "orders", "previous_amount")


def make_table(seed: int, n: int = 500, *, far: float = 0.0) -> pa.Table:
    rng = np.random.default_rng(seed)
    first = dt.date(2026, 11, 1)
    paid = rng.lognormal(2, 1, n) + far
    return pa.table(
        {
            "variant": rng.choice(["A", "B", "other"], n),
            "day": [first + dt.timedelta(days=int(d)) for d in rng.integers(0, 4, n)],
            "segment": rng.choice(["new", "old"], n),
            "paid_amount": paid,
            "orders": rng.integers(0, 3, n),
            "previous_amount": paid + rng.normal(0, 1, n),
        }
    )


def rows_of(table: pa.Table, **where: object) -> np.ndarray:
    kept = [r for r in table.to_pylist() if all(r[k] == v for k, v in where.items())]
    return np.array([[row[name] for name in COLUMNS] for row in kept], float)


def test_moments_of_every_cell(engine: Engine) -> None:
    table = make_table(1)
    facts = collect_facts(engine({"t": table})["t"], plan=PLAN, columns=COLUMNS)
    assert len(facts.cells) == 2 * 4 * 2
    for (variant, day, segment), moments in facts.cells.items():
        values = rows_of(table, variant=variant, day=day, segment=segment)
        assert moments.n == len(values)
        np.testing.assert_allclose(moments.mean, values.mean(axis=0), rtol=1e-12)
        np.testing.assert_allclose(moments.cov, np.cov(values.T), rtol=1e-9)


def test_views_of_the_facts_add_up() -> None:
    table = make_table(2)
    facts = collect_facts(table, plan=PLAN, columns=COLUMNS)
    whole = rows_of(table, variant="A")
    looks = facts.cumulative()
    parts = (facts.variant("A"), looks[-1][1]["A"], sum_of(facts, "A"))
    for moments in parts:
        np.testing.assert_allclose(moments.mean, whole.mean(axis=0), rtol=1e-12)
        np.testing.assert_allclose(moments.cov, np.cov(whole.T), rtol=1e-9)
    assert [day for day, _ in looks] == sorted(facts.by_day())
    np.testing.assert_allclose(
        facts.by_segment()["old"]["B"].mean,
        rows_of(table, variant="B", segment="old").mean(axis=0),
        rtol=1e-12,
    )


def sum_of(facts: Facts, variant: str) -> Any:
    once = collect_facts(make_table(2), plan=PLAN, columns=COLUMNS, by=())
    assert set(once.cells) == {("A", WHOLE_DAY, ""), ("B", WHOLE_DAY, "")}
    assert facts.variant(variant).n == once.variant(variant).n
    return once.variant(variant)


def test_large_values_do_not_cancel(engine: Engine) -> None:
    table = make_table(3, far=1e9)
    facts = collect_facts(engine({"t": table})["t"], plan=PLAN, columns=COLUMNS, by=())
    values = rows_of(table, variant="B")
    np.testing.assert_allclose(facts.variant("B").cov, np.cov(values.T), rtol=1e-6)


def test_pairs_not_asked_for_are_unknown() -> None:
    facts = collect_facts(
        make_table(4), plan=PLAN, columns=COLUMNS, pairs=[("orders", "paid_amount")], by=()
    )
    held = facts.variant("A")
    assert np.isfinite(held.covariance("paid_amount", "orders"))
    assert np.isfinite(held.variance("previous_amount"))
    assert np.isnan(held.covariance("previous_amount", "orders"))
    both = held.combine("x", {"paid_amount": 1.0, "orders": -2.0})
    values = rows_of(make_table(4), variant="A")
    assert both.variance("x") == pytest.approx(np.var(values[:, 0] - 2 * values[:, 1], ddof=1))


@pytest.mark.parametrize("bad", [None, float("nan"), float("inf")])
def test_cells_that_are_no_numbers_are_refused(engine: Engine, bad: float | None) -> None:
    table = make_table(5)
    paid = [bad, *table["paid_amount"].to_pylist()[1:]]
    table = table.set_column(0, "variant", pa.array(["A"] * len(table)))
    table = table.set_column(3, "paid_amount", pa.array(paid, pa.float64()))
    with pytest.raises(ColumnError, match=r"paid_amount \(1\)|no numbers"):
        collect_facts(engine({"t": table})["t"], plan=PLAN, columns=COLUMNS)


def test_a_variant_without_units_has_moments_of_none() -> None:
    table = make_table(6)
    only = table.filter(pa.array([v == "A" for v in table["variant"].to_pylist()]))
    facts = collect_facts(only, plan=PLAN, columns=COLUMNS)
    assert facts.variant("B").n == 0
    assert np.isnan(facts.variant("B").average("orders"))
    assert list(facts.to_frame()["units"]) == [len(only), 0]
