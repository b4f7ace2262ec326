"""Promotions by the book: one basket at a time, plain Python and fractions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any

from ecops_lib.campaigns.promotions import (
    Coupon,
    Discount,
    Gift,
    GroupPrice,
    NthItem,
    Presale,
    Promotion,
    Threshold,
)

Line = Mapping[str, Any]
STAGES = (GroupPrice, Presale, (Discount, NthItem), Threshold, Coupon)


def cents(value: float) -> int:
    return round(Fraction(str(value)) * 100)


def half_up(value: Fraction) -> int:
    return int(value + Fraction(1, 2) - (value + Fraction(1, 2)) % 1)


def about(rule: Promotion, line: Line) -> bool:
    if rule.products and line["product_id"] not in rule.products:
        return False
    creator = line.get("creator_id")
    if rule.creators and not (creator and ("*" in rule.creators or creator in rule.creators)):
        return False
    return not isinstance(rule, GroupPrice) or line.get("is_group", True)


def hamilton(amount: int, weights: Sequence[int]) -> list[int]:
    total = sum(weights)
    if not total:
        return [0] * len(weights)
    exact = [Fraction(amount * weight, total) for weight in weights]
    held = [int(each) for each in exact]
    order = sorted(range(len(weights)), key=lambda k: (held[k] - exact[k], k))
    for k in order[: amount - sum(held)]:
        held[k] += 1
    return held


def off_basket(rule: Promotion, mine: Sequence[Line]) -> int:
    """What a promotion takes off a basket by the base prices of its lines."""
    goods = sum(line["base"] for line in mine)
    units = [line["base"] // line["quantity"] for line in mine for _ in range(line["quantity"])]
    if isinstance(rule, Threshold):
        if rule.every:
            off = goods // cents(rule.tiers[0][0]) * cents(rule.tiers[0][1])
            return off if rule.cap is None else min(off, cents(rule.cap))
        return max([cents(off) for at, off in rule.tiers if goods >= cents(at)], default=0)
    if isinstance(rule, Coupon):
        if goods < cents(rule.threshold):
            return 0
        if rule.off is not None:
            return cents(rule.off)
        off = half_up(goods * (1 - Fraction(str(rule.rate))))
        return off if rule.cap is None else min(off, cents(rule.cap))
    if isinstance(rule, Discount):
        rates = [Fraction(str(rate)) for least, rate in rule.tiers if len(units) >= least]
        return half_up(goods * (1 - min(rates))) if rates else 0
    assert isinstance(rule, NthItem)
    cheap = sum(sorted(units)[: len(units) // rule.every])
    return half_up(cheap * (1 - Fraction(str(rule.rate))))


def asked(rule: Promotion, lines: Sequence[Line], first: Mapping[int, Promotion]) -> list[int]:
    """What a promotion would take off each line."""
    mine = [k for k, line in enumerate(lines) if line["sold"] and about(rule, line)]
    held = [0] * len(lines)
    if isinstance(rule, GroupPrice):
        for k in mine:
            held[k] = max(lines[k]["base"] - cents(rule.price) * lines[k]["quantity"], 0)
    elif isinstance(rule, Presale):
        for k in mine:
            if first.get(k) is rule:
                gain = cents(rule.worth or rule.deposit) - cents(rule.deposit)
                held[k] = gain * lines[k]["quantity"]
    else:
        goods = sum(lines[k]["base"] for k in mine)
        amount = min(off_basket(rule, [lines[k] for k in mine]), goods)
        shares = hamilton(amount, [lines[k]["base"] for k in mine])
        for k, share in zip(mine, shares, strict=True):
            held[k] = share
    return held


def price_basket(lines: Sequence[Line], promotions: Sequence[Promotion]) -> dict[str, Any]:
    """What each line of one basket pays [cents]: ``off`` and ``gift`` by promotion's name.

    Lines come in the order that breaks ties.
    """
    first: dict[int, Presale] = {}
    for k, line in enumerate(lines):
        for rule in promotions:
            if isinstance(rule, Presale) and line.get("presale") and about(rule, line):
                first.setdefault(k, rule)
    deposit = [
        min(cents(first[k].deposit) * line["quantity"], line["base"]) if k in first else 0
        for k, line in enumerate(lines)
    ]
    left = [line["base"] - deposit[k] if line["sold"] else 0 for k, line in enumerate(lines)]
    off = {rule.name: [0] * len(lines) for rule in promotions}
    for options in choices(promotions):
        offers = [try_all(option, lines, first, left) for option in options]
        sums = [sum(map(sum, offer.values())) for offer in offers]
        taken = offers[sums.index(max(sums))]
        off |= taken
        left = [have - sum(v[k] for v in taken.values()) for k, have in enumerate(left)]
    gift = {rule.name: _gift(rule, lines) for rule in promotions if isinstance(rule, Gift)}
    payable = [
        line["base"] - sum(values[k] for values in off.values()) if line["sold"] else 0
        for k, line in enumerate(lines)
    ]
    kept = [
        deposit[k] if k in first and not line["sold"] and first[k].forfeit else 0
        for k, line in enumerate(lines)
    ]
    return {"off": off, "gift": gift, "payable": payable, "forfeited": kept}


def choices(promotions: Sequence[Promotion]) -> Iterator[list[list[Promotion]]]:
    """Step by step, the sets of promotions of which a basket takes the best one."""
    done: set[str] = set()
    in_order = [rule for kinds in STAGES for rule in promotions if isinstance(rule, kinds)]
    alone = [rule for rule in in_order if isinstance(rule, Coupon) and not rule.stackable]
    for rule in in_order:
        if alone and isinstance(rule, Coupon):
            continue
        if rule.group and rule.group not in done:
            yield [[mate] for mate in in_order if mate.group == rule.group]
            done.add(rule.group)
        elif not rule.group:
            yield [[rule]]
    if alone:
        others = [r for r in in_order if isinstance(r, Coupon) and r not in alone]
        yield [others, *([rule] for rule in alone)]


def try_all(
    rules: Sequence[Promotion],
    lines: Sequence[Line],
    first: Mapping[int, Promotion],
    left: Sequence[int],
) -> dict[str, list[int]]:
    """What promotions would take off together, one after the other."""
    rest, got = list(left), {}
    for rule in rules:
        wanted = asked(rule, lines, first)
        got[rule.name] = [min(want, have) for want, have in zip(wanted, rest, strict=True)]
        rest = [have - take for have, take in zip(rest, got[rule.name], strict=True)]
    return got


def _gift(rule: Gift, lines: Sequence[Line]) -> list[int]:
    mine = [k for k, line in enumerate(lines) if line["sold"] and about(rule, line)]
    goods = sum(lines[k]["base"] for k in mine)
    times = goods // cents(rule.threshold) if rule.every else int(goods >= cents(rule.threshold))
    shares = hamilton(times * cents(rule.cost), [lines[k]["base"] for k in mine])
    held = [0] * len(lines)
    for k, share in zip(mine, shares, strict=True):
        held[k] = share
    return held
