"""Typed parameters of a notebook: the only way values get in.

The cell tagged ``parameters`` holds one line a parameter,

    as_of: str = ""  # last day of the page; empty: the last whole day | 报告日；空为最后完整日

of type ``str``, ``int``, ``float``, ``bool`` or ``list[str]``. A value given on the command
line is converted by the declared type, never guessed: ``007`` stays text. The values are
written into that very cell, so that the executed notebook shows what it ran with and runs
again in JupyterLab as it is.
"""

from __future__ import annotations

import ast
import datetime as dt
import io
import json
import math
import re
import tokenize
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from ecops_lib.core.checks import listed, nearest
from ecops_lib.core.errors import NotebookError, ParameterError
from ecops_lib.core.language import Language
from ecops_lib.reports.days import is_day_name, resolve_day

Value = str | int | float | bool | list[str]

YES = frozenset({"true", "yes", "on", "1", "是"})
NO = frozenset({"false", "no", "off", "0", "否"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """One line of the parameters cell.

    Attributes:
        name: Its name.
        type: ``str``, ``int``, ``float``, ``bool`` or ``list[str]``.
        default: The value in the notebook.
        help: What it means, by language.
    """

    name: str
    type: str
    default: Value
    help: Mapping[str, str]

    def help_in(self, language: Language) -> str:
        """What it means, in a language."""
        return self.help[language]

    def line(self, value: Value) -> str:
        """The line with another value."""
        words = dict.fromkeys(text for text in self.help.values() if text)
        comment = f"  # {' | '.join(words)}" if words else ""
        return f"{self.name}: {self.type} = {value!r}{comment}"


def read_parameters(source: str, *, notebook: str) -> dict[str, Parameter]:
    """The parameters declared by a cell's source, in order.

    Args:
        source: Text of the cell.
        notebook: Name of the notebook, for errors.

    Raises:
        NotebookError: A line is not ``name: type = literal  # help``; it is quoted.

    >>> read_parameters('top: int = 5  # rows | 行数', notebook="x")["top"].help_in("zh")
    '行数'
    """
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError) as error:
        raise _ill_formed(notebook, source, getattr(error, "lineno", None) or 1) from error
    comments = _comments(source)
    found: dict[str, Parameter] = {}
    for statement in tree.body:
        parameter = _declared(statement, comments.get(statement.lineno, ""))
        if parameter is None or parameter.name in found:
            raise _ill_formed(notebook, source, statement.lineno)
        found[parameter.name] = parameter
    return found


def _ill_formed(notebook: str, source: str, line: int) -> NotebookError:
    lines = source.splitlines() or [""]
    text = lines[min(line, len(lines)) - 1].strip()
    return NotebookError(
        f"the parameters cell of {notebook} has the line {text!r}; a line must read "
        f"'name: type = literal  # help' once a name, with a type of {listed(CONVERT)}."
    )


def _comments(source: str) -> dict[int, str]:
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    return {t.start[0]: t.string.lstrip("# ") for t in tokens if t.type == tokenize.COMMENT}


def _declared(statement: ast.stmt, comment: str) -> Parameter | None:
    """The parameter that a statement declares, or None where it declares none."""
    if not isinstance(statement, ast.AnnAssign) or not isinstance(statement.target, ast.Name):
        return None
    kind = ast.unparse(statement.annotation)
    one_line = statement.lineno == statement.end_lineno
    if kind not in CONVERT or statement.value is None or not one_line:
        return None
    try:
        default = _typed(ast.literal_eval(statement.value), kind)
    except (ValueError, TypeError, SyntaxError):
        return None
    english, _, chinese = (part.strip() for part in comment.partition("|"))
    words = {"en": english, "zh": chinese or english}
    return Parameter(name=statement.target.id, type=kind, default=default, help=words)


def _typed(value: object, kind: str) -> Value:
    """A Python value of exactly the declared type; a whole number will do for a float.

    Raises:
        TypeError: It is of another type.
    """
    if kind == "str" and isinstance(value, dt.date):
        return value.isoformat()
    if kind == "float" and type(value) in {int, float} and math.isfinite(cast("float", value)):
        return float(cast("float", value))
    if kind == "list[str]" and isinstance(value, list | tuple):
        if all(type(item) is str for item in value):
            return list(value)
    elif type(value).__name__ == kind != "float":
        return cast("Value", value)
    raise TypeError(kind)


def bind_parameters(
    declared: Mapping[str, Parameter],
    given: Mapping[str, object],
    *,
    notebook: str,
    today: dt.date,
) -> dict[str, Value]:
    """Every declared parameter with its value: the given one, else the notebook's.

    Args:
        declared: What the notebook takes.
        given: Values by name: text is converted by the declared type, other values must
            have that type (a date will do for text).
        notebook: Name of the notebook, for errors.
        today: The present day where the shop is, for ``yesterday`` and its kind.

    Raises:
        ParameterError: The notebook takes no such parameter, or the value does not convert.
    """
    for name in given:
        if name not in declared:
            raise ParameterError(
                f"{notebook} takes no parameter {name!r}{nearest(name, declared)}; "
                f"it takes {listed(declared)}."
            )
    values = {}
    for name, parameter in declared.items():
        value = convert(parameter, given[name]) if name in given else parameter.default
        if is_day_name(name) and isinstance(value, str):
            value = resolve_day(value, name=name, today=today)
        values[name] = value
    return values


def convert(parameter: Parameter, value: object) -> Value:
    """One given value in the parameter's type.

    Raises:
        ParameterError: It does not convert; the message says what would.
    """
    try:
        if isinstance(value, str):
            return CONVERT[parameter.type](value)
        return _typed(value, parameter.type)
    except (ValueError, TypeError):
        raise ParameterError(
            f"{parameter.name} is {value!r}; it must be {WANTED[parameter.type]}."
        ) from None


def given_once(assignments: Iterable[str], options: Mapping[str, str | None]) -> dict[str, str]:
    """The values given on a command line, by name.

    Args:
        assignments: ``name=value``; everything after the first ``=`` is value.
        options: Values given by options of their own; None where not given.

    Raises:
        ParameterError: A text is no assignment, or a parameter is given twice.

    >>> given_once(["note=a=b # c"], {"lang": "zh", "as_of": None})
    {'note': 'a=b # c', 'lang': 'zh'}
    """
    pairs = [_assignment(text) for text in assignments]
    pairs += [(name, value) for name, value in options.items() if value is not None]
    given = dict(pairs)
    if len(given) < len(pairs):
        names = [name for name, _ in pairs]
        twice = sorted({name for name in names if names.count(name) > 1})
        raise ParameterError(f"{listed(twice)} is given more than once; give it once.")
    return given


def _assignment(text: str) -> tuple[str, str]:
    name, sign, value = text.partition("=")
    if not sign or not name.strip():
        raise ParameterError(f"-p is {text!r}; it must be name=value, such as as_of=2026-11-01.")
    return name.strip(), value


def write_parameters(declared: Mapping[str, Parameter], values: Mapping[str, Value]) -> str:
    """The source of a parameters cell that holds these values, help and order kept."""
    return "\n".join(parameter.line(values[name]) for name, parameter in declared.items())


def _integer(text: str) -> int:
    if not re.fullmatch(r"[+-]?[0-9]+", text.strip()):
        raise ValueError(text)
    return int(text)


def _number(text: str) -> float:
    number = float(text)
    if not math.isfinite(number) or "_" in text:
        raise ValueError(text)
    return number


def _flag(text: str) -> bool:
    word = text.strip().lower()
    if word not in YES | NO:
        raise ValueError(text)
    return word in YES


def _texts(text: str) -> list[str]:
    """Items between commas, or a JSON list where an item holds a comma itself."""
    if text.lstrip().startswith("["):
        items: Any = json.loads(text)
        return cast("list[str]", _typed(items, "list[str]"))
    return [item.strip() for item in text.split(",") if item.strip()]


CONVERT: Mapping[str, Callable[[str], Value]] = {
    "str": str,
    "int": _integer,
    "float": _number,
    "bool": _flag,
    "list[str]": _texts,
}
WANTED: Mapping[str, str] = {
    "str": "text",
    "int": "a whole number such as 7",
    "float": "a number such as 0.25",
    "bool": "true or false",
    "list[str]": 'items between commas such as red,blue, or ["a,b", "c"] as JSON',
}
