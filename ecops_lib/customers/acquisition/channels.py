"""One channel's new customers: their cost, what they brought, and whether that pays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import nan, sqrt

from ecops_lib.core.findings import Action, Finding, Level
from ecops_lib.core.formats import show
from ecops_lib.core.language import ntr, tr
from ecops_lib.core.names import joined
from ecops_lib.customers.acquisition.newcomers import Worth, Z, oldest_known
from ecops_lib.customers.cohort_cells import MONTH
from ecops_lib.customers.firsts import LEAST
from ecops_lib.customers.shares import Sums

MOST_NAMED = 5
"""Channels named in one sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelCost:
    """New customers of a channel (or of all) against what they cost.

    Attributes:
        key: A stable name.
        name: What people call it.
        spend: What was spent on it [store currency]; 0 where nothing is told.
        customers: New customers of the same days.
        costed: Whether the two belong together: both are there.
        curve: Customers by month of age, and their net amounts up to then.
        margin: Share of the net amount that counts.
        worth: What a new one is worth; None where that cannot be told.
    """

    key: str
    name: str
    spend: float
    customers: int
    costed: bool
    curve: Sequence[Sums]
    margin: float
    worth: Worth | None

    @property
    def cac(self) -> float:
        """Spend a new customer [store currency]; NaN where it cannot be told."""
        return self.spend / self.customers if self.costed else nan

    @property
    def observed(self) -> int:
        """The oldest month of age that enough customers have lived; -1 for none."""
        return oldest_known(self.curve)

    @property
    def brought(self) -> float:
        """Margin a customer up to that age [store currency]."""
        return self.margin * self.curve[self.observed].mean if self.observed >= 0 else nan

    @property
    def payback(self) -> int | None:
        """The first month of age by which the cost is paid back; None where it is not."""
        ages = range(self.observed + 1)
        return next((a for a in ages if self.margin * self.curve[a].mean >= self.cac), None)

    @property
    def level(self) -> Level:
        """Good or bad where the customers who are old enough leave no doubt."""
        if self.observed < 0:
            return "info"
        wide = Z * self.margin * sqrt(self.curve[self.observed].error)
        if self.payback is not None:
            return "good" if self.brought - wide >= self.cac else "info"
        hopeless = self.worth is not None and self.worth.high < self.cac
        return "bad" if self.brought + wide < self.cac and hopeless else "watch"

    def to_row(self) -> Mapping[str, object]:
        """One row of the table."""
        worth, cac = self.worth, self.cac
        return {
            "channel": self.name,
            "spend": self.spend or nan,
            "customers": self.customers,
            "cac": cac,
            "brought": self.brought,
            "observed": self.observed * MONTH if self.observed >= 0 else nan,
            "payback": nan if self.payback is None else self.payback * MONTH,
            "worth": worth.value if worth else nan,
            "ratio": worth.value / cac if worth else nan,
            "low": worth.low / cac if worth else nan,
            "high": worth.high / cac if worth else nan,
        }

    def finding(self, *, months: int, owner: str) -> Finding:
        """Whether the cost is paid back, by when, and what is expected."""
        numbers = {"cac": self.cac, "customers": float(self.customers), "spend": self.spend}
        key = f"acquisition/channel/{self.key}"
        if self.observed < 0:
            text = tr(
                "{channel}: a new customer costs {cac}; what one brings cannot be told, for fewer "
                "than {least} are known.",
                channel=self.name,
                cac=show(self.cac, "money"),
                least=show(LEAST, "count"),
            )
            return Finding(key=key, level="info", text=text, evidence=numbers)
        lost = max(0.0, self.cac - self.brought) * self.customers
        open_ = self.payback is None
        return Finding(
            key=key,
            level=self.level,
            text=joined(self._told(), self._expected(months)) if self.worth else self._told(),
            evidence={**numbers, "brought": self.brought, "observed": float(self.observed * MONTH),
                      "payback": nan if self.payback is None else float(self.payback * MONTH)},
            money=lost if open_ else None,
            action=self._action(owner) if open_ else None,
        )  # fmt: skip

    def _told(self) -> str:
        """Cost, what was brought, and when that covers it."""
        age = self.observed
        given = {
            "channel": self.name,
            "cac": show(self.cac, "money"),
            "brought": show(self.brought, "money"),
            "age": show(age * MONTH, "days"),
            "old": show(self.curve[age].n, "count"),
        }
        if self.payback == 0:
            return tr(
                "{channel}: a new customer costs {cac}, which the first purchase pays back "
                "({brought} of margin within {age}, {old} customers).",
                **given,
            )
        if self.payback is not None:
            return tr(
                "{channel}: a new customer costs {cac} and pays it back within {when} ({brought} "
                "of margin within {age}, {old} customers).",
                **given,
                when=show(self.payback * MONTH, "days"),
            )
        if not age:
            return tr(
                "{channel}: a new customer costs {cac} and the first purchase brings {brought} of "
                "margin ({old} customers): not paid back with it, and none is older than a month.",
                **given,
            )
        return tr(
            "{channel}: a new customer costs {cac} and has brought {brought} of margin within "
            "{age} ({old} customers): not paid back in the {age} observed.",
            **given,
        )

    def _expected(self, months: int) -> str:
        """Worth over cost with its interval, and on what it rests."""
        worth = self.worth
        if worth is None:
            return ""
        given = {
            "worth": show(worth.value, "money"),
            "ratio": show(worth.value / self.cac, "ratio"),
            "low": show(worth.low / self.cac, "ratio"),
            "high": show(worth.high / self.cac, "ratio"),
            "months": show(months, "count"),
        }
        if worth.basis == "observed":
            return tr(
                "No purchase model fits, so worth is what was observed: {ratio} times the cost "
                "({low} to {high}), and more with time.",
                **given,
            )
        if worth.basis == "all":
            return tr(
                "With the repeat purchases of all customers, for its own fit no model, one is "
                "worth {worth} in the next {months} months, {ratio} times the cost "
                "({low} to {high}).",
                **given,
            )
        return tr(
            "One is expected to be worth {worth} in the next {months} months, {ratio} times the "
            "cost ({low} to {high}).",
            **given,
        )

    def _action(self, owner: str) -> Action:
        """Spend less until a customer costs what one brings."""
        most = max(self.brought, self.worth.value if self.worth else 0.0, 0.0)
        if self.worth and self.worth.low >= self.cac:
            text = tr("Keep it, and look again when more of its customers are old enough.")
        else:
            text = tr(
                "Lower bids and budget until a new customer costs less than {most}, or pause it; "
                "leave some regions or days without it to see what it really brings.",
                most=show(most, "money"),
            )
        return Action(text=text, owner=owner)


def listed_channels(channels: Sequence[ChannelCost]) -> str:
    """The first of them by name, and how many more."""
    names = tr(", ").join(c.name for c in channels[:MOST_NAMED])
    more = len(channels) - MOST_NAMED
    if more <= 0:
        return names
    return ntr("{names} and {count} other", "{names} and {count} others", more, names=names,
               count=show(more, "count"))  # fmt: skip
