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
from ecops_lib.data.imports.job import Job, nameless

PLATFORM = "online_retail"
INVOICE = ("Invoice", "InvoiceNo")
AMOUNT = "CAST(quantity * unit_price AS DECIMAL(18, 4))"
CANCELS = "(prefix(invoice, 'C') AND quantity * unit_price <= 0)"
"""Lines that take money back; the odd one that brings money is an order line."""


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
    job.emit("orders", _orders(good), derived=True)
    again = _again(job, nameless(good))
    job.emit("order_items", _items(_lines(nameless(good), again)), plain=True, unique=True)
    job.emit("refunds", _refunds(_lines(good, again)), plain=True, unique=True)
    _note(job, good)


def _again(job: Job, good: str) -> str:
    """The rank of each line that shares invoice and stock code with another line."""
    again, pairs = job.session.name("again"), job.session.name("pairs")
    job.session.sql(
        f"CREATE TEMP TABLE {pairs} AS SELECT hash(invoice, sku) AS pair FROM {good} "
        "GROUP BY pair HAVING count(*) > 1"
    )
    job.session.sql(
        f"CREATE TEMP TABLE {again} AS SELECT line_no, row_number() OVER (PARTITION BY invoice, "
        f"sku ORDER BY quantity, unit_price, product_name, moment) AS place FROM {good} "
        f"SEMI JOIN {pairs} ON hash(invoice, sku) = pair"
    )
    return again


def _lines(good: str, again: str) -> str:
    """The lines with their rank among the like of their invoice, which makes their key."""
    return (
        f"(SELECT g.*, sku || '-' || coalesce(place, 1) AS place, {AMOUNT} AS amount "
        f"FROM {good} g LEFT JOIN {again} USING (line_no))"
    )


def _filled(job: Job) -> str:
    return f"{job.cell(*INVOICE)[0]} IS NOT NULL"


def _orders(good: str) -> str:
    return (
        f"SELECT '{PLATFORM}' AS platform, invoice AS order_id, buyer_key, created_at, "
        "CASE WHEN moved THEN created_at END AS paid_at, "
        "if(moved, 'completed', 'closed') AS status, ordered_amount, "
        "CASE WHEN moved THEN ordered_amount END AS paid_amount, province FROM "
        "(SELECT invoice, min(buyer_key) AS buyer_key, min(moment) AS created_at, "
        f"bool_or({AMOUNT} <> 0) AS moved, CAST(sum({AMOUNT}) AS DECIMAL(18, 4)) AS "
        f"ordered_amount, min(country) AS province FROM {good} WHERE NOT {CANCELS} "
        "GROUP BY invoice)"
    )


def _items(lines: str) -> str:
    return (
        f"SELECT '{PLATFORM}' AS platform, invoice AS order_id, place AS line_id, "
        "moment AS created_at, sku AS product_id, sku AS sku_id, product_name, quantity, "
        "unit_price, "
        f"amount AS ordered_amount, amount AS paid_amount FROM {lines} WHERE NOT {CANCELS}"
    )


def _refunds(lines: str) -> str:
    return (
        f"SELECT '{PLATFORM}' AS platform, invoice || '-' || place AS refund_id, buyer_key, "
        "sku AS product_id, sku AS sku_id, moment AS applied_at, moment AS finished_at, "
        "-amount AS amount, abs(quantity) AS quantity, 'success' AS status "
        f"FROM {lines} WHERE {CANCELS}"
    )


def _note(job: Job, good: str) -> None:
    [(nameless, debts, debt, refunds, refunded)] = job.session.sql(
        "SELECT count(*) - count(buyer_key), count(*) FILTER (prefix(invoice, 'A')), "
        f"coalesce(sum({AMOUNT}) FILTER (prefix(invoice, 'A')), 0), "
        f"count(*) FILTER ({CANCELS}), coalesce(-sum({AMOUNT}) FILTER ({CANCELS}), 0) FROM {good}"
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
