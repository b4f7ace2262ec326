"""Do those who did something buy more afterwards? Clocks that start on the same day.

Whoever redeems points or joins a group must have stayed a customer until then, and who
buys often has more occasions for it: set against all others such people look better even
where what they did does nothing. So everybody is sorted on one day, the landmark, by what
they had done by then, and only what follows counts (Anderson, Cain and Gelber 1983,
J. Clin. Oncol. 1, 710-719); then like is set against like: customers who by then had
bought as often, as lately and for as long (Mantel and Haenszel's difference of shares,
with the variance of Sato 1989, Biometrics 45, 1323-1324).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import nan, sqrt
from typing import TYPE_CHECKING, ClassVar

import narwhals as nw

from ecops_lib.core.charts import Chart, interval_chart
from ecops_lib.core.checks import require_between
from ecops_lib.core.errors import MissingDataError
from ecops_lib.core.findings import Finding
from ecops_lib.core.formats import Unit, show
from ecops_lib.core.language import mark, tr
from ecops_lib.core.results import Result
from ecops_lib.customers.firsts import LEAST, day_number
from ecops_lib.customers.membership.deeds import (
    ALIKE,
    FEW,
    GROUPS,
    LESS,
    METHODS,
    MORE,
    UNTOLD,
    USUAL,
    Deed,
)
from ecops_lib.customers.orders import Frame, OrdersView
from ecops_lib.customers.shares import share_between
from ecops_lib.data import frames
from ecops_lib.metrics.bases import Source

if TYPE_CHECKING:
    import pandas as pd

PURCHASES = (1, 2, 3, 5, 9)
"""Most purchases of each band of the history but the last."""
DAYS = (7, 14, 30, 60, 90, 180, 365)
"""Most days of each band of age and recency but the last."""
NORMAL = 1.959963984540054
"""97.5 % quantile of the normal distribution."""
HISTORY = ["purchases", "recency", "age"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sides:
    """Those who did it against those who did not.

    Attributes:
        customers: Customers of each side.
        share: Share of each side that bought after the landmark; NaN where it is empty.
        low: Lower limit of the difference, 95 %.
        high: Upper limit.
    """

    customers: tuple[int, int]
    share: tuple[float, float]
    low: float
    high: float

    @property
    def gap(self) -> float:
        """First less second share."""
        return self.share[0] - self.share[1]

    @property
    def sign(self) -> int:
        """1 or -1 where the interval leaves out zero, else 0."""
        return 1 if self.low > 0 else -1 if self.high < 0 else 0


@dataclass(frozen=True, kw_only=True, eq=False)
class Landmark(Result):
    """Repurchase after one day, by what customers had done by then.

    Attributes:
        deed: What they had done.
        day: The landmark, a local day; what is done or bought on it lies before.
        days: Days after it in which buying counts.
        sides: The comparison by each method: ``usual`` sorts by what was done up to the
            end, ``landmark`` by the landmark, ``equal`` also sets like against like.
        reason: Why there is nothing to compare; empty where there is something.
    """

    sheet: ClassVar[str] = mark("Repurchase after a landmark")
    units: ClassVar[Mapping[str, Unit]] = {
        "customers": "count",
        "others": "count",
        "share": "share",
        "other_share": "share",
        "gap": "points",
        "low": "points",
        "high": "points",
    }
    labels: ClassVar[Mapping[str, str]] = {
        "group": mark("Group"),
        "method": mark("Compared"),
        "customers": mark("Customers"),
        "others": mark("Others"),
        "share": mark("Bought after"),
        "other_share": mark("Others bought after"),
        "gap": mark("Difference"),
        "low": mark("At least"),
        "high": mark("At most"),
    }

    deed: Deed
    day: dt.date
    days: int
    sides: Mapping[str, Sides]
    reason: str = ""

    def absent(self) -> str:
        """Why there is nothing to compare, if so."""
        return self.reason

    @cached_property
    def enough(self) -> bool:
        """Whether both sides hold enough customers of equal history."""
        return not self.reason and min(self.sides["equal"].customers) >= LEAST

    def to_frame(self) -> pd.DataFrame:
        """One row a method."""
        import pandas as pd

        rows = [
            [tr(GROUPS[self.deed]), tr(METHODS[method]), *held.customers, *held.share, held.gap,
             held.low, held.high]
            for method, held in self.sides.items()
        ]  # fmt: skip
        return pd.DataFrame(rows, columns=list(self.labels))

    def findings(self) -> tuple[Finding, ...]:
        """What is left of the difference once clocks and histories are equal."""
        if self.reason:
            return ()
        key = f"landmark/{self.deed}"
        if not self.enough:
            given = {"least": show(LEAST, "count"), "day": show(self.day, "day")}
            return (Finding(key=key, level="info", text=tr(FEW[self.deed], **given)),)
        equal = self.sides["equal"]
        words = {1: MORE, -1: LESS, 0: ALIKE}[equal.sign]
        text = tr(
            words[self.deed],
            customers=show(equal.customers[0], "count"),
            day=show(self.day, "day"),
            days=show(self.days, "days"),
            share=show(equal.share[0], "share"),
            other=show(equal.share[1], "share"),
            low=show(equal.low, "points", sign=True),
            high=show(equal.high, "points", sign=True),
        )
        numbers = {"gap": equal.gap, "low": equal.low, "high": equal.high,
                   "usual": self.sides["usual"].gap}  # fmt: skip
        told = Finding(key=key, level="info", text=text, evidence=numbers)
        return (told, *self._usual())

    def _usual(self) -> tuple[Finding, ...]:
        usual = self.sides["usual"]
        if not (usual.sign > 0 and usual.gap > self.sides["equal"].gap):
            return ()
        text = tr(
            USUAL[self.deed],
            share=show(usual.share[0], "share"),
            other=show(usual.share[1], "share"),
            days=show(self.days, "days"),
        )
        numbers = {"gap": usual.gap, "low": usual.low, "high": usual.high}
        key = f"landmark/{self.deed}/usual"
        return (Finding(key=key, level="watch", text=text, evidence=numbers),)

    def chart(self) -> Chart | None:
        """The difference by each method."""
        if not self.enough:
            return None
        frame = self.to_frame()
        caption = tr("Bought in the {days} after, against others", days=show(self.days, "days"))
        return interval_chart(
            frame, caption=caption, unit="points", better=["up"] * len(frame), name="method",
            value="gap",
        )  # fmt: skip


def compare_after(
    source: Source,
    deeds: Frame | None,
    *,
    as_of: dt.date,
    deed: Deed,
    days: int,
    time_zone: str | None,
) -> Landmark:
    """Set customers who had done something by a landmark against those who had not.

    The landmark lies ``days`` days before ``as_of``; whoever had bought by then is
    compared, by whether they bought in the days after it.

    Args:
        source: A store, or tables of any engine by canonical name.
        deeds: One row a customer who did it by ``as_of``: ``buyer_key`` and ``done``, the
            ordinal of the first day; None where nothing tells.
        as_of: Last local day that counts.
        deed: What they did.
        days: Days after the landmark.
        time_zone: IANA zone of the days; the store's by default.

    Raises:
        ParameterError: An argument has an impossible value.
    """
    require_between(days, 1, 36_500, name="days")
    day = as_of - dt.timedelta(days=days)
    untold = tr(UNTOLD[deed]) if deeds is None else ""
    try:
        view = OrdersView(source, as_of=as_of, by=None, time_zone=time_zone)
    except MissingDataError as error:
        return Landmark(deed=deed, day=day, days=days, sides={}, reason=untold or str(error))
    if deeds is None or view.first > day:
        late = tr(
            "The orders begin on {first}, too late for a comparison that starts on {day}.",
            first=show(view.first, "day"),
            day=show(day, "day"),
        )
        return Landmark(deed=deed, day=day, days=days, sides={}, reason=untold or late)
    cells = count_cells(view, deeds, day)
    sides = {
        "usual": compare_plainly(cells, "ever"),
        "landmark": compare_plainly(cells, "early"),
        "equal": compare_alike(cells),
    }
    return Landmark(deed=deed, day=day, days=days, sides=sides)


def count_cells(view: OrdersView, deeds: Frame, landmark: dt.date) -> pd.DataFrame:
    """Customers by history at the landmark, by what they did, and by whether they bought after.

    Returns:
        One row a cell: the bands ``purchases``, ``recency`` and ``age``; ``early`` and
        ``ever``, whether done by the landmark and at all; ``bought`` after; ``customers``.
    """
    mark_day, number = landmark.toordinal(), nw.col("number")
    rows = view.days().filter(nw.col("orders") > 0).with_columns(number=day_number("day"))
    rows = rows.with_columns(
        past=nw.when(number <= mark_day).then(number), later=nw.when(number > mark_day).then(number)
    )
    each = rows.group_by("buyer_key").agg(
        first=nw.col("past").min(),
        last=nw.col("past").max(),
        purchases=nw.col("past").count(),
        later=nw.col("later").count(),
    )
    told = each.filter(nw.col("purchases") > 0).join(deeds, on="buyer_key", how="left")
    did = ~nw.col("done").is_null()
    cells = told.select(
        purchases=band(nw.col("purchases"), PURCHASES),
        recency=band(nw.lit(mark_day) - nw.col("last"), DAYS),
        age=band(nw.lit(mark_day) - nw.col("first"), DAYS),
        early=flag(did & (nw.col("done") <= mark_day)),
        ever=flag(did),
        bought=flag(nw.col("later") > 0),
    )
    keys = [*HISTORY, "early", "ever", "bought"]
    held = frames.bring(cells.group_by(keys).agg(customers=nw.len()), sort=keys)
    return held.astype(int)


def flag(condition: nw.Expr) -> nw.Expr:
    """1 where a condition holds, else 0."""
    return nw.when(condition).then(nw.lit(1)).otherwise(nw.lit(0))


def band(value: nw.Expr, ends: Sequence[int]) -> nw.Expr:
    """The place of the band that a number falls in, each band ending with one of the ends."""
    held = flag(value > ends[0])
    for end in ends[1:]:
        held = held + flag(value > end)
    return held


def compare_plainly(cells: pd.DataFrame, group: str) -> Sides:
    """Those of a group against all others, with Newcombe's interval."""
    n = [int(cells.loc[cells[group] == side, "customers"].sum()) for side in (1, 0)]
    bought = cells[cells["bought"] == 1]
    k = [int(bought.loc[bought[group] == side, "customers"].sum()) for side in (1, 0)]
    share = tuple(a / b if b else nan for a, b in zip(k, n, strict=True))
    low = high = nan
    if min(n):
        between = share_between((k[0], k[1]), (n[0], n[1]))
        low, high = between.low, between.high
    return Sides(customers=(n[0], n[1]), share=(share[0], share[1]), low=low, high=high)


def compare_alike(cells: pd.DataFrame) -> Sides:
    """Those who did it early against the others of the same history.

    Mantel and Haenszel's difference weighs each history by n₁n₀/(n₁+n₀), so histories with
    one side only do not count; the variance is Sato's (1989), good for few large and for
    many small histories.
    """
    import pandas as pd

    counted = pd.pivot_table(
        cells, index=HISTORY, columns=["early", "bought"], values="customers", aggfunc="sum",
        fill_value=0,
    ).reindex(columns=pd.MultiIndex.from_product([(1, 0), (1, 0)]), fill_value=0)  # fmt: skip
    a, no_a, b, no_b = (counted[c].to_numpy(float) for c in counted.columns)
    both = (a + no_a > 0) & (b + no_b > 0)
    a, no_a, b, no_b = a[both], no_a[both], b[both], no_b[both]
    n, m = a + no_a, b + no_b
    if not len(n):
        return Sides(customers=(0, 0), share=(nan, nan), low=nan, high=nan)
    total = n + m
    weight = n * m / total
    first, second = (
        float((weight * k / size).sum() / weight.sum()) for k, size in ((a, n), (b, m))
    )
    gap = first - second
    p = (n**2 * b - m**2 * a + n * m * (m - n) / 2) / total**2
    q = (a * (m - b) + b * (n - a)) / (2 * total)
    half = NORMAL * sqrt(max(0.0, gap * p.sum() + q.sum())) / float(weight.sum())
    return Sides(
        customers=(int(n.sum()), int(m.sum())),
        share=(first, second),
        low=gap - half,
        high=gap + half,
    )
