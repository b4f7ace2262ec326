"""The warm process of a batch: imports once, forks a process a report, watches over them.

It reads one report a line of JSON and answers with one line a report that has ended. Where the
system cannot fork, each report is run here, one after the other, in kernels of their own.

    python -m ecops_lib.reports.batch.worker
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import select
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ecops_lib.core.errors import EcopsError
from ecops_lib.reports.batch.forked import (
    PRELOADED,
    end_with_parent,
    fork_kernel,
    forked_class,
)

CAN_FORK = hasattr(os, "fork") and sys.platform != "darwin"
"""macOS can fork, but its system libraries may not be used afterwards."""
LOOK = 0.05
"""Seconds between looks at the running reports."""
WEIGH = 0.25
"""Seconds between looks at their memory."""
MEGABYTE = 2**20


@dataclass(slots=True)
class Running:
    """A report that is being made.

    Attributes:
        order: What was asked.
        pid: Its process, the leader of a group of its own.
        pipe: Where it writes what became of it.
        begun: Monotonic time.
        most: Most memory seen [bytes].
        stopped: Why it was ended from outside; empty while nothing did.
        told: What it wrote: a line a cell that it began, then what became of it.
    """

    order: dict[str, Any]
    pid: int
    pipe: int
    begun: float
    most: int = 0
    weighed: float = 0.0
    stopped: str = ""
    told: bytes = field(default=b"")


def main() -> None:
    """Serve until there is nothing more to read and nothing runs."""
    if not CAN_FORK:
        for line in sys.stdin:
            order = json.loads(line)
            _answer(order, {**make_report(order), "seconds": 0.0, "memory": 0})
        return
    end_with_parent(os.getppid())
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the batch ends its worker itself
    for name in PRELOADED:
        importlib.import_module(name)
    running: dict[int, Running] = {}
    waiting, rest = True, b""
    while waiting or running:
        ready, _, _ = select.select([0] if waiting else [], [], [], LOOK if running else None)
        if ready:
            text = os.read(0, 1 << 16)
            waiting = bool(text)
            *lines, rest = (rest + text).split(b"\n")
            for line in lines:
                begun = _begin(json.loads(line))
                running[begun.pid] = begun
        for report in list(running.values()):
            if _look(report):
                del running[report.pid]


def _begin(order: dict[str, Any]) -> Running:
    """Fork a process for a report."""
    read, write = os.pipe()
    os.set_blocking(read, False)
    parent, pid = os.getpid(), os.fork()
    if pid:
        os.close(write)
        return Running(order, pid, read, time.monotonic())
    try:
        end_with_parent(parent)
        os.setsid()
        os.close(read)
        _quiet()
        told = make_report(order, begun=lambda line: os.write(write, line))
        os.write(write, json.dumps(told, ensure_ascii=False).encode())
    finally:
        os._exit(0)


def _quiet() -> None:
    """Nothing of a report's process may get between the worker's lines."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nothing, stream)


def make_report(
    order: dict[str, Any], *, begun: Callable[[bytes], object] | None = None
) -> dict[str, Any]:
    """Make one report; what went wrong is told, never raised.

    Args:
        order: What was asked.
        begun: Told a line of JSON with the place of each cell that begins.
    """
    managers, place = None, dict[str, int]()

    def step(count: int, _all: int) -> None:
        place["place"] = count - 1
        if begun:
            begun(json.dumps(place).encode() + b"\n")

    if CAN_FORK:
        kernel = fork_kernel()

        def managers(plain: Any) -> Any:
            return forked_class(plain, kernel)

    from ecops_lib.reports.kernel import SectionError
    from ecops_lib.reports.runner import run_notebook

    try:
        made = run_notebook(
            order["notebook"], store=order["store"], out=order["out"],
            parameters=order["parameters"], made_at=order.get("made_at"), managers=managers,
            cell_timeout=order.get("cell_timeout"), progress=step,
        )  # fmt: skip
    except SectionError as error:
        kept = os.path.relpath(error.kept, order["out"])
        return {
            "status": "failed", "message": str(error), "section": error.section,
            "reason": error.reason, "refused": error.refused, "kept": Path(kept).as_posix(),
        }  # fmt: skip
    except EcopsError as error:
        told = {"message": str(error), "reason": str(error), "refused": True}
        return {"status": "failed", **told, **place}
    except Exception as error:
        words = f"{type(error).__name__}: {error}"
        told = {"message": words, "reason": words, "refused": False}
        return {"status": "failed", **told, **place}
    return {
        "status": "done", "folder": str(made.folder.relative_to(Path(order["out"]).resolve())
                                        if made.folder.is_absolute()
                                        else made.folder.relative_to(order["out"])),
        "page": made.page.name,
        "findings": [
            {name: finding[name] for name in ("key", "level", "text", "money")}
            for finding in made.findings[:3]
        ],
    }  # fmt: skip


def _look(report: Running) -> bool:
    """Whether a report has ended; ends it where it takes too long or too much."""
    now = time.monotonic()
    limit, memory = report.order.get("timeout"), report.order.get("memory")
    if limit and now - report.begun > limit and not report.stopped:
        _stop(report, "timeout")
    if now - report.weighed > WEIGH:
        report.weighed = now
        report.most = max(report.most, _memory(report.pid))
        if memory and report.most > memory and not report.stopped:
            _stop(report, "memory")
    while True:
        try:
            text = os.read(report.pipe, 1 << 16)
        except BlockingIOError:
            break
        if not text:
            break
        report.told += text
    pid, status = os.waitpid(report.pid, os.WNOHANG)
    if not pid:
        return False
    _end_group(report.pid)
    os.close(report.pipe)
    _answer(report.order, {
        **_outcome(report, os.waitstatus_to_exitcode(status)),
        "seconds": round(now - report.begun, 3), "memory": report.most,
    })  # fmt: skip
    return True


def _outcome(report: Running, code: int) -> dict[str, Any]:
    """What became of a report; of one that was ended, the place of its last cell."""
    *cells, last = report.told.split(b"\n")
    place = json.loads(cells[-1]) if cells else {}
    if report.stopped:
        return {"status": report.stopped, "message": "", **place}
    try:
        told: dict[str, Any] = json.loads(last)
    except ValueError:
        return {"status": "crashed", "message": f"its process ended with code {code}", **place}
    return told


def _stop(report: Running, why: str) -> None:
    report.stopped = why
    _end_group(report.pid)


def _end_group(pid: int) -> None:
    """End a report's process and its kernel."""
    with contextlib.suppress(ProcessLookupError):  # all of it may have ended by itself
        os.killpg(pid, signal.SIGKILL)


def _memory(pid: int) -> int:
    """Memory of a report's process and its kernel that is theirs alone [bytes]."""
    import psutil

    try:
        parent = psutil.Process(pid)
        family = [parent, *parent.children(recursive=True)]
        return max((_own(process) for process in family), default=0)
    except psutil.Error:
        return 0


def _own(process: Any) -> int:
    import psutil

    try:
        held = process.memory_info()
    except psutil.Error:
        return 0
    return int(held.rss - getattr(held, "shared", 0))


def _answer(order: dict[str, Any], told: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps({"key": order["key"], **told}, ensure_ascii=False) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
