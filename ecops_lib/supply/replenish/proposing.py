"""What to order today: levels from the forecast's futures and the suppliers' own lead times."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from ecops_lib.core.checks import as_day, require_between
from ecops_lib.core.errors import MissingDataError, ParameterError
from ecops_lib.core.language import tr
from ecops_lib.data.frames import DAY
from ecops_lib.metrics.bases import Source, Tables, missing_words
from ecops_lib.supply.replenish.leads import LeadTimes, estimate_lead_times
from ecops_lib.supply.replenish.planning import ask_service, lead_of_lines, middle, plan_levels
from ecops_lib.supply.replenish.positions import ALL, read_positions
from ecops_lib.supply.replenish.proposal import OrderProposal
from ecops_lib.supply.replenish.purchases import read_purchases
from ecops_lib.supply.replenish.quantities import (
    YEAR,
    Grid,
    cut_to_budget,
    earn,
    set_order_levels,
    top_up,
    want_quantities,
)
from ecops_lib.supply.replenish.rules import OrderRules, Season
from ecops_lib.supply.replenish.sampling import DemandForecast, days_ahead
from ecops_lib.supply.replenish.terms import read_sourcing, read_terms

if TYPE_CHECKING:
    import pandas as pd

LATE = 0.98
"""Share of a supplier's orders that the forecast should see come in."""


def propose_orders(
    source: Source,
    *,
    as_of: str | dt.date,
    forecast: DemandForecast,
    service: float | None = None,
    budget: float | None = None,
    seasons: Mapping[str, Season] | None = None,
    rules: OrderRules | None = None,
    time_zone: str | None = None,
) -> OrderProposal:
    """Propose what to order of each SKU, from whom, and why.

    The stock position (on hand, less promised, plus on the way) is compared with the demand
    until the *next* order would come in: futures of the forecast, each with a lead time
    drawn from the supplier's own receipts. The reorder point is the level at which that
    demand is met with the service asked for (``OrderRules.measure`` says what service
    counts); without ``service`` each SKU's margin is weighed against holding a unit until
    the next order. The service asked for holds for all SKUs together: whole units may give
    one of them a little less and another a little more.

    Args:
        source: A store, or tables of any engine by canonical name: ``inventory``, and as
            far as they are there ``purchase_orders``, ``sourcing``, ``suppliers``,
            ``products``, ``order_items``.
        as_of: Last local day that counts; the order is placed at its end.
        forecast: Demand from the next day on, by SKU, or SKU × warehouse; known campaigns
            and festivals are part of it.
        service: Service asked for, between 0 and 1; None weighs margins.
        budget: Most that all orders may cost [store currency]; None for no limit.
        seasons: Goods that are sold off after a day, by SKU: bought once, as the newsvendor.
        rules: How the shop orders.
        time_zone: IANA zone of days; the store's own unless given.

    Returns:
        One row a SKU (× warehouse); absent where the source has no inventory.

    Raises:
        ParameterError: The forecast does not begin the day after ``as_of``, its keys name
            no SKU, or an argument is impossible.
    """
    tables, day = Tables(source, time_zone=time_zone), as_day(as_of, name="as_of")
    held = rules or OrderRules()
    _check(forecast, day, service, budget)
    owner = _owner(tables)
    if not tables.has("inventory"):
        return OrderProposal.without(day, held, owner=owner, reason=missing_words("inventory"))
    purchases = read_purchases(tables, as_of=day)
    try:
        lines, snapshot, untold = _lines(tables, day, forecast, purchases)
    except MissingDataError as error:
        return OrderProposal.without(day, held, owner=owner, reason=str(error))
    if lines.empty:
        why = tr("No SKU of the forecast is in the stock export; check that both name SKUs alike.")
        return OrderProposal.without(day, held, owner=owner, reason=why)
    leads = _lead_times(tables, purchases, held)
    asked = dict(seasons or {})
    lines["asked"] = ask_service(lines, service=service, rules=held, seasons=asked)
    lines["seasonal"] = lines["sku_id"].isin(set(asked))
    taken = lead_of_lines(lines, leads)
    lines, grid = plan_levels(lines, forecast, taken, rules=held, seasons=asked, shared=service)
    spare = max(0.0, days_ahead(forecast) - held.review_days - lines["lead_days"].max())
    lines = _peaks(lines, forecast)
    lines = _order(lines, grid, held, budget=budget, seasons=asked, spare=spare)
    return OrderProposal(
        lines=lines,
        demand=grid,
        purchases=purchases,
        leads=leads,
        as_of=day,
        snapshot=snapshot,
        untold=untold,
        rules=held,
        asked=service,
        budget=budget,
        owner=owner,
    )


def plan_horizon(
    source: Source,
    *,
    as_of: str | dt.date,
    rules: OrderRules | None = None,
    time_zone: str | None = None,
) -> int:
    """Days that a forecast must cover for a proposal: the longest lead time and a review.

    Args:
        source: A store, or tables of any engine by canonical name.
        as_of: Last local day that counts.
        rules: How the shop orders.
        time_zone: IANA zone of days; the store's own unless given.

    Returns:
        Days; at least four weeks, at most 180.
    """
    tables, day = Tables(source, time_zone=time_zone), as_day(as_of, name="as_of")
    held = rules or OrderRules()
    leads = _lead_times(tables, read_purchases(tables, as_of=day), held)
    quoted = read_sourcing(tables)
    terms = zip(quoted["supplier_id"], quoted["lead_days"], strict=True)
    known = [leads.of(supplier, days) for supplier, days in {*terms, ("", math.nan)}]
    longest = max(lead.quantile(LATE) for lead in (*known, *leads.own.values()))
    return int(min(180, max(28, math.ceil(longest) + 2 * held.review_days)))


def _check(
    forecast: DemandForecast, day: dt.date, service: float | None, budget: float | None
) -> None:
    days_ahead(forecast)
    if forecast.start != day + DAY:
        raise ParameterError(
            f"the forecast begins on {forecast.start}; for as_of {day} it must begin on "
            f"{day + DAY}."
        )
    if "sku_id" not in forecast.keys:
        raise ParameterError("the forecast's keys have no sku_id; forecast demand by SKU.")
    if service is not None:
        require_between(service, 0, 1, name="service", ends="open")
    if budget is not None:
        require_between(budget, 0, math.inf, name="budget")


def _owner(tables: Tables) -> str:
    owners = tables.store.settings.owners if tables.store else {}
    return owners.get("purchasing", tr("purchasing"))


def _lines(
    tables: Tables, day: dt.date, forecast: DemandForecast, purchases: pd.DataFrame
) -> tuple[pd.DataFrame, dt.date, int]:
    """Position and terms of each series; the day of the stock; series without stock."""
    keys = forecast.keys
    apart = "warehouse_id" in keys and bool(keys["warehouse_id"].notna().any())
    stock, snapshot = read_positions(tables, as_of=day, purchases=purchases, by_warehouse=apart)
    series = keys.reset_index(drop=True).assign(row=np.arange(len(keys)))
    series["warehouse_id"] = series["warehouse_id"] if apart else ALL
    series = series[["row", "sku_id", "warehouse_id"]]
    lines = series.merge(stock, on=["sku_id", "warehouse_id"], how="inner")
    lines = lines.sort_values("row", ignore_index=True)
    untold = len(series) - len(lines)
    terms = read_terms(tables, as_of=day, skus=lines[["sku_id", "product_id"]], purchases=purchases)
    return lines.join(terms.drop(columns="product_id"), on="sku_id"), snapshot, untold


def _lead_times(tables: Tables, purchases: pd.DataFrame, rules: OrderRules) -> LeadTimes:
    sheet = read_sourcing(tables).dropna(subset=["lead_days"])
    pairs = zip(sheet["sku_id"], sheet["supplier_id"], strict=True)
    quoted = dict(zip(pairs, sheet["lead_days"].astype(float), strict=True))
    return estimate_lead_times(purchases, quoted=quoted, assumed=rules.lead_days)


def _order(
    lines: pd.DataFrame,
    grid: Grid,
    rules: OrderRules,
    *,
    budget: float | None,
    seasons: Mapping[str, Season],
    spare: float,
) -> pd.DataFrame:
    """Quantities: up to the level, in packs, to the least amount, within the budget."""
    share = middle(lines["margin"] / lines["unit_cost"], otherwise=1.0)
    usual = lines["unit_cost"] * share
    held = lines.assign(
        worth=lines["margin"].fillna(usual).fillna(0.0).clip(lower=0.0),
        holding=_holding(lines, rules, seasons),
    )
    held["order_up_to"] = set_order_levels(
        held, review_days=rules.review_days, holding_rate=rules.holding_rate, longest=spare
    )
    held["needed"] = want_quantities(held)
    held["quantity"] = held["needed"]
    held["wanted"] = held["quantity"] = top_up(held, longest=spare)
    if budget is not None:
        held["quantity"] = cut_to_budget(held, grid, budget=budget)
    held["amount"] = held["quantity"] * held["unit_cost"]
    worth, holding = held["worth"].to_numpy(float), held["holding"].to_numpy(float)
    position = held["position"].to_numpy(float)
    full = earn(grid, position + held["wanted"].to_numpy(float), worth, holding)
    bought = earn(grid, position + held["quantity"].to_numpy(float), worth, holding)
    held["lost_profit"] = np.maximum(full - bought, 0.0)
    return held


def _holding(lines: pd.DataFrame, rules: OrderRules, seasons: Mapping[str, Season]) -> pd.Series:
    """Cost of a unit left over: held until the next order, or sold off after its season."""
    held = lines["unit_cost"].fillna(0.0) * rules.holding_rate * rules.review_days / YEAR
    lost = lines["sku_id"].map({sku: 1 - season.salvage for sku, season in seasons.items()})
    return held.where(lost.isna(), lines["unit_cost"].fillna(0.0) * lost.astype(float))


PEAK = 2.5
"""Times the usual day that a peak must reach to be told."""


def _peaks(lines: pd.DataFrame, forecast: DemandForecast) -> pd.DataFrame:
    """The day of a campaign or festival that the order must be there for, where one stands out."""
    import pandas as pd

    held = lines.assign(peak=math.nan, peak_day=pd.Series(pd.NaT, index=lines.index))
    if forecast.frequency != "day":
        return held
    mean = forecast.mean[lines["row"].to_numpy(int)]
    seen = np.arange(mean.shape[1]) < np.rint(lines["days"].to_numpy(float))[:, None]
    inside = np.where(seen, mean, -1.0)
    usual = np.nanmedian(np.where(seen, mean, math.nan), axis=1)
    place = inside.argmax(axis=1)
    peak = inside[np.arange(len(inside)), place]
    days = pd.Timestamp(forecast.start) + pd.to_timedelta(place, unit="D")
    told = (usual > 0) & (peak >= PEAK * usual) & (peak >= 1)
    held["peak"] = np.where(told, peak, math.nan)
    held["peak_day"] = pd.Series(days, index=held.index).where(told)
    return held
