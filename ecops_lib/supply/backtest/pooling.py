"""Boards of the parts of a panel put together, as if it had been scored as one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import nan

import numpy as np

from ecops_lib.supply.backtest.board import Backtest
from ecops_lib.supply.backtest.scoring import MethodScores, Scores


def pool_boards(boards: Sequence[Backtest | None]) -> Backtest | None:
    """One board of many: each score weighed by what it is a share or mean of.

    Args:
        boards: Boards of the parts, with the same methods; None where a part has none.

    Returns:
        The board of all; None where no part has one.
    """
    held = [board for board in boards if board is not None]
    if not held:
        return None
    methods = [
        _pool_methods([board.methods[place] for board in held])
        for place in range(len(held[0].methods))
    ]
    return replace(
        held[0],
        methods=tuple(methods),
        origins=tuple(sorted({origin for board in held for origin in board.origins})),
        series=sum(board.series for board in held),
        too_new=sum(board.too_new for board in held),
    )


def _pool_methods(methods: Sequence[MethodScores]) -> MethodScores:
    by_value = [method.by_value for method in methods if method.by_value is not None]
    return MethodScores(
        name=methods[0].name,
        by_units=_pool([method.by_units for method in methods]),
        by_value=_pool(by_value) if len(by_value) == len(methods) else None,
        rmsse_each=np.concatenate([method.rmsse_each for method in methods]),
        seconds=sum(method.seconds for method in methods),
    )


def _pool(parts: Sequence[Scores]) -> Scores:
    names = list(parts[0].weights)
    weights = {name: sum(part.weights[name] for part in parts) for name in names}
    return Scores(**{name: _mean(parts, name) for name in names}, weights=weights)


def _mean(parts: Sequence[Scores], name: str) -> float:
    """Mean of one score, each part by its weight; parts without a score left out."""
    told = [(getattr(part, name), part.weights[name]) for part in parts]
    told = [(score, weight) for score, weight in told if not np.isnan(score)]
    total = sum(weight for _, weight in told)
    return sum(score * weight for score, weight in told) / total if total else nan
