"""Olist (Brazil): orders, items, payments, customers, reviews, in files that belong together.

An order's amount is the price and freight of its items; what was paid is the sum of its
payments once it is approved. Orders without items (cancelled before shipping) count what
was paid for them. An order is one parcel of each seller; its promise is a day, kept until
that day ends.
"""

from __future__ import annotations

from collections.abc import Callable

from ecops_lib.core.errors import FileError
from ecops_lib.core.language import mark
from ecops_lib.data.imports.formats import Format
from ecops_lib.data.imports.job import Job
from ecops_lib.data.imports.session import Session

PLATFORM = "olist"
STATUSES = {
    "created": "unpaid",
    "approved": "paid",
    "invoiced": "paid",
    "processing": "paid",
    "shipped": "shipped",
    "delivered": "completed",
    "canceled": "closed",
    "unavailable": "closed",
}


def load_orders(job: Job) -> None:
    """Keep the orders until the other files are read."""
    job.keep(
        "olist_orders",
        job.typed(
            {
                "order_id": job.id("order_id"),
                "customer_id": job.id("customer_id"),
                "status": job.choice(STATUSES, "order_status"),
                "created_at": job.time("order_purchase_timestamp"),
                "approved_at": job.time("order_approved_at"),
                "shipped_at": job.time("order_delivered_carrier_date"),
                "delivered_at": job.time("order_delivered_customer_date"),
                "promised_at": job.time("order_estimated_delivery_date"),
            },
            rules="orders",
        ),
    )


def load_items(job: Job) -> None:
    """Keep the items."""
    job.keep(
        "olist_items",
        job.typed(
            {
                "order_id": job.id("order_id"),
                "line_id": job.id("order_item_id"),
                "product_id": job.id("product_id"),
                "seller_id": job.id("seller_id"),
                "ship_by": job.time("shipping_limit_date"),
                "ordered_amount": job.money("price"),
                "freight": job.money("freight_value"),
            },
            rules="order_items",
        ),
    )


def load_payments(job: Job) -> None:
    """Keep the payments."""
    job.keep(
        "olist_payments",
        job.typed(
            {
                "order_id": job.id("order_id"),
                "payment": job.id("payment_sequential"),
                "amount": job.money("payment_value"),
            }
        ),
    )


def load_customers(job: Job) -> None:
    """Customers, and who each order's customer is."""
    good = job.typed(
        {
            "customer_id": job.id("customer_id"),
            "buyer_key": job.who("customer_unique_id"),
            "city": job.text("customer_city"),
            "province": job.text("customer_state"),
        }
    )
    job.keep("olist_customers", good)
    job.emit(
        "customers",
        "SELECT buyer_key, arg_max(province, line_no) AS province, arg_max(city, line_no) AS city "
        f"FROM {good} WHERE buyer_key IS NOT NULL GROUP BY buyer_key",
    )


def load_reviews(job: Job) -> None:
    """Reviews; one review may be of several orders, so its key holds both."""
    good = job.typed(
        {
            "review": job.id("review_id"),
            "order_id": job.id("order_id"),
            "rating": job.number("review_score"),
            "created_at": job.time("review_creation_date"),
            "text": job.text("review_comment_message"),
        },
        rules="reviews",
    )
    job.emit(
        "reviews",
        f"SELECT '{PLATFORM}' AS platform, coalesce(review, 'of') || '-' || order_id AS "
        "review_id, order_id, rating, "
        f"created_at, text FROM {good}",
    )


def load_products(job: Job) -> None:
    """Products with their category."""
    good = job.typed(
        {"product_id": job.id("product_id"), "category": job.text("product_category_name")},
        rules="products",
    )
    job.emit("products", f"SELECT '{PLATFORM}' AS platform, product_id, category FROM {good}")


def finish(session: Session) -> None:
    """Join what the files told: amounts and buyers onto orders, times onto items.

    Raises:
        FileError: Orders, items or payments are missing from the import.
    """
    parts = ("olist_orders", "olist_items", "olist_payments")
    given = [part for part in parts if part in session.parts]
    if not given:
        return
    if missing := [part for part in parts if part not in session.parts]:
        raise FileError(
            f"the Olist files given hold {', '.join(given)} but not {', '.join(missing)}; "
            "import them together: an order's amounts are in its items and payments."
        )
    orders = _joined(session)
    _, job = session.parts["olist_orders"][0]
    job.emit(
        "orders",
        f"SELECT '{PLATFORM}' AS platform, order_id, buyer_key, created_at, paid_at, ship_by, "
        "shipped_at, delivered_at, CASE WHEN status = 'completed' THEN delivered_at END AS "
        "completed_at, status, freight AS shipping_amount, ordered_amount, "
        f"CASE WHEN paid_at IS NOT NULL THEN paid END AS paid_amount, province FROM {orders}",
    )
    for items, items_job in session.parts["olist_items"]:
        items_job.emit(
            "order_items",
            f"SELECT '{PLATFORM}' AS platform, order_id, i.line_id, o.created_at, i.product_id, "
            "1 AS quantity, i.ordered_amount AS unit_price, i.ordered_amount AS list_amount, "
            "i.ordered_amount, CASE WHEN o.paid_at IS NOT NULL THEN i.ordered_amount END AS "
            f"paid_amount FROM {items} i JOIN {orders} o USING (order_id)",
        )
        _refuse_strangers(items_job, items, orders)
    _emit_parcels(session, job, orders)


def _emit_parcels(session: Session, job: Job, orders: str) -> None:
    """One parcel an order and seller; one without a seller where the order has no items."""
    items = _all(session, "olist_items", "order_id, line_id", "seller_id")
    job.emit(
        "shipments",
        f"SELECT '{PLATFORM}' AS platform, order_id, coalesce(seller_id, order_id) AS parcel_id, "
        "seller_id, province, shipped_at, delivered_at, "
        "promised_at + INTERVAL 1 DAY - INTERVAL 1 SECOND AS promised_at "
        f"FROM {orders} LEFT JOIN (SELECT DISTINCT order_id, seller_id FROM ({items})) "
        "USING (order_id)",
    )


def _joined(session: Session) -> str:
    name = session.name("olist")
    customers = (
        _all(session, "olist_customers", "customer_id", "buyer_key, province")
        if "olist_customers" in session.parts
        else "SELECT NULL::VARCHAR AS customer_id, NULL::VARCHAR AS buyer_key, "
        "NULL::VARCHAR AS province"
    )
    items = _all(session, "olist_items", "order_id, line_id", "ordered_amount, freight, ship_by")
    payments = _all(session, "olist_payments", "order_id, payment", "amount")
    orders = _all(
        session,
        "olist_orders",
        "order_id",
        "customer_id, status, created_at, approved_at, shipped_at, delivered_at, promised_at",
    )
    session.sql(
        f"CREATE TEMP TABLE {name} AS SELECT o.*, c.buyer_key, c.province, i.freight, i.ship_by, "
        "p.paid, coalesce(o.approved_at, CASE WHEN o.status IN ('shipped', 'completed') THEN "
        "o.created_at END) AS paid_at, CAST(coalesce(i.amount, p.paid, 0) AS DECIMAL(18, 4)) AS "
        f"ordered_amount FROM ({orders}) o LEFT JOIN ({customers}) c USING (customer_id) LEFT JOIN "
        "(SELECT order_id, sum(ordered_amount + coalesce(freight, 0)) AS amount, sum(freight) AS "
        f"freight, max(ship_by) AS ship_by FROM ({items}) GROUP BY order_id) i USING (order_id) "
        f"LEFT JOIN (SELECT order_id, sum(amount) AS paid FROM ({payments}) GROUP BY order_id) p "
        "USING (order_id)"
    )
    return name


def _all(session: Session, part: str, key: str, columns: str) -> str:
    """All files' rows of one kind; of those that share a key, the last file's last row."""
    files = " UNION ALL ".join(
        f"SELECT {key}, {columns}, {place} AS _from, line_no FROM {table}"
        for place, (table, _) in enumerate(session.parts[part])
    )
    return (
        f"SELECT {key}, {columns} FROM ({files}) QUALIFY row_number() OVER "
        f"(PARTITION BY {key} ORDER BY _from DESC, line_no DESC) = 1"
    )


def _refuse_strangers(job: Job, items: str, orders: str) -> None:
    rows = job.session.sql(
        f"SELECT line_no, order_id FROM {items} WHERE order_id NOT IN (SELECT order_id FROM "
        f"{orders})"
    )
    job.refuse_rows(rows, column="order_id", reason=mark("its order is not in the orders file"))


def _format(
    key: str, label: str, must: tuple[str, ...], known: str, load: Callable[[Job], None] | None
) -> Format:
    """A format of the set; one without ``load`` is known, but a store has no use for it."""
    return Format(
        key=key,
        label=label,
        platform=PLATFORM,
        must=tuple((name,) for name in must),
        known=tuple(known.split()),
        currency="BRL",
        time_zone="America/Sao_Paulo",
        load=load,
        finish=finish,
    )


FORMATS = (
    _format(
        "olist_orders",
        mark("Olist orders"),
        (
            "order_id",
            "customer_id",
            "order_status",
            "order_purchase_timestamp",
            "order_approved_at",
        ),
        "order_delivered_carrier_date order_delivered_customer_date order_estimated_delivery_date "
        "ts_precision in_samples uniform_sample has_review_table",
        load_orders,
    ),
    _format(
        "olist_items",
        mark("Olist order items"),
        ("order_id", "order_item_id", "product_id", "price", "freight_value"),
        "seller_id shipping_limit_date",
        load_items,
    ),
    _format(
        "olist_payments",
        mark("Olist payments"),
        ("order_id", "payment_sequential", "payment_value"),
        "payment_type payment_installments",
        load_payments,
    ),
    _format(
        "olist_customers",
        mark("Olist customers"),
        ("customer_id", "customer_unique_id"),
        "customer_zip_code_prefix customer_city customer_state customer_pk",
        load_customers,
    ),
    _format(
        "olist_reviews",
        mark("Olist reviews"),
        ("review_id", "order_id", "review_score", "review_creation_date"),
        "review_comment_title review_comment_message review_answer_timestamp comment_title_len "
        "comment_message_len",
        load_reviews,
    ),
    _format(
        "olist_products",
        mark("Olist products"),
        ("product_id", "product_category_name", "product_photos_qty"),
        "product_name_lenght product_description_lenght product_weight_g product_length_cm "
        "product_height_cm product_width_cm",
        load_products,
    ),
    _format(
        "olist_categories",
        mark("Olist category names in English"),
        ("product_category_name", "product_category_name_english"),
        "",
        None,
    ),
    _format(
        "olist_sellers",
        mark("Olist sellers"),
        ("seller_id", "seller_zip_code_prefix"),
        "seller_city seller_state",
        None,
    ),
    _format(
        "olist_places",
        mark("Olist places by postcode"),
        ("geolocation_zip_code_prefix",),
        "geolocation_lat geolocation_lng geolocation_city geolocation_state lat lng state n_points",
        None,
    ),
    _format(
        "olist_leads",
        mark("Olist marketing leads"),
        ("mql_id", "first_contact_date", "landing_page_id"),
        "origin",
        None,
    ),
    _format(
        "olist_deals",
        mark("Olist closed deals"),
        ("mql_id", "seller_id", "won_date"),
        "sdr_id sr_id business_segment lead_type lead_behaviour_profile has_company has_gtin "
        "average_stock business_type declared_product_catalog_size declared_monthly_revenue",
        None,
    ),
)
