"""What an order proposal says in sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ecops_lib.core.findings import Action, Finding, most_important
from ecops_lib.core.formats import show
from ecops_lib.core.language import ntr, tr
from ecops_lib.core.names import short_name

if TYPE_CHECKING:
    from ecops_lib.supply.replenish.proposal import OrderProposal

APART = 0.1
"""Share by which the normal formula must differ to be told."""
MOST = 7
"""Findings told at most, the gravest."""
CUT_OFF = 0.02
"""Share of futures that may end before the next order comes in."""


def tell_proposal(result: OrderProposal) -> tuple[Finding, ...]:
    """Findings of a proposal: the order, what runs out, the money, and what it rests on."""
    found = [_head(result), _runs_out(result), _cut(result), _minimum(result)]
    found += [_normal(result), _basis(result), *_gaps(result)]
    told = [finding for finding in found if finding]
    kept = {finding.key for finding in most_important(told, most=MOST)}
    return tuple(finding for finding in told if finding.key in kept)


def _head(result: OrderProposal) -> Finding:
    orders = result.orders
    values = {
        "all": show(len(result.lines), "count"),
        "day": show(result.as_of, "day"),
        "amount": show(result.amount, "money"),
        "count": show(len(orders), "count"),
    }
    short = int((result.lines["wanted"] > 0).sum())
    if orders.empty and short:
        text = tr(
            "Of {all} SKUs {short} are below the stock they need, but the budget pays for none.",
            short=show(short, "count"),
            **values,
        )
        return Finding(key="order/head", level="bad", text=text, evidence={"short": float(short)})
    if orders.empty:
        text = tr(
            "Of {all} SKUs none is below the stock it needs until the next order comes in.",
            **values,
        )
        return Finding(key="order/head", level="good", text=text)
    text = ntr(
        "Of {all} SKUs {count} is to be ordered after {day}, for {amount}.",
        "Of {all} SKUs {count} are to be ordered after {day}, for {amount}.",
        len(orders),
        **values,
    )
    return Finding(
        key="order/head",
        level="info",
        text=text,
        evidence={"orders": float(len(orders)), "amount": result.amount},
        money=result.amount,
        action=Action(text=tr("check the proposal and place the orders"), owner=result.owner),
    )


def _runs_out(result: OrderProposal) -> Finding | None:
    """SKUs whose stock will probably not last until an order of today comes in."""
    lines = result.lines
    lead = lines["expected"] - lines["flow"]
    short = (lead - lines["position"]).where(~lines["seasonal"], 0.0).clip(lower=0.0)
    late = lines[short >= 0.5]
    if late.empty:
        return None
    money = float((short * lines["worth"]).sum())
    worst = lines.iloc[int((short * lines["worth"].clip(lower=0.01)).to_numpy().argmax())]
    values = {
        "count": show(len(late), "count"),
        "name": short_name(worst["name"], worst["sku_id"]),
        "units": show(round(float(short.sum())), "count"),
        "money": show(money, "money"),
    }
    text = ntr(
        "{name} will probably run out before an order placed now comes in, about {units} units "
        "short.",
        "{count} SKUs will probably run out before an order placed now comes in, about {units} "
        "units short with a margin of {money}; the most costly is {name}.",
        len(late),
        **values,
    )
    return Finding(
        key="order/late",
        level="bad",
        text=text,
        evidence={"skus": float(len(late)), "units": float(short.sum()), "margin": money},
        money=money,
        action=Action(
            text=tr("ask for a faster delivery, or slow their sales until then"),
            owner=result.owner,
        ),
    )


def _cut(result: OrderProposal) -> Finding | None:
    if result.budget is None:
        return None
    lines = result.lines
    fewer = lines[lines["quantity"] < lines["wanted"]]
    budget = show(result.budget, "money")
    if fewer.empty:
        text = tr("The budget of {budget} pays for all that is wanted.", budget=budget)
        return Finding(key="order/budget", level="good", text=text)
    missing = float(((fewer["wanted"] - fewer["quantity"]) * fewer["unit_cost"]).sum())
    lost = float(fewer["lost_profit"].sum())
    text = ntr(
        "The budget of {budget} leaves out goods for {missing} of {count} SKU; until the next "
        "order that costs an expected profit of {lost}.",
        "The budget of {budget} leaves out goods for {missing} of {count} SKUs; until the next "
        "order that costs an expected profit of {lost}.",
        len(fewer),
        budget=budget,
        missing=show(missing, "money"),
        count=show(len(fewer), "count"),
        lost=show(lost, "money"),
    )
    return Finding(
        key="order/budget",
        level="watch",
        text=text,
        evidence={"skus": float(len(fewer)), "left_out": missing, "lost_profit": lost},
        money=lost,
    )


def _minimum(result: OrderProposal) -> Finding | None:
    """Suppliers whose order stays below their least amount."""
    lines = result.lines
    sums = lines.groupby("supplier_id").agg(
        amount=("amount", "sum"), least=("minimum_amount", "max"), name=("supplier_name", "first")
    )
    below = sums[(sums["amount"] > 0) & (sums["amount"] < sums["least"])]
    if below.empty:
        return None
    first = below.iloc[0]
    text = ntr(
        "The order from {name} is {amount}, below the least amount of {least}: agree on less, "
        "or wait.",
        "The orders from {count} suppliers are below their least amount, the first that from "
        "{name} ({amount} of {least}): agree on less, or wait.",
        len(below),
        name=short_name(first["name"], below.index[0]),
        amount=show(first["amount"], "money"),
        least=show(first["least"], "money"),
        count=show(len(below), "count"),
    )
    evidence = {"suppliers": float(len(below))}
    return Finding(key="order/minimum", level="watch", text=text, evidence=evidence)


def _normal(result: OrderProposal) -> Finding | None:
    """Where the textbook's normal formula would set another level."""
    lines = result.lines[result.lines["normal_level"].notna()]
    level, normal = lines["reorder_point"], lines["normal_level"]
    gap = normal - level
    apart = (gap.abs() > APART * level.clip(lower=1.0)) & (gap.abs() >= 1)
    if not apart.any():
        return None
    low, high = int((apart & (gap < 0)).sum()), int((apart & (gap > 0)).sum())
    text = tr(
        "The normal formula would set the reorder point more than {share} lower for {low} and "
        "higher for {high} of {count} SKUs: it takes days as independent and demand and lead "
        "times as normal.",
        share=show(APART, "share"),
        low=show(low, "count"),
        high=show(high, "count"),
        count=show(len(lines), "count"),
    )
    return Finding(
        key="order/normal",
        level="info",
        text=text,
        evidence={"lower": float(low), "higher": float(high)},
    )


def _basis(result: OrderProposal) -> Finding | None:
    """Lead times that rest on little."""
    basis = result.lines["lead_basis"]
    thin = {kind: int((basis == kind).sum()) for kind in ("quoted", "pooled", "assumed")}
    if not sum(thin.values()):
        return None
    text = tr(
        "Lead times of {own} SKUs rest on their supplier's own receipts, of {quoted} on its "
        "quotation, of {pooled} on all suppliers' receipts and of {assumed} on an assumed "
        "{days}.",
        own=show(int((basis == "own").sum()), "count"),
        quoted=show(thin["quoted"], "count"),
        pooled=show(thin["pooled"], "count"),
        assumed=show(thin["assumed"], "count"),
        days=show(result.rules.lead_days, "days"),
    )
    evidence = {name: float(count) for name, count in thin.items()}
    level = "watch" if thin["assumed"] else "info"
    return Finding(key="order/leads", level=level, text=text, evidence=evidence)  # type: ignore[arg-type]


def _gaps(result: OrderProposal) -> list[Finding | None]:
    """What is not known: stock of the day, costs, the end of the futures."""
    lines, found = result.lines, []
    if result.snapshot != result.as_of:
        text = tr(
            "The stock figures are those of {day}; what was sold since is not in them.",
            day=show(result.snapshot, "day"),
        )
        found.append(Finding(key="order/stale", level="watch", text=text))
    if result.untold:
        text = ntr(
            "{count} SKU of the forecast is left out: no stock export tells its stock.",
            "{count} SKUs of the forecast are left out: no stock export tells their stock.",
            result.untold,
            count=show(result.untold, "count"),
        )
        evidence = {"skus": float(result.untold)}
        found.append(Finding(key="order/untold", level="info", text=text, evidence=evidence))
    free = int(((lines["wanted"] > 0) & lines["unit_cost"].isna()).sum())
    if free:
        text = ntr(
            "The cost of {count} SKU to be ordered is not told, so it is not in the amount.",
            "The cost of {count} SKUs to be ordered is not told, so they are not in the amount.",
            free,
            count=show(free, "count"),
        )
        evidence = {"skus": float(free)}
        found.append(Finding(key="order/cost", level="watch", text=text, evidence=evidence))
    cut = int((lines["beyond"] > CUT_OFF).sum())
    if cut:
        text = ntr(
            "The forecast ends before the next order of {count} SKU would come in; its level is "
            "too low: forecast more days.",
            "The forecast ends before the next order of {count} SKUs would come in; their levels "
            "are too low: forecast more days.",
            cut,
            count=show(cut, "count"),
        )
        evidence = {"skus": float(cut)}
        found.append(Finding(key="order/horizon", level="bad", text=text, evidence=evidence))
    return list(found)
