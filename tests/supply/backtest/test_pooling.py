"""Boards of parts put together are the board of the whole."""

from __future__ import annotations

import datetime as dt
from dataclasses import asdict, dataclass

import numpy as np
import pandas as pd
import pytest

from ecops_lib.supply.backtest import Backtest, backtest_forecasts
from ecops_lib.supply.backtest.pooling import pool_boards
from ecops_lib.supply.panel import Floats, Panel


@dataclass(frozen=True)
class Banded:
    """A distribution of two levels."""

    mean: Floats
    quantiles: Floats
    levels: tuple[float, ...] = (0.1, 0.9)


def weekday_mean(past: Panel, horizon: int) -> Banded:
    mean = np.repeat(np.nanmean(past.values, axis=1, keepdims=True), horizon, axis=1)
    return Banded(mean, np.stack([0.5 * mean, 1.6 * mean]))


def scored(values: Floats, worth: Floats | None) -> Backtest:
    keys = pd.DataFrame(index=range(len(values)))
    panel = Panel(keys=keys, start=dt.date(2026, 1, 1), frequency="day", values=values)
    return backtest_forecasts(panel, methods={"ours": weekday_mean}, horizon=7, worth=worth)


@pytest.mark.parametrize("valued", [True, False])
def test_pooled_scores_are_those_of_the_whole(valued: bool) -> None:
    rng = np.random.default_rng(2)
    values = rng.poisson(rng.gamma(1.0, 4.0, (30, 1)), (30, 70)).astype(float)
    values[4, :40] = np.nan
    values[7, 65:] = np.nan
    values[9, :] = 0
    worth = rng.gamma(2.0, 5.0, 30) if valued else None
    whole = scored(values, worth)
    parts = [
        scored(values[first::3], None if worth is None else worth[first::3]) for first in range(3)
    ]
    pooled = pool_boards([*parts, None])
    assert pooled is not None
    assert (pooled.series, pooled.too_new) == (whole.series, whole.too_new)
    assert pooled.origins == whole.origins
    for one, other in zip(pooled.methods, whole.methods, strict=True):
        for side in ("by_units", "by_value"):
            held, told = getattr(one, side), getattr(other, side)
            assert (held is None) == (told is None)
            if held is not None:
                assert flat(asdict(held)) == pytest.approx(flat(asdict(told)), nan_ok=True)
        assert np.allclose(np.sort(one.rmsse_each), np.sort(other.rmsse_each), equal_nan=True)
    assert [f.text for f in pooled.findings()] == [f.text for f in whole.findings()]


def flat(scores: dict[str, object]) -> dict[str, float]:
    """Scores and their weights side by side."""
    weights = scores.pop("weights")
    assert isinstance(weights, dict)
    plain = {name: float(str(score)) for name, score in scores.items()}
    return {**plain, **{f"of {name}": weight for name, weight in weights.items()}}


def test_no_board_where_no_part_has_one() -> None:
    assert pool_boards([None, None]) is None
