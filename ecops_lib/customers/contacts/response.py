"""How likely a customer is to buy in the next days, and for how much: counted, not modelled.

The customers known ``window_days`` ago are put into cells by tenth of the days since their
last purchase and by their number of orders. A tenth's response is the share that has bought
since, with one more buyer at everybody's rate, and a cell's is that with one more buyer at
its tenth's rate, so that small cells lean to what is known better. An order is worth the
mean net amount of the customer's own, and of one more at everybody's mean.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING

import narwhals as nw
import numpy as np

from ecops_lib.core.errors import MissingDataError
from ecops_lib.customers.contacts.features import known_buyers
from ecops_lib.customers.contacts.ridge import Array
from ecops_lib.customers.orders import OrdersView
from ecops_lib.data import frames
from ecops_lib.metrics.bases import Source

if TYPE_CHECKING:
    import pandas as pd

MOST_ORDERS = 5
"""Orders from which on customers share a cell."""
TENTHS = 10


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Response:
    """What customers like one another do in the window.

    Attributes:
        ends: Most days since the last purchase of each tenth but the last.
        rates: Share that buys, of shape (tenths, numbers of orders).
        overall: Share of all customers that buys.
    """

    ends: Array
    rates: Array
    overall: float

    def rate(self, recency: Array, orders: Array) -> Array:
        """The probability that each customer buys."""
        tenth = np.searchsorted(self.ends, recency)
        held: Array = self.rates[tenth, np.clip(orders, 1, MOST_ORDERS) - 1].astype(np.float32)
        return held


def learn_response(
    source: Source, *, as_of: dt.date, window_days: int, time_zone: str | None
) -> Response:
    """Count who has bought in the last days, of those known before.

    Args:
        source: A store, or tables of any engine by canonical name.
        as_of: Last local day that counts.
        window_days: Days in which a purchase counts.
        time_zone: IANA zone of the days; the store's by default.

    Raises:
        MissingDataError: Nobody had bought before those days.
    """
    day = as_of - dt.timedelta(days=window_days)
    try:
        then = OrdersView(source, as_of=day, by=None, time_zone=time_zone)
    except MissingDataError as error:
        raise MissingDataError(
            f"nobody is known to have bought by {day}, so it cannot be told who buys within "
            f"{window_days} days; import older orders, or choose a later as_of."
        ) from error
    now = OrdersView(source, as_of=as_of, by=None, time_zone=time_zone)
    since = now.orders().filter(
        frames.within("paid_at", day + frames.DAY, as_of, now.tables.zone),
        nw.col("kept"),
        ~nw.col("buyer_key").is_null(),
    )
    again = since.group_by("buyer_key").agg(again=nw.len()).select(who="buyer_key", again="again")
    many = nw.when(nw.col("orders") > MOST_ORDERS).then(nw.lit(MOST_ORDERS))
    rows = known_buyers(then).with_columns(many=many.otherwise(nw.col("orders")))
    rows = rows.join(again, left_on="buyer_key", right_on="who", how="left")
    cells = rows.group_by("last_day", "many").agg(
        customers=nw.len(), buyers=nw.col("again").count()
    )
    return _rates(frames.bring(cells, sort=["last_day", "many"]), day)


def _rates(cells: pd.DataFrame, day: dt.date) -> Response:
    recency = (np.datetime64(day) - cells["last_day"].to_numpy("datetime64[D]")).astype(int)
    customers, buyers = (cells[n].to_numpy(float) for n in ("customers", "buyers"))
    overall = float(buyers.sum() / customers.sum())
    order = np.argsort(recency, kind="stable")
    reached = np.cumsum(customers[order]) / customers.sum()
    places = np.searchsorted(reached, np.arange(1, TENTHS) / TENTHS)
    ends = np.unique(recency[order][places])
    ends = ends[ends < recency.max()]
    tenth = np.searchsorted(ends, recency)
    many = np.clip(cells["many"].to_numpy(int), 1, MOST_ORDERS) - 1
    counts, bought = (np.zeros((len(ends) + 1, MOST_ORDERS)) for _ in range(2))
    np.add.at(counts, (tenth, many), customers)
    np.add.at(bought, (tenth, many), buyers)
    if not overall:
        return Response(ends=ends, rates=np.zeros_like(counts), overall=0.0)
    wide = (bought.sum(axis=1) + 1) / (counts.sum(axis=1) + 1 / overall)
    return Response(ends=ends, rates=(bought + 1) / (counts + 1 / wide[:, None]), overall=overall)


def order_worth(amount: Array, orders: Array) -> Array:
    """What an order of each customer is worth: own mean, with one order at everybody's."""
    usual = float(amount.sum(dtype=float) / max(orders.sum(dtype=float), 1.0))
    held: Array = ((amount + usual) / (orders + 1)).astype(np.float32)
    return held
