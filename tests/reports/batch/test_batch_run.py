"""Batches run: faults cost only themselves, pages are those of single runs, resume works."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import psutil
import pytest

from ecops_lib.core.errors import NotebookError, ParameterError
from ecops_lib.data.store import Store
from ecops_lib.reports.batch import (
    Limits,
    Plan,
    Run,
    Task,
    list_runs,
    prune_runs,
    read_plan,
    run_batch,
)
from ecops_lib.reports.batch.failures import failure_name
from ecops_lib.reports.batch.making import ENV
from ecops_lib.reports.batch.runs import digests, read_run, running
from ecops_lib.reports.batch.worker import CAN_FORK
from ecops_lib.reports.runner import run_notebook

STAMP = "2026-11-07T09:00"
pytestmark = pytest.mark.skipif(not CAN_FORK, reason="this system cannot fork processes")


def greedy(notebooks: Path, folder: Path) -> Path:
    """A notebook that takes 600 MB and keeps them."""
    node = nbformat.read(notebooks / "slow.ipynb", as_version=4)
    for cell in node.cells:
        if "time.sleep" in cell.source:
            cell.source = "import time\n\nheld = bytearray(600 << 20)\ntime.sleep(60)"
    nbformat.write(node, folder / "greedy.ipynb")
    return folder / "greedy.ipynb"


def leftovers() -> list[psutil.Process]:
    """Processes of a batch that are still there."""
    children = psutil.Process().children(recursive=True)
    return [child for child in children if "ecops_lib.reports.batch.worker" in command(child)]


def command(process: psutil.Process) -> str:
    """How a process was called; nothing for one that has ended since it was listed."""
    try:
        return " ".join(process.cmdline())
    except psutil.NoSuchProcess:  # a zombie, too
        return ""


@pytest.fixture(scope="module")
def plan(notebooks: Path, small_shop: Store, tmp_path_factory: pytest.TempPathFactory) -> Plan:
    books = [notebooks / f"{name}.ipynb" for name in ("orders", "dying", "failing", "slow")]
    books.append(greedy(notebooks, tmp_path_factory.mktemp("books")))
    return Plan(name="faults", tasks=tuple(
        Task(notebook=str(book), store=str(small_shop.path),
             parameters={"lang": lang} if lang else {})
        for book in books for lang in (("zh", "en") if book.stem == "orders" else ("",))
    ))  # fmt: skip


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("out")


@pytest.fixture(scope="module")
def ran(plan: Plan, out: Path) -> Run:
    limits = Limits(jobs=5, timeout=6, memory=400 << 20, retries=0)
    return run_batch(plan, out=out, limits=limits, made_at=STAMP)


def states(run: Run) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for report in run.reports.values():
        found.setdefault(Path(report["notebook"]).stem, []).append(report["status"])
    return found


def test_faults_cost_only_themselves(ran: Run) -> None:
    assert states(ran) == {
        "orders": ["done", "done"], "dying": ["failed"], "failing": ["failed"],
        "slow": ["timeout"], "greedy": ["memory"],
    }  # fmt: skip
    assert not leftovers()


def test_what_went_wrong_is_said_on_the_run_s_page(ran: Run) -> None:
    page = (ran.folder / "index.html").read_text("utf-8")
    for words in ("the price of", "took too long", "took too much memory", "Corner 店"):
        assert words in page
    failed = next(r for r in ran.reports.values() if Path(r["notebook"]).stem == "failing")
    assert "ValueError: the price of P1 is missing" in failed["message"]
    assert "Traceback" not in page
    assert (ran.out / failed["kept"]).read_text("utf-8").count("Traceback") == 1
    told = (ran.folder / failure_name(key_of(ran, failed))).read_text("utf-8")
    for words in ("每日订单", "the price of P1 is missing", "接下来怎么做", "-failing-"):
        assert words in told
    assert "Traceback" not in told


def test_a_report_that_is_ended_tells_the_section_that_it_was_in(ran: Run) -> None:
    ended = {Path(r["notebook"]).stem: r.get("section") for r in ran.reports.values()}
    assert ended["slow"] == ended["greedy"] == ended["dying"] == "每日订单"
    assert ended["orders"] is None


def key_of(run: Run, report: object) -> str:
    return next(key for key, held in run.reports.items() if held is report)


def test_pages_are_those_of_single_runs(ran: Run, plan: Plan, out: Path, tmp_path: Path) -> None:
    task = plan.tasks[0]
    alone = run_notebook(
        task.notebook, store=task.store, out=tmp_path, parameters=task.parameters, made_at=STAMP
    )
    report = ran.reports[task.key]
    assert digests(out / report["folder"]) == digests(alone.folder)
    assert report["files"] == digests(alone.folder)


def test_the_warm_process_has_one_thread_and_no_backend() -> None:
    code = (
        "import importlib, os, sys, threading\n"
        "from ecops_lib.reports.batch.forked import PRELOADED\n"
        "[importlib.import_module(name) for name in PRELOADED]\n"
        "print(threading.active_count(), len(os.listdir('/proc/self/task')),\n"
        "      'matplotlib.pyplot' in sys.modules)"
    )
    env = {**os.environ, **ENV}
    told = subprocess.run(
        [sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True
    )
    assert told.stdout.split() == ["1", "1", "False"]


def test_the_manifest_says_what_everything_was_made_from(ran: Run, out: Path) -> None:
    held = read_run(ran.folder, out)
    assert held.reports == ran.reports
    done = [r for r in held.reports.values() if r["status"] == "done"]
    assert all(r["version"] >= 1 and len(r["digest"]) == 64 and r["files"] for r in done)
    assert [run.name for run in list_runs(out)] == [ran.name]


def test_the_command_tells_each_report_and_resume_does_the_rest(
    notebooks: Path, small_shop: Store, tmp_path: Path
) -> None:
    """The command line first; then from Python what is missing or failed, and then nothing."""
    plan, out = tmp_path / "two.toml", tmp_path / "out"
    books = [str(notebooks / f"{name}.ipynb") for name in ("orders", "refusing")]
    stores = json.dumps([str(small_shop.path)])
    text = f"[[reports]]\nnotebook = {json.dumps(books)}\nstores = {stores}\nlang = 'zh'\n"
    plan.write_text(text, "utf-8")
    main = "from ecops_lib.cli import main; main()"
    command = [sys.executable, "-c", main, "batch", str(plan), "--out", str(out), "--log", "json",
               "--made-at", STAMP, "--lang", "en"]  # fmt: skip
    ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert ended.returncode == 3, ended.stderr
    lines = [json.loads(line) for line in ended.stdout.splitlines()[:2]]
    assert sorted(line["status"] for line in lines) == ["done", "failed"]
    assert ended.stdout.splitlines()[-1].startswith("1 of 2 reports made: ")

    told: list[str] = []
    tasks = read_plan(plan)
    [first] = list_runs(out)
    shutil.rmtree(out / first.reports[tasks.tasks[0].key]["folder"])
    good = Plan(name=tasks.name, tasks=tasks.tasks[:1])
    again = run_batch(good, out=out, made_at=STAMP, resume=True,
                      tell=lambda report: told.append(report["key"]))  # fmt: skip
    assert told == [tasks.tasks[0].key]
    assert again.folder.resolve() == first.folder.resolve()
    assert run_batch(good, out=out, resume=True, tell=lambda r: told.append(r["key"]))
    assert len(told) == 1
    with pytest.raises(ParameterError, match="no run of 'other'"):
        run_batch(Plan(name="other", tasks=good.tasks), out=out, resume=True)
    with running(again), pytest.raises(NotebookError, match="another batch is working"):
        run_batch(good, out=out, resume=True)


def test_old_runs_are_forgotten_and_their_reports_stay(ran: Run, out: Path, plan: Plan) -> None:
    assert [run.name for run in prune_runs(out, keep=0, dry=True)] == [ran.name]
    assert list_runs(out)
    prune_runs(out, keep=0)
    assert not list_runs(out)
    assert (out / ran.reports[plan.tasks[0].key]["folder"]).is_dir()


def test_a_batch_that_is_killed_leaves_no_process_and_can_go_on(
    notebooks: Path, small_shop: Store, tmp_path: Path
) -> None:
    books = [str(notebooks / f"{name}.ipynb") for name in ("orders", "slow")]
    code = (
        "import sys; from ecops_lib.reports.batch import *\n"
        f"tasks = tuple(Task(notebook=b, store={str(small_shop.path)!r}) for b in {books!r})\n"
        f"run_batch(Plan(name='cut', tasks=tasks), out={str(tmp_path)!r},\n"
        "          tell=lambda r: print(r['status'], flush=True))"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as batch:
        assert batch.stdout is not None
        assert batch.stdout.readline() == b"done\n"
        family = psutil.Process(batch.pid).children(recursive=True)
        os.kill(batch.pid, signal.SIGKILL)
    assert len(family) >= 3  # the warm process, a report, its kernel
    _, alive = psutil.wait_procs(family, timeout=10)
    assert not alive
    [cut] = list_runs(tmp_path)
    assert sorted(report["status"] for report in cut.reports.values()) == ["done", "waiting"]
    assert not list(tmp_path.glob("*/*/*/.*.part"))


def test_the_warm_process_may_be_killed_and_the_batch_goes_on(
    notebooks: Path, small_shop: Store, tmp_path: Path
) -> None:
    task = Task(notebook=str(notebooks / "orders.ipynb"), store=str(small_shop.path))
    code = (
        "from ecops_lib.reports.batch import *\n"
        f"task = Task(notebook={task.notebook!r}, store={task.store!r})\n"
        f"run = run_batch(Plan(name='hurt', tasks=(task,)), out={str(tmp_path)!r})\n"
        "print([r['status'] for r in run.reports.values()])"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as batch:
        end = time.monotonic() + 20
        while time.monotonic() < end:
            warm = psutil.Process(batch.pid).children()
            if warm:
                warm[0].kill()
                break
            time.sleep(0.02)
        told, _ = batch.communicate(timeout=60)
    assert told.decode().strip() == "['done']"
