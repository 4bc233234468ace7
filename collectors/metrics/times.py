"""When a container started, and when it was last read."""

from __future__ import annotations

import os

from collectors.metrics import catalogue
from collectors.metrics.rows import Value

_START_TIME = catalogue.INDEX[catalogue.START_TIME]
_CREATION_TIME = catalogue.INDEX[catalogue.CREATION_TIME]
_LAST_SEEN = catalogue.INDEX[catalogue.LAST_SEEN]
_TICKS = os.sysconf("SC_CLK_TCK")


class Times:
    """The clock of containers. `boot` is when the host started, in seconds since the epoch.

    Source: btime of proc_stat(5).
    """

    def __init__(self, proc: str = "/proc") -> None:
        self.boot = 0
        with open(f"{proc}/stat", "rb") as file:
            for line in file:
                if line.startswith(b"btime "):
                    self.boot = int(line.split()[1])

    def started(self, started_at: float | None, pid_start: int, values: list[Value]) -> None:
        """Fill in the start: as the engine tells it, else that of the first process, in ticks since boot."""
        if started_at is not None:
            values[_START_TIME] = started_at
        elif pid_start:
            values[_START_TIME] = self.boot + pid_start / _TICKS

    @staticmethod
    def created(created_at: float | None, values: list[Value]) -> None:
        """Fill in the creation, as far as the engine tells it."""
        values[_CREATION_TIME] = created_at

    def host_started(self, values: list[Value]) -> None:
        """Fill in the start of the host."""
        values[_START_TIME] = self.boot

    @staticmethod
    def seen(now: float, values: list[Value]) -> None:
        """Fill in the time of the reading."""
        values[_LAST_SEEN] = now
