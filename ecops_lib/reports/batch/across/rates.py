"""What some shops do better than others: rates that all pages tell, with their intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any, ClassVar

from ecops_lib.core.findings import Finding
from ecops_lib.core.formats import Unit, show
from ecops_lib.core.language import mark, ntr, tr
from ecops_lib.core.results import Result
from ecops_lib.reports.batch.across.records import Group, ShopPage, in_reader_s_language

if TYPE_CHECKING:
    import pandas as pd

ALPHA = 0.05
"""Chance that any difference of a page is told although there is none."""
NAMED = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Lead:
    """A shop that is surely ahead of others in a rate.

    Attributes:
        rate: The rate.
        best: The shop that is ahead of most.
        others: The shops that it is surely ahead of, the furthest behind first.
    """

    rate: str
    best: ShopPage
    others: tuple[ShopPage, ...]


@dataclass(frozen=True, kw_only=True, eq=False)
class RatesAcross(Result):
    """Rates of several shops.

    Attributes:
        pages: The shops' pages.
        rates: The rates that all of them tell.
        leads: Rates in which a shop is surely ahead of others.
    """

    sheet: ClassVar[str] = mark("Rates of eight weeks, with their 95 % intervals")
    units: ClassVar[Mapping[str, Unit]] = {}

    pages: tuple[ShopPage, ...]
    rates: tuple[str, ...]
    leads: tuple[Lead, ...]

    def absent(self) -> str:
        """That there is no rate to compare, if so."""
        if self.rates:
            return ""
        return tr(
            "There is no rate that all pages tell for each of the last eight weeks; import "
            "traffic, ads and shipments of every shop."
        )

    def headings(self) -> dict[str, str]:
        """The rates' names."""
        return {"shop": tr("Shop")} | {key: self._label(key) for key in self.rates}

    def _label(self, key: str) -> str:
        return str(in_reader_s_language(self.pages).rates[key]["label"])

    def to_frame(self) -> pd.DataFrame:
        """One row a shop, each rate with its interval."""
        import pandas as pd

        rows = [
            [page.shop, *(_words(page.rates[key]) for key in self.rates)] for page in self.pages
        ]
        return pd.DataFrame(rows, columns=["shop", *self.rates])

    def findings(self) -> tuple[Finding, ...]:
        """A sentence for each rate in which a shop is ahead, and which tell no difference."""
        same = [key for key in self.rates if key not in {lead.rate for lead in self.leads}]
        return (*map(self._finding, self.leads), *self._same(same))

    def _finding(self, lead: Lead) -> Finding:
        rate = lead.best.rates[lead.rate]
        names = [tr("{shop} {value}", shop=page.shop, value=_words(page.rates[lead.rate]))
                 for page in lead.others[:NAMED]]  # fmt: skip
        words = {"rate": self._label(lead.rate), "best": lead.best.shop, "value": _words(rate),
                 "others": tr(", ").join(names)}  # fmt: skip
        if rate["better"] == "none":
            text = tr("{rate}: {best} {value} is higher than {others}, by more than chance.",
                      **words)  # fmt: skip
        else:
            text = tr("{rate}: {best} {value} is better than {others}, by more than chance.",
                      **words)  # fmt: skip
        return Finding(key=f"rates/{lead.rate}", level="info", text=text,
                       evidence={"value": float(rate["value"])})  # fmt: skip

    def _same(self, keys: Sequence[str]) -> tuple[Finding, ...]:
        if not keys:
            return ()
        names = tr(", ").join(map(self._label, keys))
        text = ntr(
            "No difference that can be told from chance in {rates}.",
            "No difference that can be told from chance in any of {rates}.",
            len(keys),
            rates=names,
        )
        return (Finding(key="rates/same", level="info", text=text),)


def _words(rate: Mapping[str, Any]) -> str:
    """A rate with its interval."""
    low, value, high = (show(rate[name], rate["unit"]) for name in ("low", "value", "high"))
    return tr("{value} ({low} to {high})", value=value, low=low, high=high)


def compare_rates(group: Group) -> RatesAcross:
    """Compare the rates that all shops of a group tell.

    Every pair of shops is compared by Welch's t test on the rates' standard errors; Holm's
    method keeps the chance of any false difference among all pairs and rates at ``ALPHA``.
    Shops share their calendar, which the test counts as noise of each: it errs on the side of
    telling too little.

    Args:
        group: Pages about the same days.

    References:
        Welch (1947), Biometrika 34, 28-35. Holm (1979), Scandinavian Journal of Statistics 6,
        65-70.
    """
    pages = group.pages
    rates = tuple(key for key in pages[0].rates if all(key in page.rates for page in pages))
    pairs = [(key, a, b) for key in rates for a, b in combinations(pages, 2)]
    chances = [welch_p(a.rates[key], b.rates[key]) for key, a, b in pairs]
    told = [pair for pair, sure in zip(pairs, holm(chances, ALPHA), strict=True) if sure]
    leads = [_lead(key, [(a, b) for rate, a, b in told if rate == key]) for key in rates]
    return RatesAcross(pages=pages, rates=rates, leads=tuple(lead for lead in leads if lead))


def _lead(key: str, pairs: Sequence[tuple[ShopPage, ShopPage]]) -> Lead | None:
    """The shop that is ahead of most; of equals the one with the better rate."""
    if not pairs:
        return None
    behind: dict[str, list[ShopPage]] = {}
    shops = {page.store: page for pair in pairs for page in pair}
    for a, b in pairs:
        first, second = (a, b) if _goodness(a, key) > _goodness(b, key) else (b, a)
        behind.setdefault(first.store, []).append(second)
    best = max(behind, key=lambda store: (len(behind[store]), _goodness(shops[store], key)))
    others = sorted(behind[best], key=lambda page: _goodness(page, key))
    return Lead(rate=key, best=shops[best], others=tuple(others))


def _goodness(page: ShopPage, key: str) -> float:
    rate = page.rates[key]
    return float(rate["value"]) * (-1 if rate["better"] == "down" else 1)


def welch_p(one: Mapping[str, Any], other: Mapping[str, Any]) -> float:
    """Two-sided p-value of the difference of two rates.

    Args:
        one: A rate with ``value``, ``error`` and ``freedom``.
        other: Another.

    >>> rate = {"value": 0.05, "error": 0.003, "freedom": 7}
    >>> round(welch_p(rate, {**rate, "value": 0.035}), 4)
    0.0033
    """
    from scipy import stats

    squares = [float(rate["error"]) ** 2 for rate in (one, other)]
    gap, total = abs(float(one["value"]) - float(other["value"])), sum(squares)
    if total == 0:
        return 1.0  # weeks that never differ tell nothing of chance
    parts = sum(s**2 / int(r["freedom"]) for s, r in zip(squares, (one, other), strict=True))
    return float(2 * stats.t.sf(gap / total**0.5, total**2 / parts))


def holm(chances: Sequence[float], alpha: float) -> list[bool]:
    """Which of many p-values stay below a level for all of them together (Holm 1979).

    >>> holm([0.01, 0.04, 0.03, 0.005], 0.05)
    [True, False, False, True]
    """
    sure = [False] * len(chances)
    for rank, place in enumerate(sorted(range(len(chances)), key=chances.__getitem__)):
        if chances[place] > alpha / (len(chances) - rank):
            break
        sure[place] = True
    return sure
