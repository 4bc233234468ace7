"""Counters that are added up over a container's processes, which come and go.

What is added is by how much each figure has grown since it was last seen, so that a total never falls when
a process ends. What a process counted between the last reading and its end is lost.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence

from collectors.metrics import catalogue
from collectors.metrics.plan import Pids
from collectors.metrics.rows import Value

Figures = Sequence[int]
# Goes through processes in steps: at each, the figures of some tasks, each under a key of its own.
Walk = Callable[[Sequence[int]], Iterator[Iterable[tuple[Hashable, Figures]]]]

_CPU = catalogue.INDEX[catalogue.CPU_USAGE]
# One container keeps a pass no longer than this, in seconds; the next pass goes on where this one ended.
_LIMIT = 0.002


class Ledger:
    """Totals of one container. A figure that fell belongs to another task under the same key."""

    __slots__ = ("_before", "_now", "cpu", "totals", "walk")

    def __init__(self) -> None:
        self.totals: list[int] | None = None
        self.cpu: Value = None
        self.walk: Iterator[Iterable[tuple[Hashable, Figures]]] | None = None
        self._before: dict[Hashable, Figures] = {}
        self._now: dict[Hashable, Figures] = {}

    def add(self, key: Hashable, figures: Figures) -> None:
        """Enter what one task has counted since it began."""
        if self.totals is None:
            self.totals = [0] * len(figures)
        before = self._before.get(key)
        if before is None or any(map(int.__lt__, figures, before)):
            before = (0,) * len(figures)
        self._now[key] = figures
        for at, (now, then) in enumerate(zip(figures, before, strict=True)):
            self.totals[at] += now - then

    def turn(self) -> None:
        """All tasks were met: those that were not have ended."""
        self._before, self._now = self._now, {}
        self.walk = None

    def abandon(self) -> None:
        """Not all tasks could be met, so nobody has ended."""
        self._before |= self._now
        self._now = {}
        self.walk = self.cpu = None


class Ledgers:
    """The ledger of each container.

    Tasks that did not run have nothing new to tell: while the container's CPU time stands still, so do its
    totals.
    """

    def __init__(
        self, walk: Walk, limit: float = _LIMIT, clock: Callable[[], float] = time.perf_counter
    ) -> None:
        self._walk = walk
        self._limit = limit
        self._clock = clock
        self._ledgers: dict[str, Ledger] = {}

    def totals(self, id: str, pids: Pids, values: Sequence[Value]) -> Figures | None:
        """Sums over the container's tasks, of those that ended too; None while none was met. Raises what the walk raises."""
        ledger = self._ledgers.get(id)
        if ledger is None:
            ledger = self._ledgers[id] = Ledger()
        if ledger.walk is None:
            cpu = values[_CPU]
            if cpu is not None and cpu == ledger.cpu:
                return ledger.totals
            ledger.cpu = cpu
        self._read(ledger, pids)
        return ledger.totals

    def forget(self, id: str) -> None:
        """Close the ledger of a container; one never opened is closed."""
        self._ledgers.pop(id, None)

    def _read(self, ledger: Ledger, pids: Pids) -> None:
        until = self._clock() + self._limit
        if ledger.walk is None:
            if not (found := pids()):
                return
            ledger.walk = self._walk(found)
        try:
            for step in ledger.walk:
                for key, figures in step:
                    ledger.add(key, figures)
                if self._clock() >= until:
                    return
        except (OSError, ValueError):
            ledger.abandon()
            raise
        ledger.turn()
