"""Time between purchases: how long from one to the next."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from math import isnan
from typing import TYPE_CHECKING, ClassVar

import narwhals as nw

from ecops_lib.core.charts import Chart
from ecops_lib.core.errors import MissingDataError
from ecops_lib.core.findings import Finding
from ecops_lib.core.formats import Unit, show
from ecops_lib.core.language import mark, tr
from ecops_lib.core.results import Result
from ecops_lib.customers.curves import Curve, fit_curve
from ecops_lib.customers.firsts import coverage_findings, day_number
from ecops_lib.customers.orders import Apart, Frame, OrdersView, nobody_words
from ecops_lib.customers.survival import AGES, curve_chart, median_finding
from ecops_lib.data import frames
from ecops_lib.metrics.bases import Source

if TYPE_CHECKING:
    import pandas as pd

KINDS: Mapping[str, str] = {
    "first": mark("after the first purchase"),
    "later": mark("after a later purchase"),
}


@dataclass(frozen=True, kw_only=True, eq=False)
class Gaps(Result):
    """Days from a purchase to the customer's next.

    Attributes:
        counts: One row a gap: ``kind`` (``first``: after the first purchase, ``later``),
            ``again`` (whether the next has come; else the gap is open on ``as_of``),
            ``wait`` [days] and ``purchases`` with it.
        curves: Kaplan and Meier's curve of each kind; the limits of ``later`` take a
            customer's gaps for independent and are too narrow where customers differ.
        as_of: Last local day that counts.
        apart: What belongs to no buyer.
        notes: What the history lacks.
    """

    sheet: ClassVar[str] = mark("Time between purchases")
    units: ClassVar[Mapping[str, Unit]] = {
        "closed": "count",
        "open": "count",
        "median": "days",
        "low": "days",
        "high": "days",
        "closed_median": "days",
        **{f"within_{age}": "share" for age in AGES},
    }
    labels: ClassVar[Mapping[str, str]] = {
        "kind": mark("Gap"),
        "closed": mark("Next purchase made"),
        "open": mark("Not yet"),
        "median": mark("Half buy again within"),
        "low": mark("At least"),
        "high": mark("At most"),
        "closed_median": mark("Median of those who did"),
    }

    counts: pd.DataFrame
    curves: Mapping[str, Curve]
    as_of: dt.date
    apart: Apart
    notes: tuple[Finding, ...] = ()

    def headings(self) -> dict[str, str]:
        """The columns' headings in the reader's language."""
        ages = {f"within_{a}": tr("within {days}", days=show(a, "days")) for a in AGES}
        return {**super().headings(), **ages}

    def to_frame(self) -> pd.DataFrame:
        """One row a kind of gap, with the share that has bought again by each age."""
        import pandas as pd

        rows = []
        for kind, curve in self.curves.items():
            median, low, high = curve.median
            row = {
                "kind": tr(KINDS[kind]),
                "closed": curve.events,
                "open": curve.customers - curve.events,
                "median": median,
                "low": low,
                "high": high,
                "closed_median": self.closed_median(kind),
            }
            rows.append({**row, **{f"within_{age}": curve.at(age)[0] for age in AGES}})
        return pd.DataFrame(rows)

    def closed_median(self, kind: str) -> float:
        """Lower median of the gaps that are over: too short, for long ones are still open."""
        held = self.counts[(self.counts["kind"] == kind) & self.counts["again"]]
        return weighted_median(held["wait"], held["purchases"])

    def findings(self) -> tuple[Finding, ...]:
        """How soon the second purchase follows the first, then how soon later ones follow."""
        first = median_finding(self.curves["first"], key="gaps/first")
        return (first, *self._later(), *self.notes, *self.apart.findings())

    def _later(self) -> tuple[Finding, ...]:
        curve = self.curves.get("later")
        if curve is None or isnan(curve.median[0]):
            return ()
        naive = self.closed_median("later")
        given = {"median": show(curve.median[0], "days"), "naive": show(naive, "days")}
        open_gaps = curve.customers - curve.events
        if curve.median[0] > naive:
            text = tr(
                "After a later purchase half buy again within {median}; counting only those who "
                "did, it would be {naive}, which forgets the {open} not back yet.",
                open=show(open_gaps, "count"),
                **given,
            )
        else:
            text = tr("After a later purchase half buy again within {median}.", **given)
        numbers = {"median": curve.median[0], "closed_median": naive, "open": float(open_gaps)}
        return (Finding(key="gaps/later", level="info", text=text, evidence=numbers),)

    def chart(self) -> Chart | None:
        """Share that has bought a second time by each age."""
        return curve_chart(self.curves["first"])


def weighted_median(values: pd.Series, counts: pd.Series) -> float:
    """Lower median of values that occur several times; NaN of none."""
    if values.empty:
        return float("nan")
    held = counts.groupby(values).sum().cumsum()
    return float(held.index[(2 * held >= held.iloc[-1]).argmax()])


def time_between(source: Source, *, as_of: dt.date | str, time_zone: str | None = None) -> Gaps:
    """Measure the time from each purchase to the customer's next, open gaps included.

    Args:
        source: A store, or tables of any engine by canonical name.
        as_of: Last local day of payment that counts; gaps still open are censored there.
        time_zone: IANA zone of the days; the store's by default.

    Raises:
        MissingDataError: No known buyer has bought by then.
        ParameterError: An argument has an impossible value.
    """
    view = OrdersView(source, as_of=as_of, by=None, time_zone=time_zone)
    counts = count_gaps(view)
    parts = {kind: counts[counts["kind"] == kind] for kind in KINDS}
    return Gaps(
        counts=counts,
        curves={
            kind: fit_curve(held["wait"], held["again"], held["purchases"])
            for kind, held in parts.items()
            if len(held)
        },
        as_of=view.as_of,
        apart=view.apart(),
        notes=coverage_findings(view),
    )


def count_gaps(view: OrdersView) -> pd.DataFrame:
    """Purchases by kind of gap, days to the next or to the last day, and whether it came.

    Raises:
        MissingDataError: No known buyer has bought.
    """
    bought = view.days().filter(nw.col("orders") > 0)
    rows = _windowed(bought.select("buyer_key", number=day_number("day")))
    following = nw.col("number").shift(-1).over("buyer_key", order_by="number")
    rows = rows.with_columns(following=following, opening=nw.col("number").min().over("buyer_key"))
    gaps = rows.with_columns(
        again=~nw.col("following").is_null(),
        wait=nw.coalesce(nw.col("following"), nw.lit(view.as_of.toordinal())).cast(nw.Int64)
        - nw.col("number"),
        opens=nw.col("number") == nw.col("opening"),
    )
    counted = gaps.group_by("opens", "again", "wait").agg(purchases=nw.len())
    held = frames.bring(counted, sort=["opens", "again", "wait"])
    if held.empty:
        raise MissingDataError(nobody_words(view.as_of))
    kind = held["opens"].map({True: "first", False: "later"})
    told = held.assign(kind=kind).astype({"wait": int, "purchases": int})
    return told[["kind", "again", "wait", "purchases"]]


def _windowed(rows: Frame) -> Frame:
    """The rows in an engine that knows each buyer's next row; Arrow alone does not."""
    if not rows.implementation.is_pyarrow():
        return rows
    import duckdb

    return frames.lazy(duckdb.from_arrow(rows.collect("pyarrow").to_native()), name="purchases")
