"""Assignment by salted hash: stable, independent of order and of other tests, uniform."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

from ecops_lib.core.errors import ColumnError, ParameterError
from ecops_lib.core.hashing import hash_units
from ecops_lib.core.language import reading
from ecops_lib.experiments.assignment import assign_variants, check_assignment

HALVES = {"A": 0.5, "B": 0.5}
GIVEN = {"experiment_id": "title", "salt": "secret"}
KEYS = [f"buyer-{n}" for n in range(20_000)]


def test_a_unit_is_where_its_hash_says() -> None:
    """The definition, worked out by hand: SHA-256 of salt:experiment:unit."""
    for unit in ("buyer-1", "买家二", 7):
        digest = hashlib.sha256(f"secret:title:{unit}".encode()).hexdigest()
        place = int(digest[:16], 16) / 2**64
        assert hash_units([unit], **GIVEN)[0] == pytest.approx(place, abs=1e-15)
        assert assign_variants([unit], shares=HALVES, **GIVEN) == ["A" if place < 0.5 else "B"]


def test_the_order_of_units_and_variants_does_not_matter() -> None:
    plain = assign_variants(KEYS, shares=HALVES, **GIVEN)
    back = assign_variants(KEYS[::-1], shares={"B": 0.5, "A": 0.5}, **GIVEN)
    assert plain == back[::-1]


def test_shares_are_held_and_numbers_uniform() -> None:
    shares = {"A": 0.6, "B": 0.3, "C": 0.1}
    check = check_assignment(KEYS, shares=shares, **GIVEN)
    assert check.sound
    assert check.to_frame()["share"].to_numpy() == pytest.approx([0.6, 0.3, 0.1], abs=0.015)
    assert check.findings()[0].text == ("20,000 units are shared out over 3 variants as planned.")
    with reading("zh"):
        assert "20,000" in check.findings()[0].text


def test_two_tests_share_out_independently() -> None:
    first = np.array(assign_variants(KEYS, shares=HALVES, **GIVEN)) == "A"
    other = assign_variants(KEYS, shares=HALVES, experiment_id="price", salt="secret")
    salted = assign_variants(KEYS, shares=HALVES, experiment_id="title", salt="another")
    for held in (other, salted):
        both = (first & (np.array(held) == "A")).mean()
        assert both == pytest.approx(0.25, abs=4 * np.sqrt(0.25 * 0.75 / len(KEYS)))


def test_growing_a_share_moves_nobody_back() -> None:
    small = assign_variants(KEYS, shares={"A": 0.9, "B": 0.1}, **GIVEN)
    large = assign_variants(KEYS, shares=HALVES, **GIVEN)
    assert all(now == "B" for was, now in zip(small, large, strict=True) if was == "B")


def test_every_engine_gives_the_same() -> None:
    import duckdb
    import pandas as pd
    import polars as pl
    import pyarrow as pa

    plain = assign_variants(KEYS[:50], shares=HALVES, **GIVEN)
    columns = (pd.Series(KEYS[:50]), pl.Series(KEYS[:50]), pa.chunked_array([KEYS[:50]]))
    for column in columns:
        found = assign_variants(column, shares=HALVES, **GIVEN)
        assert isinstance(found, type(column))
        assert found.to_pylist() == plain if hasattr(found, "to_pylist") else list(found) == plain
    odd = pd.Series(KEYS[:3], index=[9, 4, 7])
    assert list(assign_variants(odd, shares=HALVES, **GIVEN).index) == [9, 4, 7]
    table = pd.DataFrame({"unit_key": KEYS[:50]})
    wanted = dict(zip(KEYS[:50], plain, strict=True))
    with duckdb.connect() as connection:
        relation = connection.from_arrow(pa.Table.from_pandas(table))
        for held in (table, pl.from_pandas(table), pl.from_pandas(table).lazy(), relation):
            found = assign_variants(held, shares=HALVES, **GIVEN)
            assert dict(zip(found["unit_key"], found["variant"], strict=True)) == wanted


@pytest.mark.parametrize("unit", [None, float("nan"), 1.0, True, b"x"])
def test_a_unit_that_could_be_written_two_ways_is_refused(unit: object) -> None:
    with pytest.raises(ColumnError, match="text or whole numbers"):
        assign_variants([unit], shares=HALVES, **GIVEN)


@pytest.mark.parametrize("shares", [{}, {"A": 1.0}, {"A": 0.5, "B": 0.4}, {"A": 1.5, "B": -0.5}])
def test_impossible_shares_are_refused(shares: dict[str, float]) -> None:
    with pytest.raises(ParameterError):
        assign_variants(KEYS[:3], shares=shares, **GIVEN)


def test_empty_names_and_repeated_units_are_refused() -> None:
    with pytest.raises(ParameterError, match="must not be empty"):
        hash_units(["a"], experiment_id="", salt="s")
    with pytest.raises(ParameterError, match="each once"):
        check_assignment(["a", "a"], shares=HALVES, **GIVEN)
    assert assign_variants([], shares=HALVES, **GIVEN) == []
