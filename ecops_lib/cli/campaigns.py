"""``ecops keep-lessons``: what a campaign taught, into the store's playbook."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, cast

import typer

from ecops_lib.cli.output import LangOption, say
from ecops_lib.core.language import Language, ntr, set_reader, tr

StoreOption = Annotated[Path, typer.Option("--store", help="Folder of the store.")]
CampaignOption = Annotated[str, typer.Option(help="Its id; the last that is over by default.")]
DayOption = Annotated[str, typer.Option(help="Last day that counts; the last whole by default.")]


def add_commands(app: typer.Typer) -> None:
    """Put these commands on the command line."""
    app.command("keep-lessons")(keep_lessons_command)


def keep_lessons_command(
    store: StoreOption,
    campaign: CampaignOption = "",
    as_of: DayOption = "",
    lang: LangOption = None,
) -> None:
    """Keep what a campaign taught in campaign_playbook.toml, for the next plan."""
    from ecops_lib.campaigns.editions import choose_campaign, find_campaigns
    from ecops_lib.campaigns.effect import measure_effect
    from ecops_lib.campaigns.playbook import FILE, draw_lessons, keep_lessons
    from ecops_lib.data.coverage import report_day
    from ecops_lib.data.store import open_store

    shop = open_store(store)
    set_reader(lang or cast("Language", shop.settings.language), shop.settings.currency)
    day = report_day(shop, as_of)
    chosen = choose_campaign(
        find_campaigns(shop), as_of=day, state="finished", campaign_id=campaign
    )
    effect = measure_effect(shop, campaign=chosen, as_of=day)
    lessons = draw_lessons(effect)
    if not lessons:
        say(tr("{campaign}: nothing can be told surely enough to be kept.", campaign=chosen.name))
        return
    keep_lessons(shop, lessons)
    say(
        ntr(
            "{campaign}: {count} lesson is in {path}.",
            "{campaign}: {count} lessons are in {path}.",
            len(lessons),
            campaign=chosen.name,
            count=len(lessons),
            path=shop.path / FILE,
        )
    )
