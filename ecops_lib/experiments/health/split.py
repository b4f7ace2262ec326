"""The check of the split: is it as planned, and if not, what is to blame."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from ecops_lib.core.formats import show
from ecops_lib.core.language import mark, ntr, tr
from ecops_lib.core.names import joined, short_name
from ecops_lib.experiments.health.check import (
    Check,
    CheckLevel,
    least,
    level_of,
    listing,
    p_words,
)
from ecops_lib.experiments.health.culprits import find_days, find_segments, find_variant
from ecops_lib.experiments.health.sample_ratio import SampleRatio, compare_cells, compare_split

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ecops_lib.experiments.health.grid import Grid

    Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Culprit:
    """The units that make a split uneven.

    Attributes:
        variant: The variant that is off; empty where no single one is.
        segments: The segments it is off in; empty for "in all".
        first: First day; None for "from the start".
        last: Last day; None for "to the end".
        observed: Its units there.
        expected: The units it would have there by the other variants' counts.
        loss: Share of them that is missing; negative where there are too many.
        rest_p_value: p-value of the split of all other units.
    """

    variant: str
    segments: tuple[str, ...] = ()
    first: dt.date | None = None
    last: dt.date | None = None
    observed: int
    expected: float
    loss: float
    rest_p_value: float

    @property
    def text(self) -> str:
        """What is wrong where, and that the rest is right."""
        place = _place_words(self)
        rest = tr("Without it the split is as planned ({p}).", p=p_words(self.rest_p_value))
        if not self.variant:
            return joined(tr("The mismatch comes from {place}.", place=place), rest)
        given = {
            "place": place,
            "variant": short_name(self.variant),
            "observed": show(self.observed, "count"),
            "expected": show(self.expected, "count"),
            "share": show(abs(self.loss), "share"),
        }
        if self.loss > 0:
            text = tr(
                "The mismatch comes from {place}: {variant} has {observed} units there where the "
                "other variants let expect {expected}, {share} too few.",
                **given,
            )
        else:
            text = tr(
                "The mismatch comes from {place}: {variant} has {observed} units there where the "
                "other variants let expect {expected}, {share} too many.",
                **given,
            )
        return joined(text, rest)


def _place_words(culprit: Culprit) -> str:
    """The segments and days, as they stand in a sentence."""
    days = _days_words(culprit.first, culprit.last)
    if not culprit.segments:
        return days
    names = listing([f"“{short_name(name, '—')}”" for name in culprit.segments])
    count = len(culprit.segments)
    segments = ntr("segment {names}", "segments {names}", count, names=names)
    return tr("{segments} on {days}", segments=segments, days=days) if days else segments


def _days_words(first: dt.date | None, last: dt.date | None) -> str:
    given = {"first": show(first, "day"), "last": show(last, "day")}
    match first, last:
        case None, None:
            return ""
        case _, None:
            return tr("the days from {first} on", **given)
        case None, _:
            return tr("the days up to {last}", **given)
        case _:
            return tr("the days {first} to {last}", **given)


@dataclass(frozen=True, kw_only=True, eq=False)
class SampleRatioCheck(Check):
    """Sample-ratio mismatch, over all units, by segment and by day.

    Red: p < .001 over all, or in a segment or on a day after Holm's correction over all
    variants and segments (or days). To be watched: p < .01.

    Attributes:
        variants: The variants, in the order of the counts.
        shares: Planned shares.
        told: Whether the plan told the shares; equal ones are assumed otherwise.
        split: All units against the plan.
        by_segment: Smallest corrected p-value of a segment; NaN with one segment.
        by_day: Smallest corrected p-value of a day; NaN with one day.
        culprit: Where a red mismatch comes from; None where nothing alone explains it.
    """

    key: ClassVar[str] = "sample_ratio"
    label: ClassVar[str] = mark("split of units")

    variants: tuple[str, ...]
    shares: tuple[float, ...]
    told: bool = True
    split: SampleRatio
    by_segment: float
    by_day: float
    culprit: Culprit | None

    @property
    def level(self) -> CheckLevel:
        """By the smallest of the three p-values."""
        return level_of(least([self.split.p_value, self.by_segment, self.by_day]))

    @property
    def figures(self) -> Mapping[str, float]:
        """Chi-square, the p-values, and the culprit's loss."""
        return {
            "statistic": self.split.statistic,
            "p_value": self.split.p_value,
            "by_segment": self.by_segment,
            "by_day": self.by_day,
            "loss": self.culprit.loss if self.culprit else float("nan"),
        }

    @property
    def text(self) -> str:
        """The split, and what is to blame where it is uneven."""
        if not sum(self.split.observed):
            return tr("No unit was exposed in the test.")
        given = {"counts": self._counts(), "p": p_words(self.split.p_value)}
        if self.level == "ok":
            text = tr("Units are split as planned: {counts} ({p}).", **given)
        elif self.level == "watch":
            text = tr(
                "Units may not be split as planned: {counts} ({p}; the least likely segment or "
                "day {cell}).",
                cell=p_words(least([self.by_segment, self.by_day])),
                **given,
            )
        elif level_of(self.split.p_value) != "ok":
            text = tr("Units are not split as planned: {counts} ({p}).", **given)
        else:
            text = tr(
                "All units together are split as planned ({p}), but not in every segment and on "
                "every day: {counts}.",
                **given,
            )
        text = (
            text
            if self.told
            else joined(text, tr("The plan tells no shares; equal ones are assumed."))
        )
        return joined(text, self._blame()) if self.level == "red" else text

    def _counts(self) -> str:
        total = sum(self.split.observed)
        parts = [
            tr(
                "{variant} {count} ({share}, planned {planned})",
                variant=short_name(variant),
                count=show(count, "count"),
                share=show(count / total, "share"),
                planned=show(share, "share"),
            )
            for variant, count, share in zip(
                self.variants, self.split.observed, self.shares, strict=True
            )
        ]
        return listing(parts)

    def _blame(self) -> str:
        if self.culprit:
            return self.culprit.text
        return tr("No segment and no run of days alone explains it.")


def check_sample_ratio(
    grid: Grid, *, shares: Mapping[str, float], told: bool = True
) -> SampleRatioCheck:
    """Check the split over all units, by segment and by day, and name the culprit if there is one.

    Args:
        grid: Units by variant, day and segment.
        shares: Planned share of each variant.
        told: Whether the plan told them.
    """
    planned = np.array([shares[name] for name in grid.variants])
    planned = planned / planned.sum()
    split = compare_split(grid.units.sum(axis=(1, 2)), planned)
    by_segment = _least_adjusted(grid.units.sum(axis=1), planned)
    by_day = _least_adjusted(grid.units.sum(axis=2), planned)
    red = level_of(least([split.p_value, by_segment, by_day])) == "red"
    return SampleRatioCheck(
        variants=grid.variants,
        shares=tuple(float(share) for share in planned),
        told=told,
        split=split,
        by_segment=by_segment,
        by_day=by_day,
        culprit=find_culprit(grid, planned) if red else None,
    )


def _least_adjusted(counts: Floats, shares: Floats) -> float:
    if counts.shape[1] < 2:
        return float("nan")
    return least(compare_cells(counts, shares).adjusted)


def find_culprit(grid: Grid, shares: Floats) -> Culprit | None:
    """The segments, the days, or the days of the segments, that make the split uneven.

    One segment goes before a run of days, and a run of days before several segments;
    within segments, the days are narrowed down. None where nothing alone is to blame.

    Args:
        grid: Units by variant, day and segment.
        shares: Planned shares of the variants; they sum to 1.
    """
    found = find_segments(grid.units.sum(axis=1), shares)
    if len(found) > 1 and find_days(grid.units.sum(axis=2), shares):
        found = ()
    places = list(found) if found else list(range(len(grid.segments)))
    units = grid.units[:, :, places].sum(axis=2)
    days = find_days(units, shares)
    if not found and days is None:
        return None
    first, last = days or (0, len(grid.days) - 1)
    inside = units[:, first : last + 1].sum(axis=1)
    off = find_variant(inside, shares)
    return Culprit(
        variant=grid.variants[off.variant] if off.variant >= 0 else "",
        segments=tuple(grid.segments[place] for place in found),
        first=grid.days[first] if first else None,
        last=grid.days[last] if last < len(grid.days) - 1 else None,
        observed=off.observed,
        expected=off.expected,
        loss=off.loss,
        rest_p_value=compare_split(grid.units.sum(axis=(1, 2)) - inside, shares).p_value,
    )
