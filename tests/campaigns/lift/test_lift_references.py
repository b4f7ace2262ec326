"""Published figures: R's CausalImpact, Prop 99, GeoLift, Hillstrom."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from ecops_lib.campaigns.lift import LiftPanel, estimate_lift, measure_arms

pytestmark = pytest.mark.realdata

SERIES = {
    # series: outcome, controls, day column, first day (or row) of the campaign, rows after it
    "arma": ("y", ["X"], "", 70, 30),
    "google": ("y", ["x1", "x2"], "date", "2020-03-02", 30),
    "volks": ("VolksWagen", ["BMW", "Allianz"], "Date", "2015-09-20", 79),
    "comparison": (
        "CHANGED", ["NOT_CHANGED_1", "NOT_CHANGED_2", "NOT_CHANGED_3"], "DATE", "2019-07-15", 18,
    ),
    "basque": ("Basque", ["another"], "date", "1976-01-01", 22),
}  # fmt: skip


def read_series(shared: Path, name: str) -> LiftPanel:
    outcome, controls, day, start, length = SERIES[name]
    frame = pd.read_parquet(shared / "causal_impact" / f"{name}.parquet")
    at = pd.to_datetime(frame[day]) if day else frame.index.to_series()
    first = int(np.flatnonzero(at.to_numpy() >= (pd.Timestamp(start) if day else start))[0])
    values = frame[outcome].to_numpy(float).copy()
    if name == "arma":  # R's run added one unit (tfcausalimpact, notebooks/R)
        values[first : first + length] += 1
    assert first + length == len(frame)
    return LiftPanel(
        days=list(at), outcome=values, controls=frame[controls].to_numpy(float),
        names=tuple(controls), first=first, last=first + length - 1,
    )  # fmt: skip


def published(shared: Path, name: str) -> dict[str, float]:
    """Average effect, its posterior standard deviation, its interval and the tail area."""
    text = (shared / "causal_impact" / "R_reference" / f"{name}_summary.txt").read_text()
    effect = re.search(r"Absolute effect \(s\.d\.\)\s+(\S+) \((\S+)\)", text)
    ends = re.search(r"Absolute effect.*\n95% CI\s+\[(\S+), (\S+)\]", text)
    tail = re.search(r"tail-area probability p:\s+(\S+)", text)
    assert effect
    assert ends
    assert tail
    numbers = (*effect.groups(), *ends.groups(), tail.group(1))
    return dict(zip(("effect", "sd", "low", "high", "tail"), map(float, numbers), strict=True))


@pytest.mark.parametrize("name", SERIES)
def test_the_posterior_is_that_of_r(shared: Path, name: str) -> None:
    panel, said = read_series(shared, name), published(shared, name)
    found = estimate_lift(panel, method="posterior")
    assert found.average == pytest.approx(said["effect"], abs=said["sd"] / 10 + 0.01)
    ends = np.array([found.low, found.high]) / found.periods
    assert ends == pytest.approx([said["low"], said["high"]], abs=said["sd"] / 6 + 0.01)
    assert found.p_value / 2 == pytest.approx(said["tail"], abs=0.012)
    assert found.claimed == (said["low"] > 0 or said["high"] < 0)
    assert found.claimed == (found.p_value < 0.05)


def test_r_s_vignette(shared: Path) -> None:
    """+10 a period planted; R printed 11 [9.8, 11], cumulative 316 [294, 338]."""
    frame = pd.read_csv(shared.parent / "cases" / "rvignette.csv")
    panel = LiftPanel(
        days=range(100), outcome=frame["y"].to_numpy(), controls=frame[["x1"]].to_numpy(),
        names=("x1",), first=70, last=99,
    )  # fmt: skip
    found = estimate_lift(panel, method="posterior")
    assert found.effect == pytest.approx(316, abs=2)
    assert [found.low, found.high] == pytest.approx([294, 338], abs=3)
    assert found.relative() == pytest.approx(0.099, abs=0.001)


def prop99(shared: Path) -> LiftPanel:
    long = pd.read_parquet(shared / "causal_panels" / "california_prop99_long.parquet")
    wide = long.pivot_table(index="Year", columns="state", values="packs_per_capita")
    first = wide.index.get_loc(1989)
    others = wide.drop(columns="California")
    return LiftPanel(
        days=list(wide.index), outcome=wide["California"].to_numpy(),
        controls=others.to_numpy(), names=tuple(others.columns), first=first, last=len(wide) - 1,
    )  # fmt: skip


def test_proposition_99(shared: Path) -> None:
    """Abadie et al. (2010) by outcomes alone, and synthdid's table: −19.5 and −27.35."""
    panel = prop99(shared)
    found = estimate_lift(panel, method="synthetic")
    assert found.average == pytest.approx(-19.5, rel=0.005)
    assert found.p_value <= 3 / 39  # by outcomes alone two states' ratios are larger
    assert found.claimed == (found.p_value < 0.05)
    plain = estimate_lift(panel, method="difference")
    assert plain.average == pytest.approx(-27.35, rel=0.001)
    short = LiftPanel(
        days=panel.days[5:], outcome=panel.outcome[5:], controls=panel.controls[5:],
        names=panel.names, first=panel.first - 5, last=panel.last - 5,
    )  # fmt: skip
    assert estimate_lift(short).method == "synthetic"  # what auto takes of so short a past


def test_geolift_s_walkthrough(shared: Path) -> None:
    """Two cities treated on days 91 to 105: ATT 155.556, +5.4 % (GeoLift's vignette)."""
    long = pd.read_parquet(shared / "causal_panels" / "GeoLift_Test.parquet")
    wide = long.pivot_table(index="date", columns="location", values="Y")
    treated = ["chicago", "portland"]
    others = wide.drop(columns=treated)
    panel = LiftPanel(
        days=list(wide.index), outcome=wide[treated].mean(axis=1).to_numpy(),
        controls=others.to_numpy(float), names=tuple(others.columns), first=90, last=104,
    )  # fmt: skip
    found = estimate_lift(panel, method="synthetic_level")
    assert found.average == pytest.approx(155.556, rel=0.001)
    assert found.relative() == pytest.approx(0.054, abs=0.001)
    assert found.claimed == (found.p_value < 0.05)


def test_hillstrom_s_arms(shared: Path) -> None:
    people = pd.read_parquet(shared / "hillstrom" / "customers.parquet")
    outcomes = ("visit", "conversion", "spend")
    found = measure_arms(people, arm="segment", control="No E-Mail", outcomes=outcomes)
    assert len(found.frame) == 6
    none = people[people["segment"] == "No E-Mail"]
    for row in found.frame.itertuples():
        mine = people.loc[people["segment"] == row.arm, row.outcome].astype(float)
        theirs = none[row.outcome].astype(float)
        test = stats.ttest_ind(mine, theirs, equal_var=False)
        ends = test.confidence_interval(0.95)
        assert row.added == pytest.approx(mine.mean() - theirs.mean())
        assert [row.low, row.high] == pytest.approx([ends.low, ends.high])
        assert row.p_value == pytest.approx(test.pvalue)
        assert row.total == pytest.approx((mine.mean() - theirs.mean()) * len(mine))
    mens = found.frame.set_index(["arm", "outcome"]).loc[("Mens E-Mail", "visit")]
    assert mens["mean"] == pytest.approx(0.1828, abs=5e-5)
    assert mens["control"] == pytest.approx(0.1062, abs=5e-5)


def test_the_cases_of_the_reference_file(shared: Path) -> None:
    """tfp-causalimpact's measured effects lie within a tenth of their standard deviation."""
    file = shared.parent / "cases" / "lift.json"
    held = {case["id"]: case["expected"] for case in json.loads(file.read_text())["cases"]}
    for name in ("google", "volks", "comparison"):
        found = estimate_lift(read_series(shared, name), method="posterior")
        said = held[f"tfp_causalimpact_{name}"]
        assert found.average == pytest.approx(said["eff_avg"], abs=said["pred_sd"] / 8)
        assert found.claimed == (said["p"] < 0.025)
