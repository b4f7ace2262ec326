"""JupyterLab on a store: copies of the notebooks that an analyst may change."""

from __future__ import annotations

import datetime as dt
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from ecops_lib.core.language import Language
from ecops_lib.data.store import Store, open_store
from ecops_lib.reports.manifest import as_json, sha256
from ecops_lib.reports.notebooks import (
    Notebook,
    list_notebooks,
    node_bytes,
    open_notebook,
    prepared,
)
from ecops_lib.reports.parameters import bind_parameters
from ecops_lib.reports.publish import write_whole

RECORD = ".ecops-lab.json"
"""Digest of each copy as it was made: a copy that differs is the analyst's own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lab:
    """A folder of notebooks ready for JupyterLab.

    Attributes:
        folder: The copies.
        opened: The notebook to open first; None for the file list.
        kept: Names of copies that had been changed and were left alone.
        command: What starts JupyterLab there.
    """

    folder: Path
    opened: Path | None
    kept: tuple[str, ...]
    command: tuple[str, ...]


def prepare_lab(
    store: str | Path,
    *,
    notebook: str | Path | None = None,
    folder: str | Path | None = None,
    lang: Language | None = None,
) -> Lab:
    """Copy the notebooks with the store filled in, so that they run at once.

    Args:
        store: The store's folder.
        notebook: The one to open, by name or path; all of the kit's are copied anyway.
        folder: Where the copies go; ``lab`` in the store's folder unless given.
        lang: Language of their words; the store's unless given.

    Raises:
        StoreError: The folder is no store.
        NotebookError: The notebook is unknown.
    """
    shop = open_store(store)
    target = Path(folder) if folder is not None else Path(store) / "lab"
    target.mkdir(parents=True, exist_ok=True)
    books = {book.name: book for book in list_notebooks()}
    chosen = open_notebook(notebook) if notebook is not None else None
    if chosen is not None:
        books[chosen.name] = chosen
    kept = _copy_all(books, shop, target, lang)
    opened = target / f"{chosen.name}.ipynb" if chosen is not None else None
    return Lab(folder=target, opened=opened, kept=kept, command=_command(target, opened))


def start_lab(lab: Lab) -> int:
    """Start JupyterLab and wait until it is closed; returns its exit code."""
    environment = {**os.environ, "JUPYTER_PREFER_ENV_PATH": "1"}
    return subprocess.run(lab.command, env=environment, check=False).returncode  # noqa: S603


def _command(folder: Path, opened: Path | None) -> tuple[str, ...]:
    page = f"/lab/tree/{quote(opened.name)}" if opened is not None else "/lab"
    root = f"--ServerApp.root_dir={folder.resolve()}"
    return (sys.executable, "-m", "jupyterlab", root, f"--LabApp.default_url={page}")


def _copy_all(
    books: Mapping[str, Notebook], shop: Store, target: Path, lang: Language | None
) -> tuple[str, ...]:
    """Write the copies; returns the names of those that the analyst has changed."""
    record = target / RECORD
    made: dict[str, str] = json.loads(record.read_text("utf-8")) if record.exists() else {}
    kept = []
    for name, book in books.items():
        copy = target / f"{name}.ipynb"
        if copy.exists() and sha256(copy.read_bytes()) != made.get(name):
            kept.append(name)
            continue
        content = _filled(book, shop, lang)
        write_whole(copy, content)
        made[name] = sha256(content)
    write_whole(record, as_json(made))
    return tuple(kept)


def _filled(book: Notebook, shop: Store, lang: Language | None) -> bytes:
    """A notebook with the store and the language in its parameters cell."""
    known = {"store": str(shop.path.resolve()), "lang": lang or shop.settings.language}
    given = {name: value for name, value in known.items() if name in book.parameters}
    today = dt.datetime.now(shop.zone).date()
    values = bind_parameters(book.parameters, given, notebook=book.name, today=today)
    return node_bytes(prepared(book, values))
