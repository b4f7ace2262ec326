"""Rating suppliers: on time, in full, quality, speed, price, and how sure the ranking is."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import TYPE_CHECKING

import narwhals as nw
import numpy as np

from ecops_lib.core.checks import as_day, require_between
from ecops_lib.core.errors import MissingDataError, ParameterError
from ecops_lib.core.language import tr
from ecops_lib.data.frames import DAY, bring
from ecops_lib.metrics.bases import Source, Tables
from ecops_lib.supply.panel import Floats
from ecops_lib.supply.suppliers.deliveries import read_deliveries, sum_deliveries
from ecops_lib.supply.suppliers.ratings import FEW, PARTS, SupplierRatings
from ecops_lib.supply.suppliers.shrinkage import Rates, shrink_rates
from ecops_lib.supply.suppliers.sources import (
    count_returns,
    count_sole,
    find_others,
    find_sources,
    price_index,
    price_rise,
    read_terms,
)

if TYPE_CHECKING:
    import pandas as pd

WEIGHTS: Mapping[str, float] = {"on_time": 0.4, "in_full": 0.2, "quality": 0.4}
"""What a score is made of."""
DRAWS = 4000
"""Draws that tell how sure a rank is."""
LOT = 10.0
"""Units that tend to fail together: so many are one trial."""


def rate_suppliers(
    source: Source,
    *,
    as_of: dt.date | str,
    days: int = 365,
    weights: Mapping[str, float] = WEIGHTS,
    owner: str = "",
    seed: int = 0,
    time_zone: str | None = None,
) -> SupplierRatings:
    """Rate suppliers by what they delivered, few deliveries drawn towards the mean of all.

    On time is a delivery that came on its due day or before (one that is overdue and open is
    late), in full one of all units ordered, quality the share of units that passed
    inspection, ten units as one trial. Each rate is shrunk towards that of all
    suppliers (``shrink_rates``); the score is their weighted mean, graded A from 95 %,
    B from 90 %, C from 80 %, else D, with five deliveries or more. Ranks are drawn from the
    posteriors. Terms and names come from ``suppliers``, other sources from ``sourcing``,
    returns from ``order_items`` and ``refunds``, where the source holds them.

    Args:
        source: A store, or tables of any engine by canonical name.
        as_of: Last local day that counts.
        days: Days looked back.
        weights: Weight of ``on_time``, ``in_full`` and ``quality``; what is not told for any
            supplier is left out.
        owner: Who sees to it; purchasing by default.
        seed: Of the draws.
        time_zone: IANA zone of the days; the store's by default.

    Raises:
        MissingDataError: There are no purchase orders, or none came or was due in these days.
        ParameterError: An argument has an impossible value.
    """
    last = as_day(as_of, name="as_of")
    require_between(days, 1, 3650, name="days")
    _check_weights(weights)
    tables = Tables(source, time_zone=time_zone)
    start = last - (int(days) - 1) * DAY
    held = read_deliveries(tables, start=start, as_of=last)
    if held.empty:
        raise MissingDataError(_nothing(start, last))
    sums = sum_deliveries(held)
    parts = _parts(sums, quality=_tells_rejects(tables))
    share = {name: weights[name] for name in parts}
    total = sum(share.values()) or 1.0
    draws = _draw(parts, {name: w / total for name, w in share.items()}, seed)
    prices = {"price": price_index(held), "price_rise": price_rise(held, start, last)}
    frame = _frame(sums, parts, draws, prices, read_terms(tables))
    pairs = find_sources(tables, held)
    return SupplierRatings(
        frame=frame,
        rates=parts,
        draws=draws,
        weights={name: w / total for name, w in share.items()},
        trend=_trend(held, start, last),
        sole=count_sole(pairs),
        others=find_others(pairs, _graded(frame)),
        returns=count_returns(tables, pairs, start=start, as_of=last),
        start=start,
        as_of=last,
        owner=owner or _owner(tables),
    )


def _check_weights(weights: Mapping[str, float]) -> None:
    if set(weights) != set(PARTS) or min(weights.values()) < 0 or not sum(weights.values()):
        raise ParameterError(
            f"weights is {dict(weights)}; it must weigh on_time, in_full and quality from 0, "
            "not all 0."
        )


def _nothing(start: dt.date, last: dt.date) -> str:
    return tr(
        "No purchase order came or was due from {start} to {end}; import the purchasing sheet "
        "with suppliers and dates, or look back further.",
        start=start.isoformat(),
        end=last.isoformat(),
    )


def _owner(tables: Tables) -> str:
    owners = tables.store.settings.owners if tables.store else {}
    return owners.get("purchasing", tr("purchasing"))


def _tells_rejects(tables: Tables) -> bool:
    rows = tables.lazy("purchase_orders").select(n=nw.col("rejected").count())
    return bool(bring(rows)["n"].iloc[0])


def _parts(sums: pd.DataFrame, *, quality: bool) -> dict[str, Rates]:
    """The shrunk rates that the table can tell."""
    counts = {"on_time": ("on_time", "dated", 1.0), "in_full": ("whole", "counted", 1.0)}
    if quality:
        counts["quality"] = ("passed", "units", LOT)
    return {
        name: shrink_rates(sums[good].to_numpy() / lot, sums[all_].to_numpy() / lot)
        for name, (good, all_, lot) in counts.items()
        if sums[all_].sum() > 0
    }


def _draw(parts: Mapping[str, Rates], weights: Mapping[str, float], seed: int) -> Floats:
    """Draws of each supplier's score (draws, suppliers)."""
    rng = np.random.default_rng(seed)
    held = [weights[name] * rates.draws(rng, DRAWS) for name, rates in parts.items()]
    return np.sum(held, axis=0) if held else np.zeros((DRAWS, 0))


def _frame(
    sums: pd.DataFrame,
    parts: Mapping[str, Rates],
    draws: Floats,
    prices: Mapping[str, pd.Series],
    terms: pd.DataFrame,
) -> pd.DataFrame:
    """One row a supplier, best score first."""
    if not draws.shape[1]:
        draws = np.full((1, len(sums)), np.nan)
    ranks = (-draws).argsort(axis=1).argsort(axis=1) + 1
    told = {name: rates.rates for name, rates in parts.items()}
    raw = {
        f"{name}_raw": np.where(rates.trials > 0, rates.successes / np.maximum(rates.trials, 1e-9),
                                np.nan)
        for name, rates in parts.items()
    }  # fmt: skip
    score = draws.mean(axis=0)
    frame = sums.assign(
        name=terms["supplier_name"].reindex(sums.index).fillna(sums.index.to_series()),
        payment_days=terms["payment_days"].reindex(sums.index).astype(float),
        **{part: told.get(part, np.nan) for part in PARTS},
        **raw,
        score=score,
        score_low=np.quantile(draws, 0.05, axis=0),
        score_high=np.quantile(draws, 0.95, axis=0),
        rank_low=np.quantile(ranks, 0.05, axis=0),
        rank_high=np.quantile(ranks, 0.95, axis=0),
        first=(ranks == 1).mean(axis=0),
        **{name: each.reindex(sums.index) for name, each in prices.items()},
        grade=[
            _grade(each) if n >= FEW else ""
            for each, n in zip(score, sums["deliveries"], strict=True)
        ],
    )
    order = ["score", "deliveries"]
    return frame.reset_index().sort_values(order, ascending=False, ignore_index=True)


def _graded(frame: pd.DataFrame) -> pd.Series:
    """Scores of the suppliers with a grade, who alone may replace another."""
    held: pd.Series = frame[frame["grade"] != ""].set_index("supplier_id")["score"]
    return held


def _grade(score: float) -> str:
    if np.isnan(score):
        return ""
    return next((grade for least, grade in ((0.95, "A"), (0.9, "B"), (0.8, "C")) if score >= least),
                "D")  # fmt: skip


def _trend(held: pd.DataFrame, start: dt.date, last: dt.date) -> pd.DataFrame:
    """On-time deliveries of each half of the days, and the p-value of no change (Fisher)."""
    import pandas as pd
    from scipy.stats import fisher_exact

    middle = pd.Timestamp(start) + (pd.Timestamp(last) - pd.Timestamp(start)) / 2
    dated = held[held["late"].notna()]
    late = dated["late"] == 1
    recent = dated["came"].fillna(dated["due"]) > middle
    rows = []
    for supplier in sorted(dated["supplier_id"].unique()):
        mine = dated["supplier_id"] == supplier
        table = [[int((mine & (recent == new) & (late == bad)).sum()) for bad in (False, True)]
                 for new in (False, True)]  # fmt: skip
        rows.append((supplier, *table[0], *table[1], float(fisher_exact(table)[1])))
    columns = ["supplier_id", "good_before", "late_before", "good_now", "late_now", "p_value"]
    return pd.DataFrame(rows, columns=columns)
