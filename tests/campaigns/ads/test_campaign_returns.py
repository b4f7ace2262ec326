"""Ads measured: margins and profits by hand in every engine, intervals, words that turn."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from ad_world import START, ad, day, money, table, trade

from ecops_lib.campaigns.ads import measure_ads
from ecops_lib.campaigns.ads.ad_returns import AdReturns
from ecops_lib.campaigns.ads.margins import learn_margins
from ecops_lib.core.errors import MissingDataError, ParameterError
from ecops_lib.core.language import reading
from ecops_lib.metrics.bases import Tables

MakeTables = Callable[[dict[str, pa.Table]], dict[str, Any]]
KEPT = 0.9 * 0.5 - 0.05
"""Of an amount paid in ``trade``: a tenth refunded, half of it goods, a twentieth fees."""


def reports(good: float, bad: float, days: int = 30) -> list[dict[str, Any]]:
    """Thirty days of two plans at 100 a day, with those ROIs."""
    held = []
    for n in range(days):
        for plan, roi in (("G", good), ("B", bad)):
            amount = 100 * roi * (1 + 0.1 * (-1) ** n)
            held.append(
                ad(
                    20 + n,
                    plan,
                    clicks=50,
                    impressions=1000,
                    cost=100,
                    attributed_amount=amount,
                    attributed_orders=int(amount // 20),
                )
            )
    return held  # fmt: skip


def shop(good: float = 4.0, bad: float = 1.0, **more: Any) -> dict[str, pa.Table]:
    return {**trade(**more), "ads": table("ads", reports(good, bad))}


def measured(tables: Any, **more: Any) -> AdReturns:
    given = {"start": day(20), "end": day(49), "as_of": day(110), "time_zone": "UTC", **more}
    return measure_ads(tables, **given)


def test_every_engine_learns_the_margin_and_the_profit(light_engine: MakeTables) -> None:
    tables = light_engine(shop())
    margins = learn_margins(Tables(tables, time_zone="UTC"), as_of=day(110))
    assert margins.margin == pytest.approx(KEPT)
    assert margins.refund_rate == pytest.approx(0.1)
    rows = measured(tables).frame.set_index("id")
    assert rows["cost"].to_list() == [3000, 3000]
    assert rows.loc["G", "roi"] == pytest.approx(4.0)
    assert rows.loc["G", "break_even"] == pytest.approx(1 / KEPT, rel=1e-3)
    assert rows.loc["G", "profit"] == pytest.approx(12000 * KEPT - 3000, rel=1e-3)
    assert rows.loc["B", "profit"] == pytest.approx(3000 * KEPT - 3000, rel=1e-3)
    assert rows.loc["G", "cost_per_click"] == 2.0
    assert rows.loc["G", "click_through_rate"] == pytest.approx(0.05)
    assert rows.loc["B", "profit_high"] < 0 < rows.loc["G", "profit_low"]


def test_refunds_that_name_a_product_or_none_fall_where_they_belong() -> None:
    tables = trade(100, refunded=0, products=("p",))
    line = tables["order_items"].to_pylist()[0]
    second = [{**line, "line_id": "2", "product_id": "q", "paid_amount": money(300)}]
    lines = pa.concat_tables([tables["order_items"], table("order_items", second)])
    back = {"platform": "tmall", "order_id": "p0", "status": "success", "finished_at": None}
    for refund, want in (
        ({"product_id": "q", "amount": money(200)}, {"p": 0.0, "q": 200.0}),
        ({"amount": money(200)}, {"p": 50.0, "q": 150.0}),
        ({"amount": money(900)}, {"p": 100.0, "q": 300.0}),  # no more than was paid
    ):
        held = {**tables, "order_items": lines,
                "refunds": table("refunds", [{**back, **refund, "refund_id": "r"}])}  # fmt: skip
        margins = learn_margins(Tables(held, time_zone="UTC"), as_of=day(110))
        assert margins.frame["back"].to_dict() == pytest.approx(want)


def test_refunds_after_the_day_are_not_known_yet() -> None:
    early = learn_margins(Tables(shop(), time_zone="UTC"), as_of=day(1))
    assert early.refund_rate < 0.01 + 1e-9


def test_few_orders_do_not_make_a_sure_loss() -> None:
    """A plan of three days and no order has not surely lost what two orders would have paid."""
    rows = [*reports(4, 3), *(ad(20 + n, "N", clicks=9, cost=10, attributed_amount=0,
                                 attributed_orders=0) for n in range(3))]  # fmt: skip
    held = measured({**trade(), "ads": table("ads", rows)}).frame.set_index("id")
    assert held.loc["N", "profit"] == -30
    assert held.loc["N", "profit_low"] == -30
    assert held.loc["N", "profit_high"] > 0


def test_intervals_of_profits_cover() -> None:
    """Two hundred plans of twenty days with a known mean of exponential orders."""
    rng = np.random.default_rng(5)
    rows = []
    for plan in range(200):
        for n in range(20):
            orders = rng.poisson(0.4)
            rows.append(
                ad(
                    20 + n,
                    f"P{plan}",
                    clicks=20,
                    cost=20,
                    attributed_orders=int(orders),
                    attributed_amount=float(rng.exponential(100, orders).sum()),
                )
            )
    held = measured({**trade(), "ads": table("ads", rows)}).frame
    true = 20 * 0.4 * 100 * KEPT - 400
    inside = (held["profit_low"] < true) & (true < held["profit_high"])
    assert 0.88 <= inside.mean() <= 0.99


def test_the_words_turn_with_the_truth() -> None:
    found = {f.key: f for f in measured(shop()).findings()}
    assert list(found) == ["ads/total", "ads/loss/B", "ads/gain/G", "ads/limits"]
    assert found["ads/total"].text == (
        "Ads cost ¥6,000.00 from 2026-01-21 to 2026-02-19, the platform credits ¥15,000.00 to "
        "them (ROI 2.50); after refunds and costs they left ¥0.00."
    )
    assert "its ROI of 1.00 lies below the 2.50 at which it would break even" in (
        found["ads/loss/B"].text
    )
    assert "Of an amount paid 40.00% is kept" in found["ads/limits"].text
    turned = {f.key: f for f in measured(shop(good=1.0, bad=5.0)).findings()}
    assert {"ads/loss/G", "ads/gain/B"} < set(turned)
    assert "they left ¥1,200.00" in turned["ads/total"].text
    lost = {f.key: f for f in measured(shop(good=1.0, bad=1.0)).findings()}
    assert "they lost ¥3,600.00" in lost["ads/total"].text
    assert lost["ads/total"].level == "watch"
    with reading("zh"):
        assert "退款" in measured(shop()).findings()[0].text


def test_what_is_not_told_is_not_nothing() -> None:
    untold = measured(shop(unit_cost=None))
    assert untold.frame["profit"].isna().all()
    assert "whether that pays cannot be told" in untold.findings()[0].text
    assert "fill unit_cost" in untold.findings()[0].text
    silent = [ad(20, "S", cost=10), ad(21, "S", cost=10)]
    held = measured({**trade(), "ads": table("ads", silent)})
    assert held.findings()[0].text == (
        "Ads cost ¥20.00 from 2026-01-21 to 2026-02-19; what they brought is not told."
    )
    assert held.frame[["clicks", "roi"]].isna().all(axis=None)
    no_fees = measured(shop(fees=0))
    assert "fees and freight are not told, so it flatters" in no_fees.findings()[-1].text


def test_by_kind_and_product_and_odd_shops() -> None:
    tables = shop()
    assert measured(tables, by="line").frame["name"].to_list() == ["keyword ads"]
    assert measured(tables, by="product").frame["name"].to_list() == ["P"]
    with pytest.raises(ParameterError, match="by is"):
        measured(tables, by="week")
    with pytest.raises(MissingDataError, match="holds no ad"):
        measured(trade())
    with pytest.raises(MissingDataError, match="no row from"):
        measured(tables, start=day(80), end=day(90))
    alone = measured({"ads": tables["ads"]})
    assert alone.frame["margin"].isna().all()
    assert str(alone)
    hostile = [ad(20, "<script>", campaign_name="<script>=1", cost=1, attributed_amount=5,
                  attributed_orders=1)]  # fmt: skip
    shown = measured({**trade(), "ads": table("ads", hostile)})._repr_html_()
    assert "<script>" not in shown
    assert day(1) > START
