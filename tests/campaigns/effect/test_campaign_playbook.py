"""Lessons: drawn from a campaign's effect, kept in a file that a hand may edit, never twice."""

from __future__ import annotations

import datetime as dt
import tomllib
from pathlib import Path

import campaign_worlds as worlds
import pytest
from campaign_worlds import World, campaign, shop_of

from ecops_lib.campaigns.effect import measure_effect
from ecops_lib.campaigns.playbook import (
    FILE,
    HISTORY,
    Lesson,
    draw_lessons,
    entries_for,
    keep_lessons,
    read_playbook,
)
from ecops_lib.core.errors import StoreError
from ecops_lib.core.language import set_reader
from ecops_lib.data.store import Store, create_store

AS_OF = dt.date(2026, 8, 5)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return create_store(tmp_path / "shop", name="Shop")


def lesson(campaign_id: str = "tea-2026", **changes: object) -> Lesson:
    return Lesson(**{  # type: ignore[arg-type]
        "key": "after", "kind": "tea days", "rule": "It borrows.", "campaign": campaign_id,
        "outcome": "confirmed", "on": AS_OF, "why": "p 0.01", **changes,
    })  # fmt: skip


def test_lessons_follow_what_was_planted() -> None:
    args = {"campaign": campaign(), "as_of": AS_OF, "time_zone": worlds.ZONE}
    planted = draw_lessons(measure_effect(shop_of(World(lift=3, refunds=0.3)), **args))  # type: ignore[arg-type]
    held = {one.key: one.outcome for one in planted}
    assert held["takes/P01"] == "confirmed"
    assert held["refunds"] == "confirmed"
    assert {one.kind for one in planted} == {"tea days"}
    gift = World(lift=1, borrowed=1, taken=1, discount=0.5)
    lost = {one.key: one for one in draw_lessons(measure_effect(shop_of(gift), **args))}  # type: ignore[arg-type]
    assert lost["paid"].outcome == "refuted"
    assert lost["paid"].why.startswith("The campaign did not pay")
    assert "takes/P01" not in lost
    whole = measure_effect(shop_of(World()), campaign=campaign(products=()), as_of=AS_OF,
                           time_zone=worlds.ZONE)  # fmt: skip
    assert draw_lessons(whole) == ()


def test_a_campaign_counts_once_and_a_later_one_confirms_or_refutes(store: Store) -> None:
    keep_lessons(store, [lesson()])
    again = keep_lessons(store, [lesson()])
    assert again.revision == 1
    assert not (store.path / HISTORY).exists()
    keep_lessons(store, [lesson("tea-2027", outcome="refuted")])
    held = keep_lessons(store, [lesson("tea-2028", outcome="refuted")])
    [row] = held.to_frame().to_dict("records")
    assert (row["confirmed"], row["refuted"], row["last"]) == (1, 2, "tea-2028")
    assert held.revision == 3
    assert sorted(f.name for f in (store.path / HISTORY).iterdir()) == ["0001.toml", "0002.toml"]
    changed = keep_lessons(store, [lesson(outcome="refuted")])  # the same, read again later
    assert changed.to_frame()["refuted"].tolist() == [3]


def test_what_a_hand_has_written_stays(store: Store) -> None:
    text = (
        '# ours\n[[lessons]]\nkey = "ours"\nrule = "<b>Never</b> on rent day"\n'
        'owner = "王芳"\nsince = 2025-01-01\n'
    )
    (store.path / FILE).write_text(text, "utf-8")
    keep_lessons(store, [lesson()])
    kept = tomllib.loads((store.path / FILE).read_text("utf-8"))["lessons"]
    assert kept[0] == tomllib.loads(text)["lessons"][0]
    assert (store.path / HISTORY / "0000.toml").read_text("utf-8") == text
    fitting = entries_for(read_playbook(store), campaign())
    assert len(fitting.entries) == 2
    other = entries_for(read_playbook(store), campaign(kind="double11"))
    assert [e["key"] for e in other.entries] == ["ours"]
    assert "<b>" not in other._repr_html_()


def test_the_view_says_what_fits_and_what_was_refuted(store: Store) -> None:
    assert read_playbook(store).absent().startswith("No lesson is kept yet")
    keep_lessons(store, [lesson(outcome="refuted")])
    for language, words in (
        ("en", "Refuted more often than confirmed: It borrows."),
        ("zh", "被推翻的次数多于证实：It borrows."),
    ):
        set_reader(language)
        assert words in [f.text for f in read_playbook(store).findings()]


@pytest.mark.parametrize("text", ["lessons = 5", "lessons = [1]", "not toml", "\udcff"])
def test_a_file_that_cannot_be_read_is_left_alone(store: Store, text: str) -> None:
    raw = text.encode("utf-8", "surrogateescape")
    (store.path / FILE).write_bytes(raw)
    with pytest.raises(StoreError, match="campaign_playbook"):
        keep_lessons(store, [lesson()])
    assert (store.path / FILE).read_bytes() == raw
