"""What to answer a competitor's move: match, hold or set ours apart, and what each may bring."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ecops_lib.core.findings import Action, Finding
from ecops_lib.core.formats import Unit, is_missing, show
from ecops_lib.core.language import mark, tr
from ecops_lib.core.names import joined, short_name
from ecops_lib.core.results import Result
from ecops_lib.market.events import CutEffects
from ecops_lib.market.launches import Launches
from ecops_lib.market.matching import ItemMatches
from ecops_lib.market.prices import Basket, Elasticity
from ecops_lib.market.snapshots import Snapshots
from ecops_lib.market.trends.moves import RECENT, find_moves
from ecops_lib.metrics.bases import Source, Tables

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]
DRAWS = 4000
ENDS = (0.025, 0.975)
NORMAL = 1.959964
"""Standard deviations from the middle of a 95 % interval to its ends."""
SHOWN, TOLD = 12, 3
ANSWERS: Mapping[str, str] = {
    "match": mark("match the price"), "hold": mark("hold the price"),
    "differentiate": mark("set ours apart"),
}  # fmt: skip
WHY: Mapping[str, str] = {
    "cost": mark("no unit cost is recorded"),
    "sales": mark("we sold none in the four weeks before"),
    "effect": mark("what such moves do to our sales cannot be told"),
    "own": mark("what our own price does to our sales cannot be told"),
    "dearer": mark("theirs is not cheaper, or its size cannot be compared"),
    "untried": mark("only a test can tell"),
}


@dataclass(frozen=True, kw_only=True, eq=False)
class Responses(Result):
    """Moves of competitors with three answers each, those first that cost most if we hold.

    Attributes:
        frame: One row a move and answer: ``product_id``, ``product_name``, ``competitor``,
            ``kind`` (cut or launch), ``since``, ``depth`` (part that the cut took off),
            ``answer`` (match, hold or differentiate), ``money`` (margin of four weeks against that
            before the move, with its 95 % limits ``low`` and ``high``), ``spend`` (most that
            setting apart may cost a piece if it keeps the sales), ``why`` (key of the reason where
            money cannot be told), ``given`` (margin that a lower price gives away on pieces sold
            anyway), ``companion``, ``better`` (match or hold where one is surely better, else
            empty).
    """

    sheet: ClassVar[str] = mark("Answers to competitors' moves")
    labels: ClassVar[Mapping[str, str]] = {
        "product": mark("Product"),
        "move": mark("Move"),
        "answer_word": mark("Answer"),
        "money": mark("Margin of four weeks, against before"),
        "low": mark("95%, low"),
        "high": mark("95%, high"),
        "spend": mark("May cost a piece"),
        "risk": mark("Risk"),
    }
    units: ClassVar[Mapping[str, Unit]] = {
        "money": "money", "low": "money", "high": "money", "spend": "money",
    }  # fmt: skip

    frame: pd.DataFrame

    def to_frame(self) -> pd.DataFrame:
        """One row a move and answer."""
        rows = self.frame
        return rows.assign(
            product=[short_name(n, i) for n, i in zip(rows["product_name"], rows["product_id"],
                                                      strict=True)],
            move=[_move(row) for row in rows.to_dict("records")],
            answer_word=[tr(ANSWERS[answer]) for answer in rows["answer"]],
            risk=[_risk(row) for row in rows.to_dict("records")],
        )[list(self.labels)]  # fmt: skip

    def page_frame(self) -> pd.DataFrame:
        """The moves that cost most."""
        return self.to_frame().head(SHOWN)

    def findings(self) -> tuple[Finding, ...]:
        """What the dearest moves ask for."""
        if self.frame.empty:
            text = tr(
                "No competitor cut the price of a product that we sell too by a tenth or more in "
                "the last {days} days and holds it, and none launched one: there is nothing to "
                "answer.", days=show(RECENT, "count"),
            )  # fmt: skip
            return (Finding(key="responses/none", level="good", text=text),)
        holds = self.frame[self.frame["answer"] == "hold"].head(TOLD)
        return tuple(self._answer(row) for row in holds.to_dict("records"))

    def _answer(self, row: Mapping[Any, Any]) -> Finding:
        why = WHY.get(row["why"], "")
        named = {
            "product": short_name(row["product_name"], row["product_id"]), "move": _move(row),
            "low": show(row["low"], "money", sign=True),
            "high": show(row["high"], "money", sign=True),
        }  # fmt: skip
        if is_missing(row["money"]):
            text = tr("{product}: {move}. What it costs us cannot be told: {why}.", **named,
                      why=tr(why))  # fmt: skip
        else:
            text = tr("{product}: {move}. If we hold, four weeks' margin changes by {low} to "
                      "{high}.", **named)  # fmt: skip
        text = joined(text, self._better(row))
        known = not is_missing(row["money"]) and row["high"] < 0
        return Finding(
            key=f"responses/{row['product_id']}/{row['competitor']}", text=text,
            level="watch" if known else "info", money=-float(row["money"]) if known else None,
            evidence={n: float(row[n]) for n in ("money", "low", "high") if not is_missing(row[n])},
            action=Action(text=_todo(row), owner=tr("merchandising")),
        )  # fmt: skip

    def _better(self, row: Mapping[Any, Any]) -> str:
        """Which of matching and holding is better, with the figures of matching."""
        match = self.frame[
            (self.frame["product_id"] == row["product_id"]) & (self.frame["answer"] == "match")
            & (self.frame["competitor"] == row["competitor"]) & (self.frame["kind"] == row["kind"])
        ].iloc[0]  # fmt: skip
        words = {"low": show(match["low"], "money", sign=True),
                 "high": show(match["high"], "money", sign=True)}  # fmt: skip
        if is_missing(match["money"]):
            why = WHY[match["why"]]
            return tr("What matching would bring cannot be told: {why}.", why=tr(why))
        if row["better"] == "match":
            return tr("Matching is surely better: {low} to {high}.", **words)
        if row["better"] == "hold":
            return tr("Matching is surely worse: {low} to {high}.", **words)
        return tr("Matching would change it by {low} to {high}: which is better cannot be told.",
                  **words)  # fmt: skip


def _move(row: Mapping[Any, Any]) -> str:
    words = {"competitor": short_name(row["competitor"]), "day": show(row["since"], "day"),
             "depth": show(row["depth"], "share")}  # fmt: skip
    if row["kind"] == "cut":
        return tr("{competitor} {depth} cheaper since {day}", **words)
    return tr("{competitor} launched it on {day}", **words)


def _todo(row: Mapping[Any, Any]) -> str:
    """What follows: the surely better answer, else a way to set ours apart, as a test."""
    if row["better"] == "match":
        return tr("match the price, for as long as theirs lasts")
    if row["kind"] == "launch":
        return tr("hold the price, and answer with a variant of our own, as a test")
    if row["companion"]:
        return tr("hold the price, and try a bundle with “{product}”, as a test",
                  product=short_name(row["companion"]))  # fmt: skip
    return tr("hold the price, and try a service that they do not offer, as a test")


def _risk(row: Mapping[Any, Any]) -> str:
    """What may go wrong with an answer, with its figure; or why it has no money."""
    if row["answer"] == "match" and not is_missing(row["given"]):
        return tr(
            "{given} of margin is given away for sure on pieces sold anyway; they may cut again",
            given=show(row["given"], "money"),
        )  # fmt: skip
    if row["answer"] == "differentiate" and not is_missing(row["spend"]):
        return tr("untried: what it brings only a test can tell")
    if row["why"]:
        why = WHY[row["why"]]
        return tr("cannot be told: {why}", why=tr(why))
    return tr(
        "at worst {low}, and longer if the cut lasts", low=show(row["low"], "money", sign=True)
    )


def propose_responses(
    source: Source,
    snapshots: Snapshots,
    matches: ItemMatches,
    *,
    basket: Basket,
    launches: Launches,
    cuts: CutEffects | None = None,
    elasticity: Elasticity | None = None,
    seed: int = 0,
    time_zone: str | None = None,
) -> Responses:
    """Weigh three answers to each lasting cut and launch of a product that we sell too.

    Margin is our price less the unit cost, before fees and refunds, on the pieces of the four
    weeks before the move; a cut is taken to last as long. Holding loses what competitors' cuts do
    to our sales: as the study of cuts tells, or the elasticity with respect to the cheapest
    competitor's price, whichever has the narrower interval. Matching adds what our own price
    does. Both are drawn from their intervals (as normal in logarithms, and as independent);
    "surely better" is 95 % of the draws' difference on one side of zero. What setting apart
    brings nothing here can tell, so only the most that it may cost a piece is told, if it keeps
    the sales.

    Args:
        source: A store, or tables by canonical name; needs ``orders`` and ``order_items``;
            ``products`` tell costs.
        snapshots: The competitors' listings.
        matches: Which of their items are ours.
        basket: Both prices for the same amount.
        launches: What they brought out.
        cuts: What their cuts did to our sales; None where it could not be studied.
        elasticity: What prices do to our sales; None likewise.
        seed: Of the draws.
        time_zone: IANA zone of the days; the store's by default.

    Raises:
        MissingDataError: There are no orders.
    """
    import pandas as pd

    tables = Tables(source, time_zone=time_zone)
    tables.require("orders", "order_items")
    moves = find_moves(tables, snapshots, matches, basket, launches).frame
    noise = np.random.default_rng(seed).normal(size=(2, DRAWS))
    rows = [
        row for move in moves.to_dict("records") for row in _answers(move, cuts, elasticity, noise)
    ]
    columns = ["product_id", "product_name", "competitor", "kind", "since", "companion", "depth",
               "better", "stake", "answer", "money", "low", "high", "spend", "given",
               "why"]  # fmt: skip
    frame = pd.DataFrame(rows, columns=columns)
    order = frame.sort_values("stake", ascending=False, kind="stable", na_position="last")
    return Responses(frame=order.drop(columns="stake").reset_index(drop=True))


def _answers(
    move: Mapping[Any, Any], cuts: CutEffects | None, elasticity: Elasticity | None, noise: Floats
) -> list[dict[str, object]]:
    """The three answers to a move."""
    margin, units = move["price"] - move["cost"], move["units"]
    lost = _held(move, cuts, elasticity, noise[0])
    gained = _matched(move, elasticity, noise[1])
    why = "sales" if not units > 0 else "cost" if is_missing(margin) else ""
    hold, match = None, None
    if not why and lost is not None:
        hold = units * margin * (lost - 1)
        if gained is not None:
            match = units * (lost * gained * (move["now"] - move["cost"]) - margin)
    better = _surely(match - hold) if hold is not None and match is not None else ""
    held = {
        **{key: move[key] for key in ("product_id", "product_name", "competitor", "kind", "since",
                                      "companion")},
        "depth": 1 - move["part"], "better": better,
        "stake": -float(hold.mean()) if hold is not None else math.nan,
    }  # fmt: skip
    cheaper = _cheaper(move)
    no_match = why or ("" if cheaper else "dearer") or ("own" if gained is None else "effect")
    spend = max(-float(hold.mean()) / units, 0.0) if hold is not None else math.nan
    return [
        {**held, "answer": "hold", **_limits(hold), "spend": math.nan, "given": math.nan,
         "why": "" if hold is not None else why or "effect"},
        {**held, "answer": "match", **_limits(match), "spend": math.nan,
         "given": units * (move["price"] - move["now"]) * float(lost.mean())
         if match is not None and lost is not None else math.nan,
         "why": "" if match is not None else no_match},
        {**held, "answer": "differentiate", **_limits(None), "spend": spend, "given": math.nan,
         "why": "untried" if hold is not None else why or "effect"},
    ]  # fmt: skip


def _cheaper(move: Mapping[Any, Any]) -> bool:
    """Whether their price, for as much as ours holds, is below ours."""
    return not is_missing(move["now"]) and bool(move["now"] < move["price"])


def _held(
    move: Mapping[Any, Any], cuts: CutEffects | None, elasticity: Elasticity | None, noise: Floats
) -> Floats | None:
    """Our units after the move as a multiple of those before, drawn; None where it cannot be told.

    Cuts alone can be told; of the two studies the one with the narrower interval counts.
    """
    if move["kind"] != "cut":
        return None
    found: list[tuple[float, float]] = []
    if cuts is not None and not cuts.untold and min(1 + cuts.low, 1 + cuts.effect) > 0:
        ends = math.log1p(cuts.low), math.log1p(cuts.high)
        found.append(((ends[1] - ends[0]) / 2 / NORMAL, math.log1p(cuts.effect)))
    rival = _slope(elasticity, "rival")
    step = math.log(move["cheapest_now"] / move["cheapest_was"])
    if rival is not None and math.isfinite(step) and step < 0:
        found.append((abs(step) * rival[1], step * rival[0]))
    if not found:
        return None
    error, middle = min(found)
    drawn: Floats = np.exp(middle + error * noise)
    return drawn


def _matched(
    move: Mapping[Any, Any], elasticity: Elasticity | None, noise: Floats
) -> Floats | None:
    """What our units are multiplied with at their price, drawn; None where it cannot be told."""
    own = _slope(elasticity, "own")
    if own is None or not _cheaper(move):
        return None
    step = math.log(move["now"] / move["price"])
    drawn: Floats = np.exp(step * (own[0] + own[1] * noise))
    return drawn


def _slope(elasticity: Elasticity | None, price: str) -> tuple[float, float] | None:
    """An elasticity and its standard error; None where it is not told."""
    if elasticity is None:
        return None
    rows = elasticity.frame[(elasticity.frame["price"] == price) & elasticity.frame["told"]]
    if rows.empty:
        return None
    row = rows.iloc[0]
    return float(row["estimate"]), float(row["high"] - row["low"]) / 2 / NORMAL


def _limits(drawn: Floats | None) -> dict[str, float]:
    if drawn is None:
        return {"money": math.nan, "low": math.nan, "high": math.nan}
    low, high = np.quantile(drawn, ENDS)
    return {"money": float(drawn.mean()), "low": float(low), "high": float(high)}


def _surely(difference: Floats) -> str:
    """Which answer is better where 95 % of the draws of match less hold lie on one side."""
    low, high = np.quantile(difference, ENDS)
    return "match" if low > 0 else "hold" if high < 0 else ""
