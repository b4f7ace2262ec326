"""Complaints that grow: planted ones are found with what they go with, chance ones are not."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from review_world import DAYS, LAST, START, ZONE, World, make_reviews, review, rows_of, table
from scipy.stats import fisher_exact

from ecops_lib.core.errors import MissingDataError, ParameterError
from ecops_lib.core.language import reading, set_reader
from ecops_lib.market.reviews import watch_complaints
from ecops_lib.market.reviews.changes import difference_interval, find_shift, find_since

PLANTED = World(product="P1")


def watch(tables: Any, **given: Any) -> Any:
    return watch_complaints(tables, **{"as_of": LAST, "time_zone": ZONE, **given})


@pytest.fixture(scope="module")
def planted() -> Any:
    """What is said of a shop with one defect."""
    return watch(make_reviews(PLANTED))


def test_a_shift_is_fishers_over_the_windows_tried() -> None:
    rng = np.random.default_rng(1)
    ages = np.sort(rng.integers(0, 100, 300))[::-1]
    hits = rng.random(300) < np.where(ages < 28, 0.3, 0.1)
    shift = find_shift(ages, hits)
    assert shift is not None
    tried = {}
    for days in (14, 28, 56):
        inside = ages < days
        square = [
            [int((hits & side).sum()), int((~hits & side).sum())] for side in (inside, ~inside)
        ]
        tried[days] = fisher_exact(square, alternative="greater").pvalue
    assert shift.p_more == pytest.approx(min(1, 3 * min(tried.values())))
    assert shift.days == min(tried, key=tried.__getitem__)
    assert (shift.now + shift.before, shift.of_now + shift.of_before) == (hits.sum(), 300)
    assert shift.rate > shift.usual


def test_windows_need_reviews_on_both_sides_and_hits() -> None:
    ages = np.arange(100)[::-1]
    assert find_shift(ages, ages >= 97) is None  # three hits
    assert find_shift(np.arange(12)[::-1], np.ones(12, bool)) is None  # one window, all inside
    with pytest.raises(ParameterError, match="ages must be days from 0"):
        find_shift(np.array([-1]), np.array([True]))


def test_a_change_falls_where_it_is_likeliest() -> None:
    rng = np.random.default_rng(2)
    ages = np.arange(400)[::-1]
    gaps = []
    for _ in range(40):
        hits = rng.random(400) < np.where(ages < 120, 0.4, 0.1)
        gaps.append(find_since(ages, hits) - 119)
    assert abs(np.median(gaps)) <= 6
    same = find_since(np.array([5, 5, 5, 2, 2, 2]), np.array([0, 0, 1, 1, 1, 1], bool))
    assert same == 2  # not within a day


def test_newcombes_interval_is_his_and_turns_with_its_sides() -> None:
    """Newcombe (1998), table II, method 10: 9/10 - 3/10 and 56/70 - 48/80."""
    assert difference_interval(9, 10, 3, 10) == pytest.approx((0.1705, 0.8090), abs=5e-5)
    low, high = difference_interval(48, 80, 56, 70)
    assert (-high, -low) == pytest.approx((0.0524, 0.3339), abs=5e-5)


def test_a_planted_complaint_is_found_with_its_day(planted: Any) -> None:
    held = planted
    grows = held.frame[held.frame["verdict"] == "grows"]
    assert {("P1", "smell"), ("P1", "stars")} <= set(
        zip(grows["product_id"], grows["aspect"], strict=True)
    )
    assert set(grows["product_id"]) <= {"P1", ""}
    row = grows[(grows["product_id"] == "P1") & (grows["aspect"] == "smell")].iloc[0]
    assert abs((row["since"] - pd.Timestamp(START.date())).days - PLANTED.since) <= 10
    assert row["low"] > 0
    assert row["q"] < 0.001
    keys = [f.key for f in held.findings()]
    assert "complaints/P1/smell" in keys
    assert not any(f.key == "complaints/*/smell" for f in held.findings())  # it is the product's
    early = watch(make_reviews(PLANTED), as_of=START.date() + dt.timedelta(days=PLANTED.since - 2))
    assert (early.frame["verdict"] == "level").all()


def test_a_complaint_that_ends_is_good_news() -> None:
    rows = rows_of(PLANTED)
    for row in rows:
        row["created_at"] = START + dt.timedelta(days=DAYS - 1) - (row["created_at"] - START)
        row.pop("carrier")
    held = watch({"reviews": table("reviews", rows)})
    row = held.frame[(held.frame["product_id"] == "P1") & (held.frame["aspect"] == "smell")].iloc[0]
    assert row["verdict"] == "falls"
    text = next(f for f in held.findings() if f.level == "good").text
    assert "has become more frequent" not in text.replace(
        "No complaint has become more frequent", ""
    )


def test_false_discoveries_are_rare() -> None:
    """Of rows told to grow one in twenty may be false; without any change, of shops."""
    wrong = 0
    for seed in range(12):
        rng = np.random.default_rng(seed)
        p = []
        for _ in range(60):
            ages = np.sort(rng.integers(0, 200, 80))[::-1]
            shift = find_shift(ages, rng.random(80) < 0.12)
            p += [] if shift is None else [shift.p_more]
        ranked = np.sort(p)
        wrong += bool((ranked <= 0.05 * np.arange(1, len(p) + 1) / len(p)).any())
    assert wrong <= 3  # binomial(12, .05) exceeds 3 once in 450


def test_a_carrier_is_told_where_it_is_the_cause() -> None:
    told = watch(
        make_reviews(World(product="P1", carrier="中通", share=0.8, count=900, blame=0.05))
    ).frame
    row = told[(told["product_id"] == "P1") & (told["aspect"] == "smell")].iloc[0]
    assert (row["link"], row["value"]) == ("carrier", "中通")
    assert row["share"] > row["others"]
    plain = watch(make_reviews(World(product="P1", share=0.8, count=900, blame=0.05))).frame
    row = plain[(plain["product_id"] == "P1") & (plain["aspect"] == "smell")].iloc[0]
    assert (row["verdict"], row["link"]) == ("grows", "")


def test_a_refund_reason_is_told_and_not_one_of_a_later_day() -> None:
    tables = make_reviews(World(product="P1", count=900, blame=0.05))
    told = []
    for late in (False, True):
        claims = [
            {"platform": "tmall", "refund_id": f"F{k}", "order_id": row["order_id"], "amount": 9,
             "status": "success", "reason": "质量问题" if row["rating"] == 1 else "不想要了",
             "applied_at": row["created_at"] + dt.timedelta(days=DAYS if late else 0)}
            for k, row in enumerate(tables["reviews"].to_pylist()) if row["rating"] in {1, 5}
        ]  # fmt: skip
        frame = watch({"reviews": tables["reviews"], "refunds": table("refunds", claims)}).frame
        row = frame[(frame["product_id"] == "P1") & (frame["aspect"] == "smell")].iloc[0]
        told.append((row["link"], row["value"]))
    assert told == [("refund_reason", "质量问题"), ("", "")]


def supplied(second: str, *, mixed: bool = False, world: World = PLANTED) -> dict[str, pa.Table]:
    """Goods of P1 from one supplier, since the complaints from another; two SKUs where mixed."""
    reviews = make_reviews(world)["reviews"]
    turn = START + dt.timedelta(days=PLANTED.since)
    base = {"platform": "tmall"}
    orders, items = [], []
    for k, row in enumerate(reviews.to_pylist()):
        smells = mixed and any(w in row["text"] for w in ("味", "stinks"))
        sku = f"{row['product_id']}-{'B' if smells else 'A'}"
        order = {**base, "order_id": row["order_id"], "created_at": row["created_at"]}
        orders.append({**order, "shipped_at": row["created_at"], "ordered_amount": 10})
        items.append({**order, "line_id": "1", "sku_id": sku, "product_id": row["product_id"],
                      "quantity": 1, "ordered_amount": 10, "paid_amount": 10})  # fmt: skip
        assert k < 2_000
    late = {"P1-B"} if mixed else {"P1-A", "P1-B"}
    bought = [
        {"purchase_id": name, "sku_id": f"{p}-{s}", "stage": "receipt", "supplier_id": supplier,
         "done_at": at}
        for p in ("P0", "P1", "P2", "P3", "P4") for s in "AB"
        for name, supplier, at in (
            ("PO1", "老厂", START - dt.timedelta(days=9)),
            *([("PO2", second, turn - dt.timedelta(days=1))] if f"{p}-{s}" in late else []),
        )
    ]  # fmt: skip
    return {"reviews": reviews, "orders": table("orders", orders),
            "order_items": table("order_items", items),
            "purchase_orders": table("purchase_orders", bought)}  # fmt: skip


def test_a_supplier_is_told_where_the_complaints_began_with_it() -> None:
    held = watch(supplied("新厂"))
    row = held.frame[(held.frame["product_id"] == "P1") & (held.frame["aspect"] == "smell")].iloc[0]
    assert (row["link"], row["value"]) == ("new_supplier", "新厂")
    text = next(f.text for f in held.findings() if f.key == "complaints/P1/smell")
    assert text.endswith("It began when the goods came from the supplier 新厂.")
    with reading("zh"):
        text = next(f.text for f in held.findings() if f.key == "complaints/P1/smell")
    assert text.endswith("开始。问题始于改由供应商“新厂”供货之后。")
    same = watch(supplied("老厂")).frame
    assert same[(same["product_id"] == "P1") & (same["aspect"] == "smell")].iloc[0]["link"] == ""


def test_a_delivery_is_told_from_others_of_the_same_days() -> None:
    held = watch(supplied("老厂", mixed=True))
    told = held.frame
    row = told[(told["product_id"] == "P1") & (told["aspect"] == "smell")].iloc[0]
    assert (row["link"], row["value"], row["others"]) == ("delivery", "PO2", 0)
    assert row["share"] == 1
    end = (
        " It goes with the delivery of the supplier PO2: 100.00% of its reviews since then against "
    )
    assert next(f.text for f in held.findings() if f.key == "complaints/P1/smell").endswith(
        f"{end}0.00% of the rest."
    )


def test_complaints_in_words(planted: Any) -> None:
    held = planted
    row = held.frame[(held.frame["product_id"] == "P1") & (held.frame["aspect"] == "smell")].iloc[0]
    found = {f.key: f for f in held.findings()}
    assert found["complaints/P1/smell"].text == (
        f"P1: more reviews blame the smell, {row['now']:.2%} of those of the last "
        f"{row['days']} days against {row['before']:.2%} before (q < 0.001), since about "
        f"{row['since']:%Y-%m-%d}."
    )
    assert found["complaints/P1/stars"].text.endswith("The aspect behind it is smell.")
    assert found["complaints/P1/smell"].action.owner == "purchasing"  # type: ignore[union-attr]
    assert len(found) <= 6
    calm = watch(make_reviews(World()))
    assert calm.findings()[0].text == (
        f"No complaint has become more frequent beyond chance ({calm.judged} rows of product and "
        "aspect looked at)."
    )
    few = watch({"reviews": table("reviews", [review(1, text="物流慢")])})
    assert str(few) == (
        "No complaint can be followed yet: it takes 5 that are alike, and 10 reviews before and "
        "after."
    )
    set_reader("zh")
    assert held.findings()[0].text.startswith("P1：")
    assert calm.findings()[0].text == (
        f"没有哪类抱怨的增多超出偶然（共检查 {calm.judged} 组商品与方面）。"
    )


@pytest.fixture(scope="module")
def small() -> Any:
    """Tables with every link, and what is said of them."""
    tables = supplied("新厂", world=World(product="P1", count=250, share=1.0))
    return tables, watch(tables).frame


def test_complaints_are_the_same_in_every_engine(light_engine: Any, small: Any) -> None:
    tables, frame = small
    assert "new_supplier" in set(frame["link"])
    assert watch(light_engine(tables)).frame.equals(frame)


def test_odd_shops_get_a_result_or_the_named_error() -> None:
    with pytest.raises(MissingDataError, match="holds no reviews"):
        watch({})
    one = watch(
        {"reviews": table("reviews", [review(k, rating=1.0, text="难闻") for k in range(40)])}
    )
    assert one.judged == 0
    assert one.chart() is None
    bare = watch({"reviews": table("reviews", [review(k, rating=5.0) for k in range(40)])})
    assert bare.findings() == ()


def amazon(file: Path, columns: tuple[str, str, str], every: int) -> dict[str, pa.Table]:
    held = pd.read_parquet(file, columns=list(columns)).iloc[::every]
    days, stars, texts = (held[name].tolist() for name in columns)
    return {"reviews": table("reviews", [
        review(k, product_id=file.stem, created_at=day.tz_localize("UTC").to_pydatetime(),
               rating=float(star), text=text)
        for k, (day, star, text) in enumerate(zip(days, stars, texts, strict=True))
    ])}  # fmt: skip


@pytest.mark.realdata
def test_the_pillow_drifts_and_alexa_does_not(shared: Path) -> None:
    """Mean stars of the pillow fell from 4.31 in 2016 to 3.48 in 2022; a part of them here."""
    folder = shared / "reviews_amazon_en"
    columns = ("review_date", "review_rating", "review_text")
    pillow = watch(
        amazon(folder / "pillow.parquet", columns, 8), as_of="2022-01-16", time_zone="UTC"
    )
    grows = pillow.frame[pillow.frame["verdict"] == "grows"]["aspect"].tolist()
    assert set(grows[:2]) == {"stars", "quality"}
    drift = next(f for f in pillow.findings() if f.key == "complaints/pillow/stars")
    assert drift.text.endswith("The aspect behind it is quality.")
    columns = ("date", "rating", "verified_reviews")
    alexa = watch(amazon(folder / "alexa.parquet", columns, 8), as_of="2018-07-31", time_zone="UTC")
    assert "grows" not in set(alexa.frame["verdict"])
