"""The Parquet files of a table: written month by month, with the statistics that Delta keeps."""

from __future__ import annotations

import datetime as dt
import json
import secrets
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa
    from pyarrow.parquet import FileMetaData, ParquetWriter

MONTH = "month"
"""Partition column of the facts; it is in the folder names, not in the files."""

BATCH = 200_000
"""Rows that are asked for at once."""

GROUP = 500_000
"""Rows of one month that are held before they are written as a row group."""

HELD = 2_000_000
"""Rows of all months that are held at most."""

MOST_AT_ONCE = 4
"""Months that are written at the same time at the end."""

LONGEST = 64
"""Letters of a text's least and greatest value, beyond which they are not noted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One file that has been written.

    Attributes:
        path: Where it lies in the table's folder.
        month: The month of its rows; None in a table without a clock.
        size: Its bytes.
        stats: Delta's statistics of it, as JSON.
    """

    path: str
    month: str | None
    size: int
    stats: str


def write_parts(folder: Path, rows: pa.RecordBatchReader, *, by_month: bool) -> list[Part]:
    """Write rows into one new file, or one a month; none are seen before they are committed.

    Args:
        folder: The table's folder.
        rows: The rows; where ``by_month``, their last column is the first day of their month.
        by_month: Whether each month has a file of its own.
    """
    writing = _Writing(
        folder, rows.schema.remove(len(rows.schema) - 1) if by_month else rows.schema
    )
    try:
        _write_groups(writing, _by_month(rows) if by_month else ((None, b) for b in rows))
        return writing.finish()
    finally:
        writing.let_go()


def _write_groups(writing: _Writing, batches: Iterable[tuple[str | None, pa.RecordBatch]]) -> None:
    """Write what is full while the next rows are computed."""
    with ThreadPoolExecutor(1) as writer:
        last = None
        for month, batch in batches:
            writing.hold(month, batch)
            for full in writing.full():
                group = writing.take(full)
                if last is not None:
                    last.result()
                last = writer.submit(writing.write, full, group)
        if last is not None:
            last.result()


def _by_month(rows: Iterable[pa.RecordBatch]) -> Iterator[tuple[str, pa.RecordBatch]]:
    """The batches, each cut into those of its months."""
    import pyarrow.compute as pc

    for batch in rows:
        days = batch.column(batch.num_columns - 1)
        kept = batch.select(range(batch.num_columns - 1))
        found = pc.unique(days)
        for day in found:
            own = kept if len(found) == 1 else kept.filter(pc.equal(days, day))
            yield day.as_py().isoformat()[:7], own


class _Writing:
    """The files that are being written, and the rows that wait for them."""

    def __init__(self, folder: Path, schema: pa.Schema) -> None:
        self.folder = folder
        self.schema = schema
        self._held: dict[str | None, list[pa.RecordBatch]] = {}
        self._rows: Counter[str | None] = Counter()
        self._writers: dict[str | None, ParquetWriter] = {}
        self._paths: dict[str | None, str] = {}
        self._files: dict[str | None, pa.NativeFile] = {}

    def hold(self, month: str | None, batch: pa.RecordBatch) -> None:
        """Keep rows until there are enough of their month."""
        self._held.setdefault(month, []).append(batch)
        self._rows[month] += batch.num_rows

    def full(self) -> list[str | None]:
        """Months of which enough rows are held; the largest one where too many are held in all."""
        found = [month for month, count in self._rows.items() if count >= GROUP]
        if not found and self._rows.total() > HELD:
            found = [month for month, _ in self._rows.most_common(1)]
        return found

    def take(self, month: str | None) -> list[pa.RecordBatch]:
        """The rows of a month, which are held no more."""
        del self._rows[month]
        return self._held.pop(month)

    def write(self, month: str | None, batches: list[pa.RecordBatch]) -> None:
        """Write rows of a month as one row group."""
        import pyarrow as pa

        if month not in self._writers:
            self._writers[month] = self._writer(month)
        self._writers[month].write_table(pa.Table.from_batches(batches), row_group_size=2 * HELD)

    def _writer(self, month: str | None) -> ParquetWriter:
        import pyarrow as pa
        from pyarrow.parquet import ParquetWriter

        name = f"part-{secrets.token_hex(16)}.snappy.parquet"
        path = name if month is None else f"{MONTH}={month}/{name}"
        (self.folder / path).parent.mkdir(parents=True, exist_ok=True)
        self._paths[month] = path
        self._files[month] = pa.OSFile(str(self.folder / path), "wb")
        return ParquetWriter(
            self._files[month], self.schema, store_decimal_as_integer=True, store_schema=False
        )

    def finish(self) -> list[Part]:
        """Write what is still held, several months at once, and close the files."""
        months = list(self._held)
        with ThreadPoolExecutor(MOST_AT_ONCE) as pool:
            written = pool.map(lambda month: self.write(month, self.take(month)), months)
            list(written)
        return [self._part(month) for month in sorted(self._writers, key=str)]

    def _part(self, month: str | None) -> Part:
        writer, path = self._writers[month], self._paths[month]
        writer.close()
        self._files[month].close()
        size = (self.folder / path).stat().st_size
        return Part(path=path, month=month, size=size, stats=_stats(writer.writer.metadata))

    def let_go(self) -> None:
        """Close the files that a failure has left open, as they are."""
        for month, writer in self._writers.items():
            writer.is_open = False
            self._files[month].close()


def _stats(metadata: FileMetaData) -> str:
    """Delta's statistics of a file: its rows, and each column's least, greatest and nulls."""
    least: dict[str, Any] = {}
    greatest: dict[str, Any] = {}
    nulls: Counter[str] = Counter()
    vague: set[str] = set()
    for group in range(metadata.num_row_groups):
        for place in range(metadata.num_columns):
            column = metadata.row_group(group).column(place)
            name, found = column.path_in_schema, column.statistics
            nulls[name] += found.null_count
            if found.has_min_max:
                least[name] = min(least.get(name, found.min), found.min)
                greatest[name] = max(greatest.get(name, found.max), found.max)
            elif found.num_values:
                vague.add(name)
    told = [name for name in least if name not in vague and _tells(least[name], greatest[name])]
    return json.dumps(
        {
            "numRecords": metadata.num_rows,
            "minValues": {name: _plain(least[name]) for name in told},
            "maxValues": {name: _plain(greatest[name]) for name in told},
            "nullCount": nulls,
        },
        ensure_ascii=False,
    )


def _tells(*values: Any) -> bool:
    """Whether values can be noted as they are: an inexact bound would hide rows."""
    return all(
        len(value) <= LONGEST
        if isinstance(value, str)
        else Decimal(repr(float(value))) == value
        if isinstance(value, Decimal)
        else not isinstance(value, bool)
        for value in values
    )


def _plain(value: Any) -> Any:
    """A value as JSON holds it."""
    if isinstance(value, dt.datetime):
        return value.astimezone(dt.UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, dt.date):
        return value.isoformat()
    return float(value) if isinstance(value, Decimal) else value
