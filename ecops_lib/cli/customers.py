"""``ecops playbook``: what each tier of customers gets, to edit."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, cast

import typer

from ecops_lib.cli.output import LangOption, say
from ecops_lib.core.language import Language, set_reader, tr

StoreOption = Annotated[Path, typer.Option("--store", help="Folder of the store.")]


def add_commands(app: typer.Typer) -> None:
    """Put these commands on the command line."""
    app.command("playbook")(playbook_command)


def playbook_command(store: StoreOption, lang: LangOption = None) -> None:
    """Write the playbook of benefits and touches into the store, for editing."""
    from ecops_lib.customers import write_playbook
    from ecops_lib.data.store import open_store

    shop = open_store(store)
    set_reader(lang or cast("Language", shop.settings.language), shop.settings.currency)
    say(tr("playbook: {path}", path=write_playbook(shop)))
