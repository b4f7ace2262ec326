"""Chat groups: sums and snapshots against plain Python, the plan, and the words."""

from __future__ import annotations

import random
from collections.abc import Callable
from math import isnan
from typing import Any

import pytest

from ecops_lib.core.errors import MissingDataError, ParameterError
from ecops_lib.core.language import reading
from ecops_lib.customers import review_community
from tests.customers.membership.member_shop import ZONE, add_groups, day, make_shop

Engine = Callable[[dict[str, Any]], dict[str, Any]]
END, DAYS = 200, 28


def random_rows(seed: int) -> list[dict[str, Any]]:
    """Three groups with gaps, and a fourth that ends before the span."""
    rng = random.Random(seed)
    numbers = ("members", "joined", "left", "active_members", "planned_posts", "posts", "clicks",
               "orders", "paid_amount")  # fmt: skip
    rows = []
    for group, last in (("a", 210), ("b", END), ("c", 195), ("old", 160)):
        for when in range(130, last + 1):
            if rng.random() < 0.9 or when in {END, 195}:
                told = {n: rng.randrange(30) if rng.random() < 0.85 else None for n in numbers}
                rows.append({"day": when, "group_id": group, **told})
    return rows


def slow_group(rows: list[dict[str, Any]], group: str, start: int, end: int) -> dict[str, Any]:
    """Sums of one group over the days from ``start`` to ``end``, from the definitions."""
    mine = [r for r in rows if r["group_id"] == group and start <= r["day"] <= end]

    def both(name: str, other: str) -> int:
        return sum(r[name] for r in mine if r[name] is not None and r[other] is not None)

    sizes = [r["members"] for r in mine if r["members"] is not None]
    return {
        "active": both("active_members", "members"),
        "watched": both("members", "active_members"),
        "planned": both("planned_posts", "posts"),
        "made": both("posts", "planned_posts"),
        "posts": both("posts", "clicks"),
        "clicks": both("clicks", "posts"),
        "joined": both("joined", "left"),
        "left": both("left", "joined"),
        "orders": sum(r["orders"] or 0 for r in mine),
        "mils": 10_000 * sum(r["paid_amount"] or 0 for r in mine),
        "size": sum(sizes) / len(sizes),
    }


@pytest.mark.parametrize("seed", [1, 2])
def test_every_engine_sums_groups_as_plain_python(light_engine: Engine, seed: int) -> None:
    rows, rng = random_rows(seed), random.Random(seed)
    orders = [
        (rng.choice((None, "x")), rng.randrange(150, 215), rng.randrange(9)) for _ in range(90)
    ]
    tables = light_engine(add_groups(make_shop(orders), rows))
    held = review_community(tables, as_of=day(END), days=DAYS, **ZONE)
    start = END - DAYS + 1
    frame = held.frame.set_index("group_id")
    assert sorted(frame.index) == ["a", "b", "c"]
    for group in "abc":
        now = slow_group(rows, group, start, END)
        assert frame.loc[group, list(now)].to_dict() == pytest.approx(now)
        before = slow_group(rows, group, start - DAYS, start - 1)
        for name in ("active", "watched"):
            assert frame.loc[group, f"{name}_before"] == before[name]
    days = {r["day"] for r in rows if start <= r["day"] <= END}
    assert held.paid == sum(amount for _, when, amount in orders if when in days)
    table = held.to_frame().set_index("group")
    whole = table.iloc[-1]
    assert whole["active_rate"] == pytest.approx(
        sum(slow_group(rows, g, start, END)["active"] for g in "abc")
        / sum(slow_group(rows, g, start, END)["watched"] for g in "abc")
    )
    assert whole["amount"] == table["amount"][:-1].sum()
    assert whole["amount_share"] == pytest.approx(whole["amount"] / held.paid)
    plan = held.plan.frame
    weeks = 0
    for group in "abc":
        for week in range(DAYS // 7):
            end = END - 7 * week
            told = slow_group_or_none(rows, group, end)
            if told and told["planned"]:
                weeks += 1
                mine = plan[(plan["group_id"] == group) & (plan["end"] == day(end))].iloc[0]
                assert mine["missing"] == max(0, told["planned"] - told["made"])
    assert weeks == len(plan)
    gone = next(f for f in held.findings() if f.key == "community/gone")
    assert gone.text.endswith(": c, old.")


def slow_group_or_none(rows: list[dict[str, Any]], group: str, end: int) -> dict[str, Any] | None:
    mine = [r for r in rows if r["group_id"] == group and end - 6 <= r["day"] <= end]
    return slow_group(rows, group, end - 6, end) if any(r["members"] for r in mine) else None


def groups(**change: Any) -> dict[str, Any]:
    """Two sound groups over 56 days, the second changed in the last 28 of them."""
    rows = []
    for when in range(END - 55, END + 1):
        base = {"day": when, "members": 100, "joined": 1, "left": 1, "active_members": 20,
                "planned_posts": 2, "posts": 2, "clicks": 6, "orders": 1,
                "paid_amount": 10}  # fmt: skip
        rows.append({**base, "group_id": "sound"})
        late = change if when > END - 28 else {}
        rows.append({**base, "group_id": "<b>other</b>", **late})
    return add_groups(make_shop([("x", END - 5, 2800)]), rows)


def texts(tables: dict[str, Any]) -> dict[str, str]:
    return {f.key: f.text for f in review_community(tables, as_of=day(END), **ZONE).findings()}


def test_sound_groups_are_said_to_be_sound() -> None:
    told = texts(groups())
    assert set(told) == {"community/members", "community/active", "community/amount",
                         "community/plan"}  # fmt: skip
    assert told["community/members"] == (
        "On 2025-07-20 2 groups hold 200 members; as one person may be in several, they are "
        "between 100 and 200 people."
    )
    assert told["community/active"].startswith(
        "From 2025-06-23 to 2025-07-20 20.00% of the members were active on a day, 20.00% in the "
        "span before;"
    )
    assert told["community/plan"] == (
        "Every group got the posts of its content plan in each of 4 weeks, 112 in all."
    )
    assert told["community/amount"].startswith(
        "56 orders of ¥560.00 came through the groups' links, 20.00% of the ¥2,800.00"
    )
    assert "cannot be told" in told["community/amount"]


def test_each_trouble_is_told_by_name_and_only_then() -> None:
    assert texts(groups(posts=1))["community/plan"] == (
        "1 of 2 groups got fewer posts than planned in a week: 28 of 112 are missing, most in "
        "<b>other</b> (28)."
    )
    assert texts(groups(left=3, joined=0))["community/losing"] == (
        "1 group loses members beyond chance, 84 more left than joined: <b>other</b>."
    )
    assert "community/losing" not in texts(groups(left=0, joined=3))
    assert "1 group goes quiet" in texts(groups(active_members=9))["community/quiet"]
    assert "community/quiet" not in texts(groups(active_members=10))
    assert "<b>other</b>" in texts(groups(joined=2))["community/mismatch"]
    tables = groups(left=3, joined=0, active_members=0, posts=1)
    held = review_community(tables, as_of=day(END), **ZONE)
    for key in ("community/losing", "community/quiet", "community/plan"):
        found = next(f for f in held.findings() if f.key == key)
        assert found.level == "watch"
        assert found.action is not None
    for page in (held._repr_html_(), held.plan._repr_html_()):
        assert "<b>other" not in page
        assert "&lt;b&gt;other" in page


def test_a_chance_loss_is_no_loss() -> None:
    rows = [{"day": END, "group_id": "g", "members": 9, "joined": 3, "left": 6}]
    held = review_community(add_groups(make_shop([]), rows), as_of=day(END), **ZONE)
    assert held.losing().empty
    rows[0] |= {"joined": 3, "left": 30}
    held = review_community(add_groups(make_shop([]), rows), as_of=day(END), **ZONE)
    assert list(held.losing()["lost"]) == [27]


def test_posts_of_one_week_make_up_for_no_other() -> None:
    made = [{"day": END - 7 * week, "posts": posts} for week, posts in enumerate((4, 0, 2))]
    rows = [{**row, "group_id": "g", "members": 9, "planned_posts": 2} for row in made]
    held = review_community(add_groups(make_shop([]), rows), as_of=day(END), **ZONE)
    assert held.plan.frame["missing"].sum() == 2
    assert list(held.plan.to_frame()["behind"]) == [0, 1, 0]
    assert held.to_frame()["kept"].iloc[-1] == 1


def test_many_groups_are_put_together() -> None:
    rows = [{"day": END, "group_id": f"g{n}", "members": n, "paid_amount": n} for n in range(60)]
    held = review_community(add_groups(make_shop([]), rows), as_of=day(END), **ZONE)
    frame = held.to_frame()
    assert len(frame) == 42
    assert frame["members"][:-1].sum() == frame["members"].iloc[-1] == sum(range(60))
    assert frame["group"].iloc[-2] == "all others"


def test_edges() -> None:
    with pytest.raises(MissingDataError, match="group statistics"):
        review_community(make_shop([]), as_of=day(END), **ZONE)
    with pytest.raises(MissingDataError, match="No chat group is told of by 2025-07-20"):
        review_community(add_groups(make_shop([]), []), as_of=day(END), **ZONE)
    late = add_groups(make_shop([]), [{"day": END + 1, "group_id": "g", "members": 1}])
    with pytest.raises(MissingDataError, match="choose a later as_of"):
        review_community(late, as_of=day(END), **ZONE)
    for days in (0, 10):
        with pytest.raises(ParameterError, match="days is"):
            review_community(groups(), as_of=day(END), days=days, **ZONE)
    empty = [{"day": END, "group_id": "g"}]
    held = review_community(
        {"community": add_groups({}, empty)["community"]}, as_of=day(END), **ZONE
    )
    assert isnan(held.paid)
    assert "On 2025-07-20 0 groups hold 0 members" in str(held)
    assert "No file tells both the posts planned" in str(held)
    assert held.chart() is None
    old = add_groups(make_shop([]), [{"day": END - 60, "group_id": "g", "members": 4}])
    silent = review_community(old, as_of=day(END), **ZONE)
    assert next(f for f in silent.findings() if f.key == "community/gone").text.endswith(": g.")
    assert silent._repr_html_()


def test_statistics_that_end_early_are_told() -> None:
    def told(last: int) -> dict[str, str]:
        rows = [{"day": last, "group_id": "g", "members": 4}]
        return texts(add_groups(make_shop([]), rows))

    assert told(END - 7)["community/stale"] == (
        "The groups' statistics end on 2025-07-13, 7 days before 2025-07-20: import the later ones."
    )
    assert "community/stale" not in told(END - 6)


def test_both_languages() -> None:
    with reading("zh", "CNY"):
        told = texts(groups(left=3, joined=0, active_members=0, posts=1))
        assert "社群" in told["community/members"]
        assert "无法判断" in told["community/amount"]
        assert all("groups" not in text for text in told.values())
