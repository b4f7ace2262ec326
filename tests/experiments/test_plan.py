"""The plan of a test: what it may say, and the sentence of each refusal."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from ecops_lib.core.errors import EcopsError, MetricError, ParameterError
from ecops_lib.experiments.plan import ExperimentPlan, make_plan

HALVES: dict[str, Any] = {"control": "old", "shares": {"new": 0.5, "old": 0.5}}
WHERE = '[tests."title"]'


def test_a_control_and_shares_are_enough() -> None:
    plan = make_plan("title", HALVES)
    assert plan == ExperimentPlan(experiment_id="title", **HALVES)
    assert plan.told
    assert plan.variants == ("old", "new")
    assert (plan.start, plan.end, plan.window_days) == (None, None, 7)


def test_everything_told_is_held() -> None:
    plan = make_plan(
        "title",
        {
            "control": "b",
            "shares": {"a": 0.2, "b": 0.5, "c": 0.3},
            "start": dt.date(2026, 3, 2),
            "end": "2026-03-29",
            "primary": "paid_amount_per_visitor",
            "secondary": ["conversion_rate", "refund_rate"],
            "guardrails": ["refund_rate"],
            "window_days": 14,
            "alpha": 0.1,
            "power": 0.9,
            "least_effect": 0.01,
            "guardrail_margin": 0.02,
        },
    )
    assert plan.variants == ("b", "a", "c")
    assert plan.end == dt.date(2026, 3, 29)
    assert plan.metrics == ("paid_amount_per_visitor", "conversion_rate", "refund_rate")
    assert plan.guardrails == ("refund_rate",)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"primery": "x"}, " has 'primery'; it may hold 'control', "),
        ({"experiment_id": "x"}, " has 'experiment_id'; it may hold "),
        ({"told": False}, " has 'told'; it may hold "),
        ({"control": None}, ' does not tell the control; add a line such as control = "old".'),
        ({"control": 5}, " does not tell the control; "),
        ({"shares": None}, " does not tell the planned shares; add a line such as shares = { "),
        ({"shares": [0.5, 0.5]}, " does not tell the planned shares; "),
        (
            {"control": "Old"},
            " has shares for 'new', 'old'; they must name the control 'Old' and at least one ",
        ),
        ({"shares": {"old": 1.0}}, " has shares for 'old'; they must name the control 'old' "),
        ({"shares": {"old": 0.5, "new": 0.6}}, 'shares in [tests."title"] sum to 1.1, not to 1.'),
        ({"shares": {"old": "0.5", "new": 0.5}}, "share of 'old' in [tests.\"title\"] is '0.5'; "),
        ({"shares": {"old": True, "new": 0.5}}, "share of 'old' in [tests.\"title\"] is True; "),
        ({"shares": {"old": float("nan"), "new": 0.5}}, " is nan; it must lie strictly between "),
        ({"shares": {"old": 0, "new": 1}}, " is 0; it must lie strictly between 0 and 1."),
        ({"start": "soon"}, "start of [tests.\"title\"] is 'soon'; it must be a day such as "),
        ({"end": 20260329}, 'end of [tests."title"] is 20260329; it must be a day such as '),
        ({"start": "2026-03-02", "end": "2026-03-01"}, "the period ends on 2026-03-01 before "),
        ({"secondary": "conversion_rate"}, " is 'conversion_rate'; it must be a list of metrics."),
        ({"guardrails": 5}, 'guardrails of [tests."title"] is 5; it must be a list of metrics.'),
        ({"primary": 5}, 'primary of [tests."title"] is 5; it must be one metric.'),
        ({"window_days": 7.5}, 'window_days in [tests."title"] is 7.5; it must be a whole number.'),
        ({"window_days": True}, " is True; it must be a whole number."),
        ({"window_days": 0}, 'window_days in [tests."title"] is 0; it must lie between 1 and 365.'),
        ({"alpha": "5%"}, "alpha in [tests.\"title\"] is '5%'; it must be a number."),
        ({"power": 1.0}, 'power in [tests."title"] is 1.0; it must lie strictly between 0 and 1.'),
        ({"least_effect": float("nan")}, 'least_effect in [tests."title"] is nan; it must lie '),
    ],
)
def test_an_impossible_plan_is_refused_in_one_sentence(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(ParameterError) as caught:
        make_plan("title", HALVES | wrong)
    assert said in str(caught.value)
    assert WHERE in str(caught.value) or "period" in said


@pytest.mark.parametrize("wrong", [{"primary": "refund_rat"}, {"secondary": ["refund_rat"]}])
def test_an_unknown_metric_is_refused_with_a_hint(wrong: dict[str, Any]) -> None:
    with pytest.raises(MetricError) as caught:
        make_plan("title", HALVES | wrong)
    assert str(caught.value).startswith("'refund_rat' is no metric of a test; they are ")
    assert str(caught.value).endswith("; did you mean 'refund_rate'?")
    assert isinstance(caught.value, EcopsError)
