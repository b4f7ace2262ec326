"""What keeps a store whole: a dead writer's traces go, a living writer's files are on the disk."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote

from ecops_lib.data.delta import open_table
from ecops_lib.data.schema import TABLES

if TYPE_CHECKING:
    from deltalake import DeltaTable


def roll_back(tables: Path, versions: Mapping[str, int], *, since: float) -> None:
    """Put every table back to its published version; what a dead writer left goes.

    Args:
        tables: The store's folder of tables.
        versions: The published version of each table.
        since: When that was published (seconds since 1970): older files are not looked at.
    """
    for folder in sorted(tables.iterdir()) if tables.exists() else ():
        if not folder.is_dir() or folder.name not in TABLES:
            continue
        if folder.name not in versions:
            shutil.rmtree(folder)
            continue
        published = versions[folder.name]
        _remove_unpublished(folder, published, since)
        head = open_table(folder, None)
        if head.version() > published and _differ(head, open_table(folder, published)):
            head.restore(published)


def write_whole(file: Path, content: bytes, *, mode: int = 0o666) -> None:
    """Write a file whole or not at all, and on the disk before it is seen."""
    scratch = file.with_name(f".{file.name}.{os.getpid()}")
    scratch.unlink(missing_ok=True)
    try:
        handle = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with os.fdopen(handle, "wb") as out:
            out.write(content)
            out.flush()
            os.fsync(out.fileno())
        scratch.replace(file)
    except BaseException:
        scratch.unlink(missing_ok=True)
        raise


def _differ(one: DeltaTable, other: DeltaTable) -> bool:
    return set(one.file_uris()) != set(other.file_uris())


def put_on_disk(folder: Path, *, since: float) -> None:
    """Wait until the files of a table that are newer than a moment are on the disk itself."""
    for file in _written(folder, since):
        with file.open("rb+") as held:
            os.fsync(held.fileno())


def _written(folder: Path, since: float) -> Iterator[Path]:
    for file in folder.rglob("*"):
        if file.is_file() and file.stat().st_mtime >= since:
            yield file


def _remove_unpublished(folder: Path, version: int, since: float) -> None:
    """Remove the data files that no version up to the published one has named."""
    log = folder / "_delta_log"
    fresh = [file for file in _written(folder, since) if log not in file.parents]
    if not fresh:
        return
    commits = [log / f"{number:020d}.json" for number in range(version + 1)]
    if not all(commit.exists() for commit in commits):
        return
    known = {path for commit in commits for path in _added(commit)}
    for file in fresh:
        if file.relative_to(folder).as_posix() not in known:
            file.unlink()


def _added(commit: Path) -> Iterator[str]:
    for line in commit.read_text("utf-8").splitlines():
        action = json.loads(line)
        if "add" in action:
            yield unquote(action["add"]["path"])
