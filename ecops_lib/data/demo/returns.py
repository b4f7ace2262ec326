"""What campaigns and creators sell is sent back more often, where planted."""

from __future__ import annotations

import numpy as np

from ecops_lib.data.demo.editions import find_editions
from ecops_lib.data.demo.sessions import creators_of
from ecops_lib.data.demo.trade import Trade
from ecops_lib.data.demo.truths import OwnCampaign
from ecops_lib.data.demo.world import Flags, Floats, World


def claimed_late(world: World, trade: Trade, usual: Floats) -> Floats:
    """Chance that each line is claimed after receipt, from what it usually is."""
    lines, late = trade.lines, usual.copy()
    for number, edition in enumerate(find_editions(world)):
        if edition.acts and isinstance(edition.truth, OwnCampaign):
            mine = of_edition(world, trade, number)
            late[mine] *= edition.truth.refunds
    for number, creator in enumerate(creators_of(world)):
        if creator.returns is not None:
            late[of_creator(trade, number)[lines.order]] = creator.returns
    return late


def of_edition(world: World, trade: Trade, number: int) -> Flags:
    """Lines of the promoted products that were ordered in an edition's sale."""
    lines, edition = trade.lines, find_editions(world)[number]
    mine: Flags = trade.orders.edition[lines.order] == number
    return mine & np.isin(lines.product, edition.truth.products)


def of_creator(trade: Trade, number: int) -> Flags:
    """Orders that a creator's sessions brought."""
    session = trade.orders.session
    whose = np.append(trade.sessions.creator, -1)
    mine: Flags = whose[session] == number
    return mine
