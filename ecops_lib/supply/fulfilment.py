"""Orders that wait: for shipping, against their deadline, and for the carrier."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import narwhals as nw

from ecops_lib.core.findings import Action, Finding, Level
from ecops_lib.core.formats import Unit, show
from ecops_lib.core.language import mark, ntr, tr
from ecops_lib.core.names import joined
from ecops_lib.core.results import Result
from ecops_lib.data.frames import DAY, bring, instants, lazy

if TYPE_CHECKING:
    import pandas as pd

    from ecops_lib.data.store import Store

WINDOW = 60
"""Days of payments looked at; what was paid earlier and never shipped is left out."""

PICKUP_HOURS = 24
"""Hours after handing over by which a carrier should have scanned a parcel (the
platforms' 24-hour pick-up rate)."""

STATES: Mapping[str, str] = {
    "overdue": mark("Past the shipping deadline"),
    "due": mark("Due within the next 24 hours"),
    "later": mark("Due later"),
    "unscanned": mark("Shipped, not scanned by the carrier after 24 hours"),
}


@dataclass(frozen=True, kw_only=True, eq=False)
class WaitingOrders(Result):
    """Orders that waited at the end of a day.

    Attributes:
        day: The day.
        orders: One row an order: ``order_id``, ``state``, ``deadline`` (store time),
            ``paid_amount`` [store currency]; the nearest deadline first.
        untold: Paid orders of the window whose shipping the files do not tell.
        owner: Who sees to it.
        reason: Why there is nothing to show; empty where there is something.
    """

    units: ClassVar[Mapping[str, Unit]] = {
        "orders": "count",
        "paid_amount": "money",
        "deadline": "time",
    }
    labels: ClassVar[Mapping[str, str]] = {
        "state": mark("Orders waiting"),
        "orders": mark("Orders"),
        "paid_amount": mark("Amount paid"),
        "deadline": mark("Earliest deadline"),
        "example": mark("Most urgent orders"),
    }
    sheet: ClassVar[str] = mark("Orders waiting")

    day: dt.date
    orders: pd.DataFrame
    untold: int
    owner: str
    reason: str = ""

    def absent(self) -> str:
        """Why the shop's orders cannot be followed, if they cannot."""
        return self.reason

    def to_frame(self) -> pd.DataFrame:
        """One row a state: orders, amount paid, earliest deadline, the most urgent ids."""
        import pandas as pd

        rows = []
        for state, label in STATES.items():
            held = self.orders.loc[self.orders["state"] == state]
            rows.append(
                {
                    "state": tr(label),
                    "orders": len(held),
                    "paid_amount": held["paid_amount"].sum(),
                    "deadline": held["deadline"].min() if len(held) else None,
                    "example": ", ".join(held["order_id"].head(3)),
                }
            )
        return pd.DataFrame(rows)

    def findings(self) -> tuple[Finding, ...]:
        """What is overdue, what comes due, what the carrier has not scanned."""
        if self.reason:
            return ()
        found = [
            *self._told("overdue", "bad", tr("ship them first, or tell the buyers today")),
            *self._told("due", "watch", tr("have them picked and packed today")),
            *self._told("unscanned", "watch", tr("ask the carrier for the first scan")),
        ]
        if not found:
            text = tr("No paid order is past its shipping deadline or due within 24 hours.")
            found = [Finding(key="shipping_overdue", level="good", text=text)]
        return (*found, *self._left_out())

    def _told(self, state: str, level: Level, action: str) -> tuple[Finding, ...]:
        held = self.orders.loc[self.orders["state"] == state, "paid_amount"]
        if held.empty:
            return ()
        money = float(held.sum())
        return (
            Finding(
                key=f"shipping_{state}",
                level=level,
                text=_words(state, len(held)),
                evidence={"orders": len(held), "paid_amount": money},
                money=money,
                action=Action(text=action, owner=self.owner),
            ),
        )

    def _left_out(self) -> tuple[Finding, ...]:
        if not self.untold:
            return ()
        text = ntr(
            "{count} paid order is left out: no file tells whether it was shipped.",
            "{count} paid orders are left out: no file tells whether they were shipped.",
            self.untold,
            count=show(self.untold, "count"),
        )
        evidence = {"orders": float(self.untold)}
        return (Finding(key="shipping_untold", level="info", text=text, evidence=evidence),)


def _words(state: str, count: int) -> str:
    number = show(count, "count")
    match state:
        case "overdue":
            return ntr(
                "{count} paid order is past its shipping deadline.",
                "{count} paid orders are past their shipping deadline.",
                count,
                count=number,
            )
        case "due":
            return ntr(
                "{count} paid order must be shipped within the next 24 hours.",
                "{count} paid orders must be shipped within the next 24 hours.",
                count,
                count=number,
            )
        case _:
            return ntr(
                "{count} parcel handed over more than 24 hours ago has no carrier scan yet.",
                "{count} parcels handed over more than 24 hours ago have no carrier scan yet.",
                count,
                count=number,
            )


def find_waiting(store: Store, *, day: dt.date) -> WaitingOrders:
    """Paid orders that were not shipped by the end of a day, by how near their deadline is.

    What happened after that day is used only to know that it had not happened yet: an
    order shipped the next morning counts as waiting. The deadline is the order's own
    ``ship_by``, else its payment plus ``ship_within_hours`` of ``store.toml``.

    Args:
        store: The store.
        day: The day, in the store's zone.

    Returns:
        The orders by state; absent where no order tells of its shipping.
    """
    if not store.has("orders"):
        return _absent(store, day, tr("The store holds no orders."))
    told, untold, scanned = _coverage(_paid(store, day))
    if not told:
        why = tr("No order of the last {days} days tells when it was shipped.", days=WINDOW)
        return _absent(store, day, why)
    rows = _read(store, day, scanned=scanned)
    rows["state"] = _states(rows, day, store)
    for name in ("paid_at", "deadline", "shipped_at"):
        rows[name] = rows[name].dt.tz_convert(store.zone).dt.tz_localize(None)
    return WaitingOrders(
        day=day,
        orders=rows.sort_values(["deadline", "order_id"], ignore_index=True),
        untold=untold,
        owner=_owner(store),
    )


def _absent(store: Store, day: dt.date, why: str) -> WaitingOrders:
    import pandas as pd

    hint = tr("To fill this section, import an order export with shipping times.")
    return WaitingOrders(
        day=day, orders=pd.DataFrame(), untold=0, owner=_owner(store), reason=joined(why, hint)
    )


def _owner(store: Store) -> str:
    return store.settings.owners.get("fulfilment", tr("warehouse"))


def _paid(store: Store, day: dt.date) -> nw.LazyFrame[Any]:
    """Orders paid in the window up to the end of the day."""
    start = day - WINDOW * DAY
    first, _ = instants(start, start, store.zone)
    _, over = instants(day, day, store.zone)
    orders = lazy(store.scan("orders", start=start - 30 * DAY, end=day), name="orders")
    return orders.filter((nw.col("paid_at") >= first) & (nw.col("paid_at") < over))


def _silent() -> nw.Expr:
    """Whether no file tells of the order's shipping."""
    known = nw.col("status").is_in(["paid", "closed"]).fill_null(value=False)
    return nw.col("shipped_at").is_null() & ~known


def _closed(over: dt.datetime) -> nw.Expr:
    """Whether an order was closed before an instant."""
    before = nw.col("completed_at").is_null() | (nw.col("completed_at") < over)
    return ((nw.col("status") == "closed") & before).fill_null(value=False)


def unshipped(over: dt.datetime) -> nw.Expr:
    """Whether a paid order is known to have been neither shipped nor closed before an instant."""
    gone = (nw.col("shipped_at") < over).fill_null(value=False)
    return ~gone & ~_silent() & ~_closed(over)


def _coverage(orders: nw.LazyFrame[Any]) -> tuple[int, int, bool]:
    """Orders whose shipping is told, those whose is not, and whether carriers' scans are."""
    waits = (nw.col("status") == "paid") & nw.col("shipped_at").is_null()
    counts = bring(
        orders.select(
            shipped=nw.col("shipped_at").count(),
            waits=waits.fill_null(value=False).cast(nw.Int64).sum(),
            silent=_silent().cast(nw.Int64).sum(),
            scans=nw.col("picked_up_at").count(),
        )
    ).fillna(0)
    shipped, waiting, silent, scans = (int(counts[c].iloc[0]) for c in counts.columns)
    return shipped + waiting, silent, scans > 0


def _read(store: Store, day: dt.date, *, scanned: bool) -> pd.DataFrame:
    """The orders that waited, with their deadline (UTC)."""
    import pandas as pd

    _, over = instants(day, day, store.zone)
    late = over - dt.timedelta(hours=PICKUP_HOURS)
    kept, closed = unshipped(over), _closed(over)
    if scanned:
        moved = [(nw.col(c) < over).fill_null(value=False) for c in SCANS]
        shipped_late = (nw.col("shipped_at") < late).fill_null(value=False)
        kept = kept | (shipped_late & ~moved[0] & ~moved[1] & ~closed)
    columns = ["order_id", "paid_at", "ship_by", "shipped_at", "paid_amount"]
    rows = bring(_paid(store, day).filter(kept).select(columns))
    for name in ("paid_at", "ship_by", "shipped_at"):
        rows[name] = pd.to_datetime(rows[name], utc=True)
    hours = pd.Timedelta(hours=store.settings.thresholds["ship_within_hours"])
    rows["deadline"] = rows.pop("ship_by").fillna(rows["paid_at"] + hours)
    return rows


SCANS = ("picked_up_at", "delivered_at")


def _states(rows: pd.DataFrame, day: dt.date, store: Store) -> list[str]:
    import numpy as np

    _, over = instants(day, day, store.zone)
    soon = over + dt.timedelta(hours=24)
    chosen: list[str] = np.select(
        [rows["shipped_at"] < over, rows["deadline"] <= over, rows["deadline"] <= soon],
        ["unscanned", "overdue", "due"],
        "later",
    ).tolist()
    return chosen
