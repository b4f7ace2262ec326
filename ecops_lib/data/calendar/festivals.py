"""Shopping festivals of the Chinese platforms, with their phases, by year.

A phase that opens at 20:00 begins on that calendar day: most of the day's payments
fall into those four hours. Dates are Tmall's; other platforms open some days apart.

Of every span the table says how far it can be relied on: the first day of an
``announced`` one was checked against a published announcement, a ``recalled`` one is
common knowledge of the trade that was not checked. What the table lacks follows a rule
that is named too: ``pattern`` takes month and day from the latest year of the table (for
年货节, days before the lunar new year), and ``peak only``, before 2019, marks nothing but
the day that the festival is named after. Where your platform's dates differ, put them
into ``shop_events``: they then hold instead of the table's (see ``own``).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Literal

from ecops_lib.core.language import mark
from ecops_lib.data.calendar.lunar import FIRST_YEAR, LAST_YEAR, lunar_new_year

Phase = Literal["presale", "warmup", "burst", "encore"]
Basis = Literal["own", "announced", "recalled", "pattern", "peak only"]

FESTIVALS: Mapping[str, str] = {
    "new_year_goods": mark("New Year goods festival"),
    "women38": mark("3.8 festival"),
    "festival618": mark("618"),
    "double11": mark("Double 11"),
    "double12": mark("Double 12"),
}

PHASES: Mapping[str, str] = {
    "presale": mark("pre-sale"),
    "warmup": mark("warm-up"),
    "burst": mark("burst"),
    "encore": mark("encore"),
}

PEAKS: Mapping[str, tuple[int, int, int]] = {
    "women38": (3, 8, 2015),
    "festival618": (6, 18, 2014),
    "double11": (11, 11, 2009),
    "double12": (12, 12, 2012),
}
"""Month and day that a festival is named after, and the first year it is marked in."""

DATED = """
festival618 2019 presale 05-29 05-31 recalled
festival618 2019 burst   06-01 06-03 recalled
festival618 2019 warmup  06-04 06-15 recalled
festival618 2019 burst   06-16 06-18 recalled
festival618 2019 encore  06-19 06-20 recalled
festival618 2020 presale 05-25 05-31 announced
festival618 2020 burst   06-01 06-03 announced
festival618 2020 warmup  06-04 06-15 announced
festival618 2020 burst   06-16 06-18 announced
festival618 2020 encore  06-19 06-20 announced
festival618 2021 presale 05-24 05-31 recalled
festival618 2021 burst   06-01 06-03 recalled
festival618 2021 warmup  06-04 06-15 recalled
festival618 2021 burst   06-16 06-18 recalled
festival618 2021 encore  06-19 06-20 recalled
festival618 2022 presale 05-26 05-30 announced
festival618 2022 burst   05-31 06-03 announced
festival618 2022 warmup  06-04 06-14 recalled
festival618 2022 burst   06-15 06-18 recalled
festival618 2022 encore  06-19 06-20 recalled
festival618 2023 presale 05-26 05-30 recalled
festival618 2023 burst   05-31 06-03 recalled
festival618 2023 warmup  06-04 06-14 recalled
festival618 2023 burst   06-15 06-18 recalled
festival618 2023 encore  06-19 06-20 recalled
festival618 2024 burst   05-20 05-28 announced
festival618 2024 warmup  05-29 05-30 recalled
festival618 2024 burst   05-31 06-18 announced
festival618 2024 encore  06-19 06-20 recalled
festival618 2025 presale 05-13 05-15 announced
festival618 2025 burst   05-16 05-26 announced
festival618 2025 warmup  05-27 05-30 recalled
festival618 2025 burst   05-31 06-18 recalled
festival618 2025 encore  06-19 06-20 recalled
double11    2019 presale 10-21 10-31 recalled
double11    2019 warmup  11-01 11-10 recalled
double11    2019 burst   11-11 11-11 recalled
double11    2020 presale 10-21 10-31 recalled
double11    2020 burst   11-01 11-03 announced
double11    2020 warmup  11-04 11-10 recalled
double11    2020 burst   11-11 11-11 announced
double11    2021 presale 10-20 10-31 recalled
double11    2021 burst   11-01 11-03 recalled
double11    2021 warmup  11-04 11-10 recalled
double11    2021 burst   11-11 11-11 recalled
double11    2022 presale 10-24 10-30 announced
double11    2022 burst   10-31 11-03 announced
double11    2022 warmup  11-04 11-09 recalled
double11    2022 burst   11-10 11-11 announced
double11    2023 presale 10-24 10-30 recalled
double11    2023 burst   10-31 11-03 recalled
double11    2023 warmup  11-04 11-09 recalled
double11    2023 burst   11-10 11-11 recalled
double11    2024 presale 10-14 10-20 announced
double11    2024 burst   10-21 10-24 recalled
double11    2024 warmup  10-25 10-30 recalled
double11    2024 burst   10-31 11-11 recalled
double11    2025 presale 10-15 10-19 announced
double11    2025 burst   10-20 10-24 recalled
double11    2025 warmup  10-25 10-30 recalled
double11    2025 burst   10-31 11-11 recalled
double11    2025 encore  11-12 11-14 recalled
"""

YEARLY: Mapping[str, tuple[tuple[Phase, str, str], ...]] = {
    "women38": (("warmup", "03-01", "03-03"), ("burst", "03-04", "03-08")),
    "double12": (("warmup", "12-09", "12-11"), ("burst", "12-12", "12-12")),
}
"""Festivals whose dates could not be checked year by year: always a ``pattern``."""

NEW_YEAR_GOODS: tuple[tuple[Phase, int, int], ...] = (("warmup", -28, -25), ("burst", -24, -10))
"""年货节 in days from the lunar new year; platforms differ by up to a week: a ``pattern``."""

FIRST_PATTERN = 2019


@dataclass(frozen=True, slots=True)
class Span:
    """One phase of one year's festival.

    Attributes:
        festival: Key, as in ``FESTIVALS``.
        phase: What happens.
        first: First day.
        last: Last day, included.
        wave: 1 for the year's first span of this phase, 2 for its second.
        basis: How far the dates can be relied on.
    """

    festival: str
    phase: Phase
    first: dt.date
    last: dt.date
    wave: int
    basis: Basis

    def number(self, day: dt.date) -> int:
        """The day's number within the span, from 1."""
        return (day - self.first).days + 1


@cache
def edition(festival: str, year: int) -> tuple[Span, ...]:
    """The spans of a festival in a year, in order; empty where it was not held.

    >>> [(s.phase, s.first.isoformat(), s.basis) for s in edition("double11", 2024)][:2]
    [('presale', '2024-10-14', 'announced'), ('burst', '2024-10-21', 'recalled')]
    >>> edition("double11", 2031)[0].basis
    'pattern'
    """
    waves: dict[str, int] = {}
    spans = []
    for phase, first, last, basis in _rows(festival, year):
        waves[phase] = waves.get(phase, 0) + 1
        spans.append(Span(festival, phase, first, last, waves[phase], basis))
    return tuple(spans)


def festival_span(
    day: dt.date, *, editions: Callable[[str, int], tuple[Span, ...]] = edition
) -> Span | None:
    """The festival phase that a day belongs to.

    Args:
        day: The day.
        editions: The spans of a festival in a year. Where several hold the day, a shop's
            own comes first, then the one that began last.

    >>> festival_span(dt.date(2022, 11, 2)).phase
    'burst'
    """
    years = (day.year - 1, day.year, day.year + 1)
    spans = (span for name in FESTIVALS for year in years for span in editions(name, year))
    held = (span for span in spans if span.first <= day <= span.last)
    return max(held, key=lambda span: (span.basis == "own", span.first), default=None)


def peak_day(festival: str, year: int) -> dt.date | None:
    """The day that a festival is named after; None for 年货节."""
    if festival not in PEAKS:
        return None
    month, day, _ = PEAKS[festival]
    return dt.date(year, month, day)


def _rows(festival: str, year: int) -> Iterator[tuple[Phase, dt.date, dt.date, Basis]]:
    if festival == "new_year_goods":
        yield from _new_year_goods(year)
        return
    if year < FIRST_PATTERN:
        yield from _peak_only(festival, year)
        return
    dated, known = _dated(), [y for name, y in _dated() if name == festival]
    if (festival, year) in dated:
        yield from dated[festival, year]
    elif known:
        for phase, first, last, _ in dated[festival, max(known)]:
            yield phase, first.replace(year=year), last.replace(year=year), "pattern"
    else:
        for phase, start, end in YEARLY[festival]:
            yield phase, _date(year, start), _date(year, end), "pattern"


def _new_year_goods(year: int) -> Iterator[tuple[Phase, dt.date, dt.date, Basis]]:
    if max(FIRST_YEAR, FIRST_PATTERN) <= year <= LAST_YEAR:
        new_year = lunar_new_year(year)
        for phase, first, last in NEW_YEAR_GOODS:
            days = (dt.timedelta(days=first), dt.timedelta(days=last))
            yield phase, new_year + days[0], new_year + days[1], "pattern"


def _peak_only(festival: str, year: int) -> Iterator[tuple[Phase, dt.date, dt.date, Basis]]:
    peak = peak_day(festival, year)
    if peak is not None and year >= PEAKS[festival][2]:
        yield "burst", peak, peak, "peak only"


@cache
def _dated() -> dict[tuple[str, int], list[tuple[Phase, dt.date, dt.date, Basis]]]:
    """The table above by festival and year."""
    held: dict[tuple[str, int], list[tuple[Phase, dt.date, dt.date, Basis]]] = {}
    for line in DATED.split("\n"):
        if line:
            name, year, phase, first, last, basis = line.split()
            row = (phase, _date(int(year), first), _date(int(year), last), basis)
            held.setdefault((name, int(year)), []).append(row)  # type: ignore[arg-type]
    return held


def _date(year: int, month_day: str) -> dt.date:
    return dt.date.fromisoformat(f"{year}-{month_day}")
