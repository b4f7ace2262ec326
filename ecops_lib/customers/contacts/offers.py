"""What each message is expected to bring from each candidate, and on what that rests."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from ecops_lib.core.errors import MissingDataError
from ecops_lib.customers.contacts.candidates import Candidates
from ecops_lib.customers.contacts.effects import ContactEffects
from ecops_lib.customers.contacts.features import FEATURES
from ecops_lib.customers.contacts.fitting import fit_uplift
from ecops_lib.customers.contacts.history import read_history
from ecops_lib.customers.contacts.response import learn_response, order_worth
from ecops_lib.customers.contacts.ridge import Array
from ecops_lib.customers.contacts.rules import ContactRules, Message
from ecops_lib.customers.contacts.uplift import Uplift
from ecops_lib.metrics.bases import Source

if TYPE_CHECKING:
    import pandas as pd

Reason = Literal["", "untried", "few", "random"]
"""Why a message is not judged by uplift: never sent with a hold-out, to too few, or the
ranking cannot be told apart from random."""


HALVINGS = 5
"""Halvings of the past customers, of which the median decides (Chernozhukov et al. 2018,
"Generic machine learning inference", section 3.4)."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Basis:
    """On what the expectations of one message rest.

    Attributes:
        message: Its name; empty for any.
        cost: What sending it once costs [store currency].
        priced: Whether that is known; else it counts as free.
        own: Whether its own mailings were learnt from, not those of all messages.
        fit: The model of uplift; None where there was nothing to learn from.
        worth: Mean net amount of a buyer in the windows learnt from [store currency].
        why: Why uplift does not decide; empty where it does.
    """

    message: str
    cost: float
    priced: bool
    own: bool
    fit: Uplift | None
    worth: float
    why: Reason


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Offer:
    """What one message is expected to bring from each candidate.

    Attributes:
        profit: Expected profit [store currency].
        chance: Uplift of the probability to buy; the probability itself without a model.
        score: The model's score; zeros without one.
    """

    profit: Array
    chance: Array
    score: Array


def learn_bases(
    source: Source,
    messages: Sequence[Message],
    *,
    found: Candidates,
    past: ContactEffects | None,
    margin: float,
    rules: ContactRules,
) -> tuple[Basis, ...]:
    """What past mailings teach of each message."""
    import pandas as pd

    lessons = (
        pd.DataFrame()
        if past is None
        else read_history(source, past=past, tiers=found.tiers, time_zone=rules.time_zone)
    )
    return tuple(_learn(message, lessons, past, margin) for message in messages)


def _learn(
    message: Message, lessons: pd.DataFrame, past: ContactEffects | None, margin: float
) -> Basis:
    price = _past_cost(message.name, past) if message.cost is None else message.cost
    own = bool(message.name and len(lessons) and (lessons["message"] == message.name).any())
    held = lessons[lessons["message"] == message.name] if own else lessons
    buyers = int(held["bought"].sum()) if len(held) else 0
    worth = float(held["net"].sum()) / buyers if buyers else 0.0
    cost, fit, why = price or 0.0, None, "untried" if held.empty else "few"
    try:
        if buyers:
            fit = _fit(held, worth=worth, margin=margin, cost=cost)
            why = "" if fit.beats_random else "random"
    except MissingDataError:
        fit = None
    return Basis(
        message=message.name,
        cost=cost,
        priced=price is not None,
        own=own,
        fit=fit,
        worth=worth,
        why=why,  # type: ignore[arg-type]
    )


def _fit(held: pd.DataFrame, *, worth: float, margin: float, cost: float) -> Uplift:
    """The fit that is the median, by how surely it beats chance, of several halvings.

    One halving is a lottery: where there is nothing to find, one in forty beats chance.
    """
    sides = held.groupby("contact_id")["contacted"].transform("mean")
    both = held[(sides > 0) & (sides < 1)]
    fits = [
        fit_uplift(
            both,
            outcome="bought",
            treated="contacted",
            features=FEATURES,
            margin=margin * max(worth, 0.0),
            cost=cost,
            unit="buyer_key",
            mailing="contact_id",
            rng=seed,
        )
        for seed in range(HALVINGS)
    ]
    return sorted(fits, key=lambda fit: (fit.qini.low, fit.qini.value))[HALVINGS // 2]


def _past_cost(name: str, past: ContactEffects | None) -> float | None:
    """Mean cost of a message in the past; of all messages where it was never sent."""
    if past is None:
        return None
    rows = past.frame[past.frame["contacted"] > past.frame["unpriced"]]
    mine = rows[rows["message"] == name] if name else rows
    used = mine if len(mine) else rows
    priced = float((used["contacted"] - used["unpriced"]).sum())
    return float(used["cost"].sum()) / priced if priced else None


def make_offers(
    source: Source,
    bases: Sequence[Basis],
    *,
    found: Candidates,
    day: dt.date,
    margin: float,
    rules: ContactRules,
) -> Iterator[tuple[int, Offer]]:
    """The offers worth comparing: those by uplift if any, else all by response.

    A probability to buy and an uplift of it do not compare: the first counts what the
    customer would have bought anyway.
    """
    told = [place for place, basis in enumerate(bases) if not basis.why]
    for place in told:
        yield place, _by_uplift(bases[place], found, margin)
    if told or not len(found.keys):
        return
    response = learn_response(
        source, as_of=day, window_days=rules.window_days, time_zone=rules.time_zone
    )
    features = found.features
    amount, orders = (features[name].to_numpy() for name in ("amount", "orders"))
    chance = response.rate(features["recency"].to_numpy(), orders)
    brought = chance * order_worth(amount, orders) * np.float32(margin)
    for place, basis in enumerate(bases):
        profit = brought - np.float32(basis.cost)
        yield place, Offer(profit=profit, chance=chance, score=np.zeros_like(chance))


def _by_uplift(basis: Basis, found: Candidates, margin: float) -> Offer:
    if basis.fit is None:
        raise MissingDataError(f"message {basis.message!r} has no model of uplift.")
    score = basis.fit.score(found.features)
    chance = basis.fit.calibration.uplift(score)
    profit = chance * (basis.worth * margin) - basis.cost
    return Offer(profit=profit.astype(np.float32), chance=chance.astype(np.float32), score=score)
