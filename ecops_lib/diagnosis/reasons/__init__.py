"""What the data show around a fall or a rise: reviews, stock, price, ads, rivals, the day.

A reason is named only where its own figures left their usual range in the same days and
point the same way (a price that rose explains fewer buyers, not more). It is a coincidence
in time, not a proof; the page says "recorded around it".
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import replace

from ecops_lib.data.frames import DAY
from ecops_lib.diagnosis.causes import SPANS, Reason
from ecops_lib.diagnosis.history import History
from ecops_lib.diagnosis.reasons import demand, offer, service
from ecops_lib.diagnosis.reasons.case import BEFORE, Case

OF_PRODUCTS = (
    offer.in_stock, offer.of_price, service.in_reviews, service.in_refunds, offer.of_competitor,
)  # fmt: skip
OF_ALL = (
    demand.in_ads, demand.in_searches, service.in_parcels, demand.of_ended, demand.in_diary,
    demand.in_calendar,
)  # fmt: skip


def find_reasons(
    history: History,
    *,
    day: dt.date,
    days: int,
    rose: bool,
    product: str = "",
    channel: str = "",
) -> tuple[Reason, ...]:
    """What is recorded around a fall or rise of a product or a channel.

    Args:
        history: The days before.
        day: The last day of the fall or rise.
        days: How long it has lasted [days].
        rose: Whether it is a rise.
        product: The product, or empty.
        channel: The channel, or empty.

    Returns:
        The reasons, those first whose like was recorded least before, of equals
        the most direct; empty where nothing is recorded.
    """
    case = Case(history=history, day=day, days=days, product=product, channel=channel, rose=rose)
    looked = (*(OF_PRODUCTS if product else ()), *OF_ALL)
    found = [
        replace(reason, earlier=_earlier(case, look)) for look in looked for reason in look(case)
    ]
    return tuple(sorted(found, key=lambda reason: reason.earlier))


def _earlier(case: Case, look: Callable[[Case], tuple[Reason, ...]]) -> int:
    """In how many of the spans of the same length before the like of a reason was recorded."""
    days = (case.day - n * (case.days + BEFORE) * DAY for n in range(1, SPANS + 1))
    return sum(bool(look(replace(case, day=day))) for day in days)
