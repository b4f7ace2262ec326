"""Write ``data/README.md``: what a store folder looks like, and every canonical table.

The page is made from the schema and the Chinese catalogue alone, so that it cannot say
anything else than the code: `python scripts/schema_docs.py`.
"""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from ecops_lib.core.language import reading, tr  # noqa: E402
from ecops_lib.data import store  # noqa: E402
from ecops_lib.data.schema import TABLES  # noqa: E402
from ecops_lib.data.schema.types import Column, Table  # noqa: E402

PAGE = ROOT / "data" / "README.md"

INTRODUCTION = """\
# What a store folder holds

<!-- made by scripts/schema_docs.py: change the schema or the catalogue, then run it again -->

A store is a folder. `ecops import FILES --store FOLDER` makes and fills it, `ecops demo FOLDER`
makes one of a shop that does not exist, and `ecops_lib.open_store(FOLDER)` opens it from Python.

```
{layout}
```

Every change of a store makes a new version, and every earlier version stays readable:
`ecops_lib.open_store(FOLDER, version=3)`. Each table is a plain Delta Lake table, which Spark,
DuckDB, Polars and others read as it is; ask for the Delta version that the newest file of
`snapshots/` names. Keep `store.key` with the folder and to yourself: without it the buyers of
later files cannot be told to be the buyers of earlier ones.

## Types

| type | what it is |
|---|---|
| text | characters; ids are text, so that no digit is lost |
| money | decimal(18, 4) in the store currency |
| integer | whole number |
| number | floating-point number |
| flag | true or false |
| time | instant in UTC; days begin and end in the store's time zone |
| day | calendar day |

What a file does not tell is null, never 0. A row that lacks a required cell, or holds a value that
is not allowed, goes to `quarantine/`. An import replaces the row of the same key; a null does not
erase.

## Tables
"""


def layout() -> str:
    """The folder's layout, from the docstring of the store."""
    lines = (store.__doc__ or "").splitlines()
    return "\n".join(line[4:] for line in lines if line.startswith("    "))


def chinese(message: str) -> str:
    """A message in Chinese."""
    with reading("zh"):
        return tr(message)


def page() -> str:
    """The whole page."""
    index = [
        f"| [{name}](#{name}) | {cell(table.meaning)} | {cell(chinese(table.meaning))} |"
        for name, table in TABLES.items()
    ]
    parts = [
        INTRODUCTION.format(layout=layout()),
        "\n".join(["| table | grain | 粒度 |", "|---|---|---|", *index]) + "\n",
        *map(section, TABLES.values()),
    ]
    return "\n".join(parts)


def section(table: Table) -> str:
    """One table: grain, key, source, and its columns."""
    month = f"; files by the month of `{table.clock}` (UTC)" if table.clock else ""
    lines = [
        f"### {table.name}",
        "",
        f"{table.meaning[:1].upper()}{table.meaning[1:]}. {chinese(table.meaning)}。",
        "",
        f"* key: {', '.join(f'`{name}`' for name in table.key)}{month}",
        f"* filled by {table.hint}",
        f"* 数据来源：{chinese(table.hint)}",
        "",
        "| column | type | unit | required | values | meaning | 含义 |",
        "|---|---|---|---|---|---|---|",
        *map(row, table.columns),
        "",
    ]
    return "\n".join(lines)


def row(column: Column) -> str:
    """One column as a line of the table."""
    least = "" if column.least is None else f"≥ {column.least:g}"
    values = ", ".join(f"`{choice}`" for choice in column.choices) or least
    cells = [
        f"`{column.name}`",
        column.type,
        column.unit,
        "yes" if column.required else "",
        values,
        column.meaning,
        chinese(column.meaning),
    ]
    return f"| {' | '.join(map(cell, cells))} |"


def cell(text: str) -> str:
    """Text that cannot end a cell or begin emphasis."""
    return text.replace("|", "\\|").replace("*", "\\*")


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
