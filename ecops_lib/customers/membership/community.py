"""Chat groups of the private domain: members, activity, content plan and contribution."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from math import nan
from typing import TYPE_CHECKING, ClassVar

from ecops_lib.core.charts import Chart, bar_chart
from ecops_lib.core.checks import require_between
from ecops_lib.core.errors import ParameterError
from ecops_lib.core.findings import Action, Finding
from ecops_lib.core.formats import Unit, show
from ecops_lib.core.language import mark, ntr, tr
from ecops_lib.core.names import short_name
from ecops_lib.core.results import Result
from ecops_lib.customers.firsts import LEAST
from ecops_lib.customers.membership.content import NAMED, ContentPlan, make_plan
from ecops_lib.customers.membership.groups import SUMS, WEEK, Groups, sum_groups
from ecops_lib.customers.membership.landmark import Landmark, compare_after
from ecops_lib.customers.people import MILS
from ecops_lib.metrics.bases import Source

if TYPE_CHECKING:
    import pandas as pd

MOST = 40
"""Groups that stand alone in the table; the smaller ones are put together."""
DOUBT = 0.05
HALF = 0.5
"""A group goes quiet where its active rate is less than this share of the one before."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Community(Result):
    """Chat groups over a span of days.

    Attributes:
        frame: One row a group told of in the span, ``group_id``, and sums over its days:
            ``active`` members and ``watched`` members on the same days; ``planned`` and
            ``made`` posts; ``posts`` and ``clicks``; ``joined`` and ``left``; ``orders``
            and ``mils`` paid through its links [1/10,000 of the store currency]; ``size``,
            mean members a day; ``members`` on the last day of all (missing where the
            group is not told of then); ``active_before`` and ``watched_before`` of the
            span before; ``active_last`` and ``watched_last`` of the last week;
            ``mismatch``, members by the count less members by the moves (NaN where the
            moves are not told in full).
        gone: Groups that were told of before, and not in the span.
        paid: What the shop took on the same days, gross [store currency]; NaN if untold.
        plan: Posts made against the content plan.
        repurchase: Members of the community against others after a landmark.
        start: First day of the span.
        as_of: Last day of it.
        last: Last day told.
        owner: Who sees to it.
    """

    sheet: ClassVar[str] = mark("Chat groups")
    units: ClassVar[Mapping[str, Unit]] = {
        "members": "count",
        "joined": "count",
        "left": "count",
        "active_rate": "share",
        "planned": "count",
        "made": "count",
        "kept": "share",
        "clicks_each": "ratio",
        "orders": "count",
        "amount": "money",
        "amount_share": "share",
        "amount_each": "money",
    }
    labels: ClassVar[Mapping[str, str]] = {
        "group": mark("Group"),
        "members": mark("Members at the end"),
        "joined": mark("Joined"),
        "left": mark("Left"),
        "active_rate": mark("Active a day"),
        "planned": mark("Posts planned"),
        "made": mark("Posts made"),
        "kept": mark("Made to planned"),
        "clicks_each": mark("Clicks a post"),
        "orders": mark("Orders by links"),
        "amount": mark("Paid by links, gross"),
        "amount_share": mark("Share of the shop's"),
        "amount_each": mark("Paid a member"),
    }

    frame: pd.DataFrame
    gone: tuple[str, ...]
    paid: float
    plan: ContentPlan
    repurchase: Landmark
    start: dt.date
    as_of: dt.date
    last: dt.date
    owner: str

    def to_frame(self) -> pd.DataFrame:
        """One row a group, the largest amount first, then small ones together, then all."""
        import pandas as pd

        held = self.frame.sort_values(["mils", "size", "group_id"], ascending=[False, False, True])
        few = MOST if len(held) > MOST + 1 else len(held)
        rows = [
            self._row(short_name(g), part) for g, part in held[:few].groupby("group_id", sort=False)
        ]
        if few < len(held):
            rows.append(self._row(tr("all others"), held[few:]))
        rows.append(self._row(tr("All groups (a person counts once a group)"), held))
        return pd.DataFrame(rows, columns=list(self.labels))

    def _row(self, name: str, part: pd.DataFrame) -> dict[str, object]:
        s = part[[*SUMS, "size"]].sum()
        amount = s["mils"] / MILS
        return {
            "group": name,
            "members": part["members"].sum(min_count=1),
            "joined": s["joined"],
            "left": s["left"],
            "active_rate": ratio(s["active"], s["watched"]),
            "planned": s["planned"],
            "made": s["made"],
            "kept": ratio(s["made"], s["planned"]),
            "clicks_each": ratio(s["clicks"], s["posts"]),
            "orders": s["orders"],
            "amount": amount,
            "amount_share": ratio(amount, self.paid),
            "amount_each": ratio(amount, s["size"]),
        }

    @cached_property
    def totals(self) -> dict[str, float]:
        """Sums over all groups."""
        import pandas as pd

        numbers = self.frame.drop(columns="group_id")
        return {str(k): float(v) for k, v in pd.Series(numbers.sum()).items()}

    def findings(self) -> tuple[Finding, ...]:
        """Members, activity, contribution, what calls for action, and what is not told."""
        told = (self._losing(), self._quiet(), self._size(), self._active(), self._brought())
        rest = (self._stale(), self._mismatch(), self._gone())
        return (
            *(f for f in told if f),
            *self.plan.findings(),
            *self.repurchase.findings(),
            *(f for f in rest if f),
        )

    def _size(self) -> Finding:
        held = self.frame["members"].dropna()
        most, every = (float(held.max()), float(held.sum())) if len(held) else (0.0, 0.0)
        given = {
            "day": show(self.last, "day"),
            "groups": show(len(held), "count"),
            "sum": show(every, "count"),
            "most": show(most, "count"),
        }
        if len(held) == 1:
            text = tr("On {day} one group holds {sum} members.", **given)
        else:
            text = tr(
                "On {day} {groups} groups hold {sum} members; as one person may be in several, "
                "they are between {most} and {sum} people.",
                **given,
            )
        numbers = {"groups": float(len(held)), "most": most, "sum": every}
        return Finding(key="community/members", level="info", text=text, evidence=numbers)

    def _active(self) -> Finding | None:
        s = self.totals
        now, before = (ratio(s[f"active{w}"], s[f"watched{w}"]) for w in ("", "_before"))
        if not now >= 0:
            return None
        given = {"rate": show(now, "share"), "before": show(before, "share"),
                 "start": show(self.start, "day"), "end": show(self.as_of, "day")}  # fmt: skip
        if before >= 0:
            text = tr(
                "From {start} to {end} {rate} of the members were active on a day, {before} in the "
                "span before; how many people that were over the days cannot be told.",
                **given,
            )
        else:
            text = tr(
                "From {start} to {end} {rate} of the members were active on a day; how many people "
                "that were over the days cannot be told.",
                **given,
            )
        numbers = {"rate": now, "before": before}
        return Finding(key="community/active", level="info", text=text, evidence=numbers)

    def _brought(self) -> Finding:
        amount = self.totals["mils"] / MILS
        share = ratio(amount, self.paid)
        given = {
            "orders": show(self.totals["orders"], "count"),
            "amount": show(amount, "money"),
            "share": show(share, "share"),
            "paid": show(self.paid, "money"),
        }
        if self.paid > 0:
            text = tr(
                "{orders} orders of {amount} came through the groups' links, {share} of the {paid} "
                "that the shop took on the same days (gross, as the group tool counts). What would "
                "have been bought without the groups cannot be told.",
                **given,
            )
        else:
            text = tr(
                "{orders} orders of {amount} came through the groups' links (gross, as the group "
                "tool counts); what share of the shop's that is cannot be told, for no orders of "
                "the same days are known.",
                **given,
            )
        numbers = {"amount": amount, "paid": self.paid, "share": share}
        return Finding(key="community/amount", level="info", text=text, evidence=numbers)

    def losing(self) -> pd.DataFrame:
        """Groups that more members left than joined, beyond chance (sign test, Bonferroni)."""
        from scipy.stats import binom

        held = self.frame[self.frame["joined"] + self.frame["left"] > 0]
        chance = binom.sf(held["left"] - 1, held["joined"] + held["left"], 0.5)
        lost: pd.DataFrame = held[chance < DOUBT / max(1, len(held))]
        lost = lost.assign(lost=lost["left"] - lost["joined"])
        return lost.sort_values(["lost", "group_id"], ascending=[False, True])

    def _losing(self) -> Finding | None:
        lost = self.losing()
        if lost.empty:
            return None
        text = ntr(
            "{count} group loses members beyond chance, {lost} more left than joined: {names}.",
            "{count} groups lose members beyond chance, {lost} more left than joined: {names}.",
            len(lost),
            count=show(len(lost), "count"),
            lost=show(lost["lost"].sum(), "count"),
            names=named(lost["group_id"]),
        )
        todo = tr("ask those who left why, and look at what was posted before they did")
        numbers = {"groups": float(len(lost)), "lost": float(lost["lost"].sum())}
        return Finding(key="community/losing", level="watch", text=text, evidence=numbers,
                       action=Action(text=todo, owner=self.owner))  # fmt: skip

    def quiet(self) -> pd.DataFrame:
        """Groups without an active member in the last week, or half as active as before."""
        held = self.frame
        silent = (held["watched_last"] > 0) & (held["active_last"] == 0)
        busy = held["active"] + held["active_before"] >= LEAST
        known = (held["active_before"] >= LEAST) & (held["watched"] > 0)
        now = held["active"] * held["watched_before"]
        fallen = known & (now < HALF * held["active_before"] * held["watched"])
        return held[(silent & busy) | fallen].sort_values(
            ["size", "group_id"], ascending=[False, True]
        )

    def _quiet(self) -> Finding | None:
        held = self.quiet()
        if held.empty:
            return None
        text = ntr(
            "{count} group goes quiet: nobody active in the last week, or less than half as many "
            "as in the span before: {names}.",
            "{count} groups go quiet: nobody active in the last week, or less than half as many "
            "as in the span before: {names}.",
            len(held),
            count=show(len(held), "count"),
            names=named(held["group_id"]),
        )
        todo = tr("wake them with an offer or a topic of their own, or merge them with others")
        numbers = {"groups": float(len(held)), "size": float(held["size"].sum())}
        return Finding(key="community/quiet", level="watch", text=text, evidence=numbers,
                       action=Action(text=todo, owner=self.owner))  # fmt: skip

    def _mismatch(self) -> Finding | None:
        held = self.frame[self.frame["mismatch"].fillna(0) != 0]
        if held.empty:
            return None
        text = ntr(
            "In {count} group members do not add up: those before, more those who joined, less "
            "those who left, are not those at the end: {names}.",
            "In {count} groups members do not add up: those before, more those who joined, less "
            "those who left, are not those at the end: {names}.",
            len(held),
            count=show(len(held), "count"),
            names=named(held["group_id"]),
        )
        numbers = {"groups": float(len(held))}
        return Finding(key="community/mismatch", level="watch", text=text, evidence=numbers)

    def _stale(self) -> Finding | None:
        days = (self.as_of - self.last).days
        if days < WEEK:
            return None
        text = tr(
            "The groups' statistics end on {last}, {days} before {day}: import the later ones.",
            last=show(self.last, "day"),
            days=show(days, "days"),
            day=show(self.as_of, "day"),
        )
        numbers = {"days": float(days)}
        return Finding(key="community/stale", level="watch", text=text, evidence=numbers)

    def _gone(self) -> Finding | None:
        stale = self.frame[self.frame["members"].isna()]["group_id"].tolist()
        names = [*stale, *self.gone]
        if not names:
            return None
        text = ntr(
            "{count} group is not told of on {day} any more and is not in the members: {names}.",
            "{count} groups are not told of on {day} any more and are not in the members: {names}.",
            len(names),
            count=show(len(names), "count"),
            day=show(self.last, "day"),
            names=named(names),
        )
        numbers = {"groups": float(len(names))}
        return Finding(key="community/gone", level="info", text=text, evidence=numbers)

    def chart(self) -> Chart | None:
        """Amount paid through the groups' links."""
        import pandas as pd

        held = self.frame[self.frame["mils"] > 0].sort_values("mils", ascending=False)[:12]
        if held.empty:
            return None
        rows = pd.DataFrame({"name": [short_name(g) for g in held["group_id"]],
                             "value": held["mils"] / MILS})  # fmt: skip
        return bar_chart(rows, caption=tr("Paid through the groups' links, gross"), unit="money")


def ratio(part: float, whole: float) -> float:
    """A ratio of sums; NaN where the whole is not above 0."""
    return float(part) / float(whole) if whole > 0 else nan


def named(groups: object) -> str:
    """The first few groups, and how many more there are."""
    names = [short_name(g) for g in groups]  # type: ignore[attr-defined]
    shown = tr(", ").join(names[:NAMED])
    if len(names) <= NAMED:
        return shown
    return tr("{names} and {count} more", names=shown, count=show(len(names) - NAMED, "count"))


def review_community(
    source: Source,
    *,
    as_of: dt.date | str,
    days: int = 28,
    after: int = 90,
    owner: str = "",
    time_zone: str | None = None,
) -> Community:
    """Say how many are in the chat groups, what they do there, and what comes of it.

    Members are a snapshot and are never summed over days; active members are summed over
    days only as a rate of the members of the same days.

    Args:
        source: A store, or tables of any engine by canonical name.
        as_of: Last day that counts.
        days: Length of the span, whole weeks [days].
        after: Days in which members of the community and others are watched [days].
        owner: Who sees to it; community operations by default.
        time_zone: IANA zone of the days; the store's by default.

    Raises:
        MissingDataError: There are no group statistics by then.
        ParameterError: An argument has an impossible value.
    """
    require_between(days, WEEK, 3_640, name="days")
    if days % WEEK:
        raise ParameterError(f"days is {days}; give whole weeks, such as {days // WEEK * WEEK}.")
    groups = Groups(source, as_of=as_of, days=days, time_zone=time_zone)
    owner = owner or tr("community operations")
    frame, gone = sum_groups(groups)
    return Community(
        frame=frame,
        gone=gone,
        paid=groups.paid_by_shop(),
        plan=make_plan(groups, owner=owner),
        repurchase=compare_after(
            source, groups.joiners(), as_of=groups.as_of, deed="joined", days=after,
            time_zone=time_zone,
        ),
        start=groups.as_of - dt.timedelta(days=days - 1),
        as_of=groups.as_of,
        last=groups.last,
        owner=owner,
    )  # fmt: skip
