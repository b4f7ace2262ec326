"""``ecops import | demo | measure``: what is in a store."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, cast

import typer

from ecops_lib.cli.output import LangOption, narration, say, say_table
from ecops_lib.core.language import set_reader, tr
from ecops_lib.data.settings import RefundBasis

if TYPE_CHECKING:
    from ecops_lib.core.results import Result
    from ecops_lib.data.imports import ImportResult
    from ecops_lib.metrics.facts import Dimension

Form = Literal["table", "json", "csv"]
StoreOption = Annotated[Path, typer.Option("--store", help="Folder of the store.")]


def add_commands(app: typer.Typer) -> None:
    """Put these commands on the command line."""
    app.command("import")(import_command)
    app.command("demo")(demo_command)
    app.command("measure")(measure_command)


def import_command(
    paths: Annotated[list[Path], typer.Argument(help="Exported files, or folders of them.")],
    store: StoreOption,
    mapping: Annotated[
        Path | None, typer.Option("--mapping", help="mapping.toml for files of other makes.")
    ] = None,
    name: Annotated[str | None, typer.Option("--name", help="Name of a new shop.")] = None,
    currency: Annotated[
        str | None, typer.Option("--currency", help="Currency of a new shop, such as CNY.")
    ] = None,
    time_zone: Annotated[
        str | None, typer.Option("--time-zone", help="Zone of a new shop, such as Asia/Shanghai.")
    ] = None,
    lang: LangOption = None,
) -> None:
    """Read exported files into a store, whatever platform they are from."""
    from ecops_lib.data.imports import import_files

    set_reader(lang)
    with narration() as tell:
        result = import_files(
            paths,
            store=store,
            mapping=mapping,
            name=name,
            currency=currency,
            time_zone=time_zone,
            language=lang,
            progress=tell,
        )
    _say_import(result)


def _say_import(result: ImportResult) -> None:
    """The files, what needs a look, what was done, and where the rest stands."""
    from ecops_lib.core.findings import level_word
    from ecops_lib.core.formats import show
    from ecops_lib.reports.import_page import write_import_page

    counts = [show(file.rows, "count") for file in result.files]
    rows = [(f.name, tr(f.label), count) for f, count in zip(result.files, counts, strict=True)]
    say_table((tr("file"), tr("recognised as"), tr("rows read")), rows)
    for finding in result.findings():
        say(f"[{level_word(finding.level)}] {finding.text}")
    say(tr("page: {path}", path=write_import_page(result)))


def demo_command(
    folder: Annotated[Path, typer.Argument(help="Folder to make; it becomes a store.")],
    seed: Annotated[int | None, typer.Option("--seed", help="Another seed, another shop.")] = None,
    lang: LangOption = None,
) -> None:
    """Make a demo shop: raw exports, and the store made of them."""
    from ecops_lib.data.demo_store import SEED, make_demo_store

    set_reader(lang)
    with narration() as tell:
        result = make_demo_store(folder, seed=SEED if seed is None else seed, progress=tell)
    say(tr("raw exports: {path}", path=folder / "exports"))
    say(tr("store: {path}", path=folder))
    _say_import(result)


def measure_command(
    metrics: Annotated[list[str], typer.Argument(help="Keys of metrics, such as paid_amount.")],
    store: StoreOption,
    start: Annotated[str, typer.Option("--from", metavar="DAY", help="First day.")],
    end: Annotated[str, typer.Option("--to", metavar="DAY", help="Last day.")],
    by: Annotated[list[str] | None, typer.Option("--by", help="Dimension; repeat it.")] = None,
    refund_basis: Annotated[
        RefundBasis | None,
        typer.Option("--refund-basis", help="Day that refunds are counted on."),
    ] = None,
    form: Annotated[Form, typer.Option("--format", help="How to print it.")] = "table",
    lang: LangOption = None,
) -> None:
    """Compute registered metrics over a period, ends included."""
    from ecops_lib.core.checks import as_day
    from ecops_lib.data.store import open_store
    from ecops_lib.metrics import measure

    shop = open_store(store)
    set_reader(lang, shop.settings.currency)
    result = measure(
        shop,
        metrics,
        start=as_day(start, name="--from"),
        end=as_day(end, name="--to"),
        by=cast("tuple[Dimension, ...]", tuple(by or ())),  # checked by measure
        refund_basis=refund_basis,
    )
    say(printed(result, form))


def printed(result: Result, form: Form) -> str:
    """A result's table for people, or its plain numbers for programs."""
    from ecops_lib.core.bundle import result_bundle

    if form == "table":
        return str(result)
    import csv
    import io
    import json

    bundle = result_bundle(result)
    names = [column["name"] for column in bundle["columns"]]
    if form == "json":
        rows = [dict(zip(names, row, strict=True)) for row in bundle["rows"]]
        return json.dumps(rows, ensure_ascii=False, indent=1)
    held = io.StringIO()
    csv.writer(held, lineterminator="\n").writerows([names, *bundle["rows"]])
    return held.getvalue().rstrip("\n")
