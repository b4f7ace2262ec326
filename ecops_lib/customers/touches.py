"""The touch plan of a month: the playbook set against the customers of each tier."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from ecops_lib.core.errors import ParameterError
from ecops_lib.core.findings import Finding
from ecops_lib.core.formats import Unit, show
from ecops_lib.core.language import mark, ntr, tr
from ecops_lib.core.names import joined
from ecops_lib.core.results import Result
from ecops_lib.customers.playbook import FILE, Playbook, TierPlan, Touch
from ecops_lib.customers.segment_worth import Segments

if TYPE_CHECKING:
    import pandas as pd

MONTH = 30
"""Days of a month of the plan."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """One touch of one tier in a month.

    Attributes:
        tier: What people call the tier.
        customers: Customers in it.
        benefit: What they get; empty where the playbook has no plan for them.
        touch: The touch; None where there is none.
    """

    tier: str
    customers: int
    benefit: str
    touch: Touch | None

    @property
    def contacts(self) -> float:
        """Contacts in a month."""
        return self.customers * MONTH / self.touch.every_days if self.touch else 0.0

    @property
    def cost(self) -> float:
        """Of all of them [store currency]; NaN where the cost of one is not given."""
        return self.contacts * self.touch.cost if self.touch else math.nan


@dataclass(frozen=True, kw_only=True, eq=False)
class TouchPlan(Result):
    """What each tier gets in a month, how, by whom, and at what cost.

    Attributes:
        planned: The touches, tier by tier.
        playbook: Where they come from.
    """

    sheet: ClassVar[str] = mark("Benefits and touch plan")
    units: ClassVar[Mapping[str, Unit]] = {
        "customers": "count",
        "every": "days",
        "contacts": "count",
        "each": "money",
        "cost": "money",
    }
    labels: ClassVar[Mapping[str, str]] = {
        "tier": mark("Tier"),
        "customers": mark("Customers"),
        "benefit": mark("Benefit"),
        "message": mark("Message"),
        "channel": mark("Sent by"),
        "every": mark("Every"),
        "owner": mark("Owner"),
        "contacts": mark("Contacts in 30 days"),
        "each": mark("Cost of one"),
        "cost": mark("Cost in 30 days"),
    }

    planned: tuple[Planned, ...]
    playbook: Playbook

    @property
    def contacts(self) -> float:
        """Contacts of a month."""
        return sum(row.contacts for row in self.planned)

    @property
    def cost(self) -> float:
        """What the contacts whose cost is given cost in a month [store currency]."""
        return sum(row.cost for row in self.planned if not math.isnan(row.cost))

    def to_frame(self) -> pd.DataFrame:
        """One row a touch, and one for a tier without any."""
        import pandas as pd

        rows = []
        for row in self.planned:
            told: dict[str, object] = {
                "tier": row.tier, "customers": row.customers, "benefit": row.benefit or None,
            }  # fmt: skip
            if row.touch:
                told |= {
                    "message": row.touch.message, "channel": row.touch.channel,
                    "every": row.touch.every_days, "owner": row.touch.owner,
                    "contacts": row.contacts, "each": row.touch.cost, "cost": row.cost,
                }  # fmt: skip
            rows.append(told)
        return pd.DataFrame(rows, columns=list(self.labels))

    def findings(self) -> tuple[Finding, ...]:
        """How many contacts a month, at what cost, and who is left out."""
        left = self._left_out()
        return (self._told(), *((left,) if left else ()), self._source())

    def _told(self) -> Finding:
        text = ntr(
            "The playbook asks for {count} contact in {days}.",
            "The playbook asks for {count} contacts in {days}.",
            round(self.contacts),
            count=show(self.contacts, "count"),
            days=show(MONTH, "days"),
        )
        numbers = {"contacts": self.contacts, "cost": self.cost}
        touches = [row for row in self.planned if row.touch]
        costly = [row for row in touches if not math.isnan(row.cost)]
        if costly:
            said = ntr(
                "Those of {known} of {all} touch cost {cost}; the others give no cost.",
                "Those of {known} of {all} touches cost {cost}; the others give no cost.",
                len(touches),
                known=show(len(costly), "count"),
                all=show(len(touches), "count"),
                cost=show(self.cost, "money"),
            )
            whole = tr("Together they cost {cost}.", cost=show(self.cost, "money"))
            text = joined(text, whole if len(costly) == len(touches) else said)
        elif touches:
            text = joined(text, tr("What one costs is not given, so their cost is not told."))
        money = self.cost if costly else None
        return Finding(key="playbook/month", level="info", text=text, evidence=numbers, money=money)

    def _left_out(self) -> Finding | None:
        """Tiers with customers whom nobody contacts."""
        held = [row for row in self.planned if not row.touch and row.customers]
        if not held:
            return None
        count = sum(row.customers for row in held)
        text = ntr(
            "{count} customer ({tiers}) is contacted by nobody, for the playbook has no touches "
            "there.",
            "{count} customers ({tiers}) are contacted by nobody, for the playbook has no touches "
            "there.",
            count,
            count=show(count, "count"),
            tiers=tr(", ").join(row.tier for row in held),
        )
        numbers = {"customers": float(count)}
        return Finding(key="playbook/left", level="watch", text=text, evidence=numbers)

    def _source(self) -> Finding:
        if self.playbook.file:
            text = tr("Benefits and touches are those of {file} in the store's folder.", file=FILE)
        else:
            text = tr(
                "This is the built-in playbook; the command ecops playbook writes it into the "
                "store's folder as {file}, where you can edit it.",
                file=FILE,
            )
        return Finding(key="playbook/source", level="info", text=text)


def plan_touches(segments: Segments, playbook: Playbook) -> TouchPlan:
    """Set a playbook against the customers of each tier: contacts and cost of a month.

    Args:
        segments: The customers by tier.
        playbook: What each tier gets.

    Raises:
        ParameterError: The segments are not the tiers.
    """
    if segments.segmentation.key != "tiers":
        raise ParameterError(
            f"segments are by {segments.segmentation.key!r}; a playbook is for the tiers of "
            "segment_customers(scores, by='tiers')."
        )
    planned: list[Planned] = []
    for rule, held in zip(segments.segmentation.rules, segments.sums, strict=True):
        plan = playbook.tiers.get(rule.key, TierPlan(benefit=""))
        touches: tuple[Touch | None, ...] = plan.touches or (None,)
        planned += [
            Planned(
                tier=tr(rule.label), customers=held.customers, benefit=plan.benefit, touch=touch
            )
            for touch in touches
        ]
    return TouchPlan(planned=tuple(planned), playbook=playbook)
