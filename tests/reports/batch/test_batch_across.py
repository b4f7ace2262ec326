"""Shops beside one another: planted falls, causes and rates are told, and nothing else is."""

from __future__ import annotations

import json
import re
from html import unescape
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ecops_lib.core.language import reading
from ecops_lib.reports.batch.across import SHOPS_PAGE, shops_page, write_shops
from ecops_lib.reports.batch.across.rates import compare_rates, holm, welch_p
from ecops_lib.reports.batch.across.records import Group, ShopPage, compare_reports
from ecops_lib.reports.batch.across.sales import compare_sales
from ecops_lib.reports.batch.across.shared import find_shared
from ecops_lib.reports.batch.listing import listing_page
from ecops_lib.reports.batch.runs import Run

DAY = "2026-11-05"
HOSTILE = "<script>x</script>\u202e" + "长" * 200


def sales(value: float, moved: str = "", **more: Any) -> dict[str, Any]:
    """Sales beside an expectation of 1,000 with a range of 800 to 1,250."""
    return {
        "kind": "expected", "key": "paid_amount", "label": "Paid amount", "unit": "money",
        "value": value, "expected": 1000.0, "low": 800.0, "high": 1250.0, "moved": moved, **more,
    }  # fmt: skip


def rate(value: float, error: float = 0.001, **more: Any) -> dict[str, Any]:
    return {
        "kind": "rate", "key": "conversion_rate", "label": "Conversion rate", "unit": "share",
        "better": "up", "value": value, "low": value - 2.36 * error, "high": value + 2.36 * error,
        "error": error, "freedom": 7, **more,
    }  # fmt: skip


def finding(
    *signs: tuple[str, str, str], money: float | None = None, usual: float | None = None
) -> dict[str, Any]:
    """A finding with signs: key, first and last day."""
    held = [
        {"key": k, "text": f"text of {k}", "first": a, "last": b, "usual": usual}
        for k, a, b in signs
    ]
    return {"key": "k", "level": "bad", "text": "t", "money": money, "signs": held}


def page(
    shop: str, *figures: dict[str, Any], findings: tuple[Any, ...] = (), currency: str = "CNY",
    lang: str = "en",
) -> ShopPage:  # fmt: skip
    by_kind: dict[str, dict[str, Any]] = {"expected": {}, "rate": {}}
    for figure in figures:
        by_kind[figure["kind"]][figure["key"]] = figure
    return ShopPage(shop=shop, store=f"s/{shop}", currency=currency, lang=lang, findings=findings,
                    expected=by_kind["expected"], rates=by_kind["rate"])  # fmt: skip


def group(*pages: ShopPage) -> Group:
    return Group(notebook="daily_review", day=DAY, period="", pages=pages)


def texts(result: Any) -> list[str]:
    return [told.text for told in result.findings()]


# ---- sales

FELL = page("Fallen", sales(600.0, "down"))
ROSE = page("Risen", sales(1500.0, "up"), currency="USD")
CALM = page("Calm", sales(1100.0))


def test_a_shop_that_fell_is_told_with_its_range_in_its_currency() -> None:
    result = compare_sales(group(CALM, FELL, ROSE))
    assert texts(result)[:2] == [
        "Risen rose: $1,500.00, 50.00% more than about $1,000.00 ($800.00 to $1,250.00 was to be "
        "expected).",
        "Fallen fell: ¥600.00, 40.00% less than about ¥1,000.00 (¥800.00 to ¥1,250.00 was to be "
        "expected).",
    ]
    assert [told.level for told in result.findings()][:2] == ["good", "bad"]
    assert list(result.to_frame()["shop"]) == ["Risen", "Fallen", "Calm"]
    with reading("zh"):
        assert texts(result)[1].startswith("Fallen下降：¥600.00，比预期约 ¥1,000.00 少 40.00%")


def test_the_sentence_follows_the_truth() -> None:
    result = compare_sales(group(page("Fallen", sales(1500.0, "up")), CALM))
    assert texts(result)[0].startswith("Fallen rose: ¥1,500.00, 50.00% more")


def test_currencies_are_never_added() -> None:
    result = compare_sales(group(CALM, FELL, ROSE))
    assert texts(result)[2:] == [
        "CNY: 2 shops sold ¥1,700.00 in all where about ¥2,000.00 was to be expected.",
        "USD: 1 shop sold $1,500.00 where about $1,000.00 was to be expected.",
    ]
    assert "2,500" not in result._repr_html_() + str(result)
    assert "3,200" not in result._repr_html_() + str(result)


def test_the_interval_leaves_zero_out_where_the_range_leaves_the_sales_out() -> None:
    for held in compare_sales(group(CALM, FELL, ROSE)).shops:
        low, high = held.span
        assert low < held.change < high
        assert (low > 0 or high < 0) == bool(held.moved)


def test_calm_shops_and_shops_without_an_expectation_are_said() -> None:
    result = compare_sales(group(CALM, page("New"), page("Zero", sales(0.0, expected=0.0))))
    assert "1 shop could be judged" in texts(result)[0]
    assert texts(result)[-1] == "Not judged, for their pages tell no expectation: New, Zero."
    nothing = compare_sales(group(page("New"), page("Newer")))
    assert "six weeks" in nothing.absent()
    nothing._repr_html_()


def test_a_range_from_nothing_is_drawn() -> None:
    assert "svg" in compare_sales(group(page("A", sales(5.0, low=0.0)), CALM))._repr_html_()


# ---- what several shops share


def test_a_sign_of_the_same_day_is_shared_and_one_of_another_day_is_not() -> None:
    both = ("traffic/down/search", "2026-11-03", DAY)
    result = find_shared(group(
        page("A", findings=(finding(both, money=100.0), finding(both, money=20.0))),
        page("B", findings=(finding(("traffic/down/search", "2026-11-01", "2026-11-04"),
                                    ("reason/fell/ads/x", DAY, DAY), money=7.0),), currency="USD"),
        page("C", findings=(finding(("reason/fell/ads/x", "2026-11-01", "2026-11-04")),)),
    ))  # fmt: skip
    [sign] = result.signs
    assert (sign.key, sign.day, sign.shops) == ("traffic/down/search", "2026-11-04", ("A", "B"))
    assert sign.money == {"CNY": 120.0, "USD": 7.0}
    assert texts(result) == ["text of traffic/down/search: in 2 of 3 shops on 2026-11-04 (A, B)."]
    assert "¥120.00, $7.00" in result._repr_html_()


def test_two_findings_of_one_shop_are_not_two_shops() -> None:
    sign = ("reason/fell/price/", DAY, DAY)
    held = page("A", findings=(finding(sign), finding(sign)))
    result = find_shared(group(held, page("B")))
    assert result.signs == ()
    assert "Nothing that two of the 2 shops share" in result.absent()


def test_the_shared_day_is_that_of_a_slow_oracle() -> None:
    rng = np.random.default_rng(5)
    for _ in range(60):
        spans = [sorted(rng.integers(1, 29, 2)) for _ in range(6)]
        pages = [
            page(str(n), findings=(finding(("k", f"2026-11-{a:02d}", f"2026-11-{b:02d}")),))
            for n, (a, b) in enumerate(spans)
        ]
        most = max(sum(a <= day <= b for a, b in spans) for day in range(1, 29))
        signs = find_shared(group(*pages)).signs
        assert [len(sign.shops) for sign in signs] == ([most] if most > 1 else [])


def test_what_was_recorded_all_the_time_comes_last_and_is_said() -> None:
    often, rare = ("reason/fell/a/", DAY, DAY), ("reason/fell/b/", DAY, DAY)
    lost = ("traffic/down/x", DAY, DAY)
    held = [
        page(name, findings=(finding(often, usual=0.6), finding(rare, usual=0.0), finding(lost)))
        for name in "AB"
    ]
    result = find_shared(group(*held))
    assert [sign.key for sign in result.signs] == [lost[0], rare[0], often[0]]
    assert texts(result)[2].endswith("It was there in 60.00% of such spans before, too.")
    assert texts(result)[1].endswith("(A, B).")
    assert list(result.to_frame()["usual"].iloc[1:]) == [0.0, 0.6]


def test_words_are_the_reader_s_where_a_page_has_them() -> None:
    sign = ("reason/fell/calendar/double11", DAY, DAY)
    chinese = finding(sign)
    chinese["signs"][0]["text"] = "日历：双11"
    pages = group(page("A", findings=(finding(sign),)), page("B", findings=(chinese,), lang="zh"))
    with reading("zh"):
        assert find_shared(pages).signs[0].text == "日历：双11"
    assert find_shared(pages).signs[0].text.startswith("text of")


# ---- rates


def test_a_planted_difference_is_told_and_reversing_it_reverses_the_sentence() -> None:
    best, rest = page("Best", rate(0.05)), [page(f"R{n}", rate(0.03)) for n in range(3)]
    [text] = texts(compare_rates(group(best, *rest)))
    assert text.startswith("Conversion rate: Best 5.00% (4.76% to 5.24%) is better than R0 3.00%")
    assert text.endswith("by more than chance.")
    worst = [page("Best", rate(0.01)), *rest]
    assert "R0 3.00% (2.76% to 3.24%) is better than Best" in texts(compare_rates(group(*worst)))[0]


def test_less_is_better_where_the_metric_says_so() -> None:
    low = {"key": "refund_rate", "label": "Refund rate", "better": "down"}
    pages = [page("A", rate(0.05, **low)), page("B", rate(0.15, **low))]
    assert texts(compare_rates(group(*pages)))[0].startswith("Refund rate: A 5.00%")
    neither = [page(n, rate(v, better="none")) for n, v in (("A", 0.05), ("B", 0.15))]
    assert (
        "B 15.00% (14.76% to 15.24%) is higher than A" in texts(compare_rates(group(*neither)))[0]
    )


def test_no_difference_is_said_and_only_rates_that_all_pages_tell_are_compared() -> None:
    other = rate(0.5, key="cart_rate", label="Cart rate")
    result = compare_rates(group(page("A", rate(0.05), other), page("B", rate(0.0505))))
    assert result.rates == ("conversion_rate",)
    assert texts(result) == ["No difference that can be told from chance in Conversion rate."]
    assert "eight weeks" in compare_rates(group(page("A", other), page("B", rate(0.1)))).absent()


def test_rates_without_noise_are_told_from_nothing() -> None:
    assert welch_p(rate(0.05, 0.0), rate(0.06, 0.0)) == 1.0


def test_equal_shops_are_called_different_in_five_of_a_hundred_runs_at_most() -> None:
    """Eight shops, weeks drawn alike: the chance of any false lead stays at its level."""
    rng = np.random.default_rng(11)
    false = 0
    for _ in range(300):
        weeks = rng.normal(0.05, 0.004, (8, 8))
        errors = weeks.std(axis=1, ddof=1) / 8**0.5
        pages = [
            page(str(n), rate(m, e))
            for n, (m, e) in enumerate(zip(weeks.mean(1), errors, strict=True))
        ]
        false += bool(compare_rates(group(*pages)).leads)
    assert false <= 300 * 0.05 + 2 * (300 * 0.05 * 0.95) ** 0.5


def test_holm_agrees_with_its_definition() -> None:
    rng = np.random.default_rng(3)
    for _ in range(200):
        chances = rng.uniform(0, 0.05, 6)
        told = np.zeros(6, bool)
        for rank, place in enumerate(np.argsort(chances)):
            if chances[place] > 0.05 / (6 - rank):
                break
            told[place] = True
        assert holm(chances.tolist(), 0.05) == told.tolist()


# ---- the page


def make_run(folder: Path, *held: tuple[str, dict[str, Any], list[dict[str, Any]]]) -> Run:
    """A run whose reports left these figures behind: shop, more of its entry, figures."""
    run = Run(folder, folder / "runs/p/d/r", "p", "2026-11-06T08:00:00+08:00", {})
    run.folder.mkdir(parents=True)
    for place, (shop, more, figures) in enumerate(held):
        name = f"shop{place}"
        run.reports[name] = {
            "notebook": "daily_review", "store": f"stores/{shop}", "parameters": {},
            "status": "done", "shop": shop, "lang": "en", "currency": "CNY", "day": DAY,
            "period": "", "folder": name, "page": "x.html", "findings": [], "seconds": 1.0, **more,
        }  # fmt: skip
        (folder / name).mkdir()
        told = {"findings": [], "figures": figures}
        (folder / name / "findings.json").write_text(json.dumps(told), "utf-8")
    return run


def test_the_page_holds_all_sections_and_says_whose_it_is(tmp_path: Path) -> None:
    figures = [sales(600.0, "down"), rate(0.05)]
    run = make_run(tmp_path, ("A", {}, figures), (HOSTILE, {}, figures), ("C", {}, figures))
    assert write_shops(run)
    html = (run.folder / SHOPS_PAGE).read_text("utf-8")
    for words in (
        "This page is for whoever runs the batch",
        "A fell: ¥600.00",
        "Which shops fell or rose: 2026-11-05",
        "No difference that can be told",
    ):
        assert words in unescape(html)
    assert "<script" not in html
    assert "\u202e" not in html
    assert f'href="{SHOPS_PAGE}"' in listing_page(run, lang="en")
    with reading("zh"):
        assert "单店页面不含其他店铺的任何内容" in shops_page(
            compare_reports(run, lang="zh"), lang="zh"
        )


def test_one_shop_has_no_such_page_and_a_stale_one_goes(tmp_path: Path) -> None:
    figures = [sales(600.0)]
    run = make_run(tmp_path, ("A", {"lang": "zh"}, figures), ("A", {"lang": "en"}, figures))
    (run.folder / SHOPS_PAGE).write_text("old")
    assert not write_shops(run)
    assert not (run.folder / SHOPS_PAGE).exists()
    assert SHOPS_PAGE not in listing_page(run, lang="en")


def test_only_pages_about_the_same_days_are_compared_and_others_are_named(tmp_path: Path) -> None:
    figures = [sales(600.0)]
    run = make_run(
        tmp_path, ("A", {"lang": "zh"}, figures), ("A", {}, figures), ("B", {}, figures),
        ("Late", {"day": "2026-11-04"}, figures), ("Broken", {}, figures),
        ("Plain", {"notebook": "orders"}, []), ("Failed", {"status": "timeout"}, []),
    )  # fmt: skip
    (tmp_path / "shop4" / "findings.json").write_text("[")
    compared = compare_reports(run, lang="zh")
    [held] = compared.groups
    assert [(p.shop, p.lang) for p in held.pages] == [("A", "zh"), ("B", "en")]
    assert sorted(compared.left_out) == [
        "Broken, daily_review: its findings cannot be read (JSONDecodeError).",
        "Failed, daily_review: no page was made.",
        "Late, daily_review: no other shop's page is about 2026-11-04.",
    ]


@pytest.mark.browser
@pytest.mark.parametrize("width", [390, 1280])
def test_the_page_never_scrolls_sideways(browser: Any, tmp_path: Path, width: int) -> None:
    rates = [rate(0.05, key=f"k{n}", label="Picked up within 24 hours") for n in range(8)]
    figures = [sales(600.0, "down"), *rates]
    run = make_run(tmp_path, *((name, {}, figures) for name in ("A", HOSTILE, "C")))
    write_shops(run)
    tab = browser.new_page(viewport={"width": width, "height": 844})
    tab.goto((run.folder / SHOPS_PAGE).as_uri())
    assert tab.evaluate("document.documentElement.scrollWidth") == width
    tab.close()


def test_the_numbers_of_the_page_are_those_of_the_records(tmp_path: Path) -> None:
    run = make_run(tmp_path, ("A", {}, [sales(612.5)]), ("B", {"currency": "JPY"}, [sales(900.0)]))
    write_shops(run)
    html = (run.folder / SHOPS_PAGE).read_text("utf-8")
    assert re.search(r"<td[^>]*>¥612.50</td>", html)
    assert re.search(r"<td[^>]*>JP¥900</td>", html) or "¥900" in html
