"""How much a container was throttled of late: one number, the same for whoever scrapes and how often."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import NamedTuple

from collectors.metrics import catalogue
from collectors.metrics.catalogue import INDEX
from collectors.metrics.plan import Census, Pids
from collectors.metrics.rows import Value

_PERIODS = INDEX[catalogue.CFS_PERIODS]
_THROTTLED = INDEX[catalogue.CFS_THROTTLED_PERIODS]
_RATIO = INDEX[catalogue.CPU_THROTTLED_RATIO]

# Marks stand so many seconds apart, so the last but one is one to two times as old.
_APART = 60.0


class _Mark(NamedTuple):
    """What the counters said at a moment of the clock."""

    at: float
    periods: int
    throttled: int


class Throttling:
    """The share of enforcement periods in which each container was throttled, since its last mark but one.

    A mark is the counters as the first pass finds them once the last mark is a minute old; so when passes
    are rarer than that, the share reaches back to the last pass but one. A container without a quota has none.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._marks: dict[str, tuple[_Mark | None, _Mark]] = {}

    def census(self) -> Census:
        """As a collector offers it."""
        return Census((catalogue.CPU_THROTTLED_RATIO,), self.tell, self.forget)

    def tell(self, id: str, pids: Pids, values: list[Value]) -> None:
        """Fill in the share, from the counters that stand in the row already; nothing for the first minute."""
        periods, throttled = values[_PERIODS], values[_THROTTLED]
        if not isinstance(periods, int) or not isinstance(throttled, int):
            return
        before = self._since(id, _Mark(self._clock(), periods, throttled))
        if before is not None:
            passed = periods - before.periods
            # No period passes while nobody wants to run.
            values[_RATIO] = (throttled - before.throttled) / passed if passed else 0.0

    def forget(self, id: str) -> None:
        """A container is no longer read."""
        self._marks.pop(id, None)

    def _since(self, id: str, now: _Mark) -> _Mark | None:
        """The last mark but one, after setting a new one where it is time."""
        before, last = self._marks.get(id, (None, None))
        if last is None or now.periods < last.periods:
            # Counters that went back are another container's, come to the same path.
            self._marks[id] = (None, now)
            return None
        if now.at - last.at >= _APART:
            before = last
            self._marks[id] = (last, now)
        return before
