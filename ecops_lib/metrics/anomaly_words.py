"""Series that left their range, in words: what they are of, how far off, how bad that is."""

from __future__ import annotations

from collections.abc import Mapping

from ecops_lib.core.findings import Level
from ecops_lib.core.formats import Unit, show
from ecops_lib.core.language import tr
from ecops_lib.metrics.registry import all_metrics


def series_label(name: str) -> str:
    """A series' name in the reader's language: its metric's label, then what it is of.

    >>> series_label("visitors|channel=search")
    'Visitors · channel=search'
    """
    key, _, rest = name.partition("|")
    known = all_metrics()
    label = tr(known[key].label) if key in known else key
    return f"{label} · {rest.replace('|', ' · ')}" if rest else label


def series_unit(name: str) -> Unit:
    """The unit of a series' metric; a plain number where the metric is not known."""
    known, key = all_metrics(), name.partition("|")[0]
    return known[key].unit if key in known else "number"


def anomaly_words(name: str, row: Mapping[str, float], *, unit: Unit, rising: bool) -> str:
    """The sentence on a series that left its range.

    Args:
        name: The series.
        row: Its row of ``Anomalies.table``.
        unit: Its unit.
        rising: Whether it is high.
    """
    values = {key: show(row[key], unit) for key in ("actual", "expected", "low", "high")}
    named = {"series": series_label(name), **values}
    if row["empty"] > 0:
        return _sparse_sentence(row, named, rising=rising)
    if row["days"] > 1:
        run = show(row["days"], "days")
        if rising:
            return tr(
                "{series} has been high for {run}, too long to be chance: {actual} on the last, "
                "where about {expected} was to be expected.",
                run=run,
                **named,
            )
        return tr(
            "{series} has been low for {run}, too long to be chance: {actual} on the last, "
            "where about {expected} was to be expected.",
            run=run,
            **named,
        )
    if rising:
        return tr(
            "{series} is unusually high: {actual}, where {low} to {high} was to be expected "
            "of such a day.",
            **named,
        )
    return tr(
        "{series} is unusually low: {actual}, where {low} to {high} was to be expected "
        "of such a day.",
        **named,
    )


def _sparse_sentence(row: Mapping[str, float], named: Mapping[str, str], *, rising: bool) -> str:
    """The sentence on a series of which many a day brings nothing."""
    run = show(row["days"], "days")
    if row["actual"] == 0:
        return tr(
            "{series} has brought nothing for too long to be chance; {empty} of its days "
            "before brought nothing.",
            empty=show(row["empty"], "share"),
            **named,
        )
    if row["days"] > 1 and rising:
        return tr(
            "{series} has been high for {run}, too long to be chance: {actual} on the last; a "
            "day that brings anything brings about {expected}.",
            run=run,
            **named,
        )
    if row["days"] > 1:
        return tr(
            "{series} has been low for {run}, too long to be chance: {actual} on the last; a "
            "day that brings anything brings about {expected}.",
            run=run,
            **named,
        )
    if rising:
        return tr(
            "{series} is unusually high: {actual}; a day that brings anything brings {low} to "
            "{high}.",
            **named,
        )
    return tr(
        "{series} is unusually low: {actual}; a day that brings anything brings {low} to {high}.",
        **named,
    )


def anomaly_level(name: str, *, rising: bool) -> Level:
    """How bad it is that a series is high or low, by which way its metric is good."""
    known, key = all_metrics(), name.partition("|")[0]
    better = known[key].better if key in known else "none"
    if better == "none":
        return "watch"
    return "good" if rising == (better == "up") else "bad"
