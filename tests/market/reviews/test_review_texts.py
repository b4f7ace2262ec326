"""What is hostile in a text goes, and nothing personal is quoted."""

from __future__ import annotations

from typing import Any

import pytest
from review_world import LAST, PRAISE, ZONE, review, table

from ecops_lib.core.errors import ParameterError
from ecops_lib.core.language import set_reader
from ecops_lib.market.reviews import count_aspects, find_aspects, quote_reviews, read_reviews
from ecops_lib.market.reviews.quotes import quote_text
from ecops_lib.market.reviews.texts import LONGEST, clean_text, mask_text, shorten_text


@pytest.mark.parametrize(
    ("given", "clean"),
    [
        ("<b>好</b><script>alert('x')</script>评", "好评"),
        ("&lt;img src=x onerror=1&gt;ok", "ok"),
        ("\u202e反\u2066向\u200b\ufeff", "反向"),
        ("a\x00b\x07c\ud800", "abc"),
        ("１２Ａ！", "12A!"),
        ("3 < 5 and 7 > 6", "3 < 5 and 7 > 6"),
        (None, ""),
        (float("nan"), ""),
    ],
)
def test_a_text_is_cleaned(given: object, clean: str) -> None:
    assert clean_text(given) == clean


@pytest.mark.parametrize("hostile", ["<" * 40_000, "a@" * 20_000, "1-" * 20_000, "不" * 40_000,
                                     "﷽" * 9_000, "<script>" * 4_000, "我叫" * 9_000])  # fmt: skip
def test_long_hostile_texts_are_read_in_part_and_at_once(hostile: str) -> None:
    text = clean_text(hostile)
    assert len(text) <= LONGEST
    assert len(mask_text(text)) <= 8 * LONGEST
    assert isinstance(find_aspects(hostile), tuple)


@pytest.mark.parametrize(
    ("given", "masked"),
    [
        ("电话13812345678找我", "电话[phone]找我"),
        ("call +86 138-1234-5678 now", "call [phone] now"),
        ("一三八一二三四五六七八联系", "[phone]联系"),
        ("座机 010-8765-4321", "座机 [phone]"),
        ("邮箱 li.lei+a@mail.example.com", "邮箱 [e-mail]"),
        ("加微信 abc_12345 返现", "加[account] 返现"),
        ("QQ: 123456789", "[account]"),
        ("订单号 3829104756201938 没发", "[number] 没发"),
        ("order number A-99812345 missing", "[number] missing"),
        ("身份证110101199003077758", "[number]"),
        ("我住北京市朝阳区建国路88号3单元501室", "[address]"),
        ("送到12 Oak Street, Apt 4B", "送到[address]"),
        ("王先生和客服小李都说", "[name]和[name]都说"),
        ("my name is Anna Smith and", "[name] and"),
        ("Mr. Jones fixed it", "[name] fixed it"),
        ("看 https://t.example/x?y=1 这里", "看 [link] 这里"),
        (
            "500ml 装, 1.8m 床, 用了 30 天, 花了 199 元",
            "500ml 装, 1.8m 床, 用了 30 天, 花了 199 元",
        ),
        ("小米很香, 味道好, 一路顺利", "小米很香, 味道好, 一路顺利"),
    ],
)
def test_what_is_personal_is_masked(given: str, masked: str) -> None:
    assert mask_text(given) == masked


def test_masks_are_in_the_readers_language() -> None:
    set_reader("zh")
    assert mask_text("电话13812345678找我") == "电话〔电话〕找我"


def test_a_quote_is_masked_before_it_is_cut() -> None:
    text = "很好" * 40 + ",客服小王电话13812345678,三天不理人,再也不来了"
    quote = quote_text(text, around="三天不理人", most=20)
    assert quote == "…三天不理人,再也不来了"
    assert "138" not in quote_text(text, most=90)
    assert shorten_text("x" * 200, most=10) == "x" * 9 + "…"


HOSTILE = ("<img src=x onerror=alert(1)>", "=HYPERLINK(\"http://x\")", "\u202e" * 50, "💥" * 3000,
           "a\x00b", "z" * 10_000, " ", "。", "'; DROP TABLE reviews; --")  # fmt: skip


def shop(*extra: str) -> dict[str, Any]:
    texts = [*PRAISE * 4, "有异味,难闻", "有股怪味,刺鼻", "有异味,难闻,打13812345678没人接"]
    rows = [review(k, text=text, rating=1.0 if "味" in text else 5.0)
            for k, text in enumerate([*texts, *extra])]  # fmt: skip
    return {"reviews": table("reviews", rows)}


def test_hostile_reviews_change_nothing_but_the_number_of_texts() -> None:
    plain, hostile = (
        count_aspects(shop(*extra), as_of=LAST, time_zone=ZONE) for extra in ((), HOSTILE)
    )
    counts = ["aspect", "reviews", "praised", "blamed", "blame", "low", "high"]
    assert plain.frame[counts].equals(hostile.frame[counts])
    quotes = quote_reviews(shop(*HOSTILE), as_of=LAST, aspect="smell", time_zone=ZONE)
    assert set(quotes.frame["quote"]) == {"有股怪味,刺鼻", "有异味,难闻,打[phone]没人接"}
    assert quotes.of == 3
    assert (
        "<img"
        not in quote_reviews(
            shop("难闻 <img src=x onerror=alert(1)> &lt;b&gt;"), as_of=LAST, time_zone=ZONE
        )._repr_html_()
    )


def test_reviews_that_a_platform_filled_in_have_no_words() -> None:
    held = read_reviews(shop("此用户没有填写评价。", "系统默认好评!"), as_of=LAST, time_zone=ZONE)
    assert (held.frame["text"] == "").sum() == 2


def test_a_quote_of_nothing_says_so() -> None:
    quotes = quote_reviews(shop(), as_of=LAST, aspect="size", time_zone=ZONE)
    assert str(quotes) == "No review up to 2026-07-19 says this."
    with pytest.raises(ParameterError, match=r"aspect is 'smel'; .*did you mean 'smell'"):
        quote_reviews(shop(), as_of=LAST, aspect="smel", time_zone=ZONE)
