"""The funnel: visitors, cart, order, payment, each step with what it counts."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, ClassVar, Literal

from ecops_lib.core.charts import Chart, funnel_chart
from ecops_lib.core.checks import as_day, require_choice, require_span
from ecops_lib.core.errors import MissingDataError
from ecops_lib.core.findings import Finding
from ecops_lib.core.formats import Unit, is_missing, show
from ecops_lib.core.language import mark, tr
from ecops_lib.core.results import Result
from ecops_lib.metrics.bases import Bases, Source, Tables
from ecops_lib.metrics.facts import COLUMNS
from ecops_lib.metrics.measuring import DIMENSION_LABELS, Measures, measure_spans
from ecops_lib.metrics.notes import Note

if TYPE_CHECKING:
    import pandas as pd

FunnelSplit = Literal["", "day", "product", "channel"]
STEPS: Mapping[str, str] = {
    "visitors": mark("Visitors"),
    "cart_visitors": mark("Added to cart"),
    "ordering_buyers": mark("Ordered"),
    "buyers": mark("Paid"),
}
RATES: Mapping[str, tuple[str, str]] = {
    "cart_rate": ("cart_visitors", "visitors"),
    "order_rate": ("ordering_buyers", "visitors"),
    "pay_rate": ("buyers", "ordering_buyers"),
    "conversion_rate": ("buyers", "visitors"),
}


@dataclass(frozen=True, kw_only=True, eq=False)
class Funnel(Result):
    """People at each step of the way to a payment.

    Attributes:
        frame: One row a group: people at each step, then the rates.
        by: What the rows are split by; empty for the whole shop.
        start: First day.
        end: Last day, included.
        refused: Steps that could not be counted, each with the reason.
        bases: Time zone, refund basis, pre-sale rule.
        notes: What a reader of the numbers must know.
    """

    sheet: ClassVar[str] = mark("Funnel")
    labels: ClassVar[Mapping[str, str]] = {
        **DIMENSION_LABELS,
        **STEPS,
        "cart_rate": mark("Cart over visitors"),
        "order_rate": mark("Ordered over visitors"),
        "pay_rate": mark("Paid over ordered"),
        "conversion_rate": mark("Paid over visitors"),
    }
    units: ClassVar[Mapping[str, Unit]] = {
        "day": "day",
        **dict.fromkeys(STEPS, "count"),
        **dict.fromkeys(RATES, "share"),
    }

    frame: pd.DataFrame
    by: FunnelSplit
    start: dt.date
    end: dt.date
    bases: Bases
    refused: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[Note, ...] = ()

    def to_frame(self) -> pd.DataFrame:
        """One row a group: people at each step, then the rates."""
        return self.frame

    def findings(self) -> tuple[Finding, ...]:
        """The weakest step, what could not be counted, and what each step counts."""
        missing = tuple(
            Finding(key=f"funnel/missing/{key}", level="info", text=text)
            for key, text in self.refused.items()
        )
        grains = Finding(key="funnel/grain", level="info", text=tr(GRAIN))
        notes = tuple(note.finding() for note in self.notes)
        return (*self._steps(), *missing, *notes, grains)

    def _steps(self) -> tuple[Finding, ...]:
        if self.by:
            return ()
        row = self.frame.iloc[0]
        held = [(name, float(row[name])) for name in STEPS if not is_missing(row[name])]
        found = []
        for (before, many), (after, few) in pairwise(held):
            words = {
                "before": tr(STEPS[before]),
                "after": tr(STEPS[after]),
                "many": show(many, "count"),
                "few": show(few, "count"),
                "share": show(few / many if many else float("nan"), "share"),
            }
            text = tr("{before}: {many}; {after}: {few} ({share}).", **words)
            numbers = {"before": many, "after": few}
            found.append(Finding(key=f"funnel/{after}", level="info", text=text, evidence=numbers))
        return tuple(found)

    def chart(self) -> Chart | None:
        """The steps as a funnel, for a whole shop with at least two steps."""
        import pandas as pd

        if self.by:
            return None
        row = self.frame.iloc[0]
        held = [(tr(STEPS[name]), float(row[name])) for name in STEPS if not is_missing(row[name])]
        if len(held) < 2:
            return None
        return funnel_chart(pd.DataFrame(held, columns=["name", "value"]), caption=tr(self.sheet))


GRAIN = mark(
    "Visitors and cart are people as the platform counts them in a day; ordered and paid are "
    "distinct buyers of the orders. A buyer may pay on another day than that of the visit."
)


def build_funnel(
    source: Source,
    *,
    start: dt.date | str,
    end: dt.date | str,
    by: FunnelSplit = "",
    time_zone: str | None = None,
) -> Funnel:
    """Count the people at each step: visitors, cart, order, payment.

    Over several days visitors have no exact count (the same person may come twice),
    so the rates of visitors are missing there: split by day.

    Args:
        source: A store, or tables by canonical name.
        start: First local day.
        end: Last local day, included.
        by: Split by day, product or channel; empty for the whole shop.
        time_zone: IANA zone of the days; the store's by default.

    Raises:
        MissingDataError: No step can be counted.
    """
    require_choice(by, FunnelSplit, name="by")
    first, last = as_day(start, name="start"), as_day(end, name="end")
    require_span(first, last)
    tables = Tables(source, time_zone=time_zone)
    held = measure_spans(
        tables, tuple(STEPS), spans=((first, last),), by=(by,) if by else (), lenient=True
    )
    if not held.metrics:
        raise MissingDataError(next(iter(held.refused.values())))
    return Funnel(
        frame=_with_rates(held),
        by=by,
        start=first,
        end=last,
        bases=held.bases,
        refused=held.refused,
        notes=held.notes,
    )


def _with_rates(held: Measures) -> pd.DataFrame:
    columns = [COLUMNS[name] for name in held.by]
    frame = held.frame.reindex(columns=[*columns, *STEPS])
    for rate, (part, whole) in RATES.items():
        frame[rate] = frame[part] / frame[whole].where(frame[whole] > 0)
    return frame
