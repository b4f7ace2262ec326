"""Forecasts of the parts of a panel put together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ecops_lib.supply.backtest.pooling import pool_boards
from ecops_lib.supply.forecast.distribution import Spread
from ecops_lib.supply.forecast.effects import Effects
from ecops_lib.supply.forecast.result import Forecast

Places = np.ndarray[Any, np.dtype[np.intp]]


def join_forecasts(parts: Sequence[Forecast], places: Sequence[Places]) -> Forecast:
    """One forecast of many, in the order of the whole panel.

    Futures of a series go on being drawn from the windows of its own part.

    Args:
        parts: Forecasts of the parts, of the same days.
        places: Positions of each part's series in the whole panel.
    """
    import pandas as pd

    if len(parts) == 1:
        return parts[0]
    back = np.argsort(np.concatenate(places))

    def rows(of: Callable[[Forecast], np.ndarray[Any, Any]]) -> np.ndarray[Any, Any]:
        return np.concatenate([of(part) for part in parts])[back]

    return replace(
        parts[0],
        keys=pd.concat([part.keys for part in parts]).iloc[back],
        mean=rows(lambda part: part.mean),
        naive=rows(lambda part: part.naive),
        quantiles=rows(lambda part: part.quantiles.swapaxes(0, 1)).swapaxes(0, 1),
        method=rows(lambda part: part.method),
        spread=Spread(
            centre=rows(lambda part: part.spread.centre),
            shapes=rows(lambda part: part.spread.shapes),
            ranks=np.concatenate([part.spread.ranks for part in parts]),
            held=np.concatenate([part.spread.held for part in parts], axis=1),
            groups=np.concatenate(
                [_numbered(n, part.spread.groups) for n, part in enumerate(parts)]
            )[back],
            owners=np.concatenate(
                [_numbered(n, part.spread.owners) for n, part in enumerate(parts)]
            ),
        ),
        effects=_join_effects(parts, back),
        backtest=pool_boards([part.backtest for part in parts]),
    )


def _numbered(number: int, groups: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Groups of a part under names of their own."""
    return np.array([f"{number}/{group}" for group in groups], dtype=object)


def _join_effects(parts: Sequence[Forecast], back: Places) -> Effects | None:
    """The parts' effects: each series keeps its factors; the slopes are the parts' mean."""
    held = [part.effects for part in parts]
    if any(effects is None for effects in held):
        return None
    told = [effects for effects in held if effects is not None]
    factors = [
        np.broadcast_to(effects.factors, (len(part.mean), effects.factors.shape[1]))
        for part, effects in zip(parts, told, strict=True)
    ]
    return Effects(
        names=told[0].names,
        slopes=np.mean([effects.slopes for effects in told], axis=0),
        factors=np.concatenate(factors)[back],
        untold=told[0].untold,
    )
