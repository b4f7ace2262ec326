"""One row a unit: every engine gives what plain Python gives, and every row is accounted for."""

from __future__ import annotations

import datetime as dt
import random
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest
from trial_worlds import PAGES, Row, as_arrow, make_exposures, plan_from, sort_out

from ecops_lib.core.errors import ColumnError, MissingDataError, ParameterError
from ecops_lib.core.language import reading
from ecops_lib.data import frames
from ecops_lib.experiments import exposures as module
from ecops_lib.experiments.exposures import prepare_units
from ecops_lib.experiments.plan import make_plan
from ecops_lib.experiments.units import Units

Engine = Callable[[dict[str, Any]], dict[str, Any]]

ZONES = {
    "Asia/Shanghai": dt.date(2026, 2, 20),
    "Europe/London": dt.date(2026, 3, 26),  # 29 March has 23 hours
    "America/New_York": dt.date(2026, 10, 30),  # 1 November has 25 hours
    "America/Sao_Paulo": dt.date(2018, 11, 2),  # 4 November 2018 began at 01:00
}
MOST = 20


def brought(units: Units) -> dict[str, Row]:
    held = frames.bring(units.table, sort=["unit_key"])
    rows: list[Row] = held[list(units.table.collect_schema().names())].to_dict("records")
    for row in rows:
        row["day"] = row["day"].date()
        row["exposed_at"] = row["exposed_at"].to_pydatetime().replace(tzinfo=dt.UTC)
    return {row.pop("unit_key"): row for row in rows}


@pytest.mark.parametrize("zone", ZONES)
def test_units_agree_with_plain_python(engine: Engine, zone: str) -> None:
    plan, local = plan_from(ZONES[zone], 6), ZoneInfo(zone)
    rows = make_exposures(3, plan, local)
    table = engine({"experiments": as_arrow(rows)})["experiments"]
    units = prepare_units(table, plan=plan, zone=local, bot_exposures=MOST)
    reasons, kept, crossed, bots = sort_out(rows, plan, local, MOST)
    assert {name: n for name, n in units.rows.items() if n} == reasons
    assert set(reasons) == {"kept", "no_unit", "no_time", "outside", "other_variant", "mismatched"}
    assert set(bots) == {"bot"}
    for held, expected in ((units.kept, kept), (units.crossed, crossed), (units.bots, bots)):
        counts = Counter(row["variant"] for row in expected.values())
        assert held == {name: counts[name] for name in plan.variants}
    assert units.shown == PAGES
    assert brought(units) == kept


def test_row_order_changes_nothing() -> None:
    plan, zone = plan_from(dt.date(2026, 2, 20), 6), ZoneInfo("Asia/Shanghai")
    rows = make_exposures(4, plan, zone)
    first = brought(prepare_units(as_arrow(rows), plan=plan, zone=zone))
    random.Random(1).shuffle(rows)
    assert brought(prepare_units(as_arrow(rows), plan=plan, zone=zone)) == first


def one_row(**more: Any) -> Row:
    at = dt.datetime(2026, 2, 21, 4, tzinfo=dt.UTC)
    return {"unit_key": "u", "variant": "A", "exposed_at": at, **more}


def prepare(rows: list[Row], **more: Any) -> Units:
    plan = plan_from(dt.date(2026, 2, 20), 6)
    return prepare_units(as_arrow(rows), plan=plan, zone=ZoneInfo("Asia/Shanghai"), **more)


def test_the_silent_cells_of_outcomes_are_counted() -> None:
    units = prepare([one_row(converted=None), one_row(unit_key="v", converted=True)])
    assert units.silent == {"converted": 1}
    assert "1 exposure leaves the column converted empty" in str(units)
    assert {row["converted"] for row in brought(units).values()} == {0.0, 1.0}


def test_outcomes_that_nobody_tells_are_no_columns() -> None:
    assert prepare([one_row(converted=None)]).columns == ()


def test_pages_that_do_not_tell_variants_apart_are_refused() -> None:
    every = [one_row(unit_key=f"u{n}", variant=v) for n in range(4) for v in ("A", "B", "C")]
    with pytest.raises(ColumnError, match="mostly show"):
        prepare([{**row, "shown": "the page"} for row in every])
    half = [{**row, "shown": f"page {n % 2}{row['variant']}"} for n, row in enumerate(every)]
    with pytest.raises(ColumnError, match="no page that most rows"):
        prepare(half)
    silent = [{**row, "shown": None if row["variant"] == "B" else "x"} for row in every]
    with pytest.raises(ColumnError, match="tells nothing of variant 'B'"):
        prepare(silent)


def test_an_empty_or_strange_log_is_refused() -> None:
    with pytest.raises(MissingDataError, match="no row of the test"):
        prepare([one_row(experiment_id="another")])
    with pytest.raises(MissingDataError, match="other_variant: 1"):
        prepare([one_row(variant="Z")])
    with pytest.raises(ParameterError, match="bot_exposures"):
        prepare([one_row()], bot_exposures=float("nan"))
    plan = plan_from(dt.date(2026, 2, 20), 6)
    naive = pa.table(
        {
            "unit_key": ["u"],
            "variant": ["A"],
            "exposed_at": [dt.datetime(2026, 2, 21, tzinfo=dt.UTC).replace(tzinfo=None)],
        }
    )
    with pytest.raises(ColumnError, match="instants with a time zone"):
        prepare_units(naive, plan=plan, zone=ZoneInfo("UTC"))
    with pytest.raises(ColumnError, match="has no column 'variant'"):
        prepare_units(naive.drop_columns(["variant"]), plan=plan, zone=ZoneInfo("UTC"))


def test_a_column_that_is_no_segment_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ecops_lib.experiments.logs.MOST_SEGMENTS", 5)
    with pytest.raises(ColumnError, match="shared by many units"):
        prepare([one_row(unit_key=f"u{n}", segment=f"s{n}") for n in range(40)])


def test_hostile_names_pass_unharmed() -> None:
    name = "<b>'; DROP TABLE x --"
    plan = make_plan("e", {"control": name, "shares": {name: 0.5, '"': 0.5}})
    rows = [
        one_row(variant=v, unit_key=f"{v}{n}", segment=name) for v in (name, '"') for n in range(3)
    ]
    units = prepare_units(as_arrow(rows), plan=plan, zone=ZoneInfo("UTC"))
    assert units.kept == {name: 3, '"': 3}
    assert {row["segment"] for row in brought(units).values()} == {name}
    assert "<b>" not in units._repr_html_()


def test_times_of_another_zone_are_the_same_instants() -> None:
    plan, zone = plan_from(dt.date(2026, 2, 20), 6), ZoneInfo("Asia/Shanghai")
    table = as_arrow(make_exposures(5, plan, zone))
    moved = table.set_column(
        table.column_names.index("exposed_at"),
        "exposed_at",
        table["exposed_at"].cast(pa.timestamp("us", "America/New_York")),
    )
    assert brought(prepare_units(moved, plan=plan, zone=zone)) == brought(
        prepare_units(table, plan=plan, zone=zone)
    )


def test_a_large_log_without_repeats_is_not_grouped(monkeypatch: pytest.MonkeyPatch) -> None:
    import duckdb

    monkeypatch.setattr(module, "LARGE", 10)
    plan, zone = plan_from(dt.date(2026, 2, 20), 6), ZoneInfo("Asia/Shanghai")
    rows = [{**r, "unit_key": f"{n}"} for n, r in enumerate(make_exposures(6, plan, zone))]
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    for given in (rows, rows + [{**rows[0], "variant": v} for v in ("A", "B")]):
        quick = prepare_units(connection.from_arrow(as_arrow(given)), plan=plan, zone=zone)
        slow = prepare_units(as_arrow(given), plan=plan, zone=zone)
        assert brought(quick) == brought(slow)
        assert (quick.kept, quick.crossed) == (slow.kept, slow.crossed)


def test_findings_in_both_languages() -> None:
    plan, zone = plan_from(dt.date(2026, 2, 20), 6), ZoneInfo("Asia/Shanghai")
    units = prepare_units(
        as_arrow(make_exposures(3, plan, zone)), plan=plan, zone=zone, bot_exposures=MOST
    )
    keys = {finding.key for finding in units.findings()}
    assert {"exposures/crossed", "exposures/bots", "exposures/mismatched"} <= keys
    with reading("zh", "CNY"):
        assert not any("expos" in f.text or "set aside" in f.text for f in units.findings())
    frame = units.to_frame()
    assert frame["rows"].iloc[0] == sum(units.rows.values())
    assert frame["units"].iloc[-1] == units.count


@pytest.mark.realdata
def test_udacity(shared: Path) -> None:
    import pyarrow.parquet as pq

    raw = pq.read_table(shared / "udacity_ab" / "ab_data.parquet")
    table = pa.table(
        {
            "unit_key": raw["user_id"].cast(pa.string()),
            "variant": raw["group"],
            "exposed_at": raw["timestamp"].cast(pa.timestamp("us", "UTC")),
            "shown": raw["landing_page"],
            "converted": raw["converted"],
        }
    )
    plan = make_plan(
        "ab_data", {"control": "control", "shares": {"control": 0.5, "treatment": 0.5}}
    )
    units = prepare_units(table, plan=plan, zone=ZoneInfo("UTC"))
    assert units.rows["mismatched"] == 3893
    assert sum(units.rows.values()) == 294_478
    assert units.kept == {"control": 145_274, "treatment": 145_310}
    assert units.shown == {"control": "old_page", "treatment": "new_page"}
