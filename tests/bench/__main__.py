"""`make bench`: every row of the budgets, each in a process of its own, as one table."""

from __future__ import annotations

import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).parent


def main() -> None:
    """Run each `row_*.py` beside this file and let it print its rows."""
    chosen = sys.argv[1:]
    for script in sorted(HERE.glob("row_*.py")):
        if chosen and not any(script.stem.startswith(f"row_{name}") for name in chosen):
            continue
        finished = subprocess.run(
            [sys.executable, "-m", f"tests.bench.{script.stem}"], cwd=HERE.parent.parent, check=False
        )
        if finished.returncode:
            print(f"      {script.stem} ended with status {finished.returncode}", flush=True)


if __name__ == "__main__":
    main()
