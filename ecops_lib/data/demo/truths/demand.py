"""What is asked of single SKUs, and what they lack: shortages, oddities, a set."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class Shortage:
    """A SKU that nobody could buy for some hours, in the past.

    One that began before the shop did is left out.

    Attributes:
        sku: Its code.
        begins: Days before the last day on which it began.
        hours: How long it lasted.
        from_hour: Hour of the day at which it began.
    """

    sku: str
    begins: int
    hours: int
    from_hour: int = 0


SHORTAGES = (
    Shortage(sku="SY-BED-01-A", begins=75, hours=8 * 24),
    Shortage(sku="SY-TEA-02-A", begins=50, hours=5 * 24),
    Shortage(sku="SY-COOK-01-A", begins=60, hours=10, from_hour=9),
    Shortage(sku="SY-BED-02-A", begins=120, hours=12 * 24),
    Shortage(sku="SY-TEA-03-A", begins=210, hours=10 * 24),
)


@dataclass(frozen=True, kw_only=True)
class Shortages:
    """SKUs that were out of stock for a while, and what was asked of them meanwhile.

    Attributes:
        spans: When which.
    """

    spans: tuple[Shortage, ...] = SHORTAGES


@dataclass(frozen=True, kw_only=True)
class LateSupply:
    """A SKU whose stock will not last until what is on its way comes in.

    Attributes:
        sku: Its code.
        left: Units left in each warehouse at the end of the last day.
        comes: Days after the last day on which the next units come in.
    """

    sku: str = "SY-TEA-04-A"
    left: int = 2
    comes: int = 14


@dataclass(frozen=True, kw_only=True)
class OddDemand:
    """SKUs that are not asked for as others are.

    Attributes:
        bulk: Code of the SKU of which one buyer orders many.
        bulk_begins: Days before the last; the first order from that day on is the large one.
        bulk_units: How many.
        lumpy: Code of the SKU that is asked for seldom, and then in any number.
        lumps: Numbers of units, each as likely as the others.
        delisted: Code of the SKU that is no longer sold, its stock being gone; its buyers
            take the product's first variant instead.
        delisted_begins: Days before the last from which it is not sold.
    """

    bulk: str = "SY-COOK-05-A"
    bulk_begins: int = 70
    bulk_units: int = 60
    lumpy: str = "SY-BOX-10-B"
    lumps: tuple[int, ...] = (1, 2, 4, 8, 20, 40)
    delisted: str = "SY-SET-03-C"
    delisted_begins: int = 150


@dataclass(frozen=True, kw_only=True)
class KitSold:
    """A SKU that is a set: it has no stock of its own, its parts leave the warehouse.

    Attributes:
        sku: Its code.
        parts: Units in one set, by code of the SKU inside.
    """

    sku: str = "SY-AROMA-04-B"
    parts: Mapping[str, int] = field(
        default_factory=lambda: {"SY-AROMA-04-A": 1, "SY-AROMA-08-A": 1}
    )
