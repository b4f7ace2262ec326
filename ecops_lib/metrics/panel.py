"""The KPI panel: the 32 items of 生意参谋's home page, computed or said why not."""

from __future__ import annotations

import datetime as dt
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from ecops_lib.core.cards import Card, Change, cards_html
from ecops_lib.core.checks import as_day
from ecops_lib.core.figures import Rate
from ecops_lib.core.findings import Finding
from ecops_lib.core.formats import Unit, is_missing, show
from ecops_lib.core.language import mark, tr
from ecops_lib.data.schema import table_named
from ecops_lib.data.settings import PresaleRule, RefundBasis
from ecops_lib.metrics.bases import Source, Tables
from ecops_lib.metrics.histories import fact_named
from ecops_lib.metrics.measures import MEASURES
from ecops_lib.metrics.notes import rows_word
from ecops_lib.metrics.periods import REFERENCES, DayComparison, compare_day
from ecops_lib.metrics.rates import measure_rates
from ecops_lib.metrics.registry import metric_named
from ecops_lib.metrics.rowwise import MetricRows

if TYPE_CHECKING:
    import pandas as pd

Group = Literal["payment", "intent", "service", "promotion"]
PANEL_GROUPS: Mapping[Group, str] = {
    "payment": mark("Payment"),
    "intent": mark("Intent"),
    "service": mark("Fulfilment and after-sales"),
    "promotion": mark("Promotion"),
}


@dataclass(frozen=True, slots=True)
class PanelItem:
    """One of the 32 items: the platform's key, its group, and our metric."""

    platform_key: str
    group: Group
    metric: str


ITEMS = (
    PanelItem("payAmt", "payment", "paid_amount"),
    PanelItem("netPaymentAmount", "payment", "net_paid_amount"),
    PanelItem("uv", "payment", "visitors"),
    PanelItem("payByrCnt", "payment", "buyers"),
    PanelItem("payRate", "payment", "conversion_rate"),
    PanelItem("pv", "payment", "page_views"),
    PanelItem("stayTime", "payment", "stay_seconds"),
    PanelItem("subPayOrdSubCnt", "payment", "paid_sub_orders"),
    PanelItem("payItmCnt", "payment", "paid_units"),
    PanelItem("payPct", "payment", "spend_per_buyer"),
    PanelItem("cartByrCnt", "intent", "cart_visitors"),
    PanelItem("cltItmCnt", "intent", "favourite_visitors"),
    PanelItem("cartItemCnt", "intent", "cart_units"),
    PanelItem("rePurchasePayAmount", "intent", "returning_amount"),
    PanelItem("payOldByrCnt", "intent", "returning_buyers"),
    PanelItem("hasPurchaseUbyCntRate", "intent", "returning_repurchase_rate"),
    PanelItem("consultRate", "intent", "enquiry_rate"),
    PanelItem("realPayrealRfdRate", "service", "post_receipt_refund_rate"),
    PanelItem("rfdSucAmt", "service", "refund_amount_by_refund_day"),
    PanelItem("payShopRfdAmt", "service", "refund_amount_by_pay_day"),
    PanelItem("payAmtRfdRate", "service", "refund_rate_by_amount"),
    PanelItem("ordRfdRate", "service", "refund_rate_by_order"),
    PanelItem("rfdFinshDur", "service", "refund_days"),
    PanelItem("wwReplyManualAvgTimeLen", "service", "reply_seconds"),
    PanelItem("slrRespRate", "service", "ruling_rate"),
    PanelItem("gotInTime24hRate", "service", "pickup_rate_24h"),
    PanelItem("avgSignTimeHh", "service", "delivery_hours"),
    PanelItem("p4pExpendAmt", "promotion", "keyword_ad_cost"),
    PanelItem("cubeAmt", "promotion", "audience_ad_cost"),
    PanelItem("feedCharge", "promotion", "smart_ad_cost"),
    PanelItem("adStrategyAmt", "promotion", "whole_site_ad_cost"),
    PanelItem("tkExpendAmt", "promotion", "commission_cost"),
)


@dataclass(frozen=True, kw_only=True, eq=False)
class KpiPanel(MetricRows):
    """The 32 items of a day.

    Attributes:
        day: The day.
        comparison: The items that could be computed, with their references.
        reasons: Why each of the others could not be, by metric.
        steady: The rates of the weeks up to the day, for a page over several shops.
    """

    sheet: ClassVar[str] = mark("KPI panel")
    values: ClassVar[tuple[str, ...]] = ("value",)
    differences: ClassVar[tuple[str, ...]] = ()
    rates: ClassVar[tuple[str, ...]] = ()
    labels: ClassVar[Mapping[str, str]] = {
        "group": mark("Group"),
        "metric": mark("Metric"),
        "platform_key": mark("Key at 生意参谋"),
        "value": mark("Value"),
        "day_before": mark("vs. day before"),
        "same_weekday": mark("vs. same weekday"),
        "last_year": mark("vs. last year"),
        "target": mark("vs. target"),
        "reason": mark("Why not"),
    }

    day: dt.date
    comparison: DayComparison
    reasons: Mapping[str, str]
    steady: tuple[Rate, ...] = ()

    def key_figures(self) -> tuple[Rate, ...]:
        """The rates of the weeks up to the day."""
        return self.steady

    def to_frame(self) -> pd.DataFrame:
        """One row an item: group, metric, the platform's key, value, changes, why not.

        A change is relative; of a share it is in points (a difference of fractions).
        """
        import pandas as pd

        return pd.DataFrame([self._row(item) for item in ITEMS])

    def _row(self, item: PanelItem) -> dict[str, object]:
        held = [c for c in self.comparison.comparisons if c.metric.key == item.metric]
        row: dict[str, object] = {
            "group": item.group,
            "metric": item.metric,
            "platform_key": item.platform_key,
            "value": held[0].value if held else float("nan"),
        }
        for reference in ("day_before", "same_weekday", "last_year", "target"):
            row[reference] = float("nan")
        for comparison in held:
            share = comparison.metric.unit == "share"
            row[comparison.reference] = comparison.difference if share else comparison.relative
        row["reason"] = self.reasons.get(item.metric, "")
        return row

    def shown(self) -> pd.DataFrame:
        """The panel in words: labels, units, signs."""
        frame = self.to_frame()
        held = super().shown()
        held["group"] = [tr(PANEL_GROUPS[group]) for group in frame["group"]]
        for reference in ("day_before", "same_weekday", "last_year", "target"):
            held[reference] = [
                show(v, "points" if metric_named(key).unit == "share" else "share", sign=True)
                for v, key in zip(frame[reference], frame["metric"], strict=True)
            ]
        return held

    def table_html(self) -> str:
        """The items as cards in their four groups."""
        cards: dict[str, list[Card]] = {tr(heading): [] for heading in PANEL_GROUPS.values()}
        for row in self.to_frame().to_dict("records"):
            heading = PANEL_GROUPS[row["group"]]
            cards[tr(heading)].append(self._card(row))
        return cards_html(cards)

    def _card(self, row: Mapping[Hashable, Any]) -> Card:
        metric, labels = metric_named(row["metric"]), self.headings()
        unit: Unit = "points" if metric.unit == "share" else "share"
        return Card(
            name=tr(metric.label),
            value=row["value"],
            unit=metric.unit,
            better=metric.better,
            changes=[Change(against=labels[r], value=row[r], unit=unit) for r in REFERENCES],
            absent=row["reason"],
        )

    def findings(self) -> tuple[Finding, ...]:
        """How many items there are, what is missing, and the bases."""
        computed = sum(item.metric not in self.reasons for item in ITEMS)
        text = tr("{count} of {all} items could be computed.", count=computed, all=len(ITEMS))
        numbers = {"count": float(computed), "all": float(len(ITEMS))}
        counted = Finding(key="panel/computed", level="info", text=text, evidence=numbers)
        notes = tuple(note.finding() for note in self.comparison.notes)
        bases = Finding(key="bases", level="info", text=self.comparison.bases.sentence())
        return (counted, *notes, bases)


def kpi_panel(
    source: Source,
    *,
    day: dt.date | str,
    refund_basis: RefundBasis | None = None,
    time_zone: str | None = None,
    presale: PresaleRule | None = None,
) -> KpiPanel:
    """The 32 items of 生意参谋's home page for a day, each computed or said why not.

    Args:
        source: A store, or tables by canonical name.
        day: The local day.
        refund_basis: As for ``measure``.
        time_zone: As for ``measure``.
        presale: As for ``measure``.
    """
    today = as_day(day, name="day")
    comparison = compare_day(
        source,
        [item.metric for item in ITEMS],
        day=today,
        refund_basis=refund_basis,
        time_zone=time_zone,
        presale=presale,
    )
    reasons = dict(comparison.refused)
    for held in comparison.comparisons:
        if is_missing(held.value) and held.metric.key not in reasons:
            reasons[held.metric.key] = _reason(held.metric.key, today)
    return KpiPanel(
        day=today,
        comparison=comparison,
        reasons={
            key: tr("Not computable from these files. {reason}", reason=text)
            for key, text in reasons.items()
        },
        steady=measure_rates(Tables(source, time_zone=time_zone), day=today),
    )


def _reason(key: str, day: dt.date) -> str:
    """Why a metric has no value on a day although its tables are there."""
    metric = metric_named(key)
    for measure in metric.measures:
        fact = fact_named(MEASURES[measure][0].fact, presale="full", refund_basis="pay")
        if fact.reported:
            return tr(
                "No {rows} of {day} tell it; import {hint} of that day.",
                rows=rows_word(fact.tables[0]),
                day=show(day, "day"),
                hint=tr(table_named(fact.tables[0]).hint),
            )
    return tr(
        "There is nothing to count on {day} ({formula}).",
        day=show(day, "day"),
        formula=tr(metric.formula),
    )
