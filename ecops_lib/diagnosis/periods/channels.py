"""Where did visitors and sales come from, and did rates or the mix of channels move conversion?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import narwhals as nw

from ecops_lib.core.errors import MissingDataError
from ecops_lib.core.findings import Finding
from ecops_lib.core.formats import Unit, show
from ecops_lib.core.language import mark, tr
from ecops_lib.core.names import short_name
from ecops_lib.core.results import Result
from ecops_lib.data.calendar.periods import Period, Span
from ecops_lib.data.frames import bring
from ecops_lib.diagnosis.history import History
from ecops_lib.diagnosis.split import split_ratio
from ecops_lib.metrics.bases import missing_words

if TYPE_CHECKING:
    import pandas as pd

    from ecops_lib.diagnosis.split import Numbers

COLUMNS = ("visitors", "paying_buyers", "paid_amount")
MOST_ROWS = 12


@dataclass(frozen=True, kw_only=True, eq=False)
class ChannelMix(Result):
    """Channels of a period beside the days before.

    Attributes:
        frame: One row a channel: ``channel``, ``visitors`` (days added), ``share`` of the channels'
            visitors, ``visitors_change``, ``conversion`` (buyers over visitors),
            ``conversion_change`` [fraction], ``paid`` and ``before`` [store currency],
            ``paid_change``, and the
            effects of its ``rate`` and of its share (``mix``) on the conversion of all channels
            [fraction], which add up to the change.
        conversion: Conversion over all channels, then and now.
        period: The period.
        owner: Who sees to traffic.
        reason: Why there is nothing to show; empty where there is something.
    """

    sheet: ClassVar[str] = mark("Channels")
    labels: ClassVar[Mapping[str, str]] = {
        "channel": mark("Channel"),
        "visitors": mark("Visitors (days added)"),
        "share": mark("Share"),
        "visitors_change": mark("Visitors, change"),
        "conversion": mark("Conversion"),
        "conversion_change": mark("Conversion, change"),
        "paid": mark("Amount paid"),
        "before": mark("Amount before"),
        "paid_change": mark("Amount, change"),
        "rate": mark("Effect of its rate on conversion"),
        "mix": mark("Effect of its share on conversion"),
    }
    units: ClassVar[Mapping[str, Unit]] = {
        "visitors": "count", "share": "share", "visitors_change": "share", "conversion": "share",
        "conversion_change": "points", "paid": "money", "before": "money",
        "paid_change": "share", "rate": "points",
        "mix": "points",
    }  # fmt: skip

    period: Period
    frame: pd.DataFrame
    conversion: tuple[float, float] = (float("nan"), float("nan"))
    owner: str = ""
    reason: str = ""

    def absent(self) -> str:
        """Why there is nothing to show, if so."""
        return self.reason

    def to_frame(self) -> pd.DataFrame:
        """One row a channel, the most visitors first."""
        return self.frame

    def page_frame(self) -> pd.DataFrame:
        """The largest channels, without what conversion is split into."""
        return self.frame.drop(columns=["before", "rate", "mix"]).head(MOST_ROWS)

    def findings(self) -> tuple[Finding, ...]:
        """What rates and mix made of conversion, and that visitors must not be added up."""
        if self.reason:
            return ()
        then, now = self.conversion
        rate, mix = float(self.frame["rate"].sum()), float(self.frame["mix"].sum())
        words = {
            "then": show(then, "share"), "now": show(now, "share"),
            "rate": show(rate, "points", sign=True), "mix": show(mix, "points", sign=True),
        }  # fmt: skip
        text = tr(
            "Conversion over all channels went from {then} to {now}: {rate} because channels "
            "convert otherwise, {mix} because visitors came by others.",
            **words,
        )
        numbers = {"then": then, "now": now, "rate": rate, "mix": mix}
        told = [Finding(key="channels/conversion", level="info", text=text, evidence=numbers)]
        return (*told, *self._worst())

    def _worst(self) -> tuple[Finding, ...]:
        """The channel whose sales changed most."""
        moved = self.frame.assign(change=self.frame["paid"] - self.frame["before"]).dropna()
        if moved.empty:
            return ()
        row = moved.iloc[int(moved["change"].abs().argmax())]
        words = {
            "channel": short_name(row["channel"]), "paid": show(row["paid"], "money"),
            "change": show(abs(row["change"]), "money"),
        }  # fmt: skip
        text = (
            tr("{channel} moved most: {paid}, {change} less than before.", **words)
            if row["change"] < 0
            else tr("{channel} moved most: {paid}, {change} more than before.", **words)
        )
        numbers = {"paid": float(row["paid"]), "change": float(row["change"])}
        return (Finding(key="channels/moved", level="info", text=text, evidence=numbers),)


def compare_channels(history: History, period: Period) -> ChannelMix:
    """Channels' visitors, conversion and sales in a period, beside the days before.

    The change of conversion over all channels is split into rates and mix (``split_ratio``).
    Visitors who came by several channels count in each.

    Args:
        history: The days before, up to the period's last one.
        period: The period.

    Returns:
        The channels; absent where traffic does not tell them in both spans.
    """
    import numpy as np
    import pandas as pd

    owner = history.settings.owners.get("traffic", tr("advertising"))
    try:
        held = [_sums(history, span) for span in (period.before, (period.first, period.last))]
    except MissingDataError as error:
        return ChannelMix(period=period, frame=pd.DataFrame(), owner=owner, reason=str(error))
    both = pd.concat(held, axis=1, keys=["then", "now"]).swaplevel(axis=1).fillna(0.0)
    under, over, paid = (both[name][["then", "now"]].to_numpy(float) for name in COLUMNS)
    rate, mix = split_ratio(over, under)
    totals = under.sum(axis=0)
    rates = np.divide(over, under, out=np.full_like(over, np.nan), where=under > 0)
    frame = pd.DataFrame({
        "channel": both.index, "visitors": under[:, 1], "share": under[:, 1] / totals[1],
        "visitors_change": _relative(under), "conversion": rates[:, 1],
        "conversion_change": rates[:, 1] - rates[:, 0], "paid": paid[:, 1],
        "before": paid[:, 0], "paid_change": _relative(paid), "rate": rate, "mix": mix,
    })  # fmt: skip
    whole = over.sum(axis=0) / totals
    return ChannelMix(
        period=period,
        frame=frame.sort_values(
            ["visitors", "channel"], ascending=[False, True], ignore_index=True
        ),
        conversion=(float(whole[0]), float(whole[1])),
        owner=owner,
    )


def _relative(values: Numbers) -> Numbers:
    """Change from the first to the second column; NaN from nothing."""
    import numpy as np

    change = np.full(len(values), np.nan)
    np.divide(values[:, 1] - values[:, 0], values[:, 0], out=change, where=values[:, 0] > 0)
    return change


def _sums(history: History, span: Span) -> pd.DataFrame:
    """Visitors, buyers and amount by channel over a span.

    Raises:
        MissingDataError: No channel's visitors are told in it.
    """
    if not history.has("traffic"):
        raise MissingDataError(missing_words("traffic"))
    rows = history.tables.lazy("traffic", start=span[0], end=span[1]).filter(
        (nw.col("scope") == "channel") & (nw.col("day") >= span[0]) & (nw.col("day") <= span[1])
    )
    sums = rows.group_by("scope_id").agg(*(nw.col(name).sum() for name in COLUMNS))
    held = bring(sums).set_index("scope_id").astype(float).sort_index()
    if held.empty or not held["visitors"].sum() > 0:
        raise MissingDataError(
            tr(
                "No channel's visitors are told from {first} to {last}.",
                first=show(span[0], "day"),
                last=show(span[1], "day"),
            )
        )
    return held
