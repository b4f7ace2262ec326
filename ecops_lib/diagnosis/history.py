"""The days before: every table that a diagnosis looks at, each read once.

All sections of a page share one ``History``, so that a page asks each table one
question, however many sections it has and however many days they look at.
"""

from __future__ import annotations

import datetime as dt
from functools import cached_property
from typing import TYPE_CHECKING, Any

import narwhals as nw

from ecops_lib.core.errors import MetricError, MissingDataError
from ecops_lib.data import frames
from ecops_lib.data.calendar import describe_days
from ecops_lib.data.frames import DAY, bring
from ecops_lib.data.settings import Settings
from ecops_lib.metrics.bases import ORDER_KEY, Source, Tables
from ecops_lib.metrics.measuring import measure

if TYPE_CHECKING:
    import pandas as pd

PAST = 56
"""Days of the past that today is compared with: eight of each weekday."""

LAGS = 30
"""Days after payment on which a claim may come, for the claims that are expected."""

SPAN = PAST + 7 + LAGS + 1
"""Days read before the day of the page (one more, to see yesterday as it stood)."""

TITLE_DAYS = 28
"""Days of order lines whose titles name a product."""

LEVEL_SPAN = 400
"""Days of the shop's own totals: a year, so that festivals meet their like."""


class History:
    """What a store tells of the days up to one day.

    Attributes:
        day: The last day; sections may look at it or at the day before.
        tables: The tables behind it.
    """

    def __init__(self, source: Source, *, day: dt.date) -> None:
        self.day = day
        self.tables = Tables(source)
        self._small: dict[str, pd.DataFrame] = {}

    @property
    def settings(self) -> Settings:
        """The shop's settings; defaults where the tables are not a store."""
        store = self.tables.store
        return store.settings if store else Settings(name="", time_zone=self.tables.zone_name)

    @property
    def start(self) -> dt.date:
        """First day that is read."""
        return self.day - SPAN * DAY

    def has(self, table: str) -> bool:
        """Whether there is such a table."""
        return self.tables.has(table)

    @cached_property
    def shop(self) -> pd.DataFrame:
        """The shop by day: paid_amount, paid_orders, buyers, visitors; NaN where not told."""
        import pandas as pd

        days = pd.date_range(self.day - LEVEL_SPAN * DAY, self.day, freq="D")
        trade = self._by_day("paid_amount", "paid_orders", "buyers")
        found = trade.join(self._by_day("visitors"), how="outer")
        return found.reindex(days)

    def _by_day(self, *keys: str) -> pd.DataFrame:
        """Metrics by day in one pass; NaN throughout for those that the store cannot tell."""
        import pandas as pd

        first = self.day - LEVEL_SPAN * DAY
        try:
            held = measure(self.tables.source, keys, start=first, end=self.day, by=("day",))
        except (MissingDataError, MetricError):  # the sections say what is missing
            if len(keys) == 1:
                return pd.DataFrame(columns=list(keys), dtype=float)
            parts = [self._by_day(key) for key in keys]
            return pd.concat(parts, axis=1)
        return held.to_frame().set_index("day")[list(keys)].astype(float)

    @cached_property
    def calendar(self) -> pd.DataFrame:
        """What kind of day each day of the shop's totals is."""
        first = self.day - LEVEL_SPAN * DAY
        country = self.settings.country
        return describe_days(first, self.day, country=country, events=self.events)

    @property
    def conversion(self) -> pd.Series[float]:
        """The shop's conversion by day; 1 throughout where buyers or visitors are not told."""
        rate = self.shop["buyers"] / self.shop["visitors"].where(self.shop["visitors"] > 0)
        return rate if rate.notna().any() else rate.fillna(1.0)

    @cached_property
    def traffic(self) -> pd.DataFrame:
        """Visitors, paying buyers and amount by day × scope × thing, as platforms count."""
        columns = ["visitors", "paying_buyers", "paid_amount"]
        rows = self.tables.lazy("traffic", start=self.start, end=self.day).filter(
            (nw.col("day") >= self.start)
            & (nw.col("day") <= self.day)
            & nw.col("scope").is_in(["product", "channel"])
        )
        held = bring(rows.select("day", "scope", "scope_id", "platform", *columns))
        return held.astype(dict.fromkeys(columns, float))

    def traffic_grid(self, scope: str, column: str, *, until: dt.date) -> pd.DataFrame:
        """One column of the traffic table by day × thing; NaN where no row tells it."""
        rows = self.traffic.loc[self.traffic["scope"] == scope]
        grid = rows.groupby(["day", "scope_id"])[column].sum(min_count=1).unstack()
        return grid.reindex(self._days(PAST + 7, until)).astype(float)

    def _days(self, count: int, until: dt.date) -> pd.DatetimeIndex:
        import pandas as pd

        return pd.date_range(end=until, periods=count, freq="D", name="day")

    @cached_property
    def _product_rows(self) -> pd.DataFrame:
        keys = ["paid_amount", "paid_sub_orders", "paid_units"]
        return measure(
            self.tables.source, keys, start=self.start, end=self.day, by=("day", "product")
        ).to_frame()

    def product_grid(self, column: str, *, until: dt.date, days: int = PAST + 1) -> pd.DataFrame:
        """``paid_amount``, ``paid_sub_orders`` or ``paid_units`` by day × product."""
        return self._sold(self._product_rows, "product_id", column, self._days(days, until))

    @cached_property
    def _channel_rows(self) -> pd.DataFrame:
        keys = ["paid_amount", "paid_orders"]
        return measure(
            self.tables.source, keys, start=self.start, end=self.day, by=("day", "channel")
        ).to_frame()

    def channel_grid(self, column: str, *, until: dt.date) -> pd.DataFrame:
        """``paid_amount`` or ``paid_orders`` by day × channel of the orders."""
        return self._sold(self._channel_rows, "channel", column, self._days(PAST + 1, until))

    def _sold(
        self, rows: pd.DataFrame, item: str, column: str, days: pd.DatetimeIndex
    ) -> pd.DataFrame:
        """0 on days without a sale, but NaN before an item's first sale."""
        known = rows.loc[rows[item].notna()]
        grid = known.pivot_table(index="day", columns=item, values=column, aggfunc="sum")
        whole = grid.reindex(self._days(SPAN + 1, self.day))
        return whole.fillna(0.0).where(whole.ffill().notna()).reindex(days)

    def sold_lines(self, *, until: dt.date, days: int) -> pd.DataFrame:
        """Paid order lines by day × product; the shop's paid orders where there are no lines."""
        if self.has("order_items"):
            return self.product_grid("paid_sub_orders", until=until, days=days)
        orders = self.shop["paid_orders"].reindex(self._days(days, until))
        return orders.to_frame(name="")

    @cached_property
    def claims(self) -> pd.DataFrame:
        """Refund claims by day of application × product × reason: number and amount."""
        rows = self.tables.lazy("refunds").filter(self._within("applied_at"))
        day = frames.local_day("applied_at", self.start, self.day, self.tables.zone)
        return bring(
            rows.with_columns(day=day)
            .group_by("day", "product_id", "reason")
            .agg(claims=nw.len(), amount=nw.col("amount").sum())
        )

    def _within(self, column: str) -> nw.Expr:
        return frames.within(column, self.start, self.day, self.tables.zone)

    @cached_property
    def claim_lags(self) -> pd.DataFrame:
        """How many claims came how many days after payment, by day of application."""
        zone, first = self.tables.zone, self.start - LAGS * DAY
        orders = self.tables.lazy("orders", start=first - LAGS * DAY, end=self.day)
        paid = orders.filter(frames.within("paid_at", first, self.day, zone)).select(
            *ORDER_KEY, paid_day=frames.local_day("paid_at", first, self.day, zone)
        )
        claims = self.tables.lazy("refunds").filter(self._within("applied_at"))
        day = frames.local_day("applied_at", self.start, self.day, zone)
        joined = claims.select(*ORDER_KEY, day=day).join(paid, on=ORDER_KEY, how="inner")
        held = bring(joined.group_by("day", "paid_day").agg(claims=nw.len()))
        return held.assign(lag=(held["day"] - held["paid_day"]).dt.days)

    @cached_property
    def terms(self) -> pd.DataFrame:
        """Visitors by day × search term; none where no export tells them."""
        import pandas as pd

        if not self.has("traffic"):
            return pd.DataFrame(columns=["day", "term", "visitors"])
        inside = (nw.col("day") >= self.start) & (nw.col("day") <= self.day)
        rows = self.tables.lazy("traffic", start=self.start, end=self.day)
        told = rows.filter(inside & (nw.col("scope") == "keyword"))
        return bring(told.select("day", "visitors", term="scope_id"))

    @cached_property
    def pickups(self) -> pd.DataFrame:
        """Parcels by local day of payment, and those not picked up within 24 hours.

        Orders of the last day are left out: their 24 hours are not over.
        """
        zone, last = self.tables.zone, self.day - DAY
        paid = self.tables.lazy("orders", start=self.start - LAGS * DAY, end=last).filter(
            frames.within("paid_at", self.start, last, zone)
        )
        orders = paid.select(*ORDER_KEY, "paid_at",
                             day=frames.local_day("paid_at", self.start, last, zone))  # fmt: skip
        parcels = self.tables.lazy("shipments").select(*ORDER_KEY, "picked_up_at")
        rows = parcels.join(orders, on=ORDER_KEY, how="inner")
        waited = (nw.col("picked_up_at") - nw.col("paid_at")).dt.total_minutes()
        late = nw.when(waited.is_null() | (waited > 24 * 60)).then(nw.lit(1)).otherwise(nw.lit(0))
        counted = rows.with_columns(late=late).group_by("day")
        return bring(counted.agg(parcels=nw.len(), late=nw.col("late").sum()))

    @cached_property
    def names(self) -> dict[str, str]:
        """Name of each product: its most frequent title of late, else that of the list."""
        found: dict[str, str] = {}
        if self.has("products"):
            listed = bring(self.tables.lazy("products").select("product_id", "product_name"))
            told = listed.dropna()
            found |= dict(zip(told["product_id"], told["product_name"], strict=True))
        if self.has("order_items"):
            found |= self._titles()
        return found

    def _titles(self) -> dict[str, str]:
        """The most frequent title of each product that sold in the last four weeks."""
        first = self.day - TITLE_DAYS * DAY
        lines = self.tables.lazy("order_items", start=first, end=self.day).filter(
            frames.within("created_at", first, self.day, self.tables.zone)
        )
        counts = lines.group_by("product_id", "product_name").agg(lines=nw.len())
        told = bring(counts).dropna().sort_values(["lines", "product_name"])
        return dict(zip(told["product_id"], told["product_name"], strict=True))

    def rows(self, table: str, column: str, *columns: str) -> pd.DataFrame:
        """Rows of a small table whose day or moment lies within the span; none if absent."""
        import pandas as pd

        if table not in self._small:
            absent = pd.DataFrame(columns=["day", *columns])
            self._small[table] = self._rows(table, column, columns) if self.has(table) else absent
        return self._small[table]

    def _rows(self, table: str, column: str, columns: tuple[str, ...]) -> pd.DataFrame:
        held: nw.LazyFrame[Any] = self.tables.lazy(table, start=self.start, end=self.day)
        if held.collect_schema()[column] == nw.Datetime:
            day = frames.local_day(column, self.start, self.day, self.tables.zone)
            kept = held.filter(self._within(column)).with_columns(day=day)
        else:
            inside = (nw.col(column) >= self.start) & (nw.col(column) <= self.day)
            kept = held.filter(inside).with_columns(day=nw.col(column))
        return bring(kept.select("day", *columns))

    @cached_property
    def events(self) -> pd.DataFrame:
        """The shop's own diary; empty if there is none."""
        import pandas as pd

        columns = ["kind", "name", "starts_on", "ends_on", "product_id", "channel"]
        columns += ["before", "after"]
        if not self.has("shop_events"):
            return pd.DataFrame(columns=columns).astype(
                dict.fromkeys(("starts_on", "ends_on"), "datetime64[us]")
            )
        held = bring(self.tables.lazy("shop_events").select(columns), sort=["starts_on", "name"])
        days = ("starts_on", "ends_on")
        return held.assign(**{name: pd.to_datetime(held[name]) for name in days})
