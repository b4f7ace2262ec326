"""What competitors' cuts did to our sales: planted and clean."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from price_world import DAYS, LAST, ZONE, matched, seen, shop

from ecops_lib.core.language import set_reader
from ecops_lib.market.events import CutEffects, study_cuts

PRODUCTS = 12


def study(harm: float, *, seed: int = 1, engine: Any = dict, cuts: int = 1) -> CutEffects:
    """Twelve matched products whose rival cuts by a fifth for ten days, and eight others."""
    rng = np.random.default_rng(seed)
    season = 1 + 0.4 * np.sin(np.arange(DAYS) / 9)
    units: dict[str, Any] = {f"O{k}": rng.poisson(8 * season) for k in range(8)}
    rival, pairs = {}, []
    for k in range(PRODUCTS):
        price, mean = np.full(DAYS, 100.0), 8 * season
        if k < PRODUCTS * cuts:
            at = int(rng.integers(32, DAYS - 12))
            price[at : at + 10] = 80
            mean = mean.copy()
            mean[at : at + 10] *= 1 + harm
        units[f"P{k}"], rival["A", f"a{k}"] = rng.poisson(mean), price
        pairs.append((f"P{k}", f"A/a{k}"))
    tables = engine(shop(units, dict.fromkeys(units, 50.0)))
    return study_cuts(tables, seen(rival), matched(*pairs), as_of=LAST, time_zone=ZONE)


def test_a_planted_loss_lies_in_the_interval_and_is_told() -> None:
    held = study(-0.3)
    assert held.low < -0.3 < held.high < 0
    assert held.p < 0.05
    assert len(held.frame) == PRODUCTS
    assert held.frame["money"].sum() == pytest.approx(
        50 * (held.frame["expected"] - held.frame["sold"]).sum()
    )
    [told] = held.findings()
    assert told.text.startswith("In the week after competitors' 12 cuts we sold ")
    assert told.action is not None
    set_reader("zh", "CNY")
    assert held.findings()[0].text.startswith("竞店 12 次降价后的一周，我们的同款比预期少卖 ")


def test_words_turn_with_the_truth() -> None:
    assert study(0.5).low > 0
    for harm in (0.5, 0.0):
        [told] = study(harm).findings()
        assert told.text.startswith("No loss of our sales of the same products can be shown")
        assert told.money is None
    assert "cannot be told: 0 lasting cuts" in study(0.0, cuts=0).findings()[0].text


def test_without_harm_few_shops_claim_one_and_p_agrees_with_the_interval() -> None:
    held = [study(0.0, seed=seed) for seed in range(12)]
    for one in held:
        assert (one.p < 0.05) == (not one.low <= 0 <= one.high)
    assert sum(one.p < 0.05 for one in held) <= 2


def test_engines_agree_on_events(light_engine: Any) -> None:
    one, two = study(-0.3, engine=light_engine), study(-0.3)
    assert one.frame.to_dict("records") == two.frame.to_dict("records")
    assert (one.effect, one.p) == (two.effect, two.p)
