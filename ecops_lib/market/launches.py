"""What competitors bring out and take off, and what their titles promise."""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from ecops_lib.core.findings import Finding
from ecops_lib.core.formats import Unit, is_missing, show
from ecops_lib.core.language import mark, ntr, tr
from ecops_lib.core.names import short_name
from ecops_lib.core.results import Result
from ecops_lib.market.snapshots import BREAK, TOGETHER, Snapshots

if TYPE_CHECKING:
    import pandas as pd

RECENT = 28
"""Days up to the last that count as lately."""
SETTLE = 7
"""Days at the panel's beginning, and of absence, that tell neither launch nor delisting."""
AGE = 30
"""Days after which it is asked how many launches are still listed."""
LONGEST = 400
"""Characters of a title that are read."""
MECHANICS: Mapping[str, tuple[str, str]] = {
    "threshold": (mark("money off above a threshold"), r"满\s*\d+\s*减|每满|spend\b.{0,12}\bsave"),
    "second": (mark("the second cheaper"), r"第二件|第2件|bogo|buy one|2nd (?:one )?(?:half|\d)"),
    "gift": (mark("a gift"), r"赠|买\s*[一二两\d]+\s*送|送(?!礼|人|货|长辈)|free gift|gift with"),
    "presale": (mark("pre-sale"), r"预售|预定|定金|pre-?order|pre-?sale"),
    "coupon": (mark("a coupon"), r"领券|优惠券|券后|用券|coupon|voucher"),
    "flash": (mark("for a short time"), r"秒杀|限时|抢购|聚划算|flash sale|limited time"),
    "percent": (mark("a percentage off"), r"\d(?:\.\d)?\s*折|\d+\s*% off"),
}
"""What a title may promise: words for people, and what it is known by."""
_KNOWN = {key: re.compile(pattern) for key, (_, pattern) in MECHANICS.items()}


def parse_mechanics(title: object) -> frozenset[str]:
    """The promotions that a title promises, by key of ``MECHANICS``.

    >>> sorted(parse_mechanics("限时 满199减30 第二件半价 送礼")), parse_mechanics(None)
    (['flash', 'second', 'threshold'], frozenset())
    """
    if not isinstance(title, str):
        return frozenset()
    text = unicodedata.normalize("NFKC", title[:LONGEST]).lower()
    return frozenset(key for key, pattern in _KNOWN.items() if pattern.search(text))


@dataclass(frozen=True, kw_only=True, eq=False)
class Launches(Result):
    """New items and items taken off.

    Attributes:
        frame: One row a competitor, who launched most lately first: ``competitor``, ``items``
            now, ``launched`` and ``gone`` in the last four weeks, ``weekly`` (launches a week
            over the whole panel), ``kept`` (share of launches still listed after thirty days,
            Kaplan-Meier; NaN where none was watched so long), ``promising`` (share of items
            whose title promises a promotion).
        items: One row a launch or delisting: ``competitor``, ``item_id``, ``title``, ``first``,
            ``last`` (days listed), ``launched``, ``gone``.
        grown: Days on which so many items appeared at once that the panel grew, not the shop.
        last: Last day.
    """

    sheet: ClassVar[str] = mark("Launches")
    labels: ClassVar[Mapping[str, str]] = {
        "competitor": mark("Competitor"),
        "items": mark("Items now"),
        "launched": mark("New in four weeks"),
        "weekly": mark("New a week, on average"),
        "gone": mark("Taken off in four weeks"),
        "kept": mark("Launches still listed after a month"),
        "promising": mark("Titles with a promotion"),
    }
    units: ClassVar[Mapping[str, Unit]] = {
        "items": "count", "launched": "count", "weekly": "number", "gone": "count",
        "kept": "share", "promising": "share",
    }  # fmt: skip

    frame: pd.DataFrame
    items: pd.DataFrame
    grown: tuple[dt.date, ...]
    last: dt.date

    def to_frame(self) -> pd.DataFrame:
        """One row a competitor."""
        return self.frame

    def findings(self) -> tuple[Finding, ...]:
        """Who brings out most, who takes off most, and what titles promise."""
        told = [self._new(), *self._gone(), *self._promises()]
        if self.grown:
            text = tr(
                "On {day} so many items appeared at once that the panel grew; they are not new.",
                day=show(self.grown[-1], "day"),
            )  # fmt: skip
            told.append(Finding(key="launches/grown", level="info", text=text))
        return tuple(told)

    def _lately(self, what: str) -> pd.DataFrame:
        since = self.last - dt.timedelta(days=RECENT - 1)
        day = "first" if what == "launched" else "last"
        return self.items[self.items[what] & (self.items[day] >= since)]

    def _new(self) -> Finding:
        held, top = self._lately("launched"), self.frame.iloc[0]
        if held.empty:
            text = tr("No competitor has brought out anything in the last {days} days.",
                      days=show(RECENT, "count"))  # fmt: skip
            return Finding(key="launches/new", level="info", text=text)
        mine = held[held["competitor"] == top["competitor"]].sort_values("first")
        text = ntr(
            "{competitor} brought out most: {count} new item in the last {days} days, such as "
            "“{title}”.",
            "{competitor} brought out most: {count} new items in the last {days} days, such as "
            "“{title}”.", len(mine), competitor=short_name(top["competitor"]),
            count=show(len(mine), "count"), days=show(RECENT, "count"),
            title=short_name(mine["title"].iloc[-1], mine["item_id"].iloc[-1]),
        )  # fmt: skip
        return Finding(key="launches/new", level="info", text=text,
                       evidence={"launched": float(len(held))})  # fmt: skip

    def _gone(self) -> tuple[Finding, ...]:
        held = self._lately("gone")
        if held.empty:
            return ()
        top = held.groupby("competitor").size().idxmax()
        mine = held[held["competitor"] == top]
        text = ntr(
            "{competitor} has taken off {count} item, such as “{title}”.",
            "{competitor} has taken off {count} items, such as “{title}”.", len(mine),
            competitor=short_name(top), count=show(len(mine), "count"),
            title=short_name(mine["title"].iloc[0], mine["item_id"].iloc[0]),
        )  # fmt: skip
        return (Finding(key="launches/gone", level="info", text=text,
                        evidence={"gone": float(len(held))}),)  # fmt: skip

    def _promises(self) -> tuple[Finding, ...]:
        held = self.frame.dropna(subset=["promising"])
        top = held.sort_values("promising", ascending=False, kind="stable").head(1)
        if top.empty or not top["promising"].iloc[0] > 0:
            return ()
        text = tr(
            "{competitor} promises a promotion in {share} of its titles.",
            competitor=short_name(top["competitor"].iloc[0]),
            share=show(top["promising"].iloc[0], "share"),
        )  # fmt: skip
        return (Finding(key="launches/promises", level="info", text=text),)


def track_launches(snapshots: Snapshots) -> Launches:
    """Tell new items and items taken off from a panel that has gaps of its own.

    An item is new where it appears after the first week of its competitor's snapshots, and
    gone where it has not been seen for a week up to the last one. Many items that appear or
    leave together are the panel's doing and count as neither.

    Args:
        snapshots: The competitors' listings.
    """
    import pandas as pd

    panel = snapshots.panel
    by = panel.groupby(["competitor", "item_id"])["day"]
    items = pd.DataFrame({"first": by.min(), "last": by.max()}).reset_index()
    title = panel.drop_duplicates(["competitor", "item_id"], keep="last")
    items = items.merge(title[["competitor", "item_id", "title"]], on=["competitor", "item_id"])
    shop = panel.groupby("competitor")["day"].agg(["min", "max"])
    begin, end = (items["competitor"].map(shop[name]) for name in ("min", "max"))
    grown = _grown(items, begin)
    breaks = set(zip(snapshots.breaks["competitor"], snapshots.breaks["day"], strict=True))
    together = [
        (name, _next_day(panel, name, last)) in breaks
        for name, last in zip(items["competitor"], items["last"], strict=True)
    ]
    items["launched"] = (_gap(begin, items["first"]) >= SETTLE) & ~items["first"].isin(grown)
    items["gone"] = (_gap(items["last"], end) >= SETTLE) & ~pd.Series(together, index=items.index)
    frame = _by_competitor(snapshots, items)
    return Launches(
        frame=frame, items=items[items["launched"] | items["gone"]].reset_index(drop=True),
        grown=tuple(sorted(grown)), last=snapshots.last,
    )  # fmt: skip


def _gap(first: pd.Series, last: pd.Series) -> pd.Series:
    """Days from one to the other."""
    return last.map(dt.date.toordinal) - first.map(dt.date.toordinal)


def _next_day(panel: pd.DataFrame, name: str, day: dt.date) -> dt.date | None:
    """The competitor's next snapshot after a day."""
    later = panel.loc[(panel["competitor"] == name) & (panel["day"] > day), "day"]
    return None if later.empty else later.min()


def _grown(items: pd.DataFrame, begin: pd.Series) -> set[dt.date]:
    """Days on which many of a competitor's items appeared together."""
    later = items[_gap(begin, items["first"]) >= SETTLE]
    sums = later.groupby(["competitor", "first"]).size().rename("count").reset_index()
    whole = sums["competitor"].map(items.groupby("competitor").size())
    many = (sums["count"] >= TOGETHER) & (sums["count"] >= 2 * BREAK * whole)
    return set(sums.loc[many, "first"])


def _by_competitor(snapshots: Snapshots, items: pd.DataFrame) -> pd.DataFrame:
    import pandas as pd

    since = snapshots.last - dt.timedelta(days=RECENT - 1)
    weeks = snapshots.panel.groupby("competitor")["day"].nunique() / 7
    late = items[items["launched"] & (items["first"] >= since)]
    promising = snapshots.latest["title"].map(lambda title: bool(parse_mechanics(title)))
    held = pd.DataFrame({
        "items": snapshots.latest.groupby("competitor").size(),
        "launched": late.groupby("competitor").size(),
        "weekly": items[items["launched"]].groupby("competitor").size() / weeks,
        "gone": items[items["gone"] & (items["last"] >= since)].groupby("competitor").size(),
        "promising": promising.groupby(snapshots.latest["competitor"]).mean(),
    }).reindex(weeks.index)  # fmt: skip
    counts = ["items", "launched", "weekly", "gone"]
    held[counts] = held[counts].fillna(0.0)
    held["kept"] = [_kept(items[items["competitor"] == name]) for name in held.index]
    order = held.sort_values(["launched", "items"], ascending=False, kind="stable")
    return order.rename_axis("competitor").reset_index()[list(Launches.labels)]


def _kept(items: pd.DataFrame) -> float:
    """Share of launches still listed after a month (Kaplan and Meier 1958)."""
    from statsmodels.duration.survfunc import SurvfuncRight

    new = items[items["launched"]]
    days = _gap(new["first"], new["last"]) + 1
    if new.empty or not (days >= AGE).any():
        return float("nan")
    curve = SurvfuncRight(days.to_numpy(float), new["gone"].to_numpy(int))
    before = [p for t, p in zip(curve.surv_times, curve.surv_prob, strict=True) if t <= AGE]
    share = float(before[-1]) if before else 1.0
    return float("nan") if is_missing(share) else share
