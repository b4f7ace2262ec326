"""Which shops fell or rose, each against what its own past lets expect."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from ecops_lib.core.findings import Finding, Level
from ecops_lib.core.formats import Unit, show
from ecops_lib.core.language import mark, ntr, reading, tr
from ecops_lib.core.results import Result
from ecops_lib.reports.batch.across.records import Group, ShopPage

if TYPE_CHECKING:
    import pandas as pd

    from ecops_lib.core.charts import Chart

SALES = "paid_amount"
"""The figure that shops are judged by."""
CHARTED = 30
"""Shops in the chart, those that moved most."""
VERDICTS: Mapping[str, str] = {
    "down": mark("fell"),
    "up": mark("rose"),
    "": mark("as expected"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ShopSales:
    """A shop's sales beside their expectation, both in its own currency.

    Attributes:
        page: The shop's page.
        value: Amount paid.
        expected: What was to be expected.
        low: Lower end of the range to be expected.
        high: Its upper end.
        moved: What the shop's page says: ``down``, ``up``, or nothing.
    """

    page: ShopPage
    value: float
    expected: float
    low: float
    high: float
    moved: str

    @property
    def change(self) -> float:
        """Relative difference from the expectation."""
        return self.value / self.expected - 1

    @property
    def span(self) -> tuple[float, float]:
        """Relative differences from the ends of the range, the lower one first."""
        return self.value / self.high - 1, self.value / self.low - 1 if self.low else float("nan")

    def money(self, value: float) -> str:
        """An amount in the shop's currency."""
        with reading(currency=self.page.currency):
            return show(value, "money")


@dataclass(frozen=True, kw_only=True, eq=False)
class SalesAcross(Result):
    """Shops by how far their sales are from what was to be expected.

    Attributes:
        shops: The shops, those that moved first, then by relative difference.
        unjudged: Shops whose page has no expectation.
    """

    sheet: ClassVar[str] = mark("Sales against expectation")
    units: ClassVar[Mapping[str, Unit]] = {"change": "share"}
    labels: ClassVar[Mapping[str, str]] = {
        "shop": mark("Shop"),
        "currency": mark("Currency"),
        "value": mark("Amount paid"),
        "expected": mark("Expected"),
        "low": mark("Expected at least"),
        "high": mark("Expected at most"),
        "change": mark("Against expectation"),
        "verdict": mark("The page says"),
    }

    shops: tuple[ShopSales, ...]
    unjudged: tuple[str, ...] = ()

    def absent(self) -> str:
        """That no page has an expectation, if so."""
        if self.shops:
            return ""
        return tr("No page tells what was to be expected: that takes about six weeks of sales.")

    def to_frame(self) -> pd.DataFrame:
        """One row a shop, amounts in its own currency."""
        import pandas as pd

        rows = [
            [s.page.shop, s.page.currency, s.value, s.expected, s.low, s.high, s.change,
             tr(VERDICTS[s.moved])]
            for s in self.shops
        ]  # fmt: skip
        return pd.DataFrame(rows, columns=list(self.labels))

    def page_frame(self) -> pd.DataFrame:
        """The same with each amount written in its currency."""
        shown = self.to_frame().astype(dict.fromkeys(("value", *RANGE), object))
        for name in ("value", *RANGE):
            shown[name] = [shop.money(getattr(shop, name)) for shop in self.shops]
        return shown

    def findings(self) -> tuple[Finding, ...]:
        """The shops that moved, then the sums of each currency."""
        moved = tuple(self._finding(shop) for shop in self.shops if shop.moved)
        return (*(moved or (self._none(),)), *self._sums(), *self._unjudged())

    def _finding(self, held: ShopSales) -> Finding:
        words = {name: held.money(getattr(held, name)) for name in ("value", *RANGE)}
        words |= {"shop": held.page.shop, "change": show(abs(held.change), "share")}
        if held.moved == "down":
            text = tr(
                "{shop} fell: {value}, {change} less than about {expected} ({low} to {high} was "
                "to be expected).",
                **words,
            )
        else:
            text = tr(
                "{shop} rose: {value}, {change} more than about {expected} ({low} to {high} was "
                "to be expected).",
                **words,
            )
        numbers = {name: float(getattr(held, name)) for name in ("value", *RANGE)}
        level: Level = "bad" if held.moved == "down" else "good"
        return Finding(key=f"shops/{held.page.store}", level=level, text=text, evidence=numbers)

    def _none(self) -> Finding:
        count = len(self.shops)
        text = ntr(
            "{count} shop could be judged; its sales are within what was to be expected.",
            "{count} shops could be judged; the sales of each are within what was to be expected.",
            count,
            count=count,
        )
        return Finding(key="shops/none", level="good", text=text)

    def _sums(self) -> tuple[Finding, ...]:
        """What the shops of each currency sold in all; currencies are never added."""
        found = []
        for currency in sorted({shop.page.currency for shop in self.shops}):
            held = [shop for shop in self.shops if shop.page.currency == currency]
            value, expected = (sum(getattr(s, n) for s in held) for n in ("value", "expected"))
            words = {"currency": currency, "count": len(held), "value": held[0].money(value),
                     "expected": held[0].money(expected)}  # fmt: skip
            text = ntr(
                "{currency}: {count} shop sold {value} where about {expected} was to be expected.",
                "{currency}: {count} shops sold {value} in all where about {expected} was to be "
                "expected.",
                len(held),
                **words,
            )
            numbers = {"value": value, "expected": expected}
            key = f"shops/sum/{currency}"
            found.append(Finding(key=key, level="info", text=text, evidence=numbers))
        return tuple(found)

    def _unjudged(self) -> tuple[Finding, ...]:
        if not self.unjudged:
            return ()
        text = tr(
            "Not judged, for their pages tell no expectation: {shops}.",
            shops=tr(", ").join(self.unjudged),
        )
        return (Finding(key="shops/unjudged", level="info", text=text),)

    def chart(self) -> Chart:
        """The relative differences with what the ranges make of them."""
        import pandas as pd

        from ecops_lib.core.intervals import interval_chart

        shown = self.shops[:CHARTED]
        rows = [(shop.page.shop, shop.change, *shop.span) for shop in shown]
        return interval_chart(
            pd.DataFrame(rows, columns=["name", "value", "low", "high"]),
            caption=tr("Sales against what was to be expected"),
            unit="share",
            better=["up"] * len(rows),
        )


RANGE = ("expected", "low", "high")


def compare_sales(group: Group) -> SalesAcross:
    """Set the sales of a group's shops beside what each shop's own page expected.

    Args:
        group: Pages about the same days.
    """
    judged = [page for page in group.pages if _is_judged(page.expected.get(SALES))]
    shops = [
        ShopSales(
            page=page,
            moved=page.expected[SALES]["moved"],
            **{name: float(page.expected[SALES][name]) for name in ("value", *RANGE)},
        )
        for page in judged
    ]
    shops.sort(key=lambda shop: (not shop.moved, -abs(shop.change), shop.page.shop))
    unjudged = tuple(page.shop for page in group.pages if page not in judged)
    return SalesAcross(shops=tuple(shops), unjudged=unjudged)


def _is_judged(figure: Mapping[str, Any] | None) -> bool:
    """Whether there is an expectation to divide by."""
    return figure is not None and figure["expected"] > 0 and figure["high"] > 0
