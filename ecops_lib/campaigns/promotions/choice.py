"""Thresholds weighed against each other and against no coupon at all."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from ecops_lib.campaigns.promotions.topping import ToppingUp
from ecops_lib.core.findings import Action, Finding
from ecops_lib.core.formats import Unit, show
from ecops_lib.core.language import mark, ntr, tr
from ecops_lib.core.names import joined
from ecops_lib.core.results import Result

if TYPE_CHECKING:
    import pandas as pd

    from ecops_lib.core.charts import Chart

SHOWN = 12
PAGE = ("threshold", "off", "over", "near", "given", "break_even", "value", "low", "high")


@dataclass(frozen=True, kw_only=True, eq=False)
class ThresholdChoice(Result):
    """A coupon's thresholds on the baskets of a span.

    Attributes:
        frame: One row a threshold, rising [store currency]: amount ``off``, baskets ``over`` it
            anyway and ``near`` below it, what is ``given`` to the former, the ``gain`` if all of
            the latter top up, the share of them that must (``break_even``; infinite where
            none suffices), the margin that the coupon adds (``value``; NaN where topping up is
            not told) with a 90 % interval (over the range of topping up where it is not), and
            the ``chance`` that it is the best of these thresholds.
        response: Share of the baskets within reach that top up.
        baskets: Baskets weighed.
        left_out: Baskets that tell no price or no cost.
        reach: Share of the threshold that a basket within reach lacks at most.
        start: First local day of payment.
        end: Last local day of payment.
    """

    sheet: ClassVar[str] = mark("Coupon thresholds")
    labels: ClassVar[Mapping[str, str]] = {
        "threshold": mark("Threshold"),
        "off": mark("Off"),
        "over": mark("Over it anyway"),
        "near": mark("Just below it"),
        "given": mark("Given for nothing"),
        "gain": mark("Gain if all near top up"),
        "break_even": mark("Must top up"),
        "value": mark("Margin it adds"),
        "low": mark("Adds at least"),
        "high": mark("Adds at most"),
        "chance": mark("Chance to be best"),
    }
    units: ClassVar[Mapping[str, Unit]] = {
        **dict.fromkeys(("threshold", "off", "given", "gain", "value", "low", "high"), "money"),
        **dict.fromkeys(("over", "near"), "count"),
        **dict.fromkeys(("break_even", "chance"), "share"),
    }

    frame: pd.DataFrame
    response: ToppingUp
    baskets: int
    left_out: int
    reach: float
    start: dt.date
    end: dt.date

    @property
    def best(self) -> dict[str, Any]:
        """The threshold that adds most, or that could where topping up is not told."""
        by = self.frame["value" if self.response.told else "high"].to_numpy(float)
        return {str(name): each for name, each in self.frame.iloc[int(by.argmax())].items()}

    @property
    def verdict(self) -> Literal["pays", "none", "open"]:
        """Whether the best surely adds margin, surely none does, or neither is sure."""
        if (self.frame["high"] < 0).all():
            return "none"
        return "pays" if self.best["low"] > 0 else "open"

    def to_frame(self) -> pd.DataFrame:
        """One row a threshold."""
        return self.frame[list(self.labels)]

    def page_frame(self) -> pd.DataFrame:
        """What matters most of the first thresholds."""
        return self.to_frame()[list(PAGE)].head(SHOWN)

    def findings(self) -> tuple[Finding, ...]:
        """Which threshold to take, if any, what buyers are known to do, and the limits."""
        return (self._choice(), self._response(), self._limits())

    def _choice(self) -> Finding:
        best = self.best
        evidence = {name: float(best[name]) for name in ("threshold", "off", "low", "high")}
        told = {
            "threshold": show(best["threshold"], "money"),
            "off": show(best["off"], "money"),
            "low": show(best["low"], "money", sign=True),
            "high": show(best["high"], "money", sign=True),
        }
        if self.verdict == "pays":
            text = tr(
                "{off} off from {threshold} on adds most margin: {value} on these baskets (90% "
                "interval {low} to {high}).",
                **told,
                value=show(best["value"], "money", sign=True),
            )
            todo = Action(text=tr("offer this threshold"), owner=tr("campaigns"))
            return Finding(
                key="thresholds/choice", level="good", text=text, evidence=evidence,
                money=float(best["value"]), action=todo,
            )  # fmt: skip
        if self.verdict == "none":
            text = tr(
                "None of these thresholds pays by topping up: the least bad, {off} off from "
                "{threshold} on, changes the margin by {low} to {high}.",
                **told,
            )
            return Finding(key="thresholds/choice", level="bad", text=text, evidence=evidence)
        text = tr(
            "Which threshold pays, if any, cannot be told: {off} off from {threshold} on, of "
            "which most can be hoped, changes the margin by {low} to {high}.",
            **told,
        )
        if best["break_even"] <= 1:
            share = show(best["break_even"], "share")
            pays = tr("It pays if {share} of the baskets just below top up.", share=share)
            text = joined(text, pays)
        return Finding(key="thresholds/choice", level="watch", text=text, evidence=evidence)

    def _response(self) -> Finding:
        held = self.response
        told = {
            "share": show(held.share, "share"),
            "low": show(held.low, "share"),
            "high": show(held.high, "share"),
            "baskets": show(held.baskets, "count"),
        }
        if held.error == 0:
            text = tr("That {share} of the baskets just below top up is taken as stated.", **told)
        elif held.told:
            text = tr(
                "In past campaigns {share} of the baskets just below a threshold topped up (90% "
                "interval {low} to {high}, from {baskets} baskets).",
                **told,
            )
        elif held.campaigns:
            text = tr(
                "How many top up cannot be told: past campaigns show no surplus of baskets just "
                "above their thresholds, and fit anything from none to {high} ({baskets} "
                "baskets); the range is weighed.",
                **told,
            )
        else:
            text = tr(
                "How many top up cannot be told, for no past campaign with a threshold is known; "
                "anything from none to all is weighed."
            )
        evidence = {"share": held.share, "low": held.low, "high": held.high}
        return Finding(key="thresholds/response", level="info", text=text, evidence=evidence)

    def _limits(self) -> Finding:
        text = tr(
            "{baskets} baskets paid from {start} to {end} at list prices; within reach is up to "
            "{reach} below. The shop bears the coupon; margins are before refunds and fees, and "
            "orders that a coupon would bring or lose do not count.",
            baskets=show(self.baskets, "count"),
            start=show(self.start, "day"),
            end=show(self.end, "day"),
            reach=show(self.reach, "share"),
        )
        if self.left_out:
            out = ntr(
                "{count} basket without prices or costs is left out.",
                "{count} baskets without prices or costs are left out.",
                self.left_out,
                count=show(self.left_out, "count"),
            )
            text = joined(text, out)
        return Finding(key="thresholds/limits", level="info", text=text)

    def chart(self) -> Chart | None:
        """The margin that each threshold adds."""
        from ecops_lib.core.charts import interval_chart

        held = self.frame.dropna(subset=["value"]).head(SHOWN)
        if held.empty:
            return None
        frame = held.assign(name=[show(each, "money") for each in held["threshold"]])
        return interval_chart(
            frame,
            caption=tr("Margin that each threshold adds"),
            unit="money",
            better=["up"] * len(frame),
        )
