"""Health of two real tests: three e-mail arms, and a landing page with mismatched rows."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from health_worlds import plan_of

from ecops_lib.experiments.exposures import prepare_units
from ecops_lib.experiments.facts import collect_facts
from ecops_lib.experiments.health import check_health, find_largest
from ecops_lib.experiments.plan import make_plan

pytestmark = pytest.mark.realdata


def test_hillstrom_was_sent_as_planned(shared: Path) -> None:
    import pandas as pd

    raw = pd.read_parquet(shared / "hillstrom" / "customers.parquet")
    units = pd.DataFrame(
        {
            "variant": raw["segment"],
            "day": dt.date(2008, 3, 20),
            "segment": raw["zip_code"],
            "converted": raw["conversion"].astype(float),
            "paid_amount": raw["spend"].astype(float),
            "previous_amount": raw["history"].astype(float),
        }
    )
    columns = ("converted", "paid_amount", "previous_amount")
    shares = dict.fromkeys(["No E-Mail", "Mens E-Mail", "Womens E-Mail"], 1 / 3)
    facts = collect_facts(units, plan=plan_of(shares), columns=columns)
    largest = find_largest(units, column="paid_amount")
    health = check_health(facts, as_of=dt.date(2008, 5, 1), largest=largest)
    assert health.red == ()
    split = health.check("sample_ratio")
    assert split is not None
    assert split.figures["p_value"] == pytest.approx(0.9036929575604196, rel=1e-9)
    assert largest["No E-Mail"] == raw.loc[raw["segment"] == "No E-Mail", "spend"].max()
    assert {check.level for check in health.checks if check.key != "timing"} == {"ok"}


def test_udacity_may_be_read_once_its_mismatches_are_set_aside(shared: Path) -> None:
    import pyarrow.parquet as pq

    raw = pq.read_table(shared / "udacity_ab" / "ab_data.parquet").to_pandas()
    log = raw.rename(columns={"user_id": "unit_key", "group": "variant", "landing_page": "shown"})
    log = log.assign(exposed_at=log["timestamp"].dt.tz_localize("UTC"))
    shares = {"control": 0.5, "treatment": 0.5}
    plan = make_plan("landing page", {"control": "control", "shares": shares, "window_days": 1})
    units = prepare_units(log, plan=plan, zone=ZoneInfo("UTC"))
    facts = collect_facts(units, plan=plan, columns=("converted",))
    health = check_health(facts, units, as_of=dt.date(2017, 1, 31))
    assert facts.variant("control").n + facts.variant("treatment").n == 290_584
    assert health.red == ()
    for key in ("sample_ratio", "breaks", "novelty", "crossover"):
        check = health.check(key)
        assert check is not None
        assert check.level in ("ok", "watch")
