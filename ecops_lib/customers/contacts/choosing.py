"""Whom to contact, by which message: the customers for whom it is expected to pay."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ecops_lib.core.checks import as_day, require_between
from ecops_lib.core.hashing import hash_units
from ecops_lib.core.language import tr
from ecops_lib.customers.contacts.calibration import NOTHING, Gain
from ecops_lib.customers.contacts.candidates import Candidates, find_candidates
from ecops_lib.customers.contacts.contact_list import ContactList
from ecops_lib.customers.contacts.effects import ContactEffects
from ecops_lib.customers.contacts.judging import judge_contacts
from ecops_lib.customers.contacts.offers import Basis, learn_bases, make_offers
from ecops_lib.customers.contacts.ridge import CHUNK, Array
from ecops_lib.customers.contacts.rules import ContactRules, read_messages
from ecops_lib.data import frames
from ecops_lib.data.store import Store
from ecops_lib.metrics.bases import Source, Tables

if TYPE_CHECKING:
    import pandas as pd

USUAL = ContactRules()


def choose_contacts(
    source: Source,
    *,
    as_of: dt.date | str,
    message: str | Sequence[str] | Mapping[str, float] = "",
    margin: float = 1.0,
    cost: float | None = None,
    budget: float | None = None,
    fatigue_days: int = 14,
    hold_out: float = 0.1,
    rules: ContactRules = USUAL,
) -> ContactList:
    """Choose whom to contact, by which message, and draw who of them is held out.

    Where past mailings held customers out at random and a model of uplift learnt from them
    beats chance on customers whom it has not seen, a customer's expected profit is the
    uplift in buying × the mean net amount of a buyer × margin − cost. Where none does, it
    is the probability of buying × the worth of an order × margin − cost, which counts what
    the customer would have bought anyway; the result says so.

    Each customer gets the message of the highest profit, and only if it is above zero. A
    budget is filled greedily by profit per cost (Dantzig 1957, Operations Research 5,
    266-277): best for one message, and near it for several. A message that was never sent
    with a hold-out is judged by the mailings of all messages.

    Args:
        source: A store, or tables of any engine by canonical name.
        as_of: Last local day that counts.
        message: The messages to choose from, by their names in ``contacts``; a mapping also
            gives the cost of each. Empty for one message of no name.
        margin: Share of the net amount that is profit, before the cost of the message.
        cost: Cost of a message [store currency]; unless given, what it cost in the past.
        budget: Most that all messages may cost [store currency]; no limit unless given.
        fatigue_days: Days for which a customer who got a message is left in peace.
        hold_out: Share of the list that gets no message, drawn by the salted hash.
        rules: Further rules.

    Raises:
        MissingDataError: No known buyer has bought by then, or none early enough to tell
            who buys again.
        ParameterError: An argument has an impossible value.
    """
    day = as_day(as_of, name="as_of")
    require_between(margin, 0, 1, name="margin")
    require_between(hold_out, 0, 1, name="hold_out")
    require_between(fatigue_days, 0, 365, name="fatigue_days")
    if budget is not None:
        require_between(budget, 0, math.inf, name="budget")
    messages, salt = read_messages(message, cost), rules.secret(source)
    past = _judged(source, day, margin, rules)
    found = find_candidates(source, as_of=day, fatigue_days=fatigue_days, rules=rules)
    bases = learn_bases(source, messages, found=found, past=past, margin=margin, rules=rules)
    best = _Best(len(found.keys))
    for place, offer in make_offers(
        source, bases, found=found, day=day, margin=margin, rules=rules
    ):
        best.take(place, offer.profit, offer.chance, offer.score)
    send_on = rules.send_on or day + frames.DAY
    contact_id = rules.contact_id or f"list-{send_on}"
    draw = _Draw(salt=salt, contact_id=contact_id, hold_out=hold_out, budget=budget)
    drawn = draw.make(best, found.keys, np.array([basis.cost for basis in bases]))
    owners = source.settings.owners if isinstance(source, Store) else {}
    return ContactList(
        chosen=_frame(best, drawn, found, bases),
        bases=bases,
        gain=_gain(best, drawn, bases, past, margin),
        past=past,
        tiers=found.tiers,
        known=found.known,
        left=found.left,
        unprofitable=drawn.unprofitable,
        unaffordable=drawn.unaffordable,
        contact_id=contact_id,
        send_on=send_on,
        as_of=day,
        zone=Tables(source, time_zone=rules.time_zone).zone_name,
        window_days=rules.window_days,
        margin=margin,
        budget=budget,
        hold_out=hold_out,
        owner=owners.get("customers", tr("customer operations")),
    )


def _judged(
    source: Source, day: dt.date, margin: float, rules: ContactRules
) -> ContactEffects | None:
    """The past mailings as judged; None where there were none."""
    if not Tables(source, time_zone=rules.time_zone).has("contacts"):
        return None
    held = judge_contacts(
        source,
        as_of=day,
        window_days=rules.window_days,
        margin=margin,
        time_zone=rules.time_zone,
    )
    return held if len(held.frame) else None


class _Best:
    """The best message of each candidate so far."""

    def __init__(self, count: int) -> None:
        self.profit = np.full(count, -np.inf, dtype=np.float32)
        self.chance = np.zeros(count, dtype=np.float32)
        self.score = np.zeros(count)
        self.message = np.full(count, -1, dtype=np.int8)

    def take(self, place: int, profit: Array, chance: Array, score: Array) -> None:
        """Give a message to those whom it suits better than any before."""
        better = profit > self.profit
        self.profit[better] = profit[better]
        self.chance[better] = chance[better]
        self.score[better] = score[better]
        self.message[better] = place


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Drawn:
    """Who is on the list: their places among the candidates, the most worthwhile first."""

    rows: Array
    held: Array
    unprofitable: int
    unaffordable: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Draw:
    """How the list is cut and its hold-out drawn."""

    salt: str
    contact_id: str
    hold_out: float
    budget: float | None

    def make(self, best: _Best, keys: pd.Series, costs: Array) -> _Drawn:
        """The profitable candidates that the budget pays for, and who of them is held out."""
        rows = np.flatnonzero(best.profit > 0)
        cost = costs[best.message[rows]]
        profit = best.profit[rows].astype(float)
        rate = np.divide(profit, cost, out=np.full(len(rows), np.inf), where=cost > 0)
        order = np.lexsort((rows, -profit, -rate))
        rows, cost = rows[order], cost[order]
        held = self._place(keys.iloc[rows]) < self.hold_out
        paid = np.cumsum(np.where(held, 0.0, cost))
        within = np.ones(len(rows), bool) if self.budget is None else paid <= self.budget + 1e-9
        return _Drawn(
            rows=rows[within],
            held=held[within],
            unprofitable=len(best.profit) - len(rows),
            unaffordable=int((~within).sum()),
        )

    def _place(self, keys: pd.Series) -> Array:
        """Each customer's number from 0 to 1."""
        parts = [
            hash_units(
                keys.iloc[at : at + CHUNK].tolist(), experiment_id=self.contact_id, salt=self.salt
            )
            for at in range(0, len(keys), CHUNK)
        ]
        return np.concatenate(parts) if parts else np.zeros(0)


def _frame(best: _Best, drawn: _Drawn, found: Candidates, bases: Sequence[Basis]) -> pd.DataFrame:
    import pandas as pd

    rows, message = drawn.rows, best.message[drawn.rows]
    costs = np.array([basis.cost for basis in bases])
    return pd.DataFrame(
        {
            "buyer_key": found.keys.iloc[rows].reset_index(drop=True),
            "tier": found.features["tier"].iloc[rows].reset_index(drop=True),
            "message": pd.Categorical.from_codes(
                message, pd.Index([basis.message for basis in bases])
            ),
            "held_out": drawn.held,
            "cost": np.where(drawn.held, 0.0, costs[message]),
            "chance": best.chance[rows],
            "expected_profit": best.profit[rows],
        }
    )


def _gain(
    best: _Best,
    drawn: _Drawn,
    bases: Sequence[Basis],
    past: ContactEffects | None,
    margin: float,
) -> Gain | None:
    """What contacting the list is expected to add; None where that cannot be told."""
    sent = drawn.rows[~drawn.held]
    if not len(sent):
        return NOTHING
    total = NOTHING
    for place, basis in enumerate(bases):
        mine = sent[best.message[sent] == place]
        if not len(mine):
            continue
        if not basis.why and basis.fit is not None:
            added = basis.fit.steps.total(best.score[mine])
            total = total.plus(added.profit(margin=basis.worth * margin, cost=basis.cost))
        elif past is None or past.worth is None:
            return None
        else:
            n, each = len(mine), past.worth
            added = Gain(customers=n, value=n * each.value, error=n * each.error)
            total = total.plus(added.profit(margin=margin, cost=basis.cost))
    return total
