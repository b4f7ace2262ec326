import datetime as dt
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from ecops_lib.core.errors import MissingDataError, ParameterError
from ecops_lib.data.coverage import Span, covers, last_whole_day, report_day
from ecops_lib.data.store import create_store

SHANGHAI = ZoneInfo("Asia/Shanghai")
FIRST = dt.date(2026, 10, 1)


def closing(hour, days, *, last_hour=None):
    """One order at 09:00 and one at ``hour`` on each day, the last day apart."""
    days = [FIRST + dt.timedelta(days=n) for n in range(days)]
    late = dict.fromkeys(days, hour) | {days[-1]: last_hour if last_hour is not None else hour}
    return [
        dt.datetime.combine(day, dt.time(at), SHANGHAI) for day in days for at in (8, late[day])
    ]


def test_day_that_went_on_as_long_as_the_others_is_whole(make_shop):
    assert last_whole_day(make_shop(closing(22, 10))) == dt.date(2026, 10, 10)


def test_day_that_ended_earlier_than_every_day_before_is_not_whole(make_shop):
    assert last_whole_day(make_shop(closing(22, 10, last_hour=21))) == dt.date(2026, 10, 9)


def test_only_28_trading_days_are_compared(make_shop):
    early = [dt.datetime(2026, 10, 1, 10, tzinfo=SHANGHAI)]
    later = [
        dt.datetime.combine(FIRST + dt.timedelta(days=n), dt.time(22), SHANGHAI)
        for n in range(1, 29)
    ]
    noon = [dt.datetime(2026, 10, 30, 12, tzinfo=SHANGHAI)]
    assert last_whole_day(make_shop(early + later + noon)) == dt.date(2026, 10, 29)


def test_28th_trading_day_back_is_still_compared(make_shop):
    early = [dt.datetime(2026, 10, 1, 10, tzinfo=SHANGHAI)]
    later = [
        dt.datetime.combine(FIRST + dt.timedelta(days=n), dt.time(22), SHANGHAI)
        for n in range(1, 28)
    ]
    noon = [dt.datetime(2026, 10, 29, 12, tzinfo=SHANGHAI)]
    assert last_whole_day(make_shop(early + later + noon)) == dt.date(2026, 10, 29)


def test_days_without_orders_are_no_trading_days(make_shop):
    instants = closing(22, 10, last_hour=9)
    gap = [at for at in instants if at.date() != dt.date(2026, 10, 9)]
    assert last_whole_day(make_shop(gap)) == dt.date(2026, 10, 9)


def test_day_is_the_shop_s_own_not_utc(make_shop):
    shop = make_shop([dt.datetime(2026, 11, 10, 16, 30, tzinfo=dt.UTC)])
    assert last_whole_day(shop) == dt.date(2026, 11, 11)
    assert covers(shop) == {"orders": Span(first=dt.date(2026, 11, 11), last=dt.date(2026, 11, 11))}


def test_online_retail_ends_in_the_middle_of_its_last_day(shared, make_shop):
    import duckdb

    file = max((shared / "online_retail_ii").glob("*2010*2011*.parquet"))
    names = [row[0] for row in duckdb.sql(f"DESCRIBE SELECT * FROM '{file}'").fetchall()]
    clock = next(name for name in names if name.replace("_", "").lower() == "invoicedate")
    moments = duckdb.sql(f"SELECT DISTINCT \"{clock}\" FROM '{file}'").fetchall()
    shop = make_shop(m.replace(tzinfo=SHANGHAI) for (m,) in moments)
    assert covers(shop)["orders"].last == dt.date(2011, 12, 9)
    assert last_whole_day(shop) == dt.date(2011, 12, 8)


def test_no_day_given_is_the_last_whole_day(make_shop):
    assert report_day(make_shop(closing(22, 10, last_hour=9))) == dt.date(2026, 10, 9)


def test_day_in_the_data_is_taken_even_if_not_whole(make_shop):
    assert report_day(make_shop(closing(22, 10, last_hour=9)), "2026-10-10") == dt.date(
        2026, 10, 10
    )


@pytest.mark.parametrize("day", ["2026-09-30", "2026-10-11"])
def test_day_outside_the_data_is_refused_rather_than_shown_as_zero(make_shop, day):
    with pytest.raises(MissingDataError, match="run from 2026-10-01 to 2026-10-10"):
        report_day(make_shop(closing(22, 10)), day)


def test_word_that_is_no_day_is_refused(make_shop):
    with pytest.raises(ParameterError, match="as_of is 'soon'"):
        report_day(make_shop(closing(22, 2)), "soon")


def test_empty_store_has_no_last_day(tmp_path: Path):
    with pytest.raises(MissingDataError, match="no orders, no traffic and no test"):
        last_whole_day(create_store(tmp_path / "empty", name="Empty"))
