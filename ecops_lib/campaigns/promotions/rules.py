"""The rules of promotions: what each takes off, of which lines, and who bears it.

Amounts are in store currency and whole cents; a ``rate`` is the share of the price that is
still paid, so that 9折 is 0.9. Thresholds are met by the base price × quantity of the lines
that a rule is about, whatever other promotions take off them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from itertools import pairwise
from typing import ClassVar, Literal

from ecops_lib.core.checks import nearest, require_choice
from ecops_lib.core.errors import ParameterError

Bearer = Literal["platform", "merchant", "creator"]
BEARERS: tuple[Bearer, ...] = ("platform", "merchant", "creator")
MILLION = 1_000_000
ANY_CREATOR = "*"


def cents_of(value: float, *, name: str) -> int:
    """An amount in cents.

    Raises:
        ParameterError: It is negative, no number, or no whole number of cents.

    >>> cents_of(19.9, name="off")
    1990
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e7:
        raise ParameterError(f"{name} is {value!r}; it must be an amount from 0 to 10 million.")
    exact = Decimal(str(value)) * 100
    if exact != exact.to_integral_value():
        raise ParameterError(f"{name} is {value!r}; it must be a whole number of cents.")
    return int(exact)


def parts_of(rate: float, *, name: str) -> int:
    """A share in millionths.

    Raises:
        ParameterError: It does not lie between 0 and 1.
    """
    if isinstance(rate, bool) or not isinstance(rate, int | float) or not 0 <= rate <= 1:
        hint = f"; 9折 is 0.9, {rate!r} off is another {1 - rate / 100:g}" if _percent(rate) else ""
        raise ParameterError(f"{name} is {rate!r}; it must lie between 0 and 1{hint}.")
    return int((Decimal(str(rate)) * MILLION).quantize(Decimal(1), ROUND_HALF_UP))


def _percent(rate: object) -> bool:
    return isinstance(rate, int | float) and 1 < rate < 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Promotion:
    """What all promotions have.

    Attributes:
        name: What it is called; unlike the others of one design.
        bearer: Who bears it, or the share of each who does.
        products: Products that it is about; empty for all.
        creators: Creators whose lines it is about, ``*`` for any; empty for all lines.
        group: Of the promotions with one group a basket takes the one that gives most.
    """

    kind: ClassVar[str] = ""
    stage: ClassVar[int] = 0

    name: str
    bearer: Bearer | Mapping[Bearer, float] = "merchant"
    products: tuple[str, ...] = ()
    creators: tuple[str, ...] = ()
    group: str = ""

    def __post_init__(self) -> None:
        """Refuse what cannot be priced."""
        if not isinstance(self.name, str) or not self.name:
            raise ParameterError(f"name is {self.name!r}; it must be a text that is not empty.")
        self._check_bearer()
        self._check()

    def _check(self) -> None:
        """Refuse a kind's own impossible values."""

    def _check_bearer(self) -> None:
        if not isinstance(self.bearer, Mapping):
            require_choice(self.bearer, Bearer, name=self._at("bearer"))
            return
        for who, share in self.bearer.items():
            require_choice(who, Bearer, name=self._at("bearer"))
            parts_of(share, name=self._at(f"bearer {who}"))
        if sum(self.shares) != MILLION:
            told = sum(self.bearer.values())
            raise ParameterError(f"{self._at('bearer')} adds up to {told:g}; it must be 1.")

    def _at(self, field: str) -> str:
        return f"{field} of {self.name!r}"

    @property
    def shares(self) -> tuple[int, ...]:
        """What platform, merchant and creator bear [millionths]."""
        if isinstance(self.bearer, Mapping):
            held = self.bearer
            return tuple(parts_of(held.get(who, 0), name=who) for who in BEARERS)
        return tuple(MILLION * (who == self.bearer) for who in BEARERS)


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupPrice(Promotion):
    """拼团: a fixed price of one unit, on the lines bought in a group.

    Attributes:
        price: Of one unit [store currency]; a dearer one than the base price changes nothing.
    """

    kind: ClassVar[str] = "group_price"
    stage: ClassVar[int] = 0

    price: float

    def _check(self) -> None:
        cents_of(self.price, name=self._at("price"))
        if not self.products:
            raise ParameterError(f"{self._at('products')} is missing; a group price needs some.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Presale(Promotion):
    """预售: a deposit on each unit that counts for more than itself (定金膨胀).

    The deposit is paid first, so other promotions take off no more than the balance. A line
    whose balance was not paid is no sale; its deposit is forfeited or goes back.

    Attributes:
        deposit: Of one unit [store currency].
        worth: What the deposit counts for; itself by default.
        forfeit: Whether the shop keeps the deposit where the balance is not paid.
    """

    kind: ClassVar[str] = "presale"
    stage: ClassVar[int] = 1

    deposit: float
    worth: float | None = None
    forfeit: bool = True

    @property
    def gain(self) -> int:
        """What one unit's deposit counts for beyond itself [cents]."""
        worth = self.deposit if self.worth is None else self.worth
        return cents_of(worth, name="worth") - cents_of(self.deposit, name="deposit")

    def _check(self) -> None:
        cents_of(self.deposit, name=self._at("deposit"))
        if self.worth is not None and not self.worth >= self.deposit:
            raise ParameterError(
                f"{self._at('worth')} is {self.worth!r}; it must be no less than the deposit, "
                f"{self.deposit!r}."
            )
        _refuse_group(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Discount(Promotion):
    """折扣 and N件X折: a share of the base price, by the units in the basket.

    Attributes:
        tiers: Least units and the ``rate`` still paid on all of them, rising in units.
    """

    kind: ClassVar[str] = "discount"
    stage: ClassVar[int] = 2

    tiers: tuple[tuple[int, float], ...]

    def _check(self) -> None:
        for units, rate in self.tiers:
            _require_units(units, 1, name=self._at("units"))
            parts_of(rate, name=self._at("rate"))
        if not (_rises([tier[0] for tier in self.tiers]) and _rises([-t[1] for t in self.tiers])):
            raise ParameterError(
                f"{self._at('tiers')} is {list(self.tiers)!r}; more units must pay a lower rate."
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class NthItem(Promotion):
    """第二件半价: of every ``every`` units one, the cheapest of all first, pays ``rate``.

    Units of all the lines that it is about count together.

    Attributes:
        every: How many units make one cheaper.
        rate: Share of its price that this one pays.
    """

    kind: ClassVar[str] = "nth_item"
    stage: ClassVar[int] = 2

    every: int = 2
    rate: float = 0.5

    def _check(self) -> None:
        _require_units(self.every, 2, name=self._at("every"))
        parts_of(self.rate, name=self._at("rate"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Threshold(Promotion):
    """满减: an amount off from a threshold on, by tiers or for every threshold met (每满).

    Attributes:
        tiers: Thresholds and amounts off [store currency], rising; the highest met counts.
        every: Whether the one tier counts as often as it is met.
        cap: Most that may be taken off a basket with ``every``; None for no limit.
    """

    kind: ClassVar[str] = "threshold"
    stage: ClassVar[int] = 3

    tiers: tuple[tuple[float, float], ...]
    every: bool = False
    cap: float | None = None

    def _check(self) -> None:
        for at, off in self.tiers:
            cents_of(at, name=self._at("threshold"))
            cents_of(off, name=self._at("off"))
        if not (_rises([tier[0] for tier in self.tiers]) and _rises([t[1] for t in self.tiers])):
            raise ParameterError(
                f"{self._at('tiers')} is {list(self.tiers)!r}; a higher threshold must take more "
                "off."
            )
        if self.every and (len(self.tiers) != 1 or not self.tiers[0][0] > 0):
            raise ParameterError(f"{self._at('every')} needs one tier, with a threshold above 0.")
        if self.cap is not None:
            cents_of(self.cap, name=self._at("cap"))
            if not self.every:
                raise ParameterError(f"{self._at('cap')} needs every = true.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Coupon(Promotion):
    """A coupon of an amount or a rate from a threshold on; ``creators`` make it a live room's.

    Attributes:
        threshold: Base price that it needs [store currency].
        off: Amount off; None where it has a rate.
        rate: Share still paid; None where it has an amount.
        cap: Most that a rate may take off; None for no limit.
        stackable: Whether it goes with other coupons; else a basket takes it alone, or the
            others, whichever gives more.
    """

    kind: ClassVar[str] = "coupon"
    stage: ClassVar[int] = 4

    threshold: float = 0.0
    off: float | None = None
    rate: float | None = None
    cap: float | None = None
    stackable: bool = True

    def _check(self) -> None:
        cents_of(self.threshold, name=self._at("threshold"))
        if (self.off is None) == (self.rate is None):
            raise ParameterError(f"{self.name!r} needs either off or rate, and not both.")
        if self.off is not None:
            cents_of(self.off, name=self._at("off"))
        if self.rate is not None:
            parts_of(self.rate, name=self._at("rate"))
        if self.cap is not None:
            cents_of(self.cap, name=self._at("cap"))
            if self.rate is None:
                raise ParameterError(f"{self._at('cap')} needs a rate.")
        if not self.stackable:
            _refuse_group(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Gift(Promotion):
    """赠品: changes no price; what it costs is borne and falls on the lines that earned it.

    Attributes:
        cost: Of one gift [store currency].
        threshold: Base price that it needs.
        every: Whether there is one for every threshold met.
    """

    kind: ClassVar[str] = "gift"
    stage: ClassVar[int] = 5

    cost: float
    threshold: float = 0.0
    every: bool = False

    def _check(self) -> None:
        cents_of(self.cost, name=self._at("cost"))
        cents_of(self.threshold, name=self._at("threshold"))
        if self.every and not self.threshold > 0:
            raise ParameterError(f"{self._at('every')} needs a threshold above 0.")
        _refuse_group(self)


KINDS: Mapping[str, type[Promotion]] = {
    rule.kind: rule for rule in (GroupPrice, Presale, Discount, NthItem, Threshold, Coupon, Gift)
}


def check_design(promotions: tuple[Promotion, ...]) -> None:
    """Refuse promotions that cannot be priced together.

    Raises:
        ParameterError: A name comes twice, or a group of several kinds holds a coupon beside
            one that does not stack.
    """
    names = [promotion.name for promotion in promotions]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ParameterError(f"two promotions are called {twice[0]!r}; give each its own name.")
    alone = [p.name for p in promotions if isinstance(p, Coupon) and not p.stackable]
    for name in sorted({p.group for p in promotions if p.group}):
        stages = {p.stage for p in promotions if p.group == name}
        if alone and Coupon.stage in stages and len(stages) > 1:
            raise ParameterError(
                f"group {name!r} holds coupons and others, and {alone[0]!r} does not stack; "
                "put only coupons into the group, or let it stack."
            )


def _refuse_group(promotion: Promotion) -> None:
    if promotion.group:
        raise ParameterError(
            f"group of {promotion.name!r} is {promotion.group!r}; a gift, a presale or a coupon "
            "that does not stack has none."
        )


def _require_units(value: object, least: int, *, name: str) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise ParameterError(f"{name} is {value!r}; it must be a whole number from {least}.")


def _rises(values: Sequence[float]) -> bool:
    return len(values) > 0 and all(low < high for low, high in pairwise(values))


def kind_hint(kind: object) -> str:
    """A hint for a misspelt kind."""
    return nearest(str(kind), KINDS) or "."
