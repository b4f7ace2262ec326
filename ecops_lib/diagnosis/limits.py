"""What a page cannot say: tables that are missing or end early, and how to get them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from ecops_lib.core.findings import Finding
from ecops_lib.core.formats import Unit, show
from ecops_lib.core.language import mark, ntr, tr
from ecops_lib.core.results import Result
from ecops_lib.data.coverage import covers
from ecops_lib.data.schema import table_named

if TYPE_CHECKING:
    import pandas as pd

    from ecops_lib.data.store import Store

SHOWS: Mapping[str, str] = {
    "orders": mark("sales, buyers, orders waiting"),
    "order_items": mark("products that moved, pace of stock"),
    "refunds": mark("refund claims and their reasons"),
    "traffic": mark("visitors, conversion, channels"),
    "inventory": mark("stock and stock-outs"),
    "products": mark("names and categories of products"),
    "ads": mark("ad spend as a reason"),
    "reviews": mark("ratings as a reason"),
    "competitor_items": mark("competitors' prices as a reason"),
    "shop_events": mark("own campaigns and price changes as a reason"),
    "tickets": mark("reply times and complaints"),
    "targets": mark("comparison with targets"),
}
"""What the daily review takes from each table."""

STATES: Mapping[str, str] = {
    "absent": mark("Missing"),
    "ends": mark("Ends before this day"),
    "held": mark("There"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class TableState:
    """One table that the page reads: what it would show, and whether it can."""

    table: str
    state: str
    last: dt.date | None


@dataclass(frozen=True, kw_only=True, eq=False)
class Limits(Result):
    """The tables that a page reads, and which of them are missing or end early.

    Attributes:
        day: The day of the page.
        tables: One entry a table, missing ones first.
    """

    units: ClassVar[Mapping[str, Unit]] = {"last": "day"}
    labels: ClassVar[Mapping[str, str]] = {
        "table": mark("Table"),
        "shows": mark("What it shows"),
        "state": mark("State"),
        "last": mark("Last day"),
        "hint": mark("How to get it"),
    }
    sheet: ClassVar[str] = mark("What is missing")

    day: dt.date
    tables: tuple[TableState, ...]

    def to_frame(self) -> pd.DataFrame:
        """One row a table."""
        import pandas as pd

        rows = [
            {
                "table": held.table,
                "shows": tr(SHOWS[held.table]),
                "state": tr(STATES[held.state]),
                "last": held.last,
                "hint": "" if held.state == "held" else tr(table_named(held.table).hint),
            }
            for held in self.tables
        ]
        return pd.DataFrame(rows, columns=list(self.labels))

    def findings(self) -> tuple[Finding, ...]:
        """How many are missing, how many end early, and what no page of this kind can say."""
        counts = {state: sum(t.state == state for t in self.tables) for state in STATES}
        found = []
        if counts["absent"]:
            text = ntr(
                "{count} of {all} tables that this page reads is missing; what it would show is "
                "left out.",
                "{count} of {all} tables that this page reads are missing; what they would show "
                "is left out.",
                counts["absent"],
                count=show(counts["absent"], "count"),
                all=show(len(self.tables), "count"),
            )
            found.append(Finding(key="limits/absent", level="info", text=text))
        if counts["ends"]:
            text = ntr(
                "{count} table ends before {day}; it tells nothing of that day.",
                "{count} tables end before {day}; they tell nothing of that day.",
                counts["ends"],
                count=show(counts["ends"], "count"),
                day=show(self.day, "day"),
            )
            found.append(Finding(key="limits/ends", level="info", text=text))
        text = tr(
            "Reasons are things recorded in the same days, not proofs; money at stake is the "
            "difference from expectation, before refunds still to come."
        )
        return (*found, Finding(key="limits/causes", level="info", text=text))


def list_limits(store: Store, *, day: dt.date) -> Limits:
    """The tables that the daily review reads, and which are missing or end before the day.

    Args:
        store: The store.
        day: The day of the page.
    """
    spans = covers(store)
    tables = []
    for name in SHOWS:
        last = spans[name].last if name in spans else None
        state = "held" if store.has(name) else "absent"
        if state == "held" and last is not None and last < day:
            state = "ends"
        tables.append(TableState(table=name, state=state, last=last))
    order = list(STATES)
    return Limits(day=day, tables=tuple(sorted(tables, key=lambda t: order.index(t.state))))
