"""Rows of the ad report, added up in their engine."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import narwhals as nw

from ecops_lib.core.errors import MissingDataError
from ecops_lib.core.formats import is_missing
from ecops_lib.core.language import tr
from ecops_lib.data import frames
from ecops_lib.metrics.ad_lines import LINE_WORDS
from ecops_lib.metrics.bases import Tables

if TYPE_CHECKING:
    import pandas as pd

SUMS = ("impressions", "clicks", "cost", "attributed_amount", "attributed_orders")
UNTOLD = "*"
"""What stands in the key where a report does not say."""


def read_ads(
    tables: Tables,
    keys: Sequence[str],
    *,
    start: dt.date,
    end: dt.date,
    products: Sequence[str] = (),
) -> pd.DataFrame:
    """Sums of the ad report by some of its columns; a sum of nothing told is NaN.

    Args:
        tables: The source; needs ``ads``.
        keys: Columns to split by; ``product_line`` and ``campaign_name`` come with
            ``campaign_id``.
        start: First day.
        end: Last day, included.
        products: Advertised products that count, beside ads that name none; empty for all.

    Raises:
        MissingDataError: There is no table of ads, or it has no such row on these days.
    """
    tables.require("ads")
    rows = rows_of(tables, start, end)
    if products:
        rows = rows.filter(nw.col("product_id").is_in([*products, UNTOLD]))
    told = {f"{name}_told": nw.col(name).count() for name in SUMS}
    named = {
        name: nw.col(name).max()
        for name in ("campaign_name", "product_line")
        if "campaign_id" in keys and name not in keys
    }
    sums = rows.group_by(*keys).agg(**{name: nw.col(name).sum() for name in SUMS}, **told, **named)
    held = frames.bring(sums, sort=list(keys))
    if held.empty:
        raise MissingDataError(
            tr(
                "The ad report has no row from {start} to {end}; import it for these days.",
                start=start.isoformat(),
                end=end.isoformat(),
            )
        )
    for name in SUMS:
        held[name] = held[name].astype(float).where(held[f"{name}_told"] > 0)
    return held.drop(columns=list(told))


def rows_of(tables: Tables, start: dt.date, end: dt.date) -> nw.LazyFrame[Any]:
    """The ad report's rows of some days."""
    rows = tables.lazy("ads", start=start, end=end)
    return rows.filter((nw.col("day") >= start) & (nw.col("day") <= end))


def line_word(line: object) -> str:
    """A kind of ads in the reader's language."""
    known = "" if is_missing(line) else str(line)
    return tr(LINE_WORDS[known]) if known in LINE_WORDS else known


def plan_word(name: object, plan: object) -> str:
    """What to call a plan: its name, else its id, else that the report does not say."""
    if not is_missing(name) and str(name).strip():
        return str(name)
    return tr("all plans") if str(plan) == UNTOLD else str(plan)


def product_names(tables: Tables) -> dict[str, str]:
    """Names of the products by id, where the product list tells them."""
    if not tables.has("products"):
        return {}
    columns = ["product_id", "product_name"]
    held = frames.bring(tables.lazy("products").select(columns), sort=columns).dropna()
    return {str(k): str(v) for k, v in zip(held["product_id"], held["product_name"], strict=True)}


def owner_of(tables: Tables, given: str) -> str:
    """Who sees to the ads: as given, else as ``store.toml`` says."""
    owners = tables.store.settings.owners if tables.store else {}
    return given or owners.get("ads", tr("advertising"))
