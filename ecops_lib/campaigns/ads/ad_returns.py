"""What ads cost and brought, and what it says."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from ecops_lib.campaigns.ads.margins import Margins
from ecops_lib.campaigns.ads.reading import UNTOLD
from ecops_lib.core.findings import Action, Finding
from ecops_lib.core.formats import Unit, is_missing, show
from ecops_lib.core.language import mark, tr
from ecops_lib.core.names import short_name
from ecops_lib.core.results import Result

if TYPE_CHECKING:
    import pandas as pd

    from ecops_lib.core.charts import Chart

SHOWN = 12
PAGE = ("name", "cost", "clicks", "cost_per_click", "conversion_rate", "roi", "break_even",
        "profit", "margin")  # fmt: skip
NAMED = 2
"""Losing plans, and earning ones, that get a sentence each."""


@dataclass(frozen=True, kw_only=True, eq=False)
class AdReturns(Result):
    """Ads of a period by plan, kind or product.

    Attributes:
        frame: One row a group, dearest first: sums as the report tells them, what is ``kept``
            of the credited amount, ``profit`` (kept less cost) with its 90 % interval, rates.
        by: ``plan``, ``line`` or ``product``.
        margins: What is kept of an amount paid.
        start: First day.
        end: Last day, included.
        days: Days of the period.
        owner: Who sees to it.
    """

    sheet: ClassVar[str] = mark("Returns on advertising")
    labels: ClassVar[Mapping[str, str]] = {
        "name": mark("Ads"),
        "id": mark("Id"),
        "product_line": mark("Kind of advertising"),
        "impressions": mark("Impressions"),
        "clicks": mark("Clicks"),
        "cost": mark("Cost"),
        "attributed_amount": mark("Credited amount"),
        "attributed_orders": mark("Credited orders"),
        "click_through_rate": mark("Click-through rate"),
        "cost_per_click": mark("Cost per click"),
        "conversion_rate": mark("Click conversion"),
        "roi": mark("ROI as credited"),
        "margin": mark("Kept of an amount"),
        "break_even": mark("Break-even ROI"),
        "kept": mark("Kept of the credited amount"),
        "profit_roi": mark("Profit ROI"),
        "profit": mark("Profit after ads"),
        "profit_low": mark("Profit at least"),
        "profit_high": mark("Profit at most"),
    }
    units: ClassVar[Mapping[str, Unit]] = {
        "impressions": "count",
        "clicks": "count",
        "cost": "money",
        "attributed_amount": "money",
        "attributed_orders": "count",
        "click_through_rate": "share",
        "cost_per_click": "money",
        "conversion_rate": "share",
        "roi": "ratio",
        "margin": "share",
        "break_even": "ratio",
        "kept": "money",
        "profit_roi": "ratio",
        "profit": "money",
        "profit_low": "money",
        "profit_high": "money",
    }

    frame: pd.DataFrame
    by: str
    margins: Margins
    start: dt.date
    end: dt.date
    days: int
    owner: str

    def to_frame(self) -> pd.DataFrame:
        """One row a plan, kind or product."""
        return self.frame[[name for name in self.labels if name in self.frame]]

    def page_frame(self) -> pd.DataFrame:
        """The dearest, with what matters most."""
        return self.frame[[name for name in PAGE if name in self.frame]].head(SHOWN)

    @property
    def total(self) -> dict[str, float]:
        """Cost, credited amount, what is kept, and profit of all ads."""
        names = ("cost", "attributed_amount", "kept")
        held = {name: float(self.frame[name].sum(min_count=1)) for name in names}
        told = not self.frame["profit"].isna().any()
        return {**held, "profit": held["kept"] - held["cost"] if told else float("nan")}

    def findings(self) -> tuple[Finding, ...]:
        """What all ads brought, which lose money, which earn most, and what that rests on."""
        named = self.frame[self.frame["id"] != UNTOLD]
        rows: list[dict[str, Any]] = named.to_dict("records")  # type: ignore[assignment]
        losing = sorted((r for r in rows if r["profit_high"] < 0), key=lambda r: r["profit"])
        earning = sorted((r for r in rows if r["profit_low"] > 0), key=lambda r: -r["profit"])
        found = [self._whole()]
        found += [self._losing(row) for row in losing[:NAMED]]
        found += [self._earning(row) for row in earning[:1]]
        return (*found, self._limits())

    def _whole(self) -> Finding:
        total = self.total
        values = {
            "cost": show(total["cost"], "money"),
            "amount": show(total["attributed_amount"], "money"),
            "start": show(self.start, "day"),
            "end": show(self.end, "day"),
        }
        if is_missing(total["attributed_amount"]):
            text = tr(
                "Ads cost {cost} from {start} to {end}; what they brought is not told.", **values
            )
            return Finding(key="ads/total", level="info", text=text, evidence=total)
        values["roi"] = show(total["attributed_amount"] / total["cost"], "ratio") if (
            total["cost"] > 0
        ) else show(None)  # fmt: skip
        if is_missing(total["profit"]):
            text = tr(
                "Ads cost {cost} from {start} to {end} and the platform credits {amount} to them "
                "(ROI {roi}); whether that pays cannot be told. {why}",
                **values,
                why=self.margins.sentence() if np.isnan(self.margins.margin) else tr(
                    "Some ads do not tell what they brought."
                ),
            )  # fmt: skip
            return Finding(key="ads/total", level="watch", text=text, evidence=total)
        loss = total["profit"] < 0
        values["profit"] = show(abs(total["profit"]), "money")
        if loss:
            text = tr(
                "Ads cost {cost} from {start} to {end}, the platform credits {amount} to them "
                "(ROI {roi}); after refunds and costs they lost {profit}.",
                **values,
            )
        else:
            text = tr(
                "Ads cost {cost} from {start} to {end}, the platform credits {amount} to them "
                "(ROI {roi}); after refunds and costs they left {profit}.",
                **values,
            )
        return Finding(
            key="ads/total",
            level="watch" if loss else "info",
            text=text,
            evidence=total,
            money=abs(total["profit"]) if loss else None,
        )

    def _values(self, row: Mapping[str, Any]) -> dict[str, str]:
        return {
            "name": short_name(row["name"]),
            "cost": show(row["cost"], "money"),
            "roi": show(row["roi"], "ratio"),
            "break_even": show(row["break_even"], "ratio"),
            "profit": show(abs(row["profit"]), "money"),
            "low": show(row["profit_low"], "money"),
            "high": show(row["profit_high"], "money"),
        }

    def _losing(self, row: Mapping[str, Any]) -> Finding:
        text = tr(
            "{name} loses {profit} (90% interval {low} to {high}): its ROI of {roi} lies below the "
            "{break_even} at which it would break even.",
            **self._values(row),
        )
        return Finding(
            key=f"ads/loss/{row['id']}",
            level="bad",
            text=text,
            evidence=_evidence(row),
            money=float(-row["profit"]),
            action=Action(
                text=tr("cut its bids or its budget, beginning with its worst keywords"),
                owner=self.owner,
            ),
        )

    def _earning(self, row: Mapping[str, Any]) -> Finding:
        text = tr(
            "{name} earns most, {profit} (90% interval {low} to {high}), with an ROI of {roi} "
            "against {break_even} to break even.",
            **self._values(row),
        )
        return Finding(
            key=f"ads/gain/{row['id']}", level="good", text=text, evidence=_evidence(row)
        )

    def _limits(self) -> Finding:
        text = tr(
            "What the platform credits would partly have been sold without ads, and refunds of "
            "recent days are not in it. {why}",
            why=self.margins.sentence(),
        )
        return Finding(key="ads/limits", level="info", text=text)

    def chart(self) -> Chart | None:
        """Profit of each."""
        from ecops_lib.core.charts import bar_chart

        told = self.frame.dropna(subset=["profit"]).head(SHOWN)
        if len(told) < 2:
            return None
        rows = told[["name", "profit"]].rename(columns={"profit": "value"})
        caption = tr("Profit after ads, refunds and costs")
        return bar_chart(rows, caption=caption, unit="money", better="up")


def _evidence(row: Mapping[str, Any]) -> dict[str, float]:
    names = ("cost", "roi", "break_even", "profit", "profit_low", "profit_high")
    return {name: float(row[name]) for name in names}
