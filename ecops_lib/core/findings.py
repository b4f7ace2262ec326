"""A finding: one sentence, the numbers it was written from, and what follows."""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from html import escape
from numbers import Integral
from typing import Literal

from ecops_lib.core.formats import is_missing, show
from ecops_lib.core.language import tr

Level = Literal["bad", "watch", "good", "info"]

RANK: Mapping[str, int] = {"bad": 0, "watch": 1, "good": 2, "info": 3}


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """What to do next, and who does it."""

    text: str
    owner: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sign:
    """Something about a finding that other shops may show too, whatever they sell.

    Attributes:
        key: A stable name in any language, such as ``traffic/down/search``.
        text: It in the page's language, without a full stop.
        first: First day of it.
        last: Last day of it.
        usual: Share of the like spans before that showed the same; None where not known.
    """

    key: str
    text: str
    first: dt.date
    last: dt.date
    usual: float | None = None

    def to_dict(self) -> dict[str, object]:
        """Plain values for ``findings.json``; days in ISO form."""
        days = {"first": self.first.isoformat(), "last": self.last.isoformat()}
        return {"key": self.key, "text": self.text, **days, "usual": self.usual}


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One sentence in the reader's language.

    Attributes:
        key: A stable name such as ``conversion_drop/P103``: two days' findings about
            the same thing share it, whatever the language.
        level: How bad it is.
        text: The sentence, computed from ``evidence``; plain text, escaped when shown.
        evidence: The numbers that the sentence was written from.
        money: Store currency at stake, at least 0; None where money cannot be told.
        action: What follows, if anything.
        signs: What of it other shops may show too.
    """

    key: str
    level: Level
    text: str
    evidence: Mapping[str, float] = field(default_factory=dict)
    money: float | None = None
    action: Action | None = None
    signs: tuple[Sign, ...] = ()

    def to_dict(self) -> dict[str, object]:
        """Plain values for ``findings.json``; a missing number becomes null."""
        return {
            "key": self.key,
            "level": self.level,
            "text": self.text,
            "evidence": {name: _finite(value) for name, value in self.evidence.items()},
            "money": _finite(self.money),
            "action": None
            if self.action is None
            else {"text": self.action.text, "owner": self.action.owner},
            "signs": [sign.to_dict() for sign in self.signs],
        }


def _finite(value: float | None) -> float | None:
    """The number as JSON can hold it: a missing or an infinite one becomes null."""
    if value is None or is_missing(value) or not math.isfinite(value):
        return None
    return int(value) if isinstance(value, Integral) else float(value)


def most_important(findings: Iterable[Finding], *, most: int) -> tuple[Finding, ...]:
    """The findings that matter most: worst level first, then most money, then key."""
    order = sorted(findings, key=lambda f: (RANK[f.level], -(_finite(f.money) or 0.0), f.key))
    return tuple(order[:most])


def level_word(level: Level) -> str:
    """The level in the reader's language."""
    return {"bad": tr("act"), "watch": tr("watch"), "good": tr("good"), "info": tr("note")}[level]


def findings_html(findings: Iterable[Finding]) -> str:
    """A list of findings as HTML; every text is escaped."""
    return '<ul class="ec-findings">' + "".join(map(_item, findings)) + "</ul>"


def _unbroken(text: str) -> str:
    """Text as HTML in which no line ends between a sign and its amount."""
    return re.sub(r"([+-])(?=[¥$£€])", r"\1&#8288;", escape(text))


def _item(finding: Finding) -> str:
    parts = [
        f'<span class="ec-level">{escape(level_word(finding.level))}</span> ',
        f'<span class="ec-text">{_unbroken(finding.text)}</span>',
    ]
    if _finite(finding.money):
        stake = tr("at stake: {money}", money=show(finding.money, "money"))
        parts.append(f' <span class="ec-money">{escape(stake)}</span>')
    if finding.action:
        todo = tr("{owner}: {action}", owner=finding.action.owner, action=finding.action.text)
        parts.append(f' <span class="ec-action">{escape(todo)}</span>')
    return f'<li class="ec-{finding.level}">{"".join(parts)}</li>'
