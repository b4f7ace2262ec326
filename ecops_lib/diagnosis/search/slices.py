"""Where did sales change? The few slices that explain a period, in money."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from ecops_lib.core.errors import MissingDataError
from ecops_lib.core.findings import Action, Finding
from ecops_lib.core.formats import Unit, show
from ecops_lib.core.language import mark, tr
from ecops_lib.core.names import short_name
from ecops_lib.core.results import Result
from ecops_lib.diagnosis.history import History
from ecops_lib.diagnosis.search.lattice import Lattice, Slice
from ecops_lib.diagnosis.search.leaves import DIMENSIONS, UNKNOWN, Leaves, Span, read_leaves
from ecops_lib.diagnosis.search.scan import Found, scan_slices

if TYPE_CHECKING:
    import pandas as pd

    from ecops_lib.diagnosis.search.lattice import Numbers

DEEPEST = 3
"""Dimensions that a slice may have: more of them nobody can act on."""

SHOWN = 5
MOST_LEAVES = 5_000
"""Leaves that the workbook lists one by one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SlicePart:
    """A slice of the shop and what it made of the change.

    Attributes:
        values: Its dimensions and values; none is the whole shop.
        seen: Amount paid in it [store currency].
        expected: The amount that its own past lets expect.
        part: What its common change made of the shop's, beside the other slices.
        evidence: What speaks for it against chance [nats].
    """

    values: Slice
    seen: float
    expected: float
    part: float
    evidence: float

    @property
    def key(self) -> str:
        """What tells it from other slices in a finding's key."""
        return "&".join(f"{name}={value}" for name, value in self.values) or "shop"


@dataclass(frozen=True, kw_only=True, eq=False)
class SliceLeaves(Result):
    """The finest slices of a period.

    Attributes:
        frame: One row a leaf: the dimensions, ``buyers`` and ``expected_buyers`` (a buyer of
            several leaves is shared among them), ``amount`` and ``expected_amount``
            [store currency]; the last row adds up those beyond ``MOST_LEAVES``.
    """

    sheet: ClassVar[str] = mark("Finest slices of sales")
    labels: ClassVar[Mapping[str, str]] = {
        **DIMENSIONS,
        "amount": mark("Paid for goods"),
        "expected_amount": mark("Expected"),
        "buyers": mark("Buyers"),
        "expected_buyers": mark("Expected buyers"),
    }
    units: ClassVar[Mapping[str, Unit]] = {
        "amount": "money", "expected_amount": "money", "buyers": "number",
        "expected_buyers": "number",
    }  # fmt: skip

    frame: pd.DataFrame

    def to_frame(self) -> pd.DataFrame:
        """One row a leaf, the furthest from its expectation first."""
        return self.frame


def list_leaves(frame: pd.DataFrame, dimensions: Sequence[str]) -> pd.DataFrame:
    """Leaves by how far their amount is from its expectation, the smallest ones added up.

    Args:
        frame: As ``Leaves.frame``.
        dimensions: The dimensions.
    """
    import pandas as pd

    sums = ["amount", "expected_amount", "buyers", "expected_buyers"]
    gap = (frame["amount"] - frame["expected_amount"]).abs()
    ranked = frame.loc[gap.sort_values(ascending=False, kind="stable").index, [*dimensions, *sums]]
    if len(ranked) <= MOST_LEAVES:
        return ranked.reset_index(drop=True)
    rest = ranked.iloc[MOST_LEAVES:][sums].sum().to_frame().T
    rest = rest.assign(**dict.fromkeys(dimensions, tr("all the rest")))
    return pd.concat([ranked.head(MOST_LEAVES), rest], ignore_index=True)


@dataclass(frozen=True, kw_only=True, eq=False)
class Slices(Result):
    """A period's sales against expectation, told by the few slices that explain them.

    Attributes:
        start: First day.
        end: Last day.
        parts: The slices, most money first.
        seen: Amount paid for goods (order lines) in the period [store currency].
        expected: What was to be expected.
        past: The earlier periods that tell what is usual.
        names: Names of products by id.
        leaves: What each slice's figures are sums of.
        owner: Who looks into it.
        reason: Why nothing could be searched; empty where something was.
    """

    units: ClassVar[Mapping[str, Unit]] = {
        "seen": "money", "expected": "money", "change": "share", "part": "money", "left": "money",
    }  # fmt: skip
    labels: ClassVar[Mapping[str, str]] = {
        "slice": mark("Slice"),
        "seen": mark("Paid for goods"),
        "expected": mark("Expected"),
        "change": mark("Change"),
        "part": mark("Its part of the shop's change"),
        "left": mark("Left to explain after it"),
    }
    sheet: ClassVar[str] = mark("Where sales changed")

    start: dt.date
    end: dt.date
    parts: tuple[SlicePart, ...] = ()
    seen: float = float("nan")
    expected: float = float("nan")
    past: tuple[Span, ...] = ()
    names: Mapping[str, str] = field(default_factory=dict)
    leaves: SliceLeaves | None = None
    owner: str = ""
    reason: str = ""

    def behind(self) -> tuple[Result, ...]:
        """The leaves that every slice's figures are sums of."""
        return (self.leaves,) if self.leaves else ()

    def absent(self) -> str:
        """Why nothing could be searched, if so."""
        return self.reason

    @property
    def rest(self) -> float:
        """The change that no slice explains [store currency]."""
        return self.seen - self.expected - sum(part.part for part in self.parts)

    def to_frame(self) -> pd.DataFrame:
        """One row a slice, and the rest; the parts add up to the shop's change."""
        import pandas as pd

        left, rows = self.seen - self.expected, []
        for part in self.parts:
            left -= part.part
            change = part.seen / part.expected - 1 if part.expected > 0 else float("nan")
            rows.append([self.words(part), part.seen, part.expected, change, part.part, left])
        whole = self.seen / self.expected - 1
        nothing = float("nan")
        rows.append([tr("all the rest"), nothing, nothing, nothing, self.rest, 0.0])
        total = self.seen - self.expected
        rows.append([tr("the whole shop"), self.seen, self.expected, whole, total, nothing])
        return pd.DataFrame(rows, columns=list(self.labels))

    def words(self, part: SlicePart) -> str:
        """A slice in words: its values, the plain ones first."""
        if not part.values:
            return tr("everywhere alike")
        return " × ".join(self._value(name, value) for name, value in part.values)

    def _value(self, name: str, value: Any) -> str:
        if value == UNKNOWN:
            return tr("{dimension} not told", dimension=tr(DIMENSIONS[name]))
        if name == "product_id":
            return short_name(self.names.get(value, value), value)
        return tr(value) if name == "buyer" else short_name(value)

    def findings(self) -> tuple[Finding, ...]:
        """The shop's change, then each slice that explains it."""
        if self.reason:
            return ()
        return (self._whole(), *map(self._finding, self.parts), *self._none())

    def _whole(self) -> Finding:
        words = {
            "seen": show(self.seen, "money"),
            "expected": show(self.expected, "money"),
            "change": show(abs(self.seen / self.expected - 1), "share"),
        }
        text = (
            tr(
                "{seen} was paid for goods, {change} less than the {expected} to be expected.",
                **words,
            )
            if self.seen < self.expected
            else tr(
                "{seen} was paid for goods, {change} more than the {expected} to be expected.",
                **words,
            )
        )
        numbers = {"seen": self.seen, "expected": self.expected}
        return Finding(key="slices/whole", level="info", text=text, evidence=numbers)

    def _none(self) -> tuple[Finding, ...]:
        if self.parts:
            return ()
        text = tr("No slice of the shop stands out from the others by more than chance.")
        return (Finding(key="slices/none", level="good", text=text),)

    def _finding(self, part: SlicePart) -> Finding:
        words = {
            "slice": self.words(part),
            "seen": show(part.seen, "money"),
            "expected": show(part.expected, "money"),
            "part": show(abs(part.part), "money"),
        }
        fell = part.part < 0
        text = (
            tr("{slice}: {seen} instead of {expected}; that is {part} less.", **words)
            if fell
            else tr("{slice}: {seen} instead of {expected}; that is {part} more.", **words)
        )
        advice = (
            tr("find out what changed here first") if fell else tr("see whether it can be kept up")
        )
        numbers = {name: float(getattr(part, name)) for name in ("seen", "expected", "part")}
        numbers["days"] = float((self.end - self.start).days + 1)
        return Finding(
            key=f"slices/{part.key}",
            level="bad" if fell else "good",
            text=text,
            evidence=numbers,
            money=abs(part.part),
            action=Action(text=advice, owner=self.owner),
        )


def find_slices(history: History, *, start: dt.date, end: dt.date) -> Slices:
    """Search the few slices of a period's sales that explain its change.

    Every combination of up to ``DEEPEST`` dimensions is held against what its own past lets
    expect; see ``search.scan.scan_slices`` for the search and ``search.leaves.read_leaves``
    for the expectation. The parts of the slices and the rest add up to the shop's change.

    Args:
        history: The days before, up to ``end``.
        start: First local day of payment.
        end: Last one.

    Returns:
        The slices; absent where there are no order lines or too few days before.
    """
    owner = history.settings.owners.get("product", tr("merchandising"))
    try:
        leaves = read_leaves(history, start=start, end=end)
    except MissingDataError as error:
        return Slices(start=start, end=end, reason=str(error), owner=owner)
    parts = explain_leaves(leaves)
    frame = leaves.frame
    return Slices(
        start=start,
        end=end,
        parts=parts,
        seen=float(frame["amount"].sum()),
        expected=float(frame["expected_amount"].sum()),
        past=leaves.past,
        names=history.names,
        leaves=SliceLeaves(frame=list_leaves(frame, leaves.dimensions)),
        owner=owner,
    )


def explain_leaves(leaves: Leaves) -> tuple[SlicePart, ...]:
    """The slices that explain how leaves part from their expectation, most money first.

    The search weighs buyers, for a single large order is no news; money is told of what it
    finds, each slice after the ones with more evidence.
    """
    frame = leaves.frame
    lattice = Lattice(frame, leaves.dimensions, deepest=DEEPEST)
    buyers, usual = (frame[name].to_numpy(float) for name in ("buyers", "expected_buyers"))
    scan = scan_slices(lattice, buyers, usual, noise=leaves.noise, most=SHOWN)
    paid, wanted = (frame[name].to_numpy(float) for name in ("amount", "expected_amount"))
    parts, fitted = [], wanted.copy()
    for one in scan.found:
        part = _part(one, paid, wanted, fitted)
        if part.part * (one.factor - 1) > 0:
            fitted[one.inside] *= paid[one.inside].sum() / fitted[one.inside].sum()
            parts.append(part)
    return tuple(sorted(parts, key=lambda part: (-abs(part.part), part.values)))


def _part(one: Found, paid: Numbers, wanted: Numbers, fitted: Numbers) -> SlicePart:
    inside = one.inside
    return SlicePart(
        values=one.values,
        seen=float(paid[inside].sum()),
        expected=float(wanted[inside].sum()),
        part=float(paid[inside].sum() - fitted[inside].sum()),
        evidence=one.evidence,
    )
