"""Sharing an order's amount out over its lines."""

from __future__ import annotations


def shared_out(total: str, worth: str, *, by: str, order: str) -> str:
    """SQL: a line's share of its order's total by worth, exact to the fourth decimal.

    Shares are differences of the rounded running total, so they always add up to the
    total. An order whose lines are all worth nothing is shared out evenly.

    Args:
        total: The order's amount, the same in each of its lines.
        worth: The line's worth.
        by: Column of the order.
        order: Column that orders the lines.
    """
    running = f"(PARTITION BY {by} ORDER BY {order} ROWS UNBOUNDED PRECEDING)"
    before = (
        f"(PARTITION BY {by} ORDER BY {order} ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)"
    )
    whole = f"(PARTITION BY {by})"
    worths = f"CAST({worth} AS DOUBLE)"

    def reached(window: str) -> str:
        upto, all_of = f"sum({worths}) OVER {window}", f"sum({worths}) OVER {whole}"
        count = f"count(*) OVER {window}"
        part = (
            f"CASE WHEN {all_of} > 0 THEN {upto} / {all_of} ELSE {count} / count(*) OVER "
            f"{whole} END"
        )
        return f"CAST(round(CAST({total} AS DOUBLE) * coalesce({part}, 0), 4) AS DECIMAL(18, 4))"

    return f"CAST({reached(running)} - {reached(before)} AS DECIMAL(18, 4))"
