"""Whether a big table names any unit twice, without grouping it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from ecops_lib.experiments.logs import Frame

LARGE = 1_000_000
"""Rows from which it pays to look before grouping by unit."""


def is_repeated(rows: Frame, column: str) -> bool:
    """Whether a value may stand in two rows; False is certain, True need not be.

    In DuckDB the rows' 64-bit hashes are sorted here, 8 bytes a row: equal values have equal
    hashes. In other engines the answer is True, so that the caller groups.

    Args:
        rows: The table.
        column: Its column; no cell may be empty.
    """
    if not rows.implementation.is_duckdb():
        return True
    native = rows.to_native()
    batches = native.project(f'hash("{column}") AS h').to_arrow_reader(1_000_000)
    hashes = np.concatenate([batch.column(0).to_numpy() for batch in batches])
    hashes.sort()
    return bool((hashes[1:] == hashes[:-1]).any())
