"""Lift where nothing happened, and where it was planted: real series, many windows.

500 placebo windows, no two the same, drawn at random from Online Retail II (amount by day open
of twelve groups of products, by the first two digits of the stock code), FreshRetailNet (daily
sales by city and category) and New York taxi rides (by day in six bands of four hours). The
campaign is a week in which nothing was done, after 56 to 120 days, as many as there are; five
neighbouring groups are the controls. Then the same windows with +10 % and +20 % planted.

Printed: share of windows where an effect is claimed at .05 (bar 6.5 %), windows where interval
and p-value contradict each other (bar 0), share of planted lifts inside the interval (bar 93 to
97 %), power, median half width over what was to be expected, CPU. Windows of one source overlap
in time, so the brackets (binomial, 95 %) are a little too narrow.

Beside it, in the same run and on the same windows, any Python port of CausalImpact in an
environment of its own; ``_lift_peer.py`` says which there are and how each is told to fit. Ports
answer the first windows of each source, for they are slow; a window counts where all answered.
Their p-value is one tail of the posterior and their interval two-sided, so they can disagree.
A method that claims where nothing happened also claims more where something did: ``at equal`` is
the power of each if its intervals were stretched to claim 5 % of these windows without a lift.

    python benchmarks/lift_calibration.py [--windows N] [--data DIR]
        [--peer PYTHON]... [--peer-windows N] [--seed N]
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np
import pandas as pd
from scipy.stats import binomtest

from ecops_lib.campaigns.lift import LiftPanel, estimate_lift
from ecops_lib.campaigns.lift.panel import Floats

OURS = "ecops"
SEED = 20260611
LIFTS = (0.0, 0.1, 0.2)
LEVEL, BAR, COVER = 0.05, 0.065, (0.93, 0.97)
NEIGHBOURS = 5
LEAST, MOST = 56, 120
"""Days before a campaign: all there are between these."""


@dataclass(frozen=True, kw_only=True)
class Source:
    """Daily series of one source.

    Attributes:
        name: The source.
        values: Series × days.
        season: Days of a week.
        share: Of all windows.
        length: Days of a campaign.
    """

    name: str
    values: Floats
    season: int
    share: float
    length: int = 7


@dataclass(frozen=True, kw_only=True)
class Window:
    """A week of one series, and what was planted in it.

    Attributes:
        source: Name of the source.
        place: Number within the source.
        lift: Share planted.
        added: What that is in units.
        panel: The series.
    """

    source: str
    place: int
    lift: float
    added: float
    panel: LiftPanel


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a method says of a window; NaN where it refuses.

    Attributes:
        low: Low end of the effect's interval.
        high: High end.
        p_value: Its p-value.
        cpu: CPU time [s].
    """

    low: float
    high: float
    p_value: float
    cpu: float


def read_sources(data: Path) -> list[Source]:
    """The three sources as daily series."""
    retail, fresh, taxi = _retail(data), _fresh(data), _taxi(data)
    return [
        Source(name="online_retail_ii", values=retail, season=6, share=0.4),
        Source(name="freshretailnet", values=fresh, season=7, share=0.4),
        Source(name="nyc_taxi", values=taxi, season=7, share=0.2),
    ]


def _retail(data: Path) -> Floats:
    """Amount by day open and group; the second file's first days are in the first file too."""
    columns = ["StockCode", "Quantity", "Price", "InvoiceDate"]
    folder = data / "online_retail_ii"
    early, late = (
        pd.read_parquet(folder / f"year_{years}.parquet", columns=columns)
        for years in ("2009_2010", "2010_2011")
    )
    lines = pd.concat([early, late[late["InvoiceDate"] > early["InvoiceDate"].max()]])
    group = lines["StockCode"].astype(str).str.extract(r"^(\d\d)\d{3}")[0]
    kept = (lines["Quantity"] > 0) & (lines["Price"] > 0) & group.notna()
    lines, group = lines[kept], group[kept]
    amount = lines["Quantity"] * lines["Price"]
    sums = amount.groupby([group, lines["InvoiceDate"].dt.normalize()]).sum()
    grid = sums.unstack(fill_value=0)
    return grid.loc[group.value_counts().index[:12]].to_numpy(float)


def _fresh(data: Path) -> Floats:
    """Sales by day of the 48 largest pairs of city and category."""
    columns = ["city_id", "first_category_id", "dt", "sale_amount"]
    file = data / "freshretailnet" / "daily_all_50000_series.parquet"
    frame = pd.read_parquet(file, columns=columns)
    sums = frame.groupby(columns[:3])["sale_amount"].sum().unstack(fill_value=0)
    big = sums.mean(axis=1).sort_values(ascending=False).index[:48]
    return sums.loc[sorted(big)].to_numpy(float)


def _taxi(data: Path) -> Floats:
    """Rides by day in each of six bands of four hours."""
    frame = pd.read_parquet(data / "nab" / "series.parquet")
    rides = frame[frame["series"] == "realKnownCause/nyc_taxi"]
    at = pd.to_datetime(rides["timestamp"])
    sums = rides["value"].groupby([at.dt.hour // 4, at.dt.normalize()]).sum()
    return sums.unstack().iloc[:, 1:-1].to_numpy(float)


def windows_of(source: Source, count: int, rng: np.random.Generator) -> Iterator[LiftPanel]:
    """So many different windows of a source, with neighbouring series as controls."""
    series, days = source.values.shape
    starts = np.arange(LEAST, days - source.length + 1)
    for cell in rng.permutation(series * len(starts))[:count]:
        row, start = int(cell) // len(starts), int(starts[int(cell) % len(starts)])
        first = min(start, MOST)
        span = slice(start - first, start + source.length)
        near = np.abs(np.arange(series) - row)
        others = np.argsort(near, kind="stable")[1 : NEIGHBOURS + 1]
        yield LiftPanel(
            days=range(first + source.length),
            outcome=source.values[row, span],
            controls=source.values[others, span].T,
            names=tuple(f"series {k}" for k in others),
            first=first,
            last=first + source.length - 1,
            season=source.season,
        )


def plant(source: str, place: int, panel: LiftPanel, lift: float) -> Window:
    """The panel with a lift in its campaign."""
    outcome = panel.outcome.copy()
    added = outcome[panel.first : panel.last + 1] * lift
    outcome[panel.first : panel.last + 1] += added
    total = float(added.sum())
    held = panel.cut(outcome=outcome)
    return Window(source=source, place=place, lift=lift, added=total, panel=held)


def answer(window: Window) -> Answer:
    """What ``estimate_lift`` says by itself."""
    began = time.process_time()
    held = estimate_lift(window.panel, alpha=LEVEL)
    cpu = time.process_time() - began
    return Answer(low=held.low, high=held.high, p_value=held.p_value, cpu=cpu)


def ask_port(python: Path, windows: Sequence[Window]) -> tuple[str, list[Answer]]:
    """A port's name, and what it says of each window."""
    asked = [
        json.dumps({
            "outcome": window.panel.outcome.tolist(), "first": window.panel.first,
            "controls": window.panel.controls.T.tolist(), "season": window.panel.season,
        })
        for window in windows
    ]  # fmt: skip
    done = subprocess.run(
        [str(python), str(Path(__file__).with_name("_lift_peer.py"))],
        input="\n".join(asked), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        check=True,
    )  # fmt: skip
    head, *said = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    answers = []
    for told in said:
        low, high, p_value = told["found"] or [np.nan] * 3
        answers.append(Answer(low=low, high=high, p_value=p_value, cpu=told["cpu"]))
    return head["port"], answers


def tabulate(method: str, windows: Sequence[Window], answers: Sequence[Answer]) -> pd.DataFrame:
    """One row a window."""
    rows = []
    for window, said in zip(windows, answers, strict=True):
        actual = float(window.panel.actual.sum())
        middle, half = (said.low + said.high) / 2, (said.high - said.low) / 2
        claimed = said.low > 0 or said.high < 0
        rows.append({
            "source": window.source, "place": window.place, "method": method,
            "planted": window.lift, "told": not np.isnan(said.low), "claimed": claimed,
            "covered": said.low <= window.added <= said.high,
            "contradict": claimed != (said.p_value < LEVEL),
            "half width": half / (actual - middle), "CPU ms": 1000 * said.cpu,
            "reach": abs(middle) / half if half > 0 else 0.0,
        })  # fmt: skip
    return pd.DataFrame(rows)


def summarise(rows: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    """Shares among the windows that were not refused."""
    told = rows[rows["told"]].groupby(by)
    every = rows.groupby(by)
    return pd.DataFrame({
        "windows": every.size(),
        "refused": every["told"].apply(lambda flags: int((~flags).sum())),
        "claimed": told["claimed"].mean(),
        "covered": told["covered"].mean(),
        "contradict": told["contradict"].sum(),
        "half width": told["half width"].median(),
        "CPU ms": every["CPU ms"].mean(),
    }).reset_index()  # fmt: skip


def compare_ports(
    rows: pd.DataFrame, windows: Sequence[Window], ports: Sequence[Path]
) -> pd.DataFrame:
    """Every method on the windows that all have answered."""
    asked = {(window.source, window.place) for window in windows}
    pairs = rows[["source", "place"]].apply(tuple, axis=1)
    tables = [rows[pairs.isin(asked)]]
    for port in ports:
        name, said = ask_port(port, windows)
        tables.append(tabulate(name, windows, said))
    whole = pd.concat(tables, ignore_index=True)
    whole = whole[whole.groupby(["source", "place"])["told"].transform("all")]
    null = whole[whole["planted"] == 0].groupby("method")["reach"].quantile(1 - LEVEL)
    fair = whole["reach"] > whole["method"].map(null)
    equal = fair.groupby([whole["method"], whole["planted"]]).mean().rename("at equal")
    return summarise(whole, ["method", "planted"]).join(equal, on=["method", "planted"])


def show(title: str, table: pd.DataFrame) -> None:
    print(f"\n{title}\n{table.round(3).to_string(index=False, na_rep='-')}", flush=True)


def verdicts(rows: pd.DataFrame) -> dict[str, bool]:
    """Each bar in words, and whether it is met."""
    told = rows[rows["told"]]
    null = told.loc[told["planted"] == 0, "claimed"]
    ends = binomtest(int(null.sum()), len(null)).proportion_ci()
    lifted = told[told["planted"] > 0].groupby("planted")["covered"].mean()
    wrong = int(told["contradict"].sum())
    return {
        f"claims where nothing happened {null.mean():.3f} [{ends.low:.3f}, {ends.high:.3f}], "
        f"bar {BAR}": bool(null.mean() <= BAR),
        f"interval and p-value contradict each other in {wrong} of {len(told)}": wrong == 0,
        f"planted lifts inside {lifted.min():.3f} to {lifted.max():.3f}, bar {COVER}": bool(
            lifted.between(*COVER).all()
        ),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--windows", type=int, default=500, help="windows over all sources")
    parser.add_argument("--data", type=Path, default=Path(__file__).parents[2] / "shared" / "data")
    parser.add_argument("--peer", type=Path, action="append", default=[],
                        help="python of an environment with a port of CausalImpact")  # fmt: skip
    parser.add_argument("--peer-windows", type=int, default=100, help="windows that ports answer")
    parser.add_argument("--seed", type=int, default=SEED)
    given = parser.parse_args()
    if not given.data.is_dir():
        print(f"{given.data} is absent: no real series to read; name it with --data.")
        return 0
    rng = np.random.default_rng(given.seed)
    windows: list[Window] = []
    first: list[Window] = []
    for source in read_sources(given.data):
        panels = windows_of(source, round(given.windows * source.share), rng)
        made = [plant(source.name, k, p, x) for k, p in enumerate(panels) for x in LIFTS]
        windows += made
        first += [w for w in made if w.place < round(given.peer_windows * source.share)]
    rows = tabulate(OURS, windows, [answer(window) for window in windows])
    show("by source", summarise(rows, ["source", "planted"]))
    show("all", summarise(rows, ["planted"]))
    if given.peer:
        show("where every method answered", compare_ports(rows, first, given.peer))
    else:
        print("\nno port of CausalImpact beside it: name one's Python with --peer.")
    print()
    bars = verdicts(rows)
    for words, kept in bars.items():
        print(f"{words:78} {'PASS' if kept else 'MISS'}")
    return int(not all(bars.values()))


if __name__ == "__main__":
    sys.exit(main())
