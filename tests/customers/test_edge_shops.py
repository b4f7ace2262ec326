"""Every public function on every odd shop: a named error, or a result that is honest."""

from __future__ import annotations

import inspect
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ecops_lib import customers
from ecops_lib.core.bundle import result_bundle
from ecops_lib.core.errors import EcopsError
from ecops_lib.core.results import Result
from ecops_lib.customers import lifetime
from ecops_lib.customers.playbook import Playbook, TierPlan
from tests.customers.customer_shop import ZONE, day, make_shop
from tests.customers.edge_shops import LAST, WILD, shops, to_store
from tests.customers.test_acquisition import ORDERS, REFUNDS

SHOPS = shops()
DRAWN = ("wild names", "all free")
"""Shops whose charts are drawn as well, which takes longest."""
AS_OF = day(LAST - 1)
SPANS: dict[str, Any] = {
    "as_of": AS_OF, "margin": 0.4, "start": day(60), "end": AS_OF, "split": day(80),
    "after": day(60), "until": AS_OF, "by": "channel",
    "tiers": customers.make_tiers(high_value=20),
}  # fmt: skip


def asks_a_shop(make: object) -> bool:
    """Whether a function's first argument is a store or tables."""
    names = inspect.signature(make).parameters if inspect.isfunction(make) else {}
    return next(iter(names), "") == "source"


ASKED = {
    name: getattr(home, name)
    for home in (customers, lifetime)
    for name in home.__all__
    if asks_a_shop(getattr(home, name)) and name != "measure_drift"
}
"""All but the one that needs a fit, which those who fit call."""


def options_of(make: Callable[..., Any]) -> dict[str, Any]:
    """Of what a function asks for, what it has no default of, and the time zone."""
    asked = inspect.signature(make).parameters
    needed = {n for n, p in asked.items() if p.kind is p.KEYWORD_ONLY and p.default is p.empty}
    return {**{name: SPANS[name] for name in needed}, **(ZONE if "time_zone" in asked else {})}


def check_honest(result: object, *, drawn: bool = True) -> None:
    """No NaN in words, no HTML from data, every finding with a sentence and a key."""
    if not isinstance(result, Result):
        return
    text = str(result)
    if drawn:
        assert "<script>" not in result._repr_html_()
    json.dumps(result_bundle(result), allow_nan=False)
    if result.absent():
        assert result.absent().endswith((".", "。"))
        return
    assert text
    for finding in result.findings():
        assert finding.key
        assert finding.text.strip()
        for wrong in ("nan", "NaN", "inf ", "None", "{", "—"):
            assert wrong not in finding.text.replace(WILD, "").replace("{brace}", ""), finding.text
        assert finding.money is None or (math.isfinite(finding.money) and finding.money >= 0)


@pytest.mark.parametrize("shop", SHOPS)
@pytest.mark.parametrize("name", ASKED)
def test_an_odd_shop_gives_an_honest_result_or_a_named_error(name: str, shop: str) -> None:
    make = ASKED[name]
    try:
        result = make(dict(SHOPS[shop]), **options_of(make))
    except EcopsError as error:
        said = str(error)
        assert said.endswith(".")
        assert "\n" not in said
        return
    check_honest(result, drawn=shop in DRAWN)


@pytest.mark.parametrize("shop", SHOPS)
def test_segments_and_touches_of_an_odd_shop_add_up(shop: str) -> None:
    try:
        scores = customers.score_customers(SHOPS[shop], as_of=AS_OF, **ZONE)
    except EcopsError:
        assert shop in {"empty", "nobody known", "everything refunded"}
        return
    book = Playbook(tiers={"core": TierPlan(benefit=WILD)})
    for by in ("tiers", "groups", "shopify"):
        held = customers.segment_customers(scores, by=by)  # type: ignore[arg-type]
        assert sum(row.customers for row in held.sums) == len(scores.people)
        check_honest(held)
    tiers = customers.segment_customers(scores)
    check_honest(customers.plan_touches(tiers, book))


def test_the_odd_shops_are_as_odd_as_they_say() -> None:
    def scored(shop: str) -> Any:
        return customers.score_customers(SHOPS[shop], as_of=AS_OF, **ZONE)

    assert scored("more back than spent").people.mils.max() < 0
    assert scored("refunds beyond payment").apart.refunded_amount < 0
    assert scored("all free").people.mils.max() == 0
    assert len(scored("one customer").people) == 1
    assert set(scored("one day").people.age) == {0}
    for nobody in ("empty", "nobody known", "everything refunded"):
        with pytest.raises(EcopsError, match="no known buyer has bought"):
            scored(nobody)


def test_a_search_lost_in_rounding_has_no_maximum() -> None:
    """Purchases without a pattern drive the parameters to where nothing curves any more."""
    shop = make_shop(ORDERS, refunds=REFUNDS)
    fit = lifetime.fit_lifetime(shop, as_of=day(200), **ZONE)
    lost = [model for model in fit.models if not model.reached]
    assert lost
    for model in lost:
        assert math.isnan(model.covariance[0, 0])
        assert f"{model.label} found no best parameters" in str(fit)


Ecops = Callable[..., tuple[int, str, str]]


def run_page(ecops: Ecops, folder: Path, shop: str) -> tuple[int, str, str]:
    to_store(folder / "S", SHOPS[shop])
    return ecops("run", "customer_segments", "--store", folder / "S", "--out", folder / "out",
                 "--as-of", AS_OF, "--lang", "en")  # fmt: skip


def test_the_page_of_wild_names_shows_them_as_text(ecops: Ecops, tmp_path: Path) -> None:
    code, _, error = run_page(ecops, tmp_path, "wild names")
    assert code == 0, error
    [page] = (tmp_path / "out").rglob("customer_segments.html")
    html = page.read_text("utf-8")
    assert "<script>alert" not in html
    [findings] = (tmp_path / "out").rglob("findings.json")
    assert "NaN" not in findings.read_text("utf-8")


def test_the_page_of_one_customer_is_made(ecops: Ecops, tmp_path: Path) -> None:
    code, _, error = run_page(ecops, tmp_path, "one customer")
    assert code == 0, error
    [findings] = (tmp_path / "out").rglob("findings.json")
    assert "1 customer" in findings.read_text("utf-8")


def test_the_page_of_nobody_known_says_so_in_one_sentence(ecops: Ecops, tmp_path: Path) -> None:
    code, out, error = run_page(ecops, tmp_path, "nobody known")
    assert (code, out) == (1, "")
    said = [line for line in error.splitlines() if line.startswith("ecops: ")]
    assert len(said) == 1
    assert "no known buyer has bought" in said[0]
    assert "Traceback" not in error
