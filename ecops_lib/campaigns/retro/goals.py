"""Goals against results: what the campaign was to bring, what it brought, what the last one did."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

import narwhals as nw

from ecops_lib.campaigns.campaign import Campaign
from ecops_lib.campaigns.editions import find_campaigns, past_editions
from ecops_lib.core.checks import as_day
from ecops_lib.core.errors import MetricError, MissingDataError, ParameterError
from ecops_lib.core.findings import Finding
from ecops_lib.core.formats import Unit, show
from ecops_lib.core.language import mark, tr
from ecops_lib.core.results import Result
from ecops_lib.data import frames
from ecops_lib.metrics.bases import Source, Tables
from ecops_lib.metrics.measuring import measure

if TYPE_CHECKING:
    import pandas as pd

GOALS: Mapping[str, tuple[str, Unit, Literal["up", "down"]]] = {
    "paid_amount": (mark("Paid amount"), "money", "up"),
    "visitors": (mark("Visitors, summed over days and products"), "count", "up"),
    "conversion_rate": (mark("Buyers per visitor, the same way"), "share", "up"),
    "new_buyer_share": (mark("New buyers' share (whole shop)"), "share", "up"),
    "ad_cost": (mark("Ad cost"), "money", "down"),
}
"""Metric → label, unit and good direction; all of promoted products but where said."""
MISSED, MET = 0.9, 1.0
"""Shares of a target below which it is missed, and from which it is met."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Goals(Result):
    """Each goal with its target, its result and that of the last edition.

    Attributes:
        campaign: The campaign.
        frame: One row a metric: ``metric``, ``target`` and ``result`` in its unit, ``reached``
            (result over target), ``last`` and ``growth`` on it.
        before: The last edition of its kind; None where there is none.
        as_of: Last day that counts.
    """

    sheet: ClassVar[str] = mark("Goals and results")
    labels: ClassVar[Mapping[str, str]] = {
        "metric": mark("Metric"),
        "target": mark("Target"),
        "result": mark("Result"),
        "reached": mark("Reached"),
        "last": mark("Last edition"),
        "growth": mark("Against the last edition"),
    }
    units: ClassVar[Mapping[str, Unit]] = {"reached": "share"}

    campaign: Campaign
    frame: pd.DataFrame
    before: Campaign | None
    as_of: dt.date

    def to_frame(self) -> pd.DataFrame:
        """One row a metric, each figure in its own unit."""
        rows = self.frame.copy()
        for name in ("target", "result", "last"):
            rows[name] = [
                show(value, GOALS[key][1])
                for key, value in zip(self.frame["metric"], self.frame[name], strict=True)
            ]
        rows["growth"] = [show(value, "share", sign=True) for value in self.frame["growth"]]
        rows["metric"] = [tr(GOALS[key][0]) for key in self.frame["metric"]]
        return rows

    def findings(self) -> tuple[Finding, ...]:
        """Goals met and missed, then what the comparison rests on."""
        reached = self.frame["reached"].to_numpy(float)
        told = [self._finding(key, float(got)) for key, got in zip(GOALS, reached, strict=True)]
        found = [finding for finding in told if finding]
        if not found:
            text = tr("No target is told for this campaign; write targets into store.toml.")
            found = [Finding(key="goals/none", level="info", text=text)]
        if self.before is None:
            text = tr("There is no earlier edition of its kind to compare with.")
            found.append(Finding(key="goals/first", level="info", text=text))
        if self.as_of < self.campaign.selling[1]:
            text = tr("The campaign still sells; these are its figures so far.")
            found.append(Finding(key="goals/open", level="info", text=text))
        return tuple(found)

    def _finding(self, key: str, reached: float) -> Finding | None:
        label, unit, better = GOALS[key]
        if math.isnan(reached):
            return None
        place = list(GOALS).index(key)
        values = self.frame[["result", "target"]].to_numpy(float)[place].tolist()
        evidence = dict(zip(("result", "target"), values, strict=True))
        given = {
            "metric": tr(label),
            "result": show(evidence["result"], unit),
            "target": show(evidence["target"], unit),
            "reached": show(reached, "share"),
        }
        good = reached >= MET if better == "up" else reached <= MET
        bad = reached < MISSED if better == "up" else reached > 1 / MISSED
        if good:
            text = tr("{metric}: {result}, {reached} of the target {target}.", **given)
            return Finding(key=f"goals/{key}", level="good", text=text, evidence=evidence)
        text = tr("{metric}: {result}, only {reached} of the target {target}.", **given)
        if better == "down":
            text = tr("{metric}: {result}, {reached} of what was planned ({target}).", **given)
        gap = abs(evidence["target"] - evidence["result"]) if unit == "money" else None
        return Finding(
            key=f"goals/{key}", level="bad" if bad else "watch", text=text, evidence=evidence,
            money=gap,
        )  # fmt: skip


def compare_goals(
    source: Source, *, campaign: Campaign, as_of: dt.date | str, time_zone: str | None = None
) -> Goals:
    """Set a campaign's selling days against its targets and the last edition of its kind.

    Visitors are counted by day and product, so they are sums of distinct counts: the same
    person on two days or at two products is two; targets must be set the same way.

    Args:
        source: A store, or tables by canonical name.
        campaign: The campaign.
        as_of: Last local day that counts.
        time_zone: IANA zone of the days; the store's by default.

    Raises:
        MissingDataError: Nothing was sold in its days.
        ParameterError: It has not begun to sell by ``as_of``.
    """
    import pandas as pd

    last = as_day(as_of, name="as_of")
    if campaign.selling[0] > last:
        raise ParameterError(
            f"campaign {campaign.campaign_id!r} sells from {campaign.selling[0]}, after as_of "
            f"{last}; there is nothing to compare yet."
        )
    found = past_editions(find_campaigns(source, time_zone=time_zone), campaign)
    before = found[-1] if found else None
    results = _results(source, campaign, last, time_zone)
    if math.isnan(results["paid_amount"]):
        raise MissingDataError(tr(
            "Nothing was paid on the campaign's days; import the orders of {first} to {last}.",
            first=show(campaign.selling[0], "day"), last=show(campaign.selling[1], "day"),
        ))  # fmt: skip
    earlier = _results(source, before, last, time_zone) if before else {}
    targets = {**campaign.targets}
    if campaign.budget:
        targets["ad_cost"] = campaign.budget
    rows = []
    for key in GOALS:
        target, result = targets.get(key, math.nan), results[key]
        old = earlier.get(key, math.nan)
        rows.append({
            "metric": key, "target": target, "result": result,
            "reached": result / target if target else math.nan, "last": old,
            "growth": result / old - 1 if old else math.nan,
        })  # fmt: skip
    frame = pd.DataFrame(rows, columns=list(Goals.labels))
    return Goals(campaign=campaign, frame=frame, before=before, as_of=last)


def _results(
    source: Source, campaign: Campaign, as_of: dt.date, time_zone: str | None
) -> dict[str, float]:
    """The metrics of a campaign's selling days; NaN for those that no table tells."""
    tables = Tables(source, time_zone=time_zone)
    first, last = campaign.selling[0], min(campaign.selling[1], as_of)
    by = ("product",) if campaign.products else ()
    span = {"start": first, "end": last, "time_zone": time_zone}
    held = dict.fromkeys(GOALS, math.nan)
    for key in ("paid_amount", "ad_cost"):
        try:
            rows = measure(source, [key], by=by, **span).frame  # type: ignore[arg-type]
        except (MissingDataError, MetricError):
            continue
        kept = rows[rows["product_id"].isin(campaign.products)] if by else rows
        held[key] = float(kept[key].sum()) if len(kept) else math.nan
    try:
        shop = measure(source, ["new_buyer_share"], **span)  # type: ignore[arg-type]
        held["new_buyer_share"] = shop.value("new_buyer_share")
    except (MissingDataError, MetricError):
        pass  # no table tells new buyers: the row stays a dash
    return held | _visits(tables, campaign, first, last)


def _visits(tables: Tables, campaign: Campaign, first: dt.date, last: dt.date) -> dict[str, float]:
    """Visitors and conversion by day and product, or of the whole shop by day."""
    if not tables.has("traffic"):
        return {}
    scope = "product" if campaign.products else "shop"
    rows = tables.lazy("traffic", start=first, end=last).filter(
        (nw.col("scope") == scope) & (nw.col("day") >= first) & (nw.col("day") <= last)
    )
    if campaign.products:
        rows = rows.filter(nw.col("scope_id").is_in(list(campaign.products)))
    sums = frames.bring(
        rows.select(visitors=nw.col("visitors").sum(), buyers=nw.col("paying_buyers").sum())
    )
    visitors, buyers = (float(sums[name].fillna(0).iloc[0]) for name in ("visitors", "buyers"))
    if not visitors:
        return {}
    return {"visitors": visitors, "conversion_rate": buyers / visitors}
