"""Orders far larger than a thing's orders usually are: named, and capped by a stated rule."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

FAR = 3.0
"""Interquartile ranges beyond the upper quartile: Tukey's outer fence (1977, §2)."""
LEAST = 5.0
"""Units that a line must have at least to be called a bulk order."""


def find_fences(sizes: pd.DataFrame) -> pd.Series:
    """Most units of an ordinary line, by SKU: Tukey's outer fence of the logarithms.

    Args:
        sizes: ``sku_id``, ``units`` of a line, and how many ``lines`` have so many.

    >>> import pandas as pd
    >>> sizes = pd.DataFrame({"sku_id": "a", "units": [1, 2, 90], "lines": [60, 40, 1]})
    >>> find_fences(sizes).to_dict()
    {'a': 16.0}
    """
    ordered = sizes.sort_values(["sku_id", "units"])
    share = ordered.groupby("sku_id")["lines"].cumsum() / ordered.groupby("sku_id")[
        "lines"
    ].transform("sum")
    logs = ordered["units"].astype(float).map(math.log2)
    quartiles = [logs.where(share >= p).groupby(ordered["sku_id"]).min() for p in (0.25, 0.75)]
    fence = 2.0 ** (quartiles[1] + FAR * (quartiles[1] - quartiles[0]))
    held: pd.Series = fence.clip(lower=LEAST)
    return held


def cap_bulk(daily: pd.DataFrame, fences: pd.Series) -> pd.DataFrame:
    """Days whose largest line is a bulk order: beyond the fence and all other days' units.

    Args:
        daily: ``sku_id``, ``units`` and ``largest`` line by day.
        fences: Most units of an ordinary line, by SKU.

    Returns:
        ``daily`` with ``bulk`` (whether) and ``usual`` (units with that line at its fence).
    """
    fence = daily["sku_id"].map(fences).fillna(np.inf)
    typical = daily.groupby("sku_id")["units"].transform("median")
    bulk = (daily["largest"] > fence) & (daily["largest"] > 7 * typical)
    usual = daily["units"].where(~bulk, daily["units"] - daily["largest"] + np.ceil(fence))
    return daily.assign(bulk=bulk, usual=usual)
