"""Who does something more often than chance allows, and whether they went on doing it."""

from __future__ import annotations

from dataclasses import dataclass
from math import nan, sqrt
from typing import Literal

import numpy as np

from ecops_lib.customers.shares import share_interval
from ecops_lib.customers.tag_facts import Array, Trials

Checked = Literal["", "tagged", "seeming"]

LEVEL = 0.10
"""Most of the tags given that are expected to be chance."""
LEAST = 3
"""Purchases below which no habit is told."""
GAP = 0.10
"""A habit's share must exceed the expected one by so much at least."""
CHECKED = 10
"""Tagged customers with later purchases below which the tag is not checked."""
EXPECTED = 5
"""Customers expected to buy again below which it is not told how many more did."""
NORMAL = 1.959963984540054
"""Upper 2.5 % point of the normal distribution."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """Who was tagged.

    Attributes:
        mine: Whether each entry was.
        chance: P-value of each entry; 1 where its share is not high enough to matter.
        tested: Customers (or pairs of customer and category) that could have been tagged.
    """

    mine: Array
    chance: Array
    tested: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Lift:
    """A share beside that expected, both ratios of sums.

    Attributes:
        customers: Customers with any purchase to tell.
        share: Share of their purchases (or of themselves) that did it.
        base: The share expected.
        lift: ``share / base``.
        low: Lower 95 % limit of the lift; NaN where not told.
        high: Upper 95 % limit.
    """

    customers: int = 0
    share: float = nan
    base: float = nan
    lift: float = nan
    low: float = nan
    high: float = nan

    @property
    def holds(self) -> bool:
        """Whether the lift is surely above 1."""
        return self.low > 1

    @property
    def differs(self) -> bool:
        """Whether the lift is surely not 1."""
        return self.low > 1 or self.high < 1

    @property
    def told(self) -> bool:
        """Whether there was enough to tell."""
        return self.low == self.low


@dataclass(frozen=True, kw_only=True, eq=False)
class Evidence:
    """What speaks for a tag that rests on tests.

    Attributes:
        mine: Entries tagged.
        tested: Tests made.
        trials: Purchases of each entry tagged.
        chance: P-value of each entry tagged.
        within: Their share beside that expected, on the purchases that chose them.
        checked: Who was followed: those whom the earlier half tagged, those who seemed so
            in it, or nobody.
        before: What those followed did in the earlier half.
        later: What they did afterwards.
    """

    mine: Array
    tested: int
    trials: Trials
    chance: Array
    within: Lift
    checked: Checked
    before: Lift
    later: Lift


def seem(trials: Trials) -> Array:
    """Who did it at least once more, and in ``GAP`` more of the purchases, than expected."""
    over = trials.did - trials.expected
    held: Array = (over >= 1) & (over >= GAP * trials.tried - 1e-9)
    return held


def find_chances(trials: Trials) -> Array:
    """P-value of each entry's count under the shares of the days on which it bought.

    Under the null hypothesis that a customer buys like all buyers of the same days, the
    count is Poisson-binomial. Above its mean, its upper tail is at most that of a binomial
    with the same number and mean (Hoeffding 1956, Ann. Math. Stat. 27, theorem 5), which is
    what is given; below, and where the share exceeds the expected one by less than ``GAP``
    or purchases are fewer than ``LEAST``, it is 1.

    >>> find_chances(Trials(tried=np.array([4.0, 2.0]), did=np.array([4.0, 2.0]),
    ...                     expected=np.array([1.0, 0.5])))
    array([0.00390625, 1.        ])
    """
    from scipy.stats import binom

    look = np.flatnonzero(seem(trials) & (trials.tried >= LEAST))
    held = trials.take(look)
    chances = np.ones(len(trials.tried))
    mean = np.minimum(held.expected / held.tried, 1.0)
    chances[look] = binom.sf(held.did - 1, held.tried, mean)
    return chances


def choose(chances: Array, tests: int) -> Array:
    """Who is tagged so that at most ``LEVEL`` of the tags are expected to be chance.

    Benjamini and Hochberg (1995, J. R. Stat. Soc. B 57, procedure 1).

    Args:
        chances: P-values; those of tests not listed count as 1.
        tests: Tests made, at least as many as there are p-values below 1.

    >>> choose(np.array([0.001, 0.03, 0.04, 0.9]), tests=4).tolist()
    [True, True, True, False]
    """
    ranked = np.sort(chances[chances < 1])
    good = np.flatnonzero(ranked <= LEVEL * np.arange(1, len(ranked) + 1) / max(tests, 1))
    held: Array = chances <= (ranked[good[-1]] if len(good) else -1.0)
    return held


def tell_able(least: Array) -> Array:
    """Which tests are worth making: those that could be passed at all.

    A customer with few purchases could not be told from chance even by doing it each time,
    and each test more makes all of them harder. Kept are the K tests at most whose least
    possible p-value is within ``LEVEL / K`` (Tarone 1990, Biometrics 46, p. 515, before
    Benjamini and Hochberg's procedure: Gilbert 2005, Appl. Stat. 54, p. 143).

    Args:
        least: The least p-value that each test could have had; no outcome is looked at.

    >>> tell_able(np.array([0.02, 0.03, 0.5, 0.6])).tolist()
    [True, True, False, False]
    """
    ranked = np.sort(least)
    tests = np.arange(1, len(ranked) + 1)
    fit = np.searchsorted(ranked, LEVEL / tests, side="right") <= tests
    limit = LEVEL / int(tests[fit][0]) if len(ranked) else 0.0
    held: Array = least <= limit
    return held


def choose_customers(trials: Trials) -> Chosen:
    """Who has a habit, one test a customer."""
    tried = np.maximum(trials.tried, 1)
    able = tell_able(np.where(trials.tried >= LEAST, (trials.expected / tried) ** tried, 1.0))
    chances = np.where(able, find_chances(trials), 1.0)
    tested = int(able.sum())
    return Chosen(mine=choose(chances, tested), chance=chances, tested=tested)


def choose_pairs(trials: Trials, category: Array, tried: Array) -> Chosen:
    """Who prefers which category, one test a customer and category.

    Args:
        trials: Pairs in which the customer has bought the category.
        category: Number of each pair's category.
        tried: Purchases of each customer of which the category is told.
    """
    many = tried[tried >= LEAST]
    share = np.bincount(category, weights=trials.did) / max(tried.sum(), 1)
    least = (share[None, :] ** many[:, None]).ravel()
    kept = tell_able(least)
    tested, worst = int(kept.sum()), least[kept].max(initial=0.0)
    able = (trials.tried >= LEAST) & (share[category] ** trials.tried <= worst)
    chances = np.where(able, find_chances(trials), 1.0)
    return Chosen(mine=choose(chances, tested), chance=chances, tested=tested)


def weigh(early: Trials, late: Trials, *, now: Chosen, first: Chosen, own: Array) -> Evidence:
    """What speaks for a tag, and what became of those whom the earlier half tagged.

    Where the earlier half tagged too few to check, those who only seemed so are followed.

    Args:
        early: Purchases of the earlier half.
        late: Purchases afterwards.
        now: Whom all purchases tag.
        first: Whom the earlier half alone tags.
        own: Whether each entry is about this tag.
    """
    whole, mine = early.plus(late), np.flatnonzero(now.mine & own)
    told = whole.take(mine)
    followed: tuple[Checked, Array] = ("", np.zeros(0, dtype=int))
    for checked, who in (("tagged", first.mine), ("seeming", seem(early))):
        again = np.flatnonzero(who & own & (late.tried > 0))
        if len(again) >= CHECKED:
            followed = (checked, again)  # type: ignore[assignment]
            break
    return Evidence(
        mine=mine,
        tested=now.tested,
        trials=told,
        chance=now.chance[mine],
        within=measure_lift(told, check=False),
        checked=followed[0],
        before=measure_lift(early.take(followed[1]), check=False),
        later=measure_lift(late.take(followed[1]), check=True),
    )


def measure_lift(trials: Trials, *, check: bool) -> Lift:
    """What entries did beside what was expected of them.

    Args:
        trials: The entries.
        check: Whether to give limits: those of a ratio of sums over customers (Cochran
            1977, Sampling Techniques, eq. 6.10), which mean something only where the
            entries were not chosen by these very purchases.
    """
    there = trials.tried > 0
    tried, did, expected = (float(v.sum()) for v in (trials.tried, trials.did, trials.expected))
    customers = int(there.sum())
    if not tried or not expected > 0:
        return Lift(customers=customers)
    lift = did / expected
    told = Lift(customers=customers, share=did / tried, base=expected / tried, lift=lift)
    if not check or customers < CHECKED:
        return told
    off = (trials.did - lift * trials.expected)[there]
    error = sqrt(float((off**2).sum()) * customers / (customers - 1)) / expected
    return Lift(
        customers=customers,
        share=told.share,
        base=told.base,
        lift=lift,
        low=max(0.0, lift - NORMAL * error),
        high=lift + NORMAL * error,
    )


def measure_return(mine: Array, known: Array, again: Array) -> Lift:
    """How many of some customers bought again, beside all who were known.

    Args:
        mine: Whether each customer belongs to them.
        known: Whether each was known on the day of judgement.
        again: Whether each bought in the days after it.
    """
    count, all_ = int((mine & known).sum()), int(known.sum())
    base = float((again & known).sum()) / all_ if all_ else nan
    did = float((again & mine & known).sum())
    if not count or not base > 0:
        return Lift(customers=count, base=base)
    share = did / count
    low, high = share_interval(did, count) if count * base >= EXPECTED else (nan, nan)
    return Lift(
        customers=count,
        share=share,
        base=base,
        lift=share / base,
        low=low / base,
        high=high / base,
    )
