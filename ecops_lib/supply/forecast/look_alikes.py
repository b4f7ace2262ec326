"""Which earlier launches an item is like, and how well they foretell one another."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, floor, nan

import numpy as np

from ecops_lib.supply.forecast.launch_curves import LEAST, Curves, Places, learn_shape, level_of
from ecops_lib.supply.panel import Floats, Panel

BANDS = 3
"""Price bands of a group, as many launches in each."""
MOST = 200
"""Latest launches by which a forecast is judged."""
LOW, HIGH = 0.1, 0.9
"""Ends of the interval."""


class Kinds:
    """Which earlier launches are like an item."""

    def __init__(self, panel: Panel, donors: Places, group: str, price: str) -> None:
        self.donors = donors
        self.group = panel.keys[group].astype(object).where(panel.keys[group].notna(), "")
        told = price in panel.keys.columns
        self.price = panel.keys[price].to_numpy(dtype=float) if told else np.full(len(panel), nan)

    def like(self, row: int) -> tuple[str, Places]:
        """How near, and the positions of the launches; an item is never like itself."""
        others = self.donors[self.donors != row]
        groups = self.group.to_numpy()
        same = others[groups[others] == groups[row]]
        priced = same[~np.isnan(self.price[same])]
        if not np.isnan(self.price[row]) and len(priced) >= BANDS * LEAST:
            edges = np.quantile(self.price[priced], np.arange(1, BANDS) / BANDS)
            bands = np.searchsorted(edges, self.price[priced])
            near = priced[bands == np.searchsorted(edges, self.price[row])]
            if len(near) >= LEAST:
                return "band", near
        if len(same) >= LEAST:
            return "group", same
        return ("all", others) if len(others) >= LEAST else ("none", others[:0])


@dataclass(frozen=True, kw_only=True, eq=False)
class Judged:
    """Earlier launches forecast at one age: sums over the horizon (launches,)."""

    said: Floats
    plain: Floats
    came: Floats

    @property
    def ratios(self) -> Floats:
        """What came over what was forecast."""
        return np.asarray(self.came[self.said > 0] / self.said[self.said > 0])

    def hits(self) -> list[bool]:
        """Whether each launch lay within the interval made from the others."""
        ends = [_ends(np.delete(self.ratios, place)) for place in range(len(self.ratios))]
        return [
            bool(low <= ratio <= high)
            for ratio, (low, high) in zip(self.ratios, ends, strict=True)
            if not np.isnan(low)
        ]


def _ends(ratios: Floats) -> tuple[float, float]:
    """Ratios that nine in ten and one in ten exceed; NaN where too few tell."""
    low, high = floor(LOW * (len(ratios) + 1)), ceil(HIGH * (len(ratios) + 1))
    if low < 1 or high > len(ratios):
        return nan, nan
    ordered = np.sort(ratios)
    return float(ordered[low - 1]), float(ordered[high - 1])


class Trial:
    """Forecasts of items at an age, and of earlier launches as if they were of that age."""

    def __init__(self, curves: Curves, kinds: Kinds, horizon: int) -> None:
        self.curves, self.kinds, self.horizon = curves, kinds, horizon
        self._by_age: dict[int, Judged] = {}

    def forecast(self, row: int, age: int) -> tuple[str, Places, Floats]:
        """How near the look-alikes are, which, and the item's mean (horizon,)."""
        kind, alike = self.kinds.like(row)
        if kind == "none":
            return kind, alike, np.full(self.horizon, nan)
        base = _carried(self.curves.rows(alike).mean())
        donors = self.curves.rows(alike)
        seen = slice(0, age)
        expected = (base[seen] * donors.rhythm[:, seen]).sum(axis=1)
        shape = learn_shape(np.nansum(donors.units[:, seen], axis=1), expected)
        own = float(np.nansum(self.curves.units[row, seen]))
        due = float((base[seen] * self.curves.rhythm[row, seen]).sum())
        level = level_of(np.array([own]), np.array([due]), shape=shape)[0]
        ahead = slice(age, age + self.horizon)
        return kind, alike, np.asarray(level * base[ahead] * self.curves.rhythm[row, ahead])

    def judged(self, age: int) -> Judged:
        """Earlier launches with known units up to this age and the horizon after it."""
        if age not in self._by_age:
            self._by_age[age] = self._judge(age)
        return self._by_age[age]

    def _judge(self, age: int) -> Judged:
        donors = self.kinds.donors
        window = self.curves.units[donors, : age + self.horizon]
        whole = donors[~np.isnan(window).any(axis=1)][-MOST:]
        said = [float(self.forecast(int(row), age)[2].sum()) for row in whole]
        came = self.curves.units[whole, age : age + self.horizon].sum(axis=1)
        if age:
            plain = self.curves.units[whole, :age].mean(axis=1) * self.horizon
        else:
            plain = (came.sum() - came) / max(len(came) - 1, 1)
        known = ~np.isnan(said)
        return Judged(said=np.array(said)[known], plain=plain[known], came=came[known])

    def interval(self, age: int, mean: float) -> tuple[float, float]:
        """Sums that nine in ten exceed and one in ten exceeds, from the errors' ratios.

        The ranks are floor and ceiling of level times (launches + 1) (split conformal:
        Vovk et al. 2005); NaN where there are too few launches for such a rank.
        """
        low, high = _ends(self.judged(age).ratios)
        return low * mean, high * mean


def _carried(mean: Floats) -> Floats:
    """The curve with ages that nobody has reached as the last known one."""
    known = ~np.isnan(mean)
    if not known.any():
        return mean
    places = np.maximum.accumulate(np.where(known, np.arange(len(mean)), 0))
    return np.asarray(np.where(np.isnan(mean[places]), mean[known][0], mean[places]))
