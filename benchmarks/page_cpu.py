"""A page by ``ecops run`` against stock papermill and nbconvert on the same notebook.

Both run the daily review of the demo shop on the same day. Ours writes page, workbook,
findings and manifest; theirs the executed notebook and nbconvert's HTML.
"""

from __future__ import annotations

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks._cpu import ECOPS, cpu_seconds, medians
from ecops_lib.data.coverage import last_whole_day
from ecops_lib.data.store import open_store
from ecops_lib.reports.notebooks import open_notebook

BAR = 1.5
LARGEST_PAGE = 2_000_000
ROUNDS = 3


def main() -> int:
    """Print the ratio and the page's size; 1 if a bar is missed."""
    with TemporaryDirectory() as folder:
        store = Path(folder) / "demo"
        cpu_seconds([(*ECOPS, "demo", str(store))])
        return compare(open_notebook("daily_review").path, store, Path(folder))


def compare(notebook: Path, store: Path, folder: Path) -> int:
    """Run both in turn on one notebook and store."""
    day = last_whole_day(open_store(store)).isoformat()
    executed, ours = folder / "executed.ipynb", folder / "reports"
    asked = ("--store", str(store), "--out", str(ours), "--as-of", day, "--lang", "zh")
    named = ("-p", "store", str(store), "-p", "as_of", day, "-p", "lang", "zh")
    stock = (sys.executable, "-m", "papermill", "-k", "python3", str(notebook), str(executed))
    html = (sys.executable, "-m", "nbconvert", "--to", "html", str(executed))
    taken = medians(
        {"ecops": [(*ECOPS, "run", str(notebook), *asked)], "stock": [(*stock, *named), html]},
        rounds=ROUNDS,
    )
    [page] = ours.glob(f"*/*/*/{notebook.stem}.html")
    size, ratio = page.stat().st_size, taken["ecops"] / taken["stock"]
    print(f"ecops run                {taken['ecops']:6.2f} s of CPU (median of {ROUNDS})")
    print(f"papermill and nbconvert  {taken['stock']:6.2f} s of CPU")
    print(f"ratio                    {ratio:6.2f}   (bar {BAR})")
    print(f"page                     {size / 1e6:6.2f} MB (bar {LARGEST_PAGE / 1e6:.0f} MB)")
    print(f"nbconvert's page         {executed.with_suffix('.html').stat().st_size / 1e6:6.2f} MB")
    return int(ratio > BAR or size > LARGEST_PAGE)


if __name__ == "__main__":
    sys.exit(main())
