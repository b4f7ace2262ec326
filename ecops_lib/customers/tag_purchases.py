"""What each purchase was like: a known buyer's local day, told by what most of it was.

A purchase is a day of ``orders``, so that two orders of one evening are one decision and
count once in every test.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

import narwhals as nw

from ecops_lib.core.language import mark, tr
from ecops_lib.customers.firsts import DISCOUNTS, day_number
from ecops_lib.customers.orders import EXACT, Frame, OrdersView
from ecops_lib.data import frames
from ecops_lib.metrics.bases import ORDER_KEY, missing_words

HABITS = ("discount", "coupon", "new_item", "refund", "night")
"""What a purchase can be: on discount, with a coupon, of a new item, refunded, at night."""

NIGHT = (22, 5)
"""Hours at which a night begins and is over, local."""
OFF = 10
"""A purchase is on discount if at least one part in so many of its list price is off."""
NEW_DAYS = 30
"""Days from a product's launch on which it is new."""

BUYER_DAY = ["buyer_key", "day"]
PRODUCT = ["platform", "product_id"]

UNTOLD: Mapping[str, str] = {
    "discount": mark(
        "no list price is told beside the price paid; import order lines with list prices."
    ),
    "coupon": mark(
        "no order tells what was taken off at checkout; import orders with their discounts."
    ),
    "night": mark("all orders carry the same hour; import orders with the time they were placed."),
    "product": mark("no order line names its product; import order lines with product numbers."),
    "category": mark("no product tells its category; import products with their categories."),
    "new_item": mark(
        "no product tells its launch and the orders begin too late to tell it; import products "
        "with the day they were listed."
    ),
    "refund": mark("no refund names its order; import the platform's refund export."),
    "region": mark("neither orders nor customers tell a province; import orders with addresses."),
}


def _untold(what: str) -> str:
    return tr(UNTOLD[what])


class Purchases:
    """The purchases of known buyers up to a day, in the engine."""

    def __init__(self, view: OrdersView) -> None:
        self.view, self.tables = view, view.tables
        self.why = self._why()

    @cached_property
    def counts(self) -> dict[str, int]:
        """How many rows tell each column that a tag needs, as ``table.column``."""
        needs = {
            "orders": ("list_amount", "province", *DISCOUNTS),
            "order_items": ("list_amount", "product_id"),
            "products": ("category", "listed_on"),
            "customers": ("province", "level"),
            "refunds": ("order_id",),
        }
        found: dict[str, int] = {}
        for table, columns in needs.items():
            if not self.tables.has(table):
                continue
            row = frames.bring(self.tables.lazy(table).select(nw.col(*columns).count())).iloc[0]
            found |= {f"{table}.{name}": int(row[name]) for name in columns}
        return found

    def told(self, *names: str) -> bool:
        """Whether any row tells one of the columns."""
        return any(self.counts.get(name, 0) > 0 for name in names)

    def _why(self) -> dict[str, str]:
        """Why a tag cannot be told, by what it needs."""
        lines, goods = self.tables.has("order_items"), self.tables.has("products")
        why: dict[str, str] = {}
        off = (f"orders.{name}" for name in DISCOUNTS)
        if not self.told(*off):
            why["coupon"] = _untold("coupon")
        if not self.told("order_items.list_amount") and (
            "coupon" in why or not self.told("orders.list_amount")
        ):
            why["discount"] = _untold("discount") if lines else missing_words("order_items")
        if not self.told("order_items.product_id"):
            absent = _untold("product") if lines else missing_words("order_items")
            why |= {"category": absent, "new_item": absent}
        elif not self.told("products.category"):
            why["category"] = _untold("category") if goods else missing_words("products")
        if not self.tables.has("refunds"):
            why["refund"] = missing_words("refunds")
        elif not self.told("refunds.order_id"):
            why["refund"] = _untold("refund")
        if self._one_hour():
            why["night"] = _untold("night")
        if not self.told("orders.province", "customers.province"):
            why["region"] = _untold("region")
        return why

    def _one_hour(self) -> bool:
        """Whether all orders carry the same hour, as those of files with days alone do."""
        held = self.tables.lazy("orders").select(hour=self._hour())
        row = frames.bring(held.select(lo=nw.col("hour").min(), hi=nw.col("hour").max())).iloc[0]
        return bool(row["lo"] == row["hi"])

    def orders(self) -> Frame:
        """Paid orders of known buyers: their day, and what each was like."""
        day = frames.local_day("paid_at", self.view.first, self.view.as_of, self.tables.zone)
        known = ~nw.col("buyer_key").is_null() & ~nw.col("net").is_null()
        rows = self.view.orders().filter(known).with_columns(day=day)
        rows = rows.select(
            *ORDER_KEY, "buyer_key", "net", "kept", day=day_number("day"),
            back=nw.when(nw.col("net") < nw.col("paid")).then(nw.lit(1)).otherwise(nw.lit(0)),
        )  # fmt: skip
        told = self.tables.lazy("orders").select(
            *ORDER_KEY, *(["province"] if self.told("orders.province") else []),
            night=self._night(), coupon=self._coupon(), list=self._list(), off=self._off(),
        )  # fmt: skip
        rows = rows.join(told, on=ORDER_KEY, how="inner")
        return self._with_lines(rows) if self.told("order_items.list_amount") else rows

    def _hour(self) -> nw.Expr:
        span = self.tables.span("orders", "created_at") or (self.view.first, self.view.as_of)
        return frames.local_time("created_at", *span, self.tables.zone).dt.hour().cast(nw.Int64)

    def _night(self) -> nw.Expr:
        late = (self._hour() >= NIGHT[0]) | (self._hour() < NIGHT[1])
        return nw.when(late).then(nw.lit(1)).otherwise(nw.lit(0))

    def _coupon(self) -> nw.Expr:
        taken = nw.any_horizontal(*(nw.col(c) > 0 for c in DISCOUNTS), ignore_nulls=True)
        return nw.when(self._tells_off()).then(nw.when(taken).then(nw.lit(1)).otherwise(nw.lit(0)))

    def _tells_off(self) -> nw.Expr:
        return ~nw.all_horizontal(*(nw.col(c).is_null() for c in DISCOUNTS), ignore_nulls=False)

    def _list(self) -> nw.Expr:
        """The order's list price, where the lines tell none."""
        told = self._tells_off() & (nw.col("list_amount") > 0)
        return nw.when(told).then(nw.col("list_amount").cast(nw.Float64))

    def _off(self) -> nw.Expr:
        parts = [nw.col(c).cast(nw.Float64).fill_null(0.0) for c in DISCOUNTS]
        return nw.when(self._tells_off()).then(parts[0] + parts[1] + parts[2])

    def _with_lines(self, rows: Frame) -> Frame:
        """List price and what was off it, summed over the lines that tell both."""
        both = (nw.col("list_amount") > 0) & ~nw.col("ordered_amount").is_null()
        lines = self.tables.lazy("order_items").filter(both)
        sums = lines.group_by(ORDER_KEY).agg(
            list=nw.col("list_amount").sum(), paid=nw.col("ordered_amount").sum()
        )
        sums = sums.with_columns(nw.col("list", "paid").cast(nw.Float64))
        sums = sums.select(*ORDER_KEY, "list", off=nw.col("list") - nw.col("paid"))
        return rows.drop("list", "off").join(sums, on=ORDER_KEY, how="left")

    def days(self) -> Frame:
        """One row a buyer and local day: 1, 0 or null for each habit, what was bought."""
        kept = nw.col("kept")
        rows = self.orders().with_columns(
            **{n: nw.when(kept).then(nw.col(n)) for n in ("night", "coupon", "list", "off")}
        )
        rows = rows.with_columns(
            bought=nw.when(kept).then(nw.lit(1)).otherwise(nw.lit(0)),
            own=nw.when(kept).then(nw.col("net")),
            off=nw.when(~nw.col("list").is_null()).then(nw.col("off")),
        )
        sums = rows.group_by(BUYER_DAY).agg(
            paid_orders=nw.len(),
            orders=nw.col("bought").sum(),
            net=nw.col("own").sum(),
            refunded=nw.col("back").sum(),
            nights=nw.col("night").sum(),
            nights_told=nw.col("night").count(),
            coupons=nw.col("coupon").sum(),
            coupons_told=nw.col("coupon").count(),
            list=nw.col("list").sum(),
            off=nw.col("off").sum(),
        )
        held = sums.select(
            *BUYER_DAY, "orders", net=nw.col("net").cast(nw.Float64),
            bought=_flag(nw.col("paid_orders") > 0, nw.col("orders") > 0),
            night=_most("nights", "nights_told"),
            coupon=_most("coupons", "coupons_told"),
            discount=_flag(nw.col("list") > 0, nw.col("off") * OFF + 0.001 >= nw.col("list")),
            refund=_most("refunded", "paid_orders"),
        )  # fmt: skip
        if "new_item" in self.why:
            none = nw.lit(None)
            return held.with_columns(new_item=none.cast(nw.Int64), category=none.cast(nw.String))
        return held.join(self.goods(), on=BUYER_DAY, how="left")

    def goods(self) -> Frame:
        """Category and newness of the product that each purchase spent most on."""
        value = nw.coalesce("paid_amount", "ordered_amount").cast(EXACT)
        named = ~nw.col("product_id").is_null() & (nw.col("product_id") != "")
        lines = self.tables.lazy("order_items").filter(named)
        lines = lines.select(*ORDER_KEY, "product_id", value=value)
        kept = self.orders().filter(nw.col("kept")).select(*ORDER_KEY, *BUYER_DAY)
        held = lines.join(kept, on=ORDER_KEY, how="inner")
        sums = held.group_by(*BUYER_DAY, *PRODUCT).agg(value=nw.col("value").sum())
        best = sums.group_by(BUYER_DAY).agg(most=nw.col("value").max())
        main = sums.join(best, on=BUYER_DAY, how="inner").filter(nw.col("value") == nw.col("most"))
        main = main.join(self._launches(lines), on=PRODUCT, how="left")
        young = nw.col("day") < nw.col("launch") + NEW_DAYS
        told = main.with_columns(new_item=_flag((nw.col("sure") == 1) | ~young, young))
        return told.group_by(BUYER_DAY).agg(
            new_item=nw.col("new_item").max(), category=nw.col("category").min()
        )

    def _launches(self, lines: Frame) -> Frame:
        """Each product's category and launch: listed or first sold, ``sure`` if not before all."""
        day = frames.local_day("paid_at", self.view.first, self.view.as_of, self.tables.zone)
        paid = self.view.orders().with_columns(day=day).select(*ORDER_KEY, sold=day_number("day"))
        sales = lines.join(paid, on=ORDER_KEY, how="inner")
        first = sales.group_by(PRODUCT).agg(sold=nw.col("sold").min())
        late = nw.col("sold") >= self.view.first.toordinal() + NEW_DAYS
        if not self.tables.has("products"):
            none = nw.lit(None).cast(nw.String)
            return first.select(
                *PRODUCT, launch="sold", sure=_flag(late | ~late, late), category=none
            )
        category = nw.when(nw.col("category") != "").then(nw.col("category"))
        listed = self.tables.lazy("products").select(
            *PRODUCT, category=category, listed=day_number("listed_on")
        )
        sure = _flag(late | ~late, late | ~nw.col("listed").is_null())
        return first.join(listed, on=PRODUCT, how="left").select(
            *PRODUCT, "category", launch=nw.min_horizontal("sold", "listed"), sure=sure
        )


def _most(some: str, all_: str) -> nw.Expr:
    """1 where most of the day's orders did it, 0 where not, null where none tells."""
    return _flag(nw.col(all_) > 0, nw.col(some) * 2 > nw.col(all_))


def _flag(told: nw.Expr, held: nw.Expr) -> nw.Expr:
    return nw.when(told).then(nw.when(held).then(nw.lit(1)).otherwise(nw.lit(0)))
