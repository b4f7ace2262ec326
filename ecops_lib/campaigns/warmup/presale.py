"""How much of a pre-sale's balance will be paid, and when."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import narwhals as nw
import numpy as np

from ecops_lib.campaigns.ads.margins import learn_margins
from ecops_lib.campaigns.ads.shrinkage import Floats, weigh_rates
from ecops_lib.campaigns.campaign import Campaign
from ecops_lib.campaigns.editions import find_campaigns
from ecops_lib.core.checks import as_day
from ecops_lib.core.errors import MissingDataError
from ecops_lib.core.findings import Action, Finding
from ecops_lib.core.formats import Unit, is_missing, show
from ecops_lib.core.language import mark, ntr, tr
from ecops_lib.core.results import Result
from ecops_lib.data import frames
from ecops_lib.metrics.bases import Source, Tables

if TYPE_CHECKING:
    import pandas as pd

DRAWS = 4000
LEVEL = 0.8
"""Chance that the interval holds."""
FEW_DEPOSITS = 20
"""Past deposits from which a share paid is learnt."""


@dataclass(frozen=True, kw_only=True, eq=False)
class ExpectedBalance(Result):
    """The balance that deposits so far will bring.

    Attributes:
        frame: One row a day from the opening on: ``day``, ``share`` of the balance still to be
            paid, ``expected``, ``low``, ``high``.
        campaign: The campaign.
        deposits: Orders whose deposit was paid and whose balance is still open.
        paid: Balance paid already.
        open_balance: Balance still open.
        open_deposit: Deposits of these orders.
        rate: Share of them that will be paid, with its interval.
        expected: Of the open balance, what will be paid, with its interval.
        refund_rate: The shop's; NaN where no refund is told.
        editions: Past pre-sales and what each taught: id, deposits open then, paid later.
    """

    sheet: ClassVar[str] = mark("Balance to expect")
    units: ClassVar[Mapping[str, Unit]] = {
        "day": "day", "share": "share", "expected": "money", "low": "money", "high": "money",
    }  # fmt: skip
    labels: ClassVar[Mapping[str, str]] = {
        "day": mark("Day"),
        "share": mark("Share of what will be paid"),
        "expected": mark("Balance expected"),
        "low": mark("From"),
        "high": mark("To"),
    }

    frame: pd.DataFrame
    campaign: Campaign
    deposits: int
    paid: float
    open_balance: float
    open_deposit: float
    rate: tuple[float, float, float]
    expected: tuple[float, float, float]
    refund_rate: float
    editions: tuple[tuple[str, int, int], ...]

    def to_frame(self) -> pd.DataFrame:
        """One row a day."""
        return self.frame

    def findings(self) -> tuple[Finding, ...]:
        """What will be paid, what is forfeited, what comes back."""
        value, low, high = self.expected
        tries, paid = (sum(counts) for counts in list(zip(*self.editions, strict=True))[1:])
        given = {
            "count": show(self.deposits, "count"), "open": show(self.open_balance, "money"),
            "value": show(value, "money"), "low": show(low, "money"), "high": show(high, "money"),
            "rate": show(paid / tries, "share"),
        }  # fmt: skip
        text = ntr(
            "{count} deposit leaves {open} open; {value} of it will be paid ({low} to {high}), "
            "for {rate} of past balances were.",
            "{count} deposits leave {open} open; {value} of it will be paid ({low} to {high}), "
            "for {rate} of past balances were.",
            self.deposits, **given,
        )  # fmt: skip
        action = Action(
            text=tr("remind buyers on the day the balance opens"), owner=tr("campaign owner")
        )
        first = Finding(
            key="presale/balance", level="info", text=text, money=value, action=action,
            evidence={"expected": value, "low": low, "high": high},
        )  # fmt: skip
        return (first, *self._timing(), *self._refunds(), self._basis())

    def _timing(self) -> tuple[Finding, ...]:
        if self.frame.empty:
            return ()
        best = self.frame.iloc[int(self.frame["expected"].argmax())]
        text = tr(
            "Most of it, {share}, comes on {day}.",
            share=show(best["share"], "share"), day=show(best["day"], "day"),
        )  # fmt: skip
        return (Finding(key="presale/timing", level="info", text=text),)

    def _refunds(self) -> tuple[Finding, ...]:
        if is_missing(self.refund_rate):
            text = tr("What will be refunded of it is not known; import the refund export.")
            return (Finding(key="presale/refunds", level="info", text=text),)
        text = tr(
            "At the shop's refund rate of {rate}, {net} of it will be kept.",
            rate=show(self.refund_rate, "share"),
            net=show(self.expected[0] * (1 - self.refund_rate), "money"),
        )
        return (Finding(key="presale/refunds", level="info", text=text),)

    def _basis(self) -> Finding:
        count = sum(deposits for _, deposits, _ in self.editions)
        text = ntr(
            "Learnt from {deposits} deposits of {count} past pre-sale at the same distance to the "
            "opening; the interval is to hold in {level} of cases.",
            "Learnt from {deposits} deposits of {count} past pre-sales at the same distance to the "
            "opening; the interval is to hold in {level} of cases.",
            len(self.editions), count=len(self.editions), deposits=show(count, "count"),
            level=show(LEVEL, "share"),
        )  # fmt: skip
        return Finding(key="presale/basis", level="info", text=text)


def expect_balance(
    source: Source,
    *,
    campaign: Campaign,
    as_of: dt.date | str,
    time_zone: str | None = None,
    seed: int = 0,
) -> ExpectedBalance:
    """Expect the balance that a pre-sale's deposits so far will bring.

    Of deposits whose balance was open at the same distance to the opening, past pre-sales of
    any kind tell the share that was paid. The shares of editions are draws of one beta
    distribution (see ``ads.shrinkage``); this edition's is a new draw, so the interval holds
    what editions differ by, and the chance of single orders.

    Args:
        source: A store, or tables by canonical name.
        campaign: The campaign.
        as_of: Last local day that counts.
        time_zone: IANA zone of the days; the store's by default.
        seed: Seed of the draws.

    Raises:
        MissingDataError: The campaign does not pre-sell, no deposit is open, or past pre-sales
            teach too little.
    """
    day = as_day(as_of, name="as_of")
    tables = Tables(source, time_zone=time_zone)
    spans = campaign.days_of("presale")
    if not spans:
        raise MissingDataError(tr("{name} has no pre-selling phase.", name=campaign.name))
    now = _deposits(tables, campaign, day, day)
    held = now[now["later"].isna()]
    if held.empty:
        raise MissingDataError(tr("No deposit is open on {day}.", day=show(day, "day")))
    past = _past(tables, campaign, day)
    tries, hits, shares = _learn(past)
    whole, square = float(held["balance"].sum()), float(held["square"].sum())
    rate, total = draw_balance(hits, tries, whole=whole, square=square, seed=seed)
    value, low, high = _summary(total)
    return ExpectedBalance(
        frame=_by_day(campaign, shares, (value, low, high)),
        campaign=campaign,
        deposits=int(held["orders"].sum()),
        paid=float(now.loc[now["later"].notna(), "balance"].sum()),
        open_balance=whole,
        open_deposit=float(held["deposit"].sum()),
        rate=_summary(rate),
        expected=(value, low, high),
        refund_rate=learn_margins(tables, as_of=day).refund_rate,
        editions=tuple(
            (c.campaign_id, int(t), int(h)) for (c, _), t, h in zip(past, tries, hits, strict=True)
        ),
    )


def draw_balance(
    hits: Floats, tries: Floats, *, whole: float, square: float, seed: int = 0
) -> tuple[Floats, Floats]:
    """Draws of a new edition's share of balances paid, and of the amount paid.

    Args:
        hits: Balances paid of each past edition (editions,).
        tries: Balances open of each (editions,).
        whole: Sum of the balances open now [store currency].
        square: Sum of their squares.
        seed: Seed of the draws.
    """
    rng = np.random.default_rng(seed)
    rate = weigh_rates(hits, tries).draw(rng, DRAWS, np.zeros(1), np.zeros(1))[:, 0]
    chance = np.sqrt(rate * (1 - rate) * square) * rng.standard_normal(DRAWS)
    return rate, np.clip(rate * whole + chance, 0.0, whole)


def _summary(draws: Floats) -> tuple[float, float, float]:
    low, high = np.quantile(draws, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(draws.mean()), float(low), float(high)


def _deposits(tables: Tables, campaign: Campaign, upto: dt.date, as_of: dt.date) -> pd.DataFrame:
    """Deposits paid up to a day, by ``later``: days from the opening to the balance paid.

    ``later`` is NaN where the balance was not paid by ``as_of``; orders closed unpaid by
    ``upto`` are left out.
    """
    import pandas as pd

    tables.require("orders")
    spans = campaign.days_of("presale")
    last = min(spans[-1], upto)
    zone = tables.zone
    rows = tables.lazy("orders").filter(
        frames.within("deposit_paid_at", spans[0], last, zone) & ~nw.col("deposit_amount").is_null()
    )
    known = frames.within("paid_at", spans[0], as_of, zone).fill_null(value=False)
    _, gone = frames.instants(spans[0], upto, zone)
    lost = (nw.col("status") == "closed") & (nw.col("completed_at") < gone)
    never = nw.col("paid_at").is_null() & lost.fill_null(value=False)
    still = frames.bring(_sums(rows.filter(~known & ~never))).assign(later=np.nan)
    parts = [still[still["orders"] > 0]]
    paid = rows.filter(known)
    if frames.bring(paid.select(count=nw.len()))["count"].iloc[0]:  # pandas shifts no empty column
        day = frames.local_day("paid_at", spans[0], as_of, zone)
        settled = frames.bring(_sums(paid.with_columns(paid_on=day), "paid_on"), sort=["paid_on"])
        later = (settled.pop("paid_on") - np.datetime64(campaign.selling[0])).dt.days
        parts.append(settled.assign(later=later.astype(float)))
    return pd.concat([part for part in parts if len(part)] or parts, ignore_index=True)


def _sums(rows: nw.LazyFrame[Any], *by: str) -> nw.LazyFrame[Any]:
    """Orders, deposits, balances and their squares."""
    deposit = nw.col("deposit_amount").cast(nw.Float64)
    held = rows.select(
        *by, deposit=deposit, balance=nw.col("ordered_amount").cast(nw.Float64) - deposit
    ).with_columns(square=nw.col("balance") * nw.col("balance"))
    sums = {name: nw.col(name).sum() for name in ("deposit", "balance", "square")}
    sums["orders"] = nw.col("balance").count()
    return held.group_by(*by).agg(**sums) if by else held.select(**sums)


def _past(
    tables: Tables, campaign: Campaign, as_of: dt.date
) -> list[tuple[Campaign, pd.DataFrame]]:
    """Deposits of past pre-sales whose balance was open at the same distance to the opening."""
    lead = as_of - campaign.selling[0]
    found = []
    for other in find_campaigns(tables.source, time_zone=tables.zone_name):
        if other.selling[1] >= min(as_of + frames.DAY, campaign.first) or not other.days_of(
            "presale"
        ):
            continue
        upto = other.selling[0] + lead
        rows = _deposits(tables, other, upto, as_of)
        rows = rows[rows["later"].isna() | (rows["later"] > lead.days)]
        if len(rows):
            found.append((other, rows))
    return found


def _learn(past: list[tuple[Campaign, pd.DataFrame]]) -> tuple[Floats, Floats, pd.Series]:
    """Deposits and balances paid of each edition, and the balance by day from the opening."""
    import pandas as pd

    tries = np.array([float(rows["orders"].sum()) for _, rows in past])
    if tries.sum() < FEW_DEPOSITS:
        raise MissingDataError(
            tr(
                "Past pre-sales tell only {count} deposits; from {least} on the balance can be "
                "expected.", count=show(tries.sum(), "count"), least=FEW_DEPOSITS,
            )
        )  # fmt: skip
    paid = [rows[rows["later"].notna()] for _, rows in past]
    hits = np.array([float(rows["orders"].sum()) for rows in paid])
    sums = pd.concat(paid).groupby("later")["balance"].sum()
    return tries, hits, sums / sums.sum() if sums.sum() > 0 else sums


def _by_day(
    campaign: Campaign, shares: pd.Series, expected: tuple[float, float, float]
) -> pd.DataFrame:
    import pandas as pd

    days = [campaign.selling[0] + int(k) * frames.DAY for k in shares.index]
    share = shares.to_numpy(float)
    parts = {name: share * v for name, v in zip(("expected", "low", "high"), expected, strict=True)}
    return pd.DataFrame({"day": pd.to_datetime(days), "share": share, **parts})
