"""From what a campaign added to what it left: steps in money, each with its interval."""

from __future__ import annotations

import math
from dataclasses import dataclass

import narwhals as nw
import numpy as np

from ecops_lib.campaigns.effect.bearers import borne_shares
from ecops_lib.campaigns.effect.parts import Parts
from ecops_lib.campaigns.effect.series import DailySeries
from ecops_lib.campaigns.lift import Lift
from ecops_lib.campaigns.lift.panel import Floats
from ecops_lib.core.errors import EcopsError
from ecops_lib.core.language import mark
from ecops_lib.data import frames
from ecops_lib.metrics.bases import Source, Tables
from ecops_lib.metrics.maturity import LEAST_SHARE, mature_refunds
from ecops_lib.metrics.measuring import measure

DRAWS = 20_000
RECENT_DAYS = 28
"""Ordinary days before the campaign that say what ads usually cost."""

STEPS = {
    "list": mark("Sold more, at usual prices"),
    "discount": mark("Lower prices on all that was sold"),
    "borne": mark("Of that, borne by platform and creators"),
    "before": mark("Missing in the days before"),
    "after": mark("Missing in the days after"),
    "sisters": mark("Taken from or given to sister products"),
    "refunds": mark("Refunds"),
    "goods": mark("Cost of the goods"),
    "fees": mark("Platform fees"),
    "ads": mark("Ads above the usual"),
    "creators": mark("Creators' fees and commission"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step of the account.

    Attributes:
        key: One of ``STEPS``.
        amount: Money added or taken away [store currency]; NaN where not known.
        low: 2.5 % quantile.
        high: 97.5 % quantile.
        known: Whether the data tell it.
    """

    key: str
    amount: float
    low: float
    high: float
    known: bool = True


@dataclass(frozen=True, kw_only=True, eq=False)
class Account:
    """The steps and what is left.

    Attributes:
        steps: In order; those not known have no amount.
        margin: Sum of the known steps: the incremental margin [store currency].
        low: Its 2.5 % quantile.
        high: Its 97.5 % quantile.
        refund_rate: Refunded share of the campaign's sales in the end.
        usual_rate: That of ordinary days.
        refund_shown: Share of the campaign's refunds that has shown by ``as_of``.
        shipped_discount: Share of the usual price that buyers did not pay.
        break_even: Sales that the sale had to add for a margin of nothing [store currency]; NaN
            where no added sales would do.
    """

    steps: tuple[Step, ...]
    margin: float
    low: float
    high: float
    refund_rate: float
    usual_rate: float
    refund_shown: float
    shipped_discount: float
    break_even: float


def draw_up(
    source: Source, series: DailySeries, parts: Parts, *, seed: int, time_zone: str | None
) -> Account:
    """Draw up the account of a campaign whose lift is known.

    Each lift is drawn from its interval (normal), independently of the others, and so is the
    refund rate; what follows from them (refunds, goods, fees) is worked out on every draw.
    """
    rng = np.random.default_rng(seed)
    sale, mine = series.sale, series.promoted
    price = _price_of_mix(series)
    sold = float(series.amount[sale][:, mine].sum())
    at_usual = float((series.units[sale][:, mine] * price[mine]).sum())
    lifted = _draws(parts.sale, rng)
    discount = sold - at_usual
    moves = {
        "list": lifted - discount,
        "discount": np.full(DRAWS + 1, discount),
        "before": _draws(parts.before, rng),
        "after": _draws(parts.after, rng) if parts.after else np.full(DRAWS + 1, np.nan),
        "sisters": _sister_draws(parts, rng),
    }
    paid = np.nansum([*moves.values()], axis=0)
    rate, usual_rate, shown, unsure = _refund_rates(source, series, time_zone)
    expected = sold - lifted
    borne, usual_borne = borne_shares(source, series, time_zone)
    units = float(series.units[sale][:, mine].sum())
    drawn = _rate_draws(rate, units, shown, unsure, rng)
    moves["refunds"] = -(drawn * sold - usual_rate * expected) - usual_rate * (paid - lifted)
    moves["borne"] = _kept(rate) * borne * sold - _kept(usual_rate) * usual_borne * expected
    units_value = np.nansum([moves[k] for k in ("list", "before", "after", "sisters")], axis=0)
    cost = _cost_share(source, series, price, time_zone)
    fee = _fee_share(source, series, time_zone)
    moves["goods"] = -units_value * cost * _kept(usual_rate)
    moves["fees"] = -(paid + np.nan_to_num(moves["refunds"])) * fee
    moves["ads"] = np.full(DRAWS + 1, -_more_ads(source, series, time_zone))
    moves["creators"] = np.full(DRAWS + 1, -_creators(source, series, rate, time_zone))
    whole = np.nansum([*moves.values()], axis=0)
    kept = _kept(usual_rate)  # what one more of added sales leaves, all else as it was
    slope = kept * (1 - np.nansum([cost, fee, -usual_borne]))
    return Account(
        steps=tuple(_step(key, moves[key]) for key in STEPS),
        margin=float(whole[0]),
        low=float(np.quantile(whole[1:], 0.025)),
        high=float(np.quantile(whole[1:], 0.975)),
        refund_rate=rate,
        usual_rate=usual_rate,
        refund_shown=shown,
        shipped_discount=-discount / at_usual if at_usual else math.nan,
        break_even=float(lifted[0] - whole[0] / slope) if slope > 0 else math.nan,
    )


def _draws(lift: Lift, rng: np.random.Generator) -> Floats:
    """The estimate first, then draws about it; zeros where nothing can be told."""
    if not lift.credible:
        return np.full(DRAWS + 1, np.nan)
    error = (lift.high - lift.low) / 2 / _reach(lift.alpha)
    return np.concatenate([[lift.effect], rng.normal(lift.effect, error, DRAWS)])


def _reach(alpha: float) -> float:
    from scipy.stats import norm

    return float(norm.ppf(1 - alpha / 2))


def _sister_draws(parts: Parts, rng: np.random.Generator) -> Floats:
    """Sisters whose change stands; of the others nothing is known, so nothing is booked."""
    held = np.zeros(DRAWS + 1)
    for sister in parts.sisters:
        if sister.adjusted < parts.sale.alpha and sister.lines:
            width = abs(sister.amount / sister.lines) * (sister.high - sister.low) / 2
            error = width / _reach(parts.sale.alpha)
            held += np.append(sister.amount, rng.normal(sister.amount, error, DRAWS))
    return held


def _rate_draws(
    rate: float, units: float, shown: float, unsure: float, rng: np.random.Generator
) -> Floats:
    """A refund rate and draws about it: chance of its units, and of the projection to the end."""
    tries = max(units * (1.0 if math.isnan(shown) else shown), 1.0)
    chance = math.sqrt(max(rate * (1 - rate), 0.0) / tries) if not math.isnan(rate) else 0.0
    error = math.hypot(chance, 0.0 if math.isnan(rate) else rate * unsure)
    return np.append(rate, rng.normal(rate, error, DRAWS))


def _kept(rate: float) -> float:
    """Share of the goods that stays with the buyers; all where no refund is told."""
    return 1.0 if math.isnan(rate) else 1.0 - rate


def _step(key: str, draws: Floats) -> Step:
    if np.isnan(draws[0]):
        return Step(key=key, amount=math.nan, low=math.nan, high=math.nan, known=False)
    low, high = np.quantile(draws[1:], (0.025, 0.975))
    return Step(key=key, amount=float(draws[0]), low=float(low), high=float(high))


def _price_of_mix(series: DailySeries) -> Floats:
    """Paid for a unit of each product on ordinary days; its own campaign price for a new one."""
    usual = series.usual
    units, amount = series.units[usual].sum(axis=0), series.amount[usual].sum(axis=0)
    all_units, all_amount = series.units.sum(axis=0), series.amount.sum(axis=0)
    later = np.divide(all_amount, all_units, out=np.zeros_like(all_amount), where=all_units > 0)
    return np.asarray(np.divide(amount, units, out=later, where=units > 0))


def _refund_rates(
    source: Source, series: DailySeries, time_zone: str | None
) -> tuple[float, float, float, float]:
    """Final refund rate of the sale and of ordinary days, the share shown, the projection's error.

    A payment day's refunds so far are divided by the share that days of its age have shown
    (chain ladder, Mack 1993); without enough history they count as they are. The error, a share
    of the final refunds, is that of all the sale's refunds at its youngest day's age.
    """
    sale, mine = series.sale, series.promoted
    if np.isnan(series.refunded).all():
        return math.nan, math.nan, math.nan, 0.0
    try:
        ripe = mature_refunds(source, as_of=series.as_of, time_zone=time_zone)
        shown = np.array([ripe.share_shown((series.as_of - d).days) for d in series.days])
    except EcopsError:  # no refund can be dated: none is projected, and the reader is told
        shown = np.full(len(series.days), np.nan)
    share = np.where(shown >= LEAST_SHARE, shown, 1.0)
    final = series.refunded / share[:, None]
    usual = series.usual
    paid, refunds = series.amount[usual][:, mine].sum(), final[usual][:, mine].sum()
    usual_rate = float(refunds / paid) if paid else 0.0
    sold, back = series.amount[sale][:, mine].sum(), final[sale][:, mine].sum()
    rate = float(back / sold) if sold else 0.0
    if not (shown[sale] >= LEAST_SHARE).all():
        return rate, usual_rate, math.nan, 0.0
    if not back:
        return rate, usual_rate, 1.0, 0.0
    so_far = float(series.refunded[sale][:, mine].sum())
    age = min((series.as_of - series.days[sale][-1]).days, ripe.ripe)
    unsure = ripe.ladder.error(age, so_far)
    return rate, usual_rate, so_far / float(back), 0.0 if math.isnan(unsure) else unsure


def _cost_share(source: Source, series: DailySeries, price: Floats, time_zone: str | None) -> float:
    """Cost of a unit over its usual price, weighed by what the campaign sold; NaN unknown."""
    tables = Tables(source, time_zone=time_zone)
    if not tables.has("products"):
        return math.nan
    held = frames.bring(tables.lazy("products").select("product_id", "unit_cost").filter(
        ~nw.col("unit_cost").is_null()))  # fmt: skip
    costs = dict(zip(held["product_id"].astype(str), held["unit_cost"].astype(float), strict=True))
    cost = np.array([costs.get(p, math.nan) for p in series.products])
    units = series.units[series.sale].sum(axis=0)
    told = series.promoted & ~np.isnan(cost) & (price > 0) & (units > 0)
    value = float((units * price)[told].sum())
    return float((units * cost)[told].sum()) / value if value else math.nan


def _fee_share(source: Source, series: DailySeries, time_zone: str | None) -> float:
    """Platform fees over paid amount on ordinary days; NaN where no table tells them."""
    tables = Tables(source, time_zone=time_zone)
    if not tables.has("costs"):
        return math.nan
    days = [day for day, usual in zip(series.days, series.usual, strict=True) if usual]
    rows = tables.lazy("costs").filter(nw.col("kind") == "platform fee")
    held = frames.bring(rows.select("day", "amount"))
    if held.empty or not days:
        return math.nan
    kept = held["day"].dt.date.isin(days)
    return float(held["amount"][kept].astype(float).sum() / series.amount[series.usual].sum())


def _more_ads(source: Source, series: DailySeries, time_zone: str | None) -> float:
    """Ads of the campaign's days above those of as many ordinary days; NaN without ads.

    Ads for unpromoted products are none of its business; those that name no product are.
    """
    begin = series.campaign.first
    end = min(series.campaign.selling[1], series.as_of)
    if not Tables(source, time_zone=time_zone).has("ads"):
        return math.nan
    rows = measure(
        source, ["ad_cost"], start=series.days[0], end=end, by=("day", "product"),
        time_zone=time_zone,
    ).frame  # fmt: skip
    pairs = zip(series.products, series.promoted, strict=True)
    rows = rows[~rows["product_id"].isin([p for p, mine in pairs if not mine])]
    sums = rows.groupby(rows["day"].dt.date)["ad_cost"].sum()
    spent = {day: float(cost) for day, cost in sums.items()}
    usual = [spent.get(d, 0.0) for d, kept in zip(series.days, series.usual, strict=True) if kept]
    mine = [spent.get(begin + k * frames.DAY, 0.0) for k in range((end - begin).days + 1)]
    recent = usual[-RECENT_DAYS:]
    return sum(mine) - len(mine) * float(np.mean(recent)) if recent else math.nan


def _creators(
    source: Source, series: DailySeries, refund_rate: float, time_zone: str | None
) -> float:
    """Slot fees and commission of the sessions in the campaign; NaN without the table.

    Commission is due on what is not refunded.
    """
    tables = Tables(source, time_zone=time_zone)
    if not tables.has("live_sessions"):
        return math.nan
    first, last = series.campaign.first, min(series.campaign.selling[1], series.as_of)
    rows = tables.lazy("live_sessions").filter(
        frames.within("started_at", first, last, tables.zone)
    )
    held = frames.bring(rows.select("product_id", "slot_fee", "commission_rate", "paid_amount"))
    pairs = zip(series.products, series.promoted, strict=True)
    held = held[~held["product_id"].isin([p for p, mine in pairs if not mine])]
    fees = held["slot_fee"].astype(float).fillna(0.0)
    due = held["commission_rate"].astype(float) * held["paid_amount"].astype(float)
    return float((fees + due.fillna(0.0) * _kept(refund_rate)).sum())
