"""The last hour of each container's use, for the page and `top`: a few columns of numbers, bounded."""

from __future__ import annotations

import time
from array import array
from collections.abc import Set
from typing import Any

from collectors.metrics import catalogue
from collectors.metrics.catalogue import Family
from collectors.metrics.rows import Reading, Row, Value

COLUMNS: tuple[Family, ...] = (catalogue.CPU_USAGE, catalogue.MEMORY_WORKING_SET, catalogue.THREADS)
"""What is recorded: CPU seconds, bytes of working set, tasks."""

_AT = tuple(catalogue.INDEX[family] for family in COLUMNS)
_NAMES = tuple(family.name for family in COLUMNS)
_ABSENT = float("nan")
# A history is cut when it is this much longer than it may be, so that cutting costs little.
_SLACK = 32


class History:
    """One container: a column of times and one per value of `COLUMNS`, NaN where the kernel had none."""

    __slots__ = ("columns", "latest", "times")

    def __init__(self) -> None:
        self.times = array("d")
        self.columns = tuple(array("d") for _ in COLUMNS)
        self.latest: Row | None = None

    def append(self, row: Row, most: int) -> None:
        """Add one reading; the oldest go when there are too many."""
        self.times.append(row.time)
        for column, index in zip(self.columns, _AT, strict=True):
            column.append(_number(row.values[index] if index < len(row.values) else None))
        if len(self.times) > most + _SLACK:
            for column in (self.times, *self.columns):
                del column[: len(column) - most]


def _number(value: Value) -> float:
    """A value as one number: the sum over a family's own labels."""
    if value is None:
        return _ABSENT
    return float(sum(number for _, number in value)) if isinstance(value, tuple) else float(value)


class Recorder:
    """Histories by id: readings at least `spacing` seconds apart, of the last `keep` seconds.

    At most `most` containers; of those beyond, and after `keep` seconds without a reading, nothing is kept.
    With the defaults a container costs 8 KB and a thousand 8 MB.
    """

    def __init__(self, *, keep: float = 3600.0, spacing: float = 14.0, most: int = 5000) -> None:
        self._keep = keep
        self._spacing = spacing
        self._most = most
        self._points = max(1, int(keep / spacing))
        self._histories: dict[str, History] = {}
        self._swept = 0.0
        self.last = -float("inf")
        """When the last reading was given, on the monotonic clock; minus infinity before the first."""

    def __len__(self) -> int:
        return len(self._histories)

    def add(self, reading: Reading) -> None:
        """Record a pass over the host, or nothing of it that follows the last record too closely."""
        self.last = time.monotonic()
        for row in reading.rows:
            history = self._histories.get(row.id)
            if history is None:
                if len(self._histories) >= self._most:
                    continue
                history = self._histories[row.id] = History()
            history.latest = row
            if not history.times or row.time - history.times[-1] >= self._spacing:
                history.append(row, self._points)
        if reading.time - self._swept >= 60:
            self._sweep(reading.time)

    def retain(self, ids: Set[str]) -> None:
        """Drop what was recorded of all others: the dead would take the places of the living."""
        for id in self._histories.keys() - ids:
            del self._histories[id]

    def since(self, id: str, after: float) -> list[dict[str, Any]]:
        """Readings later than `after`, the oldest first: `{"time": …, metric name: value, …}`.

        The last one has everything that its container's last scrape had; those before it `COLUMNS`.
        """
        history = self._histories.get(id)
        if history is None:
            return []
        start = max(after, history.times[-1] - self._keep) if history.times else after
        found = [
            {"time": at} | {name: value for name, value in zip(_NAMES, values, strict=True) if value == value}
            for at, *values in zip(history.times, *history.columns, strict=True)
            if at > start
        ]
        latest = history.latest
        if latest is not None and latest.time > after:
            if found and found[-1]["time"] == latest.time:
                found.pop()
            found.append(_whole(latest))
        return found

    def _sweep(self, now: float) -> None:
        self._swept = now
        for id in [id for id, history in self._histories.items() if now - history.times[-1] > self._keep]:
            del self._histories[id]


def _whole(row: Row) -> dict[str, Any]:
    """All values of a reading by name; those with labels of their own as their sum."""
    shown: dict[str, Any] = {"time": row.time}
    for family, value in zip(catalogue.ROW, row.values, strict=False):
        if value is not None:
            shown[family.name] = sum(number for _, number in value) if isinstance(value, tuple) else value
    return shown
