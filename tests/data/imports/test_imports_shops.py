"""Shopify, Online Retail II and Olist: sums that a child could check."""

from __future__ import annotations

from pathlib import Path

import pytest
from export_files import load, rows_of, words, write

from ecops_lib.core.errors import FileError

SHOPIFY = [
    "Name",
    "Email",
    "Financial Status",
    "Paid at",
    "Fulfillment Status",
    "Currency",
    "Subtotal",
    "Shipping",
    "Taxes",
    "Total",
    "Discount Amount",
    "Created at",
    "Lineitem quantity",
    "Lineitem name",
    "Lineitem price",
    "Lineitem sku",
    "Refunded Amount",
]


def test_order_fields_of_shopify_are_taken_once(tmp_path: Path) -> None:
    at = "2025-12-06 10:37:33 -0500"
    paid, open_ = "partially_refunded", "pending"
    rows = [
        ["#1", "A@x.com", paid, at, "fulfilled", "USD", "90", "5", "0", "95", "10", at,
         "2", "Mug", "25", "M", "20"],
        ["#1", "a@x.com", "", "", "", "", "", "", "", "", "", at, "1", "Pot", "50", "P", ""],
        ["#2", "b@x.com", open_, "", "", "USD", "10", "0", "0", "10", "0", at,
         "1", "Mug", "10", "M", ""],
    ]  # fmt: skip
    result, store = load(tmp_path, write(tmp_path / "a.csv", [SHOPIFY, *rows]))
    columns = ("order_id", "ordered_amount", "paid_amount", "status", "created_at")
    assert rows_of(store, "orders", *columns) == [
        ("#1", 95.0, 95.0, "shipped", "2025-12-06 15:37:33+00"),
        ("#2", 10.0, None, "unpaid", "2025-12-06 15:37:33+00"),
    ]
    assert rows_of(
        store, "order_items", "order_id", "line_id", "ordered_amount", "paid_amount"
    ) == [
        ("#1", "1", 45.0, 45.0),
        ("#1", "2", 45.0, 45.0),
        ("#2", "1", 10.0, None),
    ]
    assert rows_of(store, "refunds", "order_id", "amount", "finished_at") == [("#1", 20.0, None)]
    assert (result.currency, result.time_zone) == ("USD", "Etc/GMT+5")


def test_shopify_in_two_currencies_is_refused(tmp_path: Path) -> None:
    at = "2025-12-06 10:37:33 -0500"
    rows = [
        [
            f"#{n}",
            "a@x.com",
            "paid",
            at,
            "",
            money,
            "9",
            "0",
            "0",
            "9",
            "0",
            at,
            "1",
            "Mug",
            "9",
            "M",
            "0",
        ]
        for n, money in enumerate(["USD", "EUR"])
    ]
    with pytest.raises(FileError, match="EUR and USD"):
        load(tmp_path, write(tmp_path / "a.csv", [SHOPIFY, *rows]))


NEW_RETAIL = [
    "Invoice",
    "StockCode",
    "Description",
    "Quantity",
    "InvoiceDate",
    "Price",
    "Customer ID",
    "Country",
]
OLD_RETAIL = [
    "InvoiceNo",
    "StockCode",
    "Description",
    "Quantity",
    "InvoiceDate",
    "UnitPrice",
    "CustomerID",
    "Country",
]
AT = "2011-06-01 10:00:00"


def test_every_retail_line_lands_in_one_table(tmp_path: Path) -> None:
    rows = [
        ["500", "A", "x", "2", AT, "5", "17850.0", "UK"],
        ["500", "A", "x", "3", AT, "5", "17850.0", "UK"],
        ["501", "B", "lost", "-4", AT, "0", "", "UK"],
        ["C502", "A", "x", "-1", AT, "5", "17850.0", "UK"],
        ["C503", "M", "Manual", "1", AT, "7", "", "UK"],
        ["A504", "B", "Adjust bad debt", "1", AT, "-11", "", "UK"],
    ]
    result, store = load(tmp_path, write(tmp_path / "a.csv", [NEW_RETAIL, *rows]))
    items = rows_of(store, "order_items", "order_id", "line_id", "quantity", "paid_amount")
    assert items == [
        ("500", "A-1", 2, 10.0), ("500", "A-2", 3, 15.0), ("501", "B-1", -4, 0.0),
        ("A504", "B-1", 1, -11.0), ("C503", "M-1", 1, 7.0),
    ]  # fmt: skip
    assert rows_of(
        store, "refunds", "refund_id", "order_id", "amount", "quantity", "finished_at"
    ) == [("C502-A-1", None, 5.0, 1, "2011-06-01 09:00:00+00")]
    assert rows_of(store, "orders", "order_id", "ordered_amount", "paid_amount", "status") == [
        ("500", 25.0, 25.0, "completed"), ("501", 0.0, None, "closed"),
        ("A504", -11.0, -11.0, "completed"), ("C503", 7.0, 7.0, "completed"),
    ]  # fmt: skip
    assert "3 lines name no customer" in words(result)


def test_both_editions_give_the_same_rows_and_customers(tmp_path: Path) -> None:
    one = write(tmp_path / "1.csv", [NEW_RETAIL, ["500", "A", "x", "2", AT, "5", "17850", "UK"]])
    two = write(
        tmp_path / "2.csv", [OLD_RETAIL, ["500", "A", "x", "2", AT, "5.0", "17850.0", "UK"]]
    )
    result, store = load(tmp_path, one, two)
    assert store.count("order_items") == 1
    assert result.conflicts == {"orders": 0, "order_items": 0, "refunds": 0}


def olist(tmp_path: Path) -> list[Path]:
    at = "2017-07-09 21:57:05"
    sheets = {
        "orders": [
            "order_id,customer_id,order_status,order_purchase_timestamp,order_approved_at,"
            ""
            "order_delivered_carrier_date,order_delivered_customer_date,order_estimated_delivery_date",
            f"o1,c1,delivered,{at},{at},{at},{at},{at}",
            f"o2,c2,canceled,{at},,,,{at}",
        ],
        "items": [
            "order_id,order_item_id,product_id,seller_id,shipping_limit_date,price,freight_value",
            f"o1,1,p,s,{at},10,2",
            f"o1,2,p,s,{at},10,2",
        ],
        "payments": [
            "order_id,payment_sequential,payment_type,payment_installments,payment_value",
            "o1,1,credit_card,1,20",
            "o1,2,voucher,1,4",
            "o2,1,boleto,1,9",
        ],
        "customers": [
            "customer_id,customer_unique_id,customer_zip_code_prefix,customer_city,customer_state",
            "c1,u,35182,timoteo,MG",
            "c2,u,35182,timoteo,MG",
        ],
    }
    return [
        write(tmp_path / f"{name}.csv", [line.split(",") for line in lines])
        for name, lines in sheets.items()
    ]


def test_olist_files_are_joined(tmp_path: Path) -> None:
    _, store = load(tmp_path, *olist(tmp_path))
    columns = ("order_id", "ordered_amount", "paid_amount", "shipping_amount", "status", "province")
    assert rows_of(store, "orders", *columns) == [
        ("o1", 24.0, 24.0, 4.0, "completed", "MG"),
        ("o2", 9.0, None, None, "closed", "MG"),
    ]
    assert store.count("order_items") == 2
    assert store.count("customers") == 1


def test_olist_orders_without_their_payments_are_refused(tmp_path: Path) -> None:
    orders, items, *_ = olist(tmp_path)
    with pytest.raises(FileError, match="not olist_payments; import them together"):
        load(tmp_path, orders, items)


def test_olist_payments_given_twice_are_paid_once(tmp_path: Path) -> None:
    first, second = tmp_path / "1", tmp_path / "2"
    first.mkdir()
    second.mkdir()
    paths = olist(first)
    copies = [second / path.name for path in olist(second)]
    for path in copies:
        path.write_text(path.read_text("utf-8") + "\n", "utf-8")  # not the same bytes
    _, store = load(tmp_path, *paths, *copies)
    assert rows_of(store, "orders", "order_id", "ordered_amount", "paid_amount") == [
        ("o1", 24.0, 24.0),
        ("o2", 9.0, None),
    ]
