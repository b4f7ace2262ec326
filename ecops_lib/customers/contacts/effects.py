"""The judgement of past mailings: tables and sentences."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal, cast

from ecops_lib.core.charts import Chart, interval_chart
from ecops_lib.core.findings import Action, Finding, Level
from ecops_lib.core.formats import Unit, is_missing, show
from ecops_lib.core.language import mark, ntr, tr
from ecops_lib.core.names import short_name
from ecops_lib.core.results import Result
from ecops_lib.customers.contacts.calibration import Gain

if TYPE_CHECKING:
    import pandas as pd

State = Literal["judged", "open", "uncontrolled", "unsent", "doubtful"]

STATES: Mapping[State, str] = {
    "judged": mark("judged"),
    "open": mark("window not over"),
    "uncontrolled": mark("nobody held out"),
    "unsent": mark("nobody contacted"),
    "doubtful": mark("groups not alike"),
}
MOST_TOLD = 4
"""Mailings that findings tell of one by one; the table holds all."""


@dataclass(frozen=True, kw_only=True, eq=False)
class ContactEffects(Result):
    """What past mailings brought, each against the customers held out of it.

    Attributes:
        frame: One row a mailing, with all figures (``columns``); those of mailings that
            cannot be judged are missing.
        lift: Pooled difference of the shares of buyers; None without a judged mailing.
        worth: Pooled difference of net amounts a customer; None without one.
        profit: Profit of all judged mailings together, after their cost; None without any.
        as_of: Last local day that counts.
        window_days: Days from the sending in which orders count.
        margin: Share of the net amount that is profit.
        hold_out: Planned share held out; None where it is not known.
        nameless: Messages that name no customer; in no figure.
        crossed: Customers both contacted and held out in one mailing; in no figure.
        owner: Who sees to it.
    """

    sheet: ClassVar[str] = mark("Past contacts")
    units: ClassVar[Mapping[str, Unit]] = {
        "sent": "day",
        "contacted": "count",
        "held_out": "count",
        "share": "share",
        "share_held": "share",
        "lift": "points",
        "lift_low": "points",
        "lift_high": "points",
        "orders": "number",
        "worth": "money",
        "worth_low": "money",
        "worth_high": "money",
        "cost": "money",
        "profit": "money",
        "profit_low": "money",
        "profit_high": "money",
        "overlapping": "count",
    }
    labels: ClassVar[Mapping[str, str]] = {
        "contact_id": mark("Mailing"),
        "message": mark("Message"),
        "sent": mark("Sent"),
        "contacted": mark("Contacted"),
        "held_out": mark("Held out"),
        "share": mark("Contacted: bought"),
        "share_held": mark("Held out: bought"),
        "lift": mark("Difference"),
        "lift_low": mark("from"),
        "lift_high": mark("to"),
        "worth": mark("Net amount a customer, difference"),
        "worth_low": mark("from"),
        "worth_high": mark("to"),
        "cost": mark("Cost"),
        "profit": mark("Profit after cost"),
        "profit_low": mark("from"),
        "profit_high": mark("to"),
        "overlapping": mark("In another mailing meanwhile"),
        "state": mark("State"),
    }
    columns: ClassVar[tuple[str, ...]] = (
        "contact_id", "message", "sent", "until", "contacted", "held_out", "share", "share_held",
        "lift", "lift_low", "lift_high", "lift_error", "orders", "orders_low", "orders_high",
        "amount", "amount_held", "worth", "worth_low", "worth_high", "worth_error", "cost",
        "unpriced", "opened", "profit", "profit_low", "profit_high", "profit_error",
        "overlapping", "split_p", "before_p", "few", "state",
    )  # fmt: skip

    frame: pd.DataFrame
    lift: Gain | None
    worth: Gain | None
    profit: Gain | None
    as_of: dt.date
    window_days: int
    margin: float
    hold_out: float | None
    nameless: int
    crossed: int
    owner: str

    def absent(self) -> str:
        """That there is no message by the day."""
        if len(self.frame):
            return ""
        return tr("No message was sent by {day}.", day=show(self.as_of, "day"))

    def to_frame(self) -> pd.DataFrame:
        """One row a mailing, the latest first."""
        held = self.frame.iloc[::-1].reset_index(drop=True)
        return held.assign(state=[tr(STATES[state]) for state in held["state"]])[[*self.labels]]

    def page_frame(self) -> pd.DataFrame:
        """The mailings without what the findings say in words."""
        shown = ("message", "sent", "contacted", "held_out", "share", "share_held", "profit",
                 "profit_low", "profit_high", "state")  # fmt: skip
        return self.to_frame()[[*shown]]

    def chart(self) -> Chart | None:
        """Profit of the judged mailings with their intervals."""
        held = self.frame[self.frame["profit_low"].notna()]
        if held.empty:
            return None
        rows = held.assign(name=[self._name(row) for row in _records(held)])
        return interval_chart(
            rows.iloc[::-1],
            caption=tr("Profit of past mailings after their cost"),
            unit="money",
            better=["up"] * len(rows),
            value="profit",
            low="profit_low",
            high="profit_high",
        )

    def findings(self) -> tuple[Finding, ...]:
        """All mailings together, each of the largest, and what stands in the way."""
        rows = _records(self.frame)
        judged = [row for row in rows if row["state"] == "judged"]
        largest = sorted(judged, key=lambda row: -abs(row["profit"]))[:MOST_TOLD]
        found = [self._together(len(judged)), *map(self._one, largest)]
        found += [self._doubtful(row) for row in rows if row["state"] == "doubtful"]
        found += [self._untold(rows), self._open(rows), self._overlap(rows), self._left_out()]
        found += [self._unpriced(rows), self._openers(rows)]
        return tuple(finding for finding in found if finding)

    def _name(self, row: Mapping[str, Any]) -> str:
        """A mailing's message, or its number where the message differs or is not told."""
        return short_name(row["message"], row["contact_id"])

    def _together(self, judged: int) -> Finding | None:
        if judged < 2 or self.profit is None or self.lift is None:
            return None
        values = {
            "count": show(judged, "count"),
            "profit": show(self.profit.value, "money", sign=True),
            "low": show(self.profit.low, "money", sign=True),
            "high": show(self.profit.high, "money", sign=True),
            "lift": show(self.lift.value, "points", sign=True),
            "lift_low": show(self.lift.low, "points", sign=True),
            "lift_high": show(self.lift.high, "points", sign=True),
            "margin": show(self.margin, "share"),
        }
        level = _level(self.profit.low, self.profit.high)
        if level == "good":
            text = tr(
                "The {count} mailings judged paid: {profit} after their cost ({low} to {high}), at "
                "a margin of {margin}; contacted customers bought {lift} more often ({lift_low} "
                "to {lift_high}, pooled).",
                **values,
            )
        elif level == "bad":
            text = tr(
                "The {count} mailings judged lost money: {profit} after their cost ({low} to "
                "{high}), at a margin of {margin}; the share of buyers changed by {lift} "
                "({lift_low} to {lift_high}, pooled).",
                **values,
            )
        else:
            text = tr(
                "Whether the {count} mailings judged paid cannot be told: {profit} after their "
                "cost ({low} to {high}), at a margin of {margin}; the share of buyers changed by "
                "{lift} ({lift_low} to {lift_high}, pooled).",
                **values,
            )
        return Finding(
            key="contacts/together",
            level=level,
            text=text,
            evidence={"profit": self.profit.value, "lift": self.lift.value},
            money=abs(self.profit.value),
        )

    def _one(self, row: Mapping[str, Any]) -> Finding:
        values = {
            "message": self._name(row),
            "day": show(row["sent"], "day"),
            "profit": show(row["profit"], "money", sign=True),
            "low": show(row["profit_low"], "money", sign=True),
            "high": show(row["profit_high"], "money", sign=True),
            "share": show(row["share"], "share"),
            "held": show(row["share_held"], "share"),
            "days": show(self.window_days, "days"),
        }
        level = "info" if row["few"] else _level(row["profit_low"], row["profit_high"])
        if level == "good":
            text = tr(
                "{message} of {day} paid: {profit} after its cost ({low} to {high}); within {days} "
                "{share} of the contacted bought and {held} of those held out.",
                **values,
            )
        elif level == "bad":
            text = tr(
                "{message} of {day} lost money: {profit} after its cost ({low} to {high}); within "
                "{days} {share} of the contacted bought and {held} of those held out.",
                **values,
            )
        elif row["few"]:
            text = tr(
                "Whether {message} of {day} paid cannot be told, for too few bought: within {days} "
                "{share} of the contacted and {held} of those held out.",
                **values,
            )
        elif is_missing(row["profit_low"]):
            text = tr(
                "Whether {message} of {day} paid cannot be told, for what was paid does not "
                "differ: within {days} {share} of the contacted bought and {held} of those held "
                "out.",
                **values,
            )
        else:
            text = tr(
                "Whether {message} of {day} paid cannot be told: {profit} after its cost ({low} to "
                "{high}); within {days} {share} of the contacted bought and {held} of those held "
                "out.",
                **values,
            )
        return Finding(
            key=f"contacts/mailing/{row['contact_id']}",
            level=level,
            text=text,
            evidence={name: row[name] for name in ("profit", "profit_low", "profit_high", "lift")},
            money=abs(row["profit"]),
        )

    def _doubtful(self, row: Mapping[str, Any]) -> Finding:
        values = {"message": self._name(row), "day": show(row["sent"], "day")}
        if math.isnan(row["before_p"]) or row["split_p"] < row["before_p"]:
            text = tr(
                "{message} of {day} held out {share} of its customers, not the planned {planned} "
                "(p-value {p}); find out why before its effect is read.",
                **values,
                share=show(row["held_out"] / (row["held_out"] + row["contacted"]), "share"),
                planned=show(self.hold_out, "share"),
                p=show(row["split_p"], "p_value"),
            )
        else:
            text = tr(
                "Those contacted and those held out of {message} of {day} bought unlike already "
                "before the sending (p-value {p}), so they were not drawn at random; its effect "
                "cannot be told.",
                **values,
                p=show(row["before_p"], "p_value"),
            )
        numbers = {"split_p": row["split_p"], "before_p": row["before_p"]}
        key = f"contacts/doubtful/{row['contact_id']}"
        return Finding(key=key, level="bad", text=text, evidence=numbers)

    def _untold(self, rows: list[dict[str, Any]]) -> Finding | None:
        held = [row for row in rows if row["state"] == "uncontrolled"]
        if not held:
            return None
        text = ntr(
            "What {count} mailing to {people} customers brought cannot be told, because nobody was "
            "held out: {names}.",
            "What {count} mailings to {people} customers brought cannot be told, because nobody "
            "was held out: {names}.",
            len(held),
            count=show(len(held), "count"),
            people=show(sum(row["contacted"] for row in held), "count"),
            names=tr(", ").join(self._name(row) for row in held[-MOST_TOLD:]),
        )
        action = Action(
            text=tr("Hold out a random tenth next time (ecops contact-list does)."),
            owner=self.owner,
        )
        numbers = {"mailings": float(len(held))}
        key = "contacts/uncontrolled"
        return Finding(key=key, level="watch", text=text, evidence=numbers, action=action)

    def _open(self, rows: list[dict[str, Any]]) -> Finding | None:
        held = [row for row in rows if row["state"] == "open"]
        if not held:
            return None
        text = ntr(
            "{count} mailing is not judged yet, for its {days} are not over: {names}.",
            "{count} mailings are not judged yet, for their {days} are not over: {names}.",
            len(held),
            count=show(len(held), "count"),
            days=show(self.window_days, "days"),
            names=tr(", ").join(
                tr(
                    "{message} (until {day})",
                    message=self._name(row),
                    day=show(row["until"], "day"),
                )
                for row in held[-MOST_TOLD:]
            ),
        )
        numbers = {"mailings": float(len(held))}
        return Finding(key="contacts/open", level="info", text=text, evidence=numbers)

    def _overlap(self, rows: list[dict[str, Any]]) -> Finding | None:
        twice, all_ = (sum(row[n] for row in rows) for n in ("overlapping", "contacted"))
        all_ += sum(row["held_out"] for row in rows)
        if not twice:
            return None
        text = tr(
            "{count} of {all} customers of mailings were in another mailing within {days}; what a "
            "mailing brought is what it added to the others.",
            count=show(twice, "count"),
            all=show(all_, "count"),
            days=show(self.window_days, "days"),
        )
        return Finding(
            key="contacts/overlap", level="info", text=text, evidence={"customers": float(twice)}
        )

    def _left_out(self) -> Finding | None:
        if not self.nameless + self.crossed:
            return None
        text = tr(
            "Left out: {nameless} messages that name no customer, and {crossed} customers both "
            "contacted and held out in one mailing.",
            nameless=show(self.nameless, "count"),
            crossed=show(self.crossed, "count"),
        )
        numbers = {"nameless": float(self.nameless), "crossed": float(self.crossed)}
        return Finding(key="contacts/left_out", level="watch", text=text, evidence=numbers)

    def _unpriced(self, rows: list[dict[str, Any]]) -> Finding | None:
        count = sum(row["unpriced"] for row in rows)
        if not count:
            return None
        text = ntr(
            "{count} message tells no cost and counts as free.",
            "{count} messages tell no cost and count as free.",
            count,
            count=show(count, "count"),
        )
        return Finding(
            key="contacts/unpriced", level="watch", text=text, evidence={"messages": float(count)}
        )

    def _openers(self, rows: list[dict[str, Any]]) -> Finding | None:
        opened = sum(row["opened"] for row in rows)
        if not opened:
            return None
        text = tr(
            "{count} messages were opened. Those who open are not compared with those who do not: "
            "they chose to, and would have bought more anyway.",
            count=show(opened, "count"),
        )
        return Finding(
            key="contacts/opened", level="info", text=text, evidence={"opened": float(opened)}
        )


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows by column."""
    return cast("list[dict[str, Any]]", frame.to_dict("records"))


def _level(low: float, high: float) -> Level:
    """Good where a profit's interval lies above zero, bad below, else nothing is told."""
    return "good" if low > 0 else "bad" if high < 0 else "info"
