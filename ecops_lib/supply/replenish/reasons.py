"""Why a SKU is ordered, or not, in words."""

from __future__ import annotations

from typing import Any

from ecops_lib.core.formats import is_missing, show
from ecops_lib.core.language import tr
from ecops_lib.core.names import joined


def explain(line: Any) -> str:
    """The reason of one line of a proposal, in the reader's language.

    Args:
        line: The line, as a named tuple of ``OrderProposal.lines``.
    """
    if not line.quantity > 0:
        return _left(line)
    words = [_due(line), *_raised(line)]
    if not is_missing(line.peak_day):
        words.append(
            tr(
                "Demand peaks at {units} units on {day}.",
                units=show(round(line.peak), "count"),
                day=show(line.peak_day.date(), "day"),
            )
        )
    if line.quantity < line.wanted:
        words.append(tr("Cut from {units} by the budget.", units=show(line.wanted, "count")))
    text = words[0]
    for more in words[1:]:
        text = joined(text, more)
    return text


def _left(line: Any) -> str:
    if line.wanted > 0 and is_missing(line.unit_cost):
        return tr("Its cost is not told, so the budget cannot pay for it.")
    if line.wanted > 0:
        return tr(
            "{units} units are wanted, but the budget does not reach.",
            units=show(line.wanted, "count"),
        )
    if not line.expected > 0:
        return tr("Nothing is expected to be asked for.")
    return tr(
        "Enough: {position} units against {level} needed until the next order comes in.",
        position=show(line.position, "count"),
        level=show(line.reorder_point, "count"),
    )


def _due(line: Any) -> str:
    values = {
        "position": show(line.position, "count"),
        "level": show(line.reorder_point, "count"),
        "days": show(round(line.days), "days"),
    }
    if line.seasonal:
        return tr(
            "Bought once for the {days} left of its season: {level} units are worth having.",
            **values,
        )
    if line.position < line.reorder_point:
        return tr(
            "{position} units are below the {level} needed until the next order comes in ({days}).",
            **values,
        )
    return tr("Not due yet; ordered along with the supplier's other SKUs.")


def _raised(line: Any) -> list[str]:
    """What lifted the quantity above what is missing."""
    words = []
    if line.wanted > line.needed:
        words.append(
            tr(
                "Raised by {units} to reach the supplier's least amount.",
                units=show(line.wanted - line.needed, "count"),
            )
        )
    missing = max(line.order_up_to - line.position, 0.0)
    if line.needed > missing and line.minimum_quantity > missing:
        words.append(
            tr(
                "Raised to the least quantity of {units}.",
                units=show(line.minimum_quantity, "count"),
            )
        )
    elif line.needed > missing:
        words.append(tr("Whole packs of {units}.", units=show(line.pack_size, "count")))
    return words
