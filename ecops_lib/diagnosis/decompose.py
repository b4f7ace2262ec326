"""Why did sales change? The change split exactly into visitors, conversion and spend."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, ClassVar

from ecops_lib.core.findings import Finding
from ecops_lib.core.formats import Unit, show
from ecops_lib.core.language import mark, tr
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


@dataclass(frozen=True, kw_only=True, eq=False)
class AmountSplit(Result):
    """The change of the amount paid, split without a remainder.

    Attributes:
        day: The day.
        against: The days it is compared with (their mean).
        rule: Why those days, in the reader's language.
        before: Amount paid on an average day of those [store currency].
        after: Amount paid on the day.
        factors: One row a factor: ``factor``, ``before``, ``after``, ``contribution``
            [store currency]; the contributions add up to ``after - before`` to the cent.
        reason: Why there is nothing to show; empty where there is something.
    """

    units: ClassVar[Mapping[str, Unit]] = {"contribution": "money"}
    labels: ClassVar[Mapping[str, str]] = {
        "factor": mark("factor"),
        "before": mark("compared days"),
        "after": mark("this day"),
        "contribution": mark("contribution to the change"),
    }
    sheet: ClassVar[str] = mark("change of sales")

    day: dt.date
    against: tuple[dt.date, ...] = ()
    rule: str = ""
    before: float = float("nan")
    after: float = float("nan")
    factors: pd.DataFrame | None = None
    reason: str = ""

    def absent(self) -> str:
        """Why the change cannot be split, if so."""
        return self.reason

    def _rows(self) -> pd.DataFrame:
        if self.factors is None:
            raise ValueError(self.reason)
        return self.factors

    def to_frame(self) -> pd.DataFrame:
        """One row a factor, each value as text in its own unit, and the total."""
        import pandas as pd

        rows = self._rows()
        shown = pd.DataFrame(
            {
                "factor": [tr(FACTORS[f][0]) for f in rows["factor"]],
                "before": [show(r.before, FACTORS[r.factor][1]) for r in rows.itertuples()],
                "after": [show(r.after, FACTORS[r.factor][1]) for r in rows.itertuples()],
                "contribution": rows["contribution"],
            }
        )
        total = {
            "factor": tr("amount paid"),
            "before": show(self.before, "money"),
            "after": show(self.after, "money"),
            "contribution": self.change,
        }
        return pd.concat([shown, pd.DataFrame([total])], ignore_index=True)

    @property
    def change(self) -> float:
        """The change in whole cents."""
        return round(float(self._rows()["contribution"].sum()), 2)

    def findings(self) -> tuple[Finding, ...]:
        """The change and what made it, in one sentence."""
        if self.reason:
            return ()
        numbers = {"before": self.before, "after": self.after, "change": self.change}
        for row in self._rows().itertuples():
            numbers[f"{row.factor}_contribution"] = float(row.contribution)
        found = Finding(key="amount_split", level="info", text=self._text(), evidence=numbers)
        if "visitors" in set(self._rows()["factor"]):
            return (found,)
        hint = tr(
            "Visitors are not told for these days, so the change is split without them; "
            "import {file}.",
            file=tr(table_named("traffic").hint),
        )
        return (found, Finding(key="amount_split/visitors", level="info", text=hint))

    def _text(self) -> str:
        parts = [
            tr(
                "{factor} {money}",
                factor=tr(FACTORS[row.factor][0]),
                money=show(row.contribution, "money", sign=True),
            )
            for row in self._rows().itertuples()
        ]
        values = {
            "after": show(self.after, "money"),
            "change": show(abs(self.change), "money"),
            "share": show(abs(self.change / self.before) if self.before else None, "share"),
            "rule": self.rule,
            "parts": tr(", ").join(parts),
        }
        if self.change < 0:
            return tr("{after} paid, {change} ({share}) less than {rule}: {parts}.", **values)
        if self.change > 0:
            return tr("{after} paid, {change} ({share}) more than {rule}: {parts}.", **values)
        return tr("{after} paid, as much as {rule}: {parts}.", **values)

    def chart(self) -> Chart | None:
        """From the compared days to this day, factor by factor."""
        return None


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
    shop = history.shop
    if shop.loc[str(day), "paid_amount"] != shop.loc[str(day), "paid_amount"]:
        hint = tr("To fill this section, import {file}.", file=tr(table_named("orders").hint))
        why = tr("No order tells what was paid on {day}.", day=day)
        return AmountSplit(day=day, reason=f"{why} {hint}")
    days, rule = _compared(history, day)
    if not days:
        why = tr(
            "The store holds no earlier day to compare {day} with; import earlier orders.", day=day
        )
        return AmountSplit(day=day, reason=why)
    old, new = shop.loc[[str(d) for d in days]], shop.loc[str(day)]
    counts, chain = next(
        (counts, chain)
        for counts, chain in CHAINS.items()
        if counts == ("paid_orders",)
        or all(old[c].notna().all() and new[c] > 0 and old[c].sum() > 0 for c in counts)
    )
    before = _factors(old[["paid_amount", *counts]].mean(), counts)
    after = _factors(new, counts)
    amounts = float(old["paid_amount"].mean()), float(new["paid_amount"])
    parts = round_to_sum(split_product(before, after), round(amounts[1], 2) - round(amounts[0], 2))
    import pandas as pd

    return AmountSplit(
        day=day,
        against=tuple(days),
        rule=rule,
        before=amounts[0],
        after=amounts[1],
        factors=pd.DataFrame(
            {"factor": chain, "before": before, "after": after, "contribution": parts}
        ),
    )


def _factors(row: pd.Series[float], counts: tuple[str, ...]) -> tuple[float, ...]:
    """The first count, then each quotient along the chain down to the amount."""
    chain = [*(float(row[name]) for name in counts), float(row["paid_amount"])]
    quotients = [b / a if a else float("nan") for a, b in pairwise(chain)]
    return (chain[0], *quotients)


def _compared(history: History, day: dt.date) -> tuple[list[dt.date], str]:
    """The days to compare with, and why those in words (after "than")."""
    country, events = history.settings.country, history.events
    first = day - 7 * WEEKS * DAY
    kinds = describe_days(first, day, country=country, events=events).set_index("day")
    special = (kinds[["holiday", "festival", "event"]].replace("unannounced", "") != "").any(axis=1)
    if special.loc[str(day)]:
        found = comparable_day(day, country=country)
        if _has_sales(history, found.day):
            words = tr("on {day} ({rule})", day=show(found.day, "day"), rule=found.label)
            return [found.day], words
    weeks = [day - 7 * n * DAY for n in range(WEEKS, 0, -1)]
    held = [d for d in weeks if _has_sales(history, d)]
    plain = [d for d in held if not special.loc[str(d)]] or held
    words = tr(
        "on the mean of the same weekday in the {weeks} weeks before", weeks=show(WEEKS, "count")
    )
    if len(plain) < WEEKS:
        listed = tr(", ").join(show(d, "day") for d in plain)
        words = tr("on the mean of the same weekday on {days}", days=listed)
    return plain, words


def _has_sales(history: History, day: dt.date) -> bool:
    amounts = history.shop["paid_amount"]
    return bool(str(day) in amounts.index and amounts.get(str(day), 0.0) > 0)
