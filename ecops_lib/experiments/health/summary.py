"""The health of a test: every check, and whether its effect may be read at all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from ecops_lib.core.findings import Finding, Level
from ecops_lib.core.formats import Unit
from ecops_lib.core.language import mark, tr
from ecops_lib.core.results import Result
from ecops_lib.experiments.health.check import Check, CheckLevel
from ecops_lib.experiments.health.timing import TimingCheck

if TYPE_CHECKING:
    import pandas as pd

LEVELS: Mapping[CheckLevel, str] = {
    "red": mark("do not trust"),
    "watch": mark("watch"),
    "ok": mark("in order"),
}

SHOWN: Mapping[CheckLevel, Level] = {"red": "bad", "watch": "watch", "ok": "good"}


@dataclass(frozen=True, kw_only=True, eq=False)
class Health(Result):
    """What was found before any effect is read.

    Attributes:
        checks: Every check that could be made.
    """

    units: ClassVar[Mapping[str, Unit]] = {}
    labels: ClassVar[Mapping[str, str]] = {
        "check": mark("Check"),
        "level": mark("State"),
        "text": mark("What was found"),
    }
    sheet: ClassVar[str] = mark("Health of the test")

    checks: tuple[Check, ...]

    @property
    def red(self) -> tuple[Check, ...]:
        """The checks that forbid to read the effect."""
        return tuple(check for check in self.checks if check.level == "red")

    @property
    def unfinished(self) -> bool:
        """Whether something planned is still missing."""
        return any(isinstance(c, TimingCheck) and c.unfinished for c in self.checks)

    def check(self, key: str) -> Check | None:
        """A check by its key; None where it could not be made."""
        return next((check for check in self.checks if check.key == key), None)

    def to_frame(self) -> pd.DataFrame:
        """One row a check, the worst first."""
        import pandas as pd

        rows = [
            {"check": tr(c.label), "level": tr(LEVELS[c.level]), "text": c.text}
            for c in self._ordered()
        ]
        return pd.DataFrame(rows, columns=list(self.labels))

    def findings(self) -> tuple[Finding, ...]:
        """One finding for each check that is not in order, or one that all are."""
        off = [check for check in self._ordered() if check.level != "ok"]
        if not off:
            text = tr("All checks of the test are in order.")
            return (Finding(key="health/ok", level="good", text=text),)
        return tuple(
            Finding(
                key=f"health/{check.key}",
                level=SHOWN[check.level],
                text=check.text,
                evidence=check.figures,
            )
            for check in off
        )

    def _ordered(self) -> list[Check]:
        return sorted(self.checks, key=lambda check: list(LEVELS).index(check.level))
