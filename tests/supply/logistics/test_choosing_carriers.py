"""Carriers by lane: what a move saves by a slow loop, and what it may not cost."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from parcel_rows import START, ZONE, parcel, table

from ecops_lib.core.errors import MissingDataError
from ecops_lib.core.language import reading
from ecops_lib.supply.logistics import choose_carriers
from ecops_lib.supply.logistics.choices import CarrierChoices
from ecops_lib.supply.logistics.parcels import BANDS

MakeTables = Callable[[dict[str, pa.Table]], dict[str, Any]]
COUNT = 1200


def choose(tables: Any, **more: Any) -> CarrierChoices:
    return choose_carriers(
        tables, as_of=START + dt.timedelta(days=44), days=45, time_zone=ZONE, **more
    )


def parcels(*, cheap: float = 1.0, slow: float = 0.0, count: int = COUNT) -> list[dict[str, Any]]:
    """甲 and 乙 share a lane, 甲 with the heavier parcels; 乙 costs ``cheap`` less at a weight."""
    rng = np.random.default_rng(11)
    rows = []
    for number in range(count):
        carrier = "甲" if rng.random() < 0.5 else "乙"
        weight = round(float(rng.gamma(3 if carrier == "甲" else 2, 0.5)) + 0.05, 2)
        cost = 3 + 1.5 * weight + float(rng.normal(0, 0.2)) - (cheap if carrier == "乙" else 0)
        took = float(rng.gamma(16, 2)) + (slow if carrier == "乙" else 0)
        rows.append(parcel(number, carrier, number * 0.8, took, weight=weight,
                           cost=Decimal(str(round(cost, 2)))))  # fmt: skip
    return rows


def slow_saving(rows: list[dict[str, Any]], old: str, new: str) -> float:
    """One carrier's parcels at the other's mean cost in each band of ten of both.

    The other's mean cost is taken at the same weight: both carriers' costs within bands
    are regressed on weight, with a level of its own for each carrier and band.
    """
    bands: dict[int, dict[str, list[tuple[float, float]]]] = {}
    for row in rows:
        band = sum(row["weight"] >= least for least in BANDS) - 1
        held = bands.setdefault(band, {"甲": [], "乙": []})
        held[row["carrier"]].append((row["weight"], float(row["cost"])))
    shared = [held for held in bands.values() if min(len(held[old]), len(held[new])) >= 10]
    cells = [np.array(held[c]) for held in shared for c in (old, new)]
    centred = np.vstack([cell - cell.mean(axis=0) for cell in cells])
    slope = np.linalg.lstsq(centred[:, :1], centred[:, 1], rcond=None)[0][0]
    total = 0.0
    for mine, theirs in zip(cells[::2], cells[1::2], strict=True):
        at_theirs = theirs[:, 1].mean() + slope * (mine[:, 0].mean() - theirs[:, 0].mean())
        total += mine[:, 1].sum() - len(mine) * at_theirs
    return float(total) * 30 / 45


def test_every_engine_saves_what_a_loop_saves(light_engine: MakeTables) -> None:
    rows = parcels(count=400)
    held = choose(light_engine({"shipments": table("shipments", rows)})).pairs
    pair = held[held["old"] == "甲"].iloc[0]
    assert pair["saving"] == pytest.approx(slow_saving(rows, "甲", "乙"))
    assert pair["saving_low"] < pair["saving"] < pair["saving_high"]


def test_a_planted_saving_is_found_between_like_parcels() -> None:
    """乙 is 1.00 cheaper at every weight; plain means would add what 甲's heavier parcels cost."""
    rows = parcels()
    held = choose({"shipments": table("shipments", rows)})
    pair = held.pairs[held.pairs["advised"]].iloc[0]
    assert (pair["old"], pair["new"], pair["verdict"]) == ("甲", "乙", "move")
    assert pair["saving"] / pair["moved"] == pytest.approx(1, abs=0.04)
    costs = {c: np.mean([float(r["cost"]) for r in rows if r["carrier"] == c]) for c in "甲乙"}
    assert costs["甲"] - costs["乙"] > 1.5
    text = held.findings()[0].text
    assert text.startswith("Moving the parcels of 1 lane to a carrier with no worse service would")
    assert text.endswith("浙江 · 小件, from 甲 to 乙.")
    with reading("zh"):
        assert held.findings()[0].text.startswith("把1条线路的包裹换给服务不差的快递")
    turned = choose({"shipments": table("shipments", parcels(cheap=-1.0))})
    assert turned.findings()[0].text.endswith("from 乙 to 甲.")


def test_intervals_hold_the_planted_saving() -> None:
    rng = np.random.default_rng(7)
    held = 0
    for seed in range(25):
        rows = [parcel(n, "甲乙"[n % 2], n * 2.1, 30, weight=0.7, cost=Decimal(
            str(round(5 - n % 2 + float(rng.normal(0, 1)), 2)))) for n in range(500)]  # fmt: skip
        pairs = choose({"shipments": table("shipments", rows)}, seed=seed).pairs
        pair = pairs[pairs["old"] == "甲"].iloc[0]
        held += pair["saving_low"] <= 250 * 30 / 45 <= pair["saving_high"]
    assert 19 <= held <= 25


def test_a_worse_service_is_never_traded_silently() -> None:
    held = choose({"shipments": table("shipments", parcels(slow=40))})
    assert not held.pairs["advised"].any()
    costly = next(f for f in held.findings() if f.key == "lanes/costly")
    assert costly.text.startswith("乙 is cheaper than 甲 on 浙江 · 小件 (¥")
    assert "fewer promises, it is surely slower there" in costly.text
    assert held.total == (0, 0, 0)
    few = choose({"shipments": table("shipments", [
        {**row, "promised_at": None} for row in parcels()])})  # fmt: skip
    assert few.pairs.iloc[0]["verdict"] == "cannot be told"
    assert any(f.key == "lanes/untold" for f in few.findings())


def test_carriers_of_equal_service_are_not_called_worse_by_chance() -> None:
    rng = np.random.default_rng(21)
    rows = []
    for number in range(6000):
        cheaper = number % 2
        took = 90.0 if rng.random() < 0.1 else 40.0
        harm = "damaged" if rng.random() < 0.02 else None
        rows.append(parcel(number, "甲乙"[cheaper], number / 6, took, trouble=harm,
                           province=f"p{number // 2 % 20}", cost=Decimal(5 - cheaper)))  # fmt: skip
    held = choose({"shipments": table("shipments", rows)}).pairs
    found = held[held["old"] == "甲"]["verdict"]
    assert len(found) == 20
    assert "worse service" not in set(found)
    assert set(found) <= {"move", "cannot be told"}


def rates(*, far: float, near: float) -> pa.Table:
    """乙 is cheaper from 600 parcels a month on, 甲 dearer below 300."""
    told = [("乙", 0, 3.0), ("乙", 600, 3.0 - far), ("甲", 0, 4.0 + near), ("甲", 300, 4.0)]
    return table("carrier_rates", [
        {"carrier": c, "province": "*", "size_class": "小件", "parcels_from": n,
         "first_weight": 1.0, "first_price": Decimal(str(p)), "next_price": Decimal(1)}
        for c, n, p in told])  # fmt: skip


def test_volume_tiers_count_what_is_reached_and_what_is_lost() -> None:
    rows = parcels()
    held = choose(
        {"shipments": table("shipments", rows), "carrier_rates": rates(far=0.2, near=0.5)}
    )
    moved = held.pairs.loc[held.pairs["advised"], "moved"].iloc[0]
    tiers = held.tiers.set_index("carrier")
    now = {c: sum(r["carrier"] == c for r in rows) * 30 / 45 for c in "甲乙"}
    assert tiers["now"].to_dict() == pytest.approx(now)
    assert tiers.loc["乙", "effect"] == pytest.approx(0.2 * (now["乙"] + moved))
    assert tiers.loc["甲", "effect"] == pytest.approx(-0.5 * (now["甲"] - moved))
    text = next(f.text for f in held.findings() if f.key == "lanes/tiers")
    assert text.startswith("By the price lists' volume tiers the moves would save ¥")
    dear = choose({"shipments": table("shipments", rows), "carrier_rates": rates(far=-0.2, near=0)})
    text = next(f.text for f in dear.findings() if f.key == "lanes/tiers")
    assert "would cost" in text


def test_odd_shops() -> None:
    with pytest.raises(MissingDataError, match="no shipments"):
        choose({})
    one = choose({"shipments": table("shipments", [parcel(n, "甲", n, 30) for n in range(50)])})
    assert one.pairs.empty
    assert [f.key for f in one.findings()] == ["lanes/alone"]
    assert "cannot be told: 浙江 · 小件 (甲)" in one.findings()[0].text
    assert one.chart() is None
    assert one._repr_html_()
    with pytest.raises(MissingDataError, match="No parcel"):
        choose({"shipments": table("shipments", [parcel(1, "甲", 5, 3, weight=None)])})
