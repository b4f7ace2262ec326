"""Candidate pairs of two catalogues, and what speaks for and against each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ecops_lib.market.matching.words import codes_of, grams_of, numbers_of, plain, words_of
from ecops_lib.market.titles import parse_size

if TYPE_CHECKING:
    import pandas as pd
    from scipy.sparse import csr_array

Floats = NDArray[np.float64]
Places = NDArray[np.int64]

WEIGHTS = {"word": 0.35, "gram": 0.35, "code": 0.15, "all": 0.15}
"""What likeness of titles is made of: words, grams, codes, and words with the description."""
NEAR = 10
"""Candidates of each item on the other side."""
FAINT = 0.05
"""Likeness below which a pair is no candidate."""
FAR = 2.0
"""Largest gap of two sizes, as the logarithm of their ratio; also of sizes in other units."""
CHUNK = 500


@dataclass(frozen=True, eq=False)
class Texts:
    """The texts of both catalogues as weighted counts, by kind: ours and theirs."""

    held: dict[str, tuple[csr_array, csr_array]]

    @classmethod
    def learn(cls, ours: pd.DataFrame, theirs: pd.DataFrame) -> Texts:
        """Weigh the words of both catalogues by how rare they are (tf-idf, logarithmic counts)."""
        title = [_text(table, "title", "brand", "model") for table in (ours, theirs)]
        whole = [
            [f"{a} {b}" for a, b in zip(text, _text(table, "description"), strict=True)]
            for text, table in zip(title, (ours, theirs), strict=True)
        ]
        kinds: dict[str, tuple[Callable[[str], list[str]], list[list[str]]]] = {
            "word": (words_of, title), "gram": (grams_of, title),
            "code": (codes_of, whole), "all": (words_of, whole),
        }  # fmt: skip
        return cls({name: _weighed(split, texts) for name, (split, texts) in kinds.items()})

    def joined(self) -> tuple[csr_array, csr_array]:
        """One matrix a side, whose products are the weighted likeness."""
        from scipy.sparse import hstack

        sides = (
            [np.sqrt(WEIGHTS[name]) * pair[side] for name, pair in self.held.items()]
            for side in (0, 1)
        )
        ours, theirs = (hstack(parts).tocsr() for parts in sides)
        return ours, theirs


def _text(table: pd.DataFrame, *columns: str) -> list[str]:
    held = [table[name] for name in columns if name in table]
    return [" ".join(map(plain, row)) for row in zip(*held, strict=True)] if held else (
        [""] * len(table)
    )  # fmt: skip


def _weighed(
    split: Callable[[str], list[str]], texts: list[list[str]]
) -> tuple[csr_array, csr_array]:
    from scipy.sparse import csr_array
    from sklearn.feature_extraction.text import TfidfVectorizer

    if not any(split(text) for side in texts for text in side):
        empty = [csr_array((len(side), 1), dtype=np.float32) for side in texts]
        return empty[0], empty[1]
    maker = TfidfVectorizer(analyzer=split, sublinear_tf=True, dtype=np.float32)
    maker.fit([*texts[0], *texts[1]])
    ours, theirs = (csr_array(maker.transform(side)) for side in texts)
    return ours, theirs


def find_pairs(texts: Texts, seller: Places) -> tuple[Places, Places]:
    """Places of candidate pairs: the nearest of each item on the other side, by seller.

    Args:
        texts: Both catalogues.
        seller: Seller of each of their items (0, 1, …).
    """
    ours, theirs = texts.joined()
    found: list[tuple[Places, Places]] = []
    for number in np.unique(seller):
        mine = np.flatnonzero(seller == number)
        rows, columns = _nearest(ours, theirs[mine])
        back, forth = _nearest(theirs[mine], ours)
        found.append((np.append(rows, forth), mine[np.append(columns, back)]))
    left, right = (np.concatenate([pair[side] for pair in found]) for side in (0, 1))
    held = np.unique(left * (len(seller) + 1) + right)
    return held // (len(seller) + 1), held % (len(seller) + 1)


def _nearest(one: csr_array, other: csr_array) -> tuple[Places, Places]:
    """For each row of one side its nearest rows on the other."""
    turned = other.T.tocsr()
    rows, columns = [], []
    for begin in range(0, one.shape[0], CHUNK):
        like = (one[begin : begin + CHUNK] @ turned).tocoo()
        near = like.data > FAINT
        row, column, value = like.row[near], like.col[near], like.data[near]
        order = np.lexsort((column, -value, row))
        row, column = row[order], column[order]
        first = np.searchsorted(row, row)  # where its row begins
        kept = np.arange(len(row)) - first < NEAR
        rows.append(begin + row[kept])
        columns.append(column[kept])
    return np.concatenate(rows).astype(np.int64), np.concatenate(columns).astype(np.int64)


def describe_pairs(
    texts: Texts, ours: pd.DataFrame, theirs: pd.DataFrame, left: Places, right: Places
) -> pd.DataFrame:
    """What speaks for and against pairs, as numbers without gaps.

    Columns: likeness by kind of text and weighted, the share of each kind of words that the
    shorter and the longer text have in common (by rarity), how far prices and sizes lie apart
    (logarithm of the ratio), and ``…_untold`` where a catalogue does not tell.
    """
    import pandas as pd

    held: dict[str, Any] = {name: _dots(pair, left, right) for name, pair in texts.held.items()}
    held["like"] = sum(WEIGHTS[name] * held[name] for name in WEIGHTS)
    titles = [_text(table, "title", "brand", "model") for table in (ours, theirs)]
    for name, split in (("words", words_of), ("codes", codes_of), ("numbers", numbers_of)):
        held[f"{name}_short"], held[f"{name}_long"] = _shared(split, titles, left, right)
    held["price_gap"] = _price_gap(ours, theirs, left, right)
    held["size_gap"] = _size_gap(ours, theirs, left, right)
    frame = pd.DataFrame(held).astype(float)
    for name in [str(column) for column in frame if frame[column].isna().any()]:
        told = frame[name].mean()
        frame[f"{name}_untold"] = frame[name].isna().astype(float)
        frame[name] = frame[name].fillna(0.0 if np.isnan(told) else told)
    return frame


def _dots(pair: tuple[csr_array, csr_array], left: Places, right: Places) -> Floats:
    parts = [
        np.asarray(pair[0][left[k : k + 100_000]].multiply(pair[1][right[k : k + 100_000]]).sum(1))
        for k in range(0, len(left), 100_000)
    ]
    return np.concatenate([part.ravel() for part in parts]).astype(float)


def _shared(
    split: Callable[[str], list[str]], titles: list[list[str]], left: Places, right: Places
) -> tuple[Floats, Floats]:
    """Rarity of the words in common over that of the shorter and of the longer text."""
    from scipy.sparse import csr_array
    from sklearn.feature_extraction.text import CountVectorizer

    none = np.full(len(left), np.nan)
    if not any(split(text) for side in titles for text in side):
        return none, none
    maker = CountVectorizer(analyzer=split, binary=True, dtype=np.float32)
    maker.fit([*titles[0], *titles[1]])
    ours, theirs = (csr_array(maker.transform(side)) for side in titles)
    count = ours.shape[0] + theirs.shape[0]
    rare = np.log((1 + count) / (1 + ours.sum(axis=0) + theirs.sum(axis=0))) + 1
    root = np.sqrt(np.asarray(rare).ravel())
    pair = (csr_array(ours * root), csr_array(theirs * root))
    common = _dots(pair, left, right)
    weights = [np.asarray(side.multiply(side).sum(axis=1)).ravel() for side in pair]
    one, other = weights[0][left], weights[1][right]
    short, long = np.minimum(one, other), np.maximum(one, other)
    return (
        np.divide(common, short, out=none.copy(), where=short > 0),
        np.divide(common, long, out=none.copy(), where=long > 0),
    )


def _price_gap(ours: pd.DataFrame, theirs: pd.DataFrame, left: Places, right: Places) -> Floats:
    if "price" not in ours or "price" not in theirs:
        return np.full(len(left), np.nan)
    mine, other = (table["price"].to_numpy(float) for table in (ours, theirs))
    told = (mine[left] > 0) & (other[right] > 0)
    gap = np.full(len(left), np.nan)
    gap[told] = np.abs(np.log(mine[left][told] / other[right][told]))
    return gap


def _size_gap(ours: pd.DataFrame, theirs: pd.DataFrame, left: Places, right: Places) -> Floats:
    """How far the amounts in the packs lie apart, at most ``FAR``; NaN where not told."""
    (amount, unit), (others, units) = _sizes(ours), _sizes(theirs)
    told = (amount[left] > 0) & (others[right] > 0)
    gap = np.full(len(left), np.nan)
    gap[told] = np.minimum(np.abs(np.log(amount[left][told] / others[right][told])), FAR)
    gap[told & (unit[left] != units[right])] = FAR
    return gap


def _sizes(table: pd.DataFrame) -> tuple[Floats, NDArray[Any]]:
    """Amount and unit of each item: as told, else as its title says."""
    if {"amount", "unit"} <= set(table.columns):
        return table["amount"].to_numpy(float), table["unit"].to_numpy(object)
    held = [parse_size(title) for title in table["title"]]
    amount = np.array([size.amount if size else np.nan for size in held], float)
    return amount, np.array([size.unit if size else "" for size in held], object)
