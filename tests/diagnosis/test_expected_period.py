"""A week against its expectation: the range is that of earlier weeks, and says what is planted."""

from __future__ import annotations

import datetime as dt
import math
from pathlib import Path

import numpy as np
import pytest
from shop import Plant, as_arrow, make_tables

from ecops_lib.core.language import reading
from ecops_lib.data.store import create_store
from ecops_lib.diagnosis.periods.expected import expected_range
from ecops_lib.diagnosis.periods.sections import PeriodBase

WEEK, FIRST = "2026-W43", dt.date(2026, 10, 19)


def base_of(folder: Path, *, factor: float, days: int = 100) -> PeriodBase:
    """A shop whose orders of the week are so many times as large as ever."""
    tables = make_tables(seed=3, plant=Plant(), days=days)
    since = FIRST.isoformat()
    store = create_store(folder, name="S", key=b"k" * 32)
    with store.writing() as writer:
        for name in ("orders", "order_items"):
            frame = tables[name]
            late = frame["created_at"] >= f"{since}T00:00+08:00"
            frame.loc[late, "paid_amount"] *= factor
            writer.upsert(name, as_arrow(name, frame))
    return PeriodBase(store, period=WEEK)


@pytest.mark.parametrize(("factor", "moved", "words"), [
    (0.4, "down", "That is less than was to be expected"),
    (1.0, "", "That is within what was to be expected"),
    (2.5, "up", "That is more than was to be expected"),
])  # fmt: skip
def test_the_sentence_follows_what_is_planted(
    tmp_path: Path, factor: float, moved: str, words: str
) -> None:
    base = base_of(tmp_path / "s", factor=factor)
    held = base.figures.expected
    assert held is not None
    assert held.moved == moved
    assert held.low < held.expected < held.high
    assert held.value == pytest.approx(base.figures["paid_amount"].value)
    assert base.slices.expected == pytest.approx(held.expected)
    [told] = [f for f in base.figures.findings() if f.key == "figures/expected"]
    assert told.text.startswith(words)
    assert base.figures.key_figures()[0] is held
    with reading("zh"):
        assert "预期" in next(
            f.text for f in base.figures.findings() if f.key == "figures/expected"
        )


def test_a_young_shop_has_no_range(tmp_path: Path) -> None:
    base = base_of(tmp_path / "s", factor=1.0, days=50)
    assert base.figures.expected is None
    assert "figures/expected" not in [finding.key for finding in base.figures.findings()]


def test_ranges_hold_what_comes_in_ninety_five_of_a_hundred_periods() -> None:
    rng = np.random.default_rng(2)
    held, runs = 0, 4000
    for misses in rng.normal(0, 0.2, (runs, 6)):
        low, high = expected_range(100.0, misses[:5].tolist())
        held += low < 100 * math.exp(misses[5]) < high
    assert abs(held / runs - 0.95) < 3 * math.sqrt(0.05 * 0.95 / runs)
