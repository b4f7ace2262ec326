"""What every part of the demo shop shares: its seed, its days, its goods, its truths."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import cached_property
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from ecops_lib.data.demo.catalogue import Catalogue
from ecops_lib.data.demo.truths import Truths

Times = NDArray[np.datetime64]
Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

CHANNELS = ("手淘搜索", "手淘推荐", "购物车", "我的淘宝", "直通车", "淘宝客", "直播", "短视频")
NEVER = np.datetime64("NaT", "s")
HOUR = 3600


@dataclass(frozen=True, kw_only=True)
class World:
    """The frame of a demo shop.

    Attributes:
        seed: All randomness comes from it.
        first_day: First day of the shop's exports.
        last_day: Last whole day; the exports are taken at its end.
        orders: Expected number of orders.
        truths: What is planted.
        catalogue: What is sold.
    """

    seed: int
    first_day: dt.date
    last_day: dt.date
    orders: int
    truths: Truths
    catalogue: Catalogue

    def rng(self, part: str) -> np.random.Generator:
        """A generator of its own for each part, so that parts do not disturb one another."""
        return np.random.default_rng([self.seed, crc32(part.encode())])

    @cached_property
    def days(self) -> Times:
        """All days, as ``datetime64[D]``."""
        return np.arange(
            np.datetime64(self.first_day, "D"),
            np.datetime64(self.last_day, "D") + np.timedelta64(1, "D"),
        )

    @property
    def now(self) -> np.datetime64:
        """The moment of the exports: midnight after the last day, in the shop's zone."""
        return np.datetime64(self.last_day, "s") + np.timedelta64(86400, "s")

    def index(self, days_before: int) -> int:
        """The index of the day that lies so many days before the last."""
        return max(len(self.days) - 1 - days_before, 0)

    def sku(self, code: str) -> int:
        """The index of the SKU with a code."""
        return self.catalogue.sku_codes.index(code)

    def day_index(self, times: Times) -> Ints:
        """The index of the day of each moment; beyond the ends for NaT and outside."""
        index = (times.astype("datetime64[D]") - self.days[0]).astype(np.int64)
        return np.where(np.isnat(times), -1, index)

    def day_of(self, days_before: int) -> dt.date:
        """The day that lies so many days before the last."""
        return self.last_day - dt.timedelta(days=days_before)


def add_seconds(times: Times, seconds: Floats | Ints) -> Times:
    """Moments so many seconds later, as ``datetime64[s]``."""
    later: Times = times.astype("datetime64[s]") + np.asarray(seconds).astype("timedelta64[s]")
    return later
