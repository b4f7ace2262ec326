"""What several shops show on the same day: a channel, a festival, a recorded cause."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from ecops_lib.core.findings import Finding
from ecops_lib.core.formats import Unit, show
from ecops_lib.core.language import mark, reading, tr
from ecops_lib.core.names import joined, short_name
from ecops_lib.core.results import Result
from ecops_lib.reports.batch.across.records import (
    FEWEST,
    Group,
    ShopPage,
    in_reader_s_language,
)

if TYPE_CHECKING:
    import pandas as pd

TOLD = 5
"""Signs that have a sentence of their own."""
NAMED = 6
"""Shops that a sentence names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A sign as one finding of one shop shows it.

    Attributes:
        page: The shop's page.
        text: The sign in the page's language.
        first: First day of it, in ISO form.
        last: Last day of it.
        money: Money of the finding, in the shop's currency; 0 where it is not told.
        usual: Share of the like spans before that showed it in this shop; NaN where not known.
    """

    page: ShopPage
    text: str
    first: str
    last: str
    money: float
    usual: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedSign:
    """A sign that several shops show on one day.

    Attributes:
        key: The sign's key.
        day: The day on which most shops show it, the latest of equals.
        shown: How those shops show it.
    """

    key: str
    day: str
    shown: tuple[Shown, ...]

    @property
    def text(self) -> str:
        """It in words."""
        page = in_reader_s_language([held.page for held in self.shown])
        text = next(held.text for held in self.shown if held.page is page)
        return short_name(text, longest=80)

    @property
    def shops(self) -> tuple[str, ...]:
        """The shops, each once."""
        return tuple({held.page.store: held.page.shop for held in self.shown}.values())

    @property
    def money(self) -> dict[str, float]:
        """Money of the findings that show it, by currency."""
        sums: dict[str, float] = {}
        for held in self.shown:
            sums[held.page.currency] = sums.get(held.page.currency, 0.0) + held.money
        return {currency: value for currency, value in sorted(sums.items()) if value}

    @property
    def usual(self) -> float:
        """How often the shops showed it before, their mean; NaN where that is not known."""
        return sum(held.usual for held in self.shown) / len(self.shown)

    def money_words(self) -> str:
        """The money in words, each currency by itself."""
        told = []
        for currency, value in self.money.items():
            with reading(currency=currency):
                told.append(show(value, "money"))
        return tr(", ").join(told)


@dataclass(frozen=True, kw_only=True, eq=False)
class SharedSigns(Result):
    """What at least two shops show on the same day.

    Attributes:
        signs: The signs, those of most shops first; of equals what happened before what is
            recorded around it, and of that what was recorded least before.
        count: Shops that were looked at.
    """

    sheet: ClassVar[str] = mark("What several shops share")
    units: ClassVar[Mapping[str, Unit]] = {"day": "day", "count": "count", "usual": "share"}
    labels: ClassVar[Mapping[str, str]] = {
        "sign": mark("What"),
        "day": mark("Day"),
        "count": mark("Shops"),
        "shops": mark("Which"),
        "usual": mark("Of earlier such spans, that showed it"),
        "money": mark("Money of the findings, by currency"),
    }

    signs: tuple[SharedSign, ...]
    count: int

    def absent(self) -> str:
        """That nothing is shared, if so."""
        if self.signs:
            return ""
        return tr(
            "Nothing that two of the {count} shops share on one day is recorded.", count=self.count
        )

    def to_frame(self) -> pd.DataFrame:
        """One row a sign."""
        import pandas as pd

        rows = [
            [s.text, s.day, len(s.shops), tr(", ").join(s.shops), s.usual, s.money_words()]
            for s in self.signs
        ]
        return pd.DataFrame(rows, columns=list(self.labels))

    def findings(self) -> tuple[Finding, ...]:
        """A sentence for each of the most common."""
        return tuple(map(self._finding, self.signs[:TOLD]))

    def _finding(self, sign: SharedSign) -> Finding:
        names = tr(", ").join(sign.shops[:NAMED])
        words = {
            "sign": sign.text, "day": sign.day, "count": len(sign.shops), "all": self.count,
            "names": names if len(sign.shops) <= NAMED else tr("{names} …", names=names),
        }  # fmt: skip
        text = tr("{sign}: in {count} of {all} shops on {day} ({names}).", **words)
        if sign.usual > 0:
            usual = tr("It was there in {usual} of such spans before, too.",
                       usual=show(sign.usual, "share"))  # fmt: skip
            text = joined(text, usual)
        numbers = {"shops": float(len(sign.shops)), "of": float(self.count), "usual": sign.usual}
        return Finding(key=f"shared/{sign.key}", level="info", text=text, evidence=numbers)


def find_shared(group: Group) -> SharedSigns:
    """The signs that several shops of a group show on the same day, what happened before why.

    Args:
        group: Pages about the same days.
    """
    by_key: dict[str, list[Shown]] = {}
    for page in group.pages:
        for finding in page.findings:
            for sign in finding.get("signs", ()):
                by_key.setdefault(sign["key"], []).append(Shown(
                    page=page, text=sign["text"], first=sign["first"], last=sign["last"],
                    money=float(finding["money"] or 0.0),
                    usual=float("nan" if sign["usual"] is None else sign["usual"]),
                ))  # fmt: skip
    found = [_most_shared(key, shown) for key, shown in by_key.items()]
    kept = [sign for sign in found if len(sign.shops) >= FEWEST]
    kept.sort(
        key=lambda sign: (
            -len(sign.shops),
            sign.key.startswith("reason/"),
            0.0 if math.isnan(sign.usual) else sign.usual,
            sign.key,
        )
    )
    return SharedSigns(signs=tuple(kept), count=len(group.pages))


def _most_shared(key: str, shown: Sequence[Shown]) -> SharedSign:
    """A sign on the day that most shops show it; that is the last day of one of them."""
    signs = [
        SharedSign(
            key=key, day=day,
            shown=tuple(held for held in shown if held.first <= day <= held.last),
        )
        for day in {held.last for held in shown}
    ]  # fmt: skip
    return max(signs, key=lambda sign: (len(sign.shops), sign.day))
