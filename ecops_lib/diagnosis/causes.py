"""What a recorded reason is: its kind, its words, how rare it is, what would confirm it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from ecops_lib.core.findings import Sign
from ecops_lib.core.formats import show
from ecops_lib.core.language import mark, tr
from ecops_lib.core.names import short_name

Kind = Literal[
    "stock", "price", "reviews", "refunds", "competitor", "ads", "search", "delivery", "event",
    "calendar",
]  # fmt: skip

KINDS: Mapping[str, str] = {
    "stock": mark("stock"),
    "price": mark("price"),
    "reviews": mark("reviews"),
    "refunds": mark("refunds"),
    "ads": mark("ad spend"),
    "competitor": mark("competitor"),
    "search": mark("search terms"),
    "delivery": mark("delivery"),
    "event": mark("own change"),
    "calendar": mark("calendar"),
}

CHECKS: Mapping[str, str] = {
    "stock": mark("compare the hours in stock with those without"),
    "price": mark("compare buyers who saw the old price, or put it back for two days"),
    "reviews": mark("read the low ratings: one batch, one fault?"),
    "refunds": mark("look at what came back: one batch, one promise of the page?"),
    "ads": mark("compare products with and without the plan"),
    "competitor": mark("compare products that the competitor does not sell"),
    "search": mark(
        "search for the term on a phone that is not logged in: is the shop in its place?"
    ),
    "delivery": mark("compare orders of the provinces that were served in time"),
    "event": mark("compare products or channels that the change did not touch"),
    "calendar": mark("compare the same days of last year"),
}

SPANS = 5
"""Spans of the same length before in which the like of a reason is looked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Something recorded in the same days.

    Attributes:
        kind: What kind of thing.
        text: What is recorded, without a full stop.
        evidence: The numbers that the text was written from.
        about: What of that kind it is, whatever the language: an ad line, an event's name, a
            competitor, a festival; empty where that is the shop's own affair.
        name: The same for people; ``about`` where empty.
        earlier: In how many of the ``SPANS`` spans before the like was recorded: what is recorded
            all the time explains little.
    """

    kind: Kind
    text: str
    evidence: Mapping[str, float] = field(default_factory=dict)
    about: str = ""
    name: str = ""
    earlier: int = 0

    @property
    def check(self) -> str:
        """What would confirm or refute it."""
        return tr(CHECKS[self.kind])

    def words(self) -> str:
        """It, and how rare it is."""
        if not self.earlier:
            return self.text
        return tr(
            "{text} (the like in {count} of the {spans} such spans before)",
            text=self.text,
            count=show(self.earlier, "count"),
            spans=show(SPANS, "count"),
        )


def reason_signs(
    reasons: Sequence[Reason], *, fell: bool, first: dt.date, last: dt.date
) -> tuple[Sign, ...]:
    """What of the reasons other shops may show too.

    Args:
        reasons: What is recorded around a fall or a rise.
        fell: Whether it is a fall.
        first: Its first day.
        last: Its last day.
    """
    way = "fell" if fell else "rose"
    found = {}
    for held in reasons:
        kind, what = tr(KINDS[held.kind]), short_name(held.name or held.about)
        values = {"name": tr("{kind}: {what}", kind=kind, what=what) if what else kind}
        text = tr("{name} (around a fall)", **values) if fell else tr(
            "{name} (around a rise)", **values
        )  # fmt: skip
        key = f"reason/{way}/{held.kind}/{held.about}"
        usual = held.earlier / SPANS
        found[key] = Sign(key=key, text=text, first=first, last=last, usual=usual)
    return tuple(found.values())


def reason_words(reasons: Sequence[Reason]) -> str:
    """The reasons in one line."""
    return tr("; ").join(reason.words() for reason in reasons) or tr("none recorded")


def kind_words(reasons: Sequence[Reason]) -> str:
    """The kinds of the reasons in one line, for a table."""
    kinds = dict.fromkeys(tr(KINDS[reason.kind]) for reason in reasons)
    return tr(", ").join(kinds) or tr("none recorded")
