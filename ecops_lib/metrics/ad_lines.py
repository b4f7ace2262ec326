"""Kinds of advertising, and the names of channels and reports that tell them."""

from __future__ import annotations

from collections.abc import Mapping

from ecops_lib.core.language import mark

AD_LINES: Mapping[str, tuple[str, ...]] = {
    "keyword": ("keyword", "直通车", "关键词", "search ads", "paid search"),
    "audience": ("audience", "引力魔方", "超级推荐", "人群", "display"),
    "smart scene": ("smart scene", "智能场景"),
    "whole site": ("whole site", "全站", "万相台"),
    "commission": ("commission", "淘宝客", "affiliate"),
}
"""Words in the name of a channel, or of a kind of ads, that tell the kind."""

LINE_WORDS: Mapping[str, str] = {
    "keyword": mark("keyword ads"),
    "audience": mark("audience ads"),
    "smart scene": mark("smart-scene ads"),
    "whole site": mark("whole-site ads"),
    "commission": mark("affiliate commission"),
    "": mark("ads"),
}


def ad_line(name: str) -> str:
    """The kind of ads that a name tells; empty where it tells none.

    >>> ad_line("直通车"), ad_line("Affiliate links"), ad_line("search")
    ('keyword', 'commission', '')
    """
    found = (k for k, words in AD_LINES.items() if any(w in name.lower() for w in words))
    return next(found, "")
