"""``store.toml``: what it may say, and the sentence of each refusal."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from ecops_lib.core.errors import EcopsError, ParameterError, StoreError
from ecops_lib.data.settings import THRESHOLDS, Settings, read_settings, settings_text


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "store.toml"


def refusal(file: Path, text: str, error: type[EcopsError]) -> str:
    file.write_text(text, "utf-8")
    with pytest.raises(error) as caught:
        read_settings(file)
    return str(caught.value)


@pytest.mark.parametrize(
    "settings",
    [
        Settings(name="我的店"),
        Settings(
            name='a "shop"\\ \n[owners]\ttabs \x7f 😀 # no comment',
            currency="USD",
            time_zone="America/New_York",
            language="en",
            refund_basis="refund",
            presale="deposit",
            country="US",
            thresholds={"low_stock": 1234567.25, "ship_within_hours": 24},
            owners={"stock": "王芳", "客服 一组": 'O"Neil'},
            tests={
                '主图 "A]\n测试': {
                    "control": "原\\图",
                    "shares": {"原\\图": 0.5, "new one": 0.25, "c-3": 0.25},
                    "start": dt.date(2026, 3, 23),
                    "secondary": ["average_order_value", "x\x7f"],
                    "guardrails": [],
                    "window_days": 7,
                    "least_effect": 1e-7,
                },
                "anything goes": {
                    "on": True,
                    "at": dt.datetime(2026, 3, 1, tzinfo=dt.UTC),
                    "t": {},
                },
                "": {"low": float("-inf")},
            },
            tags={
                '大客户 "A"]': {
                    "net_amount": ">= 2000",
                    "orders": [">= 3", "< 100"],
                    "province": ["浙江", "上\\海"],
                },
                "": {},
            },
        ),
    ],
    ids=["plain", "everything"],
)
def test_what_is_written_is_read(file: Path, settings: Settings) -> None:
    file.write_text(settings_text(settings), "utf-8")
    assert read_settings(file) == settings


def test_a_name_is_enough(file: Path) -> None:
    file.write_text('name = "x"\n', "utf-8")
    held = read_settings(file)
    assert held == Settings(name="x")
    assert held.refund_basis is None
    assert held.thresholds == THRESHOLDS


def test_one_threshold_leaves_the_others_as_they_are(file: Path) -> None:
    file.write_text('name = "x"\n[thresholds]\nlow_stock = 5\n', "utf-8")
    assert read_settings(file).thresholds == {**THRESHOLDS, "low_stock": 5}


def test_a_mark_that_windows_puts_first_does_not_matter(file: Path) -> None:
    file.write_bytes(b"\xef\xbb\xbf" + 'name = "店"\n'.encode())
    assert read_settings(file).name == "店"


def test_a_file_in_another_encoding_is_refused(file: Path) -> None:
    file.write_bytes('name = "店铺"\n'.encode("gb18030"))
    with pytest.raises(StoreError) as caught:
        read_settings(file)
    assert str(caught.value) == f"{file} is not in UTF-8; save it again with that encoding."


def test_a_file_that_is_not_toml_is_refused(file: Path) -> None:
    said = refusal(file, "name = my shop\n", StoreError)
    assert said.startswith(f"{file} is not readable TOML: ")


@pytest.mark.parametrize("text", ["", 'name = ""', 'name = "  "', "name = 5"])
def test_a_store_without_a_name_is_refused(file: Path, text: str) -> None:
    said = refusal(file, text, StoreError)
    assert said == f'{file} has no name; add a line such as name = "My shop".'


def test_an_unknown_setting_is_refused_with_a_hint(file: Path) -> None:
    said = refusal(file, 'name = "x"\ncurency = "CNY"\n', StoreError)
    assert said.startswith(
        f"{file} has 'curency', which is no setting; did you mean 'currency'?; they are campaigns, "
    )


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('currency = "yuan"', "currency in {} is 'yuan'; it must be an ISO code such as 'CNY'."),
        ("currency = 5", "currency in {} is 5; it must be an ISO code such as 'CNY'."),
        ('country = "China"', "country in {} is 'China'; it must be an ISO code such as 'CN'."),
        (
            'time_zone = "Beijing"',
            "time_zone in {} is 'Beijing'; it must be an IANA name such as 'Asia/Shanghai'.",
        ),
        (
            "time_zone = 8",
            "time_zone in {} is 8; it must be an IANA name such as 'Asia/Shanghai'.",
        ),
        (
            'time_zone = "../../etc/passwd"',
            "time_zone in {} is '../../etc/passwd'; "
            "it must be an IANA name such as 'Asia/Shanghai'.",
        ),
        ('language = "fr"', "language in {} is 'fr'; it must be one of 'zh', 'en'."),
        (
            'refund_basis = "paid"',
            "refund_basis in {} is 'paid'; it must be one of 'pay', 'refund'.",
        ),
        ('refund_basis = ""', "refund_basis in {} is ''; it must be one of 'pay', 'refund'."),
        ('presale = "no"', "presale in {} is 'no'; it must be one of 'full', 'deposit'."),
        ("thresholds = 5", "thresholds in {} is 5; it must be a table of numbers."),
        (
            "[thresholds]\nlow_stock = true",
            "threshold low_stock in {} is True; it must be a number.",
        ),
        (
            "[thresholds]\nlow_stock = nan",
            "threshold low_stock in {} is nan; it must lie between 0 and inf.",
        ),
        (
            "[thresholds]\nlow_stock = -1",
            "threshold low_stock in {} is -1; it must lie between 0 and inf.",
        ),
        (
            "[owners]\nstock = 5",
            "owners in {} is {{'stock': 5}}; it must be a table of names in quotes.",
        ),
        (
            "tests = 5",
            "tests in {} is 5; it must be tables, each headed by a test's id such as "
            '[tests."new title"].',
        ),
        (
            '[tests]\n"新标题" = "A"',
            "test '新标题' in {} is 'A'; it must be a table headed [tests.\"新标题\"].",
        ),
        (
            "tags = []",
            "tags in {} is []; it must be tables, each headed by a tag's name such as "
            '[tags."big spenders"].',
        ),
        (
            '[tags]\n"大客户" = ">= 3"',
            "tag '大客户' in {} is '>= 3'; it must be a table headed [tags.\"大客户\"].",
        ),
    ],
)
def test_an_impossible_value_is_refused_in_one_sentence(file: Path, line: str, said: str) -> None:
    assert refusal(file, f'name = "x"\n{line}\n', ParameterError) == said.format(file)


def test_what_toml_cannot_hold_is_not_written() -> None:
    with pytest.raises(ParameterError) as caught:
        settings_text(Settings(name="x", tests={"a": {"control": None}}))
    assert str(caught.value) == "None cannot be written into store.toml."


def test_a_misspelt_threshold_is_refused_with_a_hint(file: Path) -> None:
    said = refusal(file, 'name = "x"\n[thresholds]\nlow_stok = 5\n', ParameterError)
    assert said.startswith(f"a threshold in {file} is 'low_stok'; it must be one of ")
    assert said.endswith("did you mean 'low_stock'?")
