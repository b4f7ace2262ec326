"""Switchback tests: whole regions switch between variants from period to period.

The effect is a difference of ratios of sums over blocks. A block is what one assignment
held for: within it the outcome is not independent, so it is one cluster.
The first periods after a switch are dropped, as they still carry the other variant.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from ecops_lib.core.checks import require_between
from ecops_lib.core.errors import ParameterError
from ecops_lib.core.findings import Finding
from ecops_lib.core.formats import Unit, show
from ecops_lib.core.language import mark, ntr, tr
from ecops_lib.core.results import Result
from ecops_lib.experiments.effects import Effect
from ecops_lib.experiments.inference.clusters import compare_clusters
from ecops_lib.experiments.moments import Moments

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

COLUMNS = ("total", "size")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One region in one period.

    Attributes:
        region: The region.
        period: Place of the period in time; consecutive whole numbers.
        variant: What the region had.
        total: Sum of the outcome.
        size: Counted units (orders, visitors).
    """

    region: str
    period: int
    variant: str
    total: float
    size: float


@dataclass(frozen=True, kw_only=True, eq=False)
class Switchback(Result):
    """The read-out of a switchback test.

    Attributes:
        effect: With an error clustered by block; its ``n_…`` count blocks.
        p_value: By re-randomisation: the share of the assignments that might have been
            whose studentised effect is as large.
        draws: Assignments drawn.
        dropped: Cells dropped after a switch.
        cells: Cells given.
        together: Whether all regions switched at the same moments, so that a block is a
            run of periods over all of them.
        alpha: Level.
    """

    units: ClassVar[Mapping[str, Unit]] = {
        "blocks_control": "count",
        "blocks_treatment": "count",
        "p_value": "p_value",
    }
    labels: ClassVar[Mapping[str, str]] = {
        "control": mark("Control"),
        "treatment": mark("Treatment"),
        "difference": mark("Difference to the control"),
        "low": mark("From"),
        "high": mark("To"),
        "p_value": mark("P-value"),
        "blocks_control": mark("Blocks of control"),
        "blocks_treatment": mark("Blocks of treatment"),
    }
    sheet: ClassVar[str] = mark("Switchback")

    effect: Effect
    p_value: float
    draws: int
    dropped: int
    cells: int
    together: bool
    alpha: float

    def to_frame(self) -> pd.DataFrame:
        """One row."""
        import pandas as pd

        return pd.DataFrame(
            {
                "control": [self.effect.control],
                "treatment": [self.effect.treatment],
                "difference": [self.effect.difference.value],
                "low": [self.effect.difference.low],
                "high": [self.effect.difference.high],
                "p_value": [self.p_value],
                "blocks_control": [self.effect.n_control],
                "blocks_treatment": [self.effect.n_treatment],
            }
        )

    def findings(self) -> tuple[Finding, ...]:
        """How the blocks were made and what was dropped."""
        blocks = self.effect.n_control + self.effect.n_treatment
        made = (
            tr("all regions switch together, so a block is a run of periods over all of them")
            if self.together
            else tr("a block is one region's run of periods between two switches")
        )
        text = ntr(
            "{blocks} blocks were compared ({made}); {count} cell after a switch was dropped.",
            "{blocks} blocks were compared ({made}); {count} cells after a switch were dropped.",
            self.dropped,
            blocks=show(blocks, "count"),
            made=made,
            count=show(self.dropped, "count"),
        )
        evidence = {"blocks": blocks, "dropped": self.dropped, "p_value": self.p_value}
        return (Finding(key="switchback", level="info", text=text, evidence=evidence),)


@dataclass(frozen=True, slots=True)
class _Block:
    region: str
    variant: str
    total: float
    size: float


def compare_switchback(
    cells: Sequence[Cell],
    *,
    control: str,
    treatment: str,
    burn_in: int = 1,
    every: int | None = None,
    alpha: float = 0.05,
    rng: int | np.random.Generator = 0,
    draws: int = 2000,
) -> Switchback:
    """Compare two variants between which regions switched.

    Args:
        cells: Each region in each period once.
        control: Name of the control variant.
        treatment: Name of the other variant.
        burn_in: Periods dropped at the beginning and after each switch, for what
            carries over.
        every: Periods for which each assignment was drawn; None where each run without
            a switch was one assignment.
        alpha: Two-sided level of the interval.
        rng: Seed or generator of the re-randomisation.
        draws: Assignments to draw.

    Returns:
        The effect with an interval clustered by block (Welch's t), and a p-value by
        re-randomisation that shuffles the variants over blocks: within each region, or
        over all blocks where the regions switch together.

    Raises:
        ParameterError: A cell is given twice, a variant is unknown or has fewer than two
            blocks left, or an option is impossible.

    References:
        Bojinov, Simchi-Levi and Zhao (2023), Management Science 69, 3759-3777.
    """
    require_between(alpha, 0.0, 1.0, name="alpha", ends="open")
    _check(cells, (control, treatment), burn_in, draws)
    if every is not None and every < 1:
        raise ParameterError(f"every is {every}; an assignment holds for at least one period.")
    together = _switch_together(cells)
    blocks, dropped = _blocks(cells, burn_in=burn_in, every=every, together=together)
    sides = [[b for b in blocks if b.variant == name] for name in (control, treatment)]
    if min(map(len, sides)) < 2:
        raise ParameterError(
            f"{control!r} has {len(sides[0])} blocks and {treatment!r} has {len(sides[1])} after"
            f" burn_in={burn_in}; each needs two, so switch more often or drop less."
        )
    first, second = (
        Moments.of_values(COLUMNS, [[b.total, b.size] for b in side]) for side in sides
    )
    effect = compare_clusters(first, second, total="total", size="size", alpha=alpha)
    return Switchback(
        effect=effect,
        p_value=_rerandomised(
            blocks, treatment, effect.statistic, np.random.default_rng(rng), draws
        ),
        draws=draws,
        dropped=dropped,
        cells=len(cells),
        together=together,
        alpha=alpha,
    )


def _check(cells: Sequence[Cell], variants: tuple[str, str], burn_in: int, draws: int) -> None:
    if burn_in < 0 or draws < 1:
        raise ParameterError(f"burn_in is {burn_in} and draws {draws}; give at least 0 and 1.")
    if len({(cell.region, cell.period) for cell in cells}) < len(cells):
        raise ParameterError("a region has two cells in one period; sum them up first.")
    if strange := {cell.variant for cell in cells} - set(variants):
        raise ParameterError(
            f"cells hold the variant {sorted(strange)[0]!r}; leave out all but {variants}."
        )
    if not all(np.isfinite(cell.total) and cell.size >= 0 for cell in cells):
        raise ParameterError("a cell's total or size is not a finite number; fill or drop it.")


def _switch_together(cells: Sequence[Cell]) -> bool:
    """Whether every region has the same variant in each period."""
    held: dict[int, set[str]] = {}
    for cell in cells:
        held.setdefault(cell.period, set()).add(cell.variant)
    return len({c.region for c in cells}) > 1 and all(len(names) == 1 for names in held.values())


def _blocks(
    cells: Sequence[Cell], *, burn_in: int, every: int | None, together: bool
) -> tuple[list[_Block], int]:
    """Sums by block, less the first periods after a switch; and how many cells that dropped."""
    held: dict[tuple[str, int], list[Cell]] = {}
    dropped = 0
    for region in sorted({"" if together else cell.region for cell in cells}):
        mine = [cell for cell in cells if together or cell.region == region]
        starts = _starts({cell.period: cell.variant for cell in mine}, every)
        for cell in mine:
            block, switched = starts[cell.period]
            if cell.period < switched + burn_in:
                dropped += 1
            else:
                held.setdefault((region, block), []).append(cell)
    blocks = [
        _Block(region, run[0].variant, sum(c.total for c in run), sum(c.size for c in run))
        for (region, _), run in held.items()
    ]
    return blocks, dropped


def _starts(variants: Mapping[int, str], every: int | None) -> dict[int, tuple[int, int]]:
    """The first period of each period's block, and the period of the last switch."""
    starts: dict[int, tuple[int, int]] = {}
    first = block = switched = min(variants)
    before = variants[first]
    for period in sorted(variants):
        if variants[period] != before:
            block = switched = period
        elif every and (period - first) // every != (block - first) // every:
            block = period
        starts[period], before = (block, switched), variants[period]
    return starts


def _rerandomised(
    blocks: Sequence[_Block], treatment: str, seen: float, rng: np.random.Generator, draws: int
) -> float:
    """Share of shuffled assignments with a studentised effect as large as the one seen."""
    values = np.array([[b.total, b.size] for b in blocks])
    treated = np.array([b.variant == treatment for b in blocks])
    regions = np.array([b.region for b in blocks])
    drawn = np.repeat(treated[None, :], draws, axis=0)
    for region in np.unique(regions):
        places = np.flatnonzero(regions == region)
        drawn[:, places] = rng.permuted(drawn[:, places], axis=1)
    as_large = np.abs(_studentised(values, drawn)) >= abs(seen) * (1 - 1e-9)
    return float((as_large.sum() + 1) / (draws + 1))


def _studentised(values: Floats, drawn: NDArray[np.bool_]) -> Floats:
    """Welch's statistic of the difference of ratios for each assignment (rows)."""
    means, spreads = [], []
    for chosen in (~drawn, drawn):
        weights = chosen.astype(float)
        sums, count = weights @ values, weights.sum(axis=1)
        ratio = sums[:, 0] / sums[:, 1]
        away = values[:, 0][None, :] - ratio[:, None] * values[:, 1][None, :]
        squares = (weights * away**2).sum(axis=1)
        means.append(ratio)
        spreads.append(squares * count / (count - 1) / sums[:, 1] ** 2)
    error = np.sqrt(spreads[0] + spreads[1])
    return np.asarray((means[1] - means[0]) / np.where(error > 0, error, np.inf), float)
