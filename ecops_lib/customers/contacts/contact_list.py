"""A list of customers to contact: tables and sentences."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

from ecops_lib.core.findings import Action, Finding, Level
from ecops_lib.core.formats import Unit, show
from ecops_lib.core.language import mark, tr
from ecops_lib.core.names import short_name
from ecops_lib.core.results import Result
from ecops_lib.customers.contacts.calibration import Gain
from ecops_lib.customers.contacts.candidates import OFTEN, RESTING, WAITING
from ecops_lib.customers.contacts.effects import ContactEffects
from ecops_lib.customers.contacts.offers import Basis, Reason
from ecops_lib.customers.curves import NORMAL
from ecops_lib.customers.segments import Segmentation

if TYPE_CHECKING:
    import pandas as pd

POWER = 0.8416212335729143
"""80 % quantile of the normal distribution."""
FEWEST = 2
"""Customers whom each side needs for a difference to be told at all."""

REASONS: Mapping[Reason, str] = {
    "untried": mark(
        "No past mailing of {message} held anybody out at random, so whom the message moves "
        "cannot be told: customers are chosen by their probability to buy × the worth of an "
        "order, which counts what they would have bought anyway."
    ),
    "few": mark(
        "Past mailings of {message} held out too few, or too few bought, to tell whom the "
        "message moves: customers are chosen by their probability to buy × the worth of an "
        "order, which counts what they would have bought anyway."
    ),
    "random": mark(
        "On past mailings of {message} the ranking by uplift cannot be told apart from random: "
        "customers are chosen by their probability to buy × the worth of an order, which counts "
        "what they would have bought anyway."
    ),
}


@dataclass(frozen=True, kw_only=True, eq=False)
class ContactList(Result):
    """Whom to contact, by which message, for what expected profit, and who is held out.

    Attributes:
        chosen: One row a customer of the list, the most worthwhile first: ``buyer_key``,
            ``tier``, ``message``, ``held_out``, ``cost`` (0 for the held-out), ``chance``
            (uplift of the probability to buy, or the probability itself) and
            ``expected_profit`` of a contact [store currency].
        bases: On what the expectations of each message rest.
        gain: What contacting the list is expected to add, after the cost, with its
            interval; None where that cannot be told.
        past: The past mailings as judged; None where there were none.
        tiers: The rules of the tiers.
        known: All known customers.
        left: Customers left in peace, by reason (``candidates``).
        unprofitable: Candidates for whom no message is expected to pay.
        unaffordable: Profitable ones whom the budget does not pay for.
        contact_id: Name of the mailing.
        send_on: Day of the sending.
        as_of: Last local day that counts.
        zone: IANA zone of the days.
        window_days: Days from the sending in which orders count.
        margin: Share of the net amount that is profit.
        budget: Most that all messages may cost; None for no limit.
        hold_out: Share that was to be held out.
        owner: Who sees to it.
    """

    sheet: ClassVar[str] = mark("Contact list")
    units: ClassVar[Mapping[str, Unit]] = {
        "customers": "count",
        "contacted": "count",
        "held_out": "count",
        "cost": "money",
        "chance": "share",
        "profit": "money",
    }
    labels: ClassVar[Mapping[str, str]] = {
        "message": mark("Message"),
        "tier": mark("Tier"),
        "customers": mark("Customers"),
        "contacted": mark("To contact"),
        "held_out": mark("Held out"),
        "cost": mark("Cost"),
        "chance": mark("Uplift of the share of buyers"),
        "profit": mark("Sum of the contacts' expected profits"),
    }

    chosen: pd.DataFrame
    bases: tuple[Basis, ...]
    gain: Gain | None
    past: ContactEffects | None
    tiers: Segmentation
    known: int
    left: Mapping[int, int]
    unprofitable: int
    unaffordable: int
    contact_id: str
    send_on: dt.date
    as_of: dt.date
    zone: str
    window_days: int
    margin: float
    budget: float | None
    hold_out: float
    owner: str

    @cached_property
    def held(self) -> int:
        """Customers held out."""
        return int(self.chosen["held_out"].sum())

    @property
    def contacts(self) -> int:
        """Customers to contact."""
        return len(self.chosen) - self.held

    @property
    def cost(self) -> float:
        """What all messages cost [store currency]."""
        return float(self.chosen["cost"].sum())

    @property
    def by_uplift(self) -> bool:
        """Whether uplift decides, and not the probability to buy."""
        return any(not basis.why for basis in self.bases)

    @property
    def base_rate(self) -> float:
        """Share that buys without a message, as far as known; NaN where it is not."""
        past = self.past.frame if self.past is not None else None
        if past is not None and past["share_held"].notna().any():
            told = past[past["share_held"].notna()]
            bought = (told["share_held"].astype(float) * told["held_out"]).sum()
            return float(bought / told["held_out"].sum())
        return math.nan if self.by_uplift else float(self.chosen["chance"].mean())

    @property
    def smallest_effect(self) -> float:
        """Difference of the shares of buyers shown with 80 % power at 5 %; NaN where unknown."""
        rate = self.base_rate
        if min(self.held, self.contacts) < FEWEST or not 0 < rate < 1:
            return math.nan
        spread = rate * (1 - rate) * (1 / self.held + 1 / self.contacts)
        return (NORMAL + POWER) * math.sqrt(spread)

    def headings(self) -> dict[str, str]:
        """Headings that say whether figures count what would have been bought anyway."""
        held = super().headings()
        if self.by_uplift:
            return held
        chance, profit = tr("Probability to buy"), tr("Worth of their orders, bought anyway or not")
        return {**held, "chance": chance, "profit": profit}

    def table_units(self) -> Mapping[str, Unit]:
        """An uplift is in points, a probability is a share."""
        return {**self.units, "chance": "points"} if self.by_uplift else self.units

    def to_frame(self) -> pd.DataFrame:
        """One row a message and tier."""
        import pandas as pd

        held = self.chosen
        sent = ~held["held_out"]
        rows = held.assign(
            contacted=sent, profit=held["expected_profit"].astype(float).where(sent, 0.0)
        )
        sums = rows.groupby(["message", "tier"], observed=True, as_index=False).agg(
            customers=("buyer_key", "size"),
            contacted=("contacted", "sum"),
            held_out=("held_out", "sum"),
            cost=("cost", "sum"),
            chance=("chance", "mean"),
            profit=("profit", "sum"),
        )
        names = {rule.key: tr(rule.label) for rule in self.tiers.rules}
        tier = [names[key] for key in sums["tier"].astype(str)]
        message = [short_name(name, tr("any message")) for name in sums["message"].astype(str)]
        return pd.DataFrame(sums.assign(tier=tier, message=message))[[*self.labels]]

    def findings(self) -> tuple[Finding, ...]:
        """What the list brings, on what that rests, and who is not on it."""
        found = [self._head(), *map(self._basis, self.bases), self._control()]
        found += [self._same(), self._resting(), self._limits(), self._costs(), self._margin()]
        return tuple(finding for finding in found if finding)

    def _head(self) -> Finding:
        gain = self.gain
        values = {
            "count": show(self.contacts, "count"),
            "known": show(self.known, "count"),
            "day": show(self.send_on, "day"),
            "cost": show(self.cost, "money"),
            "days": show(self.window_days, "days"),
        }
        action = Action(
            text=tr("Send the list of {day} ({count} customers).", **values), owner=self.owner
        )
        if not self.contacts:
            text = tr("None of {known} known customers is to be contacted on {day}.", **values)
            return Finding(key="list/gain", level="watch", text=text)
        if gain is None:
            text = tr(
                "Contact {count} of {known} known customers on {day} for {cost}; what that adds "
                "cannot be told before this list's hold-out is judged.",
                **values,
            )
            return Finding(key="list/gain", level="info", text=text, action=action)
        values |= {
            "gain": show(gain.value, "money", sign=True),
            "low": show(gain.low, "money", sign=True),
            "high": show(gain.high, "money", sign=True),
        }
        evidence = {"gain": gain.value, "low": gain.low, "high": gain.high, "cost": self.cost}
        if gain.high < 0:
            text = tr(
                "Do not send the list of {day}: by what past mailings brought, contacting {count} "
                "customers loses money: {gain} after {cost} of cost ({low} to {high}).",
                **values,
            )
            return Finding(
                key="list/gain", level="bad", text=text, evidence=evidence, money=-gain.value
            )
        if gain.low > 0:
            text = tr(
                "Contact {count} of {known} known customers on {day}: expected to add {gain} "
                "after {cost} of cost within {days} ({low} to {high}).",
                **values,
            )
        else:
            text = tr(
                "Contacting {count} of {known} known customers on {day} is expected to add {gain} "
                "after {cost} of cost ({low} to {high}): whether it pays cannot be told, so send "
                "it to learn, not to earn.",
                **values,
            )
        level: Level = "good" if gain.low > 0 else "watch"
        return Finding(
            key="list/gain",
            level=level,
            text=text,
            evidence=evidence,
            money=max(gain.value, 0.0),
            action=action,
        )

    def _basis(self, basis: Basis) -> Finding:
        message = short_name(basis.message, tr("any message"))
        learnt = message if basis.own or basis.why == "untried" else tr("all messages")
        if basis.why:
            text = tr(REASONS[basis.why], message=learnt)
        elif basis.own:
            text = tr(
                "Whom {message} moves is learnt from its own past mailings; on customers not "
                "learnt from, the ranking beats random. An additional buyer counts as {worth}, "
                "the mean of the buyers then.",
                message=message,
                worth=show(basis.worth, "money"),
            )
        else:
            text = tr(
                "Whom {message} moves is learnt from the past mailings of all messages; on "
                "customers not learnt from, the ranking beats random. An additional buyer counts "
                "as {worth}, the mean of the buyers then.",
                message=message,
                worth=show(basis.worth, "money"),
            )
        numbers: dict[str, float] = {"cost": basis.cost}
        if basis.fit is not None:
            qini = basis.fit.qini
            numbers |= {"qini": qini.value, "low": qini.low, "high": qini.high}
        level: Level = "watch" if basis.why else "info"
        return Finding(key=f"list/basis/{basis.message}", level=level, text=text, evidence=numbers)

    def _same(self) -> Finding | None:
        if self.by_uplift or len(self.bases) < 2:
            return None
        text = tr("Which message suits whom cannot be told, so everybody gets the cheapest.")
        return Finding(key="list/message", level="watch", text=text)

    def _control(self) -> Finding | None:
        if not len(self.chosen):
            return None
        least = self.smallest_effect
        values = {
            "held": show(self.held, "count"),
            "count": show(self.contacts, "count"),
            "effect": show(least, "points"),
            "rate": show(self.base_rate, "share"),
        }
        evidence = {"held_out": float(self.held), "smallest_effect": least}
        if not self.held:
            text = tr("Nobody is held out, so what the list brings will not be told.")
            level: Level = "watch"
        elif math.isnan(least):
            text = tr(
                "{held} customers are held out by a salted hash; how small an effect they can "
                "show cannot be told.",
                **values,
            )
            level = "info"
        elif least > self.base_rate:
            text = tr(
                "{held} customers are held out by a salted hash beside {count} to contact: too "
                "few, for they show only a change of the share of buyers ({rate} without a "
                "message) of at least {effect}. Hold out more, or judge several lists together.",
                **values,
            )
            level = "watch"
        else:
            text = tr(
                "{held} customers are held out by a salted hash beside {count} to contact; they "
                "show a change of the share of buyers ({rate} without a message) of at least "
                "{effect}, four times in five.",
                **values,
            )
            level = "info"
        return Finding(key="list/hold_out", level=level, text=text, evidence=evidence)

    def _resting(self) -> Finding | None:
        if not sum(self.left.values()):
            return None
        text = tr(
            "Left in peace: {resting} customers contacted lately, {often} contacted often enough "
            "this month, {waiting} held out of a mailing that is still being judged.",
            resting=show(self.left[RESTING], "count"),
            often=show(self.left[OFTEN], "count"),
            waiting=show(self.left[WAITING], "count"),
        )
        numbers = {"customers": float(sum(self.left.values()))}
        return Finding(key="list/resting", level="info", text=text, evidence=numbers)

    def _limits(self) -> Finding | None:
        if not self.unprofitable + self.unaffordable:
            return None
        values = {
            "unprofitable": show(self.unprofitable, "count"),
            "unaffordable": show(self.unaffordable, "count"),
            "budget": show(self.budget, "money"),
        }
        if not self.unaffordable:
            text = tr("No message is expected to pay for {unprofitable} candidates.", **values)
        else:
            text = tr(
                "No message is expected to pay for {unprofitable} candidates, and the budget of "
                "{budget} does not reach {unaffordable} for whom one is.",
                **values,
            )
        numbers = {
            "unprofitable": float(self.unprofitable),
            "unaffordable": float(self.unaffordable),
        }
        return Finding(key="list/limits", level="info", text=text, evidence=numbers)

    def _costs(self) -> Finding | None:
        free = [basis for basis in self.bases if not basis.priced]
        if not free:
            return None
        text = tr(
            "What a message costs is not known, so it counts as free: give its cost, with that of "
            "its coupon."
        )
        return Finding(key="list/cost", level="watch", text=text)

    def _margin(self) -> Finding | None:
        if self.margin < 1:
            return None
        text = tr(
            "The whole net amount counts as profit, because no margin is given; goods cost money, "
            "so give the margin."
        )
        return Finding(key="list/margin", level="watch", text=text)
