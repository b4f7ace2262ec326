"""ecops: analytics for people who run online stores."""

from __future__ import annotations

from ecops_lib.core.language import reading, set_reader
from ecops_lib.data.store import create_store, open_store

__all__ = ["create_store", "open_store", "reading", "set_reader"]
__version__ = "0.1.0"
