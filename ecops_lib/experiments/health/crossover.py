"""Units that saw more than one variant: how many, and whether one variant loses more of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from ecops_lib.core.checks import require_columns
from ecops_lib.core.formats import show
from ecops_lib.core.language import mark, tr
from ecops_lib.core.names import joined, short_name
from ecops_lib.experiments.health.check import RED, Check, CheckLevel, level_of, p_words
from ecops_lib.experiments.health.sample_ratio import compare_split

USUAL_SHARE, RED_SHARE = 0.005, 0.05
"""Share of crossed units beyond which to watch, and beyond which the assignment is broken."""

MATERIAL_SHARE = 0.001
"""Share of crossed units below which it does not matter how they fall."""


@dataclass(frozen=True, kw_only=True, eq=False)
class CrossoverCheck(Check):
    """Units seen in more than one variant, or shown another variant than assigned.

    They are set aside. That is harmless if they are few and fall on the variants as the
    plan's shares do. Watched: more than 0.5 % beyond chance (exact binomial, p < .001).
    Red: more than 5 % beyond chance, or at least 0.1 % that fall unevenly (p < .001).

    Attributes:
        crossed: Units set aside, by the variant they saw first (or were assigned to).
        kept: Units of the test without them.
        p_uneven: p-value of "they fall on the variants as planned".
        p_usual: p-value of "at most 0.5 % cross".
        p_broken: p-value of "at most 5 % cross".
    """

    key: ClassVar[str] = "crossover"
    label: ClassVar[str] = mark("units in two variants")

    crossed: Mapping[str, int]
    kept: int
    p_uneven: float
    p_usual: float
    p_broken: float

    @property
    def share(self) -> float:
        """Crossed units of all units; NaN without units."""
        count = sum(self.crossed.values())
        return count / (count + self.kept) if count + self.kept else float("nan")

    @property
    def level(self) -> CheckLevel:
        """By the share, and by how evenly it falls."""
        uneven = level_of(self.p_uneven) if self.share >= MATERIAL_SHARE else "ok"
        if self.p_broken < RED or uneven == "red":
            return "red"
        return "watch" if self.p_usual < RED or uneven == "watch" else "ok"

    @property
    def figures(self) -> Mapping[str, float]:
        """Count and share of the crossed units, and how evenly they fall."""
        return {
            "crossed": sum(self.crossed.values()),
            "share": self.share,
            "p_uneven": self.p_uneven,
            "p_usual": self.p_usual,
        }

    @property
    def text(self) -> str:
        """How many crossed, and whether they fall evenly."""
        count = sum(self.crossed.values())
        if not count:
            return tr("No unit saw more than one variant.")
        text = tr(
            "{count} units ({share} of all) saw more than one variant and are set aside.",
            count=show(count, "count"),
            share=show(self.share, "share"),
        )
        if self.share >= MATERIAL_SHARE and level_of(self.p_uneven) != "ok":
            most = max(self.crossed, key=lambda name: self.crossed[name])
            uneven = tr(
                "They do not fall on the variants as planned ({p}); most were first in {variant}.",
                p=p_words(self.p_uneven),
                variant=short_name(most),
            )
            return joined(text, uneven)
        return joined(
            text, tr("They fall on the variants as planned ({p}).", p=p_words(self.p_uneven))
        )


def check_crossover(
    crossed: Mapping[str, int], *, kept: int, variants: Sequence[str], shares: Mapping[str, float]
) -> CrossoverCheck:
    """Check the units that saw more than one variant.

    Args:
        crossed: Units set aside, by the variant they saw first.
        kept: Units of the test without them.
        variants: The plan's variants.
        shares: Planned share of each.

    Raises:
        ColumnError: Units crossed from a variant that the plan does not have.
    """
    from scipy.stats import binom

    require_columns(list(variants), crossed, table="the plan")
    counts = [int(crossed.get(name, 0)) for name in variants]
    total = sum(counts)
    split = compare_split(counts, [shares[name] for name in variants])
    return CrossoverCheck(
        crossed=dict(zip(variants, counts, strict=True)),
        kept=int(kept),
        p_uneven=split.p_value,
        p_usual=float(binom.sf(total - 1, total + kept, USUAL_SHARE)),
        p_broken=float(binom.sf(total - 1, total + kept, RED_SHARE)),
    )
