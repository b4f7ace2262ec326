"""Stock that will run out before the campaign ends, at the present rate.

A SKU with ``x`` order lines in share ``p`` of the campaign sells at a rate with the posterior
Gamma(x + 1/2, p) (Jeffreys' prior), so the share of the campaign until ``n`` more lines are
sold is ``p`` times a beta-prime(n, x + 1/2), and the lines in the rest of it are negative
binomial. One of them tells when, the other how many pieces will be missing.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import narwhals as nw
import numpy as np

from ecops_lib.campaigns.campaign import Campaign
from ecops_lib.campaigns.pacing.closing import Floats
from ecops_lib.campaigns.pacing.lines import paid_lines, sold_by, titles_of
from ecops_lib.campaigns.pacing.live import Live, read_live
from ecops_lib.core.errors import MissingDataError
from ecops_lib.core.findings import Action, Finding
from ecops_lib.core.formats import Unit, show
from ecops_lib.core.language import mark, tr
from ecops_lib.core.results import Result
from ecops_lib.data import frames
from ecops_lib.metrics.bases import Source

if TYPE_CHECKING:
    import pandas as pd

SURE, LIKELY = 0.9, 0.5
"""Chances of running out from which it is told as sure, and as likely."""
MOST_TOLD = 5
ANYWHERE = "*"


@dataclass(frozen=True, kw_only=True, eq=False)
class RunOuts(Result):
    """Stock of the campaign's SKUs against what it still sells.

    Attributes:
        campaign: The campaign.
        at: Local time up to which orders count.
        snapshot: Day at whose end the stock was counted.
        frame: One row a SKU × warehouse, the surest to run out first: ``left`` pieces now,
            ``expected`` pieces asked for until the end, ``chance`` of running out before it,
            ``earliest``, ``middle`` and ``latest`` local time of it (80 % interval; missing
            where after the end), ``short`` pieces expected to be missing, ``money`` [store
            currency] that they would have brought.
    """

    sheet: ClassVar[str] = mark("Stock until the campaign ends")
    labels: ClassVar[Mapping[str, str]] = {
        "sku_id": mark("SKU"),
        "warehouse_id": mark("Warehouse"),
        "left": mark("Left now"),
        "expected": mark("Asked for until the end"),
        "chance": mark("Chance to run out"),
        "earliest": mark("Earliest"),
        "latest": mark("Latest"),
        "short": mark("Missing"),
        "money": mark("Sales at stake"),
        "product_id": mark("Product"),
        "product_name": mark("Title"),
        "middle": mark("Half likely by"),
        "lines": mark("Order lines so far"),
    }
    units: ClassVar[Mapping[str, Unit]] = {
        "left": "count", "expected": "number", "chance": "share", "earliest": "time",
        "latest": "time", "middle": "time", "short": "number", "money": "money", "lines": "count",
    }  # fmt: skip

    campaign: Campaign
    at: dt.datetime
    snapshot: dt.date
    frame: pd.DataFrame

    def to_frame(self) -> pd.DataFrame:
        """One row a SKU × warehouse."""
        return self.frame

    def page_frame(self) -> pd.DataFrame:
        """Those that may run out, the first nine columns."""
        held = self.frame[self.frame["chance"] >= 1 - SURE]
        return held.head(12)[list(self.labels)[:9]]

    def findings(self) -> tuple[Finding, ...]:
        """What runs out, the surest and dearest first."""
        held = self.frame[self.frame["chance"] >= LIKELY]
        held = held.sort_values(["money", "sku_id"], ascending=[False, True])
        if held.empty:
            return (self._calm(),)
        return tuple(self._told(row) for row in held.head(MOST_TOLD).to_dict("records"))

    def _calm(self) -> Finding:
        if self.frame.empty:
            text = tr("No SKU that the campaign sells is in the stock counted on {day}.",
                      day=show(self.snapshot, "day"))  # fmt: skip
        else:
            text = tr("At the present rate no SKU is likely to run out before the end.")
        return Finding(key="campaign/stock", level="info", text=text)

    def _told(self, row: Mapping[Hashable, Any]) -> Finding:
        place = "" if row["warehouse_id"] == ANYWHERE else f", {row['warehouse_id']}"
        name = f"{row['product_name']} ({row['sku_id']}{place})"
        words = {
            "name": name, "left": show(row["left"], "count"),
            "chance": show(row["chance"], "share"),
            "expected": show(row["expected"], "number"), "earliest": show(row["earliest"], "time"),
            "latest": show(row["latest"], "time"),
        }  # fmt: skip
        if row["left"] <= 0:
            text = tr(
                "{name} is sold out, and {expected} more pieces would be asked for until the end.",
                **words,
            )
        elif row["chance"] >= SURE:
            text = tr(
                "{name} has {left} left and runs out between {earliest} and {latest} "
                "(80 % sure), before the end.", **words,
            )  # fmt: skip
        else:
            text = tr(
                "{name} has {left} left for the {expected} pieces expected until the end: it runs "
                "out before it with a chance of {chance}, from {earliest} on.", **words,
            )  # fmt: skip
        return Finding(
            key=f"campaign/run_out/{row['sku_id']}/{row['warehouse_id']}",
            level="bad" if row["chance"] >= SURE else "watch",
            text=text,
            evidence={k: row[k] for k in ("left", "expected", "chance", "short", "lines")},
            money=row["money"],
            action=Action(
                text=tr(
                    "Bring in stock of {name} or limit it per buyer, and give its ads and places "
                    "to products that have stock.", name=name,
                ),
                owner=tr("purchasing"),
            ),
        )  # fmt: skip


def find_run_outs(
    source: Source,
    *,
    campaign: Campaign,
    at: str | dt.datetime = "",
    step: str = "30min",
    time_zone: str | None = None,
) -> RunOuts:
    """Find stock that a campaign will use up before it ends, by SKU and warehouse.

    What is left is the last count before ``at``, less what was promised to orders then, less
    what the whole shop sold of the SKU from that warehouse since. Goods on their way do not
    count: a store does not tell the hour of their arrival. Sets count as themselves.

    Args:
        source: A store, or tables by canonical name.
        campaign: The campaign.
        at: Local time up to which orders count; the end of the orders unless given.
        step: Length of a step.
        time_zone: IANA zone of the days; the store's by default.

    Raises:
        MissingDataError: There are no orders, order lines or counts of stock before ``at``.
        ParameterError: ``at`` or ``step`` is no time, or the campaign does not sell yet.
    """
    import pandas as pd

    live = read_live(source, campaign=campaign, at=at, step=step, time_zone=time_zone)
    live.tables.require("order_items", "inventory")
    day, stock = _counted(live)
    begin = dt.datetime.combine(day + frames.DAY, dt.time())
    keys = ("sku_id", "warehouse_id")
    since = paid_lines(live, since=begin, until=live.at, whole_shop=True)
    during = paid_lines(live, since=live.start, until=live.at)
    if stock["warehouse_id"].eq(ANYWHERE).all():
        since, during = (f.with_columns(warehouse_id=nw.lit(ANYWHERE)) for f in (since, during))
    gone = sold_by(since, *keys)[[*keys, "units"]].rename(columns={"units": "gone"})
    rows = sold_by(during, *keys, "product_id").merge(stock, on=list(keys), how="inner")
    rows = rows.merge(gone, on=list(keys), how="left").fillna({"gone": 0.0})
    rows["left"] = (rows["counted"] - rows["gone"]).clip(lower=0).round()
    titles = titles_of(live)
    rows["product_name"] = [titles.get(p, p) for p in rows["product_id"].astype(str)]
    shares = live.shares()
    told = [_forecast(row, live, shares) for row in rows.to_dict("records")]
    frame = pd.concat([rows, pd.DataFrame(told, index=rows.index)], axis=1)
    frame = frame.reindex(columns=list(RunOuts.labels))
    for name in ("earliest", "middle", "latest"):
        frame[name] = pd.to_datetime(frame[name])
    frame = frame.sort_values(["chance", "money", "sku_id"], ascending=[False, False, True])
    return RunOuts(campaign=campaign, at=live.at, snapshot=day, frame=frame.reset_index(drop=True))


def _counted(live: Live) -> tuple[dt.date, pd.DataFrame]:
    """The last day counted before the moment, and pieces free at its end."""
    last = (live.at - frames.DAY).date()
    held = live.tables.lazy("inventory").filter(nw.col("day") <= last)
    ends = frames.bring(held.select(day=nw.col("day").max()))
    if ends["day"].isna().all():
        raise MissingDataError(tr(
            "No stock was counted by {day}; import the warehouse's stock export.",
            day=show(last, "day"),
        ))  # fmt: skip
    day: dt.date = ends["day"].iloc[0].date()
    counted = held.filter(nw.col("day") == day)
    stock = frames.bring(counted.select("sku_id", "warehouse_id", "on_hand", "reserved"))
    stock["counted"] = stock["on_hand"].astype(float) - stock["reserved"].astype(float).fillna(0)
    return day, stock[["sku_id", "warehouse_id", "counted"]]


def _forecast(row: Mapping[Hashable, Any], live: Live, shares: Floats) -> dict[str, object]:
    """When one SKU runs out, and what is missing then."""
    from scipy.stats import betaprime, nbinom

    lines, share = row["lines"], live.order_closing.share
    a_line, price = row["units"] / lines, row["amount"] / row["units"]
    need = row["left"] / a_line
    rate = lines + 0.5
    if live.at >= live.close or not 0 < share < 1:
        value = 0.0 if live.at >= live.close else math.nan
        return dict.fromkeys(("expected", "chance", "short", "money"), value)
    expected = rate * (1 - share) / share * a_line
    if need <= 0:
        now = dict.fromkeys(("earliest", "middle", "latest"), live.at)
        return {
            "expected": expected, "chance": 1.0, **now, "short": expected,
            "money": expected * price,
        }  # fmt: skip
    until = betaprime(need, rate)
    whole = math.floor(need)
    tail = nbinom(rate, share)
    short = (tail.mean() - tail.sf(np.arange(whole)).sum()) * a_line
    ends = {
        name: _time_at(share * (1 + float(until.ppf(q))), live, shares)
        for name, q in (("earliest", 0.1), ("middle", 0.5), ("latest", 0.9))
    }
    return {
        "expected": expected, "chance": float(until.cdf((1 - share) / share)), **ends,
        "short": max(0.0, float(short)), "money": max(0.0, float(short)) * price,
    }  # fmt: skip


def _time_at(share: float, live: Live, shares: Floats) -> dt.datetime | None:
    """The local time by which a share of the campaign's orders is in; None after its end."""
    if share > 1:
        return None
    step = int(np.searchsorted(np.maximum.accumulate(shares), share * shares[-1]))
    hours = (live.elapsed + min(step, len(shares) - 1) + 1) * live.hours_a_step
    return live.start + dt.timedelta(hours=hours)
