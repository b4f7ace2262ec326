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
from ecops_lib.campaigns.plan.product_facts import stock_of
from ecops_lib.core.checks import as_day
from ecops_lib.core.errors import EcopsError
from ecops_lib.core.findings import Action, Finding
from ecops_lib.core.formats import Unit, show
from ecops_lib.core.language import mark, ntr, tr
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
        left_out: Products whose figure is not known and that are in neither sum.
    """

    key: str
    needed: float
    there: float
    why: str = ""
    left_out: int = 0

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
            if line.left_out:
                verdict = ntr(
                    "{verdict}; {count} product of unknown stock is in neither figure",
                    "{verdict}; {count} products of unknown stock are in neither figure",
                    line.left_out, verdict=verdict, count=show(line.left_out, "count"),
                )  # fmt: skip
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
                "The target does not follow from the traffic: visitor-days × conversion × spend "
                "a buyer give {there}, the target is {needed}.", **given),
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
    of these weeks) and its price then, against each SKU's newest stock of the last week less
    what is reserved, and purchase orders due before it opens. Return:
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
    told = ~np.isnan(buyers)
    if not buyers[told].sum() > 0:
        return _untold("traffic", tr("no traffic tells buyers"))
    paid = paid_by_day(source, campaign.products, basis, time_zone)
    spend = paid[told].sum() / buyers[told].sum()
    there = goals["visitors"] * goals["conversion_rate"] * spend
    return PlanLine(key="traffic", needed=goals["paid_amount"], there=float(there))


def _stock(
    source: Source, campaign: Campaign, basis: list[dt.date], as_of: dt.date, time_zone: str | None
) -> tuple[PlanLine, tuple[tuple[str, float, float], ...]]:
    tables = Tables(source, time_zone=time_zone)
    goal = campaign.targets.get("paid_amount")
    if goal is None:
        return _untold("stock", tr("no target for {names}", names="paid_amount")), ()
    there = _promised(tables, as_of, campaign.selling[0])
    if there.empty:
        return _untold("stock", tr("no stock snapshot of the last week names products")), ()
    rows = measure(
        source, ["paid_amount", "paid_units"], start=basis[0], end=basis[-1], by=("product",),
        time_zone=time_zone,
    ).frame  # fmt: skip
    if campaign.products:
        rows = rows[rows["product_id"].isin(campaign.products)]
    paid = float(rows["paid_amount"].sum())
    if not paid > 0:
        return _untold("stock", tr("none of its products was sold before")), ()
    rows = rows.assign(need=rows["paid_units"] * goal / paid, have=rows["product_id"].map(there))
    known = rows[rows["have"].notna()]
    if known.empty:
        return _untold("stock", tr("no stock snapshot of the last week names products")), ()
    lacking = known[known["have"] < SLACK * known["need"]]
    names = lacking["product_name"] if "product_name" in lacking else lacking["product_id"]
    held = sorted(
        zip(names.astype(str), lacking["need"], lacking["have"], strict=True),
        key=lambda row: row[2] - row[1],
    )
    usable = float(np.minimum(known["have"], known["need"]).sum())
    line = PlanLine(
        key="stock", needed=float(known["need"].sum()), there=usable,
        left_out=len(rows) - len(known),
    )  # fmt: skip
    return line, tuple((name, float(need), float(have)) for name, need, have in held)


def _promised(tables: Tables, as_of: dt.date, opening: dt.date) -> pd.Series:
    """Units free to sell by product, and those of purchase orders due before the opening."""
    stock = stock_of(tables, as_of)["stock"]
    if stock.empty or not tables.has("purchase_orders"):
        return stock
    begin, end = frames.instants(as_of, opening - frames.DAY, tables.zone)
    rows = tables.lazy("purchase_orders").filter(
        (nw.col("stage") == "receipt") & nw.col("done_at").is_null()
        & (nw.col("due_at") >= begin) & (nw.col("due_at") < end)
    )  # fmt: skip
    owner = tables.lazy("inventory").select("sku_id", "product_id").unique()
    due = rows.join(owner, on="sku_id", how="inner").group_by("product_id")
    sums = frames.bring(due.agg(nw.col("quantity").sum()), sort=["product_id"])
    more = sums.set_index(sums["product_id"].astype(object))["quantity"].astype(float)
    return stock + more.reindex(stock.index).fillna(0.0)  # no open order: nothing is due


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
