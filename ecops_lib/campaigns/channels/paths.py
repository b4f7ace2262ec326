"""Paths to a purchase as arrays: which channels were touched, in which order, and what came."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ecops_lib.core.errors import ColumnError
from ecops_lib.data import frames

if TYPE_CHECKING:
    import pyarrow as pa

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

SEPARATOR = ">"
"""What stands between channels where a path is text."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Paths:
    """Paths, their touches one after the other.

    Attributes:
        channels: Names of all channels, sorted.
        touches: Channel of each touch, as a place in ``channels`` (touches,).
        owner: Path of each touch (touches,), rising.
        sizes: Touches of each path (paths,), at least 1.
        conversions: Conversions at the end of each path (paths,).
        value: Money at the end of each path (paths,) [store currency]; None where not told.
        lost: How often each path ended without a conversion (paths,); None where not told.
        before: Days from each touch to the end of its path (touches,); None where not told.
    """

    channels: tuple[str, ...]
    touches: Ints
    owner: Ints
    sizes: Ints
    conversions: Floats
    value: Floats | None
    lost: Floats | None
    before: Floats | None

    @property
    def first(self) -> Ints:
        """Place of the first touch of each path."""
        held: Ints = np.cumsum(self.sizes) - self.sizes
        return held

    @property
    def last(self) -> Ints:
        """Place of the last touch of each path."""
        held: Ints = np.cumsum(self.sizes) - 1
        return held

    def sum_touches(self, weights: Floats) -> Floats:
        """Weights of touches, added up by channel (channels,)."""
        return np.bincount(self.touches, weights, minlength=len(self.channels)).astype(float)

    def without_repeats(self) -> Paths:
        """The same paths with touches of one channel in a row counted once."""
        same = np.append(False, np.diff(self.touches) == 0) & np.append(
            False, np.diff(self.owner) == 0
        )
        kept = ~same
        owner = self.owner[kept]
        return Paths(
            channels=self.channels,
            touches=self.touches[kept],
            owner=owner,
            sizes=np.bincount(owner, minlength=len(self.sizes)),
            conversions=self.conversions,
            value=self.value,
            lost=self.lost,
            before=None if self.before is None else self.before[kept],
        )


def read_paths(table: object) -> Paths:
    """Paths from a table.

    Args:
        table: One row a path, of any engine: ``path`` (channels in order, as text with ``>``
            between them or as lists), and where told ``conversions`` (1 each without that
            column), ``value`` of all its conversions [store currency], ``nulls`` (how often it
            ended without one), ``days_before`` (a list: days from each touch to its end).

    Raises:
        ColumnError: A path or a channel is missing, or a number is missing or negative.
    """
    held = frames.lazy(table, name="paths", needed=["path"])
    names = held.collect_schema().names()
    wanted = ["path", "conversions", "value", "nulls", "days_before"]
    rows: pa.Table = held.select([n for n in wanted if n in names]).collect("pyarrow").to_native()
    if not rows.num_rows:
        raise ColumnError("paths has no row; give at least one path.")
    words, sizes = _split(rows.column("path").combine_chunks())
    channels, touches = _coded(words)
    return Paths(
        channels=channels,
        touches=touches,
        owner=np.repeat(np.arange(len(sizes)), sizes),
        sizes=sizes,
        conversions=_numbers(rows, "conversions", least=0.0)
        if "conversions" in names
        else np.ones(len(sizes)),
        value=_numbers(rows, "value") if "value" in names else None,
        lost=_numbers(rows, "nulls", least=0.0) if "nulls" in names else None,
        before=_before(rows, sizes) if "days_before" in names else None,
    )


def _split(column: Any) -> tuple[Any, Ints]:
    """All touches in a row, and how many each path has."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if column.null_count:
        raise ColumnError(f"path is missing in {column.null_count} rows of paths; drop them.")
    if not (pa.types.is_list(column.type) or pa.types.is_large_list(column.type)):
        column = pc.split_pattern(column.cast(pa.large_string()), SEPARATOR)
    sizes = pc.list_value_length(column).to_numpy(zero_copy_only=False).astype(np.int64)
    words = pc.utf8_trim_whitespace(pc.list_flatten(column).cast(pa.large_string()))
    if not sizes.all() or words.null_count or pc.any(pc.equal(words, "")).as_py():
        raise ColumnError(
            "a path of paths names no channel, or an empty one; write 'a > b', or give lists."
        )
    return words, sizes


def _coded(words: Any) -> tuple[tuple[str, ...], Ints]:
    coded = words.dictionary_encode()
    coded = coded.combine_chunks() if hasattr(coded, "combine_chunks") else coded
    names = [str(name) for name in coded.dictionary.to_pylist()]
    order = sorted(range(len(names)), key=names.__getitem__)
    place = np.empty(len(names), np.int64)
    place[order] = np.arange(len(names))
    return tuple(names[i] for i in order), place[np.asarray(coded.indices, np.int64)]


def _numbers(rows: pa.Table, name: str, *, least: float = -np.inf) -> Floats:
    import pyarrow as pa

    column = rows.column(name)
    held: Floats = column.cast(pa.float64(), safe=False).to_numpy().astype(float)
    if not np.isfinite(held).all() or not (held >= least).all():
        raise ColumnError(f"{name} of paths holds a missing, infinite or negative number.")
    return held


def _before(rows: pa.Table, sizes: Ints) -> Floats:
    import pyarrow as pa
    import pyarrow.compute as pc

    column = rows.column("days_before").combine_chunks()
    lengths = pc.list_value_length(column).fill_null(-1).to_numpy(zero_copy_only=False)
    held: Floats = np.asarray(pc.list_flatten(column).cast(pa.float64()), float)
    if (lengths != sizes).any() or not (held >= 0).all():
        raise ColumnError(
            "days_before of paths must be a list with a number from 0 for each touch of the path."
        )
    return held
