"""The figures that an action is about: what is counted, what carries it, what it is worth."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, get_args

from ecops_lib.core.errors import MetricError, MissingDataError
from ecops_lib.data.frames import DAY
from ecops_lib.diagnosis.actions.followed import Why
from ecops_lib.diagnosis.actions.kept import KeptAction
from ecops_lib.diagnosis.claims import SHOP, claim_grids
from ecops_lib.diagnosis.counts import WINDOWS
from ecops_lib.diagnosis.history import PAST, History
from ecops_lib.metrics.facts import COLUMNS, Dimension
from ecops_lib.metrics.measuring import measure

if TYPE_CHECKING:
    import pandas as pd

GUARD = max(WINDOWS) - 1
"""Days before the first day of a finding that are not taken for usual either: what is found
on a day may have begun some days earlier."""


class UntoldError(Exception):
    """Nothing can be judged; ``why`` says the reason."""

    def __init__(self, why: Why) -> None:
        super().__init__(why)
        self.why = why


@dataclass(frozen=True, kw_only=True, eq=False)
class Panel:
    """A metric by day × thing, up to the last day that is measured.

    Attributes:
        counts: What is counted; NaN where nothing is told.
        exposure: What carries the counts.
        level: The shop's own series that tells how its days should go; None where the
            exposure tells it.
        amounts: Money of the same cells.
    """

    counts: pd.DataFrame
    exposure: pd.DataFrame
    level: pd.Series[float] | None
    amounts: pd.DataFrame


def worth(panel: Panel, item: object) -> float:
    """Money a unit, of the thing's own figures, or of all where it has none; NaN where untold."""
    import numpy as np

    counts = panel.counts.where(panel.amounts.notna())
    for held in ([item], list(counts.columns)):
        units = float(np.nansum(counts[held].to_numpy(float)))
        money = float(np.nansum(panel.amounts[held].where(counts[held].notna()).to_numpy(float)))
        if units > 0 and money > 0:
            return money / units
    return float("nan")


def item_of(action: KeptAction) -> object:
    """The column of an action's slice."""
    values = [value for _, value in pairs_of(action)]
    return tuple(values) if len(values) > 1 else "".join(values)


def pairs_of(action: KeptAction) -> list[tuple[str, str]]:
    """Dimensions and values of an action's slice."""
    if action.slice in {"", "shop"}:
        return []
    parts = [part.partition("=") for part in action.slice.split("&")]
    if not all(name.isidentifier() and sign for name, sign, _ in parts):
        parts = [action.slice.partition("=")]  # one value that holds such a sign itself
    return [(name, value) for name, _, value in parts]


def read_panel(history: History, action: KeptAction, until: dt.date) -> Panel:
    """The metric of an action; what cannot be had is said.

    Raises:
        UntoldError: The store no longer tells it.
    """
    try:
        match action.metric:
            case "conversion_rate":
                return _traffic(history, "product", "paying_buyers", until)
            case "visitors":
                return _traffic(history, "channel", "visitors", until)
            case "refund_claims":
                return _claims(history, until)
            case "paid_sub_orders" | "paid_orders":
                return _sales(history, action, until)
    except (MissingDataError, MetricError):
        raise UntoldError("no_figures") from None
    raise UntoldError("no_metric")


def _traffic(history: History, scope: str, column: str, until: dt.date) -> Panel:
    counts = history.traffic_grid(scope, column, until=until)
    visitors = history.traffic_grid(scope, "visitors", until=until)
    amounts = history.traffic_grid(scope, "paid_amount", until=until)
    if scope == "product":
        return Panel(counts=counts, exposure=visitors, level=history.conversion, amounts=amounts)
    shop = history.shop.loc[: str(until)].tail(len(counts))
    whole = visitors.sum(axis=1, min_count=1)
    if shop["visitors"].notna().all():
        whole = history.shop["visitors"]
    paid = shop["paid_amount"].where(shop["visitors"].notna()).sum()
    usual = visitors * float(paid / shop["visitors"].sum())
    amounts = amounts.where(amounts.notna().any(), usual)
    return Panel(counts=counts, exposure=0 * counts + 1, level=whole, amounts=amounts)


def _claims(history: History, until: dt.date) -> Panel:
    counts, exposure = claim_grids(history, until)
    claims = history.claims.assign(item=history.claims["product_id"].fillna(""))
    amounts = claims.pivot_table(index="day", columns="item", values="amount", aggfunc="sum")
    whole = amounts.reindex(index=counts.index, columns=counts.columns).astype(float)
    whole[SHOP] = claims.groupby("day")["amount"].sum().reindex(counts.index).astype(float)
    return Panel(counts=counts, exposure=exposure, level=None, amounts=whole.fillna(0.0))


def _sales(history: History, action: KeptAction, until: dt.date) -> Panel:
    """Paid order lines (or orders) by day × the values of a slice's dimensions."""
    import pandas as pd

    named = {COLUMNS[name]: name for name in get_args(Dimension)}
    columns = [name for name, _ in pairs_of(action)]
    if not set(columns) <= set(named):
        raise UntoldError("no_metric")
    first, keys = until - (PAST + GUARD) * DAY, [action.metric, "paid_amount"]
    by = ("day", *(named[column] for column in columns))
    held = measure(history.tables.source, keys, start=first, end=until, by=by).to_frame()
    days = pd.date_range(first, until, freq="D", name="day")
    if not columns:
        grids = [held.set_index("day")[[key]].set_axis([""], axis=1) for key in keys]
    else:
        grids = [
            held.pivot_table(index="day", columns=columns, values=key, aggfunc="sum")
            for key in keys
        ]
    counts, amounts = (grid.reindex(days).astype(float) for grid in grids)
    counts = counts.fillna(0.0).where(counts.ffill().notna())
    level = history.shop["paid_orders"]
    return Panel(counts=counts, exposure=0 * counts + 1, level=level, amounts=amounts)
