"""Snapshots of competitors' listings: audited, real and planted."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pyarrow as pa
import pytest

from ecops_lib.core.errors import MissingDataError
from ecops_lib.core.language import set_reader
from ecops_lib.data.imports import import_files
from ecops_lib.data.store import open_store
from ecops_lib.market.snapshots import Snapshots, read_snapshots

FIRST = dt.date(2026, 3, 1)
DAY = dt.timedelta(days=1)


def seen(*rows: tuple[int, str, str, float | None, int | None]) -> Snapshots:
    """Rows of day, competitor, item, price, counter."""
    days, competitor, item, price, counter = (list(column) for column in zip(*rows, strict=True))
    table = pa.table({
        "day": [FIRST + d * DAY for d in days], "competitor": competitor, "item_id": item,
        "title": ["<b>x</b>"] * len(rows), "price": pa.array(price, pa.float64()),
        "sales_counter": pa.array(counter, pa.int64()),
    })  # fmt: skip
    return read_snapshots({"competitor_items": table}, as_of=FIRST + 99 * DAY, time_zone="UTC")


def test_steps_are_those_to_the_snapshot_before() -> None:
    held = seen(
        (0, "A", "1", 10, 5), (1, "A", "1", 10, 9), (4, "A", "1", 8, 3), (5, "A", "1", 8, None)
    )
    rows = held.panel
    assert rows["before"].tolist()[1:] == [10, 10, 8]
    assert rows["gap"].tolist()[1:] == [1, 3, 1]
    assert rows["sold"].tolist()[1] == 4
    assert rows["sold"].isna().tolist() == [True, False, True, True]
    assert rows["reset"].sum() == 1
    assert len(held.changes) == 1


def test_items_that_leave_together_are_a_break_and_one_by_one_are_not() -> None:
    rows = [(d, "A", str(k), 10.0, 1) for d in range(12) for k in range(40)
            if not (d >= 8 and k < 20) and k != 30 + d]  # fmt: skip
    held = seen(*rows)
    assert held.breaks[["day", "gone"]].to_numpy().tolist() == [[FIRST + 8 * DAY, 21]]
    [told] = [f for f in held.findings() if f.key == "snapshots/break"]
    assert told.text.startswith("From 2026-03-09 on 21 items of 1 competitor are missing together")
    set_reader("zh", "CNY")
    [told] = [f for f in held.findings() if f.key == "snapshots/break"]
    assert told.text.startswith("2026-03-09 起，1 家竞店的 21 个商品同时消失：面板在此断裂")
    slow = [(d, "A", str(k), 10.0, 1) for d in range(12) for k in range(40) if k >= d]
    assert seen(*slow).breaks.empty


def test_no_snapshot_is_said() -> None:
    table = pa.table({"day": [FIRST], "competitor": ["A"], "item_id": ["1"], "price": [1.0]})
    with pytest.raises(MissingDataError, match="up to 2026-02-28"):
        read_snapshots({"competitor_items": table}, as_of=FIRST - DAY, time_zone="UTC")


@pytest.mark.realdata
def test_a_real_scrape_says_where_it_breaks(shared: Path, tmp_path: Path) -> None:
    """27,598 rows, 86 of them twice; 1,603 price changes, 813 of them on 11 November 2016."""
    held = import_files([shared / "taobao_double11_beauty"], store=tmp_path / "store")
    assert held.rows["competitor_items"] == 27_512
    assert held.overlap["competitor_items"] == 86
    snapshots = read_snapshots(open_store(tmp_path / "store"), as_of="2016-11-14")
    texts = {f.key: f.text for f in snapshots.findings()}
    assert texts["snapshots/changes"] == (
        "1,603 price changes, 845 of them cuts; most on 2016-11-11: 813."
    )
    assert texts["snapshots/break"].startswith("From 2016-11-11 on 933 items of 22 competitors")
    assert "2,350 of 27,512 snapshots lack one" in texts["snapshots/counters"]
