"""Results: frozen values that carry numbers and know how to show themselves."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import TYPE_CHECKING, Any, ClassVar

from ecops_lib.core.bundle import RESULT_MIME, result_bundle
from ecops_lib.core.display import Shown
from ecops_lib.core.findings import Finding, findings_html, level_word
from ecops_lib.core.formats import Unit, show
from ecops_lib.core.language import tr
from ecops_lib.core.tables import pretty, table_html

if TYPE_CHECKING:
    import pandas as pd

    from ecops_lib.core.charts import Chart
    from ecops_lib.core.figures import KeyFigure


class Result(Shown):
    """Base of every result; subclasses are ``@dataclass(frozen=True, kw_only=True, eq=False)``.

    Attributes:
        units: Unit of each column of ``to_frame()``; text where absent.
        labels: English heading of each column, marked for the catalogue.
        sheet: Name of the result's sheet in the workbook, in English, marked.
    """

    units: ClassVar[Mapping[str, Unit]] = {}
    labels: ClassVar[Mapping[str, str]] = {}
    sheet: ClassVar[str] = ""

    def to_frame(self) -> pd.DataFrame:
        """The numbers as a plain table."""
        raise NotImplementedError(f"{type(self).__name__} has no table.")

    def page_frame(self) -> pd.DataFrame:
        """What of the table a page shows; the workbook and the notebook hold all of it."""
        return self.to_frame()

    def behind(self) -> tuple[Result, ...]:
        """Tables that the numbers were summed up from; only the workbook shows them."""
        return ()

    def findings(self) -> tuple[Finding, ...]:
        """What the numbers say, in the reader's language."""
        return ()

    def key_figures(self) -> tuple[KeyFigure, ...]:
        """What a page over several shops may compare; kept beside the page, not shown."""
        return ()

    def chart(self) -> Chart | None:
        """A picture of the numbers, where one helps."""
        return None

    def absent(self) -> str:
        """Why there is nothing to show and how to get it; empty where there is something."""
        return ""

    def headings(self) -> dict[str, str]:
        """The columns' headings in the reader's language."""
        return {name: tr(label) for name, label in self.labels.items()}

    def table_units(self) -> Mapping[str, Unit]:
        """Unit of each column; a result whose columns vary overrides this."""
        return self.units

    def __str__(self) -> str:
        """The table and the findings as plain text."""
        if self.absent():
            return self.absent()
        words = [f"[{level_word(f.level)}] {f.text}" for f in self.findings()]
        shown = pretty(self.to_frame(), units=self.table_units(), labels=self.headings())
        return "\n".join([shown.to_string(index=False), *words])

    def _repr_mimebundle_(self, **_: object) -> tuple[dict[str, Any], dict[str, str]]:
        """What a notebook keeps: HTML and plain text, and plain values for the runner."""
        shown, marks = super()._repr_mimebundle_()
        return {**shown, RESULT_MIME: result_bundle(self)}, marks

    def _repr_html_(self) -> str:
        if self.absent():
            return f'<p class="ec-absent">{escape(self.absent())}</p>'
        findings, chart = self.findings(), self.chart()
        parts = [findings_html(findings)] if findings else []
        if chart is not None:
            parts.append(chart._repr_html_())
        parts.append(self.table_html())
        return f'<div class="ec-result">{"".join(parts)}</div>'

    def table_html(self) -> str:
        """The table alone, drawn for a page."""
        shown = self.page_frame()
        if shown.empty:
            return ""
        note = self._abridged(shown)
        return table_html(
            shown,
            units=self.table_units(),
            labels=self.headings(),
            caption=" ".join(filter(None, (tr(self.sheet) if self.sheet else "", note))),
            name=type(self).__name__.lower(),
        )

    def _abridged(self, shown: pd.DataFrame) -> str:
        """That the workbook holds more than the page shows."""
        rows, columns = self.to_frame().shape
        told = {"shown": show(len(shown), "count"), "rows": show(rows, "count")}
        if shown.shape[1] < columns and len(shown) == rows:
            return tr("(main columns; the workbook has all)")
        if shown.shape[1] < columns:
            return tr("({shown} of {rows} rows, fewer columns; the workbook has all)", **told)
        if len(shown) < rows:
            return tr("({shown} of {rows} rows; the workbook has all)", **told)
        return ""
