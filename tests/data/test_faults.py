"""Faults: a writer dies, two write at once, the disk is full, a reader reads meanwhile."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from order_rows import arrow, held, held_at, order, put

from ecops_lib.core.errors import StoreError
from ecops_lib.data import delta
from ecops_lib.data.store import Store, create_store, open_store

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent

WRITE = """
    import os, signal, sys
    sys.path.insert(0, {here!r})
    from order_rows import arrow, order
    from ecops_lib.data import delta, recovery, store as stores
    from ecops_lib.data.store import open_store

    def die(*_, **__):
        os.kill(os.getpid(), signal.SIGKILL)

    store = open_store(sys.argv[1])
    first, count = int(sys.argv[2]), int(sys.argv[3])
    months = ["2026-08-15", "2026-09-15", "2026-10-15"]
    rows = [order(first + k, months[k % 3], str(first)) for k in range(count)]
    items = [
        dict(platform="tmall", order_id=str(first + k), line_id="1", quantity=1,
             created_at=row["created_at"], ordered_amount=row["ordered_amount"])
        for k, row in enumerate(rows)
    ]
    {hook}
    print("ready", flush=True)
    with store.writing() as writer:
        writer.upsert("orders", arrow(rows))
        writer.upsert("order_items", arrow(items, "order_items"))
        writer.record(dict(name=f"{{first}}.csv", sha256="00", rows=count))
    print("done", flush=True)
"""

DEATHS = {
    "before the first table": "delta._write = die",
    "in a table with a file half written": (
        "import pyarrow.parquet; pyarrow.parquet.ParquetWriter.close = die"
    ),
    "in a table that has data without a log": "delta._commit = die",
    "in a table with an empty log": (
        "delta._commit = lambda folder, *_: ("
        "os.makedirs(folder / '_delta_log', exist_ok=True), die())"
    ),
    "after the commit of the first table": (
        "write = delta._write; delta._write = lambda *a: (write(*a), die())"
    ),
    "before the snapshot": "stores.Writer.publish = die",
    "while files are put on the disk": "recovery.put_on_disk = die",
    "with the snapshot half written": "os.fsync = die",
    "with the snapshot whole but unnamed": ("from pathlib import Path; Path.replace = die"),
}


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return create_store(tmp_path / "shop", name="x")


def program(hook: str) -> str:
    return textwrap.dedent(WRITE.format(here=str(HERE), hook=hook))


def start(store: Store, first: int, count: int = 6, hook: str = "pass") -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", program(hook), str(store.path), str(first), str(count)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )


def seen(store: Store) -> tuple[set[str], set[str], tuple[str, ...]]:
    """What a new reader sees: orders, lines and files of one version."""
    now = open_store(store.path)
    files = tuple(str(file["name"]) for file in now.snapshot.files)
    return set(held(now)), set(held(now, "order_items")), files


def batch(first: int, count: int = 6) -> set[str]:
    return {str(first + k) for k in range(count)}


def strays(store: Store) -> set[str]:
    """Data files that the published tables, and their earlier versions, do not name."""
    now = open_store(store.path)
    named = set()
    for version in range(now.snapshot.version + 1):
        then = open_store(store.path, version=version)
        for table in then.tables:
            folder = store.path / "tables" / table
            uris = delta.files(folder, then.snapshot.tables[table])
            named |= {Path(uri).name for uri in uris}
    found = {f.name for f in (store.path / "tables").rglob("*") if ".parquet" in f.name}
    return {name for name in found - named if "checkpoint" not in name}


@pytest.mark.parametrize(
    ("filled", "death"),
    [
        *((True, death) for death in DEATHS),
        *((False, death) for death in DEATHS if "in a" in death),
    ],
)
def test_a_writer_killed_at_a_chosen_moment_leaves_the_store_as_before(
    store: Store, filled: bool, death: str
) -> None:
    if filled:
        put(store, order(0, "2026-09-15"), order(101, "2026-08-15", "1"))
    before = seen(store)
    process = start(store, 100, hook=DEATHS[death])
    _, errors = process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL, errors
    assert seen(store) == before
    put(open_store(store.path), order(7))
    assert seen(store) == (before[0] | {"7"}, before[1], before[2])
    assert strays(store) == set()
    assert [f.name for f in (store.path / "snapshots").iterdir() if f.name.startswith(".")] == []


def test_a_writer_killed_at_any_moment_leaves_the_store_before_or_after(store: Store) -> None:
    """Seeded delays over the length of one change; each time the next change finds it whole."""
    rng = random.Random(20261111)
    put(store, order(0, "2026-09-15"))
    length = timed(store, 1000)
    for turn in range(2, 8):
        before = seen(store)
        process = start(store, 1000 * turn, 600)
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        time.sleep(rng.uniform(0, 1.1) * length)
        process.kill()
        process.communicate()
        whole = batch(1000 * turn, 600)
        after = (before[0] | whole, before[1] | whole, (*before[2], f"{1000 * turn}.csv"))
        assert seen(store) in (before, after)
    assert start(store, 9000).communicate(timeout=60)[0] == "ready\ndone\n"
    assert batch(9000) <= seen(store)[1]
    assert strays(store) == set()


def timed(store: Store, first: int) -> float:
    """How long one change of 600 orders takes, from ready to done."""
    process = start(store, first, 600)
    assert process.stdout is not None
    process.stdout.readline()
    begun = time.perf_counter()
    process.communicate(timeout=60)
    return time.perf_counter() - begun


def test_a_compaction_that_was_killed_changes_nothing(store: Store) -> None:
    from deltalake import DeltaTable

    put(store, order(1), order(2, "2026-09-05"))
    put(store, order(1, status="paid"))
    before = held(store)
    DeltaTable(store.path / "tables" / "orders").optimize.compact()  # committed, not published
    assert held(open_store(store.path)) == before
    put(open_store(store.path), order(3))
    assert sorted(held(open_store(store.path))) == ["1", "2", "3"]
    assert held_at(store.path, 2) == before


def test_a_table_put_back_once_is_not_put_back_at_every_change(store: Store) -> None:
    from deltalake import DeltaTable

    put(store, order(1))
    folder = store.path / "tables" / "orders"
    with pytest.raises(ZeroDivisionError), store.writing() as writer:  # noqa: PT012
        writer.upsert("orders", arrow([order(2)]))
        1 / 0  # noqa: B018
    version = DeltaTable(folder).version()
    for _ in range(3):
        with store.writing() as writer:
            writer.record({"name": "other.csv", "sha256": "00", "rows": 0})
    assert DeltaTable(folder).version() == version


def test_two_writers_at_once_both_land_and_readers_see_whole_versions_only(store: Store) -> None:
    put(store, order(0))
    writers = [start(store, first, 60) for first in (100, 200, 300)]
    looked = 0
    while any(writer.poll() is None for writer in writers):
        orders, lines, files = seen(store)
        assert orders == {"0"} | lines
        assert lines == {number for f in files for number in batch(int(f.split(".")[0]), 60)}
        looked += 1
    assert looked
    assert [writer.communicate()[0] for writer in writers] == ["ready\ndone\n"] * 3
    orders, lines, files = seen(store)
    assert orders == {"0"} | batch(100, 60) | batch(200, 60) | batch(300, 60)
    assert sorted(files) == ["100.csv", "200.csv", "300.csv"]
    assert open_store(store.path).snapshot.version == 4


def test_two_that_make_a_store_at_once_make_one(tmp_path: Path) -> None:
    code = f"""
        import sys
        from ecops_lib.core.errors import StoreError
        from ecops_lib.data.store import create_store
        import filelock  # loaded before the start, so that all begin at once
        sys.stdin.readline()
        try:
            create_store({str(tmp_path / "shop")!r}, name="x")
            print("made")
        except StoreError as error:
            print(error)
    """
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(code)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )
        for _ in range(3)
    ]
    for process in processes:
        process.stdin.write("\n")
        process.stdin.flush()
    said = sorted(process.communicate(timeout=60)[0].strip() for process in processes)
    assert [line.endswith("choose another folder.") for line in said] == [True, True, False]
    assert len(open_store(tmp_path / "shop").key) == 32


def test_a_reader_keeps_the_version_that_it_opened(store: Store) -> None:
    put(store, order(1), order(2, "2026-09-05"))
    reader = open_store(store.path)
    lazy = reader.scan("orders")
    before = held(reader)
    put(open_store(store.path), order(1, amount="99"), order(3))
    open_store(store.path).compact()
    assert held(reader) == before
    assert set(lazy.to_arrow_table()["order_id"].to_pylist()) == {"1", "2"}
    assert len(held(open_store(store.path))) == 3


def test_a_reader_may_read_while_the_store_is_compacted(store: Store) -> None:
    for number in range(3):
        put(store, order(number, "2026-09-05"), order(number + 10))
    reader = open_store(store.path)
    before = held(reader)
    with open_store(store.path).writing() as writer:
        writer.compact("orders")
        assert held(reader) == before
        assert held(open_store(store.path)) == before
    assert held(reader) == held(open_store(store.path)) == before


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 3 MB, where the system lets us mount one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(folder)]
    try:
        done = subprocess.run(mount, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        pytest.skip("no mount command to make a small disk with")
    if done.returncode:
        pytest.skip(f"a small disk cannot be mounted here: {done.stderr.strip()}")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def fill(store: Store) -> None:
    """Write more than 3 MB of text that does not compress."""
    rng = random.Random(5)
    rows = [order(n, status="paid", province=rng.randbytes(200).hex()) for n in range(9_000)]
    with store.writing() as writer:
        writer.upsert("products", arrow([product("1")], "products"))
        writer.upsert("orders", arrow(rows))


def product(name: str) -> dict[str, str]:
    return {"platform": "tmall", "product_id": name}


def test_a_full_disk_is_told_in_one_sentence_and_takes_nothing(small_disk: Path) -> None:
    store = put(create_store(small_disk / "shop", name="x"), order("a"))
    before = seen(store)
    used = room(small_disk)
    with pytest.raises(StoreError) as caught:
        fill(store)
    assert str(caught.value) == (
        f"the disk under {store.path} is full; free some space and run it again: "
        "the store is as it was."
    )
    assert seen(store) == before
    assert strays(store) == set()
    assert abs(room(small_disk) - used) < 64 * 1024, "what the failed change wrote is gone"
    put(open_store(store.path), order("b"))
    assert seen(store)[0] == {"a", "b"}


def room(folder: Path) -> int:
    disk = os.statvfs(folder)
    return disk.f_bavail * disk.f_frsize


def test_a_disk_that_is_full_at_the_snapshot_takes_nothing(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The moment is too short to be met with a real disk, so the last write is made to fail."""
    import errno

    put(store, order("a"))

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(StoreError, match=r"the disk under .* is full"):
            put(store, order("b"))
    assert seen(store)[0] == {"a"}
    assert strays(store) == set()
    put(store, order("c"))
    assert seen(store)[0] == {"a", "c"}


def test_another_error_is_not_taken_for_a_full_disk(store: Store) -> None:
    with pytest.raises(PermissionError), store.writing():
        raise PermissionError("not allowed")
