"""Which of their items is ours: one call, one result."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from ecops_lib.core.checks import require_columns
from ecops_lib.core.errors import ParameterError
from ecops_lib.core.findings import Action, Finding
from ecops_lib.core.formats import Unit, show
from ecops_lib.core.language import mark, ntr, tr
from ecops_lib.core.names import short_name
from ecops_lib.core.results import Result
from ecops_lib.market.matching.learning import (
    mutual_best,
    score_alone,
    weigh_alone,
    weigh_judged,
)
from ecops_lib.market.matching.pairs import (
    Floats,
    Places,
    Texts,
    describe_pairs,
    find_pairs,
)
from ecops_lib.market.matching.words import plain

if TYPE_CHECKING:
    import pandas as pd

MATCH = 0.5
"""Chance from which a pair is more likely a match than not."""
BAND = (0.2, 0.9)
"""Chances between which somebody should look."""
SHOWN = 12
SOURCES: Mapping[str, str] = {
    "alone": mark("learnt from the titles"),
    "labels": mark("learnt from labels"),
    "judged": mark("judged by hand"),
}


@dataclass(frozen=True, kw_only=True, eq=False)
class ItemMatches(Result):
    """Pairs of our products and others' items, each item in one pair at most.

    Attributes:
        frame: One row a pair that is the best of both its items, the surest first: ``our_id``,
            ``our_title``, ``seller``, ``their_id``, ``their_title``, ``chance`` that they are
            the same product (NaN where nothing could be learnt), ``source`` of that chance
            (``alone``, ``labels`` or ``judged``).
        candidates: Every pair that was weighed: ``our_id``, ``their_id``, ``chance`` (NaN for
            pairs that are nobody's best, where no labels were given).
        ours: Number of our products.
        theirs: Number of their items.
    """

    sheet: ClassVar[str] = mark("Which items are the same")
    labels: ClassVar[Mapping[str, str]] = {
        "our_title": mark("Our product"),
        "seller": mark("Competitor"),
        "their_title": mark("Their item"),
        "chance": mark("Chance"),
        "source": mark("How it is known"),
    }
    units: ClassVar[Mapping[str, Unit]] = {"chance": "share"}

    frame: pd.DataFrame
    candidates: pd.DataFrame
    ours: int
    theirs: int

    @property
    def matched(self) -> pd.DataFrame:
        """Pairs that are more likely matches than not."""
        return self.frame[self.frame["chance"] >= MATCH]

    @property
    def sure(self) -> pd.DataFrame:
        """Pairs that money may be reckoned on: nobody needs to look at them."""
        return self.frame[self.frame["chance"] >= BAND[1]]

    @property
    def uncertain(self) -> pd.DataFrame:
        """Pairs that somebody should look at, those nearest to even first."""
        chance = self.frame["chance"]
        held = self.frame[
            (((chance >= BAND[0]) & (chance < BAND[1])) | chance.isna())
            & (self.frame["source"] != "judged")
        ]
        return held.loc[(held["chance"] - MATCH).abs().sort_values(kind="stable").index]

    def to_frame(self) -> pd.DataFrame:
        """One row a pair."""
        held = self.frame.assign(source=[tr(SOURCES[name]) for name in self.frame["source"]])
        return held[list(self.labels)]

    def page_frame(self) -> pd.DataFrame:
        """The pairs that somebody should look at; the surest where there are none."""
        held = self.to_frame()
        return held.loc[[*self.uncertain.index, *held.index.difference(self.uncertain.index)]].head(
            SHOWN
        )

    def findings(self) -> tuple[Finding, ...]:
        """How many are matched, and how many should be looked at."""
        count = len(self.sure)
        text = ntr(
            "{count} of their {theirs} items is surely one of our {ours} products.",
            "{count} of their {theirs} items are surely one of our {ours} products.", count,
            count=show(count, "count"), theirs=show(self.theirs, "count"),
            ours=show(self.ours, "count"),
        )  # fmt: skip
        told = [Finding(key="matching/matched", level="info", text=text,
                        evidence={"matched": count, "theirs": self.theirs})]  # fmt: skip
        look = self.uncertain
        if len(look):
            first = look.iloc[0]
            text = ntr(
                "{count} pair is unsure, such as “{ours}” and “{theirs}”.",
                "{count} pairs are unsure, such as “{ours}” and “{theirs}”.", len(look),
                count=show(len(look), "count"),
                ours=short_name(first["our_title"], first["our_id"]),
                theirs=short_name(first["their_title"], first["their_id"]),
            )  # fmt: skip
            action = Action(
                text=tr("write yes or no beside them in matches.csv"), owner=tr("merchandising")
            )
            told.append(Finding(key="matching/uncertain", level="watch", text=text, action=action,
                                evidence={"pairs": len(look)}))  # fmt: skip
        if self.frame["chance"].isna().any():
            text = tr(
                "The catalogues do not tell matches from look-alikes (too few items, or none in "
                "common), so no pair is taken for a match unless somebody says so."
            )
            told.append(Finding(key="matching/small", level="watch", text=text))
        return tuple(told)


def match_items(
    ours: pd.DataFrame,
    theirs: pd.DataFrame,
    *,
    labels: pd.DataFrame | None = None,
    judged: pd.DataFrame | None = None,
) -> ItemMatches:
    """Find which of others' items are our products.

    Candidates are the nearest by words, codes and runs of signs (tf-idf); what tells matches
    from look-alikes is learnt from the catalogues themselves, and the chance of a match from how
    runners-up score; with ``labels`` both are learnt from them. Each of our products is matched
    at most once a seller, each of their items once; listings of a seller that say the same are
    one item.

    Args:
        ours: Our products: ``item_id``, ``title``; where known ``brand``, ``model``,
            ``description``, ``price``, ``amount`` and ``unit`` (else read from the title).
        theirs: Their items, the same columns; ``seller`` where there are several.
        labels: Judged pairs to learn from: ``our_id``, ``their_id``, ``match`` (true or false).
        judged: Pairs that hold whatever is learnt, the same columns.

    Raises:
        ColumnError: A column is missing.
        ParameterError: An id appears twice, or labels are too few to learn from.
    """
    for name, table in (("ours", ours), ("theirs", theirs)):
        _check(table, name)
    for name, said in (("labels", labels), ("judged", judged)):
        if said is not None:
            require_columns(list(said.columns), ["our_id", "their_id", "match"], table=name)
    (ours_once, our_twins), (theirs_once, their_twins) = map(_without_twins, (ours, theirs))
    labels, judged = (
        None if said is None else _of_firsts(said, our_twins, their_twins)
        for said in (labels, judged)
    )
    pairs, facts = _candidates(ours_once, theirs_once, judged)
    row, right = pairs["row"].to_numpy(), pairs["right"].to_numpy()
    score, chance = _weigh(facts, row, right, pairs, labels)
    pairs["chance"], pairs["source"] = chance, "labels" if labels is not None else "alone"
    verdict = _said(pairs, judged)
    rank = np.where(verdict == 1, np.inf, score if labels is None else chance)
    best = mutual_best(rank, row, right, verdict != 0) | (verdict == 1)
    pairs.loc[verdict == 1, ["chance", "source"]] = 1.0, "judged"
    return ItemMatches(
        frame=_with_titles(pairs[best].merge(their_twins, on="their_id"), ours, theirs),
        candidates=pairs.merge(their_twins, on="their_id").assign(their_id=lambda t: t["twin"])[
            ["our_id", "their_id", "chance"]
        ],
        ours=len(ours),
        theirs=len(theirs),
    )


def _without_twins(table: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Items without those that say just what an earlier one of the seller says, and who is whose.

    Returns:
        The first of each, and ``their_id`` (the first's) with each ``twin`` of it, itself too.
    """
    import pandas as pd

    told = [c for c in ("seller", "title", "brand", "model", "description", "amount", "unit")
            if c in table]  # fmt: skip
    item = table["item_id"].astype(str)
    groups = table[told].astype(str).apply(lambda column: column.map(plain))
    first = item.groupby([groups[name] for name in told], sort=False).transform("first")
    return table[item == first].reset_index(drop=True), pd.DataFrame(
        {"their_id": first.to_numpy(), "twin": item.to_numpy()}
    )


def _of_firsts(said: pd.DataFrame, ours: pd.DataFrame, theirs: pd.DataFrame) -> pd.DataFrame:
    """Judged pairs, by the first of the items that say the same."""
    firsts = [dict(zip(side["twin"], side["their_id"], strict=True)) for side in (ours, theirs)]
    return said.assign(**{
        name: said[name].astype(str).map(lambda item, held=held: held.get(item, item))
        for name, held in zip(("our_id", "their_id"), firsts, strict=True)
    })  # fmt: skip


def _candidates(
    ours: pd.DataFrame, theirs: pd.DataFrame, judged: pd.DataFrame | None
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Pairs that resemble each other or were judged, and what speaks for them.

    Columns of the pairs: ids, seller, ``row`` (our item and the seller) and ``right``.
    """
    import pandas as pd

    sellers = theirs["seller"] if "seller" in theirs else pd.Series("", index=theirs.index)
    number, names = pd.factorize(sellers.fillna("").astype(str), sort=True)
    ids = [table["item_id"].astype(str) for table in (ours, theirs)]
    if ours.empty or theirs.empty:
        left = right = np.zeros(0, np.int64)
        facts = pd.DataFrame({"like": []}, dtype=float)
    else:
        texts = Texts.learn(ours, theirs)
        left, right = find_pairs(texts, number.astype(np.int64))
        left, right = _with_judged(left, right, ids, judged)
        facts = describe_pairs(texts, ours, theirs, left, right)
    pairs = pd.DataFrame({
        "our_id": ids[0].to_numpy()[left], "their_id": ids[1].to_numpy()[right],
        "seller": np.asarray(names, object)[number[right]],
        "row": left * (len(names) + 1) + number[right], "right": right,
    })  # fmt: skip
    return pairs, facts


def _with_judged(
    left: Places, right: Places, ids: list[pd.Series], judged: pd.DataFrame | None
) -> tuple[Places, Places]:
    """Candidates with the judged pairs whose items are still there."""
    if judged is None or judged.empty:
        return left, right
    places = [dict(zip(side, range(len(side)), strict=True)) for side in ids]
    told = [
        (places[0][a], places[1][b])
        for a, b in judged[["our_id", "their_id"]].itertuples(index=False)
        if a in places[0] and b in places[1]
    ]
    whole = {*zip(left.tolist(), right.tolist(), strict=True), *told}
    held = np.array(sorted(whole), np.int64).reshape(-1, 2)
    return held[:, 0], held[:, 1]


def _with_titles(pairs: pd.DataFrame, ours: pd.DataFrame, theirs: pd.DataFrame) -> pd.DataFrame:
    """Pairs, with each twin of their items, and the titles; the surest first."""
    titles = [
        dict(zip(table["item_id"].astype(str), table["title"], strict=True))
        for table in (ours, theirs)
    ]
    frame = pairs.assign(
        their_id=pairs["twin"], our_title=pairs["our_id"].map(titles[0]),
        their_title=pairs["twin"].map(titles[1]),
    )  # fmt: skip
    columns = ["our_id", "our_title", "seller", "their_id", "their_title", "chance", "source"]
    order = frame.sort_values(["chance", "our_id", "their_id"], ascending=[False, True, True])
    return order[columns].reset_index(drop=True)


def _check(table: pd.DataFrame, name: str) -> None:
    require_columns(list(table.columns), ["item_id", "title"], table=name)
    twice = table["item_id"][table["item_id"].astype(str).duplicated()]
    if len(twice):
        raise ParameterError(f"{name} has item_id {twice.iloc[0]!r} twice; give one row an item.")


def _weigh(
    facts: pd.DataFrame,
    row: Places,
    right: Places,
    pairs: pd.DataFrame,
    labels: pd.DataFrame | None,
) -> tuple[Floats, Floats]:
    """Score and chance of every pair."""
    if not len(row):
        return np.zeros(0), np.zeros(0)
    score = score_alone(facts, row, right)
    if score is None:
        score, chance = facts["like"].to_numpy(), np.full(len(row), np.nan)
    else:
        chance = weigh_alone(score, row, right)
    if labels is None:
        return score, chance
    said = _said(pairs, labels)
    known = np.flatnonzero(said >= 0)
    return score, weigh_judged(facts, score, row, right, known, said[known] == 1)


def _said(pairs: pd.DataFrame, judged: pd.DataFrame | None) -> Places:
    """What was judged of each pair: 1, 0, or −1 where nothing was."""
    said = np.full(len(pairs), -1, np.int64)
    if judged is None or judged.empty or pairs.empty:
        return said
    told = judged.drop_duplicates(["our_id", "their_id"], keep="last")
    held = pairs[["our_id", "their_id"]].merge(
        told.astype({"our_id": str, "their_id": str})[["our_id", "their_id", "match"]],
        on=["our_id", "their_id"], how="left",
    )  # fmt: skip
    known = held["match"].notna().to_numpy()
    said[known] = held["match"][known].astype(bool).astype(int)
    return said
