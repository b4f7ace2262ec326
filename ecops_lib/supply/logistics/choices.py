"""Which carrier for which lane, in a table, a chart and sentences."""

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
from ecops_lib.core.results import Result
from ecops_lib.supply.logistics.service import carrier_words, lane_words

if TYPE_CHECKING:
    import pandas as pd

    from ecops_lib.core.charts import Chart

SURE = 0.05
ROWS = 12
VERDICTS: Mapping[str, str] = {
    "move": mark("move"),
    "worse service": mark("cheaper, but worse service"),
    "cannot be told": mark("cheaper; service cannot be told"),
    "no saving": mark("no sure saving"),
}


@dataclass(frozen=True, kw_only=True, eq=False)
class CarrierChoices(Result):
    """Carriers compared on each lane.

    Attributes:
        pairs: One row two carriers of a lane, most saving first: ``province``,
            ``size_class``, ``old``, ``new``, ``moved`` parcels a month, ``covered`` (share of
            the old carrier's parcels in weight bands that both carry), ``saving``
            [store currency a month] with its 90 % interval, ``chance`` that there is none
            (adjusted for all pairs), ``kept_gap`` (promises kept by the new less by the old)
            with its 90 % interval, ``harm_gap``, ``kept_chance`` and ``harm_chance`` that it
            is no worse (adjusted), ``slower``, ``verdict``, ``advised`` (the
            best move of the old carrier's lane).
        total: Saving of all advised moves and its 90 % interval [store currency a month].
        tiers: Carriers' volumes before and after, and what their tiers change
            (``tier_effects``).
        lonely: Lanes that one carrier serves alone.
        start: First local day.
        as_of: Last local day.
        owner: Who sees to it.
    """

    sheet: ClassVar[str] = mark("Carriers by lane")
    units: ClassVar[Mapping[str, Unit]] = {
        "moved": "count",
        "covered": "share",
        "saving": "money",
        "saving_low": "money",
        "saving_high": "money",
        "kept_gap": "points",
    }
    labels: ClassVar[Mapping[str, str]] = {
        "lane": mark("Lane"),
        "old": mark("Carrier now"),
        "new": mark("Other carrier"),
        "moved": mark("Parcels a month"),
        "saving": mark("Saving a month"),
        "saving_low": mark("Saving, low"),
        "saving_high": mark("Saving, high"),
        "kept_gap": mark("Change of promises kept"),
        "verdict": mark("Verdict"),
    }

    pairs: pd.DataFrame
    total: tuple[float, float, float]
    tiers: pd.DataFrame
    lonely: pd.DataFrame
    start: dt.date
    as_of: dt.date
    owner: str

    def to_frame(self) -> pd.DataFrame:
        """One row two carriers of a lane, most saving first."""
        rows = self.pairs
        lanes = zip(rows["province"], rows["size_class"], strict=True)
        return rows.assign(
            lane=[lane_words(*lane) for lane in lanes],
            old=[carrier_words(name) for name in rows["old"]],
            new=[carrier_words(name) for name in rows["new"]],
            verdict=[tr(VERDICTS[told]) for told in rows["verdict"]],
        )[[*self.labels]]

    def page_frame(self) -> pd.DataFrame:
        """The advised moves first, then what saves most at a price."""
        order = np.argsort(~self.pairs["advised"].to_numpy(bool), kind="stable")
        held = self.to_frame().iloc[order]
        return held[self.pairs["saving"].to_numpy()[order] > 0].head(ROWS)

    def chart(self) -> Chart | None:
        """Savings of the advised moves with their intervals."""
        rows = self.pairs[self.pairs["advised"]].head(ROWS)
        if rows.empty:
            return None
        names = [
            f"{lane_words(r['province'], r['size_class'])}: {carrier_words(r['old'])} → "
            f"{carrier_words(r['new'])}"
            for r in rows.to_dict("records")
        ]
        return interval_chart(
            rows.assign(name=names),
            caption=tr("What a move would save a month, with the interval of nine in ten"),
            unit="money",
            better=["up"] * len(rows),
            value="saving",
            low="saving_low",
            high="saving_high",
        )

    def findings(self) -> tuple[Finding, ...]:
        """The moves, what they change in volume tiers, what would cost service, who is alone."""
        found = [self._moves(), self._tiers(), self._costly(), self._untold(), self._alone()]
        return tuple(finding for finding in found if finding)

    def _moves(self) -> Finding | None:
        rows = self.pairs[self.pairs["advised"]]
        if rows.empty:
            if self.pairs.empty:
                return None
            text = tr("On no lane would another carrier surely save freight without worse service.")
            return Finding(key="lanes/none", level="good", text=text)
        saving, low, high = self.total
        first = rows.iloc[0]
        text = ntr(
            "Moving the parcels of {count} lane to a carrier with no worse service would save "
            "{saving} a month ({low} to {high}): {lane}, from {old} to {new}.",
            "Moving the parcels of {count} lanes to a carrier with no worse service would save "
            "{saving} a month ({low} to {high}); most on {lane}, from {old} to {new}.",
            len(rows),
            count=show(len(rows), "count"),
            saving=show(saving, "money"),
            low=show(low, "money"),
            high=show(high, "money"),
            lane=lane_words(first["province"], first["size_class"]),
            old=carrier_words(first["old"]),
            new=carrier_words(first["new"]),
        )
        action = Action(
            text=tr("move part of these lanes for two weeks, and compare again"), owner=self.owner
        )
        numbers = {"lanes": float(len(rows)), "saving": saving, "low": low, "high": high}
        return Finding(key="lanes/move", level="watch", text=text, evidence=numbers,
                       money=max(saving, 0.0), action=action)  # fmt: skip

    def _tiers(self) -> Finding | None:
        """What the moved volume changes in the price lists' tiers, others' losses included."""
        held = self.tiers[self.tiers["effect"].notna() & (self.tiers["effect"].abs() > 0.005)]
        if held.empty:
            return None
        effect = float(held["effect"].sum())
        row = held.iloc[int(held["effect"].abs().to_numpy().argmax())]
        values = {
            "effect": show(abs(effect), "money"),
            "carrier": carrier_words(row["carrier"]),
            "now": show(round(row["now"]), "count"),
            "then": show(round(row["then"]), "count"),
        }
        if effect > 0:
            text = tr(
                "By the price lists' volume tiers the moves would save {effect} a month more; most "
                "of it from {carrier}, which would carry {then} parcels a month instead of {now}.",
                **values,
            )
        else:
            text = tr(
                "By the price lists' volume tiers the moves would cost {effect} a month; most of "
                "it at {carrier}, which would carry {then} parcels a month instead of {now}.",
                **values,
            )
        return Finding(key="lanes/tiers", level="info", text=text,
                       evidence={"effect": effect}, money=abs(effect))  # fmt: skip

    def _costly(self) -> Finding | None:
        """The largest saving that would cost service."""
        rows = self.pairs[self.pairs["verdict"] == "worse service"]
        if rows.empty:
            return None
        row: dict[Any, Any] = dict(rows.iloc[0])
        text = tr(
            "{new} is cheaper than {old} on {lane} ({saving} a month), but serves worse: {why}.",
            new=carrier_words(row["new"]),
            old=carrier_words(row["old"]),
            lane=lane_words(row["province"], row["size_class"]),
            saving=show(row["saving"], "money"),
            why=tr(", ").join(_faults(row)),
        )
        action = Action(text=tr("leave it where it is, or ask for its price"), owner=self.owner)
        return Finding(key="lanes/costly", level="info", text=text, action=action,
                       evidence={"saving": row["saving"], "kept_gap": row["kept_gap"]})  # fmt: skip

    def _untold(self) -> Finding | None:
        rows = self.pairs[self.pairs["verdict"] == "cannot be told"]
        keys = ["province", "size_class"]
        moved = self.pairs.loc[self.pairs["advised"], keys].apply(tuple, axis=1)
        lanes = set(rows[keys].apply(tuple, axis=1)) - set(moved)
        if not lanes:
            return None
        text = ntr(
            "On {count} lane another carrier is cheaper, but whether it keeps as many promises "
            "cannot be told from its parcels.",
            "On {count} lanes another carrier is cheaper, but whether it keeps as many promises "
            "cannot be told from its parcels.",
            len(lanes),
            count=show(len(lanes), "count"),
        )
        action = Action(text=tr("give it a small share of them, at random"), owner=self.owner)
        return Finding(key="lanes/untold", level="info", text=text, action=action,
                       evidence={"lanes": float(len(lanes))})  # fmt: skip

    def _alone(self) -> Finding | None:
        if self.lonely.empty:
            return None
        row = self.lonely.iloc[0]
        text = ntr(
            "{count} lane is served by one carrier alone, so which carrier suits it cannot be "
            "told: {lane} ({carrier}).",
            "{count} lanes are served by one carrier alone, so which carrier suits them cannot be "
            "told; the largest is {lane} ({carrier}).",
            len(self.lonely),
            count=show(len(self.lonely), "count"),
            lane=lane_words(row["province"], row["size_class"]),
            carrier=carrier_words(row["carrier"]),
        )
        return Finding(key="lanes/alone", level="info", text=text,
                       evidence={"lanes": float(len(self.lonely))})  # fmt: skip


def _faults(row: Mapping[Any, Any]) -> list[str]:
    """In what the new carrier is worse."""
    found = []
    if row["kept_chance"] < SURE:
        gap = show(-row["kept_gap"], "points")
        found.append(tr("it keeps {gap} fewer promises", gap=gap))
    if row["slower"]:
        found.append(tr("it is surely slower there"))
    if row["harm_chance"] < SURE:
        gap = show(row["harm_gap"], "points")
        found.append(tr("it damages or loses {gap} more", gap=gap))
    return found
