"""How a value shows itself: the same HTML in JupyterLab and on a page."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

MARK = "ecops"
"""Key of an output's metadata that says: this HTML was written by a value of ours."""

STYLE = Path(__file__).with_name("results.css")


@cache
def result_style() -> str:
    """The style sheet that tables, findings, cards and charts share."""
    return STYLE.read_text("utf-8")


class Shown:
    """Base of all that shows itself as HTML in which whatever comes from data is escaped.

    A page trusts the HTML of an output only if the output carries ``MARK``, and nothing
    but the kernel writes an output's metadata: text from data cannot forge it.
    """

    def _repr_html_(self) -> str:
        raise NotImplementedError(f"{type(self).__name__} does not show itself.")

    def _repr_mimebundle_(self, **_: object) -> tuple[dict[str, Any], dict[str, str]]:
        html = f"<style>{result_style()}</style>{self._repr_html_()}"
        return {"text/html": html, "text/plain": str(self)}, {MARK: type(self).__name__}
