"""Targets by day and hour: what each must bring, from the curves of past editions."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from ecops_lib.campaigns.campaign import Campaign
from ecops_lib.campaigns.plan.past import (
    Floats,
    buyers_by_day,
    known_editions,
    paid_by_day,
    paid_by_hour,
    selling_days,
    shares_of,
    visits_by_day,
)
from ecops_lib.core.charts import Chart, line_chart
from ecops_lib.core.checks import as_day
from ecops_lib.core.errors import MissingDataError
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
        conversion: Buyers over these visitors that each day needs, so that the whole has the
            target's; NaN where not told.
        new_share: New buyers' share of each day's buyers (whole shop); NaN where not told.
    """

    sheet: ClassVar[str] = mark("Targets by day")
    units: ClassVar[Mapping[str, Unit]] = {
        "day": "day", "share": "share", "target": "money", "least": "money", "most": "money",
        "visitors": "count", "conversion": "share", "new_share": "share",
    }  # fmt: skip
    labels: ClassVar[Mapping[str, str]] = {
        "day": mark("Day"),
        "phase": mark("Phase"),
        "share": mark("Share"),
        "target": mark("Paid amount"),
        "least": mark("From"),
        "most": mark("To"),
        "visitors": mark("Visitors"),
        "conversion": mark("Conversion"),
        "new_share": mark("New buyers' share"),
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
    conversion: Floats
    new_share: Floats

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
                "conversion": self.conversion,
                "new_share": self.new_share,
            }
        )

    def page_frame(self) -> pd.DataFrame:
        """The columns that are told."""
        return self.to_frame().dropna(axis="columns", how="all")

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
    """Break a campaign's targets down by day, as past editions of its kind went.

    The share of a day is the mean of the editions' shares, each edition counting the same;
    one of another length is stretched by share of time. Visitors, buyers and new buyers each
    follow their own curve; a day's conversion is its buyers over its visitors, so the days
    together have the target's.

    Args:
        source: A store, or tables by canonical name.
        campaign: The campaign.
        as_of: Last local day that counts; editions that were not over by then do not.
        time_zone: IANA zone of the days; the store's by default.

    Raises:
        MissingDataError: There are no orders.
    """
    day = as_day(as_of, name="as_of")
    editions = known_editions(source, campaign, as_of=day, time_zone=time_zone)
    days = selling_days(campaign)
    paid = [paid_by_day(source, c.products, selling_days(c), time_zone) for c in editions]
    shares = shares_of(paid, len(days))
    even = np.full((1, len(days)), 1 / len(days))
    target = campaign.targets.get("paid_amount", math.nan)
    last = float(paid[-1].sum()) if paid else math.nan
    curves = shares if len(shares) else even
    return DailyTargets(
        campaign=campaign,
        editions=editions if len(shares) else (),
        days=tuple(days),
        share=curves.mean(axis=0),
        least=curves.min(axis=0),
        most=curves.max(axis=0),
        target=last if math.isnan(target) else target,
        told=not math.isnan(target),
        **_people(source, campaign, editions, time_zone),
    )


def _people(
    source: Source, campaign: Campaign, editions: tuple[Campaign, ...], time_zone: str | None
) -> dict[str, Floats]:
    """Visitors, conversion and new buyers' share that each day needs."""
    tables = Tables(source, time_zone=time_zone)
    visits = [visits_by_day(tables, c.products, selling_days(c)) for c in editions]
    people = [buyers_by_day(source, selling_days(c), time_zone) for c in editions]
    length = len(selling_days(campaign))
    came, bought = (_curve([each[k] for each in visits], length) for k in (0, 1))
    new, buyers = (_curve([each[k] for each in people], length) for k in (0, 1))
    goal = {key: campaign.targets.get(key, math.nan) for key in
            ("visitors", "conversion_rate", "new_buyer_share")}  # fmt: skip
    return {
        "visitors": goal["visitors"] * came,
        "conversion": goal["conversion_rate"] * _ratio(bought, came),
        "new_share": np.minimum(1.0, goal["new_buyer_share"] * _ratio(new, buyers)),
    }


def _curve(editions: list[Floats], length: int) -> Floats:
    """Mean share of each day over the editions that are told whole; even where none is."""
    held = shares_of([curve for curve in editions if not np.isnan(curve).any()], length)
    mean: Floats = held.mean(axis=0) if len(held) else np.full(length, 1 / length)
    return mean


def _ratio(part: Floats, whole: Floats) -> Floats:
    """One curve over another; NaN where the other is nothing."""
    ratio: Floats = np.divide(part, whole, out=np.full(len(whole), np.nan), where=whole > 0)
    return ratio


@dataclass(frozen=True, kw_only=True, eq=False)
class HourlyTargets(Result):
    """What each hour of the first, the usual and the last selling day is to bring.

    Attributes:
        campaign: The campaign.
        editions: Past editions that the curves are the mean of; none where not known.
        share: Share of a day's paid amount by kind of day (``first``, ``between``, ``last``),
            each of 24 hours; kinds that the campaign or its past has not are absent.
        target: Paid amount of a mean day of each kind [store currency]; NaN where not told.
    """

    sheet: ClassVar[str] = mark("Targets by hour")
    units: ClassVar[Mapping[str, Unit]] = {
        "first_share": "share", "between_share": "share", "last_share": "share",
        "first": "money", "between": "money", "last": "money",
    }  # fmt: skip
    labels: ClassVar[Mapping[str, str]] = {
        "hour": mark("Hour"),
        "first_share": mark("First day, share"),
        "first": mark("First day"),
        "between_share": mark("Days between, share"),
        "between": mark("Days between, each"),
        "last_share": mark("Last day, share"),
        "last": mark("Last day"),
    }

    campaign: Campaign
    editions: tuple[Campaign, ...]
    share: Mapping[str, Floats]
    target: Mapping[str, float]

    def to_frame(self) -> pd.DataFrame:
        """One row an hour."""
        return self._frame(1)

    def page_frame(self) -> pd.DataFrame:
        """One row for two hours."""
        return self._frame(2)

    def _frame(self, hours: int) -> pd.DataFrame:
        import pandas as pd

        starts = range(0, 24, hours)
        held: dict[str, object] = {"hour": [f"{h:02}:00–{h + hours:02}:00" for h in starts]}
        for kind, curve in self.share.items():
            sums = curve.reshape(-1, hours).sum(axis=1)
            held[f"{kind}_share"] = sums
            if not math.isnan(self.target[kind]):
                held[kind] = sums * self.target[kind]
        return pd.DataFrame(held)

    def findings(self) -> tuple[Finding, ...]:
        """The hours that carry the first day."""
        curve = self.share["first"]
        best = int(np.argmax(curve))
        early = float(curve[:2].sum())
        text = ntr(
            "By {count} past edition, the first day's strongest hour begins at {hour} ({share} of "
            "the day); its first two hours bring {early}.",
            "By {count} past editions, the first day's strongest hour begins at {hour} ({share} "
            "of the day); its first two hours bring {early}.",
            len(self.editions), count=show(len(self.editions), "count"), hour=f"{best:02}:00",
            share=show(float(curve[best]), "share"), early=show(early, "share"),
        )  # fmt: skip
        return (Finding(key="targets/hours", level="info", text=text),)


def break_down_hours(
    source: Source, *, campaign: Campaign, as_of: dt.date | str, time_zone: str | None = None
) -> HourlyTargets:
    """Break the days' targets down by local hour, as past editions of its kind went.

    The first and the last selling day have curves of their own, for a sale opens and closes
    unlike its other days; each edition and day counts the same.

    Args:
        source: A store, or tables by canonical name.
        campaign: The campaign.
        as_of: Last local day that counts; editions that were not over by then do not.
        time_zone: IANA zone of the days; the store's by default.

    Raises:
        MissingDataError: No edition of its kind is known, or nothing was sold in it.
    """
    daily = break_down_targets(source, campaign=campaign, as_of=as_of, time_zone=time_zone)
    if not daily.editions:
        raise MissingDataError(
            tr("No past edition of its kind is known, so its hours cannot be told.")
        )
    kinds = _kinds(daily.days)
    shares, targets = {}, {}
    for kind, places in kinds.items():
        curves = [
            paid_by_hour(source, c.products, day, time_zone)
            for c in daily.editions
            for day in _kinds(selling_days(c)).get(kind, ())
        ]
        held = shares_of(curves, 24)
        if len(held):
            shares[kind] = held.mean(axis=0)
            wanted = np.isin(np.array(daily.days), np.array(places))
            targets[kind] = float(daily.target * daily.share[wanted].mean())
    if "first" not in shares:
        raise MissingDataError(tr("Nothing was sold on the first day of its past editions."))
    return HourlyTargets(
        campaign=daily.campaign, editions=daily.editions, share=shares, target=targets
    )


def _kinds(days: Sequence[dt.date]) -> dict[str, list[dt.date]]:
    """Selling days by kind: the first, the last, and those between."""
    held = {"first": list(days[:1]), "between": list(days[1:-1]), "last": list(days[1:][-1:])}
    return {kind: found for kind, found in held.items() if found}
