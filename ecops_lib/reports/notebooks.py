"""Notebooks: where they are, what they ask, and the rules that they keep."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ecops_lib.core.checks import listed, nearest
from ecops_lib.core.errors import NotebookError
from ecops_lib.core.language import Language
from ecops_lib.reports.parameters import Parameter, Value, read_parameters, write_parameters

if TYPE_CHECKING:
    from nbformat import NotebookNode

FOLDER = Path(__file__).parents[2] / "notebooks"
"""The kit's own notebooks, beside the package in a clone."""

LANGUAGES: tuple[Language, ...] = ("en", "zh")


@dataclass(frozen=True, slots=True, kw_only=True)
class Notebook:
    """A notebook that can be run.

    Attributes:
        name: What ``ecops run`` calls it: the file's name without ``.ipynb``.
        path: The file.
        cells: Its cells as nbformat 4 keeps them, each ``source`` one text.
        parameters: What it takes, in order.
    """

    name: str
    path: Path
    cells: tuple[Mapping[str, Any], ...]
    parameters: Mapping[str, Parameter]

    def title(self, language: Language) -> str:
        """The H1 in a language; the name where there is none."""
        titles = (text for level, text in headings(self.cells, language) if level == 1)
        return next(titles, self.name)

    def section(self, place: int, language: Language) -> str:
        """The last heading before a cell; the title where there is none."""
        before = headings(self.cells[:place], language)
        return before[-1][1] if before else self.title(language)


def list_notebooks(folder: Path = FOLDER) -> list[Notebook]:
    """The notebooks of a folder by name."""
    return [open_notebook(path) for path in sorted(folder.glob("*.ipynb"))]


def open_notebook(notebook: str | Path, *, folder: Path = FOLDER) -> Notebook:
    """The notebook of a name in a folder, or of a path to a file of one's own.

    Raises:
        NotebookError: There is none, it is damaged, or its parameters cell is ill-formed.
    """
    path = _found(notebook, folder)
    cells = _cells(path)
    tagged = [cell for cell in cells if "parameters" in tags(cell)]
    if len(tagged) != 1:
        raise NotebookError(
            f"{path} has {len(tagged)} cells tagged 'parameters'; it must have one, "
            "with a line such as 'store: str = \"\"'."
        )
    parameters = read_parameters(tagged[0]["source"], notebook=path.stem)
    return Notebook(name=path.stem, path=path, cells=cells, parameters=parameters)


def _found(notebook: str | Path, folder: Path) -> Path:
    given = Path(notebook)
    path = given if given.suffix == ".ipynb" or len(given.parts) > 1 else None
    path = path or folder / f"{notebook}.ipynb"
    if path.is_file():
        return path
    names = [file.stem for file in sorted(folder.glob("*.ipynb"))]
    raise NotebookError(
        f"there is no notebook {str(notebook)!r}{nearest(given.stem, names)}; "
        f"there are {listed(names)}, or give the path of an .ipynb file."
    )


def _cells(path: Path) -> tuple[Mapping[str, Any], ...]:
    try:
        held = json.loads(path.read_text("utf-8"))
        return tuple({**cell, "source": "".join(cell["source"])} for cell in held["cells"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise NotebookError(
            f"{path} is not a notebook in nbformat 4 ({type(error).__name__}: {error}); "
            "open it in JupyterLab and save it again."
        ) from error


def tags(cell: Mapping[str, Any]) -> tuple[str, ...]:
    """The tags of a cell."""
    return tuple(cell["metadata"].get("tags", ()))


def headings(cells: tuple[Mapping[str, Any], ...], language: Language) -> list[tuple[int, str]]:
    """Level and text of each markdown heading that a language's page shows."""
    return [
        (len(hashes), text.strip())
        for cell in cells
        if cell["cell_type"] == "markdown" and cell["metadata"].get("lang", language) == language
        for hashes, text in re.findall(r"^(#{1,6})[ \t]+(.+)$", cell["source"], re.MULTILINE)
    ]


def read_node(path: Path) -> NotebookNode:
    """A notebook as nbformat keeps it, brought to format 4."""
    import nbformat

    node: NotebookNode = nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]
    return node


def node_bytes(node: NotebookNode) -> bytes:
    """A notebook as its file holds it."""
    import nbformat

    text: str = nbformat.writes(node)  # type: ignore[no-untyped-call]
    return (text.rstrip("\n") + "\n").encode("utf-8", "replace")


def prepared(notebook: Notebook, values: Mapping[str, Value]) -> NotebookNode:
    """A copy to be executed: values in the parameters cell, no outputs of earlier runs."""
    node = read_node(notebook.path)
    node.cells = [cell for cell in node.cells if "injected-parameters" not in tags(cell)]
    for place, cell in enumerate(node.cells):
        cell.id = f"cell-{place:02d}"
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
        if "parameters" in tags(cell):
            cell.source = write_parameters(notebook.parameters, values)
    node.nbformat_minor = max(node.nbformat_minor, 5)
    return node
