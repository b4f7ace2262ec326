import datetime as dt
import errno
import hashlib
import json
import os
import signal
import subprocess
import sys

import nbformat
import pytest
from openpyxl import load_workbook

from ecops_lib.core.errors import (
    MissingDataError,
    NotebookError,
    ParameterError,
    StoreError,
)
from ecops_lib.data.store import open_store
from ecops_lib.reports import runner
from ecops_lib.reports.kernel import execute
from ecops_lib.reports.runner import run_notebook

NOTE = "=1+2 \"双11\" 'a' # b = c\n<script>alert(2)</script> 🎉"
STAMP = "2026-11-07T09:00"
MADE = {"findings.json", "manifest.json", "orders.html", "orders.ipynb", "orders.xlsx"}


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    return tmp_path_factory.mktemp("reports")


@pytest.fixture(scope="module")
def ran(notebooks, small_shop, out):
    return run_notebook(
        notebooks / "orders.ipynb",
        store=small_shop.path,
        out=out,
        parameters={"note": NOTE, "top": "2"},
        made_at=STAMP,
    )


def visible(folder):
    return sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))


def test_run_makes_five_files_in_one_folder_and_an_index(ran, out):
    assert set(visible(ran.folder)) == MADE
    assert ran.folder.relative_to(out).parts[:2] == ("Corner-店", "orders")
    assert ran.folder.name.startswith("2026-11-04-zh-note-")
    assert "2026-11-04" in (out / "index.html").read_text("utf-8")
    assert [path.name for path in out.rglob(".*")] == [".lock"]


def test_without_as_of_the_day_is_the_last_whole_one_and_the_page_says_so(ran):
    assert ran.values["as_of"] == "2026-11-04"
    assert not ran.day_chosen
    page = ran.page.read_text("utf-8")
    assert "2026-11-04" in page
    assert "最后" in page or "last whole day in the store" in page


def test_language_is_the_store_s_unless_given(ran):
    assert ran.values["lang"] == "zh"
    page = ran.page.read_text("utf-8")
    assert "来了多少订单？" in page
    assert "How many orders came?" not in page


def test_hostile_value_reaches_the_executed_notebook_exactly(ran):
    node = nbformat.read(ran.notebook, as_version=4)
    [cell] = [cell for cell in node.cells if "parameters" in cell.metadata.get("tags", ())]
    seen = {}
    exec(cell.source, seen)
    assert seen["note"] == NOTE
    assert seen["top"] == 2


def test_nothing_from_data_runs_on_the_page(ran):
    page = ran.page.read_text("utf-8")
    assert "<script" not in page
    assert "&lt;script&gt;alert(1)" in page


def test_workbook_holds_the_page_s_table_and_findings(ran):
    book = load_workbook(ran.workbook)
    findings, table = book.worksheets
    assert findings["B2"].value.startswith("7 orders by 2026-11-04")
    assert findings["E2"].data_type == "s"
    assert [[cell.value for cell in row][1:] for row in table.iter_rows(min_row=2)] == [
        [4, 42, NOTE],
        [3, 31.5, NOTE],
    ]
    assert f"{table['A2'].value:%Y-%m-%d}" == "2026-11-04"


def test_findings_and_manifest_tell_what_was_made_from_what(ran, small_shop, notebooks):
    found = json.loads((ran.folder / "findings.json").read_text("utf-8"))
    assert found["as_of"] == "2026-11-04"
    assert [f["evidence"] for f in found["findings"]] == [{"orders": 7, "nothing": None}]
    manifest = json.loads((ran.folder / "manifest.json").read_text("utf-8"))
    source = (notebooks / "orders.ipynb").read_bytes()
    assert manifest["notebook"]["sha256"] == hashlib.sha256(source).hexdigest()
    assert manifest["parameters"] == dict(ran.values)
    assert manifest["store"]["tables"]["orders"]["rows"] == small_shop.count("orders") == 19
    assert manifest["day_chosen"] is False
    assert {
        name: hashlib.sha256((ran.folder / name).read_bytes()).hexdigest()
        for name in MADE - {"manifest.json"}
    } == {name: output["sha256"] for name, output in manifest["outputs"].items()}


def test_same_data_and_stamp_give_the_same_bytes(ran, notebooks, small_shop, tmp_path):
    again = run_notebook(
        notebooks / "orders.ipynb",
        store=small_shop.path,
        out=tmp_path,
        parameters={"note": NOTE, "top": "2"},
        made_at=STAMP,
    )
    for name in MADE:
        assert (again.folder / name).read_bytes() == (ran.folder / name).read_bytes(), name


def test_notebook_saved_with_outputs_runs_unchanged(ran, small_shop, tmp_path):
    again = run_notebook(ran.notebook, store=small_shop.path, out=tmp_path, made_at=STAMP)
    assert again.workbook.read_bytes() == ran.workbook.read_bytes()
    assert again.findings == ran.findings
    assert again.day_chosen  # it stands in the saved parameters cell


def test_failed_cell_is_one_sentence_and_what_ran_is_kept(notebooks, small_shop, tmp_path):
    with pytest.raises(NotebookError) as caught:
        run_notebook(
            notebooks / "failing.ipynb",
            store=small_shop.path,
            out=tmp_path,
            parameters={"lang": "en"},
        )
    kept = tmp_path / "failed" / "Corner-店-failing-2026-11-04-en.ipynb"
    assert str(caught.value) == (
        "failing stopped in the section 'Orders by day': ValueError: the price of P1 is missing; "
        f"no page was made, and what ran is in {kept}."
    )
    assert visible(tmp_path) == ["failed"]
    node = nbformat.read(kept, as_version=4)
    errors = [o for c in node.cells for o in c.get("outputs", ()) if o.output_type == "error"]
    assert [error.ename for error in errors] == ["ValueError"]


def test_refusal_of_the_kit_inside_a_cell_is_told_in_its_own_words(notebooks, small_shop, tmp_path):
    with pytest.raises(NotebookError, match=": the store holds no reviews; import the review"):
        run_notebook(notebooks / "refusing.ipynb", store=small_shop.path, out=tmp_path)


def test_kernel_that_dies_is_told(notebooks, small_shop, tmp_path):
    with pytest.raises(NotebookError, match="Python stopped before the end"):
        run_notebook(notebooks / "dying.ipynb", store=small_shop.path, out=tmp_path)
    assert visible(tmp_path) == []


@pytest.mark.parametrize(
    ("parameters", "error", "message"),
    [
        ({"tpo": "3"}, ParameterError, "takes no parameter 'tpo'; did you mean 'top'"),
        ({"top": "many"}, ParameterError, "top is 'many'; it must be a whole number"),
        ({"lang": "fr"}, ParameterError, "lang is 'fr'"),
        ({"audience": "boss"}, ParameterError, "audience is 'boss'"),
        ({"as_of": "2026-11-09"}, MissingDataError, "run from 2026-11-01 to 2026-11-05"),
    ],
)
def test_impossible_parameters_are_refused_before_anything_runs(
    notebooks, small_shop, tmp_path, parameters, error, message
):
    with pytest.raises(error, match=message):
        run_notebook(
            notebooks / "orders.ipynb",
            store=small_shop.path,
            out=tmp_path / "r",
            parameters=parameters,
        )
    assert not (tmp_path / "r").exists()


def test_unknown_notebook_and_store_are_refused(notebooks, small_shop, tmp_path):
    with pytest.raises(NotebookError, match="there is no notebook 'ordrs'"):
        run_notebook("ordrs", store=small_shop.path, out=tmp_path)
    with pytest.raises(StoreError, match="is not a store"):
        run_notebook(notebooks / "orders.ipynb", store=tmp_path, out=tmp_path)
    with pytest.raises(ParameterError, match="made_at is 'noon'"):
        run_notebook(
            notebooks / "orders.ipynb", store=small_shop.path, out=tmp_path, made_at="noon"
        )


def test_folder_that_cannot_be_written_is_told(notebooks, small_shop, tmp_path):
    (tmp_path / "file").write_text("here")
    with pytest.raises(NotebookError, match=r"file/r cannot be written \(.*choose another folder"):
        run_notebook(notebooks / "orders.ipynb", store=small_shop.path, out=tmp_path / "file" / "r")


def test_full_disk_is_told_and_the_page_before_stays(ran, out, small_shop, monkeypatch):
    before = {name: (ran.folder / name).read_bytes() for name in MADE}

    def full(file, content):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(runner, "write_whole", full)
    monkeypatch.setattr(runner, "execute", lambda node, **_options: node)
    with pytest.raises(NotebookError, match=r"the disk under .* is full; free some space"):
        run_notebook(ran.notebook, store=small_shop.path, out=out, made_at=STAMP)
    assert {name: (ran.folder / name).read_bytes() for name in MADE} == before
    assert [path.name for path in out.rglob(".*")] == [".lock"]


def test_import_during_a_run_is_noticed(notebooks, make_shop, tmp_path):
    shop = make_shop([dt.datetime(2026, 11, 1, tzinfo=dt.UTC)])

    def import_meanwhile(done, total):
        if done == total:
            with open_store(shop.path).writing() as writer:
                writer.record({"name": "later.csv", "sha256": "cd" * 32, "rows": 0})

    with pytest.raises(NotebookError, match="new files were imported"):
        run_notebook(
            notebooks / "orders.ipynb", store=shop.path, out=tmp_path, progress=import_meanwhile
        )
    assert visible(tmp_path) == []


def start_run(notebook, shop, out):
    code = (
        "import sys; from ecops_lib.reports.runner import run_notebook; "
        "run_notebook(sys.argv[1], store=sys.argv[2], out=sys.argv[3], "
        "progress=lambda done, total: print(done, flush=True))"
    )
    return subprocess.Popen(
        [sys.executable, "-c", code, notebook, shop.path, out], stdout=subprocess.PIPE, text=True
    )


def test_kill_leaves_no_half_page_and_the_next_run_clears_up(notebooks, small_shop, tmp_path):
    with start_run(notebooks / "slow.ipynb", small_shop, tmp_path) as process:
        sleeping = any(int(line) == 7 for line in process.stdout)
        process.send_signal(signal.SIGKILL)
    assert sleeping
    assert visible(tmp_path) == []
    assert len(list(tmp_path.glob(".run-*"))) == 2
    run_notebook(notebooks / "orders.ipynb", store=small_shop.path, out=tmp_path)
    assert visible(tmp_path) == ["Corner-店", "index.html"]
    assert list(tmp_path.glob(".run-*")) == []


def test_two_runs_at_once_into_one_folder_both_end_whole(notebooks, small_shop, tmp_path):
    processes = [start_run(notebooks / "orders.ipynb", small_shop, tmp_path) for _ in range(2)]
    for process in processes:
        process.communicate()
    assert [process.returncode for process in processes] == [0, 0]
    folder = tmp_path / "Corner-店" / "orders" / "2026-11-04-zh"
    assert set(visible(folder)) == MADE
    manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
    for name, output in manifest["outputs"].items():
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == output["sha256"]
    assert list(tmp_path.glob(".run-*")) == []


def test_kernel_is_this_interpreter_whatever_the_notebook_names():
    node = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell("import sys\n\nprint(sys.executable)")],
        metadata={"kernelspec": {"name": "elsewhere", "display_name": "x", "language": "python"}},
    )
    done = execute(node)
    assert done.cells[0].outputs[0].text.strip() == sys.executable
    assert "papermill" not in done.metadata
