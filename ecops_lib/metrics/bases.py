"""What a number rests on: the tables, the time zone, the refund day, the pre-sale rule."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal
from weakref import WeakKeyDictionary
from zoneinfo import ZoneInfo

import narwhals as nw

from ecops_lib.core.checks import require_choice
from ecops_lib.core.errors import MetricError, MissingDataError, ParameterError
from ecops_lib.core.formats import show
from ecops_lib.core.language import mark, reader, tr
from ecops_lib.data import frames
from ecops_lib.data.schema import table_named
from ecops_lib.data.settings import PresaleRule, RefundBasis
from ecops_lib.data.store import Store
from ecops_lib.metrics.notes import rows_word

Source = Store | Mapping[str, object]
"""A store, or tables of any engine by canonical name."""

ORDER_KEY = ["platform", "order_id"]

_scans: WeakKeyDictionary[Store, dict[tuple[object, ...], nw.LazyFrame[Any]]] = WeakKeyDictionary()
_counted: WeakKeyDictionary[Store, RefundCounts] = WeakKeyDictionary()
_spanned: WeakKeyDictionary[Store, dict[str, tuple[dt.date, dt.date] | None]] = WeakKeyDictionary()


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundCounts:
    """What the successful refunds of a store tell.

    Attributes:
        refunds: Successful refunds.
        orderless: Of them, those that name no order of the store with a payment time.
        dateless: Of them, those without a finishing time.
    """

    refunds: int
    orderless: int
    dateless: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Bases:
    """How days are told and refunds and pre-sales are counted.

    Attributes:
        time_zone: IANA zone that days begin in.
        refund_basis: Day that refunds are counted on; None where no refund was asked for.
        presale: When a pre-sale order counts as paid.
        decided: Who chose the refund basis: the caller, ``store.toml`` or the data.
    """

    time_zone: str
    refund_basis: RefundBasis | None = None
    presale: PresaleRule = "full"
    decided: Literal["asked", "settings", "data", ""] = ""

    def sentence(self) -> str:
        """The bases in words, for under a table."""
        parts = [tr("Days begin at midnight in {zone}.", zone=self.time_zone)]
        if self.refund_basis:
            parts.append(tr(BASIS_WORDS[self.refund_basis]) + tr(DECIDED_WORDS[self.decided]))
        parts.append(tr(PRESALE_WORDS[self.presale]))
        return ("" if reader().language == "zh" else " ").join(parts)


BASIS_WORDS: Mapping[str, str] = {
    "pay": mark("Refunds count on the day their order was paid, so recent days still grow"),
    "refund": mark("Refunds count on the day they were finished, whenever the order was paid"),
}
DECIDED_WORDS: Mapping[str, str] = {
    "asked": mark(" (as asked)."),
    "settings": mark(" (as store.toml says)."),
    "data": mark(" (the data tell no other day, or this one surely)."),
}
PRESALE_WORDS: Mapping[str, str] = {
    "full": mark("A pre-sale order counts when its balance is paid."),
    "deposit": mark("A pre-sale order counts with its deposit; its balance when that is paid."),
}


class Tables:
    """The canonical tables of a source, each as a lazy frame of its own engine."""

    def __init__(self, source: Source, *, time_zone: str | None = None) -> None:
        self.source = source
        self.store = source if isinstance(source, Store) else None
        zone = time_zone or (self.store.settings.time_zone if self.store else None)
        if zone is None:
            raise ParameterError(
                "time_zone is missing; tables that are not a store need one, such as "
                "'Asia/Shanghai'."
            )
        try:
            self.zone = ZoneInfo(zone)
        except (KeyError, ValueError, OSError) as error:
            raise ParameterError(
                f"time_zone is {zone!r}; use an IANA name such as 'Asia/Shanghai'."
            ) from error
        self.zone_name = zone

    def has(self, table: str) -> bool:
        """Whether the source holds a table."""
        if self.store:
            return self.store.has(table)
        return table in self.source  # type: ignore[operator]

    def require(self, *tables: str) -> None:
        """Refuse to go on without a table.

        Raises:
            MissingDataError: It is absent; the sentence says what would fill it.
        """
        for name in tables:
            if not self.has(name):
                raise MissingDataError(missing_words(name))

    def lazy(
        self, table: str, *, start: dt.date | None = None, end: dt.date | None = None
    ) -> nw.LazyFrame[Any]:
        """A table; the days leave out whole months by its clock (a store's only)."""
        self.require(table)
        if not self.store:
            return frames.lazy(self.source[table], name=table)  # type: ignore[index]
        scans = _scans.setdefault(self.store, {})
        key = (table, start, end)
        if key not in scans:
            scans[key] = frames.lazy(self.store.scan(table, start=start, end=end), name=table)
        return scans[key]

    def span(self, table: str, column: str) -> tuple[dt.date, dt.date] | None:
        """First and last local day of a column; None where it holds nothing."""
        key = f"{table}.{column}@{self.zone_name}"
        cache = _spanned.setdefault(self.store, {}) if self.store else {}
        if key not in cache:
            cache[key] = self._span(table, column)
        return cache[key]

    def _span(self, table: str, column: str) -> tuple[dt.date, dt.date] | None:
        ends = self.lazy(table).select(lo=nw.col(column).min(), hi=nw.col(column).max())
        row = ends.collect("pyarrow").to_native().to_pylist()[0]
        if row["lo"] is None:
            return None
        return self.local_day(row["lo"]), self.local_day(row["hi"])

    def local_day(self, moment: dt.datetime | dt.date) -> dt.date:
        """The local day of an instant (an instant without a zone is UTC)."""
        if not isinstance(moment, dt.datetime):
            return moment
        aware = moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)
        return aware.astimezone(self.zone).date()


def missing_words(table: str) -> str:
    """Why there is nothing to show, and what to import."""
    hint = tr(table_named(table).hint)
    return tr("The store holds no {rows}; import {hint}.", rows=rows_word(table), hint=hint)


def decide_bases(
    tables: Tables,
    *,
    refunds: bool,
    refund_basis: RefundBasis | None = None,
    presale: PresaleRule | None = None,
) -> Bases:
    """Settle what the numbers rest on, and refuse a basis that the data cannot bear.

    Args:
        tables: The source.
        refunds: Whether any metric asked for counts refunds.
        refund_basis: What the caller asks for; else ``store.toml``, else the data decide.
        presale: What the caller asks for; else ``store.toml``, else ``full``.

    Raises:
        MetricError: Some refunds could not be given a day on that basis.
        MissingDataError: Refunds are asked for and there is no table of them.
    """
    settings = tables.store.settings if tables.store else None
    rule = presale or (settings.presale if settings else "full")
    require_choice(rule, PresaleRule, name="presale")
    if not refunds:
        return Bases(time_zone=tables.zone_name, presale=rule)
    given = refund_basis or (settings.refund_basis if settings else None)
    basis, decided = given, "asked" if refund_basis else "settings"
    if basis is None:
        basis, decided = _decide(count_refunds(tables)), "data"
    require_choice(basis, RefundBasis, name="refund_basis")
    require_basis(tables, basis)
    return Bases(
        time_zone=tables.zone_name,
        refund_basis=basis,
        presale=rule,
        decided=decided,  # type: ignore[arg-type]
    )


def count_refunds(tables: Tables) -> RefundCounts:
    """Count what the successful refunds tell (once for each store)."""
    if tables.store and tables.store in _counted:
        return _counted[tables.store]
    tables.require("refunds", "orders")
    good = tables.lazy("refunds").filter(nw.col("status") == "success")
    paid = tables.lazy("orders").filter(~nw.col("paid_at").is_null())
    known = paid.select(*ORDER_KEY, known=nw.lit(1))
    counted = good.join(known, on=ORDER_KEY, how="left").select(
        refunds=nw.len(), dated=nw.col("finished_at").count(), known=nw.col("known").count()
    )
    [row] = counted.collect("pyarrow").to_native().to_pylist()
    counts = RefundCounts(
        refunds=int(row["refunds"]),
        orderless=int(row["refunds"]) - int(row["known"]),
        dateless=int(row["refunds"]) - int(row["dated"]),
    )
    if tables.store:
        _counted[tables.store] = counts
    return counts


def _decide(counts: RefundCounts) -> RefundBasis:
    if not counts.orderless:
        return "pay"
    if not counts.dateless:
        return "refund"
    raise MetricError(
        tr(
            "Of {all} refunds {orderless} name no paid order of the store and {dateless} have "
            "no finishing time, so neither refund basis holds; import the missing orders, or "
            "the platform's refund export.",
            all=show(counts.refunds, "count"),
            orderless=show(counts.orderless, "count"),
            dateless=show(counts.dateless, "count"),
        )
    )


def require_basis(tables: Tables, basis: RefundBasis) -> None:
    """Refuse a refund basis on which some refunds would have no day.

    Raises:
        MetricError: Some refunds have no paid order (``pay``) or no finishing time (``refund``).
    """
    counts = count_refunds(tables)
    if basis == "pay" and counts.orderless:
        raise MetricError(
            tr(
                "refund_basis is 'pay', but {count} of {all} refunds name no paid order of the "
                "store; import those orders, or use refund_basis='refund'.",
                count=show(counts.orderless, "count"),
                all=show(counts.refunds, "count"),
            )
        )
    if basis == "refund" and counts.dateless:
        raise MetricError(
            tr(
                "refund_basis is 'refund', but {count} of {all} refunds have no finishing "
                "time; import the platform's refund export, or use refund_basis='pay'.",
                count=show(counts.dateless, "count"),
                all=show(counts.refunds, "count"),
            )
        )
