"""The daily review's tables as an analyst would write them in DuckDB SQL for one shop."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from urllib.parse import urlparse

import duckdb
from deltalake import DeltaTable

LOCAL = "{} AT TIME ZONE 'Asia/Shanghai'"


class Hand:
    """SQL over the same Parquet files, in a connection with the same limits."""

    def __init__(
        self,
        store: Path,
        *,
        ends: list[dt.date],
        year: dt.date,
        quarter: dt.date,
        month: dt.date,
        ripe: tuple[dt.date, dt.date],
    ) -> None:
        self.day, self.days = ends[0], ends
        self.year, self.quarter, self.month, self.ripe = year, quarter, month, ripe
        self.con = duckdb.connect()
        self.con.execute("SET TimeZone = 'UTC'; SET memory_limit = '2GB'")
        self.con.execute("SET preserve_insertion_order = false")
        for table in ("orders", "order_items", "refunds", "traffic", "ads"):
            uris = DeltaTable(str(store / "tables" / table)).file_uris()
            files = ", ".join(f"'{urlparse(uri).path}'" for uri in uris)
            self.con.execute(
                f"CREATE VIEW {table} AS SELECT * FROM read_parquet([{files}], "
                "hive_partitioning = false)"
            )

    def rows(self, query: str) -> list[tuple[object, ...]]:
        """All rows of a query."""
        return self.con.sql(query).fetchall()

    def between(self, column: str, first: dt.date, last: dt.date) -> str:
        """An instant on local days."""
        over = last + dt.timedelta(days=1)
        return (
            f"{column} >= TIMESTAMPTZ '{first} 00:00:00+08' "
            f"AND {column} < TIMESTAMPTZ '{over} 00:00:00+08'"
        )

    def on_days(self, column: str) -> str:
        """An instant on one of the four days."""
        return " OR ".join(f"({self.between(column, day, day)})" for day in self.days)

    def panel(self) -> list[float]:
        """The 32 items of the day with their references."""
        self._check_refunds()
        known = "TIMESTAMPTZ '2026-06-02 00:00:00+08'"
        paid = self._by_day(f"""
            SELECT date_trunc('day', {LOCAL.format("paid_at")})::DATE AS day, sum(paid_amount),
                count(*), count(DISTINCT buyer_key), count(delivered_at),
                count(*) FILTER (picked_up_at <= paid_at + INTERVAL 24 HOUR),
                count(*) FILTER ((paid_at + INTERVAL 24 HOUR <= {known} OR picked_up_at IS NOT NULL)
                    AND NOT (status = 'closed' AND picked_up_at IS NULL)),
                sum(date_sub('minute', paid_at, delivered_at)),
                count(*) FILTER (delivered_at >= paid_at)
            FROM orders WHERE {self.on_days("paid_at")} GROUP BY day""")
        refunds = self._by_day(f"""
            SELECT date_trunc('day', {LOCAL.format("o.paid_at")})::DATE AS day, sum(r.amount),
                count(DISTINCT r.order_id),
                count(DISTINCT CASE WHEN r.stage = 'after_receipt' THEN r.order_id END)
            FROM refunds r JOIN orders o USING (platform, order_id)
            WHERE r.status = 'success' AND ({self.on_days("o.paid_at")}) GROUP BY day""")
        done = self._by_day(f"""
            SELECT date_trunc('day', {LOCAL.format("finished_at")})::DATE AS day, sum(amount),
                sum(date_sub('minute', applied_at, finished_at)), count(*)
            FROM refunds WHERE status = 'success' AND ({self.on_days("finished_at")})
            GROUP BY day""")
        lines = self._by_day(f"""
            SELECT date_trunc('day', {LOCAL.format("o.paid_at")})::DATE AS day, count(*),
                sum(i.quantity)
            FROM order_items i JOIN orders o USING (platform, order_id)
            WHERE {self.on_days("o.paid_at")} GROUP BY day""")
        days = ", ".join(f"DATE '{day}'" for day in self.days)
        traffic = self._by_day(f"""
            SELECT day, sum(visitors), sum(page_views), sum(stay_seconds * visitors),
                sum(cart_visitors), sum(cart_units), sum(favourite_visitors),
                sum(enquiry_visitors)
            FROM traffic WHERE scope = 'shop' AND day IN ({days}) GROUP BY day""")
        ads = self._by_day(f"""
            SELECT day, sum(cost) FILTER (product_line = 'keyword'),
                sum(cost) FILTER (product_line = 'audience'),
                sum(cost) FILTER (product_line = 'smart scene'),
                sum(cost) FILTER (product_line = 'whole site'),
                sum(cost) FILTER (product_line = 'commission')
            FROM ads WHERE day IN ({days}) GROUP BY day""")
        old = self._returning()

        def of(day: dt.date) -> list[float]:
            return [
                *(paid[day][0], paid[day][2], lines[day][1], lines[day][0]),
                *(traffic[day][0], traffic[day][1], paid[day][0] - refunds[day][0]),
                *(refunds[day][1] / paid[day][1], done[day][0]),
            ]

        now = self.day
        more = [
            *old[now],
            ads[now][0],
            paid[now][4] / paid[now][5],
            paid[now][6] / paid[now][7] / 60,
        ]
        return [*of(now), *more, *of(self.days[3])]

    def _check_refunds(self) -> None:
        """Every refund must have a paid order and a finishing time, else no basis holds."""
        [(refunds, dated, known)] = self.rows("""
            SELECT count(*), count(r.finished_at), count(o.order_id) FROM refunds r
            LEFT JOIN (SELECT platform, order_id FROM orders WHERE paid_at IS NOT NULL) o
            USING (platform, order_id) WHERE r.status = 'success'""")
        if not refunds == dated == known:
            raise ValueError("some refunds have no day")

    def _returning(self) -> dict[dt.date, list[float]]:
        """Buyers of a day who had paid in the 365 days before it (days with such a past)."""
        days = [day for day in self.days if day >= dt.date(2025, 12, 1)]
        first, last = min(days), max(days)
        asked = " OR ".join(f"({self.between('paid_at', day, day)})" for day in days)
        return self._by_day(f"""
            WITH now AS (
                SELECT buyer_key, paid_amount,
                    date_trunc('day', {LOCAL.format("paid_at")})::DATE AS day
                FROM orders WHERE {asked}),
            past AS (
                SELECT DISTINCT buyer_key, date_trunc('day', {LOCAL.format("paid_at")})::DATE AS day
                FROM orders
                WHERE {self.between("paid_at", first - dt.timedelta(days=365), last)}
                    AND buyer_key IN (SELECT buyer_key FROM now)),
            old AS (
                SELECT DISTINCT n.buyer_key, n.day
                FROM (SELECT DISTINCT buyer_key, day FROM now) n JOIN past p USING (buyer_key)
                WHERE p.day < n.day AND p.day >= n.day - INTERVAL 365 DAY)
            SELECT day, count(DISTINCT buyer_key), sum(paid_amount)
            FROM now JOIN old USING (buyer_key, day) GROUP BY day""")

    def _by_day(self, query: str) -> dict[dt.date, list[float]]:
        return {row[0]: [float(v) for v in row[1:]] for row in self.rows(query)}  # type: ignore[misc, arg-type]

    def _sums(self, query: str) -> list[float]:
        """Rows and the sums of the columns after the keys, from the rows brought to Python."""
        frame = self.con.sql(query).df()
        numbers = [name for name in frame.columns if name.startswith("v")]
        return [float(len(frame)), *(float(frame[name].astype(float).sum()) for name in numbers)]

    def shop(self) -> list[float]:
        """The shop by day, 400 days."""
        paid = self._sums(f"""
            SELECT date_trunc('day', {LOCAL.format("paid_at")}) AS day, sum(paid_amount) AS v1,
                count(*) AS v2, count(DISTINCT buyer_key) AS v3
            FROM orders WHERE {self.between("paid_at", self.year, self.day)} GROUP BY day""")
        visitors = self._sums(f"""
            SELECT day, sum(visitors) AS v1 FROM traffic
            WHERE scope = 'shop' AND day BETWEEN '{self.year}' AND '{self.day}' GROUP BY day""")
        return [*paid, visitors[1]]

    def products(self) -> list[float]:
        """Products by day, 94 days."""
        return self._sums(f"""
            SELECT date_trunc('day', {LOCAL.format("o.paid_at")}) AS day, i.product_id,
                sum(i.paid_amount) AS v1, count(*) AS v2
            FROM order_items i JOIN orders o USING (platform, order_id)
            WHERE {self.between("o.paid_at", self.quarter, self.day)} GROUP BY ALL""")

    def channels(self) -> list[float]:
        """Channels by day, 94 days."""
        return self._sums(f"""
            SELECT date_trunc('day', {LOCAL.format("paid_at")}) AS day, channel,
                sum(paid_amount) AS v1, count(*) AS v2
            FROM orders WHERE {self.between("paid_at", self.quarter, self.day)} GROUP BY ALL""")

    def reasons(self) -> list[float]:
        """Reasons of refund claims, 28 days."""
        rows = self.rows(f"""
            SELECT reason, count(*) AS claims, sum(amount) FROM refunds
            WHERE {self.between("applied_at", self.month, self.day)}
            GROUP BY reason ORDER BY claims DESC, 3 DESC""")
        return [float(sum(r[1] for r in rows)), float(sum(r[2] for r in rows[:10]))]  # type: ignore[misc]

    def rates(self) -> list[float]:
        """Refund rates by product of four ripe weeks."""
        inside = self.between("o.paid_at", *self.ripe)
        frame = self.con.sql(f"""
            WITH sold AS (
                SELECT i.product_id, count(DISTINCT (platform, order_id)) AS paid
                FROM order_items i JOIN orders o USING (platform, order_id)
                WHERE {inside} GROUP BY i.product_id),
            back AS (
                SELECT r.product_id, count(DISTINCT (platform, order_id)) AS refunded,
                    sum(r.amount) AS amount
                FROM refunds r JOIN orders o USING (platform, order_id)
                WHERE r.status = 'success' AND {inside} GROUP BY r.product_id)
            SELECT * FROM sold LEFT JOIN back USING (product_id)""").df()
        [(refunded,)] = self.rows(f"""
            SELECT count(DISTINCT (platform, order_id)) FROM refunds r
            JOIN orders o USING (platform, order_id) WHERE r.status = 'success' AND {inside}""")
        [(paid,)] = self.rows(f"SELECT count(*) FROM orders o WHERE {inside}")
        sums = (float(frame[name].astype(float).sum()) for name in ("paid", "refunded", "amount"))
        return [refunded / paid, *sums]  # type: ignore[operator]

    def ripeness(self) -> list[float]:
        """Refunds of unripe payment days."""
        first = self.day - dt.timedelta(days=179)
        frame = self.con.sql(f"""
            SELECT date_trunc('day', {LOCAL.format("o.paid_at")}) AS paid_day,
                date_trunc('day', {LOCAL.format("r.finished_at")}) AS done_day, sum(r.amount) AS v
            FROM refunds r JOIN orders o USING (platform, order_id)
            WHERE r.status = 'success' AND {self.between("r.finished_at", first, self.day)}
                AND {self.between("o.paid_at", first, self.day)} GROUP BY ALL""").df()
        young = (self.day - frame["paid_day"].dt.date).map(lambda gap: gap.days) <= 45
        return [float(frame.loc[young, "v"].astype(float).sum())]

    def funnel(self) -> list[float]:
        """The day's funnel."""
        [(visitors, carts)] = self.rows(f"""
            SELECT sum(visitors), sum(cart_visitors) FROM traffic
            WHERE scope = 'shop' AND day = '{self.day}'""")
        [(ordering,)] = self.rows(f"""
            SELECT count(DISTINCT buyer_key) FROM orders
            WHERE {self.between("created_at", self.day, self.day)}""")
        [(paying,)] = self.rows(f"""
            SELECT count(DISTINCT buyer_key) FROM orders
            WHERE {self.between("paid_at", self.day, self.day)}""")
        return [float(str(v)) for v in (visitors, carts, ordering, paying)]
