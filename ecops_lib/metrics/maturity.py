"""Maturity: how much of a payment day's refunds has shown after so many days."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import narwhals as nw
import numpy as np

from ecops_lib.core.checks import as_day, require_between
from ecops_lib.core.errors import MissingDataError
from ecops_lib.core.findings import Finding
from ecops_lib.core.formats import Unit, is_missing, show
from ecops_lib.core.language import mark, tr
from ecops_lib.core.results import Result
from ecops_lib.data import frames
from ecops_lib.metrics.bases import ORDER_KEY, Source, Tables, require_basis
from ecops_lib.metrics.chain_ladder import Ladder, chain_factors
from ecops_lib.metrics.histories import trade_span

if TYPE_CHECKING:
    import pandas as pd

RIPE_DAYS = 45
"""Age in days at which the refunds of a payment day are taken as complete."""
HISTORY_DAYS = 180
"""Payment days that the factors are learnt from."""
FEW_COHORTS = 14
"""With fewer payment days behind a factor, no share is given for its age."""

LEVEL = 0.9
"""Level of the intervals of what is expected in the end."""
LEAST_SHARE = 0.1
"""Below this share shown, the final refunds of a day are not forecast: too few have come."""


@dataclass(frozen=True, kw_only=True, eq=False)
class RefundMaturity(Result):
    """What share of their final refunds payment days have shown by age.

    Attributes:
        frame: One row an age in days (0 is the payment day): factor to the next age,
            share of the final refunds shown by then, and payment days behind it.
        days: One row a recent payment day: age, refunds so far, share shown, and the
            refunds to be expected in the end, with ``low`` and ``high`` (90 %).
        ladder: The factors with what tells their error.
        as_of: The day up to which refunds are counted.
        ripe: Age at which refunds are taken as complete.
    """

    sheet: ClassVar[str] = mark("Maturity of refunds")
    units: ClassVar[Mapping[str, Unit]] = {
        "day": "day",
        "age": "days",
        "refunded": "money",
        "shown": "share",
        "expected": "money",
        "low": "money",
        "high": "money",
    }
    labels: ClassVar[Mapping[str, str]] = {
        "day": mark("Payment day"),
        "age": mark("Age"),
        "refunded": mark("Refunded so far"),
        "shown": mark("Share shown"),
        "expected": mark("Expected in the end"),
        "low": mark("From"),
        "high": mark("To"),
    }

    frame: pd.DataFrame
    days: pd.DataFrame
    ladder: Ladder
    as_of: dt.date
    ripe: int

    def to_frame(self) -> pd.DataFrame:
        """One row a recent payment day."""
        return self.days

    def share_shown(self, age: int) -> float:
        """Share of the final refunds that a payment day has shown at an age; NaN if not known."""
        if age >= self.ripe:
            return 1.0
        return float(self.frame["shown"].get(age, float("nan"))) if age >= 0 else 0.0

    def findings(self) -> tuple[Finding, ...]:
        """How unripe yesterday's payments are, and what the estimate rests on."""
        week = self.share_shown(7)
        if is_missing(week):
            text = tr(
                "Too few payment days have been seen to say how much their refunds still grow."
            )
            return (Finding(key="refunds/maturity", level="info", text=text),)
        text = tr(
            "A week after payment {share} of the refunds of {ripe} days have shown, so refunds of "
            "recent days still grow. This is learnt from the shop's own past and fails where "
            "buyers' or the service's habits change.",
            share=show(week, "share"),
            ripe=self.ripe,
        )
        return (Finding(key="refunds/maturity", level="info", text=text, evidence={"share": week}),)


def mature_refunds(
    source: Source,
    *,
    as_of: dt.date | str,
    ripe: int = RIPE_DAYS,
    time_zone: str | None = None,
) -> RefundMaturity:
    """Learn from the past how refunds of a payment day grow with its age.

    Each payment day is a cohort; its refunds accumulate over the days since payment. The
    factor from one age to the next is the ratio of sums over the cohorts that reached the
    later age (chain ladder), and the share shown at an age is 1 over the product of the
    factors that follow. What is expected in the end has a 90 % interval from its standard error,
    log-normal as Mack proposes.

    Args:
        source: A store, or tables by canonical name.
        as_of: Last local day that refunds are counted on.
        ripe: Age in days at which refunds are taken as complete.
        time_zone: IANA zone of the days; the store's by default.

    Raises:
        MetricError: Some refunds have no paid order or no finishing time.
        MissingDataError: There is no table of refunds.

    References:
        Mack (1993), ASTIN Bulletin 23, 213-225, equations (2) and (7), page 219.
    """
    last = as_day(as_of, name="as_of")
    require_between(ripe, 1, HISTORY_DAYS - 1, name="ripe")
    tables = Tables(source, time_zone=time_zone)
    for basis in ("pay", "refund"):
        require_basis(tables, basis)
    first = last - (HISTORY_DAYS - 1) * frames.DAY
    span = trade_span(tables)
    if span is None or span[0] > last:
        raise MissingDataError(
            f"the orders begin after {last}, so nothing can be said of refunds; "
            "import earlier orders."
        )
    first = max(first, span[0])
    triangle = _triangle(tables, first, last, ripe)
    factors, cohorts = chain_factors(triangle)
    ladder = Ladder.learn(triangle)
    shown = _shares(factors, cohorts)
    return RefundMaturity(
        frame=_ages(factors, shown, cohorts),
        days=_recent(triangle, shown, ladder, first, last),
        ladder=ladder,
        as_of=last,
        ripe=ripe,
    )


def _triangle(tables: Tables, first: dt.date, last: dt.date, ripe: int) -> np.ndarray:
    """Refunds so far by payment day and age; NaN for ages that lie after ``last``."""
    zone = tables.zone
    orders = tables.lazy("orders").filter(frames.within("paid_at", first, last, zone))
    paid = orders.select(*ORDER_KEY, "paid_at")
    good = tables.lazy("refunds").filter(
        (nw.col("status") == "success") & frames.within("finished_at", first, last, zone)
    )
    both = good.select(*ORDER_KEY, "amount", "finished_at").join(paid, on=ORDER_KEY, how="inner")
    cells = both.select(
        "amount",
        paid_day=frames.local_day("paid_at", first, last, zone),
        done_day=frames.local_day("finished_at", first, last, zone),
    ).group_by("paid_day", "done_day")
    held = frames.bring(cells.agg(nw.col("amount").sum()), sort=["paid_day", "done_day"])
    days = (last - first).days + 1
    grid = np.zeros((days, ripe + 1))
    row = (held["paid_day"].dt.date - first).map(lambda gap: gap.days).to_numpy(int)
    age = (held["done_day"] - held["paid_day"]).dt.days.clip(lower=0, upper=ripe).to_numpy(int)
    np.add.at(grid, (row, age), held["amount"].to_numpy(float))
    grid = grid.cumsum(axis=1)
    reached = (days - 1 - np.arange(days))[:, None] >= np.arange(ripe + 1)[None, :]
    return np.where(reached, grid, np.nan)


def _shares(factors: np.ndarray, cohorts: np.ndarray) -> np.ndarray:
    """Share of the final amount shown at each age; NaN where a later factor is unsure."""
    sure = np.where(cohorts >= FEW_COHORTS, factors, np.nan)
    return np.append(1.0 / np.cumprod(sure[::-1])[::-1], 1.0)


def _ages(factors: np.ndarray, shown: np.ndarray, cohorts: np.ndarray) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame(
        {
            "age": np.arange(len(shown)),
            "factor": np.append(factors, 1.0),
            "shown": shown,
            "cohorts": np.append(cohorts, cohorts[-1]),
        }
    )


def _recent(
    triangle: np.ndarray, shown: np.ndarray, ladder: Ladder, first: dt.date, last: dt.date
) -> pd.DataFrame:
    """The payment days that are not ripe yet."""
    import pandas as pd
    from scipy.stats import norm

    days, ages = triangle.shape
    age = np.arange(days)[::-1]
    young = age < ages
    so_far = triangle[young, age[young]]
    share = shown[age[young]]
    expected = np.divide(so_far, share, out=np.full(len(share), np.nan), where=share >= LEAST_SHARE)
    error = [ladder.error(k, amount) for k, amount in zip(age[young], so_far, strict=True)]
    spread = np.sqrt(np.log1p(np.square(error)))
    reach = norm.ppf((1 + LEVEL) / 2) * spread
    low, high = (expected * np.exp(sign * reach - spread**2 / 2) for sign in (-1, 1))
    return pd.DataFrame(
        {
            "day": pd.date_range(first, last, freq="D")[young].astype("datetime64[us]"),
            "age": age[young],
            "refunded": so_far,
            "shown": share,
            "expected": expected,
            "low": np.maximum(low, so_far),
            "high": np.maximum(high, so_far),
        }
    )
