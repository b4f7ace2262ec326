"""Matching of items: planted catalogues, real ones, twins, judged pairs, hostile titles."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ecops_lib.core.errors import ColumnError, ParameterError
from ecops_lib.core.language import set_reader
from ecops_lib.market.matching import ItemMatches, match_items
from ecops_lib.market.matching.learning import mutual_best, weigh_alone
from ecops_lib.market.matching.words import codes_of, grams_of, words_of

KINDS = ("龙井", "普洱", "铁观音", "大红袍", "碧螺春", "祁门红茶", "白毫银针", "茉莉花茶")
GRADES = ("特级", "一级", "明前", "陈年", "手工", "礼盒", "有机", "高山")
SIZES = ("50g", "100g", "250g", "500g")


def ours_of() -> pd.DataFrame:
    rows = [f"{grade}{kind} 茶叶 {SIZES[(i + j) % 4]}" for i, kind in enumerate(KINDS)
            for j, grade in enumerate(GRADES)]  # fmt: skip
    return pd.DataFrame({"item_id": [f"P{k}" for k in range(len(rows))], "title": rows})


def theirs_of(*, sellers: int = 2) -> pd.DataFrame:
    """The first forty in other words and order, and forty of their own kinds; each seller so."""
    ours = ours_of()["title"].tolist()
    rng = np.random.default_rng(1)
    rows = []
    for seller in range(sellers):
        for k, title in enumerate(ours[:40]):
            name, _, size = title.split()
            rows.append(
                (f"S{seller}", f"{seller}-P{k}", f"旗舰店 {size} {name[2:]} {name[:2]}级 新茶")
            )
        for k in range(40):
            own = f"旗舰店 {rng.choice(GRADES)} 紫砂壶 {int(rng.integers(100, 400))}ml 第{k}款"
            rows.append((f"S{seller}", f"{seller}-X{k}", own))
    return pd.DataFrame(rows, columns=["seller", "item_id", "title"])


@pytest.fixture(scope="module")
def found() -> ItemMatches:
    return match_items(ours_of(), theirs_of())


def test_planted_matches_are_found_once_a_seller(found: ItemMatches) -> None:
    matched = found.matched
    hit = matched["their_id"].str[2:] == matched["our_id"]
    assert hit.mean() > 0.95
    assert hit.sum() > 0.9 * 80
    assert not matched.duplicated(["our_id", "seller"]).any()
    assert not matched.duplicated("their_id").any()


def test_words_follow_the_counts(found: ItemMatches) -> None:
    count = len(found.sure)
    text = f"{count} of their 160 items are surely one of our 64 products."
    assert found.findings()[0].text == text
    set_reader("zh", "CNY")
    assert found.findings()[0].text == f"对方 160 个商品里有 {count} 个确定是我们 64 个商品的同款。"


def test_order_of_rows_changes_nothing(found: ItemMatches) -> None:
    turned = match_items(ours_of(), theirs_of().iloc[::-1].reset_index(drop=True))
    one, two = (
        set(held.matched[["our_id", "their_id"]].itertuples(index=False))
        for held in (found, turned)
    )
    assert len(one & two) > 0.97 * len(one)


def test_catalogues_without_a_common_item_are_not_matched() -> None:
    theirs = theirs_of(sellers=8)
    alone = match_items(ours_of(), theirs[theirs["item_id"].str.contains("X")])
    assert alone.matched.empty
    assert alone.findings()[-1].key == "matching/small"


def test_a_listing_told_twice_is_one_item() -> None:
    theirs = theirs_of(sellers=1)
    again = theirs.head(3).assign(item_id=["A", "B", "C"])
    held = match_items(ours_of(), pd.concat([theirs, again], ignore_index=True)).frame
    pairs = dict(zip(held["their_id"], held["our_id"], strict=True))
    assert [pairs[k] for k in "ABC"] == [pairs[k] for k in theirs["item_id"].head(3)]


def test_what_is_judged_holds(found: ItemMatches) -> None:
    ours, theirs = "P0", "1-X7"
    best = found.matched.iloc[0]
    judged = pd.DataFrame({
        "our_id": [ours, best["our_id"]], "their_id": [theirs, best["their_id"]],
        "match": [True, False],
    })  # fmt: skip
    held = match_items(ours_of(), theirs_of(), judged=judged)
    row = held.frame[(held.frame["our_id"] == ours) & (held.frame["their_id"] == theirs)].iloc[0]
    assert (row["chance"], row["source"]) == (1.0, "judged")
    said_no = (held.frame["our_id"] == best["our_id"]) & (
        held.frame["their_id"] == best["their_id"]
    )
    assert not said_no.any()
    gone = match_items(ours_of().iloc[1:], theirs_of(), judged=judged)  # P0 is not sold any more
    assert "P0" not in set(gone.frame["our_id"])


def test_few_items_are_left_to_somebody() -> None:
    held = match_items(ours_of().head(3), theirs_of().head(3))
    assert held.frame["chance"].isna().all()
    assert held.matched.empty
    assert len(held.uncertain) == 3
    assert [f.key for f in held.findings()][-1] == "matching/small"
    none = match_items(ours_of().head(0), theirs_of())
    assert none.frame.empty


def test_labels_teach(found: ItemMatches) -> None:
    pairs = found.candidates
    match = pairs["their_id"].str[2:] == pairs["our_id"]
    taught = match_items(ours_of(), theirs_of(), labels=pairs.assign(match=match)[::2])
    held = taught.matched
    assert (held["their_id"].str[2:] == held["our_id"]).mean() > 0.95
    with pytest.raises(ParameterError, match="at least 10 of each"):
        match_items(ours_of(), theirs_of(), labels=pairs.assign(match=True).head(5))


def test_hostile_titles_change_nothing_else(found: ItemMatches) -> None:
    wild = [
        "<script>alert(1)</script>",
        "=1+1",
        "茶" * 10_000,
        None,
        "\u202eabc",
        "🎎🎎",
        "",
        "4 GB",
    ]
    more = pd.DataFrame({"seller": "S0", "item_id": [f"w{k}" for k in range(8)], "title": wild})
    held = match_items(ours_of(), pd.concat([theirs_of(), more], ignore_index=True))
    one, two = (
        set(each.matched[["our_id", "their_id"]].itertuples(index=False)) for each in (found, held)
    )
    assert len(one & two) > 0.95 * len(one)
    assert not held.matched["their_id"].str.startswith("w").any()


def test_impossible_tables_are_refused() -> None:
    with pytest.raises(ColumnError, match="title"):
        match_items(ours_of()[["item_id"]], theirs_of())
    twice = pd.concat([ours_of(), ours_of().head(1)])
    with pytest.raises(ParameterError, match="'P0' twice"):
        match_items(twice, theirs_of())


@pytest.mark.parametrize("matched", [0, 300, 600])
def test_chances_are_those_of_a_known_mixture(matched: int) -> None:
    """600 items with 40 wrong pairs each (best of these about 2.2), some with a right one at 5."""
    rng = np.random.default_rng(5)
    left, place = (axis.ravel() for axis in np.indices((600, 41)))
    score = rng.normal(0, 1, len(left))
    match = (place == 0) & (left < matched)
    score[match] += 5
    left, right = left.astype(np.int64), (left * 41 + place).astype(np.int64)
    chance = weigh_alone(score, left, right)
    best = mutual_best(score, left, right, np.ones(len(left), bool))
    if not matched:
        assert np.isnan(chance).all()
        return
    assert chance[best].mean() == pytest.approx(match[best].mean(), abs=0.12)
    taken = best & (chance >= 0.5)
    assert match[taken].sum() >= 0.9 * matched
    assert (taken & ~match).sum() <= 0.08 * 600


def test_words_codes_and_grams() -> None:
    assert words_of("sony dsc-w55/b 相机") == ["sony", "dsc", "w55", "b", "dscw55b", "相机"]
    assert codes_of("mp3 abc 2020 12345 wh-1000xm4") == ["12345", "1000xm4", "wh1000xm4"]
    assert grams_of("ab") == [" ab", "ab ", " ab "]


@pytest.mark.realdata
def test_two_real_catalogues_beat_mutual_best(shared: Path) -> None:
    """Whole tables without labels; tf-idf mutual best pairs reach F1 86.7 there."""
    folder = shared / "er_abt_buy"
    ours, theirs = (
        pd.read_parquet(folder / f"table{side}.parquet").rename(
            columns={"id": "item_id", "name": "title"}
        )
        for side in "AB"
    )
    pairs = pd.read_parquet(folder / "pairs.parquet").query("label == 1")
    truth = set(pairs[["ltable_id", "rtable_id"]].astype(str).itertuples(index=False, name=None))
    held = match_items(ours, theirs).matched
    taken = set(held[["our_id", "their_id"]].itertuples(index=False, name=None))
    assert 2 * len(taken & truth) / (len(taken) + len(truth)) > 0.90
