"""A page that follows its store, on a clock of its own."""

from __future__ import annotations

import datetime as dt
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pytest

from ecops_lib.core.errors import NotebookError, ParameterError
from ecops_lib.data.schema import arrow_schema
from ecops_lib.data.store import Store, open_store
from ecops_lib.reports.page import Body, render_page
from ecops_lib.reports.watching import Clock, Watch, parse_duration


class Time:
    """A clock whose waits end at once, do what is due, and after the last look press Ctrl-C."""

    def __init__(self, between: Iterable[Callable[[], object]]) -> None:
        self.seconds, self.waits, self._between = 0.0, [], iter(between)

    def wait(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.seconds += seconds
        step = next(self._between, None)
        if step is None:
            raise KeyboardInterrupt
        step()

    def clock(self) -> Clock:
        return Clock(now=lambda: self.seconds, wait=self.wait)


def watch(
    store: Store, between: Iterable[Callable[[], object]], render: Any = None, **options: Any
) -> SimpleNamespace:
    """One watch to its end: pages made, sentences told, warnings, waits."""
    told: list[str] = []
    warned: list[str] = []
    time = Time(between)
    pages = Watch(
        store=store.path, every=1800,
        render=render or (lambda: SimpleNamespace(page=Path("page.html"))),
        tell=told.append, warn=warned.append, clock=time.clock(), **options,
    ).run()  # fmt: skip
    return SimpleNamespace(pages=pages, told=told, warned=warned, waits=time.waits, time=time)


def nothing() -> None:
    """Half an hour in which no data arrive."""


def order(store: Store, number: int) -> Callable[[], None]:
    """Half an hour in which one order arrives."""

    def write() -> None:
        schema = arrow_schema("orders")
        at = dt.datetime(2026, 11, 6, 3, tzinfo=dt.UTC)
        row = {
            "platform": "tmall", "order_id": f"new{number}", "created_at": at, "paid_at": at,
            "status": "paid", "ordered_amount": Decimal(9), "paid_amount": Decimal(9),
        }  # fmt: skip
        whole = {name: row.get(name) for name in schema.names}
        with open_store(store.path).writing() as writer:
            writer.upsert("orders", pa.Table.from_pylist([whole], schema=schema))

    return write


@pytest.fixture
def shop(make_shop: Any) -> Store:
    return make_shop([dt.datetime(2026, 11, 5, 3, tzinfo=dt.UTC)])


@pytest.mark.parametrize(
    ("text", "seconds"), [("30m", 1800), ("1h", 3600), ("90s", 90), ("7200m", 432000)]
)
def test_durations_are_read_strictly(text: str, seconds: int) -> None:
    assert parse_duration(text, name="every") == seconds


@pytest.mark.parametrize(
    "text", ["", "30", "m", "0m", "-5m", "1.5h", "30 m", "30M", "1h30m", "30min", "200h", "٣m"]
)
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ParameterError, match="such as 90s, 30m or 1h"):
        parse_duration(text, name="every")


def test_page_is_made_at_once_and_again_only_with_new_data(shop: Store) -> None:
    seen = watch(shop, [nothing, order(shop, 1), nothing, order(shop, 2)])
    assert seen.pages == 3
    assert [line.split(" of ")[0] for line in seen.told] == ["version 1", "version 2", "version 3"]
    assert seen.warned == []
    assert seen.waits == [1800.0] * 5


def test_new_settings_make_a_new_page(shop: Store) -> None:
    settings = shop.path / "store.toml"
    seen = watch(shop, [lambda: os.utime(settings, ns=(1, 1)), nothing])
    assert seen.pages == 2


def test_failure_is_told_and_tried_again(shop: Store) -> None:
    answers = iter([NotebookError("no campaign yet."), OSError("disk\ngone"), None, None])

    def render() -> SimpleNamespace:
        answer = next(answers)
        if answer:
            raise answer
        return SimpleNamespace(page=Path("page.html"))

    seen = watch(shop, [nothing, nothing, nothing], render)
    assert seen.warned == ["no campaign yet.", "OSError: disk gone"]
    assert seen.pages == 1


def test_page_that_can_never_be_made_is_refused_at_once(shop: Store) -> None:
    def render() -> SimpleNamespace:
        raise ParameterError("takes no parameter 'campain'")

    with pytest.raises(ParameterError, match="campain"):
        watch(shop, [nothing], render)


def test_files_are_fetched_before_each_look_and_may_fail(shop: Store) -> None:
    arrivals = iter(
        [nothing, order(shop, 1), lambda: (_ for _ in ()).throw(OSError("folder gone"))]
    )

    def fetch() -> None:
        next(arrivals)()  # type: ignore[operator]

    seen = watch(shop, [nothing, nothing], fetch=fetch)
    assert seen.pages == 2
    assert seen.warned == ["OSError: folder gone"]


def test_long_render_keeps_the_rhythm(shop: Store) -> None:
    clock: dict[str, Time] = {}

    def render() -> SimpleNamespace:
        clock["time"].seconds += 4000  # two looks are missed, and not made up
        return SimpleNamespace(page=Path("page.html"))

    time = clock["time"] = Time([])
    pages = Watch(
        store=shop.path, every=1800, render=render, tell=str, warn=str, clock=time.clock()
    ).run()
    assert pages == 1
    assert time.waits == [1400.0]


def test_only_a_page_that_is_asked_to_loads_itself_again() -> None:
    quiet = render_page(Body(html="<p>x</p>"), title="t", lang="en")
    live = render_page(Body(html="<p>x</p>"), title="t", lang="en", refresh=1800)
    mark = '<meta http-equiv="refresh" content="1800">'
    assert 'http-equiv="refresh"' not in quiet
    assert mark in live
    assert "<script" not in live
    assert live.replace(f"{mark}\n", "") == quiet


def test_command_makes_a_page_and_stops_on_ctrl_c(
    shop: Store, notebooks: Path, tmp_path: Path
) -> None:
    command = [
        sys.executable, "-c", "from ecops_lib.cli import main; main()", "watch",
        str(notebooks / "orders.ipynb"), "--store", str(shop.path), "--out", str(tmp_path),
        "--every", "1h", "--refresh", "--lang", "en",
    ]  # fmt: skip
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as run:
        first, second = run.stdout.readline(), run.stdout.readline()
        run.send_signal(signal.SIGINT)
        rest, _ = run.communicate(timeout=30)
    assert first == "a look every 1h; Ctrl-C ends it\n"
    assert " version 1 of the store · page: " in second
    assert rest == "stopped; pages made: 1\n"
    assert run.returncode == 0
    page = Path(second.split("page: ")[1].strip())
    assert 'http-equiv="refresh" content="3600"' in page.read_text("utf-8")
    assert json.loads(page.with_name("manifest.json").read_text("utf-8"))["report"]


def test_command_refuses_what_cannot_work(ecops: Any, shop: Store, notebooks: Path) -> None:
    code, _, error = ecops(
        "watch", notebooks / "orders.ipynb", "--store", shop.path, "--every", "1"
    )
    assert (code, "--every is '1'" in error) == (1, True)
    code, _, error = ecops("watch", "campain_live", "--store", shop.path)
    assert code == 1
    assert "campain_live" in error
    code, _, _ = ecops("watch", notebooks / "orders.ipynb", "--store", shop.path / "none")
    assert code == 1
