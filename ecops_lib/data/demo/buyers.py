"""Who buys: buyers with lifetimes of their own, who they pretend to be, where they live."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from ecops_lib.data.demo.world import Flags, Floats, Ints, World

LIFETIME = {"r": 0.6, "alpha": 0.35, "a": 0.9, "b": 1.8}
"""MBG/NBD of Batislam, Denizel and Filiztekin (2007): purchase rate Gamma(r, alpha) in the time
that the shop's whole export covers; dropout Beta(a, b) after each purchase, the first too."""
REPEATS = 40
"""No buyer comes back more often than this."""

PROVINCES: dict[str, tuple[str, float]] = {
    "浙江省": ("杭州市", 11.0),
    "江苏省": ("南京市", 11.0),
    "广东省": ("广州市", 12.0),
    "上海": ("上海市", 8.0),
    "北京": ("北京市", 6.0),
    "山东省": ("济南市", 6.5),
    "四川省": ("成都市", 6.0),
    "福建省": ("福州市", 5.0),
    "河南省": ("郑州市", 5.0),
    "湖北省": ("武汉市", 5.0),
    "湖南省": ("长沙市", 4.5),
    "安徽省": ("合肥市", 4.0),
    "河北省": ("石家庄市", 3.5),
    "重庆": ("重庆市", 3.0),
    "陕西省": ("西安市", 2.5),
    "辽宁省": ("沈阳市", 2.5),
    "江西省": ("南昌市", 2.0),
    "广西壮族自治区": ("南宁市", 2.0),
    "云南省": ("昆明市", 1.5),
    "新疆维吾尔自治区": ("乌鲁木齐市", 0.6),
    "西藏自治区": ("拉萨市", 0.1),
}
SOUTH = {"广东省", "广西壮族自治区", "福建省", "湖南省", "江西省", "云南省", "四川省", "重庆"}
"""Provinces that the southern warehouse serves."""
WAREHOUSES = ("华东仓", "华南仓")
FAR = ("新疆维吾尔自治区", "西藏自治区")
"""Provinces that postage costs more to."""
NEAR = tuple(PROVINCES)[:12]
"""Provinces that parcels reach soon."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Buyers:
    """The shop's buyers.

    Attributes:
        of_order: Index of the buyer of each order, orders by time of creation.
        at: Each order's time in the lives of the buyers: the shop's life is from 0 to 1.
        known_before: Whether a buyer had bought before the export begins.
        alive: Whether a buyer would still come back after the export's end.
        province: Index into ``PROVINCES`` by buyer.
    """

    of_order: Ints
    at: Floats
    known_before: Flags
    alive: Flags
    province: Ints


def make_buyers(world: World, orders: int) -> Buyers:
    """Give each order, in time order, a buyer from the lifetime process.

    Buyers join evenly over the shop's life and half a life before, buy and drop out; their
    purchases, put in order, take the shop's orders one by one, so that seasons and
    campaigns speed up everyone alike.
    """
    rng = world.rng("buyers")
    joined = rng.uniform(-0.5, 1.0, orders * 2)
    times, stays = _purchases(rng, joined)
    inside = (times > 0) & (times < 1)
    enough = int(np.searchsorted(inside.sum(axis=1).cumsum(), orders)) + 1
    buyer, _ = np.nonzero(inside[:enough])
    when = times[:enough][inside[:enough]]
    place = np.argsort(when, kind="stable")[:orders]
    people, of_order = np.unique(buyer[place], return_inverse=True)
    made = (times[people] < 1).sum(axis=1)
    shares = np.array([share for _, share in PROVINCES.values()])
    return Buyers(
        of_order=of_order,
        at=when[place],
        known_before=joined[people] <= 0,
        alive=stays[people, np.minimum(made, REPEATS) - 1],
        province=rng.choice(len(PROVINCES), len(people), p=shares / shares.sum()),
    )


def _purchases(rng: np.random.Generator, joined: Floats) -> tuple[Floats, Flags]:
    """Moments of each buyer's purchases, infinite after dropout; who stays after which.

    The first purchase is that of joining.
    """
    count = len(joined)
    rate = rng.gamma(LIFETIME["r"], 1 / LIFETIME["alpha"], count)
    leave = rng.beta(LIFETIME["a"], LIFETIME["b"], count)
    gaps = rng.exponential(1, (count, REPEATS)) / np.maximum(rate, 1e-9)[:, None]
    stays = (rng.random((count, REPEATS)) >= leave[:, None]).cumprod(axis=1) == 1
    later = np.where(stays, joined[:, None] + gaps.cumsum(axis=1), np.inf)
    return np.hstack([joined[:, None], later]), stays


def among(province: Ints, names: Collection[str]) -> Flags:
    """Whether each province is one of those named."""
    return np.isin(province, [number for number, name in enumerate(PROVINCES) if name in names])


def nickname(buyer: int) -> str:
    """An account name that cannot be mistaken for a person's.

    >>> nickname(7)
    '示例买家00007'
    """
    return f"示例买家{buyer:05d}"


def phone(buyer: int) -> str:
    """A mobile number that no network has.

    >>> phone(7)
    '10000000007'
    """
    return f"100{buyer:08d}"


def address(buyer: int, province: str, city: str) -> str:
    """An address in a street that does not exist."""
    return f"{province} {city} 示例区 虚构路{buyer % 997 + 1}号"
