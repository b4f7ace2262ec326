"""Orders far larger than a thing's orders usually are: named, and capped by a stated rule."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

FAR = 3.0
"""Interquartile ranges beyond the upper quartile: Tukey's outer fence (1977, §2)."""
LEAST = 5.0
"""Units that a line must have at least to be called a bulk order."""
FEW = 8
"""Lines below which a SKU's own quartiles tell little, and the shop's fence holds as well."""
TYPICAL = 7.0
"""Times the units of a typical day with sales: a bulk order is a week's worth at least."""


def find_fences(sizes: pd.DataFrame) -> pd.Series:
    """Most units of an ordinary line, by SKU: Tukey's outer fence of the logarithms.

    Args:
        sizes: ``sku_id``, ``units`` of a line, and how many ``lines`` have so many.

    Returns:
        The fence, at least ``LEAST``; of a SKU with fewer than ``FEW`` lines the larger of
        the median of its lines but the largest and the fence of all the shop's lines.

    >>> import pandas as pd
    >>> sizes = pd.DataFrame({"sku_id": "a", "units": [1, 2, 90], "lines": [60, 40, 1]})
    >>> find_fences(sizes).to_dict()
    {'a': 16.0}
    """
    own = _fences(sizes, sizes["sku_id"])
    shop = _fences(sizes, sizes["sku_id"].map(lambda _: ""))
    lines = sizes.groupby("sku_id")["lines"].sum()
    few = lines.index[lines < FEW]
    if len(few):
        rest = _but_largest(sizes)
        others = _quantile(rest, rest["sku_id"], 0.5).reindex(few)
        own.loc[few] = np.fmax(others, shop.max())
    held: pd.Series = own.clip(lower=LEAST)
    return held


def _fences(sizes: pd.DataFrame, by: pd.Series) -> pd.Series:
    low, high = (np.log2(_quantile(sizes, by, share)) for share in (0.25, 0.75))
    fence: pd.Series = 2.0 ** (high + FAR * (high - low))
    return fence


def _but_largest(sizes: pd.DataFrame) -> pd.DataFrame:
    """Without the largest line of each SKU."""
    largest = sizes["units"] == sizes.groupby("sku_id")["units"].transform("max")
    held = sizes.assign(lines=sizes["lines"] - largest)
    return held[held["lines"] > 0]


def _quantile(sizes: pd.DataFrame, by: pd.Series, share: float) -> pd.Series:
    """Smallest size that at least a share of each group's lines does not exceed."""
    ordered = sizes.assign(by=by).sort_values(["by", "units"])
    lines = ordered.groupby("by")["lines"]
    reached = lines.cumsum() >= share * lines.transform("sum")
    sizes_reached: pd.Series = ordered[reached].groupby("by")["units"].min().astype(float)
    return sizes_reached


def cap_bulk(daily: pd.DataFrame, fences: pd.Series) -> pd.DataFrame:
    """Days whose largest line is a bulk order: beyond the fence and a week's usual units.

    Args:
        daily: ``sku_id``, ``units`` and ``largest`` line by day.
        fences: Most units of an ordinary line, by SKU.

    Returns:
        ``daily`` with ``bulk`` (whether) and ``usual`` (units with that line at its fence).
        Of a day with two bulk orders of a SKU the larger one alone is capped.
    """
    fence = daily["sku_id"].map(fences).fillna(np.inf)
    typical = daily.groupby("sku_id")["units"].transform("median")
    alone = daily.groupby("sku_id")["units"].transform("size") == 1
    typical = typical.where(~alone, 0.0)  # a single day is no measure of itself
    bulk = (daily["largest"] > fence) & (daily["largest"] > TYPICAL * typical)
    usual = daily["units"].where(~bulk, daily["units"] - daily["largest"] + np.ceil(fence))
    return daily.assign(bulk=bulk, usual=usual)
