"""Campaigns whose receivers were drawn by lot: plain differences of means."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from ecops_lib.core.checks import listed, require_between, require_columns
from ecops_lib.core.errors import ParameterError
from ecops_lib.core.findings import Finding, Level
from ecops_lib.core.formats import Unit, show
from ecops_lib.core.language import mark, tr
from ecops_lib.core.results import Result

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, kw_only=True, eq=False)
class ArmEffects(Result):
    """What each arm of a randomised campaign added, a head and in all.

    Attributes:
        frame: One row an arm and outcome: ``arm``, ``outcome``, ``people``, ``mean`` of the
            arm and of the ``control``, ``added`` a head with ``low`` and ``high``,
            ``p_value`` and the arm's ``total`` added.
        alpha: Two-sided level of each interval.
    """

    sheet: ClassVar[str] = mark("Randomised arms")
    units: ClassVar[Mapping[str, Unit]] = {
        "people": "count", "mean": "number", "control": "number", "added": "number",
        "low": "number", "high": "number", "p_value": "p_value", "total": "number",
    }  # fmt: skip
    labels: ClassVar[Mapping[str, str]] = {
        "arm": mark("Arm"),
        "outcome": mark("Outcome"),
        "people": mark("People"),
        "mean": mark("Mean"),
        "control": mark("Without"),
        "added": mark("Added a head"),
        "low": mark("From"),
        "high": mark("To"),
        "p_value": mark("P-value"),
        "total": mark("Added in all"),
    }

    frame: pd.DataFrame
    alpha: float

    def to_frame(self) -> pd.DataFrame:
        """One row an arm and outcome."""
        return self.frame

    def findings(self) -> tuple[Finding, ...]:
        """What each arm added of each outcome."""
        return tuple(
            self._finding({str(k): v for k, v in row.items()})
            for row in self.frame.to_dict("records")
        )

    def _finding(self, row: dict[str, object]) -> Finding:
        low, high = float(str(row["low"])), float(str(row["high"]))
        given = {
            "arm": str(row["arm"]),
            "outcome": str(row["outcome"]),
            "low": show(low, "number", sign=True),
            "high": show(high, "number", sign=True),
            "added": show(row["added"], "number", sign=True),
        }
        if low > 0 or high < 0:
            text = tr(
                "{arm}: {outcome} {added} a head against those without, between {low} and {high}.",
                **given,
            )
        else:
            text = tr(
                "{arm}: no difference in {outcome} can be shown; between {low} and {high} a head.",
                **given,
            )
        level: Level = "good" if low > 0 else "bad" if high < 0 else "info"
        key = f"arms/{row['arm']}/{row['outcome']}"
        return Finding(key=key, level=level, text=text, evidence={"low": low, "high": high})


def measure_arms(
    people: pd.DataFrame,
    *,
    arm: str,
    control: str,
    outcomes: tuple[str, ...],
    alpha: float = 0.05,
) -> ArmEffects:
    """Compare the arms of a campaign whose receivers were drawn by lot.

    Args:
        people: One row a person.
        arm: Column of the arms.
        control: The arm that received nothing.
        outcomes: Columns of numbers, or flags.
        alpha: Two-sided level of each interval.

    Raises:
        ColumnError: A column is missing.
        ParameterError: No row is of the control or of another arm, one has fewer than two
            people, or an outcome is missing for somebody.

    References:
        Welch (1947), Biometrika 34, 28-35.
    """
    import pandas as pd

    require_columns(list(people.columns), (arm, *outcomes), table="people")
    require_between(alpha, 0, 1, name="alpha", ends="open")
    if holed := [name for name in outcomes if people[name].isna().any()]:
        raise ParameterError(
            f"outcome {holed[0]!r} is missing for some people; say 0 or drop them."
        )
    names = [str(name) for name in people[arm].dropna().unique()]
    if control not in names or len(names) < 2:
        raise ParameterError(f"control is {control!r}; the arms are {listed(sorted(names))}.")
    sums = people.groupby(arm)[list(outcomes)].agg(["size", "mean", "var"])
    if few := [str(n) for n in sums.index if sums.loc[n].iloc[0] < 2]:
        raise ParameterError(f"arm {few[0]!r} has one person; an interval needs at least two.")
    rows = [
        {
            "arm": name,
            "outcome": outcome,
            **_welch(sums.xs(outcome, axis=1, level=0), name, control, alpha),
        }
        for name in sorted(set(names) - {control})
        for outcome in outcomes
    ]
    return ArmEffects(frame=pd.DataFrame(rows, columns=list(ArmEffects.labels)), alpha=alpha)


def _welch(sums: Any, name: str, control: str, alpha: float) -> dict[str, float]:
    from scipy.stats import t

    held = sums.loc[[name, control], ["size", "mean", "var"]].to_numpy(float)
    count, mean, var = held.T
    parts = var / count
    error = math.sqrt(parts.sum())
    degrees = parts.sum() ** 2 / (parts**2 / (count - 1)).sum() if error > 0 else math.inf
    added = mean[0] - mean[1]
    reach = float(t.ppf(1 - alpha / 2, degrees)) * error
    return {
        "people": count[0],
        "mean": mean[0],
        "control": mean[1],
        "added": added,
        "low": added - reach,
        "high": added + reach,
        "p_value": 2 * float(t.sf(abs(added) / error, degrees)) if error > 0 else math.nan,
        "total": added * count[0],
    }
