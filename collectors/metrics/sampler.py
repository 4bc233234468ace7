"""Reads every container when asked: one pass over cgroups and /proc, in slices that leave the loop free."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping

from collectors.cgroups.procs import pids_in
from collectors.cgroups.reader import Descriptors
from collectors.metrics.filesystem.options import DEFAULT, DiskOptions
from collectors.metrics.gather import Gatherer, Vanished
from collectors.metrics.plan import Host
from collectors.metrics.rows import Reading, Row
from collectors.metrics.survey import Subject
from collectors.metrics.target import ROOT, Target
from collectors.model import Entry
from runtime.linux.hierarchies import Hierarchies

# A reading younger than this serves the next scrape too; older ones would bend rate().
_REUSE = 0.1
# A container whose cgroup has gone but that nobody removed is looked for again after so many seconds.
_LOOK_AGAIN = 60.0
# The loop is held no longer than this at a time.
_SLICE = 0.004


class Sampler:
    """All containers that are read, and the reading of them.

    `collectors` switches collectors off by name; `descriptor_budget` is how many descriptors may be kept
    open, None for what the limit on open files leaves; `disk` is what looking at file systems may cost. To be used from one event loop, and closed.
    """

    def __init__(
        self,
        hierarchies: Hierarchies,
        *,
        proc: str = "/proc",
        sys: str = "/sys",
        collectors: Mapping[str, bool] | None = None,
        descriptor_budget: int | None = None,
        disk: DiskOptions = DEFAULT,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._hierarchies = hierarchies
        self._clock = clock
        self.descriptors = Descriptors(descriptor_budget)
        host = Host(hierarchies, proc, sys, collectors or {}, disk)
        self._gatherer = Gatherer(host, self.descriptors, self._is_told)
        self._lock = asyncio.Lock()
        self._last: Reading | None = None
        self._last_at = float("-inf")
        self._errors = dict(self._gatherer.errors)
        self._targets: dict[str, Target] = {}
        root = self.track(ROOT)
        root.labels = f'id="{ROOT}"'
        for survey in self._gatherer.surveys.values():
            survey.start(self._subjects)

    def close(self) -> None:
        """Close every descriptor."""
        for id in list(self._targets):
            self.remove(id)
        self._gatherer.close()

    def track(self, id: str, pid: int = 0) -> Target:
        """Know a cgroup by its path alone, so that it can have a final reading; it is in no pass yet."""
        target = self._targets.get(id)
        if target is None:
            target = self._targets[id] = Target(id)
        if pid and pid != target.pid:
            target.pid = pid
            target.due = target.wait = 0.0
        return target

    def add(self, entry: Entry, labels: str) -> None:
        """Read this container in each pass, under these labels; again when anything about it changed.

        One without a cgroup of its own, or without one yet, is not read.
        """
        if entry.container.id in ("", ROOT):
            return
        target = self.track(entry.container.id, entry.pid)
        target.labels = labels
        target.pid_start = entry.pid_start
        target.created_at = entry.container.created_at
        target.started_at = entry.container.started_at
        target.network = entry.network
        target.gone = False
        target.due = target.wait = 0.0

    def remove(self, id: str) -> None:
        """Forget a container and close its descriptors; one that is not known is forgotten already."""
        target = self._targets.pop(id, None)
        if target is not None:
            # A pass under way may still have it ahead.
            target.labels = None
            self._gatherer.release(target)

    def processes(self, id: str) -> list[int]:
        """Pids in the container's cgroup; empty when it is gone."""
        return pids_in(self._hierarchies, id)

    def read_one(self, id: str) -> Row | None:
        """The final reading of a container, at once; None when it is not known or its cgroup has gone."""
        target = self._targets.get(id)
        if target is None:
            return None
        self._gatherer.begin()
        try:
            return self._gatherer.row(target, self._clock(), final=True)
        except Vanished:
            return None

    async def read(self) -> Reading:
        """All rows, now. Who asks while a reading runs gets that one; one of the last 100 ms is reused."""
        asked_after = self._last
        async with self._lock:
            fresh = time.monotonic() - self._last_at < _REUSE
            if self._last is None or not (fresh or self._last is not asked_after):
                started = time.monotonic()
                self._last = await self._read()
                self._last_at = started
            return self._last

    async def _read(self) -> Reading:
        gatherer = self._gatherer
        now = self._clock()
        rows: list[Row] = []
        vanished = 0
        costs = dict(gatherer.costs)
        gatherer.begin()
        slice_end = time.perf_counter() + _SLICE
        for target in list(self._targets.values()):
            if target.labels is None or (target.gone and time.perf_counter() < target.due):
                continue
            try:
                rows.append(gatherer.row(target, now))
                target.gone = False
            except Vanished:
                vanished += not target.gone
                target.gone = True
                target.due = time.perf_counter() + _LOOK_AGAIN
            if time.perf_counter() > slice_end:
                await asyncio.sleep(0)
                now = self._clock()
                gatherer.begin()
                slice_end = time.perf_counter() + _SLICE
        gatherer.surveyed()
        before, self._errors = self._errors, dict(gatherer.errors)
        return Reading(
            time=now,
            rows=rows,
            durations={name: cost - costs[name] for name, cost in gatherer.costs.items()},
            errors={
                name: count - before[name] for name, count in self._errors.items() if count > before[name]
            },
            vanished=vanished,
        )

    def support(self) -> dict[str, str]:
        """Collectors that are switched on: "" for one that the host supports, else the reason why not."""
        return dict(self._gatherer.reasons)

    def troubles(self) -> dict[str, str]:
        """Surveys whose figures are missing at the moment, and why."""
        found = {name: survey.trouble() for name, survey in self._gatherer.surveys.items()}
        return {name: trouble for name, trouble in found.items() if trouble}

    def _is_told(self, id: str) -> bool:
        """Whether a cgroup has a row of its own."""
        target = self._targets.get(id)
        return target is not None and target.labels is not None

    def _subjects(self) -> list[Subject]:
        return [
            Subject(target.id, target.pid, target.pid_start, target.network)
            for target in list(self._targets.values())
            if target.labels is not None and not target.gone
        ]
