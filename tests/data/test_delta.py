"""Upserts against a dictionary, types at the door, and the files behind the tables."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from order_rows import arrow, held, held_at, moment, order, put

from ecops_lib.core.errors import ColumnError
from ecops_lib.data import delta
from ecops_lib.data.schema import TABLES, arrow_schema
from ecops_lib.data.schema.types import Type
from ecops_lib.data.store import Store, create_store, open_store

Rows = dict[str, dict[str, object]]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return create_store(tmp_path / "shop", name="x")


def random_order(rng: np.random.Generator, number: int) -> dict[str, object]:
    """An order whose optional cells are each there or not."""
    values = {
        "buyer_key": f"b{rng.integers(9)}",
        "status": str(rng.choice(["paid", "shipped", "closed"])),
        "paid_amount": Decimal(int(rng.integers(10**6))).scaleb(-4),
        "province": str(rng.choice(["浙江", "O'Neil", "<b>"])),
        "paid_at": moment("2026-07-01") + dt.timedelta(microseconds=int(rng.integers(10**9))),
        "is_presale": bool(rng.integers(2)),
    }
    day = dt.date(2026, 5, 1) + dt.timedelta(days=int(rng.integers(150)))
    kept = {name: value for name, value in values.items() if rng.random() < 0.5}
    return order(number, str(day), str(rng.integers(1, 999)), **kept)


def random_batch(rng: np.random.Generator, numbers: range) -> list[dict[str, object]]:
    size = int(rng.integers(1, 12))
    chosen = rng.choice(numbers, size=min(size, len(numbers)), replace=False)
    return [random_order(rng, int(number)) for number in chosen]


def upserted(before: Rows, batch: list[dict[str, object]]) -> Rows:
    """What a child would do: lay the cells that are told over those that were."""
    after = dict(before)
    for row in batch:
        after[str(row["order_id"])] = {**after.get(str(row["order_id"]), {}), **row}
    return after


@pytest.mark.parametrize("seed", range(4))
def test_upserts_equal_a_dictionary_and_no_earlier_version_changes(store: Store, seed: int) -> None:
    rng = np.random.default_rng(seed)
    history: list[Rows] = [{}]
    for step in range(8):
        batch = random_batch(rng, range(20))
        put(store, *batch)
        history.append(upserted(history[-1], batch))
        if step == 4:
            store.compact()
            if store.snapshot.version == len(history):
                history.append(history[-1])
        for version, rows in enumerate(history):
            assert held_at(store.path, version) == rows
    assert open_store(store.path).count("orders") == len(history[-1])


@pytest.mark.parametrize("seed", range(3))
def test_batches_that_share_no_key_may_come_in_any_order(tmp_path: Path, seed: int) -> None:
    rng = np.random.default_rng(seed)
    batches = [random_batch(rng, range(10 * k, 10 * k + 10)) for k in range(5)]
    found = []
    for way in (range(5), rng.permutation(5)):
        store = create_store(tmp_path / f"{len(found)}", name="x")
        for number in way:
            put(store, *batches[number])
        found.append(held(store))
    assert found[0] == found[1] == upserted({}, [row for batch in batches for row in batch])


def test_the_same_batch_twice_changes_no_row(store: Store) -> None:
    batch = random_batch(np.random.default_rng(7), range(20))
    put(store, *batch)
    once = held(store)
    put(store, *batch)
    assert held(store) == once


def test_a_relation_and_an_arrow_table_do_the_same(store: Store) -> None:
    rows = arrow([order(1), order(2, "2026-09-05")])
    with store.writing() as writer:
        assert writer.upsert("orders", store.connection.from_arrow(rows)) == 2
    assert held(store) == {
        "1": order(1, amount="10.0000"),
        "2": order(2, "2026-09-05", "10.0000"),
    }


def test_other_types_become_the_schemas_own_before_they_are_kept(store: Store) -> None:
    frame = arrow([order(1, amount="1.25")]).to_pandas()
    frame["ordered_amount"] = frame["ordered_amount"].astype(float)
    frame["paid_amount"] = pd.array([3], dtype="int32")
    frame["created_at"] = frame["created_at"].astype("datetime64[ns, Asia/Shanghai]")
    frame["paid_at"] = None
    with store.writing() as writer:
        writer.upsert("orders", pa.Table.from_pandas(frame, preserve_index=False))
    assert store.scan("orders").to_arrow_table().schema == arrow_schema("orders")
    assert held(store) == {"1": order(1, amount="1.25", paid_amount=Decimal("3.0000"))}


def test_a_vouched_for_first_load_keeps_the_schemas_types_too(store: Store) -> None:
    relation = store.connection.from_arrow(arrow([order(1), order(2)]))
    loose = relation.project("* REPLACE (ordered_amount::DOUBLE AS ordered_amount)")
    with store.writing() as writer:
        assert writer.upsert("orders", loose, checked=True) == 2
    assert store.scan("orders").to_arrow_table().schema == arrow_schema("orders")
    other = create_store(store.path.parent / "other", name="x")
    with other.writing() as writer:
        rows = other.connection.from_arrow(arrow([order(1), order(2)]))
        assert writer.upsert("orders", rows, checked=True) == 2
    assert held(other) == held(store)


def test_a_time_without_a_zone_is_refused(store: Store) -> None:
    frame = arrow([order(1)]).to_pandas()
    frame["created_at"] = frame["created_at"].dt.tz_localize(None)
    with pytest.raises(ColumnError) as caught, store.writing() as writer:
        writer.upsert("orders", pa.Table.from_pandas(frame, preserve_index=False))
    assert str(caught.value) == (
        "column 'created_at' of orders is TIMESTAMP; "
        "it must hold instants with a time zone, such as UTC."
    )


def test_what_does_not_fit_its_column_is_refused(store: Store) -> None:
    for value in ("1.00 元", "99999999999999999"):
        rows = arrow([order(1)])
        place = rows.schema.get_field_index("ordered_amount")
        bad = rows.set_column(place, "ordered_amount", pa.array([value]))
        with (
            pytest.raises(ColumnError, match="a row for orders does not fit its column: "),
            store.writing() as writer,
        ):
            writer.upsert("orders", bad)
    assert open_store(store.path).snapshot.version == 0


def test_a_table_that_lacks_a_column_is_refused(store: Store) -> None:
    with (
        pytest.raises(ColumnError, match="the table given for orders has no column 'province'; it"),
        store.writing() as writer,
    ):
        writer.upsert("orders", arrow([order(1)]).drop_columns("province"))


def test_every_type_of_the_schema_has_a_type_in_sql() -> None:
    from typing import get_args

    assert set(delta.SQL_TYPES) == set(get_args(Type))
    connection = delta.connect("100MB")
    for name in TABLES:
        empty = connection.from_arrow(arrow_schema(name).empty_table())
        columns = TABLES[name].columns
        assert [str(t) for t in empty.types] == [delta.SQL_TYPES[c.type] for c in columns]


def test_only_the_months_touched_are_written_again(store: Store) -> None:
    put(store, *(order(month, f"2026-{month:02d}-10") for month in (3, 4, 5)))
    before = set(delta.files(store.path / "tables" / "orders", store.snapshot.tables["orders"]))
    put(store, order(4, "2026-04-10", status="closed"))
    after = set(delta.files(store.path / "tables" / "orders", store.snapshot.tables["orders"]))
    changed = {uri.split("month=")[1][:7] for uri in before ^ after}
    assert changed == {"2026-04"}
    assert len(after) == 3


def test_connections_spill_to_folders_of_their_own() -> None:
    asked = "SELECT current_setting('temp_directory'), current_setting('TimeZone')"
    told = [delta.connect("100MB").execute(asked).fetchall()[0] for _ in range(2)]
    assert {zone for _, zone in told} == {"UTC"}
    assert len({folder for folder, _ in told}) == 2
    assert not any(Path(folder).is_relative_to(Path.cwd()) for folder, _ in told)


def test_a_month_of_the_partition_is_that_of_utc(store: Store) -> None:
    late = dt.datetime(2026, 10, 1, 1, tzinfo=dt.timezone(dt.timedelta(hours=8)))
    store.connection.execute("SET TimeZone = 'Asia/Shanghai'")
    put(store, order(1) | {"created_at": late})
    [uri] = delta.files(store.path / "tables" / "orders", 0)
    assert "month=2026-09" in uri
    day = dt.date(2026, 10, 1)
    assert store.scan("orders", start=day, end=day).aggregate("count(*)").fetchall() == [(1,)]


def test_a_column_gained_since_is_empty_in_old_files(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = TABLES["orders"]
    columns = tuple(c for c in whole.columns if c.name != "province")
    before = replace(whole, columns=columns)
    fields = arrow_schema("orders")
    lacking = fields.remove(fields.get_field_index("province"))
    with monkeypatch.context() as past:
        for name, value in {"arrow_schema": lacking, "table_named": before}.items():
            past.setattr(delta, name, lambda _, held=value: held)
        rows = [order(n, day, "5") for n, day in ((1, "2026-05-03"), (2, "2026-06-03"))]
        old = pa.Table.from_pylist(
            [{name: row.get(name) for name in lacking.names} for row in rows], schema=lacking
        )
        delta.upsert(store.connection, store.path / "old", None, before, old)
    put(store, order(3, "2026-06-04", "7", province="浙江"))
    uris = delta.files(store.path / "old", 0)
    assert delta.relation(store.connection, "orders", uris).aggregate(
        "count(*), count(province)"
    ).fetchall() == [(2, 0)]
    both = [*uris, *delta.open_table(open_store(store.path).path / "tables/orders", 0).file_uris()]
    for paths in (both, both[::-1]):
        found = delta.relation(store.connection, "orders", paths)
        assert sorted(found.project("province").fetchall(), key=str) == [
            ("浙江",),
            (None,),
            (None,),
        ]
