"""A member list through mapping.toml: the customer who brought another becomes the same hash."""

from __future__ import annotations

from pathlib import Path

from export_files import ORDER_HEADER, load, order, rows_of, write

MAPPING = """
[[file]]
match = "会员*.csv"
table = "customers"
[file.columns]
buyer_key = "会员名"
referred_by = "推荐人"
community_joined_at = "入群时间"
level = "等级"
"""


def test_referrers_are_hashed_as_the_buyers_of_orders_are(tmp_path: Path) -> None:
    (tmp_path / "mapping.toml").write_text(MAPPING, "utf-8")
    orders = write(tmp_path / "orders.csv", [ORDER_HEADER, order("1001", 买家会员名="小明")])
    members = write(
        tmp_path / "会员名单.csv",
        [["会员名", "推荐人", "入群时间", "等级"],
         ["小明", "", "2026-10-01 10:00:00", "金卡"],
         ["小红", "小明", "", "银卡"],
         ["小刚", "小刚", "", ""]],
    )  # fmt: skip
    _, store = load(tmp_path, orders, members)
    [(buyer,)] = rows_of(store, "orders", "buyer_key")
    rows = rows_of(store, "customers", "buyer_key", "referred_by", "level", "community_joined_at")
    by = {key: referrer for key, referrer, *_ in rows}
    levels = {level: key for key, _, level, _ in rows}
    assert levels["金卡"] == buyer
    assert by[levels["银卡"]] == buyer
    assert by[buyer] is None
    assert by[levels[None]] == levels[None]
    assert next(r for r in rows if r[0] == buyer)[3] == "2026-10-01 02:00:00+00"
    written = (tmp_path / "shop").rglob("*")
    told = b"".join(path.read_bytes() for path in written if path.is_file())
    for name in ("小明", "小红", "小刚"):
        assert name.encode() not in told
