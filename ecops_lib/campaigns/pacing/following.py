"""Follow a campaign: what is paid so far, what was to be paid by now, where it will close."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

import narwhals as nw
import numpy as np

from ecops_lib.campaigns.campaign import Campaign
from ecops_lib.campaigns.pacing.closing import mixed_share
from ecops_lib.campaigns.pacing.live import Live, instant_of, read_live
from ecops_lib.campaigns.pacing.pace import Pace
from ecops_lib.data import frames
from ecops_lib.metrics.bases import Source

if TYPE_CHECKING:
    import pandas as pd

PATH_POINTS = 48
"""Moments that the drawn path has."""


def follow_campaign(
    source: Source,
    *,
    campaign: Campaign,
    at: str | dt.datetime = "",
    step: str = "30min",
    targets: Mapping[str, float] | None = None,
    time_zone: str | None = None,
) -> Pace:
    """Compare a running campaign with its targets, and forecast where it will close.

    Only orders paid before ``at`` count, also where later ones are in the source, so that
    any moment of a past campaign can be looked at again. Amounts are as paid, refunds not
    deducted; of the promoted products alone where the campaign names some.

    Args:
        source: A store, or tables by canonical name.
        campaign: The campaign.
        at: Local time such as ``2026-10-27 14:00``, cut to a whole step; the end of the
            orders unless given.
        step: Length of a step: ``30min``, ``1h``; a day must hold a whole number of them.
        targets: ``paid_amount``, ``paid_orders`` or ``new_buyer_share`` of the selling days;
            the campaign's own unless given.
        time_zone: IANA zone of the days; the store's by default.

    Raises:
        MissingDataError: The orders begin after the campaign did, or are absent.
        ParameterError: ``at`` or ``step`` is no time, or the campaign does not sell yet.
    """
    live = read_live(source, campaign=campaign, at=at, step=step, time_zone=time_zone)
    return Pace(
        campaign=campaign,
        at=live.at,
        over=live.at >= live.close,
        so_far={
            "paid_amount": live.so_far(live.sales.amount),
            "paid_orders": live.so_far(live.sales.orders),
            "new_buyer_share": _new_share(live),
        },
        closings={"paid_amount": live.amount_closing, "paid_orders": live.order_closing},
        targets={**campaign.targets, **(targets or {})},
        last=_last(live),
        editions=len(live.past),
        windows=len(live.ordinary),
        lately=live.daily(),
        path=_path(live),
    )


def _path(live: Live) -> pd.DataFrame:
    """What is paid by some moments from the start to the close, and what is to be expected.

    ``share`` of the total that is to be expected by then, ``paid`` so far, and after now where
    the forecast and its interval lead.
    """
    import pandas as pd

    every = max(1, live.length // PATH_POINTS)
    steps = sorted({*range(0, live.length + 1, every), live.elapsed, live.length})
    share = np.array([_share(live, k) for k in steps])
    now, closing = steps.index(live.elapsed), live.amount_closing
    paid = np.concatenate([[0.0], live.sales.amount[live.place :].cumsum()])
    done = [float(paid[k]) if k <= live.elapsed else math.nan for k in steps]
    held = {"at": [live.start + k * live.hours_a_step * dt.timedelta(hours=1) for k in steps],
            "share": share, "paid": done}  # fmt: skip
    rest = (share - share[now]) / (1 - share[now]) if share[now] < 1 else np.zeros(len(steps))
    for name in ("low", "high"):
        end = getattr(closing, name)
        lead = done[now] + (end - done[now]) * rest
        held[name] = np.where(np.arange(len(steps)) < now, math.nan, lead)
    return pd.DataFrame(held)


def _share(live: Live, elapsed: int) -> float:
    """Share of the total to be expected after so many steps; NaN where nothing tells."""
    if elapsed in (0, live.length):
        return float(elapsed > 0)
    return mixed_share(*live.compared(elapsed, live.sales.amount))


def _last(live: Live) -> dict[str, float]:
    """What the last edition had at its close."""
    if not live.past:
        return {}
    values = {"paid_amount": live.sales.amount, "paid_orders": live.sales.orders}
    return {
        name: float(live.compared(live.elapsed, of)[0].total[-1]) for name, of in values.items()
    }


def _new_share(live: Live) -> float:
    """Share of the whole shop's buyers since the start who had not paid before in its orders."""
    begin, end = (instant_of(moment, live.tables.zone) for moment in (live.start, live.at))
    paid = live.tables.lazy("orders").filter(
        ~nw.col("buyer_key").is_null() & ~nw.col("paid_at").is_null() & (nw.col("paid_at") < end)
    )
    buyers = paid.group_by("buyer_key").agg(
        first=nw.col("paid_at").min(), last=nw.col("paid_at").max()
    )
    held = buyers.filter(nw.col("last") >= begin)
    counted = frames.bring(
        held.select(buyers=nw.len(), new=(nw.col("first") >= begin).cast(nw.Int64).sum())
    )
    buyers_now = float(counted["buyers"].iloc[0])
    return float(counted["new"].iloc[0]) / buyers_now if buyers_now else math.nan
