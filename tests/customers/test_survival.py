"""Kaplan and Meier's curve and the silent customers: published numbers, oracles, words."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Callable
from math import isnan
from typing import Any

import numpy as np
import pytest
from customer_shop import ZONE, day, make_shop

from ecops_lib.core.errors import MissingDataError, ParameterError
from ecops_lib.core.language import reading
from ecops_lib.customers import find_lapsed, follow_survival
from ecops_lib.customers.curves import compare_curves, fit_curve

Engine = Callable[[dict[str, Any]], dict[str, Any]]

# Freireich and others (1963), weeks of remission under 6-MP and placebo; + is censored.
SIX_MP = "6 6 6 6+ 7 9+ 10 10+ 11+ 13 16 17+ 19+ 20+ 22 23 25+ 32+ 32+ 34+ 35+"
PLACEBO = "1 1 2 2 3 4 4 5 5 8 8 8 8 11 11 12 12 15 17 22 23"


def weeks(text: str) -> tuple[list[int], list[bool]]:
    words = text.split()
    return [int(word.strip("+")) for word in words], ["+" not in word for word in words]


def test_freireich_remissions() -> None:
    """Kleinbaum and Klein, Survival Analysis (3rd ed.), tables 2.2-2.4 and example 2.V."""
    curve = fit_curve(*weeks(SIX_MP))
    published = {6: 0.8571, 7: 0.8067, 10: 0.7529, 13: 0.6902, 16: 0.6275, 22: 0.5378, 23: 0.4482}
    for week, alive in published.items():
        assert 1 - curve.at(week)[0] == pytest.approx(alive, abs=5e-5)
    assert curve.median[0] == 23
    assert fit_curve(*weeks(PLACEBO)).median[0] == 8
    groups = [(*weeks(text), [1] * 21) for text in (SIX_MP, PLACEBO)]
    chi, p = compare_curves(groups)
    assert chi == pytest.approx(16.79, abs=0.005)
    assert p == pytest.approx(4.17e-5, rel=0.01)


def test_limits_are_those_of_r_survival() -> None:
    """survfit(..., conf.type="log-log") of the 6-MP group, week 10 and the median."""
    curve = fit_curve(*weeks(SIX_MP))
    _, low, high = curve.at(10)
    assert (1 - high, 1 - low) == pytest.approx((0.503, 0.889), abs=5e-4)
    assert curve.median[1] == 13
    assert isnan(curve.median[2])


def test_counts_are_customers_written_out() -> None:
    whole = fit_curve([5, 5, 5, 9, 9], [True, True, False, True, False])
    short = fit_curve([5, 5, 9, 9], [True, False, True, False], [2, 1, 1, 1])
    for name in ("days", "bought", "low", "high"):
        np.testing.assert_allclose(getattr(whole, name), getattr(short, name))
    assert isnan(whole.at(10)[0])
    assert whole.at(4)[0] == 0


def test_log_rank_rejects_at_its_level() -> None:
    rng = np.random.default_rng(5)
    rejected = 0
    for _ in range(400):
        time, cut = rng.exponential(30, (2, 60)), rng.exponential(50, (2, 60))
        seen, ended = np.ceil(np.minimum(time, cut)), time <= cut
        groups = [(seen[n], ended[n], np.ones(60)) for n in (0, 1)]
        rejected += compare_curves(groups)[1] < 0.05
    assert 8 <= rejected <= 34  # 20 expected, five standard deviations would be 21.8


@pytest.mark.parametrize(("time", "words"), [([], "time is empty"), ([-1], "negative value")])
def test_impossible_times_are_refused(time: list[int], words: str) -> None:
    with pytest.raises(ParameterError, match=words):
        fit_curve(time, [True] * len(time))


def test_nothing_to_compare() -> None:
    assert isnan(compare_curves([([1], [True], [1])])[0])
    assert isnan(compare_curves([([1], [False], [1]), ([2], [False], [1])])[1])


def random_rows(seed: int) -> list[tuple[Any, ...]]:
    rng = random.Random(seed)
    return [
        (rng.choice((None, *(f"b{i}" for i in range(25)))), rng.randrange(200), rng.randrange(1, 9),
         {"channel": rng.choice(("直播", "search", None))})
        for _ in range(120)
    ]  # fmt: skip


def test_every_engine_waits_as_plain_python(light_engine: Engine) -> None:
    rows = random_rows(3)
    bought: dict[str, set[int]] = {}
    for buyer, when, *_ in rows:
        if buyer and when <= 150:
            bought.setdefault(buyer, set()).add(when)
    days = [sorted(held) for held in bought.values()]
    time = [held[1] - held[0] if len(held) > 1 else 150 - held[0] for held in days]
    truth = fit_curve(time, [len(held) > 1 for held in days])
    held = follow_survival(light_engine(make_shop(rows)), as_of=day(150), **ZONE).segments[0].curve
    assert (held.customers, held.events) == (truth.customers, truth.events)
    np.testing.assert_allclose(held.bought, truth.bought)
    np.testing.assert_allclose(held.days, truth.days)
    split = follow_survival(light_engine(make_shop(rows)), as_of=day(150), by="channel", **ZONE)
    assert sum(s.curve.customers for s in split.segments) == truth.customers
    assert sum(s.curve.events for s in split.segments) == truth.events


def two_channels(soon: str, late: str, *, late_wait: int = 60) -> list[tuple[Any, ...]]:
    """40 buyers each; those of ``soon`` come back after 10 days, of ``late`` after 60."""
    rows: list[tuple[Any, ...]] = []
    for n in range(40):
        for channel, wait in ((soon, 10), (late, late_wait)):
            rows.append((f"{channel}{n}", 0, 5, {"channel": channel}))
            if n % 4:
                rows.append((f"{channel}{n}", wait + n % 5, 5, {"channel": channel}))
    return rows


def test_the_segment_sentence_turns_with_the_data() -> None:
    def words(soon: str, late: str) -> str:
        tables = make_shop(two_channels(soon, late))
        held = follow_survival(tables, as_of=day(61), by="channel", **ZONE)
        assert held.chart() is not None
        return held.findings()[0].text

    # by hand: S = .25, error sqrt(.25 * .75 / 40), limits S ** exp(-+1.96 * error / (S log S))
    template = (
        "How soon customers come back differs (log-rank p < 0.001): {} brings back 75.00% within "
        "60 days (60.99% to 87.02%), {} 15.00% (7.04% to 30.38%)."
    )
    assert words("live", "search") == template.format("live", "search")
    assert words("search", "live") == template.format("search", "live")


def test_segments_alike_are_said_to_be_alike() -> None:
    tables = make_shop(two_channels("a", "b", late_wait=10))
    held = follow_survival(tables, as_of=day(61), by="channel", **ZONE)
    assert held.findings()[0].text == (
        "The 2 segments do not differ beyond chance in how soon customers come back (log-rank p "
        "1.000)."
    )
    few = follow_survival(make_shop(random_rows(1)), as_of=day(150), by="channel", **ZONE)
    assert few.findings()[0].text == "No two segments of at least 30 customers can be compared."


def test_how_soon_in_words_and_in_chinese() -> None:
    tables = make_shop(two_channels("a", "b"))
    held = follow_survival(tables, as_of=day(64), **ZONE)
    assert held.findings()[0].text.startswith(
        "Half of the 80 customers buy a second time within 61 days (60 days to 63 days)"
    )
    early = follow_survival(tables, as_of=day(50), **ZONE)
    assert early.findings()[0].text.startswith(
        "Fewer than half of the 80 customers buy a second time: 37.50% have within 30 days"
    )
    with reading("zh", "CNY"):
        assert "80" in held.findings()[0].text
        assert "customers" not in str(held)


def test_what_no_order_tells_is_said() -> None:
    tables = make_shop([("a", 0, 5), ("b", 3, 5)])
    for by, words in (
        ("channel", "No first order tells its channel"),
        ("discount", "No first order tells both its list price and its discounts"),
        ("product", "The store holds no order lines"),
    ):
        held = follow_survival(tables, as_of=day(9), by=by, **ZONE)  # type: ignore[arg-type]
        assert held.absent().startswith(words)
        assert held.findings() == ()
        assert held.chart() is None
        assert words in held._repr_html_()


# --- who has fallen silent -------------------------------------------------------------


def lapsed_rows() -> list[tuple[Any, ...]]:
    """Own rhythm 10 (a), 40 (b); c bought once; d and e set the shop's gap of 20 days."""
    days = {"a": (0, 10, 20), "b": (0, 40, 80), "c": (100,), "d": (0, 20), "e": (100, 120)}
    return [(buyer, when, 5) for buyer, held in days.items() for when in held]


def test_silence_is_measured_by_the_own_rhythm() -> None:
    held = find_lapsed(make_shop(lapsed_rows()), as_of=day(190), **ZONE)
    frame = held.customers.set_index("buyer_key")
    assert dict(frame["rhythm"]) == {"a": 10, "b": 40, "c": 20, "d": 20, "e": 20}
    assert dict(frame["silence"]) == {"a": 170, "b": 110, "c": 90, "d": 170, "e": 70}
    assert [name for name, gone in frame["lapsed"].items() if gone] == ["a", "c", "d", "e"]
    strict = find_lapsed(make_shop(lapsed_rows()), as_of=day(190), factor=2.0, **ZONE)
    assert int(strict.customers["lapsed"].sum()) == 5


def test_a_short_rhythm_is_not_lost_at_once() -> None:
    rows = [("a", n, 5) for n in range(4)]
    tables = make_shop(rows)
    assert not find_lapsed(tables, as_of=day(33), **ZONE).customers["lapsed"].any()
    assert find_lapsed(tables, as_of=day(34), **ZONE).customers["lapsed"].all()


def test_a_shop_without_any_rhythm_judges_nobody() -> None:
    held = find_lapsed(make_shop([("a", 0, 5), ("b", 1, 5)]), as_of=day(300), **ZONE)
    assert not held.customers["lapsed"].any()
    assert held.customers["rhythm"].isna().all()
    assert "—" in str(held)


def try_rows(*, lost_return: bool) -> list[tuple[Any, ...]]:
    """40 buyers stop on day 40, 40 buy on every 20th day until day 300; or the other way."""
    rows: list[tuple[Any, ...]] = []
    for n in range(40):
        rows += [(f"gone{n}", when, 5) for when in (0, 20, 40)]
        rows += [(f"here{n}", when, 5) for when in range(0, 201, 20)]
        back = f"gone{n}" if lost_return else f"here{n}"
        rows += [(back, when, 5) for when in (220, 260, 300)]
    return rows


def test_the_rule_is_tried_on_the_past_without_looking_ahead() -> None:
    held = find_lapsed(make_shop(try_rows(lost_return=False)), as_of=day(300), **ZONE)
    check = held.checks[0]
    assert check.day == day(210)
    assert (check.lapsed, check.lapsed_back, check.others, check.others_back) == (40, 0, 40, 40)
    assert held.findings()[1].text == (
        "The same rule called 40 customers lapsed on 2025-07-30: 0.00% of them (0.00% to 8.76%) "
        "came back within 90 days, against 100.00% of the other customers."
    )
    cut = [row for row in try_rows(lost_return=False) if row[1] <= 210]
    early = find_lapsed(make_shop(cut), as_of=day(210), **ZONE)
    assert int(early.customers["lapsed"].sum()) == check.lapsed


def test_a_rule_that_finds_nobody_lost_says_so() -> None:
    held = find_lapsed(make_shop(try_rows(lost_return=True)), as_of=day(300), **ZONE)
    check = held.checks[0]
    assert (check.lapsed, check.lapsed_back, check.others_back) == (40, 40, 0)
    finding = held.findings()[1]
    assert finding.level == "watch"
    assert finding.text.endswith(
        "100.00% of them (91.24% to 100.00%) came back within 90 days, not fewer than the 0.00% "
        "of the other customers; do not act on it in this shop."
    )
    with reading("zh", "CNY"):
        assert "customers" not in " ".join(f.text for f in held.findings())


def test_a_short_history_cannot_be_tried() -> None:
    held = find_lapsed(make_shop(lapsed_rows()), as_of=day(60), **ZONE)
    assert held.findings()[1].text.startswith("Whether this rule finds those who are lost cannot")
    assert held.chart() is None
    assert held.checks == ()


@pytest.mark.parametrize("follow", [follow_survival, find_lapsed])
def test_shops_without_a_known_buyer_are_refused(follow: Callable[..., Any]) -> None:
    for rows in ([], [(None, 0, 5)]):
        with pytest.raises(MissingDataError, match="no known buyer has bought"):
            follow(make_shop(rows), as_of=day(9), **ZONE)


def test_files_that_end_early_are_told() -> None:
    tables = make_shop([("a", 0, 5), ("b", 3, 5)])
    words = [f.text for f in find_lapsed(tables, as_of=day(30), **ZONE).findings()]
    assert any(
        text.startswith("The last payment known is of 2025-01-04, 27 days") for text in words
    )
    quiet = find_lapsed(tables, as_of=day(5), **ZONE)
    assert quiet.notes == ()


def test_impossible_arguments_are_refused() -> None:
    tables = make_shop([("a", 0, 5)])
    with pytest.raises(ParameterError, match=r"factor is 0\.5"):
        find_lapsed(tables, as_of=day(9), factor=0.5, **ZONE)
    with pytest.raises(ParameterError, match="by is 'colour'"):
        follow_survival(tables, as_of=dt.date(2025, 2, 1), by="colour", **ZONE)  # type: ignore[arg-type]
