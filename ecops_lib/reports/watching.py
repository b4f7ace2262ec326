"""Make a page again whenever the store has new data, until somebody stops it."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from ecops_lib.core.errors import EcopsError, ParameterError
from ecops_lib.core.language import tr
from ecops_lib.data.store import open_store
from ecops_lib.reports.runner import RunResult

DURATION = re.compile(r"([1-9][0-9]{0,5})([smh])")
SECONDS = {"s": 1, "m": 60, "h": 3600}
LONGEST = 7 * 86400

State = tuple[int, int]


def parse_duration(text: str, *, name: str) -> int:
    """Seconds of a duration such as ``30m``, ``1h`` or ``90s``: one number and one unit.

    Raises:
        ParameterError: It is no such text, or longer than a week.

    >>> parse_duration("30m", name="every"), parse_duration("90s", name="every")
    (1800, 90)
    """
    found = DURATION.fullmatch(text)
    seconds = int(found[1]) * SECONDS[found[2]] if found else 0
    if not 0 < seconds <= LONGEST:
        raise ParameterError(
            f"{name} is {text!r}; it must be a number and one of s, m, h, such as 90s, 30m or "
            "1h, and at most a week."
        )
    return seconds


@dataclass(frozen=True, kw_only=True)
class Clock:
    """What the watch knows of time; tests give their own.

    Attributes:
        now: Seconds that only grow.
        wait: Sleeps so many seconds; Ctrl-C ends it.
    """

    now: Callable[[], float] = time.monotonic
    wait: Callable[[float], object] = field(default_factory=lambda: threading.Event().wait)


@dataclass(frozen=True, kw_only=True)
class Watch:
    """A page that follows a store.

    Attributes:
        store: The store's folder.
        every: Seconds between two looks.
        render: Makes the page.
        fetch: Brings new files into the store before each look; None for nothing.
        tell: Called with a sentence for each page.
        warn: Called with a sentence for each failure.
        clock: The time.
    """

    store: Path
    every: float
    render: Callable[[], RunResult]
    tell: Callable[[str], object]
    warn: Callable[[str], object]
    fetch: Callable[[], object] | None = None
    clock: Clock = field(default_factory=Clock)

    def run(self) -> int:
        """Look, render what is new and wait, until Ctrl-C; gives the number of pages made.

        A failure is told and tried again at the next look: the last good page stays.

        Raises:
            ParameterError: The first page cannot be made as asked, so no later one can.
        """
        pages, due = 0, self.clock.now()
        seen: State | None = None
        try:
            while True:
                page, seen = self._look(seen)
                if page:
                    pages += 1  # before it is told, so that whoever reads of it finds it counted
                    self.tell(page)
                due = self._next(due)
                self.clock.wait(max(0.0, due - self.clock.now()))
        except KeyboardInterrupt:
            return pages

    def _look(self, seen: State | None) -> tuple[str, State | None]:
        """Fetch, and render where the store is not as it was seen.

        Returns:
            The sentence of a new page, empty where none was made; the state on the page.
        """
        self._fetched()
        try:
            state = store_state(self.store)
            if state == seen:
                return "", seen
            made = self.render()
        except ParameterError as error:
            if seen is None:
                raise
            self.warn(str(error))
        except Exception as error:  # whatever it is, the next look may find it mended
            self.warn(_words(error))
        else:
            told = {"version": state[0], "path": made.page}
            return tr("version {version} of the store · page: {path}", **told), state
        return "", seen

    def _fetched(self) -> None:
        try:
            if self.fetch:
                self.fetch()
        except Exception as error:  # the data there are still make a page
            self.warn(_words(error))

    def _next(self, due: float) -> float:
        """The next moment of the rhythm that is still to come: looks missed are not made up."""
        missed = int(max(0.0, self.clock.now() - due) // self.every)
        return due + (missed + 1) * self.every


def store_state(store: Path) -> State:
    """What a page depends on: the store's version, and when its settings were last written."""
    return open_store(store).snapshot.version, (store / "store.toml").stat().st_mtime_ns


def _words(error: Exception) -> str:
    known = isinstance(error, EcopsError)
    return str(error) if known else f"{type(error).__name__}: {' '.join(str(error).split())}"
