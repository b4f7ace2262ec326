"""The page of a run: a table that sorts and filters, plain without a script, whatever it holds."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ecops_lib.reports.batch.listing import listing_page
from ecops_lib.reports.batch.runs import Run
from ecops_lib.reports.lists import LONGEST, cut, list_script, money_cell
from ecops_lib.reports.page import POLICY, Body

HOSTILE = (
    "<script>document.title='ran'</script><img src=x onerror=\"document.title='ran'\">"
    "\u202e\u2066店\u0000</td></table>'\"&"
)
HUGE = "长" * 10_000


def report(shop: str, status: str = "done", **more: Any) -> dict[str, Any]:
    """A report's entry in a run's manifest."""
    held = {
        "notebook": "daily_review", "store": f"shops/{shop[:9]}", "parameters": {"lang": "en"},
        "status": status, "shop": shop, "title": "What happened?", "lang": "en", "seconds": 2.5,
        "currency": "CNY", "day": "2026-11-05", "message": "", "findings": [],
    }  # fmt: skip
    if status == "done":
        held |= {"folder": f"{shop[:9]}/daily_review/d", "page": "daily_review.html",
                 "files": {"daily_review.html": "0", "daily_review.xlsx": "0",
                           "daily_review.ipynb": "0"}}  # fmt: skip
    return held | more


def finding(level: str, money: float | None, text: str = "Sales fell.") -> dict[str, Any]:
    return {"key": "k", "level": level, "text": text, "money": money}


def run_of(*reports: dict[str, Any], folder: Path = Path("out/runs/p/d/r")) -> Run:
    held = {f"r{place}": entry for place, entry in enumerate(reports)}
    return Run(folder.parents[3], folder, "morning", "2026-11-06T08:00:00+08:00", held)


RUN = run_of(
    report("Beta", findings=[finding("watch", 90_000.0)]),
    report("Alpha", findings=[finding("bad", 12_000.5, HOSTILE)], notebook="period_review"),
    report("Gamma", "failed", message="ValueError: " + HOSTILE),
    report("Delta", findings=[finding("bad", 9.0)], currency="USD", lang="zh"),
    report(HOSTILE, findings=[finding("info", None, HUGE)]),
    report(HUGE, "waiting"),
)


def shops(page: str) -> list[str]:
    """The shops of the table's rows, in order."""
    return re.findall(r'<tr role="row".*?</td>.*?<bdi>(.*?)</bdi>', page)


def test_what_was_not_made_comes_first_then_what_matters_most() -> None:
    order = [name[:5] for name in shops(listing_page(RUN, lang="en"))]
    assert order == ["Gamma", HUGE[:5], "Alpha", "Delta", "Beta", "&lt;s"]


def test_a_row_tells_its_report_and_links_its_files() -> None:
    page = listing_page(RUN, lang="en")
    assert "4 of 6 reports were made; begun 2026-11-06 08:00." in page
    for ending in ("html", "xlsx", "ipynb"):
        assert f'href="../../../../Beta/daily_review/d/daily_review.{ending}"' in page
    assert "¥90,000.00" in page
    assert "$9.00" in page
    assert 'data-sort="CNY 000000090000.00"' in page


def test_the_words_are_the_reader_s() -> None:
    page = listing_page(RUN, lang="zh")
    for words in ("6 份报告做成 4 份", "失败", "店铺", "涉及金额", "全部"):
        assert words in page
    assert 'lang="zh-CN"' in page


def test_an_empty_run_is_a_page() -> None:
    assert "0 of 0 reports were made" in listing_page(run_of(), lang="en")


def test_a_manifest_of_an_earlier_version_is_listed() -> None:
    old = report("Old")
    for name in ("lang", "currency", "day"):
        del old[name]
    assert "Old" in listing_page(run_of(old), lang="en")


def test_hostile_texts_are_words_of_bounded_length() -> None:
    page = listing_page(RUN, lang="en")
    assert page.count("<script") == 1
    assert "<img" not in page
    assert not set("\u202e\u2066\u0000") & set(page)
    assert max(map(len, re.findall("长+", page))) <= LONGEST
    assert len(cut("👩‍👩‍👧")) == 5


def test_only_our_script_may_run() -> None:
    policy = Body(html="", script=list_script()).policy
    assert re.fullmatch(re.escape(POLICY) + r"; script-src 'sha256-[\w+/]{43}='", policy)
    assert Body(html="").policy == POLICY
    assert not re.search(r"innerHTML|eval|https?:|fetch|import", list_script())


def test_amounts_are_sorted_within_their_currency() -> None:
    keys = [money_cell(value).sort for value in (9.0, 10.0, 1e9, 0.5, None)]
    assert keys[4] == ""
    assert sorted(keys[:4]) == [keys[3], keys[0], keys[1], keys[2]]


@pytest.fixture
def tab(browser: Any, tmp_path: Path) -> Iterator[Any]:
    """The page opened in a browser."""
    file = tmp_path / "index.html"
    page = listing_page(RUN, lang="en")
    file.write_text(page.replace("</main>", "<script>document.title='ran'</script></main>"))
    opened = browser.new_page(viewport={"width": 1280, "height": 844})
    opened.errors = []
    opened.on("pageerror", lambda error: opened.errors.append(str(error)))
    opened.goto(file.as_uri())
    yield opened
    assert opened.errors == []
    assert opened.title() == "morning"
    opened.close()


SEEN = (
    "[...document.querySelectorAll('tbody tr')].filter(r => r.offsetHeight)"
    ".map(r => r.cells[1].textContent.slice(0, 5))"
)


@pytest.mark.browser
def test_a_click_or_a_key_sorts_by_any_column(tab: Any) -> None:
    tab.click("th:nth-child(2) button")
    names = tab.evaluate(SEEN)
    assert [n for n in names if n.isascii() and n[0] != "<"] == ["Alpha", "Beta", "Delta", "Gamma"]
    tab.focus("th:nth-child(7) button")
    tab.keyboard.press("Enter")
    tab.keyboard.press("Enter")
    money = tab.evaluate(SEEN)
    assert money[:3] == ["Delta", "Beta", "Alpha"]  # dollars apart from yuan, then by amount
    sorts = tab.evaluate("[...document.querySelectorAll('th')].map(h => h.ariaSort)")
    assert sorts.count("descending") == 1
    assert sorts[6] == "descending"
    assert sorts.count(None) == 7


@pytest.mark.browser
def test_the_filters_work_together_and_say_how_many_are_left(tab: Any) -> None:
    tab.fill("input[name=text]", "sales FELL")
    assert sorted(tab.evaluate(SEEN)) == ["Beta", "Delta"]
    tab.select_option("select[name=lang]", label="中文")
    assert tab.evaluate(SEEN) == ["Delta"]
    assert tab.inner_text("output") == "1 of 6 shown"
    tab.fill("input[name=text]", "no such words")
    assert tab.is_visible(".pg-none")
    tab.click("button[type=reset]")
    tab.wait_for_timeout(50)
    assert len(tab.evaluate(SEEN)) == 6
    tab.select_option(
        "select[name=shop]", label=tab.inner_text("select[name=shop] option >> nth=1")
    )
    assert len(tab.evaluate(SEEN)) == 1
    tab.select_option("select[name=shop]", "")
    tab.select_option("select[name=state]", label="failed")
    assert tab.evaluate(SEEN) == ["Gamma"]
    tab.press("input[name=text]", "Enter")
    assert tab.url.endswith("index.html")


@pytest.mark.browser
@pytest.mark.parametrize("width", [390, 700, 1000, 1280])
def test_the_list_never_scrolls_sideways(tab: Any, width: int) -> None:
    tab.set_viewport_size({"width": width, "height": 844})
    assert tab.evaluate("document.documentElement.scrollWidth") == width


@pytest.mark.browser
def test_without_a_script_the_table_is_plain_and_whole(browser: Any, tmp_path: Path) -> None:
    file = tmp_path / "index.html"
    file.write_text(listing_page(RUN, lang="en"), "utf-8")
    context = browser.new_context(java_script_enabled=False)
    tab = context.new_page()
    tab.goto(file.as_uri())
    assert tab.locator("tbody tr").count() == 6
    assert tab.locator("tbody tr:visible").count() == 6
    assert not tab.is_visible("form")
    assert tab.locator("th button").count() == 0
    context.close()
