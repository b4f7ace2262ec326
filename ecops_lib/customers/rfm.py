"""Recency, frequency and monetary value of each customer, and scores from 1 to 5."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar, Literal

import narwhals as nw
import numpy as np

from ecops_lib.core.checks import require_choice
from ecops_lib.core.errors import MissingDataError, ParameterError
from ecops_lib.core.findings import Finding
from ecops_lib.core.formats import Unit, show
from ecops_lib.core.language import mark, ntr, tr
from ecops_lib.core.results import Result
from ecops_lib.customers.orders import Apart, OrdersView, nobody_words
from ecops_lib.customers.segments import Array
from ecops_lib.data import frames
from ecops_lib.metrics.bases import Source

if TYPE_CHECKING:
    import pandas as pd

Ties = Literal["together", "even"]
"""Equal customers get equal scores, or the five scores get equally many customers."""

FIFTHS = 5
MILS = 10_000
"""Parts of the currency's unit that the store keeps."""


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


@dataclass(frozen=True, slots=True, kw_only=True)
class People:
    """Customers as arrays, one entry each, in no order.

    Attributes:
        keys: Their keys.
        age: Days since the first purchase.
        recency: Days since the last purchase.
        orders: Orders that were not wholly refunded.
        mils: Net amount [1/10,000 of the store currency].
    """

    keys: pd.Series
    age: Array
    recency: Array
    orders: Array
    mils: Array

    def __len__(self) -> int:
        return len(self.age)


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
    people, apart, loose = _sum_people(view)
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
        prospects=_count_prospects(view, people.keys),
    )


def _count_prospects(view: OrdersView, keys: pd.Series) -> int | None:
    """Members on the list who have not bought, or have sent everything back."""
    if not view.tables.has("customers"):
        return None
    members = frames.bring(view.tables.lazy("customers").select("buyer_key"))["buyer_key"]
    return int((_places(members, keys) < 0).sum())


def to_mils(amounts: Array) -> Array:
    """Amounts as whole ten-thousandths, in which sums are exact."""
    held: Array = np.rint(amounts * MILS).astype(np.int64)
    return held


def _sum_people(view: OrdersView) -> tuple[People, Apart, tuple[int, float]]:
    """Each buyer's sums in one pass of the engine, the unknown buyers being one of them."""
    kept = nw.col("kept")
    day = frames.local_day("paid_at", view.first, view.as_of, view.tables.zone)
    rows = view.orders().with_columns(
        day=nw.when(kept).then(day), own=nw.when(kept).then(nw.col("net"))
    )
    sums = rows.group_by("buyer_key").agg(
        first_day=nw.col("day").min(),
        last_day=nw.col("day").max(),
        orders=nw.col("own").count(),
        told=nw.col("net").count(),
        all=nw.len(),
        amount=nw.col("own").sum(),
        net=nw.col("net").sum(),
    )
    held = frames.bring(sums)
    amount, net = (to_mils(held[name].fillna(0.0).to_numpy(float)) for name in ("amount", "net"))
    orders, told = (held[name].to_numpy(np.int64) for name in ("orders", "told"))
    known = held["buyer_key"].notna().to_numpy()
    buyers = known & (orders > 0)
    if not buyers.any():
        raise MissingDataError(nobody_words(view.as_of))
    apart = Apart(
        unknown_orders=int(orders[~known].sum()),
        unknown_amount=int(amount[~known].sum()) / MILS,
        refunded_orders=int((told - orders).sum()),
        refunded_amount=int((net - amount).sum()) / MILS,
        untold_orders=int(held["all"].to_numpy(np.int64).sum() - told.sum()),
        has_refunds=view.tables.has("refunds"),
    )
    keys = held["buyer_key"][buyers].reset_index(drop=True)
    back, loose = _loose_refunds(view, keys)
    today = np.datetime64(view.as_of)
    first, last = (held[n][buyers].to_numpy("datetime64[D]") for n in ("first_day", "last_day"))
    people = People(
        keys=keys,
        age=(today - first).astype(int),
        recency=(today - last).astype(int),
        orders=orders[buyers],
        mils=amount[buyers] - back,
    )
    return people, apart, loose


def _loose_refunds(view: OrdersView, keys: pd.Series) -> tuple[Array, tuple[int, float]]:
    """What each buyer got back without an order, and the refunds that belong to nobody."""
    zero = np.zeros(len(keys), dtype=np.int64)
    rows = view.loose()
    if rows is None:
        return zero, (0, 0.0)
    by = ["buyer_key", "placed"]
    held = frames.bring(rows.group_by(by).agg(amount=nw.col("amount").sum(), refunds=nw.len()))
    named = held.loc[held["placed"].astype(bool)]
    found = _places(keys, named["buyer_key"])
    mine = np.isin(np.arange(len(named)), found)
    nobody = [held.loc[~held["placed"].astype(bool)], named.loc[~mine]]
    loose = (
        sum(int(part["refunds"].sum()) for part in nobody),
        sum(float(part["amount"].sum()) for part in nobody),
    )
    back = np.append(to_mils(named["amount"].to_numpy(float)), 0)
    return back[found], loose


def _places(keys: pd.Series, known: pd.Series) -> Array:
    """The place of each key among the known ones; -1 for none."""
    import pyarrow as pa
    import pyarrow.compute as pc

    text = pa.large_string()
    values = pa.array(known, type=text, from_pandas=True)
    held = pc.index_in(pa.array(keys, type=text, from_pandas=True), value_set=values)
    places: Array = held.fill_null(-1).to_numpy(zero_copy_only=False)
    return places


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
