"""The demo shop's own campaign, and that of a shop in which nothing was planted."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest

from ecops_lib.campaigns.editions import campaign_named, find_campaigns
from ecops_lib.campaigns.effect import CampaignEffect, measure_effect
from ecops_lib.core.language import set_reader
from ecops_lib.data.demo import Truths, write_demo
from ecops_lib.data.demo.truths import OwnCampaign
from ecops_lib.data.imports import import_files
from ecops_lib.data.store import create_store, open_store

DAY = dt.date(2026, 10, 10)


def read(folder: Path, **made: Any) -> tuple[CampaignEffect, dict[str, Any]]:
    shop = write_demo(folder, **made)
    create_store(folder / "store", name="Demo", campaigns=shop.campaigns)
    import_files([shop.exports], store=folder / "store")
    store = open_store(folder / "store")
    campaign = campaign_named(find_campaigns(store), "秋茶节-2026")
    told = json.loads((folder / "truths.json").read_text("utf-8"))["own_campaigns"]
    [mine] = [c for c in told if c["campaign_id"] == "秋茶节-2026"]
    return measure_effect(store, campaign=campaign, as_of=DAY), mine


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("planted")


@pytest.fixture(scope="module")
def planted(folder: Path) -> tuple[CampaignEffect, dict[str, Any]]:
    return read(folder, truths=Truths(incidents=None))


def test_the_planted_lift_lies_in_the_interval(planted: Any) -> None:
    effect, truth = planted
    sale = effect.parts.sale
    assert sale.claimed
    assert sale.low <= truth["burst"]["paid_amount_more"] <= sale.high
    units = effect.parts.units
    assert units.low <= truth["burst"]["units_more"] <= units.high


def test_what_was_borrowed_and_who_was_cannibalised_is_named(planted: Any) -> None:
    effect, truth = planted
    for part, name in ((effect.parts.before, "before"), (effect.parts.after, "after")):
        assert part is not None
        assert part.low <= truth[name]["paid_amount_more"] <= part.high
    assert effect.parts.after.claimed
    changed = {s.product_id: s.lines for s in effect.lost_sisters}
    assert changed[truth["cannibalised"]["product_id"]] < 0
    assert changed[truth["halo"]["product_id"]] > 0
    set_reader("zh", "CNY")
    texts = " ".join(f.text for f in effect.findings())
    assert truth["cannibalised"]["product_name"] in texts
    assert "是从活动后几天借来的" in texts
    assert effect.account is not None
    assert effect.account.refund_rate > effect.account.usual_rate


@pytest.mark.usefixtures("planted")
def test_its_lessons_are_kept_from_the_command_line(folder: Path, ecops: Any) -> None:
    asked = (
        "keep-lessons",
        "--store",
        folder / "store",
        "--campaign",
        "秋茶节-2026",
        "--lang",
        "zh",
    )
    code, out, _ = ecops(*asked)
    file = folder / "store" / "campaign_playbook.toml"
    assert code == 0
    assert out.strip().endswith(f"条经验已写入 {file}。")
    assert "它会透支之后几天的生意" in file.read_text("utf-8")
    code, _, err = ecops("keep-lessons", "--store", folder / "store", "--campaign", "nobody")
    assert code == 1
    assert "campaign is 'nobody'; the shop has " in err


def test_where_nothing_was_planted_no_lift_can_be_shown(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    nothing = Truths(own_campaigns=OwnCampaign(lift=1))
    folder = tmp_path_factory.mktemp("nothing")
    effect, truth = read(folder, truths=nothing, months=10, orders=14_000)
    assert truth["burst"]["lines_more"] == 0
    assert not effect.parts.sale.claimed
    set_reader("zh", "CNY")
    assert any("看不出增量" in f.text for f in effect.findings())
    assert truth["cannibalised"]["product_id"] not in {s.product_id for s in effect.lost_sisters}
