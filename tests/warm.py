"""Kernels for tests of pages: forked from a server that has imported what all pages import.

A kernel of its own costs seconds of imports a page. ``multiprocessing``'s fork server is a fresh
process with one thread, so that nothing of the tests gets into a kernel; where it does not
exist, kernels are plain.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
from typing import Any

from ecops_lib.reports.batch.forked import PRELOADED, become_kernel, forked_class


class _Process:
    """A process of the server with the part of ``subprocess.Popen`` that a manager needs."""

    stdin = stdout = stderr = None

    def __init__(self, process: Any) -> None:
        self._process, self.pid = process, process.pid

    def poll(self) -> int | None:
        code: int | None = self._process.exitcode
        return code

    def wait(self, timeout: float | None = None) -> int:
        self._process.join(timeout)
        code = self.poll()
        return -1 if code is None else code

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)


class _Served:
    """Asks the server for a process when the kernel begins."""

    def begin(self, file: str, env: dict[str, str]) -> _Process:
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(list(PRELOADED))
        told = {"file": file, "env": env}
        process = context.Process(target=become_kernel, args=(told,), daemon=True)
        process.start()
        return _Process(process)


def warm(plain: type[Any]) -> type[Any]:
    """A manager whose kernels come from the fork server."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return plain
    return forked_class(plain, _Served())
