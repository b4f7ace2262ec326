"""ABC-XYZ: what brings the revenue, how evenly it is asked for, and how to manage it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np

from ecops_lib.core.charts import Chart, bar_chart
from ecops_lib.core.checks import require_between, require_choice
from ecops_lib.core.errors import ParameterError
from ecops_lib.core.findings import Action, Finding
from ecops_lib.core.formats import Unit, show
from ecops_lib.core.language import mark, ntr, tr
from ecops_lib.core.results import Result
from ecops_lib.metrics.bases import Source
from ecops_lib.supply.panel import Floats
from ecops_lib.supply.stock.view import StockView, view_stock

if TYPE_CHECKING:
    import pandas as pd

DAYS = 182
"""Days looked back: two quarters."""
WEEKS = 4
"""Whole weeks of demand from which evenness is told."""

Worth = Literal["revenue", "units"]
CELLS: Mapping[str, str] = {
    "AX": mark("never let it run out: reorder by formula, little safety stock, look every week"),
    "AY": mark("forecast it with the campaigns; safety stock from its spread; look every week"),
    "AZ": mark("decide each order yourself; ask for short lead times, or sell it ahead"),
    "BX": mark("let the reorder point work; look once a month"),
    "BY": mark("let the reorder point work, with more safety stock; look once a month"),
    "BZ": mark("order little and often; set its safety stock anew each month"),
    "CX": mark("order rarely and in large lots; no looking needed"),
    "CY": mark("keep little; order when it is nearly gone"),
    "CZ": mark("order only what is sold, or take it off sale"),
    "new": mark("on sale too briefly to be classed; watch its first weeks"),
    "unsold": mark("nothing sold in these days; see idle stock"),
}
HEADS: Mapping[str, str] = {"new": mark("New"), "unsold": mark("Not sold")}


@dataclass(frozen=True, kw_only=True, eq=False)
class StockClasses(Result):
    """SKUs by what they bring and how evenly they are asked for.

    Attributes:
        skus: One row a SKU: ``name``, ``revenue``, ``units``, ``share`` of all,
            ``variation`` (standard deviation of a week's demand over its mean), ``cell``
            and ``value`` of its stock at cost.
        by: What A, B and C are told by.
        start: First local day of the sales.
        as_of: Last one.
        evenness: Variations up to which a SKU is X, and Y.
        owner: Who sees to stock.
        notes: What the figures lack.
    """

    sheet: ClassVar[str] = mark("ABC-XYZ")
    units: ClassVar[Mapping[str, Unit]] = {
        "skus": "count",
        "revenue": "money",
        "share": "share",
        "value": "money",
        "value_share": "share",
    }
    labels: ClassVar[Mapping[str, str]] = {
        "cell": mark("Class"),
        "skus": mark("SKUs"),
        "revenue": mark("Revenue"),
        "share": mark("Share"),
        "value": mark("Stock at cost"),
        "value_share": mark("Share of stock"),
        "rule": mark("How to manage it"),
    }

    skus: pd.DataFrame
    by: Worth
    start: dt.date
    as_of: dt.date
    evenness: tuple[float, float]
    owner: str
    notes: tuple[Finding, ...] = ()

    def to_frame(self) -> pd.DataFrame:
        """One row a cell of the matrix, then what is not classed."""
        sums = self.skus.groupby("cell").agg(
            skus=("name", "size"),
            revenue=("revenue", "sum"),
            share=("share", "sum"),
            value=("value", "sum"),
        )
        held = sums.reindex([cell for cell in CELLS if cell in sums.index or len(cell) == 2])
        held = held.fillna(0.0).astype({"skus": int}).reset_index()
        total = held["value"].sum()
        held["value_share"] = held["value"] / total if total else np.nan
        held["rule"] = [tr(CELLS[cell]) for cell in held["cell"]]
        held["cell"] = [tr(HEADS[cell]) if cell in HEADS else cell for cell in held["cell"]]
        return held[[*self.labels]]

    def findings(self) -> tuple[Finding, ...]:
        """What the A goods are, whether money lies where the revenue comes from, and gaps."""
        found = [self._head(), self._tail(), self._unclassed()]
        return (*(finding for finding in found if finding), *self.notes)

    def _of(self, letter: str) -> pd.DataFrame:
        return self.skus[self.skus["cell"].str.startswith(letter)]

    def _head(self) -> Finding | None:
        best, value = self._of("A"), self.skus["value"].sum()
        if best.empty:
            return None
        numbers = {"skus": float(len(best)), "share": float(best["share"].sum())}
        given = {
            "count": show(len(best), "count"),
            "all": show(len(self.skus), "count"),
            "share": show(numbers["share"], "share"),
            "start": show(self.start, "day"),
            "end": show(self.as_of, "day"),
            "held": show(best["value"].sum() / value if value else None, "share"),
        }
        if self.by == "revenue":
            text = ntr(
                "{count} of {all} SKUs brings {share} of revenue from {start} to {end} and holds "
                "{held} of the stock at cost.",
                "{count} of {all} SKUs bring {share} of revenue from {start} to {end} and hold "
                "{held} of the stock at cost.",
                len(best),
                **given,
            )
        else:
            text = ntr(
                "{count} of {all} SKUs makes up {share} of units from {start} to {end} and holds "
                "{held} of the stock at cost.",
                "{count} of {all} SKUs make up {share} of units from {start} to {end} and hold "
                "{held} of the stock at cost.",
                len(best),
                **given,
            )
        return Finding(key="classes/a", level="info", text=text, evidence=numbers)

    def _tail(self) -> Finding | None:
        """Whether C goods hold more of the money than they bring."""
        rest, value = self._of("C"), self.skus["value"].sum()
        if rest.empty or not value:
            return None
        held, brought = float(rest["value"].sum() / value), float(rest["share"].sum())
        given = {
            "held": show(held, "share"),
            "money": show(rest["value"].sum(), "money"),
            "brought": show(brought, "share"),
        }
        numbers = {"held": held, "brought": brought}
        if held <= 2 * brought:
            text = tr(
                "Class C holds {held} of the stock at cost and brings {brought}: money lies "
                "about where sales are.",
                **given,
            )
            return Finding(key="classes/c", level="good", text=text, evidence=numbers)
        text = tr(
            "Class C holds {held} of the stock at cost, {money}, and brings only {brought}.",
            **given,
        )
        return Finding(
            key="classes/c",
            level="watch",
            text=text,
            evidence=numbers,
            money=float(rest["value"].sum()),
            action=Action(
                text=tr("order class C later and less; put the money into class A"),
                owner=self.owner,
            ),
        )

    def _unclassed(self) -> Finding | None:
        new = int((self.skus["cell"] == "new").sum())
        if not new:
            return None
        text = ntr(
            "{count} SKU has less than {weeks} whole weeks of demand and is not classed.",
            "{count} SKUs have less than {weeks} whole weeks of demand and are not classed.",
            new,
            count=show(new, "count"),
            weeks=show(WEEKS, "count"),
        )
        return Finding(key="classes/new", level="info", text=text, evidence={"skus": float(new)})

    def chart(self) -> Chart | None:
        """Money in stock by cell."""
        frame = self.to_frame().rename(columns={"cell": "name"})
        frame = frame[frame["value"] > 0]
        if frame.empty:
            return None
        return bar_chart(frame, caption=tr("Stock at cost by class"), unit="money", value="value")


def classify_stock(
    source: Source,
    *,
    as_of: dt.date | str,
    by: Worth = "revenue",
    days: int = DAYS,
    cuts: tuple[float, float] = (0.8, 0.95),
    evenness: tuple[float, float] = (0.5, 1.0),
    time_zone: str | None = None,
) -> StockClasses:
    """Class SKUs by what they bring (A, B, C) and how evenly they are asked for (X, Y, Z).

    A are the fewest SKUs that together bring 80 %, B those up to 95 %, C the rest. X, Y, Z go
    by the coefficient of variation of a week's demand over the whole weeks of its life, with
    what empty shelves hid counted in (``build_demand``); thresholds are conventions.

    Args:
        source: A store, or tables of any engine by canonical name.
        as_of: Last local day that counts.
        by: Tell A, B and C by ``revenue`` or ``units``.
        days: Days of sales looked back, at least 28.
        cuts: Shares at which A and B end.
        evenness: Coefficients of variation up to which a SKU is X, and Y.
        time_zone: IANA zone of the days; the store's by default.

    Raises:
        MissingDataError: There is no stock or no order line of that day or before.
        ParameterError: An argument has an impossible value.
    """
    require_choice(by, Worth, name="by")
    require_between(cuts[0], 0, 1, name="cuts", ends="open")
    require_between(cuts[1], cuts[0], 1, name="cuts")
    if not 0 <= evenness[0] <= evenness[1]:
        raise ParameterError(f"evenness is {evenness!r}; it must be two rising numbers from 0.")
    view = view_stock(source, as_of=as_of, days=days, time_zone=time_zone)
    held = _measured(view)
    worth = held[by].fillna(0.0).to_numpy(float)
    letters = rank_abc(worth, cuts=cuts)
    cell = np.char.add(letters, _evenness(held["variation"].to_numpy(float), evenness))
    young = held["variation"].isna().to_numpy() & (held["units"] > 0).to_numpy()
    cell = np.where(held["units"] <= 0, "unsold", np.where(young, "new", cell))
    total = worth.sum()
    return StockClasses(
        skus=held.assign(cell=cell, share=worth / total if total else 0.0),
        by=by,
        start=view.demand.start,
        as_of=view.as_of,
        evenness=evenness,
        owner=view.owner,
        notes=view.notes(),
    )


def _measured(view: StockView) -> pd.DataFrame:
    """Revenue, units and variation of each SKU."""
    skus = view.skus
    units = np.nansum(view.taken(view.demand.sold, skus), axis=1)
    weeks = view.demand.panel(frequency="week").values
    return skus[["name", "value"]].assign(
        units=units,
        revenue=units * view.skus["price"].where(units > 0, 0.0),
        variation=vary(view.taken(weeks, skus)) if weeks.shape[1] else np.nan,
    )


def rank_abc(worth: Floats, *, cuts: tuple[float, float]) -> np.ndarray:
    """A for the fewest that bring the first cut, B up to the second, else C.

    >>> rank_abc(np.array([5.0, 70.0, 20.0, 5.0]), cuts=(0.8, 0.95)).tolist()
    ['B', 'A', 'A', 'C']
    """
    order = np.argsort(-worth, kind="stable")
    total = worth.sum()
    before = np.concatenate([[0.0], np.cumsum(worth[order])[:-1]]) / (total or 1.0)
    letters = np.full(len(worth), "C")
    low, high = (cut - 1e-12 for cut in cuts)
    letters[order] = np.where(before < low, "A", np.where(before < high, "B", "C"))
    letters[worth <= 0] = "C"
    return letters


def vary(weeks: Floats) -> Floats:
    """Coefficient of variation (sample) of each row's known weeks; NaN for fewer than four.

    >>> vary(np.array([[2.0, 4.0, 2.0, 4.0], [0.0, 0.0, 0.0, 0.0]])).round(3).tolist()
    [0.385, nan]
    """
    known = ~np.isnan(weeks)
    count = known.sum(axis=1)
    mean = np.nansum(weeks, axis=1) / np.maximum(count, 1)
    square = np.where(known, (weeks - mean[:, None]) ** 2, 0.0).sum(axis=1)
    told = (count >= WEEKS) & (mean > 0)
    variation: Floats = np.where(
        told, np.sqrt(square / np.maximum(count - 1, 1)) / np.where(told, mean, 1.0), np.nan
    )
    return variation


def _evenness(variation: Floats, edges: tuple[float, float]) -> np.ndarray:
    return np.where(variation <= edges[0], "X", np.where(variation <= edges[1], "Y", "Z"))
