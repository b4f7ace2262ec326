"""What became of one action, and the words for it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from ecops_lib.core.language import mark, tr
from ecops_lib.core.names import short_name
from ecops_lib.diagnosis.actions.kept import KeptAction, Status

Verdict = Literal["", "back", "not_yet", "untold"]
Why = Literal[
    "", "no_metric", "no_day", "no_figures", "no_past", "few_days", "few_counts", "between"
]

STATUSES: Mapping[Status, str] = {
    "open": mark("to do"),
    "done": mark("done"),
    "dropped": mark("dropped"),
}

VERDICTS: Mapping[Verdict, str] = {
    "": "",
    "back": mark("came back"),
    "not_yet": mark("not back yet"),
    "untold": mark("cannot be told"),
}

WHYS: Mapping[Why, str] = {
    "": "",
    "no_metric": mark("no figure follows such a task"),
    "no_day": mark("its closed_on is empty"),
    "no_figures": mark("no longer measured: its figures are not in the store"),
    "no_past": mark("too few days before it to know what is usual"),
    "few_days": mark("too few ordinary days since"),
    "few_counts": mark("too few counts since"),
    "between": mark("what came since fits both"),
}

WHATS: Mapping[str, str] = {
    "conversion_rate": mark("Conversion of {name}"),
    "visitors": mark("The number of visitors from {name}"),
    "refund_claims": mark("The number of refund claims against {name}"),
    "paid_sub_orders": mark("The number of order lines of {name}"),
    "paid_orders": mark("The number of orders from {name}"),
}

COUNTED: Mapping[str, str] = {
    "conversion_rate": mark("buyers"),
    "visitors": mark("visitors"),
    "refund_claims": mark("claims"),
    "paid_sub_orders": mark("paid order lines"),
    "paid_orders": mark("paid orders"),
}


@dataclass(frozen=True, kw_only=True)
class Followed:
    """An action and what became of it.

    Attributes:
        action: The action as it stood at the end of the day.
        name: Name of the part of the shop that it is about; empty where it is all of it.
        verdict: Whether it came back, of one that was done; else empty.
        why: Why it cannot be told; else empty.
        days: Days after the closing that were measured.
        seen: What was counted in them.
        expected: What the usual rate lets expect of them.
        low: Lower end of the range that holds 95 % of such days.
        high: Its upper end.
        regained: Money beyond what the trouble going on would have brought, or saved, at
            what a unit brought on all these days [store currency].
        regained_low: Lower end of its 95 % range.
        regained_high: Its upper end.
    """

    action: KeptAction
    name: str = ""
    verdict: Verdict = ""
    why: Why = ""
    days: int = 0
    seen: float = float("nan")
    expected: float = float("nan")
    low: float = float("nan")
    high: float = float("nan")
    regained: float = float("nan")
    regained_low: float = float("nan")
    regained_high: float = float("nan")

    def is_late(self, day: dt.date) -> bool:
        """Whether it is open although the day by whose end it was due is over."""
        due = self.action.due
        return self.action.status == "open" and due is not None and due <= day

    @property
    def is_told(self) -> bool:
        """Whether the money is more, or less, than none beyond chance."""
        return self.regained_low > 0 or self.regained_high < 0

    @property
    def numbers(self) -> dict[str, float]:
        """The figures behind its sentence."""
        names = ("days", "seen", "expected", "low", "high", "regained", "regained_low",
                 "regained_high")  # fmt: skip
        return {name: float(getattr(self, name)) for name in names}

    @property
    def task_words(self) -> str:
        """The task, and which part of the shop it is about where that is told."""
        if not self.name:
            return tr("“{task}”", task=self.action.task)
        return tr("“{task}” ({name})", task=self.action.task, name=short_name(self.name))

    @property
    def what(self) -> str:
        """What it is about, as a sentence begins with it."""
        if self.action.metric not in WHATS:
            return self.task_words
        name = short_name(self.name) or tr("the shop")
        return tr(WHATS[self.action.metric]).format(name=name)

    def in_words(self) -> str:
        """Whether it came back, and why that cannot be told."""
        verdict = tr(VERDICTS[self.verdict])
        if not self.why:
            return verdict
        return tr("{verdict}: {reason}", verdict=verdict, reason=tr(WHYS[self.why]))
