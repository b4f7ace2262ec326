"""Lists of people with the variant that each of them gets, for messages and coupons."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from ecops_lib.core.checks import require_columns
from ecops_lib.core.errors import FileError, ParameterError
from ecops_lib.experiments.assignment import AssignmentCheck, assign_variants, check_assignment
from ecops_lib.experiments.plans import read_plan

if TYPE_CHECKING:
    import pandas as pd

    from ecops_lib.data.store import Store

VARIANT = "variant"


def assign_list(
    store: Store, file: Path, *, experiment_id: str, column: str, out: Path
) -> AssignmentCheck:
    """Write a list again with the variant of each unit beside it.

    The variant follows from the store's secret, the test and the unit alone: the same
    person gets the same one in every list. Every cell is kept as the text that it was.

    Args:
        store: The shop; ``store.toml`` holds the test's plan.
        file: CSV in UTF-8 with a heading, one row a unit.
        experiment_id: The test.
        column: Heading of the units' names.
        out: CSV to write, whole or not at all.

    Returns:
        Whether the split came out as planned.

    Raises:
        FileError: The file cannot be read, or ``out`` cannot be written.
        ColumnError: The file lacks the column, or a unit is empty.
        ParameterError: The test has no plan, a unit comes twice, or the file has
            a column ``variant`` already.
    """
    if experiment_id not in store.settings.tests:
        raise ParameterError(
            f"--test is {experiment_id!r}, of which store.toml holds no plan; add a table "
            f'[tests."{experiment_id}"] with its control and shares.'
        )
    plan, rows = read_plan(store, experiment_id), _read(file)
    require_columns(list(rows.columns), [column], table=str(file))
    if VARIANT in rows:
        raise ParameterError(f"{file} has a column {VARIANT!r} already; rename it.")
    salt, units = store.key.hex(), rows[column].tolist()
    chosen = assign_variants(units, experiment_id=experiment_id, salt=salt, shares=plan.shares)
    check = check_assignment(units, experiment_id=experiment_id, salt=salt, shares=plan.shares)
    _write(rows.assign(**{VARIANT: chosen}), out)
    return check


def _read(file: Path) -> pd.DataFrame:
    import pandas as pd

    try:
        rows = pd.read_csv(file, dtype=str, encoding="utf-8-sig", keep_default_na=False)
    except (OSError, UnicodeDecodeError, pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise FileError(f"{file} is no readable CSV in UTF-8: {error}.") from error
    return rows.replace("", None)


def _write(rows: pd.DataFrame, out: Path) -> None:
    aside = out.with_name(f".{out.name}.part")
    try:
        rows.to_csv(aside, index=False, encoding="utf-8-sig")
        os.replace(aside, out)
    except OSError as error:
        aside.unlink(missing_ok=True)
        raise FileError(f"{out} cannot be written: {error}.") from error
