"""Charts of rows: ranked bars, a change split into its parts, a funnel."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, Literal

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

Better = Literal["up", "down"]


@dataclass(frozen=True, kw_only=True)
class _Row:
    """One bar.

    Attributes:
        name: Its label on the left.
        start: Where the bar begins.
        end: Where it ends; equal to ``start`` for a point.
        words: What stands beside it.
        colour: Of the bar.
    """

    name: str
    start: float
    end: float
    words: str
    colour: str


def bar_chart(
    frame: pd.DataFrame,
    *,
    caption: str,
    unit: Unit,
    name: str = "name",
    value: str = "value",
    better: Better | None = None,
) -> Chart:
    """Horizontal bars in the order of the rows.

    Args:
        frame: One row a bar, the most important first.
        caption: The chart's title in the reader's language.
        unit: What the values measure.
        name: Column of the bars' names; any text.
        value: Column of their lengths [unit].
        better: The values are changes, and this is their good direction: bars are coloured
            by it and their numbers carry signs. None: plain sizes in one colour.

    Raises:
        ColumnError: The frame lacks a column.
        EcopsError: There is no row, or a value is missing.
    """
    pairs = _pairs(frame, name, value)

    def colour(number: float) -> str:
        if better is None:
            return COLOURS["1"]
        return COLOURS["good" if (number > 0) == (better == "up") else "bad"]

    rows = [
        _Row(name=label, start=0.0, end=number, words=show(number, unit, sign=better is not None),
             colour=colour(number))
        for label, number in pairs
    ]  # fmt: skip
    return _rows_chart(rows, caption=caption, zero=True)


def waterfall_chart(
    steps: pd.DataFrame,
    *,
    caption: str,
    unit: Unit,
    start: tuple[str, float],
    end: tuple[str, float],
    name: str = "name",
    value: str = "value",
) -> Chart:
    """How a figure came from one value to another, part by part.

    The two totals are points and the parts bars between them, so the axis need not begin
    at zero to be honest.

    Args:
        steps: One row a part, in order.
        caption: The chart's title in the reader's language.
        unit: What all the values measure.
        start: Name and value of the total before.
        end: Name and value of the total after.
        name: Column of the parts' names.
        value: Column of the parts [unit]; with ``start`` they add up to ``end``.

    Raises:
        ColumnError: The table lacks a column.
        EcopsError: A value is missing, or the parts do not add up.
    """
    pairs = _pairs(steps, name, value)
    reached = list(accumulate((number for _, number in pairs), initial=start[1]))
    if not math.isclose(reached[-1], end[1], rel_tol=1e-6, abs_tol=1e-6 * abs(start[1])):
        raise EcopsError(
            f"the parts lead from {start[1]:g} to {reached[-1]:g}, but end is {end[1]:g}; "
            "give all parts of the change."
        )
    parts = [
        _Row(name=label, start=before, end=after, words=show(after - before, unit, sign=True),
             colour=COLOURS["good" if after >= before else "bad"])
        for (label, _), before, after in zip(pairs, reached, reached[1:], strict=False)
    ]  # fmt: skip
    totals = [
        _Row(name=label, start=number, end=number, words=show(number, unit), colour=COLOURS["ink"])
        for label, number in (start, end)
    ]
    return _rows_chart([totals[0], *parts, totals[1]], caption=caption, zero=False)


def funnel_chart(
    frame: pd.DataFrame,
    *,
    caption: str,
    unit: Unit = "count",
    name: str = "name",
    value: str = "value",
) -> Chart:
    """The stages of a funnel; beside each but the first, its share of the stage before.

    Args:
        frame: One row a stage, the widest first.
        caption: The chart's title in the reader's language.
        unit: What the values measure.
        name: Column of the stages' names.
        value: Column of their sizes [unit].

    Raises:
        ColumnError: The frame lacks a column.
        EcopsError: There is no stage, or a value is missing.
    """
    pairs = _pairs(frame, name, value)
    before = [math.nan, *(number for _, number in pairs[:-1])]
    rows = [
        _Row(name=label, start=0.0, end=number, words=_stage_words(number, above, unit),
             colour=COLOURS["1"])
        for (label, number), above in zip(pairs, before, strict=True)
    ]  # fmt: skip
    return _rows_chart(rows, caption=caption, zero=True)


def _stage_words(number: float, above: float, unit: Unit) -> str:
    if not above > 0:
        return show(number, unit)
    return tr(
        "{value}, {share} of the stage before",
        value=show(number, unit),
        share=show(number / above, "share"),
    )


def _pairs(frame: pd.DataFrame, name: str, value: str) -> list[tuple[str, float]]:
    require_columns(list(frame.columns), [name, value], table="frame")
    if frame.empty:
        raise EcopsError("the table has no row to draw; leave the chart out.")
    labels = [" ".join(str(label).split()) for label in frame[name]]
    pairs = list(zip(labels, frame[value], strict=True))
    for label, number in pairs:
        if is_missing(number) or math.isinf(float(number)):
            raise EcopsError(f"{value!r} of {label!r} is missing; leave that row out.")
    return [(label, float(number)) for label, number in pairs]


def _rows_chart(rows: Sequence[_Row], *, caption: str, zero: bool) -> Chart:
    def draw(size: Size, put: Put) -> Figure:
        return _draw_rows(rows, size, put, zero=zero)

    words = "; ".join(f"{row.name}: {row.words}" for row in rows)
    return chart_of(draw, alt=f"{caption}. {words}.", caption=caption)


def _draw_rows(rows: Sequence[_Row], size: Size, put: Put, *, zero: bool) -> Figure:
    """Names stand left of the bars on a page, above them on a telephone."""
    large = size is LARGE
    each = 30 if large else 44
    left = min(240.0, max(text_width(r.name, size.font) for r in rows) + 14) if large else 2.0
    figure, ax = canvas(size, each * len(rows) + 8, left=left, top=4, right=2, bottom=4)
    _frame_rows(ax, rows, size.width - left - 2, size, zero=zero)
    places = range(len(rows))
    _draw_bars(ax, rows, large=large)
    if not zero:
        for place, (above, below) in enumerate(pairwise(rows)):
            x = above.end if place else below.start
            ax.plot([x, x], [place, place + 1], color=COLOURS["soft"], linewidth=0.8, zorder=0.5)
    ax.set_xticks([])
    ax.set_yticks([])
    pixel = (ax.get_xlim()[1] - ax.get_xlim()[0]) / (size.width - left - 2)
    for place, row in zip(places, rows, strict=True):
        _draw_words(ax, row, place, pixel, size, put)
        short = shortened(row.name, (left - 12) if large else size.width - 8, size.font)
        x, y = (
            (ax.get_xlim()[0] - 12 * pixel, place + 0.14)
            if large
            else (ax.get_xlim()[0], place - 0.22)
        )
        ax.text(x, y, put(short), ha="right" if large else "left", va="baseline", clip_on=False)
    return figure


def _draw_bars(ax: Axes, rows: Sequence[_Row], *, large: bool) -> None:
    import pandas as pd
    import seaborn as sns

    table = pd.DataFrame(
        {"place": [str(p) for p in range(len(rows))], "length": [r.end - r.start for r in rows]}
    )
    sns.barplot(
        data=table, x="length", y="place", hue="place", palette=[r.colour for r in rows],
        legend=False, ax=ax, width=0.56 if large else 0.36, saturation=1, errorbar=None,
        linewidth=0,
    )  # fmt: skip
    ax.set(xlabel="", ylabel="")
    bars = [bar for container in ax.containers for bar in container]
    for bar, row in zip(bars, rows, strict=True):
        bar.set_x(bar.get_x() + row.start)
        bar.set_y(bar.get_y() + (0 if large else 0.18))
        bar.set_clip_on(False)
    for place, row in enumerate(rows):
        if row.start == row.end and row.colour == COLOURS["ink"]:
            y = place + (0 if large else 0.18)
            ax.plot([row.end], [y], "D", color=row.colour, markersize=6, clip_on=False)


def _frame_rows(ax: Axes, rows: Sequence[_Row], room: float, size: Size, *, zero: bool) -> None:
    """Limits that leave room for the words beside every bar."""
    ends = [v for r in rows for v in (r.start, r.end)] + ([0.0] if zero else [])
    low, high = min(ends), max(ends)
    right = (
        max(text_width(r.words, size.font) for r in rows if r.end >= r.start) + 14
        if any(r.end >= r.start for r in rows)
        else 8.0
    )
    left = max((text_width(r.words, size.font) + 14 for r in rows if r.end < r.start), default=4.0)
    left = left if low < 0 or not zero else 0.0
    per_pixel = ((high - low) or abs(high) or 1.0) / max(40.0, room - left - right)
    ax.set_xlim(low - left * per_pixel, high + right * per_pixel)
    ax.set_ylim(len(rows) - 0.5, -0.5)


def _draw_words(ax: Axes, row: _Row, place: int, pixel: float, size: Size, put: Put) -> None:
    falls = row.end < row.start
    x = row.end + (-8 if falls else 8) * pixel
    y = place + (0.14 if size is LARGE else 0.27)
    ax.text(
        x, y, put(row.words), ha="right" if falls else "left", va="baseline",
        color=COLOURS["soft"], clip_on=False,
    )  # fmt: skip
