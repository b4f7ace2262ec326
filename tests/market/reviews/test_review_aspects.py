"""Aspects found in clauses, with praise and blame; judged by hand on real reviews."""

from __future__ import annotations

import csv
import hashlib
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from review_world import LAST, START, ZONE, review, table

from ecops_lib.core.errors import StoreError
from ecops_lib.core.language import set_reader
from ecops_lib.market.reviews import count_aspects, find_aspects
from ecops_lib.market.reviews.lexicon import built_in, read_lexicon
from ecops_lib.market.reviews.matching import Matcher

SHEET = Path(__file__).with_name("judged_aspects.csv")
SIGNS = {"+": 1, "-": -1, "0": 0}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("物流很快", {"logistics": 1}),
        ("物流不快", {"logistics": -1}),
        ("物流一点都不慢", {"logistics": 1}),
        ("质量很好但是包装破了", {"quality": 1, "packaging": -1}),
        ("没有异味,也没有色差", {"smell": 1, "description": 1}),
        ("价格不贵,特别好吃", {"price": 1, "quality": 1}),
        ("客服态度很好,就是快递太慢", {"service": 1, "logistics": -1}),
        ("尺寸,偏小", {"size": -1}),
        ("声音太小", {"quality": -1}),
        ("衣服太小", {"size": -1}),
        ("还没用,不知道质量怎么样", {}),
        ("希望物流快一点", {}),
        ("很喜欢,下次还来", {}),
        ("The fabric isn't good, but great price", {"quality": -1, "price": 1}),
        ("no smell at all, fits perfectly", {"smell": 1, "size": 1}),
        ("Not as described!", {"description": -1}),
        ("I'd not call the quality bad", {"quality": 1}),
        ("outboxes, unflattering resizers", {}),
        ("", {}),
    ],
)
def test_clauses_name_aspects_with_praise_and_blame(text: str, told: dict[str, int]) -> None:
    assert {m.aspect: m.polarity for m in find_aspects(text)} == told


def test_a_shop_adds_words_and_aspects(tmp_path: Path) -> None:
    (tmp_path / "aspects.toml").write_text(
        '[aspects."鞋底"]\nterms = ["鞋底"]\nbad = ["开胶"]\n[aspects.smell]\nbad = ["像药味"]\n',
        "utf-8",
    )
    lexicon = read_lexicon(tmp_path)
    found = find_aspects("鞋底很软,穿两天就开胶,像药味,物流快", lexicon=lexicon)
    assert [(m.aspect, m.polarity) for m in found] == [
        ("鞋底", 0), ("鞋底", -1), ("smell", -1), ("logistics", 1)
    ]  # fmt: skip
    assert read_lexicon(None) is built_in()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[aspects.smell]\nbat = ['x']", "has 'bat'; did you mean 'bad'"),
        ("[aspects.smell]\nbad = 'x'", "bad of .aspects.smell. in .* must be a list of words"),
        ("[aspect.smell]\nbad = ['x']", "has .aspect., which is no part of it; did you mean"),
        ("aspects = 3", "must be tables such as"),
        ("bad = [", "is not readable TOML"),
    ],
)
def test_a_wrong_lexicon_is_refused(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "aspects.toml").write_text(text, "utf-8")
    with pytest.raises(StoreError, match=said):
        read_lexicon(tmp_path)


def count(tables: Any, **given: Any) -> Any:
    return count_aspects(tables, as_of=LAST, time_zone=ZONE, **given)


def said(*texts: str) -> dict[str, Any]:
    return {"reviews": table("reviews", [review(k, text=t) for k, t in enumerate(texts)])}


def test_a_review_counts_once_for_an_aspect() -> None:
    held = count(said("物流快,物流好", "物流慢,快递差,发货慢", "物流快,快递慢", "物流", "好", ""))
    row = held.frame.set_index("aspect").loc["logistics"]
    assert row[["reviews", "praised", "blamed", "open"]].tolist() == [4, 1, 1, 2]
    assert row["share"] == pytest.approx(4 / 5)
    assert row["blame"] == 0.5
    assert held.frame["aspect"].tolist()[0] == "logistics"
    assert held.frame.set_index("aspect").loc["smell", "reviews"] == 0


def test_service_cases_stand_beside_the_aspects_that_their_topics_name() -> None:
    topics = ["物流查询", "物流查询", "质量问题", None, "其他"]
    cases = [{"platform": "tmall", "ticket_id": f"T{k}", "opened_at": START, "topic": topic}
             for k, topic in enumerate(topics)]  # fmt: skip
    tables = {**said("好"), "tickets": table("tickets", cases)}
    told = count(tables).frame.set_index("aspect")["cases"]
    assert told[["logistics", "quality", "smell"]].tolist() == [2, 1, 0]
    assert count(said("好")).frame["cases"].isna().all()


def test_aspects_in_words() -> None:
    held = count(said(*["物流慢"] * 12, *["物流快"] * 28, *["质量好"] * 40))
    assert [f.text for f in held.findings()] == [
        "40 reviews speak of logistics: 12 blame it and 28 praise it, so 30.00% blame (18.07% to "
        "45.43%).",
        "40 reviews speak of quality, which is blamed least: by 0.00% of those that judge it "
        "(0.00% to 8.76%).",
    ]
    assert [f.text for f in count(said("物流慢")).findings()] == [
        "1 review has words, too few to tell what is blamed most."
    ]
    assert [f.text for f in count(said("")).findings()] == ["No review up to 2026-07-19 has words."]
    set_reader("zh")
    assert held.findings()[0].text == (
        "提到物流的评价有 40 条，批评 12 条、表扬 28 条，批评占 30.00%（18.07% 至 45.43%）。"
    )


@pytest.mark.realdata
def test_aspects_are_those_that_a_reader_finds(shared: Path) -> None:
    """Of 200 reviews judged by hand; the rules stand in the sheet."""
    lines = [row for row in SHEET.read_text("utf-8").splitlines() if not row.startswith("#")]
    columns = {"reviews.parquet": "review", "pillow.parquet": "review_text",
               "alexa.parquet": "verified_reviews"}  # fmt: skip
    texts: dict[str, pd.Series] = {}
    matcher, hits, wrong, missed, signs = Matcher(built_in()), [0, 0], [0, 0], [0, 0], [0, 0]
    for place, row in enumerate(csv.DictReader(lines)):
        file = row["file"]
        if file not in texts:
            column = columns[Path(file).name]
            texts[file] = pd.read_parquet(shared / file, columns=[column])[column]
        text = texts[file][int(row["row"])]
        assert hashlib.sha256(text.encode()).hexdigest().startswith(row["sha256"])
        judged = {word[:-1]: SIGNS[word[-1]] for word in row["aspects"].split()}
        found: dict[str, int] = {}
        for mention in matcher.find(text):
            found[mention.aspect] = found.get(mention.aspect, 0) + mention.polarity
        side = place % 2
        hits[side] += len(found.keys() & judged)
        wrong[side] += len(found.keys() - judged)
        missed[side] += len(judged.keys() - found)
        signs[side] += sum(total * judged.get(aspect, 0) > 0 for aspect, total in found.items())
    assert place == 199
    assert sum(hits) / (sum(hits) + sum(wrong)) >= 0.85
    assert hits[0] / (hits[0] + wrong[0]) >= 0.85  # places that nobody looked at
    assert sum(hits) / (sum(hits) + sum(missed)) >= 0.75
    assert sum(signs) / (sum(hits) + sum(wrong)) >= 0.65
