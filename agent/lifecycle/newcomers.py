"""Cgroups that appeared and that no inventory has named yet.

A container may live 20 ms: long gone when its engine's start event has been read and inspected. So each
new cgroup is followed from its creation, by the kernel's word alone; when its last process ends, its
final reading is taken and kept until an inventory claims it, or until nobody has for a while.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from agent.lifecycle.exits import ExitWatch
from agent.lifecycle.inhabitants import Inhabitants
from collectors.metrics.rows import Row


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
        self._inhabitants = Inhabitants(self._exits, sampler.processes)
        self._waiting: OrderedDict[str, float] = OrderedDict()
        self._ended: OrderedDict[str, Ended] = OrderedDict()

    def __contains__(self, id: object) -> bool:
        return id in self._waiting or id in self._ended

    def created(self, id: str) -> None:
        """A cgroup appeared."""
        if id in self._waiting:
            return
        self._ended.pop(id, None)
        self._waiting[id] = self._clock()
        self._sampler.track(id)
        self._inhabitants.follow(id)
        self._give_up()

    def removed(self, id: str) -> None:
        """A cgroup vanished; what was read of it stays claimable."""
        if id in self._waiting:
            self._settle(id)

    def claim(self, id: str) -> Ended | None:
        """An inventory named this cgroup: hand it over; its final reading if it has ended already."""
        if self._waiting.pop(id, None) is not None:
            self._inhabitants.forget(id)
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
            self._sampler.remove(id)
        self._waiting.clear()
        self._inhabitants.close()
        self._exits.close()

    def _process_ended(self, id: str, _pid: int, _pidfd: int) -> None:
        # Engines enter a cgroup with a helper that forks the real init and leaves: go on with who is left.
        row = self._read(id)
        if not self._inhabitants.pick(id):
            self._settle(id, row)

    def _settle(self, id: str, row: Row | None = None) -> None:
        self._waiting.pop(id, None)
        self._inhabitants.forget(id)
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

    def _give_up(self) -> None:
        """Let go of what nobody claimed within the patience: systemd units, other managers' cgroups."""
        horizon = self._clock() - self._patience
        while self._waiting:
            id, since = next(iter(self._waiting.items()))
            if since > horizon:
                break
            del self._waiting[id]
            self._inhabitants.forget(id)
            self._sampler.remove(id)
        while self._ended and next(iter(self._ended.values())).time < horizon:
            self._ended.popitem(last=False)
