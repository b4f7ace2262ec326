"""``ecops contact-list``: whom to contact, written as a list."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ecops_lib.cli.output import LangOption, say
from ecops_lib.core.language import set_reader, tr

StoreOption = Annotated[Path, typer.Option("--store", help="Folder of the store.")]


def add_commands(app: typer.Typer) -> None:
    """Put this command on the command line."""
    app.command("contact-list")(list_command)


def list_command(
    store: StoreOption,
    out: Annotated[Path, typer.Option("--out", help="File to write, .csv or .xlsx.")],
    as_of: Annotated[
        str, typer.Option("--as-of", metavar="DAY", help="Last day that counts.")
    ] = "",
    message: Annotated[
        list[str] | None,
        typer.Option("--message", help="Message, as in past contacts; repeat it for several."),
    ] = None,
    budget: Annotated[
        float | None, typer.Option("--budget", help="Most that all messages may cost.")
    ] = None,
    cost: Annotated[
        float | None, typer.Option("--cost", help="Cost of a message with its coupon.")
    ] = None,
    margin: Annotated[
        float, typer.Option("--margin", help="Share of the net amount that is profit.")
    ] = 1.0,
    hold_out: Annotated[
        float, typer.Option("--hold-out", help="Share of the list that gets no message.")
    ] = 0.1,
    lang: LangOption = None,
) -> None:
    """Write the list of customers whom to contact, some of them held out by lot."""
    from ecops_lib.customers.contacts.choosing import choose_contacts
    from ecops_lib.customers.contacts.writing import write_contacts
    from ecops_lib.data.coverage import report_day
    from ecops_lib.data.store import open_store

    shop = open_store(store)
    set_reader(lang, shop.settings.currency)
    result = choose_contacts(
        shop,
        as_of=report_day(shop, as_of),
        message=message or "",
        margin=margin,
        cost=cost,
        budget=budget,
        hold_out=hold_out,
    )
    written = write_contacts(result, out)
    say(str(result))
    say(tr("list: {path}", path=written))
