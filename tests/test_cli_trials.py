"""``ecops tests | plan-test | assign`` from the command line."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import pytest

from ecops_lib.data.store import create_store

Ecops = Callable[..., tuple[int, str, str]]
PLAN = {"control": "原", "shares": {"原": 0.5, "新": 0.5}}


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    create_store(tmp_path / "S", name="店", key=b"k" * 32, tests={"短信": PLAN})
    return tmp_path / "S"


@pytest.fixture
def people(tmp_path: Path) -> Path:
    file = tmp_path / "list.csv"
    rows = "".join(f"{k:05d},=1+{k},张{k}\n" for k in range(400))
    file.write_text(f"手机,note,name\n{rows}", "utf-8")
    return file


def rows_of(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8-sig", newline="") as lines:
        return list(csv.DictReader(lines))


def test_list_gets_variants_and_keeps_every_cell(
    ecops: Ecops, shop: Path, people: Path, tmp_path: Path
) -> None:
    told = ("--store", shop, "--test", "短信", "--column", "手机", "--out", tmp_path / "out.csv")
    code, out, _ = ecops("assign", people, *told, "--lang", "en")
    assert code == 0
    assert "400 units are shared out over 2 variants as planned." in out
    rows = rows_of(tmp_path / "out.csv")
    assert [row["手机"] for row in rows] == [f"{k:05d}" for k in range(400)]
    assert {row["variant"] for row in rows} == {"原", "新"}
    again = {row["手机"]: row["variant"] for row in rows}
    shorter = people.with_name("short.csv")
    shorter.write_text("手机\n00007\n00003\n", "utf-8")
    ecops("assign", shorter, *told[:-1], tmp_path / "two.csv")
    two = rows_of(tmp_path / "two.csv")
    assert {row["手机"]: row["variant"] for row in two} == {k: again[k] for k in ("00007", "00003")}


@pytest.mark.parametrize(
    ("text", "more", "said"),
    [
        ("手机\n1\n1\n", {}, "each once"),
        ('手机\n1\n""\n', {}, "give text or whole numbers"),
        ("手机,variant\n1,A\n", {}, "has a column 'variant' already"),
        ("phone\n1\n", {}, "has no column '手机'"),
        ("", {}, "no readable CSV"),
        ("手机\n1\n", {"--test": "别的"}, "holds no plan"),
    ],
)
def test_what_cannot_be_assigned_is_refused(
    ecops: Ecops, shop: Path, tmp_path: Path, text: str, more: dict[str, str], said: str
) -> None:
    file = tmp_path / "bad.csv"
    file.write_text(text, "utf-8")
    told = {"--store": shop, "--test": "短信", "--column": "手机", "--out": tmp_path / "o.csv"}
    pairs = [item for pair in {**told, **more}.items() for item in pair]
    code, _, error = ecops("assign", file, *pairs)
    assert code == 1
    assert said in error
    assert not (tmp_path / "o.csv").exists()


def test_tests_of_an_empty_store(ecops: Ecops, shop: Path) -> None:
    code, out, _ = ecops("tests", "--store", shop, "--lang", "en")
    assert code == 0
    assert "The store holds no test" in out


def test_planning_without_history_is_refused(ecops: Ecops, shop: Path) -> None:
    code, _, error = ecops("plan-test", "--store", shop)
    assert code == 1
    assert "no last day" in error


def test_planning_names_the_wrong_metric(ecops: Ecops, shop: Path) -> None:
    code, _, error = ecops("plan-test", "--store", shop, "--metric", "conversion")
    assert code == 1
    assert "did you mean 'conversion_rate'" in error
