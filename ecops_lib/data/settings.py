"""``store.toml``: what a shop is called, counts in and cares about."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, cast
from zoneinfo import ZoneInfo

from ecops_lib.core.checks import require_choice
from ecops_lib.core.errors import StoreError
from ecops_lib.core.language import Language

RefundBasis = Literal["pay", "refund"]
"""Which day a refund is counted on: the day its order was paid, or the day it was finished."""

PresaleRule = Literal["full", "deposit"]
"""When a pre-sale order counts as paid: when fully paid, or already with its deposit."""

THRESHOLDS: Mapping[str, float] = {"low_stock": 50, "ship_within_hours": 48}
"""Defaults of ``[thresholds]``: units below which a SKU is low; hours from payment to
the shipping deadline of an order that carries none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What ``store.toml`` says.

    Attributes:
        name: The shop's name.
        currency: ISO code of all amounts.
        time_zone: IANA zone that days begin in.
        language: Language of its pages unless a run says otherwise.
        refund_basis: Day that refunds are counted on; None lets the data decide.
        presale: When a pre-sale order counts as paid.
        country: Country of the holidays (ISO code).
        thresholds: Limits by name.
        owners: Person for a kind of task, such as ``stock`` or ``service``.
    """

    name: str
    currency: str = "CNY"
    time_zone: str = "Asia/Shanghai"
    language: Language | str = "zh"
    refund_basis: RefundBasis | None = None
    presale: PresaleRule = "full"
    country: str = "CN"
    thresholds: Mapping[str, float] = field(default_factory=lambda: dict(THRESHOLDS))
    owners: Mapping[str, str] = field(default_factory=dict)


def read_settings(file: Path) -> Settings:
    """Read and check ``store.toml``.

    Raises:
        StoreError: The file is not TOML, or holds an impossible value.
    """
    try:
        held = tomllib.loads(file.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise StoreError(f"{file} is not readable TOML: {error}.") from error
    known = set(Settings.__dataclass_fields__)
    if unknown := sorted(set(held) - known):
        raise StoreError(
            f"{file} has {unknown[0]!r}, which is no setting; they are {', '.join(sorted(known))}."
        )
    return _checked(held, file)


def _checked(held: dict[str, Any], file: Path) -> Settings:
    if not held.get("name"):
        raise StoreError(f'{file} has no name; add a line such as name = "My shop".')
    try:
        ZoneInfo(held.get("time_zone", "UTC"))
    except (KeyError, ValueError, OSError) as error:
        raise StoreError(
            f"{file}: time_zone is {held['time_zone']!r}; use an IANA name such as 'Asia/Shanghai'."
        ) from error
    require_choice(held.get("language", "zh"), Language, name=f"language in {file}")
    if basis := held.get("refund_basis"):
        require_choice(basis, RefundBasis, name=f"refund_basis in {file}")
    require_choice(held.get("presale", "full"), PresaleRule, name=f"presale in {file}")
    thresholds = {**THRESHOLDS, **held.pop("thresholds", {})}
    return Settings(**{**held, "thresholds": cast("Mapping[str, float]", thresholds)})


def write_settings(file: Path, settings: Settings) -> None:
    """Write the ``store.toml`` of a new store, with a word on each line."""
    basis = f'"{settings.refund_basis}"' if settings.refund_basis else None
    lines = [
        f"name = {_quoted(settings.name)}",
        f"currency = {_quoted(settings.currency)}  # all amounts",
        f"time_zone = {_quoted(settings.time_zone)}  # days begin and end here",
        f"language = {_quoted(str(settings.language))}  # zh or en",
        f"country = {_quoted(settings.country)}  # whose public holidays",
        f"refund_basis = {basis}" if basis else '# refund_basis = "pay"  # or "refund"',
        f"presale = {_quoted(settings.presale)}  # full: paid with the balance; deposit: at once",
        "",
        "[thresholds]",
        *(f"{name} = {value:g}" for name, value in settings.thresholds.items()),
        "",
        "[owners]  # who gets which task",
        *(f"{name} = {_quoted(value)}" for name, value in settings.owners.items()),
    ]
    file.write_text("\n".join(lines) + "\n", "utf-8")


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
