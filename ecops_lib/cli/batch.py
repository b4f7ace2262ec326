"""``ecops batch`` and ``ecops runs``: many reports at once, and what became of them."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from ecops_lib.cli.output import LangOption, progress, say, say_error, say_table
from ecops_lib.core.errors import ParameterError
from ecops_lib.core.language import ntr, set_reader, tr

if TYPE_CHECKING:
    from ecops_lib.reports.batch import Run

OutOption = Annotated[Path, typer.Option("--out", help="Folder of all reports.")]
SOME_FAILED = 3
SIZES = {"MB": 2**20, "GB": 2**30}


def add_commands(app: typer.Typer) -> None:
    """Put these commands on the command line."""
    app.command("batch")(batch_command)
    runs = typer.Typer(help="What became of batches.", no_args_is_help=True)
    runs.command("list")(list_command)
    runs.command("show")(show_command)
    runs.command("prune")(prune_command)
    app.add_typer(runs, name="runs")


def batch_command(  # noqa: PLR0913, PLR0917  one option a line of the help
    what: Annotated[str, typer.Argument(help="A plan (a .toml file), or a notebook's name.")],
    out: OutOption = Path("reports"),
    matrix: Annotated[
        list[str] | None,
        typer.Option("--matrix", metavar="NAME=VALUE,…", help="Values to combine; repeat it."),
    ] = None,
    jobs: Annotated[int, typer.Option("--jobs", help="Reports at once.")] = 2,
    timeout: Annotated[str, typer.Option(help="Longest time of a report, such as 10m.")] = "",
    cell_timeout: Annotated[str, typer.Option(help="Longest time of a cell.")] = "",
    memory: Annotated[str, typer.Option(help="Most memory of a report, such as 2GB.")] = "",
    retries: Annotated[int, typer.Option(help="Further tries for what may pass by itself.")] = 1,
    shard: Annotated[str, typer.Option(metavar="I/N", help="One machine's part of several.")] = "",
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with the last run: what lacks or has changed.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only list the reports.")] = False,
    log: Annotated[
        Literal["plain", "json"], typer.Option(help="How ended reports are told.")
    ] = "plain",
    tell_by: Annotated[
        list[str] | None,
        typer.Option("--notify", help="wecom, dingtalk, feishu, slack or mail; repeat it."),
    ] = None,
    tell_on: Annotated[
        Literal["always", "findings", "failure"],
        typer.Option("--notify-on", help="When people are told."),
    ] = "findings",
    made_at: Annotated[
        str | None, typer.Option("--made-at", help="Time to print instead of the present one.")
    ] = None,
    lang: LangOption = None,
) -> None:
    """Make many reports: a plan's, or every combination of --matrix store=a,b lang=zh,en."""
    from ecops_lib.reports.batch import Limits, check_plan, matrix_plan, read_plan, run_batch
    from ecops_lib.reports.batch.across import SHOPS_PAGE
    from ecops_lib.reports.batch.notify import check_channels
    from ecops_lib.reports.watching import parse_duration

    set_reader(lang)
    check_channels(tell_by or [], os.environ)  # type: ignore[arg-type]
    plan = read_plan(Path(what)) if what.endswith(".toml") else matrix_plan(what, _matrix(matrix))
    if shard:
        check_plan(plan)  # two machines may not write into one place either
        plan = plan.part(*_shard(shard))
    if dry_run:
        check_plan(plan)
        say_table((tr("notebook"), tr("store"), tr("parameters")), [
            (t.notebook, t.store, json.dumps(dict(t.parameters), ensure_ascii=False))
            for t in plan.tasks
        ])  # fmt: skip
        return
    limits = Limits(
        jobs=jobs, retries=retries, memory=_bytes(memory),
        timeout=parse_duration(timeout, name="--timeout") if timeout else None,
        cell_timeout=parse_duration(cell_timeout, name="--cell-timeout") if cell_timeout else None,
    )  # fmt: skip
    with progress(plan.name) as step:
        done = 0

        def tell(report: Mapping[str, Any]) -> None:
            nonlocal done
            done += 1
            step(done, len(plan.tasks))
            _tell(report, log)

        try:
            run = run_batch(plan, out=out, limits=limits, resume=resume, made_at=made_at, tell=tell)
        except KeyboardInterrupt:
            say_error(tr("interrupted; what is done stays, --resume goes on."))
            raise typer.Exit(130) from None
    _keep_tasks(run, out)
    _notify(run, tell_by or [], tell_on)
    made, count = run.count("done"), len(run.reports)
    say(ntr("{made} of {count} report made: {page}", "{made} of {count} reports made: {page}",
            count, made=made, count=count, page=run.folder / "index.html"))  # fmt: skip
    if (run.folder / SHOPS_PAGE).is_file():
        say(tr("the shops beside one another: {page}", page=run.folder / SHOPS_PAGE))
    if made < count:
        raise typer.Exit(SOME_FAILED)


def _keep_tasks(run: Run, out: Path) -> None:
    """Keep what the finished pages ask for, each in the store that it is about."""
    from ecops_lib.cli.actions import keep_from_page
    from ecops_lib.data.store import open_store

    for report in run.reports.values():
        if report["status"] == "done":
            keep_from_page(open_store(report["store"]), out / report["folder"])


def list_command(out: OutOption = Path("reports"), lang: LangOption = None) -> None:
    """List the batches that were run into a folder, the newest first."""
    from ecops_lib.reports.batch import list_runs

    set_reader(lang)
    rows = [
        (run.name, run.begun[:16].replace("T", " "), f"{run.count('done')}/{len(run.reports)}")
        for run in list_runs(out)
    ]
    say_table((tr("run"), tr("begun"), tr("made")), rows)


def show_command(
    run: Annotated[str, typer.Argument(help="Plan/day/run, as `ecops runs list` says it.")],
    out: OutOption = Path("reports"),
    lang: LangOption = None,
) -> None:
    """Show each report of a batch."""
    from ecops_lib.reports.batch.listing import state_words
    from ecops_lib.reports.batch.runs import FOLDER, read_run

    set_reader(lang)
    if not re.fullmatch(r"[^/\\]+/\d{4}-\d\d-\d\d/[^/\\]+", run):
        raise ParameterError(f"{run!r} is no run; write it as `ecops runs list` says it.")
    held = read_run(out / FOLDER / run, out)
    rows = [
        (
            r["notebook"],
            r["store"],
            state_words(r["status"]),
            r.get("folder") or r.get("message", ""),
        )
        for r in held.reports.values()
    ]
    say_table((tr("notebook"), tr("store"), tr("state"), tr("folder")), rows)


def prune_command(
    keep: Annotated[int, typer.Option("--keep", help="Runs of each plan that stay.")],
    out: OutOption = Path("reports"),
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say which would go.")] = False,
    lang: LangOption = None,
) -> None:
    """Forget old runs; the reports that they made stay."""
    from ecops_lib.reports.batch import prune_runs, write_runs

    set_reader(lang)
    gone = prune_runs(out, keep=keep, dry=dry_run)
    if gone and not dry_run:
        write_runs(out)
    for run in gone:
        say(run.name)
    text = tr("would be removed: {count}") if dry_run else tr("removed: {count}")
    say(text.format(count=len(gone)))


def _matrix(given: list[str] | None) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for part in given or ():
        name, sign, values = part.partition("=")
        if not sign or not name or not values:
            raise ParameterError(f"--matrix {part!r} must be NAME=VALUE,…, such as lang=zh,en.")
        if name in found:
            raise ParameterError(f"--matrix {name} is given twice; put all its values into one.")
        found[name] = values.split(",")
    return found


def _shard(text: str) -> tuple[int, int]:
    found = re.fullmatch(r"(\d+)/(\d+)", text)
    if not found:
        raise ParameterError(f"--shard is {text!r}; it must be I/N, such as 1/3.")
    return int(found[1]), int(found[2])


def _bytes(text: str) -> int | None:
    if not text:
        return None
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(MB|GB)", text, re.IGNORECASE)
    if not found:
        raise ParameterError(f"--memory is {text!r}; it must be a number of MB or GB, such as 2GB.")
    return int(float(found[1]) * SIZES[found[2].upper()])


def _notify(run: Run, channels: list[str], on: Literal["always", "findings", "failure"]) -> None:
    """Tell people; what could not be sent is said and fails nothing."""
    from ecops_lib.reports.batch.notify import batch_words, is_worth_telling, notify

    if channels and is_worth_telling(run, on):
        failed = notify(batch_words(run), channels, os.environ)  # type: ignore[arg-type]
        for channel, error in failed.items():
            say_error(tr("{channel} was not told ({error}).", channel=channel, error=error))


def _tell(report: Mapping[str, Any], log: str) -> None:
    """One line for a report that has ended."""
    from ecops_lib.reports.batch.listing import state_words

    if log == "json":
        told = {name: value for name, value in report.items() if name != "files"}
        say(json.dumps(told, ensure_ascii=False))
        return
    where = report.get("folder") or report.get("message", "")
    words = state_words(report["status"])
    say(f"{words}  {report['shop']}  {report['notebook']}  {report['seconds']:.1f} s  {where}")
