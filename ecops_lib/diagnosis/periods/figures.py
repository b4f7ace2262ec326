"""The key figures of a week or month beside the days that are like it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from ecops_lib.core.cards import Better, Card, Change, cards_html
from ecops_lib.core.figures import Expected, KeyFigure, Rate
from ecops_lib.core.findings import Finding
from ecops_lib.core.formats import Unit, is_missing, show
from ecops_lib.core.language import mark, tr
from ecops_lib.core.results import Result
from ecops_lib.core.tables import pretty
from ecops_lib.data.calendar.festivals import FESTIVALS
from ecops_lib.data.calendar.national import holiday_label
from ecops_lib.data.calendar.periods import Period, Span
from ecops_lib.data.settings import RefundBasis
from ecops_lib.diagnosis.history import History
from ecops_lib.diagnosis.periods.expected import expect_period
from ecops_lib.metrics.bases import Bases
from ecops_lib.metrics.measuring import measure_spans
from ecops_lib.metrics.rates import measure_rates
from ecops_lib.metrics.registry import metric_named

if TYPE_CHECKING:
    import pandas as pd

    from ecops_lib.core.charts import Chart

GROUPS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "sales": (
        mark("Sales"),
        ("paid_amount", "net_paid_amount", "paid_orders", "buyers", "spend_per_buyer",
         "paid_units", "average_selling_price", "discount_depth"),
    ),
    "traffic": (mark("Traffic"), ("visitors_a_day", "conversion_by_day", "page_views",
                                  "cart_units", "enquiry_rate")),
    "buyers": (mark("Customer mix"), ("new_buyers", "returning_buyers", "returning_amount")),
    "assortment": (mark("Assortment"), ("active_product_rate",)),
    "service": (
        mark("Service and after-sales"),
        ("refund_rate_by_amount", "refund_claims", "pickup_rate_24h", "delivery_hours",
         "review_rating", "dsr"),
    ),
    "promotion": (mark("Advertising"), ("ad_cost", "return_on_ad_spend", "commission_cost")),
}  # fmt: skip

BY_DAY: Mapping[str, tuple[str, Unit, Better]] = {
    "visitors_a_day": (mark("Visitors a day (mean)"), "count", "up"),
    "conversion_by_day": (mark("Conversion (days' buyers over days' visitors)"), "share", "up"),
}
"""Figures of distinct people, which must not be added up over days."""

REFERENCES: Mapping[str, str] = {"before": mark("vs. before"), "year": mark("vs. last year")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One key figure.

    Attributes:
        key: Its metric, or key of ``BY_DAY``.
        group: Key of ``GROUPS``.
        value: In the period; NaN where it cannot be told.
        before: In the days before that are like it.
        year: In those of last year.
        why: Why it cannot be told.
    """

    key: str
    group: str
    value: float
    before: float
    year: float
    why: str = ""

    @property
    def label(self) -> str:
        """Its name in the reader's language."""
        return tr(BY_DAY[self.key][0] if self.key in BY_DAY else metric_named(self.key).label)

    @property
    def unit(self) -> Unit:
        """How it is shown."""
        return BY_DAY[self.key][1] if self.key in BY_DAY else metric_named(self.key).unit

    @property
    def better(self) -> Better:
        """Which way is good."""
        return BY_DAY[self.key][2] if self.key in BY_DAY else metric_named(self.key).better

    def change(self, reference: str) -> float:
        """Against a reference: points of a share, else relative; NaN where not told."""
        against = float(getattr(self, reference))
        if self.unit == "share":
            return self.value - against
        return self.value / against - 1 if against > 0 else float("nan")

    @property
    def change_unit(self) -> Unit:
        """Unit of its changes."""
        return "points" if self.unit == "share" else "share"


@dataclass(frozen=True, kw_only=True, eq=False)
class PeriodFigures(Result):
    """Key figures of a period.

    Attributes:
        period: The period.
        figures: The figures.
        days: Amount paid by day: ``day``, ``value`` and ``before`` [store currency].
        occasions: Holidays and festivals of the period, and of the days before.
        bases: Time zone and refund basis.
        expected: The amount paid beside what was to be expected; None where that is not known.
        rates: The rates of the weeks up to the period's end, for a page over several shops.
    """

    sheet: ClassVar[str] = mark("Key figures")
    labels: ClassVar[Mapping[str, str]] = {
        "group": mark("Group"),
        "figure": mark("Figure"),
        "value": mark("Value"),
        "before": mark("Days before"),
        "before_change": mark("vs. before"),
        "year": mark("Last year"),
        "year_change": mark("vs. last year"),
        "why": mark("Why not"),
    }

    period: Period
    figures: tuple[Figure, ...]
    days: pd.DataFrame
    occasions: tuple[frozenset[str], frozenset[str]]
    bases: Bases
    expected: Expected | None = None
    rates: tuple[Rate, ...] = ()

    def key_figures(self) -> tuple[KeyFigure, ...]:
        """The amount paid beside its expectation, and the rates."""
        return (*((self.expected,) if self.expected else ()), *self.rates)

    def __getitem__(self, key: str) -> Figure:
        """One figure by its key."""
        return next(figure for figure in self.figures if figure.key == key)

    def to_frame(self) -> pd.DataFrame:
        """One row a figure; a change of a share is a difference of fractions."""
        import pandas as pd

        rows = [
            [tr(GROUPS[f.group][0]), f.label, f.value, f.before, f.change("before"), f.year,
             f.change("year"), f.why]
            for f in self.figures
        ]  # fmt: skip
        return pd.DataFrame(rows, columns=list(self.labels))

    def shown(self) -> pd.DataFrame:
        """The table in words, each number in its own unit."""
        held = self.to_frame().astype(object)
        for name in ("value", *REFERENCES):
            held[name] = [show(getattr(f, name), f.unit) for f in self.figures]
        for name in REFERENCES:
            held[f"{name}_change"] = [
                show(f.change(name), f.change_unit, sign=True) for f in self.figures
            ]
        return held

    def table_units(self) -> Mapping[str, Unit]:
        """Plain numbers: a column holds several units (see ``shown``)."""
        numbers = ("value", "before", "before_change", "year", "year_change")
        return dict.fromkeys(numbers, "number")

    def __str__(self) -> str:
        """The table in its units, and the findings."""
        words = [finding.text for finding in self.findings()]
        table = pretty(self.shown(), units={}, labels=self.headings()).to_string(index=False)
        return "\n".join([table, *words])

    def table_html(self) -> str:
        """The figures as cards in their groups."""
        groups = {
            tr(label): [_card(f) for f in self.figures if f.group == key]
            for key, (label, _) in GROUPS.items()
        }
        return cards_html(groups)

    def findings(self) -> tuple[Finding, ...]:
        """What was paid against both references, what the days are, and the bases."""
        paid = self["paid_amount"]
        told = [self._against(paid, name) for name in REFERENCES]
        basis = Finding(key="bases", level="info", text=self.bases.sentence())
        return (*told, *self._range(), *self._unlike(), basis)

    def _range(self) -> tuple[Finding, ...]:
        """Whether the amount paid lies where the days before let expect it."""
        held = self.expected
        if held is None:
            return ()
        words = {name: show(getattr(held, name), "money") for name in ("expected", "low", "high")}
        match held.moved:
            case "down":
                text = tr("That is less than was to be expected: {low} to {high}, about "
                          "{expected}.", **words)  # fmt: skip
            case "up":
                text = tr("That is more than was to be expected: {low} to {high}, about "
                          "{expected}.", **words)  # fmt: skip
            case _:
                text = tr("That is within what was to be expected: {low} to {high}, about "
                          "{expected}.", **words)  # fmt: skip
        names = ("value", "expected", "low", "high")
        numbers = {name: float(getattr(held, name)) for name in names}
        return (Finding(key="figures/expected", level="info", text=text, evidence=numbers),)

    def _unlike(self) -> tuple[Finding, ...]:
        """That a holiday or festival lies in one of the two spans only, if so."""
        now, before = self.occasions
        parts = [
            (tr("the period has {names}", names=tr(", ").join(sorted(now - before))), now - before),
            (tr("the days before have {names}", names=tr(", ").join(sorted(before - now))),
             before - now),
        ]  # fmt: skip
        told = tr(", ").join(words for words, names in parts if names)
        if not told:
            return ()
        text = tr(
            "The days before are not quite alike: {told}; last year's are matched by the calendar.",
            told=told,
        )
        return (Finding(key="figures/unlike", level="info", text=text),)

    def _against(self, paid: Figure, name: str) -> Finding:
        against = self.period.before_words() if name == "before" else self.period.year_words()
        change = paid.change(name)
        words = {"value": show(paid.value, "money"), "against": against,
                 "change": show(abs(change), "share"),
                 "was": show(getattr(paid, name), "money")}  # fmt: skip
        if is_missing(change):
            text = tr("{value} was paid; there is no figure for {against}.", **words)
        elif change < 0:
            text = tr("{value} was paid, {change} less than in {against} ({was}).", **words)
        else:
            text = tr("{value} was paid, {change} more than in {against} ({was}).", **words)
        numbers = {"value": paid.value, "against": float(getattr(paid, name))}
        return Finding(key=f"figures/{name}", level="info", text=text, evidence=numbers)

    def chart(self) -> Chart:
        """The amount paid by day, beside the days before."""
        from ecops_lib.core.charts import line_chart

        return line_chart(
            self.days,
            caption=tr("Amount paid by day"),
            unit="money",
            labels={"value": tr("this period"), "before": tr("days before")},
            compare="before",
        )


def _card(figure: Figure) -> Card:
    changes = [
        Change(against=tr(label), value=figure.change(name), unit=figure.change_unit)
        for name, label in REFERENCES.items()
    ]
    return Card(
        name=figure.label, value=figure.value, unit=figure.unit, better=figure.better,
        changes=changes, absent=figure.why if is_missing(figure.value) else "",
    )  # fmt: skip


@dataclass(frozen=True, kw_only=True, eq=False)
class _Read:
    """What the metrics are in one span."""

    values: Mapping[str, float]
    refused: Mapping[str, str] = field(default_factory=dict)
    bases: Bases | None = None


def compare_period(
    history: History, period: Period, *, refund_basis: RefundBasis | None = None
) -> PeriodFigures:
    """Key figures of a period beside the days before and those of last year's calendar.

    Sums are sums of the days, ratios are ratios of sums, buyers are counted once in each
    period; visitors, whom platforms count by day, are told as the mean of the days. A span
    that begins before the store's first payment has no figures.

    Args:
        history: The days before, up to the period's last one.
        period: The period.
        refund_basis: Day that refunds count on; as ``measure`` decides by default.
    """
    now = _read(history, (period.first, period.last), refund_basis)
    before = _read(history, period.before, refund_basis)
    year = _read(history, period.year, refund_basis)
    nothing = float("nan")
    figures = tuple(
        Figure(
            key=key, group=group, value=now.values.get(key, nothing),
            before=before.values.get(key, nothing), year=year.values.get(key, nothing),
            why=_why(now, key),
        )
        for group, (_, keys) in GROUPS.items() for key in keys
    )  # fmt: skip
    bases = now.bases or Bases(time_zone=history.tables.zone_name)
    spans = ((period.first, period.last), period.before)
    return PeriodFigures(
        period=period,
        figures=figures,
        days=_days(history, period),
        occasions=(_occasions(history, spans[0]), _occasions(history, spans[1])),
        bases=bases,
        expected=expect_period(history, period),
        rates=measure_rates(history.tables, day=period.last),
    )


def _occasions(history: History, span: Span) -> frozenset[str]:
    """Names of the holidays and festivals in a span."""
    days = history.calendar
    inside = days.loc[(days["day"] >= str(span[0])) & (days["day"] <= str(span[1]))]
    holidays = set(inside["holiday"]) - {"", "unannounced"}
    festivals = set(inside["festival"]) - {""}
    return frozenset(map(holiday_label, holidays)) | {tr(FESTIVALS[key]) for key in festivals}


def _why(read: _Read, key: str) -> str:
    """Why a figure cannot be told; empty where it can."""
    if not is_missing(read.values.get(key)):
        return ""
    return read.refused.get(key, tr("Not computable from these files."))


def _read(history: History, span: Span, refund_basis: RefundBasis | None) -> _Read:
    """Every figure of one span; none where the store begins later."""
    known = history.tables.span("orders", "paid_at") if history.has("orders") else None
    if known is None or span[0] < known[0]:
        return _Read(values={})
    keys = [key for _, held in GROUPS.values() for key in held if key not in BY_DAY]
    found = measure_spans(
        history.tables, keys, spans=(span,), refund_basis=refund_basis, lenient=True
    )
    row = found.to_frame().iloc[0]
    values = {key: float(row[key]) for key in keys if key in row}
    return _Read(values=values | _by_day(history, span), refused=found.refused, bases=found.bases)


def _by_day(history: History, span: Span) -> dict[str, float]:
    """Mean daily visitors, and conversion of days with both counts."""
    rows = history.shop.loc[str(span[0]) : str(span[1]), ["visitors", "buyers"]].dropna()
    days: int = (span[1] - span[0]).days + 1
    if len(rows) < days or not rows["visitors"].sum() > 0:
        return {}
    rate = float(rows["buyers"].sum() / rows["visitors"].sum())
    return {"visitors_a_day": float(rows["visitors"].mean()), "conversion_by_day": rate}


def _days(history: History, period: Period) -> pd.DataFrame:
    """The amount paid on each day, and on the day that it is compared with."""
    import pandas as pd

    days = pd.date_range(period.first, period.last, freq="D")
    paid = history.shop["paid_amount"]
    before = paid.reindex(pd.date_range(*period.before, freq="D")).to_numpy(float)
    return pd.DataFrame({"day": days, "value": paid.reindex(days).to_numpy(float),
                         "before": before})  # fmt: skip
