"""Where each open purchase order stands, and when it will come in."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from ecops_lib.core.checks import as_day
from ecops_lib.core.findings import Action, Finding
from ecops_lib.core.formats import Unit, show
from ecops_lib.core.language import mark, ntr, tr
from ecops_lib.core.names import short_name
from ecops_lib.core.results import Result
from ecops_lib.data.frames import bring
from ecops_lib.metrics.bases import Source, Tables
from ecops_lib.supply.panel import Floats
from ecops_lib.supply.purchasing.arrivals import Arrivals, expect_arrivals
from ecops_lib.supply.purchasing.stages import STAGES, as_orders, read_stages

if TYPE_CHECKING:
    import pandas as pd

ROWS = 12
"""Rows that a page shows."""
FEW = 10
"""Received orders of a supplier below which its expectation rests mostly on others."""


@dataclass(frozen=True, kw_only=True, eq=False)
class PurchaseProgress(Result):
    """Open purchase orders.

    Attributes:
        orders: One row an open purchase order × SKU: ``purchase_id``, ``sku_id``,
            ``supplier_id``, ``supplier``, ``stage``, ``quantity``, ``amount`` at cost (NaN
            where not told), ``in_stage`` days so far, ``due`` day, ``expected`` day of receipt
            (median) with ``low`` and ``high`` (80 % interval), ``late_days`` expected beyond
            the due day, ``overdue`` (whether it has passed), ``longest`` (in its stage longer
            than any order before) and ``rests_on`` received orders of the supplier.
        as_of: Last day that counts.
        received: Received purchase orders that the expectation rests on.
        owner: Who sees to purchases.
    """

    sheet: ClassVar[str] = mark("Open purchase orders")
    units: ClassVar[Mapping[str, Unit]] = {
        "quantity": "count",
        "due": "day",
        "expected": "day",
        "low": "day",
        "high": "day",
    }
    labels: ClassVar[Mapping[str, str]] = {
        "purchase_id": mark("Purchase order"),
        "supplier": mark("Supplier"),
        "sku_id": mark("SKU"),
        "quantity": mark("Units on order"),
        "stage": mark("Stage"),
        "due": mark("Due"),
        "expected": mark("Expected"),
        "low": mark("At the earliest"),
        "high": mark("At the latest"),
    }

    orders: pd.DataFrame
    as_of: dt.date
    received: int
    owner: str

    def to_frame(self) -> pd.DataFrame:
        """One row an open purchase order × SKU, the latest beyond its due day first."""
        held = self.orders.sort_values(
            ["late_days", "expected", "purchase_id", "sku_id"],
            ascending=[False, True, True, True],
        )
        held = held.assign(stage=[tr(STAGES[s]) for s in held["stage"]])
        return held[[*self.labels]].reset_index(drop=True)

    def page_frame(self) -> pd.DataFrame:
        """The orders that will be latest."""
        return self.to_frame().head(ROWS)

    def findings(self) -> tuple[Finding, ...]:
        """Where orders stand, which will be late, and which nobody has news of."""
        if self.orders.empty:
            text = tr("No purchase order is open on {day}.", day=show(self.as_of, "day"))
            return (Finding(key="purchases/open", level="info", text=text),)
        found = [self._open(), self._late(), self._stuck(), self._basis()]
        return tuple(finding for finding in found if finding)

    def _open(self) -> Finding:
        held = self.orders
        where = held.drop_duplicates(["purchase_id", "stage"])["stage"].value_counts()
        told = [f"{tr(STAGES[s])} {show(int(where[s]), 'count')}" for s in STAGES if s in where]
        count = held["purchase_id"].nunique()
        numbers = {"orders": float(count), "units": float(held["quantity"].sum())}
        text = ntr(
            "{count} purchase order is open, {units} units for {money}: {stages}.",
            "{count} purchase orders are open, {units} units for {money}: {stages}.",
            count,
            count=show(count, "count"),
            units=show(numbers["units"], "count"),
            money=show(held["amount"].sum(min_count=1), "money"),
            stages=tr(", ").join(told),
        )
        return Finding(key="purchases/open", level="info", text=text, evidence=numbers)

    def _late(self) -> Finding | None:
        dated = self.orders[self.orders["due"].notna()]
        if dated.empty:
            return None
        late = dated[dated["late_days"] >= 1]
        overdue = dated[dated["overdue"]]
        numbers = {
            "late": float(late["purchase_id"].nunique()),
            "overdue": float(overdue["purchase_id"].nunique()),
        }
        if late.empty:
            text = tr("Every open purchase order with a due day is expected by then.")
            return Finding(key="purchases/late", level="good", text=text, evidence=numbers)
        worst = late.sort_values(["late_days", "quantity"]).iloc[-1]
        stage = STAGES[worst["stage"]]
        text = ntr(
            "{count} purchase order is expected after its due day, {overdue} past it already: "
            "{order} from {supplier}, due {due}, expected {expected} ({low} to {high}), now in "
            "{stage}.",
            "{count} purchase orders are expected after their due day, {overdue} past it already; "
            "the latest is {order} from {supplier}, due {due}, expected {expected} ({low} to "
            "{high}), now in {stage}.",
            int(numbers["late"]),
            count=show(numbers["late"], "count"),
            overdue=show(numbers["overdue"], "count"),
            order=short_name(worst["purchase_id"]),
            supplier=worst["supplier"],
            due=show(worst["due"], "day"),
            expected=show(worst["expected"], "day"),
            low=show(worst["low"], "day"),
            high=show(worst["high"], "day"),
            stage=tr(stage),
        )
        return Finding(
            key="purchases/late",
            level="watch",
            text=text,
            evidence=numbers,
            money=_told(float(late["amount"].sum(min_count=1))),
            action=Action(
                text=tr("call the suppliers of the late orders; ask for a part of it by air"),
                owner=self.owner,
            ),
        )

    def _stuck(self) -> Finding | None:
        stuck = self.orders[self.orders["longest"]].sort_values("in_stage")
        if stuck.empty:
            return None
        worst = stuck.iloc[-1]
        count = stuck["purchase_id"].nunique()
        stage = STAGES[worst["stage"]]
        text = ntr(
            "{order} from {supplier} is in {stage} for {days}, longer than any order before.",
            "{count} purchase orders are in a stage for longer than any before, the first {order} "
            "from {supplier}: {days} in {stage}.",
            count,
            count=show(count, "count"),
            order=short_name(worst["purchase_id"]),
            supplier=worst["supplier"],
            days=show(math.floor(worst["in_stage"]), "days"),
            stage=tr(stage),
        )
        return Finding(
            key="purchases/stuck",
            level="bad",
            text=text,
            evidence={"orders": float(count), "days": float(worst["in_stage"])},
            money=_told(float(stuck["amount"].sum(min_count=1))),
            action=Action(
                text=tr("ask whether it will come at all; have another supplier quote"),
                owner=self.owner,
            ),
        )

    def _basis(self) -> Finding | None:
        thin = int((self.orders.drop_duplicates("purchase_id")["rests_on"] < FEW).sum())
        if not self.received:
            text = tr(
                "No purchase order was received yet, so only due days tell when these come in."
            )
        elif thin:
            text = ntr(
                "{count} of them is from a supplier with fewer than {few} received orders; its "
                "days rest mostly on all suppliers.",
                "{count} of them are from suppliers with fewer than {few} received orders; their "
                "days rest mostly on all suppliers.",
                thin,
                count=show(thin, "count"),
                few=show(FEW, "count"),
            )
        else:
            return None
        return Finding(key="purchases/basis", level="info", text=text)


def _told(money: float) -> float | None:
    return None if math.isnan(money) else money


def follow_purchases(
    source: Source, *, as_of: dt.date | str, time_zone: str | None = None
) -> PurchaseProgress:
    """Tell where each open purchase order stands and when it will come in.

    Args:
        source: A store, or tables of any engine by canonical name.
        as_of: Last local day that counts; what was done later is not known yet.
        time_zone: IANA zone of the days; the store's by default.

    Raises:
        MissingDataError: There is no table of purchase orders.
        ParameterError: An argument has an impossible value.
    """
    last = as_day(as_of, name="as_of")
    tables = Tables(source, time_zone=time_zone)
    held = read_stages(tables, as_of=last)
    settings = tables.store.settings if tables.store else None
    return PurchaseProgress(
        orders=_told_orders(tables, held, expect_arrivals(held), last),
        as_of=last,
        received=int(as_orders(held)["done_receipt"].notna().sum()),
        owner=(settings.owners if settings else {}).get("purchasing", tr("purchasing")),
    )


def arrival_day(as_of: dt.date, days: pd.Series) -> pd.Series:
    """The local day in which lies what comes so many days after the end of ``as_of``."""
    import pandas as pd

    ahead = pd.to_timedelta(day_number(days.to_numpy(float)), unit="D")
    return pd.Series(pd.Timestamp(as_of) + ahead, index=days.index)


def day_number(days: Floats) -> Floats:
    """Number of the day ahead, from 1, in which lies what comes after so many days.

    >>> day_number(np.array([0.0, 0.7, 1.0, 2.9999999])).tolist()
    [1.0, 1.0, 2.0, 4.0]
    """
    number: Floats = np.floor(days + 1e-6) + 1.0
    return number


def _told_orders(
    tables: Tables, held: pd.DataFrame, arrivals: Arrivals, as_of: dt.date
) -> pd.DataFrame:
    import pandas as pd

    opens = held[held["stage"] != ""].reset_index(drop=True)
    ends = np.quantile(arrivals.days, (0.1, 0.5, 0.9), axis=1) if len(opens) else np.zeros((3, 0))
    low, middle, high = (arrival_day(as_of, pd.Series(end)) for end in ends)
    told = ~pd.Series(arrivals.due_only, index=opens.index)
    due = local_due(opens, tables)
    enter = [row[f"enter_{row['stage']}"] for row in opens.to_dict("records")]
    return opens.assign(
        supplier=name_suppliers(tables, opens["supplier_id"]),
        amount=opens["quantity"] * opens["unit_cost"],
        in_stage=opens["age"] - np.array(enter, float),
        due=due,
        expected=middle,
        low=low.where(told),
        high=high.where(told),
        late_days=(middle - due).dt.days.astype(float),
        overdue=due <= pd.Timestamp(as_of),
        longest=arrivals.longest,
        rests_on=arrivals.own,
    )


def local_due(opens: pd.DataFrame, tables: Tables) -> pd.Series:
    """Local day on which each order's receipt is due."""
    import pandas as pd

    moment = opens["ordered"] + pd.to_timedelta(opens["due_receipt"].astype(float), unit="D")
    aware = pd.to_datetime(moment, utc=True).dt.tz_convert(tables.zone)
    return aware.dt.tz_localize(None).dt.normalize()


def name_suppliers(tables: Tables, suppliers: pd.Series) -> list[str]:
    """Names of suppliers fit for a sentence; their ids where no sheet names them."""
    names: dict[str, object] = {}
    if tables.has("suppliers"):
        held = bring(tables.lazy("suppliers").select("supplier_id", "supplier_name"))
        names = dict(zip(held["supplier_id"], held["supplier_name"], strict=True))
    nobody = tr("an unnamed supplier")
    return [short_name(names.get(s), s or nobody) for s in suppliers]
