"""Contact lists that ecops wrote itself, brought back once they were sent.

Their customers are keyed hashes already and stay as they are; a customer whom the list's
sender named otherwise is hashed like any other name.
"""

from __future__ import annotations

from ecops_lib.core.language import mark
from ecops_lib.data.imports import cleaning
from ecops_lib.data.imports.formats import Format
from ecops_lib.data.imports.job import Job

HASHED = "[0-9a-f]{32}"
"""What a keyed hash looks like (see ``identity``)."""


def load_contacts(job: Job) -> None:
    """Every row is a customer of the list, contacted or held out."""
    cell, _ = job.cell("buyer_key")
    own = f"regexp_extract({cleaning.identifier(cell)}, '^{HASHED}$')"
    text, _ = job.cell("message")
    good = job.typed(
        {
            "contact_id": job.id("contact_id"),
            "buyer_key": job.who("buyer_key"),
            "hashed": job.computed("text", f"nullif({own}, '')"),
            "sent_at": job.time("sent_at"),
            "held_out": job.flag("held_out"),
            "message": job.computed("text", _plain(text)) if text else job.nothing("text"),
            "cost": job.money("cost"),
            "opened_at": job.time("opened_at"),
        },
        rules="contacts",
    )
    job.emit(
        "contacts",
        "SELECT * EXCLUDE (line_no, hashed) REPLACE (coalesce(hashed, buyer_key) AS buyer_key) "
        f"FROM {good}",
        plain=True,
    )


def _plain(cell: str) -> str:
    """Text without the apostrophe that kept it from being a formula or a number."""
    return f"regexp_replace({cleaning.text(cell)}, '^''', '')"


LIST = Format(
    key="contact-list",
    label=mark("contact list of ecops"),
    platform="",
    must=(("contact_id",), ("buyer_key",), ("sent_at",), ("held_out",)),
    known=("message", "cost", "opened_at", "tier", "chance", "expected_profit"),
    load=load_contacts,
)
