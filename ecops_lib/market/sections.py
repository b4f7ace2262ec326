"""The pages on the market: one reading of competitors and of reviews for all their sections."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

from ecops_lib.core.findings import Finding, most_important
from ecops_lib.core.formats import show
from ecops_lib.core.language import mark, tr
from ecops_lib.core.results import Result
from ecops_lib.core.sections import section
from ecops_lib.data.store import Store
from ecops_lib.market.events import CutEffects, study_cuts
from ecops_lib.market.launches import track_launches
from ecops_lib.market.matching import ItemMatches, read_review
from ecops_lib.market.matching.review import FILE
from ecops_lib.market.prices import (
    Basket,
    Elasticity,
    fill_basket,
    find_price_gaps,
    find_price_leaders,
    index_prices,
    measure_elasticity,
    pair_items,
    rate_promotions,
)
from ecops_lib.market.reviews import read_reviews
from ecops_lib.market.reviews.reading import Reviews
from ecops_lib.market.snapshots import Snapshots, read_snapshots
from ecops_lib.market.trends import (
    MarketSeries,
    compare_ratings,
    compare_with_market,
    find_products_out,
    list_rule_changes,
    measure_market,
    propose_responses,
    rank_search_terms,
    read_market,
    sum_up_market,
)

if TYPE_CHECKING:
    import pandas as pd

MOST_TOLD = 8
"""Findings at the head of a page."""


class CompetitorBase:
    """A shop and its competitors.

    Attributes:
        store: The shop.
        day: Last local day that counts.
    """

    def __init__(self, store: Store, *, day: dt.date) -> None:
        """Read nothing yet.

        Args:
            store: The shop.
            day: Last local day that counts.
        """
        self.store, self.day = store, day

    @cached_property
    def snapshots(self) -> Snapshots:
        """Competitors' listings, audited."""
        return read_snapshots(self.store, as_of=self.day)

    @cached_property
    def matches(self) -> ItemMatches:
        """Which of their items are ours; what ``matches.csv`` says holds."""
        judged = read_review(self.store.path / FILE)
        return pair_items(self.store, self.snapshots, judged=judged)

    @cached_property
    def basket(self) -> Basket:
        """Matched products with both prices."""
        return fill_basket(self.store, self.snapshots, self.matches)

    def audit(self) -> Result:
        """What was seen of the competitors."""
        return section(lambda: self.snapshots)

    def same(self) -> Result:
        """Which of their items are the same."""
        return section(lambda: self.matches)

    def index(self) -> Result:
        """How our prices stand."""
        return section(lambda: index_prices(self.basket))

    def gaps(self) -> Result:
        """Where the gap matters."""
        owner = self.store.settings.owners.get("product", "")
        return section(lambda: find_price_gaps(self.basket, owner=owner))

    def promotions(self) -> Result:
        """How deep and how often they promote."""
        return section(lambda: rate_promotions(self.snapshots))

    def leaders(self) -> Result:
        """Who cuts first."""
        return section(lambda: find_price_leaders(self.snapshots, self.matches))

    def elasticity(self) -> Result:
        """What prices do to our sales."""
        return section(
            lambda: measure_elasticity(self.store, self.snapshots, self.matches, as_of=self.day)
        )

    def cuts(self) -> Result:
        """What their cuts did to our sales."""
        return section(lambda: study_cuts(self.store, self.snapshots, self.matches, as_of=self.day))

    def answers(self, cuts: Result, elasticity: Result) -> Result:
        """What to answer their moves, on the evidence of two sections."""
        return section(
            lambda: propose_responses(
                self.store, self.snapshots, self.matches, basket=self.basket,
                launches=track_launches(self.snapshots),
                cuts=cuts if isinstance(cuts, CutEffects) else None,
                elasticity=elasticity if isinstance(elasticity, Elasticity) else None,
            )
        )  # fmt: skip

    @cached_property
    def market(self) -> MarketSeries:
        """The industry's figures, read once."""
        return read_market(self.store, as_of=self.day)

    def trends(self) -> Result:
        """How the industry moves."""
        return section(lambda: measure_market(self.market, as_of=self.day))

    def share(self) -> Result:
        """Our sales beside the industry."""
        return section(lambda: compare_with_market(self.store, as_of=self.day, market=self.market))

    def terms(self) -> Result:
        """What is searched more and less."""
        return section(lambda: rank_search_terms(self.store, as_of=self.day, market=self.market))

    def rules(self) -> Result:
        """What the platform's rule changes did."""
        return section(lambda: list_rule_changes(self.store, as_of=self.day))

    def stars(self) -> Result:
        """Our stars beside theirs."""
        return section(
            lambda: compare_ratings(self.store, self.snapshots, self.matches, as_of=self.day)
        )

    def stock(self) -> Result:
        """What they sell that we cannot."""
        return section(
            lambda: find_products_out(self.store, self.snapshots, self.matches, as_of=self.day)
        )

    def summary(self, *evidence: Result) -> Result:
        """What the sections say for us and against us."""
        return section(lambda: sum_up_market(*evidence))

    def seen(self, make: Callable[[Snapshots], Result]) -> Result:
        """A section made of the snapshots alone."""
        return section(lambda: make(self.snapshots))

    def about(self) -> dict[str, str]:
        """What the page is about: competitors, or without any the industry."""
        if self.store.has("market") and not self.store.has("competitor_items"):
            return {
                tr("Series of the industry"): show(len(self.market.keys), "count"),
                tr("Last day with a figure"): show(self.market.last, "day"),
            }
        panel = self.snapshots.panel
        return {
            tr("Competitors"): show(panel["competitor"].nunique(), "count"),
            tr("Items ever seen"): show(panel["item_id"].nunique(), "count"),
            tr("Matched products"): show(self.matches.sure["our_id"].nunique(), "count"),
            tr("Last snapshot"): show(self.snapshots.last, "day"),
        }


class FeedbackBase:
    """A shop and what its customers say.

    Attributes:
        store: The shop.
        day: Last local day that counts.
    """

    def __init__(self, store: Store, *, day: dt.date) -> None:
        """Read nothing yet.

        Args:
            store: The shop.
            day: Last local day that counts.
        """
        self.store, self.day = store, day

    @cached_property
    def reviews(self) -> Reviews:
        """The reviews with their sentiment and aspects, read once."""
        return read_reviews(self.store, as_of=self.day)

    def show(self, make: Callable[..., Result], **options: Any) -> Result:
        """A section about the reviews, or the sentence that says what it lacks."""
        return section(lambda: make(self.reviews, as_of=self.day, **options))

    def about(self) -> dict[str, str]:
        """What the page is about."""
        return {
            tr("Reviews"): show(len(self.reviews.frame), "count"),
            tr("Last day that counts"): show(self.day, "day"),
        }


@dataclass(frozen=True, kw_only=True, eq=False)
class MarketOverview(Result):
    """What matters most.

    Attributes:
        facts: What the page is about.
        sections: Results whose findings may matter most.
    """

    sheet: ClassVar[str] = mark("At a glance")
    labels: ClassVar[Mapping[str, str]] = {"item": mark("Item"), "value": mark("Value")}

    facts: Mapping[str, str]
    sections: tuple[Result, ...]

    def findings(self) -> tuple[Finding, ...]:
        """The findings that matter most."""
        held = [result for result in self.sections if not result.absent()]
        return tuple(most_important((f for r in held for f in r.findings()), most=MOST_TOLD))

    def to_frame(self) -> pd.DataFrame:
        """One row a fact."""
        import pandas as pd

        return pd.DataFrame(self.facts.items(), columns=list(self.labels))


def review_market(base: CompetitorBase | FeedbackBase, *sections: Result) -> Result:
    """Say what matters most.

    Args:
        base: The shop and its surroundings.
        *sections: Results whose findings may matter most.
    """

    def told() -> Result:
        return MarketOverview(facts=base.about(), sections=sections)

    return section(told)
