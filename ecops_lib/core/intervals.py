"""Charts of estimates with their intervals, one row each, around zero."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ecops_lib.core.bars import Better
from ecops_lib.core.canvas import Chart, canvas, chart_of
from ecops_lib.core.checks import require_columns
from ecops_lib.core.errors import EcopsError
from ecops_lib.core.formats import Unit, is_missing, show
from ecops_lib.core.language import tr
from ecops_lib.core.svg import COLOURS, LARGE, Put, Size, shortened, text_width

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NARROW = 22.0
"""Room on a telephone's left for half of the first number below the axis [px]."""


@dataclass(frozen=True, kw_only=True)
class _Row:
    """One estimate; a limit may be infinite."""

    name: str
    value: float
    low: float
    high: float
    unit: Unit
    colour: str

    @property
    def words(self) -> str:
        return show(self.value, self.unit, sign=True)

    @property
    def spoken(self) -> str:
        return tr(
            "{name}: {value} ({low} to {high})",
            name=self.name,
            value=self.words,
            low=show(self.low, self.unit, sign=True),
            high=show(self.high, self.unit, sign=True),
        )


def interval_chart(
    frame: pd.DataFrame,
    *,
    caption: str,
    unit: Unit,
    better: Sequence[Better],
    name: str = "name",
    value: str = "value",
    low: str = "low",
    high: str = "high",
) -> Chart:
    """Estimates of a difference with their intervals, one row each, and a line at zero.

    An interval that holds zero is drawn in the quiet colour; one that does not in the
    colour of good or bad news. A limit beyond the chart's range runs to its edge.

    Args:
        frame: One row an estimate, the most important first.
        caption: The chart's title in the reader's language.
        unit: What the values measure.
        better: Good direction of each row.
        name: Column of the rows' names; any text.
        value: Column of the estimates [unit].
        low: Column of the lower limits [unit].
        high: Column of the upper limits [unit].

    Raises:
        ColumnError: The frame lacks a column.
        EcopsError: No row has an estimate.
    """
    require_columns(list(frame.columns), [name, value, low, high], table="frame")
    rows = [
        _row(label, (mid, least, most), unit, good)
        for label, mid, least, most, good in zip(
            frame[name], frame[value], frame[low], frame[high], better, strict=True
        )
        if not is_missing(mid) and math.isfinite(mid)
    ]
    if not rows:
        raise EcopsError("no row has an estimate; leave the chart out.")

    def draw(size: Size, put: Put) -> Figure:
        return _draw(rows, size, put)

    return chart_of(
        draw, alt=f"{caption}. {'; '.join(row.spoken for row in rows)}.", caption=caption
    )


def _row(label: object, numbers: tuple[float, float, float], unit: Unit, good: Better) -> _Row:
    value, low, high = (float(number) for number in numbers)
    low = -math.inf if math.isnan(low) else low
    high = math.inf if math.isnan(high) else high
    colour = COLOURS["soft"]
    if low > 0 or high < 0:
        colour = COLOURS["good" if (value > 0) == (good == "up") else "bad"]
    return _Row(name=str(label), value=value, low=low, high=high, unit=unit, colour=colour)


def _draw(rows: Sequence[_Row], size: Size, put: Put) -> Figure:
    """Names stand left of the intervals on a page, above them on a telephone."""
    large = size is LARGE
    left = min(250.0, max(text_width(r.name, size.font) for r in rows) + 14) if large else NARROW
    right = max(text_width(r.words, size.font) for r in rows) + 14
    each = 30 if large else 44
    figure, ax = canvas(size, each * len(rows) + 26, left=left, top=4, right=right, bottom=22)
    low, high = _range(rows)
    ax.set_xlim(low, high)
    ax.set_ylim(len(rows) - 0.5, -0.5)
    ax.axvline(0, color=COLOURS["soft"], linewidth=1, linestyle=(0, (3, 3)), zorder=0.5)
    for place, row in enumerate(rows):
        _draw_row(ax, row, place + (0 if large else 0.2), (low, high))
        _draw_words(ax, row, place, left, size, put)
    ax.set_yticks([])
    ticks = [0.0] if low == high else _ticks(low, high)
    ax.set_xticks(ticks, [put(show(t, rows[0].unit, sign=True)) for t in ticks])
    ax.set(xlabel="", ylabel="")
    return figure


def _range(rows: Sequence[_Row]) -> tuple[float, float]:
    """The chart's range: every estimate and zero, and intervals up to three times as far."""
    far = max((abs(row.value) for row in rows), default=0.0)
    ends = [abs(v) for row in rows for v in (row.low, row.high) if math.isfinite(v)]
    limit = max(3 * far, min(ends, default=1.0) * 2) or 1.0
    held = [max(-limit, min(limit, v)) for row in rows for v in (row.low, row.value, row.high)]
    low, high = min(0.0, *held), max(0.0, *held)
    room = 0.04 * (high - low or 1.0)
    return low - room, high + room


def _ticks(low: float, high: float) -> list[float]:
    from matplotlib.ticker import MaxNLocator

    found = MaxNLocator(nbins=4, steps=[1, 2, 2.5, 5, 10]).tick_values(low, high)
    return [float(t) for t in found if low <= t <= high]


def _draw_row(ax: Axes, row: _Row, y: float, ends: tuple[float, float]) -> None:
    low, high = max(row.low, ends[0]), min(row.high, ends[1])
    ax.plot([low, high], [y, y], color=row.colour, linewidth=2.4, clip_on=False)
    ax.plot([row.value], [y], "o", color=row.colour, markersize=7, clip_on=False)


def _draw_words(ax: Axes, row: _Row, place: int, left: float, size: Size, put: Put) -> None:
    large = size is LARGE
    short = shortened(row.name, (left - 12) if large else size.width - 8, size.font)
    ax.annotate(
        put(short), (0, place + (0.14 if large else -0.2)), xycoords=("axes fraction", "data"),
        xytext=(-12 if large else -NARROW, 0), textcoords="offset points",
        ha="right" if large else "left", va="baseline", annotation_clip=False,
    )  # fmt: skip
    ax.annotate(
        put(row.words), (1, place + (0.14 if large else 0.34)), xycoords=("axes fraction", "data"),
        xytext=(10, 0), textcoords="offset points", ha="left", va="baseline",
        color=COLOURS["soft"], annotation_clip=False,
    )  # fmt: skip
