"""Laws of the lift: one inference, refusals, planted lifts, words in both languages."""

from __future__ import annotations

import datetime as dt
import math

import numpy as np
import pandas as pd
import pytest

from ecops_lib.campaigns.lift import LiftPanel, estimate_lift, measure_arms
from ecops_lib.campaigns.lift.inference import judge_by_rank
from ecops_lib.campaigns.lift.panel import spread_dates
from ecops_lib.campaigns.lift.structural import Structural
from ecops_lib.core.errors import ColumnError, ParameterError
from ecops_lib.core.language import set_reader


def planted(lift: float = 0.0, *, seed: int = 1, controls: int = 3, days: int = 127) -> LiftPanel:
    """A week of lift on a shop whose groups share its weeks and its ups and downs."""
    rng = np.random.default_rng(seed)
    common = 1 + 0.1 * np.cumsum(rng.normal(0, 0.1, days)) + 0.15 * (np.arange(days) % 7 > 4)
    level = 900 * common[:, None] * rng.uniform(0.5, 2, controls + 1)
    values = level * rng.normal(1, 0.05, level.shape)
    values[-7:, 0] *= 1 + lift
    return LiftPanel(
        days=spread_dates(dt.date(2026, 5, 1), days), outcome=values[:, 0],
        controls=values[:, 1:], names=tuple(f"g{k}" for k in range(controls)),
        first=days - 7, last=days - 1, season=7,
    )  # fmt: skip


@pytest.mark.parametrize("lift", [0.4, -0.4])
def test_a_planted_lift_is_found_inside_its_interval(lift: float) -> None:
    panel = planted(lift)
    found = estimate_lift(panel)
    truth = panel.actual.sum() * (1 - 1 / (1 + lift))
    assert found.low <= truth <= found.high
    assert found.claimed
    assert found.relative() == pytest.approx(lift, abs=0.1)
    assert found.relative(found.low) < lift < found.relative(found.high)
    assert len(found.placebos) > 20


def test_without_a_lift_none_is_claimed_and_interval_and_p_agree() -> None:
    found = [estimate_lift(planted(seed=seed)) for seed in range(12)]
    assert sum(held.claimed for held in found) <= 2
    for held in found:
        assert held.claimed == (held.p_value < 0.05)


def test_shifting_the_campaign_shifts_the_estimate_and_nothing_else() -> None:
    panel = planted()
    more = panel.outcome.copy()
    more[panel.first :] += 500
    before, after = estimate_lift(panel), estimate_lift(panel.cut(outcome=more))
    assert after.effect - before.effect == pytest.approx(3500)
    assert after.low - before.low == pytest.approx(3500)
    assert after.high - before.high == pytest.approx(3500)


def test_money_scales_and_the_order_of_controls_does_not_matter() -> None:
    panel = planted(0.2)
    found = estimate_lift(panel)
    turned = LiftPanel(
        days=panel.days, outcome=panel.outcome * 100, controls=panel.controls[:, ::-1] * 7,
        names=panel.names[::-1], first=panel.first, last=panel.last, season=7,
    )  # fmt: skip
    other = estimate_lift(turned)
    assert [other.effect, other.low, other.high] == pytest.approx(
        [100 * found.effect, 100 * found.low, 100 * found.high]
    )
    assert other.p_value == pytest.approx(found.p_value)


def test_the_filter_is_the_slow_sum() -> None:
    """Against generalised least squares with the whole covariance written out."""
    rng = np.random.default_rng(3)
    x = rng.normal(size=(40, 1))
    y = 3 + 2 * x[:, 0] + np.cumsum(rng.normal(0, 0.05, 40)) + rng.normal(0, 0.3, 40)
    panel = LiftPanel(days=range(40), outcome=y, controls=x, names=("x",), first=34, last=39)
    reading = Structural(panel, spike=True).read(34, 39)
    known = slice(0, 34)
    ys = (y - y[known].mean()) / y[known].std(ddof=1)
    xs = (x[:, 0] - x[known].mean()) / x[known].std(ddof=1)
    slab = 0.01 * (xs[known] ** 2).sum() / 34
    logs, means, spreads = [], [], []
    for ratio in np.logspace(-7, 2, 46):
        steps = np.minimum.outer(np.arange(40), np.arange(40)) * ratio
        whole = 10.0 + steps + np.eye(40) + np.outer(xs, xs) / slab
        inner = whole[known, known]
        solved = np.linalg.solve(inner, ys[known])
        shape = (50 + 32 + 34) / 2
        rate = 5 + 32 * 1e-4 / 2 / ratio + ys[known] @ solved / 2
        logs.append(-16 * np.log(ratio) - shape * np.log(rate) - np.linalg.slogdet(inner)[1] / 2)
        means.append((whole[34:, known] @ solved).sum())
        left = whole[34:, 34:] - whole[34:, known] @ np.linalg.solve(inner, whole[known, 34:])
        spreads.append(left.sum() * rate / (shape - 1))
    weights = np.exp(np.array(logs) - max(logs))
    weights /= weights.sum()
    mean = weights @ means
    error = math.sqrt(weights @ (np.array(spreads) + (np.array(means) - mean) ** 2))
    scale = y[known].std(ddof=1)
    assert reading.total == pytest.approx(6 * y[known].mean() + scale * mean)
    assert reading.error == pytest.approx(scale * error)


def test_days_left_out_count_for_nothing() -> None:
    panel = planted(0.3)
    wild = panel.outcome.copy()
    wild[60:67] = 1e6
    flags = np.zeros(len(wild), bool)
    flags[60:67] = True

    def with_left_out(outcome: np.ndarray) -> LiftPanel:
        return LiftPanel(
            days=panel.days, outcome=outcome, controls=panel.controls, names=panel.names,
            first=panel.first, last=panel.last, season=7, left_out=flags,
        )  # fmt: skip

    calm, stormy = estimate_lift(with_left_out(panel.outcome)), estimate_lift(with_left_out(wild))
    assert stormy.effect == pytest.approx(calm.effect)
    assert stormy.p_value == pytest.approx(calm.p_value)


def test_ranks_and_their_interval_are_one_test() -> None:
    rng = np.random.default_rng(4)
    for _ in range(200):
        others = np.abs(rng.standard_t(3, 39))
        gaps = rng.normal(rng.normal(0, 2), 1.0, 12)
        claim = judge_by_rank(gaps, 0.7, others, alpha=0.05)
        assert (claim.low > 0 or claim.high < 0) == (claim.p_value < 0.05)
    few = judge_by_rank(np.full(4, 100.0), 1.0, np.ones(5), alpha=0.05)
    assert few.low == -math.inf
    assert few.p_value == pytest.approx(1 / 6)


def refusal(panel: LiftPanel, language: str) -> str:
    set_reader(language)
    found = estimate_lift(panel)
    assert not found.credible
    assert not found.claimed
    assert math.isnan(found.effect)
    assert found.findings() == ()
    assert found.absent() == found.refusal
    return found.refusal


def test_a_campaign_for_the_whole_shop_is_refused() -> None:
    panel = planted(0.5, controls=0)
    assert refusal(panel, "en") == (
        "No lift can be told: the campaign was for everything there is, so nothing shows what "
        "would have come without it."
    )
    assert refusal(panel, "zh") == (
        "说不出增量：活动覆盖了全部商品，没有任何对照能说明没有活动时会卖多少。"
    )


def test_too_short_a_past_is_refused() -> None:
    assert "20 known periods before the campaign are too few" in refusal(planted(days=27), "en")
    assert "活动前只有 20 个已知时段" in refusal(planted(days=27), "zh")


def test_controls_that_ran_otherwise_are_refused() -> None:
    """A control that was the series itself, and then another thing."""
    panel = planted(controls=1)
    rng = np.random.default_rng(8)
    own = 1000 + rng.normal(0, 5, len(panel.outcome))
    other = own + np.where(np.arange(len(own)) > 60, 400 * rng.normal(1, 0.3, len(own)), 0.0)
    held = LiftPanel(
        days=panel.days, outcome=own, controls=other[:, None], names=("a",), first=panel.first,
        last=panel.last, season=7,
    )  # fmt: skip
    assert "did not run as this one did; with them" in refusal(held, "en")
    assert "说不出增量：对照序列与它走势不同" in refusal(held, "zh")


def test_a_series_that_never_moved_is_refused() -> None:
    panel = planted()
    own = panel.outcome
    constant = panel.cut(outcome=np.full(len(own), 5.0))
    assert refusal(constant, "en") == (
        "No lift can be told: before the campaign the series never moved."
    )


def test_the_sentence_follows_the_truth_in_both_languages() -> None:
    said = {}
    for name, lift in (("up", 0.5), ("none", 0.0), ("down", -0.5)):
        for language in ("en", "zh"):
            set_reader(language, "CNY")
            found = estimate_lift(planted(lift), unit="money")
            [first, *_] = found.findings()
            said[name, language] = (first.level, first.text[:18])
    assert said["up", "en"] == ("good", "The campaign added")
    assert said["down", "en"] == ("bad", "The campaign lost ")
    assert said["none", "en"] == ("info", "No lift can be sho")
    assert said["up", "zh"][1].startswith("活动带来增量")
    assert said["down", "zh"][1].startswith("活动反而少卖")
    assert said["none", "zh"][1].startswith("看不出增量")


def test_the_chart_and_the_table_tell_the_same() -> None:
    found = estimate_lift(planted(0.5), unit="money")
    chart = found.chart()
    assert chart is not None
    assert "Expected without the campaign" in chart._repr_html_()
    rows = found.to_frame().set_index("item")
    assert rows.loc["Added", "value"] in found.findings()[0].text
    assert estimate_lift(planted(controls=0)).chart() is None


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"names": ("a",)}, "names has 1 names; controls has 3 series."),
        ({"first": 0}, "first is 0; it must lie between 1 and"),
        ({"last": 5}, "last is 5; it must lie between"),
        ({"days": range(3)}, "days has 3 labels"),
        ({"left_out": np.ones(2, bool)}, "left_out has 2 flags"),
        ({"controls": np.full((127, 3), np.nan)}, "controls holds periods that are not known"),
    ],
)
def test_impossible_panels_are_refused(change: dict[str, object], said: str) -> None:
    panel = planted()
    fields = {name: getattr(panel, name) for name in panel.__dataclass_fields__}
    with pytest.raises(ParameterError, match=said.replace("(", r"\(")):
        LiftPanel(**{**fields, **change})


def test_unknown_campaigns_and_levels_are_refused() -> None:
    panel = planted()
    blank = panel.outcome.copy()
    blank[panel.first :] = np.nan
    with pytest.raises(ParameterError, match="known periods of the campaign"):
        estimate_lift(panel.cut(outcome=blank))
    with pytest.raises(ParameterError, match="alpha"):
        estimate_lift(panel, alpha=math.nan)
    with pytest.raises(ParameterError, match="at least one that the campaign did not touch"):
        estimate_lift(planted(controls=0), method="synthetic")
    with pytest.raises(ParameterError, match="method is 'magic'"):
        estimate_lift(panel, method="magic")  # type: ignore[arg-type]


def test_arms_are_refused_or_told() -> None:
    people = pd.DataFrame({"arm": ["a", "a", "b", "b"], "spend": [1.0, 3.0, 10.0, 12.0]})
    for language, start in (("en", "b: spend +9 a head against"), ("zh", "b：spend")):
        set_reader(language)
        [finding] = measure_arms(people, arm="arm", control="a", outcomes=("spend",)).findings()
        assert finding.text.startswith(start)
        assert finding.level == "good"
    with pytest.raises(ParameterError, match="control is 'c'; the arms are 'a', 'b'"):
        measure_arms(people, arm="arm", control="c", outcomes=("spend",))
    with pytest.raises(ParameterError, match="arm 'b' has one person"):
        measure_arms(people.iloc[:3], arm="arm", control="a", outcomes=("spend",))
    with pytest.raises(ColumnError):
        measure_arms(people, arm="arm", control="a", outcomes=("visits",))
