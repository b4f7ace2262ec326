"""The tree of errors: one root, plain sentences, and the docstring that draws it."""

from __future__ import annotations

import inspect

import pytest

from ecops_lib.core import errors

CLASSES = {
    name: value
    for name, value in vars(errors).items()
    if inspect.isclass(value) and issubclass(value, Exception)
}


@pytest.mark.parametrize("name", CLASSES)
def test_every_error_grows_from_the_root_and_prints_its_sentence(name: str) -> None:
    error = CLASSES[name]("orders has no column 'gmv'.")
    assert isinstance(error, errors.EcopsError)
    assert str(error) == "orders has no column 'gmv'."
    assert CLASSES[name].__doc__


def test_the_docstring_draws_every_error() -> None:
    drawn = {
        word for line in errors.__doc__.splitlines() for word in line.split() if "Error" in word
    }
    assert drawn == set(CLASSES)


def test_errors_are_also_what_python_calls_them() -> None:
    assert issubclass(errors.ColumnError, KeyError)
    assert issubclass(errors.ParameterError, ValueError)
