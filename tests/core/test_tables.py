"""Tables and cards as people see them."""

from __future__ import annotations

import re

import pandas as pd

from ecops_lib.core.cards import Card, Change, cards_html
from ecops_lib.core.tables import TALL, table_html

HOSTILE = "<script>alert(1)</script><td class='x'>"


def drawn(frame: pd.DataFrame, **units: str) -> str:
    return table_html(frame, units=units, labels={"name": "Product"}, caption="Products & more")


def test_cells_are_shown_in_their_units_and_escaped() -> None:
    html = drawn(pd.DataFrame({"name": [HOSTILE], "paid": [1234.5]}), paid="money")
    assert "<script" not in html
    assert "&lt;script&gt;" in html
    assert '<td class="ec-number">¥1,234.50</td>' in html
    assert "<caption>Products &amp; more</caption>" in html
    assert '<th scope="col" class="ec-brief">Product</th>' in html or "Product</th>" in html


def test_hostile_headings_and_captions_are_escaped() -> None:
    html = table_html(pd.DataFrame({"a": [1]}), units={}, labels={"a": HOSTILE}, caption=HOSTILE)
    assert "<script" not in html


def test_nothing_of_great_tables_styles_or_ids_is_left() -> None:
    html = drawn(pd.DataFrame({"name": ["a", "b"], "paid": [1, 2]}), paid="count")
    assert not re.search(r"gt_|<style| id=|headers=", html)
    assert html.count("<tr>") == 3


def test_numbers_in_words_are_aligned_as_numbers() -> None:
    frame = pd.DataFrame({"a": ["¥1,234.50", "—"], "b": ["12.5%", "-3 days"], "c": ["a1", "2"]})
    cells = re.findall(r"<td( class=\"[a-z-]+\")?>([^<]*)", drawn(frame))
    looks = {text: look for look, text in cells}
    assert looks["¥1,234.50"] == looks["—"] == looks["12.5%"] == ' class="ec-number"'
    assert looks["a1"] == ' class="ec-brief"'


def test_days_are_not_numbers() -> None:
    assert "ec-number" not in drawn(pd.DataFrame({"day": ["2026-11-01"]}))


def test_long_texts_get_room_and_tall_tables_scroll() -> None:
    names = ["加厚保暖长款羽绒服女冬季过膝连帽新款2026加长"] * (TALL + 1)
    html = drawn(pd.DataFrame({"name": names}))
    assert 'class="ec-long"' in html
    assert "ec-tall" in html
    assert "ec-tall" not in drawn(pd.DataFrame({"name": names[:TALL]}))


def test_a_table_without_rows_keeps_its_head() -> None:
    html = drawn(pd.DataFrame({"name": [], "paid": []}), paid="money")
    assert html.count("<th ") == 2
    assert "<td" not in html


def card(change: float, better: str) -> str:
    changes = [Change(against="vs. day before", value=change)]
    return cards_html(
        {"Group": [Card(name="Refunds", value=3, unit="count", better=better, changes=changes)]}
    )


def test_a_change_is_coloured_by_what_is_good() -> None:
    assert '<b class="ec-good">-20.00%</b>' in card(-0.2, "down")
    assert '<b class="ec-bad">+20.00%</b>' in card(0.2, "down")
    assert '<b class="ec-good">+20.00%</b>' in card(0.2, "up")
    assert "<b>+20.00%</b>" in card(0.2, "none")
    assert "<b>0.00%</b>" in card(0.0, "up")


def test_a_figure_that_cannot_be_had_says_why() -> None:
    html = cards_html(
        {"G": [Card(name=HOSTILE, value=float("nan"), unit="count", absent=f"import {HOSTILE}")]}
    )
    assert "<script" not in html
    assert ">—</p>" in html
    assert "import &lt;script" in html


def test_a_missing_reference_leaves_its_line_out() -> None:
    assert "vs. day before" not in card(float("nan"), "up")
