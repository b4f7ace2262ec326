"""What is planted in the demo shop's industry is found, and nothing where nothing is planted."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from ecops_lib.data.demo import Truths
from ecops_lib.data.demo.catalogue import make_catalogue
from ecops_lib.data.demo.season import GROWTH, make_season
from ecops_lib.data.demo.surroundings import make_market_sheet, tell_market
from ecops_lib.data.demo.world import World
from ecops_lib.market.trends import measure_market, rank_search_terms

LAST = dt.date(2026, 10, 27)
ZONE = "Asia/Shanghai"


def industry(truths: Truths, *, seed: int = 1) -> tuple[dict[str, pa.Table], dict[str, Any]]:
    """The market table of a demo shop's eighteen months, and what is planted in it."""
    world = World(
        seed=seed, first_day=dt.date(2025, 4, 28), last_day=LAST, orders=1000, truths=truths,
        catalogue=make_catalogue(np.random.default_rng([seed, 0])),
    )  # fmt: skip
    columns = {
        name: cells
        for name, (_, cells) in make_market_sheet(world, make_season(world)).columns.items()
    }
    goods = world.catalogue
    tables = {
        "market": pa.table({
            "day": [dt.date.fromisoformat(day) for day in columns["day"]],
            "series": list(columns["series"]), "category": list(columns["category"]),
            "value": [float(value) for value in columns["value"]],
        }),
        "products": pa.table({
            "platform": ["tmall"] * len(goods.ids), "product_id": list(goods.ids),
            "product_name": list(goods.names), "category": ["茶叶"] * len(goods.ids),
        }),
    }  # fmt: skip
    return tables, tell_market(world) or {}


def test_the_planted_level_and_growth_are_found_to_the_day() -> None:
    tables, told = industry(Truths())
    held = measure_market(tables, as_of=LAST, time_zone=ZONE)
    [row] = held.breaks.to_dict("records")
    assert row["category"] == told["category"]
    assert str(row["broke"]) == told["from"]
    assert row["shift_low"] < told["factor"] - 1 < row["shift_high"]
    others = held.frame[held.frame["category"] != told["category"]]
    assert others["growth"].to_numpy() == pytest.approx(GROWTH, abs=0.025)


def test_the_planted_terms_are_found_and_only_the_new_one_is_untried() -> None:
    tables, told = industry(Truths())
    held = rank_search_terms(tables, as_of=LAST, time_zone=ZONE)
    rows = held.frame.set_index("term")
    assert rows.loc[told["rising"], "growth"] == pytest.approx(
        told["rise"] * (1 + GROWTH) - 1, abs=0.05
    )
    assert rows.loc[told["falling"], "growth"] == pytest.approx(
        told["fall"] * (1 + GROWTH) - 1, abs=0.02
    )
    assert held.untried["term"].tolist() == [told["rising"]]
    assert held.fading["term"].tolist() == [told["falling"]]


def test_an_industry_without_moves_has_no_break_and_no_falling_term() -> None:
    for seed in range(1, 6):
        tables, told = industry(Truths.none(), seed=seed)
        assert told == {}
        assert measure_market(tables, as_of=LAST, time_zone=ZONE).breaks.empty
        held = rank_search_terms(tables, as_of=LAST, time_zone=ZONE)
        assert (held.frame["way"] != "falling").all()
