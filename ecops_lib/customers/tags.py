"""Tags of customers: each a rule that a reader can check, with what speaks for it.

A habit such as buying on discount is told by a test against what was on offer: the share
of all buyers' purchases of the same days that were so. The tests of one tag are judged
together, so that the share of customers tagged by chance is stated; and because whatever
was chosen for being high looks high, each tag is given once more by the earlier half of
all purchases alone and followed through the later half.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from ecops_lib.core.charts import Chart, interval_chart
from ecops_lib.core.findings import Finding
from ecops_lib.core.formats import Unit
from ecops_lib.core.language import mark, tr
from ecops_lib.core.results import Result
from ecops_lib.customers.orders import OrdersView
from ecops_lib.customers.tag_facts import CustomerFacts, gather_facts
from ecops_lib.customers.tag_kinds import Tag, make_tags
from ecops_lib.customers.tag_rules import read_rules
from ecops_lib.customers.tag_words import all_findings
from ecops_lib.data.store import Store
from ecops_lib.metrics.bases import Source

if TYPE_CHECKING:
    import pandas as pd

FOLLOWED: Mapping[str, str] = {
    "tagged": mark("tagged by the earlier half"),
    "seeming": mark("seemed so in the earlier half"),
    "again": mark("bought again soon"),
}


@dataclass(frozen=True, kw_only=True, eq=False)
class Tags(Result):
    """The customers' tags.

    Attributes:
        held: The customers.
        tags: The shop's own tags, then those of the kit.
        owner: Who sees to them.
    """

    sheet: ClassVar[str] = mark("Customer tags")
    units: ClassVar[Mapping[str, Unit]] = {
        "tested": "count",
        "customers": "count",
        "customer_share": "share",
        "share": "share",
        "base": "share",
        "lift": "ratio",
        "later_customers": "count",
        "later_share": "share",
        "later_base": "share",
        "later_lift": "ratio",
        "later_low": "ratio",
        "later_high": "ratio",
        "net_amount": "money",
        "average": "money",
    }
    labels: ClassVar[Mapping[str, str]] = {
        "tag": mark("Tag"),
        "rule": mark("Rule"),
        "tested": mark("Tests"),
        "customers": mark("Customers"),
        "customer_share": mark("Share of customers"),
        "share": mark("Share of their purchases"),
        "base": mark("Expected on the same days"),
        "lift": mark("Lift, as chosen"),
        "followed": mark("Checked on"),
        "later_customers": mark("Checked customers"),
        "later_share": mark("Share afterwards"),
        "later_base": mark("Expected afterwards"),
        "later_lift": mark("Lift afterwards"),
        "later_low": mark("at least"),
        "later_high": mark("at most"),
        "net_amount": mark("Net amount"),
        "average": mark("Net amount an order"),
    }

    held: CustomerFacts
    tags: tuple[Tag, ...]
    owner: str

    def to_frame(self) -> pd.DataFrame:
        """One row a tag; what cannot be told has no figures and says why."""
        import pandas as pd

        return pd.DataFrame([self._row(tag) for tag in self.tags], columns=list(self.labels))

    def page_frame(self) -> pd.DataFrame:
        """The tags, of the regions those alone whose people did something else afterwards."""
        shown = ("tag", "rule", "customers", "customer_share", "share", "base", "later_share",
                 "later_base", "average")  # fmt: skip
        differs = [t.kind != "region" or bool(t.why) or t.again.differs for t in self.tags]
        return self.to_frame().loc[differs, [*shown]].reset_index(drop=True)

    def _row(self, tag: Tag) -> dict[str, object]:
        row: dict[str, object] = {"tag": tag.name, "rule": tag.rule}
        if tag.why:
            return {**row, "rule": tr("cannot be told: {why}", why=tag.why)}
        people, mine = self.held.people, np.unique(tag.place)
        amount, orders = float(self.held.now.amount[mine].sum()), int(people.orders[mine].sum())
        row |= {
            "customers": len(mine),
            "customer_share": len(mine) / len(people),
            "net_amount": amount,
            "average": amount / orders if orders else np.nan,
        }
        later, followed = tag.again, "again" if tag.again.customers else ""
        if found := tag.evidence:
            later, followed = found.later, found.checked
            row |= {
                "tested": found.tested,
                "share": found.within.share,
                "base": found.within.base,
                "lift": found.within.lift,
            }
        return row | {
            "followed": tr(FOLLOWED[followed]) if followed else None,
            "later_customers": later.customers if followed else np.nan,
            "later_share": later.share,
            "later_base": later.base,
            "later_lift": later.lift,
            "later_low": later.low,
            "later_high": later.high,
        }

    @cached_property
    def customers(self) -> pd.DataFrame:
        """One row a customer and tag, sorted by tag and key, with the figures behind it.

        Columns: ``buyer_key``, ``tag`` (stable key), ``value`` (category, province, or
        empty), ``name`` (in the reader's language), ``purchases`` told of, ``did``,
        ``expected`` (on the same days) and ``p_value``, all NaN for tags that rest on no
        test; ``orders``, ``days_since`` the last purchase and ``net_amount``.
        """
        import pandas as pd

        told = (t for t in self.tags if not t.why and len(t.place))
        parts = [self._members(t) for t in told if not (t.kind == "category" and t.value)]
        columns = ["buyer_key", "tag", "value", "name", "purchases", "did", "expected", "p_value",
                   "orders", "days_since", "net_amount"]  # fmt: skip
        if not parts:
            return pd.DataFrame(columns=columns)
        return pd.concat(parts, ignore_index=True)[columns]

    def _members(self, tag: Tag) -> pd.DataFrame:
        people, found = self.held.people, tag.evidence
        frame = people.keys.iloc[tag.place].to_frame("buyer_key").assign(
            tag=tag.key,
            value=tag.value if tag.loved is None else tag.loved,
            name=tag.name if tag.loved is None else [tag.called(v) for v in tag.loved],
            purchases=found.trials.tried if found else np.nan,
            did=found.trials.did if found else np.nan,
            expected=found.trials.expected if found else np.nan,
            p_value=found.chance if found else np.nan,
            orders=people.orders[tag.place],
            days_since=people.recency[tag.place],
            net_amount=self.held.now.amount[tag.place],
        )  # fmt: skip
        return frame.sort_values("buyer_key")

    def findings(self) -> tuple[Finding, ...]:
        """Each tag's evidence, what cannot be told, and how far chance may go."""
        return all_findings(self.held, self.tags, self.owner)

    def chart(self) -> Chart | None:
        """How much more often than expected the tagged did it afterwards."""
        import pandas as pd

        rows = [
            {
                "name": tag.name,
                "value": tag.evidence.later.lift - 1,
                "low": tag.evidence.later.low - 1,
                "high": tag.evidence.later.high - 1,
            }
            for tag in self.tags
            if tag.evidence and tag.evidence.later.told
        ]
        if not rows:
            return None
        return interval_chart(
            pd.DataFrame(rows),
            caption=tr("Later purchases of those who were or seemed so, against expected"),
            unit="share",
            better=["up"] * len(rows),
        )


def tag_customers(
    source: Source,
    *,
    as_of: dt.date | str,
    rules: Mapping[str, Mapping[str, object]] | None = None,
    owner: str = "",
    time_zone: str | None = None,
) -> Tags:
    """Tag each known buyer by habits, favourite category, region and life stage.

    Args:
        source: A store, or tables of any engine by canonical name.
        as_of: Last local day of payment that counts.
        rules: The shop's own tags: conditions on facts by name (see ``tag_rules.FACTS``);
            those of ``store.toml`` by default.
        owner: Who sees to it; customer operations by default.
        time_zone: IANA zone of the days; the store's by default.

    Raises:
        MissingDataError: No known buyer has bought by then.
        ParameterError: An argument or a rule has an impossible value.
    """
    given, where = rules or {}, "rules"
    if rules is None and isinstance(source, Store):
        given, where = source.settings.tags, str(source.path / "store.toml")
    own = read_rules(given, where=where)
    held = gather_facts(OrdersView(source, as_of=as_of, by=None, time_zone=time_zone))
    return Tags(held=held, tags=make_tags(held, own), owner=owner or tr("customer operations"))
