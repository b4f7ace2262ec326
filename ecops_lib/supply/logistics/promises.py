"""Promises kept, in a table, a chart and sentences."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from ecops_lib.core.charts import bar_chart
from ecops_lib.core.findings import Action, Finding
from ecops_lib.core.formats import Unit, show
from ecops_lib.core.language import mark, ntr, tr
from ecops_lib.core.names import short_name
from ecops_lib.core.results import Result
from ecops_lib.supply.logistics.likeness import holm

if TYPE_CHECKING:
    import pandas as pd

    from ecops_lib.core.charts import Chart

ROWS = 12
SURE = 0.05
GROUPS: Mapping[str, str] = {
    "province": mark("Destination"),
    "seller_id": mark("Seller"),
    "carrier": mark("Carrier"),
}


@dataclass(frozen=True, kw_only=True, eq=False)
class PromisesKept(Result):
    """Orders that came as promised.

    Attributes:
        frame: One row a group, most orders first: ``key``, ``orders`` (counted), ``due``
            (weighted), shares ``kept`` with its 90 % interval, ``late`` and ``never``,
            ``effective`` number of orders.
        whole: The same of all orders.
        untold: Weighted orders whose parcels do not tell the group.
        by: What it is counted by.
        weighted: Whether orders were weighted.
        as_of: Last local day.
        owner: Who sees to it.
    """

    sheet: ClassVar[str] = mark("Promises kept")
    units: ClassVar[Mapping[str, Unit]] = {
        "orders": "count",
        "due": "number",
        "kept": "share",
        "kept_low": "share",
        "kept_high": "share",
        "late": "share",
        "never": "share",
    }
    labels: ClassVar[Mapping[str, str]] = {
        "key": mark("Group"),
        "orders": mark("Orders counted"),
        "due": mark("Orders that they stand for"),
        "kept": mark("Promise kept"),
        "kept_low": mark("Kept, low"),
        "kept_high": mark("Kept, high"),
        "late": mark("Came late"),
        "never": mark("Has not come"),
    }

    frame: pd.DataFrame
    whole: Mapping[str, Any]
    untold: float
    by: str
    weighted: bool
    as_of: dt.date
    owner: str

    def headings(self) -> dict[str, str]:
        """The columns' headings, with the group's own name."""
        return {**super().headings(), "key": tr(GROUPS[self.by])}

    def to_frame(self) -> pd.DataFrame:
        """One row a group, most orders first."""
        return self.frame[[*self.labels]].assign(key=[short_name(k) for k in self.frame["key"]])

    def page_frame(self) -> pd.DataFrame:
        """The groups with most orders."""
        return self.to_frame().head(ROWS)

    def chart(self) -> Chart | None:
        """Shares of the largest groups."""
        if len(self.frame) < 2:
            return None
        return bar_chart(
            self.page_frame(),
            caption=tr("Share of orders that came as promised"),
            unit="share",
            name="key",
            value="kept",
        )

    def worse(self) -> pd.DataFrame:
        """Groups surely below the rest, most broken promises above the rest's rate first."""
        from scipy.stats import norm

        rows, whole = self.frame, self.whole
        rest = whole["due"] - rows["due"]
        others = (whole["due"] * whole["kept"] - rows["due"] * rows["kept"]) / rest.where(rest > 0)
        n = rows["effective"]
        weight = rows["due"] / n
        m = rest / weight.where(weight > 0)
        pooled = (rows["kept"] * n + others * m) / (n + m)
        with np.errstate(divide="ignore", invalid="ignore"):
            z = (rows["kept"] - others) / np.sqrt(pooled * (1 - pooled) * (1 / n + 1 / m))
        p_value = holm(norm.cdf(z.to_numpy(float)))
        held = rows.assign(
            others=others, p_value=p_value, excess=(others - rows["kept"]) * rows["due"]
        )
        sure = held[held["p_value"] < SURE]
        return sure.sort_values("excess", ascending=False, kind="stable", ignore_index=True)

    def findings(self) -> tuple[Finding, ...]:
        """All orders' share, and the groups surely below the rest."""
        return (self._overall(), *self._worse())

    def _overall(self) -> Finding:
        values = {
            "kept": show(float(self.whole["kept"]), "share"),
            "orders": show(round(float(self.whole["due"])), "count"),
            "late": show(float(self.whole["late"]), "share"),
            "never": show(float(self.whole["never"]), "share"),
        }
        text = tr(
            "{kept} of {orders} orders that were due came as promised; {late} came late, {never} "
            "have not come.",
            **values,
        )
        if self.weighted:
            text += " " + tr(
                "Orders are weighted: {counted} were counted.",
                counted=show(int(self.whole["orders"]), "count"),
            )
        numbers = {name: float(self.whole[name]) for name in ("kept", "late", "never", "due")}
        return Finding(key="promises/all", level="info", text=text, evidence=numbers)

    def _worse(self) -> list[Finding]:
        held = self.worse()
        if held.empty:
            if len(self.frame) < 2:
                return []
            text = tr("No group surely keeps fewer promises than the rest.")
            return [Finding(key="promises/even", level="good", text=text)]
        row = held.iloc[0]
        text = ntr(
            "{count} group surely keeps fewer promises than the rest: {name}, {kept} against "
            "{others}, which is {excess} broken promises more.",
            "{count} groups surely keep fewer promises than the rest; most is lost at {name}: "
            "{kept} against {others}, which is {excess} broken promises more.",
            len(held),
            count=show(len(held), "count"),
            name=short_name(row["key"]),
            kept=show(row["kept"], "share"),
            others=show(row["others"], "share"),
            excess=show(round(row["excess"]), "count"),
        )
        todo = (
            tr("talk to this seller, and promise later days until it keeps them")
            if self.by == "seller_id"
            else tr("promise later days there, or ship it another way")
        )
        numbers = {"groups": float(len(held)), "kept": row["kept"], "others": row["others"]}
        return [
            Finding(
                key=f"promises/{row['key']}",
                level="watch",
                text=text,
                evidence=numbers,
                action=Action(text=todo, owner=self.owner),
            )
        ]
