"""What came back and what did not is told as planted, at the stated rates of error."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from action_world import (
    BACK,
    CALM,
    CLOSED,
    CUT,
    DAY,
    GONE,
    HELD,
    LOST,
    OUT,
    PRICE,
    RARE,
    WAVE,
    action,
    day_of,
    make_world,
)

from ecops_lib.core.errors import ParameterError
from ecops_lib.core.language import reading
from ecops_lib.data.calendar import describe_days
from ecops_lib.data.store import Store, create_store
from ecops_lib.diagnosis.actions import ActionResults, Followed, KeptAction, measure_actions
from ecops_lib.diagnosis.actions import measuring as m
from ecops_lib.diagnosis.actions.panels import Panel
from ecops_lib.diagnosis.claims import claim_grids
from ecops_lib.diagnosis.history import History


def on_product(first: str, metric: str, product: str, **given) -> KeptAction:
    return action(f"{first}/{product}", metric, f"product_id={product}", **given)


ACTIONS = (
    *(on_product("conversion_drop", "conversion_rate", p) for p in (BACK, LOST, CALM, RARE, GONE)),
    *(action(f"traffic_drop/{c}", "visitors", f"channel={c}") for c in (HELD, CUT)),
    on_product("stock_out", "paid_sub_orders", OUT),
    on_product("refund_wave", "refund_claims", WAVE),
    action("refund_wave", "refund_claims", ""),
    action("slices/two", "paid_sub_orders", f"platform=tmall&product_id={OUT}"),
    action("slices/shop", "paid_sub_orders", "shop"),
    action("slices/buyer", "paid_sub_orders", "buyer=new"),
    action("shipping_overdue", "", ""),
    on_product("conversion_drop", "conversion_rate", "P1", closed_on=None),
    on_product("conversion_drop", "conversion_rate", "P5", closed_on=day_of(2)),
    on_product("conversion_drop", "conversion_rate", "P6", since=day_of(70)),
)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return make_world(tmp_path_factory.mktemp("world") / "S")


@pytest.fixture(scope="module")
def history(world: Store) -> History:
    return History(world, day=DAY)


@pytest.fixture(scope="module")
def results(history: History) -> ActionResults:
    return measure_actions(history, ACTIONS, as_of=DAY)


def test_what_was_planted_is_told(results: ActionResults) -> None:
    told = {row.action.key: (row.verdict, row.why) for row in results.rows[:14]}
    assert told == {
        "conversion_drop/P0": ("back", ""),
        "conversion_drop/P1": ("not_yet", ""),
        "conversion_drop/P2": ("untold", "between"),
        "conversion_drop/P3": ("untold", "few_counts"),
        "conversion_drop/P4": ("untold", "no_figures"),
        "traffic_drop/手淘搜索": ("back", ""),
        "traffic_drop/直通车": ("not_yet", ""),
        "stock_out/P5": ("back", ""),
        "refund_wave/P6": ("back", ""),
        "refund_wave": ("back", ""),
        "slices/two": ("back", ""),
        "slices/shop": ("untold", "between"),
        "slices/buyer": ("untold", "no_metric"),
        "shipping_overdue": ("untold", "no_metric"),
    }
    assert [row.why for row in results.rows[14:]] == ["no_day", "few_days", "no_past"]


def test_the_money_regained_holds_what_was_planted(results: ActionResults, world: Store) -> None:
    rows = world.frame("traffic")
    after = (rows["scope_id"] == BACK) & (rows["day"] > day_of(CLOSED))
    visitors = float(rows.loc[after, "visitors"].sum())
    back = results.rows[0]
    assert back.days == CLOSED
    assert back.seen == float(rows.loc[after, "paying_buyers"].sum())
    assert back.low < visitors * 0.05 < back.high
    truth = visitors * 0.05 * (1 - 0.4) * float(PRICE)
    assert back.regained_low < truth < back.regained_high
    lost = results.rows[1]
    assert lost.regained_low < 0 < lost.regained_high


def test_products_are_named_and_slices_told_by_their_values(results: ActionResults) -> None:
    names = {row.action.key: row.name for row in results.rows}
    assert names["stock_out/P5"] == "<b>P5</b>"
    assert names["slices/two"] == "tmall × <b>P5</b>"
    assert names["traffic_drop/直通车"] == "直通车"
    assert names["slices/shop"] == names["refund_wave"] == ""
    assert results.rows[11].what == "The number of order lines of the shop"


def test_claims_are_expected_as_a_plain_loop_expects_them(
    results: ActionResults, history: History
) -> None:
    counts, exposure = claim_grids(history, DAY)
    first = day_of(CLOSED + 10 + 6)  # the finding's first day and the six days before it
    claims = carried = since = 0.0
    for day in counts.index:
        if day.date() < first:
            claims += counts.loc[day, WAVE]
            carried += exposure.loc[day, WAVE]
        if day.date() > day_of(CLOSED):
            since += exposure.loc[day, WAVE]
    assert results.rows[8].expected == pytest.approx((claims + 0.5) / carried * since)


def test_the_range_of_the_trouble_going_on_is_that_of_simulated_days() -> None:
    after = m.Window(days=10, seen=300.0, expected=400.0, low=350.0, high=450.0, extra=0.004)
    trouble = m.Window(days=4, seen=60.0, expected=160.0, low=130.0, high=190.0, extra=0.006)
    held = m._verdict(action("a", "visitors", "channel=x"), "", after, trouble, 2.0)
    rng = np.random.default_rng(8)
    extra = 0.004 + 0.006 + 1 / 60.5
    rates = rng.gamma(1 / extra, extra * 60.5 / 160 * 400, 400_000)
    low, high = np.quantile(rng.poisson(rates), [0.025, 0.975])
    assert held.regained_low == pytest.approx((300 - high) * 2, abs=4)
    assert held.regained_high == pytest.approx((300 - low) * 2, abs=4)
    assert held.regained == pytest.approx((300 - 60.5 / 160 * 400) * 2)
    assert (held.verdict, held.days) == ("not_yet", 10)
    claims = m._verdict(action("a", "refund_claims", ""), "", after, trouble, 2.0)
    assert claims.regained == -held.regained
    assert (claims.regained_low, claims.regained_high) == (
        -held.regained_high,
        -held.regained_low,
    )


def test_the_days_of_an_earlier_trouble_are_not_usual() -> None:
    days = pd.date_range(end=str(DAY), periods=60)
    again = action(
        "a",
        "visitors",
        "",
        opened_on=day_of(40),
        done_before=day_of(36),
        relapsed_on=day_of(20),
        since=day_of(21),
        closed_on=day_of(14),
    )
    held = m._split(pd.Series(1.0, index=days), again, day_of(14), days)
    ago = [(DAY - day.date()).days for day in held.before]
    assert ago == [*range(59, 46, -1), *range(35, 27, -1)]
    assert [(DAY - day.date()).days for day in held.trouble] == list(range(21, 14, -1))
    assert [(DAY - day.date()).days for day in held.after] == list(range(13, -1, -1))


END = dt.date(2026, 9, 20)
SHOP_DAYS = pd.date_range(end=str(END), periods=400)
CALENDAR = describe_days(SHOP_DAYS[0].date(), END)


def simulated(rng: np.random.Generator, *, after: float) -> str:
    """The verdict on one of 20 products whose conversion halved for some days."""
    level = 0.05 * np.exp(np.cumsum(rng.normal(0, 0.01, 400)) + rng.normal(0, 0.03, 400))
    level *= np.where(SHOP_DAYS.dayofweek >= 5, 1.15, 1.0)
    rate = level[:, None] * rng.uniform(0.6, 1.4, 20) * rng.gamma(20, 1 / 20, (400, 20))
    rate[380:387, 0] *= 0.5
    rate[387:, 0] *= after
    visitors = rng.poisson(400, (400, 20))
    buyers = rng.binomial(visitors, rate)
    conversion = pd.Series(buyers.sum(axis=1) / visitors.sum(axis=1), index=SHOP_DAYS)
    counts, exposure = (
        pd.DataFrame(cells[-63:], index=SHOP_DAYS[-63:], dtype=float)
        for cells in (buyers, visitors)
    )
    panel = Panel(counts=counts, exposure=exposure, level=conversion, amounts=counts * 80)
    done = replace(
        action("k", "conversion_rate", "product_id=0"),
        since=SHOP_DAYS[380].date(),
        opened_on=SHOP_DAYS[382].date(),
        closed_on=SHOP_DAYS[386].date(),
    )
    first = SHOP_DAYS[374].date()
    path = m._level(SimpleNamespace(calendar=CALENDAR), panel, first=first, until=END)
    days = m._split(counts[0], done, done.closed_on, path.ordinary)
    windows = [m._window(panel, path, days.before, held, 0) for held in (days.after, days.trouble)]
    return m._verdict(done, "", *windows, 80.0).verdict


def test_wrong_verdicts_are_as_rare_as_the_ranges_say() -> None:
    rng, runs = np.random.default_rng(6), 30
    back = Counter(simulated(rng, after=1.0) for _ in range(runs))
    still = Counter(simulated(rng, after=0.5) for _ in range(runs))
    # each is wrong in one of 40 cases by its 95 % range: 5 of 30 has a chance of 0.001
    assert back["not_yet"] <= 4
    assert still["back"] <= 4
    assert back["back"] > runs / 2
    assert still["not_yet"] > runs / 2


def test_nothing_after_the_day_is_looked_at(world: Store, history: History) -> None:
    day = day_of(4)
    later = measure_actions(history, ACTIONS[:10], as_of=day)
    then = measure_actions(History(world, day=day), ACTIONS[:10], as_of=day)
    for one, other in zip(later.rows, then.rows, strict=True):
        assert (one.verdict, one.why) == (other.verdict, other.why)
        # a later history begins later, too: the delays of claims rest on other early days
        rel = 1e-3 if one.action.metric == "refund_claims" else 1e-9
        assert one.numbers == pytest.approx(other.numbers, nan_ok=True, rel=rel)


def test_actions_are_taken_as_they_stood_and_old_ones_are_left_out(history: History) -> None:
    before = measure_actions(history, ACTIONS[:2], as_of=day_of(CLOSED + 1))
    assert [row.action.status for row in before.rows] == ["open", "open"]
    assert [row.verdict for row in before.rows] == ["", ""]
    assert measure_actions(history, ACTIONS[:2], as_of=DAY, days=CLOSED).rows == ()
    assert len(measure_actions(history, ACTIONS[:2], as_of=DAY, days=CLOSED + 1).rows) == 2
    with pytest.raises(ParameterError, match="the history ends on 2026-09-30"):
        measure_actions(history, (), as_of=DAY + dt.timedelta(days=1))
    with pytest.raises(ParameterError, match="days is 32; it must lie between 1 and 31"):
        measure_actions(history, (), as_of=DAY, days=32)


def test_a_store_without_tables_can_measure_nothing(tmp_path: Path) -> None:
    store = create_store(tmp_path / "S", name="店", key=b"k" * 32)
    held = measure_actions(History(store, day=DAY), ACTIONS[:12], as_of=DAY)
    assert {row.why for row in held.rows} == {"no_figures"}


def result(*rows: Followed, kept: int = 1) -> ActionResults:
    return ActionResults(as_of=DAY, days=28, rows=rows, kept=kept)


def done(verdict: str, metric: str = "conversion_rate", part: str = "product_id=P1", **given):
    told = {"days": 9, "seen": 120.0, "expected": 130.2, "low": 110.0, "high": 150.0}
    told |= {"regained": 800.0, "regained_low": 300.0, "regained_high": 1300.0} | given
    held = action("k/P1", metric, part, task="put the price back")
    return Followed(action=held, name="Tea <b>" if part else "", verdict=verdict, **told)


SUMMARY = {
    "en": "Of 1 task done in the last 28 days, {} came back, {} did not yet, {} cannot be told.",
    "zh": "最近 28 天内完成的 1 项任务中，{} 项的数据已恢复，{} 项尚未恢复，{} 项无法判断。",
}
WORDS = {
    "back": (
        done("back"),
        "Conversion of Tea <b> is back to usual after the task was done on 2026-09-17: 120 buyers "
        "in 9 days, where 110 to 150 were to be expected. About ¥800.00 more came in than if the "
        "trouble had gone on (between ¥300.00 and ¥1,300.00).",
        "2026-09-17 完成任务后，Tea <b> 的支付转化率已恢复正常：9 天内支付买家数为 120，预期为 110 "
        "到 150。与问题持续相比，约多收 ¥800.00（¥300.00 到 ¥1,300.00）。",
    ),
    "short": (
        done("not_yet", seen=80.0, regained=-5.0, regained_low=-300.0),
        "Conversion of Tea <b> is not back to usual after the task was done on 2026-09-17: 80 "
        "buyers in 9 days, where 110 to 150 were to be expected. Against the trouble going on "
        "that is between -¥300.00 and +¥1,300.00: no gain can be told.",
        "2026-09-17 完成任务后，Tea <b> 的支付转化率尚未恢复正常：9 天内支付买家数为 80，预期为 "
        "110 到 150。与问题持续相比，差额在 -¥300.00 到 +¥1,300.00 之间，看不出有改善。",
    ),
    "claims": (
        done("back", "refund_claims", ""),
        "The number of refund claims against the shop is back to usual after the task was done on "
        "2026-09-17: 120 claims in 9 days, where 110 to 150 were to be expected. About ¥800.00 "
        "less was claimed than if the trouble had gone on (between ¥300.00 and ¥1,300.00).",
        "2026-09-17 完成任务后，全店 的退款申请数已恢复正常：9 天内退款申请数为 120，预期为 110 到 "
        "150。与问题持续相比，申请退款约少 ¥800.00（¥300.00 到 ¥1,300.00）。",
    ),
    "no_money": (
        done("not_yet", "visitors", "channel=直通车", regained=float("nan")),
        "The number of visitors from Tea <b> is not back to usual after the task was done on "
        "2026-09-17: 120 visitors in 9 days, where 110 to 150 were to be expected.",
        "2026-09-17 完成任务后，Tea <b> 带来的访客数尚未恢复正常：9 天内访客数为 120，预期为 110 "
        "到 150。",
    ),
}


@pytest.mark.parametrize("case", WORDS)
def test_the_sentence_of_each_verdict(case: str) -> None:
    row, english, chinese = WORDS[case]
    assert result(row).findings()[2].text == english
    with reading("zh"):
        assert result(row).findings()[2].text == chinese


def test_the_head_counts_and_warns_of_taking_after_for_because() -> None:
    caveat = " That something came back after a task is no proof that the task did it."
    for verdict, counts in {"back": (1, 0, 0), "not_yet": (0, 1, 0), "untold": (0, 0, 1)}.items():
        row = done(verdict, why="few_days" if verdict == "untold" else "")
        held = result(row).findings()
        assert held[0].text == "No task of earlier pages is open."
        warned = caveat if verdict == "back" else ""
        assert held[1].text == SUMMARY["en"].format(*counts) + warned
        with reading("zh"):
            said = result(row).findings()
            assert said[0].text == "以往报告没有待办任务。"
            assert said[1].text.startswith(SUMMARY["zh"].format(*counts))
            assert ("并不证明" in said[1].text) == (verdict == "back")


def opened(**given) -> Followed:
    told = {"status": "open", "closed_on": None, "task": "put the price back", **given}
    return Followed(action=action("k/P1", "conversion_rate", "product_id=P1", **told), name="Tea")


def test_open_late_and_relapsed_actions_are_told() -> None:
    fresh = opened()
    fresh = replace(fresh, action=replace(fresh.action, due=DAY + dt.timedelta(days=1)))
    late = opened()
    assert [f.text for f in result(fresh).findings()] == [
        "1 task of earlier pages is open; 0 past the due day."
    ]
    assert [f.text for f in result(fresh, late).findings()] == [
        "2 tasks of earlier pages are open; 1 past their due day.",
        "“put the price back” (Tea) was due on 2026-09-10 and is still open, 21 days after it was "
        "found.",
    ]
    again = opened(done_before=day_of(9), relapsed_on=day_of(3))
    said = result(again).findings()[1]
    assert (said.level, said.action.text, said.money) == ("bad", "put the price back", 100.0)
    assert said.text == (
        "Conversion of Tea: the task was done on 2026-09-21, and the same trouble was found again "
        "on 2026-09-27; the task is open again."
    )
    with reading("zh"):
        assert result(late).findings()[0].text == "以往报告还有 1 项待办任务，其中 1 项已逾期。"
        assert result(late).findings()[1].text == (
            "“put the price back”（Tea）应于 2026-09-10 完成，发现 21 天后仍未完成。"
        )
        assert result(again).findings()[1].text == (
            "Tea 的支付转化率：任务已于 2026-09-21 完成，但 2026-09-27 又发现同样的问题，"
            "任务重新打开。"
        )


def test_a_page_has_a_dozen_rows_and_few_sentences_the_workbook_has_all() -> None:
    rows = [opened() for _ in range(20)] + [done("back"), done("not_yet"), done("untold")]
    held = result(*rows)
    assert held.page_frame().shape == (12, 9)
    assert len(held.to_frame()) == 23
    assert set(held.to_frame()["status"][:20]) == {"overdue"}
    assert len(held.findings()) <= 6
    assert {f.key.split("/")[0] for f in held.findings()} == {"action"}


def test_money_that_may_be_none_is_not_shown_as_regained() -> None:
    rows = (done("back"), done("untold", regained_low=-3.0, why="between"))
    table = result(*rows).to_frame()
    assert table["regained"].isna().tolist() == [False, True]
    assert table["result"].tolist() == [
        "came back",
        "cannot be told: what came since fits both",
    ]


def test_nothing_kept_and_nothing_open_are_told_apart() -> None:
    assert "'ecops run' keeps those" in result(kept=0).absent()
    assert result(kept=3).absent().startswith("No task of earlier pages is open, and none was")
    with reading("zh"):
        assert result(kept=0).absent().startswith("还没有记录任何任务")
        assert result(kept=3).absent().startswith("以往报告没有待办任务")


def test_names_are_escaped_on_the_page() -> None:
    assert "Tea &lt;b&gt;" in result(done("back"))._repr_html_()
    assert "Tea <b>" not in result(done("back"))._repr_html_()
