"""Lead times: receipts, open orders, quotations."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from ecops_lib.supply.replenish.leads import ENOUGH, LeadTime, estimate_lead_times


def _orders(
    supplier: str, taken: list[float], came: list[bool] | None = None, sku: str = "S"
) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "purchase_id": [f"{supplier}{n}" for n in range(len(taken))],
            "sku_id": sku,
            "supplier_id": supplier,
            "taken": [float(days) for days in taken],
            "came": came or [True] * len(taken),
        }
    )


def test_own_receipts_tell_where_there_are_enough() -> None:
    many, few = _orders("A", [10, 12, 14, 16] * 4), _orders("B", [40] * (ENOUGH - 1))
    held = estimate_lead_times(pd.concat([many, few]), quoted={}, assumed=14)
    assert held.of("A").basis == "own"
    assert held.of("A").receipts == 16
    assert held.of("A").mean == pytest.approx(13, abs=0.2)
    assert held.of("B").basis == "pooled"
    assert held.of("B").receipts == 16 + ENOUGH - 1


def test_the_longest_receipt_is_not_the_longest_there_is() -> None:
    """Of ten receipts half of one, so one in twenty, lies beyond the longest."""
    lead = estimate_lead_times(_orders("A", list(range(1, 11))), quoted={}, assumed=14).of("A")
    assert lead.chances.sum() == pytest.approx(1)
    assert lead.chances[-1] == pytest.approx(0.05)
    assert lead.days[-1] == 10 + 0.5  # the longest two exceed 9 by half a day on average


def test_a_supplier_who_never_varies_stays_so() -> None:
    lead = estimate_lead_times(_orders("A", [12] * 9), quoted={}, assumed=14).of("A")
    assert set(lead.draw(100, np.random.default_rng(0))) == {12}
    assert lead.sd == pytest.approx(0, abs=1e-6)


def test_open_orders_count_as_lasting_longer() -> None:
    """Kaplan and Meier by hand: 8 came in 10 days, 2 are out for 20, of 4 more 2 came in 30."""
    taken = [10.0] * 8 + [20.0] * 2 + [30.0] * 2 + [35.0] * 2
    came = [True] * 8 + [False] * 2 + [True] * 2 + [False] * 2
    lead = estimate_lead_times(_orders("A", taken, came), quoted={}, assumed=14).of("A")
    shrunk = 1 - 0.5 / 10
    assert lead.chances[0] == pytest.approx(8 / 14 * shrunk)
    assert lead.chances[1] == pytest.approx(6 / 14 * 2 / 4 * shrunk)
    only = estimate_lead_times(_orders("A", [10.0] * 8 + [30.0] * 2), quoted={}, assumed=14)
    assert lead.mean > only.of("A").mean


def test_quotations_are_stretched_as_they_were_before() -> None:
    """All suppliers took 1.5 times what they quoted."""
    held = _orders("A", [15.0] * 9, sku="S")
    leads = estimate_lead_times(held, quoted={("S", "A"): 10.0}, assumed=14)
    fresh = leads.of("new", 20.0)
    assert fresh.basis == "quoted"
    assert fresh.mean == pytest.approx(30)
    plain = estimate_lead_times(held, quoted={}, assumed=14).of("new", 20.0)
    assert plain.mean == 20


def test_without_anything_an_assumption_is_named() -> None:
    nothing = _orders("A", [])
    leads = estimate_lead_times(nothing, quoted={}, assumed=14)
    assert leads.of("A").basis == "assumed"
    assert leads.of("A").mean == 14
    assert leads.of("A", math.nan).receipts == 0


def test_an_order_already_out_takes_longer_than_its_age() -> None:
    lead = LeadTime(
        days=np.array([10.0, 20.0]), chances=np.array([0.5, 0.5]), basis="own", receipts=9
    )
    assert lead.beyond(12).mean == 20
    assert lead.beyond(25).mean == 26
    assert lead.beyond(3).mean == lead.mean == 15
    assert lead.quantile(0.5) == 10
    assert lead.quantile(0.51) == 20


def test_draws_spread_over_the_distribution() -> None:
    lead = LeadTime(
        days=np.array([1.0, 2.0, 9.0]), chances=np.array([0.2, 0.5, 0.3]), basis="own", receipts=9
    )
    drawn = lead.draw(1000, np.random.default_rng(1))
    days, counts = np.unique(drawn, return_counts=True)
    assert days.tolist() == [1, 2, 9]
    assert counts == pytest.approx([200, 500, 300], abs=1)
