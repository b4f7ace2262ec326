"""Finding the words of a lexicon in clauses, and what they say of each aspect."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from ecops_lib.market.reviews.lexicon import Lexicon
from ecops_lib.market.reviews.texts import clean_text, split_clauses

ENDINGS = frozenset({"", "s", "es", "ed", "d", "ing", "ly"})
"""What an English word may have behind it and still be the same word."""
NEAR, NEAR_WORDS = 2, 3
"""Chinese characters, and English words, between a negation and what it turns."""
_LATIN = re.compile(r"[a-z0-9']+")

Hit = tuple[int, int, str]
"""Where a word begins and ends in its clause, and its kind."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mention:
    """An aspect that a text speaks of.

    Attributes:
        aspect: Its key, such as ``smell``.
        polarity: 1 praised, -1 blamed, 0 named without either, or with both.
        words: The clause that does, in lower case.
    """

    aspect: str
    polarity: int
    words: str


class Matcher:
    """A lexicon made ready for many texts."""

    def __init__(self, lexicon: Lexicon) -> None:
        self._groups: dict[str, dict[str, str]] = {}
        rest = {name: lexicon.other[name] for name in ("polarity", "negation", "unsure")}
        for name, kinds in {**lexicon.aspects, **rest}.items():
            self._groups[name] = {w: kind for kind, words in kinds.items() for w in words}
        self._aspects = tuple(lexicon.aspects)
        self._where: dict[str, list[tuple[str, str]]] = {}
        for name, words in self._groups.items():
            for word, kind in words.items():
                self._where.setdefault(word, []).append((name, kind))
        self._sizes: dict[str, tuple[int, ...]] = {}
        for word in self._where:
            held = {*self._sizes.get(word[0], ()), len(word)}
            self._sizes[word[0]] = tuple(sorted(held, reverse=True))

    def find(self, text: object) -> tuple[Mention, ...]:
        """The aspects that a text speaks of, clause by clause."""
        read = [_Clause(text=c, hits=self._hits(c)) for c in split_clauses(clean_text(text))]
        found: list[Mention] = []
        for place, clause in enumerate(read):
            if clause.hits.get("unsure"):
                continue
            after = read[place + 1] if place + 1 < len(read) else None
            found += self._told(clause, after)
        return tuple(found)

    def weigh(self, text: object) -> int:
        """Words of praise less words of blame of a text, aspects' own words among them."""
        total = 0
        for words in split_clauses(clean_text(text)):
            clause = _Clause(text=words, hits=self._hits(words))
            named = [hit for name in self._aspects for hit in clause.hits.get(name, ())]
            own = [h for h in named if h[2] in {"good", "bad"}]
            free = [h for h in clause.verdicts() if not any(_meet(h, other) for other in own)]
            total += sum(clause.sign(hit) for hit in {*own, *free})
        return total

    def _told(self, clause: _Clause, after: _Clause | None) -> Iterator[Mention]:
        """What one clause says of each aspect in it."""
        named = {name: clause.named(name) for name in self._aspects if clause.hits.get(name)}
        named = {name: hits for name, hits in named.items() if hits}
        shares = _share_out(clause, named)
        for name, hits in named.items():
            own = [clause.sign(h) for h in hits if h[2] != "terms"]
            score = sum(own) if own else shares.get(name, 0)
            if not own and not score and len(named) == 1 and after and self._bare(after):
                score = sum(after.sign(h) for h in after.verdicts())
            yield Mention(aspect=name, polarity=(score > 0) - (score < 0), words=clause.text)

    def _bare(self, clause: _Clause) -> bool:
        """Whether a clause judges without naming what."""
        return not clause.hits.get("unsure") and not any(
            clause.named(name) for name in self._aspects if clause.hits.get(name)
        )

    def _hits(self, clause: str) -> dict[str, list[Hit]]:
        """Words of each group, leftmost and longest first, none over another."""
        found: dict[str, list[Hit]] = {}
        for start, char in enumerate(clause):
            for size in self._sizes.get(char, ()):
                word = clause[start : start + size]
                if word not in self._where:
                    continue
                end = _end(clause, start, word)
                for name, kind in self._where[word] if end else ():
                    held = found.setdefault(name, [])
                    if not held or held[-1][1] <= start:
                        held.append((start, end, kind))
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class _Clause:
    text: str
    hits: Mapping[str, list[Hit]] = field(default_factory=dict)

    def named(self, aspect: str) -> list[Hit]:
        """The words that name an aspect; those that need to be alone where they are."""
        held = [hit for hit in self.hits.get(aspect, ()) if hit[2] != "except"]
        sure = [hit for hit in held if hit[2] != "alone"]
        return held if len(sure) == len(held) or self._only(aspect) else sure

    def _only(self, aspect: str) -> bool:
        """Whether the clause names no other aspect."""
        rest = set(self.hits) - {aspect, "polarity", "negation", "unsure"}
        return not any(hit[2] in {"terms", "good", "bad"} for n in rest for hit in self.hits[n])

    def verdicts(self) -> list[Hit]:
        """The words of praise and of blame that belong to no aspect of themselves."""
        loose = [hit for hits in self.hits.values() for hit in hits if hit[2] == "alone"]
        plain = [hit for hit in self.hits.get("polarity", ()) if hit[2] != "neutral"]
        return sorted([*(hit for hit in plain if not any(_meet(hit, o) for o in loose)), *loose])

    def sign(self, hit: Hit) -> int:
        """What a word of praise or blame says once negations before it are counted."""
        before = [other for other in self.hits.get("negation", ()) if other[2] == "words"]
        turned = sum(self._turns(other, hit) for other in before)
        return (1 if hit[2] == "good" else -1) * (-1 if turned % 2 else 1)

    def _turns(self, negation: Hit, hit: Hit) -> bool:
        if negation[1] > hit[0]:
            return False
        between = self.text[negation[1] : hit[0]]
        if between.isascii() and self.text[negation[0]].isascii():
            return len(between.split()) <= NEAR_WORDS
        return len(between.strip()) <= NEAR


@lru_cache(maxsize=4)
def make_matcher(lexicon: Lexicon) -> Matcher:
    """The matcher of a lexicon, made once.

    Args:
        lexicon: Its words.
    """
    return Matcher(lexicon)


def _end(clause: str, start: int, word: str) -> int:
    """Where a word found at a place ends; 0 where it is but a part of a longer one."""
    end = start + len(word)
    if not word[-1].isascii():
        return end
    if word[0].isascii() and start and clause[start - 1].isascii() and clause[start - 1].isalpha():
        return end if word == "n't" else 0
    rest = _LATIN.match(clause, end)
    if rest is None:
        return end
    return rest.end() if rest.group() in ENDINGS else 0


def _meet(one: Hit, other: Hit) -> bool:
    return one[0] < other[1] and other[0] < one[1]


def _share_out(clause: _Clause, named: Mapping[str, Iterable[Hit]]) -> dict[str, int]:
    """Words of praise and blame, each given to the nearest aspect, rather to the one before it."""
    spans = [(hit, name) for name, hits in named.items() for hit in hits]
    scores: dict[str, int] = {}
    for verdict in clause.verdicts() if spans else ():
        free = [pair for pair in spans if not (_meet(pair[0], verdict) and pair[0][2] != "terms")]
        if free:
            _, name = min(free, key=lambda pair: _distance(pair[0], verdict))
            scores[name] = scores.get(name, 0) + clause.sign(verdict)
    return scores


def _distance(term: Hit, verdict: Hit) -> float:
    ahead = verdict[0] - term[1]
    return float(ahead) if ahead >= 0 else 1.5 * max(term[0] - verdict[1], 0) + 1
