"""Campaigns that a shop writes into ``store.toml``.

    [campaigns."autumn-2026"]
    name = "Autumn tea festival"
    kind = "autumn tea"           # editions of one kind are compared; "双11" is a festival
    warmup = [2026-09-07, 2026-09-09]
    burst = [[2026-09-10, 2026-09-12], [2026-09-14, 2026-09-16]]  # or one pair
    products = ["6001", "6002"]   # left out: the whole shop
    budget = 3000                 # ads [store currency]
    targets = { paid_amount = 60000, new_buyer_share = 0.4 }
    promotions = [{ kind = "threshold", threshold = 200, off = 20, bearer = "merchant" }]

Only days of a burst or an encore are a must.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ecops_lib.campaigns.campaign import (
    PHASES,
    SELLING,
    Campaign,
    PhaseSpan,
    festival_key,
    in_order,
)
from ecops_lib.core.checks import as_day, listed, nearest, require_between
from ecops_lib.core.errors import ParameterError
from ecops_lib.data.calendar.festivals import Phase

FIELDS = (*PHASES, "name", "kind", "products", "targets", "budget", "promotions")


def make_campaign(campaign_id: str, held: Mapping[str, Any]) -> Campaign:
    """A campaign from the values of ``[campaigns."id"]``, once each of them is possible.

    Raises:
        ParameterError: A value is unknown or impossible.
    """
    where = f'[campaigns."{campaign_id}"]'
    if unknown := sorted(set(held) - set(FIELDS)):
        hint = nearest(unknown[0], FIELDS) or "."
        raise ParameterError(f"{where} has {unknown[0]!r}; it may hold {listed(FIELDS)}{hint}")
    spans = [
        span for phase in PHASES if phase in held for span in _spans(phase, held[phase], where)
    ]
    if not any(span.phase in SELLING for span in spans):
        raise ParameterError(
            f"{where} tells no days on which it sells; add a line such as "
            "burst = [2026-11-10, 2026-11-11]."
        )
    name = str(held.get("name", campaign_id))
    budget = held.get("budget")
    return Campaign(
        campaign_id=campaign_id,
        name=name,
        kind=festival_key(str(held.get("kind", name))),
        spans=in_order(spans),
        products=_texts(held.get("products", ()), where),
        targets=_targets(held.get("targets", {}), where),
        budget=None if budget is None else _amount(budget, f"budget of {where}"),
        promotions=_promotions(held.get("promotions", ()), where),
        written=True,
    )


def _spans(phase: Phase, value: object, where: str) -> list[PhaseSpan]:
    """One pair of days, or a list of pairs."""
    pairs = value if isinstance(value, Sequence) and not isinstance(value, str) else ()
    pairs = pairs if pairs and isinstance(pairs[0], Sequence) else [pairs]
    name = f"{phase} of {where}"
    if any(isinstance(pair, str) or len(pair) != 2 for pair in pairs):
        raise ParameterError(
            f"{name} is {value!r}; it must be a first and a last day such as "
            "[2026-11-10, 2026-11-11], or a list of such pairs."
        )
    found = [
        PhaseSpan(phase=phase, first=as_day(a, name=name), last=as_day(b, name=name))
        for a, b in pairs
    ]
    for span in found:
        if span.last < span.first:
            raise ParameterError(f"{name} ends on {span.last} before it begins on {span.first}.")
    return found


def _texts(value: object, where: str) -> tuple[str, ...]:
    if isinstance(value, str) or not isinstance(value, Sequence):
        raise ParameterError(
            f"products of {where} is {value!r}; it must be a list of product ids in quotes."
        )
    if strange := [item for item in value if not isinstance(item, str)]:
        raise ParameterError(
            f"products of {where} holds {strange[0]!r}; put product ids in quotes, so that no "
            "digit is lost."
        )
    return tuple(dict.fromkeys(value))


def _targets(value: object, where: str) -> dict[str, float]:
    if not isinstance(value, Mapping):
        raise ParameterError(
            f"targets of {where} is {value!r}; write {{ paid_amount = 60000 }} or the like."
        )
    return {str(k): _amount(v, f"target {k} of {where}") for k, v in value.items()}


def _amount(value: object, name: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ParameterError(f"{name} is {value!r}; it must be a number.")
    require_between(value, 0, float("inf"), name=name)
    return float(value)


def _promotions(value: object, where: str) -> tuple[Mapping[str, Any], ...]:
    entries = value if isinstance(value, Sequence) and not isinstance(value, str) else None
    if entries is None or not all(isinstance(item, Mapping) for item in entries):
        raise ParameterError(
            f"promotions of {where} is {value!r}; it must be a list of tables, each headed "
            f'[[campaigns."…".promotions]].'
        )
    return tuple(entries)
