"""Which variant a unit sees: decided by a salted hash, the same every time, on any machine.

The hash of a unit is a number from 0 to 1 (``core.hashing``); the variants share that range
in the order of their names.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import narwhals as nw
import numpy as np

from ecops_lib.core.checks import listed, require_between
from ecops_lib.core.errors import ParameterError
from ecops_lib.core.findings import Finding
from ecops_lib.core.formats import Unit, show
from ecops_lib.core.hashing import hash_units
from ecops_lib.core.language import mark, tr
from ecops_lib.core.results import Result
from ecops_lib.data import frames

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

UNIT = "unit_key"
DOUBT = 0.001
"""Level below which an assignment is held to be broken; a hash that works errs once in 1,000."""


def assign_variants(
    units: Any, *, experiment_id: str, salt: str, shares: Mapping[str, float]
) -> Any:
    """The variant of each unit.

    Args:
        units: A column of pandas, Polars, PyArrow or Narwhals, a list, or a table of any
            engine with the column ``unit_key``.
        experiment_id: The test.
        salt: The shop's secret.
        shares: Share of each variant; they sum to 1.

    Returns:
        A column of the same kind and order as ``units`` (a list for a list); for a table a
        pandas frame of ``unit_key`` and ``variant``, one row each unit, sorted by it.

    Raises:
        ParameterError: The shares are impossible, the test or the salt empty.
        ColumnError: A unit is missing or not text or a whole number, or the table has none.

    >>> assign_variants([1, 2, 3], experiment_id="title", salt="s",
    ...                 shares={"A": 0.5, "B": 0.5})
    ['A', 'B', 'A']
    """
    names, limits = _ranges(shares)

    def choose(keys: Iterable[str | int]) -> list[str]:
        places = hash_units(keys, experiment_id=experiment_id, salt=salt)
        return [names[i] for i in np.searchsorted(limits, places, side="right")]

    if isinstance(units, list | tuple):
        return choose(units)
    if isinstance(units, np.ndarray):
        return np.array(choose(units.tolist()), dtype=object)
    series = nw.from_native(units, allow_series=True, pass_through=True)
    if isinstance(series, nw.Series):
        return _like(series, choose(series.to_list()), native=units)
    return _assign_table(units, choose)


def _like(series: nw.Series[Any], chosen: list[str], *, native: object) -> Any:
    """A column of the same kind, with the same index where the engine has one."""
    made = nw.new_series("variant", chosen, nw.String, backend=series.implementation)
    index = nw.maybe_get_index(series)
    held = made if index is None else nw.maybe_set_index(made, index=index)
    return held if native is series else held.to_native()


def _assign_table(table: object, choose: Any) -> pd.DataFrame:
    held = frames.lazy(table, name="units", needed=[UNIT]).select(UNIT).unique()
    keys = frames.bring(held, sort=[UNIT])
    return keys.assign(variant=choose(keys[UNIT].tolist()))


def _ranges(shares: Mapping[str, float]) -> tuple[list[str], Floats]:
    """Names in order and the upper ends of all ranges but the last."""
    for name, share in shares.items():
        require_between(share, 0, 1, name=f"share of {name!r}")
    if len(shares) < 2 or not math.isclose(sum(shares.values()), 1, abs_tol=1e-9):
        raise ParameterError(
            f"shares are {dict(shares)!r}; give at least two variants whose shares sum to 1."
        )
    names = sorted(shares)
    return names, np.cumsum([shares[name] for name in names])[:-1]


@dataclass(frozen=True, kw_only=True, eq=False)
class AssignmentCheck(Result):
    """Whether the assignment of some units does what was planned.

    Attributes:
        counts: Units of each variant.
        shares: Planned share of each variant.
        ratio_p: p-value of the counts against the shares (chi-square).
        uniform_p: p-value of the numbers being uniform (Kolmogorov–Smirnov).
    """

    sheet: ClassVar[str] = mark("Assignment")
    units: ClassVar[Mapping[str, Unit]] = {"units": "count", "share": "share", "planned": "share"}
    labels: ClassVar[Mapping[str, str]] = {
        "variant": mark("Tested variant"),
        "units": mark("Units"),
        "share": mark("Share"),
        "planned": mark("Planned share"),
    }

    counts: Mapping[str, int]
    shares: Mapping[str, float]
    ratio_p: float
    uniform_p: float

    @property
    def sound(self) -> bool:
        """Whether nothing speaks against the assignment."""
        return min(self.ratio_p, self.uniform_p) >= DOUBT

    def to_frame(self) -> pd.DataFrame:
        """One row a variant."""
        import pandas as pd

        total = sum(self.counts.values())
        rows = [
            (name, self.counts[name], self.counts[name] / total, share)
            for name, share in self.shares.items()
        ]
        return pd.DataFrame(rows, columns=list(self.labels))

    def findings(self) -> tuple[Finding, ...]:
        """Whether the units were shared out as planned."""
        values = {
            "units": show(sum(self.counts.values()), "count"),
            "variants": show(len(self.counts), "count"),
            "p": show(min(self.ratio_p, self.uniform_p), "number"),
        }
        text = (
            tr("{units} units are shared out over {variants} variants as planned.", **values)
            if self.sound
            else tr(
                "{units} units are not shared out as planned (p = {p}); are the keys distinct "
                "units of one kind?",
                **values,
            )
        )
        evidence = {"ratio_p": self.ratio_p, "uniform_p": self.uniform_p}
        return (
            Finding(
                key="assignment",
                level="good" if self.sound else "bad",
                text=text,
                evidence=evidence,
            ),
        )


def check_assignment(
    units: Iterable[str | int], *, experiment_id: str, salt: str, shares: Mapping[str, float]
) -> AssignmentCheck:
    """Check that a test's units are shared out as planned, before it begins.

    Args:
        units: Keys of the units, each once.
        experiment_id: The test.
        salt: The shop's secret.
        shares: Share of each variant.

    Raises:
        ParameterError: There is no unit, one comes twice, or the shares are impossible.
    """
    from scipy.stats import chisquare, kstest

    keys = list(units)
    if not keys or len(set(map(str, keys))) < len(keys):
        raise ParameterError("units must be one or more keys, each once.")
    used = {name: share for name, share in shares.items() if share > 0}
    chosen = assign_variants(keys, experiment_id=experiment_id, salt=salt, shares=shares)
    counts = {name: chosen.count(name) for name in shares}
    if stray := [name for name in counts if counts[name] and name not in used]:
        raise ParameterError(f"units fell to {listed(stray)}, whose share is 0.")
    places = hash_units(keys, experiment_id=experiment_id, salt=salt)
    expected = [share * len(keys) for share in used.values()]
    observed = [counts[name] for name in used]
    one = len(used) == 1
    return AssignmentCheck(
        counts=counts,
        shares=dict(shares),
        ratio_p=1.0 if one else float(chisquare(observed, expected).pvalue),
        uniform_p=float(kstest(places, "uniform").pvalue),
    )
