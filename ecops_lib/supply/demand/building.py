"""Building the demand of a shop: dense days, stock-outs estimated, events marked."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import narwhals as nw
import numpy as np

from ecops_lib.core.checks import as_day, require_between
from ecops_lib.core.errors import MissingDataError
from ecops_lib.core.language import tr
from ecops_lib.data.calendar import describe_days
from ecops_lib.data.frames import bring
from ecops_lib.metrics.bases import Source, Tables
from ecops_lib.supply.demand.bulk import cap_bulk, find_fences
from ecops_lib.supply.demand.censoring import estimate_demand
from ecops_lib.supply.demand.lines import SoldLines
from ecops_lib.supply.demand.result import Demand
from ecops_lib.supply.demand.stock_days import clock_profile, expose, read_stock_days
from ecops_lib.supply.panel import Floats

if TYPE_CHECKING:
    import pandas as pd

DAYS = 730
"""Days looked back at most: two of each season."""
AHEAD = 120
"""Days ahead for which festivals and the shop's own campaigns are marked."""
GONE = ("下架", "delisted", "archived", "off", "inactive", "删除")
"""Words in a product's status that say it is no longer on sale."""


def build_demand(
    source: Source,
    *,
    as_of: dt.date | str,
    days: int = DAYS,
    by_warehouse: bool = False,
    time_zone: str | None = None,
) -> Demand:
    """What buyers asked for, by SKU and day: sales, and what empty shelves hid.

    Units count on the local day on which a paid order was placed, sets as the SKUs inside
    (table ``kits``); what was refunded before shipping was no demand, what came back after
    it was. A day without a sale is 0 from the launch on (``products.listed_on``, else the
    first sale) and unknown before it and after the delisting. A bulk order counts up to
    Tukey's outer fence. Hours out of stock hide demand, which is estimated
    (``estimate_demand``).

    Args:
        source: A store, or tables of any engine by canonical name.
        as_of: Last local day that counts.
        days: Days looked back, at least 1.
        by_warehouse: Whether each warehouse has a series of its own.
        time_zone: IANA zone of the days; the store's by default.

    Raises:
        MissingDataError: No paid order line names a thing in these days.
        ParameterError: An argument has an impossible value.
    """
    last = as_day(as_of, name="as_of")
    require_between(days, 1, 3650, name="days")
    tables = Tables(source, time_zone=time_zone)
    start = _first_day(tables, last - dt.timedelta(days=int(days) - 1), last)
    sold = SoldLines(tables, start=start, as_of=last, by_warehouse=by_warehouse)
    daily = cap_bulk(sold.daily(), find_fences(sold.sizes()))
    if daily.empty:
        raise MissingDataError(_nothing(last))
    items = _items(tables, sold, daily)
    grid = _Grid(items.index, start, last, sold.by)
    units, usual = grid.fill(daily, "units", 0.0), grid.fill(daily, "usual", 0.0)
    stock = read_stock_days(tables, start=start, as_of=last, by=sold.by)
    hours = grid.fill(stock, "hours_out", np.nan)
    exposure = expose(hours, grid.fill(stock, "on_hand", np.nan), clock_profile(sold.hours()))
    alive = _alive(items, grid)
    asked = estimate_demand(
        np.where(alive, usual, np.nan), np.where(alive, exposure, 1.0), weekday=start.weekday()
    )
    unnamed, cancelled, all_units = sold.apart()
    return Demand(
        items=items.assign(price=_prices(daily, sold.by)),
        start=start,
        as_of=last,
        sold=np.where(alive, units, np.nan),
        usual=np.where(alive, usual, np.nan),
        exposure=np.where(alive, exposure, 1.0),
        demand=asked.demand,
        price=_relative(grid.fill(daily, "amount", np.nan), grid.fill(daily, "amounted", 0.0)),
        events=_events(tables, start, last),
        bulk=daily[daily["bulk"]].reset_index(drop=True),
        stock_told=not stock.empty,
        unnamed=unnamed,
        cancelled=cancelled,
        all_units=all_units,
    )


class _Grid:
    """Where the cells of a table of series and days lie in a dense array."""

    def __init__(self, ids: pd.Index, start: dt.date, last: dt.date, by: list[str]) -> None:
        self.ids, self.start, self.by = ids, start, by
        self.days = (last - start).days + 1

    def fill(self, rows: pd.DataFrame, column: str, empty: float) -> Floats:
        """A column as (series, days); ``empty`` where no row tells."""
        import pandas as pd

        held = np.full((len(self.ids), self.days), empty)
        if rows.empty:
            return held
        place = self.ids.get_indexer(pd.Index(series_ids(rows, self.by)))
        day = self.numbers(rows["day"])
        inside = (place >= 0) & (day >= 0) & (day < self.days)
        held[place[inside], day[inside]] = rows[column].to_numpy(float)[inside]
        return held

    def numbers(self, days: pd.Series) -> np.ndarray:
        """Days from the first one."""
        import pandas as pd

        ago = pd.to_datetime(days) - pd.Timestamp(self.start)
        numbers: np.ndarray = ago.dt.days.fillna(-1).to_numpy(int)
        return numbers


def series_ids(rows: pd.DataFrame, by: list[str]) -> pd.Series:
    """The id of each row's series: its SKU, and its warehouse after an @."""
    ids = rows["sku_id"].astype(str)
    if "warehouse_id" in by:
        ids = ids + "@" + rows["warehouse_id"].fillna("*").astype(str)
    return ids


def _first_day(tables: Tables, asked: dt.date, last: dt.date) -> dt.date:
    tables.require("order_items")
    span = tables.span("order_items", "created_at")
    if span is None or span[0] > last:
        raise MissingDataError(_nothing(last))
    return max(asked, span[0])


def _nothing(last: dt.date) -> str:
    return tr(
        "No paid order line up to {day} names a SKU or a product; import the platform's "
        "order-line export.",
        day=last.isoformat(),
    )


def _items(tables: Tables, sold: SoldLines, daily: pd.DataFrame) -> pd.DataFrame:
    """What each series is, indexed by its id."""
    ids = series_ids(daily, sold.by)
    ends = daily.assign(series=ids).groupby("series")
    items = ends[sold.by].first().join(ends["day"].agg(first_sale="min", last_sale="max"))
    items = items.join(sold.names().set_index("sku_id"), on="sku_id")
    columns = ["product_id", "category", "list_price", "listed_on", "status"]
    if not tables.has("products"):
        return items.assign(category=None, listed_on=None, delisted=False)
    held = bring(tables.lazy("products").select(columns))
    held = held.drop_duplicates("product_id").set_index("product_id")
    items = items.join(held[["category", "listed_on", "status"]], on="product_id")
    words = items.pop("status").fillna("").astype(str).str.casefold()
    return items.assign(delisted=words.map(lambda word: any(gone in word for gone in GONE)))


def _alive(items: pd.DataFrame, grid: _Grid) -> np.ndarray:
    """From the launch to the delisting."""
    import pandas as pd

    listed = pd.to_datetime(items["listed_on"])
    first = items["first_sale"].where(listed.isna() | (listed > items["first_sale"]), listed)
    day = np.arange(grid.days)
    begins = grid.numbers(first)[:, None]
    ends = np.where(items["delisted"], grid.numbers(items["last_sale"]), grid.days)[:, None]
    alive: np.ndarray = (day >= begins) & (day <= ends)
    return alive


def _prices(daily: pd.DataFrame, by: list[str]) -> pd.Series:
    """Mean amount paid for a unit, ratio of sums; missing where only sets were sold."""
    sums = daily.assign(series=series_ids(daily, by)).groupby("series")[["amount", "amounted"]]
    held = sums.sum()
    price: pd.Series = held["amount"] / held["amounted"].where(held["amounted"] > 0)
    return price


def _relative(amount: Floats, units: Floats) -> Floats:
    """Each day's price beside the series' usual one; 1 where none was told."""
    sold = np.where(units > 0, units, np.nan)
    price = np.where(amount > 0, amount / sold, np.nan)
    rows = [p[~np.isnan(p)] for p in price]
    usual = np.array([np.median(row) if len(row) else 1.0 for row in rows])
    relative: Floats = np.nan_to_num(price / usual[:, None], nan=1.0)
    return relative


def _events(tables: Tables, start: dt.date, last: dt.date) -> pd.DataFrame:
    """Festivals, campaigns and holidays of each day, past and ahead."""
    settings = tables.store.settings if tables.store else None
    country = settings.country if settings else "CN"
    own = bring(tables.lazy("shop_events").filter(nw.col("kind") == "campaign")) if tables.has(
        "shop_events"
    ) else None  # fmt: skip
    held = describe_days(start, last + dt.timedelta(days=AHEAD), country=country, events=own)
    burst = held["phase"] == "burst"
    return held.assign(
        burst=burst.astype(float),
        campaign=(((held["event"] != "") | (held["phase"] != "")) & ~burst).astype(float),
        holiday=(~held["holiday"].isin(["", "unannounced"])).astype(float),
    )[["day", "burst", "campaign", "holiday"]]
