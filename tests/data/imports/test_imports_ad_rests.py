"""Ads told by item and by keyword: sums count nothing twice, whichever report comes first."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from ecops_lib.data.imports import import_files
from ecops_lib.data.store import open_store

ITEM = "日期,计划ID,场景名字,主体ID,展现量,点击量,花费,总成交金额,总成交笔数"
WORD = "日期,计划ID,场景名字,主体ID,关键词,展现量,点击量,花费,总成交金额,总成交笔数"
WHOLE = [
    "2026-10-01,7,关键词推广,100,1000,50,80.00,300.00,3",
    "2026-10-01,7,关键词推广,200,400,20,30.00,0.00,0",
    "2026-10-01,9,智能场景,100,90,9,9.00,0.00,0",
]
WORDS = [
    "2026-10-01,7,关键词推广,100,红茶,500,30,50.00,200.00,2",
    "2026-10-01,7,关键词推广,100,茶具,300,15,20.50,100.00,1",
    "2026-10-01,7,关键词推广,200,盖碗,400,20,30.00,0.00,0",
]
MORE = ["2026-10-01,7,关键词推广,100,白茶,100,4,9.00,0.00,0"]


def write(folder: Path, name: str, header: str, rows: list[str]) -> Path:
    path = folder / f"{name}.csv"
    path.write_text("\r\n".join([header, *rows]) + "\r\n", "utf-8-sig")
    return path


def costs(store: Path) -> dict[tuple[str, str, str], tuple[float, int, int]]:
    ads = open_store(store).frame("ads")
    keys = zip(ads["campaign_id"], ads["product_id"], ads["keyword"], strict=True)
    sums = zip(ads["cost"], ads["clicks"], ads["attributed_orders"], strict=True)
    return {k: (float(c), int(n), int(o)) for k, (c, n, o) in zip(keys, sums, strict=True)}


SPLIT = {
    ("7", "100", "红茶"): (50.0, 30, 2),
    ("7", "100", "茶具"): (20.5, 15, 1),
    ("7", "200", "盖碗"): (30.0, 20, 0),
    ("9", "100", "*"): (9.0, 9, 0),
}


@pytest.mark.parametrize("order", list(itertools.permutations(["items", "words"])))
def test_reports_of_one_import_keep_what_the_keywords_do_not_tell(
    tmp_path: Path, order: tuple[str, ...]
) -> None:
    made = {
        "items": write(tmp_path, "item", ITEM, WHOLE),
        "words": write(tmp_path, "word", WORD, WORDS),
    }
    import_files([made[name] for name in order], store=tmp_path / "shop")
    assert costs(tmp_path / "shop") == {**SPLIT, ("7", "100", "*"): (9.5, 5, 0)}


@pytest.mark.parametrize("order", list(itertools.permutations(["items", "words", "more"])))
def test_reports_of_several_imports_come_to_the_same_in_any_order(
    tmp_path: Path, order: tuple[str, ...]
) -> None:
    made = {
        "items": write(tmp_path, "item", ITEM, WHOLE),
        "words": write(tmp_path, "word", WORD, WORDS),
        "more": write(tmp_path, "more", WORD, MORE),
    }
    for name in order:
        import_files([made[name]], store=tmp_path / "shop")
    held = costs(tmp_path / "shop")
    assert sum(cost for cost, _, _ in held.values()) == pytest.approx(119)
    told = {key: sums for key, sums in held.items() if any(sums)}
    assert told == {
        **SPLIT,
        ("7", "100", "白茶"): (9.0, 4, 0),
        ("7", "100", "*"): (0.5, 1, 0),
    }


def test_the_same_reports_again_change_no_sum(tmp_path: Path) -> None:
    store = tmp_path / "shop"
    later = "2026-10-02,7,关键词推广,100,10,1,1.00,0.00,0"
    rounds = [
        ([("item", ITEM, WHOLE), ("word", WORD, WORDS)], 119),
        ([("item2", ITEM, [*WHOLE, later])], 120),
        ([("word2", WORD, [*WORDS, *MORE])], 120),
        ([("item3", ITEM, [*WHOLE, later, ""])], 120),
    ]
    for files, total in rounds:
        import_files([write(tmp_path, *file) for file in files], store=store)
        assert float(open_store(store).frame("ads")["cost"].sum()) == pytest.approx(total)


def test_keywords_that_tell_more_than_the_whole_leave_no_rest(tmp_path: Path) -> None:
    files = [
        write(tmp_path, "item", ITEM, ["2026-10-01,7,关键词推广,100,100,5,8.00,0.00,0"]),
        write(tmp_path, "word", WORD, ["2026-10-01,7,关键词推广,100,红茶,120,6,9.00,0.00,0"]),
    ]
    import_files(files, store=tmp_path / "shop")
    assert costs(tmp_path / "shop") == {("7", "100", "红茶"): (9.0, 6, 0)}
