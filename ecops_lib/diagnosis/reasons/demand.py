"""What brought visitors: ads, search terms, the shop's own changes, the calendar."""

from __future__ import annotations

import re

from ecops_lib.core.formats import is_missing, show
from ecops_lib.core.language import tr
from ecops_lib.core.names import short_name
from ecops_lib.data.calendar import day_words, describe_days
from ecops_lib.data.calendar.festivals import FESTIVALS
from ecops_lib.data.calendar.national import holiday_label
from ecops_lib.data.frames import DAY
from ecops_lib.diagnosis.causes import Reason
from ecops_lib.diagnosis.reasons.case import USUAL, Case
from ecops_lib.metrics.ad_lines import LINE_WORDS, ad_line

LATELY = 3
"""Last days of a fall by which spending is told: it may have begun within it."""

SEARCH = re.compile("搜索|search", re.IGNORECASE)
"""Channels that search terms feed."""

STEP = 0.3
"""Smallest change of ad spend, or of the visitors by a term, that counts [share]."""


def in_ads(case: Case) -> tuple[Reason, ...]:
    """Spend of the product, or of the line that feeds the channel, beyond its range."""
    line = ad_line(case.channel)
    if case.channel and not line:
        return ()
    rows = case.history.rows("ads", "day", "product_id", "product_line", "cost")
    chosen = (
        rows["product_id"] == case.product
        if case.product
        else rows["product_line"].map(ad_line, na_action="ignore") == line
    )
    daily = rows.loc[chosen].groupby("day")["cost"].sum().astype(float)
    now = daily.loc[str(case.day - (min(case.days, LATELY) - 1) * DAY) : str(case.day)].mean()
    past = daily.loc[str(case.since - USUAL * DAY) : str(case.since - DAY)]
    if is_missing(now) or len(past) < 7 or past.mean() <= 0:
        return ()
    change = now / past.mean() - 1
    beyond = now > past.max() if case.rose else now < past.min()
    if abs(change) < STEP or not beyond:
        return ()
    text = tr(
        "{ads} cost {now} a day instead of {usual} ({change})",
        ads=tr(LINE_WORDS[line]),
        now=show(now, "money"),
        usual=show(past.mean(), "money"),
        change=show(change, "share", sign=True),
    )
    evidence = {"ad_cost": float(now), "usual_ad_cost": float(past.mean())}
    name = tr(LINE_WORDS[line])
    return (Reason(kind="ads", text=text, evidence=evidence, about=line, name=name),)


def in_diary(case: Case) -> tuple[Reason, ...]:
    """Other entries of the shop's own diary: listings, coupons, rules, outages."""
    rows = [row for row in case.recorded() if row["kind"] not in {"price", "campaign"}]
    return tuple(
        Reason(
            kind="event",
            text=tr(
                "{name} ({day})",
                name=short_name(row["name"], row["kind"]),
                day=show(row["starts_on"], "day"),
            ),
            about=short_name(row["name"], row["kind"]),
        )
        for row in rows
    )


def of_ended(case: Case) -> tuple[Reason, ...]:
    """Coupons that ended in the days around, which explains a fall."""
    if case.rose:
        return ()
    last, day = str(case.since - DAY), str(case.day - DAY)
    rows = [row for row in case.recorded("ends_on", last, day) if row["kind"] == "coupon"]
    return tuple(
        Reason(
            kind="event",
            text=tr(
                "{name} ended ({day})",
                name=short_name(row["name"], row["kind"]),
                day=show(row["ends_on"], "day"),
            ),
            about=short_name(row["name"], row["kind"]),
        )
        for row in rows
    )


def in_calendar(case: Case) -> tuple[Reason, ...]:
    """A holiday, festival phase or campaign that began in the days around."""
    country, events = case.history.settings.country, case.history.events
    columns = ["holiday", "festival", "phase", "event"]
    days = describe_days(case.since - DAY, case.day, country=country, events=events)[columns]
    first, last = days.iloc[0], days.iloc[-1]
    if last.equals(first) or not set(last) - {"", "unannounced"}:
        return ()
    about = next(name for name in last.drop("phase") if name not in {"", "unannounced"})
    label = tr(FESTIVALS[about]) if about in FESTIVALS else holiday_label(about)
    text = day_words(case.day, country=country, events=events)
    return (Reason(kind="calendar", text=text, about=about, name=label),)


def in_searches(case: Case) -> tuple[Reason, ...]:
    """The search term that lost (or won) most visitors, where it left its daily range."""
    if not SEARCH.search(case.channel):
        return ()
    rows = case.history.terms
    days = min(case.days, LATELY)
    now, before = case.lately(rows, days), case.usual(rows)
    if now.empty or before.empty:
        return ()
    daily = before.pivot_table(index="day", columns="term", values="visitors", fill_value=0.0)
    lately = (now.groupby("term")["visitors"].sum() / days).reindex(daily.columns, fill_value=0.0)
    moved = (lately - daily.mean()) * (1 if case.rose else -1)
    term = str(moved.idxmax())
    seen, usual = float(lately[term]), float(daily[term].mean())
    beyond = seen > daily[term].max() if case.rose else seen < daily[term].min()
    if not beyond or abs(seen / usual - 1) < STEP:
        return ()
    text = tr(
        "the search term “{term}” brought {now} visitors a day instead of {usual}",
        term=short_name(term),
        now=show(seen, "number"),
        usual=show(usual, "number"),
    )
    evidence = {"visitors": seen, "usual": usual}
    return (Reason(kind="search", text=text, evidence=evidence, about=term),)
