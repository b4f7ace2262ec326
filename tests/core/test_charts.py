"""Charts: what they say, what they refuse, and that their bytes are safe and the same."""

from __future__ import annotations

import datetime as dt
import hashlib
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ecops_lib.core import fonts
from ecops_lib.core.charts import (
    Chart,
    bar_chart,
    funnel_chart,
    interval_chart,
    line_chart,
    waterfall_chart,
)
from ecops_lib.core.display import result_style
from ecops_lib.core.errors import ColumnError, EcopsError
from ecops_lib.core.language import reading
from ecops_lib.core.svg import COLOURS

HOSTILE = '<script>alert("x")</script> $x^2$ & 羽绒服 🧥\nline'


def daily(days: int = 30) -> pd.DataFrame:
    start = pd.Timestamp("2026-11-01")
    value = 1000.0 + 10 * np.arange(days)
    return pd.DataFrame(
        {
            "day": pd.date_range(start, periods=days),
            "value": value,
            "last": value * 0.9,
            "low": value - 50,
            "high": value + 50,
        }
    )


def line(frame: pd.DataFrame) -> Chart:
    return line_chart(
        frame,
        caption="Paid",
        unit="money",
        labels={"value": "this year", "last": "last year", "low": "expected"},
        compare="last",
        band=("low", "high"),
        marked={dt.date(2026, 11, 11): "11.11"},
    )


def bars(names: list[str], values: list[float], **keywords: object) -> Chart:
    frame = pd.DataFrame({"name": names, "value": values})
    return bar_chart(frame, caption="Bars", unit="count", **keywords)


def split(end: float) -> Chart:
    steps = pd.DataFrame({"name": ["visitors", "conversion"], "value": [50.0, -20.0]})
    return waterfall_chart(
        steps, caption="Why", unit="money", start=("before", 100.0), end=("after", end)
    )


CHARTS = {
    "line": lambda: line(daily()),
    "bar": lambda: bars([HOSTILE, "b"], [5, -3], better="up"),
    "waterfall": lambda: split(130.0),
    "funnel": lambda: funnel_chart(
        pd.DataFrame({"name": ["visits", HOSTILE], "value": [200, 50]}), caption="F"
    ),
}


def drawings(chart: Chart) -> list[ET.Element]:
    return [ET.fromstring(part + "</svg>") for part in chart.svg.split("</svg>")[:-1]]


def texts(chart: Chart, size: int = 0) -> list[str]:
    return [element.text or "" for element in drawings(chart)[size].iter("text")]


@pytest.mark.parametrize("kind", CHARTS)
def test_every_chart_is_small_well_formed_and_says_what_it_shows(kind: str) -> None:
    chart = CHARTS[kind]()
    large, small = drawings(chart)
    assert len(chart.svg.encode()) < 60_000
    assert [large.get("class"), small.get("class")] == ["ec-large", "ec-small"]
    for drawing in (large, small):
        assert drawing.get("role") == "img"
        assert drawing.get("aria-label") == chart.alt
        assert not drawing.get("width")
        assert drawing.get("viewBox")
        assert {e.tag for e in drawing.iter()} <= {"svg", "path", "text"}
        assert all("id" not in e.attrib for e in drawing.iter())


@pytest.mark.parametrize("kind", CHARTS)
def test_two_drawings_of_the_same_numbers_have_the_same_bytes(kind: str) -> None:
    assert CHARTS[kind]().svg == CHARTS[kind]().svg


def test_bytes_are_the_same_in_another_process() -> None:
    code = (
        "import sys; sys.path.insert(0, 'tests/core'); import test_charts as t, hashlib; "
        "print(hashlib.sha256(''.join(f().svg for f in t.CHARTS.values()).encode()).hexdigest())"
    )
    root = Path(__file__).parents[2]
    other = subprocess.run(
        [sys.executable, "-c", code], cwd=root, check=True, capture_output=True, text=True
    ).stdout
    mine = hashlib.sha256("".join(make().svg for make in CHARTS.values()).encode()).hexdigest()
    assert other.strip() == mine


def test_words_stay_text_and_hostile_names_are_escaped() -> None:
    chart = bars([HOSTILE, "羽绒服"], [5, 3])
    assert "羽绒服" in texts(chart)
    assert "<script" not in chart._repr_html_()
    assert any('<script>alert("x")' in text for text in texts(chart))


def test_long_names_are_cut_on_the_page_but_whole_in_the_words() -> None:
    name = "加厚保暖长款羽绒服女冬季过膝连帽" * 6
    chart = bars([name], [1])
    assert name in chart.alt
    assert not any(name == text for text in texts(chart))
    assert any(text.endswith("…") and len(text) > 8 for text in texts(chart))


def test_every_colour_follows_the_page() -> None:
    for make in CHARTS.values():
        svg = make().svg
        assert "var(--ec-" in svg
        assert not re.findall(r"(?<!,)#[0-9a-fA-F]{6}", svg)


def test_style_sheet_holds_the_charts_colours() -> None:
    light = result_style().split("@media")[0]
    held = dict(re.findall(r"--ec-([a-z0-9-]+):(#[0-9a-f]{6})", light))
    assert {name: held.get(name) for name in COLOURS} == dict(COLOURS)


def contrast(one: str, other: str) -> float:
    def light(colour: str) -> float:
        parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
        linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    high, low = sorted((light(one), light(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_colours_contrast_with_the_paper_as_wcag_asks(scheme: int) -> None:
    block = result_style().split("@media")[scheme]
    held = dict(re.findall(r"--ec-([a-z0-9-]+):(#[0-9a-f]{6})", block))
    inks = ["ink", "soft", "good-ink", "bad-ink", "watch-ink", "info-ink"]
    for paper in (held["paper"], held["card"]):
        assert {
            n: round(contrast(held[n], paper), 1) for n in inks if contrast(held[n], paper) < 4.5
        } == {}
        drawn = ["1", "2", "3", "4", "5", "good", "bad"]
        assert {n: 1 for n in drawn if contrast(held[n], paper) < 3} == {}


def test_a_line_is_told_in_one_sentence_from_its_numbers() -> None:
    frame = daily(3).assign(value=[5.0, 9.0, 7.0])
    assert line(frame).alt == (
        "Paid. Lowest ¥5.00 on 2026-11-01, highest ¥9.00 on 2026-11-02, ¥7.00 on 2026-11-03."
    )
    turned = frame.assign(value=[9.0, 5.0, 7.0])
    assert "Lowest ¥5.00 on 2026-11-02, highest ¥9.00 on 2026-11-01" in line(turned).alt
    with reading("zh"):
        assert "最低 ¥5.00（2026-11-01）" in line(frame).alt


def strokes(chart: Chart) -> int:
    return chart.svg.count("stroke-width:2.2")


def test_a_missing_day_is_a_gap_in_the_line() -> None:
    frame = daily(9)
    whole = strokes(line(frame))
    frame.loc[4, "value"] = np.nan
    assert strokes(line(frame)) == whole + 2


def test_axis_numbers_are_those_of_the_formatter() -> None:
    shown = texts(line(daily()))
    assert {"¥0", "¥500", "¥1K", "¥1.5K"} <= set(shown)
    with reading("zh"):
        assert "¥2万" in texts(line(daily().assign(value=2e4, low=2e4, high=2e4)))


def test_last_day_is_on_the_axis_and_marked_days_carry_their_word() -> None:
    for size in (0, 1):
        assert {"11-30", "11.11"} <= set(texts(line(daily()), size))


def test_words_of_neighbouring_days_do_not_meet() -> None:
    marked = {dt.date(2026, 11, 10): "预售尾款开始支付", dt.date(2026, 11, 11): "双11正式爆发日"}
    chart = line_chart(daily(), caption="C", unit="count", labels={"value": "v"}, marked=marked)
    places = {e.text: float(e.get("y", 0)) for e in drawings(chart)[0].iter("text")}
    first, second = (places[text] for text in marked.values())
    assert abs(first - second) >= 14


def test_a_line_without_any_value_is_refused() -> None:
    with pytest.raises(EcopsError, match="column 'value' has no value on any day"):
        line(daily().assign(value=np.nan))
    with pytest.raises(ColumnError, match="frame has no column 'value'"):
        line(daily().drop(columns="value"))


def test_one_day_and_a_flat_line_are_drawn() -> None:
    assert "11-01" in texts(line(daily(1)))
    flat = daily().assign(value=0.0, last=0.0, low=0.0, high=0.0)
    assert "¥0" in texts(line(flat))


def fills(chart: Chart) -> list[str]:
    return re.findall(r"fill:var\(--ec-(good|bad|1),", chart.svg.split("</svg>")[0])


def test_changes_are_coloured_by_what_is_good() -> None:
    assert fills(bars(["a", "b"], [5, -3], better="up")) == ["good", "bad"]
    assert fills(bars(["a", "b"], [5, -3], better="down")) == ["bad", "good"]
    assert fills(bars(["a", "b"], [5, 3])) == ["1", "1"]
    assert {"+5", "-3"} <= set(texts(bars(["a", "b"], [5, -3], better="up")))


def test_lengths_of_bars_are_in_proportion() -> None:
    svg = bars(["a", "b"], [400, 100]).svg.split("</svg>")[0]
    widths = []
    for d in re.findall(r'<path d="([^"]+)" style="fill:var\(--ec-1,', svg):
        x = [float(n) for n in re.findall(r"[ML](-?[\d.]+) ", d)]
        widths.append(max(x) - min(x))
    assert widths[0] / widths[1] == pytest.approx(4, rel=0.01)


def test_bars_without_rows_or_values_are_refused() -> None:
    with pytest.raises(EcopsError, match="no row to draw"):
        bars([], [])
    with pytest.raises(EcopsError, match="'value' of 'b' is missing"):
        bars(["a", "b"], [1, np.nan])


def test_parts_of_a_change_must_add_up() -> None:
    assert {"¥100.00", "+¥50.00", "-¥20.00", "¥130.00"} <= set(texts(split(130.0)))
    with pytest.raises(EcopsError, match="lead from 100 to 130, but end is 131"):
        split(131.0)
    with pytest.raises(EcopsError, match="end is nan"):
        split(np.nan)


def test_a_stage_of_a_funnel_is_a_share_of_the_stage_before() -> None:
    frame = pd.DataFrame({"name": ["visits", "carts", "buyers"], "value": [200, 50, 10]})
    shown = texts(funnel_chart(frame, caption="F"))
    assert "50, 25.00% of the stage before" in shown
    assert "10, 20.00% of the stage before" in shown
    empty = funnel_chart(frame.assign(value=[0, 0, 0]), caption="F")
    assert "of the stage before" not in empty.svg


def test_drawing_leaves_nothing_behind() -> None:
    import matplotlib as mpl
    from matplotlib import pyplot

    before = dict(mpl.rcParams)
    line(daily())
    assert dict(mpl.rcParams) == before
    assert pyplot.get_fignums() == []


def test_a_picture_without_chinese_needs_no_chinese_font(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fonts, "CHINESE", ())
    bars(["a 🧥"], [1]).to_png(tmp_path / "a.png")
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")


def test_a_chinese_picture_without_a_font_names_the_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fonts, "CHINESE", ())
    with pytest.raises(EcopsError, match="fonts-noto-cjk"):
        bars(["羽绒服"], [1]).to_png(tmp_path / "a.png")
    assert not (tmp_path / "a.png").exists()


def test_a_chinese_picture_is_drawn_where_a_font_is_installed(tmp_path: Path) -> None:
    chart = bars([HOSTILE], [1])
    try:
        fonts.find_font("羽绒服")
    except EcopsError:
        pytest.skip("no Chinese font on this machine")
    chart.to_png(tmp_path / "a.png")
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")


def estimates(**columns: list[float]) -> pd.DataFrame:
    held = {"name": ["a", "<b>"], "value": [0.1, -0.2], "low": [0.05, -0.6], "high": [0.2, 0.1]}
    return pd.DataFrame({**held, **columns})


def test_intervals_say_their_estimates_and_limits() -> None:
    with reading("en"):
        chart = interval_chart(estimates(), caption="Effects", unit="share", better=["up", "down"])
    assert chart.alt == (
        "Effects. a: +10.00% (+5.00% to +20.00%); <b>: -20.00% (-60.00% to +10.00%)."
    )
    assert "<b>" not in chart.svg
    assert COLOURS["good"] in chart.svg
    assert COLOURS["bad"] not in chart.svg


def test_an_interval_on_the_bad_side_is_bad_news() -> None:
    frame = estimates(high=[0.2, -0.1])
    with reading("en"):
        worse = interval_chart(frame, caption="E", unit="share", better=["down", "up"])
    assert COLOURS["bad"] in worse.svg
    assert COLOURS["good"] not in worse.svg


def test_limits_without_end_run_to_the_edge() -> None:
    frame = estimates(high=[float("inf"), float("nan")], low=[float("-inf"), float("nan")])
    with reading("en"):
        chart = interval_chart(frame, caption="E", unit="share", better=["up", "up"])
    assert "(— to —)" in chart.alt
    assert "nan" not in chart.svg
    assert "inf" not in chart.svg


def test_no_estimate_is_no_chart() -> None:
    with pytest.raises(EcopsError, match="leave the chart out"):
        interval_chart(
            estimates(value=[float("nan")] * 2), caption="E", unit="share", better=["up", "up"]
        )


def test_a_line_over_times_of_day_tells_the_time() -> None:
    frame = pd.DataFrame(
        {"at": pd.date_range("2026-10-26 00:00", periods=5, freq="12h"), "value": range(5)}
    )
    chart = line_chart(frame, caption="Paid", unit="count", labels={"value": "Paid"}, day="at")
    assert "4 on 2026-10-28 00:00." in chart.alt
    assert "10-28 00:00" in chart.svg
