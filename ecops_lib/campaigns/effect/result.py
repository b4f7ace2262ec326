"""What a campaign really brought."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from ecops_lib.campaigns.effect.accounts import STEPS, Account
from ecops_lib.campaigns.effect.parts import Parts, Sister
from ecops_lib.campaigns.effect.series import DailySeries
from ecops_lib.core.charts import Chart, waterfall_chart
from ecops_lib.core.findings import Action, Finding
from ecops_lib.core.formats import Unit, show
from ecops_lib.core.language import mark, tr
from ecops_lib.core.results import Result

if TYPE_CHECKING:
    import pandas as pd

Verdict = Literal["paid", "lost", "open"]
SHOWN = 12
MATURE = 0.9
"""Share of the refunds shown below which the reader is told that more will come."""


@dataclass(frozen=True, kw_only=True, eq=False)
class CampaignEffect(Result):
    """From the sales that a campaign added to the margin that it left.

    Attributes:
        series: The daily series it was read from.
        parts: Lift of the sale, the days before and after, and sister products.
        account: The steps from lift to incremental margin; None where no lift can be told.
    """

    sheet: ClassVar[str] = mark("What the campaign really brought")
    units: ClassVar[Mapping[str, Unit]] = {"amount": "money", "low": "money", "high": "money"}
    labels: ClassVar[Mapping[str, str]] = {
        "step": mark("Step"),
        "amount": mark("Amount"),
        "low": mark("From"),
        "high": mark("To"),
    }

    series: DailySeries
    parts: Parts
    account: Account | None

    @property
    def verdict(self) -> Verdict:
        """Whether the campaign paid: told by the interval of the incremental margin alone."""
        if self.account is None or self.costless:
            return "open"
        if self.account.low <= 0 <= self.account.high:
            return "open"
        return "paid" if self.account.low > 0 else "lost"

    @property
    def costless(self) -> bool:
        """Whether the goods' cost is not known: then nothing is known of the margin."""
        steps = self.account.steps if self.account else ()
        return any(step.key == "goods" and not step.known for step in steps)

    @property
    def lost_sisters(self) -> tuple[Sister, ...]:
        """Sister products whose change stands."""
        alpha = self.parts.sale.alpha
        return tuple(s for s in self.parts.sisters if s.adjusted < alpha)

    @property
    def sisters(self) -> SisterEffects:
        """Sister products as a section of their own."""
        return SisterEffects(sisters=self.parts.sisters, alpha=self.parts.sale.alpha)

    def absent(self) -> str:
        """Why nothing can be told."""
        return self.parts.sale.refusal

    def to_frame(self) -> pd.DataFrame:
        """One row a step; the last is the incremental margin."""
        import pandas as pd

        if self.account is None:
            return pd.DataFrame(columns=list(self.labels))
        rows = [(tr(STEPS[s.key]), s.amount, s.low, s.high) for s in self.account.steps]
        ends = (self.account.margin, self.account.low, self.account.high)
        return pd.DataFrame([*rows, (tr("Incremental margin"), *ends)], columns=list(self.labels))

    def chart(self) -> Chart | None:
        """The steps as a waterfall."""
        import pandas as pd

        if self.account is None:
            return None
        known = [s for s in self.account.steps if s.known]
        steps = pd.DataFrame(
            {"name": [tr(STEPS[s.key]) for s in known], "value": [s.amount for s in known]}
        )
        return waterfall_chart(
            steps,
            caption=tr("From what was sold more to what was left"),
            unit="money",
            start=(tr("Without the campaign"), 0.0),
            end=(tr("Incremental margin"), self.account.margin),
        )

    def findings(self) -> tuple[Finding, ...]:
        """The verdict, the lift, what was borrowed, whom it took from, what is not known."""
        if self.account is None:
            return ()
        [lift, *_] = self.parts.sale.findings()
        told = [
            self._verdict_finding(self.account),
            lift,
            *self._break_even(self.account),
            *self._borrowed(),
            *map(_sister, self.lost_sisters),
        ]
        return (*told, *self._refunds(self.account), *self._gaps(self.account))

    def _verdict_finding(self, account: Account) -> Finding:
        given = {
            "margin": show(abs(account.margin), "money"),
            "low": show(account.low, "money", sign=True),
            "high": show(account.high, "money", sign=True),
        }
        texts = {
            "paid": lambda: tr(
                "The campaign paid: it left {margin} of margin that would not have come without "
                "it; between {low} and {high}.", **given),
            "lost": lambda: tr(
                "The campaign did not pay: it cost {margin} more than it brought; between {low} "
                "and {high}.", **given),
            "open": lambda: tr(
                "Whether the campaign paid cannot be told: its margin lies between {low} and "
                "{high}.", **given),
        }  # fmt: skip
        if self.costless:
            text = tr(
                "Whether the campaign paid cannot be told without the cost of its goods; import "
                "the product list with unit costs."
            )
            return Finding(key="campaign/verdict", level="watch", text=text)
        level: Literal["good", "bad", "watch"] = (
            "good" if self.verdict == "paid" else "bad" if self.verdict == "lost" else "watch"
        )
        return Finding(
            key="campaign/verdict", level=level, text=texts[self.verdict](),
            evidence={"margin": account.margin, "low": account.low, "high": account.high},
            money=abs(account.margin),
            action=self._action(account),
        )  # fmt: skip

    def _break_even(self, account: Account) -> tuple[Finding, ...]:
        """What the sale had to add to pay."""
        if self.costless:
            return ()
        text = tr(
            "No added sales would have paid for it: each loses money after refunds and costs."
        )
        if not math.isnan(account.break_even):
            text = tr(
                "It pays from {need} of added sales on; it added {lift}, between {low} and {high}.",
                need=show(max(account.break_even, 0.0), "money"),
                lift=show(self.parts.sale.effect, "money"),
                low=show(self.parts.sale.low, "money"), high=show(self.parts.sale.high, "money"),
            )  # fmt: skip
        evidence = {"break_even": account.break_even, "lift": self.parts.sale.effect}
        return (Finding(key="campaign/break_even", level="info", text=text, evidence=evidence),)

    def _action(self, account: Account) -> Action | None:
        """What to change next time: the step that took most, after goods and refunds."""
        held = [s for s in account.steps if s.known and s.key in ADVICE and s.amount < 0]
        worst = min(held, key=lambda s: s.amount, default=None)
        if worst is None or self.verdict == "paid":
            return None
        return Action(text=tr(ADVICE[worst.key]), owner=tr("campaign owner"))

    def _borrowed(self) -> tuple[Finding, ...]:
        """Whether the days about the sale gave up sales for it."""
        parts = {"before": self.parts.before, "after": self.parts.after}
        sure = {k: lift for k, lift in parts.items() if lift and lift.claimed and lift.effect < 0}
        if not sure:
            return ()
        lost = -sum(lift.effect for lift in sure.values())
        share = lost / self.parts.sale.effect if self.parts.sale.effect > 0 else math.nan
        when = " + ".join(tr(WINDOWS[name]) for name in sure)
        text = tr(
            "{lost} of it was borrowed from {when}: {share} of what the sale added.",
            lost=show(lost, "money"), when=when, share=show(share, "share"),
        )  # fmt: skip
        evidence = {name: lift.effect for name, lift in sure.items()}
        return (
            Finding(
                key="campaign/borrowed", level="watch", text=text, evidence=evidence, money=lost
            ),
        )

    def _refunds(self, account: Account) -> tuple[Finding, ...]:
        if math.isnan(account.refund_rate):
            return ()
        gap = account.refund_rate - account.usual_rate
        told = []
        if gap > account.usual_rate / 4 and gap > 0.01:
            text = tr(
                "{rate} of the campaign's sales come back, {usual} on ordinary days.",
                rate=show(account.refund_rate, "share"), usual=show(account.usual_rate, "share"),
            )  # fmt: skip
            sold = float(self.series.amount[self.series.sale][:, self.series.promoted].sum())
            told.append(Finding(
                key="campaign/refunds", level="watch", text=text, money=gap * sold,
                evidence={"rate": account.refund_rate, "usual": account.usual_rate},
            ))  # fmt: skip
        if math.isnan(account.refund_shown):
            text = tr(
                "How many more of the campaign's sales will come back cannot be told yet; those "
                "refunded so far count."
            )
            told.append(Finding(key="campaign/refunds/shown", level="watch", text=text))
        elif account.refund_shown < MATURE:
            text = tr(
                "Only {shown} of the campaign's refunds have shown; the rest is projected from "
                "how earlier days grew.", shown=show(account.refund_shown, "share"),
            )  # fmt: skip
            told.append(Finding(key="campaign/refunds/shown", level="info", text=text))
        return tuple(told)

    def _gaps(self, account: Account) -> tuple[Finding, ...]:
        """Steps that no data tell, and days that have not come yet."""
        told = []
        if self.series.kin_in_controls:
            text = tr(
                "Hardly anything of other categories was sold, so products of the promoted "
                "categories serve as comparison; if buyers swapped them, the lift is too high."
            )
            told.append(Finding(key="campaign/kin", level="info", text=text))
        if unknown := [tr(STEPS[s.key]) for s in account.steps if not s.known]:
            text = tr("Not known, and so not in the margin: {steps}.", steps=", ".join(unknown))
            told.append(Finding(key="campaign/unknown", level="info", text=text))
        if self.series.after_due:
            text = tr(
                "{days} of the days after the sale have not come yet, so what they give up is not "
                "in the margin; look again then.", days=show(self.series.after_due, "count"),
            )  # fmt: skip
            told.append(Finding(key="campaign/after", level="info", text=text))
        return tuple(told)


@dataclass(frozen=True, kw_only=True, eq=False)
class SisterEffects(Result):
    """What the campaign did to products that it did not promote.

    Attributes:
        sisters: Those tested, the surest first.
        alpha: Level that the adjusted p-values are held against.
    """

    sheet: ClassVar[str] = mark("Sister products")
    units: ClassVar[Mapping[str, Unit]] = {
        "lines": "number", "low": "number", "high": "number", "amount": "money",
        "p_value": "p_value", "adjusted": "p_value",
    }  # fmt: skip
    labels: ClassVar[Mapping[str, str]] = {
        "name": mark("Product"),
        "lines": mark("Orders added"),
        "low": mark("From"),
        "high": mark("To"),
        "amount": mark("Amount"),
        "p_value": mark("P-value"),
        "adjusted": mark("P-value among so many"),
    }

    sisters: tuple[Sister, ...]
    alpha: float

    def to_frame(self) -> pd.DataFrame:
        """One row a product."""
        import pandas as pd

        rows = [[getattr(s, name) for name in self.labels] for s in self.sisters]
        return pd.DataFrame(rows, columns=list(self.labels))

    def page_frame(self) -> pd.DataFrame:
        """The surest."""
        return self.to_frame().head(SHOWN)

    def absent(self) -> str:
        """Why there is nothing to show."""
        if self.sisters:
            return ""
        return tr("No product of the promoted categories was left out of the campaign and sold.")

    def findings(self) -> tuple[Finding, ...]:
        """Those whose change stands, or that none does."""
        sure = [s for s in self.sisters if s.adjusted < self.alpha]
        if sure:
            return tuple(map(_sister, sure))
        text = tr("No sister product's change can be told from chance.")
        return (Finding(key="campaign/sisters", level="info", text=text),)


WINDOWS: Mapping[str, str] = {
    "before": mark("the days before"),
    "after": mark("the days after"),
}

ADVICE: Mapping[str, str] = {
    "discount": mark("give less off: name the products that sold more without a lower price"),
    "before": mark("shorten the warm-up, or sell in it"),
    "after": mark("leave more time between campaigns"),
    "sisters": mark("promote sister products together, or only those nobody swaps"),
    "ads": mark("spend less on ads, where the last yuan brought least"),
    "creators": mark("pay creators by net sales, not by slot"),
}


def _sister(sister: Sister) -> Finding:
    given = {
        "name": sister.name,
        "lines": show(abs(sister.lines), "number"),
        "amount": show(abs(sister.amount), "money"),
        "p": show(sister.adjusted, "p_value"),
    }
    if sister.lines < 0:
        text = tr("It took {lines} orders ({amount}) from {name} (p {p}).", **given)
    else:
        text = tr("It brought {name} {lines} orders more ({amount}; p {p}).", **given)
    return Finding(
        key=f"campaign/sister/{sister.product_id}",
        level="watch" if sister.lines < 0 else "good",
        text=text,
        evidence={"lines": sister.lines, "amount": sister.amount},
        money=abs(sister.amount),
    )
