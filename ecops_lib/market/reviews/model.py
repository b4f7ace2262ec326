"""Whether a text is negative: learnt from a shop's own stars, else by a list of words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ecops_lib.core.errors import ParameterError
from ecops_lib.market.reviews.grams import count_runs, find_runs
from ecops_lib.market.reviews.lexicon import built_in
from ecops_lib.market.reviews.lines import (
    Flags,
    Floats,
    Lines,
    Link,
    calibration_error,
    chances_of,
    fit_lines,
    fit_link,
)
from ecops_lib.market.reviews.matching import make_matcher
from ecops_lib.market.reviews.texts import clean_text

LEAST = 100
"""Negative and positive texts from which a model is learnt."""
FEW = 20
"""Negative and positive texts from which the list of words is judged."""
MOST = 60_000
"""Texts that are learnt from; the last ones of a longer list."""
FOLDS = 5
WORD_LINK: Link = (0.9, 0.0)
"""What a word of blame is taken to be worth where no stars tell [log odds]."""

Kind = Literal["stars", "words"]
Places = NDArray[np.intp]


@dataclass(frozen=True, kw_only=True, eq=False)
class SentimentModel:
    """What tells negative texts from positive ones, and how well it does.

    Attributes:
        kind: ``stars`` where it was learnt from rated texts, ``words`` for the list of words.
        negatives: Texts with at most two stars that it was judged on.
        positives: Texts with at least four.
        accuracy: Share of them told right by a model that had not seen them; NaN where there
            are too few to judge.
        balanced: Mean of the shares told right of the negative and of the positive ones.
        usual: Accuracy of calling all texts what most of them are.
        error: Expected calibration error of the chances (Guo et al. 2017, eq. 3).
        held_out: Chance of each text given to the fit to be negative, for rated ones from a
            model that had not seen it; NaN without words.
        parts: The scores, which are added; none for the list of words.
        link: How a score becomes a chance.
    """

    kind: Kind
    negatives: int
    positives: int
    accuracy: float
    balanced: float
    usual: float
    error: float
    held_out: Floats
    parts: tuple[Lines, ...] = ()
    link: Link = WORD_LINK

    def chance_negative(self, texts: Sequence[object]) -> Floats:
        """Chance of each text to be negative; NaN for one without words.

        Args:
            texts: Any texts; they are cleaned here.
        """
        clean = [clean_text(text) for text in texts]
        told = np.array([bool(text) for text in clean], bool)
        if self.parts:
            scores = np.sum([part.score(clean) for part in self.parts], axis=0)
        else:
            scores = _word_scores(clean)
        return np.where(told, chances_of(scores, self.link), np.nan)

    def adapt(self, texts: Sequence[object]) -> SentimentModel:
        """The model made to fit texts without stars, such as those of a new category.

        It is learnt anew from the half of the texts that it is surest of, taken for what it
        holds them for, and its score becomes the mean of both (self-training; Scudder 1965,
        IEEE Trans. Inf. Theory 11, 363–371). The figures that it states stay those of the
        first model: nothing tells how well it does on texts that nobody has rated.

        Args:
            texts: Texts of the new kind; fewer than 200 leave the model as it is.
        """
        clean = [text for text in map(clean_text, texts) if text]
        if not self.parts or len(clean) < 2 * LEAST:
            return self
        first = self.parts[0]
        score = first.score(clean)
        sure = np.flatnonzero(np.abs(score) >= np.median(np.abs(score)))
        bad = score[sure] > 0
        if min(bad.sum(), (~bad).sum()) < FOLDS:
            return self
        runs = find_runs(clean)
        counts = count_runs(clean, runs)
        own = fit_lines(counts[sure], bad, runs)
        scale = float(np.std(score) / np.std(own.score_counts(counts)))
        return replace(self, parts=(first.times(0.5), own.times(0.5 * scale)))


def fit_sentiment(
    texts: Sequence[object], stars: Sequence[float | None], *, seed: int = 0
) -> SentimentModel:
    """Learn from rated texts what negative ones look like, and judge it on texts held out.

    Texts with at most two stars are negative, with at least four positive; three stars and
    none teach nothing. The score is the sum of two linear support vector machines on runs of
    one to four characters (``fit_lines``); Platt's (1999) curve, fitted to scores of folds
    held out, makes it a chance; texts with the same words share a fold. With fewer than 100
    texts of either kind, or 20 different ones, or where the words of ``lexicon.toml`` do
    better on the same texts, these words are used.

    Args:
        texts: Texts in any language, in order of time.
        stars: Stars of each, 1 to 5; None or NaN where there are none.
        seed: For the folds.

    Raises:
        ParameterError: The two are not equally long.

    >>> model = fit_sentiment(["very soft, love it", "broken and dirty"], [5, 1])
    >>> model.kind, (model.chance_negative(["terrible", "great"]) > 0.5).tolist()
    ('words', [True, False])
    """
    if len(texts) != len(stars):
        raise ParameterError(f"texts has {len(texts)} rows and stars {len(stars)}; give as many.")
    clean = [clean_text(text) for text in texts]
    rated = np.array([np.nan if star is None else star for star in stars], float)
    told = np.array([bool(text) for text in clean], bool)
    known = np.flatnonzero(told & ((rated <= 2) | (rated >= 4)))[-MOST:]
    bad: Flags = rated[known] <= 2
    words = _fit_words(clean, known, bad)
    if _rarer(bad) < LEAST or _fewest_distinct(clean, known, bad) < FEW:
        return words
    learnt = _fit_stars(clean, known, bad, seed)
    return learnt if learnt.balanced >= words.balanced else words


def _fewest_distinct(clean: list[str], known: Places, bad: Flags) -> int:
    """Different texts among the negative or the positive ones, whichever has fewer."""
    return min(len({clean[place] for place in known[bad == kind]}) for kind in (True, False))


def _rarer(bad: Flags) -> int:
    return int(min(bad.sum(), len(bad) - bad.sum()))


def _fit_words(clean: list[str], known: Places, bad: Flags) -> SentimentModel:
    """The list of words, its curve fitted where there are stars enough."""
    scores = _word_scores(clean)
    enough = _rarer(bad) >= FEW
    link = fit_link(scores[known], bad) if enough else WORD_LINK
    return _judged("words", _told(clean, chances_of(scores, link)), known, bad, link=link)


def _fit_stars(clean: list[str], known: Places, bad: Flags, seed: int) -> SentimentModel:
    runs = find_runs([clean[place] for place in known])
    counts = count_runs(clean, runs)
    rated, fold = counts[known], _folds([clean[place] for place in known], bad, seed)
    scores = np.full(len(known), np.nan)
    for each in range(FOLDS):
        learn, rest = np.flatnonzero(fold != each), np.flatnonzero(fold == each)
        scores[rest] = fit_lines(rated[learn], bad[learn], runs).score_counts(rated[rest])
    lines, link = fit_lines(rated, bad, runs), fit_link(scores, bad)
    chances = chances_of(lines.score_counts(counts), link)
    for each in range(FOLDS):
        others = fit_link(scores[fold != each], bad[fold != each])
        chances[known[fold == each]] = chances_of(scores[fold == each], others)
    return _judged("stars", _told(clean, chances), known, bad, parts=(lines,), link=link)


def _told(clean: list[str], chances: Floats) -> Floats:
    return np.where([bool(text) for text in clean], chances, np.nan)


def _folds(texts: list[str], bad: Flags, seed: int) -> Places:
    """A fold for each text, the same for the same words, about equally many of each kind in all."""
    _, first, which = np.unique(np.array(texts, object), return_index=True, return_inverse=True)
    rng, kinds = np.random.default_rng(seed), bad[first]
    fold = np.zeros(len(first), np.intp)
    for kind in (True, False):
        places = rng.permutation(np.flatnonzero(kinds == kind))
        fold[places] = np.arange(len(places)) % FOLDS
    return fold[which]


def _word_scores(clean: Sequence[str]) -> Floats:
    matcher = make_matcher(built_in())
    return np.array([-matcher.weigh(text) for text in clean], float).clip(-5, 5)


def _judged(
    kind: Kind,
    held_out: Floats,
    known: Places,
    bad: Flags,
    *,
    parts: tuple[Lines, ...] = (),
    link: Link,
) -> SentimentModel:
    """A model with how well its chances told the texts that are rated."""
    figures = dict.fromkeys(("accuracy", "balanced", "usual", "error"), float("nan"))
    if _rarer(bad) >= FEW:
        chances = held_out[known]
        right = (chances > 0.5) == bad
        figures = {
            "accuracy": float(right.mean()),
            "balanced": float((right[bad].mean() + right[~bad].mean()) / 2),
            "usual": float(max(bad.mean(), 1 - bad.mean())),
            "error": calibration_error(chances, bad),
        }
    return SentimentModel(
        kind=kind, negatives=int(bad.sum()), positives=int((~bad).sum()), **figures,
        held_out=held_out, parts=parts, link=link,
    )  # fmt: skip
