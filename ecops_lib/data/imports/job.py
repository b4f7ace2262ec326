"""Reading one sheet: typed columns, refused rows, and what goes into which table."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ecops_lib.core.errors import FileError
from ecops_lib.core.formats import show
from ecops_lib.core.language import tr
from ecops_lib.data.imports import cleaning, identity
from ecops_lib.data.imports.cells import TORN, Cells, Fill, ids_of, rules_of
from ecops_lib.data.imports.formats import Recognised
from ecops_lib.data.imports.loading import Loaded
from ecops_lib.data.imports.session import Emission, Refused, Session, Tally, TotalsCheck


class Job(Cells):
    """One recognised sheet, loaded as text, being read."""

    def __init__(self, session: Session, found: Recognised, loaded: Loaded) -> None:
        super().__init__(session, found, loaded)
        self.tally = Tally(rows=loaded.rows)
        self._totals = "FALSE"
        for line, _ in loaded.torn:
            self.tally.refused.append(Refused(record=line, column="", value="", reason=TORN))

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
            people are keyed hashes in it.

        Raises:
            FileError: Ids have lost digits, or every row is bad.
        """
        name = self.session.name("typed")
        values = ", ".join(f'{fill.sql} AS "{column}"' for column, fill in fills.items())
        cells = ", ".join(sorted({fill.cell for fill in fills.values() if fill.cell}))
        tests = rules_of(fills, rules)
        cases = " ".join(f"WHEN {test} THEN {n}" for n, (_, _, test) in enumerate(tests))
        bad = f"CASE {cases} END" if cases else "CAST(NULL AS INTEGER)"
        changed = "".join(
            f', "{column}" <> {fill.cell} AS "_{column}"' for column, fill in ids_of(fills).items()
        )
        columns = ", ".join(f'"{column}"' for column in fills)
        self.session.sql(
            f"CREATE TEMP TABLE {name} AS SELECT line_no, {columns}, {bad} AS _bad{changed} FROM ("
            f"SELECT rowid AS line_no, {values}{', ' + cells if cells else ''} "
            f"FROM {self.loaded.table} WHERE ({where}) AND NOT ({self._totals}))"
        )
        self._count(name, fills)
        self._refuse(name, fills, tests)
        return self._finished(name, fills)

    def _count(self, name: str, fills: Mapping[str, Fill]) -> None:
        """Ids that were unwrapped, ids that have lost digits, names that are masked."""
        ids = ids_of(fills)
        sums = []
        for column in ids:
            lost = cleaning.lost_digits(f'"{column}"')
            sums += [f'count_if("_{column}")', f"count_if({lost})"]
        if not sums:
            return
        [found] = self.session.sql(f"SELECT {', '.join(sums)} FROM {name}")
        for place, (column, fill) in enumerate(ids.items()):
            unwrapped, lost = found[place * 2 : place * 2 + 2]
            if lost:
                test = cleaning.lost_digits(f'"{column}"')
                [(example,)] = self.session.sql(f'SELECT min("{column}") FROM {name} WHERE {test}')
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
        rows = self.session.sql(
            f"SELECT _bad, list(line_no ORDER BY line_no) FROM {name} "
            "WHERE _bad IS NOT NULL GROUP BY _bad ORDER BY _bad"
        )
        for bad, places in rows:
            column, reason, _ = tests[bad]
            fill = fills[column]
            values = {}
            if fill.cell and fill.kind != "who":
                values = dict(
                    self.session.sql(
                        f"SELECT line_no, left(r.{fill.cell}, 200) FROM {name} t "
                        f"JOIN {self.loaded.table} r ON r.rowid = line_no WHERE _bad = {bad}"
                    )
                )
            self.tally.refused += [
                Refused(
                    record=self.record(place),
                    column=fill.header or column,
                    value=values.get(place) or "",
                    reason=reason,
                )
                for place in places
            ]

    def refuse_rows(self, rows: list[tuple[int, str]], *, column: str, reason: str) -> None:
        """Refuse rows given by their place and the value to show."""
        self.tally.refused += [
            Refused(record=self.record(place), column=column, value=value or "", reason=reason)
            for place, value in rows
        ]

    def record(self, place: int) -> int:
        """The row's number as a spreadsheet counts it: what stands above and torn lines count."""
        number = self.loaded.skip + place + 1
        for torn, _ in self.loaded.torn:
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
        columns = ", ".join(
            ["t.line_no", *(f't."{c}"' for c in fills if c not in people), *replaced]
        )
        self.session.sql(
            f"CREATE TEMP VIEW {view} AS SELECT {columns} FROM {name} t{joins} WHERE t._bad IS NULL"
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
        """Hold the totals row, if there is one, against the sums of the file's own rows."""
        known = {name: fill for name, fill in sums.items() if fill.cell}
        if not known or self._totals == "FALSE":
            return
        raw = self.loaded.table
        [(count,)] = self.session.sql(f"SELECT count(*) FROM {raw} WHERE {self._totals}")
        self.tally.totals_rows += count
        if count != 1:
            return
        parts = ", ".join(
            f"sum({f.sql}) FILTER ({self._totals}), sum({f.sql}) FILTER (NOT ({self._totals}))"
            for f in known.values()
        )
        [found] = self.session.sql(f"SELECT {parts} FROM {raw}")
        for place, fill in enumerate(known.values()):
            told, summed = found[place * 2 : place * 2 + 2]
            if told is not None:
                self.tally.totals.append(
                    TotalsCheck(column=fill.header, told=float(told), summed=float(summed or 0))
                )
