"""Cohorts at equal age: who stays, who buys again, and what they bring.

The day of a customer's first purchase is age 0; month j of age holds the days
30 (j - 1) + 1 … 30 j after it. A cell of a cohort by month is filled only when all its
customers are that old; in other cohorts each cell is over the customers that old.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np

from ecops_lib.core.charts import Chart, bar_chart
from ecops_lib.core.checks import require_between, require_choice
from ecops_lib.core.findings import Finding
from ecops_lib.core.formats import Unit, show
from ecops_lib.core.language import mark, ntr, tr
from ecops_lib.core.results import Result
from ecops_lib.customers.cohort_cells import (
    MONTH,
    compared_age,
    count_cohorts,
    lay_out,
    no_cells,
    with_reach,
    with_squares,
)
from ecops_lib.customers.firsts import (
    LEAST,
    UNTOLD,
    By,
    cohort_name,
    coverage_findings,
    label_customers,
    product_names,
    why_untold,
)
from ecops_lib.customers.orders import Apart, OrdersView
from ecops_lib.customers.shares import Between, Sums, mean_between, share_between
from ecops_lib.metrics.bases import Source

if TYPE_CHECKING:
    import pandas as pd

HEAD = dt.timedelta(days=90)
"""Span from the history's beginning whose cohorts by month are not compared."""

Measure = Literal["retention", "repurchase", "revenue"]
"""Share that bought in a month of age; share that bought again up to its end; net amount
a customer up to its end."""

COUNTED: Mapping[str, str] = {
    "retention": "retained",
    "repurchase": "repurchased",
    "revenue": "amount",
}
TITLES: Mapping[str, str] = {
    "retention": mark("Share that bought in each month since the first purchase"),
    "repurchase": mark("Share that bought again up to each month since the first purchase"),
    "revenue": mark("Net amount a customer up to each month since the first purchase"),
}


@dataclass(frozen=True, kw_only=True, eq=False)
class Cohorts(Result):
    """Cohorts of customers by month of age; what it shows is one measure.

    Attributes:
        by: What the cohorts are split by.
        measure: What the table, the words and the chart show; ``seen_as`` changes it.
        frame: One row a cohort and month of age: ``cohort`` (as the data have it),
            ``kind`` (``named``, ``other``: the small ones together, ``untold``), ``size``
            (customers of the cohort), ``age`` [months], ``customers`` old enough (NaN: the
            cell is not complete), ``retained``, ``repurchased`` [customers], ``amount`` and
            ``squares`` (sum and sum of squares of customers' net amounts up to then
            [store currency]).
        names: Titles of products.
        as_of: Last local day that counts.
        first: First local day of the history.
        months: Months of age shown.
        apart: What belongs to no buyer; None where there is nothing to show.
        notes: What the history lacks.
        reason: Why there is nothing to show; empty where there is something.
    """

    sheet: ClassVar[str] = mark("Cohorts")

    by: By
    measure: Measure
    frame: pd.DataFrame
    names: Mapping[str, str] = field(default_factory=dict)
    as_of: dt.date
    first: dt.date
    months: int
    apart: Apart | None = None
    notes: tuple[Finding, ...] = ()
    reason: str = ""

    def seen_as(self, measure: Measure) -> Cohorts:
        """The same cohorts, showing another measure.

        Raises:
            ParameterError: There is no such measure.
        """
        require_choice(measure, Measure, name="measure")
        return replace(self, measure=measure)

    def absent(self) -> str:
        """Why there is nothing to show, if so."""
        return self.reason

    @property
    def unit(self) -> Unit:
        """Of the measure."""
        return "money" if self.measure == "revenue" else "share"

    @property
    def values(self) -> pd.DataFrame:
        """The long frame with the measure as ``value``; NaN where a cell is not complete."""
        held = self.frame
        return held.assign(value=held[COUNTED[self.measure]] / held["customers"])

    def to_frame(self) -> pd.DataFrame:
        """The triangle: one row a cohort, its customers, one column a month of age."""
        import pandas as pd

        ages = range(0 if self.measure == "revenue" else 1, self.months + 1)
        rows = []
        for (_, kind), held in self.values.groupby(["place", "kind"], sort=True):
            row = held.set_index("age")["value"]
            name = cohort_name(held["cohort"].iloc[0], str(kind), self.by, self.names)
            cells = {f"month_{age}": row.get(age, np.nan) for age in ages}
            rows.append({"cohort": name, "size": int(held["size"].iloc[0]), **cells})
        return pd.DataFrame(rows, columns=["cohort", "size", *(f"month_{age}" for age in ages)])

    def headings(self) -> dict[str, str]:
        """The columns' headings in the reader's language."""
        heads = {"cohort": tr("Cohort"), "size": tr("Customers")}
        for age in range(self.months + 1):
            heads[f"month_{age}"] = tr("month {age}", age=age) if age else tr("first day")
        return heads

    def table_units(self) -> Mapping[str, Unit]:
        """Customers are counted, cells have the measure's unit."""
        return {"size": "count", **{f"month_{a}": self.unit for a in range(self.months + 1)}}

    def table_html(self) -> str:
        """The triangle, titled by its measure."""
        from ecops_lib.core.tables import table_html

        return table_html(
            self.to_frame(),
            units=self.table_units(),
            labels=self.headings(),
            caption=tr(TITLES[self.measure]),
            name="cohorts",
        )

    @property
    def age(self) -> int:
        """The month of age at which cohorts are compared; 0: none."""
        return compared_age(self.frame)

    def compared(self) -> list[tuple[str, float, float, Between, float, float]]:
        """Each cohort of enough customers against all other customers of the same age.

        Returns:
            Name, value, value of the others, the difference with an interval that holds
            for all comparisons together at 95 %, customers, other customers.
        """
        held = self.frame[(self.frame["age"] == self.age) & self.frame["customers"].notna()]
        if self.by == "month":
            held = held[[value.date() >= self.first + HEAD for value in held["cohort"]]]
        named = held[(held["kind"] == "named") & (held["customers"] >= LEAST)]
        everyone = held[["customers", COUNTED[self.measure], "squares"]].sum()
        rest = everyone["customers"] - named["customers"]
        named = named[rest >= LEAST] if self.age else named.iloc[:0]
        found = []
        for _, row in named.iterrows():
            one = Sums(row["customers"], row[COUNTED[self.measure]], row["squares"])
            others = Sums(*map(float, everyone)).without(one)
            between = (
                mean_between(one, others, times=len(named))
                if self.measure == "revenue"
                else share_between((one.total, others.total), (one.n, others.n), times=len(named))
            )
            name = cohort_name(row["cohort"], "named", self.by, self.names)
            found.append((name, one.mean, others.mean, between, one.n, others.n))
        return found

    def findings(self) -> tuple[Finding, ...]:
        """The best and the worst cohort, what is not complete, and what stands apart.

        What belongs to no buyer, and what the history lacks, is told once: with repurchase.
        """
        if self.reason:
            return ()
        shared = (*self.notes, *(self.apart.findings() if self.apart else ()))
        return (*self._told(), *self._open(), *(shared if self.measure == "repurchase" else ()))

    def _told(self) -> tuple[Finding, ...]:
        compared = self.compared()
        key = f"cohorts/{self.by}/{self.measure}"
        least = show(LEAST, "count")
        if not compared:
            text = tr(
                "No two groups of at least {least} customers are old enough to be compared.",
                least=least,
            )
            return (Finding(key=key, level="info", text=text),)
        differing = [c for c in compared if c[3].sign]
        if not differing:
            text = ntr(
                "The one cohort of at least {least} customers does not differ from the others "
                "beyond chance at {age} of age.",
                "None of the {count} cohorts of at least {least} customers differs from the "
                "others beyond chance at {age} of age.",
                len(compared),
                count=show(len(compared), "count"),
                least=least,
                age=show(self.age * MONTH, "days"),
            )
            return (Finding(key=key, level="info", text=text),)
        best = max(differing, key=lambda c: c[3].gap)
        worst = min(differing, key=lambda c: c[3].gap)
        chosen = [c for c, sign in ((best, 1), (worst, -1)) if c[3].sign == sign]
        return tuple(self._sentence(*c) for c in chosen)

    def _sentence(
        self, name: str, value: float, others: float, between: Between, n: float, rest: float
    ) -> Finding:
        unit: Unit = "money" if self.measure == "revenue" else "points"
        given = {
            "subject": _subject(self.by, name),
            "value": show(value, self.unit),
            "others": show(others, self.unit),
            "low": show(between.low, unit, sign=True),
            "high": show(between.high, unit, sign=True),
            "age": show(self.age * MONTH, "days"),
            "n": show(n, "count"),
            "rest": show(rest, "count"),
            "month": show(self.age, "count"),
        }
        text = {
            "retention": tr(
                "{subject}: {value} of {n} customers bought in month {month} after their first "
                "purchase, against {others} of the {rest} others of that age (difference {low} "
                "to {high}).",
                **given,
            ),
            "repurchase": tr(
                "{subject}: {value} of {n} customers bought again within {age}, against {others} "
                "of the {rest} others of that age (difference {low} to {high}).",
                **given,
            ),
            "revenue": tr(
                "{subject}: {n} customers brought {value} net each within {age}, against "
                "{others} of the {rest} others of that age (difference {low} to {high}).",
                **given,
            ),
        }[self.measure]
        return Finding(
            key=f"cohorts/{self.by}/{self.measure}/{'best' if between.sign > 0 else 'worst'}",
            level="good" if between.sign > 0 else "watch",
            text=text,
            evidence={"value": value, "others": others, "low": between.low, "high": between.high,
                      "customers": n},
        )  # fmt: skip

    def _open(self) -> tuple[Finding, ...]:
        empty = int((self.frame["customers"].isna() & (self.frame["age"] > 0)).sum())
        found = []
        if empty:
            text = ntr(
                "{count} cell is empty because its customers are not that old yet.",
                "{count} cells are empty because their customers are not that old yet.",
                empty,
                count=show(empty, "count"),
            )
            numbers = {"cells": float(empty)}
            found.append(Finding(key="cohorts/open", level="info", text=text, evidence=numbers))
        if self.by == "month" and self.measure == "repurchase":
            text = tr(
                "The history begins on {day}: cohorts of its first {days} also hold customers who "
                "had bought before, and are not compared.",
                day=show(self.first, "day"),
                days=show(HEAD.days, "days"),
            )
            found.append(Finding(key="cohorts/first", level="info", text=text))
        return tuple(found)

    def chart(self) -> Chart | None:
        """The measure of each cohort at equal age, where enough customers are that old."""
        held = self.values
        held = held[(held["age"] == self.age) & (held["customers"] >= LEAST)]
        if self.reason or not self.age or held.empty:
            return None
        held = held.sort_values("place")
        held = held.assign(
            name=[
                cohort_name(c, k, self.by, self.names)
                for c, k in zip(held["cohort"], held["kind"], strict=True)
            ]
        )
        days = show(self.age * MONTH, "days")
        caption = {
            "retention": tr("Bought in the month that ends {days} after the first purchase",
                            days=days),
            "repurchase": tr("Bought again within {days} of the first purchase", days=days),
            "revenue": tr("Net amount a customer within {days} of the first purchase", days=days),
        }[self.measure]  # fmt: skip
        return bar_chart(held, caption=caption, unit=self.unit)


def _subject(by: By, name: str) -> str:
    match by:
        case "month":
            return tr("First purchase in {name}", name=name)
        case "channel":
            return tr("First purchase through {name}", name=name)
        case "product":
            return tr("First product {name}", name=name)
        case "discount":
            return tr("First purchase with {name}", name=name)


def compare_cohorts(
    source: Source,
    *,
    as_of: dt.date | str,
    by: By = "month",
    months: int = 12,
    time_zone: str | None = None,
) -> Cohorts:
    """Compare customers by their first purchase, at equal age and net of refunds.

    Args:
        source: A store, or tables of any engine by canonical name.
        as_of: Last local day of payment that counts.
        by: What the first purchase is told by: its month, channel, dearest product, or
            discount as a share of the list price.
        months: Months of age to show, 1 to 60.
        time_zone: IANA zone of the days; the store's by default.

    Returns:
        The repurchase triangle; ``seen_as("retention")`` and ``seen_as("revenue")`` show
        the others. Its ``absent()`` says so where no first order tells what is asked.

    Raises:
        MissingDataError: No known buyer has bought by then.
        ParameterError: An argument has an impossible value.
    """
    require_choice(by, By, name="by")
    require_between(months, 1, 60, name="months")
    view = OrdersView(source, as_of=as_of, by=None, time_zone=time_zone)
    reason, cells, names = why_untold(view, by), no_cells(), {}
    if not reason:
        labels = with_reach(view, label_customers(view, by))
        counts = count_cohorts(view, labels)
        reason = "" if counts.sizes["cohort"].notna().any() else tr(UNTOLD[by])
    if not reason:
        cells = lay_out(counts, by, int(months))
        cells = with_squares(cells, view, labels)
        named = cells.loc[cells["kind"] == "named", "cohort"]
        names = product_names(view, sorted(set(named))) if by == "product" else {}
    return Cohorts(
        by=by,
        measure="repurchase",
        frame=cells,
        names=names,
        as_of=view.as_of,
        first=view.first,
        months=int(months),
        apart=None if reason else view.apart(),
        notes=coverage_findings(view),
        reason=reason,
    )
