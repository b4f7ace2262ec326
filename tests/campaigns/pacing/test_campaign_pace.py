"""A campaign half-way: actual against target, and where it will close."""

from __future__ import annotations

import datetime as dt
import math
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from pacing_world import NOW, PROMOTED, ZONE, World, campaign, rows_of, shop_of

from ecops_lib.campaigns.editions import find_campaigns
from ecops_lib.campaigns.pacing import Pace, Windows, follow_campaign, forecast_close, live_moment
from ecops_lib.campaigns.pacing.live import step_minutes
from ecops_lib.core.errors import MissingDataError, ParameterError
from ecops_lib.core.language import reading

HALF = "2026-09-30 00:00"
OPENING = dt.datetime.combine(NOW, dt.time())


@pytest.fixture(scope="module")
def shop() -> dict[str, Any]:
    return shop_of(World())


def sold(*, until: dt.datetime) -> float:
    return 100.0 * sum(
        OPENING <= r["at"] < until and r["product"] in PROMOTED for r in rows_of(World())
    )


TOTAL = sold(until=OPENING + dt.timedelta(days=4))


def follow(shop: dict[str, Any], target: float | None = None, at: str = HALF) -> Pace:
    targets = {"paid_amount": target} if target else {}
    return follow_campaign(shop, campaign=campaign(), at=at, targets=targets, time_zone=ZONE)


def test_so_far_is_what_was_paid_and_no_later_order_counts(shop: dict[str, Any]) -> None:
    pace = follow(shop)
    assert pace.so_far["paid_amount"] == sold(until=OPENING + dt.timedelta(days=2))
    assert pace.so_far["paid_orders"] * 100 == pace.so_far["paid_amount"]
    cut = {**shop, "orders": shop["orders"].filter(
        pc.less(shop["orders"]["paid_at"], pa.scalar(dt.datetime(2026, 9, 29, 16, tzinfo=dt.UTC)))
    )}  # fmt: skip
    early = follow(cut)
    assert early.closings == pace.closings
    assert dict(early.so_far) == dict(pace.so_far)


def test_every_engine_tells_the_same(light_engine: Any, shop: dict[str, Any]) -> None:
    told = follow(light_engine(shop), 60000.0).rows()
    expected = follow(shop, 60000.0).rows()
    assert told["metric"].tolist() == expected["metric"].tolist()
    numbers = expected.columns[1:]
    np.testing.assert_allclose(
        told[numbers].to_numpy(float), expected[numbers].to_numpy(float), rtol=1e-12
    )


def test_interval_holds_what_came_and_counts_editions(shop: dict[str, Any]) -> None:
    pace = follow(shop)
    closing = pace.closings["paid_amount"]
    assert closing.low <= TOTAL <= closing.high
    assert closing.share == pytest.approx(0.5, abs=0.03)  # days alike: half by half-time
    assert pace.editions == 3
    assert pace.windows > 19
    assert pace.last["paid_orders"] > 0


def test_path_leads_from_what_is_paid_to_the_interval(shop: dict[str, Any]) -> None:
    pace = follow(shop, 60_000.0)
    path, closing = pace.path.set_index("at"), pace.closings["paid_amount"]
    now = dt.datetime.fromisoformat(HALF)
    assert path.index[0] == OPENING
    assert path.index[-1] == OPENING + dt.timedelta(days=4)
    assert path.loc[now, "paid"] == path.loc[now, "low"] == path.loc[now, "high"]
    assert path.loc[now, "paid"] == pace.so_far["paid_amount"]
    assert path["paid"].dropna().index.max() == now
    assert path["share"].dropna().is_monotonic_increasing
    assert path.iloc[-1][["share", "low", "high"]].tolist() == [1.0, closing.low, closing.high]
    chart = pace.chart()
    assert chart is not None
    assert "09-30 00:00" in chart.alt


def test_moment_of_a_watch(shop: dict[str, Any]) -> None:
    given = {"time_zone": ZONE}
    noon = dt.datetime.fromisoformat("2026-09-29 12:00")
    assert live_moment(shop, at="2026-09-29 12:00", as_of="2026-09-01", **given) == noon
    assert live_moment(shop, as_of="2026-09-29", **given) == dt.datetime.fromisoformat(HALF)
    end = live_moment(shop, **given)
    assert end == max(row["at"] for row in rows_of(World()))
    with pytest.raises(ParameterError, match="at is 'noon'"):
        live_moment(shop, at="noon", **given)


@pytest.mark.parametrize(
    ("factor", "level", "words"),
    [
        (1.25, "bad", "behind the pace to its target"),
        (1.03, "watch", "which can still be met"),
        (0.97, "info", "which is not safe yet"),
        (0.8, "good", "ahead of the pace to its target"),
    ],
)
def test_verdict_turns_with_the_target(
    shop: dict[str, Any], factor: float, level: str, words: str
) -> None:
    forecast = follow(shop).closings["paid_amount"]
    pace = follow(shop, factor * forecast.total)
    [finding] = pace.findings()
    row = pace.rows().iloc[0]
    assert finding.level == level
    assert words in finding.text
    assert row["ahead"] == pytest.approx(1 / factor - 1)
    assert (finding.money or 0) == pytest.approx(max(0, factor - 1) * forecast.total)
    assert (finding.action is not None) == (level == "bad")


def test_a_fifth_behind_is_told_in_both_languages(shop: dict[str, Any]) -> None:
    pace = follow(shop, 1.25 * follow(shop).closings["paid_amount"].total)
    [finding] = pace.findings()
    start = "By 2026-09-30 00:00 ¥22,500.00 of Member day is paid, 20.00% behind the pace to its "
    paid = f"¥{pace.so_far['paid_amount']:,.2f}"
    assert finding.text.startswith(start.replace("¥22,500.00", paid))
    assert finding.text.endswith("(80 % sure) unless something changes.")
    with reading("zh", "CNY"):
        [chinese] = pace.findings()
        assert "20.00%" in chinese.text
        assert paid in chinese.text


def test_a_young_shop_has_no_interval_and_says_so(shop: dict[str, Any]) -> None:
    orders, start = shop["orders"], pa.scalar(dt.datetime(2026, 9, 17, tzinfo=dt.UTC))
    young = {
        "orders": orders.filter(pc.greater_equal(orders["created_at"], start)),
        "order_items": shop["order_items"],
    }
    pace = follow(young, 10000.0)
    closing = pace.closings["paid_amount"]
    assert math.isnan(closing.low)
    assert closing.total > 0
    assert "how sure that is cannot be told" in pace.findings()[0].text


def test_over_and_untargeted_campaigns_say_so(shop: dict[str, Any]) -> None:
    over = follow(shop, TOTAL * 2, "2026-10-03 10:00")
    assert over.over
    assert "50.00% less than its target" in over.findings()[0].text
    assert over.findings()[0].action is None
    assert (
        "25.00% more than its target" in follow(shop, TOTAL * 0.8, "2026-10-03").findings()[0].text
    )
    assert follow(shop, None, "2026-10-03").findings()[0].text.endswith("it had no target.")
    assert follow(shop).findings()[0].text.endswith("It has no target.")


def test_nothing_sold_is_no_forecast(shop: dict[str, Any]) -> None:
    pace = follow(shop, 1000.0, "2026-09-28 01:00")
    assert math.isnan(pace.closings["paid_amount"].total)
    assert "cannot be told before sales" in pace.findings()[0].text


def test_new_buyers_are_those_without_an_earlier_order(shop: dict[str, Any]) -> None:
    rows = [r for r in rows_of(World()) if r["at"] < dt.datetime.fromisoformat("2026-09-30")]
    before = {r["buyer"] for r in rows if r["at"] < OPENING}
    now = {r["buyer"] for r in rows if r["at"] >= OPENING}
    assert follow(shop).so_far["new_buyer_share"] == pytest.approx(len(now - before) / len(now))


def test_impossible_moments_are_refused(shop: dict[str, Any]) -> None:
    with pytest.raises(ParameterError, match="sells from 2026-09-28; choose a later time"):
        follow(shop, at="2026-09-27 12:00")
    with pytest.raises(ParameterError, match="must be a local time such as"):
        follow(shop, at="noon")
    with pytest.raises(MissingDataError, match="import earlier orders"):
        follow_campaign(
            shop, campaign=campaign(dt.date(2026, 4, 20)), at="2026-04-22", time_zone=ZONE
        )
    for step in ("7min", "0min", "half an hour", "-30min"):
        with pytest.raises(ParameterError, match="it must divide a day"):
            step_minutes(step)


def test_unknown_amounts_are_not_zero(shop: dict[str, Any]) -> None:
    items = shop["order_items"]
    place = items.schema.get_field_index("paid_amount")
    empty = items.set_column(
        place, items.schema.field(place), pa.nulls(len(items), items.schema.field(place).type)
    )
    with pytest.raises(MissingDataError, match="paid orders tell no paid amount"):
        follow({**shop, "order_items": empty})


def test_moment_is_cut_to_a_step_and_ends_with_the_orders(shop: dict[str, Any]) -> None:
    assert follow(shop, at="2026-09-29 14:29").at == dt.datetime.fromisoformat("2026-09-29T14:00")
    aware = dt.datetime(2026, 9, 29, 6, 10, tzinfo=dt.UTC)
    pace = follow_campaign(shop, campaign=campaign(), at=aware, time_zone=ZONE)
    assert pace.at == dt.datetime.fromisoformat("2026-09-29T14:00")
    assert follow(shop, at="").over


def test_editions_are_found_in_the_diary(shop: dict[str, Any]) -> None:
    found = find_campaigns(shop, time_zone=ZONE)
    assert sum(c.name == "Member day" for c in found) == 3


def planted_windows(rng: np.random.Generator, count: int, spread: float) -> Windows:
    """Windows whose share by now is a half but for chance of orders and of their shape."""
    orders = rng.poisson(200, count).astype(float)
    log_odds = rng.normal(0, spread, count)
    now = rng.binomial(orders.astype(int), 1 / (1 + np.exp(-log_odds))).astype(float)
    return Windows(so_far=now * 10, total=orders * 10, orders=now)


@pytest.mark.parametrize("spread", [0.0, 0.3])
def test_interval_covers_four_in_five(spread: float) -> None:
    rng = np.random.default_rng(11)
    inside, rounds = 0, 600
    for _ in range(rounds):
        held, new = planted_windows(rng, 60, spread), planted_windows(rng, 1, spread)
        closing = forecast_close(
            float(new.so_far[0]), float(new.orders[0]), editions=Windows(), ordinary=held, chance=1
        )
        inside += closing.low <= new.total[0] <= closing.high
    assert 0.75 <= inside / rounds <= 0.85


def test_wilder_editions_widen_and_move_the_forecast() -> None:
    rng = np.random.default_rng(5)
    held = planted_windows(rng, 60, 0.1)
    calm = planted_windows(rng, 4, 0.1)
    wild = Windows(
        so_far=np.array([400.0, 1600, 500, 1500]), total=np.full(4, 2000.0),
        orders=np.array([40.0, 160, 50, 150]),
    )  # fmt: skip
    front = Windows(so_far=np.full(4, 1600.0), total=np.full(4, 2000.0), orders=np.full(4, 160.0))
    told = {
        name: forecast_close(1000, 100, editions=e, ordinary=held, chance=1)
        for name, e in {"calm": calm, "wild": wild, "front": front}.items()
    }
    assert told["wild"].high - told["wild"].low > 1.5 * (told["calm"].high - told["calm"].low)
    assert told["front"].total < 0.8 * told["calm"].total
    assert all(c.low <= c.total <= c.high for c in told.values())
