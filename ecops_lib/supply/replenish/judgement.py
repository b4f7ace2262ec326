"""Past proposals as judged: tables and sentences."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

from ecops_lib.core.findings import Action, Finding, Level
from ecops_lib.core.formats import Unit, show
from ecops_lib.core.language import mark, ntr, tr
from ecops_lib.core.names import short_name
from ecops_lib.core.results import Result
from ecops_lib.supply.replenish.proposal import SHOWN, expected_words

if TYPE_CHECKING:
    import pandas as pd

WANTED = 0.8
"""Share of lines that should lie in their interval."""
FEWEST = 10
"""Lines below which that share cannot be told."""
MUCH = 0.1
"""Bias from which it is worth telling."""
VERDICTS: Mapping[str, str] = {
    "out": mark("ran out"),
    "more": mark("more than expected"),
    "less": mark("less than expected"),
    "inside": mark("as expected"),
    "untold": mark("cannot be told"),
}


@dataclass(frozen=True, kw_only=True, eq=False)
class ProposalReview(Result):
    """Proposals whose time has ended, beside what came.

    Attributes:
        lines: One row a line: ``proposal_id``, ``sku_id``, ``warehouse_id``, ``name``,
            ``as_of``, ``ends``, ``quantity``, ``position``, ``expected``, ``low``, ``high``,
            ``service_level`` as proposed; ``asked_for`` since [units; NaN where not known],
            ``days_out`` (days with an empty shelf), ``unit_cost`` [store currency].
        as_of: Last local day that counts.
        next_due: Day on which the next line can be judged; None where none is open.
        owner: Who sees to it.
        reason: Why there is nothing to show; empty where there is something.
    """

    sheet: ClassVar[str] = mark("Past proposals")
    units: ClassVar[Mapping[str, Unit]] = {
        "as_of": "day",
        "quantity": "count",
        "asked_for": "count",
        "days_out": "count",
        "overstock": "money",
    }
    labels: ClassVar[Mapping[str, str]] = {
        "item": mark("SKU"),
        "as_of": mark("Proposed after"),
        "quantity": mark("Proposed order"),
        "expected": mark("Expected (80 %)"),
        "asked_for": mark("Asked for"),
        "verdict": mark("Verdict"),
        "days_out": mark("Days with an empty shelf"),
        "overstock": mark("Ordered too much, at cost"),
    }

    lines: pd.DataFrame
    as_of: dt.date
    next_due: dt.date | None
    owner: str
    reason: str = ""

    @classmethod
    def without(cls, as_of: dt.date, *, owner: str, reason: str) -> ProposalReview:
        """A review that cannot be made, and why."""
        import pandas as pd

        return cls(lines=pd.DataFrame(), as_of=as_of, next_due=None, owner=owner, reason=reason)

    def absent(self) -> str:
        """Why nothing can be judged, if nothing can."""
        if self.reason or not self.lines.empty:
            return self.reason
        if self.next_due is None:
            return tr("No proposal has ended in the last two months.")
        return tr(
            "No proposal has ended yet; the first can be judged on {day}.",
            day=show(self.next_due, "day"),
        )

    @cached_property
    def judged(self) -> pd.DataFrame:
        """The lines with ``verdict`` and ``overstock`` [store currency]."""
        import numpy as np

        held = self.lines
        actual = held["asked_for"]
        verdict = np.select(
            [held["days_out"] > 0, actual.isna(), actual > held["high"], actual < held["low"]],
            ["out", "untold", "more", "less"],
            "inside",
        )
        missing = (held["low"] - actual).clip(lower=0.0).fillna(0.0)
        units = missing.where(missing < held["quantity"], held["quantity"])
        return held.assign(verdict=verdict, overstock=units * held["unit_cost"].astype(float))

    @property
    def told(self) -> pd.DataFrame:
        """The lines whose units are known."""
        return self.judged[self.judged["asked_for"].notna()]

    def to_frame(self) -> pd.DataFrame:
        """One row a line, what went wrong first."""
        import pandas as pd

        order = {verdict: place for place, verdict in enumerate(VERDICTS)}
        held = self.judged.assign(rank=self.judged["verdict"].map(order))
        held = held.sort_values(
            ["rank", "overstock", "expected", "sku_id"], ascending=[True, False, False, True]
        )
        rows = [
            {
                "item": f"{line.sku_id} · {short_name(line.name, line.warehouse_id)}",
                "as_of": line.as_of,
                "quantity": line.quantity,
                "expected": expected_words(line),
                "asked_for": line.asked_for,
                "verdict": tr(VERDICTS[str(line.verdict)]),
                "days_out": line.days_out,
                "overstock": line.overstock,
            }
            for line in held.itertuples(index=False)
        ]
        return pd.DataFrame(rows, columns=list(self.labels))

    def page_frame(self) -> pd.DataFrame:
        """The lines that went wrong most."""
        return self.to_frame().head(SHOWN)

    def findings(self) -> tuple[Finding, ...]:
        """Whether the intervals held, the bias, the empty shelves, the money in overstock."""
        if self.absent():
            return ()
        found = [self._inside(), self._bias(), self._out(), self._overstock()]
        return tuple(finding for finding in found if finding)

    def _inside(self) -> Finding:
        told = self.told
        inside = int(
            ((told["asked_for"] >= told["low"]) & (told["asked_for"] <= told["high"])).sum()
        )
        count = len(told)
        values = {
            "count": show(count, "count"),
            "inside": show(inside, "count"),
            "all": show(len(self.lines), "count"),
        }
        if count < FEWEST:
            text = tr(
                "Of {all} proposed lines whose time has ended {count} can be judged: too few to "
                "tell whether the 80 % intervals hold.",
                **values,
            )
            return Finding(key="proposals/interval", level="info", text=text)
        low, high = _interval(inside, count)
        values |= {
            "share": show(inside / count, "share"),
            "low": show(low, "share"),
            "high": show(high, "share"),
        }
        level: Level = "good"
        if high < WANTED:
            level = "bad"
            text = tr(
                "Of {count} lines {share} lay within their 80 % interval (95 %: {low} to "
                "{high}): demand is less certain than the proposals said.",
                **values,
            )
        elif low > WANTED:
            level = "watch"
            text = tr(
                "Of {count} lines {share} lay within their 80 % interval (95 %: {low} to "
                "{high}): the intervals are wider than need be, and so is the stock.",
                **values,
            )
        else:
            text = tr(
                "Of {count} lines {share} lay within their 80 % interval (95 %: {low} to "
                "{high}), as it should be.",
                **values,
            )
        evidence = {"lines": float(count), "inside": float(inside), "low": low, "high": high}
        return Finding(key="proposals/interval", level=level, text=text, evidence=evidence)

    def _bias(self) -> Finding | None:
        told = self.told
        expected, actual = float(told["expected"].sum()), float(told["asked_for"].sum())
        if not expected > 0:
            return None
        bias = expected / actual - 1 if actual > 0 else float("inf")
        values = {
            "expected": show(round(expected), "count"),
            "actual": show(round(actual), "count"),
        }
        if abs(bias) <= MUCH:
            text = tr("Asked for were {actual} units, against {expected} expected.", **values)
        elif bias > 0:
            text = tr(
                "Asked for were only {actual} units, against {expected} expected: proposals were "
                "too high.",
                **values,
            )
        else:
            text = tr(
                "Asked for were {actual} units, against only {expected} expected: proposals were "
                "too low.",
                **values,
            )
        level: Level = "info" if abs(bias) <= MUCH else "watch"
        evidence = {"expected": expected, "asked_for": actual}
        return Finding(key="proposals/bias", level=level, text=text, evidence=evidence)

    def _out(self) -> Finding | None:
        known = self.lines[self.lines["days_out"].notna()]
        if known.empty:
            return None
        out = int((known["days_out"] > 0).sum())
        asked = float(known["service_level"].mean())
        values = {
            "count": show(len(known), "count"),
            "out": show(out, "count"),
            "share": show(1 - out / len(known), "share"),
            "asked": show(asked, "share"),
        }
        if not out:
            text = tr("None of {count} lines had an empty shelf.", **values)
            return Finding(key="proposals/out", level="good", text=text)
        text = tr(
            "{out} of {count} lines had an empty shelf at times: {share} did not, where {asked} "
            "was asked for.",
            **values,
        )
        _, high = _interval(len(known) - out, len(known))
        level: Level = "bad" if high < asked else "info"
        action = Action(text=tr("see whether the orders were placed as proposed"), owner=self.owner)
        return Finding(
            key="proposals/out",
            level=level,
            text=text,
            evidence={"lines": float(len(known)), "out": float(out), "asked": asked},
            action=action if level == "bad" else None,
        )

    def _overstock(self) -> Finding | None:
        held = self.judged[self.judged["overstock"] > 0]
        if held.empty:
            return None
        money = float(held["overstock"].sum())
        worst = held.iloc[int(held["overstock"].to_numpy().argmax())]
        text = ntr(
            "{count} line was ordered for demand that stayed below its interval: {money} too "
            "much at cost ({name}).",
            "{count} lines were ordered for demand that stayed below their interval: {money} too "
            "much at cost, most of it {name}.",
            len(held),
            count=show(len(held), "count"),
            money=show(money, "money"),
            name=short_name(worst["name"], worst["sku_id"]),
        )
        evidence = {"lines": float(len(held)), "overstock": money}
        return Finding(
            key="proposals/overstock", level="watch", text=text, evidence=evidence, money=money
        )


def _interval(hits: int, count: int) -> tuple[float, float]:
    """Exact 95 % interval of a share (Clopper & Pearson 1934)."""
    from scipy.stats import beta

    low = float(beta.ppf(0.025, hits, count - hits + 1)) if hits else 0.0
    high = float(beta.ppf(0.975, hits + 1, count - hits)) if hits < count else 1.0
    return low, high
