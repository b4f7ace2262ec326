"""``ecops match``: pairs of items that somebody should judge."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ecops_lib.cli.output import LangOption, say
from ecops_lib.core.language import ntr, set_reader, tr

StoreOption = Annotated[Path, typer.Option("--store", help="Folder of the store.")]


def add_commands(app: typer.Typer) -> None:
    """Put this command on the command line."""
    app.command("match")(match_command)


def match_command(
    store: StoreOption,
    as_of: Annotated[
        str, typer.Option("--as-of", metavar="DAY", help="Last day that counts.")
    ] = "",
    lang: LangOption = None,
) -> None:
    """Match competitors' items with ours; write the unsure pairs to matches.csv to be judged."""
    from ecops_lib.data.coverage import report_day
    from ecops_lib.data.store import open_store
    from ecops_lib.market.matching import write_review
    from ecops_lib.market.matching.review import FILE
    from ecops_lib.market.sections import CompetitorBase

    shop = open_store(store)
    set_reader(lang, shop.settings.currency)
    matches = CompetitorBase(shop, day=report_day(shop, as_of)).matches
    file = shop.path / FILE
    waiting = write_review(matches, file)
    say(str(matches))
    say(
        ntr(
            "{count} pair waits for yes or no in {file}.",
            "{count} pairs wait for yes or no in {file}.",
            waiting,
            count=waiting,
            file=file,
        )
        if waiting
        else tr("Nothing waits to be judged.")
    )
