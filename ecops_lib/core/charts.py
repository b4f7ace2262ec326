"""Charts: seaborn drawings as inline SVG whose text stays text.

Each chart is drawn twice, for a page and for a telephone; the style sheet shows one.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ecops_lib.core.bars import bar_chart, funnel_chart, waterfall_chart
from ecops_lib.core.canvas import Chart, canvas, chart_of, label_values, nice_ticks, room_for
from ecops_lib.core.checks import require_columns
from ecops_lib.core.errors import EcopsError
from ecops_lib.core.formats import Unit, is_missing, show, show_short
from ecops_lib.core.intervals import interval_chart
from ecops_lib.core.language import tr
from ecops_lib.core.svg import COLOURS, LARGE, Put, Size, runs, text_width

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = [
    "Chart",
    "bar_chart",
    "funnel_chart",
    "interval_chart",
    "line_chart",
    "waterfall_chart",
]

DASHES = (0, (3, 3))


def line_chart(
    frame: pd.DataFrame,
    *,
    caption: str,
    unit: Unit,
    labels: Mapping[str, str],
    day: str = "day",
    value: str = "value",
    compare: str = "",
    band: tuple[str, str] | None = None,
    marked: Mapping[dt.date, str] | None = None,
) -> Chart:
    """A series over days or times of day as a line; a missing value is a gap in it.

    Args:
        frame: One row a day (or another step of the same length), in order.
        caption: The chart's title in the reader's language.
        unit: What the values measure.
        labels: Heading of ``value``, ``compare`` and the band's first column.
        day: Column of days, or of local times.
        value: Column of the series [unit].
        compare: Column of a series to compare with [unit], drawn dashed; empty for none.
        band: Columns of the least and the most that was to be expected [unit].
        marked: Words for single days, such as a festival.

    Raises:
        ColumnError: The frame lacks a column.
        EcopsError: No day has a value.
    """
    columns = [day, value, *([compare] if compare else []), *(band or ())]
    require_columns(list(frame.columns), columns, table="frame")
    if not frame[value].notna().any():
        raise EcopsError(f"column {value!r} has no value on any day; leave the chart out.")
    days, clock = _moments(frame[day])
    series = _Lines(
        days=days,
        value=_numbers(frame[value]),
        compare=_numbers(frame[compare]) if compare else (),
        low=_numbers(frame[band[0]]) if band else (),
        high=_numbers(frame[band[1]]) if band else (),
        names=[labels.get(c, c) for c in (value, compare, band[0] if band else "")],
        marks=[(days.index(d), text) for d, text in sorted((marked or {}).items()) if d in days],
        unit=unit,
        clock=clock,
    )
    return chart_of(series.draw, alt=f"{caption}. {series.words()}", caption=caption)


def _moments(column: pd.Series) -> tuple[list[dt.date], Unit]:
    """Days, or times where any is not midnight, and the unit to show them in."""
    import pandas as pd

    held = pd.to_datetime(column)
    if (held == held.dt.normalize()).all():
        return [moment.date() for moment in held], "day"
    return [moment.to_pydatetime() for moment in held], "time"


def _numbers(column: pd.Series) -> tuple[float, ...]:
    return tuple(math.nan if is_missing(v) else float(v) for v in column)


@dataclass(frozen=True, kw_only=True)
class _Lines:
    days: Sequence[dt.date]
    value: Sequence[float]
    compare: Sequence[float]
    low: Sequence[float]
    high: Sequence[float]
    names: Sequence[str]
    marks: Sequence[tuple[int, str]]
    unit: Unit
    clock: Unit

    def words(self) -> str:
        """The series in one sentence."""
        known = [(v, d) for v, d in zip(self.value, self.days, strict=True) if not math.isnan(v)]
        (low, low_day), (high, high_day) = min(known), max(known)
        last, last_day = known[-1]
        return tr(
            "Lowest {low} on {low_day}, highest {high} on {high_day}, {last} on {last_day}.",
            low=show(low, self.unit),
            low_day=show(low_day, self.clock),
            high=show(high, self.unit),
            high_day=show(high_day, self.clock),
            last=show(last, self.unit),
            last_day=show(last_day, self.clock),
        )

    def draw(self, size: Size, put: Put) -> Figure:
        keys = [(self.names[0], COLOURS["1"], "line")]
        keys += [(self.names[1], COLOURS["soft"], "dash")] * bool(self.compare)
        keys += [(self.names[2], COLOURS["1"], "band")] * bool(self.low)
        legend = _legend_rows(keys, size) if len(keys) > 1 else []
        marks = _mark_rows(self.marks, len(self.days), size)
        top = 8 + 20 * len(legend) + 16 * (max((row for *_, row in marks), default=-1) + 1)
        height = (250 if size is LARGE else 190) + top
        figure, ax = canvas(size, height, left=room_for(self._ticks(), self.unit, size), top=top)
        self._draw_series(ax)
        for place, text, row in marks:
            _draw_mark(ax, place, put(text), row, size)
        _draw_legend(figure, legend, size, height, put)
        _label_days(ax, self.days, self.clock, size, put)
        label_values(ax, self._ticks(), self.unit, put)
        return figure

    def _draw_series(self, ax: Axes) -> None:
        import pandas as pd
        import seaborn as sns

        places = range(len(self.days))
        for run in runs(not math.isnan(v) for v in map(sum, zip(self.low, self.high, strict=True))):
            x = list(places[run])
            outline = list(self.high[run]) + list(self.low[run])[::-1]
            ax.fill(
                x + x[::-1], outline, color=COLOURS["1"], alpha=0.13, linewidth=0, clip_on=False
            )
        looks = {"compare": (COLOURS["soft"], 1.2, DASHES), "value": (COLOURS["1"], 2.2, "-")}
        for name, (colour, width, dash) in looks.items():
            held: Sequence[float] = getattr(self, name)
            for run in runs(not math.isnan(v) for v in held):
                piece = pd.DataFrame({"x": list(places[run]), "y": list(held[run])})
                alone = (
                    {"marker": "o", "markersize": 4, "markeredgewidth": 0}
                    if len(piece) == 1
                    else {}
                )
                sns.lineplot(
                    data=piece, x="x", y="y", ax=ax, color=colour, linewidth=width,
                    linestyle=dash, clip_on=False, errorbar=None, estimator=None, **alone,
                )  # fmt: skip
        last = max(place for place in places if not math.isnan(self.value[place]))
        ax.plot([last], [self.value[last]], "o", color=COLOURS["1"], markersize=6, clip_on=False)

    def _ticks(self) -> list[float]:
        held = [v for v in (*self.value, *self.compare, *self.low, *self.high) if not math.isnan(v)]
        return nice_ticks(min(0.0, *held) if min(held) > -1e-9 else min(held), max(held))


def _label_days(ax: Axes, days: Sequence[dt.date], clock: Unit, size: Size, put: Put) -> None:
    """Few days, evenly spaced, the last among them."""
    most = 7 if size is LARGE else 4
    step = max(1, math.ceil((len(days) - 1) / (most - 1)))
    places = list(range(len(days) - 1, -1, -step))[::-1]
    long = (days[-1] - days[0]).days > 330
    shown = [f"{days[p]:%Y-%m}" if long else show_short(days[p], clock) for p in places]
    ax.set_xticks(places, [put(text) for text in shown])
    ax.get_xticklabels()[-1].set_horizontalalignment("right")  # else it is cut at the edge
    ax.set_xlim(0, max(1, len(days) - 1))


Key = tuple[str, str, str]


def _legend_rows(keys: Sequence[Key], size: Size) -> list[list[tuple[float, Key]]]:
    """Where each entry of the legend begins, wrapped at the chart's width."""
    rows: list[list[tuple[float, Key]]] = [[]]
    x = 0.0
    for key in keys:
        wide = 34 + text_width(key[0], size.font) + 22
        if x and x + wide > size.width:
            rows.append([])
            x = 0.0
        rows[-1].append((x, key))
        x += wide
    return rows


def _draw_legend(
    figure: Figure,
    rows: Sequence[Sequence[tuple[float, Key]]],
    size: Size,
    height: float,
    put: Put,
) -> None:
    from matplotlib.lines import Line2D

    for place, row in enumerate(rows):
        y = 1 - (12 + 20 * place) / height
        for x, (name, colour, kind) in row:
            key = Line2D([x / size.width, (x + 26) / size.width], [y, y], color=colour)
            key.set(linewidth=2.2, solid_capstyle="butt")
            if kind == "dash":
                key.set(linewidth=1.2, linestyle=DASHES)
            if kind == "band":
                key.set(linewidth=10, alpha=0.2)
            figure.add_artist(key)
            figure.text((x + 34) / size.width, y - 4 / height, put(name), color=COLOURS["soft"])


def _mark_rows(
    marks: Sequence[tuple[int, str]], days: int, size: Size
) -> list[tuple[int, str, int]]:
    """Each marked day with the row of its word, so that no two words meet."""
    ends: list[float] = []
    placed = []
    for place, text in marks:
        middle = place / max(1, days - 1) * (size.width - 70)
        half = text_width(text, size.font) / 2 + 4
        row = next((r for r, end in enumerate(ends) if end < middle - half), len(ends))
        ends[row : row + 1] = [middle + half]
        placed.append((place, text, row))
    return placed


def _draw_mark(ax: Axes, place: int, text: str, row: int, size: Size) -> None:
    ax.axvline(
        place, color=COLOURS["2"], linewidth=1, linestyle=(0, (2, 2)), clip_on=False, zorder=0.5
    )
    share = place / max(1.0, ax.get_xlim()[1])
    side = "left" if share < 0.06 else "right" if share > 0.94 else "center"
    ax.annotate(
        text, (place, 1), xycoords=("data", "axes fraction"), xytext=(0, 5 + 16 * row),
        textcoords="offset points", ha=side, color=COLOURS["2"], fontsize=size.font - 0.5,
        annotation_clip=False,
    )  # fmt: skip
