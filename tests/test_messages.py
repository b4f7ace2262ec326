"""Every message has a Chinese translation with the same blanks."""

from __future__ import annotations

import string
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from ecops_lib.core.language import ntr, reading, tr
from scripts import messages


def blanks(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_every_message_in_the_code_has_a_translation() -> None:
    known = messages.translations()
    missing = [where[0] for key, where in messages.extract().items() if not known.get(key)]
    assert missing == []


def test_no_translation_is_left_of_a_message_that_is_gone() -> None:
    assert set(messages.translations()) <= set(messages.extract())


def test_translations_fill_only_blanks_that_the_message_has() -> None:
    wrong = [
        key for key, text in messages.translations().items() if not blanks(text) <= blanks(key[-1])
    ]
    assert wrong == []


def test_catalogue_is_written_the_same_each_time() -> None:
    assert messages.CATALOGUE.read_bytes() == messages.write_catalogue(messages.translations())


def test_words_follow_the_reader() -> None:
    with reading("zh"):
        assert tr("act") == "需处理"
        assert ntr("{number} day", "{number} days", 2, number="2") == "2 天"
    assert tr("act") == "act"
