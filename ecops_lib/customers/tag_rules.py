"""The shop's own tags: conditions on named facts, from ``store.toml``.

    [tags."大客户"]
    net_amount = ">= 2000"
    orders = [">= 3", "< 100"]  # several conditions on a number must all hold
    province = ["浙江", "上海"]  # of several texts any will do
    stage = "fading"

A customer fulfils a rule that fulfils all its conditions; an unknown fact fulfils none.
The facts are those of ``FACTS``.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ecops_lib.core.checks import listed, nearest
from ecops_lib.core.errors import ParameterError
from ecops_lib.core.formats import Unit, show
from ecops_lib.core.language import mark, tr
from ecops_lib.core.names import short_name
from ecops_lib.customers.tag_facts import HALVES, STAGES, Array, CustomerFacts, Half
from ecops_lib.customers.tag_purchases import HABITS

if TYPE_CHECKING:
    import pandas as pd

FACTS: Mapping[str, tuple[str, Unit]] = {
    "net_amount": (mark("net amount"), "money"),
    "average_order": (mark("net amount an order"), "money"),
    "orders": (mark("orders"), "count"),
    "purchases": (mark("days with a purchase"), "count"),
    "days_since": (mark("days since the last purchase"), "count"),
    "age": (mark("days since the first purchase"), "count"),
    "rhythm": (mark("days between purchases"), "number"),
    "discount_share": (mark("share of purchases on discount"), "share"),
    "coupon_share": (mark("share of purchases with a coupon"), "share"),
    "new_item_share": (mark("share of purchases of new items"), "share"),
    "refund_share": (mark("share of days with most orders refunded"), "share"),
    "night_share": (mark("share of purchases at night"), "share"),
    "category": (mark("category of most purchases"), "text"),
    "province": (mark("province"), "text"),
    "level": (mark("membership level"), "text"),
    "stage": (mark("life stage"), "text"),
}
"""What a rule may ask for: its words and its unit. Amounts are net of refunds, in the
store's currency; days are counted to the day looked at; shares, in which days on which
nearly all purchases were so do not count, run from 0 to 1 (or are
written as ``30%``); ``stage`` is one of ``new``, ``growing``, ``mature``, ``fading``, ``lost``."""

SIGNS: Mapping[str, Callable[[Any, float], Any]] = {
    ">=": operator.ge,
    "<=": operator.le,
    "!=": operator.ne,
    ">": operator.gt,
    "<": operator.lt,
    "=": operator.eq,
}
SHOWN = {">=": "≥", "<=": "≤", "!=": "≠"}
NUMBER = re.compile(r"\s*(>=|<=|!=|>|<|==?)\s*(-?\d+(?:\.\d+)?)\s*(%?)\s*")


@dataclass(frozen=True, slots=True)
class Limit:
    """A condition on a number."""

    sign: str
    value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TagRule:
    """One of the shop's own tags.

    Attributes:
        name: What the shop calls it.
        limits: Conditions on numbers by fact; all must hold.
        texts: Accepted texts by fact; one must be met.
    """

    name: str
    limits: Mapping[str, tuple[Limit, ...]]
    texts: Mapping[str, tuple[str, ...]]

    def words(self) -> str:
        """The rule in the reader's language."""
        parts = [
            f"{tr(FACTS[fact][0])} {SHOWN.get(limit.sign, limit.sign)} "
            f"{show(limit.value, FACTS[fact][1])}"
            for fact, limits in self.limits.items()
            for limit in limits
        ]
        for fact, texts in self.texts.items():
            named = [tr(STAGES[t]) if fact == "stage" else short_name(t) for t in texts]
            parts.append(f"{tr(FACTS[fact][0])} = {tr(' or ').join(named)}")
        return tr("; ").join(parts)

    def facts(self) -> tuple[str, ...]:
        """The facts that it asks for."""
        return (*self.limits, *self.texts)

    def holds(self, facts: pd.DataFrame) -> Array:
        """Whether each customer fulfils it."""
        held = np.ones(len(facts), dtype=bool)
        for fact, limits in self.limits.items():
            values = facts[fact].to_numpy(float)
            for limit in limits:
                held &= ~np.isnan(values) & SIGNS[limit.sign](values, limit.value)
        for fact, texts in self.texts.items():
            held &= facts[fact].isin(texts).to_numpy(bool)
        return held


def read_rules(tags: Mapping[str, Mapping[str, object]], *, where: str) -> tuple[TagRule, ...]:
    """The shop's own tags, checked.

    Args:
        tags: Conditions by fact, by name of the tag.
        where: What to call them in an error, such as ``store.toml``.

    Raises:
        ParameterError: A tag has no condition, an unknown fact or an impossible one.

    >>> [rule] = read_rules({"大客户": {"net_amount": ">= 2000"}}, where="store.toml")
    >>> rule.words()
    'net amount ≥ ¥2,000.00'
    """
    return tuple(_rule(str(name), given, where) for name, given in tags.items())


def _rule(name: str, given: object, where: str) -> TagRule:
    what = f"tag {name!r} in {where}"
    if not isinstance(given, Mapping) or not given:
        raise ParameterError(
            f"{what} is {given!r}; give conditions on facts such as net_amount = '>= 2000'; the "
            f"facts are {listed(FACTS)}."
        )
    limits: dict[str, tuple[Limit, ...]] = {}
    texts: dict[str, tuple[str, ...]] = {}
    for fact, condition in given.items():
        if fact not in FACTS:
            hint = nearest(str(fact), FACTS).rstrip("?")
            raise ParameterError(
                f"{what} asks for {str(fact)!r}, which is no fact{hint}; the facts are "
                f"{listed(FACTS)}."
            )
        several = condition if isinstance(condition, list | tuple) else [condition]
        if not several:
            raise ParameterError(f"{fact} of {what} is empty; give a condition.")
        if FACTS[fact][1] == "text":
            texts[fact] = tuple(_text(one, fact, what) for one in several)
        else:
            limits[fact] = tuple(_limit(one, fact, what) for one in several)
    return TagRule(name=name, limits=limits, texts=texts)


def _text(given: object, fact: str, what: str) -> str:
    if not isinstance(given, str) or not given.strip():
        raise ParameterError(f"{fact} of {what} is {given!r}; give a text in quotes.")
    if fact == "stage" and given not in STAGES:
        hint = nearest(given, STAGES) or "."
        raise ParameterError(
            f"{fact} of {what} is {given!r}; it must be one of {listed(STAGES)}{hint}"
        )
    return given


def _limit(given: object, fact: str, what: str) -> Limit:
    if isinstance(given, int | float) and not isinstance(given, bool) and math.isfinite(given):
        return Limit("=", float(given))
    found = NUMBER.fullmatch(given) if isinstance(given, str) else None
    if not found:
        raise ParameterError(
            f"{fact} of {what} is {given!r}; give a number, or a comparison with one such as "
            "'>= 3'."
        )
    sign, number, percent = found.groups()
    return Limit(sign.replace("==", "="), float(number) / (100 if percent else 1))


def list_facts(held: CustomerFacts, *, then: bool = False) -> pd.DataFrame:
    """The facts of each customer, one column each, missing where not told.

    Args:
        held: The customers.
        then: At the end of the earlier half; of those who had not bought by then, nothing
            is to be read. Province and level are those of the last day.
    """
    import pandas as pd

    moment = held.then if then else held.now
    halves: tuple[Half, ...] = ("early",) if then else HALVES
    frame = pd.DataFrame(
        {
            "net_amount": moment.amount,
            "average_order": moment.amount / np.maximum(moment.orders, 1),
            "orders": moment.orders,
            "purchases": moment.purchases,
            "days_since": moment.recency,
            "age": moment.age,
            "rhythm": moment.rhythm,
            "category": held.favourite(*halves),
            "province": held.sums["province"],
            "level": held.sums["level"],
            "stage": np.array(list(STAGES))[moment.stage],
        }
    )
    for habit in HABITS:
        tried, did = (
            sum(held.sums[f"{habit}_{half}_{kind}"].to_numpy(float) for half in halves)
            for kind in ("tried", "did")
        )
        share = np.divide(did, tried, out=np.full(len(frame), np.nan), where=tried > 0)
        frame[f"{habit}_share"] = share
    return frame[list(FACTS)]
