"""What carriers did, in a table, a chart and sentences."""

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
from ecops_lib.supply.logistics.likeness import compare_rates, compare_times

if TYPE_CHECKING:
    import pandas as pd

    from ecops_lib.core.charts import Chart
    from ecops_lib.supply.logistics.pickup import PickUp
    from ecops_lib.supply.logistics.survival import Survival

SURE = 0.05
FEW = 30
"""Parcels below which a carrier is not compared."""
ROWS = 12
NAMED = 3
PAGE = ("carrier", "parcels", "in_48", "median", "p90", "kept_share", "per_order", "per_kilo",
        "damage")  # fmt: skip


@dataclass(frozen=True, kw_only=True, eq=False)
class CarrierService(Result):
    """Carriers' work over some days.

    Attributes:
        carriers: One row a carrier, most parcels first: ``carrier``, ``parcels``, ``orders``,
            ``median`` and ``p90`` [hours] with ``median_low`` and ``median_high``,
            ``kept_share``, ``per_kilo`` and ``per_order`` [store currency], ``damage`` and
            ``loss``, each share with its 90 % interval, ``due``, ``in_24``, ``in_48``; NaN
            where the parcels do not tell.
        lanes: The same by carrier, ``province`` and ``size_class``.
        curves: Delivery times, by carrier.
        slow: Carriers beside the others of each lane (``compare_times``).
        broken: Promises broken beside the others of the same lanes (``compare_rates``).
        harmed: Parcels damaged or lost beside the others of the same lanes.
        pick_up: Pick-ups in the platforms' window; None without orders.
        start: First local day of taking over.
        as_of: Last local day.
        owner: Who sees to it.
    """

    sheet: ClassVar[str] = mark("Carriers")
    units: ClassVar[Mapping[str, Unit]] = {
        "parcels": "count",
        "due": "count",
        "in_24": "share",
        "in_48": "share",
        "median": "hours",
        "p90": "hours",
        "kept_share": "share",
        "per_order": "money",
        "per_kilo": "money",
        "damage": "share",
        "damage_low": "share",
        "damage_high": "share",
        "loss": "share",
        "loss_low": "share",
        "loss_high": "share",
    }
    labels: ClassVar[Mapping[str, str]] = {
        "carrier": mark("Carrier"),
        "province": mark("Destination"),
        "size_class": mark("Size class"),
        "parcels": mark("Parcels"),
        "due": mark("Orders due for pick-up"),
        "in_24": mark("Picked up in 24 h"),
        "in_48": mark("Picked up in 48 h"),
        "median": mark("Median delivery time"),
        "p90": mark("Nine in ten come within"),
        "kept_share": mark("Promise kept"),
        "per_order": mark("Freight per order"),
        "per_kilo": mark("Freight per kg"),
        "damage": mark("Damaged"),
        "damage_low": mark("Damaged, low"),
        "damage_high": mark("Damaged, high"),
        "loss": mark("Lost"),
        "loss_low": mark("Lost, low"),
        "loss_high": mark("Lost, high"),
    }

    carriers: pd.DataFrame
    lanes: pd.DataFrame
    curves: Mapping[Any, Survival]
    slow: pd.DataFrame
    broken: pd.DataFrame
    harmed: pd.DataFrame
    pick_up: PickUp | None
    start: dt.date
    as_of: dt.date
    owner: str

    def to_frame(self) -> pd.DataFrame:
        """Each carrier on all lanes, then by lane."""
        import pandas as pd

        whole = self.carriers.assign(province=tr("all"), size_class=tr("all"))
        held = pd.concat([whole, self.lanes], ignore_index=True)[[*self.labels]]
        return held.assign(carrier=[carrier_words(name) for name in held["carrier"]])

    def page_frame(self) -> pd.DataFrame:
        """The carriers with most parcels, on all lanes."""
        return self.to_frame().loc[: min(len(self.carriers), ROWS) - 1, [*PAGE]]

    def chart(self) -> Chart | None:
        """Median delivery times."""
        told = self.carriers[self.carriers["median"].notna()].head(ROWS)
        if len(told) < 2:
            return None
        rows = told.assign(carrier=[carrier_words(name) for name in told["carrier"]])
        return bar_chart(
            rows,
            caption=tr("Hours until half of a carrier's parcels have come"),
            unit="hours",
            name="carrier",
            value="median",
        )

    def findings(self) -> tuple[Finding, ...]:
        """Pick-up, promises, who is slower, who breaks or loses more on the same lanes."""
        found = [self._picked(), self._promised(), *self._slower(), self._breakers(),
                 self._harmful(), self._alone()]  # fmt: skip
        return tuple(finding for finding in found if finding)

    def _picked(self) -> Finding | None:
        held = self.pick_up
        if held is None or not held.due:
            return None
        text = tr(
            "Of {due} orders paid from {start} to {end} and due for pick-up, {in_48} were picked "
            "up whole within 48 hours, {in_24} within 24.",
            due=show(held.due, "count"),
            start=show(held.start, "day"),
            end=show(held.end, "day"),
            in_48=show(held.in_48 / held.due, "share"),
            in_24=show(held.in_24 / held.due, "share"),
        )
        if held.untold:
            text += " " + ntr(
                "{count} shipped order without a scan is left out.",
                "{count} shipped orders without a scan are left out.",
                held.untold,
                count=show(held.untold, "count"),
            )
        numbers = {"due": held.due, "in_48": held.in_48, "in_24": held.in_24}
        return Finding(key="carriers/pickup", level="info", text=text, evidence=numbers)

    def _promised(self) -> Finding | None:
        kept, all_ = self.carriers["kept"].sum(), self.carriers["promised"].sum()
        if not all_:
            return None
        text = tr(
            "{share} of {parcels} parcels that were due came as promised.",
            share=show(kept / all_, "share"),
            parcels=show(all_, "count"),
        )
        return Finding(key="carriers/promise", level="info", text=text,
                       evidence={"kept": float(kept), "promised": float(all_)})  # fmt: skip

    def _slower(self) -> list[Finding]:
        """Carriers surely slower than the others of a lane, most parcels first."""
        held = self.slow[(self.slow["p_value"] < SURE)]
        late = held[held["arrived"] < held["expected"]]
        order = late.groupby("carrier")["arrived"].sum().sort_values(ascending=False, kind="stable")
        found = []
        for carrier in order.index[:2]:
            lanes = late[late["carrier"] == carrier].sort_values("arrived", ascending=False)
            most = lanes.iloc[0]
            mine, others = self._medians(str(carrier), str(most["province"]), most["size_class"])
            text = ntr(
                "{carrier} is slower than the other carriers on {count} lane: {place}, half of "
                "its parcels within {mine}, the others' within {others}.",
                "{carrier} is slower than the other carriers on {count} lanes: on the largest, "
                "{place}, half of its parcels within {mine}, the others' within {others}.",
                len(lanes),
                carrier=carrier_words(carrier),
                count=show(len(lanes), "count"),
                place=lane_words(most["province"], most["size_class"]),
                mine=show(mine, "hours"),
                others=show(others, "hours"),
            )
            action = Action(
                text=tr("ask it for faster lines there, or move these lanes"), owner=self.owner
            )
            found.append(
                Finding(
                    key=f"carriers/slow/{carrier}",
                    level="watch",
                    text=text,
                    evidence={"lanes": float(len(lanes)), "median": mine, "others": others},
                    action=action,
                )
            )
        return found

    def _medians(self, carrier: str, province: str, size_class: str) -> tuple[float, float]:
        """Median hours of a carrier on a lane, and the others' weighted by their parcels."""
        lane = self.lanes[
            (self.lanes["province"] == province) & (self.lanes["size_class"] == size_class)
        ]
        mine = lane["carrier"] == carrier
        others = lane[~mine & lane["median"].notna()]
        usual = np.average(others["median"], weights=others["parcels"]) if len(others) else np.nan
        return float(lane.loc[mine, "median"].iloc[0]), float(usual)

    def _breakers(self) -> Finding | None:
        row = _worst(self.broken)
        if row is None:
            return None
        text = tr(
            "{carrier} breaks its promise for {rate} of its parcels, the other carriers on the "
            "same lanes for {others}.",
            carrier=carrier_words(row["carrier"]),
            rate=show(row["rate"], "share"),
            others=show(row["others"], "share"),
        )
        action = Action(text=tr("claim what the contract pays for late parcels"), owner=self.owner)
        return Finding(key="carriers/broken", level="watch", text=text, action=action,
                       evidence={"rate": row["rate"], "others": row["others"]})  # fmt: skip

    def _harmful(self) -> Finding | None:
        row = _worst(self.harmed)
        if row is None:
            return None
        text = tr(
            "{carrier} damages or loses {rate} of its parcels, the other carriers on the same "
            "lanes {others}.",
            carrier=carrier_words(row["carrier"]),
            rate=show(row["rate"], "share"),
            others=show(row["others"], "share"),
        )
        action = Action(text=tr("claim compensation and check the packing"), owner=self.owner)
        return Finding(key="carriers/harm", level="watch", text=text, action=action,
                       evidence={"rate": row["rate"], "others": row["others"]})  # fmt: skip

    def _alone(self) -> Finding | None:
        """A carrier with most harm that shares no lane, so that nobody can say why."""
        alone = self.harmed[self.harmed["counted"] == 0]["carrier"]
        rows = self.carriers[self.carriers["carrier"].isin(alone) & (self.carriers["ended"] >= FEW)]
        if rows.empty:
            return None
        row = rows.iloc[int((rows["damage"] + rows["loss"]).to_numpy().argmax())]
        text = tr(
            "{carrier} damaged {damage} of its parcels ({low} to {high}) and lost {loss}; no other "
            "carrier serves its lanes, so whether the carrier or the goods are the cause cannot "
            "be told.",
            carrier=carrier_words(row["carrier"]),
            damage=show(row["damage"], "share"),
            low=show(row["damage_low"], "share"),
            high=show(row["damage_high"], "share"),
            loss=show(row["loss"], "share"),
        )
        return Finding(key="carriers/alone", level="info", text=text,
                       evidence={"damage": float(row["damage"])})  # fmt: skip


def compare_service(
    sums: pd.DataFrame, hours: pd.DataFrame
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Carriers beside the others of the same lanes: times, broken promises, harm."""
    told = sums.assign(
        broken=sums["promised"] - sums["kept"], harmed=sums["damaged"] + sums["lost"]
    )
    return (
        compare_times(hours),
        compare_rates(told, "broken", "promised"),
        compare_rates(told, "harmed", "ended"),
    )


def _worst(rows: pd.DataFrame) -> dict[Any, Any] | None:
    """The carrier surely worse than the others of its lanes by most; None where none is."""
    held = rows[(rows["p_value"] < SURE) & (rows["rate"] > rows["others"])]
    held = held[held["counted"] >= FEW]
    if held.empty:
        return None
    gap = (held["rate"] - held["others"]) * held["counted"]
    return dict(held.iloc[int(gap.to_numpy().argmax())])


def carrier_words(carrier: object) -> str:
    """A carrier in words."""
    return short_name(carrier) if carrier else tr("carrier not told")


def lane_words(province: object, size_class: object) -> str:
    """A lane in words."""
    words = [short_name(part) for part in (province, size_class) if part]
    return " · ".join(words) if words else tr("destination not told")
