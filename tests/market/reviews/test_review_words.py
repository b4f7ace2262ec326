"""Words of low ratings: Monroe's log odds against a slow oracle, and planted phrases."""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

import numpy as np
import pytest
from review_world import LAST, SMELL, ZONE, World, make_reviews, review, table

from ecops_lib.core.errors import ParameterError
from ecops_lib.core.language import set_reader
from ecops_lib.market.reviews import compare_words
from ecops_lib.market.reviews.words import compare_counts


def slow_log_odds(
    low: Counter[str], high: Counter[str], size: float
) -> dict[str, tuple[float, float]]:
    """Monroe et al. (2008), equations 16, 20, 22 and 23, word by word."""
    n_low, n_high = sum(low.values()), sum(high.values())
    told = {}
    for word in {*low, *high}:
        prior = size * (low[word] + high[word]) / (n_low + n_high)
        first = math.log((low[word] + prior) / (n_low + size - low[word] - prior))
        second = math.log((high[word] + prior) / (n_high + size - high[word] - prior))
        variance = 1 / (low[word] + prior) + 1 / (high[word] + prior)
        told[word] = first - second, (first - second) / math.sqrt(variance)
    return told


def test_log_odds_are_those_of_the_definition() -> None:
    rng = np.random.default_rng(8)
    words = [f"w{k}" for k in range(60)]
    low, high = (Counter(rng.choice(words, n).tolist()) for n in (300, 900))
    known = sorted({*low, *high})
    counts = [np.array([each[word] for word in known], float) for each in (low, high)]
    delta, z = compare_counts(*counts, strength=50.0)
    oracle = slow_log_odds(low, high, 50.0)
    assert delta == pytest.approx([oracle[word][0] for word in known])
    assert z == pytest.approx([oracle[word][1] for word in known])
    back, turned = compare_counts(*counts[::-1], strength=50.0)
    assert (back, turned) == (pytest.approx(-delta), pytest.approx(-z))


def test_a_strong_prior_draws_towards_none_and_a_weak_one_towards_plain_odds() -> None:
    low, high = np.array([30.0, 70]), np.array([10.0, 190])
    plain = math.log((30 / 70) / (10 / 190))
    assert compare_counts(low, high, strength=1e-9)[0][0] == pytest.approx(plain)
    assert abs(compare_counts(low, high, strength=1e6)[0][0]) < 0.01
    assert compare_counts(np.zeros(2), np.zeros(2))[1].tolist() == [0, 0]
    with pytest.raises(ParameterError, match="counts from 0"):
        compare_counts(np.array([-1.0]), np.array([1.0]))
    with pytest.raises(ParameterError, match="strength is 0"):
        compare_counts(low, high, strength=0)


def test_z_scores_of_words_used_alike_are_those_of_chance() -> None:
    rng = np.random.default_rng(3)
    rate = rng.dirichlet(np.full(400, 2.0))
    draws = rng.multinomial(8_000, rate, (20, 2)).astype(float)
    z = [compare_counts(low, high)[1] for low, high in draws]
    far = np.mean(np.abs(np.concatenate(z)) > 1.96)
    assert 0.02 < far < 0.06  # the prior makes it a little shy


def compare(tables: Any, **given: Any) -> Any:
    return compare_words(tables, as_of=LAST, time_zone=ZONE, **given)


def told(*rows: tuple[str, float]) -> dict[str, Any]:
    return {"reviews": table("reviews", [
        review(k, rating=stars, text=text) for k, (text, stars) in enumerate(rows)
    ])}  # fmt: skip


def test_a_planted_phrase_comes_first_once_and_whole() -> None:
    held = compare(told(
        *[("发现壶嘴漏水", 1.0)] * 20, *[("the lid is loose", 1.0)] * 20, *[("东西还行", 2.0)] * 20,
        *[("颜色好看", 5.0)] * 40, *[("东西还行", 5.0)] * 30, *[("漏水", 3.0)] * 9,
    ))  # fmt: skip
    assert (held.low, held.high) == (60, 70)
    assert held.frame["phrase"].tolist()[:2] == ["loose", "发现壶嘴"]
    assert held.frame["phrase"].iloc[-1] == "颜色好看"
    first = held.frame.iloc[0]
    assert (first["low"], first["high"]) == (20, 0)
    assert held.frame["phrase"].is_unique
    texts = [f.text for f in held.findings()]
    assert texts[0].startswith("60 low ratings talk of what 70 high ones do not: “")
    assert texts[1] == "High ratings talk of what low ones do not: “颜色好看”."
    set_reader("zh")
    assert held.findings()[1].text == "高分评价提到而低分评价不提的：“颜色好看”。"


def test_one_loud_review_counts_once() -> None:
    rows = [*[("还行", 1.0)] * 10, *[("还行", 5.0)] * 10]
    loud = compare(told(*rows, ("漏水" * 500, 1.0)))
    assert "漏水" not in set(loud.frame["phrase"])


def test_where_nothing_differs_that_is_said() -> None:
    held = compare(told(*[("还行的", 1.0)] * 20, *[("还行的", 5.0)] * 20))
    assert [f.text for f in held.findings()] == [
        "No phrase is used more by 20 low ratings than by 20 high ones beyond chance."
    ]
    none = compare(told(*[("还行的", 5.0)] * 20))
    assert str(none) == (
        "Words cannot be compared: up to 2026-07-19, 0 reviews with words have one or two stars "
        "and 20 four or five."
    )
    assert none.findings() == ()


def test_words_of_one_product_are_its_own() -> None:
    held = compare(make_reviews(World(product="P1", since=0)), product="P1")
    first = held.frame["phrase"].head(4)
    assert all(any(phrase in text.lower() for text in SMELL) for phrase in first)
