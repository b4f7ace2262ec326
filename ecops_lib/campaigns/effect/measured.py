"""One call: what a campaign of the shop really brought."""

from __future__ import annotations

import datetime as dt

from ecops_lib.campaigns.campaign import Campaign
from ecops_lib.campaigns.effect.accounts import draw_up
from ecops_lib.campaigns.effect.parts import find_parts
from ecops_lib.campaigns.effect.result import CampaignEffect
from ecops_lib.campaigns.effect.series import read_series
from ecops_lib.core.checks import as_day
from ecops_lib.metrics.bases import Source


def measure_effect(
    source: Source,
    *,
    campaign: Campaign,
    as_of: dt.date | str,
    alpha: float = 0.05,
    seed: int = 0,
    time_zone: str | None = None,
) -> CampaignEffect:
    """Measure what a campaign added, net of what it borrowed, and the margin it left.

    The promoted products are compared with unpromoted ones of other categories; those of the
    same categories (sisters) are left out, for the campaign may take from them, and each is
    tested. The dip before and after is estimated as the sale is. Days of other campaigns count
    for nothing.

    Args:
        source: A store, or tables by canonical name.
        campaign: The campaign.
        as_of: Last local day that counts; nothing later is looked at.
        alpha: Two-sided level of every test.
        seed: Draws of the account.
        time_zone: IANA zone of the days; the store's by default.

    Raises:
        MissingDataError: Nothing was sold before it, or no line names its product.
        ParameterError: It has not begun, or none of its products was ever sold.
    """
    series = read_series(
        source, campaign=campaign, as_of=as_day(as_of, name="as_of"), time_zone=time_zone
    )
    parts = find_parts(series, alpha=alpha)
    account = None
    if parts.sale.credible:
        account = draw_up(source, series, parts, seed=seed, time_zone=time_zone)
    return CampaignEffect(series=series, parts=parts, account=account)
