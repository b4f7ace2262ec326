"""Past mailings and what their customers bought in the days after them, in the engine.

A mailing is a ``contact_id``. Its customers are compared as they were drawn: those to be
contacted with those held out, whoever opened the message. An order counts from the moment
of sending until ``window_days`` later, net of refunds finished by the last day that counts;
so does a refund that names the buyer alone. A row that does not say whether the customer
was held out is a contact.
"""

from __future__ import annotations

import datetime as dt
from copy import copy
from typing import TYPE_CHECKING

import narwhals as nw

from ecops_lib.core.checks import require_between
from ecops_lib.customers.orders import EARLIEST, EXACT, Frame, OrdersView
from ecops_lib.data import frames
from ecops_lib.metrics.bases import Source

if TYPE_CHECKING:
    import pandas as pd

KEY = ["contact_id", "buyer_key"]
DAY_MINUTES = 24 * 60


class Mailings:
    """The messages of a source up to a day, and what their customers did."""

    def __init__(
        self, source: Source, *, as_of: dt.date | str, window_days: int, time_zone: str | None
    ) -> None:
        require_between(window_days, 1, 365, name="window_days")
        self.view = OrdersView(source, as_of=as_of, by=None, time_zone=time_zone)
        self.tables, self.as_of = self.view.tables, self.view.as_of
        self.tables.require("contacts")
        self.window = dt.timedelta(days=window_days)
        self.first, self.last, self.only = EARLIEST, self.as_of, ""

    def within(self, first: dt.date, last: dt.date, *, only: str = "") -> Mailings:
        """The messages of some local days, or of one mailing in them."""
        held = copy(self)
        held.first, held.last, held.only = max(EARLIEST, first), min(self.as_of, last), only
        return held

    def rows(self) -> Frame:
        """Messages that name their customer, on the days asked for."""
        held = self.tables.lazy("contacts").filter(
            frames.within("sent_at", self.first, self.last, self.tables.zone),
            ~nw.col("buyer_key").is_null(),
        )
        return held.filter(nw.col("contact_id") == self.only) if self.only else held

    def sent(self) -> Frame:
        """One row a mailing and customer; ``crossed`` where both contacted and held out."""
        flag = nw.when(nw.col("held_out").fill_null(False)).then(nw.lit(1)).otherwise(nw.lit(0))
        told = self.rows().select(
            *KEY,
            "sent_at",
            "message",
            cost=nw.col("cost").cast(nw.Float64),
            held=flag,
            opened=nw.when(nw.col("opened_at").is_null()).then(nw.lit(0)).otherwise(nw.lit(1)),
        )
        held = told.group_by(KEY).agg(
            sent_at=nw.col("sent_at").min(),
            message=nw.col("message").max(),
            cost=nw.col("cost").sum(),
            priced=nw.col("cost").count(),
            held=nw.col("held").max(),
            least=nw.col("held").min(),
            opened=nw.col("opened").max(),
        )
        return held.with_columns(
            cost=nw.col("cost").fill_null(0.0), crossed=nw.col("held") - nw.col("least")
        ).drop("least")

    def outcomes(self) -> Frame:
        """What each customer of a mailing bought in the window; nobody who bought nothing.

        ``orders`` and net ``amount`` from the sending on, ``before`` orders of as many days
        before it.
        """
        bought = self.view.orders().filter(
            self._near("paid_at"), ~nw.col("buyer_key").is_null(), ~nw.col("net").is_null()
        )
        kept = nw.when(nw.col("kept")).then(nw.lit(1)).otherwise(nw.lit(0)).cast(nw.Int64)
        parts = [bought.select("buyer_key", at="paid_at", orders=kept, amount="net")]
        if self.tables.has("refunds"):
            parts.append(self._refunds())
        rows = self._beside(frames.stack(*parts))
        limit = int(self.window.total_seconds()) // 60
        after = (nw.col("after") >= 0) & (nw.col("after") < limit)
        earlier = (nw.col("ago") >= 0) & (nw.col("ago") < limit) & (nw.col("at") < nw.col("sent"))
        zero = nw.lit(0).cast(nw.Int64)
        held = rows.with_columns(
            orders=nw.when(after).then(nw.col("orders")).otherwise(zero),
            amount=nw.when(after).then(nw.col("amount")),
            before=nw.when(earlier).then(nw.col("orders")).otherwise(zero),
        )
        sums = held.group_by(KEY).agg(
            orders=nw.col("orders").sum(),
            amount=nw.col("amount").sum(),
            before=nw.col("before").sum(),
        )
        return sums.with_columns(amount=nw.col("amount").cast(nw.Float64))

    def _near(self, column: str) -> nw.Expr:
        """Whether an instant lies in or before any mailing's window, roughly."""
        span = self.tables.span("contacts", "sent_at") or (self.as_of, self.as_of)
        first = max(EARLIEST, max(self.first, span[0]) - self.window - frames.DAY)
        last = min(self.as_of, min(self.last, span[1]) + self.window + frames.DAY)
        return frames.within(column, first, max(first, last), self.tables.zone)

    def _refunds(self) -> Frame:
        """Refunds that name a buyer but no order, as orders of a negative amount."""
        rows = self.tables.lazy("refunds").filter(
            self._near("finished_at"),
            nw.col("status") == "success",
            nw.col("order_id").is_null(),
            ~nw.col("buyer_key").is_null(),
        )
        back = nw.col("amount")
        return rows.select(
            "buyer_key",
            at="finished_at",
            orders=nw.lit(0).cast(nw.Int64),
            amount=(back - back - back).cast(EXACT),
        )

    def _beside(self, bought: Frame) -> Frame:
        """Each order beside each mailing of its buyer, with the minutes between."""
        who = self.sent().select(*KEY, sent="sent_at")
        rows = who.join(bought, on="buyer_key", how="inner")
        return rows.with_columns(
            after=frames.minutes_between(rows, "sent", "at"),
            ago=frames.minutes_between(rows, "at", "sent"),
        )

    def customers(self) -> Frame:
        """One row a mailing and customer: how, when and what they bought."""
        rows = self.sent().join(self.outcomes(), on=KEY, how="left")
        held = rows.with_columns(
            orders=nw.col("orders").fill_null(0),
            amount=nw.col("amount").fill_null(0.0),
            before=nw.col("before").fill_null(0),
        )
        bought = nw.when(nw.col("orders") > 0).then(nw.lit(1)).otherwise(nw.lit(0))
        return held.with_columns(bought=bought.cast(nw.Int64))

    def arms(self) -> pd.DataFrame:
        """Sums of each mailing's contacted and held-out customers."""
        rows = self.customers()
        clean = rows.filter(nw.col("crossed") == 0).with_columns(
            square=nw.col("amount") * nw.col("amount"),
            orders_square=nw.col("orders") * nw.col("orders"),
            earlier=nw.when(nw.col("before") > 0).then(nw.lit(1)).otherwise(nw.lit(0)),
            message=nw.col("message").fill_null(""),
        )
        sums = ("bought", "orders", "orders_square", "amount", "square", "earlier", "cost",
                "priced", "opened")  # fmt: skip
        held = clean.group_by("contact_id", "held").agg(
            customers=nw.len(),
            first=nw.col("sent_at").min(),
            last=nw.col("sent_at").max(),
            message=nw.col("message").min(),
            message_to=nw.col("message").max(),
            **{name: nw.col(name).sum() for name in sums},
        )
        return frames.bring(held, sort=["first", "contact_id", "held"])

    def overlaps(self) -> pd.Series:
        """Customers of each mailing who were in another whose window overlaps."""
        mine = self.sent().select(*KEY, sent="sent_at")
        others = self.sent().select("buyer_key", other="contact_id", at="sent_at")
        rows = mine.join(others, on="buyer_key", how="inner")
        rows = rows.filter(nw.col("contact_id") != nw.col("other"))
        limit = int(self.window.total_seconds()) // 60
        rows = rows.with_columns(
            after=frames.minutes_between(rows, "sent", "at"),
            ago=frames.minutes_between(rows, "at", "sent"),
        ).filter((nw.col("after") < limit) | (nw.col("ago") < limit))
        twice = rows.group_by(KEY).agg(times=nw.len())
        held = frames.bring(twice.group_by("contact_id").agg(customers=nw.len()))
        counted: pd.Series = held.set_index("contact_id")["customers"].astype(int)
        return counted

    def set_aside(self) -> tuple[int, int]:
        """Messages that name no customer, and customers both contacted and held out."""
        held = self.tables.lazy("contacts").filter(
            frames.within("sent_at", EARLIEST, self.as_of, self.tables.zone)
        )
        nameless = frames.bring(held.filter(nw.col("buyer_key").is_null()).select(n=nw.len()))
        crossed = frames.bring(self.sent().filter(nw.col("crossed") > 0).select(n=nw.len()))
        return int(nameless["n"].iloc[0]), int(crossed["n"].iloc[0])
