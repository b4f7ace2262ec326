"""Batches: CPU and wall time a report, warm and forked, against one command after another.

Reports of one store are made by ``ecops batch`` (two at a time; several days, both languages, both
audiences), and a quarter as many by ``ecops run`` and by papermill with nbconvert (two commands a
report), one after the other and the last day only. Seconds are those of a report, given as ratios.

    python -m benchmarks.batch_speed --store shop [--reports 12]
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from ecops_lib.reports.batch import Limits, Plan, Task, run_batch
from ecops_lib.reports.notebooks import open_notebook


def main() -> None:
    """Print seconds a report and the ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--store", type=Path, required=True, help="folder of a store")
    parser.add_argument("--reports", type=int, default=12, help="reports of the batch")
    parser.add_argument("--notebook", default="daily_review", help="which notebook")
    given = parser.parse_args()
    few = max(2, given.reports // 4)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        batch = _timed(lambda: _batch(given, root / "batch"), given.reports)
        single = _timed(lambda: _single(given, root / "single", few), few)
        stock = _timed(lambda: _stock(given, root, few), few)
    for name, (cpu, wall) in {"batch": batch, "ecops run": single, "papermill": stock}.items():
        print(f"{name:10} {cpu:6.2f} CPU-s, {wall:6.2f} s wall a report; batch takes "
              f"{cpu / batch[0]:.2f} x less CPU, {wall / batch[1]:.2f} x less wall")  # fmt: skip


def _timed(make, count: int) -> tuple[float, float]:  # type: ignore[no-untyped-def]
    """CPU of children and wall a report."""
    before, begin = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    make()
    after, wall = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter() - begin
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return cpu / count, wall / count


def _batch(given: argparse.Namespace, out: Path) -> None:
    tasks = tuple(
        Task(notebook=given.notebook, store=str(given.store),
             parameters={"lang": lang, "audience": audience, "as_of": day})
        for day in _days(given) for lang in ("zh", "en") for audience in ("analyst", "management")
    )[: given.reports]  # fmt: skip
    most: list[int] = []
    run = run_batch(Plan(name="bench", tasks=tasks), out=out, limits=Limits(jobs=2),
                    tell=lambda report: most.append(report["memory"]))  # fmt: skip
    made = run.count("done")
    ends = [max(part) / 2**20 for part in (most[:10], most[-10:])]
    print(f"{made} of {len(tasks)} made; own memory of a report: {ends[0]:.0f} MB among the first "
          f"ten, {ends[1]:.0f} MB among the last")  # fmt: skip


def _days(given: argparse.Namespace) -> list[str]:
    import datetime as dt

    from ecops_lib.data.coverage import last_whole_day
    from ecops_lib.data.store import open_store

    last = last_whole_day(open_store(given.store))
    return [str(last - dt.timedelta(days=k)) for k in range(-(-given.reports // 4))]


def _single(given: argparse.Namespace, out: Path, count: int) -> None:
    main_words = "from ecops_lib.cli import main; main()"
    for place in range(count):
        lang = ("zh", "en")[place % 2]
        _call([sys.executable, "-c", main_words, "run", given.notebook, "--store",
               str(given.store), "--out", str(out), "--lang", lang])  # fmt: skip


def _stock(given: argparse.Namespace, root: Path, count: int) -> None:
    """papermill, then nbconvert, as two commands."""
    path = str(open_notebook(given.notebook).path)
    for place in range(count):
        made = str(root / f"stock{place}.ipynb")
        _call([sys.executable, "-m", "papermill", path, made, "-p", "store", str(given.store),
               "-p", "lang", ("zh", "en")[place % 2], "--no-progress-bar"])  # fmt: skip
        _call([sys.executable, "-m", "nbconvert", "--to", "html", "--no-input", made])


def _call(command: Sequence[str]) -> None:
    subprocess.run(command, check=True, capture_output=True, env=os.environ)


if __name__ == "__main__":
    main()
