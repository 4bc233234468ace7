"""A token bucket: one request per interval, so many at once."""

from __future__ import annotations

import time
from collections.abc import Callable


class TokenBucket:
    """Full at first; `interval` seconds put one token in, up to `burst`. Interval 0 never refuses."""

    def __init__(self, interval: float, burst: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._interval = interval
        self._burst = burst
        self._clock = clock
        self._tokens = float(burst)
        self._last = clock()

    def take(self) -> bool:
        """Whether one more request may pass now."""
        if not self._interval:
            return True
        now = self._clock()
        self._tokens = min(self._burst, self._tokens + (now - self._last) / self._interval)
        self._last = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True
