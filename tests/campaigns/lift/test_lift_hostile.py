"""Series as they come: whatever the method and the level, interval and p-value agree."""

from __future__ import annotations

import math

import numpy as np
import pytest

from ecops_lib.campaigns.lift import LiftPanel, estimate_lift
from ecops_lib.campaigns.lift.result import Method
from ecops_lib.core.errors import ParameterError

METHODS: tuple[Method, ...] = (
    "structural", "posterior", "synthetic", "synthetic_level", "difference",
)  # fmt: skip
KINDS = ("plain", "constant", "constant before", "holes", "negative", "sparse", "equal", "tiny")


def hostile(kind: str, rng: np.random.Generator, *, controls: int, lift: float) -> LiftPanel:
    """Forty periods, the last five the campaign's."""
    common = 10 + np.cumsum(rng.normal(0, 0.2, 40))
    x = common[:, None] + rng.normal(0, 0.5, (40, controls))
    y = common + rng.normal(0, 0.5, 40)
    if kind == "negative":
        y, x = y - 30, x - 30
    elif kind == "sparse":
        y, x = rng.poisson(0.2, 40).astype(float), rng.poisson(0.2, x.shape).astype(float)
    elif kind == "equal":
        x = np.repeat(y[:, None], controls, axis=1)
    elif kind == "tiny":
        y, x = y * 1e-12, x * 1e-12
    elif kind == "constant":
        y = np.full(40, 5.0)
    elif kind == "constant before":
        y[:35] = 5.0
    elif kind == "holes":
        y[[3, 20, 29, 36]] = np.nan
    y[35:] += lift * np.nanstd(y)
    return LiftPanel(
        days=range(40), outcome=y, controls=x, names=tuple(f"c{k}" for k in range(controls)),
        first=35, last=39,
    )  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("method", METHODS)
def test_interval_and_p_value_never_contradict_each_other(kind: str, method: Method) -> None:
    rng = np.random.default_rng(KINDS.index(kind))
    ranked = method not in {"structural", "posterior"}
    for alpha in (0.01, 0.05, 0.25):
        for lift in (0.0, 3.0, -8.0):
            panel = hostile(kind, rng, controls=19 if ranked else 3, lift=lift)
            found = estimate_lift(panel, method=method, alpha=alpha)
            assert math.isfinite(found.effect)
            assert 0 <= found.p_value <= 1
            assert found.low <= found.effect <= found.high
            assert (found.low > 0 or found.high < 0) == (found.p_value < alpha)
            assert found.claimed == (found.p_value < alpha)


def test_holes_before_the_campaign_are_no_placebo() -> None:
    rng = np.random.default_rng(5)
    whole = hostile("plain", rng, controls=3, lift=0.0)
    holed = whole.outcome.copy()
    holed[[25, 30]] = np.nan
    found = estimate_lift(whole.cut(outcome=holed), method="structural")
    assert np.isfinite(found.placebos).all()
    assert found.effect == pytest.approx(
        estimate_lift(whole, method="structural").effect, abs=found.high - found.low
    )


def test_infinite_series_are_refused() -> None:
    panel = hostile("plain", np.random.default_rng(6), controls=3, lift=0.0)
    wild = panel.outcome.copy()
    wild[7] = np.inf
    with pytest.raises(ParameterError, match="outcome is infinite somewhere"):
        panel.cut(outcome=wild)
