"""Which products and channels moved, in money, and which of it is more than noise."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from ecops_lib.core.errors import MetricError, MissingDataError
from ecops_lib.core.findings import Finding, Sign
from ecops_lib.core.formats import Unit, show
from ecops_lib.core.language import mark, ntr, tr
from ecops_lib.core.names import joined, short_name
from ecops_lib.core.results import Result
from ecops_lib.data.schema import table_named
from ecops_lib.diagnosis.counts import ALARM, Judged, judge_counts
from ecops_lib.diagnosis.history import History
from ecops_lib.diagnosis.levels import expect_level

if TYPE_CHECKING:
    import pandas as pd


SHOWN = 10
"""Rows shown: the largest changes in money, beyond noise or not."""

FEWEST_DAYS = 14
"""Days with sales from which on it is known what is usual."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """What one product or channel sold on the day, and what was to be expected.

    Attributes:
        item: Its id.
        name: Its name.
        paid_amount: Amount paid [store currency].
        expected_amount: Amount expected from its own past [store currency].
        seen: Order lines (orders, of channels).
        expected: The same, expected.
        low: Lower end of the range that holds 95 % of such days.
        high: Its upper end.
        q: False-discovery rate; NaN where there is too little to tell.
    """

    item: str
    name: str
    paid_amount: float
    expected_amount: float
    seen: float
    expected: float
    low: float
    high: float
    q: float

    @property
    def change(self) -> float:
        """Difference in money."""
        return self.paid_amount - self.expected_amount

    @property
    def beyond(self) -> bool:
        """Whether it is more than noise, in lines and in money the same way."""
        return self.q <= ALARM and (self.seen - self.expected) * self.change > 0

    @property
    def numbers(self) -> dict[str, float]:
        """All its figures."""
        names = ("paid_amount", "expected_amount", "change", "seen", "expected", "low", "high")
        return {name: float(getattr(self, name)) for name in names}


@dataclass(frozen=True, kw_only=True, eq=False)
class Movers(Result):
    """Products or channels by how far their sales of a day were from expectation.

    Attributes:
        what: ``product`` or ``channel``.
        day: The day.
        items: The things that sold or should have, the largest difference first.
        judged: Things with enough sales to be judged.
        reason: Why there is nothing to show; empty where there is something.
    """

    units: ClassVar[Mapping[str, Unit]] = {
        "paid_amount": "money",
        "expected_amount": "money",
        "change": "money",
        "seen": "count",
        "expected": "number",
        "low": "count",
        "high": "count",
    }
    labels: ClassVar[Mapping[str, str]] = {
        "name": mark("Name"),
        "paid_amount": mark("Amount paid"),
        "expected_amount": mark("Expected amount"),
        "change": mark("Difference"),
        "seen": mark("Order lines"),
        "expected": mark("Expected lines"),
        "low": mark("Range from"),
        "high": mark("Range to"),
        "beyond": mark("More than noise"),
    }

    what: Literal["product", "channel"]
    day: dt.date
    items: tuple[Move, ...] = ()
    judged: int = 0
    reason: str = ""

    @property
    def sheet(self) -> str:  # type: ignore[override]
        """Name of the sheet in the workbook."""
        return (
            mark("Products that moved") if self.what == "product" else mark("Channels that moved")
        )

    def absent(self) -> str:
        """Why nothing could be compared, if so."""
        return self.reason

    def to_frame(self) -> pd.DataFrame:
        """The largest differences in money."""
        import pandas as pd

        rows = [
            {"name": i.name, **i.numbers, "beyond": tr("yes") if i.beyond else tr("no")}
            for i in self.items[:SHOWN]
        ]
        return pd.DataFrame(rows, columns=list(self.labels))

    def findings(self) -> tuple[Finding, ...]:
        """The things that moved by more than noise, or that none did."""
        if self.reason:
            return ()
        moved = [item for item in self.items if item.beyond][:SHOWN]
        return tuple(map(self._finding, moved)) or (self._none(),)

    def _finding(self, item: Move) -> Finding:
        values = {
            "name": short_name(item.name, item.item),
            "change": show(abs(item.change), "money"),
            "now": show(item.paid_amount, "money"),
            "usual": show(item.expected_amount, "money"),
        }
        more = item.change > 0
        text = (
            tr("{name} sold {change} more than expected ({now} instead of {usual}).", **values)
            if more
            else tr("{name} sold {change} less than expected ({now} instead of {usual}).", **values)
        )
        return Finding(
            key=f"{self.what}_{'up' if more else 'down'}/{item.item}",
            level="good" if more else "watch",
            text=text,
            evidence={**item.numbers, "q": item.q},
            money=abs(item.change),
            signs=self._signs(item) if self.what == "channel" else (),
        )

    def _signs(self, item: Move) -> tuple[Sign, ...]:
        """That a channel sold more or less, which other shops may find too."""
        more, name = item.change > 0, short_name(item.name, item.item)
        text = (
            tr("more sales through {channel}", channel=name)
            if more
            else tr("fewer sales through {channel}", channel=name)
        )
        key = f"sales/{'up' if more else 'down'}/{item.item}"
        return (Sign(key=key, text=text, first=self.day, last=self.day),)

    def _none(self) -> Finding:
        count = show(self.judged, "count")
        if not self.judged:
            text = tr("Nothing sells enough in a day for one day to be told from chance.")
        elif self.what == "product":
            text = ntr(
                "{count} product sells enough to tell; it did not move by more than noise.",
                "{count} products sell enough to tell; none moved by more than noise.",
                self.judged,
                count=count,
            )
        else:
            text = ntr(
                "{count} channel sells enough to tell; it did not move by more than noise.",
                "{count} channels sell enough to tell; none moved by more than noise.",
                self.judged,
                count=count,
            )
        return Finding(key=f"{self.what}_moves", level="info", text=text)


def find_movers(
    history: History, *, day: dt.date, what: Literal["product", "channel"] = "product"
) -> Movers:
    """Products (or the channels of orders) whose sales of a day differ from expectation.

    Expected is a thing's share of the shop's sales over the eight weeks before times what
    the shop may be expected to sell that day. Whether a difference is more than noise is
    judged on counts of lines (of orders, for channels), at a false-discovery rate of
    ``ALARM``; its size is told in money.

    Args:
        history: The days before.
        day: The day, the history's last or the one before it.
        what: Products or channels.

    Returns:
        The differences; absent where orders do not tell products (or channels).
    """
    column = "paid_sub_orders" if what == "product" else "paid_orders"
    grid = history.product_grid if what == "product" else history.channel_grid
    try:
        counts, amounts = grid(column, until=day), grid("paid_amount", until=day)
    except (MissingDataError, MetricError):
        return Movers(what=what, day=day, reason=_missing(what, 0, 0))
    told = int(counts.notna().any(axis=1).sum())
    if not counts.shape[1] or told <= FEWEST_DAYS:
        return Movers(what=what, day=day, reason=_missing(what, counts.shape[1], told))
    total = history.shop["paid_orders"]
    level = expect_level(total, history=history, day=day, ahead=1)
    scale = level.on(counts.index) + 0 * counts.to_numpy(float)
    judged = judge_counts(counts.to_numpy(float), scale, windows=(1,), doubt=level.doubt(1))
    return Movers(
        what=what,
        day=day,
        items=_moves(counts, amounts, judged, history.names if what == "product" else {}),
        judged=int(judged.enough.sum()),
    )


def _moves(
    counts: pd.DataFrame,
    amounts: pd.DataFrame,
    judged: Judged,
    names: Mapping[str, str],
) -> tuple[Move, ...]:
    """Every thing that sold, or was expected to, the largest difference in money first."""
    import numpy as np

    paid, lines = amounts.to_numpy(float), counts.fillna(0.0).to_numpy(float)
    with np.errstate(divide="ignore", invalid="ignore"):
        usual = np.nansum(paid[:-1], axis=0) / lines[:-1].sum(axis=0) * judged.expected
    moves = [
        Move(
            item=str(item),
            name=names.get(str(item), str(item)),
            paid_amount=float(paid[-1, place]),
            expected_amount=float(usual[place]),
            seen=float(judged.seen[place]),
            expected=float(judged.expected[place]),
            low=float(judged.low[place]),
            high=float(judged.high[place]),
            q=float(judged.q[place]),
        )
        for place, item in enumerate(counts.columns)
        if np.isfinite(usual[place]) and np.isfinite(paid[-1, place])
    ]
    return tuple(sorted(moves, key=lambda m: (-abs(m.change), m.item)))


def _missing(what: str, things: int, days: int) -> str:
    if things:
        return tr(
            "Sales are told for {days} days only; {least} are needed to know what is usual.",
            days=days,
            least=FEWEST_DAYS + 1,
        )
    if what == "channel":
        return tr(
            "No order tells the channel that brought it, and no traffic row what a channel sold; "
            "import an order export that names channels."
        )
    hint = tr("To fill this section, import {file}.", file=tr(table_named("order_items").hint))
    return joined(tr("No order line tells its product."), hint)
