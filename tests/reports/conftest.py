"""A small store, and notebooks that each show one behaviour of the runner."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def notebooks() -> Path:
    """Notebooks that each show one behaviour."""
    return Path(__file__).parents[1] / "notebooks"


@pytest.fixture(scope="session")
def small_shop(make_shop):
    """Five days with four orders of 10.50 each, the last day's last one early."""
    start = dt.datetime(2026, 11, 1, 1, tzinfo=dt.UTC)
    hours = [(day, hour) for day in range(5) for hour in (0, 3, 6, 9)][:-1]
    return make_shop(start + dt.timedelta(days=day, hours=hour) for day, hour in hours)
