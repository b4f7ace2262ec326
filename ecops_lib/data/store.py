"""The store: a folder with ``store.toml`` and one Delta Lake table per canonical table.

Each table commits by itself; the store commits as a whole: a snapshot file names the
Delta version of every table, and readers follow the newest snapshot only. A writer
that dies leaves tables ahead of the snapshot; the next writer puts them back first.

    store.toml            name, currency, zone, language, thresholds, plans of tests (yours to edit)
    store.key             secret for the hashes of buyers (mode 0600, never shown)
    snapshots/*.json      one file a version: table versions and files imported
    tables/<name>/        Delta Lake, facts partitioned by month
    quarantine/           rows refused, with file, record, column, value and reason
"""

from __future__ import annotations

import datetime as dt
import json
import secrets
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from ecops_lib.core.errors import MissingDataError, StoreError
from ecops_lib.data import delta, recovery
from ecops_lib.data.schema import TABLES, table_named
from ecops_lib.data.settings import (
    Settings,
    check_settings,
    country_of,
    read_settings,
    settings_text,
)

if TYPE_CHECKING:
    import duckdb
    import pandas as pd
    import pyarrow as pa

MEMORY_LIMIT = "1600MB"
"""Memory that DuckDB may use for one store before it spills to disk."""

CLOCK_SLACK = 2
"""Seconds by which a file system's clock may lag behind ours."""

SHORTEST_KEY = 16
"""Bytes that a key for hashing buyers must have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """One version of the whole store.

    Attributes:
        version: 0 for a store without data, then 1, 2, …
        tables: Delta version of each table that holds data.
        files: Every file imported so far: name, sha256, rows, when.
    """

    version: int = 0
    tables: Mapping[str, int] = field(default_factory=dict)
    files: tuple[Mapping[str, Any], ...] = ()


class Store:
    """A store as it stood at one version; open it again to see later imports."""

    def __init__(self, path: Path, snapshot: Snapshot) -> None:
        self.path = path
        self.snapshot = snapshot

    def __repr__(self) -> str:
        return f"Store({self.settings.name!r}, version {self.snapshot.version})"

    @cached_property
    def settings(self) -> Settings:
        """What ``store.toml`` says."""
        return read_settings(self.path / "store.toml")

    @property
    def zone(self) -> ZoneInfo:
        """The store's time zone."""
        return ZoneInfo(self.settings.time_zone)

    @property
    def key(self) -> bytes:
        """The secret for hashing buyers.

        Raises:
            StoreError: It is missing or damaged: buyers could not be told again.
        """
        file = self.path / "store.key"
        key = file.read_bytes() if file.exists() else b""
        if len(key) < SHORTEST_KEY:
            raise StoreError(
                f"{file} is missing or damaged; bring it back from a copy, "
                "for buyers are known by it."
            )
        return key

    @cached_property
    def connection(self) -> duckdb.DuckDBPyConnection:
        """This store's DuckDB connection: UTC, bounded memory, spilling to a scratch folder."""
        return delta.connect(MEMORY_LIMIT)

    @property
    def tables(self) -> tuple[str, ...]:
        """Names of the tables that hold data, in schema order."""
        return tuple(name for name in TABLES if name in self.snapshot.tables)

    def has(self, table: str) -> bool:
        """Whether the store holds rows of a canonical table."""
        return table_named(table).name in self.snapshot.tables

    def require(self, *tables: str) -> None:
        """Refuse to go on without a table.

        Raises:
            MissingDataError: A table is empty; the sentence says what would fill it.
        """
        for name in tables:
            if not self.has(name):
                raise MissingDataError(
                    f"the store holds no {name}; import {table_named(name).hint}."
                )

    def scan(
        self, table: str, *, start: dt.date | None = None, end: dt.date | None = None
    ) -> duckdb.DuckDBPyRelation:
        """A table as a DuckDB relation that reads only the files it needs.

        Args:
            table: A canonical table.
            start: Leave out files that end before this day (by the table's clock).
            end: Leave out files that start after this day. Rows near the ends remain:
                filter them by the day that you mean.

        Raises:
            MissingDataError: The store holds no row of the table.
        """
        self.require(table)
        files = delta.files(
            self.path / "tables" / table, self.snapshot.tables[table], start=start, end=end
        )
        return delta.relation(self.connection, table, files)

    def frame(self, table: str) -> pd.DataFrame:
        """A whole table as pandas, typed by Arrow (exact decimals, nullable integers)."""
        import pandas as pd

        held: pd.DataFrame = self.scan(table).to_arrow_table().to_pandas(types_mapper=pd.ArrowDtype)
        return held

    def count(self, table: str) -> int:
        """The number of rows of a table; 0 where it holds none."""
        if not self.has(table):
            return 0
        [(rows,)] = self.scan(table).aggregate("count(*)").fetchall()
        return int(rows)

    @contextmanager
    def writing(self) -> Iterator[Writer]:
        """One change of the store, whole or not at all; other writers wait.

        Raises:
            StoreError: The disk is full; the store is as it was.
        """
        from filelock import FileLock

        with delta.full_disk_told(self.path), FileLock(self.path / ".lock"):
            before = _recover(self.path)
            writer = Writer(self.path, self.connection, before)
            try:
                yield writer
                self.snapshot = writer.publish()
            except BaseException:
                _recover(self.path)
                raise

    def compact(self) -> None:
        """Merge the small files of each table; every earlier version stays readable."""
        with self.writing() as writer:
            for table in writer.before.tables:
                writer.compact(table)


class Writer:
    """Collects the changes of one ``Store.writing()`` block."""

    def __init__(self, path: Path, connection: duckdb.DuckDBPyConnection, before: Snapshot) -> None:
        self.path = path
        self.connection = connection
        self.before = before
        self._since = time.time() - CLOCK_SLACK
        self._tables = dict(before.tables)
        self._files = list(before.files)

    def upsert(
        self, table: str, rows: duckdb.DuckDBPyRelation | pa.Table, *, checked: bool = False
    ) -> int:
        """Insert rows, or replace those of the same key; returns how many were given.

        A null does not erase: what one file does not tell, another may have told. Who says
        ``checked`` vouches for the rows' types and for one row a key.

        Raises:
            StoreError: Two of the rows have the same key.
        """
        folder = self.path / "tables" / table_named(table).name
        version, count = delta.upsert(
            self.connection,
            folder,
            self._tables.get(table),
            table_named(table),
            rows,
            checked=checked,
        )
        if count:
            self._tables[table] = version
        return count

    def compact(self, table: str) -> None:
        """Merge the small files of a table."""
        self._tables[table] = delta.compact(self.path / "tables" / table)

    def record(self, file: Mapping[str, Any]) -> None:
        """Note a file as imported: its name, sha256 and rows."""
        self._files.append(dict(file))

    def publish(self) -> Snapshot:
        """Make the change visible, or do nothing if nothing changed."""
        changed = [n for n, v in self._tables.items() if self.before.tables.get(n) != v]
        if not changed and len(self._files) == len(self.before.files):
            return self.before
        for table in changed:
            recovery.put_on_disk(self.path / "tables" / table, since=self._since)
        snapshot = Snapshot(
            version=self.before.version + 1, tables=self._tables, files=tuple(self._files)
        )
        recovery.write_whole(
            self.path / "snapshots" / f"{snapshot.version:08d}.json",
            json.dumps(
                {
                    "version": snapshot.version,
                    "tables": dict(sorted(self._tables.items())),
                    "files": self._files,
                },
                ensure_ascii=False,
                indent=1,
            ).encode(),
        )
        return snapshot


def create_store(
    path: str | Path,
    *,
    name: str,
    currency: str = "CNY",
    time_zone: str = "Asia/Shanghai",
    language: str = "zh",
    key: bytes | None = None,
    thresholds: Mapping[str, float] | None = None,
    tests: Mapping[str, Mapping[str, Any]] | None = None,
    campaigns: Mapping[str, Mapping[str, Any]] | None = None,
) -> Store:
    """Make an empty store folder.

    Args:
        path: The folder; made if absent.
        name: The shop's name as pages show it.
        currency: ISO code of all amounts.
        time_zone: IANA zone that days begin in; its country's holidays count.
        language: Language of its pages unless a run says otherwise.
        key: Secret for hashing buyers; random unless given (the demo shop's is fixed).
        thresholds: Limits by name, where they are not the usual ones.
        tests: Plans of A/B tests by id.
        campaigns: Campaigns by id.

    Raises:
        StoreError: The folder is a store already, or cannot be one.
        ParameterError: A setting has an impossible value.
    """
    from filelock import FileLock

    folder = Path(path)
    delta.check_path(folder)
    held: dict[str, Any] = {"name": name, "currency": currency, "time_zone": time_zone}
    held |= {"country": country_of(time_zone)}
    held |= {"language": language, "thresholds": dict(thresholds or {}), "tests": tests or {}}
    held["campaigns"] = campaigns or {}
    settings = check_settings(held, folder / "store.toml")
    with delta.full_disk_told(folder):
        (folder / "snapshots").mkdir(parents=True, exist_ok=True)
        with FileLock(folder / ".lock"):
            if (folder / "store.toml").exists():
                raise StoreError(f"{folder} is a store already; open it, or choose another folder.")
            if not (folder / "store.key").exists():
                recovery.write_whole(
                    folder / "store.key", key or secrets.token_bytes(32), mode=0o600
                )
            recovery.write_whole(folder / "store.toml", settings_text(settings).encode())
    return Store(folder, Snapshot())


def open_store(path: str | Path, *, version: int | None = None) -> Store:
    """Open a store at its newest version, or as it stood at an earlier one.

    Raises:
        StoreError: The folder is no store, or has no such version.
    """
    folder = Path(path)
    if not (folder / "store.toml").exists():
        raise StoreError(
            f"{folder} is not a store (it has no store.toml); "
            f"'ecops import FILES --store {folder}' makes one."
        )
    if version is None:
        return Store(folder, _newest(folder))
    file = folder / "snapshots" / f"{version:08d}.json"
    if version and not file.exists():
        newest = _newest(folder).version
        raise StoreError(f"{folder} has no version {version}; the newest is {newest}.")
    return Store(folder, _read_snapshot(file) if version else Snapshot())


def _newest(folder: Path) -> Snapshot:
    file = _newest_file(folder)
    return _read_snapshot(file) if file else Snapshot()


def _newest_file(folder: Path) -> Path | None:
    """The newest snapshot; none in a store without data."""
    if not (folder / "snapshots").exists():
        raise StoreError(
            f"{folder} has lost its folder 'snapshots', without which its tables cannot be read; "
            "bring it back from a copy."
        )
    return max((folder / "snapshots").glob("[0-9]*.json"), default=None)


def _recover(folder: Path) -> Snapshot:
    """The newest snapshot, once all that a dead writer left is gone (under the lock)."""
    file = _newest_file(folder)
    newest = _read_snapshot(file) if file else Snapshot()
    for scratch in (folder / "snapshots").glob(".*.json.*"):
        scratch.unlink()
    recovery.roll_back(
        folder / "tables", newest.tables, since=file.stat().st_mtime if file else 0.0
    )
    return newest


def _read_snapshot(file: Path) -> Snapshot:
    try:
        held = json.loads(file.read_text("utf-8"))
        return Snapshot(version=held["version"], tables=held["tables"], files=tuple(held["files"]))
    except (ValueError, KeyError, TypeError) as error:
        raise StoreError(
            f"{file} is damaged ({error}); remove it to go back to the version before."
        ) from error
