"""How long to wait before the next try: longer each time, never in step with other agents, without end."""

from __future__ import annotations

import random
from collections.abc import Callable


class Backoff:
    """Doubles from `least` to `most` seconds. Each wait is drawn between half of it and the whole ("equal
    jitter"), so that a host full of agents does not come back at once."""

    def __init__(self, least: float, most: float, draw: Callable[[], float] = random.random) -> None:
        self._least = least
        self._most = max(least, most)
        self._draw = draw
        self.failures = 0

    def wait(self, at_least: float | None = None) -> float:
        """Seconds until the next try. What the peer asks for (`at_least`) counts, up to an hour."""
        bound = min(self._most, self._least * 2.0 ** min(self.failures, 32))
        self.failures += 1
        drawn = bound * (0.5 + self._draw() / 2)
        return max(drawn, min(at_least or 0.0, 3600.0))

    def reset(self) -> None:
        """It worked: the next failure begins anew."""
        self.failures = 0
