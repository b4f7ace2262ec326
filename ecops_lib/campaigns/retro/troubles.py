"""What went wrong beyond the usual, and what it cost."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from ecops_lib.campaigns.campaign import Campaign
from ecops_lib.campaigns.retro.basis import Days, sale_days, usual_days
from ecops_lib.campaigns.retro.order_flags import AGE, CASES, count_cases
from ecops_lib.campaigns.retro.stock_outs import lost_to_stock_outs
from ecops_lib.core.checks import as_day
from ecops_lib.core.errors import MissingDataError
from ecops_lib.core.findings import Action, Finding
from ecops_lib.core.formats import Unit, is_missing, show
from ecops_lib.core.language import mark, tr
from ecops_lib.core.results import Result
from ecops_lib.metrics.bases import Source, Tables

if TYPE_CHECKING:
    import pandas as pd

ALPHA = 0.05
"""Chance of calling any trouble real where none is, over all of them."""
STOCK = "stock"
NAMES: Mapping[str, str] = {
    "late": mark("Shipped late"),
    STOCK: mark("Out of stock"),
    "refunded": mark("Refunded"),
    "complained": mark("Complaints"),
    "low_rated": mark("One or two stars"),
}
OWNERS: Mapping[str, tuple[str, str]] = {
    "late": ("logistics", mark("logistics")),
    STOCK: ("stock", mark("stock control")),
    "refunded": ("service", mark("customer service")),
    "complained": ("service", mark("customer service")),
    "low_rated": ("product", mark("merchandising")),
}
ADVICE: Mapping[str, str] = {
    "late": mark("book more packing hours and carriers for the first days of the next one"),
    STOCK: mark("raise the stock of these SKUs in the next plan"),
    "refunded": mark("read the reasons by product before these products are promoted again"),
    "complained": mark("add staff to the service desk on these days"),
    "low_rated": mark("read the low ratings before these products are promoted again"),
}
TEXTS: Mapping[str, str] = {
    "late": mark(
        "{share} of the sale's orders were shipped late, {usual} usually are: {excess} orders "
        "more than usual ({low} to {high})."
    ),
    "refunded": mark(
        "{share} of the sale's orders were refunded within {days} days, {usual} usually are: "
        "{excess} orders more than usual ({low} to {high})."
    ),
    "complained": mark(
        "{share} of the sale's orders led to a complaint within {days} days, {usual} usually do: "
        "{excess} orders more than usual ({low} to {high})."
    ),
    "low_rated": mark(
        "{share} of the sale's rated orders got one or two stars within {days} days, {usual} "
        "usually do: {excess} orders more than usual ({low} to {high})."
    ),
}


@dataclass(frozen=True, kw_only=True, eq=False)
class Troubles(Result):
    """What went wrong in a sale, against the four weeks before the campaign.

    Attributes:
        frame: One row a trouble that the tables tell: ``trouble`` (key), ``share`` of the
            sale's orders (of SKU-days for stock) and ``usual``, ``excess`` cases beyond the
            usual (orders; units for stock) with ``excess_low`` and ``excess_high``, its ``money``
            [store currency] with ``money_low`` and ``money_high``, and ``real`` (the interval of
            the excess lies above zero). Intervals hold together in 95 % of cases (Bonferroni).
        untold: Why the other troubles are not told, by key.
        days: Days after payment within which refunds, complaints and ratings count, the same in
            the sale and in the usual days.
        sale: The sale's days.
        owners: Who sees to what.
    """

    sheet: ClassVar[str] = mark("What went wrong")
    labels: ClassVar[Mapping[str, str]] = {
        "trouble": mark("Trouble"),
        "share": mark("Share"),
        "usual": mark("Usual"),
        "excess": mark("Beyond the usual"),
        "excess_low": mark("From"),
        "excess_high": mark("To"),
        "money": mark("Cost"),
        "money_low": mark("Cost at least"),
        "money_high": mark("Cost at most"),
    }
    units: ClassVar[Mapping[str, Unit]] = {
        "share": "share", "usual": "share", "excess": "count", "excess_low": "count",
        "excess_high": "count", "money": "money", "money_low": "money", "money_high": "money",
    }  # fmt: skip

    frame: pd.DataFrame
    untold: Mapping[str, str]
    days: int
    sale: Days
    owners: Mapping[str, str]

    def to_frame(self) -> pd.DataFrame:
        """One row a trouble."""
        words = [tr(NAMES[key]) for key in self.frame["trouble"]]
        return self.frame.assign(trouble=words)[list(self.labels)]

    def page_frame(self) -> pd.DataFrame:
        """The columns that are told."""
        return self.to_frame().dropna(axis="columns", how="all")

    def findings(self) -> tuple[Finding, ...]:
        """What was worse than usual with its cost, what was not, and what no table tells."""
        rows = self.frame.to_dict("records")
        told = [self._trouble(row) for row in rows if row["real"]]
        calm = [tr(NAMES[str(row["trouble"])]) for row in rows if not row["real"]]
        if calm:
            text = tr(
                "No worse than usual, as far as can be told: {names}.", names=tr(", ").join(calm)
            )
            told.append(Finding(key="troubles/calm", level="info", text=text))
        if len([row for row in rows if row["real"]]) > 1:
            text = tr("One order may count in several rows, so their costs do not add up.")
            told.append(Finding(key="troubles/overlap", level="info", text=text))
        for why in dict.fromkeys(self.untold.values()):
            names = tr(", ").join(
                tr(NAMES[key]) for key, said in self.untold.items() if said == why
            )
            text = tr("Not told: {names}. {why}", names=names, why=why)
            told.append(Finding(key="troubles/untold", level="info", text=text))
        return tuple(told)

    def _trouble(self, row: Mapping[object, object]) -> Finding:
        key, number = (
            str(row["trouble"]),
            {k: float(str(row[k])) for k in self.labels if k != "trouble"},
        )
        if key == STOCK:
            text = tr(
                "{share} of the promoted SKU-days ran out of stock: about {excess} units ({low} to "
                "{high}) could not be sold.", **self._words(number),
            )  # fmt: skip
        else:
            text = tr(TEXTS[key], **self._words(number))
        if not is_missing(number["money"]):
            text += " " + tr(
                "Cost: {money} ({low} to {high}).", money=show(number["money"], "money"),
                low=show(number["money_low"], "money"), high=show(number["money_high"], "money"),
            )  # fmt: skip
        elif key == "late":
            text += " " + tr("Whether that cost anything cannot be told from refunds.")
        return Finding(
            key=f"troubles/{key}", level="bad", text=text, evidence=number,
            money=None if is_missing(number["money"]) else number["money"],
            action=Action(text=tr(ADVICE[key]), owner=self.owners[key]),
        )  # fmt: skip

    def _words(self, number: Mapping[str, float]) -> dict[str, str]:
        return {
            "share": show(number["share"], "share"), "usual": show(number["usual"], "share"),
            "excess": show(number["excess"], "count"), "low": show(number["excess_low"], "count"),
            "high": show(number["excess_high"], "count"), "days": show(self.days, "count"),
        }  # fmt: skip


def cost_troubles(
    source: Source, *, campaign: Campaign, as_of: dt.date | str, time_zone: str | None = None
) -> Troubles:
    """Compare a sale's late parcels, stock-outs, refunds and complaints with the usual.

    Orders are compared at equal age: refunds, complaints and ratings count within as many days
    after payment as the sale's last day had by ``as_of``, in the sale and in the four weeks
    before the campaign. An order is late past its promised deadline, or 48 hours after payment
    where none is written. A late order costs what late orders are refunded more than those in
    time; where that difference may be chance, its cost is not told.

    Args:
        source: A store, or tables by canonical name.
        campaign: The campaign.
        as_of: Last local day that counts.
        time_zone: IANA zone of the days; the store's by default.

    Raises:
        MissingDataError: Nothing was sold in the sale.
        ParameterError: It does not sell by ``as_of``.
    """
    import pandas as pd

    tables = Tables(source, time_zone=time_zone)
    tables.require("orders", "order_items")
    sale, usual = sale_days(campaign, as_of), usual_days(tables, campaign)
    day = as_day(as_of, name="as_of")
    age = min(AGE, (day - sale.last).days)
    now = count_cases(tables, sale, age=age, as_of=day)
    if not now.orders:
        raise MissingDataError(tr(
            "Nothing was paid on the campaign's days; import the orders of {first} to {last}.",
            first=show(sale.first, "day"), last=show(sale.last, "day"),
        ))  # fmt: skip
    then = count_cases(tables, usual, age=age, as_of=day) if usual else None
    alpha, rows, untold = ALPHA / len(NAMES), [], {}
    for key in CASES:
        held = now.beyond(key, then, alpha=alpha)
        if isinstance(held, str):
            untold[key] = held
        else:
            rows.append(held)
    stock = lost_to_stock_outs(tables, sale, alpha=alpha)
    if isinstance(stock, str):
        untold[STOCK] = stock
    else:
        rows.append(stock)
    frame = pd.DataFrame(rows, columns=["trouble", *list(Troubles.labels)[1:]])
    frame["real"] = frame["excess_low"] > 0
    ordered = frame.sort_values(["money", "excess"], ascending=False, kind="stable")
    owners = tables.store.settings.owners if tables.store else {}
    return Troubles(
        frame=ordered.reset_index(drop=True), untold=untold, days=age, sale=sale,
        owners={key: owners.get(kind, tr(name)) for key, (kind, name) in OWNERS.items()},
    )  # fmt: skip
