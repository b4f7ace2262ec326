"""Old customers who bring new ones: how many, who, at what cost, and are they as good?"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from math import isnan, nan
from typing import TYPE_CHECKING, ClassVar

import narwhals as nw

from ecops_lib.core.charts import Chart, bar_chart
from ecops_lib.core.checks import require_between
from ecops_lib.core.errors import MissingDataError
from ecops_lib.core.findings import Finding
from ecops_lib.core.formats import Unit, show
from ecops_lib.core.language import mark, ntr, tr
from ecops_lib.core.names import joined
from ecops_lib.core.results import Result
from ecops_lib.customers.firsts import LEAST, day_number
from ecops_lib.customers.membership.newcomers import Newcomers, compare_newcomers
from ecops_lib.customers.membership.pairs import (
    FAULTS,
    GOOD,
    WAITING,
    count_generations,
    follow_firsts,
    judge_pairs,
    read_pairs,
)
from ecops_lib.customers.membership.referrers import Referrers
from ecops_lib.customers.orders import EXACT, Frame, OrdersView
from ecops_lib.customers.shares import share_between
from ecops_lib.data import frames
from ecops_lib.metrics.bases import Source

if TYPE_CHECKING:
    import pandas as pd

MOST = 12
"""Periods shown at the most."""
COST = "referral"
"""Kind of cost, in the table of costs, of what referring customers are given."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Referrals(Result):
    """New customers brought by old ones, period by period.

    Attributes:
        frame: One row a period, the latest first: ``start``, ``end``, ``newcomers`` (who
            bought for the first time), those ``referred``, ``active`` customers (buyers of
            the period before; NaN where the history begins later), ``cost`` of referrals
            [store currency; NaN if untold].
        generations: Customers brought, by generation from 1.
        faults: Pairs that cannot be true, by kind; they are in no other figure.
        waiting: Customers referred who have not bought yet.
        newcomers: Customers referred against other new ones at equal age.
        referrers: Who brought most.
        days: Length of a period [days].
    """

    sheet: ClassVar[str] = mark("Referrals")
    units: ClassVar[Mapping[str, Unit]] = {
        "start": "day",
        "end": "day",
        "newcomers": "count",
        "referred": "count",
        "share": "share",
        "active": "count",
        "coefficient": "share",
        "cost": "money",
        "cost_each": "money",
    }
    labels: ClassVar[Mapping[str, str]] = {
        "start": mark("First day"),
        "end": mark("Last day"),
        "newcomers": mark("New customers"),
        "referred": mark("Brought by customers"),
        "share": mark("Share of new customers"),
        "active": mark("Buyers of the period before"),
        "coefficient": mark("Brought per such buyer"),
        "cost": mark("Cost of referrals"),
        "cost_each": mark("Cost a customer brought"),
    }

    frame: pd.DataFrame
    generations: Mapping[int, int]
    faults: Mapping[str, int]
    waiting: int
    newcomers: Newcomers
    referrers: Referrers
    days: int

    def to_frame(self) -> pd.DataFrame:
        """One row a period, the latest first."""
        held = self.frame
        told = held.assign(
            share=held["referred"] / held["newcomers"].where(held["newcomers"] > 0),
            coefficient=held["referred"] / held["active"].where(held["active"] > 0),
            cost_each=held["cost"] / held["referred"].where(held["referred"] > 0),
        )
        return told[list(self.labels)]

    def findings(self) -> tuple[Finding, ...]:
        """The coefficient, its cost, who brought whom, and the pairs that cannot be true."""
        return (
            self._brought(),
            *self._cost(),
            *self._generations(),
            *self.newcomers.findings(),
            *self.referrers.findings(),
            *self._waiting(),
            *fault_findings(self.faults),
        )

    def _brought(self) -> Finding:
        row = self.to_frame().iloc[0]
        given = {
            "start": show(row["start"], "day"),
            "end": show(row["end"], "day"),
            "referred": show(row["referred"], "count"),
            "newcomers": show(row["newcomers"], "count"),
            "share": show(row["share"], "share"),
            "active": show(row["active"], "count"),
            "coefficient": show(row["coefficient"], "share"),
        }
        if not row["newcomers"]:
            text = tr("From {start} to {end} no known customer bought for the first time.", **given)
        else:
            text = tr(
                "From {start} to {end} {referred} of {newcomers} new customers ({share}) were "
                "brought by customers.",
                **given,
            )
        if row["active"] > 0:
            more = tr(
                "The referral coefficient is {coefficient}: so many for each of the {active} "
                "customers who bought in the period before.",
                **given,
            )
        else:
            more = tr("The referral coefficient cannot be told: no buyers of the period before.")
        sign, change = self._change()
        numbers = {n: float(row[n]) for n in ("referred", "newcomers", "active", "coefficient")}
        return Finding(
            key="referrals/brought",
            level="good" if sign > 0 else "watch" if sign < 0 else "info",
            text=joined(joined(text, more), change) if change else joined(text, more),
            evidence=numbers,
        )

    def _change(self) -> tuple[int, str]:
        """Which way the share of new customers brought by customers went, and in words."""
        held = self.to_frame()
        if len(held) < 2 or held["newcomers"][:2].min() < LEAST:
            return 0, ""
        (a, b), (n, m) = held["referred"][:2], held["newcomers"][:2]
        between = share_between((a, b), (n, m))
        given = {
            "share": show(b / m, "share"),
            "low": show(between.low, "points", sign=True),
            "high": show(between.high, "points", sign=True),
        }
        if between.sign > 0:
            words = tr("Their share rose from {share} (by {low} to {high}).", **given)
        elif between.sign < 0:
            words = tr("Their share fell from {share} (by {low} to {high}).", **given)
        else:
            words = tr("It was {share} before, no difference beyond chance.", **given)
        return between.sign, words

    def _cost(self) -> tuple[Finding, ...]:
        row = self.to_frame().iloc[0]
        if not row["referred"]:
            return ()
        key = "referrals/cost"
        if isnan(row["cost"]):
            text = tr(
                "What a customer brought costs cannot be told; give cost_per_referral, or import "
                "costs of the kind 'referral'."
            )
            return (Finding(key=key, level="info", text=text),)
        text = tr(
            "Each customer brought cost {each}, {cost} in all.",
            each=show(row["cost_each"], "money"),
            cost=show(row["cost"], "money"),
        )
        numbers = {"cost": float(row["cost"]), "each": float(row["cost_each"])}
        return (Finding(key=key, level="info", text=text, evidence=numbers),)

    def _generations(self) -> tuple[Finding, ...]:
        if not self.generations:
            return ()
        whole, deep = sum(self.generations.values()), max(self.generations)
        chain = whole - self.generations[1]
        text = ntr(
            "Of {whole} customers brought so far {chain} were brought by somebody who was brought "
            "as well; the longest chain has {deep} generation.",
            "Of {whole} customers brought so far {chain} were brought by somebody who was brought "
            "as well; the longest chain has {deep} generations.",
            deep,
            whole=show(whole, "count"),
            chain=show(chain, "count"),
            deep=show(deep, "count"),
        )
        numbers = {f"generation {g}": float(n) for g, n in self.generations.items()}
        return (Finding(key="referrals/generations", level="info", text=text, evidence=numbers),)

    def _waiting(self) -> tuple[Finding, ...]:
        if not self.waiting:
            return ()
        text = ntr(
            "{count} customer referred has not bought yet and is no new customer.",
            "{count} customers referred have not bought yet and are no new customers.",
            self.waiting,
            count=show(self.waiting, "count"),
        )
        numbers = {"customers": float(self.waiting)}
        return (Finding(key="referrals/waiting", level="info", text=text, evidence=numbers),)

    def chart(self) -> Chart | None:
        """New customers brought by customers, by period."""
        held = self.to_frame().iloc[::-1]
        if not (held["referred"] > 0).any():
            return None
        rows = held.assign(name=[show(day, "day") for day in held["start"]], value=held["referred"])
        return bar_chart(rows, caption=tr("New customers brought by customers, by period from"),
                         unit="count")  # fmt: skip


def fault_findings(faults: Mapping[str, int]) -> tuple[Finding, ...]:
    """Pairs that cannot be true, each kind in a sentence."""
    texts = {
        "self": ntr(
            "{count} customer is said to have brought themselves; this is not counted.",
            "{count} customers are said to have brought themselves; this is not counted.",
            faults["self"],
            count=show(faults["self"], "count"),
        ),
        "unknown": ntr(
            "{count} customer is said to be brought by somebody who is neither on the member list "
            "nor has bought; this is not counted.",
            "{count} customers are said to be brought by somebody who is neither on the member "
            "list nor has bought; this is not counted.",
            faults["unknown"],
            count=show(faults["unknown"], "count"),
        ),
        "loop": ntr(
            "{count} customer is said to have brought, directly or over others, the one who "
            "brought them; this is not counted.",
            "{count} customers are said to have brought, directly or over others, the ones who "
            "brought them; this is not counted.",
            faults["loop"],
            count=show(faults["loop"], "count"),
        ),
        "late": ntr(
            "{count} customer bought before the one who is said to have brought them did, if ever; "
            "this is not counted.",
            "{count} customers bought before the ones who are said to have brought them did, if "
            "ever; this is not counted.",
            faults["late"],
            count=show(faults["late"], "count"),
        ),
    }
    return tuple(
        Finding(key=f"referrals/{kind}", level="watch", text=text,
                evidence={"customers": float(faults[kind])})
        for kind, text in texts.items()
        if faults[kind]
    )  # fmt: skip


def review_referrals(
    source: Source,
    *,
    as_of: dt.date | str,
    days: int = 30,
    age: int = 90,
    cost_per_referral: float | None = None,
    time_zone: str | None = None,
) -> Referrals:
    """Say how many new customers old ones brought, at what cost, and how these buy.

    A customer counts as brought in the period of the first purchase, if the referrer is
    known and had bought by that day. The referral coefficient of a period is the number of
    customers brought in it for each buyer of the period before.

    Args:
        source: A store, or tables of any engine by canonical name.
        as_of: Last local day that counts.
        days: Length of a period [days].
        age: Days after the first purchase in which a second one counts [days].
        cost_per_referral: What a customer brought costs [store currency]; by default the
            costs of the kind ``referral``, and where there are none nothing is told.
        time_zone: IANA zone of the days; the store's by default.

    Raises:
        MissingDataError: There is no member list, it names no referrer, or nothing was paid.
        ParameterError: An argument has an impossible value.
    """
    require_between(days, 1, 3_650, name="days")
    require_between(age, 1, 3_650, name="age")
    if cost_per_referral is not None:
        require_between(cost_per_referral, 0, 1e9, name="cost_per_referral")
    view = OrdersView(source, as_of=as_of, by=None, time_zone=time_zone)
    view.tables.require("customers")
    firsts = follow_firsts(view)
    pairs = read_pairs(view, firsts)
    if pairs.empty:
        raise MissingDataError(
            tr("The member list names no referrer; import it with the column referred_by.")
        )
    kinds = judge_pairs(pairs)
    good = pairs[kinds == GOOD].astype({"first": int})
    counts = kinds.value_counts()
    return Referrals(
        frame=sum_periods(view, firsts, good, days=days, each=cost_per_referral),
        generations=count_generations(good),
        faults={kind: int(counts.get(kind, 0)) for kind in FAULTS},
        waiting=int(counts.get(WAITING, 0)),
        newcomers=compare_newcomers(view, firsts, pairs, kinds == GOOD, age=age),
        referrers=Referrers(pairs=good),
        days=days,
    )


def sum_periods(
    view: OrdersView, firsts: Frame, good: pd.DataFrame, *, days: int, each: float | None
) -> pd.DataFrame:
    """New, referred and active customers of each period that the orders cover."""
    import pandas as pd

    end = view.as_of.toordinal()
    known = (view.as_of - view.first).days + 1
    whole = max(1, min(MOST, known // days))
    period = (nw.lit(end) - nw.col("first")) // days
    starts = firsts.with_columns(period=period).group_by("period").agg(n=nw.len())
    new = frames.bring(starts).set_index("period")["n"]
    brought = ((end - good["first"]) // days).value_counts()
    active, cost = count_active(view, days), sum_costs(view, days)
    rows = []
    for place in range(whole):
        last = view.as_of - dt.timedelta(days=place * days)
        told = known >= (place + 2) * days
        referred = int(brought.get(place, 0))
        rows.append(
            {
                "start": last - dt.timedelta(days=days - 1),
                "end": last,
                "newcomers": int(new.get(place, 0)),
                "referred": referred,
                "active": float(active.get(place + 1, 0)) if told else nan,
                "cost": float(cost.get(place, nan)) if each is None else each * referred,
            }
        )
    return pd.DataFrame(rows)


def count_active(view: OrdersView, days: int) -> pd.Series:
    """Known buyers of each period, 0 being the one that ends with ``as_of``."""
    ago = nw.lit(view.as_of.toordinal()) - day_number("day")
    rows = view.days().filter(nw.col("orders") > 0).with_columns(period=ago // days)
    buyers = rows.group_by("period", "buyer_key").agg(days=nw.len())
    held = frames.bring(buyers.group_by("period").agg(n=nw.len()))
    counted: pd.Series = held.set_index("period")["n"]
    return counted


def sum_costs(view: OrdersView, days: int) -> pd.Series:
    """Costs of the kind ``referral`` of the periods that have any [store currency]."""
    import pandas as pd

    if not view.tables.has("costs"):
        return pd.Series(dtype=float)
    ago = nw.lit(view.as_of.toordinal()) - day_number("day")
    rows = view.tables.lazy("costs").filter(nw.col("kind") == COST).with_columns(ago=ago)
    rows = rows.filter(nw.col("ago") >= 0).with_columns(
        period=nw.col("ago") // days, cost=nw.col("amount").cast(EXACT)
    )
    held = frames.bring(rows.group_by("period").agg(cost=nw.col("cost").sum()))
    summed: pd.Series = held.set_index("period")["cost"]
    return summed
