"""What is true of the demo shop's suppliers and carriers, and of goods that lie."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class SupplierFaults:
    """Suppliers of whom one is slow, one delivers short, one delivers faulty goods.

    Attributes:
        drag: Days that each of the six takes beyond its quoted lead time, as a multiple of
            the usual.
        slack: Days that each promises beyond its quoted lead time: the fewer, the more
            often it is late.
        short: Chance of each that a delivery brings a tenth less than ordered.
        rejects: Share of each one's units that fail inspection (and are replaced).
        complaints: Share of the claims after receipt that say something else elsewhere and
            that name the quality of the goods, where they come from the faulty supplier.
        newcomer: A seventh supplier, with few deliveries that all went well.
        deliveries: How many those are.
        dearer: What a unit costs more from the second source of a SKU.
    """

    drag: tuple[float, ...] = (1.0, 1.0, 1.0, 1.0, 2.2, 1.0)
    slack: tuple[int, ...] = (8, 7, 6, 7, 4, 9)
    short: tuple[float, ...] = (0.02, 0.02, 0.25, 0.02, 0.03, 0.02)
    rejects: tuple[float, ...] = (0.004, 0.006, 0.005, 0.05, 0.005, 0.004)
    complaints: float = 0.5
    newcomer: str = "新合供应"
    deliveries: int = 3
    dearer: float = 0.06

    @property
    def faulty(self) -> int:
        """The supplier whose units fail inspection most often."""
        return max(range(len(self.rejects)), key=self.rejects.__getitem__)

    @property
    def slow(self) -> int:
        """The supplier that takes longest beyond what it quotes."""
        return max(range(len(self.drag)), key=self.drag.__getitem__)


@dataclass(frozen=True, kw_only=True)
class CarrierFaults:
    """A carrier that is slow to far provinces, and one that damages more.

    Attributes:
        slow: The slow carrier, of the four.
        pull: How much more often it has the slowest parcels of the far lanes than the
            fastest: its chance rises by so much from one end to the other.
        damage: Chance of each that a parcel arrives damaged.
    """

    slow: int = 2
    pull: float = 0.5
    damage: tuple[float, ...] = (0.004, 0.03, 0.004, 0.008)


@dataclass(frozen=True, kw_only=True)
class IdleStock:
    """Goods that lie: a SKU that nobody asks for, and one of which far too much was bought.

    Attributes:
        dead: Code of the SKU that never sold.
        dead_units: Units of it in each warehouse.
        dead_cost: What one of them cost, in cents.
        over: Rank of the product with too much of its first variant.
        over_units: Units too many in each warehouse.
    """

    dead: str = "SY-OLD-01-A"
    dead_units: int = 180
    dead_cost: int = 4200
    over: int = 40
    over_units: int = 900
