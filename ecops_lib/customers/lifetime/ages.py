"""What customers brought at equal age: the value that needs no model.

A customer's first purchase is age 0; age month j holds the days 30 (j - 1) + 1 … 30 j
after it. The mean of a month is over the customers who are old enough to have lived
all of it, so that young customers do not pull old ages down.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from ecops_lib.core.charts import Chart, bar_chart
from ecops_lib.core.findings import Finding
from ecops_lib.core.formats import Unit, show
from ecops_lib.core.language import mark, ntr, tr
from ecops_lib.core.results import Result
from ecops_lib.customers.lifetime.likelihood import Floats
from ecops_lib.customers.purchases import Cohorts

if TYPE_CHECKING:
    import pandas as pd

MONTH = 30
"""Days of a month of age."""


@dataclass(frozen=True, kw_only=True, eq=False)
class AgeValues(Result):
    """Purchases and net amount a customer by month of age.

    Attributes:
        frame: One row a month of age, 0 for the day of the first purchase: ``age``
            [months], ``customers`` old enough, ``purchases`` and ``amount`` a customer in
            it, ``total``: amount a customer up to and with it [store currency].
    """

    sheet: ClassVar[str] = mark("Value at equal age")
    units: ClassVar[Mapping[str, Unit]] = {
        "age": "count",
        "customers": "count",
        "purchases": "ratio",
        "amount": "money",
        "total": "money",
    }
    labels: ClassVar[Mapping[str, str]] = {
        "age": mark("Months since the first purchase"),
        "customers": mark("Customers old enough"),
        "purchases": mark("Purchases a customer"),
        "amount": mark("Net amount a customer"),
        "total": mark("Net amount so far"),
    }

    frame: pd.DataFrame

    def to_frame(self) -> pd.DataFrame:
        """One row a month of age."""
        return self.frame

    def findings(self) -> tuple[Finding, ...]:
        """What a customer brings by the oldest age known."""
        last = self.frame.iloc[-1]
        text = ntr(
            "Within {age} month of the first purchase a customer has brought {total} net, of "
            "which {first} with the first purchase ({customers} customers are old enough).",
            "Within {age} months of the first purchase a customer has brought {total} net, of "
            "which {first} with the first purchase ({customers} customers are old enough).",
            int(last["age"]),
            age=show(last["age"], "count"),
            total=show(last["total"], "money"),
            first=show(self.frame["amount"].iloc[0], "money"),
            customers=show(last["customers"], "count"),
        )
        numbers = {name: float(last[name]) for name in ("age", "total", "customers")}
        return (Finding(key="lifetime/ages", level="info", text=text, evidence=numbers),)

    def chart(self) -> Chart | None:
        """Net amount a customer by month of age."""
        shown = self.frame.assign(name=self.frame["age"].astype(str))
        return bar_chart(
            shown, caption=tr("Net amount a customer by month of age"), unit="money", value="amount"
        )


def value_ages(cohorts: Cohorts) -> AgeValues:
    """Mean purchases and net amount of a customer by month of age.

    Args:
        cohorts: Purchases by first day and day.
    """
    import pandas as pd

    grid = age_grid(cohorts)
    whole = np.ones(len(grid.sizes))
    customers = grid.old_enough(whole)
    frame = pd.DataFrame(
        {
            "age": np.arange(grid.months + 1),
            "customers": customers,
            "purchases": grid.mean(grid.buyers, whole),
            "amount": grid.mean(grid.amounts, whole),
        }
    )
    return AgeValues(frame=frame.assign(total=frame["amount"].cumsum()))


@dataclass(frozen=True, slots=True, kw_only=True)
class AgeGrid:
    """Cohorts by first day against months of age.

    Attributes:
        sizes: Customers of each cohort, of shape (cohorts,).
        ages: Days from the first day to ``as_of``, of shape (cohorts,).
        buyers: Purchases, of shape (cohorts, months + 1).
        amounts: Net amounts [store currency], of the same shape.
        lived: Whether the cohort has lived all of a month, of the same shape.
    """

    sizes: Floats
    ages: Floats
    buyers: Floats
    amounts: Floats
    lived: Floats

    @property
    def months(self) -> int:
        """Months of age that the oldest cohort has lived."""
        return int(self.lived.shape[1]) - 1

    def old_enough(self, weights: Floats) -> Floats:
        """Customers who have lived all of each month."""
        held: Floats = (weights * self.sizes) @ self.lived
        return held

    def mean(self, cells: Floats, weights: Floats) -> Floats:
        """Mean a customer in each month; NaN where no cohort weighs anything."""
        customers = self.old_enough(weights)
        sums = weights @ (cells * self.lived)
        return np.divide(sums, customers, out=np.full_like(sums, np.nan), where=customers > 0)


def age_grid(cohorts: Cohorts) -> AgeGrid:
    """Cohorts by first day against months of age."""
    import pandas as pd

    frame = cohorts.frame
    firsts, place = np.unique(frame["first_day"].to_numpy(), return_inverse=True)
    ages = (pd.Timestamp(cohorts.as_of) - pd.DatetimeIndex(firsts)).days.to_numpy(float)
    days = (frame["day"] - frame["first_day"]).dt.days.to_numpy()
    month = np.ceil(days / MONTH).astype(int)
    months = int(ages.max() // MONTH)
    cells = place * (month.max() + 1) + month
    shape = (len(firsts), int(month.max()) + 1)

    def table(values: pd.Series) -> Floats:
        sums = np.bincount(cells, weights=values.to_numpy(float), minlength=shape[0] * shape[1])
        wide = np.zeros((shape[0], max(months + 1, shape[1])))
        wide[:, : shape[1]] = sums.reshape(shape)
        return wide[:, : months + 1]

    own = frame["day"] == frame["first_day"]
    first_buyers = frame.loc[own, "buyers"].to_numpy(float)
    sizes = np.bincount(place[own], weights=first_buyers, minlength=len(firsts)).astype(float)
    lived = ages[:, None] >= MONTH * np.arange(months + 1)
    return AgeGrid(
        sizes=sizes,
        ages=ages,
        buyers=table(frame["buyers"]),
        amounts=table(frame["amount"]),
        lived=lived.astype(float),
    )
