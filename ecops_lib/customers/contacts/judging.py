"""What each past mailing brought: the contacted against the held-out, as they were drawn."""

from __future__ import annotations

import datetime as dt
import math
from typing import TYPE_CHECKING, Any, cast

from ecops_lib.core.checks import require_between
from ecops_lib.core.language import tr
from ecops_lib.customers.contacts.calibration import Gain
from ecops_lib.customers.contacts.effects import ContactEffects, State
from ecops_lib.customers.contacts.mailings import Mailings
from ecops_lib.customers.shares import Between, Sums, mean_between, share_between
from ecops_lib.data import frames
from ecops_lib.metrics.bases import Source

if TYPE_CHECKING:
    import pandas as pd

Side = dict[str, Any]
"""Sums of one arm of a mailing, by name."""
DOUBT = 0.001
"""p-value below which a hold-out is held to be broken (as for A/B tests)."""
FEWEST_BUYERS = 5
"""Buyers that each arm needs before its money is judged."""


def judge_contacts(
    source: Source,
    *,
    as_of: dt.date | str,
    window_days: int = 14,
    margin: float = 1.0,
    hold_out: float | None = None,
    time_zone: str | None = None,
) -> ContactEffects:
    """Judge every past mailing by the customers held out of it.

    All customers drawn count, whether they opened the message or not: who opens chose to,
    and would have bought more anyway. Buyers are compared by Newcombe's interval, orders
    and net amounts by Welch's; several mailings are pooled by the inverse of their
    variances.

    Args:
        source: A store, or tables of any engine by canonical name.
        as_of: Last local day that counts; mailings whose window ends later are not judged.
        window_days: Days from the sending in which orders count.
        margin: Share of the net amount that is profit, before the cost of the message.
        hold_out: Planned share held out, to hold the real one against; not held against
            anything unless given.
        time_zone: IANA zone of the days; the store's by default.

    Raises:
        MissingDataError: There are no contacts, or no known buyer has bought by then.
        ParameterError: An argument has an impossible value.

    References:
        Newcombe (1998), Statistics in Medicine 17, 873-890, method 10; Welch (1947),
        Biometrika 34, 28-35.
    """
    import pandas as pd

    require_between(margin, 0, 1, name="margin")
    if hold_out is not None:
        require_between(hold_out, 0, 1, name="hold_out", ends="open")
    mailings = Mailings(source, as_of=as_of, window_days=window_days, time_zone=time_zone)
    arms, overlaps = mailings.arms(), mailings.overlaps()
    rows = [
        _row(mailings, arms[arms["contact_id"] == name], margin, hold_out)
        | {"overlapping": int(overlaps.get(name, 0))}
        for name in arms["contact_id"].unique()
    ]
    frame = pd.DataFrame(rows, columns=[*ContactEffects.columns])
    nameless, crossed = mailings.set_aside()
    store = mailings.tables.store
    return ContactEffects(
        frame=frame,
        lift=_pooled(frame, "lift"),
        worth=_pooled(frame, "worth"),
        profit=_summed(frame),
        as_of=mailings.as_of,
        window_days=window_days,
        margin=margin,
        hold_out=hold_out,
        nameless=nameless,
        crossed=crossed,
        owner=(store.settings.owners if store else {}).get("customers", tr("customer operations")),
    )


def _row(
    mailings: Mailings, arms: pd.DataFrame, margin: float, hold_out: float | None
) -> dict[str, Any]:
    """Everything about one mailing but its overlaps."""
    sides = {int(side["held"]): side for side in cast("list[Side]", arms.to_dict("records"))}
    told = [name for name in (arms["message"].min(), arms["message_to"].max()) if name]
    sent = mailings.tables.local_day(arms["first"].min().to_pydatetime())
    end = arms["last"].max().to_pydatetime().replace(tzinfo=dt.UTC) + mailings.window
    over = frames.instants(mailings.as_of, mailings.as_of, mailings.tables.zone)[1]
    contacted, held = sides.get(0), sides.get(1)
    row: dict[str, Any] = {
        "contact_id": arms["contact_id"].iloc[0],
        "message": told[0] if len(set(told)) == 1 else "",
        "sent": sent,
        "until": mailings.tables.local_day(end),
        "contacted": int(contacted["customers"]) if contacted else 0,
        "held_out": int(held["customers"]) if held else 0,
        "cost": float(contacted["cost"]) if contacted else 0.0,
        "unpriced": int(contacted["customers"] - contacted["priced"]) if contacted else 0,
        "opened": int(contacted["opened"]) if contacted else 0,
        "state": _state(contacted, held, over=end <= over),
    }
    if contacted and held:
        row |= _split(contacted, held, hold_out)
        if row["state"] == "judged":
            row |= _compared(contacted, held, margin)
            if min(row["split_p"], row["before_p"], key=_or_one) < DOUBT:
                row["state"] = "doubtful"
    return row


def _or_one(p: float) -> float:
    """A p-value; one that is not known speaks against nothing."""
    return 1.0 if math.isnan(p) else p


def _state(contacted: object, held: object, *, over: bool) -> State:
    if not held:
        return "uncontrolled"
    if not contacted:
        return "unsent"
    return "judged" if over else "open"


def _split(contacted: Side, held: Side, hold_out: float | None) -> dict[str, float]:
    """Whether the hold-out has the planned size, and bought alike before the sending."""
    from scipy.special import ndtr
    from scipy.stats import binomtest

    n, m = int(contacted["customers"]), int(held["customers"])
    both = (contacted["earlier"] + held["earlier"]) / (n + m)
    error = math.sqrt(both * (1 - both) * (1 / n + 1 / m))
    gap = contacted["earlier"] / n - held["earlier"] / m
    return {
        "split_p": math.nan if hold_out is None else float(binomtest(m, n + m, hold_out).pvalue),
        "before_p": 2 * float(ndtr(-abs(gap) / error)) if error > 0 else math.nan,
    }


def _compared(contacted: Side, held: Side, margin: float) -> dict[str, Any]:
    """Differences of the arms with their intervals, and what is left of them as profit."""
    n, m = contacted["customers"], held["customers"]
    buyers = (contacted["bought"], held["bought"])
    sides = contacted, held
    orders = _means(*(Sums(s["customers"], s["orders"], s["orders_square"]) for s in sides))
    money = [Sums(s["customers"], s["amount"], s["square"]) for s in sides]
    worth, cost = _means(*money), contacted["cost"]
    shares = [count / size for count, size in zip(buyers, (n, m), strict=True)]
    return {
        "share": shares[0],
        "share_held": shares[1],
        **_named("lift", share_between(buyers, (n, m))),
        "lift_error": math.sqrt(sum(p * (1 - p) / k for p, k in zip(shares, (n, m), strict=True))),
        **_named("orders", orders),
        "amount": money[0].mean,
        "amount_held": money[1].mean,
        **_named("worth", worth),
        "worth_error": math.sqrt(money[0].error + money[1].error),
        "profit": n * margin * worth.gap - cost,
        "profit_low": n * margin * worth.low - cost,
        "profit_high": n * margin * worth.high - cost,
        "profit_error": n * margin * math.sqrt(money[0].error + money[1].error),
        "few": min(buyers) < FEWEST_BUYERS,
    }


def _means(first: Sums, second: Sums) -> Between:
    """Welch's difference; without any spread nothing is known of its error."""
    if not first.error + second.error > 0:
        return Between(first.mean - second.mean, math.nan, math.nan)
    return mean_between(first, second)


def _named(name: str, held: Between) -> dict[str, float]:
    return {name: held.gap, f"{name}_low": held.low, f"{name}_high": held.high}


def _pooled(frame: pd.DataFrame, name: str) -> Gain | None:
    """The mean of the judged mailings' effects by the inverse of their variances, or the one."""
    held = frame[(frame["state"] == "judged") & (frame[f"{name}_error"].astype(float) > 0)]
    if held.empty:
        return None
    weights = 1 / held[f"{name}_error"].astype(float) ** 2
    value = float((weights * held[name].astype(float)).sum() / weights.sum())
    return Gain(
        customers=int(held["contacted"].sum()), value=value, error=1 / math.sqrt(weights.sum())
    )


def _summed(frame: pd.DataFrame) -> Gain | None:
    """The profit of all judged mailings together."""
    held = frame[(frame["state"] == "judged") & (frame["profit_error"].astype(float) > 0)]
    if held.empty:
        return None
    return Gain(
        customers=int(held["contacted"].sum()),
        value=float(held["profit"].sum()),
        error=math.sqrt(float((held["profit_error"].astype(float) ** 2).sum())),
    )
