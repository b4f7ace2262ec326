"""What to change now, and what sells best."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from ecops_lib.campaigns.campaign import Campaign
from ecops_lib.campaigns.pacing.lines import paid_lines, sold_by, titles_of
from ecops_lib.campaigns.pacing.live import read_live
from ecops_lib.core.findings import Finding, most_important
from ecops_lib.core.formats import Unit, show
from ecops_lib.core.language import mark, tr
from ecops_lib.core.results import Result
from ecops_lib.metrics.bases import Source

if TYPE_CHECKING:
    import pandas as pd

MOST_CHANGES = 6


@dataclass(frozen=True, kw_only=True, eq=False)
class Changes(Result):
    """The short list of a watch: each change with its money and its reason.

    Attributes:
        reasons: Findings that ask for something to be done, the most urgent first.
    """

    sheet: ClassVar[str] = mark("What to change now")
    labels: ClassVar[Mapping[str, str]] = {
        "change": mark("What to do"),
        "owner": mark("Who"),
        "money": mark("Money at stake"),
        "reason": mark("Because"),
    }
    units: ClassVar[Mapping[str, Unit]] = {"money": "money"}

    reasons: tuple[Finding, ...]

    def to_frame(self) -> pd.DataFrame:
        """One row a change."""
        import pandas as pd

        rows = [
            (f.action.text, f.action.owner, math.nan if f.money is None else f.money, f.text)
            for f in self.reasons
            if f.action
        ]
        return pd.DataFrame(rows, columns=list(self.labels))

    def absent(self) -> str:
        """That nothing asks to be changed."""
        return "" if self.reasons else tr("Nothing that was looked at asks for a change now.")


def list_changes(*results: Result) -> Changes:
    """What of a watch's results asks for a change now: none where nothing does.

    Args:
        *results: Pace, alarms, run-outs, a reallocation of budgets, coupon thresholds and
            others; those that have nothing to show are passed over. The pace itself is a reason
            only where none of the others is.
    """
    held = [r for r in results if not r.absent()]
    asked = [f for result in held for f in result.findings() if f.action]
    named = [f for f in asked if f.key != "campaign/pace"]
    return Changes(reasons=most_important(named or asked, most=MOST_CHANGES))


@dataclass(frozen=True, kw_only=True, eq=False)
class BestSellers(Result):
    """What the campaign sells, the most first.

    Attributes:
        campaign: The campaign.
        at: Local time up to which orders count.
        frame: One row a product: ``lines``, ``units``, ``amount`` [store currency] so far,
            ``share`` of the campaign's amount, ``last_share`` at this time of the last edition.
    """

    sheet: ClassVar[str] = mark("Best sellers of the campaign")
    labels: ClassVar[Mapping[str, str]] = {
        "product_id": mark("Product"),
        "product_name": mark("Title"),
        "lines": mark("Order lines"),
        "units": mark("Pieces"),
        "amount": mark("Paid amount"),
        "share": mark("Share"),
        "last_share": mark("Share last time"),
    }
    units: ClassVar[Mapping[str, Unit]] = {
        "lines": "count", "units": "count", "amount": "money", "share": "share",
        "last_share": "share",
    }  # fmt: skip

    campaign: Campaign
    at: dt.datetime
    frame: pd.DataFrame

    def to_frame(self) -> pd.DataFrame:
        """One row a product."""
        return self.frame

    def page_frame(self) -> pd.DataFrame:
        """The first ten."""
        return self.frame.head(10)

    def findings(self) -> tuple[Finding, ...]:
        """Which product carries the campaign."""
        if self.frame.empty:
            text = tr("No order line of the campaign is paid yet.")
            return (Finding(key="campaign/sellers", level="info", text=text),)
        top = self.frame.iloc[0]
        words = {
            "name": top["product_name"], "amount": show(top["amount"], "money"),
            "share": show(top["share"], "share"), "last": show(top["last_share"], "share"),
        }  # fmt: skip
        if math.isnan(top["last_share"]):
            text = tr("{name} sells most: {amount}, {share} of the campaign.", **words)
        else:
            text = tr(
                "{name} sells most: {amount}, {share} of the campaign (last time {last} by now).",
                **words,
            )
        evidence = {k: float(top[k]) for k in ("amount", "share", "last_share")}
        return (Finding(key="campaign/sellers", level="info", text=text, evidence=evidence),)


def rank_sellers(
    source: Source,
    *,
    campaign: Campaign,
    at: str | dt.datetime = "",
    step: str = "30min",
    time_zone: str | None = None,
) -> BestSellers:
    """Rank the campaign's products by what was paid so far, beside the last edition.

    Args:
        source: A store, or tables by canonical name.
        campaign: The campaign.
        at: Local time up to which orders count; the end of the orders unless given.
        step: Length of a step.
        time_zone: IANA zone of the days; the store's by default.

    Raises:
        MissingDataError: There are no orders or order lines.
        ParameterError: ``at`` or ``step`` is no time, or the campaign does not sell yet.
    """
    live = read_live(source, campaign=campaign, at=at, step=step, time_zone=time_zone)
    live.tables.require("order_items")
    rows = sold_by(paid_lines(live, since=live.start, until=live.at), "product_id")
    rows["product_id"] = rows["product_id"].astype(str)
    titles = titles_of(live)
    rows["product_name"] = [titles.get(p, p) for p in rows["product_id"]]
    rows["share"] = rows["amount"] / rows["amount"].sum()
    rows["last_share"] = math.nan
    if live.past:
        begin = dt.datetime.combine(live.past[-1].selling[0], dt.time())
        last = sold_by(
            paid_lines(live, since=begin, until=begin + (live.at - live.start)), "product_id"
        )
        whole = last["amount"].sum()
        if whole:
            known = dict(zip(last["product_id"].astype(str), last["amount"] / whole, strict=True))
            rows["last_share"] = [float(known.get(p, 0.0)) for p in rows["product_id"]]
    frame = rows.sort_values(["amount", "product_id"], ascending=[False, True], ignore_index=True)
    return BestSellers(campaign=campaign, at=live.at, frame=frame[list(BestSellers.labels)])
