"""What tags say in words, and how far they can be trusted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from ecops_lib.core.findings import Action, Finding, Level
from ecops_lib.core.formats import show
from ecops_lib.core.language import mark, ntr, tr
from ecops_lib.core.names import joined
from ecops_lib.customers.tag_facts import AHEAD, CustomerFacts
from ecops_lib.customers.tag_tests import LEAST, LEVEL, Evidence, Lift

if TYPE_CHECKING:
    from ecops_lib.customers.tag_kinds import HabitWords, Tag


CHECKS: Mapping[tuple[str, bool], str] = {
    ("tagged", True): mark(
        "It lasts: {count} customers tagged by {split} had {before} {did}, and afterwards "
        "{later}, where {base} was to be expected ({lift} times, {low} to {high})."
    ),
    ("tagged", False): mark(
        "It is not shown to last: {count} customers tagged by {split} had {before} {did}, and "
        "afterwards {later}, where {base} was to be expected ({lift} times, {low} to {high}); do "
        "not build on it."
    ),
    ("seeming", True): mark(
        "It is a habit: {count} customers who only seemed so by {split}, untested, had {before} "
        "{did}, and afterwards {later}, where {base} was to be expected ({lift} times, {low} to "
        "{high})."
    ),
    ("seeming", False): mark(
        "To seem so tells nothing: {count} customers who did by {split}, untested, had {before} "
        "{did}, and afterwards {later}, where {base} was to be expected ({lift} times, {low} to "
        "{high})."
    ),
}
"""Whom the earlier half tagged or who seemed so, and whether they surely went on."""


def all_findings(held: CustomerFacts, tags: tuple[Tag, ...], owner: str) -> tuple[Finding, ...]:
    """Each tag's sentence, the own tags first, and what holds for all of them."""
    told = [_told(held, tag, owner) for tag in tags]
    return (*(f for f in told if f), *_limits(held, tags), *held.apart.findings())


def _told(held: CustomerFacts, tag: Tag, owner: str) -> Finding | None:
    key = f"tag/{tag.key}" + (f"/{tag.value}" if tag.value else "")
    if tag.why:
        text = tr("{tag} cannot be told: {why}", tag=tag.name, why=tag.why)
        return Finding(key=key, level="watch" if tag.kind == "rule" else "info", text=text)
    if tag.evidence:
        return _tested(held, tag, tag.evidence, key, owner)
    return _plain(held, tag, key)


def _tested(held: CustomerFacts, tag: Tag, found: Evidence, key: str, owner: str) -> Finding | None:
    """A tag that rests on tests: how many, how strong, and whether it went on."""
    if tag.value:  # told with all categories together
        return None
    words, count = tag.words, len(np.unique(tag.place))
    first = _count_words(tag, found, words, count)
    numbers = {
        "customers": float(count),
        "tested": float(found.tested),
        "share": found.within.share,
        "base": found.within.base,
        "lift": found.within.lift,
        "later_share": found.later.share,
        "later_base": found.later.base,
        "later_lift": found.later.lift,
        "later_low": found.later.low,
        "later_high": found.later.high,
    }
    level: Level = words.level if count else "info"
    action = Action(text=tr(words.advice), owner=owner) if count else None
    text = joined(first, _check_words(held, found, words))
    return Finding(key=key, level=level, text=text, evidence=numbers, action=action)


def _count_words(tag: Tag, found: Evidence, words: HabitWords, count: int) -> str:
    tested = show(found.tested, "count")
    if not count:
        return tr(
            "{tag}: of nobody can it be told from chance, in {tested} tests.",
            tag=tag.name,
            tested=tested,
        )
    return ntr(
        "{tag}: {count} customer; of the purchases, {share} were {did}, where {base} were of all "
        "buyers' on the same days ({lift} times; they were chosen for it, so this is too high).",
        "{tag}: {count} customers; of their purchases, {share} were {did}, where {base} were of "
        "all buyers' on the same days ({lift} times; they were chosen for it, so this is too "
        "high).",
        count,
        tag=tag.name,
        count=show(count, "count"),
        did=tr(words.did),
        share=show(found.within.share, "share"),
        base=show(found.within.base, "share"),
        lift=show(found.within.lift, "ratio"),
    )


def _check_words(held: CustomerFacts, found: Evidence, words: HabitWords) -> str:
    """What became of those whom the earlier half tagged, or who seemed so in it."""
    later = found.later
    if not later.told:
        return tr("Too few bought again after {split} to check whether it lasts.",
                  split=show(held.split, "day"))  # fmt: skip
    figures = {
        "count": show(later.customers, "count"),
        "split": show(held.split, "day"),
        "did": tr(words.did),
        "before": show(found.before.share, "share"),
        "later": show(later.share, "share"),
        "base": show(later.base, "share"),
        "lift": show(later.lift, "ratio"),
        "low": show(later.low, "ratio"),
        "high": show(later.high, "ratio"),
    }
    return tr(CHECKS[found.checked, later.holds], **figures)


def _plain(held: CustomerFacts, tag: Tag, key: str) -> Finding | None:
    """A tag by a plain rule: who, what they brought, and whether they buy again."""
    count, amount = len(tag.place), float(held.now.amount[tag.place].sum())
    if tag.kind == "region" or (tag.kind == "stage" and not count):
        return None
    text = ntr(
        "{tag} ({rule}): {count} customer ({share}), who has brought {amount}.",
        "{tag} ({rule}): {count} customers ({share}), who have brought {amount}.",
        count,
        tag=tag.name,
        rule=tag.rule,
        count=show(count, "count"),
        share=show(count / len(held.people), "share"),
        amount=show(amount, "money"),
    )
    if tag.again.told:
        text = joined(text, _again_words(held, tag.again))
    numbers = {"customers": float(count), "amount": amount, "again": tag.again.share,
               "base": tag.again.base}  # fmt: skip
    return Finding(key=key, level="info", text=text, evidence=numbers)


def _again_words(held: CustomerFacts, again: Lift) -> str:
    return tr(
        "Of the {count} who fulfilled it on {split}, {share} bought again within {ahead}, of all "
        "customers {base} ({lift} times, {low} to {high}).",
        count=show(again.customers, "count"),
        split=show(held.split, "day"),
        share=show(again.share, "share"),
        ahead=show(AHEAD, "days"),
        base=show(again.base, "share"),
        lift=show(again.lift, "ratio"),
        low=show(again.low, "ratio"),
        high=show(again.high, "ratio"),
    )


def _limits(held: CustomerFacts, tags: tuple[Tag, ...]) -> tuple[Finding, ...]:
    """How many tags chance may have given, of whom nothing can be told, what tags are not."""
    tested = any(tag.evidence for tag in tags)
    often = int((held.sums["purchases"] >= LEAST).sum())
    text = tr(
        "Tests of habits: of each tag, at most {level} of the customers are expected to have it "
        "by chance (Benjamini–Hochberg); {often} of {all} customers have the {least} purchases "
        "below which no habit is told. Refunds of the last days may be missing yet.",
        level=show(LEVEL, "share"),
        often=show(often, "count"),
        all=show(len(held.people), "count"),
        least=show(LEAST, "count"),
    )
    told = Finding(key="tag/level", level="info", text=text, evidence={"level": LEVEL})
    cause = tr(
        "Tags describe customers; whether a message for a tag brings anything cannot be told "
        "from them: leave a random part out and compare."
    )
    return (*([told] if tested else []), Finding(key="tag/cause", level="info", text=cause))
