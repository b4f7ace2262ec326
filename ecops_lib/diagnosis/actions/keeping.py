"""Findings become actions that are kept, and people close them."""

from __future__ import annotations

import datetime as dt
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from ecops_lib.core.checks import nearest, require_choice
from ecops_lib.core.errors import ParameterError
from ecops_lib.core.findings import Finding, Level
from ecops_lib.core.formats import is_missing
from ecops_lib.data.calendar.national import national
from ecops_lib.data.frames import DAY
from ecops_lib.data.store import Store
from ecops_lib.diagnosis.actions.kept import KeptAction, changing

RELAPSE = 14
"""Days after closing on which the same finding is the same trouble, not a new one."""

WORKDAYS: Mapping[Level, int] = {"bad": 1, "watch": 3}
"""Working days after the day of the page by which a finding of a level should be done with;
others ask for nothing."""

OWN = ("action", "tasks")
"""First parts of keys of findings that are themselves about actions."""

ROUTINE = ("shipping_overdue", "shipping_due", "shipping_unscanned", "stock_low")
"""Keys of the work that every day brings anew: each page lists it, nothing is to be followed."""

FIRST = ("stock_out", "oversold")
"""Of several findings about one thing these ask for the action: the rest follows from them."""

SUBJECTS: Mapping[str, tuple[str, str]] = {
    "conversion_drop": ("conversion_rate", "product_id"),
    "traffic_drop": ("visitors", "channel"),
    "refund_wave": ("refund_claims", "product_id"),
    "stock_out": ("paid_sub_orders", "product_id"),
    "oversold": ("", "product_id"),
    "product_down": ("paid_sub_orders", "product_id"),
    "channel_down": ("paid_orders", "channel"),
    "slices": ("paid_sub_orders", ""),
}
"""Metric and dimension by the first part of a finding's key; a slice names its dimensions, and
what nothing measures has no metric."""

YEAR = 366
"""Days that a finding can be about at most."""

LONGEST_NOTE, LONGEST_TEXT = 500, 600
"""Characters of a note, and those that are kept of anything a finding says."""


@dataclass(frozen=True, kw_only=True)
class Kept:
    """What keeping a page's findings did.

    Attributes:
        opened: Actions that are new.
        relapsed: Actions that had been done and are open again.
        found: Actions that were open already and were found again.
    """

    opened: tuple[KeptAction, ...] = ()
    relapsed: tuple[KeptAction, ...] = ()
    found: tuple[KeptAction, ...] = ()


def keep_actions(store: Store, findings: Iterable[Finding], *, day: dt.date, page: str) -> Kept:
    """Keep the findings of a page that ask for something as actions in the store.

    Kept are findings to act on or to watch that carry an action, one a part of the shop, but
    for the work that every day brings anew (orders to ship). A finding whose action is open
    opens no second one. One whose action was done opens that again, as a relapse, if all days
    that the finding is about lie after the closing and within ``RELAPSE`` days of it; a dropped
    action stays dropped for so long. Later than that it is a new action. Keeping the same page
    twice changes nothing.

    A finding to act on is due on the next working day after the day of the page, one to watch
    on the third; make-up workdays count, and Monday to Friday where the year's public holidays
    are not known.

    Args:
        store: The shop.
        findings: Those of the page.
        day: The day that the page is about.
        page: Name of the notebook.

    Returns:
        What is new, what relapsed, what was open already.

    Raises:
        FileError: The file that is there cannot be understood or not be written.
        StoreError: The disk is full.
    """
    country = store.settings.country
    new = [_opened(f, day=day, page=page, country=country) for f in _asking(findings)]
    with changing(store) as held:
        told = [_keep(held, action) for action in new]
    return Kept(
        opened=tuple(action for how, action in told if how == "opened"),
        relapsed=tuple(action for how, action in told if how == "relapsed"),
        found=tuple(action for how, action in told if how == "found"),
    )


def _asking(findings: Iterable[Finding]) -> list[Finding]:
    """Findings that ask for something, one a part of the shop."""
    wanted = [
        finding
        for finding in findings
        if finding.action
        and finding.level in WORKDAYS
        and finding.key.split("/")[0] not in (*OWN, *ROUTINE)
    ]
    wanted.sort(key=lambda finding: finding.key.split("/")[0] not in FIRST)
    parts: dict[str, Finding] = {}
    for finding in wanted:
        part = _subject(finding.key)[1] if finding.key.split("/")[0] in SUBJECTS else ""
        parts.setdefault(part or finding.key, finding)
    return list(parts.values())


def _subject(key: str) -> tuple[str, str]:
    """Metric and part of the shop that a finding is about."""
    first, _, thing = key.partition("/")
    metric, dimension = SUBJECTS.get(first, ("", ""))
    return metric, f"{dimension}={thing}" if dimension and thing else thing


def _opened(finding: Finding, *, day: dt.date, page: str, country: str) -> KeptAction:
    metric, part = _subject(finding.key)
    days = finding.evidence.get("days", 1.0) if metric else 1.0
    action = finding.action
    return KeptAction(
        key=finding.key[:LONGEST_TEXT],
        status="open",
        opened_on=day,
        due=due_day(finding.level, day, country=country),
        owner=one_line(action.owner if action else ""),
        task=one_line(action.text if action else ""),
        text=one_line(finding.text),
        expected_money=None if is_missing(finding.money) else round(finding.money or 0.0, 2),
        page=page,
        level=finding.level,
        metric=metric,
        slice=part[:LONGEST_TEXT],
        since=day - (int(days) - 1 if 1 <= days <= YEAR else 0) * DAY,
        found_on=day,
    )


def due_day(level: Level, day: dt.date, *, country: str) -> dt.date:
    """The working day by whose end a finding of a page should be done with.

    Args:
        level: The finding's level.
        day: The day that the page is about.
        country: ISO code of the country whose working days count.

    >>> due_day("bad", dt.date(2025, 9, 27), country="CN")  # a make-up Sunday follows
    datetime.date(2025, 9, 28)
    """
    due, left = day, WORKDAYS[level]
    while left:
        due += DAY
        works = national(due, country).is_workday
        left -= due.weekday() < 5 if works is None else works
    return due


def one_line(text: str) -> str:
    r"""A text on one line, of a length that a cell has room for.

    Args:
        text: As the data or somebody wrote it; control characters become blanks.

    >>> one_line("price back\n\x1b[2J")
    'price back [2J'
    """
    head = text[: 2 * LONGEST_TEXT]
    clean = "".join(" " if unicodedata.category(c)[0] == "C" else c for c in head)
    return " ".join(clean.split())[:LONGEST_TEXT]


How = Literal["opened", "relapsed", "found", "left"]


def _keep(held: list[KeptAction], new: KeptAction) -> tuple[How, KeptAction]:
    """Add an action to the list, open its like again, or leave that as it is."""
    places = [place for place, action in enumerate(held) if action.key == new.key]
    if not places:
        held.append(new)
        return "opened", new
    last = max(places, key=lambda place: (held[place].status == "open", held[place].opened_on))
    action = held[last]
    if action.status == "open":
        held[last] = replace(action, found_on=max(action.found_on or new.opened_on, new.opened_on))
        return "found", held[last]
    closed = action.closed_on or action.opened_on
    if new.since is not None and new.since <= closed:
        return "left", action
    if (new.opened_on - closed).days > RELAPSE:
        held.append(new)
        return "opened", new
    if action.status == "dropped":
        return "left", action
    held[last] = _relapse(action, new, closed)
    return "relapsed", held[last]


def _relapse(action: KeptAction, new: KeptAction, closed: dt.date) -> KeptAction:
    return replace(
        new,
        opened_on=action.opened_on,
        note=action.note,
        more=action.more,
        done_before=closed,
        relapsed_on=new.opened_on,
    )


def close_action(
    store: Store, key: str, *, status: Literal["done", "dropped"], on: dt.date, note: str = ""
) -> KeptAction:
    """Mark an open action as done or as dropped.

    Args:
        store: The shop.
        key: The action's key, or what it is about (``P103`` for ``conversion_drop/P103``)
            where one open action alone is about that.
        status: What became of it.
        on: Day on which it was; results are measured from the day after.
        note: What to remember; replaces an earlier note unless empty.

    Returns:
        The action as it is now.

    Raises:
        ParameterError: No open action or several have the key, the day lies before the action,
            or the note is too long.
        FileError: The file cannot be understood or not be written.
    """
    require_choice(status, Literal["done", "dropped"], name="status")
    if len(note) > LONGEST_NOTE:
        raise ParameterError(
            f"note has {len(note)} characters; a note may have {LONGEST_NOTE}, so write the rest "
            "elsewhere and name the place."
        )
    with changing(store) as held:
        place = _place(held, key)
        action = held[place]
        if on < action.asked_on:
            raise ParameterError(
                f"on is {on}, but {action.key!r} was found on {action.asked_on}; "
                "give that day or a later one."
            )
        told = one_line(note) or action.note
        held[place] = replace(action, status=status, closed_on=on, note=told)
        return held[place]


def _place(held: Sequence[KeptAction], key: str) -> int:
    """Where the open action of a key stands."""
    opened = {place: action for place, action in enumerate(held) if action.status == "open"}
    exact = [place for place, action in opened.items() if action.key == key]
    about = exact or [place for place, action in opened.items() if action.thing == key]
    if len(about) == 1:
        return about[0]
    if about:
        keys = ", ".join(repr(held[place].key) for place in about)
        raise ParameterError(f"{key!r} stands for {keys}; give the whole key of one of them.")
    closed = [action for action in held if key in {action.key, action.thing}]
    if closed:
        raise ParameterError(
            f"{closed[-1].key!r} is {closed[-1].status} already, since {closed[-1].closed_on}."
        )
    hint = nearest(key, [action.key for action in opened.values()])
    raise ParameterError(
        f"no open action has the key {key!r}{hint or '; ecops actions list shows those that are.'}"
    )
