"""Row 8: find the matching lines in 1 GB of container logs, against `grep -c -E` on the same file.

Repeat: `python -m tests.bench.row_08_query`. The query process is timed whole, its start and the records it
writes included; `grep` only counts. Both read from the page cache.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable

import msgspec

from collectors.logs.answer import answer
from collectors.logs.query import LogQuery
from collectors.logs.record import LogTarget
from collectors.logs.segment import Budget
from collectors.logs.times import SECOND, render
from collectors.model import LogSource
from tests.bench.table import LeftOut, Result, median

SIZE = 1_000_000_000
LINES = 250_000
RUNS = 5
BEGAN = 1_795_486_577
STEP = SECOND // 1000


def line(number: int) -> str:
    """A line of some 200 bytes; one of 10,000 is rare, one of 200 occasional."""
    kind = "rare-needle" if number % 10_000 == 77 else "occasional" if number % 200 == 7 else "ordinary"
    time = render(BEGAN * SECOND + number * STEP)
    return f"{time} stdout F request {number:09d} {kind} {'x' * 120} done\n"


def write(path: str) -> int:
    """Fill the file with blocks of lines whose times rise within the whole; the size it got."""
    number = 0
    with open(path, "wb") as file:
        while file.tell() < SIZE:
            file.write("".join(map(line, range(number, number + LINES))).encode())
            number += LINES
    return os.path.getsize(path)


def target(path: str) -> LogTarget:
    """The file as a container's log."""
    return LogTarget(id="/bench", source=LogSource(path=path, format="cri"), container={"name": "bench"})


def seconds(command: list[str], stdin: bytes = b"") -> Callable[[], float]:
    """Measures the wall time of a command."""

    def measure() -> float:
        began = time.perf_counter()
        # Not to /dev/null: grep notices that, and stops at the first match.
        subprocess.run(command, input=stdin, stdout=subprocess.PIPE, check=True)
        return time.perf_counter() - began

    return measure


def compare(path: str, what: str, pattern: str, grep: str, target_ratio: float) -> None:
    """Print the row of one pattern; `grep` is the same for a file whose lines have a header."""
    query = msgspec.json.encode(
        LogQuery(targets=[target(path)], grep=pattern, limit=1 << 40, direction="forward")
    )
    command = [sys.executable, "-m", "collectors.logs.queryprocess", "--scratch", os.path.dirname(path)]
    ours = median(seconds([*command, "--max-bytes", str(4 * SIZE)], query), RUNS)
    reference = median(seconds(["grep", "-c", "-E", grep, path]), RUNS)
    print(Result("8", what, ours, reference, "s", target_ratio, "grep -c -E"), flush=True)


def time_limited(path: str) -> None:
    """Print what a query of one second of the file reads beyond the range."""
    budget = Budget(4 * SIZE)
    since = BEGAN + 1000.0
    query = LogQuery(targets=[target(path)], since=since, until=since + 1, limit=1 << 40, direction="forward")
    found = sum(1 for _ in answer(query, os.path.dirname(path), budget))
    bytes_in_range = found * len(line(1_000_000))
    beyond = (budget.spent - bytes_in_range) / (1 << 20)
    what = "one second of the file: MiB read beyond the range"
    print(Result("8", what, beyond, 2.0, "MiB", 1.0, "2 MiB", f"{found} lines"), flush=True)


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, "bench.log")
        write(path)
        compare(path, "0.01 % of the lines match", "rare-needle", "rare-needle", 1.5)
        compare(path, "0.5 % of the lines match", "occasional", "occasional", 1.5)
        compare(
            path,
            "anchored, 0.01 % match",
            "^request .* rare-needle x*.*done$",
            "F request .* rare-needle x*.*done$",
            5,
        )
        time_limited(path)
    print(
        LeftOut("8", "every line matches", "a query gives records, at most 100,000, and does not count yet")
    )


if __name__ == "__main__":
    main()
