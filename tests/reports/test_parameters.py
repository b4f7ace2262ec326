import datetime as dt

import pytest

from ecops_lib.core.errors import NotebookError, ParameterError
from ecops_lib.reports.days import resolve_day
from ecops_lib.reports.parameters import (
    bind_parameters,
    given_once,
    read_parameters,
    write_parameters,
)

TODAY = dt.date(2026, 11, 11)  # a Wednesday
CELL = """
code: str = "x"  # the code | 编码
top: int = -5
ratio: float = 1  # between 0 and 1
full: bool = False
names: list[str] = ["a", "b"]
hash: str = "a#b = c"  # a '#' and a '=' in the value
""".strip()


@pytest.fixture
def declared():
    return read_parameters(CELL, notebook="demo")


def bound(declared, **given):
    return bind_parameters(declared, given, notebook="demo", today=TODAY)


def test_cell_is_read_in_order_with_types_values_and_help(declared):
    assert [(p.name, p.type, p.default) for p in declared.values()] == [
        ("code", "str", "x"),
        ("top", "int", -5),
        ("ratio", "float", 1.0),
        ("full", "bool", False),
        ("names", "list[str]", ["a", "b"]),
        ("hash", "str", "a#b = c"),
    ]
    assert declared["code"].help_in("en") == "the code"
    assert declared["code"].help_in("zh") == "编码"
    assert declared["ratio"].help_in("zh") == "between 0 and 1"
    assert declared["hash"].help_in("en") == "a '#' and a '=' in the value"


@pytest.mark.parametrize(
    "line",
    [
        "x = 1",
        "x: int",
        "x: int | None = None",
        "x: dict = {}",
        "x: int = 1 + y",
        "x: int = True",
        "x: int = 1.5",
        "x: str = 5",
        "x: bool = 1",
        "x: float = 1e999",
        "x: list[str] = [1]",
        "x: str = f'{y}'",
        "x: str = open('f').read()",
        "import os",
        "x.y: int = 1",
        "x: str = (",
        "%matplotlib inline",
        "top: int = 4",
    ],
)
def test_line_that_is_no_typed_literal_is_refused_and_quoted(line):
    with pytest.raises(NotebookError) as caught:
        read_parameters(f"top: int = 3\n{line}", notebook="demo")
    assert repr(line) in str(caught.value)
    assert "'name: type = literal  # help'" in str(caught.value)


def test_value_over_several_lines_is_refused():
    with pytest.raises(NotebookError, match="x: list"):
        read_parameters('x: list[str] = [\n "a",\n]', notebook="demo")


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("code", "007", "007"),
        ("code", "", ""),
        ("code", "true", "true"),
        ("top", "007", 7),
        ("top", "-3", -3),
        ("ratio", "1e-3", 0.001),
        ("full", "Yes", True),
        ("full", "off", False),
        ("full", "是", True),
        ("names", "red, blue ,", ["red", "blue"]),
        ("names", '["a,b", "c"]', ["a,b", "c"]),
        ("names", "", []),
    ],
)
def test_text_is_converted_by_the_declared_type(declared, name, text, value):
    got = bound(declared, **{name: text})[name]
    assert got == value
    assert type(got) is type(value)


@pytest.mark.parametrize(
    ("name", "text", "wanted"),
    [
        ("top", "7.0", "a whole number"),
        ("top", "1_000", "a whole number"),
        ("top", "", "a whole number"),
        ("ratio", "nan", "a number"),
        ("ratio", "inf", "a number"),
        ("ratio", "5%", "a number"),
        ("full", "maybe", "true or false"),
        ("names", "[1, 2]", "items between commas"),
        ("names", '["a"', "items between commas"),
    ],
)
def test_text_that_does_not_convert_is_refused(declared, name, text, wanted):
    with pytest.raises(ParameterError, match=f"^{name} is .*; it must be {wanted}"):
        bound(declared, **{name: text})


@pytest.mark.parametrize(
    ("name", "value"), [("top", True), ("top", 1.0), ("code", 5), ("full", 1), ("ratio", None)]
)
def test_value_of_another_type_is_refused(declared, name, value):
    with pytest.raises(ParameterError, match=f"{name} is "):
        bound(declared, **{name: value})


def test_unknown_parameter_is_refused_with_the_nearest_and_all_that_exist(declared):
    with pytest.raises(ParameterError) as caught:
        bound(declared, rato="1")
    assert str(caught.value) == (
        "demo takes no parameter 'rato'; did you mean 'ratio'?; "
        "it takes 'code', 'top', 'ratio', 'full', 'names', 'hash'."
    )


@pytest.mark.parametrize(
    "text",
    [
        'it\'s "quoted"',
        "two\nlines\r\n\ttab",
        "双11 大促 🎉",
        "a # b",
        "a = b == c",
        "\\n \\ {x} %s",
        "'''",
        '"""',
        "</script><b>",
        "\u2028\u0000\x85\ud800",
        "; import os",
    ],
)
def test_hostile_text_survives_exactly_and_the_cell_stays_well_formed(declared, text):
    values = bound(declared, code=text, names=[text, ""])
    source = write_parameters(declared, values)
    seen = {}
    exec(compile(source, "cell", "exec"), seen)
    assert seen["code"] == text
    assert seen["names"] == [text, ""]
    again = read_parameters(source, notebook="demo")
    assert again["code"].default == text
    assert again["code"].help == declared["code"].help


def test_help_survives_writing(declared):
    values = bound(declared)
    assert "code: str = 'x'  # the code | 编码" in write_parameters(declared, values).splitlines()


@pytest.mark.parametrize(
    ("word", "first", "last"),
    [
        ("today", "2026-11-11", "2026-11-11"),
        ("yesterday", "2026-11-10", "2026-11-10"),
        ("昨天", "2026-11-10", "2026-11-10"),
        ("last_week", "2026-11-02", "2026-11-08"),
        ("上周", "2026-11-02", "2026-11-08"),
        ("last_month", "2026-10-01", "2026-10-31"),
        ("last_quarter", "2026-07-01", "2026-09-30"),
        ("last_year", "2025-01-01", "2025-12-31"),
        ("last_7_days", "2026-11-04", "2026-11-10"),
        ("2026-11-01", "2026-11-01", "2026-11-01"),
        ("", "", ""),
    ],
)
def test_words_for_days(word, first, last):
    assert resolve_day(word, name="start", today=TODAY) == first
    assert resolve_day(word, name="as_of", today=TODAY) == last


def test_words_at_the_ends_of_a_year():
    day = dt.date(2027, 1, 1)
    assert resolve_day("last_month", name="start_day", today=day) == "2026-12-01"
    assert resolve_day("last_quarter", name="start_day", today=day) == "2026-10-01"
    assert resolve_day("last_week", name="end_day", today=day) == "2026-12-27"


def test_word_that_is_none_is_refused_with_the_nearest():
    with pytest.raises(ParameterError, match="did you mean 'yesterday'"):
        resolve_day("yesterdy", name="as_of", today=TODAY)


def test_only_parameters_named_as_days_take_words():
    declared = read_parameters('as_of: str = ""\nnote: str = ""', notebook="demo")
    values = bound(declared, as_of="yesterday", note="yesterday")
    assert values == {"as_of": "2026-11-10", "note": "yesterday"}
    assert bound(declared, as_of=dt.date(2026, 11, 1))["as_of"] == "2026-11-01"


def test_command_line_gives_each_parameter_once():
    given = given_once(["note= a=b # c ", "x="], {"lang": "zh", "as_of": None})
    assert given == {"note": " a=b # c ", "x": "", "lang": "zh"}
    with pytest.raises(ParameterError, match="'lang' is given more than once"):
        given_once(["lang=en"], {"lang": "zh"})
    with pytest.raises(ParameterError, match="must be name=value"):
        given_once(["lang"], {})
