"""Plans of batches: read, combined, checked whole, dealt over machines."""

from __future__ import annotations

from pathlib import Path

import pytest

from ecops_lib.core.errors import FileError, ParameterError
from ecops_lib.data.store import Store
from ecops_lib.reports.batch import Plan, Task, check_plan, matrix_plan, read_plan

PLAN = """
name = "morning / early"
[defaults]
audience = "management"
lang = ["zh", "en"]
[[reports]]
notebook = "daily_review"
stores = ["shops/*"]
[[reports]]
notebook = ["supply_chain"]
stores = "shops/b"
lang = "en"
as_of = "yesterday"
parameters = { budget = 5 }
"""


@pytest.fixture
def shops(tmp_path: Path) -> Path:
    for name in ("a", "b"):
        (tmp_path / "shops" / name).mkdir(parents=True)
        (tmp_path / "shops" / name / "store.toml").write_text("")
    (tmp_path / "plan.toml").write_text(PLAN, "utf-8")
    return tmp_path


def test_a_plan_is_shops_times_notebooks_times_languages(shops: Path) -> None:
    plan = read_plan(shops / "plan.toml")
    assert plan.name == "morning-early"
    told = [(t.notebook, Path(t.store).name, dict(t.parameters)) for t in plan.tasks]
    managers = {"audience": "management"}
    assert told == [
        ("daily_review", "a", {**managers, "lang": "zh"}),
        ("daily_review", "a", {**managers, "lang": "en"}),
        ("daily_review", "b", {**managers, "lang": "zh"}),
        ("daily_review", "b", {**managers, "lang": "en"}),
        ("supply_chain", "b", {**managers, "lang": "en", "as_of": "yesterday", "budget": 5}),
    ]


def test_a_pattern_may_begin_at_the_root(shops: Path) -> None:
    plan = matrix_plan("daily_review", {"store": [f"{shops}/shops/*"]})
    assert [task.store for task in plan.tasks] == [f"{shops}/shops/a", f"{shops}/shops/b"]


def test_a_matrix_combines_all_values() -> None:
    plan = matrix_plan("daily_review", {"store": ["a", "b"], "lang": ["zh", "en"]})
    assert [(t.store, t.parameters["lang"]) for t in plan.tasks] == [
        ("a", "zh"), ("a", "en"), ("b", "zh"), ("b", "en")
    ]  # fmt: skip
    with pytest.raises(ParameterError, match="matrix has no store"):
        matrix_plan("daily_review", {"lang": ["zh"]})


def test_shards_together_are_the_whole() -> None:
    tasks = tuple(Task(notebook="n", store=str(k)) for k in range(10))
    plan = Plan(name="p", tasks=tasks)
    assert plan.part(2, 3).name == "p-2of3"  # so that runs of machines are not mixed up
    parts = [plan.part(k, 3).tasks for k in (1, 2, 3)]
    assert sorted((t.store for part in parts for t in part), key=int) == [str(k) for k in range(10)]
    assert sum(map(len, parts)) == 10
    for wrong in (0, 4):
        with pytest.raises(ParameterError, match=f"shard is {wrong}/3"):
            plan.part(wrong, 3)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[[reports]]\nnotebook = 'x'", "has no stores"),
        ("[[reports]]\nnotebok = 'x'", "has 'notebok'.*did you mean 'notebook'"),
        ("name = 'x'", "asks for no report"),
        ("[defaults]\nfoo = 1", r"\[defaults\] has 'foo'"),
        ("[[reports]]\nnotebook='x'\nstores='none/*'", "holds no store below"),
        ("[[reports]]\nnotebook='x'\nstores='s'\nparameters='y'", "write a table of values"),
    ],
)
def test_a_wrong_plan_is_refused_in_one_sentence(tmp_path: Path, text: str, words: str) -> None:
    file = tmp_path / "plan.toml"
    file.write_text(text, "utf-8")
    with pytest.raises(ParameterError, match=words):
        read_plan(file)


def test_a_plan_that_is_no_toml_is_refused(tmp_path: Path) -> None:
    (tmp_path / "plan.toml").write_text("= 1", "utf-8")
    for name in ("plan.toml", "none.toml"):
        with pytest.raises(FileError, match="cannot be read as a plan"):
            read_plan(tmp_path / name)


def test_all_that_is_wrong_is_said_before_the_first_report(
    small_shop: Store, notebooks: Path, tmp_path: Path
) -> None:
    good = str(notebooks / "orders.ipynb")
    tasks = (
        Task(notebook=good, store=str(small_shop.path)),
        Task(notebook="daily_revew", store=str(small_shop.path)),
        Task(notebook=good, store=str(tmp_path / "none")),
        Task(notebook=good, store=str(small_shop.path), parameters={"langg": "zh"}),
        Task(notebook=good, store=str(small_shop.path), parameters={"lang": "zh"}),
    )
    with pytest.raises(ParameterError) as error:
        check_plan(Plan(name="p", tasks=tasks))
    lines = str(error.value).splitlines()
    assert lines[0] == "4 of 5 reports cannot be made; nothing was run."
    assert len(lines) == 5
    assert "'daily_revew'" in lines[1]
    assert str(tmp_path / "none") in lines[2]
    assert "'langg'" in lines[3]
    assert "would lie where" in lines[4]  # zh is the store's own language: the same page
