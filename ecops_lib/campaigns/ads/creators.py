"""What creators and their live sessions cost and brought."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import TYPE_CHECKING

import narwhals as nw
import numpy as np

from ecops_lib.campaigns.ads.creator_ratings import CreatorRatings
from ecops_lib.campaigns.ads.margins import Margins, learn_margins
from ecops_lib.campaigns.ads.reading import owner_of
from ecops_lib.campaigns.ads.response import campaign_phases
from ecops_lib.campaigns.ads.sessions import AROUND, lift_sessions
from ecops_lib.campaigns.ads.shrinkage import Floats, weigh_rates
from ecops_lib.campaigns.ads.trade import trade_lines
from ecops_lib.core.checks import as_day, require_span
from ecops_lib.core.errors import MissingDataError
from ecops_lib.core.language import tr
from ecops_lib.data import frames
from ecops_lib.metrics.bases import Source, Tables

if TYPE_CHECKING:
    import pandas as pd

DRAWS = 8000
Z = 1.645
MOST = 0.8
"""Share of a creator's sessions that must compare; the rest is taken to be like them."""
PAIR = ["creator_id", "product_id"]


def rate_creators(
    source: Source,
    *,
    start: dt.date | str,
    end: dt.date | str,
    products: Sequence[str] = (),
    as_of: dt.date | str | None = None,
    owner: str = "",
    seed: int = 0,
    time_zone: str | None = None,
) -> CreatorRatings:
    """Weigh what each creator's sessions cost against what they brought and kept.

    Costs are slot fees and commission (the rate of the creator's last session up to the order's
    day, on the amount paid net of refunds); discounts that the creator bears are told beside
    them. Amounts are of goods, without postage. The share of orders refunded is drawn towards
    that of all creators (beta-binomial) and compared with the shop's own on the same products
    and days. What is left counts all of a creator's orders; what was sold beyond comparable
    days' same hours (``lift_sessions``) tells how much of it the sessions brought.

    Args:
        source: A store, or tables of any engine by canonical name; needs ``live_sessions``,
            ``orders`` and ``order_items``.
        start: First local day of sessions and payments.
        end: Last one, included.
        products: Products whose sessions and orders count, beside sessions that name none; empty
            for all.
        as_of: Last local day that refunds are known of; ``end`` by default.
        owner: Who sees to it; advertising by default.
        seed: Of the draws.
        time_zone: IANA zone of the days; the store's by default.

    Raises:
        MissingDataError: A table is absent, or there is no session and no creator's order.
    """
    first, last = as_day(start, name="start"), as_day(end, name="end")
    require_span(first, last)
    known = max(as_day(as_of or last, name="as_of"), last)
    tables = Tables(source, time_zone=time_zone)
    tables.require("live_sessions", "orders", "order_items")
    near = _sessions(tables, first - AROUND * frames.DAY, last + AROUND * frames.DAY, known)
    own = (near["day"] >= np.datetime64(first)) & (near["day"] <= np.datetime64(last))
    rows = _trade(tables, first, last, known)
    if products:
        own &= near["product_id"].isna() | near["product_id"].isin(list(products))
        rows = rows[rows["product_id"].isin(list(products))].reset_index(drop=True)
    if not own.any() and not rows["creator_id"].notna().any():
        raise MissingDataError(
            tr(
                "There is neither a live session nor a creator's order from {start} to {end}; "
                "import the sheet of sessions, or other days.",
                start=first.isoformat(),
                end=last.isoformat(),
            )
        )
    margins = learn_margins(tables, as_of=known)
    phases = campaign_phases(tables, near["day"].min().date(), last) if own.any() else {}
    lifted = near.join(lift_sessions(tables, near, phases, as_of=known))
    held = _costs(lifted[own]).join(_brought(rows, near, margins), how="outer")
    held = held.join(_creator_discounts(tables, first, last), how="left")
    held = _returns(held, rows, np.random.default_rng(seed))
    frame = _left(held, lifted[own])
    frame["name"] = _names(near, frame.index)
    return CreatorRatings(
        frame=frame.sort_values("paid", ascending=False, kind="stable").reset_index(),
        sessions=lifted[own].reset_index(drop=True),
        margins=margins,
        start=first,
        end=last,
        as_of=known,
        owner=owner_of(tables, owner),
    )


def _sessions(tables: Tables, first: dt.date, last: dt.date, as_of: dt.date) -> pd.DataFrame:
    """Sessions of some days, their hours on the wall clock, whole hours around them."""
    import pandas as pd

    rows = tables.lazy("live_sessions").filter(
        frames.within("started_at", first, min(last, as_of), tables.zone)
    )
    columns = ["creator_id", "creator_name", "kind", "started_at", "ended_at", "product_id",
               "slot_fee", "commission_rate", "viewers", "paid_amount"]  # fmt: skip
    held = frames.bring(rows.select("session_id", *columns), sort=["started_at", "session_id"])
    for name in ("started_at", "ended_at"):
        utc = pd.to_datetime(held[name], utc=True)
        held[name] = utc.dt.tz_convert(tables.zone).dt.tz_localize(None)
    held["day"] = held["started_at"].dt.normalize()
    held["began"] = held["started_at"].dt.floor("h")
    held["over"] = held["ended_at"].dt.ceil("h")
    numbers = ["slot_fee", "commission_rate", "viewers", "paid_amount"]
    return held.astype(dict.fromkeys(numbers, "float64"))


def _trade(tables: Tables, first: dt.date, last: dt.date, as_of: dt.date) -> pd.DataFrame:
    """Orders, amounts and refunds by creator (missing: none), product and day of payment."""
    lines = trade_lines(tables, start=first, end=last, as_of=as_of, more=("creator_id", "paid_at"))
    day = frames.local_day("paid_at", first, last, tables.zone)
    sums = (
        lines.with_columns(day=day)
        .group_by("creator_id", "product_id", "day")
        .agg(
            orders=nw.len(),
            hits=nw.col("hit").sum(),
            paid=nw.col("paid").sum(),
            back=nw.col("back").sum(),
        )
    )
    held = frames.bring(sums, sort=["day", "product_id", "creator_id"])
    held["creator_id"] = held["creator_id"].astype(object).where(held["creator_id"].notna(), None)
    numbers = ["orders", "hits", "paid", "back"]
    return held.astype(dict.fromkeys(numbers, "float64"))


def _costs(sessions: pd.DataFrame) -> pd.DataFrame:
    """Sessions, viewers, slot fees and what was told of sales, by creator."""
    by = sessions.groupby("creator_id")
    held = by[["slot_fee", "viewers", "paid_amount"]].sum(min_count=1)
    untold = by["slot_fee"].count() < by.size()
    held["slot_fee"] = held["slot_fee"].mask(untold)  # a fee that is not told is not 0
    return held.rename(columns={"paid_amount": "told"}).join(by.size().rename("sessions"))


def _brought(rows: pd.DataFrame, sessions: pd.DataFrame, margins: Margins) -> pd.DataFrame:
    """Orders, amounts, refunds, commission and what is kept before costs, by creator."""
    import pandas as pd

    own = rows[rows["creator_id"].notna()].copy()
    own["rate"] = _commission_rates(own, sessions)
    own["net"] = own["paid"] - own["back"]
    own["commission"] = own["net"] * own["rate"]
    goods = own["product_id"].map(margins.frame["goods_rate"]).astype(float)
    own["kept"] = own["net"] * (1 - goods.fillna(margins.goods_rate))
    own["kept"] -= own["paid"] * margins.fee_rate
    sums = own.groupby("creator_id")[["orders", "hits", "paid", "back", "net", "kept"]].sum()
    untold = own.loc[own["rate"].isna(), "creator_id"].unique()
    sums["commission"] = own.groupby("creator_id")["commission"].sum()
    sums.loc[sums.index.isin(untold), "commission"] = np.nan
    return pd.DataFrame(sums)


def _commission_rates(own: pd.DataFrame, sessions: pd.DataFrame) -> Floats:
    """Rate of the creator's last session up to each row's day, else of the first after it."""
    import pandas as pd

    told = sessions.dropna(subset=["commission_rate"])[["creator_id", "day", "commission_rate"]]
    told = told.astype({"creator_id": object}).sort_values("day", kind="stable")
    left = own[["creator_id", "day"]].assign(place=np.arange(len(own))).sort_values("day")
    for frame in (told, left):
        frame["day"] = frame["day"].astype("datetime64[us]")
    before = pd.merge_asof(left, told, on="day", by="creator_id", direction="backward")
    after = pd.merge_asof(left, told, on="day", by="creator_id", direction="forward")
    rate = before["commission_rate"].fillna(after["commission_rate"])
    held: Floats = rate.to_numpy(float)[np.argsort(left["place"].to_numpy())]
    return held


def _creator_discounts(tables: Tables, first: dt.date, last: dt.date) -> pd.DataFrame:
    """Discounts that creators bore, by creator; NaN where not told."""
    paid = tables.lazy("orders").filter(
        frames.within("paid_at", first, last, tables.zone) & ~nw.col("creator_id").is_null()
    )
    sums = paid.group_by("creator_id").agg(
        discount=nw.col("discount_creator").sum(), told=nw.col("discount_creator").count()
    )
    held = frames.bring(sums, sort=["creator_id"]).set_index("creator_id")
    held["discount"] = held["discount"].astype(float).where(held["told"] > 0)
    return held[["discount"]]


def _returns(held: pd.DataFrame, rows: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Share of orders refunded, shrunk, beside the shop's on the same products."""
    hits, orders = (held[name].fillna(0).to_numpy(float) for name in ("hits", "orders"))
    for name in ("refund_rate", "refund_low", "refund_high", "shop_rate", "chance"):
        held[name] = np.nan
    if not orders.sum():
        return held
    shop, size = _shop_rates(rows)
    held["shop_rate"] = shop.reindex(held.index)
    prior = weigh_rates(hits, orders)
    draws = prior.draw(rng, DRAWS, hits, orders)
    sold = orders > 0
    held["refund_rate"] = np.where(sold, prior.mean_of(hits, orders), np.nan)
    held["refund_low"], held["refund_high"] = np.where(
        sold, np.quantile(draws, [0.05, 0.95], axis=0), np.nan
    )
    mean = held["shop_rate"].to_numpy(float)
    weight = size.reindex(held.index).fillna(0).to_numpy(float)
    told = sold & ~np.isnan(mean) & (weight > 0)
    a, b = np.maximum(mean * weight, 0.5), np.maximum((1 - mean) * weight, 0.5)
    theirs = rng.beta(np.where(told, a, 1), np.where(told, b, 1), draws.shape)
    held["chance"] = np.where(told, (draws > theirs).mean(axis=0), np.nan)
    return held


def _shop_rates(rows: pd.DataFrame) -> tuple[pd.Series, pd.Series]:
    """Share of the shop's own orders refunded, of each creator's products, and those orders.

    Products weigh as in the creator's orders; one that only creators sell is left out.
    """
    own = rows[rows["creator_id"].isna()].groupby("product_id")[["orders", "hits"]].sum()
    own = own[own["orders"] > 0]
    if own.empty or not len(own):
        import pandas as pd

        none = pd.Series(dtype=float)
        return none, none
    rate = weigh_rates(own["hits"].to_numpy(), own["orders"].to_numpy())
    own["rate"] = rate.mean_of(own["hits"].to_numpy(), own["orders"].to_numpy())
    mix = rows[rows["creator_id"].notna()].groupby(PAIR)["orders"].sum().reset_index()
    both = mix.merge(own[["rate", "orders"]], left_on="product_id", right_index=True,
                     suffixes=("", "_shop"))  # fmt: skip
    both["expected"] = both["orders"] * both["rate"]
    by = both.groupby("creator_id")
    sums = by[["orders", "expected", "orders_shop"]].sum()
    return sums["expected"] / sums["orders"], sums["orders_shop"]


def _left(held: pd.DataFrame, sessions: pd.DataFrame) -> pd.DataFrame:
    """What is left after costs, of all orders and of the sales beyond the usual.

    ``left_high`` is what would be left had as many more orders come as chance allows
    (Garwood 1936); sessions that do not compare are taken to differ as the others do.
    """
    from scipy.stats import gamma

    sold = ["orders", "hits", "paid", "back", "net", "kept", "commission"]
    held[sold] = held[sold].where(held["orders"].notna(), 0.0)
    held["sessions"] = held["sessions"].fillna(0)
    held["cost"] = held["slot_fee"] + held["commission"]
    held["left"] = held["kept"] - held["cost"]
    few = gamma.ppf(0.95, held["orders"] + 1) / held["orders"].where(held["orders"] > 0)
    most = few.fillna(0.0) * (held["kept"] - held["commission"])
    held["left_high"] = np.fmax(held["left"], most - held["slot_fee"])
    told = sessions[sessions["variance"].notna()]
    by = told.assign(beyond=told["sold"] - told["usual"]).groupby("creator_id")
    sums = by[["beyond", "variance"]].sum().join(by.size().rename("compared"))
    held = held.join(sums, how="left").join(by["beyond"].var().rename("between"))
    compared = held["compared"].where(held["compared"] >= MOST * held["sessions"])
    rest = held["sessions"] - compared
    unlike = (held["between"] * rest * (1 + rest / compared)).where(rest > 0, 0.0)
    reach = Z * np.sqrt(held["variance"] + unlike)
    held["beyond"] = held["beyond"] * held["sessions"] / compared
    held["beyond_low"], held["beyond_high"] = held["beyond"] - reach, held["beyond"] + reach
    share = held["kept"] / held["paid"].where(held["paid"] > 0)
    for name in ("", "_low", "_high"):
        held[f"profit{name}"] = held[f"beyond{name}"] * share - held["cost"]
    return held.drop(columns=["variance", "between"])


def _names(sessions: pd.DataFrame, creators: pd.Index) -> list[str]:
    told = sessions.dropna(subset=["creator_name"]).groupby("creator_id")["creator_name"].last()
    return [str(told.get(each, each)) for each in creators]
