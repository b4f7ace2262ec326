"""The same budget, divided better: Kuhn and Tucker's condition on the marginal curves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from ecops_lib.campaigns.ads.responses import PlanResponse, Responses, interval
from ecops_lib.campaigns.ads.shrinkage import Floats
from ecops_lib.core.errors import MissingDataError, ParameterError
from ecops_lib.core.findings import Action, Finding
from ecops_lib.core.formats import Unit, show
from ecops_lib.core.language import mark, tr
from ecops_lib.core.names import short_name
from ecops_lib.core.results import Result

if TYPE_CHECKING:
    import pandas as pd

POINTS = 401
"""Points of each plan's curve."""
MONTH = 30.0
"""Days that gains are told for."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Reallocation(Result):
    """Daily budgets now and as proposed.

    Attributes:
        frame: One row a plan, most raised first: spend a day now and as proposed, the range
            observed, what is kept of one more unit of money before and after, and the gain a day.
        gain: What is gained a day, after refunds and costs, and its 90 % interval.
        next: What is kept of one more unit of money on the best plans at the proposed budgets,
            and its 90 % interval; NaN where every plan stands at the end of its range.
        total: Budget a day of these plans [store currency].
        fixed: Plans left as they are, for their curve or their margin is not told.
        owner: Who sees to it.
    """

    sheet: ClassVar[str] = mark("Budget divided anew")
    labels: ClassVar[Mapping[str, str]] = {
        "name": mark("Ads"),
        "plan": mark("Id"),
        "present": mark("Spend a day now"),
        "proposed": mark("Proposed a day"),
        "change": mark("Change"),
        "low": mark("Least spend observed"),
        "high": mark("Most spend observed"),
        "kept_before": mark("Marginal ROI after costs now"),
        "kept_after": mark("Marginal ROI after costs then"),
        "gain": mark("Gain a day"),
    }
    units: ClassVar[Mapping[str, Unit]] = {
        **dict.fromkeys(("present", "proposed", "change", "low", "high", "gain"), "money"),
        "kept_before": "ratio",
        "kept_after": "ratio",
    }

    frame: pd.DataFrame
    gain: tuple[float, float, float]
    next: tuple[float, float, float]
    total: float
    fixed: tuple[str, ...]
    owner: str

    def to_frame(self) -> pd.DataFrame:
        """One row a plan."""
        return self.frame

    def page_frame(self) -> pd.DataFrame:
        """The plans, without ids."""
        return self.frame.drop(columns=["plan"]).head(12)

    @property
    def pays(self) -> bool:
        """Whether the gain is surely above 0."""
        return self.gain[1] > 0

    def findings(self) -> tuple[Finding, ...]:
        """Which money to move where and what it brings; whether the total is right."""
        found = [self._moves(), self._total(), self._fixed()]
        return tuple(f for f in found if f)

    def _moves(self) -> Finding:
        mean, low, high = (MONTH * each for each in self.gain)
        evidence = {"gain": mean, "low": low, "high": high, "total": self.total}
        values = {
            "total": show(self.total, "money"),
            "gain": show(mean, "money"),
            "low": show(low, "money"),
            "high": show(high, "money"),
        }
        up, down = self.frame.iloc[0], self.frame.iloc[-1]
        if not self.pays:
            text = tr(
                "No other division of the {total} a day is surely better: the best would bring "
                "{gain} in 30 days, with a 90% interval from {low} to {high}.",
                **values,
            )
            return Finding(key="budget/keep", level="info", text=text, evidence=evidence)
        text = tr(
            "With the same {total} a day, {less} less on {down} and {more} more on {up} would "
            "bring {gain} in 30 days after refunds and costs (90% interval {low} to {high}); no "
            "plan leaves the range of spend that it has had.",
            **values,
            less=show(-down["change"], "money"),
            down=short_name(down["name"]),
            more=show(up["change"], "money"),
            up=short_name(up["name"]),
        )
        todo = tr("move a third of it first, and hold what the platform credits against the curve")
        return Finding(
            key="budget/move",
            level="good",
            text=text,
            evidence=evidence,
            money=mean,
            action=Action(text=todo, owner=self.owner),
        )

    def _total(self) -> Finding | None:
        mean, low, high = self.next
        if np.isnan(mean):
            return None
        values = {
            "one": show(1, "money"),
            "next": show(mean, "money"),
            "low": show(low, "money"),
            "high": show(high, "money"),
        }
        evidence = {"next": mean, "low": low, "high": high}
        if high < 1:
            text = tr(
                "The total is too high: even divided best, of another {one} only {next} is kept "
                "(90% interval {low} to {high}), so each {one} less saves money.",
                **values,
            )
            return Finding(key="budget/total", level="watch", text=text, evidence=evidence)
        if low > 1:
            text = tr(
                "More money would pay: divided best, of another {one} {next} is kept (90% interval "
                "{low} to {high}).",
                **values,
            )
            return Finding(key="budget/total", level="good", text=text, evidence=evidence)
        text = tr(
            "Whether the total is too high or too low cannot be told: divided best, of another "
            "{one} {next} is kept, with a 90% interval from {low} to {high}.",
            **values,
        )
        return Finding(key="budget/total", level="info", text=text, evidence=evidence)

    def _fixed(self) -> Finding | None:
        if not self.fixed:
            return None
        text = tr(
            "{names} keep their budgets, for what more money brings there cannot be told.",
            names=tr(", ").join(short_name(name) for name in self.fixed[:4])
            + (" …" if len(self.fixed) > 4 else ""),
        )
        return Finding(key="budget/fixed", level="info", text=text)


def reallocate_budget(responses: Responses, *, total: float | None = None) -> Reallocation:
    """Divide the daily budget so that the next unit of money is worth the same everywhere.

    What is kept of the credited amounts, on average over the draws, is maximised with the
    total fixed and each plan within the spend that it has had (the 5th to the 95th percentile
    of its days): a concave problem, so Kuhn and Tucker's (1951) condition is enough. The gain's
    interval comes from the same draws at the proposed budgets.

    Args:
        responses: Curves of the plans (``fit_response``).
        total: Budget a day of the plans whose curves are told [store currency]; what they
            spend now by default.

    Raises:
        MissingDataError: Fewer than two plans have a told curve and margin.
        ParameterError: The plans' ranges do not hold the total.
    """
    import pandas as pd

    plans = [p for p in responses.plans if p.told and not np.isnan(p.margin)]
    if len(plans) < 2:
        raise MissingDataError(
            tr(
                "Fewer than two plans tell what more money brings, so their budget cannot be "
                "divided anew; vary daily budgets on purpose, or take more days."
            )
        )
    present = np.array([p.curve.present for p in plans])
    budget = float(present.sum()) if total is None else float(total)
    least, most = (sum(getattr(p.curve, end) for p in plans) for end in ("low", "high"))
    if not least - 1e-9 <= budget <= most + 1e-9:
        raise ParameterError(
            f"total is {budget:g}; the plans have spent from {least:g} to {most:g} a day, take "
            "a total in between."
        )
    proposed = _divide(plans, budget)
    before, after = (_kept(plans, spend) for spend in (present, proposed))
    gains = after - before - (proposed - present)[:, None]
    inside = [low < x < high for x, low, high in _ranges(plans, proposed)]
    slopes = [_slopes(p, x) for p, x in zip(plans, proposed, strict=True)]
    free = [s for s, told in zip(slopes, inside, strict=True) if told]
    frame = pd.DataFrame(
        {
            "name": [p.name for p in plans],
            "plan": [p.plan for p in plans],
            "present": present,
            "proposed": proposed,
            "change": proposed - present,
            "low": [p.curve.low for p in plans],
            "high": [p.curve.high for p in plans],
            "kept_before": [float(_slopes(p, p.curve.present).mean()) for p in plans],
            "kept_after": [float(each.mean()) for each in slopes],
            "gain": gains.mean(axis=1),
        }
    )
    return Reallocation(
        frame=frame.sort_values("change", ascending=False, kind="stable", ignore_index=True),
        gain=interval(gains.sum(axis=0)),
        next=interval(np.mean(free, axis=0)) if free else (float("nan"),) * 3,
        total=budget,
        fixed=tuple(p.name for p in responses.plans if p not in plans),
        owner=responses.owner,
    )


def _slopes(plan: PlanResponse, spend: float) -> Floats:
    """What is kept of one more unit of money, by draw."""
    held: Floats = plan.curve.marginal(spend) * plan.margin
    return held


def _kept(plans: Sequence[PlanResponse], spend: Floats) -> Floats:
    """What is kept of the credited amounts (plans, draws)."""
    return np.stack([p.curve.brings(x) * p.margin for p, x in zip(plans, spend, strict=True)])


def _ranges(plans: Sequence[PlanResponse], spend: Floats) -> list[tuple[float, float, float]]:
    reach = 1e-3
    return [
        (float(x), p.curve.low * (1 + reach), p.curve.high * (1 - reach))
        for p, x in zip(plans, spend, strict=True)
    ]


def _divide(plans: Sequence[PlanResponse], budget: float) -> Floats:
    """Spend of each plan at which all marginal curves stand at one height, or at their ends."""
    grids = [np.linspace(p.curve.low, p.curve.high, POINTS) for p in plans]
    heights = [
        np.array([_slopes(p, x).mean() for x in grid]) for p, grid in zip(plans, grids, strict=True)
    ]

    def spend(height: float) -> Floats:
        return np.array(
            [np.interp(height, h[::-1], g[::-1]) for h, g in zip(heights, grids, strict=True)]
        )

    low, high = min(h[-1] for h in heights) - 1e-9, max(h[0] for h in heights) + 1e-9
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if spend(middle).sum() > budget else (low, middle)
    return _exactly(spend(high), spend(low), budget)


def _exactly(less: Floats, more: Floats, budget: float) -> Floats:
    """Between two divisions that lie around the budget, the one that spends it all."""
    gap = more.sum() - less.sum()
    share = (budget - less.sum()) / gap if gap > 0 else 0.0
    held: Floats = less + np.clip(share, 0.0, 1.0) * (more - less)
    return held
