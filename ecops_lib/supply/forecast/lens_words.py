"""What a lens says: ahead, trend, rhythm, drivers, odd periods, what is left over."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ecops_lib.core.findings import Finding, Level
from ecops_lib.core.formats import show
from ecops_lib.core.language import ntr, tr
from ecops_lib.core.names import short_name
from ecops_lib.supply.forecast.structure import Estimate, Structure

if TYPE_CHECKING:
    from ecops_lib.supply.forecast.lens import SeriesLens

LIKELY = 0.01
STRANGE = 4.0
"""Standard deviations from which a period stands out."""


def tell_lens(lens: SeriesLens, held: Structure) -> tuple[Finding, ...]:
    """All findings on one series."""
    told = [_ahead(lens, held), _trend(lens, held), _rhythm(lens, held)]
    told += [_driver(lens, name, effect) for name, effect in held.drivers.items()]
    told += [_strange(lens, held), _left(lens, held), _unused(lens)]
    return tuple(finding for finding in told if finding)


def _ahead(lens: SeriesLens, held: Structure) -> Finding:
    total = held.total
    low, high = (max(total.value + z * total.error, 0.0) for z in (-1.2816, 1.2816))
    text = ntr(
        "{name} is expected to sell {units} units in the next {count} period, four times in "
        "five {low} to {high}.",
        "{name} is expected to sell {units} units in the next {count} periods, four times in "
        "five {low} to {high}.",
        lens.horizon,
        name=lens.name,
        units=show(max(total.value, 0.0), "count"),
        count=show(lens.horizon, "count"),
        low=show(low, "count"),
        high=show(high, "count"),
    )
    evidence = {"units": total.value, "low": low, "high": high}
    return Finding(key=f"lens/{lens.name}/ahead", level="info", text=text, evidence=evidence)


def _trend(lens: SeriesLens, held: Structure) -> Finding:
    slope = lens.slope(held)
    given = {
        "name": lens.name,
        "low": show(slope.low, "number", sign=True),
        "high": show(slope.high, "number", sign=True),
        "per": tr("a month") if lens.frequency == "month" else tr("a week"),
    }
    if slope.sign > 0:
        text = tr("{name} grows by {low} to {high} units {per}.", **given)
    elif slope.sign < 0:
        text = tr("{name} shrinks by {low} to {high} units {per}.", **given)
    else:
        text = tr("{name} has no trend beyond chance ({low} to {high} units {per}).", **given)
    return Finding(
        key=f"lens/{lens.name}/trend",
        level="good" if slope.sign > 0 else "watch" if slope.sign < 0 else "info",
        text=text,
        evidence={"slope": slope.value, "low": slope.low, "high": slope.high},
    )


def _rhythm(lens: SeriesLens, held: Structure) -> Finding | None:
    if not held.rhythm:
        return None
    effects = [effect.value for effect in held.rhythm]
    best, worst = int(np.argmax(effects)), int(np.argmin(effects))
    given = {
        "name": lens.name,
        "best": lens.place_name(best),
        "more": show(effects[best], "number", sign=True),
        "worst": lens.place_name(worst),
        "less": show(effects[worst], "number", sign=True),
    }
    if held.rhythm_p < LIKELY:
        text = tr(
            "{name} sells most in {best} ({more} units) and least in {worst} ({less}).", **given
        )
    else:
        text = tr("{name} has no rhythm beyond chance.", **given)
    return Finding(
        key=f"lens/{lens.name}/rhythm",
        level="info",
        text=text,
        evidence={"p_value": held.rhythm_p, "more": effects[best], "less": effects[worst]},
    )


def _driver(lens: SeriesLens, name: str, effect: Estimate) -> Finding:
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
        key=f"lens/{lens.name}/{name}",
        level="info",
        text=text,
        evidence={"effect": effect.value, "low": effect.low, "high": effect.high},
    )


def _strange(lens: SeriesLens, held: Structure) -> Finding | None:
    odd = np.flatnonzero(np.abs(np.nan_to_num(held.surprise)) > STRANGE)
    if not len(odd):
        return None
    worst = int(odd[np.argmax(np.abs(held.surprise[odd]))])
    text = ntr(
        "{count} period stands out, {day}: {units} units.",
        "{count} periods stand out, most of all {day}: {units} units.",
        len(odd),
        count=show(len(odd), "count"),
        day=show(lens.days[worst], "day"),
        units=show(lens.values[worst], "number"),
    )
    evidence = {"periods": len(odd), "units": float(lens.values[worst])}
    return Finding(key=f"lens/{lens.name}/odd", level="watch", text=text, evidence=evidence)


def _unused(lens: SeriesLens) -> Finding | None:
    if not lens.unused:
        return None
    names = [
        tr("{driver} ({reason})", driver=short_name(name), reason=reason)
        for name, reason in lens.unused.items()
    ]
    text = tr("Not considered: {drivers}.", drivers=", ".join(names))
    return Finding(key=f"lens/{lens.name}/unused", level="info", text=text)


def _left(lens: SeriesLens, held: Structure) -> Finding:
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
        key=f"lens/{lens.name}/left",
        level=level,
        text=text,
        evidence={"p_value": held.leftover_p},
    )
