"""Key figures as cards: a value, what it is compared with, or why there is none."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Literal

from ecops_lib.core.formats import MISSING, Unit, is_missing, show

Better = Literal["up", "down", "none"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A figure against one reference.

    Attributes:
        against: Words for the reference, such as ``vs. day before``.
        value: The change; the line is left out where it is missing.
        unit: Unit of the change, such as ``share`` or ``points``.
    """

    against: str
    value: float | None
    unit: Unit = "share"


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """One key figure.

    Attributes:
        name: What it is, in the reader's language.
        value: The figure; None or NaN where ``absent`` says why there is none.
        unit: Unit of the figure.
        better: Its good direction, by which changes are coloured.
        changes: What it is compared with.
        absent: Why there is no figure, and how to get it.
    """

    name: str
    value: float | None
    unit: Unit
    better: Better = "none"
    changes: Sequence[Change] = ()
    absent: str = ""


def cards_html(groups: Mapping[str, Iterable[Card]]) -> str:
    """Groups of cards under their headings; every text is escaped.

    >>> cards_html({"Payment": [Card(name="Visitors", value=993, unit="count")]})[24:57]
    '<h3 class="ec-group">Payment</h3>'
    """
    return "".join(
        f'<section class="ec-set"><h3 class="ec-group">{escape(heading)}</h3>'
        f'<div class="ec-cards">{"".join(map(_card_html, cards))}</div></section>'
        for heading, cards in groups.items()
    )


def _card_html(card: Card) -> str:
    name = f'<p class="ec-name">{escape(card.name)}</p>'
    if card.absent or is_missing(card.value):
        why = f'<p class="ec-why">{escape(card.absent)}</p>'
        return f'<div class="ec-card ec-empty">{name}<p class="ec-value">{MISSING}</p>{why}</div>'
    value = f'<p class="ec-value">{escape(show(card.value, card.unit))}</p>'
    changes = "".join(
        _change_html(change, card.better) for change in card.changes if not is_missing(change.value)
    )
    return f'<div class="ec-card">{name}{value}{changes}</div>'


def _change_html(change: Change, better: Better) -> str:
    moved = show(change.value, change.unit, sign=True)
    look = ""
    if better != "none" and moved[0] in "+-":
        look = f' class="ec-{"good" if (moved[0] == "+") == (better == "up") else "bad"}"'
    against = f"<span>{escape(change.against)}</span>"
    return f'<p class="ec-change">{against}<b{look}>{escape(moved)}</b></p>'
