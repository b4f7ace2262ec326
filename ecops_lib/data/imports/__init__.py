"""Imports: raw exports of any platform into the store's canonical tables."""

from ecops_lib.data.imports.pipeline import import_files
from ecops_lib.data.imports.result import FileReport, ImportResult

__all__ = ["FileReport", "ImportResult", "import_files"]
