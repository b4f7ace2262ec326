"""Notes: what was found while computing, worded when it is read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from ecops_lib.core.findings import Finding, Level
from ecops_lib.core.formats import show
from ecops_lib.core.language import mark, ntr, tr

Kind = Literal["fallback", "unknown_buyers", "untold", "outside", "bounds", "silent", "paid_later"]

ROWS: Mapping[str, str] = {
    "orders": mark("orders"),
    "order_items": mark("order lines"),
    "refunds": mark("refunds"),
    "traffic": mark("traffic rows"),
    "traffic_shop": mark("shop's traffic rows"),
    "traffic_product": mark("products' traffic rows"),
    "traffic_channel": mark("channels' traffic rows"),
    "traffic_keyword": mark("keywords' traffic rows"),
    "ads": mark("advertising rows"),
    "inventory": mark("stock snapshots"),
    "costs": mark("cost rows"),
    "reviews": mark("reviews"),
    "tickets": mark("service cases"),
    "events": mark("visitors' actions"),
    "products": mark("products"),
    "purchase_orders": mark("purchase orders"),
    "customers": mark("customers"),
    "contacts": mark("messages to customers"),
    "points": mark("points movements"),
    "community": mark("chat groups' days"),
    "shipments": mark("shipments"),
    "suppliers": mark("suppliers"),
    "sourcing": mark("terms of supply"),
    "kits": mark("parts of kits"),
    "proposals": mark("proposed orders"),
    "carrier_rates": mark("carriers' prices"),
    "live_sessions": mark("live sessions"),
}
"""What the rows of a table or of a fact are called in a sentence."""


def rows_word(name: str) -> str:
    """The rows of a table or fact, in the reader's language."""
    return tr(ROWS.get(name, name))


@dataclass(frozen=True, slots=True)
class Note:
    """Something that a reader of the numbers must know."""

    kind: Kind
    values: Mapping[str, object] = field(default_factory=dict)

    def finding(self) -> Finding:
        """The note as a finding in the reader's language."""
        level: Level = "watch" if self.kind in {"untold", "outside", "silent"} else "info"
        about = self.values.get("about", "")
        numbers = {k: float(v) for k, v in self.values.items() if isinstance(v, int | float)}
        return Finding(
            key=f"note/{self.kind}/{about}", level=level, text=self._text(), evidence=numbers
        )

    def _text(self) -> str:
        held = self.values
        about = tr(str(held.get("label") or held.get("about", "")))
        rows = rows_word(str(held.get("rows_of", "")))
        match self.kind:
            case "unknown_buyers":
                return ntr(
                    "{count} paid order names no buyer; buyers are the known ones only.",
                    "{count} paid orders name no buyer; buyers are the known ones only.",
                    float(str(held["count"])),
                    count=show(held["count"], "count"),
                )
            case "untold":
                return tr(
                    "{about}: {count} of {all} {rows} do not tell it and are left out.",
                    about=about,
                    count=show(held["count"], "count"),
                    all=show(held["all"], "count"),
                    rows=rows,
                )
            case "fallback":
                return tr(
                    "{about}: as the platform counts it ({rows}), since the orders do not tell it.",
                    about=about,
                    rows=rows,
                )
            case "outside":
                return tr(
                    "The {rows} in the store run from {first} to {last}; days outside hold no "
                    "data and are not zero.",
                    rows=rows,
                    first=show(held["first"], "day"),
                    last=show(held["last"], "day"),
                )
            case "bounds":
                return tr(
                    "{about}: the same people may be in several rows, so it cannot be had "
                    "exactly; it lies between the bounds shown.",
                    about=about,
                )
            case "paid_later":
                return ntr(
                    "{count} order placed in these days was paid after them ({amount}, "
                    "on {last}); it counts on the day it was paid.",
                    "{count} orders placed in these days were paid after them ({amount}, "
                    "up to {last}); they count on the day they were paid.",
                    float(str(held["count"])),
                    count=show(held["count"], "count"),
                    amount=show(held["amount"], "money"),
                    last=show(held["last"], "day"),
                )
            case "silent":
                return tr("{about}: no {rows} for these days.", about=about, rows=rows)
