"""Lines that wait for a client that follows them: bounded, and what is dropped is told."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Mapping
from typing import Any, NamedTuple

MAX_WAITING = 5000
MAX_BYTES = 16 << 20
MAX_DROPPED = 1000


class Line(NamedTuple):
    """One line of a stream. `value` is as it is sent: time in ns, text, and maybe what is known beside."""

    time: int
    labels: Mapping[str, str]
    value: list[Any]


class Backlog:
    """Lines, each with when it came, until a frame takes them. Full, it drops what comes."""

    def __init__(self, most: int = MAX_WAITING) -> None:
        self._most = most
        self._lines: deque[tuple[float, Line]] = deque()
        self._bytes = 0
        self._dropped: list[dict[str, Any]] = []
        self._came = asyncio.Event()

    def put(self, line: Line) -> None:
        """Add a line, now."""
        size = len(line.value[1])
        if len(self._lines) >= self._most or (self._lines and self._bytes + size > MAX_BYTES):
            if len(self._dropped) < MAX_DROPPED:
                self._dropped.append({"labels": dict(line.labels), "timestamp": str(line.time)})
            return
        self._bytes += size
        self._lines.append((asyncio.get_running_loop().time(), line))
        self._came.set()

    async def frame(self, delay: float) -> dict[str, Any]:
        """What is older than `delay` seconds, in order of time, as Loki's message; waits until there is some."""
        loop = asyncio.get_running_loop()
        while not self._lines:
            self._came.clear()
            await self._came.wait()
        await asyncio.sleep(max(0.0, self._lines[0][0] + delay - loop.time()))
        due = loop.time() - delay
        lines: list[Line] = []
        while self._lines and (self._lines[0][0] <= due or not lines):
            line = self._lines.popleft()[1]
            self._bytes -= len(line.value[1])
            lines.append(line)
        lines.sort(key=lambda line: line.time)
        message: dict[str, Any] = {"streams": streams(lines)}
        if self._dropped:
            message["dropped_entries"], self._dropped = self._dropped, []
        return message


def streams(lines: list[Line]) -> list[dict[str, Any]]:
    """Lines by stream, in the order given."""
    found: dict[tuple[tuple[str, str], ...], dict[str, Any]] = {}
    for line in lines:
        key = tuple(sorted(line.labels.items()))
        stream = found.setdefault(key, {"stream": dict(line.labels), "values": []})
        stream["values"].append(line.value)
    return list(found.values())
