"""Which products' conversion and which channels' traffic left their usual range?"""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from ecops_lib.core.formats import is_missing
from ecops_lib.core.language import tr
from ecops_lib.core.names import joined
from ecops_lib.data.schema import table_named
from ecops_lib.diagnosis.counts import ALARM, WINDOWS, Judged, judge_counts
from ecops_lib.diagnosis.history import History
from ecops_lib.diagnosis.levels import expect_level
from ecops_lib.diagnosis.reasons import find_reasons
from ecops_lib.diagnosis.shifts import Shift, Shifts

if TYPE_CHECKING:
    import pandas as pd

    from ecops_lib.diagnosis.counts import Numbers


FEWEST_DAYS = 21
"""Days with traffic from which on it is known what is usual: two weeks before the last."""


def find_conversion_shifts(history: History, *, day: dt.date) -> Shifts:
    """Products whose buyers left the range that their visitors let expect.

    A product's buyers are held against its own conversion of the eight weeks before,
    scaled by what the shop's conversion may be expected to be (weekday, festival), over
    the last 1, 3 and 7 days. Named are those beyond noise at a false-discovery rate of
    ``ALARM`` over all products and both directions.

    Args:
        history: The days before.
        day: The day, the history's last or the one before it.

    Returns:
        The products, the money, and what the data show around them; absent where no
        product's visitors and buyers are told.
    """
    owner = history.settings.owners.get("product", tr("merchandising"))
    if missing := _missing(history, "product", day):
        return Shifts(kind="conversion", day=day, owner=owner, reason=missing)
    visitors = history.traffic_grid("product", "visitors", until=day)
    buyers = history.traffic_grid("product", "paying_buyers", until=day)
    amount = history.traffic_grid("product", "paid_amount", until=day)
    level = expect_level(history.conversion, history=history, day=day, ahead=max(WINDOWS))
    scale = level.on(visitors.index)
    judged = judge_counts(
        buyers.to_numpy(float), visitors.to_numpy(float) * scale, doubt=level.doubt(max(WINDOWS))
    )
    sums = buyers.sum()
    worth = amount.sum() / sums.where(sums > 0)
    found = _beyond(judged, visitors, worth.to_numpy(float))
    named = [replace(shift, name=history.names.get(shift.item, shift.item)) for shift in found]
    return Shifts(
        kind="conversion",
        day=day,
        owner=owner,
        items=tuple(_with_reasons(shift, history, day, "product") for shift in named),
        judged=int(judged.enough.sum()),
    )


def find_traffic_shifts(history: History, *, day: dt.date) -> Shifts:
    """Channels whose visitors left the range of their own past.

    As ``find_conversion_shifts``, with the visitors expected over all channels as the
    scale. Money is the channel's amount a visitor, or the shop's where channels tell none.

    Args:
        history: The days before.
        day: The day, the history's last or the one before it.

    Returns:
        The channels, the money, and what the data show around them; absent where no
        channel's visitors are told.
    """
    owner = history.settings.owners.get("traffic", tr("advertising"))
    if missing := _missing(history, "channel", day):
        return Shifts(kind="traffic", day=day, owner=owner, reason=missing)
    visitors = history.traffic_grid("channel", "visitors", until=day)
    amount = history.traffic_grid("channel", "paid_amount", until=day)
    total = visitors.sum(axis=1, min_count=1)
    level = expect_level(total, history=history, day=day, ahead=max(WINDOWS))
    counts = visitors.to_numpy(float)
    scale = level.on(visitors.index)
    judged = judge_counts(counts, scale + 0 * counts, doubt=level.doubt(max(WINDOWS)))
    shop = history.shop.loc[visitors.index]
    usual = shop["paid_amount"].sum() / shop["visitors"].sum()
    own = amount.sum(min_count=1) / visitors.where(amount.notna()).sum()
    found = _beyond(judged, visitors, own.fillna(usual).to_numpy(float))
    return Shifts(
        kind="traffic",
        day=day,
        owner=owner,
        items=tuple(_with_reasons(shift, history, day, "channel") for shift in found),
        judged=int(judged.enough.sum()),
    )


def _with_reasons(
    shift: Shift, history: History, day: dt.date, what: Literal["product", "channel"]
) -> Shift:
    reasons = find_reasons(
        history, day=day, days=shift.days, rose=not shift.fell, **{what: shift.item}
    )
    return replace(shift, reasons=reasons)


def _missing(history: History, scope: str, day: dt.date) -> str:
    """Why nothing can be judged, and what would help; empty where something can."""
    hint = tr("To fill this section, import {file}.", file=tr(table_named("traffic").hint))
    if not history.has("traffic"):
        return joined(tr("The store holds no traffic."), hint)
    column = "visitors" if scope == "channel" else "paying_buyers"
    grid = history.traffic_grid(scope, column, until=day)
    if grid.empty or grid.iloc[-1].isna().all():
        why = (
            tr("No channel's visitors are told for {day}.", day=day)
            if scope == "channel"
            else tr("No product's visitors and buyers are told for {day}.", day=day)
        )
        return joined(why, hint)
    told = int(grid.notna().any(axis=1).sum())
    if told < FEWEST_DAYS:
        text = tr(
            "Traffic is told for {days} days only; {least} are needed to know what is usual.",
            days=told,
            least=FEWEST_DAYS,
        )
        return joined(text, hint)
    return ""


def _beyond(judged: Judged, visitors: pd.DataFrame, worth: Numbers) -> list[Shift]:
    """The items beyond noise, most money first."""
    grid, found = visitors.fillna(0.0).to_numpy(float), []
    q = judged.q
    for place in range(visitors.shape[1]):
        if not q[place] <= ALARM:
            continue
        days = int(judged.days[place])
        seen, expected = float(judged.seen[place]), float(judged.expected[place])
        item = str(visitors.columns[place])
        shift = Shift(
            item=item,
            name=item,
            days=days,
            visitors=float(grid[-days:, place].sum()),
            seen=seen,
            expected=expected,
            low=float(judged.low[place]),
            high=float(judged.high[place]),
            q=float(q[place]),
            money=(seen - expected) * float(worth[place]),
        )
        found.append(shift)
    return sorted(found, key=lambda s: (is_missing(s.money), -abs(s.money), s.item))
