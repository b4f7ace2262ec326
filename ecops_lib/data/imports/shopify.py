"""Shopify's orders export: one row a line item, order fields on the first row only.

Order fields are taken once an order (by ``Name``), never summed. ``Refunded Amount``
has no date, so refunds can be counted on the day of their order only. The discount of
the whole order is shared out over its lines, so that they add up to ``Subtotal``.
"""

from __future__ import annotations

import re

from ecops_lib.core.errors import FileError
from ecops_lib.core.formats import show
from ecops_lib.core.language import mark, ntr
from ecops_lib.data.imports.allocation import shared_out
from ecops_lib.data.imports.formats import Format, Recognised
from ecops_lib.data.imports.job import Job

PLATFORM = "shopify"
PAID = "('paid', 'partially_refunded', 'refunded', 'partially_paid')"
NAMES = (
    "Email, Paid at, Fulfillment Status, Fulfilled at, Accepts Marketing, Shipping, Taxes, "
    "Discount Code, Discount Amount, Shipping Method, Lineitem compare at price, "
    "Lineitem sku, Lineitem requires shipping, Lineitem taxable, "
    "Lineitem fulfillment status, Billing Name, Billing Street, Billing Address1, "
    "Billing Address2, Billing Company, Billing City, Billing Zip, Billing Province, "
    "Billing Country, Billing Phone, Shipping Name, Shipping Street, Shipping Address1, "
    "Shipping Address2, Shipping Company, Shipping City, Shipping Zip, Shipping Province, "
    "Shipping Country, Shipping Phone, Notes, Note Attributes, Cancelled at, Payment Method, "
    "Payment Reference, Refunded Amount, Vendor, Outstanding Balance, Employee, Location, "
    "Device ID, Id, Tags, Risk Level, Source, Lineitem discount, Tax 1 Name, Tax 1 Value, "
    "Tax 2 Name, Tax 2 Value, Tax 3 Name, Tax 3 Value, Tax 4 Name, Tax 4 Value, Tax 5 Name, "
    "Tax 5 Value, Phone, Receipt Number, Duties, Billing Province Name, "
    "Shipping Province Name, Payment ID, Payment Terms Name, Next Payment Due At, "
    "Payment References"
)
ORDER_FIELDS = (
    "buyer_key",
    "created_at",
    "paid_told",
    "shipped_at",
    "cancelled_at",
    "financial",
    "fulfilment",
    "subtotal",
    "shipping_amount",
    "tax_amount",
    "total",
    "discount",
    "refunded",
    "province",
    "channel",
)


def load_orders(job: Job) -> None:
    """Orders, their lines, and refunds without a date."""
    _require_currency(job)
    lines = job.session.name("lines")
    good = _typed(job)
    job.session.sql(
        f"CREATE TEMP TABLE {lines} AS SELECT line_no, order_id, quantity, unit_price, "
        "compare_price, "
        "sku_id, product_name, line_discount, "
        + ", ".join(f"min({f}) OVER o AS {f}" for f in ("created_at", "subtotal"))
        + f" FROM {good} WINDOW o AS (PARTITION BY order_id)"
    )
    orders = _orders(job, good)
    job.emit(
        "orders",
        f"SELECT '{PLATFORM}' AS platform, order_id, buyer_key, created_at, paid_at, shipped_at, "
        "cancelled_at AS completed_at, status, discount AS discount_merchant, shipping_amount, "
        "tax_amount, total AS ordered_amount, CASE WHEN paid_at IS NOT NULL THEN total END AS "
        f"paid_amount, province, channel FROM {orders}",
    )
    worth = "CAST(unit_price * quantity - coalesce(line_discount, 0) AS DECIMAL(18, 4))"
    share = shared_out("l.subtotal", worth, by="l.order_id", order="l.line_no")
    job.emit(
        "order_items",
        f"SELECT *, CASE WHEN paid THEN ordered_amount END AS paid_amount FROM ("
        f"SELECT '{PLATFORM}' AS platform, l.order_id, l.created_at, CAST(row_number() OVER "
        "(PARTITION BY l.order_id ORDER BY l.line_no) AS VARCHAR) AS line_id, sku_id, "
        "coalesce(sku_id, product_name) AS product_id, product_name, quantity, unit_price, "
        "CAST(coalesce(greatest(compare_price, unit_price), unit_price) * quantity AS "
        f"DECIMAL(18, 4)) AS list_amount, {share} AS ordered_amount, o.paid_at IS NOT NULL AS paid "
        f"FROM {lines} l JOIN {orders} o USING (order_id))",
    )
    job.emit(
        "refunds",
        f"SELECT '{PLATFORM}' AS platform, 'order-' || order_id AS refund_id, order_id, buyer_key, "
        f"refunded AS amount, 'success' AS status FROM {orders} WHERE refunded > 0",
    )


def _typed(job: Job) -> str:
    return job.typed(
        {
            "order_id": job.id("Name"),
            "buyer_key": job.who("Email"),
            "created_at": job.time("Created at"),
            "paid_told": job.time("Paid at"),
            "shipped_at": job.time("Fulfilled at"),
            "cancelled_at": job.time("Cancelled at"),
            "financial": job.text("Financial Status"),
            "fulfilment": job.text("Fulfillment Status"),
            "subtotal": job.money("Subtotal"),
            "shipping_amount": job.money("Shipping"),
            "tax_amount": job.money("Taxes"),
            "total": job.money("Total"),
            "discount": job.money("Discount Amount"),
            "refunded": job.money("Refunded Amount"),
            "province": job.text("Shipping Province Name", "Shipping Province", "Billing Province"),
            "channel": job.text("Source"),
            "quantity": job.integer("Lineitem quantity"),
            "product_name": job.text("Lineitem name"),
            "unit_price": job.money("Lineitem price"),
            "compare_price": job.money("Lineitem compare at price"),
            "sku_id": job.id("Lineitem sku"),
            "line_discount": job.money("Lineitem discount"),
        },
        rules="order_items",
    )


def _orders(job: Job, good: str) -> str:
    """One row an order: the first cell that is filled, in the file's order."""
    name = job.session.name("orders")
    fields = ", ".join(f"arg_min({f}, line_no) AS {f}" for f in ORDER_FIELDS)
    job.session.sql(
        f"CREATE TEMP TABLE {name} AS SELECT *, CASE "
        "WHEN cancelled_at IS NOT NULL OR financial IN ('voided', 'refunded', 'expired') THEN "
        "'closed' "
        "WHEN fulfilment = 'fulfilled' THEN 'shipped' "
        f"WHEN financial IN {PAID} THEN 'paid' ELSE 'unpaid' END AS status, "
        f"coalesce(paid_told, CASE WHEN financial IN {PAID} THEN created_at END) AS paid_at "
        f"FROM (SELECT order_id, {fields} FROM {good} GROUP BY order_id)"
    )
    [(undated,)] = job.session.sql(
        f"SELECT count(*) FROM {name} WHERE paid_at IS NOT NULL AND paid_told IS NULL"
    )
    if undated:
        job.note(
            lambda: ntr(
                "{count} paid order has no time of payment; the time of the order stands in for it",
                "{count} paid orders have no time of payment; the time of the order stands in "
                "for it",
                undated,
                count=show(undated, "count"),
            )
        )
    return name


def tell(found: Recognised) -> tuple[str, str]:
    """The file's currency, and the zone of its offset: ``-0500`` is ``Etc/GMT+5``.

    Only the first rows are looked at; ``load`` looks at all of them.
    """
    places = {name: place for place, name in enumerate(found.header)}
    rows = found.grid.rows[found.row + 1 :]
    currencies = [_at(row, places["Currency"]) for row in rows]
    offsets = [re.search(r"([+-])(\d\d):?\d\d$", _at(row, places["Created at"])) for row in rows]
    known = [match for match in offsets if match]
    zone = ""
    if known:
        sign = "-" if known[0][1] == "+" else "+"
        hours = int(known[0][2])
        zone = f"Etc/GMT{sign}{hours}" if hours else "Etc/UTC"
    return next(filter(None, currencies), ""), zone


def _at(row: list[str], place: int) -> str:
    return row[place].strip() if place < len(row) else ""


def _require_currency(job: Job) -> None:
    cell, _ = job.cell("Currency")
    found = [
        v
        for (v,) in job.session.sql(
            f"SELECT DISTINCT trim({cell}) FROM {job.loaded.table} WHERE {cell} IS NOT NULL"
        )
    ]
    if found != [job.session.currency]:
        raise FileError(
            f"{job.title} is in {' and '.join(sorted(found)) or 'no currency'}, but the store "
            f"counts in {job.session.currency}; "
            "import it into a store of its own."
        )


ORDERS = Format(
    key="shopify_orders",
    label=mark("Shopify orders export"),
    platform=PLATFORM,
    must=(
        ("Name",),
        ("Financial Status",),
        ("Currency",),
        ("Subtotal",),
        ("Total",),
        ("Created at",),
        ("Lineitem quantity",),
        ("Lineitem name",),
        ("Lineitem price",),
    ),
    known=tuple(NAMES.split(", ")),
    tell=tell,
    load=load_orders,
)
