"""Which tests a store holds, and what was agreed of each or can be inferred."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest

from ecops_lib.core.errors import MissingDataError, ParameterError
from ecops_lib.core.language import reading
from ecops_lib.data.schema import arrow_schema
from ecops_lib.data.settings import read_settings
from ecops_lib.data.store import Store, create_store, open_store
from ecops_lib.experiments.plan import make_plan
from ecops_lib.experiments.plans import is_control_name, list_tests, read_plan

MakeStore = Callable[..., Store]
Exposure = tuple[str, str, str, str]
PLAN = {"control": "red", "shares": {"red": 0.5, "blue": 0.5}, "window_days": 3}


@pytest.fixture
def make_store(tmp_path: Path) -> MakeStore:
    """A store of exposures (test, unit, variant, UTC time), with plans."""

    def make(exposures: list[Exposure], **plans: dict[str, object]) -> Store:
        shop = create_store(tmp_path / "shop", name="店", key=b"k" * 32, tests=plans)
        schema = arrow_schema("experiments")
        rows = [
            dict.fromkeys(schema.names)
            | {
                "experiment_id": test,
                "unit_key": unit,
                "variant": variant,
                "exposed_at": dt.datetime.fromisoformat(at).replace(tzinfo=dt.UTC),
            }
            for test, unit, variant, at in exposures
        ]
        if rows:
            with shop.writing() as writer:
                writer.upsert("experiments", pa.Table.from_pylist(rows, schema=schema))
        return open_store(shop.path)

    return make


OLDER = [
    ("colour", "u1", "red", "2026-03-01 15:59:59"),
    ("colour", "u1", "red", "2026-03-04 10:00:00"),
    ("colour", "u2", "blue", "2026-03-09 16:00:00"),
]
NEWER = [
    ("title", "u1", "原标题", "2026-03-05 01:00:00"),
    ("title", "u3", "新标题", "2026-03-06 01:00:00"),
]


def test_tests_are_listed_newest_first_in_local_days(make_store: MakeStore) -> None:
    listed = list_tests(make_store(OLDER + NEWER, colour=PLAN))
    assert listed.table["experiment_id"].tolist() == ["title", "colour"]
    colour = listed.table.iloc[1]
    assert colour["variants"] == ("blue", "red")
    assert (str(colour["first_day"].date()), str(colour["last_day"].date())) == (
        "2026-03-01",
        "2026-03-10",
    )
    assert (colour["exposures"], colour["units"]) == (3, 2)
    assert listed.table["planned"].tolist() == [False, True]
    assert listed.to_frame()["planned"].tolist() == ["no", "yes"]
    assert listed.to_frame()["variants"].tolist() == ["原标题, 新标题", "blue, red"]
    assert listed.absent() == ""


def test_what_lacks_a_plan_or_exposures_is_said(make_store: MakeStore) -> None:
    listed = list_tests(make_store(OLDER + NEWER, Title=PLAN))
    assert [finding.text for finding in listed.findings()] == [
        "title, colour have no plan in store.toml: their controls, their planned shares and the "
        "metrics that decide are guessed, or must be told there.",
        "store.toml plans Title, of which the store holds no exposure; import its log, or write "
        "its name as the log does.",
    ]


def test_tests_that_began_later_are_not_listed_nor_missed(make_store: MakeStore) -> None:
    listed = list_tests(make_store(OLDER + NEWER, title=PLAN), day=dt.date(2026, 3, 4))
    assert listed.table["experiment_id"].tolist() == ["colour"]
    assert (listed.table["exposures"].iloc[0], listed.table["units"].iloc[0]) == (2, 1)
    assert listed.unseen == ()


def test_nothing_is_said_where_all_is_planned(make_store: MakeStore) -> None:
    assert list_tests(make_store(OLDER, colour=PLAN)).findings() == ()


def test_a_store_without_tests_says_what_would_do(make_store: MakeStore) -> None:
    shop = make_store([])
    listed = list_tests(shop)
    assert len(listed.table) == 0
    assert listed.absent() == "The store holds no test; import the exposure log of a test."
    with pytest.raises(MissingDataError) as caught:
        read_plan(shop)
    assert str(caught.value) == (
        "the store holds no experiments; import the exposure log of a test."
    )


def test_the_plan_told_is_read(make_store: MakeStore) -> None:
    shop = make_store(OLDER + NEWER, colour=PLAN, later=PLAN)
    plan = read_plan(shop, "colour")
    assert plan == make_plan("colour", PLAN)
    assert plan.told
    assert read_plan(shop, "later").experiment_id == "later"


def test_no_name_means_the_test_that_began_last(make_store: MakeStore) -> None:
    assert read_plan(make_store(OLDER + NEWER, colour=PLAN)).experiment_id == "title"


def test_no_name_reads_the_newest_tests_plan_too(make_store: MakeStore) -> None:
    shop = make_store(OLDER, colour=PLAN)
    assert read_plan(shop) == make_plan("colour", PLAN)


def test_a_plan_is_inferred_where_one_name_tells_the_control(make_store: MakeStore) -> None:
    plan = read_plan(make_store([*NEWER, ("title", "u4", "c", "2026-03-20 17:00:00")]))
    assert not plan.told
    assert plan.control == "原标题"
    assert dict(plan.shares) == pytest.approx({"c": 1 / 3, "原标题": 1 / 3, "新标题": 1 / 3})
    assert (plan.start, plan.end) == (dt.date(2026, 3, 5), dt.date(2026, 3, 21))
    assert plan.primary == "conversion_rate"


@pytest.mark.parametrize("variants", [("red", "blue"), ("control", "old")])
def test_where_no_name_or_two_tell_it_a_plan_to_paste_is_given(
    make_store: MakeStore, variants: tuple[str, str]
) -> None:
    rows = [('co"l', f"u{v}", v, "2026-03-01 15:59:59") for v in variants]
    shop = make_store(rows)
    with pytest.raises(ParameterError) as caught:
        read_plan(shop)
    said, snippet = str(caught.value).split("\n\n")
    first, second = sorted(variants)
    assert said == (
        f"nothing tells which variant of test 'co\"l' is the control: it shows '{first}', "
        f"'{second}'; put its plan into {shop.path / 'store.toml'}, such as"
    )
    file = shop.path / "store.toml"
    file.write_text(file.read_text("utf-8") + snippet, "utf-8")
    assert read_settings(file).tests.keys() == {'co"l'}
    pasted = read_plan(open_store(shop.path))
    assert pasted.told
    assert pasted.control in variants
    assert dict(pasted.shares) == {first: 0.5, second: 0.5}
    assert pasted.start == pasted.end == dt.date(2026, 3, 1)


def test_a_test_of_one_variant_is_none(make_store: MakeStore) -> None:
    with pytest.raises(ParameterError) as caught:
        read_plan(make_store(NEWER[:1]))
    assert str(caught.value).startswith("test 'title' shows only the variant '原标题'; ")


def test_an_unknown_test_is_refused_with_those_known(make_store: MakeStore) -> None:
    with pytest.raises(ParameterError) as caught:
        read_plan(make_store(OLDER, later=PLAN), "color")
    assert str(caught.value) == (
        "experiment_id is 'color'; the store knows 'colour', 'later'; did you mean 'colour'?"
    )


@pytest.mark.parametrize(
    "name",
    [
        *("control", "Control", " CONTROL  group ", "control_1", "ctrl", "A", "old", "old_page"),
        *("Original", "baseline", "No E-Mail", "no email", "none", "hold-out"),
        *(
            "对照",
            "对照组",
            "控制组",
            "原主图",
            "原",
            "旧版",
            "旧版详情",
            "不发",
            "不发短信",
            "留白",
        ),
    ],
)
def test_names_of_controls(name: str) -> None:
    assert is_control_name(name)


@pytest.mark.parametrize(
    "name",
    [
        *(
            "treatment",
            "B",
            "AA",
            "new",
            "new_page",
            "uncontrolled",
            "controls",
            "older",
            "nonesuch",
        ),
        *("新主图", "老客券", "高原红", "无糖", "实验组", "", "Mens E-Mail"),
    ],
)
def test_other_names(name: str) -> None:
    assert not is_control_name(name)


def test_words_in_chinese(make_store: MakeStore) -> None:
    listed = list_tests(make_store(OLDER, title=PLAN))
    with reading("zh", "CNY"):
        assert [finding.text for finding in listed.findings()] == [
            "store.toml 中没有colour的方案：对照组、计划分流比例和决策指标只能推断，"
            "或须在其中写明。",
            "store.toml 中写有title的方案，但店铺数据里没有其曝光记录；请导入曝光日志，"
            "或将名称改成与日志一致。",
        ]
        assert listed.to_frame()["planned"].tolist() == ["否"]
