"""Search terms against titles: planted verdicts, chance, words of titles, odd exports."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from shop import as_arrow

from ecops_lib.core.language import reading
from ecops_lib.data.store import create_store, open_store
from ecops_lib.diagnosis.history import History
from ecops_lib.diagnosis.terms import SearchTerms, rate_search_terms
from ecops_lib.diagnosis.titles import idle_words, nearest_title

END = dt.date(2026, 9, 20)
START = END - dt.timedelta(days=27)
TITLES = {"p1": "正山小种红茶 罐装250g", "p2": "Porcelain Mug, 30 cl", "p3": "收纳箱 66L"}


def judged(folder: Path, rates: dict[str, float], *, daily: int = 40, seed: int = 1) -> SearchTerms:
    rng = np.random.default_rng(seed)
    rows = []
    for term, rate in rates.items():
        for day in pd.date_range(START, END):
            came = int(rng.poisson(daily))
            rows.append({"day": day.date(), "scope": "keyword", "scope_id": term, "visitors": came,
                         "paying_buyers": int(rng.binomial(came, rate))})  # fmt: skip
    rows += [{"day": END, "scope": "product", "scope_id": key, "visitors": 90} for key in TITLES]
    products = [{"product_id": key, "product_name": title} for key, title in TITLES.items()]
    store = create_store(folder / "store", name="Test shop")
    with store.writing() as writer:
        for name, held in {"traffic": rows, "products": products}.items():
            writer.upsert(name, as_arrow(name, pd.DataFrame(held).assign(platform="tmall")))
    return rate_search_terms(History(open_store(store.path), day=END), start=START, end=END)


RATES = {
    "红茶": 0.05,
    "红茶 伴手礼": 0.12,
    "mug": 0.05,
    "收纳箱": 0.01,
    "乌龙": 0.05,
    "床单": 0.005,
}


def test_planted_terms_get_their_verdicts(tmp_path: Path) -> None:
    found = judged(tmp_path, RATES)
    assert dict(zip(found.frame["term"], found.frame["verdict"], strict=True)) == {
        "红茶": "keep", "红茶 伴手礼": "add", "mug": "keep", "收纳箱": "misleads", "乌龙": "test",
        "床单": "leave",
    }  # fmt: skip
    row = found.frame.set_index("term").loc["红茶 伴手礼"]
    assert (row["product"], row["missing"]) == (TITLES["p1"], "伴手礼")
    assert row["low"] < 0.12 < row["high"]
    texts = {finding.key: finding for finding in found.findings()}
    add, misleads = texts["terms/add/红茶 伴手礼"], texts["terms/misleads/收纳箱"]
    assert add.action is not None
    assert TITLES["p1"] in add.action.text
    assert misleads.evidence["usual"] == pytest.approx(found.rate)
    with reading("zh", "CNY"):
        assert "但没有标题含“伴手礼”" in found.findings()[1].text


def test_terms_that_sell_alike_are_kept_or_tested(tmp_path: Path) -> None:
    alike = {f"词{k}" if k % 2 else f"红茶 词{k}": 0.04 for k in range(40)}
    held = [judged(tmp_path / str(seed), alike, seed=seed) for seed in range(5)]
    wrong = sum(int(one.frame["verdict"].isin(["add", "misleads", "leave"]).sum()) for one in held)
    assert wrong <= 5 * 40 * 0.05 / 2


@pytest.mark.parametrize(
    ("term", "title", "missing"),
    [
        ("旅行茶具", "汝窑快客杯 旅行装", "茶具"),
        ("ＲＥＤ mug", "red MUGS", "mug"),
        ("red mug", "Mug in red", ""),
        ("无火香薰白茶", "白茶无火香薰", ""),
        ("茶", "红茶", "茶"),
        ("=1+1", "=1+1 收纳", ""),
    ],
)
def test_what_a_title_lacks_of_a_term(term: str, title: str, missing: str) -> None:
    assert nearest_title(term, [title])[1] == missing


def test_words_that_nobody_asks_for_leave_sizes_out() -> None:
    titles = pd.DataFrame({"title": ["快客杯 汝窑 250ml", "收纳箱 66L"], "visitors": [5.0, 3.0]})
    found = idle_words(titles, ["快客杯", "收纳箱 大号"])
    assert found["product"].tolist() == ["快客杯 汝窑 250ml"]
    assert found["words"].tolist() == ["汝窑"]


def test_without_search_terms_the_export_is_named(tmp_path: Path) -> None:
    assert "引流搜索关键词" in judged(tmp_path, {}).absent()


def test_wild_terms_are_text(tmp_path: Path) -> None:
    found = judged(tmp_path, {"<img src=x onerror=alert(1)>": 0.05, "红茶\u202e": 0.05})
    assert "<img src=x" not in found._repr_html_()
