"""What went wrong in a sale and which tactic paid, against counts by hand."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pandas as pd
import pytest
from retro_world import AS_OF, DAY, LAST, SALE, ZONE, campaign, placed, shelf, shop_of
from statsmodels.stats.proportion import proportion_confint

from ecops_lib.campaigns.ads.ad_returns import AdReturns
from ecops_lib.campaigns.ads.margins import Margins
from ecops_lib.campaigns.retro import cost_troubles, weigh_tactics
from ecops_lib.core.errors import MissingDataError
from ecops_lib.core.language import set_reader
from ecops_lib.core.sections import Unshown


def ask(tables: Any, as_of: dt.date = AS_OF) -> Any:
    return cost_troubles(tables, campaign=campaign(), as_of=as_of, time_zone=ZONE)


def rows_of(tables: Any, as_of: dt.date = AS_OF) -> pd.DataFrame:
    frame: pd.DataFrame = ask(tables, as_of).frame.set_index("trouble")
    return frame


def newcombe(bad: int, of: int, bad_then: int, of_then: int) -> tuple[float, float]:
    """Newcombe (1998), Statistics in Medicine 17, 873-890, method 10, at 99 %."""
    p, q = bad / of, bad_then / of_then
    (low, high), (least, most) = (
        proportion_confint(k, n, alpha=0.01, method="wilson")
        for k, n in ((bad, of), (bad_then, of_then))
    )
    return (
        p - q - np.hypot(p - low, most - q), p - q + np.hypot(high - p, q - least)
    )  # fmt: skip


def test_late_parcels_are_counted_against_the_usual() -> None:
    row = rows_of(shop_of()).loc["late"]
    assert (row["share"], row["usual"]) == (40 / 160, 0)
    low, high = newcombe(40, 160, 0, 280)
    assert row["excess"] == 40
    assert row["excess_low"] == pytest.approx(160 * low)
    assert row["excess_high"] == pytest.approx(160 * high)
    # half of the late ones came back, none of the others; 50 each
    assert row["money"] == pytest.approx(40 * 0.5 * 50)
    least, most = newcombe(20, 40, 0, 120)
    assert row["money_low"] == pytest.approx(160 * low * least * 50)
    assert row["money_high"] == pytest.approx(160 * high * most * 50)


def test_refunds_count_at_equal_age() -> None:
    row = rows_of(shop_of()).loc["refunded"]
    assert (row["share"], row["usual"]) == (20 / 160, 28 / 280)
    assert not row["real"]
    refunds = shop_of()["refunds"]
    place = refunds.schema.get_field_index("finished_at")
    slow = [moment + 30 * DAY for moment in refunds["finished_at"].to_pylist()]
    later = refunds.set_column(place, refunds.schema.field(place), [slow])
    old = rows_of(shop_of() | {"refunds": later}).loc["refunded"]
    assert (old["share"], old["usual"]) == (0, 0)  # neither had 34 days


def test_complaints_and_what_is_not_told() -> None:
    held = ask(shop_of())
    assert held.frame.set_index("trouble").loc["complained", "excess"] == 32
    texts = [f.text for f in held.findings()]
    assert texts[0].startswith(
        "25.00% of the sale's orders were shipped late, 0.00% usually are: 40 orders more than "
        "usual (27 to 56). Cost: ¥1,000.00 ("
    )
    assert "No worse than usual, as far as can be told: Refunded." in texts
    assert "One order may count in several rows, so their costs do not add up." in texts
    assert any(text.startswith("Not told: Out of stock.") for text in texts)
    assert any(text.startswith("Not told: One or two stars.") for text in texts)
    set_reader("zh", "CNY")
    zh = [f.text for f in held.findings()]
    assert zh[0].startswith("开卖期 25.00% 的订单晚发，平时是 0.00%：比平时多 40 单（27 至 56）。")
    assert "看不出比平时差：退款。" in zh


def test_a_calm_sale_is_not_accused() -> None:
    calm = [
        not (SALE <= row["day"] <= LAST and (row["late"] or row["complained"])) for row in placed()
    ]
    held = ask(shop_of() | {"orders": shop_of()["orders"].filter(calm)})
    assert not held.frame["real"].any()
    assert {f.level for f in held.findings()} == {"info"}


def test_a_written_deadline_goes_before_48_hours() -> None:
    orders = shop_of()["orders"]
    place = orders.schema.get_field_index("ship_by")
    due = [row["paid_at"] + dt.timedelta(hours=96) for row in placed()]
    kept = orders.set_column(place, orders.schema.field(place), [due])
    assert rows_of(shop_of() | {"orders": kept}).loc["late", "share"] == 0


def test_what_still_waits_past_its_time_is_late() -> None:
    orders = shop_of()["orders"]
    gone = orders.schema.get_field_index("shipped_at")
    state = orders.schema.get_field_index("status")
    shipped = [None if row["late"] else row["shipped_at"] for row in placed()]
    status = ["paid" if row["late"] else "completed" for row in placed()]
    waiting = orders.set_column(gone, orders.schema.field(gone), [shipped])
    tables = shop_of() | {"orders": waiting.set_column(state, "status", [status])}
    assert rows_of(tables).loc["late", "share"] == 40 / 160
    closed = waiting.set_column(state, "status", [["closed"] * len(status)])
    assert rows_of(shop_of() | {"orders": closed}).loc["late", "share"] == 0
    # two days after the sale's first day its late ones wait and nobody knows more
    soon = rows_of(tables, SALE + DAY).loc["late"]
    assert soon["share"] == 0


def test_a_young_sale_says_so() -> None:
    held = ask(shop_of(), LAST + 3 * DAY)
    assert held.untold["refunded"] == (
        "Only 3 days have passed since the sale; at least 7 are needed."
    )
    assert "late" not in held.untold


def test_empty_shelves_cost_what_the_others_sold() -> None:
    """S1 sells half the shop; on the sale's third and fourth day it is out."""
    out = {SALE + 2 * DAY, SALE + 3 * DAY}
    items, rows = shop_of()["order_items"], placed()
    place = items.schema.get_field_index("sku_id")
    skus = ["S2" if row["n"] % 2 or row["day"] in out else "S1" for row in rows]
    tables = shop_of() | {"order_items": items.set_column(place, "sku_id", [skus])}
    row = rows_of(tables | {"inventory": shelf(out)}).loc["stock"]
    assert row["share"] == 2 / 8
    assert row["excess"] == pytest.approx(40)  # 20 of 40 a day on two days of 40 others
    assert row["money"] == pytest.approx(4_000)
    assert 0 < row["excess_low"] < 40 < row["excess_high"]
    full = rows_of(tables | {"inventory": shelf(set())}).loc["stock"]
    assert (full["share"], full["excess"]) == (0, 0)
    later = ask(tables | {"inventory": shelf(out, first=LAST + DAY)})
    assert later.untold["stock"] == (
        "No stock of the promoted products is written for the sale's days."
    )


def test_engines_agree_on_troubles(light_engine: Any) -> None:
    tables = shop_of() | {"inventory": shelf({SALE})}
    one, two = ask(light_engine(tables)), ask(tables)
    assert one.frame.fillna(-1).to_dict("records") == two.frame.fillna(-1).to_dict("records")


def ads(*rows: tuple[str, float, float, float, float]) -> AdReturns:
    """Plans by name: cost, what is kept, and the profit's interval."""
    frame = pd.DataFrame(rows, columns=["name", "cost", "kept", "profit_low", "profit_high"])
    frame = frame.assign(id=frame["name"], profit=frame["kept"] - frame["cost"])
    margins = Margins.__new__(Margins)
    return AdReturns(
        frame=frame, by="plan", margins=margins, start=SALE, end=LAST, days=4, owner="ads"
    )


def test_verdicts_are_read_off_the_interval() -> None:
    plans = ads(
        ("good", 100, 300, 50, 350), ("bad", 200, 50, -190, -110), ("who knows", 300, 310, -90, 110)
    )
    held = weigh_tactics(Unshown(why="x"), plans, Unshown(why="y"))
    rows = held.frame.set_index("name")
    assert rows["verdict"].to_dict() == {"who knows": "open", "bad": "lost", "good": "paid"}
    assert rows.loc["good", ["roi", "roi_low", "roi_high"]].tolist() == [3, 1.5, 4.5]
    assert [f.text for f in held.findings()] == [
        "good paid: each ¥1.00 of its ¥100.00 brought ¥3.00 of margin (¥1.50 to ¥4.50), credited "
        "by the platform.",
        "bad did not pay: each ¥1.00 of its ¥200.00 brought ¥0.25 of margin (¥0.05 to ¥0.45), "
        "credited by the platform.",
        "¥300.00 went into tactics of which it cannot be told whether they paid.",
    ]
    set_reader("zh", "CNY")
    assert held.findings()[1].text == (
        "bad 亏了：花费 ¥200.00，每 ¥1.00 只带来毛利 ¥0.25（¥0.05 至 ¥0.45），平台归因。"
    )


def test_nothing_spent_is_nothing_weighed() -> None:
    with pytest.raises(MissingDataError, match="what was spent"):
        weigh_tactics(Unshown(why="x"), ads(("free", 0, 10, 5, 15)), Unshown(why="y"))
    blind = weigh_tactics(Unshown(why="x"), ads(("n", 10, np.nan, np.nan, np.nan)), Unshown(why=""))
    assert blind.frame["verdict"].tolist() == ["open"]
