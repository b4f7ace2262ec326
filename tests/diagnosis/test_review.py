"""What is planted is named, what is not is not, and turning a truth turns its sentence."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path

import pytest
from shop import DAY, Plant, as_arrow, make_shop, make_tables

from ecops_lib.core.language import reading
from ecops_lib.data.store import Store, create_store
from ecops_lib.diagnosis import History, list_limits, review_day
from ecops_lib.diagnosis.review import Review
from ecops_lib.supply import find_stock_trouble, find_waiting

OTHERS = (find_waiting, find_stock_trouble)
PLANTED = Plant(conversion=0.3, price=1.25, low_reviews=14, channel=0.4, out=True, claims=25)
TURNED = Plant(conversion=1.9, price=0.8, low_reviews=14, channel=1.6)
INCIDENTS = ("conversion_", "traffic_", "stock_out", "refund_wave/", "oversold", "product_")


def review_of(store: Store, day: dt.date = DAY) -> Review:
    return review_day(History(store, day=day), day=day, others=OTHERS)


def texts(review: Review) -> dict[str, str]:
    return {f.key: f.text for s in review.sections if not s.absent() for f in s.findings()}


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return make_shop(tmp_path_factory.mktemp("planted") / "store", seed=1, plant=PLANTED)


@pytest.fixture(scope="module")
def turned(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return make_shop(tmp_path_factory.mktemp("turned") / "store", seed=1, plant=TURNED)


def test_each_planted_truth_heads_the_page(planted: Store) -> None:
    shown = {finding.key for finding in review_of(planted).findings()}
    wanted = {"conversion_drop/P0", "traffic_drop/直通车", "stock_out/P1", "refund_wave/P2"}
    assert wanted <= shown


def test_a_fall_is_told_with_its_size_its_reasons_and_its_money(planted: Store) -> None:
    found = {f.key: f for f in review_of(planted).urgent}["conversion_drop/P0"]
    seen, expected = found.evidence["seen"], found.evidence["expected"]
    assert seen < 0.5 * expected
    assert found.money == pytest.approx((expected - seen) * 81, rel=0.02)
    assert re.search(r"conversion fell to [\d.]+% over the last 3 days", found.text)
    assert "price changed by +25.00% on 2026-10-26 (from ¥80.00 to ¥100.00)" in found.text
    assert re.search(r"14 of \d+ new reviews have 1 or 2 stars", found.text)
    assert found.action is not None
    assert found.action.text == (
        "check the price change: put it back, or explain it on the page; to be sure, compare "
        "buyers who saw the old price, or put it back for two days"
    )


def test_a_channel_s_loss_names_the_ads_that_were_cut(planted: Store) -> None:
    text = texts(review_of(planted))["traffic_drop/直通车"]
    assert re.match(r"直通车 brought [\d.]+% fewer visitors than expected on this day", text)
    assert re.search(r"keyword ads cost ¥[\d.]+ a day instead of ¥[\d.]+ \(-\d\d\.\d\d%\)", text)


def test_a_wave_names_its_reason(planted: Store) -> None:
    text = texts(review_of(planted))["refund_wave/P2"]
    assert re.search(r"has \d\d refund claims on this day", text)
    assert "of them say “商品破损” (usually" in text


def test_the_same_is_said_in_chinese(planted: Store) -> None:
    with reading("zh"):
        found = texts(review_of(planted))
    assert "支付转化率下降到" in found["conversion_drop/P0"]
    assert "调价 +25.00%" in found["conversion_drop/P0"]
    assert "访客比预期减少" in found["traffic_drop/直通车"]
    assert "断货" in found["stock_out/P1"]
    assert "其中" in found["refund_wave/P2"]
    assert "“商品破损”" in found["refund_wave/P2"]


def test_turning_a_truth_turns_its_sentence(turned: Store) -> None:
    found = texts(review_of(turned))
    assert "conversion rose to" in found["conversion_rise/P0"]
    assert "price changed by -20.00%" in found["conversion_rise/P0"]
    assert "new reviews have 5 stars" in found["conversion_rise/P0"]
    assert "more visitors than expected" in found["traffic_rise/直通车"]
    assert not [key for key in found if key.startswith(("conversion_drop/", "traffic_drop/"))]
    assert not [key for key in found if key.startswith(("stock_out", "refund_wave/"))]
    with reading("zh"):
        chinese = texts(review_of(turned))
    assert "支付转化率上升到" in chinese["conversion_rise/P0"]
    assert "访客比预期增加" in chinese["traffic_rise/直通车"]


def test_good_news_is_no_alarm(turned: Store) -> None:
    assert [f.key for f in review_of(turned).urgent] == []


def test_a_shop_with_nothing_planted_claims_nothing(tmp_path: Path) -> None:
    store = make_shop(tmp_path / "store", seed=11, plant=Plant())
    for back in range(8):
        review = review_of(store, DAY - dt.timedelta(days=3 * back))
        claimed = [f.key for f in review.urgent if f.key.startswith(INCIDENTS)]
        risen = [key for key in texts(review) if "_rise/" in key or "_up/" in key]
        assert claimed + risen == []
    assert "Nothing abnormal on this day in the" in review_of(store).findings()[-1].text


def test_a_fall_without_a_recorded_reason_says_so(tmp_path: Path) -> None:
    store = make_shop(tmp_path / "store", seed=3, plant=Plant(conversion=0.3))
    text = texts(review_of(store))["conversion_drop/P0"]
    assert "price" not in text
    assert "stars" not in text


def test_a_stock_out_explains_the_fall_of_its_product(planted: Store) -> None:
    found = texts(review_of(planted))
    assert "1 of its 1 SKUs out of stock, 24 hours in all" in found["conversion_drop/P1"]
    assert [f.key for f in review_of(planted).urgent if f.key.endswith("/P1")] == ["stock_out/P1"]


def test_names_from_data_are_escaped(planted: Store) -> None:
    html = review_of(planted)._repr_html_()
    assert "<b>" not in html
    assert "&lt;b&gt;" in html


def test_the_split_adds_up_and_names_the_largest_part(planted: Store) -> None:
    split = review_of(planted).sections[-1]
    frame = split.to_frame()
    *parts, total = frame["contribution"].tolist()
    assert sum(round(p * 100) for p in parts) == round(total * 100)
    assert total == pytest.approx(split.after - split.before, abs=0.001)
    assert min(parts) == frame.set_index("factor").loc["conversion", "contribution"]


def partial_store(folder: Path, *tables: str, days: int = 100) -> Store:
    store = create_store(folder, name="Part", key=b"k" * 32)
    made = make_tables(seed=5, plant=Plant(), days=days)
    with store.writing() as writer:
        for name in tables:
            writer.upsert(name, as_arrow(name, made[name]))
    return store


def test_a_section_without_data_says_how_to_get_it(tmp_path: Path) -> None:
    review = review_of(partial_store(tmp_path / "store", "orders"))
    absent = {section.sheet: section.absent() for section in review.sections}
    assert "import 生意参谋 宏观监控 (shop) and 商品_全部" in absent["Conversion of products"]
    assert "import the platform's refund export" in absent["Refund claims"]
    assert "import the warehouse's stock export" in absent["Stock"]
    assert "import the platform's order-line export" in absent["Products that moved"]
    assert absent["Change of sales"] == ""
    assert "in the 3 of 9 things that the data let look at" in review.findings()[-1].text


def test_a_store_of_one_day_computes_or_declines(tmp_path: Path) -> None:
    tables = ("orders", "order_items", "refunds", "traffic", "inventory")
    review = review_of(partial_store(tmp_path / "store", *tables, days=1))
    assert [f.key for f in review.urgent if f.key.startswith(INCIDENTS)] == []
    reasons = [section.absent() for section in review.sections]
    assert sum("are needed to know what is usual" in reason for reason in reasons) >= 2


def test_an_empty_store_can_look_at_nothing(tmp_path: Path) -> None:
    store = create_store(tmp_path / "store", name="Empty", key=b"k" * 32)
    review = review_of(store)
    assert all(section.absent() for section in review.sections)
    assert review.findings()[0].text.startswith("Nothing could be looked at")


def test_limits_list_what_is_missing_and_what_ends_early(tmp_path: Path) -> None:
    store = partial_store(tmp_path / "store", "orders", "order_items")
    frame = list_limits(store, day=DAY + dt.timedelta(days=1)).to_frame().set_index("table")
    assert frame.loc["orders", "state"] == "Ends before this day"
    assert frame.loc["refunds", "state"] == "Missing"
    assert "refund export" in frame.loc["refunds", "hint"]
