"""Running a prepared notebook: papermill on this very interpreter, nothing left behind."""

from __future__ import annotations

import logging
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from ecops_lib.core.errors import NotebookError
from ecops_lib.reports.notebooks import read_node

if TYPE_CHECKING:
    from jupyter_client.manager import AsyncKernelManager
    from nbformat import NotebookNode
    from papermill.exceptions import PapermillExecutionError

Progress = Callable[[int, int], None]
"""Called with the number of cells begun and of all cells."""

Managers = Callable[[type["AsyncKernelManager"]], type["AsyncKernelManager"]]

CELL_FILE = re.compile(r"\S*ipykernel_\d+[/\\]\d+\.py")
COLOURS = re.compile(r"\x1b\[[0-9;]*m")


class CellError(NotebookError):
    """A cell failed.

    Attributes:
        place: The cell's place in the notebook.
        refused: Whether the kit refused something, so that the message stands by itself.
        node: The notebook with what ran before, the failure marked.
    """

    def __init__(self, message: str, *, place: int, refused: bool, node: NotebookNode) -> None:
        super().__init__(message)
        self.place = place
        self.refused = refused
        self.node = node


class SectionError(NotebookError):
    """A notebook stopped in a section; what ran is kept for analysts.

    Attributes:
        section: The section's heading.
        reason: What the cell said, in one sentence.
        refused: Whether the kit refused something; else nobody foresaw the error.
        kept: The executed notebook, the failure marked.
    """

    def __init__(self, error: CellError, *, notebook: str, section: str, kept: Path) -> None:
        self.section, self.kept = section, kept
        self.reason, self.refused = str(error), error.refused
        super().__init__(
            f"{notebook} stopped in the section {section!r}: {self.reason.rstrip('.')}; "
            f"no page was made, and what ran is in {kept}."
        )


def execute(
    node: NotebookNode,
    *,
    progress: Progress | None = None,
    managers: Managers | None = None,
    cell_timeout: int | None = None,
) -> NotebookNode:
    """Run all cells in a fresh kernel of this interpreter; the notebook given is not changed.

    Args:
        node: The prepared notebook.
        progress: Called with the cells begun and all cells.
        managers: Makes the class of the kernel's manager from that of plain kernels.
        cell_timeout: Seconds that a cell may take; None for any.

    Raises:
        CellError: A cell failed.
        NotebookError: The kernel did not start, or died.
    """
    import papermill
    from nbclient.exceptions import CellTimeoutError, DeadKernelError
    from papermill.exceptions import PapermillExecutionError

    def step(cell_index: int, **_: object) -> None:
        if progress is not None:
            progress(cell_index + 1, len(node.cells))

    logging.getLogger("papermill").setLevel(logging.ERROR)
    with TemporaryDirectory(prefix="ecops-") as folder:
        plain = _kernel_class(Path(folder))
        executed = Path(folder) / "executed.ipynb"
        options: dict[str, Any] = {
            "kernel_name": "python3",
            "language": "python",
            "progress_bar": False,
            "request_save_on_cell_execute": False,
            "kernel_manager_class": managers(plain) if managers else plain,
            "execution_timeout": cell_timeout,
            "coalesce_streams": True,
            "on_cell_start": step,
        }
        try:
            papermill.execute_notebook(node, str(executed), **options)
        except PapermillExecutionError as error:
            raise _cell_error(error, tidied(read_node(executed))) from error
        except CellTimeoutError as error:
            raise NotebookError(
                f"a cell took longer than {cell_timeout} seconds; give it more time or less data."
            ) from error
        except (DeadKernelError, RuntimeError) as error:
            raise NotebookError(
                f"the notebook's Python stopped before the end ({error}); "
                "most often the memory was full: close other programs and run it again."
            ) from error
        return tidied(read_node(executed))


def _kernel_class(folder: Path) -> type[AsyncKernelManager]:
    """Kernels of this interpreter, whatever kernels are registered, with no user profile.

    They talk over sockets in the scratch folder where the system has them: ports of two
    runs at once may clash.
    """
    from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
    from jupyter_client.manager import AsyncKernelManager

    class ThisInterpreter(KernelSpecManager):
        def get_kernel_spec(self, _name: str) -> KernelSpec:
            launch = ["-m", "ipykernel_launcher", "-f", "{connection_file}"]
            return KernelSpec(
                argv=[sys.executable, *launch, "--HistoryManager.enabled=False"],
                display_name="Python",
                language="python",
                env={"IPYTHONDIR": str(folder / "ipython"), "PYTHONHASHSEED": "0"},
            )

    class Kernel(AsyncKernelManager):
        def __init__(self, **options: Any) -> None:
            super().__init__(
                kernel_spec_manager=ThisInterpreter(),
                connection_file=str(folder / "k.json"),
                transport="ipc" if os.name == "posix" else "tcp",
                **options,
            )

    return Kernel


def _cell_error(error: PapermillExecutionError, node: NotebookNode) -> CellError:
    from ecops_lib.core import errors

    refused = issubclass(getattr(errors, error.ename, Exception), errors.EcopsError)
    said = COLOURS.sub("", error.evalue).strip()
    message = said if refused else f"{error.ename}: {said}".rstrip(": ")
    return CellError(message, place=error.cell_index, refused=refused, node=node)


def tidied(node: NotebookNode) -> NotebookNode:
    """The notebook without what differs from run to run: times, durations, process ids."""
    node.metadata.pop("papermill", None)
    for cell in node.cells:
        for name in ("papermill", "execution"):
            cell.metadata.pop(name, None)
        if not cell.metadata.get("tags"):
            cell.metadata.pop("tags", None)
        for output in cell.get("outputs", ()):
            if output.output_type == "stream":
                output.text = CELL_FILE.sub("cell.py", output.text)
    return node
