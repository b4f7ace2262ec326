"""Creators' costs, sales and returns, and what they say."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from ecops_lib.campaigns.ads.margins import Margins
from ecops_lib.core.findings import Action, Finding
from ecops_lib.core.formats import Unit, is_missing, show
from ecops_lib.core.language import mark, tr
from ecops_lib.core.names import joined, short_name
from ecops_lib.core.results import Result
from ecops_lib.metrics.maturity import RIPE_DAYS

if TYPE_CHECKING:
    import pandas as pd

    from ecops_lib.core.charts import Chart

SHOWN = 12
SURE = 0.95
NAMED = 2
PAGE = ("name", "sessions", "paid", "refund_rate", "shop_rate", "cost", "left", "beyond",
        "verdict")  # fmt: skip
VERDICTS: Mapping[str, str] = {
    "stop": mark("stop"),
    "negotiate": mark("renegotiate"),
    "keep": mark("keep"),
    "open": mark("open"),
    "untold": mark("cannot be told"),
}


def verdict_of(row: Mapping[str, Any]) -> str:
    """What to do about a creator.

    ``stop``: it costs surely more than it leaves, even if all its orders count, or than its
    sessions brought; ``negotiate``: buyers surely give back more than the shop's others;
    ``keep``: its sessions surely brought more than they cost; ``untold``: costs or margins are
    not told; else ``open``.
    """
    if row["left_high"] < 0 or row["profit_high"] < 0:
        return "stop"
    if row["chance"] >= SURE:
        return "negotiate"
    if is_missing(row["left"]):
        return "untold"
    return "keep" if row["profit_low"] > 0 else "open"


@dataclass(frozen=True, kw_only=True, eq=False)
class CreatorRatings(Result):
    """Creators of a period.

    Attributes:
        frame: One row a creator, most paid first: sessions, orders, amounts, share of orders
            refunded (shrunk) with its 90 % interval beside the shop's on the same products,
            costs, what is ``left`` of all its orders, what its sessions sold ``beyond`` the
            usual and the ``profit`` of that, each with a 90 % interval; NaN where not told.
        sessions: One row a session: what it sold and what its hours usually sell.
        margins: What is kept of an amount paid.
        start: First local day.
        end: Last local day, included.
        as_of: Last local day that refunds are known of.
        owner: Who sees to it.
    """

    sheet: ClassVar[str] = mark("Creators and live sessions")
    labels: ClassVar[Mapping[str, str]] = {
        "name": mark("Creator"),
        "creator_id": mark("Id"),
        "sessions": mark("Sessions"),
        "viewers": mark("Viewers, added up"),
        "orders": mark("Paid orders"),
        "paid": mark("Amount paid"),
        "told": mark("Amount as the platform tells"),
        "back": mark("Refunded so far"),
        "refund_rate": mark("Orders refunded"),
        "refund_low": mark("Refunded at least"),
        "refund_high": mark("Refunded at most"),
        "shop_rate": mark("Shop's own, same products"),
        "slot_fee": mark("Slot fees"),
        "commission": mark("Commission"),
        "discount": mark("Discounts borne by the creator"),
        "cost": mark("Fees and commission"),
        "left": mark("Left of all orders"),
        "left_high": mark("Left at most"),
        "beyond": mark("Sold beyond the usual"),
        "beyond_low": mark("Beyond at least"),
        "beyond_high": mark("Beyond at most"),
        "profit": mark("Profit of that"),
        "profit_low": mark("Profit at least"),
        "profit_high": mark("Profit at most"),
        "verdict": mark("What to do"),
    }
    units: ClassVar[Mapping[str, Unit]] = {
        **dict.fromkeys(("sessions", "viewers", "orders"), "count"),
        **dict.fromkeys(("refund_rate", "refund_low", "refund_high", "shop_rate"), "share"),
        **dict.fromkeys(
            ("paid", "told", "back", "slot_fee", "commission", "discount", "cost", "left",
             "left_high", "beyond", "beyond_low", "beyond_high", "profit", "profit_low",
             "profit_high"),
            "money",
        ),
    }  # fmt: skip

    frame: pd.DataFrame
    sessions: pd.DataFrame
    margins: Margins
    start: dt.date
    end: dt.date
    as_of: dt.date
    owner: str

    def rows(self) -> list[dict[str, Any]]:
        """The creators, each with its verdict."""
        held: list[dict[str, Any]] = self.frame.to_dict("records")  # type: ignore[assignment]
        return [{**row, "verdict": verdict_of(row)} for row in held]

    def to_frame(self) -> pd.DataFrame:
        """One row a creator."""
        held = self.frame.assign(verdict=[tr(VERDICTS[row["verdict"]]) for row in self.rows()])
        return held[list(self.labels)]

    def page_frame(self) -> pd.DataFrame:
        """What matters most of the largest creators."""
        return self.to_frame()[list(PAGE)].head(SHOWN)

    def findings(self) -> tuple[Finding, ...]:
        """Whom to stop, with whom to talk, whom to keep, and what that rests on."""
        rows = self.rows()
        stop = sorted((r for r in rows if r["verdict"] == "stop"), key=lambda r: -_loss(r))
        back = sorted(
            (r for r in rows if r["chance"] >= SURE),
            key=lambda r: -(r["refund_rate"] - r["shop_rate"]) * r["paid"],
        )
        keep = [r for r in rows if r["verdict"] == "keep"]
        found = [self._stop(row) for row in stop[:NAMED]]
        found += [self._back(row) for row in back[:NAMED]]
        found += [self._keep(row) for row in keep[:1]]
        if not found:
            found = [self._open(rows)]
        return (*found, self._limits(rows))

    def _stop(self, row: Mapping[str, Any]) -> Finding:
        values = {
            "name": short_name(row["name"]),
            "cost": show(row["cost"], "money"),
            "paid": show(row["paid"], "money"),
            "loss": show(_loss(row), "money"),
        }
        if row["left"] < 0:
            text = tr(
                "{name} costs more than it brings: fees and commission of {cost} for {paid} paid; "
                "after refunds and goods {loss} is lost, even if all its orders count.",
                **values,
            )
        else:
            text = tr(
                "{name} costs more than its sessions bring: beyond what these hours usually sell "
                "they sold {beyond} (90% interval {low} to {high}), which after refunds and goods "
                "leaves {loss} of its {cost} uncovered.",
                **values,
                beyond=show(row["beyond"], "money"),
                low=show(row["beyond_low"], "money"),
                high=show(row["beyond_high"], "money"),
            )
        return Finding(
            key=f"creators/stop/{row['creator_id']}",
            level="bad",
            text=text,
            evidence={name: float(row[name]) for name in ("cost", "paid", "left", "profit_high")},
            money=_loss(row),
            action=Action(text=tr("end it, or pay by commission alone"), owner=self.owner),
        )

    def _back(self, row: Mapping[str, Any]) -> Finding:
        excess = float((row["refund_rate"] - row["shop_rate"]) * row["paid"])
        text = tr(
            "Buyers of {name} give back much: {rate} of the orders (90% interval {low} to {high}) "
            "against {shop} of the shop's other orders of the same products.",
            name=short_name(row["name"]),
            rate=show(row["refund_rate"], "share"),
            low=show(row["refund_low"], "share"),
            high=show(row["refund_high"], "share"),
            shop=show(row["shop_rate"], "share"),
        )
        todo = tr("read the reasons for these refunds, and agree on what the creator promises")
        return Finding(
            key=f"creators/returns/{row['creator_id']}",
            level="bad" if row["refund_low"] > 2 * row["shop_rate"] else "watch",
            text=text,
            evidence={name: float(row[name]) for name in ("refund_rate", "shop_rate", "chance")},
            money=max(excess, 0.0),
            action=Action(text=todo, owner=self.owner),
        )

    def _keep(self, row: Mapping[str, Any]) -> Finding:
        text = tr(
            "{name} pays: its sessions sold {beyond} beyond what these hours usually sell, and "
            "{profit} of that is left after refunds, goods, fees and commission (90% interval "
            "{low} to {high}).",
            name=short_name(row["name"]),
            beyond=show(row["beyond"], "money"),
            profit=show(row["profit"], "money"),
            low=show(row["profit_low"], "money"),
            high=show(row["profit_high"], "money"),
        )
        evidence = {name: float(row[name]) for name in ("beyond", "profit", "profit_low")}
        return Finding(
            key=f"creators/keep/{row['creator_id']}", level="good", text=text, evidence=evidence
        )

    def _open(self, rows: list[dict[str, Any]]) -> Finding:
        if all(row["verdict"] == "untold" for row in rows):
            text = tr(
                "Whether any creator pays cannot be told, for fees, commissions or margins are "
                "missing."
            )
        else:
            text = tr("Of no creator is it sure that it loses or earns money.")
        return Finding(key="creators/open", level="info", text=text)

    def _limits(self, rows: list[dict[str, Any]]) -> Finding:
        text = tr(
            "What a session sold beyond the usual compares its hours with the same hours of like "
            "days in the four weeks around; what buyers only bought earlier is not taken off."
        )
        if any(is_missing(row["beyond"]) and row["sessions"] for row in rows):
            text = joined(
                text,
                tr(
                    "Where fewer than four days compare, or a session tells no hours, it cannot be "
                    "told."
                ),
            )
        if (self.as_of - self.end).days < RIPE_DAYS:
            text = joined(text, tr("Refunds of the last weeks will still grow."))
        if np.isnan(self.margins.margin):
            text = joined(text, self.margins.sentence())
        return Finding(key="creators/limits", level="info", text=text)

    def chart(self) -> Chart | None:
        """Share of orders refunded beyond the shop's own."""
        from ecops_lib.core.charts import interval_chart

        held = self.frame.dropna(subset=["refund_rate", "shop_rate"]).head(SHOWN)
        if held.empty:
            return None
        frame = held[["name"]].assign(
            value=held["refund_rate"] - held["shop_rate"],
            low=held["refund_low"] - held["shop_rate"],
            high=held["refund_high"] - held["shop_rate"],
        )
        return interval_chart(
            frame,
            caption=tr("Orders refunded, beside the shop's own on the same products"),
            unit="points",
            better=["down"] * len(frame),
        )


def _loss(row: Mapping[str, Any]) -> float:
    """What a creator to be stopped loses."""
    return float(-row["left"] if row["left"] < 0 else -row["profit"])
