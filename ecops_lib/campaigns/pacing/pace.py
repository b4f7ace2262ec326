"""How a campaign stands against its targets, in a table and in sentences."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from ecops_lib.campaigns.campaign import Campaign
from ecops_lib.campaigns.pacing.closing import Closing
from ecops_lib.core.charts import Chart, line_chart
from ecops_lib.core.findings import Action, Finding, Level
from ecops_lib.core.formats import Unit, show
from ecops_lib.core.language import mark, tr
from ecops_lib.core.results import Result

if TYPE_CHECKING:
    import pandas as pd

METRICS: Mapping[str, tuple[str, Unit]] = {
    "paid_amount": (mark("Paid amount"), "money"),
    "paid_orders": (mark("Paid orders"), "count"),
    "new_buyer_share": (mark("New buyers' share (whole shop)"), "share"),
}


@dataclass(frozen=True, kw_only=True, eq=False)
class Pace(Result):
    """A campaign at one moment.

    Attributes:
        campaign: The campaign.
        at: Local time up to which orders count.
        over: Whether its selling days are over at that time.
        so_far: Value by metric; NaN where unknown.
        closings: Forecast to close by metric, with an 80 % interval.
        targets: Target for all selling days by metric.
        last: What the last edition had at its close, by metric; empty without one.
        editions: Past editions compared with.
        windows: Ordinary windows of the same length compared with.
        lately: Paid amount of each day so far [store currency].
        path: Moments from the start to the close: ``at`` (local time), ``share`` of the total
            to be expected by then, ``paid`` so far, and from now on where the interval of the
            forecast leads, ``low`` and ``high`` [store currency].
    """

    sheet: ClassVar[str] = mark("Pace of the campaign")
    labels: ClassVar[Mapping[str, str]] = {
        "metric": mark("Metric"),
        "so_far": mark("So far"),
        "by_now": mark("Due by now"),
        "ahead": mark("Against the pace"),
        "target": mark("Target"),
        "forecast": mark("Forecast to close"),
        "low": mark("Low (80 %)"),
        "high": mark("High (80 %)"),
        "last": mark("Last edition"),
    }

    campaign: Campaign
    at: dt.datetime
    over: bool
    so_far: Mapping[str, float]
    closings: Mapping[str, Closing]
    targets: Mapping[str, float]
    last: Mapping[str, float]
    editions: int
    windows: int
    lately: tuple[float, ...]
    path: pd.DataFrame

    def chart(self) -> Chart | None:
        """What is paid so far beside the target's curve, and where it leads."""
        target = self.targets.get("paid_amount", math.nan)
        if not self.path["paid"].notna().any():
            return None
        words = {"paid": tr("Paid so far"), "due": tr("Target by then"),
                 "low": tr("Where it leads (80 %)")}  # fmt: skip
        told = not math.isnan(target) and self.path["share"].notna().any()
        sure = self.path["low"].notna().any()
        return line_chart(
            self.path.assign(due=target * self.path["share"]),
            caption=tr("Paid amount since the start, added up"), unit="money", labels=words,
            day="at", value="paid", compare="due" if told else "",
            band=("low", "high") if sure else None,
        )  # fmt: skip

    def rows(self) -> pd.DataFrame:
        """One row a metric, as plain numbers: ``ahead`` is ``so_far / by_now - 1``."""
        import pandas as pd

        rows = []
        for metric in METRICS:
            target, held = self.targets.get(metric, math.nan), self.so_far[metric]
            closing = self.closings.get(metric, Closing())
            due = target * closing.share
            rows.append({
                "metric": metric, "so_far": held, "by_now": due,
                "ahead": held / due - 1 if due else math.nan, "target": target,
                "forecast": closing.total, "low": closing.low, "high": closing.high,
                "last": self.last.get(metric, math.nan),
            })  # fmt: skip
        return pd.DataFrame(rows, columns=list(self.labels))

    def to_frame(self) -> pd.DataFrame:
        """One row a metric, each figure in its own unit."""
        rows = self.rows()
        shown = rows.copy().astype(object)
        for name in ("so_far", "by_now", "target", "forecast", "low", "high", "last"):
            units = (METRICS[metric][1] for metric in rows["metric"])
            shown[name] = [show(v, u) for v, u in zip(rows[name], units, strict=True)]
        shown["ahead"] = [show(value, "share", sign=True) for value in rows["ahead"]]
        shown["metric"] = [tr(METRICS[metric][0]) for metric in rows["metric"]]
        return shown

    def findings(self) -> tuple[Finding, ...]:
        """Whether the target will be met, or why that cannot be told."""
        closing, target = self.closings["paid_amount"], self.targets.get("paid_amount")
        level, text, money = self._verdict(closing, target)
        act = Action(text=tr(ADVICE), owner=tr("campaign owner")) if level == "bad" else None
        evidence = {
            "so_far": self.so_far["paid_amount"], "share": closing.share,
            "forecast": closing.total, "low": closing.low, "high": closing.high,
            "target": math.nan if target is None else target,
            "editions": self.editions, "windows": self.windows,
        }  # fmt: skip
        return (
            Finding(
                key="campaign/pace", level=level, text=text, evidence=evidence, money=money,
                action=None if self.over else act,
            ),
        )  # fmt: skip

    def _verdict(self, closing: Closing, target: float | None) -> tuple[Level, str, float | None]:
        words = {
            "name": self.campaign.name, "at": show(self.at, "time"),
            "paid": show(self.so_far["paid_amount"], "money"),
            "forecast": show(closing.total, "money"), "low": show(closing.low, "money"),
            "high": show(closing.high, "money"),
        }  # fmt: skip
        if not target:
            return "info", self._untargeted(closing, words), None
        words["target"] = show(target, "money")
        gap = closing.total - target
        if self.over:
            return self._closed(gap, target, words)
        words["gap"] = show(abs(gap) / target, "share")
        missing = max(0.0, -gap)
        if math.isnan(closing.total):
            return "info", tr(NOTHING, **words), None
        if math.isnan(closing.low):
            text = tr(BEHIND_UNSURE if gap < 0 else AHEAD_UNSURE, **words)
            return "watch" if gap < 0 else "info", text, missing or None
        if closing.high < target:
            return "bad", tr(MISSED, **words), missing
        if closing.low >= target:
            return "good", tr(SAFE, **words), None
        if gap < 0:
            return "watch", tr(BEHIND, **words), missing
        return "info", tr(AHEAD, **words), None

    def _untargeted(self, closing: Closing, words: Mapping[str, str]) -> str:
        if self.over:
            return tr("{name} is over: {paid} was paid; it had no target.", **words)
        if math.isnan(closing.total):
            return tr(NOTHING, **words)
        if math.isnan(closing.low):
            return tr(
                "By {at} {paid} of {name} is paid; at the usual pace it closes near {forecast}. "
                "It has no target.", **words,
            )  # fmt: skip
        return tr(
            "By {at} {paid} of {name} is paid; it closes between {low} and {high} (80 % sure). "
            "It has no target.", **words,
        )  # fmt: skip

    def _closed(
        self, gap: float, target: float, words: Mapping[str, str]
    ) -> tuple[Level, str, float | None]:
        share = show(abs(gap) / target, "share")
        if gap < 0:
            text = tr(
                "{name} is over: {paid} was paid, {gap} less than its target of {target}.",
                **words, gap=share,
            )  # fmt: skip
            return "bad", text, -gap
        text = tr(
            "{name} is over: {paid} was paid, {gap} more than its target of {target}.",
            **words, gap=share,
        )  # fmt: skip
        return "good", text, None


ADVICE = mark(
    "See which products and channels fall short, and move budget and places to those that sell."
)
NOTHING = mark(
    "By {at} {paid} of {name} is paid; where it will close cannot be told before sales of this "
    "or of comparable days are known."
)
MISSED = mark(
    "By {at} {paid} of {name} is paid, {gap} behind the pace to its target of {target}: it "
    "closes between {low} and {high} (80 % sure) unless something changes."
)
BEHIND = mark(
    "By {at} {paid} of {name} is paid, {gap} behind the pace to its target of {target}, which "
    "can still be met: it closes between {low} and {high} (80 % sure)."
)
AHEAD = mark(
    "By {at} {paid} of {name} is paid, {gap} ahead of the pace to its target of {target}, which "
    "is not safe yet: it closes between {low} and {high} (80 % sure)."
)
SAFE = mark(
    "By {at} {paid} of {name} is paid, {gap} ahead of the pace to its target of {target}: it "
    "closes between {low} and {high} (80 % sure)."
)
BEHIND_UNSURE = mark(
    "By {at} {paid} of {name} is paid, {gap} behind the pace to its target of {target}; how sure "
    "that is cannot be told from so few comparable days."
)
AHEAD_UNSURE = mark(
    "By {at} {paid} of {name} is paid, {gap} ahead of the pace to its target of {target}; how sure "
    "that is cannot be told from so few comparable days."
)
