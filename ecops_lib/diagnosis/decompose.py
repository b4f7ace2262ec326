"""Why did sales change? The change split exactly into visitors, conversion and spend."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, ClassVar

from ecops_lib.core.findings import Finding
from ecops_lib.core.formats import Unit, is_missing, show
from ecops_lib.core.language import mark, tr
from ecops_lib.core.names import joined
from ecops_lib.core.results import Result
from ecops_lib.data.calendar import comparable_day, describe_days
from ecops_lib.data.frames import DAY
from ecops_lib.data.schema import table_named
from ecops_lib.diagnosis.history import History
from ecops_lib.diagnosis.split import round_to_sum, split_product

if TYPE_CHECKING:
    import pandas as pd

    from ecops_lib.core.charts import Chart

WEEKS = 4
"""Weeks whose same weekday is averaged."""

FACTORS: Mapping[str, tuple[str, Unit]] = {
    "visitors": (mark("visitors"), "number"),
    "conversion": (mark("conversion"), "share"),
    "buyers": (mark("buyers"), "number"),
    "orders": (mark("paid orders"), "number"),
    "spend": (mark("spend per buyer"), "money"),
    "order_value": (mark("amount per order"), "money"),
}

CHAINS: Mapping[tuple[str, ...], tuple[str, ...]] = {
    ("visitors", "buyers"): ("visitors", "conversion", "spend"),
    ("buyers",): ("buyers", "spend"),
    ("paid_orders",): ("orders", "order_value"),
}
"""Which factors can be told from which counts, the fullest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Factor:
    """One factor of the amount paid.

    Attributes:
        key: Key of ``FACTORS``.
        before: Its value on the compared days.
        after: Its value on the day.
        contribution: What it made of the change [store currency, whole cents].
    """

    key: str
    before: float
    after: float
    contribution: float

    @property
    def label(self) -> str:
        """Its name in the reader's language."""
        return tr(FACTORS[self.key][0])

    @property
    def unit(self) -> Unit:
        """How its values are shown."""
        return FACTORS[self.key][1]


@dataclass(frozen=True, kw_only=True, eq=False)
class AmountSplit(Result):
    """The change of the amount paid, split without a remainder.

    Attributes:
        day: The day.
        against: The days it is compared with (their mean).
        rule: Which days those are, in the reader's language.
        before: Amount paid on an average day of those [store currency, whole cents].
        after: Amount paid on the day [store currency, whole cents].
        factors: The factors; their contributions add up to the change to the cent.
        reason: Why there is nothing to show; empty where there is something.
    """

    units: ClassVar[Mapping[str, Unit]] = {"contribution": "money"}
    labels: ClassVar[Mapping[str, str]] = {
        "factor": mark("Factor"),
        "before": mark("Compared days"),
        "after": mark("This day"),
        "contribution": mark("Contribution to the change"),
    }
    sheet: ClassVar[str] = mark("Change of sales")

    day: dt.date
    against: tuple[dt.date, ...] = ()
    rule: str = ""
    before: float = float("nan")
    after: float = float("nan")
    factors: tuple[Factor, ...] = ()
    reason: str = ""

    def absent(self) -> str:
        """Why the change cannot be split, if so."""
        return self.reason

    @property
    def change(self) -> float:
        """The change in whole cents."""
        return round(sum(factor.contribution for factor in self.factors), 2)

    def to_frame(self) -> pd.DataFrame:
        """One row a factor, each value in its own unit, and the amount paid."""
        import pandas as pd

        rows = [
            [f.label, show(f.before, f.unit), show(f.after, f.unit), f.contribution]
            for f in self.factors
        ]
        ends = [show(self.before, "money"), show(self.after, "money")]
        rows.append([tr("amount paid"), *ends, self.change])
        return pd.DataFrame(rows, columns=list(self.labels))

    def findings(self) -> tuple[Finding, ...]:
        """The change and what made it, in one sentence."""
        if self.reason:
            return ()
        numbers = {"before": self.before, "after": self.after, "change": self.change}
        for factor in self.factors:
            numbers[f"{factor.key}_before"] = factor.before
            numbers[f"{factor.key}_after"] = factor.after
            numbers[f"{factor.key}_contribution"] = factor.contribution
        found = Finding(key="amount_split", level="info", text=self._text(), evidence=numbers)
        if self.factors[0].key == "visitors":
            return (found,)
        hint = tr(
            "Visitors are not told for these days, so the change is split without them; "
            "import {file}.",
            file=tr(table_named("traffic").hint),
        )
        return (found, Finding(key="amount_split/visitors", level="info", text=hint))

    def _text(self) -> str:
        parts = [
            tr("{factor} {money}", factor=f.label, money=show(f.contribution, "money", sign=True))
            for f in self.factors
        ]
        values = {
            "after": show(self.after, "money"),
            "change": show(abs(self.change), "money"),
            "share": show(abs(self.change / self.before) if self.before else None, "share"),
            "rule": self.rule,
            "parts": tr(", ").join(parts),
        }
        if self.change < 0:
            return tr("{after} paid: {change} ({share}) less than {rule}. {parts}.", **values)
        if self.change > 0:
            return tr("{after} paid: {change} ({share}) more than {rule}. {parts}.", **values)
        return tr("{after} paid: as much as {rule}. {parts}.", **values)

    def chart(self) -> Chart:
        """From the compared days to this day, factor by factor."""
        import pandas as pd

        from ecops_lib.core.bars import waterfall_chart

        rows = [(f.label, f.contribution) for f in self.factors]
        return waterfall_chart(
            pd.DataFrame(rows, columns=["name", "value"]),
            caption=tr("What made the change of the amount paid"),
            unit="money",
            start=(tr("compared days"), self.before),
            end=(tr("this day"), self.after),
        )


def split_amount(history: History, *, day: dt.date) -> AmountSplit:
    """Split the change of the amount paid into visitors × conversion × spend per buyer.

    The day is compared with the mean of the same weekday in the four weeks before, less
    holidays and festivals among them; a festival or holiday with last year's comparable
    day, where the store reaches back so far. The split is Shapley's (see ``split_product``):
    exact to the cent, whatever the order of the factors. Without visitors it is buyers ×
    spend, without buyers orders × amount an order.

    Args:
        history: The days before.
        day: The day, the history's last or the one before it.

    Returns:
        The factors with their contributions; absent where there is nothing to compare with.
    """
    sales = history.shop.loc[: str(day)].tail(1).iloc[0]
    if is_missing(sales["paid_amount"]):
        hint = tr("To fill this section, import {file}.", file=tr(table_named("orders").hint))
        why = tr("No order tells what was paid on {day}.", day=show(day, "day"))
        return AmountSplit(day=day, reason=joined(why, hint))
    days, rule = _compared(history, day)
    if not days:
        why = tr(
            "None of the same weekdays in the {weeks} weeks before {day} has sales to compare "
            "with; import earlier orders.",
            weeks=show(WEEKS, "count"),
            day=show(day, "day"),
        )
        return AmountSplit(day=day, reason=why)
    earlier = history.shop.loc[[str(d) for d in days]]
    counts, chain = _chain(earlier, sales)
    before = _factors({n: float(earlier[n].mean()) for n in (*counts, "paid_amount")})
    after = _factors({n: float(sales[n]) for n in (*counts, "paid_amount")})
    old = round(float(earlier["paid_amount"].mean()), 2)
    new = round(float(sales["paid_amount"]), 2)
    parts = round_to_sum(split_product(before, after), new - old)
    return AmountSplit(
        day=day,
        against=tuple(days),
        rule=rule,
        before=old,
        after=new,
        factors=tuple(
            Factor(key=key, before=b, after=a, contribution=part)
            for key, b, a, part in zip(chain, before, after, parts, strict=True)
        ),
    )


def _chain(
    earlier: pd.DataFrame, sales: pd.Series[float]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The fullest chain whose counts are told on all the days."""
    for counts, chain in CHAINS.items():
        columns = list(counts)
        told = bool(earlier[columns].notna().all().all() and sales[columns].notna().all())
        if told and earlier[columns].to_numpy().sum() > 0:
            return counts, chain
    *_, last = CHAINS.items()
    return last


def _factors(row: Mapping[str, float]) -> tuple[float, ...]:
    """The first count, then each quotient along the chain down to the amount."""
    chain = list(row.values())
    quotients = [b / a if a else float("nan") for a, b in pairwise(chain)]
    return (chain[0], *quotients)


def _compared(history: History, day: dt.date) -> tuple[list[dt.date], str]:
    """The days to compare with, and why those in words (after "than")."""
    country, events = history.settings.country, history.events
    first = day - 7 * WEEKS * DAY
    kinds = describe_days(first, day, country=country, events=events).set_index("day")
    special = (kinds[["holiday", "festival", "event"]].replace("unannounced", "") != "").any(axis=1)
    if special.loc[str(day)]:
        found = comparable_day(day, country=country, events=events)
        if _has_sales(history, found.day):
            words = tr("on {day} ({rule})", day=show(found.day, "day"), rule=found.label)
            return [found.day], words
    weeks = [day - 7 * n * DAY for n in range(WEEKS, 0, -1)]
    held = [d for d in weeks if _has_sales(history, d)]
    plain = [d for d in held if not special.loc[str(d)]] or held
    words = tr(
        "the mean of the same weekday in the {weeks} weeks before", weeks=show(WEEKS, "count")
    )
    if len(plain) < WEEKS:
        listed = tr(", ").join(show(d, "day") for d in plain)
        words = tr("the mean of the same weekday on {days}", days=listed)
    return plain, words


def _has_sales(history: History, day: dt.date) -> bool:
    amounts = history.shop["paid_amount"]
    return bool(str(day) in amounts.index and amounts.get(str(day), 0.0) > 0)
