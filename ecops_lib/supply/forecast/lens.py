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
from ecops_lib.core.findings import Finding, Level
from ecops_lib.core.formats import Unit, show
from ecops_lib.core.language import mark, ntr, tr
from ecops_lib.core.names import short_name
from ecops_lib.core.results import Result
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
LIKELY = 0.01
STRANGE = 4.0
"""Standard deviations from which a period stands out."""
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
        "effect": mark("Units"),
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
        held = self.structure
        told = [self._ahead(held), self._trend(held), self._rhythm(held)]
        told += [self._driver(name, effect) for name, effect in held.drivers.items()]
        told += [self._strange(held), self._left(held), self._unused()]
        return tuple(finding for finding in told if finding)

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
        rows = [(self._trend_name(), self._slope(held))]
        rows += [(self._place(n), effect) for n, effect in enumerate(held.rhythm)]
        rows += [(short_name(name), effect) for name, effect in held.drivers.items()]
        return [*rows, (tr("sum ahead"), held.total)]

    def _trend_name(self) -> str:
        return tr("trend a month") if self.frequency == "month" else tr("trend a week")

    def _slope(self, held: Structure) -> Estimate:
        times = 7 if self.frequency == "day" else 1
        return Estimate(value=held.trend.value * times, error=held.trend.error * times)

    def _place(self, number: int) -> str:
        day = self.days[number]
        if self.frequency == "day":
            return tr(WEEKDAYS[day.weekday()])
        if self.frequency == "month":
            return tr("month {number}", number=day.month)
        return tr("week {number} of the year", number=day.isocalendar().week)

    def _ahead(self, held: Structure) -> Finding:
        total = held.total
        low, high = (max(total.value + z * total.error, 0.0) for z in (-1.2816, 1.2816))
        text = ntr(
            "{name} is expected to sell {units} units in the next {count} period, four times in "
            "five {low} to {high}.",
            "{name} is expected to sell {units} units in the next {count} periods, four times in "
            "five {low} to {high}.",
            self.horizon,
            name=self.name,
            units=show(max(total.value, 0.0), "count"),
            count=show(self.horizon, "count"),
            low=show(low, "count"),
            high=show(high, "count"),
        )
        evidence = {"units": total.value, "low": low, "high": high}
        return Finding(key=f"lens/{self.name}/ahead", level="info", text=text, evidence=evidence)

    def _trend(self, held: Structure) -> Finding:
        slope = self._slope(held)
        given = {
            "name": self.name,
            "low": show(slope.low, "number", sign=True),
            "high": show(slope.high, "number", sign=True),
            "per": tr("a month") if self.frequency == "month" else tr("a week"),
        }
        if slope.sign > 0:
            text = tr("{name} grows by {low} to {high} units {per}.", **given)
        elif slope.sign < 0:
            text = tr("{name} shrinks by {low} to {high} units {per}.", **given)
        else:
            text = tr("{name} has no trend beyond chance ({low} to {high} units {per}).", **given)
        return Finding(
            key=f"lens/{self.name}/trend",
            level="good" if slope.sign > 0 else "watch" if slope.sign < 0 else "info",
            text=text,
            evidence={"slope": slope.value, "low": slope.low, "high": slope.high},
        )

    def _rhythm(self, held: Structure) -> Finding | None:
        if not held.rhythm:
            return None
        effects = [effect.value for effect in held.rhythm]
        best, worst = int(np.argmax(effects)), int(np.argmin(effects))
        given = {
            "name": self.name,
            "best": self._place(best),
            "more": show(effects[best], "number", sign=True),
            "worst": self._place(worst),
            "less": show(effects[worst], "number", sign=True),
        }
        if held.rhythm_p < LIKELY:
            text = tr(
                "{name} sells most in {best} ({more} units) and least in {worst} ({less}).", **given
            )
        else:
            text = tr("{name} has no rhythm beyond chance.", **given)
        return Finding(
            key=f"lens/{self.name}/rhythm",
            level="info",
            text=text,
            evidence={"p_value": held.rhythm_p, "more": effects[best], "less": effects[worst]},
        )

    def _driver(self, name: str, effect: Estimate) -> Finding:
        given = {
            "driver": short_name(name),
            "low": show(effect.low, "number", sign=True),
            "high": show(effect.high, "number", sign=True),
        }
        if effect.sign > 0:
            text = tr("Each unit of {driver} brings {low} to {high} units a period.", **given)
        elif effect.sign < 0:
            text = tr("Each unit of {driver} takes {low} to {high} units a period.", **given)
        else:
            text = tr(
                "Whether {driver} moves sales cannot be told ({low} to {high} units a period).",
                **given,
            )
        return Finding(
            key=f"lens/{self.name}/{name}",
            level="info",
            text=text,
            evidence={"effect": effect.value, "low": effect.low, "high": effect.high},
        )

    def _strange(self, held: Structure) -> Finding | None:
        odd = np.flatnonzero(np.abs(np.nan_to_num(held.surprise)) > STRANGE)
        if not len(odd):
            return None
        worst = int(odd[np.argmax(np.abs(held.surprise[odd]))])
        text = ntr(
            "{count} period stands out, {day}: {units} units.",
            "{count} periods stand out, most of all {day}: {units} units.",
            len(odd),
            count=show(len(odd), "count"),
            day=show(self.days[worst], "day"),
            units=show(self.values[worst], "number"),
        )
        evidence = {"periods": len(odd), "units": float(self.values[worst])}
        return Finding(key=f"lens/{self.name}/odd", level="watch", text=text, evidence=evidence)

    def _unused(self) -> Finding | None:
        if not self.unused:
            return None
        names = [
            tr("{driver} ({reason})", driver=short_name(name), reason=reason)
            for name, reason in self.unused.items()
        ]
        text = tr("Not considered: {drivers}.", drivers=", ".join(names))
        return Finding(key=f"lens/{self.name}/unused", level="info", text=text)

    def _left(self, held: Structure) -> Finding:
        given = {"p": show(held.leftover_p, "p_value")}
        level: Level = "watch"
        if not held.settled:
            text = tr("The fit did not settle; take its figures as rough.")
        elif np.isnan(held.leftover_p):
            level, text = "info", tr("Whether something is left to explain cannot be told.")
        elif held.leftover_p < LIKELY:
            text = tr(
                "What is left over still follows a pattern (p {p}): the interval is too narrow.",
                **given,
            )
        else:
            level, text = "good", tr("What is left over looks like chance (p {p}).", **given)
        return Finding(
            key=f"lens/{self.name}/left",
            level=level,
            text=text,
            evidence={"p_value": held.leftover_p},
        )


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
