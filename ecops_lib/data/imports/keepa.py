"""Keepa's export of a list of Amazon items: one row an item, one day a file.

The day stands in the file's name only. A price is what the buy box asks, else the lowest new
offer, else Amazon itself; coupons are not in it. "Bought in past month" is a rounded figure of
thirty days and no counter, so it is not used.
"""

from __future__ import annotations

import re

from ecops_lib.core.errors import FileError
from ecops_lib.core.language import mark, tr
from ecops_lib.data.imports.cells import Fill
from ecops_lib.data.imports.formats import Format, Recognised, plain_name
from ecops_lib.data.imports.job import Job

CURRENCIES = {
    "com": "USD", "co.uk": "GBP", "de": "EUR", "fr": "EUR", "it": "EUR", "es": "EUR",
    "co.jp": "JPY", "ca": "CAD", "in": "INR", "com.mx": "MXN", "com.br": "BRL",
}  # fmt: skip
"""Currency of each of Amazon's sites, as the column Locale names them."""

SIGNS = {"£": "GBP", "€": "EUR", "₹": "INR"}
"""Signs that only one of these currencies has."""

PRICES = (
    ("Buy Box: Current", "Buy Box 🚚: Current"),
    ("New: Current",),
    ("Amazon: Current",),
)
"""Prices in the order in which they are taken; each by any of its names."""

DAY = re.compile(r"KeepaExport-(\d{4}-\d{2}-\d{2})")


def tell(found: Recognised) -> tuple[str, str]:
    """The currency of the site, or of the signs before the prices; the file tells no zone."""
    places = {name: place for place, name in enumerate(found.header)}
    rows = found.grid.rows[found.row + 1 :]
    site = places.get(plain_name("Locale"))
    if site is not None:
        sites = (CURRENCIES.get(row[site].strip()) for row in rows if site < len(row))
        return next(filter(None, sites), ""), ""
    prices = [places[plain_name(n)] for names in PRICES for n in names if plain_name(n) in places]
    cells = (row[place].strip()[:1] for row in rows for place in prices if place < len(row))
    return next((SIGNS[sign] for sign in cells if sign in SIGNS), ""), ""


def load_items(job: Job) -> None:
    """Every row is a snapshot of an item on the day in the file's name."""
    found = DAY.search(job.title)
    if not found:
        raise FileError(
            tr(
                "{file} does not tell its day; keep the name that Keepa gives it, such as "
                "KeepaExport-2026-11-12-ProductViewer.csv.",
                file=job.title,
            )
        )
    _require_one_currency(job)
    asked = {f"price_{place}": job.money(*names) for place, names in enumerate(PRICES)}
    good = job.typed(
        {
            "day": job.constant("day", found[1]),
            "competitor": _brand(job),
            "item_id": job.id("ASIN"),
            "title": job.text("Title"),
            "category": job.text("Categories: Root"),
            **asked,
            "list_price": job.money("List Price: Current"),
            "review_count": job.integer("Reviews: Rating Count", "Reviews: Review Count"),
            "rating": job.number("Reviews: Rating"),
        },
        rules="competitor_items",
    )
    prices = ", ".join(asked)
    job.emit(
        "competitor_items",
        f"SELECT * EXCLUDE (line_no, {prices}), coalesce({prices}) AS price FROM {good}",
        plain=True,
    )


def _require_one_currency(job: Job) -> None:
    """Refuse a file of several sites with different currencies."""
    cell, _ = job.cell("Locale")
    if not cell:
        return
    asked = f"SELECT DISTINCT trim({cell}) FROM {job.loaded.table} WHERE trim({cell}) <> ''"
    sites = [site for (site,) in job.session.sql(asked)]
    if len({CURRENCIES.get(site, site) for site in sites}) > 1:
        raise FileError(
            tr(
                "{file} holds items of several sites ({sites}), whose prices are in several "
                "currencies; export each site by itself.",
                file=job.title,
                sites=", ".join(sorted(sites)),
            )
        )


def _brand(job: Job) -> Fill:
    """Whose item it is: the brand, else the maker; Amazon where neither is told."""
    told = [job.text(name).sql for name in ("Brand", "Manufacturer") if job.has(name)]
    return job.computed("text", f"coalesce({', '.join([*told, repr('Amazon')])})")


ITEMS = Format(
    key="keepa",
    label=mark("Keepa export (Amazon items)"),
    platform="",
    must=(("ASIN",), ("Title",), ("Sales Rank: Current", "Reviews: Rating", "New: Current")),
    known=(
        "Locale", "Image", "Brand", "Manufacturer", "Categories: Root", "Buy Box: Current",
        "Buy Box 🚚: Current", "Amazon: Current", "List Price: Current", "Reviews: Rating Count",
        "Reviews: Review Count", "Bought in past month",
    ),
    least=0.0,
    tell=tell,
    load=load_items,
)  # fmt: skip
