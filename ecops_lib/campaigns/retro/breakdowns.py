"""Who and what carried the sale: by channel, product, region, and new or returning buyers."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

import narwhals as nw
import numpy as np

from ecops_lib.campaigns.campaign import Campaign
from ecops_lib.campaigns.retro.basis import Days, find_basis, paid_lines, sale_days, visits_on
from ecops_lib.core.checks import as_day
from ecops_lib.core.errors import MissingDataError
from ecops_lib.core.findings import Finding, Level
from ecops_lib.core.formats import Unit, show
from ecops_lib.core.language import mark, tr
from ecops_lib.core.results import Result
from ecops_lib.data import frames
from ecops_lib.metrics.bases import ORDER_KEY, Source, Tables

if TYPE_CHECKING:
    import pandas as pd

ALPHA = 0.05
"""Chance of calling any part's change real where none is, over all parts."""
LOOK_BACK, LEAST_BACK = 365, 90
"""Days before the sale in which an earlier payment makes a buyer a returning one, and the least
that the orders must reach back for the two kinds to be compared."""
MOST_ROWS = 10
NEW, RETURNING = "new", "returning"


@dataclass(frozen=True, kw_only=True, eq=False)
class Breakdown(Result):
    """A sale by its parts, beside the last edition or the usual.

    Attributes:
        frame: One row a part: ``part``, ``paid`` [store currency], ``share`` of the whole,
            ``before`` (the same in the comparison, scaled to as many days), ``change``,
            ``orders`` (with a line of the part), ``visitors`` (visitor-days), ``conversion`` and
            ``conversion_before`` (buyers over visitors, as traffic tells them), and ``p``: the
            chance that orders differ as much from the comparison if nothing changed (exact,
            times the number of parts; Bonferroni). NaN is not known.
        days: The sale's days.
        basis: What it is compared with; None where nothing is.
        look_back: Days that tell new buyers from returning ones; 0 where that is not the split.
    """

    sheet: ClassVar[str] = ""
    labels: ClassVar[Mapping[str, str]] = {
        "part": mark("Part"),
        "paid": mark("Paid amount"),
        "share": mark("Share"),
        "before": mark("Compared with"),
        "change": mark("Change"),
        "orders": mark("Orders"),
        "visitors": mark("Visitor-days"),
        "conversion": mark("Conversion"),
        "conversion_before": mark("Conversion then"),
        "p": mark("p value"),
    }
    units: ClassVar[Mapping[str, Unit]] = {
        "paid": "money", "share": "share", "before": "money", "change": "money",
        "orders": "count", "visitors": "count", "conversion": "share",
        "conversion_before": "share", "p": "p_value",
    }  # fmt: skip

    frame: pd.DataFrame
    days: Days
    basis: Days | None
    look_back: int = 0

    def to_frame(self) -> pd.DataFrame:
        """One row a part, the largest first."""
        return self.frame

    def page_frame(self) -> pd.DataFrame:
        """The largest parts, with the columns that are told."""
        return self.frame.head(MOST_ROWS).drop(columns="p").dropna(axis="columns", how="all")

    def findings(self) -> tuple[Finding, ...]:
        """What carried the sale, and what rose and fell beyond chance."""
        top = self.frame.iloc[0]
        text = tr(
            "{part} brought most: {paid}, {share} of the sale.", part=top["part"],
            paid=show(top["paid"], "money"), share=show(top["share"], "share"),
        )  # fmt: skip
        told = [Finding(key=f"breakdown/{self.key}/top", level="info", text=text)]
        return (*told, *self._changes(), *self._said())

    @property
    def key(self) -> str:
        """Name of the split in keys of findings."""
        return type(self).__name__.lower()

    def _changes(self) -> tuple[Finding, ...]:
        if self.basis is None:
            text = tr("There is nothing to compare with: the orders do not reach back.")
            return (Finding(key=f"breakdown/{self.key}/alone", level="info", text=text),)
        real = self.frame[self.frame["p"] < ALPHA].sort_values("change", kind="stable")
        told = [self._change(row, 1.0) for _, row in real.tail(1).iterrows()]
        told += [self._change(row, -1.0) for _, row in real.head(1).iterrows()]
        found = [finding for finding in told if finding]
        if not found:
            text = tr("No part differs from {basis} by more than chance.", basis=self.basis.words())
            found = [Finding(key=f"breakdown/{self.key}/same", level="info", text=text)]
        return tuple(found)

    def _change(self, row: pd.Series, sign: float) -> Finding | None:
        change = float(row["change"])
        if self.basis is None or change * sign <= 0:
            return None
        words = {
            "part": row["part"], "change": show(abs(change), "money"),
            "paid": show(row["paid"], "money"), "basis": self.basis.words(),
        }  # fmt: skip
        level: Level
        if sign > 0:
            level, key = "good", "up"
            text = tr("{part} rose most: {paid}, {change} more than {basis}.", **words)
        else:
            level, key = "watch", "down"
            text = tr("{part} fell most: {paid}, {change} less than {basis}.", **words)
        return Finding(
            key=f"breakdown/{self.key}/{key}", level=level, text=text, money=abs(change),
            evidence={"paid": float(row["paid"]), "change": change, "p": float(row["p"])},
        )  # fmt: skip

    def _said(self) -> tuple[Finding, ...]:
        """What the figures rest on."""
        said = []
        if self.look_back:
            text = tr(
                "Buyers count as new who had not paid in the {days} days before the sale.",
                days=show(self.look_back, "count"),
            )
            said.append(Finding(key=f"breakdown/{self.key}/new", level="info", text=text))
        if self.basis and self.basis.count != self.days.count:
            text = tr(
                "{basis}: {then} days, scaled to the {now} of this sale.",
                basis=self.basis.words(), then=self.basis.count, now=self.days.count,
            )  # fmt: skip
            said.append(Finding(key=f"breakdown/{self.key}/scaled", level="info", text=text))
        return tuple(said)


class ByChannel(Breakdown):
    """The sale by the channel of the order; visitors and conversion are the whole shop's."""

    sheet: ClassVar[str] = mark("By channel (visitors and conversion: whole shop)")


class ByProduct(Breakdown):
    """The sale by product."""

    sheet: ClassVar[str] = mark("By product")


class ByRegion(Breakdown):
    """The sale by province of the address."""

    sheet: ClassVar[str] = mark("By region")


class ByBuyer(Breakdown):
    """The sale by new and returning buyers."""

    sheet: ClassVar[str] = mark("By new and returning buyers")


B = TypeVar("B", bound=Breakdown)
Sums = Callable[[Tables, Days], "pd.DataFrame"]


def compare_channels(
    source: Source, *, campaign: Campaign, as_of: dt.date | str, time_zone: str | None = None
) -> ByChannel:
    """Break a sale down by channel, beside the last edition or the usual.

    Args:
        source: A store, or tables by canonical name.
        campaign: The campaign.
        as_of: Last local day that counts.
        time_zone: IANA zone of the days; the store's by default.

    Raises:
        MissingDataError: Nothing was sold in its days, or no order tells its channel.
        ParameterError: It does not sell by ``as_of``.
    """
    return _compare(ByChannel, source, campaign, as_of, time_zone, "channel", scope="channel")


def compare_products(
    source: Source, *, campaign: Campaign, as_of: dt.date | str, time_zone: str | None = None
) -> ByProduct:
    """Break a sale down by product; arguments and errors as `compare_channels`."""
    held = _compare(ByProduct, source, campaign, as_of, time_zone, "product_id", scope="product")
    tables = Tables(source, time_zone=time_zone)
    if tables.has("products"):
        rows = frames.bring(
            tables.lazy("products").select("product_id", "product_name"),
            sort=["product_id", "product_name"],
        )
        names = rows.dropna().groupby("product_id")["product_name"].first()
        ids = held.frame["part"]
        held.frame["part"] = ids.map(names).fillna(ids).astype(object)
    return held


def compare_regions(
    source: Source, *, campaign: Campaign, as_of: dt.date | str, time_zone: str | None = None
) -> ByRegion:
    """Break a sale down by province; arguments and errors as `compare_channels`."""
    return _compare(ByRegion, source, campaign, as_of, time_zone, "province")


def compare_buyers(
    source: Source, *, campaign: Campaign, as_of: dt.date | str, time_zone: str | None = None
) -> ByBuyer:
    """Break a sale down by new and returning buyers, both told by as many days before it.

    Arguments and errors as `compare_channels`.
    """
    tables = Tables(source, time_zone=time_zone)
    tables.require("orders", "order_items")
    now = sale_days(campaign, as_of)
    basis = find_basis(source, campaign, as_of=now.last, time_zone=time_zone)
    span = tables.span("orders", "created_at")
    begin = span[0] if span else now.first
    back = min(LOOK_BACK, (now.first - begin).days)
    if back < LEAST_BACK:
        raise MissingDataError(tr(
            "The orders reach back only {days} days before the sale, too few to tell new buyers "
            "from returning ones; import earlier orders.", days=show(back, "count"),
        ))  # fmt: skip
    if basis and (basis.first - begin).days >= LEAST_BACK:
        back = min(back, (basis.first - begin).days)
    else:
        basis = None

    def sums(held: Tables, days: Days) -> pd.DataFrame:
        return _sums(_marked(held, days, back), "part")

    frame = _joined(tables, now, basis, sums)
    words = {NEW: tr("New buyers"), RETURNING: tr("Returning buyers")}
    frame["part"] = frame["part"].map(words).fillna(frame["part"])
    return ByBuyer(frame=frame, days=now, basis=basis, look_back=back)


def _compare(
    kind: type[B],
    source: Source,
    campaign: Campaign,
    as_of: dt.date | str,
    time_zone: str | None,
    column: str,
    scope: str = "",
) -> B:
    tables = Tables(source, time_zone=time_zone)
    tables.require("orders", "order_items")
    now = sale_days(campaign, as_of)
    day = as_day(as_of, name="as_of")
    basis = find_basis(source, campaign, as_of=day, time_zone=time_zone)
    columns = () if column == "product_id" else (column,)

    def sums(held: Tables, days: Days) -> pd.DataFrame:
        sold = _sums(paid_lines(held, days, columns), column)
        return sold.join(_visits(held, days, scope), how="left") if scope else sold

    return kind(frame=_joined(tables, now, basis, sums), days=now, basis=basis)


def _marked(tables: Tables, days: Days, back: int) -> nw.LazyFrame[Any]:
    """Paid lines with whether their buyer had paid in so many days before."""
    begin = days.first - back * frames.DAY
    earlier = (
        tables.lazy("orders")
        .filter(frames.within("paid_at", begin, days.first - frames.DAY, tables.zone))
        .filter(~nw.col("buyer_key").is_null())
        .select("buyer_key")
        .unique()
        .with_columns(known=nw.lit(RETURNING))
    )
    lines = paid_lines(tables, days, ("buyer_key",)).join(earlier, on="buyer_key", how="left")
    told = nw.when(~nw.col("buyer_key").is_null()).then(nw.col("known").fill_null(NEW))
    return lines.with_columns(part=told)


def _sums(lines: nw.LazyFrame[Any], column: str) -> pd.DataFrame:
    """Paid amount and orders by part; what tells no part is one part of its own."""
    orders = lines.group_by(column, *ORDER_KEY).agg(amount=nw.col("amount").sum())
    sums = frames.bring(
        orders.group_by(column).agg(paid=nw.col("amount").sum(), orders=nw.len()), sort=[column]
    )
    sums[column] = sums[column].astype(object).where(sums[column].notna(), tr("not told"))
    return sums.set_index(column).rename_axis("part").astype(float)


def _visits(tables: Tables, days: Days, scope: str) -> pd.DataFrame:
    """Visitor-days and conversion by channel or product."""
    import pandas as pd

    if not tables.has("traffic"):
        return pd.DataFrame({"visitors": pd.Series(dtype=float)})
    rows = visits_on(tables, days, scope).group_by("scope_id")
    told = frames.bring(
        rows.agg(visitors=nw.col("visitors").sum(), bought=nw.col("paying_buyers").sum()),
        sort=["scope_id"],
    )
    held = told.astype({"scope_id": object}).set_index("scope_id").astype(float)
    held["conversion"] = held.pop("bought") / held["visitors"].where(held["visitors"] > 0)
    return held


def _joined(tables: Tables, now: Days, basis: Days | None, sums: Sums) -> pd.DataFrame:
    """Each part now and then, then scaled to as many days."""
    held = sums(tables, now)
    if held.empty or not held["paid"].sum() > 0:
        raise MissingDataError(tr(
            "Nothing was paid on the campaign's days; import the orders of {first} to {last}.",
            first=show(now.first, "day"), last=show(now.last, "day"),
        ))  # fmt: skip
    if basis:
        then = sums(tables, basis)
        held = held.join(then.add_suffix("_before"), how="outer")
    columns = ["visitors", "conversion", "paid_before", "orders_before", "conversion_before"]
    held = held.reindex(columns=[*held.columns, *(c for c in columns if c not in held)])
    sold = ["paid", "orders", *(["paid_before", "orders_before"] if basis else [])]
    held[sold] = held[sold].fillna(0.0)  # no line of the part: nothing was sold of it
    scale = now.count / basis.count if basis else math.nan
    held["share"] = held["paid"] / held["paid"].sum()
    held["before"] = held["paid_before"] * scale
    held["change"] = held["paid"] - held["before"]
    held["p"] = _chances(held, scale) if basis else np.nan
    ordered = held.sort_values(["paid", "before"], ascending=False, kind="stable").reset_index()
    return ordered.rename(columns={ordered.columns[0]: "part"})[list(Breakdown.labels)]


def _chances(held: pd.DataFrame, scale: float) -> list[float]:
    """Exact chance of two Poisson counts so unlike over their days, times the parts."""
    from scipy.stats import binomtest

    share = scale / (1 + scale)
    return [
        min(1.0, len(held) * float(binomtest(int(n), int(n + m), share).pvalue)) if n + m else 1.0
        for n, m in zip(held["orders"], held["orders_before"], strict=True)
    ]
