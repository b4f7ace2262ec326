"""Tables whose rows, not columns, have units: one metric a row."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

from ecops_lib.core.findings import level_word
from ecops_lib.core.formats import Unit, show
from ecops_lib.core.language import tr
from ecops_lib.core.results import Result
from ecops_lib.core.tables import pretty, table_html
from ecops_lib.metrics.registry import metric_named

if TYPE_CHECKING:
    import pandas as pd


class MetricRows(Result):
    """A result with one metric a row; ``to_frame()`` has its key in column ``metric``.

    Attributes:
        values: Columns shown in the metric's unit.
        differences: Columns shown as differences of the metric, with a sign.
        rates: Columns shown as signed shares.
    """

    values: ClassVar[tuple[str, ...]] = ()
    differences: ClassVar[tuple[str, ...]] = ()
    rates: ClassVar[tuple[str, ...]] = ()

    def shown(self) -> pd.DataFrame:
        """The table with each number in its metric's unit, and the metric by its label."""
        frame = self.to_frame()
        held = frame.astype(object)
        metrics = [metric_named(str(key)) for key in frame["metric"]]
        held["metric"] = [tr(metric.label) for metric in metrics]
        for name in self.values:
            held[name] = [show(v, m.unit) for v, m in zip(frame[name], metrics, strict=True)]
        for name in self.differences:
            held[name] = [
                show(v, m.change_unit, sign=True) for v, m in zip(frame[name], metrics, strict=True)
            ]
        for name in self.rates:
            held[name] = [show(value, "share", sign=True) for value in frame[name]]
        return held

    def table_units(self) -> Mapping[str, Unit]:
        """Plain numbers: a column holds several units (see ``shown``)."""
        return dict.fromkeys((*self.values, *self.differences, *self.rates), "number")

    def __str__(self) -> str:
        """The table in its metrics' units, and the findings."""
        words = [f"[{level_word(f.level)}] {f.text}" for f in self.findings()]
        shown = pretty(self.shown(), units={}, labels=self.headings())
        return "\n".join([shown.to_string(index=False), *words])

    def table_html(self) -> str:
        """The table in its metrics' units, for a page."""
        return table_html(
            self.shown(),
            units=dict.fromkeys((*self.values, *self.differences, *self.rates), "text"),
            labels=self.headings(),
            caption=tr(self.sheet) if self.sheet else "",
            name=type(self).__name__.lower(),
        )
