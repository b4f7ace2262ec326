"""Which campaigns a shop has: written, told in its diary, or known from the calendar."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

import pandas as pd
import pytest

from ecops_lib.campaigns.editions import (
    campaign_named,
    choose_campaign,
    find_campaigns,
    make_campaign,
    past_editions,
)
from ecops_lib.core.errors import MissingDataError, ParameterError
from ecops_lib.core.language import set_reader

ZONE = "Asia/Shanghai"
AUTUMN: Mapping[str, Any] = {
    "name": "Autumn tea",
    "warmup": [dt.date(2026, 9, 7), dt.date(2026, 9, 9)],
    "burst": [
        [dt.date(2026, 9, 14), dt.date(2026, 9, 16)],
        [dt.date(2026, 9, 10), dt.date(2026, 9, 12)],
    ],
    "products": ["007", "6002", "007"],
    "targets": {"paid_amount": 60000},
    "budget": 3000,
    "promotions": [{"kind": "threshold"}],
}


def shop(*events: tuple[str, str, str, str]) -> dict[str, object]:
    """A shop from March 2025 to October 2026 with a diary of campaigns."""
    ends = pd.to_datetime(["2025-03-20", "2026-10-20"], utc=True)
    orders = pd.DataFrame({"created_at": ends, "order_id": ["1", "2"]})
    if not events:
        return {"orders": orders}
    names = ["name", "starts_on", "ends_on", "product_id"]
    diary = pd.DataFrame(events, columns=names).assign(kind="campaign")
    for day in ("starts_on", "ends_on"):
        diary[day] = pd.to_datetime(diary[day])
    return {"orders": orders, "shop_events": diary}


def test_a_written_campaign_keeps_its_ids_and_orders_its_phases() -> None:
    held = make_campaign("autumn-2026", AUTUMN)
    assert held.products == ("007", "6002")
    assert [span.phase for span in held.spans] == ["warmup", "burst", "burst"]
    assert held.selling == (dt.date(2026, 9, 10), dt.date(2026, 9, 16))
    assert (held.first, held.last) == (dt.date(2026, 9, 7), dt.date(2026, 9, 16))
    assert len(held.days_of("burst")) == 6
    assert len(held.days_of()) == 9
    assert held.phase_of(dt.date(2026, 9, 13)) is None
    assert held.phase_of(dt.date(2026, 9, 8)) == "warmup"
    assert (held.kind, held.budget, held.whole_shop) == ("Autumn tea", 3000.0, False)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"brust": []}, "has 'brust'; it may hold "),
        ({"burst": dt.date(2026, 9, 10)}, "must be a first and a last day such as "),
        ({"burst": [dt.date(2026, 9, 10)]}, "must be a first and a last day such as "),
        (
            {"burst": [dt.date(2026, 9, 16), dt.date(2026, 9, 10)]},
            'burst of [campaigns."x"] ends on 2026-09-10 before it begins on 2026-09-16.',
        ),
        ({"products": [7]}, "holds 7; put product ids in quotes, so that no digit is lost."),
        ({"products": "7"}, "products of [campaigns.\"x\"] is '7'; it must be a list"),
        ({"budget": float("nan")}, 'budget of [campaigns."x"] is nan; it must lie between'),
        ({"budget": True}, 'budget of [campaigns."x"] is True; it must be a number.'),
        ({"targets": [1]}, 'targets of [campaigns."x"] is [1]; write '),
        ({"promotions": {"kind": "x"}}, "it must be a list of tables"),
    ],
)
def test_what_cannot_be_is_refused(change: dict[str, object], said: str) -> None:
    with pytest.raises(ParameterError) as caught:
        make_campaign("x", {**AUTUMN, **change})
    assert said in str(caught.value)


def test_a_campaign_that_never_sells_is_refused() -> None:
    with pytest.raises(ParameterError) as caught:
        make_campaign("x", {"warmup": AUTUMN["warmup"]})
    assert str(caught.value) == (
        '[campaigns."x"] tells no days on which it sells; add a line such as '
        "burst = [2026-11-10, 2026-11-11]."
    )


def test_festivals_come_from_the_calendar_until_the_diary_dates_them() -> None:
    held = find_campaigns(shop(), time_zone=ZONE)
    assert {c.kind for c in held} == {
        "new_year_goods", "women38", "festival618", "double11", "double12",
    }  # fmt: skip
    assert campaign_named(held, "double11-2025").selling[0] == dt.date(2025, 10, 20)
    own = find_campaigns(
        shop(("双11预售", "2025-10-20", "2025-10-31", ""), ("双11爆发", "2025-11-11", "", "")),
        time_zone=ZONE,
    )
    day = dt.date(2025, 11, 11)
    assert campaign_named(own, "double11-2025").selling == (day, day)
    assert campaign_named(own, "double11-2025").first == dt.date(2025, 10, 20)


def test_the_diarys_own_campaigns_are_joined_by_name_and_time() -> None:
    held = find_campaigns(
        shop(
            ("会员日2025 预热", "2025-07-24", "2025-07-25", ""),
            ("会员日2025", "2025-07-26", "2025-07-29", ""),
            ("会员日", "2026-01-26", "2026-01-29", ""),
            ("新品首发", "2026-05-02", "2026-05-04", "6001"),
            ("新品首发", "2026-05-03", "2026-05-05", "6002"),
        ),
        time_zone=ZONE,
    )
    mine = [c for c in held if c.kind == "会员日"]
    assert [c.campaign_id for c in mine] == ["会员日-2025-07", "会员日-2026-01"]
    assert [span.phase for span in mine[0].spans] == ["warmup", "burst"]
    assert past_editions(held, mine[1]) == (mine[0],)
    assert past_editions(held, mine[0]) == ()
    [launch] = [c for c in held if c.kind == "新品首发"]
    assert launch.products == ("6001", "6002")
    assert launch.selling == (dt.date(2026, 5, 2), dt.date(2026, 5, 5))


def test_a_festival_of_the_diary_is_not_told_twice() -> None:
    held = find_campaigns(shop(("双11", "2025-11-01", "2025-11-11", "")), time_zone=ZONE)
    assert [c.campaign_id for c in held if c.kind == "double11" and c.first.year == 2025] == [
        "双11-2025-11"
    ]


def test_the_page_takes_the_campaign_that_its_day_asks_for() -> None:
    held = find_campaigns(shop(("会员日", "2026-10-26", "2026-10-29", "")), time_zone=ZONE)

    def chosen(day: str, state: Any) -> str:
        return choose_campaign(held, as_of=dt.date.fromisoformat(day), state=state).campaign_id

    assert chosen("2026-10-27", "finished") == "festival618-2026"
    assert chosen("2026-10-27", "coming") == "double12-2026"
    assert chosen("2026-10-27", "running") in {"double11-2026", "会员日-2026-10"}
    assert chosen("2026-10-30", "finished") == "会员日-2026-10"
    assert (
        choose_campaign(
            held, as_of=dt.date(2026, 1, 1), state="running", campaign_id="会员日-2026-10"
        ).name
        == "会员日"
    )


def test_no_campaign_in_this_state_is_said_in_both_languages() -> None:
    held = find_campaigns(shop(), time_zone=ZONE)
    said = {}
    for language in ("en", "zh"):
        set_reader(language)
        with pytest.raises(MissingDataError) as caught:
            choose_campaign(held, as_of=dt.date(2026, 10, 1), state="running")
        said[language] = str(caught.value)
    assert said["en"] == (
        'No campaign runs on 2026-10-01; write it into store.toml [campaigns."id"].'
    )
    assert said["zh"] == ('2026-10-01 没有正在进行的活动；请把它写进 store.toml [campaigns."id"]。')


def test_an_unknown_id_is_refused_with_those_there_are() -> None:
    held = find_campaigns(shop(), time_zone=ZONE)
    with pytest.raises(ParameterError, match="did you mean 'double11-20"):
        campaign_named(held, "double11-2024x")
    with pytest.raises(MissingDataError):
        find_campaigns({"orders": pd.DataFrame({"created_at": []})}, time_zone=ZONE)
