"""What is planted in the demo shop: parameters of its generator, one module a kind.

Every truth is a small frozen dataclass; ``None`` plants nothing. What they did is
written into ``truths.json`` beside the exports.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from ecops_lib.data.demo.truths.campaigns import CampaignLift, MemberDay, OwnCampaign
from ecops_lib.data.demo.truths.demand import KitSold, LateSupply, OddDemand, Shortage, Shortages
from ecops_lib.data.demo.truths.incidents import (
    ChannelLoss,
    ConversionDrop,
    PastIncident,
    PastIncidents,
    RefundWave,
    StockOut,
)
from ecops_lib.data.demo.truths.market import CompetitorCut, MarketMoves, Rivals
from ecops_lib.data.demo.truths.people import (
    Habit,
    Habits,
    LatePosts,
    MailingLift,
    Referrals,
    ReviewDefect,
    SilentGroup,
)
from ecops_lib.data.demo.truths.promotion import Creator, CreatorSessions, Keyword, Keywords
from ecops_lib.data.demo.truths.splits import CostlyWinner, NoEffect, TrueWinner, UnevenSplit
from ecops_lib.data.demo.truths.supply import CarrierFaults, IdleStock, SupplierFaults
from ecops_lib.data.demo.truths.visits import PageBreak, SearchTerm, SearchTerms

__all__ = [
    "CampaignLift",
    "CarrierFaults",
    "ChannelLoss",
    "CompetitorCut",
    "ConversionDrop",
    "CostlyWinner",
    "Creator",
    "CreatorSessions",
    "Habit",
    "Habits",
    "IdleStock",
    "Keyword",
    "Keywords",
    "KitSold",
    "LatePosts",
    "LateSupply",
    "MailingLift",
    "MarketMoves",
    "MemberDay",
    "NoEffect",
    "OddDemand",
    "OwnCampaign",
    "PageBreak",
    "PastIncident",
    "PastIncidents",
    "Referrals",
    "RefundWave",
    "ReviewDefect",
    "Rivals",
    "SearchTerm",
    "SearchTerms",
    "Shortage",
    "Shortages",
    "SilentGroup",
    "StockOut",
    "SupplierFaults",
    "TrueWinner",
    "Truths",
    "UnevenSplit",
]


@dataclass(frozen=True, kw_only=True)
class Truths:
    """All truths of a demo shop; each has a planted default, and ``None`` leaves it out.

    Attributes:
        conversion_drop: The best seller's buyers fall (or rise) while its visitors stay.
        channel_loss: A channel's visitors fall (or rise) because its ads were cut (raised).
        stock_out: A good seller has nothing left to sell.
        refund_wave: Many claims with one reason against one product on the last day.
        incidents: Incidents of the months before, with and without a recorded cause.
        campaign_lift: How much the big campaigns bring, and what they borrow.
        competitor_cut: A competitor lowers the price of a rival item.
        rivals: Competitors who cut after one another, bring out items and take some off.
        market_moves: A category's index that moves without the shop, terms that come and go.
        true_winner: A test whose treatment sells more.
        no_effect: A test whose variants do the same.
        uneven_split: A test whose variants are not shown as often as they should be.
        costly_winner: A test whose treatment sells more and is sent back more.
        tags: Buyers with habits.
        contacts: Mailings that make some members buy.
        referrals: Members who were brought by earlier ones.
        silent_group: A chat group that falls silent.
        late_posts: A chat group that gets fewer posts than planned.
        suppliers: One slow, one that delivers short, one with faulty goods, a newcomer.
        carriers: One slow to far provinces, one that damages more.
        idle_stock: Goods that nobody asks for, and goods bought in excess.
        shortages: SKUs that were out of stock for a while, in the past.
        late_supply: A SKU that will run out before more comes in.
        odd_demand: One large order, a SKU asked for seldom and in lumps, one delisted.
        kit: A SKU that is a set of others.
        own_campaigns: The shop's own campaign on some of its products, past editions.
        live_campaign: Another one, whose last edition is on when the exports end.
        creators: Creators with sessions, of whom one sells what is sent back, one costs more.
        keywords: Search words that waste money or lack it; spending that pays less and less.
        page_break: A page that fewer visitors leave for a product.
        review_defect: A product that smells, of late.
        search_terms: A term that sells and is in no title, one that misleads.

    >>> Truths.none().stock_out is None
    True
    """

    conversion_drop: ConversionDrop | None = field(default_factory=ConversionDrop)
    channel_loss: ChannelLoss | None = field(default_factory=ChannelLoss)
    stock_out: StockOut | None = field(default_factory=StockOut)
    refund_wave: RefundWave | None = field(default_factory=RefundWave)
    incidents: PastIncidents | None = field(default_factory=PastIncidents)
    campaign_lift: CampaignLift | None = field(default_factory=CampaignLift)
    competitor_cut: CompetitorCut | None = field(default_factory=CompetitorCut)
    rivals: Rivals | None = field(default_factory=Rivals)
    market_moves: MarketMoves | None = field(default_factory=MarketMoves)
    true_winner: TrueWinner | None = field(default_factory=TrueWinner)
    no_effect: NoEffect | None = field(default_factory=NoEffect)
    uneven_split: UnevenSplit | None = field(default_factory=UnevenSplit)
    costly_winner: CostlyWinner | None = field(default_factory=CostlyWinner)
    tags: Habits | None = field(default_factory=Habits)
    contacts: MailingLift | None = field(default_factory=MailingLift)
    referrals: Referrals | None = field(default_factory=Referrals)
    silent_group: SilentGroup | None = field(default_factory=SilentGroup)
    late_posts: LatePosts | None = field(default_factory=LatePosts)
    suppliers: SupplierFaults | None = field(default_factory=SupplierFaults)
    carriers: CarrierFaults | None = field(default_factory=CarrierFaults)
    idle_stock: IdleStock | None = field(default_factory=IdleStock)
    shortages: Shortages | None = field(default_factory=Shortages)
    late_supply: LateSupply | None = field(default_factory=LateSupply)
    odd_demand: OddDemand | None = field(default_factory=OddDemand)
    kit: KitSold | None = field(default_factory=KitSold)
    own_campaigns: OwnCampaign | None = field(default_factory=OwnCampaign)
    live_campaign: MemberDay | None = field(default_factory=MemberDay)
    creators: CreatorSessions | None = field(default_factory=CreatorSessions)
    keywords: Keywords | None = field(default_factory=Keywords)
    page_break: PageBreak | None = field(default_factory=PageBreak)
    review_defect: ReviewDefect | None = field(default_factory=ReviewDefect)
    search_terms: SearchTerms | None = field(default_factory=SearchTerms)

    @classmethod
    def none(cls) -> Truths:
        """A shop in which nothing is planted."""
        return cls(**dict.fromkeys(cls.__dataclass_fields__))
