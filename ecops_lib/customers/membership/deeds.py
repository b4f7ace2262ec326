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
    "equal": mark("done by the landmark, equal history"),
}
MORE: Mapping[Deed, str] = {
    "redeemed": mark(
        "At equal history, of {customers} customers who had redeemed points by {day} {share} "
        "bought in the {days} after, of the others {other}: more by {low} to {high}. Whether "
        "redeeming brings it cannot be told, for customers choose to redeem; a hold-out drawn by "
        "lot would tell."
    ),
    "joined": mark(
        "At equal history, of {customers} customers who were in the community by {day} {share} "
        "bought in the {days} after, of the others {other}: more by {low} to {high}. Whether "
        "the community brings it cannot be told, for customers choose to join; a hold-out drawn "
        "by lot would tell."
    ),
}
LESS: Mapping[Deed, str] = {
    "redeemed": mark(
        "At equal history, of {customers} customers who had redeemed points by {day} {share} "
        "bought in the {days} after, of the others {other}: no more but less, the difference "
        "is {low} to {high}. Whether redeeming does it cannot be told, for customers choose to "
        "redeem; a hold-out drawn by lot would tell."
    ),
    "joined": mark(
        "At equal history, of {customers} customers who were in the community by {day} {share} "
        "bought in the {days} after, of the others {other}: no more but less, the difference "
        "is {low} to {high}. Whether the community does it cannot be told, for customers choose "
        "to join; a hold-out drawn by lot would tell."
    ),
}
ALIKE: Mapping[Deed, str] = {
    "redeemed": mark(
        "At equal history, customers who had redeemed points by {day} do not differ from the "
        "others beyond chance in buying in the {days} after: {share} against {other} ({low} to "
        "{high}). That redeeming brings purchases cannot be told from this."
    ),
    "joined": mark(
        "At equal history, customers who were in the community by {day} do not differ from the "
        "others beyond chance in buying in the {days} after: {share} against {other} ({low} to "
        "{high}). That the community brings purchases cannot be told from this."
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
        "What redeeming does to repurchase cannot be told: fewer than {least} customers had "
        "redeemed points by {day}, or fewer than {least} others have an equal history."
    ),
    "joined": mark(
        "What the community does to repurchase cannot be told: fewer than {least} customers had "
        "joined it by {day}, or fewer than {least} others have an equal history."
    ),
}
UNTOLD: Mapping[Deed, str] = {
    "redeemed": mark("No file tells who redeemed points and when."),
    "joined": mark("No file tells who joined the community and when."),
}
