"""Every comparison of a test: what was counted, and what stands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from ecops_lib.core.findings import Finding
from ecops_lib.core.formats import Unit, show
from ecops_lib.core.language import mark, ntr, tr
from ecops_lib.core.names import joined
from ecops_lib.core.results import Result
from ecops_lib.experiments.memo import ROLES, Memo, role_of
from ecops_lib.experiments.outcomes import METRICS

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """One variant against the control on one metric.

    Attributes:
        variant: The variant.
        metric: The metric's key.
        role: Its family, in English, marked: decides, guardrail or secondary.
        p_value: As if it were the only one, read once.
        adjusted: Corrected for the others of its family.
        stands: Whether the difference stands.
    """

    variant: str
    metric: str
    role: str
    p_value: float
    adjusted: float
    stands: bool


@dataclass(frozen=True, kw_only=True, eq=False)
class Comparisons(Result):
    """All comparisons of a test by family.

    The deciding metric and the guardrails stand or fall by the boundary for daily looks,
    with the level shared among the comparisons of the family; metrics that are only shown
    are corrected by Holm's method.

    Attributes:
        rows: The comparisons.
        alpha: Level of each family.
    """

    units: ClassVar[Mapping[str, Unit]] = {"p_value": "p_value", "adjusted": "p_value"}
    labels: ClassVar[Mapping[str, str]] = {
        "variant": mark("Tested variant"),
        "metric": mark("Metric"),
        "role": mark("Role"),
        "p_value": mark("P-value, read once"),
        "adjusted": mark("Corrected for its family"),
        "stands": mark("Difference stands"),
    }
    sheet: ClassVar[str] = mark("All comparisons")

    rows: tuple[Comparison, ...]
    alpha: float

    def to_frame(self) -> pd.DataFrame:
        """One row a comparison."""
        import pandas as pd

        told = {True: tr("yes"), False: tr("no")}
        rows = [
            (r.variant, tr(METRICS[r.metric].label), tr(r.role), r.p_value, r.adjusted,
             told[r.stands])
            for r in self.rows
        ]  # fmt: skip
        return pd.DataFrame(rows, columns=list(self.labels))

    def findings(self) -> tuple[Finding, ...]:
        """What was counted, and how many stand."""
        alone = sum(row.p_value <= self.alpha for row in self.rows)
        stand = sum(row.stands for row in self.rows)
        counted = ntr(
            "{count} comparison was counted: {variants} × {metrics} (variants × metrics).",
            "{count} comparisons were counted: {variants} × {metrics} (variants × metrics).",
            len(self.rows),
            count=show(len(self.rows), "count"),
            variants=show(len({row.variant for row in self.rows}), "count"),
            metrics=show(len({row.metric for row in self.rows}), "count"),
        )
        found = tr(
            "Read alone and once, {alone} would fall below {alpha}; {stand} stand.",
            alone=show(alone, "count"),
            alpha=show(self.alpha, "share"),
            stand=show(stand, "count"),
        )
        numbers = {"counted": float(len(self.rows)), "alone": float(alone), "stand": float(stand)}
        return (
            Finding(key="comparisons", level="info", text=joined(counted, found), evidence=numbers),
        )


def list_comparisons(memo: Memo) -> Comparisons:
    """The comparisons behind a memo.

    Args:
        memo: One whose effects may be read.
    """
    trial = memo.experiment
    rows = tuple(_row(memo, variant, key) for variant, key in trial.effects)
    return Comparisons(rows=rows, alpha=trial.plan.alpha)


def _row(memo: Memo, variant: str, key: str) -> Comparison:
    trial = memo.experiment
    p_value, role = trial.effects[variant, key].p_value, role_of(trial, key)
    if role == ROLES["primary"]:
        standing = next(s for s in memo.standings if s.variant == variant)
        adjusted = min(1.0, p_value * len(trial.treatments))
        stands = standing.stands
    else:
        adjusted = memo.others[variant, key]
        path = trial.guarded.get((variant, key))
        stands = bool(path.last and path.last.crossed) if path else adjusted <= trial.plan.alpha
    return Comparison(
        variant=variant, metric=key, role=role, p_value=p_value, adjusted=adjusted, stands=stands
    )
