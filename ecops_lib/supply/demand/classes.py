"""How regular demand is: Syntetos, Boylan and Croston's four classes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import numpy as np

from ecops_lib.core.language import mark
from ecops_lib.supply.panel import Floats

Pattern = Literal["smooth", "erratic", "intermittent", "lumpy", "none"]
"""Regularity of demand; none where fewer than two periods have any."""

PATTERNS: Mapping[str, str] = {
    "smooth": mark("smooth"),
    "erratic": mark("erratic"),
    "intermittent": mark("intermittent"),
    "lumpy": mark("lumpy"),
    "none": mark("hardly any"),
}
INTERVAL = 1.32
"""Mean periods between demands from which demand is intermittent."""
VARIATION = 0.49
"""Squared coefficient of variation of the sizes from which demand is erratic."""


def measure_intermittency(values: Floats) -> tuple[Floats, Floats]:
    """Mean interval between demands, and squared variation of their sizes.

    Args:
        values: Units (series, periods); NaN where unknown.

    Returns:
        ADI (known periods ÷ periods with demand) and CV² (variance ÷ squared mean of the
        sizes, over the periods with demand); NaN with fewer than two of these. Syntetos,
        Boylan & Croston (2005), J. Oper. Res. Soc. 56, 495–503.

    >>> [float(x[0].round(3)) for x in measure_intermittency(np.array([[0, 2, 0, 4, 0, 0.0]]))]
    [3.0, 0.111]
    """
    known = ~np.isnan(values)
    some = known & (values > 0)
    count = some.sum(axis=1)
    enough = np.where(count >= 2, count, np.nan)
    sizes = np.where(some, values, 0.0)
    mean = sizes.sum(axis=1) / enough
    variance = (np.where(some, values - mean[:, None], 0.0) ** 2).sum(axis=1) / enough
    return known.sum(axis=1) / enough, variance / mean**2


def classify_demand(values: Floats) -> list[Pattern]:
    """The class of each series (Syntetos, Boylan & Croston 2005, figure 6).

    Args:
        values: Units (series, periods); NaN where unknown.

    >>> classify_demand(np.array([[3, 3, 4, 3.0], [0, 0, 9, 1.0], [0, 0, 0, 5.0]]))
    ['smooth', 'lumpy', 'none']
    """
    names: Mapping[tuple[bool, bool], Pattern] = {
        (False, False): "smooth",
        (False, True): "erratic",
        (True, False): "intermittent",
        (True, True): "lumpy",
    }
    interval, variation = measure_intermittency(values)
    return [
        "none" if np.isnan(adi) else names[bool(adi >= INTERVAL), bool(cv2 >= VARIATION)]
        for adi, cv2 in zip(interval, variation, strict=True)
    ]
