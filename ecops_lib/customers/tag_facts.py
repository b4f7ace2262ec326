"""Facts of each customer that tags are made of: sums in the engine, one row a customer."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import narwhals as nw
import numpy as np

from ecops_lib.core.errors import MissingDataError
from ecops_lib.core.language import mark
from ecops_lib.customers.orders import Apart, Frame, OrdersView, nobody_words
from ecops_lib.customers.people import MILS, People, find_places, sum_people
from ecops_lib.customers.tag_purchases import BUYER_DAY, HABITS, Purchases
from ecops_lib.data import frames

if TYPE_CHECKING:
    import pandas as pd

Array = np.ndarray[Any, Any]
Half = Literal["early", "late"]
HALVES: tuple[Half, ...] = ("early", "late")

FESTIVAL, CROWD = 0.75, 10
"""Share of a day's purchases above which it tells nothing that one was so, and purchases
from which a day has such a share."""
AHEAD = 90
"""Days after the split within which it is watched who buys again."""
RHYTHM = 3
"""Purchases from which a customer has a rhythm of his own: the mean of two gaps or more."""
NEW, GROWING = 30, 180
"""Most days since the first purchase of a new and of a growing customer."""
FADING, LOST = 2, 4
"""Rhythms of silence from which a customer is fading or lost."""
LEAST_FADING, LEAST_LOST = 30, 90
"""Days of silence that at least mean so."""

STAGES: Mapping[str, str] = {
    "new": mark("New"),
    "growing": mark("Growing"),
    "mature": mark("Mature"),
    "fading": mark("Fading"),
    "lost": mark("Lost"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Trials:
    """Purchases of each customer (or customer and category), one entry each.

    Attributes:
        tried: Purchases of which it is told, but for those on days when nearly all were so.
        did: Of them, those that were so.
        expected: Sum over them of the share, among all buyers' purchases of the same day,
            of those that were so.
    """

    tried: Array
    did: Array
    expected: Array

    def take(self, place: Array) -> Trials:
        """Some of the entries."""
        return Trials(tried=self.tried[place], did=self.did[place], expected=self.expected[place])

    def plus(self, other: Trials) -> Trials:
        """Both sums together."""
        return Trials(
            tried=self.tried + other.tried,
            did=self.did + other.did,
            expected=self.expected + other.expected,
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class Moment:
    """The customers as they were at the end of a day, one entry each.

    Attributes:
        known: Whether they had bought by then; what is told of the others means nothing.
        age: Days since the first purchase.
        recency: Days since the last one.
        orders: Orders kept.
        purchases: Days with an order kept.
        amount: Net amount [store currency].
    """

    known: Array
    age: Array
    recency: Array
    orders: Array
    purchases: Array
    amount: Array

    @cached_property
    def rhythm(self) -> Array:
        """Days between purchases: each one's own mean, else the median of all means."""
        mean = (self.age - self.recency) / np.maximum(self.purchases - 1, 1)
        again = self.known & (self.purchases > 1)
        usual = float(np.median(mean[again])) if again.any() else 0.0
        held: Array = np.where(self.purchases >= RHYTHM, mean, usual)
        return held

    @cached_property
    def stage(self) -> Array:
        """The place of each one's life stage in ``STAGES``."""
        lost = self.recency > np.maximum(LEAST_LOST, LOST * self.rhythm)
        fading = self.recency > np.maximum(LEAST_FADING, FADING * self.rhythm)
        young = [self.age <= NEW, lost, fading, self.age <= GROWING]
        held: Array = np.select(young, [0, 4, 3, 1], 2)
        return held


@dataclass(frozen=True, kw_only=True, eq=False)
class CustomerFacts:
    """What is known of each known buyer on a day.

    Attributes:
        people: The customers, as other pages count them.
        apart: What belongs to no customer.
        as_of: The day.
        split: Last day of the earlier half of all purchases.
        sums: One row a customer, in the order of ``people``: ``{habit}_{half}_tried``,
            ``…_did``, ``…_expected``, ``purchases``, ``province``, ``level``.
        pairs: One row a customer and category: ``place`` in ``people``, ``category``,
            and for each half ``…_did`` and ``…_expected``.
        why: Why a tag cannot be told, by its key.
    """

    people: People
    apart: Apart
    as_of: dt.date
    split: dt.date
    sums: pd.DataFrame
    pairs: pd.DataFrame
    why: Mapping[str, str]

    def trials(self, habit: str, half: Half) -> Trials:
        """A habit's purchases of each customer in a half."""
        tried, did, expected = (
            self.sums[f"{habit}_{half}_{kind}"].to_numpy(float)
            for kind in ("tried", "did", "expected")
        )
        return Trials(tried=tried, did=did, expected=expected)

    def category_trials(self, half: Half) -> Trials:
        """A half's purchases of each pair of customer and category."""
        tried = self.sums[f"category_{half}_tried"].to_numpy(float)
        return Trials(
            tried=tried[self.pairs["place"].to_numpy(int)],
            did=self.pairs[f"{half}_did"].to_numpy(float),
            expected=self.pairs[f"{half}_expected"].to_numpy(float),
        )

    @cached_property
    def now(self) -> Moment:
        """The customers at the end of the day."""
        return Moment(
            known=np.ones(len(self.people), dtype=bool),
            age=self.people.age,
            recency=self.people.recency,
            orders=self.people.orders,
            purchases=self.sums["purchases"].to_numpy(int),
            amount=self.people.mils / MILS,
        )

    @cached_property
    def then(self) -> Moment:
        """The customers at the end of the earlier half."""
        held, day = self.sums, self.split.toordinal()
        return Moment(
            known=held["early_purchases"].to_numpy() > 0,
            age=(day - held["early_first"]).to_numpy(int),
            recency=(day - held["early_last"]).to_numpy(int),
            orders=held["early_orders"].to_numpy(int),
            purchases=held["early_purchases"].to_numpy(int),
            amount=held["early_amount"].to_numpy(float),
        )

    def favourite(self, *halves: Half) -> pd.Series:
        """The category of most of each customer's purchases; missing where none is told."""
        did = self.pairs[[f"{half}_did" for half in halves]].sum(axis=1)
        ranked = self.pairs.assign(did=did)[did > 0]
        ranked = ranked.sort_values(["did", "category"], ascending=[False, True])
        best = ranked.drop_duplicates("place").set_index("place")["category"]
        return best.reindex(range(len(self.people)))

    @property
    def watched(self) -> bool:
        """Whether the days ahead of the split are over."""
        return (self.as_of - self.split).days >= AHEAD


def gather_facts(view: OrdersView, *, split: dt.date | None = None) -> CustomerFacts:
    """Sum what each known buyer did up to a day, halved at a day.

    Args:
        view: The orders.
        split: Last day of the earlier half; by default that by which half the purchases
            had been made.

    Raises:
        MissingDataError: No known buyer has bought by then.
    """
    bought = Purchases(view)
    people, apart, _ = sum_people(view)
    middle = split or _middle(bought)
    rows, day = bought.days(), middle.toordinal()
    sums = frames.bring(_sums(rows, day)).set_index("buyer_key")
    sums = sums.reindex(people.keys.to_numpy()).astype(float).fillna(0.0)
    sums = _with_traits(sums, bought).reset_index(drop=True)
    return CustomerFacts(
        people=people,
        apart=apart,
        as_of=view.as_of,
        split=middle,
        sums=sums,
        pairs=_pairs(rows, day, people, told="category" not in bought.why),
        why=bought.why,
    )


def _middle(bought: Purchases) -> dt.date:
    """The day by which half of the orders kept had been made."""
    kept = bought.orders().filter(nw.col("kept"))
    held = frames.bring(kept.group_by("day").agg(orders=nw.len()), sort=["day"])
    if held.empty:
        raise MissingDataError(nobody_words(bought.view.as_of))
    done = held["orders"].cumsum().to_numpy()
    return dt.date.fromordinal(int(held["day"].iloc[int(np.searchsorted(done, done[-1] / 2))]))


def _sums(rows: Frame, split: int) -> Frame:
    """Purchases tried, done and expected of each buyer, habit and half."""
    shares = {f"{n}_share": nw.col(n).mean() for n in HABITS}
    crowds = {f"{n}_crowd": nw.col(n).count() for n in HABITS}
    rows = frames.beside(rows, "day", **shares, **crowds)
    parts: dict[str, nw.Expr] = {"purchases": nw.col("bought")}
    for half, side in _sides(split).items():
        parts[f"category_{half}_tried"] = _where(side & ~nw.col("category").is_null())
        for habit in HABITS:
            usual = (nw.col(f"{habit}_share") <= FESTIVAL) | (nw.col(f"{habit}_crowd") < CROWD)
            told = side & ~nw.col(habit).is_null() & usual
            parts[f"{habit}_{half}_tried"] = _where(told)
            parts[f"{habit}_{half}_did"] = nw.when(told).then(nw.col(habit))
            parts[f"{habit}_{half}_expected"] = nw.when(told).then(nw.col(f"{habit}_share"))
    bought, early = nw.col("bought") == 1, nw.col("day") <= split
    soon = bought & ~early & (nw.col("day") <= split + AHEAD)
    parts |= {
        "early_purchases": _where(bought & early),
        "early_orders": nw.when(early).then(nw.col("orders")),
        "early_amount": nw.when(early).then(nw.col("net")),
        "soon": _where(soon),
    }
    days = nw.when(bought & early).then(nw.col("day"))
    rows = rows.select("buyer_key", known=days, **parts)
    ends = {"early_first": nw.col("known").min(), "early_last": nw.col("known").max()}
    return rows.group_by("buyer_key").agg(**{name: nw.col(name).sum() for name in parts}, **ends)


def _sides(split: int) -> dict[Half, nw.Expr]:
    return {"early": nw.col("day") <= split, "late": nw.col("day") > split}


def _where(told: nw.Expr) -> nw.Expr:
    return nw.when(told).then(nw.lit(1)).otherwise(nw.lit(0))


def _pairs(rows: Frame, split: int, people: People, *, told: bool) -> pd.DataFrame:
    """Purchases of each category by each buyer who bought it, and those expected."""
    import pandas as pd

    kinds = [f"{half}_{kind}" for half in HALVES for kind in ("did", "expected")]
    if not told:
        return pd.DataFrame({"place": [], "category": [], **{kind: [] for kind in kinds}})
    named = rows.filter(~nw.col("category").is_null()).select(*BUYER_DAY, "category")
    counted = named.group_by("day", "category").agg(part=nw.len())
    counted = frames.beside(counted, "day", whole=nw.col("part").sum())
    shares = counted.select("day", "category", share=nw.col("part") / nw.col("whole"))
    sides = _sides(split)
    did = {f"{half}_did": _where(side) for half, side in sides.items()}
    sums = named.with_columns(**did).group_by("buyer_key", "category")
    pairs = sums.agg(**{name: nw.col(name).sum() for name in did})
    held = pairs.join(named.select(*BUYER_DAY), on="buyer_key", how="inner")
    held = held.join(shares, on=["day", "category"], how="inner")
    hopes = {f"{h}_expected": nw.when(side).then(nw.col("share")) for h, side in sides.items()}
    by = ["buyer_key", "category", *did]
    hoped = held.with_columns(**hopes).group_by(by).agg(**{n: nw.col(n).sum() for n in hopes})
    found = frames.bring(hoped, sort=["buyer_key", "category"])
    found["place"] = find_places(found["buyer_key"], people.keys)
    found[kinds] = found[kinds].astype(float).fillna(0.0)
    return found[["place", "category", *kinds]]


def _with_traits(sums: pd.DataFrame, bought: Purchases) -> pd.DataFrame:
    """The sums with each buyer's province and membership level, missing where not told."""
    import pandas as pd

    told = pd.DataFrame(index=sums.index, columns=["province", "level"], dtype=object)
    if bought.told("customers.province", "customers.level"):
        list_ = bought.tables.lazy("customers").select("buyer_key", "province", "level")
        told = frames.bring(list_).set_index("buyer_key").reindex(sums.index).astype(object)
    if bought.told("orders.province"):
        most = frames.bring(_provinces(bought)).set_index("buyer_key")["province"]
        told["province"] = most.reindex(sums.index).astype(object).fillna(told["province"])
    return sums.join(told.where(told.notna(), None))


def _provinces(bought: Purchases) -> Frame:
    """The province that most of each buyer's orders went to."""
    known = nw.col("kept") & ~nw.col("province").is_null() & (nw.col("province") != "")
    by = ["buyer_key", "province"]
    counted = bought.orders().filter(known).group_by(by).agg(orders=nw.len())
    most = counted.group_by("buyer_key").agg(most=nw.col("orders").max())
    best = counted.join(most, on="buyer_key", how="inner").filter(
        nw.col("orders") == nw.col("most")
    )
    return best.group_by("buyer_key").agg(province=nw.col("province").min())
