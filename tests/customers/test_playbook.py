"""The playbook: the built-in one, an edited file, its checks, and the plan of a month."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from ecops_lib.core.errors import EcopsError, ParameterError, StoreError
from ecops_lib.core.language import reading
from ecops_lib.customers import (
    make_tiers,
    plan_touches,
    read_playbook,
    score_customers,
    segment_customers,
    write_playbook,
)
from ecops_lib.customers.playbook import DEFAULT, TIERS, playbook_text
from ecops_lib.customers.segment_worth import Segments
from ecops_lib.data.store import Store, create_store
from tests.customers.customer_shop import ZONE, day, make_shop

Ecops = Callable[..., tuple[int, str, str]]

EDITED = """
[potential]
benefit = "10元券 <b>仅你可用</b>"
[[potential.touches]]
message = "=HYPERLINK(1) 😀 回来看看"
channel = "短信"
every_days = 15
cost = 0.05
[[potential.touches]]
message = "电话回访"
channel = "电话"
every_days = 60
owner = "王店长"
[new]
benefit = "首单关怀"
"""


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return create_store(tmp_path / "S", name="店", key=b"k" * 32, language="zh")


def tiers_of(potential: int = 4, new: int = 2) -> Segments:
    """Customers of two tiers: spent much long ago, and came last week."""
    orders = [(f"p{n}", 0, 100) for n in range(potential)]
    orders += [(f"n{n}", 195, 20) for n in range(new)]
    scores = score_customers(make_shop(orders), as_of=day(200), **ZONE)
    return segment_customers(scores, tiers=make_tiers(high_value=50.0))


def edited(store: Store, text: str) -> Store:
    (store.path / "playbook.toml").write_text(text, "utf-8")
    return store


def test_the_built_in_playbook_has_a_plan_for_every_tier(store: Store) -> None:
    book = read_playbook(store)
    assert book.file is None
    assert book.tiers.keys() == TIERS.keys() == DEFAULT.keys()
    assert all(plan.touches for plan in book.tiers.values())
    with reading("zh"):
        chinese = read_playbook(store)
        words = [t.message for plan in chinese.tiers.values() for t in plan.touches]
    assert "大促前的唤醒短信" in words
    assert not {t.message for p in book.tiers.values() for t in p.touches} & set(words)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_what_is_written_out_is_what_is_built_in(store: Store, language: str) -> None:
    with reading(language):  # type: ignore[arg-type]
        before = read_playbook(store)
        file = write_playbook(store)
        after = read_playbook(store)
    assert after.file == file == store.path / "playbook.toml"
    assert str(after.tiers) == str(before.tiers)
    assert tomllib.loads(file.read_text("utf-8")).keys() == TIERS.keys()


def test_an_edited_playbook_is_never_overwritten(store: Store) -> None:
    edited(store, EDITED)
    with pytest.raises(StoreError, match="there already and is left as it is; edit it"):
        write_playbook(store)
    assert (store.path / "playbook.toml").read_text("utf-8") == EDITED


def test_costs_and_hostile_words_survive_writing(store: Store) -> None:
    book = read_playbook(edited(store, EDITED))
    again = read_playbook(edited(store, playbook_text(book.tiers)))
    assert str(again.tiers) == str(book.tiers)
    assert again.tiers["potential"].touches[0].cost == 0.05


def test_the_plan_of_a_month_is_customers_times_touches(store: Store) -> None:
    plan = plan_touches(tiers_of(), read_playbook(edited(store, EDITED)))
    frame = plan.to_frame()
    mine = frame[frame["tier"] == "Potential"].to_dict("records")
    assert [row["contacts"] for row in mine] == [8.0, 2.0]
    assert mine[0]["cost"] == pytest.approx(0.4)
    assert math.isnan(mine[1]["cost"])
    assert [row["owner"] for row in mine] == ["customer operations", "王店长"]
    assert frame["tier"].tolist() == ["Core", "Potential", "Potential", "Common", "Asleep", "New"]
    told, left, source = plan.findings()
    assert told.text == (
        "The playbook asks for 10 contacts in 30 days. Those of 1 of 2 touches cost ¥0.40; the "
        "others give no cost."
    )
    assert told.money == pytest.approx(0.4)
    assert left.text == (
        "2 customers (New) are contacted by nobody, for the playbook has no touches there."
    )
    assert "are those of playbook.toml in the store's folder" in source.text
    html = plan._repr_html_()
    assert "<b>仅你可用" not in html
    assert "&lt;b&gt;仅你可用" in html


def test_the_words_follow_what_the_file_gives(store: Store) -> None:
    priced = EDITED.replace('channel = "电话"', 'channel = "电话"\ncost = 2')
    plan = plan_touches(tiers_of(new=0), read_playbook(edited(store, priced)))
    assert [f.key for f in plan.findings()] == ["playbook/month", "playbook/source"]
    assert plan.findings()[0].text.endswith("Together they cost ¥4.40.")
    (store.path / "playbook.toml").unlink()
    built_in = plan_touches(tiers_of(), read_playbook(store))
    words = str(built_in)
    assert "What one costs is not given, so their cost is not told." in words
    assert "the command ecops playbook writes it into the store's folder" in words
    with reading("zh"):
        assert "这是内置的运营手册" in str(plan_touches(tiers_of(), read_playbook(store)))


WRONG_FILES = {
    "[cor]\nbenefit='x'": "has 'cor', which is no tier; did you mean 'core'",
    "[vip]\nbenefit='x'": "the tiers are 'core', 'potential', 'common', 'asleep', 'new'",
    "core = 3": "tier 'core' in .* is 3; it must be a table",
    "[core]\nbenefits='x'": "has 'benefits', which is no field; did you mean 'benefit'",
    "[core]\nbenefit=''": "benefit is ''; it must be a text in quotes",
    "[core]\ntouches=[]": "benefit is None; it must be a text in quotes",
    "[core]\nbenefit='x'\ntouches='often'": "touches of tier 'core' .* give tables headed",
    "[core]\nbenefit='x'\ntouches=[1]": "is 1; it must be a table of 'message', 'channel'",
    "[core": "is not readable TOML",
}
TOUCH = {"message": "'m'", "channel": "'c'", "every_days": "3"}
WRONG_TOUCHES = {
    ("message", "3"): "message is 3; it must be a text",
    ("every", "5"): "has 'every', which is no field; did you mean 'every_days'",
    ("every_days", "0"): "every_days is 0; it must be a number of at least 1 and at most 366",
    ("every_days", "'a'"): "every_days is 'a'; it must be a number",
    ("every_days", "true"): "every_days is True; it must be a number",
    ("every_days", "nan"): "every_days is nan; it must be a number",
    ("every_days", ""): "every_days is missing; give the days from one to the next",
    ("cost", "-1"): "cost is -1; it must be a number of at least 0",
    ("cost", "inf"): "cost is inf; it must be a number of at least 0",
    ("owner", "7"): "owner is 7; it must be a text",
}


def refuse(store: Store, text: str, said: str) -> None:
    with pytest.raises(EcopsError, match=said) as caught:
        read_playbook(edited(store, text))
    words = str(caught.value)
    assert words.endswith(".")
    assert "playbook.toml" in words
    assert "\n" not in words


@pytest.mark.parametrize("text", WRONG_FILES)
def test_a_wrong_file_is_refused_in_one_sentence(store: Store, text: str) -> None:
    refuse(store, text, WRONG_FILES[text])


@pytest.mark.parametrize(("name", "value"), WRONG_TOUCHES)
def test_a_wrong_touch_is_refused_in_one_sentence(store: Store, name: str, value: str) -> None:
    held = {key: given for key, given in {**TOUCH, name: value}.items() if given}
    lines = [f"{key} = {given}" for key, given in held.items()]
    text = "\n".join(["[core]", "benefit = 'x'", "[[core.touches]]", *lines])
    refuse(store, text, WRONG_TOUCHES[name, value])


def test_a_file_in_another_encoding_is_refused(store: Store) -> None:
    (store.path / "playbook.toml").write_bytes("[core]\nbenefit='专属'".encode("gb18030"))
    with pytest.raises(StoreError, match="is not in UTF-8; save it again"):
        read_playbook(store)


def test_segments_that_are_no_tiers_are_refused(store: Store) -> None:
    scores = score_customers(make_shop([("a", 0, 1)]), as_of=day(9), **ZONE)
    with pytest.raises(ParameterError, match="segments are by 'groups'; a playbook is for"):
        plan_touches(segment_customers(scores, by="groups"), read_playbook(store))


def test_the_command_writes_it_once_in_the_stores_language(ecops: Ecops, store: Store) -> None:
    code, out, _ = ecops("playbook", "--store", store.path)
    assert (code, out) == (0, f"运营手册：{store.path / 'playbook.toml'}\n")
    assert "专属客服" in (store.path / "playbook.toml").read_text("utf-8")
    code, out, error = ecops("playbook", "--store", store.path, "--lang", "en")
    assert (code, out) == (1, "")
    assert "is left as it is; edit it, or move it away" in error
    assert error.count("\n") == 1
