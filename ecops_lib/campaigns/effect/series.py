"""Daily series about a campaign: what it promoted, what it did not touch, and its sisters."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import narwhals as nw
import numpy as np

from ecops_lib.campaigns.campaign import Campaign
from ecops_lib.campaigns.editions import find_campaigns
from ecops_lib.campaigns.lift import LiftPanel
from ecops_lib.campaigns.lift.panel import WEEK, Flags, Floats
from ecops_lib.core.errors import MissingDataError, ParameterError
from ecops_lib.core.formats import show
from ecops_lib.core.language import tr
from ecops_lib.data import frames
from ecops_lib.metrics.bases import ORDER_KEY, Source, Tables
from ecops_lib.metrics.histories import trade_span
from ecops_lib.metrics.measuring import measure

if TYPE_CHECKING:
    import pandas as pd

METRICS = ("paid_amount", "paid_units", "paid_sub_orders")
HISTORY_DAYS = 180
"""Days before the campaign that its lift is learnt from."""
AFTER_MOST, AFTER_LEAST = 14, 3
"""Days after it whose dip counts: as many as it sold, within these ends."""
BEFORE_DAYS = 3
"""Days before the sale whose dip counts where the campaign tells no warm-up."""
LEAST_APART = 0.2
"""Share of the unpromoted sales that products of other categories must have to be the controls."""
MOST_GROUPS = 6
"""Groups that the unpromoted products are compared in."""


@dataclass(frozen=True, kw_only=True, eq=False)
class DailySeries:
    """Paid amount, units and order lines by day and product about a campaign, up to a day.

    Attributes:
        campaign: The campaign.
        days: Local days in order.
        products: Product ids.
        names: Title of each product.
        categories: Category of each product; empty where not told.
        amount: Paid amount (days, products) [store currency].
        units: Units paid (days, products).
        lines: Order lines paid (days, products): steadier than units, for one buyer is one.
        refunded: Of these amounts, refunded by ``as_of`` (days, products).
        promoted: Products that the campaign promotes (products,).
        others: Days of other campaigns (days,).
        as_of: Last day that counts.
    """

    campaign: Campaign
    days: tuple[dt.date, ...]
    products: tuple[str, ...]
    names: tuple[str, ...]
    categories: tuple[str, ...]
    amount: Floats
    units: Floats
    lines: Floats
    refunded: Floats
    promoted: Flags
    others: Flags
    as_of: dt.date

    @property
    def sale(self) -> slice:
        """The days on which it sold, up to ``as_of``."""
        first, last = self.campaign.selling
        return self.span(first, min(last, self.as_of))

    @property
    def before(self) -> slice:
        """The days before the sale whose dip counts."""
        first, begin = self.campaign.first, self.campaign.selling[0]
        first = min(first, begin - BEFORE_DAYS * frames.DAY)
        return self.span(max(first, self.days[0]), begin - frames.DAY)

    @property
    def after(self) -> slice:
        """The days after it whose dip counts, up to ``as_of``; empty where none has come."""
        first, last = self.campaign.selling
        length = min(max((last - first).days + 1, AFTER_LEAST), AFTER_MOST)
        return self.span(last + frames.DAY, min(last + length * frames.DAY, self.as_of))

    @property
    def after_due(self) -> int:
        """Days after the sale that ``as_of`` has not reached yet."""
        first, last = self.campaign.selling
        length = min(max((last - first).days + 1, AFTER_LEAST), AFTER_MOST)
        return max(0, length - max(0, (self.as_of - last).days))

    @property
    def sisters(self) -> Flags:
        """Unpromoted products of the categories that it promotes in (products,)."""
        held = {c for c, mine in zip(self.categories, self.promoted, strict=True) if mine and c}
        kin = np.array([c in held for c in self.categories])
        return kin & ~self.promoted

    @property
    def usual(self) -> Flags:
        """Days before the campaign that belong to no campaign (days,)."""
        flags = ~self.others
        flags[min(self.before.start, self.sale.start) :] = False
        return np.asarray(flags)

    def span(self, first: dt.date, last: dt.date) -> slice:
        """Positions of the days between two, both included."""
        start = (first - self.days[0]).days
        return slice(start, max(start, (last - self.days[0]).days + 1))

    @property
    def kin_in_controls(self) -> bool:
        """Whether sisters must serve as controls, for hardly anything else was sold."""
        usual = self.amount[self.usual].sum(axis=0)
        apart = usual[~self.promoted & ~self.sisters].sum()
        return bool(apart < LEAST_APART * usual[~self.promoted].sum())

    def groups(self, values: Floats, *, without: Flags) -> tuple[Floats, list[str]]:
        """Unpromoted products summed in groups (days, groups), some of them left out.

        By category, sisters apart; where hardly anything else was sold, all unpromoted
        products are dealt into four groups.
        """
        kept = ~self.promoted & ~without
        labels = np.array(self.categories, dtype=object)
        if self.kin_in_controls:
            labels = np.array([tr("group {n}", n=1 + k % 4) for k in range(len(kept))], object)
        else:
            kept &= ~self.sisters
        sums = {name: values[:, kept & (labels == name)].sum(axis=1) for name in labels[kept]}
        usual = self.usual
        moving = {name: v for name, v in sums.items() if v[usual].std() > 0}
        largest = sorted(moving, key=lambda name: -moving[name][usual].sum())[:MOST_GROUPS]
        return np.array([moving[n] for n in largest]).reshape(len(largest), len(values)).T, largest

    def panel(
        self, outcome: Floats, window: slice, controls: Floats, names: Sequence[str]
    ) -> LiftPanel:
        """A series about one window; the campaign's other days and other campaigns left out."""
        left = self.others.copy()
        left[min(self.before.start, self.sale.start) : max(self.after.stop, self.sale.stop)] = True
        end = window.stop
        return LiftPanel(
            days=list(self.days[:end]),
            outcome=outcome[:end],
            controls=controls[:end],
            names=tuple(names),
            first=window.start,
            last=window.stop - 1,
            left_out=left[:end],
            season=WEEK,
        )


def read_series(
    source: Source, *, campaign: Campaign, as_of: dt.date, time_zone: str | None = None
) -> DailySeries:
    """Read a campaign's daily series.

    Raises:
        MissingDataError: Nothing was sold before the campaign, or no order line names its
            product.
        ParameterError: The campaign has not begun to sell by ``as_of``, or none of its products
            was ever sold.
    """
    tables = Tables(source, time_zone=time_zone)
    begin = campaign.selling[0]
    if begin > as_of:
        raise ParameterError(
            f"campaign {campaign.campaign_id!r} sells from {begin}, after as_of {as_of}; there is "
            "nothing to measure yet."
        )
    span = trade_span(tables)
    if span is None or span[0] >= begin:
        raise MissingDataError(tr(
            "No order was paid before {day}, so nothing shows what the campaign added; import "
            "earlier orders.", day=show(begin, "day"),
        ))  # fmt: skip
    as_of = min(as_of, span[1])  # a day of which no order tells is not a day without sales
    if begin > as_of:
        raise MissingDataError(tr(
            "The orders end on {day}, before the campaign sold; import later orders.",
            day=show(as_of, "day"),
        ))  # fmt: skip
    first = max(span[0], campaign.first - HISTORY_DAYS * frames.DAY)
    days = tuple(first + k * frames.DAY for k in range((as_of - first).days + 1))
    sold = measure(
        source, METRICS, start=first, end=as_of, by=("day", "product"),
        time_zone=time_zone,
    ).frame  # fmt: skip
    sold = sold[sold["product_id"].notna()]
    if sold.empty:
        raise MissingDataError(tr(
            "No order line names its product, so the promoted ones cannot be told from the rest; "
            "import the product report."
        ))  # fmt: skip
    products = tuple(sorted(sold["product_id"].astype(str).unique()))
    promoted = np.array([p in set(campaign.products) or campaign.whole_shop for p in products])
    if not promoted.any():
        raise ParameterError(
            f"none of the products of campaign {campaign.campaign_id!r} was sold between {first} "
            f"and {as_of}; check products in store.toml."
        )
    names, categories = _about(tables, sold, products)
    amount, units, lines = (_grid(sold, c, days, products) for c in METRICS)
    return DailySeries(
        campaign=campaign,
        days=days,
        products=products,
        names=names,
        categories=categories,
        amount=amount,
        units=units,
        lines=lines,
        refunded=_refunds(tables, days, products),
        promoted=promoted,
        others=_other_days(source, campaign, days, time_zone),
        as_of=as_of,
    )


def _grid(
    rows: pd.DataFrame, column: str, days: Sequence[dt.date], products: Sequence[str]
) -> Floats:
    import pandas as pd

    wide = rows.pivot_table(index="day", columns="product_id", values=column, aggfunc="sum")
    held = wide.reindex(index=pd.to_datetime(list(days)), columns=list(products))
    return np.asarray(np.nan_to_num(held.to_numpy(float)))


def _about(
    tables: Tables, sold: pd.DataFrame, products: Sequence[str]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Title and category of each product."""
    titles, kinds = dict.fromkeys(products, ""), dict.fromkeys(products, "")
    if "product_name" in sold:
        told = sold.dropna(subset=["product_name"])
        titles |= dict(zip(told["product_id"], told["product_name"].astype(str), strict=True))
    if tables.has("products"):
        held = frames.bring(tables.lazy("products").select("product_id", "category"))
        held = held.dropna()
        kinds |= dict(zip(held["product_id"], held["category"].astype(str), strict=True))
    return tuple(titles[p] or p for p in products), tuple(kinds[p] for p in products)


def _refunds(tables: Tables, days: Sequence[dt.date], products: Sequence[str]) -> Floats:
    """Refunds finished by the last day, by the day their order was paid and by product.

    Those of whole orders, which name no product, are spread as the named ones of the span.
    """
    if not tables.has("refunds"):
        return np.full((len(days), len(products)), np.nan)
    zone, first, last = tables.zone, days[0], days[-1]
    paid = tables.lazy("orders").filter(frames.within("paid_at", first, last, zone))
    paid = paid.select(*ORDER_KEY, day=frames.local_day("paid_at", first, last, zone))
    good = tables.lazy("refunds").filter(nw.col("status") == "success")
    good = good.filter(frames.within("finished_at", first, last, zone))
    both = good.select(*ORDER_KEY, "product_id", "amount").join(paid, on=ORDER_KEY, how="inner")
    held = frames.bring(both.group_by("day", "product_id").agg(nw.col("amount").sum()))
    named = held["product_id"].notna()
    told, whole = float(held.loc[named, "amount"].sum()), float(held["amount"].sum())
    grid = _grid(held[named], "amount", days, products)
    return grid * (whole / told) if told else np.full(grid.shape, np.nan if whole else 0.0)


def _other_days(
    source: Source, campaign: Campaign, days: Sequence[dt.date], time_zone: str | None
) -> Flags:
    """Days of other campaigns, in which nothing can be learnt of ordinary ones."""
    others = [
        other
        for other in find_campaigns(source, time_zone=time_zone)
        if other.campaign_id != campaign.campaign_id
    ]
    taken = {day for other in others for day in other.days_of()}
    return np.array([day in taken for day in days])
