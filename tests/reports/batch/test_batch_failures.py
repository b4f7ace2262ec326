"""A report that failed has a page for managers: which section, one sentence, what to do."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from ecops_lib.core.language import reading
from ecops_lib.reports.batch.failures import (
    failure_name,
    failure_page,
    failure_words,
    write_failures,
)
from ecops_lib.reports.batch.listing import listing_page
from ecops_lib.reports.batch.runs import Run

TRACE = "Traceback (most recent call last):\n  File \"x.py\", line 3\nValueError: <b>'x'</b>\u202e"
KEPT = "failed/店-daily_review-2026-11-05-zh.ipynb"


def failed(status: str = "failed", **more: Any) -> dict[str, Any]:
    return {
        "notebook": "daily_review", "store": "shops/a", "parameters": {}, "status": status,
        "shop": "Corner 店", "title": "What happened yesterday?", "lang": "zh", **more,
    }  # fmt: skip


@pytest.mark.parametrize(("report", "words"), [
    (failed(section="Stock", reason="the store holds no orders.", refused=True),
     "It stopped in “Stock”. The kit says: “the store holds no orders.”"),
    (failed(section="Stock", reason="KeyError: 'x'", refused=False),
     "It stopped in “Stock”. The error: “KeyError: 'x'”"),
    (failed(message="no such store.", refused=True),
     "It stopped before its first section. The kit says: “no such store.”"),
    (failed("timeout"), "It took longer than the batch allows, and was ended."),
    (failed("memory", section="库存"),
     "It took more memory than the batch allows, and was ended in “库存”."),
    (failed("crashed", section="Stock"),
     "Its process ended in “Stock”; most often the memory was full."),
])  # fmt: skip
def test_every_way_to_fail_has_its_sentence(report: dict[str, Any], words: str) -> None:
    assert failure_words(report) == words


@pytest.mark.parametrize(("report", "remedy"), [
    (failed(reason="KeyError", refused=False), "Hand the executed notebook to an analyst"),
    (failed(reason="no.", refused=True), "Do what the sentence above asks for"),
    (failed("timeout", refused=True), "Allow more time (--timeout)"),
    (failed("memory"), "Allow more memory (--memory)"),
    (failed("crashed"), "--jobs 1"),
])  # fmt: skip
def test_the_page_says_what_to_do_next(report: dict[str, Any], remedy: str) -> None:
    page = failure_page(report, lang="en")
    assert remedy in page
    assert "--resume" in page
    assert 'href="../index.html"' in page


def test_the_page_is_in_the_reader_s_language_and_links_the_notebook() -> None:
    report = failed(section="库存", reason="KeyError: 'x'", refused=False, kept=KEPT)
    page = failure_page(report, lang="zh")
    for words in (
        'lang="zh-CN"',
        "这份报告没有做成",
        "在“库存”一节停下",
        "接下来怎么做",
        "供分析师查看",
        "本次运行的全部报告",
    ):
        assert words in page
    [href] = re.findall(r'href="(\.\./\.\./[^"]+)"', page)
    assert href.startswith("../../../../../failed/%E5%BA%97-daily_review")


def test_the_page_has_no_traceback_and_hostile_texts_are_words() -> None:
    report = failed(section="<b>", reason=TRACE * 300, refused=False)
    page = failure_page(report, lang="en")
    assert "<b>" not in page
    assert "\u202e" not in page
    assert len(page) < len(failure_page(failed("timeout"), lang="en")) + 3_000
    assert "<pre" not in page
    assert "No executed notebook was kept." in page


def test_pages_of_earlier_tries_go_when_their_report_is_made(tmp_path: Path) -> None:
    run = Run(tmp_path, tmp_path / "runs/p/d/r", "p", "2026-11-06T08:00", {"k": failed("timeout")})
    run.folder.mkdir(parents=True)
    write_failures(run)
    page = run.folder / failure_name("k")
    assert "被结束" in page.read_text("utf-8")
    with reading("en"):
        assert f'href="{failure_name("k")}"' in listing_page(run, lang="en")
    run.reports["k"] |= {"status": "done"}
    write_failures(run)
    assert not page.exists()
