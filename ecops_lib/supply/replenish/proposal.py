"""An order proposal: what to order of each SKU, from whom, and why."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from ecops_lib.core.findings import Finding
from ecops_lib.core.formats import Unit, show
from ecops_lib.core.language import mark, tr
from ecops_lib.core.names import short_name
from ecops_lib.core.results import Result
from ecops_lib.supply.replenish.leads import LeadTimes
from ecops_lib.supply.replenish.positions import ALL
from ecops_lib.supply.replenish.reasons import explain
from ecops_lib.supply.replenish.rules import OrderRules
from ecops_lib.supply.replenish.words import tell_proposal

if TYPE_CHECKING:
    import pandas as pd

SHOWN = 12
"""Lines of the page's table."""


@dataclass(frozen=True, kw_only=True, eq=False)
class OrderProposal(Result):
    """What to order, one row a SKU (× warehouse).

    Attributes:
        lines: In the order of the forecast: ``sku_id``, ``warehouse_id`` (* for all),
            ``name``, ``supplier_id``, ``supplier_name``; ``on_hand``, ``reserved``,
            ``coming``, ``position`` [units]; ``days`` until the next order comes in and
            ``expected``, ``low``, ``high`` (80 % interval) asked for until then;
            ``asked`` and ``service`` (given by the reorder point); ``reorder_point`` (order
            below it), ``order_up_to``, ``normal_level`` (the textbook's reorder point);
            ``needed``, ``wanted`` (with the supplier's least amount), ``quantity`` (within
            the budget) [units], ``unit_cost``, ``amount``, ``margin``, ``lost_profit``
            (expected, for want of budget) [store currency]; ``minimum_quantity``,
            ``pack_size``, ``minimum_amount``, ``order_cost``, ``payment_days``,
            ``lead_days`` (mean, as estimated), ``lead_basis``, ``quoted_days``.
        demand: Each line's demand until the next order comes in: 200 quantiles.
        purchases: Purchase orders as known then.
        leads: Lead times of all suppliers.
        as_of: Last local day that counts; the order is placed at its end.
        snapshot: Day of the newest stock export.
        untold: Series of the forecast whose stock no export tells.
        rules: How the shop orders.
        asked: Service asked for; None where margins decide.
        budget: Most that all orders may cost; None for no limit.
        owner: Who sees to it.
        reason: Why there is nothing to show; empty where there is something.
    """

    sheet: ClassVar[str] = mark("Order proposal")
    units: ClassVar[Mapping[str, Unit]] = {
        "position": "count",
        "reorder_point": "count",
        "order_up_to": "count",
        "quantity": "count",
        "amount": "money",
    }
    labels: ClassVar[Mapping[str, str]] = {
        "item": mark("SKU"),
        "supplier": mark("Supplier"),
        "position": mark("Stock position"),
        "expected": mark("Expected until the next order comes in (80 %)"),
        "reorder_point": mark("Reorder point"),
        "order_up_to": mark("Order up to"),
        "quantity": mark("Units to order"),
        "amount": mark("Amount"),
        "reason": mark("Why"),
    }

    lines: pd.DataFrame
    demand: np.ndarray[Any, np.dtype[np.float32]]
    purchases: pd.DataFrame
    leads: LeadTimes
    as_of: dt.date
    snapshot: dt.date
    untold: int
    rules: OrderRules
    asked: float | None
    budget: float | None
    owner: str
    reason: str = ""

    @classmethod
    def without(
        cls, as_of: dt.date, rules: OrderRules, *, owner: str, reason: str
    ) -> OrderProposal:
        """A proposal that cannot be made, and why."""
        import pandas as pd

        nothing = LeadTimes(own={}, pooled=None, stretch=None, assumed=rules.lead_days)
        return cls(
            lines=pd.DataFrame(),
            demand=np.zeros((0, 0), np.float32),
            purchases=pd.DataFrame(),
            leads=nothing,
            as_of=as_of,
            snapshot=as_of,
            untold=0,
            rules=rules,
            asked=None,
            budget=None,
            owner=owner,
            reason=reason,
        )

    def absent(self) -> str:
        """Why nothing can be proposed, if nothing can."""
        return self.reason

    @cached_property
    def orders(self) -> pd.DataFrame:
        """The lines with something to order, the largest amount first."""
        held = self.lines[self.lines["quantity"] > 0]
        return held.sort_values(["amount", "sku_id"], ascending=[False, True])

    @property
    def amount(self) -> float:
        """What all orders cost [store currency]; lines of unknown cost are left out."""
        return float(self.lines["amount"].sum())

    @property
    def several(self) -> bool:
        """Whether warehouses are told apart."""
        return bool((self.lines["warehouse_id"] != ALL).any())

    def item(self, line: Any) -> str:
        """A line's name for a table: the SKU, its product and its warehouse."""
        name = short_name(line.name, "")
        parts = [str(line.sku_id), *([name] if name else [])]
        if self.several:
            parts.append(str(line.warehouse_id))
        return " · ".join(parts)

    def to_frame(self) -> pd.DataFrame:
        """All lines with something to order, the largest first."""
        import pandas as pd

        shown = self.orders.itertuples(index=False)
        rows = [
            {
                "item": self.item(line),
                "supplier": supplier_words(line),
                "position": line.position,
                "expected": expected_words(line),
                "reorder_point": line.reorder_point,
                "order_up_to": line.order_up_to,
                "quantity": line.quantity,
                "amount": line.amount,
                "reason": explain(line),
            }
            for line in shown
        ]
        return pd.DataFrame(rows, columns=list(self.labels))

    def page_frame(self) -> pd.DataFrame:
        """The largest orders."""
        return self.to_frame().head(SHOWN)

    def findings(self) -> tuple[Finding, ...]:
        """What to order, what runs out before it comes, and what the levels rest on."""
        return () if self.reason else tell_proposal(self)


def supplier_words(line: Any) -> str:
    """A line's supplier by name, or that none is told."""
    return short_name(line.supplier_name, line.supplier_id or tr("supplier not told"))


def expected_words(line: Any) -> str:
    """Units expected and their 80 % interval."""
    return tr(
        "{expected} ({low} to {high})",
        expected=show(round(line.expected), "count"),
        low=show(round(line.low), "count"),
        high=show(round(line.high), "count"),
    )
