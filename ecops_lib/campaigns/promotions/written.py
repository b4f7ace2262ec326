"""Promotions that a shop writes into ``store.toml``.

    [[campaigns."autumn-2026".promotions]]
    kind = "threshold"            # 满减; tiers = [[200, 20], [400, 50]] for several
    threshold = 200
    off = 20
    every = true                  # 每满; with cap = 60, no more than that
    bearer = { platform = 0.5, merchant = 0.5 }

    [[campaigns."autumn-2026".promotions]]
    kind = "coupon"               # with off or rate; stackable = false: not with other coupons
    threshold = 150
    off = 15
    group = "shop coupons"        # of one group a basket takes the best

Further kinds: ``discount`` (rate = 0.9, or tiers = [[2, 0.9], [3, 0.8]] by units),
``nth_item`` (every = 2, rate = 0.5), ``live_coupon`` (a coupon on the lines of live rooms, or of
``creators``), ``gift`` (cost, threshold), ``presale`` (deposit, worth), ``group_price`` (price).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from ecops_lib.campaigns.promotions.rules import (
    ANY_CREATOR,
    KINDS,
    Promotion,
    check_design,
    kind_hint,
)
from ecops_lib.core.checks import listed, nearest
from ecops_lib.core.errors import ParameterError

if TYPE_CHECKING:
    from ecops_lib.campaigns.campaign import Campaign

LIVE = "live_coupon"
SHORT: Mapping[str, tuple[str, ...]] = {"threshold": ("threshold", "off"), "discount": ("rate",)}
"""Keys that stand for one tier."""
LISTS = ("products", "creators")


def read_promotions(
    entries: Sequence[Mapping[str, Any]], *, where: str = "promotions"
) -> tuple[Promotion, ...]:
    """Promotions from tables as ``store.toml`` holds them.

    Args:
        entries: One mapping a promotion: ``kind`` and the fields of its rule.
        where: What holds them, for errors, such as ``[campaigns."autumn-2026"]``.

    Raises:
        ParameterError: A key is unknown or missing, or a value impossible.

    >>> read_promotions([{"kind": "threshold", "threshold": 200, "off": 20}])[0].tiers
    ((200, 20),)
    """
    held = tuple(_read(entry, place, where) for place, entry in enumerate(entries, start=1))
    try:
        check_design(held)
    except ParameterError as error:
        raise ParameterError(f"{where}: {error}") from None
    return held


def campaign_promotions(campaign: Campaign) -> tuple[Promotion, ...]:
    """A campaign's promotions; one that names no products is about the campaign's own.

    Raises:
        ParameterError: ``store.toml`` tells an impossible promotion.
    """
    own = {"products": list(campaign.products)} if campaign.products else {}
    return read_promotions(
        [{**own, **entry} for entry in campaign.promotions],
        where=f'promotions of [campaigns."{campaign.campaign_id}"]',
    )


def _read(entry: Mapping[str, Any], place: int, where: str) -> Promotion:
    told = dict(entry)
    kind = told.pop("kind", None)
    at = f"promotion {place} of {where}"
    if kind is None:
        raise ParameterError(f"{at} has no kind; it must be one of {listed((*KINDS, LIVE))}.")
    if kind == LIVE:
        told.setdefault("creators", [ANY_CREATOR])
        kind = "coupon"
    if kind not in KINDS:
        raise ParameterError(
            f"kind of {at} is {kind!r}; it must be one of {listed((*KINDS, LIVE))}{kind_hint(kind)}"
        )
    rule = KINDS[kind]
    _refuse_unknown(told, rule, at)
    told.setdefault("name", f"{kind} {place}")
    told = {key: _listed(value, key, at) if key in LISTS else value for key, value in told.items()}
    _make_tiers(told, kind, at)
    try:
        return rule(**told)
    except ParameterError as error:
        raise ParameterError(f"{at}: {error}") from None
    except TypeError:
        need = [f.name for f in fields(rule) if f.name not in told and _must(f)]
        raise ParameterError(
            f"{at}, a {kind}, lacks {listed(need)}" if need else f"{at} holds an impossible value."
        ) from None


def _must(field: Any) -> bool:
    from dataclasses import MISSING

    return field.default is MISSING and field.default_factory is MISSING


def _refuse_unknown(told: Mapping[str, Any], rule: type[Promotion], at: str) -> None:
    known = [*SHORT.get(rule.kind, ()), *(f.name for f in fields(rule))]
    if unknown := sorted(set(told) - set(known)):
        raise ParameterError(
            f"{at}, a {rule.kind}, has {unknown[0]!r}; it may hold {listed(['kind', *known])}"
            f"{nearest(unknown[0], known) or '.'}"
        )


def _make_tiers(told: dict[str, Any], kind: str, at: str) -> None:
    """One tier from its short form; several from their lists."""
    short = SHORT.get(kind, ())
    if not short:
        return
    given = [key for key in short if key in told]
    if "tiers" in told:
        if given:
            raise ParameterError(f"{at} has both tiers and {given[0]!r}; leave one of them out.")
        told["tiers"] = tuple(_pair(tier, at) for tier in _sequence(told["tiers"], "tiers", at))
        return
    if missing := [key for key in short if key not in told]:
        raise ParameterError(f"{at}, a {kind}, lacks {missing[0]!r}.")
    values = tuple(told.pop(key) for key in short)
    told["tiers"] = (values if kind == "threshold" else (1, *values),)


def _pair(tier: object, at: str) -> tuple[Any, ...]:
    held = tuple(_sequence(tier, "tiers", at))
    if len(held) != 2:
        raise ParameterError(
            f"tiers of {at} holds {tier!r}; it must be pairs such as [[200, 20], [400, 50]]."
        )
    return held


def _sequence(value: object, key: str, at: str) -> Sequence[Any]:
    if isinstance(value, str) or not isinstance(value, Sequence):
        raise ParameterError(f"{key} of {at} is {value!r}; it must be a list.")
    return value


def _listed(value: object, key: str, at: str) -> tuple[str, ...]:
    held = tuple(_sequence(value, key, at))
    if strange := [item for item in held if not isinstance(item, str)]:
        raise ParameterError(f"{key} of {at} holds {strange[0]!r}; put ids in quotes.")
    return held
