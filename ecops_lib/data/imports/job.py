"""Reading one sheet: typed columns, refused rows, and what goes into which table."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ecops_lib.core.errors import FileError
from ecops_lib.core.formats import show
from ecops_lib.core.language import tr
from ecops_lib.data.imports import cleaning, identity
from ecops_lib.data.imports.cells import TORN, Cells, Fill, ids_of, rules_of, walls_of
from ecops_lib.data.imports.formats import Recognised
from ecops_lib.data.imports.loading import Loaded
from ecops_lib.data.imports.session import Emission, Refused, Session, Tally, TotalsCheck

TOTALS, UNASKED = -1, -2
"""Marks of rows that are no data: the totals row, and rows that a format does not ask for."""


class Job(Cells):
    """One recognised sheet, loaded as text, being read."""

    def __init__(self, session: Session, found: Recognised, loaded: Loaded) -> None:
        super().__init__(session, found, loaded)
        self.tally = Tally()
        self._totals = "FALSE"
        self._torn: tuple[int, ...] = ()
        self._table = ""
        self._fills: Mapping[str, Fill] = {}

    def totals(self, *names: str, words: tuple[str, ...] = ()) -> None:
        """Say in which columns a totals row gives itself away (合计, 总计, or ``words``)."""
        cells = [cell for name in names if (cell := self.cell(name)[0])]
        tests = [cleaning.is_total(cell, words=words) for cell in cells]
        self._totals = " OR ".join(tests) or "FALSE"

    def typed(self, fills: Mapping[str, Fill], *, rules: str = "", where: str = "TRUE") -> str:
        """Make a typed table of the good rows; the others are refused with a reason.

        Args:
            fills: Columns to make. Those of the canonical table ``rules`` obey its rules.
            rules: A canonical table, whose required cells, choices and ranges hold.
            where: Raw rows to read.

        Returns:
            The table's name. It has a column ``line_no`` (the row's place, from 0), and
            people are keyed hashes in it. Beside it, ``nameless`` of it leaves them out.

        Raises:
            FileError: Ids have lost digits, or every row is bad.
        """
        tests = rules_of(fills, rules)
        name = self._read(fills, tests, where)
        if self._misread(name, fills):
            fills = {column: self.redated(fill) for column, fill in fills.items()}
            name = self._read(fills, tests, where)
        self._table, self._fills = name, fills
        [(self.tally.rows,)] = self.session.sql(f"SELECT count(*) FROM {name}")
        asked = self.session.name("asked")
        self.session.sql(
            f"CREATE TEMP VIEW {asked} AS SELECT rowid AS line_no, * FROM {name} "
            "WHERE _bad IS NULL OR _bad >= 0"
        )
        self._count(asked, fills)
        self._refuse(asked, fills, tests)
        return self._finished(asked, fills)

    def _read(
        self, fills: Mapping[str, Fill], tests: list[tuple[str, str, str]], where: str
    ) -> str:
        """Read all rows into a typed table, in the file's order.

        Its column ``_bad`` is null in good rows, else the number of the test that the row
        fails, or ``TOTALS``, or ``UNASKED``; ``_value`` is the cell that failed.
        """
        name = self.session.name("typed")
        values = ", ".join(f'{fill.sql} AS "{column}"' for column, fill in fills.items())
        cells = "".join(f", {cell}" for cell in sorted({f.cell for f in fills.values() if f.cell}))
        flags = "".join(f", {flag}" for flag in _flags(fills))
        walls = "".join(f", {wall}" for wall in walls_of(fills))
        cases = " ".join(f"WHEN {test} THEN {n}" for n, (_, _, test) in enumerate(tests))
        torn = self.loaded.read_into(
            name,
            f"SELECT * EXCLUDE (_set_aside{cells}), {_failed(fills, tests)} AS _value FROM ("
            f"SELECT *{flags}, CASE WHEN _set_aside < 0 THEN _set_aside {cases} END AS _bad FROM ("
            f"SELECT {values}{cells}, CASE WHEN {self._totals} THEN {TOTALS} WHEN {where} THEN 0 "
            f"ELSE {UNASKED} END AS _set_aside FROM (SELECT *{walls} FROM {self.loaded.table})))",
        )
        self._torn = tuple(line for line, _ in torn)
        return name

    def _misread(self, name: str, fills: Mapping[str, Fill]) -> bool:
        """Whether rows hold dates such as ``3/4/2026``, which the file's first rows did not."""
        dated = any(fill.dated for fill in fills.values())
        return dated and bool(self.session.sql(f"SELECT 1 FROM {name} WHERE _slashed LIMIT 1"))

    def _count(self, name: str, fills: Mapping[str, Fill]) -> None:
        """Ids that were unwrapped, ids that have lost digits, names that are masked."""
        ids = ids_of(fills)
        if not ids:
            return
        sums = ", ".join(
            f'count_if("_{c}" % 2 = 1), count_if(CASE WHEN "_{c}" >= 2 THEN {_lost(c)} END)'
            for c in ids
        )
        [found] = self.session.sql(f"SELECT {sums} FROM {name}")
        for place, (column, fill) in enumerate(ids.items()):
            unwrapped, lost = found[place * 2 : place * 2 + 2]
            if lost:
                [(example,)] = self.session.sql(
                    f'SELECT min("{column}") FROM {name} WHERE {_lost(column)}'
                )
                raise FileError(
                    f"{self.title}: {lost} cells of {fill.header!r} are numbers such as {example} "
                    "whose last digits Excel has dropped; download the export again and import it "
                    "without opening and saving it in Excel."
                )
            if unwrapped:
                self.tally.unwrapped[fill.header] += unwrapped

    def _refuse(
        self, name: str, fills: Mapping[str, Fill], tests: list[tuple[str, str, str]]
    ) -> None:
        for line in self._torn:
            self.tally.refused.append(Refused(record=line, column="", value="", reason=TORN))
        rows = self.session.sql(
            f"SELECT _bad, line_no, _value FROM {name} WHERE _bad >= 0 ORDER BY _bad, line_no"
        )
        for bad, place, value in rows:
            column, reason, _ = tests[bad]
            self.tally.refused.append(
                Refused(
                    record=self.record(place),
                    column=fills[column].header or column,
                    value=value or "",
                    reason=reason,
                )
            )

    def refuse_rows(self, rows: list[tuple[int, str]], *, column: str, reason: str) -> None:
        """Refuse rows given by their place and the value to show."""
        self.tally.refused += [
            Refused(record=self.record(place), column=column, value=value or "", reason=reason)
            for place, value in rows
        ]

    def record(self, place: int) -> int:
        """The row's number as a spreadsheet counts it: what stands above and torn lines count."""
        number = self.loaded.skip + place + 1
        for torn in self._torn:
            if torn > number:
                break
            number += 1
        return number

    def _finished(self, name: str, fills: Mapping[str, Fill]) -> str:
        """A view of the good rows with people as keyed hashes."""
        people = [column for column, fill in fills.items() if fill.kind == "who" and fill.cell]
        view, joins, replaced = self.session.name("good"), "", []
        for column in people:
            key = self.session.name("people")
            identity.hash_people(
                self.session.connection, table=name, column=column, key=self.session.key, into=key
            )
            joins += f' LEFT JOIN {key} ON t."{column}" = {key}.who'
            replaced.append(f'{key}.buyer_key AS "{column}"')
            [(hidden,)] = self.session.sql(
                f'SELECT count(*) FROM {name} WHERE "{column}" IN '
                f"(SELECT who FROM {key} WHERE buyer_key IS NULL)"
            )
            self.tally.masked += hidden
        plain = ", ".join(["t.line_no", *(f't."{c}"' for c in fills if c not in people)])
        good = "WHERE t._bad IS NULL"
        self.session.sql(
            f"CREATE TEMP VIEW {view} AS SELECT {', '.join([plain, *replaced])} "
            f"FROM {name} t{joins} {good}"
        )
        self.session.sql(
            f"CREATE TEMP VIEW {nameless(view)} AS SELECT {plain} FROM {name} t {good}"
        )
        return view

    def emit(
        self,
        table: str,
        query: str,
        *,
        plain: bool = False,
        unique: bool = False,
        derived: bool = False,
    ) -> None:
        """Give the rows of a query to a canonical table.

        Args:
            table: The canonical table.
            query: Its rows.
            plain: Whether the query makes each row of one row, without grouping or sorting.
            unique: Whether it cannot give two rows of one key, whatever the file holds.
            derived: Whether its rows are made of lines that another table of the file counts.
        """
        self.session.emit(
            Emission(
                table=table,
                query=query,
                tally=self.tally,
                number=len(self.session.emissions),
                plain=plain,
                unique=unique,
                derived=derived,
            )
        )

    def keep(self, part: str, view: str) -> None:
        """Keep a typed table until all files are read."""
        self.session.parts.setdefault(part, []).append((view, self))

    def note_money(self, count: int, money: object, message: str) -> None:
        """Note what became of some rows, by a marked message with ``count`` and ``money``."""
        if count:
            self.tally.notes.append(
                lambda: tr(message, count=show(count, "count"), money=show(money, "money"))
            )

    def note(self, sentence: Callable[[], str]) -> None:
        """Note something for the import's page; the words are made when they are read."""
        self.tally.notes.append(sentence)

    def check_totals(self, sums: Mapping[str, Fill]) -> None:
        """Hold the totals row, if there is one, against the sums of the file's own rows.

        Args:
            sums: Columns of what was typed last, by their name in the file.
        """
        known = {name: fill for name, fill in sums.items() if fill.cell}
        if not known or self._totals == "FALSE":
            return
        [(count,)] = self.session.sql(f"SELECT count(*) FROM {self._table} WHERE _bad = {TOTALS}")
        self.tally.totals_rows += count
        if count != 1:
            return
        columns = {fill: column for column, fill in self._fills.items()}
        parts = ", ".join(
            f'sum("{columns[f]}") FILTER (_bad = {TOTALS}), '
            f'sum("{columns[f]}") FILTER (_bad IS DISTINCT FROM {TOTALS})'
            for f in known.values()
        )
        [found] = self.session.sql(f"SELECT {parts} FROM {self._table}")
        for place, fill in enumerate(known.values()):
            told, summed = found[place * 2 : place * 2 + 2]
            if told is not None:
                self.tally.totals.append(
                    TotalsCheck(column=fill.header, told=float(told), summed=float(summed or 0))
                )


def nameless(typed: str) -> str:
    """The view of a typed table's good rows without people, who cost a join each time."""
    return f"{typed}_nameless"


def _flags(fills: Mapping[str, Fill]) -> list[str]:
    """Columns that tell what is odd about a row: its ids, and whether it has a date with slashes.

    An id's flag is 1 where it was unwrapped, and 2 more where it may have lost digits.
    """
    flags = [
        f'CASE WHEN contains("{c}", \'+\') THEN if("{c}" <> {fill.cell}, 3, 2) '
        f'WHEN "{c}" <> {fill.cell} THEN 1 END AS "_{c}"'
        for c, fill in ids_of(fills).items()
    ]
    slashed = " ".join(
        f"WHEN \"{c}\" IS NULL AND {fill.cell} LIKE '%/%/%' THEN TRUE"
        for c, fill in fills.items()
        if fill.dated
    )
    return [*flags, f"CASE {slashed} END AS _slashed"] if slashed else flags


def _failed(fills: Mapping[str, Fill], tests: list[tuple[str, str, str]]) -> str:
    """SQL of the cell that failed its test; those that name people are not shown."""
    shown = [
        f"WHEN {n} THEN left({fills[column].cell}, 200)"
        for n, (column, _, _) in enumerate(tests)
        if fills[column].cell and fills[column].kind != "who"
    ]
    if not shown:
        return "CAST(NULL AS VARCHAR)"
    return f"CASE WHEN _bad IS NOT NULL THEN CASE _bad {' '.join(shown)} END END"


def _lost(column: str) -> str:
    return cleaning.lost_digits(f'"{column}"')
