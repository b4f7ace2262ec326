"""What to negotiate with a supplier, and what comes back of its goods."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ecops_lib.core.findings import Action, Finding
from ecops_lib.core.formats import show
from ecops_lib.core.language import tr
from ecops_lib.core.names import short_name

if TYPE_CHECKING:
    import pandas as pd

SURE = 0.05
MORE = 0.02
"""Price above others, or rise, from which it is worth a talk."""
SOON = 5.0
"""Days to payment fewer than others' from which they are worth a talk."""


def returned(returns: pd.DataFrame | None, frame: pd.DataFrame, owner: str) -> Finding | None:
    """Whose SKUs come back more than others of their categories, which is no proof."""
    if returns is None:
        return None
    held = returns[(returns["p_value"] < SURE) & (returns["rate"] > returns["others"])]
    if held.empty:
        return None
    excess = ((held["rate"] - held["others"]) * held["counted"]).to_numpy(float)
    row = held.iloc[int(excess.argmax())]
    text = tr(
        "Of orders for what {name} alone delivers, {rate} were refunded after shipping, against "
        "{others} for others of the same categories; this goes together, which does not prove "
        "that the supplier is the cause.",
        name=_name(frame, row["supplier_id"]),
        rate=show(float(row["rate"]), "share"),
        others=show(float(row["others"]), "share"),
    )
    return Finding(
        key=f"suppliers/returns/{row['supplier_id']}",
        level="watch",
        text=text,
        evidence={"rate": float(row["rate"]), "others": float(row["others"])},
        action=Action(text=tr("read the reasons for refunds, and inspect a batch"), owner=owner),
    )


def talk(frame: pd.DataFrame, owner: str) -> Finding | None:
    """The price or the terms most worth a talk, by the money in them."""
    found = [f for f in (_dear(frame, owner), _risen(frame, owner), _hasty(frame, owner)) if f]
    return max(found, key=lambda f: f.money or 0.0, default=None)


def _dear(frame: pd.DataFrame, owner: str) -> Finding | None:
    dear = frame[frame["price"] > 1 + MORE]
    if dear.empty:
        return None
    extra = (dear["amount"] * (1 - 1 / dear["price"])).to_numpy(float)
    row = dear.iloc[int(np.nanargmax(extra))]
    text = tr(
        "{name} asks {more} more than the mean of all suppliers of the same SKUs.",
        name=short_name(row["name"]),
        more=show(float(row["price"]) - 1, "share"),
    )
    return Finding(
        key=f"suppliers/price/{row['supplier_id']}",
        level="watch",
        text=text,
        evidence={"price": float(row["price"])},
        money=float(np.nanmax(extra)),
        action=Action(text=tr("negotiate the price with the others' quotations"), owner=owner),
    )


def _risen(frame: pd.DataFrame, owner: str) -> Finding | None:
    risen = frame[frame["price_rise"] > MORE]
    if risen.empty:
        return None
    extra = (risen["amount"] / 2 * risen["price_rise"] / (1 + risen["price_rise"])).to_numpy(float)
    row = risen.iloc[int(np.nanargmax(extra))]
    text = tr(
        "{name} asks {more} more for the same SKUs in the second half of these days than in the "
        "first.",
        name=short_name(row["name"]),
        more=show(float(row["price_rise"]), "share"),
    )
    return Finding(
        key=f"suppliers/rise/{row['supplier_id']}",
        level="watch",
        text=text,
        evidence={"price_rise": float(row["price_rise"])},
        money=float(np.nanmax(extra)),
        action=Action(text=tr("ask what justifies the rise"), owner=owner),
    )


def _hasty(frame: pd.DataFrame, owner: str) -> Finding | None:
    """A supplier paid sooner than the others, weighted by what is bought."""
    told = frame[frame["payment_days"].notna() & (frame["amount"] > 0)]
    if len(told) < 2:
        return None
    days, amount = told["payment_days"].to_numpy(float), told["amount"].to_numpy(float)
    others = ((days * amount).sum() - days * amount) / (amount.sum() - amount)
    gap = np.where(others - days >= SOON, (others - days) * amount, 0.0)
    if not gap.any():
        return None
    place = int(gap.argmax())
    text = tr(
        "{name} is paid after {days} days, the others after {others} on average; paying it like "
        "them would keep money longer.",
        name=short_name(told["name"].iloc[place]),
        days=show(round(days[place]), "count"),
        others=show(round(others[place]), "count"),
    )
    return Finding(
        key=f"suppliers/terms/{told['supplier_id'].iloc[place]}",
        level="info",
        text=text,
        evidence={"payment_days": float(days[place]), "others": float(others[place])},
        action=Action(text=tr("negotiate the days to payment"), owner=owner),
    )


def _name(frame: pd.DataFrame, supplier: str) -> str:
    held = frame.loc[frame["supplier_id"] == supplier, "name"]
    return short_name(held.iloc[0] if len(held) else supplier)
