"""What one more unit of money spent on ads would bring."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Literal

import narwhals as nw
import numpy as np

from ecops_lib.campaigns.ads.margins import Margins, learn_margins
from ecops_lib.campaigns.ads.reading import line_word, owner_of, plan_word, read_ads
from ecops_lib.campaigns.ads.response_fit import SpendDays, fit_curves
from ecops_lib.campaigns.ads.responses import PlanResponse, Responses
from ecops_lib.campaigns.editions import SELLING, find_campaigns
from ecops_lib.core.checks import as_day, require_choice, require_span
from ecops_lib.data import frames
from ecops_lib.metrics.ad_lines import ad_line
from ecops_lib.metrics.bases import Source, Tables

if TYPE_CHECKING:
    import pandas as pd

By = Literal["plan", "line"]
KEYS: dict[By, str] = {"plan": "campaign_id", "line": "product_line"}
RECENT_DAYS = 28
"""Days at the end of the period that tell the present."""
COVERED = 0.9
"""Share of a plan's days on which demand must be told."""


def fit_response(
    source: Source,
    *,
    start: dt.date | str,
    end: dt.date | str,
    by: By = "plan",
    as_of: dt.date | str | None = None,
    owner: str = "",
    seed: int = 0,
    time_zone: str | None = None,
) -> Responses:
    """Fit what a day's spend brings by plan, and with it the marginal return.

    Credited amounts by day are fitted with concave curves of spend (power, logarithm, Hill),
    beside weekday, campaign days, a trend, and the demand that the shop had without ads
    (visitors of other channels, else orders of other channels). Elasticities are drawn towards
    one another. Half a year of days is a good period. Affiliate commission is left out: it is
    a share of sales, so its spend is no cause of them.

    Args:
        source: A store, or tables of any engine by canonical name; needs ``ads``.
        start: First day.
        end: Last day, included; its last 28 days tell the present.
        by: Ad plans, or kinds of advertising.
        as_of: Last local day that refunds and costs are learnt from; ``end`` by default.
        owner: Who sees to it; advertising by default.
        seed: Of the draws.
        time_zone: IANA zone of the days; the store's by default.

    Raises:
        MissingDataError: There is no ad report for these days.
        ParameterError: An argument has an impossible value.
    """
    first, last = as_day(start, name="start"), as_day(end, name="end")
    require_span(first, last)
    require_choice(by, By, name="by")
    tables = Tables(source, time_zone=time_zone)
    margins = learn_margins(tables, as_of=as_day(as_of or last, name="as_of"))
    key = KEYS[by]
    keys = list(dict.fromkeys([key, "product_line", "product_id", "day"]))
    rows = read_ads(tables, keys, start=first, end=last)
    led = rows["product_line"].fillna("") != "commission"
    demand = _demand(tables, first, last)
    controls = _controls(tables, first, last)
    groups = [(str(k), g) for k, g in rows[led].groupby(key, sort=True)]
    days = [_spend_days(group, controls, demand, last) for _, group in groups]
    curves = fit_curves(days, seed=seed)
    plans = [
        PlanResponse(
            plan=plan,
            name=line_word(plan) if by == "line" else _plan_name(group, plan),
            days=len(held.spend),
            margin=_margin(group, margins),
            recent=float(held.brought[held.recent].mean()) if held.recent.any() else float("nan"),
            checked=held.demand is not None,
            curve=curve,
        )
        for (plan, group), held, curve in zip(groups, days, curves, strict=True)
    ]
    return Responses(
        plans=tuple(sorted(plans, key=lambda p: -np.nan_to_num(p.curve.present))),
        margins=margins,
        start=first,
        end=last,
        left_out=float(rows.loc[~led, "cost"].sum()),
        owner=owner_of(tables, owner),
    )


def _plan_name(group: pd.DataFrame, plan: str) -> str:
    told = group["campaign_name"].dropna()
    return plan_word(told.iloc[-1] if len(told) else None, plan)


def _margin(group: pd.DataFrame, margins: Margins) -> float:
    """What is kept of the plan's amounts, by what it spent on each product."""
    cost = group["cost"].to_numpy(float)
    if not cost.sum() > 0:
        return float("nan")
    return float(margins.of(group["product_id"]) @ cost / cost.sum())


def _spend_days(
    group: pd.DataFrame, controls: pd.DataFrame, demand: pd.Series | None, last: dt.date
) -> SpendDays:
    """The days on which a plan spent money and the report tells what came of it."""
    import pandas as pd

    sums = group.groupby("day")[["cost", "attributed_amount"]].sum(min_count=1)
    told = sums[(sums["cost"] > 0) & sums["attributed_amount"].notna()]
    seen = None if demand is None else demand.reindex(told.index)
    if seen is not None and len(told) and seen.notna().mean() >= COVERED:
        told, seen = told[seen.notna()], seen.dropna()
    else:
        seen = None
    recent = told.index > pd.Timestamp(last) - pd.Timedelta(days=RECENT_DAYS)
    return SpendDays(
        spend=told["cost"].to_numpy(float),
        brought=told["attributed_amount"].clip(lower=0).to_numpy(float),
        controls=controls.reindex(told.index).to_numpy(float),
        demand=None if seen is None else np.log(seen.to_numpy(float)),
        recent=np.asarray(recent),
    )


def _controls(tables: Tables, first: dt.date, last: dt.date) -> pd.DataFrame:
    """Weekdays, campaign days and a trend by day."""
    import pandas as pd

    days = pd.date_range(first, last, freq="D")
    held = {f"weekday{k}": (days.weekday == k).astype(float) for k in range(1, 7)}
    phases = campaign_phases(tables, first, last)
    for name in ("selling", "around"):
        marks = np.array([phases.get(day.date()) == name for day in days], float)
        if 0 < marks.sum() < len(days):
            held[name] = marks
    held["trend"] = (np.arange(len(days)) - (len(days) - 1) / 2) / max(len(days), 1)
    return pd.DataFrame(held, index=days.astype("datetime64[us]"))


def campaign_phases(tables: Tables, first: dt.date, last: dt.date) -> dict[dt.date, str]:
    """Days on which a campaign sells, and days of its other phases."""
    if not tables.has("orders") or tables.span("orders", "created_at") is None:
        return {}
    found: dict[dt.date, str] = {}
    for campaign in find_campaigns(tables.source, time_zone=tables.zone_name):
        if campaign.last < first or campaign.first > last:
            continue
        for day in campaign.days_of():
            selling = campaign.phase_of(day) in SELLING
            if selling or day not in found:
                found[day] = "selling" if selling else "around"
    return found


def _demand(tables: Tables, first: dt.date, last: dt.date) -> pd.Series | None:
    """What the shop saw by day through channels that are no ads; None where not told."""
    if tables.has("traffic"):
        rows = tables.lazy("traffic", start=first, end=last).filter(
            (nw.col("scope") == "channel") & (nw.col("day") >= first) & (nw.col("day") <= last)
        )
        sums = rows.group_by("day", "scope_id").agg(seen=nw.col("visitors").sum())
        held = frames.bring(sums, sort=["day", "scope_id"]).rename(columns={"scope_id": "channel"})
        if len(held):
            return _without_ads(held)
    if not tables.has("orders"):
        return None
    orders = tables.lazy("orders").filter(
        frames.within("created_at", first, last, tables.zone) & ~nw.col("channel").is_null()
    )
    named = orders.select("channel", day=frames.local_day("created_at", first, last, tables.zone))
    counts = named.group_by("day", "channel").agg(seen=nw.len())
    held = frames.bring(counts, sort=["day", "channel"])
    return _without_ads(held) if len(held) else None


def _without_ads(held: pd.DataFrame) -> pd.Series | None:
    own = held[[not ad_line(str(name)) for name in held["channel"]]]
    sums: pd.Series = own.groupby("day")["seen"].sum().astype(float)
    sums.index = sums.index.astype("datetime64[us]")
    return sums[sums > 0] if len(sums) else None
