import json
from pathlib import Path

import pytest

from ecops_lib.core.errors import NotebookError
from ecops_lib.reports.notebooks import FOLDER, list_notebooks, open_notebook
from ecops_lib.reports.rules import notebook_problems

KIT = sorted(FOLDER.glob("*.ipynb"))


@pytest.mark.parametrize("path", KIT, ids=lambda path: path.stem)
def test_notebooks_of_the_kit_keep_the_rules(path):
    assert notebook_problems(path) == []


def words(text, lang, **more):
    return {"cell_type": "markdown", "metadata": {"lang": lang, **more}, "source": text}


def code(text, *tags, outputs=(), count=None):
    return {
        "cell_type": "code",
        "metadata": {"tags": list(tags)},
        "source": text,
        "outputs": list(outputs),
        "execution_count": count,
    }


def good():
    return [
        words("# What happened?", "en"),
        words("# 发生了什么？", "zh"),
        code('store: str = ""', "parameters"),
        words("## Orders\n\nRead `top10` first.", "en"),
        words("## 订单", "zh"),
        code("orders"),
        code("provenance", "provenance"),
    ]


def problems(tmp_path, cells, kernel="python3"):
    path = tmp_path / "n.ipynb"
    held = {
        "cells": cells,
        "metadata": {"kernelspec": {"name": kernel}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    path.write_text(json.dumps(held), "utf-8")
    return notebook_problems(path)


def test_good_notebook_has_no_problems(tmp_path):
    assert problems(tmp_path, good()) == []


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("def f(): ...", "FunctionDef"),
        ("class A: ...", "ClassDef"),
        ("for x in y: z", "For"),
        ("while x: y", "While"),
        ("[x for x in y]", "comprehension"),
        ("lambda x: x", "Lambda"),
        ("try:\n    x\nfinally:\n    y", "Try"),
        ("%matplotlib inline", "not plain Python"),
        ("x\n" * 9, "9 lines; at most 8"),
    ],
)
def test_code_that_belongs_elsewhere_is_found(tmp_path, source, found):
    cells = good()
    cells.insert(5, code(source))
    [problem] = problems(tmp_path, cells)
    assert found in problem


@pytest.mark.parametrize(
    ("place", "cell", "found"),
    [
        (3, words("## Orders\n\nUp 12 per cent.", "en"), "the figure '1' is typed"),
        (4, words("## 订单\n\n增长１２%", "zh"), "the figure '１' is typed"),
        (4, words("### 订单", "zh"), "the headings differ"),
        (1, words("发生了什么？", "zh"), "0 headings of the first level in 'zh'"),
        (4, words("## 订单\n\n# 又一个", "zh"), "2 headings of the first level in 'zh'"),
        (3, words("## Orders", "fr"), "no lang 'zh' or 'en'"),
        (5, code("x", count=3), "stored with its output"),
        (5, code("x", outputs=[{"output_type": "stream"}]), "stored with its output"),
        (6, code("x"), "last cell is not tagged 'provenance'"),
    ],
)
def test_each_broken_rule_is_found(tmp_path, place, cell, found):
    cells = good()
    cells[place] = cell
    assert any(found in problem for problem in problems(tmp_path, cells))


def test_form_is_checked(tmp_path):
    many = [*good()[:-1], *(code("x") for _ in range(12)), good()[-1]]
    assert problems(tmp_path, many) == ["15 code cells; at most 14"]
    first = [code("x"), *good()]
    assert problems(tmp_path, first) == ["code before the parameters cell"]
    assert problems(tmp_path, good(), kernel="other") == ["the kernel is not 'python3'"]
    none = [cell for cell in good() if "parameters" not in cell["metadata"].get("tags", ())]
    assert "0 cells tagged 'parameters'" in problems(tmp_path, none)[0]


def test_damaged_notebook_is_a_problem_not_a_crash(tmp_path):
    path = tmp_path / "n.ipynb"
    path.write_text('{"cells": [', "utf-8")
    assert "is not a notebook in nbformat 4" in notebook_problems(path)[0]


def test_notebook_is_found_by_name_or_path(notebooks):
    assert [book.name for book in list_notebooks(notebooks)] == sorted(
        path.stem for path in notebooks.glob("*.ipynb")
    )
    by_name = open_notebook("orders", folder=notebooks)
    assert by_name.path == open_notebook(notebooks / "orders.ipynb").path
    assert by_name.title("en") == "How many orders came?"
    assert by_name.title("zh") == "来了多少订单？"
    assert list(by_name.parameters) == ["store", "as_of", "lang", "audience", "note", "top"]


def test_unknown_notebook_is_refused_with_those_that_exist(notebooks):
    with pytest.raises(NotebookError, match=r"did you mean 'orders'.*'failing'"):
        open_notebook("orderz", folder=notebooks)
    with pytest.raises(NotebookError, match="no notebook"):
        open_notebook(Path("nowhere/x.ipynb"))
