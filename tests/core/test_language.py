"""The reader: a language and a currency, set for a block or from here on."""

from __future__ import annotations

import pytest

from ecops_lib.core.errors import ParameterError
from ecops_lib.core.language import Reader, mark, ntr, reader, reading, set_reader, tr


def test_a_block_reads_in_its_language_and_ends_with_the_reader_before() -> None:
    with reading("zh", "USD"):
        assert reader() == Reader(language="zh", currency="USD")
        assert reader().locale == "zh_CN"
        with reading(currency="EUR"):
            assert reader() == Reader(language="zh", currency="EUR")
        assert reader().currency == "USD"
    assert reader() == Reader(language="en", currency="CNY")


def test_a_block_that_fails_gives_the_reader_back() -> None:
    with pytest.raises(ZeroDivisionError), reading("zh"):
        1 / 0  # noqa: B018
    assert reader().language == "en"


def test_set_reader_holds_from_here_on() -> None:
    set_reader("zh")
    assert tr("watch") == "关注"
    set_reader(currency="GBP")
    assert reader() == Reader(language="zh", currency="GBP")


@pytest.mark.parametrize("language", ["fr", "zh_CN", "", "ZH"])
def test_another_language_is_refused_and_changes_nothing(language: str) -> None:
    with pytest.raises(ParameterError, match=f"language is {language!r}; it must be one of"):
        set_reader(language)  # type: ignore[arg-type]
    assert reader().language == "en"


def test_values_are_filled_in_and_never_read_as_a_message() -> None:
    assert tr("{owner}: {action}", owner="{action}", action="%s {0}") == "{action}: %s {0}"
    assert tr("100% {free}") == "100% {free}"
    assert tr("") == ""


def test_a_value_that_the_message_needs_must_be_given() -> None:
    with pytest.raises(KeyError, match="action"):
        tr("{owner}: {action}", owner="x")


def test_a_message_without_translation_stays_english() -> None:
    with reading("zh"):
        assert tr("no such message: {x}".replace("such", "such"), x=1) == "no such message: 1"


@pytest.mark.parametrize(("number", "form"), [(0, "many"), (1, "one"), (1.0, "one"), (1.5, "many")])
def test_english_counts_one_and_many(number: float, form: str) -> None:
    assert ntr("one", "many", number) == form


def test_chinese_has_one_form_for_all_numbers() -> None:
    with reading("zh"):
        said = {ntr("{number} day", "{number} days", n, number="N") for n in (0, 1, 2, 1.5)}
    assert said == {"N 天"}


def test_a_marked_message_is_the_message() -> None:
    assert mark("watch") == "watch"
