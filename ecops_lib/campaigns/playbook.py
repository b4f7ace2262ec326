"""The playbook: what campaigns have taught, kept in a file that a hand can edit.

``campaign_playbook.toml`` in the store's folder holds one table a lesson:

    [[lessons]]
    key = "after"                      # what it is about; your own may have any
    kind = "茶节"                       # campaigns that it is for
    rule = "It borrows from the days after."
    seen = [ { campaign = "autumn-2026", outcome = "confirmed", on = 2026-10-27, why = "…" } ]

Lessons of your own and further keys stay as they are. Whenever ecops writes, the file as it was
is put into ``campaign_playbook.history``, numbered by its revision.
"""

from __future__ import annotations

import datetime as dt
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from ecops_lib.campaigns.campaign import Campaign
from ecops_lib.campaigns.effect import CampaignEffect
from ecops_lib.campaigns.effect.parts import Sister
from ecops_lib.core.errors import StoreError
from ecops_lib.core.findings import Finding
from ecops_lib.core.formats import Unit, show
from ecops_lib.core.language import mark, ntr, tr
from ecops_lib.core.results import Result
from ecops_lib.data.recovery import write_whole
from ecops_lib.data.settings import toml_value
from ecops_lib.data.store import Store

if TYPE_CHECKING:
    import pandas as pd

FILE, HISTORY = "campaign_playbook.toml", "campaign_playbook.history"
Outcome = Literal["confirmed", "refuted"]
SMALL = 0.1
"""Share of the lift below which what was borrowed is shown to be little."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lesson:
    """What one campaign says of a rule.

    Attributes:
        key: What the rule is about.
        kind: Kind of campaigns that it is for.
        rule: The rule in a sentence, in the reader's language.
        campaign: Id of the campaign.
        outcome: Whether it holds there.
        on: Last day that the evidence counts.
        why: The evidence in a sentence.
    """

    key: str
    kind: str
    rule: str
    campaign: str
    outcome: Outcome
    on: dt.date
    why: str


@dataclass(frozen=True, kw_only=True, eq=False)
class Playbook(Result):
    """Lessons with how often they were confirmed and refuted.

    Attributes:
        entries: Tables of the file, as they stand there.
        revision: How often ecops has written the file.
    """

    sheet: ClassVar[str] = mark("Lessons of earlier campaigns")
    units: ClassVar[Mapping[str, Unit]] = {"confirmed": "count", "refuted": "count"}
    labels: ClassVar[Mapping[str, str]] = {
        "kind": mark("Campaigns"),
        "rule": mark("Rule"),
        "confirmed": mark("Confirmed"),
        "refuted": mark("Refuted"),
        "last": mark("Last seen in"),
    }

    entries: tuple[Mapping[str, Any], ...]
    revision: int = 0

    def to_frame(self) -> pd.DataFrame:
        """One row a lesson."""
        import pandas as pd

        rows = []
        for entry in self.entries:
            seen = _seen(entry)
            counts = [sum(s.get("outcome") == o for s in seen) for o in ("confirmed", "refuted")]
            last = str(seen[-1].get("campaign", "")) if seen else ""
            rows.append((entry.get("kind", ""), entry.get("rule", ""), *counts, last))
        return pd.DataFrame(rows, columns=list(self.labels))

    def absent(self) -> str:
        """Why there is nothing to show."""
        if self.entries:
            return ""
        return tr("No lesson is kept yet; ecops keep-lessons keeps those of a campaign.")

    def findings(self) -> tuple[Finding, ...]:
        """How many lessons hold, and those that later campaigns refuted."""
        frame = self.to_frame()
        text = ntr(
            "{count} lesson of earlier campaigns fits this one.",
            "{count} lessons of earlier campaigns fit this one.",
            len(frame), count=show(len(frame), "count"),
        )  # fmt: skip
        told = [Finding(key="playbook/fits", level="info", text=text)]
        refuted = frame[frame["refuted"] > frame["confirmed"]]
        for rule in refuted["rule"].astype(str).head(3):
            text = tr("Refuted more often than confirmed: {rule}", rule=rule)
            told.append(Finding(key=f"playbook/refuted/{rule}", level="watch", text=text))
        return tuple(told)


def draw_lessons(effect: CampaignEffect) -> tuple[Lesson, ...]:
    """What a campaign's effect says of each rule; nothing where it cannot be told.

    Args:
        effect: What the campaign really brought.
    """
    if effect.account is None:
        return ()
    campaign = effect.series.campaign
    told: list[tuple[str, str, Outcome | None, str]] = [
        ("paid", tr("A campaign of this kind pays."), _paid(effect), _words(effect, "verdict")),
        (
            "after",
            tr("It borrows from the days after: leave more time before the next."),
            _borrowed(effect),
            _words(effect, "borrowed"),
        ),
        ("refunds", tr("More of it comes back than usual."), _refunds(effect), _rates(effect)),
    ]
    told += [_of_sister(sister) for sister in effect.lost_sisters]
    return tuple(
        Lesson(
            key=key, kind=campaign.kind, rule=rule, campaign=campaign.campaign_id,
            outcome=outcome, on=effect.series.as_of, why=why,
        )
        for key, rule, outcome, why in told
        if outcome
    )  # fmt: skip


def _of_sister(sister: Sister) -> tuple[str, str, Outcome, str]:
    why = tr(
        "{lines} orders (p {p})",
        lines=show(sister.lines, "number", sign=True),
        p=show(sister.adjusted, "p_value"),
    )
    if sister.lines < 0:
        rule = tr("It takes orders from {name}.", name=sister.name)
        return f"takes/{sister.product_id}", rule, "confirmed", why
    rule = tr("It brings {name} more orders.", name=sister.name)
    return f"helps/{sister.product_id}", rule, "confirmed", why


def read_playbook(store: Store) -> Playbook:
    """The playbook of a store; empty where there is none.

    Raises:
        StoreError: The file is no TOML in UTF-8, or its lessons are no tables.
    """
    file = store.path / FILE
    if not file.exists():
        return Playbook(entries=())
    try:
        held = tomllib.loads(file.read_text("utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise StoreError(f"{file} is not readable TOML in UTF-8: {error}.") from error
    entries = held.get("lessons", [])
    if not isinstance(entries, list) or not all(isinstance(e, Mapping) for e in entries):
        raise StoreError(f"lessons in {file} must be tables, each headed [[lessons]].")
    return Playbook(entries=tuple(entries), revision=int(held.get("revision", 0)))


def entries_for(playbook: Playbook, campaign: Campaign) -> Playbook:
    """The lessons that fit a campaign: those of its kind, and those of any."""
    fitting = [e for e in playbook.entries if e.get("kind", "") in {"", campaign.kind}]
    return Playbook(entries=tuple(fitting), revision=playbook.revision)


def keep_lessons(store: Store, lessons: Sequence[Lesson]) -> Playbook:
    """Write lessons into the store's playbook.

    A lesson that is there gets what the campaign says of it; what the same campaign said
    before is replaced, so that a retro read twice counts once. Nothing is written where
    nothing changes. The file is replaced whole or not at all.

    Args:
        store: The shop.
        lessons: Of one or several campaigns.

    Raises:
        StoreError: The file that is there cannot be read.
    """
    before = read_playbook(store)
    entries = [dict(entry) for entry in before.entries]
    for lesson in lessons:
        _add(entries, lesson)
    if tuple(entries) == before.entries:
        return before
    after = Playbook(entries=tuple(entries), revision=before.revision + 1)
    _write(store.path, after, before.revision)
    return after


def _add(entries: list[dict[str, Any]], lesson: Lesson) -> None:
    told = {
        "campaign": lesson.campaign, "outcome": lesson.outcome, "on": lesson.on, "why": lesson.why,
    }  # fmt: skip
    for entry in entries:
        if (entry.get("key"), entry.get("kind")) == (lesson.key, lesson.kind):
            others = [s for s in _seen(entry) if s.get("campaign") != lesson.campaign]
            same = [s for s in _seen(entry) if s.get("campaign") == lesson.campaign]
            if same and same[-1].get("outcome") == lesson.outcome:
                return
            entry["seen"] = [*others, told]
            return
    entries.append({"key": lesson.key, "kind": lesson.kind, "rule": lesson.rule, "seen": [told]})


def _seen(entry: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    seen = entry.get("seen", [])
    return [s for s in seen if isinstance(s, Mapping)] if isinstance(seen, list) else []


def _write(folder: Path, playbook: Playbook, revision: int) -> None:
    file = folder / FILE
    if file.exists():
        history = folder / HISTORY
        history.mkdir(exist_ok=True)
        write_whole(history / f"{revision:04d}.toml", file.read_bytes())
    write_whole(file, "\n".join(_lines(playbook)).encode())


def _lines(playbook: Playbook) -> Iterable[str]:
    yield f"revision = {playbook.revision}"
    for entry in playbook.entries:
        yield from ("", "[[lessons]]")
        for key, value in entry.items():
            bare = key.isidentifier() and key.isascii()
            yield f"{key if bare else toml_value(key)} = {toml_value(value)}"
    yield ""


def _paid(effect: CampaignEffect) -> Outcome | None:
    outcomes: dict[str, Outcome | None] = {"paid": "confirmed", "lost": "refuted", "open": None}
    return outcomes[effect.verdict]


def _borrowed(effect: CampaignEffect) -> Outcome | None:
    after, sale = effect.parts.after, effect.parts.sale
    if after is None or not after.credible or not sale.claimed or effect.series.after_due:
        return None
    if after.claimed and after.effect < 0:
        return "confirmed"
    return "refuted" if after.low > -SMALL * sale.effect else None


def _refunds(effect: CampaignEffect) -> Outcome | None:
    keys = {finding.key for finding in effect.findings()}
    if "campaign/refunds" in keys:
        return "confirmed"
    account = effect.account
    settled = account is not None and account.refund_rate <= account.usual_rate
    return "refuted" if settled and "campaign/refunds/shown" not in keys else None


def _rates(effect: CampaignEffect) -> str:
    account = effect.account
    if account is None:
        return ""
    rate, usual = (show(v, "share") for v in (account.refund_rate, account.usual_rate))
    return tr("{rate} against {usual}", rate=rate, usual=usual)


def _words(effect: CampaignEffect, name: str) -> str:
    """The sentence of a finding; for a rule without one what the interval says."""
    found = [f.text for f in effect.findings() if f.key == f"campaign/{name}"]
    after = effect.parts.after
    if found or after is None:
        return found[0] if found else ""
    low, high = (show(v, "money", sign=True) for v in (after.low, after.high))
    return tr("between {low} and {high}", low=low, high=high)
