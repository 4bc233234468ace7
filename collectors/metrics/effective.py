"""Limits in force: a container's own, or what its ancestors leave of them."""

from __future__ import annotations

import math
import os
import time
import zlib
from collections.abc import Callable, Iterator
from typing import NamedTuple

from collectors.cgroups import v1, v2
from collectors.cgroups.procs import content_of
from collectors.metrics import catalogue
from collectors.metrics.catalogue import INDEX
from collectors.metrics.cpuset import members
from collectors.metrics.plan import Census, Host, Pids
from collectors.metrics.rows import Value
from runtime.linux.errors import NotSupported
from runtime.linux.hierarchies import Hierarchies

_OWN_CORES = INDEX[catalogue.CPU_LIMIT_CORES]
_CORES = INDEX[catalogue.CPU_EFFECTIVE_CORES]
_OWN_MEMORY = INDEX[catalogue.SPEC_MEMORY_LIMIT]
_MEMORY = INDEX[catalogue.SPEC_MEMORY_EFFECTIVE_LIMIT]
_WORKING_SET = INDEX[catalogue.MEMORY_WORKING_SET]
_RATIO = INDEX[catalogue.MEMORY_LIMIT_RATIO]
_FAMILIES = (
    catalogue.CPU_EFFECTIVE_CORES,
    catalogue.SPEC_MEMORY_EFFECTIVE_LIMIT,
    catalogue.MEMORY_LIMIT_RATIO,
)

# What ancestors allow is looked up again after so many seconds.
_GOOD = 60.0


class Limits(NamedTuple):
    """Bytes and cores; infinity where nothing limits them."""

    memory: float
    cores: float


_MEMORY_FILES: dict[int, tuple[str, Callable[[bytes], int]]] = {
    1: ("memory.limit_in_bytes", v1.byte_limit),
    2: ("memory.max", v2.limit),
}
_CPUS_FILES = {1: "cpuset.effective_cpus", 2: "cpuset.cpus.effective"}
_NONE = Limits(math.inf, math.inf)


class Effective:
    """What the ancestors of each container, and the CPUs it may run on, leave of its own limits.

    A pass looks into memory alone; once a minute for each container its cpuset is read, and its ancestors'
    limits, which siblings share.
    """

    def __init__(self, host: Host, clock: Callable[[], float] = time.monotonic) -> None:
        self._read = Ancestry(host.hierarchies, host.sys)
        self._clock = clock
        self._known: dict[str, tuple[float, Limits]] = {}

    def census(self) -> Census:
        """As a collector offers it."""
        return Census(_FAMILIES, self.tell, self.forget)

    def tell(self, id: str, pids: Pids, values: list[Value]) -> None:
        """Fill in the least of the container's own limits, which stand in the row already, and the others."""
        due, (memory, cores) = self._known.get(id, (0.0, _NONE))
        now = self._clock()
        if now >= due:
            memory, cores = self._look(id, now)
        if isinstance(own := values[_OWN_CORES], float) and own < cores:
            cores = own
        values[_CORES] = cores
        if isinstance(limit := values[_OWN_MEMORY], int) and 0 < limit < memory:
            memory = limit
        if memory < math.inf:
            values[_MEMORY] = int(memory)
            if isinstance(working_set := values[_WORKING_SET], int):
                values[_RATIO] = working_set / memory

    def forget(self, id: str) -> None:
        """A container is no longer read."""
        self._known.pop(id, None)

    def _look(self, id: str, now: float) -> Limits:
        """Find out anew; the first time spreads the containers over the minute."""
        good = _GOOD if id in self._known else _GOOD / 2 * (1 + zlib.crc32(os.fsencode(id)) % 512 / 512)
        above = self._read.above(id, now)
        found = Limits(above.memory, min(above.cores, self._read.cpus(id)))
        self._known[id] = (now + good, found)
        return found


class Ancestry:
    """Limits as the directories of cgroups say them. What has no such file, as the root, limits nothing."""

    def __init__(self, hierarchies: Hierarchies, sys: str) -> None:
        self._hierarchies = hierarchies
        self._sys = sys
        self._known: dict[str, Limits] = {}
        self._due = 0.0

    def above(self, path: str, now: float) -> Limits:
        """The least of all limits of a cgroup's ancestors, no older than a minute."""
        if now >= self._due:
            self._known.clear()
            self._due = now + _GOOD
        return _NONE if path == "/" else self._least(os.path.dirname(path))

    def cpus(self, path: str) -> int:
        """How many CPUs a cgroup may run on: as it, else its nearest ancestor with a cpuset, else the host says."""
        if (cpuset := self._hierarchies.of("cpuset")) is not None:
            for cgroup in _lineage(path):
                if allowed := self._content("cpuset", cgroup, _CPUS_FILES[cpuset.version]).strip():
                    return len(members(allowed))
        return len(members(content_of(f"{self._sys}/devices/system/cpu/online"))) or os.cpu_count() or 1

    def _least(self, path: str) -> Limits:
        """The least of the limits of a cgroup and its ancestors."""
        if path == "/":
            return _NONE
        known = self._known.get(path)
        if known is None:
            memory, cores = self._least(os.path.dirname(path))
            known = Limits(min(memory, self._memory(path)), min(cores, self._quota(path)))
            self._known[path] = known
        return known

    def _memory(self, path: str) -> float:
        if (memory := self._hierarchies.of("memory")) is None:
            return math.inf
        name, read = _MEMORY_FILES[memory.version]
        content = self._content("memory", path, name)
        return (read(content) if content else 0) or math.inf

    def _quota(self, path: str) -> float:
        """Cores."""
        if (cpu := self._hierarchies.of("cpu")) is None:
            return math.inf
        if cpu.version == 2:
            content = self._content("cpu", path, "cpu.max")
            quota, period = v2.quota(content) if content else (0, 1)
        else:
            quota = int(self._content("cpu", path, "cpu.cfs_quota_us") or 0)
            period = int(self._content("cpu", path, "cpu.cfs_period_us") or 1) if quota > 0 else 1
        return quota / period if quota > 0 else math.inf

    def _content(self, controller: str, path: str, name: str) -> bytes:
        """One file, b"" where it does not exist or is not mounted."""
        try:
            return content_of(f"{self._hierarchies.directory(controller, path)}/{name}")
        except NotSupported:
            return b""


def _lineage(path: str) -> Iterator[str]:
    """A cgroup and its ancestors, the root last."""
    while path != "/":
        yield path
        path = os.path.dirname(path)
    yield path
