"""Targets by day: what each day of a campaign must bring, from the curves of past editions."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from ecops_lib.campaigns.campaign import Campaign
from ecops_lib.campaigns.plan.past import (
    Floats,
    known_editions,
    paid_by_day,
    selling_days,
    shares_of,
    visits_by_day,
)
from ecops_lib.core.charts import Chart, line_chart
from ecops_lib.core.checks import as_day
from ecops_lib.core.findings import Finding
from ecops_lib.core.formats import Unit, show
from ecops_lib.core.language import mark, ntr, tr
from ecops_lib.core.results import Result
from ecops_lib.metrics.bases import Source, Tables

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, kw_only=True, eq=False)
class DailyTargets(Result):
    """What each selling day is to bring.

    Attributes:
        campaign: The campaign.
        editions: Past editions that the curve is the mean of; none for an even one.
        days: Selling days.
        share: Share of the whole on each day.
        least: Least share of that day among the editions.
        most: Greatest share.
        target: Paid amount of the whole campaign; NaN where neither told nor known.
        told: Whether the target is told, or is the last edition's result.
        visitors: Visitors of each day, summed over the products promoted; NaN where not told.
    """

    sheet: ClassVar[str] = mark("Targets by day")
    units: ClassVar[Mapping[str, Unit]] = {
        "day": "day", "share": "share", "target": "money", "least": "money", "most": "money",
        "visitors": "count",
    }  # fmt: skip
    labels: ClassVar[Mapping[str, str]] = {
        "day": mark("Day"),
        "phase": mark("Phase"),
        "share": mark("Share"),
        "target": mark("Paid amount"),
        "least": mark("From"),
        "most": mark("To"),
        "visitors": mark("Visitors"),
    }

    campaign: Campaign
    editions: tuple[Campaign, ...]
    days: tuple[dt.date, ...]
    share: Floats
    least: Floats
    most: Floats
    target: float
    told: bool
    visitors: Floats

    def to_frame(self) -> pd.DataFrame:
        """One row a selling day."""
        import pandas as pd

        from ecops_lib.data.calendar.festivals import PHASES

        phases = [self.campaign.phase_of(day) for day in self.days]
        return pd.DataFrame(
            {
                "day": pd.to_datetime(list(self.days)),
                "phase": [tr(PHASES[phase]) if phase else "" for phase in phases],
                "share": self.share,
                "target": self.target * self.share,
                "least": self.target * self.least,
                "most": self.target * self.most,
                "visitors": self.visitors,
            }
        )

    def findings(self) -> tuple[Finding, ...]:
        """What the targets are broken down by, and the day that matters most."""
        told = []
        if math.isnan(self.target):
            text = tr("No target is told and no past edition known; write targets into store.toml.")
            return (Finding(key="targets/none", level="watch", text=text),)
        if not self.told:
            text = tr(
                "No target is told, so the last edition's {target} is broken down.",
                target=show(self.target, "money"),
            )
            told.append(Finding(key="targets/last", level="info", text=text))
        if not self.editions:
            text = tr(
                "No past edition of its kind is known, so every day gets the same; the first and "
                "the last day of a sale usually bring more."
            )
            return (*told, Finding(key="targets/even", level="watch", text=text))
        best = int(np.argmax(self.share))
        text = ntr(
            "By {count} past edition, {day} brings most: {share} of the whole, {money}.",
            "By {count} past editions, {day} brings most: {share} of the whole, {money}.",
            len(self.editions),
            count=show(len(self.editions), "count"),
            day=show(self.days[best], "day"),
            share=show(self.share[best], "share"),
            money=show(self.target * self.share[best], "money"),
        )
        return (*told, Finding(key="targets/best", level="info", text=text))

    def chart(self) -> Chart | None:
        """The targets by day with what the editions spread."""
        if math.isnan(self.target) or len(self.days) < 2:
            return None
        return line_chart(
            self.to_frame(), caption=tr("Paid amount that each day is to bring"), unit="money",
            labels={"target": tr("Target"), "least": tr("As past editions spread")},
            value="target", band=("least", "most"),
        )  # fmt: skip


def break_down_targets(
    source: Source, *, campaign: Campaign, as_of: dt.date | str, time_zone: str | None = None
) -> DailyTargets:
    """Break a campaign's target down by day, as past editions of its kind went.

    The share of a day is the mean of the editions' shares, each edition counting the same;
    one of another length is stretched by share of time. Visitors are broken down by the
    visitors' own curve.

    Args:
        source: A store, or tables by canonical name.
        campaign: The campaign.
        as_of: Last local day that counts; editions that were not over by then do not.
        time_zone: IANA zone of the days; the store's by default.

    Raises:
        MissingDataError: There are no orders.
    """
    day = as_day(as_of, name="as_of")
    tables = Tables(source, time_zone=time_zone)
    editions = known_editions(source, campaign, as_of=day, time_zone=time_zone)
    days = selling_days(campaign)
    paid = [paid_by_day(source, c.products, selling_days(c), time_zone) for c in editions]
    visits = [visits_by_day(tables, c.products, selling_days(c))[0] for c in editions]
    shares = shares_of(paid, len(days))
    even = np.full(len(days), 1 / len(days))
    target = campaign.targets.get("paid_amount", math.nan)
    last = float(paid[-1].sum()) if paid else math.nan
    goal = campaign.targets.get("visitors", math.nan)
    came = shares_of([v for v in visits if not np.isnan(v).any()], len(days))
    return DailyTargets(
        campaign=campaign,
        editions=editions if len(shares) else (),
        days=tuple(days),
        share=shares.mean(axis=0) if len(shares) else even,
        least=shares.min(axis=0) if len(shares) else even,
        most=shares.max(axis=0) if len(shares) else even,
        target=last if math.isnan(target) else target,
        told=not math.isnan(target),
        visitors=goal * (came.mean(axis=0) if len(came) else even),
    )
