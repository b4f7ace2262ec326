"""What was spent on winning customers, by the channel that it feeds.

The name of a channel and that of a kind of ads belong together where they tell the same
kind (直通车 and ``keyword``) or are the same. Of the costs sheet, only kinds that are named
like a channel or a kind of ads are spend on customers; goods and freight are not.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import narwhals as nw

from ecops_lib.core.language import tr
from ecops_lib.core.names import short_name
from ecops_lib.customers.orders import EXACT
from ecops_lib.data import frames
from ecops_lib.metrics.ad_lines import AD_LINES, LINE_WORDS, ad_line
from ecops_lib.metrics.bases import Tables

if TYPE_CHECKING:
    import pandas as pd

UNTOLD = ""
"""Group of customers whose first order names no channel, and of ads that tell no kind."""
EXACT_WORDS = {word: line for line, words in AD_LINES.items() for word in words}


@dataclass(frozen=True, slots=True, kw_only=True)
class Spending:
    """Spend on customers in a span of days.

    Attributes:
        by_group: Spend by group of channels [store currency].
        start: First day that counts: the later of the first asked for and the first told.
        end: Last day that counts.
        doubled: Costs left out, as the ad reports tell of the same spend [store currency].
    """

    by_group: Mapping[str, float] = field(default_factory=dict)
    start: dt.date
    end: dt.date
    doubled: float = 0.0

    @property
    def total(self) -> float:
        """All of it [store currency]."""
        return sum(self.by_group.values())


def channel_group(channel: object) -> str:
    """What a channel is put together with: its kind of ads, or itself.

    >>> channel_group("直通车"), channel_group("search"), channel_group(None)
    ('keyword', 'search', '')
    """
    name = str(channel) if isinstance(channel, str) else UNTOLD
    return ad_line(name) or name


def group_name(group: str, channels: Collection[str]) -> str:
    """A group as people call it: its channels, or the kind of ads; cut to one line."""
    if channels:
        return short_name(tr(", ").join(sorted(map(short_name, channels))))
    if group in LINE_WORDS and group:
        return tr(LINE_WORDS[group])
    return short_name(group) if group else tr("not told")


def spend_span(tables: Tables) -> tuple[dt.date, dt.date] | None:
    """First and last day that spend is told of; None where it never is."""
    held = [tables.span(name, "day") for name in ("ads", "costs") if tables.has(name)]
    return next((span for span in held if span), None)


def read_spending(
    tables: Tables,
    *,
    start: dt.date,
    end: dt.date,
    channels: Collection[str],
    feeds: Mapping[str, str],
) -> Spending:
    """Sum the spend of days that the source tells of, by group of channels.

    Args:
        tables: The source.
        start: First day.
        end: Last day.
        channels: Names of the channels that customers came through.
        feeds: Channel that spend of a name feeds, where the names do not tell.
    """
    told: dict[str, float] = {}
    for name, cost in _sums(tables, "ads", "product_line", "cost", start, end).items():
        group = channel_group(feeds.get(name, name))
        told[group] = told.get(group, 0.0) + cost
    doubled = 0.0
    more: dict[str, float] = {}
    for name, cost in _sums(tables, "costs", "kind", "amount", start, end).items():
        group = _cost_group(name, channels, feeds)
        if group and group in told:
            doubled += cost
        elif group:
            more[group] = more.get(group, 0.0) + cost
    return Spending(by_group={**told, **more}, start=start, end=end, doubled=doubled)


def _cost_group(kind: str, channels: Collection[str], feeds: Mapping[str, str]) -> str:
    """The group that a kind of costs feeds; empty where it wins no customers."""
    if kind in feeds:
        return channel_group(feeds[kind])
    if kind in channels:
        return channel_group(kind)
    return EXACT_WORDS.get(kind.strip().lower(), "")


def _sums(
    tables: Tables, table: str, by: str, value: str, start: dt.date, end: dt.date
) -> dict[str, float]:
    """Sums by name; a missing name is ``UNTOLD``."""
    if not tables.has(table):
        return {}
    rows = tables.lazy(table, start=start, end=end)
    rows = rows.filter((nw.col("day") >= start) & (nw.col("day") <= end))
    rows = rows.select(name=nw.col(by), value=nw.col(value).cast(EXACT))
    held: pd.DataFrame = frames.bring(rows.group_by("name").agg(nw.col("value").sum()))
    found: dict[str, float] = {}
    for name, cost in zip(held["name"], held["value"], strict=True):
        key = name if isinstance(name, str) else UNTOLD
        found[key] = found.get(key, 0.0) + float(cost)
    return {name: found[name] for name in sorted(found)}
