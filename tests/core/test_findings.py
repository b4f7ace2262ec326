"""Findings: what matters comes first, hostile text is escaped, numbers are fit for JSON."""

from __future__ import annotations

import json
from decimal import Decimal
from html.parser import HTMLParser
from itertools import permutations

import numpy as np
import pandas as pd

from ecops_lib.core.findings import Action, Finding, findings_html, level_word, most_important
from ecops_lib.core.language import reading

NAN = float("nan")
HOSTILE = "<script>alert(1)</script>\"'&<img src=x onerror=alert(1)> =cmd()"


def finding(key: str, level: str = "bad", money: float | None = None, **more) -> Finding:
    return Finding(key=key, level=level, text=f"text of {key}", money=money, **more)


class Seen(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        self.text += data


def test_order_is_level_then_money_then_key_whatever_came_first() -> None:
    held = [
        finding("a", "info", 1e9),
        finding("b", "watch", None),
        finding("c", "bad", 5.0),
        finding("d", "bad", NAN),
        finding("e", "bad", None),
        finding("f", "good", 3.0),
    ]
    orders = {tuple(f.key for f in most_important(some, most=6)) for some in permutations(held)}
    assert orders == {("c", "d", "e", "b", "f", "a")}
    assert [f.key for f in most_important(held, most=2)] == ["c", "d"]
    assert most_important([], most=5) == ()


def test_hostile_text_is_text_and_nothing_else() -> None:
    html = findings_html(
        [
            Finding(
                key=HOSTILE,
                level="bad",
                text=HOSTILE,
                money=10,
                action=Action(text=HOSTILE, owner=HOSTILE),
            )
        ]
    )
    seen = Seen(html)
    assert set(seen.tags) == {"ul", "li", "span"}
    assert seen.text.count(HOSTILE) == 3
    assert "at stake: ¥10.00" in seen.text


def test_money_that_cannot_be_told_is_not_spoken_of() -> None:
    for money in (None, NAN, float("inf"), 0, np.float64("nan"), Decimal("NaN"), pd.NA):
        assert "at stake" not in findings_html([finding("x", money=money)])


def test_words_around_a_finding_follow_the_reader() -> None:
    held = finding("x", money=1234.5, action=Action(text="补货", owner="小王"))
    with reading("zh"):
        assert [level_word(level) for level in ("bad", "watch", "good", "info")] == [
            "需处理",
            "关注",
            "良好",
            "提示",
        ]
        assert Seen(findings_html([held])).text.endswith("涉及金额 ¥1,234.50 小王：补货")


def test_to_dict_is_json_without_nan_and_keeps_whole_numbers_whole() -> None:
    held = finding(
        "x",
        money=Decimal("1.50"),
        evidence={
            "nan": NAN,
            "inf": float("inf"),
            "none": None,
            "na": pd.NA,
            "whole": np.int64(3),
            "part": np.float32(0.5),
        },
        action=Action(text="t", owner="o"),
    ).to_dict()
    assert json.loads(json.dumps(held, allow_nan=False)) == {
        "key": "x",
        "level": "bad",
        "text": "text of x",
        "evidence": {"nan": None, "inf": None, "none": None, "na": None, "whole": 3, "part": 0.5},
        "money": 1.5,
        "action": {"text": "t", "owner": "o"},
        "signs": [],
    }
    assert '"whole": 3,' in json.dumps(held)
    assert finding("y").to_dict()["action"] is None
