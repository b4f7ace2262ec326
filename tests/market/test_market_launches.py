"""New items, items taken off, and what titles promise."""

from __future__ import annotations

import datetime as dt

import pyarrow as pa
import pytest

from ecops_lib.core.language import set_reader
from ecops_lib.market.launches import Launches, parse_mechanics, track_launches
from ecops_lib.market.snapshots import read_snapshots

FIRST = dt.date(2026, 1, 1)
DAYS = 90
DAY = dt.timedelta(days=1)


def track(*spans: tuple[str, str, int, int], title: str = "茶") -> Launches:
    """Items by competitor: listed from one day to another."""
    rows = [(name, item, d) for name, item, first, last in spans for d in range(first, last + 1)]
    table = pa.table({
        "day": [FIRST + d * DAY for _, _, d in rows], "competitor": [name for name, _, _ in rows],
        "item_id": [item for _, item, _ in rows],
        "title": [f"{title} {item}" for _, item, _ in rows],
        "price": [10.0] * len(rows),
    })  # fmt: skip
    return track_launches(
        read_snapshots({"competitor_items": table}, as_of=FIRST + DAYS * DAY, time_zone="UTC")
    )


OLD = [("A", f"a{k}", 0, DAYS - 1) for k in range(20)]
REST = [("B", f"b{k}", 0, DAYS - 1) for k in range(10)]


def test_new_and_gone_items_are_counted_and_named() -> None:
    held = track(*OLD, *REST, ("A", "n1", 80, DAYS - 1), ("A", "n2", 85, DAYS - 1),
                 ("B", "old", 0, 70), ("A", "n3", 20, 40))  # fmt: skip
    rows = held.to_frame().set_index("competitor")
    assert rows.loc["A", ["items", "launched", "gone"]].tolist() == [22, 2, 0]
    assert rows.loc["B", ["items", "launched", "gone"]].tolist() == [10, 0, 1]
    assert rows.loc["A", "weekly"] == pytest.approx(3 / (DAYS / 7))
    texts = [f.text for f in held.findings()]
    assert texts[:2] == [
        "A brought out most: 2 new items in the last 28 days, such as “茶 n2”.",
        "B has taken off 1 item, such as “茶 old”.",
    ]
    set_reader("zh", "CNY")
    assert held.findings()[0].text == "A 上新最多：最近 28 天 2 个，例如“茶 n2”。"


def test_survival_counts_the_watched_as_censored() -> None:
    """Of four launches one went after 10 days; one has been watched for 5 only."""
    held = track(*OLD, ("A", "n1", 20, 29), ("A", "n2", 30, DAYS - 1), ("A", "n3", 40, DAYS - 1),
                 ("A", "n4", DAYS - 5, DAYS - 1))  # fmt: skip
    assert held.to_frame()["kept"].iloc[0] == pytest.approx(2 / 3)  # three were at risk then


def test_the_panel_s_own_moves_are_no_launches() -> None:
    many = [("A", f"m{k}", 50, DAYS - 1) for k in range(30)]
    gone = [("B", f"g{k}", 0, 60) for k in range(8)]
    held = track(*OLD, *REST, *many, *gone)
    assert held.items.empty
    assert held.grown == (FIRST + 50 * DAY,)
    texts = [f.text for f in held.findings()]
    assert texts[0] == "No competitor has brought out anything in the last 28 days."
    assert texts[-1].startswith("On 2026-02-20 so many items appeared at once")


@pytest.mark.parametrize(
    ("title", "keys"),
    [
        ("满199减30 龙井", {"threshold"}), ("第二件半价 白茶", {"second"}), ("买二送一", {"gift"}),
        ("送礼 礼盒", set()), ("预售 定金10元", {"presale"}),
        ("领券立减 限时秒杀", {"coupon", "flash"}),
        ("全场8.5折", {"percent"}), ("20% OFF, free gift", {"percent", "gift"}),
        ("BOGO tea", {"second"}), ("Pre-order now with voucher", {"presale", "coupon"}),
        ("<b>满</b>", set()), ("满" * 10_000, set()), ("", set()), (None, set()), (5, set()),
    ],
)  # fmt: skip
def test_mechanics_are_read_from_titles(title: object, keys: set[str]) -> None:
    assert parse_mechanics(title) == keys


def test_promising_titles_are_told() -> None:
    held = track(*OLD, title="限时")
    assert held.to_frame()["promising"].tolist() == [1]
    assert held.findings()[-1].text == "A promises a promotion in 100.00% of its titles."
