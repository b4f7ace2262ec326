"""What a model of uplift is worth, shown on customers whom it has not seen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from ecops_lib.core.charts import Chart
from ecops_lib.core.findings import Finding, Level
from ecops_lib.core.formats import Unit, show
from ecops_lib.core.language import mark, tr
from ecops_lib.core.results import Result
from ecops_lib.customers.contacts.calibration import Calibration, Gain, Steps
from ecops_lib.customers.contacts.learners import LEARNER_WORDS, LearnerName
from ecops_lib.customers.contacts.qini import Qini
from ecops_lib.customers.contacts.qini_chart import qini_chart
from ecops_lib.customers.contacts.ridge import CHUNK, Array, Piece, Ridge, lay_out

if TYPE_CHECKING:
    import pandas as pd

PER = 1000
"""Customers that small coefficients are told for."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Uplift(Result):
    """A model of uplift, learnt on one half of the customers and judged on the other.

    Attributes:
        outcome: Name of the outcome.
        binary: Whether the outcome is 0 or 1.
        learner: The learner chosen by cross-validation on the learning half.
        tried: Cross-validated Qini coefficient of each learner, on the learning half.
        pieces: How the features enter.
        model: The score.
        calibration: The uplift that a score stands for, learnt on the learning half.
        steps: Uplift by step of the score, measured on the half held out: what a list of
            new customers adds up to.
        qini: The model's Qini on the half held out.
        average: Uplift of all customers of that half together [outcome].
        expected: Profit that was expected of contacting its customers whose uplift is
            worth more than the message [store currency].
        realised: What contacting them really brought: the difference of the two arms
            among them, with Horvitz and Thompson's weights [store currency].
        tenths: That half by predicted uplift; see ``to_frame``.
        margin: Profit of one unit of the outcome [store currency].
        cost: Cost of a message [store currency].
        learnt_from: Rows of the learning half.
        judged_on: Rows of the other half.
    """

    sheet: ClassVar[str] = mark("Uplift by tenth")
    labels: ClassVar[Mapping[str, str]] = {
        "tenth": mark("Tenth by predicted uplift"),
        "contacted": mark("Contacted"),
        "held_out": mark("Held out"),
        "predicted": mark("Predicted uplift"),
        "realised": mark("Measured uplift"),
        "low": mark("from"),
        "high": mark("to"),
    }

    outcome: str
    binary: bool
    learner: LearnerName
    tried: Mapping[LearnerName, float]
    pieces: tuple[Piece, ...]
    model: Ridge
    calibration: Calibration
    steps: Steps
    qini: Qini
    average: Gain
    expected: Gain
    realised: Gain
    tenths: pd.DataFrame
    margin: float
    cost: float
    learnt_from: int
    judged_on: int

    @property
    def beats_random(self) -> bool:
        """Whether the model ranks customers better than chance, with 95 % confidence."""
        return self.qini.beats_random

    @property
    def agrees(self) -> bool:
        """Whether the 95 % interval of expected less realised profit holds zero."""
        gap = Gain(
            customers=self.expected.customers,
            value=self.expected.value - self.realised.value,
            error=float(np.hypot(self.expected.error, self.realised.error)),
        )
        return gap.low <= 0 <= gap.high

    def score(self, table: pd.DataFrame) -> Array:
        """The score of each customer of a table with the features."""
        parts = [
            self.model.predict(lay_out(self.pieces, table.iloc[at : at + CHUNK]))
            for at in range(0, len(table), CHUNK)
        ]
        return np.concatenate(parts) if parts else np.zeros(0)

    def predict(self, table: pd.DataFrame) -> Array:
        """The uplift of each customer of a table with the features [outcome]."""
        return self.calibration.uplift(self.score(table))

    def table_units(self) -> Mapping[str, Unit]:
        """Uplifts of outcomes of 0 or 1 are points."""
        unit: Unit = "points" if self.binary else "number"
        uplifts = dict.fromkeys(("predicted", "realised", "low", "high"), unit)
        return {"tenth": "count", "contacted": "count", "held_out": "count", **uplifts}

    def to_frame(self) -> pd.DataFrame:
        """One row a tenth of the half held out, the highest predicted uplift first."""
        return self.tenths

    def chart(self) -> Chart:
        """The Qini curve on the half held out, beside contact at random."""
        caption = tr("What contacting the best first adds, on the customers held out")
        return qini_chart(self.qini.curve, caption=caption, customers=PER)

    def findings(self) -> tuple[Finding, ...]:
        """Whether the ranking is worth anything, and whether its promise was kept."""
        return (self._ranking(), self._promise(), self._chosen())

    def _ranking(self) -> Finding:
        qini = self.qini
        values = {
            "value": show(PER * qini.value, "number", sign=True),
            "low": show(PER * qini.low, "number", sign=True),
            "high": show(PER * qini.high, "number", sign=True),
            "per": show(PER, "count"),
        }
        if qini.beats_random:
            text = tr(
                "Contacting by predicted uplift beats contact at random: Qini coefficient "
                "{value} ({low} to {high}) for {per} customers, on the half held out.",
                **values,
            )
        elif qini.high < 0:
            text = tr(
                "Contacting by predicted uplift does worse than contact at random: Qini "
                "coefficient {value} ({low} to {high}) for {per} customers, on the half held out.",
                **values,
            )
        else:
            text = tr(
                "The ranking by predicted uplift cannot be told apart from random: Qini "
                "coefficient {value} ({low} to {high}) for {per} customers, on the half held out.",
                **values,
            )
        return Finding(
            key="uplift/qini",
            level="good" if qini.beats_random else "bad" if qini.high < 0 else "watch",
            text=text,
            evidence={"qini": qini.value, "low": qini.low, "high": qini.high},
        )

    def _promise(self) -> Finding:
        expected, realised = self.expected, self.realised
        evidence = {
            "expected": expected.value,
            "expected_low": expected.low,
            "expected_high": expected.high,
            "realised": realised.value,
            "realised_low": realised.low,
            "realised_high": realised.high,
        }
        values = {name: show(value, "money") for name, value in evidence.items()}
        counts = {
            "count": show(expected.customers, "count"),
            "all": show(self.judged_on, "count"),
        }
        if not expected.customers:
            text = tr(
                "For none of {all} customers held out is the uplift worth the message.", **counts
            )
            return Finding(key="uplift/gain", level="watch", text=text, evidence=evidence)
        if self.agrees:
            text = tr(
                "Contacting {count} of {all} customers held out promised {expected} "
                "({expected_low} to {expected_high}) and brought {realised} ({realised_low} to "
                "{realised_high}); the two agree.",
                **counts,
                **values,
            )
        else:
            text = tr(
                "Contacting {count} of {all} customers held out promised {expected} "
                "({expected_low} to {expected_high}) but brought {realised} ({realised_low} to "
                "{realised_high}); do not rely on the promise.",
                **counts,
                **values,
            )
        level: Level = "watch" if not self.agrees else "good" if realised.low > 0 else "info"
        return Finding(key="uplift/gain", level=level, text=text, evidence=evidence)

    def _chosen(self) -> Finding:
        text = tr(
            "Learner: {learner}, chosen by cross-validation on {count} rows that the judgement "
            "does not use; linear in the features, with a ridge penalty.",
            learner=tr(LEARNER_WORDS[self.learner]),
            count=show(self.learnt_from, "count"),
        )
        return Finding(
            key="uplift/learner",
            level="info",
            text=text,
            evidence={str(name): value for name, value in self.tried.items()},
        )
