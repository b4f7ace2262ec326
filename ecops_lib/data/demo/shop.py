"""Makes the demo shop: simulates it, writes its exports, and says what was planted."""

from __future__ import annotations

import datetime as dt
import json
from calendar import monthrange
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from ecops_lib.core.checks import require_between
from ecops_lib.data.demo import (
    campaigns,
    carriage,
    community,
    creators,
    inventory,
    log,
    mailings,
    members,
    points,
    promotion,
    rivals,
    service,
    sourcing,
    supply,
    surroundings,
    trial_log,
    trials,
)
from ecops_lib.data.demo.answers import tell_truths
from ecops_lib.data.demo.catalogue import make_catalogue
from ecops_lib.data.demo.exports import alimama, refunds, sycm, tmall
from ecops_lib.data.demo.exports.files import write_csv, write_zipped_csv
from ecops_lib.data.demo.life import Life, live
from ecops_lib.data.demo.searches import make_terms
from ecops_lib.data.demo.sheets import PLATFORM, Sheet, day_texts, texts, write_mapping, yuan
from ecops_lib.data.demo.traffic import Traffic
from ecops_lib.data.demo.truths import Truths
from ecops_lib.data.demo.words import split_by_word
from ecops_lib.data.demo.world import CHANNELS, World

LAST_DAY = dt.date(2026, 10, 27)
PLANTED = Truths()
ZIPPED_FROM = 10_000
"""Sheets of more rows come zipped."""


@dataclass(frozen=True, kw_only=True)
class DemoShop:
    """Where a demo shop lies.

    Attributes:
        folder: The folder given.
        exports: The folder of raw exports, ready to be imported.
        truths: What ``truths.json`` says was planted.
        orders: Number of orders in the exports.
        tests: Plans of its A/B tests, as ``store.toml`` holds them.
        campaigns: Its own campaigns, likewise.
    """

    folder: Path
    exports: Path
    truths: dict[str, object]
    orders: int
    tests: dict[str, dict[str, object]]
    campaigns: dict[str, dict[str, object]]


def write_demo(
    folder: str | Path,
    *,
    seed: int = 20261027,
    last_day: dt.date = LAST_DAY,
    months: int = 18,
    orders: int = 25_000,
    truths: Truths = PLANTED,
) -> DemoShop:
    """Write the raw exports of an invented shop, and what was planted in them.

    Args:
        folder: Gets ``exports/`` and ``truths.json``; files of an earlier run are replaced.
        seed: All randomness comes from it; the same seed gives the same bytes.
        last_day: Last whole day of the shop; the exports are taken at its end.
        months: Months of the shop's life, 2 to 60.
        orders: Expected number of orders, at least 500, without what the shop's own campaigns
            and creators bring on top (3 %).
        truths: What is planted; ``Truths.none()`` for nothing.

    Returns:
        The folders, the truths and the number of orders.

    Raises:
        ParameterError: ``months`` or ``orders`` is out of range.
    """
    require_between(months, 2, 60, name="months")
    require_between(orders, 500, 1_000_000, name="orders")
    life = live(
        World(
            seed=seed,
            first_day=_months_before(last_day, months),
            last_day=last_day,
            orders=orders,
            truths=truths,
            catalogue=make_catalogue(np.random.default_rng([seed, 0])),
        )
    )
    return _save(life, Path(folder))


def _save(life: Life, root: Path) -> DemoShop:
    """Write everything beside the folder's exports first, then put it in their place."""
    told = tell_truths(life)
    root.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=root, prefix=".demo-") as scratch:
        _write_exports(Path(scratch), life)
        told["files"] = _put_in_place(Path(scratch), root)
    text = json.dumps(told, ensure_ascii=False, indent=2)
    (root / "truths.json").write_text(text + "\n", "utf-8")
    return DemoShop(
        folder=root,
        exports=root / "exports",
        truths=told,
        orders=len(life.trade.orders),
        tests=trials.plan_tests(life.world),
        campaigns=campaigns.write_campaigns(life.world, life.traffic, life.ads),
    )


def _months_before(last_day: dt.date, months: int) -> dt.date:
    """The day after the one that lies so many months before."""
    year, month = divmod(last_day.year * 12 + last_day.month - 1 - months, 12)
    day = min(last_day.day, monthrange(year, month + 1)[1])
    return dt.date(year, month + 1, day) + dt.timedelta(days=1)


def _write_exports(folder: Path, life: Life) -> None:
    tmall.write_orders(folder, life)
    refunds.write_refunds(folder, life)
    sycm.write_products(folder, life.world, life.traffic)
    sycm.write_shop(folder, life.world, life.traffic)
    sycm.write_terms(folder, life.world, make_terms(life.world, life.traffic))
    alimama.write_ads(folder, life.world, life.ads)
    alimama.write_words(folder, life.world, split_by_word(life.world, life.ads))
    _write_sheets(folder, _sheets(life))


def _put_in_place(made: Path, root: Path) -> list[str]:
    """Move the files into ``exports``, in place of those that an earlier run lists."""
    exports, before = root / "exports", root / "truths.json"
    exports.mkdir(exist_ok=True)
    if before.exists():
        for name in json.loads(before.read_text("utf-8")).get("files", []):
            (exports / Path(name).name).unlink(missing_ok=True)
    names = sorted(file.name for file in made.iterdir())
    for name in names:
        (made / name).replace(exports / name)
    return names


def _write_sheets(folder: Path, sheets: list[Sheet]) -> None:
    for sheet in sheets:
        rows = list(sheet.rows())
        if len(rows) > ZIPPED_FROM:
            file = folder / f"{sheet.file}.zip"
            write_zipped_csv(file, sheet.headers, rows, encoding="utf-8-sig")
        else:
            write_csv(folder / f"{sheet.file}.csv", sheet.headers, rows, encoding="utf-8-sig")
    (folder / "mapping.toml").write_text(write_mapping(sheets), "utf-8")


def _sheets(life: Life) -> list[Sheet]:
    world, season, trade, traffic = life.world, life.season, life.trade, life.traffic
    done, claims = life.done, life.claims
    return [
        _channel_sheet(world, traffic),
        supply.make_products_sheet(world),
        inventory.make_inventory_sheet(world, life.stock),
        sourcing.make_purchases_sheet(world, life.stock),
        sourcing.make_suppliers_sheet(world),
        sourcing.make_sourcing_sheet(world),
        *([inventory.make_kits_sheet(world)] if world.truths.kit else []),
        carriage.make_rates_sheet(),
        supply.make_ledger_sheet(world, season, trade, done),
        carriage.make_shipments_sheet(world, trade, done),
        supply.make_costs_sheet(
            world, trade, done, members.rewards_of(world, trade, life.referrer)
        ),
        service.make_tickets(world, trade, traffic, claims),
        service.make_enquiries(world, traffic),
        service.make_reviews(world, trade, done, claims),
        promotion.make_commissions(world, trade),
        *([creators.make_sessions_sheet(world, trade)] if len(trade.sessions) else []),
        members.make_customers_sheet(world, trade, life.referrer, life.community.joined_at),
        points.make_points_sheet(life.ledger),
        mailings.make_contacts_sheet(world, trade, life.sent),
        community.make_community_sheet(world, life.community),
        trial_log.make_experiments_sheet(life.runs),
        surroundings.make_competitors_sheet(world),
        rivals.make_rivals_sheet(world),
        surroundings.make_market_sheet(world, season),
        surroundings.make_events_sheet(world, season),
        surroundings.make_targets_sheet(world, season, traffic),
        log.make_log_sheet(world, life.visits, traffic),
    ]


def _channel_sheet(world: World, traffic: Traffic) -> Sheet:
    """Visitors by channel; one who came through several is in each."""
    daily = traffic.channels
    day, channel = (a.ravel() for a in np.indices(daily.visitors.shape))
    return Sheet(
        file="渠道流量",
        table="traffic",
        columns={
            "day": ("日期", day_texts(world, day)),
            "scope_id": ("流量来源", [CHANNELS[k] for k in channel]),
            "visitors": ("访客数", texts(daily.visitors.ravel())),
            "page_views": ("浏览量", texts(daily.page_views.ravel())),
            "cart_visitors": ("加购人数", texts(daily.cart_visitors.ravel())),
            "ordering_buyers": ("下单买家数", texts(daily.ordering_buyers.ravel())),
            "ordered_amount": ("下单金额", yuan(daily.ordered_amount.ravel())),
            "paying_buyers": ("支付买家数", texts(daily.paying_buyers.ravel())),
            "paid_units": ("支付件数", texts(daily.paid_units.ravel())),
            "paid_amount": ("支付金额", yuan(daily.paid_amount.ravel())),
        },
        constants={"platform": PLATFORM, "scope": "channel"},
    )
