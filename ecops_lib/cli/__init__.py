"""The command line: arguments in, one call of the library, a few lines out.

Exit codes: 0 done, 1 refused (one sentence on the error channel), 2 wrong usage.
"""

from __future__ import annotations

import os
import sys
import tempfile
import traceback
from collections.abc import Sequence
from typing import Annotated

import typer

from ecops_lib.cli import (
    actions,
    batch,
    campaigns,
    contacts,
    customers,
    data,
    market,
    notebooks,
    supply,
    trials,
    watch,
)
from ecops_lib.cli.output import say, say_error
from ecops_lib.core.errors import EcopsError
from ecops_lib.core.language import Language, set_reader, tr

app = typer.Typer(
    name="ecops",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # plain help: drawing it costs twice the CPU of all the rest
)
notebooks.add_commands(app)
data.add_commands(app)
trials.add_commands(app)
contacts.add_commands(app)
customers.add_commands(app)
supply.add_commands(app)
campaigns.add_commands(app)
market.add_commands(app)
actions.add_commands(app)
watch.add_commands(app)
batch.add_commands(app)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command and leave with its exit code.

    Args:
        arguments: What follows ``ecops`` on the command line; read from there unless given.
    """
    set_reader(_environment_language())
    try:
        app(args=None if arguments is None else list(arguments), prog_name="ecops")
    except EcopsError as error:
        say_error(str(error))
    except Exception as error:  # the last resort: one sentence, and where to look
        say_error(_unexpected(error))
    sys.exit(1)


def _environment_language() -> Language:
    names = ("LC_ALL", "LC_MESSAGES", "LANG")
    first = next((os.environ[name] for name in names if os.environ.get(name)), "")
    return "zh" if first.lower().startswith("zh") else "en"


def _unexpected(error: Exception) -> str:
    with tempfile.NamedTemporaryFile(
        "w", prefix="ecops-", suffix=".log", delete=False, encoding="utf-8"
    ) as file:
        file.write("".join(traceback.format_exception(error)))
    return tr(
        "something unexpected happened ({kind}: {error}); the details are in {file}.",
        kind=type(error).__name__,
        error=" ".join(str(error).split())[:200],
        file=file.name,
    )


def _print_version(wanted: bool) -> None:
    if wanted:
        from ecops_lib import __version__

        say(f"ecops {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    _version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version."
        ),
    ] = False,
) -> None:
    """Analytics for people who run online stores: from raw exports to a daily review."""
