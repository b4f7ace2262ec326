"""Recency, frequency and monetary value of each customer, and scores from 1 to 5."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np

from ecops_lib.core.checks import require_choice
from ecops_lib.core.errors import ParameterError
from ecops_lib.core.findings import Finding
from ecops_lib.core.formats import Unit, show
from ecops_lib.core.language import mark, ntr, tr
from ecops_lib.core.results import Result
from ecops_lib.customers.orders import Apart, OrdersView
from ecops_lib.customers.people import MILS, People, count_prospects, sum_people, to_mils
from ecops_lib.customers.segments import Array
from ecops_lib.metrics.bases import Source

if TYPE_CHECKING:
    import pandas as pd

Ties = Literal["together", "even"]
"""Equal customers get equal scores, or the five scores get equally many customers."""

FIFTHS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Cuts:
    """Where one score ends and the next begins: four values of each measure.

    Attributes:
        recency: Most days since the last purchase for score 5, 4, 3 and 2.
        frequency: Most orders for score 1, 2, 3 and 4.
        monetary: Most net amount for score 1, 2, 3 and 4 [store currency].

    Raises:
        ParameterError: There are not four rising numbers.
    """

    recency: tuple[float, ...]
    frequency: tuple[float, ...]
    monetary: tuple[float, ...]

    def __post_init__(self) -> None:
        for name in ("recency", "frequency", "monetary"):
            given = np.asarray(getattr(self, name), dtype=float)
            if given.shape != (FIFTHS - 1,) or not (np.diff(given) > 0).all():
                raise ParameterError(
                    f"cuts.{name} is {getattr(self, name)!r}; give four rising numbers."
                )


@dataclass(frozen=True, kw_only=True, eq=False)
class Scores(Result):
    """Each customer's recency, frequency, monetary value and scores; 5 is best.

    Attributes:
        people: The customers.
        r: Score of recency.
        f: Score of frequency.
        m: Score of monetary value.
        as_of: Last local day that counts.
        since: Day of the first order that the source knows.
        ties: How equal customers were scored; ``own`` where cut points were given.
        apart: What belongs to no customer.
        loose_refunds: Refunds that name no order and belong to no customer.
        loose_amount: Their amount, in no figure here [store currency].
        prospects: Members who have not bought; None where no member list is held.
    """

    sheet: ClassVar[str] = mark("Scores")
    units: ClassVar[Mapping[str, Unit]] = {
        "score": "count",
        "recent": "count",
        "recent_from": "days",
        "recent_to": "days",
        "frequent": "count",
        "orders_from": "count",
        "orders_to": "count",
        "spending": "count",
        "amount_from": "money",
        "amount_to": "money",
    }
    labels: ClassVar[Mapping[str, str]] = {
        "score": mark("Score"),
        "recent": mark("R: customers"),
        "recent_from": mark("last purchase, from"),
        "recent_to": mark("last purchase, to"),
        "frequent": mark("F: customers"),
        "orders_from": mark("orders, from"),
        "orders_to": mark("orders, to"),
        "spending": mark("M: customers"),
        "amount_from": mark("net amount, from"),
        "amount_to": mark("net amount, to"),
    }

    people: People
    r: Array
    f: Array
    m: Array
    as_of: dt.date
    since: dt.date
    ties: Ties | Literal["own"]
    apart: Apart
    loose_refunds: int
    loose_amount: float
    prospects: int | None

    @cached_property
    def fields(self) -> Mapping[str, Array]:
        """What the rules of segments look at."""
        held = self.people
        return {
            "age": held.age,
            "recency": held.recency,
            "amount": held.mils / MILS,
            "r": self.r,
            "f": self.f,
            "m": self.m,
            "fm": (self.f + self.m) / 2,
        }

    @cached_property
    def total(self) -> int:
        """Net amount of customers, unknown buyers and refunded orders [1/10,000]."""
        apart = to_mils(np.array([self.apart.unknown_amount, self.apart.refunded_amount]))
        return int(self.people.mils.sum() + apart.sum())

    @property
    def mean_amount(self) -> float:
        """Mean net amount of a customer, rounded down to the cent [store currency]."""
        return int(self.people.mils.sum()) // len(self.people) // 100 / 100

    def customers(self) -> pd.DataFrame:
        """One row a customer, sorted by key: measures and scores."""
        import pandas as pd

        held = self.people
        frame = pd.DataFrame(
            {
                "buyer_key": held.keys,
                "age": held.age,
                "recency": held.recency,
                "orders": held.orders,
                "net_amount": held.mils / MILS,
                "r": self.r,
                "f": self.f,
                "m": self.m,
            }
        )
        return frame.sort_values("buyer_key", ignore_index=True)

    def to_frame(self) -> pd.DataFrame:
        """One row a score: how many customers have it, and from what to what."""
        import pandas as pd

        measures = {
            ("recent", "recent_from", "recent_to"): (self.r, self.people.recency),
            ("frequent", "orders_from", "orders_to"): (self.f, self.people.orders),
            ("spending", "amount_from", "amount_to"): (self.m, self.fields["amount"]),
        }
        rows = []
        for score in range(FIFTHS, 0, -1):
            row: dict[str, float] = {"score": score}
            for names, (scores, values) in measures.items():
                mine = values[scores == score]
                ends = (mine.min(), mine.max()) if len(mine) else (np.nan, np.nan)
                row.update(zip(names, (len(mine), *ends), strict=True))
            rows.append(row)
        return pd.DataFrame(rows, columns=list(self.labels))

    def findings(self) -> tuple[Finding, ...]:
        """How ties were scored, and what belongs to no customer."""
        told = Finding(key="rfm/ties", level="info", text=tr(TIES_WORDS[self.ties]))
        loose = [self._loose()] if self.loose_refunds else []
        return (told, *self.apart.findings(), *loose)

    def _loose(self) -> Finding:
        text = ntr(
            "{count} refund ({amount}) names neither an order nor a customer and is in no figure.",
            "{count} refunds ({amount}) name neither an order nor a customer and are in no figure.",
            self.loose_refunds,
            count=show(self.loose_refunds, "count"),
            amount=show(self.loose_amount, "money"),
        )
        numbers = {"refunds": float(self.loose_refunds), "amount": self.loose_amount}
        return Finding(key="rfm/loose", level="watch", text=text, evidence=numbers)


TIES_WORDS: Mapping[str, str] = {
    "together": mark(
        "Scores are fifths of the customers by rank; equal customers get equal scores, so the "
        "fifths may differ in size."
    ),
    "even": mark(
        "Scores are equal fifths of the customers by rank; where a fifth ends between equal "
        "customers, their keys decide."
    ),
    "own": mark("Scores follow the cut points given."),
}


def score_customers(
    source: Source,
    *,
    as_of: dt.date | str,
    cuts: Cuts | None = None,
    ties: Ties = "together",
    time_zone: str | None = None,
) -> Scores:
    """Score each known buyer by recency, frequency and net amount, up to a day.

    Frequency counts orders that were not wholly refunded. A score by rank is
    ⌈5 (rank − 1) / (n − 1)⌉, at least 1; where ``ties`` is ``together``, the rank of equal
    customers is their mean rank.

    Args:
        source: A store, or tables of any engine by canonical name.
        as_of: Last local day of payment that counts.
        cuts: The user's own cut points; by rank where there are none.
        ties: What to do with equal customers where scores go by rank.
        time_zone: IANA zone of the days; the store's by default.

    Raises:
        MissingDataError: No known buyer has bought by then.
        ParameterError: An argument has an impossible value.
    """
    require_choice(ties, Ties, name="ties")
    view = OrdersView(source, as_of=as_of, by=None, time_zone=time_zone)
    people, apart, loose = sum_people(view)
    amounts = (people.recency, people.orders, people.mils)
    if cuts is not None:
        ends = (cuts.recency, cuts.frequency, to_mils(np.asarray(cuts.monetary, dtype=float)))
        r, f, m = (score_by_cuts(v, np.asarray(c)) for v, c in zip(amounts, ends, strict=True))
    elif ties == "together":
        r, f, m = (score_by_cuts(v, rank_cuts(v)) for v in amounts)
    else:
        place = np.argsort(people.keys.to_numpy(), kind="stable")
        r, f, m = (_score_evenly(v, place) for v in amounts)
    return Scores(
        people=people,
        r=FIFTHS + 1 - r,
        f=f,
        m=m,
        as_of=view.as_of,
        since=view.first,
        ties=ties if cuts is None else "own",
        apart=apart,
        loose_refunds=loose[0],
        loose_amount=loose[1],
        prospects=count_prospects(view, people.keys),
    )


def rank_cuts(values: Array) -> Array:
    """The greatest value of the scores 1 to 4 by rank, equal values together.

    A score that no value has ends where the one below it does.

    >>> rank_cuts(np.array([1, 2, 3, 4, 5])), rank_cuts(np.array([7, 7, 7]))
    (array([1, 2, 3, 4]), array([6, 6, 7, 7]))
    """
    kinds, sizes = np.unique(values, return_counts=True)
    twice = 2 * np.cumsum(sizes) - sizes - 1  # twice the mean rank from 0
    score = _fifth(twice, 2 * (len(values) - 1))
    ends = np.searchsorted(score, np.arange(1, FIFTHS), side="right")
    held: Array = np.append(kinds[0] - 1, kinds)[ends]
    return held


def _fifth(rank: Array, last: int) -> Array:
    """Score of a rank from 0 to ``last``; a single customer is in the middle."""
    if last == 0:
        return np.full(len(rank), (FIFTHS + 1) // 2, dtype=np.int8)
    held: Array = np.maximum(1, -(-FIFTHS * rank // last)).astype(np.int8)
    return held


def score_by_cuts(values: Array, cuts: Array) -> Array:
    """Scores 1 to 5: one more for each cut point that a value exceeds."""
    held: Array = np.ones(len(values), dtype=np.int8)
    for cut in cuts:
        held += values > cut
    return held


def _score_evenly(values: Array, place: Array) -> Array:
    """Scores of equally many customers; ``place`` orders those who are equal."""
    order = place[np.argsort(values[place], kind="stable")]
    scores = np.empty(len(values), dtype=np.int8)
    scores[order] = _fifth(np.arange(len(values)), len(values) - 1)
    return scores
