"""Attribution: published figures, the exact chain, and slow oracles."""

from __future__ import annotations

import itertools
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from ecops_lib.campaigns.channels import Attribution, attribute_paths
from ecops_lib.campaigns.channels.markov import make_chain, remove_channels
from ecops_lib.campaigns.channels.paths import read_paths
from ecops_lib.core.errors import ColumnError, ParameterError
from ecops_lib.core.language import reading

NAMES = {
    "total_conversions": "conversions",
    "total_conversion_value": "value",
    "total_null": "nulls",
}
WALKS = 2233
"""Conversions that the reference package simulated: its removal effects are whole numbers of it."""

SMALL = pd.DataFrame(
    {
        "path": ["ads > search > ads", "search", "ads > live", "live > live > search", "ads"],
        "conversions": [3, 5, 2, 1, 0],
        "value": [300.0, 400.0, 260.0, 90.0, 0.0],
        "nulls": [2, 6, 4, 1, 7],
    }
)


@pytest.fixture(scope="module")
def cases(shared: Path) -> dict[str, Any]:
    held = json.loads((shared.parent / "cases" / "attribution.json").read_text("utf-8"))
    return {case["id"]: case["expected"] for case in held["cases"]}


@pytest.fixture(scope="module")
def reference(shared: Path) -> pd.DataFrame:
    frame = pd.read_parquet(shared / "mta_channelattribution" / "paths.parquet")
    return frame.rename(columns=NAMES)


@pytest.mark.realdata
def test_rules_and_shapley_meet_the_reference(
    cases: dict[str, Any], reference: pd.DataFrame
) -> None:
    held = attribute_paths(reference)
    assert held.values is not None
    for channel, told in cases["heuristic"].items():
        for model in ("first", "last", "linear"):
            key = f"{model}_touch"
            got = (held.conversions.loc[channel, model], held.values.loc[channel, model])
            assert got == pytest.approx(
                (told[f"{key}_conversions"], told[f"{key}_value"]), abs=1e-6
            )
    shapley = held.conversions["shapley"].to_dict()
    assert shapley == pytest.approx(cases["shapley_set_conversions"], abs=1e-6)


@pytest.mark.realdata
@pytest.mark.parametrize("loops", [True, False])
def test_the_chain_meets_the_exact_reference(
    cases: dict[str, Any], reference: pd.DataFrame, loops: bool
) -> None:
    told = cases[f"markov1_exact_selfloops_{loops}"]
    held = attribute_paths(reference, models=["markov"], self_loops=loops)
    assert held.removal is not None
    assert held.removal.to_dict() == pytest.approx(told["removal_effect"], abs=1e-6)
    got = held.conversions["markov"].to_dict()
    assert got == pytest.approx(told["attributed_conversions"], abs=1e-6)
    paths = read_paths(reference)
    base = make_chain(paths, 1).reached(paths.conversions)
    assert base == pytest.approx(told["base_conversion"], abs=1e-9)


@pytest.mark.realdata
def test_simulated_references_lie_within_their_own_error(
    cases: dict[str, Any], reference: pd.DataFrame
) -> None:
    """Effects of order 1 to 3 are shares of some 2,233 simulated conversions."""
    paths = read_paths(reference)
    exact = dict(
        zip(paths.channels, remove_channels(make_chain(paths, 1), paths.conversions), strict=True)
    )
    for channel, told in cases["markov_order1_removal_effects_simulated"].items():
        error = math.sqrt(exact[channel] * (1 - exact[channel]) / WALKS)
        assert abs(told["removal_effects_conversion"] - exact[channel]) < 4 * error + 1 / WALKS
    for order in (1, 2, 3):
        held = attribute_paths(reference, models=["markov"], order=order)
        assert held.values is not None
        whole = held.conversions["markov"].sum()
        for channel, told in cases[f"markov_order{order}_simulated"].items():
            share = held.conversions.loc[channel, "markov"] / whole
            error = 4 * math.sqrt(share / WALKS) * whole + whole / WALKS
            assert abs(told["total_conversions"] - held.conversions.loc[channel, "markov"]) < error
        for channel in ("alpha", "iota", "eta", "beta", "theta", "lambda"):
            told = cases[f"markov_order{order}_simulated"][channel]["total_conversion_value"]
            assert held.values.loc[channel, "markov"] == pytest.approx(told, rel=0.1)


def shapley_oracle(frame: pd.DataFrame) -> dict[str, float]:
    """The definition: mean marginal worth over all orders of the channels."""
    sets = [frozenset(c.strip() for c in p.split(">")) for p in frame["path"]]
    channels = sorted(frozenset().union(*sets))

    def worth(coalition: frozenset[str]) -> float:
        return float(sum(n for s, n in zip(sets, frame["conversions"], strict=True)
                         if s <= coalition))  # fmt: skip

    orders = list(itertools.permutations(channels))
    total = dict.fromkeys(channels, 0.0)
    for order in orders:
        for place, channel in enumerate(order):
            before = frozenset(order[:place])
            total[channel] += worth(before | {channel}) - worth(before)
    return {channel: each / len(orders) for channel, each in total.items()}


def walk_oracle(frame: pd.DataFrame, removed: str, order: int) -> float:
    """Chance to convert by stepping a chain of tuples for a long time."""
    moves: dict[Any, dict[Any, float]] = {}
    for row in frame.itertuples():
        steps = [c.strip() for c in row.path.split(">")]
        states = [tuple(steps[max(0, i - order + 1) : i + 1]) for i in range(len(steps))]
        often = row.conversions + row.nulls
        for a, b in itertools.pairwise(["start", *states]):
            moves.setdefault(a, {}).setdefault(b, 0.0)
            moves[a][b] += often
        ends = moves.setdefault(states[-1], {})
        ends["won"] = ends.get("won", 0.0) + row.conversions
        ends["lost"] = ends.get("lost", 0.0) + row.nulls
    here, won = {"start": 1.0}, 0.0
    for _ in range(400):
        after: dict[Any, float] = {}
        for state, chance in here.items():
            whole = sum(moves[state].values())
            for target, often in moves[state].items():
                if target == "won":
                    won += chance * often / whole
                elif target != "lost" and target[-1] != removed:
                    after[target] = after.get(target, 0.0) + chance * often / whole
        here = after
    return won


@pytest.mark.parametrize("order", [1, 2, 3])
def test_removal_effects_equal_a_chain_walked_by_hand(order: int) -> None:
    held = attribute_paths(SMALL, models=["markov"], order=order)
    base = walk_oracle(SMALL, "", order)
    assert held.removal is not None
    for channel, effect in held.removal.items():
        assert effect == pytest.approx(1 - walk_oracle(SMALL, str(channel), order) / base)


def test_shapley_equals_its_definition_over_all_orders() -> None:
    held = attribute_paths(SMALL, models=["shapley"])
    assert held.conversions["shapley"].to_dict() == pytest.approx(shapley_oracle(SMALL))


def test_position_and_decay_by_hand() -> None:
    frame = pd.DataFrame({"path": [["a", "b", "b", "c"], ["a", "c"], ["b"]],
                          "days_before": [[14.0, 7.0, 7.0, 0.0], [7.0, 0.0], [3.0]]})  # fmt: skip
    held = attribute_paths(frame, models=["position", "decay"]).conversions
    assert held["position"].to_dict() == pytest.approx(
        {"a": 0.4 + 0.5, "b": 0.2 + 1, "c": 0.4 + 0.5}
    )
    one = 1 / 4 + 1 / 2 + 1 / 2 + 1
    assert held["decay"].to_dict() == pytest.approx(
        {"a": 0.25 / one + 1 / 3, "b": 1 / one + 1, "c": 1 / one + 2 / 3}
    )
    ends = attribute_paths(frame, models=["position"], ends=(0.0, 0.0)).conversions["position"]
    assert ends.to_dict() == pytest.approx({"a": 0.5, "b": 2.0, "c": 0.5})
    old = pd.DataFrame({"path": [["a", "b"]], "days_before": [[5000.0, 4990.0]]})
    assert attribute_paths(old, models=["decay"]).conversions["decay"].sum() == pytest.approx(1)


def test_every_model_divides_all_and_money_scales() -> None:
    held = attribute_paths(SMALL)
    assert held.values is not None
    assert held.conversions.sum().to_list() == pytest.approx([11] * 7)
    assert held.values.sum().to_list() == pytest.approx([1050] * 7)
    double = attribute_paths(SMALL.assign(value=2 * SMALL["value"]).iloc[::-1])
    assert double.values is not None
    pd.testing.assert_frame_equal(
        double.values.sort_index(), 2 * held.values.sort_index(), rtol=1e-12
    )


def test_lists_and_text_of_any_engine_agree() -> None:
    import polars as pl

    lists = SMALL.assign(path=[[c.strip() for c in p.split(">")] for p in SMALL["path"]])
    told = attribute_paths(SMALL).conversions
    for table in (lists, pl.from_pandas(SMALL), pl.from_pandas(lists).to_arrow()):
        pd.testing.assert_frame_equal(attribute_paths(table).conversions, told)


def texts(held: Attribution) -> list[str]:
    return [finding.text for finding in held.findings()]


def test_the_words_turn_with_the_paths() -> None:
    held = attribute_paths(SMALL)
    assert held.values is not None
    share = held.values.loc["search"] / 1050
    assert share["last"] == pytest.approx(490 / 1050)
    assert texts(held)[:2] == [
        "Which channel gets the most depends on the model: search in 5 of 7, with "
        f"{share.min():.2%} to {share.max():.2%}.",
        "The models differ most on ads: ¥280.00 by Shapley, ¥560.00 by First touch.",
    ]
    turned = SMALL.assign(path=[" > ".join(p.split(" > ")[::-1]) for p in SMALL["path"]])
    assert "ads: ¥280.00 by Shapley, ¥560.00 by Last touch" in texts(attribute_paths(turned))[1]
    alone = pd.DataFrame({"path": ["a", "b"], "conversions": [3, 1]})
    assert texts(attribute_paths(alone)) == [
        "a gets the most, 75.00%.",
        "100.00% of the purchases came by a single channel, on which all models agree; these "
        "paths say little about how channels work together.",
        "No model here is causal: each divides what was sold, also what would have been sold "
        "without the channel. Only a test that switches a channel off tells what it brings. Paths "
        "without a purchase are not told, so the removal effect only compares paths that ended in "
        "one.",
    ]
    none = attribute_paths(SMALL.assign(conversions=0, value=0.0))
    assert texts(none) == ["No path ended in a conversion, so nothing can be attributed."]
    assert none.chart() is None
    assert not none.conversions.to_numpy().any()
    with reading("zh"):
        assert "归因" in " ".join(texts(attribute_paths(SMALL)))


def test_a_page_holds_nine_columns_and_escapes() -> None:
    held = attribute_paths(SMALL.assign(path=SMALL["path"].str.replace("ads", "<b>=1+1</b>"[:4])))
    assert held.page_frame().shape[1] <= 9
    assert "<b>" not in held._repr_html_()


@pytest.mark.parametrize(
    ("frame", "match"),
    [
        ({"path": [None]}, "missing in 1 rows"),
        ({"path": ["a > > b"]}, "names no channel"),
        ({"path": [[]]}, "names no channel"),
        ({"path": ["a"], "conversions": [math.nan]}, "conversions of paths"),
        ({"path": ["a"], "nulls": [-1]}, "nulls of paths"),
        ({"path": [["a", "b"]], "days_before": [[1.0]]}, "days_before"),
        ({"channel": ["a"]}, "no column 'path'"),
    ],
)
def test_wrong_paths_are_refused(frame: dict[str, Any], match: str) -> None:
    with pytest.raises(ColumnError, match=match):
        attribute_paths(pd.DataFrame(frame))


def test_wrong_arguments_are_refused() -> None:
    for given in ({"models": []}, {"models": ["best"]}, {"half_life": math.nan}, {"order": 0},
                  {"ends": (0.7, 0.7)}, {"ends": (math.nan, 0.1)}):  # fmt: skip
        with pytest.raises(ParameterError):
            attribute_paths(SMALL, **given)  # type: ignore[arg-type]
    many = pd.DataFrame({"path": [f"c{n}" for n in range(200)]})
    with pytest.raises(ParameterError, match="order is 9"):
        attribute_paths(many, models=["markov"], order=9)


def test_simulated_paths_of_a_known_chain_give_its_removal_effects() -> None:
    """Two channels: b follows a with .5; a converts .1 and b .4 at each visit, else it is lost."""
    rng = np.random.default_rng(2)
    rows = []
    for _ in range(20000):
        path, here = [], "a"
        while True:
            path.append(here)
            roll = rng.random()
            if here == "a" and roll < 0.5:
                here = "b"
                continue
            won = roll < (0.6 if here == "a" else 0.4)
            rows.append((" > ".join(path), int(won), int(not won)))
            break
    frame = pd.DataFrame(rows, columns=["path", "conversions", "nulls"])
    held = attribute_paths(frame, models=["markov"]).removal
    assert held is not None
    assert held["b"] == pytest.approx(0.5 * 0.4 / (0.1 + 0.5 * 0.4), abs=0.02)
    assert held["a"] == 1.0
