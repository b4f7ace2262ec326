"""Kernels forked from a warm process: the imports of all notebooks are done once.

A report's process forks its kernel before anything else, while it still has one thread and no
socket; the kernel waits on a pipe for the file of its connection and only then begins.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from jupyter_client.connect import KernelConnectionInfo
    from jupyter_client.manager import AsyncKernelManager

PRELOADED = (
    "papermill",
    "nbclient",
    "nbconvert.exporters",
    "ipykernel.kernelapp",
    "ipykernel.ipkernel",
    "pandas",
    "pyarrow.compute",
    "duckdb",
    "deltalake",
    "scipy.stats",
    "scipy.optimize",
    "matplotlib.backends.backend_svg",
    "great_tables",
    "ecops_lib.core.bars",
    "ecops_lib.core.charts",
    "ecops_lib.reports.runner",
)
"""What a warm process imports; nothing of it starts a thread, opens a socket, or chooses the
backend of pyplot, which a kernel does by itself."""
PR_SET_PDEATHSIG = 1


class Waiting(Protocol):
    """A process that becomes a kernel when it is told to."""

    def begin(self, file: str, env: dict[str, str]) -> Any:
        """Tell it the file of its connection and its environment; gives the process."""


@dataclass(slots=True)
class WaitingKernel:
    """A forked process that becomes a kernel when it is told its connection.

    Attributes:
        pid: The process.
        pipe: Where it reads from.
    """

    pid: int
    pipe: int

    def begin(self, file: str, env: dict[str, str]) -> ForkedProcess:
        """Tell it the file of its connection and its environment."""
        with os.fdopen(self.pipe, "wb") as out:
            out.write(json.dumps({"file": file, "env": env}).encode())
        return ForkedProcess(self.pid)


def fork_kernel() -> WaitingKernel:
    """Fork a process that waits to become a kernel; it ends with the one that forked it."""
    read, write = os.pipe()
    parent, pid = os.getpid(), os.fork()
    if pid:
        os.close(read)
        return WaitingKernel(pid, write)
    os.close(write)
    try:
        end_with_parent(parent)
        with os.fdopen(read, "rb") as told:
            text = told.read()
        if text:
            become_kernel(json.loads(text))
    finally:
        os._exit(0)


def end_with_parent(parent: int) -> None:
    """Have the system end this process when its parent ends (Linux; else it is polled)."""
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it ended before we asked
            os._exit(1)


def become_kernel(told: dict[str, Any]) -> None:
    """Run a kernel as a new interpreter would, with nothing of the warm process's chance."""
    import numpy as np
    from ipykernel.kernelapp import IPKernelApp

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler if number == signal.SIGINT
                      else signal.SIG_DFL)  # fmt: skip
    os.environ.update(told["env"], JPY_PARENT_PID=str(os.getppid()))
    random.seed()
    np.random.seed()
    sys.argv = ["ipykernel_launcher", "-f", told["file"]]
    IPKernelApp.launch_instance(argv=["-f", told["file"], "--HistoryManager.enabled=False"])


class ForkedProcess:
    """A forked child with the part of ``subprocess.Popen`` that a kernel's manager needs."""

    stdin = stdout = stderr = None

    def __init__(self, pid: int) -> None:
        """Watch a child.

        Args:
            pid: The child.
        """
        self.pid = pid
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """Its exit code; None while it runs."""
        if self.returncode is None:
            try:
                pid, status = os.waitpid(self.pid, os.WNOHANG)
            except ChildProcessError:
                pid, status = self.pid, 0
            if pid:
                self.returncode = os.waitstatus_to_exitcode(status)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end."""
        end = time.monotonic() + (timeout if timeout is not None else 60.0)
        while self.poll() is None and time.monotonic() < end:
            time.sleep(0.01)
        return -1 if self.returncode is None else self.returncode

    def send_signal(self, number: int) -> None:
        """Send it a signal while it runs."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """End it at once."""
        self.send_signal(signal.SIGKILL)

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(signal.SIGTERM)


def forked_class(plain: type[AsyncKernelManager], waiting: Waiting) -> type[AsyncKernelManager]:
    """A manager whose kernel is the waiting process instead of a new interpreter.

    Args:
        plain: The manager of plain kernels.
        waiting: The process that becomes the kernel.
    """
    from jupyter_client.provisioning.local_provisioner import LocalProvisioner

    class Forked(LocalProvisioner):
        async def launch_kernel(self, cmd: list[str], **_options: Any) -> KernelConnectionInfo:
            file = cmd[cmd.index("-f") + 1]
            env = {k: str(v) for k, v in self.kernel_spec.env.items()}
            process = waiting.begin(str(Path(file)), env)
            self.process, self.pid = process, process.pid
            return self.connection_info

    class Kernel(plain):  # type: ignore[misc, valid-type]
        async def _async_pre_start_kernel(self, **options: Any) -> Any:
            self.kernel_id: str = options.pop("kernel_id", "kernel")
            self.provisioner: Any = Forked(
                kernel_id=self.kernel_id, kernel_spec=self.kernel_spec, parent=self
            )
            return await super()._async_pre_start_kernel(**options)

    return Kernel
