"""What an import says of itself: a short summary, and remarks file by file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from ecops_lib.core.findings import RANK, Finding
from ecops_lib.core.formats import show
from ecops_lib.core.language import mark, ntr, tr

if TYPE_CHECKING:
    from ecops_lib.data.imports.result import FileReport, ImportResult

TABLE_WORDS: Mapping[str, str] = {
    "order_items": mark("order lines"),
    "traffic": mark("traffic rows"),
    "refunds": mark("refunds"),
    "products": mark("products"),
    "inventory": mark("stock snapshots"),
    "ads": mark("advertising rows"),
    "tickets": mark("service cases"),
    "reviews": mark("reviews"),
    "orders": mark("orders"),
    "customers": mark("customers"),
    "targets": mark("targets"),
    "shop_events": mark("shop's events"),
    "costs": mark("cost rows"),
    "competitor_items": mark("competitors' listings"),
    "market": mark("market figures"),
    "shipments": mark("shipments"),
    "purchase_orders": mark("purchase orders"),
    "events": mark("visitors' actions"),
    "experiments": mark("test exposures"),
    "contacts": mark("messages to customers"),
    "points": mark("points movements"),
    "community": mark("chat groups' days"),
    "suppliers": mark("suppliers"),
    "sourcing": mark("terms of supply"),
    "kits": mark("parts of kits"),
    "proposals": mark("proposed orders"),
    "carrier_rates": mark("carriers' prices"),
    "live_sessions": mark("live sessions"),
}
"""What a table's rows are called; the tables that the daily review uses come first."""

OF_REVIEW = 9
"""Tables at the top of ``TABLE_WORDS`` that the daily review uses."""

SHOWN = 5
"""Names that a sentence lists before it stops."""


def table_word(table: str) -> str:
    """A table's name in the reader's language."""
    return tr(TABLE_WORDS[table])


def by_use(tables: Iterable[str]) -> list[str]:
    """Tables in the order in which the daily review has use for them."""
    return sorted(tables, key=list(TABLE_WORDS).index)


def summary(result: ImportResult) -> list[Finding]:
    """A handful of sentences, what needs a look first."""
    found = [
        *_store(result),
        *_read(result),
        *_twice(result),
        *_superseded(result),
        *_passed_over(result),
        *_missing(result),
        *_conflicts(result),
        *(finding for file in result.files for finding in _grave(file)),
    ]
    return sorted(found, key=lambda finding: RANK[finding.level] > RANK["watch"])


def remarks(file: FileReport) -> list[Finding]:
    """What a file's page entry says beside the numbers of its line."""
    right = [finding for finding in _totals(file) if finding.level == "good"]
    notes = [_note(f"note/{file.name}", f"{file.name}: {note()}") for note in file.notes]
    return [*_cleaned(file), *right, *notes]


def _grave(file: FileReport) -> list[Finding]:
    wrong = [finding for finding in _totals(file) if finding.level == "bad"]
    return [*wrong, *_masked(file), *_refused(file)]


def _note(key: str, text: str, **evidence: float) -> Finding:
    return Finding(key=key, level="info", text=text, evidence=evidence)


def _parts(rows: Mapping[str, int]) -> str:
    """Rows by table, such as 22,194 order lines, 329 refunds."""
    return tr(", ").join(
        tr("{count} {rows}", count=show(rows[name], "count"), rows=table_word(name))
        for name in by_use(rows)
        if rows[name]
    )


def _store(result: ImportResult) -> Iterator[Finding]:
    if result.created:
        yield _note(
            "store_made",
            tr(
                "A new store was made: currency {currency}, time zone {zone}.",
                currency=result.currency,
                zone=result.time_zone,
            ),
        )
    if not result.changed:
        yield _note("unchanged", tr("Nothing new: the store is as it was."))
    again = [file.name for file in result.files if file.again]
    if again:
        text = ntr(
            "{names} was imported before, byte for byte; it changes nothing.",
            "{names} were imported before, byte for byte; they change nothing.",
            len(again),
            names=_listed(again),
        )
        yield _note("again", text, files=len(again))


def _listed(names: list[str], most: int = SHOWN) -> str:
    shown = tr(", ").join(names[:most])
    if len(names) <= most:
        return shown
    return tr("{names} and {count} more", names=shown, count=len(names) - most)


def _read(result: ImportResult) -> Iterator[Finding]:
    read = [file for file in result.files if file.needed and not file.again]
    if not read:
        return
    rows, refused = sum(f.rows for f in read), sum(sum(f.refused.values()) for f in read)
    text = ntr(
        "{count} file was read: {rows} rows, {refused} refused; written: {parts}.",
        "{count} files were read: {rows} rows, {refused} refused; written: {parts}.",
        len(read),
        count=len(read),
        rows=show(rows, "count"),
        refused=show(refused, "count"),
        parts=_parts(result.rows) or tr("nothing"),
    )
    yield _note("read", text, files=len(read), rows=rows, refused=refused)


def _twice(result: ImportResult) -> Iterator[Finding]:
    """How many lines came more than once; tables made of other tables' lines do not count."""
    tables = [table for table in result.rows if table not in result.derived]
    held = {table: result.held[table] for table in tables}
    given = {table: result.overlap[table] - held[table] for table in tables}
    if count := sum(given.values()):
        remain = sum(result.rows[table] for table in tables)
        text = ntr(
            "{count} line came more than once ({parts}) and counts once; {remain} lines remain.",
            "{count} lines came more than once ({parts}) and count once; {remain} lines remain.",
            count,
            count=show(count, "count"),
            parts=_parts(given),
            remain=show(remain, "count"),
        )
        yield _note("overlap", text, rows=count, remain=remain)
    if count := sum(held.values()):
        text = ntr(
            "{count} line was in the store already ({parts}) and counts once.",
            "{count} lines were in the store already ({parts}) and count once.",
            count,
            count=show(count, "count"),
            parts=_parts(held),
        )
        yield _note("overlap/held", text, rows=count)


def _conflicts(result: ImportResult) -> Iterator[Finding]:
    for table, count in result.conflicts.items():
        if count:
            text = ntr(
                "{count} key of {table} was told differently by different rows; the last holds.",
                "{count} keys of {table} were told differently by different rows; the last holds.",
                count,
                count=show(count, "count"),
                table=table_word(table),
            )
            yield Finding(
                key=f"conflict/{table}", level="watch", text=text, evidence={"keys": count}
            )


def _superseded(result: ImportResult) -> Iterator[Finding]:
    if result.superseded:
        text = ntr(
            "{count} refund that an order file tells of gave way to that of the refund export.",
            "{count} refunds that order files tell of gave way to those of the refund export.",
            result.superseded,
            count=show(result.superseded, "count"),
        )
        yield _note("superseded", text, rows=result.superseded)


def _passed_over(result: ImportResult) -> Iterator[Finding]:
    if unneeded := [file.name for file in result.files if not file.needed]:
        text = tr("Known, but not needed, so not read: {names}.", names=_listed(unneeded))
        yield _note("unneeded", text, files=len(unneeded))
    if result.skipped:
        text = tr("Passed over as no known tables: {names}.", names=_listed(list(result.skipped)))
        yield _note("skipped", text, files=len(result.skipped))


def _missing(result: ImportResult) -> Iterator[Finding]:
    if result.missing:
        names = [table_word(table) for table in by_use(result.missing)]
        used = sum(table in list(TABLE_WORDS)[:OF_REVIEW] for table in result.missing)
        text = tr("Still empty: {tables}.", tables=_listed(names, max(used, SHOWN)))
        yield _note("missing", text, tables=len(result.missing))


def _cleaned(file: FileReport) -> Iterator[Finding]:
    if file.unwrapped:
        cells = sum(file.unwrapped.values())
        text = ntr(
            "{file}: {count} id was cleaned of marks around it ({columns}).",
            "{file}: {count} ids were cleaned of marks around them ({columns}).",
            cells,
            file=file.name,
            count=show(cells, "count"),
            columns=", ".join(file.unwrapped),
        )
        yield _note(f"cleaned/{file.name}", text, cells=cells)


def _masked(file: FileReport) -> Iterator[Finding]:
    if file.masked:
        text = ntr(
            "{file}: the platform has masked the buyer of {count} row; it cannot be told who "
            "bought.",
            "{file}: the platform has masked the buyers of {count} rows; it cannot be told who "
            "bought.",
            file.masked,
            file=file.name,
            count=show(file.masked, "count"),
        )
        yield Finding(
            key=f"masked/{file.name}", level="watch", text=text, evidence={"rows": file.masked}
        )


def _totals(file: FileReport) -> Iterator[Finding]:
    for check in file.totals:
        if not check.agrees:
            text = tr(
                "{file}: the totals row says {told} for {column}, but the rows add up to {summed}; "
                "the download may be cut off: download it again.",
                file=file.name,
                column=check.column,
                told=show(check.told, "number"),
                summed=show(check.summed, "number"),
            )
            evidence = {"told": check.told, "summed": check.summed}
            yield Finding(
                key=f"totals/{file.name}/{check.column}", level="bad", text=text, evidence=evidence
            )
    right = sum(check.agrees for check in file.totals)
    if right:
        text = ntr(
            "{file}: its totals row agrees with its rows in {count} column.",
            "{file}: its totals row agrees with its rows in {count} columns.",
            right,
            file=file.name,
            count=right,
        )
        yield Finding(
            key=f"totals/{file.name}", level="good", text=text, evidence={"columns": right}
        )


def _refused(file: FileReport) -> Iterator[Finding]:
    for (column, reason), count in file.refused.items():
        text = ntr(
            "{file}: {count} row was refused ({column}: {reason}); see the store's quarantine "
            "folder.",
            "{file}: {count} rows were refused ({column}: {reason}); see the store's quarantine "
            "folder.",
            count,
            file=file.name,
            count=show(count, "count"),
            column=column or tr("line"),
            reason=tr(reason),
        )
        yield Finding(
            key=f"refused/{file.name}/{column}/{reason}",
            level="watch",
            text=text,
            evidence={"rows": count},
        )
