"""What competitors' price cuts did to our sales of the same products."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from ecops_lib.core.checks import as_day
from ecops_lib.core.findings import Action, Finding, Level
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

Floats = NDArray[np.float64]
DEEP, HOLDS = 0.1, 3
"""Part of the price before that a cut takes off, and snapshots that it must last."""
BEFORE, AFTER = 28, 7
"""Days before a cut that tell what was to be expected, and days from it on that are counted."""
FEWEST = 5
"""Cuts below which nothing is told."""
PLACEBOS = 999
ALPHA = 0.05
SHOWN = 12


@dataclass(frozen=True, kw_only=True, eq=False)
class CutEffects(Result):
    """Our units of the matched products in the week of competitors' cuts, against the expected.

    Attributes:
        frame: One row a cut, the dearest first: ``day``, ``competitor``, ``product_id``,
            ``product_name``, ``depth``, ``sold`` and ``expected`` units of the week, ``money``
            (expected less sold, at our price [store currency]).
        effect: Units sold over those expected, less 1, of all cuts together, beside what chance
            gives; NaN not told.
        low: Lower 95 % limit.
        high: Upper limit.
        p: Chance of so unlike a ratio on days without a cut.
        untold: Why nothing is told; empty where something is.
    """

    sheet: ClassVar[str] = mark("Competitors' cuts and our sales")
    labels: ClassVar[Mapping[str, str]] = {
        "day": mark("Day"),
        "competitor": mark("Competitor"),
        "product_name": mark("Our product"),
        "depth": mark("Cut by"),
        "sold": mark("Units sold that week"),
        "expected": mark("Expected"),
        "money": mark("Missing"),
    }
    units: ClassVar[Mapping[str, Unit]] = {
        "day": "day", "depth": "share", "sold": "count", "expected": "number", "money": "money",
    }  # fmt: skip

    frame: pd.DataFrame
    effect: float
    low: float
    high: float
    p: float
    untold: str = ""

    def to_frame(self) -> pd.DataFrame:
        """One row a cut."""
        return self.frame[list(self.labels)]

    def page_frame(self) -> pd.DataFrame:
        """Those that cost most."""
        return self.to_frame().head(SHOWN)

    def findings(self) -> tuple[Finding, ...]:
        """Whether the cuts cost us sales."""
        if self.untold:
            return (Finding(key="events/cuts", level="info", text=self.untold),)
        words = {
            "count": show(len(self.frame), "count"), "low": show(self.low, "share", sign=True),
            "high": show(self.high, "share", sign=True), "size": show(abs(self.effect), "share"),
        }  # fmt: skip
        money: float | None = None
        level: Level = "info"
        text = tr(
            "No loss of our sales of the same products can be shown from competitors' {count} cuts "
            "(between {low} and {high} in the week after).", **words,
        )  # fmt: skip
        if self.high < 0:
            level, money = "watch", float(self.frame["money"].sum())
            text = tr(
                "In the week after competitors' {count} cuts we sold {size} less of the same "
                "products than to be expected ({low} to {high}).", **words,
            )  # fmt: skip
        action = Action(
            text=tr("decide for the products that lost most whether to match"),
            owner=tr("merchandising"),
        )
        return (Finding(
            key="events/cuts", level=level, text=text, money=money,
            evidence={"effect": self.effect, "p": self.p},
            action=action if level == "watch" else None,
        ),)  # fmt: skip


def study_cuts(
    source: Source,
    snapshots: Snapshots,
    matches: ItemMatches,
    *,
    as_of: dt.date | str,
    seed: int = 0,
    time_zone: str | None = None,
) -> CutEffects:
    """Measure our sales of a product in the week after a competitor cut the price of the same.

    A cut takes off a tenth or more and lasts three snapshots. What was to be expected is the
    product's mean of the 28 days before times how all unmatched products moved. The ratio of
    sums over all cuts is held against the same ratio with each product's cuts moved around the
    calendar; the interval is the inversion of that test, so that the two agree.

    Args:
        source: A store, or tables by canonical name; needs ``orders`` and ``order_items``.
        snapshots: The competitors' listings.
        matches: Which of their items are the same product.
        as_of: Last local day that counts.
        seed: Of the random days.
        time_zone: IANA zone of the days; the store's by default.
    """
    tables = Tables(source, time_zone=time_zone)
    tables.require("orders", "order_items")
    last = min(as_day(as_of, name="as_of"), snapshots.last)
    cuts = _cuts(snapshots, matches)
    first = snapshots.first - BEFORE * frames.DAY
    sold = daily_sales(tables, first, last)
    days = (last - first).days + 1
    units, names = _grid(sold, first, days)
    place = {name: k for k, name in enumerate(names)}
    known = set(matches.sure["our_id"])
    others = units[:, [k for k, name in enumerate(names) if name not in known]].sum(axis=1)
    cuts["product"] = cuts["product_id"].map(place)
    cuts["at"] = [(day - first).days for day in cuts["day"]]
    cuts = cuts[cuts["product"].notna() & (cuts["at"] >= BEFORE) & (cuts["at"] + AFTER <= days)]
    cuts = cuts.astype({"product": "int64", "at": "int64"}).reset_index(drop=True)
    price = sold.groupby("product_id")[["sales", "units"]].sum()
    made = _week(units, others, cuts["product"].to_numpy(), cuts["at"].to_numpy())
    frame = cuts.assign(
        sold=made[0], expected=made[1],
        money=(made[1] - made[0]) * cuts["product_id"].map(price["sales"] / price["units"]),
        product_name=cuts["product_id"].map(dict(zip(matches.frame["our_id"],
                                                     matches.frame["our_title"], strict=True))),
    ).sort_values("money", ascending=False, kind="stable", ignore_index=True)  # fmt: skip
    chance = _placebos(units, others, cuts, np.random.default_rng(seed))
    if len(chance) < PLACEBOS // 2 or not made[0].sum() > 0:
        text = tr(
            "What competitors' cuts do to our sales cannot be told: {count} lasting cuts of "
            "matched products are too few.", count=show(len(cuts), "count"),
        )  # fmt: skip
        nan = math.nan
        return CutEffects(frame=frame, effect=nan, low=nan, high=nan, p=nan, untold=text)
    effect, low, high, p = read_ratio(float(made[0].sum() / made[1].sum()), chance)
    return CutEffects(frame=frame, effect=effect, low=low, high=high, p=p)


def _cuts(snapshots: Snapshots, matches: ItemMatches) -> pd.DataFrame:
    """Lasting cuts of matched items: day, competitor, our product, depth."""
    import pandas as pd

    product = dict(zip(matches.sure["their_id"], matches.sure["our_id"], strict=True))
    found = []
    for (name, item), rows in snapshots.panel.groupby(["competitor", "item_id"], sort=True):
        ours = product.get(f"{name}/{item}")
        price, before = rows["price"].to_numpy(float), rows["before"].to_numpy(float)
        if ours is None:
            continue
        for k in np.flatnonzero(price <= (1 - DEEP) * before):
            held = price[k : k + HOLDS]
            if len(held) == HOLDS and (held <= (1 - DEEP) * before[k]).all():
                found.append((rows["day"].iloc[k], name, ours, 1 - price[k] / before[k]))
    return pd.DataFrame(found, columns=["day", "competitor", "product_id", "depth"])


def _grid(sold: pd.DataFrame, first: dt.date, days: int) -> tuple[Floats, list[str]]:
    """Units by day and product; a day without a line is a day without a sale."""
    names = sorted(sold["product_id"].unique())
    place = {name: k for k, name in enumerate(names)}
    units = np.zeros((days, len(names)))
    rows = np.array([(day - first).days for day in sold["day"]], int)
    np.add.at(units, (rows, sold["product_id"].map(place).to_numpy(int)), sold["units"].to_numpy())
    return units, names


def _week(
    units: Floats, others: Floats, product: NDArray[np.int64], at: NDArray[np.int64]
) -> tuple[Floats, Floats]:
    """Units sold in the week from each day on, and those expected."""
    total = np.vstack([np.zeros(units.shape[1]), units.cumsum(axis=0)])
    rest = np.append(0.0, others.cumsum())
    sold = total[at + AFTER, product] - total[at, product]
    before = (total[at, product] - total[at - BEFORE, product]) / BEFORE
    was, now = (rest[at] - rest[at - BEFORE]) / BEFORE, (rest[at + AFTER] - rest[at]) / AFTER
    moved = np.divide(now, was, out=np.ones_like(now), where=was > 0)
    return sold, before * AFTER * moved


def _placebos(
    units: Floats, others: Floats, cuts: pd.DataFrame, rng: np.random.Generator
) -> Floats:
    """The ratio of sums with each product's cuts moved around the calendar as one.

    Their number and the gaps between them stay, so that cuts that follow each other weigh as
    they do; a product's days that were cut are among them, which makes the test careful.
    """
    if len(cuts) < FEWEST:
        return np.zeros(0)
    room = len(units) - AFTER - BEFORE + 1
    product, place = cuts["product"].to_numpy(), cuts["at"].to_numpy() - BEFORE
    number = np.unique(product, return_inverse=True)[1]
    found = []
    for _ in range(PLACEBOS):
        shift = rng.integers(0, room, int(number.max()) + 1)
        sold, expected = _week(units, others, product, BEFORE + (place + shift[number]) % room)
        found.append(sold.sum() / expected.sum() if expected.sum() > 0 else math.nan)
    held: Floats = np.array(found)
    return held[~np.isnan(held) & (held > 0)]


def read_ratio(ratio: float, chance: Floats) -> tuple[float, float, float, float]:
    """Effect, its limits and p-value of a ratio against those by chance.

    The effect is the ratio over the median by chance (a week's ratio is not 1 where sales grow
    or lumps are rare), its limits are over those by chance that the test would just not reject.
    """
    held = np.sort(chance)
    place = math.ceil(ALPHA / 2 * (len(held) + 1)) - 2
    below = (1 + (held <= ratio).sum()) / (1 + len(held))
    above = (1 + (held >= ratio).sum()) / (1 + len(held))
    low, high = ratio / held[-1 - place] - 1, ratio / held[place] - 1
    effect = ratio / float(np.median(held)) - 1
    return effect, float(low), float(high), float(min(1.0, 2 * min(below, above)))
