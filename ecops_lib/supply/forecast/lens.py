"""One series under the lens: where it is going, its rhythm, what drives it, what is left."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from math import nan
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from ecops_lib.core.charts import Chart, line_chart
from ecops_lib.core.checks import nearest
from ecops_lib.core.errors import ParameterError
from ecops_lib.core.findings import Finding
from ecops_lib.core.formats import Unit, show
from ecops_lib.core.language import mark, tr
from ecops_lib.core.names import short_name
from ecops_lib.core.results import Result
from ecops_lib.supply.forecast.lens_words import tell_lens
from ecops_lib.supply.forecast.structure import Estimate, Structure, take_apart
from ecops_lib.supply.panel import Floats, Frequency, Panel

if TYPE_CHECKING:
    import pandas as pd

LEAST = {"day": 28, "week": 20, "month": 18}
"""Known periods below which nothing can be told."""
LEAST_SOLD = 14
"""Periods with a sale below which nothing can be told."""
CYCLES = {"day": 4, "week": 2, "month": 2}
"""Rhythms that must have been seen before one is believed."""
WEEKDAYS = (
    mark("Monday"),
    mark("Tuesday"),
    mark("Wednesday"),
    mark("Thursday"),
    mark("Friday"),
    mark("Saturday"),
    mark("Sunday"),
)


@dataclass(frozen=True, kw_only=True, eq=False)
class SeriesLens(Result):
    """One series taken apart.

    Attributes:
        name: What the series is.
        days: First day of each known period and of those ahead (periods + horizon,).
        values: Units (periods,), NaN where unknown.
        frequency: Length of a period.
        structure: Its parts; None where the series is too short to tell.
        known: Known periods.
        sold: Known periods with a sale.
        unused: Drivers left out, each with the reason.
    """

    sheet: ClassVar[str] = mark("One series under the lens")
    units: ClassVar[dict[str, Unit]] = {"effect": "number", "low": "number", "high": "number"}
    labels: ClassVar[dict[str, str]] = {
        "part": mark("Part"),
        "effect": mark("Effect in units"),
        "low": mark("At least"),
        "high": mark("At most"),
    }

    name: str
    days: tuple[dt.date, ...]
    values: Floats
    frequency: Frequency
    structure: Structure | None
    known: int
    sold: int
    unused: Mapping[str, str]

    def absent(self) -> str:
        """Why nothing can be told."""
        if self.structure is not None:
            return ""
        return tr(
            "What moves {name} cannot be told: {known} known periods, {sold} with a sale; it takes "
            "{least} and {least_sold}.",
            name=self.name,
            known=show(self.known, "count"),
            sold=show(self.sold, "count"),
            least=show(LEAST[self.frequency], "count"),
            least_sold=show(LEAST_SOLD, "count"),
        )

    @property
    def horizon(self) -> int:
        """Periods ahead."""
        return len(self.days) - len(self.values)

    def to_frame(self) -> pd.DataFrame:
        """One row a part: level, trend, each place of the rhythm, each driver, the sum ahead."""
        import pandas as pd

        rows = [
            {"part": part, "effect": held.value, "low": held.low, "high": held.high}
            for part, held in self._parts()
        ]
        return pd.DataFrame(rows, columns=list(self.labels))

    def decomposition(self) -> pd.DataFrame:
        """One row a known period: units, level, fitted, and how surprising it was."""
        import pandas as pd

        if self.structure is None:
            return pd.DataFrame(columns=["day", "units", "level", "fitted", "surprise"])
        held = self.structure
        return pd.DataFrame(
            {
                "day": self.days[: len(self.values)],
                "units": self.values,
                "level": held.level,
                "fitted": held.fitted,
                "surprise": held.surprise,
            }
        )

    def findings(self) -> tuple[Finding, ...]:
        """What is ahead, the trend, the rhythm, the drivers, odd periods, and what is left."""
        if self.structure is None:
            return (Finding(key=f"lens/{self.name}", level="info", text=self.absent()),)
        return tell_lens(self, self.structure)

    def chart(self) -> Chart | None:
        """Units, the fit, and what is expected with four fifths of the outcomes."""
        import pandas as pd

        if self.structure is None:
            return None
        held = self.structure
        past = min(len(self.values), 4 * self.horizon)
        gap = np.full(past, nan)
        half = 1.2816 * held.ahead_error
        frame = pd.DataFrame(
            {
                "day": self.days[-past - self.horizon :],
                "value": [*self.values[-past:], *np.full(self.horizon, nan)],
                "fitted": np.maximum([*held.fitted[-past:], *held.ahead], 0),
                "low": np.maximum([*gap, *(held.ahead - half)], 0),
                "high": np.maximum([*gap, *(held.ahead + half)], 0),
            }
        )
        labels = {"value": tr("asked for"), "fitted": tr("fitted"), "low": tr("four in five")}
        if not frame["value"].notna().any():
            return None
        return line_chart(
            frame, caption=self.name, unit="number", labels=labels, compare="fitted",
            band=("low", "high"),
        )  # fmt: skip

    def _parts(self) -> list[tuple[str, Estimate]]:
        if self.structure is None:
            return []
        held = self.structure
        rows = [(self.trend_name(), self.slope(held))]
        rows += [(self.place_name(n), effect) for n, effect in enumerate(held.rhythm)]
        rows += [(short_name(name), effect) for name, effect in held.drivers.items()]
        return [*rows, (tr("sum ahead"), held.total)]

    def trend_name(self) -> str:
        """What the trend is counted by."""
        return tr("trend a month") if self.frequency == "month" else tr("trend a week")

    def slope(self, held: Structure) -> Estimate:
        """The trend by week, or by month."""
        times = 7 if self.frequency == "day" else 1
        return Estimate(value=held.trend.value * times, error=held.trend.error * times)

    def place_name(self, number: int) -> str:
        """A place of the rhythm: its weekday, week or month."""
        day = self.days[number]
        if self.frequency == "day":
            return tr(WEEKDAYS[day.weekday()])
        if self.frequency == "month":
            return tr("month {number}", number=day.month)
        return tr("week {number} of the year", number=day.isocalendar().week)


def inspect_series(panel: Panel, *, series: str, horizon: int) -> SeriesLens:
    """Take one series of a panel apart: level, trend, rhythm, drivers, what is left over.

    Drivers count where they are known for the whole horizon, without gaps, and have changed
    in the past. See ``structure.take_apart`` for the model.

    Args:
        panel: Many series.
        series: Id of the one, as in the index of ``panel.keys``.
        horizon: Periods ahead.

    Raises:
        ParameterError: There is no such series, or the horizon is not positive.
    """
    if horizon < 1:
        raise ParameterError(f"horizon is {horizon}; it must be at least 1 period.")
    ids = [str(name) for name in panel.keys.index]
    if series not in ids:
        hint = nearest(series, ids) or "."
        raise ParameterError(f"series is {series!r}, which is not in the panel{hint}")
    row = ids.index(series)
    values = panel.values[row]
    first = int(np.argmax(~np.isnan(values)))
    values = values[first:]
    known, sold = int((~np.isnan(values)).sum()), int((values > 0).sum())
    used, unused = _usable(panel, row, first, horizon)
    told = known >= LEAST[panel.frequency] and sold >= LEAST_SOLD and float(np.nanstd(values)) > 0
    season = panel.season if known >= CYCLES[panel.frequency] * panel.season else 1
    parts = take_apart(values, horizon=horizon, season=season, drivers=used) if told else None
    named = panel.keys["name"].iloc[row] if "name" in panel.keys.columns else None
    return SeriesLens(
        name=short_name(named, series),
        days=tuple(day.date() for day in panel.days(ahead=horizon)[first:]),
        values=values,
        frequency=panel.frequency,
        structure=parts,
        known=known,
        sold=sold,
        unused=unused,
    )


def _usable(
    panel: Panel, row: int, first: int, horizon: int
) -> tuple[dict[str, Floats], dict[str, str]]:
    """Drivers that the model can take, and why it cannot take the others."""
    used: dict[str, Floats] = {}
    unused: dict[str, str] = {}
    for name, held in panel.drivers.items():
        mine = held[0 if len(held) == 1 else row, first : panel.periods + horizon]
        past = mine[: panel.periods - first]
        if len(mine) < panel.periods - first + horizon or np.isnan(mine).any():
            unused[name] = tr("not known for the whole horizon")
        elif not np.ptp(past) > 0:
            unused[name] = tr("never changed")
        else:
            used[name] = mine
    return used, unused
