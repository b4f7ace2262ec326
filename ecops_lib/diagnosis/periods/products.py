"""Which products made a period's sales, how many sold at all, and at which prices?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING, Any, ClassVar

from ecops_lib.core.errors import MetricError, MissingDataError
from ecops_lib.core.findings import Finding
from ecops_lib.core.formats import Unit, is_missing, show
from ecops_lib.core.language import mark, ntr, tr
from ecops_lib.core.names import short_name
from ecops_lib.core.results import Result
from ecops_lib.data.calendar.periods import Period, Span
from ecops_lib.diagnosis.history import History
from ecops_lib.metrics.measuring import measure

if TYPE_CHECKING:
    import pandas as pd

    from ecops_lib.core.charts import Chart

MOST_ROWS = 12
MOST_SALES = 0.8
"""Share of sales of which the fewest products are counted."""

STEPS = (1.0, 2.0, 5.0)
"""Price bands end at these times powers of ten."""


@dataclass(frozen=True, kw_only=True, eq=False)
class ProductRanks(Result):
    """Products by what they sold in a period.

    Attributes:
        frame: One row a product: ``product``, ``product_id``, ``paid`` and ``before`` [store
            currency], ``share``, ``change`` (relative), ``units``, ``price`` (mean paid a unit) and
            ``price_change`` (relative).
        period: The period.
        reason: Why there is nothing to show; empty where there is something.
    """

    sheet: ClassVar[str] = mark("Products")
    labels: ClassVar[Mapping[str, str]] = {
        "product": mark("Product"),
        "product_id": mark("Product id"),
        "paid": mark("Amount paid"),
        "share": mark("Share"),
        "before": mark("Days before"),
        "change": mark("Change"),
        "units": mark("Units sold"),
        "price": mark("Mean price"),
        "price_change": mark("Price, change"),
    }
    units: ClassVar[Mapping[str, Unit]] = {
        "paid": "money", "share": "share", "before": "money", "change": "share",
        "units": "count", "price": "money", "price_change": "share",
    }  # fmt: skip

    period: Period
    frame: pd.DataFrame
    reason: str = ""

    def absent(self) -> str:
        """Why there is nothing to show, if so."""
        return self.reason

    def to_frame(self) -> pd.DataFrame:
        """One row a product, the most sales first."""
        return self.frame

    def page_frame(self) -> pd.DataFrame:
        """The products that sold most."""
        return self.frame.drop(columns="product_id").head(MOST_ROWS)

    def findings(self) -> tuple[Finding, ...]:
        """How few products make most of the sales, the largest fall and the largest rise."""
        if self.reason:
            return ()
        return (self._concentration(), *self._moved(-1), *self._moved(1))

    def _concentration(self) -> Finding:
        count = int((self.frame["share"].cumsum() < MOST_SALES).sum()) + 1
        sold = int((self.frame["units"] > 0).sum())
        text = ntr(
            "{count} of {sold} products that sold makes {share} of the sales.",
            "{count} of {sold} products that sold make {share} of the sales.",
            count,
            count=show(count, "count"),
            sold=show(sold, "count"),
            share=show(MOST_SALES, "share"),
        )
        numbers = {"count": float(count), "sold": float(sold)}
        return Finding(key="products/few", level="info", text=text, evidence=numbers)

    def _moved(self, sign: int) -> tuple[Finding, ...]:
        moved = (self.frame["paid"] - self.frame["before"]) * sign
        if moved.empty or not moved.max() > 0:
            return ()
        row = self.frame.iloc[int(moved.argmax())]
        words = {
            "product": short_name(row["product"]), "paid": show(row["paid"], "money"),
            "change": show(float(moved.max()), "money"),
        }  # fmt: skip
        text = (
            tr("{product} lost most: {paid}, {change} less than before.", **words)
            if sign < 0
            else tr("{product} gained most: {paid}, {change} more than before.", **words)
        )
        numbers = {"paid": float(row["paid"]), "before": float(row["before"])}
        return (Finding(key=f"products/{'fell' if sign < 0 else 'rose'}", level="info", text=text,
                        evidence=numbers),)  # fmt: skip


@dataclass(frozen=True, kw_only=True, eq=False)
class PriceBands(Result):
    """Sales by what a unit of the product was paid.

    Attributes:
        frame: One row a band: ``band``, ``products``, ``units``, ``paid`` [store currency],
            ``share``, ``before`` and ``change`` of the share [fraction].
        reason: Why there is nothing to show; empty where there is something.
    """

    sheet: ClassVar[str] = mark("Price bands")
    labels: ClassVar[Mapping[str, str]] = {
        "band": mark("Mean price of the product"),
        "products": mark("Products"),
        "units": mark("Units sold"),
        "paid": mark("Amount paid"),
        "share": mark("Share"),
        "before": mark("Share before"),
        "change": mark("Change"),
    }
    units: ClassVar[Mapping[str, Unit]] = {
        "products": "count", "units": "count", "paid": "money", "share": "share",
        "before": "share", "change": "points",
    }  # fmt: skip

    frame: pd.DataFrame
    reason: str = ""

    def absent(self) -> str:
        """Why there is nothing to show, if so."""
        return self.reason

    def to_frame(self) -> pd.DataFrame:
        """One row a band, the cheapest first."""
        return self.frame

    def findings(self) -> tuple[Finding, ...]:
        """The band with the most sales."""
        if self.reason:
            return ()
        row = self.frame.iloc[int(self.frame["paid"].argmax())]
        text = tr(
            "Most is paid for products of {band} a unit: {share} of the sales.",
            band=row["band"],
            share=show(row["share"], "share"),
        )
        numbers = {"share": float(row["share"])}
        return (Finding(key="bands/top", level="info", text=text, evidence=numbers),)

    def chart(self) -> Chart:
        """Shares of sales by band."""
        from ecops_lib.core.bars import bar_chart

        return bar_chart(
            self.frame, name="band", value="share", unit="share",
            caption=tr("Share of sales by price band"),
        )  # fmt: skip


def rank_products(history: History, period: Period) -> ProductRanks:
    """Products by sales in a period, beside the days before.

    Args:
        history: The days before, up to the period's last one.
        period: The period.

    Returns:
        The products; absent where no order line tells them.
    """
    import pandas as pd

    try:
        now, then = (_sold(history, one) for one in ((period.first, period.last), period.before))
    except (MissingDataError, MetricError) as error:
        return ProductRanks(period=period, frame=pd.DataFrame(), reason=str(error))
    both = now.join(then, how="outer", rsuffix="_then").fillna(0.0).rename_axis(None)
    names = history.names
    price, was = (_price(both, end) for end in ("", "_then"))
    frame = pd.DataFrame({
        "product": [names.get(str(key), str(key)) for key in both.index],
        "product_id": both.index, "paid": both["paid_amount"],
        "share": both["paid_amount"] / both["paid_amount"].sum(),
        "before": both["paid_amount_then"],
        "change": (both["paid_amount"] / both["paid_amount_then"]).where(
            both["paid_amount_then"] > 0) - 1,
        "units": both["paid_units"], "price": price, "price_change": price / was - 1,
    })  # fmt: skip
    ordered = frame.sort_values(["paid", "product_id"], ascending=[False, True])
    return ProductRanks(period=period, frame=ordered.reset_index(drop=True))


def _price(both: pd.DataFrame, end: str) -> pd.Series[float]:
    units = both[f"paid_units{end}"]
    return both[f"paid_amount{end}"] / units.where(units > 0)


def _sold(history: History, span: Span) -> pd.DataFrame:
    """Units and amount by product; lines without a product are left out."""
    found = measure(
        history.tables.source, ["paid_units", "paid_amount"], start=span[0], end=span[1],
        by=("product",),
    ).to_frame()  # fmt: skip
    known = found.loc[found["product_id"].notna()].set_index("product_id")
    return known[["paid_units", "paid_amount"]].astype(float)


def count_bands(ranks: ProductRanks) -> PriceBands:
    """Deal the products' sales into bands of their mean price.

    Bands end at 1, 2 and 5 times powers of ten. The days before are dealt by the same prices
    (a product that did not sell in the period, by its earlier one).
    """
    import pandas as pd

    frame = ranks.frame
    if ranks.reason or not (frame["units"] > 0).any():
        return PriceBands(frame=pd.DataFrame(), reason=ranks.reason or tr("Nothing was sold."))
    price = frame["price"].fillna(frame["price"] / (1 + frame["price_change"]))
    sold = frame.assign(top=[_top(value) for value in price])
    kept = sold.loc[sold["top"].notna()]
    groups = kept.groupby("top")
    sums = groups[["units", "paid", "before"]].sum()
    sums["products"] = kept.loc[kept["units"] > 0].groupby("top").size()
    shares = sums[["paid", "before"]] / sums[["paid", "before"]].sum()
    table = pd.DataFrame({
        "band": [_band_words(top) for top in sums.index],
        "products": sums["products"].fillna(0).to_numpy(int), "units": sums["units"].to_numpy(),
        "paid": sums["paid"].to_numpy(), "share": shares["paid"].to_numpy(),
        "before": shares["before"].to_numpy(),
        "change": (shares["paid"] - shares["before"]).to_numpy(),
    })  # fmt: skip
    return PriceBands(frame=table)


def _ends() -> tuple[float, ...]:
    return tuple(step * 10.0**power for power in range(-1, 7) for step in STEPS)


def _top(price: Any) -> float:
    """Upper end of a price's band."""
    if is_missing(price) or price <= 0:
        return float("nan")
    return next((end for end in _ends() if price < end), inf)


def _band_words(top: float) -> str:
    ends = (0.0, *_ends())
    low = ends[-1] if top == inf else ends[ends.index(top) - 1]
    if top == inf:
        return tr("{low} and more", low=show(low, "money"))
    return tr("{low} to under {high}", low=show(low, "money"), high=show(top, "money"))
