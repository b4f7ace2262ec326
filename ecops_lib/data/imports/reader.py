"""What is in a file: sniffed by its bytes, decoded strictly, never by its suffix.

A file becomes one or more sheets. A sheet shows its first rows, so that its header can
be found, and loads itself into DuckDB as a table of text columns ``c0``, ``c1``, …
whose ``rowid`` is the row's place in the file.
"""

from __future__ import annotations

import codecs
import csv
import hashlib
import io
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from ecops_lib.core.errors import FileError
from ecops_lib.data.imports.loading import Loaded, load_parquet, load_rows, load_text, parquet_head
from ecops_lib.data.imports.workbook import read_html, read_workbook

LINE_LIMIT = 8 * 1024 * 1024
"""Longest line of a text file, in bytes; a longer one is no table, and would fill memory."""

CHUNK = 1024 * 1024
HEAD = 256 * 1024
HEADER_ROWS = 15
DELIMITERS = (",", "\t", ";", "|")
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
TABLE_SUFFIXES = (".csv", ".tsv", ".txt", ".xls", ".xlsx", ".xlsm", ".parquet", ".htm", ".html")


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A file as it was found.

    Attributes:
        path: Where it lies.
        sha256: Hash of its bytes.
        size: Its bytes.
        encoding: How its text was decoded; empty for other kinds.
    """

    path: Path
    sha256: str
    size: int
    encoding: str = ""

    @property
    def name(self) -> str:
        """The file's name."""
        return self.path.name


class Grid(Protocol):
    """One way to see a sheet as rows of cells."""

    @property
    def rows(self) -> list[list[str]]:
        """The first rows."""

    def load(self, connection: object, table: str, *, header: int, places: list[int]) -> Loaded:
        """Make a table of text columns of the rows below a header row."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TextGrid:
    """Text, cut by one delimiter."""

    path: Path
    delimiter: str
    rows: list[list[str]]
    lines: list[int]

    def load(self, connection: object, table: str, *, header: int, places: list[int]) -> Loaded:
        """Let DuckDB read everything below the header as text."""
        width, skip = len(self.rows[header]), self.lines[header]
        return load_text(
            connection,
            table,
            self.path,
            self.delimiter,
            width=width,
            skip=skip,
            limit=LINE_LIMIT,
            places=places,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RowsGrid:
    """Rows held in memory: a workbook's sheet or an HTML table."""

    rows: list[list[str]]
    all_rows: list[list[str]]

    def load(self, connection: object, table: str, *, header: int, places: list[int]) -> Loaded:
        """Hand the rows below the header to DuckDB."""
        return load_rows(
            connection, table, self.all_rows[header + 1 :], places=places, skip=header + 1
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ParquetGrid:
    """A Parquet file, whose header is its schema."""

    path: Path
    rows: list[list[str]]

    def load(self, connection: object, table: str, *, header: int, places: list[int]) -> Loaded:
        """Let DuckDB read it, every cell as text."""
        return load_parquet(connection, table, self.path, self.rows[header], places=places)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """A table within a file.

    Attributes:
        source: The file.
        name: The sheet's name in a workbook of several; empty otherwise.
        grids: Ways to see it; text has one a delimiter.
    """

    source: Source
    name: str
    grids: tuple[Grid, ...]

    @property
    def title(self) -> str:
        """The file's name, with the sheet's where there are several."""
        return f"{self.source.name} [{self.name}]" if self.name else self.source.name


def read_source(path: Path) -> Source:
    """Hash a file in chunks.

    Raises:
        FileError: It is absent, no file, unreadable, or empty.
    """
    if not path.is_file():
        raise FileError(f"{path} is not a file; give the path of an export or of a folder of them.")
    digest, size = hashlib.sha256(), 0
    try:
        with path.open("rb") as file:
            while chunk := file.read(CHUNK):
                digest.update(chunk)
                size += len(chunk)
    except OSError as error:
        raise FileError(f"{path.name} cannot be read ({error.strerror}).") from error
    if not size:
        raise FileError(f"{path.name} is empty (0 bytes); download it again.")
    return Source(path=path, sha256=digest.hexdigest(), size=size)


def read_sheets(source: Source, scratch: Path) -> tuple[Sheet, ...]:
    """The sheets of a file, whatever its suffix says.

    Args:
        source: The file.
        scratch: Folder for what must be unpacked or recoded.

    Raises:
        FileError: The file is damaged, encrypted, or no table at all.
    """
    with source.path.open("rb") as file:
        magic = file.read(8)
    if magic.startswith(b"PAR1"):
        return (Sheet(source=source, name="", grids=(_parquet(source.path),)),)
    if magic == OLE or magic.startswith(b"\x09\x08\x10\x00"):
        return _workbook(source)
    if magic.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _zipped(source, scratch)
    return _text(source, scratch)


def _parquet(path: Path) -> ParquetGrid:
    return ParquetGrid(path=path, rows=parquet_head(path))


def _workbook(source: Source) -> tuple[Sheet, ...]:
    if _holds(source.path, ENCRYPTED):
        raise FileError(
            f"{source.name} is protected by a password; open it in Excel, "
            "save it without the password, and import that."
        )
    sheets = read_workbook(source.path)
    many = len(sheets) > 1
    return tuple(
        Sheet(
            source=source,
            name=name if many else "",
            grids=(RowsGrid(rows=rows[:HEADER_ROWS], all_rows=rows),),
        )
        for name, rows in sheets.items()
    )


def _holds(path: Path, mark: bytes) -> bool:
    with path.open("rb") as file:
        last = b""
        while chunk := file.read(CHUNK):
            if mark in last + chunk:
                return True
            last = chunk[-len(mark) :]
    return False


def _zipped(source: Source, scratch: Path) -> tuple[Sheet, ...]:
    try:
        with zipfile.ZipFile(source.path) as archive:
            names = archive.namelist()
            if "xl/workbook.xml" in names or "xl/workbook.bin" in names:
                return _workbook(source)
            inside = _one_table(source, archive)
            unpacked = scratch / f"{source.sha256[:12]}-{Path(inside.filename).name}"
            _unpack(archive, inside, unpacked)
    except (zipfile.BadZipFile, EOFError, zlib.error, NotImplementedError) as error:
        raise FileError(
            f"{source.name} is a damaged or truncated zip or xlsx file; download it again."
        ) from error
    sheets = read_sheets(replace(source, path=unpacked), scratch)
    return tuple(replace(sheet, source=replace(sheet.source, path=source.path)) for sheet in sheets)


def _one_table(source: Source, archive: zipfile.ZipFile) -> zipfile.ZipInfo:
    inside = [
        entry
        for entry in archive.infolist()
        if entry.filename.lower().endswith(TABLE_SUFFIXES) and "__MACOSX" not in entry.filename
    ]
    if len(inside) != 1:
        raise FileError(
            f"{source.name} is a zip file that holds {len(inside)} tables; "
            "unpack it and import the files themselves."
        )
    if inside[0].flag_bits & 1:
        raise FileError(
            f"{source.name} is a zip file protected by a password; "
            "unpack it with the password and import what is inside."
        )
    return inside[0]


def _unpack(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, target: Path) -> None:
    with archive.open(entry) as packed, target.open("wb") as out:
        while chunk := packed.read(CHUNK):
            out.write(chunk)


def _text(source: Source, scratch: Path) -> tuple[Sheet, ...]:
    encoding = decide_encoding(source.path)
    found, path = replace(source, encoding=encoding), source.path
    if encoding not in {"utf-8", "utf-8-sig"}:
        path = scratch / f"{source.sha256[:12]}.utf8"
        _recode(source.path, encoding, path)
    head = _head(path)
    if head.lstrip()[:1] == "<":
        rows = read_html(path)
        if not rows:
            raise FileError(
                f"{source.name} is a web page without a table; download the export again."
            )
        grid: Grid = RowsGrid(rows=rows[:HEADER_ROWS], all_rows=rows)
        return (Sheet(source=found, name="", grids=(grid,)),)
    grids = tuple(_cut(path, head, delimiter) for delimiter in DELIMITERS)
    return (Sheet(source=found, name="", grids=grids),)


def decide_encoding(path: Path) -> str:
    """The first of utf-8 (with or without mark), gb18030 and utf-16 that decodes all of it.

    Raises:
        FileError: None does, a line is longer than ``LINE_LIMIT``, or it is no text.
    """
    with path.open("rb") as file:
        start = file.read(HEAD)
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        tried = ["utf-16"]
    elif start.startswith(codecs.BOM_UTF8):
        tried = ["utf-8-sig"]
    elif start.count(0) * 5 > len(start):
        tried = ["utf-16-le" if start[1:2] == b"\0" else "utf-16-be"]
    else:
        tried = ["utf-8", "gb18030"]
    _check_lines(path)
    for encoding in tried:
        if _decodes(path, encoding):
            return encoding
    raise FileError(
        f"{path.name} is no text in UTF-8, GB18030 or UTF-16 (tried {', '.join(tried)}), and no "
        "workbook; export it again as CSV in UTF-8, or as xlsx."
    )


def _check_lines(path: Path) -> None:
    since = 0
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            first = chunk.find(b"\n") if b"\n" in chunk else chunk.find(b"\r")
            if first < 0:
                since += len(chunk)
            else:
                since += first
            if since > LINE_LIMIT:
                raise FileError(
                    f"{path.name} has a line of more than {LINE_LIMIT // 1024**2} MB, "
                    "so it is no table of rows; download it again."
                )
            if first >= 0:
                since = len(chunk) - 1 - max(chunk.rfind(b"\n"), chunk.rfind(b"\r"))


def _decodes(path: Path, encoding: str) -> bool:
    try:
        for _ in _decoded(path, encoding):
            pass
    except UnicodeDecodeError:
        return False
    return True


def _decoded(path: Path, encoding: str) -> Iterator[str]:
    decoder = codecs.getincrementaldecoder(encoding)("strict")
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            yield decoder.decode(chunk)
        yield decoder.decode(b"", final=True)


def _recode(path: Path, encoding: str, target: Path) -> None:
    with target.open("w", encoding="utf-8", newline="") as out:
        for text in _decoded(path, encoding):
            out.write(text)


def _head(path: Path) -> str:
    with path.open("rb") as file:
        held = file.read(HEAD)
    return held.decode("utf-8-sig", errors="ignore")


def _cut(path: Path, head: str, delimiter: str) -> TextGrid:
    reader = csv.reader(io.StringIO(head.replace("\0", "")), delimiter=delimiter)
    rows: list[list[str]] = []
    lines: list[int] = []
    try:
        for row in reader:
            rows.append(row)
            lines.append(reader.line_num)
            if len(rows) == HEADER_ROWS:
                break
    except csv.Error:  # a cell beyond Python's limit: what was read so far must do
        pass
    return TextGrid(path=path, delimiter=delimiter, rows=rows, lines=lines)
