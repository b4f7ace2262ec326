"""``ecops order``: what to order, as a workbook for each supplier."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ecops_lib.cli.output import LangOption, say
from ecops_lib.core.language import set_reader, tr

StoreOption = Annotated[Path, typer.Option("--store", help="Folder of the store.")]


def add_commands(app: typer.Typer) -> None:
    """Put this command on the command line."""
    app.command("order")(order_command)


def order_command(
    store: StoreOption,
    out: Annotated[Path, typer.Option("--out", help="Folder for the workbooks.")],
    as_of: Annotated[
        str, typer.Option("--as-of", metavar="DAY", help="Last day that counts.")
    ] = "",
    budget: Annotated[
        float | None, typer.Option("--budget", help="Most that all orders may cost.")
    ] = None,
    service: Annotated[
        float | None,
        typer.Option(
            "--service",
            help="Chance of no stock-out until the next order comes in, such as 0.95; "
            "margins decide unless given.",
        ),
    ] = None,
    lang: LangOption = None,
) -> None:
    """Propose what to order: a workbook for each supplier, kept to be judged later."""
    from ecops_lib.data.coverage import report_day
    from ecops_lib.data.store import open_store
    from ecops_lib.supply.demand import build_demand
    from ecops_lib.supply.forecast import forecast_demand
    from ecops_lib.supply.replenish import (
        keep_proposal,
        plan_horizon,
        propose_orders,
        write_orders,
    )

    shop = open_store(store)
    set_reader(lang, shop.settings.currency)
    day = report_day(shop, as_of)
    panel = build_demand(shop, as_of=day).panel(frequency="day")
    forecast = forecast_demand(panel, horizon=plan_horizon(shop, as_of=day))
    proposal = propose_orders(shop, as_of=day, forecast=forecast, service=service, budget=budget)
    written = write_orders(proposal, out)
    keep_proposal(shop, proposal)
    say(str(proposal))
    for path in written:
        say(tr("order: {path}", path=path))
