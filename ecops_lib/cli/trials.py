"""``ecops tests | plan-test | assign``: A/B tests before and while they run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from ecops_lib.cli.output import LangOption, say
from ecops_lib.core.language import set_reader, tr

if TYPE_CHECKING:
    from ecops_lib.experiments.plan import ExperimentPlan

UnitOption = Literal["visitor", "customer"]
StoreOption = Annotated[Path, typer.Option("--store", help="Folder of the store.")]


def add_commands(app: typer.Typer) -> None:
    """Put these commands on the command line."""
    app.command("tests")(list_command)
    app.command("plan-test")(plan_command)
    app.command("assign")(assign_command)


def list_command(store: StoreOption, lang: LangOption = None) -> None:
    """List the A/B tests of a store, the one that began last first."""
    from ecops_lib.data.store import open_store
    from ecops_lib.experiments import list_tests

    shop = open_store(store)
    set_reader(lang, shop.settings.currency)
    say(str(list_tests(shop)))


def plan_command(
    store: StoreOption,
    metric: Annotated[
        str, typer.Option("--metric", help="Metric that decides, such as conversion_rate.")
    ] = "conversion_rate",
    effect: Annotated[
        float, typer.Option("--effect", help="Smallest relative effect worth having.")
    ] = 0.05,
    variants: Annotated[
        int, typer.Option("--variants", help="Variants, the control among them.")
    ] = 2,
    unit: Annotated[
        UnitOption, typer.Option("--unit", help="Visitors, or customers who bought before.")
    ] = "visitor",
    as_of: Annotated[
        str, typer.Option("--as-of", metavar="DAY", help="Last day of the history.")
    ] = "",
    lang: LangOption = None,
) -> None:
    """Units and weeks that a test needs, from the shop's own orders and traffic."""
    from ecops_lib.data.coverage import report_day
    from ecops_lib.data.store import open_store
    from ecops_lib.experiments.planning import plan_experiment

    shop = open_store(store)
    set_reader(lang, shop.settings.currency)
    plan = _even_plan(metric, effect, variants)
    say(str(plan_experiment(shop, plan=plan, as_of=report_day(shop, as_of), unit=unit)))


def _even_plan(metric: str, effect: float, variants: int) -> ExperimentPlan:
    """A plan of variants with equal shares."""
    from ecops_lib.core.checks import require_between
    from ecops_lib.experiments.plan import make_plan

    require_between(variants, 2, 20, name="--variants")
    names = [tr("control"), *(chr(ord("A") + place) for place in range(variants - 1))]
    shares = dict.fromkeys(names, 1 / variants)
    held = {"control": names[0], "shares": shares, "primary": metric, "least_effect": effect}
    return make_plan(tr("planned test"), held)


def assign_command(
    file: Annotated[Path, typer.Argument(help="CSV file in UTF-8 that lists the units.")],
    store: StoreOption,
    test: Annotated[str, typer.Option("--test", help="Test that store.toml has a plan of.")],
    column: Annotated[str, typer.Option("--column", help="Column that names the unit.")],
    out: Annotated[Path, typer.Option("--out", help="CSV file to write.")],
    lang: LangOption = None,
) -> None:
    """Add to a list of people the variant that each of them gets."""
    from ecops_lib.data.store import open_store
    from ecops_lib.experiments.lists import assign_list

    shop = open_store(store)
    set_reader(lang, shop.settings.currency)
    say(str(assign_list(shop, file, experiment_id=test, column=column, out=out)))
    say(tr("list: {path}", path=out))
