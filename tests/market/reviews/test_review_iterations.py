"""What to improve: money against a count by hand, the file kept, and what became of it."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from review_world import LAST, START, ZONE, World, make_reviews, review, table

from ecops_lib.core.errors import MissingDataError, ParameterError, StoreError
from ecops_lib.core.language import reading, set_reader
from ecops_lib.data.schema import arrow_schema
from ecops_lib.data.store import Store, create_store, open_store
from ecops_lib.market.reviews import (
    count_aspects,
    keep_iterations,
    list_iterations,
    quote_reviews,
    rate_sentiment,
    read_iterations,
    read_reviews,
    watch_complaints,
)
from ecops_lib.market.reviews.changes import difference_interval
from ecops_lib.market.reviews.stakes import weigh_blame, weigh_refunds

SINCE = START.date()


def listed(tables: Any, **given: Any) -> Any:
    return list_iterations(tables, **{"as_of": LAST, "days": 200, "time_zone": ZONE, **given})


def shop(*, reason: str = "有异味", returned: int = 12) -> dict[str, pa.Table]:
    """P1 smells: 12 of its 40 order lines come back for that, one of the others' 160."""
    texts = [("P1", "有异味,难闻", 1.0)] * 10 + [("P1", "很好喝", 5.0)] * 30
    texts += [(f"P{k}", "很喜欢,质量好", 5.0) for k in (2, 3, 4) for _ in range(40)]
    texts += [("P2", "有异味", 1.0)]
    base = {"platform": "tmall", "created_at": START}
    lines = [{**base, "order_id": f"{p}-{k}", "line_id": "1", "sku_id": f"{p}-S",
              "product_id": p if p != "P1" else None, "quantity": 1, "ordered_amount": 50,
              "paid_amount": 50}
             for p in ("P1", "P2", "P3", "P4", "P5") for k in range(40)]  # fmt: skip
    claims = [*[("P1-S", "success", reason)] * returned, ("P2-S", "success", reason),
              ("P3-S", "closed", reason), ("P1-S", "success", "不想要了"),
              (None, "success", reason)]  # fmt: skip
    refunds = [{"platform": "tmall", "refund_id": f"F{k}", "sku_id": sku, "applied_at": START,
                "status": status, "reason": why, "amount": 30}
               for k, (sku, status, why) in enumerate(claims)]  # fmt: skip
    stock = [{"day": SINCE, "warehouse_id": "*", "sku_id": f"P{k}-S", "product_id": f"P{k}",
              "on_hand": 1} for k in range(1, 6)]  # fmt: skip
    return {
        "reviews": table("reviews", [review(k, product_id=p, text=t, rating=s)
                                     for k, (p, t, s) in enumerate(texts)]),
        "order_items": table("order_items", lines), "refunds": table("refunds", refunds),
        "inventory": table("inventory", stock),
        "products": table("products", [{"platform": "tmall", "product_id": "P1",
                                        "product_name": "茉莉花茶"}]),
    }  # fmt: skip


@pytest.fixture(scope="module")
def costly() -> Any:
    """The list of the shop with a smell."""
    return listed(shop())


def test_money_is_the_excess_of_refunds_by_hand() -> None:
    held = read_reviews(shop(), as_of=LAST, time_zone=ZONE)
    row = weigh_refunds(held, SINCE).set_index(["product_id", "aspect"]).loc[("P1", "smell")]
    low, high = difference_interval(12, 40, 1, 160)
    assert row["sales"] == 40 * 50
    assert row["refunds"] == 12
    assert row["money"] == pytest.approx((12 / 40 - 1 / 160) * 40 * 30)
    assert (row["money_low"], row["money_high"]) == pytest.approx((low * 1200, high * 1200))


def test_blame_and_stars_are_those_of_a_count_by_hand() -> None:
    held = read_reviews(shop(), as_of=LAST, time_zone=ZONE)
    row = weigh_blame(held, SINCE).set_index(["product_id", "aspect"]).loc[("P1", "smell")]
    assert (row["complaints"], row["texts"]) == (10, 40)
    assert (row["share"], row["others"]) == (0.25, pytest.approx(1 / 121))
    assert row["stars_lost"] == pytest.approx(5 - 4)  # the mean is 4 and would be 5
    later = weigh_blame(held, SINCE + dt.timedelta(days=1))
    assert later.empty


def test_the_costliest_comes_first_in_words(costly: Any) -> None:
    held = costly
    assert held.frame["key"].tolist() == ["P1/smell"]
    row = held.frame.iloc[0]
    money, low, high = (f"¥{row[name]:.2f}" for name in ("money", "money_low", "money_high"))
    assert [f.text for f in held.findings()] == [
        f"茉莉花茶 · smell: refunds for it beyond those of other products cost {money} in 200 days "
        f"({low} to {high}); 25.00% of the reviews blame it, against 0.83% of the others'."
    ]
    assert held.findings()[0].money == row["money"]
    assert held.to_frame()["status_word"].tolist() == ["new"]
    assert held.chart() is not None
    set_reader("zh")
    assert held.findings()[0].text == (
        f"茉莉花茶 · 气味：200 天内因此多退款 {money}（{low} 至 {high}，与其他商品相比）；"
        "25.00% 的评价批评它，其他商品为 0.83%。"
    )


def test_what_cannot_be_told_is_not_called_nothing() -> None:
    unknown = listed(shop(reason="不想要了"))
    assert np.isnan(unknown.frame["money"].iloc[0])
    row = unknown.frame.iloc[0]
    stake = row["sales"] * (row["share"] - row["others"])
    assert unknown.findings()[0].text == (
        "茉莉花茶 · smell: 25.00% of the reviews blame it, against 0.83% of the others'. No refund "
        "reason names it, so its cost is not known; as large a part of its sales beyond the "
        f"others' is ¥{stake:,.2f} in 200 days."
    )
    assert unknown.findings()[0].money == pytest.approx(stake)
    same = listed(shop(returned=1))
    assert same.findings()[0].text.startswith(
        "茉莉花茶 · smell: 25.00% of the reviews blame it, against 0.83% of the others'; its "
        "refunds do not differ surely from other products' (at most ¥"
    )
    bare = listed({"reviews": shop()["reviews"]})
    assert np.isnan(bare.frame["money"].iloc[0])
    good = listed(
        {"reviews": table("reviews", [review(k, text="很好", rating=5.0) for k in range(9)])}
    )
    assert [f.text for f in good.findings()] == [
        "In the last 200 days no product is blamed for anything beyond the others, and nothing is "
        "left on the list."
    ]
    with pytest.raises(ParameterError, match="days is 3"):
        listed(shop(), days=3)
    with pytest.raises(MissingDataError, match="holds no reviews"):
        listed({})


def test_a_planted_defect_is_listed_and_a_clean_shop_has_none() -> None:
    keys = set(listed(make_reviews(World(product="P1"))).frame["key"])
    assert "P1/smell" in keys
    assert keys <= {key for key in keys if key.startswith("P1/")}
    assert listed(make_reviews(World(seed=4))).frame.empty


@pytest.fixture(scope="module")
def counted() -> Any:
    """Aspects of the shop with a smell and a case of its service desk, and its tables."""
    cases = [{"platform": "tmall", "ticket_id": "T", "opened_at": START, "topic": "物流查询"}]
    tables = {**shop(), "tickets": table("tickets", cases)}
    return tables, count_aspects(tables, as_of=LAST, time_zone=ZONE).frame


def test_lists_and_aspects_are_the_same_in_every_engine(
    light_engine: Any, counted: Any, costly: Any
) -> None:
    held = read_reviews(light_engine(counted[0]), as_of=LAST, time_zone=ZONE)
    pd.testing.assert_frame_equal(listed(held).frame, costly.frame)
    pd.testing.assert_frame_equal(count_aspects(held, as_of=LAST).frame, counted[1])


def store_of(folder: Path, tables: dict[str, pa.Table]) -> Store:
    store = create_store(folder, name="Test", key=b"k" * 32)
    with store.writing() as writer:
        for name, held in tables.items():
            writer.upsert(name, held.cast(arrow_schema(name)))
    return open_store(folder)


def test_the_file_keeps_what_a_hand_wrote_and_the_next_list_follows_it_up(tmp_path: Path) -> None:
    texts = [(k, "有异味,难闻" if k < 100 and k % 4 == 0 else "很好喝") for k in range(200)]
    rows = [review(k, product_id="P1", text=t, rating=5.0, created_at=START + dt.timedelta(days=k))
            for k, t in texts]  # fmt: skip
    rows += [review(500 + k, product_id="P2", text="很好", rating=5.0) for k in range(100)]
    store = store_of(tmp_path / "shop", {"reviews": table("reviews", rows)})
    early = START.date() + dt.timedelta(days=99)
    first = keep_iterations(store.path, listed(store, as_of=early, time_zone=None))
    assert [(row["key"], row["status"], row["since"]) for row in first.rows] == [
        ("P1/smell", "open", early)
    ]
    waiting = listed(store, as_of=early, time_zone=None)
    assert waiting.findings()[-1].text == (f"1 item of the list waits to be begun, since {early}.")
    file = store.path / "iterations.toml"
    done = START.date() + dt.timedelta(days=100)
    text = file.read_text("utf-8").replace('status = "open"', f'status = "done"\ndone_on = {done}')
    file.write_text(text.replace('note = ""', 'note = "换了罐子"\nmine = 7'), "utf-8")
    after = listed(store, time_zone=None)
    row = after.frame.set_index("key").loc["P1/smell"]
    assert (row["status"], row["was"], row["after"], row["effect"]) == ("done", 0.25, 0.0, "better")
    assert (
        f"P1 · smell: done on {done}, and complaints fell from 25.00% to 0.00% of the reviews."
        in [f.text for f in after.findings()]
    )
    kept = keep_iterations(store.path, after).rows[0]
    assert (kept["note"], kept["mine"], kept["done_on"], kept["as_of"]) == (
        "换了罐子",
        7,
        done,
        LAST,
    )
    assert (store.path / "iterations.history" / "0001.toml").exists()
    assert keep_iterations(store.path, after).revision == 2


@pytest.mark.parametrize(
    ("effect", "english", "chinese"),
    [
        (
            "worse",
            "茉莉花茶 · smell: done on 2026-05-01, and yet complaints rose from 10.00% to 30.00% "
            "of the reviews; open it again.",
            "茉莉花茶 · 气味：2026-05-01 完成改进，但抱怨占评价的比例由 10.00% 升到 30.00%，"
            "请重新打开。",
        ),
        (
            "open",
            "茉莉花茶 · smell: done on 2026-05-01; whether it helped cannot be told yet (10.00% of "
            "the reviews before, 30.00% since).",
            "茉莉花茶 · 气味：2026-05-01 完成改进，是否见效还说不准（此前占评价 10.00%，"
            "此后 30.00%）。",
        ),
    ],
)
def test_what_became_of_it_in_words(costly: Any, effect: str, english: str, chinese: str) -> None:
    held = costly
    done = held.frame.assign(
        status="done", effect=effect, done_on=dt.date(2026, 5, 1), was=0.1, after=0.3
    )
    told = replace(held, frame=done)
    assert told.findings()[0].text == english
    with reading("zh"):
        assert told.findings()[0].text == chinese


def test_chinese_sentences_hold_no_english() -> None:
    tables = make_reviews(World(product="P1"))
    with reading("zh"):
        results = [listed(tables), listed(shop(returned=1)), listed(shop(reason="不想要了"))]
        makers = (rate_sentiment, count_aspects, watch_complaints, quote_reviews)
        results += [make(tables, as_of=LAST, time_zone=ZONE) for make in makers]
        texts = [f.text for held in results for f in held.findings()]
        texts += [f.action.text + f.action.owner for held in results for f in held.findings()
                  if f.action]  # fmt: skip
        texts += [heading for held in results for heading in held.headings().values()]
    assert len(texts) > 60
    plain = [text.replace("iterations.toml", "") for text in texts]
    assert [text for text in plain if re.search("[A-Za-z]{2}", text)] == []


def test_too_few_reviews_since_tell_nothing() -> None:
    texts = ["难闻"] * 5 + ["好"] * 60
    rows = [review(k, text=t, created_at=START + dt.timedelta(days=k)) for k, t in enumerate(texts)]
    held = read_reviews({"reviews": table("reviews", rows)}, as_of=LAST, time_zone=ZONE)
    from ecops_lib.market.reviews.iterations import _effect

    assert _effect(held, "P0", "smell", START.date() + dt.timedelta(days=60), 180)[2] == "open"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[[iterations]]\nkey = "P1"', "has the key 'P1'; write it as product/aspect"),
        ('[[iterations]]\nkey = "P1/smell"\nstatus = "opne"', "is 'opne'; .*did you mean 'open'"),
        ('[[iterations]]\nkey = "P1/smell"\ndone_on = "2026-01-01"', "write a day such as"),
    ],
)
def test_a_wrong_list_is_refused(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "iterations.toml").write_text(text, "utf-8")
    with pytest.raises((StoreError, ParameterError), match=said):
        read_iterations(tmp_path)
