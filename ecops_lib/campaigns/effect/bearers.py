"""Discounts that others bore: the buyer paid less, the merchant is paid the rest."""

from __future__ import annotations

import math

import narwhals as nw
import numpy as np

from ecops_lib.campaigns.effect.series import DailySeries
from ecops_lib.data import frames
from ecops_lib.metrics.bases import ORDER_KEY, Source, Tables

BEARERS = ("discount_platform", "discount_creator")


def borne_shares(source: Source, series: DailySeries, time_zone: str | None) -> tuple[float, float]:
    """What platform and creators bore, over what buyers paid: in the sale, and usually.

    Of the promoted products' lines; an order's discount is dealt over its lines by what was paid
    for them. Both are NaN where no order of the sale tells who bore its discounts.
    """
    tables = Tables(source, time_zone=time_zone)
    first, last = series.days[0], series.days[-1]
    paid = tables.lazy("orders").filter(frames.within("paid_at", first, last, tables.zone))
    named = [name for name in BEARERS if name in paid.collect_schema().names()]
    if not named:
        return math.nan, math.nan
    told = [nw.col(name).cast(nw.Float64) for name in named]
    borne = nw.sum_horizontal(*(each.fill_null(0.0) for each in told))
    known = nw.any_horizontal(*(~each.is_null() for each in told), ignore_nulls=False)
    orders = paid.select(
        *ORDER_KEY, borne=nw.when(known).then(borne),
        day=frames.local_day("paid_at", first, last, tables.zone),
    )  # fmt: skip
    mine = [p for p, held in zip(series.products, series.promoted, strict=True) if held]
    amount = nw.col("paid_amount").cast(nw.Float64)
    lines = tables.lazy("order_items").with_columns(
        amount=amount, own=nw.when(nw.col("product_id").is_in(mine)).then(amount).otherwise(0.0)
    )
    sums = lines.group_by(*ORDER_KEY).agg(nw.col("amount").sum(), nw.col("own").sum())
    rows = orders.join(sums, on=ORDER_KEY, how="inner").filter(nw.col("amount") > 0)
    rows = rows.with_columns(part=nw.col("borne") * nw.col("own") / nw.col("amount"))
    days = frames.bring(
        rows.group_by("day").agg(
            nw.col("part").sum(), nw.col("own").sum(), nw.col("borne").count().alias("told")
        ),
        sort=["day"],
    )
    part, own, count = (
        dict(zip(days["day"].dt.date, days[name].astype(float), strict=True))
        for name in ("part", "own", "told")
    )
    held = np.array([[each.get(d, 0.0) for d in series.days] for each in (part, own, count)])
    sale, usual = held[:, series.sale].sum(axis=1), held[:, series.usual].sum(axis=1)
    if not sale[2] or not sale[1]:
        return math.nan, math.nan
    return float(sale[0] / sale[1]), float(usual[0] / usual[1]) if usual[1] else 0.0
