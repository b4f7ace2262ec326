"""What low ratings talk about that high ones do not."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from ecops_lib.core.errors import ParameterError
from ecops_lib.core.findings import Finding
from ecops_lib.core.formats import Unit, show
from ecops_lib.core.language import mark, tr
from ecops_lib.core.names import short_name
from ecops_lib.core.results import Result
from ecops_lib.market.reviews.lines import Floats
from ecops_lib.market.reviews.reading import HIGH_STARS, LOW_STARS, Reviews, read_reviews
from ecops_lib.market.reviews.texts import mask_text, split_clauses
from ecops_lib.metrics.anomalies import adjust_p_values
from ecops_lib.metrics.bases import Source

if TYPE_CHECKING:
    import pandas as pd

MOST = 20_000
"""Reviews that are compared; the last ones of more."""
SHOWN = 300
"""Phrases of low ratings, and of high ones, that are told at most."""
LEAST = 5
"""Reviews that use a phrase from which it is compared."""
LONGEST = 4
LEVEL = 0.05
ROWS = 12
TOLD = 5
INSIDE = 0.8
"""Share of a phrase's reviews that a longer or shorter one must have to stand for it."""
NEGATIONS = frozenset({"not", "no"})
"""Words that say nothing alone and much before another."""
_RUN = re.compile("[\u3400-\u9fff]+|[a-z][a-z']*")


@dataclass(frozen=True, kw_only=True, eq=False)
class WordContrast(Result):
    """Phrases by how much more low ratings use them than high ones.

    Attributes:
        frame: One row a phrase, those of low ratings first: ``phrase``, ``low`` and ``high``
            (reviews with one or two, and with four or five stars, that use it), ``ratio``
            (how many times as often low ratings use it, from ``delta``), ``z``, ``q`` adjusted
            for the number of phrases.
        low: Reviews with words and one or two stars.
        high: With four or five.
        phrases: Phrases compared.
        as_of: Last local day.
    """

    sheet: ClassVar[str] = mark("Words of low ratings")
    units: ClassVar[Mapping[str, Unit]] = {
        "low": "count", "high": "count", "ratio": "ratio", "z": "ratio", "q": "p_value",
    }  # fmt: skip
    labels: ClassVar[Mapping[str, str]] = {
        "phrase": mark("Phrase"),
        "low": mark("In 1–2 stars"),
        "high": mark("In 4–5 stars"),
        "ratio": mark("Times as often in low"),
        "z": mark("z"),
        "q": mark("q"),
    }

    frame: pd.DataFrame
    low: int
    high: int
    phrases: int
    as_of: dt.date

    def absent(self) -> str:
        """Why there is nothing to compare."""
        if self.low and self.high:
            return ""
        return tr(
            "Words cannot be compared: up to {day}, {low} reviews with words have one or two "
            "stars and {high} four or five.",
            day=show(self.as_of, "day"), low=show(self.low, "count"), high=show(self.high, "count"),
        )  # fmt: skip

    def to_frame(self) -> pd.DataFrame:
        """One row a phrase, those of low ratings first."""
        return self.frame[[*self.labels]]

    def page_frame(self) -> pd.DataFrame:
        """What low ratings use most beyond high ones."""
        return self.to_frame().head(ROWS)

    def findings(self) -> tuple[Finding, ...]:
        """The phrases of low ratings, and those of high ones."""
        if self.absent():
            return ()
        found = []
        for key, rows in (("low", self.frame), ("high", self.frame.iloc[::-1])):
            sure = rows[(rows["q"] <= LEVEL) & ((rows["z"] > 0) == (key == "low"))]
            given = {
                "phrases": tr(", ").join(f"“{phrase}”" for phrase in sure["phrase"].head(TOLD)),
                "low": show(self.low, "count"), "high": show(self.high, "count"),
            }  # fmt: skip
            if sure.empty and key == "low":
                text = tr(
                    "No phrase is used more by {low} low ratings than by {high} high ones beyond "
                    "chance.", **given,
                )  # fmt: skip
            elif sure.empty:
                continue
            elif key == "low":
                text = tr("{low} low ratings talk of what {high} high ones do not: {phrases}.",
                          **given)  # fmt: skip
            else:
                text = tr("High ratings talk of what low ones do not: {phrases}.", **given)
            found.append(Finding(key=f"words/{key}", level="info", text=text,
                                 evidence={"phrases": float(len(sure))}))  # fmt: skip
        return tuple(found)


def compare_words(
    source: Source | Reviews,
    *,
    as_of: dt.date | str,
    product: str | None = None,
    time_zone: str | None = None,
) -> WordContrast:
    """Find the phrases that one and two stars use more than four and five.

    Log odds with an informative Dirichlet prior (``compare_counts``) on the number of reviews
    that use a phrase, so that nobody counts twice. Phrases are runs of two to four characters
    of a clause in Chinese, and one or two words in English; of phrases that stand in the same
    reviews one remains. Phrases that
    less than five reviews use are left out, and reviews before the last 20,000.

    Args:
        source: A store, tables by canonical name, or reviews already read.
        as_of: Last local day that counts.
        product: Reviews of this product alone; all by default.
        time_zone: IANA zone of the days; the store's by default.

    Raises:
        MissingDataError: There is no review by that day.
    """
    import pandas as pd

    held = read_reviews(source, as_of=as_of, time_zone=time_zone)
    rows = held.frame[held.frame["text"] != ""]
    rows = rows if product is None else rows[rows["product_id"] == product]
    rows = rows[(rows["stars"] <= LOW_STARS) | (rows["stars"] >= HIGH_STARS)].tail(MOST)
    bad = (rows["stars"] <= LOW_STARS).to_numpy()
    used = _users(rows["text"].tolist(), frozenset(held.lexicon.other["idle"]["words"]))
    phrases = list(used)
    low = np.array([bad[places].sum() for places in used.values()], float)
    high = np.array([len(places) for places in used.values()], float) - low
    frame = pd.DataFrame({"phrase": phrases, "low": low, "high": high})
    if phrases and 0 < bad.sum() < len(bad):
        delta, z = compare_counts(low, high)
        q = adjust_p_values(_two_sided(z))
        frame = _distinct(frame.assign(ratio=np.exp(delta), z=z, q=q), used)
        frame["phrase"] = [short_name(mask_text(phrase)) for phrase in frame["phrase"]]
    else:
        frame = pd.DataFrame(columns=["phrase", "low", "high", "ratio", "z", "q"])
    return WordContrast(
        frame=frame, low=int(bad.sum()), high=int((~bad).sum()), phrases=len(phrases),
        as_of=held.as_of,
    )  # fmt: skip


def compare_counts(
    low: Floats, high: Floats, *, strength: float | None = None
) -> tuple[Floats, Floats]:
    """Log-odds ratios of words between two groups, drawn towards how often both use them.

    Monroe, Colaresi and Quinn (2008), Fightin' Words, Political Analysis 16, 372–403: the
    prior of eq. 23 (each word as often as in both groups together), the estimate of eq. 16,
    its variance of eq. 20 and the z-score of eq. 22.

    Args:
        low: Counts of each word in the first group.
        high: Counts in the second.
        strength: Words that the prior counts for in all (alpha_0); a tenth of those counted
            by default.

    Returns:
        Log-odds ratio and z-score of each word; positive where the first uses it more.

    Raises:
        ParameterError: Counts are negative, not equally many, or the strength is not positive.

    >>> delta, z = compare_counts(np.array([30.0, 10, 60]), np.array([10.0, 10, 80]))
    >>> delta.round(2).tolist()
    [1.1, 0.0, -0.81]
    """
    low, high = np.asarray(low, float), np.asarray(high, float)
    if low.shape != high.shape or not ((low >= 0) & (high >= 0)).all():
        raise ParameterError("low and high must be counts from 0, one each for every word.")
    both = low + high
    if not both.sum():
        return np.zeros(len(low)), np.zeros(len(low))
    size = 0.1 * both.sum() if strength is None else strength
    if not size > 0:
        raise ParameterError(f"strength is {strength!r}; it must be positive.")
    prior = size * both / both.sum()
    first, second = low + prior, high + prior
    with np.errstate(divide="ignore", invalid="ignore"):
        odds = [np.log(part / (whole + size - part))
                for part, whole in ((first, low.sum()), (second, high.sum()))]  # fmt: skip
        delta = np.where(both > 0, odds[0] - odds[1], 0.0)
        z = np.where(both > 0, delta / np.sqrt(1 / first + 1 / second), 0.0)
    return delta, np.nan_to_num(z)


def _two_sided(z: Floats) -> Floats:
    from scipy.stats import norm

    held: Floats = 2 * norm.sf(np.abs(z))
    return held


def _users(texts: Sequence[str], idle: frozenset[str]) -> dict[str, list[int]]:
    """Places of the texts that use each phrase, in order of the phrases."""
    counts: dict[str, list[int]] = {}
    for place, text in enumerate(texts):
        for phrase in {run for clause in split_clauses(text) for run in _phrases(clause, idle)}:
            counts.setdefault(phrase, []).append(place)
    return {phrase: counts[phrase] for phrase in sorted(counts) if len(counts[phrase]) >= LEAST}


def _phrases(clause: str, idle: frozenset[str]) -> Iterator[str]:
    """Runs of Chinese characters, and English words one and two at a time."""
    before = ""
    for found in _RUN.finditer(clause):
        run = found.group()
        if run[0] > "z":
            before = ""
            yield from (
                run[k : k + size] for size in range(2, LONGEST + 1)
                for k in range(len(run) - size + 1)
            )  # fmt: skip
            continue
        if run not in idle:
            yield run
            if before:
                yield f"{before} {run}"
        before = "" if run in idle - NEGATIONS else run


def _distinct(frame: pd.DataFrame, used: Mapping[str, Sequence[int]]) -> pd.DataFrame:
    """Of phrases that stand in nearly the same reviews the strongest, then the longest, alone."""
    ranked = frame.assign(size=frame["phrase"].str.len(), far=frame["z"].abs().round(6))
    ranked = ranked.sort_values(["far", "size", "phrase"], ascending=[False, False, True])
    phrases = [*ranked[ranked["z"] > 0]["phrase"].head(SHOWN)]
    phrases = [*phrases, *ranked[ranked["z"] <= 0]["phrase"].head(SHOWN)]
    both = _shared([used[phrase] for phrase in phrases])
    kept: list[int] = []
    for place, phrase in enumerate(phrases):
        if not any(
            (_stands_for(both, other, place) and _overlap(phrase, phrases[other]))
            or _same(both, other, place) for other in kept
        ):  # fmt: skip
            kept.append(place)
    rows = frame[frame["phrase"].isin([phrases[place] for place in kept])]
    return rows.sort_values(["z", "phrase"], ascending=[False, True], ignore_index=True)


def _shared(used: Sequence[Sequence[int]]) -> NDArray[np.int64]:
    """Reviews that two phrases have in common, and on the diagonal those that use one."""
    from scipy.sparse import csr_matrix

    columns = np.concatenate([np.asarray(places) for places in used])
    ends = np.cumsum([0, *map(len, used)])
    held = csr_matrix((np.ones(len(columns), np.int64), columns, ends))
    both: NDArray[np.int64] = (held @ held.T).toarray()
    return both


def _same(both: NDArray[np.int64], one: int, other: int) -> bool:
    """Whether nearly all reviews that use either phrase use both."""
    either = both[one, one] + both[other, other] - both[one, other]
    return bool(both[one, other] >= INSIDE * either)


def _stands_for(both: NDArray[np.int64], one: int, other: int) -> bool:
    """Whether nearly all reviews that use the rarer phrase use both."""
    return bool(both[one, other] >= INSIDE * min(both[one, one], both[other, other]))


def _overlap(one: str, other: str) -> bool:
    """Whether one holds the other, or the end of one is the beginning of the other."""
    if one in other or other in one:
        return True
    if one[0] <= "z" or other[0] <= "z":
        return bool(set(one.split()) & set(other.split()))
    return any(
        first.endswith(second[:size])
        for first, second in ((one, other), (other, one))
        for size in range(2, min(len(one), len(other)))
    )
