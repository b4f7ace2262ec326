"""The rules of the kit's notebooks: a page with blanks, which asks, calls and shows."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ecops_lib.core.errors import NotebookError
from ecops_lib.reports.notebooks import LANGUAGES, headings, open_notebook, tags

MOST_CODE_CELLS = 14
MOST_LINES = 8
NOT_HERE = (
    ast.FunctionDef,
    ast.AsyncFunctionDef,
    ast.ClassDef,
    ast.Lambda,
    ast.For,
    ast.AsyncFor,
    ast.While,
    ast.Try,
    ast.TryStar,
    ast.comprehension,
)
"""What belongs into the library, where it is tested."""

Cell = Mapping[str, Any]


def notebook_problems(path: Path) -> list[str]:
    """What a notebook does that the house rules forbid; empty for a good one.

    At most 14 code cells of at most 8 lines, without definitions, loops or ``try``; no
    figure in the words (those stand in results, which are computed); each markdown cell
    in one language, with one H1 and the same headings in both; one parameters cell before
    all other code; provenance last; stored without outputs.

    Raises:
        NotebookError: The file is no notebook.
    """
    try:
        cells = open_notebook(path).cells
    except NotebookError as error:
        return [str(error)]
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    metadata = json.loads(path.read_text("utf-8"))["metadata"]
    return [
        *_form_problems(cells, code, metadata),
        *(text for cell in code for text in _code_problems(cell)),
        *(text for cell in cells for text in _word_problems(cell)),
        *_heading_problems(tuple(cells)),
    ]


def _form_problems(
    cells: tuple[Cell, ...], code: list[Cell], metadata: Mapping[str, Any]
) -> Iterator[str]:
    if len(code) > MOST_CODE_CELLS:
        yield f"{len(code)} code cells; at most {MOST_CODE_CELLS}"
    if "parameters" not in tags(code[0]):
        yield "code before the parameters cell"
    if "provenance" not in tags(cells[-1]):
        yield "the last cell is not tagged 'provenance'"
    if metadata.get("kernelspec", {}).get("name") != "python3":
        yield "the kernel is not 'python3'"


def _code_problems(cell: Cell) -> Iterator[str]:
    source = cell["source"]
    first = source.strip().splitlines()[0] if source.strip() else "(empty)"
    if len(source.splitlines()) > MOST_LINES:
        yield f"{first!r}: {len(source.splitlines())} lines; at most {MOST_LINES}"
    if cell["outputs"] or cell["execution_count"] is not None:
        yield f"{first!r}: stored with its output"
    try:
        nodes = list(ast.walk(ast.parse(source)))
    except SyntaxError as error:
        yield f"{first!r}: not plain Python ({error.msg})"
        return
    for node in nodes:
        if isinstance(node, NOT_HERE):
            yield f"{first!r}: {type(node).__name__} belongs into the library"


def _word_problems(cell: Cell) -> Iterator[str]:
    if cell["cell_type"] != "markdown":
        return
    first = cell["source"].strip().splitlines()[0] if cell["source"].strip() else "(empty)"
    if cell["metadata"].get("lang") not in LANGUAGES:
        yield f"{first!r}: metadata has no lang 'zh' or 'en'"
    words = re.sub(r"`[^`]*`", "", cell["source"])
    if figure := re.search(r"\d", words):
        yield f"{first!r}: the figure {figure[0]!r} is typed, not computed"


def _heading_problems(cells: tuple[Cell, ...]) -> Iterator[str]:
    levels = {lang: [level for level, _ in headings(cells, lang)] for lang in LANGUAGES}
    for lang, held in levels.items():
        if held.count(1) != 1:
            yield f"{held.count(1)} headings of the first level in {lang!r}; one asks the question"
    if len({tuple(held) for held in levels.values()}) > 1:
        yield f"the headings differ between languages: {levels}"
