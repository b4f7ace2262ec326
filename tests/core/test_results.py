"""What a result shows of its table on a page, and what it says of the rest."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from ecops_lib.core.bundle import result_bundle
from ecops_lib.core.figures import Expected, KeyFigure
from ecops_lib.core.language import reading
from ecops_lib.core.results import Result


@dataclass(frozen=True, kw_only=True, eq=False)
class Rows(Result):
    sheet = "Rows"
    shown: int
    columns: int = 2

    def to_frame(self) -> pd.DataFrame:
        return pd.DataFrame({"a": range(1200), "b": 0})

    def page_frame(self) -> pd.DataFrame:
        return self.to_frame().iloc[: self.shown, : self.columns]


def test_a_page_shows_a_part_and_says_so_and_the_workbook_has_all() -> None:
    held = Rows(shown=10)
    assert held.table_html().count("<tr>") == 1 + 10
    note = "(10 of 1,200 rows; the workbook has all)"
    assert f"<caption>Rows {note}</caption>" in held.table_html()
    assert len(result_bundle(held)["rows"]) == 1200
    with reading("zh"):
        assert "（10/1,200 行，完整表见工作簿）" in held.table_html()


def test_columns_left_out_are_told() -> None:
    words = "(main columns; the workbook has all)"
    assert words in Rows(shown=1200, columns=1).table_html()


def test_a_whole_table_says_nothing_of_a_rest() -> None:
    assert "<caption>Rows</caption>" in Rows(shown=1200).table_html()


def test_key_figures_are_kept_as_plain_values() -> None:
    nothing = float("nan")
    held = Expected(key="k", label="K", unit="money", value=1.5, expected=nothing, low=0.1 + 0.2,
                    high=2.0, moved="up")  # fmt: skip

    class Told(Rows):
        def key_figures(self) -> tuple[KeyFigure, ...]:
            return (held,)

    assert result_bundle(Rows(shown=1))["figures"] == []
    assert result_bundle(Told(shown=1))["figures"] == [
        {"kind": "expected", "key": "k", "label": "K", "unit": "money", "value": 1.5,
         "expected": None, "low": 0.3, "high": 2.0, "moved": "up"}
    ]  # fmt: skip
