"""What our sales do when our price or the cheapest competitor's moves."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from ecops_lib.core.checks import as_day
from ecops_lib.core.findings import Finding
from ecops_lib.core.formats import Unit, show
from ecops_lib.core.language import mark, tr
from ecops_lib.core.results import Result
from ecops_lib.data import frames
from ecops_lib.market.matching import ItemMatches
from ecops_lib.market.prices.basis import daily_sales
from ecops_lib.market.snapshots import Snapshots
from ecops_lib.metrics.bases import Source, Tables

if TYPE_CHECKING:
    import pandas as pd

STILL = 0.02
"""Spread of a logarithmic price (within products and weeks) below which it tells nothing."""
LEAST_PRODUCTS, LEAST_UNITS = 5, 200
WIDE = 3.0
"""Width of an interval from which an elasticity is not told."""
NAMES: Mapping[str, str] = {
    "own": mark("Our price"),
    "rival": mark("Cheapest competitor's price"),
}


@dataclass(frozen=True, kw_only=True, eq=False)
class Elasticity(Result):
    """Change of units per change of price, over the matched products together.

    Attributes:
        frame: One row a price (``price``: own or rival): ``estimate`` (per cent of units for one
            per cent of price), ``low`` and ``high`` (95 %), ``spread`` of the logarithmic price
            within products and weeks, ``told``.
        products: Products behind it.
        units: Units behind it.
    """

    sheet: ClassVar[str] = mark("Elasticity")
    labels: ClassVar[Mapping[str, str]] = {
        "price": mark("Price"),
        "estimate": mark("Units change by % for 1% of price"),
        "low": mark("From"),
        "high": mark("To"),
        "spread": mark("How much the price moved"),
    }
    units: ClassVar[Mapping[str, Unit]] = {
        "estimate": "number", "low": "number", "high": "number", "spread": "share",
    }  # fmt: skip

    frame: pd.DataFrame
    products: int
    sold: float

    def to_frame(self) -> pd.DataFrame:
        """One row a price."""
        held = self.frame.copy()
        held.loc[~held["told"], ["estimate", "low", "high"]] = np.nan
        return held.assign(price=[tr(NAMES[key]) for key in held["price"]])[list(self.labels)]

    def findings(self) -> tuple[Finding, ...]:
        """What each price does, or that it cannot be told."""
        return tuple(self._told(row) for _, row in self.frame.iterrows())

    def _told(self, row: pd.Series) -> Finding:
        own = row["price"] == "own"
        texts = OWN if own else RIVAL
        sign = "untold"
        if row["told"]:
            sign = "none" if row["low"] <= 0 <= row["high"] else (
                "less" if (row["estimate"] < 0) == own else "more"
            )  # fmt: skip
        words = {
            "size": show(abs(row["estimate"]), "number"), "low": show(row["low"], "number"),
            "high": show(row["high"], "number"),
        }  # fmt: skip
        return Finding(
            key=f"prices/elasticity/{row['price']}", level="info", text=tr(texts[sign], **words),
            evidence={name: float(row[name]) for name in ("estimate", "low", "high")
                      if row["told"]},
        )  # fmt: skip


OWN: Mapping[str, str] = {
    "untold": mark(
        "What our own price does to our sales cannot be told: it hardly moved by itself, or sales "
        "are too few."
    ),
    "none": mark(
        "No effect of our own price on our sales can be shown (between {low} and {high} per cent "
        "for 1 per cent)."
    ),
    "less": mark(
        "When our price rises by 1 per cent, we sell {size} per cent fewer pieces ({low} to "
        "{high})."
    ),
    "more": mark(
        "When our price rises by 1 per cent, we sell {size} per cent more pieces ({low} to "
        "{high}): price and season move together, so this is no effect."
    ),
}
RIVAL: Mapping[str, str] = {
    "untold": mark(
        "What competitors' prices do to our sales cannot be told: they hardly moved by themselves, "
        "or sales are too few."
    ),
    "none": mark(
        "No effect of competitors' prices on our sales can be shown (between {low} and {high} per "
        "cent for 1 per cent)."
    ),
    "less": mark(
        "When the cheapest competitor's price falls by 1 per cent, we sell {size} per cent more "
        "pieces ({low} to {high}): both move with the season, so this is no effect."
    ),
    "more": mark(
        "When the cheapest competitor's price falls by 1 per cent, we sell {size} per cent fewer "
        "pieces ({low} to {high})."
    ),
}


def measure_elasticity(
    source: Source,
    snapshots: Snapshots,
    matches: ItemMatches,
    *,
    as_of: dt.date | str,
    time_zone: str | None = None,
) -> Elasticity:
    """Measure how our units move with our price and with the cheapest competitor's.

    Units of each matched product and day in a Poisson regression on both logarithmic prices, a
    level for each product, week and day of the week; standard errors by product (clustered).
    So only what a price does against the other products in the same week counts. Our price on
    a day without sale is that of the last sale.

    Args:
        source: A store, or tables by canonical name; needs ``orders`` and ``order_items``.
        snapshots: The competitors' listings.
        matches: Which of their items are the same product.
        as_of: Last local day that counts.
        time_zone: IANA zone of the days; the store's by default.
    """
    import pandas as pd

    tables = Tables(source, time_zone=time_zone)
    tables.require("orders", "order_items")
    rows = _panel(tables, snapshots, matches, min(as_day(as_of, name="as_of"), snapshots.last))
    products, units = int(rows["product_id"].nunique()), float(rows["units"].sum())
    enough = products >= LEAST_PRODUCTS and units >= LEAST_UNITS
    spread = {key: _spread(rows, key) if len(rows) else 0.0 for key in NAMES}
    moving = [key for key in NAMES if enough and spread[key] >= STILL]
    found = _fit(rows, moving) if moving else {}
    none = (float("nan"),) * 3
    frame = pd.DataFrame(
        [{"price": key, **dict(zip(("estimate", "low", "high"), found.get(key, none), strict=True)),
          "spread": spread[key]} for key in NAMES]
    )  # fmt: skip
    frame["told"] = (frame["high"] - frame["low"]) < WIDE
    return Elasticity(frame=frame, products=products, sold=units)


def _panel(
    tables: Tables, snapshots: Snapshots, matches: ItemMatches, last: dt.date
) -> pd.DataFrame:
    """Matched products by day: units, logarithm of our price and of the cheapest rival's."""
    import pandas as pd

    days = [snapshots.first + k * frames.DAY for k in range((last - snapshots.first).days + 1)]
    matched = matches.sure
    product = dict(zip(matched["their_id"], matched["our_id"], strict=True))
    listed = snapshots.panel[snapshots.panel["price"] > 0]
    ours = (listed["competitor"] + "/" + listed["item_id"].astype(str)).map(product)
    rival = listed.assign(product_id=ours).dropna(subset=["product_id"])
    cheapest = rival.groupby(["product_id", "day"])["price"].min()
    sold = daily_sales(tables, snapshots.first, last)
    sold = sold[sold["product_id"].isin(set(product.values()))].set_index(["product_id", "day"])
    grid = pd.MultiIndex.from_product(
        [sorted(set(sold.index.get_level_values(0))), days], names=["product_id", "day"]
    )
    rows = pd.DataFrame({"units": sold["units"], "sales": sold["sales"]}).reindex(grid)
    price = (rows["sales"] / rows["units"]).where(rows["units"] > 0)
    rows["own"] = np.log(price.groupby(level=0).ffill().where(lambda p: p > 0))
    rows["rival"] = np.log(cheapest.reindex(grid))
    rows["units"] = rows["units"].fillna(0.0)
    return rows.dropna(subset=["own", "rival"]).reset_index()


def _spread(rows: pd.DataFrame, key: str) -> float:
    """Spread of a logarithmic price within products and weeks."""
    week = rows["day"].map(lambda day: day.toordinal() // 7)
    value = rows[key] - rows.groupby("product_id")[key].transform("mean")
    return float((value - value.groupby(week).transform("mean")).std())


def _fit(rows: pd.DataFrame, keys: list[str]) -> dict[str, tuple[float, float, float]]:
    """Estimate and 95 % limits of each price."""
    import pandas as pd
    import statsmodels.api as sm

    ordinal = rows["day"].map(lambda day: day.toordinal())
    sold = rows.groupby("product_id")["units"].transform("sum") > 0
    rows, ordinal = rows[sold], ordinal[sold]
    levels = [
        pd.get_dummies(rows["product_id"], dtype=float),
        pd.get_dummies(ordinal // 7, prefix="w", dtype=float).iloc[:, 1:],
        pd.get_dummies(ordinal % 7, prefix="d", dtype=float).iloc[:, 1:],
    ]
    centred = rows[keys] - rows[keys].mean()
    design = pd.concat([centred, *levels], axis=1)
    design.columns = design.columns.astype(str)
    groups = pd.factorize(rows["product_id"])[0]
    fit = sm.GLM(rows["units"], design, family=sm.families.Poisson()).fit(
        cov_type="cluster", cov_kwds={"groups": groups}
    )
    limits = fit.conf_int()
    return {
        key: (float(fit.params[key]), float(limits.loc[key, 0]), float(limits.loc[key, 1]))
        for key in keys
    }
