"""Past mailings as lessons: who was drawn, what was known of them then, what they did."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import numpy as np

from ecops_lib.core.errors import MissingDataError
from ecops_lib.customers.contacts.effects import ContactEffects
from ecops_lib.customers.contacts.features import describe, known_buyers
from ecops_lib.customers.contacts.mailings import KEY, Mailings
from ecops_lib.customers.orders import OrdersView
from ecops_lib.customers.segments import Segmentation
from ecops_lib.data import frames
from ecops_lib.metrics.bases import Source

if TYPE_CHECKING:
    import pandas as pd

MOST_MAILINGS = 12
"""Mailings that are learnt from, the latest first."""
MOST_ROWS = 200_000
"""Rows that are learnt from, shared evenly by the mailings; of larger ones a random part."""
SEED = 0


def read_history(
    source: Source, *, past: ContactEffects, tiers: Segmentation, time_zone: str | None
) -> pd.DataFrame:
    """Customers of the judged mailings with their features before the sending.

    What is known of a customer ends the day before the mailing began; whoever had not
    bought by then is left out. One row a mailing and customer: ``contact_id``,
    ``buyer_key``, ``message``, ``contacted``, ``bought``, ``net`` bought in the window, and
    the features. Empty where no mailing can be learnt from.

    Args:
        source: A store, or tables of any engine by canonical name.
        past: The mailings as judged.
        tiers: The rules of the tiers.
        time_zone: IANA zone of the days; the store's by default.
    """
    import pandas as pd

    judged = past.frame[past.frame["state"] == "judged"].tail(MOST_MAILINGS)
    if judged.empty:
        return pd.DataFrame()
    mailings = Mailings(source, as_of=past.as_of, window_days=past.window_days, time_zone=time_zone)
    parts = []
    for row in judged.to_dict("records"):
        part = _lesson(source, mailings, row["contact_id"], row["sent"], tiers)
        if part is not None:
            parts.append(_some(part, MOST_ROWS // len(judged)))
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()


def _lesson(
    source: Source, mailings: Mailings, contact_id: str, sent: dt.date, tiers: Segmentation
) -> pd.DataFrame | None:
    """The customers of one mailing; None where nobody had bought before it."""
    before = sent - frames.DAY
    try:
        view = OrdersView(source, as_of=before, by=None, time_zone=mailings.tables.zone_name)
    except MissingDataError:
        return None
    one = mailings.within(sent, mailings.as_of, only=contact_id)
    drawn = one.customers().select(*KEY, "message", "held", "crossed", "bought", won="amount")
    known = known_buyers(view)
    held = frames.bring(drawn.join(known, on="buyer_key", how="inner"), sort=["buyer_key"])
    held = held[held["crossed"] == 0].reset_index(drop=True)
    if held.empty:
        return None
    return describe(held, before, tiers).assign(
        contact_id=held["contact_id"],
        buyer_key=held["buyer_key"],
        message=held["message"].fillna(""),
        contacted=1 - held["held"].to_numpy(int),
        bought=held["bought"].to_numpy(int),
        net=held["won"].to_numpy(float),
    )


def _some(part: pd.DataFrame, most: int) -> pd.DataFrame:
    """A random part of too many rows, the same every time."""
    if len(part) <= most:
        return part
    kept = np.random.default_rng(SEED).choice(len(part), most, replace=False)
    return part.iloc[np.sort(kept)]
