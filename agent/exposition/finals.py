"""Final readings of containers that ended, kept for a while so that every scraper sees the last counts."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection
from dataclasses import replace

from collectors.metrics.rows import Row


class Finals:
    """Final rows, each for `keep` seconds after its reading, at most `limit` of them.

    Beyond the limit the oldest one goes early; `dropped` counts those.
    """

    def __init__(self, keep: float, *, limit: int = 10_000) -> None:
        self.keep = keep
        self.dropped = 0
        self._limit = limit
        self._rows: OrderedDict[str, Row] = OrderedDict()

    def __len__(self) -> int:
        return len(self._rows)

    def add(self, row: Row) -> None:
        """Keep a container's last reading; it takes the place of one with the same labels."""
        self._rows.pop(row.labels, None)
        self._rows[row.labels] = row if row.final else replace(row, final=True)
        while len(self._rows) > self._limit:
            self._rows.popitem(last=False)
            self.dropped += 1

    def discard(self, id: str) -> None:
        """Forget what was kept of a cgroup path."""
        for labels in [labels for labels, row in self._rows.items() if row.id == id]:
            del self._rows[labels]

    def rows(self, now: float, alive: Collection[str] = ()) -> list[Row]:
        """Those whose time is not over, oldest first, without the ids in `alive`: a living one speaks for itself."""
        horizon = now - self.keep
        for labels in [labels for labels, row in self._rows.items() if row.time <= horizon]:
            del self._rows[labels]
        return [row for row in self._rows.values() if row.id not in alive]
