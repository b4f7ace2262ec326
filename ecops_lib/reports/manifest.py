"""What a page was made from, and what was made: ``manifest.json`` and ``findings.json``."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import platform
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from ecops_lib import __version__
from ecops_lib.core.errors import EcopsError
from ecops_lib.data.store import Store
from ecops_lib.reports.parameters import Value

LIBRARIES = ("deltalake", "duckdb", "narwhals", "numpy", "pandas", "papermill", "scipy")


def describe_run(
    store: Store,
    *,
    notebook: Path,
    parameters: Mapping[str, Value],
    made_at: dt.datetime,
    day_chosen: bool,
) -> dict[str, Any]:
    """Where a page's numbers come from, as plain values.

    Args:
        store: The store as the notebook read it.
        notebook: The notebook's file.
        parameters: Every parameter with the value it ran with.
        made_at: Time stamp of the run.
        day_chosen: Whether the reader chose the day; else it is the last whole one.

    Returns:
        ``made_at``, ``notebook`` (name, sha256), ``parameters``, ``day_chosen``,
        ``store`` (name, version, tables with version and rows, files with sha256 and rows),
        ``bases`` (currency, time zone, refund basis, pre-sale rule) and ``versions``.
    """
    settings, snapshot = store.settings, store.snapshot
    return {
        "made_at": made_at.isoformat(timespec="seconds"),
        "notebook": {"name": notebook.stem, "sha256": sha256(notebook.read_bytes())},
        "parameters": dict(parameters),
        "day_chosen": day_chosen,
        "store": {
            "name": settings.name,
            "version": snapshot.version,
            "tables": {
                name: {"version": snapshot.tables[name], "rows": store.count(name)}
                for name in store.tables
            },
            "files": [dict(file) for file in snapshot.files],
        },
        "bases": {
            "currency": settings.currency,
            "time_zone": settings.time_zone,
            "refund_basis": settings.refund_basis,
            "presale": settings.presale,
        },
        "versions": {
            "ecops": __version__,
            "python": platform.python_version(),
            **{name: version(name) for name in LIBRARIES},
        },
    }


def manifest_bytes(run: Mapping[str, Any], outputs: Mapping[str, bytes]) -> bytes:
    """``manifest.json``: a run's description and the files it made with their sha256."""
    made = {
        name: {"bytes": len(content), "sha256": sha256(content)}
        for name, content in sorted(outputs.items())
    }
    return as_json({**run, "outputs": made})


def findings_bytes(
    findings: Sequence[Mapping[str, Any]],
    bundles: Sequence[Mapping[str, Any]] = (),
    *,
    as_of: str,
    language: str,
    notebook: str,
) -> bytes:
    """``findings.json``: every finding of a page with the numbers it was written from.

    Args:
        findings: The findings.
        bundles: The page's results as plain values, for their key figures.
        as_of: Day of the page.
        language: Its language.
        notebook: Its notebook.
    """
    figures = {
        (figure["kind"], figure["key"]): figure
        for bundle in bundles
        for figure in bundle.get("figures", ())
    }
    return as_json({
        "notebook": notebook, "as_of": as_of, "language": language, "findings": list(findings),
        "figures": list(figures.values()),
    })  # fmt: skip


def sha256(content: bytes) -> str:
    """The digest by which a file is known."""
    return hashlib.sha256(content).hexdigest()


def as_json(value: object) -> bytes:
    """Readable JSON, the same bytes for the same value.

    Raises:
        EcopsError: A number is NaN or infinite, which JSON does not know.
    """
    try:
        text = json.dumps(value, ensure_ascii=False, indent=1, allow_nan=False)
    except ValueError as error:
        raise EcopsError(
            "a value is not a number that JSON knows (NaN or infinite); write None instead."
        ) from error
    return (text + "\n").encode("utf-8", "replace")
