"""Putting a run's files in place: whole or not at all, however many run at once."""

from __future__ import annotations

import errno
import json
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ecops_lib.core.errors import NotebookError
from ecops_lib.core.language import Language
from ecops_lib.reports.index import ReportEntry, index_page

SCRATCH = ".run-"


@contextmanager
def scratch_folder(out: Path) -> Iterator[Path]:
    """A hidden folder under ``out`` for one run, gone afterwards if it was not published.

    What runs that were killed left behind is removed: the lock of a living run is held.
    """
    from filelock import FileLock

    out.mkdir(parents=True, exist_ok=True)
    scratch = out / f"{SCRATCH}{secrets.token_hex(6)}"
    with FileLock(out / ".lock"):
        _remove_dead(out)
        alive = FileLock(_lock_of(scratch))
        alive.acquire()
        scratch.mkdir()
    try:
        yield scratch
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
        alive.release()
        _lock_of(scratch).unlink(missing_ok=True)


def _lock_of(scratch: Path) -> Path:
    return scratch.with_name(f"{scratch.name}.lock")


def _remove_dead(out: Path) -> None:
    from filelock import FileLock, Timeout

    for file in out.glob(f"{SCRATCH}*.lock"):
        lock = FileLock(file, timeout=0)
        try:
            with lock:
                for folder in (file.with_suffix(""), file.with_suffix(".old")):
                    shutil.rmtree(folder, ignore_errors=True)
        except Timeout:
            continue
        file.unlink(missing_ok=True)


def publish(scratch: Path, out: Path, place: Path, *, lang: Language) -> Path:
    """Move a finished run to its place, instead of the run before it, and list it.

    Args:
        scratch: The run's folder, complete.
        out: Folder of all reports.
        place: Where the run goes, below ``out``.
        lang: Language of the index.
    """
    from filelock import FileLock

    target, old = out / place, scratch.with_name(f"{scratch.name}.old")
    with FileLock(out / ".lock"):
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.exists():
            target.rename(old)
        scratch.rename(target)
        shutil.rmtree(old, ignore_errors=True)
        index = index_page(_entries(out), lang=lang)
        write_whole(out / "index.html", index.encode("utf-8"))
    return target


def _entries(out: Path) -> list[ReportEntry]:
    """Every report below a folder, from its manifest."""
    entries = []
    for file in sorted(out.glob("*/*/*/manifest.json")):
        report = json.loads(file.read_text("utf-8"))["report"]
        page = file.with_name(report["page"]).relative_to(out)
        entries.append(
            ReportEntry(
                title=report["title"],
                href=page.as_posix(),
                day=report["day"],
                lang=report["lang"],
                audience=report["audience"],
                made_at=report["made_at"],
                levels=report["levels"],
                headline=report["headline"],
            )
        )
    return entries


def write_whole(file: Path, content: bytes) -> None:
    """Write a file whole or not at all, and on the disk before it is seen."""
    scratch = file.with_name(f".{file.name}.{os.getpid()}")
    with scratch.open("wb") as held:
        held.write(content)
        held.flush()
        os.fsync(held.fileno())
    scratch.replace(file)


@contextmanager
def writing_told(out: Path) -> Iterator[None]:
    """Turn what the system says of a folder that cannot be written into one sentence."""
    try:
        yield
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise NotebookError(
                f"the disk under {out} is full; free some space and run it again: "
                "no page was changed."
            ) from error
        raise NotebookError(
            f"{out} cannot be written ({error.strerror or error}); "
            "choose another folder with --out, or ask for the right to write there."
        ) from error
