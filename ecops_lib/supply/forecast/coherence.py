"""Forecasts that agree: SKUs add up to their categories, and categories to the shop."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from ecops_lib.core.errors import ParameterError
from ecops_lib.core.findings import Finding, Level
from ecops_lib.core.formats import Unit, show
from ecops_lib.core.language import mark, ntr, tr
from ecops_lib.core.names import short_name
from ecops_lib.core.results import Result
from ecops_lib.supply.backtest.folds import cut_folds
from ecops_lib.supply.backtest.rolling import Distribution, Forecaster
from ecops_lib.supply.forecast.tree import Places, Tree, grow_tree, reconcile, round_whole
from ecops_lib.supply.panel import Floats, Panel

if TYPE_CHECKING:
    import pandas as pd

SHOP = mark("whole shop")
APART = 0.05
"""Gap between the shop's own forecast and the sum of its SKUs' above which it is said."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Coherent(Result):
    """Forecasts of every SKU, category and the shop that add up.

    Attributes:
        tree: Which SKU is in which group.
        by: Columns of the groups, the widest first.
        base: Forecasts as made level by level, the shop first (nodes, horizon).
        mean: Coherent forecasts of the SKUs (told series, horizon), none negative.
        whole: The same in whole units whose sums are the rounded sums.
        start: First day ahead.
        rows: Positions of the SKUs in the panel.
        untold: SKUs without a forecast of their own, which are left out.
    """

    sheet: ClassVar[str] = mark("Forecasts that add up")
    units: ClassVar[dict[str, Unit]] = {
        "skus": "count",
        "from_skus": "count",
        "own": "count",
        "coherent": "count",
        "change": "share",
    }
    labels: ClassVar[dict[str, str]] = {
        "group": mark("Group"),
        "skus": mark("SKUs"),
        "from_skus": mark("Sum of the SKUs' own"),
        "own": mark("Forecast as one"),
        "coherent": mark("Both agreed"),
        "change": mark("Against the SKUs' own"),
    }

    tree: Tree
    by: tuple[str, ...]
    base: tuple[Floats, ...]
    mean: Floats
    whole: Floats
    start: dt.date
    rows: Places
    untold: int

    def to_frame(self) -> pd.DataFrame:
        """One row a group, the shop first: units over the whole horizon."""
        import pandas as pd

        parts = []
        agreed, below = self.tree.sums(self.mean), self.tree.sums(self.base[-1])
        leaves = self.tree.leaves_below()
        for depth, names in enumerate(self.tree.names[:-1]):
            held = {
                "group": [self._name(depth, name) for name in names],
                "skus": leaves[depth],
                "from_skus": below[depth].sum(axis=1),
                "own": self.base[depth].sum(axis=1),
                "coherent": agreed[depth].sum(axis=1),
            }
            parts.append(pd.DataFrame(held).sort_values("coherent", ascending=False, kind="stable"))
        table = pd.concat(parts, ignore_index=True)
        nothing = table["from_skus"] == 0
        table["change"] = table["coherent"] / table["from_skus"].mask(nothing) - 1
        return table

    def _name(self, depth: int, name: str) -> str:
        return tr(SHOP) if depth == 0 else short_name(name, tr("no group"))

    def findings(self) -> tuple[Finding, ...]:
        """Whether the shop's forecast and its SKUs' differed, and what was agreed."""
        own, below = float(self.base[0].sum()), float(self.base[-1].sum())
        agreed = float(self.mean.sum())
        given = {
            "own": show(own, "count"),
            "below": show(below, "count"),
            "agreed": show(agreed, "count"),
            "skus": ntr("{count} SKU", "{count} SKUs", len(self.mean),
                        count=show(len(self.mean), "count")),
        }  # fmt: skip
        level: Level = "watch"
        if own > (1 + APART) * below:
            text = tr(
                "The shop as a whole is forecast to sell {own} units, more than the {below} of its "
                "{skus} together; agreed on {agreed}.",
                **given,
            )
        elif own < (1 - APART) * below:
            text = tr(
                "The shop as a whole is forecast to sell {own} units, fewer than the {below} of "
                "its {skus} together; agreed on {agreed}.",
                **given,
            )
        else:
            level = "info"
            text = tr(
                "The shop's forecast of {own} units and the {below} of its {skus} together are "
                "close; agreed on {agreed}.",
                **given,
            )
        evidence = {"own": own, "from_skus": below, "coherent": agreed}
        said = Finding(key="coherence/shop", level=level, text=text, evidence=evidence)
        return (said, self._left_aside()) if self.untold else (said,)

    def _left_aside(self) -> Finding:
        text = ntr(
            "{count} SKU without a forecast of its own is in none of these sums.",
            "{count} SKUs without a forecast of their own are in none of these sums.",
            self.untold,
            count=show(self.untold, "count"),
        )
        return Finding(
            key="coherence/untold", level="info", text=text, evidence={"skus": self.untold}
        )


def reconcile_forecasts(
    panel: Panel,
    *,
    forecaster: Forecaster,
    horizon: int,
    by: Sequence[str] = ("category",),
    forecast: Distribution | None = None,
) -> Coherent:
    """Forecast SKUs, categories and the shop each on their own, and make them agree.

    Wide sums are smoother and forecast with less error; each forecast counts as much as it
    was right on the last ``horizon`` periods (see ``tree.reconcile``).

    Args:
        panel: The SKUs; an unknown period within a SKU's life counts with the mean of the
            SKU's known ones in the sums.
        forecaster: Way of forecasting; called for every level.
        horizon: Periods ahead.
        by: Columns of ``panel.keys`` to group by, the widest first.
        forecast: The SKUs' forecast where it is at hand.

    Raises:
        ColumnError: ``panel.keys`` has no such column.
        ParameterError: No SKU has a forecast, or the panel is too short for a last window to
            learn from.
    """
    if not len(panel):
        raise ParameterError("the panel has no series; there is nothing to make agree.")
    skus = _mean_of(forecaster(panel, horizon) if forecast is None else forecast)
    rows = np.flatnonzero(~np.isnan(skus).any(axis=1))
    if not len(rows):
        raise ParameterError("no series of the panel has a forecast; there is nothing to sum.")
    told = panel.rows(rows)
    tree = grow_tree(told.keys, by=by)
    levels = _level_panels(told, tree)
    base = [*(_mean_of(forecaster(level, horizon)) for level in levels[:-1]), skus[rows]]
    held = [_last_errors(level, forecaster, horizon) for level in levels]
    mean = reconcile(tree, base, variances=_error_variances(tree, held))
    return Coherent(
        tree=tree,
        by=tuple(by),
        base=tuple(base),
        mean=mean,
        whole=round_whole(tree, mean),
        start=panel.days(ahead=1)[-1].date(),
        rows=rows,
        untold=len(panel) - len(rows),
    )


def _mean_of(told: Floats | Distribution) -> Floats:
    return told if isinstance(told, np.ndarray) else told.mean


def _level_panels(panel: Panel, tree: Tree) -> list[Panel]:
    """The panel summed up for every level, the shop first and the SKUs last."""
    import pandas as pd

    values = tree.sums(_within_life(panel.values))
    weights = np.nansum(panel.values, axis=1, keepdims=True) + 1e-9
    below = tree.sums(weights)
    drivers: list[dict[str, Floats]] = [{} for _ in values]
    for name, held in panel.drivers.items():
        if len(held) == 1:
            each = [held for _ in values]
        else:
            each = [s / w for s, w in zip(tree.sums(held * weights), below, strict=True)]
        for level, own in zip(drivers, each, strict=True):
            level[name] = own
    return [
        replace(panel, keys=pd.DataFrame(index=range(len(held))), values=held, drivers=known)
        for held, known in zip(values[:-1], drivers[:-1], strict=True)
    ] + [panel]


def _within_life(values: Floats) -> Floats:
    """Unknown periods as the mean of the known ones, zero before and after a life."""
    known = ~np.isnan(values)
    count = known.sum(axis=1, keepdims=True)
    total = np.where(known, values, 0).sum(axis=1, keepdims=True)
    mean = np.divide(total, count, out=np.zeros_like(total), where=count > 0)
    begun = np.maximum.accumulate(known, axis=1)
    living = begun & np.maximum.accumulate(known[:, ::-1], axis=1)[:, ::-1]
    return np.asarray(np.where(known, values, np.where(living, mean, 0.0)))


def _last_errors(panel: Panel, forecaster: Forecaster, horizon: int) -> tuple[Floats, Floats]:
    """Errors of the last window (nodes, horizon), NaN where unknown, and the mean forecasts."""
    fold = cut_folds(panel, horizon=horizon, origins=1)[0]
    errors, size = np.full((len(panel), horizon), np.nan), np.zeros(len(panel))
    if len(fold.rows):
        said = _mean_of(forecaster(fold.past, horizon))
        errors[fold.rows] = said - fold.actual
        size[fold.rows] = np.nan_to_num(said).mean(axis=1)
    return errors, size


def _error_variances(tree: Tree, held: Sequence[tuple[Floats, Floats]]) -> list[Floats]:
    """Error variance of every node, level by level.

    A node's mean squared error counts half; the other half is its level's ratio of squared
    error to mean, as for counts whose variance grows with their mean. Errors of siblings
    move together (all miss the same festival), so that their sums err more than their own
    errors tell: each level is scaled until its variances add up to the squared errors of its
    sums, at the level above it where that takes the most.
    """
    variances = [_shrunk(errors, size) for errors, size in held]
    for depth, (errors, _) in enumerate(held):
        alone = np.nansum(_mean_square(errors))
        sums, most = np.nan_to_num(errors), 1.0
        for above in range(depth - 1, -1, -1):
            sums = tree.gather(above, sums)
            together = _mean_square(sums).sum()
            most = max(most, together / alone if alone > 0 else 1.0)
        variances[depth] = variances[depth] * most
    return variances


def _shrunk(errors: Floats, size: Floats) -> Floats:
    own = _mean_square(errors)
    level = np.maximum(size, max(size.mean(), 1e-9) * 1e-3)
    told = ~np.isnan(own)
    ratio = max(float(own[told].sum() / level[told].sum()) if told.any() else 1.0, 1e-6)
    return np.asarray(np.where(told, (own + ratio * level) / 2, ratio * level))


def _mean_square(errors: Floats) -> Floats:
    """Of each row's known cells; NaN where there is none."""
    known = ~np.isnan(errors)
    count = known.sum(axis=1)
    total = np.where(known, errors**2, 0).sum(axis=1)
    return np.asarray(np.divide(total, count, out=np.full(len(total), np.nan), where=count > 0))
