"""What the units of a test did: their orders, refunds and visits within the window.

An order is a unit's if its buyer is the unit (the same keyed hash). It counts if it was
placed at or after the first exposure and paid before the window was over.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

import narwhals as nw

from ecops_lib.core.checks import require_between
from ecops_lib.core.errors import MissingDataError
from ecops_lib.core.findings import Finding, Level
from ecops_lib.core.formats import Unit, show
from ecops_lib.core.language import mark, ntr, tr
from ecops_lib.core.results import Result
from ecops_lib.data import frames
from ecops_lib.data.schema import table_named
from ecops_lib.experiments.logs import EPOCH, Frame, with_microseconds
from ecops_lib.experiments.units import Units

if TYPE_CHECKING:
    import pandas as pd

HISTORY_DAYS = 28
"""Days before the first exposure whose orders make the covariates."""

DAY = 86_400_000_000
ORDER = ["platform", "order_id"]
FROM_ORDERS = ("orders", "paid_amount", "converted")
FROM_REFUNDS = ("refund_amount", "refunded_orders")
BEFORE = ("previous_orders", "previous_amount")
COUNTED = ("matched", "orders", "late_orders", "straddling", "late_units")


@dataclass(frozen=True, kw_only=True, eq=False)
class Joined(Result):
    """The units of a test with what they did, and what did not count.

    Attributes:
        prepared: The units; their frame holds the outcomes and covariates.
        window_days: Days after the first exposure in which orders count.
        history_days: Days before it whose orders make the covariates.
        data_end: Last instant that the orders tell of.
        own: Whether the log itself tells what its units did.
        matched: Units that are buyers of any order looked at.
        orders: Orders that count.
        straddling: Orders placed before the first exposure and paid after it; not counted.
        late_orders: Orders of units paid after their window; not counted.
        late_units: Units that bought after their window only.
        immature: Units whose window was not over when the data ended; they are kept.
        late_refunds: Refunds, of orders that count, paid out after the window; counted.
        late_refund_amount: Their amount [money].
    """

    units: ClassVar[Mapping[str, Unit]] = {"count": "count", "amount": "money"}
    labels: ClassVar[Mapping[str, str]] = {
        "what": mark("What"),
        "count": mark("Count"),
        "amount": mark("Amount"),
    }
    sheet: ClassVar[str] = mark("Orders of the test's units")

    prepared: Units
    window_days: int
    history_days: int
    data_end: dt.datetime | None
    own: bool = False
    matched: int = 0
    orders: int = 0
    straddling: int = 0
    late_orders: int = 0
    late_units: int = 0
    immature: int = 0
    late_refunds: int = 0
    late_refund_amount: float = 0.0

    def absent(self) -> str:
        """Why no order is counted; empty where orders are."""
        if not self.own:
            return ""
        return tr("No order is joined: what the units did is told by the exposure log itself.")

    def to_frame(self) -> pd.DataFrame:
        """What counts and what does not."""
        import pandas as pd

        nothing = float("nan")
        rows = [
            (tr("units that are buyers"), self.matched, nothing),
            (tr("orders that count"), self.orders, nothing),
            (tr("orders placed before the exposure, paid after it"), self.straddling, nothing),
            (tr("orders paid after the window"), self.late_orders, nothing),
            (tr("units that bought after the window only"), self.late_units, nothing),
            (tr("units whose window was not over"), self.immature, nothing),
            (tr("refunds after the window"), self.late_refunds, self.late_refund_amount),
        ]
        return pd.DataFrame(rows, columns=["what", "count", "amount"])

    def findings(self) -> tuple[Finding, ...]:
        """Which orders did not count, and whose window is still open."""
        found = []
        if self.immature:
            share = self.immature / self.prepared.count
            found.append(self._finding("immature", self.immature, "watch", share=share))
        if self.late_orders:
            found.append(self._finding("late_orders", self.late_orders, "info"))
        if self.straddling:
            found.append(self._finding("straddling", self.straddling, "info"))
        if self.late_refunds:
            found.append(
                self._finding(
                    "late_refunds", self.late_refunds, "info", amount=self.late_refund_amount
                )
            )
        return tuple(found)

    def _finding(
        self, key: str, count: int, level: Level, *, share: float = 0.0, amount: float = 0.0
    ) -> Finding:
        words = {
            "count": show(count, "count"),
            "days": show(self.window_days, "days"),
            "share": show(share, "share"),
            "amount": show(amount, "money"),
        }
        evidence = {"count": float(count), "share": share, "amount": amount}
        return Finding(
            key=f"outcomes/{key}",
            level=level,
            text=SENTENCES[key](count, **words),
            evidence={name: value for name, value in evidence.items() if value},
        )


SENTENCES: Mapping[str, Callable[..., str]] = {
    "immature": lambda n, **held: ntr(
        "The window of {count} unit ({share}) was not over when the data ended: "
        "what it does until then is missing.",
        "The window of {count} units ({share}) was not over when the data ended: "
        "what they do until then is missing.",
        n,
        **held,
    ),
    "late_orders": lambda n, **held: ntr(
        "{count} order was paid more than {days} after the first exposure; not counted.",
        "{count} orders were paid more than {days} after the first exposure; not counted.",
        n,
        **held,
    ),
    "straddling": lambda n, **held: ntr(
        "{count} order was placed before the exposure and paid after it; not counted.",
        "{count} orders were placed before the exposure and paid after it; not counted.",
        n,
        **held,
    ),
    "late_refunds": lambda n, **held: ntr(
        "{count} refund of {amount} came after the window, for an order within; it counts.",
        "{count} refunds of {amount} came after the window, for orders within; they count.",
        n,
        **held,
    ),
}


def join_outcomes(
    units: Units, tables: Mapping[str, object], *, history_days: int = HISTORY_DAYS
) -> Joined:
    """Add what each unit did; a unit that did nothing has 0.

    * Orders (buyer_key is the unit): placed at or after the first exposure and paid before
      ``plan.window_days`` × 24 hours after it. Unpaid ones do not count.
    * Refunds of those orders that succeeded, whenever they did; those after the window
      are counted apart as well.
    * Covariates: orders paid in the ``history_days`` × 24 hours before the first exposure.
    * Events (visitor_key is the unit) in the window: distinct sessions, and whether any
      event was a cart.

    A log's own outcome columns (see ``prepare_units``) are taken in place of all this where
    it has any: a results sheet knows better.

    Args:
        units: The test's units.
        tables: Canonical tables in the units' engine: orders, and if known refunds,
            order_items, events.
        history_days: Days before the first exposure.

    Raises:
        MissingDataError: Neither the log nor the tables tell what the units did, or no unit
            is in them.
    """
    require_between(history_days, 1, 365, name="history_days")
    joined = Joined(
        prepared=units,
        window_days=units.plan.window_days,
        history_days=history_days,
        data_end=None,
    )
    if set(units.columns) - set(BEFORE):
        return replace(joined, prepared=_with_net(units), own=True)
    if "orders" not in tables and "events" not in tables:
        raise MissingDataError(
            f"the exposures of {units.plan.experiment_id!r} do not tell what the units did, and "
            f"there are no orders: import {table_named('orders').hint}, or a log with columns "
            "such as converted or paid_amount."
        )
    if "orders" in tables:
        joined = _with_orders(joined, tables)
    if "events" in tables:
        joined = _with_events(joined, tables["events"])
    if not set(joined.prepared.columns) - set(BEFORE):
        raise MissingDataError(
            f"no unit of {units.plan.experiment_id!r} is a buyer of an order or a visitor of an "
            "event, so nothing can be told of them; import a log whose unit ids are the buyers' "
            "names of the orders."
        )
    return replace(joined, prepared=_with_net(joined.prepared))


def _with_net(units: Units) -> Units:
    """Amount paid less refunds, where both are told and the difference is not."""
    held = set(units.columns)
    if not {"paid_amount", "refund_amount"} <= held or "net_paid_amount" in held:
        return units
    net = nw.col("paid_amount") - nw.col("refund_amount")
    return replace(
        units,
        coded=units.coded.with_columns(net_paid_amount=net),
        columns=(*units.columns, "net_paid_amount"),
    )


def _with_orders(joined: Joined, tables: Mapping[str, object]) -> Joined:
    units = joined.prepared
    orders = frames.lazy(tables["orders"], name="orders", needed=(*ORDER, "buyer_key", "paid_at"))
    told = orders.filter(~nw.col("paid_at").is_null() & ~nw.col("buyer_key").is_null())
    timed = with_microseconds(told, placed="created_at", paid="paid_at")
    ends = frames.bring(timed.select(nw.col("placed").max(), nw.col("paid").max()))
    if ends.isna().to_numpy().any():
        return joined
    end = int(ends.to_numpy().max())
    mine = _orders_of_units(timed, joined)
    joined = replace(joined, **_counts(mine, units, end, joined.window_days))
    if not joined.matched:
        return joined
    within = mine.filter(nw.col("within") == 1)
    summed = mine.group_by("unit_key").agg(
        nw.col("within").sum().alias("orders"),
        nw.col("now").sum().alias("paid_amount"),
        nw.col("within").max().alias("converted"),
        nw.col("before").sum().alias("previous_orders"),
        nw.col("then").sum().alias("previous_amount"),
    )
    grown = _add(units, summed, (*FROM_ORDERS, *BEFORE))
    if "order_items" in tables:
        grown = _with_items(grown, within, tables["order_items"])
    if "refunds" in tables:
        back = _refunds_of(within, tables["refunds"])
        grown = _add(grown, _refunds_by_unit(back), FROM_REFUNDS)
        joined = replace(joined, **_late_refunds(back))
    return replace(joined, prepared=grown)


def _orders_of_units(timed: Frame, joined: Joined) -> Frame:
    """Paid orders of the test's units, and when they fall: before, within, late, straddling."""
    units = joined.prepared.coded.select("unit_key", "at")
    amount = nw.col("paid_amount").cast(nw.Float64).fill_null(0.0)
    orders = timed.select(*ORDER, "buyer_key", "placed", "paid", amount.alias("amount"))
    both = orders.join(units, left_on="buyer_key", right_on="unit_key", how="inner")
    since, over = nw.col("placed") >= nw.col("at"), nw.col("at") + joined.window_days * DAY
    early = nw.col("at") - joined.history_days * DAY
    flagged = both.with_columns(
        limit=over,
        within=_flag(since & (nw.col("paid") < over)),
        late=_flag(since & (nw.col("paid") >= over)),
        straddling=_flag(~since & (nw.col("paid") >= nw.col("at"))),
        before=_flag((nw.col("paid") < nw.col("at")) & (nw.col("paid") >= early)),
    )
    named = flagged.with_columns(
        now=nw.col("amount") * nw.col("within"), then=nw.col("amount") * nw.col("before")
    )
    flags = ("within", "late", "straddling", "before")
    return named.select(
        *ORDER, nw.col("buyer_key").alias("unit_key"), "limit", *flags, "now", "then"
    )


def _flag(test: nw.Expr) -> nw.Expr:
    return nw.when(test).then(nw.lit(1)).otherwise(nw.lit(0))


def _counts(mine: Frame, units: Units, end: int, window_days: int) -> dict[str, Any]:
    """Orders and units by whether they count."""
    by_unit = mine.group_by("unit_key").agg(
        nw.col("within").sum(), nw.col("late").sum(), nw.col("straddling").sum()
    )
    only = (nw.col("within") == 0) & (nw.col("late") > 0)
    sums = frames.bring(
        by_unit.with_columns(only_late=_flag(only)).select(
            nw.len().alias("matched"),
            nw.col("within").sum().alias("orders"),
            nw.col("late").sum().alias("late_orders"),
            nw.col("straddling").sum(),
            nw.col("only_late").sum().alias("late_units"),
        )
    ).fillna(0)
    open_units = units.coded.filter(nw.col("at") + window_days * DAY > end)
    immature = frames.bring(open_units.select(nw.len().alias("n")))["n"][0]
    return {
        **{name: int(sums[name].iloc[0]) for name in COUNTED},
        "immature": int(immature),
        "data_end": EPOCH + dt.timedelta(microseconds=end),
    }


def _add(units: Units, summed: Frame, columns: tuple[str, ...]) -> Units:
    """Units with more columns; 0 for those that the sums do not name."""
    held = summed.select("unit_key", *columns)
    coded = units.coded.join(held, on="unit_key", how="left")
    filled = coded.with_columns(nw.col(name).cast(nw.Float64).fill_null(0.0) for name in columns)
    more = tuple(name for name in columns if name not in units.columns)
    return replace(units, coded=filled, columns=(*units.columns, *more))


def _with_items(units: Units, within: Frame, order_items: object) -> Units:
    lines = frames.lazy(order_items, name="order_items", needed=(*ORDER, "quantity"))
    found = lines.select(*ORDER, "quantity").join(
        within.select(*ORDER, "unit_key"), on=ORDER, how="inner"
    )
    summed = found.group_by("unit_key").agg(nw.col("quantity").sum().alias("items"))
    return _add(units, summed, ("items",))


def _refunds_of(within: Frame, refunds: object) -> Frame:
    """Refunds that succeeded, of the orders that count."""
    rows = frames.lazy(refunds, name="refunds", needed=(*ORDER, "status", "amount"))
    done = rows.filter((nw.col("status") == "success") & ~nw.col("order_id").is_null())
    timed = with_microseconds(done, finished="finished_at", applied="applied_at")
    known = nw.when(nw.col("finished").is_null()).then(nw.col("applied"))
    held = timed.select(
        *ORDER,
        known.otherwise(nw.col("finished")).alias("back"),
        nw.col("amount").cast(nw.Float64),
    )
    return held.join(within.select(*ORDER, "unit_key", "limit"), on=ORDER, how="inner")


def _refunds_by_unit(back: Frame) -> Frame:
    by_order = back.group_by("unit_key", *ORDER).agg(nw.col("amount").sum())
    counted = by_order.with_columns(one=nw.lit(1))
    return counted.group_by("unit_key").agg(
        nw.col("amount").sum().alias("refund_amount"), nw.col("one").sum().alias("refunded_orders")
    )


def _late_refunds(back: Frame) -> dict[str, Any]:
    late = back.filter(nw.col("back") >= nw.col("limit"))
    row = frames.bring(late.select(nw.len().alias("n"), nw.col("amount").sum())).iloc[0]
    return {"late_refunds": int(row["n"]), "late_refund_amount": float(row["amount"] or 0)}


def _with_events(joined: Joined, events: object) -> Joined:
    """Visits and carts of the window; nothing is added where no unit is a visitor."""
    units = joined.prepared
    rows = frames.lazy(events, name="events", needed=("visitor_key", "happened_at", "kind"))
    timed = with_microseconds(rows.filter(~nw.col("visitor_key").is_null()), moment="happened_at")
    known = units.coded.select("unit_key", "at")
    mine = timed.join(known, left_on="visitor_key", right_on="unit_key", how="inner")
    inside = mine.filter(
        (nw.col("moment") >= nw.col("at"))
        & (nw.col("moment") < nw.col("at") + joined.window_days * DAY)
    ).select(nw.col("visitor_key").alias("unit_key"), "session_id", "kind")
    found = inside.select(nw.len().alias("n"), nw.col("session_id").count().alias("sessions"))
    row = frames.bring(found).iloc[0]
    if not row["n"]:
        return joined
    cart = inside.with_columns(carted=_flag(nw.col("kind") == "cart"))
    grown = _add(units, cart.group_by("unit_key").agg(nw.col("carted").max()), ("carted",))
    if row["sessions"] == row["n"]:
        visits = inside.select("unit_key", "session_id").unique().with_columns(visits=nw.lit(1))
        grown = _add(grown, visits.group_by("unit_key").agg(nw.col("visits").sum()), ("visits",))
    return replace(joined, prepared=grown)
