"""Sections of a page that may have nothing to show."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from ecops_lib.core.errors import MissingDataError
from ecops_lib.core.language import mark
from ecops_lib.core.results import Result

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, kw_only=True, eq=False)
class Unshown(Result):
    """A section that shows nothing, and why.

    Attributes:
        why: The reason, in the reader's language.
    """

    sheet: ClassVar[str] = mark("Not shown")

    why: str

    def absent(self) -> str:
        """Why nothing is shown."""
        return self.why

    def to_frame(self) -> pd.DataFrame:
        """An empty table."""
        import pandas as pd

        return pd.DataFrame()


def section(make: Callable[..., Result], *given: Any, **options: Any) -> Result:
    """A section of the page, or the sentence that says which data it lacks.

    Args:
        make: What makes the result.
        *given: What it is given by place.
        **options: What it is given by name.
    """
    try:
        return make(*given, **options)
    except MissingDataError as error:
        return Unshown(why=str(error))
