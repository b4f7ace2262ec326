"""Segments of customers as rules that a reader can check."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from ecops_lib.core.checks import require_between
from ecops_lib.core.errors import ParameterError
from ecops_lib.core.findings import Level
from ecops_lib.core.formats import Unit, show
from ecops_lib.core.language import mark, tr

Array = np.ndarray[Any, Any]
Bounds = tuple[float, float]

SegmentationName = Literal["tiers", "groups", "shopify"]
"""The four tiers of value and activity, groups by R and F, or Shopify's eleven."""

ANY, ALL = -math.inf, math.inf

FIELDS: Mapping[str, tuple[str, Unit]] = {
    "age": (mark("first purchase"), "days"),
    "recency": (mark("last purchase"), "days"),
    "amount": (mark("net amount"), "money"),
    "r": (mark("R"), "number"),
    "f": (mark("F"), "number"),
    "fm": (mark("mean of F and M"), "number"),
}
"""What rules look at: days since the first and the last purchase, net amount, scores."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One segment and who belongs to it.

    Attributes:
        key: A stable name.
        label: What people call it, marked.
        when: Least and most of each field; both belong to it, but for the most of
            ``amount``, which does not. ``ANY`` and ``ALL`` are no bounds.
        level: What it means that customers are in it.
        advice: What to do with them, marked; empty for nothing.
    """

    key: str
    label: str
    when: Mapping[str, Bounds]
    level: Level = "info"
    advice: str = ""

    def words(self) -> str:
        """The rule in the reader's language."""
        return tr("; ").join(_words(name, *ends) for name, ends in self.when.items())

    def holds(self, fields: Mapping[str, Array]) -> Array:
        """Whether each customer fulfils the rule."""
        held = np.ones(len(fields["recency"]), dtype=bool)
        for name, (low, high) in self.when.items():
            if low != ANY:
                held &= fields[name] >= low
            if high != ALL:
                held &= fields[name] < high if name == "amount" else fields[name] <= high
        return held


def _words(name: str, low: float, high: float) -> str:
    label, unit = FIELDS[name]
    what, least, most = tr(label), show(low, unit), show(high, unit)
    if unit == "days":
        if low == ANY:
            return tr("{what} at most {days} ago", what=what, days=most)
        return tr("{what} more than {days} ago", what=what, days=show(low - 1, unit))
    if high == ALL:
        return tr("{what} at least {least}", what=what, least=least)
    if low == ANY and name == "amount":
        return tr("{what} below {most}", what=what, most=most)
    if low == ANY:
        return tr("{what} at most {most}", what=what, most=most)
    if low == high:
        return tr("{what} {value}", what=what, value=least)
    return tr("{what} {low} to {high}", what=what, low=least, high=most)


@dataclass(frozen=True, slots=True, kw_only=True)
class Segmentation:
    """Segments of which each customer belongs to exactly one.

    Attributes:
        key: A stable name.
        label: Its heading, marked.
        rules: The segments, the best first; no customer fulfils two of them.
    """

    key: SegmentationName
    label: str
    rules: tuple[Rule, ...]

    def assign(self, fields: Mapping[str, Array]) -> Array:
        """The place of each customer's segment in ``rules``.

        Raises:
            ParameterError: A customer fulfils no rule, or more than one.
        """
        held = np.zeros(len(fields["recency"]), dtype=np.int8)
        times = np.zeros_like(held)
        for place, rule in enumerate(self.rules):
            mine = rule.holds(fields)
            held[mine] = place
            times += mine
        if wrong := int((times != 1).sum()):
            raise ParameterError(
                f"the rules of {self.key!r} put {wrong} customers into no segment or into "
                "several; every customer must fulfil exactly one."
            )
        return held


def make_tiers(*, high_value: float, active_days: int = 90, new_days: int = 30) -> Segmentation:
    """The tiers of Chinese shop operations: by value and activity, newcomers apart.

    Args:
        high_value: Least net amount that counts as high value [store currency].
        active_days: Most days since the last purchase of an active customer.
        new_days: Most days since the first purchase of a newcomer.

    Raises:
        ParameterError: An argument has an impossible value.
    """
    require_between(active_days, 1, ALL, name="active_days")
    require_between(new_days, 0, ALL, name="new_days")
    require_between(high_value, ANY, ALL, name="high_value", ends="open")
    known = {"age": (new_days + 1.0, ALL)}
    active, quiet = {"recency": (ANY, active_days)}, {"recency": (active_days + 1.0, ALL)}
    high, low = {"amount": (high_value, ALL)}, {"amount": (ANY, high_value)}
    rules = (
        Rule(key="core", label=mark("Core"), when={**known, **active, **high},
             level="good", advice=mark("Keep them: own service contact, first access to new "
                                       "items; no general discounts.")),
        Rule(key="potential", label=mark("Potential"),
             when={**known, **quiet, **high}, level="watch",
             advice=mark("Win them back first: a personal message with a targeted coupon; leave "
                         "out a random part to see what it brings.")),
        Rule(key="common", label=mark("Common"),
             when={**known, **active, **low},
             advice=mark("Raise the order value: bundles and a threshold for free shipping.")),
        Rule(key="asleep", label=mark("Asleep"),
             when={**known, **quiet, **low},
             advice=mark("Contact them at low cost only, around campaigns.")),
        Rule(key="new", label=mark("New"), when={"age": (ANY, new_days)},
             advice=mark("Lead them to the second purchase: care for the first order, then a "
                         "coupon for the next.")),
    )  # fmt: skip
    return Segmentation(key="tiers", label=mark("Customer tiers"), rules=rules)


def _scored(key: str, label: str, r: Bounds, more: Mapping[str, Bounds], level: Level,
            advice: str) -> Rule:  # fmt: skip
    return Rule(key=key, label=label, when={"r": r, **more}, level=level, advice=advice)


KEEP = mark("Keep them: thank them and let them see new items first.")
SECOND = mark("Lead them to the next purchase soon: care for the first order, then a coupon.")
WIN_BACK = mark("Win them back: a personal message with a targeted coupon, a random part left out.")
REMIND = mark("Remind them before they are gone: new items and what they are likely to need again.")
CHEAP = mark("Contact them at low cost only, around campaigns.")

GROUPS = Segmentation(
    key="groups",
    label=mark("Groups by recency and frequency"),
    rules=(
        _scored("champions", mark("Champions"), (4, 5), {"f": (4, 5)}, "good", KEEP),
        _scored("loyal", mark("Loyal"), (3, 3), {"f": (4, 5)}, "good", REMIND),
        _scored("rising", mark("Rising"), (4, 5), {"f": (3, 3)}, "info", SECOND),
        _scored("recent", mark("Recent"), (4, 5), {"f": (1, 2)}, "info", SECOND),
        _scored("middle", mark("Middle"), (3, 3), {"f": (3, 3)}, "info", REMIND),
        _scored("occasional", mark("Occasional"), (3, 3), {"f": (1, 2)}, "info", CHEAP),
        _scored("slipping", mark("Slipping away"), (1, 2), {"f": (3, 5)}, "watch", WIN_BACK),
        _scored("lost", mark("Asleep"), (1, 2), {"f": (1, 2)}, "info", CHEAP),
    ),
)
"""Recency × frequency: the two scores that say how alive a customer is."""

MANY, SOME, FEW = {"fm": (4.0, 5.0)}, {"fm": (2.5, 3.5)}, {"fm": (1.0, 2.0)}

SHOPIFY = Segmentation(
    key="shopify",
    label=mark("Shopify's eleven groups"),
    rules=(
        _scored("champions", mark("Champions"), (5, 5), MANY, "good", KEEP),
        _scored("loyal", mark("Loyal"), (3, 4), MANY, "good", KEEP),
        _scored("active", mark("Active"), (4, 5), SOME, "info", KEEP),
        _scored("new", mark("New"), (5, 5), FEW, "info", SECOND),
        _scored("promising", mark("Promising"), (4, 4), FEW, "info", SECOND),
        _scored("attention", mark("Needs attention"), (3, 3), SOME, "info", REMIND),
        _scored("almost_lost", mark("Almost lost"), (2, 3), FEW, "info", REMIND),
        _scored("at_risk", mark("At risk"), (1, 2), SOME, "watch", WIN_BACK),
        _scored("previously", mark("Previously loyal"), (1, 2), MANY, "watch", WIN_BACK),
        _scored("dormant", mark("Dormant"), (1, 1), FEW, "info", CHEAP),
    ),
)
"""The ten of Shopify's eleven groups that have bought, after the words with which its
Admin API describes them (``CustomerRfmGroup``); it uses R and (F + M) / 2. The limits of
the scores are this kit's. The eleventh, prospects, has not bought: see ``Segments``."""
