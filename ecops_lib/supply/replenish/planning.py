"""Levels and wanted quantities of every SKU, from sampled demand."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from ecops_lib.supply.panel import Floats
from ecops_lib.supply.replenish.leads import LeadTime, LeadTimes
from ecops_lib.supply.replenish.levels import (
    Measure,
    find_levels,
    measure_service,
    share_units,
    thin,
)
from ecops_lib.supply.replenish.rules import LEAST, MOST, OrderRules, Season
from ecops_lib.supply.replenish.sampling import (
    DemandForecast,
    Sample,
    chunks,
    days_ahead,
    sample_demand,
)

if TYPE_CHECKING:
    import pandas as pd

YEAR = 365.0
LOW, HIGH = 0.1, 0.9
"""Ends of the interval shown."""


def ask_service(
    lines: pd.DataFrame, *, service: float | None, rules: OrderRules, seasons: Mapping[str, Season]
) -> Floats:
    """Service of each line: as asked, else what its margin is worth against holding it.

    A unit short loses its margin, a unit too many costs its holding until the next order
    (critical ratio; Snyder & Shen (4.27)); of a seasonal SKU it loses what the sale brings
    less than it cost.

    Args:
        lines: ``sku_id``, ``margin`` and ``unit_cost`` [store currency].
        service: Service asked for; None leaves it to the margins.
        rules: How the shop orders.
        seasons: Seasonal goods by SKU.
    """
    margin, cost = lines["margin"].to_numpy(float), lines["unit_cost"].to_numpy(float)
    over = cost * rules.holding_rate * rules.review_days / YEAR
    sold_off = lines["sku_id"].map({sku: 1 - s.salvage for sku, s in seasons.items()})
    lost = sold_off.to_numpy(float)
    over = np.where(np.isnan(lost), over, cost * np.nan_to_num(lost))
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = margin / (margin + over)
    told = np.isfinite(ratio)
    seasonal = ~np.isnan(lost)
    least = np.where(seasonal, 0.01, LEAST)
    ratio = np.where(told, np.clip(ratio, least, MOST), rules.usual_service)
    ratio = np.where(told & (margin <= 0), least, ratio)
    return ratio if service is None else np.where(seasonal & told, ratio, service)


def lead_of_lines(lines: pd.DataFrame, leads: LeadTimes) -> list[LeadTime]:
    """Lead time of each line; lines of the same terms share one."""
    known: dict[tuple[str, float], LeadTime] = {}
    found = []
    for supplier, quoted in zip(lines["supplier_id"], lines["lead_days"], strict=True):
        key = (supplier, -1.0 if np.isnan(quoted) else quoted)
        if key not in known:
            known[key] = leads.of(supplier, quoted)
        found.append(known[key])
    return found


def plan_levels(
    lines: pd.DataFrame,
    forecast: DemandForecast,
    leads: list[LeadTime],
    *,
    rules: OrderRules,
    seasons: Mapping[str, Season],
    shared: float | None,
) -> tuple[pd.DataFrame, np.ndarray[Any, np.dtype[np.float32]]]:
    """Reorder points of all lines, with what they follow from.

    Args:
        lines: One row a line: ``row`` (its series in the forecast), ``sku_id``, ``asked``
            (service), ``unit_cost``.
        forecast: The forecast.
        leads: Lead time of each line.
        rules: How the shop orders.
        seasons: Seasonal goods by SKU.
        shared: Service that all lines together must give; None where each has its own.

    Returns:
        The lines with ``expected``, ``low``, ``high`` (demand until the next order comes
        in), ``reorder_point``, ``service``, ``normal_level``, ``days`` and ``lead_basis``;
        and each line's demand as thinned distribution.
    """
    rng = np.random.default_rng(rules.seed)
    rows, asked = lines["row"].to_numpy(int), lines["asked"].to_numpy(float)
    ends = _season_days(lines, forecast, seasons)
    parts, grids = [], []
    for part in chunks(forecast, len(lines), rules.futures):
        sample = sample_demand(
            forecast,
            rows[part],
            leads[part],
            review_days=rules.review_days,
            futures=rules.futures,
            rng=rng,
            ends=ends[part],
        )
        parts.append(_levels_of(sample, asked[part], ends[part] > 0, rules.measure))
        grids.append(thin(sample.total))
    found = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    held = lines.assign(**found)
    held["days"] = np.where(ends > 0, ends, [lead.mean + rules.review_days for lead in leads])
    held["quoted_days"] = held["lead_days"]
    held["lead_days"] = [lead.mean for lead in leads]
    held["lead_basis"] = [lead.basis for lead in leads]
    held["normal_level"] = _normal_levels(held, leads, rules).where(ends == 0)
    if shared is not None:
        _share(held, shared, rules.measure, seasonal=ends > 0)
    return held, np.concatenate(grids)


def _season_days(
    lines: pd.DataFrame, forecast: DemandForecast, seasons: Mapping[str, Season]
) -> np.ndarray[Any, Any]:
    """Days from now to the end of a line's season; 0 for goods that go on."""
    ahead = {
        sku: min(max((season.end - forecast.start).days + 1, 1), days_ahead(forecast))
        for sku, season in seasons.items()
    }
    return lines["sku_id"].map(ahead).fillna(0).to_numpy(np.int64)


def _levels_of(
    sample: Sample, asked: Floats, seasonal: np.ndarray[Any, Any], measure: Measure
) -> dict[str, Floats]:
    """Levels and what they rest on; a season's goods are bought by the newsvendor's ratio."""
    level = find_levels(sample, asked, measure=measure)
    if seasonal.any():
        level = np.where(seasonal, find_levels(sample, asked, measure="cycle"), level)
    low, high = np.quantile(sample.total, [LOW, HIGH], axis=1)
    return {
        "expected": sample.total.mean(axis=1),
        "low": low,
        "high": high,
        "flow": (sample.total - sample.before).mean(axis=1),
        "reorder_point": level,
        "service": measure_service(sample, level, measure=measure),
        "daily": sample.daily,
        "spread": sample.spread,
        "beyond": sample.beyond,
        "service_below": measure_service(sample, np.maximum(level - 1, 0.0), measure=measure),
    }


def _share(
    lines: pd.DataFrame, asked: float, measure: Measure, *, seasonal: np.ndarray[Any, Any]
) -> None:
    """Leave out the units that whole numbers give too much, best value kept."""
    even = np.ones(len(lines))
    weight = lines["flow"].to_numpy(float) if measure == "fill" else even
    fewer = share_units(
        lines["service"].to_numpy(float),
        lines["service_below"].to_numpy(float),
        weight,
        lines["unit_cost"].fillna(middle(lines["unit_cost"], otherwise=1.0)).to_numpy(float),
        asked=asked,
        free=~seasonal & (lines["reorder_point"].to_numpy(float) > 1),
    )
    lines["reorder_point"] = lines["reorder_point"] - fewer
    lines["service"] = lines["service"].where(~fewer, lines["service_below"])


def _normal_levels(lines: pd.DataFrame, leads: list[LeadTime], rules: OrderRules) -> pd.Series:
    """The textbook's level: mean + z σ_L, from means and deviations alone.

    References:
        Chopra & Meindl: σ_L = √((L + R) σ_D² + D² s_L²).
    """
    from scipy.special import ndtri

    spread_of_leads = np.array([lead.sd for lead in leads])
    days = np.array([lead.mean for lead in leads]) + rules.review_days
    sigma = np.sqrt(days * lines["spread"] ** 2 + (lines["daily"] * spread_of_leads) ** 2)
    level = lines["daily"] * days + ndtri(lines["asked"].to_numpy(float)) * sigma
    return cast("pd.Series", level.astype(float))


def middle(values: pd.Series, *, otherwise: float) -> float:
    """The median of what is known; ``otherwise`` where nothing is."""
    known = values.dropna()
    return float(known.median()) if len(known) else otherwise
