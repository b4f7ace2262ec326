"""Which part each product is to play in a campaign, and the rule that says so."""

from __future__ import annotations

import datetime as dt
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from ecops_lib.campaigns.campaign import Campaign
from ecops_lib.campaigns.plan.product_facts import FEW_ORDERS, HALF_DAYS, learn_products
from ecops_lib.core.checks import as_day
from ecops_lib.core.findings import Action, Finding
from ecops_lib.core.formats import Unit, show
from ecops_lib.core.language import mark, ntr, tr
from ecops_lib.core.results import Result
from ecops_lib.metrics.bases import Source, Tables

if TYPE_CHECKING:
    import pandas as pd

NEW_DAYS = 60
"""A product listed for fewer days is new."""
FEW_PRODUCTS = 8
"""Of fewer products a quarter says nothing, and no rank is given."""
SHORT_COVER, LONG_COVER = 7, 180
"""Days of stock at the usual pace: fewer are not enough to promote, more are too much."""
REFUNDS = 1.5
"""Refund rate over the shop's from which a product is left out."""
FALLING = 0.8
"""Units of the last four weeks over those of the four before, below which sales fall."""

ROLES: Mapping[str, str] = {
    "driver": mark("traffic driver"),
    "profit": mark("profit item"),
    "test": mark("test"),
    "clear": mark("clear"),
    "leave": mark("leave out"),
    "rest": mark("no special part"),
    "open": mark("not known"),
}
RULES: Mapping[str, str] = {
    "new": mark("listed lately"),
    "loss": mark("nothing is kept of a sale"),
    "refunds": mark("refunded too often"),
    "short": mark("too little stock to promote"),
    "idle": mark("much stock, and sales fall or stand still"),
    "driver": mark("many visitors, and they buy"),
    "profit": mark("much is kept of a sale, and visitors buy"),
    "seldom": mark("too few orders to judge"),
    "plain": mark("none of the other rules"),
    "lacking": mark("visitors or margin not known"),
    "few": mark("too few products to rank"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Marks:
    """The shop's thresholds, over its products with enough orders.

    Attributes:
        products: Products with enough orders.
        visitors: Upper quarter of visitors a day; NaN where no traffic is told.
        conversion: Median of the conversion, few visits drawn towards the shop's.
        low_conversion: Lower quarter of it.
        margin: Median of what is kept of a sale; NaN where that is not told.
        refund_rate: The shop's refund rate; NaN where no refund is told.
    """

    products: int
    visitors: float
    conversion: float
    low_conversion: float
    margin: float
    refund_rate: float


@dataclass(frozen=True, kw_only=True, eq=False)
class ProductMatrix(Result):
    """Each product's part, the rule that gave it, and the evidence.

    Attributes:
        frame: One row a product: ``product_id``, ``product_name``, ``role`` (of ``ROLES``),
            ``rule`` (of ``RULES``), ``visitors`` (mean of a day), ``conversion`` (buyers over
            visitors of the days, few visits drawn towards the shop's), ``orders``, ``price``
            (paid a unit), ``margin`` (kept of an amount paid after refunds, goods and fees),
            ``refund_rate``, ``trend`` (units of the last four weeks over those of the four
            before), ``stock`` (units free to sell), ``cover`` (days of it at the pace of the last
            four weeks; NaN without a sale), ``age`` (days), ``promoted``. NaN is not known.
        marks: The thresholds.
        start: First day of the history.
        end: Last one.
    """

    sheet: ClassVar[str] = mark("Products and their parts")
    units: ClassVar[Mapping[str, Unit]] = {
        "visitors": "number", "conversion": "share", "orders": "count", "price": "money",
        "margin": "share", "refund_rate": "share", "trend": "ratio", "stock": "count",
        "cover": "days", "age": "days",
    }  # fmt: skip
    labels: ClassVar[Mapping[str, str]] = {
        "product_id": mark("Product"),
        "product_name": mark("Product name"),
        "role": mark("Role in the campaign"),
        "rule": mark("Rule that decides"),
        "promoted": mark("Promoted"),
        "visitors": mark("Visitors a day"),
        "conversion": mark("Conversion"),
        "orders": mark("Orders"),
        "price": mark("Paid a unit"),
        "margin": mark("Kept of a sale"),
        "refund_rate": mark("Refund rate"),
        "trend": mark("Last four weeks over the four before"),
        "stock": mark("Units free to sell"),
        "cover": mark("Days of stock"),
        "age": mark("Days on sale"),
    }

    frame: pd.DataFrame
    marks: Marks
    start: dt.date
    end: dt.date

    def to_frame(self) -> pd.DataFrame:
        """One row a product, the parts in order and the most sold first."""
        words = {
            "role": [tr(ROLES[role]) for role in self.frame["role"]],
            "rule": [tr(RULES[rule]) for rule in self.frame["rule"]],
            "promoted": [tr("yes") if p else tr("no") for p in self.frame["promoted"]],
        }
        return self.frame.assign(**words)[list(self.labels)]

    def page_frame(self) -> pd.DataFrame:
        """The first of each part."""
        best = self.frame.groupby("role", sort=False).head(3).index
        columns = ["product_name", "role", "rule", "visitors", "conversion", "price", "margin",
                   "refund_rate", "cover"]  # fmt: skip
        return self.to_frame().loc[best[:12], columns]

    def findings(self) -> tuple[Finding, ...]:
        """Whom to draw traffic with, what to earn with, what to test, what not to promote."""
        if self.marks.products < FEW_PRODUCTS:
            text = tr(
                "Only {count} products have {orders} orders or more since {start}, too few to "
                "rank them; from {least} on their parts are told.",
                count=show(self.marks.products, "count"), orders=FEW_ORDERS,
                start=show(self.start, "day"), least=FEW_PRODUCTS,
            )  # fmt: skip
            return (Finding(key="matrix/few", level="info", text=text), *self._wrong())
        return (*self._drivers(), *self._profit(), *self._tests(), *self._wrong(), self._rules())

    def _names(self, role: str) -> tuple[int, str]:
        rows = self.frame[self.frame["role"] == role]
        return len(rows), tr(", ").join(rows["product_name"].head(3))

    def _drivers(self) -> tuple[Finding, ...]:
        if self.marks.visitors != self.marks.visitors:
            text = tr("Traffic drivers cannot be told: no traffic names products.")
            return (Finding(key="matrix/driver", level="info", text=text),)
        count, names = self._names("driver")
        given = {
            "visitors": show(self.marks.visitors, "number"),
            "conversion": show(self.marks.conversion, "share"),
        }
        if not count:
            text = tr(
                "No product draws traffic and sells: none that may be promoted has more than "
                "{visitors} visitors a day with a conversion of {conversion} or more.", **given,
            )  # fmt: skip
            return (Finding(key="matrix/driver", level="watch", text=text),)
        text = ntr(
            "{count} product draws traffic: {names}, with more than {visitors} visitors "
            "a day and a conversion of {conversion} or more.",
            "{count} products draw traffic, first {names}, each with more than {visitors} "
            "visitors a day and a conversion of {conversion} or more.",
            count, count=show(count, "count"), names=names, **given,
        )  # fmt: skip
        action = Action(text=tr("put them where the traffic comes in"), owner=tr("campaign owner"))
        return (Finding(key="matrix/driver", level="good", text=text, action=action),)

    def _profit(self) -> tuple[Finding, ...]:
        if self.marks.margin != self.marks.margin:
            text = tr("Profit items cannot be told: what is kept of a sale is not known.")
            return (Finding(key="matrix/profit", level="info", text=text),)
        count, names = self._names("profit")
        margin = show(self.marks.margin, "share")
        if not count:
            text = tr(
                "No product beside the drivers keeps more than {margin} of a sale.", margin=margin
            )
            return (Finding(key="matrix/profit", level="watch", text=text),)
        text = ntr(
            "{count} product is there to earn with: {names}, with more than {margin} of a sale "
            "kept.",
            "{count} products are there to earn with, first {names}, each with more than {margin} "
            "of a sale kept.",
            count, count=show(count, "count"), names=names, margin=margin,
        )  # fmt: skip
        action = Action(text=tr("sell them beside the drivers"), owner=tr("campaign owner"))
        return (Finding(key="matrix/profit", level="good", text=text, action=action),)

    def _tests(self) -> tuple[Finding, ...]:
        count, names = self._names("test")
        if not count:
            return ()
        text = ntr(
            "{count} product is new and may be tested: {names}.",
            "{count} products are new and may be tested, first {names}.",
            count, count=show(count, "count"), names=names,
        )  # fmt: skip
        return (Finding(key="matrix/test", level="info", text=text),)

    def _wrong(self) -> tuple[Finding, ...]:
        """Products that the campaign promotes against a rule."""
        rows = self.frame[self.frame["promoted"] & self.frame["rule"].isin(AGAINST)]
        told = []
        for row in rows.head(2).itertuples(index=False):
            text = tr(
                "{name} is promoted, but should not be: {rule} ({evidence}).",
                name=row.product_name, rule=tr(RULES[str(row.rule)]), evidence=_evidence(row),
            )  # fmt: skip
            action = Action(text=tr("take it out, or mend this first"), owner=tr("campaign owner"))
            key = f"matrix/wrong/{row.product_id}"
            told.append(Finding(key=key, level="bad", text=text, action=action))
        return tuple(told)

    def _rules(self) -> Finding:
        text = tr(
            "Learnt from {start} to {end} on {count} products with {orders} orders or more: "
            "drivers are in the upper quarter by visitors and the upper half by conversion, "
            "profit items in the upper half by margin and not in the lower quarter by conversion.",
            start=show(self.start, "day"), end=show(self.end, "day"),
            count=show(self.marks.products, "count"), orders=FEW_ORDERS,
        )  # fmt: skip
        return Finding(key="matrix/rules", level="info", text=text)


AGAINST = ("loss", "refunds", "short")
"""Rules that speak against promoting a product."""


def _evidence(row: object) -> str:
    """The figure behind a rule against."""
    column, label = {
        "loss": ("margin", mark("kept of a sale: {value}")),
        "refunds": ("refund_rate", mark("refund rate {value}")),
        "short": ("cover", mark("stock for {value}")),
    }[row.rule]  # type: ignore[attr-defined]
    return tr(label, value=show(getattr(row, column), ProductMatrix.units[column]))


def plan_products(
    source: Source,
    *,
    as_of: dt.date | str,
    campaign: Campaign | None = None,
    time_zone: str | None = None,
) -> ProductMatrix:
    """Give each product its part in a campaign.

    The first rule that holds decides: new; nothing kept of a sale; refunded half again as
    often as the shop; much stock while sales fall or stand still; stock for less than a week;
    driver; profit item; the rest. A rule whose figure is not known does not hold. Conversion
    is drawn towards the shop's where visits are few, so three buyers of ten visitors do not
    lead the list.

    Args:
        source: A store, or tables by canonical name.
        as_of: Last local day that counts.
        campaign: A campaign whose promoted products are held against their parts.
        time_zone: IANA zone of the days; the store's by default.

    Raises:
        MissingDataError: There are no orders, or their lines are missing.
    """
    end = as_day(as_of, name="as_of")
    frame, refund_rate = learn_products(Tables(source, time_zone=time_zone), as_of=end)
    marks = _marks(frame, refund_rate)
    frame["rule"] = [_rule(row, marks) for row in frame.to_dict("records")]
    frame["role"] = frame["rule"].map(ROLE_OF)
    promoted = campaign.products if campaign else ()
    frame["promoted"] = frame["product_id"].isin(promoted)
    place = frame["role"].map({role: k for k, role in enumerate(ROLES)})
    frame = (
        frame.assign(place=place)
        .sort_values(["place", "paid", "product_id"], ascending=[True, False, True])
        .drop(columns="place")
        .reset_index(drop=True)
    )
    start = end - dt.timedelta(days=2 * HALF_DAYS - 1)
    return ProductMatrix(frame=frame, marks=marks, start=start, end=end)


ROLE_OF: Mapping[str, str] = {
    "new": "test", "loss": "leave", "refunds": "leave", "short": "leave", "idle": "clear",
    "driver": "driver", "profit": "profit", "seldom": "open", "plain": "rest",
    "lacking": "open", "few": "open",
}  # fmt: skip
"""Rule → the part it gives."""


def _marks(frame: pd.DataFrame, refund_rate: float) -> Marks:
    rows = frame[frame["orders"] >= FEW_ORDERS]
    return Marks(
        products=len(rows),
        visitors=float(rows["visitors"].quantile(0.75)),
        conversion=float(rows["conversion"].quantile(0.5)),
        low_conversion=float(rows["conversion"].quantile(0.25)),
        margin=float(rows["margin"].quantile(0.5)),
        refund_rate=refund_rate,
    )


def _rule(row: Mapping[Hashable, Any], marks: Marks) -> str:
    """The first rule that holds; comparisons with what is not known never do."""
    lacking = row["visitors"] != row["visitors"] or row["margin"] != row["margin"]
    many = row["orders"] >= FEW_ORDERS
    rules = {
        "new": row["age"] < NEW_DAYS,
        "loss": many and row["margin"] <= 0,
        "refunds": many and row["refund_rate"] > REFUNDS * marks.refund_rate,
        "idle": (row["cover"] > LONG_COVER and row["trend"] < FALLING)
        or (row["stock"] > 0 and row["late_units"] == 0),
        "short": many and row["cover"] < SHORT_COVER,
        "seldom": not many,
        "few": marks.products < FEW_PRODUCTS,
        "driver": row["visitors"] > marks.visitors and row["conversion"] >= marks.conversion,
        "profit": row["margin"] > marks.margin and row["conversion"] >= marks.low_conversion,
        "lacking": lacking,
    }
    return next((name for name, holds in rules.items() if holds), "plain")
