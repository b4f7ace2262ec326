"""Which reports a batch makes: a file of shops, notebooks and languages, or a matrix.

name = "morning"

[defaults]
audience = "management"

[[reports]]
notebook = "daily_review"
stores = ["shops/*"]                  # folders of stores; a star stands for any
lang = ["zh", "en"]
as_of = "yesterday"
parameters = { top = 10 }
"""

from __future__ import annotations

import datetime as dt
import hashlib
import itertools
import json
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ecops_lib.core.checks import listed, nearest
from ecops_lib.core.errors import EcopsError, FileError, ParameterError
from ecops_lib.reports.runner import check_run, slug

OWN = ("lang", "audience", "as_of")
"""Parameters that stand beside ``notebook`` and ``stores``; all others go into ``parameters``."""
KNOWN = ("notebook", "stores", "parameters", *OWN)
TOP = ("name", "defaults", "reports")


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One report of a batch.

    Attributes:
        notebook: Name of a notebook of the kit, or path of one's own.
        store: The store's folder.
        parameters: Values by name.
    """

    notebook: str
    store: str
    parameters: Mapping[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """What it is known by, the same in every run: shop, notebook, parameters."""
        text = json.dumps(
            [self.notebook, self.store, self.parameters], sort_keys=True, ensure_ascii=False
        )
        digest = hashlib.sha256(text.encode()).hexdigest()[:8]
        return f"{slug(Path(self.store).name)}-{slug(Path(self.notebook).stem)}-{digest}"

    def words(self) -> str:
        """The report for people."""
        given = ", ".join(f"{name}={value}" for name, value in self.parameters.items())
        return f"{self.notebook} {self.store}" + (f" ({given})" if given else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The reports of a batch.

    Attributes:
        name: What the plan is called.
        tasks: The reports, each once.
    """

    name: str
    tasks: tuple[Task, ...]

    def part(self, number: int, of: int) -> Plan:
        """The reports of one machine of several: every so-many-th, as a plan of its own name.

        Args:
            number: Which machine, from 1.
            of: How many there are.

        Raises:
            ParameterError: There is no such part.
        """
        if not 1 <= number <= of:
            raise ParameterError(
                f"shard is {number}/{of}; it must lie between 1/{of} and {of}/{of}."
            )
        return Plan(name=f"{self.name}-{number}of{of}", tasks=self.tasks[number - 1 :: of])


def read_plan(file: Path) -> Plan:
    """Read a plan; stores are looked for from the file's folder.

    Raises:
        FileError: The file cannot be read or is no TOML.
        ParameterError: A key is unknown, or nothing is to be made.
    """
    try:
        held = tomllib.loads(file.read_text("utf-8-sig"))
    except (OSError, ValueError) as error:
        raise FileError(f"{file} cannot be read as a plan: {error}.") from error
    _known(held, TOP, str(file))
    defaults = held.get("defaults", {})
    _known(defaults, KNOWN, f"{file}, [defaults]")
    tasks: list[Task] = []
    for number, entry in enumerate(held.get("reports", ()), 1):
        where = f"{file}, [[reports]] {number}"
        _known(entry, KNOWN, where)
        both = {**defaults, **entry}
        both["parameters"] = {
            name: str(value) if isinstance(value, dt.date) else value
            for held in (defaults, entry)
            for name, value in _table(held.get("parameters", {}), where).items()
        }
        tasks += _tasks(both, file.parent, where)
    return _plan(str(held.get("name", file.stem)), tasks, str(file))


def matrix_plan(notebook: str, matrix: Mapping[str, Sequence[str]]) -> Plan:
    """Every combination of values, such as ``store=a,b`` and ``lang=zh,en``.

    Raises:
        ParameterError: No store is given.
    """
    if not matrix.get("store"):
        raise ParameterError("matrix has no store; write --matrix store=a,b.")
    names = [name for name in matrix if name != "store"]
    tasks = [
        Task(notebook=notebook, store=store, parameters=dict(zip(names, values, strict=True)))
        for pattern in matrix["store"]
        for store in _stores(pattern, Path())
        for values in itertools.product(*(matrix[name] for name in names))
    ]
    return _plan(Path(notebook).stem, tasks, "matrix")


def check_plan(plan: Plan) -> None:
    """Check every report before the first is made.

    Raises:
        ParameterError: Some cannot be made; each is named with its reason.
    """
    wrong: list[str] = []
    places: dict[Path, Task] = {}
    for task in plan.tasks:
        try:
            check = check_run(task.notebook, store=task.store, parameters=task.parameters)
        except EcopsError as error:
            wrong.append(f"{task.words()}: {error}")
            continue
        if (other := places.setdefault(check.folder, task)) != task:
            wrong.append(
                f"{task.words()}: would lie where {other.words()} lies; "
                "give each store a name of its own in its store.toml."
            )
    if wrong:
        head = f"{len(wrong)} of {len(plan.tasks)} reports cannot be made; nothing was run."
        raise ParameterError("\n".join([head, *wrong]))


def _plan(name: str, tasks: Iterable[Task], where: str) -> Plan:
    held = tuple({task.key: task for task in tasks}.values())
    if not held:
        raise ParameterError(f"{where} asks for no report; write [[reports]] with stores.")
    return Plan(name=slug(name), tasks=held)


def _tasks(entry: Mapping[str, Any], folder: Path, where: str) -> list[Task]:
    for name in ("notebook", "stores"):
        if not entry.get(name):
            raise ParameterError(f"{where} has no {name}; write it there or into [defaults].")
    choices = {name: _several(entry[name]) for name in OWN if name in entry}
    return [
        Task(
            notebook=notebook,
            store=store,
            parameters={**entry["parameters"], **dict(zip(choices, values, strict=True))},
        )
        for notebook in _several(entry["notebook"])
        for pattern in _several(entry["stores"])
        for store in _stores(pattern, folder)
        for values in itertools.product(*choices.values())
    ]


def _several(value: Any) -> list[str]:
    return [str(each) for each in value] if isinstance(value, list) else [str(value)]


def _stores(pattern: str, folder: Path) -> list[str]:
    """Folders of stores; a pattern stands for those that hold one."""
    if "*" not in pattern:
        return [str(folder / pattern)]
    whole = folder / pattern / "store.toml"
    root = Path(whole.anchor)
    found = sorted(str(file.parent) for file in root.glob(str(whole.relative_to(root))))
    if not found:
        raise ParameterError(f"stores {pattern!r} holds no store below {folder.resolve()}.")
    return found


def _table(held: object, where: str) -> Mapping[str, Any]:
    if not isinstance(held, Mapping):
        raise ParameterError(f"{where} has parameters = {held!r}; write a table of values.")
    return held


def _known(entry: object, names: Sequence[str], where: str) -> None:
    if not isinstance(entry, Mapping):
        raise ParameterError(f"{where} is no table; see the plan in the README.")
    for name in entry:
        if name not in names:
            hint = nearest(name, names) or "."
            raise ParameterError(f"{where} has {name!r}; it may have {listed(names)}{hint}")
