"""The folder of a batch: what was asked, what became of it, and a page that lists it.

OUT/runs/index.html        every run, for people
OUT/runs/<plan>/<day>/<run>/
manifest.json    every report: parameters, store version, status, files with sha256
index.html       for people
shops.html       its shops beside one another, where there are two
failed/*.html    a page for each report that could not be made
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import secrets
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ecops_lib.core.errors import FileError, NotebookError, ParameterError
from ecops_lib.reports.batch.plan import Plan, Task
from ecops_lib.reports.manifest import as_json
from ecops_lib.reports.publish import write_whole
from ecops_lib.reports.runner import RunCheck

FOLDER = "runs"
WAITING, DONE = "waiting", "done"
FAILED = ("failed", "crashed", "timeout", "memory")


@dataclass(slots=True)
class Run:
    """One run of a plan.

    Attributes:
        out: Folder of all reports.
        folder: The run's own folder.
        plan: Name of the plan.
        begun: When it began, in ISO form.
        reports: What became of each report, by key: ``notebook``, ``store``, ``parameters``,
            ``status``, and once it ran ``shop``, ``title``, ``lang``, ``version`` of the
            store, ``digest`` of the notebook, ``day``, ``period``, ``currency``, ``folder``,
            ``page``, ``files`` (name: sha256), ``findings``, ``message``, ``seconds``, ``memory``
            [bytes], ``tries``; of one that failed the ``section`` in which it did, the
            ``reason``, whether the kit ``refused``, and the notebook that was ``kept``.
    """

    out: Path
    folder: Path
    plan: str
    begun: str
    reports: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Plan, day and run, as in the folder's path."""
        return "/".join(self.folder.parts[-3:])

    def count(self, *states: str) -> int:
        """How many reports have one of some states."""
        return sum(report["status"] in states for report in self.reports.values())

    def save(self) -> None:
        """Write the manifest, whole or not at all."""
        held = {"plan": self.plan, "begun": self.begun, "reports": self.reports}
        write_whole(self.folder / "manifest.json", as_json(held))

    def is_fresh(self, key: str, check: RunCheck) -> bool:
        """Whether a report is done, whole on the disk, from the data and notebook of now."""
        report = self.reports.get(key, {})
        if report.get("status") != DONE or report["folder"] != str(check.folder):
            return False
        if (report["version"], report["digest"]) != (check.version, check.notebook):
            return False
        return bool(report["files"] == digests(self.out / report["folder"]))


def digests(folder: Path) -> dict[str, str]:
    """Every file of a report with its sha256; empty where there is none."""
    if not folder.is_dir():
        return {}
    return {
        file.name: hashlib.sha256(file.read_bytes()).hexdigest()
        for file in sorted(folder.iterdir())
        if file.is_file()
    }


def new_run(plan: Plan, out: Path, *, now: dt.datetime) -> Run:
    """Make the folder of a new run; no two share one."""
    name = f"{now:%H%M%S}-{secrets.token_hex(2)}"
    folder = out / FOLDER / plan.name / f"{now:%Y-%m-%d}" / name
    folder.mkdir(parents=True)
    return _with_tasks(Run(out, folder, plan.name, now.isoformat(timespec="seconds")), plan)


def last_run(plan: Plan, out: Path) -> Run:
    """The last run of a plan, with the plan's reports of now.

    Raises:
        ParameterError: The plan was never run into this folder.
    """
    found = [run for run in list_runs(out) if run.plan == plan.name]
    if not found:
        raise ParameterError(
            f"there is no run of {plan.name!r} in {out / FOLDER} to go on with; leave --resume out."
        )
    return _with_tasks(found[0], plan)


def _with_tasks(run: Run, plan: Plan) -> Run:
    """The run with the plan's reports, keeping what became of those that it has."""
    run.reports = {
        task.key: {**run.reports.get(task.key, {"status": WAITING}), **_asked(task), "tries": 0}
        for task in plan.tasks
    }
    return run


def _asked(task: Task) -> dict[str, Any]:
    return {
        "notebook": task.notebook, "store": task.store, "parameters": dict(task.parameters),
    }  # fmt: skip


def read_run(folder: Path, out: Path) -> Run:
    """Read a run's manifest.

    Raises:
        FileError: It cannot be read.
    """
    file = folder / "manifest.json"
    try:
        held = json.loads(file.read_text("utf-8"))
        return Run(out, folder, held["plan"], held["begun"], held["reports"])
    except (OSError, ValueError, KeyError) as error:
        raise FileError(f"{file} cannot be read as a run's manifest: {error!r}.") from error


def list_runs(out: Path) -> list[Run]:
    """All runs of a folder, the newest first."""
    found = []
    for file in (out / FOLDER).glob("*/*/*/manifest.json"):
        with suppress(FileError):  # a damaged one hides no other; `ecops runs show` names it
            found.append(read_run(file.parent, out))
    return sorted(found, key=lambda run: run.begun, reverse=True)


def prune_runs(out: Path, *, keep: int, dry: bool = False) -> list[Run]:
    """Remove all but the newest runs of each plan; the reports themselves stay.

    Args:
        out: Folder of all reports.
        keep: Runs of each plan that stay.
        dry: Only say which would go.

    Returns:
        What was, or would be, removed.

    Raises:
        ParameterError: ``keep`` is negative.
    """
    if keep < 0:
        raise ParameterError(f"keep is {keep}; it must be 0 or more.")
    seen: dict[str, int] = {}
    gone = []
    for run in list_runs(out):
        seen[run.plan] = seen.get(run.plan, 0) + 1
        if seen[run.plan] > keep:
            if dry:
                gone.append(run)
                continue
            with suppress(NotebookError), running(run):  # one that is worked on stays
                shutil.rmtree(run.folder)
                gone.append(run)
    return gone


@contextmanager
def running(run: Run) -> Iterator[None]:
    """Hold a run, so that no other batch works on it.

    Raises:
        NotebookError: Another batch is at it.
    """
    from filelock import FileLock, Timeout

    try:
        with FileLock(run.folder / ".lock", timeout=0):
            yield
    except Timeout:
        raise NotebookError(
            f"another batch is working on {run.folder}; wait for its end."
        ) from None


def summary(reports: Mapping[str, Mapping[str, Any]]) -> dict[str, int]:
    """How many reports have each state."""
    found: dict[str, int] = {}
    for report in reports.values():
        found[report["status"]] = found.get(report["status"], 0) + 1
    return found
