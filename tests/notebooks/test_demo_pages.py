"""The pages on customers, supply and campaigns end to end, from one demo shop."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ecops_lib import open_store
from ecops_lib.customers import score_customers, segment_customers
from ecops_lib.data.coverage import report_day
from ecops_lib.data.demo import write_demo
from ecops_lib.data.imports import import_files
from ecops_lib.diagnosis.periods.sections import PeriodBase
from ecops_lib.diagnosis.terms import rate_search_terms
from ecops_lib.market.sections import CompetitorBase
from ecops_lib.reports.rules import notebook_problems
from ecops_lib.reports.runner import RunResult, run_notebook
from tests.warm import warm

STAMP = "2026-10-28T08:00"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("demo")
    shop = write_demo(folder, months=8, orders=3_000)
    import_files([shop.exports], store=folder / "store")
    return folder


def run(folder: Path, notebook: str = "customer_segments", **parameters: str) -> RunResult:
    return run_notebook(notebook, store=folder / "store", out=folder / "out",
                        parameters=parameters, made_at=STAMP, managers=warm)  # fmt: skip


@pytest.fixture(scope="module")
def chinese(folder: Path) -> RunResult:
    return run(folder, lang="zh", audience="management")


def test_the_page_tells_the_tiers_of_the_store(folder: Path, chinese: RunResult) -> None:
    found = {str(f["key"]): f for f in chinese.findings}
    scores = score_customers(open_store(folder / "store"), as_of=chinese.values["as_of"])
    tiers = segment_customers(scores)
    for rule, held in zip(tiers.segmentation.rules, tiers.sums, strict=True):
        told = found.get(f"segment/tiers/{rule.key}")
        if told is not None:
            assert told["evidence"]["customers"] == held.customers
            assert told["action"]["owner"] == "用户运营"
    assert {"segment/tiers/core", "moves/core/potential", "rfm/ties"} <= set(found)
    assert "NaN" not in json.dumps(chinese.findings)


def test_the_chinese_page_for_managers_says_it_in_chinese(chinese: RunResult) -> None:
    page = chinese.page.read_text("utf-8")
    for words in ("核心客户", "潜力客户", "沉睡客户", "迁移矩阵", "潜在客户", "用户运营"):
        assert words in page
    for heading in ("本周联系谁", "之前的触达带来了什么", "客户标签", "会员、积分、社群与老带新"):
        assert heading in page
    assert "review_customers" not in page
    assert "customers have brought" not in page


def test_the_page_on_supply_finds_what_was_planted(folder: Path) -> None:
    held = run(folder, "supply_chain", lang="zh", audience="management")
    found = {str(f["key"]): f for f in held.findings}
    truths = json.loads((folder / "truths.json").read_text("utf-8"))
    assert f"suppliers/on_time/{truths['suppliers']['slow']}" in found
    assert "suppliers/in_full/" + truths["suppliers"]["short"] in found
    assert found["suppliers/thin"]["text"].find(truths["suppliers"]["newcomer"]) > 0
    assert truths["stock_out"]["product_name"] in held.page.read_text("utf-8")
    assert "NaN" not in json.dumps(held.findings)
    page = held.page.read_text("utf-8")
    for heading in ("什么会断货，什么时候断", "今天该补什么货", "预计会卖多少", "在途的采购单"):
        assert heading in page
    assert "review_supply" not in page


def test_the_retro_tells_its_campaign_and_what_lacks(folder: Path) -> None:
    held = run(folder, "campaign_retro", lang="zh", audience="management")
    found = {str(f["key"]): f for f in held.findings}
    assert {"goals/first", "campaign/loyalty"} <= set(found) or "goals/none" in found
    page = held.page.read_text("utf-8")
    for heading in (
        "真正带来了什么",
        "增量是怎么算出来的，抢了谁的生意",
        "该停、该加、该再试的关键词",
    ):
        assert heading in page
    assert "review_campaign" not in page
    assert "NaN" not in json.dumps(held.findings)


def test_the_plan_names_what_it_breaks_down_and_what_it_cannot_check(folder: Path) -> None:
    held = run(folder, "campaign_plan", lang="zh", audience="management")
    found = {str(f["key"]) for f in held.findings}
    assert "plan/unknown" in found  # the coming festival has no targets
    page = held.page.read_text("utf-8")
    for heading in ("每天、每小时要完成多少", "优惠要花多少钱", "目标、库存、流量、预算对得上吗"):
        assert heading in page
    assert "NaN" not in json.dumps(held.findings)


def test_competitors_moves_are_found_on_the_page(folder: Path) -> None:
    held = run(folder, "competitor_analysis", lang="zh", audience="management")
    found = {str(f["key"]): f for f in held.findings}
    assert "prices/leaders/清风茶居/素木生活馆" in found
    assert "prices/leaders/素木生活馆/清风茶居" not in found
    page = held.page.read_text("utf-8")
    for heading in ("我们的价格处在什么位置", "谁先动手", "哪些是同款", "怎么应对他们的动作"):
        assert heading in page
    assert "NaN" not in json.dumps(held.findings)
    planted = json.loads((folder / "truths.json").read_text("utf-8"))
    [told] = [str(f["text"]) for key, f in found.items()
              if key.startswith("rules/") and "平台搜索排序规则调整" in str(f["text"])]  # fmt: skip
    assert told.endswith("的影响无法判断：可供对照的平常周太少。")
    cut = planted["competitor_cut"]["product_id"]
    assert any(key.startswith(f"responses/{cut}/") for key in found)
    assert f"terms/untried/{planted['market_moves']['rising']}" in found


def test_planted_matches_are_found_without_labels(folder: Path) -> None:
    told = json.loads((folder / "truths.json").read_text("utf-8"))["rivals"]["matches"]
    truth = {(m["product_id"], f"{m['competitor']}/{m['item_id']}") for m in told}
    store = open_store(folder / "store")
    sure = CompetitorBase(store, day=report_day(store, "")).matches.sure
    alone = sure[sure["source"] == "alone"]
    taken = set(alone[["our_id", "their_id"]].itertuples(index=False, name=None))
    assert len(taken & truth) >= 0.9 * len(truth)
    assert len(taken & truth) >= 0.9 * len(taken)


def test_the_feedback_page_says_what_to_improve(folder: Path) -> None:
    held = run(folder, "customer_feedback", lang="zh", audience="management")
    page = held.page.read_text("utf-8")
    for heading in ("该改进什么", "变多的抱怨", "差评用词与原话"):
        assert heading in page
    assert "NaN" not in json.dumps(held.findings)
    defect = json.loads((folder / "truths.json").read_text("utf-8"))["review_defect"]
    found = {str(finding["key"]): finding for finding in held.findings}
    told = found[f"complaints/{defect['product_id']}/{defect['aspect']}"]
    assert told["level"] == "bad"
    assert defect["from"] in str(told["text"])
    assert f"iterations/{defect['product_id']}/{defect['aspect']}" in found


@pytest.mark.parametrize(
    "name",
    ["campaign_plan", "campaign_retro", "competitor_analysis", "customer_feedback",
     "customer_segments", "supply_chain"],
)  # fmt: skip
def test_the_notebooks_keep_the_rules(name: str) -> None:
    path = Path(__file__).parents[2] / "notebooks" / f"{name}.ipynb"
    assert notebook_problems(path) == []


def test_the_week_is_summed_up_with_exact_parts(folder: Path) -> None:
    page = run(folder, "period_review", lang="zh", period="2026-W39")
    assert page.values["as_of"] == "2026-09-27"
    assert page.folder.name == "2026-W39-zh"
    found = {str(f["key"]): f for f in page.findings}
    assert str(found["period"]["text"]) == "2026-W39（2026-09-21 至 2026-09-27）"
    html = page.page.read_text("utf-8")
    assert "2026-W39（2026-09-21 至 2026-09-27）" in html
    assert "<script>alert" not in html
    base = PeriodBase(open_store(folder / "store"), period="2026-W39")
    assert round(sum(one.part for one in base.drivers.drivers), 2) == base.drivers.change
    parts = found["drivers"]["evidence"]
    assert isinstance(parts, dict)
    assert round(sum(parts.values()), 2) == base.drivers.change


def test_the_last_week_names_the_planted_page_and_terms(folder: Path) -> None:
    truths = json.loads((folder / "truths.json").read_text("utf-8"))
    broken, base = truths["page_break"], PeriodBase(open_store(folder / "store"))
    assert base.period.first.isoformat() >= broken["from"]
    steps, found = base.paths
    [told] = [finding for finding in found.findings() if finding.action]
    assert told.key == f"rates/detail/device={broken['device']}&page={broken['page']}"
    [part] = next(one for one in found.changes if one.key == "detail").split.parts
    assert part.rate == pytest.approx(broken["share"], abs=0.06)
    quarter = rate_search_terms(base.history, **base.quarter)
    terms = quarter.frame.set_index("term")["verdict"]
    planted = {one["kind"]: one["term"] for one in truths["search_terms"] if one["kind"]}
    assert terms[planted["missing"]] == "add"
    assert terms[planted["misleading"]] == "misleads"
    assert set(terms.drop(list(planted.values()))) == {"keep"}
    assert steps.to_frame()["visit"].iloc[0] > 1000
