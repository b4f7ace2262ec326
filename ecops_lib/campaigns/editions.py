"""Which campaigns a shop held, holds and will hold: their phases, products, targets, offers.

What ``store.toml`` says of a campaign holds before all else (see ``written``).
Other campaigns come from the shop's diary (``shop_events``), and festivals that neither
dates from the calendar's table.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Literal

from ecops_lib.campaigns.campaign import SELLING, Campaign, PhaseSpan, festival_key, in_order
from ecops_lib.campaigns.written import make_campaign
from ecops_lib.core.checks import listed, nearest
from ecops_lib.core.errors import MissingDataError, ParameterError
from ecops_lib.core.formats import show
from ecops_lib.core.language import tr
from ecops_lib.data import frames
from ecops_lib.data.calendar.festivals import FESTIVALS, Phase
from ecops_lib.data.calendar.own import PHASE_NAMES, ShopCalendar, named_phase, read_calendar
from ecops_lib.metrics.bases import Source, Tables

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "SELLING",
    "Campaign",
    "PhaseSpan",
    "campaign_named",
    "choose_campaign",
    "find_campaigns",
    "make_campaign",
    "past_editions",
]

TOGETHER_DAYS = 31
"""Entries of the diary with one name that lie closer are one edition."""

State = Literal["finished", "running", "coming"]


def find_campaigns(source: Source, *, time_zone: str | None = None) -> tuple[Campaign, ...]:
    """Every campaign of a shop from its first order to the end of the next year.

    Args:
        source: A store, or tables by canonical name.
        time_zone: IANA zone of the days; the store's by default.

    Returns:
        The campaigns by their first selling day.

    Raises:
        MissingDataError: There are no orders.
        ParameterError: ``store.toml`` tells an impossible campaign.
    """
    tables = Tables(source, time_zone=time_zone)
    span = tables.span("orders", "created_at")
    if span is None:
        raise MissingDataError(tr("The store holds no order, so no campaign can be told."))
    settings = tables.store.settings if tables.store else None
    written = [make_campaign(*item) for item in (settings.campaigns if settings else {}).items()]
    calendar = read_calendar(settings.country if settings else "CN", _diary(tables))
    found = written
    for others in (_own(calendar), _festivals(calendar, span)):
        found = [*found, *(c for c in others if not any(_same(c, held) for held in found))]
    return tuple(sorted(found, key=lambda c: (c.selling, c.campaign_id)))


def campaign_named(campaigns: Iterable[Campaign], campaign_id: str) -> Campaign:
    """The campaign with an id.

    Raises:
        ParameterError: None has it; the sentence lists those there are.
    """
    held = {campaign.campaign_id: campaign for campaign in campaigns}
    if campaign_id not in held:
        raise ParameterError(
            f"campaign is {campaign_id!r}; the shop has {listed(held)}"
            f"{nearest(campaign_id, held) or '.'}"
        )
    return held[campaign_id]


def choose_campaign(
    campaigns: Sequence[Campaign], *, as_of: dt.date, state: State, campaign_id: str = ""
) -> Campaign:
    """The campaign that a page is about.

    Args:
        campaigns: The shop's.
        as_of: Last local day that counts.
        state: Take the last that is over, the one that runs (selling before pre-selling,
            written before unwritten), or the next to sell.
        campaign_id: Take this one instead.

    Raises:
        ParameterError: There is no campaign with this id.
        MissingDataError: None is in this state.
    """
    if campaign_id:
        return campaign_named(campaigns, campaign_id)
    if state == "finished":
        held = [c for c in campaigns if c.last < as_of]
        best = max(held, key=lambda c: (c.selling[1], c.written), default=None)
    elif state == "running":
        held = [c for c in campaigns if c.first <= as_of <= c.last]
        best = max(
            held,
            key=lambda c: (c.phase_of(as_of) in SELLING, c.written, c.first),
            default=None,
        )
    else:
        held = [c for c in campaigns if c.selling[0] > as_of]
        best = min(held, key=lambda c: (c.selling[0], not c.written), default=None)
    if best is None:
        raise MissingDataError(_none_words(state, as_of))
    return best


def _none_words(state: State, as_of: dt.date) -> str:
    day = show(as_of, "day")
    how = 'store.toml [campaigns."id"]'
    if state == "finished":
        return tr("No campaign was over by {day}; write it into {how}.", day=day, how=how)
    if state == "running":
        return tr("No campaign runs on {day}; write it into {how}.", day=day, how=how)
    return tr("No campaign is known after {day}; write it into {how}.", day=day, how=how)


def past_editions(campaigns: Iterable[Campaign], campaign: Campaign) -> tuple[Campaign, ...]:
    """Earlier editions of the same kind, oldest first."""
    held = [c for c in campaigns if c.kind == campaign.kind and c.last < campaign.first]
    return tuple(sorted(held, key=lambda c: c.first))


def _diary(tables: Tables) -> pd.DataFrame | None:
    if not tables.has("shop_events"):
        return None
    columns = ["kind", "name", "starts_on", "ends_on", "product_id"]
    return frames.bring(tables.lazy("shop_events").select(columns), sort=columns)


def _festivals(calendar: ShopCalendar, span: tuple[dt.date, dt.date]) -> Iterable[Campaign]:
    """The festivals with a selling phase between the first order and the end of next year."""
    for festival in FESTIVALS:
        for year in range(span[0].year, span[1].year + 2):
            held = calendar.edition(festival, year)
            spans = [PhaseSpan(phase=s.phase, first=s.first, last=s.last) for s in held]
            if any(s.phase in SELLING and s.last >= span[0] for s in spans):
                name = tr(FESTIVALS[festival])
                yield Campaign(
                    campaign_id=f"{festival}-{year}",
                    name=f"{name} {year}",
                    kind=festival,
                    spans=in_order(spans),
                )


def _own(calendar: ShopCalendar) -> Iterable[Campaign]:
    """Campaigns of the diary that are no phase of a festival."""
    groups: dict[str, list[list[tuple[PhaseSpan, str]]]] = {}
    for entry in calendar.campaigns:
        if named_phase(entry.name) and entry.whole_shop:
            continue
        stem, phase = _stem(entry.name)
        span = PhaseSpan(phase=phase, first=entry.first, last=max(entry.first, entry.last))
        editions = groups.setdefault(stem, [])
        near = editions and (span.first - editions[-1][-1][0].last).days <= TOGETHER_DAYS
        if not near:
            editions.append([])
        editions[-1].append((span, entry.product))
    for stem, editions in groups.items():
        for parts in editions:
            yield from _edition(stem, parts)


def _edition(stem: str, parts: Sequence[tuple[PhaseSpan, str]]) -> Iterable[Campaign]:
    """One edition; one that never sells is none."""
    spans = in_order(dict.fromkeys(span for span, _ in parts))
    if any(span.phase in SELLING for span in spans):
        products = [product for _, product in parts]
        yield Campaign(
            campaign_id=f"{stem}-{spans[0].first:%Y-%m}",
            name=stem,
            kind=festival_key(stem),
            spans=spans,
            products=tuple(dict.fromkeys(products)) if all(products) else (),
        )


def _stem(name: str) -> tuple[str, Phase]:
    """A campaign's name without its phase and year, and the phase; one unnamed sells.

    >>> _stem("秋茶节2026 预热"), _stem("Member day")
    (('秋茶节', 'warmup'), ('Member day', 'burst'))
    """
    found = [phase for phase, words in PHASE_NAMES.items() if words.search(name.casefold())]
    phase: Phase = found[0] if len(found) == 1 else "burst"
    stem = re.sub(PHASE_NAMES[phase].pattern, "", name, flags=re.IGNORECASE)
    stem = re.sub(r"20\d\d年?", "", stem).strip(" -_·:：")
    return stem or name, phase


def _same(other: Campaign, held: Campaign) -> bool:
    """Whether a later source tells a campaign that an earlier one has told."""
    meets = other.first <= held.last and held.first <= other.last
    named = {held.name, held.kind, festival_key(held.name), _stem(held.name)[0]}
    return meets and bool({other.kind, other.name} & named)
