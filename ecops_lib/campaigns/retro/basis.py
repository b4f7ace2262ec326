"""What a campaign's break-downs are compared with: its last edition, or the weeks before it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import narwhals as nw

from ecops_lib.campaigns.campaign import Campaign
from ecops_lib.campaigns.plan.past import known_editions
from ecops_lib.core.checks import as_day
from ecops_lib.core.errors import ParameterError
from ecops_lib.core.formats import show
from ecops_lib.core.language import tr
from ecops_lib.data import frames
from ecops_lib.metrics.bases import ORDER_KEY, Source, Tables

USUAL_DAYS = 28
"""Days before the campaign's first phase that stand for the usual where no edition is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Days:
    """Days of a campaign's sale, or of what it is compared with.

    Attributes:
        first: First local day.
        last: Last one.
        products: Products that count; empty for the whole shop.
        name: The edition's name; empty for usual days.
    """

    first: dt.date
    last: dt.date
    products: tuple[str, ...]
    name: str = ""

    @property
    def count(self) -> int:
        """How many days."""
        return (self.last - self.first).days + 1

    def words(self) -> str:
        """What is compared with, for a sentence."""
        if self.name:
            return self.name
        return tr(
            "the usual ({first} to {last})",
            first=show(self.first, "day"), last=show(self.last, "day"),
        )  # fmt: skip


def sale_days(campaign: Campaign, as_of: dt.date | str) -> Days:
    """The selling days up to a day.

    Raises:
        ParameterError: The campaign does not sell by then.
    """
    day = as_day(as_of, name="as_of")
    first, last = campaign.selling
    if first > day:
        raise ParameterError(
            f"campaign {campaign.campaign_id!r} sells from {first}, after as_of {day}; there is "
            "nothing to break down yet."
        )
    return Days(first=first, last=min(last, day), products=campaign.products, name=campaign.name)


def find_basis(
    source: Source, campaign: Campaign, *, as_of: dt.date, time_zone: str | None
) -> Days | None:
    """The last edition's selling days, else the four weeks before; None where not recorded."""
    editions = known_editions(source, campaign, as_of=as_of, time_zone=time_zone)
    if editions:
        last = editions[-1]
        first, end = last.selling
        return Days(first=first, last=end, products=last.products, name=last.name)
    return usual_days(Tables(source, time_zone=time_zone), campaign)


def usual_days(tables: Tables, campaign: Campaign) -> Days | None:
    """The four weeks before the campaign's first phase; None where orders do not reach back."""
    span = tables.span("orders", "created_at")
    usual = Days(
        first=campaign.first - USUAL_DAYS * frames.DAY,
        last=campaign.first - frames.DAY,
        products=campaign.products,
    )
    return usual if span and span[0] <= usual.first else None


def paid_lines(tables: Tables, days: Days, columns: Sequence[str]) -> nw.LazyFrame[Any]:
    """Lines of orders paid on some days, of the products that count.

    Columns: the order's key, ``product_id``, ``amount`` [store currency] and those asked for.
    """
    paid = tables.lazy("orders").filter(
        frames.within("paid_at", days.first, days.last, tables.zone)
    )
    lines = tables.lazy("order_items")
    if days.products:
        lines = lines.filter(nw.col("product_id").is_in(list(days.products)))
    kept = lines.select(*ORDER_KEY, "product_id", amount=nw.col("paid_amount").cast(nw.Float64))
    return kept.join(paid.select(*ORDER_KEY, *columns), on=ORDER_KEY, how="inner")


def visits_on(tables: Tables, days: Days, scope: str) -> nw.LazyFrame[Any]:
    """Traffic rows of one scope on some days; of the products that count where they are it."""
    rows = tables.lazy("traffic", start=days.first, end=days.last).filter(
        (nw.col("scope") == scope) & (nw.col("day") >= days.first) & (nw.col("day") <= days.last)
        & ~nw.col("visitors").is_null()
    )  # fmt: skip
    if scope == "product" and days.products:
        rows = rows.filter(nw.col("scope_id").is_in(list(days.products)))
    return rows
