"""From files to the store: recognise all, read all, write all, or nothing.

Every file is recognised before anything is read, and read before anything is written:
a refused file names itself in a FileError, and the store is as it was.
"""

from __future__ import annotations

import datetime as dt
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ecops_lib.core.checks import listed
from ecops_lib.core.errors import FileError
from ecops_lib.core.language import tr
from ecops_lib.data import delta
from ecops_lib.data.imports.catalogue import FORMATS
from ecops_lib.data.imports.collect import Collected, collect
from ecops_lib.data.imports.formats import Format, Recognised, recognise
from ecops_lib.data.imports.job import Job
from ecops_lib.data.imports.mapping import NAME, Entry, entry_for, read_mapping
from ecops_lib.data.imports.quarantine import write_quarantine
from ecops_lib.data.imports.reader import TABLE_SUFFIXES, Sheet, Source, read_sheets, read_source
from ecops_lib.data.imports.result import FileReport, ImportResult
from ecops_lib.data.imports.session import Session, Tally
from ecops_lib.data.imports.stores import Wanted, opened_store
from ecops_lib.data.imports.wording import table_word
from ecops_lib.data.schema import TABLES, table_named
from ecops_lib.data.store import Store, Writer

Progress = Callable[[str], None]


def import_files(
    paths: Iterable[str | Path],
    *,
    store: str | Path,
    mapping: str | Path | None = None,
    name: str | None = None,
    currency: str | None = None,
    time_zone: str | None = None,
    language: str | None = None,
    progress: Progress | None = None,
) -> ImportResult:
    """Read exports of any known platform into a store, whole or not at all.

    Args:
        paths: Files, or folders of files (hidden files and those of no table's suffix
            are passed over and named in the result).
        store: The store's folder; a new store is made if there is none.
        mapping: A ``mapping.toml``; else the store's own, else one beside the files.
        name: A new store's name; the folder's unless given.
        currency: A new store's currency; what the first file says unless given.
        time_zone: A new store's zone; what the first file says unless given.
        language: A new store's language.
        progress: Called with a sentence as each step begins.

    Returns:
        What was recognised, cleaned, refused and written, file by file.

    Raises:
        FileError: A file cannot be read or told; nothing at all was imported.
        StoreError: The store is damaged, or its disk is full.
    """
    say = progress or (lambda _: None)
    folder = Path(store)
    found, skipped = _files(list(paths))
    with tempfile.TemporaryDirectory(prefix="ecops-") as scratch:
        sources = [read_source(path) for path in found]
        known = _known_files(folder)
        fresh = [s for s in _distinct(sources) if s.sha256 not in known]
        known_sheets, unknown = _recognised(fresh, folder, mapping, Path(scratch), say)
        recognised = [sheet for sheet in known_sheets if sheet.format.needed]
        unneeded = [sheet for sheet in known_sheets if not sheet.format.needed]
        if unneeded and not recognised and len(fresh) == len(_distinct(sources)):
            raise FileError(_useless(unneeded))
        wanted = Wanted.of(
            recognised, name=name, currency=currency, time_zone=time_zone, language=language
        )
        with opened_store(folder, wanted, empty=not recognised) as (held, created):
            run = _Run(held, say)
            if recognised:
                run.write(recognised)
            return run.result(
                again=[source for source in sources if source not in fresh],
                unneeded=unneeded,
                created=created,
                skipped=(*skipped, *unknown),
            )


def _useless(found: list[Recognised]) -> str:
    names = ", ".join(f"{sheet.sheet.title} ({sheet.format.key})" for sheet in found)
    needed = [f.key for f in FORMATS if f.needed and f.platform == found[0].format.platform]
    return (
        f"a store has no use for {names}, known as they are; "
        f"give the files of {listed(needed)} too."
    )


def _files(paths: Iterable[str | Path]) -> tuple[list[Path], list[str]]:
    """The files to read, in order, and the names of those passed over in folders."""
    found: list[Path] = []
    skipped: list[str] = []
    for given in map(Path, paths):
        if not given.is_dir():
            found.append(given)
            continue
        for path in sorted(given.rglob("*")):
            inside = path.relative_to(given).parts
            if not path.is_file() or any(part.startswith(".") for part in inside):
                continue
            if _is_store(path, given) or path.name in {NAME, "store.toml"}:
                continue
            if path.suffix.lower() in (*TABLE_SUFFIXES, ".zip"):
                found.append(path)
            else:
                skipped.append(path.name)
    if not found:
        where = ", ".join(str(path) for path in paths) or "nothing"
        raise FileError(f"{where} holds no export; give csv, xls, xlsx, zip or parquet files.")
    return found, skipped


def _is_store(path: Path, root: Path) -> bool:
    """Whether a file is part of a store that lies within the folder given."""
    parents = [p for p in path.parents if p == root or root in p.parents]
    stores = [p for p in parents if (p / "store.toml").exists()]
    return any(
        path.is_relative_to(p / part)
        for p in stores
        for part in ("tables", "quarantine", "snapshots")
    )


def _known_files(folder: Path) -> set[str]:
    from ecops_lib.data.store import open_store

    if not (folder / "store.toml").exists():
        return set()
    return {str(file["sha256"]) for file in open_store(folder).snapshot.files}


def _distinct(sources: list[Source]) -> list[Source]:
    return list({source.sha256: source for source in reversed(sources)}.values())[::-1]


def _recognised(
    sources: list[Source], store: Path, mapping: str | Path | None, scratch: Path, say: Progress
) -> tuple[list[Recognised], list[str]]:
    """The sheets that are recognised, and the titles of those of workbooks that are not."""
    found: list[Recognised] = []
    unknown: list[str] = []
    for source in sources:
        say(tr("Looking at {file} …", file=source.name))
        entry = entry_for(_entries(source, store, mapping), source.name)
        formats: tuple[Format, ...] = (entry.format(),) if entry else FORMATS
        known, others = _of_sheets(read_sheets(source, scratch), formats)
        found += known
        unknown += others
    return found, unknown


def _of_sheets(
    sheets: tuple[Sheet, ...], formats: tuple[Format, ...]
) -> tuple[list[Recognised], list[str]]:
    """The sheets that are recognised, of which there must be one, and the others' titles."""
    found: list[Recognised] = []
    faults: dict[str, FileError] = {}
    for sheet in sheets:
        try:
            found.append(recognise(sheet, formats))
        except FileError as error:
            faults[sheet.title] = error
    if not found:
        raise next(iter(faults.values()))
    return found, list(faults)


def _entries(source: Source, store: Path, mapping: str | Path | None) -> tuple[Entry, ...]:
    if mapping is not None:
        return read_mapping(Path(mapping))
    beside = [folder / NAME for folder in dict.fromkeys((store, source.path.parent))]
    return tuple(entry for file in beside if file.is_file() for entry in read_mapping(file))


@dataclass(kw_only=True)
class _Read:
    """A sheet that has been read."""

    found: Recognised
    tally: Tally


class _Run:
    """One import into an open store."""

    def __init__(self, store: Store, say: Progress) -> None:
        self.store = store
        self.say = say
        self.before = store.snapshot
        self.read: list[_Read] = []
        self.collected: list[Collected] = []
        self.emissions: list[Any] = []

    def write(self, recognised: list[Recognised]) -> None:
        """Read all sheets, then write all tables, under the store's lock."""
        with self.store.writing() as writer:
            self.before = writer.before
            session = self._session(writer)
            self._read_all(session, recognised)
            self.collected = collect(session)
            self.emissions = session.emissions
            for part in self.collected:
                if part.rows:
                    self.say(tr("Writing {table} …", table=table_word(part.table)))
                    columns = ", ".join(f'"{c}"' for c in table_named(part.table).names)
                    writer.upsert(
                        part.table,
                        session.connection.sql(f"SELECT {columns} FROM {part.relation}"),
                        checked=True,
                    )
            self._record(writer)
        self._drop(session)

    def _session(self, writer: Writer) -> Session:
        settings = self.store.settings

        def held(table: str) -> Any:
            if table not in writer.before.tables:
                return None
            version = writer.before.tables[table]
            uris = delta.files(self.store.path / "tables" / table, version)
            return delta.relation(writer.connection, table, uris)

        return Session(
            connection=writer.connection,
            zone=settings.time_zone,
            currency=settings.currency,
            key=self.store.key,
            held=held,
        )

    def _read_all(self, session: Session, recognised: list[Recognised]) -> None:
        for found in sorted(recognised, key=lambda f: f.format.rank):
            self._refuse_currency(found, session)
            raw = session.name("raw")
            self.say(tr("Reading {file} …", file=found.sheet.title))
            loaded = found.grid.load(
                session.connection, raw, header=found.row, places=found.places()
            )
            job = Job(session, found, loaded)
            if found.format.load is not None:
                found.format.load(job)
            self.read.append(_Read(found=found, tally=job.tally))
        finishes = {f.format.finish: None for f in recognised if f.format.finish}
        for finish in finishes:
            if finish is not None:
                finish(session)

    def _refuse_currency(self, found: Recognised, session: Session) -> None:
        theirs = found.format.currency
        if theirs and theirs != session.currency:
            raise FileError(
                f"{found.sheet.title} is in {theirs}, but the store counts in {session.currency}; "
                "import it into a store of its own."
            )

    def _record(self, writer: Writer) -> None:
        now = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
        by_file: dict[str, list[_Read]] = {}
        for read in self.read:
            by_file.setdefault(read.found.sheet.source.sha256, []).append(read)
        for sha256, reads in by_file.items():
            source = reads[0].found.sheet.source
            refused = [row for read in reads for row in read.tally.refused]
            write_quarantine(
                self.store.path / "quarantine", file=source.name, sha256=sha256, refused=refused
            )
            writer.record(
                {
                    "name": source.name,
                    "sha256": sha256,
                    "format": reads[0].found.format.key,
                    "rows": sum(read.tally.rows for read in reads),
                    "refused": len(refused),
                    "imported_at": now,
                }
            )

    def _drop(self, session: Session) -> None:
        """Free what was read; the store's connection lives on."""
        for kind, name in session.sql(
            "SELECT table_type, table_name FROM information_schema.tables "
            "WHERE table_catalog = 'temp' AND table_name <> 'incoming' ORDER BY table_type DESC"
        ):
            word = "VIEW" if kind == "VIEW" else "TABLE"
            session.sql(f'DROP {word} IF EXISTS "{name}"')

    def result(
        self,
        *,
        again: list[Source],
        unneeded: list[Recognised],
        created: bool,
        skipped: tuple[str, ...],
    ) -> ImportResult:
        """The numbers of the import."""
        settings = self.store.settings
        told = {table: [e for e in self.emissions if e.table == table] for table in TABLES}
        return ImportResult(
            store=str(self.store.path),
            version=self.store.snapshot.version,
            changed=self.store.snapshot.version != self.before.version,
            created=created,
            currency=settings.currency,
            time_zone=settings.time_zone,
            files=(
                *map(self._report, self.read),
                *map(_passed_over, unneeded),
                *(FileReport(name=s.name, sha256=s.sha256, again=True) for s in again),
            ),
            rows={part.table: part.rows for part in self.collected},
            overlap={p.table: sum(p.repeated.values()) + p.held for p in self.collected},
            conflicts={part.table: part.conflicting for part in self.collected},
            held={part.table: part.held for part in self.collected},
            derived=frozenset(
                table for table, given in told.items() if given and all(e.derived for e in given)
            ),
            missing=tuple(name for name in TABLES if not self.store.has(name)),
            superseded=sum(part.superseded for part in self.collected),
            skipped=skipped,
        )

    def _report(self, read: _Read) -> FileReport:
        source, tally = read.found.sheet.source, read.tally
        mine = {e.number: e for e in self.emissions if e.tally is tally}
        written: Counter[str] = Counter()
        repeated = 0
        spans = []
        for part in self.collected:
            for number in (n for n, e in mine.items() if e.table == part.table):
                if not mine[number].derived:
                    written[part.table] += part.given.get(number, 0)
                    repeated += part.repeated.get(number, 0)
                spans += [part.spans[number]] if number in part.spans else []
        return FileReport(
            name=read.found.sheet.title,
            sha256=source.sha256,
            encoding=source.encoding,
            format=read.found.format.key,
            label=read.found.format.label,
            score=read.found.score,
            why=read.found.explanation,
            rows=tally.rows,
            written=dict(written),
            repeated=repeated,
            unwrapped=dict(tally.unwrapped),
            refused=dict(Counter((row.column, row.reason) for row in tally.refused)),
            masked=tally.masked,
            totals=tuple(tally.totals),
            notes=tuple(tally.notes),
            first=min((first for first, _ in spans), default=None),
            last=max((last for _, last in spans), default=None),
        )


def _passed_over(found: Recognised) -> FileReport:
    return FileReport(
        name=found.sheet.title,
        sha256=found.sheet.source.sha256,
        format=found.format.key,
        label=found.format.label,
        score=found.score,
        why=found.explanation,
        needed=False,
    )
