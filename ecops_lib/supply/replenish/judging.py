"""How good were past proposals? What was proposed, beside what was asked for since."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import TYPE_CHECKING

import narwhals as nw
import numpy as np

from ecops_lib.core.checks import as_day
from ecops_lib.core.errors import ParameterError
from ecops_lib.core.language import tr
from ecops_lib.data.frames import DAY, bring
from ecops_lib.metrics.bases import Source, Tables, missing_words
from ecops_lib.supply.panel import Floats, Panel
from ecops_lib.supply.replenish.judgement import ProposalReview
from ecops_lib.supply.replenish.positions import ALL
from ecops_lib.supply.replenish.purchases import read_purchases
from ecops_lib.supply.replenish.terms import read_terms

if TYPE_CHECKING:
    import pandas as pd

BACK = 62
"""Days back in which a proposal's time must have ended."""
LONGEST = 400
"""Days that a proposal may have covered."""
COLUMNS = ("proposal_id", "sku_id", "warehouse_id", "supplier_id", "as_of", "quantity", "position",
           "days", "expected", "low", "high", "service_level")  # fmt: skip


def judge_proposals(
    source: Source, *, as_of: str | dt.date, panel: Panel, time_zone: str | None = None
) -> ProposalReview:
    """Judge the proposals whose time has ended in the last two months.

    A line said how many units would be asked for from the day after it to the day on which
    the order after it would come in. A line is not judged where the panel does not tell one
    of its days; what empty shelves hid counts as the panel estimates it. Of proposals of a
    SKU whose days overlap only the latest is judged, so that no unit counts twice.

    Args:
        source: A store, or tables of any engine by canonical name, with ``proposals``.
        as_of: Last local day that counts.
        panel: Units asked for by day and SKU (× warehouse), up to that day.
        time_zone: IANA zone of days; the store's own unless given.

    Returns:
        One row a line; absent where nothing was proposed.

    Raises:
        ParameterError: The panel does not count by day, or names no SKU.
    """
    tables, day = Tables(source, time_zone=time_zone), as_day(as_of, name="as_of")
    if panel.frequency != "day" or "sku_id" not in panel.keys:
        raise ParameterError("panel must count by day and name the sku_id of each series.")
    owners = tables.store.settings.owners if tables.store else {}
    owner = owners.get("purchasing", tr("purchasing"))
    if not tables.has("proposals"):
        return ProposalReview.without(day, owner=owner, reason=missing_words("proposals"))
    held = _read(tables, day)
    ended = held["ends"] <= day
    due = min(held["ends"][~ended], default=None)
    held = _apart(held[ended & (held["ends"] > day - BACK * DAY)])
    held["asked_for"] = _asked_for(held, panel, day)
    held["days_out"] = _days_out(tables, held, day)
    skus = held[["sku_id"]].assign(product_id=held["sku_id"].map(_products(tables)))
    terms = read_terms(tables, as_of=day, skus=skus, purchases=read_purchases(tables, as_of=day))
    held["name"] = held["sku_id"].map(terms["name"])
    held["unit_cost"] = held["sku_id"].map(terms["unit_cost"])
    return ProposalReview(lines=held, as_of=day, next_due=due, owner=owner)


def _read(tables: Tables, day: dt.date) -> pd.DataFrame:
    """Proposals made before a day, and the last day that each spoke of."""
    lines = tables.lazy("proposals").filter(
        nw.col("as_of") < day, nw.col("as_of") >= day - (BACK + LONGEST) * DAY
    )
    held = bring(lines.select(*COLUMNS), sort=["as_of", "sku_id", "warehouse_id"])
    numbers = ("quantity", "position", "days", "expected", "low", "high", "service_level")
    held = held.astype(dict.fromkeys(numbers, float))
    held["as_of"] = held["as_of"].dt.date
    spans = held["days"].fillna(0.0).round().astype(int)
    held["ends"] = [
        first + int(span) * DAY for first, span in zip(held["as_of"], spans, strict=True)
    ]
    return held


def _apart(lines: pd.DataFrame) -> pd.DataFrame:
    """Of each SKU (× warehouse) the latest line, and those before it that do not overlap."""
    latest: dict[tuple[str, str], dt.date] = {}
    kept = []
    for place, (sku, warehouse, made, ends) in reversed([*enumerate(_spans(lines))]):
        if ends <= latest.get((sku, warehouse), dt.date.max):
            latest[sku, warehouse] = made
            kept.append(place)
    return lines.iloc[sorted(kept)].reset_index(drop=True)


def _products(tables: Tables) -> dict[str, str]:
    """The product of each SKU, as the stock exports tell it."""
    if not tables.has("inventory"):
        return {}
    stock = tables.lazy("inventory").group_by("sku_id").agg(nw.col("product_id").max())
    rows = bring(stock, sort=["sku_id"])
    return dict(zip(rows["sku_id"], rows["product_id"], strict=True))


def _asked_for(lines: pd.DataFrame, panel: Panel, day: dt.date) -> Floats:
    """Units of each line's days; NaN where a day of it is not known, or not held."""
    apart = "warehouse_id" in panel.keys
    keys = panel.keys.reset_index(drop=True)
    house = keys["warehouse_id"] if apart else [ALL] * len(keys)
    row = {pair: place for place, pair in enumerate(zip(keys["sku_id"], house, strict=True))}
    unknown = np.isnan(panel.values)
    found = np.full(len(lines), np.nan)
    for place, (sku, warehouse, made, ends) in enumerate(_spans(lines)):
        at = row.get((sku, warehouse))
        first, last = (made - panel.start).days + 1, (ends - panel.start).days + 1
        if at is None or first < 0 or last > min(panel.periods, (day - panel.start).days + 1):
            continue
        if not unknown[at, first:last].any():
            found[place] = panel.values[at, first:last].sum()
    return found


def _days_out(tables: Tables, lines: pd.DataFrame, day: dt.date) -> Floats:
    """Days of each line on which some warehouse of its had nothing; NaN without stock exports."""
    if not tables.has("inventory") or lines.empty:
        return np.full(len(lines), np.nan)
    first = min(lines["as_of"]) + DAY
    empty = (nw.col("hours_out").fill_null(0.0) > 0) | (nw.col("on_hand") <= 0)
    stock = tables.lazy("inventory", start=first, end=day).filter(
        nw.col("day") >= first, nw.col("day") <= day
    )
    rows = bring(
        stock.filter(empty).group_by("day", "sku_id", "warehouse_id").agg(out=nw.len()),
        sort=["sku_id", "warehouse_id", "day"],
    )
    rows["day"] = rows["day"].dt.date
    days = {sku: held[["warehouse_id", "day"]] for sku, held in rows.groupby("sku_id")}
    found = np.zeros(len(lines))
    for place, (sku, warehouse, made, ends) in enumerate(_spans(lines)):
        held = days.get(sku)
        if held is None:
            continue
        seen = (held["day"] > made) & (held["day"] <= ends)
        if warehouse != ALL:
            seen &= held["warehouse_id"] == warehouse
        found[place] = held.loc[seen, "day"].nunique()
    return found


def _spans(lines: pd.DataFrame) -> Iterator[tuple[str, str, dt.date, dt.date]]:
    """SKU, warehouse, the day of the proposal and the last day that it spoke of."""
    return zip(*(lines[c] for c in ("sku_id", "warehouse_id", "as_of", "ends")), strict=True)
