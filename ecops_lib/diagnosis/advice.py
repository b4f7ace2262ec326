"""What to do about a fall or a rise, given what is recorded around it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from ecops_lib.core.language import tr
from ecops_lib.diagnosis.causes import Reason


def advise(what: Literal["conversion", "traffic"], reasons: Sequence[Reason], *, fell: bool) -> str:
    """What to do about a fall or a rise, given the most direct reason."""
    if not fell:
        return tr("find out what worked and keep it going")
    kind = reasons[0].kind if reasons else ""
    match kind:
        case "stock":
            return tr("restock, and pause its ads until it is back")
        case "price":
            return tr("check the price change: put it back, or explain it on the page")
        case "reviews":
            return tr("answer the low ratings and check the batch")
        case "refunds":
            return tr("look at the claims' reasons, and stop selling what is faulty")
        case "ads":
            return tr("check budget and bids of the ad plan")
        case "competitor":
            return tr("decide on an answer to the competitor's price")
        case "event":
            return tr("check what was changed")
        case _ if what == "conversion":
            return tr("look at page, price and reviews of the product")
        case _:
            return tr("check the channel: rank, entries, tracking")
