"""A page in Chromium: nothing is asked for, nothing runs, nothing overflows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from ecops_lib.core.cards import Card, Change, cards_html
from ecops_lib.core.charts import bar_chart, funnel_chart, line_chart, waterfall_chart
from ecops_lib.core.findings import Action, Finding, findings_html
from ecops_lib.core.tables import table_html
from ecops_lib.reports.exporter import notebook_page
from ecops_lib.reports.page import Provenance

pytestmark = pytest.mark.browser

PROBE = (
    "<script>document.title='ran';alert(1)</script>"
    "<img src=http://example.org/x.png onerror=\"document.title='ran'\">"
    '"><svg onload="document.title=\'ran\'">'
)
NAME = "【加厚保暖】2026新款长款羽绒服女冬季过膝连帽大毛领" * 2


def results() -> list[str]:
    """Every kind of thing that stands on a page, with hostile and very long names."""
    days = pd.DataFrame({"day": pd.date_range("2026-09-01", periods=80), "value": np.arange(80.0)})
    names = pd.DataFrame({"name": [PROBE, NAME, "A" * 200], "value": [3.0, -2.0, 1.0]})
    table = names.assign(**{f"figure_{place}": 1234567.89 for place in range(9)})
    finding = Finding(
        key="k",
        level="bad",
        text=PROBE + NAME + "9" * 120,
        money=1e9,
        action=Action(text=NAME, owner=PROBE),
    )
    card = Card(
        name=PROBE, value=123456789.12, unit="money", better="up",
        changes=[Change(against=NAME, value=0.5)],
    )  # fmt: skip
    absent = Card(name="a", value=None, unit="count", absent=PROBE + NAME)
    waterfall = waterfall_chart(
        names, caption=NAME, unit="money", start=(PROBE, 10.0), end=(NAME, 12.0)
    )
    charts = [
        line_chart(days, caption=PROBE, unit="money", labels={"value": NAME}),
        bar_chart(names, caption="bars", unit="money", better="up"),
        waterfall,
        funnel_chart(names.assign(value=[9.0, 4.0, 1.0]), caption="funnel"),
    ]
    units: Any = dict.fromkeys(table.columns[1:], "money")
    return [
        findings_html([finding]),
        cards_html({NAME: [card, absent, card]}),
        table_html(table, units=units, labels={"name": PROBE}, caption=NAME),
        table_html(pd.concat([table] * 12), units=units, labels={}),
        *(chart._repr_html_() for chart in charts),
    ]


def page(audience: Any = "analyst") -> str:
    cells = [new_markdown_cell(f"# {NAME}\n\n{PROBE}", metadata={"lang": "zh"})]
    for place, html in enumerate(results()):
        ours = new_output("display_data", data={"text/html": html}, metadata={"ecops": "R"})
        alien = new_output("display_data", data={"text/html": PROBE})
        cells += [
            new_markdown_cell(f"## {place} {NAME}\n\n{PROBE}"),
            new_code_cell(f"x = '{NAME}{PROBE}'", outputs=[ours, alien]),
        ]
    cells.append(new_code_cell("p", outputs=[new_output("stream", text="w" * 900 + PROBE)]))
    provenance = Provenance(
        parameters={"store": "/".join(["a" * 40] * 6)},
        files=[{"file": NAME + ".csv", "rows": 1, "sha256": "0" * 64}],
        made_at="2026-11-22 10:00",
    )
    return notebook_page(
        new_notebook(cells=cells), title=PROBE, lang="zh", audience=audience, provenance=provenance
    )


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("page") / "page.html"
    path.write_text(page(), "utf-8")
    return path


class Opened:
    """An opened page and all that happened while it opened."""

    def __init__(self, browser: Any, file: Path, *, width: int = 1280, scheme: str = "light"):
        self.tab = browser.new_page(viewport={"width": width, "height": 844}, color_scheme=scheme)
        self.requests: list[str] = []
        self.dialogs: list[str] = []
        self.tab.on("request", lambda request: self.requests.append(request.url))
        self.tab.on("dialog", lambda dialog: (self.dialogs.append("dialog"), dialog.dismiss()))
        self.tab.goto(file.as_uri())
        self.tab.wait_for_timeout(100)

    def ask(self, script: str) -> Any:
        return self.tab.evaluate(script)


def test_nothing_is_asked_for_but_the_file_itself(browser: Any, file: Path) -> None:
    opened = Opened(browser, file)
    assert [url for url in opened.requests if not url.startswith("data:")] == [file.as_uri()]


def test_nothing_from_data_runs(browser: Any, file: Path) -> None:
    opened = Opened(browser, file)
    assert opened.dialogs == []
    assert opened.ask("document.title") != "ran"
    assert opened.ask("document.scripts.length") == 0
    assert opened.ask("document.querySelectorAll('[onload],[onerror],iframe,object').length") == 0


def test_a_script_would_be_refused_even_if_one_slipped_in(browser: Any, tmp_path: Path) -> None:
    file = tmp_path / "page.html"
    file.write_text(
        page().replace("</main>", "<script>document.title='ran'</script></main>"), "utf-8"
    )
    assert Opened(browser, file).ask("document.title") != "ran"


OVERFLOWING = """
() => [...document.querySelectorAll('main *')].filter(e => {
  const box = e.getBoundingClientRect();
  return box.width && box.right > innerWidth + 1 && !e.closest('.ec-scroll, pre');
}).map(e => e.outerHTML.slice(0, 120))
"""


@pytest.mark.parametrize("width", [390, 600, 820, 1100, 1400])
def test_the_page_never_scrolls_sideways(browser: Any, file: Path, width: int) -> None:
    opened = Opened(browser, file, width=width)
    opened.ask("document.querySelectorAll('details').forEach(d => d.open = true)")
    assert opened.ask(f"({OVERFLOWING})()") == []
    assert opened.ask("document.documentElement.scrollWidth") == width


def test_every_picture_says_what_it_shows(browser: Any, file: Path) -> None:
    opened = Opened(browser, file)
    count = opened.ask("document.querySelectorAll('img, svg').length")
    named = (
        "[...document.querySelectorAll('img, svg')].filter(e => e.alt || (e.ariaLabel && e.role))"
    )
    assert count == 8
    assert opened.ask(f"{named}.length") == count


@pytest.mark.parametrize(("width", "size"), [(390, "ec-small"), (1280, "ec-large")])
def test_one_form_of_each_chart_is_shown(browser: Any, file: Path, width: int, size: str) -> None:
    opened = Opened(browser, file, width=width)
    shown = (
        "[...document.querySelectorAll('figure svg')].filter(e => e.getBoundingClientRect().width)"
    )
    assert opened.ask(f"{shown}.map(e => e.classList.value)") == [size] * 4


INKS = """
[getComputedStyle(document.documentElement).backgroundColor,
 getComputedStyle(document.querySelector('h1')).color,
 getComputedStyle(document.querySelector('.ec-large text')).fill]
"""


def lightness(colour: str) -> float:
    return sum(map(float, colour.removeprefix("rgb(").removesuffix(")").split(","))) / 765


def test_dark_mode_turns_paper_and_ink_and_charts(browser: Any, file: Path) -> None:
    paper, ink, chart = map(lightness, Opened(browser, file, scheme="light").ask(INKS))
    assert paper > 0.9
    assert max(ink, chart) < 0.5
    paper, ink, chart = map(lightness, Opened(browser, file, scheme="dark").ask(INKS))
    assert paper < 0.15
    assert min(ink, chart) > 0.5


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_print_is_on_white_without_code_or_contents(browser: Any, file: Path, scheme: str) -> None:
    opened = Opened(browser, file, width=700, scheme=scheme)
    opened.tab.emulate_media(media="print", color_scheme=scheme)
    paper, ink, _ = map(lightness, opened.ask(INKS))
    assert paper == 1
    assert ink < 0.5
    visible = "e => e.getBoundingClientRect().width > 0"
    hidden = "[...document.querySelectorAll('.pg-code, nav')]"
    assert opened.ask(f"{hidden}.some({visible})") is False
    cut = "e => e.scrollWidth > e.clientWidth + 1 || e.scrollHeight > e.clientHeight + 1"
    boxes = "[...document.querySelectorAll('.ec-scroll')]"
    assert (
        opened.ask(f"{boxes}.filter(e => getComputedStyle(e).overflow !== 'visible').length") == 0
    )
    assert opened.ask(f"{boxes}.filter({cut}).length") == 0
    assert opened.tab.pdf(prefer_css_page_size=True).startswith(b"%PDF")


def test_the_contents_lead_to_the_sections(browser: Any, file: Path) -> None:
    opened = Opened(browser, file, width=1400)
    links = opened.ask(
        "[...document.querySelectorAll('.pg-side a')].map(a => a.getAttribute('href'))"
    )
    assert len(links) == len(set(links)) == 9
    assert all(opened.ask(f"!!document.getElementById({link[1:]!r})") for link in links)


def test_the_head_of_a_tall_table_stays_in_sight(browser: Any, file: Path) -> None:
    opened = Opened(browser, file)
    moved = (
        "(() => { const b = document.querySelector('.ec-tall'); b.scrollTop = 400; "
        "return [b.scrollTop, b.querySelector('th').getBoundingClientRect().top - "
        "b.getBoundingClientRect().top]; })()"
    )
    scrolled, gap = opened.ask(moved)
    assert scrolled == 400
    assert 0 <= gap < 60
