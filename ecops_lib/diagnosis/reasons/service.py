"""What buyers went through: reviews, refund claims, late parcels."""

from __future__ import annotations

from ecops_lib.core.formats import show
from ecops_lib.core.language import tr
from ecops_lib.core.names import short_name
from ecops_lib.diagnosis.causes import Reason
from ecops_lib.diagnosis.reasons.case import BEFORE, CHANCE, FEWEST, USUAL, Case

LOW_STARS, HIGH_STARS = 2, 5

LATE_STEP = 0.1
"""Least rise of the share of late parcels that counts."""


def in_reviews(case: Case) -> tuple[Reason, ...]:
    """More low (high) ratings than usual among the new reviews."""
    from scipy import stats

    rows = case.history.rows("reviews", "created_at", "product_id", "rating")
    rows = rows.loc[(rows["product_id"] == case.product) & rows["rating"].notna()]
    rating = rows["rating"].astype(float)
    rows = rows.assign(hit=rating >= HIGH_STARS if case.rose else rating <= LOW_STARS)
    now, before = case.recent(rows), case.usual(rows)
    hits, count = int(now["hit"].sum()), len(now)
    usual = (before["hit"].sum() + 0.5) / (len(before) + 1)
    if hits < FEWEST or stats.binom.sf(hits - 1, count, usual) > CHANCE:
        return ()
    share = float(before["hit"].mean()) if len(before) else float("nan")
    numbers = {
        "hits": show(hits, "count"),
        "count": show(count, "count"),
        "usual": show(share, "share"),
    }
    text = (
        tr("{hits} of {count} new reviews have 5 stars (usually {usual})", **numbers)
        if case.rose
        else tr("{hits} of {count} new reviews have 1 or 2 stars (usually {usual})", **numbers)
    )
    evidence = {"reviews": float(count), "reviews_hit": float(hits), "usual_share": share}
    return (Reason(kind="reviews", text=text, evidence=evidence),)


def in_refunds(case: Case) -> tuple[Reason, ...]:
    """More refund claims than usual against the product, and what most of them say."""
    from scipy import stats

    if case.rose or not case.history.has("refunds"):
        return ()
    rows = case.history.claims
    rows = rows.loc[rows["product_id"] == case.product]
    now, before = case.recent(rows), case.usual(rows)
    count, days = int(now["claims"].sum()), case.days + BEFORE
    usual = (float(before["claims"].sum()) + 0.5) / USUAL * days
    if count < FEWEST or stats.poisson.sf(count - 1, usual) > CHANCE:
        return ()
    said = now.groupby("reason")["claims"].sum()
    told = tr("{reason} most of all", reason=short_name(said.idxmax())) if len(said) else ""
    text = tr(
        "{count} refund claims in {days}, usually {usual}",
        count=show(count, "count"),
        days=show(days, "days"),
        usual=show(usual, "number"),
    )
    evidence = {"claims": float(count), "usual_claims": usual}
    words = tr("{text} ({more})", text=text, more=told) if told else text
    return (Reason(kind="refunds", text=words, evidence=evidence),)


def in_parcels(case: Case) -> tuple[Reason, ...]:
    """More parcels than usual that waited over a day for the carrier."""
    from scipy import stats

    if case.rose or not case.history.has("shipments"):
        return ()
    rows = case.history.pickups
    now, before = case.recent(rows), case.usual(rows)
    late, count = int(now["late"].sum()), int(now["parcels"].sum())
    usual = (before["late"].sum() + 0.5) / (before["parcels"].sum() + 1)
    if count < FEWEST or late / count - usual < LATE_STEP:
        return ()
    if stats.binom.sf(late - 1, count, usual) > CHANCE:
        return ()
    text = tr(
        "{late} of {count} parcels waited over 24 hours for the carrier (usually {usual})",
        late=show(late, "count"),
        count=show(count, "count"),
        usual=show(usual, "share"),
    )
    evidence = {"late": float(late), "parcels": float(count), "usual_share": float(usual)}
    return (Reason(kind="delivery", text=text, evidence=evidence),)
