"""Online Retail II (UCI): lines of a British gift wholesaler, both editions' column names.

Every line of the file lands in exactly one table, keyed by its invoice, its stock code and
its rank by quantity and price among the lines of both. The two sheets overlap and order
some invoices differently; keyed so, the same line in two files is one row all the same:

* ``C…`` invoices cancel goods: a line that takes money back is a **refund** (amount
  positive, of no known order). The odd ``C`` line that *brings* money is an order line.
* All others are **order lines**; an order is the sum of its lines, paid at once.
  Negative quantities at price 0 are stock adjustments: lines with amount 0, and an
  invoice of nothing else is closed and never paid. ``A…`` invoices adjust bad debt:
  lines whose amount is negative where money is written off, so that the day's amounts
  are the file's; the import says how many there are.

So Σ order_items.paid_amount − Σ refunds.amount (the net paid amount) is the file's
Σ quantity × price to the last decimal, and the rows of both are as many as the lines.
"""

from __future__ import annotations

from ecops_lib.core.formats import show
from ecops_lib.core.language import mark, ntr
from ecops_lib.data.imports.formats import Format
from ecops_lib.data.imports.job import Job

PLATFORM = "online_retail"
INVOICE = ("Invoice", "InvoiceNo")


def load_lines(job: Job) -> None:
    """Lines into order lines and refunds; orders from their lines."""
    good = job.typed(
        {
            "invoice": job.id(*INVOICE),
            "moment": job.time("InvoiceDate"),
            "sku": job.text("StockCode"),
            "product_name": job.text("Description"),
            "quantity": job.integer("Quantity"),
            "unit_price": job.money("Price", "UnitPrice"),
            "buyer_key": job.who("Customer ID", "CustomerID"),
            "country": job.text("Country"),
        },
        where=_filled(job),
    )
    lines = _lines(job, good)
    job.emit("orders", _orders(lines), derived=True)
    job.emit("order_items", _items(lines), plain=True)
    job.emit("refunds", _refunds(lines), plain=True)
    _note(job, lines)


def _lines(job: Job, good: str) -> str:
    """The lines with what becomes of each, and its rank among the like of its invoice."""
    name, again = job.session.name("lines"), job.session.name("again")
    job.session.sql(
        f"CREATE TEMP TABLE {again} AS SELECT line_no, row_number() OVER (PARTITION BY invoice, "
        "sku "
        f"ORDER BY quantity, unit_price, product_name) AS place FROM {good} SEMI JOIN "
        f"(SELECT hash(invoice, sku) AS pair FROM {good} GROUP BY pair HAVING count(*) > 1) "
        "ON hash(invoice, sku) = pair"
    )
    job.session.sql(
        f"CREATE TEMP VIEW {name} AS SELECT g.*, sku || '-' || coalesce(place, 1) AS place, "
        "CAST(quantity * unit_price AS DECIMAL(18, 4)) AS amount, CASE "
        "WHEN prefix(invoice, 'C') AND quantity * unit_price <= 0 THEN 'refund' "
        f"ELSE 'line' END AS what FROM {good} g LEFT JOIN {again} USING (line_no)"
    )
    return name


def _filled(job: Job) -> str:
    return f"{job.cell(*INVOICE)[0]} IS NOT NULL"


def _orders(lines: str) -> str:
    return (
        f"SELECT '{PLATFORM}' AS platform, invoice AS order_id, min(buyer_key) AS buyer_key, "
        "min(moment) AS created_at, CASE WHEN bool_or(amount <> 0) THEN min(moment) END AS "
        "paid_at, if(bool_or(amount <> 0), 'completed', 'closed') AS status, "
        "CAST(sum(amount) AS DECIMAL(18, 4)) AS ordered_amount, CASE WHEN bool_or(amount <> 0) "
        "THEN CAST(sum(amount) AS DECIMAL(18, 4)) END AS paid_amount, min(country) AS province "
        f"FROM {lines} WHERE what = 'line' GROUP BY invoice"
    )


def _items(lines: str) -> str:
    return (
        f"SELECT '{PLATFORM}' AS platform, invoice AS order_id, place AS line_id, "
        "moment AS created_at, sku AS product_id, sku AS sku_id, product_name, quantity, "
        "unit_price, "
        f"amount AS ordered_amount, amount AS paid_amount FROM {lines} WHERE what = 'line'"
    )


def _refunds(lines: str) -> str:
    return (
        f"SELECT '{PLATFORM}' AS platform, invoice || '-' || place AS refund_id, buyer_key, "
        "sku AS product_id, sku AS sku_id, moment AS applied_at, moment AS finished_at, "
        "-amount AS amount, abs(quantity) AS quantity, 'success' AS status "
        f"FROM {lines} WHERE what = 'refund'"
    )


def _note(job: Job, lines: str) -> None:
    [(nameless, debts, debt, refunds, refunded)] = job.session.sql(
        "SELECT count(*) - count(buyer_key), count(*) FILTER (prefix(invoice, 'A')), "
        "coalesce(sum(amount) FILTER (prefix(invoice, 'A')), 0), "
        "count(*) FILTER (what = 'refund'), "
        f"coalesce(-sum(amount) FILTER (what = 'refund'), 0) FROM {lines}"
    )
    job.note_money(refunds, refunded, mark("{count} cancelled lines became refunds of {money}"))
    job.note_money(
        debts, debt, mark("{count} bad-debt adjustments stay order lines, of {money} in all")
    )
    if nameless:
        job.note(
            lambda: ntr(
                "{count} line names no customer",
                "{count} lines name no customer",
                nameless,
                count=show(nameless, "count"),
            )
        )


LINES = Format(
    key="online_retail",
    label=mark("Online Retail II (order lines)"),
    platform=PLATFORM,
    must=(
        INVOICE,
        ("StockCode",),
        ("Description",),
        ("Quantity",),
        ("InvoiceDate",),
        ("Price", "UnitPrice"),
        ("Customer ID", "CustomerID"),
    ),
    known=("Country", "sheet", "origin"),
    currency="GBP",
    time_zone="Europe/London",
    load=load_lines,
)
