"""How much of a container's output is shipped: a token bucket over the writer's own times.

By the writer's times, not by this host's clock: so a backlog that is read after a break gives the same records
as it would have given live, and a second reading after a crash gives the same as the first.
"""

from __future__ import annotations

import msgspec

from collectors.logs.rule import Limit
from collectors.logs.times import SECOND

RATE_LIMITED = "rate_limited"
SAMPLED = "sampled"
_ERRORS = frozenset({"error", "fatal"})
_RESERVE = 0.5


class Bucket(msgspec.Struct):
    """What is left of lines and bytes at `time` (ns), and how many were beyond the limit since the last kept one."""

    time: int = 0
    lines: float = 0.0
    bytes: float = 0.0
    beyond: int = 0


class Limiter:
    """Applies one limit. `bucket` is its whole state, to be kept with the position.

    Half of the burst is kept for messages of level error and fatal: they are given up last.
    """

    def __init__(self, limit: Limit, bucket: Bucket | None = None) -> None:
        self._limit = limit
        self._most_lines = (limit.lines or 0.0) * limit.burst
        self._most_bytes = (limit.bytes or 0.0) * limit.burst
        self.bucket = bucket or Bucket(0, self._most_lines, self._most_bytes)

    def wants(self, time: int, level: str | None, size: int) -> str:
        """Empty when the record is shipped, else why it is not. `time` in ns, `size` in bytes."""
        self._fill(time)
        bucket, limit = self.bucket, self._limit
        floor = 0.0 if level in _ERRORS else _RESERVE
        enough = (limit.lines is None or bucket.lines - 1 >= floor * self._most_lines) and (
            limit.bytes is None or bucket.bytes - size >= floor * self._most_bytes
        )
        if enough:
            bucket.lines -= 1
            bucket.bytes -= size
            bucket.beyond = 0
            return ""
        if limit.action == "sample":
            bucket.beyond += 1
            return "" if bucket.beyond % limit.sample == 1 or limit.sample == 1 else SAMPLED
        return RATE_LIMITED

    def delay(self, lines: int, bytes: int) -> float:
        """For `block`: how many seconds this much output is worth at the limit's rate."""
        by_lines = lines / self._limit.lines if self._limit.lines else 0.0
        by_bytes = bytes / self._limit.bytes if self._limit.bytes else 0.0
        return max(by_lines, by_bytes)

    def _fill(self, time: int) -> None:
        bucket = self.bucket
        if time > bucket.time:
            seconds = (time - bucket.time) / SECOND
            bucket.lines = min(self._most_lines, bucket.lines + seconds * (self._limit.lines or 0.0))
            bucket.bytes = min(self._most_bytes, bucket.bytes + seconds * (self._limit.bytes or 0.0))
            bucket.time = time
