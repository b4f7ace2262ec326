"""Making all reports of a plan: several at once, each in processes of its own."""

from __future__ import annotations

import datetime as dt
import json
import os
import queue
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ecops_lib.core.errors import NotebookError
from ecops_lib.reports.batch.across import write_shops
from ecops_lib.reports.batch.listing import write_listing
from ecops_lib.reports.batch.overview import write_runs
from ecops_lib.reports.batch.plan import Plan, Task, check_plan
from ecops_lib.reports.batch.runs import DONE, FAILED, Run, digests, last_run, new_run, running
from ecops_lib.reports.notebooks import open_notebook
from ecops_lib.reports.publish import writing_told
from ecops_lib.reports.runner import RunCheck, check_run

ENV = {
    "PYTHONHASHSEED": "0",
    **dict.fromkeys(
        ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS"), "1"
    ),
    **dict.fromkeys(("JE_ARROW_MALLOC_CONF", "_RJEM_MALLOC_CONF"), "background_thread:false"),
}
"""One thread a kernel for linear algebra, for the reports share the machine; and none that the
allocators of Arrow and Delta Lake start by themselves, for the warm process is forked."""
PASSING = ("crashed", "timeout", "memory")
"""What may pass by itself: tried again; a refusal comes again."""
PAUSE = 1.0
"""Seconds before the second try; doubled for each further one."""
ENDED = {
    "status": "crashed", "message": "the batch's process ended", "seconds": 0.0, "memory": 0,
}  # fmt: skip
Tell = Callable[[Mapping[str, Any]], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a report may take.

    Attributes:
        jobs: Reports at once.
        timeout: Seconds for a report; None for any.
        cell_timeout: Seconds for a cell; None for any.
        memory: Bytes that a report's process or kernel may have for itself; None for any.
        retries: Further tries for what may pass by itself.
    """

    jobs: int = 2
    timeout: float | None = None
    cell_timeout: int | None = None
    memory: int | None = None
    retries: int = 1


@dataclass(slots=True)
class _Worker:
    """The warm process and its answers."""

    process: subprocess.Popen[bytes]
    answers: queue.SimpleQueue[dict[str, Any] | None]

    def ask(self, order: Mapping[str, Any]) -> None:
        assert self.process.stdin is not None  # noqa: S101  it was asked for
        self.process.stdin.write(json.dumps(order).encode() + b"\n")
        self.process.stdin.flush()


@dataclass(slots=True)
class _State:
    """What is left to do."""

    waiting: deque[Task]
    later: list[tuple[float, Task]] = field(default_factory=list)
    open: dict[str, Task] = field(default_factory=dict)


def run_batch(
    plan: Plan,
    *,
    out: str | Path,
    limits: Limits | None = None,
    resume: bool = False,
    made_at: str | None = None,
    tell: Tell | None = None,
) -> Run:
    """Make every report of a plan; one that fails costs only itself.

    Every report has the bytes that ``run_notebook`` gives it. What is finished stays, whatever
    happens: the manifest is written after each report, pages are put in place whole.

    Args:
        plan: The reports.
        out: Folder of all reports; the run's own lies in ``out/runs``.
        limits: What a report may take.
        resume: Go on with the plan's last run: only what is missing, failed, or whose data or
            notebook has changed.
        made_at: Time stamp to print instead of the present one.
        tell: Called with each report's entry in the manifest, and its ``key``, when it ends.

    Raises:
        ParameterError: Some report cannot be made at all (nothing was run), or there is no run
            to go on with.
        NotebookError: Another batch is at this run, or the warm process cannot be started.
    """
    root, bounds = Path(out), limits or Limits()
    check_plan(plan)
    now = dt.datetime.now().astimezone()
    run = last_run(plan, root) if resume else new_run(plan, root, now=now)
    checks = {
        task.key: check_run(task.notebook, store=task.store, parameters=task.parameters)
        for task in plan.tasks
    }
    state = _State(deque(t for t in plan.tasks if not run.is_fresh(t.key, checks[t.key])))
    with writing_told(root), running(run):
        run.save()
        try:
            _make(run, state, checks, bounds, made_at, tell)
        finally:
            run.save()
            write_listing(run)
            if write_shops(run):
                write_listing(run)  # with the way to that page
            write_runs(root)
    return run


def _make(
    run: Run, state: _State, checks: Mapping[str, RunCheck], limits: Limits, made_at: str | None,
    tell: Tell | None,
) -> None:  # fmt: skip
    fell = 0
    while state.waiting or state.later:
        with _worker() as worker:
            ended = _serve(worker, run, state, checks, limits, made_at, tell)
        if ended:
            return
        fell += 1  # the warm process itself was ended: what was open is tried again
        for key, task in state.open.items():
            _note(run, checks[key], key, dict(ENDED))
            _again(run, state, key, task, limits, tell)
        state.open.clear()
        if fell > 1 + limits.retries:
            raise NotebookError("the batch's process ended again and again; run fewer at once.")


def _serve(
    worker: _Worker, run: Run, state: _State, checks: Mapping[str, RunCheck], limits: Limits,
    made_at: str | None, tell: Tell | None,
) -> bool:  # fmt: skip
    """Hand out reports and take answers; False where the worker ended before its work."""
    while state.waiting or state.later or state.open:
        now = time.monotonic()
        state.waiting.extend(task for due, task in state.later if due <= now)
        state.later = [(due, task) for due, task in state.later if due > now]
        while state.waiting and len(state.open) < max(1, limits.jobs):
            task = state.waiting.popleft()
            state.open[task.key] = task
            try:
                worker.ask(_order(task, run, limits, made_at))
            except OSError:
                return False
        try:
            told = worker.answers.get(timeout=0.2)
        except queue.Empty:
            continue
        if told is None:
            return False
        key = told.pop("key")
        task = state.open.pop(key)
        _note(run, checks[key], key, told)
        _again(run, state, key, task, limits, tell)
    return True


def _order(task: Task, run: Run, limits: Limits, made_at: str | None) -> dict[str, Any]:
    return {
        "key": task.key, "notebook": task.notebook, "store": task.store,
        "parameters": dict(task.parameters), "out": str(run.out), "made_at": made_at,
        "timeout": limits.timeout, "cell_timeout": limits.cell_timeout, "memory": limits.memory,
    }  # fmt: skip


def _note(run: Run, check: RunCheck, key: str, told: Mapping[str, Any]) -> None:
    """Write what became of a report into the run."""
    report = run.reports[key]
    asked = {name: report[name] for name in ("notebook", "store", "parameters")}
    held: dict[str, Any] = {"version": check.version, "files": {}}
    if told["status"] == DONE:
        made = json.loads((run.out / told["folder"] / "manifest.json").read_text("utf-8"))
        held = {
            "version": made["store"]["version"],  # files may have been imported since the check
            "files": digests(run.out / told["folder"]), "day": made["report"]["day"],
            "currency": made["bases"]["currency"],
            "period": made["parameters"].get("period", ""),
        }  # fmt: skip
    elif "place" in told:
        notebook = open_notebook(report["notebook"])
        held["section"] = notebook.section(told["place"], check.lang)
    run.reports[key] = {
        **asked, "tries": report["tries"] + 1, "shop": check.shop, "title": check.title,
        "lang": check.lang, "digest": check.notebook, **held, **told,
    }  # fmt: skip
    run.save()


def _again(
    run: Run, state: _State, key: str, task: Task, limits: Limits, tell: Tell | None
) -> None:
    """Put what may pass by itself back; tell of the rest."""
    report = run.reports[key]
    if report["status"] in PASSING and report["tries"] <= limits.retries:
        state.later.append((time.monotonic() + PAUSE * 2 ** (report["tries"] - 1), task))
    elif tell is not None:
        tell({"key": key, **report})


@contextmanager
def _worker() -> Iterator[_Worker]:
    """A warm process; ended, with all that it began, when it is done with or something breaks."""
    command = [sys.executable, "-m", "ecops_lib.reports.batch.worker"]
    process = subprocess.Popen(  # noqa: S603  this interpreter and this package
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={**os.environ, **ENV},
        start_new_session=True,
    )  # fmt: skip
    worker = _Worker(process, queue.SimpleQueue())
    listener = threading.Thread(target=_listen, args=(worker,), daemon=True)
    listener.start()
    try:
        yield worker
        if process.stdin:
            with suppress(BrokenPipeError):  # it has ended by itself
                process.stdin.close()
        process.wait(timeout=30)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        listener.join(timeout=5)
        for stream in (process.stdin, process.stdout):
            if stream:
                with suppress(BrokenPipeError):
                    stream.close()


def _listen(worker: _Worker) -> None:
    """Put the worker's answers into the queue; None at its end."""
    stream = worker.process.stdout
    for line in stream or ():
        worker.answers.put(json.loads(line))
    worker.answers.put(None)


def failed_reports(run: Run) -> list[tuple[str, Mapping[str, Any]]]:
    """Reports that were not made, with what is known of why."""
    return [(key, held) for key, held in run.reports.items() if held["status"] in FAILED]
