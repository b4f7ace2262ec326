"""Notes: what was found while computing, worded when it is read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from ecops_lib.core.findings import Finding, Level
from ecops_lib.core.formats import show
from ecops_lib.core.language import mark, ntr, tr

Kind = Literal["fallback", "unknown_buyers", "untold", "outside", "bounds", "silent", "unsplit"]


@dataclass(frozen=True, slots=True)
class Note:
    """Something that a reader of the numbers must know."""

    kind: Kind
    values: Mapping[str, object] = field(default_factory=dict)

    def finding(self) -> Finding:
        """The note as a finding in the reader's language."""
        level: Level = "watch" if self.kind in {"untold", "outside", "silent"} else "info"
        about = self.values.get("measure", self.values.get("metric", ""))
        numbers = {k: float(v) for k, v in self.values.items() if isinstance(v, int | float)}
        return Finding(
            key=f"note/{self.kind}/{about}", level=level, text=self._text(), evidence=numbers
        )

    def _text(self) -> str:
        held = self.values
        match self.kind:
            case "unknown_buyers":
                return ntr(
                    "{count} paid order names no buyer; buyers are the known ones only.",
                    "{count} paid orders name no buyer; buyers are the known ones only.",
                    float(str(held["count"])),
                    count=show(held["count"], "count"),
                )
            case "untold":
                return tr(
                    "{measure}: {count} of {rows} rows do not tell it and are left out.",
                    measure=held["measure"],
                    count=show(held["count"], "count"),
                    rows=show(held["rows"], "count"),
                )
            case "fallback":
                return tr(
                    "{measure} is as the platform counts it ({now}): the orders do not tell it.",
                    measure=held["measure"],
                    now=tr(PLATFORM_FACTS.get(str(held["now"]), str(held["now"]))),
                )
            case "outside":
                return tr(
                    "The {table} in the store run from {first} to {last}; days outside hold "
                    "no data and are not zero.",
                    table=held["table"],
                    first=show(held["first"], "day"),
                    last=show(held["last"], "day"),
                )
            case "bounds":
                return tr(
                    "{metric} cannot be had over several rows, since the same people may be in "
                    "each; it lies between the bounds shown.",
                    metric=tr(str(held["label"])),
                )
            case "silent":
                return tr(
                    "{metric}: no row of {table} tells it for these days.",
                    metric=tr(str(held["label"])),
                    table=held["table"],
                )
            case "unsplit":
                return tr(
                    "{measure}: no row tells the {dimension}, so it cannot be split.",
                    measure=held["measure"],
                    dimension=held["dimension"],
                )


PLATFORM_FACTS: Mapping[str, str] = {
    "traffic_shop": mark("shop rows of the traffic table"),
    "traffic_product": mark("product rows of the traffic table"),
    "traffic_channel": mark("channel rows of the traffic table"),
    "traffic_keyword": mark("keyword rows of the traffic table"),
}
