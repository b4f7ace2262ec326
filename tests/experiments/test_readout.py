"""From a store to one verdict: each branch, both languages, and reversal."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from ecops_lib import experiments
from ecops_lib.core.errors import MissingDataError, ParameterError
from ecops_lib.core.language import reading
from ecops_lib.data.coverage import last_whole_day
from ecops_lib.experiments.effects import Interval
from ecops_lib.experiments.memo_words import action_words, verdict_sentence
from ecops_lib.experiments.money import MONEY_METRICS, Money
from ecops_lib.experiments.outcomes import METRICS
from ecops_lib.experiments.verdict import DECISIONS, Standing, Verdict, decide, side_of

MakeTrial = Callable[..., experiments.Experiment]
CONVERSION = METRICS["conversion_rate"]
WON = Standing(
    variant="新主图",
    control=0.05,
    treatment=0.06,
    relative=Interval(value=0.2, low=0.1, high=0.3),
    side="better",
    broken=("refund_rate",),
    unsure=("refund_rate", "refunded_order_rate"),
)
LOST = replace(WON, relative=Interval(value=-0.2, low=-0.3, high=-0.1), side="worse")

WORDS = {
    "red": (
        "Do not trust this test: split of units. No effect is shown, because it would not be the "
        "variant's.",
        "结果不可信：分流比例未通过检查。差异不是版本带来的，因此不显示任何效果。",
    ),
    "winner": (
        "Ship 新主图: conversion rate is +20.00% against the control (+10.00% to +30.00%), 6.00% "
        "against 5.00%, and no guardrail is worse.",
        "上线 新主图：转化率比对照组 +20.00%（+10.00% 至 +30.00%），6.00% 对 5.00%，"
        "护栏指标没有变差。",
    ),
    "winner_unsure": (
        "Ship 新主图, and watch refund rate by amount, share of orders refunded: conversion rate "
        "is +20.00% against the control (+10.00% to +30.00%), 6.00% against 5.00%; no guardrail is "
        "shown to be worse, but a harm above the margin is not ruled out for refund rate by "
        "amount, share of orders refunded.",
        "上线 新主图，同时盯住金额退款率、退款订单占比：转化率比对照组 +20.00%"
        "（+10.00% 至 +30.00%），6.00% 对 5.00%；护栏指标没有显示变差，"
        "但金额退款率、退款订单占比超出容许范围的可能还不能排除。",
    ),
    "week": (
        "Keep running: 新主图 is ahead (conversion rate +20.00%, +10.00% to +30.00%), but the test "
        "has not yet seen a whole week.",
        "继续跑：新主图 领先（转化率 +20.00%，+10.00% 至 +30.00%），但测试还没有跑满一周。",
    ),
    "guardrail_open": (
        "Keep running: 新主图 is ahead (conversion rate +20.00%, +10.00% to +30.00%), but a harm "
        "above the margin is not yet ruled out for refund rate by amount, share of orders "
        "refunded.",
        "继续跑：新主图 领先（转化率 +20.00%，+10.00% 至 +30.00%），"
        "但金额退款率、退款订单占比超出容许范围的可能还不能排除。",
    ),
    "running": (
        "Keep running: conversion rate of 新主图 lies between +10.00% and +30.00% against the "
        "control, which decides nothing yet.",
        "继续跑：新主图 的转化率与对照组相比在 +10.00% 至 +30.00% 之间，还不能下结论。",
    ),
    "guardrail": (
        "Stop 新主图: conversion rate is +20.00% against the control (+10.00% to +30.00%), but "
        "refund rate by amount got worse.",
        "停止 新主图：转化率比对照组 +20.00%（+10.00% 至 +30.00%），但金额退款率变差。",
    ),
    "harm": (
        "Stop 新主图: conversion rate is worse, +20.00% against the control (+10.00% to +30.00%), "
        "6.00% against 5.00%.",
        "停止 新主图：转化率变差，比对照组 +20.00%（+10.00% 至 +30.00%），6.00% 对 5.00%。",
    ),
    "small": (
        "Stop 新主图: conversion rate is +20.00% against the control (+10.00% to +30.00%), which "
        "rules out a gain of 5.00% or more.",
        "停止 新主图：转化率比对照组 +20.00%（+10.00% 至 +30.00%），可以排除达到 5.00% 的提升。",
    ),
    "not_shown": (
        "Stop 新主图: no effect on conversion rate is shown (+20.00%, +10.00% to +30.00%), and the "
        "test is over. It could find effects from about 8.00% on.",
        "停止 新主图：测试已结束，转化率没有显示出差异（+20.00%，+10.00% 至 +30.00%）。"
        "按这次的样本量，约 8.00% 以上的变化才看得出来。",
    ),
}


@pytest.mark.parametrize("reason", list(DECISIONS))
@pytest.mark.parametrize("lang", ["en", "zh"])
def test_each_reason_has_its_sentence(reason: Any, lang: Any) -> None:
    verdict = Verdict(reason=reason, standing=None if reason == "red" else WON)
    with reading(lang, "CNY"):
        said = verdict_sentence(
            verdict,
            metric=CONVERSION,
            checks=("split of units",),
            least_effect=0.05,
            findable=0.08,
        )
    assert said == WORDS[reason][lang == "zh"]


def test_every_decision_says_what_to_do() -> None:
    with reading("en", "CNY"):
        said = {
            reason: action_words(Verdict(reason=reason, standing=WON), control="原主图", end="")
            for reason in DECISIONS
        }
    assert said["winner"].startswith("show 新主图 to everybody")
    assert said["harm"].startswith("go back to 原主图")
    assert said["running"] == "change nothing; look again tomorrow"
    assert said["red"].startswith("mend the cause")


@pytest.mark.parametrize(
    ("low", "high", "good", "side"),
    [
        (0.1, 0.3, 1, "better"),
        (0.1, 0.3, -1, "worse"),
        (-0.3, -0.1, 1, "worse"),
        (-0.3, -0.1, -1, "better"),
        (-0.1, 0.04, 1, "small"),
        (0.01, 0.04, 1, "small"),
        (-0.1, 0.1, 1, "open"),
        (-math.inf, math.inf, 1, "open"),
        (math.nan, math.nan, 1, "open"),
    ],
)
def test_side_follows_the_interval(low: float, high: float, good: int, side: str) -> None:
    held = Interval(value=(low + high) / 2, low=low, high=high)
    assert side_of(held, good=good, least_effect=0.05) == side


CLEAN = replace(WON, broken=(), unsure=())
OPEN = replace(CLEAN, side="open", variant="别的")
SMALL = replace(CLEAN, side="small")


@pytest.mark.parametrize(
    ("standings", "state", "reason"),
    [
        ([CLEAN], {"red": True}, "red"),
        ([CLEAN], {}, "winner"),
        ([CLEAN], {"whole_week": False, "finished": False}, "week"),
        ([replace(CLEAN, unsure=("refund_rate",))], {}, "winner_unsure"),
        ([replace(CLEAN, unsure=("refund_rate",))], {"finished": False}, "guardrail_open"),
        ([WON], {}, "guardrail"),
        ([WON, OPEN], {"finished": False}, "running"),
        ([WON, OPEN], {}, "guardrail"),
        ([LOST, OPEN], {"finished": False}, "running"),
        ([LOST], {"finished": False}, "harm"),
        ([OPEN], {}, "not_shown"),
        ([SMALL, LOST], {}, "small"),
        ([LOST, CLEAN], {}, "winner"),
    ],
)
def test_one_decision(standings: Any, state: dict[str, bool], reason: str) -> None:
    held = {"red": False, "finished": True, "whole_week": True, **state}
    assert decide(standings, good=1, **held).reason == reason


def test_the_best_of_several_winners_is_shipped() -> None:
    better = replace(CLEAN, variant="更好", relative=Interval(value=0.3, low=0.2, high=0.4))
    verdict = decide([CLEAN, better], good=1, red=False, finished=True, whole_week=True)
    assert verdict.standing is better
    less = decide([CLEAN, better], good=-1, red=False, finished=True, whole_week=True)
    assert less.standing is CLEAN


def test_a_winner_is_shipped_and_its_reverse_is_stopped(make_trial: MakeTrial) -> None:
    trial = make_trial({"原主图": (7000, 350, 35), "新主图": (7000, 490, 49)})
    memo = experiments.read_out(trial)
    assert (memo.verdict.reason, memo.decision) == ("winner", "ship")
    [held] = memo.standings
    assert (held.control, held.treatment) == (350 / 7000, 490 / 7000)
    assert held.relative.value == pytest.approx(0.4)
    assert memo.money is not None
    per_unit = memo.money.per_unit.value
    assert memo.money.total.value == pytest.approx(per_unit * 14000 / 14 * 30)


def test_reversed_effect_reverses_the_memo(make_trial: MakeTrial) -> None:
    trial = make_trial({"原主图": (7000, 490, 49), "新主图": (7000, 350, 35)})
    memo = experiments.read_out(trial)
    assert (memo.verdict.reason, memo.decision) == ("harm", "stop")
    with reading("en", "CNY"):
        said = [finding.text for finding in memo.findings()]
    assert said[0].startswith("Stop 新主图: conversion rate is worse, -28.57%")
    assert said[2].startswith("Stopping spares the shop ¥")
    assert not any(text.startswith("Ship") for text in said)


def test_a_winner_that_breaks_a_guardrail_is_stopped(make_trial: MakeTrial) -> None:
    trial = make_trial({"原主图": (7000, 350, 21), "新主图": (7000, 490, 98)})
    memo = experiments.read_out(trial)
    assert memo.verdict.reason == "guardrail"
    assert memo.standings[0].broken == ("refunded_order_rate",)


def test_a_harm_that_one_look_may_show_by_chance_breaks_no_guardrail(make_trial: MakeTrial) -> None:
    counts = {"A": (7000, 400, 40), "B": (7000, 440, 80)}
    trial = make_trial(counts, day=dt.date(2026, 3, 10))
    memo = experiments.read_out(trial)
    key = "refunded_order_rate"
    assert trial.effects["B", key].p_value < 0.05
    assert trial.effects["B", key].difference.low > 0
    last = trial.guarded["B", key].last
    assert last is not None
    assert 0 < last.statistic < last.boundary
    assert memo.standings[0].broken == ()
    rows = {row.metric: row for row in experiments.compare_metrics(memo).rows}
    assert not rows[key].stands


def test_no_effect_is_not_shipped(make_trial: MakeTrial) -> None:
    memo = experiments.read_out(make_trial({"A": (7000, 400, 40), "B": (7000, 401, 40)}))
    assert memo.verdict.reason == "not_shown"
    with reading("en", "CNY"):
        assert "In money nothing is shown" in memo.findings()[2].text


def test_a_running_test_runs_on(make_trial: MakeTrial) -> None:
    day = dt.date(2026, 3, 10)
    memo = experiments.read_out(make_trial({"A": (7000, 400, 40), "B": (7000, 440, 44)}, day=day))
    assert memo.decision == "keep_running"
    with reading("en", "CNY"):
        action = memo.findings()[0].action
    assert action is not None
    assert action.text == "change nothing until 2026-03-22; look again then"


def test_an_uneven_split_silences_every_section(make_trial: MakeTrial) -> None:
    trial = make_trial({"A": (7000, 350, 35), "B": (6000, 420, 42)})
    memo = experiments.read_out(trial)
    assert memo.decision == "do_not_trust"
    assert memo.money is None
    assert list(memo.to_frame()) == ["variant", "units"]
    sections = (
        experiments.follow_looks(trial),
        experiments.compare_metrics(memo),
        experiments.split_segments(trial),
        experiments.weigh_beliefs(trial),
        experiments.check_resampled(trial),
    )
    with reading("en", "CNY"):
        said = {section.absent() for section in sections}
        shown = memo._repr_html_()
    assert said == {"Not shown, because the test's health forbids it: split of units."}
    assert "7.00%" not in shown
    assert "conversion rate" not in shown


def test_level_is_shared_among_variants(make_trial: MakeTrial) -> None:
    counts = {"A": (6000, 300, 30), "B": (6000, 300, 30), "C": (6000, 420, 42)}
    trial = make_trial(counts)
    memo = experiments.read_out(trial)
    assert trial.level == 0.025
    assert memo.verdict.standing is not None
    assert memo.verdict.standing.variant == "C"
    with reading("en", "CNY"):
        held = experiments.compare_metrics(memo)
        assert "2 × " in held.findings()[0].text
        assert any("compared with A only" in f.text for f in memo.findings())


def test_what_no_file_tells_is_named(make_trial: MakeTrial) -> None:
    plan = {"guardrails": ["cart_rate"]}
    memo = experiments.read_out(make_trial({"A": (7000, 350, 0), "B": (7000, 490, 0)}, **plan))
    with reading("en", "CNY"):
        said = [f.text for f in memo.findings()]
    assert "Not measured, because no file tells it: add-to-cart rate." in said


def test_an_untold_deciding_metric_is_refused(make_trial: MakeTrial) -> None:
    trial = make_trial({"A": (70, 35, 0), "B": (70, 49, 0)}, primary="visits_per_visitor")
    with pytest.raises(MissingDataError, match="do not tell visits"):
        experiments.read_out(trial)


def test_unknown_variant_is_refused(make_trial: MakeTrial) -> None:
    trial = make_trial({"A": (700, 35, 0), "B": (700, 49, 0)})
    with pytest.raises(ParameterError, match="it must be one of 'B'"):
        experiments.follow_looks(trial, variant="C")


def test_register_draws_the_estimate_back(make_trial: MakeTrial) -> None:
    past = {f"旧测试{k}": {"A": (7000, 350, 35), "B": (7000, 350 + 8 * k, 35)} for k in range(4)}
    trial = make_trial({"A": (7000, 350, 35), "B": (7000, 490, 49)}, past=past)
    register = experiments.read_past(trial)
    mine = next(row for row in register.rows if row.experiment_id == "主图测试")
    assert len(register.rows) == 5
    assert 0 < mine.shrunken < mine.effect == pytest.approx(0.4)


def test_a_shop_of_tests_alone_has_a_last_day(make_trial: MakeTrial) -> None:
    trial = make_trial({"A": (700, 35, 0), "B": (700, 49, 0)})
    assert last_whole_day(trial.store) == dt.date(2026, 3, 15)
    with reading("en", "CNY"):
        said = [f.text for f in experiments.read_out(trial).findings()]
    assert any("told by the exposure log itself" in text for text in said)


def test_hostile_names_are_escaped(make_trial: MakeTrial) -> None:
    evil = '<script>alert("x")</script>'
    memo = experiments.read_out(make_trial({"A": (7000, 350, 35), evil: (7000, 490, 49)}))
    with reading("en", "CNY"):
        assert "<script>" not in memo._repr_html_()


def test_a_control_without_buyers_is_compared_by_the_difference(make_trial: MakeTrial) -> None:
    trial = make_trial({"A": (400, 0, 0), "B": (400, 24, 0)}, guardrails=[])
    memo = experiments.read_out(trial)
    assert (memo.verdict.reason, memo.decision) == ("winner", "ship")
    assert trial.paths["B"].stop is not None
    with reading("en", "CNY"):
        said = memo.findings()[0].text
        table = experiments.compare_metrics(memo).to_frame()
    assert said.startswith("Ship B: conversion rate is +6.00 pp against the control (+")
    assert said.endswith("6.00% against 0.00%; the test has no guardrail.")
    assert table["stands"][0] == "yes"


def test_groups_that_do_not_vary_show_nothing(make_trial: MakeTrial) -> None:
    memo = experiments.read_out(make_trial({"A": (300, 0, 0), "B": (300, 0, 0)}))
    with reading("en", "CNY"):
        said = memo.findings()[0].text
    assert said.startswith("Stop B: no effect on conversion rate is shown (0.00% against 0.00%)")
    assert "—" not in said


def test_one_unit_a_group_makes_a_page(make_trial: MakeTrial) -> None:
    trial = make_trial({"A": (1, 1, 0), "B": (1, 0, 0)})
    assert experiments.read_out(trial).decision == "stop"
    with reading("en", "CNY"):
        assert "fewer than two units" in experiments.check_resampled(trial).absent()


def test_money_of_a_running_test_is_not_promised(make_trial: MakeTrial) -> None:
    day = dt.date(2026, 3, 6)
    memo = experiments.read_out(make_trial({"A": (7000, 400, 40), "B": (7000, 540, 54)}, day=day))
    assert memo.decision == "keep_running"
    assert memo.money is not None
    assert memo.money.clear
    with reading("en", "CNY"):
        verdict, _, money, *_ = memo.findings()
    assert verdict.money is None
    assert money.text.startswith("In money nothing is decided yet")


def test_money_says_its_direction_once() -> None:
    held = Interval(value=-3.0, low=-4.0, high=-2.0)
    money = Money(variant="B", metric=MONEY_METRICS[0], per_unit=held, units=700, days=7)
    up = replace(money, per_unit=Interval(value=3.0, low=2.0, high=4.0))
    with reading("en", "CNY"):
        lost, won = money.finding("stop").text, up.finding("stop").text
        shipped = money.finding("ship")
    assert lost.startswith("Stopping spares the shop ¥9,000.00 a month (¥6,000.00 to ¥12,000.00)")
    assert won.startswith("The price of stopping is ¥9,000.00 a month (¥6,000.00 to ¥12,000.00)")
    assert shipped.level == "watch"
    assert "But sales fall" in shipped.text


def test_a_day_in_the_past_reads_the_test_of_its_time(make_trial: MakeTrial) -> None:
    trial = make_trial({"A": (70, 35, 0), "B": (70, 49, 0)})
    early = dt.date(2026, 3, 1)
    with pytest.raises(MissingDataError, match="had begun by 2026-03-01"):
        experiments.Experiment(trial.store, day=early)
    late = experiments.Experiment(trial.store, day=dt.date(2026, 3, 2))
    assert late.plan.experiment_id == "主图测试"


def test_sections_on_the_log_alone(make_trial: MakeTrial) -> None:
    trial = make_trial({"A": (7000, 350, 35), "B": (7000, 490, 49)})
    with reading("en", "CNY"):
        assert "told by the exposure log itself" in trial.joined.absent()
        check = experiments.check_resampled(trial)
    assert check.table_units() == {"low": "points", "high": "points"}
