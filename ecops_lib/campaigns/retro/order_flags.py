"""Orders of some days by what went wrong with them, counted at equal age."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import narwhals as nw

from ecops_lib.campaigns.retro.basis import Days, paid_lines
from ecops_lib.core.formats import show
from ecops_lib.core.language import tr
from ecops_lib.data import frames
from ecops_lib.metrics.bases import ORDER_KEY, Tables, missing_words

if TYPE_CHECKING:
    import pandas as pd

CASES = ("late", "refunded", "complained", "low_rated")
TABLES = {"refunded": "refunds", "complained": "tickets", "low_rated": "reviews"}
AGE, LEAST_AGE = 60, 7
"""Days after payment within which refunds, complaints and ratings count at most, and the least
for which they are compared."""
LATE_HOURS = 48
"""Hours from payment to shipping where no deadline is written (the platforms' usual promise)."""
LOW_STARS = 2


@dataclass(frozen=True, kw_only=True, eq=False)
class OrderCases:
    """Orders by whether they were late, with what became of them.

    Attributes:
        frame: One row a state of shipping (``late``: 1, 0, or NaN where not told): ``orders``,
            ``amount`` paid, ``refunded``, ``complained``, ``low_rated`` (orders), ``rated``
            (orders with a rating) and ``back`` (amount refunded), within ``age`` days.
        age: Days after payment that count.
        absent: Why a case is not told, by case.
    """

    frame: pd.DataFrame
    age: int
    absent: Mapping[str, str]

    @property
    def orders(self) -> float:
        """Orders paid."""
        return float(self.frame["orders"].sum())

    def counted(self, case: str) -> tuple[float, float]:
        """Orders with a case, and orders that tell it."""
        if case == "late":
            told = self.frame[self.frame["late"].notna()]
            return float((told["orders"] * told["late"]).sum()), float(told["orders"].sum())
        whole = "rated" if case == "low_rated" else "orders"
        return float(self.frame[case].sum()), float(self.frame[whole].sum())

    def beyond(
        self, case: str, usual: OrderCases | None, *, alpha: float
    ) -> dict[str, object] | str:
        """A case against the usual days: a row of the troubles, or why it cannot be told."""
        from statsmodels.stats.proportion import confint_proportions_2indep

        for held in (self, usual):
            if held is None:
                return tr("The orders do not reach back four weeks before the campaign.")
            if case in held.absent:
                return held.absent[case]
        (bad, of), (bad_then, of_then) = (
            self.counted(case),
            usual.counted(case) if usual else (0, 0),
        )
        if not of or not of_then:
            return tr("The orders of the sale or of the weeks before do not tell it.")
        low, high = confint_proportions_2indep(
            bad, of, bad_then, of_then, compare="diff", method="newcomb", alpha=alpha
        )
        excess = [of * value for value in (bad / of - bad_then / of_then, low, high)]
        money = [size * value for size, value in zip(excess, self._each(case, alpha), strict=True)]
        return {
            "trouble": case, "share": bad / of, "usual": bad_then / of_then,
            "excess": excess[0], "excess_low": excess[1], "excess_high": excess[2],
            "money": money[0], "money_low": money[1], "money_high": money[2],
        }  # fmt: skip

    def _each(self, case: str, alpha: float) -> tuple[float, float, float]:
        """What one such order costs, at least and at most [store currency]; NaN not told."""
        if case == "refunded":
            back, count = float(self.frame["back"].sum()), float(self.frame["refunded"].sum())
            return (back / count if count else 0.0,) * 3
        if case == "late" and "refunded" not in self.absent:
            return self._late_cost(alpha)
        return (math.nan,) * 3

    def _late_cost(self, alpha: float) -> tuple[float, float, float]:
        """What late orders are refunded more than those in time, by the mean refunded amount."""
        from statsmodels.stats.proportion import confint_proportions_2indep

        told = {row["late"]: row for row in self.frame.to_dict("records")}
        if not {0.0, 1.0} <= set(told) or not told[1.0]["refunded"]:
            return (math.nan,) * 3
        counts = [float(told[k][name]) for k in (1.0, 0.0) for name in ("refunded", "orders")]
        low, high = confint_proportions_2indep(
            *counts, compare="diff", method="newcomb", alpha=alpha
        )
        if low <= 0:
            return (math.nan,) * 3
        each = float(told[1.0]["back"]) / counts[0]
        return each * (counts[0] / counts[1] - counts[2] / counts[3]), each * low, each * high


def count_cases(tables: Tables, days: Days, *, age: int, as_of: dt.date) -> OrderCases:
    """Count the orders paid on some days by what went wrong within ``age`` days of payment."""
    orders = paid_lines(tables, days, ("paid_at", "shipped_at", "ship_by", "status")).group_by(
        *ORDER_KEY
    )
    rows = orders.agg(
        amount=nw.col("amount").sum(),
        **{name: nw.col(name).min() for name in ("paid_at", "shipped_at", "ship_by", "status")},
    )
    absent = {
        case: tr("Only {days} days have passed since the sale; at least {least} are needed.",
                 days=show(age, "count"), least=show(LEAST_AGE, "count"))
        for case in TABLES if age < LEAST_AGE
    }  # fmt: skip
    for case, table in TABLES.items():
        if case not in absent and not tables.has(table):
            absent[case] = missing_words(table)
    rows = _with_shipping(rows, days, as_of, tables)
    for case in TABLES:
        if case not in absent:
            found = _within_age(rows, _happened(tables, case, days), age).rename(
                {name: f"{case}_{name}" for name in ("case", "told", "back")}
            )
            rows = rows.join(found, on=ORDER_KEY, how="left")
    held = {case: f"{case}_case" for case in TABLES if case not in absent}
    sums = {case: nw.col(name).sum() for case, name in held.items()}
    if "low_rated" in held:
        sums["rated"] = nw.col("low_rated_told").sum()
    if "refunded" in held:
        sums["back"] = nw.col("refunded_back").sum()
    whole = rows.group_by("late").agg(orders=nw.len(), amount=nw.col("amount").sum(), **sums)
    frame = frames.bring(whole, sort=["late"])
    for name in (*TABLES, "rated", "back"):
        frame[name] = frame[name].fillna(0.0).astype(float) if name in frame else math.nan
    return OrderCases(frame=frame, age=age, absent=absent)


def _with_shipping(
    rows: nw.LazyFrame[Any], days: Days, as_of: dt.date, tables: Tables
) -> nw.LazyFrame[Any]:
    """Mark orders late (1), in time (0) or not told (null), as known at the end of a day.

    An order that waits and is not yet due is not told; nor is a closed one that never shipped.
    """
    _, now = frames.instants(days.first, as_of, tables.zone)
    rows = rows.with_columns(now=nw.lit(now).cast(nw.Datetime("us", "UTC")))
    rows = rows.with_columns(
        done=nw.when(nw.col("shipped_at") < nw.col("now")).then(nw.col("shipped_at"))
    )
    waits = (nw.col("status") == "paid").fill_null(value=False)
    end = nw.when(~nw.col("done").is_null()).then(nw.col("done")).otherwise(
        nw.when(waits).then(nw.col("now"))
    )  # fmt: skip
    rows = rows.with_columns(end=end)
    over = frames.minutes_between(rows, "paid_at", "end") > LATE_HOURS * 60
    late = nw.when(~nw.col("ship_by").is_null()).then(nw.col("end") > nw.col("ship_by"))
    rows = rows.with_columns(over=nw.when(~nw.col("end").is_null()).then(
        late.otherwise(over.fill_null(value=False)).cast(nw.Int64)
    ))  # fmt: skip
    sure = ~nw.col("done").is_null() | (nw.col("over") == 1)
    return rows.with_columns(late=nw.when(sure).then(nw.col("over")).cast(nw.Float64))


def _happened(tables: Tables, case: str, days: Days) -> nw.LazyFrame[Any]:
    """Rows of a case: the order's key, ``at``, whether it is one (``bad``), and ``amount``."""
    none = nw.lit(0.0)
    if case == "refunded":
        rows = tables.lazy("refunds").filter(nw.col("status") == "success")
        at, bad, amount = "finished_at", nw.lit(1), nw.col("amount").cast(nw.Float64)
    elif case == "complained":
        rows = tables.lazy("tickets")
        at, bad, amount = "opened_at", (nw.col("kind") == "complaint").cast(nw.Int64), none
    else:
        rows = tables.lazy("reviews").filter(~nw.col("rating").is_null())
        at, bad, amount = "created_at", (nw.col("rating") <= LOW_STARS).cast(nw.Int64), none
    rows = rows.filter(~nw.col("order_id").is_null())
    if days.products:
        mine = nw.col("product_id").is_in(list(days.products)) | nw.col("product_id").is_null()
        rows = rows.filter(mine.fill_null(value=True))
    return rows.select(*ORDER_KEY, at=nw.col(at), bad=bad, amount=amount)


def _within_age(orders: nw.LazyFrame[Any], cases: nw.LazyFrame[Any], age: int) -> nw.LazyFrame[Any]:
    """Cases of each order that came within so many days of its payment."""
    rows = cases.join(orders.select(*ORDER_KEY, "paid_at"), on=ORDER_KEY, how="inner")
    minutes = frames.minutes_between(rows, "paid_at", "at")
    kept = rows.with_columns(minutes=minutes, one=nw.lit(1)).filter(
        nw.col("minutes") <= age * 1_440
    )
    return kept.group_by(*ORDER_KEY).agg(
        case=nw.col("bad").max(), told=nw.col("one").max(), back=nw.col("amount").sum()
    )
