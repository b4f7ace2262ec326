"""Refunds: their reasons, and their rate by product with what small counts allow."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from ecops_lib.core.checks import require_between
from ecops_lib.core.findings import Finding
from ecops_lib.core.formats import Unit, show
from ecops_lib.core.language import mark, ntr, tr
from ecops_lib.core.results import Result
from ecops_lib.metrics.bases import Source
from ecops_lib.metrics.measuring import measure

if TYPE_CHECKING:
    import pandas as pd

CONFIDENCE = 0.95


@dataclass(frozen=True, kw_only=True, eq=False)
class RefundReasons(Result):
    """Claims of a period by reason.

    Attributes:
        frame: One row a reason, most claims first: claims, share, amount.
        start: First day of application.
        end: Last day, included.
        claims: All claims of the period.
        untold: Of them, those without a reason.
    """

    sheet: ClassVar[str] = mark("Refund reasons")
    units: ClassVar[Mapping[str, Unit]] = {"claims": "count", "share": "share", "amount": "money"}
    labels: ClassVar[Mapping[str, str]] = {
        "reason": mark("Reason"),
        "claims": mark("Claims"),
        "share": mark("Share of claims"),
        "amount": mark("Amount claimed"),
    }

    frame: pd.DataFrame
    start: dt.date
    end: dt.date
    claims: int
    untold: int

    def to_frame(self) -> pd.DataFrame:
        """One row a reason, most claims first."""
        return self.frame

    def findings(self) -> tuple[Finding, ...]:
        """The first reason, and how many claims give none."""
        found = []
        if len(self.frame):
            first = self.frame.iloc[0]
            text = tr(
                "The most frequent reason for a refund is “{reason}”: {count} of {all} claims.",
                reason=first["reason"],
                count=show(first["claims"], "count"),
                all=show(self.claims, "count"),
            )
            numbers = {"claims": float(first["claims"]), "all": float(self.claims)}
            found.append(Finding(key="refunds/reason", level="info", text=text, evidence=numbers))
        if self.untold:
            text = ntr(
                "{count} claim gives no reason.",
                "{count} claims give no reason.",
                self.untold,
                count=show(self.untold, "count"),
            )
            found.append(Finding(key="refunds/untold", level="info", text=text))
        return tuple(found)


def list_reasons(
    source: Source,
    *,
    start: dt.date | str,
    end: dt.date | str,
    most: int = 10,
    time_zone: str | None = None,
) -> RefundReasons:
    """The reasons given for the claims of a period, by day of application.

    Args:
        source: A store, or tables by canonical name.
        start: First local day.
        end: Last local day, included.
        most: How many reasons to list; the rest is left out, but counts in the shares.
        time_zone: IANA zone of the days; the store's by default.

    Raises:
        MissingDataError: There is no table of refunds, or no claim tells when it was made.
    """
    held = measure(
        source,
        ["refund_claims", "claimed_amount"],
        start=start,
        end=end,
        by=("reason",),
        time_zone=time_zone,
    )
    frame = held.frame.rename(columns={"refund_claims": "claims", "claimed_amount": "amount"})
    claims = int(frame["claims"].sum())
    told = frame.loc[frame["reason"].notna()]
    ranked = told.sort_values(["claims", "amount", "reason"], ascending=[False, False, True])
    ranked = ranked.assign(share=ranked["claims"] / claims if claims else np.nan)
    return RefundReasons(
        frame=ranked[["reason", "claims", "share", "amount"]].head(most).reset_index(drop=True),
        start=held.start,
        end=held.end,
        claims=claims,
        untold=claims - int(told["claims"].sum()),
    )


def wilson_interval(
    successes: np.ndarray, trials: np.ndarray, *, confidence: float = CONFIDENCE
) -> tuple[np.ndarray, np.ndarray]:
    """The score interval of a share, honest for small counts.

    Args:
        successes: Counts with the property.
        trials: Counts of all; 0 gives NaN.
        confidence: Probability that the interval holds the true share.

    References:
        Wilson (1927), JASA 22, 209-212; Brown, Cai and DasGupta (2001), Statistical
        Science 16, equation (4).

    >>> low, high = wilson_interval(np.array([0]), np.array([10]))
    >>> low.round(4).tolist(), high.round(4).tolist()
    ([0.0], [0.2775])
    """
    from scipy.stats import norm

    require_between(confidence, 0, 1, name="confidence", ends="open")
    z2 = norm.ppf((1 + confidence) / 2) ** 2
    n = np.where(trials > 0, trials, np.nan).astype(float)
    share = successes / n
    centre = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = np.sqrt(z2) / (1 + z2 / n) * np.sqrt(share * (1 - share) / n + z2 / (4 * n**2))
    return np.maximum(centre - half, 0.0), np.minimum(centre + half, 1.0)


@dataclass(frozen=True, kw_only=True, eq=False)
class RefundRates(Result):
    """Refund rates by product, with what small counts allow to be said.

    Attributes:
        frame: One row a product: paid_orders, refunded_orders, rate, low, high, amount;
            the highest lower bound first.
        rate: Refunded over paid orders of the whole shop.
        start: First day.
        end: Last day, included.
        unplaced: Refunded orders whose refund names no product.
    """

    sheet: ClassVar[str] = mark("Refund rate by product")
    units: ClassVar[Mapping[str, Unit]] = {
        "paid_orders": "count",
        "refunded_orders": "count",
        "rate": "share",
        "low": "share",
        "high": "share",
        "amount": "money",
    }
    labels: ClassVar[Mapping[str, str]] = {
        "product_id": mark("Product"),
        "paid_orders": mark("Paid orders"),
        "refunded_orders": mark("Refunded orders"),
        "rate": mark("Refund rate"),
        "low": mark("at least"),
        "high": mark("at most"),
        "amount": mark("Refunded amount"),
    }

    frame: pd.DataFrame
    rate: float
    start: dt.date
    end: dt.date
    unplaced: int

    def to_frame(self) -> pd.DataFrame:
        """One row a product, the surest high rate first."""
        return self.frame

    def findings(self) -> tuple[Finding, ...]:
        """Products whose rate is surely above the shop's."""
        rows: list[dict[str, Any]] = self.frame.to_dict("records")  # type: ignore[assignment]
        found = [self._finding(row) for row in rows if row["low"] > self.rate]
        if not found:
            text = tr(
                "No product's refund rate is surely above the shop's {rate}.",
                rate=show(self.rate, "share"),
            )
            found = [Finding(key="refunds/products", level="good", text=text)]
        if self.unplaced:
            text = ntr(
                "{count} refunded order names no product.",
                "{count} refunded orders name no product.",
                self.unplaced,
                count=show(self.unplaced, "count"),
            )
            found.append(Finding(key="refunds/unplaced", level="info", text=text))
        return tuple(found)

    def _finding(self, row: Mapping[str, object]) -> Finding:
        text = tr(
            "Product {product} was refunded in {refunded} of {paid} orders ({rate}; with 95% "
            "confidence at least {low}), against {shop} in the shop.",
            product=row["product_id"],
            refunded=show(row["refunded_orders"], "count"),
            paid=show(row["paid_orders"], "count"),
            rate=show(row["rate"], "share"),
            low=show(row["low"], "share"),
            shop=show(self.rate, "share"),
        )
        names = ("paid_orders", "refunded_orders", "rate", "low", "high")
        numbers = {name: float(str(row[name])) for name in names}
        return Finding(
            key=f"refunds/rate/{row['product_id']}",
            level="watch",
            text=text,
            evidence={**numbers, "shop": self.rate},
            money=float(str(row["amount"])),
        )


def rate_products(
    source: Source,
    *,
    start: dt.date | str,
    end: dt.date | str,
    time_zone: str | None = None,
) -> RefundRates:
    """The refund rate of each product's orders, counted on their payment day.

    Args:
        source: A store, or tables by canonical name.
        start: First local day of payment.
        end: Last one, included; refunds of recent days still grow (``mature_refunds``).
        time_zone: IANA zone of the days; the store's by default.

    Raises:
        MetricError: Some refunds name no paid order, so they have no payment day.
        MissingDataError: A table is absent.
    """
    keys = ["paid_orders", "refunded_orders", "refund_amount"]
    given: dict[str, object] = {"start": start, "end": end, "time_zone": time_zone}
    held = measure(source, keys, by=("product",), refund_basis="pay", **given)  # type: ignore[arg-type]
    shop = measure(source, ["refund_rate_by_order"], refund_basis="pay", **given)  # type: ignore[arg-type]
    frame = held.frame.rename(columns={"refund_amount": "amount"})
    placed = frame.loc[frame["product_id"].notna() & (frame["paid_orders"] > 0)]
    refunded = placed["refunded_orders"].clip(upper=placed["paid_orders"]).to_numpy(float)
    low, high = wilson_interval(refunded, placed["paid_orders"].to_numpy(float))
    rates = placed.assign(rate=refunded / placed["paid_orders"], low=low, high=high)
    columns = ["product_id", "paid_orders", "refunded_orders", "rate", "low", "high", "amount"]
    return RefundRates(
        frame=rates.sort_values(["low", "product_id"], ascending=[False, True])[
            columns
        ].reset_index(drop=True),
        rate=shop.value("refund_rate_by_order"),
        start=held.start,
        end=held.end,
        unplaced=int(frame.loc[frame["product_id"].isna(), "refunded_orders"].sum()),
    )
