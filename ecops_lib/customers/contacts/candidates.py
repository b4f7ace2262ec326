"""Who may be contacted: known customers, less those who need a rest or serve as a control."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import narwhals as nw
import numpy as np

from ecops_lib.customers.contacts.features import describe, known_buyers, usual_tiers
from ecops_lib.customers.contacts.mailings import Mailings
from ecops_lib.customers.contacts.rules import MONTH_DAYS, ContactRules
from ecops_lib.customers.orders import Frame, OrdersView
from ecops_lib.customers.segments import Segmentation
from ecops_lib.data import frames
from ecops_lib.metrics.bases import Source

if TYPE_CHECKING:
    import pandas as pd

RESTING, OFTEN, WAITING = 1, 2, 3
"""Why a customer is left in peace: contacted lately, contacted often, held out of a mailing
whose window is not over (a message would spoil its judgement)."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Candidates:
    """Who may be contacted, with what is known of them.

    Attributes:
        keys: Their keys.
        features: Their features, in the same order.
        tiers: The rules of the tiers.
        known: All known customers.
        left: Customers left in peace, by reason.
    """

    keys: pd.Series
    features: pd.DataFrame
    tiers: Segmentation
    known: int
    left: Mapping[int, int]


def find_candidates(
    source: Source, *, as_of: dt.date, fatigue_days: int, rules: ContactRules
) -> Candidates:
    """The known customers who may be contacted.

    Raises:
        MissingDataError: No known buyer has bought by then.
    """
    view = OrdersView(source, as_of=as_of, by=None, time_zone=rules.time_zone)
    rows = known_buyers(view)
    if view.tables.has("contacts"):
        busy = _busy(source, as_of=as_of, fatigue_days=fatigue_days, rules=rules)
        rows = rows.join(busy, left_on="buyer_key", right_on="who", how="left")
        rows = rows.with_columns(busy=nw.col("busy").fill_null(0))
    else:
        rows = rows.with_columns(busy=nw.lit(0))
    held = frames.bring(rows, sort=["buyer_key"])
    why = held["busy"].to_numpy(np.int8)
    tiers = rules.tiers or usual_tiers(held)
    free = held[why == 0].reset_index(drop=True)
    return Candidates(
        keys=free["buyer_key"],
        features=describe(free, as_of, tiers),
        tiers=tiers,
        known=len(held),
        left={reason: int((why == reason).sum()) for reason in (RESTING, OFTEN, WAITING)},
    )


def _busy(source: Source, *, as_of: dt.date, fatigue_days: int, rules: ContactRules) -> Frame:
    """Customers of recent mailings who are to be left in peace, and why."""
    mailings = Mailings(
        source, as_of=as_of, window_days=rules.window_days, time_zone=rules.time_zone
    )
    longest = max(fatigue_days, MONTH_DAYS, rules.window_days)
    zone, sent = mailings.tables.zone, mailings.within(_back(as_of, longest), as_of).sent()

    def counted(days: int, held: int) -> nw.Expr:
        if not days:
            return nw.lit(0)
        lately = frames.within("sent_at", _back(as_of, days), as_of, zone)
        return nw.when(lately & (nw.col("held") == held)).then(nw.lit(1)).otherwise(nw.lit(0))

    rows = sent.with_columns(
        lately=counted(fatigue_days, 0),
        month=counted(MONTH_DAYS, 0),
        waiting=counted(rules.window_days, 1),
    )
    sums = rows.group_by("buyer_key").agg(
        lately=nw.col("lately").sum(), month=nw.col("month").sum(), waiting=nw.col("waiting").sum()
    )
    reason = (
        nw.when(nw.col("lately") > 0)
        .then(nw.lit(RESTING))
        .otherwise(
            nw.when(nw.col("month") >= rules.most_contacts)
            .then(nw.lit(OFTEN))
            .otherwise(nw.when(nw.col("waiting") > 0).then(nw.lit(WAITING)).otherwise(nw.lit(0)))
        )
    )
    return sums.select(who="buyer_key", busy=reason)


def _back(day: dt.date, days: int) -> dt.date:
    """The first of so many days that end with one."""
    return day - dt.timedelta(days=max(days, 1) - 1)
