"""Tests whose unit of assignment is larger than the unit that is counted.

Shops, buildings, or hours of a region are assigned; orders or visitors are counted.
What varies independently is the assigned unit, so each gives one total and one size,
and the mean is a ratio of their sums.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Literal

from ecops_lib.core.checks import require_between, require_choice
from ecops_lib.core.language import mark, tr
from ecops_lib.experiments.effects import Effect, Relative
from ecops_lib.experiments.inference.adjustment import Adjusted, adjust
from ecops_lib.experiments.inference.means import effect_of
from ecops_lib.experiments.moments import Moments

SmallSample = Literal["groups", "CR0", "CR1"]
"""Small-sample factor on the clusters' variance: G ÷ (G − 1) in each group, none, or
G (N − 1) ÷ ((G − 1)(N − 2)) over both (as Stata and statsmodels)."""

FEW = 20


def compare_clusters(
    control: Moments,
    treatment: Moments,
    *,
    total: str,
    size: str,
    alpha: float = 0.05,
    relative: Relative = "fieller",
    correction: SmallSample = "groups",
) -> Effect:
    """Compare a mean per counted unit where whole clusters were assigned.

    Args:
        control: Moments over the control's clusters, one row a cluster.
        treatment: Moments over the treatment's clusters.
        total: Column of the cluster's sum of the outcome.
        size: Column of the cluster's number of counted units.
        alpha: Two-sided level.
        relative: How the relative interval is made.
        correction: Small-sample factor. "groups" is held against Welch's t with the
            clusters as units, "CR1" and "CR0" against Student's t with G − 2 degrees.

    Returns:
        The effect on the mean per counted unit (Σ totals ÷ Σ sizes) with its
        cluster-robust error; ``n_control`` and ``n_treatment`` count clusters. A note
        warns of fewer than 20 clusters in a group.

    Raises:
        ParameterError: An option is impossible.
        ColumnError: The moments lack a column.

    References:
        Liang and Zeger (1986), Biometrika 73, 13-22; Cameron and Miller (2015), Journal
        of Human Resources 50, 317-372, eq. 11-12.
    """
    require_choice(correction, SmallSample, name="correction")
    require_between(alpha, 0.0, 1.0, name="alpha", ends="open")
    held = adjust(control, treatment, columns=((total, size),))
    if correction != "groups":
        held = _rescaled(held, control.total(size) + treatment.total(size), correction)
    effect = effect_of(
        held,
        alpha=alpha,
        relative=relative,
        reference="welch" if correction == "groups" else "clusters",
        method=mark("cluster-robust t test"),
    )
    fewest = min(control.n, treatment.n)
    if fewest < FEW:
        text = tr(
            "Only {count} clusters stand on one side; with fewer than {few} the interval"
            " may be too narrow.",
            count=fewest,
            few=FEW,
        )
        effect = replace(effect, notes=(*effect.notes, text))
    return effect


def _rescaled(held: Adjusted, counted: float, correction: SmallSample) -> Adjusted:
    """The groups' variances with another small-sample factor."""
    groups = sum(held.sizes)
    factor = 1.0
    if correction == "CR1" and groups > 1 and counted > 2:
        factor = groups / (groups - 1) * (counted - 1) / (counted - 2)
    first, second = (
        variance * (n - 1) / n * factor if n else math.nan
        for variance, n in zip(held.variances, held.sizes, strict=True)
    )
    pair = replace(held.pair, var_control=first, var_treatment=second)
    return replace(held, variances=(first, second), pair=pair)
