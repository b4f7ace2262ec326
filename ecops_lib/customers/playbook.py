"""The playbook: what each tier of customers gets, and how and how often it is contacted.

It is read from ``playbook.toml`` in the store's folder where there is one, else the
built-in one is used; ``write_playbook`` writes that one out for editing.

    [potential]
    benefit = "a coupon of their own"

    [[potential.touches]]
    message = "We have kept something for you"
    channel = "SMS"
    every_days = 30
    owner = "customer operations"  # optional
    cost = 0.05  # of one contact, in the store's currency; optional
"""

from __future__ import annotations

import json
import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ecops_lib.core.checks import listed, nearest
from ecops_lib.core.errors import ParameterError, StoreError
from ecops_lib.core.language import mark, tr
from ecops_lib.customers.segments import make_tiers
from ecops_lib.data.store import Store

FILE = "playbook.toml"
TIERS = {rule.key: rule.label for rule in make_tiers(high_value=0).rules}
FIELDS = ("message", "channel", "every_days", "owner", "cost")
RAREST = 366
"""Days between two contacts above which it is no plan."""

CHAT, SMS, PUSH = mark("WeCom chat"), mark("SMS"), mark("app message")

DEFAULT: Mapping[str, tuple[str, tuple[tuple[str, str, int], ...]]] = {
    "core": (
        mark("a service contact of their own, first access to new items, free returns"),
        (
            (mark("new items before anybody else sees them"), CHAT, 30),
            (mark("thanks and a small gift for a year's loyalty"), CHAT, 365),
        ),
    ),
    "potential": (
        mark("a coupon for what they used to buy, valid for a week"),
        ((mark("we have kept something for you: coupon and its last day"), SMS, 30),),
    ),
    "common": (
        mark("bundles, and free shipping from a little more than their usual order"),
        ((mark("what goes with your last order"), PUSH, 30),),
    ),
    "asleep": (
        mark("the campaign's offer, nothing of their own"),
        ((mark("wake-up message before the campaign"), SMS, 90),),
    ),
    "new": (
        mark("help with the first order, and a coupon for the second"),
        (
            (mark("how to use it, and whom to ask"), CHAT, 30),
            (mark("coupon for the second purchase, valid for two weeks"), PUSH, 30),
        ),
    ),
}
"""Benefit, and message, channel and days between contacts of each touch, in English, marked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Touch:
    """One kind of contact.

    Attributes:
        message: What it says.
        channel: How it is sent.
        every_days: Days from one to the next.
        owner: Who sees to it.
        cost: Of one contact [store currency]; NaN where it is not given.
    """

    message: str
    channel: str
    every_days: float
    owner: str
    cost: float = math.nan


@dataclass(frozen=True, slots=True, kw_only=True)
class TierPlan:
    """What one tier gets."""

    benefit: str
    touches: tuple[Touch, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Playbook:
    """What each tier gets.

    Attributes:
        tiers: Plan by key of the tier; a tier without a plan is absent.
        file: Where it was read; None for the built-in one.
    """

    tiers: Mapping[str, TierPlan]
    file: Path | None = None


def read_playbook(store: Store) -> Playbook:
    """The store's own playbook, or the built-in one in the reader's language.

    Raises:
        StoreError: The file is not TOML in UTF-8, or names an unknown tier or field.
        ParameterError: A field has an impossible value.
    """
    owner = store.settings.owners.get("customers", tr("customer operations"))
    file = store.path / FILE
    if not file.exists():
        return Playbook(tiers=_built_in(owner))
    try:
        held = tomllib.loads(file.read_text("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise StoreError(f"{file} is not in UTF-8; save it again with that encoding.") from error
    except tomllib.TOMLDecodeError as error:
        raise StoreError(f"{file} is not readable TOML: {error}.") from error
    return Playbook(tiers={name: _tier(name, plan, file, owner) for name, plan in held.items()},
                    file=file)  # fmt: skip


def _built_in(owner: str) -> dict[str, TierPlan]:
    return {
        key: TierPlan(
            benefit=tr(benefit),
            touches=tuple(
                Touch(message=tr(message), channel=tr(channel), every_days=float(days), owner=owner)
                for message, channel, days in touches
            ),
        )
        for key, (benefit, touches) in DEFAULT.items()
    }


def _tier(name: str, plan: object, file: Path, owner: str) -> TierPlan:
    if name not in TIERS:
        hint = nearest(name, TIERS).rstrip("?")
        raise StoreError(
            f"{file} has {name!r}, which is no tier{hint}; the tiers are {listed(TIERS)}, and "
            "no others can be added."
        )
    known = ("benefit", "touches")
    held = _table(plan, known, f"tier {name!r} in {file}")
    touches = held.get("touches", [])
    if not isinstance(touches, list):
        raise ParameterError(
            f"touches of tier {name!r} in {file} is {touches!r}; give tables headed "
            f"[[{name}.touches]]."
        )
    where = f"touches of tier {name!r} in {file}"
    return TierPlan(
        benefit=_text(held, "benefit", f"tier {name!r} in {file}"),
        touches=tuple(_touch(touch, where, owner) for touch in touches),
    )


def _touch(given: object, where: str, owner: str) -> Touch:
    held = _table(given, FIELDS, where)
    every = _number(held, "every_days", where, least=1, most=RAREST)
    if math.isnan(every):
        raise StoreError(f"{where}: every_days is missing; give the days from one to the next.")
    return Touch(
        message=_text(held, "message", where),
        channel=_text(held, "channel", where),
        every_days=every,
        owner=_text({"owner": owner, **held}, "owner", where),
        cost=_number(held, "cost", where, least=0, most=math.inf),
    )


def _table(given: object, known: tuple[str, ...], where: str) -> Mapping[str, Any]:
    """A table without unknown fields."""
    if not isinstance(given, Mapping):
        raise ParameterError(f"{where} is {given!r}; it must be a table of {listed(known)}.")
    for name in given:
        if name not in known:
            hint = nearest(name, known).rstrip("?")
            raise StoreError(
                f"{where} has {name!r}, which is no field{hint}; the fields are {listed(known)}."
            )
    return given


def _text(held: Mapping[str, Any], name: str, where: str) -> str:
    value = held.get(name)
    if not isinstance(value, str) or not value.strip():
        raise ParameterError(f"{where}: {name} is {value!r}; it must be a text in quotes.")
    return value


def _number(held: Mapping[str, Any], name: str, where: str, *, least: float, most: float) -> float:
    """A number; NaN where it is not given."""
    if name not in held:
        return math.nan
    value = held[name]
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not least <= value <= most or math.isinf(value):
        upper = f" and at most {most:g}" if math.isfinite(most) else ""
        raise ParameterError(
            f"{where}: {name} is {value!r}; it must be a number of at least {least:g}{upper}."
        )
    return float(value)


def write_playbook(store: Store) -> Path:
    """Write the built-in playbook into the store's folder for editing; never over another.

    Returns:
        The file, ``playbook.toml``, in the reader's language.

    Raises:
        StoreError: There is one already, or the folder cannot be written.
    """
    owner = store.settings.owners.get("customers", tr("customer operations"))
    file = store.path / FILE
    try:
        with file.open("x", encoding="utf-8") as held:
            held.write(playbook_text(_built_in(owner)))
    except FileExistsError:
        raise StoreError(
            f"{file} is there already and is left as it is; edit it, or move it away to have "
            "the built-in one again."
        ) from None
    except OSError as error:
        raise StoreError(f"{file} cannot be written: {error.strerror}.") from error
    return file


def playbook_text(tiers: Mapping[str, TierPlan]) -> str:
    """The file of a playbook, with a word on what may be changed."""
    lines = [
        "# " + tr("What each tier gets, and how it is contacted; yours to edit."),
        "# " + tr("Tiers keep their names. every_days: days from one contact to the next."),
        "# " + tr("cost: of one contact with its coupon, in the store's currency; optional."),
    ]
    for key, plan in tiers.items():
        lines += ["", f"[{key}]  # {tr(TIERS[key])}", f"benefit = {_quoted(plan.benefit)}"]
        for touch in plan.touches:
            lines += [
                "",
                f"[[{key}.touches]]",
                f"message = {_quoted(touch.message)}",
                f"channel = {_quoted(touch.channel)}",
                f"every_days = {touch.every_days:g}",
                f"owner = {_quoted(touch.owner)}",
                "# cost = 0" if math.isnan(touch.cost) else f"cost = {touch.cost!r}",
            ]
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    """A TOML string: JSON's escapes are TOML's, but for the delete character."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
