"""What to do with stock that does not move: send back, promote, bundle or clear, with money."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import narwhals as nw
import numpy as np

from ecops_lib.core.checks import require_between
from ecops_lib.core.findings import Action, Finding
from ecops_lib.core.formats import Unit, show
from ecops_lib.core.language import mark, ntr, tr
from ecops_lib.core.names import short_name
from ecops_lib.core.results import Result
from ecops_lib.data import frames
from ecops_lib.data.frames import DAY
from ecops_lib.metrics.bases import ORDER_KEY, Source, Tables
from ecops_lib.supply.panel import Floats
from ecops_lib.supply.replenish.purchases import read_purchases
from ecops_lib.supply.stock.idle import find_idle_stock

if TYPE_CHECKING:
    import pandas as pd

Way = Literal["hold", "return", "promote", "bundle", "clear"]

WAYS: Mapping[Way, str] = {
    "hold": mark("let it sell, buy no more"),
    "return": mark("ask the supplier to take it back"),
    "promote": mark("promote"),
    "bundle": mark("bundle"),
    "clear": mark("clear"),
}
HOLD_DAYS = 240
"""Days of cover up to which stock that sells is left to sell."""

RETURN_DAYS = 60
"""Days since receipt in which a supplier is asked to take goods back."""

SEEN_DAYS = 28
"""Days of visitors that tell whether a product sells where it is seen."""

SELL_DAYS = 730
"""Days in which promoted or bundled units must be able to sell."""

RETURNED = 0.5
"""Share of what is too much that must have come in of late to be worth a return."""

BASKET_DAYS = 365
FEWEST_VISITORS = 100
FEWEST_BASKETS = 3
"""Orders with both products that make a bundle."""

ROWS = 12
YEAR = 365.0


@dataclass(frozen=True, kw_only=True, eq=False)
class Clearance(Result):
    """A way out for each SKU that does not sell or of which there is too much.

    Attributes:
        frame: One row a SKU: ``words``, ``sku_id``, ``units`` too many, ``value`` of them at cost,
            ``visitors`` and ``rate`` (buyers over visitors) of the product in ``SEEN_DAYS`` days,
            ``way`` (key of ``WAYS``), ``partner`` (supplier or product to bundle with), ``floor``
            (price a unit above which clearing beats keeping) and ``money`` that the way brings
            [store currency].
        capital: Cost of money [fraction a year].
        owner: Who sees to stock.
    """

    sheet: ClassVar[str] = mark("Ways out for slow movers")
    labels: ClassVar[Mapping[str, str]] = {
        "words": mark("Product"),
        "sku_id": mark("SKU"),
        "way": mark("Proposal"),
        "partner": mark("With"),
        "units": mark("Units too many"),
        "value": mark("At cost"),
        "visitors": mark("Visitors in 28 days"),
        "rate": mark("Conversion"),
        "floor": mark("Clearing pays above"),
        "money": mark("Would bring"),
    }
    units: ClassVar[Mapping[str, Unit]] = {
        "units": "count", "value": "money", "visitors": "count", "rate": "share",
        "floor": "money", "money": "money",
    }  # fmt: skip

    frame: pd.DataFrame
    capital: float
    owner: str

    def to_frame(self) -> pd.DataFrame:
        """One row a SKU, most money at cost first."""
        return self.frame.assign(way=[tr(WAYS[way]) for way in self.frame["way"]])

    def page_frame(self) -> pd.DataFrame:
        """The SKUs with most money in them."""
        return self.to_frame().drop(columns="sku_id").head(ROWS)

    def findings(self) -> tuple[Finding, ...]:
        """What each way brings, and how the price to clear at is found."""
        if self.frame.empty:
            text = tr("No SKU lies idle, and of none there is too much.")
            return (Finding(key="clearance/none", level="good", text=text),)
        told = [self._told(way) for way in WAYS]
        note = tr(
            "Clearing pays above the price that equals selling on at today's pace and price with "
            "money at {capital} a year; storage is not counted, so the true price is lower.",
            capital=show(self.capital, "share"),
        )
        return (*filter(None, told), Finding(key="clearance/floor", level="info", text=note))

    def _told(self, way: Way) -> Finding | None:
        held = self.frame.loc[self.frame["way"] == way]
        if held.empty:
            return None
        words = {
            "count": show(len(held), "count"), "way": tr(WAYS[way]),
            "money": show(float(held["money"].sum(min_count=1)), "money"),
            "value": show(float(held["value"].sum(min_count=1)), "money"),
            "name": held["words"].iloc[0],
            "partner": short_name(held["partner"].iloc[0], tr("the supplier")),
        }  # fmt: skip
        text = ntr(
            "{way}: {count} SKU with {value} at cost would bring {money}, {name} first.",
            "{way}: {count} SKUs with {value} at cost would bring {money}, {name} first.",
            len(held),
            **words,
        )
        advice = {
            "hold": tr("cancel open orders of it and reorder late"),
            "return": tr("ask {partner} to take back what came in last", **words),
            "promote": tr("it sells where it is seen: give {name} visitors first", **words),
            "bundle": tr("offer {name} with {partner}, with which it was bought before", **words),
            "clear": tr("lower the price step by step, and reorder no more"),
        }[way]  # fmt: skip
        return Finding(
            key=f"clearance/{way}", level="info" if way == "hold" else "watch", text=text,
            evidence={"skus": float(len(held)), "money": float(held["money"].sum())},
            money=float(held["value"].sum()), action=Action(text=advice, owner=self.owner),
        )  # fmt: skip


def propose_clearance(
    source: Source,
    *,
    as_of: dt.date | str,
    capital: float = 0.12,
    time_zone: str | None = None,
) -> Clearance:
    """Propose a way out for each SKU that ``find_idle_stock`` finds idle or too many of.

    In this order: what lasts up to ``HOLD_DAYS`` days is left to sell; goods most of which came
    in within ``RETURN_DAYS`` days go back at cost; a product that converts at least as well as
    the median product but has fewer visitors is promoted at its price; one that was bought
    together with a product that sells is bundled with it, at its price (both only where the
    product's buyers would take the units within ``SELL_DAYS`` days); the rest is cleared.

    Clearing now at price p beats selling on where p exceeds the present price times
    (1 − e^(−rT)) / (rT), the mean discount of units sold evenly over the T years that they
    last; idle stock never sells, so that any price beats keeping it.

    Args:
        source: A store, or tables of any engine by canonical name.
        as_of: Last local day that counts.
        capital: Cost of money r [fraction a year].
        time_zone: IANA zone of the days; the store's by default.

    Raises:
        MissingDataError: There is no stock or no order line of that day or before.
        ParameterError: An argument has an impossible value.

    >>> float(mean_discount(np.array([1.0]), 0.12)[0].round(4))
    0.9423
    """
    require_between(capital, 0, 1, name="capital")
    idle = find_idle_stock(source, as_of=as_of, time_zone=time_zone)
    tables = Tables(source, time_zone=time_zone)
    skus = idle.skus.loc[idle.skus["state"].isin(["idle", "over"])].reset_index(drop=True)
    units = np.where(skus["state"] == "over", skus["excess"], skus["available"].clip(lower=0))
    held = skus.assign(units=units, value=units * skus["unit_cost"].to_numpy(float))
    for add in (_with_receipts, _with_visitors, _with_partners):
        held = add(tables, held, idle.as_of)
    frame = _decided(held, capital).sort_values(
        ["value", "sku_id"], ascending=[False, True], ignore_index=True
    )
    return Clearance(frame=frame[list(Clearance.labels)], capital=float(capital), owner=idle.owner)


def mean_discount(years: Floats, rate: float) -> Floats:
    """Present value of one unit of money that comes in evenly over so many years.

    Args:
        years: T, at least 0; infinite for never.
        rate: r, continuously compounded [fraction a year].
    """
    exponent = np.where(np.isinf(years), np.inf, years * rate)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean: Floats = np.where(exponent > 0, -np.expm1(-exponent) / exponent, 1.0)
    return np.where(np.isinf(years), 0.0, mean)


def _with_receipts(tables: Tables, held: pd.DataFrame, as_of: dt.date) -> pd.DataFrame:
    """``received``: units that came in of late, at most those that are too many."""
    import pandas as pd

    bought = read_purchases(tables, as_of=as_of)
    came = pd.to_datetime(bought["ordered"]) + pd.to_timedelta(bought["taken"], unit="D")
    late = bought.loc[bought["came"] & (came > pd.Timestamp(as_of - RETURN_DAYS * DAY))]
    units = late.groupby("sku_id")["quantity"].sum().reindex(held["sku_id"]).fillna(0.0)
    return held.assign(received=np.minimum(units.to_numpy(float), held["units"].to_numpy(float)))


def _with_visitors(tables: Tables, held: pd.DataFrame, as_of: dt.date) -> pd.DataFrame:
    """Visitors and conversion of each SKU's product, and the medians over all products."""
    nothing = held.assign(visitors=np.nan, rate=np.nan, usual=np.nan, crowd=np.nan)
    if not tables.has("traffic"):
        return nothing
    first = as_of - (SEEN_DAYS - 1) * DAY
    inside = (nw.col("day") >= first) & (nw.col("day") <= as_of) & (nw.col("scope") == "product")
    rows = tables.lazy("traffic", start=first, end=as_of).filter(inside)
    sums = frames.bring(
        rows.group_by("scope_id").agg(nw.col("visitors").sum(), nw.col("paying_buyers").sum())
    ).set_index("scope_id")
    seen = sums.astype(float).loc[lambda each: each["visitors"] > 0]
    rate = seen["paying_buyers"] / seen["visitors"]
    return held.assign(
        visitors=seen["visitors"].reindex(held["product_id"]).to_numpy(float),
        rate=rate.reindex(held["product_id"]).to_numpy(float),
        usual=float(rate.median()), crowd=float(seen["visitors"].median()),
    )  # fmt: skip


def _with_partners(tables: Tables, held: pd.DataFrame, as_of: dt.date) -> pd.DataFrame:
    """``bundle``: the product that was most often in one order with it and is not slow itself."""
    import pandas as pd

    first, slow = as_of - BASKET_DAYS * DAY, sorted(set(held["product_id"].dropna()))
    if not slow:
        return held.assign(bundle="")
    rows = tables.lazy("order_items", start=first, end=as_of).filter(
        frames.within("created_at", first, as_of, tables.zone) & ~nw.col("product_id").is_null()
    )
    lines = rows.select(*ORDER_KEY, "product_id", "product_name")
    mine = lines.filter(nw.col("product_id").is_in(slow)).select(*ORDER_KEY, mine="product_id")
    both = mine.unique().join(lines, on=ORDER_KEY, how="inner")
    others = both.filter(~nw.col("product_id").is_in(slow)).group_by("mine", "product_id")
    pairs = frames.bring(
        others.agg(orders=nw.len(), name=nw.col("product_name").max()),
        sort=["mine", "orders", "product_id"],
    )
    most = pairs.loc[pairs["orders"] >= FEWEST_BASKETS].drop_duplicates("mine", keep="last")
    names = pd.Series(most["name"].to_numpy(object), index=most["mine"].to_numpy(object))
    told = names.reindex(held["product_id"].to_numpy(object))
    return held.assign(bundle=[short_name(name, "") for name in told])


def _decided(held: pd.DataFrame, capital: float) -> pd.DataFrame:
    """The way of each SKU, with whom, down to which price, and what it brings."""
    years = np.where(held["pace"] > 0, held["available"] / held["pace"].where(held["pace"] > 0)
                     / YEAR, np.inf)  # fmt: skip
    floor = held["price"] * mean_discount(years, capital)
    over = held["state"] == "over"
    sells = (held["rate"] >= held["usual"]) & (held["visitors"] < held["crowd"])
    sold = held["visitors"] * held["rate"] * SELL_DAYS / SEEN_DAYS
    can = held["units"] <= sold
    chosen: dict[Way, Any] = {
        "hold": over & (years * YEAR <= HOLD_DAYS),
        "return": over & (held["received"] >= RETURNED * held["units"]),
        "promote": can & sells & (held["visitors"] >= FEWEST_VISITORS),
        "bundle": (can | sold.isna()) & (held["bundle"] != ""),
    }
    ways = np.select(list(chosen.values()), list(chosen), "clear")
    at_price = held["units"] * held["price"]
    money = {
        "hold": held["units"] * floor, "return": held["received"] * held["unit_cost"],
        "promote": at_price, "bundle": at_price, "clear": held["units"] * floor,
    }  # fmt: skip
    partner: dict[str, Any] = {"return": held["supplier_name"].fillna(""), "bundle": held["bundle"]}
    return held.assign(
        way=ways, floor=floor,
        partner=np.select([ways == way for way in partner], list(partner.values()), ""),
        money=np.select([ways == way for way in money], list(money.values()), np.nan),
    )  # fmt: skip
