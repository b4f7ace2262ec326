import datetime as dt
import hashlib
import json

import pytest

from ecops_lib.core.errors import EcopsError
from ecops_lib.reports.manifest import as_json, describe_run, findings_bytes, manifest_bytes

MADE_AT = dt.datetime(2026, 11, 12, 9, tzinfo=dt.UTC)


def test_manifest_says_what_a_page_was_made_from(make_shop, tmp_path):
    shop = make_shop([dt.datetime(2026, 11, day, 4, tzinfo=dt.UTC) for day in (1, 2, 3)])
    notebook = tmp_path / "demo.ipynb"
    notebook.write_bytes(b"{}")
    run = describe_run(
        shop, notebook=notebook, parameters={"top": 3}, made_at=MADE_AT, day_chosen=False
    )
    assert run["notebook"] == {"name": "demo", "sha256": hashlib.sha256(b"{}").hexdigest()}
    assert run["parameters"] == {"top": 3}
    assert run["made_at"] == "2026-11-12T09:00:00+00:00"
    assert run["day_chosen"] is False
    assert run["store"]["version"] == 1
    assert run["store"]["tables"]["orders"]["rows"] == 3
    assert run["store"]["files"] == [{"name": "orders.csv", "sha256": "ab" * 32, "rows": 3}]
    assert run["bases"]["time_zone"] == "Asia/Shanghai"
    assert {"ecops", "python", "pandas", "duckdb"} <= set(run["versions"])


def test_manifest_lists_what_was_made_with_digests():
    held = json.loads(manifest_bytes({"made_at": "x"}, {"b.html": b"page", "a.xlsx": b""}))
    assert list(held["outputs"]) == ["a.xlsx", "b.html"]
    assert held["outputs"]["b.html"] == {
        "bytes": 4,
        "sha256": hashlib.sha256(b"page").hexdigest(),
    }


def test_findings_keep_their_numbers_and_language():
    found = [{"key": "k", "text": "转化率", "evidence": {"x": 0.1}}]
    held = json.loads(findings_bytes(found, as_of="2026-11-11", language="zh", notebook="demo"))
    assert held == {
        "notebook": "demo",
        "as_of": "2026-11-11",
        "language": "zh",
        "findings": found,
        "figures": [],
    }


def test_each_key_figure_is_kept_once():
    figure = {"kind": "rate", "key": "conversion_rate", "value": 0.04}
    bundles = [{"figures": [figure]}, {}, {"figures": [figure, {**figure, "kind": "expected"}]}]
    told = json.loads(findings_bytes([], bundles, as_of="d", language="en", notebook="n"))
    assert told["figures"] == [figure, {**figure, "kind": "expected"}]


def test_json_refuses_nan_and_keeps_chinese_readable():
    assert "中文" in as_json({"a": "中文"}).decode()
    with pytest.raises(EcopsError, match="not a number"):
        as_json({"a": float("nan")})
