"""The funnel by phase: from visits and carts to payment, delivery and refund."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import narwhals as nw
import numpy as np

from ecops_lib.campaigns.campaign import Campaign
from ecops_lib.campaigns.plan.past import known_editions
from ecops_lib.campaigns.retro.basis import Days, paid_lines, visits_on
from ecops_lib.core.checks import as_day
from ecops_lib.core.errors import EcopsError, MissingDataError
from ecops_lib.core.findings import Finding, Level
from ecops_lib.core.formats import Unit, is_missing, show
from ecops_lib.core.language import mark, tr
from ecops_lib.core.results import Result
from ecops_lib.data import frames
from ecops_lib.data.calendar.festivals import PHASES
from ecops_lib.metrics.bases import ORDER_KEY, Source, Tables
from ecops_lib.metrics.maturity import RefundMaturity, mature_refunds

if TYPE_CHECKING:
    import pandas as pd

DELIVERY_DAYS = 15
"""Age of an order in days from which it should have been received."""
ALPHA = 0.05


@dataclass(frozen=True, kw_only=True, eq=False)
class PhaseFunnel(Result):
    """Each phase of a campaign from visits to refunds.

    Attributes:
        frame: One row a phase: ``phase`` (key), ``visitors`` (visitor-days), ``cart_rate`` and
            ``conversion`` (visitors who put into the cart, buyers, over visitors, as traffic tells
            them by day), ``orders`` paid, ``delivered`` (share received of those at least
            `DELIVERY_DAYS` old), ``refunded`` (share of the paid amount so far), ``final`` (share
            in the end, by the shop's maturity of refunds), ``cart_rate_before`` and
            ``conversion_before`` of the last edition, ``p_cart`` and ``p`` that the rates differ
            only by chance (two shares, pooled; times the number of rates, Bonferroni). NaN is not
            known.
        campaign: The campaign.
        before: Name of the last edition; empty where none is known.
        as_of: Last day that counts.
    """

    sheet: ClassVar[str] = mark("Funnel by phase")
    labels: ClassVar[Mapping[str, str]] = {
        "phase": mark("Phase"),
        "visitors": mark("Visitor-days"),
        "cart_rate": mark("Put into the cart"),
        "conversion": mark("Paid"),
        "orders": mark("Paid orders"),
        "delivered": mark("Received"),
        "refunded": mark("Refunded so far"),
        "final": mark("Refunded in the end"),
        "cart_rate_before": mark("Cart, last edition"),
        "conversion_before": mark("Paid, last edition"),
    }
    units: ClassVar[Mapping[str, Unit]] = {
        "visitors": "count", "orders": "count", "cart_rate": "share", "conversion": "share",
        "delivered": "share", "refunded": "share", "final": "share",
        "cart_rate_before": "share", "conversion_before": "share",
    }  # fmt: skip

    frame: pd.DataFrame
    campaign: Campaign
    before: str
    as_of: dt.date

    def to_frame(self) -> pd.DataFrame:
        """One row a phase, with the phases' names."""
        words = [tr(PHASES[phase]) for phase in self.frame["phase"]]
        return self.frame.assign(phase=words)[list(self.labels)]

    def page_frame(self) -> pd.DataFrame:
        """The columns that are told."""
        return self.to_frame().dropna(axis="columns", how="all")

    def findings(self) -> tuple[Finding, ...]:
        """Steps that were wider or narrower than in the last edition, and what is still open."""
        steps = [
            self._step(row, key)
            for row in self.frame.to_dict("records")
            for key in ("cart_rate", "conversion")
        ]
        told = [finding for finding in steps if finding]
        if not told:
            text = tr("No earlier edition tells whether a step was narrower than usual.")
            if self.before:
                text = tr("No step differs from {name} by more than chance.", name=self.before)
            told = [Finding(key="funnel/steps", level="info", text=text)]
        return (*told, *self._refunds(), *self._young())

    def _step(self, row: Mapping[object, object], key: str) -> Finding | None:
        chance = row["p_cart" if key == "cart_rate" else "p"]
        if is_missing(chance) or float(str(chance)) >= ALPHA:
            return None
        now, then = float(str(row[key])), float(str(row[f"{key}_before"]))
        words = {
            "phase": tr(PHASES[str(row["phase"])]), "now": show(now, "share"),
            "then": show(then, "share"), "name": self.before,
        }  # fmt: skip
        level: Level = "good" if now > then else "watch"
        texts = {
            "cart_rate": mark(
                "{phase}: {now} of visitors put something into the cart, {then} did in {name}."
            ),
            "conversion": mark("{phase}: {now} of visitors paid, {then} did in {name}."),
        }
        return Finding(
            key=f"funnel/{row['phase']}/{key}", level=level, text=tr(texts[key], **words),
            evidence={"now": now, "then": then},
        )  # fmt: skip

    def _refunds(self) -> tuple[Finding, ...]:
        sale = self.frame[self.frame["phase"] == "burst"]
        if sale.empty or is_missing(sale["final"].iloc[0]):
            return ()
        words = {
            "so_far": show(sale["refunded"].iloc[0], "share"), "day": show(self.as_of, "day"),
            "final": show(sale["final"].iloc[0], "share"),
        }  # fmt: skip
        text = tr(
            "Of what was paid in the sale {so_far} is refunded by {day}; by the shop's habits it "
            "will be {final}.", **words,
        )  # fmt: skip
        if words["so_far"] == words["final"]:
            text = tr(
                "Of what was paid in the sale {so_far} is refunded by {day}; by the shop's habits "
                "that is all.", **words,
            )  # fmt: skip
        return (Finding(key="funnel/refunds", level="info", text=text),)

    def _young(self) -> tuple[Finding, ...]:
        if self.frame["delivered"].notna().all() or not self.frame["orders"].sum() > 0:
            return ()
        text = tr(
            "Receipt is told only of orders paid at least {days} days before {day}; younger ones "
            "may be on their way.", days=DELIVERY_DAYS, day=show(self.as_of, "day"),
        )  # fmt: skip
        return (Finding(key="funnel/young", level="info", text=text),)


def trace_funnel(
    source: Source, *, campaign: Campaign, as_of: dt.date | str, time_zone: str | None = None
) -> PhaseFunnel:
    """Trace each phase of a campaign from visits and carts to payment, receipt and refund.

    Days of one phase that fall apart, such as two bursts, are added up. Rates are ratios of
    sums over days (and promoted products), so the same person on two days is two.

    Args:
        source: A store, or tables by canonical name.
        campaign: The campaign.
        as_of: Last local day that counts.
        time_zone: IANA zone of the days; the store's by default.

    Raises:
        MissingDataError: Neither traffic nor paid orders tell of its days.
    """
    import pandas as pd

    day = as_day(as_of, name="as_of")
    tables = Tables(source, time_zone=time_zone)
    tables.require("orders", "order_items")
    editions = known_editions(source, campaign, as_of=day, time_zone=time_zone)
    ripe = _maturity(source, day, time_zone)
    rows = []
    for phase in dict.fromkeys(span.phase for span in campaign.spans if span.first <= day):
        now = _visits(tables, campaign, phase, day)
        then = _visits(tables, editions[-1], phase, day) if editions else (math.nan,) * 3
        cart, paid = (_rates(now, then, step) for step in (1, 2))
        rows.append({
            "phase": phase, "visitors": now[0], "cart_rate": cart[0], "cart_rate_before": cart[1],
            "p_cart": cart[2], "conversion": paid[0], "conversion_before": paid[1], "p": paid[2],
            **_orders(tables, campaign, phase, day, ripe),
        })  # fmt: skip
    frame = pd.DataFrame(rows, columns=[*PhaseFunnel.labels, "p_cart", "p"])
    chances = frame[["p_cart", "p"]].astype(float)
    frame[["p_cart", "p"]] = (chances * chances.notna().to_numpy().sum()).clip(upper=1.0)
    if not frame["orders"].sum() > 0 and frame["visitors"].isna().all():
        raise MissingDataError(tr(
            "Nothing is known of the campaign's days; import the orders of {first} to {last}.",
            first=show(campaign.first, "day"), last=show(campaign.last, "day"),
        ))  # fmt: skip
    before = editions[-1].name if editions else ""
    return PhaseFunnel(frame=frame, campaign=campaign, before=before, as_of=day)


def _maturity(source: Source, day: dt.date, time_zone: str | None) -> RefundMaturity | None:
    try:
        return mature_refunds(source, as_of=day, time_zone=time_zone)
    except EcopsError:
        return None  # without refunds the columns of refunds stay dashes


def _spans(campaign: Campaign, phase: str, day: dt.date) -> list[Days]:
    return [
        Days(first=span.first, last=min(span.last, day), products=campaign.products)
        for span in campaign.spans
        if span.phase == phase and span.first <= day
    ]


def _visits(
    tables: Tables, campaign: Campaign, phase: str, day: dt.date
) -> tuple[float, float, float]:
    """Visitors, visitors with a cart and buyers, summed over days and products; NaN unknown."""
    if not tables.has("traffic"):
        return (math.nan,) * 3
    scope = "product" if campaign.products else "shop"
    names = ("visitors", "cart_visitors", "paying_buyers")
    sums = []
    for days in _spans(campaign, phase, day):
        rows = visits_on(tables, days, scope).select(
            *(nw.col(name).cast(nw.Float64).sum() for name in names),
            **{f"{name}_told": (~nw.col(name).is_null()).cast(nw.Int64).sum() for name in names},
        )
        held = frames.bring(rows).fillna(0).iloc[0]
        told = [float(held[name]) if held[f"{name}_told"] else math.nan for name in names]
        sums.append(told)
    if not sums:
        return (math.nan,) * 3
    visitors, carts, buyers = np.sum(np.array(sums), axis=0).tolist()
    return visitors, carts, buyers


def _rates(
    now: tuple[float, float, float], then: tuple[float, float, float], step: int
) -> tuple[float, float, float]:
    """A step's rate now and then, and the chance that they differ as much by chance."""
    from scipy.stats import norm

    rates = [one[step] / one[0] if one[0] > 0 else math.nan for one in (now, then)]
    whole = (now[step] + then[step]) / (now[0] + then[0]) if now[0] + then[0] > 0 else math.nan
    if any(math.isnan(rate) for rate in rates) or not 0 < whole < 1:
        return rates[0], rates[1], math.nan
    error = math.sqrt(whole * (1 - whole) * (1 / now[0] + 1 / then[0]))
    return rates[0], rates[1], 2 * float(norm.sf(abs(rates[0] - rates[1]) / error))


def _orders(
    tables: Tables, campaign: Campaign, phase: str, day: dt.date, ripe: RefundMaturity | None
) -> dict[str, float]:
    """Paid orders of a phase, the share received of the old ones, and what is refunded."""
    import pandas as pd

    held = pd.concat([_by_day(tables, days, day) for days in _spans(campaign, phase, day)])
    ages = np.array([(day - moment.date()).days for moment in held["day"]], float)
    old = held[ages >= DELIVERY_DAYS]
    paid, refunded = held["amount"].to_numpy(float), held["refunded"].to_numpy(float)
    told = {"orders": float(held["orders"].sum()), "delivered": math.nan,
            "refunded": math.nan, "final": math.nan}  # fmt: skip
    if old["orders"].sum() and held["received"].sum():
        told["delivered"] = float(old["received"].sum() / old["orders"].sum())
    if ripe and paid.sum() > 0:
        shown = np.array([ripe.share_shown(int(age)) for age in ages])
        told["refunded"] = float(refunded.sum() / paid.sum())
        due = float((paid * shown).sum())
        told["final"] = float(refunded.sum() / due) if due > 0 else math.nan
    return told


def _by_day(tables: Tables, days: Days, as_of: dt.date) -> pd.DataFrame:
    """Orders, amount, receipts and refunds of the orders paid on each day."""
    lines = paid_lines(tables, days, ("paid_at", "delivered_at"))
    received = frames.within("delivered_at", days.first, as_of, tables.zone)
    orders = lines.group_by(*ORDER_KEY).agg(
        amount=nw.col("amount").sum(), paid_at=nw.col("paid_at").min(),
        delivered_at=nw.col("delivered_at").min(),
    )  # fmt: skip
    known = nw.when(received.fill_null(value=False)).then(1).otherwise(0)
    rows = orders.with_columns(
        day=frames.local_day("paid_at", days.first, days.last, tables.zone), received=known
    )
    if tables.has("refunds"):
        back = _refunded(tables, days, as_of)
        rows = rows.join(back, on=ORDER_KEY, how="left")
    else:
        rows = rows.with_columns(back=nw.lit(None, nw.Float64))
    sums = rows.group_by("day").agg(
        orders=nw.len(), amount=nw.col("amount").sum(), received=nw.col("received").sum(),
        refunded=nw.col("back").sum(),
    )  # fmt: skip
    return frames.bring(sums, sort=["day"]).fillna({"refunded": 0.0})


def _refunded(tables: Tables, days: Days, as_of: dt.date) -> nw.LazyFrame[Any]:
    """Amount refunded by order up to a day, of the products that count where refunds name them."""
    rows = tables.lazy("refunds").filter(
        (nw.col("status") == "success")
        & frames.within("finished_at", days.first, as_of, tables.zone)
        & ~nw.col("order_id").is_null()
    )
    if days.products:
        mine = nw.col("product_id").is_in(list(days.products)) | nw.col("product_id").is_null()
        rows = rows.filter(mine)
    rows = rows.with_columns(back=nw.col("amount").cast(nw.Float64))
    return rows.group_by(*ORDER_KEY).agg(nw.col("back").sum())
