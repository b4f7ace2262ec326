"""Which tactic paid: what each cost, what it brought, and how sure that is."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from ecops_lib.campaigns.ads.ad_returns import AdReturns
from ecops_lib.campaigns.ads.creator_ratings import CreatorRatings
from ecops_lib.campaigns.ads.reading import UNTOLD
from ecops_lib.campaigns.effect.result import CampaignEffect
from ecops_lib.core.errors import MissingDataError
from ecops_lib.core.findings import Action, Finding, Level
from ecops_lib.core.formats import Unit, is_missing, show
from ecops_lib.core.intervals import interval_chart
from ecops_lib.core.language import mark, tr
from ecops_lib.core.names import short_name
from ecops_lib.core.results import Result

if TYPE_CHECKING:
    import pandas as pd

    from ecops_lib.core.charts import Chart

SHOWN = 12
SPENT = ("discount", "ads", "creators")
"""Steps of the campaign's account that are spent on it; the others follow from what it sold."""
KINDS: Mapping[str, str] = {
    "whole": mark("All of it together"),
    "ads": mark("Ads"),
    "creator": mark("Creator"),
}
SURE: Mapping[str, str] = {
    "whole": mark("measured against products not promoted"),
    "ads": mark("credited by the platform"),
    "creator": mark("beyond what its hours usually sell"),
}
VERDICTS: Mapping[str, str] = {
    "paid": mark("paid"),
    "lost": mark("did not pay"),
    "open": mark("cannot be told"),
}
ADVICE: Mapping[str, str] = {
    "whole": mark("plan the next one with a smaller discount, or leave it out"),
    "ads": mark("leave this plan out of the next campaign, or halve its budget"),
    "creator": mark("renegotiate fee and commission, or leave this creator out"),
}


@dataclass(frozen=True, kw_only=True, eq=False)
class Tactics(Result):
    """What a campaign's money bought, tactic by tactic.

    Attributes:
        frame: One row a tactic, the whole campaign first, then the dearest: ``kind`` (key),
            ``name``, ``cost`` [store currency], ``brought`` (margin before that cost), ``roi``
            (margin brought by one unit of money) with ``roi_low`` and ``roi_high`` (95 % for the
            whole, 90 % for ads and creators), and ``verdict`` (key), read off that interval
            alone. NaN is not known.
    """

    sheet: ClassVar[str] = mark("Which tactic paid")
    labels: ClassVar[Mapping[str, str]] = {
        "kind": mark("Kind"),
        "name": mark("Tactic"),
        "cost": mark("Cost"),
        "brought": mark("Margin brought"),
        "roi": mark("Margin per 1 spent"),
        "roi_low": mark("From"),
        "roi_high": mark("To"),
        "sure": mark("How sure"),
        "verdict": mark("Verdict"),
    }
    units: ClassVar[Mapping[str, Unit]] = {
        "cost": "money", "brought": "money", "roi": "ratio", "roi_low": "ratio",
        "roi_high": "ratio",
    }  # fmt: skip

    frame: pd.DataFrame

    def to_frame(self) -> pd.DataFrame:
        """One row a tactic."""
        kinds, words = self.frame["kind"], self.frame["verdict"].map(VERDICTS)
        held = self.frame.assign(
            sure=[tr(SURE[kind]) for kind in kinds],
            kind=[tr(KINDS[kind]) for kind in kinds],
            verdict=[tr(word) for word in words],
        )
        return held[list(self.labels)]

    def page_frame(self) -> pd.DataFrame:
        """The dearest."""
        return self.to_frame().head(SHOWN)

    def chart(self) -> Chart | None:
        """Margin less cost with its interval."""
        held = self.frame.dropna(subset=["roi_low", "roi_high"]).head(SHOWN)
        if len(held) < 2:
            return None
        ends = {"value": "roi", "low": "roi_low", "high": "roi_high"}
        left = {name: held["cost"] * (held[column] - 1) for name, column in ends.items()}
        rows = held[["name"]].assign(**left)
        caption = tr("Margin brought less cost")
        return interval_chart(rows, caption=caption, unit="money", better=["up"] * len(rows))

    def findings(self) -> tuple[Finding, ...]:
        """The whole, the best and the worst tactic, and what credit means."""
        rows: list[dict[str, Any]] = self.frame.to_dict("records")  # type: ignore[assignment]
        single = [row for row in rows if row["kind"] != "whole"]
        paid = [row for row in single if row["verdict"] == "paid"]
        lost = [row for row in single if row["verdict"] == "lost"]
        told = [self._told(row) for row in rows if row["kind"] == "whole"]
        told += [self._told(row) for row in sorted(paid, key=lambda r: -r["roi_low"])[:1]]
        told += [
            self._told(row) for row in sorted(lost, key=lambda r: r["brought"] - r["cost"])[:2]
        ]
        open_cost = sum(row["cost"] for row in single if row["verdict"] == "open")
        if open_cost:
            text = tr(
                "{money} went into tactics of which it cannot be told whether they paid.",
                money=show(open_cost, "money"),
            )
            told.append(Finding(key="tactics/open", level="info", text=text))
        return tuple(told)

    def _told(self, row: Mapping[str, Any]) -> Finding:
        kind, verdict = row["kind"], row["verdict"]
        number = {k: float(row[k]) for k in ("cost", "brought", "roi", "roi_low", "roi_high")}
        words = {
            "name": short_name(row["name"]), "cost": show(number["cost"], "money"),
            "roi": show(number["roi"], "money"), "low": show(number["roi_low"], "money"),
            "high": show(number["roi_high"], "money"), "sure": tr(SURE[kind]),
            "one": show(1, "money"),
        }  # fmt: skip
        texts = {
            "paid": mark(
                "{name} paid: each {one} of its {cost} brought {roi} of margin ({low} to {high}), "
                "{sure}."
            ),
            "lost": mark(
                "{name} did not pay: each {one} of its {cost} brought {roi} of margin ({low} to "
                "{high}), {sure}."
            ),
            "open": mark(
                "{name}: whether it paid cannot be told; each {one} of its {cost} brought {roi} of "
                "margin ({low} to {high}), {sure}."
            ),
        }
        level: Level = "good" if verdict == "paid" else "bad" if verdict == "lost" else "watch"
        action = Action(text=tr(ADVICE[kind]), owner=tr("campaign owner"))
        return Finding(
            key=f"tactics/{kind}/{row['name']}", level=level, text=tr(texts[verdict], **words),
            evidence=number, money=abs(number["brought"] - number["cost"]),
            action=action if verdict == "lost" else None,
        )  # fmt: skip


def weigh_tactics(effect: Result, ads: Result, creators: Result) -> Tactics:
    """Set what each tactic brought beside what it cost.

    The whole campaign's money is what buyers did not pay of the usual price, its ads above the
    usual and its creators; what it brought is its incremental margin before that money. Ads bring
    what is kept of what the platform credits to them, a creator what its sessions sold beyond
    their hours' usual.

    Args:
        effect: What the campaign really brought, or what says why that is not known.
        ads: Returns on its ads, or what says why not.
        creators: Its creators, or what says why not.

    Raises:
        MissingDataError: None of the three is known.
    """
    import pandas as pd

    rows: list[dict[str, Any]] = []
    if isinstance(effect, CampaignEffect) and effect.account:
        rows += _whole(effect)
    if isinstance(ads, AdReturns):
        held = ads.frame[ads.frame["id"] != UNTOLD]
        rows += _tactics("ads", held, "kept", "profit")
    if isinstance(creators, CreatorRatings):
        held = creators.frame.assign(brought=creators.frame["profit"] + creators.frame["cost"])
        rows += _tactics("creator", held, "brought", "profit")
    rows = [row for row in rows if row["cost"] > 0]
    if not rows:
        raise MissingDataError(tr(
            "Nothing tells what was spent on the campaign; import the ads report, or the cost of "
            "goods and of creators."
        ))  # fmt: skip
    frame = pd.DataFrame(rows).sort_values(
        ["whole", "cost"], ascending=False, kind="stable", ignore_index=True
    )
    return Tactics(frame=frame)


def _whole(effect: CampaignEffect) -> list[dict[str, Any]]:
    account = effect.account
    if account is None or effect.costless:
        return []
    spent = [s.amount for s in account.steps if s.key in SPENT and s.known]
    cost = -sum(amount for amount in spent if amount < 0)
    ends = (account.margin, account.low, account.high)
    return [_row("whole", tr("The campaign"), cost, *(end + cost for end in ends))]


def _tactics(kind: str, held: pd.DataFrame, brought: str, profit: str) -> list[dict[str, Any]]:
    return [
        _row(kind, row["name"], row["cost"], row[brought], row[f"{profit}_low"] + row["cost"],
             row[f"{profit}_high"] + row["cost"])
        for row in held.to_dict("records")
    ]  # fmt: skip


def _row(
    kind: str, name: object, cost: float, brought: float, low: float, high: float
) -> dict[str, Any]:
    roi, least, most = (value / cost if cost > 0 else math.nan for value in (brought, low, high))
    verdict = "open"
    if not is_missing(least) and not is_missing(most):
        verdict = "paid" if least > 1 else "lost" if most < 1 else "open"
    return {
        "kind": kind, "name": name, "cost": cost, "brought": brought, "roi": roi,
        "roi_low": least, "roi_high": most, "verdict": verdict, "whole": kind == "whole",
    }  # fmt: skip
