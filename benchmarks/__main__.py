"""Run every benchmark, each in its own process: ``make bench`` or ``python -m benchmarks NAME``."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent


def main() -> int:
    """Run the benchmarks named, or all; the exit code counts those that failed."""
    known = sorted(file.stem for file in HERE.glob("[a-z]*.py"))
    failed = []
    for name in sys.argv[1:] or known:
        if name not in known:
            sys.exit(f"there is no benchmark {name!r}; they are {', '.join(known)}.")
        print(f"\n== {name} ==", flush=True)
        done = subprocess.run([sys.executable, str(HERE / f"{name}.py")], check=False)
        failed += [name] if done.returncode else []
    print(f"\n{len(failed)} failed{': ' + ', '.join(failed) if failed else ''}")
    return len(failed)


if __name__ == "__main__":
    sys.exit(main())
