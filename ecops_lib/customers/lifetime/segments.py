"""Purchase models fitted to each segment of customers by itself."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from ecops_lib.core.findings import Finding
from ecops_lib.core.formats import Unit, show
from ecops_lib.core.language import mark, tr
from ecops_lib.core.names import short_name
from ecops_lib.core.results import Result
from ecops_lib.customers.lifetime.fit import MODELS, NEW, YEAR, LifetimeFit, fit_histories
from ecops_lib.customers.lifetime.likelihood import ModelName
from ecops_lib.customers.orders import FirstOrder
from ecops_lib.customers.purchases import Histories, count_histories
from ecops_lib.metrics.bases import Source

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, kw_only=True, eq=False)
class SegmentFits(Result):
    """Purchase models by segment of the first purchase.

    Attributes:
        fits: The models of each segment, the largest first; ``""`` is the segment of
            those whose orders do not tell it.
        as_of: Last local day that counts.
    """

    sheet: ClassVar[str] = mark("Customers by segment")
    units: ClassVar[Mapping[str, Unit]] = {
        "customers": "count",
        "again": "number",
        "alive": "share",
    }
    labels: ClassVar[Mapping[str, str]] = {
        "segment": mark("Segment"),
        "customers": mark("Customers"),
        "model": mark("Model"),
        "again": mark("A new customer's repeat purchases in a year"),
        "alive": mark("Likely still active"),
    }

    fits: Mapping[str, LifetimeFit]
    as_of: dt.date

    def to_frame(self) -> pd.DataFrame:
        """One row a segment; without a model its cells are missing."""
        import pandas as pd

        return pd.DataFrame(
            [_row(name, fit) for name, fit in self.fits.items()], columns=list(self.labels)
        )

    def findings(self) -> tuple[Finding, ...]:
        """The best and the worst segment, and those without a model."""
        frame = self.to_frame()
        told = frame.loc[frame["again"].notna()].sort_values("again")
        found = [self._unfitted(name, fit) for name, fit in self.fits.items() if fit.reason]
        if len(told) > 1:
            worst, best = told.iloc[0], told.iloc[-1]
            text = tr(
                "New customers of {best} are expected to buy again on {more} days within a year, "
                "those of {worst} on {less}.",
                best=best["segment"],
                more=show(best["again"], "number"),
                worst=worst["segment"],
                less=show(worst["again"], "number"),
            )
            numbers = {"most": float(best["again"]), "least": float(worst["again"])}
            found.insert(
                0, Finding(key="lifetime/segments", level="info", text=text, evidence=numbers)
            )
        return tuple(found)

    def _unfitted(self, name: str, fit: LifetimeFit) -> Finding:
        text = tr("{segment} has no model: {reason}", segment=_words(name), reason=fit.reason)
        return Finding(key=f"lifetime/segment/{name}", level="info", text=text)


def _words(name: str) -> str:
    return short_name(name) if name else tr("not told")


def _row(name: str, fit: LifetimeFit) -> tuple[str, float, str, float, float]:
    if fit.chosen is None:
        return _words(name), fit.customers, "", np.nan, np.nan
    again = float(fit.chosen.expect(NEW, weeks=YEAR)[0])
    alive = float(fit.chosen.alive(fit.history) @ fit.history.customers) / fit.customers
    return _words(name), fit.customers, fit.chosen.label, again, alive


def fit_segments(
    source: Source,
    *,
    as_of: dt.date | str,
    by: FirstOrder,
    models: Iterable[ModelName] = tuple(MODELS),
    time_zone: str | None = None,
) -> SegmentFits:
    """Fit each segment of customers by itself, the largest first.

    Args:
        source: A store, or tables of any engine by canonical name.
        as_of: Last local day of payment that counts.
        by: Column of the first purchase's orders that names the segment; customers
            whose orders do not tell it are under ``""``.
        models: The models to try.
        time_zone: IANA zone of the days; the store's by default.

    Raises:
        MissingDataError: No known buyer has bought by then.
        ParameterError: An argument has an impossible value.
    """
    held = count_histories(source, as_of=as_of, by=by, time_zone=time_zone)
    names = held.frame["segment"].astype("object").where(held.frame["segment"].notna(), "")
    sizes = held.frame.groupby(names)["customers"].sum()
    order = sorted(sizes.index, key=lambda name: (-sizes[name], name))
    tried = tuple(models)
    fits = {
        str(name): fit_histories(
            Histories(frame=held.frame.loc[names == name], as_of=held.as_of), models=tried
        )
        for name in order
    }
    return SegmentFits(fits=fits, as_of=held.as_of)
