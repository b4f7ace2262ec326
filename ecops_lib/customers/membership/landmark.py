"""Do those who did something buy more afterwards? Clocks that start on the same day.

Whoever redeems points or joins a group must have stayed a customer until then, and who
buys often has more occasions for it: set against all others such people look better even
where what they did does nothing. So everybody is sorted on one day, the landmark, by what
they had done by then, and only what follows counts (Anderson, Cain and Gelber 1983,
J. Clin. Oncol. 1, 710-719).

Then like is set against like: customers who had bought as often, as lately and for as
long by the landmark. As purchases that the deed may have brought would count in that
history, only those who did it for the first time just before the landmark are compared
with those who had not yet done it, at one landmark after another (as in the sequence of
trials of Hernán and others 2008, Epidemiology 19, 766-779); the differences are put
together by Mantel and Haenszel's weights with the variance of Sato (1989, Biometrics 45,
1323-1324).
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
BANDS = len(DAYS) + 1
NORMAL = 1.959963984540054
"""97.5 % quantile of the normal distribution."""
STEP = 30
"""Days from one landmark to the next, and within which a deed was done just before it."""
LANDMARKS = 12
"""Landmarks at the most."""
HISTORY = ["place", "purchases", "recency", "age"]


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
        day: The last landmark, a local day; what is done or bought on it lies before.
        days: Days after a landmark in which buying counts.
        sides: The comparison by each method: ``usual`` sorts by what was done up to the
            end, ``landmark`` by the last landmark, ``equal`` sets those who had just done
            it against others of equal history at all landmarks (the others count once
            each time).
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
            text = tr(FEW[self.deed], least=show(LEAST, "count"))
            return (Finding(key=key, level="info", text=text),)
        equal = self.sides["equal"]
        words = {1: MORE, -1: LESS, 0: ALIKE}[equal.sign]
        text = tr(
            words[self.deed],
            customers=show(equal.customers[0], "count"),
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

    The last landmark lies ``days`` days before ``as_of``, the others earlier; whoever had
    bought by then is compared, by whether they bought in the days after it.

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
    plain, cells = count_cells(view, deeds, days)
    sides = {
        "usual": compare_plainly(plain, "ever"),
        "landmark": compare_plainly(plain, "early"),
        "equal": compare_alike(cells),
    }
    return Landmark(deed=deed, day=day, days=days, sides=sides)


def count_cells(view: OrdersView, deeds: Frame, days: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Customers at the last landmark by what they did, and at each by history too.

    Returns:
        Customers at the last landmark: ``early`` and ``ever``, whether done by then and at
        all, ``bought`` after and ``customers``. Customers at each landmark, its ``place``
        from 0, the last, without those who had done it long before: bands ``purchases``,
        ``recency`` and ``age``, ``early`` (just done), ``bought`` and ``customers``.
    """
    last = view.as_of.toordinal() - days
    ends = [last - STEP * n for n in range(LANDMARKS) if last - STEP * n >= view.first.toordinal()]
    told = _histories(view, ends, days).join(deeds, on="buyer_key", how="left")
    did, done = ~nw.col("done").is_null(), nw.col("done")
    plain = flag(did & (done <= last)) * 4 + flag(did) * 2 + flag(nw.col("later0") > 0)
    codes = {"plain": nw.when(nw.col("count0") > 0).then(plain).otherwise(nw.lit(-1))}
    for place, end in enumerate(ends):
        code = band(nw.col(f"count{place}"), PURCHASES)
        for since in (nw.col(f"last{place}"), nw.col("first")):
            code = code * BANDS + band(nw.lit(end) - since, DAYS)
        code = code * 4 + flag(did & (done <= end)) * 2 + flag(nw.col(f"later{place}") > 0)
        fresh = (nw.col(f"count{place}") > 0) & ~(did & (done <= end - STEP))
        codes[str(place)] = nw.when(fresh).then(code).otherwise(nw.lit(-1))
    held = frames.bring(told.select(**{n: code.cast(nw.Int16) for n, code in codes.items()}))
    return _decode_plain(held.pop("plain")), _decode_cells(held)


def _histories(view: OrdersView, ends: Sequence[int], days: int) -> Frame:
    """Each buyer's first day, and up to each landmark purchases and the last; then later ones."""
    number = nw.col("number")
    rows = view.days().filter(nw.col("orders") > 0).with_columns(number=day_number("day"))
    past = {f"last{n}": nw.when(number <= end).then(number) for n, end in enumerate(ends)}
    later = {
        f"later{n}": nw.when((number > end) & (number <= end + days)).then(number)
        for n, end in enumerate(ends)
    }
    each = rows.with_columns(**past, **later).group_by("buyer_key")
    held = each.agg(
        first=number.min(),
        **{name: nw.col(name).max() for name in past},
        **{f"count{n}": nw.col(f"last{n}").count() for n in range(len(ends))},
        **{name: nw.col(name).count() for name in later},
    )
    known = {
        f"last{n}": nw.when(nw.col(f"count{n}") > 0).then(nw.col(f"last{n}")).otherwise(nw.lit(end))
        for n, end in enumerate(ends)
    }
    return held.with_columns(**known)


def _decode_plain(codes: pd.Series) -> pd.DataFrame:
    sizes = codes[codes >= 0].value_counts().rename_axis("code").reset_index(name="customers")
    code = sizes["code"].astype(int)
    return sizes.assign(early=code // 4, ever=code // 2 % 2, bought=code % 2)


def _decode_cells(held: pd.DataFrame) -> pd.DataFrame:
    """How many customers have each code, and what it means, landmark by landmark."""
    import pandas as pd

    sizes = {n: held.loc[held[n] >= 0, n].value_counts() for n in held.columns}
    cells = pd.concat(sizes, names=["place", "code"]).reset_index(name="customers")
    code = cells["code"].astype(int)
    history = code // 4
    return cells.assign(
        purchases=history // BANDS**2,
        recency=history // BANDS % BANDS,
        age=history % BANDS,
        early=code // 2 % 2,
        bought=code % 2,
    )


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
    import numpy as np

    place = cells.groupby(HISTORY).ngroup().to_numpy()
    kind = (cells["early"] * 2 + cells["bought"]).to_numpy()
    counts = np.zeros((place.max(initial=-1) + 1, 4))
    np.add.at(counts, (place, kind), cells["customers"].to_numpy(float))
    no_b, b, no_a, a = counts.T
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
