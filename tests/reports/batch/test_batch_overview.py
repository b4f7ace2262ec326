"""The page over all runs: whole, newest first, whoever writes it, whatever lies there."""

from __future__ import annotations

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from ecops_lib.core.language import reading
from ecops_lib.reports.batch import list_runs, write_runs
from ecops_lib.reports.batch.overview import runs_page
from ecops_lib.reports.batch.runs import Run

HOSTILE = "<b onload=x>\u202e" + "a" * 900


def make_run(out: Path, plan: str, day: str, *states: str) -> Run:
    """A run as a batch leaves it."""
    reports = {f"r{n}": {"status": state} for n, state in enumerate(states)}
    run = Run(out, out / "runs" / plan[:5] / day / "x", plan, f"{day}T08:30:00+08:00", reports)
    run.folder.mkdir(parents=True)
    run.save()
    (run.folder / "index.html").touch()
    return run


def test_every_run_is_told_with_what_became_of_it(tmp_path: Path) -> None:
    make_run(tmp_path, "alpha", "2026-11-05", "done", "done")
    make_run(tmp_path, "beta", "2026-11-07", "done", "timeout", "failed")
    make_run(tmp_path, "gamma", "2026-11-06", "done", "waiting")
    page = write_runs(tmp_path).read_text("utf-8")
    rows = re.findall(r'<tr role="row" data.*?</tr>', page)
    cells = [re.findall(r"<td[^>]*>(?:<bdi>)?(.*?)(?:</bdi>)?</td>", row)[:6] for row in rows]
    assert cells == [
        ["2026-11-07 08:30", "beta", "some failed", "3", "1", "2"],
        ["2026-11-06 08:30", "gamma", "not finished", "2", "1", "0"],
        ["2026-11-05 08:30", "alpha", "all made", "2", "2", "0"],
    ]
    assert 'href="beta/2026-11-07/x/index.html"' in page


def test_batches_that_end_together_lose_no_run(tmp_path: Path) -> None:
    def batch(number: int) -> None:
        make_run(tmp_path, f"p{number}", "2026-11-05", "done")
        write_runs(tmp_path)

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(batch, range(12)))
    page = (tmp_path / "runs" / "index.html").read_text("utf-8")
    assert "12 runs" in page
    assert not list((tmp_path / "runs").glob(".index*"))


def test_hostile_and_damaged_runs_break_nothing(tmp_path: Path) -> None:
    hostile = make_run(tmp_path, HOSTILE, "2026-11-05", "failed")
    (hostile.folder / "index.html").unlink()
    broken = make_run(tmp_path, "broken", "2026-11-04")
    (broken.folder / "manifest.json").write_text("{")
    page = runs_page(list_runs(tmp_path), lang="zh")
    assert "<b onload" not in page
    assert "\u202e" not in page
    assert "1 次运行" in page
    assert "部分失败" in page


def test_a_folder_without_runs_is_a_page(tmp_path: Path) -> None:
    with reading("en"):
        assert "0 runs" in write_runs(tmp_path).read_text("utf-8")


def test_pruned_runs_leave_the_list(tmp_path: Path, ecops: Callable[..., Any]) -> None:
    for day in ("2026-11-05", "2026-11-06"):
        make_run(tmp_path, "alpha", day, "done")
    write_runs(tmp_path)
    code, said, _ = ecops("runs", "prune", "--keep", "1", "--out", tmp_path)
    assert (code, said.splitlines()[0]) == (0, "alpha/2026-11-05/x")
    page = (tmp_path / "runs" / "index.html").read_text("utf-8")
    assert "2026-11-06" in page
    assert "2026-11-05" not in page
