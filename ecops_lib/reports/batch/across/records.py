"""What the pages of a run tell of their shops, and which of them can be compared."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ecops_lib.core.language import Language, reader, tr
from ecops_lib.core.names import short_name
from ecops_lib.reports.batch.runs import DONE, Run

FEWEST = 2
"""Shops that can be compared."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShopPage:
    """What one page tells of its shop.

    Attributes:
        shop: The shop's name.
        store: Its folder, which tells it from others.
        currency: ISO code of its amounts.
        lang: Language of the page.
        findings: Its findings, as ``Finding.to_dict``.
        expected: Figures beside what was to be expected, by key (see ``core.figures``).
        rates: Rates with their intervals, by key.
    """

    shop: str
    store: str
    currency: str
    lang: str
    findings: tuple[Mapping[str, Any], ...]
    expected: Mapping[str, Mapping[str, Any]]
    rates: Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Pages of one notebook about the same days, one a shop.

    Attributes:
        notebook: The notebook.
        day: The day, or the last one of a period.
        period: The period; empty for a day.
        pages: The pages, by shop.
    """

    notebook: str
    day: str
    period: str
    pages: tuple[ShopPage, ...]

    @property
    def when(self) -> str:
        """The days, for a heading."""
        return self.period or self.day


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """The groups of a run, and why other reports stand in none.

    Attributes:
        groups: Groups of at least two shops.
        left_out: A sentence a report that is in no group.
    """

    groups: tuple[Group, ...]
    left_out: tuple[str, ...]


def compare_reports(run: Run, *, lang: Language) -> Compared:
    """Put the reports of a run that have figures into groups of the same days.

    Args:
        run: The run.
        lang: Language that is chosen where a shop has a page in several.
    """
    held: dict[tuple[str, str, str], dict[str, ShopPage]] = {}
    left_out = []
    ordered = sorted(run.reports.items(), key=lambda item: (item[1].get("lang") != lang, item[0]))
    for _, report in ordered:
        name = short_name(report.get("shop"), Path(report["store"]).name)
        words = {"shop": name, "notebook": Path(report["notebook"]).stem}
        if report["status"] != DONE:
            left_out.append(tr("{shop}, {notebook}: no page was made.", **words))
            continue
        page, why = _read(run, report, name)
        if page is None:
            left_out.append(tr("{shop}, {notebook}: {reason}", reason=why, **words))
        elif page.expected or page.rates:
            key = (words["notebook"], report.get("day", ""), report.get("period", ""))
            held.setdefault(key, {}).setdefault(page.store, page)
    groups = []
    for (notebook, day, period), pages in sorted(held.items()):
        if len(pages) >= FEWEST:
            shops = tuple(sorted(pages.values(), key=lambda page: (page.shop, page.store)))
            groups.append(Group(notebook=notebook, day=day, period=period, pages=shops))
        else:
            left_out += [_alone(page, notebook, period or day) for page in pages.values()]
    return Compared(groups=tuple(groups), left_out=tuple(dict.fromkeys(left_out)))


def in_reader_s_language(pages: Sequence[ShopPage]) -> ShopPage:
    """A page whose words are in the reader's language; the first where none is."""
    return next((page for page in pages if page.lang == reader().language), pages[0])


def _alone(page: ShopPage, notebook: str, when: str) -> str:
    return tr(
        "{shop}, {notebook}: no other shop's page is about {when}.",
        shop=page.shop,
        notebook=notebook,
        when=when,
    )


def _read(run: Run, report: Mapping[str, Any], name: str) -> tuple[ShopPage | None, str]:
    """A page's record, or why it cannot be read."""
    file = run.out / report["folder"] / "findings.json"
    try:
        held = json.loads(file.read_text("utf-8"))
        figures = [dict(figure) for figure in held.get("figures", ())]
        page = ShopPage(
            shop=name, store=report["store"], currency=report["currency"], lang=report["lang"],
            findings=tuple(held["findings"]), expected=_by_key(figures, "expected"),
            rates=_by_key(figures, "rate"),
        )  # fmt: skip
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        return None, tr("its findings cannot be read ({error}).", error=type(error).__name__)
    return page, ""


def _by_key(figures: Iterable[Mapping[str, Any]], kind: str) -> dict[str, Mapping[str, Any]]:
    """Figures of a kind by key, those whose numbers are all told."""
    return {
        figure["key"]: figure
        for figure in figures
        if figure["kind"] == kind and None not in figure.values()
    }
