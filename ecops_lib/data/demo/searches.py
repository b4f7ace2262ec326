"""The terms of the platform's search by which visitors came, day by day."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np

from ecops_lib.data.demo.traffic import Traffic
from ecops_lib.data.demo.truths import SearchTerm
from ecops_lib.data.demo.world import Floats, Ints, World

TERM_DAYS = 91
"""Days for which the report is downloaded."""


@dataclass(frozen=True, kw_only=True, eq=False)
class TermRows:
    """One entry a day × term with visitors.

    Attributes:
        day: Index of the day.
        term: The term.
        visitors: People who came by it.
        buyers: Those of them who paid.
        amount: What they paid, in cents.
    """

    day: Ints
    term: tuple[str, ...]
    visitors: Ints
    buyers: Ints
    amount: Ints


def make_terms(world: World, traffic: Traffic) -> TermRows | None:
    """Divide each product's visitors and buyers by search over its terms."""
    planted = world.truths.search_terms
    if planted is None:
        return None
    parts = [
        _of_product(world, traffic, product, terms)
        for product, terms in enumerate(_terms(world, planted.terms))
    ]
    day, visitors, buyers, amount = (
        np.concatenate([held[place] for held, _ in parts]) for place in range(4)
    )
    words = [word for _, names in parts for word in names]
    order = np.lexsort((np.array(words), day))
    return TermRows(
        day=day[order], term=tuple(words[k] for k in order), visitors=visitors[order],
        buyers=buyers[order], amount=amount[order],
    )  # fmt: skip


def _terms(world: World, planted: tuple[SearchTerm, ...]) -> list[list[SearchTerm]]:
    """Terms of each product: the planted ones, else the first word of its title."""
    return [
        [term for term in planted if term.product == product]
        or [SearchTerm(term=name.split()[0], product=product, share=1.0)]
        for product, name in enumerate(world.catalogue.names)
    ]


def _of_product(
    world: World, traffic: Traffic, product: int, terms: list[SearchTerm]
) -> tuple[tuple[Ints, Ints, Ints, Ints], list[str]]:
    """Day, visitors, buyers and amount of each day × term with visitors, and the term."""
    rng = world.rng(f"search terms of {product}")
    daily, start = traffic.products, max(len(world.days) - TERM_DAYS, 0)
    came, bought, paying, paid = (
        getattr(daily, name)[start:, product]
        for name in ("search_visitors", "search_buyers", "paying_buyers", "paid_amount")
    )
    share: Floats = np.array([term.share for term in terms])
    sells = share * [term.conversion for term in terms]
    visitors = rng.multinomial(came, share / share.sum())
    buyers = np.minimum(rng.multinomial(bought, sells / sells.sum()), visitors)
    amount = np.round(buyers * (paid / np.maximum(paying, 1))[:, None]).astype(np.int64)
    day, place = np.nonzero(visitors)
    found = (day + start, visitors[day, place], buyers[day, place], amount[day, place])
    return found, [terms[k].term for k in place]


def tell_terms(world: World) -> list[dict[str, object]] | None:
    """The terms that were planted."""
    planted = world.truths.search_terms
    if planted is None:
        return None
    return [asdict(term) | {"product_id": world.catalogue.ids[term.product]}
            for term in planted.terms]  # fmt: skip
