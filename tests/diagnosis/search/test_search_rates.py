"""Slices of a rate: planted changes, laws, chance, days that differ by more than chance."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from ecops_lib.diagnosis.search.rates import explain_rate, usual_rates

DIMENSIONS = ["channel", "device", "page"]
DAYS, NOW = 35, 7


def rows(
    *, seed: int, factor: float = 1.0, spread: float = 0.0, share: float = 0.1, tries: int = 80
) -> pd.DataFrame:
    """Five weeks; in the last one ads on the web keep ``factor`` of their rate."""
    rng = np.random.default_rng(seed)
    cells = pd.MultiIndex.from_product(
        [range(DAYS), ["ads", "search", "live"], ["app", "web"], ["home", "list", "sale"]],
        names=["day", *DIMENSIONS],
    )
    held = cells.to_frame(index=False)
    held["tries"] = rng.poisson(tries, len(held))
    held["now"] = held["day"] >= DAYS - NOW
    daily = rng.gamma(1 / spread**2, spread**2, DAYS) if spread else np.ones(DAYS)
    rate = share * np.where(held["device"] == "web", 1.5, 1.0) * daily[held["day"]]
    hit = held["now"] & (held["channel"] == "ads") & (held["device"] == "web")
    held["hits"] = rng.binomial(held["tries"], np.clip(np.where(hit, factor, 1.0) * rate, 0, 1))
    return held


def named(frame: pd.DataFrame) -> list[dict[str, str]]:
    return [dict(part.values) for part in explain_rate(frame, DIMENSIONS).parts]


@pytest.mark.parametrize("factor", [0.5, 1.6])
def test_a_planted_change_is_named_with_its_hits(factor: float) -> None:
    held = rows(seed=1, factor=factor)
    [part] = explain_rate(held, DIMENSIONS).parts
    assert dict(part.values) == {"channel": "ads", "device": "web"}
    inside = held.loc[held["now"] & (held["channel"] == "ads") & (held["device"] == "web")]
    assert (part.tries, part.hits) == (inside["tries"].sum(), inside["hits"].sum())
    assert part.usual == pytest.approx(0.15, rel=0.06)
    assert part.part == pytest.approx(part.hits - part.expected)


def test_a_rate_near_one_is_searched_by_its_misses() -> None:
    [part] = explain_rate(rows(seed=2, factor=0.93, share=0.6), DIMENSIONS).parts
    assert dict(part.values) == {"channel": "ads", "device": "web"}
    assert part.rate < part.usual
    assert part.part < 0


def test_what_did_not_change_is_seldom_named() -> None:
    claimed = sum(bool(named(rows(seed=seed))) for seed in range(100, 160))
    assert claimed <= 3


def test_days_that_differ_as_a_whole_are_no_news() -> None:
    claimed = sum(bool(named(rows(seed=seed, spread=0.15))) for seed in range(200, 260))
    assert claimed <= 3


def test_the_order_of_rows_and_of_dimensions_does_not_matter() -> None:
    held = rows(seed=3, factor=0.5)
    mixed = held.sample(frac=1.0, random_state=1)
    whole, other = explain_rate(held, DIMENSIONS), explain_rate(mixed, DIMENSIONS[::-1])
    assert [part.values for part in whole.parts] == [part.values for part in other.parts]
    assert whole.expected == pytest.approx(other.expected)


def test_a_dimension_of_many_rare_values_keeps_the_finding() -> None:
    held = rows(seed=4, factor=0.5)
    product = np.random.default_rng(5).integers(0, 40, len(held)).astype(str)
    found = explain_rate(held.assign(product=product), [*DIMENSIONS, "product"]).parts
    assert {"channel": "ads", "device": "web"} in [dict(part.values) for part in found]


def test_usual_rates_meet_the_margins() -> None:
    held = rows(seed=6, tries=4000)
    sums = held.groupby(DIMENSIONS)[["tries", "hits"]].sum().reset_index()
    rate = usual_rates(
        sums[DIMENSIONS], tries=sums["tries"].to_numpy(float), hits=sums["hits"].to_numpy(float)
    )
    fitted = sums.assign(fitted=sums["tries"] * rate)
    for name in DIMENSIONS:
        both = fitted.groupby(name)[["hits", "fitted"]].sum()
        assert both["fitted"].to_numpy() == pytest.approx(both["hits"].to_numpy(float), rel=1e-3)


def test_nothing_to_compare_names_nothing() -> None:
    held = rows(seed=7)
    assert explain_rate(held.assign(hits=0), DIMENSIONS).parts == ()
    assert explain_rate(held.loc[held["day"] >= DAYS - NOW - 3], DIMENSIONS).parts == ()
