"""What a shop's demand says: sales missed, bulk orders, what stands apart, how regular it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ecops_lib.core.findings import Action, Finding
from ecops_lib.core.formats import show
from ecops_lib.core.language import ntr, tr
from ecops_lib.core.names import short_name
from ecops_lib.supply.demand.classes import PATTERNS

if TYPE_CHECKING:
    from ecops_lib.supply.demand.result import Demand

NAMED = 3
"""Bulk orders that are named."""


def tell_demand(demand: Demand) -> tuple[Finding, ...]:
    """The findings of a demand, the most urgent ones first."""
    tellers = (_missed, _bulky, _unnamed, _cancelled, _returned, _patterned)
    found = [tell(demand) for tell in tellers]
    return tuple(finding for finding in found if finding)


def _missed(demand: Demand) -> Finding:
    if demand.stock_from is None:
        text = tr(
            "No table tells of stock, so days without stock count as days without demand; "
            "import the warehouse's stock export."
        )
        return Finding(key="demand/untold", level="watch", text=text)
    lost, amounts = demand.lost.sum(axis=1), np.nan_to_num(demand.lost_amounts)
    start = show(demand.stock_from, "day")
    if lost.sum() < 0.5:
        text = tr("No sale was missed for want of stock since {start}.", start=start)
        return Finding(key="demand/missed", level="good", text=text)
    money, worst = float(amounts.sum()), int(np.argmax(amounts if amounts.any() else lost))
    text = tr(
        "Empty shelves hid about {units} units, {money}, since {start}; most of it, {worst} "
        "units, of {name}. The forecast counts them as demand.",
        units=show(float(lost.sum()), "count"),
        money=show(money, "money"),
        start=start,
        worst=show(float(lost[worst]), "count"),
        name=_name(demand, worst),
    )
    return Finding(
        key="demand/missed",
        level="watch",
        text=text,
        evidence={"units": float(lost.sum()), "worst": float(lost[worst]), "money": money},
        money=money,
        action=Action(text=tr("order earlier, by the proposal of this page"), owner=demand.owner),
    )


def _bulky(demand: Demand) -> Finding | None:
    held = demand.bulk.sort_values("largest", ascending=False)
    if held.empty:
        return None
    places = {sku: place for place, sku in enumerate(demand.items["sku_id"])}
    named = [
        tr(
            "{units} units of {name} on {day}",
            units=show(float(row["largest"]), "count"),
            name=_name(demand, places[row["sku_id"]]),
            day=show(row["day"], "day"),
        )
        for row in held.head(NAMED).to_dict("records")
    ]
    units, capped = float(held["largest"].sum()), float((held["units"] - held["usual"]).sum())
    text = ntr(
        "{count} bulk order, far beyond what the SKU's orders usually take, took {units} units "
        "({named}); the forecast leaves {capped} of them out.",
        "{count} bulk orders, far beyond what the SKUs' orders usually take, took {units} units "
        "(the largest: {named}); the forecast leaves {capped} of them out.",
        len(held),
        count=show(len(held), "count"),
        units=show(units, "count"),
        named=tr("; ").join(named),
        capped=show(capped, "count"),
    )
    numbers = {"orders": float(len(held)), "units": units, "capped": capped}
    return Finding(key="demand/bulk", level="info", text=text, evidence=numbers)


def _unnamed(demand: Demand) -> Finding | None:
    if not demand.unnamed:
        return None
    text = ntr(
        "{count} paid order line names neither SKU nor product and is left out.",
        "{count} paid order lines name neither SKU nor product and are left out.",
        demand.unnamed,
        count=show(demand.unnamed, "count"),
    )
    numbers = {"lines": float(demand.unnamed)}
    return Finding(key="demand/unnamed", level="watch", text=text, evidence=numbers)


def _cancelled(demand: Demand) -> Finding | None:
    if not demand.cancelled:
        return None
    text = tr(
        "{units} of {all} units were refunded before they were shipped and count as no demand.",
        units=show(demand.cancelled, "count"),
        all=show(demand.all_units, "count"),
    )
    numbers = {"units": float(demand.cancelled), "all": float(demand.all_units)}
    return Finding(key="demand/cancelled", level="info", text=text, evidence=numbers)


def _returned(demand: Demand) -> Finding | None:
    back = float(np.nansum(demand.items["returned"].to_numpy(float)))
    if not back:
        return None
    text = tr(
        "{units} units were sent back in these days; they count as demand, and how many of them "
        "can be sold again is not told.",
        units=show(back, "count"),
    )
    return Finding(key="demand/returned", level="info", text=text, evidence={"units": back})


def _patterned(demand: Demand) -> Finding:
    counts = {name: demand.patterns.count(name) for name in PATTERNS}
    total = len(demand.patterns)
    told = [
        tr(
            "{pattern} {count} ({share})",
            pattern=tr(PATTERNS[name]),
            count=show(count, "count"),
            share=show(count / total, "share"),
        )
        for name, count in counts.items()
        if count
    ]
    text = ntr(
        "{count} SKU by how regularly it is asked for: {told}.",
        "{count} SKUs by how regularly they are asked for: {told}.",
        total,
        count=show(total, "count"),
        told=tr(", ").join(told),
    )
    numbers = {name: float(count) for name, count in counts.items()}
    return Finding(key="demand/patterns", level="info", text=text, evidence=numbers)


def _name(demand: Demand, place: int) -> str:
    """Name and variant of a series, fit for a sentence."""
    row = demand.items.iloc[place]
    name, variant = short_name(row["product_name"], row["sku_id"]), short_name(row["variant"])
    return tr("{name} ({variant})", name=name, variant=variant) if variant else name
