"""What a campaign really brought: planted shops, the account, its words."""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import replace
from typing import Any, cast

import campaign_worlds as worlds
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from campaign_worlds import World, campaign, shop_of, truth_of

from ecops_lib.campaigns.effect import CampaignEffect, measure_effect
from ecops_lib.campaigns.effect.accounts import draw_up
from ecops_lib.campaigns.effect.parts import adjust_holm
from ecops_lib.core.errors import MissingDataError, ParameterError
from ecops_lib.core.formats import show
from ecops_lib.core.language import set_reader

AS_OF = dt.date(2026, 8, 5)


def effect_of(world: World, *, as_of: dt.date = AS_OF, **changes: object) -> CampaignEffect:
    return measure_effect(
        shop_of(world), campaign=campaign(**changes), as_of=as_of, time_zone=worlds.ZONE
    )


@pytest.fixture(scope="module")
def planted() -> CampaignEffect:
    return effect_of(World())


def test_the_planted_lift_lies_inside_its_interval(planted: CampaignEffect) -> None:
    flat = worlds.units_of(World(lift=1, borrowed=1, taken=1))
    first, last = ((d - worlds.FIRST).days for d in (worlds.SALE, worlds.LAST))
    paid = worlds.units_of(World())[first : last + 1, [0, 3]].sum() * worlds.PRICE * 0.8
    truth = paid - flat[first : last + 1, [0, 3]].sum() * worlds.PRICE
    sale = planted.parts.sale
    assert sale.low <= truth <= sale.high
    assert sale.claimed
    units = worlds.units_of(World())[first : last + 1, [0, 3]].sum()
    added = units - flat[first : last + 1, [0, 3]].sum()
    assert planted.parts.units.low <= added <= planted.parts.units.high


def test_what_was_borrowed_and_whom_it_took_from_is_named(planted: CampaignEffect) -> None:
    truth = truth_of(World())
    for part, name in ((planted.parts.before, "before"), (planted.parts.after, "after")):
        assert part is not None
        assert part.low <= truth[name] <= part.high
    [sister] = planted.lost_sisters
    assert sister.product_id == "P01"
    assert sister.amount == pytest.approx(truth["sister"], rel=0.35)
    texts = [f.text for f in planted.findings()]
    assert any(t.startswith("It took ") and "Item P01" in t for t in texts)
    borrowed = [t for t in texts if " of it was borrowed from " in t]
    assert bool(borrowed) == (planted.parts.before.claimed or planted.parts.after.claimed)


def test_the_account_adds_up_and_its_steps_are_those_of_the_definition(
    planted: CampaignEffect,
) -> None:
    account = planted.account
    assert account is not None
    steps = {s.key: s for s in account.steps}
    known = [s.amount for s in account.steps if s.known]
    assert sum(known) == pytest.approx(account.margin)
    assert account.low < account.margin < account.high
    sale = planted.parts.sale
    assert steps["list"].amount + steps["discount"].amount == pytest.approx(sale.effect)
    series = planted.series
    units = series.units[series.sale][:, series.promoted].sum()
    assert steps["discount"].amount == pytest.approx(-0.2 * worlds.PRICE * units)
    assert account.shipped_discount == pytest.approx(0.2)
    more = sum(steps[k].amount for k in ("list", "before", "after", "sisters"))
    assert steps["goods"].amount == pytest.approx(-more * 0.4 * 0.95)
    net = more + steps["discount"].amount
    assert steps["refunds"].amount == pytest.approx(-0.05 * net, rel=0.02)
    assert not steps["ads"].known
    assert not steps["fees"].known
    assert planted.findings()[-1].text == (
        "Not known, and so not in the margin: Of that, borne by platform and creators, Platform "
        "fees, Ads above the usual, Creators' fees and commission."
    )


def test_at_the_break_even_lift_nothing_is_left(planted: CampaignEffect) -> None:
    """Goods cost 40 of 100 and 5 % comes back, so 1 more of sales leaves .6 of what is kept."""
    account, sale = planted.account, planted.parts.sale
    assert account is not None
    assert account.break_even == pytest.approx(
        sale.effect - account.margin / (0.95 * 0.6), rel=0.01
    )
    moved = replace(sale, effect=account.break_even)
    again = draw_up(
        shop_of(World()), planted.series, replace(planted.parts, sale=moved), seed=0,
        time_zone=worlds.ZONE,
    )  # fmt: skip
    assert again.margin == pytest.approx(0, abs=1e-6 * abs(account.margin))
    [told] = [f for f in planted.findings() if f.key == "campaign/break_even"]
    need, lift = show(account.break_even, "money"), show(sale.effect, "money")
    assert told.text.startswith(f"It pays from {need} of added sales on; it added {lift}, between")
    dear = replace(planted, account=replace(account, break_even=float("nan")))
    [none] = [f for f in dear.findings() if f.key == "campaign/break_even"]
    assert none.text.startswith("No added sales would have paid for it")


def test_what_the_platform_bore_comes_back_to_the_merchant(planted: CampaignEffect) -> None:
    """The platform adds 10 to each order of the sale and 2 to each other one."""
    shop = shop_of(World())
    orders = cast(pd.DataFrame, shop["orders"])
    day = (orders["paid_at"] + pd.Timedelta(hours=8)).dt.date
    sale = (day >= worlds.SALE) & (day <= worlds.LAST)
    held = measure_effect(
        shop | {"orders": orders.assign(discount_platform=np.where(sale, 10.0, 2.0))},
        campaign=campaign(), as_of=AS_OF, time_zone=worlds.ZONE,
    )  # fmt: skip
    assert held.account
    assert planted.account
    [step] = [s for s in held.account.steps if s.key == "borne"]
    sold = float(held.series.amount[held.series.sale][:, held.series.promoted].sum())
    # an order of five pieces costs 400 in the sale and 500 else
    wanted = 0.95 * (10 / 400 * sold - 2 / 500 * (sold - held.parts.sale.effect))
    assert step.amount == pytest.approx(wanted, rel=1e-3)
    assert held.account.margin == pytest.approx(planted.account.margin + step.amount)


def test_refunds_after_the_sale_are_told_and_cost() -> None:
    calm, wave = effect_of(World()), effect_of(World(refunds=0.25))
    assert calm.account
    assert wave.account
    assert wave.account.refund_rate == pytest.approx(0.25, abs=0.01)
    assert wave.account.usual_rate == pytest.approx(0.05, abs=0.01)
    sold = wave.series.amount[wave.series.sale][:, wave.series.promoted].sum()
    gap = calm.account.margin - wave.account.margin
    assert gap == pytest.approx(0.2 * sold, rel=0.05)
    assert any(f.key == "campaign/refunds" for f in wave.findings())
    assert not any(f.key == "campaign/refunds" for f in calm.findings())


def test_without_a_lift_few_shops_claim_one_and_nobody_is_accused() -> None:
    flat = {"lift": 1.0, "borrowed": 1.0, "taken": 1.0, "discount": 1.0}
    found = [effect_of(World(**flat, seed=seed)) for seed in (2, 3, 4)]
    calm = [held for held in found if not held.parts.sale.claimed]
    assert len(calm) >= 2
    assert sum(bool(held.lost_sisters) for held in found) <= 1
    for held in calm:
        assert any("No lift can be shown" in f.text for f in held.findings())


def test_the_verdict_s_words_follow_the_truth() -> None:
    gift = World(lift=1, borrowed=1, taken=1, discount=0.5)
    even = World(lift=1.3, borrowed=1, taken=1, discount=0.8)
    starts = {
        "en": ("The campaign paid: it left", "Whether the campaign paid", "The campaign did not"),
        "zh": ("这次活动是赚的：", "这次活动赚没赚说不准：", "这次活动没赚："),
    }
    told = (effect_of(World(lift=3, taken=1)), effect_of(even), effect_of(gift))
    for found, *words in zip(told, *starts.values(), strict=True):
        for language, start in zip(starts, words, strict=True):
            set_reader(language, "CNY")
            assert found.findings()[0].text.startswith(start)
        assert found.account
        assert (found.account.low <= 0 <= found.account.high) == (found.verdict == "open")
    assert told[2].findings()[0].level == "bad"
    action = told[2].findings()[0].action
    assert action is not None
    assert action.text.startswith("少让利")


def test_nothing_later_than_as_of_is_looked_at() -> None:
    early = dt.date(2026, 7, 28)
    shop = shop_of(World())
    cut = {
        name: table[table["paid_at"] < "2026-07-28T16:00Z"] if name == "orders" else table
        for name, table in shop.items()
    }
    kept = cut["orders"]["order_id"]
    cut["order_items"] = shop["order_items"][shop["order_items"]["order_id"].isin(kept)]
    late = shop["refunds"]["finished_at"] >= "2026-07-28T16:00Z"
    cut["refunds"] = shop["refunds"][~late]
    args = {"campaign": campaign(), "as_of": early, "time_zone": worlds.ZONE}
    whole, known = measure_effect(shop, **args), measure_effect(cut, **args)
    assert whole.account
    assert known.account
    assert whole.account.margin == pytest.approx(known.account.margin)
    assert any(f.key == "campaign/after" for f in whole.findings())
    assert "4 of the days after the sale have not come yet" in str(whole)


def test_a_campaign_for_the_whole_shop_is_refused() -> None:
    found = effect_of(World(), products=())
    assert found.account is None
    assert found.findings() == ()
    assert found.absent().startswith("No lift can be told: the campaign was for everything")
    assert found.chart() is None


def test_a_shop_of_one_category_compares_with_its_other_products() -> None:
    shop = shop_of(World(taken=1))
    shop["products"] = shop["products"].assign(category="tea")
    found = measure_effect(shop, campaign=campaign(), as_of=AS_OF, time_zone=worlds.ZONE)
    assert found.series.kin_in_controls
    assert found.parts.sale.claimed


@pytest.mark.parametrize("change", ["refunds", "products"])
def test_a_missing_table_is_not_known_rather_than_zero(change: str) -> None:
    shop = {k: v for k, v in shop_of(World()).items() if k != change}
    found = measure_effect(shop, campaign=campaign(), as_of=AS_OF, time_zone=worlds.ZONE)
    assert found.account
    unknown = {s.key for s in found.account.steps if not s.known}
    assert {"refunds": {"refunds"}, "products": {"goods"}}[change] <= unknown
    assert not math.isnan(found.account.margin)


def test_impossible_questions_are_refused() -> None:
    with pytest.raises(ParameterError, match="sells from 2026-07-21, after as_of 2026-07-01"):
        effect_of(World(), as_of=dt.date(2026, 7, 1))
    with pytest.raises(ParameterError, match="none of the products of campaign 'tea-2026'"):
        effect_of(World(), products=("nobody",))
    shop = shop_of(World())
    late = shop["orders"]["paid_at"] >= "2026-07-22T00:00Z"
    shop["orders"] = shop["orders"][late]
    with pytest.raises(MissingDataError, match="No order was paid before 2026-07-21"):
        measure_effect(shop, campaign=campaign(), as_of=AS_OF, time_zone=worlds.ZONE)


def as_arrow(table: Any) -> pa.Table:
    """The table with words where nothing is told, and moments in microseconds."""
    held = pa.Table.from_pandas(table, preserve_index=False)
    kinds = {pa.null(): pa.string(), pa.timestamp("ns", "UTC"): pa.timestamp("us", "UTC")}
    return held.cast(pa.schema([(f.name, kinds.get(f.type, f.type)) for f in held.schema]))


def test_every_engine_reads_the_same(light_engine: Any) -> None:
    shop = shop_of(World())
    plain = measure_effect(shop, campaign=campaign(), as_of=AS_OF, time_zone=worlds.ZONE)
    arrow = {name: as_arrow(table) for name, table in shop.items()}
    other = measure_effect(
        light_engine(arrow), campaign=campaign(), as_of=AS_OF, time_zone=worlds.ZONE
    )
    assert other.account
    assert plain.account
    assert other.account.margin == pytest.approx(plain.account.margin)


def test_holm_never_falls() -> None:
    rng = np.random.default_rng(1)
    values = np.sort(rng.random(30))
    held = adjust_holm(values)
    assert (np.diff(held) >= 0).all()
    assert (held >= values).all()
    assert held[0] == pytest.approx(min(1, 30 * values[0]))
