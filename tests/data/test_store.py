"""The store: made, opened, changed, read as it stood, and refused when damaged."""

from __future__ import annotations

import datetime as dt
import json
import os
import shutil
import stat
import time
from decimal import Decimal
from pathlib import Path

import pytest
from order_rows import arrow, held, held_at, moment, order, put

from ecops_lib.core.errors import MissingDataError, ParameterError, StoreError
from ecops_lib.data.schema import TABLES, arrow_schema
from ecops_lib.data.store import Store, create_store, open_store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return create_store(tmp_path / "shop", name="My shop")


def data_files(store: Store) -> set[str]:
    return {str(f.relative_to(store.path)) for f in store.path.rglob("*.parquet")}


def test_a_new_store_is_empty_and_says_what_would_fill_it(store: Store) -> None:
    assert repr(store) == "Store('My shop', version 0)"
    assert (store.tables, store.has("orders"), store.count("orders")) == ((), False, 0)
    for read in (store.scan, store.frame, store.require):
        with pytest.raises(MissingDataError) as caught:
            read("orders")
        assert str(caught.value) == "the store holds no orders; import the platform's order export."


@pytest.mark.parametrize("act", ["has", "count", "scan", "frame", "require"])
def test_a_table_that_is_none_is_refused_everywhere(store: Store, act: str) -> None:
    with pytest.raises(StoreError, match="there is no table 'order'; did you mean 'orders'"):
        getattr(store, act)("order")


def test_a_store_is_not_made_twice(store: Store) -> None:
    with pytest.raises(StoreError) as caught:
        create_store(store.path, name="again")
    assert str(caught.value) == (
        f"{store.path} is a store already; open it, or choose another folder."
    )
    assert open_store(store.path).settings.name == "My shop"


def test_a_store_with_an_impossible_setting_is_not_begun(tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match=r"currency in .* is 'yuan'"):
        create_store(tmp_path / "shop", name="x", currency="yuan")
    assert list(tmp_path.iterdir()) == []


def test_making_a_store_that_was_half_made_ends_it_with_the_same_key(store: Store) -> None:
    key = store.key
    (store.path / "store.toml").unlink()
    assert create_store(store.path, name="again").key == key


def test_a_folder_that_is_no_store_is_refused_with_the_way_out(tmp_path: Path) -> None:
    with pytest.raises(StoreError) as caught:
        open_store(tmp_path)
    assert str(caught.value) == (
        f"{tmp_path} is not a store (it has no store.toml); "
        f"'ecops import FILES --store {tmp_path}' makes one."
    )


def test_the_key_is_the_owners_alone_and_is_not_made_up_again(store: Store) -> None:
    file = store.path / "store.key"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert len(store.key) == 32
    assert store.key != create_store(store.path.parent / "other", name="x").key
    for content in (b"", b"short"):
        file.write_bytes(content)
        with pytest.raises(StoreError, match=r"store\.key is missing or damaged"):
            _ = store.key
    file.unlink()
    with pytest.raises(StoreError, match="buyers are known by it"):
        _ = open_store(store.path).key


def test_rows_come_back_with_the_types_of_the_schema(store: Store) -> None:
    put(store, order(1, amount="0.0001", buyer_key="中文 😀", is_presale=True))
    assert store.scan("orders").to_arrow_table().schema == arrow_schema("orders")
    frame = open_store(store.path).frame("orders")
    assert frame.loc[0, "ordered_amount"] == Decimal("0.0001")
    assert frame.loc[0, "created_at"] == moment("2026-10-05")
    assert frame["paid_at"].isna().all()
    assert (store.tables, store.count("orders")) == (("orders",), 1)


def test_a_null_does_not_erase_and_a_value_replaces(store: Store) -> None:
    put(store, order(1, buyer_key="b", status="paid"))
    put(store, order(1, amount="7", province="浙江"))
    [row] = held(store).values()
    assert row == order(1, amount="7.0000", buyer_key="b", status="paid", province="浙江")


def test_a_row_moves_to_the_month_of_its_new_clock(store: Store) -> None:
    put(store, order(1, "2026-08-31"), order(2, "2026-09-01"))
    put(store, order(1, "2026-10-01", status="paid"))
    assert held(store) == {
        "1": order(1, "2026-10-01", "10.0000", status="paid"),
        "2": order(2, "2026-09-01", "10.0000"),
    }


def test_a_table_without_a_clock_is_completed_by_key_too(store: Store) -> None:
    def refund(number: int, **more: object) -> dict[str, object]:
        row = {"platform": "tmall", "refund_id": str(number), "amount": Decimal("1.0000")}
        return row | {"status": "pending"} | more

    put(store, refund(1, reason="破损"), refund(2), table="refunds")
    put(store, refund(1, status="success"), refund(3), table="refunds")
    rows = {r["refund_id"]: r for r in store.scan("refunds").to_arrow_table().to_pylist()}
    assert sorted(rows) == ["1", "2", "3"]
    assert (rows["1"]["status"], rows["1"]["reason"]) == ("success", "破损")


def test_a_scan_of_a_span_leaves_out_other_months_only(store: Store) -> None:
    put(store, *(order(month, f"2026-{month:02d}-15") for month in range(1, 13)))
    day = dt.date
    for start, end, wanted in [
        (day(2026, 3, 10), day(2026, 4, 20), {"3", "4"}),
        (day(2026, 3, 1), day(2026, 3, 31), {"2", "3", "4"}),  # a day more on each side, for zones
        (day(2026, 11, 15), None, {"11", "12"}),
        (None, day(2026, 1, 15), {"1"}),
        (day(2031, 1, 1), None, set()),
    ]:
        rows = store.scan("orders", start=start, end=end).to_arrow_table()
        assert set(rows["order_id"].to_pylist()) == wanted
        assert rows.schema == arrow_schema("orders")


def test_every_version_stays_as_it_was(store: Store) -> None:
    put(store, order(1))
    put(store, order(1, amount="20"), order(2))
    store.compact()
    put(store, order(3))
    assert [len(held_at(store.path, version)) for version in range(4)] == [0, 1, 2, 3]
    assert held_at(store.path, 1)["1"]["ordered_amount"] == 10
    assert held_at(store.path, 2)["1"]["ordered_amount"] == 20
    with pytest.raises(StoreError) as caught:
        open_store(store.path, version=9)
    assert str(caught.value) == f"{store.path} has no version 9; the newest is 3."


def test_no_version_is_forgotten_with_time(store: Store) -> None:
    """Delta's own rule drops logs older than 30 days at every hundredth commit."""
    from deltalake import DeltaTable, write_deltalake

    put(store, order(1))
    folder = store.path / "tables" / "orders"
    rows = DeltaTable(folder).to_pyarrow_table().slice(0, 0)
    for commits in (3, 101):
        for _ in range(commits):
            write_deltalake(folder, rows, mode="append")
        for file in (folder / "_delta_log").iterdir():
            os.utime(file, times=(time.time() - 400 * 86_400,) * 2)
    assert DeltaTable(folder).version() == 104
    assert held_at(store.path, 1) == {"1": order(1, amount="10.0000")}


def test_a_change_without_rows_makes_no_version_and_a_file_without_rows_does(store: Store) -> None:
    with store.writing() as writer:
        assert writer.upsert("orders", arrow([])) == 0
    assert (store.snapshot.version, store.tables) == (0, ())
    with store.writing() as writer:
        writer.record({"name": "空.csv", "sha256": "00", "rows": 0})
    assert open_store(store.path).snapshot.files == ({"name": "空.csv", "sha256": "00", "rows": 0},)


def test_compaction_changes_no_row(store: Store) -> None:
    for number in range(4):
        put(store, order(number))
    before = held(store)
    version = store.snapshot.version
    store.compact()
    assert held(open_store(store.path)) == before
    assert held_at(store.path, version) == before


def test_a_block_that_fails_leaves_the_store_and_its_files_as_before(store: Store) -> None:
    put(store, order(1))
    before, files = held(store), data_files(store)
    with pytest.raises(ZeroDivisionError), store.writing() as writer:  # noqa: PT012
        writer.upsert("orders", arrow([order(2)]))
        writer.upsert("products", arrow([], "products"))
        1 / 0  # noqa: B018
    assert held(open_store(store.path)) == before
    assert data_files(store) == files
    put(store, order(3))
    assert sorted(held(store)) == ["1", "3"]


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (
            [order(1), order(1, amount="2"), order(2)],
            "1 of 3 rows for orders share their key ('platform', 'order_id') with another; "
            "keep one row a key.",
        ),
        (
            [order(1), order(2) | {"order_id": None}],
            "1 of 2 rows for orders have an empty cell in 'platform', 'order_id', 'created_at'; "
            "fill them or leave the rows out.",
        ),
        (
            [order(1) | {"created_at": None}],
            "1 of 1 rows for orders have an empty cell in 'platform', 'order_id', 'created_at'; "
            "fill them or leave the rows out.",
        ),
    ],
)
def test_rows_that_no_key_tells_apart_are_refused(store: Store, rows: list, said: str) -> None:
    with pytest.raises(StoreError) as caught:
        put(store, *rows)
    assert str(caught.value) == said
    assert open_store(store.path).snapshot.version == 0


@pytest.mark.parametrize(
    "name", ["a b", "店铺 数据", "[x]*", "50% off", "50%25", "it's #1?", "{x}&~"]
)
def test_a_path_of_any_kind_is_used_or_refused_in_one_sentence(tmp_path: Path, name: str) -> None:
    folder = tmp_path / name / "店 [1]" if name == "[x]*" else tmp_path / name
    if name in {"[x]*", "50%25"}:
        with pytest.raises(StoreError, match=r"a store cannot lie in .* under a path with '"):
            create_store(folder, name="x")
        assert list(tmp_path.iterdir()) == []
        return
    put(create_store(folder, name="x"), order(1), order(2, "2026-09-05"))
    put(open_store(folder), order(2, "2026-09-06"))
    assert sorted(held(open_store(folder))) == ["1", "2"]
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_relative_path_will_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    put(create_store("shop", name="x"), order(1))
    assert open_store("shop").count("orders") == 1


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"version": 2}', '{"version":2,"tables":{},"files":5}']
)
def test_a_damaged_snapshot_is_named_and_taking_it_away_goes_back(store: Store, text: str) -> None:
    put(store, order(1))
    put(store, order(2))
    file = store.path / "snapshots" / "00000002.json"
    file.write_text(text)
    for act in (open_store, lambda path: put(store, order(3))):
        with pytest.raises(StoreError) as caught:
            act(store.path)
        assert str(caught.value).startswith(f"{file} is damaged (")
        assert str(caught.value).endswith("); remove it to go back to the version before.")
    file.unlink()
    assert sorted(held(open_store(store.path))) == ["1"]
    put(open_store(store.path), order(4))
    assert sorted(held(open_store(store.path))) == ["1", "4"]


def test_a_store_that_lost_its_snapshots_keeps_its_tables(store: Store) -> None:
    put(store, order(1))
    (store.path / "snapshots").rename(store.path / "elsewhere")
    for act in (open_store, lambda path: put(store, order(3))):
        with pytest.raises(StoreError, match="has lost its folder 'snapshots'"):
            act(store.path)
    (store.path / "elsewhere").rename(store.path / "snapshots")
    assert sorted(held(open_store(store.path))) == ["1"]


def test_a_table_whose_log_is_gone_is_named(store: Store) -> None:
    put(store, order(1))
    for file in (store.path / "tables" / "orders" / "_delta_log").iterdir():
        file.unlink()
    with pytest.raises(StoreError, match=r"the table orders of .* cannot be read at version 0"):
        open_store(store.path).count("orders")


def test_a_data_file_that_is_gone_is_named(store: Store) -> None:
    put(store, order(1))
    [file] = (store.path / "tables" / "orders").rglob("month=*/*.parquet")
    file.unlink()
    with pytest.raises(StoreError) as caught:
        open_store(store.path).count("orders")
    assert str(caught.value) == f"{file}, a file of orders, is gone; bring it back from a copy."


def test_what_others_put_among_the_tables_is_left_alone(store: Store) -> None:
    put(store, order(1))
    (store.path / "tables" / ".DS_Store").write_bytes(b"finder")
    (store.path / "tables" / "notes").mkdir()
    put(store, order(2))
    assert store.count("orders") == 2
    assert (store.path / "tables" / "notes").is_dir()


def test_a_copy_of_a_store_with_new_times_of_files_is_the_same_store(
    store: Store, tmp_path: Path
) -> None:
    """A copy may have tables younger than their snapshot: none of them is a dead writer's."""
    put(store, order(1))
    put(store, order(2))
    copy = tmp_path / "copy"
    shutil.copytree(store.path / "snapshots", copy / "snapshots", copy_function=shutil.copyfile)
    time.sleep(0.05)
    shutil.copytree(
        store.path,
        copy,
        copy_function=shutil.copyfile,
        dirs_exist_ok=True,
        ignore=shutil.ignore_patterns("snapshots"),
    )
    put(open_store(copy), order(3))
    assert sorted(held(open_store(copy))) == ["1", "2", "3"]
    assert sorted(held_at(copy, 1)) == ["1"]


def test_a_snapshot_is_plain_json_that_names_delta_versions(store: Store) -> None:
    put(store, order(1))
    held_file = json.loads((store.path / "snapshots" / "00000001.json").read_text("utf-8"))
    assert held_file == {"version": 1, "tables": {"orders": 0}, "files": []}


def test_delta_readers_of_others_see_the_same_rows(store: Store) -> None:
    from deltalake import DeltaTable

    put(store, order(1), order(2, "2026-09-05"))
    put(store, order(2, "2026-09-05", "5.5"))
    table = DeltaTable(store.path / "tables" / "orders", version=store.snapshot.tables["orders"])
    assert table.metadata().partition_columns == ["month"]
    rows = {row["order_id"]: row for row in table.to_pyarrow_table().to_pylist()}
    assert {n: (r["month"], r["ordered_amount"]) for n, r in rows.items()} == {
        "1": ("2026-10", 10),
        "2": ("2026-09", Decimal("5.5")),
    }


@pytest.mark.spark
def test_spark_reads_the_files_with_the_schemas_own_types(store: Store) -> None:
    """Spark with Delta's jar reads the folder; without it, the files that the log names."""
    sql = pytest.importorskip("pyspark.sql")
    from deltalake import DeltaTable

    if not shutil.which("java"):
        pytest.skip("Spark needs Java")
    put(store, order(1, amount="1.2345"), order(2, "2026-09-05", "2"))
    table = DeltaTable(store.path / "tables" / "orders", version=store.snapshot.tables["orders"])
    spark = (
        sql.SparkSession.builder.master("local[1]")
        .config("spark.ui.enabled", "false")
        .config("spark.sql.session.timeZone", "UTC")
        .getOrCreate()
    )
    rows = spark.read.parquet(*table.file_uris())
    types = dict(rows.dtypes)
    assert types["ordered_amount"] == "decimal(18,4)"
    assert (types["created_at"], types["order_id"]) == ("timestamp", "string")
    assert rows.selectExpr("sum(ordered_amount)").first()[0] == Decimal("3.2345")


def test_each_table_of_the_schema_can_be_kept(store: Store) -> None:
    cells = {"text": "x", "money": 1, "integer": 1, "number": 1.0, "flag": True}
    cells |= {"time": moment("2026-10-05"), "day": dt.date(2026, 10, 5)}
    with store.writing() as writer:
        for name, table in TABLES.items():
            writer.upsert(name, arrow([{c.name: cells[c.type] for c in table.columns}], name))
    again = open_store(store.path)
    assert again.tables == tuple(TABLES)
    assert {again.count(name) for name in TABLES} == {1}
