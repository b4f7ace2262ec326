"""The rules of a contact list: whom to leave in peace, and how it is drawn."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ecops_lib.core.checks import require_between
from ecops_lib.core.errors import ParameterError
from ecops_lib.customers.segments import Segmentation
from ecops_lib.data.store import Store
from ecops_lib.metrics.bases import Source

MONTH_DAYS = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactRules:
    """What a list is drawn by.

    Attributes:
        window_days: Days from the sending in which orders count.
        most_contacts: Most messages that a customer may get in 30 days, this one included.
        contact_id: The mailing's name; ``list-`` and the day of sending unless given.
        send_on: Day of the sending; the day after the last one that counts unless given.
        tiers: The rules of the tiers; by the customers' mean net amount unless given.
        salt: Secret of the hold-out's draw; the store's key unless given.
        time_zone: IANA zone of the days; the store's by default.

    Raises:
        ParameterError: A rule is impossible.
    """

    window_days: int = 14
    most_contacts: int = 4
    contact_id: str = ""
    send_on: dt.date | None = None
    tiers: Segmentation | None = None
    salt: str = ""
    time_zone: str | None = None

    def __post_init__(self) -> None:
        require_between(self.window_days, 1, 365, name="window_days")
        require_between(self.most_contacts, 1, float("inf"), name="most_contacts")

    def secret(self, source: Source) -> str:
        """The salt of the draw.

        Raises:
            ParameterError: Tables have no key and no salt is given.
        """
        if self.salt:
            return self.salt
        if isinstance(source, Store):
            return source.key.hex()
        raise ParameterError(
            "salt is missing; tables that are not a store have no key to draw a hold-out with, "
            "so give rules=ContactRules(salt=…)."
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A message that could be sent.

    Attributes:
        name: Its name, as in the table of contacts; empty for any.
        cost: What sending it once costs [store currency]; None where that is not told.
    """

    name: str
    cost: float | None


def read_messages(
    message: str | Sequence[str] | Mapping[str, float], cost: float | None
) -> tuple[Message, ...]:
    """The messages asked for, with their costs.

    Raises:
        ParameterError: There is none, one comes twice, or a cost is negative.
    """
    if isinstance(message, Mapping):
        held = tuple(Message(name=name, cost=price) for name, price in message.items())
    else:
        names = (message,) if isinstance(message, str) else tuple(message)
        held = tuple(Message(name=name, cost=cost) for name in names)
    if not held or len({each.name for each in held}) < len(held):
        raise ParameterError(f"message is {message!r}; give one or more names, each once.")
    for each in held:
        if each.cost is not None:
            require_between(each.cost, 0, float("inf"), name="cost")
    return held
