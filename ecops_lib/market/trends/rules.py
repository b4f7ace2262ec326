"""Rule changes of the platform, and what our figures did around them."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import narwhals as nw
import numpy as np
from numpy.typing import NDArray

from ecops_lib.core.checks import as_day
from ecops_lib.core.findings import Action, Finding
from ecops_lib.core.formats import Unit, show
from ecops_lib.core.language import mark, tr
from ecops_lib.core.names import short_name
from ecops_lib.core.results import Result
from ecops_lib.data import frames
from ecops_lib.market.trends.placebos import AFTER, LEAST_BEFORE, Figures, read_figures
from ecops_lib.metrics import metric_named
from ecops_lib.metrics.anomalies import adjust_p_values
from ecops_lib.metrics.bases import Source, Tables

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]
RATE = 0.1
"""Share of the effects told that may be so by chance."""
SHOWN, TOLD = 15, 4
COLUMNS = ("event_id", "kind", "name", "starts_on", "ends_on", "product_id", "channel")
UNTOLD: Mapping[str, str] = {
    "early": mark("fewer than {days} have passed"),
    "before": mark("too few ordinary days lie before it"),
    "others": mark("too few ordinary weeks are there to compare with"),
    "overlap": mark("“{other}” falls into the same days"),
    "festival": mark("holidays or festivals fill the week after it"),
    "none": mark("the figure was not recorded then"),
}


@dataclass(frozen=True, kw_only=True, eq=False)
class RuleChanges(Result):
    """Rule changes with what each figure did in the week from them on.

    Attributes:
        frame: One row a rule change and figure, the newest change first: ``event_id``, ``day``,
            ``rule`` (its name), ``channel``, ``metric`` (key), ``figure`` (its label), ``actual``
            and ``expected`` (mean of a day), ``effect`` (actual over expected beside what other
            weeks show, less 1) with its 95 % limits ``low`` and ``high``, ``p``, ``q`` (adjusted
            for their number), ``why`` (why nothing is told; empty where something is). A change
            of which nothing can be told has one row without a figure.
        rate: Share of the effects told that may be so by chance.
    """

    sheet: ClassVar[str] = mark("Rule changes")
    labels: ClassVar[Mapping[str, str]] = {
        "day": mark("Day"),
        "rule": mark("Rule change"),
        "figure": mark("Figure"),
        "effect": mark("Against the expected, in the week from it on"),
        "low": mark("95%, low"),
        "high": mark("95%, high"),
        "told": mark("What can be told"),
    }
    units: ClassVar[Mapping[str, Unit]] = {
        "day": "day", "effect": "share", "low": "share", "high": "share",
    }  # fmt: skip

    frame: pd.DataFrame
    rate: float

    @property
    def moved(self) -> pd.DataFrame:
        """The figures that left their expected path, the clearest of the newest change first."""
        sure = self.frame[self.frame["q"] <= self.rate]
        return sure.sort_values(["day", "q"], ascending=[False, True], kind="stable")

    def to_frame(self) -> pd.DataFrame:
        """One row a change and figure."""
        rows = self.frame.assign(told=[self._told(row) for _, row in self.frame.iterrows()])
        return rows[list(self.labels)]

    def page_frame(self) -> pd.DataFrame:
        """The newest."""
        return self.to_frame().head(SHOWN)

    def _told(self, row: pd.Series) -> str:
        if row["why"]:
            return tr("cannot be told: {why}", why=row["why"])
        if row["q"] <= self.rate:
            return tr("fell") if row["effect"] < 0 else tr("rose")
        return tr("no change can be shown")

    def findings(self) -> tuple[Finding, ...]:
        """What each of the newest changes did, or why that cannot be told."""
        if self.frame.empty:
            text = tr(
                "No rule change is recorded; write each into shop_events.csv as kind “rule”, with "
                "its first day."
            )  # fmt: skip
            return (Finding(key="rules/none", level="info", text=text),)
        newest = self.frame.drop_duplicates("event_id").head(TOLD)["event_id"]
        return tuple(self._change(self.frame[self.frame["event_id"] == event]) for event in newest)

    def _change(self, rows: pd.DataFrame) -> Finding:
        head = rows.iloc[0]
        key, named = f"rules/{head['event_id']}", short_name(head["rule"], head["event_id"])
        given = {"rule": named, "day": show(head["day"], "day"), "days": show(AFTER, "days")}
        if (rows["why"] != "").all():
            text = tr("What “{rule}” of {day} did cannot be told: {why}.", **given, why=head["why"])
            return Finding(key=key, level="info", text=text)
        moved = rows[rows["q"] <= self.rate].sort_values("q", kind="stable")
        if moved.empty:
            text = tr(
                "In the {days} from “{rule}” ({day}) on none of {count} figures left its expected "
                "path as far as can be told.", **given,
                count=show(int((rows["why"] == "").sum()), "count"),
            )  # fmt: skip
            return Finding(key=key, level="info", text=text)
        return self._moved(moved, key, given)

    def _moved(self, moved: pd.DataFrame, key: str, given: Mapping[str, str]) -> Finding:
        row = moved.iloc[0]
        fell = row["effect"] < 0
        words = {
            **given, "figure": row["figure"], "size": show(abs(row["effect"]), "share"),
            "low": show(row["low"], "share", sign=True),
            "high": show(row["high"], "share", sign=True),
        }  # fmt: skip
        text = tr("In the {days} from “{rule}” ({day}) on, {figure} lay {size} above the expected "
                  "({low} to {high}).", **words)  # fmt: skip
        if fell:
            text = tr("In the {days} from “{rule}” ({day}) on, {figure} lay {size} below the "
                      "expected ({low} to {high}).", **words)  # fmt: skip
        paid = moved[(moved["metric"] == "paid_amount") & (moved["effect"] < 0)]
        lost = float(AFTER * (paid["expected"] - paid["actual"]).sum()) if len(paid) else None
        action = Action(text=tr("read the new rule and put right what it asks for"),
                        owner=tr("operations"))  # fmt: skip
        return Finding(
            key=key, level="watch" if fell else "good", text=text, money=lost,
            evidence={"effect": float(row["effect"]), "q": float(row["q"])},
            action=action if fell else None,
        )  # fmt: skip


def list_rule_changes(
    source: Source,
    *,
    as_of: dt.date | str,
    rate: float = RATE,
    country: str | None = None,
    time_zone: str | None = None,
) -> RuleChanges:
    """List the platform's rule changes and what our figures did in the week from each on.

    What was to be expected is the mean of the 28 days before, weekday by weekday, ordinary days
    alone: festivals, holidays and campaigns are left out on both sides. The ratio of what came is
    held against the same ratio at every other week of the record (its placebos); the interval is
    the inversion of that test. Nothing is told where the week is not over, ordinary days are too
    few, or another event of the whole shop falls into the same days, since then nobody can say
    which of them did it.

    Args:
        source: A store, or tables by canonical name; needs ``shop_events`` and ``orders``;
            ``traffic`` adds visitors and conversion.
        as_of: Last local day that counts.
        rate: Share of the effects told that may be so by chance.
        country: ISO code of the calendar; the store's by default.
        time_zone: IANA zone of the days; the store's by default.

    Raises:
        MissingDataError: A table lacks, or no order was paid up to that day.
    """
    import pandas as pd

    last = as_day(as_of, name="as_of")
    tables = Tables(source, time_zone=time_zone)
    tables.require("shop_events", "orders")
    events = read_diary(tables)
    rules = events[(events["kind"] == "rule") & (events["starts_on"] <= last)]
    rules = rules.sort_values(["starts_on", "event_id"], ascending=False, kind="stable")
    columns = ["event_id", "day", "rule", "channel", "metric", "figure", "actual", "expected",
               "effect", "low", "high", "p", "why"]  # fmt: skip
    rows: list[dict[str, object]] = []
    if len(rules):
        channels = sorted(set(rules["channel"]) - {""})
        figures = read_figures(tables, last, channels=channels, country=country)
        busy = [figures.place(day) for day in rules["starts_on"]]
        for rule in rules.to_dict("records"):
            rows += _study(figures, events, rule, busy)
    frame = pd.DataFrame(rows, columns=columns)
    frame["q"] = math.nan
    tried = frame["p"].notna()
    frame.loc[tried, "q"] = adjust_p_values(frame.loc[tried, "p"].to_numpy(float))
    return RuleChanges(frame=frame, rate=rate)


def read_diary(tables: Tables) -> pd.DataFrame:
    """The shop's events with their days; text that lacks is empty, an open end its first day."""
    import pandas as pd

    rows = tables.lazy("shop_events").filter(~nw.col("starts_on").is_null())
    have = rows.collect_schema().names()
    held = frames.bring(rows.select(*(n for n in COLUMNS if n in have)), sort=["event_id"])
    held = held.reindex(columns=list(COLUMNS))
    first, last = (pd.to_datetime(held[name]) for name in ("starts_on", "ends_on"))
    held["starts_on"], held["ends_on"] = first.dt.date, last.fillna(first).dt.date
    texts = ["event_id", "kind", "name", "product_id", "channel"]
    held[texts] = held[texts].astype(object).where(held[texts].notna(), "")
    return held


def _study(
    figures: Figures, events: pd.DataFrame, rule: Mapping[Any, Any], busy: list[int]
) -> list[dict[str, object]]:
    """The rows of one rule change: a row a figure, each with an effect or a reason."""
    at, head = figures.place(rule["starts_on"]), {
        "event_id": rule["event_id"], "day": rule["starts_on"], "channel": rule["channel"],
        "rule": rule["name"] or rule["event_id"],
    }  # fmt: skip
    why = _why_untold(figures, events, rule, at)
    if why:
        return [{**head, "metric": "", "figure": "", "why": why}]
    found: list[dict[str, object]] = []
    for metric, channel in figures.keys:
        if channel and channel != rule["channel"]:
            continue
        row = {**head, "metric": metric, "figure": _label(metric, channel)}
        held = figures.effect((metric, channel), at, busy)
        if isinstance(held, str):
            found.append({**row, "why": _untold(held)})
            continue
        found.append({**row, **held, "why": ""})
    return found


def _why_untold(figures: Figures, events: pd.DataFrame, rule: Mapping[Any, Any], at: int) -> str:
    """Why nothing can be told of a change, whatever the figure; empty where something can."""
    if at < LEAST_BEFORE:
        return _untold("before")
    if at + AFTER > figures.count:
        return _untold("early", days=show(AFTER, "days"))
    first = rule["starts_on"] - dt.timedelta(days=AFTER - 1)
    until = rule["starts_on"] + dt.timedelta(days=AFTER - 1)
    near = events[
        (events["event_id"] != rule["event_id"]) & (events["product_id"] == "")
        & (events["kind"] != "campaign")
        & (events["starts_on"].map(lambda day: first <= day <= until)
           | events["ends_on"].map(lambda day: first <= day <= until))
    ]  # fmt: skip
    if len(near):
        other = near.iloc[0]
        return _untold("overlap", other=short_name(other["name"], other["event_id"]))
    return _untold("festival") if figures.crowded(at) else ""


def _untold(reason: str, **values: object) -> str:
    """Why nothing is told, in the reader's language."""
    words = UNTOLD[reason]
    return tr(words, **values)


def _label(metric: str, channel: str) -> str:
    label = tr(metric_named(metric).label)
    if not channel:
        return label
    return tr("{metric} of {channel}", metric=label, channel=short_name(channel))
