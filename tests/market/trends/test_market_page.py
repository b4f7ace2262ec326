"""The page of a shop that knows its industry and no competitor."""

from __future__ import annotations

import datetime as dt
from typing import Any

from trend_world import DAY, LAST, industry, market

from ecops_lib.data.schema import arrow_schema
from ecops_lib.market.sections import CompetitorBase, review_market
from ecops_lib.market.trends import MarketSummary


def test_without_competitors_the_industry_is_told_and_the_rest_says_why(make_shop: Any) -> None:
    shop = make_shop([dt.datetime.combine(LAST - DAY, dt.time(4), dt.UTC)])
    rows = market({("访客指数", "茶"): industry(growth=0.3)}).cast(arrow_schema("market"))
    with shop.writing() as writer:
        writer.upsert("market", rows)
        writer.record({"name": "market.csv", "sha256": "cd" * 32, "rows": len(rows)})
    base = CompetitorBase(shop, day=LAST)
    trends, share, stars = base.trends(), base.share(), base.stars()
    answers = base.answers(base.cuts(), base.elasticity())
    assert trends.findings()[0].text.startswith("访客指数 · 茶 is ")
    assert "holds no order lines" in share.absent()
    assert "holds no competitor_items" in stars.absent()
    assert "holds no competitor_items" in answers.absent()
    assert "holds no shop_events" in base.rules().absent()
    assert base.about() == {"Series of the industry": "1", "Last day with a figure": str(LAST)}
    assert review_market(base, trends, stars).findings() == trends.findings()
    summary = base.summary(trends, share, stars, answers)
    assert isinstance(summary, MarketSummary)
    assert [line.source for line in summary.lines] == ["The industry"]
    assert summary.silent == 3
