"""The tree of errors: one sentence each, saying what was given and what would do.

EcopsError
├── ColumnError       a table lacks a column, or a column holds something else
├── ParameterError    an argument or a notebook parameter has an impossible value
├── FileError         a file cannot be read, or cannot be told apart
├── StoreError        a store folder is missing, damaged or not ours
├── MissingDataError  the store lacks the table or the days that a question needs
├── MetricError       a metric is unknown, or must not be computed as asked
└── NotebookError     a notebook is unknown, ill-formed, or failed while running
"""

from __future__ import annotations


class EcopsError(Exception):
    """Anything the kit refuses to do; the message names the way out."""


class ColumnError(EcopsError, KeyError):
    """A table lacks a column, or a column holds something else than it should."""

    __str__ = Exception.__str__


class ParameterError(EcopsError, ValueError):
    """An argument or a notebook parameter has an impossible value."""


class FileError(EcopsError):
    """A file cannot be read, or cannot be told apart from others."""


class StoreError(EcopsError):
    """A store folder is missing, damaged or not a store."""


class MissingDataError(EcopsError):
    """The store lacks the table or the days that a question needs."""


class MetricError(EcopsError):
    """A metric is unknown, or must not be computed as asked."""


class NotebookError(EcopsError):
    """A notebook is unknown, ill-formed, or failed while running."""
