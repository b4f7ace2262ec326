"""What was offered: stock, price, and what a rival asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ecops_lib.core.formats import show
from ecops_lib.core.language import tr
from ecops_lib.core.names import short_name
from ecops_lib.data.frames import DAY
from ecops_lib.diagnosis.causes import Reason
from ecops_lib.diagnosis.reasons.case import FEWEST, USUAL, Case

if TYPE_CHECKING:
    import pandas as pd

PRICE_STEP, RIVAL_STEP = 0.05, 0.03
"""Smallest change of our price and of a rival's that counts [share]."""


def in_stock(case: Case) -> tuple[Reason, ...]:
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


def of_price(case: Case) -> tuple[Reason, ...]:
    """A change of the price in the diary, else of what was paid a unit."""
    told = [row for row in case.recorded() if row["kind"] == "price"]
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


def _paid_price(case: Case) -> tuple[Reason, ...]:
    """The price paid a unit, where it left the range of its daily values before."""
    if not (case.history.has("orders") and case.history.has("order_items")):
        return ()
    amount = case.history.product_grid("paid_amount", until=case.day)
    units = case.history.product_grid("paid_units", until=case.day)
    if case.product not in units:
        return ()
    end, begin = str(case.day), str(case.day - (case.days - 1) * DAY)
    sold, paid = units[case.product], amount[case.product]
    daily = (paid / sold.where(sold >= FEWEST)).loc[: str(case.since - DAY)].tail(USUAL)
    now = paid.loc[begin:end].sum() / max(sold.loc[begin:end].sum(), 1)
    usual = float(daily.mean())
    beyond = now > daily.max() if not case.rose else now < daily.min()
    if sold.loc[begin:end].sum() < FEWEST or not beyond:
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


def of_competitor(case: Case) -> tuple[Reason, ...]:
    """A rival item whose price left its usual level."""
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
        about = str(name)
        found.append(Reason(kind="competitor", text=text, evidence=evidence, about=about))
    return tuple(found[:1])
