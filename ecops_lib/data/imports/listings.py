"""Scraped Taobao listings of competitors: one row a day and listing.

Its sales and comments are counters as the page shows them; a blank one is unknown, not 0. A row
that says the same twice is one.
"""

from __future__ import annotations

from ecops_lib.core.language import mark
from ecops_lib.data.imports.formats import Format
from ecops_lib.data.imports.job import Job


def load_listings(job: Job) -> None:
    """Every row is a snapshot of a competitor's item."""
    good = job.typed(
        {
            "day": job.day("update_time"),
            "competitor": job.text("店名"),
            "item_id": job.id("id"),
            "title": job.text("title"),
            "price": job.money("price"),
            "sales_counter": job.integer("sale_count"),
            "review_count": job.integer("comment_count"),
        },
        rules="competitor_items",
    )
    job.emit("competitor_items", f"SELECT * EXCLUDE (line_no) FROM {good}", plain=True)


LISTINGS = Format(
    key="taobao-listings",
    label=mark("scraped Taobao listings"),
    platform="",
    must=(("update_time",), ("id",), ("title",), ("price",), ("店名",)),
    known=("sale_count", "comment_count"),
    currency="CNY",
    time_zone="Asia/Shanghai",
    load=load_listings,
)
