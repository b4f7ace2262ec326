"""Suppliers' ratings in a table, a chart and sentences."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from ecops_lib.core.charts import interval_chart
from ecops_lib.core.findings import Action, Finding
from ecops_lib.core.formats import Unit, show
from ecops_lib.core.language import mark, ntr, tr
from ecops_lib.core.names import short_name
from ecops_lib.core.results import Result
from ecops_lib.supply.panel import Floats
from ecops_lib.supply.suppliers.negotiating import returned, talk
from ecops_lib.supply.suppliers.shrinkage import Rates

if TYPE_CHECKING:
    import pandas as pd

    from ecops_lib.core.charts import Chart

PARTS = ("on_time", "in_full", "quality")
SURE = 0.9
"""Chance from which one supplier is called better than the rest."""
FEW = 5
"""Deliveries below which a rating is called thin."""
ROWS = 12
NAMED = 4
PAGE = ("name", "grade", "deliveries", "on_time", "in_full", "quality", "lead", "price", "rank")
WORSE = 1.5
"""Faults beside the mean of all from which a supplier is worth a talk."""


@dataclass(frozen=True, kw_only=True, eq=False)
class SupplierRatings(Result):
    """Suppliers from best to worst, and how sure that order is.

    Attributes:
        frame: One row a supplier, best first: ``supplier_id``, ``name``, ``deliveries``,
            ``open_late``, rates shrunk (``on_time`` …) and raw (``on_time_raw`` …), ``lead``
            and ``lead_spread`` [days], ``price`` beside others of the same SKUs,
            ``price_rise`` from half to half of the days, ``payment_days``, ``score`` with its
            90 % interval, ``rank_low`` to ``rank_high`` (90 %), chance to be ``first``,
            ``grade``, ``ordered_units`` and ``amount`` bought (NaN without prices).
        rates: The shrunk rates, by part of the score.
        draws: Draws of the scores (draws, suppliers), in the order of the ids.
        weights: What the score is made of.
        trend: On-time deliveries by halves of the days.
        sole: SKUs that only this supplier can deliver, by supplier.
        others: The best better-rated source of each supplier's SKUs (``find_others``).
        returns: Refunds beside those of the same categories (``count_returns``), or None.
        start: First local day.
        as_of: Last local day.
        owner: Who sees to it.
    """

    sheet: ClassVar[str] = mark("Suppliers")
    units: ClassVar[Mapping[str, Unit]] = {
        "deliveries": "count",
        "on_time": "share",
        "in_full": "share",
        "quality": "share",
        "lead": "days",
        "lead_spread": "days",
        "price": "share",
        "price_rise": "share",
        "payment_days": "days",
        "score": "share",
        "amount": "money",
    }
    labels: ClassVar[Mapping[str, str]] = {
        "name": mark("Supplier"),
        "grade": mark("Grade"),
        "deliveries": mark("Deliveries"),
        "on_time": mark("On time, shrunk"),
        "in_full": mark("In full, shrunk"),
        "quality": mark("Passed inspection, shrunk"),
        "lead": mark("Lead time"),
        "lead_spread": mark("Its spread"),
        "price": mark("Price beside others'"),
        "rank": mark("Rank, 90%"),
        "price_rise": mark("Price rise, same SKUs"),
        "payment_days": mark("Days to payment"),
        "amount": mark("Bought"),
    }

    frame: pd.DataFrame
    rates: Mapping[str, Rates]
    draws: Floats
    weights: Mapping[str, float]
    trend: pd.DataFrame
    sole: Mapping[str, int]
    others: pd.DataFrame
    returns: pd.DataFrame | None
    start: dt.date
    as_of: dt.date
    owner: str

    def to_frame(self) -> pd.DataFrame:
        """One row a supplier, best first."""
        ranks = zip(self.frame["rank_low"], self.frame["rank_high"], strict=True)
        told = [_span(low, high) for low, high in ranks]
        return self.frame.assign(rank=told)[[*self.labels]]

    def page_frame(self) -> pd.DataFrame:
        """The best and the worst."""
        held = self.to_frame()[[*PAGE]]
        if len(held) <= ROWS:
            return held
        return held.iloc[[*range(ROWS // 2), *range(len(held) - ROWS // 2, len(held))]]

    def chart(self) -> Chart | None:
        """Scores beside the mean of all, with their intervals."""
        if len(self.frame) < 2 or self.frame["score"].isna().any():
            return None
        ends = ["score", "score_low", "score_high"]
        rows = self.frame.assign(name=[short_name(n) for n in self.frame["name"]])
        rows[ends] = rows[ends] - self.frame["score"].mean()
        keep = [*range(min(ROWS // 2, len(rows)))]
        keep += [n for n in range(len(rows) - ROWS // 2, len(rows)) if n not in keep and n >= 0]
        return interval_chart(
            rows.iloc[keep].reset_index(drop=True),
            caption=tr("Suppliers' scores beside their mean, with the interval of nine in ten"),
            unit="points",
            better=["up"] * len(keep),
            value="score",
            low="score_low",
            high="score_high",
        )

    def findings(self) -> tuple[Finding, ...]:
        """Who stands out, who got worse, what to negotiate, whom to replace."""
        rows = self.frame.to_dict("records")
        found = [self._overall(), self._best(rows), *self._worst(rows), *self._moved()]
        found += [returned(self.returns, self.frame, self.owner), talk(self.frame, self.owner)]
        found += [self._thin(rows), self._alone(rows)]
        return tuple(finding for finding in found if finding)

    def _overall(self) -> Finding | None:
        dated, good = self.frame["dated"].sum(), self.frame["on_time"]
        if not dated:
            return None
        late = dated - float(self.rates["on_time"].successes.sum())
        text = tr(
            "From {start} to {end}, {late} of {all} deliveries with a due day were late: {share}.",
            start=show(self.start, "day"),
            end=show(self.as_of, "day"),
            late=show(late, "count"),
            all=show(float(dated), "count"),
            share=show(late / dated, "share"),
        )
        numbers = {"late": float(late), "deliveries": float(dated), "suppliers": float(len(good))}
        return Finding(key="suppliers/late", level="info", text=text, evidence=numbers)

    def _best(self, rows: list[dict[Any, Any]]) -> Finding | None:
        if len(rows) < 2 or np.isnan(rows[0]["score"]):
            return None
        best = rows[0]
        values = {"name": short_name(best["name"]), "chance": show(best["first"], "share")}
        if best["first"] >= SURE:
            text = tr(
                "{name} is the best supplier: it ranks first in {chance} of the draws.", **values
            )
        else:
            text = tr(
                "{name} leads, but not surely: it ranks first in {chance} of the draws; do not "
                "shift volume on rank alone.",
                **values,
            )
        level = "good" if best["first"] >= SURE else "info"
        numbers = {"first": float(best["first"]), "score": float(best["score"])}
        return Finding(key="suppliers/best", level=level, text=text, evidence=numbers)  # type: ignore[arg-type]

    def _worst(self, rows: list[dict[Any, Any]]) -> list[Finding]:
        """Suppliers surely below the mean of all in a part of the score."""
        words = {
            "on_time": tr("deliveries on time"),
            "in_full": tr("deliveries in full"),
            "quality": tr("units passing inspection"),
        }
        found: list[tuple[float, Finding]] = []
        ids = sorted(row["supplier_id"] for row in rows)
        for part, rates in self.rates.items():
            _, high = rates.limits()
            for place, supplier in enumerate(ids):
                gap = rates.pooled - float(rates.rates[place])
                if high[place] >= rates.pooled or 1 - rates.rates[place] < WORSE * (
                    1 - rates.pooled
                ):
                    continue
                row = next(r for r in rows if r["supplier_id"] == supplier)
                found.append(
                    (gap * row["amount"], self._behind(row, part, words[part], rates, place))
                )
        return [finding for _, finding in sorted(found, key=lambda pair: -pair[0])[:3]]

    def _behind(
        self, row: dict[Any, Any], part: str, what: str, rates: Rates, place: int
    ) -> Finding:
        text = tr(
            "{name}: {rate} {what}, against {mean} for all suppliers ({units} units bought).",
            name=short_name(row["name"]),
            rate=show(float(rates.rates[place]), "share"),
            what=what,
            mean=show(rates.pooled, "share"),
            units=show(row["ordered_units"], "count"),
        )
        todo = self._remedy(str(row["supplier_id"]))
        numbers = {"rate": float(rates.rates[place]), "mean": rates.pooled}
        return Finding(
            key=f"suppliers/{part}/{row['supplier_id']}",
            level="watch",
            text=text,
            evidence=numbers,
            action=Action(text=todo, owner=self.owner),
        )

    def _remedy(self, supplier: str) -> str:
        """Replace it where a better supplier is known for its SKUs, else negotiate."""
        others = self.others[self.others["supplier_id"] == supplier]
        if others.empty:
            return tr(
                "negotiate it with dates and a penalty; no better-rated source of its SKUs is "
                "known, so look for one"
            )
        other = others.iloc[0]
        names = dict(zip(self.frame["supplier_id"], self.frame["name"], strict=True))
        return ntr(
            "negotiate it with dates and a penalty, or order {count} of its SKUs from {other}, "
            "which is rated higher",
            "negotiate it with dates and a penalty, or order {count} of its SKUs from {other}, "
            "which is rated higher",
            int(other["skus"]),
            count=show(int(other["skus"]), "count"),
            other=short_name(names[other["other"]]),
        )

    def _moved(self) -> list[Finding]:
        """Whose punctuality changed beyond chance, all suppliers looked at (Holm)."""
        held = self.trend.sort_values("p_value").reset_index(drop=True)
        found = []
        names = dict(zip(self.frame["supplier_id"], self.frame["name"], strict=True))
        for place, row in enumerate(held.to_dict("records")):
            if row["p_value"] * (len(held) - place) > 0.05:
                break
            before = row["good_before"] / (row["good_before"] + row["late_before"])
            now = row["good_now"] / (row["good_now"] + row["late_now"])
            values = {
                "name": short_name(names[row["supplier_id"]]),
                "before": show(before, "share"),
                "now": show(now, "share"),
            }
            if now > before:
                text = tr("{name} became punctual: {now} on time, after {before}.", **values)
            else:
                text = tr("{name} became unpunctual: {now} on time, after {before}.", **values)
            found.append(
                Finding(
                    key=f"suppliers/trend/{row['supplier_id']}",
                    level="good" if now > before else "bad",
                    text=text,
                    evidence={"before": before, "now": now, "p_value": row["p_value"]},
                )
            )
        return found[:2]

    def _thin(self, rows: list[dict[Any, Any]]) -> Finding | None:
        thin = [short_name(row["name"]) for row in rows if row["deliveries"] < FEW]
        if not thin:
            return None
        text = ntr(
            "{count} supplier has too few deliveries to be graded ({names}); its rates are drawn "
            "towards the mean of all.",
            "{count} suppliers have too few deliveries to be graded ({names}); their rates are "
            "drawn towards the mean of all.",
            len(thin),
            count=show(len(thin), "count"),
            names=tr(", ").join(thin[:NAMED]) + (" …" if len(thin) > NAMED else ""),
        )
        return Finding(key="suppliers/thin", level="info", text=text,
                       evidence={"suppliers": float(len(thin))})  # fmt: skip

    def _alone(self, rows: list[dict[Any, Any]]) -> Finding | None:
        if not self.sole:
            return None
        names = {row["supplier_id"]: row["name"] for row in rows}
        supplier = max(self.sole, key=lambda each: (self.sole[each], each))
        text = tr(
            "{count} SKUs have a single source; most of them, {most}, depend on {name}.",
            count=show(sum(self.sole.values()), "count"),
            most=show(self.sole[supplier], "count"),
            name=short_name(names.get(supplier, supplier)),
        )
        return Finding(key="suppliers/sole", level="info", text=text,
                       evidence={"skus": float(sum(self.sole.values()))})  # fmt: skip


def _span(low: float, high: float) -> str:
    if np.isnan(low):
        return ""
    first, last = show(round(low), "count"), show(round(high), "count")
    return first if first == last else f"{first}–{last}"
