"""What each channel gets of a path by a rule, and by Shapley's value."""

from __future__ import annotations

import numpy as np

from ecops_lib.campaigns.channels.paths import Floats, Ints, Paths


def first_touch(paths: Paths) -> Floats:
    """Weights of touches (touches,): all to the first."""
    return _at(paths, paths.first)


def last_touch(paths: Paths) -> Floats:
    """Weights of touches (touches,): all to the last."""
    return _at(paths, paths.last)


def _at(paths: Paths, places: Ints) -> Floats:
    weights = np.zeros(len(paths.touches))
    weights[places] = 1.0
    return weights


def even_touches(paths: Paths) -> Floats:
    """Weights of touches (touches,): each the same."""
    held: Floats = 1.0 / paths.sizes[paths.owner]
    return held


def ended_touches(paths: Paths, ends: tuple[float, float]) -> Floats:
    """Weights of touches (touches,): the first and the last get their shares, the rest the rest.

    Where there is no touch between, the two share all in proportion.

    Args:
        paths: The paths.
        ends: Shares of the first and of the last touch, together at most 1.
    """
    between = np.maximum(paths.sizes - 2, 0)
    rest = 1.0 - ends[0] - ends[1]
    inner = np.divide(rest, between, out=np.zeros(len(between)), where=between > 0)
    weights = inner[paths.owner]
    short = between == 0
    whole = ends[0] + ends[1]
    even = (0.5, 0.5) if not whole else (ends[0] / whole, ends[1] / whole)
    weights[paths.first] = np.where(short, even[0], ends[0])
    weights[paths.last] = np.where(short, even[1], ends[1])
    weights[paths.first[paths.sizes == 1]] = 1.0
    return weights


def decayed_touches(paths: Paths, half_life: float) -> Floats:
    """Weights of touches (touches,): halved with each half-life before the path's end.

    Args:
        paths: The paths; where they do not tell days, a touch counts as a day.
        half_life: Days, or touches.
    """
    ages = paths.before
    if ages is None:
        ages = (paths.last[paths.owner] - np.arange(len(paths.touches))).astype(float)
    youngest = np.minimum.reduceat(ages, paths.first)
    raw = np.exp2(-(ages - youngest[paths.owner]) / half_life)  # the shift keeps it above 0
    held: Floats = raw / np.bincount(paths.owner, raw)[paths.owner]
    return held


def set_touches(paths: Paths) -> Floats:
    """Weights of touches (touches,) that give each channel its Shapley value.

    With v(S) the conversions of paths whose channels all belong to S, a channel's Shapley
    value is its paths' conversions, each shared equally by the path's distinct channels
    (Zhao, Mahboobi and Bagheri 2018, arXiv:1804.05327, §3). A channel's share stands at its
    first touch.
    """
    key = paths.owner * len(paths.channels) + paths.touches
    _, places = np.unique(key, return_index=True)
    distinct = np.bincount(paths.owner[places], minlength=len(paths.sizes))
    weights = np.zeros(len(paths.touches))
    weights[places] = 1.0 / distinct[paths.owner[places]]
    return weights
