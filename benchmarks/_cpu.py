"""CPU seconds of commands, run one after the other in turn."""

from __future__ import annotations

import resource
import statistics
import subprocess
import sys
from collections.abc import Mapping, Sequence

Command = Sequence[str]

ECOPS = (sys.executable, "-c", "from ecops_lib.cli import main; main()")


def cpu_seconds(commands: Sequence[Command]) -> float:
    """User and system time of commands and of all that they start and wait for."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    for command in commands:
        subprocess.run(command, check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def medians(rivals: Mapping[str, Sequence[Command]], *, rounds: int) -> dict[str, float]:
    """The median CPU of each rival; they take turns, so that both feel the same machine.

    One round before the first warms the disk and the compiled modules.
    """
    taken: dict[str, list[float]] = {name: [] for name in rivals}
    for number in range(rounds + 1):
        for name, commands in rivals.items():
            seconds = cpu_seconds(commands)
            if number:
                taken[name].append(seconds)
    return {name: statistics.median(values) for name, values in taken.items()}
