"""Refund claims of a day: is there a wave, against which products, for which reason?"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from ecops_lib.core.findings import Action, Finding, Sign
from ecops_lib.core.formats import Unit, is_missing, show
from ecops_lib.core.language import mark, tr
from ecops_lib.core.names import joined, short_name
from ecops_lib.core.results import Result
from ecops_lib.data.frames import DAY
from ecops_lib.data.schema import table_named
from ecops_lib.diagnosis.counts import ALARM, judge_counts
from ecops_lib.diagnosis.history import LAGS, PAST, History

if TYPE_CHECKING:
    import pandas as pd

    from ecops_lib.core.charts import Chart
    from ecops_lib.diagnosis.counts import Numbers

SHOP = ""
"""The item that stands for the whole shop."""

FEWEST_DAYS = 14
"""Days since the first claim of the store from which on it is known what is usual."""

FEWEST = 3
REASONS, SHOWN = 8, 10
"""Reasons drawn, and products listed beside the shop."""

CHANCE = 0.01
"""Chance of so many claims with one reason at which the reason counts as concentrated."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemClaims:
    """Claims of the day against one product, or against the whole shop.

    Attributes:
        item: Product id; empty for the shop.
        name: Its name.
        seen: Claims.
        expected: Claims expected from its orders.
        low: Lower end of the range that holds 95 % of such days.
        high: Its upper end.
        q: False-discovery rate; NaN where there is too little to tell.
        amount: Amount claimed [store currency].
        top_reason: The most frequent reason; empty where none is told.
        reason_claims: Claims with it.
        usual_share: Its share among the item's earlier claims.
        concentrated: Whether it is more frequent than it used to be.
    """

    item: str
    name: str
    seen: float
    expected: float
    low: float
    high: float
    q: float
    amount: float = 0.0
    top_reason: str = ""
    reason_claims: float = float("nan")
    usual_share: float = float("nan")
    concentrated: bool = False

    @property
    def is_wave(self) -> bool:
        """Whether there are more claims than noise would bring."""
        return self.q <= ALARM and self.seen > self.expected

    @property
    def evidence(self) -> dict[str, float]:
        """The numbers behind its sentence."""
        names = ("seen", "expected", "low", "high", "q", "amount", "reason_claims", "usual_share")
        return {name: float(getattr(self, name)) for name in names}


@dataclass(frozen=True, kw_only=True, eq=False)
class Claims(Result):
    """Refund claims of a day against what the orders of the weeks before let expect.

    Attributes:
        day: The day.
        owner: Who sees to it.
        items: The shop, then each product with a claim on the day, most claims first.
        reasons: Reasons of the last seven days with their claims, most frequent first.
        reason: Why there is nothing to show; empty where there is something.
    """

    units: ClassVar[Mapping[str, Unit]] = {
        "seen": "count",
        "expected": "number",
        "low": "count",
        "high": "count",
        "amount": "money",
        "reason_claims": "count",
        "usual_share": "share",
        "q": "share",
    }
    labels: ClassVar[Mapping[str, str]] = {
        "name": mark("Product"),
        "seen": mark("Refund claims"),
        "expected": mark("Expected"),
        "low": mark("Range from"),
        "high": mark("Range to"),
        "amount": mark("Amount claimed"),
        "top_reason": mark("Most frequent reason"),
        "reason_claims": mark("Claims with it"),
        "usual_share": mark("Its usual share"),
        "q": mark("False-alarm rate"),
    }
    sheet: ClassVar[str] = mark("Refund claims")

    day: dt.date
    owner: str
    items: tuple[ItemClaims, ...] = ()
    reasons: tuple[tuple[str, float], ...] = ()
    reason: str = ""

    def absent(self) -> str:
        """Why claims cannot be judged, if so."""
        return self.reason

    def to_frame(self) -> pd.DataFrame:
        """The shop, then the products with most claims."""
        import pandas as pd

        rows = [
            {
                **item.evidence,
                "name": item.name if item.item else tr("all"),
                "top_reason": item.top_reason,
            }
            for item in self.items[: SHOWN + 1]
        ]
        return pd.DataFrame(rows, columns=list(self.labels))

    def findings(self) -> tuple[Finding, ...]:
        """The products with a wave of claims; else what the shop's claims were."""
        if self.reason:
            return ()
        waves = [item for item in self.items if item.is_wave]
        named = [item for item in waves if item.item != SHOP] or waves
        return tuple(map(self._wave, named)) or (_usual(self.items[0]),)

    def chart(self) -> Chart | None:
        """The reasons of the last seven days."""
        if not self.reasons:
            return None
        import pandas as pd

        from ecops_lib.core.bars import bar_chart

        frame = pd.DataFrame(self.reasons[:REASONS], columns=["name", "value"])
        caption = tr("Refund claims of the last 7 days by reason")
        return bar_chart(frame, caption=caption, unit="count")

    def _wave(self, item: ItemClaims) -> Finding:
        text = tr(
            "{name} has {seen} refund claims on this day, where its orders let expect about "
            "{expected}.",
            name=short_name(item.name, item.item) if item.item else tr("The shop"),
            seen=show(item.seen, "count"),
            expected=show(item.expected, "number"),
        )
        action = tr("read the claims and find what they share")
        if item.concentrated:
            reason = short_name(item.top_reason)
            text = joined(text, _reason_words(item, reason))
            action = tr("stop shipping it until the cause of “{reason}” is found", reason=reason)
        return Finding(
            key=f"refund_wave/{item.item}",
            level="bad",
            text=text,
            evidence=item.evidence,
            money=item.amount * (1 - item.expected / item.seen),
            action=Action(text=action, owner=self.owner),
            signs=self._signs(item) if item.concentrated else (),
        )

    def _signs(self, item: ItemClaims) -> tuple[Sign, ...]:
        """A reason that many claims share, which other shops may find too."""
        text = tr("refund claims that say “{reason}”", reason=short_name(item.top_reason))
        key = f"claims/{item.top_reason}"
        return (Sign(key=key, text=text, first=self.day, last=self.day),)


def _reason_words(item: ItemClaims, reason: str) -> str:
    values = {"count": show(item.reason_claims, "count"), "reason": reason}
    if is_missing(item.usual_share):
        return tr("{count} of them say “{reason}”.", **values)
    usual = show(item.usual_share, "share")
    return tr("{count} of them say “{reason}” (usually {usual}).", usual=usual, **values)


def _usual(shop: ItemClaims) -> Finding:
    values = {name: show(getattr(shop, name), "count") for name in ("seen", "low", "high")}
    if shop.low <= shop.seen <= shop.high:
        text = tr(
            "{seen} refund claims on this day, within the usual range of {low} to {high}.",
            **values,
        )
    else:
        text = tr("{seen} refund claims on this day; no product stands out.", **values)
    return Finding(key="refund_wave", level="good", text=text, evidence=shop.evidence)


def find_claim_waves(history: History, *, day: dt.date) -> Claims:
    """Products whose refund claims of a day are more than their orders let expect.

    Claims follow orders, so a product's claims are held against its order lines of the
    30 days before, each weighted by how often claims of this shop come so many days after
    payment, times the product's own claims a weighted line over the eight weeks before.

    Args:
        history: The days before.
        day: The day, the history's last or the one before it.

    Returns:
        Claims by product with their expectation and their reasons; absent where claims
        carry no time of application.
    """
    owner = history.settings.owners.get("service", tr("customer service"))
    if missing := _missing(history, day):
        return Claims(day=day, owner=owner, reason=missing)
    counts, exposure = claim_grids(history, day)
    seen = counts.to_numpy(float)
    judged = judge_counts(seen, exposure.to_numpy(float), windows=(1,))
    told = _told(history, day)
    found = [
        ItemClaims(
            item=str(item),
            name=history.names.get(str(item), str(item)),
            seen=float(seen[-1, place]),
            expected=float(judged.expected[place]),
            low=float(judged.low[place]),
            high=float(judged.high[place]),
            q=float(judged.q[place]),
            **told.get(str(item), {}),
        )
        for place, item in enumerate(counts.columns)
    ]
    shop, *products = found
    with_claims = [item for item in products if item.seen > 0]
    ranked = sorted(with_claims, key=lambda i: (-i.seen, i.item))
    return Claims(day=day, owner=owner, items=(shop, *ranked), reasons=_reasons(history, day))


def _reasons(history: History, day: dt.date) -> tuple[tuple[str, float], ...]:
    """Reasons of the last seven days, most claims first."""
    claims = history.claims
    week = claims.loc[claims["day"].between(str(day - 6 * DAY), str(day))]
    counts = week.groupby("reason")["claims"].sum().to_dict()
    ranked = sorted(counts.items(), key=lambda pair: (-pair[1], str(pair[0])))
    return tuple((str(reason), float(count)) for reason, count in ranked)


def _missing(history: History, day: dt.date) -> str:
    """Why claims cannot be judged, and what would help."""
    hint = tr("To fill this section, import {file}.", file=tr(table_named("refunds").hint))
    if not history.has("refunds"):
        return joined(tr("The store holds no refunds."), hint)
    claims = history.claims
    told = claims.loc[claims["day"] <= str(day)]
    if told.empty:
        return joined(tr("No refund of the last months tells when it was asked for."), hint)
    days = (day - told["day"].min().date()).days
    if days < FEWEST_DAYS:
        why = tr(
            "Claims are told for {days} days only; {least} are needed to know what is usual.",
            days=days,
            least=FEWEST_DAYS,
        )
        return joined(why, hint)
    return ""


def claim_grids(history: History, day: dt.date) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Claims and what should carry them, by day × product; the shop as the first column."""
    import numpy as np

    lines = history.sold_lines(until=day, days=PAST + 1 + LAGS)
    kernel = _lag_kernel(history, day)
    carried = lines.fillna(0.0).apply(
        lambda sold: np.convolve(sold.to_numpy(float), kernel)[: len(sold)]
    )
    exposure = carried.tail(PAST + 1)
    claims = history.claims.assign(item=history.claims["product_id"].fillna(""))
    grid = claims.pivot_table(index="day", columns="item", values="claims", aggfunc="sum")
    grid = grid.reindex(exposure.index).fillna(0.0)
    own = [c for c in exposure.columns if c != SHOP]
    counts = grid.reindex(columns=own, fill_value=0.0)
    counts.insert(0, SHOP, grid.sum(axis=1))
    exposure = exposure[own].copy()
    exposure.insert(0, SHOP, carried.tail(PAST + 1).sum(axis=1))
    first = claims["day"].min()
    counts.loc[counts.index < first] = np.nan
    return counts, exposure


def _lag_kernel(history: History, day: dt.date) -> Numbers:
    """Share of claims that come 0, 1, … days after payment, from the claims before the day."""
    import numpy as np

    lags = history.claim_lags
    past = lags.loc[(lags["day"] < str(day)) & lags["lag"].between(0, LAGS)]
    counts = np.bincount(past["lag"], weights=past["claims"], minlength=LAGS + 1)
    smooth = np.convolve(counts + 0.5, np.ones(3) / 3, mode="same")
    shares: Numbers = smooth / smooth.sum()
    return shares


def _told(history: History, day: dt.date) -> dict[str, dict[str, Any]]:
    """Amount and most frequent reason of the day's claims, by product and for the shop."""
    import pandas as pd

    claims = history.claims.assign(item=history.claims["product_id"].fillna(""))
    both = pd.concat([claims.loc[claims["item"] != SHOP], claims.assign(item=SHOP)])
    now = both.loc[both["day"] == str(day)]
    past = both.loc[(both["day"] < str(day)) & (both["day"] >= str(day - PAST * DAY))]
    return {
        str(item): {"amount": float(held["amount"].sum()), **_top(held, past, str(item))}
        for item, held in now.groupby("item")
    }


def _top(now: pd.DataFrame, past: pd.DataFrame, item: str) -> dict[str, Any]:
    """The most frequent reason, and whether it is more frequent than it used to be."""
    from scipy import stats

    told = now.loc[now["reason"].notna()].groupby("reason")["claims"].sum()
    if told.empty:
        return {}
    reason, count = str(told.idxmax()), int(told.max())
    before = past.loc[(past["item"] == item) & past["reason"].notna()]
    total = float(before["claims"].sum())
    same = float(before.loc[before["reason"] == reason, "claims"].sum())
    chance = stats.binom.sf(count - 1, int(told.sum()), (same + 0.5) / (total + 1))
    return {
        "top_reason": reason,
        "reason_claims": float(count),
        "usual_share": same / total if total else float("nan"),
        "concentrated": bool(count >= FEWEST and chance <= CHANCE),
    }
