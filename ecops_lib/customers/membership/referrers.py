"""Who brought most new customers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

from ecops_lib.core.findings import Finding
from ecops_lib.core.formats import Unit, show
from ecops_lib.core.language import mark, ntr
from ecops_lib.core.names import short_name
from ecops_lib.core.results import Result

if TYPE_CHECKING:
    import pandas as pd

MOST = 10
"""Referrers shown."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Referrers(Result):
    """Customers who brought others, those who brought most first.

    Attributes:
        pairs: One row a customer brought: ``referrer``, ``first_amount`` and ``amount`` of
            the customer, net [store currency].
    """

    sheet: ClassVar[str] = mark("Top referrers")
    units: ClassVar[Mapping[str, Unit]] = {
        "brought": "count",
        "first_amount": "money",
        "amount": "money",
    }
    labels: ClassVar[Mapping[str, str]] = {
        "referrer": mark("Referrer (hash)"),
        "brought": mark("Customers brought"),
        "first_amount": mark("Their first purchases, net"),
        "amount": mark("All their purchases, net"),
    }

    pairs: pd.DataFrame

    @cached_property
    def sums(self) -> pd.DataFrame:
        """One row a referrer."""
        sums = self.pairs.groupby("referrer").agg(
            brought=("buyer_key", "size"),
            first_amount=("first_amount", "sum"),
            amount=("amount", "sum"),
        )
        return sums.reset_index().sort_values(
            ["brought", "amount", "referrer"], ascending=[False, False, True], ignore_index=True
        )

    def to_frame(self) -> pd.DataFrame:
        """One row a referrer, the first ten."""
        held = self.sums[:MOST]
        return held.assign(referrer=[short_name(key) for key in held["referrer"]])

    def findings(self) -> tuple[Finding, ...]:
        """How much rests on the few who brought most."""
        if self.sums.empty:
            return ()
        top = self.sums[:MOST]
        share = float(top["brought"].sum()) / len(self.pairs)
        text = ntr(
            "{count} customer brought others so far; the {top} who brought most brought {share} of "
            "them.",
            "{count} customers brought others so far; the {top} who brought most brought {share} "
            "of them.",
            len(self.sums),
            count=show(len(self.sums), "count"),
            top=show(len(top), "count"),
            share=show(share, "share"),
        )
        numbers = {"referrers": float(len(self.sums)), "share": share}
        return (Finding(key="referrals/top", level="info", text=text, evidence=numbers),)
