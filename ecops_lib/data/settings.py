"""``store.toml``: what a shop is called, counts in and cares about."""

from __future__ import annotations

import datetime as dt
import json
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, cast
from zoneinfo import ZoneInfo

from ecops_lib.core.checks import nearest, require_between, require_choice
from ecops_lib.core.errors import ParameterError, StoreError
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
        tests: Plan of each A/B test by its id, as written; whoever reads a test checks it.
        tags: Conditions of each of the shop's own tags by its name, as written; whoever
            reads a tag checks it.
        campaigns: Each campaign by its id, as written; whoever reads a campaign checks it.
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
    tests: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    tags: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    campaigns: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


def read_settings(file: Path) -> Settings:
    """Read and check ``store.toml``.

    Raises:
        StoreError: The file is not TOML in UTF-8, or has an unknown setting.
        ParameterError: A setting has an impossible value.
    """
    try:
        held = tomllib.loads(file.read_text("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise StoreError(f"{file} is not in UTF-8; save it again with that encoding.") from error
    except tomllib.TOMLDecodeError as error:
        raise StoreError(f"{file} is not readable TOML: {error}.") from error
    return check_settings(held, file)


def check_settings(held: Mapping[str, Any], file: Path) -> Settings:
    """Settings from the values of a ``store.toml``, once each of them is possible.

    Raises:
        StoreError: There is no name, or an unknown setting.
        ParameterError: A setting has an impossible value.
    """
    known = sorted(Settings.__dataclass_fields__)
    if unknown := sorted(set(held) - set(known)):
        raise StoreError(
            f"{file} has {unknown[0]!r}, which is no setting{nearest(unknown[0], known)}; "
            f"they are {', '.join(known)}."
        )
    if not isinstance(held.get("name"), str) or not held["name"].strip():
        raise StoreError(f'{file} has no name; add a line such as name = "My shop".')
    settings = Settings(**{**held, "thresholds": _thresholds(held, file)})
    _require_code(settings.currency, r"[A-Z]{3}", "CNY", name=f"currency in {file}")
    _require_code(settings.country, r"[A-Z]{2}", "CN", name=f"country in {file}")
    _require_zone(settings.time_zone, file)
    require_choice(settings.language, Language, name=f"language in {file}")
    if settings.refund_basis is not None:
        require_choice(settings.refund_basis, RefundBasis, name=f"refund_basis in {file}")
    require_choice(settings.presale, PresaleRule, name=f"presale in {file}")
    _require_owners(settings.owners, file)
    _require_tables(settings.tests, file, kind="tests", one="test", example="new title")
    _require_tables(settings.tags, file, kind="tags", one="tag", example="big spenders")
    _require_tables(settings.campaigns, file, kind="campaigns", one="campaign", example="618-2026")
    return settings


def country_of(time_zone: str) -> str:
    """The country that a zone lies in, if its holidays are known, else China.

    >>> country_of("Europe/London"), country_of("UTC")
    ('GB', 'CN')
    """
    from babel.core import get_global
    from holidays import list_supported_countries

    found = str(get_global("zone_territories").get(time_zone, ""))
    return found if found in list_supported_countries(include_aliases=False) else "CN"


def _require_code(value: object, pattern: str, example: str, *, name: str) -> None:
    if not isinstance(value, str) or not re.fullmatch(pattern, value):
        raise ParameterError(f"{name} is {value!r}; it must be an ISO code such as {example!r}.")


def _require_zone(value: object, file: Path) -> None:
    try:
        ZoneInfo(cast("str", value))
    except (KeyError, ValueError, OSError, TypeError, AttributeError) as error:
        raise ParameterError(
            f"time_zone in {file} is {value!r}; it must be an IANA name such as 'Asia/Shanghai'."
        ) from error


def _thresholds(held: Mapping[str, Any], file: Path) -> dict[str, float]:
    given = held.get("thresholds", {})
    if not isinstance(given, Mapping):
        raise ParameterError(f"thresholds in {file} is {given!r}; it must be a table of numbers.")
    for name, value in given.items():
        require_choice(name, THRESHOLDS, name=f"a threshold in {file}")
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ParameterError(f"threshold {name} in {file} is {value!r}; it must be a number.")
        require_between(value, 0, float("inf"), name=f"threshold {name} in {file}")
    return {**THRESHOLDS, **given}


def _require_owners(owners: object, file: Path) -> None:
    if not isinstance(owners, Mapping) or not all(isinstance(n, str) for n in owners.values()):
        raise ParameterError(
            f"owners in {file} is {owners!r}; it must be a table of names in quotes."
        )


def _require_tables(tables: object, file: Path, *, kind: str, one: str, example: str) -> None:
    """Refuse what are not tables with names, such as ``[tests."new title"]``."""
    headed = {"test": "a test's id", "tag": "a tag's name", "campaign": "a campaign's id"}[one]
    if not isinstance(tables, Mapping):
        raise ParameterError(
            f"{kind} in {file} is {tables!r}; it must be tables, each headed by {headed} "
            f"such as [{kind}.{_quoted(example)}]."
        )
    for name, held in tables.items():
        if not isinstance(held, Mapping):
            raise ParameterError(
                f"{one} {name!r} in {file} is {held!r}; it must be a table headed "
                f"[{kind}.{_quoted(str(name))}]."
            )


def settings_text(settings: Settings) -> str:
    """The ``store.toml`` of a new store, with a word on each line."""
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
        *(f"{name} = {value!r}" for name, value in settings.thresholds.items()),
        "",
        "[owners]  # who gets which task",
        *(f"{_quoted(name)} = {_quoted(value)}" for name, value in settings.owners.items()),
    ]
    plans = [plan_text(name, plan) for name, plan in settings.tests.items()]
    rules = [_table_text("tags", name, rule) for name, rule in settings.tags.items()]
    held = [_table_text("campaigns", name, what) for name, what in settings.campaigns.items()]
    return "\n".join([*lines, *(f"\n{text}" for text in (*plans, *rules, *held))]) + "\n"


def plan_text(experiment_id: str, plan: Mapping[str, Any]) -> str:
    """The table of one test in ``store.toml``.

    >>> print(plan_text("新标题", {"control": "原", "shares": {"原": 0.5, "新": 0.5}}))
    [tests."新标题"]
    control = "原"
    shares = { "原" = 0.5, "新" = 0.5 }
    """
    return _table_text("tests", experiment_id, plan)


def _table_text(kind: str, name: str, held: Mapping[str, Any]) -> str:
    """A table with a name of its own."""
    lines = [f"{_key(key)} = {toml_value(value)}" for key, value in held.items()]
    return "\n".join([f"[{kind}.{_quoted(name)}]", *lines])


def _key(name: str) -> str:
    """A key, bare where TOML lets it be."""
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else _quoted(name)


def toml_value(value: object) -> str:
    """A value as TOML writes it."""
    match value:
        case bool():
            return "true" if value else "false"
        case int() | float():
            return repr(value)
        case str():
            return _quoted(value)
        case dt.date() | dt.time():
            return value.isoformat()
        case Mapping():
            held = [f"{_key(str(name))} = {toml_value(item)}" for name, item in value.items()]
            return f"{{ {', '.join(held)} }}" if held else "{}"
        case Sequence():
            return f"[{', '.join(map(toml_value, value))}]"
    raise ParameterError(f"{value!r} cannot be written into store.toml.")


def _quoted(text: str) -> str:
    """A TOML string: JSON's escapes are TOML's, but for the delete character."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
