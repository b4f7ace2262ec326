"""How long suppliers take: days from order to receipt, as a distribution.

A supplier's own receipts tell it where there are enough of them; orders that are still open
count as having taken at least as long as they are out already (Kaplan & Meier 1958). Where
history is thin, what the supplier quotes is stretched as all suppliers together stretched
their quotations.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from ecops_lib.core.language import mark
from ecops_lib.supply.panel import Floats

if TYPE_CHECKING:
    import pandas as pd

Basis = Literal["own", "quoted", "pooled", "assumed"]
BASES: Mapping[Basis, str] = {
    "own": mark("its own receipts"),
    "quoted": mark("its quotation, stretched as all suppliers stretched theirs"),
    "pooled": mark("the receipts of all suppliers"),
    "assumed": mark("an assumption"),
}
ENOUGH = 8
"""Receipts from which a supplier's own history is taken."""


@dataclass(frozen=True, kw_only=True, eq=False)
class LeadTime:
    """Days that an order takes, as a distribution.

    Attributes:
        days: Values, rising [days].
        chances: Probability of each; they add up to 1.
        basis: What it rests on.
        receipts: Receipts that it rests on.
    """

    days: Floats
    chances: Floats
    basis: Basis
    receipts: int

    @property
    def mean(self) -> float:
        """Mean [days]."""
        return float(self.days @ self.chances)

    @property
    def sd(self) -> float:
        """Standard deviation [days]."""
        return math.sqrt(float(self.chances @ (self.days - self.mean) ** 2))

    def quantile(self, share: float) -> float:
        """Days within which this share of orders comes in."""
        place = int(np.searchsorted(np.cumsum(self.chances), share - 1e-12))
        return float(self.days[min(place, len(self.days) - 1)])

    def draw(self, count: int, rng: np.random.Generator) -> np.ndarray[Any, np.dtype[np.int64]]:
        """Lead times in random order, spread evenly over the distribution [days]."""
        shares = (rng.permutation(count) + rng.random(count)) / count
        places = np.searchsorted(np.cumsum(self.chances), shares)
        return np.ceil(self.days[np.minimum(places, len(self.days) - 1)] - 1e-9).astype(np.int64)

    def beyond(self, age: float) -> LeadTime:
        """The distribution of an order that is out for ``age`` days already.

        An order out for longer than any before is taken to come in the next day.
        """
        late = self.days > age
        if not late.any() or not self.chances[late].sum() > 0:
            days, chances = np.array([math.floor(age) + 1.0]), np.ones(1)
        else:
            days, chances = self.days[late], self.chances[late] / self.chances[late].sum()
        return LeadTime(days=days, chances=chances, basis=self.basis, receipts=self.receipts)


@dataclass(frozen=True, kw_only=True, eq=False)
class LeadTimes:
    """Lead times of all suppliers.

    Attributes:
        own: Of each supplier with enough receipts.
        pooled: Of all suppliers together; None without a receipt.
        stretch: Of quotations: days taken per day quoted; None where none can be compared.
        assumed: Days taken to hold where nothing tells [days].
    """

    own: Mapping[str, LeadTime]
    pooled: LeadTime | None
    stretch: LeadTime | None
    assumed: float

    def of(self, supplier: str, quoted: float = math.nan) -> LeadTime:
        """The lead time of a supplier who quotes ``quoted`` days (NaN for none)."""
        if supplier in self.own:
            return self.own[supplier]
        if not math.isnan(quoted):
            return self._stretched(quoted)
        if self.pooled is not None:
            return self.pooled
        return _fixed(self.assumed, "assumed")

    def _stretched(self, quoted: float) -> LeadTime:
        if self.stretch is None:
            return _fixed(quoted, "quoted")
        days = quoted * self.stretch.days
        return LeadTime(
            days=days, chances=self.stretch.chances, basis="quoted", receipts=self.stretch.receipts
        )


def _fixed(days: float, basis: Basis) -> LeadTime:
    held = np.array([float(math.ceil(days))])
    return LeadTime(days=held, chances=np.ones(1), basis=basis, receipts=0)


def estimate_lead_times(
    purchases: pd.DataFrame, *, quoted: Mapping[tuple[str, str], float], assumed: float
) -> LeadTimes:
    """Lead times from past and open purchase orders.

    Args:
        purchases: One row a purchase order × SKU: ``purchase_id``, ``supplier_id``,
            ``sku_id``, ``taken`` (days from order to receipt, or to now) and ``came``
            (whether it was received).
        quoted: Days quoted by SKU and supplier.
        assumed: Days where nothing tells.

    References:
        Kaplan & Meier (1958), Journal of the American Statistical Association 53, 457-481.
    """
    held = purchases.dropna(subset=["taken"])
    parcels = held.drop_duplicates(["purchase_id", "supplier_id", "taken", "came"])
    own = {
        str(supplier): _kaplan_meier(rows["taken"], rows["came"], "own")
        for supplier, rows in parcels.groupby("supplier_id", observed=True)
        if supplier and rows["came"].sum() >= ENOUGH
    }
    pooled = None
    if parcels["came"].any():
        pooled = _kaplan_meier(parcels["taken"], parcels["came"], "pooled")
    pairs = zip(held["sku_id"], held["supplier_id"], strict=True)
    told = np.array([quoted.get(pair, math.nan) for pair in pairs], float)
    compared = held.assign(ratio=held["taken"] / np.where(told > 0, told, math.nan))
    compared = compared.dropna(subset=["ratio"])
    stretch = None
    if compared["came"].sum() >= ENOUGH:
        stretch = _kaplan_meier(compared["ratio"], compared["came"], "quoted")
    return LeadTimes(own=own, pooled=pooled, stretch=stretch, assumed=assumed)


def _kaplan_meier(taken: pd.Series, came: pd.Series, basis: Basis) -> LeadTime:
    """Chance that the next order takes each duration.

    The longest of n receipts is not the longest there is: half a receipt's chance, ½ / n,
    lies beyond it (Hazen's plotting position, (k - ½) / n), by as much as the longest quarter
    exceeds its beginning on average. What is still open beyond it is put there too.
    """
    span, event = taken.to_numpy(float), came.to_numpy(bool)
    days, place = np.unique(span[event], return_inverse=True)
    arrived = np.bincount(place, minlength=len(days)).astype(float)
    out = (span[None, :] >= days[:, None]).sum(axis=1)
    left = np.cumprod(1 - arrived / out)
    count = int(event.sum())
    chances = -np.diff(np.concatenate([[1.0], left])) * (1 - 0.5 / count)
    done = np.sort(span[event])
    upper = done[-max(1, len(done) // 4) :]
    excess = float((upper - upper[0]).mean())
    days = np.append(days, days[-1] + excess)
    chances = np.append(chances, max(1 - chances.sum(), 0.0))
    return LeadTime(days=days, chances=chances, basis=basis, receipts=count)
