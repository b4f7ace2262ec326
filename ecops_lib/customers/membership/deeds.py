"""What customers do of their own will, and the sentences of those who do it and the others."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from ecops_lib.core.language import mark

Deed = Literal["redeemed", "joined"]
"""What the customers of the first group did: redeem points, or join the community."""

GROUPS: Mapping[Deed, str] = {
    "redeemed": mark("Redeemed points"),
    "joined": mark("In the community"),
}
METHODS: Mapping[str, str] = {
    "usual": mark("as usually shown: done by the end"),
    "landmark": mark("done by the landmark"),
    "equal": mark("just done at a landmark, equal history"),
}
MORE: Mapping[Deed, str] = {
    "redeemed": mark(
        "Of {customers} customers who had just redeemed points for the first time {share} bought "
        "in the {days} after, of those with an equal history who had not redeemed {other}: more by "
        "{low} to {high}. Whether redeeming brings it cannot be told, for customers choose to "
        "redeem; a hold-out drawn by lot would tell."
    ),
    "joined": mark(
        "Of {customers} customers who had just joined the community {share} bought in the {days} "
        "after, of those with an equal history who had not joined {other}: more by {low} to "
        "{high}. Whether the community brings it cannot be told, for customers choose to join; a "
        "hold-out drawn by lot would tell."
    ),
}
LESS: Mapping[Deed, str] = {
    "redeemed": mark(
        "Of {customers} customers who had just redeemed points for the first time {share} bought "
        "in the {days} after, of those with an equal history who had not redeemed {other}: not "
        "more but less, by {low} to {high}. Whether redeeming does it cannot be told, for "
        "customers choose to redeem; a hold-out drawn by lot would tell."
    ),
    "joined": mark(
        "Of {customers} customers who had just joined the community {share} bought in the {days} "
        "after, of those with an equal history who had not joined {other}: not more but less, by "
        "{low} to {high}. Whether the community does it cannot be told, for customers choose to "
        "join; a hold-out drawn by lot would tell."
    ),
}
ALIKE: Mapping[Deed, str] = {
    "redeemed": mark(
        "Customers who had just redeemed points for the first time do not differ beyond chance "
        "from those with an equal history who had not in buying in the {days} after: {share} "
        "against {other} ({low} to {high}). That redeeming brings purchases cannot be told from "
        "this."
    ),
    "joined": mark(
        "Customers who had just joined the community do not differ beyond chance from those with "
        "an equal history who had not in buying in the {days} after: {share} against {other} "
        "({low} to {high}). That the community brings purchases cannot be told from this."
    ),
}
USUAL: Mapping[Deed, str] = {
    "redeemed": mark(
        "The usual comparison, {share} against {other}, is no effect of redeeming: who buys more "
        "has more points and more occasions to redeem them, also within the {days} looked at."
    ),
    "joined": mark(
        "The usual comparison, {share} against {other}, is no effect of the community: who buys "
        "more has more occasions to join it, also within the {days} looked at."
    ),
}
FEW: Mapping[Deed, str] = {
    "redeemed": mark(
        "What redeeming does to repurchase cannot be told: of customers who had just redeemed for "
        "the first time, or of others with an equal history, there are fewer than {least}."
    ),
    "joined": mark(
        "What the community does to repurchase cannot be told: of customers who had just joined "
        "it, or of others with an equal history, there are fewer than {least}."
    ),
}
UNTOLD: Mapping[Deed, str] = {
    "redeemed": mark("No file tells who redeemed points and when."),
    "joined": mark("No file tells who joined the community and when."),
}
