"""What each segment of the customers has brought, and what to do about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from ecops_lib.core.charts import Chart, bar_chart
from ecops_lib.core.checks import require_choice
from ecops_lib.core.findings import RANK, Action, Finding
from ecops_lib.core.formats import Unit, show
from ecops_lib.core.language import mark, ntr, tr
from ecops_lib.core.results import Result
from ecops_lib.customers.people import MILS
from ecops_lib.customers.rfm import Scores
from ecops_lib.customers.segments import (
    GROUPS,
    SHOPIFY,
    Array,
    Rule,
    Segmentation,
    SegmentationName,
    make_tiers,
)

if TYPE_CHECKING:
    import pandas as pd

MOST_TOLD = 4
"""Segments that findings speak of; the table holds all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentSum:
    """What one segment holds.

    Attributes:
        customers: How many they are.
        orders: Their orders.
        mils: Their net amount [1/10,000 of the store currency].
        one_order: Sum of each one's mean net amount an order [store currency].
        recency: Median days since their last purchase; NaN without customers.
    """

    customers: int
    orders: int
    mils: int
    one_order: float
    recency: float


@dataclass(frozen=True, kw_only=True, eq=False)
class Segments(Result):
    """Customers and their net amount by segment; with those apart they are all that was paid.

    Attributes:
        scores: The customers.
        segmentation: The rules.
        place: The place of each customer's segment in the rules.
        owner: Who sees to it.
    """

    sheet: ClassVar[str] = mark("Customer segments")
    units: ClassVar[Mapping[str, Unit]] = {
        "customers": "count",
        "customer_share": "share",
        "orders": "count",
        "amount": "money",
        "amount_share": "share",
        "average": "money",
        "recency": "days",
    }
    labels: ClassVar[Mapping[str, str]] = {
        "segment": mark("Segment"),
        "rule": mark("Rule"),
        "customers": mark("Customers"),
        "customer_share": mark("Share of customers"),
        "orders": mark("Orders"),
        "amount": mark("Net amount"),
        "amount_share": mark("Share of net amount"),
        "average": mark("Net amount a customer"),
        "recency": mark("Last purchase, median"),
    }

    scores: Scores
    segmentation: Segmentation
    place: Array
    owner: str

    @cached_property
    def sums(self) -> tuple[SegmentSum, ...]:
        """What each segment holds, in the order of the rules."""
        people, found = self.scores.people, []
        for place in range(len(self.segmentation.rules)):
            mine = np.flatnonzero(self.place == place)
            mils, orders = people.mils[mine], people.orders[mine]
            found.append(
                SegmentSum(
                    customers=len(mine),
                    orders=int(orders.sum()),
                    mils=int(mils.sum()),
                    one_order=float((mils / orders).sum()) / MILS,
                    recency=float(np.median(people.recency[mine])) if len(mine) else np.nan,
                )
            )
        return tuple(found)

    def to_frame(self) -> pd.DataFrame:
        """One row a segment, then what belongs to no customer, then all."""
        import pandas as pd

        count, total = len(self.scores.people), self.scores.total
        rows = [
            {
                "segment": tr(rule.label),
                "rule": rule.words(),
                "customers": row.customers,
                "customer_share": row.customers / count,
                "orders": row.orders,
                "amount": row.mils / MILS,
                "amount_share": row.mils / total if total > 0 else np.nan,
                "average": row.mils / MILS / row.customers if row.customers else np.nan,
                "recency": row.recency,
            }
            for rule, row in zip(self.segmentation.rules, self.sums, strict=True)
        ]
        return pd.DataFrame([*rows, *self._apart()], columns=list(self.labels))

    def _apart(self) -> list[dict[str, object]]:
        """What belongs to no customer, and the sum of everything."""
        scores, apart = self.scores, self.scores.apart
        total = scores.total / MILS
        rows: list[dict[str, object]] = []
        if self.segmentation.key == "shopify" and scores.prospects is not None:
            rows.append({"segment": tr("Prospects"), "rule": tr("on the member list, no purchase"),
                         "customers": scores.prospects, "orders": 0, "amount": 0.0})  # fmt: skip
        for label, rule, orders, amount in (
            (tr("Unknown buyers"), tr("orders that name no buyer"), apart.unknown_orders,
             apart.unknown_amount),
            (tr("Wholly refunded"), tr("no purchase of anybody"), apart.refunded_orders,
             apart.refunded_amount),
        ):  # fmt: skip
            share = amount / total if total > 0 else np.nan
            rows.append({"segment": label, "rule": rule, "orders": orders, "amount": amount,
                         "amount_share": share})  # fmt: skip
        everything = int(scores.people.orders.sum()) + apart.unknown_orders + apart.refunded_orders
        share = 1.0 if total > 0 else np.nan
        rows.append({"segment": tr("Total"), "rule": tr("all paid orders, net of refunds"),
                     "customers": len(scores.people), "customer_share": 1.0, "orders": everything,
                     "amount": total, "amount_share": share})  # fmt: skip
        return rows

    def findings(self) -> tuple[Finding, ...]:
        """The segments that matter most, what is behind them, and what is not told."""
        told = [
            self._told(rule, row)
            for rule, row in zip(self.segmentation.rules, self.sums, strict=True)
            if row.customers and rule.advice
        ]
        told.sort(key=lambda f: (RANK[f.level], -f.evidence["amount"]))
        early = [self._young()] if self._too_young() else []
        return (*told[:MOST_TOLD], *early, *self.scores.findings()[1:])

    def _told(self, rule: Rule, row: SegmentSum) -> Finding:
        """Who is in a segment, what they have brought, and what one order more would bring."""
        total, again = self.scores.total, row.one_order
        given = {
            "segment": tr(rule.label),
            "count": show(row.customers, "count"),
            "share": show(row.customers / len(self.scores.people), "share"),
            "amount": show(row.mils / MILS, "money"),
        }
        if total > 0 and again > 0:
            text = ntr(
                "{segment}: {count} customer ({share}) has brought {amount}, {part} of all; one "
                "more order like the earlier ones is worth {again}.",
                "{segment}: {count} customers ({share}) have brought {amount}, {part} of all; one "
                "more order of each, like their earlier ones, is worth {again}.",
                row.customers,
                **given,
                part=show(row.mils / total, "share"),
                again=show(again, "money"),
            )
        else:
            text = ntr(
                "{segment}: {count} customer ({share}) has brought {amount} net.",
                "{segment}: {count} customers ({share}) have brought {amount} net.",
                row.customers,
                **given,
            )
        numbers = {"customers": float(row.customers), "orders": float(row.orders),
                   "amount": row.mils / MILS, "one_order": again}  # fmt: skip
        return Finding(
            key=f"segment/{self.segmentation.key}/{rule.key}",
            level=rule.level,
            text=text,
            evidence=numbers,
            money=again if again > 0 else None,
            action=Action(text=tr(rule.advice), owner=self.owner),
        )

    def _too_young(self) -> bool:
        """Whether the data begin too late to tell newcomers from the others."""
        new = [rule.when["age"][1] for rule in self.segmentation.rules if rule.key == "new"
               and "age" in rule.when]  # fmt: skip
        return bool(new) and (self.scores.as_of - self.scores.since).days <= new[0]

    def _young(self) -> Finding:
        text = tr(
            "The orders begin on {since}, so every customer counts as new; import older orders to "
            "tell new customers from known ones.",
            since=show(self.scores.since, "day"),
        )
        return Finding(key="segment/young", level="watch", text=text)

    def chart(self) -> Chart | None:
        """Net amount by segment."""
        import pandas as pd

        frame = pd.DataFrame(
            {
                "name": [tr(rule.label) for rule in self.segmentation.rules],
                "value": [row.mils / MILS for row in self.sums],
            }
        )
        if not (frame["value"] > 0).any():
            return None
        return bar_chart(frame, caption=tr("Net amount by segment"), unit="money")


def segment_customers(
    scores: Scores,
    *,
    by: SegmentationName = "tiers",
    tiers: Segmentation | None = None,
    owner: str = "",
) -> Segments:
    """Put each customer into exactly one segment.

    Args:
        scores: The customers.
        by: Which segments: ``tiers`` of value and activity, ``groups`` by R and F, or
            ``shopify``.
        tiers: Tiers with other limits (see ``make_tiers``); by default high value is the
            customers' mean net amount and more.
        owner: Who sees to it; customer operations by default.

    Raises:
        ParameterError: An argument has an impossible value.
    """
    require_choice(by, SegmentationName, name="by")
    held = {"groups": GROUPS, "shopify": SHOPIFY}
    rules = held.get(by) or tiers or make_tiers(high_value=scores.mean_amount)
    return Segments(
        scores=scores,
        segmentation=rules,
        place=rules.assign(scores.fields),
        owner=owner or tr("customer operations"),
    )
