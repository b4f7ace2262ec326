"""The store that files go into: the one that is there, or a new one made for them."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ecops_lib.core.errors import FileError, StoreError
from ecops_lib.core.language import reader
from ecops_lib.data.imports.formats import Recognised
from ecops_lib.data.store import Store, create_store, open_store

CURRENCY, TIME_ZONE = "CNY", "Asia/Shanghai"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a new store would be; None where nobody said."""

    name: str | None
    currency: str | None
    time_zone: str | None
    language: str | None

    @classmethod
    def of(
        cls,
        recognised: Sequence[Recognised],
        *,
        name: str | None,
        currency: str | None,
        time_zone: str | None,
        language: str | None,
    ) -> Wanted:
        """What was asked for, else what the files say.

        Raises:
            FileError: The files are in different currencies.
        """
        told = sorted({c for found in recognised if (c := found.told()[0])})
        if currency is None and len(told) > 1:
            raise FileError(
                f"the files are in {' and '.join(told)}; a store has one currency: import them "
                "apart."
            )
        zones = [zone for found in recognised if (zone := found.told()[1])]
        return cls(
            name=name,
            currency=currency or (told[0] if told else None),
            time_zone=time_zone or (zones[0] if zones else None),
            language=language,
        )


@contextmanager
def opened_store(folder: Path, wanted: Wanted, *, empty: bool) -> Iterator[tuple[Store, bool]]:
    """Open the store, or make it; a store made for files that are then refused goes again.

    Raises:
        StoreError: The store is not what the arguments ask for, or nothing would make it.
    """
    if (folder / "store.toml").exists() or empty:
        store = open_store(folder)
        _require_same(store, wanted)
        yield store, False
        return
    store, created = _made(folder, wanted)
    try:
        yield store, created
    except BaseException:
        if created and open_store(folder).snapshot.version == 0:
            _unmake(folder)
        raise


def _made(folder: Path, wanted: Wanted) -> tuple[Store, bool]:
    """Make the store; if another import makes it meanwhile, open that one."""
    from filelock import FileLock

    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / ".made"):
        if (folder / "store.toml").exists():
            return open_store(folder), False
        store = create_store(
            folder,
            name=wanted.name or folder.resolve().name,
            currency=wanted.currency or CURRENCY,
            time_zone=wanted.time_zone or TIME_ZONE,
            language=wanted.language or reader().language,
        )
        return store, True


def _unmake(folder: Path) -> None:
    for part in ("store.toml", "store.key", ".lock", ".made"):
        (folder / part).unlink(missing_ok=True)
    for part in ("snapshots", "tables", "quarantine"):
        shutil.rmtree(folder / part, ignore_errors=True)
    if not any(folder.iterdir()):
        folder.rmdir()


def _require_same(store: Store, wanted: Wanted) -> None:
    if wanted.currency and wanted.currency != store.settings.currency:
        raise StoreError(
            f"the store counts in {store.settings.currency}, but {wanted.currency} was asked "
            "for or "
            "is in the files; import them into a store of their own."
        )
