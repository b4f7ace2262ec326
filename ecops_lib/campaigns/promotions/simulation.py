"""What designs would have cost, and what it takes for them to pay."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from ecops_lib.core.findings import Finding
from ecops_lib.core.formats import Unit, show
from ecops_lib.core.language import mark, ntr, tr
from ecops_lib.core.names import joined, short_name
from ecops_lib.core.results import Result

if TYPE_CHECKING:
    import pandas as pd

    from ecops_lib.core.charts import Chart

NAMED = 5
SHOWN = 12
PAGE = ("design", "reached", "merchant", "platform", "creator", "margin_after", "over", "near",
        "break_even")  # fmt: skip


@dataclass(frozen=True, kw_only=True, eq=False)
class PromotionSimulation(Result):
    """Designs on the baskets of a span, nobody buying more or less for them.

    Attributes:
        frame: One row a design [store currency]: baskets ``reached``, what ``merchant``,
            ``platform`` and ``creator`` bear (gifts too), what buyers ``paid``,
            ``margin_after`` (of baskets with known costs), baskets ``over`` a threshold and
            ``near`` below one, what the shop gives by thresholds (``given``), what it would
            ``gain`` if all baskets near topped up, and the share of them that must
            (``break_even``: infinite where none suffices, NaN where it cannot be told).
        baskets: Orders priced.
        base: Them at list prices [store currency].
        costed: Orders whose goods' costs are all told.
        margin_before: Of these, list prices less costs of goods; NaN where there are none.
        left_out: Orders that could not be priced.
        reach: Share of a threshold that a basket ``near`` lacks at most.
        start: First local day of payment.
        end: Last local day of payment.
    """

    sheet: ClassVar[str] = mark("Promotions on the shop's own baskets")
    labels: ClassVar[Mapping[str, str]] = {
        "design": mark("Design"),
        "reached": mark("Baskets it reached"),
        "merchant": mark("Shop bears"),
        "platform": mark("Platform bears"),
        "creator": mark("Creator bears"),
        "paid": mark("Amount paid"),
        "margin_before": mark("Margin without offers"),
        "margin_after": mark("Margin with it"),
        "over": mark("Over a threshold anyway"),
        "near": mark("Just below a threshold"),
        "given": mark("Given by thresholds"),
        "gain": mark("Gain if all near top up"),
        "break_even": mark("Must top up"),
    }
    units: ClassVar[Mapping[str, Unit]] = {
        **dict.fromkeys(("reached", "over", "near"), "count"),
        **dict.fromkeys(
            ("merchant", "platform", "creator", "paid", "margin_before", "margin_after", "given",
             "gain"),
            "money",
        ),
        "break_even": "share",
    }  # fmt: skip

    frame: pd.DataFrame
    baskets: int
    base: float
    costed: int
    margin_before: float
    left_out: int
    reach: float
    start: dt.date
    end: dt.date

    def to_frame(self) -> pd.DataFrame:
        """One row a design."""
        return self.frame.assign(margin_before=self.margin_before)[list(self.labels)]

    def page_frame(self) -> pd.DataFrame:
        """What matters most of the first designs."""
        return self.to_frame()[list(PAGE)].head(SHOWN)

    def findings(self) -> tuple[Finding, ...]:
        """What each design gives away, and whether topping up can pay for it."""
        rows: list[dict[str, Any]] = self.frame.to_dict("records")  # type: ignore[assignment]
        return (*(self._design(row) for row in rows[:NAMED]), self._limits())

    def _design(self, row: Mapping[str, Any]) -> Finding:
        text = tr(
            "{design}: the shop bears {merchant} ({share} of list prices) on {reached} of "
            "{baskets} baskets.",
            design=short_name(row["design"]),
            merchant=show(row["merchant"], "money"),
            share=show(row["merchant"] / self.base if self.base else np.nan, "share"),
            reached=show(row["reached"], "count"),
            baskets=show(self.baskets, "count"),
        )
        level = "info"
        if row["over"] or row["near"]:
            words, level = self._threshold(row)
            text = joined(text, words)
        return Finding(
            key=f"promotions/design/{row['design']}",
            level=level,  # type: ignore[arg-type]
            text=text,
            evidence={
                name: float(row[name])
                for name in ("merchant", "reached", "over", "near", "given", "gain", "break_even")
            },
            money=float(row["given"]) if row["given"] else None,
        )

    def _threshold(self, row: Mapping[str, Any]) -> tuple[str, str]:
        told = {
            "over": show(row["over"], "count"),
            "given": show(row["given"], "money"),
            "near": show(row["near"], "count"),
            "reach": show(self.reach, "share"),
        }
        text = tr(
            "{over} baskets are over its threshold anyway and get {given} for nothing more; "
            "{near} lie up to {reach} below a threshold.",
            **told,
        )
        share = row["break_even"]
        if np.isnan(share):
            why = tr("Whether topping up pays cannot be told, for no cost of goods is known.")
            return joined(text, why), "info"
        if share == 0:
            return joined(text, tr("It costs the shop nothing.")), "good"
        if share > 1:
            why = tr("Even if all of these topped up, it would not pay for itself.")
            return joined(text, why), "bad"
        why = tr(
            "It pays for itself if {share} of these top up.",
            share=show(share, "share"),
        )
        return joined(text, why), "info"

    def _limits(self) -> Finding:
        text = tr(
            "Orders paid from {start} to {end} at list prices, without the offers that they had; "
            "margins are before refunds, fees and ads, and orders that an offer would bring or "
            "lose do not count.",
            start=show(self.start, "day"),
            end=show(self.end, "day"),
        )
        if 0 < self.costed < self.baskets:
            some = tr(
                "Margins and the share that must top up are of the {costed} baskets whose costs "
                "are told.",
                costed=show(self.costed, "count"),
            )
            text = joined(text, some)
        if self.left_out:
            out = ntr(
                "{count} order that tells no price of a line is left out.",
                "{count} orders that tell no price of a line are left out.",
                self.left_out,
                count=show(self.left_out, "count"),
            )
            text = joined(text, out)
        return Finding(key="promotions/limits", level="info", text=text)

    def chart(self) -> Chart | None:
        """What the shop bears of each design."""
        from ecops_lib.core.charts import bar_chart

        held = self.frame[self.frame["merchant"] > 0].head(SHOWN)
        if held.empty:
            return None
        frame = held.rename(columns={"design": "name", "merchant": "value"})
        caption = tr("What the shop would have borne")
        return bar_chart(frame, caption=caption, unit="money", better="down")
