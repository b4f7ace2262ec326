"""The tags that come with the kit: habits, favourite categories, regions, life stages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from ecops_lib.core.findings import Level
from ecops_lib.core.formats import show
from ecops_lib.core.language import mark, tr
from ecops_lib.core.names import short_name
from ecops_lib.customers.tag_facts import (
    FADING,
    GROWING,
    HALVES,
    LEAST_FADING,
    LEAST_LOST,
    LOST,
    NEW,
    STAGES,
    Array,
    CustomerFacts,
    Trials,
)
from ecops_lib.customers.tag_purchases import HABITS, NEW_DAYS, NIGHT, OFF
from ecops_lib.customers.tag_rules import FACTS, TagRule, list_facts
from ecops_lib.customers.tag_tests import (
    Evidence,
    Lift,
    choose_customers,
    choose_pairs,
    measure_return,
    weigh,
)

Kind = Literal["habit", "category", "region", "stage", "rule"]

NOTHING = Lift()
MOST = 40
"""Categories or provinces that have a tag of their own; other provinces are put together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HabitWords:
    """What a habit is called, and what follows from it."""

    label: str
    did: str
    rule: str
    advice: str
    level: Level = "info"


WORDS: Mapping[str, HabitWords] = {
    "discount": HabitWords(
        label=mark("Price-sensitive"),
        did=mark("on discount"),
        rule=mark("bought with {off} or more off the list price, more often than the offer of "
                  "those days explains"),
        advice=mark("Tell them of promotions, leave them out of launches at full price."),
    ),
    "coupon": HabitWords(
        label=mark("Coupon hunter"),
        did=mark("with a coupon"),
        rule=mark("took something off at checkout more often than others on those days"),
        advice=mark("Give them coupons with a threshold above their usual order."),
    ),
    "new_item": HabitWords(
        label=mark("New-item lover"),
        did=mark("mainly of a new item"),
        rule=mark("bought mainly items launched within {new} more often than others on those days"),
        advice=mark("Let them see new items first."),
    ),
    "refund": HabitWords(
        label=mark("High-return"),
        did=mark("refunded"),
        rule=mark("had orders refunded more often than others who bought on those days"),
        advice=mark("Ask them why; check sizes and descriptions before sending; no free returns."),
        level="watch",
    ),
    "night": HabitWords(
        label=mark("Night owl"),
        did=mark("made at night"),
        rule=mark("ordered from {begins}:00 to {ends}:00 more often than others on those days"),
        advice=mark("Send them messages in the evening and have the service desk there."),
    ),
}  # fmt: skip
LOVER = HabitWords(
    label=mark("Category lover"),
    did=mark("mainly of the category"),
    rule=mark("bought mainly from it more often than others on those days"),
    advice=mark("Tell them first what is new in the category, and what goes with it."),
)
REGION, STAGE = mark("Region"), mark("Life stage")
STAGE_RULES: Mapping[str, str] = {
    "new": mark("first purchase at most {new} ago"),
    "growing": mark("first purchase at most {growing} ago, neither new, fading nor lost"),
    "mature": mark("first purchase more than {growing} ago, neither fading nor lost"),
    "fading": mark(
        "silent for more than {fading} times the usual gap and {least_fading}, not lost"
    ),
    "lost": mark("silent for more than {lost} times the usual gap and {least_lost}"),
}
UNTESTED: Mapping[str, str] = {
    "none": mark("no purchase known was so."),
    "all": mark("nearly every purchase known was so."),
    "one": mark("no two categories were bought."),
}


@dataclass(frozen=True, kw_only=True, eq=False)
class Tag:
    """One tag: who has it, and what speaks for it.

    Attributes:
        key: A stable name.
        kind: What kind of tag it is.
        label: What people call it, in the reader's language.
        rule: The rule in the reader's language.
        value: Category or province; empty where the tag has none.
        place: Places of the tagged customers; one entry a category that they love.
        loved: The category of each entry, of the tag of all categories together.
        evidence: What speaks for a tag that rests on tests.
        again: Of those who had it at the end of the earlier half, how many bought again
            soon, beside all known by then; of tags that rest on no test.
        why: Why the tag cannot be told; empty where it can.
    """

    key: str
    kind: Kind
    label: str
    rule: str
    value: str = ""
    place: Array = field(default_factory=lambda: np.zeros(0, dtype=int))
    loved: Array | None = None
    evidence: Evidence | None = None
    again: Lift = NOTHING
    why: str = ""

    @property
    def words(self) -> HabitWords:
        """What its habit is called, of a tag that rests on tests."""
        return WORDS.get(self.key, LOVER)

    @property
    def name(self) -> str:
        """The tag with its value, on one line."""
        return self.called(self.value)

    def called(self, value: str) -> str:
        """The tag with a value."""
        if not value:
            return self.label
        return tr("{tag}: {value}", tag=self.label, value=short_name(value))


def make_tags(held: CustomerFacts, rules: tuple[TagRule, ...]) -> tuple[Tag, ...]:
    """All tags of the customers, the shop's own first."""
    habits = [_habit(held, habit) for habit in HABITS]
    return (*_own(held, rules), *_categories(held), *habits, *_regions(held), *_stages(held))


def _habit(held: CustomerFacts, habit: str) -> Tag:
    """The tag of a habit, told from purchases one by one."""
    words = WORDS[habit]
    rule = tr(
        words.rule,
        off=show(1 / OFF, "share"),
        new=show(NEW_DAYS, "days"),
        begins=NIGHT[0],
        ends=NIGHT[1],
    )
    early, late = held.trials(habit, "early"), held.trials(habit, "late")
    whole = early.plus(late)
    if why := held.why.get(habit) or _why_flat(whole):
        return Tag(key=habit, kind="habit", label=tr(words.label), rule=rule, why=why)
    found = weigh(
        early,
        late,
        now=choose_customers(whole),
        first=choose_customers(early),
        own=np.ones(len(whole.tried), dtype=bool),
    )
    return Tag(
        key=habit,
        kind="habit",
        label=tr(words.label),
        rule=rule,
        place=found.mine,
        evidence=found,
    )


def _untested(what: str) -> str:
    return tr(UNTESTED[what])


def _why_flat(trials: Trials) -> str:
    """Why nothing can be told where all purchases are alike."""
    tried, did = trials.tried.sum(), trials.did.sum()
    if did == tried:  # also where all days were left out
        return _untested("all")
    return "" if did else _untested("none")


def _categories(held: CustomerFacts) -> list[Tag]:
    """Those who prefer a category: all together, then one tag a category."""
    import pandas as pd

    label, rule = tr(LOVER.label), tr(LOVER.rule)
    number, names = pd.factorize(held.pairs["category"], sort=True)
    why = held.why.get("category") or ("" if len(names) > 1 else _untested("one"))
    if why:
        return [Tag(key="category", kind="category", label=label, rule=rule, why=why)]
    early, late = held.category_trials("early"), held.category_trials("late")
    tried = {half: held.sums[f"category_{half}_tried"].to_numpy(float) for half in HALVES}
    now = choose_pairs(early.plus(late), number, tried["early"] + tried["late"])
    first = choose_pairs(early, number, tried["early"])
    place = held.pairs["place"].to_numpy(int)

    def tag(own: Array, value: str = "") -> Tag:
        found = weigh(early, late, now=now, first=first, own=own)
        return Tag(
            key="category",
            kind="category",
            label=label,
            rule=rule,
            value=value,
            place=place[found.mine],
            loved=None if value else names.to_numpy(object)[number[found.mine]],
            evidence=found,
        )

    counts = np.bincount(number[now.mine], minlength=len(names))
    ranked = [k for k in np.argsort(-counts, kind="stable")[:MOST] if counts[k]]
    return [tag(np.ones(len(number), dtype=bool)), *(tag(number == k, names[k]) for k in ranked)]


def _again(held: CustomerFacts, mine: Array) -> Lift:
    if not held.watched:
        return NOTHING
    return measure_return(mine, held.then.known, held.sums["soon"].to_numpy() > 0)


def _regions(held: CustomerFacts) -> list[Tag]:
    label, rule = tr(REGION), tr("most of the customer's orders went there")
    if why := held.why.get("region", ""):
        return [Tag(key="region", kind="region", label=label, rule=rule, why=why)]
    province = held.sums["province"]
    sizes = province.value_counts()
    ranked = sorted(sizes.index, key=lambda value: (-sizes[value], str(value)))
    groups = [(str(value), [value]) for value in ranked[:MOST]]
    if ranked[MOST:]:
        groups.append((tr("all others"), ranked[MOST:]))
    found = []
    for value, members in groups:
        mine = province.isin(members).to_numpy(bool)
        found.append(
            Tag(
                key="region",
                kind="region",
                label=label,
                rule=rule,
                value=value,
                place=np.flatnonzero(mine),
                again=_again(held, mine),
            )
        )
    return found


def _stages(held: CustomerFacts) -> list[Tag]:
    days = {
        "new": NEW,
        "growing": GROWING,
        "least_fading": LEAST_FADING,
        "least_lost": LEAST_LOST,
    }
    shown = {name: show(value, "days") for name, value in days.items()}
    return [
        Tag(
            key=f"stage/{key}",
            kind="stage",
            label=tr("{tag}: {value}", tag=tr(STAGE), value=tr(label)),
            rule=tr(STAGE_RULES[key], fading=FADING, lost=LOST, **shown),
            place=np.flatnonzero(held.now.stage == number),
            again=_again(held, held.then.stage == number),
        )
        for number, (key, label) in enumerate(STAGES.items())
    ]


def _own(held: CustomerFacts, rules: tuple[TagRule, ...]) -> list[Tag]:
    """The shop's own tags."""
    if not rules:
        return []
    now, then = list_facts(held), list_facts(held, then=True)
    found = []
    for rule in rules:
        untold = [fact for fact in rule.facts() if now[fact].isna().all()]
        mine, before = rule.holds(now), rule.holds(then)
        found.append(
            Tag(
                key=f"own/{rule.name}",
                kind="rule",
                label=short_name(rule.name),
                rule=rule.words(),
                place=np.flatnonzero(mine),
                again=_again(held, before),
                why=tr("of no customer is told: {fact}.", fact=tr(FACTS[untold[0]][0]))
                if untold
                else "",
            )
        )
    return found
