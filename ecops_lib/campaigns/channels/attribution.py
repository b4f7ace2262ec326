"""What each channel gets under several models of attribution, and how far they disagree."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal, get_args

import numpy as np

from ecops_lib.campaigns.channels import rules
from ecops_lib.campaigns.channels.markov import make_chain, remove_channels
from ecops_lib.campaigns.channels.paths import Floats, Paths, read_paths
from ecops_lib.core.checks import require_between, require_choice
from ecops_lib.core.errors import ParameterError
from ecops_lib.core.findings import Finding
from ecops_lib.core.formats import Unit, show
from ecops_lib.core.language import mark, tr
from ecops_lib.core.names import joined, short_name
from ecops_lib.core.results import Result

if TYPE_CHECKING:
    import pandas as pd

    from ecops_lib.core.charts import Chart

Model = Literal["first", "last", "linear", "position", "decay", "markov", "shapley"]

MODELS: Mapping[str, str] = {
    "first": mark("First touch"),
    "last": mark("Last touch"),
    "linear": mark("Linear"),
    "position": mark("Position"),
    "decay": mark("Time decay"),
    "markov": mark("Removal (Markov)"),
    "shapley": mark("Shapley"),
}
SHOWN = 12
"""Channels that a page lists."""
CLOSE = 0.1
"""Least difference between models, as a share of a channel's mean, that is worth a sentence."""

MOSTLY = 0.8
"""Share of purchases by a single channel from which it is said."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Attribution(Result):
    """Conversions and money by channel and model.

    Attributes:
        conversions: Conversions by channel (index, most first) and model (columns).
        values: Money by channel and model [store currency]; None where paths tell none.
        removal: Share of conversions lost without each channel; None without ``markov``.
        paths: Paths, each counted once.
        lost: Paths without a conversion; None where not told.
        single: Share of the conversions whose path holds a single channel.
        note: What is to be known of how the paths were built.
    """

    sheet: ClassVar[str] = mark("Attribution by channel")
    labels: ClassVar[Mapping[str, str]] = {
        "channel": mark("Channel"),
        **MODELS,
        **{f"value_{name}": label for name, label in MODELS.items()},
        "removal": mark("Lost without it"),
    }
    units: ClassVar[Mapping[str, Unit]] = {
        **dict.fromkeys(MODELS, "number"),
        **{f"value_{name}": "money" for name in MODELS},
        "removal": "share",
    }

    conversions: pd.DataFrame
    values: pd.DataFrame | None
    removal: pd.Series | None
    paths: float
    lost: float | None
    single: float
    note: str = ""

    def to_frame(self) -> pd.DataFrame:
        """One row a channel: conversions, money and removal effect by model."""
        held = self.conversions
        if self.values is not None:
            held = held.join(self.values.add_prefix("value_"))
        if self.removal is not None:
            held = held.join(self.removal.rename("removal"))
        return held.rename_axis("channel").reset_index()

    def page_frame(self) -> pd.DataFrame:
        """Money by model where paths tell it, else conversions, of the first channels."""
        held, prefix = self._main()
        return held.add_prefix(prefix).head(SHOWN).rename_axis("channel").reset_index()

    def _main(self) -> tuple[pd.DataFrame, str]:
        if self.values is not None and (self.values.sum() > 0).all():
            return self.values, "value_"
        return self.conversions, ""

    def _unit(self) -> Unit:
        return "money" if self._main()[1] else "number"

    def findings(self) -> tuple[Finding, ...]:
        """Where the models agree, where they do not, and what none of them can tell."""
        if not float(self.conversions.to_numpy().sum()) > 0:
            text = tr("No path ended in a conversion, so nothing can be attributed.")
            return (Finding(key="channels/none", level="info", text=text),)
        found = [self._first(), self._apart(), self._single(), self._limits()]
        return tuple(f for f in found if f)

    def _first(self) -> Finding:
        """Which channel leads, and whether it does so in every model."""
        held, _ = self._main()
        share = held / held.sum()
        leaders = [str(name) for name in share.idxmax()]
        best = max(dict.fromkeys(leaders), key=leaders.count)
        row = share.loc[[best]].to_numpy(float)
        low, high = float(row.min()), float(row.max())
        values = {
            "channel": short_name(best),
            "low": show(low, "share"),
            "high": show(high, "share"),
        }
        if len(held.columns) == 1 or self.single == 1:
            text = tr("{channel} gets the most, {low}.", **values)
        elif len(set(leaders)) == 1:
            text = tr("{channel} gets the most in every model, {low} to {high}.", **values)
        else:
            text = tr(
                "Which channel gets the most depends on the model: {channel} in {count} of {all}, "
                "with {low} to {high}.",
                **values,
                count=show(leaders.count(best), "count"),
                all=show(len(leaders), "count"),
            )
        return Finding(key="channels/first", level="info", text=text,
                       evidence={"low": low, "high": high})  # fmt: skip

    def _apart(self) -> Finding | None:
        """The channel on which the models disagree most."""
        held, _ = self._main()
        cells = held.to_numpy(float)
        place = int((cells.max(axis=1) - cells.min(axis=1)).argmax())
        channel, row = str(held.index[place]), cells[place]
        if row.max() - row.min() <= CLOSE * row.mean():
            return None
        low, high = (str(held.columns[int(at)]) for at in (row.argmin(), row.argmax()))
        text = tr(
            "The models differ most on {channel}: {least} by {low}, {most} by {high}.",
            channel=short_name(channel),
            least=show(row.min(), self._unit()),
            low=tr(MODELS[low]),
            most=show(row.max(), self._unit()),
            high=tr(MODELS[high]),
        )
        return Finding(
            key=f"channels/apart/{channel}",
            level="watch",
            text=text,
            evidence={"low": float(row.min()), "high": float(row.max())},
        )

    def _single(self) -> Finding | None:
        """That most paths leave nothing to divide."""
        if self.single < MOSTLY:
            return None
        text = tr(
            "{share} of the purchases came by a single channel, on which all models agree; these "
            "paths say little about how channels work together.",
            share=show(self.single, "share"),
        )
        return Finding(key="channels/single", level="info", text=text,
                       evidence={"single": self.single})  # fmt: skip

    def _limits(self) -> Finding:
        text = tr(
            "No model here is causal: each divides what was sold, also what would have been sold "
            "without the channel. Only a test that switches a channel off tells what it brings."
        )
        if "markov" in self.conversions and self.lost is None:
            text = joined(
                text,
                tr(
                    "Paths without a purchase are not told, so the removal effect only compares "
                    "paths that ended in one."
                ),
            )
        if self.note:
            text = joined(text, self.note)
        return Finding(key="channels/limits", level="info", text=text)

    def chart(self) -> Chart | None:
        """What each channel gets on average over the models."""
        from ecops_lib.core.charts import bar_chart

        held, _ = self._main()
        if len(held) < 2 or not float(held.to_numpy().sum()) > 0:
            return None
        mean = held.mean(axis=1).head(SHOWN)
        rows = mean.rename("value").rename_axis("name").reset_index()
        return bar_chart(rows, caption=tr("Mean of the models by channel"), unit=self._unit())


def attribute_paths(
    paths: object,
    *,
    models: Sequence[Model] = get_args(Model),
    ends: tuple[float, float] = (0.4, 0.4),
    half_life: float = 7.0,
    order: int = 1,
    self_loops: bool = True,
    note: str = "",
) -> Attribution:
    """Divide conversions and money among the channels of their paths.

    First, last, linear; position (the first and the last touch get ``ends``, those between
    share the rest); time decay; the removal effect of an absorbing Markov chain, solved
    exactly; and Shapley's value over sets of channels in closed form.

    Args:
        paths: One row a path, of any engine: ``path`` (text with ``>`` between channels, or
            lists), and where told ``conversions`` (1 each without that column), ``value``
            [store currency], ``nulls`` (how often the path ended without a conversion) and
            ``days_before`` (lists: days from each touch to the end).
        models: Which models.
        ends: Shares of the first and the last touch in ``position``, together at most 1.
        half_life: Days in which a touch's weight halves in ``decay``; touches where the paths
            tell no days.
        order: Channels that the chain of ``markov`` remembers, from 1.
        self_loops: Whether touches of one channel in a row count each in ``markov``.
        note: What is to be said of how the paths were built.

    Raises:
        ColumnError: A path or a number is missing.
        ParameterError: An argument has an impossible value.

    >>> import pandas as pd
    >>> held = attribute_paths(pd.DataFrame({"path": ["ads > search", "search"], "nulls": [1, 0]}))
    >>> held.conversions["last"].to_dict(), held.conversions["linear"].to_dict()
    ({'search': 2.0, 'ads': 0.0}, {'search': 1.5, 'ads': 0.5})
    """
    for model in models:
        require_choice(model, Model, name="models")
    if not models:
        raise ParameterError("models is empty; name at least one of them.")
    require_between(half_life, 0, float("inf"), name="half_life", ends="open")
    require_between(order, 1, 10, name="order")
    if not (min(ends) >= 0 and sum(ends) <= 1):
        raise ParameterError(f"ends is {ends}; give two shares from 0, together at most 1.")
    held = read_paths(paths)
    chained = held if self_loops else held.without_repeats()
    weigh: dict[str, Callable[[Floats], Floats]] = {
        name: _by_weights(held, weights)
        for name, weights in _weights(held, models, ends, half_life).items()
    }
    effects: dict[str, Floats] = {}
    chain = make_chain(chained, int(order)) if "markov" in models else None

    def by_removal(total: Floats) -> Floats:
        effect = remove_channels(chain, total) if chain else np.zeros(len(held.channels))
        effects.setdefault("conversions", effect)
        whole = effect.sum()
        return effect / whole * total.sum() if whole > 0 else np.zeros(len(effect))

    weigh["markov"] = by_removal
    return _result(held, [(name, weigh[name]) for name in dict.fromkeys(models)], effects, note)


def _weights(
    paths: Paths, models: Sequence[str], ends: tuple[float, float], half_life: float
) -> dict[str, Floats]:
    makers: dict[str, Callable[[], Floats]] = {
        "first": lambda: rules.first_touch(paths),
        "last": lambda: rules.last_touch(paths),
        "linear": lambda: rules.even_touches(paths),
        "position": lambda: rules.ended_touches(paths, ends),
        "decay": lambda: rules.decayed_touches(paths, half_life),
        "shapley": lambda: rules.set_touches(paths),
    }
    return {name: makers[name]() for name in models if name in makers}


def _by_weights(paths: Paths, weights: Floats) -> Callable[[Floats], Floats]:
    def divide(total: Floats) -> Floats:
        return paths.sum_touches(weights * total[paths.owner])

    return divide


def _result(
    paths: Paths,
    models: Sequence[tuple[str, Callable[[Floats], Floats]]],
    effects: Mapping[str, Floats],
    note: str,
) -> Attribution:
    import pandas as pd

    def table(total: Floats) -> pd.DataFrame:
        return pd.DataFrame({name: each(total) for name, each in models}, index=paths.channels)

    conversions = table(paths.conversions)
    values = None if paths.value is None else table(paths.value)
    main = conversions if values is None else values
    alone = paths.without_repeats().sizes == 1
    order = main.mean(axis=1).sort_values(ascending=False, kind="stable").index
    return Attribution(
        conversions=conversions.loc[order],
        values=None if values is None else values.loc[order],
        removal=pd.Series(effects["conversions"], index=paths.channels).loc[order]
        if effects
        else None,
        paths=float(paths.conversions.sum() + (0 if paths.lost is None else paths.lost.sum())),
        lost=None if paths.lost is None else float(paths.lost.sum()),
        single=float(paths.conversions[alone].sum() / max(paths.conversions.sum(), 1e-300)),
        note=note,
    )
