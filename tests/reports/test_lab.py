import json
import subprocess
import sys

import nbformat
import pytest

from ecops_lib.core.errors import NotebookError, StoreError
from ecops_lib.reports import lab
from ecops_lib.reports.lab import prepare_lab
from ecops_lib.reports.notebooks import list_notebooks, open_notebook
from ecops_lib.reports.runner import run_notebook


@pytest.fixture(autouse=True)
def kit(notebooks, monkeypatch):
    """The fixture notebooks stand for the kit's own."""
    monkeypatch.setattr(lab, "list_notebooks", lambda: list_notebooks(notebooks))


def values(path):
    return {name: p.default for name, p in open_notebook(path).parameters.items()}


def test_copies_have_the_store_and_the_language_filled_in(small_shop, tmp_path, notebooks):
    made = prepare_lab(small_shop.path, folder=tmp_path / "lab", lang="en")
    names = sorted(path.name for path in made.folder.glob("*.ipynb"))
    assert names == sorted(path.name for path in notebooks.glob("*.ipynb"))
    assert values(made.folder / "orders.ipynb") == {
        "store": str(small_shop.path.resolve()),
        "as_of": "",
        "lang": "en",
        "audience": "analyst",
        "note": "plain",
        "top": 3,
    }
    assert made.kept == ()


def test_language_is_the_store_s_unless_given(small_shop, tmp_path):
    made = prepare_lab(small_shop.path, folder=tmp_path)
    assert values(made.folder / "orders.ipynb")["lang"] == "zh"


def test_changed_copies_are_never_overwritten_and_others_are_renewed(small_shop, tmp_path):
    prepare_lab(small_shop.path, folder=tmp_path, lang="en")
    changed = tmp_path / "orders.ipynb"
    changed.write_text(changed.read_text("utf-8").replace("How many", "How very many"), "utf-8")
    mine = changed.read_bytes()
    again = prepare_lab(small_shop.path, folder=tmp_path, lang="zh")
    assert again.kept == ("orders",)
    assert changed.read_bytes() == mine
    assert values(tmp_path / "slow.ipynb")["lang"] == "zh"


def test_file_that_was_there_before_is_never_overwritten(small_shop, tmp_path):
    (tmp_path / "orders.ipynb").write_text("mine")
    made = prepare_lab(small_shop.path, folder=tmp_path)
    assert made.kept == ("orders",)
    assert (tmp_path / "orders.ipynb").read_text() == "mine"


def test_notebook_of_one_s_own_is_copied_and_opened(small_shop, tmp_path, notebooks):
    own = tmp_path / "own.ipynb"
    own.write_bytes((notebooks / "orders.ipynb").read_bytes())
    made = prepare_lab(small_shop.path, notebook=own, folder=tmp_path / "lab")
    assert made.opened == tmp_path / "lab" / "own.ipynb"
    assert made.opened.exists()
    assert made.command[:3] == (sys.executable, "-m", "jupyterlab")
    assert made.command[3:] == (
        f"--ServerApp.root_dir={(tmp_path / 'lab').resolve()}",
        "--LabApp.default_url=/lab/tree/own.ipynb",
    )


def test_unknown_notebook_and_store_are_refused(small_shop, tmp_path):
    with pytest.raises(NotebookError, match="no notebook 'ordrs'"):
        prepare_lab(small_shop.path, notebook="ordrs", folder=tmp_path)
    with pytest.raises(StoreError, match="is not a store"):
        prepare_lab(tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_copy_runs_at_once_and_what_is_saved_runs_in_the_runner(small_shop, tmp_path):
    made = prepare_lab(small_shop.path, folder=tmp_path / "lab", lang="en")
    copy = made.folder / "orders.ipynb"
    convert = [sys.executable, "-m", "nbconvert", "--to", "notebook", "--execute", "--inplace"]
    subprocess.run([*convert, str(copy)], check=True, capture_output=True)
    saved = nbformat.read(copy, as_version=4)
    kinds = {kind for c in saved.cells for o in c.get("outputs", ()) for kind in o.get("data", {})}
    assert {"text/html", "text/plain"} <= kinds
    ran = run_notebook(copy, store=small_shop.path, out=tmp_path / "r", parameters={"lang": "en"})
    assert [finding["key"] for finding in ran.findings] == ["orders"]


def test_jupyterlab_is_started_with_the_command(small_shop, tmp_path, monkeypatch):
    made = prepare_lab(small_shop.path, folder=tmp_path)
    started = []

    def start(command, *, env, check):
        started.append((command, env["JUPYTER_PREFER_ENV_PATH"]))
        return subprocess.CompletedProcess(command, 3)

    monkeypatch.setattr(lab.subprocess, "run", start)
    assert lab.start_lab(made) == 3
    assert started == [(made.command, "1")]
    assert json.loads((tmp_path / lab.RECORD).read_text("utf-8")).keys() >= {"orders"}
