"""Competitors' listings by day, audited before anything is told from them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, ClassVar

import narwhals as nw
import numpy as np

from ecops_lib.core.checks import as_day
from ecops_lib.core.errors import MissingDataError
from ecops_lib.core.findings import Action, Finding
from ecops_lib.core.formats import Unit, show
from ecops_lib.core.language import mark, ntr, tr
from ecops_lib.core.results import Result
from ecops_lib.data import frames
from ecops_lib.metrics.bases import Source, Tables

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = ("day", "competitor", "item_id", "title", "category", "our_product_id", "price",
           "list_price", "sales_counter", "review_count", "rating")  # fmt: skip
BREAK, USUAL, TOGETHER = 0.1, 5.0, 5
"""Share of a competitor's items that must leave at once, how many times the usual share that must
be, and how many items, for the panel to be called broken: listings leave one by one."""
MANY = 0.1
"""Share of counters that must lack for the reader to be told first."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Snapshots(Result):
    """Listings of competitors, one row a day, competitor and item.

    Attributes:
        panel: The rows, by competitor, item and day: the columns of ``competitor_items``, and
            ``before`` (price in the item's snapshot before), ``gap`` (days since it), ``sold``
            (what the counter grew by since it; NaN where a counter lacks or began anew).
        first: First day of a snapshot.
        last: Last day.
    """

    sheet: ClassVar[str] = mark("Competitors' snapshots")
    labels: ClassVar[Mapping[str, str]] = {
        "competitor": mark("Competitor"),
        "items": mark("Items now"),
        "seen": mark("Items ever seen"),
        "days": mark("Days with a snapshot"),
        "last": mark("Last snapshot"),
        "price": mark("Median price now"),
        "changes": mark("Price changes"),
        "blank": mark("Counters missing"),
        "resets": mark("Counters that began anew"),
    }
    units: ClassVar[Mapping[str, Unit]] = {
        "items": "count", "seen": "count", "days": "count", "last": "day", "price": "money",
        "changes": "count", "blank": "count", "resets": "count",
    }  # fmt: skip

    panel: pd.DataFrame
    first: dt.date
    last: dt.date

    @cached_property
    def latest(self) -> pd.DataFrame:
        """The last snapshot of each item that is still listed on its competitor's last day."""
        rows = self.panel.drop_duplicates(["competitor", "item_id"], keep="last")
        newest = self.panel.groupby("competitor")["day"].max()
        return rows[rows["day"] == rows["competitor"].map(newest)].reset_index(drop=True)

    @cached_property
    def changes(self) -> pd.DataFrame:
        """Rows whose price differs from the item's snapshot before."""
        rows = self.panel
        return rows[
            rows["before"].notna() & rows["price"].notna() & (rows["price"] != rows["before"])
        ]

    @cached_property
    def breaks(self) -> pd.DataFrame:
        """Days from which a competitor's items are missing together: items, share, usual share.

        Columns: ``competitor``, ``day`` (the first without them), ``gone``, ``share``,
        ``usual`` (median over the other days).
        """
        return _breaks(self.panel)

    def to_frame(self) -> pd.DataFrame:
        """One row a competitor, the largest first."""
        import pandas as pd

        by = self.panel.groupby("competitor")
        held = pd.DataFrame({
            "items": self.latest.groupby("competitor").size(), "seen": by["item_id"].nunique(),
            "days": by["day"].nunique(), "last": by["day"].max(),
            "price": self.latest.groupby("competitor")["price"].median(),
            "changes": self.changes.groupby("competitor").size(),
            "blank": by["sales_counter"].apply(lambda counter: int(counter.isna().sum())),
            "resets": by["reset"].sum(),
        })  # fmt: skip
        held[["items", "changes"]] = held[["items", "changes"]].fillna(0)
        return held.sort_values("items", ascending=False, kind="stable").rename_axis(
            "competitor"
        ).reset_index()  # fmt: skip

    def findings(self) -> tuple[Finding, ...]:
        """What was seen, where the panel breaks, the day of most price changes, the counters."""
        rows = self.panel
        text = tr(
            "{items} items of {competitors} competitors were seen from {first} to {last}, "
            "{rows} snapshots in all.", items=show(rows["item_id"].nunique(), "count"),
            competitors=show(rows["competitor"].nunique(), "count"),
            first=show(self.first, "day"), last=show(self.last, "day"),
            rows=show(len(rows), "count"),
        )  # fmt: skip
        told = [Finding(key="snapshots/seen", level="info", text=text)]
        return (*told, *self._broken(), *self._changed(), *self._counted())

    def _broken(self) -> tuple[Finding, ...]:
        held = self.breaks
        if held.empty:
            return ()
        day = held.groupby("day")["gone"].sum().idxmax()
        there = held[held["day"] == day]
        text = ntr(
            "From {day} on {gone} items of {count} competitor are missing together: the panel "
            "breaks there, so nothing is told from who is missing.",
            "From {day} on {gone} items of {count} competitors are missing together: the panel "
            "breaks there, so nothing is told from who is missing.", len(there),
            day=show(day, "day"), gone=show(int(there["gone"].sum()), "count"),
            count=show(len(there), "count"),
        )  # fmt: skip
        action = Action(text=tr("check the file of that day"), owner=tr("merchandising"))
        return (Finding(key="snapshots/break", level="watch", text=text, action=action,
                        evidence={"gone": float(there["gone"].sum())}),)  # fmt: skip

    def _changed(self) -> tuple[Finding, ...]:
        held = self.changes
        if held.empty:
            text = tr("No price changed between two snapshots.")
            return (Finding(key="snapshots/changes", level="info", text=text),)
        days = held.groupby("day").size()
        cuts = int((held["price"] < held["before"]).sum())
        text = tr(
            "{count} price changes, {cuts} of them cuts; most on {day}: {most}.",
            count=show(len(held), "count"), cuts=show(cuts, "count"),
            day=show(days.idxmax(), "day"), most=show(int(days.max()), "count"),
        )  # fmt: skip
        numbers = {"changes": float(len(held)), "cuts": float(cuts), "most": float(days.max())}
        return (Finding(key="snapshots/changes", level="info", text=text, evidence=numbers),)

    def _counted(self) -> tuple[Finding, ...]:
        counter = self.panel["sales_counter"]
        if counter.isna().all():
            return ()
        blank, resets = int(counter.isna().sum()), int(self.panel["reset"].sum())
        text = tr(
            "The sales shown are counters, not daily sales, and are never added up; {blank} of "
            "{rows} snapshots lack one and {resets} times one began anew.",
            blank=show(blank, "count"), rows=show(len(counter), "count"),
            resets=show(resets, "count"),
        )  # fmt: skip
        return (Finding(key="snapshots/counters", level="info", text=text,
                        evidence={"blank": float(blank), "resets": float(resets)}),)  # fmt: skip


def read_snapshots(
    source: Source, *, as_of: dt.date | str, time_zone: str | None = None
) -> Snapshots:
    """Read competitors' listings up to a day and audit them.

    Prices are compared with the same item's snapshot before, however many days ago; counters
    are differenced the same way, and one that falls began anew.

    Args:
        source: A store, or tables by canonical name; needs ``competitor_items``.
        as_of: Last local day that counts.
        time_zone: IANA zone of the days; the store's by default.

    Raises:
        MissingDataError: There is no snapshot up to that day.
    """
    day = as_day(as_of, name="as_of")
    tables = Tables(source, time_zone=time_zone)
    tables.require("competitor_items")
    rows = tables.lazy("competitor_items").filter(nw.col("day") <= day)
    have = rows.collect_schema().names()
    panel = frames.bring(
        rows.select(*(name for name in COLUMNS if name in have)),
        sort=["competitor", "item_id", "day"],
    )
    if panel.empty:
        raise MissingDataError(tr(
            "There is no snapshot of a competitor's listings up to {day}; import some.",
            day=show(day, "day"),
        ))  # fmt: skip
    panel = _with_steps(panel.reindex(columns=[*COLUMNS]))
    return Snapshots(panel=panel, first=panel["day"].min(), last=panel["day"].max())


def _with_steps(panel: pd.DataFrame) -> pd.DataFrame:
    """The panel with what changed since each item's snapshot before."""
    import pandas as pd

    numbers = ["price", "list_price", "sales_counter", "review_count", "rating"]
    panel[numbers] = panel[numbers].astype(float)
    panel["day"] = pd.to_datetime(panel["day"]).dt.date
    by = panel.groupby(["competitor", "item_id"], sort=False)
    panel["before"] = by["price"].shift()
    panel["gap"] = _days(panel["day"]) - _days(by["day"].shift())
    grown = panel["sales_counter"] - by["sales_counter"].shift()
    panel["reset"] = grown < 0
    panel["sold"] = grown.where(grown >= 0)
    return panel


def _days(column: pd.Series) -> pd.Series:
    return column.map(lambda day: day.toordinal(), na_action="ignore").astype(float)


def _breaks(panel: pd.DataFrame) -> pd.DataFrame:
    """Days from which many items of a competitor are missing together."""
    import pandas as pd

    found = []
    for competitor, rows in panel.groupby("competitor", sort=True):
        days = np.sort(rows["day"].unique())
        seen = [set(rows.loc[rows["day"] == day, "item_id"]) for day in days]
        gone = np.array([len(one - two) for one, two in pairwise(seen)])
        share = gone / np.maximum([len(held) for held in seen[:-1]], 1)
        for place in np.flatnonzero((share >= BREAK) & (gone >= TOGETHER)):
            usual = float(np.median(np.delete(share, place))) if len(share) > 1 else 0.0
            if share[place] > USUAL * usual:
                found.append((competitor, days[place + 1], gone[place], share[place], usual))
    return pd.DataFrame(found, columns=["competitor", "day", "gone", "share", "usual"])
