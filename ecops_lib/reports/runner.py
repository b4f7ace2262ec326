"""One run of a notebook: from a store to a page and what lies beside it.

    OUT/
      index.html                          all pages made so far
      <shop>/<notebook>/<day>-<language>/
        <notebook>.html  .xlsx  .ipynb    page, workbook, executed notebook
        findings.json  manifest.json

The folder of a run is made aside and moved into place when it is whole: whatever happens
in between, nobody sees half a page.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from ecops_lib.core.bundle import RESULT_MIME
from ecops_lib.core.checks import require_choice
from ecops_lib.core.errors import NotebookError, ParameterError
from ecops_lib.core.findings import RANK
from ecops_lib.core.formats import show
from ecops_lib.core.language import Language, reading, tr
from ecops_lib.data.calendar import day_words
from ecops_lib.data.calendar.periods import Period
from ecops_lib.data.coverage import last_whole_day, report_day
from ecops_lib.data.store import Store, open_store
from ecops_lib.reports.days import diary_of, period_of
from ecops_lib.reports.exporter import Audience, notebook_page
from ecops_lib.reports.kernel import CellError, SectionError, execute
from ecops_lib.reports.manifest import describe_run, findings_bytes, manifest_bytes
from ecops_lib.reports.notebooks import Notebook, node_bytes, open_notebook, prepared
from ecops_lib.reports.page import Provenance
from ecops_lib.reports.parameters import Value, bind_parameters
from ecops_lib.reports.publish import publish, scratch_folder, write_whole, writing_told
from ecops_lib.reports.workbook import workbook_bytes

if TYPE_CHECKING:
    from nbformat import NotebookNode

    from ecops_lib.reports.kernel import Managers, Progress

STANDARD = ("store", "period", "as_of", "lang", "audience")
"""Parameters with a meaning of their own; others make a folder of their own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunResult:
    """What a run made.

    Attributes:
        folder: Where everything lies.
        page: The HTML page.
        workbook: Its tables.
        notebook: The executed notebook.
        values: Every parameter with the value it ran with.
        day_chosen: Whether ``as_of`` was given; else it is the store's last whole day.
        findings: All findings of the page, as ``Finding.to_dict`` makes them.
    """

    folder: Path
    page: Path
    workbook: Path
    notebook: Path
    values: Mapping[str, Value]
    day_chosen: bool
    findings: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunCheck:
    """What a run would be made from.

    Attributes:
        version: Version of the store.
        notebook: Digest of the notebook's file.
        folder: Where it goes, below the folder of all reports.
        shop: Name of the shop.
        lang: Language of the page.
        title: Its question.
    """

    version: int
    notebook: str
    folder: Path
    shop: str
    lang: Language
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plan:
    """A run with every question answered."""

    notebook: Notebook
    store: Store
    values: Mapping[str, Value]
    lang: Language
    audience: Audience
    made_at: dt.datetime
    day_chosen: bool

    @property
    def day(self) -> str:
        return str(self.values.get("as_of", ""))

    @property
    def heading(self) -> str:
        """What the page is about, for the line above its question: shop, day, kind of day."""
        shop = self.store.settings
        if not self.day:
            return shop.name
        day = dt.date.fromisoformat(self.day)
        if "period" in self.values:
            return tr("{shop} · {period}", shop=shop.name, period=self._period(day).words())
        events = diary_of(self.store)
        return tr(
            "{shop} · {day} · {words}",
            shop=shop.name,
            day=show(day, "day"),
            words=day_words(day, country=shop.country, events=events),
        )

    def _period(self, day: dt.date) -> Period:
        return period_of(self.store, str(self.values["period"]), day)

    @property
    def _days(self) -> str:
        """The day or period in the name of the run's folder."""
        if "period" not in self.values or not self.day:
            return self.day
        held = self._period(dt.date.fromisoformat(self.day))
        return held.name if held.whole else f"{held.name}-{self.day}"

    @property
    def folder(self) -> Path:
        """Where the run's folder goes, below the folder of all reports."""
        own = {
            name: self.values[name]
            for name, parameter in self.notebook.parameters.items()
            if name not in STANDARD and self.values[name] != parameter.default
        }
        parts = [self._days, self.lang, "management" if self.audience == "management" else ""]
        if own:
            digest = hashlib.sha256(json.dumps(own, sort_keys=True).encode()).hexdigest()[:6]
            parts.append(f"{slug('-'.join(f'{k}-{v}' for k, v in own.items()))}-{digest}")
        name = "-".join(part for part in parts if part)
        return Path(slug(self.store.settings.name), self.notebook.name, name)


def run_notebook(
    notebook: str | Path,
    *,
    store: str | Path,
    out: str | Path,
    parameters: Mapping[str, object] | None = None,
    made_at: str | None = None,
    refresh: int = 0,
    progress: Progress | None = None,
    managers: Managers | None = None,
    cell_timeout: int | None = None,
) -> RunResult:
    """Run a notebook on a store and write its page and what lies beside it.

    Args:
        notebook: Name of one of the kit's notebooks, or path of one's own.
        store: The store's folder.
        out: Folder of all reports; its ``index.html`` lists them.
        parameters: Values by name, text as on the command line or of the declared type.
            ``lang`` is the store's language unless given, ``as_of`` the last whole day.
        made_at: Time stamp in ISO form to print instead of the present one; with the same
            data and the same stamp every file has the same bytes.
        refresh: Seconds after which an open page loads itself again; 0 for never.
        progress: Called with the cells begun and all cells.
        managers: Makes the class of the kernel's manager (see ``kernel.execute``).
        cell_timeout: Seconds that a cell may take; None for any.

    Raises:
        NotebookError: The notebook is unknown or ill-formed, one of its cells failed (what
            ran is kept in ``out/failed``), or the files cannot be written.
        ParameterError: A parameter is unknown or has an impossible value.
        StoreError: The folder is no store.
        MissingDataError: The store does not reach the day asked for.
    """
    plan = _plan(notebook, store, dict(parameters or {}), made_at)
    with writing_told(Path(out)), scratch_folder(Path(out)) as scratch:
        node = _executed(
            plan, Path(out), progress=progress, managers=managers, cell_timeout=cell_timeout
        )
        if open_store(store).snapshot.version != plan.store.snapshot.version:
            raise NotebookError(
                f"new files were imported into {store} while {plan.notebook.name} ran; "
                "run it again to have one state of the data on the page."
            )
        bundles = collect_bundles(node)
        findings = distinct_findings(bundles)
        for name, content in _files(plan, node, bundles, findings, refresh).items():
            write_whole(scratch / name, content)
        folder = publish(scratch, Path(out), plan.folder, lang=plan.lang)
    return RunResult(
        folder=folder,
        page=folder / f"{plan.notebook.name}.html",
        workbook=folder / f"{plan.notebook.name}.xlsx",
        notebook=folder / f"{plan.notebook.name}.ipynb",
        values=plan.values,
        day_chosen=plan.day_chosen,
        findings=findings,
    )


def check_run(
    notebook: str | Path, *, store: str | Path, parameters: Mapping[str, object]
) -> RunCheck:
    """Check that a notebook could be run, and say on what.

    Raises:
        NotebookError: The notebook is unknown or ill-formed.
        ParameterError: A parameter is unknown or has an impossible value.
        StoreError: The folder is no store.
        MissingDataError: The store does not reach the day asked for.
    """
    plan = _plan(notebook, store, dict(parameters), None)
    return RunCheck(
        version=plan.store.snapshot.version,
        notebook=hashlib.sha256(plan.notebook.path.read_bytes()).hexdigest(),
        folder=plan.folder,
        shop=plan.store.settings.name,
        lang=plan.lang,
        title=plan.notebook.title(plan.lang),
    )


def _plan(
    notebook: str | Path, store: str | Path, given: dict[str, object], made_at: str | None
) -> _Plan:
    opened, shop = open_notebook(notebook), open_store(store)
    stamp = _stamp(made_at, shop)
    asked = {"store": str(store), "lang": shop.settings.language, **given}
    values = bind_parameters(opened.parameters, asked, notebook=opened.name, today=stamp.date())
    for name, choices in {"lang": Language, "audience": Audience}.items():
        if name in values:
            require_choice(str(values[name]), choices, name=name)
    chosen = bool(values.get("as_of"))
    if "as_of" in values:
        values["as_of"] = report_day(shop, str(values["as_of"])).isoformat()
    if "period" in values:
        period = period_of(shop, str(values["period"]), dt.date.fromisoformat(str(values["as_of"])))
        values |= {"period": period.name, "as_of": period.last.isoformat()}
    return _Plan(
        notebook=opened,
        store=shop,
        values=values,
        lang=cast("Language", values["lang"]),
        audience=cast("Audience", values.get("audience", "analyst")),
        made_at=stamp,
        day_chosen=chosen,
    )


def _stamp(made_at: str | None, shop: Store) -> dt.datetime:
    if made_at is None:
        return dt.datetime.now(shop.zone).replace(microsecond=0)
    try:
        stamp = dt.datetime.fromisoformat(made_at)
    except ValueError:
        raise ParameterError(
            f"made_at is {made_at!r}; it must be a time such as '2026-11-12T09:00'."
        ) from None
    return stamp if stamp.tzinfo else stamp.replace(tzinfo=shop.zone)


def _executed(plan: _Plan, out: Path, **options: Any) -> NotebookNode:
    """The executed notebook; what a failed one holds is kept for analysts."""
    try:
        return execute(prepared(plan.notebook, plan.values), **options)
    except CellError as error:
        shop = plan.folder.parts[0]
        kept = out / "failed" / f"{shop}-{plan.notebook.name}-{plan.folder.name}.ipynb"
        kept.parent.mkdir(exist_ok=True)
        write_whole(kept, node_bytes(error.node))
        section = plan.notebook.section(error.place, plan.lang)
        name = plan.notebook.name
        raise SectionError(error, notebook=name, section=section, kept=kept) from error


def collect_bundles(node: NotebookNode) -> list[Mapping[str, Any]]:
    """The results that an executed notebook shows, as plain values, in order."""
    outputs = (output for cell in node.cells for output in cell.get("outputs", ()))
    return [output.data[RESULT_MIME] for output in outputs if RESULT_MIME in output.get("data", {})]


def distinct_findings(bundles: Iterable[Mapping[str, Any]]) -> tuple[Mapping[str, Any], ...]:
    """All findings, worst first, each key once: a page's summary repeats its sections."""
    found: dict[str, Mapping[str, Any]] = {}
    for bundle in bundles:
        for finding in bundle["findings"]:
            found.setdefault(finding["key"], finding)
    return tuple(
        sorted(found.values(), key=lambda f: (RANK[f["level"]], -(f["money"] or 0.0), f["key"]))
    )


def _files(
    plan: _Plan,
    node: NotebookNode,
    bundles: list[Mapping[str, Any]],
    findings: tuple[Mapping[str, Any], ...],
    refresh: int,
) -> dict[str, bytes]:
    """Every file of the run's folder by name."""
    name, title = plan.notebook.name, plan.notebook.title(plan.lang)
    run = describe_run(
        plan.store,
        notebook=plan.notebook.path,
        parameters=plan.values,
        made_at=plan.made_at,
        day_chosen=plan.day_chosen,
    )
    with reading(plan.lang, plan.store.settings.currency):
        page = notebook_page(
            node,
            title=plan.heading,
            lang=plan.lang,
            audience=plan.audience,
            provenance=_provenance(run, plan),
            refresh=refresh,
        )
        book = workbook_bytes(bundles, findings, title=title, made_at=plan.made_at)
    files = {
        f"{name}.html": page.encode("utf-8", "replace"),
        f"{name}.ipynb": node_bytes(node),
        f"{name}.xlsx": book,
        "findings.json": findings_bytes(
            findings, bundles, as_of=plan.day, language=plan.lang, notebook=name
        ),
    }
    report = {
        "page": f"{name}.html",
        "title": f"{plan.store.settings.name} · {title}",
        "day": plan.day,
        "lang": plan.lang,
        "audience": plan.audience,
        "made_at": f"{plan.made_at:%Y-%m-%d %H:%M}",
        "levels": dict(Counter(finding["level"] for finding in findings)),
        "headline": findings[0]["text"] if findings else "",
    }
    return {**files, "manifest.json": manifest_bytes({"report": report, **run}, files)}


def _provenance(run: Mapping[str, Any], plan: _Plan) -> Provenance:
    """The end of the page, in the reader's language."""
    bases = {
        tr("shop"): plan.store.settings.name,
        tr("day"): _day_words(plan),
        tr("currency"): run["bases"]["currency"],
        tr("time zone"): run["bases"]["time_zone"],
        tr("version of the store"): str(run["store"]["version"]),
    }
    return Provenance(
        parameters=plan.values,
        files=run["store"]["files"],
        bases={name: text for name, text in bases.items() if text},
        versions=run["versions"],
        made_at=f"{plan.made_at:%Y-%m-%d %H:%M}",
    )


def _day_words(plan: _Plan) -> str:
    if not plan.day:
        return ""
    if not plan.day_chosen:
        return tr("{day}, the last whole day in the store", day=plan.day)
    last = last_whole_day(plan.store).isoformat()
    if plan.day > last:
        return tr(
            "{day}, which may not be whole: the last whole day is {last}", day=plan.day, last=last
        )
    return tr("{day}, as asked", day=plan.day)


def slug(text: str) -> str:
    """Text as a name of a folder: letters of any script, digits, ``_``, ``.`` and ``-``.

    >>> slug("A/B 店铺: x")
    'A-B-店铺-x'
    """
    return re.sub(r"[^\w.]+", "-", text).strip("-.")[:60] or "shop"
