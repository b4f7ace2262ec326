"""Products and channels that suddenly sell less, or more, than the rest of the campaign.

Each product and channel is compared with all others over its last 3, 6, 12 and 24 hours:
given how much it and the rest sold before and since, its lines since then are (non-central)
hypergeometric with odds that say how its share at these hours of the day differed from its
share at the other hours in the four weeks before (shrunk towards no difference as far as chance
explains the differences: empirical Bayes on the log odds). What raised an alarm is left out of
the rest of others. All p-values of a look share `FALSE_ALARMS`, so that so many alarms are
expected by chance at most.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import narwhals as nw
import numpy as np
import numpy.typing as npt

from ecops_lib.campaigns.campaign import Campaign
from ecops_lib.campaigns.pacing.lines import paid_lines, sold_by, titles_of
from ecops_lib.campaigns.pacing.live import Live, read_live
from ecops_lib.core.findings import Action, Finding
from ecops_lib.core.formats import Unit, show
from ecops_lib.core.language import mark, tr
from ecops_lib.core.results import Result
from ecops_lib.data import frames
from ecops_lib.metrics.bases import Source

if TYPE_CHECKING:
    import pandas as pd

Kind = Literal["product", "channel"]
Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

COLUMNS: Mapping[Kind, str] = {"product": "product_id", "channel": "channel"}
KINDS: Mapping[str, str] = {"product": mark("product"), "channel": mark("channel")}
HOURS = (3, 6, 12, 24)
FALSE_ALARMS = 0.1
"""Alarms by chance at one look, at most."""
HISTORY_DAYS = 28
MOST_TOLD = 5
DAY_HOURS = 24
LEAST_LINES = 5
"""Order lines of the campaign without which a product or channel can raise no alarm."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Alarms(Result):
    """Products and channels against the pace of the rest.

    Attributes:
        campaign: The campaign.
        at: Local time up to which orders count.
        comparisons: Products and channels times spans of hours looked at.
        frame: One row a product or channel, the least likely first, with the span in which it
            differs most: ``hours``, order ``lines`` in them, lines ``expected`` at the pace of
            the rest, ``p_value``, ``alarm``, and ``money`` [store currency] that the rest of
            the campaign loses if it stays so (0 where it sells more, NaN without an alarm).
    """

    sheet: ClassVar[str] = mark("Products and channels against the pace of the rest")
    labels: ClassVar[Mapping[str, str]] = {
        "kind": mark("Kind"),
        "name": mark("Name"),
        "hours": mark("Last hours"),
        "lines": mark("Order lines"),
        "expected": mark("At the pace of the rest"),
        "p_value": mark("p-value"),
        "alarm": mark("Alarm"),
        "money": mark("At stake until the end"),
        "key": mark("Id"),
    }
    units: ClassVar[Mapping[str, Unit]] = {
        "hours": "count", "lines": "count", "expected": "number", "p_value": "p_value",
        "money": "money",
    }  # fmt: skip

    campaign: Campaign
    at: dt.datetime
    comparisons: int
    frame: pd.DataFrame

    def to_frame(self) -> pd.DataFrame:
        """One row a product or channel."""
        rows = self.frame.copy()
        rows["kind"] = [tr(KINDS[kind]) for kind in rows["kind"]]
        rows["alarm"] = [tr("yes") if alarm else tr("no") for alarm in rows["alarm"]]
        return rows

    def page_frame(self) -> pd.DataFrame:
        """The twelve that differ most."""
        return self.to_frame().head(12)

    def findings(self) -> tuple[Finding, ...]:
        """Each alarm, the dearest first, and how many are expected by chance."""
        raised = self.frame[self.frame["alarm"]].sort_values("money", ascending=False)
        if not self.comparisons:
            text = tr("Too few order lines are paid to compare products or channels yet.")
            return (Finding(key="campaign/alarms", level="info", text=text),)
        if raised.empty:
            text = tr(
                "No product or channel leaves the pace of the rest: {count} comparisons, in which "
                "at most {chance} alarms are expected by chance.",
                count=show(self.comparisons, "count"), chance=show(FALSE_ALARMS, "number"),
            )  # fmt: skip
            return (Finding(key="campaign/alarms", level="info", text=text),)
        return tuple(self._told(row) for row in raised.head(MOST_TOLD).to_dict("records"))

    def _told(self, row: Mapping[Hashable, Any]) -> Finding:
        less = row["lines"] < row["expected"]
        words = {
            "name": row["name"], "hours": show(row["hours"], "count"),
            "lines": show(row["lines"], "count"), "expected": show(row["expected"], "number"),
            "chance": show(FALSE_ALARMS, "number"),
        }  # fmt: skip
        if not less:
            text = tr(ROSE, **words)
        elif row["lines"] == 0:
            text = tr(STOPPED, **words)
        else:
            text = tr(FELL, **words)
        advice = {"product": PRODUCT_ADVICE, "channel": CHANNEL_ADVICE}[row["kind"]]
        return Finding(
            key=f"campaign/alarm/{row['kind']}/{row['key']}",
            level="bad" if less else "good",
            text=text,
            evidence={k: row[k] for k in ("hours", "lines", "expected", "p_value")},
            money=row["money"] if less else None,
            action=Action(text=tr(advice, name=row["name"]), owner=tr("campaign owner"))
            if less
            else None,
        )


STOPPED = mark(
    "{name} has sold nothing for {hours} hours, where {expected} order lines were due at the pace "
    "of the rest (at most {chance} alarms a look are by chance)."
)
FELL = mark(
    "{name} sold {lines} order lines in the last {hours} hours, where {expected} were due at the "
    "pace of the rest (at most {chance} alarms a look are by chance)."
)
ROSE = mark(
    "{name} takes off: {lines} order lines in the last {hours} hours, where {expected} were due at "
    "the pace of the rest (at most {chance} alarms a look are by chance)."
)
PRODUCT_ADVICE = mark(
    "Look at once whether {name} is on sale, in stock, at its price and in its places."
)
CHANNEL_ADVICE = mark(
    "Look at once whether the plans, budgets and links of {name} run; else move its budget."
)


def find_alarms(
    source: Source,
    *,
    campaign: Campaign,
    at: str | dt.datetime = "",
    step: str = "30min",
    time_zone: str | None = None,
) -> Alarms:
    """Find products and channels whose sales suddenly leave the pace of the rest.

    Args:
        source: A store, or tables by canonical name.
        campaign: The campaign.
        at: Local time up to which orders count; the end of the orders unless given.
        step: Length of a step.
        time_zone: IANA zone of the days; the store's by default.

    Raises:
        MissingDataError: There are no orders or order lines.
        ParameterError: ``at`` or ``step`` is no time, or the campaign does not sell yet.
    """
    import pandas as pd

    live = read_live(source, campaign=campaign, at=at, step=step, time_zone=time_zone)
    live.tables.require("order_items")
    titles = titles_of(live)
    worlds = {kind: _World.of(live, kind) for kind in COLUMNS}
    first = {kind: world.compared(titles) for kind, world in worlds.items()}
    comparisons = sum(len(rows) * len(worlds[kind].spans) for kind, rows in first.items())
    most = FALSE_ALARMS / comparisons if comparisons else 0.0
    found = [row for world in worlds.values() for row in _in_turn(world, titles, most)]
    frame = pd.DataFrame(found, columns=list(Alarms.labels)).astype({"alarm": bool})
    frame = frame.sort_values(["p_value", "key"], ignore_index=True)
    return Alarms(campaign=campaign, at=live.at, comparisons=comparisons, frame=frame)


def _in_turn(world: _World, titles: Mapping[str, str], most: float) -> list[dict[str, Any]]:
    """Each alarm, and all others compared without it: its fall is not the rise of the rest."""
    raised: list[dict[str, Any]] = []
    while True:
        rows = world.without([row["key"] for row in raised]).compared(titles)
        best = min(rows, key=lambda row: (row["p_value"], row["key"]), default=None)
        if best is None or best["p_value"] > most:
            return [{**row, "alarm": True} for row in raised] + [
                {**row, "alarm": False, "money": math.nan} for row in rows
            ]
        raised.append(best)


@dataclass(frozen=True, kw_only=True, eq=False)
class _World:
    """Lines by hour of the products, or of the channels, now and in the weeks before."""

    live: Live
    kind: Kind
    hourly: pd.DataFrame
    usual: pd.DataFrame

    @classmethod
    def of(cls, live: Live, kind: Kind) -> _World:
        column, before = COLUMNS[kind], live.start - HISTORY_DAYS * frames.DAY
        return cls(
            live=live,
            kind=kind,
            hourly=_hourly(live, column, since=live.start),
            usual=_hourly(live, column, since=before, until=live.start),
        )

    @property
    def spans(self) -> list[int]:
        """The last hours that are looked at: as many lie before them at least."""
        return [hours for hours in HOURS if 2 * hours <= self.live.elapsed * self.live.hours_a_step]

    def without(self, keys: Sequence[str]) -> _World:
        """All but some products or channels."""
        held, past = (f[~f["key"].isin(keys)] for f in (self.hourly, self.usual))
        return replace(self, hourly=held, usual=past)

    def compared(self, titles: Mapping[str, str]) -> list[dict[str, Any]]:
        """Every product or channel in the span in which it differs most from the rest."""
        counted = self.hourly.groupby("key")["lines"].sum()
        keys = sorted(counted[counted >= LEAST_LINES].index)
        if len(counted) < 2 or not self.spans:
            return []
        gaps = (self.live.at - self.hourly["hour"]).dt.total_seconds() / 3600
        ago = gaps.to_numpy(float)
        odds = {hours: self._odds(keys, hours) for hours in self.spans}
        rows = []
        for key in keys:
            mine = self.hourly["key"].eq(key).to_numpy()
            seen = {
                hours: _test(self.hourly, mine, ago <= hours, odds[hours][key])
                for hours in self.spans
            }
            p_value, hours = min((seen[span][0], span) for span in self.spans)
            _, lines, expected = seen[hours]
            stake = _stake(self.live, self.hourly, mine, ago <= hours, lines, expected)
            rows.append({
                "kind": self.kind, "key": key, "hours": hours, "lines": lines,
                "expected": expected, "p_value": p_value, "money": stake,
                "name": titles.get(key, key) if self.kind == "product" else key,
            })  # fmt: skip
        return rows

    def _odds(self, keys: Sequence[str], hours: int) -> dict[str, float]:
        """How much likelier each one's lines are at these hours of the day than at others."""
        even = dict.fromkeys(keys, 1.0)
        if hours >= DAY_HOURS or self.usual.empty:
            return even
        late = [(self.live.at - dt.timedelta(hours=k, seconds=1)).hour for k in range(hours)]
        now = self.usual["hour"].dt.hour.isin(late)
        held = self.usual.groupby(["key", now])["lines"].sum().unstack(fill_value=0)
        if held.shape[1] < 2:
            return even
        held = held.reindex(index=list(keys), fill_value=0)
        mine = held.to_numpy(float)
        rest = np.maximum(self.usual.groupby(now)["lines"].sum().to_numpy(float) - mine, 0)
        gap = np.log((mine[:, 1] + 0.5) * (rest[:, 0] + 0.5))
        gap -= np.log((mine[:, 0] + 0.5) * (rest[:, 1] + 0.5))
        noise = (1 / (mine + 0.5) + 1 / (rest + 0.5)).sum(axis=1)
        true = _spread(gap, noise)
        return dict(zip(keys, np.exp(gap * true / (true + noise)).tolist(), strict=True))


def _spread(gap: Floats, noise: Floats) -> float:
    """Variance of true log odds about zero: the least that explains gaps beyond their noise.

    By moments with weights 1 / noise (DerSimonian and Laird, their mean known to be zero).
    """
    weight = 1 / noise
    return max(0.0, float(((gap**2 * weight).sum() - len(gap)) / weight.sum()))


def _hourly(
    live: Live, column: str, *, since: dt.datetime, until: dt.datetime | None = None
) -> pd.DataFrame:
    """Lines and amount by key and local hour."""
    until = until or live.at
    rows = paid_lines(live, since=since, until=until)
    wall = frames.local_time("paid_at", since.date(), until.date(), live.tables.zone)
    rows = rows.with_columns(wall=wall)
    rows = rows.with_columns(
        key=nw.col(column), day=nw.col("wall").dt.truncate("1d"),
        clock=nw.col("wall").dt.hour().cast(nw.Int64),
    )  # fmt: skip
    held = sold_by(rows, "key", "day", "clock")
    held["hour"] = held["day"] + held["clock"].astype("timedelta64[h]")
    held["key"] = held["key"].astype(str)
    return held


def _test(hourly: pd.DataFrame, mine: Flags, late: Flags, odds: float) -> tuple[float, int, float]:
    """Two-sided p-value of its late lines, they themselves, and those to be expected."""
    from scipy.stats import hypergeom, nchypergeom_fisher

    lines = hourly["lines"].to_numpy(int)
    whole, own, now = (int(lines[pick].sum()) for pick in (lines >= 0, mine, late))
    got = int(lines[mine & late].sum())
    plain = odds == 1
    held = hypergeom(whole, own, now) if plain else nchypergeom_fisher(whole, own, now, odds)
    tails = min(float(held.cdf(got)), float(held.sf(got - 1)))
    rest_now, rest_before = now - got, whole - own - (now - got)
    before = own - got
    expected = before * rest_now / rest_before * odds if rest_before else float(held.mean())
    return min(1.0, 2 * tails), got, expected


def _stake(
    live: Live, hourly: pd.DataFrame, mine: Flags, late: Flags, lines: int, expected: float
) -> float:
    """What the rest of the campaign loses if it goes on as in the last hours."""
    share = live.order_closing.share
    earlier = float(hourly["amount"].to_numpy(float)[mine & ~late].sum())
    count = float(hourly["lines"].to_numpy(float)[mine & ~late].sum())
    now = float(hourly["lines"].to_numpy(float)[late & ~mine].sum())
    then = float(hourly["lines"].to_numpy(float)[~late & ~mine].sum())
    if not 0 < share < 1 or not count or not expected or not then:
        return 0.0
    usual = count * (now + then) / then  # lines by now had it kept the pace of the rest
    ahead = usual * (1 - share) / share * earlier / count
    return max(0.0, 1 - lines / expected) * ahead
