"""A Python port of R's CausalImpact, asked about windows in an environment of its own.

Run by ``lift_calibration.py --peer PYTHON``: a line of standard input is a window, a line of
standard output what the port says of it. Ports known, each by what installs it:

    pip install bsts-causalimpact
    pip install pycausalimpact "pandas<1.3"        (Python 3.8)
    pip install tfp-causalimpact tf-keras

Each is told of the season and of a seed where it takes one; all else is its own default.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import sys
import time
import warnings
from collections.abc import Callable
from typing import Any

SEED = 1


def _bsts(frame: Any, first: int, season: int) -> list[float]:
    args = {"seed": SEED}
    args.update({"nseasons": season, "season_duration": 1} if season > 1 else {})
    impact = importlib.import_module("causal_impact").CausalImpact
    read = impact(frame, [0, first - 1], [first, len(frame) - 1], args)
    last = read.inferences.iloc[-1]
    ends = last["cumulative_effect_lower"], last["cumulative_effect_upper"]
    return [*map(float, ends), float(read.summary_stats["p_value"])]


def _pycausalimpact(frame: Any, first: int, season: int) -> list[float]:
    import numpy as np

    np.random.seed(SEED)
    seasons = [{"period": season}] if season > 1 else []
    impact = importlib.import_module("causalimpact").CausalImpact
    read = impact(frame, [0, first - 1], [first, len(frame) - 1], nseasons=seasons)
    sums = read.summary_data["cumulative"]
    return [*map(float, sums[["abs_effect_lower", "abs_effect_upper"]]), float(read.p_value)]


def _tfp(frame: Any, first: int, season: int) -> list[float]:
    port = importlib.import_module("causalimpact")
    seasons = [port.Seasons(num_seasons=season)] if season > 1 else []
    read = port.fit_causalimpact(
        frame,
        pre_period=(0, first - 1),
        post_period=(first, len(frame) - 1),
        seed=SEED,
        model_options=port.ModelOptions(seasons=seasons),
    )
    sums = read.summary.loc["cumulative"]
    return [float(sums[name]) for name in ("abs_effect_lower", "abs_effect_upper", "p_value")]


def find_port() -> tuple[str, Callable[[Any, int, int], list[float]]]:
    """The port that this environment has, and what asks it.

    Raises:
        SystemExit: It has none.
    """
    if importlib.util.find_spec("causal_impact"):
        return "bsts-causalimpact", _bsts
    if importlib.util.find_spec("causalimpact"):
        port = importlib.import_module("causalimpact")
        if hasattr(port, "fit_causalimpact"):
            return "tfp-causalimpact", _tfp
        return "pycausalimpact", _pycausalimpact
    raise SystemExit("this environment has no port of CausalImpact; see the head of this file.")


def main() -> None:
    """Answer every window: ends of the sum's interval, p-value, CPU seconds."""
    import pandas as pd

    warnings.filterwarnings("ignore")
    name, read = find_port()
    print(json.dumps({"port": name}), flush=True)
    for line in sys.stdin:
        window = json.loads(line)
        frame = pd.DataFrame({"y": window["outcome"]})
        for place, control in enumerate(window["controls"]):
            frame[f"x{place}"] = control
        began = time.process_time()
        found: list[float] = []
        try:
            found = read(frame, window["first"], window["season"])
            refusal = ""
        except Exception as error:
            refusal = f"{type(error).__name__}: {error}"
        took = time.process_time() - began
        print(json.dumps({"found": found, "refusal": refusal, "cpu": took}), flush=True)


if __name__ == "__main__":
    main()
