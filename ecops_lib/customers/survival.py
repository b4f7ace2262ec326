"""How long until customers buy again, and which first purchases bring them back."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import isnan
from typing import TYPE_CHECKING, ClassVar

import narwhals as nw

from ecops_lib.core.charts import Chart, bar_chart
from ecops_lib.core.checks import require_choice
from ecops_lib.core.errors import MissingDataError
from ecops_lib.core.findings import Finding
from ecops_lib.core.formats import Unit, show
from ecops_lib.core.language import mark, ntr, tr
from ecops_lib.core.results import Result
from ecops_lib.customers.curves import Curve, compare_curves, fit_curve
from ecops_lib.customers.firsts import (
    LEAST,
    UNTOLD,
    By,
    cohort_name,
    coverage_findings,
    day_number,
    label_customers,
    pool_cohorts,
    product_names,
    why_untold,
)
from ecops_lib.customers.orders import Apart, Frame, OrdersView, nobody_words
from ecops_lib.data import frames
from ecops_lib.metrics.bases import Source

if TYPE_CHECKING:
    import pandas as pd

AGES = (7, 14, 30, 60, 90, 180, 365)
"""Days at which curves are read."""
DOUBT = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentCurve:
    """The curve of the customers of one segment."""

    value: object
    kind: str
    curve: Curve


@dataclass(frozen=True, kw_only=True, eq=False)
class Survival(Result):
    """Time from the first purchase to the second, by segment.

    Attributes:
        by: What the customers are split by; None for all together.
        segments: One curve a segment.
        names: Titles of products.
        chi_squared: Log-rank statistic of the named segments of enough customers; NaN
            where there are fewer than two.
        p_value: Its p-value.
        as_of: Last local day that counts.
        apart: What belongs to no buyer; None where there is nothing to show.
        notes: What the history lacks.
        reason: Why there is nothing to show; empty where there is something.
    """

    sheet: ClassVar[str] = mark("Time to the second purchase")
    units: ClassVar[Mapping[str, Unit]] = {
        "customers": "count",
        "again": "count",
        "days": "days",
        "share": "share",
        "low": "share",
        "high": "share",
        "median": "days",
    }
    labels: ClassVar[Mapping[str, str]] = {
        "segment": mark("Segment"),
        "customers": mark("Customers"),
        "again": mark("Bought again"),
        "median": mark("Half bought again within"),
        "days": mark("Within"),
        "share": mark("Share"),
        "low": mark("At least"),
        "high": mark("At most"),
    }

    by: By | None
    segments: tuple[SegmentCurve, ...]
    names: Mapping[str, str] = field(default_factory=dict)
    chi_squared: float
    p_value: float
    as_of: dt.date
    apart: Apart | None = None
    notes: tuple[Finding, ...] = ()
    reason: str = ""

    def absent(self) -> str:
        """Why there is nothing to show, if so."""
        return self.reason

    def name(self, segment: SegmentCurve) -> str:
        """A segment as people call it."""
        return cohort_name(segment.value, segment.kind, self.by, self.names)

    def to_frame(self) -> pd.DataFrame:
        """One row a segment and age; ages nobody has been watched for are left out."""
        import pandas as pd

        rows = []
        for held in self.segments:
            for age in AGES:
                share, low, high = held.curve.at(age)
                if isnan(share):
                    continue
                rows.append(
                    [self.name(held), held.curve.customers, held.curve.events,
                     held.curve.median[0], age, share, low, high]
                )  # fmt: skip
        return pd.DataFrame(rows, columns=list(self.labels))

    @property
    def age(self) -> int:
        """The oldest of the ages that every segment of enough customers was watched for."""
        large = self.large
        known = [a for a in AGES if large and all(a <= s.curve.longest for s in large)]
        return max(known, default=0)

    @property
    def large(self) -> tuple[SegmentCurve, ...]:
        """The named segments of enough customers."""
        return tuple(s for s in self.segments if s.kind == "named" and s.curve.customers >= LEAST)

    def findings(self) -> tuple[Finding, ...]:
        """How many come back and how soon, and whether segments differ."""
        if self.reason:
            return ()
        told = self._all() if self.by is None else self._differ()
        return (*told, *self.notes, *(self.apart.findings() if self.apart else ()))

    def _all(self) -> tuple[Finding, ...]:
        return (median_finding(self.segments[0].curve, key="survival/second"),)

    def _differ(self) -> tuple[Finding, ...]:
        key, large = f"survival/{self.by}", self.large
        if isnan(self.p_value) or not self.age:
            text = tr(
                "No two segments of at least {least} customers can be compared.",
                least=show(LEAST, "count"),
            )
            return (Finding(key=key, level="info", text=text),)
        p = show(self.p_value, "p_value")
        if self.p_value >= DOUBT:
            text = tr(
                "The {count} segments do not differ beyond chance in how soon customers come "
                "back (log-rank p {p}).",
                count=show(len(large), "count"),
                p=p,
            )
            return (Finding(key=key, level="info", text=text, evidence={"p": self.p_value}),)
        shares = {s: s.curve.at(self.age) for s in large}
        best, worst = (pick(large, key=lambda s: shares[s][0]) for pick in (max, min))
        given = {
            f"{name}_{part}": show(value, "share")
            for name, held in (("best", best), ("worst", worst))
            for part, value in zip(("share", "low", "high"), shares[held], strict=True)
        }
        text = tr(
            "How soon customers come back differs (log-rank p {p}): {best} brings back "
            "{best_share} within {age} ({best_low} to {best_high}), {worst} {worst_share} "
            "({worst_low} to {worst_high}).",
            p=p,
            best=self.name(best),
            worst=self.name(worst),
            age=show(self.age, "days"),
            **given,
        )
        numbers = {"p": self.p_value, "best": shares[best][0], "worst": shares[worst][0]}
        return (Finding(key=key, level="watch", text=text, evidence=numbers),)

    def chart(self) -> Chart | None:
        """All customers by age, or segments at the age that all were watched for."""
        if self.reason:
            return None
        if self.by is None:
            return curve_chart(self.segments[0].curve)
        import pandas as pd

        rows = [(self.name(s), s.curve.at(self.age)[0]) for s in self.large] if self.age else []
        if not rows:
            return None
        caption = tr("Bought again within {days} of the first purchase",
                     days=show(self.age, "days"))  # fmt: skip
        return bar_chart(pd.DataFrame(rows, columns=["name", "value"]), caption=caption,
                         unit="share")  # fmt: skip


def median_finding(curve: Curve, *, key: str) -> Finding:
    """When half have come back, or how many have by the oldest age that is known."""
    median, low, high = curve.median
    given = {"customers": show(curve.customers, "count"), "again": show(curve.events, "count")}
    if curve.customers < LEAST:
        text = ntr(
            "{customers} customer is too few to tell how soon customers come back ({again} did).",
            "{customers} customers are too few to tell how soon customers come back ({again} did).",
            curve.customers,
            **given,
        )
        return Finding(key=key, level="info", text=text)
    age = max((a for a in AGES if a <= curve.longest), default=0)
    share, least, most = curve.at(age) if age else (float("nan"),) * 3
    numbers = {"median": median, "low": low, "high": high, "age": age, "share": share}
    if not isnan(median) and isnan(low):
        text = tr(
            "Half of the {customers} customers buy a second time within {median} (limits cannot be "
            "told); those who have not come back yet are counted as still watched.",
            median=show(median, "days"),
            **given,
        )
    elif not isnan(median) and isnan(high):
        text = tr(
            "Half of the {customers} customers buy a second time within {median} (at least {low}, "
            "no upper limit); those who have not come back yet are counted as still watched.",
            median=show(median, "days"),
            low=show(low, "days"),
            **given,
        )
    elif not isnan(median):
        text = tr(
            "Half of the {customers} customers buy a second time within {median} ({low} to "
            "{high}); those who have not come back yet are counted as still watched.",
            median=show(median, "days"),
            low=show(low, "days"),
            high=show(high, "days"),
            **given,
        )
    elif age:
        text = tr(
            "Fewer than half of the {customers} customers buy a second time: {share} have within "
            "{age} ({low} to {high}), those who were not watched for so long counted as long as "
            "they were.",
            share=show(share, "share"),
            age=show(age, "days"),
            low=show(least, "share"),
            high=show(most, "share"),
            **given,
        )
    else:
        text = tr("The history is too short to tell how soon customers come back.")
    return Finding(key=key, level="info", text=text, evidence=numbers)


def curve_chart(curve: Curve) -> Chart | None:
    """Share that has bought again by each of the ages."""
    import pandas as pd

    rows = [(show(age, "days"), curve.at(age)[0]) for age in AGES if age <= curve.longest]
    if not rows:
        return None
    frame = pd.DataFrame(rows, columns=["name", "value"])
    return bar_chart(frame, caption=tr("Share that has bought again, by time"), unit="share")


def follow_survival(
    source: Source,
    *,
    as_of: dt.date | str,
    by: By | None = None,
    time_zone: str | None = None,
) -> Survival:
    """Follow customers from the first purchase to the second, Kaplan and Meier (1958).

    Customers who have not come back by ``as_of`` are censored there. Segments are
    compared by Mantel's log-rank test (1966) where they hold at least 30 customers.

    Args:
        source: A store, or tables of any engine by canonical name.
        as_of: Last local day of payment that counts.
        by: What the first purchase is told by; None for all customers together.
        time_zone: IANA zone of the days; the store's by default.

    Raises:
        MissingDataError: No known buyer has bought by then.
        ParameterError: An argument has an impossible value.
    """
    if by is not None:
        require_choice(by, By, name="by")
    view = OrdersView(source, as_of=as_of, by=None, time_zone=time_zone)
    reason = why_untold(view, by)
    waits = None if reason else _wait_second(view, label_customers(view, by))
    if waits is not None and by is not None and waits["cohort"].isna().all():
        reason = tr(UNTOLD[by])
    segments = () if reason or waits is None else _segments(waits, by)
    named = [s.value for s in segments if s.kind == "named"]
    names = product_names(view, sorted(map(str, named))) if by == "product" and named else {}
    chi, p = _test(waits, segments)
    return Survival(
        by=by,
        segments=segments,
        names=names,
        chi_squared=chi,
        p_value=p,
        as_of=view.as_of,
        apart=None if reason else view.apart(),
        notes=coverage_findings(view),
        reason=reason,
    )


def _wait_second(view: OrdersView, labels: Frame) -> pd.DataFrame:
    """Customers by cohort, days to the second purchase or to the last day, and whether made."""
    rows = view.days().filter(nw.col("orders") > 0).join(labels, on="buyer_key", how="inner")
    later = day_number("day") - day_number("first_day")
    told = rows.with_columns(
        later=nw.when(later > 0).then(later),
        seen=nw.lit(view.as_of.toordinal()) - day_number("first_day"),
    )
    each = told.group_by("buyer_key", "cohort").agg(
        wait=nw.col("later").min(), seen=nw.col("seen").max()
    )
    told = each.with_columns(
        again=~nw.col("wait").is_null(), wait=nw.coalesce("wait", "seen").cast(nw.Int64)
    )
    held = frames.bring(told.group_by("cohort", "again", "wait").agg(customers=nw.len()))
    if held.empty:
        raise MissingDataError(nobody_words(view.as_of))
    held = held.astype({"customers": int, "wait": int})
    return held.sort_values(["wait", "again"], ignore_index=True)


def _segments(waits: pd.DataFrame, by: By | None) -> tuple[SegmentCurve, ...]:
    kinds = pool_cohorts(waits.dropna(subset=["cohort"]).groupby("cohort")["customers"].sum(), by)
    small = [value for value, kind in kinds.items() if kind == "other"]
    parts = [(v, "named", waits[waits["cohort"] == v]) for v, kind in kinds.items()
             if kind == "named"]  # fmt: skip
    parts += [(None, "other", waits[waits["cohort"].isin(small)])]
    parts += [(None, "untold", waits[waits["cohort"].isna()])]
    return tuple(
        SegmentCurve(
            value=value, kind=kind, curve=fit_curve(held["wait"], held["again"], held["customers"])
        )
        for value, kind, held in parts
        if len(held)
    )


def _test(waits: pd.DataFrame | None, segments: tuple[SegmentCurve, ...]) -> tuple[float, float]:
    """Log-rank of the named segments of enough customers."""
    if waits is None:
        return float("nan"), float("nan")
    large = [s.value for s in segments if s.kind == "named" and s.curve.customers >= LEAST]
    held = (waits[waits["cohort"] == value] for value in large)
    return compare_curves([(part["wait"], part["again"], part["customers"]) for part in held])
