"""Fixtures that every folder of tests may use."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ecops_lib.core.language import reading

SHARED = Path(__file__).parents[2] / "shared" / "data"


@pytest.fixture
def shared() -> Path:
    """The folder of real shops' data; the test is skipped where it is absent."""
    if not SHARED.exists():
        pytest.skip("no folder of real data beside the repository")
    return SHARED


@pytest.fixture(autouse=True)
def english() -> Iterator[None]:
    """Every test begins with an English reader who counts in yuan."""
    with reading("en", "CNY"):
        yield
