"""Product matching: F1, seconds and memory beside tf-idf and rapidfuzz, on three catalogues.

Abt-Buy and Walmart-Amazon are read as published (test split, pairs labelled; the whole tables of
Abt-Buy too), the grocers' known pairs by names and units alone. One set of settings: labels are
used only where it says so. Then 20,000 × 20,000 titles, for time and memory.

    python -m benchmarks.product_matching --data ../shared/data [--large 20000]
"""

from __future__ import annotations

import argparse
import resource
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ecops_lib.market.matching import ItemMatches, match_items
from ecops_lib.market.matching.items import MATCH

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

BARS = {"er_abt_buy": (78.0, 88.0), "er_walmart_amazon": (75.0, 85.0)}
"""F1 on the test split to be reached without and with labels."""
KEYS = ["our_id", "their_id"]
Pairs = set[tuple[str, str]]


def main() -> None:
    """Print every figure with the bar that it is held against."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of the real data")
    parser.add_argument("--large", type=int, default=20_000, help="titles a side; 0 for none")
    given = parser.parse_args()
    for name in BARS:
        _catalogues(given.data / name, name)
    _grocers(given.data / "price_heissepreise")
    if given.large:
        _large(given.data / "price_heissepreise", given.large)


def _catalogues(folder: Path, name: str) -> None:
    ours, theirs = (_items(folder / f"table{side}.parquet") for side in "AB")
    pairs = pd.read_parquet(folder / "pairs.parquet")
    pairs = pairs.rename(columns={"ltable_id": "our_id", "rtable_id": "their_id", "label": "match"})
    pairs[KEYS] = pairs[KEYS].astype(str)
    test = pairs[pairs["split"] == "test"]
    print(f"\n{name}: {len(ours):,} x {len(theirs):,}, {len(test):,} labelled pairs in the test")
    alone, labels = BARS[name]
    for method, score in _baselines(ours, theirs, pairs):
        print(f"  {method:34} F1 {_f1(score, test):5.1f}")
    begin = time.perf_counter()
    found = match_items(ours, theirs)
    took = time.perf_counter() - begin
    print(
        f"  {'ecops, no labels':34} F1 {_f1(_taken(found), test):5.1f}  bar {alone}  {took:.1f} s"
    )
    if name == "er_abt_buy":
        truth = {(a, b) for a, b in pairs.loc[pairs["match"] == 1, KEYS].itertuples(index=False)}
        taken = _taken(found)
        right = len(taken & truth)
        f1 = 200 * right / (len(taken) + len(truth))
        print(
            f"  {'ecops, no labels, whole tables':34} F1 {f1:5.1f}  bar 90.0  "
            f"precision {100 * right / len(taken):.1f}, recall {100 * right / len(truth):.1f}"
        )
    begin = time.perf_counter()
    taught = match_items(ours, theirs, labels=pairs.loc[pairs["split"] != "test", [*KEYS, "match"]])
    took = time.perf_counter() - begin
    chance = taught.candidates[taught.candidates["chance"] >= MATCH]
    said = set(chance[KEYS].itertuples(index=False, name=None))
    f1 = _f1(said, test)
    print(f"  {'ecops, labels of train and valid':34} F1 {f1:5.1f}  bar {labels}  {took:.1f} s")
    _calibration(found, pairs)


def _items(file: Path) -> pd.DataFrame:
    held = pd.read_parquet(file).rename(
        columns={"id": "item_id", "name": "title", "modelno": "model"}
    )
    held["price"] = pd.to_numeric(held["price"], errors="coerce")
    return held.astype({"item_id": str})


def _taken(found: ItemMatches) -> Pairs:
    return set(found.matched[KEYS].itertuples(index=False, name=None))


def _f1(taken: AbstractSet[tuple[str, str]], test: pd.DataFrame) -> float:
    said = np.array([pair in taken for pair in test[KEYS].itertuples(index=False, name=None)])
    match = test["match"].to_numpy() == 1
    return float(200 * (said & match).sum() / (said.sum() + match.sum()))


def _calibration(found: ItemMatches, pairs: pd.DataFrame) -> None:
    """Chances told against what the labels say of the same pairs."""
    known = found.frame.merge(pairs[[*KEYS, "match"]], on=KEYS)
    for low, high in ((0.0, 0.2), (0.2, 0.5), (0.5, 0.8), (0.8, 1.01)):
        held = known[(known["chance"] >= low) & (known["chance"] < high)]
        if len(held):
            print(
                f"    chance {held['chance'].mean():.2f} told of {len(held):4} labelled pairs, "
                f"{held['match'].mean():.2f} match"
            )


def _baselines(
    ours: pd.DataFrame, theirs: pd.DataFrame, pairs: pd.DataFrame
) -> list[tuple[str, Pairs]]:
    """Tf-idf of characters 2-4 over all columns and rapidfuzz, threshold from validation."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    text = [
        table.drop(columns="item_id").astype(str).agg(" ".join, axis=1) for table in (ours, theirs)
    ]
    place = [{item: k for k, item in enumerate(table["item_id"])} for table in (ours, theirs)]
    rows = np.array([place[0][item] for item in pairs["our_id"]])
    columns = np.array([place[1][item] for item in pairs["their_id"]])
    maker = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 4), sublinear_tf=True)
    maker.fit(pd.concat(text))
    left, right = (maker.transform(side) for side in text)
    told = [
        ("tf-idf characters 2-4", np.asarray(left[rows].multiply(right[columns]).sum(1)).ravel())
    ]
    try:
        from rapidfuzz.fuzz import token_set_ratio
    except ImportError:
        print("  rapidfuzz is not installed, so it is left out")
    else:
        ratio = [
            token_set_ratio(text[0].iloc[a], text[1].iloc[b])
            for a, b in zip(rows, columns, strict=True)
        ]
        told.append(("rapidfuzz token_set_ratio", np.array(ratio, float)))
    return [(name, _by_validation(score, pairs)) for name, score in told]


def _by_validation(score: np.ndarray[Any, Any], pairs: pd.DataFrame) -> Pairs:
    valid = pairs[pairs["split"] == "valid"]
    keys = pairs[KEYS].to_numpy()
    best = max(
        np.unique(np.quantile(score, np.linspace(0.5, 1, 100))),
        key=lambda cut: _f1({(a, b) for a, b in keys[score >= cut]}, valid),
    )
    return {(a, b) for a, b in keys[score >= best]}


def _grocers(folder: Path) -> None:
    """The known pairs of two grocers, by names and units; recall where precision is 95 %."""
    known = pd.read_parquet(folder / "matched_pairs.parquet")
    sides = []
    for shop in ("billa", "spar"):
        names = {
            f"{shop}_{key}": to
            for key, to in (
                ("id", "item_id"),
                ("name", "title"),
                ("qty", "amount"),
                ("unit", "unit"),
            )
        }
        held = known[list(names)].rename(columns=names).drop_duplicates("item_id")
        sides.append(held.astype({"item_id": str, "amount": float}).reset_index(drop=True))
    truth = set(known[["billa_id", "spar_id"]].astype(str).itertuples(index=False, name=None))
    found = match_items(*sides).frame.sort_values("chance", ascending=False, kind="stable")
    hit = np.array([pair in truth for pair in found[KEYS].itertuples(index=False, name=None)])
    precise = np.cumsum(hit) / np.arange(1, len(hit) + 1)
    last = int(np.flatnonzero(precise >= 0.95).max()) if (precise >= 0.95).any() else -1
    share = 100 * hit[: last + 1].sum() / len(truth)
    print(
        f"\ngrocers: {len(truth)} known pairs; at 95 % precision {hit[: last + 1].sum()} are "
        f"matched, {share:.1f} % (bar 80)"
    )


def _large(folder: Path, count: int) -> None:
    items = pd.read_parquet(folder / "items.parquet").drop_duplicates("product_id")
    shops = items.groupby("store")["product_id"].size().nlargest(2).index
    sides = []
    for shop in shops:
        held = items[items["store"] == shop].head(count)
        sides.append(pd.DataFrame({
            "item_id": held["product_id"].astype(str), "title": held["name"],
            "amount": held["quantity"].astype(float), "unit": held["unit"],
        }).reset_index(drop=True))  # fmt: skip
    begin = time.perf_counter()
    found = match_items(*sides)
    took = time.perf_counter() - begin
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(
        f"\nlarge: {len(sides[0]):,} x {len(sides[1]):,} titles in {took:.1f} s (bar 60), "
        f"{most:.2f} GB at most (bar 4), {len(found.matched):,} matched"
    )


if __name__ == "__main__":
    main()
