"""Counts of characters' runs in texts, by numbers that stand for the runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

RUN = 4
"""Longest run of characters that is counted."""
READ = 1500
"""Characters of a text that are counted."""
CHUNK = 10_000
"""Texts that are counted at once."""
BITS = 48
"""Bits of the number of a run; those above them hold the place of its text in a chunk."""
_STEP = np.uint64(0x100000001B3)
_SPREAD = np.uint64(0x9E3779B97F4A7C15)

Runs = NDArray[np.int64]


def find_runs(texts: Sequence[str]) -> Runs:
    """Numbers of the runs that stand in two texts at least, in order.

    >>> len(find_runs(["abc", "ab", "x"]))
    3
    """
    held = [keys & ((1 << BITS) - 1) for keys, _ in map(_count, _chunks(texts))]
    if not held:
        return np.empty(0, np.int64)
    runs, texts_with = np.unique(np.concatenate(held), return_counts=True)
    return runs[texts_with > 1]


def count_runs(texts: Sequence[str], runs: Runs) -> csr_matrix:
    """How often each of the runs stands in each text.

    A run is known by 48 bits of its hash, so no table of the runs themselves is kept.

    Args:
        texts: Cleaned texts.
        runs: Numbers of the runs, in order, as of ``find_runs``.

    Returns:
        One row a text, one column a run; counts.

    >>> runs = find_runs(["abc", "ab", "x"])
    >>> sorted(count_runs(["abab"], runs).data.astype(int).tolist())
    [2, 2, 2]
    """
    from scipy.sparse import csr_matrix, vstack

    parts = []
    for chunk in _chunks(texts):
        keys, counts = _count(chunk)
        found = keys & ((1 << BITS) - 1)
        columns = np.searchsorted(runs, found)
        known = columns < len(runs)
        known[known] = runs[columns[known]] == found[known]
        ends = np.searchsorted(keys[known] >> BITS, np.arange(len(chunk) + 1))
        held = (counts[known], columns[known].astype(np.int32), ends.astype(np.int32))
        parts.append(csr_matrix(held, shape=(len(chunk), len(runs))))
    return vstack(parts, format="csr") if parts else csr_matrix((0, len(runs)), dtype=np.float32)


def _chunks(texts: Sequence[str]) -> list[Sequence[str]]:
    return [texts[k : k + CHUNK] for k in range(0, len(texts), CHUNK)]


def _count(texts: Sequence[str]) -> tuple[Runs, NDArray[np.float32]]:
    """Text and run as one number each, in order, and how often the run stands in the text."""
    short = [text[:READ].lower() for text in texts]
    gap = "\0" * RUN
    joined = gap.join([*short, ""])
    code = np.frombuffer(joined.encode("utf-32-le", "replace"), dtype="<u4").astype(np.uint64)
    rows = np.repeat(np.arange(len(short), dtype=np.int64), [len(text) + RUN for text in short])
    mixed, alive, found = np.zeros(len(code), np.uint64), np.ones(len(code), bool), []
    for run in range(1, RUN + 1):
        ahead = np.zeros_like(code)
        ahead[: max(len(code) - run + 1, 0)] = code[run - 1 :]
        mixed = mixed * _STEP + ahead + np.uint64(1)
        alive &= ahead != 0
        number = (mixed[alive] * (_SPREAD + np.uint64(2 * run))) >> np.uint64(64 - BITS)
        found.append(rows[alive] << BITS | number.astype(np.int64))
    keys, counts = np.unique(np.concatenate(found), return_counts=True)
    return keys, counts.astype(np.float32)
