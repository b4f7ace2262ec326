"""Promotions priced: baskets × designs per second on one core, and not a cent off.

Random baskets of one to eight lines are priced under random designs of one to five promotions
of every kind (满减, 每满, N件X折, 第二件半价, coupons that stack and that do not, gifts, presale,
group prices), and beside that by the tests' oracle: plain Python, one basket at a time,
fractions instead of rounding. Both must agree to the cent on every line. No library that
installs here knows these rules, so the oracle is the peer.

    python benchmarks/promotion_engine.py [--baskets 20000] [--designs 20]

Bars: 10,000 baskets × designs a CPU second; no line differs from the oracle; the lines of every
basket add up.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "campaigns" / "promotions"))

import numpy as np
import pandas as pd
from promotion_oracle import price_basket

from ecops_lib.campaigns.promotions import (
    Coupon,
    Discount,
    Gift,
    GroupPrice,
    NthItem,
    Presale,
    PricedBaskets,
    Promotion,
    Threshold,
    price_baskets,
)

LEAST = 10_000
PRODUCTS = [f"p{k:02d}" for k in range(40)]


def make_baskets(rng: np.random.Generator, count: int) -> pd.DataFrame:
    """Lines in the order in which the engine breaks ties."""
    basket = np.repeat(np.arange(count), rng.integers(1, 9, count))
    size = len(basket)
    frame = pd.DataFrame(
        {
            "basket_id": basket,
            "product_id": rng.choice(PRODUCTS, size),
            "sku_id": rng.choice(["a", "b"], size),
            "quantity": 1 + rng.poisson(0.4, size),
            "cents": rng.integers(100, 40_000, size),
            "is_presale": rng.random(size) < 0.1,
        }
    )
    frame["unit_price"] = frame["cents"] / 100
    frame["base"] = frame["cents"] * frame["quantity"]
    by = ["basket_id", "product_id", "sku_id", "base", "quantity", "is_presale"]
    return frame.sort_values(by, ignore_index=True)


def make_design(rng: np.random.Generator) -> list[Promotion]:
    low, high = np.sort(rng.choice(np.arange(1_000, 30_000), 2, replace=False)) / 100
    some = tuple(rng.choice(PRODUCTS, 15, replace=False).tolist())
    both = {"platform": 0.3, "merchant": 0.7}
    shelf: list[Promotion] = [
        Threshold(name="step", tiers=((high, 10.0), (2 * high, 25.5)), bearer=both),  # type: ignore[arg-type]
        Threshold(name="every", tiers=((high, 9.99),), every=True, cap=50.0),
        Discount(name="units", tiers=((2, 0.9), (3, 0.85)), products=some),
        NthItem(name="second", products=some),
        Coupon(name="shop", threshold=low, off=8.88),
        Coupon(name="rate", threshold=low, rate=0.93, cap=30.0, bearer="platform"),
        Coupon(name="alone", threshold=high, off=29.9, stackable=False),
        Gift(name="gift", cost=3.5, threshold=high),
        Presale(name="presale", deposit=0.5, worth=0.8),
        GroupPrice(name="group", price=low, products=some[:3]),
    ]
    return [shelf[k] for k in rng.choice(len(shelf), rng.integers(1, 6), replace=False)]


def ask_oracle(lines: pd.DataFrame, design: list[Promotion], count: int) -> tuple[float, list[int]]:
    """CPU seconds of the oracle, and what each line pays."""
    few = lines[lines["basket_id"] < count].assign(presale=lines["is_presale"], sold=True)
    baskets = [mine.to_dict("records") for _, mine in few.groupby("basket_id")]
    began = time.process_time()
    held = [price_basket(basket, design)["payable"] for basket in baskets]
    return time.process_time() - began, [cents for basket in held for cents in basket]


def adds_up(held: PricedBaskets) -> bool:
    """Whether each line's price and discounts are its base price, and bearers bear it all."""
    priced = held.priced
    lines = (priced.payable + priced.off.sum(axis=0) == priced.lines.base).all()
    return bool(lines and (priced.borne(priced.off).sum(axis=2) == priced.off).all())


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--baskets", type=int, default=20_000)
    parser.add_argument("--designs", type=int, default=20)
    parser.add_argument("--checked", type=int, default=300, help="baskets a design for the oracle")
    given = parser.parse_args()
    rng = np.random.default_rng(6)
    lines = make_baskets(rng, given.baskets)
    ours = theirs = 0.0
    off, wrong = 0, 0
    price_baskets(lines.head(100), promotions=make_design(rng))
    for _ in range(given.designs):
        design = make_design(rng)
        began = time.process_time()
        held = price_baskets(lines, promotions=design)
        ours += time.process_time() - began
        seconds, expected = ask_oracle(lines, design, given.checked)
        theirs += seconds
        off += int((held.priced.payable[: len(expected)] != np.array(expected)).sum())
        wrong += not adds_up(held)
    speed = given.baskets * given.designs / ours
    plain = given.checked * given.designs / theirs
    print(f"{given.baskets:,} baskets ({len(lines):,} lines) × {given.designs} designs")
    print(f"ecops  {speed:10,.0f} baskets × designs a CPU second")
    print(f"oracle {plain:10,.0f} baskets × designs a CPU second (ratio {speed / plain:,.0f})")
    print(f"lines that differ from the oracle: {off}; designs that do not add up: {wrong}")
    good = speed >= LEAST and not off and not wrong
    print("met" if good else "NOT met")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
