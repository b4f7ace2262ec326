"""What the data show around a fall or a rise: reviews, stock, price, ads, rivals, the day.

A reason is named only where its own figures left their usual range in the same days and
point the same way (a price that rose explains fewer buyers, not more). It is a coincidence
in time, not a proof; the page says "recorded around it".
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ecops_lib.core.formats import is_missing, show
from ecops_lib.core.language import tr
from ecops_lib.core.names import short_name
from ecops_lib.data.calendar import day_words, describe_days
from ecops_lib.data.frames import DAY
from ecops_lib.diagnosis.causes import SPANS, Reason
from ecops_lib.metrics.ad_lines import LINE_WORDS, ad_line

if TYPE_CHECKING:
    import pandas as pd

    from ecops_lib.diagnosis.history import History

BEFORE = 3
"""Days before the fall began in which a cause may lie."""

USUAL = 28
"""Days before that which tell what is usual."""

LATELY = 3
"""Last days of a fall by which spending is told: it may have begun within it."""

LOW_STARS, HIGH_STARS = 2, 5
FEWEST_REVIEWS = 3
CHANCE = 0.01
"""Chance of so many low (or high) ratings at which they count as a run."""

PRICE_STEP, RIVAL_STEP, AD_STEP = 0.05, 0.03, 0.3
"""Smallest change of our price, a rival's price and ad spend that counts [share]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    """What a reason is looked for: a thing, its days, and which way it went."""

    history: History
    day: dt.date
    days: int
    product: str
    channel: str
    rose: bool

    @property
    def since(self) -> dt.date:
        """First day on which a cause may lie."""
        return self.day - (self.days - 1 + BEFORE) * DAY

    def recent(self, rows: pd.DataFrame) -> pd.DataFrame:
        """Rows of the days in which a cause may lie."""
        return rows.loc[(rows["day"] >= str(self.since)) & (rows["day"] <= str(self.day))]

    def usual(self, rows: pd.DataFrame) -> pd.DataFrame:
        """Rows of the days before those."""
        first = self.since - USUAL * DAY
        return rows.loc[(rows["day"] >= str(first)) & (rows["day"] < str(self.since))]


def find_reasons(
    history: History,
    *,
    day: dt.date,
    days: int,
    rose: bool,
    product: str = "",
    channel: str = "",
) -> tuple[Reason, ...]:
    """What is recorded around a fall or rise of a product or a channel.

    Args:
        history: The days before.
        day: The last day of the fall or rise.
        days: How long it has lasted [days].
        rose: Whether it is a rise.
        product: The product, or empty.
        channel: The channel, or empty.

    Returns:
        The reasons, those first whose like was recorded least before, of equals
        the most direct; empty where nothing is recorded.
    """
    case = _Case(history=history, day=day, days=days, product=product, channel=channel, rose=rose)
    looked = (
        *((_stock, _price, _reviews, _refunds, _competitor) if product else ()),
        _ads,
        _ended,
        _events,
        _calendar,
    )
    found = [
        replace(reason, earlier=_earlier(case, look)) for look in looked for reason in look(case)
    ]
    return tuple(sorted(found, key=lambda reason: reason.earlier))


def _earlier(case: _Case, look: Callable[[_Case], tuple[Reason, ...]]) -> int:
    """In how many of the spans of the same length before the like of a reason was recorded."""
    days = (case.day - n * (case.days + BEFORE) * DAY for n in range(1, SPANS + 1))
    return sum(bool(look(replace(case, day=day))) for day in days)


def _stock(case: _Case) -> tuple[Reason, ...]:
    """Hours in which SKUs of the product were out of stock, if they were not before."""
    rows = case.history.rows("inventory", "day", "product_id", "sku_id", "on_hand", "hours_out")
    rows = rows.loc[rows["product_id"] == case.product]
    now = rows.loc[(rows["day"] > str(case.day - case.days * DAY)) & (rows["day"] <= str(case.day))]
    hours, before = _hours_out(now), _hours_out(case.usual(rows))
    if case.rose or hours <= 0:
        return ()
    count, usual_days = now["sku_id"].nunique(), max(case.usual(rows)["day"].nunique(), 1)
    if before / usual_days >= hours / case.days:
        return ()
    out = now.loc[(now["hours_out"] > 0) | (now["on_hand"] == 0), "sku_id"].nunique()
    text = tr(
        "{out} of its {count} SKUs out of stock, {hours} in all",
        out=show(out, "count"),
        count=show(count, "count"),
        hours=show(hours, "hours"),
    )
    return (Reason(kind="stock", text=text, evidence={"skus_out": out, "hours_out": hours}),)


def _hours_out(rows: pd.DataFrame) -> float:
    """SKU-hours out of stock; a SKU with nothing on hand at the end and no hours told has 24."""
    told = rows["hours_out"].astype(float)
    return float(told.where(told.notna(), (rows["on_hand"] == 0) * 24.0).sum())


def _price(case: _Case) -> tuple[Reason, ...]:
    told = [row for row in _recorded(case) if row["kind"] == "price"]
    for row in told:
        before, after = float(row["before"]), float(row["after"])
        if before > 0 and (after > before) != case.rose and after != before:
            text = tr(
                "price changed by {change} on {day} (from {before} to {after})",
                change=show(after / before - 1, "share", sign=True),
                day=show(row["starts_on"], "day"),
                before=show(before, "money"),
                after=show(after, "money"),
            )
            evidence = {"price_before": before, "price_after": after}
            return (Reason(kind="price", text=text, evidence=evidence),)
    return _paid_price(case)


def _paid_price(case: _Case) -> tuple[Reason, ...]:
    """The price paid a unit, where it left the range of its daily values before."""
    if not (case.history.has("orders") and case.history.has("order_items")):
        return ()
    amount = case.history.product_grid("paid_amount", until=case.day)
    units = case.history.product_grid("paid_units", until=case.day)
    if case.product not in units:
        return ()
    end, begin = str(case.day), str(case.day - (case.days - 1) * DAY)
    sold, paid = units[case.product], amount[case.product]
    daily = (paid / sold.where(sold >= FEWEST_REVIEWS)).loc[: str(case.since - DAY)].tail(USUAL)
    now = paid.loc[begin:end].sum() / max(sold.loc[begin:end].sum(), 1)
    usual = float(daily.mean())
    beyond = now > daily.max() if not case.rose else now < daily.min()
    if sold.loc[begin:end].sum() < FEWEST_REVIEWS or not beyond:
        return ()
    if abs(now / usual - 1) < PRICE_STEP:
        return ()
    text = tr(
        "paid a unit: {now} instead of {usual}",
        now=show(now, "money"),
        usual=show(usual, "money"),
    )
    evidence = {"price_before": usual, "price_after": float(now)}
    return (Reason(kind="price", text=text, evidence=evidence),)


def _reviews(case: _Case) -> tuple[Reason, ...]:
    from scipy import stats

    rows = case.history.rows("reviews", "created_at", "product_id", "rating")
    rows = rows.loc[(rows["product_id"] == case.product) & rows["rating"].notna()]
    rating = rows["rating"].astype(float)
    rows = rows.assign(hit=rating >= HIGH_STARS if case.rose else rating <= LOW_STARS)
    now, before = case.recent(rows), case.usual(rows)
    hits, count = int(now["hit"].sum()), len(now)
    usual = (before["hit"].sum() + 0.5) / (len(before) + 1)
    if hits < FEWEST_REVIEWS or stats.binom.sf(hits - 1, count, usual) > CHANCE:
        return ()
    share = float(before["hit"].mean()) if len(before) else float("nan")
    numbers = {
        "hits": show(hits, "count"),
        "count": show(count, "count"),
        "usual": show(share, "share"),
    }
    text = (
        tr("{hits} of {count} new reviews have 5 stars (usually {usual})", **numbers)
        if case.rose
        else tr("{hits} of {count} new reviews have 1 or 2 stars (usually {usual})", **numbers)
    )
    evidence = {"reviews": float(count), "reviews_hit": float(hits), "usual_share": share}
    return (Reason(kind="reviews", text=text, evidence=evidence),)


def _refunds(case: _Case) -> tuple[Reason, ...]:
    """More refund claims than usual against the product, and what most of them say."""
    from scipy import stats

    if case.rose or not case.history.has("refunds"):
        return ()
    rows = case.history.claims
    rows = rows.loc[rows["product_id"] == case.product]
    now, before = case.recent(rows), case.usual(rows)
    count, days = int(now["claims"].sum()), case.days + BEFORE
    usual = (float(before["claims"].sum()) + 0.5) / USUAL * days
    if count < FEWEST_REVIEWS or stats.poisson.sf(count - 1, usual) > CHANCE:
        return ()
    said = now.groupby("reason")["claims"].sum()
    told = tr("{reason} most of all", reason=short_name(said.idxmax())) if len(said) else ""
    text = tr(
        "{count} refund claims in {days}, usually {usual}",
        count=show(count, "count"),
        days=show(days, "days"),
        usual=show(usual, "number"),
    )
    evidence = {"claims": float(count), "usual_claims": usual}
    words = tr("{text} ({more})", text=text, more=told) if told else text
    return (Reason(kind="refunds", text=words, evidence=evidence),)


def _competitor(case: _Case) -> tuple[Reason, ...]:
    columns = ("competitor", "item_id", "our_product_id", "price")
    rows = case.history.rows("competitor_items", "day", *columns)
    rows = rows.loc[(rows["our_product_id"] == case.product) & rows["price"].notna()]
    found = []
    for (name, _), held in rows.sort_values("day").groupby(["competitor", "item_id"]):
        now, before = case.recent(held)["price"], case.usual(held)["price"]
        if now.empty or before.empty:
            continue
        price, usual = float(now.iloc[-1]), float(before.median())
        change = price / usual - 1
        if abs(change) < RIVAL_STEP or (change > 0) != case.rose:
            continue
        text = tr(
            "{competitor} sells its rival item at {now} instead of {usual}",
            competitor=short_name(name),
            now=show(price, "money"),
            usual=show(usual, "money"),
        )
        evidence = {"rival_price_before": usual, "rival_price_after": price}
        found.append(Reason(kind="competitor", text=text, evidence=evidence))
    return tuple(found[:1])


def _ads(case: _Case) -> tuple[Reason, ...]:
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
    if abs(change) < AD_STEP or not beyond:
        return ()
    text = tr(
        "{ads} cost {now} a day instead of {usual} ({change})",
        ads=tr(LINE_WORDS[line]),
        now=show(now, "money"),
        usual=show(past.mean(), "money"),
        change=show(change, "share", sign=True),
    )
    evidence = {"ad_cost": float(now), "usual_ad_cost": float(past.mean())}
    return (Reason(kind="ads", text=text, evidence=evidence),)


def _events(case: _Case) -> tuple[Reason, ...]:
    """Other entries of the shop's own diary: listings, coupons, rules, outages."""
    rows = [row for row in _recorded(case) if row["kind"] not in {"price", "campaign"}]
    return tuple(
        Reason(
            kind="event",
            text=tr(
                "{name} ({day})",
                name=short_name(row["name"], row["kind"]),
                day=show(row["starts_on"], "day"),
            ),
        )
        for row in rows
    )


def _ended(case: _Case) -> tuple[Reason, ...]:
    """Coupons that ended in the days around, which explains a fall."""
    if case.rose:
        return ()
    last, day = str(case.since - DAY), str(case.day - DAY)
    rows = [row for row in _recorded(case, "ends_on", last, day) if row["kind"] == "coupon"]
    return tuple(
        Reason(
            kind="event",
            text=tr(
                "{name} ended ({day})",
                name=short_name(row["name"], row["kind"]),
                day=show(row["ends_on"], "day"),
            ),
        )
        for row in rows
    )


def _recorded(
    case: _Case, column: str = "starts_on", first: str = "", last: str = ""
) -> list[dict[Any, Any]]:
    """Entries of the shop's diary about the thing that begin (or end) in the days around."""
    events = case.history.events
    begun = events[column].between(first or str(case.since), last or str(case.day))
    about = (events["product_id"] == case.product) & bool(case.product)
    about |= (events["channel"] == case.channel) & bool(case.channel)
    about |= events["product_id"].isna() & events["channel"].isna()
    return [dict(row) for row in events.loc[begun & about].to_dict("records")]


def _calendar(case: _Case) -> tuple[Reason, ...]:
    """A holiday, festival phase or campaign that began in the days around."""
    country, events = case.history.settings.country, case.history.events
    columns = ["holiday", "festival", "phase", "event"]
    days = describe_days(case.since - DAY, case.day, country=country, events=events)[columns]
    first, last = days.iloc[0], days.iloc[-1]
    if last.equals(first) or not set(last) - {"", "unannounced"}:
        return ()
    return (Reason(kind="calendar", text=day_words(case.day, country=country, events=events)),)
