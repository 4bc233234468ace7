"""Cgroups that appeared and that no inventory has named yet.

A container may live 20 ms: long gone when its engine's start event has been read and inspected. So each
new cgroup is followed from its creation, by the kernel's word alone; when its last process ends, its
final reading is taken and kept until an inventory claims it, or until nobody has for a while.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from agent.lifecycle.exits import ExitWatch
from collectors.metrics.rows import Row

# An empty new cgroup is asked for its first process this often: engines fill it within a few milliseconds.
_ASK_AGAIN = (0.001, 0.002, 0.004, 0.008, 0.016, 0.03, 0.06, 0.12, 0.25, 0.5)


class Readings(Protocol):
    """What is needed of the sampler."""

    def track(self, id: str, pid: int = 0) -> object:
        """Open a cgroup for reading by its path alone."""

    def read_one(self, id: str) -> Row | None:
        """One reading, at once; None when the cgroup is gone."""

    def remove(self, id: str) -> None:
        """Close a cgroup's descriptors."""

    def processes(self, id: str) -> Sequence[int]:
        """Pids in a cgroup; empty when it is gone."""


@dataclass(slots=True)
class Ended:
    """A cgroup whose last process ended before anybody claimed it; `row` is None when it was too late."""

    id: str
    time: float
    row: Row | None


class Newcomers:
    """Follows unclaimed cgroups for `patience` seconds and keeps at most `limit` final readings.

    `whole` tells a reading of a whole cgroup from one of what its removal had left.
    """

    def __init__(
        self,
        sampler: Readings,
        *,
        patience: float = 30.0,
        limit: int = 2000,
        whole: Callable[[Row], bool] = lambda row: True,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._sampler = sampler
        self._patience = patience
        self._limit = limit
        self._whole = whole
        self._clock = clock
        self._exits = ExitWatch(self._process_ended)
        self._waiting: OrderedDict[str, float] = OrderedDict()
        self._ended: OrderedDict[str, Ended] = OrderedDict()
        self._timers: dict[str, asyncio.TimerHandle] = {}

    def __contains__(self, id: object) -> bool:
        return id in self._waiting or id in self._ended

    def created(self, id: str) -> None:
        """A cgroup appeared."""
        if id in self._waiting:
            return
        self._ended.pop(id, None)
        self._waiting[id] = self._clock()
        self._sampler.track(id)
        self._follow(id, 0)
        self._give_up()

    def removed(self, id: str) -> None:
        """A cgroup vanished; what was read of it stays claimable."""
        if id in self._waiting:
            self._settle(id)

    def claim(self, id: str) -> Ended | None:
        """An inventory named this cgroup: hand it over; its final reading if it has ended already."""
        if self._waiting.pop(id, None) is not None:
            self._unfollow(id)
            return None
        return self._ended.pop(id, None)

    def claim_by_engine_id(self, engine_id: str) -> Ended | None:
        """The ended cgroup whose path carries an engine's id: the only name left of a container that is gone."""
        for id in reversed(self._ended):
            if engine_id in id:
                return self._ended.pop(id)
        for id in self._waiting:
            if engine_id in id:
                self._settle(id)
                return self._ended.pop(id)
        return None

    def close(self) -> None:
        """Stop following."""
        for id in list(self._waiting):
            self._unfollow(id)
            self._sampler.remove(id)
        self._waiting.clear()
        self._exits.close()

    def _follow(self, id: str, attempt: int) -> None:
        self._timers.pop(id, None)
        if id not in self._waiting:
            return
        for pid in self._sampler.processes(id):
            if self._exits.watch(id, pid):
                return
        # Empty: either not filled yet, or emptied already and about to go.
        if attempt < len(_ASK_AGAIN):
            self._timers[id] = asyncio.get_running_loop().call_later(
                _ASK_AGAIN[attempt], self._follow, id, attempt + 1
            )

    def _process_ended(self, id: str, _pid: int, _pidfd: int) -> None:
        # Engines enter a cgroup with a helper that forks the real init and leaves: go on with who is left.
        row = self._read(id)
        for pid in self._sampler.processes(id):
            if self._exits.watch(id, pid):
                return
        self._settle(id, row)

    def _settle(self, id: str, row: Row | None = None) -> None:
        self._waiting.pop(id, None)
        self._unfollow(id)
        final = self._read(id) or row
        self._sampler.remove(id)
        self._ended[id] = Ended(id, self._clock(), final)
        while len(self._ended) > self._limit:
            self._ended.popitem(last=False)

    def _read(self, id: str) -> Row | None:
        row = self._sampler.read_one(id)
        if row is None or self._whole(row):
            return row
        # Opened while it was half made or half gone: the next reading opens it anew.
        self._sampler.remove(id)
        self._sampler.track(id)
        return None

    def _unfollow(self, id: str) -> None:
        self._exits.forget(id)
        timer = self._timers.pop(id, None)
        if timer is not None:
            timer.cancel()

    def _give_up(self) -> None:
        """Let go of what nobody claimed within the patience: systemd units, other managers' cgroups."""
        horizon = self._clock() - self._patience
        while self._waiting:
            id, since = next(iter(self._waiting.items()))
            if since > horizon:
                break
            del self._waiting[id]
            self._unfollow(id)
            self._sampler.remove(id)
        while self._ended and next(iter(self._ended.values())).time < horizon:
            self._ended.popitem(last=False)
