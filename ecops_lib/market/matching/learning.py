"""How sure a pair is: learnt from the catalogues alone, or from pairs that somebody judged."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ecops_lib.core.errors import ParameterError
from ecops_lib.market.matching.pairs import Floats, Places

if TYPE_CHECKING:
    import pandas as pd

Flags = NDArray[np.bool_]
FOLDS = 5
FEWEST = 8
"""Mutual best pairs, and runners-up, below which nothing can be learnt without labels."""
LEAST_JUDGED = 10
"""Judged pairs of each kind below which nothing can be learnt from them."""
TAIL = (0.2, 0.3, 0.4, 0.5)
"""Parts of the runners-up, from below, whose frequency tells how many best pairs are wrong."""
FEW_PAIRS = 30
"""The same, below which no chance is told."""
MOST, DOUBT = 0.9, 0.025
"""Part of the runners-up below the score at which best pairs are counted, and the level."""
ROUNDS = 10
SURE = 30.0


def mutual_best(score: Floats, left: Places, right: Places, live: Flags) -> Flags:
    """Whether a pair is the best of both its items; of equals the first.

    Args:
        score: Of each pair.
        left: Item (and seller) on our side.
        right: Item on theirs.
        live: Pairs that count.
    """
    return live & _first(score, left, live) & _first(score, right, live)


def _first(score: Floats, item: Places, live: Flags) -> Flags:
    if not len(score):
        return np.zeros(0, bool)
    order = np.lexsort((np.arange(len(score)), -np.where(live, score, -np.inf), item))
    begins = np.append(True, item[order][1:] != item[order][:-1])
    held = np.zeros(len(score), bool)
    held[order[begins]] = True
    return held


def score_alone(facts: pd.DataFrame, left: Places, right: Places) -> Floats | None:
    """Log odds that a pair is the best of both its items, learnt without any label.

    Mutual best pairs by likeness against the runners-up of the same items: what tells them apart
    in these catalogues (a code, a size, a brand) gets the weight (ridge logistic regression).
    Each pair is scored by a fit that has not seen its item. None where there are too few.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    like, every = facts["like"].to_numpy(), np.ones(len(facts), bool)
    best = mutual_best(like, left, right, every)
    second = ~best & (_first(like, left, ~best) | _first(like, right, ~best))
    if min(best.sum(), second.sum()) < FEWEST:
        return None
    values, score = facts.to_numpy(), np.zeros(len(facts))
    fold = left % FOLDS
    for number in np.unique(fold):
        seen = (best | second) & (fold != number)
        if not 0 < best[seen].sum() < seen.sum():
            seen = best | second
        model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1_000))
        model.fit(values[seen], best[seen])
        score[fold == number] = model.decision_function(values[fold == number])
    return np.clip(score, -SURE, SURE)


def weigh_alone(score: Floats, left: Places, right: Places) -> Floats:
    """Chance that each mutual best pair is a match, without any label; NaN for other pairs.

    Mutual best pairs are a mixture of matches and of items that merely resemble each other. The
    second kind is seen by itself: take the mutual best pairs away, and what is best then is
    never the match. Where these are frequent and best pairs are rare, best pairs are wrong: the
    chance is 1 − π₀·f₀(s)/f(s), both densities by isotonic regression, π₀ read off the low
    scores, where matches are rare. An item without a match shows its second best wrong pair by
    then, which is too low; so items count by the chance that theirs was a match, in turns.

    Returns:
        NaN throughout where fewer than thirty pairs of either kind can be seen, or the best
        pairs show no more than chance would.

    References:
        Efron (2005), Local false discovery rates, equation (2.3), with an empirical null.
    """
    best = mutual_best(score, left, right, np.ones(len(score), bool))
    null = mutual_best(score, left, right, ~best)
    chance = np.full(len(score), np.nan)
    if min(best.sum(), null.sum()) < FEW_PAIRS or not shows_matches(score[best], score[null]):
        return chance
    found, none = score[best], np.append(score[null], score[best].max())
    theirs = np.isin(left[null], left[best])
    place = np.searchsorted(np.sort(left[best]), left[null][theirs])
    place = np.argsort(left[best], kind="stable")[place]
    held = np.full(len(found), 0.5)
    for _ in range(ROUNDS):
        weight = np.full(len(none), 0.5)
        weight[:-1][theirs] = held[place]
        weight[-1] = 1.0  # one wrong pair as good as any: no score is beyond doubt
        held = _local(found, none, weight / weight.sum())
    chance[best] = held
    return chance


def shows_matches(found: Floats, second: Floats) -> bool:
    """Whether best pairs lie further above the runners-up than if none of them was a match.

    Of many wrong pairs the best has some distribution F and the second best F(1 − ln F); so where
    nine of ten second best lie below a score, the best lie above it in 41 % of cases. More
    than that (exact binomial test, one-sided 2.5 %) are matches.

    References:
        Leadbetter, Lindgren and Rootzén (1983), Extremes, theorem 2.2.2 for k = 2.
    """
    from scipy.optimize import brentq
    from scipy.stats import binomtest

    below = brentq(lambda part: part * (1 - np.log(part)) - MOST, 1e-9, 1.0)
    above = int((found > np.quantile(second, MOST)).sum())
    test = binomtest(above, len(found), 1 - below, alternative="greater")
    return bool(test.pvalue < DOUBT)


def _local(found: Floats, none: Floats, weight: Floats) -> Floats:
    """Chance of each found score to be a match, from scores of wrong pairs and their weights."""
    from sklearn.isotonic import IsotonicRegression

    split = IsotonicRegression(y_min=1e-6, y_max=1 - 1e-6, out_of_bounds="clip").fit(
        np.append(found, none), np.append(np.ones(len(found)), np.zeros(len(none))),
        sample_weight=np.append(np.full(len(found), 1 / len(found)), weight),
    )  # fmt: skip
    share = split.predict(found)
    order = np.argsort(none, kind="stable")
    below = np.cumsum(weight[order])
    cuts = none[order][np.minimum(np.searchsorted(below, TAIL), len(none) - 1)]
    wrong = min(1.0, *(float((found <= cut).mean()) / level
                       for cut, level in zip(cuts, TAIL, strict=True)))  # fmt: skip
    chance: Floats = np.clip(1 - wrong * (1 - share) / share, 0.0, 1.0)
    return chance


def weigh_judged(
    facts: pd.DataFrame, score: Floats, left: Places, right: Places, known: Places, match: Flags
) -> Floats:
    """Chance that each pair is a match, learnt from judged pairs.

    Boosted trees and random trees vote on what speaks for a pair, how it is scored without
    labels, and how far it stands above the other pairs of its items.

    Args:
        facts: What speaks for and against each pair.
        score: Log odds without labels.
        left: Item (and seller) on our side.
        right: Item on theirs.
        known: Places of the judged pairs.
        match: What was judged.

    Raises:
        ParameterError: Fewer than ten judged pairs of a kind are candidates at all.
    """
    from sklearn.ensemble import (
        ExtraTreesClassifier,
        HistGradientBoostingClassifier,
        VotingClassifier,
    )

    if min(int(match.sum()), int((~match).sum())) < LEAST_JUDGED:
        raise ParameterError(
            f"labels has {int(match.sum())} matches and {int((~match).sum())} others among the "
            f"pairs that resemble each other; at least {LEAST_JUDGED} of each are needed, or none."
        )
    like = facts["like"].to_numpy()
    more = {"alone": score, **{
        f"{name}_{side}": _lead(value, item)
        for name, value in (("like", like), ("alone", score))
        for side, item in (("ours", left), ("theirs", right))
    }}  # fmt: skip
    values = facts.assign(**more).to_numpy()
    vote = VotingClassifier(
        [
            ("boosted", HistGradientBoostingClassifier(
                max_iter=200, max_leaf_nodes=15, learning_rate=0.06, min_samples_leaf=15,
                l2_regularization=1.0, random_state=0)),
            ("random", ExtraTreesClassifier(400, min_samples_leaf=2, random_state=0)),
        ],
        voting="soft",
    )  # fmt: skip
    vote.fit(values[known], match)
    chance: Floats = vote.predict_proba(values)[:, 1]
    return chance


def _lead(score: Floats, item: Places) -> Floats:
    """How far each pair stands above the best other pair of its item."""
    order = np.lexsort((-score, item))
    sorted_item, sorted_score = item[order], score[order]
    begins = np.searchsorted(sorted_item, sorted_item)
    best = sorted_score[begins]
    place = np.minimum(begins + 1, len(order) - 1)
    second = np.where(sorted_item[place] == sorted_item, sorted_score[place], best - 1.0)
    second = np.where(place == begins, best - 1.0, second)
    lead = np.empty(len(score))
    lead[order] = np.where(np.arange(len(order)) == begins, best - second, sorted_score - best)
    return lead
