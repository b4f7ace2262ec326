"""Stock on a day: what has run out, what was sold beyond stock, what is about to run out."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, ClassVar

from ecops_lib.core.findings import Action, Finding
from ecops_lib.core.formats import Unit, is_missing, show
from ecops_lib.core.language import mark, ntr, tr
from ecops_lib.core.names import short_name
from ecops_lib.core.results import Result

if TYPE_CHECKING:
    import pandas as pd

STATES: Mapping[str, str] = {
    "out": mark("Out of stock"),
    "oversold": mark("Sold beyond stock"),
    "low": mark("Below the threshold"),
}

NAMED = 5
"""Products named one by one; the rest are counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SkuStock:
    """A SKU in trouble.

    Attributes:
        state: ``out``, ``oversold`` or ``low``.
        sku_id: The SKU.
        product_id: Its product; empty where not told.
        name: Name of the product.
        variant: Its variant; empty where not told.
        available: Units on hand less those promised to orders; negative if oversold.
        in_transit: Units on their way in; NaN where not told.
        daily_units: Units sold a day in stock, of the last weeks.
        cover_days: Days that the available units last [days]; NaN where none sells.
        hours_out: Hours out of stock on the day [hours].
        price: Mean price of a unit [store currency]; NaN where none sold.
    """

    state: str
    sku_id: str
    product_id: str
    name: str
    variant: str
    available: float
    in_transit: float
    daily_units: float
    cover_days: float
    hours_out: float
    price: float

    @property
    def lost_amount(self) -> float:
        """Sales lost on the day, estimate [store currency]."""
        return self.daily_units * self.hours_out / 24 * self.price

    @property
    def thing(self) -> str:
        """What it is a part of: its product, or itself."""
        return self.product_id or self.sku_id

    @property
    def words(self) -> str:
        """Product and variant, fit for a sentence."""
        product = short_name(self.name, self.sku_id)
        return f"{product} ({short_name(self.variant)})" if self.variant else product

    @property
    def order(self) -> tuple[object, ...]:
        """Sorting key: state, then most sales lost, then soonest out."""
        return (
            list(STATES).index(self.state),
            -(0.0 if is_missing(self.lost_amount) else self.lost_amount),
            float("inf") if is_missing(self.cover_days) else self.cover_days,
            self.sku_id,
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class StockStates(Result):
    """SKUs that ran out, were oversold or are low, as of a day.

    Attributes:
        day: The day of the page.
        snapshot: The day of the stock figures.
        owner: Who sees to it.
        threshold: Units below which a SKU is low.
        skus: The SKUs in trouble, most pressing first.
        counted: SKUs looked at.
        reason: Why there is nothing to show; empty where there is something.
    """

    units: ClassVar[Mapping[str, Unit]] = {
        "available": "count",
        "in_transit": "count",
        "daily_units": "number",
        "cover_days": "days",
        "hours_out": "hours",
        "lost_amount": "money",
    }
    labels: ClassVar[Mapping[str, str]] = {
        "state": mark("State"),
        "sku_id": mark("SKU"),
        "name": mark("Product"),
        "variant": mark("Variant"),
        "available": mark("Units available"),
        "in_transit": mark("Units on their way"),
        "daily_units": mark("Units sold a day"),
        "cover_days": mark("Lasts for"),
        "hours_out": mark("Hours out of stock"),
        "lost_amount": mark("Sales lost that day, estimate"),
    }
    sheet: ClassVar[str] = mark("Stock")

    day: dt.date
    owner: str
    threshold: float
    snapshot: dt.date | None = None
    skus: tuple[SkuStock, ...] = ()
    counted: int = 0
    reason: str = ""

    def absent(self) -> str:
        """Why nothing is known of the stock, if so."""
        return self.reason

    def to_frame(self) -> pd.DataFrame:
        """One row a SKU in trouble."""
        import pandas as pd

        rows = [[getattr(sku, column) for column in self.labels] for sku in self.skus]
        frame = pd.DataFrame(rows, columns=list(self.labels))
        return frame.assign(state=[tr(STATES[sku.state]) for sku in self.skus])

    def findings(self) -> tuple[Finding, ...]:
        """Each product that is out or oversold, then the low SKUs together."""
        if self.reason:
            return ()
        held = {state: [s for s in self.skus if s.state == state] for state in STATES}
        found = [
            *(_out(skus, self.owner) for skus in _by_product(held["out"])),
            *(_oversold(skus, self.owner) for skus in _by_product(held["oversold"])),
            *self._low(held["low"]),
        ]
        return (*(found or [self._fine()]), *self._stale())

    def _low(self, low: list[SkuStock]) -> list[Finding]:
        if not low:
            return []
        first = min(low, key=lambda sku: (sku.cover_days, sku.sku_id))
        text = ntr(
            "{count} SKU that sells is below {threshold} units: {name} lasts for {days} more "
            "at its present pace.",
            "{count} SKUs that sell are below {threshold} units; the first to run out is {name}, "
            "which lasts for {days} more at its present pace.",
            len(low),
            count=show(len(low), "count"),
            threshold=show(self.threshold, "number"),
            name=first.words,
            days=show(first.cover_days, "days"),
        )
        numbers = {"threshold": self.threshold, "cover_days": first.cover_days}
        return [
            Finding(
                key="stock_low",
                level="watch",
                text=text,
                evidence={"skus": float(len(low)), **numbers},
                action=Action(
                    text=tr("reorder, or slow its advertising until new stock is in"),
                    owner=self.owner,
                ),
            )
        ]

    def _fine(self) -> Finding:
        text = ntr(
            "{count} SKU looked at; it is in stock and above its threshold if it sells.",
            "{count} SKUs looked at; of those that sell none is out of stock, oversold or below "
            "its threshold.",
            self.counted,
            count=show(self.counted, "count"),
        )
        return Finding(key="stock_low", level="good", text=text)

    def _stale(self) -> tuple[Finding, ...]:
        if self.snapshot in {None, self.day}:
            return ()
        text = tr("The stock figures are those of {day}.", day=show(self.snapshot, "day"))
        return (Finding(key="stock_stale", level="info", text=text),)


def _by_product(skus: Iterable[SkuStock]) -> list[list[SkuStock]]:
    """SKUs of the same product together, most sales lost first; the first few products."""
    ranked = sorted(skus, key=lambda sku: sku.thing)
    groups = [list(held) for _, held in groupby(ranked, key=lambda sku: sku.thing)]
    return sorted(groups, key=lambda held: (-_lost(held), held[0].thing))[:NAMED]


def _lost(skus: list[SkuStock]) -> float:
    return sum(0.0 if is_missing(sku.lost_amount) else sku.lost_amount for sku in skus)


def _out(skus: list[SkuStock], owner: str) -> Finding:
    gone = [sku for sku in skus if sku.available <= 0]
    pace = sum(sku.daily_units for sku in skus)
    hours = max(sku.hours_out for sku in skus)
    values = {
        "name": short_name(skus[0].name, skus[0].sku_id) if len(skus) > 1 else skus[0].words,
        "hours": show(hours, "hours"),
        "pace": show(pace, "number"),
        "skus": show(len(gone), "count"),
    }
    if gone:
        text = ntr(
            "{name} is out of stock, {hours} of this day; it sells {pace} units a day.",
            "{name} is out of stock in {skus} variants, up to {hours} of this day; they sell "
            "{pace} units a day.",
            len(gone),
            **values,
        )
        todo = tr("restock, and pause its advertising until then")
    else:
        text = tr(
            "{name} was out of stock for {hours} of this day and is back; it sells {pace} units "
            "a day.",
            **values,
        )
        todo = tr("find out why it ran out")
    return Finding(
        key=f"stock_out/{skus[0].thing}",
        level="bad" if gone else "watch",
        text=text,
        evidence={"skus_out": len(gone), "hours_out": hours, "daily_units": pace},
        money=_lost(skus),
        action=Action(text=todo, owner=owner),
    )


def _oversold(skus: list[SkuStock], owner: str) -> Finding:
    missing = -sum(sku.available for sku in skus)
    money = sum(-sku.available * sku.price for sku in skus)
    text = ntr(
        "{name}: {count} unit is promised to orders and not in stock.",
        "{name}: {count} units are promised to orders and not in stock.",
        missing,
        name=short_name(skus[0].name, skus[0].sku_id),
        count=show(missing, "count"),
    )
    return Finding(
        key=f"oversold/{skus[0].thing}",
        level="bad",
        text=text,
        evidence={"missing_units": missing},
        money=None if is_missing(money) else money,
        action=Action(text=tr("find the units, or offer those buyers another"), owner=owner),
    )
