"""The content plan of the chat groups: posts made against posts planned, week by week."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from math import nan
from typing import TYPE_CHECKING, ClassVar

from ecops_lib.core.findings import Action, Finding
from ecops_lib.core.formats import Unit, show
from ecops_lib.core.language import mark, ntr, tr
from ecops_lib.core.names import short_name
from ecops_lib.core.results import Result
from ecops_lib.customers.membership.groups import WEEK, Groups

if TYPE_CHECKING:
    import pandas as pd

NAMED = 5
"""Groups that a sentence or a cell names."""


@dataclass(frozen=True, kw_only=True, eq=False)
class ContentPlan(Result):
    """Posts made against the plan; posts of one week make up for no other week's.

    Attributes:
        frame: One row a group and week with a plan: ``group_id``, the week's last day
            ``end``, posts ``planned``, ``made`` and ``missing``.
        owner: Who sees to it.
    """

    sheet: ClassVar[str] = mark("Content plan of the groups")
    units: ClassVar[Mapping[str, Unit]] = {
        "end": "day",
        "groups": "count",
        "planned": "count",
        "made": "count",
        "kept": "share",
        "missing": "count",
        "behind": "count",
    }
    labels: ClassVar[Mapping[str, str]] = {
        "end": mark("Week until"),
        "groups": mark("Groups with a plan"),
        "planned": mark("Posts planned"),
        "made": mark("Posts made"),
        "kept": mark("Made to planned"),
        "missing": mark("Posts missing"),
        "behind": mark("Groups behind"),
        "names": mark("Furthest behind"),
    }

    frame: pd.DataFrame
    owner: str

    def to_frame(self) -> pd.DataFrame:
        """One row a week, the latest first."""
        import pandas as pd

        rows = []
        for end, held in self.frame.groupby("end"):
            behind = held[held["missing"] > 0]
            rows.append(
                {
                    "end": end,
                    "groups": len(held),
                    "planned": held["planned"].sum(),
                    "made": held["made"].sum(),
                    "kept": held["made"].sum() / (held["planned"].sum() or nan),
                    "missing": held["missing"].sum(),
                    "behind": len(behind),
                    "names": most_missing(behind),
                }
            )
        return pd.DataFrame(rows[::-1], columns=list(self.labels))

    def findings(self) -> tuple[Finding, ...]:
        """Which groups got fewer posts than planned."""
        key, held = "community/plan", self.frame
        if held.empty:
            text = tr("No file tells both the posts planned and the posts made in a group.")
            return (Finding(key=key, level="info", text=text),)
        behind, groups = held[held["missing"] > 0], held["group_id"].nunique()
        given = {
            "weeks": show(held["end"].nunique(), "count"),
            "groups": show(groups, "count"),
            "planned": show(held["planned"].sum(), "count"),
        }
        numbers = {"groups": float(groups), "planned": float(held["planned"].sum()),
                   "missing": float(behind["missing"].sum())}  # fmt: skip
        if behind.empty:
            text = tr(
                "Every group got the posts of its content plan in each of {weeks} weeks, {planned} "
                "in all.",
                **given,
            )
            return (Finding(key=key, level="good", text=text, evidence=numbers),)
        text = ntr(
            "{count} of {groups} groups got fewer posts than planned in a week: {missing} of "
            "{planned} are missing, most in {names}.",
            "{count} of {groups} groups got fewer posts than planned in a week: {missing} of "
            "{planned} are missing, most in {names}.",
            behind["group_id"].nunique(),
            count=show(behind["group_id"].nunique(), "count"),
            missing=show(behind["missing"].sum(), "count"),
            names=most_missing(behind),
            **given,
        )
        todo = tr("make the posts of the plan, or plan fewer")
        return (
            Finding(key=key, level="watch", text=text, evidence=numbers,
                    action=Action(text=todo, owner=self.owner)),
        )  # fmt: skip


def most_missing(behind: pd.DataFrame) -> str:
    """The groups that miss most posts, with how many."""
    sums = behind.groupby("group_id")["missing"].sum().reset_index()
    worst = sums.sort_values(["missing", "group_id"], ascending=[False, True])[:NAMED]
    return tr(", ").join(
        tr("{name} ({number})", name=short_name(group), number=show(missing, "count"))
        for group, missing in zip(worst["group_id"], worst["missing"], strict=True)
    )


def make_plan(groups: Groups, *, owner: str) -> ContentPlan:
    """Set posts made against posts planned in each week of the span."""
    held = groups.weeks
    held = held[(held["week"] < groups.days // WEEK) & (held["planned"] > 0)]
    ends = [groups.as_of - dt.timedelta(days=WEEK * int(week)) for week in held["week"]]
    frame = held[["group_id", "planned", "made"]].assign(
        end=ends, missing=(held["planned"] - held["made"]).clip(lower=0)
    )
    return ContentPlan(frame=frame.reset_index(drop=True), owner=owner)
