"""Attribution of hundreds of thousands of paths, beside ChannelAttribution.

Paths are those of ChannelAttribution's own example (10,000 of them, 19,785 conversions),
repeated; where that folder is absent, random paths of twelve channels. Each task is timed as
CPU seconds of one process: the rules (first, last, linear), the removal effect of order 1, 2
and 3 (ecops solves the chain; ChannelAttribution draws walks until an estimate of its error
falls below five per cent), and Shapley's value (ecops alone). The largest difference between
the two is shown as a share of all conversions. Without the peer a plain Python loop stands for
the rules.

ChannelAttribution does not belong to our environment; give an interpreter that has it:

    python -m venv /tmp/peer && /tmp/peer/bin/pip install channelattribution pandas matplotlib
    python benchmarks/attribution.py --peer /tmp/peer/bin/python [--repeat 40]

Bars: 400,000 paths with all seven models in 10 CPU s; no rule off by more than 1e-6.
Removal effects differ from the peer's by its simulation's error; the exact ones are tests.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np
import pandas as pd

from ecops_lib.campaigns.channels import attribute_paths

SHARED = Path(__file__).parents[2] / "shared" / "data" / "mta_channelattribution"
NAMES = {
    "total_conversions": "conversions",
    "total_conversion_value": "value",
    "total_null": "nulls",
}
RULES = ("first", "last", "linear")
MOST_SECONDS = 10.0

PEER = """
import json, sys, time
import pandas as pd
import ChannelAttribution as ca
frame = pd.read_csv(sys.argv[1])
names = dict(Data=frame, var_path="path", var_conv="conversions", var_value="value")
out = {}
began = time.process_time()
got = ca.heuristic_models(**names, flg_pro=False)
out["rules"] = (time.process_time() - began, got.set_index("channel_name").to_dict())
for order in (1, 2, 3):
    began = time.process_time()
    got = ca.markov_model(**names, var_null="nulls", order=order, seed=1, verbose=False,
                          flg_pro=False)
    out[str(order)] = (time.process_time() - began, got.set_index("channel_name").to_dict())
json.dump(out, open(sys.argv[2], "w"))
"""


def read_paths(repeat: int) -> pd.DataFrame:
    """The example's paths, each as often as asked for."""
    if SHARED.exists():
        frame = pd.read_parquet(SHARED / "paths.parquet").rename(columns=NAMES)
    else:
        rng = np.random.default_rng(0)
        sizes = 1 + rng.geometric(0.22, 10_000)
        path = [" > ".join(f"c{k}" for k in rng.zipf(1.6, n) % 12) for n in sizes]
        won = rng.poisson(2, 10_000)
        frame = pd.DataFrame({"path": path, "conversions": won, "value": won * 4.0})
        frame["nulls"] = rng.poisson(7, 10_000)
    return pd.concat([frame] * repeat, ignore_index=True)


def timed(
    frame: pd.DataFrame, models: tuple[str, ...], order: int = 1
) -> tuple[float, pd.DataFrame]:
    began = time.process_time()
    held = attribute_paths(frame, models=models, order=order)  # type: ignore[arg-type]
    return time.process_time() - began, held.conversions


def plain_rules(frame: pd.DataFrame) -> tuple[float, pd.DataFrame]:
    """The rules as a loop over paths."""
    began = time.process_time()
    got: dict[str, list[float]] = {}
    for path, won in zip(frame["path"], frame["conversions"], strict=True):
        steps = [step.strip() for step in path.split(">")]
        for place, step in enumerate(steps):
            row = got.setdefault(step, [0.0, 0.0, 0.0])
            row[0] += won * (place == 0)
            row[1] += won * (place == len(steps) - 1)
            row[2] += won / len(steps)
    return time.process_time() - began, pd.DataFrame(got, index=list(RULES)).T


def ask_peer(
    python: str, frame: pd.DataFrame
) -> dict[str, tuple[float, dict[str, dict[str, float]]]]:
    with tempfile.TemporaryDirectory() as folder:
        paths, answer = Path(folder) / "paths.csv", Path(folder) / "answer.json"
        frame.to_csv(paths, index=False)
        subprocess.run([python, "-c", PEER, str(paths), str(answer)], check=True)
        held: dict[str, tuple[float, dict[str, dict[str, float]]]] = json.loads(
            answer.read_text("utf-8")
        )
    return held


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeat", type=int, default=40, help="times that the paths are repeated")
    parser.add_argument("--peer", default="", help="an interpreter with ChannelAttribution")
    given = parser.parse_args()
    frame = read_paths(given.repeat)
    touches = int(frame["path"].str.count(">").sum()) + len(frame)
    print(f"{len(frame):,} paths, {touches:,} touches")
    rows, ours = [], {}
    for name, models, order in (
        ("rules", RULES, 1),
        ("1", ("markov",), 1),
        ("2", ("markov",), 2),
        ("3", ("markov",), 3),
        ("shapley", ("shapley",), 1),
    ):
        seconds, ours[name] = timed(frame, models, order)
        rows.append({"task": name if not name.isdigit() else f"markov order {name}",
                     "ecops CPU s": seconds})  # fmt: skip
    whole, _ = timed(frame, (*RULES, "position", "decay", "markov", "shapley"))
    off = 0.0
    if given.peer:
        answers = ask_peer(given.peer, frame).items()
        for row, (name, (seconds, told)) in zip(rows[:4], answers, strict=True):
            row["ChannelAttribution CPU s"] = seconds
            got = pd.DataFrame(told)
            if name == "rules":
                gaps = [
                    (got[f"{rule}_touch_conversions"] - ours["rules"][rule]).abs().max()
                    for rule in RULES
                ]
                off = float(max(gaps) / frame["conversions"].sum())
                row["largest difference, share"] = off
            else:
                gap = (got["total_conversions"] - ours[name]["markov"]).abs().max()
                row["largest difference, share"] = float(gap / frame["conversions"].sum())
    else:
        seconds, plain = plain_rules(frame)
        rows[0]["plain loop CPU s"] = seconds
        gap = (plain - ours["rules"]).abs().to_numpy().max()
        off = float(gap / frame["conversions"].sum())
        rows[0]["largest difference, share"] = off
    print(pd.DataFrame(rows).round(6).to_string(index=False))
    print(f"all seven models: {whole:.2f} CPU s (bar {MOST_SECONDS:g})")
    return int(whole > MOST_SECONDS * given.repeat / 40 + 1 or off > 1e-6)


if __name__ == "__main__":
    sys.exit(main())
