"""Where the measuring itself broke: no exposures, no outcomes, sudden jumps."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np

from ecops_lib.core.formats import show
from ecops_lib.core.language import mark, tr
from ecops_lib.core.names import joined, short_name
from ecops_lib.experiments.health.check import RED, Check, CheckLevel
from ecops_lib.experiments.health.grid import Grid
from ecops_lib.experiments.inference.multiple import adjust_p_values
from ecops_lib.experiments.outcomes import OUTCOMES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

BreakKind = Literal["exposures", "outcomes", "jump", "gap"]

JUMP = 4.0
"""Times the larger (or smaller) of both neighbouring days at which exposures jump."""

FEWEST = 20
"""Units that the smaller neighbour must have for a drop to be told from chance."""

SHOWN = 3
"""Breaks that the sentence names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Break:
    """One place where measuring seems broken.

    Attributes:
        kind: ``exposures``: a variant has none; ``outcomes``: nobody does what others do;
            ``jump``, ``gap``: far more, or fewer, units than on both neighbouring days.
        variant: The variant; empty for all.
        segment: The segment; empty for all.
        day: The day; None for all.
        outcome: Column of the outcome that is missing; empty for exposures.
        seen: What was counted there.
        expected: What was to be expected.
        adjusted: Chance of it after Holm's correction; NaN for jumps and gaps.
    """

    kind: BreakKind
    variant: str = ""
    segment: str = ""
    day: dt.date | None = None
    outcome: str = ""
    seen: float
    expected: float
    adjusted: float = float("nan")

    @property
    def text(self) -> str:
        """The break in one sentence."""
        given = {
            "place": self._place(),
            "seen": show(self.seen, "count"),
            "expected": show(self.expected, "number"),
        }
        match self.kind:
            case "exposures":
                return tr("{place}: no exposures, where about {expected} were due.", **given)
            case "outcomes" if self.outcome == "converted":
                return tr("{place}: nobody bought, where about {expected} were due.", **given)
            case "outcomes":
                return tr(
                    "{place}: no outcome was recorded ({outcome}), where about {expected} "
                    "were due.",
                    outcome=tr(OUTCOMES.get(self.outcome, self.outcome)),
                    **given,
                )
            case "jump":
                return tr("{place}: {seen} units, far more than around it ({expected}).", **given)
            case _:
                return tr("{place}: {seen} units, far fewer than around it ({expected}).", **given)

    def _place(self) -> str:
        who = short_name(self.variant) if self.variant else tr("all variants")
        if self.day is not None:
            return tr("{variant} on {day}", variant=who, day=show(self.day, "day"))
        return tr("{variant} in segment {segment}", variant=who, segment=short_name(self.segment))


@dataclass(frozen=True, kw_only=True, eq=False)
class BreaksCheck(Check):
    """Instrumentation breaks.

    Red: a variant without exposures, or without outcomes, on a day or in a segment where
    chance gives that with p < .001 (exact, Holm over all of them). Watched: exposures four
    times those of both neighbouring days, or a quarter.

    Attributes:
        rows: The breaks, red ones first.
        looked: Cells that were looked at.
    """

    key: ClassVar[str] = "breaks"
    label: ClassVar[str] = mark("measuring")

    rows: tuple[Break, ...]
    looked: int

    @property
    def level(self) -> CheckLevel:
        """Red where exposures or outcomes are missing, to be watched where they jump."""
        kinds = {row.kind for row in self.rows}
        return "red" if kinds & {"exposures", "outcomes"} else "watch" if kinds else "ok"

    @property
    def figures(self) -> Mapping[str, float]:
        """How many of each kind."""
        kinds = [row.kind for row in self.rows]
        return {
            "looked": self.looked,
            "no_exposures": kinds.count("exposures"),
            "no_outcomes": kinds.count("outcomes"),
            "jumps": kinds.count("jump") + kinds.count("gap"),
        }

    @property
    def text(self) -> str:
        """The first breaks, and how many more there are."""
        if not self.rows:
            return tr("Exposures and outcomes arrive in every variant on every day.")
        words = self.rows[0].text
        for row in self.rows[1:SHOWN]:
            words = joined(words, row.text)
        if (more := len(self.rows) - SHOWN) > 0:
            words = joined(words, tr("There are {count} more.", count=show(more, "count")))
        return words


def check_breaks(
    grid: Grid,
    *,
    shares: Mapping[str, float],
    outcomes: Mapping[str, Floats],
    settled: Sequence[bool],
) -> BreaksCheck:
    """Look for days and segments in which exposures or outcomes are missing, and for jumps.

    Exposures: n units of a day miss a variant of share p with chance (1 − p)ⁿ. Outcomes:
    of the c units that did it on a day, none fell in a variant holding the share q of the
    day's units with chance (1 − q)ᶜ; a whole day is held against all settled days alike.

    Args:
        grid: Units by variant, day and segment.
        shares: Planned share of each variant.
        outcomes: Units that did something (0 or 1 each), by column, shaped as ``grid.units``.
        settled: Whether the attribution window of each day's units is over.
    """
    planned = np.array([shares[name] for name in grid.variants])
    found = list(_silent(grid, planned / planned.sum()))
    for outcome, done in outcomes.items():
        found += _mute(grid, done, np.asarray(settled, bool), outcome)
    adjusted = adjust_p_values([chance for _, chance in found])
    red = [
        replace(row, adjusted=float(p))
        for (row, _), p in zip(found, adjusted, strict=True)
        if row.seen == 0 and p < RED
    ]
    red.sort(key=lambda row: row.adjusted)
    return BreaksCheck(rows=(*red, *_jumps(grid)), looked=len(found))


def _silent(grid: Grid, shares: Floats) -> Iterator[tuple[Break, float]]:
    """Each variant on each day and in each segment, with the chance of no exposure at all."""
    for day, segment, counts in _groups(grid, grid.units):
        due = counts.sum() * shares
        chances = np.where(counts == 0, (1 - shares) ** counts.sum(), 1.0)
        for name, seen, expected, chance in zip(grid.variants, counts, due, chances, strict=True):
            row = Break(
                kind="exposures",
                variant=name,
                segment=segment,
                day=day,
                seen=seen,
                expected=expected,
            )
            yield row, float(chance)


def _mute(
    grid: Grid, done: Floats, settled: NDArray[np.bool_], outcome: str
) -> Iterator[tuple[Break, float]]:
    """Each variant on each day and in each segment, and each whole day, with the chance of none."""
    places = zip(_groups(grid, grid.units), _groups(grid, done), strict=True)
    for (day, segment, units), (_, _, counts) in places:
        held = units / max(units.sum(), 1)
        chances = np.where(counts == 0, (1 - held) ** counts.sum(), 1.0)
        due = counts.sum() * held
        for name, seen, expected, chance in zip(grid.variants, counts, due, chances, strict=True):
            row = Break(
                kind="outcomes",
                variant=name,
                segment=segment,
                day=day,
                outcome=outcome,
                seen=seen,
                expected=expected,
            )
            yield row, float(chance)
    yield from _mute_days(grid, done, settled, outcome)


def _mute_days(
    grid: Grid, done: Floats, settled: NDArray[np.bool_], outcome: str
) -> Iterator[tuple[Break, float]]:
    """Each whole day whose windows are over, with the chance that none of its units did it."""
    by_day, units = done.sum(axis=(0, 2)), grid.units.sum(axis=(0, 2))
    total, all_units = by_day[settled].sum(), units[settled].sum()
    for place in np.flatnonzero(settled & (units > 0)):
        share, seen = units[place] / all_units, by_day[place]
        day = grid.days[place]
        row = Break(kind="outcomes", day=day, outcome=outcome, seen=seen, expected=total * share)
        yield row, float((1 - share) ** total) if seen == 0 else 1.0


def _groups(grid: Grid, cells: Floats) -> Iterator[tuple[dt.date | None, str, Floats]]:
    """Counts of the variants on each day, and in each segment where there are several."""
    for day, counts in zip(grid.days, cells.sum(axis=2).T, strict=True):
        yield day, "", counts
    if len(grid.segments) > 1:
        for segment, counts in zip(grid.segments, cells.sum(axis=1).T, strict=True):
            yield None, segment, counts


def _jumps(grid: Grid) -> Iterator[Break]:
    """Days, neither the first nor the last, unlike both of their neighbours."""
    units = grid.units.sum(axis=(0, 2))
    for place in range(1, len(units) - 1):
        low, high = sorted((units[place - 1], units[place + 1]))
        if units[place] >= max(JUMP * high, FEWEST):
            yield Break(kind="jump", day=grid.days[place], seen=units[place], expected=high)
        elif low >= FEWEST and units[place] * JUMP <= low:
            yield Break(kind="gap", day=grid.days[place], seen=units[place], expected=low)
