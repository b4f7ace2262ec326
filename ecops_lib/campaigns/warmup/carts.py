"""What lies in carts before a campaign, against past editions and the stock behind it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import narwhals as nw
import numpy as np

from ecops_lib.campaigns.campaign import Campaign
from ecops_lib.campaigns.editions import find_campaigns, past_editions
from ecops_lib.campaigns.plan.product_facts import stock_of
from ecops_lib.core.checks import as_day
from ecops_lib.core.errors import MissingDataError
from ecops_lib.core.findings import Action, Finding
from ecops_lib.core.formats import Unit, is_missing, show
from ecops_lib.core.language import mark, tr
from ecops_lib.core.results import Result
from ecops_lib.data import frames
from ecops_lib.metrics.bases import Source, Tables

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, kw_only=True, eq=False)
class Warmup(Result):
    """Units put into carts before a campaign, by product.

    Attributes:
        frame: One row a product: ``product_id``, ``product_name``, ``carts`` (units put into
            carts so far), ``usual`` (mean of past editions up to the same day before the
            opening), ``least`` and ``most`` of them, ``change`` (carts over usual),
            ``expected`` (units that the campaign will sell at the ratio of past editions),
            ``stock`` (units free to sell). NaN is not known.
        campaign: The campaign.
        start: First day that counts.
        end: Last one.
        editions: Past editions that were compared.
        totals: Units in carts of each of them at the same day.
    """

    sheet: ClassVar[str] = mark("Carts before the opening")
    units: ClassVar[Mapping[str, Unit]] = {
        "carts": "count", "usual": "number", "least": "count", "most": "count",
        "change": "ratio", "expected": "number", "stock": "count",
    }  # fmt: skip
    labels: ClassVar[Mapping[str, str]] = {
        "product_id": mark("Product"),
        "product_name": mark("Product name"),
        "carts": mark("Units in carts"),
        "usual": mark("Past editions, mean"),
        "least": mark("Least of past editions"),
        "most": mark("Most of past editions"),
        "change": mark("Over past editions"),
        "expected": mark("Units it will sell"),
        "stock": mark("Units free to sell"),
    }

    frame: pd.DataFrame
    campaign: Campaign
    start: dt.date
    end: dt.date
    editions: tuple[Campaign, ...]
    totals: tuple[float, ...]

    def to_frame(self) -> pd.DataFrame:
        """One row a product, the most wanted first."""
        return self.frame

    def page_frame(self) -> pd.DataFrame:
        """The most wanted."""
        columns = ["product_name", "carts", "usual", "change", "expected", "stock"]
        return self.frame.head(12)[columns]

    def findings(self) -> tuple[Finding, ...]:
        """More or less than past editions, and carts that the stock does not cover."""
        return (self._whole(), *self._short())

    def _whole(self) -> Finding:
        now = float(self.frame["carts"].sum())
        given = {"now": show(now, "count"), "end": show(self.end, "day")}
        if not self.totals:
            text = tr("{now} units are in carts by {end}; no past edition tells whether that is "
                      "many.", **given)  # fmt: skip
            return Finding(key="warmup/carts", level="info", text=text)
        given |= {"least": show(min(self.totals), "count"), "most": show(max(self.totals), "count")}
        if len(self.totals) == 1:
            text = tr(
                "{now} units are in carts by {end}; {least} were at the same day before the one "
                "past edition, too few editions to call that many or few.",
                **given,
            )  # fmt: skip
            return Finding(key="warmup/carts", level="info", text=text)
        count = len(self.totals)
        evidence = {"carts": now, "least": min(self.totals), "most": max(self.totals)}
        if now < min(self.totals):
            text = tr(
                "{now} units are in carts by {end}, fewer than at the same day before each of "
                "{count} past editions ({least} to {most}).", count=count, **given,
            )  # fmt: skip
            action = Action(
                text=tr("bring more visitors into the warm-up, or show the offer more plainly"),
                owner=tr("campaign owner"),
            )
            return Finding(
                key="warmup/carts", level="watch", text=text, evidence=evidence, action=action
            )
        if now > max(self.totals):
            text = tr(
                "{now} units are in carts by {end}, more than at the same day before each of "
                "{count} past editions ({least} to {most}).", count=count, **given,
            )  # fmt: skip
            return Finding(key="warmup/carts", level="good", text=text, evidence=evidence)
        text = tr(
            "{now} units are in carts by {end}, within what {count} past editions had at the same "
            "day ({least} to {most}).", count=count, **given,
        )  # fmt: skip
        return Finding(key="warmup/carts", level="info", text=text, evidence=evidence)

    def _short(self) -> tuple[Finding, ...]:
        if self.frame["stock"].isna().all():
            text = tr("Whether the stock covers the carts is not known: no stock snapshot of the "
                      "last week names products.")  # fmt: skip
            return (Finding(key="warmup/stock", level="info", text=text),)
        rows = self.frame[
            (self.frame["carts"] > self.frame["stock"])
            | (self.frame["expected"] > self.frame["stock"])
        ]
        return tuple(self._short_of(row) for row in rows.head(4).to_dict("records"))

    def _short_of(self, row: Mapping[object, object]) -> Finding:
        given = {
            "name": row["product_name"], "carts": show(row["carts"], "count"),
            "stock": show(row["stock"], "count"), "expected": show(row["expected"], "count"),
        }  # fmt: skip
        if is_missing(row["expected"]):
            text = tr("{name}: {carts} units are in carts and {stock} in stock.", **given)
        else:
            text = tr(
                "{name}: {carts} units are in carts and {stock} in stock; at the ratio of past "
                "editions it will sell {expected}.", **given,
            )  # fmt: skip
        over = not is_missing(row["expected"]) and row["expected"] > row["stock"]  # type: ignore[operator]
        action = Action(text=tr("order more, or cap the offer's units"), owner=tr("campaign owner"))
        return Finding(
            key=f"warmup/short/{row['product_id']}", level="bad" if over else "watch", text=text,
            action=action,
        )  # fmt: skip


def watch_warmup(
    source: Source, *, campaign: Campaign, as_of: dt.date | str, time_zone: str | None = None
) -> Warmup:
    """Compare carts before a campaign with past editions and with stock.

    Editions are aligned by days before the opening. What the campaign will sell is the units in
    carts now times what past editions sold for each unit in carts at that day (ratio of sums
    over its products and editions).

    Args:
        source: A store, or tables by canonical name; uses ``traffic`` (products).
        campaign: The campaign.
        as_of: Last local day that counts.
        time_zone: IANA zone of the days; the store's by default.

    Raises:
        MissingDataError: It has no days before its opening, they have not begun, or no traffic
            names products.
    """
    day = as_day(as_of, name="as_of")
    tables = Tables(source, time_zone=time_zone)
    tables.require("traffic")
    opening = campaign.selling[0]
    start, end = campaign.first, min(day, opening - frames.DAY)
    if start >= opening:
        raise MissingDataError(tr("{name} has no warm-up before it opens.", name=campaign.name))
    if end < start:
        raise MissingDataError(
            tr("The warm-up of {name} begins on {day}.", name=campaign.name, day=show(start, "day"))
        )
    now = _traffic(tables, campaign, start, end, "cart_units")
    if now.empty:
        raise MissingDataError(tr("No traffic of these days names carts by product."))
    past, editions = _past(tables, campaign, day, (opening - start).days, (opening - end).days)
    return Warmup(
        frame=_frame(tables, now, past, day),
        campaign=campaign,
        start=start,
        end=end,
        editions=editions,
        totals=tuple(float(carts.sum()) for carts, _ in past),
    )


def _past(
    tables: Tables, campaign: Campaign, as_of: dt.date, far: int, near: int
) -> tuple[list[tuple[pd.Series, pd.Series]], tuple[Campaign, ...]]:
    """Units in carts at the same days before the opening, and units sold, of past editions."""
    found = past_editions(find_campaigns(tables.source, time_zone=tables.zone_name), campaign)
    span = tables.span("traffic", "day")
    held, kept = [], []
    for other in found:
        first, last = (other.selling[0] - k * frames.DAY for k in (far, near))
        if other.selling[1] > as_of or span is None or first < span[0]:
            continue
        carts = _traffic(tables, campaign, first, last, "cart_units")
        sold = _traffic(tables, campaign, *other.selling, "paid_units")
        if len(carts):
            held.append((carts, sold))
            kept.append(other)
    return held, tuple(kept)


def _traffic(
    tables: Tables, campaign: Campaign, start: dt.date, end: dt.date, column: str
) -> pd.Series:
    """Sum of an additive column by product; products of which nothing is told are absent."""
    rows = tables.lazy("traffic", start=start, end=end).filter(
        (nw.col("scope") == "product") & (nw.col("day") >= start) & (nw.col("day") <= end)
        & ~nw.col(column).is_null()
    )  # fmt: skip
    if campaign.products:
        rows = rows.filter(nw.col("scope_id").is_in(list(campaign.products)))
    sums = frames.bring(rows.group_by("scope_id").agg(nw.col(column).sum()), sort=["scope_id"])
    return sums.astype({"scope_id": object}).set_index("scope_id")[column].astype(float)


def _frame(
    tables: Tables, now: pd.Series, past: list[tuple[pd.Series, pd.Series]], as_of: dt.date
) -> pd.DataFrame:
    import pandas as pd

    held = pd.DataFrame({"carts": now})
    carts = pd.DataFrame({k: each for k, (each, _) in enumerate(past)}).reindex(held.index)
    held["usual"] = carts.mean(axis=1) if past else np.nan
    held["least"] = carts.min(axis=1) if past else np.nan
    held["most"] = carts.max(axis=1) if past else np.nan
    held["change"] = held["carts"] / held["usual"].where(held["usual"] > 0)
    before = sum(float(each.sum()) for each, _ in past)
    sold = sum(float(each.sum()) for _, each in past)
    told = past and before > 0 and all(len(each) for _, each in past)
    held["expected"] = held["carts"] * (sold / before if told else np.nan)
    held = held.join(stock_of(tables, as_of))
    names = _names(tables).reindex(held.index)
    held.insert(0, "product_name", names.fillna(held.index.to_series()).astype(object))
    held = held.rename_axis("product_id").reset_index()
    return held.sort_values(["carts", "product_id"], ascending=[False, True], ignore_index=True)


def _names(tables: Tables) -> pd.Series:
    import pandas as pd

    if not tables.has("products"):
        return pd.Series(dtype=object)
    columns = ["product_id", "product_name"]
    rows = frames.bring(tables.lazy("products").select(*columns), sort=columns)
    return rows.astype(object).groupby("product_id")["product_name"].first()
