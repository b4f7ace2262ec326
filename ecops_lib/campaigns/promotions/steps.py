"""Thresholds of promotions: which is next, and what it adds."""

from __future__ import annotations

import numpy as np

from ecops_lib.campaigns.promotions.allocation import Ints
from ecops_lib.campaigns.promotions.rules import Coupon, Promotion, Threshold, cents_of


def has_threshold(rule: Promotion) -> bool:
    """Whether a promotion takes an amount off from a threshold on."""
    if isinstance(rule, Coupon):
        return rule.off is not None and rule.threshold > 0
    return isinstance(rule, Threshold)


def next_step(rule: Promotion, goods: Ints) -> tuple[Ints, Ints]:
    """By basket, the next threshold above its goods and what it adds [cents]; 0 for none."""
    above, more = np.zeros_like(goods), np.zeros_like(goods)
    if isinstance(rule, Threshold) and rule.every:
        [(at, off)] = [(cents_of(a, name="at"), cents_of(b, name="off")) for a, b in rule.tiers]
        cap = np.iinfo(np.int64).max if rule.cap is None else cents_of(rule.cap, name="cap")
        now = np.minimum(goods // at * off, cap)
        then = np.minimum((goods // at + 1) * off, cap)
        return np.where(then > now, (goods // at + 1) * at, 0), then - now
    tiers = rule.tiers if isinstance(rule, Threshold) else ()
    if isinstance(rule, Coupon):
        tiers = ((rule.threshold, rule.off or 0.0),)
    last = 0
    for at, off in ((cents_of(a, name="at"), cents_of(b, name="off")) for a, b in tiers):
        mine = (goods < at) & (above == 0)
        above, more = np.where(mine, at, above), np.where(mine, off - last, more)
        last = off
    return above, more


def first_step(rule: Promotion) -> float:
    """The lowest threshold of a promotion that has one [store currency]."""
    return rule.tiers[0][0] if isinstance(rule, Threshold) else getattr(rule, "threshold", 0.0)
