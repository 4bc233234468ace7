"""What a container prints: numbered lines, each known by its container's name and its number alone.

Also a program: `python lines.py NAME PER_SECOND COUNT` prints so many. It needs nothing but the standard library.
"""

from __future__ import annotations

import json
import re
import sys
import time

_HEAD = re.compile(r"(soak-[a-z0-9-]+) #(\d+)[ \"]")
_TICK = 0.1


def text(name: str, number: int) -> str:
    """A line without its newline: some are JSON, some text, one of fifty has more than 16 KiB."""
    head = f"{name} #{number} "
    if number % 50 == 7:
        size = 16_400 + number * 7919 % 50_000
        # Half of them are alike for long, so that files begin alike, too.
        filler = "x" if number % 100 == 57 else f"{name}/{number}/"
        return (head + filler * size)[:size]
    if number % 2:
        return json.dumps({"level": "info", "msg": f"{head}served", "bytes": number * 37, "path": "/a/b"})
    return f"{head}level=warn took {number % 900} ms, more than it should"


def copies(number: int) -> int:
    """How often a line is printed: one of ten has an identical twin, one of a hundred two."""
    if number % 100 == 33:
        return 3
    return 2 if number % 10 == 3 else 1


def stream(number: int) -> str:
    """Where a line is printed to."""
    return "stderr" if number % 7 == 0 else "stdout"


def told_by(line: str) -> tuple[str, int] | None:
    """The name and the number that a line bears; None when it is none of these."""
    match = _HEAD.search(line, 0, 200)
    return (match[1], int(match[2])) if match else None


def main() -> None:
    """Print, a few lines at a time."""
    name, per_second, count = sys.argv[1], float(sys.argv[2]), int(sys.argv[3])
    began = time.monotonic()
    printed = 0
    while printed < count:
        due = min(count, int((time.monotonic() - began) * per_second))
        for number in range(printed, due):
            file = sys.stderr if stream(number) == "stderr" else sys.stdout
            file.write(f"{text(name, number)}\n" * copies(number))
            file.flush()
        printed = due
        time.sleep(_TICK)


if __name__ == "__main__":
    main()
