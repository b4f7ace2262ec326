"""The page of a run that sets its shops beside one another, for whoever runs the batch."""

from __future__ import annotations

from ecops_lib.core.language import Language, reader, reading, tr
from ecops_lib.reports.batch.across.rates import compare_rates
from ecops_lib.reports.batch.across.records import Compared, Group, compare_reports
from ecops_lib.reports.batch.across.sales import compare_sales
from ecops_lib.reports.batch.across.shared import find_shared
from ecops_lib.reports.batch.runs import Run
from ecops_lib.reports.page import plain_page
from ecops_lib.reports.publish import write_whole

SHOPS_PAGE = "shops.html"


def write_shops(run: Run) -> bool:
    """Write ``shops.html`` into the run's folder where two shops can be compared.

    Returns:
        Whether there is such a page; that of an earlier try is removed where there is none.
    """
    lang, file = reader().language, run.folder / SHOPS_PAGE
    compared = compare_reports(run, lang=lang)
    if not compared.groups:
        file.unlink(missing_ok=True)
        return False
    page = shops_page(compared, lang=lang)
    write_whole(file, page.encode("utf-8", "replace"))
    return True


def shops_page(compared: Compared, *, lang: Language) -> str:
    """The shops of a run beside one another.

    Args:
        compared: The shops by notebook and days.
        lang: Language of the page's own words.
    """
    with reading(lang):
        owner = tr(
            "This page is for whoever runs the batch: it holds figures of several shops. The page "
            "of a single shop holds nothing of another."
        )
        sections: list[tuple[str, object]] = [("", owner)]
        for group in compared.groups:
            sections += _sections(group)
        if compared.left_out:
            sections.append((tr("Not compared"), "\n\n".join(compared.left_out)))
        return plain_page(title=tr("How do the shops compare?"), lang=lang, sections=sections)


def _sections(group: Group) -> list[tuple[str, object]]:
    """Sales, what is shared, and rates, each below a line on how to read it."""
    fell = tr("Which shops fell or rose: {when}", when=group.when)
    shared = tr("What several shops share: {when}", when=group.when)
    rates = tr("What the best do differently: {when}", when=group.when)
    return [
        (fell, tr(
            "Each shop against what its own past lets expect, as its own page judges it. Amounts "
            "are in the shop's currency and are added within a currency only. Among many shops a "
            "few leave their range by chance."
        )),
        ("", compare_sales(group)),
        (shared, tr(
            "What the pages of at least two shops found or recorded on the same day. It happened "
            "at the same time; that is no proof that it is the cause."
        )),
        ("", find_shared(group)),
        (rates, tr(
            "Rates over eight weeks, the only figures that shops of any size and currency share. "
            "A difference is named where it is more than chance, all pairs and rates tried "
            "together. Shops differ in goods and buyers too: ask the better one what it does."
        )),
        ("", compare_rates(group)),
    ]  # fmt: skip
