"""The demo shop as a store: raw exports, and what importing them made."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from ecops_lib.core.errors import StoreError
from ecops_lib.core.language import reader, tr
from ecops_lib.data.demo import write_demo
from ecops_lib.data.imports import ImportResult, import_files
from ecops_lib.data.store import create_store

SEED = 20261027
LOW_STOCK = 12
"""Units below which a SKU is low: most of the shop's sell less than one every other day."""


def make_demo_store(
    folder: str | Path, *, seed: int = SEED, progress: Callable[[str], None] | None = None
) -> ImportResult:
    """Write the demo shop's exports and import them; the folder appears when all is done.

    Args:
        folder: Gets ``exports/``, ``truths.json`` and the store; must not exist yet, or be
            empty.
        seed: All randomness comes from it, and the key that hashes the buyers.
        progress: Called with a sentence as each step begins.

    Returns:
        What the import recognised, cleaned and wrote.

    Raises:
        StoreError: The folder holds something already.
    """
    target = Path(folder)
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise StoreError(f"{target} is not empty; choose another folder for the demo shop.")
    making = target.with_name(f".{target.name}.making")
    shutil.rmtree(making, ignore_errors=True)
    say = progress or (lambda _: None)
    say(tr("Inventing 18 months of a shop …"))
    key = hashlib.sha256(f"ecops demo {seed}".encode()).digest()
    shop = write_demo(making, seed=seed)
    create_store(
        making,
        name=tr("Demo shop"),
        language=reader().language,
        key=key,
        thresholds={"low_stock": LOW_STOCK},
        tests=shop.tests,
        campaigns=shop.campaigns,
    )
    result = import_files([making / "exports"], store=making, progress=progress)
    if target.exists():
        target.rmdir()
    making.rename(target)
    return replace(result, store=str(target))
