"""Attribution by removal: how many conversions a Markov chain of the paths loses without a channel.

A state is the last ``order`` channels touched; absorbing states are the conversion and the
loss. The chance to convert solves a linear system, exactly (Kemeny and Snell 1960, theorem
3.3.7), where ChannelAttribution and others draw paths at random. To remove a channel sends
whoever would come to it to the loss (Anderl et al. 2016, Int. J. Res. Marketing 33, 457–474).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ecops_lib.campaigns.channels.paths import Floats, Ints, Paths
from ecops_lib.core.errors import ParameterError

if TYPE_CHECKING:
    from scipy.sparse import csr_array


DENSE = 1_000_000
"""Codes of states up to which they are counted in place, not sorted."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Chain:
    """A chain of the paths.

    Attributes:
        start: Share of the paths that begin in each state (states,).
        moves: Chance of moving from each state to each other (states, states), sparse.
        visits: How often the paths come to each state (states,), above 0.
        last: State at the end of each path (paths,).
        channel: Channel that is touched in each state (states,).
        channels: How many channels there are.
    """

    start: Floats
    moves: csr_array
    visits: Floats
    last: Ints
    channel: Ints
    channels: int

    def reached(self, total: Floats, removed: int | None = None) -> float:
        """What a path brings on average, with a channel removed.

        Args:
            total: What each path brings at its end (paths,): its conversions, or money.
            removed: The channel; None for the whole chain.
        """
        from scipy.sparse import eye_array
        from scipy.sparse.linalg import spsolve

        kept = np.flatnonzero(self.channel != (-1 if removed is None else removed))
        if not len(kept):
            return 0.0
        ends = np.bincount(self.last, total, minlength=len(self.visits)) / self.visits
        left = self.moves[kept][:, kept]
        system = (eye_array(len(kept), format="csr") - left).tocsc()
        return float(self.start[kept] @ np.atleast_1d(spsolve(system, ends[kept])))


def remove_channels(chain: Chain, total: Floats) -> Floats:
    """Removal effect of each channel (channels,): the share that is lost without it.

    Args:
        chain: The chain of the paths.
        total: What each path brings (paths,): its conversions, or money.
    """
    whole = chain.reached(total)
    if not abs(whole) > 0:
        return np.full(chain.channels, np.nan)
    return np.array([1 - chain.reached(total, c) / whole for c in range(chain.channels)])


def make_chain(paths: Paths, order: int) -> Chain:
    """The chain of the paths; a path counts as often as it converted or was lost.

    Args:
        paths: The paths.
        order: Channels that the chain remembers.
    """
    from scipy.sparse import coo_array

    often = paths.conversions + (0.0 if paths.lost is None else paths.lost)
    states, channel = _states(paths, order)
    count = len(channel)
    weight = often[paths.owner]
    visits = np.bincount(states, weight, minlength=count)
    seen = np.where(visits > 0, visits, 1.0)
    inside = np.flatnonzero(paths.owner[1:] == paths.owner[:-1])
    pairs = (states[inside], states[inside + 1])
    moves = coo_array((weight[inside], pairs), shape=(count, count)).tocsr()
    start = np.bincount(states[paths.first], often, minlength=count)
    return Chain(
        start=start / max(often.sum(), 1e-300),
        moves=moves.multiply(1 / seen[:, None]).tocsr(),
        visits=seen,
        last=states[paths.last],
        channel=channel,
        channels=len(paths.channels),
    )


def _states(paths: Paths, order: int) -> tuple[Ints, Ints]:
    """State of each touch (touches,), and the channel touched in each state (states,)."""
    base = len(paths.channels) + 1
    if base**order > 2**62:
        raise ParameterError(
            f"order is {order}; with {base - 1} channels it is too high, take a lower one."
        )
    coded = paths.touches + 1
    if order > 1:
        place = np.arange(len(paths.touches)) - paths.first[paths.owner]
        for back in range(1, order):
            earlier = np.zeros_like(paths.touches)
            earlier[back:] = paths.touches[:-back] + 1
            coded = coded + np.where(place >= back, earlier, 0) * base**back
    if base**order > DENSE:
        known, states = np.unique(coded, return_inverse=True)
    else:
        known = np.flatnonzero(np.bincount(coded, minlength=base**order))
        number = np.zeros(base**order, np.int64)
        number[known] = np.arange(len(known))
        states = number[coded]
    return states, known % base - 1
