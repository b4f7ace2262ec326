"""How far visits go: each step by first page, device, channel and product."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from ecops_lib.core.errors import MissingDataError
from ecops_lib.core.findings import Finding
from ecops_lib.core.formats import Unit, is_missing, show
from ecops_lib.core.language import mark, tr
from ecops_lib.core.names import short_name
from ecops_lib.core.results import Result
from ecops_lib.diagnosis.history import History
from ecops_lib.diagnosis.paths.visits import DIMENSIONS, STEPS, UNKNOWN, Visits, read_visits
from ecops_lib.diagnosis.search.rate_slices import RateChange, RateSlices, change_of

if TYPE_CHECKING:
    import pandas as pd

    from ecops_lib.core.charts import Chart

ADVICE: Mapping[str, str] = {
    "detail": mark(
        "look at this page on this device: what sells first should be seen without scrolling, "
        "links and pictures should load"
    ),
    "cart": mark(
        "look at the product's page there: main picture, price, coupon and date of delivery on "
        "the first screen, low ratings answered, variants in stock"
    ),
    "order": mark(
        "go from cart to order there yourself: shipping cost, coupons that do not apply and "
        "variants sold out show up here"
    ),
    "pay": mark(
        "pay a test order there: ways to pay, limits and reminders of unpaid orders"
    ),
}  # fmt: skip
"""What to look at, by the step that is not reached."""

SHOWN = 6
"""Values of a dimension on the page."""

WHOLE = 0.8
"""Visits a visitor of the platform's count below which the log is said to be a sample."""

OF_PRODUCT = "product_id"
"""Not known of visits that saw no product, so that it cannot explain why they did not."""


@dataclass(frozen=True, kw_only=True, eq=False)
class PathSteps(Result):
    """Visits by the step that they reached.

    Attributes:
        frame: One row for all visits and for each value of each dimension: ``by``, ``value``,
            the visits that reached each step, ``paid_share`` (of the visits) and
            ``paid_share_before`` [fraction; NaN where no earlier day tells it].
        start: First day.
        end: Last day.
        visitors: The platform's count of visitors, days added; NaN where it is not told.
        reason: Why there is nothing to show; empty where there is something.
    """

    sheet: ClassVar[str] = mark("Visits by step")
    labels: ClassVar[Mapping[str, str]] = {
        "by": mark("Cut by"),
        "value": mark("Name"),
        **STEPS,
        "paid_share": mark("Paid, of visits"),
        "paid_share_before": mark("Days before"),
    }
    units: ClassVar[Mapping[str, Unit]] = {
        **dict.fromkeys(STEPS, "count"), "paid_share": "share", "paid_share_before": "share",
    }  # fmt: skip

    start: dt.date
    end: dt.date
    frame: pd.DataFrame
    visitors: float = float("nan")
    reason: str = ""

    def absent(self) -> str:
        """Why there is nothing to show, if so."""
        return self.reason

    def to_frame(self) -> pd.DataFrame:
        """One row for all visits, then for each value."""
        return self.frame

    def page_frame(self) -> pd.DataFrame:
        """All visits and the values with most of them; products are in the workbook."""
        products = tr(DIMENSIONS[OF_PRODUCT])
        plain = self.frame.loc[self.frame["by"] != products]
        return plain.groupby("by", sort=False).head(SHOWN)

    def findings(self) -> tuple[Finding, ...]:
        """How many visits there were, and how many of them were paid."""
        if self.reason:
            return ()
        row = self.frame.iloc[0]
        text = tr(
            "Of {visits} visits in the event log {seen} saw a product, {cart} added to the cart "
            "and {paid} paid.",
            visits=show(row["visit"], "count"),
            seen=show(row["detail"] / row["visit"], "share"),
            cart=show(row["cart"] / row["visit"], "share"),
            paid=show(row["paid_share"], "share"),
        )
        numbers = {name: float(row[name]) for name in STEPS}
        return (Finding(key="paths/steps", level="info", text=text, evidence=numbers),
                *self._part())  # fmt: skip

    def _part(self) -> tuple[Finding, ...]:
        """That the log holds only part of the visitors, if so."""
        logged = float(self.frame.iloc[0]["visit"])
        if is_missing(self.visitors) or logged >= WHOLE * self.visitors:
            return ()
        text = tr(
            "The log holds {visits} visits where the platform counts {visitors} visitors (days "
            "added): it is a sample, and so is the money named for it.",
            visits=show(logged, "count"),
            visitors=show(self.visitors, "count"),
        )
        numbers = {"visits": logged, "visitors": self.visitors}
        return (Finding(key="paths/sample", level="info", text=text, evidence=numbers),)

    def chart(self) -> Chart:
        """The steps of all visits."""
        import pandas as pd

        from ecops_lib.core.bars import funnel_chart

        row = self.frame.iloc[0]
        steps = pd.DataFrame({"step": [tr(label) for label in STEPS.values()],
                              "visits": [row[name] for name in STEPS]})  # fmt: skip
        return funnel_chart(steps, name="step", value="visits", unit="count",
                            caption=tr("Visits by step"))  # fmt: skip


class StepSlices(RateSlices):
    """Steps of visits against what their past lets expect."""

    sheet: ClassVar[str] = mark("Where more visits ended")


def trace_visits(history: History, visits: Visits) -> PathSteps:
    """Count the visits that reached each step, by first page, channel, device and product.

    Args:
        history: The days before, which name products and tell the platform's visitors.
        visits: Visits of the period and before.
    """
    import pandas as pd

    rows = [_counted(visits.frame, "", "")]
    for name in DIMENSIONS:
        if (visits.frame[name] == UNKNOWN).all():
            continue
        groups = visits.frame.groupby(name)
        names = history.names if name == OF_PRODUCT else {}
        held = [_counted(part, tr(DIMENSIONS[name]), names.get(str(value), str(value)))
                for value, part in groups]  # fmt: skip
        rows += sorted(held, key=lambda row: (-row[2], row[1]))
    frame = pd.DataFrame(rows, columns=list(PathSteps.labels))
    told = history.shop.loc[str(visits.start) : str(visits.end), "visitors"]
    return PathSteps(
        start=visits.start, end=visits.end, visitors=float(told.sum(skipna=False)),
        frame=frame.loc[frame["visit"] > 0].reset_index(drop=True),
    )  # fmt: skip


def _counted(rows: pd.DataFrame, by: str, value: str) -> list[Any]:
    """One row: visits at least as deep as each step, and the share that paid."""
    now, past = rows.loc[rows["now"]], rows.loc[~rows["now"]]
    reached = [float(now.loc[now["depth"] >= k, "visits"].sum()) for k in range(len(STEPS))]
    before = float(past["visits"].sum())
    paid = float(past.loc[past["depth"] == len(STEPS) - 1, "visits"].sum())
    name = short_name(value) if value else (tr("not told") if by else tr("all visits"))
    return [by, name, *reached, reached[-1] / reached[0] if reached[0] else float("nan"),
            paid / before if before else float("nan")]  # fmt: skip


def find_drop_offs(history: History, visits: Visits) -> StepSlices:
    """Search the pages, devices, channels and products at which more visits ended than usual.

    Each step is a rate of its own (of the visits that reached the step before it), held
    against the earlier days. A visit lost at a step is worth the chance that a visit which
    takes the step goes on to pay, times what those who paid spent, both of the earlier days.

    Args:
        history: The days before.
        visits: Visits of the period and before.
    """
    about = {"start": visits.start, "end": visits.end, "dimensions": DIMENSIONS,
             "names": history.names}  # fmt: skip
    if not visits.comparable:
        why = tr("The event log tells too few earlier days on the same weekdays to compare with.")
        return StepSlices(reason=why, **about)  # type: ignore[arg-type]
    owner = history.settings.owners.get("product", tr("merchandising"))
    spend = _spend(history, visits)
    changes = tuple(
        _change(visits, step, spend=spend, owner=owner) for step in range(1, len(STEPS))
    )
    return StepSlices(changes=changes, **about)  # type: ignore[arg-type]


def _change(visits: Visits, step: int, *, spend: float, owner: str) -> RateChange:
    """How many of the visits that reached a step's forerunner took it."""
    key, before = list(STEPS)[step], list(STEPS)[step - 1]
    rows = visits.frame.loc[visits.frame["depth"] >= step - 1]
    rows = rows.assign(took=rows["visits"].where(rows["depth"] >= step, 0))
    sums = rows.groupby(["day", "now", *DIMENSIONS])[["visits", "took"]].sum().reset_index()
    last, took = len(STEPS) - 1, visits.reached(step, now=False)
    goes_on = visits.reached(last, now=False) / took if took else float("nan")
    names = [name for name in DIMENSIONS if step > 1 or name != OF_PRODUCT]
    return change_of(
        sums, names, tries="visits", hits="took", key=key, good=True, worth=goes_on * spend,
        name=tr("{step} → {next}", step=tr(STEPS[before]), next=tr(STEPS[key])),
        advice=tr(ADVICE[key]), owner=owner,
    )  # fmt: skip


def _spend(history: History, visits: Visits) -> float:
    """What a visit that paid spent in the earlier days; the shop's mean where no event tells it."""
    past = visits.frame.loc[~visits.frame["now"]]
    if past["told"].sum() > 0:
        return float(past["amount"].sum() / past["told"].sum())
    days = history.shop.loc[str(visits.past[-1][0]) : str(visits.past[0][1])]
    buyers = float(days["buyers"].sum())
    return float(days["paid_amount"].sum()) / buyers if buyers else float("nan")


def review_paths(history: History, *, start: dt.date, end: dt.date) -> tuple[PathSteps, StepSlices]:
    """The steps of a period's visits, and where more of them ended than usual.

    Args:
        history: The days before, up to ``end``.
        start: First local day on which a visit begins.
        end: Last one.

    Returns:
        Both; absent where there is no event log of these days.
    """
    import pandas as pd

    try:
        visits = read_visits(history, start=start, end=end)
    except MissingDataError as error:
        steps = PathSteps(start=start, end=end, frame=pd.DataFrame(), reason=str(error))
        return steps, StepSlices(start=start, end=end, reason=str(error))
    return trace_visits(history, visits), find_drop_offs(history, visits)
