"""How deep and how often competitors promote, and how low they have gone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from ecops_lib.core.findings import Finding
from ecops_lib.core.formats import Unit, show
from ecops_lib.core.language import mark, tr
from ecops_lib.core.names import short_name
from ecops_lib.core.results import Result
from ecops_lib.market.snapshots import Snapshots

if TYPE_CHECKING:
    import pandas as pd

MEMORY, LEAST = 28, 7
"""Snapshots whose median price is the regular one, and the fewest that tell it."""
OFF = 0.03
"""Part below the regular price from which an item is on promotion."""
SHOWN = 12


@dataclass(frozen=True, kw_only=True, eq=False)
class Promotions(Result):
    """Competitors' promotions, told by price.

    Attributes:
        frame: One row a competitor: ``competitor``, ``items`` whose regular price is known,
            ``share`` of item-days on promotion, ``items_cut`` (share of items ever on
            promotion), ``depth`` (median part off the regular price on promotion), ``length``
            (median days of a promotion that ended), ``now`` (share of items on promotion on the
            last day), ``deepest`` (most ever off).
        floors: One row an item: ``competitor``, ``item_id``, ``title``, ``regular`` now, ``floor``
            (lowest price ever seen), ``price`` now, ``off`` (part off the regular price now).
    """

    sheet: ClassVar[str] = mark("Competitors' promotions")
    labels: ClassVar[Mapping[str, str]] = {
        "competitor": mark("Competitor"),
        "items": mark("Items"),
        "share": mark("Item-days on promotion"),
        "items_cut": mark("Items ever on promotion"),
        "depth": mark("Usual depth"),
        "deepest": mark("Deepest"),
        "length": mark("Usual days"),
        "now": mark("On promotion now"),
    }
    units: ClassVar[Mapping[str, Unit]] = {
        "items": "count", "share": "share", "items_cut": "share", "depth": "share",
        "deepest": "share", "length": "number", "now": "share",
    }  # fmt: skip

    frame: pd.DataFrame
    floors: pd.DataFrame

    def to_frame(self) -> pd.DataFrame:
        """One row a competitor, who promotes most first."""
        return self.frame

    def findings(self) -> tuple[Finding, ...]:
        """Who promotes most and how, and who promotes now."""
        told = self.frame.dropna(subset=["share"])
        if told.empty:
            text = tr(
                "Regular prices need {least} snapshots of an item; promotions cannot be told yet.",
                least=show(LEAST, "count"),
            )  # fmt: skip
            return (Finding(key="prices/promotions", level="info", text=text),)
        top = told.iloc[0]
        if not top["share"] > 0:
            text = tr("No competitor went below its regular prices.")
            return (Finding(key="prices/promotions", level="info", text=text),)
        text = tr(
            "{competitor} promotes most: {share} of its item-days, usually {depth} off; {now} of "
            "its items are on promotion now.", competitor=short_name(top["competitor"]),
            share=show(top["share"], "share"), depth=show(top["depth"], "share"),
            now=show(top["now"], "share"),
        )  # fmt: skip
        numbers = {name: float(top[name]) for name in ("share", "depth", "now")}
        return (Finding(key="prices/promotions", level="info", text=text, evidence=numbers),
                *self._floor())  # fmt: skip

    def _floor(self) -> tuple[Finding, ...]:
        """Items that are at their lowest price ever."""
        floors = self.floors
        held = floors[(floors["off"] > OFF) & (floors["price"] <= floors["floor"])]
        if held.empty:
            return ()
        deep = held.sort_values("off", ascending=False).iloc[0]
        text = tr(
            "At its lowest price ever is {item} of {competitor}: {price}, {off} below its regular "
            "{regular}.", item=short_name(deep["title"], deep["item_id"]),
            competitor=short_name(deep["competitor"]), price=show(deep["price"], "money"),
            off=show(deep["off"], "share"), regular=show(deep["regular"], "money"),
        )  # fmt: skip
        return (Finding(key="prices/floor", level="info", text=text,
                        evidence={"off": float(deep["off"])}),)  # fmt: skip


def rate_promotions(snapshots: Snapshots) -> Promotions:
    """Tell promotions from regular prices, item by item.

    The regular price of an item on a day is the median of its last 28 snapshots, at least
    seven; it is on promotion where it is listed 3 % or more below that. So an item that is
    cheap for more than two weeks in four has a new regular price. Coupons that only the page
    shows are not in the price.

    Args:
        snapshots: The competitors' listings.
    """
    import pandas as pd

    rows = snapshots.panel[snapshots.panel["price"] > 0].copy()
    by = rows.groupby(["competitor", "item_id"], sort=False)
    regular = by["price"].rolling(MEMORY, min_periods=LEAST).median()
    rows["regular"] = regular.reset_index(level=[0, 1], drop=True)
    rows["off"] = (1 - rows["price"] / rows["regular"]).clip(lower=0)
    rows["on"] = (rows["off"] >= OFF).where(rows["regular"].notna())
    known = rows.dropna(subset=["on"]).astype({"on": bool})
    last = known.groupby("competitor")["day"].transform("max")
    each = known.groupby("competitor")
    deals = known[known["on"]].groupby("competitor")["off"]
    ever = known.groupby(["competitor", "item_id"])["on"].any()
    frame = pd.DataFrame({
        "items": each["item_id"].nunique(), "share": each["on"].mean(),
        "items_cut": ever.groupby("competitor").mean(),
        "depth": deals.median(), "deepest": deals.max(), "length": _lengths(known),
        "now": known[known["day"] == last].groupby("competitor")["on"].mean(),
    }).rename_axis("competitor").reset_index()  # fmt: skip
    latest = rows.drop_duplicates(["competitor", "item_id"], keep="last")
    floor = by["price"].min().rename("floor").reset_index()
    floors = latest.merge(floor, on=["competitor", "item_id"])
    return Promotions(
        frame=frame.sort_values("share", ascending=False, kind="stable", ignore_index=True)[
            list(Promotions.labels)
        ],
        floors=floors[["competitor", "item_id", "title", "regular", "floor", "price", "off"]],
    )


def _lengths(known: pd.DataFrame) -> pd.Series:
    """Median days of promotions that began and ended within the panel, by competitor."""
    held = known.copy()
    item = held["competitor"] + "/" + held["item_id"].astype(str)
    held["run"] = ((held["on"] != held["on"].shift()) | (item != item.shift())).cumsum()
    held["item"] = item
    runs = held.groupby("run").agg(
        competitor=("competitor", "first"), item=("item", "first"), on=("on", "first"),
        first=("day", "min"), last=("day", "max"),
    )  # fmt: skip
    whole = (runs["item"] == runs["item"].shift(1)) & (runs["item"] == runs["item"].shift(-1))
    kept = runs[runs["on"] & whole]
    days = np.array([(b - a).days + 1 for a, b in zip(kept["first"], kept["last"], strict=True)])
    return kept.assign(days=days).groupby("competitor")["days"].median()
