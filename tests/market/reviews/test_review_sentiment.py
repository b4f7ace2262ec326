"""Negative words: told by stars where there are enough, by a list else, and said which."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from review_world import LAST, START, ZONE, World, make_reviews, review, rows_of, table

from ecops_lib.core.errors import MissingDataError, ParameterError
from ecops_lib.core.language import set_reader
from ecops_lib.market.reviews import fit_sentiment, rate_sentiment
from ecops_lib.market.reviews.grams import count_runs, find_runs
from ecops_lib.market.reviews.lines import fit_link
from ecops_lib.market.reviews.model import SentimentModel


def rate(tables: Any, **given: Any) -> Any:
    return rate_sentiment(tables, as_of=LAST, time_zone=ZONE, **given)


def test_runs_are_counted_as_a_child_would() -> None:
    texts = ["abcab", "cab!", "", "好好好", "好的cab"]
    every = [[t[k : k + n] for n in range(1, 5) for k in range(len(t) - n + 1)] for t in texts]
    common = {run for runs in every for run in runs if sum(run in other for other in every) > 1}
    runs = find_runs(texts)
    assert len(runs) == len(common)
    counts = count_runs(texts, runs)
    told = [sorted(row.data.astype(int).tolist()) for row in counts]
    assert told == [sorted(runs.count(r) for r in set(runs) & common) for runs in every]


def test_the_curve_is_platts() -> None:
    rng = np.random.default_rng(4)
    scores = rng.normal(size=4_000)
    bad = rng.random(4_000) < 1 / (1 + np.exp(-(1.7 * scores - 0.6)))
    slope, constant = fit_link(scores, bad)
    assert slope == pytest.approx(1.7, abs=0.12)
    assert constant == pytest.approx(-0.6, abs=0.1)
    base, other = scores[:4], np.array([False, True, False, True])
    told = fit_link(base, other)
    grid = np.array([[a, b] for a in np.linspace(told[0] - 0.5, told[0] + 0.5, 41)
                     for b in np.linspace(told[1] - 0.5, told[1] + 0.5, 41)])  # fmt: skip
    target = np.where(other, 3 / 4, 1 / 4)
    z = grid[:, :1] * base + grid[:, 1:]
    losses = (np.log1p(np.exp(z)) - target * z).sum(axis=1)
    assert grid[np.argmin(losses)] == pytest.approx(told, abs=0.026)


def learn(seed: int = 2) -> SentimentModel:
    """Words without meaning, so that only stars can teach which are bad."""
    rng = np.random.default_rng(seed)
    texts, stars = [], []
    for _ in range(700):
        bad = rng.random() < 0.4
        words = rng.choice(list("甲乙丙丁戊己庚辛" if bad else "子丑寅卯辰巳午未"), 5)
        words[:2] = rng.choice(list("天地玄黄宇宙洪荒"), 2)
        texts.append("".join(words))
        stars.append(1.0 if bad != (rng.random() < 0.05) else 5.0)
    return fit_sentiment([*texts, "", "甲乙丙"], [*stars, 1.0, np.nan], seed=seed)


def test_stars_teach_words_that_no_list_knows() -> None:
    model = learn()
    assert model.kind == "stars"
    assert 0.92 < model.accuracy < 0.97  # a twentieth of the stars is wrong
    assert model.error < 0.03
    assert model.negatives + model.positives == 700
    assert np.isnan(model.held_out[-2])
    assert model.held_out[-1] > 0.8
    chances = model.chance_negative(["甲乙丙丁戊", "子丑寅卯辰", None, "  "])
    assert chances[0] > 0.9
    assert chances[1] < 0.1
    assert np.isnan(chances[2:]).all()
    assert learn().chance_negative(["甲子"]) == model.chance_negative(["甲子"])


def test_a_model_adapts_to_a_new_category() -> None:
    """The new category's own words are learnt from texts that the old words make sure."""
    rng = np.random.default_rng(5)
    model, texts, bad = learn(), [], []
    for _ in range(600):
        bad.append(bool(rng.random() < 0.5))
        old = rng.choice(list("甲乙丙丁戊己庚辛" if bad[-1] else "子丑寅卯辰巳午未"), 2)
        new = rng.choice(list("金木水火" if bad[-1] else "东南西北"), 3)
        texts.append("".join([*(old if rng.random() < 0.6 else ()), *new]))
    before, after = (m.chance_negative(["金木水", "东南西"]) for m in (model, model.adapt(texts)))
    assert abs(before[0] - before[1]) < 0.2
    assert after[0] > 0.5 > after[1]
    assert model.adapt(texts[:50]) is model


def test_reviews_without_stars_are_judged_by_an_adapted_model() -> None:
    rng = np.random.default_rng(5)
    rows = []
    for place in range(1_100):
        bad, new = bool(rng.random() < 0.4), place >= 600
        old = rng.choice(list("甲乙丙丁戊己庚辛" if bad else "子丑寅卯辰巳午未"), 4)
        own = rng.choice(list("金木水火" if bad else "东南西北"), 4)
        words = [*own, *old[: 3 * (place % 2)]] if new else old
        rows.append((place, "".join(words), None if new else 1.0 if bad else 5.0, bad))
    held = rate({"reviews": table("reviews", [
        review(k, text=t, rating=stars) for k, t, stars, _ in rows
    ])})  # fmt: skip
    alone = [
        k for k, text, _, _ in rows[600:] if not set(text) & set("甲乙丙丁戊己庚辛子丑寅卯辰巳午未")
    ]
    right = [(held.reviews["chance"][k] > 0.5) == rows[k][3] for k in alone]
    assert np.mean(right) > 0.9
    plain = held.model.held_out[alone] > 0.5
    assert np.mean(plain == [rows[k][3] for k in alone]) < 0.7


def test_the_same_words_are_never_both_learnt_and_judged() -> None:
    """Sixty texts without sense, each said many times with the same stars: nothing is learnt."""
    rng = np.random.default_rng(6)
    words = ["".join(rng.choice(list("天地玄黄宇宙洪荒日月盈昃辰宿列张"), 6)) for _ in range(60)]
    stars = [1.0] * 30 + [5.0] * 30
    told = rng.integers(0, 60, 3_000)
    model = fit_sentiment([words[k] for k in told], [stars[k] for k in told])
    assert model.accuracy < 0.75
    few = fit_sentiment(["坏"] * 200 + words * 4, [1.0] * 200 + [5.0] * 240)
    assert few.kind == "words"


def test_with_few_stars_a_list_of_words_is_used() -> None:
    texts = ["很满意,质量好", "太差了,后悔", "great, love it", "terrible, broke"]
    model = fit_sentiment(texts, [None] * 4)
    assert (model.kind, model.negatives, model.positives) == ("words", 0, 0)
    assert np.isnan(model.accuracy)
    assert (model.held_out > 0.5).tolist() == [False, True, False, True]
    with pytest.raises(ParameterError, match="texts has 4 rows and stars 1"):
        fit_sentiment(texts, [5.0])


def plain(*rows: tuple[str, float | None, str]) -> dict[str, Any]:
    return {"reviews": table("reviews", [
        review(k, product_id=p, rating=s, text=t) for k, (p, s, t) in enumerate(rows)
    ])}  # fmt: skip


def test_shares_are_those_of_a_count_by_hand() -> None:
    held = rate(plain(
        *[("A", 5.0, "很好,喜欢")] * 6, *[("A", 1.0, "太差,失望")] * 2, ("A", 3.0, ""),
        *[("B", 5.0, "很棒")] * 30, ("", 1.0, "垃圾"),
    ))  # fmt: skip
    rows = held.products.set_index("product_id")
    assert rows.loc["A", ["reviews", "texts", "negative"]].tolist() == [9, 8, 0.25]
    assert rows.loc["A", "low_stars"] == pytest.approx(2 / 9)
    assert rows.loc["A", "stars"] == pytest.approx(35 / 9)
    assert rows.loc["A", "others"] == pytest.approx(1 / 31)
    assert rows.loc["B", "negative"] == 0
    assert rows.loc["A", "low"] < 0.25 < rows.loc["A", "high"]
    assert held.months["negative"].tolist() == pytest.approx([3 / 39])


def test_what_is_said_of_sentiment_in_words() -> None:
    tables = plain(
        *[("A", 5.0, "很好,喜欢")] * 8, *[("A", 1.0, "太差,失望")] * 32,
        *[("B", 5.0, "很棒")] * 58, *[("B", 4.0, "质量太差,失望,垃圾,后悔")] * 2,
    )  # fmt: skip
    held = rate(tables)
    texts = [f.text for f in held.findings()]
    row = held.products.iloc[0]
    assert texts[0] == (
        "Of 100 reviews with words up to 2026-07-19, 34.00% are negative (25.46% to 43.72%); "
        "the mean is 3.70 stars."
    )
    assert texts[1] == (
        f"A: 80.00% of its 40 reviews with words are negative ({row['low']:.2%} to "
        f"{row['high']:.2%}), against 3.33% of the others' (q < 0.001)."
    )
    assert texts[-1] == (
        "Words are judged by a list, which told 98.00% of 32 negative and 68 positive reviews with "
        "stars right (calling all alike: 68.00%); a model learnt from them did no better, or they "
        "are too few for one (100 of each)."
    )
    set_reader("zh")
    assert held.findings()[0].text == (
        "截至 2026-07-19，100 条有文字的评价中 34.00% 为负面（25.46% 至 43.72%），平均 3.70 星。"
    )


def test_words_against_stars_and_no_stars_in_words() -> None:
    rows = rows_of(World(product="P1", count=1_400))
    for place, row in enumerate(rows):
        row.pop("carrier")
        row["text"] += f" {place % 40}"
    held = rate({"reviews": table("reviews", rows)})
    assert held.model.kind == "stars"
    assert "learnt from" in held.findings()[-1].text
    assert held.findings()[1].key == "reviews/worse/P1"
    rows = plain(*[("A", None, "很好")] * 3, ("A", None, "太差"))
    assert [f.text for f in rate(rows).findings()] == [
        "Of 4 reviews with words up to 2026-07-19, 25.00% are negative (4.56% to 69.94%); none has "
        "stars.",
        "Words are judged by a list, for only 0 negative and 0 positive reviews have stars (100 of "
        "each are needed to learn from); how often the list is right here cannot be told.",
    ]
    mute = rate(plain(("A", 5.0, ""), ("A", 1.0, "")))
    assert mute.findings()[0].text == "No review up to 2026-07-19 has words."
    assert mute.chart() is None


def test_sentiment_is_the_same_in_every_engine(light_engine: Any) -> None:
    tables = make_reviews(World(product="P1", count=60))
    first, second = rate(tables), rate(light_engine(tables))
    assert second.products.equals(first.products)
    assert second.months.equals(first.months)


def test_nothing_is_known_of_later_days() -> None:
    tables = make_reviews(World(count=300))
    early = rate_sentiment(tables, as_of="2026-02-28", time_zone=ZONE)
    assert early.reviews["day"].max().date().isoformat() <= "2026-02-28"
    with pytest.raises(MissingDataError, match="No review was written by 2025-12-31"):
        rate_sentiment(tables, as_of="2025-12-31", time_zone=ZONE)
    with pytest.raises(MissingDataError, match="holds no reviews"):
        rate_sentiment({}, as_of=START.date(), time_zone=ZONE)
