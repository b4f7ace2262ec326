"""Did the campaign's new customers come back? At equal age, against those of ordinary days."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import narwhals as nw

from ecops_lib.campaigns.campaign import Campaign
from ecops_lib.campaigns.editions import find_campaigns
from ecops_lib.core.checks import as_day
from ecops_lib.core.errors import MissingDataError
from ecops_lib.core.findings import Finding
from ecops_lib.core.formats import Unit, show
from ecops_lib.core.language import mark, tr
from ecops_lib.core.results import Result
from ecops_lib.data import frames
from ecops_lib.metrics.bases import Source, Tables

if TYPE_CHECKING:
    import pandas as pd

AGE_MOST, AGE_LEAST = 60, 7
"""Days after the first purchase in which a second one counts: as many as all have had."""
ORDINARY_DAYS = 120
"""Days before the campaign whose new customers are compared with."""
FEW = 10


@dataclass(frozen=True, kw_only=True, eq=False)
class NewCustomers(Result):
    """New customers of the campaign and of ordinary days, and how many bought again.

    Attributes:
        frame: One row a group: ``group``, ``customers``, ``again``, ``rate`` with its 95 %
            interval (Wilson).
        age: Days after the first purchase that count, the same for everybody.
        difference: Rate of the campaign's less that of ordinary days, with its interval
            (Newcombe's).
    """

    sheet: ClassVar[str] = mark("New customers who came back")
    units: ClassVar[Mapping[str, Unit]] = {
        "customers": "count", "again": "count", "rate": "share", "low": "share", "high": "share",
    }  # fmt: skip
    labels: ClassVar[Mapping[str, str]] = {
        "group": mark("Won"),
        "customers": mark("New customers"),
        "again": mark("Bought again"),
        "rate": mark("Share"),
        "low": mark("From"),
        "high": mark("To"),
    }

    frame: pd.DataFrame
    age: int
    difference: tuple[float, float, float]

    def to_frame(self) -> pd.DataFrame:
        """One row a group."""
        return self.frame.assign(group=[tr(GROUPS[g]) for g in self.frame["group"]])

    def findings(self) -> tuple[Finding, ...]:
        """Whether they come back more or less than those of ordinary days."""
        value, low, high = self.difference
        mine, usual = (float(rate) for rate in self.frame["rate"])
        given = {
            "age": self.age,
            "mine": show(mine, "share"),
            "usual": show(usual, "share"),
            "low": show(low, "points", sign=True),
            "high": show(high, "points", sign=True),
        }
        evidence = {"difference": value, "low": low, "high": high}
        if low > 0:
            text = tr(
                "The campaign's new customers come back more: {mine} bought again within {age} "
                "days, {usual} of those won on ordinary days ({low} to {high}).", **given,
            )  # fmt: skip
            return (Finding(key="campaign/loyalty", level="good", text=text, evidence=evidence),)
        if high < 0:
            text = tr(
                "The campaign's new customers come back less: {mine} bought again within {age} "
                "days, {usual} of those won on ordinary days ({low} to {high}).", **given,
            )  # fmt: skip
            return (Finding(key="campaign/loyalty", level="watch", text=text, evidence=evidence),)
        text = tr(
            "Whether the campaign's new customers come back as others do cannot be told: {mine} "
            "and {usual} within {age} days ({low} to {high}).", **given,
        )  # fmt: skip
        return (Finding(key="campaign/loyalty", level="info", text=text, evidence=evidence),)


GROUPS: Mapping[str, str] = {
    "campaign": mark("by the campaign"),
    "ordinary": mark("on ordinary days"),
}


def compare_newcomers(
    source: Source, *, campaign: Campaign, as_of: dt.date | str, time_zone: str | None = None
) -> NewCustomers:
    """Compare the campaign's new customers with those of ordinary days before it.

    A customer is new on the day of the first paid order that the store holds. Everybody is
    watched for as many days as the youngest of the campaign's has had, at most sixty.

    Args:
        source: A store, or tables by canonical name.
        campaign: The campaign.
        as_of: Last local day that counts.
        time_zone: IANA zone of the days; the store's by default.

    Raises:
        MissingDataError: Too few days have gone by, or too few new customers are known.

    References:
        Wilson (1927), JASA 22, 209-212; Newcombe (1998), Statistics in Medicine 17, 873-890,
        method 10.
    """
    import pandas as pd

    last = as_day(as_of, name="as_of")
    age = min((last - campaign.selling[1]).days, AGE_MOST)
    if age < AGE_LEAST:
        raise MissingDataError(tr(
            "Only {days} days have gone by since the campaign; from {least} on this section tells "
            "who came back.", days=show(max(age, 0), "count"), least=AGE_LEAST,
        ))  # fmt: skip
    cohorts = _cohorts(Tables(source, time_zone=time_zone), last, age)
    day = cohorts["first"].dt.date
    mine = (day >= campaign.selling[0]) & (day <= campaign.selling[1])
    begin = campaign.first - ORDINARY_DAYS * frames.DAY
    other_days = {d for c in find_campaigns(source, time_zone=time_zone) for d in c.days_of()}
    until = campaign.first - frames.DAY
    ordinary = (day >= begin) & (day <= until) & ~day.isin(other_days)
    ordinary &= (pd.Timestamp(last) - cohorts["first"]).dt.days >= age
    rows = []
    for name, kept in (("campaign", mine), ("ordinary", ordinary)):
        count, again = (int(cohorts.loc[kept, c].sum()) for c in ("customers", "again"))
        if count < FEW:
            raise MissingDataError(tr(
                "Only {count} new customers are known {group}, too few to compare.",
                count=show(count, "count"), group=tr(GROUPS[name]),
            ))  # fmt: skip
        low, high = wilson(again, count)
        rows.append((name, count, again, again / count, low, high))
    frame = pd.DataFrame(rows, columns=list(NewCustomers.labels))
    return NewCustomers(frame=frame, age=age, difference=_newcombe(frame))


def _cohorts(tables: Tables, last: dt.date, age: int) -> pd.DataFrame:
    """New customers by first day, and how many bought again within the age."""
    span = tables.span("orders", "created_at")
    if span is None:
        raise MissingDataError(tr("The store holds no order, so no campaign can be told."))
    first, zone = span[0], tables.zone
    rows = tables.lazy("orders").filter(
        frames.within("paid_at", first, last, zone) & ~nw.col("buyer_key").is_null()
    )
    days = rows.select("buyer_key", day=frames.local_day("paid_at", first, last, zone))
    begun = days.group_by("buyer_key").agg(first=nw.col("day").min())
    both = days.join(begun, on="buyer_key", how="inner")
    later = both.filter(nw.col("day") > nw.col("first"))
    second = later.group_by("buyer_key", "first").agg(second=nw.col("day").min())
    waits = frames.bring(second.group_by("first", "second").agg(again=nw.len()))
    soon = waits[(waits["second"] - waits["first"]).dt.days <= age]
    held = frames.bring(begun.group_by("first").agg(customers=nw.len()), sort=["first"])
    again = soon.groupby("first")["again"].sum()
    return held.assign(again=again.reindex(held["first"]).fillna(0).to_numpy(int))


def wilson(hits: int, tries: int, *, z: float = 1.959964) -> tuple[float, float]:
    """Wilson's 95 % interval of a share.

    >>> [round(v, 4) for v in wilson(15, 148)]
    [0.0624, 0.1605]
    """
    share, step = hits / tries, z**2 / tries
    middle = (share + step / 2) / (1 + step)
    reach = math.sqrt(share * (1 - share) / tries + step / tries / 4) * z / (1 + step)
    return middle - reach, middle + reach


def _newcombe(frame: pd.DataFrame) -> tuple[float, float, float]:
    one, two = frame.iloc[0], frame.iloc[1]
    gap = float(one["rate"] - two["rate"])
    down = math.hypot(one["rate"] - one["low"], two["high"] - two["rate"])
    up = math.hypot(one["high"] - one["rate"], two["rate"] - two["low"])
    return gap, gap - down, gap + up
