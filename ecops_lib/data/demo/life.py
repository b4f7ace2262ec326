"""The shop's life, drawn part by part: each follows from those before it."""

from __future__ import annotations

from dataclasses import dataclass

from ecops_lib.data.demo.claims import Claims
from ecops_lib.data.demo.community import Community, make_community
from ecops_lib.data.demo.fulfilment import Fulfilment, make_fulfilment
from ecops_lib.data.demo.habits import Tagged, plant_habits
from ecops_lib.data.demo.mailings import Sent, send_mailings
from ecops_lib.data.demo.members import find_referrers
from ecops_lib.data.demo.points import Ledger, keep_points
from ecops_lib.data.demo.promotion import Ads, make_ads
from ecops_lib.data.demo.season import Season, make_season
from ecops_lib.data.demo.stock import Stock, make_stock
from ecops_lib.data.demo.trade import Trade, make_trade
from ecops_lib.data.demo.traffic import Traffic, make_traffic
from ecops_lib.data.demo.trial_log import Run, run_trials
from ecops_lib.data.demo.visits import Visits, make_visits
from ecops_lib.data.demo.world import Ints, World


@dataclass(frozen=True, kw_only=True, eq=False)
class Life:
    """All that happened in the shop before it was written down."""

    world: World
    season: Season
    visits: Visits
    trade: Trade
    done: Fulfilment
    claims: Claims
    traffic: Traffic
    runs: tuple[Run, ...]
    sent: Sent
    tagged: Tagged
    referrer: Ints
    ledger: Ledger
    community: Community
    stock: Stock
    ads: Ads


def live(world: World) -> Life:
    """Draw the calendar, visits, orders, who gives them, parcels and claims; count; test."""
    season = make_season(world)
    visits = make_visits(world, season)
    trade, tagged = plant_habits(world, make_trade(world, season, visits))
    trade, sent = send_mailings(world, trade)
    done, claims = make_fulfilment(world, trade)
    traffic = make_traffic(world, visits, trade, claims)
    return Life(
        world=world,
        season=season,
        visits=visits,
        trade=trade,
        done=done,
        claims=claims,
        traffic=traffic,
        runs=run_trials(world, trade, done, traffic),
        sent=sent,
        tagged=tagged,
        referrer=find_referrers(world, trade, done),
        ledger=keep_points(world, trade, done, claims),
        community=make_community(world, trade),
        stock=make_stock(world, trade, done, claims),
        ads=make_ads(world, visits, trade),
    )
