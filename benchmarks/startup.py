"""What does ``ecops --help`` cost? At most half a second of CPU."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks._cpu import ECOPS, medians

BAR = 0.5
ROUNDS = 7


def main() -> int:
    """Print the medians; 1 if the bar is missed."""
    rivals = {"ecops": [(*ECOPS, "--help")], "python": [(sys.executable, "-c", "pass")]}
    taken = medians(rivals, rounds=ROUNDS)
    print(f"ecops --help   {taken['ecops']:.3f} s of CPU (bar {BAR} s, median of {ROUNDS})")
    print(f"python alone   {taken['python']:.3f} s")
    return int(taken["ecops"] > BAR)


if __name__ == "__main__":
    sys.exit(main())
