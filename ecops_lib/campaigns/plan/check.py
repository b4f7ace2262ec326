"""Does the plan fit together? Traffic, stock, budget and break-even, and the line that breaks."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import narwhals as nw
import numpy as np

from ecops_lib.campaigns.ads.margins import learn_margins
from ecops_lib.campaigns.campaign import Campaign
from ecops_lib.campaigns.plan.past import known_editions, paid_by_day, selling_days, visits_by_day
from ecops_lib.core.checks import as_day
from ecops_lib.core.errors import EcopsError
from ecops_lib.core.findings import Action, Finding
from ecops_lib.core.formats import Unit, is_missing, show
from ecops_lib.core.language import mark, tr
from ecops_lib.core.results import Result
from ecops_lib.data import frames
from ecops_lib.metrics.bases import Source, Tables
from ecops_lib.metrics.measuring import measure

if TYPE_CHECKING:
    import pandas as pd

RECENT_DAYS = 28
"""Days up to ``as_of`` that prices and usual sales are learnt from."""
SLACK = 0.95
"""Share of what is needed that still counts as enough."""

LINES: Mapping[str, tuple[str, Unit]] = {
    "traffic": (mark("Paid amount that the visitors planned would bring"), "money"),
    "stock": (mark("Units of promoted products"), "count"),
    "return": (mark("Return on the ad budget"), "ratio"),
}
"""Line → what is counted, and its unit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanLine:
    """One line of the check.

    Attributes:
        key: One of ``LINES``.
        needed: What the plan needs; NaN where not told.
        there: What there is, or follows from the plan; NaN where not known.
        why: Why it cannot be told; empty where it can.
    """

    key: str
    needed: float
    there: float
    why: str = ""

    @property
    def breaks(self) -> bool:
        """Whether the plan fails here."""
        return bool(self.there < SLACK * self.needed)


@dataclass(frozen=True, kw_only=True, eq=False)
class PlanCheck(Result):
    """Each line of the plan: what it needs and what is there.

    Attributes:
        campaign: The campaign.
        lines: The lines, in order.
        short: Promoted products with too few units: name, needed, there.
    """

    sheet: ClassVar[str] = mark("Does the plan fit together")
    labels: ClassVar[Mapping[str, str]] = {
        "line": mark("Line"),
        "needed": mark("Needed"),
        "there": mark("There"),
        "verdict": mark("Verdict"),
    }

    campaign: Campaign
    lines: tuple[PlanLine, ...]
    short: tuple[tuple[str, float, float], ...]

    def to_frame(self) -> pd.DataFrame:
        """One row a line, each figure in its own unit."""
        import pandas as pd

        rows = []
        for line in self.lines:
            label, unit = LINES[line.key]
            verdict = line.why or (tr("breaks") if line.breaks else tr("holds"))
            rows.append((tr(label), show(line.needed, unit), show(line.there, unit), verdict))
        return pd.DataFrame(rows, columns=list(self.labels))

    def findings(self) -> tuple[Finding, ...]:
        """The lines that break, by how much, and what would close the gap."""
        broken = [self._finding(line) for line in self.lines if not line.why and line.breaks]
        if broken:
            return (*broken, *self._short())
        unknown = [line for line in self.lines if line.why]
        if len(unknown) == len(self.lines):
            text = tr("Nothing of the plan can be checked; write targets and a budget.")
            return (Finding(key="plan/unknown", level="watch", text=text),)
        text = tr(
            "Of {count} lines that can be checked, none breaks.",
            count=show(len(self.lines) - len(unknown), "count"),
        )
        return (Finding(key="plan/holds", level="good", text=text), *self._short())

    def _finding(self, line: PlanLine) -> Finding:
        unit = LINES[line.key][1]
        given = {"needed": show(line.needed, unit), "there": show(line.there, unit)}
        gap = line.needed - line.there
        texts = {
            "traffic": lambda: tr(
                "The target does not follow from the traffic: visitors × conversion × spend a "
                "buyer give {there}, the target is {needed}.", **given),
            "stock": lambda: tr(
                "The stock does not carry the target: {needed} units are needed, {there} are "
                "there or due before it opens.", **given),
            "return": lambda: tr(
                "The ads would have to return more than they can lose: the plan brings {there} for "
                "each unit of money above usual sales, break-even is {needed}.", **given),
        }  # fmt: skip
        actions = {
            "traffic": tr("plan more visitors, or a lower target"),
            "stock": tr("order what is short, or promote something else"),
            "return": tr("cut the budget, or promote products with more margin"),
        }
        return Finding(
            key=f"plan/{line.key}", level="bad", text=texts[line.key](),
            evidence={"needed": line.needed, "there": line.there},
            money=gap if unit == "money" else None,
            action=Action(text=actions[line.key], owner=tr("campaign owner")),
        )  # fmt: skip

    def _short(self) -> tuple[Finding, ...]:
        told = []
        for name, needed, there in self.short[:3]:
            text = tr(
                "{name} will run short: {needed} units are needed at its past share, {there} are "
                "there.", name=name, needed=show(needed, "count"), there=show(there, "count"),
            )  # fmt: skip
            told.append(Finding(key=f"plan/short/{name}", level="watch", text=text))
        return tuple(told)


def check_plan(
    source: Source, *, campaign: Campaign, as_of: dt.date | str, time_zone: str | None = None
) -> PlanCheck:
    """Check that a campaign's targets, stock and budget fit together.

    Traffic: planned visitors × planned conversion × what a buyer of the last edition (or of the
    last four weeks) spent. Stock: the target at each product's share of the last edition (or
    of these weeks) and its price then, against the newest stock less what is promised. Return:
    what the plan brings above usual sales for each unit of the ad budget, against 1 over the
    margin after refunds.

    Args:
        source: A store, or tables by canonical name.
        campaign: The campaign.
        as_of: Last local day that counts.
        time_zone: IANA zone of the days; the store's by default.

    Raises:
        MissingDataError: There are no orders.
    """
    day = as_day(as_of, name="as_of")
    editions = known_editions(source, campaign, as_of=day, time_zone=time_zone)
    days = [day - k * frames.DAY for k in range(RECENT_DAYS)][::-1]
    basis = selling_days(editions[-1]) if editions else days
    stock, short = _stock(source, campaign, basis, day, time_zone)
    lines = (
        _traffic(source, campaign, basis, time_zone),
        stock,
        _return(source, campaign, days, day, time_zone),
    )
    return PlanCheck(campaign=campaign, lines=lines, short=short)


def _untold(key: str, why: str) -> PlanLine:
    return PlanLine(key=key, needed=math.nan, there=math.nan, why=why)


def _traffic(
    source: Source, campaign: Campaign, basis: list[dt.date], time_zone: str | None
) -> PlanLine:
    goals = campaign.targets
    needed = {"paid_amount", "visitors", "conversion_rate"}
    if missing := sorted(needed - set(goals)):
        return _untold("traffic", tr("no target for {names}", names=", ".join(missing)))
    tables = Tables(source, time_zone=time_zone)
    _, buyers = visits_by_day(tables, campaign.products, basis)
    paid = paid_by_day(source, campaign.products, basis, time_zone).sum()
    if not np.nansum(buyers) > 0:
        return _untold("traffic", tr("no traffic tells buyers"))
    spend = paid / np.nansum(buyers)
    there = goals["visitors"] * goals["conversion_rate"] * spend
    return PlanLine(key="traffic", needed=goals["paid_amount"], there=float(there))


def _stock(
    source: Source, campaign: Campaign, basis: list[dt.date], as_of: dt.date, time_zone: str | None
) -> tuple[PlanLine, tuple[tuple[str, float, float], ...]]:
    tables = Tables(source, time_zone=time_zone)
    goal = campaign.targets.get("paid_amount")
    if goal is None:
        return _untold("stock", tr("no target for {names}", names="paid_amount")), ()
    there = _on_hand(tables, as_of)
    if there is None:
        return _untold("stock", tr("no stock snapshot names products")), ()
    rows = measure(
        source, ["paid_amount", "paid_units"], start=basis[0], end=basis[-1], by=("product",),
        time_zone=time_zone,
    ).frame  # fmt: skip
    if campaign.products:
        rows = rows[rows["product_id"].isin(campaign.products)]
    paid = float(rows["paid_amount"].sum())
    if not paid > 0:
        return _untold("stock", tr("none of its products was sold before")), ()
    rows = rows.assign(need=rows["paid_units"] * goal / paid)
    rows = rows.assign(have=rows["product_id"].map(there).fillna(0.0))
    lacking = rows[rows["have"] < SLACK * rows["need"]]
    names = lacking["product_name"] if "product_name" in lacking else lacking["product_id"]
    held = sorted(
        zip(names.astype(str), lacking["need"], lacking["have"], strict=True),
        key=lambda row: row[2] - row[1],
    )
    usable = float(np.minimum(rows["have"], rows["need"]).sum())
    line = PlanLine(key="stock", needed=float(rows["need"].sum()), there=usable)
    return line, tuple((name, float(need), float(have)) for name, need, have in held)


def _on_hand(tables: Tables, as_of: dt.date) -> dict[str, float] | None:
    """Units free to sell by product on the newest day of stock; None where not told."""
    if not tables.has("inventory"):
        return None
    rows = tables.lazy("inventory").filter(
        (nw.col("day") <= as_of) & ~nw.col("product_id").is_null()
    )
    last = frames.bring(rows.select(day=nw.col("day").max()))["day"].iloc[0]
    if is_missing(last):
        return None
    newest = rows.filter(nw.col("day") == last.date())
    free = newest.select(
        "product_id",
        free=nw.col("on_hand")
        + nw.col("in_transit").fill_null(0)
        - nw.col("reserved").fill_null(0),
    )
    held = frames.bring(free.group_by("product_id").agg(nw.col("free").sum()))
    return {str(p): float(f) for p, f in zip(held["product_id"], held["free"], strict=True)}


def _return(
    source: Source, campaign: Campaign, days: list[dt.date], as_of: dt.date, time_zone: str | None
) -> PlanLine:
    goal = campaign.targets.get("paid_amount")
    if goal is None or not campaign.budget:
        return _untold("return", tr("no target, or no budget"))
    try:
        margin = learn_margins(Tables(source, time_zone=time_zone), as_of=as_of).margin
    except EcopsError as error:
        return _untold("return", str(error))
    if math.isnan(margin) or margin <= 0:
        return _untold("return", tr("the margin after refunds is not known"))
    usual = paid_by_day(source, campaign.products, days, time_zone).mean()
    more = goal - usual * len(selling_days(campaign))
    return PlanLine(key="return", needed=1 / margin, there=more / campaign.budget)
