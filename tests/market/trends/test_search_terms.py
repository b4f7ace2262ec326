"""Search terms: planted ones are found, chance ones are not, and titles are read."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from trend_world import DAYS, LAST, ZONE, industry, market, trade

from ecops_lib.core.errors import MissingDataError, ParameterError
from ecops_lib.core.language import reading
from ecops_lib.market.trends.terms import SearchTerms, holds_term, rank_search_terms


def terms(
    growth: dict[str, float], *, seed: int = 1, engine: Any = dict, **options: Any
) -> SearchTerms:
    """Terms that grow as told, in a shop with a product named for the category."""
    series = {
        (f"搜索词:{term}", "茶叶"): industry(growth=size, seed=100 * seed + k, rho=0.6)
        for k, (term, size) in enumerate(growth.items())
    }
    shop = trade({"茶叶": np.full(DAYS, 50.0)}, names={"茶叶": "正山小种 红茶 250g"})
    tables = engine({"market": market(series), **shop})
    return rank_search_terms(tables, as_of=LAST, time_zone=ZONE, **options)


def test_planted_terms_are_found_and_the_untried_one_proposed() -> None:
    held = terms({"围炉煮茶": 0.8, "红茶": -0.3, "茶具": 0.0})
    ways = held.frame.set_index("term")["way"].to_dict()
    assert ways == {"围炉煮茶": "rising", "红茶": "falling", "茶具": ""}
    row = held.frame.set_index("term").loc["围炉煮茶"]
    assert row["low"] < 0.8 < row["high"]
    assert held.untried["try_on"].tolist() == ["正山小种 红茶 250g"]
    assert held.fading["sales"].tolist() == [28 * 50.0]
    untried, fading, moved = held.findings()
    assert untried.text.startswith("Searches for “围炉煮茶” are up ")
    assert untried.action is not None
    assert "“正山小种 红茶 250g”" in untried.action.text
    assert "1 title of ours holds it, with ¥1,400.00 of sales in 28 days." in fading.text
    assert moved.text.startswith("Of 3 search terms 1 surely rise and 1 surely fall")
    with reading("zh"):
        assert held.findings()[0].text.startswith("“围炉煮茶”的搜索比去年同类日子上升 ")


def test_words_turn_with_the_truth() -> None:
    held = terms({"围炉煮茶": -0.4, "红茶": 0.8})
    assert held.untried.empty
    assert held.fading.empty
    assert len(held.findings()) == 1


def test_of_terms_that_do_nothing_few_are_told() -> None:
    told = [
        (terms({f"词{k}": 0.0 for k in range(10)}, seed=s).frame["way"] != "").any()
        for s in range(15)
    ]
    assert sum(told) <= 4


def test_a_term_of_a_category_without_our_products_is_not_proposed() -> None:
    series = {("搜索词:猫粮", "宠物"): industry(growth=1.0)}
    tables = {"market": market(series), **trade({"茶叶": np.full(DAYS, 50.0)})}
    held = rank_search_terms(tables, as_of=LAST, time_zone=ZONE)
    assert held.frame["way"].tolist() == ["rising"]
    assert held.untried.empty


@pytest.mark.parametrize(
    ("title", "term", "held"),
    [
        ("ＴＥＡ Pot", "tea", True),
        ("Teapot", "tea", False),
        ("茶 具 套装", "茶具套装", True),
        ("礼盒 红 茶", "红茶 礼盒", True),
        ("红茶", "红茶 礼盒", False),
        ("anything", "  ", False),
        ("a.c", "a+c", False),
        (None, "x", False),
    ],
)
def test_titles_are_read_by_word(title: object, term: str, held: bool) -> None:
    assert holds_term(title, term) is held


def test_what_lacks_is_said() -> None:
    with pytest.raises(MissingDataError, match="no search term"):
        rank_search_terms({"market": market({("i", "*"): industry()})}, as_of=LAST, time_zone=ZONE)
    with pytest.raises(ParameterError, match="rate"):
        terms({"a": 0.0}, rate=float("nan"))
    short = {"market": market({("搜索词:<i>茶</i>", "*"): industry(count=15)}, 15)}
    held = rank_search_terms(short, as_of=LAST, time_zone=ZONE)
    assert held.findings()[0].text.startswith("How search terms moved cannot be told")
    assert held.frame["products"].tolist() == [0]
    assert "<i>" not in held._repr_html_()


def test_engines_agree_on_terms(light_engine: Any) -> None:
    growth = {"围炉煮茶": 0.8, "红茶": -0.3}
    pd.testing.assert_frame_equal(terms(growth, engine=light_engine).frame, terms(growth).frame)
