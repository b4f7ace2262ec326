"""The cells of cohorts: small sums from the engine, laid out by month of age."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import narwhals as nw
import numpy as np

from ecops_lib.core.errors import MissingDataError
from ecops_lib.customers.firsts import By, day_number, pool_cohorts
from ecops_lib.customers.orders import Frame, OrdersView, nobody_words
from ecops_lib.data import frames

if TYPE_CHECKING:
    import pandas as pd

MONTH = 30
"""Days of a month of age."""

COLUMNS = (
    "place", "cohort", "kind", "size", "age", "customers", "retained", "repurchased", "amount",
)  # fmt: skip
GROUP = ["cohort", "reach"]


@dataclass(frozen=True, slots=True)
class Counts:
    """Small sums from the engine, each by ``cohort`` and ``reach`` (complete months of age)."""

    sizes: pd.DataFrame
    months: pd.DataFrame
    seconds: pd.DataFrame


def no_cells() -> pd.DataFrame:
    """No cell, where there is nothing to show."""
    import pandas as pd

    return pd.DataFrame(columns=[*COLUMNS, "squares"])


def with_reach(view: OrdersView, labels: Frame) -> Frame:
    """The customers with their complete months of age by the last day."""
    reach = (nw.lit(view.as_of.toordinal()) - day_number("first_day")) // MONTH
    return labels.with_columns(reach=reach)


def _by_slot(view: OrdersView, labels: Frame) -> Frame:
    """What each customer did in each month of age; refunds from before count at age 0."""
    rows = view.days().join(labels, on="buyer_key", how="inner")
    later = day_number("day") - day_number("first_day")
    slot = nw.when(later > 0).then((later + MONTH - 1) // MONTH).otherwise(nw.lit(0))
    bought = nw.when(nw.col("orders") > 0).then(nw.lit(1)).otherwise(nw.lit(0))
    again = nw.when((nw.col("orders") > 0) & (later > 0)).then(slot)
    told = rows.with_columns(slot=slot, bought=bought, again=again)
    return told.group_by("buyer_key", *GROUP, "slot").agg(
        bought=nw.col("bought").max(), amount=nw.col("amount").sum(), again=nw.col("again").min()
    )


def count_cohorts(view: OrdersView, labels: Frame) -> Counts:
    """Customers, what they did in each month of age, and when they first came back.

    Raises:
        MissingDataError: There is no customer.
    """
    sizes = frames.bring(labels.group_by(GROUP).agg(customers=nw.len()))
    if sizes.empty:
        raise MissingDataError(nobody_words(view.as_of))
    each = _by_slot(view, labels)
    months = each.group_by(*GROUP, "slot").agg(
        customers=nw.col("bought").sum(), amount=nw.col("amount").sum()
    )
    firsts = each.group_by("buyer_key", *GROUP).agg(slot=nw.col("again").min())
    seconds = firsts.filter(~nw.col("slot").is_null()).group_by(*GROUP, "slot")
    parts = (sizes, frames.bring(months), frames.bring(seconds.agg(customers=nw.len())))
    return Counts(*(part.astype({"customers": int}) for part in parts))


def lay_out(counts: Counts, by: By, months: int) -> pd.DataFrame:
    """The long frame: each cohort by month of age."""
    import pandas as pd

    known = counts.sizes.dropna(subset=["cohort"]).groupby("cohort")["customers"].sum()
    kinds = pool_cohorts(known, by)
    small = [value for value, kind in kinds.items() if kind == "other"]
    groups: list[tuple[object, str, Callable[[pd.DataFrame], pd.DataFrame]]] = [
        (value, "named", _rows_of([value])) for value, kind in kinds.items() if kind == "named"
    ]
    groups += [(None, "other", _rows_of(small))] if small else []
    groups += [(None, "untold", lambda held: held[held["cohort"].isna()])]
    rows = [
        {"place": place, "cohort": value, "kind": kind, **cell}
        for place, (value, kind, pick) in enumerate(groups)
        for cell in _cells(*map(pick, _tables(counts)), months_shown=months, whole=by == "month")
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _tables(counts: Counts) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    return counts.sizes, counts.months, counts.seconds


def _rows_of(values: list[object]) -> Callable[[pd.DataFrame], pd.DataFrame]:
    return lambda held: held[held["cohort"].isin(values)]


def _cells(
    sizes: pd.DataFrame,
    months: pd.DataFrame,
    seconds: pd.DataFrame,
    *,
    months_shown: int,
    whole: bool,
) -> list[dict[str, float]]:
    """One cohort's cells.

    Args:
        sizes: Its customers by complete months of age.
        months: What they did in each month of age.
        seconds: How many made their second purchase in each.
        months_shown: Oldest month of age.
        whole: Whether a cell needs all customers of the cohort, not those old enough alone.
    """
    size, cells = float(sizes["customers"].sum()), []
    for age in range(months_shown + 1) if size else ():
        old = float(sizes.loc[sizes["reach"] >= age, "customers"].sum())
        if not old or (whole and old < size):
            cells.append({"size": size, "age": age})
            continue
        lived = months[months["reach"] >= age]
        again = seconds[(seconds["reach"] >= age) & (seconds["slot"] <= age)]
        cells.append(
            {
                "size": size,
                "age": age,
                "customers": old,
                "retained": float(lived.loc[lived["slot"] == age, "customers"].sum()),
                "repurchased": float(again["customers"].sum()),
                "amount": float(lived.loc[lived["slot"] <= age, "amount"].sum()),
            }
        )
    return cells


def with_squares(cells: pd.DataFrame, view: OrdersView, labels: Frame) -> pd.DataFrame:
    """Sums of squares of what each customer brought, at the age that is compared."""
    age = compared_age(cells)
    so_far = nw.when(nw.col("slot") <= age).then(nw.col("amount")).otherwise(nw.lit(0))
    each = _by_slot(view, labels).filter(nw.col("reach") >= age).with_columns(so_far=so_far)
    totals = each.group_by("buyer_key", "cohort").agg(total=nw.col("so_far").sum())
    floats = totals.with_columns(total=nw.col("total").cast(nw.Float64))
    squared = floats.with_columns(squares=nw.col("total") * nw.col("total"))
    held = frames.bring(squared.group_by("cohort").agg(squares=nw.col("squares").sum()))
    named = set(cells.loc[cells["kind"] == "named", "cohort"])
    apart = held["cohort"].isna()
    sums = dict(zip(held.loc[~apart, "cohort"], held.loc[~apart, "squares"], strict=True))
    rest = sum(value for cohort, value in sums.items() if cohort not in named)
    pooled = {"other": rest, "untold": float(held.loc[apart, "squares"].sum())}
    squares = [
        sums.get(c, 0.0) if kind == "named" else pooled[kind]
        for c, kind in zip(cells["cohort"], cells["kind"], strict=True)
    ]
    here = (cells["age"] == age) & cells["customers"].notna()
    return cells.assign(squares=np.where(here, squares, np.nan))


def compared_age(cells: pd.DataFrame) -> int:
    """The oldest month of age that half of all customers have complete cells for; 0: none."""
    total = cells.drop_duplicates("place")["size"].sum()
    known = cells.groupby("age")["customers"].sum()
    reached = [int(age) for age in known.index[2 * known >= total] if age]
    return max(reached, default=0)
