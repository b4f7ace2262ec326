"""Who cuts first: whose price cuts others follow within a week."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import permutations
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from ecops_lib.core.findings import Finding
from ecops_lib.core.formats import Unit, show
from ecops_lib.core.language import mark, tr
from ecops_lib.core.names import short_name
from ecops_lib.core.results import Result
from ecops_lib.market.matching import ItemMatches
from ecops_lib.market.snapshots import Snapshots

if TYPE_CHECKING:
    import pandas as pd

CUT = 0.03
"""Part of the price before by which a cut must be lower."""
WITHIN = 7
"""Days within which a cut follows another."""
LEAST = 5
"""Products cut by both, and cuts of each side, below which a pair is not looked at."""
DEALS = 999
"""Times that the follower's products are dealt anew."""
ALPHA = 0.05
SHOWN = 12
Flags = NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True, eq=False)
class PriceLeaders(Result):
    """Which competitor's cuts come before another's on the same products.

    Attributes:
        frame: One row an ordered pair, the surest first: ``leader``, ``follower``, ``cuts`` of
            the follower on products that both sell, ``followed`` (how many came within a week
            after a cut of the leader on the same product), ``expected`` by chance, ``lag`` (median
            days), ``p`` by dealing products anew, ``adjusted`` (Holm).
    """

    sheet: ClassVar[str] = mark("Who cuts first")
    labels: ClassVar[Mapping[str, str]] = {
        "leader": mark("Cuts first"),
        "follower": mark("Follows"),
        "cuts": mark("Cuts of the follower"),
        "followed": mark("Within a week"),
        "expected": mark("By chance"),
        "lag": mark("Median days"),
        "p": mark("p value"),
        "adjusted": mark("Adjusted p value"),
    }
    units: ClassVar[Mapping[str, Unit]] = {
        "cuts": "count", "followed": "count", "expected": "number", "lag": "number",
        "p": "p_value", "adjusted": "p_value",
    }  # fmt: skip

    frame: pd.DataFrame

    def to_frame(self) -> pd.DataFrame:
        """One row an ordered pair."""
        return self.frame

    def page_frame(self) -> pd.DataFrame:
        """The surest pairs."""
        return self.frame.head(SHOWN)

    def findings(self) -> tuple[Finding, ...]:
        """Who follows whom beyond chance."""
        if self.frame.empty:
            text = tr("Too few price cuts on the same products to tell who cuts first.")
            return (Finding(key="prices/leaders", level="info", text=text),)
        sure = self.frame[self.frame["adjusted"] < ALPHA]
        if sure.empty:
            text = tr("Nobody follows anybody's price cuts more often than by chance.")
            return (Finding(key="prices/leaders", level="info", text=text),)
        return tuple(self._follows(row) for _, row in sure.head(2).iterrows())

    @staticmethod
    def _follows(row: pd.Series) -> Finding:
        text = tr(
            "{follower} follows {leader}: {followed} of its {cuts} cuts came within a week of "
            "{leader}'s on the same product, {lag} days later as a rule; by chance {expected}.",
            follower=short_name(row["follower"]), leader=short_name(row["leader"]),
            followed=show(row["followed"], "count"), cuts=show(row["cuts"], "count"),
            lag=show(row["lag"], "number"), expected=show(row["expected"], "number"),
        )  # fmt: skip
        return Finding(
            key=f"prices/leaders/{row['leader']}/{row['follower']}", level="info", text=text,
            evidence={"followed": float(row["followed"]), "p": float(row["adjusted"])},
        )  # fmt: skip


def find_price_leaders(
    snapshots: Snapshots, matches: ItemMatches, *, seed: int = 0
) -> PriceLeaders:
    """Find whose price cuts another competitor's follow, on products that both sell.

    A cut is 3 % or more below the item's snapshot before. Chance is what comes of dealing the
    follower's days of cuts anew over its products: both calendars stay as they are, so that a
    festival on which both cut everything makes no leader; p-values are corrected for all
    ordered pairs (Holm).

    Args:
        snapshots: The competitors' listings.
        matches: Which of their items are the same product.
        seed: Of the deals.
    """
    import pandas as pd

    days = (snapshots.last - snapshots.first).days + 1
    held = _cuts(snapshots, matches, days)
    rng, rows = np.random.default_rng(seed), []
    for leader, follower in permutations(sorted(held), 2):
        row = _pair(held[leader], held[follower], rng)
        if row:
            rows.append({"leader": leader, "follower": follower, **row})
    frame = pd.DataFrame(rows, columns=[*PriceLeaders.labels][:-1])
    frame["adjusted"] = _holm(frame["p"].to_numpy(float))
    order = frame.sort_values(["adjusted", "p", "leader"], kind="stable", ignore_index=True)
    return PriceLeaders(frame=order)


def _cuts(snapshots: Snapshots, matches: ItemMatches, days: int) -> dict[str, dict[str, Flags]]:
    """Days with a cut, by competitor and product of ours."""
    product = dict(zip(matches.sure["their_id"], matches.sure["our_id"], strict=True))
    rows = snapshots.changes
    rows = rows[rows["price"] <= rows["before"] * (1 - CUT)]
    found: dict[str, dict[str, Flags]] = {}
    for name, item, day in rows[["competitor", "item_id", "day"]].itertuples(index=False):
        ours = product.get(f"{name}/{item}")
        if ours:
            mine = found.setdefault(name, {}).setdefault(ours, np.zeros(days, bool))
            mine[(day - snapshots.first).days] = True
    return found


def _pair(
    leader: dict[str, Flags], follower: dict[str, Flags], rng: np.random.Generator
) -> dict[str, float] | None:
    """Cuts of the follower within a week of the leader's, against those by chance."""
    both = sorted(set(leader) & set(follower))
    if len(both) < LEAST:
        return None
    first = np.array([leader[product] for product in both])
    later = np.array([follower[product] for product in both])
    if min(int(first.sum()), int(later.sum())) < LEAST:
        return None
    lags = np.full(first.shape, np.nan)  # days since the leader's last cut, up to a week
    for gap in range(WITHIN, 0, -1):
        moved = np.zeros_like(first)
        moved[:, gap:] = first[:, :-gap]
        lags[moved] = gap
    near = ~np.isnan(lags)
    followed = int((later & near).sum())
    chance = np.array([(rng.permutation(later) & near).sum() for _ in range(DEALS)])
    return {
        "cuts": float(later.sum()), "followed": float(followed), "expected": float(chance.mean()),
        "lag": float(np.median(lags[later & near])) if followed else float("nan"),
        "p": float((1 + (chance >= followed).sum()) / (1 + len(chance))),
    }  # fmt: skip


def _holm(chances: NDArray[np.float64]) -> NDArray[np.float64]:
    """Holm (1979), Scandinavian Journal of Statistics 6, 65-70."""
    from statsmodels.stats.multitest import multipletests

    if not len(chances):
        return chances
    adjusted: NDArray[np.float64] = multipletests(chances, method="holm")[1]
    return adjusted
