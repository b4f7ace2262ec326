"""The pages on campaigns: one reading of the shop for all their sections."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

from ecops_lib.campaigns.ads import (
    Responses,
    fit_response,
    measure_ads,
    rate_creators,
    reallocate_budget,
)
from ecops_lib.campaigns.campaign import Campaign
from ecops_lib.campaigns.editions import (
    State,
    choose_campaign,
    find_campaigns,
    past_editions,
)
from ecops_lib.campaigns.effect import CampaignEffect, measure_effect
from ecops_lib.campaigns.playbook import entries_for, read_playbook
from ecops_lib.campaigns.promotions import (
    campaign_promotions,
    choose_threshold,
    simulate_promotions,
)
from ecops_lib.campaigns.retro import weigh_tactics
from ecops_lib.core.errors import MissingDataError
from ecops_lib.core.findings import Finding, most_important
from ecops_lib.core.formats import show
from ecops_lib.core.language import mark, tr
from ecops_lib.core.results import Result
from ecops_lib.core.sections import Unshown, section
from ecops_lib.data.calendar.festivals import PHASES
from ecops_lib.data.store import Store
from ecops_lib.metrics.measuring import measure

if TYPE_CHECKING:
    import pandas as pd

BASKET_DAYS = dt.timedelta(days=55)
"""Days before the last whose baskets offers are tried on."""
BASKETS = (0.75, 1.0, 1.25, 1.5, 2.0)
"""Thresholds that are tried, over the mean basket."""
MOST_TOLD = 8
"""Findings at the head of a page."""
FIRST = ("campaign/verdict", "lift", "campaign/borrowed")
"""Findings that come before all others."""


class CampaignBase:
    """A shop and the campaign that a page is about.

    Attributes:
        store: The shop.
        day: Last local day that counts.
    """

    def __init__(self, store: Store, *, day: dt.date, campaign: str, state: State) -> None:
        """Choose the campaign.

        Args:
            store: The shop.
            day: Last local day that counts.
            campaign: Its id; empty for the one that ``state`` asks for.
            state: The last finished, the running or the coming campaign.

        Raises:
            ParameterError: There is no campaign with this id.
        """
        self.store, self.day, self._id, self._state = store, day, campaign, state

    @cached_property
    def campaign(self) -> Campaign:
        """The campaign; looked for once."""
        return choose_campaign(
            find_campaigns(self.store), as_of=self.day, state=self._state, campaign_id=self._id
        )

    @cached_property
    def span(self) -> dict[str, dt.date]:
        """Start and end of the campaign's days so far, for functions that take days."""
        return {"start": self.campaign.first, "end": min(self.campaign.last, self.day)}

    @cached_property
    def past(self) -> dict[str, dt.date]:
        """The half year up to the campaign's end, for what needs more than its days."""
        end = min(self.campaign.last, self.day)
        return {"start": end - dt.timedelta(days=180), "end": end}

    def show(self, make: Callable[..., Result], **options: Any) -> Result:
        """A section about the campaign, or the sentence that says what it lacks."""
        return section(lambda: make(self.store, campaign=self.campaign, as_of=self.day, **options))

    def now(self, make: Callable[..., Result], *, at: dt.datetime, step: str) -> Result:
        """A section about the running campaign up to a moment."""
        return section(lambda: make(self.store, campaign=self.campaign, at=at, step=step))

    def during(self, make: Callable[..., Result], **options: Any) -> Result:
        """A section about the campaign's days."""
        return section(lambda: make(self.store, as_of=self.day, **self.span, **options))

    def lately(self, make: Callable[..., Result], **options: Any) -> Result:
        """A section about the half year that ends with the campaign."""
        return section(lambda: make(self.store, as_of=self.day, **self.past, **options))

    def responses(self) -> tuple[Result, ...]:
        """What the next money brings by plan, and the same money divided anew."""
        curves = self.lately(fit_response)
        if not isinstance(curves, Responses) or curves.absent():
            return (curves,)
        return curves, section(reallocate_budget, curves)

    @cached_property
    def effect(self) -> CampaignEffect:
        """What it really brought."""
        return measure_effect(self.store, campaign=self.campaign, as_of=self.day)

    @cached_property
    def ads(self) -> Result:
        """Returns on the ads of the campaign's days."""
        return self.during(measure_ads)

    def _own(self, make: Callable[..., Result]) -> Result:
        """A section about the promoted products on the campaign's days."""
        return section(
            lambda: make(self.store, as_of=self.day, products=self.campaign.products, **self.span)
        )

    def tactics(self) -> Result:
        """What the campaign's money bought, tactic by tactic."""
        return section(
            weigh_tactics, self.brought(), self._own(measure_ads), self._own(rate_creators)
        )

    def offers(self) -> Result:
        """The campaign's offers, tried on the baskets of the last eight weeks."""
        return section(self._offers)

    def _offers(self) -> Result:
        if not self.campaign.promotions:
            return Unshown(
                why=tr("No offer is written for this campaign; write promotions into store.toml.")
            )
        return simulate_promotions(
            self.store,
            designs={tr("as planned"): campaign_promotions(self.campaign)},
            start=self.day - BASKET_DAYS,
            end=self.day,
            as_of=self.day,
        )

    def thresholds(self) -> Result:
        """Thresholds about the usual basket, a tenth off, weighed on the same baskets."""
        return section(self._thresholds)

    def _thresholds(self) -> Result:
        start, end = self.day - BASKET_DAYS, self.day
        key = "average_order_value"
        mean = measure(self.store, [key], start=start, end=end).value(key)
        offers = {round(mean * size, -1): round(mean * size, -1) / 10 for size in BASKETS}
        return choose_threshold(self.store, offers=offers, start=start, end=end)

    def lessons(self) -> Result:
        """Lessons of earlier campaigns that fit this one."""
        return section(lambda: entries_for(read_playbook(self.store), self.campaign))

    def earlier(self) -> Result:
        """What the last edition of its kind really brought."""
        return section(self._earlier)

    def _earlier(self) -> Result:
        found = past_editions(find_campaigns(self.store), self.campaign)
        over = [edition for edition in found if edition.selling[1] < self.day]
        if not over:
            return Unshown(why=tr("No earlier edition of its kind is over."))
        return measure_effect(self.store, campaign=over[-1], as_of=self.day)

    def brought(self) -> Result:
        """What it really brought, as a section."""
        return section(lambda: self.effect)

    def lifts(self) -> tuple[Result, ...]:
        """The sale, its units, and the days about it."""
        try:
            parts = self.effect.parts
        except MissingDataError as error:
            return (Unshown(why=str(error)),)
        held = (parts.sale, parts.units, parts.before, parts.after)
        if not parts.sale.credible:
            return (parts.sale,)
        return tuple(lift for lift in held if lift is not None)

    def sisters(self) -> Result:
        """Products that it took from or helped."""
        return section(lambda: self.effect.sisters)


@dataclass(frozen=True, kw_only=True, eq=False)
class Overview(Result):
    """What matters most about a campaign.

    Attributes:
        base: The shop and the campaign.
        sections: Results whose findings may matter most.
    """

    sheet: ClassVar[str] = mark("The campaign at a glance")
    labels: ClassVar[Mapping[str, str]] = {"item": mark("Item"), "value": mark("Value")}

    base: CampaignBase
    sections: tuple[Result, ...]

    def findings(self) -> tuple[Finding, ...]:
        """The verdict first, then the findings that matter most."""
        held = [s for s in self.sections if not s.absent()]
        told = [finding for result in held for finding in result.findings()]
        told = [f for f in told if not f.key.startswith("tactics/whole/")]  # the verdict again
        if any(f.key.startswith("warmup/short/") for f in told):  # the same, from fresher figures
            told = [f for f in told if not f.key.startswith("plan/short/")]
        first = [f for f in told if f.key in FIRST]
        sisters = [f for f in told if f.key.startswith("campaign/sister/") and f.level == "watch"]
        first += most_important(sisters, most=1)
        rest = most_important((f for f in told if f not in first), most=MOST_TOLD - len(first))
        return (*first, *rest)

    def to_frame(self) -> pd.DataFrame:
        """One row a figure."""
        import pandas as pd

        campaign = self.base.campaign
        rows = [(tr("Campaign"), f"{campaign.name} ({campaign.campaign_id})")]
        rows += [
            (tr(PHASES[span.phase]), f"{show(span.first, 'day')} – {show(span.last, 'day')}")
            for span in campaign.spans
        ]
        count = show(len(campaign.products), "count") if campaign.products else tr("whole shop")
        rows += [
            (tr("Products promoted"), count),
            (tr("Last day that counts"), show(self.base.day, "day")),
        ]
        return pd.DataFrame(rows, columns=list(self.labels))


def review_campaign(base: CampaignBase, *sections: Result) -> Result:
    """Say what matters most about a campaign.

    Args:
        base: The shop and the campaign.
        *sections: Results whose findings may matter most.
    """
    try:
        _ = base.campaign
    except MissingDataError as error:
        return Unshown(why=str(error))
    return Overview(base=base, sections=sections)
