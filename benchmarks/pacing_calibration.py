"""Where a campaign will close: how often the 80 % interval holds the truth on real sales.

Every week and every day of Online Retail II (payments by half-hour, two years) and of a demo
shop is taken for a campaign once at least 19 such windows lie before it, and forecast to its
close at several elapsed times from what was sold by then and from the windows before it alone.
Then each past edition of the demo shop's own campaigns through ``follow_campaign`` itself.

Printed: windows with an interval, windows without one (too often empty by then), share whose
total lies in the 80 % interval (bar 75 to 85 %), share below and above it, median half width
over the total, median absolute error of the forecast and, beside it, of two naive ones: by
share of time elapsed, and the mean of the past windows' totals.
Neighbouring times of one window are not independent, so each line is one elapsed time.

    python benchmarks/pacing_calibration.py [--data DIR] [--store FOLDER]
"""

from __future__ import annotations

import argparse
import datetime as dt
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np
import pandas as pd

from ecops_lib.campaigns.editions import find_campaigns
from ecops_lib.campaigns.pacing import Closing, Windows, follow_campaign, forecast_close
from ecops_lib.campaigns.pacing.sales import Sales, read_sales
from ecops_lib.core.errors import EcopsError
from ecops_lib.data.store import open_store
from ecops_lib.metrics.bases import Tables

BAR = (0.75, 0.85)
STEPS = 48
LEAST_BEFORE = 19
WEEK_AT = (1.5, 2.5, 3.5, 4.5, 5.5)
DAY_AT = (0.5, 13 / 24, 15 / 24)
DEMO_DAY_AT = (0.5, 16 / 24, 20 / 24)


@dataclass(frozen=True, kw_only=True)
class Case:
    """One forecast beside what came."""

    closing: Closing
    total: float
    by_time: float
    by_mean: float


def read_retail(folder: Path) -> Sales:
    """Payments of Online Retail II by half-hour; an invoice is an order."""
    lines = pd.concat(
        pd.read_parquet(file) for file in sorted((folder / "online_retail_ii").glob("*.parquet"))
    )
    lines = lines.rename(columns={"Price": "UnitPrice", "Invoice": "InvoiceNo"})
    lines = lines[(lines["Quantity"] > 0) & (lines["UnitPrice"] > 0)].drop_duplicates()
    lines["amount"] = lines["Quantity"].astype(float) * lines["UnitPrice"].astype(float)
    orders = lines.groupby("InvoiceNo").agg(at=("InvoiceDate", "min"), amount=("amount", "sum"))
    orders["at"] = pd.to_datetime(orders["at"])
    first = orders["at"].min().date() + dt.timedelta(days=1)  # the first day may not be whole
    last = orders["at"].max().date() - dt.timedelta(days=1)
    orders = orders[(orders["at"].dt.date >= first) & (orders["at"].dt.date <= last)]
    places = ((orders["at"] - pd.Timestamp(first)).dt.total_seconds() // 1800).to_numpy(int)
    size = ((last - first).days + 1) * STEPS
    value = orders["amount"].to_numpy(float)
    parts = [np.bincount(places, w, size) for w in (value, np.ones(len(value)), value**2)]
    return Sales(first=first, per_day=STEPS, amount=parts[0], orders=parts[1], squares=parts[2])


def read_shop(folder: Path) -> Sales:
    """Payments of a store by half-hour."""
    tables = Tables(open_store(folder))
    span = tables.span("orders", "created_at")
    if span is None:
        raise SystemExit(f"{folder} holds no order.")
    until = dt.datetime.combine(span[1], dt.time(), tables.zone).astimezone(dt.UTC)
    return read_sales(
        tables, products=(), first=span[0] + dt.timedelta(days=1),
        last=span[1] - dt.timedelta(days=1), step=30, until=until,
    )  # fmt: skip


def replay(sales: Sales, *, days: int, at: float) -> Iterator[Case]:
    """Every window of so many days, forecast after ``at`` days from those before it."""
    size, length, elapsed = len(sales.amount), days * STEPS, round(at * STEPS)
    apart = 7 * STEPS
    for start in range(0, size - length + 1, days * STEPS):
        before = np.arange(start % apart, start, apart)
        held = sales.windows(
            [*before, start], lengths=[length] * (len(before) + 1),
            elapsed=[elapsed] * (len(before) + 1), of=sales.amount,
        )  # fmt: skip
        kept = np.flatnonzero(held.total[:-1] > 0)
        if len(kept) < LEAST_BEFORE or not held.so_far[-1]:
            continue
        past = Windows(so_far=held.so_far[kept], total=held.total[kept], orders=held.orders[kept])
        gone = slice(0, start)
        amount, count = sales.amount[gone].sum(), sales.orders[gone].sum()
        closing = forecast_close(
            float(held.so_far[-1]), float(held.orders[-1]), editions=Windows(), ordinary=past,
            chance=float(sales.squares[gone].sum() * count / amount**2),
        )  # fmt: skip
        yield Case(
            closing=closing,
            total=float(held.total[-1]),
            by_time=float(held.so_far[-1]) * length / elapsed,
            by_mean=float(past.total.mean()),
        )


def editions(folder: Path, shares: Sequence[float]) -> Iterator[tuple[float, Case]]:
    """Each of a shop's own campaigns that is over, followed at several shares of its days."""
    shop = open_store(folder)
    for campaign in find_campaigns(shop):
        first, last = campaign.selling
        start = dt.datetime.combine(first, dt.time())
        length = dt.timedelta(days=(last - first).days + 1)
        try:
            whole = follow_campaign(shop, campaign=campaign, at=start + length)
        except EcopsError as error:
            print(f"  {campaign.campaign_id}: {error}")
            continue
        if not whole.over or whole.so_far["paid_amount"] == 0:
            continue
        for share in shares:
            pace = follow_campaign(shop, campaign=campaign, at=start + share * length)
            yield (
                share,
                Case(
                    closing=pace.closings["paid_amount"],
                    total=whole.so_far["paid_amount"],
                    by_time=pace.so_far["paid_amount"] / share,
                    by_mean=pace.last.get("paid_amount", float("nan")),
                ),
            )


def line(name: str, cases: Sequence[Case]) -> tuple[int, int]:
    """Print one line; gives windows and those inside."""
    told = [case for case in cases if case.closing.low == case.closing.low]
    if not told:
        print(f"{name:34} {len(cases):5} no interval")
        return 0, 0
    total = np.array([case.total for case in told])
    low, middle, high = (
        np.array([getattr(case.closing, which) for case in told])
        for which in ("low", "total", "high")
    )
    inside = int(((low <= total) & (total <= high)).sum())
    wrong = [
        float(np.nanmedian(np.abs(np.array([getattr(c, n) for c in told]) / total - 1)))
        if n
        else float(np.median(np.abs(middle / total - 1)))
        for n in ("", "by_time", "by_mean")
    ]
    print(
        f"{name:34} {len(told):5} {len(cases) - len(told):5} {inside / len(told):7.1%} "
        f"{(total < low).mean():7.1%} {(total > high).mean():7.1%} "
        f"{np.median((high - low) / 2 / total):7.1%} "
        f"{wrong[0]:7.1%} {wrong[1]:7.1%} {wrong[2]:7.1%}"
    )
    return len(told), inside


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path(__file__).parents[2] / "shared/data")
    parser.add_argument("--store", type=Path, help="a demo shop")
    asked = parser.parse_args()
    print(
        f"{'campaigns, and days elapsed':34} {'n':>5} {'none':>5} {'inside':>7} "
        f"{'below':>7} {'above':>7} {'half':>7} {'error':>7} {'time':>7} {'mean':>7}"
    )
    series = [("retail", read_retail(asked.data), DAY_AT)]
    if asked.store:
        series.append(("demo", read_shop(asked.store), DEMO_DAY_AT))
    for name, sales, times in series:
        counted = [
            line(f"{name} {word} after {at:.2f}", list(replay(sales, days=days, at=at)))
            for word, days, ats in (("week", 7, WEEK_AT), ("day", 1, times))
            for at in ats
        ]
        windows, inside = (sum(c) for c in zip(*counted, strict=True))
        verdict = "met" if BAR[0] <= inside / windows <= BAR[1] else "MISSED"
        print(f"{name}: {inside / windows:.1%} of {windows} inside, bar {BAR}: {verdict}")
    if asked.store:
        held = list(editions(asked.store, (0.25, 0.5, 0.75)))
        for share in (0.25, 0.5, 0.75):
            line(f"campaigns at {share:.0%} of time", [case for s, case in held if s == share])


if __name__ == "__main__":
    main()
