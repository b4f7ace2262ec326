"""How our prices stand against each competitor, and where the gap matters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from ecops_lib.core.checks import require_columns
from ecops_lib.core.errors import MissingDataError
from ecops_lib.core.findings import Action, Finding
from ecops_lib.core.formats import Unit, show
from ecops_lib.core.language import mark, ntr, tr
from ecops_lib.core.names import short_name
from ecops_lib.core.results import Result
from ecops_lib.market.prices.basis import RECENT_DAYS, SAME, Basket

if TYPE_CHECKING:
    import pandas as pd

NEAR = 0.03
"""Distance of an index from 1 below which prices count as level."""
DEEP = 0.1
"""Part by which a competitor must be cheaper for a gap to be told."""
TOLD = 3
SHOWN = 12


@dataclass(frozen=True, kw_only=True, eq=False)
class PriceIndex(Result):
    """Competitors' prices over ours on the products that both sell.

    Attributes:
        frame: One row a competitor, the cheapest first: ``competitor``, ``pairs``, ``index``
            (their price over ours: geometric mean weighed by our sales of four weeks), ``plain``
            (every pair alike), ``cheaper``, ``same`` and ``dearer`` (share of pairs whose price
            at theirs is lower, equal within half a per cent, higher).
        market: The same index over all competitors' cheapest offer of each product.
        basket: The pairs.
    """

    sheet: ClassVar[str] = mark("Price index")
    labels: ClassVar[Mapping[str, str]] = {
        "competitor": mark("Competitor"),
        "pairs": mark("Matched products"),
        "index": mark("Their price over ours"),
        "plain": mark("The same, unweighted"),
        "cheaper": mark("Cheaper there"),
        "same": mark("Same price"),
        "dearer": mark("Dearer there"),
    }
    units: ClassVar[Mapping[str, Unit]] = {
        "pairs": "count", "index": "ratio", "plain": "ratio", "cheaper": "share",
        "same": "share", "dearer": "share",
    }  # fmt: skip

    frame: pd.DataFrame
    market: float
    basket: Basket

    def to_frame(self) -> pd.DataFrame:
        """One row a competitor, the cheapest first."""
        return self.frame

    def findings(self) -> tuple[Finding, ...]:
        """The market, the cheapest competitor, and what the comparison leaves out."""
        low = self.frame.iloc[0]
        words = {
            "competitor": short_name(low["competitor"]), "pairs": show(low["pairs"], "count"),
            "index": show(abs(low["index"] - 1), "share"),
        }  # fmt: skip
        if low["index"] < 1 - NEAR:
            text = tr("{competitor} is the cheapest: {index} below us on {pairs} products that "
                      "both sell.", **words)  # fmt: skip
        elif low["index"] > 1 + NEAR:
            text = tr("We are the cheapest: {competitor}, the next, is {index} above us on {pairs} "
                      "products that both sell.", **words)  # fmt: skip
        else:
            text = tr("{competitor} is the cheapest and level with us on {pairs} products that "
                      "both sell.", **words)  # fmt: skip
        told = [Finding(key="prices/index", level="watch" if low["index"] < 1 - NEAR else "info",
                        text=text, evidence={"index": float(low["index"])})]  # fmt: skip
        text = tr(
            "The cheapest offer of each product is {index} of our price, weighed by our sales of "
            "{days} days.", index=show(self.market, "share"), days=show(RECENT_DAYS, "count"),
        )  # fmt: skip
        told.append(Finding(key="prices/market", level="info", text=text,
                            evidence={"market": self.market}))  # fmt: skip
        if self.basket.unlike:
            text = ntr(
                "{count} matched pair is left out: sizes or prices cannot be compared.",
                "{count} matched pairs are left out: sizes or prices cannot be compared.",
                self.basket.unlike, count=show(self.basket.unlike, "count"),
            )  # fmt: skip
            told.append(Finding(key="prices/unlike", level="info", text=text))
        return tuple(told)


def index_prices(basket: Basket) -> PriceIndex:
    """Their prices over ours on the matched basket, by competitor and for the whole market.

    The index is the geometric mean of the price ratios, weighed by our sales (a Törnqvist-like
    index with our weights); where none of the basket was sold lately, every pair weighs alike.

    Args:
        basket: Matched pairs with both prices.

    Raises:
        MissingDataError: No pair has both prices.
    """
    import pandas as pd

    pairs = basket.pairs
    if pairs.empty:
        raise MissingDataError(tr(
            "No competitor's item is matched with a product of ours that has a price; judge the "
            "pairs in matches.csv, or write our_product_id into the snapshots."
        ))  # fmt: skip
    rows = [
        {"competitor": name, "pairs": len(held), "index": _mean_ratio(held["ratio"], held["sales"]),
         "plain": _mean_ratio(held["ratio"], held["sales"] * 0), **compare_prices(held)}
        for name, held in pairs.groupby("competitor", sort=True)
    ]  # fmt: skip
    frame = pd.DataFrame(rows).sort_values("index", kind="stable", ignore_index=True)
    least = pairs.sort_values("ratio").drop_duplicates("product_id")
    return PriceIndex(
        frame=frame, market=_mean_ratio(least["ratio"], least["sales"]), basket=basket
    )


def compare_prices(pairs: pd.DataFrame) -> dict[str, float]:
    """Share of pairs whose price at theirs is lower, the same (within half a per cent), higher.

    Args:
        pairs: ``our_price`` and ``their_price``, both above zero.
    """
    require_columns(list(pairs.columns), ["our_price", "their_price"], table="pairs")
    ratio = pairs["their_price"] / pairs["our_price"]
    return {
        "cheaper": float((ratio < 1 - SAME).mean()),
        "same": float(ratio.between(1 - SAME, 1 + SAME).mean()),
        "dearer": float((ratio > 1 + SAME).mean()),
    }


def _mean_ratio(ratio: pd.Series, weight: pd.Series) -> float:
    """Geometric mean of ratios by weight, or alike where none weighs."""
    held = weight.to_numpy(float)
    if not held.sum() > 0:
        held = np.ones(len(held))
    return float(np.exp(np.average(np.log(ratio.to_numpy(float)), weights=held)))


@dataclass(frozen=True, kw_only=True, eq=False)
class PriceGaps(Result):
    """Products with a cheaper offer elsewhere, those first whose sales are most at stake.

    Attributes:
        frame: One row a product: ``product_id``, ``product_name``, ``our_price``, ``competitor``
            with the cheapest offer, ``their_price``, ``gap`` (theirs below ours as a part of
            ours; negative where theirs is dearer), ``sales`` of four weeks.
        owner: Who sees to it.
    """

    sheet: ClassVar[str] = mark("Price gaps")
    labels: ClassVar[Mapping[str, str]] = {
        "product_name": mark("Product"),
        "our_price": mark("Our price"),
        "competitor": mark("Cheapest at"),
        "their_price": mark("Their price"),
        "gap": mark("Cheaper by"),
        "sales": mark("Our sales of four weeks"),
    }
    units: ClassVar[Mapping[str, Unit]] = {
        "our_price": "money", "their_price": "money", "gap": "share", "sales": "money",
    }  # fmt: skip

    frame: pd.DataFrame
    owner: str

    def to_frame(self) -> pd.DataFrame:
        """One row a product."""
        return self.frame[list(self.labels)]

    def page_frame(self) -> pd.DataFrame:
        """Those with most at stake."""
        return self.to_frame().head(SHOWN)

    def findings(self) -> tuple[Finding, ...]:
        """The gaps that matter most."""
        deep = self.frame[self.frame["gap"] >= DEEP]
        if deep.empty:
            text = tr("No matched product is {gap} or more cheaper at a competitor.",
                      gap=show(DEEP, "share"))  # fmt: skip
            return (Finding(key="prices/level", level="good", text=text),)
        return tuple(self._gap(row) for _, row in deep.head(TOLD).iterrows())

    def _gap(self, row: pd.Series) -> Finding:
        text = tr(
            "{product} sells at {ours} here and {theirs} at {competitor}, {gap} less; it brought "
            "us {sales} in four weeks.", product=short_name(row["product_name"], row["product_id"]),
            ours=show(row["our_price"], "money"), theirs=show(row["their_price"], "money"),
            competitor=short_name(row["competitor"]), gap=show(row["gap"], "share"),
            sales=show(row["sales"], "money"),
        )  # fmt: skip
        action = Action(
            text=tr("match, hold, or set it apart by a bundle or a service"), owner=self.owner
        )
        return Finding(
            key=f"prices/gap/{row['product_id']}", level="watch", text=text,
            money=float(row["sales"] * row["gap"]), action=action,
            evidence={"gap": float(row["gap"]), "sales": float(row["sales"])},
        )  # fmt: skip


def find_price_gaps(basket: Basket, *, owner: str = "") -> PriceGaps:
    """The cheapest offer of each matched product beside ours.

    Args:
        basket: Matched pairs with both prices.
        owner: Who sees to it; merchandising by default.

    Raises:
        MissingDataError: No pair has both prices.
    """
    index_prices(basket)
    least = basket.pairs.sort_values(["ratio", "competitor"]).drop_duplicates("product_id")
    frame = least.assign(gap=1 - least["ratio"])
    stake = frame["sales"] * frame["gap"]
    order = stake.sort_values(ascending=False, kind="stable").index
    return PriceGaps(
        frame=frame.loc[order].reset_index(drop=True), owner=owner or tr("merchandising")
    )
