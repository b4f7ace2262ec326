"""Marginal returns of ad plans, and what they say."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from ecops_lib.campaigns.ads.margins import Margins
from ecops_lib.campaigns.ads.response_fit import FittedCurve
from ecops_lib.campaigns.ads.shrinkage import Floats
from ecops_lib.core.findings import Action, Finding
from ecops_lib.core.formats import Unit, show
from ecops_lib.core.language import mark, tr
from ecops_lib.core.names import joined, short_name
from ecops_lib.core.results import Result

if TYPE_CHECKING:
    import pandas as pd

    from ecops_lib.core.charts import Chart

SHOWN = 12
NAMED = 2
TROUBLES: Mapping[str, str] = {
    "few": mark("too few days with spend and sales"),
    "still": mark("its spend hardly varied"),
    "demand": mark("its spend moved with demand, so the two cannot be told apart"),
    "steep": mark("its sales grow faster than its spend, which is demand, not the ads"),
    "wide": mark("its days leave nearly every curve open"),
}
PAGE = ("name", "days", "present", "roi", "marginal", "marginal_low", "marginal_high", "kept",
        "verdict")  # fmt: skip


@dataclass(frozen=True, kw_only=True, eq=False)
class PlanResponse:
    """What a plan's spend brings.

    Attributes:
        plan: Its id.
        name: What it is called.
        days: Days with spend that it was fitted on.
        margin: What is kept of an amount; NaN where not told.
        recent: Mean amount credited on a recent day.
        checked: Whether demand was told, so that spend could be held against it.
        curve: The curve, or why there is none.
    """

    plan: str
    name: str
    days: int
    margin: float
    recent: float
    checked: bool
    curve: FittedCurve

    @property
    def told(self) -> bool:
        """Whether the curve tells something."""
        return not self.curve.trouble

    def marginal(self) -> tuple[float, float, float]:
        """Credited amount that one more unit of money brings today, with its 90 % interval."""
        return interval(self.curve.marginal(self.curve.present)) if self.told else UNTOLD

    def verdict(self) -> str:
        """``more``: the next unit of money pays; ``less``: it does not; else ``open``."""
        _, low, high = self.marginal()
        if low * self.margin > 1:
            return "more"
        return "less" if high * self.margin < 1 else "open"


UNTOLD = (float("nan"),) * 3


def interval(draws: Floats) -> tuple[float, float, float]:
    """Mean and 90 % interval of draws."""
    low, high = np.quantile(draws, [0.05, 0.95])
    return float(draws.mean()), float(low), float(high)


@dataclass(frozen=True, kw_only=True, eq=False)
class Responses(Result):
    """Marginal returns by plan.

    Attributes:
        plans: The plans, most spend first.
        margins: What is kept of an amount paid.
        start: First day.
        end: Last day, included.
        left_out: Spend on affiliate commission, which follows sales.
        owner: Who sees to it.
    """

    sheet: ClassVar[str] = mark("Marginal returns")
    labels: ClassVar[Mapping[str, str]] = {
        "name": mark("Ads"),
        "plan": mark("Id"),
        "days": mark("Days"),
        "present": mark("Spend a day now"),
        "recent": mark("Credited a day now"),
        "roi": mark("ROI as credited"),
        "marginal": mark("Marginal ROI"),
        "marginal_low": mark("at least"),
        "marginal_high": mark("at most"),
        "margin": mark("Kept of an amount"),
        "kept": mark("Marginal ROI after costs"),
        "elasticity": mark("Elasticity"),
        "low": mark("Least spend observed"),
        "high": mark("Most spend observed"),
        "driven": mark("Spend explained by demand"),
        "verdict": mark("More money"),
    }
    units: ClassVar[Mapping[str, Unit]] = {
        "days": "count",
        "present": "money",
        "recent": "money",
        "roi": "ratio",
        "marginal": "ratio",
        "marginal_low": "ratio",
        "marginal_high": "ratio",
        "margin": "share",
        "kept": "ratio",
        "elasticity": "ratio",
        "low": "money",
        "high": "money",
        "driven": "share",
    }

    plans: tuple[PlanResponse, ...]
    margins: Margins
    start: dt.date
    end: dt.date
    left_out: float
    owner: str

    def to_frame(self) -> pd.DataFrame:
        """One row a plan."""
        import pandas as pd

        rows = []
        for plan in self.plans:
            mean, low, high = plan.marginal()
            curve = plan.curve
            rows.append(
                {
                    "name": plan.name,
                    "plan": plan.plan,
                    "days": plan.days,
                    "present": curve.present,
                    "recent": plan.recent,
                    "roi": plan.recent / curve.present if curve.present > 0 else np.nan,
                    "marginal": mean,
                    "marginal_low": low,
                    "marginal_high": high,
                    "margin": plan.margin,
                    "kept": mean * plan.margin,
                    "elasticity": float(curve.elasticity.mean()) if plan.told else np.nan,
                    "low": curve.low,
                    "high": curve.high,
                    "driven": curve.driven,
                    "verdict": verdict_word(plan),
                }
            )
        return pd.DataFrame(rows, columns=list(self.labels))

    def page_frame(self) -> pd.DataFrame:
        """What matters most of each plan."""
        return self.to_frame()[list(PAGE)].head(SHOWN)

    def findings(self) -> tuple[Finding, ...]:
        """Where more money pays, where it does not, which curves are untold, and limits."""
        told = [plan for plan in self.plans if plan.told]
        less = sorted((p for p in told if p.verdict() == "less"), key=lambda p: -p.curve.present)
        more = sorted((p for p in told if p.verdict() == "more"), key=lambda p: -p.curve.present)
        found = [self._less(plan) for plan in less[:NAMED]]
        found += [self._more(plan) for plan in more[:NAMED]]
        if not found:
            found = [self._open(told)]
        return (*found, *self._untold(), self._limits())

    def _values(self, plan: PlanResponse) -> dict[str, str]:
        mean, low, high = plan.marginal()
        return {
            "name": short_name(plan.name),
            "spend": show(plan.curve.present, "money"),
            "one": show(1, "money"),
            "marginal": show(mean, "money"),
            "low": show(low, "money"),
            "high": show(high, "money"),
            "kept": show(mean * plan.margin, "money"),
        }

    def _finding(self, plan: PlanResponse, text: str, action: str) -> Finding:
        mean, low, high = plan.marginal()
        good = plan.verdict() == "more"
        return Finding(
            key=f"response/{'more' if good else 'less'}/{plan.plan}",
            level="good" if good else "bad",
            text=text,
            evidence={"marginal": mean, "low": low, "high": high, "margin": plan.margin},
            action=Action(text=action, owner=self.owner),
        )

    def _less(self, plan: PlanResponse) -> Finding:
        text = tr(
            "{name} is spent beyond its worth: at {spend} a day another {one} brings {marginal} "
            "(90% interval {low} to {high}), of which {kept} is kept after refunds and costs.",
            **self._values(plan),
        )
        return self._finding(plan, text, tr("lower its daily budget step by step"))

    def _more(self, plan: PlanResponse) -> Finding:
        text = tr(
            "{name} is worth more money: at {spend} a day another {one} brings {marginal} "
            "(90% interval {low} to {high}), of which {kept} is kept after refunds and costs.",
            **self._values(plan),
        )
        return self._finding(plan, text, tr("raise its daily budget step by step"))

    def _open(self, told: list[PlanResponse]) -> Finding:
        if not told:
            text = tr("Of no plan can it be told what more money would bring.")
        elif np.isnan(self.margins.margin):
            text = tr(
                "Whether more money on any plan pays cannot be told. {why}",
                why=self.margins.sentence(),
            )
        else:
            text = tr(
                "On no plan is it sure whether more money pays: every interval of the marginal "
                "return holds the one at which it breaks even."
            )
        return Finding(key="response/open", level="info", text=text)

    def _untold(self) -> list[Finding]:
        found = []
        for trouble, reason in TROUBLES.items():
            names = [short_name(p.name) for p in self.plans if p.curve.trouble == trouble]
            if names:
                text = tr(
                    "The marginal return of {names} cannot be told: {reason}.",
                    names=tr(", ").join(names[:3]) + (" …" if len(names) > 3 else ""),
                    reason=tr(reason),
                )
                if trouble in {"still", "demand", "steep", "wide"}:
                    text = joined(
                        text,
                        tr(
                            "Change its daily budget at random by ±30% for four weeks, then it can."
                        ),
                    )
                found.append(Finding(key=f"response/untold/{trouble}", level="info", text=text))
        return found[:2]

    def _limits(self) -> Finding:
        text = tr(
            "Marginal returns count what the platform credits, part of which would have been sold "
            "anyway; only a test in which spend is changed on purpose tells the rest."
        )
        if any(plan.told and not plan.checked for plan in self.plans):
            text = joined(
                text,
                tr(
                    "Whether spend followed demand could not be checked, which flatters; import "
                    "traffic by channel."
                ),
            )
        if self.left_out > 0:
            text = joined(
                text,
                tr(
                    "Affiliate commission ({cost}) is left out: it is a share of sales.",
                    cost=show(self.left_out, "money"),
                ),
            )
        return Finding(key="response/limits", level="info", text=text)

    def chart(self) -> Chart | None:
        """Profit of one more unit of money, with intervals."""
        import pandas as pd

        from ecops_lib.core.charts import interval_chart

        held = [p for p in self.plans if p.told and not np.isnan(p.margin)][:SHOWN]
        if not held:
            return None
        cells = [[x * p.margin - 1 for x in p.marginal()] for p in held]
        frame = pd.DataFrame(cells, columns=["value", "low", "high"])
        frame.insert(0, "name", [short_name(p.name) for p in held])
        return interval_chart(
            frame,
            caption=tr("Profit of each further {one}, with its 90% interval", one=show(1, "money")),
            unit="money",
            better=["up"] * len(frame),
        )


def verdict_word(plan: PlanResponse) -> str:
    """The verdict in the reader's language."""
    if not plan.told:
        return tr("cannot be told")
    return {"more": tr("pays"), "less": tr("does not pay"), "open": tr("open")}[plan.verdict()]
